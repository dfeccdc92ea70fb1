//! A second person's yes: what it lets through, what it stops, and that each change is named.

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::book::a_minute_older;
use crate::desk::{Desk, Ran};

const LIST: &str = "recipients/list.csv";

fn desk() -> Desk {
    let rows = (0..4).map(|n| format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    let desk = Desk::with_list(&format!("email,entity,kind,language,city\n{}", rows.collect::<String>()));
    settings(&desk, "required = true");
    desk
}

/// Writes `[approval]` at the end of the event file, in the place of what stood there.
fn settings(desk: &Desk, lines: &str) {
    let text = desk.read("convoke.toml");
    let kept = text.split("\n[approval]\n").next().expect("a beginning").to_owned();
    desk.write("convoke.toml", &format!("{kept}\n[approval]\n{lines}\n"));
}

fn planned(desk: &Desk, more: &[&str]) -> String {
    let ran = desk.ends(0, &[&["plan", "--by", "Ana", "--json"], more].concat());
    let plan: Value = serde_json::from_str(&ran.out).expect("JSON");
    plan["seal"].as_str().expect("a seal").to_owned()
}

fn approved(desk: &Desk, more: &[&str]) -> String {
    let seal = planned(desk, more);
    desk.ends(0, &["approve", "--by", "Berta", "--seal", &seal]);
    seal
}

#[track_caller]
fn refused(desk: &Desk, arguments: &[&str], parts: &[&str]) {
    let ran = desk.ends(75, arguments);
    for part in parts {
        assert!(ran.err.contains(part), "`{part}` in {}", ran.err);
    }
    assert!(ran.err.contains("nothing was sent"), "{}", ran.err);
}

fn edit(desk: &Desk, file: &str, from: &str, to: &str) -> String {
    let text = desk.read(file);
    assert!(text.contains(from), "{from}");
    desk.write(file, &text.replacen(from, to, 1));
    text
}

#[test]
fn nothing_leaves_without_a_second_person() {
    let desk = desk();
    refused(&desk, &["send"], &["asks for an approval", "`convoke plan`"]);
    assert!(desk.ends(64, &["approve", "--by", "Berta"]).err.contains("no plan"));
    let first = desk.ends(0, &["plan", "--by", "Ana"]);
    assert!(first.out.contains("invitation: 4 messages, planned by Ana"), "{}", first.out);
    assert!(first.out.contains("United Nations Headquarters, Conference Room 2") && first.out.contains("en 4"));
    let seal = planned(&desk, &[]);
    assert!(first.out.contains(&format!("seal {seal}")), "the same plan has the same seal");
    refused(&desk, &["send"], &["of `Ana` waits for a second person", &seal[..8]]);
    // Not the planner, however she writes herself; not without the seal; not with a wrong or a short one.
    assert!(desk.ends(64, &["approve", "--by", "ANA", "--seal", &seal]).err.contains("a second person has to"));
    assert!(desk.ends(64, &["approve", "--by", "Berta"]).err.contains("--seal"));
    assert!(desk.ends(64, &["approve", "--by", "Berta", "--seal", "00000000"]).err.contains("no plan has the seal"));
    desk.ends(64, &["approve", "--by", "Berta", "--seal", &seal[..7]]);
    refused(&desk, &["send"], &["waits for a second person"]);
    assert!(desk.outbox().is_empty());
    // What sends nothing to anybody asks nobody.
    desk.ends(0, &["send", "--dry-run"]);
    let yes: Value = serde_json::from_str(
        &desk.ends(0, &["approve", "--by", "Berta", "--seal", &seal[..8].to_uppercase(), "--json"]).out,
    )
    .expect("JSON");
    assert_eq!((yes["approved_by"].as_str(), yes["planned_by"].as_str()), (Some("Berta"), Some("Ana")));
    desk.ends(0, &["send"]);
    assert_eq!((desk.outbox().len(), desk.standing("SENT")), (4, 4));
}

#[test]
fn status_and_check_say_where_an_approval_stands() {
    let desk = desk();
    let said = |arguments: &[&str]| desk.run(arguments).out;
    let data = |arguments: &[&str]| serde_json::from_str::<Value>(&said(arguments)).expect("JSON")["approval"].clone();
    let check = said(&["check"]);
    assert!(
        check.contains("not approved: convoke.toml asks for an approval; seal a plan with `convoke plan`"),
        "{check}"
    );
    let seal = planned(&desk, &[]);
    let short = &seal[..8];
    let status = said(&["status"]);
    assert!(status.contains(&format!("invitation   plan {short}")) && status.contains("4 messages, sealed by Ana on "));
    assert!(status.contains("nobody has approved it yet; next: `convoke approve`"), "{status}");
    let plan = data(&["status", "--json"])["plans"][0].clone();
    assert_eq!((plan["state"].as_str(), plan["next"].as_str()), (Some("waiting"), Some("convoke approve")));
    assert!(said(&["check"]).contains("waits for a second person"));

    desk.ends(0, &["approve", "--by", "Berta", "--seal", &seal]);
    let status = said(&["status"]);
    assert!(status.contains("approved by Berta on ") && status.contains("4 open; next: `convoke send`"), "{status}");
    let plan = data(&["status", "--json"])["plans"][0].clone();
    assert_eq!((plan["state"].as_str(), plan["approvals"][0]["by"].as_str()), (Some("approved"), Some("Berta")));
    assert!(said(&["check"]).contains("approved: `convoke send` would send just what was sealed"));
    assert_eq!(data(&["check", "--json"])[0]["may_be_sent"], true);

    let list = edit(&desk, LIST, "Organisation 1", "Organisation One");
    let check = said(&["check"]);
    assert!(check.contains(&format!("not approved: the plan {short}")) && check.contains("since `Berta` approved it"));
    assert!(check.contains("\n  the lists say something else of 1 recipient: g…@x.example\n"), "{check}");
    let refused = data(&["check", "--json"])[0].clone();
    assert_eq!(refused["may_be_sent"], false);
    assert_eq!(refused["changes"].as_array().map(Vec::len), Some(1), "{refused}");
    desk.write(LIST, &list);

    // She left in the meantime: the reason and the next step.
    settings(&desk, "required = true\nby = [\"Ana\", \"Carl\"]");
    let status = said(&["status"]);
    assert!(status.contains("`Berta` is not among those who may approve (Ana, Carl)"), "{status}");
    assert!(status.contains("next: `convoke plan`"), "{status}");
    settings(&desk, "required = true");
    desk.ends(0, &["send"]);
    let status = said(&["status"]);
    assert!(status.contains("run 1 began under it; nothing of it is open"), "{status}");
    assert_eq!(data(&["status", "--json"])["plans"][0]["approvals"][0]["runs"], serde_json::json!([1]));
    settings(&desk, "required = false");
    assert!(said(&["status"]).contains("convoke.toml asks for no approval"));
    assert!(!said(&["check"]).contains("approved"), "nobody asks");
}

#[test]
fn each_change_is_named_and_undone_it_is_none() {
    let desk = desk();
    planned(&desk, &[]);
    a_minute_older(&desk);
    let seal = approved(&desk, &[]);
    let letter = "templates/invitation/ngo.en.md.hbs";
    let text = desk.read(letter);
    desk.write(letter, &format!("{text}\nPlease be punctual.\n"));
    let named = ["template `invitation/ngo.en.md.hbs` was changed", "letter `invitation/ngo.en`: 4 messages read"];
    refused(&desk, &["send"], &named);
    refused(&desk, &["send"], &["has changed since `Berta` approved it"]);
    desk.write(letter, &text);

    let list = edit(&desk, LIST, "Organisation 1", "Organisation One");
    refused(&desk, &["send"], &["the lists say something else of 1 recipient: g…@x.example"]);
    let late = "late1@x.example,A,ngo,en,Bern\nlate2@x.example,B,ngo,en,Bern\nlate3@x.example,C,ngo,en,Bern\n";
    desk.write(LIST, &format!("{list}{late}"));
    refused(&desk, &["send"], &["3 recipients added: l…@x.example"]);
    desk.write(LIST, &list.replace("guest2@x.example,Organisation 2,ngo,en,Bern\n", ""));
    refused(&desk, &["send"], &["1 recipient taken off the lists: g…@x.example"]);
    desk.write(LIST, &list);

    refused(&desk, &["send", "--relay", "smtp://127.0.0.1:9"], &["to go to the built-in sandbox, would go to", ":9"]);
    let file = edit(&desk, "convoke.toml", "[sender]", "[sender]\nenvelope = \"bounces@host.example\"");
    refused(&desk, &["send"], &["the reverse-path was ", "is bounces@host.example"]);
    desk.write("convoke.toml", &file);
    // What reaches no message is no change.
    edit(&desk, "templates/invitation/mission.fr.md.hbs", "\n\n", "\n\nUn mot de plus.\n\n");
    edit(&desk, "convoke.toml", "retry_after = [\"1s\"]", "retry_after = [\"2s\"]");
    desk.ends(0, &["approve", "--by", "Carl", "--seal", &seal]);

    let file = edit(&desk, "convoke.toml", "Conference Room 2", "Conference Room 3");
    refused(&desk, &["send"], &["`event.place.en` was \"United Nations Headquarters, Conference Room 2\", is \"Uni"]);
    // The approver is told, too.
    let told = desk.ends(75, &["approve", "--by", "Carl", "--seal", &seal]);
    assert!(told.err.contains("`event.place.en` was") && told.err.contains("since `Ana` made it"), "{}", told.err);
    desk.write("convoke.toml", &file);
    refused(&desk, &["send"], &["was changed and changed back"]);
    assert!(desk.outbox().is_empty());
    approved(&desk, &[]);
    desk.ends(0, &["send"]);
    assert_eq!(desk.outbox().len(), 4);
}

#[test]
fn a_run_goes_on_and_late_ones_need_a_yes_of_their_own() {
    let desk = desk();
    edit(&desk, LIST, "guest3@", "guest3+greylist@");
    approved(&desk, &[]);
    desk.ends(0, &["send", "--limit", "1"]);
    desk.ends(0, &["send", "--limit", "1", "--only", "city=bern"]);
    assert_eq!(desk.standing("SENT"), 2);
    // Held back for one who asked for it: no other plan.
    desk.ends(0, &["suppress", "guest2@x.example"]);
    desk.ends(0, &["send"]);
    assert_eq!((desk.standing("SENT"), desk.standing("SUPPRESSED")), (3, 1));
    desk.write(LIST, &format!("{}late@x.example,Late,ngo,en,Bern\n", desk.read(LIST)));
    refused(&desk, &["send"], &["1 recipient added: l…@x.example"]);
    let late = desk.ends(0, &["plan", "--by", "Ana"]);
    assert!(late.out.contains("invitation: 1 message, planned by Ana"), "{}", late.out);
    refused(&desk, &["send"], &["1 recipient added", "waits for a second person"]);
    approved(&desk, &[]);
    desk.ends(0, &["send"]);
    assert_eq!((desk.standing("SENT"), desk.outbox().len()), (4, 4));
}

#[test]
fn only_those_who_may_approve_count_and_plans_add_up() {
    let desk = desk();
    edit(&desk, LIST, "Organisation 3,ngo,en,Bern", "Organisation 3,ngo,en,Geneva");
    settings(&desk, "required = true\nby = [\"Ana\", \"Berta\", \"Carl\"]");
    let bern = planned(&desk, &["--only", "city=bern"]);
    let stranger = desk.ends(64, &["approve", "--by", "Dora", "--seal", &bern]);
    assert!(stranger.err.contains("`Dora` is not among those who may approve (Ana, Berta, Carl)"), "{}", stranger.err);
    desk.ends(0, &["approve", "--by", "Berta", "--seal", &bern]);
    desk.ends(0, &["approve", "--by", "Carl", "--seal", &bern]);
    refused(&desk, &["send"], &["1 recipient added", "(the plan was for --only city=bern)"]);
    let geneva = planned(&desk, &["--only", "city=geneva"]);
    assert_ne!(bern, geneva);
    desk.ends(0, &["approve", "--by", "Carl", "--seal", &geneva]);
    // Berta left; what Carl approved still counts. With Carl gone too, nothing does.
    settings(&desk, "required = true\nby = [\"Ana\", \"Carl\"]");
    desk.ends(0, &["send", "--limit", "1"]);
    settings(&desk, "required = true\nby = [\"Ana\", \"Eve\"]");
    refused(&desk, &["send"], &["`Carl` is not among those who may approve (Ana, Eve)"]);
    settings(&desk, "required = true\nby = [\"Ana\", \"Carl\"]");
    desk.ends(0, &["send"]);
    assert_eq!(desk.standing("SENT"), 4);
}

fn faketime() -> Option<PathBuf> {
    let folder = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|e| e.path());
    folder.map(|f| f.join("faketime/libfaketimeMT.so.1")).find(|f| f.exists())
}

#[test]
fn an_approval_expires() {
    let Some(library) = faketime() else {
        assert!(std::env::var_os("CONVOKE_ORACLES").is_none(), "tests/oracles/setup installs libfaketime");
        eprintln!("skipped: no libfaketime; tests/oracles/setup installs it");
        return;
    };
    let desk = desk();
    settings(&desk, "required = true\nvalid_for = \"2h\"");
    approved(&desk, &[]);
    let later = |by: &str| {
        let output = desk
            .command(&["send"])
            .env("LD_PRELOAD", &library)
            .env("FAKETIME", by)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .output()
            .expect("the program starts");
        let text = |octets: Vec<u8>| String::from_utf8(octets).expect("output is UTF-8");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    };
    let late = later("+121m");
    assert_eq!(late.code, 75, "{late:?}");
    assert!(late.err.contains("the approval by `Berta` of ") && late.err.contains("has expired"), "{}", late.err);
    assert!(desk.outbox().is_empty());
    let in_time = later("+110m");
    assert_eq!(in_time.code, 0, "{in_time:?}");
    assert_eq!(desk.outbox().len(), 4);
}

#[test]
fn the_plans_file_can_be_checked_by_hand() {
    let desk = desk();
    let seal = planned(&desk, &["--out", "plan.txt"]);
    let file = desk.read("plan.txt");
    let (above, below) = file.split_once("seal ").expect("a seal");
    let hash = |text: &str| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    assert_eq!(hash(above), seal);
    assert!(below.starts_with(&seal));
    let messages: String = file.split_inclusive('\n').filter(|line| line.starts_with("message ")).collect();
    assert_eq!(messages.lines().count(), 4);
    assert!(above.ends_with(&format!("messages 4 {}\n", hash(&messages))), "{above}");
    assert!(!file.contains("guest1"), "addresses are masked");
    // Without [approval], a plan is there to be looked at.
    let text = desk.read("convoke.toml");
    desk.write("convoke.toml", text.split("\n[approval]\n").next().expect("a beginning"));
    assert_eq!(planned(&desk, &[]), seal, "whether it has to be approved shapes no message");
    desk.ends(0, &["send"]);
    assert_eq!(desk.outbox().len(), 4);
}

#[test]
fn every_mail_needs_its_own_yes() {
    let desk = desk();
    approved(&desk, &[]);
    desk.ends(0, &["send"]);
    edit(&desk, "convoke.toml", "start = 2017-09-22T15:00:00", "start = 2017-09-22T15:05:00");
    refused(&desk, &["update"], &["asks for an approval", "`convoke update --seal`"]);
    let sealed = |arguments: &[&str]| {
        let ran = desk.ends(0, &[arguments, &["--seal", "--by", "Ana", "--json"]].concat());
        let plan: Value = serde_json::from_str(ran.out.lines().last().expect("a line")).expect("JSON");
        assert_eq!(plan["messages"], 4, "{}", ran.out);
        plan["seal"].as_str().expect("a seal").to_owned()
    };
    let update = sealed(&["update", "--as", "material"]);
    refused(&desk, &["update"], &["of `Ana` waits for a second person", &update[..8]]);
    assert_eq!(desk.outbox().len(), 4);
    desk.ends(0, &["approve", "--by", "Berta", "--seal", &update]);
    desk.ends(0, &["update"]);
    assert_eq!(desk.outbox().len(), 8);
    let cancel = sealed(&["cancel", "--all", "--reason", "The minister is ill."]);
    refused(&desk, &["cancel", "--all"], &["waits for a second person"]);
    desk.ends(0, &["approve", "--by", "Berta", "--seal", &cancel]);
    desk.ends(0, &["cancel", "--all"]);
    assert_eq!(desk.outbox().len(), 12);
}
