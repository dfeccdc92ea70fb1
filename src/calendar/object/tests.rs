//! A whole object to read, contradictions, and hostile texts.

use jiff::Timestamp;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::{collection, option, prop_assert, prop_assert_eq, proptest, sample};

use super::{Object, ObjectFault};
use crate::calendar::text::{common_name, normal};
use crate::calendar::{OrganizerMethod, PartStat, Sequence, Status, Uid, parse};
use crate::mail::{AddrSpec, Mailbox};

fn instant(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox::new(name, AddrSpec::parse(address).expect(address))
}

fn object<'a>(uid: &'a Uid, organizer: &'a Mailbox, attendee: &'a Mailbox) -> Object<'a> {
    Object {
        method: OrganizerMethod::Request,
        uid,
        sequence: Sequence::FIRST,
        dtstamp: instant("2017-08-01T09:30:15.987Z"),
        created: instant("2017-07-31T08:00:00Z"),
        last_modified: instant("2017-08-01T09:30:00Z"),
        start: instant("2017-09-22T19:00:00Z"),
        end: instant("2017-09-22T20:30:00Z"),
        summary: "Treaty on the Prohibition of Nuclear Weapons; signing, reception",
        location: "Room 4 (ECOSOC), UN Headquarters\u{b}1st Ave; New York",
        description: "Friday, 22 September 2017, 15:00 (New York)\r\n\r\n\
            يسرنا دعوتكم إلى حفل التوقيع على معاهدة حظر الأسلحة النووية، الذي سيُعقد في مقر الأمم المتحدة.\r\n\
            Path: C:\\new; see https://x.example/?a=1,2\u{7}\r\n",
        organizer,
        attendee,
        partstat: PartStat::NeedsAction,
        status: Status::Confirmed,
        url: Some("https://events.example/tpnw?id=1,2;x"),
    }
}

fn uid() -> Uid {
    Uid::parse("tpnw-2017.k3v9q2m4x7c1@events.example").expect("plain")
}

/// Read in review: parameters in Google's order, no line above 75 octets, no fold in a character or beside a blank.
const GOLDEN: &str = r#"BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//convoke//calendar//EN
CALSCALE:GREGORIAN
METHOD:REQUEST
BEGIN:VEVENT
UID:tpnw-2017.k3v9q2m4x7c1@events.example
SEQUENCE:0
DTSTAMP:20170801T093015Z
CREATED:20170731T080000Z
LAST-MODIFIED:20170801T093000Z
DTSTART:20170922T190000Z
DTEND:20170922T203000Z
SUMMARY:Treaty on the Prohibition of Nuclear Weapons\; signing\, reception
LOCATION:Room 4 (ECOSOC)\, UN Headquarters\n1st Ave\; New York
DESCRIPTION:Friday\, 22 September 2017\, 15:00 (New York)\n\nيسرنا د
 عوتكم إلى حفل التوقيع على معاهدة حظر الأ
 سلحة النووية، الذي سيُعقد في مقر الأمم ا
 لمتحدة.\nPath: C:\\new\; see https://x.example/?a=1\,2
ORGANIZER;CN="Events Team":mailto:rsvp@events.example
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=
 TRUE;CN="بعثة 'X': Chancery; c/o O'Neill, José ˆn":mailto:Un@xn--mis
 in-3ta.example
STATUS:CONFIRMED
TRANSP:OPAQUE
CLASS:PUBLIC
X-MICROSOFT-DISALLOW-COUNTER:TRUE
URL:https://events.example/tpnw?id=1,2;x
END:VEVENT
END:VCALENDAR
"#;

fn attendee() -> Mailbox {
    mailbox("بعثة \"X\": Chancery; c/o O'Neill, José ^n", "Un@Misión.example")
}

fn organizer() -> Mailbox {
    mailbox("Events Team", "rsvp@events.example")
}

#[test]
fn one_whole_object() {
    let (uid, organizer, attendee) = (uid(), organizer(), attendee());
    let written = object(&uid, &organizer, &attendee).write().expect("consistent");
    assert_eq!(written, GOLDEN.replace('\n', "\r\n"));
}

#[test]
fn a_cancellation_asks_for_no_answer() {
    let (uid, organizer, attendee) = (uid(), organizer(), mailbox("", "a@b.example"));
    let cancelled = Object {
        method: OrganizerMethod::Cancel,
        status: Status::Cancelled,
        sequence: Sequence::new(3).expect("small"),
        partstat: PartStat::Accepted,
        location: " \t",
        url: None,
        ..object(&uid, &organizer, &attendee)
    };
    let written = cancelled.write().expect("consistent").replace("\r\n ", "");
    for line in [
        "METHOD:CANCEL",
        "SEQUENCE:3",
        "STATUS:CANCELLED",
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=\"a@b.example\":mailto:a@b.example",
    ] {
        assert!(written.contains(&format!("\r\n{line}\r\n")), "{line}: {written}");
    }
    for absent in ["RSVP", "LOCATION", "URL", "VALARM"] {
        assert!(!written.contains(absent), "{absent}: {written}");
    }
}

#[test]
fn contradictions_are_refused() {
    let (uid, organizer, attendee) = (uid(), organizer(), attendee());
    let good = object(&uid, &organizer, &attendee);
    let half_a_second_later = instant("2017-09-22T19:00:00.5Z");
    for (object, fault) in [
        (Object { status: Status::Cancelled, ..good }, ObjectFault::Status(good.method, Status::Cancelled)),
        (Object { end: good.start, ..good }, ObjectFault::End),
        (Object { end: half_a_second_later, ..good }, ObjectFault::End),
        (Object { end: instant("2038-01-01T00:00:00Z"), ..good }, ObjectFault::Year),
        (Object { start: instant("1969-12-31T00:00:00Z"), ..good }, ObjectFault::Year),
        (Object { summary: " \r\n\u{7}", ..good }, ObjectFault::Summary),
        (Object { url: Some("https://x.example/\r\nATTENDEE:mailto:x@y.example"), ..good }, ObjectFault::Url),
    ] {
        assert_eq!(object.write(), Err(fault));
    }
    assert_eq!(
        ObjectFault::Status(OrganizerMethod::Cancel, Status::Confirmed).to_string(),
        "METHOD `CANCEL` does not go with STATUS `CONFIRMED`"
    );
}

/// Strings of anything, and of what has broken calendars.
fn hostile() -> impl Strategy<Value = String> {
    let snippets = sample::select(vec![
        "\r\n",
        "\n",
        "\r",
        "\u{b}",
        "\u{85}",
        "\u{2028}",
        "\\",
        "\\n",
        ",",
        ";",
        ":",
        "\"",
        "^n",
        "^'",
        "^",
        "=",
        " ",
        "\t",
        "\r\nATTENDEE:mailto:x@y.example",
        "\r\nEND:VEVENT\r\nBEGIN:VEVENT",
        "\";X=\"",
        ";RSVP=FALSE",
        "\u{feff}",
        "\0",
        "é",
        "بعثة",
        "👩🏽‍🚀",
        "\r\n ",
        "a long word, and some more words to fill the line; until it folds: somewhere",
    ]);
    let piece = prop_oneof![snippets.prop_map(str::to_owned), any::<char>().prop_map(String::from), "[a-z ]{0,90}"];
    collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_field_adds_a_line_or_a_parameter(
        summary in hostile(), location in hostile(), description in hostile(), names in (hostile(), hostile()),
        url in option::of(hostile()), is_cancelled in any::<bool>(),
    ) {
        let (uid, organizer, attendee) = (uid(), mailbox(&names.0, "o@b.example"), mailbox(&names.1, "a@b.example"));
        let method = if is_cancelled { OrganizerMethod::Cancel } else { OrganizerMethod::Request };
        let summary = format!("T{summary}");
        let object = Object {
            method,
            status: method.status(),
            summary: &summary,
            location: &location,
            description: &description,
            url: None,
            ..object(&uid, &organizer, &attendee)
        };
        if let Some(url) = &url
            && let Ok(written) = (Object { url: Some(url.as_str()), ..object }).write()
        {
            prop_assert!(parse(written.as_bytes()).is_ok_and(|c| c.all("VEVENT").all(|e| e.only("URL").is_some())));
        }
        let written = object.write().expect("consistent");
        prop_assert!(written.split("\r\n").all(|line| line.len() <= 75 && !line.contains(char::is_control)));
        let calendar = parse(written.as_bytes()).expect("readable");
        prop_assert!(calendar.root().properties().iter().map(|p| p.name()).eq(["VERSION", "PRODID", "CALSCALE", "METHOD"]));
        prop_assert_eq!(calendar.root().components().len(), 1);
        let event = calendar.all("VEVENT").next().expect("one");
        let mut names = vec!["UID", "SEQUENCE", "DTSTAMP", "CREATED", "LAST-MODIFIED", "DTSTART", "DTEND"];
        for (name, text) in [("SUMMARY", &summary), ("LOCATION", &location), ("DESCRIPTION", &description)] {
            let text = normal(text);
            if !text.is_empty() {
                names.push(name);
                let read = event.only(name).expect("one").text();
                prop_assert_eq!(read, Ok(text));
            }
        }
        names.extend(["ORGANIZER", "ATTENDEE", "STATUS", "TRANSP", "CLASS", "X-MICROSOFT-DISALLOW-COUNTER"]);
        prop_assert!(event.properties().iter().map(|p| p.name()).eq(names.iter().copied()));
        prop_assert!(event.components().is_empty());
        for (name, mailbox, count) in
            [("ORGANIZER", &organizer, 1), ("ATTENDEE", &attendee, if is_cancelled { 4 } else { 5 })]
        {
            let property = event.only(name).expect("one");
            prop_assert_eq!(property.address(), Some(mailbox.address().as_str()));
            prop_assert_eq!(property.parameters().len(), count);
            let read = property.parameter("CN").expect("one");
            prop_assert!(read.is_quoted);
            prop_assert_eq!(&read.text, &*common_name(mailbox));
        }
    }
}
