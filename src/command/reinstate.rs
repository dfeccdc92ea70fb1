//! `convoke reinstate`: invites again those who were told that it does not take place.

use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::mailing::Mailing;
use super::plan::{self, Settled};
use super::send::say_lists;
use super::update::{UPDATES, checked, leave, mailboxes, open, or_give_up, spent};
use super::who::{self, Who};
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{Candidate, Circle, Planning};
use crate::plan::amendment::compare;
use crate::plan::{Facts, History, Purpose, RevisionKind};
use crate::settings::Sending;

pub(super) async fn run(path: &Path, typed: &cli::Reinstate) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let delivery = &typed.delivery;
    let sending = Sending::of(&folder.file, delivery, clock::now()).map_err(Stopped::Usage)?;
    let meant = Who::of(&typed.who, &folder.columns)?;
    if !delivery.json {
        say_lists(&folder);
    }
    let store = open(path, delivery).await?;
    let settled = plan::settle(&folder, &store).await?;
    let is_cancelled = settled.history.is_cancelled();
    if !is_cancelled && !settled.difference.is_empty() {
        // The others must hear of it first, or two dates are about.
        return Err(plan::differs(&store, &settled).await?);
    }
    let back = Back {
        withdrawn: meant.among(&store, Circle::Withdrawn).await?,
        held_back: meant.among(&store, Circle::HeldBack).await?,
    };
    let is_needed = is_cancelled || !back.withdrawn.is_empty() || !back.held_back.is_empty();
    if !delivery.json {
        if is_needed {
            println!("{} are invited again", mailboxes(back.withdrawn.len()));
            if !back.held_back.is_empty() {
                println!("{} had not been sent it: `convoke send` invites them", mailboxes(back.held_back.len()));
            }
        } else {
            println!("nobody among them was told that it does not take place");
        }
    }
    let planning = store.begin_planning().await?;
    let planned =
        if is_needed { plan_return(planning, &settled, &back, &typed.note).await } else { Ok(settled.history.clone()) };
    let planned = match planned {
        Ok(history) => checked(&folder, &store, &settled, history).await,
        Err(stopped) => Err(stopped),
    };
    let composer = or_give_up(planning, planned).await?;
    let everybody = Chosen::everybody();
    let mailing = Mailing {
        folder: &folder,
        store: &store,
        composer,
        errand: UPDATES,
        selection: &everybody,
        only: &typed.who.only,
        typed: delivery,
        sending: &sending,
        again: format!("reinstate {}", meant.words()),
        story: Default::default(),
    };
    leave(mailing, planning).await
}

/// Those who come back.
struct Back {
    withdrawn: Vec<Candidate>,
    held_back: Vec<Candidate>,
}

async fn plan_return(planning: Planning<'_>, settled: &Settled, back: &Back, note: &str) -> Result<History, Stopped> {
    let now = clock::now();
    let now_ms = now.as_millisecond();
    let history = settled.history.clone();
    let kind = RevisionKind::Reinstatement;
    let next = history.next(kind, &settled.facts, note, now).ok_or_else(spent)?;
    planning.add_revision(&next, now_ms).await?;
    // Who was not told yet that it is off, and knows the facts as they are, need not hear that it is on.
    let knows = |candidate: &&Candidate| {
        let held = candidate.held.and_then(|number| history.get(number));
        let facts = held.and_then(|revision| Facts::parse(&revision.facts).ok());
        !candidate.is_told && facts.is_some_and(|facts| compare(&facts, &settled.facts).is_empty())
    };
    let (know, told): (Vec<&Candidate>, Vec<&Candidate>) = back.withdrawn.iter().partition(knows);
    planning.plan(Purpose::Update, &next, &who::rows(told), now_ms).await?;
    planning.take_back(&next, &who::rows(know), now_ms).await?;
    planning.hold_back(&who::rows(&back.held_back), false, now_ms).await?;
    planning.move_invitations(&next, now_ms).await?;
    Ok(history.with(next))
}
