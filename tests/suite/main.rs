//! The program driven from outside, and what only whole files can show. One binary; a module for each subject.

mod check;
mod desk;
mod dialogue;
mod dkim;
mod golden;
mod hostile;
mod kill;
mod limits;
mod oracles;
mod recipients;
mod records;
mod relay;
#[path = "../rooms.rs"]
mod rooms;
mod sample;
mod server;
mod sink;
