//! What all answers of one entity come to.
//!
//! What: [`Position`], the projection of every answer and note of an entity, whose mailboxes may be several, to one
//! [`Participation`], a number of persons, what decided it, what contradicts it, and the whole history.
//! Rules (`manual/answers.md` says the same to users), in the order in which they are applied:
//!
//! 1. An answer that does not apply (nobody could be sure whose it was) is kept and shown; it changes nothing.
//! 2. An answer to a revision before the last that asked the entity anew (a material one, a reinstatement) counts no longer;
//!    nor does a reader's answer whose SEQUENCE is below that revision's (RFC 5546 section 2.1.5).
//! 3. Among a person's notes the latest holds, and holds against every reader: a reader's later answer that differs is
//!    shown as a conflict. A note of no answer sets the ledger to nothing: what was said before it counts no longer, what
//!    is said after it does.
//! 4. Of several answers of one mailbox the latest counts: by SEQUENCE, DTSTAMP, the time at which it was said, arrival.
//!    One without SEQUENCE answers what was asked last.
//! 5. Over the mailboxes: accepted before tentative before delegated before declined; that they differ is shown.
//! 6. Persons: the number of the note that holds; otherwise the sum over accepting mailboxes, one each unless they say more.
//!
//! Not here: SQL (`io::store`), what was reached (`standing`). Called by: `io::store`, `desk`, `command`. Can fail: nothing.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::Answer;
use crate::calendar::{PartStat, Sequence};
use crate::plan::Participation;

/// The last revision that asked the entity for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its number; answers to older ones count no longer.
    pub revision: u32,
    /// Its SEQUENCE.
    pub sequence: Sequence,
}

/// What became of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The entity's position follows from it.
    Decides,
    /// It agrees, or another mailbox's weighs more.
    Counts,
    /// A later one of the same mailbox, or a later note, took its place.
    Superseded,
    /// A person's note holds against it.
    Outranked,
    /// It answers an older object than the entity has (RFC 5546 section 2.1.5).
    Stale,
    /// The event has changed since, and the entity was asked again.
    Expired,
    /// It is not sure enough whose it is.
    NotApplied,
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decides => "holds",
            Self::Counts => "counts",
            Self::Superseded => "superseded",
            Self::Outranked => "outranked by a note",
            Self::Stale => "answers an older invitation",
            Self::Expired => "before the event changed",
            Self::NotApplied => "kept, not applied",
        })
    }
}

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Two mailboxes of the entity say different things.
    MailboxesDiffer {
        /// What holds.
        held: PartStat,
        /// What another one says.
        other: PartStat,
    },
    /// After a person's note something else came in.
    NoteContradicted {
        /// What the note says.
        note: PartStat,
        /// What came later.
        later: PartStat,
        /// When.
        said: Timestamp,
    },
    /// An answer to an older invitation came later.
    Stale {
        /// What it says.
        partstat: PartStat,
        /// When.
        said: Timestamp,
    },
    /// One mailbox said two things of the same moment.
    SameMoment {
        /// What holds.
        held: PartStat,
        /// What else it said.
        other: PartStat,
    },
    /// What came in could not be bound to the invitation.
    NotApplied {
        /// What it says.
        partstat: PartStat,
        /// When.
        said: Timestamp,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MailboxesDiffer { held, other } => {
                write!(f, "two mailboxes say different things: {} and {}", in_words(*held), in_words(*other))
            }
            Self::NoteContradicted { note, later, said } => write!(
                f,
                "a note says {}, but {} came in later ({said:.0}); note again what holds",
                in_words(*note),
                in_words(*later)
            ),
            Self::Stale { partstat, said } => {
                write!(f, "{} of {said:.0} answers an older invitation", in_words(*partstat))
            }
            Self::SameMoment { held, other } => {
                write!(f, "one mailbox said {} and {} at the same moment", in_words(*held), in_words(*other))
            }
            Self::NotApplied { partstat, said } => {
                write!(f, "{} of {said:.0} was not applied: it is not sure whose it is", in_words(*partstat))
            }
        }
    }
}

/// The words for a person.
pub fn in_words(partstat: PartStat) -> &'static str {
    match partstat {
        PartStat::NeedsAction => "no answer",
        PartStat::Accepted => "accepted",
        PartStat::Declined => "declined",
        PartStat::Tentative => "tentative",
        PartStat::Delegated => "delegated",
    }
}

/// Where an entity stands by what it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The one word; [`Participation::Silent`] where nothing was answered, whether it was reached or not.
    pub participation: Participation,
    /// Who will come: 0 unless accepted, or a note says it of a delegation.
    pub persons: u32,
    /// Who may come: of tentative entities.
    pub perhaps: u32,
    /// The answer from which the rest follows.
    pub decided_by: Option<Answer>,
    /// What a person should look at.
    pub conflicts: Vec<Conflict>,
    /// Every answer with what became of it, in the order in which they were said.
    pub history: Vec<(Answer, Weight)>,
}

impl Position {
    /// From every answer of one entity, in the order in which they were recorded; `asked` is the last revision that asked
    /// the entity.
    pub fn of(answers: &[Answer], asked: Asked) -> Self {
        let mut history: Vec<(Answer, Weight)> =
            answers.iter().map(|answer| (answer.clone(), Weight::Superseded)).collect();
        // Stable: what else is equal stays in the order of arrival.
        history.sort_by_key(|(answer, _)| (said(answer), answer.recorded));
        let mut conflicts = Vec::new();
        for (answer, weight) in &mut history {
            if !answer.applies {
                *weight = Weight::NotApplied;
            } else if answer.revision < asked.revision {
                *weight = Weight::Expired;
            } else if !answer.is_note && answer.sequence.is_some_and(|sequence| sequence < asked.sequence) {
                *weight = Weight::Stale;
                conflicts.push(Conflict::Stale { partstat: answer.partstat, said: answer.said });
            }
        }
        let is_live = |(_, weight): &(Answer, Weight)| *weight == Weight::Superseded;
        // The ledger begins anew with the last note of no answer.
        let note = history.iter().rposition(|entry| is_live(entry) && entry.0.is_note);
        let cleared = history
            .iter()
            .rposition(|entry| is_live(entry) && entry.0.is_note && entry.0.partstat == PartStat::NeedsAction);
        let note = note.filter(|_| note != cleared);
        let voices = voices(&history, cleared, asked, &mut conflicts);
        for at in &voices {
            history[*at].1 = if note.is_some() { Weight::Outranked } else { Weight::Counts };
        }
        // Among equals the later said.
        let decides =
            note.or_else(|| voices.iter().copied().max_by_key(|at| (preference(history[*at].0.partstat), *at)));
        let mut position = Self::default();
        if let Some(at) = decides {
            let held = history[at].0.clone();
            contradictions(&history, at, &voices, &mut conflicts);
            history[at].1 = Weight::Decides;
            let count = |partstat: PartStat| -> u32 {
                let of = voices.iter().map(|at| &history[*at].0).filter(|answer| answer.partstat == partstat);
                of.fold(0, |sum, answer| sum.saturating_add(answer.persons.unwrap_or(1)))
            };
            let said = held.persons.filter(|_| held.is_note);
            match held.partstat {
                PartStat::Accepted => position.persons = said.unwrap_or_else(|| count(PartStat::Accepted).max(1)),
                PartStat::Tentative => position.perhaps = said.unwrap_or_else(|| count(PartStat::Tentative).max(1)),
                PartStat::Delegated => position.persons = said.unwrap_or(0),
                PartStat::NeedsAction | PartStat::Declined => {}
            }
            position.participation = of_partstat(held.partstat);
            position.decided_by = Some(held);
        } else if history
            .iter()
            .any(|(answer, weight)| *weight == Weight::Expired && answer.partstat != PartStat::NeedsAction)
        {
            position.participation = Participation::AskedAgain;
        }
        for (answer, weight) in &history {
            let is_news = of_partstat(answer.partstat) != position.participation;
            if *weight == Weight::NotApplied && answer.revision >= asked.revision && is_news {
                conflicts.push(Conflict::NotApplied { partstat: answer.partstat, said: answer.said });
            }
        }
        conflicts.dedup();
        position.conflicts = conflicts;
        position.history = history;
        position
    }
}

/// The latest answer that counts of each mailbox, by its place in the history.
fn voices(
    history: &[(Answer, Weight)],
    cleared: Option<usize>,
    asked: Asked,
    conflicts: &mut Vec<Conflict>,
) -> Vec<usize> {
    let mut latest: BTreeMap<(Option<i64>, String), usize> = BTreeMap::new();
    let order = |answer: &Answer| {
        let sequence = answer.sequence.unwrap_or(asked.sequence);
        (sequence, answer.dtstamp.unwrap_or(answer.said), said(answer))
    };
    for (at, (answer, weight)) in history.iter().enumerate().skip(cleared.map_or(0, |at| at + 1)) {
        if answer.is_note || *weight != Weight::Superseded || answer.partstat == PartStat::NeedsAction {
            continue;
        }
        let mailbox = (answer.recipient, answer.attendee.to_lowercase());
        let Some(before) = latest.get(&mailbox).map(|before| &history[*before].0) else {
            latest.insert(mailbox, at);
            continue;
        };
        // The history is in the order of arrival where all else is equal: then the later one stays.
        let is_later = order(answer) >= order(before);
        if order(answer) == order(before) && answer.partstat != before.partstat {
            conflicts.push(Conflict::SameMoment { held: answer.partstat, other: before.partstat });
        }
        if is_later {
            latest.insert(mailbox, at);
        } else if answer.sequence < before.sequence && answer.partstat != before.partstat {
            conflicts.push(Conflict::Stale { partstat: answer.partstat, said: answer.said });
        }
    }
    let mut voices: Vec<usize> = latest.into_values().collect();
    voices.sort_unstable();
    voices
}

/// When it was said: not later than it was recorded, whatever the clock of its sender says.
fn said(answer: &Answer) -> Timestamp {
    answer.said.min(answer.recorded)
}

/// What speaks against the answer that decides.
fn contradictions(history: &[(Answer, Weight)], decides: usize, voices: &[usize], conflicts: &mut Vec<Conflict>) {
    let held = history[decides].0.clone();
    for at in voices.iter().copied().filter(|at| *at != decides) {
        let answer = &history[at].0;
        if answer.partstat == held.partstat {
            continue;
        }
        if !held.is_note {
            conflicts.push(Conflict::MailboxesDiffer { held: held.partstat, other: answer.partstat });
        } else if at > decides {
            let (note, later) = (held.partstat, answer.partstat);
            conflicts.push(Conflict::NoteContradicted { note, later, said: answer.said });
        }
    }
}

/// What weighs more among mailboxes.
fn preference(partstat: PartStat) -> u8 {
    match partstat {
        PartStat::Accepted => 4,
        PartStat::Tentative => 3,
        PartStat::Delegated => 2,
        PartStat::Declined => 1,
        PartStat::NeedsAction => 0,
    }
}

fn of_partstat(partstat: PartStat) -> Participation {
    match partstat {
        PartStat::NeedsAction => Participation::Silent,
        PartStat::Accepted => Participation::Accepted,
        PartStat::Declined => Participation::Declined,
        PartStat::Tentative => Participation::Tentative,
        PartStat::Delegated => Participation::Delegated,
    }
}

#[cfg(test)]
#[path = "entity/laws.rs"]
mod laws;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Answer, Asked, Conflict, Position, Weight};
    use crate::calendar::PartStat::{self, Accepted, Declined, NeedsAction, Tentative};
    use crate::calendar::Sequence;
    use crate::journal::Trust;
    use crate::plan::Participation;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    /// An answer of a mailbox, said at a second.
    fn read(recipient: i64, partstat: PartStat, second: i64) -> Answer {
        Answer {
            entity: "Mission of X".to_owned(),
            recipient: Some(recipient),
            partstat,
            persons: None,
            comment: String::new(),
            source: "calendar".to_owned(),
            by: "convoke".to_owned(),
            is_note: false,
            attendee: String::new(),
            sequence: Sequence::new(0),
            dtstamp: Some(at(second)),
            said: at(second),
            recorded: at(second),
            revision: 0,
            evidence: String::new(),
            level: Some(Trust::Proven),
            applies: true,
        }
    }

    fn note(partstat: PartStat, second: i64) -> Answer {
        Answer {
            is_note: true,
            recipient: None,
            sequence: None,
            dtstamp: None,
            level: None,
            ..read(0, partstat, second)
        }
    }

    fn asked(revision: u32, sequence: u32) -> Asked {
        Asked { revision, sequence: Sequence::new(sequence).expect("in range") }
    }

    fn first() -> Asked {
        Asked::default()
    }

    #[test]
    fn the_latest_answer_of_a_mailbox_counts() {
        let position = Position::of(&[read(1, Declined, 20), read(1, Accepted, 10)], first());
        assert_eq!((position.participation, position.persons), (Participation::Declined, 0));
        assert_eq!(position.conflicts, []);
        let weights: Vec<Weight> = position.history.iter().map(|(_, weight)| *weight).collect();
        assert_eq!(weights, [Weight::Superseded, Weight::Decides]);
    }

    #[test]
    fn two_mailboxes_that_differ_are_shown_and_the_acceptance_holds() {
        let position = Position::of(&[read(1, Accepted, 10), read(2, Declined, 20)], first());
        assert_eq!((position.participation, position.persons), (Participation::Accepted, 1));
        assert_eq!(position.conflicts, [Conflict::MailboxesDiffer { held: Accepted, other: Declined }]);
        assert_eq!(position.conflicts[0].to_string(), "two mailboxes say different things: accepted and declined");
    }

    #[test]
    fn persons_are_the_sum_over_accepting_mailboxes_or_what_a_note_says() {
        let three = Answer { persons: Some(3), ..read(2, Accepted, 20) };
        let both = [read(1, Accepted, 10), three.clone()];
        assert_eq!(Position::of(&both, first()).persons, 4);
        let two = Answer { persons: Some(2), ..note(Accepted, 5) };
        let position = Position::of(&[both[0].clone(), three.clone(), two], first());
        assert_eq!((position.persons, position.conflicts.len()), (2, 0), "a note's number is the whole entity's");
        assert_eq!(Position::of(&[note(Accepted, 5), read(1, Accepted, 1), three], first()).persons, 4);
        assert_eq!(Position::of(&[note(Accepted, 5)], first()).persons, 1);
    }

    #[test]
    fn a_readers_later_answer_does_not_change_a_note() {
        let position = Position::of(&[note(Accepted, 10), read(1, Declined, 20)], first());
        assert_eq!(position.participation, Participation::Accepted);
        let (note_says, later, said) = (Accepted, Declined, at(20));
        assert_eq!(position.conflicts, [Conflict::NoteContradicted { note: note_says, later, said }]);
        assert_eq!(position.history[1].1, Weight::Outranked);
        // What was said before the note is what the note corrects.
        assert_eq!(Position::of(&[note(Accepted, 30), read(1, Declined, 20)], first()).conflicts, []);
        let corrected = [note(Accepted, 10), read(1, Declined, 20), note(Declined, 30)];
        assert_eq!(Position::of(&corrected, first()).participation, Participation::Declined);
    }

    #[test]
    fn a_note_of_no_answer_begins_the_ledger_anew() {
        let cleared = [read(1, Accepted, 10), note(Declined, 15), note(NeedsAction, 20)];
        let position = Position::of(&cleared, first());
        assert_eq!((position.participation, position.decided_by), (Participation::Silent, None));
        let mut since = cleared.to_vec();
        since.push(read(1, Tentative, 30));
        let position = Position::of(&since, first());
        assert_eq!((position.participation, position.perhaps), (Participation::Tentative, 1));
    }

    #[test]
    fn after_a_material_change_everybody_is_asked_again() {
        let asked = asked(2, 1);
        let position = Position::of(&[read(1, Accepted, 10), note(Declined, 20)], asked);
        assert_eq!(position.participation, Participation::AskedAgain);
        assert!(position.history.iter().all(|(_, weight)| *weight == Weight::Expired), "history is kept");
        let new = Answer { revision: 2, sequence: Sequence::new(1), ..read(1, Declined, 30) };
        let position = Position::of(&[read(1, Accepted, 10), new], asked);
        assert_eq!(position.participation, Participation::Declined);
    }

    #[test]
    fn an_answer_to_an_older_object_is_flagged() {
        let asked = asked(1, 1);
        let current = Answer { revision: 1, sequence: Sequence::new(1), ..read(1, Accepted, 10) };
        let stale = Answer { revision: 1, sequence: Sequence::new(0), ..read(1, Declined, 20) };
        let position = Position::of(&[current.clone(), stale], asked);
        assert_eq!(position.participation, Participation::Accepted);
        assert_eq!(position.conflicts, [Conflict::Stale { partstat: Declined, said: at(20) }]);
        // Exchange names no SEQUENCE: its answer is to what was asked last.
        let bare = Answer { revision: 1, sequence: None, ..read(1, Declined, 20) };
        assert_eq!(Position::of(&[current, bare], asked).participation, Participation::Declined);
    }

    #[test]
    fn what_does_not_apply_changes_nothing_and_is_shown() {
        let unsure = Answer { applies: false, ..read(1, Declined, 20) };
        let position = Position::of(&[read(1, Accepted, 10), unsure], first());
        assert_eq!(position.participation, Participation::Accepted);
        assert_eq!(position.conflicts, [Conflict::NotApplied { partstat: Declined, said: at(20) }]);
    }

    #[test]
    fn two_answers_of_one_moment_are_flagged() {
        let position = Position::of(&[read(1, Accepted, 10), read(1, Declined, 10)], first());
        assert_eq!(position.participation, Participation::Declined, "the one that came last");
        assert_eq!(position.conflicts, [Conflict::SameMoment { held: Declined, other: Accepted }]);
    }

    #[test]
    fn nothing_answered_is_silence() {
        assert_eq!(Position::of(&[], first()), Position::default());
    }
}
