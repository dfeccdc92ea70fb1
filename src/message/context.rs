//! The values that templates may print.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::input::event_file::EventFile;
use crate::input::text::Text;
use crate::people::Language;

/// Names that no column may take.
pub(super) const RESERVED: [&str; 4] = ["event", "contact", "sender", "message"];

/// What stands below a reserved name, so that a mistyped field is found before rendering.
pub(super) fn fields(name: &str) -> &'static [&'static str] {
    match name {
        "event" => &["title", "place", "zone_name", "start", "end", "url", "background", "speakers", "original"],
        "event.original" => &["title", "place", "zone_name"],
        "event.speakers[]" => &["role", "name", "function"],
        "contact" => &["name", "telephone", "email"],
        "sender" => &["name", "address"],
        "message" => &["language"],
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
        ("message", json!({ "language": language.as_str() })),
    ];
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The event's values and one row's cells. Cells cannot hide the event: their names are never reserved.
pub(super) fn with_cells(mut values: Map<String, Value>, cells: &BTreeMap<String, String>) -> Value {
    for (name, cell) in cells {
        if !RESERVED.contains(&name.as_str()) {
            values.insert(name.clone(), Value::String(cell.clone()));
        }
    }
    Value::Object(values)
}
