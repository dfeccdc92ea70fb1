//! Entities: their mailboxes, how they were told of the event, and what all of their answers come to.
//!
//! What: [`Store::each_entity`], which hands out one [`Entity`] after the other.
//! Not here: the short form, for counting and choosing (`standings`), what answers come to (`journal::entity`). Called by: `command`.
//! Can fail: a store that cannot be read, or holds what this version does not know.

use std::collections::{BTreeSet, HashMap};

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::answers::answer;
use super::ledger::{recipient, unknown};
use super::{RecipientRow, Store, StoreError};
use crate::calendar::Sequence;
use crate::journal::entity::Asked;
use crate::journal::{Answer, Position, Standing};
use crate::mail::AddrSpec;
use crate::people::{Found, Kind, Search};
use crate::plan::{Participation, Status};

/// One mailbox of an entity.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its row in the journal.
    pub id: i64,
    /// Who it is.
    pub recipient: RecipientRow,
    /// Whether it stands on the current lists.
    pub is_listed: bool,
    /// How its invitation stands; `None` where it has none.
    pub status: Option<Status>,
    /// Whether an update or a cancellation is still to be sent to it.
    pub is_pending: bool,
    /// Whether the last message to it, of any purpose, was refused or came back.
    pub is_refused: bool,
    /// The dispatch whose calendar object it was sent last; `None` where none was sent.
    pub told: Option<i64>,
    /// The revision of that object.
    pub told_revision: u32,
    /// When the last message reached it.
    pub reached: Option<Timestamp>,
    first_asked: Option<Timestamp>,
    last_asked: Option<Timestamp>,
}

/// One entity with its mailboxes.
#[derive(Clone, Debug)]
pub struct Entity {
    /// As the lists have it.
    pub name: String,
    /// What it is: as its first mailbox says.
    pub kind: Kind,
    /// In the order of the lists; never empty.
    pub mailboxes: Vec<Mailbox>,
    /// What its answers come to.
    pub position: Position,
}

impl Entity {
    /// Whether any of its mailboxes may have an invitation.
    pub fn is_reached(&self) -> bool {
        self.mailboxes.iter().any(|mailbox| mailbox.told.is_some())
    }

    /// Whether it was invited and is no longer.
    pub fn is_withdrawn(&self) -> bool {
        let mut told = self.mailboxes.iter().filter(|mailbox| mailbox.status.is_some()).peekable();
        told.peek().is_some() && told.all(|mailbox| mailbox.status == Some(Status::Withdrawn))
    }

    /// Whether it is invited or to be invited.
    pub fn is_invited(&self) -> bool {
        let is_open = |mailbox: &Mailbox| !matches!(mailbox.status, None | Some(Status::Cancelled | Status::Withdrawn));
        self.mailboxes.iter().any(is_open)
    }

    /// When the last message reached any of its mailboxes.
    pub fn reached(&self) -> Option<Timestamp> {
        self.mailboxes.iter().filter_map(|mailbox| mailbox.reached).max()
    }

    /// Since when an answer of it is awaited; `None` where none is.
    pub fn silent_since(&self) -> Option<Timestamp> {
        match self.position.participation {
            Participation::Silent => self.mailboxes.iter().filter_map(|mailbox| mailbox.first_asked).min(),
            Participation::AskedAgain => self.mailboxes.iter().filter_map(|mailbox| mailbox.last_asked).max(),
            _ => None,
        }
    }
}

impl Store {
    /// Hands out every entity with its mailboxes and answers, by name, as far as they are of the session that is looked at; the journal is not written meanwhile. Without `cells`
    /// the columns of their rows are left out, which for a million saves most of the time.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn each_entity(&self, cells: bool, take: impl FnMut(Entity)) -> Result<(), StoreError> {
        self.entities_of(None, cells, take).await
    }

    async fn entities_of(
        &self,
        only: Option<&str>,
        cells: bool,
        mut take: impl FnMut(Entity),
    ) -> Result<(), StoreError> {
        let session = self.looked_at();
        let mut connection = self.connection.lock().await;
        let mut positions = positions(&mut connection, only, session.as_deref()).await?;
        let mut end = |name: String, mailboxes: Vec<Mailbox>| {
            let Some(first) = mailboxes.first() else { return };
            let kind = first.recipient.kind;
            let position = positions.remove(&name).unwrap_or_default();
            take(Entity { name, kind, mailboxes, position });
        };
        let (mut name, mut mailboxes) = (String::new(), Vec::new());
        let mut rows = sqlx::query(include_str!("sql/entities.sql"))
            .bind(only)
            .bind(cells)
            .bind(session.as_deref())
            .fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let next = mailbox(&row)?;
            if next.recipient.entity != name {
                end(std::mem::take(&mut name), std::mem::take(&mut mailboxes));
                name.clone_from(&next.recipient.entity);
            }
            mailboxes.push(next);
        }
        end(name, mailboxes);
        Ok(())
    }

    /// One entity by its name; `None` where no list ever had it.
    ///
    /// # Errors
    /// As [`Store::each_entity`].
    pub async fn entity(&self, name: &str) -> Result<Option<Entity>, StoreError> {
        let mut found = None;
        self.entities_of(Some(name), true, |entity| found = Some(entity)).await?;
        Ok(found)
    }

    /// The entity that is meant by a part of its name or by one of its addresses; with an address its mailbox too.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn find_entity(&self, typed: &str) -> Result<(Found, Option<i64>), StoreError> {
        let mut connection = self.connection.lock().await;
        if let Ok(address) = AddrSpec::parse(typed.trim()) {
            let row = sqlx::query("SELECT id, entity FROM recipient WHERE address_key = $1")
                .bind(address.key())
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(row) = row {
                return Ok((Found::One(row.get("entity")), Some(row.get("id"))));
            }
        }
        let mut search = Search::new(typed);
        let mut rows = sqlx::query("SELECT DISTINCT entity FROM recipient ORDER BY entity").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            search.offer(&row.get::<String, _>("entity"));
        }
        Ok((search.end(), None))
    }

    /// The revision that an entity knows of: the last that reached it, or the last of all where none did.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn known_revision(&self, entity: &str) -> Result<u32, StoreError> {
        let mut connection = self.connection.lock().await;
        let number: Option<i64> = sqlx::query_scalar(
            "SELECT coalesce((SELECT max(d.revision) FROM dispatch d JOIN recipient r ON r.id = d.recipient
                              WHERE r.entity = $1 AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')
                                AND ($2 IS NULL OR d.session = $2)),
                             (SELECT max(number) FROM revision WHERE $2 IS NULL OR session = $2))",
        )
        .bind(entity)
        .bind(self.looked_at())
        .fetch_one(&mut *connection)
        .await?;
        Ok(number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default())
    }

    /// The columns of every row in the journal.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn columns(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut connection = self.connection.lock().await;
        let names: Vec<String> = sqlx::query_scalar("SELECT DISTINCT c.key FROM recipient r, json_each(r.cells) c")
            .fetch_all(&mut *connection)
            .await?;
        Ok(names.into_iter().collect())
    }
}

/// What the answers of every entity that has any come to.
async fn positions(
    connection: &mut SqliteConnection,
    only: Option<&str>,
    session: Option<&str>,
) -> Result<HashMap<String, Position>, StoreError> {
    let mut asked: HashMap<String, Asked> = HashMap::new();
    for row in sqlx::query(include_str!("sql/asked.sql")).bind(session).fetch_all(&mut *connection).await? {
        let number = |name: &str| u32::try_from(row.get::<i64, _>(name)).unwrap_or_default();
        let sequence = Sequence::new(number("sequence")).unwrap_or_default();
        asked.insert(row.get("entity"), Asked { revision: number("number"), sequence });
    }
    let mut positions = HashMap::new();
    let mut end = |answers: &[Answer]| {
        if let Some(first) = answers.first() {
            let asked = asked.get(&first.entity).copied().unwrap_or_default();
            positions.insert(first.entity.clone(), Position::of(answers, asked));
        }
    };
    let mut answers: Vec<Answer> = Vec::new();
    let mut rows = sqlx::query(
        "SELECT * FROM answer WHERE ($1 IS NULL OR entity = $1) AND ($2 IS NULL OR session = $2) ORDER BY entity, id",
    )
    .bind(only)
    .bind(session)
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let next = answer(&row)?;
        if answers.first().is_some_and(|first| first.entity != next.entity) {
            end(&answers);
            answers.clear();
        }
        answers.push(next);
    }
    end(&answers);
    Ok(positions)
}

fn mailbox(row: &SqliteRow) -> Result<Mailbox, StoreError> {
    let time = |name: &str| row.get::<Option<i64>, _>(name).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let state: Option<String> = row.get("last_state");
    let standing = match &state {
        Some(word) => Some(Standing::parse(word).ok_or_else(|| unknown("state", word))?),
        None => None,
    };
    let word = |name: &str| row.get::<Option<String>, _>(name).unwrap_or_default();
    let (method, purpose) = (word("last_method"), word("last_purpose"));
    let status = match standing {
        // A cancellation that could not be delivered is not the state of an invitation, but nobody is invited any more.
        Some(_) if method == "CANCEL" => Some(Status::Withdrawn),
        Some(standing) => Some(Status::from(standing)),
        None => None,
    };
    let is_open = standing.is_some_and(|standing| {
        matches!(standing, Standing::Ready | Standing::Claimed | Standing::Armed | Standing::Deferred | Standing::Held)
    });
    Ok(Mailbox {
        id: row.get("id"),
        is_listed: row.get("listed"),
        status,
        is_pending: is_open && purpose != "invitation",
        is_refused: row.get::<Option<bool>, _>("refused").unwrap_or_default(),
        told: row.get("told_id"),
        told_revision: row
            .get::<Option<i64>, _>("told_revision")
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or_default(),
        reached: time("reached_ms"),
        first_asked: time("first_asked_ms"),
        last_asked: time("last_asked_ms"),
        recipient: recipient(row)?,
    })
}
