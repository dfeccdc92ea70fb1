//! `--test-to ME` of every verb that sends: one message of each template to oneself; the journal is not touched.

use std::collections::BTreeSet;

use super::chosen::Chosen;
use super::folder::Folder;
use super::sandbox::Outbox;
use super::{gate, mailing};
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::smtp::{Connection, Letter};
use crate::io::store::{OpenRow, Store};
use crate::mail::AddrSpec;
use crate::message::{Composed, Composer, Reader};
use crate::plan::{Dispatch, DispatchKey, Errand, Purpose};
use crate::settings::Sending;

/// What is tried.
#[derive(Clone, Copy)]
pub(super) struct Trial<'t> {
    pub(super) folder: &'t Folder,
    /// A scratch copy with the plan in it.
    pub(super) store: &'t Store,
    pub(super) composer: &'t Composer,
    pub(super) errand: Errand,
    pub(super) selection: &'t Chosen,
    pub(super) typed: &'t cli::Delivery,
    pub(super) sending: &'t Sending,
}

pub(super) async fn run(trial: Trial<'_>, to: &str) -> Result<Exit, Stopped> {
    let Trial { folder, store, composer, errand, selection, typed, sending } = trial;
    let to = AddrSpec::parse(to).map_err(|e| Stopped::Usage(format!("--test-to `{to}`: {e}; {}", e.cure())))?;
    let now = clock::now();
    let mut messages: Vec<Composed> = Vec::new();
    let mut letters = BTreeSet::new();
    let mut after = 0;
    let most = usize::try_from(typed.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    'pages: loop {
        let page = store.listed_page(errand, after, 256).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        // Letters to all are of no session.
        let is_letter = errand.purpose == Purpose::Message;
        let meant = |row: &&OpenRow| {
            (is_letter || folder.has(&row.session)) && selection.takes(row.recipient_id, &row.recipient)
        };
        for row in page.iter().filter(meant) {
            if messages.len() == most {
                break 'pages;
            }
            let composed = compose(composer, row, &to, now)?;
            if letters.insert((row.session.clone(), composed.letter.clone())) {
                messages.push(composed);
            }
        }
    }
    // Of several relays the first one: what is tried is the letter.
    let (relay, sandbox) = match sending.relays.first() {
        Some(relay) => (relay.clone(), None),
        None => {
            let outbox = Outbox::start(&mailing::outbox_in(&folder.path), folder.title()).await?;
            (outbox.relay(), Some(outbox))
        }
    };
    if !relay.is_loopback() {
        mailing::confirm(&relay.to_string(), messages.len() as u64, typed.yes)?;
    }
    let route = mailing::route(&relay, &folder.file, &folder.path)?;
    let failed = |e: crate::io::smtp::Failure| Stopped::Relay(format!("{relay} at {}: {}", e.phase, e.mishap));
    let mut connection = Connection::open(&route).await.map_err(failed)?;
    for message in &messages {
        if !connection.takes_more() {
            connection.quit().await;
            connection = Connection::open(&route).await.map_err(failed)?;
        }
        let letter = Letter {
            from: composer.reverse_path(),
            to: &to,
            octets: &message.octets,
            message_id: message.identity.message_id.as_str(),
        };
        connection.check(&letter).map_err(failed)?;
        connection.announce(&letter).await.map_err(failed)?;
        let reply = connection.send(&message.octets, None).await.map_err(failed)?;
        println!("{}: {reply}", message.letter);
    }
    connection.quit().await;
    if let Some(outbox) = sandbox {
        println!("{}", outbox.end().await?.display());
    }
    println!("{} to {to}; the journal was not touched", count(messages.len() as u64, "test message", "test messages"));
    Ok(Exit::Done)
}

/// A row's message, addressed to the tester: another UID and Message-ID than the row's own will have.
fn compose(composer: &Composer, row: &OpenRow, to: &AddrSpec, now: jiff::Timestamp) -> Result<Composed, Stopped> {
    let reader = Reader { address: to, ..gate::reader(row) };
    let planned = &row.dispatch;
    let recipient = format!("test of {} to {to} at {now}", planned.key.recipient);
    let dispatch = Dispatch { key: DispatchKey { recipient, ..planned.key.clone() }, ..planned.clone() };
    composer.compose(&reader, &dispatch, now, now).map_err(Stopped::Configuration)
}
