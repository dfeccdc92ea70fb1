//! The schema of the journal: as a whole for a new one, step by step for one that an older version wrote.
//!
//! What: [`opened`], which makes it or brings it up to date; [`is_older`]. `sql/schema.sql` is what all steps come to, written by
//! the test below, which compares the two: step by step a new journal took as long as dozens of messages.
//! Not here: what stands in it (`manual/formats.md`). Called by: [`super::Store`].
//! Can fail: [`StoreError::Newer`], [`StoreError::Schema`]; nothing of a step, or of a new schema, is kept then.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};

use super::StoreError;

/// `manual/formats.md` says what each brought.
pub(super) const VERSION: i64 = 9;

pub(super) fn migrator() -> Migrator {
    let step = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        step(1, "journal", include_str!("sql/0001_journal.sql")),
        step(2, "engine", include_str!("sql/0002_engine.sql")),
        step(4, "life", include_str!("sql/0004_life.sql")),
        step(5, "replies", include_str!("sql/0005_replies.sql")),
        step(6, "binding", include_str!("sql/0006_binding.sql")),
        step(7, "speaking", include_str!("sql/0007_speaking.sql")),
        step(8, "approval", include_str!("sql/0008_approval.sql")),
        step(VERSION, "sessions", include_str!("sql/0009_sessions.sql")),
    ])
}

/// Opens a journal, makes its schema if it is new, or brings it up to date.
pub(super) async fn opened(options: SqliteConnectOptions, is_to_write: bool) -> Result<SqliteConnection, StoreError> {
    // A table is made anew in a migration: no row of another may fall with the old one. SQLite wants this said outside of
    // the transaction; the migration looks itself whether everything still points somewhere.
    let mut connection = options.foreign_keys(false).connect().await?;
    if is_to_write {
        // Only whoever writes sets the mode: a reader that set it too locked a journal that was being made. Among the options
        // it would come before `synchronous`, and cost a new journal four syncs.
        sqlx::query("PRAGMA journal_mode = WAL").execute(&mut connection).await?;
    }
    let is_new: bool =
        sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)").fetch_one(&mut connection).await?;
    match is_new {
        true => make(&mut connection).await,
        false => migrator().run_direct(None, &mut connection, false).await,
    }
    .map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known: VERSION },
        other => StoreError::Schema(other),
    })?;
    sqlx::query("PRAGMA foreign_keys = ON").execute(&mut connection).await?;
    Ok(connection)
}

/// All of it and the names of the steps in one transaction.
async fn make(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(include_str!("sql/schema.sql")).execute(&mut *transaction).await?;
    migrator().run_direct(None, &mut *transaction, true).await?;
    Ok(transaction.commit().await?)
}

/// Whether an older version wrote the journal.
pub(super) async fn is_older(options: SqliteConnectOptions) -> Result<bool, StoreError> {
    let mut connection = options.pragma("query_only", "1").connect().await?;
    let found: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(found.unwrap_or_default() < VERSION)
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

    use super::{make, migrator};

    /// Every statement of the schema: tables first, then what stands on them, each in the order in which it was made.
    async fn statements(connection: &mut SqliteConnection) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name <> '_sqlx_migrations'
             ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid",
        )
        .fetch_all(connection)
        .await
        .expect("a schema")
    }

    async fn empty() -> SqliteConnection {
        SqliteConnectOptions::new().in_memory(true).connect().await.expect("memory")
    }

    #[tokio::test]
    async fn a_new_journal_is_what_all_steps_come_to() {
        let (mut stepped, mut whole) = (empty().await, empty().await);
        migrator().run_direct(None, &mut stepped, false).await.expect("all steps");
        let wanted = statements(&mut stepped).await;
        if std::env::var("CONVOKE_GOLDEN").is_ok_and(|word| word == "write") {
            let head = "-- What all steps come to: written by the test in schema.rs with CONVOKE_GOLDEN=write, and never by hand.\n\n";
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/io/store/sql/schema.sql");
            std::fs::write(path, format!("{head}{};\n", wanted.join(";\n\n"))).expect("schema.sql");
        }
        make(&mut whole).await.expect("the schema as a whole");
        assert_eq!(statements(&mut whole).await, wanted, "write it with CONVOKE_GOLDEN=write");
        let versions = "SELECT version, description, success FROM _sqlx_migrations ORDER BY version";
        let of = async |connection: &mut SqliteConnection| -> Vec<(i64, String, bool)> {
            sqlx::query_as(versions).fetch_all(connection).await.expect("versions")
        };
        assert_eq!(of(&mut whole).await, of(&mut stepped).await);
    }
}
