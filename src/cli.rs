//! What was typed: verbs and flags with their help. What is meant by them is `settings`'.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Invites by personal e-mail with a calendar invitation each, and keeps the ledger of who was reached.
#[derive(Debug, Parser)]
#[command(
    name = "convoke",
    version,
    arg_required_else_help = true,
    propagate_version = true,
    long_about = "Invites by personal e-mail with a calendar invitation each, and keeps the ledger of who was reached.\n\n\
                  One folder is one event: convoke.toml, recipients/ and templates/. With no relay configured everything \
                  goes to a built-in sandbox and nothing leaves this machine.",
    after_help = "Examples:\n  convoke new gala            a commented event folder to start from\n  \
                  convoke check               read everything, report all problems, send nothing\n  \
                  convoke preview             look at every message before it is sent\n  \
                  convoke send                invite whoever has not been invited yet\n  \
                  convoke status              who was reached, who was not\n\n\
                  Exit codes: 0 done, 1 done with refusals or doubts, 64 usage, 65 data, 69 relay unreachable,\n\
                  74 input/output, 75 try again, 78 configuration."
)]
pub struct Cli {
    /// The event folder.
    #[arg(short = 'C', long = "folder", value_name = "DIR", global = true, default_value = ".")]
    pub folder: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Writes a commented event folder to start from.
    #[command(after_help = "Example:\n  convoke new gala && cd gala && convoke check")]
    New(New),
    /// Reads everything, renders every message in memory, reports all problems; sends nothing.
    #[command(after_help = "Examples:\n  convoke check\n  convoke check --recipients late.csv --json\n  \
                            convoke check --coverage recipients/reference/un-members.csv")]
    Check(Check),
    /// Writes every message as .eml and pages to look at; or prints one.
    #[command(after_help = "Examples:\n  convoke preview\n  convoke preview --only kind=ngo --limit 20\n  \
                            convoke preview --to un@mission.example\n  \
                            convoke preview --to un@mission.example --raw > message.eml\n  \
                            convoke preview --out after --against preview")]
    Preview(Preview),
    /// Sends the invitation to whoever has not had it; run again, it resumes.
    #[command(
        after_help = "Examples:\n  convoke send                        to the sandbox, if no relay is configured\n  \
                      convoke send --dry-run              everything but the sending\n  \
                      convoke send --test-to me@host.example   one message of each template, to you\n  \
                      convoke send --only kind=ngo --limit 10\n  \
                      convoke send --relay smtps://user@smtp.host.example --rate 30/min --yes 195\n\n\
                      Ctrl-C once: finish what is in flight, record it, stop. Twice: stop now."
    )]
    Send(Send),
    /// Seals what would be sent, for a second person to approve; sends nothing.
    #[command(after_help = "Examples:\n  convoke plan --out plan.txt\n  convoke plan --only kind=ngo --by \"Ana Paz\"")]
    Plan(Plan),
    /// Lets the sealed plan be sent, where convoke.toml asks for a second person.
    #[command(after_help = "Examples:\n  convoke approve\n  convoke approve --by \"Berta Lind\" --seal 5d41402a")]
    Approve(Approve),
    /// Shows deliveries by kind, and what needs a decision.
    #[command(after_help = "Examples:\n  convoke status\n  convoke status --in-doubt --json")]
    Status(Status),
    /// Decides about messages in doubt: they were sent, or they are to be sent again.
    #[command(
        after_help = "Examples:\n  convoke settle --sent un@mission.example --reason \"they confirmed by telephone\"\n  \
                            convoke settle --resend --all"
    )]
    Settle(Settle),
    /// Writes deliveries as CSV or JSON.
    #[command(
        after_help = "Examples:\n  convoke export > deliveries.csv\n  convoke export --format json --out reports/deliveries.json"
    )]
    Export(Export),
    /// Writes what a run did, as a page to look at and as JSON.
    #[command(after_help = "Examples:\n  convoke report                  of the last run, into reports/\n  \
                      convoke report --run 3 --json\n  convoke report --all --addresses --output private")]
    Report(Report),
    /// Keeps the list of addresses that must not be written to.
    #[command(after_help = "Examples:\n  convoke suppress ana@host.example --reason \"asked by telephone\"\n  \
                      convoke suppress --from unsubscribed.csv --unsubscribed\n  convoke suppress --list\n  \
                      convoke suppress --remove ana@host.example")]
    Suppress(Suppress),
    /// Keeps the informal speaking list: who asked for the floor, and in which order they get it.
    #[command(
        after_help = "Examples:\n  convoke speakers\n  convoke speakers add Chile --speaker \"H.E. Ms. Ana Paz\" --rank minister --by phone\n  \
                      convoke speakers move Chile --before Kenya --reason \"leaves at four\"\n  \
                      convoke speakers withdraw Chile\n  convoke speakers show --from 15:20 --out reports/speakers.html"
    )]
    Speakers(Speakers),
    /// Runs the built-in receiver alone, for trying other programs; it takes everything and sends nothing on.
    #[command(after_help = "Example:\n  convoke sandbox --listen 127.0.0.1:2525 --outbox /tmp/outbox")]
    Sandbox(Sandbox),
    /// Prints the completions of a shell.
    #[command(after_help = "Example:\n  convoke completions bash > ~/.local/share/bash-completion/completions/convoke")]
    Completions(Completions),
    /// Writes the manual pages into a folder.
    #[command(after_help = "Example:\n  convoke manual ~/.local/share/man/man1")]
    Manual(Manual),
}

/// `convoke new`.
#[derive(Debug, Args)]
pub struct New {
    /// A folder that does not exist yet, or is empty.
    pub dir: PathBuf,
}

/// Which lists, wherever lists are read.
#[derive(Clone, Debug, Default, Args)]
pub struct Lists {
    /// Lists of recipients in place of those in convoke.toml.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub recipients: Vec<PathBuf>,
    /// Leaves out rows that are refused instead of stopping.
    #[arg(long)]
    pub skip_refused: bool,
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
    /// Only rows with this value in this column; several must all hold.
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub only: Vec<String>,
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
    /// With --to: the message as it would leave, octet by octet.
    #[arg(long, requires = "to")]
    pub raw: bool,
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "write a number from 1".to_owned())
}

/// `convoke plan`.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub lists: Lists,
    /// Only rows with this value in this column; several must all hold.
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub only: Vec<String>,
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

/// `convoke send`.
#[derive(Debug, Default, Args)]
pub struct Send {
    #[command(flatten)]
    pub lists: Lists,
    /// Does everything but the sending.
    #[arg(long)]
    pub dry_run: bool,
    /// At most so many messages in this run.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Only rows with this value in this column; several must all hold.
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub only: Vec<String>,
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

/// `convoke speakers`.
#[derive(Debug, Args)]
pub struct Speakers {
    #[command(subcommand)]
    pub act: Option<SpeakersAct>,
}

/// What is done with the speaking list; without one it is shown.
#[derive(Debug, Subcommand)]
pub enum SpeakersAct {
    /// Shows the list, or writes a page to print.
    Show(SpeakersShow),
    /// Puts somebody on the list; once more changes what is known of the speaker and keeps the place.
    Add(SpeakersAdd),
    /// Takes somebody off the list.
    Withdraw(SpeakersWithdraw),
    /// Moves somebody against the rule, with a reason that the list shows.
    Move(SpeakersMove),
    /// Draws lots; the seed is kept, so that anybody can repeat it.
    Draw(SpeakersDraw),
}

/// `convoke speakers show`.
#[derive(Debug, Default, Args)]
pub struct SpeakersShow {
    /// Writes a page to print.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub out: Option<PathBuf>,
    /// When the first has the floor, such as 15:10; without it the event's start.
    #[arg(long, value_name = "HH:MM")]
    pub from: Option<String>,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// `convoke speakers add`.
#[derive(Debug, Args)]
pub struct SpeakersAdd {
    /// The entity, as the lists name it or a part of its name that no other has.
    #[arg(value_name = "ENTITY")]
    pub entity: String,
    /// Who will speak.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub speaker: String,
    /// The speaker's rank, such as minister or permanent representative.
    #[arg(long, value_name = "RANK", default_value = "")]
    pub rank: String,
    /// Minutes, where they are not the list's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=120))]
    pub minutes: Option<u32>,
    /// When they asked, at the event's place: 2017-09-18T10:30; without it now.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How they asked: phone, mail, ...
    #[arg(long, value_name = "HOW", default_value = "")]
    pub by: String,
    /// Takes an entity that is on none of the lists.
    #[arg(long)]
    pub guest: bool,
}

/// `convoke speakers withdraw`.
#[derive(Debug, Args)]
pub struct SpeakersWithdraw {
    /// Who is on the list.
    #[arg(value_name = "ENTITY")]
    pub entity: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

/// `convoke speakers move`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true).args(["to", "before"]))]
pub struct SpeakersMove {
    /// Who is on the list.
    #[arg(value_name = "ENTITY")]
    pub entity: String,
    /// To this position, counted from 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub to: Option<u32>,
    /// Directly before this one.
    #[arg(long, value_name = "ENTITY")]
    pub before: Option<String>,
    /// Why; the list shows it.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `convoke speakers draw`.
#[derive(Debug, Args)]
pub struct SpeakersDraw {
    /// Any text, such as one that the bureau agreed on; without it chance makes one.
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
}

/// `convoke sandbox`.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Loopback address and port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2525")]
    pub listen: std::net::SocketAddr,
    /// The Maildir that takes the messages.
    #[arg(long, value_name = "DIR", default_value = "outbox")]
    pub outbox: PathBuf,
}

/// `convoke completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell.
    pub shell: clap_complete::Shell,
}

/// `convoke manual`.
#[derive(Debug, Args)]
pub struct Manual {
    /// Where to write.
    pub dir: PathBuf,
}
