//! A guest's calendar, as far as the clients' rules need it, and what makes a [`Client`].
//!
//! Not here: the rules themselves (a file for each client), what must hold at the end (`law`).

use std::rc::Rc;

use convoke::calendar::PartStat;

use super::letter::{Leaf, Letter};
use super::told::Told;

/// The objects that a program would process, each with the METHOD that it goes by.
pub(crate) type Picked = Result<Vec<(String, Vec<u8>)>, String>;

/// A receiver's program: which part of a message it reads, and what it does with the object.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    /// The objects it would process, each with the METHOD that it goes by.
    ///
    /// # Errors
    /// Why it shows the message as mere mail, or as a file.
    pub(crate) pick: fn(&Letter) -> Picked,
    /// Whether it trusts the message and can work with the object.
    ///
    /// # Errors
    /// Why not.
    pub(crate) admit: fn(&Told) -> Result<(), String>,
    /// What becomes of the calendar.
    pub(crate) receive: fn(&mut Calendar, &Rc<Told>),
    /// Where its documented rule leads astray; each is in `src/manual/known.md`.
    pub(crate) limits: &'static [Limit],
}

/// What a client's rule does to a guest's calendar when messages overtake each other or cross an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    /// Applies whatever comes last, older or not.
    AsItComes,
    /// Takes the event out at a CANCEL that is older than what it holds.
    CancelsUnseen,
    /// Keeps nothing of a CANCEL: an older REQUEST behind it puts the event in.
    Forgets,
    /// Of two REQUESTs with the same SEQUENCE takes the one that comes last.
    OlderWording,
    /// Replaces the guest's own answer by the PARTSTAT of a message that was made before we heard of it.
    TakesOurAnswer,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits(u8);

impl Limits {
    pub(crate) fn insert(&mut self, limit: Limit) {
        self.0 |= 1 << limit as u8;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Limit> {
        Limit::ALL.into_iter().filter(move |limit| self.0 & (1 << *limit as u8) != 0)
    }

    /// Those that explain an event which stands wrongly, and not only an answer that is gone.
    pub(crate) fn that_move_events(self) -> Self {
        Self(self.0 & !(1 << Limit::TakesOurAnswer as u8))
    }
}

impl Limit {
    pub(crate) const ALL: [Self; 5] =
        [Self::AsItComes, Self::CancelsUnseen, Self::Forgets, Self::OlderWording, Self::TakesOurAnswer];

    /// Words by which its entry in `src/manual/known.md` is found.
    pub(crate) const fn in_the_manual(self) -> &'static str {
        match self {
            Self::AsItComes => "applies whatever comes last",
            Self::CancelsUnseen => "at any cancellation",
            Self::Forgets => "keeps nothing of a cancellation",
            Self::OlderWording => "the same SEQUENCE",
            Self::TakesOurAnswer => "takes the answer that we repeat",
        }
    }
}

/// One event as the guest sees it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Whose words it shows.
    pub(crate) told: Rc<Told>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// What the client compares the next message with; not every client keeps that of the last one.
    pub(crate) sequence: u32,
    pub(crate) dtstamp: i64,
    pub(crate) partstat: PartStat,
    pub(crate) is_cancelled: bool,
}

impl Entry {
    pub(crate) fn order(&self) -> (u32, i64) {
        (self.sequence, self.dtstamp)
    }

    /// Everything but the answer.
    pub(crate) fn become_as(&mut self, told: &Rc<Told>) {
        self.told = Rc::clone(told);
        (self.start, self.end) = (told.start, told.end);
        (self.sequence, self.dtstamp) = told.order();
        self.is_cancelled = false;
    }
}

/// All events of one guest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    entries: Vec<Entry>,
    /// The newest CANCEL that came, whatever the client made of it.
    cancelled: Option<(u32, i64)>,
    limits: Limits,
    /// Whether the message that came last shows buttons for an answer.
    pub(crate) asks: bool,
}

impl Calendar {
    /// The entry with that UID, cancelled or not.
    pub(crate) fn find(&mut self, uid: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.told.uid == uid)
    }

    /// Puts a new event in, with the answer that the message brings.
    pub(crate) fn add(&mut self, told: &Rc<Told>) {
        self.overtaken(told);
        self.asks = told.partstat == PartStat::NeedsAction;
        let (sequence, dtstamp) = told.order();
        let (start, end) = (told.start, told.end);
        let partstat = told.partstat;
        self.entries.push(Entry {
            told: Rc::clone(told),
            start,
            end,
            sequence,
            dtstamp,
            partstat,
            is_cancelled: false,
        });
    }

    /// Takes the event out without a trace.
    pub(crate) fn delete(&mut self, uid: &str) {
        self.entries.retain(|entry| entry.told.uid != uid);
    }

    /// Replaces an event's words by those of the message, and the answer too.
    pub(crate) fn replace(&mut self, told: &Rc<Told>) {
        let Some(entry) = self.find(&told.uid) else { return };
        let is_lost = entry.sequence == told.sequence
            && entry.partstat != PartStat::NeedsAction
            && told.partstat != entry.partstat;
        entry.become_as(told);
        entry.partstat = told.partstat;
        self.asks = told.partstat == PartStat::NeedsAction;
        if is_lost {
            self.note(Limit::TakesOurAnswer);
        }
    }

    /// Replaces an event's words and keeps the guest's answer.
    pub(crate) fn reword(&mut self, told: &Rc<Told>) {
        let Some(entry) = self.find(&told.uid) else { return };
        entry.become_as(told);
        self.asks = entry.partstat == PartStat::NeedsAction;
    }

    /// Shows what it has, with buttons for an answer where there is none yet.
    pub(crate) fn show_again(&mut self, uid: &str) {
        self.asks = self.find(uid).is_some_and(|entry| entry.partstat == PartStat::NeedsAction);
    }

    /// Marks an event as cancelled and keeps it.
    pub(crate) fn strike(&mut self, told: &Rc<Told>) {
        if let Some(entry) = self.find(&told.uid) {
            (entry.sequence, entry.dtstamp) = told.order();
            entry.is_cancelled = true;
        }
    }

    /// To be told of each CANCEL, before it is processed.
    pub(crate) fn hear_of_cancel(&mut self, told: &Told) {
        self.cancelled = self.cancelled.max(Some(told.order()));
    }

    /// Says that a REQUEST older than a CANCEL is being applied.
    pub(crate) fn overtaken(&mut self, told: &Told) {
        if self.cancelled.is_some_and(|cancelled| told.order() < cancelled) {
            self.note(Limit::Forgets);
        }
    }

    pub(crate) fn note(&mut self, limit: Limit) {
        self.limits.insert(limit);
    }

    /// Those that showed so far.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The events that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_cancelled)
    }

    /// The guest presses a button, where the event stands; what he answers to is returned.
    pub(crate) fn answer(&mut self, partstat: PartStat) -> Option<Rc<Told>> {
        let entry = self.entries.iter_mut().find(|entry| !entry.is_cancelled)?;
        entry.partstat = partstat;
        self.asks = false;
        Some(Rc::clone(&entry.told))
    }
}

/// Calendar parts that name a method in their header, those that ask to be saved as a file left out (RFC 6047 section 2.4).
pub(super) fn with_method(letter: &Letter) -> Vec<&Leaf> {
    letter.of_kind("text/calendar").filter(|leaf| leaf.method.is_some()).collect()
}

/// The METHOD that stands in an object, as a program without a parser for the rest finds it.
pub(super) fn method_within(octets: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(octets);
    let mut methods = text.lines().filter_map(|line| line.strip_prefix("METHOD:"));
    methods.next().map(|method| method.trim().to_uppercase()).filter(|_| methods.next().is_none())
}

/// The one object of a leaf, if METHOD in header and object agree.
pub(super) fn agreeing(leaf: &Leaf) -> Picked {
    let within = method_within(&leaf.octets).ok_or("no METHOD in the object")?;
    let header = leaf.method.as_deref().ok_or("no method in the header")?;
    if header.eq_ignore_ascii_case(&within) {
        Ok(vec![(within, leaf.octets.clone())])
    } else {
        Err(format!("method {header} in the header, {within} in the object"))
    }
}

/// Whether From is the organizer; several programs apply nothing else.
pub(super) fn from_organizer(told: &Told) -> Result<(), String> {
    if told.from == told.organizer {
        Ok(())
    } else {
        Err(format!("From {} is not the organizer {}", told.from, told.organizer))
    }
}

/// Whether the message went to the attendee.
pub(super) fn to_attendee(told: &Told) -> Result<(), String> {
    if told.to == told.attendee { Ok(()) } else { Err(format!("To {} is not the attendee {}", told.to, told.attendee)) }
}
