//! A mail server on loopback that takes everything and sends nothing on.
//!
//! What: [`Sandbox`] speaks SMTP with as many clients as come and hands each message to a [`Sink`] before it answers 250;
//! the local part of a recipient can ask for a fault (the table stands in `rehearsal`). [`write_outbox_index`] makes the
//! page to look at what came.
//! Standards: RFC 5321 and the extensions named in `dialogue`.
//! Not here: TLS, AUTH, relaying; it refuses to listen on anything but loopback. Where messages are kept is the sink's
//! matter: the sandbox's outbox is a [`Maildir`](crate::io::maildir::Maildir).
//! Called by: `command` (send without a relay, serve) and tests.
//! Can fail: [`Sandbox::bind`], when the address is taken or not a loopback one. A connection that fails ends alone.

mod body;
mod dialogue;
mod outbox;
mod rehearsal;
mod session;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use outbox::write_outbox_index;

use dialogue::Dialogue;
use rehearsal::Greylist;

/// Connections at the same time: with a message of a usual size each, some 20 MB in all.
const CONNECTIONS_LIMIT: usize = 512;

/// The envelope of a message, as the client gave it: any text that RFC 5321 lets pass for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The reverse-path without its brackets; empty for the null one (RFC 5321 section 4.5.5).
    pub reverse_path: String,
    /// The accepted forward-paths, in order; at least one.
    pub recipients: Vec<String>,
    /// ENVID (RFC 3461 section 4.4), where the client gave one.
    pub envelope_id: Option<String>,
    /// Whether MAIL carried SMTPUTF8.
    pub is_utf8: bool,
}

/// Where the messages go.
pub trait Sink: Send + Sync + 'static {
    /// Keeps one message. It has arrived when this ends well: the client is then told 250, and 451 4.3.0 otherwise.
    ///
    /// # Errors
    /// Whatever keeps the message from being kept; the client may try again.
    fn file(&self, envelope: &Received, octets: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// How long a client may keep silent, or not read.
    idle: Duration,
    /// How late the reply of the `+slow` rehearsal is.
    late: Duration,
    /// How long messages under way may take when the sandbox closes.
    grace: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { idle: Duration::from_mins(5), late: Duration::from_secs(2), grace: Duration::from_secs(5) }
    }
}

/// The server, bound and ready to run.
#[derive(Debug)]
pub struct Sandbox<S> {
    listener: TcpListener,
    local_addr: SocketAddr,
    sink: S,
    pace: Pace,
}

impl<S: Sink> Sandbox<S> {
    /// Listens on a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    /// `InvalidInput` for an address that other machines could reach; otherwise what the system says.
    pub async fn bind(address: SocketAddr, sink: S) -> io::Result<Self> {
        if !address.ip().to_canonical().is_loopback() {
            let text = format!("sandbox cannot listen on `{address}`, which is not a loopback address; use 127.0.0.1");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let listener = TcpListener::bind(address).await?;
        let local_addr = listener.local_addr()?;
        Ok(Self { listener, local_addr, sink, pace: Pace::default() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `stop` is ready. Then nothing new is taken, clients between messages are told 421, and a message
    /// under way has 5 seconds to end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let (close, closing) = watch::channel(false);
        let sink = Arc::new(self.sink);
        let greylist = Arc::new(Greylist::default());
        let mut sessions = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = sessions.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((mut stream, _)) if sessions.len() >= CONNECTIONS_LIMIT => {
                    // A new socket's buffer holds this line, so the write does not wait.
                    let _ = stream.write_all(b"421 4.3.2 too many connections\r\n").await;
                }
                Ok((stream, _)) => {
                    let (sink, dialogue) = (Arc::clone(&sink), Dialogue::new(Arc::clone(&greylist)));
                    let (pace, closing) = (self.pace, closing.clone());
                    sessions.spawn(async move {
                        // A broken connection is the client's matter; it ends this session only.
                        let _ = session::serve(stream, dialogue, &*sink, pace, closing).await;
                    });
                }
                // Out of file descriptors, as a rule: wait for one to come free.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        drop(self.listener);
        close.send_replace(true);
        // What is left after the grace ends with the set.
        let _ = timeout(self.pace.grace, async { while sessions.join_next().await.is_some() {} }).await;
    }
}

#[cfg(test)]
mod tests;
