//! The sandbox's outbox: a Maildir of what would have gone out, and a page to look at it.
//!
//! What: a [`Maildir`] as the [`Sink`] of a sandbox, and [`write_outbox_index`].
//! Not here: how a message is read and the page is made (`desk::pages`, pure).
//! Called by: `command` (send without a relay, serve, preview).
//! Can fail: with the file system's errors. A message that cannot be read as one still gets its line on the page.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::{Received, Sink};
use crate::desk::pages::{Card, INLINE_VIEWS, Index, Leaf, Origin, card_from_eml, index_page};
use crate::io::maildir::Maildir;

/// What is read of a message for the page. Ours have 8 to 200 KB; of larger ones the page shows the headers.
const READ_OCTETS: u64 = 512 * 1024;

/// What the inline views of a page may hold in all: a browser opens it without effort.
const INLINE_OCTETS: usize = 16 * 1024 * 1024;

impl Sink for Maildir {
    async fn file(&self, _envelope: &Received, octets: &[u8]) -> io::Result<()> {
        // Off the runtime: a slow disk must not hold up the connections that share its threads.
        let (maildir, octets) = (self.clone(), octets.to_vec());
        spawn_blocking(move || Self::file(&maildir, &octets)).await.map_err(io::Error::other)??;
        Ok(())
    }
}

/// Writes `index.html` into the folder, the newest message first and at most `most` of them; gives back its path.
///
/// # Errors
/// What the file system says; an older page then stays.
pub async fn write_outbox_index(maildir: &Maildir, event_title: &str, most: usize) -> io::Result<PathBuf> {
    let (maildir, event_title) = (maildir.clone(), event_title.to_owned());
    spawn_blocking(move || {
        let newest = maildir.newest(most)?;
        let mut cards = Vec::with_capacity(newest.files.len());
        let mut inline_octets = 0;
        for file in newest.files.iter().rev() {
            // Gone since the folder was listed: somebody tidies up.
            let Some(mut card) = read_card(maildir.path(), file)? else { continue };
            inline_octets += card.view.as_ref().map_or(0, |view| view.octets());
            if cards.len() >= INLINE_VIEWS || inline_octets > INLINE_OCTETS {
                card.view = None;
            }
            cards.push(card);
        }
        let index = Index {
            event_title: &event_title,
            origin: Origin::Outbox,
            total: newest.total,
            choice: String::new(),
            findings: Vec::new(),
            leaf: Leaf::ONLY,
        };
        maildir.write_beside("index.html", index_page(&index, &cards))
    })
    .await
    .map_err(io::Error::other)?
}

fn read_card(folder: &Path, path: &str) -> io::Result<Option<Card>> {
    let file = match File::open(folder.join(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let size_octets = file.metadata()?.len();
    let mut octets = Vec::new();
    file.take(READ_OCTETS).read_to_end(&mut octets)?;
    let mut card = card_from_eml(path, &octets, None);
    if size_octets > READ_OCTETS {
        card.view = None;
        card.size_octets = size_octets;
    }
    Ok(Some(card))
}
