//! L4 to L17: what the object says against what is meant.
//!
//! Sources: `invitations.md` sections 3.2, 6 and 11; RFC 5546 sections 3.2.2 and 3.2.5. Not here: lines (`octets`), reading
//! (`reader`). Called by: `lint`. Cannot fail.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::words::{has_marks, letters, letters_of_name, shown};
use super::{Finding, Meant, Rule};
use crate::calendar::{Calendar, Component, OrganizerMethod, Property, Sequence, Uid};
use crate::mail::Mailbox;

/// All that stand in VCALENDAR.
fn is_of_calendar(name: &str) -> bool {
    matches!(name, "VERSION" | "PRODID" | "CALSCALE" | "METHOD")
}

/// All that stand in VEVENT.
fn is_of_event(name: &str) -> bool {
    matches!(
        name,
        "UID"
            | "SEQUENCE"
            | "DTSTAMP"
            | "CREATED"
            | "LAST-MODIFIED"
            | "DTSTART"
            | "DTEND"
            | "SUMMARY"
            | "LOCATION"
            | "DESCRIPTION"
            | "ORGANIZER"
            | "ATTENDEE"
            | "STATUS"
            | "TRANSP"
            | "CLASS"
            | "X-MICROSOFT-DISALLOW-COUNTER"
            | "URL"
    )
}

pub(super) fn check(calendar: &Calendar, meant: &Meant<'_>, findings: &mut Vec<Finding>) {
    let mut facts = Facts { meant, findings };
    facts.calendar(calendar);
    let mut events = calendar.all("VEVENT");
    let (Some(event), None) = (events.next(), events.next()) else {
        return facts.find(Rule::L5, "there is not exactly one VEVENT");
    };
    facts.closed(event);
    facts.identity(event);
    facts.organizer(event);
    facts.attendee(event);
    facts.times(event);
    facts.revision(event);
    facts.texts(event);
}

/// The same of UID and ATTENDEE alone.
pub(super) fn check_personal(calendar: &Calendar, meant: &Meant<'_>, findings: &mut Vec<Finding>) {
    let mut facts = Facts { meant, findings };
    let mut events = calendar.all("VEVENT");
    let (Some(event), None) = (events.next(), events.next()) else {
        return facts.find(Rule::L5, "there is not exactly one VEVENT");
    };
    facts.names(event, |name| matches!(name, "UID" | "ATTENDEE"));
    facts.identity(event);
    facts.attendee(event);
}

struct Facts<'m, 'f> {
    meant: &'m Meant<'m>,
    findings: &'f mut Vec<Finding>,
}

impl Facts<'_, '_> {
    fn find(&mut self, rule: Rule, text: impl Into<String>) {
        self.findings.push(Finding::new(rule, text));
    }

    /// The one property of that name; a finding where there is none or more.
    fn only<'c>(&mut self, rule: Rule, component: &'c Component, name: &str) -> Option<&'c Property> {
        let only = component.only(name);
        if only.is_none() {
            self.find(rule, format!("there is not exactly one {name}"));
        }
        only
    }

    /// A property with exactly that value.
    fn word(&mut self, rule: Rule, component: &Component, name: &str, word: &str) {
        if let Some(property) = self.only(rule, component, name)
            && property.value() != word
        {
            self.find(rule, format!("{name} is {}; {} is needed", shown(property.value()), shown(word)));
        }
    }

    fn calendar(&mut self, calendar: &Calendar) {
        let root = calendar.root();
        if !root.is_ordered() {
            self.find(Rule::L4, "a calendar property stands after a component");
        }
        self.word(Rule::L4, root, "VERSION", "2.0");
        self.word(Rule::L4, root, "CALSCALE", "GREGORIAN");
        self.word(Rule::L4, root, "METHOD", self.meant.method.as_str());
        if self.only(Rule::L4, root, "PRODID").is_some_and(|prodid| prodid.value().is_empty()) {
            self.find(Rule::L4, "PRODID is empty");
        }
        self.names(root, is_of_calendar);
        for component in root.components().iter().filter(|component| component.name() != "VEVENT") {
            self.find(Rule::L0, format!("a component {} is none of ours", shown(component.name())));
        }
    }

    /// Nothing in VEVENT but what is sent on purpose: whatever else is there was smuggled in.
    fn closed(&mut self, event: &Component) {
        self.names(event, is_of_event);
        for component in event.components() {
            let rule = if component.name() == "VALARM" { Rule::L14 } else { Rule::L0 };
            self.find(rule, format!("VEVENT holds a component {}", shown(component.name())));
        }
        for (name, word) in [("TRANSP", "OPAQUE"), ("CLASS", "PUBLIC"), ("X-MICROSOFT-DISALLOW-COUNTER", "TRUE")] {
            self.word(Rule::L8, event, name, word);
        }
    }

    fn names(&mut self, component: &Component, is_ours: fn(&str) -> bool) {
        for property in component.properties() {
            let name = property.name();
            if !is_ours(name) {
                let rule = if name == "DURATION" { Rule::L10 } else { Rule::L0 };
                self.find(rule, format!("a property {} is none of ours", shown(name)));
            }
            if !property.parameters().is_empty() && !matches!(name, "ORGANIZER" | "ATTENDEE") {
                let rule = if matches!(name, "DTSTART" | "DTEND") { Rule::L10 } else { Rule::L0 };
                self.find(rule, format!("{name} carries a parameter"));
            }
            let mut values = property.parameters().iter().flat_map(|parameter| &parameter.values);
            if has_marks(property.value()) || values.any(|value| has_marks(&value.text)) {
                self.find(Rule::L16, format!("{name} holds template marks: {}", shown(property.value())));
            }
        }
    }

    fn identity(&mut self, event: &Component) {
        let Some(uid) = self.only(Rule::L5, event, "UID") else { return };
        let uid = uid.value();
        if !uid.is_ascii() || uid.is_empty() || uid.len() > Uid::LONGEST || Uid::is_of_exchange(uid) {
            self.find(Rule::L5, format!("UID {} is not 1 to 190 ASCII characters of our own", shown(uid)));
        }
        if uid != self.meant.uid.as_str() {
            self.find(Rule::L5, format!("UID is {}; the stored one is {}", shown(uid), shown(self.meant.uid.as_str())));
        }
    }

    fn organizer(&mut self, event: &Component) {
        let Some(organizer) = self.only(Rule::L6, event, "ORGANIZER") else { return };
        self.address(Rule::L6, organizer, self.meant.organizer);
        self.parameters(Rule::L6, organizer, &["CN"]);
    }

    fn attendee(&mut self, event: &Component) {
        let Some(attendee) = self.only(Rule::L7, event, "ATTENDEE") else { return };
        self.address(Rule::L7, attendee, self.meant.attendee);
        // A cancellation asks for no answer (RFC 5546 section 3.2.5).
        let names: &[&str] = match self.meant.method {
            OrganizerMethod::Request => &["CUTYPE", "ROLE", "PARTSTAT", "RSVP", "CN"],
            OrganizerMethod::Cancel => &["CUTYPE", "ROLE", "PARTSTAT", "CN"],
        };
        let partstat = self.meant.partstat.as_str();
        let words = [("CUTYPE", "INDIVIDUAL"), ("ROLE", "REQ-PARTICIPANT"), ("PARTSTAT", partstat), ("RSVP", "TRUE")];
        for (name, word) in words.into_iter().filter(|(name, _)| names.contains(name)) {
            let value = attendee.parameter(name).map_or("", |value| &value.text);
            if value != word {
                let value = shown(value);
                self.find(Rule::L8, format!("{name} of ATTENDEE is {value}; {} is needed", shown(word)));
            }
        }
        self.parameters(Rule::L7, attendee, names);
    }

    /// A bare `mailto:` address and a quoted CN, both as meant.
    fn address(&mut self, rule: Rule, property: &Property, meant: &Mailbox) {
        let (name, value, address) = (property.name(), property.value(), meant.address().as_str());
        if value.strip_prefix("mailto:") != Some(address) {
            self.find(rule, format!("{name} is {}; `mailto:{address}` is needed", shown(value)));
        }
        let Some(common_name) = property.parameter("CN") else {
            return self.find(rule, format!("{name} has not exactly one CN"));
        };
        if !common_name.is_quoted {
            self.find(rule, format!("CN of {name} is not quoted"));
        }
        let meant_name = if letters_of_name(meant.name()).next().is_none() { address } else { meant.name() };
        if common_name.text != meant_name && !letters_of_name(&common_name.text).eq(letters_of_name(meant_name)) {
            self.find(rule, format!("CN of {name} is {}; {} is meant", shown(&common_name.text), shown(meant_name)));
        }
    }

    /// The parameters that are sent on purpose, in Google's order.
    fn parameters(&mut self, rule: Rule, property: &Property, names: &[&str]) {
        if !property.parameters().iter().map(|parameter| parameter.name.as_str()).eq(names.iter().copied()) {
            self.find(rule, format!("parameters of {} are not {}", property.name(), names.join(", ")));
        }
    }

    fn instant(&mut self, rule: Rule, event: &Component, name: &str) -> Option<Timestamp> {
        let property = self.only(rule, event, name)?;
        let instant = property.instant();
        if instant.is_none() {
            self.find(
                rule,
                format!("{name} is {}; a UTC time like `20170922T190000Z` is needed", shown(property.value())),
            );
        }
        instant
    }

    fn instant_as_meant(&mut self, rule: Rule, event: &Component, name: &str, meant: Timestamp) -> Option<Timestamp> {
        let instant = self.instant(rule, event, name)?;
        if instant.as_second() != meant.as_second() {
            self.find(rule, format!("{name} is {instant}; {meant} is meant"));
        }
        Some(instant)
    }

    fn times(&mut self, event: &Component) {
        let meant = self.meant;
        let start = self.instant_as_meant(Rule::L10, event, "DTSTART", meant.start);
        let end = self.instant_as_meant(Rule::L10, event, "DTEND", meant.end);
        if let (Some(start), Some(end)) = (start, end) {
            if end <= start {
                self.find(Rule::L10, "DTEND is not after DTSTART");
            }
            // Proton refuses other years.
            let year = |instant| Offset::UTC.to_datetime(instant).year();
            if year(start) < 1970 || year(end) > 2037 {
                self.find(Rule::L10, "the event lies outside the years 1970 to 2037");
            }
        }
        if start.is_some_and(|start| start <= meant.now) {
            self.find(Rule::L11, "the event has begun already; some servers drop invitations to the past");
        }
        let created = self.instant(Rule::L9, event, "CREATED");
        let modified = self.instant(Rule::L9, event, "LAST-MODIFIED");
        if created.zip(modified).is_some_and(|(created, modified)| modified < created) {
            self.find(Rule::L9, "LAST-MODIFIED is before CREATED");
        }
    }

    /// DTSTAMP, SEQUENCE and STATUS, by the life cycle of `invitations.md` section 6.
    fn revision(&mut self, event: &Component) {
        let meant = self.meant;
        self.word(Rule::L13, event, "STATUS", meant.status.as_str());
        if meant.status != meant.method.status() {
            self.find(Rule::L13, format!("STATUS {} does not fit {}", meant.status.as_str(), meant.method.as_str()));
        }
        let dtstamp = self.instant_as_meant(Rule::L9, event, "DTSTAMP", meant.dtstamp);
        let Some(property) = self.only(Rule::L12, event, "SEQUENCE") else { return };
        let Some(sequence) = property.number().filter(|&number| Sequence::new(number).is_some()) else {
            return self.find(Rule::L12, format!("SEQUENCE is {}; a number is needed", shown(property.value())));
        };
        if sequence != meant.sequence.number() {
            self.find(Rule::L12, format!("SEQUENCE is {sequence}; {} is meant", meant.sequence));
        }
        let Some(stored) = meant.stored else {
            if meant.method == OrganizerMethod::Cancel {
                self.find(Rule::L12, "CANCEL of an invitation that the recipient does not have");
            }
            return;
        };
        let stamps = dtstamp.map(|dtstamp| dtstamp.as_second().cmp(&stored.dtstamp.as_second()));
        match sequence.cmp(&stored.sequence.number()) {
            Ordering::Less => {
                self.find(Rule::L12, format!("SEQUENCE is {sequence}; the recipient has {} already", stored.sequence));
            }
            Ordering::Greater if stamps.is_some_and(Ordering::is_le) => {
                self.find(Rule::L9, "DTSTAMP of a later revision is not after the stored one");
            }
            Ordering::Greater => {}
            Ordering::Equal => {
                if stamps.is_some_and(Ordering::is_lt) {
                    self.find(Rule::L9, "DTSTAMP is older than the stored one of the same SEQUENCE");
                }
                // RFC 5546 section 2.1.4: MUST be incremented.
                let seconds = |start: Timestamp, end: Timestamp| (start.as_second(), end.as_second());
                if seconds(stored.start, stored.end) != seconds(meant.start, meant.end) {
                    self.find(Rule::L12, "the time has changed; SEQUENCE must rise");
                }
                if stored.method != meant.method {
                    self.find(Rule::L12, "METHOD has changed; SEQUENCE must rise");
                }
            }
        }
    }

    fn texts(&mut self, event: &Component) {
        let meant = self.meant;
        self.text(event, "SUMMARY", meant.summary, 255);
        if letters(meant.summary).next().is_none() {
            self.find(Rule::L15, "SUMMARY is empty");
        }
        self.text(event, "LOCATION", meant.location, 255);
        let description = self.text(event, "DESCRIPTION", meant.description, 3000);
        let is_told = !meant.local_words.is_empty() && description.contains(meant.local_words);
        if !is_told {
            self.find(Rule::L17, format!("DESCRIPTION does not hold the local time {}", shown(meant.local_words)));
        }
        let mut urls = event.all("URL").map(Property::value);
        if (urls.next(), urls.next()) != (meant.url, None) {
            self.find(Rule::L15, "URL is not the one meant");
        }
    }

    /// A text that says what is meant, in no more characters than Proton keeps; absent where nothing is meant.
    fn text<'c>(&mut self, event: &'c Component, name: &str, meant: &str, most: usize) -> Cow<'c, str> {
        let mut all = event.all(name);
        let (property, second) = (all.next(), all.next());
        if second.is_some() {
            self.find(Rule::L15, format!("there is more than one {name}"));
        }
        let text = match property.map(Property::text).transpose() {
            Ok(text) => text.unwrap_or_default(),
            Err(fault) => {
                self.find(Rule::L15, format!("{name}: {fault}"));
                return Cow::default();
            }
        };
        if *text != *meant.trim() && !letters(&text).eq(letters(meant)) {
            self.find(Rule::L15, format!("{name} is {}; {} is meant", shown(&text), shown(meant)));
        }
        if text.len() > most && text.chars().count() > most {
            self.find(Rule::L15, format!("{name} is longer than {most} characters"));
        }
        text
    }
}
