//! Every value of `convoke.toml` by its path, each in one line: what of the settings differs can be said by its name.
//!
//! What: [`flat`]. Standard: TOML 1.1 (the values), RFC 8259 (how they are written here).
//! Not here: what the values mean (`event_file`). Called by: `command`, for plans. Can fail: nothing; a text that is no TOML
//! gives nothing.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::{Table, Value};

/// `[event] place = "Room 5"` becomes `event.place` and `"Room 5"`; lists stay whole.
pub fn flat(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if let Ok(table) = text.parse::<Table>() {
        collect("", &table, &mut values);
    }
    values
}

fn collect(prefix: &str, table: &Table, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(below) => collect(&path, below, values),
            value => {
                values.insert(path, json(value).to_string());
            }
        }
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(is) => Json::from(*is),
        Value::Datetime(at) => Json::from(at.to_string()),
        Value::Array(list) => list.iter().map(json).collect(),
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::flat;

    #[test]
    fn every_value_has_its_path_and_one_line() {
        let text = "[event]\nplace = \"\"\"Room\n5\"\"\"\nstart = 2027-06-24T15:00:00\n[event.title]\nen = \"Gala\"\n\
                    [[event.speakers]]\nname = \"Ana\"\n[contact]\nmany = true\n";
        let values: Vec<_> = flat(text).into_iter().map(|(key, value)| format!("{key} {value}")).collect();
        let expected = [
            "contact.many true",
            "event.place \"Room\\n5\"",
            "event.speakers [{\"name\":\"Ana\"}]",
            "event.start \"2027-06-24T15:00:00\"",
            "event.title.en \"Gala\"",
        ];
        assert_eq!(values, expected);
        assert!(flat("no toml").is_empty());
    }
}
