//! Cuts decoded text into records and knows at which line each one begins.
//!
//! What: [`Cutter`], which hands over one record at a time, ended by a single LF and never empty, so that the `csv` crate
//! has only to split it. It follows the rules of `csv` to the letter (`laws` checks that) and tells what `csv` swallows
//! without a word: a quote that is never closed, text after a closing quote, a blank before an opening one, cells and rows
//! without end. It counts lines itself, because `csv` counts neither the empty ones nor those ended by CR alone.
//! Standard: RFC 4180 section 2, with any line end. Not here: splitting and unquoting (`csv`), encodings (`decode`).
//! Called by: `TableReader`. Can fail: when reading fails.

use std::io::{self, Read};

use super::decode::DecodedText;
use super::row::{FaultKind, MAX_CELL_OCTETS, MAX_ROW_OCTETS, Row};

const QUOTE: u8 = b'"';

/// Where in a cell the cutter stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before its first octet.
    Start,
    /// After nothing but blanks.
    Blank,
    /// In text without quotes, or after faulty ones.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote that closes, or is the first of two.
    AfterQuote,
}

/// The reading position in a table.
pub(super) struct Cutter<R> {
    text: DecodedText<R>,
    delimiter: u8,
    /// The physical line at which the next octet stands, from 1.
    line: u64,
    /// The last octet was a CR: an LF after it ends the same line.
    is_after_cr: bool,
    /// The last octets ended a line.
    is_at_line_start: bool,
}

/// The record under the knife.
struct Cut<'r> {
    record: &'r mut Vec<u8>,
    row: &'r mut Row,
    /// From 1.
    cell: u64,
    /// Octets of the cell so far.
    cell_octets: usize,
    /// The line of the opening quote that `record` holds and that has to be closed there.
    open_quote: Option<u64>,
    is_full: bool,
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(text: DecodedText<R>, delimiter: u8) -> Self {
        Self { text, delimiter, line: 1, is_after_cr: false, is_at_line_start: true }
    }

    /// The line that would be read next.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Puts the next record into `record`, its lines and faults into `row`; false at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// What the source says.
    pub(super) fn cut(&mut self, record: &mut Vec<u8>, row: &mut Row) -> io::Result<bool> {
        record.clear();
        row.faults.clear();
        loop {
            if !self.text.fill()? {
                return Ok(false);
            }
            match self.text.rest().first() {
                Some(&end @ (b'\n' | b'\r')) => self.end_line(end),
                _ => break,
            }
        }
        row.line = self.line;
        let cut = Cut { record, row, cell: 1, cell_octets: 0, open_quote: None, is_full: false };
        self.cut_cells(cut)?;
        Ok(true)
    }

    fn cut_cells(&mut self, mut cut: Cut<'_>) -> io::Result<()> {
        let delimiter = self.delimiter;
        let mut state = State::Start;
        loop {
            if !self.text.fill()? {
                // A quote open here has taken all the lines since; the last of them is the one before an ending line break.
                cut.row.last_line = self.line - u64::from(self.is_at_line_start && self.line > cut.row.line);
                if let (State::Quoted, Some(line)) = (state, cut.open_quote) {
                    // One fault for all that the quote has swallowed, however much that is.
                    let cell = cut.cell;
                    cut.row.faults.retain(|fault| fault.kind != FaultKind::LongCell || fault.cell != cell);
                    cut.row.note(line, cell, FaultKind::OpenQuote);
                }
                break;
            }
            let rest = self.text.rest();
            let is_stop = |octet: u8| match state {
                State::Start | State::AfterQuote => true,
                State::Blank => octet != b' ' && (octet != b'\t' || delimiter == b'\t'),
                State::Plain => octet == delimiter || octet == b'\n' || octet == b'\r',
                State::Quoted => octet == QUOTE || octet == b'\n' || octet == b'\r',
            };
            let run = rest.iter().position(|&octet| is_stop(octet)).unwrap_or(rest.len());
            let stop = rest.get(run).copied();
            cut.keep(&rest[..run], self.line);
            self.pass(run);
            let Some(stop) = stop else { continue };
            state = match (state, stop) {
                (State::Start, QUOTE) => {
                    cut.open(self.line);
                    self.pass(1);
                    State::Quoted
                }
                (State::Start, b' ' | b'\t') if stop != delimiter => State::Blank,
                (State::Quoted, QUOTE) => {
                    self.pass(1);
                    State::AfterQuote
                }
                (State::Quoted, end) => {
                    cut.keep(&[end], self.line);
                    self.end_line(end);
                    State::Quoted
                }
                (State::AfterQuote, QUOTE) => {
                    cut.keep(&[QUOTE, QUOTE], self.line);
                    self.pass(1);
                    State::Quoted
                }
                (_, b'\n' | b'\r') => {
                    cut.row.last_line = self.line;
                    self.end_line(stop);
                    break;
                }
                (_, octet) if octet == delimiter => {
                    self.pass(1);
                    cut.next_cell(delimiter, self.line);
                    State::Start
                }
                (State::AfterQuote, _) => {
                    cut.row.note(self.line, cut.cell, FaultKind::TextAfterQuote);
                    cut.close();
                    State::Plain
                }
                (State::Blank, QUOTE) => {
                    cut.row.note(self.line, cut.cell, FaultKind::BlankBeforeQuote);
                    State::Plain
                }
                (State::Start | State::Blank | State::Plain, _) => State::Plain,
            };
        }
        cut.finish();
        Ok(())
    }

    fn pass(&mut self, octets: usize) {
        if octets > 0 {
            self.text.consume(octets);
            self.is_after_cr = false;
            self.is_at_line_start = false;
        }
    }

    /// Passes one octet of a line end: CR, LF and CRLF each end one line.
    fn end_line(&mut self, octet: u8) {
        self.text.consume(1);
        let is_second_half = octet == b'\n' && self.is_after_cr;
        self.line += u64::from(!is_second_half);
        self.is_after_cr = octet == b'\r';
        self.is_at_line_start = true;
    }
}

impl Cut<'_> {
    /// Takes a run of the cell over, or nothing of it where the cell or the row grows too long.
    fn keep(&mut self, run: &[u8], line: u64) {
        let fits_row = self.fits_row(run.len(), line);
        let (before, after) = (self.cell_octets, self.cell_octets.saturating_add(run.len()));
        self.cell_octets = after;
        if after > MAX_CELL_OCTETS {
            if before <= MAX_CELL_OCTETS {
                self.row.note(self.open_quote.unwrap_or(line), self.cell, FaultKind::LongCell);
            }
        } else if fits_row {
            self.record.extend_from_slice(run);
        }
    }

    fn fits_row(&mut self, octets: usize, line: u64) -> bool {
        if !self.is_full && self.record.len() + octets > MAX_ROW_OCTETS {
            self.is_full = true;
            self.row.note(line, 0, FaultKind::LongRow);
        }
        !self.is_full
    }

    fn open(&mut self, line: u64) {
        if self.fits_row(1, line) {
            self.record.push(QUOTE);
        }
        // Remembered even where there is no room, for the words about a quote that stays open.
        self.open_quote = Some(line);
    }

    fn close(&mut self) {
        if self.open_quote.take().is_some() && !self.is_full {
            self.record.push(QUOTE);
        }
    }

    fn next_cell(&mut self, delimiter: u8, line: u64) {
        self.close();
        if self.fits_row(1, line) {
            self.record.push(delimiter);
        }
        self.cell += 1;
        self.cell_octets = 0;
    }

    fn finish(mut self) {
        self.close();
        if self.is_full || self.record.is_empty() {
            // What is left of it may be half a quoted cell; `csv` shall see one empty cell, for it passes over empty lines.
            self.record.clear();
            self.record.extend_from_slice(&[QUOTE, QUOTE]);
        }
        self.record.push(b'\n');
    }
}
