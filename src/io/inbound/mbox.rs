//! An mbox: messages in one file, each behind a line that begins with `From ` (RFC 4155).
//!
//! What: [`Messages`] over any stream, [`File`] over a file. A `From ` line begins a message at the start of the file and
//! after a blank line; `>From ` at the beginning of a line loses one `>` (what mboxrd and mboxo programs put there);
//! `Content-Length` is not believed, as RFC 4155 advises. Memory: one message, 25 MB at most.
//! Called by: `io::inbound`. Can fail: the file cannot be read, or is no mbox.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::cut::{LARGEST, header_of};
use super::{Inbound, InboundId, shown};
use crate::io::files::FileError;

/// The messages of a stream, one by one.
pub(super) struct Messages<R> {
    stream: R,
    /// The beginning of a line of which the rest is to come.
    line: Vec<u8>,
    /// Whether a `From ` line has been read that no message has followed yet.
    is_begun: bool,
}

/// A line of which more is remembered than this is no `From ` line, and is passed on in pieces.
const LONGEST_LINE: usize = 64 * 1024;

impl<R: BufRead> Messages<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream, line: Vec::new(), is_begun: false }
    }

    /// The next message without its `From ` line and the blank line that ends it.
    ///
    /// # Errors
    /// The stream's own, and `InvalidData` where the first line is no `From ` line.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut message = Message::default();
        let mut is_line_start = true;
        let mut after_blank = false;
        loop {
            self.line.clear();
            let is_whole = self.piece()?;
            if self.line.is_empty() {
                let has_begun = std::mem::take(&mut self.is_begun);
                return Ok(has_begun.then(|| message.end()));
            }
            let is_from = is_line_start && self.line.starts_with(b"From ");
            if !self.is_begun {
                if is_from {
                    self.is_begun = true;
                    self.skip_rest(is_whole)?;
                    continue;
                }
                if self.line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let words = "it does not begin with a line `From …`, as an mbox does";
                return Err(io::Error::new(io::ErrorKind::InvalidData, words));
            }
            // The first line of a message is a header field; `From ` right behind `From ` is an empty message.
            if is_from && (after_blank || message.is_empty()) {
                self.skip_rest(is_whole)?;
                return Ok(Some(message.end()));
            }
            after_blank = is_line_start && matches!(&self.line[..], b"\n" | b"\r\n");
            let quoted = is_line_start && is_quoted(&self.line);
            message.add(if quoted { &self.line[1..] } else { &self.line });
            is_line_start = is_whole;
        }
    }

    /// Reads a line, or as much of it as is remembered; says whether its end is there.
    fn piece(&mut self) -> io::Result<bool> {
        loop {
            let buffer = self.stream.fill_buf()?;
            if buffer.is_empty() {
                return Ok(true);
            }
            let room = LONGEST_LINE - self.line.len();
            let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
            let take = end.unwrap_or(buffer.len()).min(room);
            self.line.extend_from_slice(&buffer[..take]);
            self.stream.consume(take);
            if end == Some(take) {
                return Ok(true);
            }
            if self.line.len() == LONGEST_LINE {
                return Ok(false);
            }
        }
    }

    fn skip_rest(&mut self, is_whole: bool) -> io::Result<()> {
        let mut is_whole = is_whole;
        while !is_whole {
            self.line.clear();
            is_whole = self.piece()?;
        }
        Ok(())
    }
}

/// `>From `, `>>From `...
fn is_quoted(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|b| **b == b'>').count();
    marks > 0 && line[marks..].starts_with(b"From ")
}

/// A message as it grows; beyond the limit its header stays.
#[derive(Default)]
struct Message {
    octets: Vec<u8>,
    is_cut: bool,
}

impl Message {
    fn is_empty(&self) -> bool {
        self.octets.is_empty() && !self.is_cut
    }

    fn add(&mut self, line: &[u8]) {
        if self.is_cut {
            return;
        }
        self.octets.extend_from_slice(line);
        if self.octets.len() > LARGEST {
            self.is_cut = true;
            self.octets.truncate(header_of(&self.octets));
            self.octets.shrink_to_fit();
        }
    }

    /// Without the blank line that stands before the next `From ` line.
    fn end(mut self) -> Vec<u8> {
        if !self.is_cut {
            for blank in [&b"\r\n"[..], b"\n"] {
                let before = self.octets.len() - blank.len().min(self.octets.len());
                if self.octets.ends_with(blank) && self.octets[..before].ends_with(b"\n") {
                    self.octets.truncate(before);
                    break;
                }
            }
        }
        self.octets
    }
}

/// An mbox on disk.
pub struct File {
    path: PathBuf,
    messages: Messages<BufReader<fs::File>>,
    count: u64,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let file = fs::File::open(path).map_err(|e| FileError::new("read", path, e))?;
        Ok(Self { path: path.to_owned(), messages: Messages::new(BufReader::with_capacity(64 * 1024, file)), count: 0 })
    }

    pub(super) fn name(&self) -> String {
        shown(&self.path)
    }

    pub(super) fn next(&mut self) -> Result<Option<Inbound>, FileError> {
        let next = self.messages.next().map_err(|e| FileError::new("read", &self.path, e))?;
        Ok(next.map(|octets| {
            self.count += 1;
            let place = format!("{} message {}", shown(&self.path), self.count);
            Inbound { id: InboundId::Nth(self.count), octets, received: None, place }
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::{any, proptest};

    use super::super::cut::LARGEST;
    use super::Messages;

    fn messages(text: &[u8]) -> Vec<String> {
        // A small buffer, so that lines are met in pieces.
        let mut messages = Messages::new(BufReader::with_capacity(7, text));
        let mut found = Vec::new();
        while let Some(octets) = messages.next().unwrap() {
            found.push(String::from_utf8(octets).unwrap());
        }
        found
    }

    #[test]
    fn messages_are_parted_at_from_lines_after_blank_lines_only() {
        let text = b"From a@x.example Mon\nSubject: 1\n\nFrom here on\nit is fine\n\nFrom b@x.example Tue\nSubject: 2\nContent-Length: 1\n\nx\n\n>From the start\n>>From\n>>From it\n\nFrom c@x.example Wed\nSubject: 3\n";
        assert_eq!(
            messages(text),
            [
                // mbox cannot tell this line from a separator: it stands behind a blank line.
                "Subject: 1\n",
                "it is fine\n",
                "Subject: 2\nContent-Length: 1\n\nx\n\nFrom the start\n>>From\n>From it\n",
                "Subject: 3\n",
            ]
        );
    }

    #[test]
    fn crlf_empty_messages_and_blank_lines_before_the_first_are_taken() {
        assert_eq!(
            messages(b"\n\r\nFrom a\r\nS: 1\r\n\r\nx\r\n\r\nFrom b\r\nS: 2\r\n"),
            ["S: 1\r\n\r\nx\r\n", "S: 2\r\n"]
        );
        assert_eq!(messages(b"From a\nFrom b\nS: 2\n\nx"), ["", "S: 2\n\nx"]);
        assert_eq!(messages(b"From a"), [""]);
        assert_eq!(messages(b""), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_mbox_is_told() {
        let error = Messages::new(&b"Subject: x\n\nFrom y\n"[..]).next().unwrap_err();
        assert!(error.to_string().contains("as an mbox does"), "{error}");
    }

    #[test]
    fn a_message_beyond_the_limit_is_its_header_and_the_next_one_is_whole() {
        let text = [&b"From a\nS: 1\n\n"[..], &vec![b'a'; LARGEST], b"\n\nFrom b\nS: 2\n\ny\n"].concat();
        let mut all = Messages::new(&text[..]);
        assert_eq!(all.next().unwrap().unwrap(), b"S: 1\n\n");
        assert_eq!(all.next().unwrap().unwrap(), b"S: 2\n\ny\n");
        assert_eq!(all.next().unwrap(), None);
    }

    proptest! {
        #[test]
        fn what_a_program_quoted_comes_back(bodies in proptest::collection::vec("(>{0,2}(From |x)y?\n){1,5}", 1..6)) {
            let mut text = String::new();
            for body in &bodies {
                text.push_str("From a@x.example Mon\nS: 1\n\n");
                for line in body.lines() {
                    if line.trim_start_matches('>').starts_with("From ") {
                        text.push('>');
                    }
                    text.push_str(line);
                    text.push('\n');
                }
                text.push('\n');
            }
            let expected: Vec<String> = bodies.iter().map(|body| format!("S: 1\n\n{body}")).collect();
            assert_eq!(messages(text.as_bytes()), expected);
        }

        #[test]
        fn no_octets_can_harm(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = [b"From \n", &octets[..]].concat();
            let mut all = Messages::new(BufReader::with_capacity(3, &text[..]));
            let mut kept = 0;
            while let Some(message) = all.next().unwrap() {
                kept += message.len();
            }
            assert!(kept <= octets.len());
        }
    }
}
