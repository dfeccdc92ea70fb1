//! An answer to read, malformed calendars, and noise.

use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::{collection, prop_assert, proptest, sample};

use super::{MOST_DEPTH, ReadFault, TextFault, parse};

/// A reply as Google sends them, with what makes reading hard.
const REPLY: &str = "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\n\
    BEGIN:VEVENT\r\nuid:gala.k3v9@events.example\r\nSEQUENCE:2\r\nDTSTAMP:20170802T101112Z\r\n\
    ATTENDEE;CN=\"Mission: of X; ^'Y^' ^^ ^n\";MEMBER=\"mailto:a@b.example\",\"mailto\r\n :c@d.example\",plain;PARTSTAT=ACC\r\n\
    \tEPTED:MAILTO:Un@x.example\r\nCOMMENT:We come\\, all\\; of us\\nsee C:\\\\new\\N\r\n\
    BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:vevent\r\nEND:VCALENDAR\r\n";

/// A calendar of these lines.
fn calendar(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\r\n{lines}END:VCALENDAR\r\n")
}

#[test]
fn reads_an_answer() {
    let calendar = parse(REPLY.as_bytes()).expect("well-formed");
    assert_eq!(calendar.root().only("METHOD").map(|p| p.value()), Some("REPLY"));
    let event = calendar.all("VEVENT").next().expect("one");
    assert_eq!(event.only("UID").map(|p| p.value()), Some("gala.k3v9@events.example"));
    assert_eq!(event.only("SEQUENCE").and_then(|p| p.number()), Some(2));
    assert_eq!(event.only("DTSTAMP").and_then(|p| p.instant()), Some("2017-08-02T10:11:12Z".parse().expect("valid")));
    let attendee = event.only("ATTENDEE").expect("one");
    assert_eq!(attendee.address(), Some("Un@x.example"));
    let name = attendee.parameter("CN").expect("one");
    assert_eq!((name.text.as_str(), name.is_quoted), ("Mission: of X; \"Y\" ^ \n", true));
    assert_eq!(attendee.parameter("PARTSTAT").map(|v| (v.text.as_str(), v.is_quoted)), Some(("ACCEPTED", false)));
    assert_eq!(attendee.parameter("MEMBER"), None);
    let members = attendee.parameters()[1].values.iter().map(|v| (v.text.as_str(), v.is_quoted));
    assert!(members.eq([("mailto:a@b.example", true), ("mailto:c@d.example", true), ("plain", false)]));
    assert_eq!(event.only("COMMENT").expect("one").text().as_deref(), Ok("We come, all; of us\nsee C:\\new\n"));
    assert_eq!(event.components().iter().map(|c| c.name()).collect::<Vec<_>>(), ["VALARM"]);
    assert!(calendar.root().is_ordered() && event.is_ordered());
}

#[test]
fn tells_what_is_malformed_and_where() {
    let too_deep = calendar(&"BEGIN:X\r\n".repeat(MOST_DEPTH));
    let latin_1 = [b"BEGIN:VCALENDAR\r\nX:caf".as_slice(), b"\xe9\r\nEND:VCALENDAR\r\n"].concat();
    let cases: [(&[u8], ReadFault); 36] = [
        (b"", ReadFault::CutOff),
        (b"BEGIN:VCALENDAR\r\n", ReadFault::CutOff),
        (&REPLY.as_bytes()[..REPLY.len() - 15], ReadFault::CutOff),
        (&REPLY.as_bytes()[..REPLY.len() - 2], ReadFault::LineEnd(17)),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", ReadFault::LineEnd(1)),
        (b"BEGIN:VCALENDAR\r\nA:1\rB:2\r\n", ReadFault::Control(2)),
        (&latin_1, ReadFault::Utf8(2)),
        (b"\xef\xbb\xbfBEGIN:VCALENDAR\r\n", ReadFault::Line(1)),
        (b" BEGIN:VCALENDAR\r\n", ReadFault::Line(1)),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", ReadFault::Outside(1)),
        (b"A:1\r\n", ReadFault::Outside(1)),
        (b"END:VCALENDAR\r\n", ReadFault::Outside(1)),
        (&calendar("").repeat(2).into_bytes(), ReadFault::Outside(3)),
        (&format!("{}A:1\r\n", calendar("")).into_bytes(), ReadFault::Outside(3)),
        (&format!("{}\r\n", calendar("")).into_bytes(), ReadFault::Line(3)),
        (&calendar("\r\n").into_bytes(), ReadFault::Line(2)),
        (&calendar("A:1\r\n\r\n B:2\r\n").into_bytes(), ReadFault::Line(3)),
        (&calendar("A:\0\r\n").into_bytes(), ReadFault::Control(2)),
        (&calendar("A:1\r\n \u{7f}\r\n").into_bytes(), ReadFault::Control(3)),
        (&calendar("A\r\n").into_bytes(), ReadFault::Line(2)),
        (&calendar(":1\r\n").into_bytes(), ReadFault::Line(2)),
        (&calendar("É:1\r\n").into_bytes(), ReadFault::Line(2)),
        (&calendar("A B:1\r\n").into_bytes(), ReadFault::Line(2)),
        (&calendar("A;:1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;;B=1:1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;B:1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;B=1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;B=x\"y\":1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;B=\"x\"y:1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;B=\"x:1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("A;B C=1:1\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("BEGIN;A=1:B\r\nEND:B\r\n").into_bytes(), ReadFault::Parameter(2)),
        (&calendar("BEGIN:A B\r\nEND:A B\r\n").into_bytes(), ReadFault::Line(2)),
        (&calendar("BEGIN:A\r\nEND:B\r\n").into_bytes(), ReadFault::End(3)),
        (&calendar("END:A\r\n").into_bytes(), ReadFault::End(2)),
        (too_deep.as_bytes(), ReadFault::Deep(MOST_DEPTH + 1)),
    ];
    for (octets, fault) in cases {
        assert_eq!(parse(octets), Err(fault), "{}", String::from_utf8_lossy(octets));
    }
}

#[test]
fn sizes_are_bounded() {
    assert!(parse(calendar(&"A:1\r\n".repeat(9_998)).as_bytes()).is_ok());
    assert_eq!(parse(calendar(&"A:1\r\n".repeat(9_999)).as_bytes()), Err(ReadFault::Large));
    assert_eq!(parse(calendar(&format!("A:{}\r\n", "x".repeat(1_000_000))).as_bytes()), Err(ReadFault::Large));
    let nested = format!("{}{}", "BEGIN:X\r\n".repeat(MOST_DEPTH - 1), "END:X\r\n".repeat(MOST_DEPTH - 1));
    assert!(parse(calendar(&nested).as_bytes()).is_ok());
}

#[test]
fn values_are_read_strictly() {
    let read = parse(
        calendar(
            "A:1,2\r\nB:a\\:b\r\nC:a\\\r\nD:\r\nE:+1\r\nF:4294967296\r\nG:20170922T190000\r\nH:20170231T190000Z\r\n\
            I:20170922T240000Z\r\nJ:2017-922T190000Z\r\nK:2017092é190000Z\r\nBEGIN:X\r\nEND:X\r\nL:late\r\nL:twice\r\n",
        )
        .as_bytes(),
    )
    .expect("well-formed");
    let property = |name| read.root().only(name).expect("one");
    assert_eq!(property("A").text(), Err(TextFault::Separator));
    assert_eq!(property("B").text(), Err(TextFault::Escape));
    assert_eq!(property("C").text(), Err(TextFault::Escape));
    assert_eq!(property("D").text().as_deref(), Ok(""));
    for name in ["A", "D", "E", "F"] {
        assert_eq!(property(name).number(), None, "{name}");
    }
    for name in ["A", "G", "H", "I", "J", "K"] {
        assert_eq!(property(name).instant(), None, "{name}");
    }
    assert!(!read.root().is_ordered());
    assert_eq!(read.root().only("L"), None);
    assert_eq!(read.root().all("L").count(), 2);
}

proptest! {
    #[test]
    fn octets_never_make_it_panic(octets in collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&octets);
    }

    #[test]
    fn pieces_of_calendars_never_make_it_panic(lines in collection::vec(piece(), 0..40)) {
        if let Ok(read) = parse(calendar(&lines.concat()).as_bytes()) {
            for property in read.root().properties() {
                let _ = (property.text(), property.instant(), property.number(), property.address());
                prop_assert!(!property.name().is_empty());
            }
        }
    }
}

fn piece() -> impl Strategy<Value = String> {
    let pieces = sample::select(vec![
        "BEGIN:",
        "END:",
        "X",
        "\r\n",
        "\r\n ",
        "\n",
        ";",
        ":",
        "=",
        "\"",
        ",",
        "\\",
        "^",
        "^n",
        "é",
        "X:1\r\n",
        "BEGIN:A\r\n",
        "END:A\r\n",
        "A;B=c,\"d\":e\r\n",
        "20170922T190000Z",
    ]);
    prop_oneof![9 => pieces.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}
