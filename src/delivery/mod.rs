//! What an answer of a relay means for a message, when to try again, and what may leave at a moment.
//!
//! What: [`judge`] (replies and failures to a [`Verdict`]), [`BackOff`], [`Fuse`]; [`Terms`] (all limits of
//! a run) with [`Schedule`], [`Quota`] and [`Ramp`], and [`Forecast`], which reckons with them how long a run takes.
//! Standards: RFC 5321 sections 3.8, 4.2, 4.5.3 and 4.5.4, RFC 3463, RFC 1047 (the unavoidable window after the dot).
//! Not here: sockets (`io::smtp`), states on disk (`journal`). Called by: `io::smtp`, `io::pace`, `command`.
//! Can fail: nothing.

mod backoff;
mod forecast;
mod fuse;
mod quota;
mod ramp;
mod schedule;
mod terms;
mod verdict;

pub use backoff::BackOff;
pub use forecast::{Demand, Forecast};
pub use fuse::Fuse;
pub use quota::Quota;
pub use ramp::Ramp;
pub use schedule::{Opening, Schedule};
pub use terms::{ProviderTerms, RelayTerms, Terms, Used};
pub use verdict::{Mishap, Phase, Scope, Verdict, judge};
