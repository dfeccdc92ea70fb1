//! `convoke plan`: what would be sent, sealed, so that a second person can say yes to just that.

use std::path::Path;

use serde_json::json;

use super::folder::Folder;
use super::plan::{self, INVITATIONS};
use super::sealing::{self, Asked};
use super::{forecast, send};
use crate::cli;
use crate::desk::plan_summary::{Planner, plan_head, plan_json, plan_lines};
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::files::Growing;
use crate::io::store::Store;
use crate::plan::Sealed;
use crate::settings::Sending;

/// Lines in memory at once.
const PAGE: usize = 1024;

pub(super) async fn run(path: &Path, typed: &cli::Plan) -> Result<Exit, Stopped> {
    let (by, account) = sealing::who(typed.by.as_deref())?;
    let folder = Folder::read(path, &typed.lists)?;
    let flags = cli::Send { relay: typed.relay.clone(), ..cli::Send::default() };
    let sending = Sending::of(&folder.file, &flags, clock::now()).map_err(Stopped::Usage)?;
    let selection = plan::selection(&typed.only, &folder.columns)?;
    let store = Store::open(path, clock::now().as_millisecond()).await?;
    let planned = plan::plan(&folder, &store, &typed.lists).await?;
    send::say_plan(&planned, path, typed.json);
    let asked = Asked {
        folder: &folder,
        store: &store,
        composer: &planned.composer,
        errand: INVITATIONS,
        selection: &selection,
        only: &typed.only,
        lists: &typed.lists,
        relay: typed.relay.as_deref(),
        sending: &sending,
    };
    let (id, sealed) = sealing::seal(&asked, &by, &account).await?;
    let messages = sealed.extent().messages;
    let (sentence, reckoned) = forecast::reckon(&store, &sending.terms, messages).await?;
    let sentence = if messages == 0 { String::new() } else { sentence };
    let planner = Planner { by: &by, account: &account, made: clock::now() };
    if let Some(out) = &typed.out {
        write(out, &store, id, &sealed, &plan_head(&sealed, planner, &sentence)).await?;
    }
    let rules = &folder.file.approval;
    if typed.json {
        let mut summary = plan_json(&sealed, planner);
        summary["approval_required"] = json!(rules.is_required);
        summary["forecast_in_words"] = json!(sentence);
        summary["forecast"] = json!(reckoned);
        println!("{summary}");
        return Ok(Exit::Done);
    }
    plan_lines(&sealed, planner, &folder.file, &sentence).iter().for_each(|line| println!("{line}"));
    if let Some(out) = &typed.out {
        println!("{}: the plan, a line for each message", out.display());
    }
    let in_folder = send::in_folder(path);
    match rules.is_required {
        true => println!("nothing was sent; a second person: `convoke {in_folder}approve`"),
        false => {
            println!("nothing was sent; convoke.toml asks for no approval: `convoke {in_folder}send` would send it")
        }
    }
    Ok(Exit::Done)
}

async fn write(out: &Path, store: &Store, id: i64, sealed: &Sealed, head: &str) -> Result<(), Stopped> {
    debug_assert!(head.starts_with(&sealed.lines()), "what is sealed comes first");
    let mut file = Growing::begin(out)?;
    file.add(head)?;
    let mut after = 0;
    loop {
        let page = store.sealed_page(id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.recipient;
        for message in &page {
            file.add(&message.line())?;
            file.add("\n")?;
        }
    }
    Ok(file.end()?)
}
