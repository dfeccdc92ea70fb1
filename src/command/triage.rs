//! `convoke triage`: mail that no rule decided, decided by a person.
//!
//! What: [`run`]: one card after the other with a suggestion and one key for each decision; `--list`; or one card by its number
//! with the decision as a flag. What is decided becomes a note with the mail as its evidence, a report, a line of the list of
//! addresses that must not be written to, or a place on the speaking list. The journal is held only while it is written, so
//! that other commands work meanwhile. Not here: which mails are cards (`replies::consequence`). Called by: `command`.
//! Can fail: the journal; a card that waits no more; an entity that no list has.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::mailing::in_folder;
use super::note;
use crate::calendar::PartStat;
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::io::store::{Card, Store, StoreError};
use crate::io::{clock, originals};
use crate::journal::{Answer, Decision, Effect, Returned, SpeakingAct, SpeakingStep, SuppressionReason};
use crate::mail::AddrSpec;

/// Cards read at once.
const PAGE: usize = 100;
/// Lines of an original that are shown.
const SHOWN: usize = 200;

pub(super) async fn run(path: &Path, typed: &cli::Triage) -> Result<Exit, Stopped> {
    if !Store::path_in(path).exists() {
        return Err(StoreError::Absent(path.to_owned()).into());
    }
    let decision = decision(typed);
    match (typed.card, decision) {
        (Some(number), Some(decision)) => {
            let store = Store::open_reading(path).await?;
            let Some(card) = store.cards(Some(number), 0, 1).await?.pop() else {
                let cure = format!("`convoke {}triage --list` shows what waits", in_folder(path));
                return Err(Stopped::Usage(format!("number {number} does not wait for anybody; {cure}")));
            };
            drop(store);
            println!("{}", settle(path, &card, decision, &Words::of(typed)).await?);
            Ok(Exit::Done)
        }
        (None, Some(_)) => Err(Stopped::Usage("a decision is about one message; type its number".to_owned())),
        (number, None) if typed.list || typed.json => list(path, number, typed.json).await,
        (number, None) => one_by_one(path, number, typed).await,
    }
}

fn decision(typed: &cli::Triage) -> Option<Decision> {
    [
        (typed.accepted, Decision::Accepted),
        (typed.tentative, Decision::Tentative),
        (typed.delegated, Decision::Delegated),
        (typed.declined, Decision::Declined),
        (typed.bounce, Decision::Bounce),
        (typed.unsubscribe, Decision::Unsubscribe),
        (typed.speaker, Decision::Speaker),
        (typed.call, Decision::Call),
        (typed.none, Decision::Nothing),
    ]
    .into_iter()
    .find_map(|(is_set, decision)| is_set.then_some(decision))
}

/// What a person adds to a decision.
#[derive(Clone, Debug, Default)]
struct Words {
    entity: Option<String>,
    session: Option<String>,
    persons: Option<u32>,
    comment: String,
    name: String,
}

impl Words {
    fn of(typed: &cli::Triage) -> Self {
        Self {
            entity: typed.entity.clone(),
            session: typed.session.clone(),
            persons: typed.persons,
            comment: typed.comment.clone(),
            name: typed.name.clone(),
        }
    }
}

async fn list(path: &Path, number: Option<i64>, as_json: bool) -> Result<Exit, Stopped> {
    let store = Store::open_reading(path).await?;
    let mut out = std::io::stdout().lock();
    let (mut after, mut n) = (0, 0_u64);
    loop {
        let cards = store.cards(number, after, PAGE).await?;
        let Some(last) = cards.last() else { break };
        after = last.id;
        n += cards.len() as u64;
        for card in &cards {
            if as_json {
                writeln!(out, "{}", card_json(card))?;
            } else {
                writeln!(out, "{:>6}  {}", card.id, in_one_line(card))?;
            }
        }
    }
    if !as_json {
        match n {
            0 => writeln!(out, "nothing waits for anybody")?,
            n => writeln!(
                out,
                "{} for `convoke {}triage`, which shows one after the other",
                count(n, "message waits", "messages wait"),
                in_folder(path)
            )?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// A question for each card, until there are no more or the person has enough.
async fn one_by_one(path: &Path, number: Option<i64>, typed: &cli::Triage) -> Result<Exit, Stopped> {
    let mut input = std::io::stdin().lock();
    let mut ask = |question: &str| -> std::io::Result<Option<String>> {
        print!("{question}");
        std::io::stdout().flush()?;
        let mut line = String::new();
        Ok((input.read_line(&mut line)? > 0).then(|| line.trim().to_owned()))
    };
    let (mut after, mut decided, mut skipped) = (0, 0_u64, 0_u64);
    'cards: loop {
        let store = Store::open_reading(path).await?;
        let waiting = store.count_cards().await?;
        let Some(card) = store.cards(number, after, 1).await?.pop() else { break };
        drop(store);
        after = card.id;
        print!("{}", page(&card, waiting.saturating_sub(skipped)));
        loop {
            let keys = "a accepts, t perhaps, g sends another, d declines, b not delivered, u wants no mail, s wants the floor, \
                        c wants a call, n nothing; o original, k skip, q quit";
            let suggested = card.suggestion.map(|decision| format!(" [{}?]", key_of(decision))).unwrap_or_default();
            let Some(answer) = ask(&format!("{keys}{suggested} > "))? else { break 'cards };
            let decision = match answer.to_lowercase().as_str() {
                "a" => Decision::Accepted,
                "t" => Decision::Tentative,
                "g" => Decision::Delegated,
                "d" => Decision::Declined,
                "b" => Decision::Bounce,
                "u" => Decision::Unsubscribe,
                "s" => Decision::Speaker,
                "c" => Decision::Call,
                "n" => Decision::Nothing,
                "o" => {
                    println!("{}", original(path, &card)?);
                    continue;
                }
                // A key that was pressed by a slip decides nothing.
                "k" | "" => {
                    skipped += 1;
                    break;
                }
                "q" => break 'cards,
                other => {
                    println!("`{}` is none of them", one_line(other));
                    continue;
                }
            };
            let mut words = Words::of(typed);
            if needs_entity(decision) && card.entity.is_empty() && words.entity.is_none() {
                words.entity =
                    ask("of which entity? a part of its name, or an address > ")?.filter(|name| !name.is_empty());
            }
            if is_answer(decision)
                && let store = Store::open_reading(path).await?
                && asks_for_session(path, &store, &card, &words).await?
            {
                let ids = note::sessions(path, &store).await?.join(", ");
                words.session = ask(&format!("to which session? {ids} > "))?.filter(|id| !id.is_empty());
            }
            if matches!(decision, Decision::Accepted | Decision::Tentative) && words.persons.is_none() {
                let announced = persons(&card);
                let usual = announced.map(|n| format!(" [{n}]")).unwrap_or_default();
                let answer = ask(&format!("how many persons?{usual} > "))?.unwrap_or_default();
                words.persons = if answer.is_empty() {
                    announced
                } else if let Some(n) = answer.parse().ok().filter(|n| (1..=10_000).contains(n)) {
                    Some(n)
                } else {
                    println!("`{}` is no number of persons", one_line(&answer));
                    continue;
                };
            }
            if decision == Decision::Speaker && words.name.is_empty() {
                words.name = ask("who will speak? (may stay empty) > ")?.unwrap_or_default();
            }
            match settle(path, &card, decision, &words).await {
                Ok(said) => {
                    println!("{said}\n");
                    decided += 1;
                    break;
                }
                Err(Stopped::Usage(fault)) => println!("{fault}"),
                Err(other) => return Err(other),
            }
        }
    }
    let left = Store::open_reading(path).await?.count_cards().await?;
    println!("{} decided, {left} left", count(decided, "message", "messages"));
    Ok(Exit::Done)
}

/// Writes a decision down with what follows from it; gives what was done, in words.
async fn settle(path: &Path, card: &Card, decision: Decision, words: &Words) -> Result<String, Stopped> {
    let now = clock::now();
    let store = Store::open(path, now.as_millisecond()).await?;
    if super::folder::read_event_file(path).is_ok_and(|(file, _)| file.records.hashed) {
        store.hash_suppressed().await?;
    }
    let by = note::who_records();
    let (entity, recipient) = match &words.entity {
        Some(typed) => note::find(&store, typed).await?.map_err(|fault| Stopped::Usage(fault.in_words()))?,
        None => (card.entity.clone(), card.recipient.as_ref().map(|(id, _)| *id)),
    };
    if entity.is_empty() && needs_entity(decision) {
        return Err(Stopped::Usage("nobody knows whose it is; name the entity with --entity".to_owned()));
    }
    let summary: Value = serde_json::from_str(&card.summary).unwrap_or_default();
    let said = said(card, &summary).min(now);
    let mut effects = Vec::new();
    let mut done = format!("{entity}: {}", decision.as_str());
    match decision {
        Decision::Accepted | Decision::Tentative | Decision::Delegated | Decision::Declined => {
            let revision = revision(path, &store, card, words, &entity).await?;
            let own = summary["words"].as_str().unwrap_or_default();
            let comment = if words.comment.is_empty() { own } else { words.comment.as_str() };
            effects.push(Effect::Answer(Box::new(Answer {
                entity: entity.clone(),
                recipient,
                partstat: partstat(decision),
                persons: words.persons.filter(|_| decision != Decision::Declined),
                comment: comment.chars().take(2000).collect(),
                source: if card.kind == "letter" { "letter" } else { "mail" }.to_owned(),
                by: by.clone(),
                is_note: true,
                attendee: card.actor.clone(),
                sequence: None,
                dtstamp: None,
                said,
                recorded: now,
                revision,
                evidence: card.digest.clone(),
                level: card.level,
                applies: true,
            })));
        }
        Decision::Bounce => {
            let dispatch = match (card.dispatch, recipient) {
                (Some(dispatch), _) => Some(dispatch),
                (None, Some(recipient)) => store.last_reached(recipient).await?,
                (None, None) => None,
            };
            let Some(dispatch) = dispatch else {
                let cure = "name the mailbox with --entity ADDRESS";
                return Err(Stopped::Usage(format!(
                    "no message to it may have arrived, or its mailbox is not known; {cure}"
                )));
            };
            let report = &summary["recipients"][0];
            let text = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
            let class = Some(text("class")).filter(|class| !class.is_empty()).unwrap_or_else(|| "other".to_owned());
            let diagnostic =
                Some(text("diagnostic")).filter(|text| !text.is_empty()).unwrap_or_else(|| words.comment.clone());
            let (status, is_final) = (text("status"), true);
            effects.push(Effect::Returned(Returned { dispatch, class, status, diagnostic, is_final, said }));
            done = format!("{entity}: its message was not delivered");
        }
        Decision::Unsubscribe => {
            let known = recipient.filter(|_| words.entity.is_none()).and(card.recipient.as_ref());
            let written = words.entity.as_deref().or_else(|| known.map(|(_, address)| address.as_str()));
            let written = written.or_else(|| summary["from"].as_str()).unwrap_or_default();
            let Ok(address) = AddrSpec::parse(written.trim()) else {
                return Err(Stopped::Usage("whose address is meant? name it with --entity ADDRESS".to_owned()));
            };
            done = format!("{address}: must not be written to");
            let note = Some(words.comment.clone())
                .filter(|note| !note.is_empty())
                .unwrap_or_else(|| "asked by mail".to_owned());
            effects.push(Effect::Suppress { address, reason: SuppressionReason::Unsubscribe, note });
        }
        Decision::Speaker => {
            let act = SpeakingAct::Inscribe { speaker: words.name.clone(), rank: String::new(), minutes: None };
            let step =
                SpeakingStep { entity: entity.clone(), act, reason: String::new(), by: "mail".to_owned(), at: said };
            // Before the card is settled: doing it twice changes nothing, forgetting it would.
            store.note_speaking(&step, now.as_millisecond()).await?;
            done = format!("{entity}: on the speaking list");
        }
        Decision::Call => {
            let whom = if entity.is_empty() { "whoever wrote it" } else { entity.as_str() };
            done = format!("{whom}: asks for a call; `convoke {}status` names them", in_folder(path));
        }
        Decision::Nothing => "nothing that concerns the event".clone_into(&mut done),
    }
    store.decide(card.id, decision, &by, &effects, now).await?;
    Ok(format!("number {}: {done}", card.id))
}

fn needs_entity(decision: Decision) -> bool {
    match decision {
        Decision::Accepted | Decision::Tentative | Decision::Delegated | Decision::Declined | Decision::Speaker => true,
        Decision::Bounce | Decision::Unsubscribe | Decision::Call | Decision::Nothing => false,
    }
}

fn partstat(decision: Decision) -> PartStat {
    match decision {
        Decision::Accepted => PartStat::Accepted,
        Decision::Tentative => PartStat::Tentative,
        Decision::Delegated => PartStat::Delegated,
        Decision::Declined => PartStat::Declined,
        Decision::Bounce | Decision::Unsubscribe | Decision::Speaker | Decision::Call | Decision::Nothing => {
            PartStat::NeedsAction
        }
    }
}

fn key_of(decision: Decision) -> char {
    match decision {
        Decision::Accepted => 'a',
        Decision::Tentative => 't',
        Decision::Delegated => 'g',
        Decision::Declined => 'd',
        Decision::Bounce => 'b',
        Decision::Unsubscribe => 'u',
        Decision::Speaker => 's',
        Decision::Call => 'c',
        Decision::Nothing => 'n',
    }
}

fn is_answer(decision: Decision) -> bool {
    matches!(decision, Decision::Accepted | Decision::Tentative | Decision::Delegated | Decision::Declined)
}

/// Whether no message says of which session an answer is: it answers none, or a letter to all.
async fn asks_for_session(path: &Path, store: &Store, card: &Card, words: &Words) -> Result<bool, Stopped> {
    let is_said = words.session.is_some() || (!card.session.is_empty() && words.entity.is_none());
    Ok(!is_said && !note::sessions(path, store).await?.is_empty())
}

/// The state of the event, or of a session, that an answer is to: what the message says that it answers, unless a person
/// knows better.
async fn revision(path: &Path, store: &Store, card: &Card, words: &Words, entity: &str) -> Result<u32, Stopped> {
    if let Some(dispatch) = card.dispatch.filter(|_| words.entity.is_none() && words.session.is_none())
        && !asks_for_session(path, store, card, words).await?
    {
        return Ok(store.revision_of(dispatch).await?);
    }
    store.look_at(&note::the_session(path, store, words.session.as_deref()).await?);
    let known = store.known_revision(entity).await;
    store.look_at("");
    Ok(known?)
}

/// When it was written, as far as it says; else when it came.
fn said(card: &Card, summary: &Value) -> Timestamp {
    summary["date"].as_str().and_then(|date| date.parse().ok()).unwrap_or(card.received)
}

/// How many its words or its calendar announce.
fn persons(card: &Card) -> Option<u32> {
    let summary: Value = serde_json::from_str(&card.summary).ok()?;
    let guests = summary["calendar"][0]["guests"].as_u64().map(|guests| guests + 1);
    let announced = summary["persons"].as_u64().or(guests)?;
    u32::try_from(announced).ok().filter(|n| (1..=10_000).contains(n))
}

/// One card for a person.
fn page(card: &Card, waiting: u64) -> String {
    let summary: Value = serde_json::from_str(&card.summary).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(one_line).filter(|text| !text.is_empty());
    let mut page = format!("number {}, {} waiting\n", card.id, waiting);
    let mut line = |name: &str, value: &str| page.push_str(&format!("  {name:<11} {}\n", one_line(value)));
    line("taken for", &format!("{}: {}", card.kind, text(&summary["because"]).unwrap_or_default()));
    for (name, key) in [("from", "from"), ("subject", "subject"), ("date", "date")] {
        if let Some(value) = text(&summary[key]) {
            line(name, &value);
        }
    }
    let level = card.level.map_or_else(|| "unknown".to_owned(), |level| level.to_string());
    match &card.recipient {
        Some((_, address)) => line("of", &format!("{} ({address}), {level}: {}", card.entity, card.rule)),
        None => line("of", "nobody on the lists"),
    }
    if !card.session.is_empty() {
        line("session", &card.session);
    }
    if !card.actor.is_empty() {
        line("acted", &card.actor);
    }
    if !card.flags.is_empty() {
        line("look", &card.flags.replace(' ', ", "));
    }
    for answer in summary["calendar"].as_array().into_iter().flatten() {
        let who = text(&answer["attendee"]).unwrap_or_else(|| "nobody named".to_owned());
        let what = text(&answer["partstat"]).unwrap_or_else(|| "no known answer".to_owned());
        line("calendar", &format!("{} of {who}: {what}", text(&answer["method"]).unwrap_or_default()));
        if let (Some(start), Some(end)) = (text(&answer["proposed"]["start"]), text(&answer["proposed"]["end"])) {
            line("proposes", &format!("{start} to {end}"));
        }
        if let Some(place) = text(&answer["location"]) {
            line("at", &place);
        }
        if let Some(comment) = text(&answer["comment"]) {
            line("comment", &comment);
        }
    }
    for report in summary["recipients"].as_array().into_iter().flatten() {
        let who = text(&report["recipient"]).unwrap_or_else(|| "nobody named".to_owned());
        line("reports", &format!("{who}: {}", text(&report["class"]).unwrap_or_default()));
        if let Some(diagnostic) = text(&report["diagnostic"]) {
            line("", &diagnostic);
        }
    }
    for (n, words) in summary["words"].as_str().unwrap_or_default().lines().take(SHOWN).enumerate() {
        line(if n == 0 { "words" } else { "" }, words);
    }
    if let Some(decision) = card.suggestion {
        let why = text(&summary["suggested_by"]).map(|why| format!(" ({why})")).unwrap_or_default();
        line("perhaps", &format!("{}{why}", decision.as_str()));
    }
    page
}

fn in_one_line(card: &Card) -> String {
    let summary: Value = serde_json::from_str(&card.summary).unwrap_or_default();
    let whose = if card.entity.is_empty() { "nobody on the lists" } else { card.entity.as_str() };
    let from = summary["from"].as_str().unwrap_or("nobody named");
    let subject = summary["subject"].as_str().unwrap_or_default();
    let perhaps = card.suggestion.map(|decision| format!("; perhaps {}", decision.as_str())).unwrap_or_default();
    let flags = if card.flags.is_empty() { String::new() } else { format!(" ({})", card.flags.replace(' ', ", ")) };
    one_line(&format!("{}{flags} of {whose}, from {from}: {subject}{perhaps}", card.kind))
}

fn card_json(card: &Card) -> Value {
    let mut json = json!({
        "id": card.id,
        "kind": card.kind,
        "level": card.level.map_or("unknown", |level| level.as_str()),
        "entity": card.entity,
        "address": card.recipient.as_ref().map(|(_, address)| address),
        "rule": card.rule,
        "actor": card.actor,
        "flags": card.flags.split_ascii_whitespace().collect::<Vec<_>>(),
        "suggestion": card.suggestion.map(|decision| decision.as_str()),
        "received": card.received.to_string(),
        "source": card.source,
        "message_id": card.message_id,
        "original": Some(&card.original).filter(|name| !name.is_empty()),
        "read": serde_json::from_str::<Value>(&card.summary).unwrap_or_default(),
    });
    if !card.session.is_empty() {
        json["session"] = json!(card.session);
    }
    json
}

/// The message itself, where it is kept; otherwise where to find it.
fn original(path: &Path, card: &Card) -> Result<String, Stopped> {
    let kept = match card.original.is_empty() {
        true => None,
        false => originals::read(path, &card.original)?,
    };
    Ok(match kept {
        Some(octets) => {
            let text = String::from_utf8_lossy(&octets);
            let lines: Vec<String> = text.lines().take(SHOWN).map(one_line).collect();
            let more =
                if text.lines().nth(SHOWN).is_some() { format!("\n… in {}", card.original) } else { String::new() };
            format!("{}{more}", lines.join("\n"))
        }
        None => {
            let id =
                card.message_id.as_deref().map(|id| format!(", Message-ID <{}>", one_line(id))).unwrap_or_default();
            format!(
                "it lies where it was read: {}{id}; keep = \"triage\" under [replies] keeps the next ones",
                card.source
            )
        }
    })
}

/// Others' words, as a terminal may show them.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
