//! The last gate: is this built message what it is meant to be?
//!
//! What: [`lint`], over the octets as they will go to the relay, by the rules M1 to M12 of the project's notes on
//! invitations. It builds nothing and corrects nothing; a message with a finding is not sent.
//! Standards: RFC 5322 (fields, line lengths), RFC 2045 to 2047 (encodings, trees, words), RFC 6047 (`method`, `charset`),
//! and what calendar programs were seen to demand beyond them.
//! Not here: the calendar object's own rules L1 to L17 (`calendar`); whether the words make sense (`check`).
//! Called by: the composer of `message`, for every message, so it has to be fast: about as long as building it.
//! Can fail: it cannot. Any octets give findings, at most a few for each rule; none of them panics or recurses.
//!
//! Two readers look at the message, neither of them mail-builder, which wrote it. mail-parser reads all header fields of the
//! message and of its parts. The tree is taken apart here, and more strictly: a boundary counts only as a whole line
//! (mail-parser finds it in the middle of one, too) and there is no text beside the parts. mail-parser's own decoding of all
//! bodies would take twice the time; a test holds it against the same messages.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead as _;
use std::ops::Range;

use mail_parser::{Addr, Address, ContentType, Header, HeaderName, HeaderValue, MessageParser};

use crate::input::problem::quoted;
use crate::mail::{Mailbox, MessageId};

/// What the message should be: from the plan, not from the message.
#[derive(Clone, Copy, Debug)]
pub struct Meant<'a> {
    /// The sender, who is the organizer and reads the replies.
    pub from: &'a Mailbox,
    /// The one recipient.
    pub to: &'a Mailbox,
    /// As readers see it, without RFC 2047.
    pub subject: &'a str,
    /// As the journal has it.
    pub message_id: &'a MessageId,
    /// The message that began the correspondence, for In-Reply-To and References; `None` for a first message.
    pub thread: Option<&'a MessageId>,
    /// What both calendar parts hold; `None` for a message without them.
    pub calendar: Option<Calendar<'a>>,
}

/// The calendar object of a message.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// `REQUEST` or `CANCEL`.
    pub method: &'a str,
    /// The whole object with CRLF.
    pub octets: &'a [u8],
}

/// M1 to M12, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// M1: the tree of parts.
    Tree,
    /// M2: `method` of the part and `METHOD` inside are one.
    Method,
    /// M3: UTF-8, and said so.
    Charset,
    /// M4: nothing of the alternative is an attachment (Exchange does not process one).
    Disposition,
    /// M5: `application/ics`, named `*.ics`, without a method (a second invitation to some servers).
    Attachment,
    /// M6: both copies of the calendar object are the same octets.
    Copies,
    /// M7: line ends, lengths, encodings.
    Octets,
    /// M8: the sender is the organizer, the recipient is not.
    Organizer,
    /// M9: each field once, and no other; a follow-up names the message that it follows.
    Fields,
    /// M10: plain text and HTML, both with something in them.
    Bodies,
    /// M11: subject and names as meant, without controls.
    Names,
    /// M12: one recipient, the one meant, and no other address anywhere.
    Recipient,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{}", *self as u8 + 1)
    }
}

/// One deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule it breaks.
    pub rule: Rule,
    /// What was found, with values in backticks.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// All findings in a built message; none if it may go.
pub fn lint(octets: &[u8], meant: &Meant<'_>) -> Vec<Finding> {
    let mut gate = Gate { octets, meant, marks: Vec::new(), findings: Vec::new() };
    let header_end = gate.check_lines();
    let header = gate.read_header(0..header_end, &MESSAGE_FIELDS, Rule::Fields);
    gate.check_fields(&header);
    gate.check_tree(&header, header_end + 2);
    if let Some(calendar) = meant.calendar {
        gate.check_calendar(calendar);
    }
    gate.findings
}

/// All findings in a header of `To` and, where it differs between recipients, `Subject`; the rest of the message is octet for
/// octet as in one that passed [`lint`] for another recipient.
pub fn lint_personal(octets: &[u8], meant: &Meant<'_>) -> Vec<Finding> {
    let mut gate = Gate { octets, meant, marks: Vec::new(), findings: Vec::new() };
    let header_end = gate.check_lines();
    if header_end + 2 < octets.len() {
        gate.find(Rule::Fields, "a blank line stands between the fields of the recipient");
    }
    let header = gate.read_header(0..header_end, &["To", "Subject"], Rule::Fields);
    if let Some((_, value)) = header.get("Subject") {
        gate.check_words("the subject", value.as_text().unwrap_or_default(), meant.subject);
    }
    match header.get("To") {
        Some(mailbox) => gate.check_mailbox(Rule::Recipient, "To", mailbox, meant.to),
        None => gate.find(Rule::Fields, "field `To` is missing"),
    }
    gate.check_roles();
    gate.findings
}

/// RFC 5322 section 3.6: these stand in a message exactly once.
const REQUIRED_FIELDS: [&str; 6] = ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version"];

/// All that we write; whatever else is there came from a value.
const MESSAGE_FIELDS: [&str; 16] = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "In-Reply-To",
    "References",
    "Content-Language",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Reply-To",
];

const PART_FIELDS: [&str; 4] = ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-Language"];

/// RFC 5322 section 2.1.1, without CRLF.
const LINE_MOST: usize = 998;
/// RFC 2045 section 6.8, without CRLF.
const BASE64_LINE_MOST: usize = 76;

/// For each rule: a broken message may have one in each line, and a few of them say it.
const FINDINGS_MOST: usize = 5;

struct Gate<'a> {
    octets: &'a [u8],
    meant: &'a Meant<'a>,
    /// Lines that begin with `--`, without their ends: the only ones that can be boundaries.
    marks: Vec<Range<usize>>,
    findings: Vec<Finding>,
}

/// The fields of one header, as they stand and as mail-parser reads them.
#[derive(Default)]
struct Fields<'a> {
    raw: Vec<(&'a str, &'a [u8])>,
    read: Vec<Header<'a>>,
}

impl<'a> Fields<'a> {
    /// The first of this name: octets and value.
    fn get(&self, name: &str) -> Option<(&'a [u8], &HeaderValue<'a>)> {
        let at = self.raw.iter().position(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some((self.raw[at].1.trim_ascii(), &self.read.get(at)?.value))
    }

    fn content_type(&self, name: &str) -> Option<&ContentType<'a>> {
        self.get(name).and_then(|(_, value)| value.as_content_type())
    }
}

/// One leaf of the tree.
struct Leaf<'a> {
    fields: Fields<'a>,
    body: &'a [u8],
}

impl<'a> Gate<'a> {
    fn find(&mut self, rule: Rule, text: impl Into<String>) {
        if self.findings.iter().filter(|finding| finding.rule == rule).count() < FINDINGS_MOST {
            self.findings.push(Finding { rule, text: text.into() });
        }
    }

    /// What concerns every line, of whatever part; the offset at which the header ends.
    fn check_lines(&mut self) -> usize {
        let octets = self.octets;
        let is_strange = |b: u8| !matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        // Counting all is several times faster than stopping at the first: the compiler makes vectors of it.
        if octets.iter().filter(|&&b| is_strange(b)).count() > 0 {
            let at = octets.iter().position(|&b| is_strange(b)).unwrap_or_default();
            self.find(Rule::Octets, format!("line {} holds the octet 0x{:02x}", line_of(octets, at), octets[at]));
        }
        let (mut ends, mut has_bare_lf, mut has_long) = (0, false, false);
        let mut header_end = None;
        for line in Lines::new(octets) {
            let text = match octets[line.clone()].strip_suffix(b"\n") {
                Some(text) if text.ends_with(b"\r") => &text[..text.len() - 1],
                Some(text) => {
                    if !has_bare_lf {
                        has_bare_lf = true;
                        self.find(Rule::Octets, format!("line {} ends with a bare LF", line_of(octets, line.start)));
                    }
                    text
                }
                None => {
                    self.find(Rule::Octets, "the last line has no end");
                    &octets[line.clone()]
                }
            };
            ends += 1;
            if text.len() > LINE_MOST && !has_long {
                has_long = true;
                let number = line_of(octets, line.start);
                self.find(Rule::Octets, format!("line {number} has {} octets, {LINE_MOST} is the most", text.len()));
            }
            if text.is_empty() && header_end.is_none() {
                header_end = Some(line.start);
            }
            if text.starts_with(b"--") {
                self.marks.push(line.start..line.start + text.len());
            }
        }
        if octets.iter().filter(|&&b| b == b'\r').count() > ends {
            let at = octets.windows(2).position(|pair| pair[0] == b'\r' && pair[1] != b'\n');
            let number = line_of(octets, at.unwrap_or(octets.len()));
            self.find(Rule::Octets, format!("line {number} holds a bare CR"));
        }
        header_end.unwrap_or_else(|| {
            self.find(Rule::Fields, "no blank line ends the header");
            octets.len()
        })
    }

    /// The fields of a header: each line is the beginning of an expected field or the continuation of one.
    fn read_header(&mut self, header: Range<usize>, expected: &[&str], rule: Rule) -> Fields<'a> {
        let octets = &self.octets[header];
        let mut raw: Vec<(&str, &[u8])> = Vec::with_capacity(expected.len());
        let mut begin = 0;
        for line in Lines::new(octets) {
            let text = &octets[line.clone()];
            if text.starts_with(b" ") || text.starts_with(b"\t") {
                if text.trim_ascii().is_empty() || raw.is_empty() {
                    self.find(
                        rule,
                        format!("a folded line of the header is empty or continues nothing: {}", shown(text)),
                    );
                }
                if let Some((_, value)) = raw.last_mut() {
                    *value = &octets[begin..line.end];
                }
                continue;
            }
            let colon = text.iter().position(|&b| b == b':').unwrap_or(text.len());
            match std::str::from_utf8(&text[..colon]) {
                Ok(name) if colon < text.len() && !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()) => {
                    if !expected.iter().any(|other| name.eq_ignore_ascii_case(other)) {
                        self.find(rule, format!("field {} is not one that we write", quoted(name)));
                    } else if raw.iter().any(|(other, _)| name.eq_ignore_ascii_case(other)) {
                        self.find(rule, format!("field {} stands there twice", quoted(name)));
                    }
                    begin = line.start + colon + 1;
                    raw.push((name, &octets[begin..line.end]));
                }
                _ => self.find(rule, format!("a line of the header is no field: {}", shown(text))),
            }
        }
        let read = MessageParser::default().parse_headers(octets).and_then(|message| message.parts.into_iter().next());
        let read = read.map(|part| part.headers).unwrap_or_default();
        let is_same =
            |(field, header): (&(&str, &[u8]), &Header<'_>)| header.name.as_str().eq_ignore_ascii_case(field.0);
        if raw.len() != read.len() || !raw.iter().zip(&read).all(is_same) {
            self.find(rule, format!("two readers see different fields, {} and {}", raw.len(), read.len()));
        }
        Fields { raw, read }
    }

    /// M8, M9, M11, M12: the fields of the message itself.
    fn check_fields(&mut self, header: &Fields<'a>) {
        for name in REQUIRED_FIELDS {
            if header.get(name).is_none() {
                self.find(Rule::Fields, format!("field `{name}` is missing"));
            }
        }
        if let Some((raw, value)) = header.get("Date") {
            let has_zone = raw.len() > 5 && matches!(raw[raw.len() - 5], b'+' | b'-');
            if !has_zone || !value.as_datetime().is_some_and(|date| date.is_valid()) {
                self.find(Rule::Fields, format!("`Date` is no date with an offset: {}", shown(raw)));
            }
        }
        if let Some((raw, _)) = header.get("MIME-Version")
            && raw != b"1.0"
        {
            self.find(Rule::Fields, format!("`MIME-Version` is {}, not `1.0`", shown(raw)));
        }
        let message_id = self.meant.message_id.as_str();
        if let Some((raw, _)) = header.get("Message-ID")
            && bracketed(raw) != Some(message_id.as_bytes())
        {
            self.find(Rule::Fields, format!("`Message-ID` is {}, not `<{message_id}>`", shown(raw)));
        }
        for name in ["In-Reply-To", "References"] {
            match (header.get(name), self.meant.thread) {
                (Some((raw, _)), Some(thread)) if bracketed(raw) == Some(thread.as_str().as_bytes()) => {}
                (Some((raw, _)), Some(thread)) => {
                    self.find(Rule::Fields, format!("`{name}` is {}, not `{thread}`", shown(raw)));
                }
                (Some((raw, _)), None) => {
                    self.find(Rule::Fields, format!("`{name}` is {} in a first message", shown(raw)));
                }
                (None, Some(_)) => self.find(Rule::Fields, format!("field `{name}` is missing in a follow-up")),
                (None, None) => {}
            }
        }
        if let Some((_, value)) = header.get("Subject") {
            self.check_words("the subject", value.as_text().unwrap_or_default(), self.meant.subject);
        }
        let (from, to) = (self.meant.from, self.meant.to);
        if let Some(mailbox) = header.get("From") {
            self.check_mailbox(Rule::Organizer, "From", mailbox, from);
        }
        if let Some(mailbox) = header.get("To") {
            self.check_mailbox(Rule::Recipient, "To", mailbox, to);
        }
        if let Some((raw, _)) = header.get("Reply-To")
            && !is_mailbox(raw, from.address().as_str())
        {
            self.find(Rule::Organizer, format!("`Reply-To` is {}, not the sender", shown(raw)));
        }
        self.check_roles();
        for header in &header.read {
            let HeaderValue::Address(addresses) = &header.value else { continue };
            if is_list_field(&header.name) {
                continue;
            }
            let is_ours = |addr: &Addr<'_>| {
                let address = addr.address.as_deref().unwrap_or_default();
                address == from.address().as_str() || address == to.address().as_str()
            };
            if let Some(other) = addresses.iter().find(|addr| !is_ours(addr)) {
                let other = other.address.as_deref().unwrap_or_default();
                let name = header.name.as_str();
                self.find(Rule::Recipient, format!("`{name}` holds {}, a third address", quoted(other)));
            }
        }
    }

    fn check_roles(&mut self) {
        let to = self.meant.to.address();
        if self.meant.from.address().key() == to.key() {
            self.find(Rule::Organizer, format!("{} is organizer and recipient", quoted(to.as_str())));
        }
    }

    fn check_mailbox(&mut self, rule: Rule, name: &str, field: (&[u8], &HeaderValue<'_>), meant: &Mailbox) {
        let (raw, value) = field;
        let address = meant.address().as_str();
        let read = match value {
            HeaderValue::Address(Address::List(list)) if list.len() == 1 => list.first(),
            _ => None,
        };
        match read {
            Some(read) if read.address.as_deref() == Some(address) && is_mailbox(raw, address) => {
                let said = read.name.as_deref().unwrap_or_default();
                self.check_words(&format!("the name in `{name}`"), said, meant.name());
            }
            Some(Addr { address: Some(other), .. }) if other != address => {
                self.find(rule, format!("`{name}` is {}, not {}", quoted(other), quoted(address)));
            }
            _ => self.find(rule, format!("`{name}` is {}, not {} alone", shown(raw), quoted(address))),
        }
    }

    fn check_words(&mut self, what: &str, read: &str, meant: &str) {
        if read.contains(char::is_control) {
            self.find(Rule::Names, format!("{what} holds a control character: {}", quoted(read)));
        }
        if read != meant {
            self.find(Rule::Names, format!("{what} reads {}, not {}", quoted(read), quoted(meant)));
        }
    }

    /// M1 to M7 and M10: the parts.
    fn check_tree(&mut self, header: &Fields<'a>, start: usize) {
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
    fn split(
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

    fn leaves(&mut self, parts: &[Range<usize>]) -> Vec<Leaf<'a>> {
        // More than a mutilated message can have is not read; the count is a finding already.
        parts.iter().take(4).map(|part| self.leaf(part.clone())).collect()
    }

    /// The header and the body of a part.
    fn leaf(&mut self, part: Range<usize>) -> Leaf<'a> {
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
    fn check_type(&mut self, leaf: &Leaf<'_>, main: &str, sub: &str) -> bool {
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

    fn check_disposition(&mut self, fields: &Fields<'_>, what: &str) {
        if let Some((raw, _)) = fields.get("Content-Disposition") {
            self.find(Rule::Disposition, format!("{what} has the disposition {}", shown(raw)));
        }
    }

    fn check_bodies(&mut self, plain: &Leaf<'a>, html: &Leaf<'a>) {
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

    fn check_invitation(&mut self, leaf: &Leaf<'_>, calendar: Calendar<'_>) {
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

    fn check_attachment(&mut self, leaf: &Leaf<'_>) {
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

    fn check_copies(&mut self, invitation: &Leaf<'_>, attachment: &Leaf<'_>, calendar: Calendar<'_>) {
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
    fn check_calendar(&mut self, calendar: Calendar<'_>) {
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

/// Lines with their ends; the last one may have none.
struct Lines<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut rest = self.octets.get(start..).filter(|rest| !rest.is_empty())?;
        // A slice is read without errors, and with the `memchr` of the C library.
        self.at += rest.skip_until(b'\n').unwrap_or(rest.len());
        Some(start..self.at)
    }
}

fn line_of(octets: &[u8], at: usize) -> usize {
    octets.iter().take(at).filter(|&&b| b == b'\n').count() + 1
}

/// Octets as they may stand in a finding.
fn shown(octets: &[u8]) -> String {
    quoted(String::from_utf8_lossy(&octets[..octets.len().min(300)]).trim())
}

/// The value of an attribute that stands there exactly once: readers differ in which of two they take.
fn only<'a>(content_type: &'a ContentType<'_>, name: &str) -> Option<&'a str> {
    let mut values = content_type.attributes()?.iter().filter(|attribute| attribute.name == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.value.as_ref())
}

/// List-Unsubscribe and List-Id hold addresses of another kind.
fn is_list_field(name: &HeaderName<'_>) -> bool {
    name.as_str().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("list-"))
}

fn bracketed(raw: &[u8]) -> Option<&[u8]> {
    raw.strip_prefix(b"<")?.strip_suffix(b">")
}

/// Whether a field is `words <address>` and nothing else, for readers that are less forgiving than mail-parser or more.
fn is_mailbox(raw: &[u8], address: &str) -> bool {
    let Some(words) = raw.strip_suffix(b">").and_then(|raw| raw.strip_suffix(address.as_bytes())) else { return false };
    let Some(words) = words.strip_suffix(b"<") else { return false };
    let (mut is_quoted, mut is_escaped) = (false, false);
    for &byte in words {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'<' | b'>' | b',' | b';' | b':' | b'@' | b'(' | b')' | b'\\' if !is_quoted => return false,
            _ => {}
        }
    }
    !is_quoted
}

fn is_base64(leaf: &Leaf<'_>) -> bool {
    leaf.fields.get("Content-Transfer-Encoding").is_some_and(|(raw, _)| raw.eq_ignore_ascii_case(b"base64"))
}

/// The content of a part; what is wrong with its encoding, to stand behind its type.
fn decode<'a>(leaf: &Leaf<'a>) -> Result<Cow<'a, [u8]>, String> {
    match leaf.fields.get("Content-Transfer-Encoding").map(|(raw, _)| raw.to_ascii_lowercase()).as_deref() {
        None | Some(b"7bit") => Ok(Cow::Borrowed(leaf.body)),
        Some(b"quoted-printable") => quoted_printable(leaf.body).map(Cow::Owned),
        Some(b"base64") => base64(leaf.body).map(Cow::Owned),
        Some(other) => Err(format!("has the encoding {}", shown(other))),
    }
}

fn quoted_printable(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        // Reading from a slice into memory cannot fail.
        rest.read_until(b'=', &mut text).unwrap_or_default();
        if text.last() != Some(&b'=') {
            break;
        }
        text.pop();
        rest = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [high, low, rest @ ..] => {
                let digits = char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16));
                let octet = digits.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                text.push(octet.ok_or("has a `=` that begins nothing in quoted-printable")?);
                rest
            }
            _ => return Err("ends in the middle of quoted-printable".to_owned()),
        };
    }
    Ok(text)
}

const NO_DIGIT: u8 = 0xff;

static BASE64_DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// RFC 2045 section 6.8, strictly: whole groups of four on lines of at most 76, `=` only at the very end.
fn base64(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut content = Vec::with_capacity(body.len() / 4 * 3);
    let mut is_over = false;
    for line in Lines::new(body) {
        let line = &body[line];
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        if line.len() > BASE64_LINE_MOST {
            return Err(format!("has a base64 line of {} octets, {BASE64_LINE_MOST} is the most", line.len()));
        }
        let (groups, rest) = line.as_chunks::<4>();
        if !rest.is_empty() || (is_over && !line.is_empty()) {
            return Err("has base64 that is cut or goes on behind its end".to_owned());
        }
        for group in groups {
            let digits = group.map(|octet| BASE64_DIGITS[usize::from(octet)]);
            let value = digits.iter().fold(0, |value, &digit| value << 6 | u32::from(digit & 63));
            let [_, one, two, three] = value.to_be_bytes();
            if digits.iter().all(|&digit| digit != NO_DIGIT) {
                content.extend([one, two, three]);
                continue;
            }
            match group {
                [_, _, b'=', b'='] if !is_over && digits[0] | digits[1] < 64 => content.push(one),
                [_, _, _, b'='] if !is_over && digits[0] | digits[1] | digits[2] < 64 => content.extend([one, two]),
                _ => return Err("has a character that base64 has not".to_owned()),
            }
            is_over = true;
        }
    }
    Ok(content)
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

#[cfg(test)]
mod tests {
    use mail_builder::MessageBuilder;
    use mail_builder::headers::content_type::ContentType;
    use mail_builder::headers::raw::Raw;
    use mail_builder::mime::MimePart;
    use mail_parser::{MessageParser, MimeHeaders as _, PartType};
    use proptest::prelude::{ProptestConfig, Strategy, any, proptest};

    use super::{Calendar, Finding, Meant, Rule, lint, lint_personal};
    use crate::mail::{AddrSpec, Mailbox, MessageId};

    const SUBJECT: &str = "Invitation : prévenir les atrocités (vendredi 22 septembre 2017, 15 heures)";

    /// What one message is made of.
    struct Sample {
        from: Mailbox,
        to: Mailbox,
        subject: String,
        message_id: MessageId,
        calendar: Vec<u8>,
    }

    impl Sample {
        fn new() -> Self {
            let address = |text: &str| AddrSpec::parse(text).expect(text);
            let from = Mailbox::new("Permanent Mission of Liechtenstein", address("rsvp@events.example"));
            let calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//convoke//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
                UID:e1.abc@events.example\r\nSEQUENCE:0\r\nDTSTAMP:20170901T090000Z\r\nDTSTART:20170922T190000Z\r\n\
                ORGANIZER;CN=\"Permanent Mission: Liechtenstein\":mailto:rsvp@events.exam\r\n ple\r\n\
                ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=\r\n TRUE;CN=\"Côte d’Ivoire\"\
                :mailto:un@mission.example\r\nSUMMARY:Atrocités\\, prévention\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
            Self {
                message_id: MessageId::new("m1.abc", from.address()),
                from,
                to: Mailbox::new("Côte d’Ivoire, \"Mission\" (ONU)", address("un@mission.example")),
                subject: SUBJECT.to_owned(),
                calendar: calendar.as_bytes().to_vec(),
            }
        }

        fn meant(&self) -> Meant<'_> {
            Meant {
                from: &self.from,
                to: &self.to,
                subject: &self.subject,
                message_id: &self.message_id,
                thread: None,
                calendar: Some(Calendar { method: "REQUEST", octets: &self.calendar }),
            }
        }

        fn build(&self, with_calendar: bool) -> Vec<u8> {
            self.build_with(with_calendar, "Dear Ms. Okafor,\r\n\r\nWe invite you – warmly.\r\n", HTML)
        }

        fn build_with(&self, with_calendar: bool, plain: &str, html: &str) -> Vec<u8> {
            let multipart = |subtype: &str, boundary: &'static str, parts| {
                MimePart::new(ContentType::new(format!("multipart/{subtype}")).attribute("boundary", boundary), parts)
            };
            let encoded = encode(&self.calendar);
            let calendar =
                ContentType::new("text/calendar").attribute("method", "REQUEST").attribute("charset", "utf-8");
            let mut parts =
                vec![MimePart::new("text/plain", plain.to_owned()), MimePart::new("text/html", html.to_owned())];
            let body = if with_calendar {
                // Told nothing, mail-builder takes a part of type text for text and not for base64.
                parts.push(MimePart::new(calendar, encoded.clone()).transfer_encoding("base64"));
                let attachment = MimePart::new("application/ics", encoded.into_bytes()).attachment("invite.ics");
                let alternative = multipart("alternative", "=_b2_6c1f", parts);
                multipart("mixed", "=_b1_6c1f", vec![alternative, attachment.transfer_encoding("base64")])
            } else {
                multipart("alternative", "=_b2_6c1f", parts)
            };
            let mut octets = Vec::new();
            MessageBuilder::new()
                .date(1_504_256_400_i64)
                .message_id(self.message_id.as_str())
                .from((self.from.name(), self.from.address().as_str()))
                .to((self.to.name(), self.to.address().as_str()))
                .subject(self.subject.as_str())
                .header("Auto-Submitted", Raw::new("auto-generated"))
                .header("X-Auto-Response-Suppress", Raw::new("OOF, AutoReply"))
                .body(body)
                .serialize(&mut octets);
            octets
        }
    }

    const HTML: &str = "<!DOCTYPE html>\r\n<html lang=\"fr\"><head><title>x</title></head>\r\n\
        <body class=\"page\"><p style=\"margin:0 0 16px 0;\">Chère Madame Okafor,</p></body></html>\r\n";

    fn encode(octets: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut lines = String::new();
        for line in octets.chunks(57) {
            for group in line.chunks(3) {
                let mut three = [0; 4];
                three[1..=group.len()].copy_from_slice(group);
                let value = u32::from_be_bytes(three);
                for place in 0..4 {
                    let digit = ALPHABET[(value >> (18 - 6 * place) & 63) as usize];
                    lines.push(if place <= group.len() { char::from(digit) } else { '=' });
                }
            }
            lines.push_str("\r\n");
        }
        lines
    }

    fn text(findings: &[Finding]) -> String {
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_good_message_passes() {
        let sample = Sample::new();
        assert_eq!(text(&lint(&sample.build(true), &sample.meant())), "");
        assert_eq!(text(&lint(&sample.build(false), &Meant { calendar: None, ..sample.meant() })), "");
    }

    #[test]
    fn what_differs_between_recipients_is_checked_by_itself() {
        let sample = Sample::new();
        let meant = sample.meant();
        let built = String::from_utf8(sample.build(true)).expect("ASCII");
        let field = |name: &str| {
            let at = built.find(&format!("{name}: ")).expect(name);
            let end = built[at..].match_indices("\r\n").find(|(n, _)| !built[at + n + 2..].starts_with([' ', '\t']));
            built[at..at + end.expect("an end").0 + 2].to_owned()
        };
        let (to, subject) = (field("To"), field("Subject"));
        let found = |fields: &str| {
            let findings = lint_personal(format!("{fields}\r\n").as_bytes(), &meant);
            findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
        };
        assert_eq!(found(&format!("{to}{subject}")), []);
        assert_eq!(found(&to), [], "the subject may be that of all");
        let encoded = |text: &str| format!("=?utf-8?B?{}?=", encode(text.as_bytes()).trim_end());
        let address = "<un@mission.example>";
        for (what, fields, rule) in [
            ("another address", swap(&to, "un@mission.example", "an@mission.example"), Rule::Recipient),
            ("a second address", swap(&to, address, "<un@mission.example>, <an@mission.example>"), Rule::Recipient),
            ("a second To", format!("{to}{to}"), Rule::Fields),
            ("no To", subject, Rule::Fields),
            ("a third field", format!("{to}Bcc: <an@mission.example>\r\n"), Rule::Fields),
            ("a name that reads otherwise", format!("To: {} {address}\r\n", encoded("Mission of Y")), Rule::Names),
            ("a control in the name", format!("To: {} {address}\r\n", encoded("Mission\u{7} of X")), Rule::Names),
            ("a control in clear", format!("To: \"Mission\u{7}\" {address}\r\n"), Rule::Octets),
            ("a subject that reads otherwise", format!("{to}Subject: {}\r\n", encoded("Gala")), Rule::Names),
            ("a blank line between", format!("{to}\r\nBcc: <an@mission.example>\r\n"), Rule::Fields),
        ] {
            assert!(found(&fields).contains(&rule), "{what}: {:?}\n{fields}", found(&fields));
        }
        let own = Meant { to: &sample.from, ..meant };
        let fields = format!("To: {} <rsvp@events.example>\r\n\r\n", encoded(sample.from.name()));
        let rules: Vec<Rule> = lint_personal(fields.as_bytes(), &own).iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [Rule::Organizer], "the organizer is invited");
    }

    #[test]
    fn a_message_may_thread_and_unsubscribe_and_have_no_names() {
        let mut sample = Sample::new();
        sample.to = Mailbox::new("", sample.to.address().clone());
        let message = String::from_utf8(sample.build(true)).expect("ASCII").replace(
            "\r\nMIME-Version",
            "\r\nIn-Reply-To: <a@events.example>\r\nReferences: <a@events.example>\r\n\
             Reply-To: <rsvp@events.example>\r\nContent-Language: fr\r\nList-Id: Events <list.events.example>\r\n\
             List-Unsubscribe: <https://events.example/u?t=1>,\r\n <mailto:leave@events.example>\r\n\
             List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version",
        );
        let first = MessageId::from_journal("a@events.example".to_owned());
        let follow_up = Meant { thread: Some(&first), ..sample.meant() };
        assert_eq!(text(&lint(message.as_bytes(), &follow_up)), "");
        let other = MessageId::from_journal("b@events.example".to_owned());
        let plain = String::from_utf8(sample.build(true)).expect("ASCII");
        for (message, thread, said) in [
            (&message, Some(&other), "`In-Reply-To` is `<a@events.example>`, not `<b@events.example>`"),
            (&message, None, "`References` is `<a@events.example>` in a first message"),
            (&plain, Some(&first), "field `References` is missing in a follow-up"),
        ] {
            let found = lint(message.as_bytes(), &Meant { thread, ..sample.meant() });
            assert!(found.iter().all(|finding| finding.rule == Rule::Fields) && found.len() == 2, "{}", text(&found));
            assert!(text(&found).contains(said), "{}", text(&found));
        }
    }

    /// A mutation of the good message and the rule that must find it.
    type Mutation = (&'static str, Rule, fn(&str) -> String);

    fn swap(message: &str, old: &str, new: &str) -> String {
        assert!(message.contains(old), "nothing to replace: {old}\n{message}");
        message.replacen(old, new, 1)
    }

    /// The same in the part of this type.
    fn swap_in(message: &str, part: &str, old: &str, new: &str) -> String {
        let at = message.find(&format!("Content-Type: {part}")).expect(part);
        format!("{}{}", &message[..at], swap(&message[at..], old, new))
    }

    /// The whole part of this type, from its boundary to the next.
    fn part_of<'a>(message: &'a str, part: &str) -> &'a str {
        let at = message.find(&format!("Content-Type: {part}")).expect(part);
        let start = message[..at].rfind("\r\n--").expect("a boundary");
        &message[start..at + message[at..].find("\r\n--").expect("a boundary")]
    }

    const MUTATIONS: &[Mutation] = &[
        ("parts of the alternative in another order", Rule::Tree, |m| {
            let (plain, html) = (part_of(m, "text/plain"), part_of(m, "text/html"));
            m.replace(&format!("{plain}{html}"), &format!("{html}{plain}"))
        }),
        ("no HTML", Rule::Tree, |m| m.replace(part_of(m, "text/html"), "")),
        ("no calendar in the alternative", Rule::Tree, |m| m.replace(part_of(m, "text/calendar"), "")),
        ("no attachment", Rule::Tree, |m| m.replace(part_of(m, "application/ics"), "")),
        ("a second attachment", Rule::Tree, |m| {
            m.replace(part_of(m, "application/ics"), &part_of(m, "application/ics").repeat(2))
        }),
        ("a second calendar", Rule::Tree, |m| {
            m.replace(part_of(m, "text/calendar"), &part_of(m, "text/calendar").repeat(2))
        }),
        ("related for mixed", Rule::Tree, |m| swap(m, "multipart/mixed", "multipart/related")),
        ("no type at all", Rule::Tree, |m| swap(m, "Content-Type: multipart/mixed;", "Content-Language: en;")),
        ("two boundaries", Rule::Tree, |m| swap(m, "boundary=\"=_b1_6c1f\"", "boundary=\"=_b1_6c1f\"; boundary=\"x\"")),
        ("one boundary begins like the other", Rule::Tree, |m| m.replace("=_b2_6c1f", "=_b1_6c1f2")),
        ("not closed", Rule::Tree, |m| swap(m, "--=_b1_6c1f--", "")),
        ("the alternative not closed", Rule::Tree, |m| swap(m, "--=_b2_6c1f--", "")),
        ("text before the parts", Rule::Tree, |m| swap(m, "\r\n--=_b1_6c1f\r\n", "\r\nBuy!\r\n--=_b1_6c1f\r\n")),
        ("text after the parts", Rule::Tree, |m| format!("{m}Buy!\r\n")),
        ("cut in the middle", Rule::Tree, |m| m[..m.find("text/calendar").expect("there")].to_owned() + "\r\n"),
        ("an unknown field in a part", Rule::Tree, |m| {
            swap(m, "Content-Type: text/html", "Content-Location: https://x.example/\r\nContent-Type: text/html")
        }),
        ("two types in a part", Rule::Tree, |m| {
            swap(m, "Content-Type: text/html", "Content-Type: text/html; charset=utf-8\r\nContent-Type: text/html")
        }),
        ("no method", Rule::Method, |m| swap(m, "method=\"REQUEST\"; ", "")),
        ("another method", Rule::Method, |m| swap(m, "\"REQUEST\"", "\"CANCEL\"")),
        ("two methods", Rule::Method, |m| swap(m, "method=\"REQUEST\"", "method=\"REQUEST\"; method=CANCEL")),
        ("no charset of the calendar", Rule::Charset, |m| swap_in(m, "text/calendar", "; charset=\"utf-8\"", "")),
        ("Latin calendar", Rule::Charset, |m| swap_in(m, "text/calendar", "utf-8", "iso-8859-1")),
        ("Latin HTML", Rule::Charset, |m| swap_in(m, "text/html", "utf-8", "iso-8859-1")),
        ("two charsets", Rule::Charset, |m| swap_in(m, "text/plain", "utf-8\"", "utf-8\"; charset=us-ascii")),
        ("octets that are no UTF-8", Rule::Charset, |m| swap_in(m, "text/html", "=C3=A8", "=E8")),
        ("the calendar as attachment", Rule::Disposition, |m| {
            swap(m, "Content-Type: text/calendar", "Content-Disposition: attachment\r\nContent-Type: text/calendar")
        }),
        ("the calendar inline", Rule::Disposition, |m| {
            swap(m, "Content-Type: text/calendar", "Content-Disposition: inline\r\nContent-Type: text/calendar")
        }),
        ("the text inline", Rule::Disposition, |m| {
            swap(m, "Content-Type: text/plain", "Content-Disposition: inline\r\nContent-Type: text/plain")
        }),
        ("the attachment a second invitation", Rule::Attachment, |m| swap(m, "application/ics", "text/calendar")),
        ("the attachment with a method", Rule::Attachment, |m| {
            swap(m, "application/ics", "application/ics; method=REQUEST")
        }),
        ("the attachment with another name", Rule::Attachment, |m| swap(m, "invite.ics", "invite.txt")),
        ("the attachment with a path", Rule::Attachment, |m| swap(m, "invite.ics", "../invite.ics")),
        ("the attachment without a name", Rule::Attachment, |m| swap(m, "; filename=\"invite.ics\"", "")),
        ("the attachment inline", Rule::Attachment, |m| swap(m, "Disposition: attachment", "Disposition: inline")),
        ("another attachment than the calendar", Rule::Copies, |m| {
            swap_in(m, "application/ics", "QkVHSU46VkNBTEVOREFS", "QkVHSU46VkNBTEVOREFT")
        }),
        ("another calendar than the attachment", Rule::Copies, |m| {
            swap_in(m, "text/calendar", "QkVHSU46VkNBTEVOREFS", "QkVHSU46VkNBTEVOREFT")
        }),
        ("both copies other than meant", Rule::Copies, |m| m.replace("QkVHSU46VkNBTEVOREFS", "QkVHSU46VkNBTEVOREFT")),
        ("a bare LF", Rule::Octets, |m| swap(m, "\r\nSubject", "\nSubject")),
        ("LF throughout", Rule::Octets, |m| m.replace("\r\n", "\n")),
        ("a bare CR", Rule::Octets, |m| swap(m, "Dear", "De\rar")),
        ("a CR at the very end", Rule::Octets, |m| format!("{m}\r")),
        ("a NUL", Rule::Octets, |m| swap(m, "Dear", "De\0ar")),
        ("an octet beyond ASCII in the header", Rule::Octets, |m| swap(m, "Permanent", "Pérmanent")),
        ("a line of 1000", Rule::Octets, |m| swap(m, "Dear", &"a".repeat(1000))),
        ("a base64 line of 80", Rule::Octets, |m| {
            let at = m.find("QkVHSU46").expect("there") + 76;
            format!("{}{}\r\n{}", &m[..at], &m[at + 2..at + 6], &m[at + 6..])
        }),
        ("base64 cut short", Rule::Octets, |m| swap_in(m, "text/calendar", "QkVHSU46", "QkVHSU4")),
        ("no base64", Rule::Octets, |m| swap_in(m, "application/ics", "QkVHSU46", "QkVHS-46")),
        ("the calendar in another encoding", Rule::Octets, |m| swap_in(m, "text/calendar", "base64", "7bit")),
        ("quoted-printable that is none", Rule::Octets, |m| swap_in(m, "text/html", "=C3", "=ZZ")),
        ("an encoding that nobody knows", Rule::Octets, |m| swap_in(m, "text/html", "quoted-printable", "x-uue")),
        ("another sender", Rule::Organizer, |m| swap(m, "<rsvp@events.example>", "<team@events.example>")),
        ("two senders", Rule::Organizer, |m| swap(m, "<rsvp@", "<rsvp@events.example>, <rsvp@")),
        ("answers to somebody else", Rule::Organizer, |m| {
            swap(m, "\r\nTo:", "\r\nReply-To: <un@mission.example>\r\nTo:")
        }),
        ("no date", Rule::Fields, |m| swap(m, "Date: Fri, 1 Sep 2017 09:00:00 +0000\r\n", "")),
        ("a date without zone", Rule::Fields, |m| swap(m, "09:00:00 +0000", "09:00:00")),
        ("a date that is none", Rule::Fields, |m| swap(m, "1 Sep 2017", "41 Sep 2017")),
        ("no subject", Rule::Fields, |m| swap(m, "Subject:", "References:")),
        ("two subjects", Rule::Fields, |m| swap(m, "\r\nSubject:", "\r\nsubject: x\r\nSubject:")),
        ("two senders' fields", Rule::Fields, |m| swap(m, "\r\nFrom:", "\r\nFrom: <rsvp@events.example>\r\nFrom:")),
        ("another Message-ID", Rule::Fields, |m| swap(m, "<m1.abc@", "<m2.abc@")),
        ("another MIME-Version", Rule::Fields, |m| swap(m, "MIME-Version: 1.0", "MIME-Version: 1.1")),
        ("a field that came from a cell", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nX-Evil: yes\r\nTo:")),
        ("a blind copy", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nBcc: spy@evil.example\r\nTo:")),
        ("a line that is no field", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nhello\r\nTo:")),
        ("a blank before the colon", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nTo :")),
        ("a folded line with nothing on it", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\n \t\r\nTo:")),
        ("no end of the header", Rule::Fields, |m| m.replace("\r\n\r\n", "\r\n")),
        ("nothing in the text", Rule::Bodies, |m| {
            let part = part_of(m, "text/plain");
            m.replace(part, &format!("{}\r\n\r\n=20=0D=0A=\r\n\r\n", part.split("\r\n\r\n").next().expect("a header")))
        }),
        ("nothing in the HTML", Rule::Bodies, |m| {
            let part = part_of(m, "text/html");
            let header = part.split("\r\n\r\n").next().expect("a header");
            m.replace(part, &format!("{header}\r\n\r\n<title>x</title><body><p> </p>\r\n</body>\r\n"))
        }),
        ("another subject", Rule::Names, |m| swap(m, "Subject: =?utf-8?", "Subject: Re: =?utf-8?")),
        ("a line end in the subject", Rule::Names, |m| swap(m, "Subject: ", "Subject: =?utf-8?Q?=0D=0ABcc:?= ")),
        ("another name of the sender", Rule::Names, |m| swap(m, "\"Permanent Mission", "\"Permanent mission")),
        ("a control in the sender's name", Rule::Names, |m| {
            swap(m, "\"Permanent Mission of Liechtenstein\"", "=?utf-8?Q?Permanent_=07Mission?=")
        }),
        ("the name of another row", Rule::Names, |m| {
            let at = m.find("\r\nTo: ").expect("there") + 6;
            format!("{}Mission of X{}", &m[..at], &m[m.find("<un@").expect("there") - 1..])
        }),
        ("another recipient", Rule::Recipient, |m| swap(m, "<un@mission.example>", "<un@mission2.example>")),
        ("two recipients", Rule::Recipient, |m| swap(m, "<un@", "<spy@evil.example>, <un@")),
        ("a group", Rule::Recipient, |m| swap(m, "\r\nTo: ", "\r\nTo: All: ")),
        ("an address behind ours", Rule::Recipient, |m| {
            swap(m, "<un@mission.example>", "<un@mission.example> <spy@evil.example>")
        }),
        ("a comment before ours", Rule::Recipient, |m| swap(m, "<un@", "(spy@evil.example) <un@")),
        ("a copy", Rule::Recipient, |m| swap(m, "\r\nTo:", "\r\nCc: spy@evil.example\r\nTo:")),
        ("a sender apart", Rule::Recipient, |m| swap(m, "\r\nTo:", "\r\nSender: spy@evil.example\r\nTo:")),
    ];

    #[test]
    fn every_mutation_is_found_by_its_rule() {
        let sample = Sample::new();
        let good = String::from_utf8(sample.build(true)).expect("ASCII");
        for (name, rule, mutate) in MUTATIONS {
            let bad = mutate(&good);
            assert_ne!(bad, good, "{name}");
            let findings = lint(bad.as_bytes(), &sample.meant());
            assert!(
                findings.iter().any(|finding| finding.rule == *rule),
                "{name}: {rule} is not in\n{}",
                text(&findings)
            );
        }
    }

    #[test]
    fn what_is_meant_can_be_at_fault_too() {
        let rules = |sample: &Sample| {
            lint(&sample.build(true), &sample.meant()).iter().map(|finding| finding.rule).collect::<Vec<_>>()
        };
        let changed = |old: &str, new: &str| {
            let mut sample = Sample::new();
            sample.calendar = swap(std::str::from_utf8(&sample.calendar).expect("UTF-8"), old, new).into_bytes();
            sample
        };
        assert_eq!(rules(&changed("METHOD:REQUEST\r\n", "METHOD:CANCEL\r\n")), [Rule::Method]);
        assert_eq!(rules(&changed("METHOD:REQUEST\r\n", "")), [Rule::Method]);
        assert_eq!(rules(&changed("exam\r\n ple", "exam\r\n pless")), [Rule::Organizer]);
        assert_eq!(rules(&changed("mailto:rsvp", "rsvp")), [Rule::Organizer]);
        assert_eq!(rules(&changed("mailto:un@", "mailto:an@")), [Rule::Recipient]);
        assert_eq!(rules(&changed("SUMMARY", "ATTENDEE:mailto:spy@evil.example\r\nSUMMARY")), [Rule::Recipient]);
        let mut sample = Sample::new();
        sample.to = Mailbox::new("Us", AddrSpec::parse("RSVP@events.example").expect("valid"));
        assert_eq!(rules(&sample), [Rule::Organizer, Rule::Recipient]);
    }

    #[test]
    fn a_message_without_calendar_has_none() {
        let sample = Sample::new();
        let without = Meant { calendar: None, ..sample.meant() };
        assert_eq!(
            text(&lint(&sample.build(true), &without)),
            "M1: expected multipart/alternative with a boundary, found `multipart/mixed; boundary=\"=_b1_6c1f\"`"
        );
        assert_eq!(
            text(&lint(&sample.build(false), &sample.meant())),
            "M1: expected multipart/mixed with a boundary, found `multipart/alternative; boundary=\"=_b2_6c1f\"`"
        );
    }

    #[test]
    fn findings_say_where_and_what() {
        let sample = Sample::new();
        let good = String::from_utf8(sample.build(true)).expect("ASCII");
        let said = |bad: String| text(&lint(bad.as_bytes(), &sample.meant()));
        assert_eq!(said(swap(&good, "\r\nFrom", "\nFrom")), "M7: line 2 ends with a bare LF");
        assert_eq!(said(swap(&good, "Date: F", "Date:\u{b} F")), "M7: line 1 holds the octet 0x0b");
        assert_eq!(
            said(swap(&good, "\r\nTo:", "\r\nBcc: spy@evil.example\r\nTo:")),
            "M9: field `Bcc` is not one that we write\nM12: `Bcc` holds `spy@evil.example`, a third address"
        );
        assert_eq!(
            said(swap(&good, "<un@mission.example>", "<um@mission.example>")),
            "M12: `To` is `um@mission.example`, not `un@mission.example`\n\
             M12: `To` holds `um@mission.example`, a third address"
        );
    }

    #[test]
    fn a_line_of_text_may_look_like_a_boundary() {
        let sample = Sample::new();
        for plain in ["a\r\n-- \r\n--\r\n--=_b1\r\n--=_b\r\n", "--=_b2_6c1fx\r\n", "x --=_b2_6c1f\r\n"] {
            assert_eq!(text(&lint(&sample.build_with(true, plain, HTML), &sample.meant())), "", "{plain:?}");
        }
        let findings = lint(&sample.build_with(true, "a\r\n--=_b2_6c1f\r\n\r\nb", HTML), &sample.meant());
        assert_eq!(findings[0].rule, Rule::Tree);
    }

    /// What passes must read the same to mail-parser as a whole, which decodes all by itself.
    fn second_reader_agrees(octets: &[u8], sample: &Sample) {
        let message = MessageParser::default().parse(octets).expect("a message");
        let [root, alternative, plain, html, calendar, attachment] = &message.parts[..] else {
            panic!("{} parts", message.parts.len());
        };
        assert!(matches!(&root.body, PartType::Multipart(parts) if parts == &[1, 5]));
        assert!(matches!(&alternative.body, PartType::Multipart(parts) if parts == &[2, 3, 4]));
        assert!(matches!(&plain.body, PartType::Text(text) if !text.trim().is_empty()));
        assert!(matches!(&html.body, PartType::Html(text) if !text.trim().is_empty()));
        assert_eq!(calendar.contents(), sample.calendar);
        assert_eq!(attachment.contents(), sample.calendar);
        assert!(attachment.attachment_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".ics")));
        assert_eq!(message.subject(), Some(sample.subject.as_str()));
        let only = |address: Option<&mail_parser::Address<'_>>| {
            let address = address.expect("an address");
            assert_eq!(address.iter().count(), 1);
            address.first().and_then(|addr| addr.address.clone()).expect("an address").into_owned()
        };
        assert_eq!(only(message.from()), sample.from.address().as_str());
        assert_eq!(only(message.to()), sample.to.address().as_str());
        assert!(message.cc().is_none() && message.bcc().is_none() && message.sender().is_none());
    }

    /// One edit: where, how many octets go, what comes in their place.
    fn edits() -> impl Strategy<Value = Vec<(usize, usize, Vec<u8>)>> {
        let piece = proptest::sample::select(vec![
            &b""[..],
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b"--",
            b"=",
            b":",
            b";",
            b"\"",
            b"<",
            b">",
            b",",
            b"(",
            b" ",
            b"\t",
            b"A",
            b"\xc3",
            b"\r\n\r\n",
            b"--=_b1_6c1f",
            b"\r\n--=_b2_6c1f--\r\n",
            b"Bcc: <x@y.example>\r\n",
            b"=?utf-8?Q?=0A?=",
            b"Content-Type: text/plain\r\n",
            b"attachment",
            b"%00",
            b"*0*=",
        ]);
        let noise = proptest::collection::vec(any::<u8>(), 0..4);
        let piece = proptest::prop_oneof![piece.prop_map(<[u8]>::to_vec), noise];
        proptest::collection::vec((any::<usize>(), proptest::prop_oneof![0..4_usize, 0..400_usize], piece), 0..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_mutilated_message_makes_it_panic_or_passes_with_another_meaning(edits in edits(), with in any::<bool>()) {
            let sample = Sample::new();
            let mut octets = sample.build(with);
            for (at, removed, piece) in edits {
                let start = at % (octets.len() + 1);
                let end = (start + removed).min(octets.len());
                octets.splice(start..end, piece);
            }
            let findings = lint(&octets, &sample.meant());
            assert!(findings.iter().all(|finding| finding.text.len() < 600) && findings.len() <= 60);
            if findings.is_empty() {
                second_reader_agrees(&octets, &sample);
            }
            lint(&octets, &Meant { calendar: None, ..sample.meant() });
        }

        #[test]
        fn noise_makes_findings_and_no_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            assert!(!lint(&octets, &Sample::new().meant()).is_empty());
        }

        #[test]
        fn any_subject_and_name_pass_when_they_are_one_clean_line(subject in any::<String>(), name in any::<String>()) {
            let mut sample = Sample::new();
            // What `Mailbox` makes of a name is what the composer makes of a subject.
            sample.subject = Mailbox::new(&subject, sample.to.address().clone()).name().to_owned();
            sample.to = Mailbox::new(&name, sample.to.address().clone());
            assert_eq!(text(&lint(&sample.build(true), &sample.meant())), "");
        }
    }
}
