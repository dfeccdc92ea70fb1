//! The whole way round: convoke sends through Postfix to Dovecot's mailboxes; they bounce, call it spam, and answer through two
//! other libraries' calendars; convoke reads all of it over IMAP, and the ledger is right. Absence and Sieve's `reject` stay silent,
//! because an invitation says `Auto-Submitted: auto-generated` (RFC 3834): that robots are quiet is part of what is tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mail_parser::{MessageParser, MimeHeaders as _};
use serde_json::Value;

use crate::desk::{Desk, repository};
use crate::oracles::oracles;

/// Postfix before Dovecot; stopped when it is dropped.
pub(crate) struct MailHost {
    folder: PathBuf,
    pub(crate) smtp: String,
    pub(crate) imap: String,
}

impl MailHost {
    pub(crate) fn start(folder: &Path, users: &[&str]) -> Self {
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
    let guests = ["ana", "eva", "lea", "omar", "away1", "full1", "refuses1", "gone1"];
    let rows = guests.iter().map(|guest| format!("{guest}@guests.example,House of {guest},ngo,en,Bern\n"));
    let desk = Desk::with_list(&format!("email,entity,kind,language,city\n{}", rows.collect::<String>()));
    // Everybody but `gone1` has a mailbox, and so has the organiser.
    let host = MailHost::start(&desk.path, &["events", "ana", "eva", "lea", "omar", "away1", "full1", "refuses1"]);
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &format!("{settings}\n[replies]\npassword = {{ command = [\"echo\", \"secret\"] }}\n"));
    desk.ends(0, &["send", "--relay", &format!("smtp://127.0.0.1:{}", host.smtp)]);
    assert_eq!(desk.standing("SENT"), 8, "the relay took all");
    // Two reports of Postfix.
    host.awaits("events", 2);
    answer(&oracles, &desk, &host);
    host.awaits("events", 6);
    let source = format!("imap://events@127.0.0.1:{}/INBOX", host.imap);
    let ran = desk.ends(0, &["replies", "--from", &source]);
    assert!(ran.out.starts_with("6 messages"), "{}\n{}", ran.out, ran.err);
    let rows: Vec<Value> = serde_json::from_str(&desk.ends(0, &["export", "--format", "json"]).out).expect("JSON");
    let of = |guest: &str, key: &str| {
        let address = format!("{guest}@guests.example");
        rows.iter().find(|row| row["address"] == address.as_str()).expect("a row")[key].clone()
    };
    assert_eq!((of("ana", "answer"), of("eva", "answer")), ("accepted".into(), "declined".into()), "{rows:#?}");
    assert_eq!((of("lea", "answer"), of("omar", "answer")), ("tentative".into(), "silent".into()), "{rows:#?}");
    assert_eq!((of("gone1", "state"), of("full1", "state")), ("BOUNCED".into(), "BOUNCED".into()), "{rows:#?}");
    assert_eq!((of("away1", "state"), of("away1", "answer")), ("SENT".into(), "silent".into()), "{rows:#?}");
    let suppressed = desk.ends(0, &["suppress", "--list"]).out;
    assert!(suppressed.contains("gone1@guests.example"), "a mailbox that is not there: {suppressed}");
    assert!(!suppressed.contains("full1@"), "a full one is there: {suppressed}");
    let omar =
        suppressed.lines().find(|line| line.contains("omar@guests.example")).unwrap_or_else(|| panic!("{suppressed}"));
    assert!(omar.contains("called spam"), "{omar}");
    let again = desk.ends(0, &["replies", "--from", &source]);
    assert!(again.out.starts_with("0 messages"), "nothing is read twice: {}", again.out);
}

/// Ana says yes with Google's calendar, Eva no with Exchange's, Lea perhaps with one made by ical.js, and Omar's provider says
/// that he called it spam, all through the same Postfix.
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
    fs::write(answers.join("lea"), by_ical_js(oracles, desk, &host.awaits("lea", 1).remove(0))).expect("an answer");
    fs::write(answers.join("omar"), complaint(&host.awaits("omar", 1).remove(0))).expect("a complaint");
    let submit = "import pathlib, smtplib, sys, email, email.policy\n\
                  with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as relay:\n\
                  \x20   for path in sorted(pathlib.Path(sys.argv[2]).iterdir()):\n\
                  \x20       mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.SMTP)\n\
                  \x20       relay.send_message(mail)\n";
    let sent = Command::new(&python).args(["-c", submit, &host.smtp]).arg(&answers).status().expect("python starts");
    assert!(sent.success(), "the guests' answers are taken");
}

/// The invitation's calendar answered by ical.js, in a message of our own around it.
fn by_ical_js(oracles: &Path, desk: &Desk, invitation: &Path) -> String {
    let octets = fs::read(invitation).expect("an invitation");
    let message = MessageParser::default().parse(&octets).expect("a message");
    let calendar = message.parts.iter().find(|part| part.is_content_type("text", "calendar")).expect("a calendar");
    let file = desk.path.join("lea.ics");
    fs::write(&file, calendar.text_contents().expect("text")).expect("a file");
    let answered = Command::new("node")
        .env("CONVOKE_ORACLES", oracles)
        .arg(repository().join("tests/oracles/answer.mjs"))
        .args([file.as_os_str(), "TENTATIVE".as_ref(), "perhaps".as_ref()])
        .output()
        .expect("node starts");
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    let calendar = String::from_utf8(answered.stdout).expect("UTF-8");
    format!(
        "From: lea@guests.example\r\nTo: events@liechtenstein-un.example\r\nSubject: Tentative\r\n\
         Date: Wed, 06 Sep 2017 09:00:00 +0000\r\nMessage-ID: <lea@clients.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/calendar; method=REPLY; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{calendar}"
    )
}

/// A complaint as providers send them (RFC 5965), written by hand around the invitation as it arrived; the address is blotted
/// out, as most of them do, so that the Message-ID alone tells whose it is.
fn complaint(invitation: &Path) -> String {
    let original = fs::read_to_string(invitation)
        .expect("an invitation")
        .replace("omar@guests.example", "redacted@guests.example");
    let report = "Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\nVersion: 1\nOriginal-Mail-From: <events@liechtenstein-un.example>\n\
                  Arrival-Date: Wed, 06 Sep 2017 08:00:00 +0000\nSource-IP: 192.0.2.1\n";
    format!(
        "From: Abuse Desk <fbl@guests.example>\nTo: events@liechtenstein-un.example\nSubject: FW: Invitation\n\
         Date: Wed, 06 Sep 2017 09:00:00 +0000\nMessage-ID: <fbl1@guests.example>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=\"fbl\"\n\n\
         --fbl\nContent-Type: text/plain; charset=us-ascii\n\nThis is an email abuse report.\n\
         --fbl\nContent-Type: message/feedback-report\n\n{report}\n\
         --fbl\nContent-Type: message/rfc822\nContent-Disposition: inline\n\n{original}\n--fbl--\n"
    )
}
