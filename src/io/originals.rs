//! Originals of returned mail, kept in the event folder.
//!
//! What: [`keep`] and [`read`]: one file for each message, `replies/DIGEST.eml`, readable by its owner alone, whole or not
//! there. Not here: which are kept (`[replies] keep`). Called by: `command::replies`, `command::triage`.
//! Can fail: [`FileError`].

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::files::FileError;

/// Below the event folder.
const FOLDER: &str = "replies";

/// Keeps a message under its digest, and gives its name below the folder. One that is kept already stays as it is.
///
/// # Errors
/// The folder cannot be written.
pub fn keep(folder: &Path, digest: &str, octets: &[u8]) -> Result<String, FileError> {
    let name = format!("{FOLDER}/{digest}.eml");
    let path = folder.join(&name);
    if path.exists() {
        return Ok(name);
    }
    let failed = |e| FileError::new("write", &path, e);
    fs::create_dir_all(folder.join(FOLDER)).map_err(failed)?;
    let temporary = folder.join(format!("{FOLDER}/.{digest}.{}.tmp", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = (|| {
        let mut file = options.open(&temporary)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    })();
    written.map_err(failed)?;
    Ok(name)
}

/// A message that was kept; `None` where it is gone.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, FileError> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(octets) => Ok(Some(octets)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FileError::new("read", &path, e)),
    }
}
