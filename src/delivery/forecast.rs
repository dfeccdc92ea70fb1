//! How long a run takes, and what it waits for most.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Opening, Quota, Ramp, Terms, Used};
use crate::input::limits::Share;
use crate::input::units::Rate;

/// What is to be sent.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// Messages.
    pub messages: u64,
    /// Messages by domain in lower case, where a limit asks for domains; may be empty.
    pub by_domain: Vec<(String, u64)>,
}

/// What the limits make of a run. The speed of relay and network is not known and not in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Forecast {
    /// Messages to be sent.
    pub messages: u64,
    /// Of these, how many leave before the end of the run.
    pub in_time: u64,
    /// When the first may leave; `None` where none ever may.
    pub begins: Option<Timestamp>,
    /// When the last one leaves; `None` where not all do, or only in more than a year.
    pub ends: Option<Timestamp>,
    /// From the first to the last, in milliseconds.
    pub takes_ms: Option<u64>,
    /// The end after which nothing leaves.
    pub end: Option<Timestamp>,
    /// What it waits for most of the time; empty where no limit is felt.
    pub bound_by: String,
    #[serde(skip)]
    now: Timestamp,
}

/// Limits of other domains are felt where there are many messages: so many domains are looked at one by one.
const DOMAINS: usize = 64;
/// Beyond it a date is of no use.
const HORIZON_S: f64 = 366.0 * 86_400.0;
/// What bounds a run where several relays share it.
const TOGETHER: &str = "the limits of the relays";
/// A part of a message that is none.
const DUST: f64 = 1e-6;

impl Forecast {
    /// Reckons in slots of a minute at most, as if messages flowed: exact for rates, to the minute for quotas.
    pub fn new(terms: &Terms, demand: &Demand, used: &[Used], now: Timestamp) -> Self {
        let mut flow = Flow::new(terms, demand, used, now);
        flow.run(terms);
        let left = flow.left();
        let is_done = left < DUST;
        let instant = |s: f64| now.checked_add(Duration::from_secs_f64(s.max(0.0))).ok();
        let begins = flow.begins.and_then(instant);
        let ends = if is_done { instant(flow.at) } else { None };
        let takes = flow.begins.filter(|_| is_done).map(|begins| (flow.at - begins).max(0.0));
        Self {
            messages: demand.messages,
            in_time: demand.messages.saturating_sub(left.ceil().max(0.0) as u64),
            begins,
            ends,
            takes_ms: takes.map(|s| (s * 1000.0).round() as u64),
            end: terms.schedule.end(),
            bound_by: flow.bound(),
            now,
        }
    }

    /// One sentence without a full stop; times are those of `zone`.
    ///
    /// `6,494 messages, 3 h 37 min, ends 18:40 (bound by 30/min of relay main)`
    pub fn sentence(&self, zone: &TimeZone) -> String {
        let messages =
            format!("{} {}", grouped(self.messages), if self.messages == 1 { "message" } else { "messages" });
        let bound = if self.bound_by.is_empty() { String::new() } else { format!(" (bound by {})", self.bound_by) };
        let clock = |at: Timestamp| {
            let (at, now) = (at.to_zoned_datetime(zone.clone()), self.now.to_zoned_datetime(zone.clone()));
            let far = at.year() != now.year();
            let format = if at.date() == now.date() {
                "%H:%M"
            } else if far {
                "%-d %b %Y %H:%M"
            } else {
                "%a %-d %b %H:%M"
            };
            at.strftime(format).to_string()
        };
        let Some(begins) = self.begins else {
            return match self.end {
                Some(end) => format!("{messages}, but none may leave: the end was {}", clock(end)),
                None => format!("{messages}, but no send window ever opens"),
            };
        };
        let from = if begins > self.now { format!(" from {}", clock(begins)) } else { String::new() };
        let (Some(ends), Some(takes_ms)) = (self.ends, self.takes_ms) else {
            let left = grouped(self.messages - self.in_time);
            return match self.end {
                Some(end) if self.messages > self.in_time => {
                    format!("{messages}{from}, of which {left} would be left at the end, {}{bound}", clock(end))
                }
                _ => format!("{messages}{from}, more than a year{bound}"),
            };
        };
        if self.bound_by.is_empty() {
            return format!("{messages}{from}, as fast as the relay takes them");
        }
        let takes = Duration::from_millis(takes_ms);
        // Within a minute the time of day says nothing new.
        let ends = if takes.as_secs() < 60 { String::new() } else { format!(", ends {}", clock(rounded_up(ends))) };
        format!("{messages}{from}, {}{ends}{bound}", span(takes))
    }
}

/// Messages as a flow: seconds since the start, parts of messages.
struct Flow {
    start: Timestamp,
    at: f64,
    groups: Vec<Group>,
    all: Pipe,
    relays: Vec<Pipe>,
    begins: Option<f64>,
    shut: f64,
    /// Seconds that were spent waiting, by what was waited for.
    waits: Vec<(String, f64)>,
}

/// Messages that share a limit of domains; the first group has none.
struct Group {
    left: f64,
    per_s: f64,
    words: String,
}

/// A rate and its quotas.
struct Pipe {
    per_s: f64,
    words: String,
    quotas: Vec<(Meter, String)>,
}

/// A [`Quota`] for parts of messages.
struct Meter {
    most: f64,
    minutes: i64,
    counts: std::collections::VecDeque<(i64, f64)>,
    sum: f64,
}

impl Flow {
    fn new(terms: &Terms, demand: &Demand, used: &[Used], now: Timestamp) -> Self {
        let all = Pipe::new(terms.rate, [terms.per_hour, terms.per_day], None, used);
        let relays: Vec<Pipe> = terms
            .relays
            .iter()
            .map(|relay| Pipe::new(relay.rate, [relay.per_hour, relay.per_day], Some(&relay.name), used))
            .collect();
        Self {
            start: now,
            at: 0.0,
            groups: groups(terms, demand),
            all,
            relays,
            begins: None,
            shut: 0.0,
            waits: Vec::new(),
        }
    }

    fn left(&self) -> f64 {
        self.groups.iter().map(|g| g.left).sum()
    }

    fn instant(&self) -> Timestamp {
        self.start.checked_add(Duration::from_secs_f64(self.at)).unwrap_or(Timestamp::MAX)
    }

    fn run(&mut self, terms: &Terms) {
        while self.left() > DUST && self.at < HORIZON_S {
            let now = self.instant();
            let until = match terms.schedule.opening(now) {
                Opening::Over => return,
                Opening::At(at) => {
                    let wait = seconds(at, now);
                    self.shut += if self.begins.is_some() { wait } else { 0.0 };
                    self.at += wait;
                    continue;
                }
                Opening::Open { until } => until,
            };
            self.begins.get_or_insert(self.at);
            // To the next full minute, where quotas move; a ramp is followed by the second.
            let minute = Quota::minute(now);
            let to_minute = (minute + 1) as f64 * 60.0 - now.as_millisecond() as f64 / 1000.0;
            let climbs = terms.ramp.filter(|ramp| now < ramp.end());
            let part = terms.ramp.map_or(1.0, |ramp| Ramp::part(ramp.step(now)));
            let slot = to_minute.max(0.001).min(seconds(until, now).max(0.001));
            self.slot(if climbs.is_some() { slot.min(1.0) } else { slot }, part, minute);
        }
    }

    /// Lets as much flow as a slot allows.
    fn slot(&mut self, slot: f64, part: f64, minute: i64) {
        let relays: Vec<(f64, String)> = self.relays.iter_mut().map(|p| p.room(slot * part, minute)).collect();
        let mut rooms = vec![self.all.room(slot * part, minute)];
        rooms.extend(match relays.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some((several.iter().map(|(room, _)| room).sum(), TOGETHER.to_owned())),
        });
        let left = self.left();
        let of_groups: f64 = self.groups.iter().map(|g| (g.per_s * slot).min(g.left)).sum();
        if of_groups < left - DUST {
            let slowest = self.groups.iter().max_by(|a, b| (a.left / a.per_s).total_cmp(&(b.left / b.per_s)));
            rooms.push((of_groups, slowest.map(|g| g.words.clone()).unwrap_or_default()));
        }
        let (room, by) = rooms.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("the general room is there");
        let flows = room.min(left);
        let (takes, by) = if flows >= left - DUST { self.last(left, part) } else { (slot, by) };
        let takes = takes.min(slot);
        self.spend(flows, slot, minute, &relays);
        self.at += takes;
        if !by.is_empty() {
            match self.waits.iter_mut().find(|(words, _)| *words == by) {
                Some((_, waited)) => *waited += takes,
                None => self.waits.push((by, takes)),
            }
        }
    }

    /// How much of its slot the rest takes, and for which rate.
    fn last(&self, left: f64, part: f64) -> (f64, String) {
        let mut paces: Vec<(f64, &str)> = self.groups.iter().map(|g| (g.left / g.per_s, g.words.as_str())).collect();
        paces.push((left / (self.all.per_s * part), &self.all.words));
        let together: f64 = self.relays.iter().map(|p| p.per_s).sum();
        match self.relays.as_slice() {
            [] => {}
            [one] => paces.push((left / (together * part), &one.words)),
            _ => paces.push((left / (together * part), TOGETHER)),
        }
        let longest = paces.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).expect("the general rate is there");
        (longest.0, if longest.0 > 0.0 { longest.1.to_owned() } else { String::new() })
    }

    fn spend(&mut self, flows: f64, slot: f64, minute: i64, rooms: &[(f64, String)]) {
        // Those that need the longest go first, as whoever wants to be done early would.
        self.groups.sort_by(|a, b| (b.left / b.per_s).total_cmp(&(a.left / a.per_s)));
        let mut rest = flows;
        for group in &mut self.groups {
            let out = (group.per_s * slot).min(group.left).min(rest);
            group.left -= out;
            rest -= out;
        }
        self.all.count(flows, minute);
        let mut rest = flows;
        for (relay, (room, _)) in self.relays.iter_mut().zip(rooms) {
            let out = room.min(rest);
            relay.count(out, minute);
            rest -= out;
        }
    }

    fn bound(&self) -> String {
        let longest = self.waits.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        match longest {
            Some((words, _)) if self.shut > 0.0 => format!("{words} and the send windows"),
            Some((words, _)) => words.clone(),
            None if self.shut > 0.0 => "the send windows".to_owned(),
            None => String::new(),
        }
    }
}

fn groups(terms: &Terms, demand: &Demand) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut named = 0_u64;
    let mut each: Vec<(&str, u64)> = Vec::new();
    let mut of_providers = vec![0_u64; terms.providers.len()];
    let mut push = |name: &str, share: Share, messages: u64| {
        let Some(rate) = share.rate.filter(|_| messages > 0) else { return };
        named += messages;
        groups.push(Group { left: messages as f64, per_s: per_second(rate), words: format!("{rate} to {name}") });
    };
    for (domain, messages) in &demand.by_domain {
        let provider = terms.providers.iter().position(|p| p.domains.contains(domain));
        match (terms.domains.get(domain), provider) {
            // A domain with a rate of its own is the tighter of the two.
            (Some(share), _) if share.rate.is_some() => push(domain, *share, *messages),
            (_, Some(index)) => of_providers[index] += messages,
            (Some(_), None) => {}
            (None, None) => each.push((domain, *messages)),
        }
    }
    for (provider, messages) in terms.providers.iter().zip(of_providers) {
        push(&provider.name, provider.share, messages);
    }
    each.sort_by_key(|(_, messages)| std::cmp::Reverse(*messages));
    for (domain, messages) in each.into_iter().take(DOMAINS) {
        push(domain, terms.each_domain, messages);
    }
    let left = demand.messages.saturating_sub(named) as f64;
    groups.push(Group { left, per_s: f64::INFINITY, words: String::new() });
    groups
}

impl Pipe {
    fn new(rate: Option<Rate>, quotas: [Option<u64>; 2], name: Option<&str>, used: &[Used]) -> Self {
        let of = name.map(|name| format!(" of relay {name}")).unwrap_or_default();
        let meter = |(most, (minutes, period)): (Option<u64>, (i64, &str))| {
            let most = most?;
            let mut before: Vec<(i64, f64)> = used
                .iter()
                .filter(|(relay, _, _)| name.is_none_or(|n| n == relay))
                .map(|(_, minute, messages)| (*minute, *messages as f64))
                .collect();
            before.sort_by_key(|(minute, _)| *minute);
            let sum = before.iter().map(|(_, n)| n).sum();
            let words = format!("{} {period}{of}", grouped(most));
            Some((Meter { most: most as f64, minutes, counts: before.into(), sum }, words))
        };
        Self {
            per_s: rate.map_or(f64::INFINITY, per_second),
            words: rate.map(|rate| format!("{rate}{of}")).unwrap_or_default(),
            quotas: quotas
                .into_iter()
                .zip([(Quota::HOUR, "an hour"), (Quota::DAY, "a day")])
                .filter_map(meter)
                .collect(),
        }
    }

    /// What may leave in so many seconds, and which limit says so.
    fn room(&mut self, seconds: f64, minute: i64) -> (f64, String) {
        let mut room = (self.per_s * seconds, &self.words);
        for (meter, words) in &mut self.quotas {
            let left = meter.room(minute);
            if left < room.0 {
                room = (left, words);
            }
        }
        (room.0, room.1.clone())
    }

    fn count(&mut self, messages: f64, minute: i64) {
        for (meter, _) in &mut self.quotas {
            meter.sum += messages;
            match meter.counts.back_mut() {
                Some((last, n)) if *last == minute => *n += messages,
                _ => meter.counts.push_back((minute, messages)),
            }
        }
    }
}

impl Meter {
    fn room(&mut self, minute: i64) -> f64 {
        while let Some((_, n)) = self.counts.front().filter(|(m, _)| *m < minute - self.minutes) {
            self.sum -= n;
            self.counts.pop_front();
        }
        (self.most - self.sum).max(0.0)
    }
}

fn per_second(rate: Rate) -> f64 {
    f64::from(rate.messages.get()) / rate.period.as_secs_f64()
}

fn seconds(later: Timestamp, now: Timestamp) -> f64 {
    (later.as_millisecond() - now.as_millisecond()) as f64 / 1000.0
}

fn rounded_up(at: Timestamp) -> Timestamp {
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(second.div_euclid(60) * 60 + if second.rem_euclid(60) > 0 { 60 } else { 0 }).unwrap_or(at)
}

/// `6,494`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `42 s`, `7 min`, `3 h 37 min`, `3 days 4 h`: rounded up, because nobody is glad of a run that takes longer.
fn span(takes: Duration) -> String {
    let seconds = takes.as_millis().div_ceil(1000);
    let minutes = seconds.div_ceil(60);
    let hours = minutes.div_ceil(60);
    match (seconds, minutes, hours) {
        (0..=99, _, _) => format!("{seconds} s"),
        (_, 0..=99, _) => format!("{minutes} min"),
        (_, _, 0..=48) => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests;
