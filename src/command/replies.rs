//! `convoke replies --explain`: what mail that came back is taken for, and why; no folder and no journal is touched.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli;
use crate::exit::{Exit, Stopped, print_trouble};
use crate::io::messages;
use crate::replies::{self, Answer, Kind, Reading, Report};

pub(super) fn run(typed: &cli::Replies) -> Result<Exit, Stopped> {
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
                serde_json::to_writer(&mut out, &in_json(&path, &reading)).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            } else {
                out.write_all(page(&path, &reading).as_bytes())?;
            }
        }
    }
    out.flush()?;
    Ok(exit)
}

fn in_json(path: &Path, reading: &Reading) -> Value {
    let mut recipients: Vec<Value> = reading.reports.iter().map(report).collect();
    if let (Kind::AutoReply | Kind::Challenge | Kind::Unsubscribe, [], Some(from)) =
        (reading.kind, &recipients[..], &reading.from)
    {
        recipients
            .push(json!({ "recipient": from.as_str(), "original_recipient": null, "action": null, "status": null,
            "smtp_code": null, "class": null, "hard": false, "diagnostic": null, "remote_mta": null }));
    }
    json!({
        "file": path.display().to_string(),
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
        // Whose answer it is takes an event folder, which this command does without.
        "binding": null,
        "level": "unknown",
        "findings": reading.findings,
    })
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

/// One message for a person: a line each for what is known, control characters shown and not obeyed.
fn page(path: &Path, reading: &Reading) -> String {
    let mut page = format!("{}\n", path.display());
    let mut line = |name: &str, value: &str| {
        let value: String = value.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect();
        page.push_str(&format!("  {name:<11} {value}\n"));
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
        line("suggestion", suggestion.as_str());
    }
    for finding in &reading.findings {
        line("finding", finding);
    }
    page.push('\n');
    page
}
