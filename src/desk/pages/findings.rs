//! What a person should look at in one message: nothing here stops it.
//!
//! What: [`findings`], sentences about a card. Not here: faults, which the last gate of `message` refuses, and its own
//! warnings, which the caller adds. Called by: `command` (preview). Can fail: nothing.

use super::card::Card;
use super::words::{language_name, size, turns_direction};

/// Gmail cuts a letter off behind 102 kB of HTML and hides the rest behind a link.
const HTML_OCTETS: u64 = 102_000;
/// Ours have up to 200 kB; beyond this, relays of a slow line take seconds for each.
const MESSAGE_OCTETS: u64 = 1_000_000;
/// Outlook stores 255 characters of a subject; lists of messages show 40 to 100.
const SUBJECT_CHARACTERS: usize = 200;

/// What to look at in a message that was asked for in `language` (a BCP 47 tag).
pub fn findings(card: &Card, language: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !card.language.is_empty() && !language.is_empty() && card.language != language {
        let (asked, given) = (language_name(language), language_name(&card.language));
        findings.push(format!("asked for in {asked}, written in {given}: there is no template in {asked}"));
    }
    let length = card.subject.chars().count();
    if length > SUBJECT_CHARACTERS {
        findings.push(format!("the subject has {length} characters; mail programs show 40 to 100"));
    }
    if turns_direction(&card.subject) || turns_direction(&card.name) {
        findings.push("subject or name hold invisible marks that turn the direction of text".to_owned());
    }
    if card.size_octets > MESSAGE_OCTETS {
        findings.push(format!("the message has {}; some relays take less", size(card.size_octets)));
    }
    let Some(view) = &card.view else { return findings };
    let html = u64::try_from(view.html.len()).unwrap_or(u64::MAX);
    if html > HTML_OCTETS {
        findings.push(format!("the letter has {} of HTML; Gmail cuts it off behind 102 kB", size(html)));
    }
    if view.links.iter().any(|link| link.starts_with("http:")) {
        findings.push("a link is not encrypted (http:)".to_owned());
    }
    findings
}
