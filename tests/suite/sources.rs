//! Where returned mail comes in: files, Maildir, mbox, standard input, and an IMAP server of ours that misbehaves.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::desk::{Desk, Ran};
use crate::imap::{Fault, Manners, Stub};
use crate::kill::from_environment;

/// A letter that no other one is.
pub(crate) fn letter(n: usize) -> String {
    format!(
        "From: Guest {n} <guest{n}@host{}.example>\r\nTo: rsvp@host.example\r\nSubject: Re: Invitation {n}\r\n\
         Date: Thu, 17 Jun 2027 10:00:00 +0000\r\nMessage-ID: <{n}@host.example>\r\n\r\nWe come, number {n}.\r\n",
        n % 7
    )
}

/// A report that a letter did not arrive (RFC 3464).
pub(crate) fn bounce(n: usize) -> String {
    format!(
        "From: MAILER-DAEMON@host.example\r\nTo: rsvp@host.example\r\nSubject: Undelivered Mail\r\n\
         Message-ID: <b{n}@host.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
         It did not arrive.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; host.example\r\n\r\n\
         Final-Recipient: rfc822; gone{n}@host.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b--\r\n"
    )
}

/// The sample event with a mailbox at the end of its settings.
pub(crate) fn desk(replies: &str) -> Desk {
    let desk = Desk::sample();
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &format!("{settings}\n[replies]\n{replies}\n"));
    desk
}

fn with_password(replies: &str) -> Desk {
    let desk = desk(&format!("password = {{ command = [\"echo\", \"secret\"] }}\n{replies}"));
    assert!(desk.read("convoke.toml").contains("[replies]"));
    desk
}

/// Runs with a message on standard input.
fn hand_over(desk: &Desk, message: &str) -> Ran {
    let mut child = desk
        .command(&["replies", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may end before it has read anything.
    let _ = child.stdin.take().expect("a pipe").write_all(message.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("output is UTF-8");
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn every_kind_of_source_is_read_once() {
    let desk = desk("");
    for folder in ["returned/tmp", "returned/new", "returned/cur"] {
        fs::create_dir_all(desk.path.join(folder)).expect("a folder");
    }
    desk.write("returned/new/1.host", &letter(1));
    desk.write("returned/cur/2.host:2,S", &bounce(2));
    desk.write(
        "old.mbox",
        &format!("From a@x.example Mon\n{}\nFrom b@x.example Tue\n{}", letter(1), letter(3)).replace('\r', ""),
    );
    desk.write("mails/deep/4.eml", &letter(4));
    desk.write("mails/5.EML", &letter(4).replace("We come", "We do not come"));
    desk.write("mails/not.txt", "not a mail");
    let sources = ["replies", "--from", "maildir:returned", "mbox:old.mbox", "mails"];
    let dry = desk.ends(0, &[&sources[..], &["--dry-run"]].concat());
    let summary = "6 messages: 1 bounce, 4 letters; 1 seen before; 1 not of this event; 4 for triage";
    assert!(dry.out.ends_with(&format!("{summary}; nothing was recorded\n")), "{}", dry.out);
    assert!(dry.out.contains("cur/2.host:2,S: bounce from MAILER-DAEMON@host.example: "), "{}", dry.out);
    assert_eq!(desk.ends(0, &sources).out, format!("{summary}\n"), "the letter in the mbox lies in the Maildir too");
    assert_eq!(desk.ends(0, &sources).out, "6 messages; 6 seen before\n");
    assert!(desk.path.join("returned/new/1.host").exists() && desk.path.join("returned/cur/2.host:2,S").exists());
    let json = desk.ends(0, &[&sources[..], &["--json", "--dry-run"]].concat());
    let last: serde_json::Value = serde_json::from_str(json.out.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["summary"]["messages"], &last["summary"]["seen_before"]), (&6.into(), &6.into()));
}

#[test]
fn the_sources_of_the_file_are_read_and_faults_in_it_are_told() {
    let desk = desk("from = [\"mails\"]");
    desk.write("mails/1.eml", &bounce(1));
    assert_eq!(desk.ends(0, &["replies"]).out, "1 message: 1 bounce; 1 not of this event\n");
    desk.ends(74, &["replies", "--from", "maildir:nowhere"]);
    let ran = desk.ends(64, &["replies", "--from", "pop3://a@b.example"]);
    assert!(ran.err.contains("source scheme `pop3` is none of"), "{}", ran.err);
    desk.write("no.mbox", "Subject: x\n\nno mbox\n");
    let ran = desk.ends(74, &["replies", "--from", "mbox:no.mbox"]);
    assert!(ran.err.contains("it does not begin with a line `From …`"), "{}", ran.err);
    let ran = desk.ends(0, &["replies", "--check"]);
    assert!(ran.out.contains("mails, 1 message"), "{}", ran.out);
    let empty = Desk::sample();
    assert!(empty.ends(64, &["replies"]).err.contains("no source of returned mail is named"));
}

#[test]
fn a_message_on_standard_input_is_recorded_or_wanted_again() {
    let desk = Desk::sample();
    let ran = hand_over(&desk, &letter(1));
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 message: 1 letter; 1 for triage\n"), "{}", ran.err);
    // A line `From ` of the program that hands it over is no part of it.
    let again = hand_over(
        &desk,
        &format!("From guest1@host1.example Thu Jun 17 10:00:00 2027\n{}", letter(1).replace('\r', "")),
    );
    assert_eq!((again.code, again.out.as_str()), (0, "1 message; 1 seen before\n"));
    let lock = fs::File::create(desk.path.join(".convoke.lock")).expect("the lock's file");
    lock.lock().expect("nobody has it");
    let busy = hand_over(&desk, &letter(2));
    assert_eq!(busy.code, 75, "{}", busy.err);
    assert!(busy.err.contains("the message is not recorded: another convoke works in this folder"), "{}", busy.err);
    drop(lock);
    assert_eq!(hand_over(&desk, &letter(2)).code, 0);
    for name in ["convoke.db", "convoke.db-wal", "convoke.db-shm"] {
        let _ = fs::remove_file(desk.path.join(name));
    }
    fs::create_dir(desk.path.join("convoke.db")).expect("no journal can be there");
    assert_eq!(hand_over(&desk, &letter(3)).code, 75);
    desk.write("convoke.toml", "what = ");
    assert_eq!(hand_over(&desk, &letter(3)).code, 75, "a fault of ours must not return the message to its sender");
}

#[test]
fn memory_does_not_grow_with_an_mbox() {
    let desk = desk("");
    let many = usize::try_from(from_environment("CONVOKE_MESSAGES", 10_000)).expect("a number");
    let mut mbox = std::io::BufWriter::new(fs::File::create(desk.path.join("large.mbox")).expect("a file"));
    let filler = "All of us are looking forward to it.\n".repeat(100);
    for n in 0..many {
        write!(mbox, "From a@x.example Mon\n{}{filler}\n", letter(n).replace('\r', "")).expect("room");
    }
    drop(mbox);
    let size = fs::metadata(desk.path.join("large.mbox")).expect("a file").len();
    assert!(size > 30_000_000, "{size}");
    let mut child = desk
        .command(&["replies", "--from", "mbox:large.mbox"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut highest = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        highest = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0).max(highest);
        std::thread::yield_now();
    };
    let out = std::io::read_to_string(child.stdout.take().expect("a pipe")).expect("text");
    assert_eq!(out, format!("{many} messages: {many} letters; {many} for triage\n"));
    assert!(status.success());
    eprintln!("{many} messages, {size} octets: at most {highest} kB");
    // Batches of 200 messages of 4 kB, SQLite's pages, the program itself; absent where the system does not tell.
    assert!(highest < 80_000, "{highest} kB");
}

fn stub(offers: &str, messages: usize) -> Manners {
    Manners {
        offers: offers.to_owned(),
        uidvalidity: 7,
        messages: (1..=messages).map(letter).collect(),
        ..Manners::default()
    }
}

#[test]
fn a_server_is_read_once_and_again_when_its_folder_is_made_anew() {
    let server = Stub::start(stub("", 150));
    let desk = with_password("");
    let read = ["replies", "--from", &server.url()];
    assert_eq!(desk.ends(0, &read).out, "150 messages: 150 letters; 150 for triage\n");
    assert_eq!(desk.ends(0, &read).out, "0 messages\n");
    server.manners.lock().expect("manners").messages.push(letter(151));
    assert_eq!(desk.ends(0, &read).out, "1 message: 1 letter; 1 for triage\n");
    server.manners.lock().expect("manners").uidvalidity = 8;
    assert_eq!(desk.ends(0, &read).out, "151 messages; 151 seen before\n");
    assert_eq!(desk.ends(0, &read).out, "0 messages\n");
    assert_eq!(server.heard("SELECT"), Vec::<String>::new(), "the folder is opened to look only");
    assert!(server.heard("UID FETCH").iter().all(|line| !line.contains("BODY[")), "nothing is marked as read");
}

#[test]
fn a_connection_that_breaks_is_made_again_and_nothing_is_lost() {
    let server = Stub::start(Manners {
        faults: vec![("UID FETCH 65", Fault::Cut), ("UID FETCH 1:", Fault::Cut)],
        ..stub("", 150)
    });
    let desk = with_password("");
    assert_eq!(desk.ends(0, &["replies", "--from", &server.url()]).out, "150 messages: 150 letters; 150 for triage\n");
    assert_eq!(server.heard("EXAMINE").len(), 3);
}

#[test]
fn a_server_that_misbehaves_is_left_in_time_and_named() {
    let text = |text: &str| Fault::Say(text.as_bytes().to_vec());
    for (command, fault, words) in [
        ("EXAMINE", Fault::Stall, "silent for 1 s"),
        ("EXAMINE", Fault::Cut, "closed the connection"),
        ("EXAMINE", text("\0\u{1}garbage\r\n"), "what is no IMAP"),
        ("EXAMINE", text("* OK [ALERT]\u{e9}\r\n* BYE enough\r\n"), "goodbye: enough"),
        ("UID FETCH 1:", text("* 1 FETCH (UID 1 RFC822.SIZE {99999999}\r\n"), "more than the size that it told"),
        ("UID FETCH 1:", Fault::Say([&b"* 1 FETCH (BODYSTRUCTURE "[..], &[b'('; 50_000]].concat()), "nests beyond"),
        ("UID FETCH 1:", Fault::Say(vec![b'x'; 200_000]), "a line beyond all measure"),
        ("CAPABILITY", Fault::Stall, "silent for 1 s"),
    ] {
        // Each of the connections that are tried.
        let faults = vec![(command, fault); 4];
        let server = Stub::start(Manners { faults, ..stub("", 3) });
        let desk = with_password("timeout = \"1s\"");
        let ran = desk.ends(69, &["replies", "--from", &server.url()]);
        assert!(ran.err.contains(words), "{command}: {}", ran.err);
        assert!(ran.err.contains(&format!("cannot read {}", server.url())), "{}", ran.err);
    }
}

#[test]
fn refusals_and_missing_secrets_are_told_with_their_cure() {
    let server = Stub::start(stub("", 1));
    let wrong = desk("password = { command = [\"echo\", \"open sesame\"] }");
    let ran = wrong.ends(78, &["replies", "--from", &server.url()]);
    assert!(ran.err.contains("refused the login ([AUTHENTICATIONFAILED] not you"), "{}", ran.err);
    assert!(!ran.err.contains("sesame"), "{}", ran.err);
    assert!(desk("").ends(78, &["replies", "--from", &server.url()]).err.contains("no password is named"));
    let unset = desk("password = { env = \"CONVOKE_NOBODY_SETS_THIS\" }");
    assert!(unset.ends(78, &["replies", "--from", &server.url()]).err.contains("is not set"));
    let clear = desk("password = { command = [\"echo\", \"secret\"] }\nca_file = \"ca.pem\"");
    fs::copy(crate::desk::repository().join("tests/fixtures/tls/ca.pem"), clear.path.join("ca.pem")).expect("the CA");
    let ran = clear.ends(78, &["replies", "--from", &server.url()]);
    assert!(ran.err.contains("offers no STARTTLS"), "{}", ran.err);
    assert_eq!(server.heard("LOGIN").len(), 1, "no secret leaves in clear where TLS is asked for");
    let moving = with_password("move_to = \"Processed\"");
    assert!(moving.ends(78, &["replies", "--from", &server.url()]).err.contains("neither MOVE nor UIDPLUS"));
    let nobody = with_password("");
    let ran = nobody.ends(69, &["replies", "--from", "imap://rsvp@127.0.0.1:9/INBOX"]);
    assert!(ran.err.contains("no connection"), "{}", ran.err);
}

#[test]
fn a_token_logs_in_and_a_stale_one_is_told() {
    let server = Stub::start(Manners { token: Some("fresh".to_owned()), ..stub("AUTH=XOAUTH2 MOVE IDLE", 2) });
    let token = |token: &str| desk(&format!("auth = \"xoauth2\"\ntoken = {{ command = [\"echo\", \"{token}\"] }}"));
    assert_eq!(
        token("fresh").ends(0, &["replies", "--from", &server.url()]).out,
        "2 messages: 2 letters; 2 for triage\n"
    );
    let ran = token("stale").ends(78, &["replies", "--from", &server.url()]);
    assert!(ran.err.contains("Invalid credentials; it said {\"status\":\"401\"}"), "{}", ran.err);
    assert!(!ran.err.contains("stale"), "{}", ran.err);
    let check = token("fresh").ends(0, &["replies", "--check", "--from", &server.url()]);
    for words in ["INBOX, 2 messages", "XOAUTH2, in clear", "tells of new mail yes", "moves messages   yes", "untested"]
    {
        assert!(check.out.contains(words), "{words}: {}", check.out);
    }
}

#[test]
fn moving_follows_recording_and_makes_the_folder() {
    let faults = vec![("UID MOVE", Fault::Refuse("[TRYCREATE] no such folder"))];
    let server = Stub::start(Manners { faults, ..stub("MOVE", 3) });
    let desk = with_password("move_to = \"Processed\"");
    let ran = desk.run(&["replies", "--from", &server.url()]);
    assert_eq!(ran.out, "3 messages: 3 letters; 3 for triage\n", "{}", ran.err);
    assert_eq!(server.heard("CREATE"), ["CREATE \"Processed\""]);
    assert_eq!(server.heard("UID MOVE"), ["UID MOVE 1,2,3 \"Processed\""; 2]);
}

#[test]
fn without_move_messages_are_copied_and_taken_out_by_their_uids_alone() {
    let faults = vec![("UID COPY", Fault::Refuse("[TRYCREATE] no such folder"))];
    let server = Stub::start(Manners { faults, ..stub("UIDPLUS", 2) });
    let ran = with_password("move_to = \"Processed\"").run(&["replies", "--from", &server.url()]);
    assert_eq!(ran.out, "2 messages: 2 letters; 2 for triage\n", "{}", ran.err);
    let said = ["UID COPY", "CREATE", "UID STORE", "UID EXPUNGE", "EXPUNGE"].map(|begin| server.heard(begin));
    assert_eq!(said[0], ["UID COPY 1,2 \"Processed\""; 2]);
    assert_eq!(said[1], ["CREATE \"Processed\""]);
    assert_eq!(said[2], ["UID STORE 1,2 +FLAGS.SILENT (\\Deleted)"]);
    assert_eq!(said[3], ["UID EXPUNGE 1,2"]);
    assert_eq!(said[4], Vec::<String>::new(), "what others have marked stays");
    // Nothing is taken out of a folder from which nothing was copied.
    let refusing =
        Stub::start(Manners { faults: vec![("UID COPY", Fault::Refuse("over quota"))], ..stub("UIDPLUS", 2) });
    let ran = with_password("move_to = \"Processed\"").run(&["replies", "--from", &refusing.url()]);
    assert!(ran.err.contains("UID COPY is refused: over quota"), "{}", ran.err);
    assert!(refusing.heard("UID STORE").is_empty() && refusing.heard("UID EXPUNGE").is_empty());
}

#[test]
fn a_connection_that_breaks_while_messages_are_moved_is_made_again() {
    for (offers, broken, commands) in [
        ("MOVE", "UID MOVE", vec![("UID MOVE", 2)]),
        ("UIDPLUS", "UID EXPUNGE", vec![("UID COPY", 2), ("UID EXPUNGE", 2)]),
    ] {
        let server = Stub::start(Manners { faults: vec![(broken, Fault::Cut)], ..stub(offers, 3) });
        let desk = with_password("move_to = \"Processed\"");
        let ran = desk.run(&["replies", "--from", &server.url()]);
        assert_eq!((ran.code, ran.out.as_str()), (0, "3 messages: 3 letters; 3 for triage\n"), "{}", ran.err);
        for (command, times) in commands {
            assert_eq!(server.heard(command).len(), times, "{command}");
        }
        assert_eq!(server.heard("SELECT").len(), 2);
    }
}

/// The program watching, and its lines as they come.
pub(crate) struct Watching {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Watching {
    pub(crate) fn start(desk: &Desk, arguments: &[&str]) -> Self {
        let mut child = desk.command(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        Self { child, lines }
    }

    /// The next line; the test fails where none comes.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(120)).expect("a line")
    }

    /// Ctrl-C; gives the last line.
    pub(crate) fn stop(mut self) -> String {
        let told = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
        let last = self.line();
        assert!(self.child.wait().expect("a child").success());
        last
    }
}

#[test]
fn new_mail_is_recorded_as_it_comes_with_idle_and_without() {
    for offers in ["IDLE", ""] {
        let server = Stub::start(Manners { arrives: vec![letter(2), bounce(3)], ..stub(offers, 1) });
        let desk = with_password("poll = \"1s\"");
        let watching = Watching::start(&desk, &["replies", "--watch", "--from", &server.url()]);
        assert!(watching.line().contains("UID 1: letter from guest1@host1.example"));
        assert!(watching.line().contains("UID 2: letter from guest2@host2.example"));
        assert!(watching.line().contains("UID 3: bounce from MAILER-DAEMON@host.example"));
        // The journal is free while nothing comes.
        desk.ends(0, &["suppress", "ana@host.example"]);
        assert_eq!(watching.stop(), "3 messages: 1 bounce, 2 letters; 1 not of this event; 2 for triage", "{offers}");
        assert_eq!(server.heard("IDLE").is_empty(), offers.is_empty());
    }
}

#[test]
fn a_maildir_is_watched() {
    let desk = desk("poll = \"1s\"\nmove_to = \"Processed\"");
    for folder in ["returned/tmp", "returned/new", "returned/cur"] {
        fs::create_dir_all(desk.path.join(folder)).expect("a folder");
    }
    desk.write("returned/new/1.host", &letter(1));
    let watching = Watching::start(&desk, &["replies", "--watch", "--from", "maildir:returned"]);
    assert!(watching.line().contains("letter from guest1"));
    desk.write("returned/tmp/2.host", &bounce(2));
    fs::rename(desk.path.join("returned/tmp/2.host"), desk.path.join("returned/new/2.host")).expect("delivered");
    assert!(watching.line().contains("bounce from"));
    assert_eq!(watching.stop(), "2 messages: 1 bounce, 1 letter; 1 not of this event; 1 for triage");
    assert_eq!(fs::read_dir(desk.path.join("returned/.Processed/cur")).expect("a folder").count(), 2);
}
