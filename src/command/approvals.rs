//! How sealed plans stand: what `status` says out of the journal, and `check` after it has made every message.
//!
//! `status` knows who sealed and who approved, and until when; whether a message has changed since takes making it, which
//! `check` does: it asks for the leave to send as `send` would, and says what the answer is.

use std::path::Path;

use serde_json::{Value, json};

use super::chosen::Chosen;
use super::folder::{Folder, read_event_file};
use super::mailing::in_folder;
use super::plan::Settled;
use super::sealing::{self, Asked};
use crate::cli;
use crate::desk::plan_standing::Standings;
use crate::exit::Stopped;
use crate::io::clock;
use crate::io::store::Store;
use crate::plan::{Change, Errand};
use crate::settings::Sending;

/// Lines for the terminal and the same for a program, out of the journal; neither where the event file cannot be read.
pub(super) async fn state(path: &Path, store: &Store) -> Result<(Vec<String>, Value), Stopped> {
    let Ok((file, _)) = read_event_file(path) else { return Ok((Vec::new(), Value::Null)) };
    let (plans, open) = (store.plans(None).await?, store.open_errands().await?);
    let folder = in_folder(path);
    let standings = Standings { rules: &file.approval, plans: &plans, open: &open, folder: &folder, now: clock::now() };
    Ok((standings.lines(), standings.json()))
}

/// What asking for the leave to send one errand would give.
pub(super) struct Answer {
    errand: Errand,
    /// Why it would be refused, with what has changed; `None` where it would be given.
    refusal: Option<(String, Vec<Change>)>,
}

impl Answer {
    /// Lines for the terminal.
    pub(super) fn lines(&self, folder: &str) -> Vec<String> {
        let verb = self.errand.purpose.verb();
        let Some((why, changes)) = &self.refusal else {
            return vec![format!("approved: `convoke {folder}{verb}` would send just what was sealed")];
        };
        let mut lines = vec![format!("not approved: {why}")];
        lines.extend(changes.iter().map(|change| format!("  {change}")));
        lines
    }

    /// The same for a program.
    pub(super) fn json(&self) -> Value {
        let changes = |changes: &[Change]| changes.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({
            "purpose": self.errand.purpose.as_str(),
            "mailing": self.errand.mailing,
            "may_be_sent": self.refusal.is_none(),
            "why": self.refusal.as_ref().map(|(why, _)| why),
            "changes": self.refusal.as_ref().map_or_else(Vec::new, |(_, all)| changes(all)),
        })
    }
}

/// Asks for the leave to send everything that is open; nothing where `convoke.toml` asks for no approval. Messages that
/// cannot be made are problems, as they are for the command that sends them.
pub(super) async fn ask(folder: &Folder, store: &Store, settled: &Settled) -> Result<Vec<Answer>, Stopped> {
    if !folder.file.approval.is_required {
        return Ok(Vec::new());
    }
    let delivery = cli::Delivery::default();
    let sending = Sending::of(&folder.file, &delivery, clock::now()).map_err(Stopped::Usage)?;
    let everybody = Chosen::everybody();
    let mut answers = Vec::new();
    for (errand, _) in store.open_errands().await? {
        let composer = settled.composer(folder)?;
        let composer = match store.mailing_name(errand.mailing).await? {
            Some(name) if !name.is_empty() => composer.with_mailing(errand.mailing, &name),
            _ => composer,
        };
        let asked = Asked {
            folder,
            store,
            composer: &composer,
            errand,
            selection: &everybody,
            only: &[],
            relay: None,
            sending: &sending,
        };
        let refusal = match sealing::leave(&asked, errand.purpose.verb()).await {
            Ok(_) => None,
            Err(Stopped::Approval(changes, why)) => Some((why, changes)),
            Err(other) => return Err(other),
        };
        answers.push(Answer { errand, refusal });
    }
    Ok(answers)
}
