//! `convoke remind`: the silent are asked again, with the very calendar object that they were sent.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::chosen::Chosen;
use super::letters::{Typed, Writing};
use super::mailing::in_folder;
use crate::calendar::PartStat;
use crate::cli;
use crate::desk::count;
use crate::exit::{Exit, Stopped};
use crate::input::event_file::whole_file;
use crate::input::problem::Problem;
use crate::input::reminders::{AnswerMode, parse_within};
use crate::io::clock;
use crate::io::store::{Entity, Mailbox, Pick};
use crate::plan::{Participation, Purpose, Status};

pub(super) async fn run(path: &Path, typed: &cli::Remind) -> Result<Exit, Stopped> {
    let delivery = &typed.delivery;
    let writing = Writing::open(path, Purpose::Reminder, "", typed.session.as_deref(), delivery).await?;
    let file = &writing.folder.file;
    let not_within = match &typed.not_within {
        None => file.reminders.not_within,
        Some(text) => parse_within(text)
            .ok_or_else(|| Stopped::Usage(format!("--not-within `{text}` is no duration; write 12h or 3d")))?,
    };
    // Where silence means presence nobody is asked, session by session.
    let sessions = writing.sessions();
    let parts = writing.settled.parts.iter().filter(|part| sessions.iter().any(|id| id == part.session()));
    let parts: Vec<_> = parts
        .filter(|part| typed.everyone || part.file.event.answers != AnswerMode::RegretsOnly)
        .map(|part| (part.session().to_owned(), part.file.event.answers, part.history.current().number))
        .collect();
    if parts.is_empty() && !sessions.is_empty() {
        say_presence(path, delivery.json);
        return Ok(Exit::Done);
    }
    if !writing.folder.library.has_letters(Purpose::Reminder.as_str()) {
        let fault = "there is no letter to remind with";
        let cure = format!("write {}/reminder/default.en.md.hbs or the like", file.templates.folder);
        return Err(Stopped::Configuration(vec![Problem::new(whole_file(), fault, cure)]));
    }
    let conditions = Typed::of(&typed.only, &typed.named);
    let chosen = writing.chosen(&conditions).await?;
    let now = clock::now();
    let since = now.checked_sub(not_within).unwrap_or(Timestamp::MIN);
    let (mut surveys, mut overtaken) = (Vec::new(), 0);
    for (session, mode, revision) in parts {
        writing.store.look_at(&session);
        let mut survey = Survey { everyone: typed.everyone, mode, since, session, revision, ..Survey::default() };
        writing.store.each_entity(!chosen.is_everybody(), |entity| survey.take(&entity, &chosen)).await?;
        let now_ms = now.as_millisecond();
        overtaken += writing.store.take_back_reminders(&survey.asked, &survey.invited, now_ms).await?;
        surveys.push(survey);
    }
    writing.store.look_at(&writing.session);
    // What was planned goes first; whoever is due besides is found by the next run.
    let open = writing.store.open_mailing(Purpose::Reminder).await?;
    let picks: Vec<Pick> = match open {
        Some(_) => Vec::new(),
        None => surveys.iter().flat_map(|survey| survey.picks.iter().copied()).collect(),
    };
    if !delivery.json {
        if overtaken > 0 {
            println!("{} taken back: answered meanwhile, or no longer due", count(overtaken, "reminder", "reminders"));
        }
        match &open {
            Some(mailing) => {
                let conditions = Typed::parse(&mailing.selection).in_words();
                println!("the reminder of {:.0} goes on first {conditions}", mailing.planned);
            }
            None => surveys.iter().for_each(|survey| survey.say(not_within)),
        }
    }
    if open.is_none() && picks.is_empty() {
        if delivery.json {
            println!("{}", json!({ "sent": 0, "reminder": in_json(&surveys) }));
        } else {
            println!("nobody is to be reminded; nothing was sent");
        }
        return Ok(Exit::Done);
    }
    writing.send(open.as_ref(), &conditions, &picks).await
}

fn say_presence(path: &Path, as_json: bool) {
    let why = "answers = \"regrets-only\": silence means presence, so nobody is to be asked";
    if as_json {
        println!("{}", json!({ "sent": 0, "why": why }));
    } else {
        println!("{why}; `convoke {}remind --everyone` sends a plain reminder", in_folder(path));
    }
}

/// Of an event without sessions the one survey; else each by its session.
fn in_json(surveys: &[Survey]) -> Value {
    match surveys {
        [one] if one.session.is_empty() => one.json(),
        many => many.iter().map(|survey| (survey.session.clone(), survey.json())).collect(),
    }
}

/// Who is to be reminded, and why others are not. All counts are of entities.
#[derive(Default)]
struct Survey {
    /// The session; empty for the event itself.
    session: String,
    /// The state of it that holds.
    revision: u32,
    everyone: bool,
    mode: AnswerMode,
    /// Whoever was reached after it is left in peace.
    since: Timestamp,
    picks: Vec<Pick>,
    /// Mailboxes that are still to be asked, whenever a message reached them last.
    asked: Vec<i64>,
    /// Mailboxes that are invited and know what holds.
    invited: Vec<i64>,
    reminded: u64,
    answered: u64,
    lately: u64,
    pending: u64,
    withdrawn: u64,
    not_reached: u64,
    /// Every mailbox was refused, came back, or must not be written to.
    unreachable: u64,
    /// Not among those that were chosen.
    others: u64,
}

impl Survey {
    fn take(&mut self, entity: &Entity, chosen: &Chosen) {
        if !entity.is_reached() {
            if entity.is_invited() {
                self.not_reached += 1;
            }
            return;
        }
        if entity.is_withdrawn() {
            self.withdrawn += 1;
            return;
        }
        if entity.mailboxes.iter().any(|mailbox| mailbox.is_pending) {
            self.pending += 1;
            return;
        }
        let sound: Vec<&Mailbox> = entity.mailboxes.iter().filter(|mailbox| is_sound(mailbox)).collect();
        let answer = entity.position.participation;
        let asks = !answer.is_answer() && self.mode == AnswerMode::Requested;
        self.invited.extend(sound.iter().map(|mailbox| mailbox.id));
        if asks {
            self.asked.extend(sound.iter().map(|mailbox| mailbox.id));
        }
        let is_left_out = match self.mode {
            AnswerMode::Requested => answer.is_answer() && !self.everyone,
            AnswerMode::RegretsOnly => answer == Participation::Declined,
        };
        let meant: Vec<&Mailbox> =
            sound.iter().copied().filter(|mailbox| chosen.takes(mailbox.id, &mailbox.recipient)).collect();
        if is_left_out {
            self.answered += 1;
        } else if sound.is_empty() {
            self.unreachable += 1;
        } else if meant.is_empty() {
            self.others += 1;
        } else if entity.reached().is_some_and(|reached| reached > self.since) {
            self.lately += 1;
        } else {
            self.reminded += 1;
            self.picks.extend(meant.iter().map(|mailbox| Pick {
                recipient: mailbox.id,
                revision: self.revision,
                held: mailbox.told.filter(|_| asks),
                answer: if asks { None } else { Some(partstat(answer)) },
            }));
        }
    }

    fn reasons(&self) -> [(&'static str, u64); 7] {
        [
            ("answered", self.answered),
            ("written to lately", self.lately),
            ("with an update or a cancellation to be sent first", self.pending),
            ("withdrawn", self.withdrawn),
            ("not reached yet", self.not_reached),
            ("refused, returned or suppressed", self.unreachable),
            ("not chosen", self.others),
        ]
    }

    fn say(&self, not_within: std::time::Duration) {
        let of = if self.session.is_empty() { String::new() } else { format!("`{}`: ", self.session) };
        println!(
            "{of}{} to be reminded ({})",
            count(self.reminded, "entity is", "entities are"),
            count(self.picks.len() as u64, "mailbox", "mailboxes")
        );
        for (why, n) in self.reasons().into_iter().filter(|(_, n)| *n > 0) {
            let within = if why == "written to lately" {
                format!(" (within {})", crate::desk::duration(not_within))
            } else {
                String::new()
            };
            println!("  {n:>8} not: {why}{within}");
        }
    }

    fn json(&self) -> Value {
        let mut object = json!({ "entities": self.reminded, "mailboxes": self.picks.len() });
        for (why, n) in self.reasons() {
            object["not"][why] = Value::from(n);
        }
        object
    }
}

/// Whether a mailbox can be written to and knows of its invitation.
fn is_sound(mailbox: &Mailbox) -> bool {
    matches!(mailbox.status, Some(Status::Sent | Status::InDoubt)) && mailbox.told.is_some() && !mailbox.is_refused
}

/// What the letter says that they answered; where silence means presence, that they come.
fn partstat(answer: Participation) -> PartStat {
    match answer {
        Participation::Declined => PartStat::Declined,
        Participation::Tentative => PartStat::Tentative,
        Participation::Delegated => PartStat::Delegated,
        Participation::Accepted | Participation::AskedAgain | Participation::Silent => PartStat::Accepted,
    }
}
