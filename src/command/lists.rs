//! The lists of recipients: recognised, then streamed into the journal.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::exit::Stopped;
use crate::input::event_file::EventFile;
use crate::input::problem::{Place, Problem};
use crate::input::recipients::{ColumnMap, Defaults, Import, Item};
use crate::input::table::{Dialect, RowSource, Sniffer, TableReader};
use crate::input::workbook::Workbook;
use crate::io::files;
use crate::io::store::{ImportCounts, Importer};

use super::progress::Bar;

/// Refusals that are shown; the others are counted, so that a million bad rows take no memory.
const KEPT: usize = 1000;

/// One list, recognised.
pub(super) struct List {
    /// As the user named it.
    pub(super) name: String,
    /// SHA-256 of the file.
    pub(super) digest: String,
    /// What was found out about it, in words.
    pub(super) remarks: Vec<String>,
    path: PathBuf,
    octets: u64,
    dialect: Option<Dialect>,
}

/// What reading all rows gave.
#[derive(Default)]
pub(super) struct Reading {
    /// The first refusals.
    pub(super) refused: Vec<Problem>,
    /// Rows refused, of all lists.
    pub(super) refused_rows: u64,
    /// Rows taken.
    pub(super) taken: u64,
}

impl List {
    /// Recognises a list and reads its headings; gives the columns too.
    pub(super) fn open(name: &str, path: &Path, file: &EventFile) -> Result<(Self, BTreeSet<String>), Vec<Problem>> {
        let unreadable = |error: &dyn std::error::Error| {
            let cure = "check the name under `[recipients] files`, or the --recipients flag";
            vec![Problem::new(Place::file(name), crate::io::chain(error), cure)]
        };
        let is_workbook = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xlsx"));
        let mut sniffer = match &file.recipients.encoding {
            Some(encoding) => Sniffer::with_encoding(encoding).map_err(|e| unreadable(&e))?,
            None => Sniffer::new(),
        };
        let mut octets = 0;
        let digest = files::digest(path, |piece| {
            octets += piece.len() as u64;
            if !is_workbook {
                sniffer.push(piece);
            }
        })
        .map_err(|e| unreadable(&e))?;
        let dialect = (!is_workbook).then(|| sniffer.finish());
        let remarks = dialect.as_ref().map(Dialect::remarks).unwrap_or_default();
        let mut list = Self { name: name.to_owned(), digest, remarks, path: path.to_owned(), octets, dialect };
        let mut columns = BTreeSet::new();
        let mut remarks = Vec::new();
        list.with_rows(file, |head| {
            columns.extend(head.columns);
            remarks = head.remarks;
        })?;
        list.remarks.append(&mut remarks);
        Ok((list, columns))
    }

    /// Reads the head of the list and hands it out.
    fn with_rows(&self, file: &EventFile, take: impl FnOnce(Head)) -> Result<(), Vec<Problem>> {
        let opened = self.file()?;
        let (map, defaults) = rules(file);
        match &self.dialect {
            Some(dialect) => {
                let import = Import::new(TableReader::new(&self.name, opened, dialect), &map, defaults)?;
                take(Head::of(&import, Vec::new()));
            }
            None => {
                let mut workbook = Workbook::open(&self.name, BufReader::new(opened)).map_err(|p| vec![p])?;
                let remarks = workbook.remarks();
                let rows = workbook.rows().map_err(|p| vec![p])?;
                take(Head::of(&Import::new(rows, &map, defaults)?, remarks));
            }
        }
        Ok(())
    }

    fn file(&self) -> Result<File, Vec<Problem>> {
        File::open(&self.path).map_err(|e| vec![Problem::new(Place::file(&self.name), e.to_string(), "")])
    }

    async fn read_into(
        &self,
        file: &EventFile,
        importer: &mut Importer,
        keep_refused: bool,
        reading: &mut Reading,
        bar: &Bar,
    ) -> Result<(), Stopped> {
        let data = |problems| Stopped::Data(problems, 0);
        let opened = bar.reading(self.file().map_err(data)?);
        let (map, defaults) = rules(file);
        match &self.dialect {
            Some(dialect) => {
                let rows = TableReader::new(&self.name, opened, dialect);
                let import = Import::new(rows, &map, defaults).map_err(data)?;
                take_all(import, importer, keep_refused, reading).await
            }
            None => {
                let one = |p| data(vec![p]);
                let mut workbook = Workbook::open(&self.name, BufReader::new(opened)).map_err(one)?;
                let rows = workbook.rows().map_err(one)?;
                let import = Import::new(rows, &map, defaults).map_err(data)?;
                take_all(import, importer, keep_refused, reading).await
            }
        }
    }
}

struct Head {
    columns: Vec<String>,
    remarks: Vec<String>,
}

impl Head {
    fn of<S: RowSource>(import: &Import<S>, mut remarks: Vec<String>) -> Self {
        remarks.extend(import.remarks());
        Self { columns: import.column_names().map(str::to_owned).collect(), remarks }
    }
}

fn rules(file: &EventFile) -> (ColumnMap, Defaults) {
    let defaults = Defaults {
        kind: file.recipients.kind,
        language: file.languages.default.clone(),
        multiline: file.recipients.multiline.clone(),
    };
    (ColumnMap::new(file.recipients.columns.clone()).with_sessions(file.session_ids()), defaults)
}

async fn take_all<S: RowSource>(
    import: Import<S>,
    importer: &mut Importer,
    keep_refused: bool,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let mut last_refused = (String::new(), 0);
    for item in import {
        match item {
            Item::Recipient(recipient) => {
                reading.taken += 1;
                importer.add(&recipient).await?;
            }
            Item::Refused(problem) => {
                let row = (problem.place.file.clone(), problem.place.line);
                if row != last_refused {
                    reading.refused_rows += 1;
                    last_refused = row;
                }
                if keep_refused {
                    importer.leave_out(&problem).await?;
                }
                if reading.refused.len() < KEPT {
                    reading.refused.push(problem);
                }
            }
        }
    }
    Ok(())
}

/// Reads all rows of all lists into an open import. With `keep_refused` the refused rows are left out and remembered.
pub(super) async fn read_all(
    lists: &[List],
    file: &EventFile,
    importer: &mut Importer,
    keep_refused: bool,
) -> Result<Reading, Stopped> {
    let mut reading = Reading::default();
    let bar = Bar::octets("reading the lists", lists.iter().map(|l| l.octets).sum());
    for list in lists {
        list.read_into(file, importer, keep_refused, &mut reading, &bar).await?;
    }
    bar.finish();
    Ok(reading)
}

/// One line for each duplicate that says something of its own, and a count of the others.
pub(super) fn say_duplicates(counts: &ImportCounts) {
    for duplicate in counts.named_duplicates.iter().take(20) {
        let differs = if duplicate.differs { "; its other cells differ and are not used" } else { "" };
        eprintln!("{}: {} is {} again, merged{differs}", duplicate.place, duplicate.address, duplicate.first);
    }
    if counts.duplicates > 20 {
        eprintln!("… {} rows in all repeat an earlier mailbox and were merged", counts.duplicates);
    }
}
