//! One message that came back, parsed within limits.
//!
//! What: [`Mail`], over mail-parser: its own head and parts (the walk stops at returned messages), the text of its parts, the
//! returned original. Standards: RFC 5322, RFC 2045 and 2046 (by mail-parser), RFC 6533 (`message/global`).
//! Not here: what any of it means. Called by: `replies::read` and every reader. Can fail: octets that are no message at all.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::html::html_to_text;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, Encoding, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::head::Head;
use super::limits;

/// Text of one message that is looked at: answers and reports are short, what is longer is a returned original.
const LONGEST_TEXT: usize = 512 * 1024;

static PARSER: LazyLock<MessageParser> =
    LazyLock::new(|| MessageParser::new().with_mime_headers().default_header_ignore());

/// A message; borrows the octets that [`Shaped`] keeps.
#[derive(Debug)]
pub struct Mail<'a> {
    head: Head<'a>,
    message: Message<'a>,
}

/// The octets of a message within the limits, and which limits were hit.
#[derive(Debug)]
pub struct Shaped<'a> {
    octets: Cow<'a, [u8]>,
    findings: Vec<String>,
}

impl<'a> Shaped<'a> {
    /// Cuts what is beyond the limits and turns bare CR into line ends where there are no others.
    pub fn new(octets: &'a [u8]) -> Self {
        let (octets, findings) = limits::within(octets);
        Self { octets, findings }
    }

    /// What was cut or changed.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Parses; `None`: no header field at all.
    pub fn mail(&self) -> Option<Mail<'_>> {
        let octets: &[u8] = &self.octets;
        let head = Head::parse(octets);
        if head.is_empty() {
            return None;
        }
        // mail-parser breaks down over some octets (0.11.9: boundaries of one multipart within returned messages of another).
        let parsed = catch_unwind(AssertUnwindSafe(|| PARSER.parse(octets)));
        let message = parsed.unwrap_or_else(|_| undivided(octets, &head))?;
        (!message.parts.is_empty()).then_some(Mail { head, message })
    }
}

/// The message as one text behind its head, where its parts cannot be told apart.
fn undivided<'o>(octets: &'o [u8], head: &Head<'_>) -> Option<Message<'o>> {
    let mut message = catch_unwind(AssertUnwindSafe(|| PARSER.parse_headers(octets))).ok()??;
    let part = message.parts.first_mut()?;
    part.body = PartType::Text(String::from_utf8_lossy(&octets[head.length()..]));
    part.offset_body = u32::try_from(head.length()).ok()?;
    Some(message)
}

impl<'a> Mail<'a> {
    /// Its header fields.
    pub fn head(&self) -> &Head<'a> {
        &self.head
    }

    /// Its own parts, multiparts included, in their order; never those of a returned message.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.message.parts.iter().map(Part)
    }

    /// Its own parts of that type and subtype (lower case).
    pub fn parts_of<'m>(&'m self, of: &'m str, subtype: &'m str) -> impl Iterator<Item = Part<'m>> {
        self.parts().filter(move |part| part.is(of, subtype))
    }

    /// The octets of one of its own parts without transfer encoding, as they were before any charset was applied.
    pub fn undecoded(&self, part: Part<'_>) -> Cow<'_, [u8]> {
        let range = part.0.offset_body as usize..part.0.offset_end as usize;
        let raw = self.message.raw_message.get(range).unwrap_or_default();
        let decoded = match part.0.encoding {
            Encoding::None => None,
            Encoding::QuotedPrintable => quoted_printable_decode(raw),
            Encoding::Base64 => base64_decode(raw),
        };
        decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
    }

    /// The top level's type and its parameters.
    pub fn content_type(&self) -> Option<&ContentType<'_>> {
        self.message.parts.first().and_then(|part| part.content_type())
    }

    /// A parameter of the top level's type, e.g. `report-type`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.content_type().and_then(|of| of.attribute(name))
    }

    /// The text that a person reads: `text/plain` parts, else `text/html` ones without marks. Calendars, reports and returned
    /// headers are not in it.
    pub fn text(&self) -> Cow<'_, str> {
        let plain = self.parts().filter(Part::is_prose).filter(|part| !part.is("text", "html"));
        let mut text = joined(plain.map(|part| part.text()));
        if text.trim().is_empty() {
            text = joined(self.parts().filter(|p| p.is("text", "html")).map(|part| html_to_text(&part.text()).into()));
        }
        text
    }

    /// The returned messages: `message/rfc822`, `message/global`, and returned headers (`text/rfc822-headers`,
    /// `message/rfc822-headers`, `message/global-headers`).
    pub fn returned(&self) -> impl Iterator<Item = Returned<'_>> {
        self.message.parts.iter().filter_map(|part| match &part.body {
            PartType::Message(message) => {
                Some(Returned { head: Head::parse(message.raw_message()), message: Some(message) })
            }
            PartType::Text(text) if Part(part).is_returned_headers() => {
                Some(Returned::of_head(Head::parse(text.as_bytes())))
            }
            PartType::Binary(octets) | PartType::InlineBinary(octets) if Part(part).is_returned_headers() => {
                Some(Returned::of_head(Head::parse(octets)))
            }
            _ => None,
        })
    }
}

fn joined<'m>(texts: impl Iterator<Item = Cow<'m, str>>) -> Cow<'m, str> {
    let mut all: Option<Cow<'m, str>> = None;
    for text in texts {
        match &mut all {
            None => all = Some(text),
            Some(all) => {
                let all = all.to_mut();
                if all.len() >= LONGEST_TEXT {
                    break;
                }
                all.push('\n');
                all.push_str(&text);
            }
        }
    }
    let all = all.unwrap_or_default();
    if all.len() <= LONGEST_TEXT {
        return all;
    }
    let end = (0..=LONGEST_TEXT).rev().find(|at| all.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(all[..end].to_owned())
}

/// One part of a message.
#[derive(Clone, Copy, Debug)]
pub struct Part<'m>(&'m MessagePart<'m>);

impl<'m> Part<'m> {
    /// Its type with parameters; `None`: not said, which means `text/plain` (RFC 2045 section 5.2).
    pub fn content_type(&self) -> Option<&'m ContentType<'m>> {
        self.0.content_type()
    }

    /// Whether its type is this one (lower case).
    pub fn is(&self, of: &str, subtype: &str) -> bool {
        match self.content_type() {
            Some(own) => {
                own.c_type.eq_ignore_ascii_case(of)
                    && own.c_subtype.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(subtype))
            }
            None => of == "text" && subtype == "plain" && matches!(self.0.body, PartType::Text(_)),
        }
    }

    /// A parameter of its type.
    pub fn parameter(&self, name: &str) -> Option<&'m str> {
        self.content_type().and_then(|own| own.attribute(name))
    }

    /// Its file name, from either header field.
    pub fn file_name(&self) -> Option<&'m str> {
        self.0.attachment_name()
    }

    /// Its octets without transfer encoding; those of text are UTF-8.
    pub fn octets(&self) -> &'m [u8] {
        match &self.0.body {
            PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
            PartType::Binary(octets) | PartType::InlineBinary(octets) => octets,
            PartType::Message(message) => message.raw_message(),
            PartType::Multipart(_) => &[],
        }
    }

    /// Its text, decoded; HTML stays HTML.
    pub fn text(&self) -> Cow<'m, str> {
        match &self.0.body {
            PartType::Text(text) | PartType::Html(text) => Cow::Borrowed(text),
            _ => String::from_utf8_lossy(self.octets()),
        }
    }

    /// Text that a person reads.
    fn is_prose(&self) -> bool {
        match self.content_type() {
            None => matches!(self.0.body, PartType::Text(_) | PartType::Html(_)),
            Some(of) if of.c_type.eq_ignore_ascii_case("text") => {
                of.c_subtype.as_deref().is_none_or(|subtype| ["plain", "html"].contains(&subtype))
            }
            // A multipart whose boundary never comes, or a type that is none, is read as text.
            Some(of) => {
                !matches!(self.0.body, PartType::Multipart(_) | PartType::Message(_))
                    && (of.c_type.eq_ignore_ascii_case("multipart") || of.c_subtype.is_none())
            }
        }
    }

    fn is_returned_headers(&self) -> bool {
        self.is("text", "rfc822-headers")
            || self.is("message", "rfc822-headers")
            || self.is("message", "global-headers")
            || self.is("message", "rfc822")
            || self.is("message", "global")
            || self.is("message", "partial")
            || self.is("text", "rfc822")
    }
}

/// The message that a report gives back, or what is left of it.
#[derive(Debug)]
pub struct Returned<'m> {
    head: Head<'m>,
    message: Option<&'m Message<'m>>,
}

impl<'m> Returned<'m> {
    /// From a head found in plain text, without parts.
    pub fn of_head(head: Head<'m>) -> Self {
        Self { head, message: None }
    }

    /// Its header fields.
    pub fn head(&self) -> &Head<'m> {
        &self.head
    }

    /// Its header fields, alone.
    pub(super) fn into_head(self) -> Head<'m> {
        self.head
    }

    /// Its parts, where the whole message came back.
    pub fn parts(&self) -> impl Iterator<Item = Part<'m>> + use<'m> {
        self.message.map(|message| message.parts.as_slice()).unwrap_or_default().iter().map(Part)
    }

    /// The texts of its calendar parts.
    pub fn calendars(&self) -> impl Iterator<Item = Cow<'m, str>> + use<'m> {
        self.parts().filter(|part| part.is("text", "calendar") || part.is("application", "ics")).map(|part| part.text())
    }
}
