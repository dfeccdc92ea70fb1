//! How fast, how much and when: `[limits]` of `convoke.toml`.
//!
//! What: [`Limits`] with rates, quotas, shares of domains and providers, windows, the end and the ramp. Not here: what a
//! moment allows (`delivery`), flags that overrule (`settings`). Called by: `event_file`, `relay`.
//! Can fail: with problems that are collected, each with place and cure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::problem::quoted;
use super::providers::Provider;
use super::timeouts::Timeouts;
use super::toml_reader::{Found, TomlReader};
use super::units::{Rate, parse_duration};
use crate::calendar::Zone;

/// How fast, how much, when and how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Messages handed to all relays together.
    pub rate: Option<Rate>,
    /// Connections open at once.
    pub connections: u32,
    /// Messages in any hour, to all relays together.
    pub per_hour: Option<u64>,
    /// Messages in any 24 hours, to all relays together.
    pub per_day: Option<u64>,
    /// To each domain that is not named in `domains`.
    pub each_domain: Share,
    /// To these domains, in lower case.
    pub domains: BTreeMap<String, Share>,
    /// To these keepers of mailboxes, by name.
    pub providers: BTreeMap<String, ProviderShare>,
    /// When messages may leave; none means at any time.
    pub windows: Vec<Window>,
    /// No message leaves after this instant.
    pub until: Option<Timestamp>,
    /// The time in which the rates climb from a tenth to the whole.
    pub ramp_up: Option<Duration>,
    /// How long a deferred message is tried again.
    pub retry_for: Duration,
    /// The waits between attempts; the last one repeats.
    pub retry_after: Vec<Duration>,
    /// How long a relay may take.
    pub timeouts: Timeouts,
}

/// What a domain or a provider is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Messages in a period.
    pub rate: Option<Rate>,
    /// Messages on their way at once.
    pub connections: Option<u32>,
}

/// A provider's share and its domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderShare {
    /// What it is sent.
    pub share: Share,
    /// In lower case: the well-known ones and those that the user adds.
    pub domains: Vec<String>,
}

/// A part of the week in which messages may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// From Monday; the day on which the window opens.
    pub days: [bool; 7],
    /// Minutes of the day at which it opens, from 0.
    pub from_min: u16,
    /// Minutes of the day at which it shuts, to 1440; not after `from_min` means on the next day.
    pub until_min: u16,
    /// Where these times hold.
    pub zone: Zone,
}

/// Every day.
const ALL_DAYS: [bool; 7] = [true; 7];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAYS_CURE: &str = "write days as \"mon-fri\", \"tue\" or \"mon, wed, fri\"";
const CLOCK_CURE: &str = "write a time of day such as \"08:00\", at most \"24:00\"";

/// 1, 5, 15, 30, 60 minutes and then hourly: quicker than the four days of a mail server (RFC 5321 section 4.5.4.1),
/// because an invitation has a date.
const RETRY_AFTER_MIN: [u64; 5] = [1, 5, 15, 30, 60];

/// Reads `[limits]`; `zone` is the event's, where that could be read.
pub(crate) fn read(root: &TomlReader<'_, '_>, zone: Option<&Zone>) -> Limits {
    let table = root.table("limits");
    let rate = rate(&table);
    let connections = connections(&table).unwrap_or(10);
    let (per_hour, per_day) = quotas(&table);
    let each_domain = read_share(table.table("domain"));
    let domains = read_domains(&table);
    let providers = read_providers(&table);
    let windows = table.tables("window").into_iter().filter_map(|t| read_window(t, zone)).collect();
    let until = read_until(&table, zone);
    let ramp_up = table.string("ramp_up").and_then(|found| duration(&table, found));
    let retry_for =
        table.string("retry_for").and_then(|found| duration(&table, found)).unwrap_or(Duration::from_secs(48 * 3600));
    let retry_after = match table.strings("retry_after") {
        Some(waits) => waits.into_iter().filter_map(|found| duration(&table, found)).collect(),
        None => RETRY_AFTER_MIN.map(|minutes| Duration::from_secs(60 * minutes)).to_vec(),
    };
    if retry_after.is_empty() {
        table.missing("retry_after", "write at least one wait, or leave the key out");
    }
    let timeouts = super::timeouts::read(&table);
    if ramp_up.is_some() && rate.is_none() {
        // Connections are no measure of speed: there is nothing to take a tenth of.
        let place = place_of(&table, "ramp_up");
        table.problem(
            place,
            "`limits.ramp_up` has no rate to climb to",
            "set `limits.rate`, such as \"10/s\", or leave ramp_up out",
        );
    }
    table.finish();
    Limits {
        rate,
        connections,
        per_hour,
        per_day,
        each_domain,
        domains,
        providers,
        windows,
        until,
        ramp_up,
        retry_for,
        retry_after,
        timeouts,
    }
}

/// `rate = "30/min"`.
pub(crate) fn rate(table: &TomlReader<'_, '_>) -> Option<Rate> {
    let found = table.string("rate")?;
    let parsed = Rate::parse(&found.value);
    if parsed.is_none() {
        table.problem(found.place, format!("{} is no rate", quoted(&found.value)), Rate::CURE);
    }
    parsed
}

/// `connections = 3`.
pub(crate) fn connections(table: &TomlReader<'_, '_>) -> Option<u32> {
    table.integer("connections", 1..=500).and_then(|f| u32::try_from(f.value).ok())
}

/// `per_hour = 1000` and `per_day = 10000`.
pub(crate) fn quotas(table: &TomlReader<'_, '_>) -> (Option<u64>, Option<u64>) {
    let read = |key| table.integer(key, 1..=10_000_000_000).and_then(|f: Found<i64>| u64::try_from(f.value).ok());
    (read("per_hour"), read("per_day"))
}

fn place_of(table: &TomlReader<'_, '_>, key: &str) -> super::Place {
    table.keys().into_iter().find(|k| k.value == key).map_or_else(|| table.place(), |k| k.place)
}

fn duration(table: &TomlReader<'_, '_>, found: Found<String>) -> Option<Duration> {
    let parsed = parse_duration(&found.value);
    if parsed.is_none() {
        let fault = format!("{} is no duration", quoted(&found.value));
        table.problem(found.place, fault, "write a number and a unit: 90s, 30min, 48h, 5d");
    }
    parsed
}

fn read_share(table: TomlReader<'_, '_>) -> Share {
    let share = Share { rate: rate(&table), connections: connections(&table) };
    table.finish();
    share
}

fn read_domains(limits: &TomlReader<'_, '_>) -> BTreeMap<String, Share> {
    let table = limits.table("domains");
    let mut domains = BTreeMap::new();
    for key in table.keys() {
        let share = read_share(table.table(&key.value));
        if let Some(domain) = domain(&table, &key) {
            domains.insert(domain, share);
        }
    }
    table.finish();
    domains
}

fn domain(table: &TomlReader<'_, '_>, found: &Found<String>) -> Option<String> {
    let parsed = crate::mail::AddrSpec::parse(&format!("x@{}", found.value)).ok();
    if parsed.is_none() {
        let fault = format!("{} is no domain", quoted(&found.value));
        table.problem(
            found.place.clone(),
            fault,
            "write a domain such as \"gmail.com\", in quotes because of its dots",
        );
    }
    parsed.map(|address| address.domain().to_ascii_lowercase())
}

fn read_providers(limits: &TomlReader<'_, '_>) -> BTreeMap<String, ProviderShare> {
    let table = limits.table("providers");
    let mut providers = BTreeMap::new();
    for key in table.keys() {
        let below = table.table(&key.value);
        let rate = rate(&below);
        let connections = connections(&below);
        let own = below.strings("domains").unwrap_or_default();
        let mut domains: Vec<String> = own.iter().filter_map(|found| domain(&below, found)).collect();
        below.finish();
        let known = Provider::named(&key.value);
        if known.is_none() && own.is_empty() {
            table.problem(
                key.place,
                format!("unknown provider {}", quoted(&key.value)),
                format!("known are {}; for another one list its domains = [\"…\"]", Provider::names().join(", ")),
            );
            continue;
        }
        domains.extend(known.into_iter().flat_map(|p| p.domains.iter().cloned()));
        domains.sort();
        domains.dedup();
        let share = Share {
            rate: rate.or_else(|| known.and_then(Provider::rate)),
            connections: connections.or_else(|| known.and_then(|p| p.connections)),
        };
        providers.insert(key.value, ProviderShare { share, domains });
    }
    table.finish();
    providers
}

fn read_window(table: TomlReader<'_, '_>, zone: Option<&Zone>) -> Option<Window> {
    let days = match table.string("days") {
        None => Some(ALL_DAYS),
        Some(found) => {
            let days = parse_days(&found.value);
            if days.is_none() {
                table.problem(found.place, format!("{} names no days", quoted(&found.value)), DAYS_CURE);
            }
            days
        }
    };
    let clock = |key: &str| {
        let found = table.required_string(key, CLOCK_CURE)?;
        let minutes = parse_clock(&found.value);
        if minutes.is_none() {
            table.problem(found.place, format!("{} is no time of day", quoted(&found.value)), CLOCK_CURE);
        }
        minutes
    };
    let (from, until) = (clock("from"), clock("until"));
    if from.is_some() && from == until {
        let cure = "leave the times apart; for a whole day write from = \"00:00\", until = \"24:00\"";
        table.problem(place_of(&table, "until"), "the window shuts when it opens", cure);
    }
    if from == Some(1440) {
        table.problem(place_of(&table, "from"), "the window opens at the end of the day", CLOCK_CURE);
    }
    let own = super::event_file::read_zone(&table, false).map(|found| found.value);
    table.finish();
    Some(Window { days: days?, from_min: from?, until_min: until?, zone: own.or_else(|| zone.cloned())? })
}

/// `mon-fri`, `sat`, `mon, wed, fri-sun`; a span may pass over Sunday.
fn parse_days(text: &str) -> Option<[bool; 7]> {
    let day = |word: &str| {
        let word = word.trim().to_ascii_lowercase();
        // `monday` is as good as `mon`.
        DAYS.iter().position(|d| {
            word.starts_with(d)
                && "monday tuesday wednesday thursday friday saturday sunday"
                    .split(' ')
                    .any(|full| full.starts_with(word.as_str()))
        })
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let mut at = first;
        days[at] = true;
        while at != last {
            at = (at + 1) % 7;
            days[at] = true;
        }
    }
    Some(days)
}

/// Minutes of the day, from `00:00` to `24:00`.
fn parse_clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<u16>().ok())?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= 1440).then_some(minutes)
}

fn read_until(table: &TomlReader<'_, '_>, zone: Option<&Zone>) -> Option<Timestamp> {
    const CURE: &str = "write the wall time of the event's zone, such as 2027-06-24T09:00:00, without an offset";
    let found = table.datetime("until")?;
    let is_whole = found.value.offset.is_none() && found.value.time.is_some() && found.value.date.is_some();
    let Some(local) = is_whole.then(|| found.value.to_string().parse::<DateTime>().ok()).flatten() else {
        table.problem(found.place, format!("`limits.until` is {}, not a local date and time", found.value), CURE);
        return None;
    };
    match zone?.local_to_instant(local) {
        Ok(at) => Some(at),
        Err(fault) => {
            table.problem(found.place, format!("`limits.until` is {local}: {fault}"), fault.cure());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, parse_clock, parse_days};
    use crate::calendar::Zone;
    use crate::input::toml_reader::TomlDocument;

    fn read(text: &str) -> (Limits, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let limits = super::read(&root, Zone::parse("America/New_York").as_ref());
        root.finish();
        (limits, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_key_is_read() {
        let (limits, problems) = read(
            "[limits]\nrate = '10/s'\nconnections = 4\nper_hour = 1_000\nper_day = 10000\nramp_up = '10min'\n\
             until = 2017-09-22T09:00:00\n[limits.domain]\nrate = '2/s'\nconnections = 2\n\
             [limits.domains.\"GMail.com\"]\nrate = '1/s'\n[limits.providers.google]\nrate = '3/s'\n\
             [limits.providers.city]\ndomains = ['a.example', 'b.example']\nconnections = 1\n\
             [[limits.window]]\ndays = 'mon-fri'\nfrom = '08:00'\nuntil = '18:00'\n\
             [[limits.window]]\nfrom = '22:00'\nuntil = '02:00'\nzone = 'Europe/Zurich'\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((limits.per_hour, limits.per_day, limits.connections), (Some(1000), Some(10_000), 4));
        assert_eq!(limits.until.map(|t| t.to_string()).as_deref(), Some("2017-09-22T13:00:00Z"));
        assert_eq!(limits.each_domain.connections, Some(2));
        assert!(limits.domains["gmail.com"].rate.is_some());
        let google = &limits.providers["google"];
        assert_eq!(
            (google.share.rate.map(|r| r.to_string()).as_deref(), google.share.connections),
            (Some("3/s"), Some(5))
        );
        assert!(google.domains.iter().any(|d| d == "googlemail.com"));
        assert_eq!(limits.providers["city"].domains, ["a.example", "b.example"]);
        assert_eq!(limits.windows[0].days, [true, true, true, true, true, false, false]);
        assert_eq!((limits.windows[0].from_min, limits.windows[0].until_min), (480, 1080));
        assert_eq!(limits.windows[1].zone.name(), "Europe/Zurich");
        assert_eq!(limits.ramp_up.map(|d| d.as_secs()), Some(600));
    }

    #[test]
    fn faults_have_place_and_cure() {
        let (_, problems) = read(
            "[limits]\nramp_up = '10min'\nper_hour = 0\nuntil = 2017-03-12T02:30:00\n\
             [limits.domains.\"no domain\"]\nrate = '1/s'\n[limits.providers.gogle]\nrate = '1/s'\n\
             [limits.providers.google]\nrates = '1/s'\n\
             [[limits.window]]\ndays = 'workdays'\nfrom = '8'\nuntil = '18:60'\nzone = 'New York'\n\
             [[limits.window]]\nfrom = '08:00'\nuntil = '08:00'\n",
        );
        let expected = [
            "convoke.toml:2:1: `limits.ramp_up` has no rate to climb to; set `limits.rate`, such as \"10/s\", or leave ramp_up out",
            "convoke.toml:3:12: `limits.per_hour` is 0, which is out of range; write a number from 1 to 10000000000",
            "convoke.toml:4:9: `limits.until` is 2017-03-12T02:30:00: the time does not exist: clocks go from 2017-03-12 02:00 straight to 2017-03-12 03:00; name a time after the gap",
            "convoke.toml:5:17: `no domain` is no domain; write a domain such as \"gmail.com\", in quotes because of its dots",
            "convoke.toml:7:19: unknown provider `gogle`; known are apple, gmx, google, microsoft, orange, yahoo; for another one list its domains = [\"…\"]",
            "convoke.toml:10:1: unknown key `limits.providers.google.rates`; did you mean `rate`?",
            "convoke.toml:12:8: `workdays` names no days; write days as \"mon-fri\", \"tue\" or \"mon, wed, fri\"",
            "convoke.toml:13:8: `8` is no time of day; write a time of day such as \"08:00\", at most \"24:00\"",
            "convoke.toml:14:9: `18:60` is no time of day; write a time of day such as \"08:00\", at most \"24:00\"",
            "convoke.toml:15:8: unknown time zone `New York`; did you mean `America/New_York`?",
            "convoke.toml:18:1: the window shuts when it opens; leave the times apart; for a whole day write from = \"00:00\", until = \"24:00\"",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn days_and_clocks_are_read_as_people_write_them() {
        assert_eq!(parse_days("sat - mon"), Some([true, false, false, false, false, true, true]));
        assert_eq!(parse_days("Monday, wed"), Some([true, false, true, false, false, false, false]));
        for text in ["", "mon-", "moonday", "every day"] {
            assert_eq!(parse_days(text), None, "{text}");
        }
        assert_eq!(
            [parse_clock("00:00"), parse_clock("24:00"), parse_clock("09:30")],
            [Some(0), Some(1440), Some(570)]
        );
        for text in ["24:01", "9:30", "0930", "-1:00", "08:60"] {
            assert_eq!(parse_clock(text), None, "{text}");
        }
    }
}
