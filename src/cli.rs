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
    /// Seals the invitations that would be sent, for a second person to approve; sends nothing.
    #[command(
        after_help = "Examples:\n  convoke plan --out plan.txt\n  convoke plan --only kind=ngo --by \"Ana Paz\"\n\n\
                      Other mail is sealed by its own command: convoke update --seal, convoke cancel --all --seal, ..."
    )]
    Plan(Plan),
    /// Lets the sealed plan be sent, where convoke.toml asks for a second person.
    #[command(after_help = "Examples:\n  convoke approve\n  convoke approve --by \"Berta Lind\" --seal 5d41402a")]
    Approve(Approve),
    /// Tells everybody who was sent the invitation what has changed in convoke.toml or in the calendar texts.
    #[command(
        after_help = "Examples:\n  convoke update --dry-run            what has changed, and who would be told\n  \
                            convoke update --note \"The room was too small.\"\n  convoke update --as wording --yes 195"
    )]
    Update(Update),
    /// Calls the event off, or takes single invitations back.
    #[command(after_help = "Examples:\n  convoke cancel --all --reason \"The minister is ill.\"\n  \
                            convoke cancel --entity \"Mission of Utopia\"\n  convoke cancel --gone     those who left the lists")]
    Cancel(Cancel),
    /// Invites again those who were told that it does not take place.
    #[command(after_help = "Examples:\n  convoke reinstate --all\n  convoke reinstate --to un@mission.example")]
    Reinstate(Reinstate),
    /// Reminds the silent, each with the very calendar entry that they were sent.
    #[command(
        after_help = "Examples:\n  convoke remind --dry-run            who would be reminded, who not, and why\n  \
                            convoke remind --only kind=mission\n  convoke remind --everyone --not-within 12h\n\n\
                            An entity is reminded as a whole: one answer of any of its mailboxes is enough. Nobody is\n\
                            reminded twice within `[reminders] not_within`. Run again, it goes on where it was stopped."
    )]
    Remind(Remind),
    /// Writes a letter without a calendar entry: thanks, practical notes.
    #[command(
        after_help = "Examples:\n  convoke write thanks --only answer=accepted\n  convoke write thanks --dry-run\n  \
                            convoke write programme --again\n\n\
                            The letters stand in templates/NAME/. Run again, it goes on where it was stopped and adds\n\
                            whoever has come since; nobody gets the same mailing twice."
    )]
    Write(Write),
    /// Shows deliveries by kind, and what needs a decision.
    #[command(after_help = "Examples:\n  convoke status\n  convoke status --in-doubt --json")]
    Status(Status),
    /// Decides about messages in doubt: they were sent, or they are to be sent again.
    #[command(
        after_help = "Examples:\n  convoke settle --sent un@mission.example --reason \"they confirmed by telephone\"\n  \
                            convoke settle --resend --all"
    )]
    Settle(Settle),
    /// Records an answer given by telephone, by letter or in person; without one, shows what an entity answered.
    #[command(after_help = "Examples:\n  convoke note liechtenstein --accepted --persons 2 --by telephone\n  \
                            convoke note un@mission.example --declined --by letter --at 2027-06-01 --comment \"regrets\"\n  \
                            convoke note liechtenstein        what it answered, and what holds\n  \
                            convoke note --from answers.csv   columns entity, answer, persons, comment")]
    Note(Note),
    /// Writes deliveries and answers as CSV, JSON or XLSX.
    #[command(
        after_help = "Examples:\n  convoke export > deliveries.csv\n  convoke export --format json --out reports/deliveries.json\n  \
                      convoke export --only answer=silent --format xlsx --out silent.xlsx"
    )]
    Export(Export),
    /// Reads mail that came back and records it; or says of a message what it is taken for and why.
    #[command(
        after_help = "Examples:\n  convoke replies                                     from the sources in convoke.toml\n  \
                      convoke replies --from imaps://rsvp@host.example/INBOX --watch\n  \
                      convoke replies --from maildir:returned mbox:old.mbox --dry-run\n  \
                      convoke replies --check\n  \
                      |convoke -C gala replies --from -                in a .forward or Sieve pipe: one message\n  \
                      convoke replies --explain strange.eml\n  \
                      convoke replies --explain --json mails/ | jq .kind\n  convoke replies --explain - < strange.eml"
    )]
    Replies(Replies),
    /// Decides about mail that came back and that no rule decides: letters, unsure answers, proposals.
    #[command(after_help = "Examples:\n  convoke triage                        one after the other, one key each\n  \
                      convoke triage --list\n  convoke triage 12 --accepted --persons 2\n  \
                      convoke triage 13 --declined --entity kenya\n  convoke triage 14 --none\n\n\
                      An answer that is decided here is a note of yours, with the message as its evidence.")]
    Triage(Triage),
    /// Writes what a run did, as a page to look at and as JSON.
    #[command(after_help = "Examples:\n  convoke report                  of the last run, into reports/\n  \
                      convoke report --run 3 --json\n  convoke report --all --addresses --output private\n  convoke report --answers        who comes, who is silent")]
    Report(Report),
    /// Says whether we can send at all, and read what returns: journal, disk, clock, relays, reply mailboxes.
    #[command(after_help = "Examples:\n  convoke doctor                     looks, and sends nothing\n  \
                            convoke doctor --self-test --yes 1  one message to our own mailbox, by a plus address\n  \
                            convoke doctor --json | jq '.checks[] | select(.grade != \"ok\")'\n\n\
                            The first fault gives the exit code; warnings alone end with 0.")]
    Doctor(Doctor),
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
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    /// Only this entity, by its whole name; may stand several times.
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
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
    /// Only rows that meet this: COLUMN=VALUE, COLUMN!=VALUE, COLUMN~TEXT; several must all hold.
    #[arg(long, value_name = "CONDITION")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub named: Named,
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
    #[command(flatten)]
    pub delivery: Delivery,
}

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
    #[command(flatten)]
    pub delivery: Delivery,
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
    /// A workbook; needs --out.
    Xlsx,
}

/// Whom, wherever somebody can be chosen by name.
#[derive(Clone, Debug, Default, Args)]
pub struct Named {
    /// Only this entity, by its whole name; may stand several times.
    #[arg(long, value_name = "NAME")]
    pub entity: Vec<String>,
    /// Only this mailbox; may stand several times.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
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
    #[command(flatten)]
    pub named: Named,
}

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
    #[command(flatten)]
    pub delivery: Delivery,
}

/// `convoke note`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("answer").args(["accepted", "declined", "tentative", "delegated", "no_answer"]))]
pub struct Note {
    /// A part of the name that no other entity has, or one of its addresses.
    #[arg(value_name = "ENTITY", required_unless_present = "from")]
    pub who: Option<String>,
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
