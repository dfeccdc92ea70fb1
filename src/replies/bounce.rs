//! Reports that a message did not arrive, or did.
//!
//! What: [`read`], from a message to its reports, or nothing if it is no bounce. Standards: RFC 3464 and 6533 where a program keeps
//! to them; `X-Failed-Recipients` (Exim, Google); prose otherwise. Not here: complaints, receipts, auto-replies.
//! Called by: `replies::read`. Can fail: nothing.

use super::cause::{Whole, report};
use super::dsn::{self, Status, code_in};
use super::fields::untyped;
use super::head::Head;
use super::mail::Mail;
use super::notices;
use super::phrases::folded;
use super::prose::Notice;
use super::reading::{Action, Kind, Reading};
use super::ses;
use super::whom::{Original, completed};

/// A bounce's reports, or nothing.
pub(super) fn read(mail: &Mail<'_>) -> Option<Reading> {
    if let Some(notification) = ses::read(mail) {
        return Some(notified(notification));
    }
    let head = mail.head();
    let statuses = dsn::statuses(mail);
    let text = mail.text();
    let notice = Notice::new(&text);
    let because = why(mail, &statuses, &notice)?;
    let asks =
        folded(&format!("{} {}", head.text("From").unwrap_or_default(), head.text("Subject").unwrap_or_default()));
    let kind = if notices::is_challenge(&asks) { Kind::Challenge } else { Kind::Bounce };
    let original = Original::of(mail, &notice);
    let statuses = completed(head, statuses, &notice, &original);
    let mut reading = Reading::new(
        kind,
        if kind == Kind::Challenge { "a program wants the sender to prove to be a person" } else { because },
    );
    let others: Vec<&str> = statuses.iter().filter_map(|status| status.recipient.as_deref()).collect();
    let subject = head.text("Subject").unwrap_or_default();
    let whole = Whole::new(&notice, &subject);
    for status in &statuses {
        let mut rest = others.clone();
        rest.retain(|other| Some(*other) != status.recipient.as_deref());
        let about = status.recipient.as_deref().map(|address| notice.about(address, &rest)).unwrap_or_default();
        reading.reports.push(report(status, &about, &whole, statuses.len() == 1));
    }
    reading.original_message_id = original.message_id();
    Some(reading)
}

/// The reading of an Amazon SES notification.
fn notified(notification: ses::Notification) -> Reading {
    let mut reading = Reading::new(notification.kind, "it is a notification of Amazon SES");
    let whole = Whole::new(&Notice::new(""), "");
    for told in notification.told {
        let status = Status {
            recipient: Some(told.address),
            action: told.action.as_deref().and_then(Action::parse).or(notification.action),
            code: told.status.as_deref().and_then(code_in),
            diagnostic: told.diagnostic.as_deref().map(|text| untyped(text).to_owned()),
            ..Status::default()
        };
        let mut report = report(&status, "", &whole, true);
        if let Some(class) = notification.class {
            (report.class, report.is_dead) = (class, Some(false));
        }
        if notification.kind == Kind::Complaint {
            (report.action, report.status) = (None, None);
        }
        reading.reports.push(report);
    }
    reading.original_message_id = notification.message_id;
    reading
}

/// What decides that it is a bounce; `None`: it is none.
fn why(mail: &Mail<'_>, statuses: &[Status], notice: &Notice<'_>) -> Option<&'static str> {
    if statuses.iter().any(|status| status.action.is_some() || status.code.is_some()) {
        return Some("it has a machine-readable delivery status");
    }
    if dsn::has_status(mail) && !statuses.is_empty() {
        return Some("it has a machine-readable delivery status");
    }
    let head = mail.head();
    if head.has("X-Failed-Recipients") {
        return Some("its head names failed recipients");
    }
    let from = folded(&head.text("From").unwrap_or_default());
    let subject = folded(&head.text("Subject").unwrap_or_default());
    let return_path = head.plain("Return-Path").map(|path| path.trim().to_ascii_lowercase());
    let is_null = return_path.as_deref().is_some_and(|path| path == "<>" || path.starts_with("<mailer-daemon"));
    // `From: <>` is no person's either.
    let is_system = notices::is_system(&from) || from.trim() == "<>";
    let is_report = mail.parameter("report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status"));
    let is_failure = head.plain("Auto-Submitted").is_some_and(|value| value.to_ascii_lowercase().contains("failure"));
    let signs =
        usize::from(is_null) + 2 * usize::from(is_system) + 2 * usize::from(is_report) + 2 * usize::from(is_failure);
    if signs == 0 && !subject_is_clear(&subject) {
        return None;
    }
    if signs < 2 && is_absence(head, &subject) {
        return None;
    }
    let is_subject = notices::is_subject(&subject);
    let has_original = notice.original.is_some() || mail.returned().next().is_some();
    let mut said = folded(notice.text);
    if said.len() > 16_000 {
        let end = (0..=16_000).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        said.truncate(end);
    }
    let is_text = notices::is_text(&said);
    match (signs, is_subject, is_text) {
        (2.., true, _) => Some("a mail system wrote it and its subject tells of failed delivery"),
        (2.., _, true) => Some("a mail system wrote it and its text tells of failed delivery"),
        (1, _, true) if has_original => Some("it has no return path, tells of failed delivery and returns a message"),
        (1, true, true) => Some("it has no return path, and its subject and text tell of failed delivery"),
        (0, true, true) => Some("its subject and text tell of failed delivery in a program's words"),
        _ => None,
    }
}

/// Subjects that no person writes; the only sign where a gateway wrote the head anew.
fn subject_is_clear(subject: &str) -> bool {
    notices::is_subject(subject)
        && !subject.starts_with("re:")
        && !subject.starts_with("fwd:")
        && !subject.starts_with("fw:")
}

/// Words and fields of programs that answer for an absent person.
fn is_absence(head: &Head<'_>, subject: &str) -> bool {
    let is_automatic =
        ["X-Autoreply", "X-Autorespond", "X-Mail-Autoreply", "X-Autogenerated", "X-MS-Exchange-Inbox-Rules-Loop"]
            .iter()
            .any(|name| head.has(name));
    let precedence = head.plain("Precedence").unwrap_or_default().to_ascii_lowercase();
    let submitted = head.plain("Auto-Submitted").unwrap_or_default().to_ascii_lowercase();
    is_automatic
        || precedence.contains("auto_reply")
        || submitted.contains("vacation")
        || [
            "out of office",
            "automatic reply",
            "auto reply",
            "autoreply",
            "auto-reply",
            "vacation",
            "abwesen",
            "away from",
        ]
        .iter()
        .any(|word| subject.contains(word))
}
