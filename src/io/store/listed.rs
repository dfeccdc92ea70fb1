//! Whom the current lists stand for, by pages: no cells, so that millions of rows are read in seconds.

use sqlx::Row as _;

use super::ledger::unknown;
use super::{Store, StoreError};
use crate::input::problem::Place;
use crate::people::Kind;

/// A row of the lists, as far as it says for whom it stands.
#[derive(Clone, Debug)]
pub struct EntityRow {
    /// In the journal.
    pub id: i64,
    /// The entity that it belongs to.
    pub entity: String,
    /// What it is.
    pub kind: Kind,
    /// The row of the list.
    pub place: Place,
}

impl Store {
    /// The rows on the current lists, after an id.
    ///
    /// # Errors
    /// The store cannot be read, or holds a kind that this version does not know.
    pub async fn entities_page(&self, after: i64, most: usize) -> Result<Vec<EntityRow>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/entities_page.sql"))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        let row = |row: &sqlx::sqlite::SqliteRow| {
            let kind: String = row.get("kind");
            Ok(EntityRow {
                id: row.get("id"),
                entity: row.get("entity"),
                kind: Kind::parse(&kind).ok_or_else(|| unknown("kind", &kind))?,
                place: Place::new(row.get("file"), row.get::<i64, _>("line").unsigned_abs(), 0),
            })
        };
        rows.iter().map(row).collect()
    }
}
