//! `convoke suppress`: who must not be written to.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::json;

use super::folder::read_event_file;
use super::mailing::in_folder;
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped, print_problems};
use crate::input::event_file::EventFile;
use crate::input::problem::Problem;
use crate::input::suppression_list::{Entry, SuppressionList};
use crate::io::files::FileError;
use crate::io::store::{Store, SuppressionCounts};
use crate::io::{clock, seed};
use crate::journal::SuppressionReason;
use crate::plan::{Facts, Revision};

/// Rows read at once.
const PAGE: usize = 1000;

pub(super) async fn run(path: &Path, typed: &cli::Suppress) -> Result<Exit, Stopped> {
    let (file, _) = read_event_file(path)?;
    if typed.list {
        return list(path, typed.json).await;
    }
    let mut entries = Vec::new();
    for text in &typed.addresses {
        let entry = Entry::parse(text).map_err(|(fault, cure)| Stopped::Usage(format!("{fault}; {cure}")))?;
        entries.push(entry);
    }
    if let Some(name) = &typed.from {
        let problems = faults(name)?;
        if problems.1 > 0 {
            print_problems(&problems.0);
            eprintln!("convoke: {}; nobody was suppressed", count(problems.1, "problem", "problems"));
            return Ok(Exit::Data);
        }
    }
    let now = clock::now();
    let store = Store::open(path, now.as_millisecond()).await?;
    prepare(&store, &file, path, now).await?;
    if typed.remove {
        let counts = store.unsuppress(&entries, now.as_millisecond()).await?;
        say_removed(path, &file, &counts, typed.json);
        return Ok(Exit::Done);
    }
    let reason = if typed.unsubscribed { SuppressionReason::Unsubscribe } else { SuppressionReason::Manual };
    let from_file = match &typed.from {
        Some(name) => Some(open(name)?.filter_map(Result::ok)),
        None => None,
    };
    let all = entries.into_iter().chain(from_file.into_iter().flatten());
    let counts = store.suppress(all, reason, &typed.reason, now.as_millisecond()).await?;
    if typed.json {
        println!(
            "{}",
            json!({ "added": counts.changed, "known": counts.unchanged, "held_back": counts.swept.suppressed })
        );
    } else {
        let known = counts.unchanged;
        println!(
            "{} suppressed{}, {} held back",
            count(counts.changed, "address", "addresses"),
            if known > 0 { format!(" ({known} on the list already)") } else { String::new() },
            count(counts.swept.suppressed, "message", "messages"),
        );
    }
    Ok(Exit::Done)
}

/// A journal that knows its folder, the form in which addresses are kept, and the list that is shared.
pub(super) async fn prepare(store: &Store, file: &EventFile, path: &Path, now: jiff::Timestamp) -> Result<(), Stopped> {
    // Without its texts, which need the templates: the first plan adds them.
    let first = Revision::first(&Facts::new(file, std::collections::BTreeMap::new()), now);
    store.folder(&file.event.id, seed::secret()?, &[first]).await?;
    take_lists(store, file, path).await
}

/// What `[suppression]` says, for everyone who plans.
pub(super) async fn take_lists(store: &Store, file: &EventFile, path: &Path) -> Result<(), Stopped> {
    if file.records.hashed {
        store.hash_suppressed().await?;
    }
    let Some(name) = &file.records.suppression_list else { return Ok(()) };
    let list = path.join(name);
    let (problems, n) = faults(&list)?;
    if n > 0 {
        return Err(Stopped::Configuration(problems));
    }
    let rows = open(&list)?.map(|row| row.map_err(|problem| Stopped::Configuration(vec![problem])));
    store.share_suppressed(rows).await?;
    Ok(())
}

fn open(name: &Path) -> Result<SuppressionList<BufReader<File>>, Stopped> {
    let failed = |e| FileError::new("read", name, e);
    let file = File::open(name).map_err(failed)?;
    Ok(SuppressionList::new(&name.display().to_string(), BufReader::new(file)).map_err(failed)?)
}

/// The first faults of a list and how many there are. A list is read twice: nothing is taken of one that has a fault.
fn faults(name: &Path) -> Result<(Vec<Problem>, u64), Stopped> {
    let (mut first, mut all) = (Vec::new(), 0);
    for problem in open(name)?.filter_map(Result::err) {
        all += 1;
        if first.len() < PAGE {
            first.push(problem);
        }
    }
    Ok((first, all))
}

fn say_removed(path: &Path, file: &EventFile, counts: &SuppressionCounts, as_json: bool) {
    if as_json {
        println!(
            "{}",
            json!({ "removed": counts.changed, "unknown": counts.unchanged, "released": counts.swept.released })
        );
        return;
    }
    println!(
        "{} taken off the list, {} to be sent by the next `convoke {}send`",
        count(counts.changed, "address", "addresses"),
        count(counts.swept.released, "message", "messages"),
        in_folder(path)
    );
    if counts.unchanged > 0 {
        let shared = file.records.suppression_list.as_ref();
        let hint = shared.map(|name| format!("; look in `{name}` too, which is never written")).unwrap_or_default();
        println!("{} not on it{hint}", count(counts.unchanged, "address was", "addresses were"));
    }
}

async fn list(path: &Path, as_json: bool) -> Result<Exit, Stopped> {
    let store = Store::open_reading(path).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut after, mut n) = (String::new(), 0_u64);
    if as_json {
        write!(out, "[")?;
    }
    loop {
        let page = store.suppressed_page(&after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        for row in &page {
            if as_json {
                let object = json!({
                    "key": row.key, "address": row.address, "reason": row.reason.as_str(), "note": row.note,
                    "added": row.added.to_string(),
                });
                write!(out, "{}{object}", if n > 0 { ",\n" } else { "\n" })?;
            } else {
                let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
                let name = row.address.as_deref().unwrap_or(&row.key);
                writeln!(out, "{name:<40}  {:.0}  {}{note}", row.added, row.reason)?;
            }
            n += 1;
        }
    }
    if as_json {
        writeln!(out, "\n]")?;
    } else if n == 0 {
        writeln!(out, "nobody is suppressed")?;
    } else if std::io::stdout().is_terminal() {
        writeln!(out, "{}", count(n, "address", "addresses"))?;
    }
    let held = store.suppressed_dispatches().await?;
    if held > 0 && !as_json {
        writeln!(out, "{} held back for them or for a shared list", count(held, "message is", "messages are"))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
