//! `convoke write`: a letter without a calendar object, to whoever is chosen.

use std::collections::BTreeSet;
use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::mailing::{Desk, Typed};
use super::send::{self, Job};
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::input::toml_reader::nearest;
use crate::io::clock;
use crate::io::store::{Mailbox, Pick};
use crate::plan::{Purpose, Selection, Status};
use crate::settings::Sending;

pub(super) async fn run(path: &Path, typed: &cli::Write) -> Result<Exit, Stopped> {
    let way = &typed.way;
    let desk = Desk::open(path, way).await?;
    let name = typed.name.trim().trim_matches('/');
    letters(&desk.folder, name)?;
    let sending = Sending::of(&desk.folder.file, way, clock::now()).map_err(Stopped::Usage)?;
    let known = match typed.again {
        true => None,
        false => desk.store.mailing(Purpose::Message, name).await?,
    };
    let conditions = conditions(way, known.as_ref().map(|mailing| mailing.selection.as_str()));
    let chosen = desk.chosen(&conditions).await?;
    let any_status = chosen.asks_for_status();
    let mut picks = Vec::new();
    desk.store
        .each_entity(!chosen.is_everybody(), |entity| {
            let meant = entity.mailboxes.iter().filter(|mailbox| any_status || is_sound(mailbox));
            let meant = meant.filter(|mailbox| chosen.takes_mailbox(mailbox));
            picks.extend(meant.map(|mailbox| Pick { recipient: mailbox.id, held: None, answer: None }));
        })
        .await?;
    let (composer, errand, found) = desk.plan(Purpose::Message, name, known.as_ref(), &conditions, &picks).await?;
    for warning in &found.warnings {
        eprintln!("warning: {warning}");
    }
    if !way.json {
        if let Some(mailing) = &known {
            let words = conditions.in_words();
            println!("`{name}` was begun {:.0} and goes on {words}", mailing.planned);
        }
        desk.say_others(Purpose::Message).await?;
    }
    let selection = Chosen::of(Selection::default(), &desk.store).await?;
    let Desk { folder, store, .. } = &desk;
    let command = format!("write {name}");
    send::carry_out(Job { folder, store, composer, errand, selection, way, sending, command }).await
}

/// Those that were typed; otherwise those with which the mailing was begun, so that nobody else gets it by a slip.
fn conditions(way: &cli::Way, begun: Option<&str>) -> Typed {
    let typed = Typed::of(way);
    match begun {
        Some(selection) if typed.is_empty() => Typed::parse(selection),
        _ => typed,
    }
}

/// The letters must be there, and be nobody else's.
fn letters(folder: &Folder, name: &str) -> Result<(), Stopped> {
    let taken = Purpose::ALL.map(Purpose::as_str).into_iter().filter(|taken| *taken != Purpose::Message.as_str());
    if let Some(taken) = taken.into_iter().find(|taken| *taken == name) {
        return Err(Stopped::Usage(format!("the letters in `{taken}` are sent by another command; name a folder of your own")));
    }
    if !name.is_empty() && folder.library.has_letters(name) {
        return Ok(());
    }
    let all: BTreeSet<&str> = folder
        .library
        .letters()
        .filter_map(|letter| letter.name.rsplit_once('/').map(|(below, _)| below))
        .filter(|below| Purpose::ALL.iter().all(|purpose| purpose.as_str() != *below))
        .collect();
    let near = nearest(name, all.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    let there = if all.is_empty() { "none".to_owned() } else { all.into_iter().collect::<Vec<_>>().join(", ") };
    Err(Stopped::Usage(format!(
        "there are no letters in `{}/{name}`; {}there are: {there}",
        folder.file.templates.folder,
        near.unwrap_or_default()
    )))
}

/// Whether a mailbox can be written to and was invited.
fn is_sound(mailbox: &Mailbox) -> bool {
    matches!(mailbox.status, Some(Status::Sent | Status::InDoubt)) && !mailbox.is_refused
}
