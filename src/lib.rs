//! convoke invites people by personal e-mail with a calendar invitation each, and keeps the ledger of who was reached.
//!
//! # The map of the house
//!
//! Data passes one way through small pure rooms; everything that touches the world is behind one door, `io`; one room,
//! `command`, wires both.
//!
//! ```text
//! convoke.toml, recipients, templates -> input -> plan -> message -> [journal] -> io::smtp -> delivery -> [journal]
//!                              the sender's mailbox -> replies -> [journal] -> desk -> status, export, pages
//! ```
//!
//! | room | pure | what lives there |
//! |---|---|---|
//! | [`mail`] | yes | words of RFC 5321, 5322 and 3463: address, mailbox, Message-ID, reply |
//! | [`calendar`] | yes | words of RFC 5545 and 5546: UID, object, reader, lint, time zones |
//! | [`people`] | yes | kinds of entity, languages, forms of address, coverage of a reference list |
//! | [`input`] | yes | text of `convoke.toml` and of recipients lists to values; every problem with its place |
//! | [`plan`] | yes | purpose, identity, revisions and what amendment lies between them, selection, seal and approval |
//! | [`journal`] | yes | the states of a dispatch and the facts that move them |
//! | [`message`] | yes | templates, Markdown, composition of octets, the last gate, DKIM |
//! | [`delivery`] | yes | what replies mean, back-off, breakers, fuse |
//! | [`replies`] | yes | what comes back to the sender's mailbox: answers, bounces, complaints, letters |
//! | [`desk`] | yes | what the organiser reads: summary, export, pages |
//! | [`io`] | no | clock, chance, files, secrets, store (SQLite), smtp, sandbox, Ctrl-C |
//! | [`command`] | no | one file for each verb: opens doors, calls the line, prints |
//!
//! Each room imports rooms to its right only, which `tests/rooms.rs` checks:
//!
//! ```text
//! main > command > io > desk > replies > delivery > message > journal > plan > input > people > calendar > mail
//!        command > exit, settings > cli
//! ```
//!
//! Pure rooms know no clock, no chance, no file and no socket; the instant and the seed come in as arguments.

pub mod calendar;
pub mod cli;
pub mod command;
pub mod delivery;
pub mod desk;
pub mod exit;
pub mod input;
pub mod io;
pub mod journal;
pub mod mail;
pub mod message;
pub mod people;
pub mod plan;
pub mod replies;
pub mod settings;
