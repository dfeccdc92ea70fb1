//! Date-times of other programs' calendars as instants.
//!
//! What: [`instant`], from a DATE-TIME or DATE with or without TZID; [`duration_s`]. Standards: RFC 5545 sections 3.3.4 to
//! 3.3.6 and 3.6.5 (a VTIMEZONE is reckoned with where its name is none of IANA's, as Outlook's are).
//! Not here: our own times (`calendar::Zone`). Called by: `object`. Can fail: what is no time is nothing.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use super::lines::{Property, ZoneRules};
use crate::calendar::Zone;

/// The instant of a property's value. Without a zone a time is taken for UTC; a date is its midnight.
pub(super) fn instant(property: &Property, zones: &[ZoneRules]) -> Option<Timestamp> {
    let value = property.value.trim();
    let (local, is_utc) = date_time(value)?;
    let name = property.parameter("TZID").unwrap_or("").trim();
    if is_utc || name.is_empty() {
        return Offset::UTC.to_timestamp(local).ok();
    }
    let own = zones.iter().find(|zone| zone.name == name).and_then(|zone| offset_of(zone, local));
    // A name of IANA's says more than the copy of its rules that the object carries.
    if let Some(zone) = iana(name) {
        return zone.to_timestamp(local).ok();
    }
    own.unwrap_or(Offset::UTC).to_timestamp(local).ok()
}

/// `/mozilla.org/20050126_1/Europe/Zurich` and the like end in a name of IANA's.
fn iana(name: &str) -> Option<TimeZone> {
    let mut name = name.trim_start_matches('/');
    loop {
        if Zone::parse(name).is_some() {
            return jiff::tz::TimeZoneDatabase::bundled().get(name).ok();
        }
        name = name.split_once('/')?.1;
    }
}

/// `20260312T100000Z`, with the dashes and colons that some programs write; true: UTC.
fn date_time(value: &str) -> Option<(DateTime, bool)> {
    if value.len() > 40 || !value.is_ascii() {
        return None;
    }
    let is_utc = value.ends_with(['Z', 'z']);
    let digits: Vec<i16> =
        value.bytes().filter(u8::is_ascii_digit).take(14).map(|digit| i16::from(digit - b'0')).collect();
    let number = |range: std::ops::Range<usize>| -> Option<i16> {
        digits.get(range).map(|part| part.iter().fold(0, |all, digit| all * 10 + digit))
    };
    let narrow = |n: i16| i8::try_from(n).ok();
    let date = Date::new(number(0..4)?, narrow(number(4..6)?)?, narrow(number(6..8)?)?).ok()?;
    let part = |range| number(range).and_then(narrow).unwrap_or(0);
    // A leap second is the second before it.
    let time = jiff::civil::Time::new(part(8..10), part(10..12), part(12..14).min(59), 0).ok()?;
    Some((date.to_datetime(time), is_utc))
}

/// Seconds of a DURATION (`PT1H30M`, `P1D`).
pub(super) fn duration_s(value: &str) -> Option<i64> {
    let value = value.trim().trim_start_matches('+');
    let body = value.strip_prefix(['P', 'p'])?;
    let (mut total, mut number) = (0_i64, 0_i64);
    for c in body.chars().take(30) {
        let unit = match c.to_ascii_uppercase() {
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3600,
            'M' => 60,
            'S' => 1,
            'T' => continue,
            digit => {
                number = number.checked_mul(10)?.checked_add(i64::from(digit.to_digit(10)?))?;
                continue;
            }
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        number = 0;
    }
    Some(total)
}

/// The offset that a VTIMEZONE gives a local time: that of the observance which began last.
fn offset_of(zone: &ZoneRules, local: DateTime) -> Option<Offset> {
    let mut latest: Option<(DateTime, Offset)> = None;
    let mut first: Option<(DateTime, Offset)> = None;
    for observance in &zone.observances {
        let value = |name: &str| observance.iter().find(|p| p.name == name).map(|p| p.value.as_str());
        let Some(offset) = value("TZOFFSETTO").and_then(offset) else { continue };
        let Some((start, _)) = value("DTSTART").and_then(date_time) else { continue };
        let rule = value("RRULE").and_then(Yearly::parse);
        let onset = match rule {
            Some(rule) => [local.year(), local.year() - 1]
                .into_iter()
                .filter_map(|year| rule.onset(year, start))
                .find(|onset| *onset <= local && *onset >= start),
            None => (start <= local).then_some(start),
        };
        if let Some(onset) = onset
            && latest.is_none_or(|(at, _)| at < onset)
        {
            latest = Some((onset, offset));
        }
        if first.is_none_or(|(at, _)| start < at) {
            first = Some((start, offset));
        }
    }
    latest.or(first).map(|(_, offset)| offset)
}

/// `+0530`, `-040000`.
fn offset(text: &str) -> Option<Offset> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.len() < 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| digits.get(at..at + 2).and_then(|part| part.parse::<i32>().ok()).unwrap_or(0);
    Offset::from_seconds(sign * (two(0) * 3600 + two(2) * 60 + two(4))).ok()
}

/// The one kind of rule that time zones use: once a year, on the n-th weekday of a month.
#[derive(Clone, Copy, Debug)]
struct Yearly {
    month: i8,
    /// 1 is the first, -1 the last; with its weekday.
    day: Option<(i8, Weekday)>,
    until_year: Option<i16>,
}

impl Yearly {
    fn parse(rule: &str) -> Option<Self> {
        let rule = rule.to_ascii_uppercase();
        let value = |name: &str| {
            rule.split(';')
                .find_map(|piece| piece.split_once('=').filter(|(own, _)| own.trim() == name))
                .map(|(_, v)| v)
        };
        let month = value("BYMONTH")?.trim().parse().ok()?;
        let day = value("BYDAY").and_then(|day| {
            let day = day.trim();
            let at = day.find(|c: char| c.is_ascii_alphabetic())?;
            let weekday = match &day[at..] {
                "SU" => Weekday::Sunday,
                "MO" => Weekday::Monday,
                "TU" => Weekday::Tuesday,
                "WE" => Weekday::Wednesday,
                "TH" => Weekday::Thursday,
                "FR" => Weekday::Friday,
                "SA" => Weekday::Saturday,
                _ => return None,
            };
            Some((day[..at].parse().ok()?, weekday))
        });
        let until_year = value("UNTIL").and_then(|until| until.get(..4)).and_then(|year| year.parse().ok());
        Some(Self { month, day, until_year })
    }

    fn onset(self, year: i16, start: DateTime) -> Option<DateTime> {
        let year = self.until_year.map_or(year, |until| year.min(until));
        let first = Date::new(year, self.month, 1).ok()?;
        let date = match self.day {
            Some((nth, weekday)) => first.nth_weekday_of_month(nth, weekday).ok()?,
            None => first.checked_add(i32::from(start.day() - 1).days()).ok()?,
        };
        Some(date.to_datetime(start.time()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::calendars;
    use super::{duration_s, instant};

    fn at(line: &str, zone: &str) -> Option<String> {
        let text = format!("BEGIN:VCALENDAR\n{zone}BEGIN:VEVENT\n{line}\nEND:VEVENT\nEND:VCALENDAR");
        let found = calendars(&text);
        instant(found[0].items[0].first("DTSTART")?, &found[0].zones).map(|t| t.to_string())
    }

    #[test]
    fn times_are_read_in_their_zone() {
        assert_eq!(at("DTSTART:20260312T100000Z", "").as_deref(), Some("2026-03-12T10:00:00Z"));
        assert_eq!(at("DTSTART;TZID=Europe/Paris:20260712T100000", "").as_deref(), Some("2026-07-12T08:00:00Z"));
        let mozilla = "DTSTART;TZID=/mozilla.org/20050126_1/Europe/Paris:20260112T100000";
        assert_eq!(at(mozilla, "").as_deref(), Some("2026-01-12T09:00:00Z"));
        assert_eq!(at("DTSTART;VALUE=DATE:20260712", "").as_deref(), Some("2026-07-12T00:00:00Z"));
        assert_eq!(at("DTSTART:2026", ""), None);
        assert_eq!(at("DTSTART:20261341T990000Z", ""), None);
    }

    #[test]
    fn outlooks_zones_are_reckoned_by_their_rules() {
        let zone = "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T030000\n\
                    TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n\
                    BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
                    RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
        let in_zone = |time: &str| at(&format!("DTSTART;TZID=\"W. Europe Standard Time\":{time}"), zone);
        assert_eq!(in_zone("20260712T100000").as_deref(), Some("2026-07-12T08:00:00Z"));
        assert_eq!(in_zone("20260112T100000").as_deref(), Some("2026-01-12T09:00:00Z"));
        assert_eq!(in_zone("20261112T100000").as_deref(), Some("2026-11-12T09:00:00Z"));
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(duration_s("PT1H30M"), Some(5400));
        assert_eq!(duration_s("P1DT1S"), Some(86_401));
        assert_eq!(duration_s("P99999999999999999999D"), None);
    }
}
