//! Faults before the first word: no room for a connection, a certificate that nobody vouches for; and a reader of our own
//! output that goes away.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::book::Book;
use crate::desk::Desk;
use crate::faulty::{Action, Faulty, Script, Stage, Tls, certificates};
use crate::sink::Sink;

fn list(names: &[&str]) -> String {
    let rows = names.iter().map(|n| format!("{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    format!("email,entity,kind,language,city\n{}", rows.collect::<String>())
}

/// A port whose queue of connections is full: whoever comes now hears nothing at all.
struct Full {
    port: u16,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl Full {
    fn listen() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
        listener.listen(0).expect("a queue");
        let address = listener.local_addr().expect("bound").as_socket().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            waiting.push(stream);
            assert!(waiting.len() < 100, "the queue has an end");
        }
        Self { port: address.port(), _listener: listener, _waiting: waiting }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_relay_without_room_is_given_up_in_time() {
    let desk = Desk::with_list(&list(&["a", "b"]));
    let settings =
        desk.read("convoke.toml").replacen("[limits]\n", "[limits]\ntimeouts = { connect = \"300ms\" }\n", 1);
    desk.write("convoke.toml", &settings);
    let full = Full::listen();
    let began = Instant::now();
    let url = format!("smtp://127.0.0.1:{}", full.port);
    let ran = desk.ends(69, &["send", "--relay", &url, "--no-wait", "--connections", "1"]);
    assert!(ran.err.contains("no answer in time"), "{}", ran.err);
    // Two messages, each with its connection and the rest after a lost one: two seconds, and room for a busy machine. The
    // time that RFC 5321 gives would be minutes.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let book = Book::read(&desk);
    assert!(
        book.entries.iter().all(|e| matches!(e.state.as_str(), "READY" | "DEFERRED") && e.attempts == 0),
        "{book:?}"
    );
    let sink = Sink::start(&desk.path);
    desk.ends(0, &["send", "--relay", &sink.url()]);
    Book::read(&desk).balances(&sink.log()).expect("nobody lost, nobody doubled");
}

#[test]
fn a_certificate_that_nobody_vouches_for_gets_no_message() {
    for (tls, scheme, host) in [(Tls::Implicit, "smtps", "127.0.0.1"), (Tls::Start, "smtp", "LOCALHOST")] {
        let desk = Desk::with_list(&list(&["a", "b"]));
        // Its fault is never due.
        let script = Script { stage: Stage::Quit, action: Action::Cut, nth: u64::MAX, pipelining: true, tls };
        let faulty = Faulty::start(&desk.path, script);
        let settings = desk.read("convoke.toml");
        let relay = format!("[[relay]]\nurl = \"{scheme}://{host}:{}\"\n", faulty.port);
        desk.write("convoke.toml", &format!("{settings}\n{relay}"));
        let ran = desk.ends(69, &["send", "--no-wait", "--yes", "2"]);
        assert!(ran.err.contains("certificate"), "{}", ran.err);
        assert_eq!((faulty.log().len(), faulty.in_clear()), (0, 0));
        let trusted = format!("{relay}ca_file = \"{}\"\n", certificates().join("ca.pem").display());
        desk.write("convoke.toml", &format!("{settings}\n{trusted}"));
        crate::book::all_due(&desk);
        desk.ends(0, &["send", "--no-wait", "--yes", "2"]);
        Book::read(&desk).balances(&faulty.log()).expect("nobody lost, nobody doubled");
    }
}

#[test]
fn a_reader_of_its_errors_that_goes_away_does_not_end_a_run() {
    let names: Vec<String> = (0..40).map(|n| if n < 20 { format!("guest{n}") } else { format!("gone{n}") }).collect();
    let desk = Desk::with_list(&list(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let sink = Sink::start(&desk.path);
    let url = sink.url();
    let mut child = desk
        .command(&["send", "--relay", &url, "--no-wait", "--json", "--connections", "4", "--rate", "40/s"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut first = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut first).expect("the first warning");
    // The reader is gone, as with `2>&1 | head -1`; twenty refusals are still to be told.
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "after {first}");
    let book = Book::read(&desk);
    assert_eq!((book.count(&["SENT"]), book.count(&["FAILED"])), (20, 20), "{book:?}");
    book.balances(&sink.log()).expect("nobody lost, nobody doubled");
}
