//! The steps of the speaking list, as they came.
//!
//! What: [`Store::note_speaking`] appends, [`Store::speaking_steps`] gives all. Not here: what they come to (`journal`).
//! Called by: `command::speakers`. Can fail: [`StoreError`].

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::journal::{SpeakingAct, SpeakingStep, Target};

impl Store {
    /// Appends one step.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn note_speaking(&self, step: &SpeakingStep, now_ms: i64) -> Result<(), StoreError> {
        let (act, mut speaker, mut rank, mut minutes, mut position, mut target) =
            (word(&step.act), "", "", None, None, "");
        match &step.act {
            SpeakingAct::Inscribe { speaker: name, rank: given, minutes: asked } => {
                (speaker, rank, minutes) = (name.as_str(), given.as_str(), asked.map(i64::from));
            }
            SpeakingAct::Withdraw => {}
            SpeakingAct::Move(Target::Position(number)) => position = Some(i64::from(*number)),
            SpeakingAct::Move(Target::Before(entity)) => target = entity.as_str(),
            SpeakingAct::Draw(seed) => target = seed.as_str(),
        }
        let mut connection = self.connection.lock().await;
        sqlx::query(
            "INSERT INTO speaking (entity, act, speaker, rank, minutes, position, target, reason, by, at_ms, recorded_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&step.entity)
        .bind(act)
        .bind(speaker)
        .bind(rank)
        .bind(minutes)
        .bind(position)
        .bind(target)
        .bind(&step.reason)
        .bind(&step.by)
        .bind(step.at.as_millisecond())
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    /// All steps, in the order in which they were written down.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn speaking_steps(&self) -> Result<Vec<SpeakingStep>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT entity, act, speaker, rank, minutes, position, target, reason, by, at_ms FROM speaking ORDER BY id",
        )
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().map(step).collect()
    }
}

fn word(act: &SpeakingAct) -> &'static str {
    match act {
        SpeakingAct::Inscribe { .. } => "inscribe",
        SpeakingAct::Withdraw => "withdraw",
        SpeakingAct::Move(_) => "move",
        SpeakingAct::Draw(_) => "draw",
    }
}

fn step(row: &SqliteRow) -> Result<SpeakingStep, StoreError> {
    let small = |name: &str| row.get::<Option<i64>, _>(name).and_then(|number| u32::try_from(number).ok());
    let act: String = row.get("act");
    let act = match act.as_str() {
        "inscribe" => {
            SpeakingAct::Inscribe { speaker: row.get("speaker"), rank: row.get("rank"), minutes: small("minutes") }
        }
        "withdraw" => SpeakingAct::Withdraw,
        "move" => SpeakingAct::Move(match small("position") {
            Some(position) => Target::Position(position),
            None => Target::Before(row.get("target")),
        }),
        "draw" => SpeakingAct::Draw(row.get("target")),
        other => return Err(super::ledger::unknown("step of the speaking list", other)),
    };
    Ok(SpeakingStep {
        entity: row.get("entity"),
        act,
        reason: row.get("reason"),
        by: row.get("by"),
        at: Timestamp::from_millisecond(row.get("at_ms")).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}
