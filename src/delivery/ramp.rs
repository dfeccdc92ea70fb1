//! From a tenth of the rate to the whole of it, in equal steps.

use std::time::Duration;

use jiff::Timestamp;

/// A climb that begins with the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    start: Timestamp,
    length: Duration,
}

impl Ramp {
    /// Steps from a tenth to the whole: finer ones are no more than a straight line drawn with a sharper pencil.
    pub const STEPS: usize = 19;

    /// A climb of a length that begins at an instant.
    pub fn new(start: Timestamp, length: Duration) -> Self {
        Self { start, length }
    }

    /// Which step an instant belongs to, from 0; `STEPS - 1` is the whole rate.
    pub fn step(&self, now: Timestamp) -> usize {
        let gone = Duration::try_from(now.duration_since(self.start)).unwrap_or_default();
        if gone >= self.length {
            return Self::STEPS - 1;
        }
        let step = gone.as_millis() * (Self::STEPS as u128 - 1) / self.length.as_millis().max(1);
        usize::try_from(step).unwrap_or(Self::STEPS - 1).min(Self::STEPS - 2)
    }

    /// The part of the rate that a step allows.
    pub fn part(step: usize) -> f64 {
        0.1 + 0.05 * step.min(Self::STEPS - 1) as f64
    }

    /// When the whole rate is reached.
    pub fn end(&self) -> Timestamp {
        self.start.checked_add(self.length).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Ramp;

    #[test]
    fn it_climbs_from_a_tenth_to_the_whole() {
        let start = Timestamp::from_second(1_500_000_000).expect("valid");
        let ramp = Ramp::new(start, Duration::from_secs(600));
        let part = |s: i64| {
            let now = Timestamp::from_second(1_500_000_000 + s).expect("valid");
            (Ramp::part(ramp.step(now)) * 100.0).round()
        };
        assert_eq!(
            [part(-5), part(0), part(299), part(300), part(599), part(600), part(9000)],
            [10.0, 10.0, 50.0, 55.0, 95.0, 100.0, 100.0]
        );
    }
}
