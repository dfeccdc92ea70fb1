//! From octets to replies.

use std::borrow::Cow;

use super::Reply;

/// Why octets are no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// A line beyond [`ReplyReader::LONGEST_LINE`].
    #[error("a reply line is longer than 4096 octets")]
    LongLine,
    /// A reply beyond [`ReplyReader::LONGEST`].
    #[error("a reply is longer than 64 KiB")]
    Long,
    /// No three digits with a blank or hyphen behind them.
    #[error("`{0}` is no reply line")]
    Malformed(String),
    /// Lines of one reply with different codes (RFC 5321 section 4.2.1 forbids it).
    #[error("one reply has the codes {0} and {1}")]
    CodesDiffer(u16, u16),
}

/// Collects octets and gives replies, in order (RFC 5321 section 4.2).
///
/// Servers are strangers: lines and replies are bounded before they are stored, octets that are not UTF-8 become `U+FFFD`,
/// controls in texts become blanks.
#[derive(Debug, Default)]
pub struct ReplyReader {
    octets: Vec<u8>,
    read: usize,
    code: Option<u16>,
    lines: Vec<String>,
    size: usize,
}

impl ReplyReader {
    /// In octets, the line end included; RFC 5321 section 4.5.3.1.5 asks for 512, real servers send more.
    pub const LONGEST_LINE: usize = 4096;
    /// In octets, all lines together.
    pub const LONGEST: usize = 65_536;

    /// Takes what came from the network.
    pub fn push(&mut self, octets: &[u8]) {
        if self.read > 0 && self.read == self.octets.len() {
            self.octets.clear();
            self.read = 0;
        }
        self.octets.extend_from_slice(octets);
    }

    /// Whether nothing is left over: after STARTTLS, octets that came in clear must not be read as if they were protected.
    pub fn is_empty(&self) -> bool {
        self.read == self.octets.len() && self.code.is_none()
    }

    /// Takes the next reply off without keeping its words, where it is one whole line with this code: most answers are, and
    /// nobody reads them. `false` where it is anything else, which is left for [`next_reply`](Self::next_reply).
    pub fn pass(&mut self, code: u16) -> bool {
        let rest = &self.octets[self.read..];
        let Some(end) = line_end(rest).filter(|_| self.code.is_none()) else { return false };
        let [a, b, c, more @ ..] = &rest[..end] else { return false };
        let is_last = matches!(more.first(), None | Some(b' ' | b'\r'));
        let digits = [a, b, c].map(|d| u16::from(d.wrapping_sub(b'0')));
        let fits = is_last && digits.iter().all(|d| *d < 10) && digits[0] * 100 + digits[1] * 10 + digits[2] == code;
        if fits {
            self.read += end + 1;
        }
        fits
    }

    /// The next complete reply, or `None` while more octets are needed.
    ///
    /// # Errors
    /// [`ReplyFault`]; the dialogue is out of step then and the connection must be closed.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyFault> {
        loop {
            let rest = &self.octets[self.read..];
            let Some(end) = line_end(rest) else {
                return if rest.len() >= Self::LONGEST_LINE { Err(ReplyFault::LongLine) } else { Ok(None) };
            };
            self.size += end + 1;
            if self.size > Self::LONGEST {
                return Err(ReplyFault::Long);
            }
            let line = readable(&rest[..end]);
            self.read += end + 1;
            let (code, last, text) = split_line(&line)?;
            if let Some(first) = self.code.filter(|&first| first != code) {
                return Err(ReplyFault::CodesDiffer(first, code));
            }
            self.code = Some(code);
            self.lines.push(text.to_owned());
            if last {
                self.code = None;
                self.size = 0;
                return Ok(Some(Reply::new(code, std::mem::take(&mut self.lines))));
            }
        }
    }
}

/// Where the first line ends; nothing beyond [`ReplyReader::LONGEST_LINE`] is looked at.
fn line_end(rest: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', &rest[..rest.len().min(ReplyReader::LONGEST_LINE)])
}

/// The text of a line: as it came, where it is plain.
fn readable(line: &[u8]) -> Cow<'_, str> {
    let end = line.iter().rposition(|&b| b != b'\r').map_or(0, |last| last + 1);
    let line = &line[..end];
    match std::str::from_utf8(line) {
        Ok(text) if line.iter().all(|b| matches!(b, b' '..=b'~')) => Cow::Borrowed(text),
        _ => {
            let text = String::from_utf8_lossy(line);
            Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
        }
    }
}

fn split_line(line: &str) -> Result<(u16, bool, &str), ReplyFault> {
    let malformed = || ReplyFault::Malformed(line.chars().take(60).collect());
    let digits = line.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).ok_or_else(malformed)?;
    let code: u16 = digits.parse().map_err(|_| malformed())?;
    if !(200..=599).contains(&code) {
        return Err(malformed());
    }
    match line.as_bytes().get(3) {
        None => Ok((code, true, "")),
        Some(b' ') => Ok((code, true, &line[4..])),
        Some(b'-') => Ok((code, false, &line[4..])),
        Some(_) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ReplyFault, ReplyReader};

    fn read(text: &[u8]) -> Result<Vec<String>, ReplyFault> {
        let mut reader = ReplyReader::default();
        let mut replies = Vec::new();
        // One octet at a time: framing must not depend on how the network cuts.
        for octet in text {
            reader.push(&[*octet]);
            while let Some(reply) = reader.next_reply()? {
                replies.push(reply.to_string());
            }
        }
        Ok(replies)
    }

    #[test]
    fn reads_replies_however_they_are_cut() {
        let text = b"250-mx.example\r\n250-PIPELINING\r\n250 OK\r\n354\r\n550 5.1.1 no\n";
        assert_eq!(read(text), Ok(vec!["250 mx.example PIPELINING OK".into(), "354 ".into(), "550 5.1.1 no".into()]));
    }

    #[test]
    fn strange_octets_never_break_it() {
        assert_eq!(read(b"250 caf\xe9 \x1b[31m\r\n"), Ok(vec!["250 caf\u{fffd}  [31m".into()]));
        assert!(matches!(read(b"\r\n"), Err(ReplyFault::Malformed(_))));
        assert!(matches!(read(b"hello\r\n"), Err(ReplyFault::Malformed(_))));
        assert!(matches!(read(b"999 x\r\n"), Err(ReplyFault::Malformed(_))));
        assert!(matches!(read("25é x\r\n".as_bytes()), Err(ReplyFault::Malformed(_))));
        assert_eq!(read(b"250-a\r\n251 b\r\n"), Err(ReplyFault::CodesDiffer(250, 251)));
    }

    #[test]
    fn endless_replies_are_cut_off() {
        let mut reader = ReplyReader::default();
        reader.push(&[b'2'; 5000]);
        assert_eq!(reader.next_reply(), Err(ReplyFault::LongLine));
        let mut reader = ReplyReader::default();
        let fault = loop {
            reader.push(b"250-more and more and more and more\r\n");
            if let Err(fault) = reader.next_reply() {
                break fault;
            }
        };
        assert_eq!(fault, ReplyFault::Long);
    }

    #[test]
    fn plain_answers_are_passed_over_and_others_are_not() {
        let mut reader = ReplyReader::default();
        reader.push(b"250 2.1.0 ok\r\n250\r\n250-two\r\n250 lines\r\n25");
        assert!(reader.pass(250) && reader.pass(250));
        assert!(!reader.pass(250), "a reply of several lines is read as a whole");
        assert_eq!(reader.next_reply().expect("fine").map(|r| r.to_string()), Some("250 two lines".to_owned()));
        assert!(!reader.pass(250), "half a line");
        reader.push(b"0 ok\n2500 x\r\n");
        assert!(!reader.pass(354) && reader.pass(250));
        assert!(!reader.pass(250), "four digits are no code");
        assert!(reader.next_reply().is_err());
    }

    #[test]
    fn leftovers_are_seen() {
        let mut reader = ReplyReader::default();
        reader.push(b"220 go ahead\r\n250 injected\r\n");
        assert!(reader.next_reply().expect("fine").is_some());
        assert!(!reader.is_empty());
    }
}
