//! A full disk: sending stops at once, says so, and goes on when there is room again.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::book::Book;
use crate::desk::{Desk, Ran, repository};
use crate::sink::Sink;

const RECIPIENTS: usize = 400;

fn list() -> String {
    let rows = (0..RECIPIENTS).map(|n| format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    format!("email,entity,kind,language,city\n{}", rows.collect::<String>())
}

/// What must hold after the run that met the full disk, and after the one behind it.
fn stops_and_goes_on(desk: &Desk, sink: &Sink, before: u64, full: &Ran, make_room: impl FnOnce()) {
    assert_eq!(full.code, 74, "{}\n{}", full.out, full.err);
    assert!(!full.err.contains("panicked"), "{}", full.err);
    assert!(full.err.contains("journal"), "the message says what could not be written: {}", full.err);
    assert!(sink.accepted() > before, "it was full in the middle of the run, not before it");
    assert!(sink.accepted() < RECIPIENTS as u64, "it was full in the middle of the run, not after it");
    make_room();
    // Opening the journal makes of what was armed a doubt; reading it does not.
    let book = Book::read(desk);
    let armed = book.count(&["ARMED", "SENT", "IN_DOUBT"]) as u64;
    assert!(sink.accepted() <= armed, "{} accepted, {armed} armed", sink.accepted());
    let url = sink.url();
    let ran = desk.run(&["send", "--relay", &url, "--no-wait"]);
    assert!(matches!(ran.code, 0 | 1), "{}", ran.err);
    let book = Book::read(desk);
    book.balances(&sink.log()).expect("nobody lost, nobody doubled");
    assert_eq!(book.count(&["SENT", "IN_DOUBT"]), RECIPIENTS, "{}", ran.err);
    // Each connection has one message in flight.
    assert!(book.count(&["IN_DOUBT"]) <= 4, "{} in doubt", book.count(&["IN_DOUBT"]));
}

/// Without root: no file may grow beyond a size.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_stops_the_run() {
    let desk = Desk::with_list(&list());
    let elsewhere = Desk::empty();
    let sink = Sink::start(&elsewhere.path);
    let url = sink.url();
    desk.ends(0, &["send", "--relay", &url, "--no-wait", "--limit", "20"]);
    let before = sink.accepted();
    let output = Command::new("bash")
        // The signal is ignored, so that the write fails with EFBIG, as it does on a full disk with ENOSPC.
        .args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_convoke")])
        .args(["send", "--relay", &url, "--no-wait", "--connections", "4"])
        .current_dir(&desk.path)
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("output is UTF-8");
    let full = Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) };
    stops_and_goes_on(&desk, &sink, before, &full, || {});
}

/// A small file system of its own; unmounted when it is dropped.
struct Mount<'m>(&'m Path);

impl<'m> Mount<'m> {
    fn small(path: &'m Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "convoke-test"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_run_and_room_lets_it_go_on() {
    let elsewhere = Desk::with_list(&list());
    let desk = Desk::empty();
    let Some(_mount) = Mount::small(&desk.path) else {
        eprintln!("skipped: no file system can be mounted here; it needs root");
        return;
    };
    desk.write("convoke.toml", &elsewhere.read("convoke.toml"));
    desk.write("recipients/list.csv", &list());
    let templates = repository().join("templates");
    let copied = Command::new("cp").arg("-r").arg(templates).arg(&desk.path).status().expect("cp");
    assert!(copied.success(), "the templates");
    let sink = Sink::start(&elsewhere.path);
    let url = sink.url();
    desk.ends(0, &["send", "--relay", &url, "--no-wait", "--limit", "20"]);
    let before = sink.accepted();
    let filler = desk.path.join("filler");
    fill(&filler, desk.path.as_path(), 200 << 10);
    let full = desk.run(&["send", "--relay", &url, "--no-wait", "--connections", "4"]);
    assert!(full.err.contains("full"), "{}", full.err);
    stops_and_goes_on(&desk, &sink, before, &full, || std::fs::remove_file(&filler).expect("the filler"));
}

/// Leaves so many octets.
fn fill(filler: &Path, folder: &Path, leave: u64) {
    let df = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().expect("df");
    let text = String::from_utf8(df.stdout).expect("numbers");
    let free: u64 = text.lines().nth(1).and_then(|l| l.trim().parse().ok()).expect("a number");
    let size = usize::try_from(free.saturating_sub(leave)).expect("small");
    std::fs::write(filler, vec![0; size]).expect("the filler");
}
