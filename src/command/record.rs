//! What a run leaves behind: its row in the journal, its log, its report.
//!
//! What: [`RunRecord`], begun before the first message and ended after the last; `send` needs three calls.
//! Not here: what the files say (`desk`). Called by: `command::send`, `command::run`. Can fail: at the beginning, when the
//! journal or the log cannot be written; later trouble with log or report is told and stops nothing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::progress::Bar;
use super::report;
use crate::cli;
use crate::delivery::Phase;
use crate::desk::log_line::{AttemptLine, run_begins, run_ends};
use crate::exit::{Stopped, print_trouble};
use crate::input::event_file::EventFile;
use crate::io::clock;
use crate::io::log::Log;
use crate::io::smtp::Report;
use crate::io::store::Store;
use crate::mail::masked_in;
use crate::plan::Purpose;
use crate::settings::Sending;

/// A run that goes on.
pub(super) struct RunRecord {
    run: i64,
    purpose: Purpose,
    log: Option<Log>,
    addresses: bool,
}

impl RunRecord {
    /// Notes the beginning in the journal and in the log, where one is asked for.
    pub(super) async fn begin(
        path: &Path,
        file: &EventFile,
        purpose: Purpose,
        (typed, only): (&cli::Delivery, &[String]),
        sending: &Sending,
        store: &Store,
    ) -> Result<Self, Stopped> {
        let log = match (&typed.log, &file.records.log) {
            (Some(name), _) => Some(Log::open(name)?),
            (None, Some(name)) => Some(Log::open(&path.join(name))?),
            (None, None) => None,
        };
        let now = clock::now();
        let settings = settings(typed, only, sending, purpose);
        let run = store.begin_run(&settings.to_string(), now.as_millisecond()).await?;
        let record = Self { run, purpose, log, addresses: file.records.log_addresses };
        record.line(|| run_begins(run, &settings, now));
        Ok(record)
    }

    fn line(&self, line: impl FnOnce() -> Value) {
        if let Some(log) = &self.log {
            log.line(line().to_string());
        }
    }

    /// Appends an attempt to the log; never waits.
    pub(super) fn attempt(&self, report: &Report<'_>, bar: &Bar) {
        let Some(log) = &self.log else { return };
        let line = AttemptLine {
            run: self.run,
            dispatch: report.dispatch,
            purpose: self.purpose.as_str(),
            to: report.to,
            message_id: report.message_id,
            standing: report.standing,
            number: report.number,
            attempt: report.attempt,
            addresses: self.addresses,
        };
        log.line(line.json().to_string());
        if report.phase < Phase::Mail {
            log.line(line.trouble().to_string());
        }
        if let Some(trouble) = log.trouble() {
            bar.say(&trouble);
        }
    }

    /// Notes the end and writes the report, where one is meant; gives its name.
    pub(super) async fn end(self, path: &Path, file: &EventFile, store: &Store, ended_by: &str) -> Option<PathBuf> {
        let now = clock::now();
        let ended = async {
            store.end_run(self.run, ended_by, now.as_millisecond()).await?;
            store.run_counts(self.run).await
        };
        let (counts, _) = match ended.await {
            Ok(counted) => counted,
            Err(error) => {
                // Its causes are told where the run itself failed; the report can be made later.
                print_trouble(&error);
                return None;
            }
        };
        self.line(|| run_ends(self.run, ended_by, counts, now));
        if let Some(trouble) = self.log.and_then(Log::end) {
            eprintln!("convoke: {trouble}");
        }
        if !file.records.report_each_run || counts.attempts == 0 {
            return None;
        }
        let written = match report::make(store, file, Some(self.run), false).await {
            Ok(made) => report::write(&made, &report::reports_in(path)),
            Err(stopped) => Err(stopped),
        };
        written.map_err(|stopped| print_trouble(&stopped)).ok()
    }
}

/// What the run was asked to do; no secret is among it.
fn settings(typed: &cli::Delivery, only: &[String], sending: &Sending, purpose: Purpose) -> Value {
    json!({
        "program": concat!("convoke ", env!("CARGO_PKG_VERSION")),
        "purpose": purpose.as_str(),
        "relays": sending.relays.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "connections": sending.connections,
        "rate": sending.terms.rate.map(|rate| rate.to_string()),
        "only": only.iter().map(|text| masked_in(text)).collect::<Vec<_>>(),
        "limit": typed.limit,
    })
}
