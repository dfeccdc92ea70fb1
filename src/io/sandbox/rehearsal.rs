//! Faults on demand: what a relay may do to a message, chosen by the recipient's local part.
//!
//! What: the words after the last `+` of a local part that make the sandbox behave badly, so that every state of a
//! dispatch can be rehearsed without a real relay:
//!
//! | local part ends in | what happens |
//! |---|---|
//! | `+reject`   | 550 5.1.1 at RCPT |
//! | `+full`     | 452 4.2.2 at RCPT |
//! | `+greylist` | 451 4.7.1 at the first RCPT for this address since the sandbox began, then taken |
//! | `+content`  | 554 5.6.0 after the final dot, not filed |
//! | `+drop`     | filed, and the connection closed after the final dot without a reply: the message is in doubt |
//! | `+slow`     | filed, the reply 2 seconds late |
//!
//! Standards: RFC 3463 for the codes; the idea is that of mox's `localserve`.
//! Not here: the dialogue. Called by: `dialogue`. Can fail: nothing.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// How many greylisted addresses are remembered: 16 octets each. Those beyond are taken at once.
const GREYLIST_LIMIT: usize = 100_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rehearsal {
    /// No such mailbox.
    Reject,
    /// The mailbox is full.
    Full,
    /// Later, the first time.
    Greylist,
    /// The content is refused.
    Content,
    /// No answer to the final dot.
    Drop,
    /// A late answer to the final dot.
    Slow,
}

impl Rehearsal {
    /// Reads an address; `None` for one that is simply taken.
    pub(super) fn of(address: &str) -> Option<Self> {
        let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
        let (_, word) = local.rsplit_once('+')?;
        match word.to_ascii_lowercase().as_str() {
            "reject" => Some(Self::Reject),
            "full" => Some(Self::Full),
            "greylist" => Some(Self::Greylist),
            "content" => Some(Self::Content),
            "drop" => Some(Self::Drop),
            "slow" => Some(Self::Slow),
            _ => None,
        }
    }
}

/// The addresses that were put off once; one for all connections of a sandbox.
#[derive(Debug, Default)]
pub(super) struct Greylist {
    hasher: RandomState,
    // Hashes in place of addresses keep the memory bounded; a collision takes a message one attempt too early.
    seen: Mutex<HashSet<u64>>,
}

impl Greylist {
    /// Whether this is the first attempt for `address`.
    pub(super) fn is_first(&self, address: &str) -> bool {
        let hash = self.hasher.hash_one(address.to_lowercase());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < GREYLIST_LIMIT && seen.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::{Greylist, Rehearsal};

    #[test]
    fn reads_the_last_word_of_the_local_part() {
        assert_eq!(Rehearsal::of("mission+Drop@x.example"), Some(Rehearsal::Drop));
        assert_eq!(Rehearsal::of("un+geneva+slow@x.example"), Some(Rehearsal::Slow));
        for plain in ["drop@x.example", "a+drops@x.example", "a@x+drop.example", "a+drop+b@x.example", ""] {
            assert_eq!(Rehearsal::of(plain), None, "{plain}");
        }
    }

    #[test]
    fn puts_each_address_off_once() {
        let greylist = Greylist::default();
        assert!(greylist.is_first("a+greylist@x.example"));
        assert!(greylist.is_first("b+greylist@x.example"));
        assert!(!greylist.is_first("A+greylist@X.example"));
    }
}
