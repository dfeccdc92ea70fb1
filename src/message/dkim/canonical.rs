//! The relaxed canonical forms of a message's fields and body.
//!
//! What: [`split`] (fields and body of a built message), [`relaxed_field`] and [`relaxed_body`], the octets that are hashed.
//! Standard: RFC 6376 section 3.4.2 and 3.4.4. Not here: which fields are signed, the signatures (`dkim`).
//! Called by: the signer. Can fail: it cannot; any octets have a canonical form.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

/// One header field as it stands in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'m> {
    /// Before the colon.
    pub(super) name: &'m [u8],
    /// Behind the colon, folds included, without the last CRLF.
    pub(super) value: &'m [u8],
}

impl Field<'_> {
    /// Field names know no case (RFC 5322 section 1.2.2).
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a message from the top, and its body.
pub(super) fn split(octets: &[u8]) -> (Vec<Field<'_>>, &[u8]) {
    let mut fields = Vec::with_capacity(16);
    let mut rest = octets;
    while !rest.is_empty() {
        if let Some(body) = rest.strip_prefix(b"\r\n") {
            return (fields, body);
        }
        let end = field_end(rest);
        let field = rest[..end].strip_suffix(b"\r\n").unwrap_or(&rest[..end]);
        // A line without a colon is none of ours; the last gate has refused it before.
        if let Some(colon) = memchr::memchr(b':', field) {
            fields.push(Field { name: field[..colon].trim_ascii_end(), value: &field[colon + 1..] });
        }
        rest = &rest[end..];
    }
    (fields, rest)
}

/// Where the next field begins: behind the first CRLF that no blank follows.
fn field_end(text: &[u8]) -> usize {
    memmem::find_iter(text, b"\r\n")
        .map(|at| at + 2)
        .find(|&next| !text.get(next).copied().is_some_and(is_blank))
        .unwrap_or(text.len())
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// RFC 6376 section 3.4.2, without the CRLF that ends every field but the signature's own.
pub(super) fn relaxed_field(field: Field<'_>, out: &mut Vec<u8>) {
    out.extend(field.name.iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let begin = out.len();
    let mut gap = false;
    let mut rest = field.value;
    while !rest.is_empty() {
        let plain = memchr::memchr3(b' ', b'\t', b'\r', rest).unwrap_or(rest.len());
        let behind = &rest[plain..];
        let is_fold = behind.starts_with(b"\r\n");
        let is_gap = behind.first().copied().is_some_and(is_blank);
        // A CR by itself is a character like any other.
        let length = if is_fold || is_gap || behind.is_empty() { plain } else { plain + 1 };
        if length > 0 {
            if gap && out.len() > begin {
                out.push(b' ');
            }
            gap = false;
            out.extend_from_slice(&rest[..length]);
        }
        gap |= is_gap;
        rest = &rest[length + if is_fold { 2 } else { usize::from(is_gap) }..];
    }
}

static PAIR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"  "));
static END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" \r"));

/// Where something stands, looked for once for each place.
struct Places<F> {
    find: F,
    /// The last place that was found; `usize::MAX` where there is no more.
    at: Option<usize>,
}

impl<F: Fn(usize) -> Option<usize>> Places<F> {
    fn new(find: F) -> Self {
        Self { find, at: None }
    }

    /// The first one not before `from`, which never goes back.
    fn next(&mut self, from: usize) -> Option<usize> {
        let at = match self.at {
            Some(at) if at >= from => at,
            _ => (self.find)(from).map_or(usize::MAX, |found| from + found),
        };
        self.at = Some(at);
        (at != usize::MAX).then_some(at)
    }
}

/// RFC 6376 section 3.4.4: gives the canonical body to `take` in pieces, most of them long slices of the body itself.
pub(super) fn relaxed_body(body: &[u8], mut take: impl FnMut(&[u8])) {
    // Blank lines at the end and blanks at the end of the last line go first; what is left ends in a visible octet.
    let mut rest = body;
    loop {
        rest = match rest {
            [before @ .., b'\r', b'\n'] | [before @ .., b' ' | b'\t'] => before,
            _ => break,
        };
    }
    if rest.is_empty() {
        return;
    }
    // Only a tab and a blank before another blank or before CRLF change anything: the rest passes as it is. Each is looked
    // for by itself, because a search for any blank would stop at every word.
    let mut tabs = Places::new(|from| memchr::memchr(b'\t', &rest[from..]));
    let mut pairs = Places::new(|from| PAIR.find(&rest[from..]));
    let mut ends = Places::new(|from| END.find(&rest[from..]));
    let mut passed = 0;
    let mut from = 0;
    while let Some(at) = [tabs.next(from), pairs.next(from), ends.next(from)].into_iter().flatten().min() {
        // A blank before a tab was none of the three.
        let at = at - usize::from(at > from && is_blank(rest[at - 1]));
        let length = rest[at..].iter().take_while(|o| is_blank(**o)).count();
        let behind = at + length;
        from = behind;
        let ends_line = rest[behind..].starts_with(b"\r\n");
        if length == 1 && rest[at] == b' ' && !ends_line {
            continue;
        }
        take(&rest[passed..at]);
        if !ends_line {
            take(b" ");
        }
        passed = behind;
    }
    take(&rest[passed..]);
    take(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy as _, any, prop, prop_oneof, proptest};

    use super::{Field, relaxed_body, relaxed_field, split};

    fn body(text: &[u8]) -> String {
        let mut out = Vec::new();
        relaxed_body(text, |piece| out.extend_from_slice(piece));
        String::from_utf8_lossy(&out).into_owned()
    }

    fn field(name: &str, value: &str) -> String {
        let mut out = Vec::new();
        relaxed_field(Field { name: name.as_bytes(), value: value.as_bytes() }, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// RFC 6376 section 3.4.4 word for word: line by line, slowly.
    fn by_the_book(text: &[u8]) -> Vec<u8> {
        let text: Vec<char> = text.iter().map(|o| char::from(*o)).collect();
        let text: String = text.into_iter().collect();
        let mut lines: Vec<String> = Vec::new();
        for line in text.split("\r\n") {
            let mut reduced = String::new();
            for c in line.chars() {
                match c {
                    ' ' | '\t' if reduced.ends_with(' ') => {}
                    ' ' | '\t' => reduced.push(' '),
                    c => reduced.push(c),
                }
            }
            lines.push(reduced.trim_end_matches(' ').to_owned());
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        let mut out = Vec::new();
        for line in lines {
            out.extend(line.chars().map(|c| u8::try_from(u32::from(c)).expect("an octet")));
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    #[test]
    fn the_example_of_the_standard() {
        // RFC 6376 section 3.4.5, example 1.
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (fields, text) = split(message);
        let names: Vec<_> = fields.iter().map(|f| String::from_utf8_lossy(f.name).into_owned()).collect();
        assert_eq!(names, ["A", "B"]);
        let canonical: Vec<String> = fields
            .iter()
            .map(|f| {
                let mut out = Vec::new();
                relaxed_field(*f, &mut out);
                String::from_utf8_lossy(&out).into_owned()
            })
            .collect();
        assert_eq!(canonical, ["a:X", "b:Y Z"]);
        assert_eq!(body(text), " C\r\nD E\r\n");
    }

    #[test]
    fn bodies_at_their_ends() {
        assert_eq!(body(b""), "");
        assert_eq!(body(b"\r\n"), "");
        assert_eq!(body(b" \t\r\n\r\n  "), "");
        assert_eq!(body(b"a"), "a\r\n");
        assert_eq!(body(b"a \t"), "a\r\n");
        assert_eq!(body(b"a\r\n \r\n\t\r\n\r\n"), "a\r\n");
        assert_eq!(body(b"\r\n\r\na\r\n"), "\r\n\r\na\r\n");
        assert_eq!(body(b"a\r\n \r\nb"), "a\r\n\r\nb\r\n");
        assert_eq!(body(b"a\tb  c \r\n"), "a b c\r\n");
    }

    #[test]
    fn fields_with_folds_blanks_and_nothing() {
        assert_eq!(field("SUBJECT", " a\r\n  b\t c \t"), "subject:a b c");
        assert_eq!(field("X", ""), "x:");
        assert_eq!(field("X", " \r\n "), "x:");
        let long = "y".repeat(4000);
        assert_eq!(field("X", &format!("\t{long} ")), format!("x:{long}"));
    }

    #[test]
    fn a_message_may_lack_a_body_or_its_blank_line() {
        assert_eq!(split(b"A: b\r\n").1, b"");
        assert_eq!(split(b"A: b\r\n\r\n").1, b"");
        assert_eq!(split(b"\r\nbody").0, []);
        let (fields, body) = split(b"A: b\r\n c\r\nA: d\r\n\r\nbody\r\n");
        assert_eq!((fields.len(), body), (2, b"body\r\n".as_slice()));
        assert_eq!(fields[0].value, b" b\r\n c");
    }

    proptest! {
        #[test]
        fn any_body_is_made_as_the_standard_says(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just(b"\r\n".to_vec()), Just(b" ".to_vec()),
                    Just(b"\t".to_vec()), Just(b"\r".to_vec()),
                    Just(b"\n".to_vec()), any::<u8>().prop_map(|o| vec![o]),
                ],
                0..60,
            )
        ) {
            let text = pieces.concat();
            let mut out = Vec::new();
            relaxed_body(&text, |piece| out.extend_from_slice(piece));
            assert_eq!(out, by_the_book(&text), "{text:?}");
        }
    }
}
