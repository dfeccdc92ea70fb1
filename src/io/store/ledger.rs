//! Reading the journal by pages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::calendar::{OrganizerMethod, PartStat, Sequence};
use crate::input::problem::Place;
use crate::input::sessions;
use crate::journal::{Standing, Tally};
use crate::mail::{AddrSpec, MessageId};
use crate::people::{Kind, Language};
use crate::plan::{Dispatch, DispatchKey, Entry, Errand, Held, Participation, Purpose, Status, Subject};

/// The column in which a reminder without a calendar object tells its letter what was answered.
pub const REMINDED: &str = "answer";

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

impl LedgerRow {
    /// What it was sent with.
    pub fn errand(&self) -> Errand {
        Errand { purpose: self.purpose, mailing: self.mailing }
    }
}

impl RecipientRow {
    /// As conditions see it, with how its invitation stands; of its entity nothing is known yet.
    pub fn subject(&self, status: Option<Status>) -> Subject<'_> {
        let Self { address, entity, kind, language, cells, .. } = self;
        let (is_reached, answer) = (false, Participation::Silent);
        Subject { cells, address: address.as_str(), entity, kind: *kind, language, status, is_reached, answer }
    }
}

/// A dispatch that may be sent.
#[derive(Clone, Debug)]
pub struct OpenRow {
    /// In the journal.
    pub id: i64,
    /// The recipient's row in the journal.
    pub recipient_id: i64,
    /// The message as planned.
    pub dispatch: Dispatch,
    /// The session that it is of; empty for the event as a whole.
    pub session: String,
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
    /// The recipient's row in the journal.
    pub recipient_id: i64,
    /// Why.
    pub purpose: Purpose,
    /// The session that it is of; empty for the event as a whole.
    pub session: String,
    /// Which state of the event.
    pub revision: u32,
    /// Which reminder or letter; 0 where the purpose has none.
    pub mailing: i64,
    /// Its calendar object; `None` for a message without one.
    pub entry: Option<Entry>,
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
    /// The next dispatches of an errand that may be sent at `now`, after an id.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn open_page(
        &self,
        errand: Errand,
        after: i64,
        now_ms: i64,
        most: usize,
    ) -> Result<Vec<OpenRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/open_page.sql"))
            .bind(after)
            .bind(now_ms)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(errand.purpose.as_str())
            .bind(errand.mailing)
            .bind(self.looked_at())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(open_row).collect()
    }

    /// How many of an errand may be sent, now or later; of invitations those of the current lists.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn count_open(&self, errand: Errand) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM dispatch d JOIN recipient r ON r.id = d.recipient
             WHERE d.state IN ('READY', 'DEFERRED') AND d.purpose = $1 AND d.mailing = $2
               AND ($3 IS NULL OR d.session = $3)
               AND (d.purpose <> 'invitation' OR r.seen = (SELECT import FROM folder))",
        )
        .bind(errand.purpose.as_str())
        .bind(errand.mailing)
        .bind(self.looked_at())
        .fetch_one(&mut *connection)
        .await?;
        Ok(count.unsigned_abs())
    }

    /// What is open, by errand, so that each command can name what others have left.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn open_errands(&self) -> Result<Vec<(Errand, u64)>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT d.purpose, d.mailing, count(*) AS n FROM dispatch d JOIN recipient r ON r.id = d.recipient
             WHERE d.state IN ('READY', 'DEFERRED') AND (d.purpose <> 'invitation' OR r.seen = (SELECT import FROM folder))
             GROUP BY 1, 2 ORDER BY min(d.id)",
        )
        .fetch_all(&mut *connection)
        .await?;
        rows.iter()
            .map(|row| {
                let errand = Errand { purpose: purpose(row)?, mailing: row.get("mailing") };
                Ok((errand, row.get::<i64, _>("n").unsigned_abs()))
            })
            .collect()
    }

    /// The dispatches of an errand, whatever became of them, after an id; of invitations those of the current lists.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn listed_page(&self, errand: Errand, after: i64, most: usize) -> Result<Vec<OpenRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/listed_page.sql"))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(errand.purpose.as_str())
            .bind(errand.mailing)
            .bind(self.looked_at())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(open_row).collect()
    }

    /// The message that the recipient of a dispatch has of an earlier state of the event, with the SHA-256 of its octets in
    /// hexadecimal (empty where none is noted); `None` where it has none.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn told_before(&self, dispatch: i64) -> Result<Option<(OpenRow, String)>, StoreError> {
        let mut connection = self.connection.lock().await;
        let row =
            sqlx::query(include_str!("sql/told_before.sql")).bind(dispatch).fetch_optional(&mut *connection).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((open_row(&row)?, row.get::<Option<String>, _>("digest").unwrap_or_default())))
    }

    /// Every dispatch after an id.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn ledger_page(&self, after: i64, most: usize) -> Result<Vec<LedgerRow>, StoreError> {
        self.ledger(None, after, most).await
    }

    /// Every dispatch in one state after an id.
    ///
    /// # Errors
    /// As [`Store::ledger_page`].
    pub async fn ledger_page_of(
        &self,
        standing: Standing,
        after: i64,
        most: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.ledger(Some(standing), after, most).await
    }

    async fn ledger(&self, standing: Option<Standing>, after: i64, most: usize) -> Result<Vec<LedgerRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/ledger_page.sql"))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(standing.map(Standing::as_str))
            .bind(self.looked_at())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(ledger_row).collect()
    }

    /// How many of an errand stand where, by kind of recipient.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn tallies(&self, errand: Errand) -> Result<BTreeMap<String, Tally>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/tallies.sql"))
            .bind(errand.purpose.as_str())
            .bind(errand.mailing)
            .bind(self.looked_at())
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

    /// Every errand that there was, by purpose, with how many of it stand where.
    ///
    /// # Errors
    /// As [`Store::tallies`].
    pub async fn errands(&self) -> Result<Vec<(Errand, Tally)>, StoreError> {
        let found: Vec<(String, i64)> = {
            let mut connection = self.connection.lock().await;
            let sql = "SELECT purpose, mailing FROM dispatch WHERE $1 IS NULL OR session = $1
                       GROUP BY purpose, mailing ORDER BY min(id)";
            sqlx::query_as(sql).bind(self.looked_at()).fetch_all(&mut *connection).await?
        };
        let mut all = Vec::with_capacity(found.len());
        for (word, mailing) in found {
            let purpose = Purpose::parse(&word).ok_or_else(|| unknown("purpose", &word))?;
            let errand = Errand { purpose, mailing };
            all.push((errand, self.tally(errand).await?));
        }
        all.sort_by_key(|(errand, _)| *errand);
        Ok(all)
    }

    /// How many of an errand stand where, all together.
    ///
    /// # Errors
    /// As [`Store::tallies`].
    pub async fn tally(&self, errand: Errand) -> Result<Tally, StoreError> {
        let all = self.tallies(errand).await?;
        Ok(Tally::new(all.values().flat_map(|t| Standing::ALL.map(|s| (s, t.of(s))))))
    }

    /// When the next deferred dispatch of an errand is due; of invitations those of the current lists.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn next_due(&self, errand: Errand) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.connection.lock().await;
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(d.due_ms) FROM dispatch d JOIN recipient r ON r.id = d.recipient
             WHERE d.state = 'DEFERRED' AND d.purpose = $1 AND d.mailing = $2
               AND ($3 IS NULL OR d.session = $3)
               AND (d.purpose <> 'invitation' OR r.seen = (SELECT import FROM folder))",
        )
        .bind(errand.purpose.as_str())
        .bind(errand.mailing)
        .bind(self.looked_at())
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

/// A row of the ledger as `json_array` packs it, in its order.
#[derive(serde::Deserialize)]
struct Packed {
    id: i64,
    purpose: String,
    session: String,
    revision: u32,
    mailing: i64,
    method: String,
    sequence: Option<u32>,
    partstat: String,
    state: String,
    attempts: u32,
    due_ms: i64,
    uid: Option<String>,
    message_id: Option<String>,
    size: Option<i64>,
    relay: Option<String>,
    code: Option<i64>,
    reply: Option<String>,
    changed_ms: i64,
    recipient: i64,
    address: String,
    entity: String,
    kind: String,
    language: String,
    sessions: String,
    file: String,
    line: i64,
}

fn ledger_row(row: &SqliteRow) -> Result<LedgerRow, StoreError> {
    let (facts, cells): (&str, &str) = (row.get(0), row.get(1));
    let packed: Packed = serde_json::from_str(facts).map_err(|_| unknown("a dispatch", facts))?;
    let standing = Standing::parse(&packed.state).ok_or_else(|| unknown("state", &packed.state))?;
    let entry = match packed.method.as_str() {
        "" => None,
        word => Some(Entry {
            method: OrganizerMethod::parse(word).ok_or_else(|| unknown("method", word))?,
            sequence: packed.sequence.and_then(Sequence::new).unwrap_or_default(),
            partstat: PartStat::parse(&packed.partstat).ok_or_else(|| unknown("answer", &packed.partstat))?,
        }),
    };
    let Packed { address, kind, language, .. } = &packed;
    let recipient = RecipientRow {
        address: AddrSpec::parse(address).map_err(|_| unknown("address", address))?,
        kind: Kind::parse(kind).ok_or_else(|| unknown("kind", kind))?,
        language: Language::parse(language).ok_or_else(|| unknown("language", language))?,
        cells: cells_of(cells, &packed.sessions)?,
        place: Place::new(&packed.file, packed.line.unsigned_abs(), 0),
        entity: packed.entity,
    };
    Ok(LedgerRow {
        id: packed.id,
        recipient_id: packed.recipient,
        purpose: Purpose::parse(&packed.purpose).ok_or_else(|| unknown("purpose", &packed.purpose))?,
        session: packed.session,
        revision: packed.revision,
        mailing: packed.mailing,
        entry,
        standing,
        attempts: packed.attempts,
        due: Timestamp::from_millisecond(packed.due_ms).ok().filter(|_| standing == Standing::Deferred),
        uid: packed.uid,
        message_id: packed.message_id,
        size: packed.size,
        relay: packed.relay,
        code: packed.code,
        reply: packed.reply,
        changed: Timestamp::from_millisecond(packed.changed_ms).unwrap_or(Timestamp::UNIX_EPOCH),
        recipient,
    })
}

fn open_row(row: &SqliteRow) -> Result<OpenRow, StoreError> {
    let key = DispatchKey {
        purpose: purpose(row)?,
        revision: small(row, "revision"),
        mailing: row.get("mailing"),
        recipient: row.get("address_key"),
    };
    let thread: Option<String> = row.get("thread_id");
    let mut recipient = recipient(row)?;
    if key.purpose == Purpose::Reminder {
        let answer: String = row.get("partstat");
        // To the letter a column like others; a list's own column of this name says something else.
        recipient.cells.remove(REMINDED);
        if row.get::<String, _>("method").is_empty() && !answer.is_empty() {
            recipient.cells.insert(REMINDED.to_owned(), answer.to_lowercase());
        }
    }
    Ok(OpenRow {
        id: row.get("id"),
        recipient_id: row.get("recipient"),
        dispatch: Dispatch { key, entry: entry(row)?, held: held(row)?, thread: thread.map(MessageId::from_journal) },
        session: row.get("session"),
        attempts: small(row, "attempts"),
        date: row.get::<Option<i64>, _>("date_ms").and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        recipient,
    })
}

pub(super) fn purpose(row: &SqliteRow) -> Result<Purpose, StoreError> {
    let word: String = row.get("purpose");
    Purpose::parse(&word).ok_or_else(|| unknown("purpose", &word))
}

fn method(row: &SqliteRow, name: &str) -> Result<Option<OrganizerMethod>, StoreError> {
    let word: Option<String> = row.get(name);
    match word.as_deref().unwrap_or_default() {
        "" => Ok(None),
        word => OrganizerMethod::parse(word).map(Some).ok_or_else(|| unknown("method", word)),
    }
}

fn sequence(row: &SqliteRow, name: &str) -> Sequence {
    let number: Option<i64> = row.get(name);
    number.and_then(|number| u32::try_from(number).ok()).and_then(Sequence::new).unwrap_or_default()
}

fn entry(row: &SqliteRow) -> Result<Option<Entry>, StoreError> {
    let Some(method) = method(row, "method")? else { return Ok(None) };
    let partstat: String = row.get("partstat");
    let partstat = PartStat::parse(&partstat).ok_or_else(|| unknown("answer", &partstat))?;
    Ok(Some(Entry { method, sequence: sequence(row, "sequence"), partstat }))
}

fn held(row: &SqliteRow) -> Result<Option<Held>, StoreError> {
    let Some(method) = method(row, "held_method")? else { return Ok(None) };
    let language: String = row.get("held_language");
    Ok(Some(Held {
        revision: small(row, "held_revision"),
        sequence: sequence(row, "held_sequence"),
        method,
        language: Language::parse(&language),
    }))
}

pub(super) fn small(row: &SqliteRow, name: &str) -> u32 {
    u32::try_from(row.get::<i64, _>(name)).unwrap_or_default()
}

pub(super) fn unknown(what: &str, word: &str) -> StoreError {
    StoreError::Step(format!("the journal holds {what} `{word}`, which this version does not know"))
}

/// The cells of a row, with its sessions as the lists say them now: the rest of a row stays as it was when its first message
/// was armed.
fn cells_of(cells: &str, invited: &str) -> Result<BTreeMap<String, String>, StoreError> {
    let mut cells: BTreeMap<String, String> = serde_json::from_str(cells).map_err(|_| unknown("cells", cells))?;
    let invited: Vec<&str> = invited.split_whitespace().collect();
    if !invited.is_empty() {
        cells.insert(sessions::COLUMN.to_owned(), invited.join("; "));
    }
    Ok(cells)
}

pub(super) fn recipient(row: &SqliteRow) -> Result<RecipientRow, StoreError> {
    let (address, kind, language): (String, String, String) =
        (row.get("address"), row.get("kind"), row.get("language"));
    Ok(RecipientRow {
        address: AddrSpec::parse(&address).map_err(|_| unknown("address", &address))?,
        entity: row.get("entity"),
        kind: Kind::parse(&kind).ok_or_else(|| unknown("kind", &kind))?,
        language: Language::parse(&language).ok_or_else(|| unknown("language", &language))?,
        cells: cells_of(row.get("cells"), row.get("sessions"))?,
        place: Place::new(row.get("file"), row.get::<i64, _>("line").unsigned_abs(), 0),
    })
}
