//! In which manner a letter is written, and the phrases that belong to one manner only.
//!
//! What: [`Register`]; [`find`], which finds the phrases of notes verbales and of letters in a text (`phrases.toml`).
//! Source: UN Correspondence Manual, ST/DCS/4/Rev.1: a note verbale is in the third person, without salutation and close;
//! "presents its compliments" and "avails itself of this opportunity" stand in nothing else.
//! Not here: who may be written to in which register (`Kind::takes_notes_verbales`). Called by: `message`.
//! Can fail: nothing; a text in a language without phrases has none.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Match};
use serde::Deserialize;

use super::Language;

/// In which manner a letter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Register {
    /// Third person; to missions only.
    NoteVerbale,
    /// First person, `Excellency,` and `Accept, Excellency, the assurances of my highest consideration.`
    Formal,
    /// First person, `Dear Ms. Example,` and `Yours sincerely,`.
    Ordinary,
}

impl Register {
    /// Reads the word of a template's front matter; `letter` is another word for `ordinary`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "note-verbale" => Some(Self::NoteVerbale),
            "formal" => Some(Self::Formal),
            "ordinary" | "letter" => Some(Self::Ordinary),
            _ => None,
        }
    }

    /// The word in front matter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoteVerbale => "note-verbale",
            Self::Formal => "formal",
            Self::Ordinary => "ordinary",
        }
    }
}

/// A phrase that belongs to one manner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// As the text has it.
    pub words: String,
    /// The language of the phrase.
    pub language: &'static str,
    /// Whether notes verbales have it; otherwise letters.
    pub is_of_notes: bool,
    /// Lines before it in the text.
    pub line: usize,
    /// Characters before it in its line.
    pub column: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    language: String,
    of: Of,
    /// Only at the begin of a line.
    #[serde(default)]
    begins: bool,
    words: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Of {
    Note,
    Letter,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    phrase: Vec<Row>,
}

static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("phrases.toml")).expect("the table that is compiled in is sound"));

/// All phrases of the table at once, each with its row.
static SEARCH: LazyLock<(AhoCorasick, Vec<usize>)> = LazyLock::new(|| {
    let of_row = |(at, row): (usize, &'static Row)| row.words.iter().map(move |words| (folded(words), at));
    let (phrases, rows): (Vec<String>, Vec<usize>) = TABLE.phrase.iter().enumerate().flat_map(of_row).unzip();
    (AhoCorasick::new(phrases).expect("a few hundred phrases fit"), rows)
});

/// In small letters, with plain blanks and apostrophes; as many characters as before.
fn folded(text: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_whitespace() => ' ',
        '’' | 'ʼ' => '\'',
        c if c.is_ascii() => c.to_ascii_lowercase(),
        c => c.to_lowercase().next().unwrap_or(c),
    };
    text.chars().map(plain).collect()
}

/// Every phrase in a text, by the order of the table; `is_at_line_start` says whether its first character begins a line.
pub fn find(text: &str, is_at_line_start: bool) -> Vec<Phrase> {
    let (search, rows) = &*SEARCH;
    let folded = folded(text);
    let mut matches: Vec<_> = search.find_overlapping_iter(&folded).collect();
    matches.sort_by_key(|found| (found.pattern(), found.start()));
    let phrase = |found: &Match| {
        let row = &TABLE.phrase[rows[found.pattern().as_usize()]];
        // Folding keeps the number of characters, not that of octets.
        let octet = |folded: &str| text.char_indices().nth(folded.chars().count()).map_or(text.len(), |(at, _)| at);
        let (from, to) = (octet(&folded[..found.start()]), octet(&folded[..found.end()]));
        let before = &text[..from];
        (!row.begins || begins(before, is_at_line_start)).then(|| Phrase {
            words: text[from..to].trim().to_owned(),
            language: &row.language,
            is_of_notes: row.of == Of::Note,
            line: before.matches('\n').count(),
            column: before.chars().rev().take_while(|c| *c != '\n').count(),
        })
    };
    matches.iter().filter_map(phrase).collect()
}

/// Whether nothing but marks of Markdown, a tag or blanks stands before in the line.
fn begins(before: &str, is_at_line_start: bool) -> bool {
    let line_begins = before.rfind(['\n', '>']);
    let line = &before[line_begins.map_or(0, |at| at + 1)..];
    let is_whole_line = line_begins.is_some() || is_at_line_start;
    is_whole_line && line.chars().all(|c| c.is_whitespace() || matches!(c, '*' | '_' | '#'))
}

/// Whether a phrase in one language counts in a letter of another.
pub fn concerns(phrase: &Phrase, language: &Language) -> bool {
    phrase.language == language.base()
}

#[cfg(test)]
mod tests {
    use super::{Register, TABLE, find};
    use crate::people::Language;

    #[test]
    fn phrases_are_found_across_lines_and_where_they_stand() {
        let found = find("The Mission  of X presents\nits compliments.\n\n  **Dear Ms. X,**\n", true);
        let seen: Vec<(&str, bool, usize)> = found.iter().map(|p| (p.words.as_str(), p.is_of_notes, p.line)).collect();
        assert_eq!(seen, [("presents\nits compliments", true, 0), ("Dear", false, 3)]);
        assert!(find("our dear friends, and Sir, of course", true).is_empty());
        assert!(find("dear friends", false).is_empty() && find("<p>Dear friends", false).len() == 1);
        assert_eq!(find("L’Ambassade présente ses compliments", true)[0].column, 12);
    }

    #[test]
    fn both_manners_have_phrases_in_the_six_languages() {
        for language in Language::OFFICIAL {
            for of in [super::Of::Note, super::Of::Letter] {
                assert!(TABLE.phrase.iter().any(|row| row.language == language && row.of == of), "{language} {of:?}");
            }
        }
    }

    #[test]
    fn registers_are_read_by_their_words() {
        for register in [Register::NoteVerbale, Register::Formal, Register::Ordinary] {
            assert_eq!(Register::parse(register.as_str()), Some(register));
        }
        assert_eq!((Register::parse("letter"), Register::parse("casual")), (Some(Register::Ordinary), None));
    }
}
