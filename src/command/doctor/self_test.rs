//! One message to ourselves, by an address with a plus sign, and whether it comes back to where answers are read.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::finding::Finding;
use super::place::SKEW;
use super::{mailbox, relay};
use crate::cli;
use crate::command::{mailing, signatures};
use crate::exit::{Exit, Stopped};
use crate::input::event_file::EventFile;
use crate::input::relay::Relay;
use crate::input::units::parse_duration;
use crate::io::inbound::{Door, Sighting};
use crate::io::smtp::{Connection, Letter};
use crate::io::{clock, seed};
use crate::message::SelfTest;

/// Between two looks.
const AGAIN: Duration = Duration::from_secs(1);
/// Octets of the token: as many as those of real messages have, so that there is room for them too.
const TOKEN_OCTETS: usize = 16;

/// What was typed.
pub(super) struct Terms {
    wait: Duration,
    yes: Option<u64>,
}

impl Terms {
    pub(super) fn of(typed: &cli::Doctor) -> Result<Self, Stopped> {
        let wait = parse_duration(&typed.wait)
            .ok_or_else(|| Stopped::Usage(format!("--wait `{}` is no duration; write 60s or 5min", typed.wait)))?;
        Ok(Self { wait, yes: typed.yes })
    }
}

/// # Errors
/// Nobody confirmed it; the system has no chance to give.
pub(super) async fn run(folder: &Path, file: &EventFile, terms: &Terms) -> Result<Finding, Stopped> {
    let Some(by) = file.relays.iter().min_by_key(|relay| relay.priority) else {
        let cure = "configure a [[relay]] first";
        return Ok(Finding::warning("self-test", "", "not made: without a relay nothing leaves this machine", cure));
    };
    if !by.is_loopback() {
        mailing::confirm(&by.to_string(), 1, terms.yes)?;
    }
    let now = clock::now();
    let token = data_encoding::BASE32_NOPAD.encode(&seed::secret()?[..TOKEN_OCTETS]).to_lowercase();
    let mailbox = file.sender.envelope.as_ref().unwrap_or(&file.sender.address);
    let test = match SelfTest::new(&file.sender.address, mailbox, &token, now) {
        Ok(test) => test,
        Err(error) => {
            let words = format!("`{mailbox}` has no room for a plus and 26 letters: {error}");
            let cure = "leave `verp` out, or use a shorter address";
            return Ok(Finding::fault("self-test", "", Exit::Configuration, &words, cure));
        }
    };
    // Before it leaves: in a Maildir new is what was not there.
    let mut doors = match open(file, folder).await {
        Ok(doors) => doors,
        Err(finding) => return Ok(finding),
    };
    let finding = match send(by, file, folder, &test, now).await {
        Err(finding) => finding,
        Ok(reply) => wait(&mut doors, &test, &reply, terms.wait, file.sender.verp).await,
    };
    for (_, door) in doors {
        door.close().await;
    }
    Ok(finding)
}

/// The sources in which a single message can be looked for.
async fn open(file: &EventFile, folder: &Path) -> Result<Vec<(String, Door)>, Finding> {
    let mut doors = Vec::new();
    for source in &file.replies.from {
        match Door::open(source, mailbox::setup(file, folder)).await {
            Ok(mut door) if door.can_find() => {
                door.pass_over();
                doors.push((source.to_string(), door));
            }
            Ok(door) => door.close().await,
            Err(error) => {
                let finding = Finding::stopped("self-test", "", &Stopped::from(error), "nothing was sent");
                return Err(finding);
            }
        }
    }
    Ok(doors)
}

/// The relay's last words.
async fn send(by: &Relay, file: &EventFile, folder: &Path, test: &SelfTest, now: Timestamp) -> Result<String, Finding> {
    let stopped = |stopped: Stopped| Finding::stopped("self-test", "", &stopped, "nothing was sent");
    let route = relay::route(by, file, folder).map_err(stopped)?;
    let signer = signatures::open(file, folder).map_err(|problems| stopped(Stopped::Configuration(problems)))?;
    let octets = match signer {
        Some(signer) => signer.sign(test.octets.clone(), now).map_err(|fault| {
            Finding::fault("self-test", "", Exit::Configuration, &fault.to_string(), "check the keys under [[dkim]]")
        })?,
        None => test.octets.clone(),
    };
    let from = file.sender.envelope.as_ref().unwrap_or(&file.sender.address);
    let letter = Letter { from, to: &test.to, octets: &octets, message_id: test.message_id.as_str() };
    let sent = async {
        let mut connection = Connection::open(&route).await?;
        connection.check(&letter)?;
        connection.announce(&letter).await?;
        let reply = connection.send(&octets, None).await?;
        connection.quit().await;
        Ok(reply)
    };
    sent.await.map(|reply| reply.to_string()).map_err(|failure| {
        let words = format!(" (`{}`)", test.to);
        relay::fault("self-test", "", &failure).more(&words)
    })
}

async fn wait(doors: &mut [(String, Door)], test: &SelfTest, reply: &str, longest: Duration, is_verp: bool) -> Finding {
    let to = test.to.as_str();
    let facts = |is_found: Option<bool>| json!({ "to": to, "message_id": test.message_id.as_str(), "found": is_found });
    if doors.is_empty() {
        let words = format!("the relay took a message to {to} ({reply}); there is no mailbox to look into");
        let cure = "look for it yourself; it proves that addresses with a plus work";
        return Finding::warning("self-test", "", &words, cure).with(facts(None));
    }
    let began = clock::now();
    loop {
        for (name, door) in &mut *doors {
            match door.find(test.message_id.as_str()).await {
                Ok(Some(sighting)) => return found(name, to, sighting, began, is_verp).with(facts(Some(true))),
                Ok(None) => {}
                Err(error) => {
                    let cure = "the message has left; look for it yourself";
                    return Finding::stopped("self-test", name, &Stopped::from(error), cure).with(facts(None));
                }
            }
        }
        let waited = clock::now().duration_since(began).unsigned_abs();
        if waited >= longest {
            break;
        }
        tokio::time::sleep(AGAIN.min(longest - waited)).await;
    }
    let words =
        format!("the relay took a message to {to} ({reply}), and after {} s it is not there", longest.as_secs());
    let cure = if is_verp {
        "look among spam and wait longer (--wait 10min); if it never comes, let the mailbox take plus addresses or take `verp` out"
    } else {
        "look among spam and wait longer (--wait 10min); if it never comes, leave `verp` off"
    };
    Finding::fault("self-test", "", Exit::Partly, &words, cure).with(facts(Some(false)))
}

fn found(name: &str, to: &str, sighting: Sighting, sent: Timestamp, is_verp: bool) -> Finding {
    let now = clock::now();
    let took = now.duration_since(sent).as_secs();
    let words = format!("{to} came back to {name} within {} s: addresses with a plus work", took + 1);
    let skew = sighting.received.map(|received| received.duration_since(now)).filter(|skew| skew.abs() > SKEW);
    if let Some(skew) = skew {
        let side = if skew.is_negative() { "behind" } else { "ahead of" };
        let words = format!("{words}; the mailbox's clock is {} min {side} ours", skew.abs().as_mins());
        return Finding::warning("self-test", "", &words, "set the clock that is wrong");
    }
    let hint = if is_verp { "" } else { "; `verp = true` under [sender] may be written" };
    Finding::well("self-test", "", &words).more(hint)
}
