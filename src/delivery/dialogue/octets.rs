//! The commands of one message, and the message itself, as octets.

use std::io::Write as _;

use memchr::memmem::Finder;

use super::Capabilities;
use crate::mail::AddrSpec;

/// A message to be announced; its octets have CRLF line ends throughout.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'l> {
    /// Reverse-path.
    pub from: &'l AddrSpec,
    /// Forward-path.
    pub to: &'l AddrSpec,
    /// The message.
    pub octets: &'l [u8],
    /// Message-ID without angle brackets; what stands before its @ becomes ENVID, so that a report finds its message.
    pub message_id: &'l str,
}

impl Letter<'_> {
    /// Whether an address has letters beyond ASCII before its @.
    pub(super) fn needs_smtputf8(&self) -> bool {
        self.from.needs_smtputf8() || self.to.needs_smtputf8()
    }

    /// MAIL with the parameters that the server offers and this message needs.
    pub(super) fn write_mail(&self, offered: &Capabilities, dsn: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(b"MAIL FROM:<");
        out.extend_from_slice(self.from.as_str().as_bytes());
        out.push(b'>');
        if offered.size.is_some() {
            write!(out, " SIZE={}", self.octets.len()).expect("a vector takes everything");
        }
        // Asking for it without need makes some relays refuse or rewrite where the next one lacks it.
        if offered.eight_bit && !self.octets.is_ascii() {
            out.extend_from_slice(b" BODY=8BITMIME");
        }
        if self.needs_smtputf8() {
            out.extend_from_slice(b" SMTPUTF8");
        }
        if dsn {
            // RFC 3461 section 4.3: the headers name the message, the rest would travel for nothing.
            out.extend_from_slice(b" RET=HDRS");
            let id = self.message_id.split('@').next().unwrap_or_default();
            // RFC 3461 section 4.4 allows 100 characters, as they are on the wire.
            let before = out.len();
            out.extend_from_slice(b" ENVID=");
            let value = out.len();
            write_xtext(id, out);
            if out.len() == value || out.len() - value > 100 {
                out.truncate(before);
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// RCPT.
    pub(super) fn write_rcpt(&self, dsn: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(b"RCPT TO:<");
        out.extend_from_slice(self.to.as_str().as_bytes());
        out.push(b'>');
        if dsn {
            out.extend_from_slice(b" NOTIFY=FAILURE,DELAY");
            // Beyond ASCII the type is utf-8 (RFC 6533 section 3), which too many servers refuse; it is optional.
            if self.to.as_str().is_ascii() {
                out.extend_from_slice(b" ORCPT=rfc822;");
                write_xtext(self.to.as_str(), out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// `xtext` (RFC 3461 section 4): printable ASCII but `+` and `=`, everything else as `+` and two hexadecimal digits.
fn write_xtext(text: &str, out: &mut Vec<u8>) {
    for &octet in text.as_bytes() {
        if matches!(octet, b'!'..=b'~') && !matches!(octet, b'+' | b'=') {
            out.push(octet);
        } else {
            write!(out, "+{octet:02X}").expect("a vector takes everything");
        }
    }
}

/// Writes messages with their dots doubled (RFC 5321 section 4.5.2).
pub(super) struct Stuffer {
    line_begins_with_dot: Finder<'static>,
}

impl Stuffer {
    pub(super) fn new() -> Self {
        // A bare LF does not come from us; were there one, a dot behind it must not end the message for a lenient server.
        Self { line_begins_with_dot: Finder::new(b"\n.") }
    }

    /// The message, a line end where it has none, and the final dot.
    pub(super) fn write(&self, octets: &[u8], out: &mut Vec<u8>) {
        out.reserve(octets.len() + 16);
        let mut rest = octets;
        if rest.first() == Some(&b'.') {
            out.push(b'.');
        }
        while let Some(at) = self.line_begins_with_dot.find(rest) {
            out.extend_from_slice(&rest[..at + 2]);
            out.push(b'.');
            rest = &rest[at + 2..];
        }
        out.extend_from_slice(rest);
        if !octets.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{Letter, Stuffer, write_xtext};
    use crate::delivery::dialogue::Capabilities;
    use crate::mail::AddrSpec;

    fn stuffed(text: &str) -> String {
        let mut wire = Vec::new();
        Stuffer::new().write(text.as_bytes(), &mut wire);
        String::from_utf8(wire).expect("text")
    }

    #[test]
    fn dots_at_line_starts_are_doubled() {
        assert_eq!(stuffed(".a\r\n.\r\n..b\r\nc.\r\n"), "..a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(stuffed("a"), "a\r\n.\r\n");
        assert_eq!(stuffed("\r\n.\r\n"), "\r\n..\r\n.\r\n");
        assert_eq!(stuffed("a\n.\r\n"), "a\n..\r\n.\r\n", "a bare LF is no way out of the message");
    }

    #[test]
    fn xtext_is_reversible() {
        let mut out = Vec::new();
        write_xtext("a+b=c d\u{e9}@x.example", &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "a+2Bb+3Dc+20d+C3+A9@x.example");
    }

    #[test]
    fn parameters_are_those_that_are_needed() {
        let address = |text| AddrSpec::parse(text).expect("valid");
        let (from, to) = (address("s@x.example"), address("посол@x.example"));
        let offered = Capabilities { eight_bit: true, ..Capabilities::default() };
        let letter = Letter { from: &from, to: &to, octets: "é\r\n".as_bytes(), message_id: "" };
        let mut out = Vec::new();
        letter.write_mail(&offered, true, &mut out);
        letter.write_rcpt(true, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "MAIL FROM:<s@x.example> BODY=8BITMIME SMTPUTF8 RET=HDRS\r\n\
             RCPT TO:<посол@x.example> NOTIFY=FAILURE,DELAY\r\n"
        );
    }
}
