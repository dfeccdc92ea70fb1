//! Spares a relay or a provider that fails, and finds out with one message whether it works again.
//!
//! What: [`Breaker`], one for each relay and one for each provider. Source: the circuit breaker of Nygard, "Release It!";
//! the numbers follow what Postfix, KumoMTA and the providers' documents do. Not here: the back-off of one message
//! ([`BackOff`](super::BackOff)), faults that end the run ([`Fuse`](super::Fuse)), waiting itself (`command`).
//! Called by: `command`. Can fail: nothing.

use std::time::Duration;

use jiff::Timestamp;

use super::{Held, Judgement, Measure, Scope, Verdict};

/// Whether a message may be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Yes.
    Go,
    /// Yes, this one only: what becomes of it decides. Its judgement must come to [`Breaker::note`], or the probe back
    /// with [`Breaker::give_back`].
    Probe,
    /// Not before this instant; then ask again.
    Until(Timestamp),
}

/// The breaker of one relay or of one provider.
#[derive(Clone, Debug)]
pub struct Breaker {
    of: Held,
    state: State,
    /// Lost connections in a row.
    lost: u32,
    /// The last verdicts, the newest in the lowest bit; 1 is a refusal by policy.
    recent: u32,
    /// Rests since the last success: each is twice as long as the one before.
    rests: u32,
    why: &'static str,
    slow: Option<Slow>,
    narrow: Option<Narrow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Timestamp, cause: Cause },
    HalfOpen { given_up_at: Timestamp, cause: Cause },
}

/// What opened it; only what answers the same question closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Lost,
    Policy,
    Asked,
}

/// What a judgement says to this breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Works,
    Lost,
    Policy,
    /// It never came so far.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Slow {
    per_minute: u32,
    since: Timestamp,
    until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Narrow {
    most: u32,
    since: Timestamp,
}

impl Breaker {
    /// As many lost connections in a row as leave no doubt.
    const LOST: u32 = 5;
    /// Refusals by policy within the last [`Self::WINDOW`] verdicts of one provider.
    const POLICY_OF_PROVIDER: u32 = 3;
    /// The same for a relay, which passes on what providers say: more than one or two of them would.
    const POLICY_OF_RELAY: u32 = 10;
    const WINDOW: u32 = 20;
    const FIRST_REST: Duration = Duration::from_secs(60);
    const LONGEST_REST: Duration = Duration::from_secs(30 * 60);
    /// The time limits of one message from greeting to dot come to less (RFC 5321 section 4.5.3.2).
    const PROBE_LOST: Duration = Duration::from_secs(45 * 60);
    /// A probe's answer may come at any moment.
    const LOOK_AGAIN: Duration = Duration::from_secs(1);
    /// Signs within it come from messages that were on their way together, and count once.
    const TOGETHER: Duration = Duration::from_secs(60);
    /// After it one more connection is allowed.
    const WIDENS_AFTER: Duration = Duration::from_secs(10 * 60);

    /// For everything that goes through one relay.
    pub fn of_relay() -> Self {
        Self::new(Held::Relay)
    }

    /// For everything that goes to one provider.
    pub fn of_provider() -> Self {
        Self::new(Held::Provider)
    }

    fn new(of: Held) -> Self {
        Self { of, state: State::Closed, lost: 0, recent: 0, rests: 0, why: "", slow: None, narrow: None }
    }

    /// Takes note of what became of a message. Every judgement may be given to its relay's breaker and to its provider's:
    /// each heeds what concerns it. While a probe is out, the next judgement is taken for its answer.
    pub fn note(&mut self, judgement: &Judgement, now: Timestamp) {
        if let Some(hold) = judgement.hold.filter(|hold| hold.of == self.of) {
            match hold.measure {
                Measure::Rest => return self.open(Cause::Asked, hold.lasts, judgement.reason, now),
                Measure::SlowTo(per_minute) => self.slow_down(per_minute, hold.lasts, now),
                Measure::Connections(most) => self.narrow_to(most, now),
            }
            self.why = judgement.reason;
        }
        let sign = self.sign(judgement);
        if sign != Sign::Nothing {
            self.recent = ((self.recent << 1) | u32::from(sign == Sign::Policy)) & ((1 << Self::WINDOW) - 1);
        }
        match self.state {
            State::Closed => self.note_closed(sign, judgement.reason, now),
            // Messages that were on their way: a relay that was lost is found again by any of them.
            State::Open { cause: Cause::Lost, .. } if sign == Sign::Works => self.close(),
            State::Open { .. } => {}
            State::HalfOpen { cause, .. } => match sign {
                Sign::Works => self.close(),
                Sign::Nothing => self.give_back(now),
                // A relay that was lost and passes on what a provider says is there again.
                Sign::Policy if self.of == Held::Relay && cause != Cause::Policy => self.close(),
                Sign::Policy => self.open(Cause::Policy, Duration::ZERO, judgement.reason, now),
                Sign::Lost => self.open(Cause::Lost, Duration::ZERO, judgement.reason, now),
            },
        }
    }

    /// Whether the next message may go. [`Pass::Probe`] is given to one asker only.
    pub fn pass(&mut self, now: Timestamp) -> Pass {
        match self.state {
            State::Closed => Pass::Go,
            State::Open { until, .. } if now < until => Pass::Until(until),
            State::HalfOpen { given_up_at, .. } if now < given_up_at => {
                Pass::Until(later(now, Self::LOOK_AGAIN).min(given_up_at))
            }
            State::Open { cause, .. } | State::HalfOpen { cause, .. } => {
                self.state = State::HalfOpen { given_up_at: later(now, Self::PROBE_LOST), cause };
                Pass::Probe
            }
        }
    }

    /// The probe was not sent, or was lost elsewhere: the next asker gets it.
    pub fn give_back(&mut self, now: Timestamp) {
        if let State::HalfOpen { cause, .. } = self.state {
            self.state = State::Open { until: now, cause };
        }
    }

    /// How many connections are allowed of those `configured` (at least one): fewer after a reply that complained of their
    /// number, then one more every ten minutes.
    pub fn connections(&self, configured: u32, now: Timestamp) -> u32 {
        let allowed = self.narrow.map_or(configured, |narrow| narrow.allowed(now));
        allowed.min(configured).max(1)
    }

    /// To how many messages a minute it is to be slowed down at this moment, if at all.
    pub fn per_minute(&self, now: Timestamp) -> Option<u32> {
        self.slow.filter(|slow| now < slow.until).map(|slow| slow.per_minute)
    }

    /// Whether messages pass freely.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// What a person reads of it, after the name of the relay or provider.
    pub fn state_in_words(&self, now: Timestamp) -> String {
        let why = self.why;
        match self.state {
            State::Open { until, .. } if now < until => format!("rests for {}: {why}", minutes(until, now)),
            State::Open { .. } => format!("is to be tried with one message: {why}"),
            State::HalfOpen { .. } => format!("is being tried with one message: {why}"),
            State::Closed => match (self.slow.filter(|slow| now < slow.until), self.narrow) {
                (Some(slow), _) => {
                    let n = slow.per_minute;
                    let messages = if n == 1 { "message" } else { "messages" };
                    format!("is slowed to {n} {messages} a minute for {}: {why}", minutes(slow.until, now))
                }
                (None, Some(narrow)) if narrow.is_felt(now) => {
                    let n = narrow.allowed(now);
                    let connections = if n == 1 { "connection" } else { "connections" };
                    format!("is given at most {n} {connections}: {why}")
                }
                _ => "works".to_owned(),
            },
        }
    }

    fn sign(&self, judgement: &Judgement) -> Sign {
        let is_eased = judgement.hold.is_some_and(|hold| hold.of == self.of && hold.measure != Measure::Rest);
        match (self.of, judgement.verdict) {
            // It answers and says how it wants to be treated.
            _ if is_eased => Sign::Works,
            // A connection that is lost after the dot is lost too; more of them would mean more doubts.
            (Held::Relay, Verdict::InDoubt) => Sign::Lost,
            (
                Held::Relay,
                Verdict::Deferred(Scope::Route | Scope::Setup) | Verdict::Refused(Scope::Route | Scope::Setup),
            ) => Sign::Lost,
            // About itself a provider learns nothing from them.
            (Held::Provider, Verdict::InDoubt) => Sign::Nothing,
            (
                Held::Provider,
                Verdict::Deferred(Scope::Route | Scope::Setup) | Verdict::Refused(Scope::Route | Scope::Setup),
            ) => Sign::Nothing,
            (_, Verdict::Deferred(Scope::Provider) | Verdict::Refused(Scope::Provider)) => Sign::Policy,
            (_, Verdict::Accepted)
            | (_, Verdict::Deferred(Scope::Recipient | Scope::Message))
            | (_, Verdict::Refused(Scope::Recipient | Scope::Message)) => Sign::Works,
        }
    }

    fn note_closed(&mut self, sign: Sign, reason: &'static str, now: Timestamp) {
        let most = match self.of {
            Held::Relay => Self::POLICY_OF_RELAY,
            Held::Provider => Self::POLICY_OF_PROVIDER,
        };
        match sign {
            Sign::Works => {
                self.lost = 0;
                self.rests = 0;
            }
            Sign::Lost => {
                self.lost += 1;
                if self.lost >= Self::LOST {
                    self.open(Cause::Lost, Duration::ZERO, reason, now);
                }
            }
            Sign::Policy => {
                self.lost = 0;
                if self.recent.count_ones() >= most {
                    self.open(Cause::Policy, Duration::ZERO, reason, now);
                }
            }
            Sign::Nothing => {}
        }
    }

    fn open(&mut self, cause: Cause, at_least: Duration, why: &'static str, now: Timestamp) {
        self.why = why;
        // The rest that was asked for is kept; those who were on their way together ask for the same one.
        if let State::Open { until, .. } = self.state {
            self.state = State::Open { until: until.max(later(now, at_least)), cause };
            return;
        }
        let doubled = Self::FIRST_REST.saturating_mul(1 << self.rests.min(10)).min(Self::LONGEST_REST);
        self.rests = self.rests.saturating_add(1);
        self.lost = 0;
        self.recent = 0;
        self.state = State::Open { until: later(now, doubled.max(at_least)), cause };
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.lost = 0;
        self.recent = 0;
        self.rests = 0;
    }

    fn slow_down(&mut self, per_minute: u32, lasts: Duration, now: Timestamp) {
        let asked = Slow { per_minute: per_minute.max(1), since: now, until: later(now, lasts) };
        self.slow = Some(match self.slow.filter(|slow| now < slow.until) {
            None => asked,
            Some(old) if is_within(old.since, now, Self::TOGETHER) => Slow {
                per_minute: old.per_minute.min(asked.per_minute),
                since: old.since,
                until: old.until.max(asked.until),
            },
            // Still too fast.
            Some(old) => Slow { per_minute: (old.per_minute / 2).clamp(1, asked.per_minute), ..asked },
        });
    }

    fn narrow_to(&mut self, most: u32, now: Timestamp) {
        let most = most.max(1);
        self.narrow = Some(match self.narrow {
            None => Narrow { most, since: now },
            Some(old) if is_within(old.since, now, Self::TOGETHER) => {
                Narrow { most: old.most.min(most), since: old.since }
            }
            // Still too many.
            Some(old) => Narrow { most: old.allowed(now).saturating_sub(1).clamp(1, most), since: now },
        });
    }
}

impl Narrow {
    fn allowed(self, now: Timestamp) -> u32 {
        let steps = now.duration_since(self.since).as_secs() / Breaker::WIDENS_AFTER.as_secs().cast_signed();
        self.most.saturating_add(u32::try_from(steps).unwrap_or(0))
    }

    /// Whether it is worth words: after two hours it has widened beyond what anybody is given.
    fn is_felt(self, now: Timestamp) -> bool {
        now.duration_since(self.since).as_secs() < 12 * Breaker::WIDENS_AFTER.as_secs().cast_signed()
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn is_within(since: Timestamp, now: Timestamp, span: Duration) -> bool {
    now.duration_since(since).as_secs() < span.as_secs().cast_signed()
}

/// The time that is left, in whole minutes, as a person says it.
fn minutes(until: Timestamp, now: Timestamp) -> String {
    match (until.duration_since(now).as_secs() + 59) / 60 {
        n @ ..=90 => format!("{} min", n.max(1)),
        n => format!("{} h", (n + 59) / 60),
    }
}

#[cfg(test)]
mod tests {
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
}
