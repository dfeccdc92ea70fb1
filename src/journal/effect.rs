//! What follows from a mail that came back, and what a person decides about one.
//!
//! What: [`Effect`], a change of the ledger; [`Returned`], what a server reported; [`Decision`]. Not here: which effects a
//! mail has (`replies`), SQL (`io::store`). Called by: `replies`, `io::store`, `command`. Can fail: nothing.

use jiff::Timestamp;

use super::{Answer, SuppressionReason};
use crate::mail::AddrSpec;

/// One change of the ledger. All changes of a mail are made in the transaction that records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An answer is appended.
    Answer(Box<Answer>),
    /// A report is kept; a final one makes what was sent, or was in doubt, returned.
    Returned(Returned),
    /// A message that is in doubt was sent: something that only its recipient can have came back.
    Arrived {
        /// Which message.
        dispatch: i64,
        /// How that is known.
        reason: String,
    },
    /// An address must not be written to.
    Suppress {
        /// Which.
        address: AddrSpec,
        /// Why.
        reason: SuppressionReason,
        /// In words.
        note: String,
    },
}

/// What a server reported of a message of ours (RFC 3464 section 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Which message.
    pub dispatch: i64,
    /// Why, as a word of `replies::Class`.
    pub class: String,
    /// RFC 3463; else empty.
    pub status: String,
    /// What the server says, in one line.
    pub diagnostic: String,
    /// Whether it was given up; otherwise it is still tried.
    pub is_final: bool,
    /// When it was said.
    pub said: Timestamp,
}

/// What a person decides about a mail that no rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// They come.
    Accepted,
    /// They may come.
    Tentative,
    /// They send somebody else.
    Delegated,
    /// They do not come.
    Declined,
    /// It says that a message of ours was not delivered.
    Bounce,
    /// They want no mail.
    Unsubscribe,
    /// They ask for the floor.
    Speaker,
    /// They ask to be called.
    Call,
    /// It says nothing that concerns the event.
    Nothing,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Tentative,
        Self::Delegated,
        Self::Declined,
        Self::Bounce,
        Self::Unsubscribe,
        Self::Speaker,
        Self::Call,
        Self::Nothing,
    ];

    /// The word in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Tentative => "tentative",
            Self::Delegated => "delegated",
            Self::Declined => "declined",
            Self::Bounce => "bounce",
            Self::Unsubscribe => "unsubscribe",
            Self::Speaker => "speaker",
            Self::Call => "call",
            Self::Nothing => "nothing",
        }
    }

    /// Reads the word of the journal.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::Decision;

    #[test]
    fn words_are_read_back() {
        for decision in Decision::ALL {
            assert_eq!(Decision::parse(decision.as_str()), Some(decision));
        }
        assert_eq!(Decision::parse("perhaps"), None);
    }
}
