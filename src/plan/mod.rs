//! What is to be sent to whom, under which identity.
//!
//! What: [`Purpose`], [`DispatchKey`], the [`FolderKey`] from which every identity derives, the [`Revision`] of the event,
//! a [`Selection`] of recipients and the [`Participation`] that it may ask for.
//! Standards: RFC 5546 sections 2.1.4 and 2.1.5 (SEQUENCE, DTSTAMP), RFC 5322 section 3.6.4 (Message-ID).
//! Not here: the octets (`message`), the states (`journal`). Called by: `journal`, `message`, `command`.
//! Can fail: nothing.

mod identity;
mod participation;
mod revision;
mod selection;

pub use identity::{FolderKey, Identity};
pub use participation::Participation;
pub use revision::{Facts, Revision};
pub use selection::{Selection, SelectionFault, Status, Subject};

use std::fmt;

/// Why a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// The first REQUEST.
    Invitation,
}

impl Purpose {
    /// The word in the journal, in template names and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What makes a dispatch the only one of its kind; unique in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DispatchKey {
    /// Why.
    pub purpose: Purpose,
    /// Which state of the event.
    pub revision: u32,
    /// To which mailbox: the address's key.
    pub recipient: String,
}
