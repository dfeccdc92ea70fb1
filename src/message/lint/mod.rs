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

mod decoding;
mod header;
mod lines;
mod parts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use mail_parser::{ContentType, Header, HeaderValue};

use lines::{Lines, line_of};

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
}
