//! `convoke replies`: reads the sources, records every message once, says what came.
//!
//! What: [`run`]. Messages are taken in batches: a batch is read, recorded together with the source's checkpoint, and only then
//! moved where that is asked for; Ctrl-C ends after the batch in hand. With `--watch` the journal is held while it is
//! written to and no longer, so that `send` can work in the same folder. Not here: what a message says (`replies`), doors
//! (`io::inbound`). Called by: `command::replies`. Can fail: a source or the journal; what was recorded stays recorded.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use tokio::sync::Mutex;

use super::tally::Tally;
use super::{in_json, plain};
use crate::cli;
use crate::command::folder::read_event_file;
use crate::command::progress::Bar;
use crate::exit::{Exit, Stopped, print_trouble};
use crate::input::replies::{Replies, Source};
use crate::io::clock;
use crate::io::inbound::{Door, Inbound, InboundError, Setup, Waited};
use crate::io::stop::Stop;
use crate::io::store::{Store, StoreError};
use crate::journal::{Checkpoint, InboundRecord, InboundState};
use crate::replies::{self, Identity, Kind, Reading};

/// Messages recorded with one commit, and their octets.
const BATCH: usize = 200;
const BATCH_OCTETS: usize = 16_000_000;
/// Between two tries at a journal that another process has.
const BUSY: Duration = Duration::from_secs(2);

/// Where to read: what was typed, otherwise what the file says.
pub(super) fn sources(typed: &cli::Replies, replies: &Replies) -> Result<Vec<Source>, Stopped> {
    let sources = typed_sources(typed)?;
    let sources = if sources.is_empty() { replies.from.clone() } else { sources };
    if sources.is_empty() {
        let words =
            "no source of returned mail is named; type --from imaps://user@host/INBOX, or write `from` under [replies]";
        return Err(Stopped::Usage(words.to_owned()));
    }
    Ok(sources)
}

/// What was typed after `--from`.
pub(super) fn typed_sources(typed: &cli::Replies) -> Result<Vec<Source>, Stopped> {
    let parse =
        |text: &String| Source::parse(text).map_err(|e| Stopped::Usage(format!("--from: {}; {}", e.fault, e.cure)));
    typed.from.iter().map(parse).collect()
}

pub(super) async fn run(path: &Path, typed: &cli::Replies) -> Result<Exit, Stopped> {
    let (file, _) = read_event_file(path)?;
    let sources = sources(typed, &file.replies)?;
    let bar = Bar::items("reading", 0);
    let first = bar.clone();
    let stop = Stop::listen(move || first.say("stopping when what is in hand is recorded; Ctrl-C again stops at once"));
    let ledger = Ledger::new(path, typed.dry_run, typed.watch);
    let work = Work {
        replies: file.replies,
        folder: path.to_owned(),
        is_watching: typed.watch,
        says_each: typed.json || typed.watch || typed.dry_run,
        is_json: typed.json,
        stop,
        bar,
        ledger: Mutex::new(ledger),
        tally: Mutex::new(Tally::default()),
    };
    // One after the other, unless all of them are to be watched.
    let ended = if typed.watch {
        try_join_all(sources.iter().map(|source| work.collect(source))).await.map(drop)
    } else {
        let mut ended = Ok(());
        for source in &sources {
            ended = work.collect(source).await;
            if ended.is_err() {
                break;
            }
        }
        ended
    };
    work.bar.finish();
    let tally = work.tally.into_inner();
    let mut out = std::io::stdout().lock();
    if typed.json {
        writeln!(out, "{}", json!({ "summary": tally.json() }))?;
    } else {
        writeln!(out, "{}", tally.line(typed.dry_run))?;
    }
    ended?;
    Ok(if tally.unread > 0 { Exit::Partly } else { Exit::Done })
}

/// Everything that the sources share.
struct Work {
    replies: Replies,
    folder: PathBuf,
    is_watching: bool,
    says_each: bool,
    is_json: bool,
    stop: Stop,
    bar: Bar,
    ledger: Mutex<Ledger>,
    tally: Mutex<Tally>,
}

/// Why no more was taken in hand.
enum End {
    Full,
    Dry,
    Stopped,
    Failed(Stopped),
}

impl Work {
    async fn collect(&self, source: &Source) -> Result<(), Stopped> {
        let name = source.to_string();
        let mut known = self.ledger.lock().await.checkpoint(&name).await?;
        let setup = Setup {
            replies: self.replies.clone(),
            folder: self.folder.clone(),
            checkpoint: known,
            is_patient: self.is_watching,
        };
        let mut door = tokio::select! {
            door = Door::open(source, setup) => door?,
            () = self.stop.asked() => return Ok(()),
        };
        loop {
            let (batch, end) = self.take(&mut door).await;
            if !batch.is_empty() {
                known = self.record(&name, &mut door, batch, known).await?;
            }
            match end {
                End::Full => {}
                End::Failed(stopped) => return Err(stopped),
                // Between a question and its answer: the server notices that we are gone.
                End::Stopped => return Ok(()),
                End::Dry if !self.is_watching => break,
                End::Dry => {
                    let waited = tokio::select! {
                        waited = door.wait() => waited?,
                        () = self.stop.asked() => return Ok(()),
                    };
                    if waited == Waited::Ended {
                        break;
                    }
                }
            }
        }
        door.close().await;
        Ok(())
    }

    async fn take(&self, door: &mut Door) -> (Vec<Inbound>, End) {
        let mut batch: Vec<Inbound> = Vec::new();
        let mut octets = 0;
        while batch.len() < BATCH && octets < BATCH_OCTETS {
            let next = tokio::select! {
                biased;
                () = self.stop.asked() => return (batch, End::Stopped),
                next = door.next() => next,
            };
            match next {
                Ok(Some(inbound)) => {
                    if batch.is_empty() {
                        self.bar.total(door.left().map(|left| left + 1));
                    }
                    octets += inbound.octets.len();
                    batch.push(inbound);
                    self.bar.advance(1);
                }
                Ok(None) => return (batch, End::Dry),
                Err(InboundError::Message(error)) => {
                    self.tally.lock().await.unread += 1;
                    print_trouble(&error);
                }
                Err(error) => return (batch, End::Failed(error.into())),
            }
        }
        (batch, End::Full)
    }

    /// Reads and records a batch; gives the checkpoint that is now in the journal.
    async fn record(
        &self,
        name: &str,
        door: &mut Door,
        batch: Vec<Inbound>,
        known: Option<Checkpoint>,
    ) -> Result<Option<Checkpoint>, Stopped> {
        let now = clock::now();
        let mut ids = Vec::with_capacity(batch.len());
        let mut records = Vec::with_capacity(batch.len());
        let mut readings = Vec::with_capacity(batch.len());
        for inbound in batch {
            let reading = replies::read(&inbound.octets);
            let identity = Identity::of(&inbound.octets);
            let summary = in_json(&inbound.place, &reading);
            records.push(InboundRecord {
                identity: identity.key(),
                message_id: identity.message_id,
                digest: identity.digest,
                received: inbound.received,
                kind: reading.kind.as_str().to_owned(),
                state: state(reading.kind),
                summary: summary.to_string(),
            });
            ids.push(inbound.id);
            readings.push((inbound.place, reading));
        }
        let checkpoint = door.checkpoint(&ids, known);
        let new = self.ledger.lock().await.record(name, &records, checkpoint, now).await?;
        let mut out = std::io::stdout().lock();
        let mut tally = self.tally.lock().await;
        for ((record, (place, reading)), is_new) in records.iter().zip(&readings).zip(new) {
            tally.add(reading.kind, record.state, is_new);
            if self.says_each && is_new {
                if self.is_json {
                    writeln!(out, "{}", record.summary)?;
                } else {
                    writeln!(out, "{}", line(place, reading))?;
                }
            }
        }
        out.flush()?;
        drop((out, tally));
        if !self.ledger.lock().await.is_scratch {
            door.done(&ids).await?;
        }
        Ok(checkpoint)
    }
}

/// What a person has to look at, before anything is bound to an invitation.
fn state(kind: Kind) -> InboundState {
    match kind {
        Kind::Letter | Kind::Challenge | Kind::Unreadable => InboundState::Triage,
        Kind::Answer
        | Kind::Bounce
        | Kind::Complaint
        | Kind::Receipt
        | Kind::AutoReply
        | Kind::Unsubscribe
        | Kind::Echo => InboundState::Recorded,
    }
}

fn line(place: &str, reading: &Reading) -> String {
    let from = reading.from.as_ref().map_or("nobody named", |from| from.as_str());
    plain(&format!("{place}: {} from {from}: {}", reading.kind.as_str(), reading.because))
}

/// The journal, opened when it is needed.
struct Ledger {
    folder: PathBuf,
    store: Option<Store>,
    /// A copy that goes when we end.
    is_scratch: bool,
    /// Given back after each use, and waited for.
    is_shared: bool,
}

impl Ledger {
    fn new(folder: &Path, is_scratch: bool, is_shared: bool) -> Self {
        Self { folder: folder.to_owned(), store: None, is_scratch, is_shared }
    }

    async fn store(&mut self) -> Result<&Store, StoreError> {
        if self.store.is_none() {
            self.store = Some(self.open().await?);
        }
        Ok(self.store.as_ref().expect("it was opened just now"))
    }

    async fn open(&self) -> Result<Store, StoreError> {
        if self.is_scratch {
            return Store::scratch(&self.folder, &format!("replies-{}", std::process::id())).await;
        }
        let mut is_told = false;
        loop {
            match Store::open(&self.folder, clock::now().as_millisecond()).await {
                Err(StoreError::Busy(who)) if self.is_shared => {
                    if !std::mem::replace(&mut is_told, true) {
                        eprintln!("convoke: waiting: another convoke works in this folder{who}");
                    }
                    tokio::time::sleep(BUSY).await;
                }
                other => return other,
            }
        }
    }

    async fn checkpoint(&mut self, name: &str) -> Result<Option<Checkpoint>, StoreError> {
        let found = self.store().await?.inbound_checkpoint(name).await;
        self.give_back();
        found
    }

    async fn record(
        &mut self,
        name: &str,
        records: &[InboundRecord],
        checkpoint: Option<Checkpoint>,
        now: jiff::Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let recorded = self.store().await?.record_inbound(name, records, checkpoint, now).await;
        self.give_back();
        recorded
    }

    fn give_back(&mut self) {
        if self.is_shared && !self.is_scratch {
            self.store = None;
        }
    }
}
