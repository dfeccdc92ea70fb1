//! Where calendars hide in a message.
//!
//! What: [`parts`], the texts of all calendars among a message's own parts: `text/calendar` with or without `method`,
//! `application/ics`, attachments named `*.ics`, a calendar in the body's text. Standards: RFC 6047 section 2, RFC 5545
//! section 3.1.4 (the charset is UTF-8). A charset that the octets contradict is not believed.
//! Not here: returned messages (never looked into), what a calendar says (`object`). Called by: `answer::find`.
//! Can fail: nothing; octets that are no text are read as far as they go.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;

use super::lines::is_calendar;
use crate::replies::{Mail, Part};

/// Calendars of one message: two copies are usual, this many are not.
const MOST: usize = 8;

/// One calendar part.
#[derive(Debug)]
pub(super) struct Found<'m> {
    /// Decoded.
    pub(super) text: Cow<'m, str>,
    /// The `method` parameter; only a hint.
    pub(super) method: Option<&'m str>,
    /// Whether the part is declared to be a calendar, by type or name; otherwise it is text that holds one.
    pub(super) is_declared: bool,
}

/// The calendar parts in their order, those that are declared first.
pub(super) fn parts<'m>(mail: &'m Mail<'_>) -> Vec<Found<'m>> {
    let mut declared = Vec::new();
    let mut others = Vec::new();
    for part in mail.parts() {
        let kind = kind_of(&part);
        let list = match kind {
            PartKind::Calendar => &mut declared,
            PartKind::Perhaps => &mut others,
            PartKind::No => continue,
        };
        if list.len() >= MOST || kind == PartKind::Perhaps && !names_calendar(part.octets()) {
            continue;
        }
        let text = decoded(mail, part);
        if kind == PartKind::Calendar || is_calendar(before_returned(&text)) {
            list.push(Found { text, method: part.parameter("method"), is_declared: kind == PartKind::Calendar });
        }
    }
    for found in &mut others {
        let end = before_returned(&found.text).len();
        if end < found.text.len() {
            found.text = Cow::Owned(found.text[..end].to_owned());
        }
    }
    declared.extend(others);
    declared
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartKind {
    Calendar,
    /// It is one if one stands in it.
    Perhaps,
    No,
}

fn kind_of(part: &Part<'_>) -> PartKind {
    let is_named = part.file_name().is_some_and(|name| {
        let name = name.trim().to_ascii_lowercase();
        [".ics", ".ical", ".icalendar", ".vcs"].iter().any(|ending| name.ends_with(ending))
    });
    let Some(of) = part.content_type() else { return if is_named { PartKind::Calendar } else { PartKind::Perhaps } };
    let of_type = of.c_type.to_ascii_lowercase();
    let subtype = of.c_subtype.as_deref().unwrap_or("").to_ascii_lowercase();
    match (of_type.as_str(), subtype.as_str()) {
        (
            "text" | "application",
            "calendar" | "ics" | "x-ics" | "icalendar" | "vcalendar" | "x-vcalendar" | "x-calendar",
        ) => PartKind::Calendar,
        ("multipart" | "message" | "image" | "audio" | "video" | "font", _) => PartKind::No,
        ("text", "rfc822-headers" | "html") if !is_named => PartKind::No,
        _ if is_named => PartKind::Calendar,
        ("text", _) | ("application", "octet-stream") => PartKind::Perhaps,
        _ => PartKind::No,
    }
}

/// A quick look, before anything is decoded.
fn names_calendar(octets: &[u8]) -> bool {
    let octets = &octets[..octets.len().min(2_000_000)];
    [&b"BEGIN:V"[..], b"begin:v", b"Begin:v", b"B\0E\0G\0I\0N\0", b"\0B\0E\0G\0I\0N"]
        .iter()
        .any(|word| memchr::memmem::find(octets, word).is_some())
}

/// What stands before the line with which programs begin a returned message in plain text.
fn before_returned(text: &str) -> &str {
    const SEPARATORS: [&str; 7] = [
        "this is a copy of the message",
        "below this line is a copy of the message",
        "copy of your message",
        "original message follows",
        "returned message",
        "undelivered message",
        "original message",
    ];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim().trim_matches(['-', '=', '*', '#', ' ']).to_ascii_lowercase();
        if bare.len() < 100 && SEPARATORS.iter().any(|separator| bare.starts_with(separator)) {
            return &text[..at];
        }
        at += line.len();
        // A calendar is looked for near the top; what comes later is not worth the time.
        if at > 64 * 1024 {
            break;
        }
    }
    text
}

/// The text of a part, by its declared charset unless the octets contradict it.
fn decoded<'m>(mail: &'m Mail<'_>, part: Part<'m>) -> Cow<'m, str> {
    let text = part.text();
    if is_base64_of_calendar(&text)
        && let Some(octets) = base64_decode(text.as_bytes())
    {
        // A transfer encoding that the part forgot to declare.
        return Cow::Owned(by_octets(&octets, None));
    }
    if text.is_ascii() && !text.contains('\0') {
        return text;
    }
    let octets = mail.undecoded(part);
    if octets.is_ascii() && !octets.contains(&0) {
        // ISO-2022-JP and the like: seven bits, and only the declared charset knows them.
        return text;
    }
    let declared = (!text.contains('\u{fffd}')).then_some(&*text);
    Cow::Owned(by_octets(&octets, declared))
}

/// UTF-16 by its marks or its zeros, UTF-8 if it is that, then what was declared, then windows-1252, which is never wrong.
fn by_octets(octets: &[u8], declared: Option<&str>) -> String {
    let sample = &octets[..octets.len().min(4096)];
    let zeros_at = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let enough = sample.len() / 8;
    if octets.starts_with(&[0xFF, 0xFE]) || sample.len() >= 16 && zeros_at(1) > enough && zeros_at(0) == 0 {
        return encoding_rs::UTF_16LE.decode(octets).0.into_owned();
    }
    if octets.starts_with(&[0xFE, 0xFF]) || sample.len() >= 16 && zeros_at(0) > enough && zeros_at(1) == 0 {
        return encoding_rs::UTF_16BE.decode(octets).0.into_owned();
    }
    match (std::str::from_utf8(octets), declared) {
        (Ok(text), _) => text.to_owned(),
        (Err(_), Some(declared)) => declared.to_owned(),
        (Err(_), None) => encoding_rs::WINDOWS_1252.decode(octets).0.into_owned(),
    }
}

/// `BEGIN:` in base64.
fn is_base64_of_calendar(text: &str) -> bool {
    text.trim_start().starts_with("QkVHSU46")
}

#[cfg(test)]
mod tests {
    use super::{before_returned, by_octets};

    #[test]
    fn octets_say_their_charset() {
        let text = "BEGIN:VCALENDAR\r\nCN=Zo\u{eb}\r\n";
        let wide: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("latin")).collect();
        for octets in [little, big, text.as_bytes().to_vec(), latin] {
            assert_eq!(by_octets(&octets, None), text);
        }
    }

    #[test]
    fn what_is_returned_is_not_read() {
        let text =
            "sorry\n\n------ This is a copy of the message, including all the headers. ------\nBEGIN:VCALENDAR\n";
        assert_eq!(before_returned(text), "sorry\n\n");
        assert_eq!(before_returned("BEGIN:VCALENDAR\n"), "BEGIN:VCALENDAR\n");
    }
}
