//! What must hold in a guest's calendar once everything has arrived that will, and the running of one history.
//!
//! Not here: which histories there are (`mod`), what we send (`story`).

use std::rc::Rc;

use convoke::calendar::PartStat;

use super::calendar::{Calendar, Client, Limits};
use super::story::Verb;
use super::told::{Messages, Told};

/// What becomes of one message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Arrives before the next is sent.
    Prompt,
    /// Never arrives.
    Lost,
    /// Arrives behind so many of the following messages.
    Late(usize),
    /// Arrives at once and again behind so many.
    Twice(usize),
}

impl Fate {
    /// Those that disturb; more than any history has steps means "at the very end".
    pub(crate) const DISTURBING: [Self; 5] =
        [Self::Lost, Self::Late(1), Self::Late(2), Self::Late(usize::MAX), Self::Twice(usize::MAX)];
}

/// The guest presses a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// After what of this step has arrived.
    pub(crate) step: usize,
    pub(crate) partstat: PartStat,
    /// Whether it reaches us before the next step.
    pub(crate) is_heard: bool,
}

/// What happens at the guest, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The message of that step arrives.
    Arrival(usize),
    /// All of that step has arrived that will before the next.
    Pause(usize),
}

/// When the post comes; the same for every client and answer.
#[derive(Clone, Debug)]
pub(crate) struct Post(Vec<Event>);

impl Post {
    /// Of the fates of all messages, in the order of their steps.
    pub(crate) fn of(fates: &[Fate]) -> Self {
        let steps = fates.len();
        let due = |sent: usize| match fates[sent] {
            Fate::Late(behind) | Fate::Twice(behind) => Some(sent.saturating_add(behind).min(steps)),
            Fate::Prompt | Fate::Lost => None,
        };
        let mut events = Vec::new();
        for (step, fate) in fates.iter().enumerate() {
            if matches!(fate, Fate::Prompt | Fate::Twice(_)) {
                events.push(Event::Arrival(step));
            }
            events.extend((0..step).filter(|sent| due(*sent) == Some(step)).map(Event::Arrival));
            events.push(Event::Pause(step));
        }
        events.extend((0..steps).filter(|sent| due(*sent) == Some(steps)).map(Event::Arrival));
        Self(events)
    }
}

/// How a history ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// What does not hold; the client's limits that showed and explain it come with it.
    pub(crate) broken: Vec<(String, Limits)>,
    /// Limits that showed, whether they did harm or not.
    pub(crate) limits: Limits,
}

/// Plays one history of verbs at one client. `told(answer)` gives the messages, one for each step that sends one; with an
/// answer that we heard, those from its step on may differ.
pub(crate) fn play(
    client: &Client,
    verbs: &[Verb],
    post: &Post,
    answer: Option<Answer>,
    mut told: impl FnMut(Option<(Answer, &Told)>) -> Messages,
) -> Ending {
    let (calendar, messages) = (Calendar::default(), told(None));
    let mut guest = Guest { client, verbs, calendar, messages, arrived: 0, newest: None, latest: None, asked: None };
    let mut answered: Option<(PartStat, Rc<Told>)> = None;
    for event in &post.0 {
        match (*event, answer) {
            (Event::Arrival(step), _) => guest.take(step),
            (Event::Pause(step), Some(answer)) if answer.step == step => {
                let Some(to) = guest.calendar.answer(answer.partstat) else { continue };
                guest.asked = None;
                if answer.is_heard {
                    guest.messages = told(Some((answer, &to)));
                }
                answered = Some((answer.partstat, to));
            }
            (Event::Pause(_), _) => {}
        }
    }
    guest.judge(answered)
}

struct Guest<'c> {
    client: &'c Client,
    verbs: &'c [Verb],
    calendar: Calendar,
    messages: Messages,
    /// A bit for each step.
    arrived: u32,
    /// The newest that arrived, by our order.
    newest: Option<usize>,
    /// The one that arrived last.
    latest: Option<usize>,
    /// The reminder that came last of all, to one who has what it reminds of, and whether it shows buttons.
    asked: Option<bool>,
}

impl Guest<'_> {
    fn take(&mut self, step: usize) {
        let Some(told) = &self.messages[step] else { return };
        self.calendar.asks = false;
        (self.client.receive)(&mut self.calendar, told);
        self.newest = self.newest.max(Some(step));
        self.latest = Some(step);
        let reminded = || {
            (0..step).rev().find(|earlier| self.messages[*earlier].is_some() && self.verbs[*earlier] != Verb::Remind)
        };
        let is_known = self.newest == Some(step)
            && self.verbs[step] == Verb::Remind
            && reminded().is_some_and(|earlier| self.arrived & (1 << earlier) != 0);
        self.asked = is_known.then_some(self.calendar.asks);
        self.arrived |= 1 << step;
    }

    fn judge(self, answered: Option<(PartStat, Rc<Told>)>) -> Ending {
        let limits = self.calendar.limits();
        let mut ending = Ending { broken: Vec::new(), limits };
        // Whatever went wrong before: once the newest arrives behind all others, the event stands as it should.
        let movers = if self.latest == self.newest { Limits::default() } else { limits.that_move_events() };
        let mut broken = |what: String, explained: Limits| ending.broken.push((what, explained));
        let mut standing = self.calendar.standing();
        let (first, more) = (standing.next(), standing.count());
        let Some(newest) = self.newest.and_then(|step| self.messages[step].as_ref()) else {
            if first.is_some() {
                broken("an event stands though nothing arrived".to_owned(), movers);
            }
            return ending;
        };
        // What we mean stands in STATUS, whatever METHOD says.
        let entry = match (first, newest.status == "CANCELLED") {
            (None, true) => return ending,
            (Some(_), true) => {
                broken("a cancelled event stands".to_owned(), movers);
                return ending;
            }
            (Some(entry), false) if more == 0 => entry,
            (first, false) => {
                broken(format!("the event stands {} times", usize::from(first.is_some()) + more), movers);
                return ending;
            }
        };
        if (entry.start, entry.end) != (newest.start, newest.end) {
            broken(format!("at {} instead of {}", entry.start, newest.start), movers);
        }
        if (&entry.told.summary, &entry.told.location, &entry.told.description)
            != (&newest.summary, &newest.location, &newest.description)
        {
            broken(format!("the place is `{}` instead of `{}`", entry.told.location, newest.location), movers);
        }
        let meant = match &answered {
            // The newest asks no new answer of one who gave it to the same SEQUENCE.
            Some((partstat, to)) if to.sequence == newest.sequence => Some(*partstat),
            Some((_, to)) if (to.start, to.end) != (newest.start, newest.end) => Some(PartStat::NeedsAction),
            // SEQUENCE rose without another time: a client may keep the answer or ask anew.
            Some(_) => None,
            None => Some(PartStat::NeedsAction),
        };
        if meant.is_some_and(|meant| meant != entry.partstat) {
            broken(format!("the answer is {:?} instead of {meant:?}", entry.partstat), limits);
        }
        if entry.partstat == PartStat::NeedsAction && self.asked == Some(false) {
            broken("the reminder offers no answer to one who has given none".to_owned(), limits.that_move_events());
        }
        ending
    }
}
