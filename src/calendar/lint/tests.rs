//! Good objects, broken ones and what `lint` finds in each.

mod mutations;

use jiff::Timestamp;
use proptest::prelude::{Strategy, any};
use proptest::{collection, prop_assert_eq, proptest};

use super::{Meant, Rule, Severity, Stored, lint, lint_personal, parse_personal};
use crate::calendar::text::refold;
use crate::calendar::{Cast, Object, OrganizerMethod, PartStat, Sequence, Status, Uid};
use crate::mail::{AddrSpec, Mailbox};

const WORDS: &str = "Friday, 22 September 2017, 15:00 (America/New_York)";

fn instant(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox::new(name, AddrSpec::parse(address).expect(address))
}

/// One dispatch: what is meant and what is written from it.
struct Dispatch {
    uid: Uid,
    organizer: Mailbox,
    attendee: Mailbox,
    summary: String,
    location: String,
    description: String,
}

impl Dispatch {
    fn new() -> Self {
        Self {
            uid: Uid::parse("gala.k3v9@events.example").expect("plain"),
            organizer: mailbox("Events: Team", "rsvp@events.example"),
            attendee: mailbox("Mission of X", "Un@x.example"),
            summary: "Gala; dîner".to_owned(),
            location: "Room 4, First Avenue".to_owned(),
            description: format!("{WORDS}\nيسرنا دعوتكم إلى حفل التوقيع على معاهدة حظر الأسلحة النووية"),
        }
    }

    fn meant(&self) -> Meant<'_> {
        Meant {
            method: OrganizerMethod::Request,
            uid: &self.uid,
            sequence: Sequence::FIRST,
            dtstamp: instant("2017-08-01T09:30:15.25Z"),
            stored: None,
            start: instant("2017-09-22T19:00:00Z"),
            end: instant("2017-09-22T20:30:00Z"),
            organizer: &self.organizer,
            attendee: &self.attendee,
            partstat: PartStat::NeedsAction,
            status: Status::Confirmed,
            summary: &self.summary,
            location: &self.location,
            description: &self.description,
            url: Some("https://events.example/gala"),
            local_words: WORDS,
            now: instant("2017-08-01T10:00:00Z"),
        }
    }
}

fn write(meant: &Meant<'_>) -> String {
    object(meant).write().expect("consistent")
}

fn object<'a>(meant: &Meant<'a>) -> Object<'a> {
    Object {
        method: meant.method,
        uid: meant.uid,
        sequence: meant.sequence,
        dtstamp: meant.dtstamp,
        created: instant("2017-07-31T08:00:00Z"),
        last_modified: instant("2017-08-01T09:30:00Z"),
        start: meant.start,
        end: meant.end,
        summary: meant.summary,
        location: meant.location,
        description: meant.description,
        organizer: meant.organizer,
        attendee: meant.attendee,
        partstat: meant.partstat,
        status: meant.status,
        url: meant.url,
    }
}

fn rules(octets: &[u8], meant: &Meant<'_>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = lint(octets, meant).iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

fn cancelled<'a>(meant: &Meant<'a>) -> Meant<'a> {
    Meant {
        method: OrganizerMethod::Cancel,
        status: Status::Cancelled,
        sequence: Sequence::new(1).expect("small"),
        dtstamp: instant("2017-08-05T09:00:00Z"),
        stored: Some(stored(meant)),
        ..*meant
    }
}

/// What the recipient has after `meant` was sent.
fn stored(meant: &Meant<'_>) -> Stored {
    Stored {
        method: meant.method,
        sequence: meant.sequence,
        dtstamp: meant.dtstamp,
        start: meant.start,
        end: meant.end,
    }
}

#[test]
fn what_we_write_is_in_order() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    assert_eq!(lint(write(&meant).as_bytes(), &meant), []);
    let cancelled = cancelled(&meant);
    assert_eq!(lint(write(&cancelled).as_bytes(), &cancelled), []);
    let bare = Meant { location: "", url: None, ..meant };
    assert_eq!(lint(write(&bare).as_bytes(), &bare), []);
}

#[test]
fn every_mutation_is_found_by_its_rule() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let unfolded = write(&meant).replace("\r\n ", "");
    for (rule, from, to) in mutations::MUTATIONS {
        let mutated = refold(&unfolded.replace(from, to));
        assert_ne!(mutated, write(&meant), "{from:?} is not there");
        let found = rules(mutated.as_bytes(), &meant);
        assert!(found.contains(rule), "{from:?} to {to:?}: {rule} expected, found {found:?}");
    }
}

proptest! {
    #[test]
    fn the_short_way_finds_what_the_long_way_finds(
        name in "[A-Za-z][a-zA-Z é中,;:'{}\"^\\\\\u{a0}\u{2028}-]{0,90}",
        at in any::<proptest::sample::Index>(),
        octet in any::<u8>(),
        is_inserted in any::<bool>(),
    ) {
        let dispatch = Dispatch { attendee: mailbox(&name, "Un@x.example"), ..Dispatch::new() };
        let meant = dispatch.meant();
        let written = Cast::personal(&object(&meant)).into_bytes();
        prop_assert_eq!(parse_personal(&written, &meant), lint_personal(&written, &meant));
        let mut changed = written;
        let at = at.index(changed.len());
        if is_inserted { changed.insert(at, octet) } else { changed[at] = octet }
        // What was written is right already; any other text is either found wrong by both ways or by neither.
        prop_assert_eq!(parse_personal(&changed, &meant), lint_personal(&changed, &meant));
    }
}

#[test]
fn plain_names_take_the_short_way() {
    for name in ["Mission of X", &"Mission permanente de la République française ".repeat(4)] {
        let dispatch = Dispatch { attendee: mailbox(name, "Un@x.example"), ..Dispatch::new() };
        let meant = dispatch.meant();
        let written = Cast::personal(&object(&meant));
        assert!(super::plain::is_as_meant(written.as_bytes(), &meant), "{written}");
        for (old, new) in
            [("Mission", "mission"), ("\r\nEND:VEVENT", "\r\n \r\nEND:VEVENT"), ("Un@", "un@"), ("\r\n", "\n")]
        {
            let changed = written.replacen(old, new, 1);
            assert!(!super::plain::is_as_meant(changed.as_bytes(), &meant) || changed == written, "{changed}");
        }
        let unfolded = written.replace("\r\n ", "");
        assert!(!super::plain::is_as_meant(unfolded.as_bytes(), &meant), "a line is too long");
    }
}

#[test]
fn what_differs_between_recipients_is_checked_by_itself() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let whole = write(&meant);
    let property = |name: &str| {
        let at = whole.find(&format!("\r\n{name}")).expect(name) + 2;
        let end = at
            + whole[at..].match_indices("\r\n").find(|(n, _)| !whole[at + n + 2..].starts_with(' ')).expect("an end").0;
        whole[at..end + 2].to_owned()
    };
    let (uid, attendee) = (property("UID:"), property("ATTENDEE;"));
    let personal = |properties: &str| {
        format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{properties}END:VEVENT\r\nEND:VCALENDAR\r\n").into_bytes()
    };
    let found = |properties: &str| {
        lint_personal(&personal(properties), &meant).iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    let good = format!("{uid}{attendee}");
    assert_eq!(found(&good), []);
    // A fold may stand in the middle of a word, so the line is unfolded before it is changed.
    let line = attendee.replace("\r\n ", "");
    let changed = |old: &str, new: &str| {
        assert!(line.contains(old), "{old} in {line}");
        format!("{uid}{}", refold(&line.replacen(old, new, 1)))
    };
    for (what, properties, rule) in [
        ("another address", changed("Un@x.example", "Un@y.example"), Rule::L7),
        ("another name", changed("Mission of X", "Mission of Y"), Rule::L7),
        ("marks of a template", changed("Mission of X", "{{ entity }}"), Rule::L16),
        ("a control", changed("Mission of X", "Mission\u{1} of X"), Rule::L3),
        ("a second attendee", format!("{good}{attendee}"), Rule::L7),
        ("no attendee", uid.clone(), Rule::L7),
        ("another UID", good.replace("gala.k3v9", "gala.k3v8"), Rule::L5),
        ("a third property", format!("{good}SUMMARY:Gala\r\n"), Rule::L0),
        ("another answer", changed("NEEDS-ACTION", "ACCEPTED"), Rule::L8),
        ("bare line feeds", good.replace("\r\n", "\n"), Rule::L1),
    ] {
        assert!(found(&properties).contains(&rule), "{what}: {:?}\n{properties}", found(&properties));
    }
}

#[test]
fn octets_are_looked_at_before_they_are_read() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let written = write(&meant);
    let unfolded = written.replace("\r\n ", "");
    let latin_1: Vec<u8> = written.chars().filter(|c| u32::from(*c) < 256).map(|c| c as u8).collect();
    let split_character = {
        let at = written.find('î').expect("there");
        [&written.as_bytes()[..=at], b"\r\n ", &written.as_bytes()[at + 1..]].concat()
    };
    let seventy_six = written.replacen("CLASS:PUBLIC\r\n", &format!("CLASS:PUBLIC{}\r\n", "x".repeat(64)), 1);
    for (rule, octets) in [
        (Rule::L0, Vec::new()),
        (Rule::L1, written.replace("\r\n", "\n").into_bytes()),
        (Rule::L1, written.replacen("\r\n", "\n", 1).into_bytes()),
        (Rule::L1, written.replace("CLASS", "CL\rASS").into_bytes()),
        (Rule::L1, written.trim_end().as_bytes().to_vec()),
        (Rule::L2, unfolded.into_bytes()),
        (Rule::L2, seventy_six.into_bytes()),
        (Rule::L2, latin_1),
        (Rule::L2, split_character),
        (Rule::L3, [b"\xef\xbb\xbf", written.as_bytes()].concat()),
        (Rule::L3, written.replace("CLASS", "CL\0ASS").into_bytes()),
    ] {
        let found = rules(&octets, &meant);
        assert!(found.contains(&rule), "{rule} expected, found {found:?} in {}", String::from_utf8_lossy(&octets));
    }
}

#[test]
fn revisions_follow_the_life_cycle() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let (second, later) = (Sequence::new(1).expect("small"), instant("2017-08-05T09:00:00Z"));
    let after = |stored: Stored, meant: Meant<'_>| {
        let meant = Meant { stored: Some(stored), ..meant };
        rules(write(&meant).as_bytes(), &meant)
    };
    let first = stored(&meant);
    let earlier = Stored { dtstamp: instant("2017-07-01T00:00:00Z"), ..first };
    let moved = Meant { start: instant("2017-09-22T18:00:00Z"), ..meant };
    // The same object again: a second sending, a reminder.
    assert_eq!(after(first, meant), []);
    // A minor update, with the answer kept.
    assert_eq!(after(earlier, Meant { summary: "Gala dinner", partstat: PartStat::Accepted, ..meant }), []);
    // Older than what the recipient has.
    assert_eq!(after(Stored { dtstamp: later, ..first }, meant), [Rule::L9]);
    assert_eq!(after(Stored { sequence: second, ..first }, meant), [Rule::L12]);
    // Moved.
    assert_eq!(after(earlier, moved), [Rule::L12]);
    assert_eq!(after(earlier, Meant { sequence: second, ..moved }), []);
    assert_eq!(after(first, Meant { sequence: second, ..moved }), [Rule::L9]);
    // Cancelled, again, and reinstated.
    let cancelled = cancelled(&meant);
    assert_eq!(after(first, cancelled), []);
    assert_eq!(after(stored(&cancelled), cancelled), []);
    assert_eq!(after(first, Meant { sequence: Sequence::FIRST, ..cancelled }), [Rule::L12]);
    assert_eq!(after(stored(&cancelled), Meant { sequence: second, dtstamp: later, ..meant }), [Rule::L12]);
    let third = Sequence::new(2).expect("small");
    assert_eq!(
        after(stored(&cancelled), Meant { sequence: third, dtstamp: instant("2017-08-06T00:00:00Z"), ..meant }),
        []
    );
    // Nothing to cancel.
    let unknown = Meant { stored: None, ..cancelled };
    assert_eq!(rules(write(&unknown).as_bytes(), &unknown), [Rule::L12]);
}

#[test]
fn what_is_meant_is_checked_too() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let (title, place, text) = ("é".repeat(256), "x".repeat(256), format!("{WORDS} {}", "x".repeat(3000)));
    for (rules_expected, meant) in [
        (&[Rule::L11][..], Meant { now: meant.start, ..meant }),
        (&[Rule::L15], Meant { summary: &title, ..meant }),
        (&[Rule::L15], Meant { location: &place, ..meant }),
        (&[Rule::L15], Meant { description: &text, ..meant }),
        (&[], Meant { summary: &title[2..], ..meant }),
        (&[Rule::L17], Meant { local_words: "", ..meant }),
        (&[Rule::L17], Meant { local_words: "Friday, 22 September 2017, 3 p.m.", ..meant }),
        (&[Rule::L17], Meant { description: "", ..meant }),
    ] {
        assert_eq!(rules(write(&meant).as_bytes(), &meant), rules_expected);
    }
    let contradiction = Meant { status: Status::Cancelled, ..meant };
    assert!(rules(write(&meant).as_bytes(), &contradiction).contains(&Rule::L13));
    // A cancellation with the parameters of a request.
    let cancelled = cancelled(&meant);
    let asking = refold(&write(&cancelled).replace("\r\n ", "").replace(";CN=\"Mission", ";RSVP=TRUE;CN=\"Mission"));
    assert_eq!(rules(asking.as_bytes(), &cancelled), [Rule::L7]);
}

#[test]
fn findings_name_their_rule() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let findings = lint(write(&meant).replace("SEQUENCE:0", "SEQUENCE:2").as_bytes(), &meant);
    assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), ["L12: SEQUENCE is 2; 0 is meant"]);
    assert_eq!(findings[0].severity(), Severity::Fault);
    assert_eq!((Rule::L0.to_string(), Rule::L17.to_string()), ("L0".to_owned(), "L17".to_owned()));
    assert_eq!(Rule::L11.severity(), Severity::Warning);
}

/// Any octet of an object may be changed and the change is seen, but where it says nothing of the event.
#[test]
fn no_changed_octet_goes_unseen() {
    let dispatch = Dispatch::new();
    let meant = dispatch.meant();
    let written = write(&meant).into_bytes();
    let mut line_start = 0;
    for at in 0..written.len() {
        if at > 0 && written[at - 1] == b'\n' {
            line_start = at;
        }
        let line = &written[line_start..];
        // The program's name, and times that nothing else is compared with.
        let is_free = [&b"PRODID:"[..], b"CREATED:", b"LAST-MODIFIED:"].iter().any(|name| line.starts_with(name));
        for octet in *b"x9 ,;:\"\\\r\n\0\t\x80^" {
            let was = written[at];
            // A blank or an escaped line end more or less, or a letter's case in a name: the same event.
            if is_free || octet == was || octet.eq_ignore_ascii_case(&was) || (octet == b'\t' && was == b' ') {
                continue;
            }
            let mut changed = written.clone();
            changed[at] = octet;
            assert!(
                !lint(&changed, &meant).is_empty(),
                "{octet:?} for {was:?} in {}",
                String::from_utf8_lossy(&line[..line.len().min(75)])
            );
        }
    }
}

proptest! {
    #[test]
    fn whatever_texts_are_sent_are_in_order(
        summary in texts(80), location in texts(80), description in texts(900), names in (texts(40), texts(40)),
    ) {
        let dispatch = Dispatch {
            organizer: mailbox(&names.0, "o@b.example"),
            attendee: mailbox(&names.1, "a@b.example"),
            summary: format!("T{summary}"),
            location,
            description: format!("{description}\r\n{WORDS}\r\n"),
            ..Dispatch::new()
        };
        let meant = dispatch.meant();
        prop_assert_eq!(lint(write(&meant).as_bytes(), &meant), []);
    }

    #[test]
    fn octets_never_make_it_panic(octets in collection::vec(any::<u8>(), 0..300), at in 0_usize..900) {
        let dispatch = Dispatch::new();
        let meant = dispatch.meant();
        let _ = lint(&octets, &meant);
        let mut changed = write(&meant).into_bytes();
        let at = at.min(changed.len());
        changed.splice(at..at, octets);
        let _ = lint(&changed, &meant);
    }
}

/// Any characters but braces, which L16 takes for template marks.
fn texts(most: usize) -> impl Strategy<Value = String> {
    collection::vec(any::<char>(), 0..most).prop_map(|chars| chars.into_iter().filter(|c| !"{}".contains(*c)).collect())
}
