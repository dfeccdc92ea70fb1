//! Group commit: what all connections have to write at one moment shares one sync.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use sqlx::SqliteConnection;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Store, StoreError, script, suppression};
use crate::journal::{Armed, Outcome};

/// As many records as one commit carries; beyond that the wait of the first would grow.
const MOST: usize = 512;

#[derive(Default)]
struct Record {
    outcomes: Vec<Outcome>,
    arms: Vec<Armed>,
    done: Option<oneshot::Sender<Result<(), String>>>,
}

/// What the recorder adds to what connections tell it.
#[derive(Clone, Copy)]
struct Marks {
    /// The run that goes on.
    run: Option<i64>,
    /// Whether addresses that bounced are kept as hashes.
    hashes_only: bool,
}

/// A handle by which connections write; cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Record>,
}

impl Store {
    /// Starts the one task that writes. It ends when the last [`Recorder`] is gone.
    pub fn recorder(&self) -> (Recorder, tokio::task::JoinHandle<()>) {
        let (queue, incoming) = mpsc::channel(MOST);
        let run = Some(self.run.load(Ordering::Relaxed)).filter(|run| *run > 0);
        let marks = Marks { run, hashes_only: self.hashes_only.load(Ordering::Relaxed) };
        let task = tokio::spawn(write_all(Arc::clone(&self.connection), super::side_file(&self.path), marks, incoming));
        (Recorder { queue }, task)
    }
}

impl Recorder {
    /// Commits the outcomes of messages and the arming of the next ones; returns when both are on disk.
    ///
    /// # Errors
    /// The store could not write, or a row was not where it should be. Nothing may be sent then.
    pub async fn record(&self, outcomes: Vec<Outcome>, arms: Vec<Armed>) -> Result<(), StoreError> {
        let (done, committed) = oneshot::channel();
        let gone = || StoreError::Step("the recorder has ended".to_owned());
        self.queue.send(Record { outcomes, arms, done: Some(done) }).await.map_err(|_| gone())?;
        committed.await.map_err(|_| gone())?.map_err(StoreError::Step)
    }
}

async fn write_all(
    connection: Arc<Mutex<SqliteConnection>>,
    side: PathBuf,
    marks: Marks,
    mut incoming: mpsc::Receiver<Record>,
) {
    let mut broken = script::prepare(&mut *connection.lock().await).await.err().map(|error| crate::io::chain(&error));
    let mut scripts = script::Scripts::default();
    let mut batch = Vec::with_capacity(MOST);
    let mut patience = Patience::default();
    while incoming.recv_many(&mut batch, MOST).await > 0 {
        gather(&mut incoming, &mut batch).await;
        patience.wait(&mut incoming, &mut batch).await;
        let outcomes: Vec<&Outcome> = batch.iter().flat_map(|r| &r.outcomes).collect();
        let arms: Vec<&Armed> = batch.iter().flat_map(|r| &r.arms).collect();
        if broken.is_none() {
            let mut connection = connection.lock().await;
            let began = Instant::now();
            if let Err(error) = commit(&mut connection, &mut scripts, &outcomes, &arms, marks).await {
                // A second sync after a failed one may lie: no commit is tried again in this process.
                broken = Some(crate::io::chain(&error));
            }
            patience.committed(arms.iter().map(|armed| armed.dispatch), Instant::now(), began.elapsed());
        }
        if broken.is_some() && !outcomes.is_empty() {
            keep_aside(&side, &outcomes, marks.run);
        }
        for record in batch.drain(..) {
            if let Some(done) = record.done {
                // A connection that no longer waits has been told to stop.
                let _ = done.send(broken.clone().map_or(Ok(()), Err));
            }
        }
    }
    // Nothing waits for it, and the next recorder says it again.
    let _ = script::end(&mut *connection.lock().await).await;
}

/// Lets connections that are about to write join this commit: those that the last one woke are all at work now.
async fn gather(incoming: &mut mpsc::Receiver<Record>, batch: &mut Vec<Record>) {
    loop {
        let before = batch.len();
        tokio::task::yield_now().await;
        while batch.len() < MOST
            && let Ok(record) = incoming.try_recv()
        {
            batch.push(record);
        }
        if batch.len() == before || batch.len() == MOST {
            return;
        }
    }
}

/// How long a commit waits for others.
///
/// Connections whose messages were armed come back with their outcomes. One that comes while a commit is on its way waits for
/// its end and then for its own, so a moment's wait before a commit that costs several can save it a whole one. That is
/// so where relays answer about as fast as the disk; where they do not, waiting gains nobody and is left off.
#[derive(Debug, Default)]
struct Patience {
    /// Messages whose arming is on disk and whose outcomes have not come, with when it was.
    on_their_way: HashMap<i64, Instant>,
    /// From arming to outcome, the later ones counting more.
    answers: Duration,
    /// The last commit.
    took: Duration,
    /// Commits that are not to be waited for, after waits that were in vain.
    pause: u32,
    vain: u32,
}

impl Patience {
    /// Timers count milliseconds: the shortest wait there is.
    const WAIT: Duration = Duration::from_millis(1);
    /// One in so many commits is tried even so: the disk or the relay may have become another.
    const LONGEST_PAUSE: u32 = 64;
    /// Answers that take so many commits come one by one, whatever is waited.
    const SLOW: u32 = 4;

    /// Takes note of the outcomes that have come.
    fn hear(&mut self, came: &[Record], now: Instant) {
        for outcome in came.iter().flat_map(|record| &record.outcomes) {
            // A message that was refused before its dot has an outcome without having been armed.
            if let Some(armed) = self.on_their_way.remove(&outcome.dispatch) {
                let took = now.saturating_duration_since(armed);
                self.answers = if self.answers.is_zero() { took } else { (self.answers * 7 + took) / 8 };
            }
        }
    }

    async fn wait(&mut self, incoming: &mut mpsc::Receiver<Record>, batch: &mut Vec<Record>) {
        self.hear(batch, Instant::now());
        if self.took < Self::WAIT || self.on_their_way.is_empty() || batch.len() >= MOST {
            return;
        }
        if self.answers > self.took * Self::SLOW {
            return;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return;
        }
        let before = batch.len();
        let all = async {
            while !self.on_their_way.is_empty() && batch.len() < MOST {
                match incoming.recv().await {
                    Some(record) => {
                        self.hear(std::slice::from_ref(&record), Instant::now());
                        batch.push(record);
                    }
                    None => return,
                }
            }
        };
        // Whoever came before the time was over is there.
        let _ = tokio::time::timeout(Self::WAIT, all).await;
        if (batch.len() - before) * 2 < before {
            self.vain = (self.vain + 1).min(Self::LONGEST_PAUSE.ilog2());
            self.pause = 1 << self.vain;
        } else {
            self.vain = 0;
        }
    }

    fn committed(&mut self, arms: impl Iterator<Item = i64>, now: Instant, took: Duration) {
        self.on_their_way.extend(arms.map(|dispatch| (dispatch, now)));
        self.took = took;
    }
}

async fn commit(
    connection: &mut SqliteConnection,
    scripts: &mut script::Scripts,
    outcomes: &[&Outcome],
    arms: &[&Armed],
    marks: Marks,
) -> Result<(), StoreError> {
    let has_bounces = outcomes.iter().any(|outcome| outcome.dead_address);
    let result = async {
        scripts.run(connection, outcomes, arms, marks.run, !has_bounces).await?;
        if has_bounces {
            suppression::note_bounces(connection, outcomes, marks.hashes_only).await?;
            sqlx::query("COMMIT").execute(&mut *connection).await?;
        }
        Ok(())
    };
    let result = result.await;
    if result.is_err() {
        // What failed in the middle is undone; where it was undone already, this fails and says nothing new.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    result
}

/// Writes a JSON array of outcomes; gives how many dispatches changed.
pub(super) async fn write_outcomes(connection: &mut SqliteConnection, json: &str) -> Result<u64, StoreError> {
    let changed =
        sqlx::query(include_str!("sql/outcome.sql")).bind(json).execute(&mut *connection).await?.rows_affected();
    sqlx::query(include_str!("sql/attempt.sql")).bind(json).execute(&mut *connection).await?;
    Ok(changed)
}

/// The answers of the relay are facts even when the journal cannot take them: they go to a file of their own, synced.
fn keep_aside(side: &PathBuf, outcomes: &[&Outcome], run: Option<i64>) {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(side).and_then(|mut file| {
        writeln!(file, "{}", outcomes_json(outcomes, run))?;
        file.sync_all()
    });
    if let Err(error) = written {
        // Nothing is lost by it: these messages are armed and will be named as in doubt.
        eprintln!("convoke: cannot keep {} outcomes in `{}`: {error}", outcomes.len(), side.display());
    }
}

#[derive(Serialize)]
struct OutcomeJson<'a> {
    dispatch: i64,
    state: &'a str,
    counts: u8,
    due_ms: i64,
    phase: &'a str,
    relay: &'a str,
    code: u16,
    enhanced: &'a str,
    reply: &'a str,
    started_ms: i64,
    ended_ms: i64,
    run: Option<i64>,
    scope: &'a str,
    tls: &'a str,
    queue_id: &'a str,
}

fn outcomes_json(outcomes: &[&Outcome], run: Option<i64>) -> String {
    let rows: Vec<OutcomeJson<'_>> = outcomes
        .iter()
        .map(|o| OutcomeJson {
            dispatch: o.dispatch,
            state: o.standing.as_str(),
            counts: u8::from(o.counts),
            due_ms: o.due.map_or(0, |due| due.as_millisecond()),
            phase: &o.attempt.phase,
            relay: &o.attempt.relay,
            code: o.attempt.code,
            enhanced: &o.attempt.enhanced,
            reply: &o.attempt.text,
            started_ms: o.attempt.started.as_millisecond(),
            ended_ms: o.attempt.ended.as_millisecond(),
            run: o.attempt.run.or(run),
            scope: &o.attempt.scope,
            tls: &o.attempt.tls,
            queue_id: &o.attempt.queue_id,
        })
        .collect();
    serde_json::to_string(&rows).expect("texts and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::sync::mpsc;

    use super::{Patience, Record};
    use crate::journal::{Attempt, Outcome, Standing};

    const MS: Duration = Duration::from_millis(1);

    fn outcome_of(dispatch: i64) -> Record {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let attempt = Attempt {
            phase: "dot".to_owned(),
            relay: String::new(),
            code: 250,
            enhanced: String::new(),
            text: String::new(),
            scope: String::new(),
            tls: String::new(),
            queue_id: String::new(),
            run: None,
            started: at,
            ended: at,
        };
        let outcome =
            Outcome { dispatch, standing: Standing::Sent, counts: true, due: None, dead_address: false, attempt };
        Record { outcomes: vec![outcome], ..Record::default() }
    }

    #[tokio::test]
    async fn who_is_on_the_way_is_waited_for_until_nobody_comes() {
        let (sender, mut incoming) = mpsc::channel(8);
        let mut patience = Patience { took: MS * 5, ..Patience::default() };
        patience.committed(1..=3, Instant::now(), MS * 5);
        let mut batch = vec![outcome_of(1)];
        let (sent, ()) = tokio::join!(sender.send(outcome_of(2)), patience.wait(&mut incoming, &mut batch));
        sent.expect("the receiver is there");
        assert_eq!((batch.len(), patience.pause), (2, 0), "who came while it waited shares the commit");
        for longer in [2, 4, 8] {
            let mut batch = vec![Record::default(), Record::default()];
            while patience.pause > 0 {
                patience.wait(&mut incoming, &mut batch).await;
            }
            patience.wait(&mut incoming, &mut batch).await;
            assert_eq!((batch.len(), patience.pause), (2, longer), "a wait in vain is tried less often");
        }
        patience.pause = 0;
        patience.wait(&mut incoming, &mut vec![outcome_of(3)]).await;
        assert!(patience.on_their_way.is_empty() && patience.pause == 0, "nobody is on the way");
    }

    #[tokio::test]
    async fn relays_that_answer_late_are_not_waited_for() {
        let (_sender, mut incoming) = mpsc::channel(8);
        let mut patience = Patience::default();
        patience.committed(1..=9, Instant::now().checked_sub(MS * 20).expect("the machine runs longer"), MS * 2);
        let mut batch = vec![outcome_of(1)];
        patience.wait(&mut incoming, &mut batch).await;
        assert!(patience.answers >= MS * 20 && patience.pause == 0, "it went on at once: {:?}", patience.answers);
        patience.took = MS * 10;
        patience.wait(&mut incoming, &mut vec![outcome_of(2), outcome_of(3)]).await;
        assert_eq!(patience.pause, 2, "a disk as slow as they are is waited for, here in vain");
    }
}
