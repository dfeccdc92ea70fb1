//! Who is meant by what was typed: conditions, and what the journal knows of entities where they ask for it.

use super::plan;
use crate::cli;
use crate::exit::Stopped;
use crate::io::store::{Entities, LedgerRow, Mailbox, OpenRow, Store};
use crate::plan::{Selection, Status, Subject};

/// A selection that can be applied to rows of the journal.
pub(super) struct Chosen {
    selection: Selection,
    /// Empty where no condition asks for answers.
    entities: Entities,
}

impl Chosen {
    /// Reads what the conditions ask for.
    pub(super) async fn of(selection: Selection, store: &Store) -> Result<Self, Stopped> {
        let entities = if selection.asks_for_answers() { store.entities().await? } else { Entities::default() };
        Ok(Self { selection, entities })
    }

    /// Nobody is left out.
    pub(super) fn everybody() -> Self {
        Self { selection: Selection::default(), entities: Entities::default() }
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

    /// Whether a message that may be sent is meant; its status is its own.
    pub(super) fn takes(&self, row: &OpenRow) -> bool {
        self.is_everybody() || self.selection.takes(&self.subject(row.recipient.subject(Some(row.standing.into()))))
    }

    /// Whether a delivery is meant; its status is its own.
    pub(super) fn takes_ledger(&self, row: &LedgerRow) -> bool {
        self.is_everybody() || self.selection.takes(&self.subject(row.recipient.subject(Some(row.standing.into()))))
    }

    /// Whether a mailbox is meant; its status is that of its invitation.
    pub(super) fn takes_mailbox(&self, mailbox: &Mailbox) -> bool {
        self.is_everybody() || self.selection.takes(&self.subject(mailbox.recipient.subject(mailbox.status)))
    }

    /// Whether some condition asks how the invitation stands.
    pub(super) fn asks_for_status(&self) -> bool {
        self.selection.asks_for_status()
    }

    fn subject<'s>(&self, subject: Subject<'s>) -> Subject<'s> {
        match self.entities.get(subject.entity) {
            Some(known) => {
                Subject { is_reached: known.is_reached, answer: known.answer, ..subject }
            }
            None => Subject { is_reached: matches!(subject.status, Some(Status::Sent)), ..subject },
        }
    }
}
