//! One row of a table, whatever it was read from, and what can be wrong with it.
//!
//! What: [`Row`], the [`RowSource`] that fills it, and the [`Fault`]s with their words.
//! Not here: how rows are found (`cut`, `workbook`), what the columns mean (`recipients`).
//! Called by: the readers, which fill rows, and `recipients`, which reads them.
//! Can fail: a source that breaks off says so with a [`Problem`]; a fault of one row costs that row only.

use csv::StringRecord;

use crate::input::problem::{Place, Problem, quoted};

/// The longest cell, in octets of UTF-8; an open quote would otherwise make one cell of the rest of the file.
pub const MAX_CELL_OCTETS: usize = 65_536;

/// The longest row, in octets of UTF-8: bounds the memory that a line without end can take.
pub const MAX_ROW_OCTETS: usize = 1_048_576;

/// Faults kept of one row; its first ones say enough, and a hostile row could hold a million.
const MAX_FAULTS: usize = 16;

/// A row as its source gave it; one value is filled again and again.
#[derive(Debug, Default)]
pub struct Row {
    /// The physical line of its first character, from 1; in a workbook the row's number.
    pub line: u64,
    /// The physical line of its last character: later than `line` where quoted cells hold line breaks.
    pub last_line: u64,
    /// Its cells, without quotes, otherwise as written.
    pub cells: StringRecord,
    /// What the source found wrong. Where there is anything, the cells are not to be relied on.
    pub faults: Vec<Fault>,
}

/// Where rows come from: delimited text or a workbook.
pub trait RowSource {
    /// The file, as the user named it.
    fn file(&self) -> &str;

    /// What separates the cells; `None` where cells cannot run into each other.
    fn delimiter(&self) -> Option<char>;

    /// Reads the next row that is not an empty line; false at the end.
    ///
    /// # Errors
    /// A [`Problem`] when nothing more can be read.
    fn next_row(&mut self, row: &mut Row) -> Result<bool, Problem>;
}

/// Something wrong with one cell, or with the whole row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The physical line of the very place.
    pub line: u64,
    /// The cell, from 1; 0 where the row is meant.
    pub cell: u64,
    /// What it is.
    pub kind: FaultKind,
}

/// What can be wrong with a row before anybody asks what its columns mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// ` "text"`: readers take the quotes for text and split the cell at its delimiters.
    BlankBeforeQuote,
    /// A control character that is no line break.
    Control(char),
    /// `#N/A` and its kin, in a workbook.
    ErrorValue,
    /// A value in a column that has no heading.
    Headless,
    /// A direction mark or another character without a shape.
    Invisible(char),
    /// A line break where the column allows none.
    LineBreak,
    /// More than [`MAX_CELL_OCTETS`].
    LongCell,
    /// More than [`MAX_ROW_OCTETS`].
    LongRow,
    /// U+FFFD: octets that are nothing in the file's encoding, now or in an earlier conversion.
    LostCharacter,
    /// UTF-8 in a file of another encoding.
    Misread,
    /// A quote that is open at the end of the file.
    OpenQuote,
    /// A cell that may hold line breaks and holds, at this line, what looks like a row.
    Swallowed(u64),
    /// `"text" more`.
    TextAfterQuote,
    /// Fewer cells than the header names.
    TooFewCells {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header.
        header: usize,
    },
    /// More cells than the header has.
    TooManyCells {
        /// Cells of the row.
        cells: usize,
        /// Cells of the header.
        header: usize,
    },
}

impl Row {
    /// Whether it has nothing but blanks in it.
    pub fn is_blank(&self) -> bool {
        self.faults.is_empty() && self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    /// Remembers a fault, unless there are plenty already.
    pub(in crate::input) fn note(&mut self, line: u64, cell: u64, kind: FaultKind) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault { line, cell, kind });
        }
    }

    /// A fault in words; `name` is the column's, empty where it has none.
    pub fn problem(&self, fault: Fault, file: &str, name: &str) -> Problem {
        let value = || {
            let cell = usize::try_from(fault.cell).unwrap_or(usize::MAX);
            quoted(self.cells.get(cell.wrapping_sub(1)).unwrap_or_default())
        };
        let subject = match (fault.kind, name) {
            (FaultKind::LongRow | FaultKind::TooFewCells { .. } | FaultKind::TooManyCells { .. }, _) => {
                "row".to_owned()
            }
            (_, "") => format!("cell {}", fault.cell),
            (_, name) => format!("cell {}", quoted(name)),
        };
        let (words, cure) = match fault.kind {
            FaultKind::BlankBeforeQuote => (
                "begins with a blank before its quote".to_owned(),
                "remove the blank, so that the quotes enclose the cell",
            ),
            FaultKind::Control(c) => {
                (format!("holds the control character U+{:04X}", u32::from(c)), "delete it, or type the text again")
            }
            FaultKind::ErrorValue => {
                (format!("holds {}, the error of a formula", value()), "correct the formula or type the value")
            }
            FaultKind::Headless => {
                ("has a value, but its column has no heading".to_owned(), "write a heading or empty the column")
            }
            FaultKind::Invisible(c) => (
                format!("holds the invisible character U+{:04X}", u32::from(c)),
                "type the text again instead of pasting it",
            ),
            FaultKind::LineBreak => {
                ("holds a line break".to_owned(), "write it on one line, or close its quote if other rows are in it")
            }
            FaultKind::LongCell => (
                format!("is longer than {MAX_CELL_OCTETS} octets"),
                "shorten it, or close its quote if other rows are in it",
            ),
            FaultKind::LongRow => (format!("is longer than {MAX_ROW_OCTETS} octets"), "shorten it"),
            FaultKind::LostCharacter => (
                format!("holds {}, with a character that could not be read", value()),
                "type it again and save the file as UTF-8, or name the file's encoding",
            ),
            FaultKind::Misread => (
                format!("reads {}: UTF-8 in a file that is otherwise not", value()),
                "type it again and save the whole file as UTF-8",
            ),
            FaultKind::OpenQuote => (
                "opens a quote that is never closed".to_owned(),
                "close it, or write it twice where it belongs to the text",
            ),
            FaultKind::Swallowed(line) => {
                (format!("holds line {line}, which looks like a row of its own"), "close the quote that opens the cell")
            }
            FaultKind::TextAfterQuote if self.last_line > self.line => (
                "has text after its closing quote".to_owned(),
                "close the quote where its cell ends, and write quotes inside the cell twice",
            ),
            FaultKind::TextAfterQuote => {
                ("has text after its closing quote".to_owned(), "write each quote inside the cell twice")
            }
            FaultKind::TooFewCells { cells, header } => (
                format!("has {}, the header {header}", count_of_cells(cells)),
                "write the empty cells too, and quotes round a cell that holds a line break",
            ),
            FaultKind::TooManyCells { cells, header } => (
                format!("has {}, the header {header}", count_of_cells(cells)),
                "put quotes round a cell that holds the delimiter",
            ),
        };
        let fault_and_loss = format!("{subject} {words}{}", self.loss(fault));
        Problem::new(Place::new(file, fault.line, fault.cell), fault_and_loss, cure)
    }

    /// Which lines are gone with this row, where they are more than its own: nobody may vanish unnamed.
    fn loss(&self, fault: Fault) -> String {
        let is_open = fault.kind == FaultKind::OpenQuote;
        match (self.line, self.last_line) {
            (first, last) if last > first => format!(", so lines {first} to {last} were not read"),
            (line, _) if is_open => format!(", so line {line} was not read"),
            _ => String::new(),
        }
    }
}

fn count_of_cells(count: usize) -> String {
    if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") }
}

/// The first thing in a cell that no letter may carry on: controls, direction marks, characters lost in a conversion.
/// Line breaks, and TAB with them, pass where the column is allowed several lines.
pub(in crate::input) fn fault_in(text: &str, multiline: bool) -> Option<FaultKind> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return None;
    }
    text.chars().find_map(|c| match c {
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => (!multiline).then_some(FaultKind::LineBreak),
        '\t' if multiline => None,
        '\u{fffd}' => Some(FaultKind::LostCharacter),
        c if c.is_control() => Some(FaultKind::Control(c)),
        c if is_invisible(c) => Some(FaultKind::Invisible(c)),
        _ => None,
    })
}

/// Characters that change how a line reads without being seen. The joiners U+200C and U+200D stay: Persian and the
/// scripts of India are spelled with them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, fault_in};

    #[test]
    fn letters_of_every_script_pass() {
        for text in ["Côte d'Ivoire", "Türkiye", "中国", "می‌خواهم", "हिन्दी", "=1+1", "{{x}}", "<b>", "a\u{a0}b"]
        {
            assert_eq!(fault_in(text, false), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_seen_is_refused() {
        assert_eq!(fault_in("a\0b", true), Some(FaultKind::Control('\0')));
        assert_eq!(fault_in("a\u{81}b", true), Some(FaultKind::Control('\u{81}')));
        assert_eq!(fault_in("a\u{202e}b", true), Some(FaultKind::Invisible('\u{202e}')));
        assert_eq!(fault_in("a\u{fffd}b", true), Some(FaultKind::LostCharacter));
        assert_eq!(fault_in("a\nb", false), Some(FaultKind::LineBreak));
        assert_eq!(fault_in("a\u{2028}b", false), Some(FaultKind::LineBreak));
        assert_eq!(fault_in("a\r\n\tb", true), None);
    }
}
