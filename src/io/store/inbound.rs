//! Mail that came back, how far each mailbox is read, and what waits for a person.
//!
//! What: [`Store::known`] (whom a mail may concern), [`Store::record_inbound`] (mails with all that follows from them, and the
//! checkpoint, in one transaction), [`Store::cards`] and [`Store::decide`] (triage), [`Returns`] (what `status` counts).
//! Not here: whose a mail is and what follows (`replies`), the changes themselves (`effects`). Called by: `command`.
//! Can fail: [`StoreError`].

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use sqlx::{Connection as _, Row as _};

use super::ledger::{small, unknown};
use super::wishes::{self, Want, Wish};
use super::{Store, StoreError, effects};
use crate::calendar::Sequence;
use crate::journal::{Checkpoint, Decision, Effect, InboundRecord, InboundState, Standing, Trust};
use crate::mail::AddrSpec;
use crate::replies::{Invited, Known, SentMessage, Wanted};

/// A mail that waits for a person.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its number.
    pub id: i64,
    /// Where it was read.
    pub source: String,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// When the mailbox took it, or else when we read it.
    pub received: Timestamp,
    /// The word of its kind.
    pub kind: String,
    /// `None`: nobody knows whose it is.
    pub level: Option<Trust>,
    /// The message of ours that it is about.
    pub dispatch: Option<i64>,
    /// The session that this message is of; else empty.
    pub session: String,
    /// The mailbox that it is of, or claims to be of.
    pub recipient: Option<(i64, String)>,
    /// The entity of that mailbox; else empty.
    pub entity: String,
    /// By which rule; else empty.
    pub rule: String,
    /// Who acted, where that is another; else empty.
    pub actor: String,
    /// Words of `replies::Flag`.
    pub flags: String,
    /// What a person may want to do.
    pub suggestion: Option<Decision>,
    /// Where the original is kept, below the event folder; else empty.
    pub original: String,
    /// What was read in it: a JSON object.
    pub summary: String,
}

/// What came back, counted.
#[derive(Clone, Debug, Default)]
pub struct Returns {
    /// Messages that wait for a person.
    pub triage: u64,
    /// Those among them of whoever is on no list, or used another's invitation.
    pub strangers: u64,
    /// Answers that came after the event.
    pub late: u64,
    /// Those among what waits that contain a letter.
    pub letters: u64,
    /// Returned messages by the class of the last final report.
    pub bounced: BTreeMap<String, u64>,
    /// Some of them: address, entity, class and what the server said.
    pub returned: Vec<(String, String, String, String)>,
    /// Mailboxes whose owners are away, with the last day, the latest first.
    pub absent: Vec<(String, String)>,
    /// Whoever asked for a call and has not been noted since, the first ones, and how many there are.
    pub calls: Vec<Wish>,
    /// How many they are.
    pub all_calls: u64,
    /// Other times or places that were proposed and nobody has decided about, the first ones.
    pub proposals: Vec<Wish>,
    /// How many they are.
    pub all_proposals: u64,
}

/// What came back from a mailbox, for its row in an export.
#[derive(Clone, Debug, Default)]
pub struct ReturnedMail {
    /// The class of the last report; else empty.
    pub class: String,
    /// What the server said; else empty.
    pub diagnostic: String,
    /// The last day away; else empty.
    pub absent_until: String,
    /// Messages of this mailbox that wait for a person.
    pub triage: u64,
    /// Whether it asked for a call and its entity has not been noted since.
    pub wants_call: bool,
    /// Another time that it proposed and nobody has decided about: begin and end with a slash; else empty.
    pub proposes: String,
}

impl Store {
    /// Whom mails may concern, with everything that was sent to them.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn known(&self, wanted: &Wanted) -> Result<Known, StoreError> {
        let json = serde_json::to_string(wanted).expect("texts are JSON");
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/known.sql")).bind(json).fetch_all(&mut *connection).await?;
        let mut all: Vec<Invited> = Vec::new();
        let mut whose: Option<(i64, String)> = None;
        for row in &rows {
            let recipient: i64 = row.get("recipient");
            // To each session a mailbox has an invitation of its own: a UID leads to that one, and to what was sent of it.
            let of: (i64, String) = (recipient, row.get::<Option<String>, _>("session").unwrap_or_default());
            if whose.replace(of.clone()) != Some(of) {
                let address: String = row.get("address");
                let address = AddrSpec::parse(&address).map_err(|_| unknown("address", &address))?;
                all.push(Invited { recipient, address, entity: row.get("entity"), sent: Vec::new() });
            }
            let Some(dispatch) = row.get::<Option<i64>, _>("dispatch") else { continue };
            let state: String = row.get("state");
            let number = row.get::<Option<i64>, _>("sequence").and_then(|number| u32::try_from(number).ok());
            let sent = SentMessage {
                dispatch,
                revision: small(row, "revision"),
                sequence: number.and_then(Sequence::new),
                standing: Standing::parse(&state).ok_or_else(|| unknown("state", &state))?,
                uid: row.get::<Option<String>, _>("uid").unwrap_or_default(),
                message_id: row.get::<Option<String>, _>("message_id").unwrap_or_default(),
                date: time(row.get("date_ms")),
            };
            if let Some(last) = all.last_mut() {
                last.sent.push(sent);
            }
        }
        Ok(Known::new(all))
    }

    /// Records messages with everything that follows from them and moves the source's checkpoint, in one transaction; says of
    /// each message whether it is new. Of one that is known already nothing follows again.
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
        let hashed = self.hashes_only.load(Ordering::Relaxed);
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut new = Vec::with_capacity(batch.len());
        for record in batch {
            let bound = &record.bound;
            let id: Option<i64> = sqlx::query_scalar(include_str!("sql/inbound.sql"))
                .bind(source)
                .bind(&record.identity)
                .bind(&record.message_id)
                .bind(&record.digest)
                .bind(record.received.map(Timestamp::as_millisecond))
                .bind(read.as_millisecond())
                .bind(&record.kind)
                .bind(bound.level.map_or("unknown", Trust::as_str))
                .bind(bound.dispatch)
                .bind(bound.recipient)
                .bind(record.state.as_str())
                .bind(&record.summary)
                .bind(&bound.rule)
                .bind(&bound.actor)
                .bind(&bound.entity)
                .bind(&bound.flags)
                .bind(&bound.suggestion)
                .bind(&bound.absent_until)
                .bind(&record.original)
                .fetch_optional(&mut *transaction)
                .await?;
            if id.is_some() {
                effects::carry_out(&mut transaction, &bound.effects, id, read, hashed).await?;
            }
            new.push(id.is_some());
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

    /// What waits for a person, after a number, or the one of that number.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn cards(&self, only: Option<i64>, after: i64, most: usize) -> Result<Vec<Card>, StoreError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query(include_str!("sql/cards.sql"))
            .bind(only)
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        let card = |row: &sqlx::sqlite::SqliteRow| {
            let (level, suggestion): (String, String) = (row.get("level"), row.get("suggestion"));
            let recipient = row.get::<Option<i64>, _>("recipient").zip(row.get::<Option<String>, _>("address"));
            let at = row.get::<Option<i64>, _>("received_ms").unwrap_or_else(|| row.get("read_ms"));
            Card {
                id: row.get("id"),
                source: row.get("source"),
                digest: row.get("digest"),
                message_id: row.get("message_id"),
                received: time(Some(at)).unwrap_or_default(),
                kind: row.get("kind"),
                level: Trust::parse(&level),
                dispatch: row.get("dispatch"),
                session: row.get("session"),
                recipient,
                entity: row.get("entity"),
                rule: row.get("rule"),
                actor: row.get("actor"),
                flags: row.get("flags"),
                suggestion: Decision::parse(&suggestion),
                original: row.get("original"),
                summary: row.get("summary"),
            }
        };
        Ok(rows.iter().map(card).collect())
    }

    /// How many wait for a person.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn count_cards(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM inbound WHERE state = 'triage'")
            .fetch_one(&mut *connection)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Writes down what a person decided about a card, with what follows, in one transaction.
    ///
    /// # Errors
    /// The store cannot be written, or the card does not wait any more.
    pub async fn decide(
        &self,
        card: i64,
        decision: Decision,
        by: &str,
        effects: &[Effect],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hashed = self.hashes_only.load(Ordering::Relaxed);
        let state = if decision == Decision::Nothing { InboundState::Ignored } else { InboundState::Settled };
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let changed = sqlx::query(
            "UPDATE inbound SET state = $2, decided = $3, decided_by = $4, decided_ms = $5
             WHERE id = $1 AND state = 'triage'",
        )
        .bind(card)
        .bind(state.as_str())
        .bind(decision.as_str())
        .bind(by)
        .bind(now.as_millisecond())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if changed == 0 {
            return Err(StoreError::Step(format!("number {card} does not wait for anybody")));
        }
        effects::carry_out(&mut transaction, effects, Some(card), now, hashed).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The last message that may have reached a mailbox, by its row in the journal.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn last_reached(&self, recipient: i64) -> Result<Option<i64>, StoreError> {
        let mut connection = self.connection.lock().await;
        let found: Option<i64> =
            sqlx::query_scalar("SELECT max(id) FROM dispatch WHERE recipient = $1 AND state IN ('SENT', 'IN_DOUBT')")
                .bind(recipient)
                .fetch_one(&mut *connection)
                .await?;
        Ok(found)
    }

    /// The state of the event that a message told of.
    ///
    /// # Errors
    /// The store cannot be read, or has no such message.
    pub async fn revision_of(&self, dispatch: i64) -> Result<u32, StoreError> {
        let mut connection = self.connection.lock().await;
        let row = sqlx::query("SELECT revision FROM dispatch WHERE id = $1")
            .bind(dispatch)
            .fetch_one(&mut *connection)
            .await?;
        Ok(small(&row, "revision"))
    }

    /// What came back, counted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn returns(&self, today: &str, most: usize) -> Result<Returns, StoreError> {
        let mut connection = self.connection.lock().await;
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 'triage') AS triage,
                    count(*) FILTER (WHERE state = 'triage' AND kind = 'letter') AS letters,
                    count(*) FILTER (WHERE ' ' || flags || ' ' LIKE '% not-on-the-lists %'
                                       OR ' ' || flags || ' ' LIKE '% other-invited %') AS strangers,
                    count(*) FILTER (WHERE ' ' || flags || ' ' LIKE '% late %') AS late
             FROM inbound",
        )
        .fetch_one(&mut *connection)
        .await?;
        let number = |name: &str| row.get::<i64, _>(name).unsigned_abs();
        let mut returns = Returns {
            triage: number("triage"),
            letters: number("letters"),
            strangers: number("strangers"),
            late: number("late"),
            ..Returns::default()
        };
        let bounced: Vec<(String, i64)> = sqlx::query_as(
            "SELECT b.class, count(*) FROM dispatch d
             JOIN bounce b ON b.id = (SELECT max(id) FROM bounce WHERE dispatch = d.id AND is_final = 1)
             WHERE d.state = 'BOUNCED' GROUP BY 1 ORDER BY 2 DESC, 1",
        )
        .fetch_all(&mut *connection)
        .await?;
        returns.bounced = bounced.into_iter().map(|(class, n)| (class, n.unsigned_abs())).collect();
        returns.returned = sqlx::query_as(
            "SELECT r.address, r.entity, b.class, b.diagnostic FROM dispatch d JOIN recipient r ON r.id = d.recipient
             JOIN bounce b ON b.id = (SELECT max(id) FROM bounce WHERE dispatch = d.id AND is_final = 1)
             WHERE d.state = 'BOUNCED' ORDER BY d.id LIMIT $1",
        )
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
        returns.absent = sqlx::query_as(
            "SELECT r.address, max(i.absent_until) FROM inbound i JOIN recipient r ON r.id = i.recipient
             WHERE i.absent_until >= $1 GROUP BY r.id ORDER BY 2 DESC, 1 LIMIT $2",
        )
        .bind(today)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
        (returns.calls, returns.all_calls) = wishes::some(&mut connection, Want::Call, most).await?;
        (returns.proposals, returns.all_proposals) = wishes::some(&mut connection, Want::AnotherTime, most).await?;
        Ok(returns)
    }

    /// What came back, by dispatch for reports and by mailbox for the rest; only of those of whom anything did.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn returned_mail(&self) -> Result<ReturnedMails, StoreError> {
        let mut connection = self.connection.lock().await;
        let mut all = ReturnedMails::default();
        let reports: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT dispatch, class, diagnostic FROM bounce ORDER BY is_final, id")
                .fetch_all(&mut *connection)
                .await?;
        all.by_dispatch = reports.into_iter().map(|(id, class, diagnostic)| (id, (class, diagnostic))).collect();
        let others: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT recipient, max(absent_until), count(*) FILTER (WHERE state = 'triage') FROM inbound
             WHERE recipient IS NOT NULL GROUP BY recipient",
        )
        .fetch_all(&mut *connection)
        .await?;
        let of = |(id, absent_until, triage): (i64, String, i64)| {
            (id, ReturnedMail { absent_until, triage: triage.unsigned_abs(), ..ReturnedMail::default() })
        };
        all.by_recipient = others.into_iter().map(of).collect();
        for want in [Want::Call, Want::AnotherTime] {
            for wish in wishes::all(&mut connection, want).await? {
                let Some(recipient) = wish.recipient else { continue };
                let mail = all.by_recipient.entry(recipient).or_default();
                match want {
                    Want::Call => mail.wants_call = true,
                    Want::AnotherTime => mail.proposes = format!("{}/{}", wish.start, wish.end),
                }
            }
        }
        Ok(all)
    }
}

/// What came back, for the rows of an export.
#[derive(Clone, Debug, Default)]
pub struct ReturnedMails {
    by_dispatch: HashMap<i64, (String, String)>,
    by_recipient: HashMap<i64, ReturnedMail>,
}

impl ReturnedMails {
    /// Of one row.
    pub fn of(&self, dispatch: i64, recipient: i64) -> ReturnedMail {
        let (class, diagnostic) = self.by_dispatch.get(&dispatch).cloned().unwrap_or_default();
        ReturnedMail { class, diagnostic, ..self.by_recipient.get(&recipient).cloned().unwrap_or_default() }
    }
}

fn time(ms: Option<i64>) -> Option<Timestamp> {
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
}
