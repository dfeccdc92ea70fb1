//! Who is meant by what was typed: conditions, and what the journal knows of entities where they ask for it.

use std::collections::BTreeSet;

use super::plan;
use crate::cli;
use crate::exit::Stopped;
use crate::io::store::{Known, RecipientRow, Store};
use crate::plan::{Selection, Subject};

/// A selection that can be applied to rows of the journal.
pub(super) struct Chosen {
    selection: Selection,
    /// `None` where no condition asks for answers or for how invitations stand, and nobody else does.
    known: Option<Known>,
}

impl Chosen {
    /// Reads what the conditions ask for, of the session that the store looks at; of what is planned later nothing is known yet.
    pub(super) async fn of(selection: Selection, store: &Store) -> Result<Self, Stopped> {
        let known = match selection.asks_for_answers() || selection.asks_for_status() {
            true => Some(store.known_mailboxes().await?),
            false => None,
        };
        Ok(Self { selection, known })
    }

    /// Reads what is known of all mailboxes, where the conditions have not asked for it already.
    pub(super) async fn know(&mut self, store: &Store) -> Result<(), Stopped> {
        if self.known.is_none() {
            self.known = Some(store.known_mailboxes().await?);
        }
        Ok(())
    }

    /// Nobody is left out.
    pub(super) fn everybody() -> Self {
        Self { selection: Selection::default(), known: None }
    }

    /// What was read; `None` where nothing was asked for.
    pub(super) fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// What was typed, with the columns of the journal in place of those of lists.
    pub(super) async fn of_journal(only: &[String], named: &cli::Named, store: &Store) -> Result<Self, Stopped> {
        // Of all rows: not looked for where nobody asks for one.
        let columns = if only.is_empty() { BTreeSet::new() } else { store.columns().await? };
        let selection = plan::selection(only, &columns)?.and_named(&named.entity, &named.to);
        Self::of(selection, store).await
    }

    pub(super) fn is_everybody(&self) -> bool {
        self.selection.is_everybody()
    }

    /// Whether a mailbox is meant, by its row in the journal.
    pub(super) fn takes(&self, id: i64, recipient: &RecipientRow) -> bool {
        if self.is_everybody() {
            return true;
        }
        let known = self.known.as_ref().map(|known| known.of(id)).unwrap_or_default();
        let subject = recipient.subject(known.status);
        self.selection.takes(&Subject { is_reached: known.is_reached, answer: known.answer, ..subject })
    }

    /// Whether some condition asks how the invitation stands.
    pub(super) fn asks_for_status(&self) -> bool {
        self.selection.asks_for_status()
    }
}
