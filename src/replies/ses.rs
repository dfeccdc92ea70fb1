//! Notifications of Amazon SES as a topic (SNS) mails them: JSON in place of a report.
//!
//! What: [`read`]: `Bounce`, `Complaint`, `Delivery` and `DeliveryDelay`. Standards: none; Amazon SES developer guide, "Amazon SNS
//! notification contents". Not here: the delivery status notifications that SES sends otherwise (`dsn`).
//! Called by: `replies::read`. Can fail: nothing. Read by its keys and not by a JSON parser, because the mail on its way breaks lines
//! inside strings.

use super::mail::Mail;
use super::reading::{Action, Class, Kind};

/// What a notification says of one recipient.
#[derive(Debug)]
pub(super) struct Told {
    /// The address.
    pub(super) address: String,
    /// `action`.
    pub(super) action: Option<String>,
    /// `status`.
    pub(super) status: Option<String>,
    /// `diagnosticCode`.
    pub(super) diagnostic: Option<String>,
}

/// A notification.
#[derive(Debug)]
pub(super) struct Notification {
    /// What it is.
    pub(super) kind: Kind,
    /// What it means for those it names.
    pub(super) action: Option<Action>,
    /// The class, where the kind alone tells it.
    pub(super) class: Option<Class>,
    /// Whom it names.
    pub(super) told: Vec<Told>,
    /// Message-ID among the original's headers.
    pub(super) message_id: Option<String>,
}

/// Recipients read of one notification.
const MOST: usize = 50;

/// A notification, or nothing.
pub(super) fn read(mail: &Mail<'_>) -> Option<Notification> {
    let text = mail.text();
    let start = text.trim_start();
    if !start.starts_with('{') {
        return None;
    }
    let object: String = start.chars().take(256 * 1024).filter(|c| !matches!(c, '\r' | '\n')).collect();
    // Inside an envelope the notification is a string, and its strings are escaped once more.
    let object = object.replace("\\\"", "\"").replace("\\\\", "\\");
    let word = value(&object, "notificationType").or_else(|| value(&object, "eventType"))?;
    let (kind, action, class, list) = match word.as_str() {
        "Bounce" => (Kind::Bounce, Some(Action::Failed), None, "bouncedRecipients"),
        "DeliveryDelay" => (Kind::Bounce, Some(Action::Delayed), None, "delayedRecipients"),
        "Delivery" => (Kind::Bounce, Some(Action::Delivered), Some(Class::Arrived), "recipients"),
        "Complaint" => (Kind::Complaint, None, Some(Class::Complaint), "complainedRecipients"),
        _ => return None,
    };
    let mut told = Vec::new();
    if let Some(array) = array(&object, list) {
        for piece in array.split('}').take(MOST) {
            if let Some(address) = value(piece, "emailAddress") {
                told.push(Told {
                    address,
                    action: value(piece, "action"),
                    status: value(piece, "status"),
                    diagnostic: value(piece, "diagnosticCode"),
                });
            }
        }
        if told.is_empty() {
            let plain = array.split('"').skip(1).step_by(2).filter(|text| text.contains('@')).take(MOST);
            told =
                plain.map(|a| Told { address: a.to_owned(), action: None, status: None, diagnostic: None }).collect();
        }
    }
    let message_id = object
        .find("\"name\":\"Message-ID\"")
        .or_else(|| object.find("\"name\":\"Message-Id\""))
        .and_then(|at| value(&object[at..], "value"))
        .map(|id| id.trim_matches(['<', '>', ' ']).to_owned());
    Some(Notification { kind, action, class, told, message_id })
}

/// The string behind a key.
fn value(object: &str, key: &str) -> Option<String> {
    let at = object.find(&format!("\"{key}\""))?;
    let rest = object[at + key.len() + 2..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let end = rest.find('"')?;
    Some(rest[..end].to_owned())
}

/// The text of the array behind a key, up to its end.
fn array<'o>(object: &'o str, key: &str) -> Option<&'o str> {
    let at = object.find(&format!("\"{key}\""))?;
    let rest = object[at + key.len() + 2..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')?;
    rest.find(']').map(|end| &rest[..end])
}
