//! `convoke plan`, and `--seal` of every verb that sends: what would leave, sealed, so that a second person can say yes to just
//! that.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::sealing::{self, Asked};
use super::{forecast, mailing, send};
use crate::cli;
use crate::desk::plan_summary::{Planner, plan_head, plan_json, plan_lines};
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::files::Growing;
use crate::io::store::Store;
use crate::plan::Sealed;

/// Lines in memory at once.
const PAGE: usize = 1024;

/// `convoke plan` is `convoke send --seal`.
pub(super) async fn invitations(path: &Path, typed: &cli::Plan) -> Result<Exit, Stopped> {
    let cli::Plan { lists, only, named, session, relay, by, out, json } = typed;
    let (relay, by, out) = (relay.clone(), by.clone(), out.clone());
    let delivery = cli::Delivery { seal: true, relay, by, out, json: *json, ..cli::Delivery::default() };
    let (lists, only, named, session) = (lists.clone(), only.clone(), named.clone(), session.clone());
    send::run(path, &cli::Send { lists, only, named, session, delivery }).await
}

/// Seals what is open and meant, and says so.
pub(super) async fn run(asked: &Asked<'_>, typed: &cli::Delivery, story: &Map<String, Value>) -> Result<Exit, Stopped> {
    let (by, account) = sealing::who(typed.by.as_deref())?;
    let Asked { folder, store, sending, .. } = asked;
    let (id, sealed) = sealing::seal(asked, &by, &account).await?;
    let (sentence, reckoned) = forecast::reckon(store, &sending.terms, sealed.extent().messages).await?;
    let planner = Planner { by: &by, account: &account, made: clock::now() };
    if let Some(out) = &typed.out {
        write(out, store, id, &plan_head(&sealed, planner, &sentence)).await?;
    }
    let rules = &folder.file.approval;
    if typed.json {
        let mut summary = plan_json(&sealed, planner);
        summary["approval_required"] = json!(rules.is_required);
        summary["forecast_in_words"] = json!(sentence);
        summary["forecast"] = json!(reckoned);
        println!("{}", mailing::joined(summary, story));
        return Ok(Exit::Done);
    }
    say(&sealed, planner, asked, &sentence, typed.out.as_deref());
    Ok(Exit::Done)
}

fn say(sealed: &Sealed, planner: Planner<'_>, asked: &Asked<'_>, sentence: &str, out: Option<&Path>) {
    let file = &asked.folder.file;
    plan_lines(sealed, planner, file, sentence).iter().for_each(|line| println!("{line}"));
    if let Some(out) = out {
        println!("{}: the plan, a line for each message", out.display());
    }
    let folder = mailing::in_folder(&asked.folder.path);
    match file.approval.is_required {
        true => println!("nothing was sent; a second person: `convoke {folder}approve`"),
        false => println!("nothing was sent; convoke.toml asks for no approval, so it can be sent as it is"),
    }
}

async fn write(out: &Path, store: &Store, id: i64, head: &str) -> Result<(), Stopped> {
    let mut file = Growing::begin(out)?;
    file.add(head)?;
    let mut after = (0, String::new());
    loop {
        let page = store.sealed_page(id, (after.0, &after.1), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.recipient, last.session.clone());
        for message in &page {
            file.add(&message.line())?;
            file.add("\n")?;
        }
    }
    Ok(file.end()?)
}
