//! From a plan in the journal to messages that leave: the part that every verb shares which sends any.
//!
//! What: [`Mailing`], the open messages of one errand; [`Mailing::approve`] counts them, reckons how long they take and asks;
//! [`Approved::send`] sends them and sums up. Between the two the caller makes its plan lasting.
//! Not here: planning (`plan`, `update`, `cancel`), one run of connections (`run`). Called by: the verbs that send.
//! Can fail: with what the user has to decide or mend; with the journal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::chosen::Chosen;
use super::folder::Folder;
use super::progress::Bar;
use super::record::RunRecord;
use super::run::{Line, Outlet, Over, Parts};
use super::sandbox::Outbox;
use super::sealing::{self, Asked};
use super::{forecast, seal};
use crate::cli;
use crate::delivery::{BackOff, Choice, ProviderTerms, Traffic};
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::input::event_file::{EventFile, whole_file};
use crate::input::problem::Problem;
use crate::input::relay::Relay;
use crate::io::clock;
use crate::io::pace::Gate;
use crate::io::smtp::{self, Deadlines, Login, Route};
use crate::io::stop::Stop;
use crate::io::store::Store;
use crate::journal::{Standing, Tally};
use crate::message::Composer;
use crate::plan::{self, Errand, Purpose};
use crate::settings::Sending;

/// A clock that is set is noticed after so long.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The open messages of one errand, and how they are to leave.
pub(super) struct Mailing<'m> {
    pub(super) folder: &'m Folder,
    pub(super) store: &'m Store,
    pub(super) composer: Composer,
    pub(super) errand: Errand,
    pub(super) selection: &'m Chosen,
    /// The selection as it was typed.
    pub(super) only: &'m [String],
    pub(super) typed: &'m cli::Delivery,
    pub(super) sending: &'m Sending,
    /// What to type to go on: `send`, `update`, `cancel --all`.
    pub(super) again: String,
    /// What a program is told beside how the run went: what has changed about the event. Empty for most verbs.
    pub(super) story: Map<String, Value>,
}

/// Whether anything leaves.
pub(super) enum Approval<'m> {
    /// It may.
    Given(Box<Approved<'m>>),
    /// Nothing does, and that was said.
    Over(Exit),
    /// Nothing does yet; what was planned is sealed, and stays.
    Sealed(Exit),
}

/// A mailing that may leave.
pub(super) struct Approved<'m> {
    mailing: Mailing<'m>,
    relays: Vec<Relay>,
    sandbox: Option<Outbox>,
    outlets: Vec<Outlet>,
    names: String,
    open: u64,
    leave: plan::Approved,
}

impl<'m> Mailing<'m> {
    /// Counts, reckons, asks. Nothing is written: what was planned before may still be given up.
    ///
    /// # Errors
    /// No time is left, a relay cannot be used, or the person said no.
    pub(super) async fn approve(self) -> Result<Approval<'m>, Stopped> {
        let Self { folder, store, errand, selection, typed, sending, .. } = &self;
        let path = &folder.path;
        let before = store.tally(*errand).await?;
        let open = count_open(store, *errand, selection, typed.limit, &before).await?;
        if typed.dry_run {
            return Ok(Approval::Over(say_dry(&before, open, typed.json.then_some(&self.story))));
        }
        if open == 0 {
            let exit = say_nothing_to_do(path, &before, typed.json.then_some(&self.story));
            if !typed.json {
                say_others(store, *errand, path).await?;
            }
            return Ok(Approval::Over(exit));
        }
        if typed.seal {
            return Ok(Approval::Sealed(seal::run(&self.asked(), typed, &self.story).await?));
        }
        let (in_words, forecast) = forecast::reckon(store, &sending.terms, open).await?;
        if forecast.begins.is_none() {
            let cure = "set `limits.until` or the windows so that there is time left";
            return Err(Stopped::Configuration(vec![Problem::new(whole_file(), in_words, cure)]));
        }
        let leave = sealing::leave(&self.asked(), &self.again).await?;
        let (relays, sandbox) = if sending.relays.is_empty() {
            let outbox = Outbox::start(&outbox_in(path), folder.title()).await?;
            (vec![outbox.relay()], Some(outbox))
        } else {
            (sending.relays.clone(), None)
        };
        let names = relays.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if relays.iter().any(|relay| !relay.is_loopback()) {
            confirm(&names, open, typed.yes)?;
        }
        let outlets = relays
            .iter()
            .map(|relay| {
                Ok(Outlet { route: route(relay, &folder.file, path)?, connections: sending.connections_to(relay) })
            })
            .collect::<Result<Vec<_>, Stopped>>()?;
        if !typed.json {
            say_where(folder, sandbox.is_some(), &names, open);
            if !forecast.bound_by.is_empty() {
                println!("{in_words}");
            }
        }
        Ok(Approval::Given(Box::new(Approved { mailing: self, relays, sandbox, outlets, names, open, leave })))
    }
}

impl Mailing<'_> {
    /// What is sealed of it, or compared with what was.
    fn asked(&self) -> Asked<'_> {
        let Self { folder, store, composer, errand, selection, only, typed, sending, .. } = self;
        let relay = typed.relay.as_deref();
        Asked { folder, store, composer, errand: *errand, selection, only, relay, sending }
    }
}

impl Approved<'_> {
    /// Sends and sums up.
    ///
    /// # Errors
    /// The journal or the log cannot be written, or a message cannot be made.
    pub(super) async fn send(self) -> Result<Exit, Stopped> {
        let Self { mailing, relays, sandbox, outlets, names, open, leave } = self;
        let Mailing { folder, store, composer, errand, selection, only, typed, sending, again, story } = mailing;
        let path = &folder.path;
        let bar = Bar::items("sending", open);
        let stop = {
            let bar = bar.clone();
            Stop::listen(move || {
                bar.say("stopping: what is in flight is finished and recorded; once more stops at once");
            })
        };
        let used = match sending.terms.asks_for_usage() {
            true => store.usage_since(forecast::since(clock::now())).await?,
            false => Vec::new(),
        };
        let record = RunRecord::begin(path, &folder.file, errand.purpose, (typed, only), sending, store).await?;
        store.note_leave(leave.approvals()).await?;
        let parts = Parts {
            store,
            composer: Arc::new(composer),
            errand,
            selection,
            gate: Gate::new(&sending.terms, &used),
            traffic: Traffic::new(relays.iter().map(choice).collect()),
            outlets: &outlets,
            stop: &stop,
            bar: &bar,
            record: &record,
            limit: typed.limit,
            no_wait: typed.no_wait,
            providers: sending.terms.providers.iter().flat_map(of_provider).collect(),
        };
        let line = Line::new(parts, &leave);
        let started = Instant::now();
        let outcome = rounds(&line, typed.no_wait, (store, errand), selection, &stop, &bar).await;
        let took = started.elapsed();
        bar.finish();
        let blown = line.blown().or_else(|| line.unreached());
        let sent = line.counts().sent.load(Ordering::Relaxed);
        let (troubles, left_behind) = (line.troubles(), line.left_behind());
        let why = blown.as_ref().map(|over| over.why.as_str()).or(left_behind.as_deref());
        let report = record.end(path, &folder.file, store, &ended_by(&outcome, why, &stop)).await;
        let index = match sandbox {
            Some(outbox) => Some(outbox.end().await?),
            None => None,
        };
        let waiting = outcome?;
        let after = store.tally(errand).await?;
        let summary = Summary {
            sent,
            took,
            after,
            index,
            report,
            blown,
            left_behind,
            stopped: stop.is_asked(),
            next_due: waiting,
            troubles,
        };
        if typed.json {
            return Ok(summary.json(&story));
        }
        let exit = summary.say(path, &names, &again);
        say_others(store, errand, path).await?;
        Ok(exit)
    }
}

/// Names what other commands have left open.
pub(super) async fn say_others(store: &Store, errand: Errand, path: &Path) -> Result<(), Stopped> {
    for (other, n) in store.open_errands().await? {
        if other != errand {
            let (one, many) = match other.purpose {
                Purpose::Invitation => ("invitation is", "invitations are"),
                Purpose::Reminder => ("reminder is", "reminders are"),
                Purpose::Update => ("update is", "updates are"),
                Purpose::Cancellation => ("cancellation is", "cancellations are"),
                Purpose::Message => ("letter is", "letters are"),
            };
            // Whom a cancellation concerns was typed: it is resumed by the same words, and by no others.
            let more = if other.purpose == Purpose::Cancellation { " …`, as before" } else { "`" };
            let verb = other.purpose.verb();
            println!("{} still to be sent: `convoke {}{verb}{more}", count(n, one, many), in_folder(path));
        }
    }
    Ok(())
}

fn of_provider(provider: &ProviderTerms) -> impl Iterator<Item = (String, String)> {
    provider.domains.iter().map(|domain| (domain.clone(), provider.name.clone()))
}

fn choice(relay: &Relay) -> Choice {
    Choice { name: relay.name.clone(), priority: relay.priority, weight: relay.weight, domains: relay.domains.clone() }
}

/// What ended a run before everybody was sent to.
fn ended_by(outcome: &Result<Option<jiff::Timestamp>, Stopped>, blown: Option<&str>, stop: &Stop) -> String {
    match outcome {
        Err(stopped) => crate::io::chain(stopped),
        Ok(_) if stop.is_asked() => "stopped by the user".to_owned(),
        Ok(_) => blown.unwrap_or_default().to_owned(),
    }
}

/// Sends, waits for what was deferred, sends again; gives when the next one is due if the run ends before.
async fn rounds(
    line: &Line<'_>,
    no_wait: bool,
    (store, errand): (&Store, Errand),
    selection: &Chosen,
    stop: &Stop,
    bar: &Bar,
) -> Result<Option<jiff::Timestamp>, Stopped> {
    let (recorder, writer) = store.recorder();
    let result = loop {
        let taken = line.counts().taken.load(Ordering::Relaxed);
        if let Err(stopped) = line.round(&recorder).await {
            break Err(stopped);
        }
        let is_idle = line.counts().taken.load(Ordering::Relaxed) == taken;
        let (has_open, deferred) = still_open(store, errand, selection).await?;
        // A relay that rests is no reason to come back where everybody has been sent to.
        let due = [deferred, line.come_back().filter(|_| has_open)].into_iter().flatten().min();
        let Some(next) = due else { break Ok(None) };
        // One that is due and was not taken cannot be: another round would fare alike.
        let is_stuck = is_idle && next <= clock::now();
        let is_over = line.blown().is_some() || line.left_behind().is_some() || line.is_spent();
        if no_wait || is_stuck || stop.is_asked() || is_over {
            break Ok(due);
        }
        bar.message(format!("waiting until {} for deferred messages", in_local_words(next)));
        while !stop.is_asked() {
            let wait = Duration::try_from(next.duration_since(clock::now())).unwrap_or_default();
            if wait.is_zero() {
                break;
            }
            tokio::select! {
                // Not all of it at once: the clock may be set in the meantime.
                () = tokio::time::sleep(wait.min(LONGEST_SLEEP)) => {}
                () = stop.asked() => {}
            }
        }
        if stop.is_asked() {
            break Ok(due);
        }
        bar.message("sending".to_owned());
    };
    drop(recorder);
    // Whatever was handed over is committed before the summary is counted.
    let _ = writer.await;
    result
}

/// Whether anybody of the selection is still to be sent to, and when the first of those who were deferred is due.
async fn still_open(
    store: &Store,
    errand: Errand,
    selection: &Chosen,
) -> Result<(bool, Option<jiff::Timestamp>), Stopped> {
    if selection.is_everybody() {
        return Ok((store.count_open(errand).await? > 0, store.next_due(errand).await?));
    }
    let (mut has_open, mut due, mut after) = (false, None, 0);
    loop {
        let page = store.ledger_page(after, 1000).await?;
        let Some(last) = page.last() else { return Ok((has_open, due)) };
        after = last.id;
        for row in page.iter().filter(|row| {
            (row.purpose, row.mailing) == (errand.purpose, errand.mailing)
                && selection.takes(row.recipient_id, &row.recipient)
        }) {
            has_open |= matches!(row.standing, Standing::Ready | Standing::Deferred);
            if row.standing == Standing::Deferred {
                due = [due, row.due].into_iter().flatten().min();
            }
        }
    }
}

/// The time of day, and the day where it is not today's.
fn in_local_words(at: jiff::Timestamp) -> String {
    let zone = jiff::tz::TimeZone::system();
    let today = clock::now().to_zoned_datetime(zone.clone()).date();
    let at = at.to_zoned_datetime(zone);
    let form = if at.date() == today { "%H:%M %Z" } else { "%a %d %b %H:%M %Z" };
    at.strftime(form).to_string()
}

pub(super) fn route(relay: &Relay, file: &EventFile, folder: &Path) -> Result<Route, Stopped> {
    let login = Login::of(relay, folder)?;
    if let (Some(user), None) = (&relay.user, &login) {
        return Err(Stopped::Usage(format!(
            "the relay has the user `{user}` and no password; name its place under [[relay]]: password = {{ env = \"NAME\" }}"
        )));
    }
    let now = clock::now();
    // Before the end, not at it: then nothing leaves any more.
    let start = file.last_start();
    let end = file.limits.until.map_or(start, |until| until.min(start));
    let end = end.checked_sub(Duration::from_secs(1)).unwrap_or(end);
    let until = BackOff::end(now, file.limits.retry_for, end);
    Ok(Route {
        relay: relay.clone(),
        tls: smtp::tls_of(relay, folder)?,
        login,
        deadlines: Deadlines::from(&file.limits.timeouts),
        backoff: BackOff { waits: file.limits.retry_after.clone(), until },
    })
}

/// A relay that is not on this machine can reach people: the count is typed by a person, or given with --yes.
pub(super) fn confirm(relay: &str, count: u64, yes: Option<u64>) -> Result<(), Stopped> {
    if let Some(yes) = yes {
        return if yes == count {
            Ok(())
        } else {
            Err(Stopped::Usage(format!("--yes {yes}, but {count} messages would leave; nothing was sent")))
        };
    }
    if !std::io::stdin().is_terminal() {
        return Err(Stopped::Usage(format!(
            "{count} messages would leave through {relay}; add --yes {count} to send them"
        )));
    }
    eprint!("{count} messages will leave through {relay}. Type the number to send them: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == count.to_string() {
        return Ok(());
    }
    Err(Stopped::Usage("that is not the number; nothing was sent".to_owned()))
}

/// How many this run may take: those that are open, meant, and within the limit.
async fn count_open(
    store: &Store,
    errand: Errand,
    selection: &Chosen,
    limit: Option<u64>,
    tally: &Tally,
) -> Result<u64, Stopped> {
    let limit = limit.unwrap_or(u64::MAX);
    if tally.open() == 0 {
        return Ok(0);
    }
    if selection.is_everybody() {
        return Ok(store.count_open(errand).await?.min(limit));
    }
    let mut open = 0;
    let mut after = 0;
    loop {
        let page = store.open_page(errand, after, i64::MAX, 1000).await?;
        let Some(last) = page.last() else { return Ok(open.min(limit)) };
        after = last.id;
        open += page.iter().filter(|row| selection.takes(row.recipient_id, &row.recipient)).count() as u64;
    }
}

/// One JSON object with what else there is to tell.
pub(super) fn joined(mut object: Value, story: &Map<String, Value>) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.extend(story.clone());
    }
    object
}

/// `story`: that of the JSON, where JSON is wanted.
fn say_dry(before: &Tally, open: u64, story: Option<&Map<String, Value>>) -> Exit {
    let sent = before.of(Standing::Sent);
    if let Some(story) = story {
        println!("{}", joined(json!({ "dry_run": true, "would_send": open, "sent_before": sent }), story));
    } else {
        println!(
            "dry run: {} would be sent, {sent} were sent before; nothing was sent",
            count(open, "message", "messages")
        );
    }
    Exit::Done
}

fn say_nothing_to_do(path: &Path, tally: &Tally, story: Option<&Map<String, Value>>) -> Exit {
    let (sent, failed, in_doubt) = (tally.of(Standing::Sent), tally.of(Standing::Failed), tally.of(Standing::InDoubt));
    if let Some(story) = story {
        println!("{}", joined(json!({ "sent": 0, "states": crate::desk::states_json(tally) }), story));
    } else if tally.open() > 0 {
        println!("nobody is left to send to in this selection; {} are still open", tally.open());
    } else if failed + in_doubt == 0 {
        println!("everybody has been sent to: {}; nothing was sent now", count(sent, "message", "messages"));
    } else {
        println!("nobody is left to send to: {sent} sent, {failed} refused by the relay, {in_doubt} in doubt");
    }
    if story.is_none() {
        println!("  convoke {}status      shows every delivery", in_folder(path));
    }
    if failed + in_doubt > 0 { Exit::Partly } else { Exit::Done }
}

fn say_where(folder: &Folder, sandbox: bool, relays: &str, open: u64) {
    let to = if sandbox {
        format!("the sandbox in `{}`; nothing leaves this machine", outbox_in(&folder.path).display())
    } else {
        relays.to_owned()
    };
    println!("{} to {to}", count(open, "message", "messages"));
}

/// The sandbox's outbox, named without a needless `./`.
pub(super) fn outbox_in(path: &Path) -> PathBuf {
    if path == Path::new(".") { PathBuf::from("outbox") } else { path.join("outbox") }
}

/// The options that lead to this folder again, for commands that are suggested.
pub(super) fn in_folder(path: &Path) -> String {
    if path == Path::new(".") { String::new() } else { format!("-C {} ", path.display()) }
}

struct Summary {
    sent: u64,
    took: Duration,
    after: Tally,
    index: Option<PathBuf>,
    report: Option<PathBuf>,
    blown: Option<Over>,
    /// Why some are not sent to although nothing failed.
    left_behind: Option<String>,
    stopped: bool,
    next_due: Option<jiff::Timestamp>,
    /// Relays and providers that do not work as usual.
    troubles: Vec<String>,
}

impl Summary {
    fn exit(&self) -> Exit {
        if self.blown.is_some() && self.sent == 0 {
            Exit::Unreachable
        } else if self.after.of(Standing::Failed) + self.after.of(Standing::InDoubt) > 0
            || self.blown.is_some()
            || self.left_behind.is_some()
        {
            Exit::Partly
        } else if self.next_due.is_some() || (self.stopped && self.after.open() > 0) {
            Exit::TryAgain
        } else {
            Exit::Done
        }
    }

    fn json(&self, story: &Map<String, Value>) -> Exit {
        let summary = json!({
            "sent": self.sent,
            "seconds": self.took.as_secs_f64(),
            "states": crate::desk::states_json(&self.after),
            "stopped": self.stopped,
            "ended_by": self.blown.as_ref().map(|over| &over.why).or(self.left_behind.as_ref()),
            "troubles": self.troubles,
            "next_due": self.next_due.map(|t| t.to_string()),
            "index": self.index.as_ref().map(|p| p.display().to_string()),
            "report": self.report.as_ref().map(|p| p.display().to_string()),
        });
        println!("{}", joined(summary, story));
        self.exit()
    }

    fn say(&self, path: &Path, relay: &str, again: &str) -> Exit {
        let folder = in_folder(path);
        let rate = self.sent as f64 / self.took.as_secs_f64().max(0.001);
        println!(
            "sent {} in {}{}",
            count(self.sent, "message", "messages"),
            crate::desk::duration(self.took),
            if self.sent > 1 { format!(" ({rate:.0} a second)") } else { String::new() }
        );
        for standing in [Standing::Deferred, Standing::Failed, Standing::InDoubt, Standing::Ready] {
            let n = self.after.of(standing);
            if n > 0 {
                println!("  {n:>8} {standing}");
            }
        }
        for trouble in self.troubles.iter().chain(&self.left_behind) {
            println!("  {trouble}");
        }
        if let Some(Over { relay: only, why }) = &self.blown {
            let relay = only.as_deref().unwrap_or(relay);
            eprintln!(
                "convoke: {relay} cannot be used: {why}; nobody's turn was lost, mend it and run `convoke {folder}{again}` again"
            );
        }
        if self.stopped {
            println!("stopped; `convoke {folder}{again}` goes on where it ended");
        } else if let Some(next) = self.next_due {
            println!("run `convoke {folder}{again}` again after {} for those who are left", in_local_words(next));
        }
        println!("look next:");
        if let Some(index) = &self.index {
            println!("  {:<32}every message, to look at", index.display().to_string());
        }
        if let Some(report) = &self.report {
            println!("  {:<32}how this run went", report.display().to_string());
        }
        println!("  {:<32}who was sent to, who was not", format!("convoke {folder}status"));
        if self.after.of(Standing::InDoubt) > 0 {
            println!("  {:<32}the ones to ask after, then settle them", format!("convoke {folder}status --in-doubt"));
        }
        println!("  {:<32}the same as CSV", format!("convoke {folder}export"));
        self.exit()
    }
}
