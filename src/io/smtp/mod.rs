//! The way to a relay: one driver owns one connection from the greeting to QUIT.
//!
//! What: [`Connection`] (TCP, TLS and deadlines under a `delivery::dialogue`), [`drive`] (takes work, arms, sends,
//! records), [`Deadlines`], [`Login`]. Standards: RFC 5321 section 4.5.3.2 (deadlines), 8314 (implicit TLS).
//! lettre gives commands, credentials and mechanisms; the socket is ours, because lettre's own transport sets no
//! deadline after the connect, sends the final dot apart, and gives a connection back in mid-dialogue.
//! Not here: the order of commands (`delivery::dialogue`), what a reply means (`delivery`), states on disk (`store`).
//! Called by: `command::send`.
//! Can fail: with the phase and a [`Mishap`]; any odd end closes the connection.

mod connection;
mod deadlines;
mod driver;
mod login;
mod tls;
mod watch;

pub use connection::Connection;
pub use deadlines::Deadlines;
pub use driver::{Ending, Report, Route, Source, Work, drive};
pub use login::Login;
pub use tls::{TlsError, client_config, tls_of};

#[allow(unused_imports, reason = "named in the module's documentation")]
use crate::delivery::Mishap;
pub use crate::delivery::dialogue::{Capabilities, Failure, Letter};
