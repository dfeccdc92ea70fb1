//! What a report says in prose.
//!
//! What: [`Notice`]: the text above the returned original, the original's head where the text holds it, whom the text names and
//! what it says of each. Standards: none; the forms that sendmail, Postfix, qmail, Exim, Courier, Exchange and the providers
//! share. Not here: phrases (`notices.toml`), meaning (`diagnosis`), choice between prose and fields (`bounce`).
//! Called by: `bounce`. Can fail: nothing.

use super::address::mentions;
use super::head::Head;
use super::notices;

/// Octets of a text that are read as a report; what comes later is a returned original.
const LONGEST: usize = 32 * 1024;
/// Lines after an address that belong to it.
const MOST_LINES: usize = 14;
/// Recipients named in one report.
const MOST_RECIPIENTS: usize = 50;

/// How clearly a text names an address as the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clarity {
    /// It opens a line, or a label before it says so.
    Labelled,
    /// A command or a reply of a transcript names it.
    Transcript,
    /// It is mentioned.
    Mentioned,
}

/// An address that a text names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// As written.
    pub(super) address: String,
    /// How clearly.
    pub(super) clarity: Clarity,
}

/// A report in prose.
#[derive(Debug)]
pub(super) struct Notice<'t> {
    lines: Vec<&'t str>,
    /// The returned head, where the text holds one.
    pub(super) original: Option<Head<'t>>,
    /// Everything above the original.
    pub(super) text: &'t str,
}

impl<'t> Notice<'t> {
    /// Parts the report from what it returns.
    pub(super) fn new(text: &'t str) -> Self {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let (notice, original) = parted(text);
        let notice = &text[..notice];
        let original =
            original.map(|at| Head::parse(text[at..].trim_start().as_bytes())).filter(|head| !head.is_empty());
        Self { lines: notice.lines().collect(), original, text: notice }
    }

    /// Every address of the report, the clearest mention of each, in the order of the lines.
    pub(super) fn named(&self) -> Vec<Named> {
        let mut found: Vec<Named> = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            if line.len() > 4000 || memchr::memchr(b'@', line.as_bytes()).is_none() {
                continue;
            }
            let is_quoted_head = self.is_quoted_head(number);
            for (address, clarity) in in_line(line, number.checked_sub(1).map(|n| self.lines[n])) {
                let clarity = if is_quoted_head { Clarity::Mentioned } else { clarity };
                let key = address.to_lowercase();
                let known = found.iter().position(|other| other.address.to_lowercase() == key);
                match known {
                    Some(known) => found[known].clarity = found[known].clarity.min(clarity),
                    None if found.len() < MOST_RECIPIENTS => found.push(Named { address, clarity }),
                    None => return found,
                }
            }
        }
        found
    }

    /// Whether a line is the `To:` of a message that the report describes ("Your message / To: ... / Subject: ... / Sent: ..."):
    /// whom it was written to, which need not be whom it did not reach.
    fn is_quoted_head(&self, number: usize) -> bool {
        let starts = |line: &str, word: &str| {
            let line = line.trim_start();
            line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        if !starts(self.lines[number], "to:") {
            return false;
        }
        let near = number.saturating_sub(3)..(number + 4).min(self.lines.len());
        self.lines[near].iter().any(|line| ["subject:", "sent:", "date:"].iter().any(|word| starts(line, word)))
    }

    /// What the report says of one of those it names: the lines that mention it and those after them.
    pub(super) fn about(&self, address: &str, others: &[&str]) -> String {
        let key = address.to_lowercase();
        let mut said = String::new();
        let mut left = 0_usize;
        let mut is_reply = false;
        for line in &self.lines {
            let lower = line.to_lowercase();
            let opens_reply = line.trim_start().get(..3).is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit()));
            if lower.contains(&key) {
                left = MOST_LINES;
                is_reply = opens_reply;
            } else if left > 0 && is_reply && opens_reply {
                // The next reply of a transcript is about somebody else.
                left = 0;
            } else if left > 0
                && (line.trim().is_empty() || others.iter().any(|other| lower.contains(&other.to_lowercase())))
            {
                left = 0;
            }
            if left > 0 {
                left -= 1;
                if !said.is_empty() {
                    said.push('\n');
                }
                said.push_str(line.trim());
                if said.len() > 4000 {
                    break;
                }
            }
        }
        said
    }
}

/// Where the report ends, and where the head of the original begins.
fn parted(text: &str) -> (usize, Option<usize>) {
    let mut at = 0;
    let mut is_first = true;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |n| at + n + 1);
        let line = text[at..end].trim();
        if !line.is_empty() {
            if !is_first && is_separator(line) {
                return (at, Some(end));
            }
            if opens_head(line) && is_head(&text[at..]) {
                return (at, Some(at));
            }
            is_first = false;
        }
        at = end;
    }
    (text.len(), None)
}

/// A line that announces the original: dashes or the like and the words, or a short line that is nothing but the words.
fn is_separator(line: &str) -> bool {
    if line.len() > 160 {
        return false;
    }
    let bare = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let dashes = line.len() - bare.len();
    let words = super::phrases::folded(bare.trim_end_matches(|c: char| !c.is_alphanumeric()));
    let is_marked =
        dashes >= 2 && line.starts_with(['-', '=', '*', '_', '#', '+', '~', '>', '.']) && !line.starts_with(">>> ");
    if is_marked {
        return notices::announces_original(&words);
    }
    // Without marks the line must be the announcement and nothing else: "The original message was received at" is none.
    (line.ends_with([':', '.']) || words.len() < 50) && notices::is_announcement(&words, line.ends_with(':'))
}

/// Names of fields with which originals begin.
fn opens_head(line: &str) -> bool {
    const NAMES: [&str; 16] = [
        "received:",
        "return-path:",
        "message-id:",
        "dkim-signature:",
        "delivered-to:",
        "mime-version:",
        "from:",
        "to:",
        "date:",
        "subject:",
        "x-",
        "arc-",
        "authentication-results:",
        "content-type:",
        "sender:",
        "reply-to:",
    ];
    NAMES
        .iter()
        .any(|name| line.len() >= name.len() && line.as_bytes()[..name.len()].eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a head begins here: four fields in a row, one of them such as only a message has.
fn is_head(text: &str) -> bool {
    let (mut fields, mut is_message) = (0, false);
    for line in text.lines().take(60) {
        if line.starts_with([' ', '\t']) && fields > 0 {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { break };
        if name.is_empty() || name.contains(' ') {
            break;
        }
        fields += 1;
        is_message |= ["received", "message-id", "mime-version", "return-path", "dkim-signature"]
            .iter()
            .any(|strong| name.eq_ignore_ascii_case(strong));
        if fields >= 4 && is_message {
            return true;
        }
    }
    // A head may be all that is left of the text.
    fields >= 3 && is_message
}

/// The addresses of one line and how clearly it names them.
fn in_line(line: &str, before_it: Option<&str>) -> Vec<(String, Clarity)> {
    let found = mentions(line);
    if found.is_empty() {
        return Vec::new();
    }
    let lower = line.to_ascii_lowercase();
    let start = lower.trim_start();
    if notices::is_senders_line(start) || lower.contains("message-id") || lower.contains("message id") {
        return Vec::new();
    }
    let mut named = Vec::new();
    for (n, mention) in found.iter().enumerate() {
        let from = if n > 0 { found[n - 1].place.end } else { 0 };
        let before = lower[from..mention.place.start].trim_matches(|c: char| !c.is_alphanumeric());
        let after = lower[mention.place.end..].trim_start_matches(['>', '"', '\'', ')', ']']);
        // `<mailto:ana@a.example>` repeats what stands before it; a URL is no address.
        if before.contains("://") && !lower[..mention.place.start].ends_with(' ') || after.starts_with('/') {
            continue;
        }
        let raw_before = lower[..mention.place.start].trim_start();
        let is_transcript = raw_before.starts_with(|c: char| c.is_ascii_digit())
            || raw_before.starts_with("<<<")
            || before.ends_with("rcpt to")
            || raw_before.starts_with(">>>") && !before.is_empty();
        let clarity = if is_transcript {
            Clarity::Transcript
        } else if n > 0 && before.is_empty() {
            // A list, or a name's two spellings: as clear as the one before.
            named.last().map_or(Clarity::Mentioned, |(_, clarity)| *clarity)
        } else if notices::is_helpers_line(before) {
            continue;
        } else if before.is_empty() || notices::is_label(before) {
            Clarity::Labelled
        } else if before_it.is_some_and(|line| line.trim_end().ends_with(':')) && before.split_whitespace().count() <= 4
        {
            // A name before the address, below a line that announces addresses.
            Clarity::Labelled
        } else {
            Clarity::Mentioned
        };
        named.push((mention.text.clone(), clarity));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::{Clarity, Notice};

    #[test]
    fn the_original_is_parted_from_the_report() {
        let notice = Notice::new(
            "Sorry.\n<ana@a.example>: no\n\n--- Below this line is a copy of the message.\n\nReceived: x\nTo: ana@a.example\nSubject: y\n\nbody",
        );
        assert!(notice.text.ends_with("no\n\n"));
        assert!(notice.original.is_some_and(|head| head.has("Subject")));
        let notice = Notice::new("Hello\n\nReceived: from a\nMessage-ID: <x@y>\nFrom: b@c.example\nSubject: y\n");
        assert_eq!(notice.text, "Hello\n\n");
    }

    #[test]
    fn recipients_stand_at_the_beginning_of_lines() {
        let notice =
            Notice::new("From: me@us.example\nSorry, ana@a.example said:\n  <bo@b.example>:\n550 <cy@c.example> no\n");
        let named: Vec<_> = notice.named().into_iter().map(|n| (n.address, n.clarity)).collect();
        assert_eq!(
            named,
            [
                ("ana@a.example".to_owned(), Clarity::Mentioned),
                ("bo@b.example".to_owned(), Clarity::Labelled),
                ("cy@c.example".to_owned(), Clarity::Transcript),
            ]
        );
    }
}
