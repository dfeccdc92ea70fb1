//! Flags of verbs: letters to those who are invited: `remind`, `write`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use clap::Args;

use super::{Delivery, Named};

/// `convoke remind`.
#[derive(Debug, Args)]
pub struct Remind {
    /// Also writes to those who answered: a plain reminder without a calendar entry.
    #[arg(long)]
    pub everyone: bool,
    /// Nobody whom a message reached so lately: 12h, 3d. In place of `reminders.not_within`.
    #[arg(long, value_name = "TIME")]
    pub not_within: Option<String>,
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub named: Named,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    #[command(flatten)]
    pub delivery: Delivery,
}

/// `convoke write`.
#[derive(Debug, Args)]
pub struct Write {
    /// The letters of templates/NAME/; also what the mailing is called.
    pub name: String,
    /// Begins a new mailing of that name instead of going on with the last.
    #[arg(long)]
    pub again: bool,
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub named: Named,
    /// Only those who are invited to this session, by its id in convoke.toml; the letter then speaks of it.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    #[command(flatten)]
    pub delivery: Delivery,
}
