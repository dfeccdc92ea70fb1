//! A state of the event as recipients were told it.

use jiff::Timestamp;
use serde::Serialize;

use crate::calendar::Sequence;
use crate::input::event_file::{Event, EventFile};
use crate::input::text::Text;

/// What of the event stands in calendars: when one of these changes, those who were reached must hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    event: String,
    title: Text,
    place: Text,
    zone: String,
    local_start: String,
    local_end: String,
    url: Option<String>,
    organizer: String,
}

impl Facts {
    /// Takes them from the event file.
    pub fn of(file: &EventFile) -> Self {
        let Event { id, title, place, zone, local_start, local_end, url, .. } = &file.event;
        Self {
            event: id.clone(),
            title: title.clone(),
            place: place.clone(),
            zone: zone.name().to_owned(),
            local_start: local_start.to_string(),
            local_end: local_end.to_string(),
            url: url.clone(),
            organizer: file.sender.address.to_string(),
        }
    }

    /// One line of JSON, the form in the journal; equal facts give equal lines.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and tables of texts are JSON")
    }
}

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
    /// 0 for the first.
    pub number: u32,
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
        // iCalendar has no fractions of a second (RFC 5545 section 3.3.5).
        let dtstamp = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self {
            number: 0,
            sequence: Sequence::FIRST,
            dtstamp,
            kind: RevisionKind::First,
            facts: facts.to_json(),
            note: String::new(),
        }
    }
}
