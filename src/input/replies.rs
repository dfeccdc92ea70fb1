//! `[replies]` of `convoke.toml`: where returned mail is read, and what is done with it afterwards.
//!
//! What: [`Replies`], [`Source`] (also as typed with `--from`), [`Mailbox`] (IMAP). Standards: RFC 5092 for the shape of the
//! URLs, RFC 8314 for `imaps`. Not here: reading anything (`io::inbound`). Called by: `event_file`, `command::replies`.
//! Can fail: with a problem for each value that cannot be used.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::problem::quoted;
use super::relay::{AuthMethod, Protection, Secret, UrlFault, read_secret};
use super::toml_reader::{Found, TomlReader};
use super::units::parse_duration;

/// What to write where a source is none.
const CURE: &str = "write imaps://user@host/INBOX, imap://user@host/INBOX, maildir:DIR, mbox:FILE, a message (.eml), a folder of them, or -";

/// Where returned mail comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder on an IMAP server.
    Imap(Mailbox),
    /// A Maildir: `new` and `cur` are read.
    Maildir(String),
    /// A file of messages behind `From ` lines.
    Mbox(String),
    /// A message, or a folder of messages (.eml), with the folders below it.
    Files(String),
    /// Standard input: one message.
    Input,
}

/// A folder on an IMAP server (RFC 3501).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS or not. On loopback `imap://` is in clear unless an authority (`ca_file`) is named.
    pub protection: Protection,
    /// Login name.
    pub user: String,
    /// The folder; INBOX where none is named.
    pub folder: String,
}

/// How mail is read and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replies {
    /// Read by `convoke replies` where no other is typed.
    pub from: Vec<Source>,
    /// Password of the IMAP login.
    pub password: Option<Secret>,
    /// Token of the IMAP login, for XOAUTH2; fetched anew for each connection.
    pub token: Option<Secret>,
    /// The only method to log in by; `None`: PLAIN where the server offers it, LOGIN otherwise.
    pub auth: Option<AuthMethod>,
    /// A PEM file of certificates to trust beside the system's.
    pub ca_file: Option<String>,
    /// The folder into which recorded messages are moved; `None`: the mailbox is never changed.
    pub move_to: Option<String>,
    /// Which originals are kept in the event folder.
    pub keep: Keep,
    /// How long a server may be silent.
    pub timeout: Duration,
    /// Between two looks of `--watch` where nothing tells of new mail.
    pub poll: Duration,
}

/// Which originals are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// None: they stay where they were read.
    #[default]
    None,
    /// Those that a person has to look at.
    Triage,
    /// All of them.
    All,
}

impl Default for Replies {
    fn default() -> Self {
        Self {
            from: Vec::new(),
            password: None,
            token: None,
            auth: None,
            ca_file: None,
            move_to: None,
            keep: Keep::None,
            timeout: Duration::from_secs(60),
            poll: Duration::from_secs(30),
        }
    }
}

impl Source {
    /// Reads what is typed or configured.
    ///
    /// # Errors
    /// A scheme that is none of ours, a password in a URL, no user, no host.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let name = |rest: &str, make: fn(String) -> Self| {
            let named = rest.trim();
            if named.is_empty() {
                return Err(fault(format!("source {} names nothing", quoted(text))));
            }
            Ok(make(named.to_owned()))
        };
        match text.split_once(':') {
            _ if text == "-" => Ok(Self::Input),
            Some(("maildir", rest)) => name(rest, Self::Maildir),
            Some(("mbox", rest)) => name(rest, Self::Mbox),
            Some((scheme, rest)) if rest.starts_with("//") => match scheme {
                "imap" | "imaps" => Mailbox::parse(text).map(Self::Imap),
                _ => Err(fault(format!("source scheme {} is none of imaps, imap, maildir and mbox", quoted(scheme)))),
            },
            _ => name(text, Self::Files),
        }
    }
}

impl fmt::Display for Source {
    /// As it is written, without anything secret: also its name in the journal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imap(mailbox) => mailbox.fmt(f),
            Self::Maildir(path) => write!(f, "maildir:{path}"),
            Self::Mbox(path) => write!(f, "mbox:{path}"),
            Self::Files(path) => f.write_str(path),
            Self::Input => f.write_str("-"),
        }
    }
}

impl Mailbox {
    fn parse(text: &str) -> Result<Self, UrlFault> {
        let url = url::Url::parse(text).map_err(|e| fault(format!("source {} is no URL: {e}", quoted(text))))?;
        if url.password().is_some() {
            return Err(UrlFault {
                fault: "the source's URL holds a password".to_owned(),
                cure: "take it out and name its place under [replies]: password = { env = \"NAME\" }, { file = \"…\" } or { command = […] }",
            });
        }
        let is_implicit = url.scheme() == "imaps";
        let host = url.host_str().map(|h| h.trim_matches(['[', ']']).to_owned()).filter(|h| !h.is_empty());
        let Some(host) = host else { return Err(fault(format!("source {} names no host", quoted(text)))) };
        let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let user = decoded(url.username());
        if user.is_empty() {
            return Err(fault(format!("source {} names no user", quoted(text))));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(fault(format!("source {} has something behind the folder", quoted(text))));
        }
        let folder = decoded(url.path().trim_matches('/'));
        let folder =
            if folder.is_empty() || folder.eq_ignore_ascii_case("inbox") { "INBOX".to_owned() } else { folder };
        if user.chars().chain(folder.chars()).any(char::is_control) {
            return Err(fault(format!("source {} has control characters", quoted(text))));
        }
        let protection = match (is_implicit, is_loopback(&host)) {
            (true, _) => Protection::Implicit,
            (false, true) => Protection::Loopback,
            (false, false) => Protection::StartTls,
        };
        let port = url.port().unwrap_or(if is_implicit { 993 } else { 143 });
        Ok(Self { host, port, protection, user, folder })
    }

    /// Whether it stands on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// What protects the connection: an authority that is named is there to be used, on loopback too.
    pub fn protected_by(&self, ca_file: Option<&str>) -> Protection {
        match self.protection {
            Protection::Loopback if ca_file.is_some() => Protection::StartTls,
            other => other,
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.protection == Protection::Implicit { ("imaps", 993) } else { ("imap", 143) };
        write!(f, "{scheme}://{}@{}", self.user, self.host)?;
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        write!(f, "/{}", self.folder)
    }
}

fn fault(fault: String) -> UrlFault {
    UrlFault { fault, cure: CURE }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Reads `[replies]`.
pub(crate) fn read(root: &TomlReader<'_, '_>) -> Replies {
    let table = root.table("replies");
    let standard = Replies::default();
    let from = table.strings("from").unwrap_or_default().into_iter().filter_map(|f| source(&table, f)).collect();
    let cure = |key: &str| {
        format!(
            "name its place: {key} = {{ env = \"NAME\" }}, {{ file = \"mailbox.secret\" }} or {{ command = [\"pass\", \"show\", \"mailbox\"] }}"
        )
    };
    let password = read_secret(&table, "password", "the password", &cure("password"));
    let token = read_secret(&table, "token", "the token", &cure("token"));
    let auth = table.string("auth").and_then(|found| match found.value.to_ascii_lowercase().as_str() {
        "plain" => Some(AuthMethod::Plain),
        "login" => Some(AuthMethod::Login),
        "xoauth2" => Some(AuthMethod::XOAuth2),
        _ => {
            let fault = format!("`replies.auth` is {}, which is no way to log in here", quoted(&found.value));
            table.problem(found.place, fault, "write plain, login or xoauth2, or leave it out");
            None
        }
    });
    match (auth == Some(AuthMethod::XOAuth2), token.is_some(), password.is_some()) {
        (true, false, _) => {
            table.problem(
                table.place(),
                "xoauth2 needs a token",
                "write token = { command = [\"command\", \"that\", \"prints\", \"it\"] }",
            );
        }
        (true, true, true) => {
            table.problem(table.place(), "xoauth2 takes the token, not the password", "take `password` out");
        }
        (false, true, _) => {
            table.problem(table.place(), "a token is for xoauth2", "write auth = \"xoauth2\", or a password");
        }
        (true, true, false) | (false, false, _) => {}
    }
    let ca_file = named(&table, "ca_file");
    let move_to = named(&table, "move_to");
    let keep = table.string("keep").and_then(|found| match found.value.as_str() {
        "none" => Some(Keep::None),
        "triage" => Some(Keep::Triage),
        "all" => Some(Keep::All),
        _ => {
            let fault = format!("`replies.keep` is {}", quoted(&found.value));
            table.problem(found.place, fault, "write \"none\", \"triage\" or \"all\"");
            None
        }
    });
    let duration = |key: &str, otherwise: Duration| {
        let Some(found) = table.string(key) else { return otherwise };
        parse_duration(&found.value).filter(|d| !d.is_zero()).unwrap_or_else(|| {
            let fault = format!("`replies.{key}` is {}, no duration", quoted(&found.value));
            table.problem(found.place, fault, "write a number and a unit: 30s, 5min");
            otherwise
        })
    };
    let timeout = duration("timeout", standard.timeout);
    let poll = duration("poll", standard.poll);
    table.finish();
    Replies { from, password, token, auth, ca_file, move_to, keep: keep.unwrap_or_default(), timeout, poll }
}

fn source(table: &TomlReader<'_, '_>, found: Found<String>) -> Option<Source> {
    match Source::parse(&found.value) {
        // A schedule has no standard input.
        Ok(Source::Input) => {
            table.problem(
                found.place,
                "`-` under `replies.from` is standard input",
                "type it: convoke replies --from -",
            );
            None
        }
        Ok(source) => Some(source),
        Err(e) => {
            table.problem(found.place, e.fault, e.cure);
            None
        }
    }
}

/// A name that is not blank and has no control characters.
fn named(table: &TomlReader<'_, '_>, key: &str) -> Option<String> {
    let found = table.string(key)?;
    if found.value.trim().is_empty() || found.value.chars().any(char::is_control) {
        let fault = format!("`replies.{key}` is {}, no name", quoted(&found.value));
        table.problem(found.place, fault, "write a name, or leave the key out");
        return None;
    }
    Some(found.value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Keep, Replies, Source, read};
    use crate::input::relay::{AuthMethod, Protection, Secret};
    use crate::input::toml_reader::TomlDocument;

    fn replies(text: &str) -> (Replies, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let replies = read(&root);
        root.finish();
        (replies, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_the_table_nothing_is_read() {
        assert_eq!(replies(""), (Replies::default(), Vec::new()));
    }

    #[test]
    fn the_table_is_read_whole() {
        let (replies, problems) = replies(
            "[replies]\nfrom = [\"imaps://rsvp%40host.example@mx.example/Answers/2027\", \"maildir:returned\"]\n\
             auth = \"xoauth2\"\ntoken = { command = [\"fetch\"] }\nca_file = \"ca.pem\"\nmove_to = \"Processed\"\n\
             keep = \"triage\"\ntimeout = \"20s\"\npoll = \"5min\"\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let Source::Imap(mailbox) = &replies.from[0] else { panic!("{replies:?}") };
        assert_eq!(
            (mailbox.user.as_str(), mailbox.folder.as_str(), mailbox.port),
            ("rsvp@host.example", "Answers/2027", 993)
        );
        assert_eq!(replies.from[1], Source::Maildir("returned".to_owned()));
        assert_eq!((replies.auth, replies.keep), (Some(AuthMethod::XOAuth2), Keep::Triage));
        assert_eq!(replies.token, Some(Secret::Command(vec!["fetch".to_owned()])));
        assert_eq!((replies.timeout, replies.poll), (Duration::from_secs(20), Duration::from_secs(300)));
    }

    #[test]
    fn sources_are_told_apart_and_print_as_they_were_written() {
        for text in
            ["imaps://a@mx.example/INBOX", "imap://a@mx.example:1143/Sent items", "maildir:x", "mbox:y", "z.eml", "-"]
        {
            let source = Source::parse(&text.replace(' ', "%20")).unwrap();
            assert_eq!(source.to_string(), text);
        }
        let protection = |text| match Source::parse(text) {
            Ok(Source::Imap(mailbox)) => (mailbox.protection, mailbox.protected_by(Some("ca.pem"))),
            other => panic!("{other:?}"),
        };
        assert_eq!(protection("imap://a@mx.example"), (Protection::StartTls, Protection::StartTls));
        assert_eq!(protection("imap://a@127.0.0.1"), (Protection::Loopback, Protection::StartTls));
        assert_eq!(protection("imaps://a@[::1]"), (Protection::Implicit, Protection::Implicit));
    }

    #[test]
    fn every_fault_is_named_with_its_place_and_cure() {
        for (lines, fault) in [
            ("from = \"pop3://a@mx.example\"", "convoke.toml:2:8: source scheme `pop3` is none of"),
            ("from = \"imaps://a:b@mx.example\"", "the source's URL holds a password; take it out"),
            ("from = \"imaps://mx.example\"", "names no user"),
            ("from = \"maildir:\"", "names nothing"),
            ("from = \"-\"", "is standard input"),
            ("password = \"x\"", "the password stands in the file"),
            ("auth = \"xoauth2\"", "xoauth2 needs a token"),
            ("token = { env = \"T\" }", "a token is for xoauth2"),
            ("keep = \"some\"", "write \"none\", \"triage\" or \"all\""),
            ("poll = \"often\"", "`replies.poll` is `often`, no duration"),
            ("move_too = \"x\"", "did you mean `move_to`?"),
        ] {
            let (_, problems) = replies(&format!("[replies]\n{lines}\n"));
            assert!(problems.iter().any(|p| p.contains(fault)), "{lines}: {problems:?}");
        }
    }
}
