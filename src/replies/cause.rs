//! What became of a message for one recipient, and why.
//!
//! What: [`report`], from a status and the report's words to a [`Report`]; [`Whole`], what single sections leave out.
//! Standards: RFC 3464 section 2.3, RFC 3463. Not here: the tables (`diagnosis`), whom it is about (`whom`).
//! Called by: `bounce`. Can fail: nothing; what is not said is left out.

use std::borrow::Cow;

use super::diagnosis::{by_words, diagnose, usual_code, words_of};
use super::dsn::{Status, code_in};
use super::prose::Notice;
use super::reading::{Action, Class, Report, WrittenAddress};
use crate::mail::EnhancedCode;

/// Octets of a diagnostic that are kept: enough for the longest reply of many lines.
const LONGEST_DIAGNOSTIC: usize = 1000;

/// The report as a whole, for what single sections leave out.
pub(super) struct Whole {
    words: String,
    subject: String,
    code: Option<EnhancedCode>,
    reply: Option<String>,
    is_late: bool,
    /// The transcript has a refusal of DATA and none of RCPT.
    is_after_data: bool,
}

impl Whole {
    pub(super) fn new(notice: &Notice<'_>, subject: &str) -> Self {
        let subject = words_of(subject);
        let is_late = [
            "delay",
            "warning:",
            "still being retried",
            "will be retried",
            "verzögert",
            "retard",
            "not yet",
            "deferred",
        ]
        .iter()
        .any(|word| subject.contains(word));
        let reply = replies_in(notice.text);
        let code = reply.as_deref().and_then(code_in).or_else(|| code_in(notice.text));
        Self {
            words: words_of(notice.text),
            subject,
            code,
            reply,
            is_late,
            is_after_data: is_refused_after_data(notice.text),
        }
    }
}

/// Whether the command before the first refusal of a transcript is DATA.
fn is_refused_after_data(text: &str) -> bool {
    // With PIPELINING the refusals of RCPT come in below DATA, and DATA is refused for want of recipients.
    if text.to_ascii_lowercase().contains("no valid recipients") {
        return false;
    }
    let mut is_data = false;
    for line in text.lines() {
        let line = line.trim();
        let command = line.strip_prefix(">>>").map_or(line, str::trim);
        if command.eq_ignore_ascii_case("data") {
            is_data = true;
            // m-FILTER names the command after the reply.
            if line == command {
                return true;
            }
        } else if line.starts_with(">>>") {
            is_data = false;
        } else if is_data && line.starts_with("<<< 5") {
            return true;
        }
    }
    false
}

/// Puts together what is said of one recipient.
pub(super) fn report(status: &Status, about: &str, whole: &Whole, is_alone: bool) -> Report {
    let reply = replies_in(about).or_else(|| whole.reply.clone());
    let diagnostic: Cow<'_, str> = match &status.diagnostic {
        Some(text) => Cow::Borrowed(text.as_str()),
        None => Cow::Owned(reply.clone().unwrap_or_else(|| about.to_owned())),
    };
    let said = code_in(&diagnostic).filter(|code| code.class != 2);
    // What the remote server said is nearer to the truth than the reporting system's own summary, if it says anything.
    let is_specific = |code: &EnhancedCode| code.detail != 0;
    let code = said
        .filter(is_specific)
        .or_else(|| status.code.filter(is_specific))
        .or_else(|| said.filter(|code| code.subject != 0))
        .or(status.code)
        .or(said)
        .or_else(|| if status.diagnostic.is_none() { code_in(about).or(whole.code) } else { None });
    let words = words_of(&diagnostic);
    let smtp_code = smtp_code(&diagnostic)
        .or_else(|| if status.diagnostic.is_none() { smtp_code_of(reply.as_deref()) } else { None });
    let mut class = diagnose(&words, code);
    if matches!(class, Class::Other) || is_vague(class) && by_words(&words).is_none() {
        // The section, then the whole report, then the subject.
        class = by_words(&words_of(about))
            .or_else(|| {
                (status.diagnostic.is_none() || class == Class::Other).then(|| by_words(&whole.words)).flatten()
            })
            .or_else(|| by_words(&whole.subject))
            .unwrap_or(class);
        if class == Class::Other {
            class = diagnose(&whole.words, code);
        }
        if class == Class::Other {
            class = diagnose(&whole.subject, code);
        }
    }
    let action = action(status, code, smtp_code, whole);
    if action.is_some_and(|action| matches!(action, Action::Delivered | Action::Relayed | Action::Expanded)) {
        class = Class::Arrived;
    }
    // A server that took the recipient and then refused the message, or whose code tells of the mailbox or of a rule, does not
    // say for certain that the recipient is unknown, whatever it writes; an address is not given up for less.
    let is_doubtful = match code {
        // Yahoo refuses the recipient only after the message, in its own words.
        _ if words.contains("delivery error: dd") => false,
        Some(code) if code.subject == 1 => false,
        Some(code) if code.subject == 2 && code.detail == 0 => true,
        _ => said.is_some_and(|code| code.subject == 7) || is_after_data(&diagnostic, about, whole, is_alone),
    };
    if class == Class::UserUnknown && is_doubtful {
        class = Class::Filtered;
    }
    // What was refused before any recipient was named is the sender or its host.
    if matches!(class, Class::UserUnknown | Class::HostUnknown) && is_before_recipient(&diagnostic, about) {
        class = Class::Blocked;
    }
    // MessageLabs answers 542 for a mailbox that is not in its customer's directory.
    if smtp_code == Some(542) {
        class = Class::UserUnknown;
    }
    let is_permanent = action != Some(Action::Delayed)
        && code.is_none_or(|code| code.class != 4)
        && smtp_code.is_none_or(|code| code >= 500);
    let is_dead = match action {
        Some(Action::Delayed) => Some(false),
        // Name servers that say "not now" are believed: a domain is not given up for a report of class 4.
        _ if class == Class::HostUnknown && code.is_some_and(|code| code.class == 4) => Some(false),
        _ => Some(class.is_dead() || class == Class::NotAccepting && is_permanent),
    };
    Report {
        recipient: status.recipient.as_deref().and_then(WrittenAddress::new),
        original_recipient: status.original.as_deref().and_then(WrittenAddress::new),
        action,
        status: code.or_else(|| usual_code(class, is_permanent)),
        smtp_code,
        diagnostic: one_line(&diagnostic),
        class,
        is_dead,
        remote_mta: status.remote_mta.clone().filter(|name| !name.is_empty()),
    }
}

/// Classes that a code alone gives and words may better.
fn is_vague(class: Class) -> bool {
    matches!(
        class,
        Class::Syntax
            | Class::System
            | Class::Network
            | Class::Filtered
            | Class::Policy
            | Class::Blocked
            | Class::Content
    )
}

fn action(status: &Status, code: Option<EnhancedCode>, smtp_code: Option<u16>, whole: &Whole) -> Option<Action> {
    if status.action.is_some() {
        return status.action;
    }
    if code.is_some_and(|code| code.class == 2) {
        return Some(Action::Delivered);
    }
    let gave_up =
        ["giving up", "not going to try again", "given up", "permanent", "failed after", "undeliverable", "gave up"]
            .iter()
            .any(|word| whole.words.contains(word));
    let goes_on = [
        "will keep trying",
        "will continue",
        "will be retried",
        "still being retried",
        "do not need to resend",
        "not yet been delivered",
        "warning message only",
        "will retry",
        "delivery attempts will",
    ]
    .iter()
    .any(|word| whole.words.contains(word));
    let is_refused = smtp_code.is_some_and(|code| code >= 500);
    if goes_on && !gave_up || whole.is_late && !gave_up && !is_refused {
        Some(Action::Delayed)
    } else {
        Some(Action::Failed)
    }
}

/// Whether the refusal came before a recipient was named.
fn is_before_recipient(diagnostic: &str, about: &str) -> bool {
    [diagnostic, about].iter().any(|text| {
        let lower = text.to_ascii_lowercase();
        [
            "after mail from",
            "in reply to mail from",
            "in reply to helo",
            "in reply to ehlo",
            "after helo",
            "after ehlo",
            "after initial connection",
        ]
        .iter()
        .any(|word| lower.contains(word))
    })
}

/// Whether the refusal came after the recipient had been taken.
fn is_after_data(diagnostic: &str, about: &str, whole: &Whole, is_alone: bool) -> bool {
    let says = |text: &str| {
        let lower = text.to_ascii_lowercase();
        ["end of data", "after data", "data command"].iter().any(|word| lower.contains(word))
    };
    says(diagnostic) || says(about) || is_alone && whole.is_after_data
}

/// The lines of a text that are a server's replies, joined; else nothing.
fn replies_in(text: &str) -> Option<String> {
    let mut found = String::new();
    for line in text.lines() {
        let line = line.trim();
        let at = line.strip_prefix("<<<").map_or(line, str::trim);
        let reply = reply_at(at).or_else(|| {
            // `host mx.example said: 550 5.1.1 no`, `failed with: 550`, `the response was: 550`
            let lower = line.to_ascii_lowercase();
            [
                "said:",
                "says:",
                "with:",
                "was:",
                "error:",
                "reply:",
                "response:",
                "responded:",
                "returned:",
                "answer:",
                "error message:",
                "reason:",
                "command:",
                "got:",
                "server:",
                "because:",
                "because of",
            ]
            .iter()
            .find_map(|word| {
                lower
                    .find(word)
                    .and_then(|at| line.get(at + word.len()..))
                    .and_then(|rest| reply_at(rest.trim_start_matches([' ', '"', '\''])))
            })
        });
        if let Some(reply) = reply {
            if !found.is_empty() {
                found.push(' ');
            }
            found.push_str(reply);
        }
        if found.len() > LONGEST_DIAGNOSTIC {
            break;
        }
    }
    (!found.is_empty()).then_some(found)
}

/// A text that begins with a reply of class 4 or 5.
fn reply_at(text: &str) -> Option<&str> {
    let octets = text.as_bytes();
    let is_code = octets.len() >= 3
        && matches!(octets[0], b'4' | b'5')
        && octets[1] <= b'5'
        && octets[1].is_ascii_digit()
        && octets[2].is_ascii_digit();
    (is_code && octets.get(3).is_none_or(|b| matches!(b, b' ' | b'-' | b':' | b'\t' | b'#'))).then_some(text)
}

fn smtp_code(text: &str) -> Option<u16> {
    smtp_code_of(replies_in(text).as_deref().or(Some(text)))
}

/// The first number of class 4 or 5 that stands as a reply code.
fn smtp_code_of(text: Option<&str>) -> Option<u16> {
    text?
        .split([' ', '\n', '\t', '(', '"', '\'', ';', '<', '>', ':', '[', ']', ','])
        .map(|word| {
            word.get(..3).filter(|_| word.len() == 3 || word.as_bytes().get(3) == Some(&b'-')).unwrap_or_default()
        })
        .filter(|word| word.bytes().all(|b| b.is_ascii_digit()) && word.len() == 3)
        .filter_map(|word| word.parse::<u16>().ok())
        .find(|code| (400..=559).contains(code))
}

fn one_line(text: &str) -> Option<String> {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST_DIAGNOSTIC {
        let end = (0..=LONGEST_DIAGNOSTIC).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
    }
    (!line.is_empty()).then_some(line)
}
