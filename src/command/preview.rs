//! `convoke preview`: every message as .eml, and a page to look at.

use std::io::Write as _;
use std::path::Path;

use super::chosen::Chosen;
use super::folder::Folder;
use super::progress::Bar;
use super::{gate, plan};
use crate::cli;
use crate::desk::count;
use crate::desk::pages::{Card, INLINE_VIEWS, Index, Origin, card_from_eml, index_page};
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::files::{FileError, write_atomically};
use crate::io::store::{OpenRow, Store};
use crate::mail::AddrSpec;

/// Cards on the page; the files are written for all.
const CARDS: usize = 1000;

pub(super) async fn run(path: &Path, typed: &cli::Preview) -> Result<Exit, Stopped> {
    let folder = Folder::read(path, &typed.lists)?;
    let selection = plan::selection(&typed.only, &folder.columns)?.and_named(&typed.entity, &[]);
    let wanted = match &typed.to {
        Some(text) => {
            Some(AddrSpec::parse(text).map_err(|e| Stopped::Usage(format!("--to `{text}`: {e}; {}", e.cure())))?.key())
        }
        None => None,
    };
    let store = Store::scratch(path, &format!("preview-{}", std::process::id())).await?;
    store.forget_lists().await?;
    let planned = plan::plan(&folder, &store, &typed.lists).await?;
    let selection = Chosen::of(selection, &store).await?;
    let now = clock::now();
    let compose = |row: &OpenRow| {
        planned
            .composer
            .compose(&gate::reader(row), &row.dispatch, row.date.unwrap_or(now), now)
            .map_err(Stopped::Configuration)
    };
    let out = if path == Path::new(".") { typed.out.clone() } else { path.join(&typed.out) };
    if wanted.is_none() {
        begin(&out)?;
    }
    let limit = typed.limit.unwrap_or(u64::MAX);
    let bar = Bar::items("writing", planned.counts.as_ref().map_or(0, |c| c.listed));
    let mut cards: Vec<Card> = Vec::new();
    let (mut written, mut after) = (0u64, 0);
    'pages: loop {
        let page = store.listed_page(plan::INVITATIONS, after, 256).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for row in page.iter().filter(|row| selection.takes(row.recipient_id, &row.recipient)) {
            if let Some(wanted) = &wanted {
                if row.dispatch.key.recipient == *wanted {
                    std::io::stdout().write_all(&compose(row)?.octets)?;
                    return Ok(Exit::Done);
                }
                continue;
            }
            if written == limit {
                break 'pages;
            }
            let composed = compose(row)?;
            written += 1;
            let name = format!("{written:06}-{}.eml", file_name(row.recipient.address.as_str()));
            let file = out.join(&name);
            std::fs::write(&file, &composed.octets).map_err(|e| FileError::new("write", &file, e))?;
            if cards.len() < CARDS {
                let mut card = card_from_eml(&name, &composed.octets);
                card.entity.clone_from(&row.recipient.entity);
                card.kind = row.recipient.kind.to_string();
                if cards.len() >= INLINE_VIEWS {
                    card.view = None;
                }
                cards.push(card);
            }
            bar.advance(1);
        }
    }
    bar.finish();
    if let Some(wanted) = wanted {
        return Err(Stopped::Usage(format!("no list has the mailbox `{wanted}`")));
    }
    let total = usize::try_from(written).unwrap_or(usize::MAX);
    let index = Index { event_title: folder.title(), origin: Origin::Preview, total };
    let page = out.join("index.html");
    write_atomically(&page, index_page(&index, &cards).collect::<String>().as_bytes())?;
    println!("{} written; look at {}", count(written, "message", "messages"), page.display());
    Ok(Exit::Done)
}

/// Makes the folder, or empties it of an earlier preview; anything else in it is left alone.
fn begin(out: &Path) -> Result<(), FileError> {
    let failed = |e| FileError::new("write", out, e);
    std::fs::create_dir_all(out).map_err(failed)?;
    for entry in std::fs::read_dir(out).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = name.len() > 11 && name.as_bytes()[..6].iter().all(u8::is_ascii_digit) && name.ends_with(".eml");
        if is_ours {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

/// An address as a file name on any system.
fn file_name(address: &str) -> String {
    address
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@') { c } else { '_' })
        .take(80)
        .collect()
}
