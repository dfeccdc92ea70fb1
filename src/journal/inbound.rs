//! Mail that came back: how far a mailbox has been read, and where each message stands.
//!
//! What: [`Checkpoint`] (RFC 3501 section 2.3.1.1), [`InboundState`], [`InboundRecord`]. Not here: SQL (`io::store`), what a
//! message says (`replies`). Called by: `io::inbound`, `io::store`, `command::replies`. Can fail: nothing.

use jiff::Timestamp;

/// How far a folder has been read. UIDs grow within one UIDVALIDITY and mean nothing across two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// UIDVALIDITY of the folder when it was read.
    pub uidvalidity: u32,
    /// The highest UID that is recorded.
    pub last_uid: u32,
}

impl Checkpoint {
    /// The UID after which to read in a folder whose UIDVALIDITY is now this: 0 where the old UIDs mean nothing any more, so
    /// that everything is read again (what is known already is recognised by its identity).
    pub fn after(known: Option<Self>, uidvalidity: u32) -> u32 {
        known.filter(|known| known.uidvalidity == uidvalidity).map_or(0, |known| known.last_uid)
    }

    /// With another message recorded.
    #[must_use]
    pub fn with(self, uid: u32) -> Self {
        Self { last_uid: self.last_uid.max(uid), ..self }
    }
}

/// Where a message that came back stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InboundState {
    /// It is in the journal.
    Recorded,
    /// A person has to look at it.
    Triage,
    /// A person has, or what it says has been carried out.
    Settled,
    /// It says nothing that concerns this event.
    Ignored,
}

impl InboundState {
    /// The word in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Triage => "triage",
            Self::Settled => "settled",
            Self::Ignored => "ignored",
        }
    }
}

/// One message for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundRecord {
    /// What tells it from all others.
    pub identity: String,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    /// When the mailbox took it, where that is known.
    pub received: Option<Timestamp>,
    /// The word of its kind.
    pub kind: String,
    /// Where it stands.
    pub state: InboundState,
    /// What was read in it: a JSON object.
    pub summary: String,
}

#[cfg(test)]
mod tests {
    use super::Checkpoint;

    #[test]
    fn a_folder_made_anew_is_read_from_its_beginning() {
        let known = Checkpoint { uidvalidity: 7, last_uid: 40 };
        assert_eq!(Checkpoint::after(Some(known), 7), 40);
        assert_eq!(Checkpoint::after(Some(known), 8), 0);
        assert_eq!(Checkpoint::after(None, 7), 0);
        assert_eq!(known.with(41).with(12).last_uid, 41);
    }
}
