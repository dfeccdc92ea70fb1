//! Mails that want something of a person: a call, another time.
//!
//! What: [`Wish`], [`some`] and [`all`] of one kind. Not here: which mails they are (`replies::Flag`, decisions of `triage`).
//! Called by: `inbound`. Can fail: a store that cannot be read.

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::StoreError;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// A call, until the entity is noted.
    Call,
    /// Another time or place, until somebody decides.
    AnotherTime,
}

/// A mail that wants something of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// In the journal: the number for `triage`.
    pub id: i64,
    /// The mailbox that it is of, by its row in the journal.
    pub recipient: Option<i64>,
    /// Its address, or else who wrote it.
    pub address: String,
    /// The entity of that mailbox; else empty.
    pub entity: String,
    /// What was written with it; else empty.
    pub words: String,
    /// The proposed begin, as RFC 3339 writes it; else empty.
    pub start: String,
    /// The proposed end.
    pub end: String,
    /// The proposed place.
    pub location: String,
}

/// The first ones, and how many there are.
pub(super) async fn some(
    connection: &mut SqliteConnection,
    want: Want,
    most: usize,
) -> Result<(Vec<Wish>, u64), StoreError> {
    let mut wishes = all(connection, want).await?;
    let n = wishes.len() as u64;
    wishes.truncate(most);
    Ok((wishes, n))
}

/// All of them, in the order in which they came; few, because persons write them.
pub(super) async fn all(connection: &mut SqliteConnection, want: Want) -> Result<Vec<Wish>, StoreError> {
    let kind = match want {
        Want::Call => "call",
        Want::AnotherTime => "proposal",
    };
    let rows = sqlx::query(include_str!("sql/wishes.sql")).bind(kind).fetch_all(connection).await?;
    Ok(rows.iter().map(wish).collect())
}

fn wish(row: &SqliteRow) -> Wish {
    Wish {
        id: row.get("id"),
        recipient: row.get("recipient"),
        address: row.get("address"),
        entity: row.get("entity"),
        words: row.get("words"),
        start: row.get("start"),
        end: row.get("end"),
        location: row.get("location"),
    }
}
