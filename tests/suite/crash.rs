//! Every crash point: the program is killed, or its system calls fail, at the n-th call of each kind (strace), and run again.

use std::process::Stdio;

use crate::book::Book;
use crate::desk::{Desk, Ran};
use crate::kill::from_environment;
use crate::sink::Sink;

const RECIPIENTS: usize = 20;

/// System calls that change a disk or a wire, with what happens at them: the process ends, the disk fails or is full, the
/// wire breaks. `write` goes to descriptors of all kinds, to the runtime's own too, whose failure means nothing.
const SERIES: [(&str, &str); 9] = [
    ("fdatasync,fsync", "signal=KILL"),
    ("fdatasync,fsync", "error=EIO"),
    ("fdatasync,fsync", "error=ENOSPC"),
    ("pwrite64", "signal=KILL"),
    ("pwrite64", "error=EIO"),
    ("pwrite64", "error=ENOSPC"),
    ("write,writev", "signal=KILL"),
    ("sendto,sendmsg", "signal=KILL"),
    ("sendto,sendmsg", "error=ECONNRESET"),
];

fn has_strace() -> bool {
    let there = std::process::Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    assert!(there || std::env::var_os("CONVOKE_ORACLES").is_none(), "tests/oracles/setup installs strace");
    there
}

/// A run under strace; `None` where the call never came, so that the run passed untouched.
fn traced(desk: &Desk, calls: &str, end: &str, nth: u64, arguments: &[&str]) -> Option<Ran> {
    let trace = desk.path.join("strace.log");
    let mut command = std::process::Command::new("strace");
    command.current_dir(&desk.path).args(["-f", "-o"]).arg(&trace);
    command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{end}:when={nth}")]);
    let program = desk.command(&[]);
    command.arg(program.get_program()).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("strace starts");
    let trace = std::fs::read_to_string(&trace).expect("what strace saw");
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let ran = Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) };
    let hit = trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL");
    hit.then_some(ran)
}

/// One crash point: gives whether the call came at all.
fn crashed(calls: &str, end: &str, nth: u64) -> Result<bool, String> {
    let mut csv = String::from("email,entity,kind,language,city\n");
    for n in 1..=RECIPIENTS {
        csv.push_str(&format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    }
    let desk = Desk::with_list(&csv);
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let arguments = ["send", "--relay", url.as_str(), "--no-wait", "--json", "--connections", "2"];
    let Some(ran) = traced(&desk, calls, end, nth, &arguments) else { return Ok(false) };
    // A run that was told of a fault says so in words, and not by a panic.
    if ran.err.contains("panicked") {
        return Err(format!("it panicked: {}", ran.err));
    }
    let book = Book::read(&desk);
    if book.entries.is_empty() && !sink.log().is_empty() {
        return Err("somebody has a message and there is no plan".to_owned());
    }
    if let Some(extra) = unarmed(&book, &sink.log()) {
        return Err(format!("{extra} has a message that was not armed; exit {}: {}", ran.code, ran.err));
    }
    let again = desk.run(&arguments);
    let finished = Book::read(&desk);
    let told =
        || format!("{finished:?}\nfirst: exit {} {}\nagain: exit {} {}", ran.code, ran.err, again.code, again.err);
    if !matches!(again.code, 0 | 1 | 75) {
        return Err(format!("it does not go on: {}", told()));
    }
    // What a broken wire deferred is due in a moment.
    if finished.count(&["DEFERRED"]) > 0 {
        crate::book::all_due(&desk);
        desk.run(&arguments);
    }
    let finished = Book::read(&desk);
    finished.balances(&sink.log()).map_err(|fault| format!("{fault}; {}", told()))?;
    if finished.count(&["SENT", "IN_DOUBT"]) != RECIPIENTS {
        return Err(format!("somebody is lost: {}", told()));
    }
    // Two connections, each with one message between arming and outcome, and at most one more whose outcome waited.
    if finished.count(&["IN_DOUBT"]) > 4 {
        return Err(format!("too many doubts: {}", told()));
    }
    Ok(true)
}

fn unarmed(book: &Book, log: &[(String, String)]) -> Option<String> {
    let armed = |address: &str| {
        let entry = book.entries.iter().find(|e| e.address == address);
        entry.is_some_and(|e| matches!(e.state.as_str(), "ARMED" | "SENT" | "IN_DOUBT"))
    };
    log.iter().map(|(recipient, _)| recipient).find(|recipient| !armed(recipient)).cloned()
}

/// n = first, first + step, ... until the run passes untouched.
fn all_points(first: u64, step: u64) {
    if !has_strace() {
        eprintln!("skipped: no strace; tests/oracles/setup installs it");
        return;
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    let points = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((calls, end)) = SERIES.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    for nth in (first..).step_by(usize::try_from(step).expect("small")) {
                        points.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        match crashed(calls, end, nth) {
                            Ok(true) => {}
                            Ok(false) => break,
                            Err(fault) => {
                                wrong.lock().expect("the list").push(format!("{calls} {end} at {nth}: {fault}"));
                            }
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("the list");
    eprintln!("{} crash points", points.into_inner());
    assert!(wrong.is_empty(), "{} points:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn it_survives_a_crash_or_a_fault_at_some_calls() {
    all_points(3, 17);
}

#[test]
#[ignore = "long: tests/soak"]
fn soak_crash_points() {
    all_points(from_environment("SOAK_FIRST_CALL", 1), from_environment("SOAK_STEP", 1));
}
