//! The main faults once more, by somebody else's receiver: Postfix' `smtp-sink`.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::book::Book;
use crate::desk::Desk;

struct SmtpSink {
    child: Child,
    port: u16,
}

impl SmtpSink {
    fn start(arguments: &[&str]) -> Self {
        // Free at this moment; nobody else on this machine takes ports of loopback in between.
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("smtp-sink");
        command.env("PATH", format!("{path}:/usr/sbin:/sbin")).args(arguments);
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
        if root {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .arg(format!("127.0.0.1:{port}"))
            .arg("100")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("smtp-sink; tests/oracles/setup installs postfix");
        let sink = Self { child, port };
        let began = Instant::now();
        while !sink.answers() {
            assert!(began.elapsed() < Duration::from_secs(10), "smtp-sink {arguments:?} does not answer");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        sink
    }

    /// Whether it takes a connection and says something, or ends it as it was told to.
    fn answers(&self) -> bool {
        let Ok(socket) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        BufReader::new(socket).read_line(&mut String::new()).is_ok()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `smtp-sink` is told, the exit codes, and how many of four are sent, refused, in doubt; the others can be sent again.
type Cell = (&'static [&'static str], &'static [i32], [usize; 3]);

const CELLS: [Cell; 12] = [
    (&[], &[0], [4, 0, 0]),
    (&["-p"], &[0], [4, 0, 0]),
    (&["-r", "mail"], &[69, 75, 1], [0, 0, 0]),
    (&["-r", "rcpt", "-b", "450 4.2.0 greylisted"], &[75], [0, 0, 0]),
    (&["-f", "rcpt", "-B", "550 5.1.1 no such user"], &[1], [0, 4, 0]),
    (&["-r", "data", "-b", "451 4.3.0 later"], &[69, 75, 1], [0, 0, 0]),
    (&["-r", ".", "-b", "452 4.2.2 mailbox full"], &[75], [0, 0, 0]),
    (&["-f", ".", "-B", "554 5.6.0 not this"], &[1], [0, 4, 0]),
    (&["-q", "rcpt"], &[69, 75, 1], [0, 0, 0]),
    // Without groups of commands: with them every second message would be one that is only announced.
    (&["-p", "-q", "."], &[1], [0, 0, 4]),
    (&["-Q", "rcpt"], &[69, 75, 1], [0, 0, 0]),
    (&["-Q", "."], &[69, 75, 1], [0, 0, 0]),
];

#[test]
fn faults_of_smtp_sink_are_understood() {
    if std::env::var_os("CONVOKE_ORACLES").is_none() {
        eprintln!("skipped: CONVOKE_ORACLES is not set; tests/run sets it");
        return;
    }
    let mut wrong = Vec::new();
    for (arguments, exits, numbers) in CELLS {
        let mut csv = String::from("email,entity,kind,language,city\n");
        for n in 1..=4 {
            csv.push_str(&format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
        }
        let desk = Desk::with_list(&csv);
        let sink = SmtpSink::start(arguments);
        let url = format!("smtp://127.0.0.1:{}", sink.port);
        let ran = desk.run(&["send", "--relay", &url, "--no-wait", "--connections", "1"]);
        let book = Book::read(&desk);
        let found = ["SENT", "FAILED", "IN_DOUBT"].map(|state| book.count(&[state]));
        if found != numbers || book.count(&["READY", "DEFERRED"]) != 4 - numbers.iter().sum::<usize>() {
            wrong.push(format!("{arguments:?}: {found:?}, not {numbers:?}\n{}", ran.err));
        } else if !exits.contains(&ran.code) || ran.err.contains("panicked") {
            wrong.push(format!("{arguments:?}: exit {}\n{}", ran.code, ran.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
