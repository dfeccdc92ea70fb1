//! The facts that move a dispatch.

use jiff::Timestamp;

use super::Standing;

/// What is on disk before the final dot of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Which dispatch.
    pub dispatch: i64,
    /// Its UID, so that an answer finds the row.
    pub uid: String,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// SHA-256 of the octets, in hexadecimal.
    pub digest: String,
    /// Octets.
    pub size: usize,
    /// Date of the message, in milliseconds of Unix time: the same at every attempt.
    pub date_ms: i64,
    /// When it was armed.
    pub at: Timestamp,
    /// The language of its calendar object; empty where it has none.
    pub language: String,
}

/// How one attempt ended; appended to the journal and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Where the attempt ended: `connect`, `mail`, `rcpt`, `data`, `dot`, ...
    pub phase: String,
    /// The relay's name.
    pub relay: String,
    /// The reply's code; 0 where there was none.
    pub code: u16,
    /// Its enhanced code; empty where there was none.
    pub enhanced: String,
    /// The reply's text, or what happened in its place.
    pub text: String,
    /// Whose fault it was: `recipient`, `message`, `route`, `provider`, `setup`; empty where the relay took it or nobody can know.
    pub scope: String,
    /// Protocol and cipher suite; empty in clear.
    pub tls: String,
    /// Under which the relay keeps the message; empty where it did not say.
    pub queue_id: String,
    /// The run that made it.
    pub run: Option<i64>,
    /// When the message was taken in hand.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// The new state of a dispatch with the attempt that led there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which dispatch.
    pub dispatch: i64,
    /// Where it stands now.
    pub standing: Standing,
    /// Whether the attempt counts against the dispatch (a route's fault does not).
    pub counts: bool,
    /// When it is due again, for `Deferred`.
    pub due: Option<Timestamp>,
    /// Whether the refusal says that the mailbox does not exist, so that it belongs on the suppression list.
    pub dead_address: bool,
    /// What happened.
    pub attempt: Attempt,
}
