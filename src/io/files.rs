//! Reading the event folder and writing whole files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// A file or folder that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} `{}`", path.display())]
pub struct FileError {
    verb: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    /// What was tried on which file.
    pub fn new(verb: &'static str, path: &Path, source: io::Error) -> Self {
        Self { verb, path: path.to_owned(), source }
    }
}

/// As much text as a configuration or template may have.
const LARGEST_TEXT: u64 = 4 * 1024 * 1024;

/// A text file of the user's.
///
/// # Errors
/// It is not there, not UTF-8, or larger than any template is.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let failed = |e| FileError::new("read", path, e);
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(LARGEST_TEXT + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(failed(io::Error::other("the file is larger than 4 MiB")));
    }
    Ok(text)
}

/// All `.hbs` files below a folder, by their path with `/` between folders. Links are not followed out of it.
///
/// # Errors
/// The folder or a file cannot be read.
pub fn read_templates(folder: &Path) -> Result<BTreeMap<String, String>, FileError> {
    let mut files = BTreeMap::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = open.pop() {
        let entries = fs::read_dir(&path).map_err(|e| FileError::new("read", &path, e))?;
        for entry in entries {
            let entry = entry.map_err(|e| FileError::new("read", &path, e))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(|e| FileError::new("read", &entry.path(), e))?;
            if kind.is_dir() {
                open.push((entry.path(), format!("{name}/")));
            } else if kind.is_file() && name.ends_with(".hbs") {
                files.insert(name, read_text(&entry.path())?);
            }
        }
    }
    Ok(files)
}

/// Puts a whole file in place of what was there: readers see the old or the new one, never half.
///
/// # Errors
/// The folder cannot be written.
pub fn write_atomically(path: &Path, octets: &[u8]) -> Result<(), FileError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|e| FileError::new("write", path, e))
}

/// A file that is written piece by piece and is there only when it is whole; until then it has another name.
pub struct Growing {
    path: PathBuf,
    temporary: PathBuf,
    file: io::BufWriter<File>,
}

impl Growing {
    /// Begins it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn begin(path: &Path) -> Result<Self, FileError> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = PathBuf::from(name);
        let file = File::create(&temporary).map_err(|e| FileError::new("write", path, e))?;
        Ok(Self { path: path.to_owned(), temporary, file: io::BufWriter::new(file) })
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, text: &str) -> Result<(), FileError> {
        self.file.write_all(text.as_bytes()).map_err(|e| FileError::new("write", &self.path, e))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// The disk is full, the folder cannot be written.
    pub fn end(mut self) -> Result<(), FileError> {
        let written = (|| {
            self.file.flush()?;
            self.file.get_ref().sync_all()?;
            fs::rename(&self.temporary, &self.path)
        })();
        written.map_err(|e| FileError::new("write", &self.path, e))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // Once it is in its place there is nothing under the other name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Writes a new file with a mode that keeps others out; one that exists is left alone.
///
/// # Errors
/// It exists, or the folder cannot be written.
pub fn create_new(path: &Path, octets: &[u8]) -> Result<(), FileError> {
    let failed = |e| FileError::new("write", path, e);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(octets).map_err(failed)
}

/// Reads a file in pieces, giving each to `take`; the digest of it comes back in hexadecimal.
///
/// # Errors
/// It cannot be read.
pub fn digest(path: &Path, mut take: impl FnMut(&[u8])) -> Result<String, FileError> {
    let failed = |e| FileError::new("read", path, e);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok(data_encoding::HEXLOWER.encode(&hash.finalize()));
        }
        hash.update(&buffer[..n]);
        take(&buffer[..n]);
    }
}
