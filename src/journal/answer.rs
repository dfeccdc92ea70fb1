//! What an entity answered, by whatever way; kept for ever, whatever came later.

use std::fmt;

use jiff::Timestamp;

use crate::calendar::{PartStat, Sequence};

/// How far an answer that came by mail can be trusted to come from the invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trust {
    /// Something that only the invited had, from the invited's own mailbox.
    Proven,
    /// Something that only the invited had.
    Bound,
    /// Nothing but the words of the mail.
    Claimed,
}

impl Trust {
    /// All of them, the surest first.
    pub const ALL: [Self; 3] = [Self::Proven, Self::Bound, Self::Claimed];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Bound => "bound",
            Self::Claimed => "claimed",
        }
    }

    /// Reads the word of the journal.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One answer; appended to the journal and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose answer it is.
    pub entity: String,
    /// The mailbox that was invited, by its row in the journal; `None` where only the entity is known.
    pub recipient: Option<i64>,
    /// What it says.
    pub partstat: PartStat,
    /// How many come; `None` where nothing was said of it.
    pub persons: Option<u32>,
    /// In the words of who answered; may be empty.
    pub comment: String,
    /// The way by which it came: `calendar`, `letter`, `telephone`, `person`, `web`, `mail`, ...
    pub source: String,
    /// Who recorded it; may be empty.
    pub by: String,
    /// Whether a person recorded it.
    pub is_note: bool,
    /// Who answered, where that is another than the invited; else empty.
    pub attendee: String,
    /// SEQUENCE that a calendar answered.
    pub sequence: Option<Sequence>,
    /// DTSTAMP of a calendar's answer.
    pub dtstamp: Option<Timestamp>,
    /// The answer's own time.
    pub said: Timestamp,
    /// When it came into the journal.
    pub recorded: Timestamp,
    /// The state of the event that it answers.
    pub revision: u32,
    /// Digest or Message-ID of the mail; else empty.
    pub evidence: String,
    /// `None` where it did not come by mail.
    pub level: Option<Trust>,
    /// Whether it changes where the entity stands.
    pub applies: bool,
}

#[cfg(test)]
mod tests {
    use super::Trust;

    #[test]
    fn words_are_read_back() {
        for level in Trust::ALL {
            assert_eq!(Trust::parse(level.as_str()), Some(level));
        }
        assert_eq!(Trust::parse("rumoured"), None);
    }
}
