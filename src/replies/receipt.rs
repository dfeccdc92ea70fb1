//! Receipts: what a recipient's program did with a message.
//!
//! What: [`read`]; `displayed` is a receipt, `deleted`, `denied`, `failed` and `error` by a program are a rejection (Sieve `reject` is sent
//! so, RFC 5429 section 2.2). Standards: RFC 8098. Not here: delivery status. Called by: `replies::read`.
//! Can fail: nothing. "Read" says nothing about coming.

use super::diagnosis::{diagnose, words_of};
use super::fields::blocks;
use super::mail::Mail;
use super::reading::{Action, Class, Kind, Reading, Report, WrittenAddress};
use crate::mail::EnhancedCode;

/// A receipt or a rejection in its form, or nothing.
pub(super) fn read(mail: &Mail<'_>) -> Option<Reading> {
    let part = mail.parts().find(|part| {
        part.is("message", "disposition-notification") || part.is("message", "global-disposition-notification")
    })?;
    let block = blocks(&part.text()).into_iter().next().unwrap_or_default();
    let disposition = block.get("disposition").unwrap_or_default().to_ascii_lowercase();
    // `automatic-action/MDN-sent-automatically; deleted/error`
    let (mode, kind) = disposition.split_once(';').unwrap_or(("", &disposition));
    let is_automatic = mode.trim_start().starts_with("automatic-action");
    let kind = kind.trim();
    let is_rejected = ["failed", "denied", "error"].iter().any(|word| kind.contains(word))
        || is_automatic && (kind.starts_with("deleted") || kind.starts_with("dispatched"))
        || is_automatic && mode.contains("mdn-sent-automatically") && kind.starts_with("deleted");
    let recipient =
        block.typed("final-recipient").or_else(|| block.typed("original-recipient")).and_then(WrittenAddress::new);
    let original_recipient = block.typed("original-recipient").and_then(WrittenAddress::new);
    let text = mail.text();
    let (reading_kind, because) = if is_rejected {
        (Kind::Bounce, "a receipt says that the recipient's rules refused the message")
    } else {
        (Kind::Receipt, "it has a machine-readable receipt")
    };
    let words = words_of(&text[..(0..=text.len().min(4000)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)]);
    let class = match (is_rejected, diagnose(&words, None)) {
        (false, _) => Class::Arrived,
        (true, Class::Other) => Class::Filtered,
        (true, class) => class,
    };
    let mut reading = Reading::new(reading_kind, because);
    reading.reports.push(Report {
        recipient,
        original_recipient,
        action: Some(if is_rejected { Action::Failed } else { Action::Delivered }),
        status: is_rejected.then_some(EnhancedCode { class: 5, subject: 7, detail: 1 }),
        smtp_code: None,
        diagnostic: (!kind.is_empty()).then(|| kind.to_owned()),
        class,
        is_dead: Some(is_rejected && class.is_dead()),
        remote_mta: None,
    });
    reading.original_message_id = block
        .get("original-message-id")
        .and_then(|value| super::head::ids_in(value).into_iter().next())
        .or_else(|| mail.returned().find_map(|one| one.head().ids("Message-ID").into_iter().next()))
        .or_else(|| mail.head().ids("In-Reply-To").into_iter().next());
    Some(reading)
}
