//! The version of a message that its page is compared with: that of an earlier preview, or the last one that its reader has.
//!
//! What the journal holds of a message that was sent are its identities, its Date, its state of the event and the digest of its
//! octets, not its words. It is made again of those: the calendar entry is what it was, as the facts of each state are kept;
//! the letter is what templates, lists and settings say today. Where the octets have another digest than those that left,
//! the page says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Maker, beside, is_ours};
use crate::desk::difference::Shown;
use crate::desk::pages::{Earlier, Whence, card_from_eml};
use crate::exit::Stopped;
use crate::io::files::FileError;
use crate::io::store::OpenRow;

/// Where earlier versions are.
pub(super) enum Before {
    /// Messages of an earlier preview, by what their files are called.
    InFolder(BTreeMap<String, PathBuf>),
    /// What the recipients of an update have.
    InJournal,
}

impl Before {
    /// Looks for messages in `dir`; `out` is where the new preview goes.
    ///
    /// # Errors
    /// It is the same folder, holds none, or cannot be read.
    pub(super) fn in_folder(dir: &Path, out: &Path) -> Result<Self, Stopped> {
        let failed = |e| FileError::new("read", dir, e);
        let here = std::fs::canonicalize(dir).map_err(failed)?;
        if std::fs::canonicalize(out).is_ok_and(|out| out == here) {
            let fault =
                format!("--against `{}` is where the new preview goes; name another folder with --out", dir.display());
            return Err(Stopped::Usage(fault));
        }
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_ours(&name, "eml") {
                let (_, address) = name.split_once('-').expect("a name of ours has one");
                files.insert(address.to_owned(), entry.path());
            }
        }
        if files.is_empty() {
            let fault = format!(
                "--against `{}` holds no messages of a preview; name a folder that `preview --out` wrote",
                dir.display()
            );
            return Err(Stopped::Usage(fault));
        }
        Ok(Self::InFolder(files))
    }

    /// What this recipient was shown then; `None` for whoever was not on the list, or has nothing yet.
    pub(super) async fn of(&self, row: &OpenRow, maker: &Maker<'_>) -> Result<Option<Earlier>, Stopped> {
        match self {
            Self::InFolder(files) => {
                let Some(path) = files.get(&beside(row)) else {
                    return Ok(None);
                };
                let octets = std::fs::read(path).map_err(|e| FileError::new("read", path, e))?;
                Ok(Some(Earlier { shown: shown(&octets, maker), whence: Whence::Folder }))
            }
            Self::InJournal => {
                let Some((told, digest)) = maker.store.told_before(row.id).await? else { return Ok(None) };
                let composed = maker.compose(&told)?;
                let whence = Whence::Journal {
                    purpose: told.dispatch.key.purpose,
                    date: told.date,
                    is_as_sent: composed.digest() == digest,
                };
                Ok(Some(Earlier { shown: shown(&composed.octets, maker), whence }))
            }
        }
    }
}

fn shown(octets: &[u8], maker: &Maker<'_>) -> Shown {
    Shown::of(&card_from_eml("", octets, Some(&maker.folder.file.event.zone)))
}
