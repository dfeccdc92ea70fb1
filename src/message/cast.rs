//! A letter cast once and filled for each recipient.
//!
//! What: [`Cast`], a whole message as octets with holes: Date, To, Message-ID, the boundaries, what the letter prints of the
//! row, UID and ATTENDEE in both copies of the calendar object. mail-builder writes the message once; filling copies what is
//! fixed, already encoded, and encodes only lines with holes anew.
//! Standards: RFC 5322 (fields), RFC 2045 sections 6.7 and 6.8 (quoted-printable goes line by line, base64 by groups of 57).
//! Not here: what the letter says (`render`), the gate (`compose`). Called by: `compose`.
//! Can fail: a letter whose holes cannot be filled safely gives `None` and is made anew for each row.

use std::borrow::Cow;

use encodify::base64;
use encodify::qp;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::headers::{Header as _, HeaderType};
use mail_builder::mime::{BodyPart, MimePart};

use super::pieces::{Form, Pieces, holds_in_markdown};
use super::render::Rendered;
use crate::calendar::{self, OrganizerMethod};
use crate::mail::Mailbox;
use crate::people::Language;
use crate::plan::Identity;

/// Name of the attachment; Outlook and Proton look at the ending.
const ATTACHMENT: &str = "invite.ics";

/// Stand-ins in the message that mail-builder writes; none of them is a word of any letter or needs encoding.
const OUTER: &str = "convoke-hole-of-the-outer-boundary";
const INNER: &str = "convoke-hole-of-the-inner-boundary";
const TEXT: &str = "convoke-hole-of-the-plain-text";
const HTML: &str = "convoke-hole-of-the-html";
const CALENDAR: &str = "convoke-hole-of-the-calendar";

/// In a line of 76 octets of base64.
const BASE64_GROUP: usize = 57;

/// A message with holes.
#[derive(Debug)]
pub(super) struct Cast {
    segments: Vec<Segment>,
    subject: Pieces,
    text: Body,
    html: Body,
    /// `None` in a message without calendar object.
    pub(super) calendar: Option<calendar::Cast>,
    /// What the gate said of the first message; it holds for all.
    pub(super) warnings: Vec<String>,
    /// Its octets, about those of each.
    pub(super) typical: usize,
    /// Of the last message made of it: room for the next.
    room: usize,
}

#[derive(Debug)]
enum Segment {
    Fixed(Vec<u8>),
    Date,
    To,
    Subject,
    MessageId,
    /// The value of In-Reply-To and of References.
    Thread,
    Outer,
    Inner,
    Text,
    Html,
    Calendar,
}

/// What goes into the holes.
#[derive(Debug)]
pub(super) struct Fill<'f> {
    pub(super) identity: &'f Identity,
    pub(super) attendee: &'f Mailbox,
    pub(super) date: Timestamp,
    pub(super) values: &'f [Cow<'f, str>],
    /// The calendar object of this recipient; `None` in a message without one.
    pub(super) calendar: Option<&'f str>,
    /// The message that began the correspondence.
    pub(super) thread: Option<&'f crate::mail::MessageId>,
}

impl Cast {
    /// From texts with holes and a calendar object of any recipient.
    pub(super) fn new(
        rendered: &Rendered,
        is_markdown: bool,
        language: &Language,
        sender: &Mailbox,
        calendar: Option<(OrganizerMethod, &str)>,
        is_reply: bool,
    ) -> Option<Self> {
        let (plain, markup) = if is_markdown { (Form::Plain, Form::Markup) } else { (Form::Raw, Form::Html) };
        if is_markdown && !holds_in_markdown(&rendered.markdown, &rendered.html) {
            return None;
        }
        let text = Body::new(Pieces::cut(&rendered.text, Form::Line, plain)?);
        let html = Body::new(Pieces::cut(&rendered.html, Form::LineInHtml, markup)?);
        let method = calendar.map(|(method, _)| method);
        let written = write(language, sender, [text.encoding(), html.encoding()], method, is_reply);
        let octets = calendar.map_or(0, |(_, octets)| octets.len());
        Some(Self {
            segments: cut(&written, method.is_some(), is_reply)?,
            subject: Pieces::cut(&rendered.subject, Form::Line, Form::Line)?,
            text,
            html,
            calendar: match calendar {
                Some((_, octets)) => Some(calendar::Cast::of(octets)?),
                None => None,
            },
            warnings: Vec::new(),
            typical: 0,
            room: written.len() + 2 * (rendered.text.len() + rendered.html.len()) + 4 * octets,
        })
    }

    /// The fields that say something of a recipient, as [`Cast::fill`] gives them beside the message.
    pub(super) fn personal(&self, subject: &str, attendee: &Mailbox) -> Vec<u8> {
        let mut fields = Vec::with_capacity(256);
        fields.extend_from_slice(b"To: ");
        mailbox(attendee).write_header(&mut fields, "To: ".len());
        if self.subject.has_holes() {
            fields.extend_from_slice(b"Subject: ");
            Text::new(subject).write_header(&mut fields, "Subject: ".len());
        }
        fields.extend_from_slice(b"\r\n");
        fields
    }

    pub(super) fn has_holes(&self) -> bool {
        let has = |body: &Body| match body {
            Body::QuotedPrintable(lines) => lines.iter().any(|line| matches!(line, Line::Open(_))),
            Body::Base64 { rest, .. } => rest.has_holes(),
        };
        self.subject.has_holes() || has(&self.text) || has(&self.html)
    }

    /// The subject of one message.
    pub(super) fn subject(&self, values: &[Cow<'_, str>]) -> String {
        let mut subject = String::with_capacity(128);
        self.subject.fill(values, &mut subject);
        subject
    }

    /// One message, and a header of those of its fields that say something of the recipient.
    pub(super) fn fill(&self, subject: &str, fill: &Fill<'_>) -> (Vec<u8>, Vec<u8>) {
        let mut out = Vec::with_capacity(self.room);
        let mut personal = Vec::with_capacity(256);
        let mut note = |name: &str, value: &[u8]| {
            personal.extend_from_slice(name.as_bytes());
            personal.extend_from_slice(value);
        };
        let encoded = base64::MIME.encode(fill.calendar.unwrap_or_default().as_bytes());
        for segment in &self.segments {
            match segment {
                Segment::Fixed(octets) => out.extend_from_slice(octets),
                Segment::Date => Date::new(fill.date.as_second()).write_header(&mut out, "Date: ".len()),
                Segment::To => {
                    let at = out.len();
                    mailbox(fill.attendee).write_header(&mut out, "To: ".len());
                    note("To: ", &out[at..]);
                }
                Segment::Subject => {
                    let at = out.len();
                    Text::new(subject).write_header(&mut out, "Subject: ".len());
                    if self.subject.has_holes() {
                        note("Subject: ", &out[at..]);
                    }
                }
                Segment::MessageId => {
                    MessageId::new(fill.identity.message_id.as_str()).write_header(&mut out, "Message-ID: ".len());
                }
                Segment::Thread => {
                    // A cast with this hole is for replies only.
                    let thread = fill.thread.map_or("", |thread| thread.as_str());
                    MessageId::new(thread).write_header(&mut out, "In-Reply-To: ".len());
                }
                Segment::Outer => out.extend_from_slice(fill.identity.outer_boundary.as_bytes()),
                Segment::Inner => out.extend_from_slice(fill.identity.inner_boundary.as_bytes()),
                Segment::Text => self.text.fill(fill.values, &mut out),
                Segment::Html => self.html.fill(fill.values, &mut out),
                Segment::Calendar => {
                    out.extend_from_slice(encoded.as_bytes());
                    if !encoded.ends_with("\r\n") {
                        out.extend_from_slice(b"\r\n");
                    }
                }
            }
        }
        personal.extend_from_slice(b"\r\n");
        (out, personal)
    }
}

fn mailbox(mailbox: &Mailbox) -> Address<'_> {
    Address::new_address(Some(mailbox.name()).filter(|name| !name.is_empty()), mailbox.address().as_str())
}

/// The message as mail-builder writes it, with stand-ins.
fn write(
    language: &Language,
    sender: &Mailbox,
    [text, html]: [&'static str; 2],
    method: Option<OrganizerMethod>,
    is_reply: bool,
) -> Vec<u8> {
    let part = |kind: ContentType<'static>, body: &'static str, encoding: &'static str| {
        MimePart::new(kind, BodyPart::Text(body.into())).transfer_encoding(encoding)
    };
    let utf8 = |kind: &'static str| ContentType::new(kind).attribute("charset", "utf-8");
    // base64 alone brings both copies of the calendar through relays with the same octets (invitations.md 2.3).
    let mut parts = vec![part(utf8("text/plain"), TEXT, text), part(utf8("text/html"), HTML, html)];
    if let Some(method) = method {
        let calendar = ContentType::new("text/calendar").attribute("method", method.as_str());
        parts.push(part(calendar.attribute("charset", "UTF-8"), CALENDAR, "base64"));
    }
    let alternative = MimePart::new(ContentType::new("multipart/alternative").attribute("boundary", INNER), parts);
    let body = if method.is_some() {
        let ics = ContentType::new("application/ics").attribute("name", ATTACHMENT);
        let attachment = part(ics, CALENDAR, "base64").attachment(ATTACHMENT);
        MimePart::new(ContentType::new("multipart/mixed").attribute("boundary", OUTER), vec![alternative, attachment])
    } else {
        alternative
    };
    let raw = |value: &'static str| HeaderType::Raw(Raw::new(value));
    let mut octets = Vec::with_capacity(4096);
    let mut message = MessageBuilder::new()
        .date(Date::new(0))
        .from(mailbox(sender))
        .to(Address::new_address(None::<&str>, "hole@hole.invalid"))
        .header("Subject", HeaderType::Text(Text::new("hole")))
        .message_id("hole@hole.invalid");
    if is_reply {
        // Plain answers, too, are shown beside the invitation (RFC 5322 section 3.6.4).
        for field in ["In-Reply-To", "References"] {
            message = message.header(field, HeaderType::MessageId(MessageId::new("hole@hole.invalid")));
        }
    }
    message
        // Quiets vacation robots (RFC 3834); `All` would also suppress bounces (MS-OXCMAIL 2.1.3.2.20).
        .header("Auto-Submitted", raw("auto-generated"))
        .header("X-Auto-Response-Suppress", raw("OOF, AutoReply"))
        .header("Content-Language", HeaderType::Raw(Raw::new(language.as_str())))
        .body(body)
        .serialize(&mut octets);
    octets
}

/// Cuts the written message at its stand-ins; `None` where one does not stand as often as it should.
fn cut(written: &[u8], has_calendar: bool, is_reply: bool) -> Option<Vec<Segment>> {
    type Make = fn() -> Segment;
    let mut fields: Vec<(&str, Make)> = vec![
        ("\r\nDate: ", || Segment::Date),
        ("\r\nTo: ", || Segment::To),
        ("\r\nSubject: ", || Segment::Subject),
        ("\r\nMessage-ID: ", || Segment::MessageId),
    ];
    if is_reply {
        fields.extend(["\r\nIn-Reply-To: ", "\r\nReferences: "].map(|name| (name, (|| Segment::Thread) as Make)));
    }
    let words: [(&str, Make, usize); 5] = [
        (OUTER, || Segment::Outer, if has_calendar { 4 } else { 0 }),
        (INNER, || Segment::Inner, if has_calendar { 5 } else { 4 }),
        (TEXT, || Segment::Text, 1),
        (HTML, || Segment::Html, 1),
        (CALENDAR, || Segment::Calendar, if has_calendar { 2 } else { 0 }),
    ];
    let mut holes: Vec<(usize, usize, Make)> = Vec::new();
    let header_end = memchr::memmem::find(written, b"\r\n\r\n")?;
    for (name, make) in fields {
        // The first field has no line before it.
        let start = if written.starts_with(&name.as_bytes()[2..]) {
            name.len() - 2
        } else {
            memchr::memmem::find(&written[..header_end], name.as_bytes())? + name.len()
        };
        let end = start + memchr::memmem::find(&written[start..], b"\r\n")? + 2;
        if written.get(end).is_some_and(|b| matches!(b, b' ' | b'\t')) {
            return None;
        }
        holes.push((start, end, make));
    }
    for (word, make, times) in words {
        let found: Vec<usize> = memchr::memmem::find_iter(written, word.as_bytes()).collect();
        if found.len() != times {
            return None;
        }
        holes.extend(found.into_iter().map(|at| (at, at + word.len(), make)));
    }
    holes.sort_by_key(|(start, ..)| *start);
    let mut segments = Vec::new();
    let mut at = 0;
    for (start, end, make) in holes {
        if start < at {
            return None;
        }
        segments.push(Segment::Fixed(written[at..start].to_vec()));
        segments.push(make());
        at = end;
    }
    segments.push(Segment::Fixed(written[at..].to_vec()));
    Some(segments)
}

/// A text in its transfer encoding, with holes.
#[derive(Debug)]
enum Body {
    /// RFC 2045 section 6.7: each line is encoded by itself.
    QuotedPrintable(Vec<Line>),
    /// RFC 2045 section 6.8: the beginning encoded, the rest with CRLF.
    Base64 { head: Vec<u8>, rest: Pieces },
}

#[derive(Debug)]
enum Line {
    /// Whole lines, encoded.
    Encoded(String),
    /// One line with holes.
    Open(Pieces),
}

impl Body {
    /// Chooses the encoding by what is fixed, so that all messages of a letter have the same.
    fn new(pieces: Pieces) -> Self {
        let fixed = pieces.fixed();
        if qp::BODY.encoded_len(fixed.as_bytes()) > base64::MIME.encoded_len(fixed.len()) {
            let mut rest = with_crlf(pieces);
            let head = base64::MIME.encode(rest.take_head(BASE64_GROUP));
            return Self::Base64 { head: with_line_end(head).into_bytes(), rest };
        }
        let mut lines: Vec<Line> = Vec::new();
        let mut run = String::new();
        for line in with_last_line_feed(pieces).lines() {
            if line.has_holes() {
                if !run.is_empty() {
                    lines.push(Line::Encoded(qp::BODY.encode(std::mem::take(&mut run))));
                }
                lines.push(Line::Open(line));
            } else {
                run.push_str(&line.fixed());
            }
        }
        if !run.is_empty() {
            lines.push(Line::Encoded(qp::BODY.encode(run)));
        }
        Self::QuotedPrintable(lines)
    }

    fn encoding(&self) -> &'static str {
        match self {
            Self::QuotedPrintable(_) => "quoted-printable",
            Self::Base64 { .. } => "base64",
        }
    }

    fn fill(&self, values: &[Cow<'_, str>], out: &mut Vec<u8>) {
        let mut text = String::new();
        match self {
            Self::QuotedPrintable(lines) => {
                for line in lines {
                    match line {
                        Line::Encoded(encoded) => out.extend_from_slice(encoded.as_bytes()),
                        Line::Open(pieces) => {
                            text.clear();
                            pieces.fill(values, &mut text);
                            qp::BODY.encode_append(&text, out);
                        }
                    }
                }
            }
            Self::Base64 { head, rest } => {
                out.extend_from_slice(head);
                text.reserve(8 * 1024);
                rest.fill(values, &mut text);
                if !text.is_empty() {
                    base64::MIME.encode_append(&text, out);
                    if !out.ends_with(b"\r\n") {
                        out.extend_from_slice(b"\r\n");
                    }
                }
            }
        }
    }
}

/// A text whose last line has an end.
fn with_last_line_feed(pieces: Pieces) -> Pieces {
    pieces.map_end(|text| {
        if !text.ends_with('\n') {
            text.push('\n');
        }
    })
}

/// The same with CRLF: base64 hides line ends from relays and DKIM, which do not forgive a bare LF.
fn with_crlf(pieces: Pieces) -> Pieces {
    with_last_line_feed(pieces).map_fixed(|text| text.replace("\r\n", "\n").replace('\n', "\r\n"))
}

fn with_line_end(mut encoded: String) -> String {
    if !encoded.is_empty() && !encoded.ends_with("\r\n") {
        encoded.push_str("\r\n");
    }
    encoded
}
