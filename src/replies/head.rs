//! The header fields of a message, by name.
//!
//! What: [`Head`], raw and decoded values of fields in their order. Standards: RFC 5322 section 2.2, RFC 2047 (by mail-parser).
//! Not here: bodies (`mail`). Called by: `mail` and every reader. Can fail: nothing; a line that is no field is skipped.

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};

/// Octets of one value that are looked at: names and lists longer than this are no names and lists.
const LONGEST_VALUE: usize = 64 * 1024;

/// Fields in their order.
#[derive(Clone, Debug, Default)]
pub struct Head<'m> {
    fields: Vec<(&'m [u8], &'m [u8])>,
    /// Octets up to and with the blank line.
    length: usize,
}

impl<'m> Head<'m> {
    /// Reads fields up to the first blank line, or to the end.
    pub fn parse(octets: &'m [u8]) -> Self {
        let mut fields: Vec<(&[u8], &[u8])> = Vec::new();
        // Where the last field's name ends and its value begins.
        let mut open: Option<(&[u8], usize)> = None;
        let mut at = 0;
        while at < octets.len() {
            let end = memchr::memchr(b'\n', &octets[at..]).map_or(octets.len(), |n| at + n + 1);
            let line = &octets[at..end];
            let is_blank = line.iter().all(|b| matches!(b, b'\r' | b'\n'));
            let is_folded = !is_blank && matches!(line[0], b' ' | b'\t');
            if !is_folded {
                if let Some((name, from)) = open.take() {
                    fields.push((name, &octets[from..at]));
                }
                // Blank lines before the first field are an accident of transport.
                if is_blank && !fields.is_empty() {
                    at = end;
                    break;
                }
                open = name_of(line).map(|name| (name, at + line.iter().position(|b| *b == b':').unwrap_or(0) + 1));
            }
            at = end;
        }
        if let Some((name, from)) = open {
            fields.push((name, &octets[from..]));
        }
        Self { fields, length: at.min(octets.len()) }
    }

    /// Octets up to and with the blank line.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// The raw values of all fields of that name.
    pub fn raw<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'m [u8]> + 'h {
        self.fields
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| &value[..value.len().min(LONGEST_VALUE)])
    }

    /// All names and raw values.
    pub fn fields(&self) -> impl Iterator<Item = (Cow<'m, str>, &'m [u8])> + '_ {
        self.fields.iter().map(|(name, value)| (String::from_utf8_lossy(name), *value))
    }

    /// Whether there is a field of that name.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).next().is_some()
    }

    /// The first field's value, unfolded, not decoded (structured fields).
    pub fn plain(&self, name: &str) -> Option<String> {
        self.raw(name).next().map(unfolded)
    }

    /// The first field's value, unfolded and decoded (unstructured fields, RFC 2047).
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).next().map(decoded)
    }

    /// The addresses in all fields of that name, as they are written.
    pub fn addresses(&self, name: &str) -> Vec<String> {
        self.raw(name).flat_map(addresses_in).collect()
    }

    /// Everything in angle brackets in all fields of that name (Message-ID, References), else the bare value.
    pub fn ids(&self, name: &str) -> Vec<String> {
        self.raw(name).flat_map(|value| ids_in(&String::from_utf8_lossy(value))).collect()
    }
}

/// Identifiers of a `References`-like value, without angle brackets.
pub(super) fn ids_in(value: &str) -> Vec<String> {
    let mut found: Vec<String> = value
        .split('<')
        .skip(1)
        .filter_map(|piece| piece.split_once('>'))
        .map(|(id, _)| id.split_whitespace().collect::<String>())
        .filter(|id| !id.is_empty())
        .collect();
    if found.is_empty() {
        let bare = value.trim();
        if bare.contains('@') && !bare.contains(char::is_whitespace) {
            found.push(bare.to_owned());
        }
    }
    found
}

/// Addresses of a list of mailboxes, groups opened.
pub(super) fn addresses_in(value: &[u8]) -> Vec<String> {
    let terminated = [value, b"\n"].concat();
    let mut stream = MessageStream::new(&terminated);
    let HeaderValue::Address(found) = stream.parse_address() else { return Vec::new() };
    let text = |addr: &mail_parser::Addr<'_>| addr.address.as_deref().map(|a| a.trim().to_owned());
    match &found {
        Address::List(list) => list.iter().filter_map(text).collect(),
        Address::Group(groups) => groups.iter().flat_map(|g| &g.addresses).filter_map(text).collect(),
    }
}

/// Line breaks and the blanks around them become one blank.
pub(super) fn unfolded(value: &[u8]) -> String {
    String::from_utf8_lossy(value)
        .split(['\r', '\n'])
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// RFC 2047 decoded, in one line.
pub(super) fn decoded(value: &[u8]) -> String {
    if memchr::memmem::find(value, b"=?").is_none() {
        return unfolded(value);
    }
    let terminated = [value, b"\n"].concat();
    let text = match MessageStream::new(&terminated).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => return unfolded(value),
    };
    text.split(['\r', '\n']).map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The name before the colon, if the line is a field (RFC 5322 section 2.2: printable, no blank, no colon).
fn name_of(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.len() <= 100 && name.iter().all(|b| b.is_ascii_graphic())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{Head, addresses_in, ids_in};

    #[test]
    fn folded_values_are_one_line() {
        let octets =
            b"From x Mon\r\nSubject: =?utf-8?q?R=C3=A9union?=\r\n accept=\r\nX: 1\r\nx : 2\r\n\r\nbody: no\r\n";
        let head = Head::parse(octets);
        assert_eq!(head.text("subject").as_deref(), Some("R\u{e9}union accept="));
        assert_eq!(head.raw("X").count(), 2);
        assert!(!head.has("body"));
        assert_eq!(&octets[head.length()..], b"body: no\r\n");
    }

    #[test]
    fn addresses_are_found_in_lists_and_groups() {
        assert_eq!(addresses_in(b" Ana <ana@a.example>, b@b.example"), ["ana@a.example", "b@b.example"]);
        assert_eq!(addresses_in(b" g: c@c.example;"), ["c@c.example"]);
        assert_eq!(ids_in("<a@b> <c\r\n d@e>"), ["a@b", "cd@e"]);
    }
}
