//! The last gate of the calendar object: octets about to be sent against what is meant.
//!
//! What: [`lint`] checks rules L1 to L17 (and L0, that it can be read at all) and returns every [`Finding`].
//! Source: `invitations.md` section 11, distilled from RFC 5545, RFC 5546 and what clients were seen to break on.
//! Not here: the MIME rules M1 to M12 (`message`). Nothing is taken from the writer: lines are looked at as octets, facts as the
//! reader gives them, names and texts compared by their words.
//! Called by: `message`, for every message. Cannot fail; whoever finds a fault must not send.

mod facts;
mod octets;
mod plain;
mod words;

use std::fmt;

use jiff::Timestamp;

use super::{OrganizerMethod, PartStat, Sequence, Status, Uid, reader};
use crate::mail::Mailbox;

/// What the object is meant to say, from the plan and the journal rather than from what the writer was given.
#[derive(Clone, Copy, Debug)]
pub struct Meant<'a> {
    /// REQUEST or CANCEL.
    pub method: OrganizerMethod,
    /// That of the recipient, as first stored.
    pub uid: &'a Uid,
    /// Of the revision.
    pub sequence: Sequence,
    /// Of the revision.
    pub dtstamp: Timestamp,
    /// What the recipient has of this UID, or may have where a sending is in doubt; `None` before the first invitation.
    pub stored: Option<Stored>,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// The address of `From`.
    pub organizer: &'a Mailbox,
    /// The address of `To` and of the envelope.
    pub attendee: &'a Mailbox,
    /// What the attendee answered last.
    pub partstat: PartStat,
    /// CONFIRMED or CANCELLED.
    pub status: Status,
    /// Title.
    pub summary: &'a str,
    /// Place; empty where none is to be sent.
    pub location: &'a str,
    /// The whole text.
    pub description: &'a str,
    /// Page of the event.
    pub url: Option<&'a str>,
    /// Local date, time and zone of the start as DESCRIPTION must have them, letter by letter.
    pub local_words: &'a str,
    /// For L11.
    pub now: Timestamp,
}

/// The revision that a recipient has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// REQUEST or CANCEL.
    pub method: OrganizerMethod,
    /// Its revision.
    pub sequence: Sequence,
    /// Its time.
    pub dtstamp: Timestamp,
    /// Its first instant.
    pub start: Timestamp,
    /// Its first instant after.
    pub end: Timestamp,
}

/// A rule of section 11; `Display` is its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// One readable VCALENDAR with no properties and parameters but those of section 3.2.
    L0,
    /// CRLF only.
    L1,
    /// Lines of 75 octets at most, of whole characters.
    L2,
    /// No byte order mark, blank line or control.
    L3,
    /// VERSION, PRODID, CALSCALE and METHOD first; METHOD as meant.
    L4,
    /// One VEVENT, one UID, the stored one.
    L5,
    /// One ORGANIZER with quoted CN and a bare lower-case mailto.
    L6,
    /// One ATTENDEE, who is the recipient.
    L7,
    /// Closed lists: PARTSTAT, ROLE, CUTYPE, RSVP, TRANSP, CLASS.
    L8,
    /// DTSTAMP, CREATED and LAST-MODIFIED in UTC; DTSTAMP as meant and not older than the stored one.
    L9,
    /// DTSTART and DTEND in UTC, as meant, in order; no DURATION.
    L10,
    /// The start lies in the future.
    L11,
    /// SEQUENCE as meant, and raised where section 6 says so.
    L12,
    /// STATUS as meant and fit for METHOD.
    L13,
    /// No VALARM.
    L14,
    /// Texts as meant, escaped, not too long.
    L15,
    /// No template marks left.
    L16,
    /// Local time in words in DESCRIPTION.
    L17,
}

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A person should know.
    Warning,
    /// The message must not be sent.
    Fault,
}

/// A rule that octets break, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub rule: Rule,
    /// How: what we got, what we need.
    pub text: String,
}

/// Checks one object; nothing found, nothing returned.
pub fn lint(octets: &[u8], meant: &Meant<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    octets::check(octets, &mut findings);
    match reader::parse(octets) {
        Ok(calendar) => facts::check(&calendar, meant, &mut findings),
        Err(fault) => findings.push(Finding::new(Rule::L0, fault.to_string())),
    }
    findings
}

/// All findings about the two properties that differ between recipients; the rest of the object has passed [`lint`] for
/// another recipient. `octets`: a calendar of one VEVENT with these two alone.
pub fn lint_personal(octets: &[u8], meant: &Meant<'_>) -> Vec<Finding> {
    if plain::is_as_meant(octets, meant) { Vec::new() } else { parse_personal(octets, meant) }
}

/// The long way: by all rules, each finding in words.
fn parse_personal(octets: &[u8], meant: &Meant<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    octets::check(octets, &mut findings);
    match reader::parse(octets) {
        Ok(calendar) => facts::check_personal(&calendar, meant, &mut findings),
        Err(fault) => findings.push(Finding::new(Rule::L0, fault.to_string())),
    }
    findings
}

impl Rule {
    /// L11 warns, since a late reminder may be meant; all others forbid.
    pub fn severity(self) -> Severity {
        if self == Self::L11 { Severity::Warning } else { Severity::Fault }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Declared in the order of their numbers, from 0.
        write!(f, "L{}", *self as u8)
    }
}

impl Finding {
    fn new(rule: Rule, text: impl Into<String>) -> Self {
        Self { rule, text: text.into() }
    }

    /// What follows from it.
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

#[cfg(test)]
mod tests;
