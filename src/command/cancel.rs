//! `convoke cancel`: calls the event off, or takes single invitations back.

use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::mailing::{Mailing, in_folder};
use super::plan::{self, Settled};
use super::send::say_lists;
use super::update::{checked_errand, leave, mailboxes, open, or_give_up, spent};
use super::who::{self, Who};
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{Candidate, Circle, Planning};
use crate::plan::{Errand, History, Purpose, RevisionKind};
use crate::settings::Sending;

/// What `cancel` sends.
const CANCELLATIONS: Errand = Errand { purpose: Purpose::Cancellation, mailing: 0 };

pub(super) async fn run(path: &Path, typed: &cli::Cancel) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let delivery = &typed.delivery;
    let sending = Sending::of(&folder.file, delivery, clock::now()).map_err(Stopped::Usage)?;
    let meant = Who::of(&typed.who, &folder.columns)?;
    if !delivery.json {
        say_lists(&folder);
    }
    let store = open(path, delivery).await?;
    let settled = if typed.gone {
        if !typed.lists.recipients.is_empty() {
            return Err(Stopped::Usage("--gone goes by the lists of convoke.toml; leave out --recipients".to_owned()));
        }
        // Who left is known only when the lists have been read as they are now.
        plan::plan(&folder, &store, &typed.lists).await?.settled
    } else {
        plan::settle(&folder, &store).await?
    };
    let mut out = Out {
        invited: match typed.gone {
            true => who::among(&store, Circle::Gone, |_| true).await?,
            false => meant.among(&store, Circle::Invited).await?,
        },
        unsent: match typed.gone {
            true => Vec::new(),
            false => meant.among(&store, Circle::Unsent).await?,
        },
        kind: if typed.who.all { RevisionKind::Cancellation } else { RevisionKind::Withdrawal },
    };
    let is_cancelled = settled.history.is_cancelled();
    if typed.who.all && is_cancelled {
        // A second time: only those whom the first did not know of.
        out.kind = RevisionKind::Withdrawal;
    }
    let is_known = out.count() > 0 || typed.gone || typed.who.all;
    if !is_known && meant.among(&store, Circle::Withdrawn).await?.is_empty() {
        return Err(Stopped::Usage(format!(
            "nobody who was sent the invitation, or is about to be, is meant by {}; `convoke {}export` has everybody",
            meant.words(),
            in_folder(path)
        )));
    }
    if !delivery.json {
        say(&out, typed, is_cancelled);
    }
    let planning = store.begin_planning().await?;
    let planned = match plan_cancellation(&folder, planning, &settled, &out, typed, is_cancelled).await {
        Ok(history) => checked_errand(&folder, &store, &settled, &history, CANCELLATIONS).await,
        Err(stopped) => Err(stopped),
    };
    let composer = or_give_up(planning, planned).await?;
    let again = if typed.gone { "cancel --gone".to_owned() } else { format!("cancel {}", meant.words()) };
    let everybody = Chosen::everybody();
    let mailing = Mailing {
        folder: &folder,
        store: &store,
        composer,
        errand: CANCELLATIONS,
        selection: &everybody,
        only: &typed.who.only,
        typed: delivery,
        sending: &sending,
        again,
        story: Default::default(),
    };
    leave(mailing, planning).await
}

/// Those who are to hear of it, and those who need not.
struct Out {
    invited: Vec<Candidate>,
    unsent: Vec<Candidate>,
    kind: RevisionKind,
}

impl Out {
    fn count(&self) -> usize {
        self.invited.len() + self.unsent.len()
    }
}

fn say(out: &Out, typed: &cli::Cancel, is_cancelled: bool) {
    if typed.who.all && !is_cancelled {
        println!("the event is called off: {} are told", mailboxes(out.invited.len()));
    } else if out.count() == 0 {
        println!("nobody more holds the invitation among them");
    } else {
        println!("the invitation is taken back from {}", mailboxes(out.invited.len()));
    }
    if !out.unsent.is_empty() {
        println!("{} had not been sent it yet, and will not be", mailboxes(out.unsent.len()));
    }
}

async fn plan_cancellation(
    folder: &Folder,
    planning: Planning<'_>,
    settled: &Settled,
    out: &Out,
    typed: &cli::Cancel,
    is_cancelled: bool,
) -> Result<History, Stopped> {
    let now = clock::now();
    let now_ms = now.as_millisecond();
    let mut history = settled.history.clone();
    planning.hold_back(&who::rows(&out.unsent), true, now_ms).await?;
    if out.invited.is_empty() && (is_cancelled || !typed.who.all) {
        return Ok(history);
    }
    // The facts that they know, whatever the event file says by now.
    let is_withdrawn = out.kind == RevisionKind::Withdrawal && !is_cancelled;
    let facts = folder.library.cancelled(&folder.file, settled.told.clone(), is_withdrawn, &typed.reason);
    let facts = facts.map_err(Stopped::Configuration)?;
    let next = history.next(out.kind, &facts, &typed.reason, now).ok_or_else(spent)?;
    planning.add_revision(&next, now_ms).await?;
    // Who has a cancellation and was about to be told that it takes place after all needs no second one.
    let (told, invited): (Vec<&Candidate>, Vec<&Candidate>) = out.invited.iter().partition(|one| one.is_out);
    planning.plan(Purpose::Cancellation, &next, &who::rows(invited), now_ms).await?;
    planning.take_back(&next, &who::rows(told), now_ms).await?;
    history = history.with(next);
    Ok(history)
}
