//! Answers that only the subject tells.
//!
//! What: [`answer_of`], from `Accepted: …` in the languages of the calendar programs (`subjects.tsv`) to an answer: what remains
//! where a gateway took the calendar away. Not here: recording it; it is a suggestion, below a calendar. Called by:
//! `replies::read`. Can fail: nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::calendar::PartStat;
use crate::replies::lexicon::folded;

const TABLE: &str = include_str!("subjects.tsv");

static PREFIXES: LazyLock<HashMap<String, PartStat>> = LazyLock::new(|| {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| {
            let mut cells = line.split('\t').skip(2);
            Some((PartStat::parse(cells.next()?)?, folded(cells.next()?)))
        })
        .map(|(answer, prefix)| (prefix, answer))
        .collect()
});

/// The answer and the words before the colon.
pub(in crate::replies) fn answer_of(subject: &str) -> Option<(PartStat, String)> {
    let end = subject.find([':', '\u{ff1a}', '\u{2024}'])?;
    if end > 120 {
        return None;
    }
    let prefix = folded(&subject[..end]);
    let prefix = prefix.trim_start_matches(['[', '(', '"']).trim();
    PREFIXES.get(prefix).map(|answer| (*answer, prefix.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::{TABLE, answer_of};
    use crate::calendar::PartStat;
    use crate::replies::lexicon::folded;

    #[test]
    fn no_prefix_means_two_answers() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        let mut languages = HashSet::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let cells: Vec<_> = line.split('\t').collect();
            assert_eq!(cells.len(), 4, "{line}");
            assert!(PartStat::parse(cells[2]).is_some(), "{line}");
            let other = seen.insert(folded(cells[3]), cells[2]);
            assert!(other.is_none_or(|other| other == cells[2]), "{line}");
            if cells[1] == "thunderbird" {
                languages.insert(cells[0]);
            }
        }
        assert!(languages.len() >= 50, "{}", languages.len());
    }

    #[test]
    fn subjects_suggest_an_answer() {
        for (subject, expected) in [
            ("Accepted: Briefing", PartStat::Accepted),
            ("Event accepted: New Event", PartStat::Accepted),
            ("Accept\u{e9}e\u{a0}: Briefing", PartStat::Accepted),
            ("Invitation refus\u{e9}e : Briefing", PartStat::Declined),
            ("\u{5df2}\u{63a5}\u{53d7}\u{ff1a}Briefing", PartStat::Accepted),
            ("R\u{e9}union accept\u{e9}e : Invitation: Briefing", PartStat::Accepted),
            ("Mit Vorbehalt: Briefing", PartStat::Tentative),
            // Zimbra's are imperatives.
            ("Accept: Briefing", PartStat::Accepted),
            ("\u{c0} confirm\u{e9} : Briefing", PartStat::Tentative),
            ("\u{41e}\u{442}\u{43a}\u{43b}\u{43e}\u{43d}\u{438}\u{442}\u{44c}: Briefing", PartStat::Declined),
            ("\u{642}\u{628}\u{648}\u{644}: Briefing", PartStat::Accepted),
            ("\u{62d2}\u{7edd}: Briefing", PartStat::Declined),
        ] {
            assert_eq!(answer_of(subject).map(|(answer, _)| answer), Some(expected), "{subject}");
        }
        assert_eq!(answer_of("Re: Accepted: Briefing"), None);
        assert_eq!(answer_of("Accepted papers"), None);
    }
}
