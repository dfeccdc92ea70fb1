//! Letters that nobody is sent now, made for everybody all the same: a broken one is found before the day on which it is needed.
//!
//! What: [`all`], for every purpose and every mailing that has templates. Not here: the gate itself (`gate`).
//! Called by: `check`. Can fail: with the problems of those letters.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::Folder;
use super::gate;
use super::plan::Settled;
use crate::calendar::{OrganizerMethod, PartStat, Sequence};
use crate::exit::Stopped;
use crate::io::clock;
use crate::io::store::{OpenRow, REMINDED, Store};
use crate::mail::MessageId;
use crate::plan::{DispatchKey, Entry, Held, Purpose, Revision, RevisionKind};

/// The number of a mailing that is none.
const TRIAL: i64 = -1;

/// What a row is dressed with.
struct Costume {
    /// The state that is told.
    number: u32,
    sequence: Sequence,
    before: Revision,
}

/// Makes them; gives how many by folder of templates.
pub(super) async fn all(folder: &Folder, store: &Store, settled: &Settled) -> Result<BTreeMap<String, u64>, Stopped> {
    let now = clock::now();
    let highest = settled.parts.iter().map(|part| part.history.latest().number).max().unwrap_or_default();
    let mut rehearsed = BTreeMap::new();
    let names: BTreeSet<&str> =
        folder.library.letters().filter_map(|l| l.name.split_once('/')).map(|(f, _)| f).collect();
    for name in names {
        let purpose = Purpose::parse(name).unwrap_or(Purpose::Message);
        if purpose == Purpose::Invitation {
            continue;
        }
        // Histories in which something has changed, so that what letters say of it is said.
        let mut tried = settled.clone();
        let mut costumes: BTreeMap<String, Costume> = BTreeMap::new();
        for (number, part) in (highest.saturating_add(1)..).zip(&mut tried.parts) {
            let current = part.history.current().clone();
            let before = Revision { facts: part.facts.clone().varied().to_json(), ..current };
            let history = part.history.clone().replaced(before.clone());
            let (kind, facts) = match purpose {
                Purpose::Cancellation => {
                    let facts = folder.library.cancelled(&part.file, part.facts.clone(), false, "a note");
                    (RevisionKind::Cancellation, facts.map_err(Stopped::Configuration)?)
                }
                _ => (RevisionKind::Material, part.facts.clone()),
            };
            // A history that is full has nothing to rehearse.
            let Some(next) = history.next(kind, &facts, "a note", now) else { continue };
            let next = Revision { number, ..next };
            let costume = Costume { number, sequence: next.sequence, before };
            costumes.insert(part.session().to_owned(), costume);
            part.history = history.with(next);
        }
        if costumes.is_empty() {
            continue;
        }
        let composer = tried.composer(folder)?.with_mailing(TRIAL, name);
        let method = purpose.method();
        let dress = |row: &mut OpenRow| {
            let Some(Costume { number, sequence, before }) = costumes.get(&row.session) else { return false };
            let dispatch = &mut row.dispatch;
            let held = Held {
                revision: before.number,
                sequence: before.sequence,
                method: OrganizerMethod::Request,
                language: None,
            };
            let mailing = if purpose == Purpose::Message { TRIAL } else { 0 };
            let recipient = dispatch.key.recipient.clone();
            dispatch.key = DispatchKey { purpose, revision: *number, mailing, recipient };
            let partstat = PartStat::NeedsAction;
            dispatch.entry = method.map(|method| Entry { method, sequence: *sequence, partstat });
            dispatch.held = method.map(|_| held);
            dispatch.thread = Some(MessageId::from_journal("thread@trial.invalid".to_owned()));
            row.date = None;
            true
        };
        let found = gate::rehearse(store, &composer, &dress).await?;
        if !found.problems.is_empty() {
            return Err(Stopped::Configuration(found.problems));
        }
        if purpose == Purpose::Reminder {
            // To those who answered it says something else, and goes without a calendar object.
            let dress_answered = |row: &mut OpenRow| {
                let is_dressed = dress(row);
                (row.dispatch.entry, row.dispatch.held) = (None, None);
                row.recipient.cells.insert(REMINDED.to_owned(), "accepted".to_owned());
                is_dressed
            };
            let found = gate::rehearse(store, &composer, dress_answered).await?;
            if !found.problems.is_empty() {
                return Err(Stopped::Configuration(found.problems));
            }
        }
        rehearsed.insert(name.to_owned(), found.messages);
    }
    Ok(rehearsed)
}
