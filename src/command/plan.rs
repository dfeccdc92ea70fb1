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
use crate::plan::{Errand, Facts, Purpose, Revision, Selection};

/// What `send` sends.
pub(super) const INVITATIONS: Errand = Errand { purpose: Purpose::Invitation, mailing: 0 };

/// A folder with its plan in the journal.
pub(super) struct Planned {
    pub(super) composer: Composer,
    /// What the import did; `None` where the lists had been read before and nothing has changed since.
    pub(super) counts: Option<ImportCounts>,
    /// What reading the rows gave.
    pub(super) reading: Reading,
    /// What making every message gave; `None` where they had been made before.
    pub(super) found: Option<Found>,
    /// Messages that are held back for suppressed addresses.
    pub(super) suppressed: u64,
}

/// Reads the lists into the journal, checks every message that is to be sent, and commits; or leaves no trace.
///
/// Lists that were typed add to the plan; those of `convoke.toml` are the plan, and whoever left them is taken off.
pub(super) async fn plan(folder: &Folder, store: &Store, typed: &cli::Lists) -> Result<Planned, Stopped> {
    let skip_refused = typed.skip_refused;
    let facts = Facts::of(&folder.file);
    let first = Revision::first(&facts, clock::now());
    let mut state = store.folder(&folder.file.event.id, seed::secret()?, &first).await?;
    settle_facts(store, &mut state, &facts, &first).await?;
    let composer = Composer::new(&folder.file, Arc::clone(&folder.library), &state.key, &state.revision)
        .map_err(Stopped::Configuration)?
        .signed_by(folder.signer.clone());
    let digest = format!("{}{}", folder.digest, if skip_refused { " less the refused" } else { "" });
    suppress::take_lists(store, &folder.file, &folder.path).await?;
    let swept = store.sweep_suppressed(clock::now().as_millisecond()).await?;
    // Who is off the suppression list again has to pass the gate.
    if state.lists == digest && swept.released == 0 {
        let suppressed = store.suppressed_dispatches().await?;
        return Ok(Planned { composer, counts: None, reading: Reading::default(), found: None, suppressed });
    }
    let mut importer = store.importer().await?;
    let reading = lists::read_all(&folder.lists, &folder.file, &mut importer, skip_refused).await?;
    if reading.refused_rows > 0 && !skip_refused {
        lists::say_duplicates(&importer.abandon().await?);
        return Err(Stopped::Data(reading.refused, reading.refused_rows));
    }
    // The digest is stored only when the messages have been checked: until then a next run reads everything again.
    let now_ms = clock::now().as_millisecond();
    let counts = importer.finish(&state.revision, typed.recipients.is_empty(), now_ms).await?;
    let mut found = gate::check_all(store, &composer, INVITATIONS, counts.planned).await?;
    if !found.problems.is_empty() {
        return Err(Stopped::Configuration(std::mem::take(&mut found.problems)));
    }
    store.remember_lists(&digest).await?;
    let suppressed = store.suppressed_dispatches().await?;
    Ok(Planned { composer, counts: Some(counts), reading, found: Some(found), suppressed })
}

/// The event in the file against the event in the journal.
async fn settle_facts(store: &Store, state: &mut FolderState, facts: &Facts, first: &Revision) -> Result<(), Stopped> {
    if state.revision.facts == facts.to_json() {
        return Ok(());
    }
    let reached = store.reached().await?;
    if reached > 0 {
        let fault =
            format!("title, place, time, page or sender of the event differ from what {reached} recipients were sent");
        let cure = "put it back as it was: those who have the old one would keep it in their calendars";
        return Err(Stopped::Configuration(vec![Problem::new(event_file::whole_file(), fault, cure)]));
    }
    let revision = Revision { number: state.revision.number, sequence: state.revision.sequence, ..first.clone() };
    store.replace_revision(&revision).await?;
    state.revision = revision;
    Ok(())
}

/// A selection with known columns.
pub(super) fn selection(only: &[String], columns: &BTreeSet<String>) -> Result<Selection, Stopped> {
    Ok(Selection::parse(only, columns)?)
}
