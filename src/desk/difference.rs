//! What is different between two versions of one message.
//!
//! What: [`difference`], word by word for subject and text, and fact by fact for the calendar entry.
//! Not here: where the earlier version comes from (`command`), how it is marked (`pages`). Words are those of Unicode
//! (UAX 29), so that Chinese is compared by its characters and not by its lines.
//! Called by: `pages`, `command`. Can fail: nothing.

use std::borrow::Cow;

use similar::{ChangeTag, TextDiff};
use unicode_segmentation::UnicodeSegmentation as _;

use super::pages::{Card, Fact};

/// Longer texts are compared by lines: comparing words takes time by their number times their differences.
const WORDS_OCTETS: usize = 200_000;

/// What a person is shown of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Decoded.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The calendar entry in words.
    pub calendar: Vec<Fact>,
}

impl Shown {
    /// What the pages show of it.
    pub fn of(card: &Card) -> Self {
        let (text, calendar) = card.view.as_ref().map(|v| (v.text.clone(), v.calendar.clone())).unwrap_or_default();
        Self { subject: card.subject.clone(), text, calendar }
    }
}

/// What became of some words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// They stand in both.
    Kept,
    /// They stand in the new one.
    Added,
    /// They stood in the old one.
    Removed,
}

/// Words next to each other with one fate. Those kept and added, in their order, make the new text; those kept and removed
/// the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Their fate.
    pub change: Change,
    /// The words with the blanks between them.
    pub words: String,
}

/// One fact of the calendar entry that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactChange {
    /// `When`, `Where`.
    pub name: &'static str,
    /// Word by word.
    pub runs: Vec<Run>,
}

/// What [`difference`] finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Of the subject; all of it kept where nothing changed.
    pub subject: Vec<Run>,
    /// Of the plain text, the same way.
    pub text: Vec<Run>,
    /// Facts that changed, came or went; none where the entry is as it was.
    pub calendar: Vec<FactChange>,
}

impl Difference {
    /// Whether a reader would see none.
    pub fn is_none(&self) -> bool {
        self.calendar.is_empty() && self.subject.iter().chain(&self.text).all(|run| run.change == Change::Kept)
    }
}

/// Compares what was shown with what is to be shown.
pub fn difference(old: &Shown, new: &Shown) -> Difference {
    Difference {
        subject: runs(&old.subject, &new.subject),
        text: runs(&lines(&old.text), &lines(&new.text)),
        calendar: facts(&old.calendar, &new.calendar),
    }
}

/// Line ends are no difference.
fn lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text.into() }
}

fn runs(old: &str, new: &str) -> Vec<Run> {
    let is_long = old.len() + new.len() > WORDS_OCTETS;
    let pieces = |text| if is_long { str::split_inclusive(text, '\n').collect() } else { words(text) };
    let (old, new): (Vec<&str>, Vec<&str>) = (pieces(old), pieces(new));
    let diff = TextDiff::from_slices(&old, &new);
    let mut runs: Vec<Run> = Vec::new();
    for part in diff.iter_all_changes() {
        let change = match part.tag() {
            ChangeTag::Equal => Change::Kept,
            ChangeTag::Insert => Change::Added,
            ChangeTag::Delete => Change::Removed,
        };
        match runs.last_mut() {
            Some(run) if run.change == change => run.words.push_str(part.value()),
            _ => runs.push(Run { change, words: part.value().to_owned() }),
        }
    }
    joined(runs)
}

/// A word alone between two changes is read with them: one new sentence, not a mosaic of two.
fn joined(runs: Vec<Run>) -> Vec<Run> {
    let mut joined = Vec::with_capacity(runs.len());
    let (mut removed, mut added) = (String::new(), String::new());
    let mut runs = runs.into_iter().peekable();
    while let Some(Run { change, words: text }) = runs.next() {
        match change {
            Change::Removed => removed.push_str(&text),
            Change::Added => added.push_str(&text),
            Change::Kept => {
                let is_between = !removed.is_empty() && !added.is_empty() && runs.peek().is_some();
                if is_between && is_slight(&text) {
                    removed.push_str(&text);
                    added.push_str(&text);
                    continue;
                }
                flush(&mut removed, &mut added, &mut joined);
                joined.push(Run { change, words: text });
            }
        }
    }
    flush(&mut removed, &mut added, &mut joined);
    joined
}

fn flush(removed: &mut String, added: &mut String, runs: &mut Vec<Run>) {
    for (change, words) in [(Change::Removed, removed), (Change::Added, added)] {
        if !words.is_empty() {
            runs.push(Run { change, words: std::mem::take(words) });
        }
    }
}

/// No more than a word, within a line.
fn is_slight(text: &str) -> bool {
    !text.contains('\n') && text.unicode_words().nth(1).is_none()
}

/// Words and what stands between them; a time (`15:00`) is one word.
fn words(text: &str) -> Vec<&str> {
    let is_digits = |piece: &str| piece.bytes().all(|b| b.is_ascii_digit());
    let mut words: Vec<&str> = Vec::new();
    // Where the last word begins, and whether it is digits, or digits and a colon.
    let (mut start, mut is_open) = (0, false);
    for (at, piece) in text.split_word_bound_indices() {
        let goes_on = is_open && (piece == ":" || is_digits(piece));
        if goes_on {
            words.pop();
        } else {
            start = at;
        }
        words.push(&text[start..at + piece.len()]);
        is_open = goes_on || is_digits(piece);
    }
    words
}

/// Facts of the same name are taken in their order: the second attendee with the second.
fn facts(old: &[Fact], new: &[Fact]) -> Vec<FactChange> {
    let of = |facts: &[Fact], name: &str, place: usize| {
        facts.iter().filter(|(n, _)| *n == name).nth(place).map(|(_, value)| value.clone())
    };
    let place_of = |facts: &[Fact], at: usize| facts[..at].iter().filter(|(n, _)| *n == facts[at].0).count();
    let mut changes = Vec::new();
    for (at, (name, value)) in new.iter().enumerate() {
        let before = of(old, name, place_of(new, at)).unwrap_or_default();
        if before != *value {
            changes.push(FactChange { name, runs: runs(&before, value) });
        }
    }
    for (at, (name, value)) in old.iter().enumerate() {
        if of(new, name, place_of(old, at)).is_none() {
            changes.push(FactChange { name, runs: runs(value, "") });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Change, Shown, difference};

    fn shown(subject: &str, text: &str, calendar: &[(&'static str, &str)]) -> Shown {
        let calendar = calendar.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Shown { subject: subject.to_owned(), text: text.to_owned(), calendar }
    }

    fn marked(runs: &[super::Run]) -> String {
        runs.iter()
            .map(|run| match run.change {
                Change::Kept => run.words.clone(),
                Change::Added => format!("[+{}]", run.words),
                Change::Removed => format!("[-{}]", run.words),
            })
            .collect()
    }

    #[test]
    fn words_are_kept_added_and_removed() {
        let old = shown("Invitation: Gala", "We begin at 15:00.\r\nCome.", &[]);
        let new = shown("Change: Gala", "We begin at 16:30.\nCome.", &[]);
        let found = difference(&old, &new);
        assert_eq!(marked(&found.subject), "[-Invitation][+Change]: Gala");
        assert_eq!(marked(&found.text), "We begin at [-15:00][+16:30].\nCome.");
        assert!(found.calendar.is_empty() && !found.is_none());
    }

    #[test]
    fn a_sentence_that_is_another_one_is_no_mosaic() {
        let of = |old, new| marked(&difference(&shown("", old, &[]), &shown("", new, &[])).text);
        assert_eq!(
            of("to invite its guests to the ball", "to inform it that of the ball"),
            "to [-invite its guests to][+inform it that of] the ball"
        );
        // A word that is alone between additions stays where it is.
        assert_eq!(of("to Bern", "on to old Bern"), "[+on ]to [+old ]Bern");
        assert_eq!(of("Room 2\nat 3\n", "Room 4\nat 5\n"), "Room [-2][+4]\nat [-3][+5]\n");
    }

    #[test]
    fn chinese_is_compared_by_words_and_not_by_lines() {
        let found = difference(&shown("", "时间：下午3时至4时", &[]), &shown("", "时间：下午5时至4时", &[]));
        assert_eq!(marked(&found.text), "时间：下午[-3][+5]时至4时");
    }

    #[test]
    fn facts_are_compared_by_name_and_order() {
        let old =
            shown("", "", &[("When", "Friday, 15:00"), ("Where", "Room 2"), ("Attendee", "a"), ("Attendee", "b")]);
        let new = shown("", "", &[("When", "Friday, 16:00"), ("Attendee", "a"), ("Attendee", "c"), ("Page", "p")]);
        let found: Vec<_> = difference(&old, &new).calendar.iter().map(|c| (c.name, marked(&c.runs))).collect();
        let found: Vec<_> = found.iter().map(|(name, runs)| (*name, runs.as_str())).collect();
        assert_eq!(
            found,
            [("When", "Friday, [-15:00][+16:00]"), ("Attendee", "[-b][+c]"), ("Page", "[+p]"), ("Where", "[-Room 2]")]
        );
    }

    #[test]
    fn equal_versions_have_no_difference() {
        let one = shown("s", "t", &[("What", "w")]);
        assert!(difference(&one, &one).is_none());
        assert!(difference(&Shown::default(), &Shown::default()).is_none());
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_out_of_the_runs(old in any::<String>(), new in any::<String>()) {
            let found = difference(&shown(&old, "", &[]), &shown(&new, "", &[]));
            let of = |not: Change| found.subject.iter().filter(|r| r.change != not).map(|r| r.words.as_str()).collect::<String>();
            prop_assert_eq!(of(Change::Added), old);
            prop_assert_eq!(of(Change::Removed), new);
        }
    }
}
