//! Mail that came back, and how far each mailbox is read.

use jiff::Timestamp;
use sqlx::{Connection as _, Row as _};

use super::{Store, StoreError};
use crate::journal::{Checkpoint, InboundRecord};

impl Store {
    /// Records messages and moves the source's checkpoint, in one transaction; says of each message whether it is new.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is recorded then, and the checkpoint stands where it stood.
    pub async fn record_inbound(
        &self,
        source: &str,
        batch: &[InboundRecord],
        checkpoint: Option<Checkpoint>,
        read: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin().await?;
        let mut new = Vec::with_capacity(batch.len());
        for record in batch {
            let done = sqlx::query(
                "INSERT INTO inbound (source, identity, message_id, digest, received_ms, read_ms, kind, state, summary)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (identity) DO NOTHING",
            )
            .bind(source)
            .bind(&record.identity)
            .bind(&record.message_id)
            .bind(&record.digest)
            .bind(record.received.map(Timestamp::as_millisecond))
            .bind(read.as_millisecond())
            .bind(&record.kind)
            .bind(record.state.as_str())
            .bind(&record.summary)
            .execute(&mut *transaction)
            .await?;
            new.push(done.rows_affected() == 1);
        }
        if let Some(checkpoint) = checkpoint {
            sqlx::query(
                "INSERT INTO inbound_checkpoint (source, uidvalidity, last_uid, updated_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (source) DO UPDATE SET uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid,
                        updated_ms = excluded.updated_ms",
            )
            .bind(source)
            .bind(i64::from(checkpoint.uidvalidity))
            .bind(i64::from(checkpoint.last_uid))
            .bind(read.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(new)
    }

    /// How far a source is read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn inbound_checkpoint(&self, source: &str) -> Result<Option<Checkpoint>, StoreError> {
        let mut connection = self.connection.lock().await;
        let row = sqlx::query("SELECT uidvalidity, last_uid FROM inbound_checkpoint WHERE source = $1")
            .bind(source)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let number = |name: &str| row.try_get::<i64, _>(name).map(|n| u32::try_from(n).unwrap_or(0));
        Ok(Some(Checkpoint { uidvalidity: number("uidvalidity")?, last_uid: number("last_uid")? }))
    }
}
