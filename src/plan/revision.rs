//! A state of the event as recipients were told it.

use jiff::{SignedDuration, Timestamp};

use super::Facts;
use crate::calendar::Sequence;

/// What a revision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevisionKind {
    /// That of the first invitations.
    First,
    /// A slip of the pen was mended for those who come later; nobody is written to.
    Typo,
    /// Answers stay as they are.
    Wording,
    /// Everybody is asked again.
    Material,
    /// The event does not take place.
    Cancellation,
    /// Some are no longer invited.
    Withdrawal,
    /// It takes place after all, or those who were withdrawn are invited again.
    Reinstatement,
}

impl RevisionKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::First,
        Self::Typo,
        Self::Wording,
        Self::Material,
        Self::Cancellation,
        Self::Withdrawal,
        Self::Reinstatement,
    ];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Typo => "typo",
            Self::Wording => "wording",
            Self::Material => "material",
            Self::Cancellation => "cancellation",
            Self::Withdrawal => "withdrawal",
            Self::Reinstatement => "reinstatement",
        }
    }

    /// Reads the word of the journal.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether SEQUENCE rises with it (RFC 5546 section 2.1.4).
    pub fn raises_sequence(self) -> bool {
        matches!(self, Self::Material | Self::Cancellation | Self::Withdrawal | Self::Reinstatement)
    }

    /// Whether earlier answers no longer count with those who were told it.
    pub fn asks_again(self) -> bool {
        matches!(self, Self::Material | Self::Reinstatement)
    }
}

/// A numbered state of the event with what RFC 5546 needs to order it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// 0 for the first; numbers go through all sessions of a folder, so that each is of one session.
    pub number: u32,
    /// The id of the session whose state it is; empty for the event as a whole.
    pub session: String,
    /// SEQUENCE of the calendar object.
    pub sequence: Sequence,
    /// DTSTAMP, fixed when the revision is made.
    pub dtstamp: Timestamp,
    /// What it is.
    pub kind: RevisionKind,
    /// [`Facts::to_json`] of it.
    pub facts: String,
    /// What a person said of it; may be empty.
    pub note: String,
}

impl Revision {
    /// The first one, made now.
    pub fn first(facts: &Facts, now: Timestamp) -> Self {
        let dtstamp = whole_second(now);
        Self {
            number: 0,
            session: String::new(),
            sequence: Sequence::FIRST,
            dtstamp,
            kind: RevisionKind::First,
            facts: facts.to_json(),
            note: String::new(),
        }
    }

    /// The same of a session.
    #[must_use]
    pub fn of_session(self, id: &str) -> Self {
        Self { session: id.to_owned(), ..self }
    }
}

/// All states of the event or of one session of it, the first one first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History(Vec<Revision>);

impl History {
    /// `None` without any.
    pub fn new(revisions: Vec<Revision>) -> Option<Self> {
        (!revisions.is_empty()).then_some(Self(revisions))
    }

    /// Of a first revision alone.
    pub fn begun(first: Revision) -> Self {
        Self(vec![first])
    }

    /// All of them.
    pub fn revisions(&self) -> &[Revision] {
        &self.0
    }

    /// The state that newcomers are told: the last one that is no cancellation.
    pub fn current(&self) -> &Revision {
        let ends = |kind| matches!(kind, RevisionKind::Cancellation | RevisionKind::Withdrawal);
        self.0.iter().rev().find(|revision| !ends(revision.kind)).unwrap_or_else(|| self.latest())
    }

    /// Whose states they are: the id of a session, or empty.
    pub fn session(&self) -> &str {
        &self.latest().session
    }

    /// The last one, whatever it is.
    pub fn latest(&self) -> &Revision {
        self.0.last().expect("a history has a beginning")
    }

    /// When the event's first state was made: CREATED.
    pub fn created(&self) -> Timestamp {
        self.0[0].dtstamp
    }

    /// One of them.
    pub fn get(&self, number: u32) -> Option<&Revision> {
        self.0.iter().find(|revision| revision.number == number)
    }

    /// Whether the event does not take place.
    pub fn is_cancelled(&self) -> bool {
        let decides = |kind| matches!(kind, RevisionKind::Cancellation | RevisionKind::Reinstatement);
        let last = self.0.iter().rev().find(|revision| decides(revision.kind));
        last.is_some_and(|revision| revision.kind == RevisionKind::Cancellation)
    }

    /// The last state that everybody was to be told; `None` where there was no amendment, or none that is mailed.
    pub fn amended(&self) -> Option<&Revision> {
        self.0.iter().rev().find(|revision| matches!(revision.kind, RevisionKind::Wording | RevisionKind::Material))
    }

    /// The state that follows, made now. SEQUENCE rises over all that there were, or is the highest of them; DTSTAMP grows
    /// strictly (RFC 5546 section 2.1.5). The number follows the last one of this history: where there are several, the
    /// journal gives it. `None` where SEQUENCE cannot rise any more.
    pub fn next(&self, kind: RevisionKind, facts: &Facts, note: &str, now: Timestamp) -> Option<Revision> {
        let last = self.latest();
        let highest = self.0.iter().map(|revision| revision.sequence).max().unwrap_or_default();
        let sequence = if kind.raises_sequence() { highest.next()? } else { highest };
        let dtstamp = whole_second(now).max(last.dtstamp.checked_add(SignedDuration::from_secs(1)).ok()?);
        let number = last.number.checked_add(1)?;
        let (session, facts, note) = (last.session.clone(), facts.to_json(), note.to_owned());
        Some(Revision { number, session, sequence, dtstamp, kind, facts, note })
    }

    /// The same with another of the same number.
    #[must_use]
    pub fn replaced(mut self, other: Revision) -> Self {
        for revision in self.0.iter_mut().filter(|revision| revision.number == other.number) {
            revision.clone_from(&other);
        }
        self
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, next: Revision) -> Self {
        self.0.push(next);
        self
    }
}

/// iCalendar has no fractions of a second (RFC 5545 section 3.3.5).
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{History, Revision, RevisionKind};
    use crate::calendar::Sequence;
    use crate::plan::Facts;

    fn facts() -> Facts {
        let json = r#"{"event":"e","title":"t","place":"p","zone":"UTC","local_start":"2030-06-01T18:00:00",
            "local_end":"2030-06-01T20:00:00","url":null,"organizer":"o@x.example"}"#;
        Facts::parse(json).expect("JSON")
    }

    #[test]
    fn sequence_rises_where_it_must_and_dtstamp_always() {
        let now = Timestamp::from_second(1000).expect("an instant");
        let mut history = History::begun(Revision::first(&facts(), now));
        for (kind, sequence) in [
            (RevisionKind::Typo, 0),
            (RevisionKind::Wording, 0),
            (RevisionKind::Material, 1),
            (RevisionKind::Wording, 1),
            (RevisionKind::Withdrawal, 2),
            (RevisionKind::Cancellation, 3),
            (RevisionKind::Reinstatement, 4),
        ] {
            let next = history.next(kind, &facts(), "", now).expect("another");
            assert_eq!(Some(next.sequence), Sequence::new(sequence), "{kind:?}");
            assert!(next.dtstamp > history.latest().dtstamp);
            assert_eq!(next.number, history.latest().number + 1);
            history = history.with(next);
            assert_eq!(history.is_cancelled(), kind == RevisionKind::Cancellation, "{kind:?}");
        }
        assert_eq!(history.created(), now);
        assert_eq!(history.amended().map(|revision| revision.number), Some(4));
    }

    #[test]
    fn words_are_read_back() {
        for kind in RevisionKind::ALL {
            assert_eq!(RevisionKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(RevisionKind::parse("rumour"), None);
    }
}
