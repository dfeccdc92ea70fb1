//! What the disk of the event folder can do.
//!
//! What: [`room`], [`probe`]. Not here: what is written to it (`files`, `store`). Called by: `command::doctor`.
//! Can fail: the folder cannot be written to.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::files::FileError;

/// Octets that we may still write there; `None` where the system does not tell.
pub fn room(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// How often a write is timed: other work on the machine makes single ones slow.
const TIMES: usize = 3;

/// Writes a small file, waits until it is on the disk, and takes it away again; says how long the disk took at its best.
///
/// # Errors
/// The folder cannot be written to, or the disk does not take what it is given.
pub fn probe(folder: &Path) -> Result<Duration, FileError> {
    let path = folder.join(format!(".convoke.probe.{}", std::process::id()));
    let failed = |e| FileError::new("write", &path, e);
    let mut file = File::create(&path).map_err(failed)?;
    let took = (|| {
        let mut best = Duration::MAX;
        for _ in 0..TIMES {
            file.write_all(&[0; 4096])?;
            let began = Instant::now();
            file.sync_all()?;
            best = best.min(began.elapsed());
        }
        Ok(best)
    })();
    let removed = fs::remove_file(&path);
    let took = took.map_err(failed)?;
    removed.map_err(failed)?;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::{probe, room};

    #[test]
    fn a_folder_is_left_as_it_was() {
        let folder = std::env::temp_dir().join(format!("convoke-disk-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        probe(&folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        assert!(room(&folder).is_none_or(|octets| octets > 0));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(probe(&folder).unwrap_err().to_string().starts_with("cannot write `"));
        assert_eq!(room(&folder), None);
    }
}
