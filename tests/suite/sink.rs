//! A receiver that writes each message down and syncs before it answers, so that a killed sender can be held to account.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a recipient's local part makes the receiver do, by its beginning.
const FAULTS: [(&str, &str); 3] =
    [("gone", "550 5.1.1 no such user"), ("later", "451 4.7.1 try later"), ("full", "452 4.2.2 full")];

/// A running receiver; it ends with the test's process.
pub(crate) struct Sink {
    pub(crate) port: u16,
    log: PathBuf,
    accepted: Arc<AtomicU64>,
}

impl Sink {
    /// Listens on a free port of loopback; the log is one line `recipient message-id` a message.
    pub(crate) fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let log = folder.join("sink.log");
        let file = OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let file = Arc::new(Mutex::new(file));
        let accepted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&accepted);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (file, counter) = (Arc::clone(&file), Arc::clone(&counter));
                // A client that dies in mid-dialogue ends only its own thread.
                thread::spawn(move || serve(&stream, &file, &counter).ok());
            }
        });
        Self { port, log, accepted }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Messages on disk so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Recipient and Message-ID of every message on disk.
    pub(crate) fn log(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(&self.log).expect("the log");
        text.lines().filter_map(|l| l.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }
}

fn serve(stream: &TcpStream, log: &Mutex<File>, accepted: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    out.write_all(b"220 sink.test ESMTP\r\n")?;
    let (mut recipient, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-sink.test\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES".to_owned(),
            // The only login that it knows: me, with the password `open sesame`.
            "AUTH" if line.trim_end() == "AUTH PLAIN AG1lAG9wZW4gc2VzYW1l" => "235 2.7.0 welcome".to_owned(),
            "AUTH" => "535 5.7.8 bad credentials".to_owned(),
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match FAULTS.iter().find(|(begin, _)| address.starts_with(begin)) {
                    Some((_, fault)) => (*fault).to_owned(),
                    None => {
                        recipient = address;
                        "250 2.1.5 ok".to_owned()
                    }
                }
            }
            "DATA" if recipient.is_empty() => "503 5.5.1 no recipient".to_owned(),
            "DATA" => {
                out.write_all(b"354 go\r\n")?;
                let id = message_id(&mut reader)?;
                {
                    let mut file = log.lock().expect("the log");
                    writeln!(file, "{recipient} {id}")?;
                    file.sync_data()?;
                }
                accepted.fetch_add(1, Ordering::SeqCst);
                recipient.clear();
                "250 2.0.0 on disk".to_owned()
            }
            "QUIT" => {
                out.write_all(b"221 2.0.0 bye\r\n")?;
                return Ok(());
            }
            "RSET" => {
                recipient.clear();
                "250 2.0.0 ok".to_owned()
            }
            _ => "250 2.0.0 ok".to_owned(),
        };
        out.write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

/// Reads a message to its final dot; a bare LF is an error, as no relay would forgive it.
fn message_id(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut id = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if !line.ends_with(b"\n") {
            // Cut off in the middle of a line.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        assert!(line.ends_with(b"\r\n"), "a bare LF on the wire");
        if line == b".\r\n" {
            return Ok(id);
        }
        let text = String::from_utf8_lossy(&line);
        if id.is_empty() && text.to_ascii_lowercase().starts_with("message-id:") {
            id = text[11..].trim().to_owned();
        }
    }
}
