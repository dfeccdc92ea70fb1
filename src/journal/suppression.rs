//! Addresses that must not be written to, and why.

use std::fmt;

use jiff::Timestamp;

/// Why an address is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuppressionReason {
    /// A relay said that there is no such mailbox.
    Bounce,
    /// Its owner does not want our mail.
    Unsubscribe,
    /// Its owner called our mail spam (RFC 5965).
    Complaint,
    /// A person put it on the list.
    Manual,
}

impl SuppressionReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bounce, Self::Unsubscribe, Self::Complaint, Self::Manual];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Unsubscribe => "unsubscribe",
            Self::Complaint => "complaint",
            Self::Manual => "manual",
        }
    }

    /// Reads the word of the journal.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The words for a person.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Bounce => "no such mailbox",
            Self::Unsubscribe => "unsubscribed",
            Self::Complaint => "called spam",
            Self::Manual => "by hand",
        }
    }
}

impl fmt::Display for SuppressionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

/// One line of the suppression list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// The address key, or `h:` and its keyed hash.
    pub key: String,
    /// The address as it was given; `None` where only its hash is kept.
    pub address: Option<String>,
    /// Why.
    pub reason: SuppressionReason,
    /// A person's words, or the relay's; may be empty.
    pub note: String,
    /// Since when.
    pub added: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::SuppressionReason;

    #[test]
    fn words_are_read_back() {
        for reason in SuppressionReason::ALL {
            assert_eq!(SuppressionReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(SuppressionReason::parse("whim"), None);
    }
}
