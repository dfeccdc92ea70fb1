//! Flags of verbs: what comes back: `replies`, `triage`, `note`, `suppress`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use std::path::PathBuf;

use clap::Args;

/// `convoke replies`.
#[derive(Debug, Args)]
pub struct Replies {
    /// Where to read in place of convoke.toml's sources: imaps://user@host/INBOX, imap:// (STARTTLS; plain only to
    /// loopback), maildir:DIR, mbox:FILE, a message or a folder of them, or `-`.
    #[arg(long, value_name = "SOURCE", num_args = 1.., conflicts_with = "explain")]
    pub from: Vec<String>,
    /// Goes on and records what comes in, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["explain", "dry_run"])]
    pub watch: bool,
    /// Does everything but recording and moving.
    #[arg(long, conflicts_with = "explain")]
    pub dry_run: bool,
    /// Logs in and says what the sources are like; reads no message.
    #[arg(long, conflicts_with_all = ["explain", "watch", "dry_run"])]
    pub check: bool,
    /// Shows what each message is taken for; touches no journal.
    #[arg(long, requires = "files")]
    pub explain: bool,
    /// One JSON object a line for each message.
    #[arg(long)]
    pub json: bool,
    /// With --explain: messages (.eml), folders of them, or `-` for standard input.
    #[arg(value_name = "FILE", requires = "explain")]
    pub files: Vec<PathBuf>,
}

/// `convoke triage`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("decision")
    .args(["accepted", "tentative", "delegated", "declined", "bounce", "unsubscribe", "speaker", "call", "none"]))]
pub struct Triage {
    /// The number of one message.
    #[arg(value_name = "NUMBER")]
    pub card: Option<i64>,
    /// Shows what waits.
    #[arg(long, conflicts_with = "decision")]
    pub list: bool,
    /// One JSON object a line for each message that waits.
    #[arg(long, conflicts_with = "decision")]
    pub json: bool,
    /// They come.
    #[arg(long)]
    pub accepted: bool,
    /// They may come.
    #[arg(long)]
    pub tentative: bool,
    /// They send somebody else.
    #[arg(long)]
    pub delegated: bool,
    /// They do not come.
    #[arg(long)]
    pub declined: bool,
    /// It says that the message was not delivered.
    #[arg(long)]
    pub bounce: bool,
    /// They want no mail.
    #[arg(long)]
    pub unsubscribe: bool,
    /// They ask for the floor.
    #[arg(long)]
    pub speaker: bool,
    /// They ask to be called; `status` names them until `note` records what was said.
    #[arg(long)]
    pub call: bool,
    /// It says nothing that concerns the event.
    #[arg(long)]
    pub none: bool,
    /// To which session an answer is, where the message does not say it.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// How many come.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub persons: Option<u32>,
    /// Whose it is, where nobody knows: a part of the name that no other entity has, or one of its addresses.
    #[arg(long, value_name = "ENTITY")]
    pub entity: Option<String>,
    /// Who will speak, with --speaker.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub name: String,
    /// A remark in the place of the message's own words.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
}

/// `convoke note`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("answer").args(["accepted", "declined", "tentative", "delegated", "no_answer"]))]
pub struct Note {
    /// A part of the name that no other entity has, or one of its addresses.
    #[arg(value_name = "ENTITY", required_unless_present = "from")]
    pub who: Option<String>,
    /// To which session, by its id in convoke.toml.
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// It will come.
    #[arg(long)]
    pub accepted: bool,
    /// It will not come.
    #[arg(long)]
    pub declined: bool,
    /// It may come.
    #[arg(long)]
    pub tentative: bool,
    /// It sends somebody else.
    #[arg(long)]
    pub delegated: bool,
    /// It has not answered after all: what was said before counts no longer.
    #[arg(long)]
    pub no_answer: bool,
    /// How many come, of the whole entity.
    #[arg(long, value_name = "N", requires = "answer", conflicts_with_all = ["declined", "no_answer"],
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub persons: Option<u32>,
    /// By which way it came: phone, letter, person, or any word.
    #[arg(long, value_name = "WAY")]
    pub by: Option<String>,
    /// When it was said, if not now: 2027-06-01, "2027-06-01 14:30", 14:30.
    #[arg(long, value_name = "TIME", requires = "answer")]
    pub at: Option<String>,
    /// In their words.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// Many at once: a table with the columns entity (or email), answer, persons, comment, by, at.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["who", "answer", "persons", "at"])]
    pub from: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `convoke suppress`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["addresses", "from", "list"]))]
pub struct Suppress {
    /// Addresses that must not be written to.
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Addresses in a file: one a line, or a CSV with an `email` column.
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    pub from: Option<PathBuf>,
    /// Shows the list.
    #[arg(long, conflicts_with_all = ["addresses", "from", "remove", "unsubscribed"])]
    pub list: bool,
    /// Takes the addresses off the list; what was held back for them is sent again.
    #[arg(long)]
    pub remove: bool,
    /// They asked for it themselves.
    #[arg(long, conflicts_with = "remove")]
    pub unsubscribed: bool,
    /// Why, for the list.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}
