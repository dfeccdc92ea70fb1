//! Identities that are the same at every rendering and that nobody can guess.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::DispatchKey;
use crate::calendar::Uid;
use crate::mail::{AddrSpec, MessageId};

/// The secret of one event folder: 256 bits, made once, kept in the journal.
#[derive(Clone)]
pub struct FolderKey {
    octets: [u8; 32],
    /// Keyed once: half of the work of a short HMAC.
    keyed: Hmac<Sha256>,
}

impl FolderKey {
    /// From random octets or from the journal.
    pub fn new(octets: [u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(&octets).expect("HMAC takes keys of any length");
        Self { octets, keyed }
    }

    /// For the journal.
    pub fn octets(&self) -> &[u8; 32] {
        &self.octets
    }

    /// 128 bits of HMAC-SHA256 over the use and its parts, in lower-case base32: survives case folding, tells nothing.
    fn token(&self, purpose: &str, parts: &[&str]) -> String {
        let mut mac = self.keyed.clone();
        for part in [purpose].iter().chain(parts) {
            // Lengths first, so that ("ab", "c") and ("a", "bc") differ.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        let tag = mac.finalize().into_bytes();
        data_encoding::BASE32_NOPAD.encode(&tag[..16]).to_lowercase()
    }

    /// Under which an address is kept where the address itself must not be: `h:` and a token that only this folder can
    /// make. `address_key` is [`AddrSpec::key`].
    pub fn address_hash(&self, address_key: &str) -> String {
        format!("h:{}", self.token("suppression", &[address_key]))
    }

    /// A number from 0 to below 1 that is the same for the same parts: jitter without a random source.
    pub fn fraction(&self, parts: &[&str]) -> f64 {
        let token = self.token("fraction", parts);
        let number = token.bytes().take(10).fold(0u64, |n, b| n * 256 % (1 << 52) + u64::from(b) * 7919);
        (number % 10_007) as f64 / 10_007.0
    }
}

impl std::fmt::Debug for FolderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FolderKey(…)")
    }
}

/// Everything by which one dispatch is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The calendar object's UID: the same for every purpose and revision, another for each mailbox.
    pub uid: Uid,
    /// The same at every attempt, another for each purpose and revision.
    pub message_id: MessageId,
    /// Boundary of the outer multipart.
    pub outer_boundary: String,
    /// Boundary of the alternatives.
    pub inner_boundary: String,
}

impl Identity {
    /// Derives all of it; `event` is the event's lasting id, `from` gives the domain.
    pub fn derive(key: &FolderKey, event: &str, dispatch: &DispatchKey, from: &AddrSpec) -> Self {
        Self::derive_of(key, event, "", dispatch, from)
    }

    /// The same of a session of the event, by its lasting id: each has UIDs of its own. Empty for the event as a whole.
    pub fn derive_of(key: &FolderKey, event: &str, session: &str, dispatch: &DispatchKey, from: &AddrSpec) -> Self {
        // No id has a slash.
        let whose = if session.is_empty() { event.to_owned() } else { format!("{event}/{session}") };
        let revision = dispatch.revision.to_string();
        let mailing = dispatch.mailing.to_string();
        // Left out where there is none: messages of before there were mailings keep their identities.
        let message = match dispatch.mailing {
            0 => vec![whose.as_str(), dispatch.purpose.as_str(), &revision, &dispatch.recipient],
            _ => vec![whose.as_str(), dispatch.purpose.as_str(), &revision, &dispatch.recipient, &mailing],
        };
        Self {
            uid: Uid::new(event, &key.token("uid", &[&whose, &dispatch.recipient]), from)
                .expect("the event file was checked for plain ids and short domains"),
            message_id: MessageId::new(&key.token("message-id", &message), from),
            outer_boundary: format!("mixed-{}", key.token("outer", &message)),
            inner_boundary: format!("alternative-{}", key.token("inner", &message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FolderKey, Identity};
    use crate::mail::AddrSpec;
    use crate::plan::{DispatchKey, Purpose};

    fn identity(octet: u8, recipient: &str, revision: u32) -> Identity {
        let from = AddrSpec::parse("events@host.example").expect("valid");
        let key = DispatchKey { purpose: Purpose::Invitation, revision, mailing: 0, recipient: recipient.to_owned() };
        Identity::derive(&FolderKey::new([octet; 32]), "event-1", &key, &from)
    }

    #[test]
    fn the_same_plan_gives_the_same_identity_and_others_give_others() {
        let a = identity(1, "a@x.example", 0);
        assert_eq!(a, identity(1, "a@x.example", 0));
        assert_ne!(a.uid, identity(1, "b@x.example", 0).uid);
        assert_ne!(a.uid, identity(2, "a@x.example", 0).uid);
        let next = identity(1, "a@x.example", 1);
        assert_eq!(a.uid, next.uid);
        assert_ne!(a.message_id, next.message_id);
        assert!(!a.uid.as_str().contains("a@x"), "no address in a token");
    }

    #[test]
    fn each_session_has_its_own_and_the_event_keeps_those_of_before() {
        let from = AddrSpec::parse("events@host.example").expect("valid");
        let key =
            DispatchKey { purpose: Purpose::Invitation, revision: 0, mailing: 0, recipient: "a@x.example".to_owned() };
        let of = |session| Identity::derive_of(&FolderKey::new([1; 32]), "event-1", session, &key, &from);
        assert_eq!(of(""), identity(1, "a@x.example", 0));
        let (opening, dinner) = (of("opening"), of("dinner"));
        assert_ne!(opening.uid, dinner.uid);
        assert_ne!(opening.message_id, dinner.message_id);
        assert_ne!(opening.outer_boundary, dinner.outer_boundary);
        assert_ne!(opening.uid, of("").uid);
        assert!(opening.uid.as_str().starts_with("event-1."), "known as this event's: {}", opening.uid.as_str());
    }

    #[test]
    fn each_mailing_has_messages_of_its_own() {
        let from = AddrSpec::parse("events@host.example").expect("valid");
        let of = |mailing| {
            let key =
                DispatchKey { purpose: Purpose::Reminder, revision: 0, mailing, recipient: "a@x.example".to_owned() };
            Identity::derive(&FolderKey::new([1; 32]), "event-1", &key, &from)
        };
        assert_ne!(of(1).message_id, of(2).message_id);
        assert_ne!(of(1).message_id, of(0).message_id);
        assert_eq!(of(1).uid, of(2).uid);
    }

    #[test]
    fn a_hashed_address_is_this_folders_alone() {
        let hash = FolderKey::new([1; 32]).address_hash("ana@x.example");
        assert_eq!(hash, FolderKey::new([1; 32]).address_hash("ana@x.example"));
        assert_ne!(hash, FolderKey::new([2; 32]).address_hash("ana@x.example"));
        assert_ne!(hash, FolderKey::new([1; 32]).address_hash("eva@x.example"));
        assert!(hash.starts_with("h:") && hash.len() == 28 && !hash.contains("ana"), "{hash}");
    }

    #[test]
    fn fractions_spread() {
        let key = FolderKey::new([7; 32]);
        let all: Vec<f64> = (0..1000).map(|i| key.fraction(&[&i.to_string()])).collect();
        assert!(all.iter().all(|f| (0.0..1.0).contains(f)));
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
