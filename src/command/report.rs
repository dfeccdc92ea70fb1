//! `convoke report`: what a run did, as a page and for programs.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::folder::read_event_file;
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
    let mut report = AnswersReport::new(title, file.event.answers, clock::now());
    store
        .each_entity(false, |entity| {
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
    let json = report.json();
    if !typed.json || typed.output.is_some() {
        let folder = typed.output.clone().unwrap_or_else(|| reports_in(path));
        std::fs::create_dir_all(&folder).map_err(|e| files::FileError::new("make", &folder, e))?;
        let page = folder.join("answers.html");
        files::write_atomically(&page.with_extension("json"), format!("{json:#}\n").as_bytes())?;
        files::write_atomically(&page, report.page(&TimeZone::system()).as_bytes())?;
        if !typed.json {
            report.sentences().iter().for_each(|sentence| println!("{sentence}"));
            println!("look next:");
            println!("  {:<32}all of it, to look at and to print", page.display().to_string());
        }
    }
    if typed.json {
        println!("{json}");
    }
    Ok(Exit::Done)
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
