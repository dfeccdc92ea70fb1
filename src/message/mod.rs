//! From a recipient and the templates to the octets of one message.
//!
//! What: [`Library`] (the templates, checked before anything is rendered), [`Composer`] (octets: MIME by mail-builder,
//! calendar by `calendar`), the last gate ([`lint`]) that every built message must pass, and the signatures on top ([`dkim`]).
//! Standards: RFC 5322, 2045-2049, 6047, 6376; CommonMark; Handlebars in strict mode.
//! Not here: reading files (`io`), who gets one (`plan`). Called by: `command`.
//! Can fail: with problems of templates, each with file, line, column and, where one is concerned, the recipient.

mod cast;
mod cells;
mod check;
mod compose;
mod context;
pub mod dkim;
mod forms;
mod helpers;
mod intake;
mod library;
pub mod lint;
pub mod markdown;
mod pieces;
mod render;
mod self_test;
mod source;
mod strands;
mod told;
pub mod words;

pub use compose::{Checked, Composed, Composer, Reader};
pub use library::{Letter, Library};
pub use render::Rendered;
pub use self_test::SelfTest;
pub use source::Sources;
