//! `convoke status`: who stands where.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::json;

use super::approvals;
use super::folder::read_event_file;
use super::mailing::in_folder;
use super::plan::INVITATIONS;
use crate::cli;
use crate::desk::answers::Attendance;
use crate::desk::run_report::{Span, rate_in_words};
use crate::desk::{count, duration, states_json};
use crate::exit::{Exit, Stopped};
use crate::input::event_file::EventFile;
use crate::input::reminders::AnswerMode;
use crate::io::clock;
use crate::io::store::{EntityStanding, LedgerRow, Returns, Store, Wish};
use crate::journal::{Standing, Tally};
use crate::people::Kind;
use crate::plan::{Errand, History, Participation};
use crate::replies::{Class, cure};

/// Rows read at once.
const PAGE: usize = 1000;
/// Rows shown one by one.
const SHOWN: usize = 20;
/// Between two looks of `--watch`.
const WATCH: Duration = Duration::from_secs(2);

pub(super) async fn run(path: &Path, typed: &cli::Status) -> Result<Exit, Stopped> {
    let store = Store::open_reading(path).await?;
    if !typed.watch || !std::io::stdout().is_terminal() {
        return show(path, &store, typed).await;
    }
    loop {
        // Cleared and written from the top; Ctrl-C ends it, as nothing is held open but a reader.
        print!("\x1b[2J\x1b[H");
        show(path, &store, typed).await?;
        println!("\nevery {} s, until Ctrl-C", WATCH.as_secs());
        tokio::time::sleep(WATCH).await;
    }
}

async fn show(path: &Path, store: &Store, typed: &cli::Status) -> Result<Exit, Stopped> {
    if typed.in_doubt {
        return in_doubt(path, store, typed.json).await;
    }
    let sessions = Session::all(path, store).await?;
    let errands = store.errands().await?;
    // What needs somebody's attention does so whatever it was written for.
    let every = Tally::new(errands.iter().flat_map(|(_, tally)| Standing::ALL.map(|s| (s, tally.of(s)))));
    let left_out = store.left_out().await?;
    if typed.json {
        let left_out: Vec<_> =
            left_out.iter().map(|(place, fault)| json!({ "place": place.to_string(), "fault": fault })).collect();
        let mut all = Stand::read(path, store, None, &errands).await?.json();
        all["refused_rows"] = json!(left_out);
        all["last_run"] = last_run_json(store).await?;
        all["returned"] = returns_json(&returns(store).await?);
        all["approval"] = approvals::state(path, store).await?.1;
        if !sessions.is_empty() {
            // Each session has its own answers and its own life.
            (all["answers"], all["event"]) = (serde_json::Value::Null, serde_json::Value::Null);
            let mut list = Vec::new();
            for session in &sessions {
                let mut one = session.stand(path, store).await?.json();
                (one["id"], one["title"]) = (json!(session.id), json!(session.title));
                list.push(one);
            }
            all["sessions"] = json!(list);
        }
        println!("{all}");
        return Ok(exit(&every));
    }
    if sessions.is_empty() {
        Stand::read(path, store, None, &errands).await?.say(path);
    }
    for session in &sessions {
        println!("session `{}`: {}", session.id, session.title);
        session.stand(path, store).await?.say(path);
    }
    if !left_out.is_empty() {
        println!("{} left out at the last import:", count(left_out.len() as u64, "fault", "faults"));
        left_out.iter().take(SHOWN).for_each(|(place, fault)| println!("  {place}: {fault}"));
    }
    for standing in [Standing::Failed, Standing::InDoubt, Standing::Deferred] {
        if every.of(standing) > 0 {
            say_some(store, standing, every.of(standing)).await?;
        }
    }
    let invitations = errands.iter().find(|(errand, _)| *errand == INVITATIONS);
    let suppressed = invitations.map_or(0, |(_, tally)| tally.of(Standing::Suppressed));
    if suppressed > 0 {
        println!("{suppressed} suppressed: `convoke {}suppress --list`", in_folder(path));
    }
    approvals::state(path, store).await?.0.iter().for_each(|line| println!("{line}"));
    say_returns(path, &returns(store).await?);
    say_last_run(path, store).await?;
    if every.of(Standing::InDoubt) > 0 {
        println!(
            "ask those in doubt whether it arrived, then `convoke {}settle --sent …` or `--resend …`",
            in_folder(path)
        );
    }
    Ok(exit(&every))
}

/// A session as the folder and its journal know it.
pub(super) struct Session {
    pub(super) id: String,
    /// Empty where `convoke.toml` no longer has it, or cannot be read.
    pub(super) title: String,
    pub(super) mode: AnswerMode,
}

impl Session {
    /// All of them, in the order of the event, then those that are left in the journal; none where the event has none.
    pub(super) async fn all(path: &Path, store: &Store) -> Result<Vec<Self>, Stopped> {
        let mut left = store.histories().await?;
        left.remove("");
        if left.is_empty() {
            return Ok(Vec::new());
        }
        // A file that cannot be read now is no reason to hide who answered.
        let file = read_event_file(path).map(|(file, _)| file).ok();
        let mut all: Vec<Self> = Vec::new();
        for part in file.iter().flat_map(EventFile::parts).filter(|part| left.remove(part.session_id()).is_some()) {
            let title = part.event.title.in_language(&part.languages.default, &part.languages).to_owned();
            all.push(Self { id: part.session_id().to_owned(), title, mode: part.event.answers });
        }
        // What was dropped before anybody was invited to it is nothing to tell of.
        let invited = store.invited_by_session().await?;
        let left = left.into_keys().filter(|id| invited.get(id).is_some_and(|(sent, _)| *sent > 0));
        all.extend(left.map(|id| Self { id, title: String::new(), mode: AnswerMode::default() }));
        Ok(all)
    }

    async fn stand(&self, path: &Path, store: &Store) -> Result<Stand, Stopped> {
        store.look_at(&self.id);
        let stand = Stand::read(path, store, Some(self), &[]).await;
        store.look_at("");
        stand
    }
}

/// How the event stands, or a session of it.
struct Stand {
    by_kind: BTreeMap<String, Tally>,
    all: Tally,
    errands: Vec<(Errand, Tally)>,
    answers: Answers,
    history: Option<History>,
    next_due: Option<jiff::Timestamp>,
}

impl Stand {
    /// Of what the store looks at; `every` is what there is of the whole event, for each is counted anew.
    async fn read(
        path: &Path,
        store: &Store,
        session: Option<&Session>,
        every: &[(Errand, Tally)],
    ) -> Result<Self, Stopped> {
        let mode = match session {
            Some(session) => session.mode,
            // A file that cannot be read now is no reason to hide who answered.
            None => read_event_file(path).map(|(file, _)| file.event.answers).unwrap_or_default(),
        };
        let by_kind = store.tallies(INVITATIONS).await?;
        let all = Tally::new(by_kind.values().flat_map(|tally| Standing::ALL.map(|s| (s, tally.of(s)))));
        let errands = match session {
            Some(_) => store.errands().await?,
            None => every.to_vec(),
        };
        Ok(Self {
            by_kind,
            all,
            errands,
            answers: Answers::read(mode, store).await?,
            history: store.histories().await?.remove(session.map_or("", |session| session.id.as_str())),
            next_due: store.next_due(INVITATIONS).await?,
        })
    }

    fn json(&self) -> serde_json::Value {
        let kinds: serde_json::Map<_, _> =
            self.by_kind.iter().map(|(kind, t)| (kind.clone(), states_json(t))).collect();
        let others = self.errands.iter().filter(|(errand, _)| *errand != INVITATIONS).map(|(errand, tally)| {
            json!({ "purpose": errand.purpose.as_str(), "mailing": errand.mailing, "states": states_json(tally) })
        });
        json!({
            "answers": self.answers.json(),
            "states": states_json(&self.all), "by_kind": kinds,
            "other_messages": others.collect::<Vec<_>>(), "event": self.history.as_ref().map(event_json),
            "next_due": self.next_due.map(|t| t.to_string()),
        })
    }

    fn say(&self, path: &Path) {
        let Self { by_kind, all, .. } = self;
        let states: Vec<Standing> = Standing::ALL.into_iter().filter(|s| all.of(*s) > 0).collect();
        let width = |s: &Standing| s.in_words().len().max(8);
        print!("{:<12}{:>8}", "", "all");
        states.iter().for_each(|s| print!("  {:>w$}", s.in_words(), w = width(s)));
        println!();
        for (kind, tally) in by_kind.iter().map(|(k, t)| (k.as_str(), t)).chain([("all", all)]) {
            print!("{kind:<12}{:>8}", tally.total());
            states.iter().for_each(|s| print!("  {:>w$}", tally.of(*s), w = width(s)));
            println!();
        }
        self.answers.say(path);
        if let Some(history) = self.history.as_ref().filter(|history| history.revisions().len() > 1) {
            say_life(history, &self.errands);
        }
    }
}

/// What became of the event since the first invitation, and of the messages that told it.
fn say_life(history: &History, errands: &[(Errand, Tally)]) {
    for revision in history.revisions().iter().skip(1) {
        let note = if revision.note.is_empty() { String::new() } else { format!(": {}", revision.note) };
        println!("revision {}, {:.0}: {}{note}", revision.number, revision.dtstamp, revision.kind.as_str());
    }
    if history.is_cancelled() {
        let part = if history.current().session.is_empty() { "the event" } else { "the session" };
        println!("{part} is called off");
    }
    for (errand, tally) in errands.iter().filter(|(errand, _)| *errand != INVITATIONS) {
        let states = Standing::ALL.into_iter().filter(|s| tally.of(*s) > 0);
        let words: Vec<String> = states.map(|s| format!("{} {s}", tally.of(s))).collect();
        println!("{:<12}{:>8}  {}", errand.purpose.as_str(), tally.total(), words.join(", "));
    }
}

fn event_json(history: &History) -> serde_json::Value {
    let revisions: Vec<_> = history
        .revisions()
        .iter()
        .map(|revision| {
            json!({
                "number": revision.number,
                "kind": revision.kind.as_str(),
                "sequence": revision.sequence.number(),
                "dtstamp": revision.dtstamp.to_string(),
                "note": revision.note,
            })
        })
        .collect();
    json!({ "revision": history.current().number, "is_cancelled": history.is_cancelled(), "revisions": revisions })
}

/// What entities answered.
struct Answers {
    mode: AnswerMode,
    by_kind: BTreeMap<Kind, Attendance>,
    all: Attendance,
    withdrawn: u64,
    /// The first of those whose answers contradict each other, and how many there are.
    conflicts: Vec<(String, Vec<String>)>,
    all_conflicts: u64,
    asked_again: Vec<String>,
    /// The first of those who send somebody else, with what they said of it.
    delegated: Vec<(String, String)>,
}

impl Answers {
    async fn read(mode: AnswerMode, store: &Store) -> Result<Self, Stopped> {
        let (by_kind, all) = (BTreeMap::new(), Attendance::default());
        let (conflicts, asked_again, delegated) = (Vec::new(), Vec::new(), Vec::new());
        let mut answers =
            Self { mode, by_kind, all, withdrawn: 0, conflicts, all_conflicts: 0, asked_again, delegated };
        store.each_standing(|entity| answers.add(&entity)).await?;
        Ok(answers)
    }

    fn add(&mut self, entity: &EntityStanding) {
        if entity.is_withdrawn {
            self.withdrawn += 1;
            return;
        }
        if !entity.is_invited {
            return;
        }
        for attendance in [self.by_kind.entry(entity.kind).or_default(), &mut self.all] {
            attendance.add(&entity.position, entity.is_reached);
        }
        if !entity.position.conflicts.is_empty() {
            self.all_conflicts += 1;
            if self.conflicts.len() < SHOWN {
                let words = entity.position.conflicts.iter().map(ToString::to_string).collect();
                self.conflicts.push((entity.name.clone(), words));
            }
        }
        if entity.position.participation == Participation::AskedAgain && self.asked_again.len() < SHOWN {
            self.asked_again.push(entity.name.clone());
        }
        if entity.position.participation == Participation::Delegated && self.delegated.len() < SHOWN {
            let said = entity.position.decided_by.as_ref().map(|answer| answer.comment.clone()).unwrap_or_default();
            self.delegated.push((entity.name.clone(), said));
        }
    }

    fn say(&self, path: &Path) {
        println!();
        let headings = Attendance::headings();
        // A column without anybody says nothing; entities, the silent and the persons always do.
        let cells = self.all.cells(self.mode);
        let shown: Vec<usize> = (0..headings.len()).filter(|at| cells[*at] > 0 || [0, 1, 6, 8].contains(at)).collect();
        print!("{:<12}", "answers");
        shown.iter().for_each(|at| print!("  {:>w$}", headings[*at], w = headings[*at].len().max(8)));
        println!();
        let kinds = self.by_kind.iter().map(|(kind, attendance)| (kind.as_str(), attendance));
        for (kind, attendance) in kinds.chain([("all", &self.all)]) {
            let cells = attendance.cells(self.mode);
            print!("{kind:<12}");
            shown.iter().for_each(|at| print!("  {:>w$}", cells[*at], w = headings[*at].len().max(8)));
            println!();
        }
        if self.mode == AnswerMode::RegretsOnly {
            println!("{} come, the silent among them: only regrets are asked for", self.all.coming(self.mode));
        }
        if self.withdrawn > 0 {
            println!("{} withdrawn", count(self.withdrawn, "entity", "entities"));
        }
        if self.all_conflicts > 0 {
            println!("answers of {} are to be looked at:", count(self.all_conflicts, "entity", "entities"));
            for (name, conflicts) in &self.conflicts {
                println!("  {name}: {}", conflicts.join("; "));
            }
            println!("  `convoke {}note ENTITY` shows all that it said, and records what holds", in_folder(path));
        }
        let again = self.all.of(Participation::AskedAgain);
        if again > 0 {
            println!("{} asked again after a change:", count(again, "entity", "entities"));
            self.asked_again.iter().for_each(|name| println!("  {name}"));
            if again > self.asked_again.len() as u64 {
                println!("  … `convoke {}export --only answer=asked-again` has every one", in_folder(path));
            }
        }
        let delegated = self.all.of(Participation::Delegated);
        if delegated > 0 {
            let sends = if delegated == 1 { "entity sends" } else { "entities send" };
            println!(
                "{delegated} {sends} somebody else: put the new address on the lists and `convoke {}send`, or note how many come:",
                in_folder(path)
            );
            for (name, said) in &self.delegated {
                let said = if said.is_empty() { String::new() } else { format!(": {}", in_short(said)) };
                println!("  {name}{said}");
            }
        }
        println!();
    }

    fn json(&self) -> serde_json::Value {
        let kinds: serde_json::Map<_, _> = self
            .by_kind
            .iter()
            .map(|(kind, attendance)| (kind.as_str().to_owned(), attendance.json(self.mode)))
            .collect();
        let conflicts: Vec<_> =
            self.conflicts.iter().map(|(name, conflicts)| json!({ "entity": name, "conflicts": conflicts })).collect();
        json!({
            "all": self.all.json(self.mode), "by_kind": kinds, "withdrawn": self.withdrawn,
            "delegated": self.delegated.iter().map(|(name, said)| json!({ "entity": name, "words": said })).collect::<Vec<_>>(),
            "in_conflict": self.all_conflicts, "conflicts": conflicts, "asked_again": self.asked_again,
            "silence_means_presence": self.mode == AnswerMode::RegretsOnly,
        })
    }
}

async fn returns(store: &Store) -> Result<Returns, Stopped> {
    let today = TimeZone::system().to_datetime(clock::now()).date();
    Ok(store.returns(&today.to_string(), SHOWN).await?)
}

/// What came back, with what to do about it.
fn say_returns(path: &Path, returns: &Returns) {
    for (class, n) in &returns.bounced {
        let cure = Class::parse(class).map_or("look at the report", cure);
        println!("{} returned ({class}): {cure}", count(*n, "message", "messages"));
    }
    for (address, entity, class, diagnostic) in &returns.returned {
        println!("  {address} ({entity}): {class}: {}", diagnostic.replace(char::is_control, " "));
    }
    if !returns.absent.is_empty() {
        println!("out of office:");
        returns.absent.iter().for_each(|(address, until)| println!("  {address} until {until}"));
    }
    if returns.all_calls > 0 {
        let ask = if returns.all_calls == 1 { "mail asks" } else { "mails ask" };
        println!(
            "{} {ask} for a call: call, then `convoke {}note ENTITY …` records what was said:",
            returns.all_calls,
            in_folder(path)
        );
        returns.calls.iter().for_each(|wish| println!("  {}: {}", whose(wish), in_short(&wish.words)));
    }
    if returns.all_proposals > 0 {
        println!(
            "{} proposed: `convoke {}triage NUMBER` decides; another time for all is `convoke {}update`:",
            count(returns.all_proposals, "other time or place is", "other times or places are"),
            in_folder(path),
            in_folder(path)
        );
        returns.proposals.iter().for_each(|wish| println!("  number {}, {}: {}", wish.id, whose(wish), proposed(wish)));
    }
    if returns.strangers > 0 {
        let words = count(returns.strangers, "answer", "answers");
        println!("{words} from whoever is on no list, or with another's invitation");
    }
    if returns.late > 0 {
        println!("{} after the event", count(returns.late, "answer came", "answers came"));
    }
    if returns.triage > 0 {
        let words = count(returns.triage, "message waits", "messages wait");
        let letters =
            if returns.letters > 0 { format!(", {} of them letters", returns.letters) } else { String::new() };
        println!("{words} for a decision{letters}: `convoke {}triage`", in_folder(path));
    }
}

/// Of which mailbox a wish is, and of whom.
fn whose(wish: &Wish) -> String {
    let whose = if wish.entity.is_empty() { "nobody on the lists" } else { wish.entity.as_str() };
    format!("{} ({whose})", wish.address)
}

/// When and where, and what was said with it.
fn proposed(wish: &Wish) -> String {
    let mut words = Vec::new();
    if !wish.start.is_empty() {
        words.push(format!("{} to {}", wish.start, wish.end));
    }
    if !wish.location.is_empty() {
        words.push(in_short(&wish.location));
    }
    if !wish.words.is_empty() {
        words.push(format!("`{}`", in_short(&wish.words)));
    }
    words.join(", ")
}

/// Others' words in one line of bounded length.
fn in_short(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().filter(|c| !c.is_control()).take(100).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

fn wishes_json(wishes: &[Wish]) -> Vec<serde_json::Value> {
    let one = |wish: &Wish| {
        json!({ "number": wish.id, "address": wish.address, "entity": wish.entity, "words": wish.words,
            "start": wish.start, "end": wish.end, "location": wish.location })
    };
    wishes.iter().map(one).collect()
}

fn returns_json(returns: &Returns) -> serde_json::Value {
    let bounced: Vec<_> = returns
        .bounced
        .iter()
        .map(|(class, n)| json!({ "class": class, "messages": n, "what_to_do": Class::parse(class).map(cure) }))
        .collect();
    let absent: Vec<_> =
        returns.absent.iter().map(|(address, until)| json!({ "address": address, "until": until })).collect();
    json!({ "bounced": bounced, "out_of_office": absent, "triage": returns.triage, "letters": returns.letters,
        "strangers": returns.strangers, "late": returns.late, "want_a_call": returns.all_calls,
        "calls": wishes_json(&returns.calls), "proposed": returns.all_proposals,
        "proposals": wishes_json(&returns.proposals) })
}

async fn say_last_run(path: &Path, store: &Store) -> Result<(), Stopped> {
    let Some(run) = store.last_run().await? else { return Ok(()) };
    let (counts, span) = store.run_counts(run.number).await?;
    let took = span.map(Span::length).unwrap_or_default();
    let rate = rate_in_words(counts.accepted as f64 / took.as_secs_f64().max(0.001));
    let how = if counts.accepted > 1 { format!(" in {}, {rate}", duration(took)) } else { String::new() };
    let end = if run.ended.is_some() { "" } else { "; it goes on, or was stopped from outside" };
    println!(
        "last run {}, begun {:.0}: {} of {} taken{how}{end}; `convoke {}report` has more",
        run.number,
        run.started,
        counts.accepted,
        count(counts.attempts, "attempt", "attempts"),
        in_folder(path)
    );
    Ok(())
}

async fn last_run_json(store: &Store) -> Result<serde_json::Value, Stopped> {
    let Some(run) = store.last_run().await? else { return Ok(serde_json::Value::Null) };
    Ok(json!({
        "number": run.number,
        "started": run.started.to_string(),
        "ended": run.ended.map(|t| t.to_string()),
        "ended_by": run.ended_by,
        "counts": store.run_counts(run.number).await?.0,
    }))
}

fn exit(all: &Tally) -> Exit {
    if all.of(Standing::Failed) + all.of(Standing::InDoubt) + all.of(Standing::Bounced) > 0 {
        Exit::Partly
    } else {
        Exit::Done
    }
}

async fn say_some(store: &Store, standing: Standing, total: u64) -> Result<(), Stopped> {
    println!("{standing}:");
    // Every message in doubt is named, however many there are.
    let most = if standing == Standing::InDoubt { usize::MAX } else { SHOWN };
    let rows = rows(store, standing, most).await?;
    for row in &rows {
        let due = row.due.map(|t| format!(", due again {t:.0}")).unwrap_or_default();
        println!(
            "  {} ({}): {}{due}",
            row.recipient.address,
            row.recipient.entity,
            row.reply.as_deref().unwrap_or("no answer")
        );
    }
    if rows.len() as u64 != total {
        println!("  … {total} in all; `convoke export` has every one");
    }
    Ok(())
}

/// The dispatches in one state, `most` at most.
pub(super) async fn rows(store: &Store, standing: Standing, most: usize) -> Result<Vec<LedgerRow>, Stopped> {
    let (mut found, mut after) = (Vec::new(), 0);
    while found.len() < most {
        let page = store.ledger_page_of(standing, after, PAGE.min(most - found.len())).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        found.extend(page);
    }
    Ok(found)
}

async fn in_doubt(path: &Path, store: &Store, as_json: bool) -> Result<Exit, Stopped> {
    let rows = rows(store, Standing::InDoubt, usize::MAX).await?;
    if as_json {
        let all: Vec<_> = rows
            .iter()
            .map(|row| {
                let mut one = json!({
                    "recipient": row.recipient.address.as_str(),
                    "entity": row.recipient.entity,
                    "message_id": row.message_id,
                    "uid": row.uid,
                    "purpose": row.purpose.as_str(),
                    "revision": row.revision,
                    "relay": row.relay,
                    "reply": row.reply,
                    "time": row.changed.to_string(),
                });
                if !row.session.is_empty() {
                    one["session"] = json!(row.session);
                }
                one
            })
            .collect();
        println!("{}", serde_json::Value::from(all));
    } else if rows.is_empty() {
        println!("nothing is in doubt");
    } else {
        for row in &rows {
            println!(
                "{}  <{}>  {:.0}  {}",
                row.recipient.address,
                row.message_id.as_deref().unwrap_or_default(),
                row.changed,
                row.reply.as_deref().unwrap_or_default()
            );
        }
        println!("decide with `convoke {}settle --sent …` or `--resend …`", in_folder(path));
    }
    Ok(if rows.is_empty() { Exit::Done } else { Exit::Partly })
}
