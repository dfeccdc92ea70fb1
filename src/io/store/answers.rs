//! Answers in the journal: appended, and read back by entity.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::ledger::unknown;
use super::{Store, StoreError};
use crate::calendar::{PartStat, Sequence};
use crate::journal::{Answer, Trust};

impl Store {
    /// Appends an answer; gives its number.
    ///
    /// # Errors
    /// The store cannot be written, or its revision or recipient is not in it.
    pub async fn record_answer(&self, answer: &Answer) -> Result<i64, StoreError> {
        let mut connection = self.connection.lock().await;
        append(&mut connection, answer).await
    }

    /// Appends all of them or none.
    ///
    /// # Errors
    /// As [`Store::record_answer`].
    pub async fn record_answers(&self, answers: &[Answer]) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
        for answer in answers {
            append(&mut transaction, answer).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Makes the journal ready to find the dispatches that mails speak of, by Message-ID and by UID. Not part of the schema:
    /// whoever only sends should not write two more indexes with each message.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn index_identities(&self) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        for sql in [
            "CREATE INDEX IF NOT EXISTS dispatch_message_id ON dispatch (message_id COLLATE NOCASE)",
            "CREATE INDEX IF NOT EXISTS dispatch_uid ON dispatch (uid COLLATE NOCASE)",
        ] {
            sqlx::query(sql).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Everything that an entity answered, in the order in which it was recorded.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn answers_of(&self, entity: &str) -> Result<Vec<Answer>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query("SELECT * FROM answer WHERE entity = $1 ORDER BY id")
            .bind(entity)
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(answer).collect()
    }
}

pub(super) async fn append(connection: &mut SqliteConnection, answer: &Answer) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(include_str!("sql/answer.sql"))
        .bind(&answer.entity)
        .bind(answer.recipient)
        .bind(answer.partstat.as_str())
        .bind(answer.persons.map(i64::from))
        .bind(&answer.comment)
        .bind(&answer.source)
        .bind(&answer.by)
        .bind(answer.is_note)
        .bind(&answer.attendee)
        .bind(answer.sequence.map(|sequence| i64::from(sequence.number())))
        .bind(answer.dtstamp.map(|time| time.as_millisecond()))
        .bind(answer.said.as_millisecond())
        .bind(answer.recorded.as_millisecond())
        .bind(i64::from(answer.revision))
        .bind(&answer.evidence)
        .bind(answer.level.map_or("", Trust::as_str))
        .bind(answer.applies)
        .fetch_one(connection)
        .await?;
    Ok(id)
}

/// An answer without its entity, as `json_array` packs it: its columns in the order of the table, from `recipient` on.
pub(super) type Packed = (
    Option<i64>,
    String,
    Option<i64>,
    String,
    String,
    String,
    i64,
    String,
    Option<i64>,
    Option<i64>,
    i64,
    i64,
    i64,
    String,
    String,
    i64,
);

pub(super) fn unpacked(entity: &str, packed: Packed) -> Result<Answer, StoreError> {
    let (recipient, partstat, persons, comment, source, by, is_note, attendee, sequence, dtstamp, said, recorded, ..) =
        packed;
    let (revision, evidence, level, applies) = (packed.12, packed.13, packed.14, packed.15);
    let time = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    Ok(Answer {
        entity: entity.to_owned(),
        recipient,
        partstat: PartStat::parse(&partstat).ok_or_else(|| unknown("answer", &partstat))?,
        persons: small(persons),
        comment,
        source,
        by,
        is_note: is_note != 0,
        attendee,
        sequence: small(sequence).and_then(Sequence::new),
        dtstamp: dtstamp.map(time),
        said: time(said),
        recorded: time(recorded),
        revision: small(Some(revision)).unwrap_or_default(),
        evidence,
        level: Trust::parse(&level),
        applies: applies != 0,
    })
}

pub(super) fn answer(row: &SqliteRow) -> Result<Answer, StoreError> {
    let time = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    let (partstat, level): (String, String) = (row.get("partstat"), row.get("level"));
    Ok(Answer {
        entity: row.get("entity"),
        recipient: row.get("recipient"),
        partstat: PartStat::parse(&partstat).ok_or_else(|| unknown("answer", &partstat))?,
        persons: small(row.get("persons")),
        comment: row.get("comment"),
        source: row.get("source"),
        by: row.get("by"),
        is_note: row.get("is_note"),
        attendee: row.get("attendee"),
        sequence: small(row.get("sequence")).and_then(Sequence::new),
        dtstamp: row.get::<Option<i64>, _>("dtstamp_ms").map(time),
        said: time(row.get("said_ms")),
        recorded: time(row.get("recorded_ms")),
        revision: small(row.get("revision")).unwrap_or_default(),
        evidence: row.get("evidence"),
        level: Trust::parse(&level),
        applies: row.get("applies"),
    })
}
