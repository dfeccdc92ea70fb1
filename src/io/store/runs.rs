//! Runs: one row for each `send`, and what a report says of its attempts.
//!
//! What: [`Store::begin_run`] and [`Store::end_run`]; [`Store::run_figures`], which adds up the attempts of one run, or of all,
//! in SQL, so that a million of them take no memory here.
//! Not here: how it is shown (`desk::run_report`). Called by: `command::record`, `command::report`, `command::status`.
//! Can fail: [`StoreError`].

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::{Store, StoreError};
use crate::desk::run_report::{
    Bucket, Case, Figures, Latency, Reason, RunFacts, Share, Span, Verdicts, bucket_width_ms,
};
use crate::journal::Standing;

/// Recipient domains that are named; the others are added up.
const DOMAINS: i64 = 30;
/// Reasons and relays that are named.
const REASONS: i64 = 40;
/// Refused messages and doubts that are named; `export` has every one.
const CASES: i64 = 500;

impl Store {
    /// Notes that a run begins; attempts that are recorded from now on are its. `settings` is a JSON object.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn begin_run(&self, settings: &str, now_ms: i64) -> Result<i64, StoreError> {
        let mut connection = self.connection.lock().await;
        let run: i64 = sqlx::query_scalar("INSERT INTO run (started_ms, settings) VALUES ($1, $2) RETURNING id")
            .bind(now_ms)
            .bind(settings)
            .fetch_one(&mut *connection)
            .await?;
        self.run.store(run, Ordering::Relaxed);
        Ok(run)
    }

    /// Notes that it ended; `ended_by` says what ended it before everybody was sent to, and is empty otherwise.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn end_run(&self, run: i64, ended_by: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        sqlx::query("UPDATE run SET ended_ms = $2, ended_by = $3 WHERE id = $1")
            .bind(run)
            .bind(now_ms)
            .bind(ended_by)
            .execute(&mut *connection)
            .await?;
        self.run.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// The last run; `None` where there was none, or where the journal is older than runs.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn last_run(&self) -> Result<Option<RunFacts>, StoreError> {
        let mut connection = self.connection.lock().await;
        let known: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'run')")
                .fetch_one(&mut *connection)
                .await?;
        if !known {
            return Ok(None);
        }
        let row = sqlx::query("SELECT id, started_ms, ended_ms, settings, ended_by FROM run ORDER BY id DESC LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
        Ok(row.as_ref().map(run_facts))
    }

    /// A run by its number.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn run(&self, number: i64) -> Result<Option<RunFacts>, StoreError> {
        let mut connection = self.connection.lock().await;
        let row = sqlx::query("SELECT id, started_ms, ended_ms, settings, ended_by FROM run WHERE id = $1")
            .bind(number)
            .fetch_optional(&mut *connection)
            .await?;
        Ok(row.as_ref().map(run_facts))
    }

    /// How a run's attempts ended, and the time that they took; `None` where there was none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn run_counts(&self, number: i64) -> Result<(Verdicts, Option<Span>), StoreError> {
        let mut connection = self.connection.lock().await;
        let row = sqlx::query(include_str!("sql/run_counts.sql")).bind(number).fetch_one(&mut *connection).await?;
        Ok((verdicts(&row), span(&row)))
    }

    /// Everything that a report says of a run, or of all of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn run_figures(&self, run: Option<i64>) -> Result<Figures, StoreError> {
        let mut connection = self.connection.lock().await;
        // One picture of the journal for all questions, although a run may be going on.
        let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
        let (totals, span, reached) = totals(&mut transaction, run).await?;
        let mut figures = Figures { totals, span, ..Figures::default() };
        (figures.recipients_reached, figures.entities_reached) = reached;
        if let Some(span) = figures.span {
            let width = bucket_width_ms(span);
            figures.bucket_ms = width;
            figures.buckets = buckets(&mut transaction, run, span, width).await?;
        }
        figures.latency = latency(&mut transaction, run).await?;
        figures.relays = shares(&mut transaction, include_str!("sql/run_relays.sql"), run, REASONS).await?;
        figures.domains = shares(&mut transaction, include_str!("sql/run_domains.sql"), run, DOMAINS).await?;
        let domains: i64 =
            sqlx::query_scalar(include_str!("sql/run_domain_count.sql")).bind(run).fetch_one(&mut *transaction).await?;
        figures.domain_count = domains.unsigned_abs();
        figures.reasons = reasons(&mut transaction, run).await?;
        figures.doubts = cases(&mut transaction, run, Standing::InDoubt).await?;
        figures.refused = cases(&mut transaction, run, Standing::Failed).await?;
        let suppressed: i64 = sqlx::query_scalar("SELECT count(*) FROM dispatch WHERE state = 'SUPPRESSED'")
            .fetch_one(&mut *transaction)
            .await?;
        figures.suppressed = suppressed.unsigned_abs();
        transaction.commit().await?;
        Ok(figures)
    }
}

fn run_facts(row: &SqliteRow) -> RunFacts {
    let settings: String = row.get("settings");
    RunFacts {
        number: row.get("id"),
        started: time(row.get("started_ms")),
        ended: row.get::<Option<i64>, _>("ended_ms").map(time),
        settings: serde_json::from_str(&settings).unwrap_or_default(),
        ended_by: row.get("ended_by"),
    }
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn number(row: &SqliteRow, name: &str) -> u64 {
    row.get::<Option<i64>, _>(name).unwrap_or_default().unsigned_abs()
}

fn span(row: &SqliteRow) -> Option<Span> {
    let (first, last): (Option<i64>, Option<i64>) = (row.get("first_ms"), row.get("last_ms"));
    first.zip(last).map(|(first_ms, last_ms)| Span { first_ms, last_ms })
}

fn verdicts(row: &SqliteRow) -> Verdicts {
    Verdicts {
        attempts: number(row, "attempts"),
        accepted: number(row, "accepted"),
        deferred: number(row, "deferred"),
        refused: number(row, "refused"),
        in_doubt: number(row, "in_doubt"),
    }
}

type Totals = (Verdicts, Option<Span>, (u64, u64));

async fn totals(connection: &mut SqliteConnection, run: Option<i64>) -> Result<Totals, StoreError> {
    let row = sqlx::query(include_str!("sql/run_totals.sql")).bind(run).fetch_one(&mut *connection).await?;
    Ok((verdicts(&row), span(&row), (number(&row, "recipients"), number(&row, "entities"))))
}

async fn buckets(
    connection: &mut SqliteConnection,
    run: Option<i64>,
    span: Span,
    width_ms: i64,
) -> Result<Vec<Bucket>, StoreError> {
    let rows = sqlx::query(include_str!("sql/run_rate.sql"))
        .bind(run)
        .bind(span.begins_ms(width_ms))
        .bind(width_ms)
        .fetch_all(&mut *connection)
        .await?;
    let bucket = |row: &SqliteRow| Bucket { place: number(row, "bucket"), verdicts: verdicts(row) };
    Ok(rows.iter().map(bucket).collect())
}

async fn latency(connection: &mut SqliteConnection, run: Option<i64>) -> Result<Option<Latency>, StoreError> {
    let row = sqlx::query(include_str!("sql/run_latency.sql")).bind(run).fetch_one(&mut *connection).await?;
    let median: Option<i64> = row.get("median_ms");
    Ok(median.map(|median| Latency {
        median_ms: median.unsigned_abs(),
        p95_ms: number(&row, "p95_ms"),
        max_ms: number(&row, "max_ms"),
    }))
}

async fn shares(
    connection: &mut SqliteConnection,
    statement: &'static str,
    run: Option<i64>,
    most: i64,
) -> Result<Vec<Share>, StoreError> {
    let rows = sqlx::query(statement).bind(run).bind(most).fetch_all(&mut *connection).await?;
    let share = |row: &SqliteRow| Share {
        name: row.get("name"),
        verdicts: verdicts(row),
        median_ms: row.get::<Option<i64>, _>("median_ms").map(i64::unsigned_abs),
    };
    Ok(rows.iter().map(share).collect())
}

async fn reasons(connection: &mut SqliteConnection, run: Option<i64>) -> Result<Vec<Reason>, StoreError> {
    let rows =
        sqlx::query(include_str!("sql/run_reasons.sql")).bind(run).bind(REASONS).fetch_all(&mut *connection).await?;
    Ok(rows
        .iter()
        .map(|row| {
            let verdict: String = row.get("verdict");
            Reason {
                standing: Standing::parse(&verdict).unwrap_or(Standing::InDoubt),
                phase: row.get("phase"),
                code: u16::try_from(row.get::<i64, _>("code")).unwrap_or_default(),
                enhanced: row.get("enhanced"),
                scope: row.get("scope"),
                attempts: number(row, "attempts"),
                words: row.get("reply"),
            }
        })
        .collect())
}

async fn cases(
    connection: &mut SqliteConnection,
    run: Option<i64>,
    standing: Standing,
) -> Result<Vec<Case>, StoreError> {
    let rows = sqlx::query(include_str!("sql/run_cases.sql"))
        .bind(run)
        .bind(standing.as_str())
        .bind(CASES)
        .fetch_all(&mut *connection)
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let now: String = row.get("state");
            Case {
                entity: row.get("entity"),
                address: row.get("address"),
                relay: row.get("relay"),
                phase: row.get("phase"),
                words: row.get("reply"),
                at: time(row.get("ended_ms")),
                now: Standing::parse(&now).unwrap_or(standing),
            }
        })
        .collect())
}
