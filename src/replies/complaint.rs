//! Complaints: somebody pressed "this is spam", or a program reports abuse or a failed authentication.
//!
//! What: [`read`]. Standards: RFC 5965 (`message/feedback-report`), RFC 6591 (authentication failures), RFC 6650; the complaints
//! of Hotmail's JMRP and of forwarding providers, which have no report part. Not here: bounces. Called by: `replies::read`.
//! Can fail: nothing; providers redact the recipient, and then the returned `To` counts.

use super::address;
use super::fields::blocks;
use super::mail::Mail;
use super::phrases::folded;
use super::reading::{Class, Kind, Reading, Report, WrittenAddress};

/// Recipients kept of one complaint.
const MOST_RECIPIENTS: usize = 50;

/// A complaint, or nothing.
pub(super) fn read(mail: &Mail<'_>) -> Option<Reading> {
    let mut named: Vec<String> = Vec::new();
    let mut feedback = None;
    for part in mail.parts().filter(|part| part.is("message", "feedback-report")) {
        feedback.get_or_insert_default();
        for block in blocks(&part.text()) {
            for name in ["original-rcpt-to", "removal-recipient", "original-recipient"] {
                for value in block.all(name) {
                    named.extend(address::first(value));
                }
            }
            if let Some(kind) = block.get("feedback-type") {
                feedback = Some(kind.to_ascii_lowercase());
            }
        }
    }
    let because = match &feedback {
        Some(_) => "it has a machine-readable feedback report",
        None if is_forwarded_complaint(mail) => "a feedback loop sent back a message of ours",
        None => return None,
    };
    let returned: Vec<_> = mail.returned().collect();
    if named.is_empty() {
        for one in &returned {
            let head = one.head();
            for name in ["X-HmXmrOriginalRecipient", "To", "X-Original-To", "Delivered-To"] {
                named.extend(head.addresses(name).into_iter().filter(|a| a.contains('@')));
                if !named.is_empty() {
                    break;
                }
            }
        }
    }
    if named.is_empty() {
        // Hotmail puts the recipient into the complaint's own head.
        named.extend(mail.head().addresses("X-HmXmrOriginalRecipient"));
    }
    let mut reading = Reading::new(Kind::Complaint, because);
    named.truncate(MOST_RECIPIENTS);
    let mut known: Vec<String> = Vec::new();
    for address in named {
        if !known.iter().any(|other| other.eq_ignore_ascii_case(&address)) {
            known.push(address);
        }
    }
    let diagnostic = feedback.filter(|kind| !kind.is_empty());
    let report = |recipient: Option<WrittenAddress>| Report {
        recipient,
        original_recipient: None,
        action: None,
        status: None,
        smtp_code: None,
        diagnostic: diagnostic.clone(),
        class: Class::Complaint,
        is_dead: Some(false),
        remote_mta: None,
    };
    reading.reports = match known.is_empty() {
        true => vec![report(None)],
        false => known.iter().map(|address| report(WrittenAddress::new(address))).collect(),
    };
    reading.original_message_id = returned.iter().find_map(|one| one.head().ids("Message-ID").into_iter().next());
    Some(reading)
}

/// Complaints without a report part: staff@hotmail.com and the like send the message back as an attachment.
fn is_forwarded_complaint(mail: &Mail<'_>) -> bool {
    let head = mail.head();
    let from = folded(&head.text("From").unwrap_or_default());
    if head.has("X-HmXmrOriginalRecipient") || head.has("X-Loop-FBL") {
        return true;
    }
    let is_loop = [
        "staff@hotmail.com",
        "fbl@",
        "feedbackloop",
        "feedback-loop",
        "feedback@",
        "fbl-",
        "scomp@",
        "complaints@",
        "abuse-report",
        "email-abuse",
        "jmrp",
    ]
    .iter()
    .any(|word| from.contains(word));
    let subject = folded(&head.text("Subject").unwrap_or_default());
    let is_subject = [
        "complaint about message",
        "email feedback report",
        "feedback report",
        "abuse report",
        "spam report",
        "junk mail report",
        "complaint report",
    ]
    .iter()
    .any(|word| subject.contains(word));
    (is_loop || is_subject) && mail.returned().next().is_some()
}
