//! Lexicon of many languages, found in one pass.
//!
//! What: [`Lexicon`], a table `language TAB mark TAB phrase` as one automaton, and [`folded`], the form under which text and
//! phrases meet. Not here: what a mark means (`absence`, `letter`). Called by: both. Can fail: nothing; that the tables that are
//! compiled in can be read is tested.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

/// A table of phrases.
#[derive(Debug)]
pub(super) struct Lexicon {
    automaton: AhoCorasick,
    marks: Vec<&'static str>,
}

/// One phrase that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// The mark of its row.
    pub(super) mark: &'static str,
    /// Octets of the folded text.
    pub(super) range: Range<usize>,
}

impl Lexicon {
    /// Reads a table; lines that begin with `#` are comments.
    pub(super) fn new(table: &'static str) -> Self {
        Self::of(rows(table))
    }

    /// From some rows of a table.
    pub(super) fn of(rows: Vec<[&'static str; 3]>) -> Self {
        let phrases: Vec<String> = rows.iter().map(|row| folded(row[2])).collect();
        let marks = rows.iter().map(|row| row[1]).collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&phrases)
            .expect("the tables are small, and a test reads them");
        Self { automaton, marks }
    }

    /// All phrases in a folded text, none within another, words only as a whole.
    pub(super) fn find(&self, text: &str) -> Vec<Hit> {
        self.automaton
            .find_iter(text)
            .filter(|found| is_whole(text, found.range()))
            .map(|found| Hit { mark: self.marks[found.pattern()], range: found.range() })
            .collect()
    }
}

/// The rows of a table, three cells each.
pub(super) fn rows(table: &'static str) -> Vec<[&'static str; 3]> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some([cells.next()?, cells.next()?, cells.next()?])
        })
        .collect()
}

/// Whether no letter stands before or after; scripts without blanks between words have no such edges.
fn is_whole(text: &str, range: Range<usize>) -> bool {
    let runs_on = |inner: Option<char>, outer: Option<char>| {
        let is_word = |c: char| c.is_alphanumeric() && !has_no_blanks(c);
        inner.is_some_and(is_word) && outer.is_some_and(is_word)
    };
    // Arabic and Hebrew join `and`, `to` and `the` to the word that follows.
    let joins = |c: char| matches!(u32::from(c), 0x0590..=0x06FF);
    let found = &text[range.clone()];
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let is_cut_before = runs_on(found.chars().next(), before) && !before.is_some_and(joins);
    !is_cut_before && !runs_on(found.chars().next_back(), after)
}

/// Chinese, Japanese, Thai and Korean (whose particles join the word).
fn has_no_blanks(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF)
}

/// Lower case, one kind of apostrophe and quotation mark, single blanks, without marks that change no word.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut is_blank = true;
    for c in text.chars() {
        let c = match c {
            '\u{2019}' | '\u{2018}' | '\u{02bc}' | '\u{0060}' | '\u{00b4}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{00ab}' | '\u{00bb}' => '"',
            '\u{2013}' | '\u{2014}' | '\u{2011}' | '\u{2010}' => '-',
            // Marks of direction, joiners, soft hyphens, tatweel and short vowels.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' => {
                continue;
            }
            '\u{0640}' | '\u{064b}'..='\u{0652}' => continue,
            '\u{0451}' => '\u{0435}',
            '\u{0401}' => '\u{0435}',
            // Digits of Arabic and of full width.
            '\u{0660}'..='\u{0669}' => digit(c, 0x0660),
            '\u{06f0}'..='\u{06f9}' => digit(c, 0x06f0),
            '\u{ff10}'..='\u{ff19}' => digit(c, 0xff10),
            c => c,
        };
        if c.is_whitespace() {
            if !is_blank {
                folded.push(' ');
            }
            is_blank = true;
        } else {
            is_blank = false;
            if c.is_ascii() {
                folded.push(c.to_ascii_lowercase());
            } else {
                folded.extend(c.to_lowercase());
            }
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn digit(c: char, zero: u32) -> char {
    char::from_digit(u32::from(c).wrapping_sub(zero), 10).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::{Lexicon, folded, rows};

    const TABLE: &str = "# comment\nen\ta\tcannot\nen\tb\tattend\nzh\tc\t\u{51fa}\u{5e2d}\n";

    #[test]
    fn words_are_found_as_a_whole() {
        let lexicon = Lexicon::new(TABLE);
        let marks = |text: &str| lexicon.find(&folded(text)).iter().map(|hit| hit.mark).collect::<Vec<_>>();
        assert_eq!(marks("I CANNOT\u{a0} attend."), ["a", "b"]);
        assert_eq!(marks("attendance, cannots"), Vec::<&str>::new());
        assert_eq!(marks("\u{5c06}\u{51fa}\u{5e2d}\u{3002}"), ["c"]);
    }

    #[test]
    fn folding_keeps_nothing_that_is_no_word() {
        assert_eq!(folded(" L\u{2019}Arr\u{ca}t\u{ad}\r\n  \u{0661}\u{0662} "), "l'arr\u{ea}t 12");
        assert_eq!(rows(TABLE).len(), 3);
    }
}
