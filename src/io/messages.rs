//! Messages that lie in files: .eml, folders of them, Maildirs, standard input.
//!
//! What: [`list`] and [`read`]. Not here: what they say (`replies`). Called by: `command::replies`.
//! Can fail: a file or folder that cannot be read.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::files::FileError;

/// Octets read of one message; the reader looks at fewer.
const LARGEST: u64 = 32 * 1024 * 1024;
/// Folders within folders that are looked into.
const DEEPEST: usize = 8;

/// The messages that a name stands for: a file itself, `-` for standard input, all `.eml` files and all files of `new` and `cur`
/// of a folder, sorted by name.
///
/// # Errors
/// The name is no file and no folder, or cannot be read.
pub fn list(name: &Path) -> Result<Vec<PathBuf>, FileError> {
    if name == Path::new("-") {
        return Ok(vec![name.to_owned()]);
    }
    let kind = fs::metadata(name).map_err(|e| FileError::new("read", name, e))?;
    if !kind.is_dir() {
        return Ok(vec![name.to_owned()]);
    }
    let mut found = Vec::new();
    let mut open = vec![(name.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let is_maildir = folder.file_name().is_some_and(|name| name == "new" || name == "cur");
        for entry in fs::read_dir(&folder).map_err(|e| FileError::new("read", &folder, e))? {
            let entry = entry.map_err(|e| FileError::new("read", &folder, e))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|e| FileError::new("read", &path, e))?;
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && depth < DEEPEST {
                open.push((path, depth + 1));
            } else if kind.is_file()
                && !is_hidden
                && (is_maildir || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("eml")))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The octets of one message.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut octets = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LARGEST).read_to_end(&mut octets)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut octets))
    };
    read.map(|_| octets).map_err(|e| FileError::new("read", path, e))
}
