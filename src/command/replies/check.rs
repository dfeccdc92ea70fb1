//! `convoke replies --check`: can the sources be read at all.
//!
//! What: [`run`]. Not here: reading them (`collect`). Called by: `command::replies`. Can fail: with the first source that cannot be
//! opened, after all of them were looked at.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::collect::sources;
use crate::cli;
use crate::command::folder::read_event_file;
use crate::desk::count;
use crate::exit::{Exit, Stopped, print_trouble};
use crate::input::replies::Source;
use crate::io::inbound::{About, Door, Setup};

pub(super) async fn run(path: &Path, typed: &cli::Replies) -> Result<Exit, Stopped> {
    let (file, _) = read_event_file(path)?;
    let mut first = None;
    for source in sources(typed, &file.replies)? {
        if source == Source::Input {
            return Err(Stopped::Usage("standard input cannot be checked; pipe a message into --dry-run".to_owned()));
        }
        let setup =
            Setup { replies: file.replies.clone(), folder: path.to_owned(), checkpoint: None, is_patient: false };
        match Door::open(&source, setup).await {
            Ok(door) => {
                let about = door.about();
                let mut out = std::io::stdout().lock();
                if typed.json {
                    writeln!(out, "{}", in_json(&source, &about))?;
                } else {
                    out.write_all(page(&source, &about).as_bytes())?;
                }
                drop(out);
                door.close().await;
            }
            // The first ends the program and is told there.
            Err(error) if first.is_none() => first = Some(error),
            Err(error) => print_trouble(&error),
        }
    }
    first.map_or(Ok(Exit::Done), |error| Err(error.into()))
}

fn page(source: &Source, about: &About) -> String {
    let mut page = format!("{source}\n");
    let mut line = |name: &str, value: String| page.push_str(&format!("  {name:<16} {value}\n"));
    let messages = about.messages.map_or_else(|| "can be read".to_owned(), |n| count(n, "message", "messages"));
    line("folder", format!("{}, {messages}", about.folder));
    let Some(server) = &about.server else { return page };
    let yes_no = |yes: bool, no: &str| if yes { "yes".to_owned() } else { no.to_owned() };
    line("logged in", format!("{}, {}", server.login, server.protection));
    line("uidvalidity", server.uidvalidity.to_string());
    line("tells of new mail", yes_no(server.idle, "no (IDLE); it is asked every `poll`"));
    line("moves messages", yes_no(server.moves, "no (MOVE, UIDPLUS); `move_to` cannot be used"));
    // No capability tells of it.
    line("name+more@host", "untested: no server says; write to it once and see".to_owned());
    page
}

fn in_json(source: &Source, about: &About) -> serde_json::Value {
    let server = about.server.as_ref().map(|server| {
        json!({ "login": server.login, "protection": server.protection, "uidvalidity": server.uidvalidity,
            "idle": server.idle, "move": server.moves, "plus_addressing": "untested" })
    });
    json!({ "source": source.to_string(), "folder": about.folder, "messages": about.messages, "server": server })
}
