//! A bad network between the program and a receiver: a proxy on loopback that cuts, resets, stalls, chops and half-closes
//! at octets that a seed chooses, in either direction. It stands for partitions.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::book::{Book, all_due};
use crate::desk::Desk;
use crate::kill::{Dice, from_environment};
use crate::sink::Sink;

const RECIPIENTS: usize = 12;

#[derive(Clone, Copy, Debug)]
enum Harm {
    None,
    /// FIN both ways.
    Cut,
    /// RST both ways.
    Reset,
    /// This direction ends, the other goes on.
    HalfClose,
    /// Nothing passes any more in this direction, and nobody is told.
    Stall,
    /// Octets pass one by one.
    Chop,
}

/// What happens to one connection: after so many octets of one direction.
#[derive(Clone, Copy, Debug)]
struct Fate {
    harm: Harm,
    after: usize,
    towards_receiver: bool,
}

struct Proxy {
    port: u16,
    healed: Arc<AtomicBool>,
}

impl Proxy {
    fn start(target: u16, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let healed = Arc::new(AtomicBool::new(false));
        let whole = Arc::clone(&healed);
        let dice = Mutex::new(Dice::new(seed));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let fate = if whole.load(Ordering::SeqCst) { WHOLE } else { fate(&mut dice.lock().expect("dice")) };
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                join(near, far, fate);
            }
        });
        Self { port, healed }
    }
}

const WHOLE: Fate = Fate { harm: Harm::None, after: 0, towards_receiver: true };

fn fate(dice: &mut Dice) -> Fate {
    let harm = match dice.below(10) {
        0 | 1 => Harm::None,
        2 | 3 => Harm::Cut,
        4 | 5 => Harm::Reset,
        6 | 7 => Harm::HalfClose,
        8 => Harm::Stall,
        _ => Harm::Chop,
    };
    let towards_receiver = dice.below(2) == 0;
    // A dialogue of a few messages: tens of kB one way, hundreds of octets the other.
    let after = usize::try_from(dice.below(if towards_receiver { 60_000 } else { 700 })).expect("small");
    Fate { harm, after, towards_receiver }
}

fn join(near: TcpStream, far: TcpStream, fate: Fate) {
    for (from, to, harmed) in [(&near, &far, fate.towards_receiver), (&far, &near, !fate.towards_receiver)] {
        // Without it the pieces would meet again in the kernel.
        to.set_nodelay(true).expect("a socket");
        let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
        let fate = if harmed { fate } else { WHOLE };
        thread::spawn(move || carry(from, to, fate).ok());
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, fate: Fate) -> io::Result<()> {
    let mut octets = [0; 4096];
    let mut passed = 0;
    loop {
        let n = from.read(&mut octets)?;
        if n == 0 {
            return to.shutdown(Shutdown::Write);
        }
        let healthy = match fate.harm {
            Harm::None => n,
            _ => n.min(fate.after.saturating_sub(passed)),
        };
        to.write_all(&octets[..healthy])?;
        passed += healthy;
        if healthy == n {
            continue;
        }
        match fate.harm {
            Harm::None => {}
            Harm::Cut => {
                to.shutdown(Shutdown::Both)?;
                return from.shutdown(Shutdown::Both);
            }
            Harm::Reset => {
                for socket in [&to, &from] {
                    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
                    // Ends the other thread's read; the RST leaves with the last handle of the socket.
                    socket.shutdown(Shutdown::Both)?;
                }
                return Ok(());
            }
            Harm::HalfClose => {
                to.shutdown(Shutdown::Write)?;
                while from.read(&mut octets)? > 0 {}
                return Ok(());
            }
            Harm::Stall => {
                while from.read(&mut octets)? > 0 {}
                return to.shutdown(Shutdown::Write);
            }
            Harm::Chop => {
                for octet in &octets[healthy..n] {
                    to.write_all(&[*octet])?;
                }
                passed += n - healthy;
            }
        }
    }
}

/// Runs a job over the bad network until it is whole again.
fn partitioned(seed: u64) -> Result<usize, String> {
    let mut csv = String::from("email,entity,kind,language,city\n");
    for n in 1..=RECIPIENTS {
        csv.push_str(&format!("guest{n}@x.example,Organisation {n},ngo,en,Bern\n"));
    }
    let desk = Desk::with_list(&csv);
    let times = "timeouts = { connect = \"2s\", command = \"2s\", data = \"2s\", body = \"2s\", dot = \"2s\" }";
    let settings = desk.read("convoke.toml").replacen("[limits]\n", &format!("[limits]\n{times}\n"), 1);
    desk.write("convoke.toml", &settings);
    let sink = Sink::start(&desk.path);
    let proxy = Proxy::start(sink.port, seed);
    let url = format!("smtp://127.0.0.1:{}", proxy.port);
    let mut last = None;
    for run in 0..5 {
        proxy.healed.store(run == 4, Ordering::SeqCst);
        let ran = desk.run(&["send", "--relay", &url, "--no-wait", "--json", "--connections", "2"]);
        if ran.err.contains("panicked") || ran.code < 0 {
            return Err(format!("exit {}\n{}", ran.code, ran.err));
        }
        let book = Book::read(&desk);
        book.balances(&sink.log()).map_err(|fault| format!("run {run}: {fault}; {book:?}\n{}", ran.err))?;
        if book.count(&["READY", "DEFERRED"]) > 0 {
            all_due(&desk);
        }
        last = Some((book, ran));
    }
    let (book, ran) = last.expect("five runs");
    if book.count(&["SENT", "IN_DOUBT"]) != RECIPIENTS {
        return Err(format!("not everybody was reached: {book:?}\n{}", ran.err));
    }
    Ok(book.count(&["IN_DOUBT"]))
}

fn all_seeds(seeds: std::ops::Range<u64>) {
    let next = Mutex::new(seeds.clone());
    let wrong = Mutex::new(Vec::new());
    let doubts = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = next.lock().expect("seeds").next() else { return };
                    match partitioned(seed) {
                        Ok(n) => *doubts.lock().expect("a count") += n,
                        Err(fault) => wrong.lock().expect("the list").push(format!("seed {seed}: {fault}")),
                    }
                }
            });
        }
    });
    eprintln!("seeds {seeds:?}: {} in doubt", doubts.into_inner().expect("a count"));
    let wrong = wrong.into_inner().expect("the list");
    assert!(wrong.is_empty(), "{} seeds:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_network_that_breaks_anywhere_loses_and_doubles_nobody() {
    all_seeds(0..16);
}

#[test]
#[ignore = "long: tests/soak"]
fn soak_partitions() {
    let first = from_environment("SOAK_SEED", 0);
    all_seeds(first..first + from_environment("SOAK_SEEDS", 2000));
}
