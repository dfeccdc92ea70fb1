//! A name as somebody types it, found among many.
//!
//! What: [`Search`], which is offered every name once and keeps what fits: equal whatever case, accents and punctuation, else
//! containing what was typed, else near it. Names are long (`Permanent Mission of … to the United Nations`) and what is typed
//! is short, so nearness is that of the best passage within a name (Sellers, 1980).
//! Not here: where names come from (`io::store`). Called by: `io::store`, `command`. Can fail: nothing.

use super::fold::fold;

/// Names that are shown where several fit or none does.
const SHOWN: usize = 6;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The name that is meant.
    One(String),
    /// Several fit; the first of them, and how many there are.
    Several(Vec<String>, u64),
    /// None fits; the nearest, which may be none.
    Nobody(Vec<String>),
}

/// A search that goes on.
#[derive(Clone, Debug)]
pub struct Search {
    typed: String,
    wanted: Vec<char>,
    equal: Vec<String>,
    within: Vec<String>,
    all_within: u64,
    near: Vec<(usize, String)>,
}

impl Search {
    /// For what was typed.
    pub fn new(typed: &str) -> Self {
        let typed = typed.trim();
        let wanted = fold(typed).chars().collect();
        Self { typed: typed.to_owned(), wanted, equal: Vec::new(), within: Vec::new(), all_within: 0, near: Vec::new() }
    }

    /// Looks at one name; each is to be offered once.
    pub fn offer(&mut self, name: &str) {
        if self.wanted.is_empty() {
            return;
        }
        let folded = fold(name);
        let wanted: String = self.wanted.iter().collect();
        if folded == wanted {
            self.equal.push(name.to_owned());
        } else if folded.contains(&wanted) {
            self.all_within += 1;
            if self.within.len() < SHOWN {
                self.within.push(name.to_owned());
            }
        } else if self.equal.is_empty() && self.within.is_empty() {
            // A third of what was typed may be wrong, but never all of it.
            let most = self.wanted.len() / 3;
            let edits = edits_within(&self.wanted, &folded);
            if edits <= most && self.near.last().is_none_or(|(worst, _)| self.near.len() < SHOWN || edits < *worst) {
                self.near.push((edits, name.to_owned()));
                self.near.sort();
                self.near.truncate(SHOWN);
            }
        }
    }

    /// What all that was offered comes to.
    pub fn end(self) -> Found {
        let Self { typed, mut equal, mut within, all_within, near, .. } = self;
        if equal.len() == 1 {
            return Found::One(equal.swap_remove(0));
        }
        if !equal.is_empty() {
            // Names that differ in case alone: the one that was typed to the letter, if there is one.
            let count = equal.len() as u64;
            return match equal.iter().position(|name| *name == typed) {
                Some(at) => Found::One(equal.swap_remove(at)),
                None => {
                    equal.truncate(SHOWN);
                    Found::Several(equal, count)
                }
            };
        }
        match all_within {
            0 => Found::Nobody(near.into_iter().map(|(_, name)| name).collect()),
            1 => Found::One(within.swap_remove(0)),
            n => Found::Several(within, n),
        }
    }
}

/// The fewest edits that make `wanted` out of any passage of `text`.
fn edits_within(wanted: &[char], text: &str) -> usize {
    // One column of the table for each character of the text; a passage may begin anywhere at no cost.
    let mut column: Vec<usize> = (0..=wanted.len()).collect();
    let mut best = wanted.len();
    for c in text.chars() {
        let mut corner = 0;
        for (row, w) in wanted.iter().enumerate() {
            let next = (corner + usize::from(*w != c)).min(column[row] + 1).min(column[row + 1] + 1);
            corner = std::mem::replace(&mut column[row + 1], next);
        }
        best = best.min(column[wanted.len()]);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{Found, Search};

    const NAMES: [&str; 6] = [
        "Permanent Mission of the Principality of Liechtenstein to the United Nations",
        "Permanent Mission of the Republic of Guinea to the United Nations",
        "Permanent Mission of the Republic of Guinea-Bissau to the United Nations",
        "Permanent Mission of the Republic of Côte d’Ivoire to the United Nations",
        "ARTICLE 19",
        "Article 19",
    ];

    fn find(typed: &str) -> Found {
        let mut search = Search::new(typed);
        NAMES.into_iter().for_each(|name| search.offer(name));
        search.end()
    }

    #[test]
    fn a_name_is_found_by_a_part_of_it_whatever_case_and_accents() {
        for (typed, at) in [("liechtenstein", 0), ("COTE D'IVOIRE", 3), ("guinea  to", 1), ("guinea-bissau", 2)] {
            assert_eq!(find(typed), Found::One(NAMES[at].to_owned()), "{typed}");
        }
        assert_eq!(find(NAMES[1]), Found::One(NAMES[1].to_owned()));
    }

    #[test]
    fn several_are_named_and_nothing_is_guessed() {
        let guineas = vec![NAMES[1].to_owned(), NAMES[2].to_owned()];
        assert_eq!(find("guinea"), Found::Several(guineas, 2));
        assert_eq!(find("article 19"), Found::Several(vec![NAMES[4].to_owned(), NAMES[5].to_owned()], 2));
        assert_eq!(find("ARTICLE 19"), Found::One(NAMES[4].to_owned()));
    }

    #[test]
    fn the_nearest_is_named_for_what_is_mistyped() {
        assert_eq!(find("Lichtenstien"), Found::Nobody(vec![NAMES[0].to_owned()]));
        assert_eq!(find("Switzerland"), Found::Nobody(Vec::new()));
        assert_eq!(find(" "), Found::Nobody(Vec::new()));
    }
}
