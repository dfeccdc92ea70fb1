//! The identity of one message.

use std::fmt;

use super::AddrSpec;

/// `token@domain` without the angle brackets (RFC 5322 section 3.6.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// From a token of lower-case letters and digits and the domain of `From`: nothing to quote, nothing to guess.
    pub fn new(token: &str, from: &AddrSpec) -> Self {
        debug_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'), "tokens are plain");
        Self(format!("{token}@{}", from.domain()))
    }

    /// What the journal holds, taken back.
    pub fn from_journal(text: String) -> Self {
        Self(text)
    }

    /// Without the angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}
