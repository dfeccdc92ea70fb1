//! Every list in `tests/fixtures/recipients`, read from its octets and compared with the `.expected` beside it.
//!
//! An `.expected` has a line for each thing, in this order by habit only:
//!
//! ```text
//! with kind ngo                the default kind (`mission` unless said; `none` for no default)
//! with language fr             the default language (`en` unless said)
//! with encoding windows-1251   the encoding that the user names
//! with column email Adresse    a line of `[recipients.columns]`
//! accepted 2                   how many recipients
//! 14:3 has no domain           a refusal: line, cell, a part of its words; all of them, in the order of the file
//! remark delimiter `;`         a part of what is said to the user; all of them
//! cell 2 given=Ana             a cell of a recipient of that line (`\n` for a line break)
//! field 2 kind=mission         its entity, kind or language
//! absent 2 notes               a cell that no recipient of that line has
//! ```
//!
//! A refusal is there because somebody would otherwise be lost, doubled or written to in a wrong way: an expectation is
//! changed only with that in mind.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use convoke::input::problem::Problem;
use convoke::input::recipients::{ColumnMap, Defaults, Import, Item, Recipient};
use convoke::input::table::{RowSource, Sniffer, TableReader};
use convoke::input::workbook::Workbook;
use convoke::people::{Kind, Language};

/// What is asked of one list, and what it gives.
#[derive(Default)]
struct Expected {
    kind: Option<String>,
    language: Option<String>,
    encoding: Option<String>,
    columns: BTreeMap<String, String>,
    accepted: usize,
    refusals: Vec<String>,
    remarks: Vec<String>,
    cells: Vec<(u64, String, String)>,
    fields: Vec<(u64, String, String)>,
    absent: Vec<(u64, String)>,
}

/// What a list gave.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    recipients: Vec<Recipient>,
    refusals: Vec<Problem>,
    remarks: Vec<String>,
}

impl Expected {
    fn read(text: &str) -> Self {
        let mut expected = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap_or_else(|| panic!("`{line}` says nothing"));
            match word {
                "with" => expected.read_setting(rest),
                "accepted" => expected.accepted = rest.parse().expect("a number"),
                "remark" => expected.remarks.push(rest.to_owned()),
                "cell" => expected.cells.push(triple(rest)),
                "field" => expected.fields.push(triple(rest)),
                "absent" => {
                    let (line, name) = rest.split_once(' ').expect("a line and a name");
                    expected.absent.push((line.parse().expect("a line"), name.to_owned()));
                }
                _ => expected.refusals.push(line.to_owned()),
            }
        }
        expected
    }

    fn read_setting(&mut self, setting: &str) {
        let (word, value) = setting.split_once(' ').expect("a setting and its value");
        match word {
            "kind" => self.kind = Some(value.to_owned()),
            "language" => self.language = Some(value.to_owned()),
            "encoding" => self.encoding = Some(value.to_owned()),
            "column" => {
                let (name, heading) = value.split_once(' ').expect("a name and a heading");
                self.columns.insert(name.to_owned(), heading.to_owned());
            }
            _ => panic!("no setting `{word}`"),
        }
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            kind: Kind::parse(self.kind.as_deref().unwrap_or("mission")),
            language: Language::parse(self.language.as_deref().unwrap_or("en")).expect("a language"),
            multiline: vec!["notes".to_owned()],
        }
    }

    /// What differs, a line each.
    fn faults(&self, outcome: &Outcome) -> Vec<String> {
        let mut faults = Vec::new();
        if outcome.recipients.len() != self.accepted {
            faults.push(format!("accepted {}, not {}", outcome.recipients.len(), self.accepted));
        }
        let refusals: Vec<String> = outcome.refusals.iter().map(in_one_line).collect();
        faults.extend(compare("refusal", &self.refusals, &refusals, |wanted, have| {
            let (place, part) = wanted.split_once(' ').expect("a place and words");
            have.split_once(' ').is_some_and(|(at, words)| at == place && words.contains(part))
        }));
        faults.extend(compare("remark", &self.remarks, &outcome.remarks, |part, have| have.contains(part)));
        let of_line = |line: u64| outcome.recipients.iter().filter(move |recipient| recipient.place.line == line);
        for (line, name, value) in &self.cells {
            if !of_line(*line).any(|recipient| recipient.cells.get(name) == Some(value)) {
                let have: Vec<_> = of_line(*line).map(|recipient| recipient.cells.get(name)).collect();
                faults.push(format!("line {line}: `{name}` is {have:?}, not {value:?}"));
            }
        }
        for (line, name, value) in &self.fields {
            let have: Vec<String> = of_line(*line).map(|recipient| field(recipient, name)).collect();
            if !have.contains(value) {
                faults.push(format!("line {line}: {name} is {have:?}, not {value:?}"));
            }
        }
        for (line, name) in &self.absent {
            if of_line(*line).count() == 0 || of_line(*line).any(|recipient| recipient.cells.contains_key(name)) {
                faults.push(format!("line {line}: nobody, or somebody with `{name}`"));
            }
        }
        faults
    }
}

/// Both lists entry by entry, `is_met` telling whether an entry is what was wanted.
fn compare(what: &str, wanted: &[String], have: &[String], is_met: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let pairs = wanted.iter().zip(have).filter(|(wanted, have)| !is_met(wanted, have));
    let mut faults: Vec<String> = pairs.map(|(wanted, have)| format!("{what} `{have}`, not `{wanted}`")).collect();
    faults.extend(wanted.iter().skip(have.len()).map(|wanted| format!("no {what} `{wanted}`")));
    faults.extend(have.iter().skip(wanted.len()).map(|have| format!("{what} `{have}` too")));
    faults
}

fn triple(text: &str) -> (u64, String, String) {
    let (line, rest) = text.split_once(' ').expect("a line and a cell");
    let (name, value) = rest.split_once('=').expect("a name and a value");
    (line.parse().expect("a line"), name.to_owned(), value.replace("\\n", "\n"))
}

fn in_one_line(problem: &Problem) -> String {
    let place = &problem.place;
    format!("{}:{} {}; {}", place.line, place.column, problem.fault, problem.cure)
}

fn field(recipient: &Recipient, name: &str) -> String {
    match name {
        "entity" => recipient.entity.clone(),
        "kind" => recipient.kind.to_string(),
        "language" => recipient.language.to_string(),
        _ => panic!("no field `{name}`"),
    }
}

fn import(source: impl RowSource, expected: &Expected, outcome: &mut Outcome) {
    match Import::new(source, &ColumnMap::new(expected.columns.clone()), expected.defaults()) {
        Ok(import) => {
            outcome.remarks.extend(import.remarks());
            for item in import {
                match item {
                    Item::Recipient(recipient) => outcome.recipients.push(recipient),
                    Item::Refused(problem) => outcome.refusals.push(problem),
                }
            }
        }
        Err(problems) => outcome.refusals.extend(problems),
    }
}

/// A table given to the sniffer and to the reader in pieces of a size.
fn read_table(octets: &[u8], piece: usize, expected: &Expected) -> Outcome {
    let mut sniffer = match &expected.encoding {
        Some(name) => Sniffer::with_encoding(name).expect("an encoding"),
        None => Sniffer::new(),
    };
    octets.chunks(piece).for_each(|piece| sniffer.push(piece));
    let dialect = sniffer.finish();
    let mut outcome = Outcome { remarks: dialect.remarks(), ..Outcome::default() };
    let source = Pieces { octets, piece };
    import(TableReader::new("list.csv", source, &dialect), expected, &mut outcome);
    outcome
}

struct Pieces<'o> {
    octets: &'o [u8],
    piece: usize,
}

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.piece);
        std::io::Read::read(&mut self.octets, &mut buffer[..most])
    }
}

fn read_workbook(octets: &[u8], expected: &Expected) -> Outcome {
    let mut outcome = Outcome::default();
    match Workbook::open("list.xlsx", Cursor::new(octets)) {
        Err(problem) => outcome.refusals.push(problem),
        Ok(mut workbook) => {
            outcome.remarks = workbook.remarks();
            match workbook.rows() {
                Err(problem) => outcome.refusals.push(problem),
                Ok(rows) => import(rows, expected, &mut outcome),
            }
        }
    }
    outcome
}

fn lists() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recipients");
    let entries = std::fs::read_dir(&folder).expect("the folder of lists");
    let mut lists: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "csv" || ending == "xlsx"))
        .collect();
    lists.sort();
    lists
}

#[test]
fn every_list_gives_what_its_reader_would_expect() {
    let lists = lists();
    assert!(lists.len() >= 40, "only {} lists", lists.len());
    let mut faults = Vec::new();
    for list in &lists {
        let name = list.file_name().unwrap_or_default().to_string_lossy();
        let octets = std::fs::read(list).expect("a list");
        let Ok(text) = std::fs::read_to_string(list.with_extension("expected")) else {
            faults.push(format!("{name}: no .expected beside it"));
            continue;
        };
        let expected = Expected::read(&text);
        let outcome = if list.extension().is_some_and(|ending| ending == "xlsx") {
            read_workbook(&octets, &expected)
        } else {
            let outcome = read_table(&octets, 65_536, &expected);
            if outcome != read_table(&octets, 7, &expected) {
                faults.push(format!("{name}: in small pieces it reads otherwise"));
            }
            outcome
        };
        faults.extend(expected.faults(&outcome).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn nobody_real_is_in_the_lists() {
    for list in lists() {
        let text = String::from_utf8_lossy(&std::fs::read(&list).expect("a list")).replace('\0', "");
        for domain in text.split('@').skip(1).map(|rest| rest.split([',', ';', '\t', '|', '"', '\r', '\n', ' ']).next())
        {
            for ending in [".com", ".org", ".net", ".int", ".edu", ".gov"] {
                assert!(!domain.unwrap_or_default().ends_with(ending), "{}: {domain:?}", list.display());
            }
        }
    }
}
