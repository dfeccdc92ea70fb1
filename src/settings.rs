//! What is meant: `convoke.toml` overruled by what was typed.

use std::path::PathBuf;

use crate::cli;
use crate::input::event_file::EventFile;
use crate::input::relay::Relay;
use crate::input::units::Rate;

/// How a run sends.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Where to; `None` is the sandbox.
    pub relay: Option<Relay>,
    /// Connections open at once.
    pub connections: u32,
    /// Messages in a period; the slower of the run's and the relay's.
    pub rates: Vec<Rate>,
}

impl Sending {
    /// Flags first, then the relay's own limits, then the general ones.
    ///
    /// # Errors
    /// A flag that cannot be read, in words.
    pub fn of(file: &EventFile, typed: &cli::Send) -> Result<Self, String> {
        let relay = match &typed.relay {
            Some(url) => {
                let mut relay = Relay::from_url(None, url).map_err(|e| format!("--relay: {}; {}", e.fault, e.cure))?;
                // The secrets and certificates of a configured relay with the same host and user serve here too.
                let same = file.relays.iter().find(|r| r.host == relay.host && r.user == relay.user);
                if let Some(same) = same {
                    let Relay { name, host, port, protection, user, .. } = relay;
                    relay = Relay { name, host, port, protection, user, ..same.clone() };
                }
                Some(relay)
            }
            None => file.relays.first().cloned(),
        };
        let typed_rate = match &typed.rate {
            Some(text) => Some(Rate::parse(text).ok_or_else(|| format!("--rate `{text}` is no rate; {}", Rate::CURE))?),
            None => None,
        };
        let general = typed_rate.or(file.limits.rate);
        let own = relay.as_ref().and_then(|r| r.rate).filter(|_| typed_rate.is_none());
        let connections =
            typed.connections.or_else(|| relay.as_ref().and_then(|r| r.connections)).unwrap_or(file.limits.connections);
        Ok(Self { relay, connections, rates: general.into_iter().chain(own).collect() })
    }
}

/// The lists of a run: those typed, as typed, or those of the file, below the folder.
pub fn lists(file: &EventFile, typed: &cli::Lists, folder: &std::path::Path) -> Vec<(String, PathBuf)> {
    if typed.recipients.is_empty() {
        return file.recipients.files.iter().map(|name| (name.clone(), folder.join(name))).collect();
    }
    typed.recipients.iter().map(|path| (path.display().to_string(), path.clone())).collect()
}
