//! When a deferred message is due again.

use std::time::Duration;

use jiff::Timestamp;

/// The waits between attempts and their end.
#[derive(Clone, Debug)]
pub struct BackOff {
    /// The wait after the first, second, ... attempt; the last one repeats.
    pub waits: Vec<Duration>,
    /// No attempt after this instant.
    pub until: Timestamp,
}

impl BackOff {
    /// The end of trying: `retry_for` after now, and not after the event has begun where it is still to come.
    pub fn end(now: Timestamp, retry_for: Duration, event_start: Timestamp) -> Timestamp {
        let limit = now.checked_add(retry_for).unwrap_or(Timestamp::MAX);
        if event_start > now { limit.min(event_start) } else { limit }
    }

    /// When the message is due after `attempts` attempts, or `None` when its time is over.
    ///
    /// `fraction`, from 0 to below 1, moves the wait by up to a fifth either way, so that thousands do not come back at once.
    /// `at_least` is the wait that the reply asks for ([`Judgement::at_least`](super::Judgement)); it is never shortened, but
    /// where it would lead beyond the end the last attempt is made at the end. Whoever sets a first wait of less than a
    /// minute rehearses, and is spared it.
    pub fn due(&self, attempts: u32, now: Timestamp, fraction: f64, at_least: Duration) -> Option<Timestamp> {
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.waits.get(index).or_else(|| self.waits.last())?;
        let fraction = fraction.clamp(0.0, 1.0);
        let after = |wait: Duration| now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let ordinary = after(wait.mul_f64(0.8 + 0.4 * fraction));
        if ordinary > self.until {
            return None;
        }
        if self.rehearses() {
            return Some(ordinary);
        }
        Some(ordinary.max(after(at_least.mul_f64(1.0 + 0.2 * fraction))).min(self.until))
    }

    fn rehearses(&self) -> bool {
        self.waits.first().is_some_and(|first| *first < Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::BackOff;

    #[test]
    fn waits_grow_and_end() {
        let now = Timestamp::from_second(1_500_000_000).expect("valid");
        let until = BackOff::end(now, Duration::from_secs(7200), now);
        let backoff = BackOff { waits: [1, 5, 15, 30, 60].map(|m| Duration::from_secs(60 * m)).to_vec(), until };
        let wait = |n: u32, f: f64| backoff.due(n, now, f, Duration::ZERO).map(|due| due.as_second() - now.as_second());
        assert_eq!(wait(1, 0.5), Some(60));
        assert_eq!(wait(2, 0.0), Some(240));
        assert_eq!(wait(9, 0.999_999), Some(4319));
        let late = now.checked_add(Duration::from_secs(7100)).expect("valid");
        assert_eq!(backoff.due(5, late, 0.5, Duration::ZERO), None);
    }

    #[test]
    fn nobody_is_invited_to_what_has_begun() {
        let now = Timestamp::from_second(1_500_000_000).expect("valid");
        let start = now.checked_add(Duration::from_secs(60)).expect("valid");
        assert_eq!(BackOff::end(now, Duration::from_secs(7200), start), start);
    }

    #[test]
    fn what_a_reply_asks_for_is_waited_for_but_nobody_is_given_up_for_it() {
        let now = Timestamp::from_second(1_500_000_000).expect("valid");
        let until = now.checked_add(Duration::from_secs(7200)).expect("valid");
        let mut backoff = BackOff { waits: [1, 5, 15, 30, 60].map(|m| Duration::from_secs(60 * m)).to_vec(), until };
        let wait = |b: &BackOff, n: u32, f: f64, minutes: u64| {
            b.due(n, now, f, Duration::from_secs(60 * minutes)).map(|due| due.as_second() - now.as_second())
        };
        assert_eq!(wait(&backoff, 1, 0.0, 5), Some(300));
        assert_eq!(wait(&backoff, 1, 0.5, 60), Some(3960));
        assert_eq!(wait(&backoff, 4, 0.5, 5), Some(1800));
        assert_eq!(wait(&backoff, 1, 0.5, 240), Some(7200), "the last attempt is at the end");
        backoff.waits[0] = Duration::from_secs(1);
        assert_eq!(wait(&backoff, 1, 0.5, 5), Some(1), "a rehearsal does not wait");
    }
}
