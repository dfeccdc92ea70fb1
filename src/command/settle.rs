//! `convoke settle`: a person decides what nobody else can know.

use std::path::Path;

use super::status;
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::io::clock;
use crate::io::store::Store;
use crate::journal::Standing;
use crate::mail::AddrSpec;

pub(super) async fn run(path: &Path, typed: &cli::Settle) -> Result<Exit, Stopped> {
    if !Store::path_in(path).exists() {
        return Err(crate::io::store::StoreError::Absent(path.to_owned()).into());
    }
    let now_ms = clock::now().as_millisecond();
    let store = Store::open(path, now_ms).await?;
    let doubts = status::rows(&store, Standing::InDoubt, usize::MAX).await?;
    let mut ids = Vec::new();
    if typed.all {
        ids.extend(doubts.iter().map(|row| row.id));
    }
    for which in &typed.which {
        let id = which.trim().trim_start_matches('<').trim_end_matches('>');
        let key = AddrSpec::parse(id).map(|address| address.key()).ok();
        let found: Vec<i64> = doubts
            .iter()
            .filter(|row| {
                row.message_id.as_deref() == Some(id) || key.as_deref() == Some(row.recipient.address.key().as_str())
            })
            .map(|row| row.id)
            .collect();
        if found.is_empty() {
            return Err(Stopped::Usage(format!(
                "`{which}` is not in doubt; `convoke status --in-doubt` lists what is"
            )));
        }
        ids.extend(found);
    }
    let decided = if typed.sent { Standing::Sent } else { Standing::Ready };
    let n = store.settle(&ids, decided, &typed.reason, now_ms).await?;
    let what =
        if typed.sent { "counted as sent" } else { "to be sent again by the next run of the command that sent them" };
    println!("{} {what}", count(n, "message", "messages"));
    Ok(Exit::Done)
}
