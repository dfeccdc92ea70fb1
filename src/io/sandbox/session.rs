//! One connection of the sandbox.
//!
//! What: moves octets between a socket and a [`Dialogue`], and messages from there to the [`Sink`]. Replies to commands
//! that came in one read go out in one write.
//! Standard: RFC 5321 section 4.5.3.2.7 (a server waits 5 minutes for the next command).
//! Not here: what the commands mean (`dialogue`).
//! Called by: [`Sandbox::run`](super::Sandbox::run), once for each connection.
//! Can fail: the connection; it then ends, and what had no final dot is forgotten.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::dialogue::{Dialogue, Ending, Step};
use super::{Pace, Sink};

/// One read: a usual invitation of 8 KB and the next envelope fit.
const READ_OCTETS: usize = 16 * 1024;

/// Serves one client until it leaves, keeps silent for too long or the sandbox closes.
pub(super) async fn serve(
    mut stream: TcpStream,
    mut dialogue: Dialogue,
    sink: &impl Sink,
    pace: Pace,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    // Replies are small and awaited: Nagle's algorithm would hold each of them for 40 ms.
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; READ_OCTETS];
    send(&mut stream, &mut dialogue, pace).await?;
    loop {
        let is_closing = *closing.borrow_and_update();
        if is_closing {
            dialogue.close();
            if dialogue.is_idle() {
                dialogue.say("421 4.3.2 the sandbox is closing");
                return send(&mut stream, &mut dialogue, pace).await;
            }
        }
        let length = tokio::select! {
            biased;
            read = timeout(pace.idle, stream.read(&mut buffer)) => match read {
                Ok(length) => length?,
                Err(_) => {
                    dialogue.say("421 4.4.2 silent for too long");
                    return send(&mut stream, &mut dialogue, pace).await;
                }
            },
            changed = closing.changed(), if !is_closing => match changed {
                Ok(()) => continue,
                // The sandbox itself is gone.
                Err(_) => return Ok(()),
            },
        };
        if length == 0 {
            return Ok(());
        }
        let mut input = &buffer[..length];
        while !input.is_empty() {
            match dialogue.take(&mut input) {
                Step::Read => {}
                Step::Close => return send(&mut stream, &mut dialogue, pace).await,
                Step::File(ending) => {
                    let (envelope, octets) = dialogue.message();
                    let outcome = sink.file(envelope, octets).await;
                    if ending != Ending::Reply {
                        // What was owed before is not part of the rehearsal.
                        send(&mut stream, &mut dialogue, pace).await?;
                    }
                    match ending {
                        Ending::Silence => return Ok(()),
                        Ending::LateReply => sleep(pace.late).await,
                        Ending::Reply => {}
                    }
                    dialogue.filed(outcome);
                }
            }
        }
        send(&mut stream, &mut dialogue, pace).await?;
    }
}

/// Writes what is owed, in one write.
async fn send(stream: &mut TcpStream, dialogue: &mut Dialogue, pace: Pace) -> io::Result<()> {
    let replies = dialogue.replies();
    if !replies.is_empty() {
        timeout(pace.idle, stream.write_all(replies)).await??;
        replies.clear();
    }
    Ok(())
}
