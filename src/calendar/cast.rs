//! One object for many recipients: what differs between them is two properties, UID and ATTENDEE.
//!
//! What: [`Cast`], a written object cut at those, filled for each recipient. Standards: RFC 5545 section 3.1 (folding: a line
//! is folded by itself, so other lines stay as they were).
//! Not here: writing (`object`), checking (`lint`). Called by: `message`. Can fail: an object that is not ours gives `None`.

use std::ops::Range;

use super::Object;

/// An object without its UID and ATTENDEE.
#[derive(Clone, Debug)]
pub struct Cast {
    before: String,
    between: String,
    after: String,
}

/// An object for one recipient.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The whole, as [`Object::write`] gives it.
    pub octets: String,
    /// A calendar of the two properties alone, for [`super::lint_personal`].
    pub personal: String,
}

impl Cast {
    /// Cuts what [`Object::write`] gave.
    pub fn of(written: &str) -> Option<Self> {
        let (uid, attendee) = (property(written, "UID:")?, property(written, "ATTENDEE;")?);
        if uid.end > attendee.start {
            return None;
        }
        Some(Self {
            before: written[..uid.start].to_owned(),
            between: written[uid.end..attendee.start].to_owned(),
            after: written[attendee.end..].to_owned(),
        })
    }

    /// What [`Cast::fill`] would give to be checked, without the object.
    pub fn personal(object: &Object<'_>) -> String {
        Personal::of(object).octets
    }

    /// The object with the UID and the attendee of another that is the same otherwise.
    pub fn fill(&self, object: &Object<'_>) -> Filled {
        let personal = Personal::of(object);
        let pieces = [&self.before, personal.uid(), &self.between, personal.attendee(), &self.after];
        Filled { octets: pieces.concat(), personal: personal.octets }
    }
}

/// A calendar of UID and ATTENDEE alone, for [`super::lint_personal`].
struct Personal {
    octets: String,
    /// Where the line of ATTENDEE begins.
    attendee: usize,
}

const BEGIN: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n";
const END: &str = "END:VEVENT\r\nEND:VCALENDAR\r\n";

impl Personal {
    fn of(object: &Object<'_>) -> Self {
        let mut octets = String::with_capacity(512);
        octets.push_str(BEGIN);
        object.write_uid(&mut octets);
        let attendee = octets.len();
        object.write_attendee(&mut octets);
        octets.push_str(END);
        Self { octets, attendee }
    }

    fn uid(&self) -> &str {
        &self.octets[BEGIN.len()..self.attendee]
    }

    fn attendee(&self) -> &str {
        &self.octets[self.attendee..self.octets.len() - END.len()]
    }
}

/// The only property whose line begins so, with its folded lines.
fn property(written: &str, begin: &str) -> Option<Range<usize>> {
    let mut found = None;
    let mut at = 0;
    while at < written.len() {
        let mut end = at;
        loop {
            end += written[end..].find("\r\n")? + 2;
            if !written[end..].starts_with(' ') {
                break;
            }
        }
        if written[at..].starts_with(begin) && found.replace(at..end).is_some() {
            return None;
        }
        at = end;
    }
    found
}
