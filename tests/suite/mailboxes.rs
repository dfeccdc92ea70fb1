//! A real Dovecot on loopback: hundreds of messages read once, moved, waited for, over TLS and in clear.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::desk::{Desk, repository};
use crate::sources::{Watching, bounce, desk, letter};

/// A running mail host; stopped when it is dropped.
struct Host {
    script: PathBuf,
    folder: PathBuf,
    port: u16,
    /// TLS from the first octet.
    protected: u16,
}

impl Host {
    /// With these messages in the mailbox of `rsvp`.
    fn start(folder: &Path, messages: impl Iterator<Item = String>) -> Option<Self> {
        if std::env::var_os("CONVOKE_ORACLES").is_none() {
            eprintln!("skipped: CONVOKE_ORACLES is not set; tests/run sets it");
            return None;
        }
        // Free at this moment; nobody else on this machine takes ports of loopback in between.
        let free = || std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let listeners = [free(), free(), free(), free()];
        let ports = listeners.each_ref().map(|l| l.local_addr().expect("bound").port().to_string());
        drop(listeners);
        let host = Self {
            script: repository().join("tests/oracles/mailhost.sh"),
            folder: folder.join("host"),
            port: ports[2].parse().expect("a port"),
            protected: ports[3].parse().expect("a port"),
        };
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(host.mailbox().join(folder)).expect("a mailbox");
        }
        fs::write(host.folder.join("users"), "rsvp\n").expect("a file");
        for (n, message) in messages.enumerate() {
            fs::write(host.mailbox().join(format!("new/{:06}.host", n + 1)), message).expect("a message");
        }
        host.own();
        let [smtp, lmtp, imap, imaps] = &ports;
        let started = Command::new(&host.script)
            .env("MAILHOST_IMAPS", imaps)
            .arg("start")
            .arg(&host.folder)
            .args([smtp, lmtp, imap])
            .arg("--dovecot-only")
            .status();
        assert!(started.expect("bash").success(), "Dovecot starts");
        Some(host)
    }

    fn mailbox(&self) -> PathBuf {
        self.folder.join("mail/rsvp")
    }

    /// What is written into it by us is Dovecot's.
    fn own(&self) {
        let owned = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(self.folder.join("mail")).status();
        assert!(owned.expect("chown").success());
    }

    fn deliver(&self, name: &str, message: &str) {
        let written = self.mailbox().join("tmp").join(name);
        fs::write(&written, message).expect("a message");
        // The file alone: what is beside it comes and goes while Dovecot runs.
        let owned = Command::new("chown").arg("nobody:nogroup").arg(&written).status();
        assert!(owned.expect("chown").success());
        fs::rename(written, self.mailbox().join("new").join(name)).expect("delivered");
    }

    /// Another UIDVALIDITY, as after a restored backup. Dovecot makes it of the clock's seconds, so it is written, not awaited.
    fn make_anew(&self) {
        for entry in fs::read_dir(self.mailbox()).expect("a mailbox") {
            let entry = entry.expect("an entry");
            if entry.file_name().to_string_lossy().starts_with("dovecot.index") {
                fs::remove_file(entry.path()).expect("an index");
            }
        }
        let path = self.mailbox().join("dovecot-uidlist");
        let list = fs::read_to_string(&path).expect("a list");
        let word = list.split_whitespace().find(|word| word.starts_with('V')).expect("`3 V… N… G…`").to_owned();
        let number: u32 = word[1..].parse().expect("a number");
        fs::write(&path, list.replacen(&word, &format!("V{}", number + 1), 1)).expect("a list");
    }

    fn url(&self) -> String {
        format!("imap://rsvp@localhost:{}/INBOX", self.port)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new(&self.script).arg("stop").arg(&self.folder).status();
    }
}

const PASSWORD: &str = "password = { command = [\"echo\", \"secret\"] }";

#[test]
fn hundreds_of_messages_are_read_once_from_a_real_server() {
    let folder = Desk::empty();
    // Every third is a bounce; one is larger than is fetched; two share a Message-ID.
    let messages = (1..=627).map(|n| if n % 3 == 0 { bounce(n) } else { letter(n) });
    let large = format!("{}{}", letter(628), "All of us.\r\n".repeat(2_200_000));
    let twin = letter(1).replace("We come", "We do not come");
    let Some(host) = Host::start(&folder.path, messages.chain([large, twin])) else { return };
    let desk = desk(PASSWORD);
    let read = ["replies", "--from", &host.url()];
    let first = desk.ends(0, &read);
    assert_eq!(first.out, "629 messages: 209 bounces, 420 letters; 209 not of this event; 420 for triage\n");
    assert_eq!(desk.ends(0, &read).out, "0 messages\n");
    host.make_anew();
    assert_eq!(desk.ends(0, &read).out, "629 messages; 629 seen before\n");
    let check = desk.ends(0, &["replies", "--check", "--from", &host.url()]);
    for words in ["INBOX, 629 messages", "PLAIN, in clear", "tells of new mail yes", "moves messages   yes"] {
        assert!(check.out.contains(words), "{words}: {}", check.out);
    }
    // Reading has marked nothing: Dovecot writes S behind `:2,` for what was seen.
    let seen = |folder: &str| {
        let names = fs::read_dir(host.mailbox().join(folder)).expect("a folder");
        names.filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().ends_with('S'))).count()
    };
    assert_eq!(seen("cur") + seen("new"), 0);
    let wrong = crate::sources::desk("password = { command = [\"echo\", \"open sesame\"] }");
    let ran = wrong.ends(78, &read);
    assert!(ran.err.contains("refused the login ([AUTHENTICATIONFAILED]"), "{}", ran.err);
    assert!(!ran.err.contains("sesame"), "{}", ran.err);
}

#[test]
fn new_mail_is_told_over_starttls_and_moved_when_it_is_recorded() {
    let folder = Desk::empty();
    let Some(host) = Host::start(&folder.path, (1..=3).map(letter)) else { return };
    let untrusted = desk(&format!("{PASSWORD}\nca_file = \"ca.pem\""));
    fs::copy(repository().join("tests/fixtures/tls/ca.pem"), untrusted.path.join("ca.pem")).expect("another CA");
    let ran = untrusted.ends(78, &["replies", "--from", &host.url()]);
    assert!(ran.err.contains("certificate is not accepted"), "{}", ran.err);
    let desk = desk(&format!("{PASSWORD}\nca_file = \"ca.pem\"\nmove_to = \"R\u{e9}ponses lues\""));
    fs::copy(host.folder.join("ca.pem"), desk.path.join("ca.pem")).expect("the CA");
    let check = desk.ends(0, &["replies", "--check", "--from", &host.url()]);
    assert!(check.out.contains("PLAIN, STARTTLS"), "{}", check.out);
    let watching = Watching::start(&desk, &["replies", "--watch", "--from", &host.url()]);
    for n in 1..=3 {
        assert!(watching.line().contains(&format!("letter from guest{n}@")));
    }
    host.deliver("4.host", &bounce(4));
    assert!(watching.line().contains("bounce from MAILER-DAEMON@host.example"));
    assert_eq!(watching.stop(), "4 messages: 1 bounce, 3 letters; 1 not of this event; 3 for triage");
    let moved = host.mailbox().join(".R&AOk-ponses lues");
    let count = |folder: &str| fs::read_dir(moved.join(folder)).expect("a folder").count();
    assert_eq!(count("cur") + count("new"), 4);
    assert_eq!(desk.ends(0, &["replies", "--from", &host.url()]).out, "0 messages\n");
}

#[test]
fn a_real_server_is_read_over_tls_from_the_first_octet() {
    let folder = Desk::empty();
    let Some(host) = Host::start(&folder.path, (1..=3).map(letter)) else { return };
    let source = format!("imaps://rsvp@localhost:{}/INBOX", host.protected);
    // An authority that nobody named, and a port that speaks no TLS.
    let ran = desk(PASSWORD).ends(78, &["replies", "--from", &source]);
    assert!(ran.err.contains("certificate is not accepted"), "{}", ran.err);
    let desk = desk(&format!("{PASSWORD}\nca_file = \"ca.pem\"\ntimeout = \"5s\""));
    fs::copy(host.folder.join("ca.pem"), desk.path.join("ca.pem")).expect("the CA");
    let clear = format!("imaps://rsvp@localhost:{}/INBOX", host.port);
    assert!(desk.ends(69, &["replies", "--from", &clear]).err.contains("no TLS"));
    let check = desk.ends(0, &["replies", "--check", "--from", &source]);
    assert!(check.out.contains("PLAIN, TLS"), "{}", check.out);
    assert_eq!(desk.ends(0, &["replies", "--from", &source]).out, "3 messages: 3 letters; 3 for triage\n");
    assert_eq!(desk.ends(0, &["replies", "--from", &source]).out, "0 messages\n");
}
