//! No message is taken whole beyond a limit: of what is larger the header alone is of use.
//!
//! What: [`whole_or_header`] of a stream, [`header_of`]. Not here: limits of what is read in a message (`replies`).
//! Called by: every door. Can fail: as the stream does.

use std::io::{self, Read};

/// 25 MB, what large providers take.
pub(super) const LARGEST: usize = 25_000_000;
/// A header beyond this is cut as well.
pub(super) const LARGEST_HEADER: usize = 256 * 1024;

/// Everything that a stream has, or the header where it has more than [`LARGEST`] octets.
pub(super) fn whole_or_header(stream: impl Read) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    stream.take(LARGEST as u64 + 1).read_to_end(&mut octets)?;
    if octets.len() > LARGEST {
        octets.truncate(header_of(&octets));
        octets.shrink_to_fit();
    }
    Ok(octets)
}

/// The length of the header with its blank line, [`LARGEST_HEADER`] at most.
pub(super) fn header_of(octets: &[u8]) -> usize {
    let octets = &octets[..octets.len().min(LARGEST_HEADER)];
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &octets[at..]) {
        let line = &octets[at..=at + end];
        at += end + 1;
        if matches!(line, b"\n" | b"\r\n") {
            return at;
        }
    }
    octets.len()
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, LARGEST_HEADER, header_of, whole_or_header};

    #[test]
    fn of_what_is_too_large_the_header_remains() {
        let head = b"Subject: x\r\n\r\n";
        let exact = [&head[..], &vec![b'a'; LARGEST - head.len()]].concat();
        assert_eq!(whole_or_header(&exact[..]).unwrap().len(), LARGEST);
        let larger = [&exact[..], b"a"].concat();
        assert_eq!(whole_or_header(&larger[..]).unwrap(), head);
        assert_eq!(header_of(&vec![b'a'; LARGEST]), LARGEST_HEADER);
        assert_eq!(header_of(b"a: b"), 4);
    }
}
