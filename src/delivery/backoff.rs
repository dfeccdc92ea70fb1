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
    pub fn due(&self, attempts: u32, now: Timestamp, fraction: f64) -> Option<Timestamp> {
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.waits.get(index).or_else(|| self.waits.last())?;
        let due = now.checked_add(wait.mul_f64(0.8 + 0.4 * fraction.clamp(0.0, 1.0))).ok()?;
        (due <= self.until).then_some(due)
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
        let wait = |n: u32, f: f64| backoff.due(n, now, f).map(|due| due.as_second() - now.as_second());
        assert_eq!(wait(1, 0.5), Some(60));
        assert_eq!(wait(2, 0.0), Some(240));
        assert_eq!(wait(9, 0.999_999), Some(4319));
        let late = now.checked_add(Duration::from_secs(7100)).expect("valid");
        assert_eq!(backoff.due(5, late, 0.5), None);
    }

    #[test]
    fn nobody_is_invited_to_what_has_begun() {
        let now = Timestamp::from_second(1_500_000_000).expect("valid");
        let start = now.checked_add(Duration::from_secs(60)).expect("valid");
        assert_eq!(BackOff::end(now, Duration::from_secs(7200), start), start);
    }
}
