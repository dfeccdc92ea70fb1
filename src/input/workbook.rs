//! The first sheet of an Excel workbook as rows.
//!
//! What: [`Workbook`], opened once, and its [`WorkbookRows`]: values as a reader of the sheet would copy them (numbers
//! without `.0`, dates in ISO 8601, results of formulas). Cells are streamed; `calamine`'s ranges are not used, because
//! they take memory for every cell of the used rectangle, and one stray cell at XFD1048576 makes that 17 thousand million.
//! Standard: ISO/IEC 29500 (.xlsx). Not here: `.xls`, `.ods`; what columns mean (`recipients`).
//! Called by: `command`. Can fail: what is no workbook, or is locked, gives a [`Problem`].

use std::io::{Read, Seek};

use calamine::{
    Cell, CellErrorType, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError,
};

use super::problem::{Place, Problem, quoted};
use super::table::{FaultKind, MAX_CELL_OCTETS, MAX_ROW_OCTETS, Row, RowSource};

const SAVE_AGAIN: &str = "open it in a spreadsheet and save it again";

/// A sheet ends at column XFD; a damaged one may say otherwise, and each column takes memory in a row.
const COLUMNS: u32 = 16_384;

/// An opened workbook.
pub struct Workbook<R: Read + Seek> {
    file: String,
    xlsx: Xlsx<R>,
    sheet: String,
    other_sheets: usize,
}

/// The rows of its first sheet.
pub struct WorkbookRows<'w, R: Read + Seek> {
    file: String,
    cells: XlsxCellReader<'w, R>,
    /// The first cell of the row after the last one given, with its row and column from 0.
    ahead: Option<(u32, u32, Value)>,
    texts: Vec<String>,
    /// The reader takes it ill to be asked again after the last cell.
    has_ended: bool,
    /// Cells of the first row: a sheet has no short rows, only rows whose last cells were never filled.
    width: usize,
}

/// What a cell says.
enum Value {
    Text(String),
    Error(String),
}

impl<R: Read + Seek> Workbook<R> {
    /// Opens it and chooses the first sheet that is not hidden. `file` is its name in problems.
    ///
    /// # Errors
    /// What is no workbook, or is locked.
    pub fn open(file: &str, source: R) -> Result<Self, Problem> {
        let xlsx = Xlsx::new(source).map_err(|error| unreadable(file, 0, &error))?;
        let sheets: Vec<&str> = xlsx
            .sheets_metadata()
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
            .map(|sheet| sheet.name.as_str())
            .collect();
        let Some(sheet) = sheets.first().map(|&sheet| sheet.to_owned()) else {
            return Err(Problem::new(
                Place::file(file),
                "workbook has no sheet to read",
                "put the list on its first sheet",
            ));
        };
        Ok(Self { file: file.to_owned(), other_sheets: sheets.len() - 1, sheet, xlsx })
    }

    /// What to tell the user, a phrase each: nothing where there is one sheet only.
    pub fn remarks(&self) -> Vec<String> {
        if self.other_sheets == 0 {
            return Vec::new();
        }
        let others =
            if self.other_sheets == 1 { "1 other is".to_owned() } else { format!("{} others are", self.other_sheets) };
        vec![format!("sheet {} is read, {others} not", quoted(&self.sheet))]
    }

    /// Its rows, from the top.
    ///
    /// # Errors
    /// A sheet that is damaged or missing.
    pub fn rows(&mut self) -> Result<WorkbookRows<'_, R>, Problem> {
        let file = self.file.clone();
        let cells = self.xlsx.worksheet_cells_reader(&self.sheet).map_err(|error| unreadable(&file, 0, &error))?;
        Ok(WorkbookRows { file, cells, ahead: None, has_ended: false, texts: Vec::new(), width: 0 })
    }
}

impl<R: Read + Seek> WorkbookRows<'_, R> {
    /// The next cell with something in it.
    fn next_cell(&mut self, line: u64) -> Result<Option<(u32, u32, Value)>, Problem> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        while !self.has_ended {
            let cell = self.cells.next_cell().map_err(|error| unreadable(&self.file, line, &error))?;
            self.has_ended = cell.is_none();
            if let Some((cell, value)) = cell.and_then(|cell| value(&cell).map(|value| (cell, value))) {
                let (row, column) = cell.get_position();
                if column >= COLUMNS {
                    let place = Place::new(&self.file, u64::from(row) + 1, 0);
                    return Err(Problem::new(place, "sheet has a cell beyond column XFD", SAVE_AGAIN));
                }
                return Ok(Some((row, column, value)));
            }
        }
        Ok(None)
    }
}

impl<R: Read + Seek> RowSource for WorkbookRows<'_, R> {
    fn file(&self) -> &str {
        &self.file
    }

    fn delimiter(&self) -> Option<char> {
        None
    }

    fn next_row(&mut self, row: &mut Row) -> Result<bool, Problem> {
        row.faults.clear();
        let Some((number, column, value)) = self.next_cell(row.line)? else { return Ok(false) };
        row.line = u64::from(number) + 1;
        row.last_line = row.line;
        self.texts.clear();
        let mut octets = 0;
        let mut next = (column, value);
        loop {
            let (column, value) = next;
            let index = column as usize;
            if self.texts.len() <= index {
                self.texts.resize(index + 1, String::new());
            }
            let cell = u64::from(column) + 1;
            self.texts[index] = match value {
                Value::Text(text) if text.len() > MAX_CELL_OCTETS => {
                    row.note(row.line, cell, FaultKind::LongCell);
                    String::new()
                }
                // Many cells may show one shared string, so that a small file can hold a row of a gigabyte.
                Value::Text(text) if octets + text.len() > MAX_ROW_OCTETS => {
                    row.note(row.line, 0, FaultKind::LongRow);
                    String::new()
                }
                Value::Text(text) => text,
                Value::Error(text) => {
                    row.note(row.line, cell, FaultKind::ErrorValue);
                    text
                }
            };
            octets += self.texts[index].len();
            match self.next_cell(row.line)? {
                Some((same, column, value)) if same == number => next = (column, value),
                ahead => {
                    self.ahead = ahead;
                    break;
                }
            }
        }
        if self.width == 0 {
            self.width = self.texts.len();
        }
        row.cells.clear();
        self.texts.iter().for_each(|text| row.cells.push_field(text));
        (self.texts.len()..self.width).for_each(|_| row.cells.push_field(""));
        Ok(true)
    }
}

/// A cell as text; `None` where it is empty.
fn value(cell: &Cell<DataRef<'_>>) -> Option<Value> {
    let text = match cell.get_value() {
        DataRef::Empty => return None,
        DataRef::Error(error) => return Some(Value::Error(error_word(error).to_owned())),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => decimal(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(time) => date_or_time(*time),
    };
    (!text.is_empty()).then_some(Value::Text(text))
}

/// A number with the 15 digits that Excel keeps, so that 0.1 + 0.2 is 0.3 here as in the sheet.
fn decimal(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Adding nothing turns -0 into 0.
    (rounded + 0.0).to_string()
}

/// A date, a time of day or both in ISO 8601; a duration in hours, minutes and seconds, as sheets show it.
fn date_or_time(time: ExcelDateTime) -> String {
    if time.is_duration() {
        let (sign, seconds) = if time.as_f64() < 0.0 { ("-", -time.as_f64()) } else { ("", time.as_f64()) };
        let seconds = (seconds * 86_400.0).round();
        let (hours, minutes) = ((seconds / 3_600.0).floor(), (seconds / 60.0).floor() % 60.0);
        return format!("{sign}{hours}:{minutes:02}:{:02}", seconds % 60.0);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let clock = match milli {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        milli => format!("{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    };
    match (time.as_f64() < 1.0, clock.as_str()) {
        (true, _) => clock,
        (false, "00:00:00") => format!("{year:04}-{month:02}-{day:02}"),
        (false, _) => format!("{year:04}-{month:02}-{day:02}T{clock}"),
    }
}

fn error_word(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

fn unreadable(file: &str, line: u64, error: &XlsxError) -> Problem {
    let (fault, cure) = match error {
        XlsxError::Password => ("workbook is locked with a password".to_owned(), "save it without one"),
        XlsxError::Zip(_) => ("file is no .xlsx workbook".to_owned(), "save it as .xlsx, or as CSV UTF-8"),
        other => (format!("workbook cannot be read: {other}"), SAVE_AGAIN),
    };
    Problem::new(Place::new(file, line, 0), fault, cure)
}

#[cfg(test)]
mod tests {
    use super::{Workbook, date_or_time, decimal};
    use calamine::{ExcelDateTime, ExcelDateTimeType};
    use std::io::Cursor;

    #[test]
    fn numbers_look_as_they_do_in_the_sheet() {
        for (number, text) in [
            (41_227_301_234.0, "41227301234"),
            (7.0, "7"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (0.1 + 0.2, "0.3"),
            (1e21, "1000000000000000000000"),
        ] {
            assert_eq!(decimal(number), text);
        }
    }

    #[test]
    fn dates_are_iso() {
        let time = |value, kind| date_or_time(ExcelDateTime::new(value, kind, false));
        assert_eq!(time(46_279.0, ExcelDateTimeType::DateTime), "2026-09-14");
        assert_eq!(time(46_279.625, ExcelDateTimeType::DateTime), "2026-09-14T15:00:00");
        assert_eq!(time(0.638_888_888_888_889, ExcelDateTimeType::DateTime), "15:20:00");
        assert_eq!(time(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
    }

    #[test]
    fn what_is_no_workbook_is_named() {
        let problem = Workbook::open("list.xlsx", Cursor::new(b"email,entity\n".to_vec())).err().expect("no workbook");
        assert_eq!(problem.to_string(), "list.xlsx: file is no .xlsx workbook; save it as .xlsx, or as CSV UTF-8");
    }
}
