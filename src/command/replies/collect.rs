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
use super::{bound_json, plain};
use crate::cli;
use crate::command::folder::read_event_file;
use crate::command::progress::Bar;
use crate::exit::{Exit, Stopped, print_trouble};
use crate::input::event_file::EventFile;
use crate::input::replies::{Keep, Replies, Source};
use crate::io::clock;
use crate::io::inbound::{Door, Inbound, InboundError, InboundId, Setup, Waited};
use crate::io::originals;
use crate::io::stop::Stop;
use crate::io::store::{Store, StoreError};
use crate::journal::{Checkpoint, InboundRecord, InboundState};
use crate::replies::{self, Circumstances, Identity, Own, Reading, Wanted, authenticated_domains, consequence};

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

/// Where names of files begin: those of the file in the event folder, typed ones where we stand.
pub(super) fn base(folder: &Path, typed: &cli::Replies) -> PathBuf {
    if typed.from.is_empty() { folder.to_owned() } else { PathBuf::new() }
}

pub(super) async fn run(path: &Path, typed: &cli::Replies) -> Result<Exit, Stopped> {
    let (file, _) = read_event_file(path)?;
    let sources = sources(typed, &file.replies)?;
    let bar = Bar::items("reading", 0);
    let first = bar.clone();
    let stop = Stop::listen(move || first.say("stopping when what is in hand is recorded; Ctrl-C again stops at once"));
    let shared = typed.watch.then(|| stop.clone());
    let ledger = Ledger::new(path, typed.dry_run, shared, file.records.hashed);
    let work = Work {
        event: Happening::of(&file),
        replies: file.replies,
        folder: path.to_owned(),
        base: base(path, typed),
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
    // All is recorded: that nobody reads this is no reason to have the mails brought again.
    if typed.json {
        println!("{}", json!({ "summary": tally.json() }));
    } else {
        println!("{}", tally.line(typed.dry_run));
    }
    ended?;
    Ok(if tally.unread > 0 { Exit::Partly } else { Exit::Done })
}

/// What has to be known of the event to bind a mail to it.
struct Happening {
    own: Own,
    end: jiff::Timestamp,
}

impl Happening {
    fn of(file: &EventFile) -> Self {
        let own = Own { event: file.event.id.clone(), sender: file.sender.address.clone() };
        Self { own, end: file.last_end() }
    }
}

/// Everything that the sources share.
struct Work {
    event: Happening,
    replies: Replies,
    folder: PathBuf,
    base: PathBuf,
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
            base: self.base.clone(),
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
        let mut ledger = self.ledger.lock().await;
        let (ids, records, readings) = self.judge(&mut ledger, batch, now).await?;
        let checkpoint = door.checkpoint(&ids, known);
        let new = ledger.record(name, &records, checkpoint, now).await?;
        drop(ledger);
        let mut out = std::io::stdout().lock();
        let mut tally = self.tally.lock().await;
        for ((record, (place, reading)), is_new) in records.iter().zip(&readings).zip(new) {
            tally.add(reading.kind, record.state, is_new);
            if self.says_each && is_new {
                if self.is_json {
                    writeln!(out, "{}", record.summary)?;
                } else {
                    writeln!(out, "{}", line(place, reading, record))?;
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

    /// Reads messages and says of each whose it is and what follows.
    async fn judge(
        &self,
        ledger: &mut Ledger,
        batch: Vec<Inbound>,
        now: jiff::Timestamp,
    ) -> Result<(Vec<InboundId>, Vec<InboundRecord>, Vec<(String, Reading)>), Stopped> {
        let readings: Vec<Reading> = batch.iter().map(|inbound| replies::read(&inbound.octets)).collect();
        let mut wanted = Wanted::default();
        readings.iter().for_each(|reading| wanted.add(reading, &self.event.own));
        let known = ledger.store().await?.known(&wanted).await?;
        let (mut ids, mut records, mut read) = (Vec::new(), Vec::new(), Vec::new());
        for (inbound, reading) in batch.into_iter().zip(readings) {
            let identity = Identity::of(&inbound.octets);
            let authenticated = match &self.replies.authserv_id {
                Some(id) => authenticated_domains(&inbound.octets, id),
                None => Vec::new(),
            };
            let judged = consequence(
                &reading,
                &known,
                &Circumstances {
                    own: &self.event.own,
                    end: self.event.end,
                    authenticated: &authenticated,
                    evidence: &identity.digest,
                    received: inbound.received,
                    now,
                },
            );
            let is_kept = match self.replies.keep {
                Keep::None => false,
                Keep::Triage => judged.state == InboundState::Triage,
                Keep::All => true,
            };
            let original = match is_kept && !ledger.is_scratch {
                true => originals::keep(&self.folder, &identity.digest, &inbound.octets)?,
                false => String::new(),
            };
            let summary = bound_json(&inbound.place, &reading, &judged);
            records.push(InboundRecord {
                identity: identity.key(),
                message_id: identity.message_id,
                digest: identity.digest,
                received: inbound.received,
                kind: reading.kind.as_str().to_owned(),
                state: judged.state,
                summary: summary.to_string(),
                bound: judged.bound,
                original,
            });
            ids.push(inbound.id);
            read.push((inbound.place, reading));
        }
        Ok((ids, records, read))
    }
}

fn line(place: &str, reading: &Reading, record: &InboundRecord) -> String {
    let from = reading.from.as_ref().map_or("nobody named", |from| from.as_str());
    let whose = if record.bound.entity.is_empty() { "nobody on the lists" } else { &record.bound.entity };
    let state = record.state.as_str();
    plain(&format!("{place}: {} from {from}: {}; of {whose}: {state}", reading.kind.as_str(), reading.because))
}

/// The journal, opened when it is needed.
struct Ledger {
    folder: PathBuf,
    store: Option<Store>,
    /// A copy that goes when we end.
    is_scratch: bool,
    /// Where it is given back after each use, and waited for: what ends the wait.
    shared: Option<Stop>,
    /// Whether addresses that must not be written to are kept as hashes.
    hashes: bool,
}

impl Ledger {
    fn new(folder: &Path, is_scratch: bool, shared: Option<Stop>, hashes: bool) -> Self {
        Self { folder: folder.to_owned(), store: None, is_scratch, shared, hashes }
    }

    async fn store(&mut self) -> Result<&Store, StoreError> {
        if self.store.is_none() {
            let store = self.open().await?;
            if self.hashes {
                store.hash_suppressed().await?;
            }
            store.index_identities().await?;
            self.store = Some(store);
        }
        Ok(self.store.as_ref().expect("it was opened just now"))
    }

    async fn open(&self) -> Result<Store, StoreError> {
        if self.is_scratch {
            return Store::scratch(&self.folder, &format!("replies-{}", std::process::id())).await;
        }
        let mut is_told = false;
        loop {
            let opened = Store::open(&self.folder, clock::now().as_millisecond()).await;
            let (Err(StoreError::Busy(who)), Some(stop)) = (&opened, &self.shared) else { return opened };
            if !std::mem::replace(&mut is_told, true) {
                eprintln!("convoke: waiting: another convoke works in this folder{who}");
            }
            tokio::select! {
                () = tokio::time::sleep(BUSY) => {}
                // What is in hand is not recorded: the next run reads it again.
                () = stop.asked() => return opened,
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
        if self.shared.is_some() {
            self.store = None;
        }
    }
}
