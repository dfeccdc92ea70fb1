//! A list of addresses that must not be written to: one a line, or a CSV with an `email` column.
//!
//! What: [`SuppressionList`], which gives an [`Entry`] or a [`Problem`] for each row and holds one row at a time.
//! An entry is an address, `h:` and the keyed hash that this program writes, or `sha256:` and 64 digits: the SHA-256 of the
//! address in lower case, as other programs exchange such lists. Lines that begin with `#` are remarks.
//! Not here: opening files (`command`), keeping the list (`io::store`). Called by: `command::suppress`, `command::plan`.
//! Can fail: row by row, with all faults; a row that cannot be read suppresses nobody and is never passed over.

use std::io::{self, BufRead};

use csv::StringRecord;

use super::problem::{Place, Problem, quoted};
use crate::mail::AddrSpec;

/// Headings under which addresses stand.
const HEADINGS: [&str; 4] = ["email", "e-mail", "email address", "address"];

/// Whom a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A mailbox.
    Address(AddrSpec),
    /// `h:…` or `sha256:…`: a mailbox that only somebody who has its address recognises.
    Hash(String),
}

impl Entry {
    /// Reads one cell.
    ///
    /// # Errors
    /// What is wrong with it and what to write, in words.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        if let Some(digits) = lower.strip_prefix("sha256:") {
            if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Ok(Self::Hash(lower));
            }
            let fault = format!("{} is no SHA-256", quoted(text));
            return Err((fault, "write `sha256:` and 64 hexadecimal digits".to_owned()));
        }
        if let Some(token) = lower.strip_prefix("h:") {
            if token.len() == 26 && token.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')) {
                return Ok(Self::Hash(lower));
            }
            let fault = format!("{} is no keyed hash", quoted(text));
            return Err((fault, "copy it as `convoke suppress --list` shows it".to_owned()));
        }
        AddrSpec::parse(text)
            .map(Self::Address)
            .map_err(|error| (format!("{error} in {}", quoted(text)), error.cure().to_owned()))
    }
}

/// The rows of a list, one at a time.
pub struct SuppressionList<R> {
    name: String,
    rows: csv::Reader<R>,
    record: StringRecord,
    column: Option<usize>,
}

impl<R: BufRead> SuppressionList<R> {
    /// Begins to read; `name` is what problems call the file.
    ///
    /// # Errors
    /// The first octets cannot be read.
    pub fn new(name: &str, mut text: R) -> io::Result<Self> {
        let buffer = text.fill_buf()?;
        let first = buffer.split(|b| *b == b'\n').next().unwrap_or_default();
        let delimiter = [b';', b'\t'].into_iter().find(|d| first.contains(d)).unwrap_or(b',');
        let rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .from_reader(text);
        Ok(Self { name: name.to_owned(), rows, record: StringRecord::new(), column: None })
    }
}

impl<R: BufRead> Iterator for SuppressionList<R> {
    type Item = Result<Entry, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.rows.read_record(&mut self.record) {
                Ok(true) => {
                    if self.record.iter().any(|cell| cell.contains(['\n', '\r'])) {
                        // A quote that was not closed takes the next rows into its cell, and nobody would be told.
                        let line = self.record.position().map_or(0, csv::Position::line);
                        return Some(Err(Problem::new(
                            Place::new(&self.name, line, 0),
                            "a cell goes on over the end of its line",
                            "close the quote, or take the line break out",
                        )));
                    }
                }
                Ok(false) => return None,
                Err(error) => {
                    let place = Place::new(&self.name, error.position().map_or(0, csv::Position::line), 0);
                    return Some(Err(Problem::new(
                        place,
                        format!("the row cannot be read: {error}"),
                        "save it as UTF-8",
                    )));
                }
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            let column = match self.column {
                Some(column) => column,
                None => {
                    let is_heading = |cell: &str| HEADINGS.contains(&cell.to_lowercase().as_str());
                    let found = self.record.iter().position(is_heading);
                    self.column = Some(found.unwrap_or(0));
                    match found {
                        Some(_) => continue,
                        None => 0,
                    }
                }
            };
            let cell = self.record.get(column).unwrap_or_default();
            if cell.is_empty() && self.record.iter().all(str::is_empty) {
                continue;
            }
            let place = Place::new(&self.name, line, column as u64 + 1);
            return Some(Entry::parse(cell).map_err(|(fault, cure)| Problem::new(place, fault, cure)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, SuppressionList};

    fn read(text: &str) -> Vec<String> {
        let list = SuppressionList::new("suppressed.txt", text.as_bytes()).expect("octets in memory");
        list.map(|item| match item {
            Ok(Entry::Address(address)) => address.to_string(),
            Ok(Entry::Hash(hash)) => hash,
            Err(problem) => problem.to_string(),
        })
        .collect()
    }

    #[test]
    fn one_a_line_or_a_table_gives_the_same() {
        let wanted = ["ana@x.example", "Eva@y.example"];
        assert_eq!(read("ana@x.example\nEva@Y.example\n"), wanted);
        assert_eq!(read("\u{feff}# who asked us to stop\nana@x.example\r\n\r\n  Eva@y.example"), wanted);
        assert_eq!(read("name,email\nAna,ana@x.example\nEva,Eva@y.example\n"), wanted);
        assert_eq!(read("Name;E-Mail\n\"Ana; of X\";ana@x.example\nEva;Eva@y.example\n"), wanted);
    }

    #[test]
    fn hashes_of_this_program_and_of_others_are_entries() {
        let (sha, own) = (format!("sha256:{}", "0A".repeat(32)), format!("h:{}", "a7".repeat(13)));
        assert_eq!(read(&format!("{sha}\n{own}\n")), [sha.to_lowercase(), own]);
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_with_its_place() {
        let all = read("email,why\nana@x.example,\nana@,\nsha256:12,\n,gone\n");
        assert_eq!(all.len(), 4, "{all:?}");
        assert!(all[1].starts_with("suppressed.txt:3:1: the address has no domain in `ana@`"), "{all:?}");
        assert!(all[2].starts_with("suppressed.txt:4:1: `sha256:12` is no SHA-256"), "{all:?}");
        assert!(all[3].starts_with("suppressed.txt:5:1: the address is empty"), "{all:?}");
        assert!(read("\u{0}\n")[0].starts_with("suppressed.txt:1:1:"));
    }

    #[test]
    fn octets_that_are_no_utf_8_are_a_problem() {
        let list = SuppressionList::new("s.csv", &b"ana@x.example\n\xe9va@x.example\n"[..]).expect("octets in memory");
        assert_eq!(list.map(|item| item.is_ok()).collect::<Vec<_>>(), [true, false]);
    }
}
