//! `convoke speakers`: the informal speaking list.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};

use super::folder::read_event_file;
use super::note;
use super::suppress::prepare;
use crate::cli::{self, SpeakersAct};
use crate::desk::count;
use crate::desk::speaking_page::{SpeakingFrame, speaking_json, speaking_lines, speaking_page};
use crate::exit::{Exit, Stopped};
use crate::input::event_file::EventFile;
use crate::input::speaking::Order;
use crate::input::toml_reader::nearest;
use crate::io::store::{Store, StoreError};
use crate::io::{clock, files, seed};
use crate::journal::{SpeakingAct, SpeakingList, SpeakingStep, Target};
use crate::people::{Rank, Search};

pub(super) async fn run(path: &Path, typed: &cli::Speakers) -> Result<Exit, Stopped> {
    let (file, _) = read_event_file(path)?;
    let now = clock::now();
    let usual = cli::SpeakersShow::default();
    let act = match &typed.act {
        None => return show(path, &file, &usual, now).await,
        Some(SpeakersAct::Show(typed)) => return show(path, &file, typed, now).await,
        Some(act) => act,
    };
    let store = Store::open(path, now.as_millisecond()).await?;
    prepare(&store, &file, path, now).await?;
    let list = SpeakingList::of(&store.speaking_steps().await?, &file.speaking);
    let step = match act {
        SpeakersAct::Add(typed) => add(&store, &file, typed, now).await?,
        SpeakersAct::Withdraw(typed) => {
            let entity = standing(&list, &typed.entity)?;
            step(entity, SpeakingAct::Withdraw, &typed.reason, now)
        }
        SpeakersAct::Move(typed) => {
            let entity = standing(&list, &typed.entity)?;
            if typed.reason.trim().is_empty() {
                return Err(Stopped::Usage("a move needs a reason: --reason TEXT".to_owned()));
            }
            let target = match (&typed.before, typed.to) {
                (Some(other), _) => Target::Before(standing(&list, other)?),
                (None, position) => Target::Position(position.unwrap_or(1)),
            };
            if matches!(&target, Target::Before(other) if *other == entity) {
                return Err(Stopped::Usage(format!("`{entity}` cannot be moved before itself")));
            }
            step(entity, SpeakingAct::Move(target), &typed.reason, now)
        }
        SpeakersAct::Draw(typed) => {
            if file.speaking.order != Order::Draw {
                let cure = "write order = \"draw\" under [speaking_list]";
                let order = file.speaking.order.as_str();
                return Err(Stopped::Usage(format!("the list is ordered by `{order}`, not by lot; {cure}")));
            }
            let drawn = match &typed.seed {
                Some(seed) => seed.clone(),
                None => data_encoding::HEXLOWER.encode(&seed::secret()?[..8]),
            };
            step(String::new(), SpeakingAct::Draw(drawn), "", now)
        }
        SpeakersAct::Show(_) => return Ok(Exit::Done),
    };
    store.note_speaking(&step, now.as_millisecond()).await?;
    let list = SpeakingList::of(&store.speaking_steps().await?, &file.speaking);
    println!("{}", said(&step, &list));
    Ok(Exit::Done)
}

fn step(entity: String, act: SpeakingAct, reason: &str, at: Timestamp) -> SpeakingStep {
    SpeakingStep { entity, act, reason: reason.to_owned(), by: String::new(), at }
}

fn said(step: &SpeakingStep, list: &SpeakingList) -> String {
    let n = count(list.slots.len() as u64, "speaker", "speakers");
    match (&step.act, list.position(&step.entity)) {
        (SpeakingAct::Draw(seed), _) => format!("lots drawn with the seed `{seed}`: {n}"),
        (SpeakingAct::Withdraw, _) => format!("`{}` is off the list: {n}", step.entity),
        (_, Some(position)) => format!("`{}` is number {position} of {n}", step.entity),
        (_, None) => n,
    }
}

async fn add(
    store: &Store,
    file: &EventFile,
    typed: &cli::SpeakersAdd,
    now: Timestamp,
) -> Result<SpeakingStep, Stopped> {
    if let Some(rank) = Some(typed.rank.as_str()).filter(|rank| Rank::parse(rank).is_none()) {
        let cure = match nearest(rank, Rank::words()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("known are {}", Rank::names().collect::<Vec<_>>().join(", ")),
        };
        return Err(Stopped::Usage(format!("rank `{rank}` is not known; {cure}")));
    }
    let at = match &typed.at {
        None => now,
        Some(text) => {
            let local = text.parse::<DateTime>().ok();
            local.and_then(|local| file.event.zone.local_to_instant(local).ok()).ok_or_else(|| {
                Stopped::Usage(format!("--at `{text}` is no time of the place; write it as 2017-09-18T10:30"))
            })?
        }
    };
    let entity = if typed.guest {
        typed.entity.trim().to_owned()
    } else {
        let found = note::find(store, &typed.entity).await?;
        found.map_err(|none| Stopped::Usage(format!("{}; --guest takes one who is on none", none.in_words())))?.0
    };
    if entity.is_empty() {
        return Err(Stopped::Usage("who asks for the floor has no name".to_owned()));
    }
    let act =
        SpeakingAct::Inscribe { speaker: typed.speaker.clone(), rank: typed.rank.clone(), minutes: typed.minutes };
    Ok(SpeakingStep { by: typed.by.clone(), ..step(entity, act, "", at) })
}

/// Who stands on the list under this name.
fn standing(list: &SpeakingList, typed: &str) -> Result<String, Stopped> {
    let mut search = Search::new(typed);
    list.slots.iter().for_each(|slot| search.offer(&slot.entity));
    let cure = "`convoke speakers` shows who has asked for the floor";
    note::meant(search.end(), typed, "the speaking list has no", cure).map_err(|none| Stopped::Usage(none.in_words()))
}

async fn show(path: &Path, file: &EventFile, typed: &cli::SpeakersShow, now: Timestamp) -> Result<Exit, Stopped> {
    let steps = match Store::open_reading(path).await {
        Ok(store) => store.speaking_steps().await?,
        Err(StoreError::Absent(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let event = &file.event;
    let start = match &typed.from {
        None => event.local_start,
        Some(text) => {
            let time = Time::strptime("%H:%M", text)
                .map_err(|_| Stopped::Usage(format!("--from `{text}` is no time; write it as 15:10")))?;
            event.local_start.date().to_datetime(time)
        }
    };
    let list = SpeakingList::of(&steps, &file.speaking);
    let title = event.title.in_language(&file.languages.default, &file.languages);
    let frame = SpeakingFrame { title, start, end: event.local_end, zone: &event.zone, made: now };
    if typed.json {
        println!("{}", speaking_json(&list, &frame));
    } else if let Some(out) = &typed.out {
        files::write_atomically(out, speaking_page(&list, &frame).as_bytes())?;
        println!("{}: {}", out.display(), count(list.slots.len() as u64, "speaker", "speakers"));
    } else {
        speaking_lines(&list, &frame).iter().for_each(|line| println!("{line}"));
    }
    Ok(Exit::Done)
}
