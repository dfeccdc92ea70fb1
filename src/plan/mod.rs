//! What is to be sent to whom, under which identity.
//!
//! What: [`Purpose`], [`Errand`], [`DispatchKey`], the [`FolderKey`] from which every identity derives, the [`Revision`]s of
//! the event and what [`amendment`] lies between two of them, a [`Selection`] of recipients and the [`Participation`] that it
//! may ask for; the [`Plan`] that becomes [`Sealed`] and [`Approved`].
//! Standards: RFC 5546 sections 2.1.4 and 2.1.5 (SEQUENCE, DTSTAMP), RFC 5322 section 3.6.4 (Message-ID).
//! Not here: the octets (`message`), the states (`journal`). Called by: `journal`, `message`, `command`.
//! Can fail: nothing.

pub mod amendment;
mod approval;
mod comparison;
mod dispatch;
mod facts;
mod identity;
mod participation;
mod revision;
mod sealed;
mod selection;

pub use approval::{Approval, Approved, PlanRecord, PlanStanding, Refusal, may_approve};
pub use comparison::{Change, Comparison, Several};
pub use dispatch::{Dispatch, Entry, Held};
pub use facts::{Facts, FactsFault, Rendering};
pub use identity::{FolderKey, Identity};
pub use participation::Participation;
pub use revision::{History, Revision, RevisionKind};
pub use sealed::{Extent, MessagesDigest, Plan, Seal, Sealed, SealedMessage};
pub use selection::{Selection, SelectionFault, Status, Subject};

use std::fmt;

use crate::calendar::OrganizerMethod;

/// Why a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// The first REQUEST.
    Invitation,
    /// The same object again, to those who are silent; without one to those who answered.
    Reminder,
    /// A REQUEST that tells what has changed, or that the event takes place after all.
    Update,
    /// A CANCEL.
    Cancellation,
    /// A letter without a calendar object: thanks, practical notes.
    Message,
}

impl Purpose {
    /// All, in the order in which output names them.
    pub const ALL: [Self; 5] = [Self::Invitation, Self::Reminder, Self::Update, Self::Cancellation, Self::Message];

    /// The word in the journal, in template names and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reminder => "reminder",
            Self::Update => "update",
            Self::Cancellation => "cancellation",
            Self::Message => "message",
        }
    }

    /// Reads the word of the journal.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }

    /// The command that sends what is open of it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Invitation => "send",
            Self::Reminder => "remind",
            Self::Update => "update",
            Self::Cancellation => "cancel",
            Self::Message => "write",
        }
    }

    /// METHOD of its calendar objects; `None` for a letter. A reminder may go without one.
    pub fn method(self) -> Option<OrganizerMethod> {
        match self {
            Self::Invitation | Self::Reminder | Self::Update => Some(OrganizerMethod::Request),
            Self::Cancellation => Some(OrganizerMethod::Cancel),
            Self::Message => None,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one command sends: a purpose, and of reminders and letters which mailing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errand {
    /// Why.
    pub purpose: Purpose,
    /// The row of `mailing` in the journal; 0 where the purpose has none.
    pub mailing: i64,
}

impl Errand {
    /// Of a purpose that has no mailings.
    pub fn of(purpose: Purpose) -> Self {
        Self { purpose, mailing: 0 }
    }
}

/// What makes a dispatch the only one of its kind; unique in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DispatchKey {
    /// Why.
    pub purpose: Purpose,
    /// Which state of the event, or of a session of it: it says the session.
    pub revision: u32,
    /// Which reminder or letter; 0 for an invitation, an update, a cancellation.
    pub mailing: i64,
    /// To which mailbox: the address's key.
    pub recipient: String,
}

#[cfg(test)]
mod tests {
    use super::Purpose;

    #[test]
    fn words_are_read_back() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
        }
        assert_eq!(Purpose::parse("greeting"), None);
    }
}
