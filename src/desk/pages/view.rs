//! What is inside a message, as the pages show it.
//!
//! What: [`View`], read out of a parsed message: letter, text, calendar entry, headers, parts and links.
//! Standards: RFC 2045 and 2046 (read with mail-parser). Not here: the recipient and the subject (`card`).
//! Called by: `card`. Can fail: nothing; what cannot be read is empty.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Encoding, Message, MessagePart, MimeHeaders, PartType};

use super::calendar::calendar_facts;
use crate::calendar::Zone;

/// Headers shown; ours have about 2 kB, and a message that is all headers would fill the page.
const HEADERS_OCTETS: usize = 32 * 1024;
/// Parts and links shown: ours have five and a few.
const PARTS: usize = 100;
const LINKS: usize = 100;

/// The name of a fact and what it is.
pub type Fact = (&'static str, String);

/// What is inside a message. All texts are shown as text, whatever they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The HTML part.
    pub html: String,
    /// The plain text part.
    pub text: String,
    /// The calendar entry, in the order to read it in.
    pub calendar: Vec<Fact>,
    /// The headers as they stand in the file.
    pub headers: String,
    /// The tree of parts, from the outside in.
    pub parts: Vec<Part>,
    /// Where links of the letter lead to, each once.
    pub links: Vec<String>,
}

/// One part of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// How many parts it stands in.
    pub depth: usize,
    /// `text/html; charset=utf-8`.
    pub media_type: String,
    /// `base64`; empty where it says none.
    pub encoding: &'static str,
    /// The name of its file; empty where it has none.
    pub name: String,
    /// Whether it asks to be shown as an attachment.
    pub is_attachment: bool,
    /// In the file, encoded.
    pub wire_octets: u64,
    /// Decoded; of a part that holds parts, none.
    pub octets: Option<u64>,
}

impl View {
    /// How much it adds to a page.
    pub fn octets(&self) -> usize {
        self.html.len() + self.text.len() + self.calendar.iter().map(|(_, value)| value.len()).sum::<usize>()
    }

    pub(super) fn read(message: &Message<'_>, zone: Option<&Zone>) -> Self {
        let mut view = Self::default();
        for part in &message.parts {
            match &part.body {
                PartType::Html(html) if view.html.is_empty() => view.html = html.clone().into_owned(),
                PartType::Text(text) if part.is_content_type("text", "calendar") && view.calendar.is_empty() => {
                    view.calendar = calendar_facts(text.as_bytes(), zone);
                }
                PartType::Text(text) if is_plain(part) && view.text.is_empty() => view.text = text.clone().into_owned(),
                _ => {}
            }
        }
        let head_end = message.parts.first().map_or(0, |root| root.offset_body as usize);
        let raw = message.raw_message();
        let head = raw.get(..head_end.min(raw.len()).min(HEADERS_OCTETS)).unwrap_or_default();
        String::from_utf8_lossy(head).trim_end().clone_into(&mut view.headers);
        tree(message, 0, 0, &mut view.parts);
        view.links = links(&view.html);
        view
    }
}

/// RFC 2045 section 5.2: a part that states no type is plain text.
fn is_plain(part: &MessagePart<'_>) -> bool {
    part.content_type().is_none() || part.is_content_type("text", "plain")
}

/// Parts in the order of the file; the bound keeps a message whose parts name each other from going on.
fn tree(message: &Message<'_>, id: usize, depth: usize, parts: &mut Vec<Part>) {
    let Some(part) = message.parts.get(id).filter(|_| parts.len() < PARTS) else { return };
    let octets = match &part.body {
        PartType::Text(text) | PartType::Html(text) => Some(text.len()),
        PartType::Binary(octets) | PartType::InlineBinary(octets) => Some(octets.len()),
        PartType::Message(_) | PartType::Multipart(_) => None,
    };
    parts.push(Part {
        depth,
        media_type: media_type(part),
        encoding: match part.encoding {
            Encoding::None => "",
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Base64 => "base64",
        },
        name: part.attachment_name().unwrap_or_default().to_owned(),
        is_attachment: part.content_disposition().is_some_and(|d| d.ctype().eq_ignore_ascii_case("attachment")),
        wire_octets: u64::from(part.offset_end.saturating_sub(part.offset_body)),
        octets: octets.map(|octets| u64::try_from(octets).unwrap_or(u64::MAX)),
    });
    if let PartType::Multipart(inside) = &part.body {
        for id in inside {
            tree(message, *id as usize, depth + 1, parts);
        }
    }
}

fn media_type(part: &MessagePart<'_>) -> String {
    let Some(content) = part.content_type() else { return "text/plain".to_owned() };
    let mut media_type = content.ctype().to_owned();
    if let Some(subtype) = content.subtype() {
        media_type = format!("{media_type}/{subtype}");
    }
    for name in ["charset", "method"] {
        if let Some(value) = content.attribute(name) {
            media_type.push_str(&format!("; {name}={value}"));
        }
    }
    media_type
}

/// Values of `href`, each once, in their order. What is no link but looks like one is shown too, which does no harm.
fn links(html: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = memchr::memmem::find(rest.as_bytes(), b"href=").filter(|_| links.len() < LINKS) {
        rest = &rest[at + "href=".len()..];
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some(value) = rest[1..].split(quote).next() else { continue };
        let link = html_to_text(value).trim().to_owned();
        if !link.is_empty() && !links.contains(&link) {
            links.push(link);
        }
    }
    links
}
