//! The journal against what a receiver has on disk: nobody lost, nobody doubled, every doubt named.

use std::collections::BTreeMap;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::desk::Desk;

/// A dispatch as the journal has it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) address: String,
    pub(crate) state: String,
    pub(crate) attempts: i64,
    pub(crate) message_id: String,
}

/// All dispatches of a folder.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) entries: Vec<Entry>,
}

fn with<T>(desk: &Desk, work: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>) -> sqlx::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(desk.path.join("convoke.db")).create_if_missing(false);
        let mut connection = options.connect().await?;
        let done = work(&mut connection).await?;
        connection.close().await?;
        Ok(done)
    })
}

impl Book {
    /// Reads it; empty where the run ended before there was a plan.
    pub(crate) fn read(desk: &Desk) -> Self {
        let query = "SELECT r.address, d.state, d.attempts, coalesce(d.message_id, '') AS message_id
                     FROM dispatch d JOIN recipient r ON r.id = d.recipient ORDER BY d.id";
        let rows = with(desk, async |connection| sqlx::query(query).fetch_all(connection).await).unwrap_or_default();
        let entry = |row: &sqlx::sqlite::SqliteRow| Entry {
            address: row.get("address"),
            state: row.get("state"),
            attempts: row.get("attempts"),
            message_id: row.get("message_id"),
        };
        Self { entries: rows.iter().map(entry).collect() }
    }

    /// How many stand in one of these states.
    pub(crate) fn count(&self, states: &[&str]) -> usize {
        self.entries.iter().filter(|e| states.contains(&e.state.as_str())).count()
    }

    /// Whoever the receiver has is armed, sent or in doubt, and has it once; whoever was sent to is there, by the same
    /// Message-ID. Gives the first contradiction.
    pub(crate) fn balances(&self, log: &[(String, String)]) -> Result<(), String> {
        let mut copies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (recipient, id) in log {
            copies.entry(recipient).or_default().push(id.trim_matches(['<', '>']));
        }
        for (recipient, ids) in &copies {
            if ids.len() > 1 {
                return Err(format!("{recipient} has it {} times", ids.len()));
            }
            let Some(entry) = self.entries.iter().find(|e| e.address == *recipient) else {
                return Err(format!("{recipient} is not in the journal and has a message"));
            };
            if !matches!(entry.state.as_str(), "ARMED" | "SENT" | "IN_DOUBT") {
                return Err(format!("{recipient} has a message and is {}", entry.state));
            }
            if entry.message_id != ids[0] {
                return Err(format!("{recipient} has {} and the journal says {}", ids[0], entry.message_id));
            }
        }
        match self.entries.iter().find(|e| e.state == "SENT" && !copies.contains_key(e.address.as_str())) {
            Some(entry) => Err(format!("{} is SENT and has nothing", entry.address)),
            None => Ok(()),
        }
    }
}

/// Changes the journal as no program would.
pub(crate) fn change(desk: &Desk, update: &'static str) {
    with(desk, async |connection| sqlx::raw_sql(update).execute(connection).await).expect("the journal");
}

/// As if the wait of every deferred message had passed.
pub(crate) fn all_due(desk: &Desk) {
    let update = "UPDATE dispatch SET due_ms = 0 WHERE state = 'DEFERRED'";
    with(desk, async |connection| sqlx::query(update).execute(connection).await).expect("the journal");
}

/// As if the event had been written down a minute ago: DTSTAMP counts seconds, and a test does all of its steps in one.
pub(crate) fn a_minute_older(desk: &Desk) {
    let update = "UPDATE revision SET dtstamp_ms = dtstamp_ms - 60000, made_ms = made_ms - 60000";
    with(desk, async |connection| sqlx::query(update).execute(connection).await).expect("the journal");
}
