//! A list of recipients as people who can be written to.
//!
//! What: [`Import`], an iterator over a [`RowSource`] that gives each row as [`Recipient`]s or as [`Problem`]s; the
//! standard columns and the mapping of others to them ([`ColumnMap`]).
//! Not here: delimiters, quotes and encodings (`table`), spreadsheets (`workbook`), duplicates across rows and lists (the
//! journal finds them by `AddrSpec::key`).
//! Called by: `command`, once for each list. Can fail: faults of the header stop the list before its first row, all at
//! once; a fault of a row costs that row and is handed out in its place.

mod columns;
#[cfg(test)]
mod laws;
mod person;

use std::collections::{BTreeMap, VecDeque};

use super::problem::{Place, Problem, quoted};
use super::sessions::{self, Cell};
use super::table::{Row, RowSource};
use crate::mail::AddrSpec;
use crate::people::{Kind, Language};
use columns::Columns;
pub use columns::{ColumnMap, STANDARD_COLUMNS};
use person::Reading;

/// What holds for rows that do not say it themselves.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The kind of rows without one; `None` where each row has to say it.
    pub kind: Option<Kind>,
    /// The language of rows without one.
    pub language: Language,
    /// Columns whose cells may hold line breaks.
    pub multiline: Vec<String>,
}

/// One mailbox that gets a message of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where the message goes.
    pub address: AddrSpec,
    /// Whom it stands for; several mailboxes may stand for one entity.
    pub entity: String,
    /// What the entity is.
    pub kind: Kind,
    /// What it reads.
    pub language: Language,
    /// To which sessions it is invited; `None` where the event has none.
    pub sessions: Option<Cell>,
    /// Every column that is not empty, by its name in templates, trimmed and in NFC. `email` is [`Self::address`]; `cc` is
    /// left out, for the two mailboxes of a row are not told of each other.
    pub cells: BTreeMap<String, String>,
    /// The row, and the cell with the address.
    pub place: Place,
}

/// What a list gives, one after the other. A row gives recipients or refusals, never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Somebody to invite.
    Recipient(Recipient),
    /// A fault of a row, which therefore invites nobody; a row may have several.
    Refused(Problem),
}

/// Reads a list, row by row, in constant memory.
pub struct Import<S> {
    source: S,
    columns: Columns,
    defaults: Defaults,
    row: Row,
    /// The first row under the header, read along with it.
    is_row_read: bool,
    items: VecDeque<Item>,
    has_ended: bool,
}

impl<S: RowSource> Import<S> {
    /// Reads the header.
    ///
    /// # Errors
    /// Every fault of the header.
    pub fn new(mut source: S, map: &ColumnMap, defaults: Defaults) -> Result<Self, Vec<Problem>> {
        let mut row = Row::default();
        loop {
            match source.next_row(&mut row) {
                Ok(true) if row.is_blank() => {}
                Ok(true) => break,
                Ok(false) => {
                    let cure = "put a line of headings at its top, such as `email,entity,kind,language`";
                    return Err(vec![Problem::new(Place::file(source.file()), "file has no header row", cure)]);
                }
                Err(problem) => return Err(vec![problem]),
            }
        }
        let mut problems = Vec::new();
        let columns = Columns::read(&row, source.file(), map, &defaults.multiline, &mut problems);
        let header_line = row.line;
        let is_row_read = source.next_row(&mut row).unwrap_or_else(|problem| {
            problems.push(problem);
            false
        });
        if let Some(columns) = &columns {
            faults_of_all_rows(
                columns,
                is_row_read.then_some(&row),
                header_line,
                source.file(),
                &defaults,
                &mut problems,
            );
        }
        problems.sort();
        let Some(columns) = columns.filter(|_| problems.is_empty()) else { return Err(problems) };
        Ok(Self { source, columns, defaults, row, is_row_read, items: VecDeque::new(), has_ended: !is_row_read })
    }

    /// The columns by their names in templates, without `cc`, which no message prints.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.named.iter().map(|column| column.name.as_str()).filter(|name| *name != "cc")
    }

    /// What to tell the user of the header, a phrase each; nothing where every column is used.
    pub fn remarks(&self) -> Vec<String> {
        let unused = self.columns.unused.iter();
        let unused =
            unused.map(|heading| format!("column {} is not used: another is mapped to its name", quoted(heading)));
        let tells_nobody_apart = !self.columns.sessions.is_empty() && self.columns.cell_of(sessions::COLUMN) == 0;
        let all = "no column `sessions`: everybody on it is invited to every session".to_owned();
        unused.chain(tells_nobody_apart.then_some(all)).collect()
    }

    fn read_row(&mut self) {
        if !std::mem::take(&mut self.is_row_read) {
            match self.source.next_row(&mut self.row) {
                Ok(true) => {}
                Ok(false) => {
                    self.has_ended = true;
                    return;
                }
                Err(problem) => {
                    self.has_ended = true;
                    self.items.push_back(Item::Refused(problem));
                    return;
                }
            }
        }
        if self.row.is_blank() {
            return;
        }
        let reading = Reading {
            row: &self.row,
            file: self.source.file(),
            delimiter: self.source.delimiter(),
            columns: &self.columns,
            defaults: &self.defaults,
        };
        reading.read(|item| self.items.push_back(item));
    }
}

impl<S: RowSource> Iterator for Import<S> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        while self.items.is_empty() && !self.has_ended {
            self.read_row();
        }
        self.items.pop_front()
    }
}

/// Faults that every row would have, said once of the header: values under an empty heading, as the first row has them;
/// no column for what has no default.
fn faults_of_all_rows(
    columns: &Columns,
    first_row: Option<&Row>,
    header_line: u64,
    file: &str,
    defaults: &Defaults,
    problems: &mut Vec<Problem>,
) {
    let place = |cell: u64| Place::new(file, header_line, cell);
    for &index in &columns.headless {
        let cell = first_row.filter(|row| row.faults.is_empty()).and_then(|row| row.cells.get(index));
        if cell.is_some_and(|cell| !cell.trim().is_empty()) {
            let fault = format!("column {} has values, but no heading", index + 1);
            problems.push(Problem::new(place(index as u64 + 1), fault, "write a heading or empty the column"));
        }
    }
    let has_no_kind = columns.cell_of("kind") == 0;
    if has_no_kind && defaults.kind.is_none() {
        let cure = format!("add it, with one of {} in each row", Kind::ALL.map(Kind::as_str).join(", "));
        problems.push(Problem::new(place(0), "no column `kind`", cure));
    }
    if columns.cell_of("entity") == 0 && has_no_kind && defaults.kind.is_some_and(|kind| kind != Kind::Individual) {
        let cure = "add it, or name the column that has them in `[recipients.columns]`";
        problems.push(Problem::new(place(0), "no column `entity`", cure));
    }
}
