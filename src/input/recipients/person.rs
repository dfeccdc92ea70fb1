//! One row of a list of recipients: whom it invites, or everything that is wrong with it.
//!
//! What: [`Reading`], which turns a [`Row`] into one or two [`Recipient`]s or into [`Problem`]s, never both.
//! Not here: the header (`columns`), two rows with one address (the journal finds them by `AddrSpec::key`).
//! Called by: `Import`. Can fail: each fault becomes a problem with its cell and a cure.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::columns::{Column, Columns};
use super::{Defaults, Item, Recipient};
use crate::input::problem::{Place, Problem, quoted};
use crate::input::sessions::{self, Cell};
use crate::input::table::{Fault, FaultKind, Row, fault_in};
use crate::input::toml_reader::nearest;
use crate::mail::{AddrSpec, AddrSpecError};
use crate::people::{Excellency, Honorific, Kind, Language, Rank, Sex};

/// One row while it is read.
pub(super) struct Reading<'r> {
    pub(super) row: &'r Row,
    pub(super) file: &'r str,
    pub(super) delimiter: Option<char>,
    pub(super) columns: &'r Columns,
    pub(super) defaults: &'r Defaults,
}

/// Cells by name, the empty ones left out.
type Cells = BTreeMap<String, String>;

impl Reading<'_> {
    /// Hands over what the row gives, in the order of its cells.
    pub(super) fn read(&self, mut give: impl FnMut(Item)) {
        let structure = self.structure();
        if !structure.is_empty() {
            // The cells may not be what they seem; to judge them would bury the fault under its consequences.
            structure.into_iter().for_each(|problem| give(Item::Refused(problem)));
            return;
        }
        let mut problems = Vec::new();
        match self.recipients(&mut problems) {
            Some((first, second)) if problems.is_empty() => {
                give(Item::Recipient(first));
                second.into_iter().for_each(|second| give(Item::Recipient(second)));
            }
            _ => {
                problems.sort();
                problems.into_iter().for_each(|problem| give(Item::Refused(problem)));
            }
        }
    }

    /// Faults of the row as a row.
    fn structure(&self) -> Vec<Problem> {
        let (row, columns) = (self.row, self.columns);
        if !row.faults.is_empty() {
            return row.faults.iter().map(|&fault| self.fault(fault)).collect();
        }
        let has_text = |index: &usize| row.cells.get(*index).is_some_and(|cell| !cell.trim().is_empty());
        let cells = row.cells.len();
        // Beyond the header empty cells are what a spreadsheet leaves of columns once used.
        if let Some(first) = (columns.width..cells).find(has_text) {
            let last = (first..cells).rfind(has_text).unwrap_or(first);
            let kind = match self.delimiter {
                Some(_) => FaultKind::TooManyCells { cells: last + 1, header: columns.width },
                None => FaultKind::Headless,
            };
            return vec![self.fault(Fault { line: row.line, cell: first as u64 + 1, kind })];
        }
        if cells < columns.least_width() {
            let kind = FaultKind::TooFewCells { cells, header: columns.width };
            return vec![self.fault(Fault { line: row.line, cell: 0, kind })];
        }
        let headless = columns.headless.iter().copied().filter(has_text);
        headless
            .map(|index| self.fault(Fault { line: row.line, cell: index as u64 + 1, kind: FaultKind::Headless }))
            .collect()
    }

    fn recipients(&self, problems: &mut Vec<Problem>) -> Option<(Recipient, Option<Recipient>)> {
        let mut cells = Cells::new();
        for column in &self.columns.named {
            let text = self.row.cells.get(column.index).unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            if let Some(kind) = fault_in(text, column.is_multiline).or_else(|| self.swallowed(text, column)) {
                let cell = column.index as u64 + 1;
                problems.push(self.fault(Fault { line: self.row.line, cell, kind }));
            }
            cells.insert(column.name.clone(), normal_form(text));
        }
        // Cells reported so far are left out of what follows, so that none is reported twice.
        let reported: Vec<u64> = problems.iter().map(|problem| problem.place.column).collect();
        let is_sound = |name: &str| reported.is_empty() || !reported.contains(&self.columns.cell_of(name));

        let address = if is_sound("email") { self.address(&cells, problems) } else { None };
        let copy = if is_sound("cc") { self.copy(&mut cells, problems) } else { None };
        let kind = if is_sound("kind") { self.kind(&cells, problems) } else { None };
        let language = if is_sound("language") { self.language(&cells, problems) } else { None };
        // The honorific alone contradicts nothing.
        let says_more = ["rank", "sex"].into_iter().any(|name| cells.contains_key(name));
        if says_more && ["rank", "sex", "honorific"].into_iter().all(is_sound) {
            self.form_of_address(&cells, problems);
        }
        let invited = if is_sound(sessions::COLUMN) { self.sessions(&mut cells, problems) } else { None };
        let entity = cells.get("entity").cloned();
        if entity.is_none() && kind.is_some_and(|kind| kind != Kind::Individual) {
            let cure = "write whom the address stands for, or the kind `individual`";
            problems.push(self.problem("entity", "row names no entity", cure));
        }
        let (address, kind, language) = (address?, kind?, language?);
        let entity = entity.unwrap_or_else(|| own_name(&cells, &address));
        cells.insert("email".to_owned(), address.to_string());
        let first = Recipient { place: self.place("email"), address, entity, kind, language, sessions: invited, cells };
        let second = copy.filter(|copy| copy.key() != first.address.key()).map(|copy| {
            let mut cells = first.cells.clone();
            cells.insert("email".to_owned(), copy.to_string());
            Recipient { place: self.place("cc"), address: copy, cells, ..first.clone() }
        });
        Some((first, second))
    }

    /// A quote that was never meant to open takes the next rows into a cell that may have several lines. A line of it
    /// with an address just where this table has its addresses is a row, and somebody who would not be invited.
    fn swallowed(&self, text: &str, column: &Column) -> Option<FaultKind> {
        let delimiter = self.delimiter?;
        if !column.is_multiline || !text.contains(['\n', '\r']) {
            return None;
        }
        let email = self.columns.named.iter().find(|column| column.name == "email")?;
        let has_address = |line: &str| {
            let mut cells = line.split(delimiter);
            let address = cells.nth(email.index).map(|cell| cell.trim().trim_matches('"'));
            line.contains(delimiter) && address.is_some_and(|address| AddrSpec::parse(address).is_ok())
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let at = text.split('\n').skip(1).position(has_address)?;
        Some(FaultKind::Swallowed(self.row.line + at as u64 + 1))
    }

    fn address(&self, cells: &Cells, problems: &mut Vec<Problem>) -> Option<AddrSpec> {
        let text = cells.get("email").map_or("", String::as_str);
        AddrSpec::parse(text).map_err(|error| problems.push(self.address_problem("email", text, error))).ok()
    }

    /// The second mailbox. Its column is taken out of the cells: neither of the two is to read the other's address in a
    /// letter whose template prints `cc`.
    fn copy(&self, cells: &mut Cells, problems: &mut Vec<Problem>) -> Option<AddrSpec> {
        let text = cells.remove("cc")?;
        AddrSpec::parse(&text).map_err(|error| problems.push(self.address_problem("cc", &text, error))).ok()
    }

    fn address_problem(&self, name: &str, text: &str, error: AddrSpecError) -> Problem {
        if error == AddrSpecError::Empty {
            return self.problem(name, "row has no address", "write one, or remove the row");
        }
        let words = error.to_string();
        let fault = match words.strip_prefix("the address ") {
            Some(predicate) => format!("address {} {predicate}", quoted(text)),
            None => format!("address {}: {words}", quoted(text)),
        };
        self.problem(name, fault, error.cure())
    }

    fn kind(&self, cells: &Cells, problems: &mut Vec<Problem>) -> Option<Kind> {
        let known = || Kind::ALL.map(Kind::as_str).join(", ");
        match cells.get("kind") {
            Some(word) => {
                let kind = Kind::parse(word);
                if kind.is_none() {
                    let fault = format!("kind {} is not known", quoted(word));
                    problems.push(self.problem("kind", fault, format!("write one of {}", known())));
                }
                kind
            }
            None => {
                if self.defaults.kind.is_none() {
                    problems.push(self.problem("kind", "row has no kind", format!("write one of {}", known())));
                }
                self.defaults.kind
            }
        }
    }

    /// To which sessions it is invited; the cell then has their ids in order. A list without the column tells nobody apart.
    fn sessions(&self, cells: &mut Cells, problems: &mut Vec<Problem>) -> Option<Cell> {
        let ids = &self.columns.sessions;
        if ids.is_empty() {
            return None;
        }
        if self.columns.cell_of(sessions::COLUMN) == 0 {
            return Some(Cell::All);
        }
        match Cell::parse(cells.get(sessions::COLUMN).map_or("", String::as_str), ids) {
            Ok(cell) => {
                cells.insert(sessions::COLUMN.to_owned(), cell.in_words());
                Some(cell)
            }
            Err((fault, cure)) => {
                problems.push(self.problem(sessions::COLUMN, fault, cure));
                None
            }
        }
    }

    fn language(&self, cells: &Cells, problems: &mut Vec<Problem>) -> Option<Language> {
        let Some(word) = cells.get("language") else { return Some(self.defaults.language.clone()) };
        let language = Language::parse(word);
        if language.is_none() {
            let cure = "write a tag such as `en`, `fr` or `pt-BR`";
            problems.push(self.problem("language", format!("{} is no language", quoted(word)), cure));
        }
        language
    }

    /// Rank, sex and honorific, each by itself and against the others.
    fn form_of_address(&self, cells: &Cells, problems: &mut Vec<Problem>) {
        let cell = |name: &str| cells.get(name).map_or("", String::as_str);
        let honorific = Honorific::read(cell("honorific"));
        match Sex::parse(cell("sex")) {
            None => {
                let fault = format!("sex {} is not known", quoted(cell("sex")));
                problems.push(self.problem("sex", fault, "write `f` or `m`, or leave the cell empty"));
            }
            Some(Sex::Unsaid) => {}
            Some(sex) => {
                if honorific.sex != Sex::Unsaid && honorific.sex != sex {
                    let (sex, honorific) = (quoted(cell("sex")), quoted(cell("honorific")));
                    let fault = format!("sex {sex} and honorific {honorific} contradict each other");
                    problems.push(self.problem("sex", fault, "mend one of them"));
                }
            }
        }
        let Some(rank) = Rank::parse(cell("rank")) else {
            let word = cell("rank").to_lowercase();
            let cure = match nearest(&word, Rank::words()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("write one of {}; or leave the cell empty", Rank::names().collect::<Vec<_>>().join(", "))
                }
            };
            problems.push(self.problem("rank", format!("rank {} is not known", quoted(cell("rank"))), cure));
            return;
        };
        if rank.is_vacant() {
            let name = [cell("given"), cell("family")].into_iter().find(|name| !name.is_empty());
            if let Some(name) = name {
                let fault = format!(
                    "rank {} says that the post is empty, and the row names {}",
                    quoted(cell("rank")),
                    quoted(name)
                );
                problems.push(self.problem("rank", fault, "write the person's rank, or take the name out"));
            }
        } else if honorific.is_excellency && rank.excellency == Excellency::No {
            let fault = format!("honorific {} is not due to the rank `{}`", quoted(cell("honorific")), rank.name);
            let cure = "write `Ms.` or `Mr.`; for an ambassador write that rank";
            problems.push(self.problem("honorific", fault, cure));
        }
    }

    fn place(&self, column: &str) -> Place {
        Place::new(self.file, self.row.line, self.columns.cell_of(column))
    }

    fn problem(&self, column: &str, fault: impl Into<String>, cure: impl Into<String>) -> Problem {
        Problem::new(self.place(column), fault, cure)
    }

    fn fault(&self, fault: Fault) -> Problem {
        self.row.problem(fault, self.file, self.columns.name_of(fault.cell))
    }
}

/// What an individual goes by: their own names, else their address.
fn own_name(cells: &Cells, address: &AddrSpec) -> String {
    let names: Vec<&str> = ["given", "family"].iter().filter_map(|name| cells.get(*name)).map(String::as_str).collect();
    if names.is_empty() { address.to_string() } else { names.join(" ") }
}

/// NFC with LF for every line end, so that equal texts are equal.
fn normal_form(text: &str) -> String {
    if text.is_ascii() && !text.contains('\r') {
        return text.to_owned();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").nfc().collect()
}
