//! Rates and durations as people write them.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// So many messages in a period: `10/s`, `30/min`, `1000/h`, `10000/day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub messages: NonZeroU32,
    /// In which time.
    pub period: Duration,
}

impl Rate {
    /// What to write where a text is none.
    pub const CURE: &'static str = "write a number and a period: 10/s, 30/min, 1000/h or 10000/day";

    /// Reads a text.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.trim().split_once('/')?;
        let period = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3600,
            "d" | "day" => 86_400,
            _ => return None,
        };
        let messages = number.trim().replace(['_', ' '], "").parse().ok()?;
        Some(Self { messages, period: Duration::from_secs(period) })
    }

    /// The time between two messages.
    pub fn interval(self) -> Duration {
        self.period / self.messages.get()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period.as_secs() {
            1 => "s",
            60 => "min",
            3600 => "h",
            _ => "day",
        };
        write!(f, "{}/{unit}", self.messages)
    }
}

/// Reads `90s`, `30min`, `48h`, `5d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    number.checked_mul(unit).filter(|s| *s > 0).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Rate, parse_duration};

    #[test]
    fn reads_rates_and_durations() {
        assert_eq!(Rate::parse("30/min").map(Rate::interval), Some(Duration::from_secs(2)));
        assert_eq!(Rate::parse("1_000 / h").map(|r| r.to_string()).as_deref(), Some("1000/h"));
        for text in ["", "0/s", "10", "10/week", "-1/s", "x/s"] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
        assert_eq!(parse_duration("48h"), Some(Duration::from_secs(172_800)));
        assert_eq!(parse_duration("2 fortnights"), None);
    }
}
