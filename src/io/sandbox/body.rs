//! The octets between DATA and its end.
//!
//! What: [`Body`] takes off the dots that transparency added and finds the end of the message.
//! Standard: RFC 5321 section 4.1.1.4 (the end is CRLF, dot, CRLF, and nothing else) and section 4.5.2 (transparency).
//! Not here: what the message says; it is kept octet for octet.
//! Called by: `dialogue`.
//! Can fail: a carriage return or a line feed on its own, or too many octets, make a [`Fault`]. The rest is then read and
//! thrown away up to the true end, so that nothing inside the message can pass for a command (SMTP smuggling).

use std::io::BufRead;

/// Offered with SIZE (RFC 1870): 25 MiB, what the large providers take.
pub(super) const SIZE_LIMIT_OCTETS: usize = 26_214_400;

/// What a buffer may keep after a message, so that one large message does not stay in memory for a whole connection.
const KEPT_OCTETS: usize = 64 * 1024;

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A CR or LF that is not part of a CRLF: some servers end a line there and others do not.
    BareLineEnd,
    /// More than [`SIZE_LIMIT_OCTETS`].
    TooLarge,
}

/// Where in a line the next octet stands; octets come in pieces cut anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// After a CRLF, that of the DATA command included.
    LineStart,
    /// After a dot at the start of a line.
    Dot,
    /// After a dot at the start of a line and a CR.
    DotCr,
    /// Inside a line.
    Text,
    /// Inside a line, after a CR.
    TextCr,
}

/// One message as it comes in.
#[derive(Debug)]
pub(super) struct Body {
    octets: Vec<u8>,
    place: Place,
    fault: Option<Fault>,
    limit_octets: usize,
}

impl Body {
    pub(super) fn new(limit_octets: usize) -> Self {
        Self { octets: Vec::new(), place: Place::LineStart, fault: None, limit_octets }
    }

    /// Takes octets off the front of `input`; true once the end has been read. What follows the end stays in `input`.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> bool {
        while let Some(&first) = input.first() {
            match (self.place, first) {
                (Place::LineStart, b'.') => {
                    self.place = Place::Dot;
                    *input = &input[1..];
                }
                (Place::Dot, b'\r') => {
                    self.place = Place::DotCr;
                    *input = &input[1..];
                }
                (Place::DotCr, b'\n') => {
                    *input = &input[1..];
                    return true;
                }
                (Place::TextCr, b'\n') => {
                    self.keep(b"\n");
                    self.place = Place::LineStart;
                    *input = &input[1..];
                }
                (Place::DotCr | Place::TextCr, _) => {
                    self.refuse(Fault::BareLineEnd);
                    self.place = Place::Text;
                }
                (Place::LineStart | Place::Dot | Place::Text, _) => self.take_line(input),
            }
        }
        false
    }

    /// The rest of a line, or as much of it as has come.
    fn take_line(&mut self, input: &mut &[u8]) {
        let mut rest = *input;
        // The standard library's own memchr: reading from a slice cannot fail.
        let length = rest.skip_until(b'\n').unwrap_or(input.len());
        let line = &input[..length];
        *input = rest;
        let (text, place) = match line {
            [text @ .., b'\r', b'\n'] => (text, Place::LineStart),
            [text @ .., b'\r'] => (text, Place::TextCr),
            text => (text, Place::Text),
        };
        if text.ends_with(b"\n") || text.contains(&b'\r') {
            self.refuse(Fault::BareLineEnd);
        }
        self.keep(line);
        self.place = place;
    }

    fn keep(&mut self, octets: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if self.octets.len() + octets.len() > self.limit_octets {
            self.refuse(Fault::TooLarge);
        } else {
            self.octets.extend_from_slice(octets);
        }
    }

    /// The first fault is the one that is told.
    fn refuse(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
        self.octets = Vec::new();
    }

    /// The message so far, as it was before transparency: whole once [`Body::take`] was true and there is no fault.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Ready for the next message.
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.octets.shrink_to(KEPT_OCTETS);
        self.place = Place::LineStart;
        self.fault = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, Fault};

    /// What comes of `wire`, the same in whatever pieces it arrives: message or fault, and what is left over.
    fn read(wire: &[u8]) -> (Result<Vec<u8>, Fault>, Vec<u8>) {
        let pieces = |size: usize| {
            let mut body = Body::new(100);
            let mut pieces = wire.chunks(size);
            while let Some(mut piece) = pieces.next() {
                if body.take(&mut piece) {
                    let rest = [piece.to_vec(), pieces.flatten().copied().collect()].concat();
                    return (body.fault().map_or_else(|| Ok(body.octets().to_vec()), Err), rest);
                }
            }
            panic!("no end in {:?}", String::from_utf8_lossy(wire));
        };
        let whole = pieces(wire.len());
        for size in 1..wire.len() {
            assert_eq!(pieces(size), whole, "in pieces of {size}: {:?}", String::from_utf8_lossy(wire));
        }
        whole
    }

    fn message(wire: &str) -> Vec<u8> {
        read(wire.as_bytes()).0.expect(wire)
    }

    #[test]
    fn takes_off_only_the_dots_that_transparency_added() {
        assert_eq!(message("a\r\n..\r\n...b\r\n.c\r\nd.\r\n.\r\n"), b"a\r\n.\r\n..b\r\nc\r\nd.\r\n");
        assert_eq!(message("..a\r\n.\r\n"), b".a\r\n", "on the first line as well");
        assert_eq!(message(".\r\n"), b"", "an empty message ends with the line end of DATA");
        assert_eq!(message("\r\n\r\n.\r\n"), b"\r\n\r\n");
        assert_eq!(message("\u{0}é\r\n.\r\n"), "\u{0}é\r\n".as_bytes());
    }

    #[test]
    fn leaves_what_follows_the_end() {
        assert_eq!(read(b"a\r\n.\r\nMAIL FROM:<>\r\n").1, b"MAIL FROM:<>\r\n");
    }

    #[test]
    fn refuses_line_ends_that_servers_read_in_different_ways() {
        for false_end in
            ["\n.\n", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r", "\n\r\n", "\r\r\n", "\r\n.\r\r\n", "\n"]
        {
            let wire = format!("a{false_end}MAIL FROM:<x@y.example>\r\n.\r\nQUIT\r\n");
            let (result, rest) = read(wire.as_bytes());
            assert_eq!(result, Err(Fault::BareLineEnd), "{false_end:?}");
            assert_eq!(rest, b"QUIT\r\n", "{false_end:?}");
        }
    }

    #[test]
    fn stops_keeping_what_is_too_large() {
        let line = format!("{}\r\n", "a".repeat(98));
        assert_eq!(message(&format!("{line}.\r\n")).len(), 100);
        assert_eq!(read(format!("{line}b\r\n.\r\n").as_bytes()).0, Err(Fault::TooLarge));
    }
}
