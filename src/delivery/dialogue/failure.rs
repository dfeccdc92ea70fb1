//! How a message, or the whole dialogue, came to its end before its time.

use std::fmt;

use crate::delivery::{Mishap, Phase};

/// What happened in which phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub phase: Phase,
    /// What.
    pub mishap: Mishap,
}

impl Failure {
    /// From where and what.
    pub fn new(phase: Phase, mishap: Mishap) -> Self {
        Self { phase, mishap }
    }

    /// Whether the dialogue can go on with another message: after a plain refusal, and only then.
    pub fn leaves_open(&self) -> bool {
        match &self.mishap {
            Mishap::Reply(reply) => reply.class() >= 4 && reply.code() != 421,
            Mishap::Unable(_) => true,
            Mishap::Silence | Mishap::Closed | Mishap::Broken(_) | Mishap::Unreadable(_) => false,
        }
    }

    /// Whether the server ended the connection between two messages: because it was idle or had taken enough. The message
    /// that was to follow has no part in it.
    pub fn is_between_messages(&self) -> bool {
        let ended = match &self.mishap {
            Mishap::Reply(reply) => reply.code() == 421,
            Mishap::Closed | Mishap::Broken(_) => true,
            Mishap::Silence | Mishap::Unreadable(_) | Mishap::Unable(_) => false,
        };
        self.phase == Phase::Mail && ended
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.phase, self.mishap)
    }
}
