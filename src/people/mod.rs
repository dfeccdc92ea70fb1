//! Who is invited: kinds of entity, languages, forms of address, coverage of a reference list.
//!
//! What: [`Kind`], [`Language`], [`Person`] with [`words`] (salutation, address line, close, envelope) by [`Rank`], [`Sex`] and
//! [`Register`]; the phrases of each register ([`register`]); names of States and whom a list leaves out ([`coverage`]); a
//! [`Search`] among their names.
//! Source: UN Correspondence Manual, ST/DCS/4/Rev.1 (forms of address); BCP 47 (language tags).
//! Not here: rows and columns (`input`), wording of the letters (the event folder's `templates/`).
//! Called by: `input`, `message`, `command`. Can fail: a kind, a language tag, a rank or a sex that is none; a form that
//! needs to know more.

mod address;
pub mod coverage;
mod fold;
mod forms;
mod honorific;
mod kind;
mod language;
mod names;
mod precedence;
pub mod register;
mod search;

pub use address::{Lack, Part, Person, words};
pub use fold::fold;
pub use forms::{Excellency, Rank};
pub use honorific::{Honorific, Sex};
pub use kind::Kind;
pub use language::Language;
pub use precedence::Category;
pub use register::Register;
pub use search::{Found, Search};
