//! The doors: clock, chance, files, the journal on disk, the network.
//!
//! What: [`store`] (SQLite), [`smtp`] (the dialogue), [`sandbox`] (a receiver of our own), [`files`], [`disk`], [`log`], [`secrets`],
//! [`stop`] (Ctrl-C), [`clock`], [`seed`], [`printing`].
//! Not here: decisions; those are made in the pure rooms and brought here. Called by: `command`.
//! Can fail: as the world does; each door has its own error.

pub mod clock;
pub mod disk;
pub mod files;
pub mod inbound;
pub mod log;
pub mod maildir;
pub mod messages;
pub mod originals;
pub mod pace;
pub mod printing;
pub mod sandbox;
pub mod secrets;
pub mod seed;
pub mod smtp;
pub mod stop;
pub mod store;

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !line.contains(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        cause = error.source();
    }
    line
}
