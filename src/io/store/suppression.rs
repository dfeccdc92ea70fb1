//! Addresses that must not be written to: the list in the journal, and the dispatches that it holds back.
//!
//! What: adding, removing and showing addresses; [`Store::sweep_suppressed`], which makes the states of dispatches agree
//! with the lists (READY, DEFERRED and HELD become SUPPRESSED, SUPPRESSED becomes READY again); bounces, noted in the commit
//! of their outcome. An address is looked up in each of its forms: as it is, by this folder's keyed hash, by SHA-256.
//! A list shared with other folders is read into a temporary table, which goes with the connection, and never written.
//! Called by: `command::suppress`, `command::plan`, the importer, the recorder. Can fail: [`StoreError`].

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{Store, StoreError};
use crate::input::suppression_list::Entry;
use crate::journal::{Outcome, Suppressed, SuppressionReason};
use crate::mail::{AddrSpec, masked_in};
use crate::plan::FolderKey;

/// Rows that one statement takes.
const BATCH: usize = 1000;

/// What a change of the list did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuppressionCounts {
    /// Addresses that came onto the list or left it.
    pub changed: u64,
    /// Addresses that were on it already, or were not on it.
    pub unchanged: u64,
    /// What that did to dispatches.
    pub swept: Swept,
}

/// Dispatches that changed their state with the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Held back now.
    pub suppressed: u64,
    /// To be sent again.
    pub released: u64,
}

/// Under which keys an address may stand on a list.
#[derive(Serialize)]
struct Forms {
    /// As it is; empty where only a hash was given.
    clear: String,
    hash: String,
    sha256: String,
    /// Under which it is kept.
    key: String,
    address: Option<String>,
}

impl Forms {
    fn of_key(address_key: &str, folder: &FolderKey) -> Self {
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(address_key));
        Self {
            clear: address_key.to_owned(),
            hash: folder.address_hash(address_key),
            sha256: format!("sha256:{digest}"),
            key: address_key.to_owned(),
            address: None,
        }
    }

    fn of(entry: &Entry, folder: &FolderKey, hashed: bool) -> Self {
        match entry {
            Entry::Address(address) => {
                let mut forms = Self::of_key(&address.key(), folder);
                if hashed {
                    forms.key.clone_from(&forms.hash);
                } else {
                    forms.address = Some(address.to_string());
                }
                forms
            }
            Entry::Hash(hash) => {
                Self { clear: hash.clone(), hash: hash.clone(), sha256: hash.clone(), key: hash.clone(), address: None }
            }
        }
    }
}

fn json<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).expect("texts and numbers are JSON")
}

impl Store {
    /// Keeps suppressed addresses as keyed hashes from now on, and turns those that are kept whole into hashes.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn hash_suppressed(&self) -> Result<(), StoreError> {
        self.hashes_only.store(true, Ordering::Relaxed);
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let folder = folder_key(&mut transaction).await?;
        loop {
            let keys: Vec<String> =
                sqlx::query_scalar("SELECT key FROM suppression WHERE address IS NOT NULL ORDER BY key LIMIT $1")
                    .bind(BATCH as i64)
                    .fetch_all(&mut *transaction)
                    .await?;
            if keys.is_empty() {
                break;
            }
            let forms: Vec<Forms> = keys.iter().map(|key| Forms::of_key(key, &folder)).collect();
            let json = json(&forms);
            sqlx::query(
                "INSERT INTO suppression (key, address, reason, note, added_ms)
                 SELECT f.value ->> 'hash', NULL, s.reason, s.note, s.added_ms
                 FROM json_each($1) f JOIN suppression s ON s.key = f.value ->> 'clear' WHERE true
                 ON CONFLICT DO NOTHING",
            )
            .bind(&json)
            .execute(&mut *transaction)
            .await?;
            sqlx::query("DELETE FROM suppression WHERE key IN (SELECT value ->> 'clear' FROM json_each($1))")
                .bind(&json)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes the list that other folders share; it holds until this value ends and replaces what was taken before.
    ///
    /// # Errors
    /// The first row that cannot be read, or the store cannot be written.
    pub async fn share_suppressed<E: From<StoreError>>(
        &self,
        entries: impl Iterator<Item = Result<Entry, E>>,
    ) -> Result<u64, E> {
        let failed = |e: sqlx::Error| E::from(e.into());
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin().await.map_err(failed)?;
        make_shared(&mut transaction).await?;
        sqlx::query("DELETE FROM temp.shared_suppression").execute(&mut *transaction).await.map_err(failed)?;
        let mut entries = entries.peekable();
        let mut taken = 0;
        while entries.peek().is_some() {
            let mut keys = Vec::with_capacity(BATCH);
            for entry in entries.by_ref().take(BATCH) {
                keys.push(match entry? {
                    Entry::Address(address) => address.key(),
                    Entry::Hash(hash) => hash,
                });
            }
            taken += keys.len() as u64;
            sqlx::query("INSERT OR IGNORE INTO temp.shared_suppression SELECT value FROM json_each($1)")
                .bind(json(&keys))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(taken)
    }

    /// Puts addresses on the list and holds back what is open for them, in one transaction.
    ///
    /// # Errors
    /// The store cannot be written; then nothing changed.
    pub async fn suppress(
        &self,
        entries: impl Iterator<Item = Entry>,
        reason: SuppressionReason,
        note: &str,
        now_ms: i64,
    ) -> Result<SuppressionCounts, StoreError> {
        let hashed = self.hashes_only.load(Ordering::Relaxed);
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let folder = folder_key(&mut transaction).await?;
        let mut counts = SuppressionCounts::default();
        let mut entries = entries.peekable();
        while entries.peek().is_some() {
            let forms: Vec<Forms> =
                entries.by_ref().take(BATCH).map(|entry| Forms::of(&entry, &folder, hashed)).collect();
            let added = add(&mut transaction, &forms, reason, note, now_ms).await?;
            counts.changed += added;
            counts.unchanged += forms.len() as u64 - added;
        }
        // What the shared list says is not known here: nobody is released.
        counts.swept.suppressed = sweep(&mut transaction, now_ms, false).await?.suppressed;
        transaction.commit().await?;
        Ok(counts)
    }

    /// Takes addresses off the list, whatever form they are kept in, and gives back what was held back for them, unless the
    /// shared list holds them still.
    ///
    /// # Errors
    /// The store cannot be written; then nothing changed.
    pub async fn unsuppress(&self, entries: &[Entry], now_ms: i64) -> Result<SuppressionCounts, StoreError> {
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let folder = folder_key(&mut transaction).await?;
        let mut counts = SuppressionCounts::default();
        for entry in entries {
            let forms = Forms::of(entry, &folder, false);
            let removed = sqlx::query("DELETE FROM suppression WHERE key IN ($1, $2, $3)")
                .bind(&forms.clear)
                .bind(&forms.hash)
                .bind(&forms.sha256)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            counts.changed += u64::from(removed > 0);
            counts.unchanged += u64::from(removed == 0);
        }
        counts.swept = sweep(&mut transaction, now_ms, true).await?;
        transaction.commit().await?;
        Ok(counts)
    }

    /// Makes the states of dispatches agree with both lists. Who is released has to pass the gate again, so the recipients'
    /// lists are read again by the next plan.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn sweep_suppressed(&self, now_ms: i64) -> Result<Swept, StoreError> {
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let swept = sweep(&mut transaction, now_ms, true).await?;
        transaction.commit().await?;
        Ok(swept)
    }

    /// How many dispatches are held back.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn suppressed_dispatches(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM dispatch WHERE state = 'SUPPRESSED'")
            .fetch_one(&mut *connection)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// The list, by key, after a key.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn suppressed_page(&self, after: &str, most: usize) -> Result<Vec<Suppressed>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(
            "SELECT key, address, reason, note, added_ms FROM suppression WHERE key > $1 ORDER BY key LIMIT $2",
        )
        .bind(after)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
        rows.iter()
            .map(|row| {
                let reason: String = row.get("reason");
                Ok(Suppressed {
                    key: row.get("key"),
                    address: row.get("address"),
                    reason: SuppressionReason::parse(&reason)
                        .ok_or_else(|| StoreError::Step(format!("the journal holds the reason `{reason}`")))?,
                    note: row.get("note"),
                    added: Timestamp::from_millisecond(row.get("added_ms")).unwrap_or(Timestamp::UNIX_EPOCH),
                })
            })
            .collect()
    }
}

async fn folder_key(connection: &mut SqliteConnection) -> Result<FolderKey, StoreError> {
    let secret: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT secret FROM folder").fetch_optional(&mut *connection).await?;
    let secret = secret.and_then(|octets| <[u8; 32]>::try_from(octets).ok());
    secret
        .map(FolderKey::new)
        .ok_or_else(|| StoreError::Step("the folder's secret is damaged; restore the journal".to_owned()))
}

async fn make_shared(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("CREATE TEMP TABLE IF NOT EXISTS shared_suppression (key TEXT PRIMARY KEY) WITHOUT ROWID")
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// Adds those that stand there in none of their forms; gives how many.
async fn add(
    connection: &mut SqliteConnection,
    forms: &[Forms],
    reason: SuppressionReason,
    note: &str,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let added = sqlx::query(include_str!("sql/suppress.sql"))
        .bind(json(forms))
        .bind(reason.as_str())
        .bind(note)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    Ok(added)
}

#[derive(Serialize)]
struct Candidate {
    id: i64,
    form: String,
}

/// Goes through everything that is open or held back. Without `release` nobody is given back.
pub(super) async fn sweep(connection: &mut SqliteConnection, now_ms: i64, release: bool) -> Result<Swept, StoreError> {
    make_shared(connection).await?;
    let mut swept = Swept::default();
    let (listed, hashes, held): (bool, bool, bool) = {
        let row = sqlx::query(include_str!("sql/suppression_extent.sql")).fetch_one(&mut *connection).await?;
        (row.get("listed"), row.get("hashes"), row.get("held"))
    };
    if !listed && !held {
        return Ok(swept);
    }
    let folder = folder_key(connection).await?;
    let mut after = 0_i64;
    loop {
        let page = sqlx::query(include_str!("sql/suppression_page.sql"))
            .bind(after)
            .bind(BATCH as i64)
            .fetch_all(&mut *connection)
            .await?;
        let Some(last) = page.last() else { break };
        after = last.get("id");
        let mut candidates = Vec::with_capacity(page.len());
        for row in &page {
            let (id, key): (i64, String) = (row.get("id"), row.get("address_key"));
            if hashes {
                let forms = Forms::of_key(&key, &folder);
                candidates.extend([forms.hash, forms.sha256].map(|form| Candidate { id, form }));
            }
            candidates.push(Candidate { id, form: key });
        }
        let found: std::collections::BTreeSet<i64> = sqlx::query_scalar(include_str!("sql/suppression_match.sql"))
            .bind(json(&candidates))
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
        let of = |held: bool, suppressed: bool| -> Vec<i64> {
            page.iter()
                .filter(|row| row.get::<bool, _>("held") == held && row.get::<bool, _>("listed") | suppressed)
                .map(|row| row.get("id"))
                .filter(|id| found.contains(id) == suppressed)
                .collect()
        };
        swept.suppressed += become_state(connection, &of(false, true), "SUPPRESSED", now_ms).await?;
        if release {
            swept.released += become_state(connection, &of(true, false), "READY", now_ms).await?;
        }
    }
    if swept.released > 0 {
        sqlx::query("UPDATE folder SET lists = ''").execute(&mut *connection).await?;
    }
    Ok(swept)
}

async fn become_state(
    connection: &mut SqliteConnection,
    ids: &[i64],
    state: &str,
    now_ms: i64,
) -> Result<u64, StoreError> {
    if ids.is_empty() {
        return Ok(0);
    }
    let changed = sqlx::query(
        "UPDATE dispatch SET state = $2, due_ms = 0, changed_ms = $3 FROM json_each($1) i WHERE dispatch.id = i.value",
    )
    .bind(json(ids))
    .bind(state)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    Ok(changed)
}

/// Puts one address on the list, in the transaction of whoever found the reason.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    address: &AddrSpec,
    reason: SuppressionReason,
    note: &str,
    now_ms: i64,
    hashed: bool,
) -> Result<(), StoreError> {
    let folder = folder_key(connection).await?;
    let forms = Forms::of(&Entry::Address(address.clone()), &folder, hashed);
    add(connection, &[forms], reason, &masked_in(note), now_ms).await?;
    Ok(())
}

/// Puts the addresses that a relay called dead on the list; called in the transaction of their outcomes.
pub(super) async fn note_bounces(
    connection: &mut SqliteConnection,
    outcomes: &[&Outcome],
    hashed: bool,
) -> Result<(), StoreError> {
    let dead: Vec<&&Outcome> = outcomes.iter().filter(|outcome| outcome.dead_address).collect();
    if dead.is_empty() {
        return Ok(());
    }
    let folder = folder_key(connection).await?;
    for outcome in dead {
        let row = sqlx::query(
            "SELECT r.id, r.address_key, r.address FROM dispatch d JOIN recipient r ON r.id = d.recipient WHERE d.id = $1",
        )
        .bind(outcome.dispatch)
        .fetch_one(&mut *connection)
        .await?;
        let mut forms = Forms::of_key(row.get("address_key"), &folder);
        if hashed {
            forms.key.clone_from(&forms.hash);
        } else {
            forms.address = Some(row.get("address"));
        }
        let ended_ms = outcome.attempt.ended.as_millisecond();
        let note = masked_in(&outcome.attempt.text);
        add(connection, &[forms], SuppressionReason::Bounce, &note, ended_ms).await?;
        // Messages of other purposes to the same mailbox.
        sqlx::query(
            "UPDATE dispatch SET state = 'SUPPRESSED', due_ms = 0, changed_ms = $2
             WHERE recipient = $1 AND state IN ('READY', 'DEFERRED')",
        )
        .bind(row.get::<i64, _>("id"))
        .bind(ended_ms)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
