//! Where messages are handed in, and with which secret.

use std::fmt;
use std::net::IpAddr;

use super::limits::{connections, quotas, rate};
use super::presets::Preset;
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
    /// Messages to this relay in any hour.
    pub per_hour: Option<u64>,
    /// Messages to this relay in any 24 hours.
    pub per_day: Option<u64>,
    /// What a relay of its kind allows; the values above have it already where the user wrote none.
    pub preset: Option<&'static Preset>,
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
            per_hour: None,
            per_day: None,
            preset: None,
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
    let password = read_secret(&table);
    let ca_file = table.string("ca_file").map(|f| f.value);
    let rate = rate(&table);
    let connections = connections(&table);
    let (per_hour, per_day) = quotas(&table);
    let preset = read_preset(&table, relay.as_ref());
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
    relay.rate = rate.or_else(|| preset.and_then(Preset::rate));
    relay.connections = connections.or_else(|| preset.and_then(|p| p.connections));
    relay.per_hour = per_hour.or_else(|| preset.and_then(|p| p.per_hour));
    relay.per_day = per_day.or_else(|| preset.and_then(|p| p.per_day));
    relay.preset = preset;
    Some(relay)
}

/// `preset = "exchange-online"`.
fn read_preset(table: &TomlReader<'_, '_>, relay: Option<&Relay>) -> Option<&'static Preset> {
    let found = table.string("preset")?;
    let preset = Preset::named(&found.value);
    match (preset, relay) {
        (None, _) => {
            let cure = format!("write one of {}", Preset::names().join(", "));
            table.problem(found.place, format!("unknown preset {}", quoted(&found.value)), cure);
        }
        // On this machine stands what imitates the real one.
        (Some(preset), Some(relay)) if !preset.fits(&relay.host) && !relay.is_loopback() => {
            let fault =
                format!("preset {} is for {}, not for {}", quoted(&found.value), preset.host, quoted(&relay.host));
            table.problem(found.place, fault, "choose the preset of this relay, or leave the key out");
        }
        _ => {}
    }
    preset
}

fn read_secret(table: &TomlReader<'_, '_>) -> Option<Secret> {
    const CURE: &str = "name its place: password = { env = \"NAME\" }, { file = \"relay.secret\" } or { command = [\"pass\", \"show\", \"relay\"] }";
    if !table.keys().iter().any(|k| k.value == "password") {
        table.know("password");
        return None;
    }
    if !table.is_table("password") {
        // The value itself is not repeated: it is a secret, and problems are printed.
        let place = table.keys().into_iter().find(|k| k.value == "password").map_or_else(|| table.place(), |k| k.place);
        table.problem(place, "the password stands in the file", CURE);
        table.know("password");
        return None;
    }
    let below = table.table("password");
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
            table.problem(place, "`password` needs exactly one of env, file and command", CURE);
            None
        }
    }
}
