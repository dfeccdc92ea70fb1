//! A plan and its seal: what would be sent, so exactly that a second person can say yes to it.
//!
//! What: [`Plan`], what shapes and carries the messages; [`SealedMessage`], one line for each; [`Sealed`], both with the
//! [`Seal`] over them. Standard: FIPS 180-4 (SHA-256). The seal is over text that anybody can hash again with `sha256sum`:
//! [`Sealed::lines`], which holds the digest of all [`SealedMessage::line`]s.
//! Not here: who approves (`approval`), what has changed since (`comparison`), making the messages (`message`).
//! Called by: `io::store`, `desk`, `command`. Can fail: reading what this version did not write.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Of the seal's text; another number when its lines change.
const FORM: u32 = 1;
/// Characters of a seal that are shown and typed: 32 bits, more than a slip of the hand can meet.
const SHORT: usize = 8;

/// What is to be sent, but for the messages themselves. Texts are as the user wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name and version of the program.
    pub program: String,
    /// The event's lasting id.
    pub event: String,
    /// The word of the purpose.
    pub purpose: String,
    /// Which reminder or letter; 0 where the purpose has none.
    pub mailing: i64,
    /// The state of the event.
    pub revision: u32,
    /// DTSTAMP of its calendar objects, and the Date under which the messages are hashed.
    pub dtstamp: Timestamp,
    /// Conditions of the selection; none means everybody.
    pub only: Vec<String>,
    /// Lists in place of those in `convoke.toml`; none means those.
    pub lists: Vec<String>,
    /// Whether refused rows are left out.
    pub skip_refused: bool,
    /// A relay in place of those in `convoke.toml`.
    pub relay: Option<String>,
    /// Where the messages are handed in, in words.
    pub relays: Vec<String>,
    /// The reverse-path of the envelopes (RFC 5321 section 4.1.1.2).
    pub reverse_path: String,
    /// The records of the keys that sign.
    pub signatures: Vec<String>,
    /// The values of `convoke.toml` that can shape a message, by path.
    pub settings: BTreeMap<String, String>,
    /// SHA-256 of each template file that can shape a message, by name.
    pub templates: BTreeMap<String, String>,
}

/// One message of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealedMessage {
    /// The recipient's row in the journal.
    pub recipient: i64,
    /// The session that it is of; empty for the event as a whole.
    pub session: String,
    /// Masked, so that a plan can be handed round.
    pub address: String,
    /// The letter that is used.
    pub letter: String,
    /// SHA-256 of the octets without signatures, rendered at the plan's DTSTAMP: neither Date nor DKIM counts.
    pub digest: String,
    /// What the lists say of the recipient, hashed.
    pub row: String,
}

impl SealedMessage {
    /// As it is hashed and written, without an end of line.
    pub fn line(&self) -> String {
        format!("message {} {} {}", self.address, self.letter, self.digest)
    }
}

/// How many messages there are, and of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// All of them.
    pub messages: u64,
    /// By letter.
    pub letters: BTreeMap<String, u64>,
    /// By kind of recipient and language.
    pub recipients: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Extent {
    /// Counts one message.
    pub fn add(&mut self, letter: &str, kind: &str, language: &str) {
        self.messages += 1;
        *self.letters.entry(letter.to_owned()).or_default() += 1;
        *self.recipients.entry(kind.to_owned()).or_default().entry(language.to_owned()).or_default() += 1;
    }
}

/// SHA-256 over the lines of messages, in the order of the journal.
#[derive(Default)]
pub struct MessagesDigest(Sha256);

impl MessagesDigest {
    /// Takes the next message.
    pub fn add(&mut self, message: &SealedMessage) {
        self.0.update(message.line().as_bytes());
        self.0.update(b"\n");
    }

    /// In hexadecimal.
    pub fn finish(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0.finalize())
    }
}

/// 64 hexadecimal digits that stand for a whole plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(String);

impl Seal {
    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, which a person types.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or(&self.0)
    }

    /// Whether somebody typed it, or enough of its beginning.
    pub fn is_typed(&self, text: &str) -> bool {
        let text = text.trim().to_ascii_lowercase();
        text.len() >= SHORT && self.0.starts_with(&text)
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A plan that cannot change any more without another seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    plan: Plan,
    extent: Extent,
    messages: String,
    seal: Seal,
}

/// The form in the journal.
#[derive(Serialize, Deserialize)]
struct Stored {
    plan: Plan,
    extent: Extent,
    messages: String,
}

impl Plan {
    /// Closes it over its messages; `messages` is [`MessagesDigest::finish`] of them all.
    pub fn seal(self, extent: Extent, messages: String) -> Sealed {
        let mut sealed = Sealed { plan: self, extent, messages, seal: Seal(String::new()) };
        sealed.seal = Seal(data_encoding::HEXLOWER.encode(&Sha256::digest(sealed.lines().as_bytes())));
        sealed
    }
}

impl Sealed {
    /// What is to be sent.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// To how many.
    pub fn extent(&self) -> &Extent {
        &self.extent
    }

    /// The digest of the messages' lines.
    pub fn messages(&self) -> &str {
        &self.messages
    }

    /// The digest over all.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// For the journal.
    pub fn to_json(&self) -> String {
        let Self { plan, extent, messages, .. } = self.clone();
        serde_json::to_string(&Stored { plan, extent, messages }).expect("texts, numbers and tables of texts are JSON")
    }

    /// From the journal; the seal is reckoned anew. `None` for what another version wrote.
    pub fn from_json(text: &str) -> Option<Self> {
        let Stored { plan, extent, messages } = serde_json::from_str(text).ok()?;
        Some(plan.seal(extent, messages))
    }

    /// The text under the seal: its SHA-256 is the seal.
    pub fn lines(&self) -> String {
        let plan = &self.plan;
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let list = |items: &[String], none: &str| match items {
            [] => none.to_owned(),
            items => items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(" "),
        };
        let mut text = format!("convoke plan {FORM}\n");
        let mut line = |words: fmt::Arguments<'_>| writeln!(text, "{words}").expect("a string takes all");
        line(format_args!("program {}", plan.program));
        line(format_args!("event {}", plan.event));
        line(format_args!("purpose {}", plan.purpose));
        line(format_args!("mailing {}", plan.mailing));
        line(format_args!("revision {} of {}", plan.revision, plan.dtstamp));
        line(format_args!("selection {}", list(&plan.only, "everybody")));
        line(format_args!("lists {}", list(&plan.lists, "those of convoke.toml")));
        line(format_args!("refused rows {}", if plan.skip_refused { "are left out" } else { "stop the plan" }));
        line(format_args!("relays typed {}", list(plan.relay.as_slice(), "none")));
        for relay in &plan.relays {
            line(format_args!("relay {}", quoted(relay)));
        }
        line(format_args!("reverse-path {}", plan.reverse_path));
        for signature in &plan.signatures {
            line(format_args!("signature {}", quoted(signature)));
        }
        for (key, value) in &plan.settings {
            line(format_args!("setting {} {value}", quoted(key)));
        }
        for (name, digest) in &plan.templates {
            line(format_args!("template {} {digest}", quoted(name)));
        }
        for (letter, messages) in &self.extent.letters {
            line(format_args!("letter {} {messages}", quoted(letter)));
        }
        for (kind, languages) in &self.extent.recipients {
            for (language, messages) in languages {
                line(format_args!("recipients {kind} {language} {messages}"));
            }
        }
        line(format_args!("messages {} {}", self.extent.messages, self.messages));
        text
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::{Extent, MessagesDigest, Plan, Sealed, SealedMessage};

    pub(crate) fn plan() -> Plan {
        Plan {
            program: "convoke 1".to_owned(),
            event: "gala".to_owned(),
            purpose: "invitation".to_owned(),
            mailing: 0,
            revision: 0,
            dtstamp: Timestamp::UNIX_EPOCH,
            only: vec![],
            lists: vec![],
            skip_refused: false,
            relay: None,
            relays: vec!["sandbox".to_owned()],
            reverse_path: "events@host.example".to_owned(),
            signatures: vec![],
            settings: [("event.place".to_owned(), "\"Room 5\"".to_owned())].into(),
            templates: [("invitation/ngo.en.md.hbs".to_owned(), "0a".to_owned())].into(),
        }
    }

    pub(crate) fn message(recipient: i64, digest: &str) -> SealedMessage {
        SealedMessage {
            recipient,
            session: String::new(),
            address: format!("g…@x{recipient}.example"),
            letter: "invitation/ngo.en".to_owned(),
            digest: digest.to_owned(),
            row: "r".to_owned(),
        }
    }

    fn sealed(plan: Plan, messages: &[SealedMessage]) -> Sealed {
        let (mut extent, mut digest) = (Extent::default(), MessagesDigest::default());
        for message in messages {
            extent.add(&message.letter, "ngo", "en");
            digest.add(message);
        }
        plan.seal(extent, digest.finish())
    }

    #[test]
    fn the_same_plan_has_the_same_seal_and_comes_back_from_the_journal() {
        let first = sealed(plan(), &[message(1, "aa"), message(2, "bb")]);
        assert_eq!(first, sealed(plan(), &[message(1, "aa"), message(2, "bb")]));
        assert_eq!(Sealed::from_json(&first.to_json()), Some(first.clone()));
        assert_eq!(Sealed::from_json("{}"), None);
        assert_eq!(first.seal().as_str().len(), 64);
        assert!(first.seal().is_typed(&first.seal().short().to_uppercase()));
        assert!(!first.seal().is_typed(&first.seal().as_str()[..7]), "too little of it");
        assert!(!first.seal().is_typed(""), "nothing of it");
    }

    #[test]
    fn whatever_is_sent_otherwise_has_another_seal() {
        let first = sealed(plan(), &[message(1, "aa"), message(2, "bb")]);
        let others = [
            sealed(plan(), &[message(1, "aa")]),
            sealed(plan(), &[message(1, "aa"), message(2, "bc")]),
            sealed(plan(), &[message(2, "bb"), message(1, "aa")]),
            sealed(Plan { relays: vec!["main".to_owned()], ..plan() }, &[message(1, "aa"), message(2, "bb")]),
            sealed(Plan { only: vec!["kind=ngo".to_owned()], ..plan() }, &[message(1, "aa"), message(2, "bb")]),
            sealed(Plan { revision: 1, ..plan() }, &[message(1, "aa"), message(2, "bb")]),
        ];
        for other in others {
            assert_ne!(first.seal(), other.seal(), "{}", other.lines());
        }
    }

    #[test]
    fn no_value_can_forge_a_line() {
        let forged = Plan { only: vec!["kind=ngo\nmessages 0 aa".to_owned()], ..plan() };
        let lines = sealed(forged, &[]).lines();
        assert_eq!(lines.lines().filter(|line| line.starts_with("messages ")).count(), 1, "{lines}");
    }
}
