//! Whom a cancellation or its end concerns: `--all`, `--only`, `--entity`, `--to`.

use std::collections::BTreeSet;

use super::chosen::Chosen;
use super::plan;
use crate::cli;
use crate::exit::Stopped;
use crate::io::store::{Candidate, Circle, Store};
use crate::mail::AddrSpec;
use crate::plan::Selection;

/// Mailboxes read at once.
const PAGE: usize = 1000;

/// The people that were named.
pub(super) struct Who {
    selection: Selection,
    entities: Vec<String>,
    addresses: Vec<String>,
    words: String,
}

impl Who {
    /// Reads what was typed.
    pub(super) fn of(typed: &cli::Who, columns: &BTreeSet<String>) -> Result<Self, Stopped> {
        let addresses = typed.to.iter().map(|text| {
            let parsed = AddrSpec::parse(text).map(|address| address.key());
            parsed.map_err(|e| Stopped::Usage(format!("--to `{text}`: {e}; {}", e.cure())))
        });
        let flags = [("--only", &typed.only), ("--entity", &typed.entity), ("--to", &typed.to)];
        let words =
            flags.iter().flat_map(|(flag, values)| values.iter().map(move |value| format!("{flag} \"{value}\"")));
        let mut words: Vec<String> = words.collect();
        if typed.all {
            words.push("--all".to_owned());
        }
        Ok(Self {
            selection: plan::selection(&typed.only, columns)?,
            entities: typed.entity.iter().map(|name| fold(name)).collect(),
            addresses: addresses.collect::<Result<_, _>>()?,
            words: words.join(" "),
        })
    }

    /// As it was typed, for words.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// Whether a mailbox is meant: by its row, and where entities or addresses are named, by one of those.
    fn takes(&self, candidate: &Candidate, chosen: &Chosen) -> bool {
        let recipient = &candidate.recipient;
        let is_named = (self.entities.is_empty() && self.addresses.is_empty())
            || self.entities.contains(&fold(&recipient.entity))
            || self.addresses.contains(&recipient.address.key());
        is_named && chosen.takes(candidate.id, recipient)
    }

    /// Those of a circle that are meant.
    pub(super) async fn among(&self, store: &Store, circle: Circle) -> Result<Vec<Candidate>, Stopped> {
        let chosen = Chosen::of(self.selection.clone(), store).await?;
        among(store, circle, |candidate| self.takes(candidate, &chosen)).await
    }
}

/// Those of a circle that are meant; without their cells, which may be many.
pub(super) async fn among(
    store: &Store,
    circle: Circle,
    takes: impl Fn(&Candidate) -> bool,
) -> Result<Vec<Candidate>, Stopped> {
    let (mut meant, mut after) = (Vec::new(), 0);
    loop {
        let page = store.circle_page(circle, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(meant) };
        after = last.id;
        for mut candidate in page {
            if takes(&candidate) {
                candidate.recipient.cells.clear();
                meant.push(candidate);
            }
        }
    }
}

/// The rows of candidates.
pub(super) fn rows<'c>(candidates: impl IntoIterator<Item = &'c Candidate>) -> Vec<i64> {
    candidates.into_iter().map(|candidate| candidate.id).collect()
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}
