//! What a server may say before it is parsed.
//!
//! What: [`Guard`], which looks at every octet that comes: lines, nesting and literals (RFC 3501 section 4.3) within bounds, and
//! no octets beyond ASCII outside literals. The parser behind it nests by parentheses, grows with lines, and trusts that text
//! is what the standard says (RFC 3501 section 9: CHAR is 7-bit); what we ask for needs none of that.
//! Called by: `line`. Can fail: a bound is crossed, and the connection is of no more use.

use std::io;

use super::super::cut::LARGEST;

/// Octets of a line without its literals: what we ask for fits many times.
const LONGEST_LINE: usize = 64 * 1024;
/// Parentheses within parentheses: FETCH needs two.
const DEEPEST: usize = 40;
/// One literal: the largest message that is fetched whole, and a little for a size that was reckoned otherwise.
const LARGEST_LITERAL: u64 = LARGEST as u64 + 1_000_000;
/// All literals of one response: we ask for one.
const LARGEST_RESPONSE: u64 = LARGEST_LITERAL + 1_000_000;

/// Where in the conversation we are.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// The line that is being read, without its end.
    line: Vec<u8>,
    /// Whether the response began as a FETCH does: nothing else that we ask for has literals.
    is_fetch: bool,
    /// Whether a literal stood in this response.
    is_continued: bool,
    depth: usize,
    /// Octets of the literal that are to come.
    literal: u64,
    /// Literal octets of this response.
    response: u64,
}

impl Guard {
    /// Looks at what came; octets beyond ASCII outside literals become `?`.
    ///
    /// # Errors
    /// `InvalidData`, in words.
    pub(super) fn look(&mut self, octets: &mut [u8]) -> io::Result<()> {
        let mut rest = octets;
        while !rest.is_empty() {
            if self.literal > 0 {
                let taken = usize::try_from(self.literal).map_or(rest.len(), |n| n.min(rest.len()));
                self.literal -= taken as u64;
                rest = &mut rest[taken..];
                continue;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (piece, behind) = rest.split_at_mut(end);
            for octet in piece.iter_mut() {
                match octet {
                    b'(' => self.depth += 1,
                    b')' => self.depth = self.depth.saturating_sub(1),
                    0x80.. => *octet = b'?',
                    _ => {}
                }
            }
            if self.depth > DEEPEST {
                return Err(fault("it nests beyond all measure"));
            }
            if self.line.len() + piece.len() > LONGEST_LINE {
                return Err(fault("it sent a line beyond all measure"));
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_of_line()?;
            }
            rest = behind;
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> io::Result<()> {
        if !self.is_continued {
            self.is_fetch = is_fetch(&self.line);
        }
        let literal = if self.is_fetch { announced(&self.line) } else { None };
        self.line.clear();
        let Some(literal) = literal else {
            *self = Self { line: std::mem::take(&mut self.line), ..Self::default() };
            return Ok(());
        };
        self.response = self.response.saturating_add(literal);
        if literal > LARGEST_LITERAL || self.response > LARGEST_RESPONSE {
            return Err(fault("it sent more than the size that it told"));
        }
        self.literal = literal;
        self.is_continued = true;
        Ok(())
    }
}

fn fault(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}

/// `* 12 FETCH …`
fn is_fetch(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"* ") else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && rest[digits..].get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b" FETCH "))
}

/// The length of the literal that a line announces at its end: `{123}`.
fn announced(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, number) = line.split_at(line.len() - digits);
    if !before.ends_with(b"{") {
        return None;
    }
    // A number beyond all measure is one beyond the bound.
    Some(std::str::from_utf8(number).ok()?.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Guard;

    fn looked(text: &[u8]) -> Result<Vec<u8>, String> {
        let mut octets = text.to_vec();
        Guard::default().look(&mut octets).map(|()| octets).map_err(|e| e.to_string())
    }

    #[test]
    fn an_ordinary_conversation_passes_unchanged() {
        let text = b"* OK hello\r\n* 1 FETCH (UID 7 BODY[] {4}\r\n\xff(((\r\n)\r\n* 2 FETCH (UID 8 BODY[] {0}\r\n)\r\nA1 OK done\r\n";
        assert_eq!(looked(text).unwrap(), text);
    }

    #[test]
    fn octets_beyond_ascii_are_masked_outside_literals_only() {
        assert_eq!(looked("* OK [ALERT]\u{e9}\r\n".as_bytes()).unwrap(), b"* OK [ALERT]??\r\n");
        assert_eq!(
            looked(b"* 1 FETCH (BODY[] {2}\r\n\xff\xff \xff)\r\n").unwrap(),
            b"* 1 FETCH (BODY[] {2}\r\n\xff\xff ?)\r\n"
        );
    }

    #[test]
    fn what_is_beyond_the_bounds_is_refused() {
        for (text, words) in [
            (b"* 1 FETCH (BODY[] {30000000}\r\n".to_vec(), "more than the size"),
            (b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n".to_vec(), "more than the size"),
            ([&b"* OK "[..], &[b'a'; 70_000]].concat(), "a line beyond"),
            ([&b"* 1 FETCH (BODYSTRUCTURE "[..], &[b'('; 60]].concat(), "nests beyond"),
            // A literal where none belongs opens no door.
            ([&b"* OK {9999}\r\n* 1 FETCH (BODY "[..], &[b'('; 60]].concat(), "nests beyond"),
        ] {
            let error = looked(&text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    proptest! {
        #[test]
        fn how_the_octets_are_cut_does_not_matter(octets in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let text = [b"* 3 FETCH (BODY[] {5}\r\nab\ncd)\r\n* ", &octets[..]].concat();
            let whole = looked(&text);
            let mut pieces = text;
            let cut = cut.min(pieces.len());
            let mut guard = Guard::default();
            let (one, two) = pieces.split_at_mut(cut);
            let looked = guard.look(one).and_then(|()| guard.look(two)).map_err(|e| e.to_string());
            assert_eq!(looked.is_ok(), whole.is_ok());
            if let Ok(whole) = whole {
                assert_eq!(pieces, whole);
            }
        }
    }
}
