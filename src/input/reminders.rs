//! `[reminders]` of `convoke.toml`, and `answers` under `[event]`: what is asked of whom, and how often.

use std::time::Duration;

use super::problem::quoted;
use super::toml_reader::TomlReader;
use super::units::parse_duration;

/// What silence means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerMode {
    /// Nothing: everybody is asked to answer.
    #[default]
    Requested,
    /// Presence: only those who do not come are asked to say so.
    RegretsOnly,
}

/// When reminders may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminders {
    /// No entity is reminded so soon after the last message that reached it.
    pub not_within: Duration,
}

/// Three days: whoever answers within the week is not pressed twice.
const NOT_WITHIN: Duration = Duration::from_secs(3 * 86_400);

/// Reads a time in which nobody is reminded: as other durations, but `0s`, which is no time at all, is one.
pub fn parse_within(text: &str) -> Option<Duration> {
    let unit = text.trim().trim_start_matches('0');
    if unit.len() < text.trim().len() && !unit.starts_with(|c: char| c.is_ascii_digit()) {
        return parse_duration(&format!("1{unit}")).map(|_| Duration::ZERO);
    }
    parse_duration(text)
}

/// Reads `answers` of the table `event`.
pub(crate) fn read_mode(event: &TomlReader<'_, '_>) -> AnswerMode {
    let Some(found) = event.string("answers") else { return AnswerMode::default() };
    match found.value.as_str() {
        "requested" => AnswerMode::Requested,
        "regrets-only" => AnswerMode::RegretsOnly,
        other => {
            let fault = format!("`event.answers` is {}", quoted(other));
            event.problem(found.place, fault, "write `requested`, or `regrets-only` where silence means presence");
            AnswerMode::default()
        }
    }
}

/// Reads the table.
pub(crate) fn read(root: &TomlReader<'_, '_>) -> Reminders {
    let table = root.table("reminders");
    let mut reminders = Reminders { not_within: NOT_WITHIN };
    if let Some(found) = table.string("not_within") {
        match parse_within(&found.value) {
            Some(duration) => reminders.not_within = duration,
            None => table.problem(
                found.place,
                format!("{} is no duration", quoted(&found.value)),
                "write a number and a unit: 12h, 3d",
            ),
        }
    }
    table.finish();
    reminders
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{AnswerMode, parse_within, read, read_mode};
    use crate::input::toml_reader::TomlDocument;

    #[test]
    fn no_time_at_all_is_one_too() {
        assert_eq!(parse_within("0s"), Some(Duration::ZERO));
        assert_eq!(parse_within(" 00 d"), Some(Duration::ZERO));
        assert_eq!(parse_within("02h"), Some(Duration::from_secs(7200)));
        assert_eq!((parse_within("0"), parse_within("0 weeks"), parse_within("")), (None, None, None));
    }

    #[test]
    fn three_days_unless_said_otherwise() {
        let read = |text: &str| {
            let document = TomlDocument::parse("convoke.toml", text, 1);
            let root = document.root();
            let event = root.table("event");
            let found = (read(&root), read_mode(&event));
            event.finish();
            root.finish();
            (found, document.problems().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let ((reminders, mode), problems) = read("");
        assert_eq!((reminders.not_within.as_secs(), mode, problems.len()), (259_200, AnswerMode::Requested, 0));
        let ((reminders, mode), problems) =
            read("[event]\nanswers = \"regrets-only\"\n[reminders]\nnot_within = \"12h\"\n");
        assert_eq!((reminders.not_within, mode), (Duration::from_secs(43_200), AnswerMode::RegretsOnly));
        assert!(problems.is_empty(), "{problems:?}");
        let (_, problems) = read("[event]\nanswers = \"none\"\n[reminders]\nnot_within = \"soon\"\nwithin = 1\n");
        for (problem, begin) in
            problems.iter().zip(["convoke.toml:2:11: ", "convoke.toml:4:14: `soon`", "convoke.toml:5:1: "])
        {
            assert!(problem.starts_with(begin), "{problem}");
        }
        assert_eq!(problems.len(), 3, "{problems:?}");
    }
}
