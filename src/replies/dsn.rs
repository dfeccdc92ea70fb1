//! Delivery status notifications as the standard has them, and as programs write them.
//!
//! What: [`statuses`], one [`Status`] for each recipient of the machine-readable parts. Standards: RFC 3464 section 2, RFC 6533
//! (`message/global-delivery-status`), RFC 3798's predecessor fields as sendmail, Exchange and others add them (`X-Actual-Recipient`,
//! `X-Display-Name`, `X-Supplementary-Info`). Not here: what the codes and words mean (`diagnosis`), prose (`prose`).
//! Called by: `bounce`. Can fail: nothing.

use super::address;
use super::fields::{Block, blocks, untyped};
use super::mail::{Mail, Part};
use super::reading::Action;
use crate::mail::EnhancedCode;

/// Recipients read of one report.
const MOST_RECIPIENTS: usize = 50;
/// Octets of a text in which fields are looked for.
const LONGEST_PROSE: usize = 16 * 1024;

/// What a report says of one recipient.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    /// Final-Recipient, or whatever field names an address in its place.
    pub(super) recipient: Option<String>,
    /// Original-Recipient.
    pub(super) original: Option<String>,
    /// Action.
    pub(super) action: Option<Action>,
    /// Status.
    pub(super) code: Option<EnhancedCode>,
    /// Diagnostic-Code without its type, and what some programs put beside it.
    pub(super) diagnostic: Option<String>,
    /// Remote-MTA without its type.
    pub(super) remote_mta: Option<String>,
    /// Reporting-MTA of the message.
    pub(super) reporting_mta: Option<String>,
}

/// Whether a message has a machine-readable delivery status.
pub(super) fn has_status(mail: &Mail<'_>) -> bool {
    mail.parts().any(|part| is_status(&part))
}

fn is_status(part: &Part<'_>) -> bool {
    if part.is("message", "delivery-status")
        || part.is("message", "global-delivery-status")
        || part.is("text", "delivery-status")
    {
        return true;
    }
    // Gateways rename the part and keep its text, or lose the boundaries and leave one text.
    let is_text = part.content_type().is_none_or(|of| of.ctype().eq_ignore_ascii_case("multipart"))
        || part.is("text", "plain")
        || part.is("application", "octet-stream");
    is_text && {
        let octets = part.octets();
        let head = &octets[..octets.len().min(LONGEST_PROSE)];
        starts_a_line(head, b"final-recipient:") && starts_a_line(head, b"action:")
    }
}

/// Whether some line begins with a word (lower case).
fn starts_a_line(octets: &[u8], word: &[u8]) -> bool {
    octets.split(|b| *b == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        line.len() >= word.len() && line[..word.len()].eq_ignore_ascii_case(word)
    })
}

/// One status for each recipient, in the order of the report.
pub(super) fn statuses(mail: &Mail<'_>) -> Vec<Status> {
    let mut found: Vec<Status> = Vec::new();
    for part in mail.parts().filter(is_status) {
        let text = part.text();
        let mut reporting = None;
        for block in blocks(&text) {
            if let Some(name) = block.typed("reporting-mta") {
                reporting = Some(name.to_owned());
            }
            // What follows is the original; it may be a report itself.
            if !found.is_empty() && block.get("received").is_some() && block.get("final-recipient").is_none() {
                break;
            }
            for group in grouped(block) {
                if found.len() >= MOST_RECIPIENTS {
                    return found;
                }
                if let Some(mut status) = status(&group) {
                    status.reporting_mta.clone_from(&reporting);
                    merge(&mut found, status);
                }
            }
        }
    }
    found.retain(|status| status.recipient.is_some() || status.action.is_some());
    // Local names beside addresses are what an alias was expanded to.
    let is_address = |status: &Status| status.recipient.as_deref().is_some_and(|one| one.contains('@'));
    if found.iter().any(is_address) {
        found.retain(is_address);
    }
    found
}

/// Programs forget the blank line between recipients: a second Final-Recipient begins a new group.
fn grouped(block: Block) -> Vec<Block> {
    if block.all("final-recipient").count() < 2 {
        return vec![block];
    }
    block.split_at_each("final-recipient")
}

fn status(block: &Block) -> Option<Status> {
    // A mailbox that is none, a gateway's own form, comes with the real address in one of the other fields.
    let names = [
        "final-recipient",
        "x-actual-recipient",
        "original-recipient",
        "x-original-to",
        "recipient",
        "x-failed-recipient",
    ];
    let addresses: Vec<String> =
        names.iter().filter_map(|name| block.all(name).find_map(|v| address_of(untyped(v)))).collect();
    let original = block.all("original-recipient").find_map(|value| address_of(untyped(value)));
    let written = names
        .iter()
        .find_map(|name| block.typed(name))
        .map(|value| value.trim_matches(['<', '>', '"', ' ']).to_owned())
        .filter(|value| !value.contains('@'));
    let recipient = addresses.into_iter().next().or(written);
    let action = block.get("action").and_then(Action::parse);
    let code = block.get("status").and_then(code_in);
    let mut diagnostic = block.get("diagnostic-code").map(|v| untyped(v).to_owned()).filter(|v| !v.is_empty());
    for extra in ["x-supplementary-info", "x-smtp-response", "x-notes", "x-display-reason", "x-postfix-reason"] {
        if let Some(value) = block.get(extra) {
            let all = diagnostic.get_or_insert_default();
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(value.trim_matches(['<', '>']));
        }
    }
    if recipient.is_none() && action.is_none() && diagnostic.is_none() {
        return None;
    }
    // The fields of the whole message are no recipient's.
    if recipient.is_none() && block.get("reporting-mta").is_some() && action.is_none() {
        return None;
    }
    let remote_mta = block.typed("remote-mta").map(str::to_owned);
    Some(Status { recipient, original, action, code, diagnostic, remote_mta, reporting_mta: None })
}

/// An address, in brackets or not; a comment or a second form after it is dropped.
fn address_of(value: &str) -> Option<String> {
    let value = value.trim();
    if let Some(found) = address::first(value) {
        return Some(found);
    }
    // A local mailbox or an EAI address: kept as it is if it has an `@`.
    let bare = value.trim_matches(['<', '>', '"', ' ']);
    (bare.find('@').is_some_and(|at| at > 0) && !bare.contains(' ')).then(|| bare.to_owned())
}

/// The first code that says something; else the first one. `5.1.1`, `5.1.1 (bad mailbox)`, `smtp; 5.1.1`, `#5.1.1`.
pub(super) fn code_in(text: &str) -> Option<EnhancedCode> {
    let mut first = None;
    let mut rest = text;
    for _ in 0..8 {
        let Some((code, after)) = next_code(rest) else { break };
        if code.detail != 0 && code.class != 2 {
            return Some(code);
        }
        first = first.or(Some(code));
        rest = &rest[after..];
    }
    first
}

/// The next code and where it ends.
fn next_code(text: &str) -> Option<(EnhancedCode, usize)> {
    let octets = text.as_bytes();
    for at in 0..octets.len() {
        if !matches!(octets[at], b'2' | b'4' | b'5') || octets.get(at + 1) != Some(&b'.') {
            continue;
        }
        // Not the end of a longer number, version or network address.
        let follows_reply = at >= 4 && octets[at - 1] == b'-' && octets[at - 4..at - 1].iter().all(u8::is_ascii_digit);
        if at > 0
            && !follows_reply
            && (octets[at - 1].is_ascii_alphanumeric() || matches!(octets[at - 1], b'.' | b'-' | b'_' | b'@'))
        {
            continue;
        }
        let length = octets[at..].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        let next = octets.get(at + length);
        let word = text[at..at + length].trim_end_matches('.');
        if next.is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'/')) {
            continue;
        }
        if let Some(code) = EnhancedCode::at_start(word) {
            return Some((code, at + length));
        }
    }
    None
}

/// The same recipient twice is one: what the later block adds is taken.
fn merge(found: &mut Vec<Status>, status: Status) {
    let key = status.recipient.as_deref().map(str::to_lowercase);
    let same = found.iter_mut().find(|other| key.is_some() && other.recipient.as_deref().map(str::to_lowercase) == key);
    match same {
        Some(other) => {
            other.action = other.action.or(status.action);
            other.code = other.code.or(status.code);
            other.original = other.original.take().or(status.original);
            other.diagnostic = other.diagnostic.take().or(status.diagnostic);
            other.remote_mta = other.remote_mta.take().or(status.remote_mta);
        }
        None => found.push(status),
    }
}

#[cfg(test)]
mod tests {
    use super::code_in;

    #[test]
    fn codes_stand_out_of_prose() {
        let text = |text: &str| code_in(text).map(|code| code.to_string());
        assert_eq!(text("550 #5.1.1 no (5.7.1)").as_deref(), Some("5.1.1"));
        assert_eq!(text("550-5.7.26 unauthenticated").as_deref(), Some("5.7.26"));
        assert_eq!(text("550 5.7.26 unauthenticated").as_deref(), Some("5.7.26"));
        assert_eq!(text("host 192.5.1.1 version 4.5.2b said 4.2.2.").as_deref(), Some("4.2.2"));
    }
}
