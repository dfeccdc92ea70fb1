//! The targets of `tests/fuzz` on stable: fixtures changed in a thousand ways, the same ones each time.
//!
//! Each input is a fixture with octets flipped, cut out, doubled, taken from another fixture, or replaced by what parsers trip
//! over. A failure prints the target and the number of the input; the same number gives the same octets again.
//! `CONVOKE_MUTATIONS=100000 cargo test mutation::` tries as many of each.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use mail_parser::{MessageParser, MimeHeaders as _};

use crate::desk::repository;

#[expect(unreachable_pub, reason = "the library of the fuzz targets, which it is there")]
#[path = "../fuzz/targets.rs"]
mod targets;

/// No input may take longer, unoptimized; usual are one to ten milliseconds.
const LONGEST: Duration = Duration::from_secs(2);
/// Inputs are cut to this length, so that thousands fit into seconds.
const LARGEST: usize = 8 * 1024;

/// What parsers trip over.
const TRAPS: [&[u8]; 32] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    "\u{fffd}\u{130}\u{1e9e}".as_bytes(),
    b"=?utf-8?q?=",
    b"=?utf-8?b?4pyT?= =?iso-2022-jp?b?GyRC?=",
    b"=?x-unknown?q?=ff?=",
    b"((((((((",
    b"))))",
    b"\"\\",
    b"<<<>>>",
    b"@@",
    b";;==::",
    b"%00%ff",
    b"&#x110000;&#xd800;&amp",
    b"{{#each a}}{{/if}}{{{",
    b"[[[[[](((",
    b"****____````",
    b"--",
    b"\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n",
    b"\r\nContent-Type: message/rfc822\r\n\r\n",
    b"\r\nContent-Transfer-Encoding: base64\r\n\r\n=\r\n",
    b"99999999999999999999",
    b"-1",
    b"99991231T235960Z",
    b"550-5.1.1 ",
    b"+++\n",
];

/// SplitMix64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n` without `n`; 0 where `n` is 0.
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).expect("less than n")
    }

    fn range(&mut self, of: usize) -> std::ops::Range<usize> {
        let from = self.below(of + 1);
        from..from + self.below((of - from).min(200) + 1)
    }
}

/// A fixture with one to six changes.
fn mutated(fixtures: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut dice = Dice(number);
    let mut octets = fixtures[dice.below(fixtures.len())].clone();
    octets.truncate(LARGEST);
    for _ in 0..=dice.below(6) {
        let length = octets.len();
        let at = dice.below(length + 1);
        match dice.below(8) {
            0 if length > 0 => octets[at.min(length - 1)] ^= 1 << dice.below(8),
            1 if length > 0 => octets[at.min(length - 1)] = dice.next().to_le_bytes()[0],
            2 => octets.truncate(at),
            3 => drop(octets.drain(dice.range(length))),
            4 => {
                let doubled = octets[dice.range(length)].repeat(1 + dice.below(20));
                octets.splice(at..at, doubled);
            }
            5 => {
                let other = &fixtures[dice.below(fixtures.len())];
                octets.splice(at..at, other[dice.range(other.len())].iter().copied());
            }
            6 => drop(octets.splice(at..at, TRAPS[dice.below(TRAPS.len())].iter().copied())),
            _ => drop(octets.splice(at..at, TRAPS[dice.below(TRAPS.len())].repeat(1 + dice.below(100)))),
        }
    }
    octets.truncate(LARGEST);
    octets
}

fn below(folder: &Path, endings: &[&str]) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let name = path.to_string_lossy();
        if path.is_dir() {
            found.extend(below(&path, endings));
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(fs::read(&path).expect("a fixture"));
        }
    }
    found
}

fn hold(name: &str, inputs: u64, fixtures: &[Vec<u8>], target: fn(&[u8])) {
    let inputs = std::env::var("CONVOKE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(inputs);
    assert!(fixtures.len() > 1, "{name} has fixtures");
    fixtures.iter().for_each(|octets| target(&octets[..octets.len().min(64 * 1024)]));
    for number in 0..inputs {
        let octets = mutated(fixtures, number);
        let (began, before) = (Instant::now(), on_core());
        let ended = catch_unwind(AssertUnwindSafe(|| target(&octets)));
        let spent = match (before, on_core()) {
            (Some(before), Some(after)) => after - before,
            _ => began.elapsed(),
        };
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(4000)]).into_owned();
        assert!(ended.is_ok(), "{name}: input {number} fails:\n{shown}");
        assert!(spent < LONGEST, "{name}: input {number} takes {} ms:\n{shown}", spent.as_millis());
    }
}

/// Time that this thread had a core, where the system tells (Linux): other work on the machine does not count.
fn on_core() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn inbound() -> Vec<Vec<u8>> {
    below(&repository().join("tests/fixtures/inbound"), &[".eml"])
}

#[test]
fn mutated_mails_are_read() {
    hold("replies", 4000, &inbound(), targets::replies);
}

#[test]
fn mutated_calendars_are_read() {
    let mut fixtures = Vec::new();
    for octets in inbound().into_iter().chain(below(&repository().join("tests/golden"), &[".eml"])) {
        let Some(message) = MessageParser::default().parse(&octets) else { continue };
        let calendars = message.parts.iter().filter(|part| part.is_content_type("text", "calendar"));
        fixtures.extend(calendars.filter_map(|part| part.text_contents()).map(|text| text.as_bytes().to_vec()));
    }
    hold("calendar", 5000, &fixtures, targets::calendar);
}

#[test]
fn mutated_replies_of_relays_are_read() {
    hold("smtp_reply", 5000, &below(&repository().join("tests/dialogues"), &[".txt"]), targets::smtp_reply);
}

#[test]
fn mutated_addresses_are_read() {
    let sorts = "un@mission.example\n\"a b\"@host.example\n<a@host.example>\nAna <a@host.example>\na@[192.0.2.1]\n\
                 a@xn--bcher-kva.example\nb\u{fc}cher@b\u{fc}cher.example\n.a@host.example\na..b@host.example\na@host\n\
                 imaps://rsvp%40host.example@mx.example/Answers\nmaildir:returned\nmailto:a@host.example\na@\u{202e}host.example\n";
    let list =
        fs::read(repository().join("tests/fixtures/recipients/59-addresses-of-all-sorts.csv")).expect("a fixture");
    hold("address", 5000, &[sorts.as_bytes().to_vec(), list], targets::address);
}

#[test]
fn mutated_settings_are_read() {
    let folder = repository();
    let mut fixtures = below(&folder.join("src/command/start"), &[".toml"]);
    let sample = fs::read(folder.join("convoke.toml")).expect("the sample");
    fixtures.extend(sample.chunks(LARGEST).map(<[u8]>::to_vec));
    hold("event_file", 2000, &fixtures, targets::event_file);
}

#[test]
fn mutated_lists_are_read() {
    let mut fixtures = below(&repository().join("tests/fixtures/recipients"), &[".csv"]);
    fixtures.extend(below(&repository().join("recipients"), &[".csv"]));
    hold("recipients", 3000, &fixtures, targets::recipients);
}

#[test]
fn mutated_templates_are_read() {
    hold("templates", 400, &below(&repository().join("templates"), &[".hbs"]), targets::templates);
}
