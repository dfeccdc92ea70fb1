//! What is meant: `convoke.toml` overruled by what was typed.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli;
use crate::delivery::Terms;
use crate::input::event_file::EventFile;
use crate::input::relay::Relay;
use crate::input::units::Rate;

/// How a run sends.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Where to; none is the sandbox.
    pub relays: Vec<Relay>,
    /// Connections open at once to a relay that says nothing of its own.
    pub connections: u32,
    /// The same where it was typed: for every relay.
    typed_connections: Option<u32>,
    /// Every limit of the run.
    pub terms: Terms,
}

impl Sending {
    /// Flags first, then the relay's own limits, then the general ones.
    ///
    /// # Errors
    /// A flag that cannot be read, in words.
    pub fn of(file: &EventFile, typed: &cli::Delivery, now: Timestamp) -> Result<Self, String> {
        let relays = match &typed.relay {
            Some(url) => {
                let mut relay = Relay::from_url(None, url).map_err(|e| format!("--relay: {}; {}", e.fault, e.cure))?;
                // The secrets and certificates of a configured relay with the same host and user serve here too.
                let same = file.relays.iter().find(|r| r.host == relay.host && r.user == relay.user);
                if let Some(same) = same {
                    let Relay { name, host, port, protection, user, .. } = relay;
                    relay = Relay { name, host, port, protection, user, ..same.clone() };
                }
                vec![relay]
            }
            None => file.relays.clone(),
        };
        let typed_rate = match &typed.rate {
            Some(text) => Some(Rate::parse(text).ok_or_else(|| format!("--rate `{text}` is no rate; {}", Rate::CURE))?),
            None => None,
        };
        let terms = Terms::new(&file.limits, &relays, file.last_start(), now);
        let terms = match typed_rate {
            Some(rate) => terms.with_rate(rate),
            None => terms,
        };
        let connections = typed.connections.unwrap_or(file.limits.connections);
        Ok(Self { relays, connections, typed_connections: typed.connections, terms })
    }

    /// Connections open at once to one relay.
    pub fn connections_to(&self, relay: &Relay) -> u32 {
        self.typed_connections.or(relay.connections).unwrap_or(self.connections)
    }
}

/// The lists of a run: those typed, as typed, or those of the file, below the folder.
pub fn lists(file: &EventFile, typed: &cli::Lists, folder: &std::path::Path) -> Vec<(String, PathBuf)> {
    if typed.recipients.is_empty() {
        return file.recipients.files.iter().map(|name| (name.clone(), folder.join(name))).collect();
    }
    typed.recipients.iter().map(|path| (path.display().to_string(), path.clone())).collect()
}
