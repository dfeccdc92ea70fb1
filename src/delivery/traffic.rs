//! Through which relay a message may go at this moment: routing, fail-over, breakers.
//!
//! What: [`Choice`], what the configuration says of a relay, and [`Traffic`], the state of all relays and providers of a run.
//! A domain that relays are named for goes through those only; others through the relays that are named for none. Of those
//! the lowest priority number that works is used, shared by weight; the share is a matter of the recipient, so that the same
//! message takes the same way again as long as that way is open.
//! Not here: rates and quotas (`io::pace`), sockets. Called by: `command`. Can fail: nothing.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Breaker, Held, Judgement, Pass, Scope, Verdict};

/// What the configuration says of one relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name, for output.
    pub name: String,
    /// The lowest number is used as long as it works.
    pub priority: u32,
    /// Its share among relays of the same priority.
    pub weight: u32,
    /// Recipient domains that go through it, in lower case; empty for all that no relay is named for.
    pub domains: Vec<String>,
}

#[derive(Debug)]
struct Relay {
    choice: Choice,
    breaker: Breaker,
    /// A fault of our own set-up: not used again in this run.
    dead: Option<String>,
    /// Whether it has ever spoken of a message.
    has_worked: bool,
    /// What it said last in the place of a success.
    last: String,
}

/// The relays and providers of a run.
#[derive(Debug)]
pub struct Traffic {
    relays: Vec<Relay>,
    providers: HashMap<String, Breaker>,
}

/// Whether one relay may take a message now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Yes; a probe is to be given back where nothing is sent.
    Open {
        /// This one only.
        is_probe: bool,
    },
    /// Not before this instant.
    Rests(Timestamp),
    /// Not in this run.
    Dead,
}

impl Traffic {
    /// All relays work at first.
    pub fn new(choices: Vec<Choice>) -> Self {
        let relay =
            |choice| Relay { choice, breaker: Breaker::of_relay(), dead: None, has_worked: false, last: String::new() };
        Self { relays: choices.into_iter().map(relay).collect(), providers: HashMap::new() }
    }

    /// Whether a relay may take a message.
    pub fn way(&mut self, relay: usize, now: Timestamp) -> Way {
        let Some(relay) = self.relays.get_mut(relay).filter(|relay| relay.dead.is_none()) else { return Way::Dead };
        match relay.breaker.pass(now) {
            Pass::Go => Way::Open { is_probe: false },
            Pass::Probe => Way::Open { is_probe: true },
            Pass::Until(until) => Way::Rests(until),
        }
    }

    /// The probe of a relay was not sent.
    pub fn give_back(&mut self, relay: usize, now: Timestamp) {
        if let Some(relay) = self.relays.get_mut(relay) {
            relay.breaker.give_back(now);
        }
    }

    /// Whether a message to a domain goes through `asking`, which may take one. `token` spreads recipients over weights.
    pub fn takes(&self, asking: usize, domain: &str, token: u64) -> bool {
        if self.relays.len() == 1 {
            return true;
        }
        let is_named = |relay: &Relay| relay.choice.domains.iter().any(|d| d == domain);
        let has_named = self.relays.iter().any(is_named);
        let serves = |relay: &Relay| if has_named { is_named(relay) } else { relay.choice.domains.is_empty() };
        let is_up = |(index, relay): &(usize, &Relay)| {
            serves(relay) && relay.dead.is_none() && (*index == asking || relay.breaker.is_closed())
        };
        let up = || self.relays.iter().enumerate().filter(is_up);
        let Some(first) = up().map(|(_, relay)| relay.choice.priority).min() else { return false };
        let ranked = || up().filter(|(_, relay)| relay.choice.priority == first);
        let total: u64 = ranked().map(|(_, relay)| u64::from(relay.choice.weight)).sum();
        let mut at = token % total.max(1);
        for (index, relay) in ranked() {
            let weight = u64::from(relay.choice.weight);
            if at < weight {
                return index == asking;
            }
            at -= weight;
        }
        false
    }

    /// The last relay for a domain and why it is not used any more, where none is left.
    pub fn is_stranded(&self, domain: &str) -> Option<(&str, &str)> {
        let is_named = |relay: &&Relay| relay.choice.domains.iter().any(|d| d == domain);
        let has_named = self.relays.iter().any(|relay| is_named(&relay));
        let serves = |relay: &&Relay| if has_named { is_named(relay) } else { relay.choice.domains.is_empty() };
        let mut why = None;
        for relay in self.relays.iter().filter(serves) {
            why = Some((relay.choice.name.as_str(), relay.dead.as_deref()?));
        }
        why
    }

    /// To how many messages a minute a relay, or a provider, is slowed down at this moment.
    pub fn per_minute(&self, relay: usize, provider: Option<&str>, now: Timestamp) -> Option<u32> {
        match provider {
            None => self.relays.get(relay)?.breaker.per_minute(now),
            Some(provider) => self.providers.get(provider)?.per_minute(now),
        }
    }

    /// Whether a message may go to a provider; [`Way::Open`] with `is_probe` for the one that finds out.
    pub fn provider_way(&mut self, provider: &str, now: Timestamp) -> Way {
        match self.providers.get_mut(provider).map(|breaker| breaker.pass(now)) {
            None | Some(Pass::Go) => Way::Open { is_probe: false },
            Some(Pass::Probe) => Way::Open { is_probe: true },
            Some(Pass::Until(until)) => Way::Rests(until),
        }
    }

    /// The probe of a provider was not sent.
    pub fn give_back_provider(&mut self, provider: &str, now: Timestamp) {
        if let Some(breaker) = self.providers.get_mut(provider) {
            breaker.give_back(now);
        }
    }

    /// How many connections a relay is given of those configured.
    pub fn connections(&self, relay: usize, configured: u32, now: Timestamp) -> u32 {
        self.relays.get(relay).map_or(configured, |relay| relay.breaker.connections(configured, now))
    }

    /// Takes note of what became of a message; `spoke` when the relay was asked about it at all.
    pub fn note(
        &mut self,
        relay: usize,
        provider: &str,
        judgement: &Judgement,
        spoke: bool,
        text: &str,
        now: Timestamp,
    ) {
        if let Some(relay) = self.relays.get_mut(relay) {
            relay.breaker.note(judgement, now);
            relay.has_worked |= spoke;
            if judgement.verdict.scope().is_some() || judgement.verdict == Verdict::InDoubt {
                text.clone_into(&mut relay.last);
            }
            if judgement.verdict == Verdict::Deferred(Scope::Setup) {
                relay.dead.get_or_insert_with(|| text.to_owned());
            }
        }
        let concerns = judgement.verdict.scope() == Some(Scope::Provider)
            || judgement.hold.is_some_and(|hold| hold.of == Held::Provider);
        match self.providers.get_mut(provider) {
            Some(breaker) => breaker.note(judgement, now),
            None if concerns => {
                let mut breaker = Breaker::of_provider();
                breaker.note(judgement, now);
                self.providers.insert(provider.to_owned(), breaker);
            }
            None => {}
        }
    }

    /// Why nothing can be sent any more in this run: every relay is dead, or was lost before it ever took a message.
    pub fn is_over(&self) -> Option<&str> {
        let gone = |relay: &Relay| relay.dead.is_some() || (!relay.has_worked && !relay.breaker.is_closed());
        self.relays.iter().all(gone).then(|| self.relays.last().map_or("", |relay| relay.last.as_str()))
    }

    /// What a person should know of relays and providers that do not work as usual.
    pub fn in_words(&self, now: Timestamp) -> Vec<String> {
        let relays = self.relays.iter().map(|relay| match &relay.dead {
            Some(why) => (relay.choice.name.as_str(), format!("is not used any more: {why}")),
            None => (relay.choice.name.as_str(), relay.breaker.state_in_words(now)),
        });
        let providers = self.providers.iter().map(|(name, breaker)| (name.as_str(), breaker.state_in_words(now)));
        let mut words: Vec<String> = relays
            .chain(providers)
            .filter(|(_, state)| state != "works")
            .map(|(name, state)| format!("{name} {state}"))
            .collect();
        words.sort();
        words
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Choice, Traffic, Way};
    use crate::delivery::{Judgement, Mishap, Phase, judge};
    use crate::mail::Reply;

    fn choice(name: &str, priority: u32, weight: u32, domains: &[&str]) -> Choice {
        let domains = domains.iter().map(|d| (*d).to_owned()).collect();
        Choice { name: name.to_owned(), priority, weight, domains }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_500_000_000 + second).expect("valid")
    }

    fn lose(traffic: &mut Traffic, relay: usize, now: Timestamp) {
        let judgement = judge(Phase::Connect, &Mishap::Closed);
        for _ in 0..5 {
            traffic.note(relay, "x.example", &judgement, false, "closed", now);
        }
    }

    #[test]
    fn the_second_relay_takes_over_and_gives_back() {
        let mut traffic = Traffic::new(vec![choice("a", 1, 1, &[]), choice("b", 2, 1, &[])]);
        traffic.note(0, "x.example", &Judgement::ACCEPTED, true, "", at(0));
        assert!(traffic.takes(0, "x.example", 7) && !traffic.takes(1, "x.example", 7));
        lose(&mut traffic, 0, at(0));
        assert!(matches!(traffic.way(0, at(1)), Way::Rests(_)));
        assert!(traffic.takes(1, "x.example", 7), "b stands in");
        assert_eq!(traffic.is_over(), None);
        // After its rest one message finds out.
        assert_eq!(traffic.way(0, at(3600)), Way::Open { is_probe: true });
        assert!(traffic.takes(0, "x.example", 7), "the probe goes the first way");
        assert!(traffic.takes(1, "x.example", 7), "the others do not wait for it");
        traffic.note(0, "x.example", &Judgement::ACCEPTED, true, "", at(3601));
        assert!(!traffic.takes(1, "x.example", 7));
    }

    #[test]
    fn weights_share_and_every_message_has_one_way() {
        let traffic = Traffic::new(vec![choice("a", 1, 3, &[]), choice("b", 1, 1, &[]), choice("c", 9, 1, &[])]);
        let mut counts = [0; 3];
        for token in 0..4000 {
            let ways: Vec<usize> = (0..3).filter(|relay| traffic.takes(*relay, "x.example", token)).collect();
            assert_eq!(ways.len(), 1, "{token}");
            counts[ways[0]] += 1;
        }
        assert_eq!(counts, [3000, 1000, 0]);
    }

    #[test]
    fn domains_go_where_they_are_named() {
        let mut traffic = Traffic::new(vec![choice("a", 1, 1, &[]), choice("own", 5, 1, &["un.example"])]);
        assert!(traffic.takes(1, "un.example", 0) && !traffic.takes(0, "un.example", 0));
        assert!(traffic.takes(0, "other.example", 0) && !traffic.takes(1, "other.example", 0));
        lose(&mut traffic, 1, at(0));
        assert!(!traffic.takes(0, "un.example", 0), "it waits rather than take a way that was not meant");
        assert_eq!(traffic.is_stranded("un.example"), None, "it may come back");
        let refused = judge(Phase::Auth, &Mishap::Reply(Reply::new(535, vec!["5.7.8 no".to_owned()])));
        traffic.note(1, "un.example", &refused, false, "535 5.7.8 no", at(0));
        assert_eq!(traffic.is_stranded("un.example"), Some(("own", "535 5.7.8 no")));
        assert_eq!(traffic.is_stranded("other.example"), None);
    }

    #[test]
    fn a_wrong_password_takes_one_relay_out_and_the_last_one_ends_the_run() {
        let mut traffic = Traffic::new(vec![choice("a", 1, 1, &[]), choice("b", 2, 1, &[])]);
        let refused = judge(Phase::Auth, &Mishap::Reply(Reply::new(535, vec!["5.7.8 no".to_owned()])));
        traffic.note(0, "", &refused, false, "535 5.7.8 no", at(0));
        assert_eq!(traffic.way(0, at(0)), Way::Dead);
        assert!(traffic.takes(1, "x.example", 1));
        assert_eq!(traffic.is_over(), None);
        traffic.note(1, "", &refused, false, "535 5.7.8 no", at(0));
        assert_eq!(traffic.is_over(), Some("535 5.7.8 no"));
        assert!(traffic.in_words(at(0)).iter().all(|words| words.contains("is not used any more")));
    }

    #[test]
    fn providers_rest_by_themselves() {
        let mut traffic = Traffic::new(vec![choice("a", 1, 1, &[])]);
        let text = "5.7.26 This mail has been blocked because the sender is unauthenticated";
        let refused = judge(Phase::Dot, &Mishap::Reply(Reply::new(550, vec![text.to_owned()])));
        for second in [0, 100, 200] {
            traffic.note(0, "google", &refused, true, text, at(second));
        }
        assert!(matches!(traffic.provider_way("google", at(210)), Way::Rests(_)), "{:?}", traffic.in_words(at(210)));
        assert_eq!(traffic.provider_way("yahoo", at(210)), Way::Open { is_probe: false });
        assert_eq!(traffic.way(0, at(210)), Way::Open { is_probe: false });
    }
}
