//! Tables of phrases, searched all at once.
//!
//! What: [`Phrases`], which finds the first group of a table that has a phrase in a text; [`folded`], the form in which texts are
//! searched. Not here: the tables (`notices.toml`, `phrases.toml`), what they mean (`bounce`, `diagnosis`).
//! Called by: both. Can fail: nothing; that the tables can be read is tested.

use aho_corasick::{AhoCorasick, MatchKind};

/// Octets between two pieces of a phrase: what stands farther apart belongs to different sentences.
const WIDEST_GAP: usize = 100;

/// Groups of phrases; a phrase is a chain of pieces that follow each other.
#[derive(Debug)]
pub(super) struct Phrases {
    /// Finds first pieces.
    search: AhoCorasick,
    /// For each first piece: its group and the pieces that must follow.
    chains: Vec<(usize, Vec<String>)>,
}

impl Phrases {
    /// From the phrases of each group, the most important group first.
    pub(super) fn new<'t>(groups: impl IntoIterator<Item = &'t [String]>) -> Self {
        let mut firsts = Vec::new();
        let mut chains = Vec::new();
        for (number, phrases) in groups.into_iter().enumerate() {
            for phrase in phrases {
                let phrase = phrase.to_lowercase();
                let mut pieces = phrase.split('*').map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned);
                if let Some(first) = pieces.next() {
                    // A phrase's own blanks at its ends are meant, where it is one piece.
                    firsts.push(if phrase.contains('*') { first } else { phrase.clone() });
                    chains.push((number, pieces.collect()));
                }
            }
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&firsts)
            .expect("a table of some thousand short phrases is within the library's limits");
        Self { search, chains }
    }

    /// The number of the first group with a phrase in the text, which is [`folded`].
    pub(super) fn first(&self, text: &str) -> Option<usize> {
        let mut best: Option<usize> = None;
        for found in self.search.find_overlapping_iter(text) {
            let (group, rest) = &self.chains[found.pattern().as_usize()];
            if best.is_some_and(|best| best <= *group) {
                continue;
            }
            if follow(&text[found.end()..], rest) {
                best = Some(*group);
                if *group == 0 {
                    break;
                }
            }
        }
        best
    }

    /// Whether any phrase is in the text.
    pub(super) fn any(&self, text: &str) -> bool {
        self.search.find_overlapping_iter(text).any(|found| {
            let (_, rest) = &self.chains[found.pattern().as_usize()];
            follow(&text[found.end()..], rest)
        })
    }
}

fn follow(mut text: &str, pieces: &[String]) -> bool {
    for piece in pieces {
        let mut window = text.len().min(WIDEST_GAP + piece.len());
        while !text.is_char_boundary(window) {
            window -= 1;
        }
        match text[..window].find(piece.as_str()) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// Lower case, blanks as one blank, straight apostrophes.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut is_blank = true;
    for c in text.chars() {
        if c.is_whitespace() {
            if !is_blank {
                folded.push(' ');
            }
            is_blank = true;
            continue;
        }
        is_blank = false;
        match c {
            '\u{2019}' | '\u{2018}' | '`' | '\u{b4}' => folded.push('\''),
            c if c.is_ascii() => folded.push(c.to_ascii_lowercase()),
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::{Phrases, folded};

    #[test]
    fn the_first_group_counts_and_chains_follow() {
        let groups = [vec!["user * unknown".to_owned()], vec!["unknown".to_owned()]];
        let phrases = Phrases::new(groups.iter().map(Vec::as_slice));
        assert_eq!(phrases.first(&folded("Unknown: User\r\n  ana is UNKNOWN")), Some(0));
        assert_eq!(phrases.first(&folded("unknown user")), Some(1));
        assert_eq!(phrases.first("nothing"), None);
    }
}
