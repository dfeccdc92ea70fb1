//! One message as the list shows it.
//!
//! What: [`Card`] and [`card_from_eml`], which reads one out of a message file.
//! Standards: RFC 5322 (read with mail-parser). Not here: what is inside (`view`).
//! Called by: `io::sandbox`, `command`. Can fail: nothing; what cannot be read is empty.

use mail_parser::{MessageParser, MimeHeaders as _};

use super::view::View;
use crate::calendar::Zone;

/// Messages that carry more messages inside than this are shown by their headers only: at 50,000 levels mail-parser
/// 0.11.9 overflows the stack, which ends the process.
const NESTED_MESSAGES: usize = 20;

/// One message on a page. All texts are shown as text, whatever they hold; empty ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The address in `To`.
    pub to: String,
    /// The name beside it.
    pub name: String,
    /// The addresses in `Cc`, joined with commas.
    pub cc: String,
    /// The entity; a message does not say it, the caller may.
    pub entity: String,
    /// The kind of entity; a message does not say it, the caller may.
    pub kind: String,
    /// A BCP 47 tag.
    pub language: String,
    /// The subject, decoded.
    pub subject: String,
    /// The letter that was used (`invitation/mission.fr`); a message does not say it, the caller may.
    pub letter: String,
    /// What a person should look at.
    pub findings: Vec<String>,
    /// The size of the message file.
    pub size_octets: u64,
    /// The message file, relative to the page.
    pub file: String,
    /// The page of the message, relative to the list; empty where it has none.
    pub page: String,
    /// What is inside; `None` where it is not to be shown on the list.
    pub view: Option<View>,
}

/// Reads a card out of a message file; `file` is its path as the page will link it, `zone` the one in which the times of
/// the calendar entry are to be said too.
///
/// Entity, kind, letter, findings and page stay empty, as a message does not carry them.
pub fn card_from_eml(file: &str, octets: &[u8], zone: Option<&Zone>) -> Card {
    let size_octets = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    let mut card = Card { file: file.to_owned(), size_octets, ..Card::default() };
    let parser = MessageParser::default();
    let is_deep = nested_messages(octets) > NESTED_MESSAGES;
    let Some(message) = (if is_deep { parser.parse_headers(octets) } else { parser.parse(octets) }) else {
        return card;
    };
    if let Some(to) = message.to().and_then(|to| to.first()) {
        card.to = to.address().unwrap_or_default().to_owned();
        card.name = to.name().unwrap_or_default().to_owned();
    }
    if let Some(cc) = message.cc() {
        card.cc = cc.iter().filter_map(|one| one.address()).collect::<Vec<_>>().join(", ");
    }
    card.subject = message.subject().unwrap_or_default().to_owned();
    card.language = message.content_language().as_text().unwrap_or_default().to_owned();
    card.view = (!is_deep).then(|| View::read(&message, zone));
    card
}

/// An upper bound for how deep messages are nested, counted on the octets: each level names its type in clear.
fn nested_messages(octets: &[u8]) -> usize {
    let names = [&b"rfc822"[..], b"message/global", b"digest"];
    let starts = octets.iter().enumerate().filter(|(_, byte)| matches!(byte.to_ascii_lowercase(), b'r' | b'm' | b'd'));
    starts
        .filter(|(at, _)| names.iter().any(|n| octets[*at..].get(..n.len()).is_some_and(|o| o.eq_ignore_ascii_case(n))))
        .count()
}
