//! DKIM signatures per second on one core, for a message of 8 KB: what one more core buys a run that signs.
//!
//! `cargo bench --bench dkim`. Wanted: 1,900 with RSA of 2,048 bits, 30,000 with Ed25519.

#![expect(clippy::unwrap_used, reason = "a measurement stops where it cannot go on")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use convoke::message::dkim::{Key, Signer};
use jiff::Timestamp;
use ring::rand::SystemRandom;

static CHANCE: LazyLock<SystemRandom> = LazyLock::new(SystemRandom::new);

fn message() -> Vec<u8> {
    let golden = include_bytes!("../golden/mission.en.eml");
    let mut octets = golden.to_vec();
    // The golden's own text repeated or cut: words, HTML and base64 in the shares of a real message.
    while octets.len() < 8192 {
        octets.extend_from_slice(golden);
    }
    let end = octets[..8192].windows(2).rposition(|w| w == b"\r\n").unwrap() + 2;
    octets.truncate(end);
    octets
}

/// Time that this thread had a core, where the system tells (Linux): other work on the machine does not count.
fn on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn main() {
    let message = message();
    let at = Timestamp::from_second(1_504_000_060).unwrap();
    for (name, pem) in [
        ("rsa-2048", include_str!("../fixtures/dkim/rsa.pem")),
        ("ed25519", include_str!("../fixtures/dkim/ed25519.pem")),
    ] {
        let signer = Signer::new(vec![Key::from_pem("host.example", "bench", pem).unwrap()], &*CHANCE);
        // The best of several spells: other work on the machine only ever slows one down.
        let best = (0..5)
            .map(|_| {
                let (begin, worked) = (Instant::now(), on_core());
                let mut signed = 0_u32;
                while begin.elapsed() < Duration::from_millis(700) {
                    black_box(signer.sign(black_box(message.clone()), at).unwrap());
                    signed += 1;
                }
                let took = worked.zip(on_core()).map_or_else(|| begin.elapsed(), |(from, to)| to.saturating_sub(from));
                f64::from(signed) / took.as_secs_f64()
            })
            .fold(0.0, f64::max);
        println!("{name}: {best:.0} signatures/s of {} octets on one core", message.len());
    }
}
