//! DKIM: the signature fields that let a receiver see that a message is ours and unchanged.
//!
//! What: [`Signer`], which puts one `DKIM-Signature` for each of its keys on top of a message.
//! Standards: RFC 6376, RFC 8301 (no SHA-1, no short keys), RFC 8463 (Ed25519), RFC 8058 section 4 (what must be covered).
//! Not here: the record in the DNS, which the organiser publishes; checking signatures, which is the receiver's.
//! Called by: the composer, once for each message, after the last gate. Can fail: with a [`KeyFault`] when a key is read;
//! a signature only where the machine reckons wrongly.
//!
//! Deterministic: `t=` is the message's Date and neither kind of signature has chance in it, so that the same plan gives the
//! same octets. No `x=` (a message read late is still ours), no `l=` (it would let others append to the body), no `i=`, no
//! `z=`.

mod canonical;
mod key;
#[cfg(test)]
mod tests;

use data_encoding::BASE64;
use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use ring::rand::SecureRandom;

pub use self::key::{Algorithm, Key, KeyFault, Record};
use canonical::Field;

/// RFC 5322 section 2.1.1, without CRLF.
const LINE_WANTED: usize = 78;

/// Fields that a reader sees or acts by, or that say how the body is read. Each is signed once more than it is there, so
/// that nobody can add another one above ours (RFC 6376 sections 5.4.2 and 8.15). `Reply-To` is among them although we
/// write none: one added on the way would take the answers elsewhere.
const CLOSED: [&str; 8] = ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type"];

/// Signed where they are there: RFC 6376 section 5.4.1, and both fields of unsubscription (RFC 8058 section 4). Not closed,
/// because relays for bulk mail add some of them. Not signed at all: `Auto-Submitted` and what else robots read, which
/// relays may rewrite.
const OPEN: [&str; 8] = [
    "Cc",
    "In-Reply-To",
    "References",
    "Content-Transfer-Encoding",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// A key made no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the DKIM key `{selector}` of `{domain}` made no right signature")]
pub struct SignFault {
    selector: String,
    domain: String,
}

/// Signs messages with all its keys; shared by all connections.
pub struct Signer {
    keys: Vec<Key>,
    chance: &'static (dyn SecureRandom + Send + Sync),
}

impl Signer {
    /// Signs with these keys, in this order from the top. `chance` is what ring asks for; the signatures have none in them.
    pub fn new(keys: Vec<Key>, chance: &'static (dyn SecureRandom + Send + Sync)) -> Self {
        Self { keys, chance }
    }

    /// From the top.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Puts the signature fields on top of a whole message (CRLF throughout). `at` is the tag `t=`.
    ///
    /// # Errors
    /// A key made no right signature: the machine is at fault, not the message.
    pub fn sign(&self, mut octets: Vec<u8>, at: Timestamp) -> Result<Vec<u8>, SignFault> {
        let (fields, body) = canonical::split(&octets);
        let body_hash = hash_of(body);
        let (names, mut data) = covered(&fields);
        let of_message = data.len();
        let mut top = String::with_capacity(1024 * self.keys.len());
        for key in &self.keys {
            let mut field = open_field(key, &names, &body_hash, at);
            data.truncate(of_message);
            // Its own field is the last one, with an empty b= and without CRLF (RFC 6376 section 3.7).
            let (name, value) = field.out.split_once(':').expect("it was written with a colon");
            canonical::relaxed_field(Field { name: name.as_bytes(), value: value.as_bytes() }, &mut data);
            let signature = key
                .sign(&data, self.chance)
                .ok_or_else(|| SignFault { selector: key.selector().to_owned(), domain: key.domain().to_owned() })?;
            field.broken_anywhere(&BASE64.encode(&signature));
            top.push_str(&field.out);
            top.push_str("\r\n");
        }
        octets.splice(0..0, top.into_bytes());
        Ok(octets)
    }
}

/// The tag `bh=`.
fn hash_of(body: &[u8]) -> String {
    let mut hash = Context::new(&SHA256);
    canonical::relaxed_body(body, |piece| hash.update(piece));
    BASE64.encode(hash.finish().as_ref())
}

/// The names of the tag `h=`, and the canonical fields that they stand for.
fn covered(fields: &[Field<'_>]) -> (Vec<&'static str>, Vec<u8>) {
    let mut names = Vec::with_capacity(24);
    let mut data = Vec::with_capacity(2048);
    for (name, is_closed) in CLOSED.into_iter().map(|n| (n, true)).chain(OPEN.into_iter().map(|n| (n, false))) {
        // Of several fields of a name the lowest counts first (RFC 6376 section 5.4.2).
        for field in fields.iter().rev().filter(|f| f.is(name)) {
            names.push(name);
            canonical::relaxed_field(*field, &mut data);
            data.extend_from_slice(b"\r\n");
        }
        if is_closed {
            names.push(name);
        }
    }
    (names, data)
}

/// The whole field up to `b=`.
fn open_field(key: &Key, names: &[&str], body_hash: &str, at: Timestamp) -> Folded {
    let mut field = Folded { out: String::with_capacity(1024), column: 0 };
    field.piece("DKIM-Signature:");
    field.word("v=1;");
    field.word(&format!("a={};", key.algorithm()));
    field.word("c=relaxed/relaxed;");
    field.word(&format!("d={};", key.domain()));
    field.word(&format!("s={};", key.selector()));
    field.word(&format!("t={};", at.as_second()));
    field.word("h=");
    for (n, name) in names.iter().enumerate() {
        field.piece(name);
        field.piece(if n + 1 == names.len() { ";" } else { ":" });
    }
    field.word(&format!("bh={body_hash};"));
    field.word("b=");
    field
}

/// A field as it grows, folded before it is too long. A domain or selector beyond a line is not broken: no blank may stand
/// inside them.
struct Folded {
    out: String,
    column: usize,
}

impl Folded {
    /// Behind a blank, or on a new line.
    fn word(&mut self, text: &str) {
        if self.column + 1 + text.len() > LINE_WANTED {
            self.fold();
        } else {
            self.out.push(' ');
            self.column += 1;
        }
        self.put(text);
    }

    /// Right behind what is there, or on a new line: where the grammar allows blanks and wants none.
    fn piece(&mut self, text: &str) {
        if self.column + text.len() > LINE_WANTED {
            self.fold();
        }
        self.put(text);
    }

    /// Base64, in which folds may stand anywhere.
    fn broken_anywhere(&mut self, mut text: &str) {
        while !text.is_empty() {
            if self.column >= LINE_WANTED {
                self.fold();
            }
            let (line, rest) = text.split_at(text.len().min(LINE_WANTED - self.column));
            self.put(line);
            text = rest;
        }
    }

    fn fold(&mut self) {
        self.out.push_str("\r\n ");
        self.column = 1;
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }
}
