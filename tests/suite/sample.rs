//! The main job on the sample event.

use std::collections::{BTreeMap, BTreeSet};

use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};

use crate::desk::Desk;

fn parts(message: &Message<'_>) -> (String, String, Vec<Vec<u8>>) {
    let mut calendars = Vec::new();
    for part in &message.parts {
        let is_calendar = part.is_content_type("text", "calendar") || part.is_content_type("application", "ics");
        if is_calendar {
            calendars.push(match &part.body {
                PartType::Text(text) => text.as_bytes().to_vec(),
                PartType::Binary(octets) | PartType::InlineBinary(octets) => octets.to_vec(),
                _ => Vec::new(),
            });
        }
    }
    let text = message.body_text(0).expect("a text part").into_owned();
    let html = message.body_html(0).expect("an HTML part").into_owned();
    (text, html, calendars)
}

fn unfolded(calendar: &[u8]) -> String {
    String::from_utf8(calendar.to_vec()).expect("UTF-8").replace("\r\n ", "")
}

#[test]
fn everybody_gets_one_personal_message_and_a_second_run_sends_nothing() {
    let desk = Desk::sample();
    let first = desk.ends(0, &["send"]);
    assert!(first.out.contains("268 messages to the sandbox"), "{}", first.out);
    assert!(first.out.contains("look next"), "{}", first.out);
    assert!(desk.path.join("outbox/index.html").exists());
    let second = desk.ends(0, &["send"]);
    assert!(second.out.starts_with("everybody has been sent to: 268 messages"), "{}", second.out);

    let mut listed: BTreeMap<String, String> = BTreeMap::new();
    for list in ["recipients/missions.csv", "recipients/ngos.csv"] {
        let mut rows = csv::Reader::from_path(desk.path.join(list)).expect("a list");
        for row in rows.records() {
            let row = row.expect("a row");
            for column in [3, 4] {
                let address = row.get(column).expect("a cell");
                if !address.is_empty() {
                    let (local, domain) = address.split_once('@').expect("an address");
                    let domain = idna::domain_to_ascii(domain).expect("a domain");
                    listed.insert(format!("{local}@{domain}"), row.get(0).expect("an entity").to_owned());
                }
            }
        }
    }
    let messages = desk.outbox();
    assert_eq!(messages.len(), listed.len());
    let mut reached = BTreeSet::new();
    let mut uids = BTreeSet::new();
    for octets in &messages {
        let message = MessageParser::default().parse(octets).expect("a message");
        let to = message.to().and_then(|to| to.first()).expect("To");
        let address = to.address().expect("an address").to_owned();
        let (text, html, calendars) = parts(&message);
        let raw = String::from_utf8(octets.clone()).expect("ASCII");
        assert_eq!(to.name(), listed.get(&address).map(String::as_str), "the recipient's own name");
        for other in listed.keys().filter(|other| **other != address) {
            assert!(!raw.contains(other.as_str()) && !text.contains(other.as_str()), "{address} sees {other}");
        }
        for fact in ["113", "99", "(New York time)", "+1 212 599 0220 ext. 230", "sa@nyc.llv.li"] {
            assert!(text.contains(fact), "{address}: the text lacks {fact}\n{text}");
        }
        let plain = html.replace("&#8294;", "").replace("&#8297;", "");
        for fact in ["113", "99", "(New York time)", "sa@nyc.llv.li"] {
            assert!(plain.contains(fact), "{address}: the HTML lacks {fact}");
        }
        assert_eq!(calendars.len(), 2, "{address}");
        assert_eq!(calendars[0], calendars[1], "{address}: both calendar parts are the same octets");
        let calendar = unfolded(&calendars[0]);
        for line in
            ["DTSTART:20170922T190000Z\r\n", "DTEND:20170922T203000Z\r\n", "METHOD:REQUEST\r\n", "SEQUENCE:0\r\n"]
        {
            assert!(calendar.contains(line), "{address}: {line:?} in {calendar}");
        }
        assert!(calendar.contains(&format!(":mailto:{address}\r\n")), "{address} is the attendee");
        assert_eq!(calendar.matches("ATTENDEE").count(), 1);
        let uid = calendar.lines().find_map(|l| l.strip_prefix("UID:")).expect("a UID").to_owned();
        assert!(uids.insert(uid), "{address}: the UID is another's");
        assert!(reached.insert(address));
    }
    assert_eq!(reached, listed.keys().cloned().collect());
}

#[test]
fn all_six_languages_and_both_registers_are_used() {
    let desk = Desk::sample();
    let checked: serde_json::Value = serde_json::from_str(&desk.ends(0, &["check", "--json"]).out).expect("JSON");
    let letters: Vec<&str> = checked["letters"].as_object().expect("letters").keys().map(String::as_str).collect();
    assert_eq!(
        letters,
        [
            "invitation/mission.ar",
            "invitation/mission.en",
            "invitation/mission.es",
            "invitation/mission.fr",
            "invitation/mission.ru",
            "invitation/mission.zh",
            "invitation/ngo.en",
            "invitation/ngo.es",
            "invitation/ngo.fr",
        ]
    );
    assert!(!desk.path.join("convoke.db").exists(), "check leaves nothing behind");
}

#[test]
fn the_same_plan_gives_the_same_octets() {
    let desk = Desk::sample();
    desk.ends(0, &["send", "--limit", "1"]);
    let sent = desk.outbox().remove(0);
    let to = "mission@afghanistan-un.example";
    let again = desk.command(&["preview", "--to", to, "--raw"]).output().expect("the program starts").stdout;
    assert!(String::from_utf8_lossy(&sent).contains(to));
    assert_eq!(sent, again, "a message made again is the same message");
}

#[test]
fn limit_only_and_dry_run_do_what_they_say() {
    let desk = Desk::sample();
    let dry = desk.ends(0, &["send", "--dry-run"]);
    assert!(dry.out.contains("268 messages would be sent"), "{}", dry.out);
    assert!(!desk.path.join("convoke.db").exists() && desk.outbox().is_empty());
    desk.ends(0, &["send", "--limit", "3"]);
    assert_eq!((desk.standing("SENT"), desk.standing("READY")), (3, 265));
    desk.ends(0, &["send", "--only", "kind=ngo", "--only", "language=fr,es"]);
    assert_eq!(desk.standing("SENT"), 3 + 19);
    let typo = desk.ends(64, &["send", "--only", "knid=ngo"]);
    assert!(typo.err.contains("no list has a column `knid`"), "{}", typo.err);
    let tested = desk.ends(0, &["send", "--test-to", "me@host.example"]);
    assert!(tested.out.contains("9 test messages to me@host.example"), "{}", tested.out);
    assert_eq!(desk.standing("SENT"), 22, "a test touches no journal");
    desk.ends(0, &["send"]);
    assert_eq!(desk.standing("SENT"), 268);
}

#[test]
fn late_rows_are_invited_and_rows_taken_off_are_not() {
    let head = "email,entity,kind,language,city\n";
    let desk = Desk::with_list(&format!("{head}a@x.example,A,ngo,en,Bern\nb@x.example,B,ngo,en,Bern\n"));
    desk.ends(0, &["send", "--limit", "1"]);
    desk.write("recipients/list.csv", &format!("{head}a@x.example,A,ngo,en,Bern\nc@x.example,C,ngo,fr,Bern\n"));
    let second = desk.ends(0, &["send"]);
    assert!(second.out.contains("1 newly planned, 1 taken off"), "{}", second.out);
    assert_eq!((desk.standing("SENT"), desk.standing("CANCELLED")), (2, 1));
    desk.write("convoke.toml", &desk.read("convoke.toml").replace("T15:00:00", "T15:30:00"));
    let moved = desk.ends(78, &["send"]);
    assert!(moved.err.contains("the event differs from what 2 messages say"), "{}", moved.err);
}

#[test]
fn exports_and_previews_hold_every_message() {
    let desk = Desk::sample();
    desk.ends(0, &["send", "--limit", "10"]);
    let csv = desk.ends(0, &["export"]).out;
    assert_eq!(csv.lines().count(), 269);
    let json: serde_json::Value =
        serde_json::from_str(&desk.ends(0, &["export", "--format", "json"]).out).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(268));
    assert_eq!(json.as_array().expect("rows").iter().filter(|r| r["state"] == "SENT").count(), 10);
    let preview = desk.ends(0, &["preview", "--only", "kind=ngo"]);
    assert!(preview.out.contains("65 messages written"), "{}", preview.out);
    assert!(desk.path.join("preview/index.html").exists());
}

#[test]
fn a_new_folder_passes_its_own_check_and_sends() {
    let desk = Desk::empty();
    desk.ends(0, &["new", "gala"]);
    desk.ends(0, &["-C", "gala", "check"]);
    desk.ends(0, &["-C", "gala", "send"]);
    desk.ends(64, &["new", "gala"]);
    let help = desk.ends(0, &["--help"]);
    for verb in ["new", "check", "preview", "send", "status", "settle", "export", "sandbox"] {
        assert!(help.out.contains(&format!("\n  {verb}")), "{verb}\n{}", help.out);
    }
    assert!(desk.ends(0, &["completions", "bash"]).out.contains("convoke"));
    desk.ends(0, &["manual", "man"]);
    assert!(desk.path.join("man/convoke-send.1").exists());
}
