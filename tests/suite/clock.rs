//! The wall clock jumps in the middle of a run (libfaketime): nothing hangs, nobody is lost or doubled.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::book::{Book, all_due};
use crate::desk::Desk;
use crate::sink::Sink;

const RECIPIENTS: u64 = 150;

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|e| e.path());
    let found = folders.map(|f| f.join("faketime/libfaketimeMT.so.1")).find(|f| f.exists());
    assert!(
        found.is_some() || std::env::var_os("CONVOKE_ORACLES").is_none(),
        "tests/oracles/setup installs libfaketime"
    );
    found
}

#[test]
fn a_clock_that_jumps_harms_nobody() {
    let Some(library) = library() else {
        eprintln!("skipped: no libfaketime; tests/oracles/setup installs it");
        return;
    };
    std::thread::scope(|scope| {
        for jump in ["+1h", "-1h", "+1d", "-1d"] {
            let library = &library;
            scope.spawn(move || jumped(library, jump));
        }
    });
}

fn jumped(library: &PathBuf, jump: &str) {
    let mut csv = String::from("email,entity,kind,language,city\n");
    for n in 0..RECIPIENTS {
        let name = if n % 50 == 7 { "later" } else { "guest" };
        csv.push_str(&format!("{name}{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    }
    let desk = Desk::with_list(&csv);
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let times = desk.path.join("clock");
    std::fs::write(&times, "+0\n").expect("the clock");
    let began = Instant::now();
    let mut child = desk
        .command(&["send", "--relay", &url, "--no-wait", "--connections", "2", "--rate", "60/s"])
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &times)
        .env("FAKETIME_NO_CACHE", "1")
        // Timers are of the monotonic clock, which no administrator can set.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut has_jumped = false;
    let status = loop {
        if !has_jumped && sink.accepted() >= RECIPIENTS / 3 {
            std::fs::write(&times, format!("{jump}\n")).expect("the clock");
            has_jumped = true;
        }
        if let Some(status) = child.try_wait().expect("waiting") {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{jump}: it hangs");
        std::thread::park_timeout(Duration::from_millis(2));
    };
    assert!(has_jumped, "{jump}: the run was over before");
    assert_eq!(status.code(), Some(75), "{jump}: the deferred ones are left");
    let book = Book::read(&desk);
    assert_eq!((book.count(&["SENT"]), book.count(&["DEFERRED"])), (147, 3), "{jump}");
    book.balances(&sink.log()).expect("nobody lost, nobody doubled");
    // In the right time again.
    all_due(&desk);
    desk.ends(75, &["send", "--relay", &url, "--no-wait"]);
    let book = Book::read(&desk);
    assert_eq!((book.count(&["SENT"]), book.count(&["DEFERRED"])), (147, 3), "{jump}");
    assert!(book.entries.iter().filter(|e| e.state == "DEFERRED").all(|e| e.attempts == 2), "{jump}: {book:?}");
    book.balances(&sink.log()).expect("nobody lost, nobody doubled");
}
