//! The headings of a list of recipients, and which of them mean what.
//!
//! What: [`Columns`], read from the header row; [`ColumnMap`], what `[recipients.columns]` says of it.
//! Not here: the cells below (`person`). Called by: `Import`.
//! Can fail: every fault of the header is collected, because none of the rows can be read before all are mended.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::input::problem::{Place, Problem, quoted};
use crate::input::sessions;
use crate::input::table::{FaultKind, Row};
use crate::mail::AddrSpec;

/// The columns that the program itself understands; all others serve in templates.
pub const STANDARD_COLUMNS: [&str; 12] =
    ["email", "cc", "entity", "kind", "language", "honorific", "given", "family", "title", "rank", "sex", "notes"];

/// What templates call by these names is not the recipient's.
const RESERVED: [&str; 8] = ["before", "changes", "contact", "event", "is_reinstated", "message", "sender", "this"];

/// The same of an event with sessions.
const OF_SESSIONS: &str = "session";

/// `[recipients.columns]`: the heading that a list has in place of a standard name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap {
    headings: BTreeMap<String, String>,
    sessions: Vec<String>,
}

impl ColumnMap {
    /// Standard name to heading, as the settings have them.
    pub fn new(headings: BTreeMap<String, String>) -> Self {
        Self { headings, sessions: Vec::new() }
    }

    /// The same for an event with sessions: then the column `sessions` is a standard one. Without them it is like any other.
    #[must_use]
    pub fn with_sessions(self, ids: Vec<String>) -> Self {
        Self { sessions: ids, ..self }
    }
}

/// One column with a name.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// From 0, in the row.
    pub(super) index: usize,
    /// As templates call it.
    pub(super) name: String,
    /// Whether its cells may hold line breaks.
    pub(super) is_multiline: bool,
}

/// The header, understood.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// In the order of their names, which is the order of the cells in a recipient.
    pub(super) named: Vec<Column>,
    /// Indices of columns without a heading.
    pub(super) headless: Vec<usize>,
    /// Cells of the header, empty ones too.
    pub(super) width: usize,
    /// Headings that a mapping has displaced.
    pub(super) unused: Vec<String>,
    /// The ids of the event's sessions; none where it is one.
    pub(super) sessions: Vec<String>,
}

impl Columns {
    /// Reads the header row and adds what is wrong with it; `None` for a row that is no header.
    pub(super) fn read(
        row: &Row,
        file: &str,
        map: &ColumnMap,
        multiline: &[String],
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        if !row.faults.is_empty() {
            problems.extend(row.faults.iter().map(|&fault| row.problem(fault, file, "")));
            return None;
        }
        let headings: Vec<&str> = row.cells.iter().map(str::trim).collect();
        if let Some(at) = headings.iter().position(|heading| AddrSpec::parse(heading).is_ok()) {
            let fault = format!("first line holds the address {}, not headings", quoted(headings[at]));
            let cure = "put a line of headings above it, such as `email,entity,kind,language`";
            problems.push(Problem::new(Place::new(file, row.line, at as u64 + 1), fault, cure));
            return None;
        }
        let header = Header { row, file, headings: &headings };
        let names = header.names(map, problems);
        let columns = header.columns(names, multiline, &map.sessions, problems);
        Some(columns)
    }

    /// The place of a column in rows, from 1; 0 where there is none.
    pub(super) fn cell_of(&self, name: &str) -> u64 {
        self.named.iter().find(|column| column.name == name).map_or(0, |column| column.index as u64 + 1)
    }

    /// The name of a cell, counted from 1; empty where it has none.
    pub(super) fn name_of(&self, cell: u64) -> &str {
        self.named.iter().find(|column| column.index as u64 + 1 == cell).map_or("", |column| &column.name)
    }

    /// The cells that a row must have: up to the last column with a heading.
    pub(super) fn least_width(&self) -> usize {
        self.named.iter().map(|column| column.index + 1).max().unwrap_or(0)
    }
}

/// What a column turns out to be.
enum Name {
    /// It has no heading.
    None,
    /// Its own, or the one that it is mapped to.
    Is(String),
    /// The standard name that another column has by mapping.
    Displaced,
}

/// The header while it is read.
struct Header<'h> {
    row: &'h Row,
    file: &'h str,
    headings: &'h [&'h str],
}

impl Header<'_> {
    fn place(&self, index: usize) -> Place {
        Place::new(self.file, self.row.line, index as u64 + 1)
    }

    fn line(&self) -> Place {
        Place::new(self.file, self.row.line, 0)
    }

    fn list(&self) -> String {
        let named: Vec<String> = self.headings.iter().filter(|h| !h.is_empty()).map(|h| quoted(h)).collect();
        named.join(", ")
    }

    /// The name of each column, after the mapping has had its say.
    fn names(&self, map: &ColumnMap, problems: &mut Vec<Problem>) -> Vec<Name> {
        let plain: Vec<String> = self.headings.iter().map(|heading| normalised(heading)).collect();
        let mut mapped: BTreeMap<usize, &str> = BTreeMap::new();
        for (name, heading) in &map.headings {
            let is_of_sessions = name == sessions::COLUMN && !map.sessions.is_empty();
            if !STANDARD_COLUMNS.contains(&name.as_str()) && !is_of_sessions {
                let fault = format!("`[recipients.columns]` maps {}, which is no standard column", quoted(name));
                problems.push(Problem::new(self.line(), fault, format!("known are {}", STANDARD_COLUMNS.join(", "))));
                continue;
            }
            let Some(index) = self.index_of(heading, &plain) else {
                let fault = format!("no column {}, which `[recipients.columns]` takes for `{name}`", quoted(heading));
                problems.push(Problem::new(self.line(), fault, format!("the file has {}", self.list())));
                continue;
            };
            if let Some(other) = mapped.insert(index, name) {
                let fault = format!("column {} is mapped to both `{other}` and `{name}`", quoted(self.headings[index]));
                problems.push(Problem::new(self.place(index), fault, "give each standard column a heading of its own"));
            }
        }
        plain
            .into_iter()
            .enumerate()
            .map(|(index, plain)| match mapped.get(&index) {
                Some(&name) => Name::Is(name.to_owned()),
                None if plain.is_empty() => Name::None,
                None if mapped.values().any(|&name| name == plain) => Name::Displaced,
                None => Name::Is(plain),
            })
            .collect()
    }

    /// The column with a heading: letter for letter if there is one, else in another spelling.
    fn index_of(&self, heading: &str, plain: &[String]) -> Option<usize> {
        let wanted = normalised(heading);
        let literal = self.headings.iter().position(|have| *have == heading.trim());
        literal.or_else(|| plain.iter().position(|have| *have == wanted && !wanted.is_empty()))
    }

    fn columns(
        &self,
        names: Vec<Name>,
        multiline: &[String],
        sessions: &[String],
        problems: &mut Vec<Problem>,
    ) -> Columns {
        let mut columns = Columns {
            named: Vec::new(),
            headless: Vec::new(),
            width: self.headings.len(),
            unused: Vec::new(),
            sessions: sessions.to_vec(),
        };
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        for (index, name) in names.into_iter().enumerate() {
            let name = match name {
                Name::None => {
                    columns.headless.push(index);
                    continue;
                }
                Name::Displaced => {
                    columns.unused.push(self.headings[index].to_owned());
                    continue;
                }
                Name::Is(name) => name,
            };
            if self.headings[index].contains('\u{fffd}') {
                problems.push(self.row.problem(self.lost(index), self.file, ""));
            }
            if RESERVED.contains(&name.as_str()) || (name == OF_SESSIONS && !sessions.is_empty()) {
                let fault = format!("column {} has a name that templates keep for other things", quoted(&name));
                problems.push(Problem::new(self.place(index), fault, format!("rename it, perhaps to `{name}_name`")));
            }
            if let Some(&other) = first.get(&name) {
                let (a, b) = (quoted(self.headings[other]), quoted(self.headings[index]));
                let fault = format!("columns {} ({a}) and {} ({b}) are both `{name}`", other + 1, index + 1);
                problems.push(Problem::new(self.place(index), fault, "rename or remove one of them"));
                continue;
            }
            first.insert(name.clone(), index);
            let is_multiline = multiline.iter().any(|allowed| normalised(allowed) == name);
            columns.named.push(Column { index, name, is_multiline });
        }
        // One that is mapped to a heading which is not there has been reported as that.
        if !first.contains_key("email") && !problems.iter().any(|p| p.fault.ends_with("takes for `email`")) {
            problems.push(self.no_email());
        }
        columns.named.sort_by(|a, b| a.name.cmp(&b.name));
        columns
    }

    fn lost(&self, index: usize) -> crate::input::table::Fault {
        crate::input::table::Fault { line: self.row.line, cell: index as u64 + 1, kind: FaultKind::LostCharacter }
    }

    fn no_email(&self) -> Problem {
        let like_mail = self.headings.iter().find(|heading| heading.to_lowercase().contains("mail"));
        let heading = like_mail.map_or("…", |heading| heading);
        let cure = format!(
            "the file has {}; name the one with the addresses in `[recipients.columns]`: email = \"{heading}\"",
            self.list()
        );
        Problem::new(self.line(), "no column `email`", cure)
    }
}

/// A heading as templates can call it: NFKC, lower case, letters and digits of any script joined by `_`. A spelling of a
/// standard name (`E-mail`) becomes that name.
pub(super) fn normalised(heading: &str) -> String {
    let mut name = String::new();
    for c in heading.nfkc().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || is_combining_mark(c) {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    let bare = name.replace('_', "");
    if STANDARD_COLUMNS.contains(&bare.as_str()) { bare } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn headings_become_names() {
        for (heading, name) in [
            ("E-mail", "email"),
            ("E_MAIL ", "email"),
            ("\u{feff}email", "email"),
            ("Ｅｍａｉｌ", "email"),
            ("C.C.", "cc"),
            ("Given name(s)", "given_name_s"),
            ("Prénom", "prénom"),
            ("Адрес  почты", "адрес_почты"),
            ("हिन्दी", "हिन्दी"),
            ("国家", "国家"),
            ("№ 1", "no_1"),
            (" - ", ""),
        ] {
            assert_eq!(normalised(heading), name, "{heading}");
        }
    }
}
