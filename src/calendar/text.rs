//! What may stand in a content line: values and parameters that cannot break out of it.
//!
//! What: [`Value`] and [`Parameters`], the only ways from a raw string into a property, and [`refold`].
//! Standards: RFC 5545 sections 3.1 (folding), 3.2 (quoted parameter values), 3.3.11 (TEXT); RFC 6868 avoided rather than used.
//! Not here: which properties an object has (`object`), reading them (`reader`).
//! Called by: `object`. Can fail: [`Value::url`] only.

use std::borrow::Cow;
use std::fmt::Write as _;

use ics::components::Property;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::{Sequence, Uid};
use crate::mail::{AddrSpec, Mailbox};

/// Octets of a line without its CRLF (RFC 5545 section 3.1).
const LINE_OCTETS: usize = 75;

/// A property value in its written form: escaped, on one line.
pub(super) struct Value(Cow<'static, str>);

impl Value {
    /// TEXT: `raw` as [`normal`] makes it, escaped.
    pub(super) fn text(raw: &str) -> Self {
        Self(ics::escape_text(normal(raw)).into_owned().into())
    }

    /// One of our own words.
    pub(super) const fn word(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// INTEGER.
    pub(super) fn sequence(sequence: Sequence) -> Self {
        Self(sequence.to_string().into())
    }

    /// A [`Uid`], which holds nothing to escape.
    pub(super) fn uid(uid: &Uid) -> Self {
        Self(uid.as_str().to_owned().into())
    }

    /// DATE-TIME in UTC, whole seconds (RFC 5545 section 3.3.5, form 2).
    pub(super) fn instant(instant: Timestamp) -> Self {
        let t = Offset::UTC.to_datetime(instant);
        let (year, month, day, hour, minute, second) = (t.year(), t.month(), t.day(), t.hour(), t.minute(), t.second());
        Self(format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z").into())
    }

    /// CAL-ADDRESS: `mailto:` and the bare address.
    ///
    /// Nothing is percent-encoded, though RFC 6068 wants it for `%`, `?`, `#` and a few more: calendars compare the text with
    /// the reader's own address (Outlook 2016 fails on an encoded `@`), and an [`AddrSpec`] cannot break a line.
    pub(super) fn mailto(address: &AddrSpec) -> Self {
        Self(format!("mailto:{address}").into())
    }

    /// URI of a page; `None` for anything but `http` and `https`, and where a character needs percent-encoding (RFC 3986).
    pub(super) fn url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        let is_plain = |b: u8| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b);
        (is_web && !rest.is_empty() && rest.bytes().all(is_plain)).then(|| Self(url.to_owned().into()))
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The property of that name.
    pub(super) fn property(self, name: &'static str) -> Property<'static> {
        Property::new(name, self.0)
    }

    /// The property of that name with parameters.
    pub(super) fn property_with(self, parameters: Parameters) -> Property<'static> {
        Property::new(parameters.0, self.0)
    }
}

/// A property's name with its parameters, in the order given.
///
/// `ics` keeps parameters in a sorted map and writes them raw; Google's order, which clients are tested with, is another. So
/// name and parameters go to `ics` as one name, and this type sees to what stands in it.
pub(super) struct Parameters(String);

impl Parameters {
    /// Of the property of that name.
    pub(super) fn of(name: &'static str) -> Self {
        let mut line = String::with_capacity(256);
        line.push_str(name);
        Self(line)
    }

    /// Adds one of our own words.
    pub(super) fn word(mut self, name: &'static str, word: &'static str) -> Self {
        for part in [";", name, "=", word] {
            self.0.push_str(part);
        }
        self
    }

    /// Adds CN, always in quotes: a name unquoted with a colon in it has moved into the address.
    pub(super) fn common_name(mut self, mailbox: &Mailbox) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.0, ";CN=\"{}\"", common_name(mailbox));
        self
    }

    /// The content line of a value, not folded.
    pub(super) fn line(mut self, value: &Value) -> String {
        for part in [":", &value.0] {
            self.0.push_str(part);
        }
        self.0
    }
}

/// The name of a mailbox as CN carries it: one line without `"`, `^` and `\`; the address where there is no name.
///
/// Without a name Outlook takes the reader for the organizer and shows no buttons. A quoted value has no escape in RFC 5545, and
/// RFC 6868 (`^'` for `"`) is not read everywhere; but where it is read, a caret of the name would be taken for one. ical.js
/// (Thunderbird) unescapes backslashes too, so that `\n` in a name became a line end.
pub(super) fn common_name(mailbox: &Mailbox) -> Cow<'_, str> {
    let name = normal(mailbox.name());
    if name.is_empty() {
        return mailbox.address().as_str().into();
    }
    if !name.contains(['"', '^', '\\', '\n']) {
        return name;
    }
    let stand_in = |c| match c {
        '"' => '\'',
        '^' => 'ˆ',
        '\\' => '/',
        '\n' => ' ',
        other => other,
    };
    Cow::Owned(name.chars().map(stand_in).collect())
}

/// What of a text is sent: line ends of every kind as `\n`, tabs as blanks, other controls dropped, no blanks at the ends.
///
/// A vertical tab is Word's line break, U+2028 that of the web; some readers end a line at either. U+FEFF is a byte order mark
/// that strayed. Direction marks stay: Arabic needs them.
pub(super) fn normal(raw: &str) -> Cow<'_, str> {
    let raw = raw.trim_matches(is_edge);
    let is_kept = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'));
    if raw.chars().all(is_kept) {
        return raw.into();
    }
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => text.push('\n'),
            '\t' => text.push(' '),
            other if is_kept(other) => text.push(other),
            _ => {}
        }
    }
    text.into()
}

/// Blanks and whatever [`normal`] drops.
fn is_edge(c: char) -> bool {
    c.is_whitespace() || c.is_control() || c == '\u{feff}'
}

/// Folds a calendar anew: lines of at most 75 octets, no character and, where it can be, no blank at the fold.
///
/// `ics` leaves 76 octets in continuation lines: it does not count the leading blank. Programs that trim lines before they join
/// them lose a blank beside the fold.
pub(super) fn refold(written: &str) -> String {
    let mut folded = String::with_capacity(written.len() + written.len() / 16);
    let mut line = String::new();
    let mut lines = written.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).peekable();
    while let Some(first) = lines.next() {
        line.clear();
        line.push_str(first);
        // No line of ours begins with a blank but those that `ics` folded.
        while let Some(more) = lines.next_if(|next| next.starts_with(' ')) {
            line.push_str(&more[1..]);
        }
        fold_line(&mut folded, &line);
    }
    folded
}

/// Appends one line, folded.
pub(super) fn fold_line(folded: &mut String, line: &str) {
    let (mut rest, mut room) = (line, LINE_OCTETS);
    while rest.len() > room {
        let bytes = rest.as_bytes();
        let is_good = |at: &usize| rest.is_char_boundary(*at) && bytes[*at] != b' ' && bytes[*at - 1] != b' ';
        let cut = (room / 2..=room).rev().find(is_good).unwrap_or_else(|| rest.floor_char_boundary(room));
        folded.push_str(&rest[..cut]);
        folded.push_str("\r\n ");
        // The blank that marks a continuation counts.
        (rest, room) = (&rest[cut..], LINE_OCTETS - 1);
    }
    folded.push_str(rest);
    folded.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::{Value, common_name, normal, refold};
    use crate::mail::{AddrSpec, Mailbox};

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::new(name, AddrSpec::parse("a@b.example").expect("valid"))
    }

    #[test]
    fn texts_are_normalised_then_escaped() {
        assert_eq!(normal(" a\r\nb\rc\u{b}d\te\u{7}f\u{2028}g\u{feff}\n\0 "), "a\nb\nc\nd ef\ng");
        assert_eq!(Value::text("a, b; c\\n: d\r\ne").0, r"a\, b\; c\\n: d\ne");
        assert_eq!(Value::text("مرحبا\u{2067}x\u{2069}").0, "مرحبا\u{2067}x\u{2069}");
    }

    #[test]
    fn names_keep_no_quote_caret_or_backslash() {
        assert_eq!(common_name(&mailbox("Mission \"X\": a^nb; c, d\\")), "Mission 'X': aˆnb; c, d/");
        assert_eq!(common_name(&mailbox("a\u{2028}b\u{85}c")), "a b c");
        assert_eq!(common_name(&mailbox(" \u{feff} ")), "a@b.example");
    }

    #[test]
    fn only_plain_web_addresses_are_urls() {
        for url in ["https://x.example/a?b=c,d;e#f", "HTTP://x.example"] {
            assert!(Value::url(url).is_some(), "{url}");
        }
        for url in [
            "",
            "x.example",
            "https://",
            "javascript:a://b",
            "https://x.example/a b",
            "https://x.example/\r\nX:y",
            "https://é.example",
        ] {
            assert!(Value::url(url).is_none(), "{url:?}");
        }
    }

    #[test]
    fn folds_count_the_leading_blank() {
        let long = format!("X:{}\r\nY:1\r\n", "é".repeat(200));
        let folded = refold(&long);
        assert!(folded.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(folded.replace("\r\n ", ""), long);
        assert_eq!(refold(&folded), folded);
        let exact = format!("X:{}\r\n", "a".repeat(73));
        assert_eq!(refold(&exact), exact);
    }

    #[test]
    fn folds_keep_away_from_blanks() {
        let words = format!("X:{}\r\n", "ab ".repeat(60));
        let folded = refold(&words);
        assert!(!folded.contains(" \r\n ") && !folded.contains("\r\n  "), "{folded}");
        let blanks = format!("X:{}.\r\n", " ".repeat(300));
        assert_eq!(refold(&blanks).replace("\r\n ", ""), blanks);
    }
}
