//! Reminders and letters: who gets them, with which calendar entry, and who does not.

use std::collections::{BTreeMap, BTreeSet};

use mail_parser::{Message, MessageParser, MimeHeaders as _};
use serde_json::Value;

use convoke::calendar::PartStat;

use crate::answers::answer_for;
use crate::desk::Desk;
use crate::sink::Sink;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The decoded calendar parts of a message.
fn calendars(message: &Message<'_>) -> Vec<Vec<u8>> {
    let is_calendar = |part: &&mail_parser::MessagePart<'_>| {
        part.is_content_type("text", "calendar") || part.is_content_type("application", "ics")
    };
    message.parts.iter().filter(is_calendar).map(|part| part.contents().to_vec()).collect()
}

/// The messages that came since there were `before`, by recipient: subject, text, calendar parts.
fn since(desk: &Desk, before: usize) -> BTreeMap<String, (String, String, Vec<Vec<u8>>)> {
    let messages = desk.outbox();
    let mut found = BTreeMap::new();
    for octets in &messages[before..] {
        let message = MessageParser::default().parse(octets).expect("a message");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("To").to_owned();
        let text = message.body_text(0).expect("a text part").into_owned();
        let subject = message.subject().expect("a subject").to_owned();
        assert!(found.insert(to, (subject, text, calendars(&message))).is_none(), "nobody gets two");
    }
    found
}

/// The missions of the sample alone, without a limit of the rate.
fn missions() -> Desk {
    let desk = Desk::sample();
    let settings = desk.read("convoke.toml");
    let settings = settings
        .replace(
            "files = [\"recipients/missions.csv\", \"recipients/ngos.csv\"]",
            "files = [\"recipients/missions.csv\"]",
        )
        .replace("rate = \"200/s\"", "retry_after = [\"1s\"]");
    desk.write("convoke.toml", &settings);
    desk
}

#[test]
fn the_silent_are_reminded_with_the_same_octets_and_not_twice() {
    let desk = missions();
    desk.ends(0, &["send"]);
    let invited = since(&desk, 0);
    let rows: Value = json(&desk.ends(0, &["export", "--format", "json"]).out);
    let mut mailboxes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows.as_array().expect("rows") {
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        mailboxes.entry(text("entity")).or_default().push(text("address"));
    }
    assert_eq!(mailboxes.len(), 195);
    // Of 30 entities one mailbox answers, whatever it says; of some of them there is another mailbox.
    let mut answering: Vec<&Vec<String>> = mailboxes.values().filter(|addresses| addresses.len() > 1).collect();
    assert!(!answering.is_empty());
    answering.extend(mailboxes.values().filter(|addresses| addresses.len() == 1));
    let first: Vec<String> = answering.iter().take(30).map(|addresses| addresses[0].clone()).collect();
    answer_for(&desk, &first[..20], PartStat::Accepted, 10);
    answer_for(&desk, &first[20..], PartStat::Declined, 20);
    let silent: BTreeSet<String> =
        mailboxes.values().filter(|addresses| !first.contains(&addresses[0])).flatten().cloned().collect();

    // They were written to a moment ago.
    let lately = desk.ends(0, &["remind"]);
    assert!(lately.out.contains("165 not: written to lately"), "{}", lately.out);
    assert!(lately.out.contains("nobody is to be reminded"), "{}", lately.out);
    let dry = desk.ends(0, &["remind", "--not-within", "0s", "--dry-run"]);
    assert!(dry.out.contains("165 entities are to be reminded"), "{}", dry.out);
    assert!(dry.out.contains("30 not: answered"), "{}", dry.out);
    assert_eq!(desk.outbox().len(), invited.len(), "nothing was sent");

    desk.ends(0, &["remind", "--not-within", "0s"]);
    let reminded = since(&desk, invited.len());
    assert_eq!(reminded.keys().cloned().collect::<BTreeSet<_>>(), silent);
    for (to, (subject, _, calendars)) in &reminded {
        assert_eq!(calendars.len(), 2, "{to}");
        assert_eq!(calendars, &invited[to].2, "{to}: the very octets that it was sent");
        assert_ne!(subject, &invited[to].0, "{to}");
    }
    let again = desk.ends(0, &["remind", "--json"]);
    assert_eq!(json(&again.out)["reminder"]["not"]["written to lately"], 165, "{}", again.out);
    assert_eq!(desk.outbox().len(), invited.len() + reminded.len());
}

const LIST: &str = "email,entity,kind,language,city\n\
                    a@x.example,Forum A,ngo,en,Bern\n\
                    b@x.example,Forum B,ngo,en,Bern\n\
                    c@x.example,Forum C,ngo,fr,Paris\n\
                    d@x.example,Forum D,ngo,es,Madrid\n";

#[test]
fn with_everyone_those_who_answered_get_a_plain_reminder() {
    let desk = Desk::with_list(LIST);
    desk.ends(0, &["send"]);
    desk.ends(0, &["note", "forum a", "--accepted"]);
    desk.ends(0, &["suppress", "d@x.example"]);
    desk.ends(0, &["remind", "--everyone", "--not-within", "0s"]);
    let reminded = since(&desk, 4);
    assert_eq!(reminded.keys().map(String::as_str).collect::<Vec<_>>(), ["a@x.example", "b@x.example", "c@x.example"]);
    let (_, text, calendars) = &reminded["a@x.example"];
    assert!(calendars.is_empty() && text.contains("Thank you for your answer"), "{text}");
    let (_, text, calendars) = &reminded["b@x.example"];
    assert!(calendars.len() == 2 && text.contains("We should be grateful to hear"), "{text}");
    assert!(reminded["c@x.example"].0.starts_with("Rappel"), "in its language");
}

#[test]
fn an_interrupted_reminder_goes_on_and_leaves_out_who_answered_meanwhile() {
    let desk = Desk::with_list(LIST);
    desk.ends(0, &["send"]);
    desk.ends(0, &["remind", "--not-within", "0s", "--limit", "1"]);
    assert_eq!(since(&desk, 4).keys().cloned().collect::<Vec<_>>(), ["a@x.example"]);
    desk.ends(0, &["note", "forum c", "--declined"]);
    let on = desk.ends(0, &["remind"]);
    assert!(on.out.contains("1 reminder taken back") && on.out.contains("goes on first"), "{}", on.out);
    assert_eq!(since(&desk, 5).keys().cloned().collect::<Vec<_>>(), ["b@x.example", "d@x.example"]);
    assert_eq!(desk.standing("SENT"), 4, "the invitations stand as they stood");
}

#[test]
fn where_silence_means_presence_nobody_is_asked() {
    let desk = Desk::with_list(LIST);
    let settings = desk.read("convoke.toml").replacen("[event]", "[event]\nanswers = \"regrets-only\"", 1);
    desk.write("convoke.toml", &settings);
    desk.ends(0, &["send"]);
    desk.ends(0, &["note", "forum b", "--declined"]);
    let nobody = desk.ends(0, &["remind", "--not-within", "0s"]);
    assert!(nobody.out.contains("silence means presence"), "{}", nobody.out);
    assert_eq!(desk.outbox().len(), 4);
    desk.ends(0, &["remind", "--not-within", "0s", "--everyone"]);
    let reminded = since(&desk, 4);
    assert_eq!(reminded.keys().map(String::as_str).collect::<Vec<_>>(), ["a@x.example", "c@x.example", "d@x.example"]);
    assert!(reminded.values().all(|(_, _, calendars)| calendars.is_empty()));
}

#[test]
fn a_letter_goes_to_whoever_is_chosen_once() {
    let desk = Desk::with_list(LIST);
    assert_eq!(desk.run(&["write", "thanks"]).code, 74, "nobody was invited yet");
    desk.ends(0, &["send", "--only", "city!=Madrid"]);
    desk.ends(0, &["note", "forum a", "--accepted"]);
    desk.ends(0, &["note", "forum c", "--accepted"]);
    let dry = desk.ends(0, &["write", "thanks", "--only", "answer=accepted", "--dry-run"]);
    assert!(dry.out.contains("dry run: 2 messages would be sent"), "{}", dry.out);
    desk.ends(0, &["write", "thanks", "--only", "answer=accepted"]);
    let thanked = since(&desk, 3);
    assert_eq!(thanked.keys().map(String::as_str).collect::<Vec<_>>(), ["a@x.example", "c@x.example"]);
    assert!(thanked.values().all(|(subject, _, calendars)| calendars.is_empty() && !subject.is_empty()));
    // Run again it adds whoever has come since, by the same conditions.
    desk.ends(0, &["note", "forum b", "--accepted"]);
    desk.ends(0, &["write", "thanks"]);
    assert_eq!(since(&desk, 5).keys().map(String::as_str).collect::<Vec<_>>(), ["b@x.example"]);
    desk.ends(0, &["write", "thanks"]);
    assert_eq!(desk.outbox().len(), 6);
    // Without conditions a new mailing goes to everybody who was reached, and to nobody else.
    desk.ends(0, &["write", "thanks", "--again"]);
    assert_eq!(since(&desk, 6).len(), 3);
    let unknown = desk.ends(64, &["write", "thank"]).err;
    assert!(unknown.contains("there are no letters in `templates/thank`; did you mean `thanks`?"), "{unknown}");
    desk.ends(64, &["write", "invitation"]);
}

#[test]
fn a_letter_that_cannot_be_made_for_somebody_goes_to_nobody() {
    let desk = Desk::with_list(LIST);
    desk.ends(0, &["send"]);
    desk.write(
        "templates/notes/ngo.en.md.hbs",
        "+++\nsubject = \"Notes\"\nregister = \"letter\"\n+++\n{{salutation}}\n\nTo {{title}} in {{city}}.\n",
    );
    let refused = desk.ends(78, &["write", "notes"]).err;
    assert!(refused.contains("templates/notes/ngo.en.md.hbs"), "{refused}");
    assert_eq!(desk.outbox().len(), 4);
    let sink = Sink::start(&desk.path);
    desk.write(
        "templates/notes/ngo.en.md.hbs",
        "+++\nsubject = \"Notes\"\nregister = \"letter\"\n+++\n{{salutation}}\n\nSee you in {{city}}.\n",
    );
    desk.ends(0, &["write", "notes", "--relay", &sink.url()]);
    assert_eq!(sink.log().len(), 4);
}
