//! What an answer of a relay means for a message, for the relay and for the recipient's provider, when to try again, and what
//! may leave at a moment.
//!
//! What: [`dialogue`] (SMTP without its socket), [`judge`] (replies and failures to a [`Judgement`], by the table in
//! `replies.toml`), [`BackOff`] (of one message), [`Breaker`] (of one relay or one provider), [`Traffic`] (of all of them),
//! [`Fuse`] (of the run); [`Terms`] (all limits of a run) with [`Schedule`], [`Quota`] and [`Ramp`], and [`Forecast`], which
//! reckons with them how long a run takes.
//! Standards: RFC 5321 sections 3.8, 4.2, 4.5.3 and 4.5.4, RFC 3463, RFC 5248, RFC 1047 (the unavoidable window after the dot).
//! Not here: sockets (`io::smtp`), states on disk (`journal`). Called by: `io::smtp`, `io::pace`, `command`.
//! Can fail: nothing.

mod backoff;
mod breaker;
pub mod dialogue;
mod forecast;
mod fuse;
mod judgement;
#[cfg(test)]
mod laws;
mod quota;
mod ramp;
mod schedule;
mod table;
mod terms;
mod traffic;
mod verdict;

pub use backoff::BackOff;
pub use breaker::{Breaker, Pass};
pub use forecast::{Demand, Forecast};
pub use fuse::Fuse;
pub use judgement::{Held, Hold, Judgement, Measure, judge};
pub use quota::Quota;
pub use ramp::Ramp;
pub use schedule::{Opening, Schedule};
pub use terms::{ProviderTerms, RelayTerms, Terms, Used};
pub use traffic::{Choice, Traffic, Way};
pub use verdict::{Mishap, Phase, Scope, Verdict};
