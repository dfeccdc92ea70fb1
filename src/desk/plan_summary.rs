//! A sealed plan as the second person reads it.
//!
//! What: [`plan_lines`] for the terminal, [`plan_json`] for programs, [`plan_head`] of the file that is handed round.
//! Not here: the seal (`plan`), the messages' lines, which are too many to be held (`command`). Called by: `command`.
//! Can fail: nothing.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::count;
use crate::input::event_file::EventFile;
use crate::plan::Sealed;

/// Letters that are listed on the terminal.
const LETTERS: usize = 30;

/// What stands around a plan and is not under its seal.
#[derive(Clone, Copy, Debug)]
pub struct Planner<'p> {
    /// Who made it.
    pub by: &'p str,
    /// The account of the operating system; may be empty.
    pub account: &'p str,
    /// When.
    pub made: Timestamp,
}

impl Planner<'_> {
    fn in_words(&self) -> String {
        let account = match self.account {
            "" => String::new(),
            account if account == self.by => String::new(),
            account => format!(" (account `{account}`)"),
        };
        let made = self.made.strftime("%Y-%m-%d %H:%M UTC");
        format!("planned by {}{account} on {made}", self.by)
    }
}

/// To be read before the seal is typed.
pub fn plan_lines(sealed: &Sealed, planner: Planner<'_>, file: &EventFile, forecast: &str) -> Vec<String> {
    let (plan, extent, event) = (sealed.plan(), sealed.extent(), &file.event);
    let words = |text: &crate::input::text::Text| text.in_language(&file.languages.default, &file.languages).to_owned();
    let (start, end) = (event.local_start, event.local_end);
    let mut lines = vec![
        format!("{}: {}, {}", plan.purpose, count(extent.messages, "message", "messages"), planner.in_words()),
        format!("  event      {}", words(&event.title)),
        format!("  place      {}", words(&event.place)),
        format!("  time       {} to {}, {}", start.strftime("%Y-%m-%d %H:%M"), clock(start, end), event.zone.name()),
        format!("  from       {} <{}>", words(&file.sender.name), file.sender.address),
        format!("  through    {}", plan.relays.join(", ")),
        format!("  selection  {}", if plan.only.is_empty() { "everybody".to_owned() } else { plan.only.join(" and ") }),
    ];
    // Each goes before those that were put there: the last first.
    for session in file.sessions.iter().rev() {
        let (at, title, place) = (session.event.local_start, words(&session.event.title), words(&session.event.place));
        lines.insert(4, format!("  session    {}: {title}, {place}, {}", session.id, at.strftime("%Y-%m-%d %H:%M")));
    }
    if !plan.lists.is_empty() {
        lines.push(format!("  lists      {}", plan.lists.join(", ")));
    }
    for (kind, languages) in &extent.recipients {
        let languages: Vec<String> = languages.iter().map(|(language, n)| format!("{language} {n}")).collect();
        lines.push(format!("  {kind:<10} {}", languages.join(", ")));
    }
    for (letter, n) in extent.letters.iter().take(LETTERS) {
        lines.push(format!("  {n:>8} {letter}"));
    }
    if extent.letters.len() > LETTERS {
        lines.push(format!("  … and {} more letters", extent.letters.len() - LETTERS));
    }
    if !forecast.is_empty() {
        lines.push(forecast.to_owned());
    }
    lines.push(format!("seal {}", sealed.seal()));
    lines
}

/// The end, with its day where that is another.
fn clock(start: jiff::civil::DateTime, end: jiff::civil::DateTime) -> String {
    let form = if start.date() == end.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    end.strftime(form).to_string()
}

/// The same for a program.
pub fn plan_json(sealed: &Sealed, planner: Planner<'_>) -> Value {
    let (plan, extent) = (sealed.plan(), sealed.extent());
    json!({
        "seal": sealed.seal(),
        "purpose": plan.purpose,
        "revision": plan.revision,
        "messages": extent.messages,
        "letters": extent.letters,
        "recipients": extent.recipients,
        "relays": plan.relays,
        "only": plan.only,
        "lists": plan.lists,
        "planned_by": planner.by,
        "account": planner.account,
        "made": planner.made.to_string(),
    })
}

/// The beginning of a plan's file: what is under the seal, the seal, and how both are checked; the messages' lines follow.
pub fn plan_head(sealed: &Sealed, planner: Planner<'_>, forecast: &str) -> String {
    let mut text = sealed.lines();
    text.push_str(&format!("seal {}\n\n", sealed.seal()));
    let planned = planner.in_words();
    for line in [
        planned.as_str(),
        forecast,
        "The lines above `seal` are what is sealed, and hold the digest of the lines `message` below:",
        "  sed '/^seal /,$d' FILE | sha256sum         gives the seal",
        "  grep '^message ' FILE | sha256sum          gives the digest after `messages`",
        "A message's digest is SHA-256 of its octets without signatures, at the Date of the revision.",
    ] {
        if !line.is_empty() {
            text.push_str(&format!("# {line}\n"));
        }
    }
    text.push('\n');
    text
}
