//! The words of calendars: the one object we send, its reader and its last gate.
//!
//! What: [`Object`] writes a VCALENDAR with one VEVENT, [`parse`] reads any VCALENDAR, [`lint()`] compares written octets with what
//! is meant, [`Zone`] turns local times into instants; [`Uid`], [`Sequence`], [`PartStat`] and the rest are their words.
//! Standards: RFC 5545 (iCalendar), RFC 5546 (iTIP: REQUEST and CANCEL), RFC 6868 (carets, read only), the IANA time zones.
//! Not here: the MIME parts around the object (`message`), what an answer means (`replies`), wording of dates (`message`).
//! Called by: `input` (zones), `plan` (identities), `message` (object, lint), `replies` (reader); imports `mail` only.
//! Can fail: a time that the clocks skip or repeat, an object that contradicts itself, octets that are no calendar.

mod cast;
mod lint;
mod object;
mod reader;
mod text;
mod uid;
mod zone;

pub use cast::{Cast, Filled};
pub use lint::{Finding, Meant, Rule, Severity, Stored, lint, lint_personal};
pub use object::{Object, ObjectFault};
pub use reader::{Calendar, Component, Parameter, ParameterValue, Property, ReadFault, TextFault, parse};
pub use uid::{OrganizerMethod, PartStat, Sequence, Status, Uid, UidFault};
pub use zone::{LocalTimeFault, Zone};
