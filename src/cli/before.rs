//! Flags of verbs: before anything is sent: `new`, `check`, `doctor`, `preview`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use std::path::PathBuf;

use clap::Args;

use super::{Amendment, Lists};

/// `convoke new`.
#[derive(Debug, Args)]
pub struct New {
    /// A folder that does not exist yet, or is empty.
    pub dir: PathBuf,
}

/// `convoke check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub lists: Lists,
    /// Says who of reference lists is missing, twice or under an old name; without a file, of that in convoke.toml.
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub coverage: Option<Vec<PathBuf>>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `convoke doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Sends one message to our own mailbox, to an address with a plus sign, and looks for it where answers are read.
    #[arg(long)]
    pub self_test: bool,
    /// How long it is looked for.
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "self_test")]
    pub wait: String,
    /// Does not ask before it is sent: 1.
    #[arg(long, value_name = "COUNT", requires = "self_test")]
    pub yes: Option<u64>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `convoke preview`.
#[derive(Debug, Args)]
pub struct Preview {
    #[command(flatten)]
    pub lists: Lists,
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = "preview")]
    pub out: PathBuf,
    /// Prints the message to this address instead.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<String>,
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    /// Only this entity, by its whole name; may stand several times.
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// At most so many messages.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Lists every message; otherwise, of more than 1000, the first 20 of each kind and language.
    #[arg(long, conflicts_with = "to")]
    pub all: bool,
    /// Lists the first N of each kind and language; all are written.
    #[arg(long, value_name = "N", conflicts_with_all = ["all", "to"], value_parser = positive)]
    pub sample: Option<usize>,
    /// Shows what is different from the messages in this folder, which an earlier preview wrote.
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    pub against: Option<PathBuf>,
    /// The letters of `update`, each beside what its reader was sent last; so by itself where the event has changed since.
    #[arg(long)]
    pub update: bool,
    /// What the change is taken for, whatever is proposed; as with `update`.
    #[arg(long = "as", value_name = "KIND", value_enum)]
    pub kind: Option<Amendment>,
    /// The sentence of `update --note`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    /// With --to: the message as it would leave, octet by octet.
    #[arg(long, requires = "to")]
    pub raw: bool,
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "write a number from 1".to_owned())
}
