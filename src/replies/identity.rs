//! By what a message that came back is known again.
//!
//! What: [`Identity`]: the Message-ID, where there is one, together with SHA-256 of the message as its sender made it.
//! Not here: what it says (the other files), where it lies (`io::inbound`). Called by: `command::replies`. Can fail: nothing.
//!
//! The rule. Two messages are one if Message-ID and digest are equal. The digest is taken over the octets with LF line ends,
//! without blank lines at the end, without the line `From ` of an mbox, and without the fields that transport and mailbox
//! programs add ([`ADDED`]): a mail that is delivered again, moved, exported or kept in another kind of mailbox stays the
//! same one. The Message-ID alone would not do: it is the sender's to choose, and a second, different mail under a known
//! one has to count. Of a message that is too large only the header is read and digested.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::head::Head;

/// Fields that are added on the way to the reader, in lower case: trace (RFC 5321 section 4.4), what receiving hosts note
/// (RFC 8601, RFC 7208, RFC 8617), what mailboxes note.
const ADDED: [&str; 24] = [
    "apparently-to",
    "arc-authentication-results",
    "arc-message-signature",
    "arc-seal",
    "authentication-results",
    "content-length",
    "delivered-to",
    "envelope-to",
    "lines",
    "received",
    "received-spf",
    "return-path",
    "status",
    "x-delivered-to",
    "x-envelope-from",
    "x-envelope-to",
    "x-imap",
    "x-keywords",
    "x-mozilla-keys",
    "x-mozilla-status",
    "x-mozilla-status2",
    "x-original-to",
    "x-status",
    "x-uid",
];

/// What tells a message from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// SHA-256 in hexadecimal.
    pub digest: String,
}

impl Identity {
    /// Of the octets of a message, with any line ends.
    pub fn of(octets: &[u8]) -> Self {
        let octets = without_envelope_line(octets);
        let head = Head::parse(octets);
        let mut digest = Digest(Sha256::new());
        let (header, body) = octets.split_at(head.length());
        let mut is_added = false;
        for line in lines(header) {
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                is_added = is_added_on_the_way(line);
            }
            if !is_added {
                digest.line(line);
            }
        }
        let body = body.trim_ascii_end();
        lines(body).for_each(|line| digest.line(line));
        let message_id = head.ids("Message-ID").into_iter().next();
        Self { message_id, digest: HEXLOWER.encode(&digest.0.finalize()) }
    }

    /// One text for both: the key in the journal.
    pub fn key(&self) -> String {
        format!("{} {}", self.digest, self.message_id.as_deref().unwrap_or_default())
    }
}

struct Digest(Sha256);

impl Digest {
    fn line(&mut self, line: &[u8]) {
        self.0.update(line);
        self.0.update(b"\n");
    }
}

fn without_envelope_line(octets: &[u8]) -> &[u8] {
    if !octets.starts_with(b"From ") {
        return octets;
    }
    octets.iter().position(|b| *b == b'\n').map_or(&[], |end| &octets[end + 1..])
}

/// The lines without their ends (CRLF, LF, or CR alone), the empty rest behind the last end left out.
fn lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, behind) = match memchr::memchr2(b'\r', b'\n', rest) {
            Some(at) if rest[at..].starts_with(b"\r\n") => (&rest[..at], &rest[at + 2..]),
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = behind;
        Some(line)
    })
}

fn is_added_on_the_way(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let name = line[..colon].trim_ascii_end();
    ADDED.iter().any(|added| name.eq_ignore_ascii_case(added.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::Identity;

    const MAIL: &[u8] = b"From: a@x.example\r\nSubject: yes,\r\n we come\r\nMessage-ID: <1@x.example>\r\n\r\nAna\r\n";

    #[test]
    fn a_mail_that_is_delivered_again_or_kept_otherwise_is_the_same() {
        let known = Identity::of(MAIL);
        assert_eq!(known.message_id.as_deref(), Some("1@x.example"));
        let lf: Vec<u8> = MAIL.iter().copied().filter(|b| *b != b'\r').collect();
        let cr: Vec<u8> = lf.iter().map(|b| if *b == b'\n' { b'\r' } else { *b }).collect();
        let in_mbox = [b"From a@x.example Mon Jun  7 12:00:00 2027\n", &lf[..], b"\n"].concat();
        let again =
            [&b"Return-Path: <>\r\nDelivered-To: rsvp+k@y.example\r\nReceived: from x\r\n by y\r\n"[..], MAIL].concat();
        for other in [lf, in_mbox, again] {
            assert_eq!(Identity::of(&other), known, "{}", String::from_utf8_lossy(&other));
        }
        // Without any LF nothing is a header line, yet the text is the same.
        assert_eq!(Identity::of(&cr).digest.len(), 64);
    }

    #[test]
    fn another_mail_under_the_same_message_id_counts() {
        let other: Vec<u8> = String::from_utf8(MAIL.to_vec()).unwrap().replace("yes", "no").into_bytes();
        let (one, two) = (Identity::of(MAIL), Identity::of(&other));
        assert_eq!(one.message_id, two.message_id);
        assert_ne!(one.key(), two.key());
    }

    #[test]
    fn octets_that_are_no_mail_have_one_too() {
        for octets in [&b""[..], b"\n", b"From ", b"\r", b"\xff\xfe", b"From x\n\n\n", b": x"] {
            assert_eq!(Identity::of(octets).digest.len(), 64);
        }
        assert_ne!(Identity::of(b"a: b\n\nc").digest, Identity::of(b"a: b\n\nd").digest);
    }
}
