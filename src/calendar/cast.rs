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
        personal(object).1
    }

    /// The object with the UID and the attendee of another that is the same otherwise.
    pub fn fill(&self, object: &Object<'_>) -> Option<Filled> {
        let (event, personal) = personal(object);
        let (uid, attendee) = (property(&event, "UID:")?, property(&event, "ATTENDEE;")?);
        let pieces = [&self.before, &event[uid], &self.between, &event[attendee], &self.after];
        Some(Filled { octets: pieces.concat(), personal })
    }
}

/// A calendar of UID and ATTENDEE alone, for [`super::lint_personal`], behind its VEVENT.
fn personal(object: &Object<'_>) -> (String, String) {
    let event = object.write_personal();
    let personal = ["BEGIN:VCALENDAR\r\n", &event, "END:VCALENDAR\r\n"].concat();
    (event, personal)
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
