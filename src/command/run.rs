//! One run of sending: connections that take work until there is none, and what they did.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;

use super::gate;
use super::progress::Bar;
use super::record::RunRecord;
use crate::delivery::{Fuse, Phase};
use crate::exit::Stopped;
use crate::io::clock;
use crate::io::pace::Pace;
use crate::io::smtp::{Ending, Report, Route, Source, Work, drive};
use crate::io::stop::Stop;
use crate::io::store::{OpenRow, Recorder, Store, StoreError};
use crate::journal::{Armed, Standing};
use crate::message::Composer;
use crate::plan::Selection;

/// Rows that are claimed together.
const PAGE: usize = 128;
/// Failures that are shown one by one while the run goes on.
const SAID: u64 = 20;
/// How long a lost connection rests before the next one is tried.
const REST: Duration = Duration::from_millis(500);

/// The line from the journal to the connections.
pub(super) struct Line<'l> {
    pub(super) store: &'l Store,
    pub(super) composer: &'l Composer,
    pub(super) selection: &'l Selection,
    pub(super) pace: Pace,
    pub(super) stop: &'l Stop,
    pub(super) bar: &'l Bar,
    record: Option<&'l RunRecord>,
    /// How many more may be taken in hand.
    left: AtomicU64,
    rows: Mutex<Rows>,
    fuse: SyncMutex<Fuse>,
    /// What kept the last connection from coming so far that it spoke of a message.
    unreached: SyncMutex<Option<String>>,
    broken: SyncMutex<Option<Stopped>>,
    counts: Counts,
}

#[derive(Default)]
struct Rows {
    claimed: VecDeque<OpenRow>,
    after: i64,
    exhausted: bool,
}

/// What a run did, by the state in which each message ended.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    pub(super) deferred: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) in_doubt: AtomicU64,
    said: AtomicU64,
}

impl<'l> Line<'l> {
    pub(super) fn new(
        store: &'l Store,
        composer: &'l Composer,
        selection: &'l Selection,
        pace: Pace,
        stop: &'l Stop,
        bar: &'l Bar,
        limit: Option<u64>,
    ) -> Self {
        Self {
            store,
            composer,
            selection,
            pace,
            stop,
            bar,
            record: None,
            left: AtomicU64::new(limit.unwrap_or(u64::MAX)),
            rows: Mutex::default(),
            fuse: SyncMutex::default(),
            unreached: SyncMutex::default(),
            broken: SyncMutex::default(),
            counts: Counts::default(),
        }
    }

    /// Tells the run's record of each attempt.
    pub(super) fn recorded(self, record: &'l RunRecord) -> Self {
        Self { record: Some(record), ..self }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Why nothing more should be sent in this run.
    pub(super) fn blown(&self) -> Option<String> {
        self.fuse.lock().unwrap_or_else(PoisonError::into_inner).blown().map(str::to_owned)
    }

    /// Why no connection came about, if the last one did not.
    pub(super) fn unreached(&self) -> Option<String> {
        self.unreached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `--limit` is reached.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn ends(&self) -> bool {
        self.stop.is_asked()
            || self.blown().is_some()
            || self.broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn break_off(&self, why: Stopped) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    /// Runs the connections until nothing is due.
    pub(super) async fn round(&self, route: &Route, connections: u32, recorder: &Recorder) -> Result<(), Stopped> {
        *self.rows.lock().await = Rows::default();
        let all = (0..connections).map(|_| self.connection(route, recorder));
        futures_util::future::join_all(all).await;
        self.store.release_claims(clock::now().as_millisecond()).await?;
        match self.broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    async fn connection(&self, route: &Route, recorder: &Recorder) {
        loop {
            match drive(route, self, recorder).await {
                Ending::Idle => return,
                Ending::Lost => {
                    tokio::select! {
                        () = tokio::time::sleep(REST) => {}
                        () = self.stop.asked() => {}
                    }
                }
                Ending::Store(error) => {
                    self.break_off(error.into());
                    return;
                }
            }
        }
    }

    /// The next row that is meant, claimed.
    async fn take(&self) -> Result<Option<OpenRow>, StoreError> {
        let mut rows = self.rows.lock().await;
        loop {
            if self.ends() || self.is_spent() {
                return Ok(None);
            }
            if let Some(row) = rows.claimed.pop_front() {
                let left = self.left.load(Ordering::Relaxed);
                self.left.store(left.saturating_sub(u64::from(left != u64::MAX)), Ordering::Relaxed);
                return Ok(Some(row));
            }
            if rows.exhausted {
                return Ok(None);
            }
            let now_ms = clock::now().as_millisecond();
            let page = self.store.open_page(rows.after, now_ms, PAGE).await?;
            let Some(last) = page.last() else {
                rows.exhausted = true;
                continue;
            };
            rows.after = last.id;
            let most = usize::try_from(self.left.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
            let meant: VecDeque<OpenRow> =
                page.into_iter().filter(|row| self.selection.takes(&row.recipient.cells)).take(most).collect();
            let ids: Vec<i64> = meant.iter().map(|row| row.id).collect();
            self.store.claim(&ids, now_ms).await?;
            rows.claimed = meant;
        }
    }

    async fn work(&self) -> Option<Work> {
        let row = match self.take().await {
            Ok(row) => row?,
            Err(error) => {
                self.break_off(error.into());
                return None;
            }
        };
        match self.compose(&row) {
            Ok(work) => Some(work),
            Err(stopped) => {
                self.break_off(stopped);
                None
            }
        }
    }

    fn compose(&self, row: &OpenRow) -> Result<Work, Stopped> {
        let now = clock::now();
        // The Date is part of the octets: once armed it stays, so that a second sending is the same message.
        let date = row.date.unwrap_or(now);
        let composed =
            self.composer.compose(&gate::reader(row), &row.key, date, now).map_err(Stopped::Configuration)?;
        let armed = Armed {
            dispatch: row.id,
            uid: composed.identity.uid.as_str().to_owned(),
            message_id: composed.identity.message_id.as_str().to_owned(),
            digest: composed.digest(),
            size: composed.octets.len(),
            date_ms: date.as_millisecond(),
            at: now,
        };
        Ok(Work {
            from: self.composer.reverse_path().clone(),
            to: row.recipient.address.clone(),
            octets: composed.octets,
            armed,
            attempts: row.attempts,
            fraction: self.composer.fraction(&row.key, row.attempts),
            started: now,
        })
    }
}

impl Source for Line<'_> {
    async fn next(&self) -> Option<Work> {
        if self.ends() {
            return None;
        }
        tokio::select! {
            () = self.pace.turn() => {}
            () = self.stop.asked() => return None,
        }
        self.work().await
    }

    async fn ready(&self) -> Option<Work> {
        if self.ends() || !self.pace.is_free() {
            return None;
        }
        self.work().await
    }

    fn report(&self, report: Report<'_>) {
        if let Some(record) = self.record {
            record.attempt(&report, self.bar);
        }
        let spoke = report.phase >= Phase::Mail;
        *self.unreached.lock().unwrap_or_else(PoisonError::into_inner) = (!spoke).then(|| report.text.to_owned());
        let counts = &self.counts;
        let counter = match report.standing {
            Standing::Sent => &counts.sent,
            Standing::Deferred => &counts.deferred,
            Standing::InDoubt => &counts.in_doubt,
            _ => &counts.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.bar.advance(u64::from(report.standing != Standing::Deferred));
        self.fuse.lock().unwrap_or_else(PoisonError::into_inner).note(report.verdict, report.text);
        if report.standing != Standing::Sent {
            match counts.said.fetch_add(1, Ordering::Relaxed) {
                n if n < SAID => {
                    self.bar.say(&format!("{}: {} at {}: {}", report.to, report.standing, report.phase, report.text));
                }
                SAID => self.bar.say("… further ones are in the journal: `convoke status`, `convoke export`"),
                _ => {}
            }
        }
    }
}
