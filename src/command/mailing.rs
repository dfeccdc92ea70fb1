//! The plan of a reminder or of a letter: one transaction in which every message is made, or nothing.

use super::chosen::Chosen;
use super::folder::Folder;
use super::gate::{self, Found};
use super::plan::{self, Settled};
use super::suppress;
use crate::cli;
use crate::desk::count;
use crate::exit::Stopped;
use crate::io::clock;
use crate::io::store::{Mailing, Pick, Store, StoreError};
use crate::message::Composer;
use crate::plan::{Errand, Purpose, Selection};

use super::send::{self, in_folder};

/// What a mailing needs before it is known whom it is for.
pub(super) struct Desk {
    pub(super) folder: Folder,
    pub(super) store: Store,
    pub(super) settled: Settled,
}

impl Desk {
    /// Reads the folder and opens its journal; both must speak of the same event.
    pub(super) async fn open(path: &std::path::Path, way: &cli::Way) -> Result<Self, Stopped> {
        if !Store::path_in(path).exists() {
            return Err(StoreError::Absent(path.to_owned()).into());
        }
        let folder = Folder::read(path, &cli::Lists::default())?;
        let store = send::open(path, way.dry_run).await?;
        let settled = plan::settle(&folder, &store).await?;
        if !settled.difference.is_empty() {
            return Err(plan::differs(&store, &settled).await?);
        }
        suppress::take_lists(&store, &folder.file, &folder.path).await?;
        Ok(Self { folder, store, settled })
    }

    /// What was typed, applied to this journal.
    pub(super) async fn chosen(&self, typed: &Typed) -> Result<Chosen, Stopped> {
        let selection: Selection = plan::selection(&typed.only, &self.folder.columns)?;
        Chosen::of(selection.and_named(&typed.entity, &typed.to), &self.store).await
    }

    /// Plans messages and makes each of them; only if all are sound, the plan stays.
    pub(super) async fn plan(
        &self,
        purpose: Purpose,
        name: &str,
        known: Option<&Mailing>,
        typed: &Typed,
        picks: &[Pick],
    ) -> Result<(Composer, Errand, Found), Stopped> {
        let now_ms = clock::now().as_millisecond();
        let revision = self.settled.history.current().number;
        let planning = self.store.begin_planning().await?;
        let made = async {
            let mailing = match known {
                Some(mailing) => mailing.id,
                None => self.store.add_mailing(purpose, name, revision, &typed.json(), now_ms).await?,
            };
            let errand = Errand { purpose, mailing };
            let planned = self.store.plan_mailing(errand, revision, picks, now_ms).await?;
            let composer = self.settled.composer(&self.folder, &self.settled.history)?;
            let composer = if name.is_empty() { composer } else { composer.with_mailing(mailing, name) };
            let found = gate::check_all(&self.store, &composer, errand, planned).await?;
            Ok::<_, Stopped>((composer, errand, found))
        };
        match made.await {
            Ok((composer, errand, found)) if found.problems.is_empty() => {
                planning.commit().await?;
                Ok((composer, errand, found))
            }
            Ok((.., found)) => {
                planning.give_up().await?;
                Err(Stopped::Configuration(found.problems))
            }
            Err(stopped) => {
                planning.give_up().await?;
                Err(stopped)
            }
        }
    }

    /// What other commands have left open.
    pub(super) async fn say_others(&self, own: Purpose) -> Result<(), Stopped> {
        for (errand, n) in self.store.open_errands().await? {
            if errand.purpose != own {
                let (messages, verb) = (count(n, "message is", "messages are"), errand.purpose.verb());
                println!("{messages} still open: `convoke {}{verb}`", in_folder(&self.folder.path));
            }
        }
        Ok(())
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
    pub(super) fn of(way: &cli::Way) -> Self {
        Self { only: way.only.clone(), entity: way.named.entity.clone(), to: way.named.to.clone() }
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
