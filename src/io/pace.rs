//! Lets messages through at a rate.

use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Mutex;

use crate::input::units::Rate;

/// One gate for all connections. governor decides, tokio waits: its own waiting wakes every task for each message.
pub struct Pace {
    limits: Vec<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    // First come, first served.
    turn: Mutex<()>,
}

impl Pace {
    /// A gate that keeps every one of the rates.
    pub fn new(rates: &[Rate]) -> Self {
        let limits = rates.iter().map(|rate| RateLimiter::direct(quota(*rate))).collect();
        Self { limits, clock: DefaultClock::default(), turn: Mutex::new(()) }
    }

    /// Waits until one message may leave.
    pub async fn turn(&self) {
        if self.limits.is_empty() {
            return;
        }
        let _turn = self.turn.lock().await;
        for limit in &self.limits {
            while let Err(not_until) = limit.check() {
                tokio::time::sleep(not_until.wait_time_from(self.clock.now())).await;
            }
        }
    }

    /// Whether one may leave at this moment. With several limits a refusal of a later one costs the earlier one a place,
    /// which errs to the slow side.
    pub fn is_free(&self) -> bool {
        if self.limits.is_empty() {
            return true;
        }
        let Ok(_turn) = self.turn.try_lock() else { return false };
        self.limits.iter().all(|limit| limit.check().is_ok())
    }
}

/// A message an interval, and as many at once as fall due within tokio's grain of 1 ms with room to spare: a burst as large
/// as the rate would let double the rate pass in the first second.
fn quota(rate: Rate) -> Quota {
    let interval = rate.interval().max(Duration::from_nanos(1));
    let burst = u32::try_from(Duration::from_millis(20).as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX).max(1);
    let burst = std::num::NonZeroU32::new(burst).unwrap_or(std::num::NonZeroU32::MIN);
    Quota::with_period(interval).expect("an interval is never zero").allow_burst(burst)
}
