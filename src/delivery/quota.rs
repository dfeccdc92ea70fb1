//! So many messages in any hour, or in any 24 hours, across restarts.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Counts messages by minute of Unix time, as the journal does.
///
/// A message counts until its minute lies wholly before the period: at most a minute too long, never too short.
#[derive(Clone, Debug)]
pub struct Quota {
    most: u64,
    minutes: i64,
    /// By minute, ascending; messages of each.
    counts: VecDeque<(i64, u64)>,
    sum: u64,
}

impl Quota {
    /// Minutes of an hour.
    pub const HOUR: i64 = 60;
    /// Minutes of 24 hours.
    pub const DAY: i64 = 1440;

    /// At most so many messages in any so many minutes.
    pub fn new(most: u64, minutes: i64) -> Self {
        Self { most, minutes, counts: VecDeque::new(), sum: 0 }
    }

    /// The minute of Unix time in which an instant lies.
    pub fn minute(at: Timestamp) -> i64 {
        at.as_second().div_euclid(60)
    }

    /// Counts what was sent before, in any order of minutes.
    pub fn restore(&mut self, minute: i64, messages: u64) {
        let index = self.counts.partition_point(|(m, _)| *m < minute);
        match self.counts.get_mut(index) {
            Some((m, n)) if *m == minute => *n += messages,
            _ => self.counts.insert(index, (minute, messages)),
        }
        self.sum += messages;
    }

    /// When there is room for one, or `None` where there is room at once.
    pub fn free_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.forget(now);
        if self.sum < self.most {
            return None;
        }
        let mut left = self.sum;
        for (minute, messages) in &self.counts {
            left -= messages;
            if left < self.most {
                return Timestamp::from_second((minute + self.minutes + 1) * 60).ok();
            }
        }
        // A quota of nothing is never free; the reader of the file does not let it through.
        Some(Timestamp::MAX)
    }

    /// Counts one that leaves now.
    pub fn take(&mut self, now: Timestamp) {
        // A clock that was put back must not bring the order into disorder.
        let last = self.counts.back().map_or(i64::MIN, |(minute, _)| *minute);
        self.restore(Self::minute(now).max(last), 1);
    }

    /// One that was counted in this minute did not leave after all. Where the clock was set in between it stays counted.
    pub fn give_back(&mut self, minute: i64) {
        let found = self.counts.iter_mut().find(|(m, n)| *m == minute && *n > 0);
        if let Some((_, n)) = found {
            *n -= 1;
            self.sum -= 1;
        }
    }

    /// Messages of the period that ends now.
    pub fn used(&mut self, now: Timestamp) -> u64 {
        self.forget(now);
        self.sum
    }

    fn forget(&mut self, now: Timestamp) {
        let first = Self::minute(now) - self.minutes;
        while let Some((_, messages)) = self.counts.front().filter(|(minute, _)| *minute < first) {
            self.sum -= messages;
            self.counts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Quota;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    #[test]
    fn no_hour_ever_has_more() {
        // Greedy: takes whenever there is room, at odd seconds; then every window of an hour is counted.
        let mut quota = Quota::new(100, Quota::HOUR);
        let (mut now, mut taken) = (1_500_000_017, Vec::new());
        while now < 1_500_000_000 + 6 * 3600 {
            match quota.free_at(at(now)) {
                Some(free) => now = free.as_second(),
                None => {
                    quota.take(at(now));
                    taken.push(now);
                    now += 7;
                }
            }
        }
        for (i, first) in taken.iter().enumerate() {
            let in_hour = taken[i..].iter().take_while(|t| **t < first + 3600).count();
            assert!(in_hour <= 100, "{in_hour} from {first}");
        }
        assert!(taken.len() >= 550, "{}", taken.len());
    }

    #[test]
    fn what_was_sent_before_a_restart_counts() {
        let now = at(1_500_000_000);
        let minute = Quota::minute(now);
        let mut quota = Quota::new(10, Quota::DAY);
        quota.restore(minute - 5, 4);
        quota.restore(minute - 1439, 5);
        quota.restore(minute - 1500, 50);
        assert_eq!(quota.used(now), 9);
        assert_eq!(quota.free_at(now), None);
        quota.take(now);
        assert_eq!(quota.free_at(now), Some(at((minute + 2) * 60)));
        quota.give_back(minute - 1);
        assert_eq!(quota.used(now), 10, "nothing was counted then");
        quota.give_back(minute);
        quota.give_back(minute);
        assert_eq!((quota.used(now), quota.free_at(now)), (9, None), "what was never counted cannot come back");
    }
}
