//! The plan of a reminder or of a letter: one transaction in which every message is made, or nothing.
//!
//! What: [`Writing`], a folder and its journal that agree; [`Writing::send`], from those who are chosen to messages that leave.
//! Not here: who is chosen (`remind`, `write`), how messages leave (`mailing`). Called by: `remind`, `write`.
//! Can fail: with what the user has to mend or decide; then nothing is planned.

use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::gate;
use super::mailing::{Approval, Mailing};
use super::plan::{self, Settled};
use super::send::{in_session, of_session, only_of};
use super::suppress;
use super::trial::{self, Trial};
use super::update::open;
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::{self, Pick, Store};
use crate::message::Composer;
use crate::plan::{Errand, Purpose, Selection};
use crate::settings::Sending;

/// What somebody writes, before it is known whom to.
pub(super) struct Writing<'w> {
    pub(super) folder: Folder,
    pub(super) store: Store,
    pub(super) sending: Sending,
    pub(super) settled: Settled,
    /// The id of the session that was named; else empty.
    pub(super) session: String,
    delivery: &'w cli::Delivery,
    purpose: Purpose,
    /// Of a letter, the folder of its templates; empty for a reminder.
    name: String,
}

impl<'w> Writing<'w> {
    /// Reads the folder and opens its journal; both must speak of the same event.
    pub(super) async fn open(
        path: &Path,
        purpose: Purpose,
        name: &str,
        session: Option<&str>,
        delivery: &'w cli::Delivery,
    ) -> Result<Self, Stopped> {
        let folder = Folder::read(path, &cli::Lists::default())?;
        let sending = Sending::of(&folder.file, delivery, clock::now()).map_err(Stopped::Usage)?;
        let store = open(path, delivery).await?;
        let settled = plan::settle(&folder, &store).await?;
        settled.agrees(&store).await?;
        let session = plan::session(&folder.file.session_ids(), session)?;
        store.look_at(&session);
        suppress::take_lists(&store, &folder.file, &folder.path).await?;
        Ok(Self { folder, store, sending, settled, session, delivery, purpose, name: name.to_owned() })
    }

    /// What was typed, applied to this journal.
    pub(super) async fn chosen(&self, typed: &Typed) -> Result<Chosen, Stopped> {
        let selection: Selection = plan::selection(&typed.only, &self.folder.columns)?;
        let session = Some(self.session.as_str()).filter(|id| !id.is_empty());
        of_session(&self.folder, &self.store, selection.and_named(&typed.entity, &typed.to), session).await
    }

    /// The sessions of which somebody is written to, by their ids: the one that was named, or all; the event itself has
    /// none.
    pub(super) fn sessions(&self) -> Vec<String> {
        let all = self.settled.parts.iter().filter(|part| !part.history.is_cancelled() || part.session().is_empty());
        let ids = all.map(|part| part.session().to_owned());
        ids.filter(|id| self.session.is_empty() || *id == self.session).collect()
    }

    /// Plans messages, in a mailing that goes on or in a new one, makes each of them, asks, and sends what is open of it. Only
    /// if all are sound and may leave, the plan stays.
    pub(super) async fn send(
        self,
        known: Option<&store::Mailing>,
        typed: &Typed,
        picks: &[Pick],
    ) -> Result<Exit, Stopped> {
        let planning = self.store.begin_planning().await?;
        let (composer, errand) = match self.plan(known, typed, picks).await {
            Ok(planned) => planned,
            Err(stopped) => {
                planning.give_up().await?;
                return Err(stopped);
            }
        };
        // Who is meant was decided by the plan; what is open of it goes now.
        let everybody = Chosen::everybody();
        let Self { folder, store, sending, delivery, .. } = &self;
        if let Some(to) = &delivery.test_to {
            planning.commit().await?;
            let (selection, typed) = (&everybody, *delivery);
            let trial = Trial { folder, store, composer: &composer, errand, selection, typed, sending };
            return trial::run(trial, to).await;
        }
        let session = in_session(Some(self.session.as_str()).filter(|id| !id.is_empty()));
        let again = format!("{} {}", self.purpose.verb(), self.name).trim_end().to_owned() + &session;
        let only = only_of(&typed.only, Some(self.session.as_str()).filter(|id| !id.is_empty()));
        let (selection, only, typed) = (&everybody, &only[..], *delivery);
        let mailing = Mailing {
            folder,
            store,
            composer,
            errand,
            selection,
            only,
            typed,
            sending,
            again,
            story: Default::default(),
        };
        match mailing.approve().await {
            Ok(Approval::Given(approved)) => {
                planning.commit().await?;
                approved.send().await
            }
            Ok(Approval::Sealed(exit)) => {
                planning.commit().await?;
                Ok(exit)
            }
            Ok(Approval::Over(exit)) => {
                planning.give_up().await?;
                Ok(exit)
            }
            Err(stopped) => {
                planning.give_up().await?;
                Err(stopped)
            }
        }
    }

    async fn plan(
        &self,
        known: Option<&store::Mailing>,
        typed: &Typed,
        picks: &[Pick],
    ) -> Result<(Composer, Errand), Stopped> {
        let now_ms = clock::now().as_millisecond();
        let revision = self.settled.revision(&self.session);
        let mailing = match known {
            Some(mailing) => mailing.id,
            None => self.store.add_mailing(self.purpose, &self.name, revision, &typed.json(), now_ms).await?,
        };
        let errand = Errand { purpose: self.purpose, mailing };
        let planned = self.store.plan_mailing(errand, picks, now_ms).await?;
        let composer = self.settled.composer(&self.folder)?;
        let composer = if self.name.is_empty() { composer } else { composer.with_mailing(mailing, &self.name) };
        let found = gate::check_all(&self.store, &composer, errand, planned).await?;
        if !found.problems.is_empty() {
            return Err(Stopped::Configuration(found.problems));
        }
        for warning in &found.warnings {
            eprintln!("warning: {warning}");
        }
        Ok((composer, errand))
    }
}

/// Conditions as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Typed {
    pub(super) only: Vec<String>,
    pub(super) entity: Vec<String>,
    pub(super) to: Vec<String>,
}

impl Typed {
    pub(super) fn of(only: &[String], named: &cli::Named) -> Self {
        Self { only: only.to_vec(), entity: named.entity.clone(), to: named.to.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.only.is_empty() && self.entity.is_empty() && self.to.is_empty()
    }

    /// For the journal; empty for everybody.
    fn json(&self) -> String {
        if self.is_empty() { String::new() } else { serde_json::to_string(self).expect("lists of texts are JSON") }
    }

    /// As the journal has it.
    pub(super) fn parse(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// For a person.
    pub(super) fn in_words(&self) -> String {
        let flags = [("--only", &self.only), ("--entity", &self.entity), ("--to", &self.to)];
        let typed = flags.iter().flat_map(|(flag, texts)| texts.iter().map(move |text| format!("{flag} \"{text}\"")));
        typed.collect::<Vec<_>>().join(" ")
    }
}
