//! What relays were handed, by the minute: what quotas of an hour and a day are restored from.

use sqlx::Row as _;

use super::{Store, StoreError};
use crate::delivery::Used;

impl Store {
    /// Messages that reached the final dot, by relay and minute of Unix time, from a minute on, in that order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn usage_since(&self, minute: i64) -> Result<Vec<Used>, StoreError> {
        let mut connection = self.connection.lock().await;
        // A relay counts what reached the final dot, whatever it answered. The attempts themselves are the record: it is read
        // once a run, and only where a quota asks for it.
        let rows = sqlx::query(
            "SELECT relay, ended_ms / 60000 AS minute, count(*) AS messages FROM attempt
             WHERE phase = 'dot' AND ended_ms >= $1 * 60000 GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .bind(minute)
        .fetch_all(&mut *connection)
        .await?;
        rows.iter()
            .map(|row| {
                let messages: i64 = row.try_get("messages")?;
                Ok((row.try_get("relay")?, row.try_get("minute")?, u64::try_from(messages).unwrap_or(0)))
            })
            .collect()
    }

    /// How many messages are still to be sent to each domain, in lower case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_by_domain(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut connection = self.connection.lock().await;
        // A quoted local part that holds an `@` is counted under a domain that nobody limits: this feeds a forecast.
        let rows = sqlx::query(
            "SELECT lower(substr(r.address, instr(r.address, '@') + 1)) AS domain, count(*) AS messages
             FROM dispatch d JOIN recipient r ON r.id = d.recipient
             WHERE d.state IN ('READY', 'DEFERRED') GROUP BY 1",
        )
        .fetch_all(&mut *connection)
        .await?;
        rows.iter()
            .map(|row| {
                let messages: i64 = row.try_get("messages")?;
                Ok((row.try_get("domain")?, u64::try_from(messages).unwrap_or(0)))
            })
            .collect()
    }
}
