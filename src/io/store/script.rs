//! One commit as one script: the thread of SQLite is asked once, however many connections share the sync.
//!
//! What: [`Scripts`], from `BEGIN` to `COMMIT`, for outcomes and arms. Values are bound, not written into JSON: SQLite would read
//! each row's JSON again for each of its columns. Scripts are padded to a few sizes, so that they are prepared once.
//! Not here: who waits for the commit (`recorder`). Called by: `recorder`.
//! Can fail: [`StoreError`]; a row that was not where it should be breaks a `CHECK` and so the transaction.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::StoreError;
use crate::journal::{Armed, Outcome};

/// Rows of one kind in one script.
const MOST: usize = 64;

/// Where the counts of the script are demanded; two rows, never on disk.
const DEMAND: &str =
    "CREATE TEMP TABLE IF NOT EXISTS demand (id INTEGER PRIMARY KEY, met INTEGER NOT NULL CHECK (met))";

const OUTCOME_COLUMNS: usize = 15;
const ARM_COLUMNS: usize = 8;

/// Makes the connection ready for scripts.
pub(super) async fn prepare(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(DEMAND).execute(connection).await?;
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
        sqlx::Error::Database(refused) if refused.is_check_violation() => {
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
    // Writing to a string cannot fail. The first two parameters are the counts that are demanded.
    let mut next = 3;
    if outcomes > 0 {
        sql.push_str(
            "UPDATE dispatch SET state = column2, due_ms = column3, attempts = attempts + column4, relay = column5,
             code = column6, reply = column7, changed_ms = column8 FROM (VALUES ",
        );
        values(&mut sql, next, outcomes, OUTCOME_COLUMNS, 8);
        sql.push_str(
            ") WHERE dispatch.id = column1 AND dispatch.state IN ('READY', 'DEFERRED', 'CLAIMED', 'ARMED');\n",
        );
        sql.push_str("REPLACE INTO temp.demand SELECT 1, changes() = $1;\n");
        sql.push_str(
            "INSERT INTO attempt (dispatch, verdict, relay, code, reply, ended_ms, phase, enhanced, started_ms, run, scope,
             tls, queue_id) SELECT column1, column2, column5, column6, column7, column8, column9, column10, column11,
             column12, column13, column14, column15 FROM (VALUES ",
        );
        values(&mut sql, next, outcomes, OUTCOME_COLUMNS, OUTCOME_COLUMNS);
        sql.push_str(") WHERE column1 IS NOT NULL;\n");
        next += outcomes * OUTCOME_COLUMNS;
    }
    if arms > 0 {
        sql.push_str(
            "UPDATE dispatch SET state = 'ARMED', date_ms = column2, uid = column3, message_id = column4, digest = column5,
             size = column6, changed_ms = column7, language = column8 FROM (VALUES ",
        );
        values(&mut sql, next, arms, ARM_COLUMNS, ARM_COLUMNS);
        sql.push_str(") WHERE dispatch.id = column1 AND dispatch.state IN ('READY', 'DEFERRED', 'CLAIMED');\n");
        sql.push_str("REPLACE INTO temp.demand SELECT 2, changes() = $2;\n");
    }
    if commits {
        sql.push_str("COMMIT");
    }
    sql
}

/// `($3,$4,..),($18,..)`: the first `shown` of `columns` parameters of each row.
fn values(sql: &mut String, first: usize, rows: usize, columns: usize, shown: usize) {
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..shown {
            let comma = if column == 0 { "" } else { "," };
            let _ = write!(sql, "{comma}${}", first + row * columns + column);
        }
        sql.push(')');
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

fn bind<'q>(query: Query<'q>, outcomes: &[&'q Outcome], arms: &[&'q Armed], run: Option<i64>) -> Query<'q> {
    let count = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
    let mut query = query.bind(count(outcomes.len())).bind(count(arms.len()));
    for outcome in outcomes {
        let attempt = &outcome.attempt;
        query = query
            .bind(outcome.dispatch)
            .bind(outcome.standing.as_str())
            .bind(outcome.due.map_or(0, |due| due.as_millisecond()))
            .bind(i64::from(outcome.counts))
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
    for _ in 0..(padded(outcomes.len()) - outcomes.len()) * OUTCOME_COLUMNS {
        query = query.bind(None::<i64>);
    }
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
    // What follows the last value is unbound, and unbound is NULL: a row that matches nothing.
    query
}
