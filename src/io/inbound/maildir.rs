//! A Maildir of another program: `new` and `cur` are read by name, `tmp` is left alone.
//!
//! What: [`Reader`]. Standard: the Maildir of qmail (maildir(5)), Maildir++ for the folder that messages are moved to.
//! Not here: the Maildir that we write ourselves (`io::maildir`). Called by: `io::inbound`.
//! Can fail: a file or folder cannot be read, or a message not moved. Nothing is renamed unless `move_to` asks for it.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cut::{header_of, whole_or_header};
use super::{About, Inbound, InboundId, Waited, shown};
use crate::input::replies::Replies;
use crate::io::files::FileError;

/// An open Maildir.
pub struct Reader {
    path: PathBuf,
    /// Where recorded messages go.
    moved: Option<PathBuf>,
    left: VecDeque<PathBuf>,
    /// The unique parts of names that were read.
    seen: HashSet<String>,
    poll: Duration,
}

impl Reader {
    pub(super) fn open(path: &Path, replies: &Replies) -> Result<Self, FileError> {
        let moved = replies.move_to.as_ref().map(|name| path.join(format!(".{}", name.trim_start_matches('.'))));
        let mut reader =
            Self { path: path.to_owned(), moved, left: VecDeque::new(), seen: HashSet::new(), poll: replies.poll };
        reader.list()?;
        Ok(reader)
    }

    /// What is there and has not been read, in the order of names: that of delivery with most programs.
    fn list(&mut self) -> Result<(), FileError> {
        let mut found = Vec::new();
        for folder in ["new", "cur"] {
            let folder = self.path.join(folder);
            let failed = |e| FileError::new("read", &folder, e);
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_file = entry.file_type().map_err(failed)?.is_file();
                if is_file && !name.starts_with('.') && !self.seen.contains(unique(&name)) {
                    found.push((name, entry.path()));
                }
            }
        }
        found.sort_unstable();
        self.left = found.into_iter().map(|(_, path)| path).collect();
        Ok(())
    }

    pub(super) fn left(&self) -> u64 {
        self.left.len() as u64
    }

    pub(super) fn next(&mut self) -> Result<Option<Inbound>, FileError> {
        while let Some(path) = self.left.pop_front() {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            self.seen.insert(unique(&name).to_owned());
            let (path, octets) = match read(&path) {
                Ok(octets) => (path, octets),
                // A mail program has looked at it in the meantime: it has moved on to `cur`, or is gone.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let Some(path) = self.elsewhere(unique(&name))? else { continue };
                    let octets = read(&path).map_err(|e| FileError::new("read", &path, e))?;
                    (path, octets)
                }
                Err(e) => return Err(FileError::new("read", &path, e)),
            };
            let place = shown(&path);
            return Ok(Some(Inbound { id: InboundId::File(path), octets, received: None, place }));
        }
        Ok(None)
    }

    /// Takes what is listed as read.
    pub(super) fn pass_over(&mut self) {
        for path in self.left.drain(..) {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            self.seen.insert(unique(&name).to_owned());
        }
    }

    /// Whether a message with this Message-ID has come among those that were not read yet.
    pub(super) fn find(&mut self, message_id: &str) -> Result<bool, FileError> {
        self.list()?;
        let name = format!("<{message_id}>");
        while let Some(inbound) = self.next()? {
            let head = &inbound.octets[..header_of(&inbound.octets)];
            if memchr::memmem::find(head, name.as_bytes()).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the message with this unique name is now.
    fn elsewhere(&self, name: &str) -> Result<Option<PathBuf>, FileError> {
        let folder = self.path.join("cur");
        let failed = |e| FileError::new("read", &folder, e);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if unique(&entry.file_name().to_string_lossy()) == name {
                return Ok(Some(entry.path()));
            }
        }
        Ok(None)
    }

    pub(super) fn done(&self, recorded: &[InboundId]) -> Result<(), FileError> {
        let Some(moved) = &self.moved else { return Ok(()) };
        for folder in ["tmp", "new", "cur"] {
            let folder = moved.join(folder);
            fs::create_dir_all(&folder).map_err(|e| FileError::new("make", &folder, e))?;
        }
        for id in recorded {
            let InboundId::File(path) = id else { continue };
            let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else { continue };
            // In `cur` a name says which flags are set; from `new` it has none.
            let flagged = if name.contains(":2,") { name } else { format!("{name}:2,") };
            match fs::rename(path, moved.join("cur").join(flagged)) {
                // Somebody else has moved it or changed its flags: theirs to keep.
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(FileError::new("move", path, e)),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) async fn wait(&mut self) -> Result<Waited, FileError> {
        loop {
            tokio::time::sleep(self.poll).await;
            self.list()?;
            if !self.left.is_empty() {
                return Ok(Waited::More);
            }
        }
    }

    pub(super) fn about(&self) -> About {
        About { folder: shown(&self.path), messages: Some(self.left()), server: None }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::File::open(path).and_then(whole_or_header)
}

/// The part of a name that stays, before the flags.
fn unique(name: &str) -> &str {
    name.split_once(":2,").map_or(name, |(unique, _)| unique)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::Reader;
    use crate::input::replies::Replies;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("convoke-returned-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            for folder in ["tmp", "new", "cur"] {
                fs::create_dir_all(path.join(folder)).unwrap();
            }
            Self(path)
        }

        fn put(&self, name: &str) {
            fs::write(self.0.join(name), format!("Subject: {name}\n\n")).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn subjects(reader: &mut Reader) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(inbound) = reader.next().unwrap() {
            found.push(String::from_utf8(inbound.octets).unwrap().trim().replace("Subject: ", ""));
        }
        found
    }

    fn files(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn new_and_cur_are_read_in_order_and_left_as_they_are() {
        let folder = Folder::new("read");
        for name in ["new/3.x", "cur/2.x:2,S", "new/1.x", "tmp/0.x", "new/.hidden"] {
            folder.put(name);
        }
        let mut reader = Reader::open(&folder.0, &Replies::default()).unwrap();
        assert_eq!(reader.left(), 3);
        // Another program marks the first as seen before it is read, and takes the last away.
        fs::rename(folder.0.join("new/1.x"), folder.0.join("cur/1.x:2,RS")).unwrap();
        fs::remove_file(folder.0.join("new/3.x")).unwrap();
        assert_eq!(subjects(&mut reader), ["new/1.x", "cur/2.x:2,S"]);
        assert_eq!(files(&folder.0.join("cur")), ["1.x:2,RS", "2.x:2,S"]);
        folder.put("new/4.x");
        reader.list().unwrap();
        assert_eq!(subjects(&mut reader), ["new/4.x"], "what was read is not read again");
    }

    #[test]
    fn recorded_messages_are_moved_only_where_that_is_asked_for() {
        let folder = Folder::new("move");
        folder.put("new/1.x");
        folder.put("cur/2.x:2,S");
        let replies = Replies { move_to: Some("Processed".to_owned()), ..Replies::default() };
        let mut reader = Reader::open(&folder.0, &replies).unwrap();
        let ids: Vec<_> = std::iter::from_fn(|| reader.next().unwrap()).map(|inbound| inbound.id).collect();
        assert_eq!(files(&folder.0.join("new")), ["1.x"], "reading moves nothing");
        reader.done(&ids).unwrap();
        reader.done(&ids).unwrap();
        assert_eq!(files(&folder.0.join(".Processed/cur")), ["1.x:2,", "2.x:2,S"]);
        assert_eq!(files(&folder.0.join("new")), Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_is_no_maildir_is_told() {
        let error = Reader::open(Path::new("nowhere"), &Replies::default()).err().unwrap();
        assert_eq!(error.to_string(), "cannot read `nowhere/new`");
    }
}
