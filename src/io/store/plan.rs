//! The folder's identity, the event's revisions, and what a person decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::ledger::unknown;
use super::{Store, StoreError, suppression};
use crate::calendar::Sequence;
use crate::journal::Standing;
use crate::plan::{Facts, FolderKey, History, Revision, RevisionKind};

/// Whose folder this is, and what was planned last.
#[derive(Clone, Debug)]
pub struct FolderState {
    /// The secret of its identities.
    pub key: FolderKey,
    /// Digest of the lists as last imported; empty before the first import.
    pub lists: String,
    /// The states of the event as a whole and of its sessions, by their ids; that of the whole is empty.
    pub histories: BTreeMap<String, History>,
}

impl Store {
    /// The folder's state; made from `secret` and `firsts` where the journal is new. `firsts` are the first states of the event
    /// as a whole (that comes first) and of its sessions; those that the journal has already stay as they are.
    ///
    /// # Errors
    /// The journal is of another event, or cannot be written.
    pub async fn folder(&self, event: &str, secret: [u8; 32], firsts: &[Revision]) -> Result<FolderState, StoreError> {
        let mut connection = self.connection.lock().await;
        let mut connection = sqlx::Connection::begin(&mut *connection).await?;
        let created = firsts.first().map_or(0, |first| first.dtstamp.as_millisecond());
        sqlx::query("INSERT INTO folder (id, event, secret, created_ms) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(event)
            .bind(&secret[..])
            .bind(created)
            .execute(&mut *connection)
            .await?;
        let row = sqlx::query("SELECT event, secret, lists FROM folder").fetch_one(&mut *connection).await?;
        let found: String = row.get("event");
        if found != event {
            return Err(StoreError::OtherEvent { found, wanted: event.to_owned() });
        }
        let secret: Vec<u8> = row.get("secret");
        let secret = <[u8; 32]>::try_from(secret)
            .map_err(|_| StoreError::Step("the folder's secret is damaged; restore the journal".to_owned()))?;
        for first in firsts {
            sqlx::query(
                "INSERT INTO revision (number, session, sequence, dtstamp_ms, made_ms, facts)
                 SELECT (SELECT coalesce(max(number) + 1, 0) FROM revision), $1, $2, $3, $3, $4
                 WHERE NOT EXISTS (SELECT 1 FROM revision WHERE session = $1)",
            )
            .bind(&first.session)
            .bind(i64::from(first.sequence.number()))
            .bind(first.dtstamp.as_millisecond())
            .bind(&first.facts)
            .execute(&mut *connection)
            .await?;
        }
        let rows = sqlx::query("SELECT * FROM revision ORDER BY number").fetch_all(&mut *connection).await?;
        connection.commit().await?;
        let histories = by_session(rows.iter().map(revision).collect::<Result<_, _>>()?);
        if histories.is_empty() {
            return Err(StoreError::Step("the journal has no state of the event; restore it".to_owned()));
        }
        Ok(FolderState { key: FolderKey::new(secret), lists: row.get("lists"), histories })
    }

    /// All states of the event and its sessions, the first one first.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn revisions(&self) -> Result<Vec<Revision>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query("SELECT * FROM revision ORDER BY number").fetch_all(&mut *connection).await?;
        rows.iter().map(revision).collect()
    }

    /// The same by the id of the session; that of the event as a whole is empty.
    ///
    /// # Errors
    /// As [`Store::revisions`].
    pub async fn histories(&self) -> Result<BTreeMap<String, History>, StoreError> {
        Ok(by_session(self.revisions().await?))
    }

    /// Puts new facts in the place of a revision that nobody has been told yet.
    ///
    /// # Errors
    /// Somebody has been told it, or the store cannot be written.
    pub async fn replace_revision(&self, revision: &Revision) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        let changed = sqlx::query(
            "UPDATE revision SET dtstamp_ms = $2, made_ms = $2, facts = $3
             WHERE number = $1 AND NOT EXISTS (SELECT 1 FROM dispatch WHERE revision = $1 AND date_ms IS NOT NULL)",
        )
        .bind(i64::from(revision.number))
        .bind(revision.dtstamp.as_millisecond())
        .bind(&revision.facts)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        if changed == 1 { Ok(()) } else { Err(StoreError::Step("the revision has been sent".to_owned())) }
    }

    /// Adds to the facts of a revision what an older version did not keep, or a language in which nobody was told them.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn complete_revision(&self, number: u32, facts: &Facts) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        sqlx::query("UPDATE revision SET facts = $2 WHERE number = $1")
            .bind(i64::from(number))
            .bind(facts.to_json())
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    /// How many dispatches were armed at least once: those that may have been told the facts of the event, or of the session
    /// that is looked at.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn reached(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        let sql = "SELECT count(*) FROM dispatch WHERE date_ms IS NOT NULL AND ($1 IS NULL OR session = $1)";
        let count: i64 = sqlx::query_scalar(sql).bind(self.looked_at()).fetch_one(&mut *connection).await?;
        Ok(count.unsigned_abs())
    }

    /// How many invitations may have arrived, and how many other messages are still to be sent, by the id of the session;
    /// letters do not count.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn invited_by_session(&self) -> Result<BTreeMap<String, (u64, u64)>, StoreError> {
        let mut connection = self.connection.lock().await;
        let found: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT session, count(*) FILTER (WHERE purpose = 'invitation' AND date_ms IS NOT NULL),
                    count(*) FILTER (WHERE purpose IN ('reminder', 'update', 'cancellation') AND state IN ('READY', 'DEFERRED'))
             FROM dispatch GROUP BY session",
        )
        .fetch_all(&mut *connection)
        .await?;
        Ok(found.into_iter().map(|(id, sent, open)| (id, (sent.unsigned_abs(), open.unsigned_abs()))).collect())
    }

    /// Records what a person decided about messages in doubt: `Sent`, or `Ready` to be sent again.
    ///
    /// # Errors
    /// The store cannot be written. Gives how many were in doubt and are decided now.
    pub async fn settle(&self, ids: &[i64], decided: Standing, reason: &str, now_ms: i64) -> Result<u64, StoreError> {
        debug_assert!(Standing::InDoubt.may_become(decided), "a doubt ends as sent or ready");
        let json = serde_json::to_string(ids).expect("numbers are JSON");
        let mut connection = self.connection.lock().await;
        let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
        sqlx::query(
            "INSERT INTO decision (dispatch, verdict, reason, decided_ms)
             SELECT d.id, $2, $3, $4 FROM dispatch d JOIN json_each($1) i ON d.id = i.value WHERE d.state = 'IN_DOUBT'",
        )
        .bind(&json)
        .bind(decided.as_str())
        .bind(reason)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        let changed = sqlx::query(
            // What a later message has overtaken is not sent again: its recipient knows better.
            "UPDATE dispatch SET due_ms = 0, changed_ms = $3,
                    state = CASE WHEN $2 = 'READY' AND method <> '' AND EXISTS (
                                SELECT 1 FROM dispatch later
                                WHERE later.recipient = dispatch.recipient AND later.session = dispatch.session
                                  AND later.id > dispatch.id AND later.method <> ''
                                  AND later.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED', 'READY', 'DEFERRED'))
                            THEN 'CANCELLED' ELSE $2 END
             FROM json_each($1) i WHERE dispatch.id = i.value AND dispatch.state = 'IN_DOUBT'",
        )
        .bind(&json)
        .bind(decided.as_str())
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        // Its address may have come onto the list while it was in doubt.
        suppression::sweep(&mut transaction, now_ms, false).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}

fn by_session(revisions: Vec<Revision>) -> BTreeMap<String, History> {
    let mut all: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    for revision in revisions {
        all.entry(revision.session.clone()).or_default().push(revision);
    }
    all.into_iter().filter_map(|(session, revisions)| Some((session, History::new(revisions)?))).collect()
}

fn revision(row: &SqliteRow) -> Result<Revision, StoreError> {
    let number = |name: &str| u32::try_from(row.get::<i64, _>(name)).unwrap_or_default();
    let kind: String = row.get("kind");
    Ok(Revision {
        number: number("number"),
        session: row.get("session"),
        sequence: Sequence::new(number("sequence")).unwrap_or_default(),
        dtstamp: Timestamp::from_millisecond(row.get("dtstamp_ms")).unwrap_or(Timestamp::UNIX_EPOCH),
        kind: RevisionKind::parse(&kind).ok_or_else(|| unknown("revision", &kind))?,
        facts: row.get("facts"),
        note: row.get("note"),
    })
}
