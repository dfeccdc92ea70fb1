//! What attendees' calendars answer.
//!
//! What: [`find`], the calendar objects of a message as [`Answer`]s, or that there is one which is no answer.
//! Standards: RFC 5546 (iTIP), RFC 6047 (iMIP), MS-OXTNEF. The METHOD inside the calendar counts, that of the part is a hint:
//! Google labels a COUNTER as REPLY. Not here: whose invitation it answers (binding), human words (`letter`).
//! Called by: `replies::read`, `traces`. Can fail: nothing.

mod containers;
mod lines;
mod object;
mod times;
mod tnef;

use super::{Answer, AttendeeMethod, Mail};
use crate::calendar::PartStat;

pub(super) use lines::{Calendar, calendars};
pub(super) use object::{Writer, address_of, clipped};

/// Answers kept of one message.
const MOST_ANSWERS: usize = 500;

/// The calendar objects of a message.
#[derive(Debug, Default)]
pub(super) struct Calendars {
    /// What attendees answer, each once.
    pub(super) answers: Vec<Answer>,
    /// Why it is an answer, as a person understands it.
    pub(super) because: String,
    /// What a calendar is that is no answer, with its organiser: `REQUEST of a@host.example`.
    pub(super) echo: Option<String>,
    /// PRODID of the first calendar.
    pub(super) prodid: Option<String>,
    /// Oddities.
    pub(super) findings: Vec<String>,
}

impl Calendars {
    fn add(&mut self, answers: Vec<Answer>, because: &str) {
        if answers.is_empty() {
            return;
        }
        if self.because.is_empty() {
            because.clone_into(&mut self.because);
        }
        // A copy differs from the first in nothing that matters; masked addresses differ, so the attendee counts only where one
        // calendar names several.
        let earlier = self.answers.len();
        for answer in answers {
            let is_copy = self.answers[..earlier].iter().any(|own| is_same(own, &answer))
                || self.answers[earlier..].iter().any(|own| is_same(own, &answer) && own.attendee == answer.attendee);
            if !is_copy && self.answers.len() < MOST_ANSWERS {
                self.answers.push(answer);
            }
        }
    }
}

fn is_same(one: &Answer, other: &Answer) -> bool {
    one.method == other.method
        && one.uid == other.uid
        && one.recurrence_id == other.recurrence_id
        && one.dtstamp == other.dtstamp
        && one.partstat == other.partstat
}

/// Everything that calendars in it say. Returned messages are not looked into.
pub(super) fn find(mail: &Mail<'_>) -> Calendars {
    let mut found = Calendars::default();
    let mut parts = containers::parts(mail).into_iter().peekable();
    let winmail = mail.parts().find(is_winmail);
    if parts.peek().is_none() && winmail.is_none() {
        return found;
    }
    let writer = writer(mail);
    for part in parts {
        for calendar in calendars(&part.text) {
            take(&mut found, &calendar, part.method, part.is_declared, &writer);
        }
    }
    if let Some(part) = winmail.filter(|_| found.answers.is_empty()) {
        match tnef::answer(part.octets(), &writer) {
            Some(tnef::Winmail::Answer(answer)) => found.add(vec![*answer], "a meeting answer in `winmail.dat`"),
            Some(tnef::Winmail::Other(method)) => found.echo = Some(format!("{method} in `winmail.dat`")),
            None => {}
        }
    }
    found
}

fn take(found: &mut Calendars, calendar: &Calendar, hint: Option<&str>, is_declared: bool, writer: &Writer) {
    if found.prodid.is_none() {
        found.prodid.clone_from(&calendar.prodid);
    }
    let (method, written) = method_of(calendar, hint);
    let Some(method) = method else {
        // A calendar in the text of a mail is somebody's quotation unless it answers.
        if is_declared && found.echo.is_none() {
            found.echo = Some(described(calendar, &written));
        }
        return;
    };
    if let Some(hint) = hint
        && AttendeeMethod::parse(hint).is_some_and(|hint| hint != method)
    {
        found.findings.push(format!("the part says method `{}`, the calendar {}", hint.trim(), method.as_str()));
    }
    let answers = object::answers(calendar, method, writer);
    if answers.is_empty() && is_declared {
        found.echo.get_or_insert_with(|| format!("{} without an event", method.as_str()));
    }
    found.add(answers, &format!("a calendar with METHOD:{}", method.as_str()));
}

/// The attendee's method of a calendar; else what is written in its place.
fn method_of(calendar: &Calendar, hint: Option<&str>) -> (Option<AttendeeMethod>, String) {
    let in_items = calendar.items.iter().flat_map(|item| item.all("METHOD")).map(|p| p.value.as_str());
    let own: Vec<&str> = calendar
        .methods
        .iter()
        .map(String::as_str)
        .chain(in_items.take(8))
        .map(|method| method.trim().trim_matches('"'))
        .filter(|method| !method.is_empty())
        .collect();
    // Two METHOD lines: the one that makes sense of the other.
    if let Some(method) = own.iter().find_map(|method| AttendeeMethod::parse(method)) {
        return (Some(method), String::new());
    }
    if let Some(written) = own.first().filter(|method| is_organizers(method)) {
        return (None, written.to_ascii_uppercase());
    }
    let hint = hint.map(|hint| hint.trim().trim_matches(['"', '\'']).trim()).unwrap_or_default();
    if let Some(method) = AttendeeMethod::parse(hint) {
        return (Some(method), String::new());
    }
    if is_organizers(hint) {
        return (None, hint.to_ascii_uppercase());
    }
    // Neither says anything: one attendee who has decided is an answer.
    let has_decided = calendar.items.iter().any(|item| {
        let mut attendees = item.all("ATTENDEE");
        let only = attendees.next().filter(|_| attendees.next().is_none());
        let word = only.and_then(|p| p.parameter("PARTSTAT")).and_then(|word| PartStat::parse(word.trim()));
        word.is_some_and(|partstat| partstat != PartStat::NeedsAction)
    });
    (has_decided.then_some(AttendeeMethod::Reply), own.first().map(|m| (*m).to_owned()).unwrap_or_default())
}

fn is_organizers(method: &str) -> bool {
    ["REQUEST", "CANCEL", "PUBLISH", "ADD"].iter().any(|known| known.eq_ignore_ascii_case(method.trim()))
}

/// `REQUEST of a@host.example`.
fn described(calendar: &Calendar, method: &str) -> String {
    let method = if method.is_empty() { "calendar without METHOD" } else { method };
    let organizer = calendar.items.iter().find_map(|item| item.first("ORGANIZER")).and_then(address_of);
    match organizer {
        Some(organizer) => format!("{} of {}", clipped(method, 60), organizer.as_str()),
        None => clipped(method, 60),
    }
}

fn is_winmail(part: &super::Part<'_>) -> bool {
    let is_named = part.is("application", "ms-tnef")
        || part.is("application", "vnd.ms-tnef")
        || part.file_name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"));
    is_named && tnef::is_tnef(part.octets())
}

/// Who wrote the message: persons before machines. Nextcloud answers from an address of its own and names the person in Reply-To.
pub(super) fn writer(mail: &Mail<'_>) -> Writer {
    let head = mail.head();
    let mut addresses: Vec<String> = Vec::new();
    for name in ["From", "Reply-To", "Sender"] {
        for address in head.addresses(name).into_iter().take(5) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    addresses.sort_by_key(|address| is_machine(address));
    Writer { addresses }
}

/// Whether an address is one from which no person writes.
pub(super) fn is_machine(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or("").to_ascii_lowercase();
    let squeezed: String = local.chars().filter(char::is_ascii_alphanumeric).collect();
    squeezed.contains("noreply")
        || squeezed.contains("donotreply")
        || ["calendarnotification", "mailerdaemon", "postmaster"].contains(&squeezed.as_str())
}

#[cfg(test)]
mod tests;
