//! `convoke approve`: a second person lets a sealed plan be sent.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::chosen::Chosen;
use super::folder::{Folder, read_event_file};
use super::mailing::in_folder;
use super::sealing::{self, Asked, Scope};
use super::{forecast, plan, suppress};
use crate::cli;
use crate::desk::plan_summary::{Planner, plan_json, plan_lines};
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::Store;
use crate::plan::{Errand, PlanRecord, Purpose, Seal, may_approve};
use crate::settings::Sending;

pub(super) async fn run(path: &Path, typed: &cli::Approve) -> Result<Exit, Stopped> {
    let (by, account) = sealing::who(typed.by.as_deref())?;
    let folder_words = in_folder(path);
    let (file, _) = read_event_file(path)?;
    let none = || Stopped::Usage(format!("there is no plan to approve; `convoke {folder_words}plan` makes one"));
    if !Store::path_in(path).exists() {
        return Err(none());
    }
    let store = Store::open(path, clock::now().as_millisecond()).await?;
    let plans = store.plans(None).await?;
    let record = chosen(&plans, typed.seal.as_deref(), &folder_words)?.ok_or_else(none)?;
    may_approve(&file.approval, &record.by, &by).map_err(|refusal| Stopped::Usage(refusal.to_string()))?;
    let (errand, sealed) = (sealed_errand(record)?, record.sealed.plan());
    // Whoever approves must not approve what is no longer so. The lists are not read again: `send` does that, and stops where
    // they are not what they were.
    let lists =
        cli::Lists { recipients: sealed.lists.iter().map(PathBuf::from).collect(), skip_refused: sealed.skip_refused };
    let folder = Folder::read(path, &lists)?;
    let delivery = cli::Delivery { relay: sealed.relay.clone(), ..cli::Delivery::default() };
    let sending = Sending::of(&folder.file, &delivery, clock::now()).map_err(Stopped::Usage)?;
    let settled = plan::settle(&folder, &store).await?;
    let tells_changes = matches!(errand.purpose, Purpose::Update | Purpose::Cancellation);
    if !tells_changes {
        settled.agrees(&store).await?;
    }
    suppress::take_lists(&store, &folder.file, &folder.path).await?;
    let composer = settled.composer(&folder)?;
    let composer = match store.mailing_name(errand.mailing).await? {
        Some(name) if !name.is_empty() => composer.with_mailing(errand.mailing, &name),
        _ => composer,
    };
    let everybody = Chosen::everybody();
    let asked = Asked {
        folder: &folder,
        store: &store,
        composer: &composer,
        errand,
        selection: &everybody,
        only: &sealed.only,
        relay: sealed.relay.as_deref(),
        sending: &sending,
    };
    if sealing::messages_digest(&store, record.id).await? != record.sealed.messages() {
        let fault = "its messages are not what was sealed: another plan of the same purpose took its place";
        return Err(Stopped::Usage(format!(
            "{fault}; `convoke {folder_words}approve` without --seal shows the last one"
        )));
    }
    let now_plan = asked.plan().await?;
    let comparison = sealing::compare(&asked, &now_plan, &[record], Scope::Planned).await?;
    sealing::unchanged(record, comparison.changes(), &folder_words)?;
    let planner = Planner { by: &record.by, account: &record.account, made: record.made };
    let open = store.count_open(errand).await?.min(record.sealed.extent().messages);
    let (sentence, _) = forecast::reckon(&store, &sending.terms, open).await?;
    if !typed.json {
        plan_lines(&record.sealed, planner, &folder.file, &sentence).iter().for_each(|line| println!("{line}"));
        if !account.is_empty() && account == record.account {
            eprintln!("warning: the plan was made under the account `{account}`, as this approval is");
        }
        if !file.approval.is_required {
            eprintln!("warning: convoke.toml asks for no approval: `send` sends without one");
        }
    }
    confirm(record.sealed.seal(), typed.seal.as_deref())?;
    let now = clock::now();
    store.approve(record.id, &by, &account, now.as_millisecond()).await?;
    let until = now.checked_add(file.approval.valid_for).unwrap_or(jiff::Timestamp::MAX);
    let until = jiff::Timestamp::from_second(until.as_second()).unwrap_or(until);
    if typed.json {
        let mut summary = plan_json(&record.sealed, planner);
        summary["approved_by"] = json!(by);
        summary["until"] = json!(until.to_string());
        println!("{summary}");
    } else {
        println!("approved by {by}; a run may begin until {until}");
    }
    Ok(Exit::Done)
}

fn sealed_errand(record: &PlanRecord) -> Result<Errand, Stopped> {
    let plan = record.sealed.plan();
    let purpose = Purpose::parse(&plan.purpose)
        .ok_or_else(|| Stopped::Usage(format!("this version sends nothing of purpose `{}`", plan.purpose)))?;
    Ok(Errand { purpose, mailing: plan.mailing })
}

/// The plan with a seal that was typed, or the last one.
fn chosen<'p>(plans: &'p [PlanRecord], seal: Option<&str>, folder: &str) -> Result<Option<&'p PlanRecord>, Stopped> {
    let Some(seal) = seal else { return Ok(plans.first()) };
    let found = plans.iter().find(|record| record.sealed.seal().is_typed(seal));
    if found.is_some() {
        return Ok(found);
    }
    let last = plans.first().map(|record| record.sealed.seal().short());
    let Some(last) = last else { return Ok(None) };
    Err(Stopped::Usage(format!(
        "no plan has the seal `{seal}`; write 8 characters of it or more. The last plan is {last}…: look at it, then \
         `convoke {folder}approve`"
    )))
}

/// A person types the seal's beginning, which says: this plan and no other.
fn confirm(seal: &Seal, typed: Option<&str>) -> Result<(), Stopped> {
    // What was typed with --seal has found the plan.
    if typed.is_some() {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Stopped::Usage("nobody is here to type the seal; add --seal SEAL".to_owned()));
    }
    eprint!("Type the first 8 characters of the seal to approve it: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if seal.is_typed(&answer) {
        return Ok(());
    }
    Err(Stopped::Usage("that is not the seal; nothing was approved".to_owned()))
}
