//! `doctor`: what is well, what is wrong and what to do, against receivers and mailboxes of our own; and the way round through
//! a real Postfix and Dovecot.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use convoke::io::clock;
use serde_json::Value;

use crate::desk::{Desk, Ran};
use crate::faulty::{Action, Faulty, Script, Stage, Tls, certificates};
use crate::imap::{Manners as Mailbox, Stub};
use crate::oracles::oracles;
use crate::roundtrip::MailHost;
use crate::server::{Manners, Server};

/// The sample event with more settings at its end, and a start that is to come.
fn desk(more: &str) -> Desk {
    let desk = Desk::sample();
    let settings = desk.read("convoke.toml");
    let coming = settings.replacen("2017-09-22T", "2037-09-22T", 2);
    assert_ne!(coming, settings);
    desk.write("convoke.toml", &format!("{coming}\n{more}\n"));
    desk
}

#[track_caller]
fn says(ran: &Ran, lines: &[&str]) {
    for line in lines {
        assert!(ran.out.lines().any(|told| told.starts_with(line)), "{line}\n{}\n{}", ran.out, ran.err);
    }
}

const PASSWORD: &str = "password = { command = [\"echo\", \"secret\"] }";

#[test]
fn a_folder_without_relay_and_mailbox_is_looked_at_and_left_as_it_was() {
    let desk = desk("");
    let names = |desk: &Desk| {
        let entries = fs::read_dir(&desk.path).expect("a folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    let before = names(&desk);
    let ran = desk.ends(0, &["doctor"]);
    says(
        &ran,
        &[
            "ok       configuration: `",
            "ok       dkim: no key is configured",
            "ok       journal: there is none yet",
            "ok       clock: ",
            "ok       relay: none is configured: everything goes to the sandbox",
            "warning  mailbox: none is configured",
        ],
    );
    // How fast the disk is, is no matter of this test.
    assert!(ran.out.contains(" disk: ") && ran.out.contains(" of room, a write is safe after "), "{}", ran.out);
    assert_eq!(names(&desk), before);
    desk.ends(0, &["send", "--limit", "1"]);
    let ran = desk.ends(0, &["doctor", "--self-test"]);
    says(&ran, &["ok       journal: version ", "warning  self-test: not made: without a relay"]);
    desk.ends(64, &["doctor", "--wait", "5s"]);
    desk.ends(64, &["doctor", "--self-test", "--wait", "soon"]);
}

#[test]
fn what_is_wrong_in_the_folder_is_told_with_its_cure() {
    let desk = desk("[[dkim]]\ndomain = \"liechtenstein-un.example\"\nselector = \"x\"\nkey = { file = \"none.pem\" }");
    desk.write(
        "convoke.db",
        "no journal at all, and longer than the head of one would be: it is text, and that is all of it.",
    );
    desk.write("templates/invitation/ngo.en.md.hbs", "+++\nsubject = \"x\"\n+++\n{{#if a}}\n");
    let settings = fs::File::options().append(true).open(desk.path.join("convoke.toml")).expect("settings");
    let tomorrow = u64::try_from(clock::now().as_second()).expect("after 1970") + 86_400;
    settings.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(tomorrow)).expect("a time");
    let ran = desk.ends(78, &["doctor"]);
    says(
        &ran,
        &["fault    configuration: ", "fault    dkim: convoke.toml:", "fault    journal: ", "fault    clock: it says"],
    );
    assert!(ran.out.contains("set the clock"), "{}", ran.out);
    assert!(ran.out.lines().last().expect("a line").starts_with("4 faults"), "{}", ran.out);
    let json: Value = serde_json::from_str(&desk.ends(78, &["doctor", "--json"]).out).expect("JSON");
    assert_eq!(json["faults"], 4);
    let checks = json["checks"].as_array().expect("checks");
    assert!(checks.iter().all(|check| check["grade"] != "fault" || check["words"] != ""), "{json}");
    fs::remove_file(desk.path.join("convoke.toml")).expect("settings");
    desk.ends(78, &["doctor"]);
}

#[test]
fn relays_are_asked_what_they_offer_and_sent_nothing() {
    let desk = desk("");
    let script =
        Script { stage: Stage::Quit, action: Action::Cut, nth: u64::MAX, pipelining: true, tls: Tls::Implicit };
    let faulty = Faulty::start(&desk.path, script);
    let plain = Server::start(Manners { offers: vec!["SIZE 1000", "8BITMIME", "DSN"], ..Manners::default() });
    let settings = desk.read("convoke.toml");
    let ca = certificates().join("ca.pem").display().to_string();
    let relays = format!(
        "[[relay]]\nname = \"one\"\nurl = \"smtps://127.0.0.1:{}\"\nca_file = \"{ca}\"\n\
         [[relay]]\nname = \"two\"\nurl = \"smtp://127.0.0.1:{}\"\n",
        faulty.port, plain.port
    );
    desk.write("convoke.toml", &format!("{settings}\n{relays}"));
    let ran = desk.ends(0, &["doctor"]);
    says(&ran, &["ok       relay one (127.0.0.1:", "warning  relay two (127.0.0.1:"]);
    for words in [
        "TLSv1.3 ",
        "certificate good for ",
        "no login; offers PIPELINING",
        "in clear on this machine; no login; offers 8BITMIME DSN SIZE=1000; messages larger than its SIZE",
    ] {
        assert!(ran.out.contains(words), "{words}\n{}", ran.out);
    }
    assert!(faulty.log().is_empty() && plain.heard("MAIL").is_empty(), "nothing is sent");
    assert_eq!(plain.heard("QUIT").len(), 1);
}

#[test]
fn a_relay_that_cannot_be_used_gives_its_exit_code() {
    let refusing = Server::start(Manners { offers: vec!["AUTH PLAIN LOGIN"], ..Manners::default() });
    let login = desk(&format!("[[relay]]\nurl = \"smtp://events@127.0.0.1:{}\"\n{PASSWORD}", refusing.port));
    let ran = login.ends(78, &["doctor"]);
    assert!(ran.out.contains("535 5.7.8 bad credentials; check user and password under [[relay]]"), "{}", ran.out);
    assert!(!ran.out.contains("secret"), "{}", ran.out);
    let absent = desk("[[relay]]\nurl = \"smtp://127.0.0.1:9\"");
    let ran = absent.ends(69, &["doctor"]);
    assert!(ran.out.contains("check host, port and firewall"), "{}", ran.out);
    let script =
        Script { stage: Stage::Quit, action: Action::Cut, nth: u64::MAX, pipelining: true, tls: Tls::Implicit };
    let faulty = Faulty::start(&absent.path, script);
    let unknown = desk(&format!("[[relay]]\nurl = \"smtps://127.0.0.1:{}\"", faulty.port));
    let ran = unknown.ends(78, &["doctor"]);
    assert!(ran.out.contains("certificate is not accepted"), "{}", ran.out);
    assert!(ran.out.contains("`ca_file` under [[relay]]"), "{}", ran.out);
}

#[test]
fn reply_mailboxes_are_opened_to_look_only() {
    let server = Stub::start(Mailbox { offers: "IDLE".to_owned(), uidvalidity: 7, ..Mailbox::default() });
    let from = format!("[replies]\nfrom = [\"{}\", \"maildir:nowhere\"]\n", server.url());
    let ran = desk(&format!("{from}{PASSWORD}")).ends(74, &["doctor"]);
    says(&ran, &[&format!("ok       mailbox {}: 0 messages; logged in by LOGIN", server.url())]);
    says(&ran, &["fault    mailbox maildir:nowhere: cannot read `"]);
    assert!(ran.out.contains("tells of new mail; opened to look only"), "{}", ran.out);
    assert!(server.heard("SELECT").is_empty() && !server.heard("EXAMINE").is_empty());
    let wrong = desk(&format!("{from}password = {{ command = [\"echo\", \"open sesame\"] }}"));
    let ran = wrong.ends(78, &["doctor"]);
    assert!(ran.out.contains("refused the login") && !ran.out.contains("sesame"), "{}", ran.out);
}

/// `convoke sandbox`, ended when it is dropped.
struct Sandbox(Child);

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_self_test_finds_its_message_in_a_maildir() {
    let desk = desk("");
    let mut child = desk
        .command(&["sandbox", "--listen", "127.0.0.1:0", "--outbox", "received"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut told = BufReader::new(child.stdout.take().expect("a pipe"));
    let _sandbox = Sandbox(child);
    let mut line = String::new();
    told.read_line(&mut line).expect("where it listens");
    let port =
        line.split("127.0.0.1:").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let port = port.unwrap_or_else(|| panic!("{line}"));
    let settings = desk.read("convoke.toml");
    let more = format!("[[relay]]\nurl = \"smtp://127.0.0.1:{port}\"\n[replies]\nfrom = [\"maildir:received\"]\n");
    desk.write("convoke.toml", &format!("{settings}\n{more}"));
    let ran = desk.ends(0, &["doctor", "--self-test"]);
    says(&ran, &["ok       self-test: "]);
    assert!(ran.out.contains("addresses with a plus work; `verp = true` under [sender] may be written"), "{}", ran.out);
    // What was there before is not taken for it.
    let ran = desk.ends(0, &["doctor", "--self-test", "--json"]);
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    let test = json["checks"].as_array().and_then(|checks| checks.last()).expect("the test");
    assert_eq!((&test["check"], &test["facts"]["found"]), (&"self-test".into(), &true.into()));
    let ran = desk.ends(0, &["replies"]);
    assert_eq!(ran.out.lines().last(), Some("2 messages: 2 automatic replies; 2 not of this event"), "{}", ran.out);
}

#[test]
fn a_self_test_that_does_not_come_back_is_told() {
    let relay = Server::start(Manners::default());
    let mailbox =
        Stub::start(Mailbox { uidvalidity: 7, messages: vec!["Subject: x\r\n\r\n".to_owned()], ..Mailbox::default() });
    let desk = desk(&format!(
        "[[relay]]\nurl = \"smtp://127.0.0.1:{}\"\n[replies]\nfrom = [\"{}\"]\n{PASSWORD}",
        relay.port,
        mailbox.url()
    ));
    let ran = desk.ends(1, &["doctor", "--self-test", "--wait", "1s"]);
    says(&ran, &["fault    self-test: the relay took a message to "]);
    assert!(ran.out.contains("it is not there; look among spam and wait longer"), "{}", ran.out);
    assert!(!mailbox.heard("UID SEARCH HEADER Message-ID").is_empty());
    let to = relay.heard("RCPT TO:<");
    assert!(to.len() == 1 && to[0].1.contains('+'), "{to:?}");
}

#[test]
fn the_self_test_goes_all_the_way_round() {
    if oracles().is_none() {
        return;
    }
    let desk = desk("");
    let host = MailHost::start(&desk.path, &["events"]);
    let settings = desk.read("convoke.toml");
    let more = format!(
        "[[relay]]\nurl = \"smtp://127.0.0.1:{}\"\n[replies]\nfrom = [\"imap://events@127.0.0.1:{}/INBOX\"]\n{PASSWORD}\n",
        host.smtp, host.imap
    );
    desk.write("convoke.toml", &format!("{settings}\n{more}"));
    let ran = desk.ends(0, &["doctor", "--self-test"]);
    says(&ran, &["ok       relay 127.0.0.1", "ok       mailbox imap://events@", "ok       self-test: events+"]);
    let ran = desk.ends(0, &["replies"]);
    assert_eq!(ran.out, "1 message: 1 automatic reply; 1 not of this event\n");
}
