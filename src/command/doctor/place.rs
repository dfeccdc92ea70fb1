//! The folder: its journal, its disk, and the clock that both are written by.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::finding::Finding;
use crate::exit::{Exit, Stopped};
use crate::input::event_file::{self, EventFile};
use crate::io::disk;
use crate::io::files::FileError;
use crate::io::store::{Store, StoreError};

/// Below it sending may end in the middle: the journal of 10,000 messages takes some 20 MB.
const LITTLE_OCTETS: u64 = 500_000_000;
const NONE_OCTETS: u64 = 20_000_000;
/// A journal beyond it is not read through: that would take minutes.
const LARGE_OCTETS: u64 = 2_000_000_000;
/// Each message waits for the disk once at least.
const SLOW: Duration = Duration::from_millis(100);
/// Two clocks may differ so far: Date and signatures are believed all the same.
pub(super) const SKEW: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn journal(path: &Path) -> Finding {
    let file = Store::path_in(path);
    if !file.exists() {
        return Finding::well("journal", "", "there is none yet; `convoke send` makes one");
    }
    // Read, and asked whether it could be written: what a crash left behind is settled by whoever sends.
    if let Err(e) = OpenOptions::new().append(true).open(&file) {
        let stopped = Stopped::File(FileError::new("write", &file, e));
        return Finding::stopped("journal", "", &stopped, "give yourself the right to write it");
    }
    let octets = fs::metadata(&file).map_or(0, |file| file.len());
    let looked = async {
        let store = Store::open_reading(path).await?;
        if octets > LARGE_OCTETS { Ok(None) } else { store.damage().await }
    };
    let facts = json!({ "version": Store::version(), "octets": octets });
    match looked.await {
        Ok(None) => {
            let sound = if octets > LARGE_OCTETS { "too large to be read through" } else { "sound" };
            let words = format!("version {}, {}, {sound}", Store::version(), megabytes(octets));
            Finding::well("journal", "", &words).with(facts)
        }
        Ok(Some(damage)) => {
            let cure = "stop, keep a copy, and put a backup in its place";
            let words = format!("it is damaged: {damage}");
            Finding::fault("journal", "", Exit::InputOutput, &words, cure).with(facts)
        }
        Err(busy @ StoreError::Busy(_)) => Finding::stopped("journal", "", &busy.into(), ""),
        Err(error) => Finding::stopped("journal", "", &error.into(), ""),
    }
}

pub(super) fn disk(path: &Path) -> Finding {
    let took = match disk::probe(path) {
        Ok(took) => took,
        Err(error) => {
            let cure = "nothing can be sent where nothing can be written down";
            return Finding::stopped("disk", "", &error.into(), cure);
        }
    };
    let room = disk::room(path);
    let facts = json!({ "room_octets": room, "sync_ms": took.as_secs_f64() * 1000.0 });
    let sync = format!("a write is safe after {:.1} ms", took.as_secs_f64() * 1000.0);
    let words = match room {
        Some(octets) => format!("{} of room, {sync}", megabytes(octets)),
        None => sync,
    };
    let finding = match room {
        Some(octets) if octets < NONE_OCTETS => {
            Finding::fault("disk", "", Exit::InputOutput, &words, "make room before anything is sent")
        }
        Some(octets) if octets < LITTLE_OCTETS => {
            Finding::warning("disk", "", &words, "make room: a run that finds none stops in the middle")
        }
        _ if took > SLOW => {
            Finding::warning("disk", "", &words, "put the folder on a local disk: each message waits for it")
        }
        _ => Finding::well("disk", "", &words),
    };
    finding.with(facts)
}

/// Against the files of the folder, which were written before now, and against the event. Certificates are held against it by
/// the relays' checks.
pub(super) fn clock(path: &Path, file: &EventFile, now: Timestamp) -> Finding {
    let journal = Store::path_in(path);
    let mut names = vec![path.join(event_file::FILE_NAME), journal];
    names.extend(file.recipients.files.iter().map(|name| path.join(name)));
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let latest = names.iter().filter_map(|path| Some((Timestamp::try_from(written(path)?).ok()?, path))).max();
    let facts = json!({ "now": now.to_string() });
    let shown = now.strftime("%Y-%m-%d %H:%M UTC");
    let finding = match latest {
        Some((at, path)) if at.duration_since(now) > SKEW => {
            let words =
                format!("it says {shown}, and `{}` was written {}", path.display(), at.strftime("%Y-%m-%d %H:%M UTC"));
            Finding::fault("clock", "", Exit::Configuration, &words, "set the clock: every message has a Date")
        }
        _ if file.event.start <= now => {
            let words =
                format!("it says {shown}, and the event began {}", file.event.start.strftime("%Y-%m-%d %H:%M UTC"));
            Finding::warning("clock", "", &words, "check `event.start` and the clock")
        }
        _ => Finding::well("clock", "", &format!("{shown}, later than every file here")),
    };
    finding.with(facts)
}

fn megabytes(octets: u64) -> String {
    if octets < 1_000_000_000 {
        format!("{:.1} MB", octets as f64 / 1e6)
    } else {
        format!("{:.0} GB", octets as f64 / 1e9)
    }
}
