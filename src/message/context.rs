//! The values that templates may print.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::input::event_file::EventFile;
use crate::input::text::Text;
use crate::people::Language;
use crate::plan::Facts;
use crate::plan::amendment::{Field, compare};

/// Names that no column may take.
pub(super) const RESERVED: [&str; 7] = ["event", "contact", "sender", "message", "before", "changes", "is_reinstated"];

/// The same of an event with sessions.
pub(super) const OF_SESSIONS: [&str; 2] = ["session", "sessions"];

/// What stands below a reserved name, so that a mistyped field is found before rendering.
pub(super) fn fields(name: &str) -> &'static [&'static str] {
    match name {
        "event" => &["title", "place", "zone_name", "start", "end", "url", "background", "speakers", "original"],
        "event.original" => &["title", "place", "zone_name"],
        "event.speakers[]" => &["role", "name", "function"],
        "contact" => &["name", "telephone", "email"],
        "sender" => &["name", "address"],
        "message" => &["language", "is_withdrawn", "note"],
        "before" => &["title", "place", "zone_name", "start", "end"],
        "changes[]" => &["field", "before", "after"],
        "session" => &["id", "title", "place", "zone_name", "start", "end", "event"],
        "sessions[]" => &["id", "title", "place", "zone_name", "start", "end", "is_this"],
        _ => &[],
    }
}

/// The event in one language; shared by all messages in it.
pub(super) fn event_values(file: &EventFile, language: &Language) -> Map<String, Value> {
    let in_language = |text: &Text| text.in_language(language, &file.languages).to_owned();
    let original = |text: &Text| text.in_language(&file.languages.default, &file.languages).to_owned();
    let event = &file.event;
    let mut values = json!({
        "title": in_language(&event.title),
        "place": in_language(&event.place),
        "zone_name": in_language(&event.zone_name),
        "start": event.local_start.to_string(),
        "end": event.local_end.to_string(),
        "original": {
            "title": original(&event.title),
            "place": original(&event.place),
            "zone_name": original(&event.zone_name),
        },
        "speakers": event.speakers.iter().map(|speaker| json!({
            "role": speaker.role,
            "name": in_language(&speaker.name),
            "function": in_language(&speaker.function),
        })).collect::<Vec<_>>(),
    });
    let mut contact = json!({ "name": in_language(&file.contact.name) });
    // What is absent stays absent, so that strict mode finds a template that prints it unguarded.
    let optional = |object: &mut Value, key: &str, value: Option<String>| {
        if let Some(value) = value {
            object[key] = Value::String(value);
        }
    };
    optional(&mut values, "url", event.url.clone());
    optional(&mut contact, "telephone", file.contact.telephone.clone());
    optional(&mut contact, "email", file.contact.email.as_ref().map(ToString::to_string));
    if let Some(background) = &event.background {
        values["background"] = Value::String(in_language(background));
    }
    let sender = json!({ "name": in_language(&file.sender.name), "address": file.sender.address.to_string() });
    let all = [
        ("event", values),
        ("contact", contact),
        ("sender", sender),
        ("message", json!({ "language": language.as_str(), "is_withdrawn": false })),
        ("changes", json!([])),
        ("is_reinstated", Value::Bool(false)),
    ];
    let mut all: Map<String, Value> = all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    if let Some(part) = &file.part {
        let mut session = session_values(file, language);
        session.insert("event".to_owned(), Value::String(in_language(&part.whole)));
        all.insert("session".to_owned(), Value::Object(session));
    }
    all
}

/// A session as lists of sessions name it; empty for the event as a whole.
pub(super) fn session_values(file: &EventFile, language: &Language) -> Map<String, Value> {
    let Some(part) = &file.part else { return Map::new() };
    let event = &file.event;
    let in_language = |text: &Text| Value::from(text.in_language(language, &file.languages));
    let values = [
        ("id", Value::from(part.id.as_str())),
        ("title", in_language(&event.title)),
        ("place", in_language(&event.place)),
        ("zone_name", in_language(&event.zone_name)),
        ("start", Value::String(event.local_start.to_string())),
        ("end", Value::String(event.local_end.to_string())),
    ];
    values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What a message says of the event's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Story<'s> {
    /// The state that it tells.
    pub(super) told: &'s Facts,
    /// The state that its reader knows; `None` for one who knows none.
    pub(super) before: Option<&'s Facts>,
    /// Whether the reader was told that it does not take place.
    pub(super) is_reinstated: bool,
    /// Whether it is cancelled for some readers only.
    pub(super) is_withdrawn: bool,
    /// A person's words; may be empty.
    pub(super) note: &'s str,
}

impl Story<'_> {
    /// Puts it into the event's values: facts are those of the state that is told, whatever the event file says by now.
    pub(super) fn tell(&self, values: &mut Map<String, Value>, language: &Language) {
        if let Some(event) = values.get_mut("event").and_then(Value::as_object_mut) {
            event.extend(facts_values(self.told, language));
            if let Some(original) = self.told.original() {
                let original =
                    [("title", &original.title), ("place", &original.place), ("zone_name", &original.zone_name)];
                event.insert("original".to_owned(), Value::from_iter(original.map(|(key, text)| (key, text.as_str()))));
            }
            match self.told.url() {
                Some(url) => event.insert("url".to_owned(), Value::from(url)),
                None => event.remove("url"),
            };
        }
        if let Some(session) = values.get_mut("session").and_then(Value::as_object_mut) {
            session.extend(facts_values(self.told, language));
        }
        if let Some(message) = values.get_mut("message").and_then(Value::as_object_mut) {
            message.insert("is_withdrawn".to_owned(), Value::Bool(self.is_withdrawn));
            if !self.note.is_empty() {
                message.insert("note".to_owned(), Value::from(self.note));
            }
        }
        values.insert("is_reinstated".to_owned(), Value::Bool(self.is_reinstated));
        let Some(before) = self.before else { return };
        values.insert("before".to_owned(), Value::Object(facts_values(before, language)));
        values.insert("changes".to_owned(), changes(before, self.told, language));
    }
}

fn facts_values(facts: &Facts, language: &Language) -> Map<String, Value> {
    let (start, end) = facts.local_times();
    let mut values = Map::new();
    if let Some(rendering) = facts.rendering(language).or_else(|| facts.original()) {
        values.insert("title".to_owned(), Value::from(rendering.title.as_str()));
        values.insert("place".to_owned(), Value::from(rendering.place.as_str()));
        values.insert("zone_name".to_owned(), Value::from(rendering.zone_name.as_str()));
    } else {
        // Of before version 4: the texts of the event file are all there is.
        let said = |text: &Text| match text {
            Text::Same(text) => text.clone(),
            Text::ByLanguage(texts) => {
                texts.get(language.as_str()).or_else(|| texts.values().next()).cloned().unwrap_or_default()
            }
        };
        values.insert("title".to_owned(), Value::String(said(facts.texts().0)));
        values.insert("place".to_owned(), Value::String(said(facts.texts().1)));
        values.insert("zone_name".to_owned(), Value::from(facts.zone()));
    }
    values.insert("start".to_owned(), Value::String(start.to_string()));
    values.insert("end".to_owned(), Value::String(end.to_string()));
    values
}

/// What has changed for a reader of a language; the calendar text is no such thing, for nobody reads two of them.
fn changes(before: &Facts, told: &Facts, language: &Language) -> Value {
    let difference = compare(before, told);
    let pairs = difference.changes().iter().filter_map(|change| {
        let in_language = |facts: &Facts| {
            let rendering = facts.rendering(language)?;
            Some(match change.field {
                Field::Date => rendering.date.clone(),
                Field::Time => format!("{} \u{2013} {}", rendering.time, rendering.end_time),
                Field::Zone => rendering.zone_name.clone(),
                Field::Place => rendering.place.clone(),
                Field::Title => rendering.title.clone(),
                Field::Organizer => rendering.organizer.clone(),
                Field::Url | Field::Text => return None,
            })
        };
        let (was, is) = match (change.field, in_language(before), in_language(told)) {
            (Field::Text, ..) => return None,
            (_, Some(was), Some(is)) => (was, is),
            _ => (change.before.clone(), change.after.clone()),
        };
        // It may have changed for readers of other languages alone.
        (was != is).then(|| json!({ "field": change.field.as_str(), "before": was, "after": is }))
    });
    Value::Array(pairs.collect())
}

/// The event's values and one row's cells. Cells cannot hide the event: their names are never reserved.
pub(super) fn with_cells(mut values: Map<String, Value>, cells: &BTreeMap<String, String>) -> Value {
    for (name, cell) in cells {
        let is_of_sessions = OF_SESSIONS.contains(&name.as_str()) && values.contains_key("sessions");
        if !RESERVED.contains(&name.as_str()) && !is_of_sessions {
            values.insert(name.clone(), Value::String(cell.clone()));
        }
    }
    Value::Object(values)
}
