//! The short way through the gate: UID and ATTENDEE of a recipient whose name and address need no second thought.
//!
//! What: [`is_as_meant`] unfolds what was written and holds it against the one text that says what is meant; the writer's
//! folds and quotes are read again so, and nothing is believed. Standard: RFC 5545 section 3.1.
//! Not here: names with quotes, carets, backslashes, braces or characters that may be controls; those are parsed (`facts`).
//! Called by: `lint_personal`. Cannot fail: `false` says nothing but that the long way has to be gone.

use super::Meant;
use crate::calendar::OrganizerMethod;

/// Octets of a line without its CRLF.
const LINE_OCTETS: usize = 75;

/// Whether the octets are a calendar of exactly the UID and the ATTENDEE meant, by all rules for them.
pub(super) fn is_as_meant(octets: &[u8], meant: &Meant<'_>) -> bool {
    let (name, address, uid) = (meant.attendee.name(), meant.attendee.address().as_str(), meant.uid.as_str());
    if !name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        || ![name, address, uid].iter().all(|text| text.bytes().all(is_plain))
    {
        return false;
    }
    let rsvp = match meant.method {
        OrganizerMethod::Request => ";RSVP=TRUE",
        OrganizerMethod::Cancel => "",
    };
    let pieces = [
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:",
        uid,
        "\r\nATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=",
        meant.partstat.as_str(),
        rsvp,
        ";CN=\"",
        name,
        "\":mailto:",
        address,
        "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ];
    let mut written = Unfolded { octets, at: 0, line: 0 };
    pieces.iter().all(|piece| written.goes_on_with(piece.as_bytes())) && written.at == octets.len()
}

/// Neither a control nor the first octet of one (C2, E2, EF), nothing that a quoted parameter treats as something else, and no
/// mark of a template.
fn is_plain(octet: u8) -> bool {
    !matches!(octet, 0..=0x1f | 0x7f | 0xc2 | 0xe2 | 0xef | b'"' | b'^' | b'\\' | b'{' | b'}')
}

/// Octets read without their folds.
struct Unfolded<'o> {
    octets: &'o [u8],
    at: usize,
    /// Where the line began.
    line: usize,
}

impl Unfolded<'_> {
    /// Whether this comes next, in lines that are not too long. Line ends come with a piece or fold it.
    fn goes_on_with(&mut self, piece: &[u8]) -> bool {
        let mut piece = piece;
        while let Some(&first) = piece.first() {
            let rest = &self.octets[self.at..];
            if first == b'\r' {
                if !piece.starts_with(b"\r\n") || !rest.starts_with(b"\r\n") {
                    return false;
                }
                (self.at, self.line, piece) = (self.at + 2, self.at + 2, &piece[2..]);
                continue;
            }
            let in_line = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
            if in_line == 0 {
                // No character may be cut by a fold: its second octet would stand behind the blank. No line may be blank.
                let is_fold =
                    rest.starts_with(b"\r\n ") && rest.get(3).is_some_and(|&next| next & 0xc0 != 0x80 && next != b'\r');
                if !is_fold {
                    return false;
                }
                (self.at, self.line) = (self.at + 3, self.at + 2);
                continue;
            }
            let in_piece = memchr::memchr(b'\r', piece).unwrap_or(piece.len());
            let here = in_line.min(in_piece);
            if rest[..here] != piece[..here] || self.at + here - self.line > LINE_OCTETS {
                return false;
            }
            self.at += here;
            piece = &piece[here..];
        }
        true
    }
}
