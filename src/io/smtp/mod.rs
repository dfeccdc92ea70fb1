//! The dialogue with a relay: one driver owns one connection from the greeting to QUIT.
//!
//! What: [`Connection`] (TCP, TLS, EHLO, AUTH, one message at a time or pipelined), [`drive`] (takes work, arms, sends,
//! records), [`Deadlines`]. Standards: RFC 5321, 2920 (PIPELINING), 3207 (STARTTLS), 4954 (AUTH), 8314 (implicit TLS).
//! lettre gives addresses, commands, credentials and mechanisms; the socket is ours, because lettre's own transport sets no
//! deadline after the connect, sends the final dot apart, and gives a connection back in mid-dialogue.
//! Not here: what a reply means (`delivery`), states on disk (`store`). Called by: `command::send`.
//! Can fail: with the phase and a [`Mishap`]; any odd end closes the connection.

mod capabilities;
mod connection;
mod deadlines;
mod driver;
mod tls;

pub use capabilities::Capabilities;
pub use connection::{Connection, Failure, Login};
pub use deadlines::Deadlines;
pub use driver::{Ending, Report, Route, Source, Work, drive};
pub use tls::{TlsError, client_config};

#[allow(unused_imports, reason = "named in the module's documentation")]
use crate::delivery::Mishap;
