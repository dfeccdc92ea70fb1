//! One connection to a relay: moves the octets of a [`Dialogue`], with TLS and deadlines.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::watch::{Elapsed, Watch};
use super::{Deadlines, Route, tls};
use crate::delivery::dialogue::{Briefing, Capabilities, Dialogue, Event, Failure, Letter};
use crate::delivery::{Mishap, Phase};
use crate::input::relay::Protection;
use crate::io::secrets;
use crate::mail::Reply;

/// The answers to a group of commands fit many times; a longer one is read in pieces.
const BUFFER_OCTETS: usize = 4096;

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
    dialogue: Dialogue,
    buffer: Box<[u8]>,
    deadlines: Deadlines,
    watch: Watch,
    tls: String,
}

impl Connection {
    /// Connects, protects, says EHLO, logs in.
    ///
    /// # Errors
    /// The phase and what happened in it. No message has been spoken of then.
    pub async fn open(route: &Route) -> Result<Self, Failure> {
        let relay = &route.relay;
        let login = match &route.login {
            Some(login) => Some(login.credential().await?),
            None => None,
        };
        let secret = login.as_ref().map(|login| (login.user.clone(), login.secret.clone()));
        let deadlines = route.deadlines;
        let connect = async {
            let stream = TcpStream::connect((relay.host.as_str(), relay.port)).await?;
            // Without it the final dot waits 40 ms for an acknowledgement that the server delays.
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?;
            Ok::<_, io::Error>((stream, local))
        };
        let (stream, local) = within(&deadlines, Phase::Connect, connect).await?;
        let briefing = Briefing {
            ehlo: relay.ehlo.clone().unwrap_or_else(|| literal(local)),
            starttls: relay.protection == Protection::StartTls,
            login,
            dsn: relay.dsn,
            messages: relay.messages_per_connection,
        };
        let mut connection = Self {
            stream: Stream::Plain(stream),
            dialogue: Dialogue::new(briefing),
            buffer: vec![0; BUFFER_OCTETS].into_boxed_slice(),
            deadlines,
            watch: Watch::new(),
            tls: String::new(),
        };
        if relay.protection == Protection::Implicit {
            connection.protect(&relay.host, &route.tls).await?;
        }
        loop {
            let event = connection.event().await.map_err(our_certificate_fault);
            match event.map_err(|failure| without_secret(failure, secret.as_ref()))? {
                Event::Protect => {
                    connection.protect(&relay.host, &route.tls).await?;
                    connection.dialogue.protected();
                }
                Event::Ready => return Ok(connection),
                event => return Err(out_of_step(Phase::Greeting, &event)),
            }
        }
    }

    /// What the server offers.
    pub fn offered(&self) -> &Capabilities {
        self.dialogue.offered()
    }

    /// Protocol and cipher suite; empty in clear.
    pub fn tls(&self) -> &str {
        &self.tls
    }

    /// When the relay's certificate ends; `None` in clear.
    pub fn certificate_ends(&self) -> Option<jiff::Timestamp> {
        match &self.stream {
            Stream::Tls(stream) => tls::ends(stream.get_ref().1),
            Stream::Plain(_) | Stream::Gone => None,
        }
    }

    /// Whether the dialogue can go on.
    pub fn is_open(&self) -> bool {
        self.dialogue.is_open()
    }

    /// Whether another message may be announced here, by our limits and the server's.
    pub fn takes_more(&self) -> bool {
        self.dialogue.takes_more()
    }

    /// Whether another message may be announced behind one that is being sent.
    pub fn takes_more_behind(&self) -> bool {
        self.dialogue.takes_more_behind()
    }

    /// Whether the server can take this message.
    ///
    /// # Errors
    /// It cannot take this recipient or this size; nothing has been sent, and the dialogue goes on.
    pub fn check(&self, letter: &Letter<'_>) -> Result<(), Failure> {
        self.dialogue.check(letter)
    }

    /// Announces a message that [`check`](Self::check) let pass and waits until the server says 354.
    ///
    /// # Errors
    /// The refusal, or what came in its place; [`is_open`](Self::is_open) tells whether the dialogue goes on.
    pub async fn announce(&mut self, letter: &Letter<'_>) -> Result<(), Failure> {
        self.dialogue.announce(letter);
        self.announced().await
    }

    /// Waits for 354 to an announcement that has left already.
    ///
    /// # Errors
    /// As those of [`announce`](Self::announce).
    pub async fn announced(&mut self) -> Result<(), Failure> {
        match self.event().await? {
            Event::GoAhead => Ok(()),
            Event::Refused(failure) => Err(failure),
            event => Err(out_of_step(Phase::Data, &event)),
        }
    }

    /// Sends the message with its final dot and, in the same write, the announcement of the next one; gives the answer to
    /// the dot. `octets` have CRLF line ends throughout; `next` needs [`takes_more_behind`](Self::takes_more_behind).
    ///
    /// # Errors
    /// [`Phase::Body`] where the dot cannot have left, [`Phase::Dot`] otherwise: without a reply the message is in doubt
    /// then.
    pub async fn send(&mut self, octets: &[u8], next: Option<&Letter<'_>>) -> Result<Reply, Failure> {
        self.dialogue.send(octets, next);
        match self.event().await? {
            Event::Accepted(reply) => Ok(reply),
            Event::Refused(failure) => Err(failure),
            event => Err(out_of_step(Phase::Dot, &event)),
        }
    }

    /// Says QUIT and waits a moment for the answer.
    pub async fn quit(mut self) {
        self.dialogue.quit();
        let farewell = async {
            self.stream.write_all(self.dialogue.output()).await?;
            self.stream.flush().await?;
            self.stream.read(&mut self.buffer).await
        };
        // Whatever comes of it: every message has its outcome already.
        let _ = timeout(self.deadlines.quit, farewell).await;
    }

    /// Writes and reads until the dialogue has something to say. An answer that is there already costs no system call.
    async fn event(&mut self) -> Result<Event, Failure> {
        self.watch.begin();
        let mut phase = self.dialogue.phase();
        loop {
            if !self.dialogue.output().is_empty() {
                self.write().await?;
                self.watch.begin();
            }
            if let Some(event) = self.dialogue.event()? {
                return Ok(event);
            }
            if self.dialogue.phase() != phase {
                // The answers to a group of commands come one by one or several at once, and each has its own time.
                phase = self.dialogue.phase();
                self.watch.begin();
            }
            if self.dialogue.output().is_empty() {
                self.read().await?;
            }
        }
    }

    async fn write(&mut self) -> Result<(), Failure> {
        let mut written = 0;
        // One round in all but a few cases: the system takes what it is given, unless the line is full.
        while written < self.dialogue.output().len() {
            let limit = self.deadlines.of(Phase::Body);
            let step = self.watch.within(limit, self.stream.write(&self.dialogue.output()[written..])).await;
            let fault = match step {
                Ok(Ok(0)) => Mishap::Closed,
                Ok(Ok(n)) => {
                    written += n;
                    self.watch.begin();
                    continue;
                }
                Ok(Err(error)) => Mishap::Broken(error.to_string()),
                Err(Elapsed) => Mishap::Silence,
            };
            return Err(self.dialogue.unwritten(written, matches!(self.stream, Stream::Plain(_)), fault));
        }
        if matches!(self.stream, Stream::Tls(_)) {
            let fault = match self.watch.within(self.deadlines.of(Phase::Body), self.stream.flush()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(Mishap::Broken(error.to_string())),
                Err(Elapsed) => Some(Mishap::Silence),
            };
            if let Some(fault) = fault {
                return Err(self.dialogue.unwritten(written, false, fault));
            }
        }
        self.dialogue.written();
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let limit = self.deadlines.of(self.dialogue.phase());
        let fault = match self.watch.within(limit, self.stream.read(&mut self.buffer)).await {
            Ok(Ok(0)) => Mishap::Closed,
            Ok(Ok(n)) => {
                self.dialogue.received(&self.buffer[..n]);
                return Ok(());
            }
            Ok(Err(error)) => Mishap::Broken(error.to_string()),
            Err(Elapsed) => Mishap::Silence,
        };
        Err(self.dialogue.lost(fault))
    }

    async fn protect(&mut self, host: &str, config: &Arc<ClientConfig>) -> Result<(), Failure> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failure::new(Phase::Tls, Mishap::Unable(format!("`{host}` is no name for a certificate"))))?;
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(Failure::new(Phase::Tls, Mishap::Closed));
        };
        let handshake = TlsConnector::from(Arc::clone(config)).connect(name, plain);
        let protected = within(&self.deadlines, Phase::Tls, handshake).await.map_err(certificate_fault)?;
        self.tls = tls::describe(protected.get_ref().1);
        self.stream = Stream::Tls(Box::new(protected));
        Ok(())
    }
}

/// An address literal is always a valid argument of EHLO (RFC 5321 section 4.1.4); machine names often are not.
fn literal(local: SocketAddr) -> String {
    match local {
        SocketAddr::V4(v4) => ClientId::Ipv4(*v4.ip()),
        SocketAddr::V6(v6) => ClientId::Ipv6(*v6.ip()),
    }
    .to_string()
}

/// An event that the order of calls excludes; the dialogue itself would have to be wrong.
fn out_of_step(phase: Phase, event: &Event) -> Failure {
    Failure::new(phase, Mishap::Unreadable(format!("{event:?} out of turn")))
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

/// Servers that do not understand a login repeat it in their answer, which goes to the journal and the log.
fn without_secret(failure: Failure, secret: Option<&(String, SecretString)>) -> Failure {
    let Some((user, secret)) = secret else { return failure };
    let hide = |text: &str| secrets::hidden_in(text, user, secret);
    let mishap = match failure.mishap {
        Mishap::Reply(reply) => {
            let lines = reply.lines().iter().map(|line| hide(line)).collect();
            Mishap::Reply(Reply::new(reply.code(), lines))
        }
        Mishap::Broken(words) => Mishap::Broken(hide(&words)),
        Mishap::Unreadable(words) => Mishap::Unreadable(hide(&words)),
        Mishap::Unable(words) => Mishap::Unable(hide(&words)),
        other @ (Mishap::Silence | Mishap::Closed) => other,
    };
    Failure { phase: failure.phase, mishap }
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

/// With TLS 1.3 the handshake is over for us before the server has looked at our certificate: its no comes in the place of
/// the next reply.
fn our_certificate_fault(failure: Failure) -> Failure {
    match &failure.mishap {
        Mishap::Broken(words) if words.contains("fatal alert") => {
            let named = words.to_ascii_lowercase();
            if !["certificate", "unknownca", "accessdenied"].iter().any(|alert| named.contains(alert)) {
                return failure;
            }
            let words = format!("the relay does not accept our certificate, or wants one: {words}");
            Failure::new(Phase::Tls, Mishap::Unable(words))
        }
        _ => failure,
    }
}
