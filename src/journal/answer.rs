//! One answer to an invitation, as it was recorded.
//!
//! What: [`Answer`], a fact that is appended and never changed: by a reader of mail, or by a person as a note.
//! Standards: RFC 5545 section 3.2.12 (PARTSTAT), RFC 5546 section 2.1.5 (SEQUENCE and DTSTAMP order answers).
//! Not here: what all answers of an entity come to (`entity`), how an answer is read (`replies`), SQL (`io::store`).
//! Called by: `journal::entity`, `io::store`, `command`. Can fail: nothing.

use jiff::Timestamp;

use crate::calendar::PartStat;

/// What somebody answered, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In the journal; grows with each that arrives.
    pub id: i64,
    /// For whom it speaks, by the name on the lists.
    pub entity: String,
    /// The invited mailbox through whose invitation it came; `None` where only the entity is known.
    pub recipient: Option<i64>,
    /// What was said.
    pub partstat: PartStat,
    /// How many will come, where that was said.
    pub persons: Option<u32>,
    /// Free words of whoever answered; empty where there are none.
    pub comment: String,
    /// By which way it came: `calendar`, `letter`, `telephone`, `person`, `web`, `mail`, or any word.
    pub source: String,
    /// Who recorded it.
    pub by: String,
    /// Whether a person recorded it, as against a program that read it.
    pub is_note: bool,
    /// Who answered, where that is another than the invited mailbox; else empty.
    pub attendee: String,
    /// SEQUENCE of the object that was answered; many calendars leave it out.
    pub sequence: Option<u32>,
    /// DTSTAMP of the answer.
    pub dtstamp: Option<Timestamp>,
    /// When it was said, by its own account.
    pub said: Timestamp,
    /// When it was written down here.
    pub recorded: Timestamp,
    /// The event's revision that it answers.
    pub revision: u32,
    /// Digest or Message-ID of the mail that it came in; empty for what no mail says.
    pub evidence: String,
    /// How well it is bound to the invitation: `proven`, `bound`, `claimed`; empty for notes.
    pub level: String,
    /// Whether it may change the entity's status; otherwise it is kept to be looked at.
    pub applies: bool,
}
