//! Whole messages, octet by octet: what changes in them is seen in review.
//!
//! `CONVOKE_GOLDEN=write cargo test golden` writes them anew; read the difference before committing it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use convoke::calendar::{OrganizerMethod, PartStat, Sequence};
use convoke::input::event_file::{self, EventFile};
use convoke::mail::{AddrSpec, MessageId};
use convoke::message::{Composer, Library, Reader, Sources};
use convoke::people::{Kind, Language};
use convoke::plan::{Dispatch, DispatchKey, Entry, FolderKey, Held, History, Purpose, Revision, RevisionKind};
use jiff::Timestamp;

use crate::desk::repository;

fn templates(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("templates") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            templates(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, std::fs::read_to_string(&path).expect("a template"));
        }
    }
}

fn sample() -> (EventFile, Library) {
    let text = std::fs::read_to_string(repository().join("convoke.toml")).expect("the sample's settings");
    let file = event_file::read("convoke.toml", &text).expect("no problems");
    let mut files = BTreeMap::new();
    templates(&repository().join("templates"), "", &mut files);
    let columns: BTreeSet<String> =
        ["email", "entity", "kind", "language", "honorific", "given", "family", "rank", "title", "of_state"]
            .map(str::to_owned)
            .into();
    let library = Library::load(&Sources::new("templates", files), &file, &columns).expect("no problems");
    (file, library)
}

fn composer() -> Composer {
    let (file, library) = sample();
    let made = Timestamp::from_second(1_504_000_000).expect("an instant");
    let revision = Revision::first(&library.facts(&file).expect("no problems"), made);
    Composer::new(&file, Arc::new(library), &FolderKey::new([7; 32]), &History::begun(revision)).expect("no problems")
}

/// Name, kind, entity, further cells.
type Row = (&'static str, Kind, &'static str, &'static [(&'static str, &'static str)]);

#[test]
fn whole_messages_are_as_they_were() {
    let composer = composer();
    let date = Timestamp::from_second(1_504_000_060).expect("an instant");
    let rows: [Row; 4] = [
        (
            "mission.en",
            Kind::Mission,
            "Permanent Mission of the Republic of Ghana to the United Nations",
            &[("of_state", "of the Republic of Ghana")],
        ),
        (
            "mission.ar",
            Kind::Mission,
            "Permanent Mission of the State of Qatar to the United Nations",
            &[("of_state", "لدولة قطر")],
        ),
        (
            "mission.zh",
            Kind::Mission,
            "Permanent Mission of the People's Republic of China to the United Nations",
            &[("of_state", "中华人民共和国")],
        ),
        (
            "ngo.fr",
            Kind::Ngo,
            "Médecins d'Ailleurs, \"section\" suisse",
            &[("honorific", "Ms."), ("given", "Zoé"), ("family", "d'Été")],
        ),
    ];
    for (name, kind, entity, cells) in rows {
        let address = AddrSpec::parse(&format!("{name}@host.example")).expect("an address");
        let language = Language::parse(name.rsplit('.').next().expect("a language")).expect("a language");
        let mut cells: BTreeMap<String, String> =
            cells.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        for (column, cell) in
            [("email", address.as_str()), ("entity", entity), ("kind", kind.as_str()), ("language", language.as_str())]
        {
            cells.insert(column.to_owned(), cell.to_owned());
        }
        let reader = Reader { address: &address, entity, kind, language: &language, cells: &cells };
        let key = Dispatch::invitation(0, Sequence::FIRST, address.key());
        let composed = composer.compose(&reader, &key, date, date).expect("no problems");
        assert_eq!(composed.letter, format!("invitation/{name}"));
        assert!(composed.warnings.is_empty(), "{:?}", composed.warnings);
        let path = repository().join(format!("tests/golden/{name}.eml"));
        if std::env::var_os("CONVOKE_GOLDEN").is_some_and(|v| v == "write") {
            std::fs::write(&path, &composed.octets).expect("a golden");
        }
        let golden = std::fs::read(&path).expect("a golden");
        let (now, then) = (String::from_utf8_lossy(&composed.octets), String::from_utf8_lossy(&golden));
        let differ = now.lines().zip(then.lines()).find(|(a, b)| a != b);
        assert!(composed.octets == golden, "{name} differs: {differ:?}");
    }
}

/// A composer that knows the first state, one with another time, and the event called off.
fn amended() -> Composer {
    let (file, library) = sample();
    let now = library.facts(&file).expect("no problems");
    let made = |second| Timestamp::from_second(second).expect("an instant");
    let history = History::begun(Revision::first(&now.clone().varied(), made(1_504_000_000)));
    let update = history.next(RevisionKind::Material, &now, "Please note the change.", made(1_504_000_100));
    let history = history.with(update.expect("another"));
    let facts = library.cancelled(&file, now, false, "").expect("no problems");
    let off = history.next(RevisionKind::Cancellation, &facts, "", made(1_504_000_200)).expect("another");
    Composer::new(&file, Arc::new(library), &FolderKey::new([7; 32]), &history.with(off)).expect("no problems")
}

/// An update and a cancellation of what the mailbox holds, and a reminder without calendar object.
fn follow_up(purpose: Purpose, recipient: String) -> Dispatch {
    let (revision, held) = match purpose {
        Purpose::Cancellation => (2, 1),
        _ => (1, 0),
    };
    let sequence = |number| Sequence::new(number).expect("small");
    let entry = |method| Entry { method, sequence: sequence(revision), partstat: PartStat::Accepted };
    let method = OrganizerMethod::Request;
    Dispatch {
        key: DispatchKey { purpose, revision, mailing: 0, recipient },
        entry: purpose.method().map(entry),
        held: Some(Held { revision: held, sequence: sequence(held), method, language: None }),
        thread: Some(MessageId::from_journal("first@host.example".to_owned())),
    }
}

#[test]
fn whole_follow_ups_are_as_they_were() {
    let composer = amended();
    let date = Timestamp::from_second(1_504_000_300).expect("an instant");
    for (purpose, tag) in [(Purpose::Update, "en"), (Purpose::Cancellation, "fr")] {
        let address = AddrSpec::parse("mission@host.example").expect("an address");
        let language = Language::parse(tag).expect("a language");
        let cells = BTreeMap::from([
            ("kind".to_owned(), "mission".to_owned()),
            ("of_state".to_owned(), if tag == "fr" { "du Bénin" } else { "of Benin" }.to_owned()),
        ]);
        let reader =
            Reader { address: &address, entity: "Mission", kind: Kind::Mission, language: &language, cells: &cells };
        let composed = composer.compose(&reader, &follow_up(purpose, address.key()), date, date).expect("no problems");
        let name = format!("{purpose}.{tag}");
        let path = repository().join(format!("tests/golden/{name}.eml"));
        if std::env::var_os("CONVOKE_GOLDEN").is_some_and(|v| v == "write") {
            std::fs::write(&path, &composed.octets).expect("a golden");
        }
        let golden = std::fs::read(&path).expect("a golden");
        let (now, then) = (String::from_utf8_lossy(&composed.octets), String::from_utf8_lossy(&golden));
        let differ = now.lines().zip(then.lines()).find(|(a, b)| a != b);
        assert!(composed.octets == golden, "{name} differs: {differ:?}");
    }
}

/// The law of casts holds for every purpose.
#[test]
fn follow_ups_leave_no_trace_either() {
    let date = "2017-09-01T09:00:00Z".parse().expect("an instant");
    for purpose in [Purpose::Update, Purpose::Cancellation] {
        for (kind, language) in [(Kind::Mission, "ru"), (Kind::Mission, "ar"), (Kind::Ngo, "es")] {
            let (warm, plain) = (amended(), amended().without_casts());
            for (number, value) in ["plain", "*stars* <b>", "Ünïcödé 中文 مرحبا"].iter().enumerate() {
                let address = AddrSpec::parse(&format!("guest{number}@host.example")).expect("an address");
                let tag = Language::parse(language).expect("a language");
                let cells: BTreeMap<String, String> = [
                    ("kind", kind.as_str()),
                    ("of_state", *value),
                    ("entity", *value),
                    ("honorific", "Ms."),
                    ("family", *value),
                ]
                .map(|(column, cell)| (column.to_owned(), cell.to_owned()))
                .into();
                let reader = Reader { address: &address, entity: value, kind, language: &tag, cells: &cells };
                let mut dispatch = follow_up(purpose, address.key());
                dispatch.thread = Some(MessageId::from_journal(format!("first{number}@host.example")));
                if let Some(entry) = &mut dispatch.entry {
                    entry.partstat = PartStat::ALL[number];
                }
                let again = warm.compose(&reader, &dispatch, date, date).expect("no problems");
                let alone = plain.compose(&reader, &dispatch, date, date).expect("no problems");
                assert!(again.octets == alone.octets, "{purpose} {kind} {language} {value}");
                // Without calendar object: two parts, the same thread.
                dispatch.entry = None;
                let bare = warm.compose(&reader, &dispatch, date, date).expect("no problems");
                let alone = plain.compose(&reader, &dispatch, date, date).expect("no problems");
                assert!(bare.octets == alone.octets && bare.calendar.is_none(), "{purpose} {kind} {language} {value}");
            }
        }
    }
}

/// A message filled into the cast of an earlier one is, to the octet, the one that is made by itself.
#[test]
fn what_was_sent_before_leaves_no_trace() {
    let date = "2017-09-01T09:00:00Z".parse().expect("an instant");
    let values = [
        "plain",
        "*stars* _and_ [brackets](x)",
        "<b>&amp; \"quoted\" \\ | `code`",
        "- 1. # ==",
        "Ünïcödé 中文 مرحبا",
        "{x}",
    ];
    for (kind, language) in [(Kind::Mission, "en"), (Kind::Mission, "zh"), (Kind::Mission, "ar"), (Kind::Ngo, "fr")] {
        let (warm, plain) = (composer(), composer().without_casts());
        for (number, value) in values.iter().enumerate() {
            let address = AddrSpec::parse(&format!("guest{number}@host.example")).expect("an address");
            let tag = Language::parse(language).expect("a language");
            let cells: BTreeMap<String, String> = [
                ("email", address.as_str()),
                ("entity", "Permanent Mission"),
                ("kind", kind.as_str()),
                ("language", language),
                ("of_state", *value),
                ("honorific", "Ms."),
                ("family", *value),
            ]
            .map(|(column, cell)| (column.to_owned(), cell.to_owned()))
            .into();
            let entity = format!("Permanent Mission {number} \u{e9}");
            let reader = Reader { address: &address, entity: &entity, kind, language: &tag, cells: &cells };
            let key = Dispatch::invitation(0, Sequence::FIRST, address.key());
            let again = warm.compose(&reader, &key, date, date).expect("no problems");
            let alone = plain.compose(&reader, &key, date, date).expect("no problems");
            assert!(again.octets == alone.octets, "{kind} {language} {value}");
            assert_eq!(again.calendar, alone.calendar);
        }
    }
}
