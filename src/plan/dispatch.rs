//! One message of the plan: what makes it unique, and what its calendar object is to be.

use super::{DispatchKey, Purpose};
use crate::calendar::{OrganizerMethod, PartStat, Sequence};
use crate::mail::MessageId;
use crate::people::Language;

/// What the plan fixes of a calendar object; the rest is the revision's (RFC 5546 section 2.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// REQUEST or CANCEL.
    pub method: OrganizerMethod,
    /// SEQUENCE for this recipient: a change of wording keeps the one that he was told.
    pub sequence: Sequence,
    /// The answer that ATTENDEE repeats: calendars take it over.
    pub partstat: PartStat,
}

/// The calendar object that a recipient had when a dispatch was planned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// Of which revision.
    pub revision: u32,
    /// Its SEQUENCE.
    pub sequence: Sequence,
    /// REQUEST or CANCEL.
    pub method: OrganizerMethod,
    /// Its language; `None` in journals of before version 4: that of the letter.
    pub language: Option<Language>,
}

/// One message to one mailbox, as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// What makes it the only one.
    pub key: DispatchKey,
    /// Its calendar object; `None` for a message without one.
    pub entry: Option<Entry>,
    /// What the recipient's calendar has; `None` for a first message.
    pub held: Option<Held>,
    /// The Message-ID that began the correspondence: In-Reply-To and References (RFC 5322 section 3.6.4).
    pub thread: Option<MessageId>,
}

impl Dispatch {
    /// The first invitation of a mailbox.
    pub fn invitation(revision: u32, sequence: Sequence, recipient: String) -> Self {
        Self {
            key: DispatchKey { purpose: Purpose::Invitation, revision, mailing: 0, recipient },
            entry: Some(Entry { method: OrganizerMethod::Request, sequence, partstat: PartStat::NeedsAction }),
            held: None,
            thread: None,
        }
    }
}
