//! How a letter uses the row: which cells it prints, and which decide what it says.
//!
//! What: [`Cells`], gathered from the parsed templates, and [`Shape`], which rows of one letter share when they differ only
//! in what is printed: then the letter is cast once with holes ([`super::cast`]) and filled for each of them.
//! Not here: rendering. Called by: `check`, `library`, `compose`. Can fail: nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::forms::{self, Forms};
use super::markdown::plain_cell;
use super::pieces::{Family, hole};
use super::render::one_line;
use crate::people::Part;

/// Columns by what templates want them for; one may stand in several sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// `{{name}}`.
    pub(super) printed: BTreeSet<String>,
    /// Arguments: `(eq name "x")`.
    pub(super) compared: BTreeSet<String>,
    /// `{{#if name}}`.
    pub(super) present: BTreeSet<String>,
    /// `{{salutation}}` and its like.
    pub(super) forms: BTreeSet<Part>,
}

impl Cells {
    pub(super) fn add(&mut self, other: &Self) {
        self.printed.extend(other.printed.iter().cloned());
        self.compared.extend(other.compared.iter().cloned());
        self.present.extend(other.present.iter().cloned());
        self.forms.extend(other.forms.iter().copied());
    }

    /// The columns that are printed and decide nothing by their value.
    fn holes(&self) -> impl Iterator<Item = &str> {
        self.printed.iter().map(String::as_str).filter(|name| !self.compared.contains(*name))
    }

    /// What a row has in common with others of the letter `name`; `None` where a printed cell has nothing to print.
    pub(super) fn shape<'c>(
        &self,
        name: &str,
        cells: &'c BTreeMap<String, String>,
        forms: &'c Forms,
    ) -> Option<Shape<'c>> {
        let mut key = String::with_capacity(64);
        key.push_str(name);
        for column in &self.compared {
            // A cell has no NUL: the import refuses or drops controls.
            key.push('\0');
            match cells.get(column) {
                Some(cell) => key.extend(["=", cell.as_str()]),
                None => key.push('-'),
            }
        }
        key.push('\0');
        for column in self.present.iter().filter(|name| !self.compared.contains(*name)) {
            key.push(match cells.get(column) {
                Some(cell) if cell.is_empty() => '0',
                Some(_) => '1',
                None => '-',
            });
        }
        let mut values = Vec::new();
        for column in self.holes() {
            match cells.get(column) {
                Some(cell) => {
                    if plain_cell(cell).is_empty() || one_line(cell).is_empty() || cell.contains(char::is_control) {
                        return None;
                    }
                    key.push('1');
                    values.push(Cow::Borrowed(cell.as_str()));
                }
                None => {
                    key.push('-');
                    values.push(Cow::Borrowed(""));
                }
            }
        }
        for (_, lines) in &forms.0 {
            // Envelopes have more lines or fewer.
            key.push('\0');
            for line in lines {
                if plain_cell(line).is_empty() || line.contains(char::is_control) {
                    return None;
                }
                key.push('1');
                values.push(Cow::Borrowed(line.as_str()));
            }
        }
        Some(Shape { key, values })
    }

    /// The cells of a row with a hole in the place of each that is only printed.
    pub(super) fn with_holes(
        &self,
        cells: &BTreeMap<String, String>,
        forms: &Forms,
        family: Family,
    ) -> BTreeMap<String, String> {
        let mut holed = cells.clone();
        let mut number = 0;
        for column in self.holes() {
            if let Some(cell) = holed.get_mut(column) {
                *cell = hole(family, number);
            }
            number += 1;
        }
        for (part, lines) in &forms.0 {
            let holes: Vec<String> = (number..).zip(lines).map(|(number, _)| hole(family, number)).collect();
            number += u32::try_from(lines.len()).unwrap_or(u32::MAX);
            holed.insert(forms::key(*part).to_owned(), holes.join("\n"));
        }
        holed
    }
}

/// Rows with equal keys get the same letter but for the values.
#[derive(Clone, Debug)]
pub(super) struct Shape<'c> {
    pub(super) key: String,
    /// What fills the holes, by their number.
    pub(super) values: Vec<Cow<'c, str>>,
}
