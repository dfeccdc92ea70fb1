//! What the organiser reads out of the journal.
//!
//! What: words for counts and durations, [`states_json`], [`answers`], the [`export`] of deliveries, [`pages`] to look at messages
//! and the [`difference`] between two versions of one, the report of a run ([`run_report`], its [`run_page`] with a [`chart`]),
//! the lines of the log ([`log_line`]), whom the lists leave out ([`coverage`]), the [`speaking_page`],
//! a sealed plan ([`plan_summary`]).
//! Not here: reading the journal (`io::store`), printing (`command`). Called by: `io::sandbox`, `command`.
//! Can fail: nothing.

pub mod answers;
pub mod answers_page;
pub mod chart;
pub mod coverage;
pub mod difference;
pub mod export;
pub mod log_line;
pub mod pages;
pub mod plan_standing;
pub mod plan_summary;
pub mod run_page;
pub mod run_report;
mod sheet;
pub mod speaking_page;

use std::time::Duration;

use serde_json::{Map, Value};

use crate::journal::{Standing, Tally};

/// `1 message`, `2 messages`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `0.4 s`, `42 s`, `7 min`, `3 h 37 min`.
pub fn duration(d: Duration) -> String {
    match d.as_secs() {
        0..=9 => format!("{:.1} s", d.as_secs_f64()),
        s @ 10..=99 => format!("{s} s"),
        s @ 100..=5999 => format!("{} min", (s + 30) / 60),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// How many stand where, by the journal's words; states without anybody are left out.
pub fn states_json(tally: &Tally) -> Value {
    let states = Standing::ALL.into_iter().filter(|s| tally.of(*s) > 0);
    Value::Object(states.map(|s| (s.as_str().to_owned(), Value::from(tally.of(s)))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn durations_read_as_people_say_them() {
        let say = |s: f64| duration(Duration::from_secs_f64(s));
        assert_eq!([say(0.42), say(42.0), say(420.0), say(13_020.0)], ["0.4 s", "42 s", "7 min", "3 h 37 min"]);
    }
}
