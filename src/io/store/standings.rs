//! How entities stand, in the short form that counting and choosing need: one row of the journal for each entity, and of all
//! of them together 32 octets for each mailbox, so that lists of millions are counted and exported without being held.
//!
//! What: [`Store::each_standing`], which hands out one [`EntityStanding`] after the other, and [`Known`], what is kept of all.
//! Not here: mailboxes with their rows (`entities`), what answers come to (`journal::entity`). Called by: `command`.
//! Can fail: a store that cannot be read, or holds what this version does not know.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::answers::{Packed, unpacked};
use super::ledger::unknown;
use super::{Store, StoreError};
use crate::calendar::Sequence;
use crate::journal::entity::Asked;
use crate::journal::{Position, Standing};
use crate::people::Kind;
use crate::plan::{Participation, Status};

/// One entity.
#[derive(Clone, Debug)]
pub struct EntityStanding {
    /// As the lists have it.
    pub name: String,
    /// What it is: as its first mailbox says.
    pub kind: Kind,
    /// Whether any of its mailboxes may have an invitation.
    pub is_reached: bool,
    /// Whether it was invited and is no longer.
    pub is_withdrawn: bool,
    /// Whether it is invited or to be invited.
    pub is_invited: bool,
    /// Since when an answer of it is awaited; `None` where none is.
    pub silent_since: Option<Timestamp>,
    /// What its answers come to.
    pub position: Position,
    /// The row of each of its mailboxes and how its invitation stands; empty where they were not asked for.
    mailboxes: Vec<(i64, Option<Status>)>,
}

/// What selections and exports need of the entity of a mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownOf<'k> {
    /// How the invitation of this mailbox stands; `None` where it has none.
    pub status: Option<Status>,
    /// Whether any mailbox of the entity may have an invitation.
    pub is_reached: bool,
    /// Whether it was invited and is no longer.
    pub is_withdrawn: bool,
    /// What it answered.
    pub answer: Participation,
    /// Who will come.
    pub persons: u32,
    /// When it said so.
    pub answered: Option<Timestamp>,
    /// By which way; empty where it did not answer.
    pub source: &'k str,
    /// Since when an answer is awaited.
    pub silent_since: Option<Timestamp>,
    /// Whether a person should look at its answers.
    pub has_conflict: bool,
}

/// What is known of every mailbox in the journal, by its row.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// At the number of the row.
    of: Vec<Compact>,
    /// The ways by which answers came; the first is none.
    sources: Vec<String>,
}

/// [`KnownOf`] in few octets.
#[derive(Clone, Copy, Debug, Default)]
struct Compact {
    /// Milliseconds; 0 for none, as nothing was sent in 1970.
    answered_ms: i64,
    silent_since_ms: i64,
    persons: u32,
    source: u16,
    answer: Participation,
    status: Option<Status>,
    is_reached: bool,
    is_withdrawn: bool,
    has_conflict: bool,
}

impl Known {
    /// Of the mailbox in a row; of one that nothing is known of, nothing.
    pub fn of(&self, recipient: i64) -> KnownOf<'_> {
        let found = usize::try_from(recipient).ok().and_then(|at| self.of.get(at));
        let Some(found) = found else { return KnownOf::default() };
        KnownOf {
            status: found.status,
            is_reached: found.is_reached,
            is_withdrawn: found.is_withdrawn,
            answer: found.answer,
            persons: found.persons,
            answered: time(found.answered_ms),
            source: self.sources.get(usize::from(found.source)).map_or("", String::as_str),
            silent_since: time(found.silent_since_ms),
            has_conflict: found.has_conflict,
        }
    }

    fn add(&mut self, entity: &EntityStanding, numbers: &mut HashMap<String, u16>) {
        let decided = entity.position.decided_by.as_ref();
        let source = decided.map_or(0, |answer| self.source(&answer.source, numbers));
        let milliseconds = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_millisecond);
        let of_entity = Compact {
            answered_ms: milliseconds(decided.map(|answer| answer.said)),
            silent_since_ms: milliseconds(entity.silent_since),
            persons: entity.position.persons,
            source,
            answer: entity.position.participation,
            status: None,
            is_reached: entity.is_reached,
            is_withdrawn: entity.is_withdrawn,
            has_conflict: !entity.position.conflicts.is_empty(),
        };
        for (recipient, status) in &entity.mailboxes {
            let Ok(at) = usize::try_from(*recipient) else { continue };
            if self.of.len() <= at {
                self.of.resize(at + 1, Compact::default());
            }
            self.of[at] = Compact { status: *status, ..of_entity };
        }
    }

    /// There are a handful of ways; beyond 65,534 of them the last ones have no name.
    fn source(&mut self, word: &str, numbers: &mut HashMap<String, u16>) -> u16 {
        if let Some(number) = numbers.get(word) {
            return *number;
        }
        if self.sources.is_empty() {
            self.sources.push(String::new());
        }
        let Ok(number) = u16::try_from(self.sources.len()) else { return 0 };
        self.sources.push(word.to_owned());
        numbers.insert(word.to_owned(), number);
        number
    }
}

fn time(ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(ms).ok().filter(|_| ms != 0)
}

/// Words as one text, in which a word is told by where it begins, counted from 1; and back.
struct Words<T> {
    text: String,
    by_place: HashMap<usize, T>,
}

impl<T: Copy> Words<T> {
    fn new(all: impl IntoIterator<Item = T>, word: impl Fn(T) -> &'static str) -> Self {
        let (mut text, mut by_place) = (String::new(), HashMap::new());
        for one in all {
            by_place.insert(text.len() + 1, one);
            text.push_str(word(one));
            text.push(' ');
        }
        Self { text, by_place }
    }

    fn at(&self, place: usize) -> Option<T> {
        self.by_place.get(&place).copied()
    }
}

impl Store {
    /// Hands out every entity by name, as far as it is of the session that is looked at; the journal is not written meanwhile.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn each_standing(&self, take: impl FnMut(EntityStanding)) -> Result<(), StoreError> {
        self.standings(false, take).await
    }

    /// What is known of every mailbox.
    ///
    /// # Errors
    /// As [`Store::each_standing`].
    pub async fn known_mailboxes(&self) -> Result<Known, StoreError> {
        let (mut known, mut numbers) = (Known::default(), HashMap::new());
        self.standings(true, |entity| known.add(&entity, &mut numbers)).await?;
        Ok(known)
    }

    async fn standings(&self, mailboxes: bool, mut take: impl FnMut(EntityStanding)) -> Result<(), StoreError> {
        let session = self.looked_at();
        let mut connection = self.connection.lock().await;
        let asking = asking(&mut connection, session.as_deref()).await?;
        let kinds = Words::new(Kind::ALL, Kind::as_str);
        let states = Words::new(Standing::ALL, Standing::as_str);
        let mut rows = sqlx::query(include_str!("sql/standings.sql"))
            .bind(mailboxes)
            .bind(&kinds.text)
            .bind(&states.text)
            .bind(session.as_deref())
            .fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            take(standing(&row, &asking, &kinds, &states)?);
        }
        Ok(())
    }
}

/// The states of the event that asked everybody anew, in their order.
async fn asking(connection: &mut SqliteConnection, session: Option<&str>) -> Result<Vec<Asked>, StoreError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT number, sequence FROM revision
         WHERE kind IN ('material', 'reinstatement') AND ($1 IS NULL OR session = $1) ORDER BY number",
    )
    .bind(session)
    .fetch_all(connection)
    .await?;
    let small = |number| u32::try_from(number).unwrap_or_default();
    let asked = |(number, sequence)| Asked {
        revision: small(number),
        sequence: Sequence::new(small(sequence)).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(asked).collect())
}

fn standing(
    row: &SqliteRow,
    asking: &[Asked],
    kinds: &Words<Kind>,
    states: &Words<Standing>,
) -> Result<EntityStanding, StoreError> {
    let name: String = row.get(0);
    let facts: &str = row.get(1);
    // Of a number that is not there `-` stands in its place.
    let mut numbers = facts.split(' ').map(|word| word.parse::<i64>().ok());
    let mut next = || numbers.next().flatten();
    let kind = next().and_then(|place| kinds.at(usize::try_from(place).ok()?));
    let kind = kind.ok_or_else(|| unknown("a kind of", &name))?;
    let mut count = || next().unwrap_or_default();
    let (known, cancelled, told) = (count(), count(), count());
    let (told_revision, first_asked_ms, last_asked_ms) = (next(), next(), next());
    let asked = told_revision.and_then(|told| asking.iter().rfind(|asked| i64::from(asked.revision) <= told));
    let answers: Option<&str> = row.get(3);
    let position = match answers {
        Some(json) => {
            let packed: Vec<Packed> = serde_json::from_str(json).map_err(|_| unknown("answers of", &name))?;
            let answers = packed.into_iter().map(|one| unpacked(&name, one)).collect::<Result<Vec<_>, _>>()?;
            Position::of(&answers, asked.copied().unwrap_or_default())
        }
        None => Position::default(),
    };
    let silent_since = match position.participation {
        Participation::Silent => first_asked_ms.and_then(time),
        Participation::AskedAgain => last_asked_ms.and_then(time),
        _ => None,
    };
    let mut mailboxes = Vec::new();
    let mut words = row.get::<Option<&str>, _>(2).unwrap_or_default().split(' ');
    while let (Some(id), Some(last)) = (words.next(), words.next()) {
        let (Ok(id), Ok(last)) = (id.parse(), last.parse::<usize>()) else { continue };
        let status = match last {
            0 => None,
            last if last & CANCELLED != 0 => Some(Status::Withdrawn),
            last => Some(Status::from(states.at(last).ok_or_else(|| unknown("a state of", &name))?)),
        };
        mailboxes.push((id, status));
    }
    Ok(EntityStanding {
        name,
        kind,
        is_reached: told > 0,
        is_withdrawn: known > 0 && known == cancelled,
        is_invited: known > cancelled,
        silent_since,
        position,
        mailboxes,
    })
}

/// With the place of a state: the last word is a cancellation.
const CANCELLED: usize = 128;

#[cfg(test)]
mod tests {
    use super::{CANCELLED, Compact, Words};
    use crate::journal::Standing;
    use crate::people::Kind;

    #[test]
    fn each_word_is_found_where_it_begins() {
        let kinds = Words::new(Kind::ALL, Kind::as_str);
        for kind in Kind::ALL {
            // As `instr` of SQLite finds it.
            let place = kinds.text.find(kind.as_str()).map(|at| at + 1).expect("it is there");
            assert_eq!(kinds.at(place), Some(kind), "no word stands in another");
            assert!(place < 128);
        }
        let states = Words::new(Standing::ALL, Standing::as_str);
        for standing in Standing::ALL {
            let place = states.text.find(standing.as_str()).map(|at| at + 1).expect("it is there");
            assert_eq!(states.at(place), Some(standing));
            assert!(place < CANCELLED, "the mark of a cancellation is above");
        }
        assert_eq!(states.at(0), None, "a word that is not there");
    }

    #[test]
    fn a_mailbox_takes_32_octets() {
        assert_eq!(size_of::<Compact>(), 32);
    }
}
