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
        let rows = sqlx::query("SELECT relay, minute, messages FROM usage WHERE minute >= $1 ORDER BY relay, minute")
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
