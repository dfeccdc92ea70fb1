//! Who is invited: kinds of entity, languages, forms of address.
//!
//! What: [`Kind`], [`Language`], [`Person`] and the words with which a letter begins ([`salutation`]); a [`Search`]
//! among their names.
//! Source: UN Correspondence Manual, ST/DCS/4/Rev.1 (forms of address); BCP 47 (language tags).
//! Not here: rows and columns (`input`), wording of the letters (the event folder's `templates/`).
//! Called by: `input`, `message`. Can fail: a kind or a language tag that is none.

mod address;
mod kind;
mod language;
mod search;

pub use address::{Form, Person, Sex, salutation};
pub use kind::Kind;
pub use language::Language;
pub use search::{Found, Search};
