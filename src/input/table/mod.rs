//! Delimited text as rows, with the line of each and with everything that is wrong with it.
//!
//! What: [`Sniffer`] (first pass: encoding, delimiter), [`TableReader`] (second pass: rows), the [`Row`] that any
//! [`RowSource`] fills. Two passes, because only the whole file tells its encoding; both in constant memory.
//! Standard: RFC 4180 as far as files keep to it. Splitting and unquoting are the `csv` crate's; everything that it passes
//! over in silence is found before it (`cut`).
//! Not here: what columns mean (`recipients`), workbooks (`workbook`), opening files (`io`).
//! Called by: `recipients`, `command`. Can fail: a file that is no table or breaks off gives a [`Problem`]; faults of a
//! row are in the row.

mod census;
mod cut;
mod decode;
mod dialect;
#[cfg(test)]
mod laws;
mod row;
mod sniff;

use std::io::{self, Read};

use encoding_rs::WINDOWS_1252;

use super::problem::{Place, Problem};
use cut::Cutter;
use decode::DecodedText;
pub use dialect::{Dialect, LineEnd};
pub(super) use row::fault_in;
pub use row::{Fault, FaultKind, MAX_CELL_OCTETS, MAX_ROW_OCTETS, Row, RowSource};
pub use sniff::{Sniffer, UnknownEncoding};

/// Reads the rows of a table, the header among them, one at a time.
pub struct TableReader<R> {
    file: String,
    dialect: Dialect,
    cutter: Cutter<R>,
    csv: csv::Reader<Record>,
    is_at_start: bool,
}

/// The one record that `csv` may read next.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    at: usize,
}

impl Read for Record {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = (&self.text[self.at..]).read(buffer)?;
        self.at += octets;
        Ok(octets)
    }
}

impl<R: Read> TableReader<R> {
    /// A reader at the begin of the file. `file` is its name in problems.
    pub fn new(file: &str, source: R, dialect: &Dialect) -> Self {
        let csv = csv::ReaderBuilder::new()
            .delimiter(dialect.delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(Record::default());
        Self {
            file: file.to_owned(),
            cutter: Cutter::new(DecodedText::new(source, dialect.encoding), dialect.delimiter),
            csv,
            is_at_start: true,
            dialect: dialect.clone(),
        }
    }

    fn cut(&mut self, row: &mut Row) -> Result<bool, Problem> {
        let record = self.csv.get_mut();
        record.at = 0;
        self.cutter.cut(&mut record.text, row).map_err(|error| {
            let line = self.cutter.line();
            Problem::new(
                Place::new(&self.file, line, 0),
                format!("file breaks off: {error}"),
                "nothing after it was read",
            )
        })
    }

    /// In a file of two encodings, cells of the rarer one are told by reading as UTF-8 once their octets are restored.
    fn note_misread(row: &mut Row) {
        let mut misread = Vec::new();
        for (cell, text) in (1..).zip(&row.cells).filter(|(_, text)| !text.is_ascii()) {
            let (octets, _, has_unmappable) = WINDOWS_1252.encode(text);
            if !has_unmappable && std::str::from_utf8(&octets).is_ok() {
                misread.push(cell);
            }
        }
        for cell in misread {
            row.note(row.line, cell, FaultKind::Misread);
        }
    }
}

impl<R: Read> RowSource for TableReader<R> {
    fn file(&self) -> &str {
        &self.file
    }

    fn delimiter(&self) -> Option<char> {
        Some(self.dialect.delimiter())
    }

    fn next_row(&mut self, row: &mut Row) -> Result<bool, Problem> {
        if std::mem::take(&mut self.is_at_start) {
            if let Some(foreign) = self.dialect.foreign {
                let (fault, cure) = foreign.words();
                return Err(Problem::new(Place::file(&self.file), fault, cure));
            }
            if self.dialect.is_declared && !self.cut(row)? {
                return Ok(false);
            }
        }
        if !self.cut(row)? {
            return Ok(false);
        }
        let place = || Place::new(&self.file, row.line, 0);
        match self.csv.read_record(&mut row.cells) {
            Ok(true) => {}
            Ok(false) => {
                return Err(Problem::new(
                    place(),
                    "row was cut off by its reader",
                    "report this as a fault of convoke",
                ));
            }
            Err(error) => return Err(Problem::new(place(), format!("row cannot be read: {error}"), "")),
        }
        if self.dialect.is_mixed() {
            Self::note_misread(row);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, MAX_CELL_OCTETS, Row, RowSource, Sniffer, TableReader};

    /// Line, cells and faults of a row.
    type Seen = (u64, Vec<String>, Vec<(u64, u64, FaultKind)>);

    /// Each row; the source gives one octet at a time, so that nothing hangs on blocks.
    fn rows(octets: &[u8]) -> Vec<Seen> {
        struct Drip<'o>(&'o [u8]);
        impl std::io::Read for Drip<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let one = buffer.len().min(1);
                self.0.read(&mut buffer[..one])
            }
        }
        let mut sniffer = Sniffer::new();
        octets.iter().for_each(|octet| sniffer.push(&[*octet]));
        let dialect = sniffer.finish();
        let mut reader = TableReader::new("t.csv", Drip(octets), &dialect);
        let (mut row, mut rows) = (Row::default(), Vec::new());
        while reader.next_row(&mut row).expect("readable") {
            let cells = row.cells.iter().map(str::to_owned).collect();
            rows.push((row.line, cells, row.faults.iter().map(|f| (f.line, f.cell, f.kind)).collect()));
        }
        rows
    }

    fn lines(octets: &[u8]) -> Vec<u64> {
        rows(octets).into_iter().map(|(line, _, _)| line).collect()
    }

    #[test]
    fn lines_are_those_of_the_editor() {
        assert_eq!(lines(b"a,b\r\n\r\n1,2\r\n\r\n\r\n3,4"), [1, 3, 6]);
        assert_eq!(lines(b"a,b\r\r1,2\r3,4\r"), [1, 3, 4]);
        assert_eq!(lines(b"\n\na,b\n\"1\r\n\r\n2\",x\n3,4\n"), [3, 4, 7]);
        assert_eq!(lines(b"a,b\n1,2\r3,4\r\n5,6\n\r7,8"), [1, 2, 3, 4, 6]);
        assert_eq!(lines(b"sep=;\r\na;b\r\n1;2\r\n"), [2, 3]);
    }

    #[test]
    fn a_quote_left_open_is_named_where_it_opens() {
        let small = rows(b"a,b\n1,2\n3,\"4\n5,6\n7,8\n");
        assert_eq!(small.len(), 3);
        assert_eq!(small[2].2, [(3, 2, FaultKind::OpenQuote)]);
        let long = format!("a,b\n1,\"{}", "2,3\n".repeat(MAX_CELL_OCTETS));
        assert_eq!(rows(long.as_bytes())[1].2, [(2, 2, FaultKind::OpenQuote)]);
        let mut reader = TableReader::new("t.csv", &b"a,b\n3,\"4\n5,6\n7,8\n"[..], &Sniffer::new().finish());
        let mut row = Row::default();
        assert!(reader.next_row(&mut row).expect("readable") && reader.next_row(&mut row).expect("readable"));
        assert_eq!(
            row.problem(row.faults[0], "t.csv", "b").to_string(),
            "t.csv:2:2: cell `b` opens a quote that is never closed, so lines 2 to 4 were not read; close it, or write \
             it twice where it belongs to the text"
        );
    }

    #[test]
    fn quotes_in_the_wrong_place_are_named() {
        assert_eq!(rows(b"a,b\n\"x\"y,2\n")[1].2, [(2, 1, FaultKind::TextAfterQuote)]);
        assert_eq!(rows(b"a,b\n1, \"y\"\n")[1].2, [(2, 2, FaultKind::BlankBeforeQuote)]);
        assert_eq!(rows(b"a,b\n\"1\n2\"x,3\n")[1].2, [(3, 1, FaultKind::TextAfterQuote)]);
        assert_eq!(rows(b"a,b\nHotel \"Sacher\",\"say \"\"yes\"\"\"\n")[1].2, []);
        assert_eq!(rows(b"a,b\nHotel \"Sacher\",\"say \"\"yes\"\"\"\n")[1].1, ["Hotel \"Sacher\"", "say \"yes\""]);
    }

    #[test]
    fn a_cell_without_end_costs_its_row_only() {
        let long = "é".repeat(MAX_CELL_OCTETS);
        for cell in [long.clone(), format!("\"{long}\""), format!("\"{}\"", "\"\"".repeat(MAX_CELL_OCTETS))] {
            let rows = rows(format!("a,b\n1,{cell}\n2,3\n").as_bytes());
            assert_eq!(rows[1].2, [(2, 2, FaultKind::LongCell)]);
            assert_eq!((rows[2].0, rows[2].1.join(",")), (3, "2,3".to_owned()));
        }
        let rows = rows(format!("a,b\n{}\n2,3\n", "x,".repeat(1_000_000)).as_bytes());
        assert_eq!(rows[1].2, [(2, 0, FaultKind::LongRow)]);
        assert_eq!(rows[2].1, ["2", "3"]);
    }

    #[test]
    fn a_row_of_another_encoding_is_named() {
        let rows = rows(b"a,b\n1,Cor\xe9e\n2,S\xe9n\xe9gal\n3,Per\xc3\xba\n");
        assert_eq!(rows[2].2, []);
        assert_eq!(rows[3].2, [(4, 2, FaultKind::Misread)]);
    }
}
