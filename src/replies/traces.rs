//! What may bind a message to one of ours.
//!
//! What: [`traces`]: addresses it was sent to, identifiers it refers to, identifiers of what it returns.
//! Standards: RFC 5322 section 3.6.4, RFC 3464 sections 2.2.1 and 2.3.1, RFC 8098 section 3.2.5 (Original-Message-ID).
//! Not here: whether they are ours (binding). Called by: `replies::read`. Can fail: nothing.

use super::answer::{address_of, calendars};
use super::head::{Head, ids_in};
use super::mail::Mail;
use super::reading::{Answer, Traces};

/// In the order in which they are to be believed: what the last server wrote comes before what the sender wrote.
const ADDRESS_FIELDS: [&str; 8] = [
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Delivered-To",
    "Original-Recipient",
    "To",
    "Cc",
];
/// Addresses and identifiers kept of each kind.
const MOST: usize = 50;

/// All traces of a message.
pub(super) fn traces(mail: &Mail<'_>) -> Traces {
    let mut traces = Traces::default();
    let head = mail.head();
    for name in ADDRESS_FIELDS {
        for address in head.addresses(name) {
            // `Original-Recipient: rfc822;address`
            let address = address.rsplit(';').next().unwrap_or(&address).trim().to_owned();
            add(&mut traces.addressed_to, address);
        }
    }
    for value in head.raw("Received") {
        if let Some(address) = received_for(&String::from_utf8_lossy(value)) {
            add(&mut traces.addressed_to, address);
        }
    }
    for returned in mail.returned() {
        of_returned(&mut traces, returned.head());
        for text in returned.calendars() {
            of_calendar(&mut traces, &text);
        }
    }
    for name in ["In-Reply-To", "References"] {
        // The last one is what was answered.
        for id in head.ids(name).into_iter().rev() {
            add(&mut traces.message_ids, id);
        }
    }
    for part in mail.parts() {
        let is_report = ["delivery-status", "global-delivery-status", "disposition-notification", "feedback-report"]
            .iter()
            .any(|subtype| part.is("message", subtype));
        if is_report {
            of_report(&mut traces, &part.text());
        } else if part.is("text", "calendar") || part.is("application", "ics") {
            of_calendar(&mut traces, &part.text());
        }
    }
    traces
}

fn add(list: &mut Vec<String>, one: String) {
    if list.len() < MOST && !one.is_empty() && !list.contains(&one) {
        list.push(one);
    }
}

/// Message-ID and References of a returned head.
pub(super) fn of_returned(traces: &mut Traces, head: &Head<'_>) {
    for id in head.ids("Message-ID") {
        add(&mut traces.message_ids, id);
    }
}

fn of_report(traces: &mut Traces, text: &str) {
    for line in text.lines().take(500) {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("Original-Envelope-Id") {
            add(&mut traces.envelope_ids, value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("Original-Message-ID") {
            for id in ids_in(value) {
                add(&mut traces.message_ids, id);
            }
        }
    }
}

fn of_calendar(traces: &mut Traces, text: &str) {
    for item in calendars(text).iter().flat_map(|calendar| &calendar.items) {
        if let Some(uid) = item.first("UID") {
            add(&mut traces.uids, uid.value.clone());
        }
        if let Some(organizer) = item.first("ORGANIZER").and_then(address_of) {
            add(&mut traces.organizers, organizer.as_str().to_owned());
        }
    }
}

impl Traces {
    /// Adds what answers refer to, wherever they were found (text, `winmail.dat`).
    pub(super) fn answer_to(&mut self, answers: &[Answer]) {
        for answer in answers {
            add(&mut self.uids, answer.uid.clone());
            if let Some(organizer) = &answer.organizer {
                add(&mut self.organizers, organizer.as_str().to_owned());
            }
        }
    }
}

/// The address in `Received: … for <address>`.
fn received_for(value: &str) -> Option<String> {
    let mut words = value.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("for"))?;
    let word = words.next()?.trim_matches(['<', '>', ';', '(', ')']);
    word.contains('@').then(|| word.to_owned())
}
