//! `convoke replies`: mail that came back, read and recorded, or only explained.
//!
//! What: [`run`]; `--explain` says what a message is taken for and why, and touches no folder and no journal. Not here: the
//! collecting loop (`collect`), the look at sources (`check`). Called by: `command`. Can fail: as those do; where a message is
//! handed to us on standard input, every failure asks to try again later, so that the mail system keeps the message.

mod check;
mod collect;
mod tally;

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli;
use crate::exit::{Exit, Stopped, print_trouble};
use crate::input::replies::Source;
use crate::io::messages;
use crate::journal::Trust;
use crate::replies::{self, Answer, Judged, Kind, Reading, Report};

pub(super) async fn run(path: &Path, typed: &cli::Replies) -> Result<Exit, Stopped> {
    if typed.explain {
        return explain(typed);
    }
    if typed.check {
        return check::run(path, typed).await;
    }
    let is_handed_over = collect::typed_sources(typed)?.contains(&Source::Input);
    match collect::run(path, typed).await {
        // RFC 3463 X.3.0 in sysexits: any other code would return the message to whoever answered us.
        Err(stopped) if is_handed_over => Err(Stopped::Later(Box::new(stopped))),
        ended => ended,
    }
}

fn explain(typed: &cli::Replies) -> Result<Exit, Stopped> {
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    for name in &typed.files {
        for path in messages::list(name)? {
            let octets = match messages::read(&path) {
                Ok(octets) => octets,
                Err(error) => {
                    print_trouble(&error);
                    exit = Exit::InputOutput;
                    continue;
                }
            };
            let reading = replies::read(&octets);
            if typed.json {
                serde_json::to_writer(&mut out, &in_json(&path.display().to_string(), &reading))
                    .map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            } else {
                out.write_all(page(&path, &reading).as_bytes())?;
            }
        }
    }
    out.flush()?;
    Ok(exit)
}

fn in_json(place: &str, reading: &Reading) -> Value {
    let mut recipients: Vec<Value> = reading.reports.iter().map(report).collect();
    if let (Kind::AutoReply | Kind::Challenge | Kind::Unsubscribe, [], Some(from)) =
        (reading.kind, &recipients[..], &reading.from)
    {
        recipients
            .push(json!({ "recipient": from.as_str(), "original_recipient": null, "action": null, "status": null,
            "smtp_code": null, "class": null, "hard": false, "diagnostic": null, "remote_mta": null }));
    }
    json!({
        "file": place,
        "kind": reading.kind.as_str(),
        "because": reading.because,
        "from": reading.from.as_ref().map(|from| from.as_str()),
        "subject": reading.subject,
        "date": reading.date.map(|date| date.to_string()),
        "message_id": reading.message_id,
        "original_message_id": reading.original_message_id,
        "recipients": recipients,
        "calendar": reading.answers.iter().map(answer).collect::<Vec<_>>(),
        "words": reading.words,
        "suggestion": reading.suggestion.map(|suggestion| suggestion.as_str()),
        "suggested_by": reading.suggested_by,
        "persons": reading.persons,
        "wants_floor": reading.wants_floor,
        "wants_call": reading.wants_call,
        "absence": reading.absence.as_ref().map(|absence| json!({
            "until": absence.until.map(|day| day.to_string()),
            "until_words": absence.until_words,
            "contact": absence.contact.as_ref().map(|address| address.as_str()),
        })),
        // Whose answer it is takes an event folder, which this command does without.
        "binding": null,
        "level": "unknown",
        "findings": reading.findings,
    })
}

/// The same, with whose it is and what followed.
fn bound_json(place: &str, reading: &Reading, judged: &Judged) -> Value {
    let mut object = in_json(place, reading);
    let bound = &judged.bound;
    object["level"] = Value::from(bound.level.map_or("unknown", Trust::as_str));
    object["binding"] = json!({
        "rule": bound.rule,
        "entity": bound.entity,
        "recipient": bound.recipient,
        "dispatch": bound.dispatch,
        "actor": bound.actor,
        "flags": bound.flags.split_ascii_whitespace().collect::<Vec<_>>(),
        "suggestion": bound.suggestion,
        "effects": bound.effects.len(),
    });
    object["state"] = Value::from(judged.state.as_str());
    object
}

fn report(report: &Report) -> Value {
    json!({
        "recipient": report.recipient.as_ref().map(|address| address.as_str()),
        "original_recipient": report.original_recipient.as_ref().map(|address| address.as_str()),
        "action": report.action.map(|action| action.as_str()),
        "status": report.status.map(|code| code.to_string()),
        "smtp_code": report.smtp_code,
        "class": report.class.as_str(),
        "hard": report.is_dead,
        "diagnostic": report.diagnostic,
        "remote_mta": report.remote_mta,
    })
}

fn answer(answer: &Answer) -> Value {
    let text = |address: &Option<replies::WrittenAddress>| address.as_ref().map(|address| address.as_str().to_owned());
    let texts = |list: &[replies::WrittenAddress]| list.iter().map(|a| a.as_str().to_owned()).collect::<Vec<_>>();
    json!({
        "method": answer.method.as_str(),
        "uid": answer.uid,
        "attendee": text(&answer.attendee),
        "cn": answer.cn,
        "sent_by": text(&answer.sent_by),
        "partstat": answer.partstat.map(|partstat| partstat.as_str()),
        "sequence": answer.sequence,
        "dtstamp": answer.dtstamp.map(|at| at.to_string()),
        "comment": answer.comment,
        "delegated_to": texts(&answer.delegated_to),
        "delegated_from": texts(&answer.delegated_from),
        "recurrence_id": answer.recurrence_id,
        "proposed": answer.proposed.map(|(start, end)| json!({ "start": start.to_string(), "end": end.to_string() })),
        "location": answer.location,
        "guests": answer.guests,
        "organizer": text(&answer.organizer),
    })
}

/// Control characters shown and not obeyed.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect()
}

/// One message for a person: a line each for what is known, control characters shown and not obeyed.
fn page(path: &Path, reading: &Reading) -> String {
    let mut page = format!("{}\n", path.display());
    let mut line = |name: &str, value: &str| {
        page.push_str(&format!("  {name:<11} {}\n", plain(value)));
    };
    line("taken for", &format!("{}: {}", reading.kind.as_str(), reading.because));
    if let Some(from) = &reading.from {
        line("from", from.as_str());
    }
    if let Some(subject) = &reading.subject {
        line("subject", subject);
    }
    if let Some(date) = reading.date {
        line("date", &date.to_string());
    }
    for report in &reading.reports {
        let address = report.recipient.as_ref().map_or("nobody named", |address| address.as_str());
        let mut facts = vec![report.class.as_str().to_owned()];
        facts.extend(report.action.map(|action| action.as_str().to_owned()));
        facts.extend(report.status.map(|code| code.to_string()));
        if report.is_dead == Some(true) {
            facts.push("the address is dead".to_owned());
        }
        line("recipient", &format!("{address} ({})", facts.join(", ")));
        if let Some(text) = &report.diagnostic {
            line("", text);
        }
    }
    for answer in &reading.answers {
        let who = answer.attendee.as_ref().map_or("nobody named", |address| address.as_str());
        let what = answer.partstat.map_or("no answer in it", |partstat| partstat.as_str());
        line("calendar", &format!("{} of {who}: {what}, {}", answer.method.as_str(), answer.uid));
        if let Some(comment) = &answer.comment {
            line("comment", comment);
        }
    }
    if let Some(words) = &reading.words {
        for (n, text) in words.lines().enumerate() {
            line(if n == 0 { "words" } else { "" }, text);
        }
    }
    if let Some(suggestion) = reading.suggestion {
        let because = reading.suggested_by.as_deref().map_or(String::new(), |because| format!(" ({because})"));
        line("suggestion", &format!("{}{because}", suggestion.as_str()));
    }
    if let Some(persons) = reading.persons {
        line("persons", &format!("{persons}, as it seems"));
    }
    if reading.wants_floor {
        line("floor", "asked for, as it seems");
    }
    if reading.wants_call {
        line("call", "asked for, as it seems");
    }
    if let Some(absence) = &reading.absence {
        if let Some(words) = &absence.until_words {
            let day = absence.until.map_or_else(|| "no certain day".to_owned(), |day| day.to_string());
            line("away", &format!("until {day} (`{words}`)"));
        }
        if let Some(contact) = &absence.contact {
            line("stands in", contact.as_str());
        }
    }
    for finding in &reading.findings {
        line("finding", finding);
    }
    page.push('\n');
    page
}
