//! Calendars as other programs write them: lines, properties, components.
//!
//! What: [`calendars`], from text to the [`Calendar`]s in it with their methods and [`Item`]s (VEVENT, VTODO), whatever stands
//! before, after or between them. Standards: RFC 5545 sections 3.1 (folding), 3.2 (parameters), 3.3.11 (text), RFC 6868.
//! Tolerant where `calendar::parse` is strict: any line ends, no END, no VCALENDAR around, broken folds, stray quotes, colons
//! without quotes. Not here: what an answer is (`object`). Called by: `containers`, `object`, `traces`.
//! Can fail: nothing; what is beyond the limits is not read.

use std::borrow::Cow;

/// Octets of one calendar that are looked at.
const LONGEST: usize = 1_000_000;
/// VEVENTs and VTODOs kept of one text.
const MOST_ITEMS: usize = 500;
/// BEGINs that are read at all: past this it is no calendar that a person's program wrote.
const MOST_BEGINS: usize = 5000;
/// Properties kept of one item, so that a million ATTENDEE lines cost nothing.
const MOST_PROPERTIES: usize = 400;
/// Octets of one unfolded line.
const LONGEST_LINE: usize = 32 * 1024;
/// Components in components: alarms in events need two.
const DEEPEST: usize = 16;

/// What is kept of an item; everything else (descriptions, attachments) is passed over.
const KEPT: [&str; 24] = [
    "ATTENDEE",
    "ORGANIZER",
    "UID",
    "DTSTAMP",
    "SEQUENCE",
    "RECURRENCE-ID",
    "COMMENT",
    "X-CALENDARSERVER-PRIVATE-COMMENT",
    "X-CALENDARSERVER-ATTENDEE-COMMENT",
    "X-RESPONSE-COMMENT",
    "X-MICROSOFT-CDO-REPLYTIME",
    "X-MS-OLK-ORIGINALSTART",
    "LAST-MODIFIED",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "LOCATION",
    "METHOD",
    "STATUS",
    "REQUEST-STATUS",
    "SUMMARY",
    "PARTSTAT",
    "X-NUM-GUESTS",
];

/// One VCALENDAR.
#[derive(Clone, Debug, Default)]
pub(in crate::replies) struct Calendar {
    /// METHOD lines in their order, trimmed.
    pub(in crate::replies) methods: Vec<String>,
    /// PRODID.
    pub(in crate::replies) prodid: Option<String>,
    /// VEVENTs and VTODOs.
    pub(in crate::replies) items: Vec<Item>,
    /// Rules of the time zones that it defines.
    pub(in crate::replies) zones: Vec<ZoneRules>,
}

/// One VEVENT or VTODO.
#[derive(Clone, Debug, Default)]
pub(in crate::replies) struct Item {
    properties: Vec<Property>,
}

/// A VTIMEZONE: its name and its observances.
#[derive(Clone, Debug, Default)]
pub(in crate::replies) struct ZoneRules {
    /// TZID.
    pub(in crate::replies) name: String,
    /// STANDARD and DAYLIGHT, each as its lines.
    pub(in crate::replies) observances: Vec<Vec<Property>>,
}

/// One property.
#[derive(Clone, Debug)]
pub(in crate::replies) struct Property {
    /// Upper case.
    pub(in crate::replies) name: String,
    /// Names in upper case, values without quotes.
    parameters: Vec<(String, String)>,
    /// As written, without blanks around it.
    pub(in crate::replies) value: String,
}

impl Item {
    /// The first property of that name.
    pub(in crate::replies) fn first(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// All properties of that name.
    pub(in crate::replies) fn all<'i>(&'i self, name: &'i str) -> impl Iterator<Item = &'i Property> + 'i {
        self.properties.iter().filter(move |property| property.name == name)
    }
}

impl Property {
    /// The first parameter of that name, without quotes.
    pub(in crate::replies) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Its text (RFC 5545 section 3.3.11), trimmed; nothing if nothing is left.
    pub(in crate::replies) fn text(&self) -> Option<String> {
        let mut text = String::with_capacity(self.value.len());
        let mut chars = self.value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => {}
                },
                c => text.push(c),
            }
        }
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Whether a calendar or an item of one begins somewhere in it.
pub(in crate::replies) fn is_calendar(text: &str) -> bool {
    let mut rest = text.as_bytes();
    // `BEGIN:V` in any case, at a line's begin; blanks around the colon are seen in the wild.
    while let Some(at) = memchr::memchr2(b'B', b'b', rest) {
        let begins_line = at == 0 || matches!(rest[at - 1], b'\n' | b'\r' | b' ' | 0xBF);
        let word = &rest[at..rest.len().min(at + 24)];
        if begins_line && word.len() >= 7 && word[..5].eq_ignore_ascii_case(b"begin") {
            let name: Vec<u8> = word[5..].iter().copied().filter(|b| !matches!(b, b':' | b' ')).collect();
            let is_one = |n: &[u8]| name.len() >= n.len() && name[..n.len()].eq_ignore_ascii_case(n);
            if is_one(b"vcalendar") || is_one(b"vevent") {
                return true;
            }
        }
        rest = &rest[at + 1..];
    }
    false
}

/// All calendars in a text.
pub(in crate::replies) fn calendars(text: &str) -> Vec<Calendar> {
    let mut reader = Reader::default();
    for line in Unfolded::new(up_to(text, LONGEST)) {
        if !reader.take(&line) {
            break;
        }
    }
    reader.finish()
}

/// The text up to that many octets, cut between characters.
fn up_to(text: &str, octets: usize) -> &str {
    let end = (0..=octets.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// Which component a line stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Calendar,
    Item,
    Zone,
    Observance,
    Other,
}

#[derive(Debug, Default)]
struct Reader {
    found: Vec<Calendar>,
    /// Names of the open components, from the outside in.
    open: Vec<(String, Place)>,
    /// Components that are open beyond the names kept.
    beyond: usize,
    begins: usize,
    items: usize,
}

impl Reader {
    /// Reads one line; false: it is enough.
    fn take(&mut self, line: &str) -> bool {
        let Some(property) = property(line) else { return true };
        match property.name.as_str() {
            "BEGIN" => {
                self.begins += 1;
                self.begin(&property.value.to_ascii_uppercase());
                self.begins <= MOST_BEGINS && self.items <= MOST_ITEMS
            }
            "END" => {
                self.end(&property.value.to_ascii_uppercase());
                true
            }
            _ => {
                self.keep(property);
                true
            }
        }
    }

    fn place(&self) -> Place {
        if self.beyond > 0 { Place::Other } else { self.open.last().map_or(Place::Other, |(_, place)| *place) }
    }

    fn begin(&mut self, name: &str) {
        let place = match name {
            "VCALENDAR" => {
                // A second calendar, or one whose END is missing: both begin anew.
                self.open.clear();
                self.beyond = 0;
                self.found.push(Calendar::default());
                Place::Calendar
            }
            "VEVENT" | "VTODO" => {
                // An END that is missing before this one, be it an alarm's or an event's.
                self.open.truncate(1);
                self.open.retain(|(_, place)| *place == Place::Calendar);
                self.beyond = 0;
                if self.found.is_empty() {
                    self.found.push(Calendar::default());
                }
                self.items += 1;
                if self.items <= MOST_ITEMS
                    && let Some(calendar) = self.found.last_mut()
                {
                    calendar.items.push(Item::default());
                }
                Place::Item
            }
            "VTIMEZONE" => {
                if let Some(calendar) = self.found.last_mut()
                    && calendar.zones.len() < 20
                {
                    calendar.zones.push(ZoneRules::default());
                }
                Place::Zone
            }
            "STANDARD" | "DAYLIGHT" => {
                let zone = self.found.last_mut().and_then(|calendar| calendar.zones.last_mut());
                if let Some(zone) = zone
                    && zone.observances.len() < 50
                {
                    zone.observances.push(Vec::new());
                }
                Place::Observance
            }
            _ => Place::Other,
        };
        if self.open.len() < DEEPEST {
            self.open.push((up_to(name, 40).to_owned(), place));
        } else {
            self.beyond += 1;
        }
    }

    fn end(&mut self, name: &str) {
        if self.beyond > 0 {
            self.beyond -= 1;
        } else if let Some(at) = self.open.iter().rposition(|(own, _)| own == name) {
            self.open.truncate(at);
        }
    }

    fn keep(&mut self, property: Property) {
        let place = self.place();
        let Some(calendar) = self.found.last_mut() else { return };
        match place {
            Place::Calendar => match property.name.as_str() {
                "METHOD" if calendar.methods.len() < 8 => calendar.methods.push(property.value),
                "PRODID" => calendar.prodid = Some(property.value),
                _ => {}
            },
            Place::Item => {
                if let Some(item) = calendar.items.last_mut()
                    && item.properties.len() < MOST_PROPERTIES
                    && KEPT.contains(&property.name.as_str())
                {
                    item.properties.push(property);
                }
            }
            Place::Zone => {
                if property.name == "TZID"
                    && let Some(zone) = calendar.zones.last_mut()
                {
                    zone.name = property.value;
                }
            }
            Place::Observance => {
                let observance = calendar.zones.last_mut().and_then(|zone| zone.observances.last_mut());
                if let Some(observance) = observance
                    && observance.len() < 12
                {
                    observance.push(property);
                }
            }
            Place::Other => {}
        }
    }

    fn finish(self) -> Vec<Calendar> {
        self.found
    }
}

/// Logical lines (RFC 5545 section 3.1), whatever ends them.
struct Unfolded<'t> {
    rest: &'t str,
    /// The physical line that was read too far.
    next: Option<&'t str>,
}

impl<'t> Unfolded<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text.trim_start_matches('\u{feff}'), next: None }
    }

    /// The next physical line that is not empty: CR, LF, and any row of them ends one.
    fn physical(&mut self) -> Option<&'t str> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = memchr::memchr2(b'\n', b'\r', self.rest.as_bytes());
            let (line, rest) = end.map_or((self.rest, ""), |at| (&self.rest[..at], &self.rest[at + 1..]));
            self.rest = rest;
            if !line.is_empty() {
                return Some(line);
            }
        }
    }
}

impl<'t> Iterator for Unfolded<'t> {
    type Item = Cow<'t, str>;

    fn next(&mut self) -> Option<Cow<'t, str>> {
        let first = self.next.take().or_else(|| self.physical())?;
        let mut line = Cow::Borrowed(up_to(first, LONGEST_LINE));
        while let Some(more) = self.physical() {
            let more_of_it = if let Some(folded) = more.strip_prefix([' ', '\t']) {
                Some(folded)
            } else if !more.contains(':') && !begins_property(more) {
                // A line without a colon is no property: a fold whose blank a mailer took away.
                Some(more)
            } else {
                None
            };
            let Some(more_of_it) = more_of_it else {
                self.next = Some(more);
                break;
            };
            if line.len() + more_of_it.len() <= LONGEST_LINE {
                line.to_mut().push_str(more_of_it);
            }
        }
        Some(line)
    }
}

/// Whether a line whose colon comes after a fold is a property all the same.
fn begins_property(line: &str) -> bool {
    line.split_once(';').is_some_and(|(name, _)| {
        let name = name.trim().to_ascii_uppercase();
        name.starts_with("X-") || KEPT.contains(&name.as_str())
    })
}

/// Reads one logical line.
fn property(line: &str) -> Option<Property> {
    let line = line.trim_start();
    let end = line.find([';', ':'])?;
    let name = line[..end].trim();
    if name.is_empty() || name.len() > 60 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return None;
    }
    let name = name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase();
    if line.as_bytes()[end] == b':' {
        let value = line[end + 1..].trim().to_owned();
        return Some(Property { name, parameters: Vec::new(), value });
    }
    let colon = value_colon(line, end)?;
    let parameters = parameters(&line[end + 1..colon]);
    Some(Property { name, parameters, value: line[colon + 1..].trim().to_owned() })
}

/// Where the value begins. Some programs write `SENT-BY=mailto:x@y:mailto:z@y` or a colon in a CN, both without quotes, so the
/// first colon is not always it.
fn value_colon(line: &str, from: usize) -> Option<usize> {
    let octets = line.as_bytes();
    // A quote that is never closed quotes nothing.
    let heeds_quotes = octets[from..].iter().filter(|b| **b == b'"').count().is_multiple_of(2);
    let mut is_quoted = false;
    let mut last = None;
    let mut tried = 0;
    for (at, octet) in octets.iter().enumerate().skip(from) {
        match octet {
            b'"' if heeds_quotes => is_quoted = !is_quoted,
            b':' if !is_quoted => {
                last = Some(at);
                tried += 1;
                // Each try looks at the rest of the line; a line of colons must not cost its square.
                if tried > 20 || is_value_colon(line, from, at) {
                    return last;
                }
            }
            _ => {}
        }
    }
    last.or_else(|| line[from..].rfind(':').map(|at| from + at))
}

fn is_value_colon(line: &str, from: usize, at: usize) -> bool {
    let (before, after) = (&line[from..at], &line[at + 1..]);
    // `SENT-BY=mailto`: the colon belongs to an address in a parameter.
    let last_value = before.rsplit(['=', ',']).next().unwrap_or("").trim().trim_start_matches('"');
    let is_scheme = last_value.eq_ignore_ascii_case("mailto");
    !is_scheme && !after.to_ascii_lowercase().contains(":mailto:") && !holds_parameter(after)
}

/// Whether something like `;PARTSTAT=` stands in it.
fn holds_parameter(text: &str) -> bool {
    text.split(';').skip(1).any(|piece| {
        piece.split_once('=').is_some_and(|(name, _)| {
            ["PARTSTAT", "CN", "ROLE", "RSVP", "CUTYPE", "SENT-BY", "EMAIL", "X-NUM-GUESTS", "DELEGATED-TO"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name.trim()))
                || name.trim().eq_ignore_ascii_case("DELEGATED-FROM")
        })
    })
}

/// Parameters between the name and the value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let heeds_quotes = text.bytes().filter(|b| *b == b'"').count().is_multiple_of(2);
    let mut is_quoted = false;
    let pieces = text.split(|c: char| {
        if c == '"' && heeds_quotes {
            is_quoted = !is_quoted;
        }
        c == ';' && !is_quoted
    });
    pieces
        .take(40)
        .filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_ascii_uppercase(), caret_decoded(value.trim())))
        })
        .collect()
}

/// RFC 6868, and without the quotes.
fn caret_decoded(value: &str) -> String {
    let value = if value.matches('"').count() == 2 && value.starts_with('"') && value.ends_with('"') {
        &value[1..value.len() - 1]
    } else {
        value
    };
    if !value.contains('^') {
        return value.to_owned();
    }
    value.replace("^n", "\n").replace("^'", "\"").replace("^^", "^")
}

#[cfg(test)]
mod tests {
    use super::{calendars, is_calendar};

    #[test]
    fn any_line_ends_and_folds_are_read() {
        for end in ["\r\n", "\n", "\r", "\r\r\n"] {
            let text =
                ["\u{feff}junk: 1", "BEGIN:VCALENDAR", "Method : reply ", "BEGIN:VEVENT", "UID:a", " b@c", "\td"]
                    .join(end);
            let found = calendars(&text);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].methods, ["reply"]);
            assert_eq!(found[0].items[0].first("UID").map(|p| p.value.as_str()), Some("ab@cd"), "{end:?}");
        }
    }

    #[test]
    fn an_alarms_attendee_is_no_attendee() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VALARM\nATTENDEE:mailto:x@y.example\nEND:VALARM\n\
                    ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@y.example\nBEGIN:VALARM\nATTENDEE:mailto:z@y.example\nEND:VEVENT\n\
                    BEGIN:VEVENT\nUID:2\nEND:VCALENDAR\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:3";
        let found = calendars(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].items.len(), 2);
        let attendees: Vec<_> = found[0].items[0].all("ATTENDEE").map(|p| p.value.as_str()).collect();
        assert_eq!(attendees, ["mailto:a@y.example"]);
        assert_eq!(found[1].items[0].first("UID").map(|p| p.value.as_str()), Some("3"));
    }

    #[test]
    fn colons_without_quotes_do_not_move_the_value() {
        let cases = [
            ("ATTENDEE;SENT-BY=mailto:x@y.example;PARTSTAT=ACCEPTED;CN=A:mailto:a@b.example", "mailto:a@b.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED;SENT-BY=mailto:x@y.example:mailto:a@b.example", "mailto:a@b.example"),
            ("ATTENDEE;CN=Mission: of X;PARTSTAT=ACCEPTED:MAILTO:a@b.example", "MAILTO:a@b.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED;CN=\"Of: X:mailto:a@b.example", "mailto:a@b.example"),
            ("ATTENDEE;CN=\"A; B: C\";PARTSTAT=ACCEPTED: mailto:a@b.example", "mailto:a@b.example"),
            ("ATTENDEE;EMAIL=a@b.example;PARTSTAT=ACCEPTED:urn:uuid:12", "urn:uuid:12"),
        ];
        for (line, value) in cases {
            let text = format!("BEGIN:VEVENT\n{line}\nEND:VEVENT");
            let found = calendars(&text);
            let attendee = found[0].items[0].first("ATTENDEE").expect("an attendee");
            assert_eq!(attendee.value, value, "{line}");
            assert_eq!(attendee.parameter("PARTSTAT"), Some("ACCEPTED"), "{line}");
        }
    }

    #[test]
    fn text_is_unescaped() {
        let found = calendars("BEGIN:VEVENT\nCOMMENT;LANGUAGE=fr: a\\, b\\nc \\; d\\\\ \n");
        assert_eq!(
            found[0].items[0].first("COMMENT").and_then(super::Property::text).as_deref(),
            Some("a, b\nc ; d\\")
        );
    }

    #[test]
    fn a_calendar_is_known_by_its_first_line() {
        assert!(is_calendar("\u{feff}begin : vcalendar\n"));
        assert!(is_calendar("Hello\r\n\r\nBEGIN:VCALENDAR\r\n"));
        assert!(!is_calendar("we BEGIN:VCARD\nthe begin"));
    }
}
