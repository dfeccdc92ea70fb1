//! Where messages are handed in, and with which secret.

use std::fmt;
use std::net::IpAddr;

use super::limits::{connections, quotas, rate};
use super::presets::Preset;
use super::problem::quoted;
use super::toml_reader::{Found, TomlReader};
use super::units::Rate;
use crate::mail::AddrSpec;

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

/// How to log in (RFC 4954).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// Name and password at once (RFC 4616).
    Plain,
    /// Name and password in turn.
    Login,
    /// Name and a short-lived token, as Google and Microsoft ask for.
    XOAuth2,
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
    /// Token of the login, for [`AuthMethod::XOAuth2`]; fetched anew for each connection.
    pub token: Option<Secret>,
    /// The only method to log in by; `None` leaves it to what the relay offers.
    pub auth: Option<AuthMethod>,
    /// A PEM file with our own certificate and those between it and its authority, for relays that ask for one.
    pub client_certificate: Option<String>,
    /// A PEM file with its key (mode 0600); there exactly where the certificate is.
    pub client_key: Option<String>,
    /// The name that we introduce ourselves by; `None` is the address of our end of the connection.
    pub ehlo: Option<String>,
    /// Whether reports on delays and failures are asked for (RFC 3461) where the relay offers it.
    pub dsn: bool,
    /// Messages after which a connection is ended and a new one made.
    pub messages_per_connection: Option<u32>,
    /// A PEM file of certificates to trust beside the system's, for a relay with a certificate of one's own.
    pub ca_file: Option<String>,
    /// Messages handed to this relay.
    pub rate: Option<Rate>,
    /// The lowest number is used as long as it works.
    pub priority: u32,
    /// Its share among relays of the same priority.
    pub weight: u32,
    /// Recipient domains that go through it and through no relay without them; empty for all others.
    pub domains: Vec<String>,
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
            token: None,
            auth: None,
            client_certificate: None,
            client_key: None,
            ehlo: None,
            dsn: true,
            messages_per_connection: None,
            priority: 1,
            weight: 1,
            domains: Vec::new(),
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
    let mut relays: Vec<Relay> = Vec::new();
    for table in root.tables("relay") {
        let place = table.place();
        let Some(relay) = read(table) else { continue };
        if relays.iter().any(|other| other.name == relay.name) {
            // Journal, quotas and holds tell relays by their names.
            root.problem(place, format!("two relays are called {}", quoted(&relay.name)), "give each its own `name`");
        }
        relays.push(relay);
    }
    relays
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
    let cure = |key: &str| {
        format!(
            "name its place: {key} = {{ env = \"NAME\" }}, {{ file = \"relay.secret\" }} or {{ command = [\"pass\", \"show\", \"relay\"] }}"
        )
    };
    let password = read_secret(&table, "password", "the password", &cure("password"));
    let token = read_secret(&table, "token", "the token", &cure("token"));
    let auth = read_auth(&table);
    let ca_file = table.string("ca_file").map(|f| f.value);
    let client_certificate = table.string("client_certificate");
    let client_key = table.string("client_key");
    let ehlo = read_ehlo(&table);
    let dsn = table.boolean("dsn");
    let most = table.integer("messages_per_connection", 1..=1_000_000);
    let rate = rate(&table);
    let number = |key: &str| {
        let found = table.integer(key, 1..=1000);
        found.and_then(|f| u32::try_from(f.value).ok()).unwrap_or(1)
    };
    let (priority, weight) = (number("priority"), number("weight"));
    let domains = read_domains(&table);
    let connections = connections(&table);
    let (per_hour, per_day) = quotas(&table);
    let preset = read_preset(&table, relay.as_ref());
    if let Some(lone) = client_certificate.as_ref().xor(client_key.as_ref()) {
        let (has, lacks) = if client_key.is_some() { ("key", "certificate") } else { ("certificate", "key") };
        table.problem(
            lone.place.clone(),
            format!("`client_{has}` is there and `client_{lacks}` is not"),
            format!("add client_{lacks} = \"file.pem\", or take client_{has} out"),
        );
    }
    let mut relay = relay?;
    check_login(&table, &relay, password.is_some(), token.is_some(), auth);
    table.finish();
    relay.password = password;
    relay.token = token;
    relay.auth = auth;
    relay.ca_file = ca_file;
    relay.client_certificate = client_certificate.map(|f| f.value);
    relay.client_key = client_key.map(|f| f.value);
    relay.ehlo = ehlo;
    relay.dsn = dsn.unwrap_or(true);
    let most = most.and_then(|f| u32::try_from(f.value).ok());
    relay.messages_per_connection = most.or_else(|| preset.and_then(|p| p.messages_per_connection));
    relay.rate = rate.or_else(|| preset.and_then(Preset::rate));
    relay.connections = connections.or_else(|| preset.and_then(|p| p.connections));
    relay.per_hour = per_hour.or_else(|| preset.and_then(|p| p.per_hour));
    relay.per_day = per_day.or_else(|| preset.and_then(|p| p.per_day));
    relay.preset = preset;
    relay.priority = priority;
    relay.weight = weight;
    relay.domains = domains;
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

fn read_auth(table: &TomlReader<'_, '_>) -> Option<AuthMethod> {
    let found = table.string("auth")?;
    let method = match found.value.to_ascii_lowercase().as_str() {
        "plain" => AuthMethod::Plain,
        "login" => AuthMethod::Login,
        "xoauth2" => AuthMethod::XOAuth2,
        _ => {
            let fault = format!("`auth` is {}, which is no way to log in here", quoted(&found.value));
            table.problem(found.place, fault, "write plain, login or xoauth2, or leave it out");
            return None;
        }
    };
    Some(method)
}

/// `domains = ["un.int", "..."]`, in A-labels and lower case as addresses have them.
fn read_domains(table: &TomlReader<'_, '_>) -> Vec<String> {
    let mut domains = Vec::new();
    for found in table.strings("domains").unwrap_or_default() {
        match AddrSpec::parse(&format!("postmaster@{}", found.value)) {
            Ok(address) => domains.push(address.domain().to_owned()),
            Err(_) => {
                let fault = format!("{} under `domains` is no domain", quoted(&found.value));
                table.problem(found.place, fault, "write recipients' domains, such as \"mission.example\"");
            }
        }
    }
    domains
}

fn read_ehlo(table: &TomlReader<'_, '_>) -> Option<String> {
    let found = table.string("ehlo")?;
    // What may stand behind an @ may stand behind EHLO, but for address literals (RFC 5321 section 4.1.1.1).
    match AddrSpec::parse(&format!("postmaster@{}", found.value)) {
        Ok(address) => Some(address.domain().to_owned()),
        Err(_) => {
            let fault = format!("`ehlo` is {}, which is no full domain name", quoted(&found.value));
            table.problem(found.place, fault, "write this machine's name, such as mail.host.example, or leave it out");
            None
        }
    }
}

/// A login needs a name, and the secret of its method: the password, or the token for XOAUTH2.
fn check_login(
    table: &TomlReader<'_, '_>,
    relay: &Relay,
    has_password: bool,
    has_token: bool,
    auth: Option<AuthMethod>,
) {
    const TOKEN: &str = "token = { command = [\"command\", \"that\", \"prints\", \"it\"] }";
    let problem = |fault: &str, cure: String| table.problem(table.place(), fault, cure);
    if relay.user.is_none() && (has_password || has_token || auth.is_some()) {
        let what = if has_password {
            "a password"
        } else if has_token {
            "a token"
        } else {
            "a way to log in"
        };
        problem(
            &format!("the relay has {what} and no user"),
            "write the user into the URL: smtps://user@host".to_owned(),
        );
    }
    match (auth == Some(AuthMethod::XOAuth2), has_token, has_password) {
        (true, false, _) => problem("xoauth2 needs a token", format!("write {TOKEN}")),
        (true, true, true) => problem("xoauth2 takes the token, not the password", "take `password` out".to_owned()),
        (false, true, _) => problem("a token is for xoauth2", "write auth = \"xoauth2\", or a password".to_owned()),
        (true, true, false) | (false, false, _) => {}
    }
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

#[cfg(test)]
mod tests {
    use super::{AuthMethod, Relay, Secret, read_all};
    use crate::input::toml_reader::TomlDocument;

    fn read(text: &str) -> (Vec<Relay>, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let relays = read_all(&root);
        root.finish();
        (relays, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_relay_with_everything_is_read() {
        let (relays, problems) = read(
            "[[relay]]\nurl = \"smtps://me@mx.example\"\nauth = \"xoauth2\"\ntoken = { command = [\"fetch\", \"it\"] }\n\
             client_certificate = \"me.pem\"\nclient_key = \"me.key\"\nehlo = \"Mail.Host.example\"\ndsn = false\n\
             messages_per_connection = 50\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let relay = &relays[0];
        assert_eq!(relay.auth, Some(AuthMethod::XOAuth2));
        assert_eq!(relay.token, Some(Secret::Command(vec!["fetch".into(), "it".into()])));
        assert_eq!(relay.ehlo.as_deref(), Some("mail.host.example"));
        assert!(!relay.dsn && relay.client_key.is_some());
        assert_eq!(relay.messages_per_connection, Some(50));
    }

    #[test]
    fn every_fault_of_a_relay_is_named_with_its_place_and_cure() {
        for (lines, fault) in [
            ("auth = \"cram-md5\"", "convoke.toml:3:8: `auth` is `cram-md5`"),
            ("auth = \"xoauth2\"", "xoauth2 needs a token; write token = {"),
            ("token = { env = \"T\" }", "a token is for xoauth2; write auth"),
            ("token = \"abc\"", "convoke.toml:3:1: the token stands in the file; name its place: token"),
            ("ehlo = \"my laptop\"", "convoke.toml:3:8: `ehlo` is `my laptop`, which is no full domain name"),
            ("ehlo = \"laptop\"", "write this machine's name"),
            ("client_key = \"k.pem\"", "convoke.toml:3:14: `client_key` is there and `client_certificate` is not"),
            ("messages_per_connection = 0", "is out of range"),
        ] {
            let (_, problems) = read(&format!("[[relay]]\nurl = \"smtps://me@mx.example\"\n{lines}\n"));
            assert!(problems.iter().any(|p| p.contains(fault)), "{lines}: {problems:?}");
            assert!(problems.iter().all(|p| !p.contains("abc")), "{problems:?}");
        }
        let (_, problems) = read("[[relay]]\nurl = \"smtps://mx.example\"\npassword = { env = \"P\" }\n");
        assert!(problems[0].contains("the relay has a password and no user"), "{problems:?}");
    }
}
