//! Reading the journal by pages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::input::problem::Place;
use crate::journal::{Standing, Tally};
use crate::mail::AddrSpec;
use crate::people::{Kind, Language};
use crate::plan::{DispatchKey, Participation, Purpose, Status, Subject};

/// A recipient as the journal holds it.
#[derive(Clone, Debug)]
pub struct RecipientRow {
    /// Where it is written to.
    pub address: AddrSpec,
    /// The entity it belongs to.
    pub entity: String,
    /// What it is.
    pub kind: Kind,
    /// Its language of correspondence.
    pub language: Language,
    /// Every column that is not empty.
    pub cells: BTreeMap<String, String>,
    /// The row of the list.
    pub place: Place,
}

impl RecipientRow {
    /// As conditions see it: with how its invitation stands, whether its entity was reached, and what that answered.
    pub fn subject(&self, status: Option<Status>, is_reached: bool, answer: Participation) -> Subject<'_> {
        let Self { address, entity, kind, language, cells, .. } = self;
        Subject { cells, address: address.as_str(), entity, kind: *kind, language, status, is_reached, answer }
    }
}

/// A dispatch that may be sent.
#[derive(Clone, Debug)]
pub struct OpenRow {
    /// In the journal.
    pub id: i64,
    /// What makes it unique.
    pub key: DispatchKey,
    /// Attempts that counted.
    pub attempts: u32,
    /// The message's Date where it has been armed before.
    pub date: Option<Timestamp>,
    /// To whom.
    pub recipient: RecipientRow,
}

/// A dispatch as status and export show it.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    /// In the journal.
    pub id: i64,
    /// Why.
    pub purpose: String,
    /// Which state of the event.
    pub revision: u32,
    /// Where it stands.
    pub standing: Standing,
    /// Attempts that counted.
    pub attempts: u32,
    /// When it is due again.
    pub due: Option<Timestamp>,
    /// The calendar object's UID, once armed.
    pub uid: Option<String>,
    /// The Message-ID, once armed.
    pub message_id: Option<String>,
    /// Octets, once armed.
    pub size: Option<i64>,
    /// The relay of the last attempt.
    pub relay: Option<String>,
    /// The code of the last reply.
    pub code: Option<i64>,
    /// The last reply.
    pub reply: Option<String>,
    /// When it changed last.
    pub changed: Timestamp,
    /// To whom.
    pub recipient: RecipientRow,
}

impl Store {
    /// The next dispatches that may be sent at `now`, after an id.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn open_page(&self, after: i64, now_ms: i64, most: usize) -> Result<Vec<OpenRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/open_page.sql"))
            .bind(after)
            .bind(now_ms)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(open_row).collect()
    }

    /// How many of the current lists may be sent, now or later.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn count_open(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM dispatch d JOIN recipient r ON r.id = d.recipient
             WHERE d.state IN ('READY', 'DEFERRED') AND r.seen = (SELECT import FROM folder)",
        )
        .fetch_one(&mut *connection)
        .await?;
        Ok(count.unsigned_abs())
    }

    /// The dispatches of everybody on the current lists, whatever became of them, after an id.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn listed_page(&self, after: i64, most: usize) -> Result<Vec<OpenRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/listed_page.sql"))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(open_row).collect()
    }

    /// Every dispatch after an id.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn ledger_page(&self, after: i64, most: usize) -> Result<Vec<LedgerRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/ledger_page.sql"))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        rows.iter()
            .map(|row| {
                let state: String = row.get("state");
                let due: i64 = row.get("due_ms");
                let standing = Standing::parse(&state).ok_or_else(|| unknown("state", &state))?;
                Ok(LedgerRow {
                    id: row.get("id"),
                    purpose: row.get("purpose"),
                    revision: small(row, "revision"),
                    standing,
                    attempts: small(row, "attempts"),
                    due: (standing == Standing::Deferred).then(|| Timestamp::from_millisecond(due).ok()).flatten(),
                    uid: row.get("uid"),
                    message_id: row.get("message_id"),
                    size: row.get("size"),
                    relay: row.get("relay"),
                    code: row.get("code"),
                    reply: row.get("reply"),
                    changed: Timestamp::from_millisecond(row.get("changed_ms")).unwrap_or(Timestamp::UNIX_EPOCH),
                    recipient: recipient(row)?,
                })
            })
            .collect()
    }

    /// How many stand where, by kind of recipient.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn tallies(&self) -> Result<BTreeMap<String, Tally>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT r.kind, d.state, count(*) AS n FROM dispatch d JOIN recipient r ON r.id = d.recipient GROUP BY 1, 2",
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut counts: BTreeMap<String, Vec<(Standing, u64)>> = BTreeMap::new();
        for row in rows {
            let state: String = row.get("state");
            let standing = Standing::parse(&state).ok_or_else(|| unknown("state", &state))?;
            counts.entry(row.get("kind")).or_default().push((standing, row.get::<i64, _>("n").unsigned_abs()));
        }
        Ok(counts.into_iter().map(|(kind, counts)| (kind, Tally::new(counts))).collect())
    }

    /// How many stand where, all together.
    ///
    /// # Errors
    /// As [`Store::tallies`].
    pub async fn tally(&self) -> Result<Tally, StoreError> {
        let all = self.tallies().await?;
        Ok(Tally::new(all.values().flat_map(|t| Standing::ALL.map(|s| (s, t.of(s))))))
    }

    /// When the next deferred dispatch of the current lists is due.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.connection.lock().await;
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(d.due_ms) FROM dispatch d JOIN recipient r ON r.id = d.recipient
             WHERE d.state = 'DEFERRED' AND r.seen = (SELECT import FROM folder)",
        )
        .fetch_one(&mut *connection)
        .await?;
        Ok(due.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    }

    /// Rows left out at the last import on the user's word.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn left_out(&self) -> Result<Vec<(Place, String)>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query("SELECT file, line, fault FROM refusal ORDER BY file, line")
            .fetch_all(&mut *connection)
            .await?;
        Ok(rows
            .iter()
            .map(|row| (Place::new(row.get("file"), row.get::<i64, _>("line").unsigned_abs(), 0), row.get("fault")))
            .collect())
    }
}

fn open_row(row: &SqliteRow) -> Result<OpenRow, StoreError> {
    let purpose: String = row.get("purpose");
    let purpose = match purpose.as_str() {
        "invitation" => Purpose::Invitation,
        other => return Err(unknown("purpose", other)),
    };
    Ok(OpenRow {
        id: row.get("id"),
        key: DispatchKey { purpose, revision: small(row, "revision"), recipient: row.get("address_key") },
        attempts: small(row, "attempts"),
        date: row.get::<Option<i64>, _>("date_ms").and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        recipient: recipient(row)?,
    })
}

fn small(row: &SqliteRow, name: &str) -> u32 {
    u32::try_from(row.get::<i64, _>(name)).unwrap_or_default()
}

fn unknown(what: &str, word: &str) -> StoreError {
    StoreError::Step(format!("the journal holds {what} `{word}`, which this version does not know"))
}

fn recipient(row: &SqliteRow) -> Result<RecipientRow, StoreError> {
    let (address, kind, language): (String, String, String) =
        (row.get("address"), row.get("kind"), row.get("language"));
    let cells: String = row.get("cells");
    Ok(RecipientRow {
        address: AddrSpec::parse(&address).map_err(|_| unknown("address", &address))?,
        entity: row.get("entity"),
        kind: Kind::parse(&kind).ok_or_else(|| unknown("kind", &kind))?,
        language: Language::parse(&language).ok_or_else(|| unknown("language", &language))?,
        cells: serde_json::from_str(&cells).map_err(|_| unknown("cells", &cells))?,
        place: Place::new(row.get("file"), row.get::<i64, _>("line").unsigned_abs(), 0),
    })
}
