//! The update that `convoke update` would send, planned in the preview's copy of the journal.

use crate::cli;
use crate::command::folder::Folder;
use crate::command::plan;
use crate::command::send::of_session;
use crate::command::update::{self, Amendment, UPDATES};
use crate::exit::Stopped;
use crate::io::store::Store;
use crate::message::Composer;
use crate::plan::Selection;
use crate::plan::amendment::AmendmentKind;

/// Plans it and makes every message of it once; `None` where the event and its sessions are as they were told, or where nobody
/// would be written to: then invitations are what there is to see.
///
/// # Errors
/// An update is asked for and there is none; what `update` cannot do either.
pub(super) async fn plan(
    folder: &Folder,
    store: &Store,
    typed: &cli::Preview,
    selection: &Selection,
) -> Result<Option<Composer>, Stopped> {
    let mut settled = plan::settle(folder, store).await?;
    let mut parts = plan::meant(&mut settled.parts, typed.session.as_deref())?;
    parts.retain(|part| !part.history.is_cancelled());
    let has_changed = parts.iter().any(|part| !part.difference.is_empty());
    if parts.is_empty() || !(has_changed || typed.update) {
        return match typed.update {
            true => Err(Stopped::Usage("the event was called off; there is no update to show".to_owned())),
            false => Ok(None),
        };
    }
    let asked = typed.kind.map(update::kind_of);
    let mut amendments = Vec::new();
    for part in parts {
        let proposed = part.difference.proposed();
        // With --to standard output is the message.
        if let Some((proposed, reason)) = proposed.filter(|_| typed.to.is_none()) {
            update::say_changes(part, asked, proposed, reason);
        }
        let kind = proposed.map(|(proposed, _)| asked.unwrap_or(proposed));
        amendments.push(Amendment { part, kind });
    }
    let kinds: Vec<AmendmentKind> = amendments.iter().filter_map(|amendment| amendment.kind).collect();
    let selection = of_session(folder, store, selection.clone(), typed.session.as_deref()).await?;
    let planning = store.begin_planning().await?;
    let planned = update::plan_updates(store, planning, &mut amendments, &selection, &typed.note).await;
    update::or_give_up(planning, planned).await?;
    planning.commit().await?;
    store.look_at(&plan::session(&folder.file.session_ids(), typed.session.as_deref())?);
    if !kinds.is_empty() && kinds.iter().all(|kind| *kind == AmendmentKind::Typo) {
        return Ok(None);
    }
    if store.count_open(UPDATES).await? == 0 {
        let fault = match kinds.is_empty() {
            false => "nobody of these was sent the invitation; there is no update to show",
            true => {
                "nothing has changed since those who were sent the invitation were told last; there is no update to show"
            }
        };
        return Err(Stopped::Usage(fault.to_owned()));
    }
    update::checked(folder, store, &settled).await.map(Some)
}
