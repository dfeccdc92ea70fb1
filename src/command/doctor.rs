//! `convoke doctor`: can we send at all, and does what returns come back to us.
//!
//! What: [`run`]: one finding for each check, in the order in which a message meets them: configuration, keys, journal, disk,
//! clock, relays, reply mailboxes; with `--self-test` one message to ourselves. Not here: templates and lists (`check` names
//! their problems), what leaves in earnest (`send`). Called by: `command`. Can fail: without a `convoke.toml` that can be
//! read there is nothing to look at; everything else is a finding, and the first fault gives the exit code.

mod finding;
mod mailbox;
mod place;
mod relay;
mod self_test;

use std::io::Write as _;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::json;

use self::finding::Finding;
use super::folder::{Folder, read_event_file};
use super::mailing::in_folder;
use super::signatures;
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::input::event_file::EventFile;
use crate::io::clock;

pub(super) async fn run(path: &Path, typed: &cli::Doctor) -> Result<Exit, Stopped> {
    let test = if typed.self_test { Some(self_test::Terms::of(typed)?) } else { None };
    let (file, _) = read_event_file(path)?;
    let mut report = Report { findings: Vec::new(), is_json: typed.json };
    report.add(configuration(path, &file))?;
    for finding in keys(path, &file) {
        report.add(finding)?;
    }
    report.add(place::journal(path).await)?;
    report.add(place::disk(path))?;
    report.add(place::clock(path, &file, clock::now()))?;
    if file.relays.is_empty() {
        let words = "none is configured: everything goes to the sandbox, and nothing leaves this machine";
        report.add(Finding::well("relay", "", words))?;
    }
    for finding in join_all(file.relays.iter().map(|one| relay::look(one, &file, path))).await {
        report.add(finding)?;
    }
    for finding in mailbox::look(&file, path).await {
        report.add(finding)?;
    }
    if let Some(terms) = test {
        report.add(self_test::run(path, &file, &terms).await?)?;
    }
    report.end()
}

/// What was found so far; lines are printed as they come.
struct Report {
    findings: Vec<Finding>,
    is_json: bool,
}

impl Report {
    fn add(&mut self, finding: Finding) -> Result<(), Stopped> {
        if !self.is_json {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{finding}")?;
            out.flush()?;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn end(self) -> Result<Exit, Stopped> {
        let exit = self.findings.iter().find_map(Finding::exit).unwrap_or(Exit::Done);
        let faults = self.findings.iter().filter(|finding| finding.exit().is_some()).count() as u64;
        let warnings = self.findings.iter().filter(|finding| finding.is_warning()).count() as u64;
        let mut out = std::io::stdout().lock();
        if self.is_json {
            let checks: Vec<_> = self.findings.iter().map(Finding::json).collect();
            writeln!(out, "{}", json!({ "checks": checks, "faults": faults, "warnings": warnings }))?;
        } else {
            let told = [(faults, "fault", "faults"), (warnings, "warning", "warnings")];
            let told: Vec<String> =
                told.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count(n, one, many)).collect();
            writeln!(out, "{}", if told.is_empty() { "everything is well".to_owned() } else { told.join(", ") })?;
        }
        Ok(exit)
    }
}

fn configuration(path: &Path, file: &EventFile) -> Finding {
    match Folder::read(path, &cli::Lists::default()) {
        Ok(folder) => {
            let letters = folder.library.letters().count() as u64;
            let lists = count(folder.lists.len() as u64, "list", "lists");
            let words = format!("`{}`, {lists}, {}", file.event.id, count(letters, "letter", "letters"));
            Finding::well("configuration", "", &words)
        }
        Err(Stopped::Configuration(problems)) => {
            let n = problems.len() as u64;
            let first = problems.first().map(|problem| format!(": {problem}")).unwrap_or_default();
            let cure = format!("`convoke {}check` shows them all", in_folder(path));
            Finding::fault("configuration", "", Exit::Configuration, &count(n, "problem", "problems"), &cure)
                .more(&first)
        }
        Err(stopped) => Finding::stopped("configuration", "", &stopped, ""),
    }
}

/// One finding for each key that signs; its record is there to be published, which nobody is asked here.
fn keys(path: &Path, file: &EventFile) -> Vec<Finding> {
    match signatures::open(file, path) {
        Ok(None) => vec![Finding::well("dkim", "", "no key is configured; the relay may sign")],
        Ok(Some(signer)) => {
            let remark = signatures::remarks(Some(&signer)).pop();
            let keys = signer.keys().iter().map(|key| {
                let of = format!("{}._domainkey.{}", key.selector(), key.domain());
                let words = format!("{}, {} bits, signs for {}", key.algorithm(), key.bits(), key.domain());
                match &remark {
                    Some(remark) => Finding::warning("dkim", &of, &words, remark),
                    None => Finding::well("dkim", &of, &words),
                }
            });
            keys.collect()
        }
        Err(problems) => problems
            .iter()
            .map(|problem| {
                let words = format!("{}: {}", problem.place, problem.fault);
                Finding::fault("dkim", "", Exit::Configuration, &words, &problem.cure)
            })
            .collect(),
    }
}
