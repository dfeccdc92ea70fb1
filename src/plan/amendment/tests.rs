//! What changes are taken for, and how they are said.

use std::collections::BTreeMap;

use super::{AmendmentKind, Field, compare};
use crate::input::event_file;
use crate::people::Language;
use crate::plan::{Facts, Rendering};

const FILE: &str = r#"
[event]
id = "gala"
title = "Gala"
place = "Palais des Nations, Room 5, Geneva"
zone = "Europe/Zurich"
zone_name = "Geneva time"
start = 2030-06-01T18:00:00
end = 2030-06-01T20:00:00
[sender]
name = "The Office"
address = "events@host.example"
[contact]
name = "Ms. Ash"
telephone = "+41 22 000 00 00"
[recipients]
files = ["l.csv"]
kind = "ngo"
"#;

/// The facts of a file with some texts in the place of others; the calendar text says title, time and place.
fn facts(changes: &[(&str, &str)]) -> Facts {
    let text = changes.iter().fold(FILE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let file = event_file::read("convoke.toml", &text).expect("no problems");
    let language = Language::parse("en").expect("a tag");
    let said = |text: &crate::input::text::Text| text.in_language(&language, &file.languages).to_owned();
    let (start, end) = (file.event.local_start, file.event.local_end);
    let rendering = Rendering {
        title: said(&file.event.title),
        place: said(&file.event.place),
        organizer: said(&file.sender.name),
        zone_name: said(&file.event.zone_name),
        date: start.strftime("%A, %-d %B %Y").to_string(),
        time: start.strftime("%H:%M").to_string(),
        end_time: end.strftime("%H:%M").to_string(),
        description: String::new(),
    };
    let description = format!(
        "{}, {} {}, {}. {}",
        rendering.title,
        rendering.date,
        rendering.time,
        rendering.place,
        file.contact.name.in_language(&language, &file.languages)
    );
    Facts::new(&file, BTreeMap::from([(language, Rendering { description, ..rendering })]))
}

/// The sentences of a change and what it is taken for.
fn judged(changes: &[(&str, &str)]) -> (Vec<String>, Option<AmendmentKind>) {
    let difference = compare(&facts(&[]), &facts(changes));
    let sentences = difference.changes().iter().map(|change| change.sentence.clone()).collect();
    (sentences, difference.proposed().map(|(kind, _)| kind))
}

#[test]
fn nothing_changed_is_no_difference() {
    assert_eq!(judged(&[]), (Vec::new(), None));
}

#[test]
fn times_are_material_and_said_as_people_say_them() {
    let (sentences, kind) = judged(&[("T18:00:00", "T18:30:00")]);
    assert_eq!(sentences, ["it begins 30 minutes later: 18:30 in place of 18:00"]);
    assert_eq!(kind, Some(AmendmentKind::Material));
    let (sentences, kind) =
        judged(&[("2030-06-01T18:00:00", "2030-06-02T17:00:00"), ("2030-06-01T20", "2030-06-02T20")]);
    assert_eq!(sentences[0], "the date changes from Saturday, 1 June 2030 to Sunday, 2 June 2030");
    assert_eq!(sentences[1], "it begins 1 hour earlier: 17:00 in place of 18:00");
    assert_eq!(sentences.len(), 2, "the calendar text follows from both: {sentences:?}");
    assert_eq!(kind, Some(AmendmentKind::Material));
    let (sentences, kind) = judged(&[("Europe/Zurich", "Europe/London")]);
    assert_eq!(sentences, ["the time zone changes from Europe/Zurich to Europe/London"]);
    assert_eq!(kind, Some(AmendmentKind::Material));
}

#[test]
fn a_room_is_wording_and_another_house_is_material() {
    let (sentences, kind) = judged(&[("Room 5", "Room 7")]);
    assert_eq!(
        sentences,
        ["the room changes from `Palais des Nations, Room 5, Geneva` to `Palais des Nations, Room 7, Geneva`"]
    );
    assert_eq!(kind, Some(AmendmentKind::Wording));
    for (from, to) in
        [("Palais des Nations", "Palais Wilson"), ("Geneva\"", "Vienna\""), ("Room 5, Geneva", "Room 5, Bern")]
    {
        let (sentences, kind) = judged(&[(from, to)]);
        assert!(sentences[0].starts_with("the place changes"), "{sentences:?}");
        assert_eq!(kind, Some(AmendmentKind::Material), "{from}");
    }
    let far = |before: &str, after: &str| super::Place::compare(before, after) == super::Place::Elsewhere;
    assert!(!far(
        "United Nations Headquarters, Conference Room 2",
        "United Nations Headquarters, Trusteeship Council Chamber"
    ));
    assert!(!far("联合国总部第2会议室", "联合国总部第4会议室"));
    assert!(!far("Конференц-центр, зал 2", "Конференц-центр, зал 3"));
    assert!(far("City Hall, Stockholm", "City Hall, Oslo"));
    assert!(far("405 East 42nd Street, New York", "820 Second Avenue, New York"));
}

#[test]
fn slips_are_typos_and_words_are_not() {
    for (from, to) in [
        ("Palais des Nations", "Palais des nations"),
        ("title = \"Gala\"", "title = \"Galla\""),
        ("Ms. Ash", "Ms. Asch"),
        ("The Office", "The Ofice"),
    ] {
        assert_eq!(judged(&[(from, to)]).1, Some(AmendmentKind::Typo), "{from}");
    }
    for (from, to) in [
        ("title = \"Gala\"", "title = \"Gala dinner\""),
        ("title = \"Gala\"", "title = \"Ball\""),
        ("Ms. Ash", "Mr. Oak"),
    ] {
        assert_eq!(judged(&[(from, to)]).1, Some(AmendmentKind::Wording), "{from}");
    }
}

#[test]
fn the_weightiest_change_decides() {
    let difference = compare(&facts(&[]), &facts(&[("title = \"Gala\"", "title = \"Galla\""), ("T20:00", "T21:00")]));
    let (kind, reason) = difference.proposed().expect("a difference");
    assert_eq!((kind, reason), (AmendmentKind::Material, "the time changes"));
    assert_eq!(difference.changes().iter().map(|change| change.field).collect::<Vec<_>>(), [Field::Time, Field::Title]);
}

#[test]
fn facts_read_back_as_they_were_written() {
    let facts = facts(&[]);
    assert_eq!(Facts::parse(&facts.to_json()).expect("JSON"), facts);
    // As version 2 wrote them.
    let old = r#"{"event":"gala","title":"Gala","place":"Palais des Nations, Room 5, Geneva","zone":"Europe/Zurich",
        "local_start":"2030-06-01T18:00:00","local_end":"2030-06-01T20:00:00","url":null,"organizer":"events@host.example"}"#;
    let old = Facts::parse(old).expect("JSON");
    assert!(facts.completes(&old) && !old.is_whole());
    assert_eq!(old.instants(), facts.instants());
    assert!(compare(&old, &facts).is_empty());
    let moved = self::facts(&[("Room 5", "Room 6")]);
    assert!(!moved.completes(&old));
    assert_eq!(compare(&old, &moved).proposed().map(|(kind, _)| kind), Some(AmendmentKind::Wording));
}
