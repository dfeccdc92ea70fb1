//! From the folder to a journal in which everybody has a dispatch: the part that `send`, `check` and `preview` share.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::folder::Folder;
use super::gate::{self, Found};
use super::lists::{self, Reading};
use super::suppress;
use crate::cli;
use crate::exit::Stopped;
use crate::input::event_file;
use crate::input::problem::Problem;
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

/// The event of the folder beside that of the journal.
pub(super) struct Settled {
    pub(super) key: FolderKey,
    pub(super) lists: String,
    pub(super) history: History,
    /// As the folder has it now.
    pub(super) facts: Facts,
    /// As those who are invited were told it last.
    pub(super) told: Facts,
    /// Between the two; empty where they say the same.
    pub(super) difference: Difference,
}

/// Reads the folder's event and the journal's, and lets them agree where nobody was told otherwise.
pub(super) async fn settle(folder: &Folder, store: &Store) -> Result<Settled, Stopped> {
    let facts = folder.library.facts(&folder.file).map_err(Stopped::Configuration)?;
    let first = Revision::first(&facts, clock::now());
    let FolderState { key, lists, mut history } = store.folder(&folder.file.event.id, seed::secret()?, &first).await?;
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
        let Revision { number, sequence, kind, note, .. } = current;
        let revision = Revision { number, sequence, kind, note, ..first };
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
    Ok(Settled { key, lists, history, facts, told, difference })
}

impl Settled {
    /// The composer of every state of the event.
    pub(super) fn composer(&self, folder: &Folder, history: &History) -> Result<Composer, Stopped> {
        let composer = Composer::new(&folder.file, Arc::clone(&folder.library), &self.key, history);
        Ok(composer.map_err(Stopped::Configuration)?.signed_by(folder.signer.clone()))
    }
}

/// Reads the lists into the journal, checks every message that is to be sent, and commits; or leaves no trace.
///
/// Lists that were typed add to the plan; those of `convoke.toml` are the plan, and whoever left them is taken off.
pub(super) async fn plan(folder: &Folder, store: &Store, typed: &cli::Lists) -> Result<Planned, Stopped> {
    let skip_refused = typed.skip_refused;
    let settled = settle(folder, store).await?;
    if !settled.difference.is_empty() {
        return Err(differs(store, &settled).await?);
    }
    let composer = settled.composer(folder, &settled.history)?;
    let digest = format!("{}{}", folder.digest, if skip_refused { " less the refused" } else { "" });
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
    let counts = importer.finish(settled.history.current(), typed.recipients.is_empty(), now_ms).await?;
    let mut found = gate::check_all(store, &composer, INVITATIONS, counts.planned).await?;
    if !found.problems.is_empty() {
        return Err(Stopped::Configuration(std::mem::take(&mut found.problems)));
    }
    store.remember_lists(&digest).await?;
    let suppressed = store.suppressed_dispatches().await?;
    Ok(Planned { composer, settled, counts: Some(counts), reading, found: Some(found), suppressed })
}

/// The event in the file is not that in the journal.
pub(super) async fn differs(store: &Store, settled: &Settled) -> Result<Stopped, Stopped> {
    let reached = store.reached().await?;
    let changes: Vec<&str> = settled.difference.changes().iter().map(|change| change.sentence.as_str()).collect();
    let fault = format!("the event differs from what {reached} messages say: {}", changes.join("; "));
    let cure = "`convoke update` tells everybody who was sent it, or put it back as it was";
    Ok(Stopped::Configuration(vec![Problem::new(event_file::whole_file(), fault, cure)]))
}

/// A selection with known columns.
pub(super) fn selection(only: &[String], columns: &BTreeSet<String>) -> Result<Selection, Stopped> {
    Ok(Selection::parse(only, columns)?)
}
