//! Independent readers of what we write: PyPI icalendar, npm ical.js, libical's restrictions, SpamAssassin.

use std::path::PathBuf;
use std::process::Command;

use crate::desk::{Desk, repository};

pub(crate) fn oracles() -> Option<PathBuf> {
    let path = std::env::var_os("CONVOKE_ORACLES").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: CONVOKE_ORACLES is not set; tests/run sets it");
    }
    path
}

#[track_caller]
pub(crate) fn passes(command: &mut Command, last: &str) {
    let output = command.output().expect("the oracle starts");
    let out = String::from_utf8_lossy(&output.stdout);
    let closing = out.lines().last().unwrap_or_default();
    assert!(
        output.status.success() && closing.contains(last),
        "{command:?}\n{out}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_sample_message_says_to_independent_readers_what_is_meant() {
    let Some(oracles) = oracles() else { return };
    let desk = Desk::sample();
    desk.ends(0, &["send"]);
    let rows: serde_json::Value =
        serde_json::from_str(&desk.ends(0, &["export", "--format", "json"]).out).expect("JSON");
    let settings: toml::Table = desk.read("convoke.toml").parse().expect("TOML");
    let event = settings["event"].as_table().expect("the event");
    let mut messages = serde_json::Map::new();
    for row in rows.as_array().expect("rows") {
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        let kind = text("kind");
        // Letters to NGOs are in three languages; the others read English.
        let language = match text("language").as_str() {
            l @ ("ar" | "ru" | "zh") if kind != "ngo" => l.to_owned(),
            l @ ("en" | "es" | "fr") => l.to_owned(),
            _ => "en".to_owned(),
        };
        let in_language = |key: &str| event[key][language.as_str()].as_str().expect("a text").to_owned();
        messages.insert(
            text("address"),
            serde_json::json!({
                "uid": text("uid"),
                "cn": text("entity").replace('"', "'"),
                "summary": in_language("title"),
                "location": in_language("place"),
                "description_contains": ["113", "99", "(New York time)", "+1 212 599 0220 ext. 230"],
            }),
        );
    }
    let facts = serde_json::json!({
        "method": "REQUEST", "start": "2017-09-22T19:00:00Z", "end": "2017-09-22T20:30:00Z",
        "organizer": "events@liechtenstein-un.example", "sequence": 0, "status": "CONFIRMED", "messages": messages,
    });
    desk.write("facts.json", &facts.to_string());
    let (facts, outbox) = (desk.path.join("facts.json"), desk.path.join("outbox"));
    let scripts = repository().join("tests/oracles");
    let python = oracles.join("venv/bin/python");
    passes(Command::new(&python).arg(scripts.join("calendar.py")).args([&facts, &outbox]), "268 messages, 0 failures");
    passes(Command::new("node").arg(scripts.join("calendar.mjs")).args([&facts, &outbox]), "268 messages, 0 failures");
    let calendars = desk.path.join("calendars");
    let extracted = Command::new(&python).arg(scripts.join("extract.py")).args([&calendars, &outbox]).status();
    assert!(extracted.expect("python").success());
    let files: Vec<PathBuf> =
        std::fs::read_dir(&calendars).expect("calendars").map(|e| e.expect("an entry").path()).collect();
    passes(Command::new(oracles.join("restriction")).args(&files), "268 calendars, 0 failures");
}

#[test]
fn spamassassin_finds_nothing_to_say() {
    if oracles().is_none() {
        return;
    }
    let desk = Desk::sample();
    let mut files = Vec::new();
    for (n, (kind, language)) in [
        ("mission", "en"),
        ("mission", "fr"),
        ("mission", "es"),
        ("mission", "ru"),
        ("mission", "zh"),
        ("mission", "ar"),
        ("ngo", "en"),
        ("ngo", "fr"),
        ("ngo", "es"),
    ]
    .iter()
    .enumerate()
    {
        let out = format!("preview{n}");
        let (kind, language) = (format!("kind={kind}"), format!("language={language}"));
        desk.ends(0, &["preview", "--only", &kind, "--only", &language, "--limit", "1", "--out", &out]);
        let folder = desk.path.join(out);
        files.extend(
            std::fs::read_dir(folder)
                .expect("a preview")
                .map(|e| e.expect("an entry").path())
                .filter(|p| p.extension().is_some_and(|e| e == "eml")),
        );
    }
    assert_eq!(files.len(), 9);
    let output =
        Command::new(repository().join("tests/oracles/spam.sh")).args(&files).output().expect("spam.sh starts");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
