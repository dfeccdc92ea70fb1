//! A verdict with what follows from it for others: holds, waits, dead addresses.
//!
//! What: [`judge`], which looks a reply up in the table (`replies.toml`) and keeps the laws that no row may break.
//! Standards: RFC 5321 sections 3.8 and 4.2.1, RFC 1047, RFC 3463. Not here: the rows (`table`), what is done about a hold
//! ([`Breaker`](super::Breaker)). Called by: `io::smtp`, `command`. Can fail: nothing.

use std::time::Duration;

use super::table;
use super::verdict::{Mishap, Phase, Scope, Verdict};

/// Who is to be spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// The relay that we speak to, with everything that goes through it.
    Relay,
    /// The recipient's provider; other recipients are not concerned.
    Provider,
}

/// How somebody is to be spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Nothing is sent.
    Rest,
    /// At most so many messages a minute.
    SlowTo(u32),
    /// At most so many connections at once.
    Connections(u32),
}

/// What a reply asks of us for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub of: Held,
    /// How.
    pub measure: Measure,
    /// How long, as the reply or its provider's documents say.
    pub lasts: Duration,
}

/// A verdict and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What is to be done with the message.
    pub verdict: Verdict,
    /// What the relay or the provider is to be spared, where the reply says so.
    pub hold: Option<Hold>,
    /// The shortest wait before the next attempt at this message; zero where the ordinary back-off does.
    pub at_least: Duration,
    /// The address itself is no good (RFC 3463 X.1.1, X.1.2, X.1.3, X.1.6, X.1.10): it belongs on the suppression list.
    pub dead_address: bool,
    /// Why, in words for the organiser.
    pub reason: &'static str,
    /// Which row of the table said so; empty where there was no reply to look up.
    pub row: &'static str,
}

impl Judgement {
    /// The relay took it.
    pub const ACCEPTED: Self = Self::plain(Verdict::Accepted, "the relay took it");

    const fn plain(verdict: Verdict, reason: &'static str) -> Self {
        Self { verdict, hold: None, at_least: Duration::ZERO, dead_address: false, reason, row: "" }
    }
}

/// Judges what happened in a phase.
///
/// Before the dot nothing can have been accepted, so whatever is unclear may be tried again; after it, whatever is
/// unclear is in doubt (RFC 1047; RFC 5321 section 3.8 would send again and double). A 2xx after the dot is judged
/// without a look at the table.
pub fn judge(phase: Phase, mishap: &Mishap) -> Judgement {
    let Mishap::Reply(reply) = mishap else { return without_reply(phase, mishap) };
    match (phase, reply.code()) {
        (Phase::Dot, 200..=299) => Judgement::ACCEPTED,
        // 3xx as the last answer, or 2xx where 354 is due: the dialogue is out of step.
        (Phase::Dot, 300..=399) => {
            Judgement::plain(Verdict::InDoubt, "the relay's answer does not say whether it took it")
        }
        (_, 200..=399) => {
            Judgement::plain(Verdict::Deferred(Scope::Route), "the relay answered something else than was asked")
        }
        _ => lawful(phase, reply.code(), table::look_up(phase, reply)),
    }
}

fn without_reply(phase: Phase, mishap: &Mishap) -> Judgement {
    let (verdict, reason) = match (phase, mishap) {
        (Phase::Dot, _) => (Verdict::InDoubt, "the relay did not say whether it took it"),
        (Phase::Rcpt | Phase::Mail, Mishap::Unable(_)) => {
            (Verdict::Refused(Scope::Recipient), "the relay cannot do what this address needs")
        }
        (_, Mishap::Unable(_)) => (Verdict::Deferred(Scope::Setup), "the relay cannot do what is set up"),
        (_, Mishap::Silence) => (Verdict::Deferred(Scope::Route), "the relay does not answer"),
        (Phase::Connect, _) => (Verdict::Deferred(Scope::Route), "the relay cannot be reached"),
        _ => (Verdict::Deferred(Scope::Route), "the connection was lost"),
    };
    Judgement::plain(verdict, reason)
}

/// What holds whatever a row says: a mistake in the data must not lose or double anybody.
fn lawful(phase: Phase, code: u16, mut judgement: Judgement) -> Judgement {
    judgement.verdict = match judgement.verdict {
        // The first digit of the code is a promise (RFC 5321 section 4.2.1).
        Verdict::Refused(scope) if code < 500 => Verdict::Deferred(scope),
        Verdict::Accepted | Verdict::InDoubt => Verdict::Deferred(Scope::Route),
        verdict => verdict,
    };
    // The server ends the session: nothing was said about the recipient. After the dot it is a refusal for now.
    if code == 421 && matches!(judgement.verdict.scope(), Some(Scope::Recipient | Scope::Message)) {
        judgement.verdict = Verdict::Deferred(Scope::Route);
    }
    judgement.dead_address &= judgement.verdict == Verdict::Refused(Scope::Recipient)
        && code >= 500
        && matches!(phase, Phase::Rcpt | Phase::Data | Phase::Dot);
    judgement
}

impl Judgement {
    pub(super) fn of_row(
        verdict: Verdict,
        hold: Option<Hold>,
        first_wait: Duration,
        dead_address: bool,
        reason: &'static str,
        row: &'static str,
    ) -> Self {
        // To come back before the rest is over would be to knock in vain.
        let rest = match hold {
            Some(Hold { measure: Measure::Rest, lasts, .. }) => lasts,
            _ => Duration::ZERO,
        };
        Self { verdict, hold, at_least: first_wait.max(rest), dead_address, reason, row }
    }
}
