//! The update that `convoke update` would send, planned in the preview's copy of the journal.

use crate::cli;
use crate::command::chosen::Chosen;
use crate::command::folder::Folder;
use crate::command::plan;
use crate::command::update::{self, UPDATES};
use crate::exit::Stopped;
use crate::io::store::Store;
use crate::message::Composer;
use crate::plan::Selection;
use crate::plan::amendment::AmendmentKind;

/// Plans it and makes every message of it once; `None` where the event is as it was told, or where nobody would be written
/// to: then invitations are what there is to see.
///
/// # Errors
/// An update is asked for and there is none; what `update` cannot do either.
pub(super) async fn plan(
    folder: &Folder,
    store: &Store,
    typed: &cli::Preview,
    selection: &Selection,
) -> Result<Option<Composer>, Stopped> {
    let settled = plan::settle(folder, store).await?;
    if settled.history.is_cancelled() || (settled.difference.is_empty() && !typed.update) {
        return match typed.update {
            true => Err(Stopped::Usage("the event was called off; there is no update to show".to_owned())),
            false => Ok(None),
        };
    }
    let asked = typed.kind.map(update::kind_of);
    let mut kind = None;
    if let Some((proposed, reason)) = settled.difference.proposed() {
        kind = Some(asked.unwrap_or(proposed));
        // With --to standard output is the message.
        if typed.to.is_none() {
            update::say_changes(&settled.difference, asked, proposed, reason);
        }
    }
    let selection = Chosen::of(selection.clone(), store).await?;
    let planning = store.begin_planning().await?;
    let history = update::plan_update(store, planning, &settled, kind, &selection, &typed.note).await;
    let history = update::or_give_up(planning, history).await?;
    planning.commit().await?;
    if kind == Some(AmendmentKind::Typo) {
        return Ok(None);
    }
    if store.count_open(UPDATES).await? == 0 {
        let fault = match kind {
            Some(_) => "nobody of these was sent the invitation; there is no update to show",
            None => "nothing has changed since those who were sent the invitation were told last; there is no update to show",
        };
        return Err(Stopped::Usage(fault.to_owned()));
    }
    update::checked(folder, store, &settled, history).await.map(Some)
}
