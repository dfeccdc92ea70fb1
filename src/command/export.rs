//! `convoke export`: deliveries and answers for spreadsheets and programs.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde_json::{Map, Value};

use super::chosen::Chosen;
use super::plan;
use super::status::Session;
use crate::cli;
use crate::desk::export::{HEADINGS, SESSION, harmless};
use crate::exit::{Exit, Stopped};
use crate::io::files::FileError;
use crate::io::store::{KnownOf, LedgerRow, ReturnedMails, Store};
use crate::journal::Standing;
use crate::plan::Participation;
use crate::replies::{Class, cure};

/// Rows read at once.
const PAGE: usize = 1000;
/// Of a sheet (ECMA-376, as Excel limits it), and characters of a cell.
const MOST_ROWS: u32 = 1_048_576;
const MOST_CHARACTERS: usize = 32_767;
/// Columns whose cells are numbers.
const NUMBERS: [&str; 8] =
    ["attempts", "code", "size_octets", "line", "persons", "revision", "sequence", "waiting_in_triage"];

pub(super) async fn run(path: &Path, typed: &cli::Export) -> Result<Exit, Stopped> {
    let store = Store::open_reading(path).await?;
    let sessions = Session::all(path, &store).await?;
    let ids: Vec<String> = sessions.into_iter().map(|session| session.id).collect();
    let session = plan::session(&ids, typed.session.as_deref())?;
    // Of each session by itself: what is asked of answers and states is asked of the row's own.
    let mut views = BTreeMap::new();
    for id in ids.iter().map(String::as_str).filter(|id| session.is_empty() || *id == session).chain(
        // The event itself, and letters to all of its guests.
        session.is_empty().then_some(""),
    ) {
        store.look_at(id);
        let mut choice = Chosen::of_journal(&typed.only, &typed.named, &store).await?;
        if !id.is_empty() || ids.is_empty() {
            // Letters to all have no answers of their own.
            choice.know(&store).await?;
        }
        views.insert(id.to_owned(), choice);
    }
    store.look_at(&session);
    let returned = store.returned_mail().await?;
    let headings: Vec<&str> = HEADINGS.into_iter().chain((!ids.is_empty()).then_some(SESSION)).collect();
    let table = Table { store: &store, views: &views, returned: &returned, headings };
    if let cli::Format::Xlsx = typed.format {
        let Some(name) = &typed.out else {
            return Err(Stopped::Usage("a workbook is no text; name a file with --out".to_owned()));
        };
        return workbook(&table, name).await;
    }
    let out: Box<dyn Write + Send> = match &typed.out {
        Some(name) => {
            make_folder_of(name)?;
            Box::new(std::fs::File::create(name).map_err(|e| FileError::new("write", name, e))?)
        }
        None => Box::new(std::io::stdout()),
    };
    let mut out = BufWriter::new(out);
    match typed.format {
        cli::Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(&table.headings).map_err(of_csv)?;
            let mut after = 0;
            while let Some(page) = table.next(&mut after).await? {
                for row in &page {
                    csv.write_record(table.cells(row).iter().map(|c| harmless(c))).map_err(of_csv)?;
                }
            }
            csv.flush()?;
        }
        cli::Format::Json => {
            let mut separator = "[\n";
            let mut after = 0;
            while let Some(page) = table.next(&mut after).await? {
                for row in &page {
                    write!(out, "{separator}{}", table.json(row))?;
                    separator = ",\n";
                }
            }
            writeln!(out, "{}", if separator == "[\n" { "[]" } else { "\n]" })?;
        }
        cli::Format::Xlsx => {}
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What went wrong below: a reader who left is to be known as one.
fn of_csv(error: csv::Error) -> std::io::Error {
    if !error.is_io_error() {
        return std::io::Error::other(error);
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => std::io::ErrorKind::Other.into(),
    }
}

/// A workbook with the same cells; texts stay texts, so that nothing has to be made harmless.
async fn workbook(table: &Table<'_>, name: &Path) -> Result<Exit, Stopped> {
    let failed = |error: XlsxError| std::io::Error::other(error);
    let mut workbook = Workbook::new();
    let head = Format::new().set_bold();
    let sheet = workbook.add_worksheet_with_constant_memory().map_err(failed)?;
    sheet.set_name("convoke").map_err(failed)?;
    sheet.set_freeze_panes(1, 0).map_err(failed)?;
    for (column, heading) in (0..).zip(&table.headings) {
        sheet.write_string_with_format(0, column, *heading, &head).map_err(failed)?;
    }
    let (mut line, mut after) = (0, 0);
    while let Some(page) = table.next(&mut after).await? {
        for row in &page {
            line += 1;
            if line >= MOST_ROWS {
                let cure = "write --format csv, or choose some with --only";
                return Err(Stopped::Usage(format!("a workbook holds {} rows; {cure}", MOST_ROWS - 1)));
            }
            for ((column, cell), heading) in (0..).zip(table.cells(row)).zip(&table.headings) {
                let number = NUMBERS.contains(heading).then(|| cell.parse::<f64>().ok()).flatten();
                match number {
                    Some(number) => sheet.write_number(line, column, number),
                    None if cell.is_empty() => continue,
                    None => sheet.write_string(line, column, cell.chars().take(MOST_CHARACTERS).collect::<String>()),
                }
                .map_err(failed)?;
            }
        }
    }
    make_folder_of(name)?;
    let octets = workbook.save_to_buffer().map_err(failed)?;
    std::fs::write(name, octets).map_err(|e| FileError::new("write", name, e))?;
    Ok(Exit::Done)
}

fn make_folder_of(name: &Path) -> Result<(), FileError> {
    match name.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|e| FileError::new("make", folder, e)),
        None => Ok(()),
    }
}

/// What is written, whatever the format.
struct Table<'t> {
    store: &'t Store,
    /// What is meant of a session and known of its mailboxes, by its id; that of the event as a whole is empty.
    views: &'t BTreeMap<String, Chosen>,
    returned: &'t ReturnedMails,
    headings: Vec<&'static str>,
}

impl Table<'_> {
    /// The next rows that are meant; some pages are empty, `None` is the end.
    async fn next(&self, after: &mut i64) -> Result<Option<Vec<LedgerRow>>, Stopped> {
        let page = self.store.ledger_page(*after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = last.id;
        let is_meant = |row: &LedgerRow| {
            self.views.get(&row.session).is_some_and(|view| view.takes(row.recipient_id, &row.recipient))
        };
        Ok(Some(page.into_iter().filter(is_meant).collect()))
    }

    fn known(&self, row: &LedgerRow) -> KnownOf<'_> {
        let known = self.views.get(&row.session).and_then(Chosen::known);
        known.map(|known| known.of(row.recipient_id)).unwrap_or_default()
    }

    fn cells(&self, row: &LedgerRow) -> Vec<String> {
        let number = |n: Option<i64>| n.filter(|n| *n > 0).map(|n| n.to_string()).unwrap_or_default();
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let time = |t: Option<jiff::Timestamp>| t.map(|t| t.to_string()).unwrap_or_default();
        let known = self.known(row);
        let returned = self.returned.of(row.id, row.recipient_id);
        let class = Class::parse(&returned.class).filter(|_| row.standing == Standing::Bounced);
        let mut cells = vec![
            row.recipient.address.to_string(),
            row.recipient.entity.clone(),
            row.recipient.kind.to_string(),
            row.recipient.language.to_string(),
            row.standing.as_str().to_owned(),
            row.attempts.to_string(),
            time(row.due),
            text(&row.relay),
            number(row.code),
            text(&row.reply),
            text(&row.message_id),
            text(&row.uid),
            number(row.size),
            row.changed.to_string(),
            row.recipient.place.file.clone(),
            row.recipient.place.line.to_string(),
            row.purpose.to_string(),
            row.revision.to_string(),
            row.entry.map(|entry| entry.method.as_str().to_owned()).unwrap_or_default(),
            row.entry.map(|entry| entry.sequence.to_string()).unwrap_or_default(),
            row.entry.map(|entry| entry.partstat.as_str().to_owned()).unwrap_or_default(),
            answer_word(&known).to_owned(),
            number(Some(i64::from(known.persons))),
            time(known.answered),
            known.source.to_owned(),
            time(known.silent_since.filter(|_| !known.is_withdrawn)),
            if known.has_conflict { "yes".to_owned() } else { String::new() },
            returned.class,
            returned.diagnostic,
            class.map(cure).unwrap_or_default().to_owned(),
            returned.absent_until,
            number(i64::try_from(returned.triage).ok()),
            if returned.wants_call { "yes".to_owned() } else { String::new() },
            returned.proposes,
        ];
        if self.headings.len() > HEADINGS.len() {
            cells.push(row.session.clone());
        }
        cells
    }

    fn json(&self, row: &LedgerRow) -> Value {
        let mut object: Map<String, Value> =
            self.headings.iter().map(|h| (*h).to_owned()).zip(self.cells(row).into_iter().map(Value::String)).collect();
        let persons = Some(i64::from(self.known(row).persons));
        for (key, number) in [
            ("attempts", Some(i64::from(row.attempts))),
            ("code", row.code.filter(|c| *c > 0)),
            ("persons", persons),
            ("size_octets", row.size),
        ] {
            object.insert(key.to_owned(), number.map_or(Value::Null, Value::from));
        }
        object.insert("revision".to_owned(), Value::from(row.revision));
        let sequence = row.entry.map_or(Value::Null, |entry| Value::from(entry.sequence.number()));
        object.insert("sequence".to_owned(), sequence);
        object.insert("line".to_owned(), Value::from(row.recipient.place.line));
        object.insert("columns".to_owned(), serde_json::to_value(&row.recipient.cells).unwrap_or_default());
        Value::Object(object)
    }
}

/// What the entity answered; whoever was withdrawn or not reached is not silent.
fn answer_word(known: &KnownOf<'_>) -> &'static str {
    match known.answer {
        _ if known.is_withdrawn => "withdrawn",
        Participation::Silent if !known.is_reached => "",
        answer => answer.as_str(),
    }
}
