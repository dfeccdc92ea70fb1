//! The page on which a person looks at a folder of messages before, or in place of, sending them.
//!
//! What: [`Card`] is what the page shows of a message, [`card_from_eml`] reads one out of a message file, and
//! [`index_page`] writes the page in pieces: counts and filters by language and kind, a search, and for each message its
//! recipient, subject and size, the letter as a mail program shows it, the calendar entry in words and the plain text.
//! Standards: RFC 5322 and RFC 2045 (read with mail-parser), RFC 5545 (only what a person reads of an event).
//! Not here: files and folders; whether a calendar object is right (`calendar` judges that). The page needs no server:
//! it is opened from disk, asks the network for nothing, and messages on it cannot run scripts.
//! Called by: `io::sandbox` (the outbox) and `command` (preview).
//! Can fail: nothing. What cannot be read is shown as empty.

use std::collections::BTreeMap;
use std::iter::once;

use data_encoding::BASE64;
use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

/// How many cards open on the page itself: 300 letters of some 20 KB are what a browser opens without effort.
pub const INLINE_VIEWS: usize = 300;

/// Messages that carry more messages inside than this are shown by their headers only: at 50,000 levels mail-parser
/// 0.11.9 overflows the stack, which ends the process.
const NESTED_MESSAGES: usize = 20;

/// Where the messages are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Taken by the sandbox; the newest come first.
    Outbox,
    /// Composed to be looked at, in the order of the recipients.
    Preview,
}

/// What stands above the cards.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    /// The event's title, as its organiser writes it.
    pub event_title: &'a str,
    /// Where the messages are from.
    pub origin: Origin,
    /// How many messages there are; more than there are cards when the caller cut the list short.
    pub total: usize,
}

/// One message on the page. All texts are shown as text, whatever they hold; empty ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The address in `To`.
    pub to: String,
    /// The name beside it.
    pub name: String,
    /// The addresses in `Cc`, joined with commas.
    pub cc: String,
    /// The entity; a message does not say it, the caller may.
    pub entity: String,
    /// The kind of entity; a message does not say it, the caller may.
    pub kind: String,
    /// A BCP 47 tag.
    pub language: String,
    /// The subject, decoded.
    pub subject: String,
    /// The size of the message file.
    pub size_octets: u64,
    /// The message file, relative to the page.
    pub file: String,
    /// What opens under the card; `None` where only the file does.
    pub view: Option<View>,
}

/// What is inside a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The HTML part.
    pub html: String,
    /// The plain text part.
    pub text: String,
    /// The calendar entry: names of its facts and what they are, in the order to read them in.
    pub calendar: Vec<(&'static str, String)>,
}

impl View {
    /// How much it adds to a page.
    pub fn octets(&self) -> usize {
        self.html.len() + self.text.len() + self.calendar.iter().map(|(_, value)| value.len()).sum::<usize>()
    }
}

/// Writes the page, a piece for its head, one for each card and one for its end.
///
/// Of cards beyond the first [`INLINE_VIEWS`] the view is not shown, so the caller may leave it out.
pub fn index_page<'a>(index: &Index<'a>, cards: &'a [Card]) -> impl Iterator<Item = String> + use<'a> {
    // The frame is made whole, so that its tags match, and cut where the cards go.
    let frame = frame(index, cards).into_string();
    let (before, after) =
        frame.split_once(CARDS).expect("the frame holds the mark, and values cannot as `<` is escaped");
    let pieces = cards.iter().enumerate().map(|(place, card)| article(place, card).into_string());
    once(before.to_owned()).chain(pieces).chain(once(after.to_owned()))
}

/// Stands in the frame where the cards go.
const CARDS: &str = "<!--cards-->";

fn frame(index: &Index<'_>, cards: &[Card]) -> Markup {
    let (name, promise, which) = match index.origin {
        Origin::Outbox => ("Outbox", "Taken by the sandbox: nothing has left this machine.", "newest"),
        Origin::Preview => ("Preview", "Composed to be looked at: nothing has been sent.", "first"),
    };
    // The one script is named by its digest: nothing that slipped into the page could run beside it. Frames may show
    // what stands in the page and go nowhere else, so that no link in a letter is followed by mistake.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src about:; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        BASE64.encode(&Sha256::digest(SCRIPT))
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (name) " · " (index.event_title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.origin { (name) }
                    h1 dir="auto" { (index.event_title) }
                    p.lead { b { (counted(index.total, "message")) } ". " (promise) }
                    @if cards.len() < index.total {
                        p.lead { "Listed here are the " (which) " " (grouped(cards.len())) "." }
                    }
                    @if cards.len() > INLINE_VIEWS {
                        p.lead { "The first " (INLINE_VIEWS) " open on this page, the others from their files." }
                    }
                }
                @if !cards.is_empty() {
                    search {
                        input #find type="search" aria-label="Search" placeholder="Name, entity, address or subject";
                        (filter("language", cards, |card| &card.language, language_name))
                        (filter("kind", cards, |card| &card.kind, kind_name))
                        p #found aria-live="polite" {}
                    }
                }
                main { (PreEscaped(CARDS)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// How many cards have which value, each a button that leaves only these; nothing where all cards have the same.
fn filter(field: &str, cards: &[Card], value: impl Fn(&Card) -> &str, name: impl Fn(&str) -> &str) -> Markup {
    let mut counts = BTreeMap::new();
    for card in cards {
        let value = value(card);
        let name = if value.is_empty() { "not stated" } else { name(value) };
        *counts.entry((name, value)).or_insert(0_usize) += 1;
    }
    html! {
        @if counts.len() > 1 {
            div.filter role="group" aria-label={ "Filter by " (field) } {
                button type="button" data-field=(field) aria-pressed="true" { "All" span { (grouped(cards.len())) } }
                @for ((name, value), count) in &counts {
                    button type="button" data-field=(field) data-value=(value) aria-pressed="false" {
                        (name)
                        span { (grouped(*count)) }
                    }
                }
            }
        }
    }
}

fn article(place: usize, card: &Card) -> Markup {
    let row = html! {
        span.place { (grouped(place + 1)) }
        span.who {
            @if !card.name.is_empty() { b dir="auto" { (card.name) } }
            @if !card.entity.is_empty() && card.entity != card.name { span dir="auto" { (card.entity) } }
            bdi.address { @if card.to.is_empty() { "no recipient" } @else { (card.to) } }
            @if !card.cc.is_empty() { bdi.address { "Cc " (card.cc) } }
        }
        span.subject dir="auto" lang=[lang(card)] {
            @if card.subject.is_empty() { "no subject" } @else { (card.subject) }
        }
        span.facts {
            @if !card.language.is_empty() { span { (language_name(&card.language)) } }
            @if !card.kind.is_empty() { span { (kind_name(&card.kind)) } }
            span { (size(card.size_octets)) " · " a href=(href(&card.file)) title="Open the message file" { ".eml" } }
        }
    };
    let view = card.view.as_ref().filter(|_| place < INLINE_VIEWS);
    html! {
        article data-language=(card.language) data-kind=(card.kind) {
            @if let Some(view) = view {
                details {
                    summary.row { (row) }
                    div.inside { (inside(card, view)) }
                }
            } @else {
                div.row { (row) }
            }
        }
        "\n"
    }
}

fn inside(card: &Card, view: &View) -> Markup {
    html! {
        @if !view.html.is_empty() {
            section.letter {
                h2 { "Letter" }
                // `sandbox` with no word in it: no scripts, no forms, no way out of the frame. Browsers load frames of
                // closed details too, 300 of them for seconds; inside `noscript` the frame is text until the script
                // takes it out, and without scripts it is a frame.
                noscript {
                    iframe sandbox="" title="The letter as a mail program shows it" srcdoc=(view.html) {}
                }
            }
        }
        @if !view.calendar.is_empty() {
            section.calendar {
                h2 { "Calendar entry" }
                dl {
                    @for (name, value) in &view.calendar {
                        dt { (name) }
                        dd dir="auto" { (value) }
                    }
                }
            }
        }
        @if !view.text.is_empty() {
            details.text open[view.html.is_empty()] {
                summary { "Plain text" }
                pre dir="auto" lang=[lang(card)] { (view.text) }
            }
        }
        p.source { a href=(href(&card.file)) { "Message file" } " (" (size(card.size_octets)) "), as it would go out" }
    }
}

fn lang(card: &Card) -> Option<&str> {
    Some(card.language.as_str()).filter(|tag| !tag.is_empty())
}

/// A relative path as a reference: a name cannot become a scheme, a query or a fragment.
fn href(path: &str) -> String {
    let mut href = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => href.push(char::from(byte)),
            _ => href.push_str(&format!("%{byte:02X}")),
        }
    }
    href
}

fn language_name(tag: &str) -> &str {
    match tag {
        "ar" => "Arabic",
        "en" => "English",
        "es" => "Spanish",
        "fr" => "French",
        "ru" => "Russian",
        "zh" => "Chinese",
        other => other,
    }
}

fn kind_name(word: &str) -> &str {
    match word {
        "igo" => "IGO",
        "individual" => "Individual",
        "mission" => "Mission",
        "ngo" => "NGO",
        "observer" => "Observer",
        other => other,
    }
}

fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `100,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} B"),
        1_000..1_000_000 => format!("{}.{} kB", octets / 1_000, octets % 1_000 / 100),
        _ => format!("{}.{} MB", octets / 1_000_000, octets % 1_000_000 / 100_000),
    }
}

/// Reads a card out of a message file; `file` is its path as the page will link it.
///
/// The entity and the kind stay empty, as a message does not carry them.
pub fn card_from_eml(file: &str, octets: &[u8]) -> Card {
    let size_octets = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    let mut card = Card { file: file.to_owned(), size_octets, ..Card::default() };
    let parser = MessageParser::default();
    let is_deep = nested_messages(octets) > NESTED_MESSAGES;
    let Some(message) = (if is_deep { parser.parse_headers(octets) } else { parser.parse(octets) }) else {
        return card;
    };
    if let Some(to) = message.to().and_then(|to| to.first()) {
        card.to = to.address().unwrap_or_default().to_owned();
        card.name = to.name().unwrap_or_default().to_owned();
    }
    if let Some(cc) = message.cc() {
        card.cc = cc.iter().filter_map(|one| one.address()).collect::<Vec<_>>().join(", ");
    }
    card.subject = message.subject().unwrap_or_default().to_owned();
    card.language = message.content_language().as_text().unwrap_or_default().to_owned();
    if !is_deep {
        let mut view = View::default();
        for part in &message.parts {
            match &part.body {
                PartType::Html(html) if view.html.is_empty() => view.html = html.clone().into_owned(),
                PartType::Text(text) if part.is_content_type("text", "calendar") && view.calendar.is_empty() => {
                    view.calendar = calendar_facts(text);
                }
                PartType::Text(text) if is_plain(part) && view.text.is_empty() => view.text = text.clone().into_owned(),
                _ => {}
            }
        }
        card.view = Some(view);
    }
    card
}

/// RFC 2045 section 5.2: a part that states no type is plain text.
fn is_plain(part: &MessagePart<'_>) -> bool {
    part.content_type().is_none() || part.is_content_type("text", "plain")
}

/// An upper bound for how deep messages are nested, counted on the octets: each level names its type in clear.
fn nested_messages(octets: &[u8]) -> usize {
    let names = [&b"rfc822"[..], b"message/global", b"digest"];
    let starts = octets.iter().enumerate().filter(|(_, byte)| matches!(byte.to_ascii_lowercase(), b'r' | b'm' | b'd'));
    starts
        .filter(|(at, _)| names.iter().any(|n| octets[*at..].get(..n.len()).is_some_and(|o| o.eq_ignore_ascii_case(n))))
        .count()
}

/// What a person reads of the first event in a calendar object.
fn calendar_facts(text: &str) -> Vec<(&'static str, String)> {
    // Unfolding, RFC 5545 section 3.1.
    let text = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let event = Event::read(&text);
    let of = |name: &str| event.properties.iter().find(|p| p.name == name);
    let mut facts = Vec::new();
    let mut fact = |name, value: String| {
        if !value.is_empty() {
            facts.push((name, value));
        }
    };
    let text_of = |name: &str| of(name).map(|p| unescape(p.value)).unwrap_or_default();
    fact("What", text_of("SUMMARY"));
    fact(
        "When",
        match (of("DTSTART"), of("DTEND")) {
            (Some(start), Some(end)) => span(&start.moment(), &end.moment()),
            (Some(start), None) => start.moment().words(),
            _ => String::new(),
        },
    );
    fact("Where", text_of("LOCATION"));
    fact("Organizer", of("ORGANIZER").map(Property::person).unwrap_or_default());
    for attendee in event.properties.iter().filter(|p| p.name == "ATTENDEE") {
        let asked = attendee.parameter("RSVP").is_some_and(|rsvp| rsvp.eq_ignore_ascii_case("TRUE"));
        fact("Attendee", format!("{}{}", attendee.person(), if asked { "\nasked to answer" } else { "" }));
    }
    let sequence = of("SEQUENCE").map_or("0", |p| p.value);
    let status = of("STATUS").map(|p| format!(", {}", p.value)).unwrap_or_default();
    fact("Method", event.method.map(|method| format!("{method}, sequence {sequence}{status}")).unwrap_or_default());
    fact("Identity", text_of("UID"));
    fact("Description", text_of("DESCRIPTION"));
    facts
}

/// The properties of a VEVENT and the object's METHOD.
#[derive(Default)]
struct Event<'a> {
    method: Option<&'a str>,
    properties: Vec<Property<'a>>,
}

/// One content line (RFC 5545 section 3.1), its value as it stands.
struct Property<'a> {
    name: String,
    parameters: &'a str,
    value: &'a str,
}

impl<'a> Event<'a> {
    /// Takes what stands directly in the first VEVENT; alarms in it and time zones beside it are passed over.
    fn read(unfolded: &'a str) -> Self {
        let mut event = Self::default();
        let mut open = Vec::new();
        for property in unfolded.lines().filter_map(Property::read) {
            match (property.name.as_str(), open.as_slice()) {
                ("BEGIN", _) => open.push(property.value),
                ("END", [_, "VEVENT"]) => break,
                ("END", _) => drop(open.pop()),
                ("METHOD", ["VCALENDAR"]) => event.method = Some(property.value),
                (_, ["VCALENDAR", "VEVENT"]) => event.properties.push(property),
                _ => {}
            }
        }
        event
    }
}

impl<'a> Property<'a> {
    fn read(line: &'a str) -> Option<Self> {
        // The first colon outside quotation marks ends the parameters.
        let mut is_quoted = false;
        let colon = line.find(|c| {
            is_quoted ^= c == '"';
            c == ':' && !is_quoted
        })?;
        let (before, value) = (&line[..colon], &line[colon + 1..]);
        let (name, parameters) = before.split_once(';').unwrap_or((before, ""));
        Some(Self { name: name.to_ascii_uppercase(), parameters, value })
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut is_quoted = false;
        let mut parameters = self.parameters.split(|c| {
            is_quoted ^= c == '"';
            c == ';' && !is_quoted
        });
        let (_, value) = parameters.find_map(|p| p.split_once('=').filter(|(n, _)| n.eq_ignore_ascii_case(name)))?;
        Some(value.trim_matches('"'))
    }

    /// A calendar user: the common name and the address, a line each, as they may run in different directions.
    fn person(&self) -> String {
        let address = match self.value.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &self.value[7..],
            _ => self.value,
        };
        match self.parameter("CN") {
            // The carets are those of RFC 6868.
            Some(name) => format!("{}\n{address}", name.replace("^'", "\"").replace("^n", " ").replace("^^", "^")),
            None => address.to_owned(),
        }
    }

    /// A DATE or DATE-TIME with its zone.
    fn moment(&self) -> Moment {
        let (day, clock) = self.value.split_once('T').unwrap_or((self.value, ""));
        let zone = match self.parameter("TZID") {
            _ if clock.ends_with('Z') => "UTC",
            Some(zone) => zone,
            None => "",
        };
        Moment {
            day: day_in_words(day),
            clock: clock_in_words(clock),
            zone: zone.to_owned(),
            raw: self.value.to_owned(),
        }
    }
}

/// A time as the object gives it; no zone is converted, so that the page shows what receivers get.
struct Moment {
    day: Option<String>,
    /// `15:00`; `None` for a whole day.
    clock: Option<String>,
    /// Empty for a whole day or a floating time.
    zone: String,
    raw: String,
}

impl Moment {
    fn words(&self) -> String {
        match (&self.day, &self.clock) {
            (Some(day), Some(clock)) => format!("{day}, {clock} {}", self.zone).trim_end().to_owned(),
            (Some(day), None) => day.clone(),
            (None, _) => self.raw.clone(),
        }
    }
}

fn span(start: &Moment, end: &Moment) -> String {
    match (&start.day, &start.clock, &end.clock) {
        (Some(day), Some(from), Some(to)) if start.day == end.day && start.zone == end.zone => {
            format!("{day}, {from}–{to} {}", start.zone).trim_end().to_owned()
        }
        _ => format!("{} – {}", start.words(), end.words()),
    }
}

/// `20170922` as `Friday, 22 September 2017`.
fn day_in_words(day: &str) -> Option<String> {
    const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    // Sakamoto's way to the day of the week.
    const SHIFTS: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let number = |from: usize, to: usize| day.get(from..to)?.parse::<usize>().ok();
    let (year, month, date) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (name, shift) = (MONTHS.get(month.checked_sub(1)?)?, SHIFTS.get(month.checked_sub(1)?)?);
    let year_of_shift = year.checked_sub(usize::from(month < 3))?;
    let weekday = year_of_shift + year_of_shift / 4 - year_of_shift / 100 + year_of_shift / 400 + shift + date;
    (day.len() == 8 && (1..=31).contains(&date)).then(|| format!("{}, {date} {name} {year}", DAYS[weekday % 7]))
}

/// `150000` as `15:00`.
fn clock_in_words(clock: &str) -> Option<String> {
    let digits = |from: usize, to: usize| clock.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    Some(format!("{}:{}", digits(0, 2)?, digits(2, 4)?))
}

/// TEXT as it is meant (RFC 5545 section 3.3.11).
fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

/// Paper, ink and thin rules, as in the letters' own layout.
const STYLE: &str = "
:root { color-scheme: light dark; --page: #f1eee8; --sheet: #fdfcf9; --rule: #ddd8cc; --firm: #c9c3b6; --ink: #23272e;
  --quiet: #626973; --title: #1c2f4a; --link: #1f4e85; --wash: #f5f2eb;
  --serif: Georgia, 'Times New Roman', 'Noto Serif', 'DejaVu Serif', 'Noto Naskh Arabic', 'Songti SC', 'Noto Serif CJK SC', serif;
  --sans: 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans Arabic', 'PingFang SC', 'Noto Sans CJK SC', sans-serif; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15181d; --sheet: #1e2228; --rule: #343a44; --firm: #454c58; --ink: #dcdfe4; --quiet: #a4abb6;
    --title: #c6d6ec; --link: #9cc0ee; --wash: #232830; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 48px 24px 96px; background: var(--page); color: var(--ink);
  font: 15px/1.5 var(--sans); }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
[hidden] { display: none !important; }
header { max-width: 820px; margin: 0 auto 36px; text-align: center; }
.origin { margin: 0 0 14px; color: var(--quiet); font-size: 13px; letter-spacing: .14em; text-transform: uppercase; }
h1 { margin: 0 0 18px; padding-bottom: 20px; border-bottom: 1px solid var(--firm); color: var(--title);
  font: 29px/1.3 var(--serif); text-wrap: balance; }
.lead { margin: 0; color: var(--quiet); }
.lead b { color: var(--ink); }
search { display: block; margin: 0 0 18px; }
#find { width: 100%; padding: 10px 14px; border: 1px solid var(--firm); border-radius: 3px; background: var(--sheet);
  color: inherit; font: inherit; }
.filter { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; }
.filter button { padding: 3px 11px; border: 1px solid var(--rule); border-radius: 3px; background: none; color: inherit;
  font: inherit; font-size: 14px; cursor: pointer; }
.filter button:hover { border-color: var(--quiet); }
.filter button[aria-pressed=true] { border-color: var(--title); background: var(--title); color: var(--sheet); }
.filter span { margin-left: 7px; font-variant-numeric: tabular-nums; opacity: .7; }
#found { min-height: 1.5em; margin: 6px 0 -6px; color: var(--quiet); font-size: 14px; }
article { margin-bottom: -1px; border: 1px solid var(--rule); background: var(--sheet); content-visibility: auto;
  contain-intrinsic-block-size: auto 92px; }
.row { display: grid; grid-template-columns: 52px minmax(0, 5fr) minmax(0, 6fr) 116px; gap: 4px 20px; padding: 16px 22px 16px 0; }
summary.row { cursor: pointer; list-style: none; }
summary.row::-webkit-details-marker { display: none; }
summary.row:hover, details[open] > summary.row { background: var(--wash); }
.place { color: var(--quiet); font-size: 13px; line-height: 22px; text-align: right; font-variant-numeric: tabular-nums; }
summary .place::before { content: '›'; float: left; margin-left: 16px; font-size: 17px; transition: rotate .12s; }
details[open] > summary .place::before { rotate: 90deg; }
.who > * { display: block; overflow-wrap: anywhere; }
.who [dir=auto], .address { text-align: left; }
.who b { font-weight: 600; }
.address { color: var(--quiet); font-size: 14px; }
.subject { color: var(--title); font-family: var(--serif); font-size: 16px; overflow-wrap: anywhere; }
.facts { color: var(--quiet); font-size: 13px; line-height: 22px; text-align: right; }
.facts > * { display: block; }
.inside { display: grid; grid-template-columns: minmax(0, 11fr) minmax(0, 7fr); gap: 0 28px; padding: 6px 28px 22px;
  border-top: 1px solid var(--rule); }
.inside > :only-child, .inside > .text, .inside > .source { grid-column: 1 / -1; }
h2 { margin: 18px 0 10px; color: var(--quiet); font: 600 13px/1.4 var(--sans); letter-spacing: .06em; }
iframe { display: block; width: 100%; height: 680px; border: 1px solid var(--rule); background: var(--sheet); resize: vertical; }
dl { margin: 0; border-top: 1px solid var(--rule); max-height: 682px; overflow: auto; }
dt { padding-top: 9px; color: var(--quiet); font-size: 13px; }
dd { margin: 0; padding-bottom: 9px; border-bottom: 1px solid var(--rule); font-size: 14px; white-space: pre-line; overflow-wrap: anywhere; }
dd, pre { unicode-bidi: plaintext; }
.text { margin-top: 22px; }
.text summary { color: var(--quiet); font-weight: 600; font-size: 13px; letter-spacing: .06em; cursor: pointer; }
pre { margin: 12px 0 0; padding: 18px 20px; border: 1px solid var(--rule); background: var(--wash); white-space: pre-wrap;
  overflow-wrap: anywhere; font: 13.5px/1.55 ui-monospace, 'DejaVu Sans Mono', Consolas, 'Noto Sans Arabic', 'Noto Sans CJK SC', monospace; }
.source { margin: 18px 0 0; color: var(--quiet); font-size: 14px; }
@media (max-width: 760px) {
  body { padding: 24px 12px 64px; }
  .row { grid-template-columns: 40px minmax(0, 1fr); padding-right: 14px; }
  .row > :not(.place) { grid-column: 2; }
  .facts { text-align: left; }
  .facts > * { display: inline; margin-right: 12px; }
  .inside { display: block; padding: 2px 14px 18px; } }
@media print { search, .source { display: none; } article { break-inside: avoid; } }
";

/// Search, filters, and letters shown when their card is opened; without scripts the page shows everything. Accents do
/// not count in a search.
const SCRIPT: &str = "
(() => {
  const fold = text => text.normalize('NFD').replace(/\\p{M}/gu, '').toLowerCase();
  const find = document.getElementById('find'), found = document.getElementById('found');
  if (!find) return;
  const cards = [...document.querySelectorAll('article')].map(card => [card, fold(card.querySelector('.row').textContent)]);
  const chosen = {};
  const show = () => {
    const words = fold(find.value).split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const [card, text] of cards) {
      const fits = Object.entries(chosen).every(([field, value]) => value === undefined || card.dataset[field] === value);
      card.hidden = !(fits && words.every(word => text.includes(word)));
      shown += !card.hidden;
    }
    found.textContent = shown === cards.length ? '' : shown + ' of ' + cards.length + ' shown';
  };
  const unfold = details => {
    const letter = details.open && details.querySelector('noscript');
    if (letter) letter.outerHTML = letter.textContent;
  };
  document.querySelectorAll('article > details').forEach(unfold);
  document.querySelector('main').addEventListener('toggle', event => unfold(event.target), true);
  find.addEventListener('input', show);
  for (const button of document.querySelectorAll('.filter button')) {
    button.addEventListener('click', () => {
      chosen[button.dataset.field] = button.dataset.value;
      for (const other of button.parentNode.children) other.setAttribute('aria-pressed', other === button);
      show();
    });
  }
  show();
})();
";

#[cfg(test)]
mod tests {
    use super::{
        Card, INLINE_VIEWS, Index, Origin, SCRIPT, View, calendar_facts, card_from_eml, grouped, href, index_page, size,
    };

    const HOSTILE: &str =
        "</iframe></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;<!--cards-->";

    fn page(cards: &[Card], total: usize) -> String {
        index_page(&Index { event_title: "Title", origin: Origin::Outbox, total }, cards).collect()
    }

    #[test]
    fn escapes_everything_that_a_message_says() {
        let hostile = || HOSTILE.to_owned();
        let view = View { html: hostile(), text: hostile(), calendar: vec![("What", hostile())] };
        let card = Card {
            to: hostile(),
            name: hostile(),
            cc: hostile(),
            entity: hostile(),
            kind: hostile(),
            language: hostile(),
            subject: hostile(),
            size_octets: 1,
            file: format!("javascript:{HOSTILE}"),
            view: Some(view),
        };
        let index = Index { event_title: HOSTILE, origin: Origin::Preview, total: 1 };
        let page: String = index_page(&index, &[card]).collect();
        assert_eq!(page.matches("<script").count(), 1, "only ours");
        assert_eq!(page.matches("<iframe").count(), 1);
        assert_eq!(page.matches("</iframe>").count(), 1);
        assert_eq!(page.matches("<img").count(), 0);
        assert_eq!(page.matches("<!--").count(), 0);
        // In an attribute a quotation mark would be the way out.
        assert!(!page.contains("alert(1)</script>\"") && page.contains("srcdoc=\"&lt;/iframe&gt;"));
        assert!(page.contains("href=\"javascript%3A%3C/iframe%3E"));
        assert!(page.ends_with(&format!("<script>{SCRIPT}</script></body></html>")));
    }

    #[test]
    fn frames_and_page_are_closed_to_scripts_and_the_network() {
        let page = page(&[Card { view: Some(View { html: "a".to_owned(), ..View::default() }), ..Card::default() }], 1);
        assert!(page.contains("<noscript><iframe sandbox=\"\" "));
        let policy = page.split("Content-Security-Policy\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
        let policy = policy.expect("a policy");
        assert!(policy.starts_with("default-src 'none';") && policy.contains("script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("http"), "{policy}");
    }

    #[test]
    fn opens_the_first_cards_only() {
        let card = Card { view: Some(View { text: "inside".to_owned(), ..View::default() }), ..Card::default() };
        let cards = vec![card; INLINE_VIEWS + 1];
        let page = page(&cards, 100_000);
        assert_eq!(page.matches("<article").count(), INLINE_VIEWS + 1);
        assert_eq!(page.matches(">inside</pre>").count(), INLINE_VIEWS);
        assert!(page.contains("<b>100,000 messages</b>") && page.contains("the newest 301."));
    }

    #[test]
    fn counts_languages_and_kinds() {
        let card = |language: &str, kind: &str| Card {
            language: language.to_owned(),
            kind: kind.to_owned(),
            ..Card::default()
        };
        let page = page(&[card("ar", "ngo"), card("fr", ""), card("fr", "ngo")], 3);
        assert!(page.contains("data-value=\"fr\" aria-pressed=\"false\">French<span>2</span>"));
        assert!(page.contains("data-value=\"\" aria-pressed=\"false\">not stated<span>1</span>"));
        let none = index_page(&Index { event_title: "T", origin: Origin::Outbox, total: 0 }, &[]).collect::<String>();
        assert!(none.contains("<b>0 messages</b>") && !none.contains("<search>"));
    }

    const MESSAGE: &str = "From: events@x.example\r\nTo: =?utf-8?Q?Mis=C3=ADon?= <un@m.example>\r\nCc: a@m.example, b@m.example\r\n\
        Subject: =?utf-8?B?2K/YudmI2Kk=?=\r\nContent-Language: ar\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
        <p>letter</p>\r\n--a\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n\
        METHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:What\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--a--\r\n--m\r\n\
        Content-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment\r\n\r\nx\r\n--m--\r\n";

    #[test]
    fn reads_a_card_out_of_a_message() {
        let card = card_from_eml("new/1.eml", MESSAGE.as_bytes());
        assert_eq!(
            (card.to.as_str(), card.name.as_str(), card.cc.as_str()),
            ("un@m.example", "Misíon", "a@m.example, b@m.example")
        );
        assert_eq!((card.subject.as_str(), card.language.as_str(), card.file.as_str()), ("دعوة", "ar", "new/1.eml"));
        assert_eq!(card.size_octets, MESSAGE.len() as u64);
        let view = card.view.expect("a view");
        assert_eq!((view.html.trim(), view.text.trim()), ("<p>letter</p>", "plain"));
        assert_eq!(view.calendar, [("What", "What".to_owned()), ("Method", "REQUEST, sequence 0".to_owned())]);
    }

    #[test]
    fn reads_anything_without_a_fault() {
        assert_eq!(card_from_eml("1", b"").subject, "");
        for cut in 0..MESSAGE.len() {
            card_from_eml("1", &MESSAGE.as_bytes()[..cut]);
        }
        let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(60_000);
        let card = card_from_eml("1", format!("Subject: deep\r\n{deep}").as_bytes());
        assert_eq!((card.subject.as_str(), card.view), ("deep", None));
    }

    #[test]
    fn says_a_calendar_entry_in_words() {
        let facts = calendar_facts(
            "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:America/New_York\r\nBEGIN:STANDARD\r\nDTSTART:19701101T020000\r\n\
             END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:u1@x.example\r\nSEQUENCE:2\r\nSTATUS:CONFIRMED\r\n\
             DTSTART;TZID=America/New_York:20170922T150000\r\nDTEND;TZID=America/New_York:20170922T163000\r\n\
             SUMMARY:Tools\\, and\r\n  more\r\nLOCATION:Room 2\r\nORGANIZER;CN=\"Mission: X; Y\":MAILTO:e@x.example\r\n\
             ATTENDEE;CN=H.E. ^'Ana^';RSVP=TRUE:mailto:un@m.example\r\nDESCRIPTION:One\\nTwo\r\nBEGIN:VALARM\r\n\
             DESCRIPTION:Alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Other\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        );
        let facts: Vec<(&str, &str)> = facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            facts,
            [
                ("What", "Tools, and more"),
                ("When", "Friday, 22 September 2017, 15:00–16:30 America/New_York"),
                ("Where", "Room 2"),
                ("Organizer", "Mission: X; Y\ne@x.example"),
                ("Attendee", "H.E. \"Ana\"\nun@m.example\nasked to answer"),
                ("Method", "REQUEST, sequence 2, CONFIRMED"),
                ("Identity", "u1@x.example"),
                ("Description", "One\nTwo"),
            ]
        );
    }

    #[test]
    fn says_times_of_any_shape() {
        let when = |lines: &str| {
            let facts = calendar_facts(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"));
            facts.into_iter().find(|(name, _)| *name == "When").map(|(_, value)| value).unwrap_or_default()
        };
        assert_eq!(
            when("DTSTART:20240229T190000Z\nDTEND:20240301T003000Z"),
            "Thursday, 29 February 2024, 19:00 UTC – Friday, 1 March 2024, 00:30 UTC"
        );
        assert_eq!(when("DTSTART;VALUE=DATE:20261124"), "Tuesday, 24 November 2026");
        assert_eq!(when("DTSTART:20261124T090000"), "Tuesday, 24 November 2026, 09:00");
        for odd in ["tomorrow", "2026", "20261324T090000", "00000101", "2026é124"] {
            assert_eq!(when(&format!("DTSTART:{odd}")), odd);
        }
    }

    #[test]
    fn writes_figures_and_references() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 8_432, 999_999, 26_214_400].map(size), ["999 B", "8.4 kB", "999.9 kB", "26.2 MB"]);
        assert_eq!(href("cur/1:2,S #é?%"), "cur/1%3A2%2CS%20%23%C3%A9%3F%25");
    }
}
