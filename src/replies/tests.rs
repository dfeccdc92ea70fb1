//! Whole messages: the fixtures with what is to be read of them, hostile ones, and real ones where they are at hand.
//!
//! The set of real messages is not part of the repository: `CONVOKE_CORPORA` names its folder, else `../shared/corpora` beside it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Kind, Reading, read};

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(below(&path));
        } else if path.extension().is_some_and(|e| e == "eml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/inbound");
    let found: Vec<_> = ["dsn", "prose", "arf", "mdn", "other"]
        .iter()
        .flat_map(|name| below(&folder.join(name)))
        .map(|path| (path.clone(), fs::read(&path).expect("a fixture")))
        .collect();
    assert!(found.len() >= 19, "the fixtures are there");
    found
}

/// What a fixture's `.expected` holds: the kind, the original's Message-ID, a line for each recipient.
fn summary(reading: &Reading) -> String {
    let mut text = format!("{}\n", reading.kind.as_str());
    if let Some(id) = &reading.original_message_id {
        writeln!(text, "original {id}").unwrap();
    }
    for report in &reading.reports {
        let recipient = report.recipient.as_ref().map_or("-", |address| address.as_str());
        let action = report.action.map_or("-", |action| action.as_str());
        let status = report.status.map_or_else(|| "-".to_owned(), |code| code.to_string());
        let dead = report.is_dead.map_or("-", |dead| if dead { "dead" } else { "alive" });
        writeln!(text, "{recipient} {action} {status} {} {dead}", report.class.as_str()).unwrap();
    }
    text
}

#[test]
fn fixtures_are_read_as_expected() {
    let mut wrong = Vec::new();
    for (path, octets) in fixtures() {
        let found = summary(&read(&octets));
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}:\n{found}--- expected:\n{expected}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn line_ends_make_no_difference() {
    for (path, octets) in fixtures() {
        let text = String::from_utf8(octets).expect("fixtures are UTF-8");
        let expected = summary(&read(text.as_bytes()));
        for end in ["\r\n", "\r"] {
            assert_eq!(summary(&read(text.replace('\n', end).as_bytes())), expected, "{} {end:?}", path.display());
        }
    }
}

#[test]
fn nothing_readable_is_unreadable() {
    for octets in [&b""[..], b"\n", b"no header", b"\xff\xfe\x00"] {
        assert_eq!(read(octets).kind, Kind::Unreadable);
    }
}

#[test]
fn a_message_whose_parts_cannot_be_told_apart_is_read_as_one_text() {
    // One boundary for messages within messages: mail-parser 0.11.9 loses count of them.
    let nested = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n";
    let mail = format!("From: a@host.example\nSubject: hello\n{}\n\n--b--\n", nested.repeat(4));
    for end in ["", "\n--b--\n", "\n--b--\n--b--\n--b--\n", "--b\n\nx\n--b--\n"] {
        let reading = read(format!("{mail}{end}").as_bytes());
        assert_ne!(reading.kind, Kind::Unreadable, "{end:?}");
        assert_eq!(reading.subject.as_deref(), Some("hello"));
    }
}

#[test]
fn bombs_are_read_within_the_limits() {
    let many = |unit: &str, count: usize| unit.repeat(count);
    let head = "From: MAILER-DAEMON@a.example\nSubject: failure\n";
    let nested: String =
        (0..2000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    let bombs = [
        format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{}", many("--b\n\nx\n", 1_000_000)),
        format!("{head}{}\n\nbody", many("X-A: b\n", 1_000_000)),
        format!("{head}Content-Type: multipart/mixed; boundary=b\n\n--b\n{}\n\nbody", many("X-A: b\n", 1_000_000)),
        format!("{head}X-A: {}\n\nbody", many("=?utf-8?q?a?= ", 500_000)),
        format!("{head}To: {}\n\nbody", many("a@b.example, ", 500_000)),
        format!("{head}Content-Type: multipart/mixed{}\n\nbody", many("; a=b", 1_000_000)),
        format!("{head}\n{}", many("a@b.example ", 500_000)),
        format!("{head}\n{}", many("<a@b.example>: 550 user unknown\n", 300_000)),
        format!("{head}\n{}", "@".repeat(5_000_000)),
        format!("{head}\n{}", "user ".repeat(2_000_000)),
        format!("{head}{}", many("Content-Type: message/rfc822\n\n", 300_000)),
        format!("{head}Content-Type: multipart/digest; boundary=b\n\n{}", many("--b\n\nSubject: x\n\ny\n", 300_000)),
        format!("{head}{nested}"),
        format!(
            "{head}Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{}",
            many("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n", 200_000)
        ),
    ];
    for bomb in bombs {
        let reading = read(bomb.as_bytes());
        assert!(reading.reports.len() <= 50);
        assert!(reading.traces.addressed_to.len() <= 50);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
        read(&octets);
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

/// The folder of real messages, if there is one.
fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("CONVOKE_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    let candidates = [folder, Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora")];
    candidates.into_iter().find(|folder| folder.join("bounces/expected.tsv").is_file())
}

/// Right ones of all.
#[derive(Default)]
struct Score(u32, u32);

impl Score {
    fn add(&mut self, is_right: bool) {
        self.0 += u32::from(is_right);
        self.1 += 1;
    }

    fn share(&self) -> f64 {
        f64::from(self.0) / f64::from(self.1.max(1))
    }
}

#[test]
fn real_messages_are_read_as_mature_readers_read_them() {
    let Some(folder) = corpora() else {
        eprintln!("no real messages at hand (CONVOKE_CORPORA): nothing was scored");
        return;
    };
    let table = fs::read_to_string(folder.join("bounces/expected.tsv")).expect("the table");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let mut expected: HashMap<&str, Vec<String>> = HashMap::new();
    for row in &rows {
        expected.entry(row[0]).or_default().push(row[2].to_lowercase());
    }
    let readings: HashMap<&str, Reading> = expected
        .keys()
        .map(|name| (*name, read(&fs::read(folder.join("bounces/messages").join(name)).expect("a message"))))
        .collect();
    let (mut whom, mut dead, mut action, mut status) = <(Score, Score, Score, Score)>::default();
    let mut wrong = String::new();
    for row in &rows {
        let reading = &readings[row[0]];
        // A wish to be left alone is a kind of its own here and a complaint there; who answers automatically is the sender.
        let is_kind = match row[1] {
            "complaint" => matches!(reading.kind, Kind::Complaint | Kind::Unsubscribe),
            "auto-reply" => continue,
            kind => reading.kind.as_str() == kind,
        };
        let named: Vec<String> = reading.reports.iter().filter_map(|r| r.recipient.as_ref()).map(|a| a.key()).collect();
        let is_whom =
            is_kind && named.contains(&row[2].to_lowercase()) && named.iter().all(|n| expected[row[0]].contains(n));
        whom.add(is_whom);
        if !is_whom {
            writeln!(wrong, "{}: {} {named:?}", row[0], reading.kind.as_str()).unwrap();
        }
        let key = row[2].to_lowercase();
        let Some(report) = reading.reports.iter().find(|r| r.recipient.as_ref().is_some_and(|a| a.key() == key)) else {
            continue;
        };
        if row[1] != "bounce" {
            continue;
        }
        if !row[5].is_empty() {
            dead.add(report.is_dead == Some(row[5] == "1"));
        }
        // Those readers call what was given up after days "delayed"; the report's own word counts here.
        if !row[3].is_empty() && row[6] != "expired" {
            action.add(report.action.is_some_and(|a| a.as_str() == row[3]));
        }
        // x.0.9nn are codes of their own for "none was there".
        let is_own = row[4].split('.').nth(1) == Some("0") && row[4].len() == 7;
        if !row[4].is_empty() && !is_own {
            status.add(report.status.is_some_and(|code| code.to_string() == row[4]));
        }
    }
    eprintln!(
        "recipient and kind {}/{}, dead {}/{}, action {}/{}, status {}/{}\n{wrong}",
        whom.0, whom.1, dead.0, dead.1, action.0, action.1, status.0, status.1
    );
    assert!(
        whom.share() >= 0.97 && dead.share() >= 0.95 && action.share() >= 0.97 && status.share() >= 0.97,
        "below the bar"
    );
    for path in below(&folder.join("not-bounces")) {
        let reading = read(&fs::read(&path).expect("a message"));
        // One of them is a report in prose that those readers do not know: a full mailbox, named as such, from a postmaster
        // with an empty return path. It is a bounce by every rule, and is one here.
        let is_prose_bounce = path.file_name().is_some_and(|name| name == "rb-issue-368-bug.eml");
        assert!(reading.kind != Kind::Bounce || is_prose_bounce, "{}: {}", path.display(), reading.because);
    }
}
