//! From the folder to a journal in which everybody has a dispatch: the part that `send`, `check` and `preview` share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::folder::Folder;
use super::gate::{self, Found};
use super::lists::{self, Reading};
use super::suppress;
use crate::cli;
use crate::desk::count;
use crate::exit::Stopped;
use crate::input::event_file::{self, EventFile};
use crate::input::problem::Problem;
use crate::input::toml_reader::nearest;
use crate::io::store::{FolderState, ImportCounts, Store};
use crate::io::{clock, seed};
use crate::message::Composer;
use crate::plan::amendment::{Difference, compare};
use crate::plan::{Errand, Facts, FactsFault, FolderKey, History, Purpose, Revision, Selection};

/// What `send` sends.
pub(super) const INVITATIONS: Errand = Errand { purpose: Purpose::Invitation, mailing: 0 };

/// A folder with its plan in the journal.
pub(super) struct Planned {
    pub(super) composer: Composer,
    pub(super) settled: Settled,
    /// What the import did; `None` where the lists had been read before and nothing has changed since.
    pub(super) counts: Option<ImportCounts>,
    /// What reading the rows gave.
    pub(super) reading: Reading,
    /// What making every message gave; `None` where they had been made before.
    pub(super) found: Option<Found>,
    /// Messages that are held back for suppressed addresses.
    pub(super) suppressed: u64,
}

/// The event of the folder beside that of the journal, with all of its sessions.
#[derive(Clone)]
pub(super) struct Settled {
    pub(super) key: FolderKey,
    pub(super) lists: String,
    /// The states of the event as a whole where it has sessions: letters to everybody are of it.
    whole: Option<History>,
    /// The sessions in the order of their starts; the event itself where it has none.
    pub(super) parts: Vec<Part>,
}

/// The event, or a session of it.
#[derive(Clone)]
pub(super) struct Part {
    /// `convoke.toml` with the facts of this part.
    pub(super) file: EventFile,
    pub(super) history: History,
    /// As the folder has it now.
    pub(super) facts: Facts,
    /// As those who are invited were told it last.
    pub(super) told: Facts,
    /// Between the two; empty where they say the same.
    pub(super) difference: Difference,
}

impl Part {
    /// The id of the session; empty for the event itself.
    pub(super) fn session(&self) -> &str {
        self.file.session_id()
    }

    /// For words: `the event`, or the session by its id.
    pub(super) fn name(&self) -> String {
        match self.session() {
            "" => "the event".to_owned(),
            id => format!("the session `{id}`"),
        }
    }
}

/// Reads the folder's event and the journal's, and lets them agree where nobody was told otherwise.
pub(super) async fn settle(folder: &Folder, store: &Store) -> Result<Settled, Stopped> {
    let now = clock::now();
    let files = folder.file.parts();
    let facts = |file: &EventFile| folder.library.facts(file).map_err(Stopped::Configuration);
    let parts: Vec<(EventFile, Facts)> =
        files.into_iter().map(|file| Ok((file.clone(), facts(&file)?))).collect::<Result<_, Stopped>>()?;
    let mut firsts: Vec<Revision> =
        parts.iter().map(|(file, facts)| Revision::first(facts, now).of_session(file.session_id())).collect();
    let has_sessions = !folder.file.sessions.is_empty();
    if has_sessions {
        firsts.insert(0, Revision::first(&facts(&folder.file)?, now));
    }
    let FolderState { key, lists, mut histories } =
        store.folder(&folder.file.event.id, seed::secret()?, &firsts).await?;
    let whole = if has_sessions { histories.remove("") } else { None };
    let mut settled = Settled { key, lists, whole, parts: Vec::new() };
    for ((file, facts), first) in parts.into_iter().zip(firsts.into_iter().skip(usize::from(has_sessions))) {
        let history = histories.remove(file.session_id()).expect("the journal was given its first state just now");
        store.look_at(file.session_id());
        let part = settle_part(file, facts, first, history, store).await;
        store.look_at("");
        settled.parts.push(part?);
    }
    let left = histories.into_iter().chain(settled.whole.clone().map(|whole| (String::new(), whole)));
    strangers(store, left.collect()).await?;
    Ok(settled)
}

async fn settle_part(
    file: EventFile,
    facts: Facts,
    first: Revision,
    mut history: History,
    store: &Store,
) -> Result<Part, Stopped> {
    let current = history.current().clone();
    let unreadable = |fault: FactsFault| {
        let cure = "upgrade convoke, or restore the journal";
        Stopped::Configuration(vec![Problem::new(event_file::whole_file(), fault.to_string(), cure)])
    };
    let mut told = Facts::parse(&current.facts).map_err(unreadable)?;
    let mut difference = compare(&told, &facts);
    let is_another_sender = told.organizer() != facts.organizer();
    if difference.is_empty() && !is_another_sender {
        // Languages that nobody was told it in yet; of before version 4, all of it.
        let agreed = if told.is_whole() { told.clone().with_languages_of(&facts) } else { facts.clone() };
        if agreed.to_json() != current.facts {
            store.complete_revision(current.number, &agreed).await?;
            history = history.replaced(Revision { facts: agreed.to_json(), ..current });
            told = agreed;
        }
    } else if store.reached().await? == 0 {
        let Revision { number, session, sequence, kind, note, .. } = current;
        let revision = Revision { number, session, sequence, kind, note, ..first };
        store.replace_revision(&revision).await?;
        history = history.replaced(revision);
        told = facts.clone();
        difference = Difference::default();
    } else if is_another_sender {
        let fault = format!(
            "the sender is `{}`; those who were sent the invitation have it of `{}`",
            facts.organizer(),
            told.organizer()
        );
        let cure = "put it back: calendars take changes from the organizer alone, and answers go there";
        return Err(Stopped::Configuration(vec![Problem::new(event_file::whole_file(), fault, cure)]));
    }
    Ok(Part { file, history, facts, told, difference })
}

/// Invitations to what `convoke.toml` no longer has, or to the event as a whole that it has cut into sessions, would never
/// be changed or taken back again.
async fn strangers(store: &Store, left: BTreeMap<String, History>) -> Result<(), Stopped> {
    if left.is_empty() {
        return Ok(());
    }
    let invited = store.invited_by_session().await?;
    let strangers = left.iter().filter_map(|(session, history)| {
        let (sent, open) = invited.get(session).copied().unwrap_or_default();
        let is_over = history.is_cancelled() && open == 0;
        (sent > 0 && !is_over).then(|| match session.as_str() {
            "" => Problem::new(
                event_file::whole_file(),
                format!("{} to the event were sent before it had sessions", count(sent, "invitation", "invitations")),
                "take `[[session]]` out, or begin another folder for the sessions",
            ),
            id => Problem::new(
                event_file::whole_file(),
                format!("there is no session `{id}`, and {} to it were sent", count(sent, "invitation", "invitations")),
                format!("put it back; `cancel --all --session {id}` takes it back from everybody"),
            ),
        })
    });
    let problems: Vec<Problem> = strangers.collect();
    if problems.is_empty() { Ok(()) } else { Err(Stopped::Configuration(problems)) }
}

impl Settled {
    /// The composer of every state of the event and its sessions.
    pub(super) fn composer(&self, folder: &Folder) -> Result<Composer, Stopped> {
        let first = self.whole.as_ref().unwrap_or(&self.parts[0].history);
        let mut composer = Composer::new(&folder.file, Arc::clone(&folder.library), &self.key, first);
        if self.whole.is_some() {
            for part in &self.parts {
                composer = composer.and_then(|composer| composer.with_session(&part.file, &part.history));
            }
        }
        Ok(composer.map_err(Stopped::Configuration)?.signed_by(folder.signer.clone()))
    }

    /// The state of the event, or of the session that was named, that a letter is of.
    pub(super) fn revision(&self, session: &str) -> u32 {
        let of_part = || self.parts.iter().find(|part| part.session() == session).map(|part| &part.history);
        let of_whole = self.whole.as_ref().filter(|_| session.is_empty());
        of_whole.or_else(of_part).map_or(0, |history| history.current().number)
    }

    /// What newcomers are told: of each session that takes place; of an event without sessions always.
    fn current(&self) -> Vec<&Revision> {
        let takes_place = |part: &&Part| self.whole.is_none() || !part.history.is_cancelled();
        self.parts.iter().filter(takes_place).map(|part| part.history.current()).collect()
    }

    /// Whether the event in the file is that in the journal.
    ///
    /// # Errors
    /// It is not: with the words for it.
    pub(super) async fn agrees(&self, store: &Store) -> Result<(), Stopped> {
        let mut problems = Vec::new();
        for part in self.parts.iter().filter(|part| !part.difference.is_empty()) {
            problems.push(differs(store, part).await?);
        }
        if problems.is_empty() { Ok(()) } else { Err(Stopped::Configuration(problems)) }
    }
}

/// The sessions that are meant by what was typed, in their order: one, or all of them; an event without sessions is its only
/// part.
pub(super) fn meant<'p>(parts: &'p mut [Part], typed: Option<&str>) -> Result<Vec<&'p mut Part>, Stopped> {
    let ids: Vec<String> = parts.iter().map(|part| part.session().to_owned()).collect();
    let wanted = session(&ids, typed)?;
    Ok(parts.iter_mut().filter(|part| wanted.is_empty() || part.session() == wanted).collect())
}

/// The id of the session that was typed; empty where none was.
///
/// # Errors
/// There is none of that id.
pub(super) fn session(ids: &[String], typed: Option<&str>) -> Result<String, Stopped> {
    let Some(typed) = typed else { return Ok(String::new()) };
    let id = typed.trim().to_lowercase();
    if !id.is_empty() && ids.contains(&id) {
        return Ok(id);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !id.is_empty()).collect();
    let cure = match (nearest(&id, ids.iter().copied()), ids.is_empty()) {
        (_, true) => "convoke.toml has no `[[session]]`".to_owned(),
        (Some(near), _) => format!("did you mean `{near}`? there are: {}", ids.join(", ")),
        (None, _) => format!("there are: {}", ids.join(", ")),
    };
    Err(Stopped::Usage(format!("--session `{typed}` is no session; {cure}")))
}

/// Reads the lists into the journal, checks every message that is to be sent, and commits; or leaves no trace.
///
/// Lists that were typed add to the plan; those of `convoke.toml` are the plan, and whoever left them is taken off.
pub(super) async fn plan(folder: &Folder, store: &Store, typed: &cli::Lists) -> Result<Planned, Stopped> {
    let skip_refused = typed.skip_refused;
    let settled = settle(folder, store).await?;
    settled.agrees(store).await?;
    let composer = settled.composer(folder)?;
    let mut digest = format!("{}{}", folder.digest, if skip_refused { " less the refused" } else { "" });
    // Whoever comes while a session is called off is planned once it takes place again.
    for part in settled.parts.iter().filter(|part| settled.whole.is_some() && part.history.is_cancelled()) {
        digest.push_str(&format!(" less {}", part.session()));
    }
    suppress::take_lists(store, &folder.file, &folder.path).await?;
    let swept = store.sweep_suppressed(clock::now().as_millisecond()).await?;
    // Who is off the suppression list again has to pass the gate.
    if settled.lists == digest && swept.released == 0 {
        let suppressed = store.suppressed_dispatches().await?;
        let reading = Reading::default();
        return Ok(Planned { composer, settled, counts: None, reading, found: None, suppressed });
    }
    let mut importer = store.importer().await?;
    let reading = lists::read_all(&folder.lists, &folder.file, &mut importer, skip_refused).await?;
    if reading.refused_rows > 0 && !skip_refused {
        lists::say_duplicates(&importer.abandon().await?);
        return Err(Stopped::Data(reading.refused, reading.refused_rows));
    }
    // The digest is stored only when the messages have been checked: until then a next run reads everything again.
    let now_ms = clock::now().as_millisecond();
    let sessions: Vec<&str> = settled.parts.iter().map(Part::session).collect();
    let counts = importer.finish(&settled.current(), &sessions, typed.recipients.is_empty(), now_ms).await?;
    let mut found = gate::check_all(store, &composer, INVITATIONS, counts.planned).await?;
    if !found.problems.is_empty() {
        return Err(Stopped::Configuration(std::mem::take(&mut found.problems)));
    }
    store.remember_lists(&digest).await?;
    let suppressed = store.suppressed_dispatches().await?;
    Ok(Planned { composer, settled, counts: Some(counts), reading, found: Some(found), suppressed })
}

/// The event in the file is not that in the journal.
pub(super) async fn differs(store: &Store, part: &Part) -> Result<Problem, Stopped> {
    store.look_at(part.session());
    let reached = store.reached().await;
    store.look_at("");
    let changes: Vec<&str> = part.difference.changes().iter().map(|change| change.sentence.as_str()).collect();
    let (name, reached) = (part.name(), reached?);
    let fault = format!("{name} differs from what {reached} messages say: {}", changes.join("; "));
    let cure = "`convoke update` tells everybody who was sent it, or put it back as it was";
    Ok(Problem::new(event_file::whole_file(), fault, cure))
}

/// Whether the event was called off, with all of its sessions.
pub(super) async fn is_cancelled(file: &EventFile, store: &Store) -> Result<bool, Stopped> {
    let histories = store.histories().await?;
    let is_off = |file: &EventFile| histories.get(file.session_id()).is_some_and(History::is_cancelled);
    Ok(file.parts().iter().all(is_off))
}

/// A selection with known columns.
pub(super) fn selection(only: &[String], columns: &BTreeSet<String>) -> Result<Selection, Stopped> {
    Ok(Selection::parse(only, columns)?)
}
