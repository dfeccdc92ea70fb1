//! `convoke reinstate`: invites again those who were told that it does not take place.

use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::mailing::Mailing;
use super::plan::{self, Part};
use super::send::{in_session, only_of, say_lists};
use super::update::{UPDATES, checked, leave, mailboxes, open, or_give_up, spent};
use super::who::{self, Who};
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{Candidate, Circle, Planning};
use crate::plan::amendment::compare;
use crate::plan::{Facts, Purpose, RevisionKind};
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
    let mut settled = plan::settle(&folder, &store).await?;
    let id = plan::session(&folder.file.session_ids(), typed.session.as_deref())?;
    let mut backs = Vec::new();
    for part in plan::meant(&mut settled.parts, typed.session.as_deref())? {
        store.look_at(part.session());
        let is_cancelled = part.history.is_cancelled();
        if !is_cancelled && !part.difference.is_empty() {
            // The others must hear of it first, or two dates are about.
            return Err(Stopped::Configuration(vec![plan::differs(&store, part).await?]));
        }
        let back = Back {
            withdrawn: meant.among(&store, Circle::Withdrawn).await?,
            held_back: meant.among(&store, Circle::HeldBack).await?,
            part,
        };
        // Of what takes place, and has taken nobody's invitation back, there is nothing to say.
        if is_cancelled || !back.withdrawn.is_empty() || !back.held_back.is_empty() {
            backs.push(back);
        }
    }
    if !delivery.json {
        backs.iter().for_each(say);
        if backs.is_empty() {
            println!("nobody among them was told that it does not take place");
        }
    }
    let planning = store.begin_planning().await?;
    let mut planned = Ok(());
    for back in &mut backs {
        store.look_at(back.part.session());
        planned = plan_return(planning, back, &typed.note).await;
        if planned.is_err() {
            break;
        }
    }
    store.look_at(&id);
    let planned = match planned {
        Ok(()) => checked(&folder, &store, &settled).await,
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
        only: &only_of(&typed.who.only, typed.session.as_deref()),
        typed: delivery,
        sending: &sending,
        again: format!("reinstate {}{}", meant.words(), in_session(typed.session.as_deref())),
        story: Default::default(),
    };
    leave(mailing, planning).await
}

/// Those who come back to the event or to a session.
struct Back<'p> {
    part: &'p mut Part,
    withdrawn: Vec<Candidate>,
    held_back: Vec<Candidate>,
}

fn say(back: &Back<'_>) {
    let of = match back.part.session() {
        "" => String::new(),
        id => format!(" to the session `{id}`"),
    };
    println!("{} are invited again{of}", mailboxes(back.withdrawn.len()));
    if !back.held_back.is_empty() {
        println!("{} had not been sent it: `convoke send` invites them", mailboxes(back.held_back.len()));
    }
}

async fn plan_return(planning: Planning<'_>, back: &mut Back<'_>, note: &str) -> Result<(), Stopped> {
    let now = clock::now();
    let now_ms = now.as_millisecond();
    let (facts, history) = (&back.part.facts, &back.part.history);
    let next = history.next(RevisionKind::Reinstatement, facts, note, now).ok_or_else(spent)?;
    let next = planning.add_revision(next, now_ms).await?;
    // Who was not told yet that it is off, and knows the facts as they are, need not hear that it is on.
    let knows = |candidate: &&Candidate| {
        let held = candidate.held.and_then(|number| history.get(number));
        let held = held.and_then(|revision| Facts::parse(&revision.facts).ok());
        !candidate.is_told && held.is_some_and(|held| compare(&held, facts).is_empty())
    };
    let (know, told): (Vec<&Candidate>, Vec<&Candidate>) = back.withdrawn.iter().partition(knows);
    planning.plan(Purpose::Update, &next, &who::rows(told), now_ms).await?;
    planning.take_back(&next, &who::rows(know), now_ms).await?;
    planning.hold_back(&who::rows(&back.held_back), false, now_ms).await?;
    planning.move_invitations(&next, now_ms).await?;
    back.part.history = back.part.history.clone().with(next);
    Ok(())
}
