//! A receiver that does one thing wrong, once, and then behaves: a scripted SMTP server on plain threads.
//!
//! It writes recipient and Message-ID of each message to disk before it answers 250, as `sink` does. Commands that came
//! together are answered together, so that several answers are in one packet. It offers PIPELINING, STARTTLS and TLS from
//! the first octet as it is told; the certificates are those of `tests/fixtures/receiver`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Where the receiver errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    /// The handshake.
    Tls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After the first line of the message.
    Body,
    /// After the final dot.
    Dot,
    /// After the answer to the dot, before anything else is read.
    Between,
    Quit,
}

impl Stage {
    /// Whether a fault here is counted by connections; otherwise by messages.
    pub(crate) fn is_of_connection(self) -> bool {
        matches!(self, Self::Greeting | Self::Ehlo | Self::StartTls | Self::Tls | Self::Auth | Self::Quit)
    }
}

/// What it does in the place of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Says this and goes on; the command had no effect.
    Say(&'static str),
    /// Says this and closes.
    Close(&'static str),
    /// Says nothing until the other side closes.
    Silence,
    /// FIN.
    Cut,
    /// RST.
    Reset,
    /// The right answer, an octet at a time.
    Slow,
    /// The right answer in three packets.
    Split,
    /// The right answer, ever so slowly: it never ends.
    Trickle,
    /// The right answer with a letter that is not UTF-8.
    Latin1,
    /// The right answer twice: everything after it is out of step.
    Twice,
    /// A line without an end.
    FloodLine,
    /// An answer of lines without an end.
    FloodReply,
    /// The right answer, and more in the same packet before the handshake (STARTTLS response injection).
    Early,
    /// The right answer, then FIN.
    AnswerAndCut,
    /// The message is on disk, and then this.
    Kept(&'static Self),
}

impl Action {
    fn is_right(self) -> bool {
        matches!(self, Self::Slow | Self::Split | Self::Latin1 | Self::Twice | Self::AnswerAndCut | Self::Kept(_))
    }

    /// Whether only a deadline ends it.
    pub(crate) fn waits(self) -> bool {
        match self {
            Self::Silence | Self::Trickle => true,
            Self::Kept(then) => then.waits(),
            _ => false,
        }
    }
}

/// How it speaks, and its one fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) stage: Stage,
    pub(crate) action: Action,
    /// The n-th connection or message, from 1.
    pub(crate) nth: u64,
    pub(crate) pipelining: bool,
    pub(crate) tls: Tls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    None,
    Start,
    Implicit,
}

/// A running receiver; it ends with the test's process.
pub(crate) struct Faulty {
    pub(crate) port: u16,
    log: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    config: Arc<ServerConfig>,
    log: Mutex<File>,
    connections: AtomicU64,
    messages: AtomicU64,
    faults: AtomicU64,
    in_clear: AtomicU64,
    waited: Mutex<Option<Duration>>,
}

/// The folder of the certificates.
pub(crate) fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/receiver")
}

fn server_config() -> Arc<ServerConfig> {
    let folder = certificates();
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).expect("a certificate");
    let chain = chain.map(|c| c.expect("a certificate")).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).expect("they belong together"))
}

impl Faulty {
    /// Listens on a free port of loopback.
    pub(crate) fn start(folder: &Path, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let log = folder.join("faulty.log");
        let file = OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let shared = Arc::new(Shared {
            script,
            config: server_config(),
            log: Mutex::new(file),
            connections: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            in_clear: AtomicU64::new(0),
            waited: Mutex::new(None),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // A client that leaves in mid-dialogue ends only its own thread.
                thread::spawn(move || Session::serve(socket, shared).ok());
            }
        });
        Self { port, log, shared }
    }

    /// Recipient and Message-ID of every message on disk.
    pub(crate) fn log(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(&self.log).expect("the log");
        text.lines().filter_map(|l| l.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    /// How often it erred.
    pub(crate) fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::SeqCst)
    }

    /// Messages announced although TLS was due and not there.
    pub(crate) fn in_clear(&self) -> u64 {
        self.shared.in_clear.load(Ordering::SeqCst)
    }

    /// How long the other side bore with the fault, where that is over.
    pub(crate) fn waited(&self) -> Option<Duration> {
        *self.shared.waited.lock().expect("the time")
    }
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(octets),
            Self::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }
}

/// How the dialogue goes on after a fault.
#[derive(PartialEq, Eq)]
enum Next {
    /// As if nothing had been wrong.
    Right,
    /// The command had no effect.
    Refused,
    Over,
}

struct Session {
    wire: Wire,
    /// The same socket, for what is done below TLS.
    socket: TcpStream,
    shared: Arc<Shared>,
    octets: Vec<u8>,
    /// Answers to commands that others followed in the same packet; they leave together (RFC 2920 section 3.2).
    held: String,
    number: u64,
    message: u64,
    secured: bool,
    from: bool,
    recipient: Option<String>,
}

impl Session {
    fn serve(socket: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let wire = Wire::Plain(socket.try_clone()?);
        let mut session = Self {
            wire,
            socket,
            shared,
            octets: Vec::new(),
            held: String::new(),
            number,
            message: 0,
            secured: false,
            from: false,
            recipient: None,
        };
        if session.shared.script.tls == Tls::Implicit && !session.protect()? {
            return Ok(());
        }
        if session.answer(Stage::Greeting, "220 faulty.test ESMTP")? == Next::Over {
            return Ok(());
        }
        session.dialogue()
    }

    fn dialogue(&mut self) -> io::Result<()> {
        loop {
            let Some(line) = self.line()? else { return Ok(()) };
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let next = match verb.as_str() {
                "EHLO" => {
                    let offer = self.offer();
                    self.answer(Stage::Ehlo, &offer)?
                }
                "STAR" => match self.answer(Stage::StartTls, "220 2.0.0 go ahead")? {
                    Next::Right if self.protect()? => Next::Right,
                    Next::Right => Next::Over,
                    other => other,
                },
                "AUTH" => self.answer(Stage::Auth, "235 2.7.0 welcome")?,
                "MAIL" => self.mail()?,
                "RCPT" if !self.from => self.say("503 5.5.1 no sender")?,
                "RCPT" => {
                    let next = self.answer(Stage::Rcpt, "250 2.1.5 ok")?;
                    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                    self.recipient = (next == Next::Right).then(|| address.to_owned());
                    next
                }
                "DATA" => self.data()?,
                "QUIT" => {
                    self.answer(Stage::Quit, "221 2.0.0 bye")?;
                    return Ok(());
                }
                _ => {
                    if verb == "RSET" {
                        (self.from, self.recipient) = (false, None);
                    }
                    self.say("250 2.0.0 ok")?
                }
            };
            if next == Next::Over {
                return Ok(());
            }
        }
    }

    fn offer(&self) -> String {
        let script = self.shared.script;
        let pipelining = if script.pipelining { "250-PIPELINING\r\n" } else { "" };
        let start = if script.tls == Tls::Start && !self.secured { "250-STARTTLS\r\n" } else { "" };
        format!("250-faulty.test\r\n{pipelining}{start}250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES")
    }

    fn mail(&mut self) -> io::Result<Next> {
        self.message = self.shared.messages.fetch_add(1, Ordering::SeqCst) + 1;
        if self.shared.script.tls != Tls::None && !self.secured {
            self.shared.in_clear.fetch_add(1, Ordering::SeqCst);
        }
        self.recipient = None;
        let next = self.answer(Stage::Mail, "250 2.1.0 ok")?;
        self.from = next == Next::Right;
        Ok(next)
    }

    fn data(&mut self) -> io::Result<Next> {
        let Some(recipient) = self.recipient.take() else { return self.say("503 5.5.1 no recipient") };
        self.from = false;
        let next = self.answer(Stage::Data, "354 go")?;
        if next != Next::Right {
            return Ok(next);
        }
        let mut id = String::new();
        let mut lines = 0;
        loop {
            let Some(line) = self.line()? else { return Ok(Next::Over) };
            if line == "." {
                break;
            }
            if id.is_empty() && line.to_ascii_lowercase().starts_with("message-id:") {
                id = line[11..].trim().to_owned();
            }
            lines += 1;
            if lines == 1 && self.is_due(Stage::Body) {
                return self.err("250 2.0.0 on disk");
            }
        }
        let due = self.is_due(Stage::Dot);
        if !due || self.shared.script.action.is_right() {
            let mut file = self.shared.log.lock().expect("the log");
            writeln!(file, "{recipient} {id}")?;
            file.sync_data()?;
        }
        let next = if due { self.err("250 2.0.0 on disk")? } else { self.say("250 2.0.0 on disk")? };
        if next == Next::Right && self.is_due(Stage::Between) {
            return self.err("250 2.0.0 on disk");
        }
        Ok(next)
    }

    /// A line without its end; `None` when the other side is gone.
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.octets.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&self.octets[..end]).into_owned();
                self.octets.drain(..end + 2);
                return Ok(Some(line));
            }
            let mut some = [0; 16 * 1024];
            match self.wire.read(&mut some)? {
                0 => return Ok(None),
                n => self.octets.extend_from_slice(&some[..n]),
            }
        }
    }

    fn say(&mut self, text: &str) -> io::Result<Next> {
        self.held.push_str(text);
        self.held.push_str("\r\n");
        if self.octets.contains(&b'\n') {
            return Ok(Next::Right);
        }
        self.let_go().map(|()| Next::Right)
    }

    fn let_go(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(()) } else { self.wire.write(held.as_bytes()) }
    }

    fn answer(&mut self, stage: Stage, right: &str) -> io::Result<Next> {
        if self.is_due(stage) { self.err(right) } else { self.say(right) }
    }

    fn is_due(&self, stage: Stage) -> bool {
        let script = self.shared.script;
        let number = if stage.is_of_connection() { self.number } else { self.message };
        script.stage == stage && script.nth == number && self.shared.faults.load(Ordering::SeqCst) == 0
    }

    /// The handshake; `false` when the connection is over.
    fn protect(&mut self) -> io::Result<bool> {
        if self.is_due(Stage::Tls) && self.err("220 this is no handshake")? != Next::Right {
            return Ok(false);
        }
        let connection = ServerConnection::new(Arc::clone(&self.shared.config)).map_err(io::Error::other)?;
        self.wire = Wire::Tls(Box::new(StreamOwned::new(connection, self.socket.try_clone()?)));
        self.secured = true;
        Ok(true)
    }

    /// Does what the script says.
    fn err(&mut self, right: &str) -> io::Result<Next> {
        self.shared.faults.fetch_add(1, Ordering::SeqCst);
        self.let_go()?;
        let began = Instant::now();
        let next = self.act(self.shared.script.action, right);
        *self.shared.waited.lock().expect("the time") = Some(began.elapsed());
        next
    }

    fn act(&mut self, action: Action, right: &str) -> io::Result<Next> {
        let whole = format!("{right}\r\n");
        match action {
            Action::Say(text) => self.say(text).map(|_| Next::Refused),
            Action::Close(text) => {
                self.say(text)?;
                self.let_go()?;
                self.socket.shutdown(Shutdown::Write)?;
                self.drain()
            }
            Action::Silence => self.drain(),
            Action::Cut => {
                self.socket.shutdown(Shutdown::Write)?;
                self.drain()
            }
            Action::Reset => {
                socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO))?;
                // Both handles of the socket are closed when the session ends, and that sends RST.
                Ok(Next::Over)
            }
            Action::Slow | Action::Split => {
                let size = if action == Action::Slow { 1 } else { whole.len().div_ceil(3) };
                for piece in whole.as_bytes().chunks(size) {
                    self.wire.write(piece)?;
                    // So that the pieces do not meet in the other side's buffer.
                    thread::park_timeout(Duration::from_millis(1));
                }
                Ok(Next::Right)
            }
            Action::Trickle => self.trickle(right),
            Action::Latin1 => {
                self.wire.write(right.as_bytes())?;
                self.wire.write(b" caf\xe9\r\n").map(|()| Next::Right)
            }
            Action::Twice => self.wire.write(format!("{whole}{whole}").as_bytes()).map(|()| Next::Right),
            Action::FloodLine => self.flood(&right[..4], "x"),
            Action::FloodReply => {
                let line = format!("{}-more and more\r\n", &right[..3]);
                self.flood("", &line)
            }
            Action::Early => {
                self.wire.write(format!("{whole}250-evil.test\r\n250 AUTH PLAIN\r\n").as_bytes())?;
                self.drain()
            }
            Action::AnswerAndCut => {
                self.wire.write(whole.as_bytes())?;
                self.socket.shutdown(Shutdown::Write)?;
                self.drain()
            }
            Action::Kept(then) => self.act(*then, right),
        }
    }

    /// Reads on until the other side closes.
    fn drain(&mut self) -> io::Result<Next> {
        let mut some = [0; 16 * 1024];
        while self.socket.read(&mut some)? > 0 {}
        Ok(Next::Over)
    }

    fn trickle(&mut self, right: &str) -> io::Result<Next> {
        self.socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        self.wire.write(&right.as_bytes()[..3])?;
        self.wire.write(b" ")?;
        let mut some = [0; 1024];
        loop {
            match self.socket.read(&mut some) {
                Ok(0) => return Ok(Next::Over),
                Ok(_) => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    self.wire.write(b"x")?;
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Sends until the other side will have no more, and at most what would show in its memory.
    fn flood(&mut self, begin: &str, again: &str) -> io::Result<Next> {
        const MOST: usize = 200 << 20;
        self.wire.write(begin.as_bytes())?;
        let block = again.repeat((64 << 10) / again.len());
        let mut sent = 0;
        while sent < MOST {
            self.wire.write(block.as_bytes())?;
            sent += block.len();
        }
        Ok(Next::Over)
    }
}
