//! When messages may leave at all: windows of the week, and an end.

use jiff::{Span, Timestamp};

use crate::input::limits::Window;

/// The windows and the end of a run.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    windows: Vec<Window>,
    end: Option<Timestamp>,
}

/// What a moment allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Messages may leave; until this instant at least, `Timestamp::MAX` where nothing shuts.
    Open {
        /// When it has to be asked again.
        until: Timestamp,
    },
    /// Nothing may leave before.
    At(Timestamp),
    /// Nothing may leave any more.
    Over,
}

/// Windows that follow one another without a gap are one; beyond so many joined ones the answer is good for now.
const JOINED: usize = 16;
/// From yesterday, whose window may pass over midnight, to the same day of next week.
const DAYS: std::ops::RangeInclusive<i64> = -1..=8;

impl Schedule {
    /// Windows, and the end: `until`, or else the start of the event where that is still to come.
    ///
    /// An event that has begun is no end: somebody who sends then (the sample, a rehearsal) means it.
    pub fn new(windows: Vec<Window>, until: Option<Timestamp>, event_start: Timestamp, now: Timestamp) -> Self {
        Self { windows, end: until.or_else(|| (event_start > now).then_some(event_start)) }
    }

    /// No message leaves from this instant on.
    pub fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// Whether there are windows.
    pub fn has_windows(&self) -> bool {
        !self.windows.is_empty()
    }

    /// What a moment allows.
    pub fn opening(&self, now: Timestamp) -> Opening {
        let end = self.end.unwrap_or(Timestamp::MAX);
        if now >= end {
            return Opening::Over;
        }
        if self.windows.is_empty() {
            return Opening::Open { until: end };
        }
        if let Some(mut until) = self.shuts(now) {
            for _ in 0..JOINED {
                match self.shuts(until) {
                    Some(later) if until < end => until = later,
                    _ => break,
                }
            }
            return Opening::Open { until: until.min(end) };
        }
        match self.spans(now).map(|(from, _)| from).filter(|from| *from > now).min() {
            Some(at) if at < end => Opening::At(at),
            _ => Opening::Over,
        }
    }

    /// The latest end of the windows that hold an instant.
    fn shuts(&self, at: Timestamp) -> Option<Timestamp> {
        self.spans(at).filter(|(from, until)| *from <= at && at < *until).map(|(_, until)| until).max()
    }

    /// Every window around an instant: first instant, and the first after it.
    fn spans(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.windows.iter().flat_map(move |window| {
            let today = window.zone.instant_to_local(at).date();
            DAYS.filter_map(move |offset| {
                let day = today.checked_add(Span::new().days(offset)).ok()?;
                let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).ok()?;
                if !window.days[weekday] {
                    return None;
                }
                let instant = |minutes: i64| {
                    let local = day.to_datetime(jiff::civil::Time::midnight());
                    window.zone.local_to_instant_by_rule(local.checked_add(Span::new().minutes(minutes)).ok()?)
                };
                let over_midnight = if window.until_min <= window.from_min { 1440 } else { 0 };
                let from = instant(i64::from(window.from_min))?;
                let until = instant(i64::from(window.until_min) + over_midnight)?;
                (from < until).then_some((from, until))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Opening, Schedule};
    use crate::calendar::Zone;
    use crate::input::limits::Window;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn window(days: [bool; 7], from_min: u16, until_min: u16) -> Window {
        Window { days, from_min, until_min, zone: Zone::parse("America/New_York").expect("known") }
    }

    const ALL: [bool; 7] = [true; 7];
    const WORKDAYS: [bool; 7] = [true, true, true, true, true, false, false];

    fn schedule(windows: Vec<Window>) -> Schedule {
        Schedule::new(windows, None, at("2017-01-01T00:00:00Z"), at("2017-09-22T00:00:00Z"))
    }

    fn open(until: &str) -> Opening {
        Opening::Open { until: at(until) }
    }

    #[test]
    fn working_hours_end_on_friday_and_begin_on_monday() {
        let hours = schedule(vec![window(WORKDAYS, 480, 1080)]);
        // 22 September 2017 was a Friday; New York is four hours behind.
        assert_eq!(hours.opening(at("2017-09-22T11:59:59Z")), Opening::At(at("2017-09-22T12:00:00Z")));
        assert_eq!(hours.opening(at("2017-09-22T12:00:00Z")), open("2017-09-22T22:00:00Z"));
        assert_eq!(hours.opening(at("2017-09-22T22:00:00Z")), Opening::At(at("2017-09-25T12:00:00Z")));
    }

    #[test]
    fn windows_over_midnight_belong_to_the_day_on_which_they_open() {
        let night = schedule(vec![window([false, false, false, false, true, false, false], 1320, 120)]);
        assert_eq!(night.opening(at("2017-09-23T05:00:00Z")), open("2017-09-23T06:00:00Z"));
        assert_eq!(night.opening(at("2017-09-23T06:00:00Z")), Opening::At(at("2017-09-30T02:00:00Z")));
    }

    #[test]
    fn windows_that_touch_are_one() {
        let halves = schedule(vec![window(WORKDAYS, 480, 720), window(WORKDAYS, 720, 1080)]);
        assert_eq!(halves.opening(at("2017-09-22T13:00:00Z")), open("2017-09-22T22:00:00Z"));
    }

    #[test]
    fn skipped_and_repeated_hours_are_read_as_calendars_read_them() {
        // 12 March 2017: from 02:00 EST straight to 03:00 EDT (07:00 UTC).
        let early = schedule(vec![window(ALL, 150, 300)]);
        assert_eq!(early.opening(at("2017-03-12T06:00:00Z")), Opening::At(at("2017-03-12T07:30:00Z")));
        assert_eq!(early.opening(at("2017-03-12T07:30:00Z")), open("2017-03-12T09:00:00Z"));
        // 5 November 2017: 01:30 comes at 05:30 and at 06:30 UTC; the window shuts at the first.
        let late = schedule(vec![window(ALL, 0, 90)]);
        assert_eq!(late.opening(at("2017-11-05T05:00:00Z")), open("2017-11-05T05:30:00Z"));
        assert_eq!(late.opening(at("2017-11-05T06:00:00Z")), Opening::At(at("2017-11-06T05:00:00Z")));
    }

    #[test]
    fn nothing_leaves_after_the_end() {
        let (now, start) = (at("2017-09-20T12:00:00Z"), at("2017-09-22T19:00:00Z"));
        let free = Schedule::new(Vec::new(), None, start, now);
        assert_eq!(free.opening(now), open("2017-09-22T19:00:00Z"));
        assert_eq!(free.opening(start), Opening::Over);
        let earlier = Schedule::new(vec![window(WORKDAYS, 480, 1080)], Some(at("2017-09-22T12:00:00Z")), start, now);
        assert_eq!(earlier.opening(at("2017-09-21T23:00:00Z")), Opening::Over);
        // The event has begun: no end but the one that is written.
        assert_eq!(
            Schedule::new(Vec::new(), None, start, start).opening(start),
            Opening::Open { until: Timestamp::MAX }
        );
    }
}
