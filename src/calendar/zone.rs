//! Time zones: local times to instants and back.
//!
//! What: [`Zone`], one zone of the IANA database that is compiled into the program, so that every machine reckons alike.
//! Standard: RFC 6557 (names), RFC 5545 section 3.3.5 (which picks a reading for skipped and repeated times; we ask instead).
//! Not here: how dates are worded (`message`), VTIMEZONE (we send UTC).
//! Called by: `input` for the event file, `message` for local times, `delivery` for send windows.
//! Can fail: an unknown name (with suggestions), a local time that does not exist or comes twice ([`LocalTimeFault`]).

use std::fmt;

use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};

/// A time zone of the bundled IANA database, by its exact name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// Why a local time is not one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalTimeFault {
    /// The clocks pass over it.
    #[error("the time does not exist: clocks go from {} straight to {}", Clock(*gap_start), Clock(*gap_end))]
    DoesNotExist {
        /// The first local time that is skipped.
        gap_start: civil::DateTime,
        /// The first local time after the gap.
        gap_end: civil::DateTime,
    },
    /// The clocks are set back over it.
    #[error("the time comes twice: at {first} and at {second}")]
    Twice {
        /// Its first coming.
        first: Timestamp,
        /// Its second coming.
        second: Timestamp,
    },
    /// Beyond the years that can be reckoned.
    #[error("the time is out of range")]
    OutOfRange,
}

impl LocalTimeFault {
    /// What to write in its place.
    pub fn cure(self) -> &'static str {
        match self {
            Self::DoesNotExist { .. } => "name a time after the gap",
            Self::Twice { .. } => "name a time that comes once",
            Self::OutOfRange => "name a year of this century",
        }
    }
}

/// A local time as people write it.
struct Clock(civil::DateTime);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        write!(f, "{date} {:02}:{:02}", time.hour(), time.minute())
    }
}

/// Cities where many invitations are for and that the database files under another name.
const ALSO: [(&str, &str); 12] = [
    ("beijing", "Asia/Shanghai"),
    ("bern", "Europe/Zurich"),
    ("bonn", "Europe/Berlin"),
    ("geneva", "Europe/Zurich"),
    ("geneve", "Europe/Zurich"),
    ("mumbai", "Asia/Kolkata"),
    ("new_delhi", "Asia/Kolkata"),
    ("rio_de_janeiro", "America/Sao_Paulo"),
    ("strasbourg", "Europe/Paris"),
    ("the_hague", "Europe/Amsterdam"),
    ("turin", "Europe/Rome"),
    ("washington", "America/New_York"),
];

impl Zone {
    /// The zone of exactly that name (`America/New_York`, `UTC`); [`Zone::suggestions`] helps with the others.
    pub fn parse(name: &str) -> Option<Self> {
        // The system's database is never asked: two machines would send two times.
        let rules = TimeZoneDatabase::bundled().get(name).ok()?;
        (rules.iana_name() == Some(name)).then(|| Self { name: name.to_owned(), rules })
    }

    /// Up to five names that may be meant, the likeliest first; empty where nothing is near.
    pub fn suggestions(name: &str) -> Vec<String> {
        let meant = key(name);
        if meant.is_empty() {
            return Vec::new();
        }
        let also = ALSO.iter().filter(|(city, _)| *city == city_of(&meant)).map(|(_, zone)| (1, (*zone).to_owned()));
        let database = TimeZoneDatabase::bundled();
        let mut near: Vec<(usize, String)> = database
            .available()
            .filter_map(|zone| Some((distance_to_zone(&meant, &key(zone.as_str()))?, zone.as_str().to_owned())))
            .chain(also)
            .collect();
        near.sort();
        near.dedup_by(|a, b| a.1 == b.1);
        near.into_iter().take(5).map(|(_, zone)| zone).collect()
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one instant at which clocks show this.
    ///
    /// # Errors
    /// [`LocalTimeFault`]: there is none, or there are two; nothing is guessed.
    pub fn local_to_instant(&self, local: civil::DateTime) -> Result<Timestamp, LocalTimeFault> {
        let at = |offset: Offset| offset.to_timestamp(local).map_err(|_| LocalTimeFault::OutOfRange);
        match self.rules.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, after } => {
                Err(LocalTimeFault::Twice { first: at(before)?, second: at(after)? })
            }
            AmbiguousOffset::Gap { before, after } => {
                // Read with the later offset, the time lies before the change: the next transition is the change.
                let change = self.rules.following(at(after)?).next().ok_or(LocalTimeFault::OutOfRange)?.timestamp();
                Err(LocalTimeFault::DoesNotExist {
                    gap_start: before.to_datetime(change),
                    gap_end: after.to_datetime(change),
                })
            }
        }
    }

    /// The instant of a local time by the rule of RFC 5545 section 3.3.5: the first of two, and where there is none, the
    /// one reckoned with the offset before the gap. For times that come every day; `None` beyond the years that can be
    /// reckoned.
    pub fn local_to_instant_by_rule(&self, local: civil::DateTime) -> Option<Timestamp> {
        self.rules.to_ambiguous_timestamp(local).compatible().ok()
    }

    /// What clocks there show at an instant.
    pub fn instant_to_local(&self, instant: Timestamp) -> civil::DateTime {
        self.rules.to_datetime(instant)
    }

    /// How far clocks there are ahead of UTC at an instant.
    pub fn offset_at(&self, instant: Timestamp) -> Offset {
        self.rules.to_offset(instant)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The form in which names are compared: lower case, blanks and hyphens as underscores.
fn key(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

/// The last part of a name.
fn city_of(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// How far a zone is from what was written: 0 the same, 1 the same city, then by slips; `None` where it is another.
fn distance_to_zone(meant: &str, zone: &str) -> Option<usize> {
    if meant == zone {
        return Some(0);
    }
    let (city, city_meant) = (city_of(zone), city_of(meant));
    if city == city_meant {
        return Some(1);
    }
    // One slip in four letters, two in seven; shorter names are near to everything.
    let slips = distance(city_meant, city);
    (slips <= 2 && city_meant.len() > 3 * slips).then_some(1 + slips)
}

/// Letters to change, add or drop (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{LocalTimeFault, Zone};
    use jiff::Timestamp;
    use jiff::civil::{DateTime, date};

    fn zone(name: &str) -> Zone {
        Zone::parse(name).expect(name)
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn local(text: &str) -> DateTime {
        text.parse().expect(text)
    }

    #[test]
    fn takes_exact_names_of_the_bundled_database() {
        for name in
            ["America/New_York", "Europe/Zurich", "Australia/Lord_Howe", "UTC", "America/Argentina/Buenos_Aires"]
        {
            assert_eq!(zone(name).name(), name);
        }
        for name in [
            "",
            "america/new_york",
            "New_York",
            "Eastern Standard Time",
            "UTC+2",
            "Etc/Unknown",
            "../UTC",
            "/etc/localtime",
        ] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
    }

    #[test]
    fn suggests_what_may_be_meant() {
        for (written, first) in [
            ("america/new york", "America/New_York"),
            ("New York", "America/New_York"),
            ("new_york", "America/New_York"),
            ("US/New_York", "America/New_York"),
            ("Europe/Zürich", "Europe/Zurich"),
            ("Zuerich", "Europe/Zurich"),
            ("Amercia/New_York", "America/New_York"),
            ("America/NewYork", "America/New_York"),
            ("Lord Howe", "Australia/Lord_Howe"),
            ("Geneva", "Europe/Zurich"),
            ("Europe/Geneva", "Europe/Zurich"),
            ("addis ababa", "Africa/Addis_Ababa"),
            ("utc", "UTC"),
        ] {
            assert_eq!(Zone::suggestions(written).first().map(String::as_str), Some(first), "{written}");
        }
        for written in ["", "  ", "Atlantis/Poseidonis", "Eastern Standard Time"] {
            assert_eq!(Zone::suggestions(written), Vec::<String>::new(), "{written}");
        }
    }

    #[test]
    fn half_past_two_does_not_exist_when_clocks_go_forward() {
        let fault = zone("America/New_York").local_to_instant(local("2017-03-12T02:30:00"));
        let day = date(2017, 3, 12);
        let gap = LocalTimeFault::DoesNotExist { gap_start: day.at(2, 0, 0, 0), gap_end: day.at(3, 0, 0, 0) };
        assert_eq!(fault, Err(gap));
        assert_eq!(
            gap.to_string(),
            "the time does not exist: clocks go from 2017-03-12 02:00 straight to 2017-03-12 03:00"
        );
        for edge in ["2017-03-12T02:00:00", "2017-03-12T02:59:59"] {
            assert_eq!(zone("America/New_York").local_to_instant(local(edge)), Err(gap), "{edge}");
        }
        for (edge, utc) in
            [("2017-03-12T01:59:59", "2017-03-12T06:59:59Z"), ("2017-03-12T03:00:00", "2017-03-12T07:00:00Z")]
        {
            assert_eq!(zone("America/New_York").local_to_instant(local(edge)), Ok(instant(utc)), "{edge}");
        }
    }

    #[test]
    fn half_past_one_comes_twice_when_clocks_go_back() {
        let fault = zone("America/New_York").local_to_instant(local("2017-11-05T01:30:00"));
        let (first, second) = (instant("2017-11-05T05:30:00Z"), instant("2017-11-05T06:30:00Z"));
        assert_eq!(fault, Err(LocalTimeFault::Twice { first, second }));
        assert_eq!(
            LocalTimeFault::Twice { first, second }.to_string(),
            "the time comes twice: at 2017-11-05T05:30:00Z and at 2017-11-05T06:30:00Z"
        );
    }

    #[test]
    fn three_in_the_afternoon_is_seven_in_the_evening_utc() {
        let (local, utc) = (local("2017-09-22T15:00:00"), instant("2017-09-22T19:00:00Z"));
        let new_york = zone("America/New_York");
        assert_eq!(new_york.local_to_instant(local), Ok(utc));
        assert_eq!(new_york.instant_to_local(utc), local);
        assert_eq!(new_york.offset_at(utc).seconds(), -4 * 3600);
    }

    #[test]
    fn lord_howe_moves_by_half_an_hour() {
        let lord_howe = zone("Australia/Lord_Howe");
        let day = date(2026, 10, 4);
        let gap = LocalTimeFault::DoesNotExist { gap_start: day.at(2, 0, 0, 0), gap_end: day.at(2, 30, 0, 0) };
        assert_eq!(lord_howe.local_to_instant(day.at(2, 15, 0, 0)), Err(gap));
        assert_eq!(lord_howe.local_to_instant(day.at(2, 30, 0, 0)), Ok(instant("2026-10-03T15:30:00Z")));
        let (first, second) = (instant("2026-04-04T14:45:00Z"), instant("2026-04-04T15:15:00Z"));
        let twice = LocalTimeFault::Twice { first, second };
        assert_eq!(lord_howe.local_to_instant(local("2026-04-05T01:45:00")), Err(twice));
    }

    #[test]
    fn samoa_had_no_thirtieth_of_december() {
        let gap = LocalTimeFault::DoesNotExist {
            gap_start: local("2011-12-30T00:00:00"),
            gap_end: local("2011-12-31T00:00:00"),
        };
        assert_eq!(zone("Pacific/Apia").local_to_instant(local("2011-12-30T12:00:00")), Err(gap));
    }

    #[test]
    fn the_ends_of_time_are_out_of_range() {
        assert_eq!(zone("Pacific/Apia").local_to_instant(DateTime::MIN), Err(LocalTimeFault::OutOfRange));
    }
}
