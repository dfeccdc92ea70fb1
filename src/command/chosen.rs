//! Who is meant by what was typed: conditions, and what the journal knows of entities where they ask for it.

use std::collections::HashMap;

use super::plan;
use crate::cli;
use crate::exit::Stopped;
use crate::io::store::{Entities, RecipientRow, Store};
use crate::plan::{Selection, Status, Subject};

/// A selection that can be applied to rows of the journal.
pub(super) struct Chosen {
    selection: Selection,
    /// Empty where no condition asks for answers.
    entities: Entities,
    /// By the mailbox's row; empty where no condition asks for it.
    statuses: HashMap<i64, Status>,
}

impl Chosen {
    /// Reads what the conditions ask for, of the session that the store looks at; what is planned later has no status yet.
    pub(super) async fn of(selection: Selection, store: &Store) -> Result<Self, Stopped> {
        let entities = if selection.asks_for_answers() { store.entities().await? } else { Entities::default() };
        let mut statuses = HashMap::new();
        if selection.asks_for_status() {
            store
                .each_entity(false, |entity| {
                    let known = entity.mailboxes.iter().filter_map(|mailbox| Some((mailbox.id, mailbox.status?)));
                    statuses.extend(known);
                })
                .await?;
        }
        Ok(Self { selection, entities, statuses })
    }

    /// Nobody is left out.
    pub(super) fn everybody() -> Self {
        Self { selection: Selection::default(), entities: Entities::default(), statuses: HashMap::new() }
    }

    /// What was typed, with the columns of the journal in place of those of lists.
    pub(super) async fn of_journal(only: &[String], named: &cli::Named, store: &Store) -> Result<Self, Stopped> {
        let columns = store.columns().await?;
        let selection = plan::selection(only, &columns)?.and_named(&named.entity, &named.to);
        Self::of(selection, store).await
    }

    pub(super) fn is_everybody(&self) -> bool {
        self.selection.is_everybody()
    }

    /// Whether a mailbox is meant, by its row in the journal.
    pub(super) fn takes(&self, id: i64, recipient: &RecipientRow) -> bool {
        let status = self.statuses.get(&id).copied();
        self.is_everybody() || self.selection.takes(&self.subject(recipient.subject(status)))
    }

    /// Whether some condition asks how the invitation stands.
    pub(super) fn asks_for_status(&self) -> bool {
        self.selection.asks_for_status()
    }

    fn subject<'s>(&self, subject: Subject<'s>) -> Subject<'s> {
        match self.entities.get(subject.entity) {
            Some(known) => Subject { is_reached: known.is_reached, answer: known.answer, ..subject },
            None => subject,
        }
    }
}
