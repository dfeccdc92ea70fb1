//! When it opens, rests, tries and closes; its laws on random histories.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Breaker, Pass, later};
use crate::delivery::{Held, Hold, Judgement, Measure, Scope, Verdict};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_500_000_000 + seconds).expect("valid")
}

fn said(verdict: Verdict) -> Judgement {
    Judgement { verdict, reason: "for a test", ..Judgement::ACCEPTED }
}

fn asked(of: Held, measure: Measure, minutes: u64) -> Judgement {
    let hold = Some(Hold { of, measure, lasts: Duration::from_secs(60 * minutes) });
    Judgement { hold, ..said(Verdict::Deferred(Scope::Route)) }
}

const LOST: Verdict = Verdict::Deferred(Scope::Route);
const POLICY: Verdict = Verdict::Deferred(Scope::Provider);

#[test]
fn five_lost_connections_open_it_and_rests_double_up_to_half_an_hour() {
    let mut breaker = Breaker::of_relay();
    for _ in 0..4 {
        breaker.note(&said(LOST), at(0));
    }
    assert_eq!(breaker.pass(at(0)), Pass::Go);
    breaker.note(&said(LOST), at(0));
    let mut now = 0;
    for minutes in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(breaker.pass(at(now)), Pass::Until(at(now + 60 * minutes)), "{minutes}");
        now += 60 * minutes;
        assert_eq!(breaker.pass(at(now)), Pass::Probe);
        assert_eq!(breaker.pass(at(now)), Pass::Until(at(now + 1)), "one probe only");
        breaker.note(&said(LOST), at(now));
    }
    assert!(breaker.state_in_words(at(now)).starts_with("rests for 30 min: "));
    assert_eq!(breaker.pass(at(now + 1800)), Pass::Probe);
    breaker.note(&Judgement::ACCEPTED, at(now + 1800));
    assert_eq!(breaker.pass(at(now + 1800)), Pass::Go);
    assert_eq!(breaker.state_in_words(at(now + 1800)), "works");
}

#[test]
fn three_refusals_by_policy_in_twenty_hold_the_provider_and_not_the_relay() {
    let (mut provider, mut relay) = (Breaker::of_provider(), Breaker::of_relay());
    for n in 0..100 {
        let judgement = if n % 10 == 0 { said(POLICY) } else { Judgement::ACCEPTED };
        provider.note(&judgement, at(n));
    }
    assert!(provider.is_closed(), "two of twenty are too few");
    for _ in 0..3 {
        provider.note(&said(POLICY), at(100));
        relay.note(&said(POLICY), at(100));
    }
    assert_eq!(provider.pass(at(100)), Pass::Until(at(160)));
    assert_eq!(relay.pass(at(100)), Pass::Go);
    for _ in 0..7 {
        relay.note(&said(POLICY), at(100));
    }
    assert!(!relay.is_closed(), "where every provider refuses, the relay is meant");
}

#[test]
fn a_lost_relay_says_nothing_about_the_provider() {
    let mut provider = Breaker::of_provider();
    for _ in 0..3 {
        provider.note(&said(POLICY), at(0));
    }
    assert_eq!(provider.pass(at(60)), Pass::Probe);
    provider.note(&said(Verdict::InDoubt), at(61));
    assert_eq!(provider.pass(at(61)), Pass::Probe, "the probe never came so far");
    provider.note(&said(Verdict::Refused(Scope::Recipient)), at(62));
    assert!(provider.is_closed(), "it speaks of recipients again");
}

#[test]
fn a_rest_that_was_asked_for_is_kept() {
    let mut breaker = Breaker::of_relay();
    breaker.note(&asked(Held::Provider, Measure::Rest, 120), at(0));
    assert!(breaker.is_closed(), "not its own");
    breaker.note(&asked(Held::Relay, Measure::Rest, 240), at(0));
    breaker.note(&asked(Held::Relay, Measure::Rest, 240), at(5));
    breaker.note(&Judgement::ACCEPTED, at(6));
    assert_eq!(breaker.pass(at(7)), Pass::Until(at(5 + 240 * 60)));
    assert_eq!(breaker.state_in_words(at(5)), "rests for 4 h: for a test");
    breaker.note(&asked(Held::Relay, Measure::Rest, 10), at(10));
    assert_eq!(breaker.pass(at(11)), Pass::Until(at(5 + 240 * 60)), "never shorter");
}

#[test]
fn a_lost_probe_does_not_close_the_way_for_ever() {
    let mut breaker = Breaker::of_relay();
    breaker.note(&asked(Held::Relay, Measure::Rest, 1), at(0));
    assert_eq!(breaker.pass(at(60)), Pass::Probe);
    assert_eq!(breaker.pass(at(60 + 45 * 60 - 1)), Pass::Until(at(60 + 45 * 60)));
    assert_eq!(breaker.pass(at(60 + 45 * 60)), Pass::Probe);
    breaker.give_back(at(60 + 45 * 60));
    assert_eq!(breaker.pass(at(60 + 45 * 60)), Pass::Probe);
}

#[test]
fn connections_are_taken_away_and_given_back_gently() {
    let mut breaker = Breaker::of_relay();
    assert_eq!(breaker.connections(8, at(0)), 8);
    for _ in 0..8 {
        breaker.note(&asked(Held::Relay, Measure::Connections(3), 10), at(0));
    }
    assert!(breaker.is_closed(), "a relay that complains is there");
    assert_eq!((breaker.connections(8, at(0)), breaker.connections(2, at(0))), (3, 2));
    assert_eq!((breaker.connections(8, at(599)), breaker.connections(8, at(600))), (3, 4));
    assert_eq!(breaker.state_in_words(at(0)), "is given at most 3 connections: for a test");
    breaker.note(&asked(Held::Relay, Measure::Connections(3), 10), at(120));
    breaker.note(&asked(Held::Relay, Measure::Connections(3), 10), at(240));
    breaker.note(&asked(Held::Relay, Measure::Connections(3), 10), at(360));
    assert_eq!(breaker.connections(8, at(360)), 1);
    assert_eq!(breaker.connections(8, at(360 + 7 * 600)), 8);
    assert_eq!(breaker.state_in_words(at(90_000)), "works");
}

#[test]
fn throttling_lowers_the_rate_for_its_time() {
    let mut breaker = Breaker::of_provider();
    breaker.note(&asked(Held::Provider, Measure::SlowTo(10), 60), at(0));
    breaker.note(&asked(Held::Provider, Measure::SlowTo(10), 60), at(30));
    assert_eq!((breaker.per_minute(at(30)), breaker.pass(at(30))), (Some(10), Pass::Go));
    breaker.note(&asked(Held::Provider, Measure::SlowTo(10), 60), at(100));
    assert_eq!(breaker.per_minute(at(101)), Some(5));
    assert_eq!(breaker.state_in_words(at(100)), "is slowed to 5 messages a minute for 60 min: for a test");
    assert_eq!(breaker.per_minute(at(100 + 3600)), None);
}

fn any_judgement() -> impl Strategy<Value = Judgement> {
    let scope = prop_oneof![
        Just(Scope::Recipient),
        Just(Scope::Message),
        Just(Scope::Route),
        Just(Scope::Provider),
        Just(Scope::Setup)
    ];
    let verdict = prop_oneof![
        3 => Just(Verdict::Accepted),
        1 => Just(Verdict::InDoubt),
        6 => (scope, any::<bool>())
            .prop_map(|(scope, again)| if again { Verdict::Deferred(scope) } else { Verdict::Refused(scope) }),
    ];
    let measure = prop_oneof![
        Just(Measure::Rest),
        (0u32..40).prop_map(Measure::SlowTo),
        (0u32..9).prop_map(Measure::Connections)
    ];
    let hold = (any::<bool>(), measure, 0u64..10_000).prop_map(|(relay, measure, lasts)| Hold {
        of: if relay { Held::Relay } else { Held::Provider },
        measure,
        lasts: Duration::from_secs(lasts),
    });
    (verdict, proptest::option::weighted(0.2, hold)).prop_map(|(verdict, hold)| {
        let hold = if verdict == Verdict::Accepted { None } else { hold };
        Judgement { hold, ..said(verdict) }
    })
}

#[derive(Clone, Debug)]
enum Step {
    Ask,
    Note(Judgement),
    GiveBack,
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Ask),
        4 => any_judgement().prop_map(Step::Note),
        1 => Just(Step::GiveBack),
        3 => (0i64..600).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn never_two_probes_at_once_and_always_one_after_the_rest(
        relay in any::<bool>(),
        steps in proptest::collection::vec(any_step(), 0..200),
    ) {
        let mut breaker = if relay { Breaker::of_relay() } else { Breaker::of_provider() };
        let mut now = 0;
        let mut probe: Option<i64> = None;
        for step in steps {
            match step {
                Step::Ask => match breaker.pass(at(now)) {
                    Pass::Go => prop_assert!(breaker.is_closed()),
                    Pass::Probe => {
                        let lost = probe.is_none_or(|since| now - since >= 45 * 60);
                        prop_assert!(lost, "a second probe at {now}, the first at {probe:?}");
                        probe = Some(now);
                    }
                    Pass::Until(instant) => {
                        prop_assert!(instant > at(now), "whoever waits, waits");
                        // Whoever comes at the named instant passes, unless a probe is out.
                        if probe.is_none() {
                            let then = breaker.clone().pass(instant);
                            prop_assert!(!matches!(then, Pass::Until(_)), "{then:?}");
                        }
                    }
                },
                Step::Note(judgement) => {
                    breaker.note(&judgement, at(now));
                    probe = None;
                }
                Step::GiveBack => {
                    breaker.give_back(at(now));
                    probe = None;
                }
                Step::Wait(seconds) => now += seconds,
            }
            prop_assert!((1..=7).contains(&breaker.connections(7, at(now))));
            prop_assert!(breaker.per_minute(at(now)) != Some(0));
            prop_assert!(!breaker.state_in_words(at(now)).is_empty());
        }
        // Whatever was: after the longest rest a success closes it.
        let end = later(at(now), Duration::from_secs(20_000));
        if !breaker.is_closed() {
            prop_assert_eq!(breaker.pass(end), Pass::Probe);
            breaker.note(&Judgement::ACCEPTED, end);
        }
        prop_assert_eq!(breaker.pass(end), Pass::Go);
    }
}
