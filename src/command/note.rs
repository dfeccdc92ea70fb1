//! `convoke note`: what was answered by telephone, by letter or in person.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::plan;
use super::status::Session;
use crate::calendar::PartStat;
use crate::cli;
use crate::desk::answers::{answer_in_words, entity_json, position_in_words};
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::input::answer_list::{self, Noted};
use crate::input::moment::{MOMENT_CURE, parse_moment};
use crate::input::problem::{Place, Problem, quoted};
use crate::io::clock;
use crate::io::files::FileError;
use crate::io::store::{Entity, Store, StoreError};
use crate::journal::Answer;
use crate::people::Found;

pub(super) async fn run(path: &Path, typed: &cli::Note) -> Result<Exit, Stopped> {
    if !Store::path_in(path).exists() {
        return Err(StoreError::Absent(path.to_owned()).into());
    }
    let now = clock::now();
    if let Some(name) = &typed.from {
        return from_list(path, name, typed, now).await;
    }
    let who = typed.who.as_deref().unwrap_or_default();
    let Some(partstat) = partstat(typed) else {
        let store = Store::open_reading(path).await?;
        let ids = sessions(path, &store).await?;
        let wanted = plan::session(&ids, typed.session.as_deref())?;
        let (name, _) = find(&store, who).await?.map_err(|fault| Stopped::Usage(fault.in_words()))?;
        return say_all(&store, &name, &ids, &wanted, typed.json).await;
    };
    let said = match &typed.at {
        None => now,
        Some(text) => match parse_moment(text, now, &TimeZone::system()) {
            None => return Err(Stopped::Usage(format!("--at `{text}` is no time; {MOMENT_CURE}"))),
            Some(at) if at > now => {
                return Err(Stopped::Usage(format!("--at `{text}` is still to come; write when it was said")));
            }
            Some(at) => at,
        },
    };
    let store = Store::open(path, now.as_millisecond()).await?;
    store.look_at(&the_session(path, &store, typed.session.as_deref()).await?);
    let (name, recipient) = find(&store, who).await?.map_err(|fault| Stopped::Usage(fault.in_words()))?;
    let noted = Noted {
        who: name.clone(),
        partstat,
        persons: typed.persons,
        comment: typed.comment.clone(),
        by: String::new(),
        at: Some(said),
        place: Place::file(""),
    };
    let answer = answer(&store, noted, recipient, typed, now).await?;
    store.record_answer(&answer).await?;
    say(&entity(&store, &name).await?, typed.json);
    Ok(Exit::Done)
}

/// Many at once: all or none.
async fn from_list(path: &Path, name: &Path, typed: &cli::Note, now: Timestamp) -> Result<Exit, Stopped> {
    let file = name.display().to_string();
    let octets = std::fs::read(name).map_err(|e| FileError::new("read", name, e))?;
    let rows = match answer_list::read(&file, &octets, now, &TimeZone::system()) {
        Ok(rows) => rows,
        Err(problems) => return Ok(refused(&problems)),
    };
    let store = Store::open(path, now.as_millisecond()).await?;
    store.look_at(&the_session(path, &store, typed.session.as_deref()).await?);
    let (mut answers, mut problems) = (Vec::new(), Vec::new());
    for row in rows {
        match find(&store, &row.who).await? {
            Ok((name, recipient)) => {
                answers.push(answer(&store, Noted { who: name, ..row }, recipient, typed, now).await?);
            }
            Err(fault) => problems.push(Problem::new(row.place, fault.what, fault.cure)),
        }
    }
    if !problems.is_empty() {
        return Ok(refused(&problems));
    }
    store.record_answers(&answers).await?;
    if typed.json {
        println!("{}", json!({ "noted": answers.len() }));
    } else {
        println!("{} noted", count(answers.len() as u64, "answer", "answers"));
    }
    Ok(Exit::Done)
}

/// The ids of the event's sessions; none where it is one.
pub(super) async fn sessions(path: &Path, store: &Store) -> Result<Vec<String>, Stopped> {
    Ok(Session::all(path, store).await?.into_iter().map(|session| session.id).collect())
}

/// The session of which an answer is written down: with several it has to be named, for each has answers of its own.
pub(super) async fn the_session(path: &Path, store: &Store, typed: Option<&str>) -> Result<String, Stopped> {
    let ids = sessions(path, store).await?;
    let id = plan::session(&ids, typed)?;
    if id.is_empty() && !ids.is_empty() {
        return Err(Stopped::Usage(format!(
            "an answer is to one session; add --session with one of {}",
            ids.join(", ")
        )));
    }
    Ok(id)
}

/// Shows an entity, session by session where there are some.
async fn say_all(store: &Store, name: &str, ids: &[String], wanted: &str, as_json: bool) -> Result<Exit, Stopped> {
    if ids.is_empty() {
        say(&entity(store, name).await?, as_json);
        return Ok(Exit::Done);
    }
    let mut all = Vec::new();
    for id in ids.iter().filter(|id| wanted.is_empty() || *id == wanted) {
        store.look_at(id);
        let entity = entity(store, name).await?;
        let is_invited = entity.mailboxes.iter().any(|mailbox| mailbox.status.is_some());
        if as_json {
            let mut json = entity_json(&entity.name, entity.is_reached(), &entity.position);
            (json["session"], json["is_invited"]) = (json!(id), json!(is_invited));
            all.push(json);
        } else if is_invited || !entity.position.history.is_empty() {
            println!("session `{id}`:");
            say(&entity, false);
        } else {
            println!("session `{id}`: {name} is not invited");
        }
    }
    store.look_at("");
    if as_json {
        println!("{}", json!({ "entity": name, "sessions": all }));
    }
    Ok(Exit::Done)
}

fn refused(problems: &[Problem]) -> Exit {
    crate::exit::print_problems(problems);
    eprintln!("convoke: {}; nothing was noted", count(problems.len() as u64, "problem", "problems"));
    Exit::Data
}

fn partstat(typed: &cli::Note) -> Option<PartStat> {
    [
        (typed.accepted, PartStat::Accepted),
        (typed.declined, PartStat::Declined),
        (typed.tentative, PartStat::Tentative),
        (typed.delegated, PartStat::Delegated),
        (typed.no_answer, PartStat::NeedsAction),
    ]
    .into_iter()
    .find_map(|(is_set, partstat)| is_set.then_some(partstat))
}

async fn answer(
    store: &Store,
    noted: Noted,
    recipient: Option<i64>,
    typed: &cli::Note,
    now: Timestamp,
) -> Result<Answer, Stopped> {
    let way = if noted.by.is_empty() { typed.by.as_deref().unwrap_or("note") } else { &noted.by };
    let source = if way.eq_ignore_ascii_case("phone") { "telephone" } else { way }.trim().to_owned();
    Ok(Answer {
        revision: store.known_revision(&noted.who).await?,
        entity: noted.who,
        recipient,
        partstat: noted.partstat,
        persons: noted.persons,
        comment: noted.comment,
        source,
        by: who_records(),
        is_note: true,
        attendee: String::new(),
        sequence: None,
        dtstamp: None,
        said: noted.at.unwrap_or(now),
        recorded: now,
        evidence: String::new(),
        level: None,
        applies: true,
    })
}

/// Who sat at this machine; the history shows it to colleagues.
pub(super) fn who_records() -> String {
    ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default()
}

/// Why a name leads to no entity, or to several.
pub(super) struct NotFound {
    what: String,
    cure: String,
}

impl NotFound {
    pub(super) fn in_words(&self) -> String {
        format!("{}; {}", self.what, self.cure)
    }
}

/// The entity's name as the lists have it, and the mailbox if an address was typed.
pub(super) async fn find(store: &Store, typed: &str) -> Result<Result<(String, Option<i64>), NotFound>, Stopped> {
    let (found, mailbox) = store.find_entity(typed).await?;
    let cure = "write a part of its name as it stands on the lists, or one of its addresses";
    Ok(meant(found, typed, "no list has an entity", cure).map(|name| (name, mailbox)))
}

/// The one name that was found, or why it is none; `none` begins the words for nobody, `cure` ends them where nobody is near.
pub(super) fn meant(found: Found, typed: &str, none: &str, cure: &str) -> Result<String, NotFound> {
    let list = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match found {
        Found::One(name) => Ok(name),
        Found::Several(names, n) => {
            let more = if n > names.len() as u64 { ", …" } else { "" };
            let cure = format!("write more of the name, or an address: {}{more}", list(&names));
            Err(NotFound { what: format!("{} fits {n} entities", quoted(typed)), cure })
        }
        Found::Nobody(near) => {
            let cure = if near.is_empty() { cure.to_owned() } else { format!("did you mean {}?", list(&near)) };
            Err(NotFound { what: format!("{none} {}", quoted(typed)), cure })
        }
    }
}

async fn entity(store: &Store, name: &str) -> Result<Entity, Stopped> {
    let gone = || Stopped::Usage(format!("no list has an entity `{name}` any more"));
    store.entity(name).await?.ok_or_else(gone)
}

fn say(entity: &Entity, as_json: bool) {
    let position = &entity.position;
    if as_json {
        println!("{}", entity_json(&entity.name, entity.is_reached(), position));
        return;
    }
    let unreached = if entity.is_reached() { "" } else { " (not reached yet)" };
    println!("{}{unreached}: {}", entity.name, position_in_words(position));
    for (answer, weight) in &position.history {
        println!("  {}", answer_in_words(answer, *weight));
    }
    for conflict in &position.conflicts {
        println!("  look: {conflict}");
    }
}
