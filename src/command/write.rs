//! `convoke write`: a letter without a calendar object, to whoever is chosen.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::folder::Folder;
use super::letters::{Typed, Writing};
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::input::toml_reader::nearest;
use crate::io::store::{Mailbox, Pick};
use crate::plan::{Purpose, Status};

pub(super) async fn run(path: &Path, typed: &cli::Write) -> Result<Exit, Stopped> {
    let name = typed.name.trim().trim_matches('/');
    let writing = Writing::open(path, Purpose::Message, name, typed.session.as_deref(), &typed.delivery).await?;
    letters(&writing.folder, name)?;
    let known = match typed.again {
        true => None,
        false => writing.store.mailing(Purpose::Message, name).await?,
    };
    let typed_now = Typed::of(&typed.only, &typed.named);
    let conditions = match &known {
        // Those with which it was begun, so that nobody else gets it by a slip.
        Some(mailing) if typed_now.is_empty() => Typed::parse(&mailing.selection),
        _ => typed_now,
    };
    let chosen = writing.chosen(&conditions).await?;
    let any_status = chosen.asks_for_status();
    let revision = writing.settled.revision(&writing.session);
    let (mut picks, mut seen) = (Vec::new(), HashSet::new());
    for session in writing.sessions() {
        writing.store.look_at(&session);
        writing
            .store
            .each_entity(!chosen.is_everybody(), |entity| {
                let meant = entity.mailboxes.iter().filter(|mailbox| any_status || is_sound(mailbox));
                // Whoever is invited to several sessions gets one letter.
                let meant = meant
                    .filter(|mailbox| chosen.takes(mailbox.id, &mailbox.recipient))
                    .filter(|mailbox| seen.insert(mailbox.id));
                picks.extend(meant.map(|mailbox| Pick { recipient: mailbox.id, revision, held: None, answer: None }));
            })
            .await?;
    }
    writing.store.look_at(&writing.session);
    if let Some(mailing) = known.as_ref().filter(|_| !typed.delivery.json) {
        println!("`{name}` was begun {:.0} and goes on {}", mailing.planned, conditions.in_words());
    }
    writing.send(known.as_ref(), &conditions, &picks).await
}

/// The letters must be there, and be nobody else's.
fn letters(folder: &Folder, name: &str) -> Result<(), Stopped> {
    let taken = Purpose::ALL.map(Purpose::as_str).into_iter().filter(|taken| *taken != Purpose::Message.as_str());
    if let Some(taken) = taken.into_iter().find(|taken| *taken == name) {
        return Err(Stopped::Usage(format!(
            "the letters in `{taken}` are sent by another command; name a folder of your own"
        )));
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
