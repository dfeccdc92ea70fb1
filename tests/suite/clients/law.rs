//! What must hold in a guest's calendar once everything has arrived that will, and the running of one history.
//!
//! Not here: which histories there are (`mod`), what we send (`story`).

use std::rc::Rc;

use convoke::calendar::PartStat;

use super::calendar::{Calendar, Client, Limits};
use super::told::Told;

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

/// How a history ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// What does not hold; the client's limits that showed and explain it come with it.
    pub(crate) broken: Vec<(String, Limits)>,
    /// Limits that showed, whether they did harm or not.
    pub(crate) limits: Limits,
}

/// Plays one history at one client. `told(answer)` gives the messages, one for each step that sends one; with an answer
/// that we heard, those from its step on may differ.
pub(crate) fn play(
    client: &Client,
    fates: &[Fate],
    answer: Option<Answer>,
    mut told: impl FnMut(Option<(Answer, &Told)>) -> Rc<[Option<Rc<Told>>]>,
) -> Ending {
    let mut guest = Guest { client, calendar: Calendar::default(), messages: told(None), newest: None, last: None };
    let mut answered: Option<(PartStat, Rc<Told>)> = None;
    let steps = fates.len();
    for step in 0..steps {
        if matches!(fates[step], Fate::Prompt | Fate::Twice(_)) {
            guest.take(step);
        }
        for (sent, fate) in fates.iter().enumerate().take(step) {
            let is_due = match *fate {
                Fate::Late(behind) | Fate::Twice(behind) => behind < steps && sent + behind == step,
                Fate::Prompt | Fate::Lost => false,
            };
            if is_due {
                guest.take(sent);
            }
        }
        let Some(answer) = answer.filter(|answer| answer.step == step) else { continue };
        let Some(to) = guest.calendar.answer(answer.partstat) else { continue };
        guest.last = None;
        if answer.is_heard {
            guest.messages = told(Some((answer, &to)));
        }
        answered = Some((answer.partstat, to));
    }
    for (sent, fate) in fates.iter().enumerate() {
        let is_left = match *fate {
            Fate::Late(behind) | Fate::Twice(behind) => behind >= steps || sent + behind >= steps,
            Fate::Prompt | Fate::Lost => false,
        };
        if is_left {
            guest.take(sent);
        }
    }
    guest.judge(answered)
}

struct Guest<'c> {
    client: &'c Client,
    calendar: Calendar,
    messages: Rc<[Option<Rc<Told>>]>,
    /// The newest that arrived, by our order.
    newest: Option<usize>,
    /// The one that arrived last, if nothing was answered since.
    last: Option<usize>,
}

impl Guest<'_> {
    fn take(&mut self, step: usize) {
        let Some(told) = &self.messages[step] else { return };
        self.calendar.asks = false;
        (self.client.receive)(&mut self.calendar, told);
        self.newest = self.newest.max(Some(step));
        self.last = Some(step);
    }

    fn judge(self, answered: Option<(PartStat, Rc<Told>)>) -> Ending {
        let limits = self.calendar.limits();
        let mut ending = Ending { broken: Vec::new(), limits };
        let movers = limits.that_move_events();
        let mut broken = |what: String, explained: Limits| ending.broken.push((what, explained));
        let mut standing = self.calendar.standing();
        let (first, more) = (standing.next(), standing.count());
        let Some(newest) = self.newest.and_then(|step| self.messages[step].as_ref()) else {
            if first.is_some() {
                broken("an event stands though nothing arrived".to_owned(), movers);
            }
            return ending;
        };
        let entry = match (first, newest.is_cancel()) {
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
        if entry.partstat == PartStat::NeedsAction && self.last.is_some() && self.last == self.newest && !self.calendar.asks
        {
            broken("the newest message offers no answer to one who has not given one".to_owned(), movers);
        }
        ending
    }
}
