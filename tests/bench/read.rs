//! Messages that come back read per second on one core, classification included.
//!
//! `cargo bench --bench read`. Wanted: 10,000 of ordinary size. Reads the fixtures, and the real messages where
//! `CONVOKE_CORPORA` or `../shared/corpora` has them. Then each of the bombs: wanted below 0.5 s and 200 MB; ends with 1 where
//! one is above. `-- bombs` and `-- ordinary` measure only these.

#![expect(clippy::unwrap_used, reason = "a measurement stops where it cannot go on")]

#[path = "bombs.rs"]
mod bombs;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Time that is measured of each set.
const LASTS: Duration = Duration::from_secs(3);
/// No message may cost more.
const SLOWEST: Duration = Duration::from_millis(500);
const LARGEST_MB: u64 = 200;

fn below(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        } else if path.extension().is_some_and(|e| e == "eml") {
            found.push(fs::read(&path).unwrap());
        }
    }
    found
}

/// Time that this thread had a core, where the system tells (Linux): other work on the machine does not count.
fn on_core() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn measure(name: &str, messages: &[Vec<u8>]) {
    if messages.is_empty() {
        println!("{name}: not at hand");
        return;
    }
    let octets: usize = messages.iter().map(Vec::len).sum();
    let (began, on_core_before) = (Instant::now(), on_core());
    let mut read = 0_u32;
    while began.elapsed() < LASTS {
        for message in messages {
            black_box(convoke::replies::read(black_box(message)));
            read += 1;
        }
    }
    let spent = match (on_core_before, on_core()) {
        (Some(before), Some(after)) => after - before,
        _ => began.elapsed(),
    };
    println!(
        "{name}: {:.0} messages/s on one core ({} messages of {} octets on average)",
        f64::from(read) / spent.as_secs_f64(),
        messages.len(),
        octets / messages.len()
    );
}

/// The most memory that was in use since the last call, in MB, where the system tells (Linux).
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    // Begins anew from what is in use now.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kib / 1000)
}

/// Whether each bomb is within its measure.
fn defuse() -> bool {
    let mut is_well = true;
    for (name, make) in bombs::BOMBS {
        let octets = make().into_bytes();
        let _ = peak();
        let (began, before) = (Instant::now(), on_core());
        let reading = black_box(convoke::replies::read(black_box(&octets)));
        let spent = match (before, on_core()) {
            (Some(before), Some(after)) => after - before,
            _ => began.elapsed(),
        };
        let memory = peak();
        let is_over = spent >= SLOWEST || memory.is_some_and(|mb| mb >= LARGEST_MB);
        is_well &= !is_over;
        println!(
            "{} {name}: {} ms, {} MB at most with its own {}, {}",
            if is_over { "OVER" } else { "well" },
            spent.as_millis(),
            memory.map_or_else(|| "?".to_owned(), |mb| mb.to_string()),
            octets.len() / 1_000_000,
            reading.kind.as_str(),
        );
    }
    is_well
}

fn main() -> ExitCode {
    let only = |name: &str| std::env::args().skip(1).any(|argument| argument == name);
    if !only("bombs") {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        measure("fixtures", &below(&root.join("tests/fixtures/inbound")));
        let corpora = std::env::var_os("CONVOKE_CORPORA").map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
        let corpora = [corpora, root.join("../../shared/corpora")].into_iter().find(|folder| folder.is_dir());
        measure("real messages", &corpora.map(|folder| below(&folder)).unwrap_or_default());
    }
    if !only("ordinary") && !defuse() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
