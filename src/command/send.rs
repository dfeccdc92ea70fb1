//! `convoke send`: invites whoever has not been invited yet.

use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::lists;
use super::mailing::{Approval, Mailing, in_folder};
use super::plan::{self, INVITATIONS, Planned};
use super::trial::{self, Trial};
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{Circle, Store};
use crate::plan::Selection;
use crate::settings::Sending;

/// Mailboxes that left the lists and are named.
const NAMED: usize = 5;

pub(super) async fn run(path: &Path, typed: &cli::Send) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let delivery = &typed.delivery;
    let sending = Sending::of(&folder.file, delivery, clock::now()).map_err(Stopped::Usage)?;
    let selection = plan::selection(&typed.only, &folder.columns)?.and_named(&typed.named.entity, &typed.named.to);
    if !delivery.json {
        say_lists(&folder);
    }
    if let Some(to) = &delivery.test_to {
        let store = Store::scratch(path, &format!("test-{}", std::process::id())).await?;
        store.forget_lists().await?;
        let planned = plan::plan(&folder, &store, &typed.lists).await?;
        let selection = of_session(&folder, &store, selection, typed.session.as_deref()).await?;
        let (folder, store, composer, typed) = (&folder, &store, &planned.composer, delivery);
        let trial =
            Trial { folder, store, composer, errand: INVITATIONS, selection: &selection, typed, sending: &sending };
        return trial::run(trial, to).await;
    }
    let store = if delivery.dry_run {
        Store::scratch(path, &format!("dry-run-{}", std::process::id())).await?
    } else {
        Store::open(path, clock::now().as_millisecond()).await?
    };
    if plan::is_cancelled(&folder.file, &store).await? {
        return Err(Stopped::Usage(format!(
            "the event was called off, so nobody is invited; `convoke {}reinstate --all` undoes that",
            in_folder(path)
        )));
    }
    // The first message is not armed before all of the plan is on disk.
    store.postpone_syncs().await?;
    let planned = plan::plan(&folder, &store, &typed.lists).await?;
    if delivery.seal {
        store.demand_syncs().await?;
    }
    say_plan(&planned, path, delivery.json);
    // Lists that were typed are not all there are.
    if !delivery.json && typed.lists.recipients.is_empty() {
        for part in &planned.settled.parts {
            store.look_at(part.session());
            say_gone(&store, path, part.session()).await?;
        }
        store.look_at("");
    }
    let selection = of_session(&folder, &store, selection, typed.session.as_deref()).await?;
    let mailing = Mailing {
        folder: &folder,
        store: &store,
        composer: planned.composer,
        errand: INVITATIONS,
        selection: &selection,
        only: &only_of(&typed.only, typed.session.as_deref()),
        typed: delivery,
        sending: &sending,
        again: format!("send{}", in_session(typed.session.as_deref())),
        story: Default::default(),
    };
    match mailing.approve().await? {
        Approval::Over(exit) | Approval::Sealed(exit) => Ok(exit),
        Approval::Given(approved) => approved.send().await,
    }
}

/// The flag of a session that was typed, for commands that are suggested.
pub(super) fn in_session(typed: Option<&str>) -> String {
    typed.map(|id| format!(" --session {id}")).unwrap_or_default()
}

/// The conditions of a plan, in which the session that was named is one.
pub(super) fn only_of(only: &[String], session: Option<&str>) -> Vec<String> {
    only.iter().cloned().chain(session.map(|id| format!("session={}", id.trim().to_lowercase()))).collect()
}

/// Who is meant, of the session that was named or of all of them; from then on the store looks at that one.
pub(super) async fn of_session(
    folder: &Folder,
    store: &Store,
    selection: Selection,
    typed: Option<&str>,
) -> Result<Chosen, Stopped> {
    let ids = folder.file.session_ids();
    let id = plan::session(&ids, typed)?;
    // Of several invitations each stands otherwise, and has another answer.
    if id.is_empty() && !ids.is_empty() && (selection.asks_for_answers() || selection.asks_for_status()) {
        let fault = "--only asks for `status` or `answer`, which each session has its own of";
        return Err(Stopped::Usage(format!("{fault}; add --session with one of {}", ids.join(", "))));
    }
    store.look_at(&id);
    Chosen::of(selection, store).await
}

/// Names those who hold the invitation and are on no list any more: a person decides whether to take it back.
async fn say_gone(store: &Store, path: &Path, session: &str) -> Result<(), Stopped> {
    let gone = store.circle_page(Circle::Gone, 0, 1000).await?;
    if gone.is_empty() {
        return Ok(());
    }
    let more = if gone.len() == 1000 { " or more" } else { "" };
    eprintln!(
        "{}{more} left {} and still hold the invitation: `convoke {}cancel --gone{}` takes it back",
        count(gone.len() as u64, "mailbox", "mailboxes"),
        if session.is_empty() { "the lists".to_owned() } else { format!("the session `{session}` or the lists") },
        in_folder(path),
        in_session(Some(session).filter(|id| !id.is_empty()))
    );
    for candidate in gone.iter().take(NAMED) {
        let entity = &candidate.recipient.entity;
        let new = store.newcomers_of(entity).await?;
        let looks = match new.first() {
            Some(new) => format!("; {new} of the same entity is new: a changed address?"),
            None => String::new(),
        };
        eprintln!("  {} ({entity}){looks}", candidate.recipient.address);
    }
    Ok(())
}

pub(super) fn say_lists(folder: &Folder) {
    for list in &folder.lists {
        for remark in &list.remarks {
            eprintln!("{}: {remark}", list.name);
        }
    }
}

pub(super) fn say_plan(planned: &Planned, path: &Path, json: bool) {
    if let Some(counts) = &planned.counts {
        lists::say_duplicates(counts);
        if planned.reading.refused_rows > 0 {
            crate::exit::print_problems(&planned.reading.refused);
            eprintln!(
                "{} left out (--skip-refused)",
                count(planned.reading.refused_rows, "refused row", "refused rows")
            );
        }
        if !json {
            println!(
                "{} of {} on the lists, {} newly planned{}",
                count(counts.listed, "mailbox", "mailboxes"),
                count(counts.entities, "entity", "entities"),
                counts.planned,
                if counts.withdrawn > 0 { format!(", {} taken off", counts.withdrawn) } else { String::new() },
            );
        }
    }
    if planned.suppressed > 0 && !json {
        println!("{} suppressed: `convoke {}suppress --list`", planned.suppressed, in_folder(path));
    }
    for warning in planned.found.iter().flat_map(|found| &found.warnings) {
        eprintln!("warning: {warning}");
    }
}
