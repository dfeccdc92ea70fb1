//! The program driven from outside, and what only whole files can show. One binary; a module for each subject.

mod answers;
mod approval;
mod book;
mod cells;
mod check;
mod clients;
mod clock;
mod connect;
mod crash;
mod desk;
mod dialogue;
mod disk;
mod dkim;
mod engine;
mod faults;
mod faulty;
mod golden;
mod hostile;
mod kill;
mod life;
mod limits;
mod mailings;
mod oracles;
mod people;
mod preview;
mod proxy;
mod recipients;
mod records;
mod relay;
#[path = "../rooms.rs"]
mod rooms;
mod sample;
mod server;
mod sink;
mod smtp_sink;
mod speakers;
