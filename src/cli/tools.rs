//! Flags of verbs: beside the event: `sandbox`, `completions`, `manual`.
//!
//! Not here: what is meant by them (`settings`), what they do (`command`). Called by: `cli`. Can fail: nothing.

use std::path::PathBuf;

use clap::Args;

/// `convoke sandbox`.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Loopback address and port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2525")]
    pub listen: std::net::SocketAddr,
    /// The Maildir that takes the messages.
    #[arg(long, value_name = "DIR", default_value = "outbox")]
    pub outbox: PathBuf,
}

/// `convoke completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell.
    pub shell: clap_complete::Shell,
}

/// `convoke manual`.
#[derive(Debug, Args)]
pub struct Manual {
    /// Where to write.
    pub dir: PathBuf,
}
