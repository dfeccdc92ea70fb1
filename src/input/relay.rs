//! Where messages are handed in, and with which secret.

use std::fmt;
use std::net::IpAddr;

use super::event_file::rate;
use super::problem::quoted;
use super::toml_reader::{Found, TomlReader};
use super::units::Rate;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first octet (RFC 8314), `smtps://`, port 465.
    Implicit,
    /// STARTTLS required (RFC 3207), `smtp://`, port 587.
    StartTls,
    /// In clear, `smtp://` to a loopback address only.
    Loopback,
}

/// Where a password comes from; never from the configuration itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable.
    Environment(String),
    /// A file that nobody else may read (mode 0600).
    File(String),
    /// The first line that a command prints; no shell reads it.
    Command(Vec<String>),
}

/// A mail server that takes our messages (RFC 6409 submission, or a relay of one's own).
#[derive(Clone, Debug)]
pub struct Relay {
    /// What output and journal call it.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS or not.
    pub protection: Protection,
    /// Login name.
    pub user: Option<String>,
    /// Password of the login.
    pub password: Option<Secret>,
    /// A PEM file of certificates to trust beside the system's, for a relay with a certificate of one's own.
    pub ca_file: Option<String>,
    /// Messages handed to this relay.
    pub rate: Option<Rate>,
    /// Connections to this relay at once.
    pub connections: Option<u32>,
}

/// Why a relay's URL cannot be used, with the cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlFault {
    /// What is wrong.
    pub fault: String,
    /// What to write.
    pub cure: &'static str,
}

impl Relay {
    /// Reads `smtps://user@host:port` or `smtp://user@host:port`.
    ///
    /// # Errors
    /// Another scheme, a password in the URL, no host, anything behind the port.
    pub fn from_url(name: Option<&str>, text: &str) -> Result<Self, UrlFault> {
        const CURE: &str = "write smtps://user@host or smtp://user@host:port";
        let fault = |fault: String| UrlFault { fault, cure: CURE };
        let url = url::Url::parse(text).map_err(|e| fault(format!("relay {} is no URL: {e}", quoted(text))))?;
        if url.password().is_some() {
            return Err(UrlFault {
                fault: "the relay's URL holds a password".to_owned(),
                cure: "take it out and name its place: password = { env = \"NAME\" }, { file = \"…\" } or { command = […] }",
            });
        }
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            other => return Err(fault(format!("relay scheme `{other}` is neither smtp nor smtps"))),
        };
        let host = url.host_str().map(|h| h.trim_matches(['[', ']']).to_owned()).filter(|h| !h.is_empty());
        let Some(host) = host else { return Err(fault(format!("relay {} names no host", quoted(text)))) };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(fault(format!("relay {} has something behind the host", quoted(text))));
        }
        let protection = match (implicit, is_loopback(&host)) {
            (true, _) => Protection::Implicit,
            (false, true) => Protection::Loopback,
            (false, false) => Protection::StartTls,
        };
        let port = url.port().unwrap_or(if implicit { 465 } else { 587 });
        let user = (!url.username().is_empty())
            .then(|| percent_encoding::percent_decode_str(url.username()).decode_utf8_lossy().into_owned());
        Ok(Self {
            name: name.map_or_else(|| host.clone(), str::to_owned),
            host,
            port,
            protection,
            user,
            password: None,
            ca_file: None,
            rate: None,
            connections: None,
        })
    }

    /// Whether it stands on this machine, where nothing can leave from by our doing.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.name, self.host, self.port)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Every `[[relay]]`.
pub(crate) fn read_all(root: &TomlReader<'_, '_>) -> Vec<Relay> {
    root.tables("relay").into_iter().filter_map(read).collect()
}

fn read(table: TomlReader<'_, '_>) -> Option<Relay> {
    let name = table.string("name").map(|f| f.value);
    let url = table.required_string("url", "write smtps://user@host or smtp://user@host:port");
    let relay = url.and_then(|found| match Relay::from_url(name.as_deref(), &found.value) {
        Ok(relay) => Some(relay),
        Err(e) => {
            table.problem(found.place, e.fault, e.cure);
            None
        }
    });
    let password = read_secret(
        &table,
        "password",
        "the password",
        "name its place: password = { env = \"NAME\" }, { file = \"relay.secret\" } or { command = [\"pass\", \"show\", \"relay\"] }",
    );
    let ca_file = table.string("ca_file").map(|f| f.value);
    let rate = rate(&table);
    let connections = table.integer("connections", 1..=500).and_then(|f| u32::try_from(f.value).ok());
    let mut relay = relay?;
    if relay.user.is_none() && password.is_some() {
        table.problem(
            table.place(),
            "the relay has a password and no user",
            "write the user into the URL: smtps://user@host",
        );
    }
    table.finish();
    relay.password = password;
    relay.ca_file = ca_file;
    relay.rate = rate;
    relay.connections = connections;
    Some(relay)
}

/// Where the secret called `key` is: `{ env = … }`, `{ file = … }` or `{ command = … }`; `what` is it in words.
pub(crate) fn read_secret(table: &TomlReader<'_, '_>, key: &str, what: &str, cure: &str) -> Option<Secret> {
    if !table.keys().iter().any(|k| k.value == key) {
        table.know(key);
        return None;
    }
    if !table.is_table(key) {
        // The value itself is not repeated: it is a secret, and problems are printed.
        let place = table.keys().into_iter().find(|k| k.value == key).map_or_else(|| table.place(), |k| k.place);
        table.problem(place, format!("{what} stands in the file"), cure);
        table.know(key);
        return None;
    }
    let below = table.table(key);
    let env = below.string("env");
    let file = below.string("file");
    let command = below.strings("command");
    let place = below.place();
    below.finish();
    match (env, file, command) {
        (Some(Found { value, .. }), None, None) => Some(Secret::Environment(value)),
        (None, Some(Found { value, .. }), None) => Some(Secret::File(value)),
        (None, None, Some(words)) if !words.is_empty() => {
            Some(Secret::Command(words.into_iter().map(|w| w.value).collect()))
        }
        _ => {
            table.problem(place, format!("`{key}` needs exactly one of env, file and command"), cure);
            None
        }
    }
}
