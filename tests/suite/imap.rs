//! An IMAP server that does as a test tells it, and writes down what it hears.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What it does at a command instead of answering.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Nothing, for ever.
    Stall,
    /// It closes the connection.
    Cut,
    /// No, in these words.
    Refuse(&'static str),
    /// It says these octets and goes on.
    Say(Vec<u8>),
}

/// What it has and how it behaves; shared with the test, which may change it.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    pub(crate) offers: String,
    /// The only access token; with none, the password is `secret`.
    pub(crate) token: Option<String>,
    pub(crate) uidvalidity: u32,
    /// UIDs from 1.
    pub(crate) messages: Vec<String>,
    /// At the first command that begins so: once.
    pub(crate) faults: Vec<(&'static str, Fault)>,
    /// Told to whoever waits (IDLE, NOOP): one message comes.
    pub(crate) arrives: Vec<String>,
}

/// A running server; it ends with the test's process.
pub(crate) struct Stub {
    pub(crate) port: u16,
    pub(crate) manners: Arc<Mutex<Manners>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let manners = Arc::new(Mutex::new(manners));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (shared, log) = (Arc::clone(&manners), Arc::clone(&heard));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, log) = (Arc::clone(&shared), Arc::clone(&log));
                // A client that goes away in mid-dialogue ends only its own thread.
                thread::spawn(move || serve(stream, &shared, &log).ok());
            }
        });
        Self { port, manners, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("imap://rsvp@127.0.0.1:{}/INBOX", self.port)
    }

    /// The commands that begin so, without their tags.
    pub(crate) fn heard(&self, begin: &str) -> Vec<String> {
        let heard = self.heard.lock().expect("a log");
        heard.iter().filter(|line| line.starts_with(begin)).cloned().collect()
    }
}

fn serve(stream: TcpStream, manners: &Mutex<Manners>, heard: &Mutex<Vec<String>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut stream = BufReader::new(stream);
    out.write_all(b"* OK stub\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((tag, command)) = line.trim_end().split_once(' ') else { continue };
        heard.lock().expect("a log").push(command.to_owned());
        let (fault, now) = {
            let mut manners = manners.lock().expect("manners");
            let at = manners.faults.iter().position(|(begin, _)| command.starts_with(begin));
            (at.map(|at| manners.faults.remove(at).1), manners.clone())
        };
        match fault {
            Some(Fault::Cut) => return Ok(()),
            Some(Fault::Refuse(words)) => {
                write!(out, "{tag} NO {words}\r\n")?;
                continue;
            }
            Some(Fault::Say(octets)) => {
                out.write_all(&octets)?;
                continue;
            }
            Some(Fault::Stall) => {
                // Until the client has had enough.
                let _ = stream.read_to_end(&mut Vec::new());
                return Ok(());
            }
            None => {}
        }
        match command.split(' ').next().unwrap_or_default() {
            "CAPABILITY" => write!(out, "* CAPABILITY IMAP4rev1 {}\r\n{tag} OK\r\n", now.offers)?,
            "LOGIN" if command.ends_with("\"secret\"") => write!(out, "{tag} OK\r\n")?,
            "LOGIN" => write!(out, "{tag} NO [AUTHENTICATIONFAILED] not you: {command}\r\n")?,
            "AUTHENTICATE" => {
                out.write_all(b"+ \r\n")?;
                let mut words = String::new();
                stream.read_line(&mut words)?;
                let words = data_encoding::BASE64.decode(words.trim_end().as_bytes()).unwrap_or_default();
                let token = now.token.as_deref().unwrap_or_default();
                if words == format!("user=rsvp\x01auth=Bearer {token}\x01\x01").into_bytes() {
                    write!(out, "{tag} OK\r\n")?;
                } else {
                    write!(out, "+ {}\r\n", data_encoding::BASE64.encode(b"{\"status\":\"401\"}"))?;
                    stream.read_line(&mut String::new())?;
                    write!(out, "{tag} NO [AUTHENTICATIONFAILED] Invalid credentials\r\n")?;
                }
            }
            "EXAMINE" | "SELECT" => write!(
                out,
                "* {} EXISTS\r\n* OK [UIDVALIDITY {}] valid\r\n{tag} OK\r\n",
                now.messages.len(),
                now.uidvalidity
            )?,
            "UID" => uid(&mut out, tag, command, &now)?,
            "CREATE" => write!(out, "{tag} OK\r\n")?,
            "NOOP" => {
                arrive(&mut out, manners)?;
                write!(out, "{tag} OK\r\n")?;
            }
            "IDLE" => {
                out.write_all(b"+ idling\r\n")?;
                arrive(&mut out, manners)?;
                // DONE
                stream.read_line(&mut String::new())?;
                write!(out, "{tag} OK\r\n")?;
            }
            "LOGOUT" => return write!(out, "* BYE\r\n{tag} OK\r\n"),
            _ => write!(out, "{tag} BAD what is that\r\n")?,
        }
    }
}

fn arrive(out: &mut TcpStream, manners: &Mutex<Manners>) -> io::Result<()> {
    let mut manners = manners.lock().expect("manners");
    if manners.arrives.is_empty() {
        return Ok(());
    }
    let message = manners.arrives.remove(0);
    manners.messages.push(message);
    write!(out, "* {} EXISTS\r\n", manners.messages.len())
}

fn uid(out: &mut TcpStream, tag: &str, command: &str, now: &Manners) -> io::Result<()> {
    let words: Vec<&str> = command.splitn(4, ' ').collect();
    if words[1] == "SEARCH" {
        let id = command.rsplit('"').nth(1).unwrap_or_default();
        let found = (1..).zip(&now.messages).filter(|(_, message)| message.contains(id));
        let found: String = found.map(|(uid, _)| format!(" {uid}")).collect();
        return write!(out, "* SEARCH{found}\r\n{tag} OK\r\n");
    }
    if words[1] != "FETCH" {
        return write!(out, "{tag} OK\r\n");
    }
    let count = now.messages.len();
    let uids: Vec<usize> = match words[2].split_once(":*") {
        Some((first, _)) => {
            let first: usize = first.parse().unwrap_or(1);
            // The last message is always meant.
            (first.min(count.max(1))..=count).collect()
        }
        None => words[2].split(',').filter_map(|uid| uid.parse().ok()).collect(),
    };
    for uid in uids.into_iter().filter(|uid| (1..=count).contains(uid)) {
        let message = &now.messages[uid - 1];
        if words[3].contains("RFC822.SIZE") {
            write!(out, "* {uid} FETCH (UID {uid} RFC822.SIZE {})\r\n", message.len())?;
        } else {
            let date = "17-Jul-2027 02:44:25 +0000";
            write!(
                out,
                "* {uid} FETCH (UID {uid} INTERNALDATE \"{date}\" BODY[] {{{}}}\r\n{message})\r\n",
                message.len()
            )?;
        }
    }
    write!(out, "{tag} OK\r\n")
}
