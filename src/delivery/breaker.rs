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
mod tests;
