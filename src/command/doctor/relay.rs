//! A relay: connected to, logged in to, asked what it offers, and left without a message.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::finding::Finding;
use crate::command::mailing;
use crate::delivery::{Mishap, Phase};
use crate::exit::Exit;
use crate::input::event_file::EventFile;
use crate::input::relay::Relay;
use crate::io::clock;
use crate::io::smtp::{Capabilities, Connection, Failure, Route};

/// No step takes longer where somebody waits for the answer.
const LONGEST: Duration = Duration::from_secs(30);
/// A certificate with fewer days left is told of.
const DAYS: i64 = 14;
/// A message of ours with its calendar has some 20 kB; a logo and two languages make more.
const SMALL_OCTETS: u64 = 200_000;

/// As a run has it, with less patience.
pub(super) fn route(relay: &Relay, file: &EventFile, folder: &Path) -> Result<Route, crate::exit::Stopped> {
    let mut route = mailing::route(relay, file, folder)?;
    let deadlines = &mut route.deadlines;
    for limit in
        [&mut deadlines.connect, &mut deadlines.command, &mut deadlines.data, &mut deadlines.body, &mut deadlines.dot]
    {
        *limit = (*limit).min(LONGEST);
    }
    Ok(route)
}

pub(super) async fn look(relay: &Relay, file: &EventFile, folder: &Path) -> Finding {
    let name = relay.to_string();
    let route = match route(relay, file, folder) {
        Ok(route) => route,
        Err(stopped) => return Finding::stopped("relay", &name, &stopped, ""),
    };
    let connection = match Connection::open(&route).await {
        Ok(connection) => connection,
        Err(failure) => return fault("relay", &name, &failure),
    };
    let finding = found(relay, file, &connection);
    connection.quit().await;
    finding
}

/// A failure with its exit code and cure.
pub(super) fn fault(check: &'static str, of: &str, failure: &Failure) -> Finding {
    let words = format!("{}: {}", failure.phase, failure.mishap);
    let is_ours = matches!(failure.mishap, Mishap::Unable(_));
    let (exit, cure) = match failure.phase {
        Phase::Tls | Phase::StartTls if is_ours => {
            (Exit::Configuration, "check host and clock, or name the authority with `ca_file` under [[relay]]")
        }
        Phase::Auth => (Exit::Configuration, "check user and password under [[relay]]"),
        _ if is_ours => (Exit::Configuration, "mend the entry under [[relay]]"),
        Phase::Connect => (Exit::Unreachable, "check host, port and firewall"),
        Phase::Tls | Phase::StartTls => {
            (Exit::Unreachable, "check the port: smtps:// is for TLS at once (465), smtp:// for STARTTLS (587)")
        }
        Phase::Greeting | Phase::Ehlo => (Exit::Unreachable, "ask who runs the relay whether this machine may use it"),
        Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Body | Phase::Dot => {
            (Exit::Unreachable, "ask who runs the relay")
        }
    };
    Finding::fault(check, of, exit, &words, cure)
}

fn found(relay: &Relay, file: &EventFile, connection: &Connection) -> Finding {
    let name = relay.to_string();
    let offered = connection.offered();
    let days = connection.certificate_ends().map(|end| end.duration_since(clock::now()).as_hours() / 24);
    let mut words = Vec::new();
    words.push(match (connection.tls(), days) {
        ("", _) => "in clear on this machine".to_owned(),
        (tls, Some(days)) => format!("{tls}, certificate good for {days} more days"),
        (tls, None) => tls.to_owned(),
    });
    words.push(relay.user.as_ref().map_or_else(|| "no login".to_owned(), |user| format!("logged in as {user}")));
    let list = offers(offered);
    words.push(if list.is_empty() { "offers nothing".to_owned() } else { format!("offers {}", list.join(" ")) });
    let words = words.join("; ");
    let size = offered.size.filter(|size| *size > 0);
    let finding = if file.sender.address.needs_smtputf8() && !offered.smtputf8 {
        let cure = "write a sender's address of ASCII letters, or use another relay";
        let words = format!("{words}; the sender's address needs SMTPUTF8");
        Finding::fault("relay", &name, Exit::Configuration, &words, cure)
    } else if days.is_some_and(|days| days < DAYS) {
        Finding::warning("relay", &name, &words, "tell who runs the relay: without a certificate nothing is sent")
    } else if size.is_some_and(|size| size < SMALL_OCTETS) {
        Finding::warning(
            "relay",
            &name,
            &words,
            "messages larger than its SIZE are refused; `convoke check` tells sizes",
        )
    } else {
        Finding::well("relay", &name, &words)
    };
    finding.with(json!({
        "tls": connection.tls(), "certificate_days": days, "login": relay.user, "offers": list, "size": size,
    }))
}

/// In the words of EHLO.
fn offers(offered: &Capabilities) -> Vec<String> {
    let words = [
        (offered.pipelining, "PIPELINING"),
        (offered.eight_bit, "8BITMIME"),
        (offered.dsn, "DSN"),
        (offered.smtputf8, "SMTPUTF8"),
        (offered.enhanced, "ENHANCEDSTATUSCODES"),
    ];
    let mut list: Vec<String> = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()).collect();
    list.extend(offered.size.map(|size| if size == 0 { "SIZE".to_owned() } else { format!("SIZE={size}") }));
    if !offered.auth.is_empty() {
        list.push(format!("AUTH={}", offered.auth.join(",")));
    }
    list
}
