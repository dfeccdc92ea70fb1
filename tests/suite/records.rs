//! What is kept beside the states: who must not be written to, what a run did, what was logged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;

use crate::desk::Desk;
use crate::sink::Sink;

fn list(addresses: &[&str]) -> String {
    let rows = addresses.iter().enumerate().map(|(n, a)| format!("{a},Organisation {n},ngo,en,Bern\n"));
    format!("email,entity,kind,language,city\n{}", rows.collect::<String>())
}

/// Adds to the settings, before the relays and all else that follows a table's head.
fn set(desk: &Desk, lines: &str) {
    desk.write("convoke.toml", &format!("{}\n{lines}\n", desk.read("convoke.toml")));
}

fn reached(sink: &Sink) -> Vec<String> {
    let mut all: Vec<String> = sink.log().into_iter().map(|(address, _)| address).collect();
    all.sort();
    all
}

#[test]
fn a_suppressed_address_is_not_written_to_until_it_is_taken_off() {
    let desk = Desk::with_list(&list(&["a@x.example", "b@x.example", "c@x.example"]));
    let sink = Sink::start(&desk.path);
    let first = desk.ends(0, &["suppress", "B@X.example", "--reason", "asked by telephone"]);
    assert!(first.out.starts_with("1 address suppressed, 0 messages held back"), "{}", first.out);
    let check = desk.ends(0, &["check"]);
    assert!(check.out.contains("1 suppressed: `convoke suppress --list`"), "{}", check.out);
    let sent = desk.ends(0, &["send", "--relay", &sink.url()]);
    assert!(sent.out.contains("1 suppressed: `convoke suppress --list`"), "{}", sent.out);
    assert_eq!(reached(&sink), ["a@x.example", "c@x.example"]);
    assert_eq!((desk.standing("SENT"), desk.standing("SUPPRESSED")), (2, 1));
    let list = desk.ends(0, &["suppress", "--list"]);
    assert!(list.out.contains("B@x.example") && list.out.contains("by hand: asked by telephone"), "{}", list.out);
    let again = desk.ends(0, &["suppress", "b@x.example", "a@x.example"]);
    assert!(again.out.starts_with("1 address suppressed (1 on the list already)"), "{}", again.out);
    assert_eq!(desk.standing("SENT"), 2, "what was sent stays sent");
    let off = desk.ends(0, &["suppress", "--remove", "b@x.example", "z@x.example"]);
    assert!(off.out.contains("1 address taken off the list, 1 message to be sent"), "{}", off.out);
    assert!(off.out.contains("1 address was not on it"), "{}", off.out);
    desk.ends(0, &["send", "--relay", &sink.url()]);
    assert_eq!(reached(&sink), ["a@x.example", "b@x.example", "c@x.example"]);
    desk.ends(64, &["suppress", "b@"]);
    desk.ends(64, &["suppress"]);
}

#[test]
fn adding_holds_back_what_is_open_and_a_doubt_is_not_sent_again_to_a_suppressed_address() {
    let desk = Desk::with_list(&list(&["later@x.example", "e+drop@x.example"]));
    let sink = Sink::start(&desk.path);
    desk.ends(1, &["send", "--only", "entity=Organisation 1"]);
    desk.ends(1, &["send", "--relay", &sink.url(), "--no-wait", "--only", "entity=Organisation 0"]);
    assert_eq!((desk.standing("DEFERRED"), desk.standing("IN_DOUBT")), (1, 1));
    desk.write("stop.csv", "Name;E-mail\nLate;LATER@x.example\nDrop;e+drop@x.example\n");
    let held = desk.ends(0, &["suppress", "--from", "stop.csv", "--unsubscribed", "--json"]);
    let held: Value = serde_json::from_str(&held.out).expect("JSON");
    assert_eq!(held, serde_json::json!({ "added": 2, "known": 0, "held_back": 1 }));
    desk.ends(0, &["settle", "--resend", "--all"]);
    assert_eq!(desk.standing("SUPPRESSED"), 2, "{}", desk.status());
    let nothing = desk.ends(0, &["send", "--relay", &sink.url()]);
    assert!(nothing.out.contains("2 suppressed"), "{}", nothing.out);
    assert_eq!(sink.accepted(), 0);
    desk.write("bad.txt", "fine@x.example\nno address\n");
    let bad = desk.ends(65, &["suppress", "--from", "bad.txt"]);
    assert!(bad.err.contains("bad.txt:2:1: ") && bad.err.contains("nobody was suppressed"), "{}", bad.err);
    assert!(!desk.ends(0, &["suppress", "--list"]).out.contains("fine@"));
}

#[test]
fn a_dead_mailbox_comes_onto_the_list_and_a_full_one_does_not() {
    let desk = Desk::with_list(&list(&["gone@x.example", "full@x.example", "a@x.example"]));
    let sink = Sink::start(&desk.path);
    desk.ends(1, &["send", "--relay", &sink.url(), "--no-wait"]);
    let list: Value = serde_json::from_str(&desk.ends(0, &["suppress", "--list", "--json"]).out).expect("JSON");
    let rows = list.as_array().expect("a list");
    assert_eq!(rows.len(), 1, "{list}");
    assert_eq!((rows[0]["key"].as_str(), rows[0]["reason"].as_str()), (Some("gone@x.example"), Some("bounce")));
    assert_eq!(rows[0]["note"], "550 5.1.1 no such user");
}

#[test]
fn hashes_recognise_an_address_and_do_not_tell_it() {
    let desk = Desk::with_list(&list(&["gone@x.example", "a@x.example", "b@x.example"]));
    let sink = Sink::start(&desk.path);
    desk.ends(0, &["suppress", "b@x.example", "nobody.here@y.example"]);
    set(&desk, "[suppression]\nhashed = true");
    desk.ends(0, &["suppress", "a@x.example", "B@x.example"]);
    desk.ends(1, &["send", "--relay", &sink.url()]);
    assert_eq!(sink.accepted(), 0, "one is refused, two are suppressed");
    assert_eq!((desk.standing("SUPPRESSED"), desk.standing("FAILED")), (2, 1));
    let list = desk.ends(0, &["suppress", "--list", "--json"]).out;
    assert!(!list.contains('@'), "{list}");
    assert_eq!(list.matches("\"h:").count(), 4, "{list}");
    desk.ends(0, &["suppress", "--remove", "a@x.example"]);
    desk.ends(1, &["send", "--relay", &sink.url()]);
    assert_eq!(reached(&sink), ["a@x.example"]);
}

#[test]
fn a_list_that_folders_share_is_read_at_each_plan_and_never_written() {
    let desk = Desk::with_list(&list(&["a@x.example", "b@x.example", "c@x.example"]));
    let sink = Sink::start(&desk.path);
    set(&desk, "[suppression]\nfile = \"shared.txt\"");
    desk.write("shared.txt", &format!("# of all our events\na@x.example\nsha256:{B_HASH}\n"));
    desk.ends(0, &["send", "--relay", &sink.url()]);
    assert_eq!(reached(&sink), ["c@x.example"]);
    assert_eq!(desk.standing("SUPPRESSED"), 2);
    let kept = desk.ends(0, &["suppress", "--remove", "a@x.example"]);
    assert!(kept.out.contains("look in `shared.txt` too"), "{}", kept.out);
    assert_eq!(desk.standing("SUPPRESSED"), 2);
    desk.write("shared.txt", "a@x.example\n");
    desk.ends(0, &["send", "--relay", &sink.url()]);
    assert_eq!(reached(&sink), ["b@x.example", "c@x.example"]);
    assert_eq!(desk.read("shared.txt"), "a@x.example\n");
    desk.write("shared.txt", "a@x.example\na@\n");
    let bad = desk.ends(78, &["send"]);
    assert!(bad.err.contains("shared.txt:2:1: the address has no domain in `a@`"), "{}", bad.err);
    assert_eq!(sink.accepted(), 2);
}

/// `printf b@x.example | sha256sum`
const B_HASH: &str = "d7dde544c24020b8e6240a52349c4e81cf20ee25b979b26a676e2e885f03e183";

#[test]
fn a_run_leaves_a_report_and_a_log_that_name_nobodys_mailbox() {
    let desk = Desk::with_list(&list(&["ana.lopez@x.example", "gone.ines@x.example", "later.eva@y.example"]));
    let sink = Sink::start(&desk.path);
    let ran = desk.ends(1, &["send", "--relay", &sink.url(), "--no-wait", "--log", "run.jsonl"]);
    assert!(ran.out.contains("reports/run-1.html"), "{}", ran.out);
    let log = desk.read("run.jsonl");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events: Vec<&str> = lines.iter().map(|l| l["event"].as_str().expect("an event")).collect();
    assert_eq!(events, ["run begins", "attempt", "attempt", "attempt", "run ends"], "{log}");
    let refused = lines.iter().find(|l| l["standing"] == "FAILED").expect("one is refused");
    assert_eq!((refused["code"].as_u64(), refused["enhanced"].as_str()), (Some(550), Some("5.1.1")));
    assert_eq!((refused["domain"].as_str(), refused["run"].as_u64()), (Some("x.example"), Some(1)));
    assert_eq!(lines[4]["counts"]["accepted"], 1);
    let page = desk.read("reports/run-1.html");
    let json = desk.read("reports/run-1.json");
    for text in [&log, &page, &json] {
        assert!(!text.contains("ana.lopez") && !text.contains("gone.ines") && !text.contains("later.eva"), "{text}");
    }
    assert!(page.contains("g…@x.example") && page.contains("Organisation 1"), "{page}");
    let report: Value = serde_json::from_str(&desk.ends(0, &["report", "--json"]).out).expect("JSON");
    let totals = serde_json::json!({ "attempts": 3, "accepted": 1, "deferred": 1, "refused": 1, "in_doubt": 0 });
    assert_eq!(report["totals"], totals);
    assert_eq!(report["run"]["number"], 1);
    assert_eq!(
        report["buckets"].as_array().map(|b| b.iter().map(|b| b["counts"]["attempts"].as_u64()).sum()),
        Some(Some(3))
    );

    set(&desk, "[log]\nfile = \"convoke.log.jsonl\"\naddresses = true\n[reports]\neach_run = false");
    desk.write(
        "recipients/list.csv",
        &list(&["ana.lopez@x.example", "gone.ines@x.example", "later.eva@y.example", "zoe@z.example"]),
    );
    desk.ends(1, &["send", "--relay", &sink.url(), "--no-wait", "--only", "entity=Organisation 3"]);
    assert!(desk.read("convoke.log.jsonl").contains("\"address\":\"zoe@z.example\""));
    assert!(!desk.path.join("reports/run-2.html").exists());
    desk.ends(0, &["report", "--all", "--addresses", "--output", "private"]);
    assert!(desk.read("private/all-runs.html").contains("gone.ines@x.example"));
    let all: Value = serde_json::from_str(&desk.read("private/all-runs.json")).expect("JSON");
    assert_eq!(all["totals"]["attempts"], 4);
    desk.ends(64, &["report", "--run", "9"]);
    let status = desk.ends(1, &["status", "--watch"]);
    assert!(status.out.contains("last run 2, begun ") && status.out.contains("1 of 1 attempt taken"), "{}", status.out);
    assert_eq!(desk.status()["last_run"]["counts"]["accepted"], 1);
}

#[test]
fn nothing_attempted_leaves_nothing_and_a_relay_that_is_not_there_is_told() {
    let desk = Desk::with_list(&list(&["a@x.example"]));
    desk.ends(0, &["send", "--dry-run"]);
    assert!(!desk.path.join("reports").exists());
    desk.ends(69, &["send", "--relay", "smtp://127.0.0.1:9", "--no-wait", "--log", "run.jsonl"]);
    let log = desk.read("run.jsonl");
    assert!(log.contains("\"event\":\"connection\"") && log.contains("\"phase\":\"connect\""), "{log}");
    let report: Value = serde_json::from_str(&desk.ends(0, &["report", "--json"]).out).expect("JSON");
    assert_eq!(report["totals"]["accepted"], 0);
    assert!(!report["run"]["ended_by"].as_str().expect("a reason").is_empty(), "{report}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_on_a_full_disk_does_not_stop_the_sending() {
    let desk = Desk::with_list(&list(&["a@x.example", "b@x.example"]));
    let sink = Sink::start(&desk.path);
    let ran = desk.ends(0, &["send", "--relay", &sink.url(), "--log", "/dev/full"]);
    assert_eq!(sink.accepted(), 2);
    assert_eq!(ran.err.matches("cannot be written any more").count(), 1, "{}", ran.err);
}

/// A server that repeats the login in its refusal, as it came and decoded.
fn parrot() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut out = stream.try_clone().expect("a handle");
            let _ = out.write_all(b"220 parrot.test ESMTP\r\n");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let answer = match line.split(' ').next() {
                    Some("EHLO") => "250-parrot.test\r\n250 AUTH PLAIN".to_owned(),
                    Some("AUTH") => format!("535 5.7.8 `{line}`: the password `{CANARY}` is wrong"),
                    _ => "250 ok".to_owned(),
                };
                if out.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

const CANARY: &str = "canary-hunter2";

#[cfg(unix)]
#[test]
fn a_password_is_nowhere_even_if_the_relay_repeats_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::with_list(&list(&["a@x.example"]));
    set(
        &desk,
        &format!("[[relay]]\nurl = \"smtp://me@127.0.0.1:{}\"\npassword = {{ file = \"relay.secret\" }}", parrot()),
    );
    desk.write("relay.secret", CANARY);
    let secret = desk.path.join("relay.secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let ran = desk.ends(69, &["send", "--no-wait", "--log", "run.jsonl"]);
    assert!(ran.err.contains("the password `[secret]` is wrong"), "{}", ran.err);
    let tested = desk.run(&["send", "--test-to", "me@x.example"]);
    let status = desk.run(&["status"]);
    let mut octets: Vec<u8> = [ran.out, ran.err, tested.out, tested.err, status.out].concat().into_bytes();
    let mut open = vec![desk.path.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path != secret {
                octets.extend(std::fs::read(path).expect("a file"));
            }
        }
    }
    assert!(octets.len() > 100_000, "journal, log and report are among it");
    // As it is, in base64 alone, and in base64 behind `\0me\0`.
    for form in [CANARY, "Y2FuYXJ5LWh1bnRlcjI", "AG1lAGNhbmFyeS1odW50ZXIy"] {
        assert!(!octets.windows(form.len()).any(|window| window == form.as_bytes()), "{form}");
    }
}
