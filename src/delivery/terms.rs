//! All limits of one run, as the gate and the forecast take them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Quota, Ramp, Schedule};
use crate::input::limits::{Limits, Share};
use crate::input::relay::Relay;
use crate::input::units::Rate;

/// Every limit that holds in a run; the default has none.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Messages to all relays together.
    pub rate: Option<Rate>,
    /// Messages in any hour to all relays together.
    pub per_hour: Option<u64>,
    /// Messages in any 24 hours to all relays together.
    pub per_day: Option<u64>,
    /// In the order in which the gate numbers them.
    pub relays: Vec<RelayTerms>,
    /// To each domain that neither `domains` nor a provider names.
    pub each_domain: Share,
    /// By domain in lower case.
    pub domains: BTreeMap<String, Share>,
    /// Keepers of mailboxes.
    pub providers: Vec<ProviderTerms>,
    /// Windows and end.
    pub schedule: Schedule,
    /// The climb of `rate` and of the relays' rates.
    pub ramp: Option<Ramp>,
}

/// The limits of one relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayTerms {
    /// As output and journal call it.
    pub name: String,
    /// Messages in a period.
    pub rate: Option<Rate>,
    /// Messages in any hour.
    pub per_hour: Option<u64>,
    /// Messages in any 24 hours.
    pub per_day: Option<u64>,
}

/// The limits of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderTerms {
    /// As the user calls it.
    pub name: String,
    /// In lower case.
    pub domains: Vec<String>,
    /// What it is sent.
    pub share: Share,
}

/// What was sent before: relay, minute of Unix time, messages.
pub type Used = (String, i64, u64);

impl Terms {
    /// What the file says, for a run that begins now.
    pub fn new(limits: &Limits, relays: &[Relay], event_start: Timestamp, now: Timestamp) -> Self {
        let relay =
            |r: &Relay| RelayTerms { name: r.name.clone(), rate: r.rate, per_hour: r.per_hour, per_day: r.per_day };
        Self {
            rate: limits.rate,
            per_hour: limits.per_hour,
            per_day: limits.per_day,
            relays: relays.iter().map(relay).collect(),
            each_domain: limits.each_domain,
            domains: limits.domains.clone(),
            providers: limits
                .providers
                .iter()
                .map(|(name, p)| ProviderTerms { name: name.clone(), domains: p.domains.clone(), share: p.share })
                .collect(),
            schedule: Schedule::new(limits.windows.clone(), limits.until, event_start, now),
            ramp: limits.ramp_up.map(|length| Ramp::new(now, length)),
        }
    }

    /// One rate that was typed takes the place of the general one and of the relays' own.
    #[must_use]
    pub fn with_rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        for relay in &mut self.relays {
            relay.rate = None;
        }
        self
    }

    /// The quotas of a relay, or of all together (`None`), with what was used.
    pub fn quotas(&self, relay: Option<usize>, used: &[Used]) -> Vec<Quota> {
        let (name, per_hour, per_day) = match relay.and_then(|index| self.relays.get(index)) {
            Some(relay) => (Some(relay.name.as_str()), relay.per_hour, relay.per_day),
            None if relay.is_some() => return Vec::new(),
            None => (None, self.per_hour, self.per_day),
        };
        [(per_hour, Quota::HOUR), (per_day, Quota::DAY)]
            .into_iter()
            .filter_map(|(most, minutes)| {
                let mut quota = Quota::new(most?, minutes);
                for (_, minute, messages) in used.iter().filter(|(relay, _, _)| name.is_none_or(|n| n == relay)) {
                    quota.restore(*minute, *messages);
                }
                Some(quota)
            })
            .collect()
    }

    /// Whether any limit asks for the recipient's domain.
    pub fn asks_for_domains(&self) -> bool {
        self.each_domain != Share::default() || !self.domains.is_empty() || !self.providers.is_empty()
    }

    /// Whether any limit asks for what was sent before.
    pub fn asks_for_usage(&self) -> bool {
        self.per_hour.is_some()
            || self.per_day.is_some()
            || self.relays.iter().any(|r| r.per_hour.is_some() || r.per_day.is_some())
    }
}
