//! Messages in files: one .eml, a folder of them with the folders below it, or standard input.
//!
//! What: [`Reader`]. Not here: which files of a folder are messages ([`messages::list`]). Called by: `io::inbound`.
//! Can fail: a file or folder cannot be read. Nothing is ever moved.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cut::whole_or_header;
use super::{About, Inbound, InboundId, Waited, shown};
use crate::io::files::FileError;
use crate::io::messages;

/// Files to read.
pub struct Reader {
    /// `None`: standard input.
    path: Option<PathBuf>,
    left: VecDeque<PathBuf>,
    /// Those read already, so that `--watch` reads the new ones only; in order.
    seen: Vec<PathBuf>,
    is_input_read: bool,
    poll: Duration,
}

impl Reader {
    pub(super) fn open(path: &Path, poll: Duration) -> Result<Self, FileError> {
        let left = messages::list(path)?.into();
        Ok(Self { path: Some(path.to_owned()), left, seen: Vec::new(), is_input_read: false, poll })
    }

    pub(super) fn input() -> Self {
        Self { path: None, left: VecDeque::new(), seen: Vec::new(), is_input_read: false, poll: Duration::MAX }
    }

    pub(super) fn is_input(&self) -> bool {
        self.path.is_none()
    }

    pub(super) fn left(&self) -> u64 {
        self.left.len() as u64
    }

    pub(super) fn next(&mut self) -> Result<Option<Inbound>, FileError> {
        if self.path.is_none() {
            if std::mem::replace(&mut self.is_input_read, true) {
                return Ok(None);
            }
            let name = Path::new("-");
            let octets = whole_or_header(io::stdin().lock()).map_err(|e| FileError::new("read", name, e))?;
            let place = "standard input".to_owned();
            return Ok(Some(Inbound { id: InboundId::Nth(1), octets, received: None, place }));
        }
        let Some(path) = self.left.pop_front() else { return Ok(None) };
        self.seen.push(path.clone());
        let octets = fs::File::open(&path).and_then(whole_or_header).map_err(|e| FileError::new("read", &path, e))?;
        let place = shown(&path);
        Ok(Some(Inbound { id: InboundId::File(path), octets, received: None, place }))
    }

    pub(super) async fn wait(&mut self) -> Result<Waited, FileError> {
        let Some(path) = self.path.clone().filter(|path| path.is_dir()) else { return Ok(Waited::Ended) };
        self.seen.sort_unstable();
        loop {
            tokio::time::sleep(self.poll).await;
            let now = messages::list(&path)?;
            self.left = now.into_iter().filter(|file| self.seen.binary_search(file).is_err()).collect();
            if !self.left.is_empty() {
                return Ok(Waited::More);
            }
        }
    }

    pub(super) fn about(&self) -> About {
        let folder = self.path.as_deref().map_or_else(|| "standard input".to_owned(), shown);
        let messages = self.path.is_some().then(|| self.left());
        About { folder, messages, server: None }
    }
}
