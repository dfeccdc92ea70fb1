//! The calendar object of one message: one VEVENT, one ATTENDEE.
//!
//! What: [`Object`], the facts of one invitation or cancellation, and [`Object::write`], its octets; the same facts give the same
//! octets, so that a second sending is byte-identical.
//! Standards: RFC 5545 section 3.6.1 (VEVENT), RFC 5546 sections 3.2.2 (REQUEST) and 3.2.5 (CANCEL), RFC 6047 section 2.3 (mailto).
//! Not here: escaping and folding (`text`), checking the octets (`lint`), the MIME parts (`message`). No VTIMEZONE, VALARM,
//! X-ALT-DESC, SENT-BY or BUSYSTATUS: each breaks some client.
//! Called by: `message`. Can fail: [`ObjectFault`], where the facts contradict each other.

use ics::ICalendar;
use ics::components::Component;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::text::{Parameters, Value, fold_line, normal, refold};
use super::{OrganizerMethod, PartStat, Sequence, Status, Uid};
use crate::mail::Mailbox;

/// Without a version, or an upgrade between two sendings would change the octets.
const PRODID: &str = "-//convoke//calendar//EN";

/// Everything that one calendar object says.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// What the attendee's calendar is to do with it.
    pub method: OrganizerMethod,
    /// Per recipient, the same in all revisions.
    pub uid: &'a Uid,
    /// Of the revision.
    pub sequence: Sequence,
    /// When the revision was made, not when a message is sent.
    pub dtstamp: Timestamp,
    /// When the event was made.
    pub created: Timestamp,
    /// When the event was last changed.
    pub last_modified: Timestamp,
    /// First instant; fractions of a second are cut off, here and in all other times.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// Title, 255 characters or fewer.
    pub summary: &'a str,
    /// Place, 255 characters or fewer; empty leaves the line out.
    pub location: &'a str,
    /// Plain text with the local time in words, 3000 characters or fewer.
    pub description: &'a str,
    /// Whose address is `From` and reads the answers.
    pub organizer: &'a Mailbox,
    /// Whose address is `To`.
    pub attendee: &'a Mailbox,
    /// What the attendee has answered so far; stores take it over, so a minor update repeats it.
    pub partstat: PartStat,
    /// Fits the method: [`OrganizerMethod::status`].
    pub status: Status,
    /// Page of the event.
    pub url: Option<&'a str>,
}

/// Why an [`Object`] cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectFault {
    /// It ends before it begins, or then.
    #[error("the event does not end after it starts")]
    End,
    /// RFC 5546 sections 3.2.2 and 3.2.5.
    #[error("METHOD `{}` does not go with STATUS `{}`", .0.as_str(), .1.as_str())]
    Status(OrganizerMethod, Status),
    /// A REQUEST needs one (RFC 5546 section 3.2.2).
    #[error("the event has no title")]
    Summary,
    /// Not `http`, not `https`, or with characters that need percent-encoding.
    #[error("the page of the event is not a plain web address")]
    Url,
    /// Before 1970 or after 2037: Proton refuses the invitation.
    #[error("the event lies outside the years 1970 to 2037")]
    Year,
}

impl Object<'_> {
    /// The object as it goes into both MIME parts: UTF-8, CRLF, folded at 75 octets.
    ///
    /// # Errors
    /// [`ObjectFault`]: the facts contradict each other.
    pub fn write(&self) -> Result<String, ObjectFault> {
        self.check()?;
        let mut event = Component::new("VEVENT");
        let mut put = |name, value: Value| event.add_property(value.property(name));
        put("UID", Value::uid(self.uid));
        put("SEQUENCE", Value::sequence(self.sequence));
        put("DTSTAMP", Value::instant(self.dtstamp));
        put("CREATED", Value::instant(self.created));
        put("LAST-MODIFIED", Value::instant(self.last_modified));
        put("DTSTART", Value::instant(self.start));
        put("DTEND", Value::instant(self.end));
        put("SUMMARY", Value::text(self.summary));
        for (name, text) in [("LOCATION", self.location), ("DESCRIPTION", self.description)] {
            let value = Value::text(text);
            if !value.is_empty() {
                put(name, value);
            }
        }
        let organizer = Parameters::of("ORGANIZER").common_name(self.organizer);
        event.add_property(Value::mailto(self.organizer.address()).property_with(organizer));
        event.add_property(Value::mailto(self.attendee.address()).property_with(self.attendee_parameters()));
        let mut put = |name, value: Value| event.add_property(value.property(name));
        put("STATUS", Value::word(self.status.as_str()));
        put("TRANSP", Value::word("OPAQUE"));
        put("CLASS", Value::word("PUBLIC"));
        // Hides "propose new time" in Outlook and Thunderbird: the date of a reception is not for negotiation.
        put("X-MICROSOFT-DISALLOW-COUNTER", Value::word("TRUE"));
        if let Some(url) = self.url {
            put("URL", Value::url(url).ok_or(ObjectFault::Url)?);
        }
        let mut calendar = ICalendar::new("2.0", PRODID);
        calendar.push(Value::word("GREGORIAN").property("CALSCALE"));
        calendar.push(Value::word(self.method.as_str()).property("METHOD"));
        calendar.add_component(event);
        Ok(refold(&calendar.to_string()))
    }

    /// UID as its own line, as [`Object::write`] has it.
    pub(super) fn write_uid(&self, out: &mut String) {
        fold_line(out, &["UID:", self.uid.as_str()].concat());
    }

    /// ATTENDEE as its own line, as [`Object::write`] has it.
    pub(super) fn write_attendee(&self, out: &mut String) {
        let value = Value::mailto(self.attendee.address());
        fold_line(out, &self.attendee_parameters().line(&value));
    }

    fn check(&self) -> Result<(), ObjectFault> {
        let year = |instant| Offset::UTC.to_datetime(instant).year();
        if self.status != self.method.status() {
            Err(ObjectFault::Status(self.method, self.status))
        } else if self.end.as_second() <= self.start.as_second() {
            Err(ObjectFault::End)
        } else if year(self.start) < 1970 || year(self.end) > 2037 {
            Err(ObjectFault::Year)
        } else if normal(self.summary).is_empty() {
            Err(ObjectFault::Summary)
        } else {
            Ok(())
        }
    }

    /// Google's order. RSVP=TRUE makes Outlook send an answer; a cancellation wants none (RFC 5546 section 3.2.5), and FALSE
    /// is the default.
    fn attendee_parameters(&self) -> Parameters {
        let parameters = Parameters::of("ATTENDEE")
            .word("CUTYPE", "INDIVIDUAL")
            .word("ROLE", "REQ-PARTICIPANT")
            .word("PARTSTAT", self.partstat.as_str());
        match self.method {
            OrganizerMethod::Request => parameters.word("RSVP", "TRUE"),
            OrganizerMethod::Cancel => parameters,
        }
        .common_name(self.attendee)
    }
}

#[cfg(test)]
mod tests;
