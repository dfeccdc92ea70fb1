//! What is known of every dispatch, and which steps are lawful.
//!
//! What: [`Standing`] (the states), [`Outcome`] and [`Attempt`] (the facts that move them), [`Tally`], [`Suppressed`] addresses,
//! [`Answer`]s and the [`Position`] of an entity that follows from all of its own.
//! Source: the state machine of this project (design: PLANNED -> READY -> CLAIMED -> ARMED -> ...), RFC 1047 (why a
//! message can be in doubt). Not here: SQL (`io::store`), what a reply means (`delivery`).
//! Called by: `delivery`, `io::store`, `desk`, `command`. Can fail: reading a state that this version does not know.

mod answer;
mod attempt;
pub mod entity;
mod inbound;
mod speaking;
mod standing;
mod suppression;

pub use answer::{Answer, Trust};
pub use attempt::{Armed, Attempt, Outcome};
pub use entity::Position;
pub use inbound::{Checkpoint, InboundRecord, InboundState};
pub use speaking::{Slot, SpeakingAct, SpeakingList, SpeakingStep, Target, lot};
pub use standing::{Standing, Tally};
pub use suppression::{Suppressed, SuppressionReason};
