//! A folder of messages, one file each.
//!
//! What: [`Maildir`] files messages so that a reader never sees half of one: written in `tmp/`, renamed into `new/`.
//! Standard: D. J. Bernstein, "Using maildir format", with the file names of its section "unique names": seconds, `M` and
//! microseconds, `P` and process, `Q` and a counter. The last word, a host name there, is `eml`, so that mail programs
//! open the files and browsers know them.
//! Not here: what the octets say. They are kept exactly: no `Return-Path`, no line of ours before them.
//! Called by: `sandbox` (the outbox) and `command` (preview, replies from a folder). Blocking, so call it off the runtime.
//! Can fail: with the system's error; a file in `tmp/` may then be left behind, which readers of Maildirs pass over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// Tells apart the openings of one process, which share its number.
static OPENINGS: AtomicU32 = AtomicU32::new(0);

/// When a filed message is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once it is with the system: it survives a crash of ours, not a power cut.
    #[default]
    Written,
    /// Once it is on the disk, its name included.
    Synced,
}

/// The newest messages of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Their paths below the folder (`new/…` or `cur/…`), oldest first.
    pub files: Vec<String>,
    /// How many messages the folder holds in all.
    pub total: usize,
}

/// An open folder; clones share it.
#[derive(Clone, Debug)]
pub struct Maildir {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    durability: Durability,
    /// The moment of opening and a count: microseconds since 1970, one more for each message. Names are thus in the
    /// order of filing, also after a restart.
    next_micros: AtomicU64,
    /// `P…Q….eml`
    ending: String,
}

impl Maildir {
    /// Opens a folder for filing; it and its `tmp`, `new` and `cur` are made where they are missing, for the owner only.
    ///
    /// # Errors
    /// When it cannot be made, written or read.
    pub fn open(path: &Path, durability: Durability) -> io::Result<Self> {
        for folder in ["tmp", "new", "cur"] {
            folder_for_owner(&path.join(folder))?;
        }
        let ending = format!("P{}Q{}.eml", process::id(), OPENINGS.fetch_add(1, Ordering::Relaxed));
        // The file system's clock, not the program's: only order and uniqueness hang on it, nothing that is sent.
        let mark = path.join("tmp").join(format!("mark.{ending}"));
        remove_leftover(&mark)?;
        let modified = file_for_owner(&mark)?.metadata()?.modified()?;
        fs::remove_file(&mark)?;
        let now = modified.duration_since(UNIX_EPOCH).map_or(0, |age| u64::try_from(age.as_micros()).unwrap_or(0));
        let maildir = Self {
            inner: Arc::new(Inner { path: path.to_owned(), durability, next_micros: AtomicU64::new(now), ending }),
        };
        // Never before a message that is already there, were the clock set back.
        let last = maildir.newest(1)?.files.first().and_then(|file| micros_of(file));
        maildir.inner.next_micros.fetch_max(last.map_or(0, |last| last + 1), Ordering::Relaxed);
        Ok(maildir)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Files one message and gives back its path below the folder, `new/…`.
    ///
    /// # Errors
    /// What the system says; the message is then not in the folder.
    pub fn file(&self, octets: &[u8]) -> io::Result<String> {
        let micros = self.inner.next_micros.fetch_add(1, Ordering::Relaxed);
        let name = format!("{:010}.M{:06}{}", micros / 1_000_000, micros % 1_000_000, self.inner.ending);
        let written = self.inner.path.join("tmp").join(&name);
        let mut file = file_for_owner(&written)?;
        file.write_all(octets)?;
        if self.inner.durability == Durability::Synced {
            file.sync_all()?;
        }
        drop(file);
        let filed = format!("new/{name}");
        fs::rename(&written, self.inner.path.join(&filed))?;
        if self.inner.durability == Durability::Synced {
            File::open(self.inner.path.join("new"))?.sync_all()?;
        }
        Ok(filed)
    }

    /// All messages in the order of filing, read or not: paths below the folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn files(&self) -> io::Result<Vec<String>> {
        Ok(self.newest(usize::MAX)?.files)
    }

    /// The newest messages, `most` at most; memory grows with `most` and not with the folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn newest(&self, most: usize) -> io::Result<Newest> {
        let mut total = 0;
        let mut newest = BinaryHeap::new();
        for folder in ["new", "cur"] {
            for entry in fs::read_dir(self.inner.path.join(folder))? {
                // A name that is no UTF-8 or begins with a dot is not a message's (maildir: "tmp", dot files).
                let Ok(name) = entry?.file_name().into_string() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                total += 1;
                newest.push(Reverse((name, folder)));
                if newest.len() > most {
                    newest.pop();
                }
            }
        }
        // Ascending in the order of the reverse: the newest first.
        let mut files: Vec<String> =
            newest.into_sorted_vec().into_iter().map(|Reverse((name, folder))| format!("{folder}/{name}")).collect();
        files.reverse();
        Ok(Newest { files, total })
    }

    /// Puts a file of ours beside the messages, whole or not at all: an older one stays until the new one is complete.
    ///
    /// # Errors
    /// What the system or the pieces say.
    pub fn write_beside(&self, name: &str, pieces: impl IntoIterator<Item = String>) -> io::Result<PathBuf> {
        let written = self.inner.path.join("tmp").join(format!("{name}.{}", self.inner.ending));
        remove_leftover(&written)?;
        let mut file = io::BufWriter::new(file_for_owner(&written)?);
        for piece in pieces {
            file.write_all(piece.as_bytes())?;
        }
        file.into_inner()?.sync_all()?;
        let path = self.inner.path.join(name);
        fs::rename(&written, &path)?;
        Ok(path)
    }
}

/// The time in a name that [`Maildir::file`] made; `None` for a name of another program, which sorts beside ours.
fn micros_of(file: &str) -> Option<u64> {
    let name = file.rsplit('/').next()?;
    let (seconds, rest) = name.split_once(".M")?;
    let micros = rest.get(..6)?;
    seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)
}

/// What a crash of an earlier process of the same number may have left.
fn remove_leftover(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg_attr(not(unix), expect(unused_mut, reason = "the mode is set on Unix only"))]
fn folder_for_owner(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// A new file; one of that name must not exist.
fn file_for_owner(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::PathBuf;
    use std::thread;

    use super::{Durability, Maildir, micros_of};

    /// A folder for one test, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("convoke-maildir-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn keeps_octets_exactly_and_leaves_nothing_in_tmp() {
        let folder = Folder::new("exact");
        for durability in [Durability::Written, Durability::Synced] {
            let maildir = Maildir::open(&folder.0, durability).unwrap();
            for octets in [&b"a\r\n.\r\n\0\xff\n"[..], b""] {
                let file = maildir.file(octets).unwrap();
                assert_eq!(fs::read(folder.0.join(&file)).unwrap(), octets);
            }
        }
        assert_eq!(fs::read_dir(folder.0.join("tmp")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(folder.0.join("new")).unwrap().count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn is_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("mode");
        let maildir = Maildir::open(&folder.0, Durability::Written).unwrap();
        let mode = |path: &str| fs::metadata(folder.0.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(""), mode("tmp"), mode("new"), mode("cur")], [0o700; 4]);
        assert_eq!(mode(&maildir.file(b"a").unwrap()), 0o600);
        maildir.write_beside("index.html", ["a".to_owned()]).unwrap();
        assert_eq!(mode("index.html"), 0o600);
    }

    #[test]
    fn names_are_unique_across_openings_and_threads_and_in_order() {
        let folder = Folder::new("unique");
        let (first, second) = (open(&folder), open(&folder));
        let names: Vec<String> = thread::scope(|scope| {
            let file_some = |maildir: &Maildir| (0..200).map(|_| maildir.file(b"a").unwrap()).collect::<Vec<_>>();
            let threads: Vec<_> = [&first, &first, &second, &second].map(|m| scope.spawn(move || file_some(m))).into();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 800);
        let last = first.files().unwrap().pop().unwrap();
        let later = open(&folder).file(b"b").unwrap();
        assert!(later > last, "{later} {last}");
        assert_eq!(first.files().unwrap().len(), 801);
    }

    fn open(folder: &Folder) -> Maildir {
        Maildir::open(&folder.0, Durability::Written).unwrap()
    }

    #[test]
    fn files_after_what_is_there_when_the_clock_was_set_back() {
        let folder = Folder::new("clock");
        open(&folder);
        fs::write(folder.0.join("cur/4102444800.M999999P1Q0.eml:2,S"), "a").unwrap();
        assert!(open(&folder).file(b"b").unwrap().starts_with("new/4102444801.M000000P"));
    }

    #[test]
    fn gives_the_newest_in_order_from_both_folders() {
        let folder = Folder::new("newest");
        let maildir = open(&folder);
        for path in ["new/3.eml", "cur/2.eml:2,S", "new/1.eml", "new/.hidden", "cur/4.eml"] {
            fs::write(folder.0.join(path), "a").unwrap();
        }
        assert_eq!(maildir.files().unwrap(), ["new/1.eml", "cur/2.eml:2,S", "new/3.eml", "cur/4.eml"]);
        let newest = maildir.newest(2).unwrap();
        assert_eq!((newest.files, newest.total), (vec!["new/3.eml".to_owned(), "cur/4.eml".to_owned()], 4));
        assert_eq!(maildir.newest(0).unwrap().total, 4);
    }

    #[test]
    fn an_older_file_beside_stays_until_the_new_one_is_whole() {
        let folder = Folder::new("beside");
        let maildir = open(&folder);
        let path = maildir.write_beside("index.html", ["old".to_owned()]).unwrap();
        let pieces = std::iter::once("new".to_owned()).chain(std::iter::once_with(|| {
            assert_eq!(fs::read_to_string(&path).unwrap(), "old");
            " page".to_owned()
        }));
        maildir.write_beside("index.html", pieces).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new page");
    }

    #[test]
    fn reads_times_out_of_names() {
        assert_eq!(micros_of("new/1763942400.M000123P1Q0.eml"), Some(1_763_942_400_000_123));
        for other in ["new/1763942400.M0", "new/x.M000123P", "new/1763942400_0.host", "", "new/1.M00000é"] {
            assert_eq!(micros_of(other), None, "{other}");
        }
    }
}
