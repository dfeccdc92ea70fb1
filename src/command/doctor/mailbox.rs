//! Where returned mail is read: each source of `[replies]`, opened and left as it was.

use std::path::Path;

use serde_json::json;

use super::finding::Finding;
use crate::desk::count;
use crate::exit::Stopped;
use crate::input::event_file::EventFile;
use crate::io::inbound::{Door, Setup};

/// As `convoke replies` opens it, with nothing read so far.
pub(super) fn setup(file: &EventFile, folder: &Path) -> Setup {
    Setup {
        replies: file.replies.clone(),
        folder: folder.to_owned(),
        base: folder.to_owned(),
        checkpoint: None,
        is_patient: false,
    }
}

pub(super) async fn look(file: &EventFile, folder: &Path) -> Vec<Finding> {
    if file.replies.from.is_empty() {
        let words = "none is configured: answers, bounces and complaints are not read back";
        return vec![Finding::warning("mailbox", "", words, "write `from` under [replies]")];
    }
    let mut findings = Vec::new();
    for source in &file.replies.from {
        let name = source.to_string();
        let door = match Door::open(source, setup(file, folder)).await {
            Ok(door) => door,
            Err(error) => {
                findings.push(Finding::stopped("mailbox", &name, &Stopped::from(error), ""));
                continue;
            }
        };
        let about = door.about();
        door.close().await;
        let mut words =
            vec![about.messages.map_or_else(|| "can be read".to_owned(), |n| count(n, "message", "messages"))];
        if let Some(server) = &about.server {
            words.push(format!("logged in by {}, {}", server.login, server.protection));
            words.push(if server.idle { "tells of new mail" } else { "is asked for new mail" }.to_owned());
        }
        words.push(match &file.replies.move_to {
            Some(folder) => format!("recorded messages are moved to `{folder}`"),
            None => "opened to look only".to_owned(),
        });
        let facts = json!({ "messages": about.messages, "reads_only": file.replies.move_to.is_none() });
        findings.push(Finding::well("mailbox", &name, &words.join("; ")).with(facts));
    }
    findings
}
