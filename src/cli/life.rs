//! Flags of verbs: what becomes of the event: `update`, `cancel`, `reinstate`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use clap::{Args, ValueEnum};

use super::{Delivery, Lists, Named};

/// How far an amendment goes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Amendment {
    /// A slip of the pen: nobody is written to, those who are invited later get it right.
    Typo,
    /// Everybody is told, answers stay.
    Wording,
    /// Everybody is told and asked again.
    Material,
}

/// `convoke update`.
#[derive(Debug, Args)]
pub struct Update {
    /// What the change is taken for, whatever is proposed.
    #[arg(long = "as", value_name = "KIND", value_enum)]
    pub kind: Option<Amendment>,
    /// A sentence for the letters, which print it as {{message.note}}.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold. The others are told by a
    /// later `update`.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub lists: Lists,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    #[command(flatten)]
    pub delivery: Delivery,
}

/// Whom a cancellation or its end concerns.
#[derive(Clone, Debug, Default, Args)]
pub struct Who {
    /// Everybody: the event itself.
    #[arg(long, group = "who")]
    pub all: bool,
    /// Rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION", group = "who")]
    pub only: Vec<String>,
    /// An entity, with all its mailboxes.
    #[arg(long, value_name = "NAME", group = "who")]
    pub entity: Vec<String>,
    /// A mailbox.
    #[arg(long, value_name = "ADDRESS", group = "who")]
    pub to: Vec<String>,
}

/// `convoke cancel`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).multiple(true))]
pub struct Cancel {
    #[command(flatten)]
    pub who: Who,
    /// Mailboxes that hold the invitation and are on no list any more.
    #[arg(long, group = "who", conflicts_with_all = ["all", "only", "entity", "to"])]
    pub gone: bool,
    /// Why: the letters print it as {{message.note}}.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub lists: Lists,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    #[command(flatten)]
    pub delivery: Delivery,
}

/// `convoke reinstate`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).multiple(true))]
pub struct Reinstate {
    #[command(flatten)]
    pub who: Who,
    /// A sentence for the letters, which print it as {{message.note}}.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    #[command(flatten)]
    pub lists: Lists,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    #[command(flatten)]
    pub delivery: Delivery,
}
