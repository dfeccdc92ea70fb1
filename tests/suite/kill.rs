//! kill -9 at moments spread over the job, each time resumed: nobody lost, nobody doubled, doubts few and named.
//! SIGTERM likewise: no doubts at all.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::book::Book;
use crate::desk::Desk;
use crate::sink::Sink;

/// How much of it: small in the suite, as large as the environment says in `tests/soak`.
#[derive(Clone, Copy)]
struct Size {
    recipients: u64,
    stops: u64,
    seed: u64,
}

const CONNECTIONS: u64 = 10;

/// A number of the environment, for `tests/soak`.
pub(crate) fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`")))
}

/// Numbers by a fixed rule: a failure can be had again.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    /// From 0 to below `sides`.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }
}

fn guests(count: u64) -> String {
    let rows = (0..count).map(|n| format!("guest{n}@host{}.example,Organisation {n},ngo,en,Geneva\n", n % 7));
    format!("email,entity,kind,language,city\n{}", rows.collect::<String>())
}

fn spawn(desk: &Desk, arguments: &[&str]) -> Child {
    desk.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Runs the job and does `stop` to it at moments spread over what is left; gives how often.
fn stopped_again_and_again(size: Size, desk: &Desk, sink: &Sink, arguments: &[&str], stop: impl Fn(&mut Child)) -> u64 {
    let mut dice = Dice::new(size.seed);
    let mut stops = 0;
    while stops < size.stops {
        let left = size.recipients.saturating_sub(sink.accepted());
        // On average three quarters of an even share: some more is accepted until the signal is there.
        let until = sink.accepted() + 1 + dice.below((3 * left / 2 / (size.stops - stops + 1)).max(2));
        let mut child = spawn(desk, arguments);
        loop {
            if sink.accepted() >= until {
                stop(&mut child);
                stops += 1;
                break;
            }
            if child.try_wait().expect("waiting").is_some() {
                // It was over before its turn: the rest of the stops has nothing to hit.
                return stops;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    stops
}

fn killed(size: Size) {
    let desk = Desk::with_list(&guests(size.recipients));
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let arguments = ["send", "--relay", url.as_str(), "--json"];
    let kills = stopped_again_and_again(size, &desk, &sink, &arguments, |child| {
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
    });
    let last = desk.run(&arguments);
    let status = desk.status();
    assert!(status["states"]["READY"].is_null(), "{status} {}", last.err);
    let log = sink.log();
    let book = Book::read(&desk);
    book.balances(&log).expect("nobody lost, nobody doubled");

    let doubts: Vec<serde_json::Value> =
        serde_json::from_str(&desk.run(&["status", "--in-doubt", "--json"]).out).expect("JSON");
    let named: BTreeSet<&str> = doubts.iter().filter_map(|d| d["recipient"].as_str()).collect();
    assert!(doubts.len() as u64 <= CONNECTIONS * kills, "{} in doubt after {kills} kills", doubts.len());
    assert_eq!(desk.standing("SENT") + doubts.len() as u64, size.recipients);
    eprintln!("{kills} kills, {} in doubt", doubts.len());

    // A person decides: what the receiver has on disk was sent, the others are sent again; then everybody has exactly one.
    let arrived: BTreeSet<&str> = log.iter().map(|(recipient, _)| recipient.as_str()).collect();
    let (sent, missing): (Vec<_>, Vec<_>) = named.iter().partition(|address| arrived.contains(**address));
    for (verdict, which) in [("--sent", sent), ("--resend", missing)] {
        if !which.is_empty() {
            desk.ends(0, &[&["settle", verdict][..], &which].concat());
        }
    }
    desk.ends(0, &arguments);
    let recipients: BTreeSet<String> = sink.log().into_iter().map(|(recipient, _)| recipient).collect();
    assert_eq!(recipients.len() as u64, size.recipients);
    assert_eq!(sink.log().len() as u64, size.recipients, "each exactly once in the end");
}

/// SIGTERM: what is in flight is finished and recorded, so that nothing is in doubt.
fn terminated(size: Size) {
    let desk = Desk::with_list(&guests(size.recipients));
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let arguments = ["send", "--relay", url.as_str(), "--json"];
    let stops = stopped_again_and_again(size, &desk, &sink, &arguments, |child| {
        let sent = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().expect("kill");
        // It may have ended by itself a moment ago.
        let status = child.wait().expect("it is gone");
        assert!(!sent.success() || matches!(status.code(), Some(0 | 75)), "a stop ends with {status}");
    });
    let book = Book::read(&desk);
    assert_eq!(book.count(&["IN_DOUBT", "ARMED", "FAILED", "CLAIMED"]), 0, "after {stops} stops");
    book.balances(&sink.log()).expect("nobody lost, nobody doubled");
    desk.ends(0, &arguments);
    assert_eq!(sink.log().len() as u64, size.recipients, "each exactly once");
    Book::read(&desk).balances(&sink.log()).expect("nobody lost, nobody doubled");
}

#[test]
fn killed_twenty_times_it_loses_and_doubles_nobody() {
    killed(Size { recipients: 2000, stops: 20, seed: 0 });
}

#[cfg(unix)]
#[test]
fn stopped_gracefully_it_leaves_no_doubt() {
    terminated(Size { recipients: 1000, stops: 8, seed: 1 });
}

#[test]
#[ignore = "long: tests/soak"]
fn soak_kills() {
    let size = Size {
        recipients: from_environment("SOAK_RECIPIENTS", 5000),
        stops: from_environment("SOAK_KILLS", 200),
        seed: from_environment("SOAK_SEED", 0),
    };
    killed(size);
}

#[test]
#[ignore = "long: tests/soak"]
fn soak_stops() {
    let size = Size {
        recipients: from_environment("SOAK_RECIPIENTS", 5000),
        stops: from_environment("SOAK_STOPS", 50),
        seed: from_environment("SOAK_SEED", 0),
    };
    terminated(size);
}

#[test]
fn a_second_process_says_that_the_folder_is_taken() {
    let csv = "email,entity,kind,language,city\nlater@host.example,One,ngo,en,Bern\n";
    let desk = Desk::with_list(csv);
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let mut first =
        desk.command(&["send", "--relay", &url]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("starts");
    let patience = std::time::Instant::now();
    while !desk.path.join("convoke.db").exists()
        || desk.run(&["status", "--json"]).out.is_empty()
        || desk.standing("DEFERRED") == 0
    {
        assert!(patience.elapsed().as_secs() < 60, "the first process defers its message");
        std::thread::yield_now();
    }
    let second = desk.ends(75, &["send", "--relay", &url]);
    assert!(
        second.err.contains(&format!("another convoke works in this folder (process {})", first.id())),
        "{}",
        second.err
    );
    first.kill().expect("SIGKILL");
    first.wait().expect("it is gone");
    desk.ends(75, &["send", "--relay", &url, "--no-wait"]);
}
