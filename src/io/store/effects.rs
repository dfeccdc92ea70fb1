//! What follows from mail that came back, carried out.
//!
//! What: [`carry_out`], in the transaction of whoever records or decides. States are changed where they are what the step
//! begins from (`journal::Standing`), and each change is a row of `decision` with its reason. Not here: which effects there
//! are (`replies`, `command::triage`). Called by: `inbound`. Can fail: [`StoreError`]; then the transaction is undone.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::{StoreError, answers, suppression};
use crate::journal::{Effect, Returned, Standing};

/// Carries out all of them; `inbound` is the mail from which they follow.
pub(super) async fn carry_out(
    connection: &mut SqliteConnection,
    effects: &[Effect],
    inbound: Option<i64>,
    now: Timestamp,
    hashed: bool,
) -> Result<(), StoreError> {
    let mut suppresses = false;
    for effect in effects {
        match effect {
            Effect::Answer(answer) => {
                answers::append(connection, answer).await?;
            }
            Effect::Returned(returned) => returned_by(connection, returned, inbound, now).await?,
            Effect::Arrived { dispatch, reason } => {
                step(connection, *dispatch, &[Standing::InDoubt], Standing::Sent, reason, now).await?;
            }
            Effect::Suppress { address, reason, note } => {
                suppression::note(connection, address, *reason, note, now.as_millisecond(), hashed).await?;
                suppresses = true;
            }
        }
    }
    if suppresses {
        // What the shared list says is not known here: nobody is released.
        suppression::sweep(connection, now.as_millisecond(), false).await?;
    }
    Ok(())
}

async fn returned_by(
    connection: &mut SqliteConnection,
    returned: &Returned,
    inbound: Option<i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO bounce (inbound, dispatch, class, status, diagnostic, is_final, said_ms, recorded_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(inbound)
    .bind(returned.dispatch)
    .bind(&returned.class)
    .bind(&returned.status)
    .bind(&returned.diagnostic)
    .bind(returned.is_final)
    .bind(returned.said.as_millisecond())
    .bind(now.as_millisecond())
    .execute(&mut *connection)
    .await?;
    let reason = [returned.class.as_str(), &returned.status, &returned.diagnostic]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    if returned.is_final {
        let from = [Standing::Sent, Standing::InDoubt];
        step(connection, returned.dispatch, &from, Standing::Bounced, &reason, now).await
    } else {
        // Somebody has it and still tries: the relay took it.
        step(connection, returned.dispatch, &[Standing::InDoubt], Standing::Sent, &reason, now).await
    }
}

/// A lawful step by evidence, with its reason; nothing where the dispatch does not stand where the step begins.
async fn step(
    connection: &mut SqliteConnection,
    dispatch: i64,
    from: &[Standing],
    to: Standing,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    debug_assert!(from.iter().all(|from| from.may_become(to)), "evidence makes lawful steps only");
    let from: Vec<&str> = from.iter().map(|standing| standing.as_str()).collect();
    let from = serde_json::to_string(&from).expect("texts are JSON");
    sqlx::query(
        "INSERT INTO decision (dispatch, verdict, reason, decided_ms)
         SELECT id, $2, $3, $4 FROM dispatch WHERE id = $1 AND state IN (SELECT value FROM json_each($5))",
    )
    .bind(dispatch)
    .bind(to.as_str())
    .bind(reason)
    .bind(now.as_millisecond())
    .bind(&from)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE dispatch SET state = $2, due_ms = 0, changed_ms = $3
         WHERE id = $1 AND state IN (SELECT value FROM json_each($4))",
    )
    .bind(dispatch)
    .bind(to.as_str())
    .bind(now.as_millisecond())
    .bind(&from)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
