//! A list of answers that a person took down: `entity,answer,persons,comment`.
//!
//! What: [`read`], from the octets of a table to [`Noted`] rows. Columns: `entity` or `email`, `answer`, and where they are there
//! `persons`, `comment`, `by`, `at`. Not here: which entity a name means (`people::Search`), recording (`command::note`).
//! Called by: `command::note`. Can fail: with every fault of the list, each with its cell; then no row is given.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::moment::{MOMENT_CURE, parse_moment};
use super::problem::{Place, Problem, quoted};
use super::table::{Row, RowSource, Sniffer, TableReader};
use super::toml_reader::nearest;
use crate::calendar::PartStat;

/// The most who can come for one entity; a slip of the pen is larger.
pub const MOST_PERSONS: u32 = 10_000;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The name or the address, as written.
    pub who: String,
    /// What was answered; `NEEDS-ACTION` for none.
    pub partstat: PartStat,
    /// How many come.
    pub persons: Option<u32>,
    /// May be empty.
    pub comment: String,
    /// By which way it came; may be empty.
    pub by: String,
    /// When it was said; `None` for now.
    pub at: Option<Timestamp>,
    /// The cell with `who`.
    pub place: Place,
}

const COLUMNS: [&str; 7] = ["answer", "at", "by", "comment", "email", "entity", "persons"];
/// Words of a cell `answer`, and what they mean.
const ANSWERS: [(&str, PartStat); 8] = [
    ("accepted", PartStat::Accepted),
    ("yes", PartStat::Accepted),
    ("declined", PartStat::Declined),
    ("no", PartStat::Declined),
    ("tentative", PartStat::Tentative),
    ("delegated", PartStat::Delegated),
    ("no-answer", PartStat::NeedsAction),
    ("none", PartStat::NeedsAction),
];

/// Reads a list; `now` and `zone` say what a time without a date is.
///
/// # Errors
/// Every fault, in the order of the list.
pub fn read(file: &str, octets: &[u8], now: Timestamp, zone: &TimeZone) -> Result<Vec<Noted>, Vec<Problem>> {
    let mut sniffer = Sniffer::new();
    sniffer.push(octets);
    let dialect = sniffer.finish();
    let mut table = TableReader::new(file, octets, &dialect);
    let mut row = Row::default();
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    let mut columns: Option<BTreeMap<&'static str, usize>> = None;
    loop {
        match table.next_row(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(problem) => {
                problems.push(problem);
                break;
            }
        }
        let Some(columns) = &columns else {
            match header(file, &row) {
                Ok(found) => columns = Some(found),
                Err(faults) => return Err(faults),
            }
            continue;
        };
        if !row.faults.is_empty() {
            let name = |cell: u64| columns.iter().find(|(_, at)| **at as u64 + 1 == cell).map_or("", |(name, _)| *name);
            problems.extend(row.faults.iter().map(|fault| row.problem(*fault, file, name(fault.cell))));
            continue;
        }
        let reading = Reading { file, row: &row, columns, now, zone };
        match reading.noted() {
            Ok(noted) => rows.push(noted),
            Err(faults) => problems.extend(faults),
        }
    }
    if columns.is_none() && problems.is_empty() {
        let cure = "write a first row with the columns entity, answer, persons, comment";
        problems.push(Problem::new(Place::file(file), "the list is empty", cure));
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

fn header(file: &str, row: &Row) -> Result<BTreeMap<&'static str, usize>, Vec<Problem>> {
    let (mut columns, mut problems) = (BTreeMap::new(), Vec::new());
    for (at, cell) in row.cells.iter().enumerate() {
        let name = cell.trim().to_lowercase();
        if name.is_empty() {
            continue;
        }
        let place = Place::new(file, row.line, at as u64 + 1);
        match COLUMNS.into_iter().find(|column| *column == name) {
            Some(column) => {
                if columns.insert(column, at).is_some() {
                    problems.push(Problem::new(
                        place,
                        format!("column `{column}` stands there twice"),
                        "keep one of them",
                    ));
                }
            }
            None => {
                let near = nearest(&name, COLUMNS.into_iter()).map(|near| format!("did you mean `{near}`? "));
                let cure = format!("{}known: {}", near.unwrap_or_default(), COLUMNS.join(", "));
                problems.push(Problem::new(place, format!("column {} is not known", quoted(&name)), cure));
            }
        }
    }
    for (is_there, what) in [
        (columns.contains_key("entity") || columns.contains_key("email"), "`entity` or `email`"),
        (columns.contains_key("answer"), "`answer`"),
    ] {
        if !is_there && problems.is_empty() {
            let place = Place::new(file, row.line, 0);
            problems.push(Problem::new(place, format!("the list has no column {what}"), "add it to the first row"));
        }
    }
    if problems.is_empty() { Ok(columns) } else { Err(problems) }
}

struct Reading<'r> {
    file: &'r str,
    row: &'r Row,
    columns: &'r BTreeMap<&'static str, usize>,
    now: Timestamp,
    zone: &'r TimeZone,
}

impl Reading<'_> {
    fn cell(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.row.cells.get(*at)).unwrap_or_default().trim()
    }

    fn place(&self, column: &str) -> Place {
        Place::new(self.file, self.row.line, self.columns.get(column).map_or(0, |at| *at as u64 + 1))
    }

    fn noted(&self) -> Result<Noted, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut fault = |column: &str, fault: String, cure: &str| {
            problems.push(Problem::new(self.place(column), fault, cure));
        };
        // An address is the surer one where both stand there.
        let column = if self.cell("email").is_empty() { "entity" } else { "email" };
        let who = self.cell(column).to_owned();
        if who.is_empty() {
            fault("entity", "row names no entity".to_owned(), "write its name or one of its addresses");
        }
        let word = self.cell("answer").to_lowercase();
        let partstat = ANSWERS.into_iter().find(|(name, _)| *name == word).map(|(_, partstat)| partstat);
        if partstat.is_none() {
            let cure = "write accepted, declined, tentative, delegated or no-answer";
            fault("answer", format!("answer {} is not known", quoted(&word)), cure);
        }
        let persons = match self.cell("persons") {
            "" => None,
            text => match text.parse::<u32>() {
                Ok(persons) if (1..=MOST_PERSONS).contains(&persons) => Some(persons),
                _ => {
                    let said = format!("{} is no number of persons", quoted(text));
                    fault("persons", said, "write a number from 1 to 10000, or nothing");
                    None
                }
            },
        };
        if persons.is_some() && matches!(partstat, Some(PartStat::Declined | PartStat::NeedsAction)) {
            fault("persons", "nobody comes, yet there are persons".to_owned(), "leave the cell empty");
        }
        let at = match self.cell("at") {
            "" => None,
            text => {
                let at = parse_moment(text, self.now, self.zone);
                match at {
                    None => fault("at", format!("{} is no time", quoted(text)), MOMENT_CURE),
                    Some(at) if at > self.now => {
                        fault("at", format!("{} is still to come", quoted(text)), "write when it was said");
                    }
                    Some(_) => {}
                }
                at
            }
        };
        let (comment, by) = (self.cell("comment").to_owned(), self.cell("by").to_owned());
        let place = self.place(column);
        match partstat {
            Some(partstat) if problems.is_empty() => Ok(Noted { who, partstat, persons, comment, by, at, place }),
            _ => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{Noted, read};
    use crate::calendar::PartStat;

    fn list(text: &str) -> Result<Vec<Noted>, String> {
        let now: Timestamp = "2027-06-10T12:00:00Z".parse().expect("valid");
        read("a.csv", text.as_bytes(), now, &TimeZone::UTC)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_list_is_read_whatever_its_delimiter_and_order() {
        let rows = list("Answer;Entity;Persons;At\nYes;Mission of X;2;2027-06-01\nno-answer;Y;;\n").expect("valid");
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[0].who.as_str(), rows[0].partstat, rows[0].persons),
            ("Mission of X", PartStat::Accepted, Some(2))
        );
        assert_eq!(rows[0].at.map(|at| at.to_string()).as_deref(), Some("2027-06-01T12:00:00Z"));
        assert_eq!((rows[1].partstat, rows[1].place.to_string()), (PartStat::NeedsAction, "a.csv:3:2".to_owned()));
        let by_address = list("entity,email,answer\nX,un@x.example,accepted\n").expect("valid");
        assert_eq!(by_address[0].who, "un@x.example");
    }

    #[test]
    fn all_faults_are_named_and_nothing_is_taken() {
        let faults = list("entity,answer,persons,at\n,maybe,0,tomorrow\nX,declined,3,2028-01-01\nY,accepted,1,\n")
            .expect_err("faults");
        let lines: Vec<&str> = faults.lines().collect();
        for (line, begin) in lines.iter().zip([
            "a.csv:2:1: row names no entity; ",
            "a.csv:2:2: answer `maybe` is not known; ",
            "a.csv:2:3: `0` is no number of persons; ",
            "a.csv:2:4: `tomorrow` is no time; ",
            "a.csv:3:3: nobody comes, yet there are persons; ",
            "a.csv:3:4: `2028-01-01` is still to come; ",
        ]) {
            assert!(line.starts_with(begin), "{line}");
        }
        assert_eq!(lines.len(), 6, "{faults}");
        assert!(list("entty,answer\n").expect_err("a fault").contains("did you mean `entity`?"));
        assert!(list("entity\nX\n").expect_err("a fault").contains("no column `answer`"));
        assert!(list("").expect_err("a fault").contains("the list is empty"));
        assert!(list("entity,answer\n\"X,yes\n").expect_err("a fault").contains("a.csv:2:1"));
    }
}
