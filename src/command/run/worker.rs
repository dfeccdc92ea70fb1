//! One connection of a run: it asks the line for work, waits where it must, and says what became of each message.
//!
//! What: [`Worker`], the [`Source`] of one connection. Not here: which message is next (`run`), the dialogue (`io::smtp`).
//! Called by: [`super::Line`]. Can fail: what fails breaks the line off.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::{Line, Taken, Wait};
use crate::io::clock;
use crate::io::smtp::{Ending, Report, Source, Work, drive};
use crate::io::store::Recorder;
use crate::journal::Standing;

/// Failures that are shown one by one while the run goes on.
const SAID: u64 = 20;
/// From how long on a wait is shown, and ends a run that is not to wait.
const LONG: Duration = Duration::from_secs(5);
/// No sleep is longer: a clock that is set must be noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long a lost connection rests before the next one is tried.
const REST: Duration = Duration::from_millis(500);
/// How often a connection looks again that has no work while others still have some.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One connection's place in the line.
pub(super) struct Worker<'w, 'l> {
    pub(super) line: &'w Line<'l>,
    pub(super) relay: usize,
    pub(super) number: u32,
}

impl Worker<'_, '_> {
    /// Takes work until there is none.
    pub(super) async fn run(self, recorder: &Recorder) {
        self.work(recorder).await;
        let mut rows = self.line.rows.lock().await;
        rows.idle.insert((self.relay, self.number));
        rows.ended.insert((self.relay, self.number));
    }

    async fn work(&self, recorder: &Recorder) {
        let Some(outlet) = self.line.parts.outlets.get(self.relay) else { return };
        loop {
            match drive(&outlet.route, self, recorder).await {
                Ending::Idle => return,
                Ending::Lost => {
                    tokio::select! {
                        () = tokio::time::sleep(REST) => {}
                        () = self.line.parts.stop.asked() => {}
                    }
                }
                Ending::Store(error) => {
                    self.line.break_off(error.into());
                    return;
                }
            }
        }
    }

    async fn take(&self, is_free: bool) -> Taken {
        match self.line.take(self.relay, self.number, is_free).await {
            Ok(taken) => taken,
            Err(error) => {
                self.line.break_off(error.into());
                Taken::Nothing
            }
        }
    }

    /// Waits a while, or says that the connection is to end.
    async fn wait(&self, wait: &Wait) -> bool {
        let parts = &self.line.parts;
        if wait.until == Timestamp::MAX {
            let mut state = self.line.state();
            if state.left_behind.is_none() {
                parts.bar.say(&wait.why);
                state.left_behind = Some(wait.why.clone());
            }
            return false;
        }
        if wait.wait >= LONG && !wait.why.is_empty() {
            if parts.no_wait && wait.ends_run {
                let mut state = self.line.state();
                state.come_back = Some(state.come_back.map_or(wait.until, |known| known.min(wait.until)));
                return false;
            }
            let until = wait.until.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%a %H:%M").to_string();
            parts.bar.message(format!("waiting until {until}: {}", wait.why));
        }
        self.sleep(wait.wait.min(LONGEST_SLEEP)).await
    }

    /// Sleeps for so long, or until nothing is left to wait for; says whether to ask again.
    async fn sleep(&self, wait: Duration) -> bool {
        let mut done = self.line.done.subscribe();
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            // The line outlives its connections, so this cannot fail.
            _ = done.wait_for(|done| *done) => true,
            () = self.line.parts.stop.asked() => false,
        }
    }
}

impl Source for Worker<'_, '_> {
    async fn next(&self) -> Option<Work> {
        loop {
            match self.take(true).await {
                Taken::Row(row) => return self.line.work(*row).await,
                Taken::Nothing => return None,
                Taken::Others if self.sleep(LOOK_AGAIN).await => {}
                Taken::Wait(wait) if self.wait(&wait).await => {}
                Taken::Others | Taken::Wait(_) => return None,
            }
        }
    }

    async fn ready(&self) -> Option<Work> {
        match self.take(false).await {
            Taken::Row(row) => self.line.work(*row).await,
            Taken::Others | Taken::Wait(_) | Taken::Nothing => None,
        }
    }

    async fn depart(&self) {
        while let Err(wait) = self.line.parts.gate.depart(self.relay, clock::now()) {
            tokio::time::sleep(wait).await;
        }
    }

    fn report(&self, report: Report<'_>) {
        let parts = &self.line.parts;
        parts.record.attempt(&report, parts.bar);
        self.line.learn(self.relay, &report);
        let counts = &self.line.counts;
        parts.bar.advance(u64::from(report.standing != Standing::Deferred));
        if report.standing == Standing::Sent {
            counts.sent.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match counts.said.fetch_add(1, Ordering::Relaxed) {
            n if n < SAID => {
                let Report { to, standing, phase, text, .. } = report;
                parts.bar.say(&format!("{to}: {standing} at {phase}: {text}"));
            }
            SAID => parts.bar.say("… further ones are in the journal: `convoke status`, `convoke export`"),
            _ => {}
        }
    }
}
