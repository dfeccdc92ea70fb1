//! The plan of an update, a cancellation, a reinstatement: one transaction, or nothing.
//!
//! What: [`Planning`], an open transaction in which a revision is added and messages are planned for chosen mailboxes; while it
//! is open, everything that is read through the [`Store`] sees it, so that the gate can make every message before the commit.
//! Standard: RFC 5546 section 2.1.4 (which SEQUENCE whom). Not here: who is chosen (`command`), what a revision is (`plan`).
//! Called by: `command`. Can fail: [`StoreError`]; what was not committed leaves no trace.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::ledger::{recipient, small};
use super::{RecipientRow, Store, StoreError, suppression};
use crate::plan::{Purpose, Revision};

/// Mailboxes that one statement takes.
const BATCH: usize = 4096;

/// Who can be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circle {
    /// Who holds an object older than a revision and was planned no message of it.
    Behind(u32),
    /// Who holds the invitation, or is about to.
    Invited,
    /// Whose invitation is open and has reached nobody.
    Unsent,
    /// Who was told, or is about to be told, that it does not take place.
    Withdrawn,
    /// Whose invitation a person held back before it was sent.
    HeldBack,
    /// Who holds the invitation and left the lists, or is invited to this session no longer.
    Gone,
}

impl Circle {
    /// The condition, over `w` (holding), `h` and `l` (the dispatches held and latest) and `r` (the recipient).
    fn condition(self) -> String {
        match self {
            Self::Behind(revision) => format!(
                "h.id IS NOT NULL AND l.method = 'REQUEST' AND h.revision < {revision}
                 AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.recipient = r.id AND d.purpose = 'update'
                                 AND d.session = w.session AND d.revision >= {revision})"
            ),
            Self::Invited => "h.id IS NOT NULL AND l.method = 'REQUEST'".to_owned(),
            Self::Unsent => "h.id IS NULL AND l.purpose = 'invitation'".to_owned(),
            Self::Withdrawn => "l.method = 'CANCEL'".to_owned(),
            Self::HeldBack => "EXISTS (SELECT 1 FROM dispatch d WHERE d.recipient = r.id AND d.purpose = 'invitation'
                                       AND d.session = w.session AND d.state = 'HELD')"
                .to_owned(),
            Self::Gone => "h.id IS NOT NULL AND l.method = 'REQUEST'
                 AND (r.seen <> (SELECT import FROM folder)
                      OR w.session <> '' AND r.sessions NOT IN ('', ' all ')
                         AND instr(r.sessions, ' ' || w.session || ' ') = 0)"
                .to_owned(),
        }
    }
}

/// A mailbox that can be meant.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its row in the journal.
    pub id: i64,
    /// Who it is.
    pub recipient: RecipientRow,
    /// The revision of the object that it holds; `None` where it holds none.
    pub held: Option<u32>,
    /// Whether its last object takes the invitation back and may have arrived.
    pub is_told: bool,
    /// Whether the object that it holds is a cancellation.
    pub is_out: bool,
}

impl Store {
    /// The mailboxes of a circle after a row, by what they have of the session that is looked at.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn circle_page(&self, circle: Circle, after: i64, most: usize) -> Result<Vec<Candidate>, StoreError> {
        let mut connection = self.connection.lock().await;
        let sql = format!("{} {}", include_str!("sql/circle.sql"), circle.condition()) + " ORDER BY r.id LIMIT $2";
        // Made of our own words and numbers.
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(self.looked_at())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(candidate).collect()
    }

    /// New addresses of an entity on the lists that hold nothing yet: where another one left, it may have changed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn newcomers_of(&self, entity: &str) -> Result<Vec<String>, StoreError> {
        let mut connection = self.connection.lock().await;
        let found = sqlx::query_scalar(
            "SELECT r.address FROM recipient r JOIN holding w ON w.recipient = r.id
             WHERE r.entity = $1 AND r.seen = (SELECT import FROM folder) AND w.held IS NULL
               AND ($2 IS NULL OR w.session = $2) ORDER BY r.id LIMIT 5",
        )
        .bind(entity)
        .bind(self.looked_at())
        .fetch_all(&mut *connection)
        .await?;
        Ok(found)
    }

    /// Opens the transaction of a plan. Until it is committed, what is read through this store sees it; nothing else may write.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn begin_planning(&self) -> Result<Planning<'_>, StoreError> {
        let mut connection = self.connection.lock().await;
        // A planning that was dropped left its transaction open.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        drop(connection);
        Ok(Planning { store: self })
    }
}

fn candidate(row: &SqliteRow) -> Result<Candidate, StoreError> {
    let held: Option<i64> = row.get("held_revision");
    Ok(Candidate {
        id: row.get("id"),
        recipient: recipient(row)?,
        held: held.map(|_| small(row, "held_revision")),
        is_told: row.get("is_told"),
        is_out: row.get("is_out"),
    })
}

/// An open plan.
#[derive(Clone, Copy)]
pub struct Planning<'s> {
    store: &'s Store,
}

impl Planning<'_> {
    /// Adds a state of the event or of a session; gives it back with its number, which follows all that there are.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn add_revision(&self, revision: Revision, now_ms: i64) -> Result<Revision, StoreError> {
        let mut connection = self.store.connection.lock().await;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO revision (number, session, sequence, dtstamp_ms, facts, kind, made_ms, note)
             SELECT max(number) + 1, $1, $2, $3, $4, $5, $6, $7 FROM revision RETURNING number",
        )
        .bind(&revision.session)
        .bind(i64::from(revision.sequence.number()))
        .bind(revision.dtstamp.as_millisecond())
        .bind(&revision.facts)
        .bind(revision.kind.as_str())
        .bind(now_ms)
        .bind(&revision.note)
        .fetch_one(&mut *connection)
        .await?;
        let number = u32::try_from(number).map_err(|_| StoreError::Step("there are too many states".to_owned()))?;
        Ok(Revision { number, ..revision })
    }

    /// Plans an update or a cancellation of a revision for mailboxes, and takes back what of older revisions is still open for
    /// them; gives how many messages were planned.
    ///
    /// Who knows the event as of an older time is asked again (`NEEDS-ACTION`, the revision's SEQUENCE); for others SEQUENCE
    /// stays the one that they were told, and PARTSTAT says what they answered last.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn plan(
        &self,
        purpose: Purpose,
        revision: &Revision,
        mailboxes: &[i64],
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let sql = match purpose {
            Purpose::Cancellation => include_str!("sql/plan_cancellation.sql"),
            Purpose::Update => include_str!("sql/plan_update.sql"),
            Purpose::Invitation | Purpose::Reminder | Purpose::Message => {
                return Err(StoreError::Step(format!("{purpose} is no amendment")));
            }
        };
        let mut connection = self.store.connection.lock().await;
        let mut planned = 0;
        for batch in mailboxes.chunks(BATCH) {
            let json = serde_json::to_string(batch).expect("numbers are JSON");
            planned += sqlx::query(sql)
                .bind(i64::from(revision.number))
                .bind(i64::from(revision.sequence.number()))
                .bind(now_ms)
                .bind(&json)
                .execute(&mut *connection)
                .await?
                .rows_affected();
            sqlx::query(include_str!("sql/overtake.sql"))
                .bind(i64::from(revision.number))
                .bind(now_ms)
                .bind(&json)
                .execute(&mut *connection)
                .await?;
        }
        suppression::sweep(&mut connection, now_ms, false).await?;
        Ok(planned)
    }

    /// Takes back what of older revisions is still open for mailboxes that need no message of the new one: whoever was not told
    /// of a cancellation yet need not be told that it is off.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn take_back(&self, revision: &Revision, mailboxes: &[i64], now_ms: i64) -> Result<(), StoreError> {
        let mut connection = self.store.connection.lock().await;
        for batch in mailboxes.chunks(BATCH) {
            sqlx::query(include_str!("sql/overtake.sql"))
                .bind(i64::from(revision.number))
                .bind(now_ms)
                .bind(serde_json::to_string(batch).expect("numbers are JSON"))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    /// Brings open invitations that reached nobody to a revision: in place where nothing was armed, as new ones elsewhere.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn move_invitations(&self, revision: &Revision, now_ms: i64) -> Result<u64, StoreError> {
        let mut connection = self.store.connection.lock().await;
        let mut moved = 0;
        for sql in [include_str!("sql/move_armed.sql"), include_str!("sql/move_open.sql")] {
            moved += sqlx::query(sql)
                .bind(i64::from(revision.number))
                .bind(i64::from(revision.sequence.number()))
                .bind(now_ms)
                .execute(&mut *connection)
                .await?
                .rows_affected();
        }
        sqlx::query(
            "UPDATE dispatch SET state = 'CANCELLED', changed_ms = $2
             WHERE purpose = 'invitation' AND revision < $1 AND date_ms IS NOT NULL AND state IN ('READY', 'DEFERRED')
               AND session = (SELECT session FROM revision WHERE number = $1)
               AND EXISTS (SELECT 1 FROM dispatch d WHERE d.recipient = dispatch.recipient AND d.purpose = 'invitation'
                           AND d.revision = $1)",
        )
        .bind(i64::from(revision.number))
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
        Ok(moved)
    }

    /// Holds back invitations to the session that is looked at that were not sent yet, or lets them go again; gives how many.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn hold_back(&self, mailboxes: &[i64], hold: bool, now_ms: i64) -> Result<u64, StoreError> {
        let mut connection = self.store.connection.lock().await;
        let sql = if hold {
            "UPDATE dispatch SET state = 'HELD', reply = 'withdrawn before it was sent', changed_ms = $2
             WHERE purpose = 'invitation' AND state IN ('READY', 'DEFERRED', 'SUPPRESSED')
               AND ($3 IS NULL OR session = $3) AND recipient IN (SELECT value FROM json_each($1))"
        } else {
            "UPDATE dispatch SET state = 'READY', reply = NULL, due_ms = 0, changed_ms = $2
             WHERE purpose = 'invitation' AND state = 'HELD' AND ($3 IS NULL OR session = $3)
               AND recipient IN (SELECT value FROM json_each($1))"
        };
        let mut changed = 0;
        for batch in mailboxes.chunks(BATCH) {
            changed += sqlx::query(sql)
                .bind(serde_json::to_string(batch).expect("numbers are JSON"))
                .bind(now_ms)
                .bind(self.store.looked_at())
                .execute(&mut *connection)
                .await?
                .rows_affected();
        }
        suppression::sweep(&mut connection, now_ms, false).await?;
        Ok(changed)
    }

    /// Makes the plan lasting.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn commit(self) -> Result<(), StoreError> {
        let mut connection = self.store.connection.lock().await;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(())
    }

    /// Gives everything up: the journal is as it was.
    ///
    /// # Errors
    /// The store cannot be read any more.
    pub async fn give_up(self) -> Result<(), StoreError> {
        let mut connection = self.store.connection.lock().await;
        sqlx::query("ROLLBACK").execute(&mut *connection).await?;
        Ok(())
    }
}
