//! Independent readers of what we write: PyPI icalendar, npm ical.js, libical's restrictions,
//! KCalendarCore, SpamAssassin.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use convoke::calendar::{Object, OrganizerMethod, PartStat, Sequence, Uid};
use convoke::input::event_file;
use convoke::mail::{AddrSpec, Mailbox};
use convoke::people::Language;
use jiff::SignedDuration;

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

/// What is meant for each recipient, by what the journal and the settings say.
fn meant(desk: &Desk, words: &[&str]) -> serde_json::Map<String, serde_json::Value> {
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
                "description_contains": words,
            }),
        );
    }
    messages
}

/// Asks all readers about all messages in the outbox.
#[track_caller]
fn judge(oracles: &Path, desk: &Desk, facts: &serde_json::Value) {
    let count = facts["messages"].as_object().expect("messages").len();
    desk.write("facts.json", &facts.to_string());
    let (facts, outbox) = (desk.path.join("facts.json"), desk.path.join("outbox"));
    let scripts = repository().join("tests/oracles");
    let python = oracles.join("venv/bin/python");
    let messages = format!("{count} messages, 0 failures");
    passes(Command::new(&python).arg(scripts.join("calendar.py")).args([&facts, &outbox]), &messages);
    passes(Command::new("node").arg(scripts.join("calendar.mjs")).args([&facts, &outbox]), &messages);
    let calendars = desk.path.join("calendars");
    let _ = std::fs::remove_dir_all(&calendars);
    let extracted = Command::new(&python).arg(scripts.join("extract.py")).args([&calendars, &outbox]).status();
    assert!(extracted.expect("python").success());
    let files: Vec<PathBuf> =
        std::fs::read_dir(&calendars).expect("calendars").map(|e| e.expect("an entry").path()).collect();
    let calendars = format!("{count} calendars, 0 failures");
    passes(Command::new(oracles.join("restriction")).args(&files), &calendars);
    passes(Command::new(oracles.join("scheduling")).arg(&facts).args(&files), &calendars);
}

#[test]
fn every_sample_message_says_to_independent_readers_what_is_meant() {
    let Some(oracles) = oracles() else { return };
    let desk = Desk::sample();
    desk.ends(0, &["send"]);
    let messages = meant(&desk, &["113", "99", "(New York time)", "+1 212 599 0220 ext. 230"]);
    assert_eq!(messages.len(), 268);
    let facts = serde_json::json!({
        "method": "REQUEST", "start": "2017-09-22T19:00:00Z", "end": "2017-09-22T20:30:00Z",
        "organizer": "events@liechtenstein-un.example", "sequence": 0, "status": "CONFIRMED", "messages": messages,
    });
    judge(&oracles, &desk, &facts);
}

#[test]
fn updates_and_cancellations_say_to_independent_readers_what_is_meant() {
    let Some(oracles) = oracles() else { return };
    let languages = ["ar", "en", "es", "fr", "ru", "zh"];
    let missions = languages.map(|tag| format!("Mission {tag},mission,{tag},mission.{tag}@host.example,,,,of {tag}\n"));
    let ngos = ["en", "es", "fr"].map(|tag| format!("Société {tag},ngo,{tag},ngo.{tag}@host.example,Ms.,Zoé,Été,\n"));
    let heading = "entity,kind,language,email,honorific,given,family,of_state\n";
    let desk = Desk::with_list(&format!("{heading}{}{}", missions.concat(), ngos.concat()));
    for purpose in ["update", "cancellation"] {
        if !desk.path.join("templates").join(purpose).exists() {
            for tag in languages {
                let letter =
                    "+++\nsubject = \"{{event.title}}\"\nregister = \"letter\"\n+++\n{{entity}}: {{event.place}}.\n";
                desk.write(&format!("templates/{purpose}/default.{tag}.md.hbs"), letter);
            }
        }
    }
    let alter = |changes: &[(&str, &str)]| {
        let settings = desk.read("convoke.toml");
        let altered = changes.iter().fold(settings.clone(), |text, (from, to)| text.replace(from, to));
        assert_ne!(settings, altered);
        desk.write("convoke.toml", &altered);
        // What was judged before is out of the way.
        std::fs::remove_dir_all(desk.path.join("outbox")).expect("an outbox");
    };
    desk.ends(0, &["send"]);
    desk.ends(0, &["note", "mission.fr@host.example", "--accepted"]);
    alter(&[("Conference Room 2", "Conference Room 7"), ("salle de conférence 2", "salle de conférence 7")]);
    desk.ends(0, &["update", "--as", "wording"]);
    let mut messages = meant(&desk, &["113", "99"]);
    messages["mission.fr@host.example"]["partstat"] = "ACCEPTED".into();
    let mut facts = serde_json::json!({
        "method": "REQUEST", "start": "2017-09-22T19:00:00Z", "end": "2017-09-22T20:30:00Z",
        "organizer": "events@liechtenstein-un.example", "sequence": 0, "status": "CONFIRMED", "messages": messages,
    });
    judge(&oracles, &desk, &facts);
    alter(&[("start = 2017-09-22T15:00:00", "start = 2017-09-22T15:30:00")]);
    desk.ends(0, &["update", "--as", "material"]);
    facts["start"] = "2017-09-22T19:30:00Z".into();
    facts["sequence"] = 1.into();
    facts["messages"] = meant(&desk, &["113", "99"]).into();
    judge(&oracles, &desk, &facts);
    std::fs::remove_dir_all(desk.path.join("outbox")).expect("an outbox");
    desk.ends(0, &["cancel", "--all"]);
    facts["method"] = "CANCEL".into();
    facts["status"] = "CANCELLED".into();
    facts["sequence"] = 2.into();
    facts["messages"] = meant(&desk, &[]).into();
    judge(&oracles, &desk, &facts);
}

/// Each language, each answer that ATTENDEE may repeat, and the cancellation.
#[test]
fn requests_and_cancellations_say_to_scheduling_clients_what_is_meant() {
    const NAMES: [&str; 6] = [
        "Permanent Mission of Côte d'Ivoire: “ONU”, New York",
        "بعثة مصر الدائمة",
        "中华人民共和国; a, b",
        "Постоянное представительство",
        "Médecins d'Ailleurs / section",
        "A",
    ];
    let Some(oracles) = oracles() else { return };
    let desk = Desk::empty();
    let settings = std::fs::read_to_string(repository().join("convoke.toml")).expect("the sample's settings");
    let file = event_file::read("convoke.toml", &settings).expect("no problems");
    let mut messages = serde_json::Map::new();
    let mut paths = Vec::new();
    for (language, entity) in ["ar", "en", "es", "fr", "ru", "zh"].into_iter().zip(NAMES) {
        let tag = Language::parse(language).expect("a language");
        let [title, place, sender] = [&file.event.title, &file.event.place, &file.sender.name]
            .map(|text| text.in_language(&tag, &file.languages).to_owned());
        let organizer = Mailbox::new(&sender, file.sender.address.clone());
        let requests = PartStat::ALL.map(|partstat| (OrganizerMethod::Request, partstat));
        let cancels = [PartStat::NeedsAction, PartStat::Accepted].map(|partstat| (OrganizerMethod::Cancel, partstat));
        for (number, (method, partstat)) in (1..).zip(requests.into_iter().chain(cancels)) {
            let address = AddrSpec::parse(&format!("{language}.{number}@host.example")).expect("an address");
            let uid = Uid::new("side-event", &format!("{language}{number}"), &file.sender.address).expect("a UID");
            let made = file.event.start - SignedDuration::from_hours(24 * 20 - i64::from(number));
            let description = format!("{title}\n{place}; 15:00, “{entity}”\n\n{}", "外 ".repeat(40));
            let object = Object {
                method,
                uid: &uid,
                sequence: Sequence::new(number).expect("a sequence"),
                dtstamp: made,
                created: made,
                last_modified: made,
                start: file.event.start,
                end: file.event.end,
                summary: &title,
                location: &place,
                description: &description,
                organizer: &organizer,
                attendee: &Mailbox::new(entity, address.clone()),
                partstat,
                status: method.status(),
                url: None,
            };
            let name = format!("{language}{number}.ics");
            desk.write(&name, &object.write().expect("an object"));
            paths.push(desk.path.join(name));
            messages.insert(
                address.to_string(),
                serde_json::json!({
                    "method": method.as_str(), "status": method.status().as_str(), "partstat": partstat.as_str(),
                    "sequence": number, "uid": uid.as_str(), "summary": title, "location": place,
                    "organizer_cn": sender, "cn": entity, "description_contains": [title, place, "15:00", entity],
                }),
            );
        }
    }
    let facts = serde_json::json!({
        "start": "2017-09-22T19:00:00Z", "end": "2017-09-22T20:30:00Z",
        "organizer": "events@liechtenstein-un.example", "messages": messages,
    });
    desk.write("facts.json", &facts.to_string());
    let facts = desk.path.join("facts.json");
    passes(Command::new(oracles.join("scheduling")).arg(&facts).args(&paths), "42 calendars, 0 failures");
    passes(Command::new(oracles.join("restriction")).args(&paths), "42 calendars, 0 failures");
}

#[test]
fn spamassassin_finds_nothing_to_say() {
    if oracles().is_none() {
        return;
    }
    let desk = Desk::sample();
    let letters = [
        ("mission", "en"),
        ("mission", "fr"),
        ("mission", "es"),
        ("mission", "ru"),
        ("mission", "zh"),
        ("mission", "ar"),
        ("ngo", "en"),
        ("ngo", "fr"),
        ("ngo", "es"),
    ];
    let mut files = Vec::new();
    let mut shown = |desk: &Desk, what: &str| {
        for (n, (kind, language)) in letters.iter().enumerate() {
            let out = format!("{what}{n}");
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
    };
    shown(&desk, "invitation");
    desk.ends(0, &["send"]);
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replace("2017-09-22T15:00:00", "2017-09-22T14:30:00"));
    shown(&desk, "update");
    desk.write("convoke.toml", &settings);
    std::fs::remove_dir_all(desk.path.join("outbox")).expect("the invitations");
    desk.ends(0, &["cancel", "--all"]);
    // One of each language.
    let mut languages = BTreeSet::new();
    for (n, octets) in desk.outbox().iter().enumerate() {
        let head = String::from_utf8_lossy(octets);
        let language = head.lines().find_map(|line| line.strip_prefix("Content-Language: ")).expect("a language");
        if languages.insert(language.to_owned()) {
            let file = desk.path.join(format!("cancellation{n}.eml"));
            std::fs::write(&file, octets).expect("a file");
            files.push(file);
        }
    }
    assert_eq!(files.len(), 9 + 9 + 6);
    let output =
        Command::new(repository().join("tests/oracles/spam.sh")).args(&files).output().expect("spam.sh starts");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
