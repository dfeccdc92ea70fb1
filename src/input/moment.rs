//! A moment as people write it: `2027-06-01`, `2027-06-01 14:30`, `14:30`, `2027-06-01T14:30:00Z`.
//!
//! What: [`parse_moment`]. A date alone is its noon, a time alone is today's; both are read in the zone that is handed in.
//! Not here: which zone (`command`), the event's own times (`event_file`). Called by: `answer_list`, `command::note`.
//! Can fail: gives nothing for a text that is no moment; [`MOMENT_CURE`] says what to write.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// What to write where a text is no moment.
pub const MOMENT_CURE: &str = "write a date and time such as 2027-06-01 14:30, a date, or a time of today";

/// Reads a text; `now` and `zone` say what today is. A time that the clocks skip is taken as the one after it.
pub fn parse_moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let noon = Time::constant(12, 0, 0, 0);
    let local = if text.contains(['T', 't', ' ']) {
        text.parse::<DateTime>().ok()?
    } else if let Ok(date) = text.parse::<Date>() {
        date.to_datetime(noon)
    } else if text.contains(':') {
        let time = text.parse::<Time>().ok()?;
        now.to_zoned_datetime(zone.clone()).date().to_datetime(time)
    } else {
        return None;
    };
    local.to_zoned_datetime(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::parse_moment;

    #[test]
    fn dates_times_and_instants_are_read() {
        let now: Timestamp = "2027-06-10T22:30:00Z".parse().expect("valid");
        let zurich = TimeZone::get("Europe/Zurich").expect("in the database");
        let read = |text: &str| parse_moment(text, now, &zurich).map(|at| at.to_string());
        for (text, instant) in [
            ("2027-06-01", "2027-06-01T10:00:00Z"),
            ("2027-06-01 14:30", "2027-06-01T12:30:00Z"),
            ("2027-06-01T14:30:05", "2027-06-01T12:30:05Z"),
            ("2027-06-01T14:30:00Z", "2027-06-01T14:30:00Z"),
            // It is past midnight in Zurich.
            (" 00:10 ", "2027-06-10T22:10:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(instant), "{text}");
        }
        for text in ["", "yesterday", "14", "2027-13-01", "25:00", "2027-06-01 25:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
