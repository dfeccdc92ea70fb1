//! What becomes of a calendar entry after the invitation: updates, cancellations, and the way back.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use convoke::calendar::PartStat;
use convoke::io::store::Store;
use convoke::journal::Answer;
use mail_parser::{MessageParser, MimeHeaders as _, PartType};

use crate::book::change;
use crate::desk::Desk;
use crate::sink::Sink;

const TWO: &str =
    "email,entity,kind,language,city\nana@x.example,Ana's Office,ngo,en,Bern\neva@x.example,Eva's Office,ngo,en,Bern\n";
const ROOM: (&str, &str) = ("Headquarters, Conference Room 2", "Headquarters, Conference Room 4");
const HOUR: (&str, &str) = ("2017-09-22T15:00:00", "2017-09-22T14:30:00");

/// A message that left.
#[derive(Clone, Debug)]
struct Post {
    to: String,
    id: String,
    reply_to: Option<String>,
    text: String,
    subject: String,
    /// The calendar object, unfolded.
    calendar: String,
}

impl Post {
    fn read(octets: &[u8]) -> Self {
        let message = MessageParser::default().parse(octets).expect("a message");
        let calendars: Vec<(Option<String>, String)> = message
            .parts
            .iter()
            .filter(|part| part.is_content_type("text", "calendar") || part.is_content_type("application", "ics"))
            .map(|part| {
                let method = part.content_type().and_then(|t| t.attribute("method")).map(str::to_owned);
                let octets = match &part.body {
                    PartType::Text(text) => text.as_bytes().to_vec(),
                    PartType::Binary(octets) | PartType::InlineBinary(octets) => octets.to_vec(),
                    _ => Vec::new(),
                };
                (method, String::from_utf8(octets).expect("UTF-8"))
            })
            .collect();
        assert_eq!(calendars.len(), 2, "both copies");
        assert_eq!(calendars[0].1, calendars[1].1, "the same octets");
        let calendar = calendars[0].1.replace("\r\n ", "");
        let method = calendars[0].0.clone().expect("a method");
        assert!(calendar.contains(&format!("METHOD:{method}\r\n")), "header and object agree");
        let reply_to = message.in_reply_to().as_text().map(str::to_owned);
        assert_eq!(message.references().as_text().map(str::to_owned), reply_to);
        Self {
            to: message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("To").to_owned(),
            id: message.message_id().expect("a Message-ID").to_owned(),
            reply_to,
            text: message.body_text(0).expect("a text").into_owned(),
            subject: message.subject().expect("a subject").to_owned(),
            calendar,
        }
    }

    /// The value of a property, with its parameters.
    fn property(&self, name: &str) -> &str {
        let line =
            self.calendar.lines().find(|line| line.starts_with(name) && line[name.len()..].starts_with([':', ';']));
        line.map(|line| &line[name.len() + 1..]).unwrap_or_default()
    }

    fn says(&self, fact: &str) -> bool {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ").contains(fact)
    }
}

/// What came into the outbox since the last look, by address.
#[derive(Default)]
struct Mailroom(Vec<String>);

impl Mailroom {
    fn new_of(&mut self, desk: &Desk) -> BTreeMap<String, Post> {
        let all = desk.outbox().into_iter().map(|octets| Post::read(&octets));
        let new: Vec<Post> = all.filter(|post| !self.0.contains(&post.id)).collect();
        self.0.extend(new.iter().map(|post| post.id.clone()));
        let count = new.len();
        let by_address: BTreeMap<String, Post> = new.into_iter().map(|post| (post.to.clone(), post)).collect();
        assert_eq!(by_address.len(), count, "one message each");
        by_address
    }
}

fn edit(desk: &Desk, (from, to): (&str, &str)) {
    let settings = desk.read("convoke.toml");
    assert!(settings.contains(from), "{from}");
    desk.write("convoke.toml", &settings.replace(from, to));
}

/// Two guests who have the invitation.
fn invited() -> (Desk, Mailroom, BTreeMap<String, Post>) {
    let desk = Desk::with_list(TWO);
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let posts = room.new_of(&desk);
    assert_eq!(posts.len(), 2);
    (desk, room, posts)
}

/// Notes that a mailbox accepted the first revision.
fn accepts(desk: &Desk, address: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let time = jiff::Timestamp::from_second(1_600_000_000).expect("valid");
        let store = Store::open(&desk.path, time.as_millisecond()).await.expect("the journal");
        let rows = store.ledger_page(0, 100).await.expect("rows");
        let row = rows.iter().find(|row| row.recipient.address.as_str() == address).expect("the row");
        let answer = Answer {
            entity: row.recipient.entity.clone(),
            recipient: Some(row.recipient_id),
            partstat: PartStat::Accepted,
            persons: None,
            comment: String::new(),
            source: "calendar".to_owned(),
            by: String::new(),
            is_note: false,
            attendee: String::new(),
            sequence: None,
            dtstamp: None,
            said: time,
            recorded: time,
            revision: 0,
            evidence: String::new(),
            level: None,
            applies: true,
        };
        store.record_answer(&answer).await.expect("recorded");
    });
}

#[test]
fn another_room_is_told_and_answers_stay() {
    let (desk, mut room, first) = invited();
    accepts(&desk, "ana@x.example");
    edit(&desk, ROOM);
    let refused = desk.ends(78, &["send"]);
    assert!(
        refused.err.contains("the room changes from") && refused.err.contains("`convoke update`"),
        "{}",
        refused.err
    );
    let dry = desk.ends(0, &["update", "--dry-run"]);
    assert!(dry.out.contains("taken for `wording`") && dry.out.contains("2 messages would be sent"), "{}", dry.out);
    assert!(room.new_of(&desk).is_empty());
    assert_eq!(desk.status()["event"]["revision"], 0, "a dry run leaves nothing");
    desk.ends(0, &["update", "--note", "The doors are wider there."]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.len(), 2);
    for (address, post) in &posts {
        let before = &first[address];
        assert_eq!(post.property("SEQUENCE"), "0", "wording keeps it");
        assert_eq!(post.property("UID"), before.property("UID"));
        assert_eq!(post.property("CREATED"), before.property("CREATED"));
        assert!(post.property("DTSTAMP") > before.property("DTSTAMP"));
        assert_eq!(post.property("LAST-MODIFIED"), post.property("DTSTAMP"));
        assert!(post.property("LOCATION").ends_with("Conference Room 4"));
        assert_eq!(post.reply_to.as_deref(), Some(before.id.as_str()), "a follow-up names the invitation");
        assert!(before.reply_to.is_none());
        assert!(
            post.says("Conference Room 4 (before: United Nations Headquarters, Conference Room 2)"),
            "{}",
            post.text
        );
        assert!(post.says("The doors are wider there."), "{}", post.text);
        assert!(post.subject.starts_with("Change: "), "{}", post.subject);
    }
    assert!(posts["ana@x.example"].property("ATTENDEE").contains("PARTSTAT=ACCEPTED;RSVP=TRUE"));
    assert!(posts["eva@x.example"].property("ATTENDEE").contains("PARTSTAT=NEEDS-ACTION;RSVP=TRUE"));
    let again = desk.ends(0, &["update"]);
    assert!(again.out.contains("nothing has changed"), "{}", again.out);
    desk.ends(0, &["send"]);
    assert!(room.new_of(&desk).is_empty(), "nobody is told twice");
    let status = desk.status();
    assert_eq!((&status["event"]["revision"], &status["states"]["SENT"]), (&1.into(), &2.into()));
    assert_eq!(status["other_messages"][0]["purpose"], "update");
    let csv = desk.ends(0, &["export"]).out;
    assert!(csv.lines().any(|line| line.contains(",update,1,REQUEST,0,ACCEPTED,")), "{csv}");
}

#[test]
fn another_time_asks_everybody_again_and_newcomers_begin_there() {
    let (desk, mut room, first) = invited();
    accepts(&desk, "ana@x.example");
    edit(&desk, HOUR);
    let ran = desk.ends(0, &["update"]);
    assert!(ran.out.contains("it begins 30 minutes earlier: 2:30 p.m. in place of 3:00 p.m."), "{}", ran.out);
    let posts = room.new_of(&desk);
    for (address, post) in &posts {
        assert_eq!(post.property("SEQUENCE"), "1");
        assert!(post.property("ATTENDEE").contains("PARTSTAT=NEEDS-ACTION"), "{address} is asked again");
        assert_eq!(post.property("DTSTART"), "20170922T183000Z");
        assert_eq!(first[address].property("DTSTART"), "20170922T190000Z");
    }
    desk.write("recipients/list.csv", &format!("{TWO}late@x.example,Late,ngo,en,Bern\n"));
    desk.ends(0, &["send"]);
    let late = room.new_of(&desk);
    assert_eq!(late.keys().collect::<Vec<_>>(), ["late@x.example"]);
    let late = &late["late@x.example"];
    assert_eq!((late.property("SEQUENCE"), late.property("DTSTART")), ("1", "20170922T183000Z"));
    assert!(late.subject.starts_with("Invitation: ") && late.reply_to.is_none(), "{late:?}");
}

#[test]
fn a_typo_is_for_those_who_come_later() {
    let (desk, mut room, _) = invited();
    edit(&desk, ("en = \"Preventing and Ending", "en = \"Preventing and ending"));
    let ran = desk.ends(0, &["update"]);
    assert!(ran.out.contains("taken for `typo`") && ran.out.contains("nobody is written to"), "{}", ran.out);
    desk.write("recipients/list.csv", &format!("{TWO}late@x.example,Late,ngo,en,Bern\n"));
    desk.ends(0, &["send"]);
    let late = room.new_of(&desk);
    assert_eq!(late.len(), 1);
    assert!(late["late@x.example"].property("SUMMARY").starts_with("Preventing and ending"));
    assert_eq!(late["late@x.example"].property("SEQUENCE"), "0");
    // A person may see it otherwise.
    edit(&desk, ("en = \"Preventing and ending", "en = \"Preventing And ending"));
    let ran = desk.ends(0, &["update", "--as", "material"]);
    assert!(ran.out.contains("typo was proposed"), "{}", ran.out);
    assert!(room.new_of(&desk).values().all(|post| post.property("SEQUENCE") == "1"));
}

#[test]
fn an_update_that_is_overtaken_tells_everybody_the_last_state() {
    let (desk, mut room, _) = invited();
    edit(&desk, HOUR);
    desk.ends(0, &["update", "--limit", "1"]);
    let some = room.new_of(&desk);
    assert_eq!(some.len(), 1);
    edit(&desk, ROOM);
    let ran = desk.ends(0, &["update"]);
    assert!(ran.out.contains("taken for `wording`"), "{}", ran.out);
    let posts = room.new_of(&desk);
    assert_eq!(posts.len(), 2);
    for (address, post) in &posts {
        // Who had not heard of the new time is asked again now.
        assert_eq!((post.property("SEQUENCE"), post.property("DTSTART")), ("1", "20170922T183000Z"), "{address}");
        let heard = some.contains_key(address);
        assert_eq!(
            post.says("2:30 p.m. – 4:30 p.m. (before: 3:00 p.m. – 4:30 p.m.)"),
            !heard,
            "{address}: {}",
            post.text
        );
    }
    assert!(desk.ends(0, &["update"]).out.contains("nothing has changed"));
    assert!(room.new_of(&desk).is_empty());
}

#[test]
fn only_those_who_may_have_the_invitation_are_told() {
    let list = "email,entity,kind,language,city\n\
                ana@x.example,Ana,ngo,en,Bern\ngone@x.example,Gone,ngo,en,Bern\neva@x.example,Eva,ngo,en,Bern\n";
    let desk = Desk::with_list(list);
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    desk.ends(1, &["send", "--relay", &url, "--limit", "2"]);
    assert_eq!(sink.log().len(), 1, "one was refused, one is still open");
    // Nobody knows whether it arrived: then it may have.
    change(&desk, "UPDATE dispatch SET state = 'IN_DOUBT' WHERE state = 'SENT'");
    edit(&desk, HOUR);
    let ran = desk.run(&["update"]);
    assert!(ran.out.contains("1 invitation is still to be sent: `convoke send`"), "{}{}", ran.out, ran.err);
    let mut room = Mailroom::default();
    assert_eq!(room.new_of(&desk).keys().collect::<Vec<_>>(), ["ana@x.example"]);
    // The open invitation says what is true now.
    desk.run(&["send"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.keys().collect::<Vec<_>>(), ["eva@x.example"]);
    let post = &posts["eva@x.example"];
    assert_eq!((post.property("SEQUENCE"), post.property("DTSTART")), ("1", "20170922T183000Z"));
    // What a later message has overtaken is not sent again.
    desk.ends(0, &["settle", "--resend", "--all"]);
    desk.run(&["send"]);
    assert!(room.new_of(&desk).is_empty());
}

#[test]
fn an_event_is_called_off_once_and_takes_place_after_all() {
    let (desk, mut room, first) = invited();
    let ran = desk.ends(0, &["cancel", "--all", "--reason", "The minister is ill."]);
    assert!(ran.out.contains("the event is called off: 2 mailboxes are told"), "{}", ran.out);
    let posts = room.new_of(&desk);
    assert_eq!(posts.len(), 2);
    for (address, post) in &posts {
        assert_eq!((post.property("METHOD"), post.property("SEQUENCE")), ("CANCEL", "1"));
        assert_eq!(post.property("STATUS"), "CANCELLED");
        for name in ["UID", "DTSTART", "SUMMARY", "ORGANIZER"] {
            assert_eq!(post.property(name), first[address].property(name), "{name} stays");
        }
        assert!(post.property("DESCRIPTION").starts_with("CANCELLED: "), "{}", post.property("DESCRIPTION"));
        assert!(!post.property("ATTENDEE").contains("RSVP"));
        assert!(post.subject.starts_with("Cancelled: ") && post.says("The minister is ill."), "{}", post.text);
        assert_eq!(post.reply_to.as_deref(), Some(first[address].id.as_str()));
    }
    desk.ends(0, &["cancel", "--all"]);
    assert!(room.new_of(&desk).is_empty(), "a second time does nothing");
    let refused = desk.ends(64, &["send"]);
    assert!(refused.err.contains("`convoke reinstate --all`"), "{}", refused.err);
    desk.ends(64, &["update"]);
    // It takes place later.
    edit(&desk, HOUR);
    let ran = desk.ends(0, &["reinstate", "--all"]);
    assert!(ran.out.contains("2 mailboxes are invited again"), "{}", ran.out);
    for post in room.new_of(&desk).values() {
        assert_eq!((post.property("METHOD"), post.property("SEQUENCE")), ("REQUEST", "2"));
        assert_eq!((post.property("STATUS"), post.property("DTSTART")), ("CONFIRMED", "20170922T183000Z"));
        assert!(post.subject.starts_with("Takes place: "), "{}", post.subject);
    }
    desk.ends(0, &["reinstate", "--all"]);
    desk.ends(0, &["send"]);
    desk.ends(0, &["update"]);
    assert!(room.new_of(&desk).is_empty());
}

#[test]
fn one_invitation_is_taken_back_and_given_again() {
    let (desk, mut room, _) = invited();
    let nobody = desk.ends(64, &["cancel", "--to", "nobody@x.example"]);
    assert!(nobody.err.contains("nobody who was sent the invitation"), "{}", nobody.err);
    desk.ends(64, &["cancel"]);
    desk.ends(0, &["cancel", "--entity", "ana's office"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.keys().collect::<Vec<_>>(), ["ana@x.example"]);
    let post = &posts["ana@x.example"];
    assert_eq!((post.property("METHOD"), post.property("SEQUENCE")), ("CANCEL", "1"));
    assert!(post.subject.starts_with("Withdrawn: "), "{}", post.subject);
    assert!(post.property("DESCRIPTION").starts_with("WITHDRAWN: "));
    // Who is no longer invited hears of no change; SEQUENCE of the others is their own.
    edit(&desk, ROOM);
    desk.ends(0, &["update"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.keys().collect::<Vec<_>>(), ["eva@x.example"]);
    assert_eq!(posts["eva@x.example"].property("SEQUENCE"), "0");
    desk.ends(0, &["send"]);
    assert!(room.new_of(&desk).is_empty(), "an invitation that was taken back is not sent by itself");
    desk.ends(0, &["reinstate", "--to", "ana@x.example"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.keys().collect::<Vec<_>>(), ["ana@x.example"]);
    let post = &posts["ana@x.example"];
    assert_eq!((post.property("METHOD"), post.property("SEQUENCE")), ("REQUEST", "2"));
    assert!(post.property("LOCATION").ends_with("Conference Room 4"));
}

#[test]
fn who_left_the_lists_is_named_and_taken_back_when_asked() {
    let (desk, mut room, _) = invited();
    desk.write(
        "recipients/list.csv",
        "email,entity,kind,language,city\neva@x.example,Eva's Office,ngo,en,Bern\nnew@x.example,Ana's Office,ngo,en,Bern\n",
    );
    let ran = desk.ends(0, &["send"]);
    assert!(ran.err.contains("1 mailbox left the lists") && ran.err.contains("cancel --gone"), "{}", ran.err);
    assert!(ran.err.contains("new@x.example of the same entity is new"), "{}", ran.err);
    assert_eq!(room.new_of(&desk).keys().collect::<Vec<_>>(), ["new@x.example"]);
    desk.ends(0, &["cancel", "--gone"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.keys().collect::<Vec<_>>(), ["ana@x.example"]);
    assert_eq!(posts["ana@x.example"].property("METHOD"), "CANCEL");
    desk.ends(0, &["cancel", "--gone"]);
    let ran = desk.ends(0, &["send"]);
    assert!(room.new_of(&desk).is_empty() && !ran.err.contains("left the lists"), "{}", ran.err);
}

#[test]
fn an_invitation_that_was_not_sent_yet_is_held_back() {
    let desk = Desk::with_list(TWO);
    desk.ends(0, &["send", "--limit", "1"]);
    let mut room = Mailroom::default();
    room.new_of(&desk);
    let ran = desk.ends(0, &["cancel", "--to", "eva@x.example"]);
    assert!(ran.out.contains("1 mailbox had not been sent it yet"), "{}", ran.out);
    desk.ends(0, &["send"]);
    assert!(room.new_of(&desk).is_empty());
    desk.ends(0, &["reinstate", "--to", "eva@x.example"]);
    assert!(room.new_of(&desk).is_empty(), "`send` invites");
    desk.ends(0, &["send"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.keys().collect::<Vec<_>>(), ["eva@x.example"]);
    assert!(posts["eva@x.example"].subject.starts_with("Invitation: "));
}

#[test]
fn nothing_is_recorded_of_an_update_that_cannot_be_carried_out() {
    let (desk, mut room, _) = invited();
    edit(&desk, ROOM);
    // Without somebody's word nothing goes through a relay that can reach people.
    let asked = desk.ends(64, &["update", "--relay", "smtp://relay.invalid"]);
    assert!(asked.err.contains("add --yes 2"), "{}", asked.err);
    assert_eq!(desk.status()["event"]["revision"], 0);
    let letter = desk.read("templates/update/ngo.en.md.hbs");
    desk.write("templates/update/ngo.en.md.hbs", &letter.replace("{{salutation}}", "{{salutation}} {{before.plaec}}"));
    let found = desk.ends(78, &["check"]);
    assert!(found.err.contains("update/ngo.en") && found.err.contains("`before.place`"), "{}", found.err);
    std::fs::remove_file(desk.path.join("templates/update/ngo.en.md.hbs")).expect("removed");
    std::fs::remove_file(desk.path.join("templates/update/ngo.fr.md.hbs")).expect("removed");
    std::fs::remove_file(desk.path.join("templates/update/ngo.es.md.hbs")).expect("removed");
    let missing = desk.ends(78, &["update"]);
    assert!(missing.err.contains("write one of update/ngo.en"), "{}", missing.err);
    assert_eq!(desk.status()["event"]["revision"], 0);
    desk.write("templates/update/ngo.en.md.hbs", &letter);
    desk.ends(0, &["update"]);
    assert_eq!(room.new_of(&desk).len(), 2);
}

#[test]
fn letters_of_the_day_are_tried_before_it() {
    let desk = Desk::with_list(TWO);
    let checked = desk.ends(0, &["check"]);
    assert!(
        checked.out.contains("2 update, tried") && checked.out.contains("2 cancellation, tried"),
        "{}",
        checked.out
    );
    desk.ends(0, &["send"]);
    let tried = desk.ends(0, &["update", "--test-to", "me@host.example"]);
    assert!(tried.out.contains("nothing has changed"), "{}", tried.out);
    edit(&desk, ROOM);
    let tried = desk.ends(0, &["update", "--test-to", "me@host.example"]);
    assert!(tried.out.contains("1 test message to me@host.example; the journal was not touched"), "{}", tried.out);
    assert_eq!(desk.status()["event"]["revision"], 0);
}

#[test]
fn a_killed_update_goes_on_where_it_was() {
    const GUESTS: u64 = 300;
    let rows = (0..GUESTS).map(|n| format!("g{n}@x{}.example,Guest {n},ngo,en,Bern\n", n % 7));
    let desk = Desk::with_list(&format!("email,entity,kind,language,city\n{}", rows.collect::<String>()));
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    desk.ends(0, &["send", "--relay", &url]);
    edit(&desk, HOUR);
    let update = ["update", "--relay", url.as_str()];
    let mut child = desk.command(&update).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    while sink.accepted() < GUESTS + 40 && child.try_wait().expect("waiting").is_none() {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it is gone");
    desk.run(&update);
    let mut copies: BTreeMap<String, u64> = BTreeMap::new();
    for (recipient, _) in sink.log() {
        *copies.entry(recipient).or_default() += 1;
    }
    let doubts: serde_json::Value =
        serde_json::from_str(&desk.run(&["status", "--in-doubt", "--json"]).out).expect("JSON");
    let doubts: Vec<&str> = doubts.as_array().expect("rows").iter().filter_map(|d| d["recipient"].as_str()).collect();
    assert!(doubts.len() <= 10, "{doubts:?}");
    for (recipient, n) in &copies {
        assert!(*n == 2 || (*n == 1 && doubts.contains(&recipient.as_str())), "{recipient} has {n}");
    }
    assert_eq!(copies.len() as u64, GUESTS);
    let revision = desk.status()["event"]["revision"].clone();
    assert_eq!(revision, 1, "one revision, however often it was begun");
}

#[test]
fn a_part_is_told_first_and_the_others_later() {
    let (desk, mut room, _) = invited();
    edit(&desk, HOUR);
    desk.ends(0, &["update", "--only", "entity=Ana's Office"]);
    assert_eq!(room.new_of(&desk).keys().collect::<Vec<_>>(), ["ana@x.example"]);
    let ran = desk.ends(0, &["update"]);
    assert!(!ran.out.contains("what has changed"), "{}", ran.out);
    assert_eq!(room.new_of(&desk).keys().collect::<Vec<_>>(), ["eva@x.example"]);
    assert!(desk.ends(0, &["update"]).out.contains("nothing has changed"));
    assert_eq!(desk.status()["event"]["revision"], 1);
}

/// As version 2 left it: facts without instants and renderings, messages without the language of their object.
const AS_BEFORE: &str = "UPDATE revision SET facts = json_remove(facts, '$.renderings', '$.instants', '$.default');
                         UPDATE dispatch SET language = ''";

#[test]
fn facts_of_an_older_version_are_completed_where_the_folder_says_the_same() {
    let (desk, mut room, first) = invited();
    change(&desk, AS_BEFORE);
    desk.ends(0, &["send"]);
    assert!(room.new_of(&desk).is_empty());
    edit(&desk, ROOM);
    let ran = desk.ends(0, &["update"]);
    assert!(ran.out.contains("taken for `wording`"), "{}", ran.out);
    for (address, post) in room.new_of(&desk) {
        assert_eq!(post.property("UID"), first[&address].property("UID"));
        assert!(post.says("(before: United Nations Headquarters, Conference Room 2)"), "{}", post.text);
    }
    // Where it says something else, what has changed is told all the same.
    let (desk, mut room, _) = invited();
    change(&desk, AS_BEFORE);
    edit(&desk, HOUR);
    desk.ends(0, &["update"]);
    let posts = room.new_of(&desk);
    assert_eq!(posts.len(), 2);
    for post in posts.values() {
        assert_eq!((post.property("SEQUENCE"), post.property("DTSTART")), ("1", "20170922T183000Z"));
    }
    desk.ends(0, &["cancel", "--all"]);
    assert_eq!(room.new_of(&desk).len(), 2);
}

#[test]
fn the_sender_stays_the_same_for_good() {
    let (desk, _, _) = invited();
    edit(&desk, ("address = \"events@", "address = \"office@"));
    for verb in [&["send"][..], &["update"], &["cancel", "--all"]] {
        let refused = desk.ends(78, verb);
        assert!(refused.err.contains("those who were sent the invitation have it of"), "{}", refused.err);
    }
}

#[test]
fn an_update_tells_a_program_what_has_changed() {
    let (desk, ..) = invited();
    let told = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&desk.ends(0, arguments).out).expect("one JSON object")
    };
    edit(&desk, HOUR);
    edit(&desk, ROOM);
    let dry = told(&["update", "--dry-run", "--json"]);
    let changes = dry["changes"].as_array().expect("a list");
    let facts: Vec<_> = changes.iter().map(|c| (c["kind"].as_str(), c["what"].as_str())).collect();
    assert_eq!(facts, [(Some("material"), Some("time")), (Some("wording"), Some("place"))]);
    assert_eq!(changes[0]["from"], "3:00 p.m. \u{2013} 4:30 p.m.");
    assert_eq!(changes[0]["to"], "2:30 p.m. \u{2013} 4:30 p.m.");
    assert_eq!((dry["taken_for"].as_str(), dry["proposed"].as_str()), (Some("material"), Some("material")));
    assert_eq!(dry["would_send"], 2);
    let sent = told(&["update", "--json", "--as", "material"]);
    assert_eq!((sent["sent"].as_u64(), sent["taken_for"].as_str()), (Some(2), Some("material")));
    assert_eq!(sent["changes"], dry["changes"]);
    let none = told(&["update", "--json"]);
    assert_eq!((none["changes"].as_array().map(Vec::len), &none["taken_for"]), (Some(0), &serde_json::Value::Null));
}

#[test]
fn letters_in_other_languages_say_in_english_what_has_become_of_the_event() {
    let list = "email,entity,kind,language,city\nana@x.example,Bureau,ngo,fr,Bern\neva@x.example,Oficina,ngo,es,Bern\n";
    let desk = Desk::with_list(list);
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    assert!(room.new_of(&desk).values().all(|post| post.says("In English: Preventing and Ending")));
    edit(&desk, HOUR);
    edit(&desk, ROOM);
    desk.ends(0, &["update"]);
    let facts = "Preventing and Ending Mass Atrocities: Tools for More Effective UN Security Council Action, Friday, \
                 22 September 2017, 2:30 p.m. to 4:30 p.m. (New York time), United Nations Headquarters, Conference Room 4";
    let told = |posts: BTreeMap<String, Post>, head: &str| {
        for (address, post) in posts {
            assert!(post.says(&format!("In English ({head}): {facts}")), "{address}: {}", post.text);
        }
    };
    told(room.new_of(&desk), "changed");
    desk.ends(0, &["cancel", "--to", "eva@x.example"]);
    told(room.new_of(&desk), "invitation withdrawn");
    desk.ends(0, &["cancel", "--all"]);
    told(room.new_of(&desk), "cancelled");
    desk.ends(0, &["reinstate", "--all"]);
    told(room.new_of(&desk), "takes place after all");
}

/// The short form of every entity and of every mailbox against the long one.
fn short_forms_agree(desk: &Desk) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open_reading(&desk.path).await.expect("the journal");
        let (mut long, mut short, mut mailboxes) = (Vec::new(), Vec::new(), Vec::new());
        store
            .each_entity(false, |entity| {
                let facts = (entity.is_reached(), entity.is_withdrawn(), entity.is_invited(), entity.silent_since());
                let (answer, persons) = (entity.position.participation, entity.position.persons);
                for mailbox in &entity.mailboxes {
                    mailboxes.push((
                        mailbox.id,
                        mailbox.status,
                        entity.is_reached(),
                        answer,
                        persons,
                        entity.silent_since(),
                    ));
                }
                long.push(format!("{:?}", (&entity.name, entity.kind, facts, &entity.position)));
            })
            .await
            .expect("entities");
        store
            .each_standing(|entity| {
                let facts = (entity.is_reached, entity.is_withdrawn, entity.is_invited, entity.silent_since);
                short.push(format!("{:?}", (&entity.name, entity.kind, facts, &entity.position)));
            })
            .await
            .expect("entities");
        assert_eq!(short, long);
        let known = store.known_mailboxes().await.expect("mailboxes");
        for (id, status, is_reached, answer, persons, silent_since) in mailboxes {
            let one = known.of(id);
            assert_eq!((one.status, one.is_reached, one.answer, one.persons), (status, is_reached, answer, persons));
            assert_eq!(one.silent_since, silent_since);
        }
        assert!(known.of(-1).status.is_none() && known.of(1_000_000).status.is_none());
    });
}

#[test]
fn short_forms_of_entities_say_what_the_long_ones_do() {
    let desk =
        Desk::with_list(&format!("{TWO}eva2@x.example,Eva's Office,ngo,fr,Bern\nzoe@x.example,Zoe,ngo,es,Bern\n"));
    // Before anything is sent, and with one of an entity's two mailboxes reached.
    desk.ends(0, &["plan", "--by", "Ana"]);
    short_forms_agree(&desk);
    desk.ends(0, &["send", "--limit", "2"]);
    short_forms_agree(&desk);
    desk.ends(0, &["send"]);
    accepts(&desk, "ana@x.example");
    desk.ends(0, &["note", "Zoe", "--accepted", "--persons", "3", "--by", "Ana \"A\"", "--comment", "été\n, {}"]);
    short_forms_agree(&desk);
    edit(&desk, HOUR);
    desk.ends(0, &["update"]);
    short_forms_agree(&desk);
    desk.ends(0, &["note", "Ana's Office", "--declined", "--by", "Ana"]);
    desk.ends(0, &["cancel", "--to", "eva@x.example"]);
    short_forms_agree(&desk);
    desk.ends(0, &["cancel", "--entity", "Zoe"]);
    desk.write("recipients/list.csv", TWO);
    desk.ends(0, &["send", "--dry-run"]);
    short_forms_agree(&desk);
    desk.ends(0, &["cancel", "--all"]);
    short_forms_agree(&desk);
    desk.ends(0, &["reinstate", "--all"]);
    short_forms_agree(&desk);
}
