//! What a calendar object says, read twice by readers that share no code: ours and the crate `icalendar`.
//!
//! Standards: RFC 5545 section 3.6.1, RFC 5546 sections 3.2.2 and 3.2.5.
//! Not here: what a client makes of it (`calendar`, and each client's file).

use std::rc::Rc;

use convoke::calendar::{PartStat, parse};
use icalendar::parser::{Component, Property, read_calendar, unfold};

/// What a history sends, step by step; `None` where it sends nothing, or nothing with an object.
pub(crate) type Messages = Rc<[Option<Rc<Told>>]>;

/// The facts of one object with what the message around it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// METHOD in the object.
    pub(crate) method: String,
    pub(crate) uid: String,
    pub(crate) sequence: u32,
    /// In seconds, as the times below.
    pub(crate) dtstamp: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) summary: String,
    pub(crate) location: String,
    pub(crate) description: String,
    /// The address.
    pub(crate) organizer: String,
    /// Its CN; Outlook takes the reader for the organizer where it is missing.
    pub(crate) organizer_name: String,
    /// The address.
    pub(crate) attendee: String,
    pub(crate) partstat: PartStat,
    pub(crate) is_answer_wanted: bool,
    pub(crate) status: String,
    /// From of the message.
    pub(crate) from: String,
    /// To of the message, where it is one.
    pub(crate) to: String,
}

impl Told {
    /// Whether it asks to take the event out.
    pub(crate) fn is_cancel(&self) -> bool {
        self.method == "CANCEL"
    }

    /// Newer than another by RFC 5546 section 2.1.5.
    pub(crate) fn order(&self) -> (u32, i64) {
        (self.sequence, self.dtstamp)
    }

    /// Reads an object; both readers must see the same.
    ///
    /// # Errors
    /// What either reader refuses, or in what they differ.
    pub(crate) fn read(octets: &[u8], from: &str, to: &str) -> Result<Self, String> {
        let ours = Self { from: from.to_owned(), to: to.to_owned(), ..ours(octets)? };
        let theirs = Self { from: from.to_owned(), to: to.to_owned(), ..theirs(octets)? };
        if ours == theirs { Ok(ours) } else { Err(format!("two readers differ: {ours:?} and {theirs:?}")) }
    }
}

fn ours(octets: &[u8]) -> Result<Told, String> {
    let calendar = parse(octets).map_err(|fault| fault.to_string())?;
    let method = calendar.root().only("METHOD").map(|method| method.value().to_owned());
    let events: Vec<_> = calendar.all("VEVENT").collect();
    let [event] = events.as_slice() else { return Err(format!("{} events", events.len())) };
    let only = |name: &str| event.only(name).ok_or_else(|| format!("not one {name}"));
    let text = |name: &str| -> Result<String, String> {
        Ok(only(name)?.text().map_err(|fault| format!("{name}: {fault}"))?.into_owned())
    };
    let instant = |name: &str| -> Result<i64, String> {
        Ok(only(name)?.instant().ok_or_else(|| format!("{name} is no instant"))?.as_second())
    };
    let parameter = |property: &str, name: &str| -> Result<String, String> {
        Ok(only(property)?.parameter(name).map(|value| value.text.clone()).unwrap_or_default())
    };
    let address = |name: &str| -> Result<String, String> {
        Ok(only(name)?.address().ok_or_else(|| format!("{name} is no mailto"))?.to_lowercase())
    };
    Ok(Told {
        method: method.ok_or("not one METHOD")?,
        uid: text("UID")?,
        sequence: only("SEQUENCE")?.number().ok_or("SEQUENCE is no number")?,
        dtstamp: instant("DTSTAMP")?,
        start: instant("DTSTART")?,
        end: instant("DTEND")?,
        summary: text("SUMMARY")?,
        location: text("LOCATION")?,
        description: text("DESCRIPTION")?,
        organizer: address("ORGANIZER")?,
        organizer_name: parameter("ORGANIZER", "CN")?,
        attendee: address("ATTENDEE")?,
        partstat: PartStat::parse(&parameter("ATTENDEE", "PARTSTAT")?).ok_or("PARTSTAT is unknown")?,
        is_answer_wanted: parameter("ATTENDEE", "RSVP")? == "TRUE",
        status: text("STATUS")?,
        from: String::new(),
        to: String::new(),
    })
}

fn theirs(octets: &[u8]) -> Result<Told, String> {
    let text = std::str::from_utf8(octets).map_err(|fault| fault.to_string())?;
    let unfolded = unfold(text);
    let calendar = read_calendar(&unfolded)?;
    let methods: Vec<_> = calendar.properties.iter().filter(|property| property.name == "METHOD").collect();
    let [method] = methods.as_slice() else { return Err("not one METHOD".to_owned()) };
    let events: Vec<_> = calendar.components.iter().filter(|component| component.name == "VEVENT").collect();
    let [event] = events.as_slice() else { return Err(format!("{} events", events.len())) };
    let text = |name: &str| -> Result<String, String> { Ok(unescaped(only(event, name)?.val.as_str())) };
    let instant = |name: &str| -> Result<i64, String> {
        let value = only(event, name)?.val.as_str();
        let local = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", value).map_err(|fault| fault.to_string())?;
        Ok(jiff::tz::Offset::UTC.to_timestamp(local).map_err(|fault| fault.to_string())?.as_second())
    };
    let parameter = |property: &str, name: &str| -> Result<String, String> {
        let property = only(event, property)?;
        let found = property.params.iter().find(|parameter| parameter.key == name);
        let value = found.and_then(|parameter| parameter.val.as_ref()).map(|value| value.as_str().to_owned());
        Ok(value.unwrap_or_default().trim_matches('"').to_owned())
    };
    let address = |name: &str| -> Result<String, String> {
        let value = only(event, name)?.val.as_str().to_lowercase();
        value.strip_prefix("mailto:").map(str::to_owned).ok_or_else(|| format!("{name} is no mailto"))
    };
    let partstat = parameter("ATTENDEE", "PARTSTAT")?;
    Ok(Told {
        method: method.val.as_str().to_owned(),
        uid: text("UID")?,
        sequence: text("SEQUENCE")?.parse().map_err(|_| "SEQUENCE is no number")?,
        dtstamp: instant("DTSTAMP")?,
        start: instant("DTSTART")?,
        end: instant("DTEND")?,
        summary: text("SUMMARY")?,
        location: text("LOCATION")?,
        description: text("DESCRIPTION")?,
        organizer: address("ORGANIZER")?,
        organizer_name: parameter("ORGANIZER", "CN")?,
        attendee: address("ATTENDEE")?,
        partstat: PartStat::ALL.into_iter().find(|known| known.as_str() == partstat).ok_or("PARTSTAT is unknown")?,
        is_answer_wanted: parameter("ATTENDEE", "RSVP")? == "TRUE",
        status: text("STATUS")?,
        from: String::new(),
        to: String::new(),
    })
}

fn only<'c>(component: &'c Component<'c>, name: &str) -> Result<&'c Property<'c>, String> {
    let found: Vec<_> = component.properties.iter().filter(|property| property.name == name).collect();
    match found.as_slice() {
        [one] => Ok(one),
        _ => Err(format!("{} {name} lines", found.len())),
    }
}

/// TEXT of RFC 5545 section 3.3.11, read here on its own.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            (plain, false) => text.push(plain),
        }
    }
    text
}
