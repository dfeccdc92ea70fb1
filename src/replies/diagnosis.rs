//! Why a message did not arrive, from codes and words.
//!
//! What: [`diagnose`], from a text and a code to a [`Class`]; [`usual_code`], the other way. Standards: RFC 3463 and the IANA
//! registry of enhanced codes, RFC 7372, RFC 7504, RFC 7505; words in `phrases.toml`. Not here: where the text comes from
//! (`bounce`). Called by: `bounce`, `receipt`. Can fail: nothing; what nothing is known of is [`Class::Other`].

use std::sync::LazyLock;

use serde::Deserialize;

use super::phrases::Phrases;
use super::reading::Class;
use crate::mail::EnhancedCode;

const TABLE: &str = include_str!("phrases.toml");

static RULES: LazyLock<Rules> = LazyLock::new(|| read(TABLE).expect("the table is read by a test"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    class: String,
    strength: Strength,
    source: String,
    phrases: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Strength {
    Strong,
    Weak,
}

#[derive(Debug)]
struct Rules {
    strong: (Vec<Class>, Phrases),
    weak: (Vec<Class>, Phrases),
}

fn read(text: &str) -> Result<Rules, String> {
    let document: Document = toml::from_str(text).map_err(|e| e.to_string())?;
    let of = |strength: Strength| {
        let groups: Vec<&Group> = document.group.iter().filter(|group| group.strength == strength).collect();
        let classes = groups
            .iter()
            .map(|group| {
                if group.source.is_empty() {
                    return Err(format!("`{}` needs a source", group.class));
                }
                Class::parse(&group.class).ok_or_else(|| format!("`{}` is no class", group.class))
            })
            .collect::<Result<Vec<Class>, String>>()?;
        Ok::<_, String>((classes, Phrases::new(groups.iter().map(|group| group.phrases.as_slice()))))
    };
    Ok(Rules { strong: of(Strength::Strong)?, weak: of(Strength::Weak)? })
}

/// The class that words and code speak for: unmistakable words, then the code, then vague words, then the vague code.
///
/// `text` is folded and without codes and addresses ([`words_of`]).
pub(super) fn diagnose(text: &str, code: Option<EnhancedCode>) -> Class {
    let strong = RULES.strong.1.first(text).map(|group| RULES.strong.0[group]);
    if let Some(class) = strong {
        return class;
    }
    if let Some(class) = code.and_then(by_code) {
        return class;
    }
    let weak = RULES.weak.1.first(text).map(|group| RULES.weak.0[group]);
    weak.or_else(|| code.and_then(by_vague_code)).unwrap_or(Class::Other)
}

/// The class of words alone, unmistakable ones.
pub(super) fn by_words(text: &str) -> Option<Class> {
    RULES.strong.1.first(text).map(|group| RULES.strong.0[group])
}

/// Codes that say one thing only.
fn by_code(code: EnhancedCode) -> Option<Class> {
    let class = match (code.subject, code.detail) {
        (1, 1 | 3 | 351) => Class::UserUnknown,
        (1, 2) => Class::HostUnknown,
        (1, 4) => Class::Filtered,
        (1, 6) => Class::Moved,
        (1, 7 | 8) => Class::Blocked,
        // RFC 7505; Exchange Online uses it for a recipient that is not in its directory, which its words tell.
        (1, 10) => Class::NotAccepting,
        (2, 1) => Class::Inactive,
        (2, 2) => Class::MailboxFull,
        (2, 3) | (3, 4) => Class::Size,
        (2, 4) => Class::Filtered,
        (3, 2) => Class::NotAccepting,
        (3, 1 | 3 | 5) => Class::System,
        (4, 1 | 2 | 5) => Class::Network,
        (4, 310) => Class::HostUnknown,
        (4, 4) if code.class == 5 => Class::HostUnknown,
        (4, 3 | 4 | 312 | 316 | 317) => Class::Network,
        (4, 6 | 14) => Class::Loop,
        (4, 7 | 300) => Class::Expired,
        (5, 3) => Class::RateLimited,
        (6, 1..=9) => Class::Content,
        (7, 2) => Class::Policy,
        (7, 13) => Class::Inactive,
        (7, 17) => Class::UserUnknown,
        (7, 20..=23 | 26 | 509 | 515) => Class::Authentication,
        (7, 25 | 27 | 500..=508 | 510..=514 | 606..=649 | 700..=799) => Class::Blocked,
        (7, 28) => Class::RateLimited,
        (7, 124 | 133) => Class::Filtered,
        _ => return None,
    };
    Some(class)
}

/// Codes that are written for want of a better one.
fn by_vague_code(code: EnhancedCode) -> Option<Class> {
    let class = match code.subject {
        1 => Class::UserUnknown,
        2 => Class::Filtered,
        3 => Class::System,
        4 => Class::Network,
        5 => Class::Syntax,
        6 => Class::Content,
        7 => Class::Policy,
        _ => return None,
    };
    Some(class)
}

/// The code that says what a class says, where a report has none (RFC 3463).
pub(super) fn usual_code(class: Class, is_permanent: bool) -> Option<EnhancedCode> {
    let (subject, detail) = match class {
        Class::UserUnknown => (1, 1),
        Class::HostUnknown => (1, 2),
        Class::Moved => (1, 6),
        Class::Inactive => (2, 1),
        Class::MailboxFull => (2, 2),
        Class::Filtered | Class::Blocked | Class::Policy | Class::Relaying | Class::Spam | Class::Security => (7, 1),
        Class::Authentication => (7, 26),
        Class::Content => (6, 0),
        Class::Size => (3, 4),
        Class::RateLimited => (4, 5),
        Class::Network => (4, 1),
        Class::Expired => (4, 7),
        Class::System => (3, 0),
        Class::Loop => (4, 6),
        Class::NotAccepting => (3, 2),
        Class::Syntax => (5, 0),
        Class::Arrived => return Some(EnhancedCode { class: 2, subject: 0, detail: 0 }),
        Class::Complaint => return None,
        Class::Other => (0, 0),
    };
    Some(EnhancedCode { class: if is_permanent { 5 } else { 4 }, subject, detail })
}

/// Folded words of a diagnostic: without addresses, reply codes and enhanced codes, which programs put between words and on
/// each line.
pub(super) fn words_of(text: &str) -> String {
    let folded = super::phrases::folded(text);
    let mut words = String::with_capacity(folded.len());
    for word in folded.split(' ') {
        // Addresses stand in some phrases as an empty pair of brackets.
        if word.contains('@') && !word.contains("://") {
            continue;
        }
        let bare = word.trim_start_matches(['(', '#', '[', '<']).trim_end_matches([')', ']', ';', ':', ',', '>']);
        let (code, rest) = match bare.split_once('-') {
            Some((code, rest)) if is_reply_code(code) => (code, rest),
            _ => (bare, ""),
        };
        let is_code = is_reply_code(code) || EnhancedCode::at_start(code).is_some();
        let word = match (is_code, rest) {
            (false, _) => word,
            (true, rest) if rest.is_empty() || EnhancedCode::at_start(rest).is_some() => continue,
            (true, rest) => rest,
        };
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

fn is_reply_code(word: &str) -> bool {
    word.len() == 3
        && word.as_bytes()[0].is_ascii_digit()
        && matches!(word.as_bytes()[0], b'2' | b'4' | b'5')
        && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{TABLE, diagnose, read, words_of};
    use crate::mail::EnhancedCode;
    use crate::replies::Class;

    #[test]
    fn the_table_can_be_read() {
        read(TABLE).unwrap();
    }

    #[test]
    fn words_count_before_codes_and_codes_before_vague_words() {
        let code = EnhancedCode::at_start("5.1.1");
        assert_eq!(diagnose("the mailbox is full", code), Class::MailboxFull);
        assert_eq!(diagnose("rejected", code), Class::UserUnknown);
        assert_eq!(diagnose("rejected", None), Class::Blocked);
        assert_eq!(diagnose("", None), Class::Other);
        assert_eq!(diagnose("domain of sender address does not exist", None), Class::Blocked);
    }

    #[test]
    fn codes_and_addresses_are_no_words() {
        assert_eq!(words_of("550-5.7.26 This <a@b.example>\r\n550-5.7.26 mail 550 (#5.1.1)"), "this mail");
        assert_eq!(words_of("550-User unknown"), "user unknown");
    }
}
