//! Octets of any encoding as one stream of UTF-8.
//!
//! What: [`DecodedText`], a buffer of decoded text that is filled again when it is used up.
//! Standard: WHATWG Encoding. Not here: which encoding it is (`sniff`).
//! Called by: `cut`. Can fail: when reading fails; octets that are nothing in the encoding become U+FFFD, which `row`
//! refuses later, cell by cell.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding};

/// Octets asked of the source at a time.
const BLOCK_OCTETS: usize = 65_536;

/// What Excel and Notepad put before the text; once decoded, the same in every encoding.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Decoded text, a block at a time. Each block ends between two characters.
pub(super) struct DecodedText<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// The part of `text` that is read but not yet consumed.
    at: usize,
    end: usize,
    is_at_start: bool,
    has_ended: bool,
}

impl<R: Read> DecodedText<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        // U+FFFD takes three octets for each one that it stands for; nothing grows more.
        let room = decoder.max_utf8_buffer_length(BLOCK_OCTETS).unwrap_or(3 * BLOCK_OCTETS + 16);
        let (raw, text) = (vec![0; BLOCK_OCTETS], vec![0; room]);
        Self { source, decoder, raw, text, at: 0, end: 0, is_at_start: true, has_ended: false }
    }

    /// What is decoded and not yet consumed.
    pub(super) fn rest(&self) -> &[u8] {
        &self.text[self.at..self.end]
    }

    /// Goes on by so many octets of [`Self::rest`].
    pub(super) fn consume(&mut self, octets: usize) {
        self.at = (self.at + octets).min(self.end);
    }

    /// Decodes the next block once the rest is empty; false at the end of the source.
    ///
    /// # Errors
    /// What the source says.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        while self.at == self.end {
            if self.has_ended {
                return Ok(false);
            }
            let octets = loop {
                match self.source.read(&mut self.raw) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            self.has_ended = octets == 0;
            let (result, _, written, _) =
                self.decoder.decode_to_utf8(&self.raw[..octets], &mut self.text, self.has_ended);
            debug_assert_eq!(result, CoderResult::InputEmpty, "the room was reckoned for a whole block");
            (self.at, self.end) = (0, written);
            while self.is_at_start && self.rest().starts_with(MARK) {
                self.consume(MARK.len());
            }
            self.is_at_start &= self.at == self.end;
        }
        Ok(true)
    }
}
