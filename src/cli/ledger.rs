//! Flags of verbs: what the journal says: `status`, `settle`, `export`, `report`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Named;

/// `convoke status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only messages in doubt, each with recipient, Message-ID, relay and time.
    #[arg(long)]
    pub in_doubt: bool,
    /// Shows it anew every two seconds, until Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `convoke settle`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("verdict").required(true).args(["sent", "resend"]))]
pub struct Settle {
    /// They arrived: never send them again.
    #[arg(long)]
    pub sent: bool,
    /// They did not arrive: send them again.
    #[arg(long)]
    pub resend: bool,
    /// Addresses or Message-IDs.
    #[arg(value_name = "WHICH", required_unless_present = "all")]
    pub which: Vec<String>,
    /// All that are in doubt.
    #[arg(long, conflicts_with = "which")]
    pub all: bool,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// Formats of `export`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// Comma-separated; cells that a spreadsheet would take for formulas are made harmless.
    Csv,
    /// An array of objects.
    Json,
    /// A workbook; needs --out.
    Xlsx,
}

/// `convoke export`.
#[derive(Debug, Args)]
pub struct Export {
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,
    /// Where to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    #[command(flatten)]
    pub named: Named,
}

/// `convoke report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The run's number; without it the last one.
    #[arg(long, value_name = "N")]
    pub run: Option<i64>,
    /// All runs together.
    #[arg(long, conflicts_with = "run")]
    pub all: bool,
    /// Who comes, who is silent, what is to be looked at, in place of runs.
    #[arg(long, conflicts_with_all = ["run", "all", "addresses"])]
    pub answers: bool,
    /// JSON on standard output; files only where --output names a folder.
    #[arg(long)]
    pub json: bool,
    /// Shows addresses whole; otherwise a…@domain.
    #[arg(long)]
    pub addresses: bool,
    /// Where to write instead of reports/.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}
