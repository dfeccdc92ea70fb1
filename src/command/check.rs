//! `convoke check`: everything is read, every message made, nothing sent.

use std::path::Path;

use serde_json::json;

use super::coverage::References;
use super::folder::Folder;
use super::{approvals, forecast, mailing, plan, rehearsal, send, signatures};
use crate::cli;
use crate::delivery::Terms;
use crate::desk::count;
use crate::desk::coverage::Covered;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::Store;

pub(super) async fn run(path: &Path, typed: &cli::Check) -> Result<Exit, Stopped> {
    let checked = check(path, typed).await;
    if !typed.json {
        return checked;
    }
    // The same problems, for a program.
    match checked {
        Err(Stopped::Configuration(problems)) => {
            Ok(say_problems(&problems, problems.len() as u64, Exit::Configuration))
        }
        Err(Stopped::Data(problems, rows)) => Ok(say_problems(&problems, rows, Exit::Data)),
        other => other,
    }
}

fn say_problems(problems: &[crate::input::problem::Problem], rows: u64, exit: Exit) -> Exit {
    let all: Vec<_> = problems
        .iter()
        .map(|p| {
            json!({ "file": p.place.file, "line": p.place.line, "column": p.place.column, "fault": p.fault, "cure": p.cure })
        })
        .collect();
    println!("{}", json!({ "ok": false, "problems": all, "refused_rows": rows }));
    exit
}

async fn check(path: &Path, typed: &cli::Check) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let references = References::of(&folder, typed.coverage.as_deref())?;
    let store = Store::scratch(path, &format!("check-{}", std::process::id())).await?;
    store.forget_lists().await?;
    let planned = plan::plan(&folder, &store, &typed.lists).await?;
    let found = planned.found.as_ref();
    let sessions = by_session(&store, &planned.settled.parts).await?;
    let rehearsed = rehearsal::all(&folder, &store, &planned.settled).await?;
    let mut remarks: Vec<String> =
        folder.lists.iter().flat_map(|l| l.remarks.iter().map(|r| format!("{}: {r}", l.name))).collect();
    let messages = found.map_or(0, |f| f.messages);
    let now = clock::now();
    let terms = Terms::new(&folder.file.limits, &folder.file.relays, folder.file.last_start(), now);
    let (sentence, reckoned) = forecast::reckon(&store, &terms, messages).await?;
    remarks.extend(signatures::remarks(folder.signer.as_deref()));
    remarks.extend(strange_logins(&folder));
    let covered = references.compare(&folder, &store, &mut remarks).await?;
    let answers = approvals::ask(&folder, &store, &planned.settled).await?;
    let is_covered = !references.is_asked || covered.iter().all(|one| one.coverage.is_whole());
    let exit = if is_covered { Exit::Done } else { Exit::Partly };
    if typed.json {
        let counts = planned.counts.as_ref();
        let mut report = json!({
            "ok": true,
            "mailboxes": counts.map_or(0, |c| c.listed),
            "entities": counts.map_or(0, |c| c.entities),
            "duplicates": counts.map_or(0, |c| c.duplicates),
            "refused_rows": planned.reading.refused_rows,
            "suppressed": planned.suppressed,
            "to_be_sent": found.map_or(0, |f| f.messages),
            "octets": found.map_or(0, |f| f.octets),
            "letters": found.map(|f| &f.letters),
            "rehearsed": rehearsed,
            "warnings": found.map(|f| short_times(&folder).chain(f.warnings.iter().cloned()).collect::<Vec<_>>()),
            "remarks": remarks,
            "signatures": signatures::list(folder.signer.as_deref()),
            "forecast": reckoned,
            "forecast_in_words": sentence,
            "approval": answers.iter().map(approvals::Answer::json).collect::<Vec<_>>(),
            "coverage": covered.iter().map(Covered::json).collect::<Vec<_>>(),
        });
        if !sessions.is_empty() {
            report["sessions"] = sessions.iter().map(|(id, n)| json!({ "id": id, "to_be_sent": n })).collect();
        }
        println!("{report}");
        return Ok(exit);
    }
    for remark in remarks {
        eprintln!("{remark}");
    }
    for warning in short_times(&folder) {
        eprintln!("warning: {warning}");
    }
    send::say_plan(&planned, path, false);
    if let Some(found) = found {
        println!(
            "{} checked, {} kB on average",
            count(found.messages, "message", "messages"),
            found.octets / 1000 / found.messages.max(1)
        );
        for (letter, n) in &found.letters {
            println!("  {n:>8} {letter}");
        }
    }
    for (id, n) in &sessions {
        println!("  {n:>8} to the session `{id}`");
    }
    for (purpose, n) in &rehearsed {
        println!("  {n:>8} {purpose}, tried for the day on which it is needed");
    }
    if messages > 0 {
        println!("{sentence}");
    }
    println!("templates are looked for in this order: {}", folder.library.chain().join(", "));
    for line in folder.signer.as_deref().map(signatures::lines).unwrap_or_default() {
        println!("{line}");
    }
    for one in &covered {
        let lines = if references.is_asked { one.lines() } else { vec![one.sentence()] };
        lines.iter().for_each(|line| println!("{line}"));
    }
    for answer in &answers {
        answer.lines(&mailing::in_folder(path)).iter().for_each(|line| println!("{line}"));
    }
    let relays = match &folder.file.relays[..] {
        [] => "the built-in sandbox; nothing leaves this machine".to_owned(),
        relays => relays.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    println!("no problems; `convoke {}send` would use {relays}", mailing::in_folder(path));
    Ok(exit)
}

/// How many invitations to each session are to be sent; nothing where the event has none.
async fn by_session(store: &Store, parts: &[plan::Part]) -> Result<Vec<(String, u64)>, Stopped> {
    let mut all = Vec::new();
    for part in parts.iter().filter(|part| !part.session().is_empty()) {
        store.look_at(part.session());
        all.push((part.session().to_owned(), store.count_open(plan::INVITATIONS).await?));
    }
    store.look_at("");
    Ok(all)
}

/// Relays whose login is an address elsewhere than the sender's: many let nobody write under another domain, and receivers
/// that check SPF and DMARC ask the same of all relays.
fn strange_logins(folder: &Folder) -> impl Iterator<Item = String> {
    let sender = &folder.file.sender.address;
    folder.file.relays.iter().filter_map(move |relay| {
        let user = relay.user.as_deref()?;
        let (_, domain) = user.split_once('@')?;
        (!domain.eq_ignore_ascii_case(sender.domain())).then(|| {
            format!(
                "{relay} logs in as `{user}`, and the sender is `{sender}`: ask whether it may write under that name, and \
                 whether SPF or DKIM of {} covers it",
                sender.domain()
            )
        })
    })
}

/// Times for the relay that are shorter than RFC 5321 section 4.5.3.2 demands.
fn short_times(folder: &Folder) -> impl Iterator<Item = String> {
    folder.file.limits.timeouts.short.iter().map(ToString::to_string)
}
