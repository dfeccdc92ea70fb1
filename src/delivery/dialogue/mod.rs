//! The client's side of SMTP without its socket: octets in, octets and events out.
//!
//! What: [`Dialogue`] keeps the order of commands and answers from the greeting to the final dot; [`Capabilities`] is what
//! the server offers, [`Letter`] what is to be announced, [`queue_id`] reads the last answer.
//! Standards: RFC 5321, 1870 (SIZE), 2920 (PIPELINING), 3207 (STARTTLS), 3461 (DSN), 4954 (AUTH), 6152 (8BITMIME), 6531
//! (SMTPUTF8), 9422 (LIMITS). CHUNKING (RFC 3030) is not used: BDAT saves the doubling of dots, whose cost here is less
//! than that of copying the message, and no gain was measured that would pay for a second way of sending.
//! Not here: sockets, deadlines and TLS (`io::smtp`), what an answer means (`verdict`).
//! Called by: `io::smtp`. Can fail: with a [`Failure`], after which the connection is to be closed.
//! Conversations as text are in `tests/dialogues`.

mod capabilities;
mod failure;
mod login;
mod machine;
mod octets;
mod queue_id;

pub use capabilities::Capabilities;
pub use failure::Failure;
pub use login::Credential;
pub use machine::{Briefing, Dialogue, Event};
pub use octets::Letter;
pub use queue_id::queue_id;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
