//! Flags of verbs: what every verb that sends shares, `send`, and the two people of `plan` and `approve`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use std::path::PathBuf;

use clap::Args;

use super::{Lists, Named};

/// How messages leave, wherever some do.
#[derive(Clone, Debug, Default, Args)]
pub struct Delivery {
    /// Does everything but the sending.
    #[arg(long)]
    pub dry_run: bool,
    /// Seals what would leave, for a second person to approve; sends nothing.
    #[arg(long, conflicts_with_all = ["dry_run", "test_to", "limit", "yes"])]
    pub seal: bool,
    /// With --seal: who makes the plan; without it the user of this machine.
    #[arg(long, value_name = "NAME", requires = "seal")]
    pub by: Option<String>,
    /// With --seal: writes the plan into a file, to be handed to the second person; addresses are masked.
    #[arg(long, value_name = "FILE", requires = "seal")]
    pub out: Option<PathBuf>,
    /// At most so many messages in this run.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Sends one message of each template to this address; the journal is not touched.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "dry_run")]
    pub test_to: Option<String>,
    /// Another relay than convoke.toml names: smtps://user@host, smtp://user@host:port (STARTTLS; plain only to loopback).
    #[arg(long, value_name = "URL")]
    pub relay: Option<String>,
    /// Connections open at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub connections: Option<u32>,
    /// Messages in a period, such as 10/s, 30/min or 1000/h.
    #[arg(long, value_name = "RATE")]
    pub rate: Option<String>,
    /// Does not ask before sending through a relay, if exactly so many messages are to leave.
    #[arg(long, value_name = "COUNT")]
    pub yes: Option<u64>,
    /// Appends a JSON line for each attempt to this file; addresses are masked.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Ends instead of waiting for deferred messages to be due again.
    #[arg(long)]
    pub no_wait: bool,
    /// One JSON object at the end.
    #[arg(long)]
    pub json: bool,
}

/// `convoke send`.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    pub lists: Lists,
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

/// `convoke plan`.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub lists: Lists,
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub named: Named,
    /// Only this session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Another relay than convoke.toml names; `send` is to have the same.
    #[arg(long, value_name = "URL")]
    pub relay: Option<String>,
    /// Who makes the plan; without it the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Writes the plan into a file, to be handed to the second person: addresses are masked.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `convoke approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// Who approves; without it the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The seal of the plan, or its first 8 characters or more; otherwise it is asked for.
    #[arg(long, value_name = "SEAL")]
    pub seal: Option<String>,
    /// One JSON object.
    #[arg(long, requires = "seal")]
    pub json: bool,
}
