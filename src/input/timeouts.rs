//! How long a relay may take: `[limits] timeouts`.
//!
//! What: [`Timeouts`], one duration for each kind of wait, and the ones that are shorter than RFC 5321 section 4.5.3.2
//! demands. Not here: the deadlines of a connection (`io::smtp`), which are made of them.
//! Called by: `event_file`. Can fail: with a [`Problem`] for each duration that cannot be read.

use std::time::Duration;

use super::problem::{Problem, quoted};
use super::toml_reader::TomlReader;
use super::units::parse_duration;

/// The time that a relay has for each step of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connect, and the TLS handshake.
    pub connect: Duration,
    /// Greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT: each.
    pub command: Duration,
    /// The answer to DATA.
    pub data: Duration,
    /// One write of the message.
    pub body: Duration,
    /// From the final dot to its answer.
    pub dot: Duration,
    /// Those of the file that are shorter than the standard allows: nothing is wrong with them, but `check` warns.
    pub short: Vec<Problem>,
}

impl Default for Timeouts {
    /// RFC 5321 section 4.5.3.2. It says nothing of the connect; 30 s is what mail servers use.
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            connect: Duration::from_secs(30),
            command: minutes(5),
            data: minutes(2),
            body: minutes(3),
            dot: minutes(10),
            short: Vec::new(),
        }
    }
}

/// Reads `timeouts` of `[limits]`; what is not named keeps the standard's time.
pub(super) fn read(limits: &TomlReader<'_, '_>) -> Timeouts {
    let table = limits.table("timeouts");
    let least = Timeouts::default();
    let mut short = Vec::new();
    let mut one = |key: &str, default: Duration, minimum: Option<&str>| {
        let Some(found) = table.string(key) else { return default };
        let Some(read) = parse(&found.value) else {
            let fault = format!("`limits.timeouts.{key}` is {}, no duration", quoted(&found.value));
            table.problem(found.place, fault, "write a number and a unit: 500ms, 30s, 5min");
            return default;
        };
        if let Some(minimum) = minimum.filter(|_| read < default) {
            let fault = format!("`limits.timeouts.{key}` is {}, the standard asks for {minimum}", quoted(&found.value));
            let cure = "whoever gives up earlier makes doubles; leave it out unless this is a trial";
            short.push(Problem::new(found.place, fault, cure));
        }
        read
    };
    let connect = one("connect", least.connect, None);
    let command = one("command", least.command, Some("5min"));
    let data = one("data", least.data, Some("2min"));
    let body = one("body", least.body, Some("3min"));
    let dot = one("dot", least.dot, Some("10min"));
    table.finish();
    Timeouts { connect, command, data, body, dot, short }
}

/// As everywhere, and `500ms`: nothing else in the file is that short.
fn parse(text: &str) -> Option<Duration> {
    match text.trim().strip_suffix("ms") {
        Some(number) => number.trim_end().parse().ok().filter(|n| *n > 0).map(Duration::from_millis),
        None => parse_duration(text),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Timeouts, read};
    use crate::input::toml_reader::TomlDocument;

    fn timeouts(text: &str) -> (Timeouts, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let limits = root.table("limits");
        let read = read(&limits);
        (read, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_not_named_keeps_the_time_of_the_standard() {
        assert_eq!(timeouts(""), (Timeouts::default(), Vec::new()));
        let (read, problems) = timeouts("[limits]\ntimeouts = { dot = \"15min\", connect = \"500ms\" }");
        assert_eq!((read.dot, read.connect), (Duration::from_secs(900), Duration::from_millis(500)));
        assert_eq!(read.command, Duration::from_secs(300));
        assert!(read.short.is_empty() && problems.is_empty(), "{read:?} {problems:?}");
    }

    #[test]
    fn short_ones_are_taken_and_named() {
        let (read, problems) = timeouts("[limits]\ntimeouts = { dot = \"9min\" }");
        assert_eq!((read.dot, problems.len()), (Duration::from_secs(540), 0));
        assert_eq!(
            read.short.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "convoke.toml:2:20: `limits.timeouts.dot` is `9min`, the standard asks for 10min; whoever gives up earlier \
              makes doubles; leave it out unless this is a trial"
            ]
        );
    }

    #[test]
    fn others_are_refused_at_their_place() {
        let (_, problems) = timeouts("[limits]\ntimeouts = { dot = \"soon\", body = \"0ms\", quit = \"5s\" }");
        assert_eq!(
            problems,
            [
                "convoke.toml:2:20: `limits.timeouts.dot` is `soon`, no duration; write a number and a unit: 500ms, 30s, 5min",
                "convoke.toml:2:35: `limits.timeouts.body` is `0ms`, no duration; write a number and a unit: 500ms, 30s, 5min",
                "convoke.toml:2:42: unknown key `limits.timeouts.quit`; known here: body, command, connect, data, dot",
            ]
        );
    }
}
