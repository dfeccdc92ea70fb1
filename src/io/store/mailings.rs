//! Mailings: one sending of a reminder or of a letter to those who were chosen.
//!
//! What: [`Mailing`], which is found again by its name or by what is open of it, and the plan of its messages.
//! Not here: who is chosen (`command`); the transaction around the plan ([`super::Planning`]).
//! Called by: `command`. Can fail: [`StoreError`].

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::ledger::{purpose, small};
use super::{Store, StoreError, suppression};
use crate::calendar::PartStat;
use crate::plan::{Errand, Purpose};

/// Mailboxes that one statement takes.
const BATCH: usize = 1000;

/// One mailing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailing {
    /// In the journal.
    pub id: i64,
    /// Reminder or message.
    pub purpose: Purpose,
    /// Of a letter, the folder of its templates.
    pub name: String,
    /// The conditions with which it was planned, as they were typed.
    pub selection: String,
    /// When it was planned first.
    pub planned: Timestamp,
}

impl Mailing {
    /// What sends it.
    pub fn errand(&self) -> Errand {
        Errand { purpose: self.purpose, mailing: self.id }
    }
}

/// A mailbox that is to get a message of a mailing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Its row in the journal.
    pub recipient: i64,
    /// Of which state of the event a message without a calendar object is.
    pub revision: u32,
    /// The dispatch whose calendar object is sent again; `None` for a message without one.
    pub held: Option<i64>,
    /// What its entity answered, for the letter; `None` for nothing.
    pub answer: Option<PartStat>,
}

#[derive(Serialize)]
struct PickJson {
    recipient: i64,
    revision: u32,
    held: Option<i64>,
    answer: &'static str,
}

impl Store {
    /// The last mailing of a name, of the session that is looked at; a reminder has none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn mailing(&self, purpose: Purpose, name: &str) -> Result<Option<Mailing>, StoreError> {
        let mut connection = self.connection.lock().await;
        let sql = "SELECT m.* FROM mailing m JOIN revision v ON v.number = m.revision
                   WHERE m.purpose = $1 AND m.name = $2 AND v.session = $3 ORDER BY m.id DESC LIMIT 1";
        sqlx::query(sql)
            .bind(purpose.as_str())
            .bind(name)
            .bind(self.looked_at().unwrap_or_default())
            .fetch_optional(&mut *connection)
            .await?
            .as_ref()
            .map(mailing)
            .transpose()
    }

    /// The last mailing of a purpose of which something is open.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open_mailing(&self, purpose: Purpose) -> Result<Option<Mailing>, StoreError> {
        let mut connection = self.connection.lock().await;
        sqlx::query(
            "SELECT * FROM mailing m WHERE m.purpose = $1
               AND EXISTS (SELECT 1 FROM dispatch d
                           WHERE d.purpose = m.purpose AND d.mailing = m.id AND d.state IN ('READY', 'DEFERRED')
                             AND ($2 IS NULL OR d.session = $2))
             ORDER BY m.id DESC LIMIT 1",
        )
        .bind(purpose.as_str())
        .bind(self.looked_at())
        .fetch_optional(&mut *connection)
        .await?
        .as_ref()
        .map(mailing)
        .transpose()
    }

    /// Begins a mailing; gives its number.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn add_mailing(
        &self,
        purpose: Purpose,
        name: &str,
        revision: u32,
        selection: &str,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let mut connection = self.connection.lock().await;
        let id = sqlx::query_scalar(
            "INSERT INTO mailing (purpose, name, revision, selection, planned_ms) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        )
        .bind(purpose.as_str())
        .bind(name)
        .bind(i64::from(revision))
        .bind(selection)
        .bind(now_ms)
        .fetch_one(&mut *connection)
        .await?;
        Ok(id)
    }

    /// Plans messages of a mailing; whoever has one of it already gets no second. Gives how many were planned.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn plan_mailing(&self, errand: Errand, picks: &[Pick], now_ms: i64) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        let mut planned = 0;
        for batch in picks.chunks(BATCH) {
            let json: Vec<PickJson> = batch
                .iter()
                .map(|pick| {
                    let Pick { recipient, revision, held, answer } = *pick;
                    PickJson { recipient, revision, held, answer: answer.map_or("", PartStat::as_str) }
                })
                .collect();
            planned += sqlx::query(include_str!("sql/plan_mailing.sql"))
                .bind(errand.purpose.as_str())
                .bind(errand.mailing)
                .bind(now_ms)
                .bind(serde_json::to_string(&json).expect("numbers and words are JSON"))
                .execute(&mut *connection)
                .await?
                .rows_affected();
        }
        suppression::sweep(&mut connection, now_ms, false).await?;
        Ok(planned)
    }

    /// Takes back what is open of reminders and no longer due: those with a calendar object that are not for `asked`, those
    /// without that are not for `invited`. Of the session that is looked at. Gives how many.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn take_back_reminders(&self, asked: &[i64], invited: &[i64], now_ms: i64) -> Result<u64, StoreError> {
        let json = |ids: &[i64]| serde_json::to_string(ids).expect("numbers are JSON");
        let mut connection = self.connection.lock().await;
        let done = sqlx::query(
            "UPDATE dispatch SET state = 'CANCELLED', reply = 'no longer due', changed_ms = $3
             WHERE purpose = 'reminder' AND state IN ('READY', 'DEFERRED') AND ($4 IS NULL OR session = $4)
               AND recipient NOT IN (SELECT value FROM json_each(CASE WHEN method = '' THEN $2 ELSE $1 END))",
        )
        .bind(json(asked))
        .bind(json(invited))
        .bind(now_ms)
        .bind(self.looked_at())
        .execute(&mut *connection)
        .await?;
        Ok(done.rows_affected())
    }
}

fn mailing(row: &SqliteRow) -> Result<Mailing, StoreError> {
    Ok(Mailing {
        id: i64::from(small(row, "id")),
        purpose: purpose(row)?,
        name: row.get("name"),
        selection: row.get("selection"),
        planned: Timestamp::from_millisecond(row.get("planned_ms")).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}
