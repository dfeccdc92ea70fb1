//! `convoke cancel`: calls the event off, or takes single invitations back.

use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::mailing::{Mailing, in_folder};
use super::plan::{self, Part};
use super::send::{in_session, only_of, say_lists};
use super::update::{checked_errand, leave, mailboxes, open, or_give_up, spent};
use super::who::{self, Who};
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{Candidate, Circle, Planning};
use crate::plan::{Errand, Purpose, RevisionKind};
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
    let mut settled = if typed.gone {
        if !typed.lists.recipients.is_empty() {
            return Err(Stopped::Usage("--gone goes by the lists of convoke.toml; leave out --recipients".to_owned()));
        }
        // Who left is known only when the lists have been read as they are now.
        plan::plan(&folder, &store, &typed.lists).await?.settled
    } else {
        plan::settle(&folder, &store).await?
    };
    let id = plan::session(&folder.file.session_ids(), typed.session.as_deref())?;
    let mut outs = Vec::new();
    let mut is_known = typed.gone || typed.who.all;
    for part in plan::meant(&mut settled.parts, typed.session.as_deref())? {
        store.look_at(part.session());
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
            part,
        };
        if typed.who.all && out.part.history.is_cancelled() {
            // A second time: only those whom the first did not know of.
            out.kind = RevisionKind::Withdrawal;
        }
        is_known = is_known || out.count() > 0 || !meant.among(&store, Circle::Withdrawn).await?.is_empty();
        outs.push(out);
    }
    if !is_known {
        return Err(Stopped::Usage(format!(
            "nobody who was sent the invitation, or is about to be, is meant by {}; `convoke {}export` has everybody",
            meant.words(),
            in_folder(path)
        )));
    }
    if !delivery.json {
        // Of several sessions those that somebody is taken from, or none of them.
        let is_concerned = |out: &&Out<'_>| typed.who.all || out.count() > 0;
        match outs.iter().filter(is_concerned).count() {
            0 if outs.len() > 1 => println!("nobody more holds the invitation among them"),
            0 => outs.iter().for_each(|out| say(out, typed)),
            _ => outs.iter().filter(is_concerned).for_each(|out| say(out, typed)),
        }
    }
    let planning = store.begin_planning().await?;
    let mut planned = Ok(());
    for out in &mut outs {
        store.look_at(out.part.session());
        planned = plan_cancellation(&folder, planning, out, typed).await;
        if planned.is_err() {
            break;
        }
    }
    store.look_at(&id);
    let planned = match planned {
        Ok(()) => checked_errand(&folder, &store, &settled, CANCELLATIONS).await,
        Err(stopped) => Err(stopped),
    };
    let composer = or_give_up(planning, planned).await?;
    let whom = if typed.gone { "--gone" } else { meant.words() };
    let again = format!("cancel {whom}{}", in_session(typed.session.as_deref()));
    let everybody = Chosen::everybody();
    let mailing = Mailing {
        folder: &folder,
        store: &store,
        composer,
        errand: CANCELLATIONS,
        selection: &everybody,
        only: &only_of(&typed.who.only, typed.session.as_deref()),
        typed: delivery,
        sending: &sending,
        again,
        story: Default::default(),
    };
    leave(mailing, planning).await
}

/// Those who are to hear of it, and those who need not, of the event or of a session.
struct Out<'p> {
    part: &'p mut Part,
    invited: Vec<Candidate>,
    unsent: Vec<Candidate>,
    kind: RevisionKind,
}

impl Out<'_> {
    fn count(&self) -> usize {
        self.invited.len() + self.unsent.len()
    }
}

fn say(out: &Out<'_>, typed: &cli::Cancel) {
    let of = match out.part.session() {
        "" => String::new(),
        id => format!(" to the session `{id}`"),
    };
    if typed.who.all && !out.part.history.is_cancelled() {
        println!("{} is called off: {} are told", out.part.name(), mailboxes(out.invited.len()));
    } else if out.count() == 0 {
        println!("nobody more holds the invitation{of} among them");
    } else {
        println!("the invitation{of} is taken back from {}", mailboxes(out.invited.len()));
    }
    if !out.unsent.is_empty() {
        println!("{} had not been sent it yet, and will not be", mailboxes(out.unsent.len()));
    }
}

async fn plan_cancellation(
    folder: &Folder,
    planning: Planning<'_>,
    out: &mut Out<'_>,
    typed: &cli::Cancel,
) -> Result<(), Stopped> {
    let now = clock::now();
    let now_ms = now.as_millisecond();
    let is_cancelled = out.part.history.is_cancelled();
    planning.hold_back(&who::rows(&out.unsent), true, now_ms).await?;
    if out.invited.is_empty() && (is_cancelled || !typed.who.all) {
        return Ok(());
    }
    // The facts that they know, whatever the event file says by now.
    let is_withdrawn = out.kind == RevisionKind::Withdrawal && !is_cancelled;
    let facts = folder.library.cancelled(&out.part.file, out.part.told.clone(), is_withdrawn, &typed.reason);
    let facts = facts.map_err(Stopped::Configuration)?;
    let next = out.part.history.next(out.kind, &facts, &typed.reason, now).ok_or_else(spent)?;
    let next = planning.add_revision(next, now_ms).await?;
    // Who has a cancellation and was about to be told that it takes place after all needs no second one.
    let (told, invited): (Vec<&Candidate>, Vec<&Candidate>) = out.invited.iter().partition(|one| one.is_out);
    planning.plan(Purpose::Cancellation, &next, &who::rows(invited), now_ms).await?;
    planning.take_back(&next, &who::rows(told), now_ms).await?;
    out.part.history = out.part.history.clone().with(next);
    Ok(())
}
