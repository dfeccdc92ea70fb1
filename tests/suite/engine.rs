//! Several relays, their limits and their failures: the program against receivers that do as a test tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::book::Book;
use crate::desk::{Desk, Ran, repository};

/// Where the receiver asks what to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At<'a> {
    Greeting,
    Mail,
    /// With the recipient.
    Rcpt(&'a str),
    /// After the dot, with the recipient.
    Dot(&'a str),
}

/// Says what comes in the place of a yes, given how many messages were taken: the connection ends after a 421, and after
/// nothing at all.
type Script = dyn Fn(At<'_>, usize) -> Option<&'static str> + Send + Sync;

/// Recipient and octets.
type Message = (String, String);

/// A running receiver; it ends with the test's process.
struct Receiver {
    port: u16,
    taken: Arc<Mutex<Vec<Message>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start(script: impl Fn(At<'_>, usize) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (taken, asked) = (Arc::default(), Arc::default());
        let receiver = Self { port, taken: Arc::clone(&taken), asked: Arc::clone(&asked) };
        let script: Arc<Script> = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, taken, asked) = (Arc::clone(&script), Arc::clone(&taken), Arc::clone(&asked));
                // A client that goes away in mid-dialogue ends only its own thread.
                thread::spawn(move || serve(&stream, &*script, &taken, &asked).ok());
            }
        });
        receiver
    }

    /// One that takes everything.
    fn kind() -> Self {
        Self::start(|_, _| None)
    }

    fn messages(&self) -> Vec<Message> {
        self.taken.lock().expect("the log").clone()
    }

    fn count(&self) -> usize {
        self.messages().len()
    }

    fn recipients(&self) -> BTreeSet<String> {
        self.messages().into_iter().map(|(recipient, _)| recipient).collect()
    }

    /// How often RCPT was said for an address.
    fn asked_for(&self, address: &str) -> usize {
        self.asked.lock().expect("the log").iter().filter(|asked| *asked == address).count()
    }
}

fn serve(
    stream: &TcpStream,
    script: &Script,
    taken: &Mutex<Vec<Message>>,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let say = |text: &str| (&mut &*stream).write_all(format!("{text}\r\n").as_bytes());
    let ask = |at: At<'_>| script(at, taken.lock().expect("the log").len());
    // Says it; whether the dialogue goes on.
    let answer = |instead: Option<&'static str>, yes: &str| -> io::Result<bool> {
        let text = instead.unwrap_or(yes);
        if !text.is_empty() {
            say(text)?;
        }
        Ok(!text.is_empty() && !text.starts_with("421"))
    };
    let close = |mut reader: BufReader<TcpStream>| -> io::Result<()> {
        // What is still on its way is read, so that no RST overtakes the last answer.
        stream.shutdown(Shutdown::Write)?;
        reader.read_to_end(&mut Vec::new()).map(|_| ())
    };
    if !answer(ask(At::Greeting), "220 engine.test ESMTP")? {
        return close(reader);
    }
    let (mut recipient, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let goes_on = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => {
                answer(None, "250-engine.test\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES")?
            }
            // The only login that it knows: me, with the password `open sesame`.
            "AUTH" if line.trim_end() == "AUTH PLAIN AG1lAG9wZW4gc2VzYW1l" => answer(None, "235 2.7.0 welcome")?,
            "AUTH" => answer(None, "535 5.7.8 bad credentials")?,
            "MAIL" => {
                recipient.clear();
                answer(ask(At::Mail), "250 2.1.0 ok")?
            }
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                asked.lock().expect("the log").push(address.to_owned());
                let instead = ask(At::Rcpt(address));
                if instead.is_none() {
                    address.clone_into(&mut recipient);
                }
                answer(instead, "250 2.1.5 ok")?
            }
            "DATA" if recipient.is_empty() => answer(None, "503 5.5.1 no recipient")?,
            "DATA" => {
                say("354 go")?;
                let Some(message) = message(&mut reader)? else { return Ok(()) };
                let to = std::mem::take(&mut recipient);
                let instead = ask(At::Dot(&to));
                if instead.is_none() {
                    taken.lock().expect("the log").push((to, message));
                }
                answer(instead, "250 2.0.0 taken")?
            }
            "QUIT" => return say("221 2.0.0 bye"),
            _ => answer(None, "250 2.0.0 ok")?,
        };
        if !goes_on {
            return close(reader);
        }
    }
}

/// A message to its final dot; `None` where the other side is gone.
fn message(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let (mut message, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == ".\r\n" {
            return Ok(Some(message));
        }
        message.push_str(&line);
    }
}

fn guests(count: usize, domain: &str) -> String {
    (0..count).map(|n| format!("guest{n}@{domain},Organisation {n} of {domain},ngo,en,City{}\n", n % 3)).collect()
}

fn desk(rows: &str) -> Desk {
    Desk::with_list(&format!("email,entity,kind,language,city\n{rows}"))
}

fn add(desk: &Desk, text: &str) {
    desk.write("convoke.toml", &format!("{}\n{text}\n", desk.read("convoke.toml")));
}

/// One line more under `[limits]`.
fn limit(desk: &Desk, line: &str) {
    let settings = desk.read("convoke.toml");
    assert!(settings.contains("[limits]\n"), "the sample's settings");
    desk.write("convoke.toml", &settings.replacen("[limits]\n", &format!("[limits]\n{line}\n"), 1));
}

fn relay(desk: &Desk, name: &str, port: u16, keys: &str) {
    add(desk, &format!("[[relay]]\nname = \"{name}\"\nurl = \"smtp://127.0.0.1:{port}\"\n{keys}"));
}

/// The same with a login.
fn relay_with(desk: &Desk, name: &str, port: u16, password: &str, keys: &str) {
    let password = format!("password = {{ command = [\"echo\", \"{password}\"] }}");
    add(desk, &format!("[[relay]]\nname = \"{name}\"\nurl = \"smtp://me@127.0.0.1:{port}\"\n{password}\n{keys}"));
}

/// A port of loopback on which nobody listens.
fn deaf_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port()
}

/// Nobody has it twice, whoever has it is SENT or in doubt by the same Message-ID, and whoever is SENT has it.
#[track_caller]
fn balances(desk: &Desk, receivers: &[&Receiver]) {
    let id = |message: &str| {
        let line = message.lines().find(|line| line.starts_with("Message-ID:")).expect("a Message-ID");
        line["Message-ID:".len()..].trim().to_owned()
    };
    let all = receivers.iter().flat_map(|receiver| receiver.messages());
    let log: Vec<_> = all.map(|(recipient, message)| (recipient, id(&message))).collect();
    Book::read(desk).balances(&log).expect("nobody lost, nobody doubled");
}

/// In which state each address is.
fn states(desk: &Desk) -> BTreeMap<String, String> {
    Book::read(desk).entries.into_iter().map(|entry| (entry.address, entry.state)).collect()
}

fn count(desk: &Desk, domain: &str, state: &str) -> usize {
    states(desk).iter().filter(|(address, is)| address.ends_with(&format!("@{domain}")) && *is == state).count()
}

#[track_caller]
fn says(ran: &Ran, words: &str) {
    assert!(ran.out.contains(words) || ran.err.contains(words), "`{words}` in\n{}\n{}", ran.out, ran.err);
}

#[test]
fn a_relay_that_is_not_there_costs_nobody_anything() {
    let desk = desk(&guests(30, "x.example"));
    let second = Receiver::kind();
    relay(&desk, "first", deaf_port(), "priority = 1");
    relay(&desk, "second", second.port, "priority = 2");
    let ran = desk.ends(0, &["send"]);
    assert_eq!((desk.standing("SENT"), second.count()), (30, 30));
    says(&ran, "first rests for ");
    assert!(!ran.err.contains("cannot be used"), "{}", ran.err);
    balances(&desk, &[&second]);
    let attempts: BTreeSet<i64> = Book::read(&desk).entries.iter().map(|entry| entry.attempts).collect();
    assert_eq!(attempts, BTreeSet::from([1]), "what was said of the first relay counts for nobody");
}

#[test]
fn a_relay_that_gives_up_on_the_way_is_relieved() {
    for farewell in ["421 4.3.2 shutting down", ""] {
        let desk = desk(&guests(60, "x.example"));
        let first =
            Receiver::start(move |at, taken| (matches!(at, At::Greeting | At::Mail) && taken >= 7).then_some(farewell));
        let second = Receiver::kind();
        relay(&desk, "first", first.port, "priority = 1");
        relay(&desk, "second", second.port, "priority = 2");
        desk.ends(0, &["send"]);
        assert!(first.count() >= 7, "{farewell}");
        assert_eq!((desk.standing("SENT"), first.count() + second.count()), (60, 60), "{farewell}");
        balances(&desk, &[&first, &second]);
    }
}

#[test]
fn a_wrong_password_takes_out_one_relay() {
    let desk = desk(&guests(12, "x.example"));
    let (first, second) = (Receiver::kind(), Receiver::kind());
    relay_with(&desk, "first", first.port, "shut sesame", "priority = 1");
    relay_with(&desk, "second", second.port, "open sesame", "priority = 2");
    let ran = desk.ends(0, &["send"]);
    says(&ran, "first is not used any more: 535 5.7.8 bad credentials");
    assert!(!ran.err.contains("cannot be used") && !ran.err.contains("sesame"), "{}", ran.err);
    assert_eq!((first.count(), second.count(), desk.standing("SENT")), (0, 12, 12));
    balances(&desk, &[&second]);
}

#[test]
fn wrong_passwords_everywhere_end_the_run() {
    let desk = desk(&guests(12, "x.example"));
    let (first, second) = (Receiver::kind(), Receiver::kind());
    relay_with(&desk, "first", first.port, "shut sesame", "priority = 1");
    relay_with(&desk, "second", second.port, "shut sesame", "priority = 2");
    let ran = desk.ends(69, &["send"]);
    says(&ran, "cannot be used: 535 5.7.8 bad credentials; nobody's turn was lost, mend it and run");
    assert_eq!((first.count() + second.count(), desk.standing("FAILED"), desk.standing("SENT")), (0, 0, 0));
    assert!(Book::read(&desk).entries.iter().all(|entry| entry.attempts == 0), "nobody's turn was lost");
}

#[test]
fn a_wrong_password_at_the_only_relay_of_a_domain_ends_the_run_for_it_alone() {
    let desk = desk(&(guests(5, "own.example") + &guests(20, "x.example")));
    let (own, other) = (Receiver::kind(), Receiver::kind());
    relay_with(&desk, "own", own.port, "shut sesame", "domains = [\"own.example\"]");
    relay_with(&desk, "other", other.port, "open sesame", "");
    let ran = desk.ends(1, &["send"]);
    says(&ran, "own cannot be used: 535 5.7.8 bad credentials");
    assert_eq!((own.count(), other.count()), (0, 20));
    assert_eq!((count(&desk, "x.example", "SENT"), count(&desk, "own.example", "SENT")), (20, 0));
    assert_eq!(count(&desk, "own.example", "FAILED"), 0);
    balances(&desk, &[&own, &other]);
}

#[test]
fn weights_share_and_a_recipient_keeps_their_relay() {
    let rows = guests(200, "x.example");
    let first_run = desk(&rows);
    let (three, one) = (Receiver::kind(), Receiver::kind());
    let relays = |desk: &Desk, three: &Receiver, one: &Receiver| {
        relay(desk, "three", three.port, "weight = 3");
        relay(desk, "one", one.port, "weight = 1");
    };
    relays(&first_run, &three, &one);
    first_run.ends(0, &["send"]);
    assert_eq!(three.count() + one.count(), 200);
    assert!((25..=75).contains(&one.count()), "{} of 200 instead of a quarter", one.count());
    // Another journal, and a third of the list.
    let second_run = desk(&rows);
    let (three_again, one_again) = (Receiver::kind(), Receiver::kind());
    relays(&second_run, &three_again, &one_again);
    second_run.ends(0, &["send", "--only", "city=City1"]);
    assert_eq!(three_again.count() + one_again.count(), 67);
    assert!(three_again.recipients().is_subset(&three.recipients()), "they go the same way");
    assert!(one_again.recipients().is_subset(&one.recipients()), "they go the same way");
}

#[test]
fn domains_go_through_the_relay_that_is_named_for_them_and_no_other_does() {
    let own_rows = guests(15, "own.example");
    let desk = desk(&(guests(15, "x.example") + &own_rows + &guests(5, "sub.own.example")));
    let (own, other) = (Receiver::kind(), Receiver::kind());
    relay(&desk, "own", own.port, "domains = [\"Own.example\"]");
    relay(&desk, "other", other.port, "");
    desk.ends(0, &["send"]);
    assert_eq!((own.count(), other.count()), (15, 20));
    assert!(own.recipients().iter().all(|recipient| recipient.ends_with("@own.example")), "{:?}", own.recipients());
    assert!(!other.recipients().iter().any(|recipient| recipient.ends_with("@own.example")));
}

#[test]
fn a_slow_domain_holds_up_nobody_else() {
    for relays in [1, 2] {
        let desk = desk(&(guests(20, "slow.example") + &guests(40, "x.example")));
        let receivers: Vec<Receiver> = (0..relays).map(|_| Receiver::kind()).collect();
        for (number, receiver) in receivers.iter().enumerate() {
            relay(&desk, &format!("relay{number}"), receiver.port, "");
        }
        add(&desk, "[limits.domains.\"slow.example\"]\nrate = \"1/h\"");
        let ran = desk.ends(75, &["send", "--no-wait", "--connections", "4"]);
        assert_eq!((count(&desk, "x.example", "SENT"), count(&desk, "slow.example", "SENT")), (40, 1));
        assert_eq!(count(&desk, "slow.example", "READY"), 19);
        says(&ran, "send` again after ");
        balances(&desk, &receivers.iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_domain_with_one_connection_is_sent_to_one_by_one() {
    let desk = desk(&(guests(10, "narrow.example") + &guests(30, "x.example")));
    let (at_once, most) = (Arc::new(Mutex::new((0_u32, 0_u32))), Arc::new(Mutex::new(0_u32)));
    let (now, peak) = (Arc::clone(&at_once), Arc::clone(&most));
    // From RCPT to dot it counts as being there.
    let receiver = Receiver::start(move |at, _| {
        let mut now = now.lock().expect("a count");
        match at {
            At::Rcpt(to) if to.ends_with("@narrow.example") => {
                now.0 += 1;
                let mut peak = peak.lock().expect("a count");
                *peak = (*peak).max(now.0);
            }
            At::Dot(to) if to.ends_with("@narrow.example") => now.0 -= 1,
            _ => {}
        }
        None
    });
    relay(&desk, "main", receiver.port, "connections = 6");
    add(&desk, "[limits.domains.\"narrow.example\"]\nconnections = 1");
    desk.ends(0, &["send"]);
    assert_eq!((receiver.count(), *most.lock().expect("a count")), (40, 1));
}

#[test]
fn a_quota_holds_over_two_runs_whatever_the_relay_answered() {
    let desk = desk(&guests(20, "x.example"));
    // One is refused at the dot and one is left without an answer there; both have been handed over.
    let receiver = Receiver::start(|at, _| match at {
        At::Dot("guest1@x.example") => Some("554 5.6.0 we do not like it"),
        At::Dot("guest2@x.example") => Some(""),
        At::Rcpt("guest3@x.example") => Some("550 5.1.1 no such user"),
        _ => None,
    });
    relay(&desk, "main", receiver.port, "connections = 1");
    limit(&desk, "per_day = 8");
    let first = desk.ends(0, &["send", "--limit", "1", "--no-wait"]);
    assert_eq!(receiver.count(), 1, "{}", first.err);
    let second = desk.run(&["send", "--no-wait"]);
    says(&second, "send` again after ");
    assert_eq!((desk.standing("FAILED"), desk.standing("IN_DOUBT")), (2, 1));
    assert_eq!(receiver.count(), 6, "8 with the two that were handed over in vain: {}", second.err);
    let third = desk.run(&["send", "--no-wait"]);
    says(&third, "send` again after ");
    assert_eq!((receiver.count(), desk.standing("READY")), (6, 11));
}

#[test]
fn a_spent_quota_says_when_to_come_back() {
    for quota in ["per_day = 5", "per_hour = 5"] {
        let desk = desk(&guests(12, "x.example"));
        let receiver = Receiver::kind();
        relay(&desk, "main", receiver.port, quota);
        for _ in 0..2 {
            let ran = desk.ends(75, &["send", "--no-wait"]);
            assert_eq!((receiver.count(), desk.standing("READY")), (5, 7), "{quota}");
            says(&ran, "send` again after ");
        }
    }
}

#[test]
fn a_relay_whose_quota_is_spent_holds_up_no_other() {
    let desk = desk(&guests(60, "x.example"));
    let (narrow, wide) = (Receiver::kind(), Receiver::kind());
    relay(&desk, "narrow", narrow.port, "per_day = 3");
    relay(&desk, "wide", wide.port, "");
    desk.ends(75, &["send", "--no-wait"]);
    // Each has about half of them; the rest of the first one's half waits for it.
    assert_eq!(narrow.count(), 3);
    assert!((10..57).contains(&wide.count()), "{}", wide.count());
    assert_eq!(desk.standing("SENT") + desk.standing("READY"), 60);
    balances(&desk, &[&narrow, &wide]);
}

#[test]
fn a_domain_whose_relay_is_not_there_holds_up_no_other() {
    let desk = desk(&(guests(30, "own.example") + &guests(30, "x.example")));
    let other = Receiver::kind();
    relay(&desk, "own", deaf_port(), "domains = [\"own.example\"]");
    relay(&desk, "other", other.port, "");
    let ran = desk.ends(75, &["send", "--no-wait"]);
    assert_eq!((other.count(), count(&desk, "x.example", "SENT")), (30, 30));
    assert_eq!(count(&desk, "own.example", "READY") + count(&desk, "own.example", "DEFERRED"), 30);
    says(&ran, "own rests for ");
}

#[test]
fn a_letter_that_no_relay_likes_is_not_refused_for_everybody() {
    let desk = desk(&guests(60, "x.example"));
    let strict = || Receiver::start(|at, _| matches!(at, At::Dot(_)).then_some("554 5.6.0 this is no letter"));
    let (one, two) = (strict(), strict());
    relay(&desk, "one", one.port, "connections = 1");
    relay(&desk, "two", two.port, "connections = 1");
    let ran = desk.ends(69, &["send"]);
    says(&ran, "554 5.6.0 this is no letter; nobody's turn was lost");
    // Five in a row, and what was on its way.
    let failed = desk.standing("FAILED");
    assert!((5..=9).contains(&failed), "{failed}");
    assert_eq!(desk.standing("READY"), 60 - failed);
}

#[test]
fn a_relay_that_is_not_there_uses_up_no_quota() {
    let desk = desk(&guests(12, "x.example"));
    let second = Receiver::kind();
    limit(&desk, "per_day = 12");
    relay(&desk, "first", deaf_port(), "priority = 1");
    relay(&desk, "second", second.port, "priority = 2");
    desk.ends(0, &["send"]);
    assert_eq!(second.count(), 12);
}

#[test]
fn a_provider_that_wants_no_mail_of_ours_rests_alone() {
    let desk = desk(&(guests(20, "g.example") + &guests(30, "x.example")));
    let receiver = Receiver::start(|at, _| match at {
        At::Dot(to) if to.ends_with("@g.example") => {
            Some("550 5.7.26 This mail has been blocked because the sender is unauthenticated")
        }
        _ => None,
    });
    relay(&desk, "main", receiver.port, "connections = 1");
    let ran = desk.ends(75, &["send", "--no-wait"]);
    assert_eq!(count(&desk, "x.example", "SENT"), 30, "{}", ran.err);
    let deferred = count(&desk, "g.example", "DEFERRED");
    // Three are enough, and one may be announced behind the third.
    assert!((3..=4).contains(&deferred), "{deferred}");
    assert_eq!(count(&desk, "g.example", "READY"), 20 - deferred);
    says(&ran, "g.example rests for ");
    let list = desk.ends(0, &["suppress", "--list"]);
    says(&list, "nobody is suppressed");
}

#[test]
fn a_limit_is_kept_to_the_message_by_many_connections() {
    let desk = desk(&guests(60, "x.example"));
    let (one, two) = (Receiver::kind(), Receiver::kind());
    relay(&desk, "one", one.port, "");
    relay(&desk, "two", two.port, "");
    for (n, total) in [(7, 7), (1, 8), (30, 38)] {
        desk.ends(0, &["send", "--limit", &n.to_string(), "--connections", "8"]);
        assert_eq!((one.count() + two.count(), desk.standing("SENT")), (total, total as u64));
    }
    balances(&desk, &[&one, &two]);
}

/// Holds whoever comes until it is opened.
#[derive(Default)]
struct Barrier {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Barrier {
    fn wait(&self) {
        let is_open = self.is_open.lock().expect("a barrier");
        drop(self.opened.wait_while(is_open, |is_open| !*is_open).expect("a barrier"));
    }

    fn open(&self) {
        *self.is_open.lock().expect("a barrier") = true;
        self.opened.notify_all();
    }
}

#[cfg(unix)]
#[test]
fn a_stop_with_several_relays_finishes_what_is_in_flight() {
    let desk = desk(&guests(80, "x.example"));
    let barrier = Arc::new(Barrier::default());
    let is_held = Arc::new(AtomicBool::new(false));
    let receivers: Vec<Receiver> = (0..2)
        .map(|_| {
            let (barrier, is_held) = (Arc::clone(&barrier), Arc::clone(&is_held));
            Receiver::start(move |at, taken| {
                if matches!(at, At::Dot(_)) && taken >= 10 {
                    is_held.store(true, Ordering::SeqCst);
                    barrier.wait();
                }
                None
            })
        })
        .collect();
    for (number, receiver) in receivers.iter().enumerate() {
        relay(&desk, &format!("relay{number}"), receiver.port, "connections = 3");
    }
    let mut child =
        desk.command(&["send"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
    while !is_held.load(Ordering::SeqCst) {
        assert!(child.try_wait().expect("waiting").is_none(), "it goes on until it is held");
        thread::yield_now();
    }
    let kill = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().expect("kill");
    assert!(kill.success());
    let mut line = String::new();
    while !line.contains("stopping: ") {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("words"), 0, "it says that it stops");
    }
    barrier.open();
    said.read_to_end(&mut Vec::new()).expect("the rest");
    assert_eq!(child.wait().expect("it is gone").code(), Some(75), "some are left");
    let both: Vec<&Receiver> = receivers.iter().collect();
    let after = Book::read(&desk);
    assert_eq!(after.count(&["IN_DOUBT", "ARMED", "CLAIMED", "FAILED"]), 0);
    assert!(after.count(&["READY"]) > 0, "it stopped before the end");
    balances(&desk, &both);
    desk.ends(0, &["send"]);
    assert_eq!(both.iter().map(|receiver| receiver.count()).sum::<usize>(), 80);
    balances(&desk, &both);
}

#[test]
fn a_closed_window_says_when_it_opens_and_sends_nothing() {
    let desk = desk(&guests(5, "x.example"));
    let receiver = Receiver::kind();
    relay(&desk, "main", receiver.port, "");
    let now = convoke::io::clock::now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let after = |hours: i64| now.checked_add(jiff::SignedDuration::from_hours(hours)).expect("near");
    let (from, until) = (after(6), after(7));
    let clock = |at: &jiff::ZonedDateTime| at.strftime("%H:%M").to_string();
    add(
        &desk,
        &format!("[[limits.window]]\nfrom = \"{}\"\nuntil = \"{}\"\nzone = \"UTC\"", clock(&from), clock(&until)),
    );
    let ran = desk.ends(75, &["send", "--no-wait"]);
    let local = from.with_time_zone(jiff::tz::TimeZone::system());
    says(&ran, &local.strftime("%H:%M %Z for those who are left").to_string());
    assert_eq!((receiver.count(), desk.standing("READY")), (0, 5));
}

#[test]
fn a_dead_address_is_suppressed_and_never_asked_for_again() {
    let desk = desk(&("gone@x.example,Gone,ngo,en,Bern\n".to_owned() + &guests(4, "x.example")));
    let receiver = Receiver::start(|at, _| (at == At::Rcpt("gone@x.example")).then_some("550 5.1.1 no such user"));
    relay(&desk, "main", receiver.port, "");
    desk.ends(1, &["send"]);
    assert_eq!((desk.standing("SENT"), desk.standing("FAILED")), (4, 1));
    let list = desk.ends(0, &["suppress", "--list"]);
    assert!(list.out.starts_with("gone@x.example ") && list.out.contains("550 5.1.1"), "{}", list.out);
    // Other rows make the list new; the address stands there in another form.
    let rows = desk.read("recipients/list.csv").replace("gone@x.example", "gone@X.EXAMPLE");
    desk.write("recipients/list.csv", &format!("{rows}new@x.example,New,ngo,en,Bern\n"));
    desk.run(&["send"]);
    assert_eq!((receiver.count(), desk.standing("SENT")), (5, 5));
    assert_eq!(receiver.asked_for("gone@x.example") + receiver.asked_for("gone@X.EXAMPLE"), 1);
}

#[cfg(unix)]
#[test]
fn many_connections_sign_every_message() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = desk(&guests(60, "x.example"));
    let receiver = Receiver::kind();
    relay(&desk, "main", receiver.port, "connections = 10");
    let key = std::fs::read_to_string(repository().join("tests/fixtures/dkim/rsa.pem")).expect("a key");
    desk.write("dkim.pem", &key);
    let only_ours = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(desk.path.join("dkim.pem"), only_ours).expect("a mode");
    add(
        &desk,
        "[[dkim]]\ndomain = \"liechtenstein-un.example\"\nselector = \"convoke1\"\nkey = { file = \"dkim.pem\" }",
    );
    desk.ends(0, &["send"]);
    assert_eq!((receiver.count(), receiver.recipients().len(), desk.standing("SENT")), (60, 60, 60));
    let mut signatures = BTreeSet::new();
    for (recipient, message) in receiver.messages() {
        let first = message.split("\r\n").take_while(|line| line.starts_with("DKIM") || line.starts_with([' ', '\t']));
        let signature: String = first.collect();
        assert!(signature.starts_with("DKIM-Signature: v=1; a=rsa-sha256;"), "{recipient}: {message}");
        assert!(signatures.insert(signature), "{recipient} has the signature of another message");
    }
    balances(&desk, &[&receiver]);
}

#[test]
fn a_selection_does_not_wait_for_those_whom_it_leaves_out() {
    let desk = desk("later@x.example,Later,ngo,en,Bern\nguest@x.example,Guest,ngo,en,Rome\n");
    let receiver = Receiver::start(|at, _| (at == At::Rcpt("later@x.example")).then_some("451 4.7.1 try later"));
    relay(&desk, "main", receiver.port, "");
    desk.ends(75, &["send", "--no-wait", "--only", "city=Bern"]);
    desk.ends(0, &["send", "--only", "city=Rome"]);
    assert_eq!((desk.standing("SENT"), desk.standing("DEFERRED")), (1, 1));
}
