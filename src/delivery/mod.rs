//! What an answer of a relay means for a message, and when to try again.
//!
//! What: [`judge`] (replies and failures to a [`Verdict`]), [`BackOff`], [`Fuse`].
//! Standards: RFC 5321 sections 3.8, 4.2, 4.5.3 and 4.5.4, RFC 3463, RFC 1047 (the unavoidable window after the dot).
//! Not here: sockets (`io::smtp`), states on disk (`journal`). Called by: `io::smtp`, `command::send`.
//! Can fail: nothing.

mod backoff;
mod dead_address;
mod fuse;
mod verdict;

pub use backoff::BackOff;
pub use dead_address::is_dead_address;
pub use fuse::Fuse;
pub use verdict::{Mishap, Phase, Scope, Verdict, judge};
