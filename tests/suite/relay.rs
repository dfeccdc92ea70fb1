//! Refusals, deferrals and doubts: at a receiver of ours, in the sandbox's rehearsals, and at a real Postfix.

use std::path::{Path, PathBuf};
use std::process::Command;

use convoke::delivery::BackOff;
use convoke::input::relay::{Protection, Relay};
use convoke::io::smtp::{Connection, Deadlines, Route, client_config};

use crate::desk::{Desk, repository};
use crate::sink::Sink;

fn list(addresses: &[&str]) -> String {
    let rows = addresses.iter().enumerate().map(|(n, a)| format!("{a},Organisation {n},ngo,en,Bern\n"));
    format!("email,entity,kind,language,city\n{}", rows.collect::<String>())
}

#[test]
fn each_refusal_ends_in_its_state() {
    let desk =
        Desk::with_list(&list(&["a@x.example", "gone@x.example", "later@x.example", "full@x.example", "b@x.example"]));
    let sink = Sink::start(&desk.path);
    let ran = desk.ends(1, &["send", "--relay", &sink.url(), "--no-wait", "--connections", "1"]);
    assert!(ran.err.contains("gone@x.example: refused by the relay at rcpt: 550 5.1.1 no such user"), "{}", ran.err);
    assert_eq!((desk.standing("SENT"), desk.standing("FAILED"), desk.standing("DEFERRED")), (2, 1, 2));
    assert_eq!(sink.accepted(), 2);
    let status = desk.ends(1, &["status"]);
    assert!(status.out.contains("gone@x.example (Organisation 1): 550 5.1.1 no such user"), "{}", status.out);
}

#[test]
fn the_sandbox_rehearses_every_fault() {
    let desk = Desk::with_list(&list(&[
        "a@x.example",
        "b+reject@x.example",
        "c+greylist@x.example",
        "d+content@x.example",
        "e+drop@x.example",
    ]));
    desk.ends(1, &["send", "--connections", "1"]);
    assert_eq!((desk.standing("SENT"), desk.standing("FAILED"), desk.standing("IN_DOUBT")), (2, 2, 1));
    let doubt = desk.ends(1, &["status", "--in-doubt"]);
    assert!(doubt.out.starts_with("e+drop@x.example"), "{}", doubt.out);
    let unchanged = desk.ends(1, &["send"]);
    assert!(
        unchanged.out.contains("2 sent, 2 refused by the relay, 1 in doubt"),
        "a doubt is never sent again by itself: {}",
        unchanged.out
    );
    desk.ends(64, &["settle", "--sent", "a@x.example"]);
    desk.ends(0, &["settle", "--sent", "e+drop@x.example", "--reason", "they confirmed"]);
    assert_eq!(desk.standing("SENT"), 3);
}

#[test]
fn a_relay_that_is_not_there_costs_nobody_their_turn() {
    let desk = Desk::with_list(&list(&["a@x.example", "b@x.example"]));
    let ran = desk.ends(69, &["send", "--relay", "smtp://127.0.0.1:9", "--no-wait"]);
    assert!(ran.err.contains("cannot be used"), "{}", ran.err);
    assert_eq!(desk.standing("FAILED") + desk.standing("SENT") + desk.standing("IN_DOUBT"), 0);
    let sink = Sink::start(&desk.path);
    // What was deferred is due a second later at most.
    desk.ends(0, &["send", "--relay", &sink.url()]);
    assert_eq!(sink.accepted(), 2);
}

#[cfg(unix)]
#[test]
fn a_login_needs_a_private_password_and_the_right_one() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::with_list(&list(&["a@x.example"]));
    let sink = Sink::start(&desk.path);
    let relay =
        format!("[[relay]]\nurl = \"smtp://me@127.0.0.1:{}\"\npassword = {{ file = \"relay.secret\" }}\n", sink.port);
    desk.write("convoke.toml", &format!("{}\n{relay}", desk.read("convoke.toml")));
    desk.write("relay.secret", "shut sesame\n");
    let mode = |mode| std::fs::set_permissions(desk.path.join("relay.secret"), std::fs::Permissions::from_mode(mode));
    mode(0o644).expect("a mode");
    let ran = desk.ends(78, &["send"]);
    assert!(ran.err.contains("can be read by others (mode 644); run chmod 600"), "{}", ran.err);
    mode(0o600).expect("a mode");
    let ran = desk.ends(69, &["send", "--no-wait"]);
    assert!(ran.err.contains("535 5.7.8 bad credentials"), "{}", ran.err);
    assert!(!ran.err.contains("sesame") && !ran.out.contains("sesame"), "{}", ran.err);
    assert_eq!((sink.accepted(), desk.standing("DEFERRED")), (0, 1), "a wrong password costs nobody their turn");
    desk.write("relay.secret", "open sesame\n");
    desk.ends(0, &["send"]);
    assert_eq!(sink.accepted(), 1);
}

/// A real Postfix on loopback; stopped when it is dropped.
struct Postfix {
    script: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Postfix {
    fn start(folder: &Path) -> Option<Self> {
        std::env::var_os("CONVOKE_ORACLES")?;
        // Free at this moment; nobody else on this machine takes ports of loopback in between.
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let script = repository().join("tests/oracles/postfix.sh");
        let folder = folder.join("postfix");
        let started = Command::new(&script).arg("start").arg(&folder).arg(port.to_string()).status().expect("bash");
        assert!(started.success(), "Postfix starts");
        Some(Self { script, folder, port })
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new(&self.script).arg("stop").arg(&self.folder).status();
    }
}

#[test]
fn a_real_postfix_takes_the_sample_and_its_refusals_are_understood() {
    let mut csv = list(&["unknown@x.example", "greylist@x.example", "full@x.example"]);
    for n in 0..100 {
        csv.push_str(&format!("guest{n}@x.example,Guest {n},ngo,fr,Bern\n"));
    }
    let desk = Desk::with_list(&csv);
    let Some(postfix) = Postfix::start(&desk.path) else {
        eprintln!("skipped: CONVOKE_ORACLES is not set; tests/run sets it");
        return;
    };
    let url = format!("smtp://127.0.0.1:{}", postfix.port);
    let ran = desk.ends(1, &["send", "--relay", &url, "--no-wait", "--connections", "4"]);
    assert_eq!((desk.standing("SENT"), desk.standing("FAILED"), desk.standing("DEFERRED")), (100, 1, 2), "{}", ran.err);
    let filed = || {
        let mut n = 0;
        let mut open = vec![postfix.folder.join("mail")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    open.push(entry.path());
                } else if entry.path().parent().is_some_and(|p| p.ends_with("new")) {
                    n += 1;
                }
            }
        }
        n
    };
    let patience = std::time::Instant::now();
    while filed() < 100 {
        assert!(patience.elapsed().as_secs() < 60, "{} of 100 are filed", filed());
        std::thread::yield_now();
    }
    tls_is_checked(&postfix);
}

/// STARTTLS with the name checked: not believed without the CA, believed with it. On loopback the program speaks in clear, so
/// the connection is asked for as it would be elsewhere.
fn tls_is_checked(postfix: &Postfix) {
    let ca = postfix.folder.join("ca.pem");
    let open = |ca_file: Option<&PathBuf>| {
        let mut relay = Relay::from_url(None, &format!("smtp://localhost:{}", postfix.port)).expect("a URL");
        relay.protection = Protection::StartTls;
        let route = Route {
            relay,
            tls: client_config(ca_file, true).expect("TLS"),
            login: None,
            deadlines: Deadlines::default(),
            backoff: BackOff { waits: Vec::new(), until: jiff::Timestamp::MAX },
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async { Connection::open(&route).await.map(|c| c.offered().pipelining) })
    };
    assert_eq!(open(Some(&ca)), Ok(true));
    let refused = open(None).expect_err("nobody knows this authority");
    assert!(refused.mishap.to_string().contains("certificate is not accepted"), "{refused:?}");
}
