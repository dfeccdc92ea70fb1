//! A mail server that does as a test tells it, and writes down what it hears.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::sync::Notify;

/// What it does otherwise than a plain server.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    /// The lines of the answer to EHLO behind the first.
    pub(crate) offers: Vec<&'static str>,
    /// Exact lines with their answers, before everything else.
    pub(crate) answers: Vec<(String, String)>,
    /// Messages on one connection after which MAIL is answered with 421 and the connection closed.
    pub(crate) most: Option<u32>,
    /// TLS from the first octet.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// A running server; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<(u32, String)>>>,
    /// Told at each QUIT.
    pub(crate) quit: Arc<Notify>,
}

impl Server {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let quit = Arc::new(Notify::new());
        let hearing = Hearing { heard: Arc::clone(&heard), quit: Arc::clone(&quit) };
        let connections = AtomicU32::new(0);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = connections.fetch_add(1, Ordering::SeqCst) + 1;
                let (hearing, manners) = (hearing.clone(), manners.clone());
                // A client that goes away in mid-dialogue ends only its own thread.
                thread::spawn(move || accept(stream, number, &manners, &hearing).ok());
            }
        });
        Self { port, heard, quit }
    }

    /// The commands of all connections that begin so, each with the number of its connection from 1.
    pub(crate) fn heard(&self, begin: &str) -> Vec<(u32, String)> {
        let heard = self.heard.lock().expect("a log");
        heard.iter().filter(|(_, line)| line.starts_with(begin)).cloned().collect()
    }

    /// On which connection each command that begins so came.
    pub(crate) fn connections(&self, begin: &str) -> Vec<u32> {
        self.heard(begin).into_iter().map(|(number, _)| number).collect()
    }
}

#[derive(Clone)]
struct Hearing {
    heard: Arc<Mutex<Vec<(u32, String)>>>,
    quit: Arc<Notify>,
}

fn accept(stream: TcpStream, number: u32, manners: &Manners, hearing: &Hearing) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match &manners.tls {
        Some(config) => {
            let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            serve(StreamOwned::new(session, stream), number, manners, hearing)
        }
        None => serve(stream, number, manners, hearing),
    }
}

fn serve(stream: impl Read + Write, number: u32, manners: &Manners, hearing: &Hearing) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let say = |stream: &mut BufReader<_>, text: &str| -> io::Result<()> {
        let out: &mut _ = stream.get_mut();
        write_to(out, text)
    };
    say(&mut stream, "220 server.test ESMTP")?;
    let (mut line, mut messages) = (String::new(), 0);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        hearing.heard.lock().expect("a log").push((number, command.clone()));
        if let Some((_, answer)) = manners.answers.iter().find(|(exact, _)| *exact == command) {
            say(&mut stream, answer)?;
            continue;
        }
        match command.split(' ').next().unwrap_or_default() {
            "EHLO" => {
                let lines: String = manners.offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
                say(&mut stream, &format!("250-server.test\r\n{lines}250 HELP"))?;
            }
            "AUTH" => say(&mut stream, "535 5.7.8 bad credentials")?,
            "MAIL" if manners.most == Some(messages) => return say(&mut stream, "421 4.7.0 enough for one connection"),
            "DATA" => {
                say(&mut stream, "354 go")?;
                while line != ".\r\n" {
                    line.clear();
                    if stream.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                }
                messages += 1;
                say(&mut stream, &format!("250 2.0.0 Ok: queued as Q{number}N{messages}"))?;
            }
            "QUIT" => {
                hearing.quit.notify_one();
                return say(&mut stream, "221 2.0.0 bye");
            }
            _ => say(&mut stream, "250 2.0.0 ok")?,
        }
    }
}

fn write_to(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(format!("{text}\r\n").as_bytes())?;
    out.flush()
}
