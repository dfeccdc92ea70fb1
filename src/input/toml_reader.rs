//! Reads a TOML document key by key and remembers every fault with its place.
//!
//! What: [`TomlReader`], a cursor on one table that knows which keys were asked for, so that the rest are unknown.
//! Standard: TOML 1.1. Not here: what the keys mean (`event_file`, the front matter of templates).
//! Called by: `event_file`, `message::template`. Can fail: never; faults are collected as [`Problem`]s.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use super::problem::{Place, Problem, quoted};

/// Where each line of a text begins, to turn octet offsets into lines and columns.
#[derive(Debug)]
pub struct LineStarts<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> LineStarts<'t> {
    /// Scans the text once.
    pub fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { text, starts }
    }

    /// Line and column, both from 1; the column counts characters.
    pub fn locate(&self, offset: usize) -> (u64, u64) {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts[line - 1];
        let column = self.text.get(start..offset).map_or(0, |s| s.chars().count());
        (line as u64, column as u64 + 1)
    }
}

struct Shared<'t> {
    file: String,
    first_line: u64,
    lines: LineStarts<'t>,
    problems: RefCell<Vec<Problem>>,
}

/// A parsed document with the faults found in it so far.
pub struct TomlDocument<'t> {
    root: DeTable<'t>,
    shared: Rc<Shared<'t>>,
}

impl<'t> TomlDocument<'t> {
    /// Parses; syntax faults are collected, what could be read stays readable. `first_line` is the line of the file at
    /// which the text begins, 1 for a whole file.
    pub fn parse(file: &str, text: &'t str, first_line: u64) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let shared = Shared {
            file: file.to_owned(),
            first_line,
            lines: LineStarts::new(text),
            problems: RefCell::new(Vec::new()),
        };
        let document = Self { root: root.into_inner(), shared: Rc::new(shared) };
        for error in errors {
            let fault = error.message().replace('\n', ", ");
            document.root_reader_place(error.span(), &fault);
        }
        document
    }

    fn root_reader_place(&self, span: Option<Range<usize>>, fault: &str) {
        let place = self.shared.place(span.unwrap_or(0..0));
        self.shared.problems.borrow_mut().push(Problem::new(
            place,
            fault,
            "see https://toml.io for how TOML is written",
        ));
    }

    /// The cursor on the top-level table.
    pub fn root(&self) -> TomlReader<'_, 't> {
        TomlReader {
            table: Some(&self.root),
            name: String::new(),
            span: 0..0,
            shared: Rc::clone(&self.shared),
            asked: RefCell::new(BTreeSet::new()),
        }
    }

    /// All faults, in the order of the file.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.shared.problems.borrow().clone();
        problems.sort();
        problems.dedup();
        problems
    }
}

impl Shared<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        let (line, column) = self.lines.locate(span.start);
        Place::new(&self.file, line + self.first_line - 1, column)
    }
}

/// A cursor on one table (an absent table reads as empty).
pub struct TomlReader<'d, 't> {
    table: Option<&'d DeTable<'t>>,
    name: String,
    span: Range<usize>,
    shared: Rc<Shared<'t>>,
    asked: RefCell<BTreeSet<String>>,
}

/// A value with the place where it stands.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<'d, 't> TomlReader<'d, 't> {
    /// Whether the table is there at all.
    pub fn exists(&self) -> bool {
        self.table.is_some()
    }

    /// Where the table begins.
    pub fn place(&self) -> Place {
        self.shared.place(self.span.clone())
    }

    /// Adds a fault.
    pub fn problem(&self, place: Place, fault: impl Into<String>, cure: impl Into<String>) {
        self.shared.problems.borrow_mut().push(Problem::new(place, fault, cure));
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table?.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'t>>, wanted: &str) {
        let fault = format!("`{}` is {}, not {wanted}", self.path(key), kind_of(value.get_ref()));
        self.problem(self.shared.place(value.span()), fault, format!("write {wanted}"));
    }

    fn found<T>(&self, value: T, span: Range<usize>) -> Found<T> {
        Found { value, place: self.shared.place(span) }
    }

    /// Counts a key as known without reading it.
    pub fn know(&self, key: &str) {
        self.asked.borrow_mut().insert(key.to_owned());
    }

    /// A string, where the key stands.
    pub fn string(&self, key: &str) -> Option<Found<String>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(self.found(text.to_string(), value.span())),
            _ => {
                self.wrong_type(key, value, "a text in quotes");
                None
            }
        }
    }

    /// A string that must be there and not blank; `cure` says what to write.
    pub fn required_string(&self, key: &str, cure: &str) -> Option<Found<String>> {
        if self.table.is_none_or(|t| !t.contains_key(key)) {
            self.get(key);
            self.missing(key, cure);
            return None;
        }
        let found = self.string(key)?;
        if found.value.trim().is_empty() {
            self.problem(found.place, format!("`{}` is empty", self.path(key)), cure);
            return None;
        }
        Some(found)
    }

    /// Says that a key is missing.
    pub fn missing(&self, key: &str, cure: &str) {
        self.problem(self.place(), format!("`{}` is missing", self.path(key)), cure);
    }

    /// A whole number in a range.
    pub fn integer(&self, key: &str, range: std::ops::RangeInclusive<i64>) -> Option<Found<i64>> {
        let value = self.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
            Ok(n) if range.contains(&n) => Some(self.found(n, value.span())),
            _ => {
                let cure = format!("write a number from {} to {}", range.start(), range.end());
                let fault = format!("`{}` is {}, which is out of range", self.path(key), number.as_str());
                self.problem(self.shared.place(value.span()), fault, cure);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(key, value, "`true` or `false`");
        }
        found
    }

    /// A date and time as TOML knows them.
    pub fn datetime(&self, key: &str) -> Option<Found<Datetime>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Datetime(time) => Some(self.found(*time, value.span())),
            _ => {
                self.wrong_type(key, value, "a local date and time such as 2027-06-24T15:00:00 without quotes");
                None
            }
        }
    }

    /// A list of strings; one string counts as a list of one.
    pub fn strings(&self, key: &str) -> Option<Vec<Found<String>>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(vec![self.found(text.to_string(), value.span())]),
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| match item.get_ref() {
                        DeValue::String(text) => Some(self.found(text.to_string(), item.span())),
                        _ => {
                            self.wrong_type(key, item, "a text in quotes");
                            None
                        }
                    })
                    .collect(),
            ),
            _ => {
                self.wrong_type(key, value, "a list of texts");
                None
            }
        }
    }

    /// The cursor on a table below; an absent one reads as empty.
    pub fn table(&self, key: &str) -> Self {
        let value = self.get(key);
        let table = match value.map(|v| (v, v.get_ref())) {
            Some((_, DeValue::Table(table))) => Some(table),
            Some((value, _)) => {
                self.wrong_type(key, value, "a table");
                None
            }
            None => None,
        };
        self.below(self.path(key), table, value.map_or_else(|| self.span.clone(), Spanned::span))
    }

    /// The cursors on an array of tables (`[[key]]`).
    pub fn tables(&self, key: &str) -> Vec<Self> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, &format!("a list of tables, each under `[[{}]]`", self.path(key)));
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| match item.get_ref() {
                DeValue::Table(table) => Some(self.below(self.path(key), Some(table), item.span())),
                _ => {
                    self.wrong_type(key, item, "a table");
                    None
                }
            })
            .collect()
    }

    fn below(&self, name: String, table: Option<&'d DeTable<'t>>, span: Range<usize>) -> Self {
        Self { table, name, span, shared: Rc::clone(&self.shared), asked: RefCell::new(BTreeSet::new()) }
    }

    /// Whether a key holds a table.
    pub fn is_table(&self, key: &str) -> bool {
        self.table.and_then(|t| t.get(key)).is_some_and(|v| v.get_ref().is_table())
    }

    /// Every key of this table with its place: for tables whose keys are the user's own.
    pub fn keys(&self) -> Vec<Found<String>> {
        let Some(table) = self.table else { return Vec::new() };
        table.keys().map(|key| self.found(key.get_ref().to_string(), key.span())).collect()
    }

    /// Reports each key that nobody asked for, with the nearest known one.
    pub fn finish(self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for key in table.keys().filter(|key| !asked.contains(key.get_ref().as_ref())) {
            let near = nearest(key.get_ref(), asked.iter().map(String::as_str));
            let cure = near.map_or_else(
                || format!("known here: {}", asked.iter().cloned().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let fault = format!("unknown key {}", quoted(&self.path(key.get_ref())));
            self.problem(self.shared.place(key.span()), fault, cure);
        }
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The candidate within two edits of a word (Levenshtein), the closest first.
pub fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    candidates.map(|c| (edits(word, c), c)).filter(|(d, _)| *d <= 2).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{TomlDocument, nearest};

    #[test]
    fn faults_are_collected_with_their_places() {
        let text = "a = 1\nbb = \"x\"\n[t]\nnum = \"two\"\nodd = 3\n";
        let document = TomlDocument::parse("f.toml", text, 1);
        let root = document.root();
        assert!(root.string("a").is_none());
        assert_eq!(root.string("bb").map(|f| f.value).as_deref(), Some("x"));
        let table = root.table("t");
        assert!(table.integer("num", 1..=5).is_none());
        table.finish();
        root.finish();
        let lines: Vec<String> = document.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "f.toml:1:5: `a` is a whole number, not a text in quotes; write a text in quotes",
                "f.toml:4:7: `t.num` is a text, not a whole number; write a whole number",
                "f.toml:5:1: unknown key `t.odd`; known here: num",
            ]
        );
    }

    #[test]
    fn finds_the_word_that_was_meant() {
        assert_eq!(nearest("tittle", ["title", "place"].into_iter()), Some("title"));
        assert_eq!(nearest("speed", ["title", "place"].into_iter()), None);
    }
}
