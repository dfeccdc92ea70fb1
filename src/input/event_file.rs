//! `convoke.toml`: the event, who sends, how, and to which lists.
//!
//! What: [`EventFile`], the whole file as values that are valid by being there.
//! Not here: the files that it names (`recipients`, templates), flags that overrule it (`settings`).
//! Called by: `command`. Can fail: with every [`Problem`] of the file at once, never with the first alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::approval::ApprovalRules;
use super::dkim::SigningKey;
use super::limits::Limits;
use super::problem::{Place, Problem, quoted};
use super::records::Records;
use super::relay::Relay;
use super::reminders::{AnswerMode, Reminders};
use super::replies::Replies;
use super::sessions::{self, Part, Session};
use super::speaking::SpeakingRules;
use super::text::{Languages, Text};
use super::toml_reader::{Found, TomlDocument, TomlReader};
use crate::calendar::{Uid, Zone};
use crate::mail::AddrSpec;
use crate::people::{Kind, Language};

/// The name of the file in an event folder.
pub const FILE_NAME: &str = "convoke.toml";

/// Characters before the @ that leave room for `+` and a token of 26 within the 64 of RFC 5321 section 4.5.3.1.1.
const LONGEST_VERP: usize = 37;

/// Everything that `convoke.toml` says.
#[derive(Clone, Debug)]
pub struct EventFile {
    /// What people are invited to.
    pub event: Event,
    /// Its sessions, each with an invitation of its own, in the order of their starts; none where the event is one.
    pub sessions: Vec<Session>,
    /// Of which session `event` has the facts; `None` for the event as a whole.
    pub part: Option<Part>,
    /// Whom they may ask.
    pub contact: Contact,
    /// Who invites.
    pub sender: Sender,
    /// Who is invited.
    pub recipients: RecipientRules,
    /// The list of who should be among them, below the event folder; none means that nobody asks.
    pub coverage: Option<String>,
    /// Which language is used where.
    pub languages: Languages,
    /// Which template serves whom.
    pub templates: TemplateRules,
    /// How fast and how long.
    pub limits: Limits,
    /// Where the messages are handed in; none means the built-in sandbox.
    pub relays: Vec<Relay>,
    /// What signs every message; none means that we do not sign.
    pub dkim: Vec<SigningKey>,
    /// What is kept of addresses that must not be written to, and of each run.
    pub records: Records,
    /// When reminders may be written.
    pub reminders: Reminders,
    /// How the speaking list is ordered.
    pub speaking: SpeakingRules,
    /// Whether a second person has to say yes.
    pub approval: ApprovalRules,
    /// Where returned mail is read.
    pub replies: Replies,
}

/// The event's facts.
#[derive(Clone, Debug)]
pub struct Event {
    /// Part of every UID; never changes.
    pub id: String,
    /// SUMMARY of the calendar entry.
    pub title: Text,
    /// LOCATION of the calendar entry.
    pub place: Text,
    /// The zone in words: `New York time`.
    pub zone_name: Text,
    /// Markdown.
    pub background: Option<Text>,
    /// A page about the event.
    pub url: Option<String>,
    /// In the order of the programme.
    pub speakers: Vec<Speaker>,
    /// Where the wall times below hold.
    pub zone: Zone,
    /// Wall time of the start in `zone`.
    pub local_start: DateTime,
    /// Wall time of the end in `zone`.
    pub local_end: DateTime,
    /// The instant of the start.
    pub start: Timestamp,
    /// The instant of the end.
    pub end: Timestamp,
    /// What silence means.
    pub answers: AnswerMode,
}

/// Someone on the podium.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// `moderator`, `panelist` or any word that the templates know.
    pub role: String,
    /// With honorific, as it is to be printed.
    pub name: Text,
    /// What they are.
    pub function: Text,
}

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct Contact {
    /// With honorific.
    pub name: Text,
    /// As it is to be printed.
    pub telephone: Option<String>,
    /// As it is to be printed.
    pub email: Option<AddrSpec>,
}

/// From, ORGANIZER and the mailbox that is read for replies: one address.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The display name, and CN of the ORGANIZER.
    pub name: Text,
    /// The address.
    pub address: AddrSpec,
    /// The reverse-path of the envelope (RFC 5321 section 4.1.1.2) where it is another.
    pub envelope: Option<AddrSpec>,
    /// Whether each message has a reverse-path of its own, `local+token@domain` (VERP): what returns without anything else of
    /// ours is then known by where it arrives. The mailbox must take such addresses (RFC 5233 calls it subaddressing).
    pub verp: bool,
}

/// Which lists, and what their columns are called.
#[derive(Clone, Debug)]
pub struct RecipientRules {
    /// Files below the event folder, or absolute.
    pub files: Vec<String>,
    /// Standard column to header.
    pub columns: BTreeMap<String, String>,
    /// The kind of rows that name none.
    pub kind: Option<Kind>,
    /// An encoding that overrules detection.
    pub encoding: Option<String>,
    /// Columns whose cells may hold line breaks.
    pub multiline: Vec<String>,
}

/// Which template serves whom.
#[derive(Clone, Debug)]
pub struct TemplateRules {
    /// Below the event folder.
    pub folder: String,
    /// Patterns of file names with `{purpose}`, `{kind}`, `{language}` and `{fallback}`.
    pub chain: Vec<String>,
    /// Kinds that share another kind's templates.
    pub audience: BTreeMap<String, String>,
}

/// Reads the file.
///
/// # Errors
/// Every fault found, sorted by place.
pub fn read(file: &str, text: &str) -> Result<EventFile, Vec<Problem>> {
    let document = TomlDocument::parse(file, text, 1);
    let root = document.root();
    let languages = read_languages(&root);
    let default = languages.default.clone();
    let mut event = read_event(&root, &default, sessions::are_there(&root));
    let sessions = sessions::read_all(&root, &default, &mut event);
    let event = event.whole();
    let contact = read_contact(&root, &default);
    let sender = read_sender(&root, &default);
    let recipients = read_recipients(&root);
    let coverage = read_coverage(&root);
    let templates = read_templates(&root);
    let limits = super::limits::read(&root, event.as_ref().map(|e| &e.zone));
    let relays = super::relay::read_all(&root);
    let dkim = super::dkim::read_all(&root, sender.as_ref());
    let records = super::records::read(&root);
    let reminders = super::reminders::read(&root);
    let speaking = super::speaking::read(&root);
    let approval = super::approval::read(&root);
    let replies = super::replies::read(&root);
    if let (Some(event), Some(sender)) = (&event, &sender) {
        // Every UID is made of both and of a token of this length (`plan::Identity`).
        if let Err(fault) = Uid::new(&event.id, &"t".repeat(26), &sender.address) {
            let cure = "choose another `event.id`, or a sender with a shorter domain";
            root.problem(whole_file(), fault.to_string(), cure);
        }
    }
    root.finish();
    let problems = document.problems();
    match (event, contact, sender) {
        (Some(event), Some(contact), Some(sender)) if problems.is_empty() => Ok(EventFile {
            event,
            sessions,
            part: None,
            contact,
            sender,
            recipients,
            coverage,
            languages,
            templates,
            limits,
            relays,
            dkim,
            records,
            reminders,
            speaking,
            approval,
            replies,
        }),
        _ => Err(problems),
    }
}

fn read_languages(root: &TomlReader<'_, '_>) -> Languages {
    let english = || Language::parse("en").expect("`en` is a language");
    let table = root.table("languages");
    let default = table.string("default").and_then(|found| language(&table, found)).unwrap_or_else(english);
    let below = table.table("fallback");
    let mut fallback = BTreeMap::new();
    for key in below.keys() {
        let list = below.strings(&key.value).unwrap_or_default();
        let Some(from) = language(&below, key) else { continue };
        fallback.insert(from.as_str().to_owned(), list.into_iter().filter_map(|f| language(&below, f)).collect());
    }
    below.finish();
    table.finish();
    Languages { default, fallback }
}

fn language(table: &TomlReader<'_, '_>, found: Found<String>) -> Option<Language> {
    let parsed = Language::parse(&found.value);
    if parsed.is_none() {
        table.problem(
            found.place,
            format!("{} is no language", quoted(&found.value)),
            "write a tag such as `en` or `fr`",
        );
    }
    parsed
}

fn read_event(root: &TomlReader<'_, '_>, default: &Language, has_sessions: bool) -> Draft {
    if !root.table("event").exists() {
        root.missing("event", "describe the event under `[event]`; `convoke new` writes an example");
    }
    let table = root.table("event");
    let id = table.required_string("id", "choose a short lasting name of letters, digits and hyphens");
    if let Some(id) = &id {
        let plain = id.value.len() <= 60 && id.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !plain {
            let fault = format!("event id {} is not plain", quoted(&id.value));
            table.problem(id.place.clone(), fault, "use at most 60 letters, digits, `-`, `_` and `.`");
        }
    }
    let title = Text::read(&table, "title", default, "write the title as it is to stand in calendars");
    let place = Text::read(&table, "place", default, "write building and room");
    let background = optional_text(&table, "background", default);
    let url = table.string("url").and_then(|found| https(&table, found));
    let zone = read_zone(&table, true);
    let zone_name = match optional_text(&table, "zone_name", default) {
        Some(text) => Some(text),
        None => zone.as_ref().map(|z| Text::Same(default_zone_name(z.value.name()))),
    };
    // Sessions say when they are; together they say when the event is.
    let times = match has_sessions && !is_given(&table, "start") && !is_given(&table, "end") {
        true => {
            ["start", "end"].iter().for_each(|key| table.know(key));
            None
        }
        false => read_times(&table, zone.as_ref().map(|found| &found.value), "event"),
    };
    let answers = super::reminders::read_mode(&table);
    let speakers = table.tables("speakers").into_iter().filter_map(|t| read_speaker(t, default)).collect();
    table.finish();
    let id = id.map(|found| found.value);
    Draft {
        id,
        title,
        place,
        zone_name,
        background,
        url,
        speakers,
        zone: zone.map(|found| found.value),
        times,
        answers,
    }
}

/// Wall times and instants of start and end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: (DateTime, Timestamp),
    pub(super) end: (DateTime, Timestamp),
}

/// An event of which something may be missing, which has been said then.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) id: Option<String>,
    pub(super) title: Option<Text>,
    pub(super) place: Option<Text>,
    pub(super) zone_name: Option<Text>,
    pub(super) background: Option<Text>,
    pub(super) url: Option<String>,
    pub(super) speakers: Vec<Speaker>,
    pub(super) zone: Option<Zone>,
    pub(super) times: Option<Times>,
    pub(super) answers: AnswerMode,
}

impl Draft {
    /// The event, if nothing is missing.
    pub(super) fn whole(self) -> Option<Event> {
        let Self { background, url, speakers, answers, .. } = self;
        let Times { start, end } = self.times?;
        Some(Event {
            id: self.id?,
            title: self.title?,
            place: self.place?,
            zone_name: self.zone_name?,
            background,
            url,
            speakers,
            zone: self.zone?,
            local_start: start.0,
            local_end: end.0,
            start: start.1,
            end: end.1,
            answers,
        })
    }
}

pub(super) fn is_given(table: &TomlReader<'_, '_>, key: &str) -> bool {
    table.exists() && table.keys().iter().any(|found| found.value == key)
}

/// Start and end; `of` is what they belong to, for words.
pub(super) fn read_times(table: &TomlReader<'_, '_>, zone: Option<&Zone>, of: &str) -> Option<Times> {
    let start = local_time(table, of, "start");
    let end = local_time(table, of, "end");
    let start = instant(table, start, zone);
    let end = instant(table, end, zone);
    if let (Some(start), Some(end)) = (&start, &end)
        && end.value.1 <= start.value.1
    {
        let fault = format!("the {of} ends at {} and begins at {}", end.value.0, start.value.0);
        table.problem(end.place.clone(), fault, "write an end after the start");
    }
    Some(Times { start: start?.value, end: end?.value })
}

/// `America/New_York` becomes `New York time`.
pub(super) fn default_zone_name(zone: &str) -> String {
    let city = zone.rsplit('/').next().unwrap_or(zone).replace('_', " ");
    if zone.contains('/') { format!("{city} time") } else { city }
}

pub(super) fn optional_text(table: &TomlReader<'_, '_>, key: &str, default: &Language) -> Option<Text> {
    if table.keys().iter().any(|found| found.value == key) {
        Text::read(table, key, default, "write the text, or leave the key out")
    } else {
        table.string(key).map(|found| Text::Same(found.value))
    }
}

pub(super) fn https(table: &TomlReader<'_, '_>, found: Found<String>) -> Option<String> {
    let plain = found.value.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"`{}\\^|".contains(&b));
    if plain && (found.value.starts_with("https://") || found.value.starts_with("http://")) {
        return Some(found.value);
    }
    table.problem(
        found.place,
        format!("{} is no web address", quoted(&found.value)),
        "write one that begins with https://",
    );
    None
}

/// An IANA zone at the key `zone`, which may have to be there.
pub(crate) fn read_zone(table: &TomlReader<'_, '_>, is_required: bool) -> Option<Found<Zone>> {
    let found = if is_required {
        table.required_string("zone", "write an IANA time zone such as `America/New_York`")?
    } else {
        table.string("zone")?
    };
    match Zone::parse(&found.value) {
        Some(zone) => Some(Found { value: zone, place: found.place }),
        None => {
            let near = Zone::suggestions(&found.value);
            let cure = if near.is_empty() {
                "write an IANA name such as `America/New_York` or `Europe/Zurich`".to_owned()
            } else {
                format!("did you mean `{}`?", near.join("` or `"))
            };
            table.problem(found.place, format!("unknown time zone {}", quoted(&found.value)), cure);
            None
        }
    }
}

fn local_time(table: &TomlReader<'_, '_>, of: &str, key: &str) -> Option<Found<DateTime>> {
    const CURE: &str = "write the wall time of the place, such as 2027-06-24T15:00:00, without an offset";
    if !is_given(table, key) {
        table.datetime(key);
        table.missing(key, CURE);
        return None;
    }
    let found = table.datetime(key)?;
    let parsed = match found.value.offset {
        None => found.value.to_string().parse::<DateTime>().ok(),
        Some(_) => None,
    };
    match parsed {
        Some(time) if found.value.time.is_some() && found.value.date.is_some() => {
            Some(Found { value: time, place: found.place })
        }
        _ => {
            table.problem(found.place, format!("`{of}.{key}` is {}, not a local date and time", found.value), CURE);
            None
        }
    }
}

fn instant(
    table: &TomlReader<'_, '_>,
    local: Option<Found<DateTime>>,
    zone: Option<&Zone>,
) -> Option<Found<(DateTime, Timestamp)>> {
    let (local, zone) = (local?, zone?);
    let name = zone.name();
    match zone.local_to_instant(local.value) {
        Ok(at) => Some(Found { value: (local.value, at), place: local.place }),
        Err(fault) => {
            let (fault, cure) = (format!("{} in {name}: {fault}", local.value), fault.cure());
            table.problem(local.place, fault, cure);
            None
        }
    }
}

pub(super) fn read_speaker(table: TomlReader<'_, '_>, default: &Language) -> Option<Speaker> {
    let role = table.required_string("role", "write `moderator`, `panelist` or another word that the templates know");
    let name = Text::read(&table, "name", default, "write the name with its honorific");
    let function = Text::read(&table, "function", default, "write what the person is");
    table.finish();
    Some(Speaker { role: role?.value, name: name?, function: function? })
}

fn read_contact(root: &TomlReader<'_, '_>, default: &Language) -> Option<Contact> {
    let table = root.table("contact");
    if !table.exists() {
        root.missing("contact", "say under `[contact]` whom recipients may ask: name, telephone, email");
        return None;
    }
    let name = Text::read(&table, "name", default, "write the name with its honorific");
    let telephone = table.string("telephone").map(|f| f.value);
    let email = table.string("email").and_then(|found| address(&table, found, "contact.email"));
    if telephone.is_none() && !table.keys().iter().any(|k| k.value == "email") {
        table.missing("telephone", "give a telephone number or an e-mail address");
    }
    table.finish();
    Some(Contact { name: name?, telephone, email })
}

/// An address or a problem.
pub(crate) fn address(table: &TomlReader<'_, '_>, found: Found<String>, key: &str) -> Option<AddrSpec> {
    match AddrSpec::parse(&found.value) {
        Ok(address) => Some(address),
        Err(error) => {
            table.problem(found.place, format!("`{key}` is {}: {error}", quoted(&found.value)), error.cure());
            None
        }
    }
}

fn read_sender(root: &TomlReader<'_, '_>, default: &Language) -> Option<Sender> {
    let table = root.table("sender");
    if !table.exists() {
        root.missing("sender", "say under `[sender]` who invites: name and address");
        return None;
    }
    let name = Text::read(&table, "name", default, "write the name that readers see; Outlook needs it");
    let found = table.required_string("address", "write the mailbox that is read for replies");
    let from = found.and_then(|found| address(&table, found, "sender.address"));
    let envelope = table.string("envelope").and_then(|found| address(&table, found, "sender.envelope"));
    let verp = table.boolean("verp").unwrap_or(false);
    if let Some(path) = envelope.as_ref().or(from.as_ref()).filter(|_| verp)
        && path.local_part().len() > LONGEST_VERP
    {
        let fault = format!("`verp` makes {} longer than 64 characters before the @", quoted(path.as_str()));
        table.problem(table.place(), fault, "name a shorter `envelope`, or take `verp` out");
    }
    table.finish();
    Some(Sender { name: name?, address: from?, envelope, verp })
}

fn read_recipients(root: &TomlReader<'_, '_>) -> RecipientRules {
    let table = root.table("recipients");
    let files = table.strings("files").unwrap_or_default().into_iter().map(|f| f.value).collect();
    let below = table.table("columns");
    let mut columns = BTreeMap::new();
    for key in below.keys() {
        if let Some(header) = below.string(&key.value) {
            columns.insert(key.value, header.value);
        }
    }
    below.finish();
    let kind = table.string("kind").and_then(|found| {
        let kind = Kind::parse(&found.value);
        if kind.is_none() {
            let cure = format!("write one of {}", Kind::ALL.map(Kind::as_str).join(", "));
            table.problem(found.place, format!("unknown kind {}", quoted(&found.value)), cure);
        }
        kind
    });
    let encoding = table.string("encoding").and_then(|found| {
        let known = ["utf-8", "utf-16le", "utf-16be", "windows-1252"];
        let lower = found.value.to_lowercase();
        if !known.contains(&lower.as_str()) {
            let cure = format!("write one of {}", known.join(", "));
            table.problem(found.place, format!("unknown encoding {}", quoted(&found.value)), cure);
            return None;
        }
        Some(lower)
    });
    let multiline = table.strings("multiline").unwrap_or_default().into_iter().map(|f| f.value).collect();
    table.finish();
    RecipientRules { files, columns, kind, encoding, multiline }
}

fn read_coverage(root: &TomlReader<'_, '_>) -> Option<String> {
    let table = root.table("coverage");
    let reference = table.string("reference").map(|found| found.value);
    table.finish();
    reference
}

/// The order in which templates are looked for where the file names none.
pub const DEFAULT_CHAIN: [&str; 4] = [
    "{purpose}/{kind}.{language}",
    "{purpose}/{kind}.{fallback}",
    "{purpose}/default.{language}",
    "{purpose}/default.{fallback}",
];

fn read_templates(root: &TomlReader<'_, '_>) -> TemplateRules {
    let table = root.table("templates");
    let folder = table.string("folder").map_or_else(|| "templates".to_owned(), |f| f.value);
    let chain = match table.strings("chain") {
        None => DEFAULT_CHAIN.map(str::to_owned).to_vec(),
        Some(patterns) => patterns
            .into_iter()
            .filter_map(|found| {
                let rest = ["{purpose}", "{kind}", "{language}", "{fallback}"]
                    .iter()
                    .fold(found.value.clone(), |rest, name| rest.replace(name, ""));
                let safe = !rest.contains(['{', '}', '\\']) && !rest.split('/').any(|part| part == "..");
                if safe {
                    return Some(found.value);
                }
                let cure = "use {purpose}, {kind}, {language} and {fallback}, below the templates folder";
                table.problem(
                    found.place,
                    format!("template pattern {} is not understood", quoted(&found.value)),
                    cure,
                );
                None
            })
            .collect(),
    };
    let below = table.table("audience");
    let mut audience = BTreeMap::new();
    for key in below.keys() {
        let Some(name) = below.string(&key.value) else { continue };
        if Kind::parse(&key.value).is_none() {
            let cure = format!("write one of {}", Kind::ALL.map(Kind::as_str).join(", "));
            below.problem(key.place, format!("unknown kind {}", quoted(&key.value)), cure);
        } else {
            audience.insert(key.value, name.value);
        }
    }
    below.finish();
    table.finish();
    TemplateRules { folder, chain, audience }
}

/// The place of the whole file, for faults that have no line.
pub fn whole_file() -> Place {
    Place::file(FILE_NAME)
}
