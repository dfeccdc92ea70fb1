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
use crate::cells::{Case, Class, Rest, cases};
use crate::desk::{Desk, Ran};
use crate::faulty::{Faulty, Script, Stage, Tls, certificates};

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
        if began.elapsed() > Duration::from_secs(180) {
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
    let time = |of: bool| if waits && of { "300ms" } else { "60s" };
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
    assert!(settings.contains("300ms") || settings.contains("60s"), "the sample's settings");
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
            // The receiver's clock may begin late on a busy machine.
            Some(waited) if waited < deadline / 4 => return said(format!("it gave up after {waited:?}")),
            // All other phases have a minute.
            Some(waited) if waited > deadline + Duration::from_secs(10) => {
                return said(format!("it bore it {waited:?}"));
            }
            Some(_) => {}
            None => return said("it never gave up".to_owned()),
        }
    } else if first.took > Duration::from_secs(45) {
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
        Class::Sent => entry.state == "SENT",
        Class::Waits => waits,
        Class::Spared => waits || entry.state == "SENT",
        Class::Deferred => open && entry.attempts == 1,
        Class::Failed => entry.state == "FAILED",
        Class::InDoubt => entry.state == "IN_DOUBT",
        Class::Either => waits || matches!(entry.state.as_str(), "SENT" | "IN_DOUBT"),
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
            Rest::Open => {
                if n < hit {
                    other.state == "SENT"
                } else {
                    open
                }
            }
            Rest::Any => open || other.state == "SENT",
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
