//! How a letter uses the row: which cells it prints, and which decide what it says.
//!
//! What: [`Cells`], gathered from the parsed templates, and [`Shape`], which rows of one letter share when they differ only
//! in what is printed: then the letter is cast once with holes ([`super::cast`]) and filled for each of them.
//! Not here: rendering. Called by: `check`, `library`, `compose`. Can fail: nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::markdown::plain_cell;
use super::pieces::{Family, hole};
use super::render::one_line;
use crate::people::{Language, Person, salutation};

/// The name under which the template's data holds the hole of `{{salutation}}`: no column can have it.
pub(super) const SALUTATION: &str = "\u{0}salutation";

/// Columns by what templates want them for; one may stand in several sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// `{{name}}`.
    pub(super) printed: BTreeSet<String>,
    /// Arguments: `(eq name "x")`.
    pub(super) compared: BTreeSet<String>,
    /// `{{#if name}}`.
    pub(super) present: BTreeSet<String>,
    /// `{{salutation}}`.
    pub(super) salutation: bool,
}

impl Cells {
    pub(super) fn add(&mut self, other: &Self) {
        self.printed.extend(other.printed.iter().cloned());
        self.compared.extend(other.compared.iter().cloned());
        self.present.extend(other.present.iter().cloned());
        self.salutation |= other.salutation;
    }

    /// The columns that are printed and decide nothing by their value.
    fn holes(&self) -> impl Iterator<Item = &str> {
        self.printed.iter().map(String::as_str).filter(|name| !self.compared.contains(*name))
    }

    /// What a row has in common with others of the letter `name`; `None` where a printed cell has nothing to print.
    pub(super) fn shape<'c>(
        &self,
        name: &str,
        language: &Language,
        cells: &'c BTreeMap<String, String>,
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
        if self.salutation {
            let cell = |name: &str| cells.get(name).map_or("", String::as_str);
            let person = Person {
                honorific: cell("honorific"),
                given: cell("given"),
                family: cell("family"),
                rank: cell("rank"),
            };
            let words = salutation(&person, language)?;
            if plain_cell(&words).is_empty() || words.contains(char::is_control) {
                return None;
            }
            values.push(Cow::Owned(words));
        }
        Some(Shape { key, values })
    }

    /// The cells of a row with a hole in the place of each that is only printed.
    pub(super) fn with_holes(&self, cells: &BTreeMap<String, String>, family: Family) -> BTreeMap<String, String> {
        let mut holed = cells.clone();
        let mut number = 0;
        for column in self.holes() {
            if let Some(cell) = holed.get_mut(column) {
                *cell = hole(family, number);
            }
            number += 1;
        }
        if self.salutation {
            holed.insert(SALUTATION.to_owned(), hole(family, number));
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
