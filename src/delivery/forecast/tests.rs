//! Forecasts in their exact words.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Demand, Forecast};
use crate::calendar::Zone;
use crate::delivery::{ProviderTerms, Quota, Ramp, RelayTerms, Schedule, Terms};
use crate::input::limits::{Share, Window};
use crate::input::units::Rate;

/// Friday, 22 September 2017, 15:03 UTC.
fn now() -> Timestamp {
    "2017-09-22T15:03:00Z".parse().expect("an instant")
}

fn rate(text: &str) -> Option<Rate> {
    Some(Rate::parse(text).expect("a rate"))
}

fn main_relay() -> RelayTerms {
    RelayTerms { name: "main".to_owned(), rate: rate("30/min"), ..RelayTerms::default() }
}

fn say(terms: &Terms, messages: u64) -> String {
    Forecast::new(terms, &Demand { messages, by_domain: Vec::new() }, &[], now()).sentence(&TimeZone::UTC)
}

fn hours(from_min: u16, until_min: u16) -> Window {
    let days = [true, true, true, true, true, false, false];
    Window { days, from_min, until_min, zone: Zone::parse("UTC").expect("known") }
}

fn schedule(windows: Vec<Window>, until: Option<&str>) -> Schedule {
    Schedule::new(windows, until.map(|t| t.parse().expect("an instant")), now(), now())
}

#[test]
fn a_rate_of_a_relay_bounds_the_run() {
    let terms = Terms { relays: vec![main_relay()], rate: rate("200/s"), ..Terms::default() };
    assert_eq!(say(&terms, 6494), "6,494 messages, 3 h 37 min, ends 18:40 (bound by 30/min of relay main)");
    assert_eq!(say(&terms, 1), "1 message, 2 s (bound by 30/min of relay main)");
}

#[test]
fn without_limits_the_relay_decides() {
    assert_eq!(say(&Terms::default(), 195), "195 messages, as fast as the relay takes them");
}

#[test]
fn the_general_rate_is_named_without_a_relay() {
    let terms = Terms { rate: rate("10/s"), ..Terms::default() };
    assert_eq!(say(&terms, 195), "195 messages, 20 s (bound by 10/s)");
    assert_eq!(say(&terms, 10_000_000), "10,000,000 messages, 11 days 14 h, ends Wed 4 Oct 04:50 (bound by 10/s)");
}

#[test]
fn quotas_of_a_day_go_on_over_days_and_count_what_was_sent_before() {
    let relay = RelayTerms { per_day: Some(10_000), ..main_relay() };
    let terms = Terms { relays: vec![relay], ..Terms::default() };
    // 10,000 at 30 a minute take 5 h 34 min; the next day goes on a minute after the first one's minutes are out.
    assert_eq!(
        say(&terms, 25_000),
        "25,000 messages, 50 h 49 min, ends Sun 24 Sep 17:52 (bound by 10,000 a day of relay main)"
            .replace("50 h 49 min", "2 days 3 h")
    );
    let used = [("main".to_owned(), Quota::minute(now()) - 600, 9_000), ("other".to_owned(), 0, 9)];
    let demand = Demand { messages: 2_000, by_domain: Vec::new() };
    let forecast = Forecast::new(&terms, &demand, &used, now());
    assert_eq!(
        forecast.sentence(&TimeZone::UTC),
        "2,000 messages, 14 h 35 min, ends Sat 23 Sep 05:38 (bound by 10,000 a day of relay main)"
    );
    assert_eq!((forecast.in_time, forecast.messages), (2_000, 2_000));
}

#[test]
fn windows_stretch_the_run() {
    let terms =
        Terms { relays: vec![main_relay()], schedule: schedule(vec![hours(480, 1080)], None), ..Terms::default() };
    // 177 minutes until 18:00 on Friday, and the rest from 08:00 on Monday.
    assert_eq!(
        say(&terms, 6494),
        "6,494 messages, 2 days 18 h, ends Mon 25 Sep 08:40 (bound by 30/min of relay main and the send windows)"
    );
    let later = Terms { schedule: schedule(vec![hours(960, 1080)], None), ..terms };
    assert_eq!(say(&later, 60), "60 messages from 16:00, 2 min, ends 16:02 (bound by 30/min of relay main)");
}

#[test]
fn what_the_end_leaves_is_named() {
    let until = Some("2017-09-22T16:03:00Z");
    let terms = Terms { relays: vec![main_relay()], schedule: schedule(Vec::new(), until), ..Terms::default() };
    assert_eq!(
        say(&terms, 6494),
        "6,494 messages, of which 4,694 would be left at the end, 16:03 (bound by 30/min of relay main)"
    );
    let past = Terms { schedule: schedule(Vec::new(), Some("2017-09-22T09:00:00Z")), ..terms };
    assert_eq!(say(&past, 6494), "6,494 messages, but none may leave: the end was 09:00");
}

#[test]
fn a_ramp_costs_time_at_the_start() {
    let ramp = Some(Ramp::new(now(), Duration::from_secs(600)));
    let terms = Terms { rate: rate("10/s"), ramp, ..Terms::default() };
    assert_eq!(say(&terms, 6_000), "6,000 messages, 15 min, ends 15:18 (bound by 10/s)");
}

#[test]
fn domains_and_providers_bound_what_goes_to_them() {
    let google = ProviderTerms {
        name: "google".to_owned(),
        domains: vec!["gmail.com".to_owned(), "googlemail.com".to_owned()],
        share: Share { rate: rate("1/s"), connections: None },
    };
    let each_domain = Share { rate: rate("2/s"), connections: None };
    let terms = Terms { rate: rate("10/s"), providers: vec![google], each_domain, ..Terms::default() };
    let by = |name: &str, n| (name.to_owned(), n);
    let by_domain = vec![by("gmail.com", 500), by("googlemail.com", 100), by("a.example", 300), by("b.example", 20)];
    let forecast = Forecast::new(&terms, &Demand { messages: 920, by_domain }, &[], now());
    assert_eq!(forecast.sentence(&TimeZone::UTC), "920 messages, 10 min, ends 15:13 (bound by 1/s to google)");
}

#[test]
fn a_quota_of_an_hour_alone_sends_in_steps() {
    let terms = Terms { per_hour: Some(100), ..Terms::default() };
    assert_eq!(say(&terms, 250), "250 messages, 2 h 2 min, ends 17:05 (bound by 100 an hour)");
}

#[test]
fn years_are_no_forecast() {
    let terms = Terms { per_day: Some(10), ..Terms::default() };
    assert_eq!(say(&terms, 100_000), "100,000 messages, more than a year (bound by 10 a day)");
}
