//! One commit as one script: the thread of SQLite is asked once, however many connections share the sync.
//!
//! What: [`Scripts`], from `BEGIN` to `COMMIT`, for outcomes and arms. Values are bound, not written into JSON: SQLite would read
//! each row's JSON again for each of its columns. Scripts are padded to a few sizes, so that they are prepared once, and their
//! parameters have no numbers: SQLite would look each number up in a list of all of them.
//! Not here: who waits for the commit (`recorder`). Called by: `recorder`.
//! Can fail: [`StoreError`]; a row that was not where it should be makes a NULL where none may be, and so breaks the transaction.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::error::ErrorKind;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::StoreError;
use crate::journal::{Armed, Outcome};

/// Rows of one kind in one script.
const MOST: usize = 64;

/// Where the counts of the script are demanded; two rows, never on disk.
const DEMAND: &str = "CREATE TEMP TABLE IF NOT EXISTS demand (id INTEGER PRIMARY KEY, met INTEGER NOT NULL)";

/// Of an outcome, what the dispatch is told, what the attempt says, and of an arming.
const OUTCOME_COLUMNS: usize = 8;
const ATTEMPT_COLUMNS: usize = 13;
const ARM_COLUMNS: usize = 8;

/// Makes the connection ready for scripts.
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("PRAGMA synchronous = FULL").execute(&mut *connection).await?;
    sqlx::query(DEMAND).execute(&mut *connection).await?;
    set_checks(connection, false).await
}

/// Ends what [`prepare`] began.
pub(super) async fn end(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    set_checks(connection, true).await
}

/// The CHECK of `dispatch.state` looks each value up in a table of ten that SQLite makes for every statement, which is a fifth of
/// the work of a commit. The scripts write states that are words of [`crate::journal::Standing`] and no others.
async fn set_checks(connection: &mut SqliteConnection, are_made: bool) -> Result<(), StoreError> {
    let pragma = if are_made { "PRAGMA ignore_check_constraints = 0" } else { "PRAGMA ignore_check_constraints = 1" };
    sqlx::query(pragma).execute(connection).await?;
    Ok(())
}

/// The scripts that were written, by their sizes and ends; a few dozen at most.
#[derive(Default)]
pub(super) struct Scripts(HashMap<(usize, usize, bool, bool), Arc<str>>);

impl Scripts {
    /// Writes all of it in one transaction, which is committed where that is asked for. After an error it may be open.
    pub(super) async fn run(
        &mut self,
        connection: &mut SqliteConnection,
        outcomes: &[&Outcome],
        arms: &[&Armed],
        run: Option<i64>,
        commits: bool,
    ) -> Result<(), StoreError> {
        let scripts = outcomes.len().div_ceil(MOST).max(arms.len().div_ceil(MOST));
        for number in 0..scripts {
            let outcomes = outcomes.chunks(MOST).nth(number).unwrap_or_default();
            let arms = arms.chunks(MOST).nth(number).unwrap_or_default();
            let (begins, ends) = (number == 0, commits && number + 1 == scripts);
            let sizes = (padded(outcomes.len()), padded(arms.len()));
            let sql = self.0.entry((sizes.0, sizes.1, begins, ends));
            let sql = Arc::clone(sql.or_insert_with(|| write(sizes.0, sizes.1, begins, ends).into()));
            // Made of our own words and numbers.
            let query = sqlx::query(AssertSqlSafe(sql));
            bind(query, outcomes, arms, run).execute(&mut *connection).await.map_err(in_words)?;
        }
        Ok(())
    }
}

fn in_words(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(refused) if matches!(refused.kind(), ErrorKind::NotNullViolation) => {
            StoreError::Step("a message was not in the state that the step needs".to_owned())
        }
        _ => StoreError::Sql(error),
    }
}

/// So many rows stand in the script for `count`: the next power of two, or none.
fn padded(count: usize) -> usize {
    if count == 0 { 0 } else { count.next_power_of_two() }
}

fn write(outcomes: usize, arms: usize, is_first: bool, commits: bool) -> String {
    let mut sql = String::with_capacity(2048);
    if is_first {
        sql.push_str("BEGIN IMMEDIATE;\n");
    }
    if outcomes > 0 {
        sql.push_str(
            "UPDATE dispatch SET state = column2, due_ms = column3, attempts = attempts + column4, relay = column5,
             code = column6, reply = column7, changed_ms = column8 FROM (VALUES ",
        );
        values(&mut sql, outcomes, OUTCOME_COLUMNS);
        sql.push_str(
            ") WHERE dispatch.id = column1 AND dispatch.state IN ('READY', 'DEFERRED', 'CLAIMED', 'ARMED');\n",
        );
        sql.push_str("REPLACE INTO temp.demand SELECT 1, CASE changes() WHEN ? THEN 1 END;\n");
        sql.push_str(
            "INSERT INTO attempt (dispatch, verdict, relay, code, reply, ended_ms, phase, enhanced, started_ms, run, scope,
             tls, queue_id) SELECT * FROM (VALUES ",
        );
        values(&mut sql, outcomes, ATTEMPT_COLUMNS);
        sql.push_str(") WHERE column1 IS NOT NULL;\n");
    }
    if arms > 0 {
        sql.push_str(
            "UPDATE dispatch SET state = 'ARMED', date_ms = column2, uid = column3, message_id = column4, digest = column5,
             size = column6, changed_ms = column7, language = column8 FROM (VALUES ",
        );
        values(&mut sql, arms, ARM_COLUMNS);
        sql.push_str(") WHERE dispatch.id = column1 AND dispatch.state IN ('READY', 'DEFERRED', 'CLAIMED');\n");
        sql.push_str("REPLACE INTO temp.demand SELECT 2, CASE changes() WHEN ? THEN 1 END;\n");
    }
    if commits {
        sql.push_str("COMMIT");
    }
    sql
}

/// `(?,?,..),(?,?,..)`
fn values(sql: &mut String, rows: usize, columns: usize) {
    let row = format!("({})", vec!["?"; columns].join(","));
    sql.push_str(&vec![row; rows].join(","));
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// In the order in which the parameters stand in the script.
fn bind<'q>(mut query: Query<'q>, outcomes: &[&'q Outcome], arms: &[&'q Armed], run: Option<i64>) -> Query<'q> {
    let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    if !outcomes.is_empty() {
        for Outcome { dispatch, standing, due, counts, attempt, .. } in outcomes {
            query = query
                .bind(dispatch)
                .bind(standing.as_str())
                .bind(due.map_or(0, |due| due.as_millisecond()))
                .bind(i64::from(*counts))
                .bind(&attempt.relay)
                .bind(i64::from(attempt.code))
                .bind(&attempt.text)
                .bind(attempt.ended.as_millisecond());
        }
        query = pad(query, outcomes.len(), OUTCOME_COLUMNS).bind(count(outcomes.len()));
        for Outcome { dispatch, standing, attempt, .. } in outcomes {
            query = query
                .bind(dispatch)
                .bind(standing.as_str())
                .bind(&attempt.relay)
                .bind(i64::from(attempt.code))
                .bind(&attempt.text)
                .bind(attempt.ended.as_millisecond())
                .bind(&attempt.phase)
                .bind(&attempt.enhanced)
                .bind(attempt.started.as_millisecond())
                .bind(attempt.run.or(run))
                .bind(&attempt.scope)
                .bind(&attempt.tls)
                .bind(&attempt.queue_id);
        }
        query = pad(query, outcomes.len(), ATTEMPT_COLUMNS);
    }
    if !arms.is_empty() {
        for armed in arms {
            query = query
                .bind(armed.dispatch)
                .bind(armed.date_ms)
                .bind(&armed.uid)
                .bind(&armed.message_id)
                .bind(&armed.digest)
                .bind(i64::try_from(armed.size).unwrap_or(i64::MAX))
                .bind(armed.at.as_millisecond())
                .bind(&armed.language);
        }
        query = pad(query, arms.len(), ARM_COLUMNS).bind(count(arms.len()));
    }
    query
}

/// Rows of NULL, which match nothing, up to the size of the script.
fn pad(mut query: Query<'_>, rows: usize, columns: usize) -> Query<'_> {
    for _ in 0..(padded(rows) - rows) * columns {
        query = query.bind(None::<i64>);
    }
    query
}
