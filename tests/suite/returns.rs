//! What came back, from the mailbox to the ledger: answers, reports, letters, forgeries, and what a person decides.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::desk::{Desk, Ran, repository};
use crate::oracles::oracles;
use crate::server::{Manners, Server};

const LIST: &str = "email,entity,kind,language,city,of_state\n\
                    un@utopia.example,Utopia,mission,en,,of Utopia\n\
                    second@utopia.example,Utopia,mission,en,,of Utopia\n\
                    mission@arcadia.example,Arcadia,mission,en,,of Arcadia\n\
                    gone@erewhon.example,Erewhon,mission,en,,of Erewhon\n\
                    full@lilliput.example,Lilliput,mission,en,,of Lilliput\n\
                    away@laputa.example,Laputa,mission,en,,of Laputa\n\
                    doubt+drop@balnibarbi.example,Balnibarbi,mission,en,,of Balnibarbi\n\
                    office@forum.example,Forum,ngo,en,Genève,\n\
                    list@shop.example,Shop,ngo,en,Paris,\n";

/// One message as it was sent.
#[derive(Clone, Debug)]
struct Sent {
    uid: String,
    message_id: String,
}

/// An event whose invitations are in the built-in sandbox's outbox.
struct Event {
    desk: Desk,
}

impl Event {
    fn new() -> Self {
        Self::with("")
    }

    fn with(replies: &str) -> Self {
        let desk = Desk::with_list(LIST);
        let settings = desk.read("convoke.toml");
        desk.write("convoke.toml", &format!("{settings}\n[replies]\n{replies}\n"));
        // One message stays in doubt.
        desk.ends(1, &["send"]);
        assert_eq!((desk.standing("SENT"), desk.standing("IN_DOUBT")), (8, 1));
        Self { desk }
    }

    fn sent(&self, address: &str) -> Sent {
        let row = self.row(address);
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        Sent { uid: text("uid"), message_id: text("message_id") }
    }

    fn rows(&self) -> Vec<Value> {
        serde_json::from_str(&self.desk.ends(0, &["export", "--format", "json"]).out).expect("JSON")
    }

    fn row(&self, address: &str) -> Value {
        self.rows().into_iter().find(|row| row["address"] == address).expect("a row")
    }

    /// Reads messages as files of a folder, in the order in which they stand.
    fn reads(&self, folder: &str, mails: &[String]) -> Ran {
        for (n, mail) in mails.iter().enumerate() {
            self.desk.write(&format!("{folder}/{n:03}.eml"), mail);
        }
        self.desk.ends(0, &["replies", "--from", folder])
    }

    fn cards(&self) -> Vec<Value> {
        let out = self.desk.ends(0, &["triage", "--json"]).out;
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    fn card(&self, from: &str) -> String {
        let cards = self.cards();
        let card = cards.iter().find(|card| card["read"]["from"] == from);
        card.unwrap_or_else(|| panic!("a card from {from} among {cards:#?}"))["id"].to_string()
    }

    fn answers(&self) -> Value {
        self.desk.status()["answers"]["all"].clone()
    }

    /// Everything that does not tell when it was read.
    fn end_state(&self) -> Vec<String> {
        let mut state: Vec<String> = self
            .rows()
            .iter()
            .map(|row| {
                let keys = [
                    "address",
                    "state",
                    "answer",
                    "persons",
                    "answered",
                    "answered_by",
                    "conflict",
                    "returned_because",
                ];
                keys.map(|key| row[key].to_string()).join(" ")
            })
            .collect();
        state.push(self.answers().to_string());
        state.extend(
            self.desk
                .ends(0, &["suppress", "--list"])
                .out
                .lines()
                .filter_map(|l| l.split_whitespace().next().map(str::to_owned)),
        );
        state.sort();
        state
    }

    fn decides(&self, keys: &str) -> String {
        let mut child = self
            .desk
            .command(&["triage"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(keys.as_bytes()).expect("it listens");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

fn calendar(method: &str, uid: &str, from: &str, properties: &str) -> String {
    format!(
        "From: {from}\r\nTo: events@liechtenstein-un.example\r\nSubject: an answer\r\nMessage-ID: <{}@clients.example>\r\n\
         Date: Wed, 06 Sep 2017 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; method={method}; charset=utf-8\r\n\
         \r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n{properties}\
         END:VEVENT\r\nEND:VCALENDAR\r\n",
        properties.len() + uid.len() * 1000 + from.len() * 100_000,
    )
}

fn replies(uid: &str, attendee: &str, partstat: &str, day: u32) -> String {
    let properties = format!(
        "DTSTAMP:201709{day:02}T090000Z\r\nSEQUENCE:0\r\nORGANIZER:mailto:events@liechtenstein-un.example\r\n\
         ATTENDEE;PARTSTAT={partstat}:mailto:{attendee}\r\n"
    );
    calendar("REPLY", uid, attendee, &properties)
}

fn report(message_id: &str, recipient: &str, action: &str, status: &str, words: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: events@liechtenstein-un.example\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nDate: Wed, 06 Sep 2017 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         It was not delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: events@liechtenstein-un.example\r\nTo: {recipient}\r\n\
         Message-ID: <{message_id}>\r\nSubject: Invitation\r\n\r\nDear colleagues\r\n--b--\r\n"
    )
}

fn complaint(message_id: &str) -> String {
    format!(
        "From: feedback@provider.example\r\nTo: events@liechtenstein-un.example\r\nSubject: complaint\r\n\
         Date: Wed, 06 Sep 2017 11:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         This is a report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\
         User-Agent: x/1\r\nVersion: 1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
         From: events@liechtenstein-un.example\r\nMessage-ID: <{message_id}>\r\nSubject: Invitation\r\n\r\nDear\r\n--b--\r\n"
    )
}

fn letter(from: &str, reference: &str, words: &str) -> String {
    format!(
        "From: {from}\r\nTo: events@liechtenstein-un.example\r\nSubject: Re: Invitation\r\nDate: Wed, 06 Sep 2017 12:00:00 +0000\r\n\
         Message-ID: <{}@letters.example>\r\n{reference}\r\n{words}\r\n",
        words.len() * 1000 + from.len()
    )
}

fn away(from: &str, message_id: &str) -> String {
    letter(
        from,
        &format!("Auto-Submitted: auto-replied\r\nIn-Reply-To: <{message_id}>\r\n"),
        "I am out of the office until 30 December 2199.",
    )
    .replace("Re: Invitation", "Automatic reply: Invitation")
}

/// One of each: what a mailbox holds some days after an invitation.
fn mailbox(event: &Event) -> Vec<String> {
    let (un, second) = (event.sent("un@utopia.example"), event.sent("second@utopia.example"));
    let (arcadia, forum) = (event.sent("mission@arcadia.example"), event.sent("office@forum.example"));
    vec![
        replies(&un.uid, "un@utopia.example", "ACCEPTED", 6),
        calendar(
            "REPLY",
            &arcadia.uid,
            "mission@arcadia.example",
            "DTSTAMP:20170906T090000Z\r\nATTENDEE;PARTSTAT=DECLINED:MAILTO:Mission@Arcadia.example\r\nCOMMENT:we regret\r\n",
        ),
        report(
            &event.sent("gone@erewhon.example").message_id,
            "gone@erewhon.example",
            "failed",
            "5.1.1",
            "550 5.1.1 no such user",
        ),
        report(
            &event.sent("full@lilliput.example").message_id,
            "full@lilliput.example",
            "failed",
            "5.2.2",
            "552 5.2.2 mailbox full",
        ),
        complaint(&event.sent("list@shop.example").message_id),
        away("away@laputa.example", &event.sent("away@laputa.example").message_id),
        report(
            &event.sent("doubt+drop@balnibarbi.example").message_id,
            "doubt+drop@balnibarbi.example",
            "delayed",
            "4.4.1",
            "connection timed out",
        ),
        letter(
            "office@forum.example",
            &format!("In-Reply-To: <{}>\r\n", forum.message_id),
            "Dear colleagues, we are pleased to accept your invitation. We shall be two persons.",
        ),
        calendar(
            "COUNTER",
            &second.uid,
            "second@utopia.example",
            "DTSTAMP:20170906T090000Z\r\nSEQUENCE:0\r\nDTSTART:20170923T190000Z\r\nDTEND:20170923T200000Z\r\n\
             ATTENDEE;PARTSTAT=TENTATIVE:mailto:second@utopia.example\r\n",
        ),
        replies(&un.uid, "crasher@elsewhere.example", "ACCEPTED", 7),
        replies(
            "another-event.aaaaaaaaaaaaaaaaaaaaaaaaaa@liechtenstein-un.example",
            "un@utopia.example",
            "DECLINED",
            8,
        ),
        "no message".to_owned(),
    ]
}

#[test]
fn what_came_back_changes_the_ledger_once() {
    let event = Event::new();
    let mails = mailbox(&event);
    let ran = event.reads("returned", &mails);
    assert_eq!(
        ran.out.trim(),
        "12 messages: 5 calendar replies, 3 bounces, 1 complaint, 1 automatic reply, 1 letter, 1 without any header; \
         1 not of this event; 4 for triage"
    );
    let answers = event.answers();
    assert_eq!((answers["accepted"].as_u64(), answers["declined"].as_u64()), (Some(1), Some(1)), "{answers}");
    let state = |address: &str| event.row(address)["state"].as_str().expect("a state").to_owned();
    assert_eq!(state("gone@erewhon.example"), "BOUNCED");
    assert_eq!(state("full@lilliput.example"), "BOUNCED");
    // A report that it is still tried settles the doubt.
    assert_eq!(state("doubt+drop@balnibarbi.example"), "SENT");
    let row = event.row("full@lilliput.example");
    assert_eq!(
        (row["returned_because"].as_str(), row["what_to_do"].as_str().map(|cure| cure.starts_with("try later"))),
        (Some("mailbox-full"), Some(true))
    );
    assert_eq!(event.row("away@laputa.example")["absent_until"], "2199-12-30");
    let suppressed = event.desk.ends(0, &["suppress", "--list"]).out;
    assert!(suppressed.contains("gone@erewhon.example") && suppressed.contains("list@shop.example"), "{suppressed}");
    assert!(!suppressed.contains("lilliput") && suppressed.contains("called spam"), "{suppressed}");
    let said = event.desk.run(&["status"]).out;
    for words in
        ["1 message returned (mailbox-full): try later", "away@laputa.example until 2199-12-30", "4 messages wait"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    // Whoever is not reached is not reminded, and who answered is not either.
    let reminded = event.desk.ends(0, &["remind", "--not-within", "1s", "--dry-run"]).out;
    assert!(reminded.contains("2 not: refused, returned or suppressed"), "{reminded}");

    let before = event.end_state();
    let again = event.desk.ends(0, &["replies", "--from", "returned"]).out;
    assert_eq!(again.trim(), "12 messages; 12 seen before");
    assert_eq!(event.end_state(), before, "reading twice changes nothing");
    assert_eq!(event.cards().len(), 4);
}

#[test]
fn who_wants_a_call_another_time_or_somebody_else_is_named_with_what_to_do() {
    let event = Event::new();
    let second = event.sent("second@utopia.example");
    let arcadia = event.sent("mission@arcadia.example");
    let forum = event.sent("office@forum.example");
    let mails = [
        calendar(
            "COUNTER",
            &second.uid,
            "second@utopia.example",
            "DTSTAMP:20170906T090000Z\r\nSEQUENCE:0\r\nDTSTART:20170923T190000Z\r\nDTEND:20170923T200000Z\r\n\
             COMMENT:an hour later\r\nATTENDEE;PARTSTAT=TENTATIVE:mailto:second@utopia.example\r\n",
        ),
        calendar(
            "REPLY",
            &arcadia.uid,
            "mission@arcadia.example",
            "DTSTAMP:20170906T100000Z\r\nSEQUENCE:0\r\nCOMMENT:Please call me about the seats\r\n\
             ATTENDEE;PARTSTAT=ACCEPTED:mailto:mission@arcadia.example\r\n",
        ),
        calendar(
            "REPLY",
            &forum.uid,
            "office@forum.example",
            "DTSTAMP:20170906T110000Z\r\nSEQUENCE:0\r\n\
             ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:deputy@forum.example\":mailto:office@forum.example\r\n",
        ),
        format!(
            "From: away@laputa.example\r\nTo: events@liechtenstein-un.example\r\nIn-Reply-To: <{}>\r\nSubject: Re: x\r\n\
             Date: Wed, 06 Sep 2017 12:00:00 +0000\r\n\r\nThank you. Could you give us a call?\r\n",
            event.sent("away@laputa.example").message_id
        ),
    ];
    event.reads("wishes", &mails);
    let card = event.card("away@laputa.example");
    let cards = event.cards();
    assert!(cards.iter().any(|card| card["suggestion"] == "call" && card["flags"][0] == "wants-call"), "{cards:#?}");
    let said = event.desk.run(&["status"]).out;
    for words in [
        "2 mails ask for a call: call, then `convoke note ENTITY",
        "  mission@arcadia.example (Arcadia): Please call me about the seats",
        "  away@laputa.example (Laputa): Thank you. Could you give us a call?",
        "1 other time or place is proposed: `convoke triage NUMBER` decides",
        "second@utopia.example (Utopia): 2017-09-23T19:00:00Z to 2017-09-23T20:00:00Z, `an hour later`",
        "1 entity sends somebody else: put the new address on the lists",
        "  Forum: delegated to deputy@forum.example",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert_eq!(event.row("mission@arcadia.example")["wants_call"], "yes");
    assert_eq!(event.row("second@utopia.example")["proposes"], "2017-09-23T19:00:00Z/2017-09-23T20:00:00Z");
    assert_eq!(
        (event.row("un@utopia.example")["wants_call"].as_str(), event.row("list@shop.example")["proposes"].as_str()),
        (Some(""), Some(""))
    );
    // A decision keeps the wish; what is noted after the call ends it.
    event.desk.ends(0, &["triage", &card, "--call"]);
    let returned = || event.desk.status()["returned"].clone();
    assert_eq!(
        (returned()["want_a_call"].as_u64(), returned()["proposed"].as_u64()),
        (Some(2), Some(1)),
        "{}",
        returned()
    );
    event.desk.ends(0, &["note", "Laputa", "--accepted", "--persons", "1", "--by", "telephone"]);
    event.desk.ends(0, &["note", "Arcadia", "--accepted", "--persons", "2", "--by", "telephone"]);
    assert_eq!((returned()["want_a_call"].as_u64(), returned()["calls"].as_array().map(Vec::len)), (Some(0), Some(0)));
    assert_eq!(event.row("mission@arcadia.example")["wants_call"], "");
    event.desk.ends(0, &["triage", &event.card("second@utopia.example"), "--none"]);
    assert_eq!(returned()["proposed"], 0);
}

#[test]
fn a_person_decides_what_no_rule_does() {
    let event = Event::with("keep = \"triage\"");
    event.reads("returned", &mailbox(&event));
    let listed = event.desk.ends(0, &["triage", "--list"]).out;
    assert!(listed.contains("letter of Forum, from office@forum.example"), "{listed}");
    assert!(listed.contains("calendar-reply (counter-proposal) of Utopia"), "{listed}");
    assert!(listed.contains("(not-on-the-lists)"), "{listed}");
    assert!(listed.ends_with("4 messages wait for `convoke triage`, which shows one after the other\n"), "{listed}");

    let letter = event.card("office@forum.example");
    let said = event.desk.ends(0, &["triage", &letter, "--accepted", "--persons", "2"]).out;
    assert_eq!(said, format!("number {letter}: Forum: accepted\n"));
    let note: Value = serde_json::from_str(&event.desk.ends(0, &["note", "forum", "--json"]).out).expect("JSON");
    assert_eq!((note["answer"].as_str(), note["persons"].as_u64()), (Some("accepted"), Some(2)));
    let decided = &note["decided_by"];
    assert_eq!((decided["source"].as_str(), decided["note"].as_bool()), (Some("letter"), Some(true)));
    assert_eq!(decided["evidence"].as_str().map(str::len), Some(64), "the mail's digest");
    assert_eq!(decided["said"], "2017-09-06T12:00:00Z");
    event.desk.ends(64, &["triage", &letter, "--declined"]);
    event.desk.ends(64, &["triage", "--declined"]);

    // One after the other: the proposal's original is looked at, the crasher is nobody's, the rest stays.
    let out = event.decides("o\nd\nz\nn\nk\n");
    assert!(out.contains("proposes    2017-09-23T19:00:00Z to 2017-09-23T20:00:00Z"), "{out}");
    assert!(out.contains("METHOD:COUNTER"), "the original is kept: {out}");
    assert!(out.contains("Utopia: declined") && out.contains("`z` is none of them"), "{out}");
    assert!(out.ends_with("2 messages decided, 1 left\n"), "{out}");
    // A person's word holds against the calendar's.
    let note: Value = serde_json::from_str(&event.desk.ends(0, &["note", "utopia", "--json"]).out).expect("JSON");
    assert_eq!(note["answer"], "declined");
    assert!(event.decides("q\n").ends_with("0 messages decided, 1 left\n"));
    let unreadable = event.cards()[0]["id"].to_string();
    event.desk.ends(64, &["triage", &unreadable, "--accepted"]);
    event.desk.ends(0, &["triage", &unreadable, "--accepted", "--entity", "laputa", "--persons", "1"]);
    assert_eq!(event.desk.ends(0, &["triage", "--list"]).out, "nothing waits for anybody\n");
    assert_eq!(event.answers()["accepted"], 2);
}

#[test]
fn letters_lead_to_the_other_lists_too() {
    let event = Event::new();
    let refer = |address: &str| format!("In-Reply-To: <{}>\r\n", event.sent(address).message_id);
    event.reads(
        "returned",
        &[
            letter("un@utopia.example", &refer("un@utopia.example"), "Our minister would like to say a few words."),
            letter("mission@arcadia.example", "", "Please do not write to this address again, it is closed."),
            report("x@relay.example", "full@lilliput.example", "failed", "5.2.2", "552 5.2.2 mailbox full"),
        ],
    );
    event.desk.ends(0, &["triage", &event.card("un@utopia.example"), "--speaker", "--name", "H.E. Ms. Paz"]);
    let speakers = event.desk.ends(0, &["speakers"]).out;
    assert!(speakers.contains("Utopia") && speakers.contains("H.E. Ms. Paz"), "{speakers}");
    let card = event
        .cards()
        .iter()
        .find(|card| card["address"] == "mission@arcadia.example")
        .map(|card| card["id"].to_string());
    event.desk.ends(0, &["triage", &card.expect("a card"), "--unsubscribe"]);
    let suppressed = event.desk.ends(0, &["suppress", "--list"]).out;
    assert!(suppressed.contains("mission@arcadia.example"), "{suppressed}");
    // Bound to nothing of ours: a person says that it is about the invitation.
    assert_eq!(event.row("full@lilliput.example")["state"], "SENT");
    event.desk.ends(0, &["triage", &event.card("MAILER-DAEMON@mx.example"), "--bounce"]);
    let row = event.row("full@lilliput.example");
    assert_eq!((row["state"].as_str(), row["returned_because"].as_str()), (Some("BOUNCED"), Some("mailbox-full")));
    assert!(!event.desk.ends(0, &["suppress", "--list"]).out.contains("lilliput"));
}

#[test]
fn a_hundred_forgeries_change_nothing() {
    let event = Event::new();
    event.reads("returned", &mailbox(&event));
    let before = event.end_state();
    let everybody: Vec<String> =
        event.rows().iter().map(|row| row["address"].as_str().expect("an address").to_owned()).collect();
    let forged: Vec<String> = (0..100)
        .map(|n| {
            let address = &everybody[n % everybody.len()];
            // Of the form of ours: 26 characters of base32.
            let token: String =
                (0..26).map(|k| char::from(b'a' + u8::try_from((n * 7 + k * 3) % 26).expect("small"))).collect();
            let own = "liechtenstein-un.example";
            match n % 4 {
                0 => replies(&format!("unsc-mass-atrocities-2017.{token}@{own}"), address, "DECLINED", 20),
                1 => report(&format!("{token}@{own}"), address, "failed", "5.1.1", "550 5.1.1 no such user"),
                2 => report(&format!("{n}@forger.example"), address, "failed", "5.1.1", "550 5.1.1 no such user"),
                _ => letter(address, "", &format!("unsubscribe {n}")).replace("Re: Invitation", "unsubscribe"),
            }
        })
        .collect();
    let ran = event.reads("forged", &forged);
    assert!(ran.out.starts_with("100 messages: "), "{}", ran.out);
    assert_eq!(event.end_state(), before);
}

#[test]
fn the_order_of_reading_does_not_matter() {
    let event = Event::new();
    let (un, second) = (event.sent("un@utopia.example"), event.sent("second@utopia.example"));
    let doubt = event.sent("doubt+drop@balnibarbi.example");
    let mut mails = mailbox(&event);
    mails.extend([
        replies(&un.uid, "un@utopia.example", "DECLINED", 9),
        replies(&second.uid, "second@utopia.example", "TENTATIVE", 10),
        replies(&doubt.uid, "doubt+drop@balnibarbi.example", "ACCEPTED", 9),
        report(&doubt.message_id, "doubt+drop@balnibarbi.example", "failed", "5.4.7", "delivery time expired"),
        replies(&event.sent("mission@arcadia.example").uid, "deputy@arcadia.example", "ACCEPTED", 9),
    ]);
    let copy = Desk::empty();
    let (journal, fresh) = (event.desk.path.join("convoke.db"), copy.path.join("fresh.db"));
    // Nobody has it open: the write-ahead log is empty.
    fs::copy(&journal, &fresh).expect("a copy");
    let mut expected: Option<Vec<String>> = None;
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 8, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let orders = Just(mails).prop_shuffle();
    for n in 0..8 {
        let order = orders.new_tree(&mut runner).expect("an order").current();
        for name in ["convoke.db-wal", "convoke.db-shm"] {
            let _ = fs::remove_file(event.desk.path.join(name));
        }
        fs::copy(&fresh, &journal).expect("a copy");
        let folder = format!("order-{n}");
        event.reads(&folder, &order);
        let state = event.end_state();
        match &expected {
            None => expected = Some(state),
            Some(expected) => assert_eq!(&state, expected, "order {n}"),
        }
    }
    let rows = event.rows();
    let of = |address: &str| rows.iter().find(|row| row["address"] == address).expect("a row");
    assert_eq!(of("doubt+drop@balnibarbi.example")["state"], "BOUNCED");
    assert_eq!(of("un@utopia.example")["answer"], "tentative", "of two mailboxes the one that may come");
}

#[test]
fn originals_are_kept_for_their_owner_alone() {
    let event = Event::with("keep = \"all\"");
    let mails = mailbox(&event);
    event.reads("returned", &mails);
    let kept: Vec<_> =
        fs::read_dir(event.desk.path.join("replies")).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    assert_eq!(kept.len(), mails.len());
    #[cfg(unix)]
    for path in &kept {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let octets: Vec<Vec<u8>> = kept.iter().map(|path| fs::read(path).expect("a file")).collect();
    assert!(mails.iter().all(|mail| octets.iter().any(|kept| kept == mail.as_bytes())));
    // What is only tried leaves nothing.
    let other = Event::with("keep = \"all\"");
    other.desk.write("returned/1.eml", &mails[2]);
    other.desk.ends(0, &["replies", "--from", "returned", "--dry-run"]);
    assert!(!other.desk.path.join("replies").exists());
}

#[test]
fn a_bounce_is_known_by_where_it_arrives() {
    let desk = Desk::with_list(LIST);
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replace("# verp = true", "verp = true"));
    let server = Server::start(Manners::default());
    desk.ends(0, &["send", "--relay", &format!("smtp://127.0.0.1:{}", server.port)]);
    let event = Event { desk };
    let sent = event.sent("full@lilliput.example");
    let token = sent.message_id.split('@').next().expect("a token").to_owned();
    let path = format!("MAIL FROM:<events+{token}@liechtenstein-un.example>");
    assert_eq!(server.heard(&path).len(), 1, "{:?}", server.heard("MAIL"));
    let nothing_of_ours = format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: events+{token}@liechtenstein-un.example\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nDate: Wed, 06 Sep 2017 10:00:00 +0000\r\n\r\n\
         <full@lilliput.example>: host mx.lilliput.example said: 552 5.2.2 mailbox full\r\n"
    );
    event.reads("returned", &[nothing_of_ours]);
    assert_eq!(event.row("full@lilliput.example")["state"], "BOUNCED", "{:#?}", event.cards());
}

#[test]
fn a_mail_host_that_vouches_proves_an_answer() {
    let event = Event::with("authserv_id = \"mx.host.example\"");
    let un = event.sent("un@utopia.example");
    let vouched = format!(
        "Authentication-Results: mx.host.example; dmarc=pass header.from=utopia.example\r\nReceived: from a by mx.host.example\r\n{}",
        replies(&un.uid, "un@utopia.example", "ACCEPTED", 6)
    );
    event.reads("returned", &[vouched]);
    let note: Value = serde_json::from_str(&event.desk.ends(0, &["note", "utopia", "--json"]).out).expect("JSON");
    assert_eq!(note["decided_by"]["level"], "proven");
}

#[test]
fn answers_that_another_library_writes_are_understood() {
    let Some(oracles) = oracles() else { return };
    let event = Event::new();
    let answers = event.desk.path.join("answers");
    fs::create_dir_all(&answers).expect("a folder");
    let script: &Path = &repository().join("tests/oracles/answers.py");
    let output = std::process::Command::new(oracles.join("venv/bin/python"))
        .arg(script)
        .arg(event.desk.path.join("outbox"))
        .arg(&answers)
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(written.len() >= 9, "one for each mailbox");
    event.desk.ends(0, &["replies", "--from", "answers"]);
    for answer in &written {
        let address = answer["address"].as_str().expect("an address");
        let style = answer["style"].as_str().expect("a style");
        let note: Value = serde_json::from_str(&event.desk.ends(0, &["note", address, "--json"]).out).expect("JSON");
        let found = note["history"].as_array().expect("answers").iter().any(|one| {
            one["answer"].as_str() == answer["answer"].as_str()
                && one["level"] == "bound"
                && one["source"] == "calendar"
        });
        assert!(found, "{style}: {address}: {note:#}");
    }
    assert!(event.cards().is_empty(), "{:#?}", event.cards());
}
