//! A conference of three sessions: each guest has an invitation to each of theirs, and each session a life of its own.

use std::collections::{BTreeMap, BTreeSet};

use mail_parser::{MessageParser, MimeHeaders as _};
use serde_json::Value;

use crate::book::change;
use crate::desk::{Desk, repository};

const SESSIONS: &str = "
[[session]]
id = \"dinner\"
title = \"Closing dinner\"
place = \"Garden Pavilion\"
start = 2030-06-02T19:00:00
end = 2030-06-02T22:00:00

[[session]]
id = \"opening\"
title = { en = \"Opening of the conference\", fr = \"Ouverture de la conférence\" }
start = 2030-06-01T09:00:00
end = 2030-06-01T12:00:00

[[session]]
id = \"lunch\"
title = \"Working lunch\"
place = \"Delegates Dining Room\"
start = 2030-06-01T13:00:00
end = 2030-06-01T14:30:00
";
/// In the order of the event.
const IDS: [&str; 3] = ["opening", "lunch", "dinner"];
const LETTER: &str = "+++
subject = \"{{event.title}} ({{session.event}})\"
register = \"ordinary\"
+++
{{salutation}}

{{event.title}} (session {{session.id}}): {{date session.start}}, {{time event.start}}, {{session.place}}, {{event.zone_name}}.

{{#each sessions as |one|}}
{{#if one.is_this}}
{{else}}
- also: {{one.title}}, {{date one.start}}, {{one.place}}
{{/if}}
{{/each}}

{{close}}
";

/// Which cell the guest of a number has.
fn cell(n: usize) -> &'static str {
    ["all", "opening", "opening; dinner", "Dinner lunch", "lunch;"][n % 5]
}

/// To what that invites.
fn invited(n: usize) -> BTreeSet<&'static str> {
    match n % 5 {
        0 => IDS.into(),
        1 => ["opening"].into(),
        2 => ["opening", "dinner"].into(),
        3 => ["lunch", "dinner"].into(),
        _ => ["lunch"].into(),
    }
}

const GUESTS: usize = 20;

fn address(n: usize) -> String {
    format!("guest{n:02}@x.example")
}

fn row(n: usize, sessions: &str) -> String {
    format!("{},Organisation {n:02},ngo,en,Bern,{sessions}\n", address(n))
}

fn list(more: &str) -> String {
    let rows: String = (0..GUESTS).map(|n| row(n, cell(n))).collect();
    format!("email,entity,kind,language,city,sessions\n{rows}{more}")
}

fn conference() -> Desk {
    let desk = Desk::with_list(&list(""));
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &format!("{settings}\n{SESSIONS}"));
    desk.write("templates/invitation/ngo.en.md.hbs", LETTER);
    desk
}

fn edit(desk: &Desk, file: &str, from: &str, to: &str) {
    let text = desk.read(file);
    assert!(text.contains(from), "{from}");
    desk.write(file, &text.replace(from, to));
}

/// A message that left.
#[derive(Clone, Debug)]
struct Post {
    to: String,
    id: String,
    reply_to: Option<String>,
    subject: String,
    text: String,
    /// The calendar object, unfolded; empty without one.
    calendar: String,
}

impl Post {
    fn read(octets: &[u8]) -> Self {
        let message = MessageParser::default().parse(octets).expect("a message");
        let calendars: Vec<String> = message
            .parts
            .iter()
            .filter(|part| part.is_content_type("text", "calendar") || part.is_content_type("application", "ics"))
            .map(|part| String::from_utf8(part.contents().to_vec()).expect("UTF-8").replace("\r\n ", ""))
            .collect();
        assert!(calendars.windows(2).all(|two| two[0] == two[1]), "both copies");
        let calendar = calendars.first().cloned().unwrap_or_default();
        assert!(calendar.matches("BEGIN:VEVENT").count() <= 1, "one object each");
        Self {
            to: message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("To").to_owned(),
            id: message.message_id().expect("a Message-ID").to_owned(),
            reply_to: message.in_reply_to().as_text().map(str::to_owned),
            subject: message.subject().expect("a subject").to_owned(),
            text: message.body_text(0).expect("a text").split_whitespace().collect::<Vec<_>>().join(" "),
            calendar,
        }
    }

    /// The value of a property, with its parameters.
    fn property(&self, name: &str) -> &str {
        let line =
            self.calendar.lines().find(|line| line.starts_with(name) && line[name.len()..].starts_with([':', ';']));
        line.map(|line| &line[name.len() + 1..]).unwrap_or_default()
    }

    /// Which session it is of, by what only that one says.
    fn session(&self) -> &'static str {
        match self.property("SUMMARY").split(['(', ';']).next().unwrap_or_default().trim() {
            "Opening of the conference" => "opening",
            "Working lunch" => "lunch",
            "Closing dinner" => "dinner",
            other => panic!("`{other}` is no session"),
        }
    }
}

/// What came into the outbox since the last look, by address and session.
#[derive(Default)]
struct Mailroom(BTreeSet<String>);

impl Mailroom {
    fn new_of(&mut self, desk: &Desk) -> Vec<Post> {
        let all = desk.outbox().into_iter().map(|octets| Post::read(&octets));
        all.filter(|post| self.0.insert(post.id.clone())).collect()
    }

    fn by_session(&mut self, desk: &Desk) -> BTreeMap<(String, &'static str), Post> {
        let new = self.new_of(desk);
        let count = new.len();
        let sorted: BTreeMap<_, _> = new.into_iter().map(|post| ((post.to.clone(), post.session()), post)).collect();
        assert_eq!(sorted.len(), count, "one message for each guest and session");
        sorted
    }
}

/// Whom a session invites.
fn guests_of(session: &str) -> BTreeSet<String> {
    (0..GUESTS).filter(|n| invited(*n).contains(session)).map(address).collect()
}

fn addresses<'p>(posts: impl IntoIterator<Item = &'p Post>) -> BTreeSet<String> {
    posts.into_iter().map(|post| post.to.clone()).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// `status --json` of one session.
fn status(desk: &Desk, session: &str) -> Value {
    let all = desk.status();
    let found = all["sessions"].as_array().expect("sessions").iter().find(|one| one["id"] == session);
    found.expect(session).clone()
}

/// An answer as a calendar sends it.
fn answer(post: &Post, partstat: &str) -> String {
    let (uid, to) = (post.property("UID"), &post.to);
    format!(
        "From: {to}\r\nTo: events@host.example\r\nSubject: {partstat}\r\nMessage-ID: <{partstat}.{uid}>\r\n\
         Date: Fri, 1 Sep 2017 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/calendar; method=REPLY; charset=UTF-8\r\n\r\n\
         BEGIN:VCALENDAR\r\nPRODID:-//x//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20170901T090000Z\r\nSEQUENCE:{}\r\nATTENDEE;PARTSTAT={partstat}:mailto:{to}\r\nEND:VEVENT\r\n\
         END:VCALENDAR\r\n",
        post.property("SEQUENCE").parse::<u32>().unwrap_or(0)
    )
}

fn reads(desk: &Desk, folder: &str, mails: &[String]) {
    for (n, mail) in mails.iter().enumerate() {
        desk.write(&format!("{folder}/{n:03}.eml"), mail);
    }
    desk.ends(0, &["replies", "--from", folder]);
}

#[test]
fn each_guest_gets_the_invitations_of_their_sessions_and_no_other() {
    let desk = conference();
    let checked = json(&desk.ends(0, &["check", "--json"]).out);
    let expected: usize = (0..GUESTS).map(|n| invited(n).len()).sum();
    assert_eq!(checked["to_be_sent"], expected);
    assert_eq!(checked["mailboxes"], GUESTS);
    for (n, session) in IDS.into_iter().enumerate() {
        assert_eq!(
            checked["sessions"][n],
            serde_json::json!({ "id": session, "to_be_sent": guests_of(session).len() })
        );
    }
    desk.ends(0, &["preview"]);
    let previewed = std::fs::read_dir(desk.path.join("preview")).expect("a folder");
    let previewed: BTreeSet<String> =
        previewed.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(previewed.iter().filter(|name| name.ends_with(".eml")).count(), expected);
    assert!(previewed.iter().any(|name| name.ends_with("guest00@x.example.lunch.eml")), "{previewed:?}");
    let printed = desk.ends(0, &["preview", "--to", "guest02@x.example"]).out;
    assert!(printed.contains("Opening of the conference") && printed.contains("Closing dinner"), "{printed}");

    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let posts = room.by_session(&desk);
    for n in 0..GUESTS {
        let got: BTreeSet<&str> =
            posts.keys().filter(|(to, _)| *to == address(n)).map(|(_, session)| *session).collect();
        assert_eq!(got, invited(n), "guest {n} of `{}`", cell(n));
    }
    assert_eq!(posts.values().map(|post| post.property("UID")).collect::<BTreeSet<_>>().len(), expected);
    for ((to, session), post) in &posts {
        let (start, place, title) = match *session {
            // New York keeps summer time in June.
            "opening" => ("20300601T130000Z", "Headquarters", "Opening of the conference"),
            "lunch" => ("20300601T170000Z", "Delegates Dining Room", "Working lunch"),
            _ => ("20300602T230000Z", "Garden Pavilion", "Closing dinner"),
        };
        assert_eq!(post.property("DTSTART"), start, "{to} {session}");
        assert!(post.property("LOCATION").contains(place), "{}", post.property("LOCATION"));
        assert!(post.text.contains(&format!("{title} (session {session})")), "{}", post.text);
        assert!(post.subject.contains("Mass Atrocities"), "the whole event's title: {}", post.subject);
        assert_eq!(post.reply_to, None, "each session begins a correspondence of its own");
        let guest: usize = to[5..7].parse().expect("a number");
        for other in IDS.into_iter().filter(|other| other != session) {
            let title = [("opening", "Opening of"), ("lunch", "Working lunch"), ("dinner", "Closing dinner")]
                .into_iter()
                .find(|(id, _)| *id == other)
                .map(|(_, title)| format!("also: {title}"))
                .expect("a title");
            assert_eq!(post.text.contains(&title), invited(guest).contains(other), "{to} {session}: {}", post.text);
        }
    }
    let again = desk.ends(0, &["send"]);
    assert!(again.out.contains("everybody has been sent to"), "{}", again.out);
    assert!(room.new_of(&desk).is_empty());
    for session in IDS {
        assert_eq!(status(&desk, session)["states"]["SENT"], guests_of(session).len(), "{session}");
    }
    let rows = json(&desk.ends(0, &["export", "--format", "json"]).out);
    let rows = rows.as_array().expect("rows");
    assert_eq!(rows.len(), expected);
    assert!(rows.iter().all(|row| IDS.contains(&row["session"].as_str().expect("a session"))));
    let lunch = desk.ends(0, &["export", "--session", "lunch"]).out;
    assert_eq!(lunch.lines().count(), 1 + guests_of("lunch").len());
    assert!(lunch.lines().next().expect("headings").ends_with(",session"));
}

#[test]
fn a_session_that_moves_is_told_to_its_guests_alone() {
    let desk = conference();
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let first = room.by_session(&desk);
    // One guest of the lunch answers, and one of the dinner.
    let lunch = &first[&(address(0), "lunch")];
    let dinner = &first[&(address(0), "dinner")];
    reads(&desk, "answers", &[answer(lunch, "ACCEPTED"), answer(dinner, "DECLINED")]);
    assert_eq!(status(&desk, "lunch")["answers"]["all"]["accepted"], 1);

    edit(&desk, "convoke.toml", "2030-06-01T13:00:00", "2030-06-01T12:30:00");
    let refused = desk.ends(78, &["send"]);
    assert!(refused.err.contains("the session `lunch` differs from what 12 messages say"), "{}", refused.err);
    let told = desk.ends(0, &["update"]);
    assert!(told.out.contains("what has changed of the session `lunch`"), "{}", told.out);
    assert!(!told.out.contains("`opening`") && !told.out.contains("`dinner`"), "{}", told.out);
    let updates = room.by_session(&desk);
    assert_eq!(addresses(updates.values()), guests_of("lunch"));
    for ((to, session), post) in &updates {
        assert_eq!(*session, "lunch");
        let before = &first[&(to.clone(), "lunch")];
        assert_eq!(post.property("UID"), before.property("UID"));
        assert_eq!((post.property("SEQUENCE"), before.property("SEQUENCE")), ("1", "0"));
        assert_eq!(post.property("DTSTART"), "20300601T163000Z");
        assert_eq!(post.reply_to.as_deref(), Some(before.id.as_str()), "in the correspondence of this session");
        assert!(post.calendar.contains("PARTSTAT=NEEDS-ACTION"));
    }
    // The answer to the lunch is asked anew, that to the dinner stands.
    assert_eq!(status(&desk, "lunch")["answers"]["all"]["asked-again"], 1);
    assert_eq!(status(&desk, "dinner")["answers"]["all"]["declined"], 1);
    let again = desk.ends(0, &["update"]);
    assert!(again.out.contains("nothing has changed"), "{}", again.out);

    // Two sessions at once: each is told by itself, with its own SEQUENCE.
    edit(&desk, "convoke.toml", "2030-06-01T12:30:00", "2030-06-01T12:45:00");
    edit(&desk, "convoke.toml", "2030-06-02T19:00:00", "2030-06-02T20:00:00");
    let one = desk.ends(0, &["update", "--session", "dinner"]);
    assert!(one.out.contains("`dinner`") && !one.out.contains("`lunch`"), "{}", one.out);
    let dinners = room.by_session(&desk);
    assert_eq!(addresses(dinners.values()), guests_of("dinner"));
    assert!(dinners.values().all(|post| post.property("SEQUENCE") == "1"));
    desk.ends(0, &["update"]);
    let lunches = room.by_session(&desk);
    assert_eq!(addresses(lunches.values()), guests_of("lunch"));
    assert!(lunches.values().all(|post| post.property("SEQUENCE") == "2"), "the second of the lunch");
    let life = desk.ends(0, &["status"]).out;
    for line in ["session `opening`: Opening of the conference", "session `lunch`: Working lunch"] {
        assert!(life.contains(line), "{life}");
    }
    assert_eq!(desk.ends(64, &["update", "--session", "diner"]).err.matches("did you mean `dinner`?").count(), 1);
}

#[test]
fn a_session_is_called_off_and_the_others_stay() {
    let desk = conference();
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let first = room.by_session(&desk);
    let off = desk.ends(0, &["cancel", "--all", "--session", "dinner", "--reason", "storm"]);
    assert!(off.out.contains("the session `dinner` is called off: 12 mailboxes are told"), "{}", off.out);
    let cancelled = room.by_session(&desk);
    assert_eq!(addresses(cancelled.values()), guests_of("dinner"));
    for ((to, session), post) in &cancelled {
        assert_eq!((post.property("METHOD"), post.property("SEQUENCE")), ("CANCEL", "1"));
        assert_eq!(post.property("UID"), first[&(to.clone(), *session)].property("UID"));
    }
    // Whoever comes now is invited to what takes place; the letters name no dinner any more.
    desk.write("recipients/list.csv", &list(&row(77, "all")));
    desk.ends(0, &["send"]);
    let late = room.by_session(&desk);
    assert_eq!(late.keys().map(|(_, session)| *session).collect::<BTreeSet<_>>(), ["opening", "lunch"].into());
    assert!(late.values().all(|post| post.to == address(77) && !post.text.contains("dinner")));
    assert!(desk.ends(64, &["update", "--session", "dinner"]).err.contains("the session `dinner` was called off"));
    assert_eq!(status(&desk, "dinner")["event"]["is_cancelled"], true);
    assert_eq!(status(&desk, "opening")["event"]["is_cancelled"], false);

    // It takes place after all: those who were told so hear of it, and the late one is invited.
    desk.ends(0, &["reinstate", "--all", "--session", "dinner"]);
    let back = room.by_session(&desk);
    assert_eq!(addresses(back.values()), guests_of("dinner"));
    assert!(back.values().all(|post| post.property("METHOD") == "REQUEST" && post.property("SEQUENCE") == "2"));
    desk.ends(0, &["send"]);
    let dinner = room.by_session(&desk);
    assert_eq!(dinner.keys().cloned().collect::<Vec<_>>(), [(address(77), "dinner")]);
    assert_eq!(dinner[&(address(77), "dinner")].property("SEQUENCE"), "2", "as those who know it");

    // One guest is taken off one session by a person, and keeps the other.
    desk.ends(0, &["cancel", "--to", &address(2), "--session", "opening"]);
    let one = room.by_session(&desk);
    assert_eq!(one.keys().cloned().collect::<Vec<_>>(), [(address(2), "opening")]);
    // All of the event: every session.
    let all = desk.ends(0, &["cancel", "--all"]);
    assert_eq!(all.out.matches("is called off").count(), 3, "{}", all.out);
    assert!(desk.ends(64, &["send"]).err.contains("the event was called off"));
}

#[test]
fn answers_reminders_and_notes_are_of_one_session() {
    let desk = conference();
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let first = room.by_session(&desk);
    let of = |session: &'static str| first.values().filter(move |post| post.session() == session);
    let mails: Vec<String> = of("opening").take(5).map(|post| answer(post, "ACCEPTED")).collect();
    let answered: BTreeSet<String> = of("opening").take(5).map(|post| post.to.clone()).collect();
    reads(&desk, "answers", &mails);
    assert_eq!(status(&desk, "opening")["answers"]["all"]["accepted"], 5);
    for other in ["lunch", "dinner"] {
        assert_eq!(status(&desk, other)["answers"]["all"]["accepted"], 0, "{other}");
    }
    // The silent of the opening, with the very objects of the opening.
    desk.ends(0, &["remind", "--session", "opening", "--not-within", "0s"]);
    let reminded = room.by_session(&desk);
    let silent: BTreeSet<String> = guests_of("opening").difference(&answered).cloned().collect();
    assert_eq!(addresses(reminded.values()), silent);
    for (key, post) in &reminded {
        assert_eq!(post.calendar, first[key].calendar, "{key:?}");
    }
    // All sessions: one for each that has not answered it.
    desk.ends(0, &["remind", "--not-within", "0s"]);
    let all = room.by_session(&desk);
    for session in IDS {
        let got: BTreeSet<String> = all.keys().filter(|(_, of)| *of == session).map(|(to, _)| to.clone()).collect();
        let expected = if session == "opening" { silent.clone() } else { guests_of(session) };
        assert_eq!(got, expected, "{session}");
    }

    // A note says of which session it is.
    let refused = desk.ends(64, &["note", "organisation 03", "--declined"]);
    assert!(refused.err.contains("add --session with one of opening, lunch, dinner"), "{}", refused.err);
    desk.ends(0, &["note", "organisation 03", "--declined", "--session", "lunch"]);
    assert_eq!(status(&desk, "lunch")["answers"]["all"]["declined"], 1);
    assert_eq!(status(&desk, "dinner")["answers"]["all"]["declined"], 0);
    let shown = desk.ends(0, &["note", "organisation 03"]).out;
    assert!(shown.contains("session `opening`: Organisation 03 is not invited"), "{shown}");
    assert!(shown.contains("session `dinner`:\nOrganisation 03: "), "{shown}");
    // Who is silent, and who stands how, is asked session by session.
    let asks = desk.ends(64, &["send", "--only", "answer=silent"]);
    assert!(asks.err.contains("add --session with one of"), "{}", asks.err);
    desk.ends(0, &["send", "--only", "answer=silent", "--session", "lunch", "--dry-run"]);
    let declined = desk.ends(0, &["export", "--only", "answer=declined"]).out;
    assert!(declined.lines().skip(1).all(|line| line.ends_with(",lunch")), "{declined}");
    assert!(declined.lines().count() > 1);

    let report = json(&desk.ends(0, &["report", "--answers", "--json"]).out);
    let sessions: Vec<&str> = report["sessions"]
        .as_array()
        .expect("sessions")
        .iter()
        .map(|one| one["session"].as_str().expect("an id"))
        .collect();
    assert_eq!(sessions, IDS);
    desk.ends(0, &["report", "--answers"]);
    let page = desk.read("reports/answers-lunch.html");
    assert!(page.contains("Working lunch") && page.contains("Organisation 04"), "the page of the lunch");
    assert!(!page.contains("Organisation 01"), "who is not invited to it is not on it");
}

#[test]
fn a_letter_that_answers_is_of_the_session_that_it_answers_or_of_the_one_that_a_person_names() {
    let desk = conference();
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let first = room.by_session(&desk);
    let letter = |n: usize, refers: &str| {
        format!(
            "From: {}\r\nTo: events@host.example\r\nSubject: Re: dinner\r\nMessage-ID: <letter{n}@x.example>\r\n{refers}\
             Date: Fri, 1 Sep 2017 09:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n\
             Thank you, please see our note.\r\n",
            address(n)
        )
    };
    let dinner = &first[&(address(2), "dinner")];
    reads(&desk, "letters", &[letter(2, &format!("In-Reply-To: <{}>\r\n", dinner.id)), letter(3, "")]);
    let cards: Vec<Value> = desk.ends(0, &["triage", "--json"]).out.lines().map(json).collect();
    let card = |n: usize| cards.iter().find(|card| card["address"] == address(n)).expect("a card");
    assert_eq!(card(2)["session"], "dinner");
    assert_eq!(card(3)["session"], Value::Null);
    desk.ends(0, &["triage", &card(2)["id"].to_string(), "--accepted", "--persons", "2"]);
    assert_eq!(status(&desk, "dinner")["answers"]["all"]["persons"], 2);
    assert_eq!(status(&desk, "opening")["answers"]["all"]["persons"], 0);
    let number = card(3)["id"].to_string();
    assert!(desk.ends(64, &["triage", &number, "--declined"]).err.contains("add --session"));
    desk.ends(0, &["triage", &number, "--declined", "--session", "lunch"]);
    assert_eq!(status(&desk, "lunch")["answers"]["all"]["declined"], 1);
}

#[test]
fn a_letter_without_an_entry_goes_to_each_guest_once() {
    let desk = conference();
    desk.write(
        "templates/bus/ngo.en.md.hbs",
        "+++\nsubject = \"Buses to {{event.title}}\"\nregister = \"ordinary\"\n+++\n{{salutation}}\n\n\
         {{#each sessions as |one|}}\n- {{one.title}}\n{{/each}}\n\n{{close}}\n",
    );
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    room.by_session(&desk);
    desk.ends(0, &["write", "bus"]);
    let letters = room.new_of(&desk);
    assert_eq!((letters.len(), addresses(&letters).len()), (GUESTS, GUESTS));
    assert!(letters.iter().all(|post| post.calendar.is_empty() && post.subject.contains("Mass Atrocities")));
    let both = letters.iter().find(|post| post.to == address(2)).expect("a letter");
    assert!(both.text.contains("Opening of the conference") && both.text.contains("Closing dinner"), "{}", both.text);
    assert!(!both.text.contains("lunch"));
    // That of a session is another mailing, to its guests.
    desk.ends(0, &["write", "bus", "--session", "dinner"]);
    let letters = room.new_of(&desk);
    assert_eq!(addresses(&letters), guests_of("dinner"));
    assert!(letters.iter().all(|post| post.subject.contains("Closing dinner")));
    desk.ends(0, &["write", "bus"]);
    assert!(room.new_of(&desk).is_empty(), "nobody gets it twice");
}

#[test]
fn whom_the_lists_invite_to_more_or_less_later() {
    let desk = conference();
    desk.ends(0, &["send", "--session", "opening"]);
    let mut room = Mailroom::default();
    let opening = room.by_session(&desk);
    assert_eq!(addresses(opening.values()), guests_of("opening"));
    assert!(opening.keys().all(|(_, session)| *session == "opening"));
    // Guest 1 is invited to the dinner too; guest 2 no longer; guest 0 not to the opening, which it has.
    let changed = list("")
        .replace(&row(1, cell(1)), &row(1, "opening; dinner"))
        .replace(&row(2, cell(2)), &row(2, "opening"))
        .replace(&row(0, cell(0)), &row(0, "lunch; dinner"));
    desk.write("recipients/list.csv", &changed);
    let sent = desk.ends(0, &["send"]);
    assert!(sent.err.contains("1 mailbox left the session `opening` or the lists"), "{}", sent.err);
    assert!(sent.err.contains("cancel --gone --session opening"), "{}", sent.err);
    let rest = room.by_session(&desk);
    let dinner: BTreeSet<String> = rest.keys().filter(|(_, of)| *of == "dinner").map(|(to, _)| to.clone()).collect();
    let mut expected = guests_of("dinner");
    expected.remove(&address(2));
    expected.insert(address(1));
    assert_eq!(dinner, expected);
    assert!(rest.keys().all(|(_, session)| *session != "opening"));
    assert!(rest[&(address(1), "dinner")].text.contains("also: Opening of"), "the letter knows what the list says now");
    desk.ends(0, &["cancel", "--gone", "--session", "opening"]);
    let gone = room.by_session(&desk);
    assert_eq!(gone.keys().cloned().collect::<Vec<_>>(), [(address(0), "opening")]);
    assert_eq!(gone[&(address(0), "opening")].property("METHOD"), "CANCEL");
}

#[test]
fn lists_may_be_kept_by_session_and_call_the_column_as_they_like() {
    let desk = conference();
    let head = "email,entity,kind,language,city,Programme\n";
    desk.write("recipients/list.csv", &format!("{head}{}{}", row(1, "opening"), row(2, "opening")));
    desk.write("recipients/dinner.csv", &format!("{head}{}{}", row(2, "dinner"), row(3, "all")));
    edit(&desk, "convoke.toml", "\"recipients/list.csv\"]", "\"recipients/list.csv\", \"recipients/dinner.csv\"]");
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &format!("{settings}\n[recipients.columns]\nsessions = \"Programme\"\n"));
    let sent = desk.ends(0, &["send"]);
    assert!(
        sent.err.contains("guest02@x.example is recipients/list.csv:3") && !sent.err.contains("differ"),
        "{}",
        sent.err
    );
    let mut room = Mailroom::default();
    let got: Vec<(String, &str)> = room.by_session(&desk).into_keys().collect();
    let expected = [(1, "opening"), (2, "dinner"), (2, "opening"), (3, "dinner"), (3, "lunch"), (3, "opening")];
    assert_eq!(got, expected.map(|(n, session)| (address(n), session)));
    // One list goes: whoever it alone invited to the dinner is named.
    desk.write("recipients/dinner.csv", &format!("{head}{}", row(3, "all")));
    let sent = desk.ends(0, &["send"]);
    assert!(sent.err.contains("1 mailbox left the session `dinner` or the lists"), "{}", sent.err);
}

#[test]
fn cells_that_name_no_session_and_sessions_that_go_are_refused() {
    let desk = conference();
    desk.write("recipients/list.csv", &list(&format!("{}{}", row(50, ""), row(51, "opening; brunch"))));
    let checked = desk.ends(65, &["check"]);
    assert!(checked.err.contains("recipients/list.csv:22:6: row names no session"), "{}", checked.err);
    assert!(
        checked.err.contains("recipients/list.csv:23:6: session `brunch` is not in convoke.toml"),
        "{}",
        checked.err
    );
    desk.write("recipients/list.csv", &list(""));
    desk.ends(0, &["send"]);
    // A session that people hold the invitation of cannot go without a word.
    let whole = desk.read("convoke.toml");
    edit(&desk, "convoke.toml", "id = \"dinner\"", "id = \"gala\"");
    desk.write("recipients/list.csv", &list("").replace("dinner", "gala").replace("Dinner", "gala"));
    let refused = desk.ends(78, &["send"]);
    assert!(
        refused.err.contains("there is no session `dinner`, and 12 invitations to it were sent"),
        "{}",
        refused.err
    );
    desk.write("convoke.toml", whole.split("\n[[session]]").next().expect("the event"));
    desk.ends(78, &["send"]);
    // Without the column everybody is invited to everything, and that is said.
    let desk = conference();
    desk.write("recipients/list.csv", "email,entity,kind,language,city\na@x.example,A,ngo,en,Bern\n");
    let sent = desk.ends(0, &["send"]);
    assert!(sent.err.contains("no column `sessions`: everybody on it is invited to every session"), "{}", sent.err);
    assert_eq!(desk.outbox().len(), 3);
    // An event that was sent as one is not cut into sessions afterwards.
    let desk = conference();
    let whole = desk.read("convoke.toml");
    desk.write("convoke.toml", whole.split("\n[[session]]").next().expect("the event"));
    edit(
        &desk,
        "templates/invitation/ngo.en.md.hbs",
        LETTER,
        "+++\nsubject = \"{{event.title}}\"\nregister = \"ordinary\"\n+++\n{{salutation}}\n\n{{event.title}}, {{sessions}}\n\n{{close}}\n",
    );
    desk.ends(0, &["send"]);
    assert_eq!(desk.outbox().len(), GUESTS, "the column is one like others");
    desk.write("convoke.toml", &whole);
    desk.write("templates/invitation/ngo.en.md.hbs", LETTER);
    let refused = desk.ends(78, &["send"]);
    assert!(refused.err.contains("20 invitations to the event were sent before it had sessions"), "{}", refused.err);
}

#[test]
fn a_second_person_lets_the_invitations_of_all_sessions_go() {
    let desk = conference();
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &format!("{settings}\n[approval]\nrequired = true\n"));
    desk.ends(75, &["send"]);
    let plan = json(&desk.ends(0, &["plan", "--by", "Ana", "--json"]).out);
    desk.ends(0, &["approve", "--by", "Berta", "--seal", plan["seal"].as_str().expect("a seal")]);
    desk.ends(0, &["send", "--session", "lunch"]);
    assert_eq!(desk.outbox().len(), guests_of("lunch").len());
    desk.write("recipients/list.csv", &list(&row(60, "dinner")));
    let refused = desk.ends(75, &["send"]);
    assert!(refused.err.contains("1 recipient added"), "{}", refused.err);
    desk.write("recipients/list.csv", &list(""));
    desk.ends(0, &["send"]);
    assert_eq!(desk.outbox().len(), (0..GUESTS).map(|n| invited(n).len()).sum::<usize>());
}

#[test]
fn a_journal_of_version_8_goes_on() {
    let sql = |name: &str| {
        std::fs::read_to_string(repository().join("src/io/store/sql").join(name)).expect("a file of the schema")
    };
    let cut = |text: &str, from: &str, to: &str| {
        let start = text.find(from).expect("a beginning");
        let end = start + text[start..].find(to).expect("an end") + to.len();
        text[start..end].to_owned()
    };
    let desk = Desk::with_list(
        "email,entity,kind,language,city\nana@x.example,Ana's Office,ngo,en,Bern\neva@x.example,Eva's Office,ngo,en,Bern\n",
    );
    desk.ends(0, &["send"]);
    let mut room = Mailroom::default();
    let first = room.new_of(&desk);
    desk.ends(0, &["note", "ana@x.example", "--accepted"]);
    // Back to what version 8 had: its views and tables, without the columns of version 9.
    let back = [
        "DROP VIEW holding;".to_owned(),
        cut(&sql("0004_life.sql"), "CREATE VIEW holding", "FROM recipient r;"),
        "ALTER TABLE revision DROP COLUMN session;".to_owned(),
        "ALTER TABLE recipient DROP COLUMN sessions;".to_owned(),
        "ALTER TABLE dispatch DROP COLUMN session;".to_owned(),
        "ALTER TABLE answer DROP COLUMN session;".to_owned(),
        "DROP TABLE sealed_message;".to_owned(),
        cut(&sql("0008_approval.sql"), "CREATE TABLE sealed_message", "WITHOUT ROWID;"),
        "DELETE FROM _sqlx_migrations WHERE version > 8;".to_owned(),
    ];
    back.into_iter().for_each(|statement| change(&desk, statement.leak()));

    assert_eq!(desk.standing("SENT"), 2, "status alone brings it up to date");
    assert_eq!(desk.status()["sessions"], Value::Null);
    assert_eq!(desk.status()["answers"]["all"]["accepted"], 1);
    assert!(desk.ends(0, &["send"]).out.contains("everybody has been sent to"));
    edit(&desk, "convoke.toml", "2017-09-22T15:00:00", "2017-09-22T14:30:00");
    desk.ends(0, &["update"]);
    let updates = room.new_of(&desk);
    assert_eq!(updates.len(), 2);
    for post in &updates {
        let before = first.iter().find(|first| first.to == post.to).expect("an invitation");
        assert_eq!(post.property("UID"), before.property("UID"));
        assert_eq!(post.reply_to.as_deref(), Some(before.id.as_str()));
        assert_eq!(post.property("SEQUENCE"), "1");
    }
    let headings = desk.ends(0, &["export"]).out;
    assert!(!headings.lines().next().expect("headings").contains("session"));
}
