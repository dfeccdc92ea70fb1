//! The tree of a message: its parts, their types and encodings, and both copies of the calendar object.

use std::borrow::Cow;
use std::ops::Range;

use mail_parser::ContentType;

use super::decoding::decode;
use super::lines::{Lines, shown};
use super::{Calendar, Fields, Gate, Leaf, PART_FIELDS, Rule};
use crate::input::problem::quoted;

impl<'a> Gate<'a> {
    /// M1 to M7 and M10: the parts.
    pub(super) fn check_tree(&mut self, header: &Fields<'a>, start: usize) {
        let body = start.min(self.octets.len())..self.octets.len();
        let Some(calendar) = self.meant.calendar else {
            let Some((parts, _)) = self.split(header, "alternative", body, None) else { return };
            if let [plain, html] = &self.leaves(&parts)[..] {
                self.check_bodies(plain, html);
            } else {
                self.find(Rule::Tree, format!("the alternative has {} parts, not plain text and HTML", parts.len()));
            }
            return;
        };
        let Some((parts, outer)) = self.split(header, "mixed", body, None) else { return };
        let [alternative, attachment] = &parts[..] else {
            let text = format!("the message has {} parts, not the alternative and one attachment", parts.len());
            return self.find(Rule::Tree, text);
        };
        let Leaf { fields, body } = self.leaf(alternative.clone());
        self.check_disposition(&fields, "multipart/alternative");
        let end = alternative.end;
        let Some((parts, _)) = self.split(&fields, "alternative", end - body.len()..end, Some(&outer)) else { return };
        let [plain, html, invitation] = &self.leaves(&parts)[..] else {
            let text = format!("the alternative has {} parts, not plain text, HTML and calendar", parts.len());
            return self.find(Rule::Tree, text);
        };
        let attachment = self.leaf(attachment.clone());
        self.check_bodies(plain, html);
        self.check_invitation(invitation, calendar);
        self.check_attachment(&attachment);
        self.check_copies(invitation, &attachment, calendar);
    }

    /// The parts of a multipart: between whole boundary lines, with nothing before the first and after the last.
    pub(super) fn split(
        &mut self,
        fields: &Fields<'_>,
        subtype: &str,
        body: Range<usize>,
        outer: Option<&str>,
    ) -> Option<(Vec<Range<usize>>, String)> {
        let content_type = fields.content_type("Content-Type");
        let is_right = |found: &&ContentType<'_>| found.ctype() == "multipart" && found.subtype() == Some(subtype);
        let Some(boundary) = content_type.filter(is_right).and_then(|found| only(found, "boundary")) else {
            let found = fields.get("Content-Type").map_or(Cow::Borrowed("nothing"), |(raw, _)| shown(raw).into());
            self.find(Rule::Tree, format!("expected multipart/{subtype} with a boundary, found {found}"));
            return None;
        };
        // RFC 2046 section 5.1.1; and readers that compare only beginnings would take one for the other.
        let is_mixed_up = outer.is_some_and(|outer| outer.starts_with(boundary) || boundary.starts_with(outer));
        if boundary.is_empty() || boundary.len() > 70 || is_mixed_up {
            self.find(Rule::Tree, format!("boundary {} is no boundary beside the other", quoted(boundary)));
            return None;
        }
        let octets = self.octets;
        let (mut parts, mut begin, mut is_closed) = (Vec::new(), None, false);
        let mut beside = body.start..body.start;
        for mark in self.marks.iter().filter(|mark| mark.start >= body.start && mark.end <= body.end) {
            let rest = octets[mark.start + 2..mark.end].strip_prefix(boundary.as_bytes());
            let Some(rest) = rest else { continue };
            let is_last = rest.starts_with(b"--");
            if is_closed || !rest.strip_prefix(b"--").unwrap_or(rest).trim_ascii().is_empty() {
                // Behind the end, or a longer line that only begins like one.
                continue;
            }
            match begin {
                None => beside.end = mark.start,
                // The CRLF before a boundary belongs to it.
                Some(begin) => parts.push(begin..mark.start.saturating_sub(2).max(begin)),
            }
            begin = Some((mark.end + 2).min(body.end));
            is_closed = is_last;
        }
        let epilogue = &octets[begin.unwrap_or(body.end)..body.end];
        if !is_closed {
            self.find(Rule::Tree, format!("multipart/{subtype} is not closed"));
        } else if !octets[beside].trim_ascii().is_empty() || !epilogue.trim_ascii().is_empty() {
            self.find(Rule::Tree, format!("multipart/{subtype} has text beside its parts"));
        }
        Some((parts, boundary.to_owned()))
    }

    pub(super) fn leaves(&mut self, parts: &[Range<usize>]) -> Vec<Leaf<'a>> {
        // More than a mutilated message can have is not read; the count is a finding already.
        parts.iter().take(4).map(|part| self.leaf(part.clone())).collect()
    }

    /// The header and the body of a part.
    pub(super) fn leaf(&mut self, part: Range<usize>) -> Leaf<'a> {
        let octets = self.octets;
        let blank = Lines::new(&octets[part.clone()])
            .find(|line| matches!(&octets[part.start + line.start..part.start + line.end], b"\r\n" | b"\n" | b""));
        let Some(blank) = blank else {
            self.find(Rule::Tree, "a part has no blank line after its header");
            return Leaf { fields: Fields::default(), body: &octets[part.end..part.end] };
        };
        let fields = self.read_header(part.start..part.start + blank.start, &PART_FIELDS, Rule::Tree);
        Leaf { fields, body: &octets[part.start + blank.end..part.end] }
    }

    /// Type and charset; whether the type is right.
    pub(super) fn check_type(&mut self, leaf: &Leaf<'_>, main: &str, sub: &str) -> bool {
        let content_type = leaf.fields.content_type("Content-Type");
        if !content_type.is_some_and(|found| found.ctype() == main && found.subtype() == Some(sub)) {
            let found = leaf.fields.get("Content-Type").map_or(Cow::Borrowed("nothing"), |(raw, _)| shown(raw).into());
            self.find(Rule::Tree, format!("expected {main}/{sub}, found {found}"));
            return false;
        }
        if main == "text" {
            let charset = content_type.and_then(|found| only(found, "charset"));
            if !charset.is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8")) {
                self.find(Rule::Charset, format!("{main}/{sub} does not say charset=utf-8, once"));
            }
        }
        true
    }

    pub(super) fn check_disposition(&mut self, fields: &Fields<'_>, what: &str) {
        if let Some((raw, _)) = fields.get("Content-Disposition") {
            self.find(Rule::Disposition, format!("{what} has the disposition {}", shown(raw)));
        }
    }

    pub(super) fn check_bodies(&mut self, plain: &Leaf<'a>, html: &Leaf<'a>) {
        for (leaf, sub) in [(plain, "plain"), (html, "html")] {
            self.check_disposition(&leaf.fields, &format!("text/{sub}"));
            if !self.check_type(leaf, "text", sub) {
                continue;
            }
            let text = match decode(leaf) {
                Ok(text) => text,
                Err(fault) => {
                    self.find(Rule::Octets, format!("text/{sub} {fault}"));
                    continue;
                }
            };
            match std::str::from_utf8(&text) {
                Ok(text) if !is_readable(text, sub == "html") => {
                    self.find(Rule::Bodies, format!("text/{sub} is empty"));
                }
                Ok(_) => {}
                Err(_) => self.find(Rule::Charset, format!("text/{sub} is not UTF-8")),
            }
        }
    }

    pub(super) fn check_invitation(&mut self, leaf: &Leaf<'_>, calendar: Calendar<'_>) {
        self.check_disposition(&leaf.fields, "text/calendar");
        if !self.check_type(leaf, "text", "calendar") {
            return;
        }
        let method = leaf.fields.content_type("Content-Type").and_then(|found| only(found, "method"));
        if method != Some(calendar.method) {
            let method = quoted(method.unwrap_or_default());
            self.find(Rule::Method, format!("text/calendar says method {method}, not {}", quoted(calendar.method)));
        }
    }

    pub(super) fn check_attachment(&mut self, leaf: &Leaf<'_>) {
        let is_ics = leaf.fields.content_type("Content-Type");
        let is_ics = is_ics.filter(|found| found.ctype() == "application" && found.subtype() == Some("ics"));
        let Some(content_type) = is_ics else {
            let found = leaf.fields.get("Content-Type").map_or(Cow::Borrowed("nothing"), |(raw, _)| shown(raw).into());
            return self.find(Rule::Attachment, format!("expected application/ics, found {found}"));
        };
        if content_type.has_attribute("method") {
            self.find(Rule::Attachment, "application/ics has a method, some servers take it for a second invitation");
        }
        let disposition = leaf.fields.content_type("Content-Disposition").filter(|found| found.is_attachment());
        let name = disposition.and_then(|found| only(found, "filename")).unwrap_or_default();
        // A name that any file system takes and no reader encodes.
        let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) && !name.starts_with('.');
        if !is_plain || !name.to_ascii_lowercase().ends_with(".ics") {
            self.find(Rule::Attachment, format!("application/ics is no attachment named *.ics: {}", quoted(name)));
        }
    }

    pub(super) fn check_copies(&mut self, invitation: &Leaf<'_>, attachment: &Leaf<'_>, calendar: Calendar<'_>) {
        // The same octets in the same encoding need to be decoded only once.
        let is_same = invitation.body == attachment.body && is_base64(attachment);
        let copies = [(invitation, "text/calendar"), (attachment, "application/ics")];
        for (leaf, what) in &copies[..if is_same { 1 } else { 2 }] {
            if !is_base64(leaf) {
                self.find(Rule::Octets, format!("{what} is not in base64"));
            }
            match decode(leaf) {
                Ok(octets) if *octets == *calendar.octets => {}
                Ok(_) => self.find(Rule::Copies, format!("{what} is not the calendar object that is meant")),
                Err(fault) => self.find(Rule::Octets, format!("{what} {fault}")),
            }
        }
    }

    /// M2, M8, M12: what the calendar object says of method, organizer and attendee.
    pub(super) fn check_calendar(&mut self, calendar: Calendar<'_>) {
        let mut inside = [const { Vec::new() }; 3];
        let mut lines = Lines::new(calendar.octets).peekable();
        while let Some(line) = lines.next() {
            let names: [&[u8]; 3] = [b"METHOD", b"ORGANIZER", b"ATTENDEE"];
            let text = &calendar.octets[line.clone()];
            let is_name = |name: &&[u8]| matches!(text.strip_prefix(*name), Some([b':' | b';', ..]));
            let Some(at) = names.iter().position(is_name) else { continue };
            let mut end = line.end;
            while let Some(next) = lines.next_if(|next| matches!(calendar.octets[next.start], b' ' | b'\t')) {
                end = next.end;
            }
            inside[at].push(property_value(&calendar.octets[line.start..end]));
        }
        let [methods, organizers, attendees] = inside;
        if methods != [calendar.method] {
            let methods = quoted(&methods.join(", "));
            self.find(
                Rule::Method,
                format!("the calendar object has METHOD {methods}, not {}", quoted(calendar.method)),
            );
        }
        let roles = [
            (Rule::Organizer, "ORGANIZER", organizers, self.meant.from),
            (Rule::Recipient, "ATTENDEE", attendees, self.meant.to),
        ];
        for (rule, name, values, meant) in roles {
            let meant = meant.address().key();
            let is_meant = |value: &String| {
                value.split_at_checked(7).is_some_and(|(scheme, address)| {
                    scheme.eq_ignore_ascii_case("mailto:") && address.to_lowercase() == meant
                })
            };
            if values.len() != 1 || !values.iter().all(is_meant) {
                self.find(rule, format!("{name} is {}, not {} alone", quoted(&values.join(", ")), quoted(&meant)));
            }
        }
    }
}

/// The value of an attribute that stands there exactly once: readers differ in which of two they take.
fn only<'a>(content_type: &'a ContentType<'_>, name: &str) -> Option<&'a str> {
    let mut values = content_type.attributes()?.iter().filter(|attribute| attribute.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_ref())
}

fn is_base64(leaf: &Leaf<'_>) -> bool {
    leaf.fields.get("Content-Transfer-Encoding").is_some_and(|(raw, _)| raw.eq_ignore_ascii_case(b"base64"))
}

/// Whether there is anything for a reader: in HTML, something outside tags and behind `<body>`.
fn is_readable(text: &str, is_html: bool) -> bool {
    if !is_html {
        return !text.trim().is_empty();
    }
    let body = text.find("<body").map_or(text, |at| &text[at..]);
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        if !rest[..at].trim().is_empty() {
            return true;
        }
        let Some(end) = rest[at..].find('>') else { return false };
        rest = &rest[at + end + 1..];
    }
    !rest.trim().is_empty()
}

/// What stands behind the first colon outside quotes of a content line, unfolded (RFC 5545 section 3.1).
fn property_value(line: &[u8]) -> String {
    let mut unfolded = Vec::with_capacity(line.len());
    for part in Lines::new(line) {
        let part = &line[part];
        let part = part.strip_suffix(b"\r\n").unwrap_or(part);
        unfolded.extend_from_slice(if unfolded.is_empty() { part } else { part.get(1..).unwrap_or_default() });
    }
    let mut is_quoted = false;
    let colon = unfolded.iter().position(|&b| {
        is_quoted ^= b == b'"';
        b == b':' && !is_quoted
    });
    String::from_utf8_lossy(unfolded.get(colon.map_or(unfolded.len(), |at| at + 1)..).unwrap_or_default()).into_owned()
}
