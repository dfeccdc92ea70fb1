//! A calendar object in words: what its reader will see, and what becomes of the reader's calendar.
//!
//! What: [`calendar_facts`], names of facts and what they are, in the order to read them in.
//! Standards: RFC 5545 section 3.6.1 (VEVENT), RFC 5546 sections 3.2.2 and 3.2.5 (what REQUEST and CANCEL do), read by
//! `calendar::parse` from the octets of the message.
//! Not here: whether the object is right. Called by: `view`. Can fail: nothing; octets that are no calendar give one fact
//! that says why.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use super::Fact;
use crate::calendar::{Calendar, Component, Property, Zone, parse};

/// The facts of the first event. `zone` is where times in UTC are to be said in as well.
pub(super) fn calendar_facts(octets: &[u8], zone: Option<&Zone>) -> Vec<Fact> {
    // The line end before a MIME boundary belongs to the boundary (RFC 2046 section 5.1.1), so an unencoded object lacks its
    // last one.
    let octets = if octets.ends_with(b"\n") { Cow::Borrowed(octets) } else { Cow::Owned([octets, b"\r\n"].concat()) };
    let calendar = match parse(&octets) {
        Ok(calendar) => calendar,
        Err(fault) => return vec![("Not readable", fault.to_string())],
    };
    let Some(event) = calendar.all("VEVENT").next() else {
        return vec![("Not readable", "the calendar holds no event".to_owned())];
    };
    let mut facts = Vec::new();
    let mut fact = |name, value: String| {
        if !value.is_empty() {
            facts.push((name, value));
        }
    };
    let text_of = |name: &str| first(event, name).map(text).unwrap_or_default();
    fact("What", text_of("SUMMARY"));
    fact("When", when(event, zone));
    fact("Where", text_of("LOCATION"));
    fact("Organizer", first(event, "ORGANIZER").map(person).unwrap_or_default());
    for attendee in event.all("ATTENDEE") {
        fact("Attendee", person(attendee));
    }
    fact("Answer", answer(event));
    fact("In the calendar", effect(&calendar, event));
    fact("Method", method(&calendar, event));
    fact("Identity", text_of("UID"));
    fact("Page", first(event, "URL").map(|p| p.value().to_owned()).unwrap_or_default());
    fact("Description", text_of("DESCRIPTION"));
    facts
}

fn first<'c>(component: &'c Component, name: &str) -> Option<&'c Property> {
    component.all(name).next()
}

/// A TEXT as it is meant; one that is wrongly escaped, as it stands.
fn text(property: &Property) -> String {
    property.text().map_or_else(|_| property.value().to_owned(), Cow::into_owned)
}

fn parameter<'p>(property: &'p Property, name: &str) -> Option<&'p str> {
    property.parameter(name).map(|value| value.text.as_str())
}

/// The common name and the address, a line each, as they may run in different directions.
fn person(property: &Property) -> String {
    let address = property.address().unwrap_or_else(|| property.value());
    parameter(property, "CN").map_or_else(|| address.to_owned(), |name| format!("{name}\n{address}"))
}

fn answer(event: &Component) -> String {
    let is_asked = event.all("ATTENDEE").any(|p| parameter(p, "RSVP").is_some_and(|v| v.eq_ignore_ascii_case("TRUE")));
    if !is_asked {
        return String::new();
    }
    let organizer = first(event, "ORGANIZER").and_then(Property::address).unwrap_or("the organizer");
    format!("wanted; accepting or declining writes to {organizer}")
}

fn method(calendar: &Calendar, event: &Component) -> String {
    let Some(method) = first(calendar.root(), "METHOD") else { return String::new() };
    let status = first(event, "STATUS").map(|p| format!(", {}", p.value())).unwrap_or_default();
    format!("{}, sequence {}{status}", method.value(), sequence(event))
}

fn sequence(event: &Component) -> u32 {
    first(event, "SEQUENCE").and_then(Property::number).unwrap_or_default()
}

/// What calendars do with it (RFC 5546 sections 3.2.2 and 3.2.5).
fn effect(calendar: &Calendar, event: &Component) -> String {
    let method = first(calendar.root(), "METHOD").map(|m| m.value().to_ascii_uppercase()).unwrap_or_default();
    match (method.as_str(), sequence(event)) {
        ("REQUEST", 0) => "a new entry appears, and the reader is asked to accept or decline".to_owned(),
        ("REQUEST", number) => {
            format!(
                "takes the place of the entry with the same identity (change {number}); a changed time is asked about again"
            )
        }
        ("CANCEL", _) => "the entry with the same identity is struck out or removed; no answer is asked for".to_owned(),
        ("", _) => "an entry to be added by hand; nobody is asked for an answer".to_owned(),
        (other, _) => format!("depends on the program: the method is {other}"),
    }
}

/// A time as the object gives it.
#[derive(Clone, PartialEq, Eq)]
struct Moment {
    day: Date,
    /// `None` for a whole day.
    clock: Option<Time>,
    /// Empty for a whole day or a floating time.
    zone: String,
}

impl Moment {
    fn read(property: &Property) -> Option<Self> {
        if let Some(instant) = property.instant() {
            return Some(Self::of(jiff::tz::Offset::UTC.to_datetime(instant), "UTC"));
        }
        let value = property.value();
        if let Ok(at) = DateTime::strptime("%Y%m%dT%H%M%S", value) {
            return Some(Self::of(at, parameter(property, "TZID").unwrap_or_default()));
        }
        // `strptime` takes years of fewer digits too.
        let day = Date::strptime("%Y%m%d", value).ok().filter(|_| value.len() == 8)?;
        Some(Self { day, clock: None, zone: String::new() })
    }

    fn of(at: DateTime, zone: &str) -> Self {
        Self { day: at.date(), clock: Some(at.time()), zone: zone.to_owned() }
    }

    fn words(&self) -> String {
        let day = self.day.strftime("%A, %-d %B %Y");
        match self.clock {
            Some(clock) => format!("{day}, {} {}", clock.strftime("%H:%M"), self.zone).trim_end().to_owned(),
            None => day.to_string(),
        }
    }
}

fn span(start: &Moment, end: &Moment) -> String {
    match (start.clock, end.clock) {
        (Some(_), Some(to)) if start.day == end.day && start.zone == end.zone => {
            let words = start.words();
            let (from, zone) = words.split_at(words.len() - start.zone.len());
            format!("{}–{} {zone}", from.trim_end(), to.strftime("%H:%M")).trim_end().to_owned()
        }
        _ => format!("{} – {}", start.words(), end.words()),
    }
}

/// In the event's zone first, then as the object has it; what is no time stands as it is.
fn when(event: &Component, zone: Option<&Zone>) -> String {
    let Some(start) = first(event, "DTSTART") else { return String::new() };
    let end = first(event, "DTEND");
    let as_written = match (Moment::read(start), end.map(Moment::read)) {
        (Some(from), Some(Some(to))) => span(&from, &to),
        (Some(from), _) => from.words(),
        (None, _) => start.value().to_owned(),
    };
    let there = |at: Timestamp, zone: &Zone| Moment::of(zone.instant_to_local(at), zone.name());
    match (zone, start.instant(), end.map(Property::instant)) {
        (Some(zone), Some(from), Some(Some(to))) => {
            format!("{}\n{as_written}", span(&there(from, zone), &there(to, zone)))
        }
        (Some(zone), Some(from), _) => format!("{}\n{as_written}", there(from, zone).words()),
        _ => as_written,
    }
}
