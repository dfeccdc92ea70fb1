//! Whole messages of calendars, absent persons' programs and persons: fixtures, hostile ones, and real ones where they are at hand.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::calendar::PartStat;
use crate::replies::{Kind, Reading, read};

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inbound");
    let mut found = Vec::new();
    for name in ["itip", "auto", "letters"] {
        for entry in fs::read_dir(folder.join(name)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "eml") {
                found.push((path.clone(), fs::read(&path).expect("a fixture")));
            }
        }
    }
    assert!(found.len() >= 45, "the fixtures are there");
    found.sort();
    found
}

/// The facts of a reading, one a line, as `.expected` has them (`tests/fixtures/inbound/itip/README.md`).
fn facts(reading: &Reading) -> String {
    let mut text = format!("kind {}\n", reading.kind.as_str());
    for answer in &reading.answers {
        let attendee = answer.attendee.as_ref().map_or("-", |a| a.as_str());
        let partstat = answer.partstat.map_or("-", PartStat::as_str);
        write!(text, "answer {} {} {attendee} {partstat}", answer.method.as_str(), answer.uid).unwrap();
        if let Some(n) = answer.guests {
            write!(text, " guests={n}").unwrap();
        }
        if let Some(n) = answer.sequence.filter(|n| *n == 1) {
            write!(text, " sequence={n}").unwrap();
        }
        if let Some(by) = &answer.sent_by {
            write!(text, " sent_by={}", by.as_str()).unwrap();
        }
        for to in &answer.delegated_to {
            write!(text, " delegated_to={}", to.as_str()).unwrap();
        }
        if let Some(instance) = &answer.recurrence_id {
            write!(text, " instance={instance}").unwrap();
        }
        if let Some((start, end)) = answer.proposed {
            write!(text, " proposed={start}/{end}").unwrap();
        }
        if let Some(place) = &answer.location {
            write!(text, " location={place}").unwrap();
        }
        if let Some(comment) = &answer.comment {
            write!(text, " comment={comment}").unwrap();
        }
        text.push('\n');
    }
    for organizer in reading.traces.organizers.iter().filter(|_| !reading.answers.is_empty()) {
        writeln!(text, "organizer {organizer}").unwrap();
    }
    if let Some(suggestion) = reading.suggestion {
        writeln!(text, "suggestion {}", suggestion.as_str()).unwrap();
    }
    if let Some(persons) = reading.persons {
        writeln!(text, "persons {persons}").unwrap();
    }
    if reading.wants_floor {
        text.push_str("floor\n");
    }
    if let Some(absence) = &reading.absence {
        if let Some(until) = absence.until {
            writeln!(text, "until {until}").unwrap();
        }
        if let Some(contact) = &absence.contact {
            writeln!(text, "contact {}", contact.as_str()).unwrap();
        }
    }
    for finding in &reading.findings {
        writeln!(text, "finding {finding}").unwrap();
    }
    text
}

#[test]
fn fixtures_are_read_as_expected() {
    let mut wrong = Vec::new();
    for (path, octets) in fixtures() {
        let reading = read(&octets);
        let expected = fs::read_to_string(path.with_extension("expected")).expect("what is expected");
        let (optional, plain): (Vec<&str>, Vec<&str>) =
            expected.lines().partition(|line| line.starts_with("because ") || line.starts_with("words "));
        let mut because: Vec<&str> = optional.iter().filter_map(|line| line.strip_prefix("because ")).collect();
        because.retain(|words| !reading.because.contains(words));
        let words: Vec<&str> = optional.iter().filter_map(|line| line.strip_prefix("words ")).collect();
        let own = reading.words.clone().unwrap_or_default();
        let are_words = words.is_empty() || own == words.join("\n");
        let found = facts(&reading);
        if found.trim_end() != plain.join("\n") || !because.is_empty() || !are_words {
            wrong.push(format!(
                "{}:\n{found}because {}\nwords {own}\n--- expected:\n{expected}",
                path.display(),
                reading.because
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_answer_is_bound_by_its_uid_and_organizer() {
    for (path, octets) in fixtures().into_iter().filter(|(path, _)| path.parent().is_some_and(|p| p.ends_with("itip")))
    {
        let reading = read(&octets);
        for answer in &reading.answers {
            assert!(reading.traces.uids.contains(&answer.uid), "{}", path.display());
        }
    }
}

/// Kind, PARTSTAT (`-`: none), attendee, UID, suggestion of each real message.
const REAL: [(&str, Kind, &str, &str, Option<PartStat>); 9] = [
    ("dsn_failure_no_ics", Kind::Bounce, "", "", None),
    ("dsn_failure_no_original", Kind::Bounce, "", "", None),
    ("dsn_failure_with_ics", Kind::Bounce, "", "", None),
    ("good_reply", Kind::Answer, "ACCEPTED", "xyzzy@example.com", None),
    ("good_reply_future", Kind::Answer, "ACCEPTED", "xyzzy@example.com", None),
    ("good_reply_past", Kind::Answer, "ACCEPTED", "xyzzy@example.com", None),
    ("reply_missing_attachment", Kind::Letter, "", "", Some(PartStat::Accepted)),
    ("reply_missing_attendee", Kind::Answer, "-", "xyzzy@example.com", Some(PartStat::Accepted)),
    ("reply_missing_organizer", Kind::Answer, "-", "xyzzy@example.com", Some(PartStat::Accepted)),
];

fn corpora() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("CONVOKE_CORPORA").map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
    [folder, root.join("../../shared/corpora")].into_iter().find(|folder| folder.join("calendar-replies").is_dir())
}

#[test]
fn real_answers_are_read_exactly() {
    let Some(folder) = corpora() else {
        eprintln!("no real messages at hand (CONVOKE_CORPORA): nothing was scored");
        return;
    };
    for (name, kind, partstat, attendee, suggestion) in REAL {
        let octets = fs::read(folder.join("calendar-replies").join(name).with_extension("eml")).expect("a message");
        let reading = read(&octets);
        assert_eq!(reading.kind, kind, "{name}: {}", reading.because);
        assert_eq!(reading.suggestion, suggestion, "{name}");
        if kind == Kind::Answer {
            assert_eq!(reading.answers.len(), 1, "{name}");
            let answer = &reading.answers[0];
            assert_eq!(answer.partstat.map_or("-", PartStat::as_str), partstat, "{name}");
            assert_eq!(answer.attendee.as_ref().map_or("", |a| a.as_str()), attendee, "{name}");
            assert_eq!(answer.uid, "1E71F9C8-AEDA-48EB-98D0-76E898F6BB5C", "{name}");
        } else {
            assert!(reading.answers.is_empty(), "{name}");
        }
    }
    let table = fs::read_to_string(folder.join("bounces/expected.tsv")).expect("the table");
    for row in table.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()) {
        let reading = read(&fs::read(folder.join("bounces/messages").join(row[0])).expect("a message"));
        if row[1] == "auto-reply" {
            assert_eq!(reading.kind, Kind::AutoReply, "{}: {}", row[0], reading.because);
            assert_eq!(reading.from.as_ref().map(|a| a.key()), Some(row[2].to_lowercase()), "{}", row[0]);
        } else {
            assert!(!matches!(reading.kind, Kind::Answer | Kind::Echo), "{}: {}", row[0], reading.because);
        }
    }
}

#[test]
fn bombs_are_answered_within_the_limits() {
    let calendar = "From: a@b.example\nSubject: x\nContent-Type: text/calendar; method=REPLY\n\n";
    let one = "BEGIN:VEVENT\nUID:1\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\nEND:VEVENT\n";
    let plain = "From: a@b.example\nSubject: x\n\n";
    let bombs = [
        format!("{calendar}BEGIN:VCALENDAR\nMETHOD:REPLY\n{}", one.repeat(300_000)),
        format!("{calendar}{}", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n".repeat(200_000)),
        format!("{calendar}{}", "BEGIN:X\n".repeat(100_000)),
        format!("{calendar}BEGIN:VEVENT\n{}", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\n".repeat(1_000_000)),
        format!("{calendar}BEGIN:VEVENT\nUID:{}", "a".repeat(10_000_000)),
        format!("{calendar}BEGIN:VEVENT\nATTENDEE;{}", "CN=a:;".repeat(1_000_000)),
        format!("{calendar}BEGIN:VEVENT\n{}", " a\n".repeat(3_000_000)),
        format!("{calendar}BEGIN:VEVENT\n{}", "\r".repeat(5_000_000)),
        format!("{plain}{}", "On 1 May 2026 a@b.example\n".repeat(200_000)),
        format!("{plain}{}", "On 1 May 2026 <a@b.example> wrote:\n> x\n".repeat(200_000)),
        format!("{plain}{}", "will attend until 5 may ".repeat(200_000)),
        format!("{plain}{}", "two persons ".repeat(400_000)),
        format!("From: a@b.example\nContent-Type: text/html\n\n{}", "<div class=gmail_quote".repeat(200_000)),
        format!("From: a@b.example\nContent-Type: text/html\n\n{}", "gmail_quote".repeat(400_000)),
        format!("From: a@b.example\nAuto-Submitted: auto-replied\n\n{}", "until 1/1 a@b.example ".repeat(200_000)),
    ];
    for (number, bomb) in bombs.iter().enumerate() {
        let reading = read(bomb.as_bytes());
        assert!(reading.answers.len() <= 500, "{number}");
        assert!(reading.answers.iter().all(|answer| answer.uid.len() <= 32 * 1024), "{number}");
        assert!(reading.traces.uids.len() <= 50, "{number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_calendar_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mail = [b"From: a@b.example\nContent-Type: text/calendar\n\nBEGIN:VEVENT\nATTENDEE;".as_slice(), &octets].concat();
        read(&mail);
        let letter = [b"From: a@b.example\nAuto-Submitted: auto-replied\n\nuntil ".as_slice(), &octets].concat();
        read(&letter);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,300}") {
        read(format!("From: a@b.example\nSubject: {text}\nContent-Type: text/plain; charset=utf-8\n\n{text}").as_bytes());
        read(format!("From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n<p>{text}<blockquote>{text}").as_bytes());
        read(format!("From: a@b.example\nAuto-Submitted: auto-replied\nDate: Thu, 12 Mar 2026 10:00:00 +0000\n\nuntil {text}").as_bytes());
    }

    #[test]
    fn cut_and_mutated_fixtures_do_not_panic(cut in 0.0..1.0_f64, changes in proptest::collection::vec((0.0..1.0_f64, any::<u8>()), 0..30)) {
        for (_, mut octets) in fixtures() {
            let length = octets.len();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
            let place = |part: f64| (part * length as f64) as usize;
            for (at, octet) in &changes {
                let at = place(*at).min(length - 1);
                octets[at] = *octet;
            }
            octets.truncate(place(cut));
            read(&octets);
        }
    }
}
