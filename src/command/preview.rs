//! `convoke preview`: every message as .eml, and pages to look at.
//!
//! What it shows are the invitations, or the update (`amended`), each beside an earlier version where there is one (`earlier`).
//! Two passes over the journal: the first counts, so that the pages know how many there are; the second makes the messages
//! and writes each at once. In memory is what one page of the list shows, whatever the number of recipients.

mod amended;
mod earlier;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use earlier::Before;

use super::chosen::Chosen;
use super::folder::Folder;
use super::plan::INVITATIONS;
use super::progress::Bar;
use super::send::of_session;
use super::update::UPDATES;
use super::{gate, plan};
use crate::cli;
use crate::desk::count;
use crate::desk::pages::{
    Card, Earlier, Index, Leaf, MessagePage, Origin, card_from_eml, findings, index_page, message_page, printed,
};
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::files::{FileError, write_atomically};
use crate::io::store::{OpenRow, Store};
use crate::mail::AddrSpec;
use crate::message::{Composed, Composer};
use crate::plan::Errand;

/// Cards on one page of the list: a megabyte, which a browser opens and searches without a pause.
const CARDS: usize = 1000;
/// Messages listed of each kind and language where there are more than one page has.
const SAMPLE: usize = 20;
/// Different findings that are counted; the rest would be as many as rows.
const FINDINGS: usize = 100;
/// Rows in memory at once.
const PAGE: usize = 256;
/// The folder of the messages' pages, below that of the list.
const MESSAGES: &str = "messages";

pub(super) async fn run(path: &Path, typed: &cli::Preview) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let selection = plan::selection(&typed.only, &folder.columns)?.and_named(&typed.entity, &[]);
    let store = Store::scratch(path, &format!("preview-{}", std::process::id())).await?;
    store.forget_lists().await?;
    let (errand, composer) = match amended::plan(&folder, &store, typed, &selection).await? {
        Some(composer) => (UPDATES, composer),
        None => (INVITATIONS, plan::plan(&folder, &store, &typed.lists).await?.composer),
    };
    let selection = of_session(&folder, &store, selection, typed.session.as_deref()).await?;
    let maker = Maker { folder: &folder, composer: &composer, errand, store: &store, selection: &selection };
    if let Some(text) = &typed.to {
        let wanted = AddrSpec::parse(text).map_err(|e| Stopped::Usage(format!("--to `{text}`: {e}; {}", e.cure())))?;
        return maker.print(&wanted.key(), typed.raw).await;
    }
    let out = if path == Path::new(".") { typed.out.clone() } else { path.join(&typed.out) };
    let before = match &typed.against {
        Some(dir) => Before::in_folder(dir, &out)?,
        None => Before::InJournal,
    };
    maker.write(&out, typed, &before).await
}

struct Maker<'m> {
    folder: &'m Folder,
    composer: &'m Composer,
    errand: Errand,
    store: &'m Store,
    selection: &'m Chosen,
}

impl Maker<'_> {
    fn compose(&self, row: &OpenRow) -> Result<Composed, Stopped> {
        let now = clock::now();
        let date = row.date.unwrap_or(now);
        self.composer.compose(&gate::reader(row), &row.dispatch, date, now).map_err(Stopped::Configuration)
    }

    /// What the pages show of a message.
    fn card(&self, file: &str, row: &OpenRow, composed: &Composed) -> Card {
        let mut card = card_from_eml(file, &composed.octets, Some(&self.folder.file.event.zone));
        card.entity.clone_from(&row.recipient.entity);
        card.kind = row.recipient.kind.to_string();
        card.letter.clone_from(&composed.letter);
        card.findings = findings(&card, row.recipient.language.as_str());
        card.findings.extend(composed.warnings.iter().cloned());
        card
    }

    /// Rows that are selected, page by page; an empty page is the end.
    async fn rows(&self, after: &mut i64) -> Result<Option<Vec<OpenRow>>, Stopped> {
        let mut page = match self.errand == UPDATES {
            // Earlier updates that are under way or over are none that this one would send.
            true => self.store.open_page(UPDATES, *after, i64::MAX, PAGE).await?,
            false => self.store.listed_page(self.errand, *after, PAGE).await?,
        };
        let Some(last) = page.last() else { return Ok(None) };
        *after = last.id;
        page.retain(|row| self.folder.has(&row.session) && self.selection.takes(row.recipient_id, &row.recipient));
        Ok(Some(page))
    }

    /// The message to a mailbox on standard output; with sessions, one after the other.
    async fn print(&self, wanted: &str, is_raw: bool) -> Result<Exit, Stopped> {
        let (mut after, mut is_found) = (0, false);
        while let Some(rows) = self.rows(&mut after).await? {
            for row in rows.iter().filter(|row| row.dispatch.key.recipient == wanted) {
                let composed = self.compose(row)?;
                let mut out = std::io::stdout();
                if std::mem::replace(&mut is_found, true) {
                    out.write_all(b"\n")?;
                }
                if is_raw {
                    out.write_all(&composed.octets)?;
                } else {
                    let path = self.composer.return_path(&composed.identity.message_id);
                    let envelope = (path.as_str(), row.recipient.address.as_str());
                    out.write_all(printed(&self.card("", row, &composed), envelope).as_bytes())?;
                }
                if self.folder.file.sessions.is_empty() {
                    return Ok(Exit::Done);
                }
            }
        }
        if is_found {
            return Ok(Exit::Done);
        }
        Err(Stopped::Usage(match self.errand == UPDATES {
            true => format!("the update does not go to the mailbox `{wanted}`"),
            false => format!("no list has the mailbox `{wanted}`"),
        }))
    }

    /// How many messages there are of each kind and language.
    async fn count(&self, limit: usize) -> Result<BTreeMap<(String, String), usize>, Stopped> {
        let (mut counts, mut total, mut after) = (BTreeMap::new(), 0, 0);
        while let Some(rows) = self.rows(&mut after).await? {
            for row in rows.iter().take(limit - total) {
                *counts.entry(group(row)).or_insert(0) += 1;
                total += 1;
            }
        }
        Ok(counts)
    }

    async fn write(&self, out: &Path, typed: &cli::Preview, before: &Before) -> Result<Exit, Stopped> {
        let limit = typed.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let counts = self.count(limit).await?;
        let total: usize = counts.values().sum();
        let of_each = match typed.sample {
            Some(sample) => sample,
            None if typed.all || total <= CARDS => usize::MAX,
            None => SAMPLE,
        };
        let listed = counts.values().map(|count| (*count).min(of_each)).sum();
        begin(out)?;
        let title = self.folder.title();
        let bar = Bar::items("writing", u64::try_from(total).unwrap_or(u64::MAX));
        let mut list = List { out, title, total, listed, of_each, first: Vec::new(), cards: Vec::new(), pages: 0 };
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let (mut written, mut number, mut after) = (0, 0, 0);
        while let Some(rows) = self.rows(&mut after).await? {
            for row in rows.iter().take(total - written) {
                let composed = self.compose(row)?;
                written += 1;
                let name = format!("{written:06}-{}", beside(row));
                let file = out.join(&name);
                std::fs::write(&file, &composed.octets).map_err(|e| FileError::new("write", &file, e))?;
                let mut card = self.card(&name, row, &composed);
                for finding in &card.findings {
                    if found.contains_key(finding) || found.len() < FINDINGS {
                        *found.entry(finding.clone()).or_insert(0) += 1;
                    }
                }
                let place = seen.entry(group(row)).or_insert(0);
                *place += 1;
                if *place <= of_each {
                    number += 1;
                    let envelope = (self.composer.reverse_path().as_str(), row.recipient.address.as_str());
                    let earlier = before.of(row, self).await?;
                    list.message(&mut card, number, envelope, earlier.as_ref())?;
                    list.take(card, &found, written)?;
                }
                bar.advance(1);
            }
        }
        bar.finish();
        let page = list.finish(found)?;
        println!("{} written; look at {}", count(written as u64, "message", "messages"), page.display());
        Ok(Exit::Done)
    }
}

/// What a sample has some of.
fn group(row: &OpenRow) -> (String, String) {
    (row.recipient.kind.to_string(), row.recipient.language.to_string())
}

/// The pages of the list, written as they fill; the first one at the end, as it says what was found in all.
struct List<'l> {
    out: &'l Path,
    title: &'l str,
    /// Messages.
    total: usize,
    /// Those with a card.
    listed: usize,
    of_each: usize,
    first: Vec<Card>,
    cards: Vec<Card>,
    /// Full ones.
    pages: usize,
}

impl List<'_> {
    /// Writes the page of one message and names it in the card.
    fn message(
        &self,
        card: &mut Card,
        number: usize,
        envelope: (&str, &str),
        earlier: Option<&Earlier>,
    ) -> Result<(), Stopped> {
        let name = |number: usize| format!("{number:06}.html");
        let before = (number > 1).then(|| name(number - 1));
        let after = (number < self.listed).then(|| name(number + 1));
        let list = format!("../{}", Leaf::file((number - 1) / CARDS + 1));
        let beside = std::mem::take(&mut card.file);
        card.file = format!("../{beside}");
        let page = message_page(&MessagePage {
            event_title: self.title,
            card,
            number,
            of: self.listed,
            list: &list,
            neighbours: (before.as_deref(), after.as_deref()),
            envelope: Some(envelope),
            earlier,
        });
        card.file = beside;
        card.page = format!("{MESSAGES}/{}", name(number));
        let file = self.out.join(&card.page);
        std::fs::write(&file, page).map_err(|e| FileError::new("write", &file, e))?;
        // The page shows it; the list does not.
        card.view = None;
        Ok(())
    }

    fn take(&mut self, card: Card, found: &BTreeMap<String, usize>, written: usize) -> Result<(), Stopped> {
        self.cards.push(card);
        if self.cards.len() == CARDS {
            self.turn(found, written)?;
        }
        Ok(())
    }

    fn turn(&mut self, found: &BTreeMap<String, usize>, written: usize) -> Result<(), Stopped> {
        let mut cards = std::mem::take(&mut self.cards);
        // What every message has is said once, above the list.
        for card in cards.iter_mut().filter(|_| written > 1) {
            card.findings.retain(|finding| found.get(finding) != Some(&written));
        }
        self.pages += 1;
        if self.pages == 1 {
            self.first = cards;
        } else {
            self.page(self.pages, &cards, Vec::new())?;
        }
        Ok(())
    }

    fn page(&self, number: usize, cards: &[Card], findings: Vec<(String, usize)>) -> Result<PathBuf, Stopped> {
        let leaf =
            Leaf { number, of: self.listed.div_ceil(CARDS).max(1), cards_before: number.saturating_sub(1) * CARDS };
        let choice = match self.of_each {
            _ if self.listed == self.total => String::new(),
            1 => format!(
                "Listed is the first of each kind and language, {} in all; `--all` lists every one.",
                self.listed
            ),
            n => format!(
                "Listed are the first {n} of each kind and language, {} in all; `--all` lists every one.",
                self.listed
            ),
        };
        let index =
            Index { event_title: self.title, origin: Origin::Preview, total: self.total, choice, findings, leaf };
        let file = self.out.join(Leaf::file(number));
        write_atomically(&file, index_page(&index, cards).collect::<String>().as_bytes())?;
        Ok(file)
    }

    /// Writes what is left, and the first page; gives back its path.
    fn finish(mut self, found: BTreeMap<String, usize>) -> Result<PathBuf, Stopped> {
        if self.pages == 0 || !self.cards.is_empty() {
            self.turn(&found, self.total)?;
        }
        let mut findings: Vec<_> = found.into_iter().collect();
        findings.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self.page(1, &self.first, findings)
    }
}

/// Makes the folder, or empties it of an earlier preview; anything else in it is left alone.
fn begin(out: &Path) -> Result<(), FileError> {
    let messages = out.join(MESSAGES);
    for (folder, extension) in [(out, "eml"), (messages.as_path(), "html")] {
        let failed = |e| FileError::new("write", folder, e);
        std::fs::create_dir_all(folder).map_err(failed)?;
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_leaf = name.strip_prefix("index-").and_then(|n| n.strip_suffix(".html")).is_some_and(is_number);
            if is_ours(&name, extension) || (folder == out && is_leaf) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `000001-un@mission.example.eml`, `000001.html`.
fn is_ours(name: &str, extension: &str) -> bool {
    let Some(stem) = name.strip_suffix(extension).and_then(|n| n.strip_suffix('.')) else { return false };
    let (number, rest) = stem.split_at_checked(stem.find('-').unwrap_or(stem.len())).unwrap_or((stem, ""));
    number.len() >= 6 && is_number(number) && (rest.len() > 1) == (extension == "eml")
}

/// How the file of a message ends: by the address, and by the session where there are some.
fn beside(row: &OpenRow) -> String {
    let address = file_name(row.recipient.address.as_str());
    match row.session.as_str() {
        "" => format!("{address}.eml"),
        session => format!("{address}.{session}.eml"),
    }
}

/// An address as a file name on any system.
fn file_name(address: &str) -> String {
    address
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@') { c } else { '_' })
        .take(80)
        .collect()
}
