//! The plan as one transaction: lists in, dispatches out, or nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
use tokio::sync::OwnedMutexGuard;

use super::{Store, StoreError, suppression};
use crate::input::problem::{Place, Problem};
use crate::input::recipients::Recipient;
use crate::input::sessions::{ALL, Cell};
use crate::plan::Revision;

/// Rows that one statement takes.
const BATCH: usize = 256;
/// Duplicates that are named one by one; the rest are counted.
const NAMED: usize = 200;

/// A row whose mailbox stands in an earlier one; it was merged into that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The mailbox.
    pub address: String,
    /// The row that was merged.
    pub place: Place,
    /// The row that stays.
    pub first: Place,
    /// Whether the merged row said anything else.
    pub differs: bool,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Mailboxes on the lists.
    pub listed: u64,
    /// Distinct entities among them.
    pub entities: u64,
    /// Dispatches planned by this import.
    pub planned: u64,
    /// Dispatches not sent yet whose mailbox is no longer listed: taken off.
    pub withdrawn: u64,
    /// Rows merged into earlier ones.
    pub duplicates: u64,
    /// The first of them.
    pub named_duplicates: Vec<Duplicate>,
}

/// One open import; dropped without [`Importer::finish`] it leaves no trace.
pub struct Importer {
    connection: OwnedMutexGuard<SqliteConnection>,
    number: i64,
    batch: Vec<RowJson>,
    counts: ImportCounts,
}

#[derive(Serialize)]
struct RowJson {
    key: String,
    address: String,
    entity: String,
    kind: &'static str,
    language: String,
    /// As `recipient.sessions` has them.
    sessions: String,
    cells: String,
    file: String,
    line: u64,
}

impl Store {
    /// Begins the transaction of a plan.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn importer(&self) -> Result<Importer, StoreError> {
        let mut connection = std::sync::Arc::clone(&self.connection).lock_owned().await;
        // An importer that was dropped left its transaction open.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let number: i64 = sqlx::query_scalar("UPDATE folder SET import = import + 1 RETURNING import")
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM refusal").execute(&mut *connection).await?;
        Ok(Importer { connection, number, batch: Vec::with_capacity(BATCH), counts: ImportCounts::default() })
    }
}

impl Store {
    /// Remembers what was imported and checked, so that the same lists need not be read again.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn remember_lists(&self, digest: &str) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        sqlx::query("UPDATE folder SET lists = $1").bind(digest).execute(&mut *connection).await?;
        Ok(())
    }

    /// Forgets what was imported, so that everything is read and checked again.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn forget_lists(&self) -> Result<(), StoreError> {
        self.remember_lists("").await
    }
}

impl Importer {
    /// Takes one row.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn add(&mut self, recipient: &Recipient) -> Result<(), StoreError> {
        self.batch.push(RowJson {
            key: recipient.address.key(),
            address: recipient.address.to_string(),
            entity: recipient.entity.clone(),
            kind: recipient.kind.as_str(),
            language: recipient.language.to_string(),
            sessions: sessions(recipient.sessions.as_ref()),
            cells: serde_json::to_string(&recipient.cells).expect("a map of texts is JSON"),
            file: recipient.place.file.clone(),
            line: recipient.place.line,
        });
        if self.batch.len() == BATCH { self.flush().await } else { Ok(()) }
    }

    /// Remembers a row that was left out on the user's word.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn leave_out(&mut self, problem: &Problem) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO refusal (file, line, fault) VALUES ($1, $2, $3)")
            .bind(&problem.place.file)
            .bind(i64::try_from(problem.place.line).unwrap_or(i64::MAX))
            .bind(&problem.fault)
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let rows = self.batch.len() as u64;
        if rows == 0 {
            return Ok(());
        }
        let mut taken = self.insert().await?;
        if taken < rows {
            // Some are known already: they keep their data, or they stand in the lists twice.
            let json = serde_json::to_string(&self.batch).expect("texts and numbers are JSON");
            taken += sqlx::query(include_str!("sql/import_frozen.sql"))
                .bind(&json)
                .bind(self.number)
                .execute(&mut *self.connection)
                .await?
                .rows_affected();
            self.note_duplicates(rows, taken, &json).await?;
            if taken < rows && self.batch.iter().any(|row| !row.sessions.is_empty()) {
                self.join_sessions(&json).await?;
            }
        }
        self.counts.listed += taken;
        self.batch.clear();
        Ok(())
    }

    /// Puts the batch in; gives how many rows were new or could be renewed.
    async fn insert(&mut self) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO recipient (address_key, address, entity, kind, language, sessions, cells, file, line, seen) SELECT *, ",
        );
        query.push_bind(self.number).push(" FROM (");
        query.push_values(&self.batch, |mut row, recipient| {
            row.push_bind(&recipient.key)
                .push_bind(&recipient.address)
                .push_bind(&recipient.entity)
                .push_bind(recipient.kind)
                .push_bind(&recipient.language)
                .push_bind(&recipient.sessions)
                .push_bind(&recipient.cells)
                .push_bind(&recipient.file)
                .push_bind(i64::try_from(recipient.line).unwrap_or(i64::MAX));
        });
        query.push(include_str!("sql/import_conflict.sql"));
        Ok(query.build().execute(&mut *self.connection).await?.rows_affected())
    }

    async fn note_duplicates(&mut self, rows: u64, taken: u64, json: &str) -> Result<(), StoreError> {
        if taken < rows {
            self.counts.duplicates += rows - taken;
            if self.counts.named_duplicates.len() < NAMED {
                self.name_duplicates(json).await?;
            }
        }
        Ok(())
    }

    /// Whoever stands in several rows is invited to the sessions of all of them: lists may be kept by session.
    async fn join_sessions(&mut self, json: &str) -> Result<(), StoreError> {
        let rows = sqlx::query(include_str!("sql/import_join.sql")).bind(json).fetch_all(&mut *self.connection).await?;
        let mut joined: BTreeMap<String, String> = BTreeMap::new();
        for row in rows {
            let (more, sessions): (String, String) = (row.get("more"), row.get("sessions"));
            let all = joined.entry(row.get("key")).or_insert(sessions);
            for id in more.split_whitespace() {
                if id == ALL || all.trim() == ALL {
                    *all = format!(" {ALL} ");
                } else if !all.contains(&format!(" {id} ")) {
                    all.push_str(&format!("{id} "));
                }
            }
        }
        for (key, sessions) in joined {
            sqlx::query("UPDATE recipient SET sessions = $2 WHERE address_key = $1")
                .bind(key)
                .bind(sessions)
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    async fn name_duplicates(&mut self, json: &str) -> Result<(), StoreError> {
        let rows = sqlx::query(include_str!("sql/duplicates.sql")).bind(json).fetch_all(&mut *self.connection).await?;
        for row in rows {
            let line = |name: &str| row.get::<i64, _>(name).unsigned_abs();
            self.counts.named_duplicates.push(Duplicate {
                address: row.get("address"),
                place: Place::new(row.get("file"), line("line"), 0),
                first: Place::new(row.get("first_file"), line("first_line"), 0),
                differs: row.get("differs"),
            });
        }
        self.counts.named_duplicates.truncate(NAMED);
        Ok(())
    }

    /// Plans a dispatch for each mailbox that has none, of each state of the event that newcomers are told (one for each session
    /// to which it is invited), takes off those that left the lists or a session, and commits. `sessions` are all that there
    /// are: invitations to others go.
    ///
    /// With `withdraw` the lists are all there are: who is on none of them any more is not written to. The digest of what
    /// was imported is forgotten until [`Store::remember_lists`] is told it.
    ///
    /// # Errors
    /// The store cannot be written; nothing is planned then.
    pub async fn finish(
        mut self,
        revisions: &[&Revision],
        sessions: &[&str],
        withdraw: bool,
        now_ms: i64,
    ) -> Result<ImportCounts, StoreError> {
        self.flush().await?;
        let connection = &mut *self.connection;
        for revision in revisions {
            // First those who come back to the lists, so that nobody is planned twice.
            for sql in [include_str!("sql/import_return.sql"), include_str!("sql/import_plan.sql")] {
                self.counts.planned += sqlx::query(sql)
                    .bind(self.number)
                    .bind(now_ms)
                    .bind(i64::from(revision.number))
                    .bind(i64::from(revision.sequence.number()))
                    .bind(&revision.session)
                    .execute(&mut *connection)
                    .await?
                    .rows_affected();
            }
        }
        self.counts.withdrawn = if withdraw { self.withdraw(now_ms).await? } else { 0 };
        self.counts.withdrawn += self.leave_sessions(sessions, now_ms).await?;
        let connection = &mut *self.connection;
        // After everything that makes a dispatch ready.
        suppression::sweep(connection, now_ms, true).await?;
        let entities: i64 = sqlx::query_scalar("SELECT count(DISTINCT entity) FROM recipient WHERE seen = $1")
            .bind(self.number)
            .fetch_one(&mut *connection)
            .await?;
        self.counts.entities = entities.unsigned_abs();
        sqlx::query("UPDATE folder SET lists = ''").execute(&mut *connection).await?;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(std::mem::take(&mut self.counts))
    }

    async fn withdraw(&mut self, now_ms: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE dispatch SET state = 'CANCELLED', changed_ms = $2
             FROM recipient r
             WHERE r.id = dispatch.recipient AND r.seen <> $1 AND dispatch.state IN ('READY', 'DEFERRED')
               AND dispatch.purpose NOT IN ('update', 'cancellation')",
        )
        .bind(self.number)
        .bind(now_ms)
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected())
    }

    /// Takes off what is open of sessions to which a row invites no longer, or that there are no longer.
    async fn leave_sessions(&mut self, sessions: &[&str], now_ms: i64) -> Result<u64, StoreError> {
        // Millions of rows of an event without sessions are not gone through once more.
        let has_sessions: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM revision WHERE session <> '')")
            .fetch_one(&mut *self.connection)
            .await?;
        if !has_sessions {
            return Ok(0);
        }
        let done = sqlx::query(
            "UPDATE dispatch SET state = 'CANCELLED', changed_ms = $2
             FROM recipient r
             WHERE r.id = dispatch.recipient AND dispatch.state IN ('READY', 'DEFERRED')
               AND dispatch.purpose IN ('invitation', 'reminder')
               AND (dispatch.session NOT IN (SELECT value FROM json_each($3))
                    OR r.seen = $1 AND dispatch.session <> '' AND r.sessions <> ' all '
                       AND instr(r.sessions, ' ' || dispatch.session || ' ') = 0)",
        )
        .bind(self.number)
        .bind(now_ms)
        .bind(serde_json::to_string(sessions).expect("texts are JSON"))
        .execute(&mut *self.connection)
        .await?;
        Ok(done.rows_affected())
    }

    /// Gives everything up: the journal is as it was.
    ///
    /// # Errors
    /// The store cannot be read any more.
    pub async fn abandon(mut self) -> Result<ImportCounts, StoreError> {
        self.flush().await?;
        sqlx::query("ROLLBACK").execute(&mut *self.connection).await?;
        Ok(std::mem::take(&mut self.counts))
    }
}

/// As a column in which an id is found with a blank before and after it.
fn sessions(cell: Option<&Cell>) -> String {
    match cell {
        None => String::new(),
        Some(Cell::All) => format!(" {ALL} "),
        Some(Cell::Some(ids)) => format!(" {} ", ids.join(" ")),
    }
}
