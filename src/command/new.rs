//! `convoke new`: an event folder to start from.

use std::path::Path;

use super::mailing::in_folder;
use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::io::files::{self, FileError};

/// What is written: small, commented, complete enough for `check` and `send` to the sandbox.
const FILES: [(&str, &str); 14] = [
    ("convoke.toml", include_str!("start/convoke.toml")),
    ("recipients/guests.csv", include_str!("start/guests.csv")),
    ("templates/layout.html.hbs", include_str!("../../templates/layout.html.hbs")),
    ("templates/invitation/default.en.md.hbs", include_str!("start/default.en.md.hbs")),
    ("templates/invitation/mission.en.md.hbs", include_str!("start/mission.en.md.hbs")),
    ("templates/invitation/calendar.en.txt.hbs", include_str!("start/calendar.en.txt.hbs")),
    ("templates/reminder/default.en.md.hbs", include_str!("start/reminder.en.md.hbs")),
    ("templates/reminder/mission.en.md.hbs", include_str!("start/reminder-mission.en.md.hbs")),
    ("templates/thanks/default.en.md.hbs", include_str!("start/thanks.en.md.hbs")),
    ("templates/update/default.en.md.hbs", include_str!("start/update.default.en.md.hbs")),
    ("templates/cancellation/default.en.md.hbs", include_str!("start/cancellation.default.en.md.hbs")),
    ("templates/cancellation/calendar.en.txt.hbs", include_str!("start/cancellation.calendar.en.txt.hbs")),
    ("templates/partials/facts-en.md.hbs", include_str!("start/facts-en.md.hbs")),
    (".gitignore", "/outbox\n/preview\n/reports\n/convoke.db*\n/.convoke.lock\n*.secret\n"),
];

pub(super) fn run(folder: &Path, typed: &cli::New) -> Result<Exit, Stopped> {
    let dir = folder.join(&typed.dir);
    if dir.exists() {
        let mut entries = std::fs::read_dir(&dir).map_err(|e| FileError::new("read", &dir, e))?;
        if entries.next().is_some() {
            return Err(Stopped::Usage(format!("`{}` is not empty; name a new folder", dir.display())));
        }
    }
    for (name, text) in FILES {
        let path = dir.join(name);
        let parent = path.parent().unwrap_or(&dir);
        std::fs::create_dir_all(parent).map_err(|e| FileError::new("make", parent, e))?;
        files::create_new(&path, text.as_bytes())?;
        println!("  {}", path.display());
    }
    println!("next: put your event into convoke.toml and your guests into recipients/guests.csv, then");
    println!("  convoke {}check", in_folder(&dir));
    println!("  convoke {}send     to the built-in sandbox: nothing leaves this machine", in_folder(&dir));
    Ok(Exit::Done)
}
