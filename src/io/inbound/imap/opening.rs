//! From nothing to a login: connect, TLS, STARTTLS, and by which of its methods the server is logged in to.
//!
//! What: [`open`]. Standards: RFC 3501 sections 6.1.1, 6.2.1 (STARTTLS), 6.2.2 and 6.2.3 (AUTHENTICATE, LOGIN), RFC 4616 (PLAIN),
//! Google's XOAUTH2. In clear to loopback only; without TLS nothing is said that matters. Not here: what follows (`dialogue`).
//! Called by: `imap::Reader`. Can fail: [`Fault`].

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_imap::{Authenticator, Client, Session};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Fault;
use super::line::{Carrier, Line};
use crate::input::relay::{AuthMethod, Protection};
use crate::input::replies::Mailbox;
use crate::io::secrets;

/// Lines of one answer before the login.
const MOST_LINES: usize = 200;
/// The whole of a login, whatever the server makes of it.
const LONGEST_LOGIN: Duration = Duration::from_secs(300);

/// With what to log in.
pub(super) struct Key<'k> {
    pub(super) user: &'k str,
    pub(super) secret: SecretString,
    pub(super) method: Option<AuthMethod>,
}

/// A login that the server has taken.
pub(super) struct Opened {
    pub(super) session: Session<Line>,
    /// In words, for people.
    pub(super) protection: &'static str,
    pub(super) login: &'static str,
}

/// Connects and logs in.
pub(super) async fn open(
    mailbox: &Mailbox,
    protection: Protection,
    tls: &Arc<ClientConfig>,
    silence: Duration,
    key: Key<'_>,
) -> Result<Opened, Fault> {
    let connect = TcpStream::connect((mailbox.host.as_str(), mailbox.port));
    let stream = match timeout(silence, connect).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(e)) => return Err(Fault::Lost(format!("no connection: {e}"))),
        Err(_) => return Err(Fault::Lost(format!("no connection in {} s", silence.as_secs()))),
    };
    // Commands are small and wait for their answers.
    stream.set_nodelay(true).map_err(lost)?;
    let carrier = match protection {
        Protection::Implicit => protected(&mailbox.host, tls, stream, silence).await?,
        Protection::StartTls | Protection::Loopback => Carrier::Plain(stream),
    };
    let mut opening = Opening { line: Line::new(carrier, silence), behind: Vec::new() };
    let greeting = opening.line().await?;
    match greeting.get(..5).unwrap_or_default().to_ascii_uppercase().as_str() {
        "* OK " => {}
        "* BYE" => return Err(Fault::Lost(format!("the server does not want us: {}", printable(&greeting)))),
        // Before TLS it would be the way to keep us from it (RFC 9051 section 11.1); behind it there is no use for it.
        "* PRE" => {
            return Err(Fault::Unfit("the server greets us as logged in already, which is not believed".to_owned()));
        }
        _ => return Err(Fault::Lost(format!("no IMAP server greets like this: {}", printable(&greeting)))),
    }
    let mut capabilities = opening.capabilities().await?;
    let mut words = if protection == Protection::Implicit { "TLS" } else { "in clear" };
    if protection == Protection::StartTls {
        if !capabilities.iter().any(|c| c == "STARTTLS") {
            let fault = "the server offers no STARTTLS, and nothing is said in clear; write imaps:// if it has TLS";
            return Err(Fault::Unfit(fault.to_owned()));
        }
        opening.command("s1", "STARTTLS").await?.ok_or_else(|| Fault::Unfit("STARTTLS is refused".to_owned()))?;
        let Carrier::Plain(stream) = opening.line.into_carrier() else {
            return Err(Fault::Lost("TLS within TLS".to_owned()));
        };
        let carrier = protected(&mailbox.host, tls, stream, silence).await?;
        opening = Opening { line: Line::new(carrier, silence), behind: Vec::new() };
        // What was said before is forgotten (RFC 3501 section 6.2.1).
        capabilities = opening.capabilities().await?;
        words = "STARTTLS";
    }
    let (session, login) = log_in(opening.line, &capabilities, key).await?;
    Ok(Opened { session, protection: words, login })
}

async fn protected(
    host: &str,
    tls: &Arc<ClientConfig>,
    stream: TcpStream,
    silence: Duration,
) -> Result<Carrier, Fault> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Fault::Unfit(format!("`{host}` is no name for a certificate")))?;
    match timeout(silence, TlsConnector::from(Arc::clone(tls)).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Carrier::Tls(Box::new(stream))),
        Ok(Err(e)) if e.to_string().contains("certificate") => Err(Fault::Unfit(format!(
            "the server's certificate is not accepted: {e}; name its authority with `ca_file` under [replies]"
        ))),
        Ok(Err(e)) => Err(Fault::Lost(format!("no TLS: {e}"))),
        Err(_) => Err(Fault::Lost(format!("no TLS in {} s", silence.as_secs()))),
    }
}

/// The dialogue before the login: a few lines, one question at a time.
struct Opening {
    line: Line,
    /// What came behind the last line.
    behind: Vec<u8>,
}

impl Opening {
    async fn line(&mut self) -> Result<String, Fault> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.behind) {
                let line: Vec<u8> = self.behind.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            // The line itself bounds how long one may become.
            let mut buffer = [0; 1024];
            let n = self.line.read(&mut buffer).await.map_err(lost)?;
            if n == 0 {
                return Err(Fault::Lost("the server closed the connection".to_owned()));
            }
            self.behind.extend_from_slice(&buffer[..n]);
        }
    }

    /// The untagged lines of the answer; `None`: refused.
    async fn command(&mut self, tag: &str, command: &str) -> Result<Option<Vec<String>>, Fault> {
        self.line.write_all(format!("{tag} {command}\r\n").as_bytes()).await.map_err(lost)?;
        self.line.flush().await.map_err(lost)?;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if let Some(answer) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                // Nothing may come unasked here: before TLS it could be anybody's (CVE-2011-0411).
                if !self.behind.is_empty() {
                    return Err(Fault::Unfit("the server speaks out of turn".to_owned()));
                }
                return Ok(answer.get(..2).is_some_and(|ok| ok.eq_ignore_ascii_case("OK")).then_some(lines));
            }
            lines.push(line);
            if lines.len() > MOST_LINES {
                return Err(Fault::Lost("the server does not come to an end".to_owned()));
            }
        }
    }

    /// What the server offers, in capitals.
    async fn capabilities(&mut self) -> Result<Vec<String>, Fault> {
        let lines = self.command("c1", "CAPABILITY").await?;
        let lines = lines.ok_or_else(|| Fault::Lost("CAPABILITY is refused".to_owned()))?;
        let words = lines.iter().filter_map(|line| {
            let line = line.to_ascii_uppercase();
            line.strip_prefix("* CAPABILITY ")
                .map(|rest| rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        });
        Ok(words.flatten().collect())
    }
}

async fn log_in(line: Line, capabilities: &[String], key: Key<'_>) -> Result<(Session<Line>, &'static str), Fault> {
    let offers = |word: &str| capabilities.iter().any(|c| c == word);
    let client = Client::new(line);
    let clear = key.secret.expose_secret();
    let said = Arc::new(Mutex::new(None));
    let answer = |words: String| Words { words: Some(words), said: Arc::clone(&said) };
    let (login, name): (std::pin::Pin<Box<dyn Future<Output = _>>>, _) = match key.method {
        Some(AuthMethod::XOAuth2) => {
            if !offers("AUTH=XOAUTH2") {
                return Err(Fault::Unfit("the server does not offer XOAUTH2".to_owned()));
            }
            let words = format!("user={}\x01auth=Bearer {clear}\x01\x01", key.user);
            (Box::pin(client.authenticate("XOAUTH2", answer(words))), "XOAUTH2")
        }
        Some(AuthMethod::Plain) => {
            let words = format!("\0{}\0{clear}", key.user);
            (Box::pin(client.authenticate("PLAIN", answer(words))), "PLAIN")
        }
        None if offers("AUTH=PLAIN") => {
            let words = format!("\0{}\0{clear}", key.user);
            (Box::pin(client.authenticate("PLAIN", answer(words))), "PLAIN")
        }
        None if offers("LOGINDISABLED") => {
            return Err(Fault::Unfit("the server lets nobody log in with a password here".to_owned()));
        }
        None | Some(AuthMethod::Login) => (Box::pin(client.login(key.user, clear)), "LOGIN"),
    };
    let ended = timeout(LONGEST_LOGIN, login).await;
    match ended {
        Ok(Ok(session)) => Ok((session, name)),
        Ok(Err((error, _))) => {
            let said = said.lock().ok().and_then(|mut said| said.take());
            Err(fault_of(error, said, &key))
        }
        Err(_) => Err(Fault::Lost("the login does not come to an end".to_owned())),
    }
}

fn fault_of(error: async_imap::error::Error, said: Option<String>, key: &Key<'_>) -> Fault {
    use async_imap::error::Error;
    let hidden = |words: &str| secrets::hidden_in(&printable(words), key.user, &key.secret);
    match error {
        // Not the login's fault (RFC 5530).
        Error::No(words) if words.contains("[UNAVAILABLE]") => Fault::Lost(hidden(inner(&words))),
        Error::No(words) | Error::Bad(words) => {
            let said = said.map(|said| format!("; it said {said}")).unwrap_or_default();
            Fault::Refused(hidden(&format!("{}{said}", inner(&words))))
        }
        Error::ConnectionLost => Fault::Lost("the server closed the connection at the login".to_owned()),
        Error::Validate(_) => Fault::Unfit("user or password has a line break".to_owned()),
        Error::Io(e) => lost(e),
        other => Fault::Lost(hidden(&other.to_string())),
    }
}

/// async-imap wraps the server's words in a form for programmers: `code: None, info: Some("…")`.
fn inner(words: &str) -> &str {
    let from = words.find("info: Some(\"").map_or(0, |at| at + "info: Some(\"".len());
    words[from..].trim_end_matches(')').trim_end_matches('"')
}

/// One line without control characters, of a length that can be read.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

pub(super) fn lost(error: io::Error) -> Fault {
    Fault::Lost(printable(&error.to_string()))
}

/// Answers the first question with words, every other one with nothing: to XOAUTH2 a server explains its refusal in a second
/// question, which wants an empty answer.
struct Words {
    words: Option<String>,
    said: Arc<Mutex<Option<String>>>,
}

impl Authenticator for Words {
    type Response = String;

    fn process(&mut self, challenge: &[u8]) -> String {
        self.words.take().unwrap_or_else(|| {
            if let Ok(mut said) = self.said.lock() {
                *said = Some(printable(&String::from_utf8_lossy(challenge)));
            }
            String::new()
        })
    }
}
