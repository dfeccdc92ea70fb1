//! What was typed: verbs and flags with their help. What is meant by them is `settings`'.
//!
//! What: [`Cli`], [`Verb`], and what several families of verbs share; the flags of each family stand in a file of its own.
//! Not here: what is meant (`settings`), what is done (`command`). Called by: `main`, `command`. Can fail: with clap's words.

mod answers;
mod before;
mod ledger;
mod letters;
mod life;
mod sending;
mod speakers;
mod tools;

use std::path::PathBuf;

pub use answers::{Note, Replies, Suppress, Triage};
pub use before::{Check, Doctor, New, Preview};
use clap::{Args, Parser, Subcommand};
pub use ledger::{Export, Format, Report, Settle, Status};
pub use letters::{Remind, Write};
pub use life::{Amendment, Cancel, Reinstate, Update, Who};
pub use sending::{Approve, Delivery, Plan, Send};
pub use speakers::{Speakers, SpeakersAct, SpeakersAdd, SpeakersDraw, SpeakersMove, SpeakersShow, SpeakersWithdraw};
pub use tools::{Completions, Manual, Sandbox};

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
