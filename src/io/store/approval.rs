//! Sealed plans and approvals in the journal.
//!
//! What: a plan is written in three steps: [`Store::begin_plan`], [`Store::note_sealed`] for each page of messages,
//! [`Store::note_plan`], which makes it count; [`Store::approve`] appends an approval; [`Store::plans`] gives both.
//! Not here: the seal and the rules (`plan`). Called by: `command`. Can fail: [`StoreError`].

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::ledger::unknown;
use super::{Store, StoreError};
use crate::mail::masked;
use crate::plan::{Approval, Errand, PlanRecord, Sealed, SealedMessage, Several};

/// Recipients that are looked at by name where some were taken off.
const NAMED: i64 = 3;

impl Store {
    /// The number of the next plan of an errand. Messages of earlier ones that nobody approved go.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn begin_plan(&self, errand: Errand) -> Result<i64, StoreError> {
        let mut connection = self.connection.lock().await;
        sqlx::query(
            "DELETE FROM sealed_message WHERE sealed NOT IN (SELECT sealed FROM approval)
               AND sealed NOT IN (SELECT id FROM sealed WHERE purpose <> $1 OR mailing <> $2)",
        )
        .bind(errand.purpose.as_str())
        .bind(errand.mailing)
        .execute(&mut *connection)
        .await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM sealed").fetch_one(&mut *connection).await?;
        Ok(last.unwrap_or_default() + 1)
    }

    /// Notes messages of a plan.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn note_sealed(&self, plan: i64, messages: &[SealedMessage]) -> Result<(), StoreError> {
        let rows: Vec<_> = messages
            .iter()
            .map(|m| json!({ "recipient": m.recipient, "session": m.session, "letter": m.letter, "digest": m.digest, "row": m.row }))
            .collect();
        let mut connection = self.connection.lock().await;
        sqlx::query(
            "INSERT INTO sealed_message (sealed, recipient, session, letter, digest, row)
             SELECT $1, value ->> 'recipient', value ->> 'session', value ->> 'letter', unhex(value ->> 'digest'), unhex(value ->> 'row')
             FROM json_each($2)",
        )
        .bind(plan)
        .bind(serde_json::Value::from(rows).to_string())
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// The messages of a plan in their order, after that of a recipient and a session.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn sealed_page(
        &self,
        plan: i64,
        after: (i64, &str),
        most: usize,
    ) -> Result<Vec<SealedMessage>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT m.recipient, m.session, r.address, m.letter, lower(hex(m.digest)) AS digest, lower(hex(m.row)) AS row
             FROM sealed_message m JOIN recipient r ON r.id = m.recipient
             WHERE m.sealed = $1 AND (m.recipient, m.session) > ($2, $3) ORDER BY m.recipient, m.session LIMIT $4",
        )
        .bind(plan)
        .bind(after.0)
        .bind(after.1)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
        Ok(rows.iter().map(message).collect())
    }

    /// What some plans have of some recipients, the last plan first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn sealed_of(
        &self,
        plans: &[i64],
        recipients: &[i64],
    ) -> Result<HashMap<i64, Vec<SealedMessage>>, StoreError> {
        let list = |ids: &[i64]| serde_json::to_string(ids).expect("numbers are JSON");
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT m.recipient, m.session, r.address, m.letter, lower(hex(m.digest)) AS digest, lower(hex(m.row)) AS row
             FROM json_each($1) p CROSS JOIN json_each($2) i
             JOIN sealed_message m ON m.sealed = p.value AND m.recipient = i.value
             JOIN recipient r ON r.id = m.recipient
             ORDER BY m.sealed DESC",
        )
        .bind(list(plans))
        .bind(list(recipients))
        .fetch_all(&mut *connection)
        .await?;
        let mut found: HashMap<i64, Vec<SealedMessage>> = HashMap::new();
        for message in rows.iter().map(message) {
            found.entry(message.recipient).or_default().push(message);
        }
        Ok(found)
    }

    /// Recipients of a plan who would get nothing any more and have had nothing; addresses masked.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn taken_off(&self, plan: i64, errand: Errand) -> Result<Several, StoreError> {
        let mut connection = self.connection.lock().await;
        let gone = sqlx::query(include_str!("sql/sealed_taken_off.sql"))
            .bind(plan)
            .bind(errand.purpose.as_str())
            .bind(errand.mailing)
            .bind(NAMED)
            .fetch_all(&mut *connection)
            .await?;
        let count = gone.first().map_or(0, |row| row.get::<i64, _>("n").unsigned_abs());
        let named = gone.iter().map(|row| masked(row.get("address"))).collect();
        Ok(Several::new(count, named))
    }

    /// Makes a plan count whose messages are noted.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn note_plan(
        &self,
        plan: i64,
        errand: Errand,
        sealed: &Sealed,
        by: &str,
        account: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        sqlx::query(
            "INSERT INTO sealed (id, seal, purpose, mailing, plan, by, account, made_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(plan)
        .bind(sealed.seal().as_str())
        .bind(errand.purpose.as_str())
        .bind(errand.mailing)
        .bind(sealed.to_json())
        .bind(by)
        .bind(account)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// All sealed plans, of an errand or of all, with their approvals; the last one first.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn plans(&self, errand: Option<Errand>) -> Result<Vec<PlanRecord>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT id, seal, plan, by, account, made_ms FROM sealed
             WHERE $1 IS NULL OR (purpose = $1 AND mailing = $2) ORDER BY id DESC",
        )
        .bind(errand.map(|errand| errand.purpose.as_str()))
        .bind(errand.map(|errand| errand.mailing))
        .fetch_all(&mut *connection)
        .await?;
        let mut runs: HashMap<i64, Vec<i64>> = HashMap::new();
        let under = sqlx::query_as::<_, (i64, i64)>("SELECT approval, run FROM run_approval ORDER BY run");
        for (approval, run) in under.fetch_all(&mut *connection).await? {
            runs.entry(approval).or_default().push(run);
        }
        let mut approvals: HashMap<i64, Vec<Approval>> = HashMap::new();
        let all = sqlx::query("SELECT id, sealed, by, approved_ms FROM approval ORDER BY id DESC");
        for row in all.fetch_all(&mut *connection).await? {
            let (id, at) = (row.get("id"), time(&row, "approved_ms"));
            let approval = Approval { id, by: row.get("by"), at, runs: runs.remove(&id).unwrap_or_default() };
            approvals.entry(row.get("sealed")).or_default().push(approval);
        }
        rows.iter()
            .map(|row| {
                let (id, seal, text): (i64, String, String) = (row.get("id"), row.get("seal"), row.get("plan"));
                // A plan that was written to behind our back has another seal.
                let sealed = Sealed::from_json(&text).filter(|sealed| sealed.seal().as_str() == seal);
                Ok(PlanRecord {
                    id,
                    sealed: sealed.ok_or_else(|| unknown("plan", &seal))?,
                    by: row.get("by"),
                    account: row.get("account"),
                    made: time(row, "made_ms"),
                    approvals: approvals.remove(&id).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// The name of a mailing; `None` where there is none of that number.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn mailing_name(&self, mailing: i64) -> Result<Option<String>, StoreError> {
        let mut connection = self.connection.lock().await;
        let name = sqlx::query_scalar("SELECT name FROM mailing WHERE id = $1").bind(mailing);
        Ok(name.fetch_optional(&mut *connection).await?)
    }

    /// Appends an approval.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn approve(&self, plan: i64, by: &str, account: &str, now_ms: i64) -> Result<i64, StoreError> {
        let mut connection = self.connection.lock().await;
        let query = "INSERT INTO approval (sealed, by, account, approved_ms) VALUES ($1, $2, $3, $4) RETURNING id";
        let query = sqlx::query_scalar(query).bind(plan).bind(by).bind(account).bind(now_ms);
        Ok(query.fetch_one(&mut *connection).await?)
    }

    /// Notes under which approvals the run began that goes on.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn note_leave(&self, approvals: &[i64]) -> Result<(), StoreError> {
        if approvals.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.lock().await;
        sqlx::query("INSERT INTO run_approval (run, approval) SELECT $1, value FROM json_each($2)")
            .bind(self.run.load(Ordering::Relaxed))
            .bind(serde_json::to_string(approvals).expect("numbers are JSON"))
            .execute(&mut *connection)
            .await?;
        Ok(())
    }
}

fn time(row: &SqliteRow, name: &str) -> Timestamp {
    Timestamp::from_millisecond(row.get(name)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn message(row: &SqliteRow) -> SealedMessage {
    let address: String = row.get("address");
    SealedMessage {
        recipient: row.get("recipient"),
        session: row.get("session"),
        address: masked(&address),
        letter: row.get("letter"),
        digest: row.get("digest"),
        row: row.get("row"),
    }
}
