//! The gate by a clock that is told the time.

use std::time::Duration;

use governor::clock::FakeRelativeClock;
use jiff::Timestamp;

use super::{Gate, HeldBy, Target, Whose};
use crate::delivery::{ProviderTerms, Quota, Ramp, RelayTerms, Schedule, Terms};
use crate::input::limits::Share;
use crate::input::units::Rate;

fn rate(text: &str) -> Option<Rate> {
    Some(Rate::parse(text).expect("a rate"))
}

fn at(ns: u64) -> Timestamp {
    Timestamp::from_second(1_500_000_000).expect("valid").checked_add(Duration::from_nanos(ns)).expect("valid")
}

/// A gate with its clock and the wall clock that goes with it.
struct Bench {
    gate: Gate<FakeRelativeClock>,
    clock: FakeRelativeClock,
    ns: u64,
    seed: u64,
}

impl Bench {
    fn new(terms: &Terms) -> Self {
        let clock = FakeRelativeClock::default();
        Self { gate: Gate::with_clock(terms, &[], clock.clone()), clock, ns: 0, seed: 0x9e37_79b9_7f4a_7c15 }
    }

    fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.ns += u64::try_from(by.as_nanos()).expect("short");
    }

    /// From 0 to 1.5 ms, as tokio's timer wakes late (xorshift).
    fn lateness(&mut self) -> Duration {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        Duration::from_nanos(self.seed % 1_500_000)
    }

    fn held(&self, domain: &str) -> HeldBy {
        self.gate.pass(0, domain, at(self.ns)).expect_err("it is held").by
    }

    /// One sender that takes what it gets: the instants of its messages in ns.
    fn run(&mut self, seconds: u64) -> Vec<u64> {
        let mut sent = Vec::new();
        while self.ns < seconds * 1_000_000_000 {
            match self.gate.pass(0, "", at(self.ns)) {
                Ok(permit) => {
                    drop(permit);
                    sent.push(self.ns);
                    // Handing a message over takes time too.
                    self.advance(Duration::from_micros(20));
                }
                Err(hold) => {
                    let late = self.lateness();
                    self.advance(hold.wait + late);
                }
            }
        }
        sent
    }
}

/// The most messages in any closed window of a second.
fn worst_second(sent: &[u64]) -> usize {
    let mut first = 0;
    let mut worst = 0;
    for (last, ns) in sent.iter().enumerate() {
        while ns - sent[first] > 1_000_000_000 {
            first += 1;
        }
        worst = worst.max(last + 1 - first);
    }
    worst
}

#[test]
fn no_second_has_more_and_no_minute_less_than_the_rate() {
    for per_second in [1, 3, 10, 33, 100, 199, 200, 250, 1000, 2500] {
        let terms = Terms { rate: rate(&format!("{per_second}/s")), ..Terms::default() };
        let sent = Bench::new(&terms).run(60);
        let most = per_second + (per_second / 100).max(1);
        assert!(worst_second(&sent) <= most, "{per_second}/s: {} in a second", worst_second(&sent));
        let least = per_second * 60 * 98 / 100;
        assert!(sent.len() >= least, "{per_second}/s: {} in a minute, wanted {least}", sent.len());
        assert!(sent.len() <= per_second * 60 + most, "{per_second}/s: {} in a minute", sent.len());
    }
}

#[test]
fn two_limits_keep_both_rates_and_the_slower_is_reached() {
    for (all, relay) in [("10/s", "10/s"), ("100/s", "97/s"), ("1000/s", "100/s"), ("100/s", "1000/s")] {
        let slower = rate(all).expect("set").interval().max(rate(relay).expect("set").interval());
        let per_second = usize::try_from(Duration::from_secs(1).as_nanos().div_ceil(slower.as_nanos())).expect("small");
        let relays = vec![RelayTerms { rate: rate(relay), ..RelayTerms::default() }];
        let sent = Bench::new(&Terms { rate: rate(all), relays, ..Terms::default() }).run(60);
        assert!(worst_second(&sent) <= per_second + 1, "{all} {relay}: {}", worst_second(&sent));
        assert!(sent.len() >= per_second * 60 * 98 / 100, "{all} {relay}: {}", sent.len());
    }
}

#[test]
fn what_waits_unevenly_before_it_leaves_keeps_the_rate_even_so() {
    for per_second in [20_usize, 100, 199, 200, 1000, 2500] {
        let terms = Terms { rate: rate(&format!("{per_second}/s")), ..Terms::default() };
        let mut bench = Bench::new(&terms);
        // A slow commit keeps all that come in 20 ms, once in less than a second.
        let kept = |ns: u64| ns + 20_000_000_u64.saturating_sub(ns % 990_000_000);
        let ready: Vec<u64> = bench.run(60).into_iter().map(kept).collect();
        let most = per_second + (per_second / 100).max(1);
        let mut departing = Bench::new(&terms);
        let mut left = Vec::new();
        for ns in &ready {
            departing.advance(Duration::from_nanos(ns.saturating_sub(departing.ns)));
            while let Err(wait) = departing.gate.depart(0, at(departing.ns)) {
                let late = departing.lateness();
                departing.advance(wait + late);
            }
            left.push(departing.ns);
        }
        if per_second >= 1000 {
            assert!(worst_second(&ready) > most, "{per_second}/s: nothing was uneven");
        }
        assert!(worst_second(&left) <= most, "{per_second}/s: {} in a second", worst_second(&left));
        let longest = ready.iter().zip(&left).map(|(ready, left)| left - ready).max().expect("some");
        assert!(longest < 100_000_000, "{per_second}/s: one waited {longest} ns");
    }
    let sparse = Bench::new(&Terms { rate: rate("10/s"), ..Terms::default() });
    assert!((0..100).all(|_| sparse.gate.depart(0, at(0)).is_ok()), "messages so far apart do not meet");
}

#[test]
fn a_ramp_begins_with_a_tenth_and_never_passes_the_rate() {
    let ramp = Some(Ramp::new(at(0), Duration::from_secs(60)));
    let sent = Bench::new(&Terms { rate: rate("100/s"), ramp, ..Terms::default() }).run(90);
    let in_second = |s: u64| sent.iter().filter(|ns| **ns / 1_000_000_000 == s).count();
    assert!((9..=11).contains(&in_second(1)), "{}", in_second(1));
    assert!((53..=57).contains(&in_second(31)), "{}", in_second(31));
    assert!((98..=101).contains(&in_second(75)), "{}", in_second(75));
    assert!(worst_second(&sent) <= 101, "{}", worst_second(&sent));
}

#[test]
fn without_limits_everything_passes() {
    let bench = Bench::new(&Terms { relays: vec![RelayTerms::default()], ..Terms::default() });
    for _ in 0..1000 {
        assert!(bench.gate.pass(0, "a.example", at(0)).is_ok());
    }
}

#[test]
fn slots_are_free_again_when_the_permit_is_dropped() {
    let google = ProviderTerms {
        name: "google".to_owned(),
        domains: vec!["gmail.com".to_owned(), "googlemail.com".to_owned()],
        share: Share { rate: None, connections: Some(2) },
    };
    let each_domain = Share { rate: None, connections: Some(1) };
    let bench = Bench::new(&Terms { providers: vec![google], each_domain, ..Terms::default() });
    let pass = |domain| bench.gate.pass(0, domain, at(0));
    let first = pass("gmail.com").expect("free");
    let second = pass("GoogleMail.com").expect("free");
    assert_eq!(bench.held("gmail.com"), HeldBy::Slots(Whose::Provider("google".into())));
    drop(first);
    let third = pass("gmail.com").expect("free again");
    let other = pass("mission.example").expect("free");
    assert_eq!(bench.held("MISSION.example"), HeldBy::Slots(Whose::Domain("mission.example".into())));
    assert!(pass("other.example").is_ok());
    drop((second, third, other));
    assert!(pass("mission.example").is_ok());
}

#[test]
fn a_held_message_costs_no_other_limit_anything() {
    let each_domain = Share { rate: rate("1/s"), connections: None };
    let relays = vec![RelayTerms { per_day: Some(5), ..RelayTerms::default() }];
    let mut bench = Bench::new(&Terms { rate: rate("100/s"), each_domain, relays, ..Terms::default() });
    let pass = |bench: &Bench, domain: &str| bench.gate.pass(0, domain, at(bench.ns)).map(drop);
    assert_eq!(pass(&bench, "a.example"), Ok(()));
    for _ in 0..50 {
        assert_eq!(bench.held("a.example"), HeldBy::Rate(Whose::Domain("a.example".into())));
    }
    // The general rate and the quota were not touched by those fifty.
    for domain in ["b.example", "c.example", "d.example", "e.example"] {
        bench.advance(Duration::from_millis(10));
        assert_eq!(pass(&bench, domain), Ok(()), "{domain}");
    }
    assert_eq!(bench.held("f.example"), HeldBy::Quota(Whose::Relay("".into())));
}

#[test]
fn quotas_remember_what_was_sent_before() {
    let relay = |name: &str| RelayTerms { name: name.to_owned(), per_hour: Some(10), ..RelayTerms::default() };
    let terms = Terms { relays: vec![relay("main"), relay("spare")], per_day: Some(13), ..Terms::default() };
    let minute = Quota::minute(at(0));
    let used = [("main".to_owned(), minute - 3, 10), ("spare".to_owned(), minute - 120, 1)];
    let gate = Gate::with_clock(&terms, &used, FakeRelativeClock::default());
    let hold = gate.pass(0, "", at(0)).expect_err("main is full");
    assert_eq!(hold.by, HeldBy::Quota(Whose::Relay("main".into())));
    assert_eq!(hold.until.as_second(), (minute - 3 + 61) * 60);
    assert!(gate.pass(1, "", at(0)).is_ok() && gate.pass(1, "", at(0)).is_ok());
    assert_eq!(gate.pass(1, "", at(0)).expect_err("the day is full").by, HeldBy::Quota(Whose::All));
}

#[test]
fn a_throttled_provider_is_slowed_for_a_while_and_nobody_else() {
    let mut bench = Bench::new(&Terms::default());
    let until = at(60_000_000_000);
    bench.gate.slow(Target::Provider("google"), rate("6/min").expect("set"), until);
    assert_eq!(bench.held("gmail.com"), HeldBy::Slowed(Whose::Provider("google".into())));
    assert!(bench.gate.pass(0, "mission.example", at(0)).is_ok());
    bench.advance(Duration::from_secs(10));
    assert!(bench.gate.pass(0, "gmail.com", at(bench.ns)).is_ok());
    assert!(bench.gate.pass(0, "gmail.com", at(bench.ns)).is_err());
    bench.advance(Duration::from_secs(50));
    for _ in 0..100 {
        assert!(bench.gate.pass(0, "gmail.com", at(bench.ns)).is_ok());
    }
}

#[test]
fn nothing_leaves_after_the_end() {
    let schedule = Schedule::new(Vec::new(), Some(at(5_000_000_000)), at(0), at(0));
    let mut bench = Bench::new(&Terms { schedule, ..Terms::default() });
    assert!(bench.gate.pass(0, "", at(0)).is_ok());
    bench.advance(Duration::from_secs(5));
    let hold = bench.gate.pass(0, "", at(bench.ns)).expect_err("over");
    assert_eq!(hold.until, Timestamp::MAX, "{hold:?}");
}

#[test]
fn idle_domains_are_forgotten() {
    let each_domain = Share { rate: rate("1/s"), connections: None };
    let mut bench = Bench::new(&Terms { each_domain, ..Terms::default() });
    for n in 0..20_000 {
        assert!(bench.gate.pass(0, &format!("{n}.example"), at(bench.ns)).is_ok());
        bench.advance(Duration::from_millis(1));
    }
    let kept = super::lock(&bench.gate.others).len();
    assert!(kept < 8200, "{kept}");
}
