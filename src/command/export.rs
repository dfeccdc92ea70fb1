//! `convoke export`: deliveries for spreadsheets and programs.

use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value};

use crate::cli;
use crate::desk::export::{HEADINGS, harmless};
use crate::exit::{Exit, Stopped};
use crate::io::files::FileError;
use crate::io::store::{LedgerRow, Store};

const PAGE: usize = 1000;

pub(super) async fn run(path: &Path, typed: &cli::Export) -> Result<Exit, Stopped> {
    let store = Store::open_reading(path).await?;
    let out: Box<dyn Write + Send> = match &typed.out {
        Some(name) => {
            if let Some(folder) = name.parent().filter(|f| !f.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).map_err(|e| FileError::new("make", folder, e))?;
            }
            Box::new(std::fs::File::create(name).map_err(|e| FileError::new("write", name, e))?)
        }
        None => Box::new(std::io::stdout()),
    };
    let mut out = BufWriter::new(out);
    match typed.format {
        cli::Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(HEADINGS).map_err(std::io::Error::other)?;
            let mut after = 0;
            while let Some(page) = next(&store, &mut after).await? {
                for row in &page {
                    csv.write_record(cells(row).iter().map(|c| harmless(c))).map_err(std::io::Error::other)?;
                }
            }
            csv.flush()?;
        }
        cli::Format::Json => {
            let mut separator = "[\n";
            let mut after = 0;
            while let Some(page) = next(&store, &mut after).await? {
                for row in &page {
                    write!(out, "{separator}{}", json(row))?;
                    separator = ",\n";
                }
            }
            writeln!(out, "{}", if separator == "[\n" { "[]" } else { "\n]" })?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

async fn next(store: &Store, after: &mut i64) -> Result<Option<Vec<LedgerRow>>, Stopped> {
    let page = store.ledger_page(*after, PAGE).await?;
    if let Some(last) = page.last() {
        *after = last.id;
    }
    Ok(Some(page).filter(|page| !page.is_empty()))
}

fn cells(row: &LedgerRow) -> [String; 21] {
    let number = |n: Option<i64>| n.filter(|n| *n > 0).map(|n| n.to_string()).unwrap_or_default();
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    [
        row.recipient.address.to_string(),
        row.recipient.entity.clone(),
        row.recipient.kind.to_string(),
        row.recipient.language.to_string(),
        row.standing.as_str().to_owned(),
        row.attempts.to_string(),
        row.due.map(|t| t.to_string()).unwrap_or_default(),
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
    ]
}

fn json(row: &LedgerRow) -> Value {
    let mut object: Map<String, Value> =
        HEADINGS.iter().map(|h| (*h).to_owned()).zip(cells(row).map(Value::String)).collect();
    for (key, number) in
        [("attempts", Some(i64::from(row.attempts))), ("code", row.code.filter(|c| *c > 0)), ("size_octets", row.size)]
    {
        object.insert(key.to_owned(), number.map_or(Value::Null, Value::from));
    }
    object.insert("revision".to_owned(), Value::from(row.revision));
    object.insert("sequence".to_owned(), row.entry.map_or(Value::Null, |entry| Value::from(entry.sequence.number())));
    object.insert("line".to_owned(), Value::from(row.recipient.place.line));
    object.insert("columns".to_owned(), serde_json::to_value(&row.recipient.cells).unwrap_or_default());
    Value::Object(object)
}
