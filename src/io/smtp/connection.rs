//! One connection to a relay.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Capabilities, Deadlines, Route};
use crate::delivery::{Mishap, Phase};
use crate::input::relay::Protection;
use crate::io::secrets;
use crate::mail::{AddrSpec, Reply, ReplyReader};

/// What happened in which phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub phase: Phase,
    /// What.
    pub mishap: Mishap,
}

impl Failure {
    fn new(phase: Phase, mishap: Mishap) -> Self {
        Self { phase, mishap }
    }

    /// Servers that do not understand a login repeat it in their answer, which goes to the journal and the log.
    fn without_secret(self, login: &Login) -> Self {
        let hide = |text: &str| secrets::hidden_in(text, &login.user, &login.password);
        let mishap = match self.mishap {
            Mishap::Reply(reply) => {
                let lines = reply.lines().iter().map(|line| hide(line)).collect();
                Mishap::Reply(Reply::new(reply.code(), lines))
            }
            Mishap::Broken(words) => Mishap::Broken(hide(&words)),
            Mishap::Unreadable(words) => Mishap::Unreadable(hide(&words)),
            Mishap::Unable(words) => Mishap::Unable(hide(&words)),
            other @ (Mishap::Silence | Mishap::Closed) => other,
        };
        Self { phase: self.phase, mishap }
    }

    /// Whether the dialogue can go on with another message: after a plain refusal, and only then.
    pub fn leaves_open(&self) -> bool {
        match &self.mishap {
            Mishap::Reply(reply) => reply.class() >= 4 && reply.code() != 421,
            Mishap::Unable(_) => true,
            Mishap::Silence | Mishap::Closed | Mishap::Broken(_) | Mishap::Unreadable(_) => false,
        }
    }
}

/// A login.
#[derive(Clone)]
pub struct Login {
    /// Name.
    pub user: String,
    /// Password; never printed.
    pub password: SecretString,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Between the two, while the handshake has the socket.
    Gone,
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_write(cx, buf),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_flush(cx),
            Self::Tls(s) => Pin::new(s).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Self::Tls(s) => Pin::new(s).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// An open dialogue, greeted and, where asked for, protected and logged in.
pub struct Connection {
    stream: Stream,
    replies: ReplyReader,
    buffer: Vec<u8>,
    deadlines: Deadlines,
    offered: Capabilities,
}

impl Connection {
    /// Connects, protects, says EHLO, logs in.
    ///
    /// # Errors
    /// The phase and what happened in it. No message has been spoken of then.
    pub async fn open(route: &Route) -> Result<Self, Failure> {
        let relay = &route.relay;
        let deadlines = route.deadlines;
        let connect = async {
            let stream = TcpStream::connect((relay.host.as_str(), relay.port)).await?;
            // Without it the final dot waits 40 ms for an acknowledgement that the server delays.
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?;
            Ok::<_, io::Error>((stream, local))
        };
        let (stream, local) = within(&deadlines, Phase::Connect, connect).await?;
        let mut connection = Self {
            stream: Stream::Plain(stream),
            replies: ReplyReader::default(),
            buffer: vec![0; 16 * 1024],
            deadlines,
            offered: Capabilities::default(),
        };
        if relay.protection == Protection::Implicit {
            connection.protect(&relay.host, &route.tls).await?;
        }
        let greeting = connection.read(Phase::Greeting).await?;
        demand(Phase::Greeting, greeting, 220..=220)?;
        connection.hello(local).await?;
        if relay.protection == Protection::StartTls {
            connection.start_tls(&relay.host, &route.tls).await?;
            connection.hello(local).await?;
        }
        if let Some(login) = &route.login {
            connection.log_in(login).await.map_err(|failure| failure.without_secret(login))?;
        }
        Ok(connection)
    }

    /// What the server offers.
    pub fn offered(&self) -> &Capabilities {
        &self.offered
    }

    async fn hello(&mut self, local: SocketAddr) -> Result<(), Failure> {
        // An address literal is always a valid argument (RFC 5321 section 4.1.4); machine names often are not.
        let name = match local {
            SocketAddr::V4(v4) => ClientId::Ipv4(*v4.ip()),
            SocketAddr::V6(v6) => ClientId::Ipv6(*v6.ip()),
        };
        self.write(Phase::Ehlo, Ehlo::new(name).to_string().as_bytes()).await?;
        let reply = self.read(Phase::Ehlo).await?;
        let reply = demand(Phase::Ehlo, reply, 250..=250)?;
        self.offered = Capabilities::of(&reply);
        Ok(())
    }

    async fn start_tls(&mut self, host: &str, tls: &Arc<ClientConfig>) -> Result<(), Failure> {
        if !self.offered.starttls {
            let words = "the relay offers no STARTTLS, and nothing is sent in clear; use smtps:// or another port";
            return Err(Failure::new(Phase::StartTls, Mishap::Unable(words.to_owned())));
        }
        self.write(Phase::StartTls, Starttls.to_string().as_bytes()).await?;
        let reply = self.read(Phase::StartTls).await?;
        demand(Phase::StartTls, reply, 220..=220)?;
        if !self.replies.is_empty() {
            // Somebody on the way put words into the server's mouth (STARTTLS response injection).
            let words = "octets in clear after the answer to STARTTLS".to_owned();
            return Err(Failure::new(Phase::StartTls, Mishap::Unreadable(words)));
        }
        self.protect(host, tls).await
    }

    async fn protect(&mut self, host: &str, tls: &Arc<ClientConfig>) -> Result<(), Failure> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failure::new(Phase::Tls, Mishap::Unable(format!("`{host}` is no name for a certificate"))))?;
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Failure::new(Phase::Tls, Mishap::Closed));
        };
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, plain);
        let protected = within(&self.deadlines, Phase::Tls, handshake).await.map_err(certificate_fault)?;
        self.stream = Stream::Tls(Box::new(protected));
        Ok(())
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        let offers = |name: &str| self.offered.auth.iter().any(|m| m == name);
        let mechanism = if offers("PLAIN") {
            Mechanism::Plain
        } else if offers("LOGIN") {
            Mechanism::Login
        } else {
            let words = format!("the relay offers no login that is known here ({})", self.offered.auth.join(", "));
            return Err(Failure::new(Phase::Auth, Mishap::Unable(words)));
        };
        let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
        let unable = |words: String| Failure::new(Phase::Auth, Mishap::Unable(words));
        let first = Auth::new(mechanism, credentials.clone(), None).map_err(|e| unable(e.to_string()))?;
        self.write(Phase::Auth, first.to_string().as_bytes()).await?;
        let mut reply = self.read(Phase::Auth).await?;
        // LOGIN asks twice, for name and password.
        for _ in 0..2 {
            if reply.code() != 334 || mechanism != Mechanism::Login {
                break;
            }
            let challenge = reply.lines().first().map(String::as_str).unwrap_or_default();
            let challenge = data_encoding::BASE64.decode(challenge.trim().as_bytes()).unwrap_or_default();
            let challenge = String::from_utf8_lossy(&challenge).into_owned();
            let answer =
                Auth::new(mechanism, credentials.clone(), Some(challenge)).map_err(|e| unable(e.to_string()))?;
            self.write(Phase::Auth, answer.to_string().as_bytes()).await?;
            reply = self.read(Phase::Auth).await?;
        }
        demand(Phase::Auth, reply, 235..=235).map(|_| ())
    }

    /// The commands that announce a message, as octets; they leave by themselves or behind the message before.
    ///
    /// # Errors
    /// The server cannot take this recipient or this size; nothing has been sent.
    pub fn envelope(&self, from: &AddrSpec, to: &AddrSpec, size: usize) -> Result<Envelope, Failure> {
        let unable = |phase: Phase, words: String| Failure::new(phase, Mishap::Unable(words));
        if (to.needs_smtputf8() || from.needs_smtputf8()) && !self.offered.smtputf8 {
            let words = "the relay takes no addresses with letters beyond ASCII before the @ (SMTPUTF8)";
            return Err(unable(Phase::Rcpt, words.to_owned()));
        }
        if let Some(limit) = self.offered.size.filter(|&limit| limit > 0 && size as u64 > limit) {
            return Err(unable(Phase::Mail, format!("the message has {size} octets, the relay takes {limit}")));
        }
        let address = |a: &AddrSpec| {
            a.as_str()
                .parse::<lettre::Address>()
                .map_err(|e| unable(Phase::Rcpt, format!("the address is refused: {e}")))
        };
        let mut parameters = Vec::new();
        if self.offered.size.is_some() {
            parameters.push(MailParameter::Size(size));
        }
        if to.needs_smtputf8() || from.needs_smtputf8() {
            parameters.push(MailParameter::SmtpUtfEight);
            if self.offered.eight_bit {
                parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
            }
        }
        let mail = Mail::new(Some(address(from)?), parameters).to_string();
        let rcpt = Rcpt::new(address(to)?, Vec::new()).to_string();
        Ok(Envelope { mail, rcpt })
    }

    /// Announces a message and waits until the server says 354.
    ///
    /// # Errors
    /// The refusal, or what came in its place.
    pub async fn announce(&mut self, envelope: &Envelope) -> Result<(), Failure> {
        if self.offered.pipelining {
            self.write(Phase::Mail, envelope.whole().as_bytes()).await?;
            return self.announced().await;
        }
        self.write(Phase::Mail, envelope.mail.as_bytes()).await?;
        let reply = self.read(Phase::Mail).await?;
        demand(Phase::Mail, reply, 250..=259)?;
        self.write(Phase::Rcpt, envelope.rcpt.as_bytes()).await?;
        let reply = self.read(Phase::Rcpt).await?;
        demand(Phase::Rcpt, reply, 250..=259)?;
        self.write(Phase::Data, Data.to_string().as_bytes()).await?;
        let reply = self.read(Phase::Data).await?;
        demand(Phase::Data, reply, 354..=354).map(|_| ())
    }

    /// Reads the three answers to an announcement that has left already. The first refusal counts; a server that says 354
    /// although it refused waits for a message now, so that connection is at its end.
    ///
    /// # Errors
    /// The refusal, or what came in its place.
    pub async fn announced(&mut self) -> Result<(), Failure> {
        let mail = self.read(Phase::Mail).await?;
        let rcpt = self.read(Phase::Rcpt).await?;
        let data = self.read(Phase::Data).await?;
        let waits = data.code() == 354;
        let refused = demand(Phase::Mail, mail, 250..=259).and_then(|_| demand(Phase::Rcpt, rcpt, 250..=259));
        match (refused, waits) {
            (Ok(_), _) => demand(Phase::Data, data, 354..=354).map(|_| ()),
            (Err(refusal), false) => Err(refusal),
            (Err(refusal), true) => {
                self.stream = Stream::Gone;
                Err(refusal)
            }
        }
    }

    /// Whether the dialogue can go on.
    pub fn is_open(&self) -> bool {
        !matches!(self.stream, Stream::Gone)
    }

    /// Sends the message with its final dot and, in the same write, the announcement of the next one; gives the answer to
    /// the dot. `octets` have CRLF line ends throughout.
    ///
    /// # Errors
    /// [`Phase::Body`] where the dot cannot have left, [`Phase::Dot`] otherwise: the message is in doubt then.
    pub async fn send(&mut self, octets: &[u8], next: Option<&Envelope>) -> Result<Reply, Failure> {
        let mut wire = Vec::with_capacity(octets.len() + 512);
        stuff(octets, &mut wire);
        let dot_ends = wire.len();
        if let Some(next) = next {
            wire.extend_from_slice(next.whole().as_bytes());
        }
        let mut written = 0;
        while written < wire.len() {
            let step = timeout(self.deadlines.of(Phase::Body), self.stream.write(&wire[written..])).await;
            let fault = match step {
                Ok(Ok(0)) => Mishap::Closed,
                Ok(Ok(n)) => {
                    written += n;
                    continue;
                }
                Ok(Err(error)) => Mishap::Broken(error.to_string()),
                Err(_) => Mishap::Silence,
            };
            // The kernel, or TLS, may have passed on more than the last write told: near the end nothing is certain.
            let certain = matches!(self.stream, Stream::Plain(_)) && written + 1 < dot_ends;
            return Err(Failure::new(if certain { Phase::Body } else { Phase::Dot }, fault));
        }
        match timeout(self.deadlines.of(Phase::Body), self.stream.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Failure::new(Phase::Dot, Mishap::Broken(error.to_string()))),
            Err(_) => return Err(Failure::new(Phase::Dot, Mishap::Silence)),
        }
        let reply = self.read(Phase::Dot).await?;
        if reply.is_done() { Ok(reply) } else { Err(Failure::new(Phase::Dot, Mishap::Reply(reply))) }
    }

    /// Forgets a half-announced message (RFC 5321 section 4.1.1.5).
    ///
    /// # Errors
    /// The server will not, or is gone.
    pub async fn reset(&mut self) -> Result<(), Failure> {
        self.write(Phase::Mail, Rset.to_string().as_bytes()).await?;
        let reply = self.read(Phase::Mail).await?;
        demand(Phase::Mail, reply, 250..=259).map(|_| ())
    }

    /// Says QUIT and waits a moment for the answer.
    pub async fn quit(mut self) {
        let farewell = async {
            self.stream.write_all(Quit.to_string().as_bytes()).await?;
            self.stream.flush().await?;
            self.stream.read(&mut self.buffer).await
        };
        // Whatever comes of it: every message has its outcome already.
        let _ = timeout(self.deadlines.quit, farewell).await;
    }

    async fn write(&mut self, phase: Phase, octets: &[u8]) -> Result<(), Failure> {
        let stream = &mut self.stream;
        within(&self.deadlines, phase, async {
            stream.write_all(octets).await?;
            stream.flush().await
        })
        .await
    }

    async fn read(&mut self, phase: Phase) -> Result<Reply, Failure> {
        let deadline = tokio::time::Instant::now() + self.deadlines.of(phase);
        loop {
            match self.replies.next_reply() {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(fault) => return Err(Failure::new(phase, Mishap::Unreadable(fault.to_string()))),
            }
            match tokio::time::timeout_at(deadline, self.stream.read(&mut self.buffer)).await {
                Ok(Ok(0)) => return Err(Failure::new(phase, Mishap::Closed)),
                Ok(Ok(n)) => self.replies.push(&self.buffer[..n]),
                Ok(Err(error)) => return Err(Failure::new(phase, Mishap::Broken(error.to_string()))),
                Err(_) => return Err(Failure::new(phase, Mishap::Silence)),
            }
        }
    }
}

/// MAIL, RCPT and DATA of one message.
#[derive(Clone, Debug)]
pub struct Envelope {
    mail: String,
    rcpt: String,
}

impl Envelope {
    fn whole(&self) -> String {
        format!("{}{}{Data}", self.mail, self.rcpt)
    }
}

/// Dot-stuffing (RFC 5321 section 4.5.2) and the end of the message.
fn stuff(octets: &[u8], wire: &mut Vec<u8>) {
    let mut rest = octets;
    if rest.first() == Some(&b'.') {
        wire.push(b'.');
    }
    while let Some(at) = rest.windows(3).position(|w| w == b"\r\n.") {
        wire.extend_from_slice(&rest[..at + 3]);
        wire.push(b'.');
        rest = &rest[at + 3..];
    }
    wire.extend_from_slice(rest);
    if !octets.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
}

fn demand(phase: Phase, reply: Reply, codes: std::ops::RangeInclusive<u16>) -> Result<Reply, Failure> {
    if codes.contains(&reply.code()) { Ok(reply) } else { Err(Failure::new(phase, Mishap::Reply(reply))) }
}

async fn within<T>(
    deadlines: &Deadlines,
    phase: Phase,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    match timeout(deadlines.of(phase), step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::new(phase, Mishap::Broken(error.to_string()))),
        Err(_) => Err(Failure::new(phase, Mishap::Silence)),
    }
}

/// A certificate that is not believed is a fault of the set-up: trying again changes nothing.
fn certificate_fault(failure: Failure) -> Failure {
    match &failure.mishap {
        Mishap::Broken(words) if words.contains("certificate") => {
            let words = format!("the relay's certificate is not accepted: {words}");
            Failure::new(Phase::Tls, Mishap::Unable(words))
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::stuff;

    fn stuffed(text: &str) -> String {
        let mut wire = Vec::new();
        stuff(text.as_bytes(), &mut wire);
        String::from_utf8(wire).expect("text")
    }

    #[test]
    fn dots_at_line_starts_are_doubled() {
        assert_eq!(stuffed(".a\r\n.\r\n..b\r\nc.\r\n"), "..a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(stuffed("a"), "a\r\n.\r\n");
        assert_eq!(stuffed("\r\n.\r\n"), "\r\n..\r\n.\r\n");
    }
}
