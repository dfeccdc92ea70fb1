//! The states of the event as calendar objects tell them.
//!
//! What: [`Told`], one revision of the journal, read once; [`Part`], what of it goes into one object. Standards: RFC 5546
//! sections 3.2.2 and 3.2.5. Not here: writing the object (`calendar`), letters (`render`). Called by: `compose`.
//! Can fail: a state in the journal that this version cannot read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::calendar::{Meant, Object, Stored, Uid};
use crate::input::event_file;
use crate::input::problem::Problem;
use crate::mail::{AddrSpec, Mailbox};
use crate::people::Language;
use crate::plan::{Entry, Facts, Held, Rendering, Revision, RevisionKind};

/// What a calendar object is made of, except the recipient.
#[derive(Clone, Copy)]
pub(super) struct Part<'m> {
    pub(super) entry: Entry,
    pub(super) told: &'m Told,
    pub(super) voice: &'m Voice,
    pub(super) language: &'m Language,
}

/// A state of the event.
pub(super) struct Told {
    /// The session whose state it is; empty for the event as a whole.
    pub(super) session: String,
    pub(super) dtstamp: Timestamp,
    pub(super) kind: RevisionKind,
    pub(super) note: String,
    pub(super) facts: Facts,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) voices: BTreeMap<Language, Voice>,
}

/// It in one language.
pub(super) struct Voice {
    pub(super) organizer: Mailbox,
    pub(super) rendering: Rendering,
}

impl Told {
    pub(super) fn of(revision: &Revision, sender: &AddrSpec) -> Result<Self, Problem> {
        let unreadable = |fault: String| {
            let cure = "restore the journal, or upgrade convoke";
            Problem::new(event_file::whole_file(), fault, cure)
        };
        let facts = Facts::parse(&revision.facts).map_err(|fault| unreadable(fault.to_string()))?;
        let instants = facts.instants();
        let (start, end) = instants.ok_or_else(|| {
            unreadable(format!("state {} of the event has a time that cannot be reckoned", revision.number))
        })?;
        let voices = facts.renderings().iter().filter_map(|(tag, rendering)| {
            let organizer = Mailbox::new(&rendering.organizer, sender.clone());
            Some((Language::parse(tag)?, Voice { organizer, rendering: rendering.clone() }))
        });
        let voices = voices.collect();
        let Revision { session, dtstamp, kind, note, .. } = revision.clone();
        Ok(Self { session, dtstamp, kind, note, facts, start, end, voices })
    }

    /// What the lint compares with: the object that a recipient has.
    pub(super) fn stored(&self, held: &Held) -> Stored {
        let Self { dtstamp, start, end, .. } = *self;
        Stored { method: held.method, sequence: held.sequence, dtstamp, start, end }
    }
}

impl<'m> Part<'m> {
    /// The object of one recipient; `created` is the time of the event's first state.
    pub(super) fn object(self, created: Timestamp, uid: &'m Uid, attendee: &'m Mailbox) -> Object<'m> {
        let Self { entry, told, voice, .. } = self;
        Object {
            method: entry.method,
            uid,
            sequence: entry.sequence,
            dtstamp: told.dtstamp,
            created,
            last_modified: told.dtstamp,
            start: told.start,
            end: told.end,
            summary: &voice.rendering.title,
            location: &voice.rendering.place,
            description: &voice.rendering.description,
            organizer: &voice.organizer,
            attendee,
            partstat: entry.partstat,
            status: entry.method.status(),
            url: told.facts.url(),
        }
    }
}

/// What the octets of an object are compared with, without what the recipient has.
pub(super) fn meant<'o>(object: &Object<'o>, local_words: &'o str, now: Timestamp) -> Meant<'o> {
    Meant {
        method: object.method,
        uid: object.uid,
        sequence: object.sequence,
        dtstamp: object.dtstamp,
        stored: None,
        start: object.start,
        end: object.end,
        organizer: object.organizer,
        attendee: object.attendee,
        partstat: object.partstat,
        status: object.status,
        summary: object.summary,
        location: object.location,
        description: object.description,
        url: object.url,
        local_words,
        now,
    }
}
