//! Words by which reports and their parts are known, from `notices.toml`.
//!
//! What: whether a sender, a subject or a text is a report's; where an original is announced; what the words before an address
//! make of it. Not here: why a message failed (`diagnosis`). Called by: `bounce`, `prose`.
//! Can fail: nothing; that the table can be read is tested.

use std::sync::LazyLock;

use serde::Deserialize;

use super::phrases::Phrases;

const TABLE: &str = include_str!("notices.toml");

static NOTICES: LazyLock<Notices> = LazyLock::new(|| read(TABLE).expect("the table is read by a test"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    senders: Vec<String>,
    subjects: Vec<String>,
    texts: Vec<String>,
    originals: Vec<String>,
    labels: Vec<String>,
    senders_lines: Vec<String>,
    helpers: Vec<String>,
    challenges: Vec<String>,
}

#[derive(Debug)]
struct Notices {
    senders: Phrases,
    subjects: Phrases,
    texts: Phrases,
    originals: Phrases,
    announcements: Vec<String>,
    labels: Vec<String>,
    senders_lines: Vec<String>,
    helpers: Phrases,
    challenges: Phrases,
}

fn read(text: &str) -> Result<Notices, String> {
    let document: Document = toml::from_str(text).map_err(|e| e.to_string())?;
    let one = |list: &[String]| Phrases::new([list]);
    Ok(Notices {
        senders: one(&document.senders),
        subjects: one(&document.subjects),
        texts: one(&document.texts),
        originals: one(&document.originals),
        announcements: document.originals,
        labels: document.labels,
        senders_lines: document.senders_lines,
        helpers: one(&document.helpers),
        challenges: one(&document.challenges),
    })
}

/// Whether the mailbox or the name of a sender (folded) is a mail system's.
pub(super) fn is_system(sender: &str) -> bool {
    NOTICES.senders.any(sender)
}

/// Whether a subject (folded) is a report's.
pub(super) fn is_subject(subject: &str) -> bool {
    NOTICES.subjects.any(subject)
}

/// Whether a text (folded) is a report.
pub(super) fn is_text(text: &str) -> bool {
    NOTICES.texts.any(text)
}

/// Whether a marked line (folded, without its marks) announces an original.
pub(super) fn announces_original(words: &str) -> bool {
    NOTICES.originals.any(words)
}

/// Whether a line without marks is an announcement and nothing else.
pub(super) fn is_announcement(words: &str, has_colon: bool) -> bool {
    NOTICES.announcements.iter().any(|one| {
        let rest = words.strip_prefix("the ").unwrap_or(words);
        let one = one.strip_prefix("the ").unwrap_or(one);
        // "Original message:" alone, or a sentence that begins with a longer announcement.
        rest.strip_prefix(one).is_some_and(|left| left.is_empty() && has_colon || one.split(' ').count() >= 3)
    })
}

/// Whether the words before an address say that it is the recipient.
pub(super) fn is_label(before: &str) -> bool {
    NOTICES.labels.iter().any(|label| {
        before
            .strip_suffix(label.as_str())
            .is_some_and(|rest| !label.is_ascii() || !rest.ends_with(char::is_alphanumeric))
    })
}

/// Whether a line (lower case) tells of the sender.
pub(super) fn is_senders_line(line: &str) -> bool {
    NOTICES.senders_lines.iter().any(|start| line.starts_with(start.as_str()))
}

/// Whether a sender and a text (folded) ask to prove to be a person.
pub(super) fn is_challenge(text: &str) -> bool {
    NOTICES.challenges.any(text)
}

/// Whether the words before an address say whom to ask for help.
pub(super) fn is_helpers_line(before: &str) -> bool {
    NOTICES.helpers.any(before)
}

#[cfg(test)]
mod tests {
    use super::{TABLE, read};

    #[test]
    fn the_table_can_be_read() {
        read(TABLE).unwrap();
    }
}
