//! The whole way round: convoke sends through Postfix to Dovecot's mailboxes; they bounce, and say yes and no through another
//! library's calendars; convoke reads all of it over IMAP, and the ledger is right. Absence and Sieve's `reject` stay silent,
//! because an invitation says `Auto-Submitted: auto-generated` (RFC 3834): that robots are quiet is part of what is tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, repository};
use crate::oracles::oracles;

/// Postfix before Dovecot; stopped when it is dropped.
struct MailHost {
    folder: PathBuf,
    smtp: String,
    imap: String,
}

impl MailHost {
    fn start(folder: &Path, users: &[&str]) -> Self {
        // Free at this moment; nobody else on this machine takes ports of loopback in between.
        let free = || std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let ports = [free(), free(), free()].map(|l| l.local_addr().expect("bound").port().to_string());
        let folder = folder.join("host");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("users"), users.iter().map(|user| format!("{user}\n")).collect::<String>())
            .expect("a file");
        let [smtp, _, imap] = ports.clone();
        let host = Self { folder, smtp, imap };
        let started = Command::new(script()).arg("start").arg(&host.folder).args(&ports).status();
        assert!(started.expect("bash").success(), "the mail host starts");
        host
    }

    fn new_of(&self, user: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.join("mail").join(user).join("new")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
    }

    /// Waits until a mailbox has so many new messages.
    fn awaits(&self, user: &str, count: usize) -> Vec<PathBuf> {
        let began = Instant::now();
        loop {
            let found = self.new_of(user);
            if found.len() >= count {
                return found;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{user} has {} of {count} messages", found.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for MailHost {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("stop").arg(&self.folder).status();
    }
}

fn script() -> PathBuf {
    repository().join("tests/oracles/mailhost.sh")
}

#[test]
fn what_postfix_and_dovecot_return_and_what_guests_answer_comes_into_the_ledger() {
    let Some(oracles) = oracles() else { return };
    let guests = ["ana", "eva", "away1", "full1", "refuses1", "gone1"];
    let rows = guests.iter().map(|guest| format!("{guest}@guests.example,House of {guest},ngo,en,Bern\n"));
    let desk = Desk::with_list(&format!("email,entity,kind,language,city\n{}", rows.collect::<String>()));
    // Everybody but `gone1` has a mailbox, and so has the organiser.
    let host = MailHost::start(&desk.path, &["events", "ana", "eva", "away1", "full1", "refuses1"]);
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &format!("{settings}\n[replies]\npassword = {{ command = [\"echo\", \"secret\"] }}\n"));
    desk.ends(0, &["send", "--relay", &format!("smtp://127.0.0.1:{}", host.smtp)]);
    assert_eq!(desk.standing("SENT"), 6, "the relay took all");
    // Two reports of Postfix.
    host.awaits("events", 2);
    answer(&oracles, &desk, &host);
    host.awaits("events", 4);
    let source = format!("imap://events@127.0.0.1:{}/INBOX", host.imap);
    let ran = desk.ends(0, &["replies", "--from", &source]);
    assert!(ran.out.starts_with("4 messages"), "{}\n{}", ran.out, ran.err);
    let rows: Vec<Value> = serde_json::from_str(&desk.ends(0, &["export", "--format", "json"]).out).expect("JSON");
    let of = |guest: &str, key: &str| {
        let address = format!("{guest}@guests.example");
        rows.iter().find(|row| row["address"] == address.as_str()).expect("a row")[key].clone()
    };
    assert_eq!((of("ana", "answer"), of("eva", "answer")), ("accepted".into(), "declined".into()), "{rows:#?}");
    assert_eq!((of("gone1", "state"), of("full1", "state")), ("BOUNCED".into(), "BOUNCED".into()), "{rows:#?}");
    assert_eq!((of("away1", "state"), of("away1", "answer")), ("SENT".into(), "silent".into()), "{rows:#?}");
    let suppressed = desk.ends(0, &["suppress", "--list"]).out;
    assert!(suppressed.contains("gone1@guests.example"), "a mailbox that is not there: {suppressed}");
    assert!(!suppressed.contains("full1@"), "a full one is there: {suppressed}");
    let again = desk.ends(0, &["replies", "--from", &source]);
    assert!(again.out.starts_with("0 messages"), "nothing is read twice: {}", again.out);
}

/// Ana says yes with Google's calendar and Eva no with Exchange's, through the same Postfix.
fn answer(oracles: &Path, desk: &Desk, host: &MailHost) {
    let invitations = desk.path.join("invitations/new");
    fs::create_dir_all(&invitations).expect("a folder");
    for guest in ["ana", "eva"] {
        let message = host.awaits(guest, 1).remove(0);
        fs::copy(message, invitations.join(guest)).expect("a copy");
    }
    let answers = desk.path.join("answers");
    fs::create_dir_all(&answers).expect("a folder");
    let python = oracles.join("venv/bin/python");
    let written = Command::new(&python)
        .arg(repository().join("tests/oracles/answers.py"))
        .arg(desk.path.join("invitations"))
        .arg(&answers)
        .output()
        .expect("python starts");
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let submit = "import pathlib, smtplib, sys, email, email.policy\n\
                  with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as relay:\n\
                  \x20   for path in sorted(pathlib.Path(sys.argv[2]).iterdir()):\n\
                  \x20       mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.SMTP)\n\
                  \x20       relay.send_message(mail)\n";
    let sent = Command::new(&python).args(["-c", submit, &host.smtp]).arg(&answers).status().expect("python starts");
    assert!(sent.success(), "the guests' answers are taken");
}
