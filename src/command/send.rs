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
        let selection = Chosen::of(selection, &store).await?;
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
    if store.is_cancelled().await? {
        return Err(Stopped::Usage(format!(
            "the event was called off, so nobody is invited; `convoke {}reinstate --all` undoes that",
            in_folder(path)
        )));
    }
    // The first message is not armed before all of the plan is on disk.
    store.postpone_syncs().await?;
    let planned = plan::plan(&folder, &store, &typed.lists).await?;
    let selection = Chosen::of(selection, &store).await?;
    say_plan(&planned, path, delivery.json);
    // Lists that were typed are not all there are.
    if !delivery.json && typed.lists.recipients.is_empty() {
        say_gone(&store, path).await?;
    }
    let mailing = Mailing {
        folder: &folder,
        store: &store,
        composer: planned.composer,
        errand: INVITATIONS,
        selection: &selection,
        only: &typed.only,
        typed: delivery,
        sending: &sending,
        again: "send".to_owned(),
        story: Default::default(),
    };
    match mailing.approve().await? {
        Approval::Over(exit) | Approval::Sealed(exit) => Ok(exit),
        Approval::Given(approved) => approved.send().await,
    }
}

/// Names those who hold the invitation and are on no list any more: a person decides whether to take it back.
async fn say_gone(store: &Store, path: &Path) -> Result<(), Stopped> {
    let gone = store.circle_page(Circle::Gone, 0, 1000).await?;
    if gone.is_empty() {
        return Ok(());
    }
    let more = if gone.len() == 1000 { " or more" } else { "" };
    eprintln!(
        "{}{more} left the lists and still hold the invitation: `convoke {}cancel --gone` takes it back",
        count(gone.len() as u64, "mailbox", "mailboxes"),
        in_folder(path)
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
