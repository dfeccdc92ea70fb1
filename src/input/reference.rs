//! Reference lists: who should be on the lists of recipients.
//!
//! What: [`read`], a table with a column `name` and, where there are any, `code` (ISO 3166-1 alpha-2) and `kind`.
//! Not here: recipients (`recipients`), the comparison (`people::coverage`). Called by: `command`.
//! Can fail: with every [`Problem`] of the file: no column of names, a kind that is none, a name that stands there twice.

use std::collections::BTreeMap;

use super::problem::{Place, Problem, quoted};
use super::table::{Row, RowSource};
use crate::people::coverage::Wanted;
use crate::people::{Kind, fold};

/// Headings that mean the column of names.
const NAMES: [&str; 5] = ["name", "entity", "state", "country", "organization"];

/// Reads a reference list.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read<S: RowSource>(mut source: S) -> Result<Vec<Wanted>, Vec<Problem>> {
    let file = source.file().to_owned();
    let mut row = Row::default();
    let mut problems = Vec::new();
    let mut columns: Option<Columns> = None;
    let mut first: BTreeMap<String, u64> = BTreeMap::new();
    let mut wanted = Vec::new();
    loop {
        match source.next_row(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(problem) => {
                problems.push(problem);
                break;
            }
        }
        if row.is_blank() {
            continue;
        }
        if !row.faults.is_empty() {
            problems.extend(row.faults.iter().map(|&fault| row.problem(fault, &file, "")));
            continue;
        }
        let Some(columns) = &columns else {
            match Columns::read(&row) {
                Some(read) => columns = Some(read),
                None => {
                    let cure = "call the column with the names `name`; `code` and `kind` may stand beside it";
                    return Err(vec![Problem::new(Place::new(&file, row.line, 0), "no column `name`", cure)]);
                }
            }
            continue;
        };
        let cell = |index: Option<usize>| index.and_then(|index| row.cells.get(index)).unwrap_or_default().trim();
        let place = |index: Option<usize>| Place::new(&file, row.line, index.map_or(0, |index| index as u64 + 1));
        let name = cell(Some(columns.name));
        if name.is_empty() {
            problems.push(Problem::new(
                place(Some(columns.name)),
                "row names nobody",
                "write a name, or remove the row",
            ));
            continue;
        }
        let word = cell(columns.kind);
        let kind = Kind::parse(word);
        if kind.is_none() && !word.is_empty() {
            let cure = format!("write one of {}", Kind::ALL.map(Kind::as_str).join(", "));
            problems.push(Problem::new(place(columns.kind), format!("kind {} is not known", quoted(word)), cure));
        }
        let one = Wanted { name: name.to_owned(), code: cell(columns.code).to_uppercase(), kind };
        if let Some(other) = one.contradiction() {
            let fault = format!("code {} is that of {other}, and the name is {}", quoted(&one.code), quoted(name));
            problems.push(Problem::new(place(columns.code), fault, "mend one of them"));
        }
        if let Some(line) = first.insert(one.key(), row.line) {
            let fault = format!("{} stands in line {line} already", quoted(name));
            problems.push(Problem::new(place(Some(columns.name)), fault, "remove one of the rows"));
        }
        wanted.push(one);
    }
    if wanted.is_empty() && problems.is_empty() {
        problems.push(Problem::new(
            Place::file(&file),
            "file names nobody",
            "put a row for each name under its headings",
        ));
    }
    if problems.is_empty() { Ok(wanted) } else { Err(problems) }
}

struct Columns {
    name: usize,
    code: Option<usize>,
    kind: Option<usize>,
}

impl Columns {
    fn read(row: &Row) -> Option<Self> {
        let headings: Vec<String> = row.cells.iter().map(fold).collect();
        let of = |heading: &str| headings.iter().position(|have| have == heading);
        let name = NAMES.iter().find_map(|heading| of(heading))?;
        Some(Self { name, code: of("code").or_else(|| of("iso")), kind: of("kind") })
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::input::table::{Sniffer, TableReader};

    fn problems(text: &str) -> Vec<String> {
        let mut sniffer = Sniffer::new();
        sniffer.push(text.as_bytes());
        let dialect = sniffer.finish();
        let read = read(TableReader::new("r.csv", text.as_bytes(), &dialect));
        read.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_reference_is_read_whole_or_with_all_its_faults() {
        assert_eq!(problems("code;name;kind\nTR;Türkiye;mission\nVA;Holy See;observer\n"), Vec::<String>::new());
        assert_eq!(
            problems("code,name,kind\nTR,Türkiye,mision\n,,\nCH,,mission\nXX,Turkey,\nTN,Togo,\n"),
            [
                "r.csv:2:3: kind `mision` is not known; write one of mission, observer, igo, ngo, individual",
                "r.csv:4:2: row names nobody; write a name, or remove the row",
                "r.csv:5:2: `Turkey` stands in line 2 already; remove one of the rows",
                "r.csv:6:1: code `TN` is that of Tunisia, and the name is `Togo`; mend one of them",
            ]
        );
        assert_eq!(
            problems("a,b\n1,2\n"),
            ["r.csv:1: no column `name`; call the column with the names `name`; `code` and `kind` may stand beside it"]
        );
        assert_eq!(problems("name\n"), ["r.csv: file names nobody; put a row for each name under its headings"]);
    }
}
