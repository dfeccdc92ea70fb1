//! Every stage of the dialogue with every way in which a receiver can err there, through the program itself.
//!
//! Each cell: four recipients, one connection, one fault, then a receiver that behaves. After the first run the journal and
//! the receiver's disk must agree and the message that was hit must be of the class written down here; a second run must
//! finish the job. `CONVOKE_CELLS=text` runs only the cells whose name has this text.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::book::{Book, all_due};
use crate::desk::{Desk, Ran};
use crate::faulty::Action::{
    AnswerAndCut, Close, Cut, Early, FloodLine, FloodReply, Kept, Latin1, Reset, Say, Silence, Slow, Split, Trickle,
    Twice,
};
use crate::faulty::{Action, Faulty, Script, Stage, Tls, certificates};

/// What must have become of the message that the fault hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Sent,
    /// It may be sent again, and the attempt does not count: the fault was not the recipient's.
    Waits,
    /// As `Waits`, or sent already by another connection of the same run.
    Spared,
    /// It may be sent again, and the attempt counts.
    Deferred,
    Failed,
    InDoubt,
    /// The octets may have left or not: in doubt or spared.
    Either,
}

/// What must have become of the other three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Sent,
    /// The next one, which was announced on the connection that ended, waits at no cost; the others are sent.
    Behind,
    /// The run ended with the fault: nobody after it was sent to.
    Open,
    /// Sent or open: whether a fault of the relay ends a run is the engine's choice.
    Any,
}

type Cell = (Action, Class, Rest, &'static [i32]);

use Class::{Deferred, Either, Failed, InDoubt, Sent, Spared, Waits};
use Rest::{Any, Open};

const FINE: &[i32] = &[0];
const PARTLY: &[i32] = &[1];
const LATER: &[i32] = &[75];
const SOON: &[i32] = &[0, 75];
const UNREACHABLE: &[i32] = &[69];

/// Where the right answer is odd in form, it is still the right answer.
const ODD_BUT_RIGHT: [Cell; 3] =
    [(Slow, Sent, Rest::Sent, FINE), (Split, Sent, Rest::Sent, FINE), (Latin1, Sent, Rest::Sent, FINE)];

/// No answer, or none that can be understood, before the dot: nothing was accepted, nobody is to blame but the way.
const UNCLEAR: [Cell; 8] = [
    (Say("hello there"), Spared, Rest::Sent, SOON),
    (Say(""), Spared, Rest::Sent, SOON),
    (Silence, Spared, Rest::Sent, SOON),
    (Trickle, Spared, Rest::Sent, SOON),
    (Cut, Spared, Rest::Sent, SOON),
    (Reset, Spared, Rest::Sent, SOON),
    (FloodLine, Spared, Rest::Sent, SOON),
    (FloodReply, Spared, Rest::Sent, SOON),
];

const GREETING: &[Cell] = &[
    (Close("421 4.3.2 down"), Spared, Rest::Sent, SOON),
    (Close("450 4.3.2 busy"), Spared, Any, SOON),
    (Close("554 5.7.1 no service for you"), Waits, Open, UNREACHABLE),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const EHLO: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("451 4.3.0 later"), Spared, Any, SOON),
    (Say("554 5.7.1 go away"), Waits, Open, UNREACHABLE),
    // RFC 5321 section 3.2: a server that knows no EHLO is spoken to with HELO.
    (Say("500 5.5.1 what"), Spared, Rest::Sent, SOON),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    // RUSTSEC-2026-0562: another client panicked at a blank line here.
    (Say("250-faulty.test\r\n250-\r\n250 "), Sent, Rest::Sent, FINE),
    (Twice, Spared, Rest::Sent, SOON),
];

/// Somebody on the way took STARTTLS out of the answer.
const STRIPPED: &[Cell] = &[
    (Say("250-faulty.test\r\n250-PIPELINING\r\n250 AUTH PLAIN"), Waits, Open, UNREACHABLE),
    (Say("250 faulty.test"), Waits, Open, UNREACHABLE),
];

const START_TLS: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("454 4.7.0 TLS is not available"), Waits, Any, &[69, 75]),
    (Say("501 5.5.4 syntax"), Waits, Open, UNREACHABLE),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    (Early, Spared, Any, &[0, 69, 75]),
];

/// Faults of the handshake, below SMTP.
const HANDSHAKE: &[Cell] = &[
    (Say("554 this is no TLS"), Spared, Any, &[0, 69, 75]),
    (Silence, Spared, Rest::Sent, SOON),
    (Cut, Spared, Rest::Sent, SOON),
    (Reset, Spared, Rest::Sent, SOON),
    (FloodLine, Spared, Any, &[0, 69, 75]),
];

const AUTH: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("535 5.7.8 bad credentials"), Waits, Open, UNREACHABLE),
    (Say("534 5.7.9 another mechanism"), Waits, Open, UNREACHABLE),
    (Say("454 4.7.0 cannot authenticate now"), Waits, Open, UNREACHABLE),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const MAIL: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("450 4.3.2 busy"), Waits, Any, LATER),
    (Say("452 4.3.1 no room"), Waits, Any, LATER),
    (Say("550 5.7.1 sender is not welcome"), Waits, Any, &[1, 75]),
    (Say("500 5.5.1 what"), Waits, Open, PARTLY),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    (Say("220 hello"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const RCPT: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("450 4.2.0 greylisted"), Deferred, Rest::Sent, LATER),
    (Say("451 4.7.1 greylisted"), Deferred, Rest::Sent, LATER),
    (Say("552 5.2.2 mailbox full"), Deferred, Rest::Sent, LATER),
    (Say("550 5.1.1 no such user"), Failed, Rest::Sent, PARTLY),
    (Say("553 5.1.3 no such address"), Failed, Rest::Sent, PARTLY),
    (Say("503 5.5.1 out of order"), Waits, Open, PARTLY),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const DATA: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("451 4.3.0 later"), Waits, Any, LATER),
    (Say("550 5.1.1 no such user"), Failed, Rest::Sent, PARTLY),
    (Say("554 5.6.0 not this"), Failed, Rest::Sent, PARTLY),
    (Say("503 5.5.1 out of order"), Waits, Open, PARTLY),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    // The second 354 comes as the answer to the dot, although the message is on the receiver's disk.
    (Twice, InDoubt, Rest::Sent, PARTLY),
];

/// The dot may have left when the receiver errs in the middle of the message: what is said is a refusal, the rest a doubt.
const BODY: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Close("451 4.3.0 later"), Waits, Any, LATER),
    (Close("552 5.3.4 too big"), Failed, Rest::Behind, PARTLY),
    (Close("hello"), InDoubt, Rest::Sent, PARTLY),
    (Silence, InDoubt, Rest::Sent, PARTLY),
    (Cut, InDoubt, Rest::Sent, PARTLY),
    (Reset, Either, Rest::Sent, &[0, 1, 75]),
];

const DOT: &[Cell] = &[
    (Close("421 4.3.2 closing"), Waits, Rest::Sent, LATER),
    (Say("451 4.3.0 later"), Waits, Any, LATER),
    (Say("452 4.2.2 mailbox full"), Deferred, Rest::Sent, LATER),
    (Say("550 5.1.1 no such user"), Failed, Rest::Sent, PARTLY),
    (Say("554 5.6.0 not this"), Failed, Rest::Sent, PARTLY),
    (Say("354 go"), InDoubt, Rest::Sent, PARTLY),
    (Say("hello there"), InDoubt, Rest::Sent, PARTLY),
    (Say(""), InDoubt, Rest::Sent, PARTLY),
    (Silence, InDoubt, Rest::Sent, PARTLY),
    (Trickle, InDoubt, Rest::Sent, PARTLY),
    (Cut, InDoubt, Rest::Sent, PARTLY),
    (Reset, InDoubt, Rest::Sent, PARTLY),
    (FloodLine, InDoubt, Rest::Sent, PARTLY),
    (FloodReply, InDoubt, Rest::Sent, PARTLY),
    (Kept(&Silence), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Cut), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Reset), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Say("hello there")), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Say("354 go")), InDoubt, Rest::Sent, PARTLY),
    // The answer is read whole before the end is noticed.
    (AnswerAndCut, Sent, Any, SOON),
    // Out of step from here on: the next message must not take the second 250 for its own.
    (Twice, Sent, Any, SOON),
];

const BETWEEN: &[Cell] = &[
    (Close("421 4.4.2 idle"), Sent, Any, SOON),
    (Cut, Sent, Any, SOON),
    (Silence, Sent, Any, SOON),
    (Say("250 2.0.0 once more"), Sent, Any, SOON),
];

const QUIT: &[Cell] = &[
    (Close("421 4.3.2 closing"), Sent, Rest::Sent, FINE),
    (Say("500 5.5.1 what"), Sent, Rest::Sent, FINE),
    (Say("hello there"), Sent, Rest::Sent, FINE),
    (Silence, Sent, Rest::Sent, FINE),
    (Cut, Sent, Rest::Sent, FINE),
    (Reset, Sent, Rest::Sent, FINE),
    (FloodLine, Sent, Rest::Sent, FINE),
];

/// A cell with everything that a run of it needs.
#[derive(Clone, Copy, Debug)]
struct Case {
    script: Script,
    class: Class,
    rest: Rest,
    exits: &'static [i32],
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |stage: Stage, tls: Tls, groupings: &[bool], lists: &[&[Cell]]| {
        for &pipelining in groupings {
            for &(action, class, rest, exits) in lists.iter().copied().flatten() {
                let nth = if stage.is_of_connection() { 1 } else { 2 };
                let grouped = pipelining && matches!(stage, Stage::Data | Stage::Body | Stage::Dot);
                let rest = if grouped && rest == Rest::Sent { Rest::Behind } else { rest };
                let script = Script { stage, action, nth, pipelining, tls };
                cases.push(Case { script, class, rest, exits });
            }
        }
    };
    let both = [false, true];
    add(Stage::Greeting, Tls::None, &[true], &[GREETING, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Ehlo, Tls::None, &[true], &[EHLO, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Ehlo, Tls::Start, &[true], &[STRIPPED]);
    add(Stage::StartTls, Tls::Start, &[true], &[START_TLS, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Tls, Tls::Implicit, &[true], &[HANDSHAKE]);
    add(Stage::Tls, Tls::Start, &[true], &[HANDSHAKE]);
    add(Stage::Auth, Tls::None, &[true], &[AUTH, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Mail, Tls::None, &both, &[MAIL, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Rcpt, Tls::None, &both, &[RCPT, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Data, Tls::None, &both, &[DATA, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Body, Tls::None, &both, &[BODY]);
    add(Stage::Dot, Tls::None, &both, &[DOT, &ODD_BUT_RIGHT]);
    // Under TLS the end of a connection looks otherwise.
    add(Stage::Dot, Tls::Implicit, &[true], &[&DOT[8..12], &DOT[14..17]]);
    add(Stage::Between, Tls::None, &both, &[BETWEEN]);
    add(Stage::Quit, Tls::None, &[true], &[QUIT]);
    cases
}

const RECIPIENTS: usize = 4;
const DEADLINE: Duration = Duration::from_millis(300);
/// What a run may use, receiver's floods or not.
const MOST_MEMORY_KB: u64 = 64 << 10;

#[test]
fn each_fault_of_a_receiver_ends_as_it_is_written_here() {
    let only = std::env::var("CONVOKE_CELLS").unwrap_or_default();
    let cases: Vec<Case> = cases().into_iter().filter(|c| name(c).contains(&only)).collect();
    assert!(cases.len() >= 150 || !only.is_empty(), "{} cells", cases.len());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    // Most of a cell's time is waiting.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(fault) = run(case) {
                        wrong.lock().expect("the list").push(format!("{}: {fault}", name(case)));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("the list");
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn name(case: &Case) -> String {
    let Script { stage, action, pipelining, tls, .. } = case.script;
    let grouped = if pipelining { "grouped" } else { "one by one" };
    format!("{stage:?} {action:?}, {grouped}, TLS {tls:?}")
}

/// The program's run with the most memory that it used, in kB.
struct Watched {
    ran: Ran,
    memory_kb: u64,
    took: Duration,
}

fn watch(desk: &Desk, arguments: &[&str]) -> Watched {
    let began = Instant::now();
    let mut child = desk
        .command(arguments)
        .env("FAULTS_PASSWORD", "open sesame")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).map(|_| text)
    });
    let words = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let mut memory_kb = 0;
    let code = loop {
        memory_kb = memory_kb.max(peak_kb(&child));
        if let Some(status) = child.try_wait().expect("waiting") {
            break status.code().unwrap_or(-1);
        }
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().expect("SIGKILL");
        }
        std::thread::park_timeout(Duration::from_millis(5));
    };
    let out = words.join().expect("a reader").expect("output is UTF-8");
    let err = errors.join().expect("a reader").expect("output is UTF-8");
    Watched { ran: Ran { code, out, err }, memory_kb, took: began.elapsed() }
}

/// VmHWM, where the system tells it.
fn peak_kb(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn prepare(case: &Case) -> (Desk, Faulty) {
    let mut csv = String::from("email,entity,kind,language,city\n");
    for n in 1..=RECIPIENTS {
        csv.push_str(&format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    }
    let desk = Desk::with_list(&csv);
    let script = case.script;
    let faulty = Faulty::start(&desk.path, script);
    let port = faulty.port;
    let (url, more) = match script.tls {
        Tls::None if script.stage == Stage::Auth => {
            (format!("smtp://me@127.0.0.1:{port}"), "password = { env = \"FAULTS_PASSWORD\" }\n".to_owned())
        }
        Tls::None => (format!("smtp://127.0.0.1:{port}"), String::new()),
        // To `localhost` the program speaks in clear; written like this it takes it for a name of the network.
        Tls::Start => (format!("smtp://LOCALHOST:{port}"), ca_file()),
        Tls::Implicit => (format!("smtps://127.0.0.1:{port}"), ca_file()),
    };
    // Only the stage that is to be waited for has a short time: a busy machine must not add faults of its own.
    let waits = script.action.waits();
    let time = |of: bool| if waits && of { "300ms" } else { "20s" };
    let of = |stages: &[Stage]| stages.contains(&script.stage);
    let timeouts = format!(
        "timeouts = {{ connect = \"{}\", command = \"{}\", data = \"{}\", body = \"{}\", dot = \"{}\" }}",
        time(of(&[Stage::Tls])),
        time(of(&[
            Stage::Greeting,
            Stage::Ehlo,
            Stage::StartTls,
            Stage::Auth,
            Stage::Mail,
            Stage::Rcpt,
            Stage::Between
        ])),
        time(of(&[Stage::Data])),
        time(false),
        time(of(&[Stage::Body, Stage::Dot])),
    );
    let settings = desk.read("convoke.toml").replacen("[limits]\n", &format!("[limits]\n{timeouts}\n"), 1);
    assert!(settings.contains("300ms") || settings.contains("20s"), "the sample's settings");
    desk.write("convoke.toml", &format!("{settings}\n[[relay]]\nurl = \"{url}\"\n{more}"));
    (desk, faulty)
}

fn ca_file() -> String {
    format!("ca_file = \"{}\"\n", certificates().join("ca.pem").display())
}

fn send(desk: &Desk, open: usize) -> Watched {
    let yes = open.to_string();
    watch(desk, &["send", "--no-wait", "--json", "--connections", "1", "--yes", &yes])
}

fn run(case: &Case) -> Result<(), String> {
    let (desk, faulty) = prepare(case);
    let first = send(&desk, RECIPIENTS);
    let book = Book::read(&desk);
    let said =
        |what: String| Err(format!("{what}; exit {}, {book:?}\n{}{}", first.ran.code, first.ran.out, first.ran.err));
    if faulty.faults() != 1 {
        return said(format!("the receiver erred {} times", faulty.faults()));
    }
    if book.entries.len() != RECIPIENTS {
        return said("the plan is not there".to_owned());
    }
    if first.ran.err.contains("panicked") {
        return said("it panicked".to_owned());
    }
    if first.memory_kb > MOST_MEMORY_KB {
        return said(format!("it used {} kB", first.memory_kb));
    }
    // QUIT is a courtesy with a time of its own.
    let deadline = if case.script.stage == Stage::Quit { Duration::from_secs(5) } else { DEADLINE };
    if case.script.action.waits() {
        match faulty.waited() {
            Some(waited) if waited < deadline.mul_f64(0.9) => return said(format!("it gave up after {waited:?}")),
            Some(waited) if waited > deadline + Duration::from_secs(2) => {
                return said(format!("it bore it {waited:?}"));
            }
            Some(_) => {}
            None => return said("it never gave up".to_owned()),
        }
    } else if first.took > Duration::from_secs(15) {
        return said(format!("it took {:?}", first.took));
    }
    let hit = if case.script.stage.is_of_connection() { 0 } else { 1 };
    if let Err(fault) = judged(case, &book, hit) {
        return said(fault);
    }
    if !case.exits.contains(&first.ran.code) {
        return said(format!("it ended with {}, not {:?}", first.ran.code, case.exits));
    }
    if let Err(fault) = book.balances(&faulty.log()) {
        return said(fault);
    }
    if faulty.in_clear() > 0 {
        return said("it spoke of a message in clear".to_owned());
    }
    recovers(&desk, &faulty)
}

fn judged(case: &Case, book: &Book, hit: usize) -> Result<(), String> {
    let entry = &book.entries[hit];
    let open = matches!(entry.state.as_str(), "READY" | "DEFERRED");
    let waits = open && entry.attempts == 0;
    let right = match case.class {
        Sent => entry.state == "SENT",
        Waits => waits,
        Spared => waits || entry.state == "SENT",
        Deferred => open && entry.attempts == 1,
        Failed => entry.state == "FAILED",
        InDoubt => entry.state == "IN_DOUBT",
        Either => waits || matches!(entry.state.as_str(), "SENT" | "IN_DOUBT"),
    };
    if !right {
        return Err(format!(
            "{} is {} after {} attempts, not {:?}",
            entry.address, entry.state, entry.attempts, case.class
        ));
    }
    for (n, other) in book.entries.iter().enumerate().filter(|(n, _)| *n != hit) {
        let open = matches!(other.state.as_str(), "READY" | "DEFERRED") && other.attempts == 0;
        let right = match case.rest {
            Rest::Sent => other.state == "SENT",
            Rest::Behind => other.state == "SENT" || (n == hit + 1 && open),
            Open => {
                if n < hit {
                    other.state == "SENT"
                } else {
                    open
                }
            }
            Any => open || other.state == "SENT",
        };
        if !right {
            return Err(format!(
                "{} is {} after {} attempts, not {:?}",
                other.address, other.state, other.attempts, case.rest
            ));
        }
    }
    Ok(())
}

/// The receiver behaves now: whoever is not refused or in doubt gets the message, once.
fn recovers(desk: &Desk, faulty: &Faulty) -> Result<(), String> {
    let before = Book::read(desk);
    let open = before.count(&["READY", "DEFERRED"]);
    if open > 0 {
        all_due(desk);
        let second = send(desk, open);
        let held = before.count(&["FAILED", "IN_DOUBT"]);
        if second.ran.code != i32::from(held > 0) {
            return Err(format!("the second run ended with {}\n{}{}", second.ran.code, second.ran.out, second.ran.err));
        }
    }
    let after = Book::read(desk);
    let left = after.entries.iter().find(|e| !matches!(e.state.as_str(), "SENT" | "FAILED" | "IN_DOUBT"));
    if let Some(entry) = left {
        return Err(format!("{} is still {}", entry.address, entry.state));
    }
    for (a, b) in before.entries.iter().zip(&after.entries) {
        if matches!(a.state.as_str(), "SENT" | "FAILED" | "IN_DOUBT") && a.state != b.state {
            return Err(format!("{} was {} and is {}", a.address, a.state, b.state));
        }
    }
    after.balances(&faulty.log())
}
