//! `convoke report`: what a run did, as a page and for programs.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde_json::json;

use super::folder::read_event_file;
use super::status::Session;
use crate::cli;
use crate::desk::answers_page::{AnswersReport, EntityLine};
use crate::desk::run_page::run_page;
use crate::desk::run_report::RunReport;
use crate::exit::{Exit, Stopped};
use crate::input::event_file::EventFile;
use crate::io::store::Store;
use crate::io::{clock, files};

pub(super) async fn run(path: &Path, typed: &cli::Report) -> Result<Exit, Stopped> {
    let (file, _) = read_event_file(path)?;
    let store = Store::open_reading(path).await?;
    if typed.answers {
        return answers(path, &file, &store, typed).await;
    }
    let number = if typed.all {
        None
    } else {
        let last = store.last_run().await?.map(|run| run.number);
        let wanted = typed.run.or(last);
        Some(wanted.ok_or_else(|| Stopped::Usage("there was no run yet; `convoke send` begins one".to_owned()))?)
    };
    let report = make(&store, &file, number, typed.addresses).await?;
    if typed.json && typed.output.is_none() {
        println!("{}", report.json());
        return Ok(Exit::Done);
    }
    let folder = typed.output.clone().unwrap_or_else(|| reports_in(path));
    let page = write(&report, &folder)?;
    if typed.json {
        println!("{}", report.json());
    } else {
        report.sentences().iter().for_each(|sentence| println!("{sentence}"));
        println!("look next:");
        println!("  {:<32}all of it, to look at and to print", page.display().to_string());
        println!("  {:<32}for programs", page.with_extension("json").display().to_string());
    }
    Ok(Exit::Done)
}

async fn answers(path: &Path, file: &EventFile, store: &Store, typed: &cli::Report) -> Result<Exit, Stopped> {
    let title = file.event.title.in_language(&file.languages.default, &file.languages);
    let sessions = Session::all(path, store).await?;
    let mut reports = Vec::new();
    if sessions.is_empty() {
        let report = AnswersReport::new(title, file.event.answers, clock::now());
        reports.push(("answers.html".to_owned(), read_answers(report, store, false).await?));
    }
    // Each session has a page of its own.
    for session in &sessions {
        store.look_at(&session.id);
        let own = if session.title.is_empty() { &session.id } else { &session.title };
        let title = if own == title { format!("{title}: {}", session.id) } else { format!("{title}: {own}") };
        let report = AnswersReport::new(&title, session.mode, clock::now());
        reports.push((format!("answers-{}.html", session.id), read_answers(report, store, true).await?));
    }
    store.look_at("");
    let json = match reports.as_slice() {
        [(_, one)] if sessions.is_empty() => one.json(),
        all => {
            let one = |((_, report), session): (&(String, AnswersReport), &Session)| {
                let mut json = report.json();
                json["session"] = session.id.clone().into();
                json
            };
            json!({ "sessions": all.iter().zip(&sessions).map(one).collect::<Vec<_>>() })
        }
    };
    if !typed.json || typed.output.is_some() {
        let folder = typed.output.clone().unwrap_or_else(|| reports_in(path));
        std::fs::create_dir_all(&folder).map_err(|e| files::FileError::new("make", &folder, e))?;
        for (name, report) in &reports {
            let page = folder.join(name);
            files::write_atomically(&page.with_extension("json"), format!("{:#}\n", report.json()).as_bytes())?;
            files::write_atomically(&page, report.page(&TimeZone::system()).as_bytes())?;
        }
        if !typed.json {
            for ((_, report), session) in reports.iter().zip(&sessions) {
                println!("session `{}`:", session.id);
                report.sentences().iter().for_each(|sentence| println!("  {sentence}"));
            }
            if let ([(_, report)], true) = (reports.as_slice(), sessions.is_empty()) {
                report.sentences().iter().for_each(|sentence| println!("{sentence}"));
            }
            println!("look next:");
            for (name, _) in &reports {
                println!("  {:<32}all of it, to look at and to print", folder.join(name).display().to_string());
            }
        }
    }
    if typed.json {
        println!("{json}");
    }
    Ok(Exit::Done)
}

/// Adds up what entities answered to what the store looks at. Of a session, whoever was never invited to it is left out.
async fn read_answers(mut report: AnswersReport, store: &Store, is_session: bool) -> Result<AnswersReport, Stopped> {
    store
        .each_entity(false, |entity| {
            if is_session && entity.mailboxes.iter().all(|mailbox| mailbox.status.is_none()) {
                return;
            }
            report.add(&EntityLine {
                name: &entity.name,
                kind: entity.kind.as_str(),
                is_reached: entity.is_reached(),
                is_withdrawn: entity.is_withdrawn(),
                silent_since: entity.silent_since(),
                is_cut_off: entity.mailboxes.iter().all(|mailbox| mailbox.is_refused),
                position: &entity.position,
            });
        })
        .await?;
    Ok(report)
}

/// Adds up a run, or all of them.
pub(super) async fn make(
    store: &Store,
    file: &EventFile,
    number: Option<i64>,
    addresses: bool,
) -> Result<RunReport, Stopped> {
    let run = match number {
        None => None,
        Some(number) => {
            let found = store.run(number).await?;
            Some(
                found
                    .ok_or_else(|| Stopped::Usage(format!("there is no run {number}; leave out --run for the last")))?,
            )
        }
    };
    let event = file.event.title.in_language(&file.languages.default, &file.languages).to_owned();
    Ok(RunReport { event, run, figures: store.run_figures(number).await?, addresses, made: clock::now() })
}

/// Writes the page and its JSON; gives the page's name.
pub(super) fn write(report: &RunReport, folder: &Path) -> Result<PathBuf, Stopped> {
    std::fs::create_dir_all(folder).map_err(|e| files::FileError::new("make", folder, e))?;
    let page = folder.join(format!("{}.html", report.file_stem()));
    files::write_atomically(&page.with_extension("json"), format!("{:#}\n", report.json()).as_bytes())?;
    files::write_atomically(&page, run_page(report, &TimeZone::system()).as_bytes())?;
    Ok(page)
}

/// Where reports lie, named without a needless `./`.
pub(super) fn reports_in(path: &Path) -> PathBuf {
    if path == Path::new(".") { PathBuf::from("reports") } else { path.join("reports") }
}
