//! kill -9 at moments spread over the job, each time resumed: nobody lost, nobody doubled, doubts few and named.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use crate::desk::Desk;
use crate::sink::Sink;

const RECIPIENTS: u64 = 2000;
const KILLS: u64 = 20;
const CONNECTIONS: u64 = 10;

#[test]
fn killed_twenty_times_it_loses_and_doubles_nobody() {
    let mut csv = String::from("email,entity,kind,language,city\n");
    for n in 0..RECIPIENTS {
        csv.push_str(&format!("guest{n}@host{}.example,Organisation {n},ngo,en,Geneva\n", n % 7));
    }
    let desk = Desk::with_list(&csv);
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let arguments = ["send", "--relay", url.as_str(), "--json"];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut kills = 0;
    while kills < KILLS {
        // Spread over what is left, by a fixed generator: a failure can be had again.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let left = RECIPIENTS.saturating_sub(sink.accepted());
        let step = 1 + (state >> 33) % (2 * left / (KILLS - kills + 1)).max(2);
        let until = sink.accepted() + step;
        let mut child =
            desk.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        loop {
            if sink.accepted() >= until {
                child.kill().expect("SIGKILL");
                child.wait().expect("it is gone");
                kills += 1;
                break;
            }
            if child.try_wait().expect("waiting").is_some() {
                // It was over before its turn: the rest of the kills has nothing to hit.
                kills = KILLS;
                break;
            }
            std::thread::yield_now();
        }
    }
    let last = desk.run(&arguments);
    let status = desk.status();
    assert!(status["states"]["READY"].is_null(), "{status} {}", last.err);

    let mut copies: BTreeMap<String, u64> = BTreeMap::new();
    let log = sink.log();
    for (recipient, _) in &log {
        *copies.entry(recipient.clone()).or_default() += 1;
    }
    let doubled: Vec<_> = copies.iter().filter(|(_, n)| **n > 1).collect();
    assert!(doubled.is_empty(), "sent twice: {doubled:?}");

    let doubts: Vec<serde_json::Value> =
        serde_json::from_str(&desk.run(&["status", "--in-doubt", "--json"]).out).expect("JSON");
    let named: BTreeSet<&str> = doubts.iter().filter_map(|d| d["recipient"].as_str()).collect();
    let lost: Vec<String> = (0..RECIPIENTS)
        .map(|n| format!("guest{n}@host{}.example", n % 7))
        .filter(|address| !copies.contains_key(address) && !named.contains(address.as_str()))
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(doubts.len() as u64 <= CONNECTIONS * KILLS, "{} in doubt", doubts.len());
    assert_eq!(desk.standing("SENT") + doubts.len() as u64, RECIPIENTS);

    // A person decides: what the receiver has on disk was sent, the others are sent again; then everybody has exactly one.
    let (arrived, missing): (Vec<_>, Vec<_>) = named.iter().partition(|address| copies.contains_key(**address));
    for (verdict, which) in [("--sent", arrived), ("--resend", missing)] {
        if !which.is_empty() {
            desk.ends(0, &[&["settle", verdict][..], &which].concat());
        }
    }
    desk.ends(0, &arguments);
    let recipients: BTreeSet<String> = sink.log().into_iter().map(|(recipient, _)| recipient).collect();
    assert_eq!(recipients.len() as u64, RECIPIENTS);
    assert_eq!(sink.log().len() as u64, RECIPIENTS, "each exactly once in the end");
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
