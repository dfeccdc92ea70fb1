//! Addresses in the prose of reports.
//!
//! What: [`mentions`], every address in a line with its place. Standards: RFC 5321 section 4.1.2, as far as programs keep to it.
//! Not here: which of them is the recipient (`prose`). Called by: `prose`, `dsn`. Can fail: nothing.

use std::ops::Range;

/// An address in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// As written, without brackets.
    pub(super) text: String,
    /// Its octets in the line, without brackets.
    pub(super) place: Range<usize>,
}

/// Addresses looked at in one line.
const MOST: usize = 20;

/// All addresses in a line.
pub(super) fn mentions(line: &str) -> Vec<Mention> {
    let octets = line.as_bytes();
    let mut found: Vec<Mention> = Vec::new();
    for at in memchr::memchr_iter(b'@', octets) {
        if found.len() >= MOST {
            break;
        }
        let Some(start) = local_start(octets, at) else { continue };
        let end = domain_end(octets, at);
        let domain = &line[at + 1..end];
        if start == at || !is_domain(domain) || found.last().is_some_and(|last| last.place.end > start) {
            continue;
        }
        found.push(Mention { text: line[start..end].to_owned(), place: start..end });
    }
    found
}

/// The first address in a text, or nothing.
pub(super) fn first(text: &str) -> Option<String> {
    mentions(text).into_iter().next().map(|mention| mention.text)
}

/// Where the local part before the `@` begins: atoms, or a quoted string.
fn local_start(octets: &[u8], at: usize) -> Option<usize> {
    if at == 0 {
        return None;
    }
    if octets[at - 1] == b'"' {
        // The opening quote, in the 64 octets that a local part may have.
        let from = at.saturating_sub(66);
        return octets[from..at - 1].iter().rposition(|b| *b == b'"').map(|n| from + n);
    }
    let mut start = at;
    while start > 0 && is_atom(octets[start - 1]) {
        start -= 1;
    }
    // Letters beyond ASCII are prose that touches the address (Chinese and Japanese have no blanks), unless brackets hold them.
    if start > 0 && octets[start - 1] >= 0x80 {
        let from = at.saturating_sub(64);
        let open = octets[from..at].iter().rposition(|b| *b == b'<').map(|n| from + n + 1);
        if let Some(open) = open.filter(|open| !octets[*open..at].iter().any(u8::is_ascii_whitespace)) {
            return Some(open);
        }
    }
    // What stands before an address without being part of it.
    while start < at
        && matches!(
            octets[start],
            b'\'' | b'.' | b'*' | b'=' | b'/' | b'`' | b'|' | b'-' | b'!' | b'{' | b'}' | b'#' | b'&' | b'?'
        )
    {
        start += 1;
    }
    Some(start)
}

fn is_atom(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b)
}

fn domain_end(octets: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < octets.len() && (octets[end].is_ascii_alphanumeric() || matches!(octets[end], b'-' | b'.' | b'_')) {
        end += 1;
    }
    // The same for a domain beyond ASCII: only up to a closing bracket.
    if end < octets.len() && octets[end] >= 0x80 {
        let to = (at + 255).min(octets.len());
        let close = octets[at..to].iter().position(|b| *b == b'>').map(|n| at + n);
        if let Some(close) = close.filter(|close| !octets[at..*close].iter().any(u8::is_ascii_whitespace)) {
            return close;
        }
    }
    while end > at + 1 && matches!(octets[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    end
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty() && label.len() <= 63)
        && labels.last().is_some_and(|last| last.len() >= 2 && !last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn addresses_stand_out_of_prose() {
        let texts = |line: &str| mentions(line).into_iter().map(|m| m.text).collect::<Vec<_>>();
        assert_eq!(texts("<ana@a.example>: 550 'bo@b.example' no"), ["ana@a.example", "bo@b.example"]);
        assert_eq!(texts("\"x..y\"@a.example."), ["\"x..y\"@a.example"]);
        assert_eq!(texts("RCPT TO:ana+t=1@a.example)"), ["ana+t=1@a.example"]);
        assert!(texts("a@b, @c.example, id 1@2.3").is_empty());
        assert_eq!(texts("宛先：ana@a.example へ"), ["ana@a.example"]);
    }
}
