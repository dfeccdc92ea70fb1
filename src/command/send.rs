//! `convoke send`: plans, asks, sends, sums up.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use super::folder::Folder;
use super::plan::{self, INVITATIONS, Planned};
use super::progress::Bar;
use super::record::RunRecord;
use super::run::{Line, Outlet, Over, Parts};
use super::sandbox::Outbox;
use super::sealing::{self, Asked};
use super::trial;
use super::{forecast, lists};
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
use crate::plan::{Purpose, Selection};
use crate::settings::Sending;

/// A clock that is set is noticed after so long.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

pub(super) async fn run(path: &Path, typed: &cli::Send) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let sending = Sending::of(&folder.file, typed, clock::now()).map_err(Stopped::Usage)?;
    let selection = plan::selection(&typed.only, &folder.columns)?;
    if !typed.json {
        say_lists(&folder);
    }
    if let Some(to) = &typed.test_to {
        return trial::run(&folder, typed, &sending, to).await;
    }
    let store = if typed.dry_run {
        Store::scratch(path, &format!("dry-run-{}", std::process::id())).await?
    } else {
        Store::open(path, clock::now().as_millisecond()).await?
    };
    let planned = plan::plan(&folder, &store, &typed.lists).await?;
    say_plan(&planned, path, typed.json);
    let before = store.tally(INVITATIONS).await?;
    let open = count_open(&store, &selection, typed.limit, &before).await?;
    if typed.dry_run {
        return Ok(say_dry(&before, open, typed.json));
    }
    if open == 0 {
        return Ok(say_nothing_to_do(path, &before, typed.json));
    }
    let (in_words, forecast) = forecast::reckon(&store, &sending.terms, open).await?;
    if forecast.begins.is_none() {
        let cure = "set `limits.until` or the windows so that there is time left";
        return Err(Stopped::Configuration(vec![Problem::new(whole_file(), in_words, cure)]));
    }
    let asked = Asked {
        folder: &folder,
        store: &store,
        composer: &planned.composer,
        errand: INVITATIONS,
        selection: &selection,
        only: &typed.only,
        lists: &typed.lists,
        relay: typed.relay.as_deref(),
        sending: &sending,
    };
    let leave = sealing::leave(&asked).await?;
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
        say_where(&folder, sandbox.is_some(), &names, open);
        if !forecast.bound_by.is_empty() {
            println!("{in_words}");
        }
    }
    let bar = Bar::items("sending", open);
    let stop = {
        let bar = bar.clone();
        Stop::listen(move || bar.say("stopping: what is in flight is finished and recorded; once more stops at once"))
    };
    let used = match sending.terms.asks_for_usage() {
        true => store.usage_since(forecast::since(clock::now())).await?,
        false => Vec::new(),
    };
    let record = RunRecord::begin(path, &folder.file, typed, &sending, &store).await?;
    store.note_leave(leave.approvals()).await?;
    let parts = Parts {
        store: &store,
        composer: Arc::new(planned.composer),
        errand: INVITATIONS,
        selection: &selection,
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
    let outcome = rounds(&line, typed.no_wait, &store, &selection, &stop, &bar).await;
    let took = started.elapsed();
    bar.finish();
    let blown = line.blown().or_else(|| line.unreached());
    let sent = line.counts().sent.load(Ordering::Relaxed);
    let (troubles, left_behind) = (line.troubles(), line.left_behind());
    let why = blown.as_ref().map(|over| over.why.as_str()).or(left_behind.as_deref());
    let report = record.end(path, &folder.file, &store, &ended_by(&outcome, why, &stop)).await;
    let index = match sandbox {
        Some(outbox) => Some(outbox.end().await?),
        None => None,
    };
    let waiting = outcome?;
    let after = store.tally(INVITATIONS).await?;
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
    Ok(if typed.json { summary.json() } else { summary.say(path, &names) })
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
    store: &Store,
    selection: &Selection,
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
        let (has_open, deferred) = still_open(store, selection).await?;
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
async fn still_open(store: &Store, selection: &Selection) -> Result<(bool, Option<jiff::Timestamp>), Stopped> {
    if selection.is_everybody() {
        return Ok((store.count_open(INVITATIONS).await? > 0, store.next_due(INVITATIONS).await?));
    }
    let (mut has_open, mut due, mut after) = (false, None, 0);
    loop {
        let page = store.ledger_page(after, 1000).await?;
        let Some(last) = page.last() else { return Ok((has_open, due)) };
        after = last.id;
        for row in page.iter().filter(|row| row.purpose == Purpose::Invitation && selection.takes(&row.recipient.cells))
        {
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
    let end = file.limits.until.map_or(file.event.start, |until| until.min(file.event.start));
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
async fn count_open(store: &Store, selection: &Selection, limit: Option<u64>, tally: &Tally) -> Result<u64, Stopped> {
    let limit = limit.unwrap_or(u64::MAX);
    if tally.open() == 0 {
        return Ok(0);
    }
    if selection.is_everybody() {
        return Ok(store.count_open(INVITATIONS).await?.min(limit));
    }
    let mut open = 0;
    let mut after = 0;
    loop {
        let page = store.open_page(INVITATIONS, after, i64::MAX, 1000).await?;
        let Some(last) = page.last() else { return Ok(open.min(limit)) };
        after = last.id;
        open += page.iter().filter(|row| selection.takes(&row.recipient.cells)).count() as u64;
    }
}

fn say_lists(folder: &Folder) {
    for list in &folder.lists {
        for remark in &list.remarks {
            eprintln!("{}: {remark}", list.name);
        }
    }
}

pub(super) fn say_plan(planned: &Planned, path: &Path, json: bool) {
    if let Some(counts) = &planned.counts {
        lists::say_duplicates(counts);
        if planned.reading.refused_rows > 0 {
            crate::exit::print_problems(&planned.reading.refused);
            eprintln!(
                "{} left out (--skip-refused)",
                count(planned.reading.refused_rows, "refused row", "refused rows")
            );
        }
        if !json {
            println!(
                "{} of {} on the lists, {} newly planned{}",
                count(counts.listed, "mailbox", "mailboxes"),
                count(counts.entities, "entity", "entities"),
                counts.planned,
                if counts.withdrawn > 0 { format!(", {} taken off", counts.withdrawn) } else { String::new() },
            );
        }
    }
    if planned.suppressed > 0 && !json {
        println!("{} suppressed: `convoke {}suppress --list`", planned.suppressed, in_folder(path));
    }
    for warning in planned.found.iter().flat_map(|found| &found.warnings) {
        eprintln!("warning: {warning}");
    }
}

fn say_dry(before: &Tally, open: u64, json: bool) -> Exit {
    let sent = before.of(Standing::Sent);
    if json {
        println!("{}", json!({ "dry_run": true, "would_send": open, "sent_before": sent }));
    } else {
        println!(
            "dry run: {} would be sent, {sent} were sent before; nothing was sent",
            count(open, "message", "messages")
        );
    }
    Exit::Done
}

fn say_nothing_to_do(path: &Path, tally: &Tally, json: bool) -> Exit {
    let (sent, failed, in_doubt) = (tally.of(Standing::Sent), tally.of(Standing::Failed), tally.of(Standing::InDoubt));
    if json {
        println!("{}", json!({ "sent": 0, "states": crate::desk::states_json(tally) }));
    } else if tally.open() > 0 {
        println!("nobody is left to send to in this selection; {} are still open", tally.open());
    } else if failed + in_doubt == 0 {
        println!("everybody has been sent to: {}; nothing was sent now", count(sent, "message", "messages"));
    } else {
        println!("nobody is left to send to: {sent} sent, {failed} refused by the relay, {in_doubt} in doubt");
    }
    if !json {
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

    fn json(&self) -> Exit {
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
        println!("{summary}");
        self.exit()
    }

    fn say(&self, path: &Path, relay: &str) -> Exit {
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
                "convoke: {relay} cannot be used: {why}; nobody's turn was lost, mend it and run `convoke {folder}send` again"
            );
        }
        if self.stopped {
            println!("stopped; `convoke {folder}send` goes on where it ended");
        } else if let Some(next) = self.next_due {
            println!("run `convoke {folder}send` again after {} for those who are left", in_local_words(next));
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
