//! What persons write.
//!
//! What: [`own_words`], a message's text above and between what it quotes; [`Meaning`], what the words seem to say. Nothing of our
//! own invitation may remain in the words: it contains "accept" and "decline". Standards: RFC 3676 section 4.3 (signatures); all
//! else is custom. Not here: automatic replies (`absence`). Called by: `replies::read`. Can fail: nothing; a meaning is a suggestion.

mod html;
mod meaning;
mod quote;
mod subject;

use super::Mail;

pub(super) use meaning::{is_unsubscribe, meaning};
pub(super) use subject::answer_of as subject_answer;

/// The writer's own words; empty where there are none.
pub(super) fn own_words(mail: &Mail<'_>) -> String {
    let is_blank = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}').is_empty();
    let has_plain = mail.parts_of("text", "plain").any(|part| !is_blank(&part.text()));
    if !has_plain {
        let mut parts = mail.parts_of("text", "html").take(4).peekable();
        if parts.peek().is_some() {
            let text: Vec<String> = parts.map(|part| html::own_text(&part.text())).collect();
            return quote::own_words(&text.join("\n"));
        }
    }
    quote::own_words(&mail.text())
}

/// The note that a person wrote with an answer, out of the text that the calendar program wrote around it: `… with this note:`,
/// then the words, often in quotation marks.
pub(super) fn note(text: &str) -> Option<String> {
    const INTRODUCTIONS: [&str; 22] = [
        "with this note",
        "with the note",
        "with the following note",
        "with this message",
        "note:",
        "note from",
        "avec cette note",
        "avec la note",
        "avec la remarque",
        "remarque",
        "con esta nota",
        "con la nota",
        "nota",
        "mit dem hinweis",
        "mit dieser notiz",
        "notiz",
        "hinweis",
        "с примечанием",
        "примечание",
        "备注",
        "附注",
        "ملاحظة",
    ];
    let mut lines = text.lines().map(str::trim).skip_while(|line| {
        let bare = line.trim_end_matches(['"', '\u{201c}']).trim_end();
        let lower = bare.to_lowercase();
        let ends = bare.ends_with([':', '\u{ff1a}']) && lower.len() < 300;
        !(ends && INTRODUCTIONS.iter().any(|words| lower.contains(words)))
    });
    lines.next()?;
    let mut words: Vec<&str> = Vec::new();
    for line in lines.take(60) {
        // The details of the event and the program's own footer follow.
        let is_end = line.starts_with("---") || line.starts_with("___") || quote::is_label(line);
        let closes = words.first().is_some_and(|first| first.starts_with(['"', '\u{201c}', '\u{ab}']));
        if is_end || line.is_empty() && !words.is_empty() && !closes {
            break;
        }
        if !line.is_empty() || !words.is_empty() {
            words.push(line);
        }
        if closes && line.ends_with(['"', '\u{201d}', '\u{bb}']) {
            break;
        }
        let is_one_line = words.len() == 1 && line.chars().count() > 1 && line.ends_with(['"', '\u{201d}', '\u{bb}']);
        if is_one_line && line.starts_with(['"', '\u{201c}', '\u{ab}']) {
            break;
        }
    }
    let note = words.join("\n");
    let note = note.trim().trim_matches(['"', '\u{201c}', '\u{201d}', '\u{ab}', '\u{bb}']).trim();
    (!note.is_empty()).then(|| note.to_owned())
}

#[cfg(test)]
mod tests {
    use super::note;

    #[test]
    fn a_note_stands_after_its_introduction() {
        let text = "Ana Lopez has accepted this invitation with this note:\r\n\r\n\"See you there,\r\nAna\"\r\n\r\nBriefing\r\n";
        assert_eq!(note(text).as_deref(), Some("See you there,\nAna"));
        assert_eq!(note("Note :\nA demain\n\nBriefing").as_deref(), None, "a blank before the colon is no `note:`");
        assert_eq!(
            note("Ana a refus\u{e9} cette invitation avec cette note :\n\u{ab} D\u{e9}sol\u{e9}e \u{bb}\n").as_deref(),
            Some("D\u{e9}sol\u{e9}e")
        );
        assert_eq!(note("Ana has accepted this invitation.\n\nBriefing\nWhen: Monday\n"), None);
    }
}
