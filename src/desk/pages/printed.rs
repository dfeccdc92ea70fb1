//! One message for a terminal.
//!
//! What: [`printed`]: who it goes to, the calendar entry, the text and the parts, without anything that a terminal would
//! obey. Standards: ECMA-48 (what is taken out). Called by: `command` (preview). Can fail: nothing.

use super::card::Card;
use super::view::View;
use super::words::{language_name, size};

/// The message in lines; `envelope` is MAIL FROM and RCPT TO.
pub fn printed(card: &Card, envelope: (&str, &str)) -> String {
    let nothing = View::default();
    let view = card.view.as_ref().unwrap_or(&nothing);
    let mut out = String::new();
    let to = if card.name.is_empty() { card.to.clone() } else { format!("{} <{}>", card.name, card.to) };
    let language = language_name(&card.language);
    let letter = if card.letter.is_empty() { language.to_owned() } else { format!("{} ({language})", card.letter) };
    let head = [
        ("To", to.as_str()),
        ("Cc", &card.cc),
        ("Subject", &card.subject),
        ("Letter", &letter),
        ("Envelope", &format!("{} to {}", envelope.0, envelope.1)),
        ("Size", &size(card.size_octets)),
    ];
    for (name, value) in head.into_iter().filter(|(_, value)| !value.is_empty()) {
        field(&mut out, name, value);
    }
    for finding in &card.findings {
        field(&mut out, "Look at", finding);
    }
    if !view.text.is_empty() {
        title(&mut out, "Text");
        for line in view.text.lines() {
            out.push_str(&harmless(line));
            out.push('\n');
        }
    }
    // The description says again what the text says.
    let facts: Vec<_> = view.calendar.iter().filter(|(name, _)| *name != "Description").collect();
    if !facts.is_empty() {
        title(&mut out, "Calendar entry");
        for (name, value) in facts {
            field(&mut out, name, value);
        }
    }
    if !view.parts.is_empty() {
        title(&mut out, "Parts");
        for part in &view.parts {
            let name = if part.name.is_empty() { String::new() } else { format!(" {}", part.name) };
            let octets = part.octets.map(|octets| format!(", {}", size(octets))).unwrap_or_default();
            let line = format!("{}{name}{octets}", part.media_type);
            out.push_str(&format!("{}{}\n", "  ".repeat(part.depth.min(8)), harmless(&line)));
        }
    }
    out
}

fn title(out: &mut String, words: &str) {
    out.push_str(&format!("\n--- {words} ---\n"));
}

/// A name in a column and its value; lines of the value stand under each other.
fn field(out: &mut String, name: &str, value: &str) {
    for (place, line) in value.lines().enumerate() {
        let name = if place == 0 { format!("{name}:") } else { String::new() };
        out.push_str(&format!("{name:<17}{}\n", harmless(line)));
    }
}

/// Controls as visible signs: an escape sequence in a cell could move the cursor or write the clipboard. Marks that turn
/// the direction of an isolated piece stay, as Arabic needs them; those that overrule it go.
fn harmless(line: &str) -> String {
    line.chars()
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}'))
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}
