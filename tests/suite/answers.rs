//! Answers: noted by a person, read by a program, counted by entity.

use jiff::Timestamp;
use serde_json::Value;

use convoke::calendar::{PartStat, Sequence};
use convoke::io::store::Store;
use convoke::journal::{Answer, Trust};

use crate::desk::Desk;

/// Two mailboxes of one mission, an organisation, and one that is not invited by the first list.
const LIST: &str = "email,entity,kind,language,city,of_state\n\
                    un@x.example,Permanent Mission of X to the United Nations,mission,en,,of X\n\
                    second@x.example,Permanent Mission of X to the United Nations,mission,en,,of X\n\
                    office@forum.example,\"Forum A, B\",ngo,en,Genève,\n\
                    office@other.example,Other Forum,ngo,fr,Paris,\n";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

/// What a calendar answered for a mailbox, as a reader of mail records it.
fn answered(entity: &str, recipient: i64, partstat: PartStat, second: i64) -> Answer {
    Answer {
        entity: entity.to_owned(),
        recipient: Some(recipient),
        partstat,
        persons: None,
        comment: String::new(),
        source: "calendar".to_owned(),
        by: "convoke".to_owned(),
        is_note: false,
        attendee: String::new(),
        sequence: Some(Sequence::FIRST),
        dtstamp: Some(at(second)),
        said: at(second),
        recorded: at(second),
        revision: 0,
        evidence: format!("<{second}@x.example>"),
        level: Some(Trust::Proven),
        applies: true,
    }
}

/// Puts answers into the journal of a folder.
pub(crate) fn record(desk: &Desk, answers: &[Answer]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&desk.path, 0).await.expect("the journal");
        store.record_answers(answers).await.expect("recorded");
    });
}

/// Puts an answer into the journal for each address, by its calendar.
pub(crate) fn answer_for(desk: &Desk, addresses: &[String], partstat: PartStat, second: i64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&desk.path, 0).await.expect("the journal");
        for address in addresses {
            let (found, recipient) = store.find_entity(address).await.expect("the journal is read");
            let convoke::people::Found::One(entity) = found else { panic!("{address} is nobody's") };
            let answer = answered(&entity, recipient.expect("an address"), partstat, second);
            store.record_answer(&answer).await.expect("recorded");
        }
    });
}

/// Of all entities, as `status` counts them.
fn counts(desk: &Desk, words: &[&str]) -> Vec<u64> {
    let status = desk.status();
    words.iter().map(|word| status["answers"]["all"][word].as_u64().expect("a count")).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn notes_and_answers_come_to_one_position_for_each_entity() {
    let desk = Desk::with_list(LIST);
    desk.ends(0, &["send"]);
    let mission = "Permanent Mission of X to the United Nations";
    record(
        &desk,
        &[
            answered(mission, 1, PartStat::Accepted, 10),
            answered(mission, 2, PartStat::Declined, 20),
            answered("Forum A, B", 3, PartStat::Declined, 30),
        ],
    );
    let status = desk.status();
    assert_eq!(counts(&desk, &["entities", "accepted", "declined", "silent", "persons"]), [3, 1, 1, 1, 1]);
    assert_eq!(status["answers"]["by_kind"]["mission"]["accepted"], 1);
    assert_eq!(status["answers"]["in_conflict"], 1);
    let said = desk.ends(0, &["status"]).out;
    assert!(
        said.contains(&format!("  {mission}: two mailboxes say different things: accepted and declined")),
        "{said}"
    );

    // By telephone they say what holds.
    let noted = desk.ends(0, &["note", "mission of x", "--declined", "--by", "phone", "--comment", "regrets"]);
    assert!(noted.out.starts_with(&format!("{mission}: declined (telephone, ")), "{}", noted.out);
    assert_eq!(desk.status()["answers"]["all"]["declined"], 2);
    assert_eq!(desk.status()["answers"]["in_conflict"], 0, "the note settles it");
    // What comes in later does not change it, and is shown.
    let now = convoke::io::clock::now();
    record(&desk, &[Answer { said: now, recorded: now, ..answered(mission, 1, PartStat::Accepted, 40) }]);
    let history = json(&desk.ends(0, &["note", "UN@X.example", "--json"]).out);
    assert_eq!((history["answer"].as_str(), history["history"].as_array().map(Vec::len)), (Some("declined"), Some(4)));
    assert!(history["conflicts"][0].as_str().is_some_and(|c| c.starts_with("a note says declined, but accepted")));
    assert_eq!(history["decided_by"]["comment"], "regrets");

    // The number of a note is the entity's.
    let noted = desk.ends(0, &["note", "un@x.example", "--accepted", "--persons", "3", "--by", "letter"]);
    assert!(noted.out.contains("accepted, 3 persons (letter"), "{}", noted.out);
    assert_eq!(desk.status()["answers"]["all"]["persons"], 3);
    desk.ends(0, &["note", "un@x.example", "--no-answer"]);
    assert_eq!(desk.status()["answers"]["all"]["silent"], 2);
}

#[test]
fn whoever_is_not_known_or_not_the_only_one_is_never_guessed() {
    let desk = Desk::with_list(LIST);
    assert_eq!(desk.run(&["note", "x", "--accepted"]).code, 74, "there is no journal yet");
    desk.ends(0, &["send"]);
    let several = desk.ends(64, &["note", "forum", "--accepted"]).err;
    assert!(
        several.contains("`forum` fits 2 entities") && several.contains("`Forum A, B`, `Other Forum`"),
        "{several}"
    );
    let none = desk.ends(64, &["note", "Othr Forum", "--accepted"]).err;
    assert!(none.contains("no list has an entity `Othr Forum`; did you mean `Other Forum`"), "{none}");
    let later = desk.ends(64, &["note", "other", "--accepted", "--at", "2999-01-01"]).err;
    assert!(later.contains("is still to come"), "{later}");
    desk.ends(64, &["note", "other", "--declined", "--persons", "2"]);
    assert_eq!(desk.status()["answers"]["all"]["silent"], 3, "nothing was noted");

    desk.write("answers.csv", "entity,answer,persons,comment\nother forum,yes,2,by fax\nNobody at all,no,,\n");
    let refused = desk.ends(65, &["note", "--from", "answers.csv"]).err;
    assert!(refused.contains("answers.csv:3:1: no list has an entity `Nobody at all`"), "{refused}");
    assert_eq!(desk.status()["answers"]["all"]["silent"], 3, "a list is taken whole or not at all");
    desk.write("answers.csv", "entity,answer,persons,comment\nother forum,yes,2,by fax\n\"forum a, b\",no,,\n");
    assert_eq!(desk.ends(0, &["note", "--from", "answers.csv"]).out, "2 answers noted\n");
    assert_eq!(counts(&desk, &["accepted", "declined", "persons"]), [1, 1, 2]);
}

#[test]
fn an_export_tells_answers_and_takes_conditions() {
    let desk = Desk::with_list(LIST);
    desk.ends(0, &["send"]);
    desk.ends(0, &["note", "other forum", "--accepted", "--persons", "2", "--by", "letter"]);
    let rows = |arguments: &[&str]| {
        let all = [&["export", "--format", "json"], arguments].concat();
        let rows = json(&desk.ends(0, &all).out);
        let rows = rows.as_array().expect("an array").iter();
        rows.map(|row| row["address"].as_str().expect("an address").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&[]).len(), 4);
    assert_eq!(rows(&["--only", "answer=accepted"]), ["office@other.example"]);
    assert_eq!(rows(&["--only", "answer=silent", "--only", "kind!=mission"]), ["office@forum.example"]);
    assert_eq!(rows(&["--only", "city~GEN"]), ["office@forum.example"]);
    assert_eq!(rows(&["--entity", "forum a, b", "--entity", "Other Forum"]).len(), 2);
    assert_eq!(rows(&["--to", "Second@x.example"]), ["second@x.example"]);
    assert_eq!(rows(&["--only", "status=bounced"]).len(), 0);
    let csv = desk.ends(0, &["export", "--only", "answer=accepted"]).out;
    let line = csv.lines().nth(1).expect("a row");
    assert!(line.contains(",invitation,0,REQUEST,0,NEEDS-ACTION,accepted,2,") && line.contains(",letter,,"), "{line}");
    let unknown = desk.ends(64, &["export", "--only", "citi=Bern"]).err;
    assert!(unknown.contains("no list has a column `citi`; did you mean `city`?"), "{unknown}");

    assert_eq!(desk.run(&["export", "--format", "xlsx"]).code, 64, "a workbook is no text");
    desk.ends(0, &["export", "--format", "xlsx", "--out", "reports/all.xlsx"]);
    let octets = std::fs::read(desk.path.join("reports/all.xlsx")).expect("a workbook");
    let mut book = convoke::input::Workbook::open("all.xlsx", std::io::Cursor::new(octets)).expect("readable");
    let mut sheet = book.rows().expect("a sheet");
    let mut row = convoke::input::table::Row::default();
    let mut lines = Vec::new();
    while convoke::input::RowSource::next_row(&mut sheet, &mut row).expect("a row") {
        lines.push(row.cells.iter().map(str::to_owned).collect::<Vec<_>>());
    }
    assert_eq!((lines.len(), lines[0][0].as_str(), lines[3][1].as_str()), (5, "address", "Forum A, B"));
}

#[test]
fn where_only_regrets_are_asked_for_the_silent_come() {
    let desk = Desk::with_list(LIST);
    let settings = desk.read("convoke.toml").replacen("[event]", "[event]\nanswers = \"regrets-only\"", 1);
    desk.write("convoke.toml", &settings);
    desk.ends(0, &["send"]);
    desk.ends(0, &["note", "other forum", "--declined"]);
    let status = desk.status();
    assert_eq!(status["answers"]["all"]["coming"], 2);
    assert_eq!(status["answers"]["silence_means_presence"], true);
    assert!(desk.ends(0, &["status"]).out.contains("2 come, the silent among them"));
}
