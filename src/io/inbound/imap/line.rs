//! The connection to a server: in clear or TLS, with a bound on silence, and the [`Guard`] on what comes.
//!
//! What: [`Line`]. Not here: what is said on it (`opening`, `dialogue`). Called by: both, and async-imap behind them.
//! Can fail: `TimedOut` where the other end is silent for too long, `InvalidData` where the guard refuses.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::client::TlsStream;

use super::guard::Guard;

/// What carries the octets.
pub(super) enum Carrier {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that does not wait for ever.
pub(super) struct Line {
    carrier: Carrier,
    guard: Guard,
    /// How long the other end may take or give nothing; `None`: for ever, while we wait for news.
    silence: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Line {
    pub(super) fn new(carrier: Carrier, silence: Duration) -> Self {
        Self { carrier, guard: Guard::default(), silence: Some(silence), timer: None }
    }

    /// From now on the other end may be silent so long.
    pub(super) fn allow_silence(&mut self, silence: Option<Duration>) {
        self.silence = silence;
        self.timer = None;
    }

    /// The socket in clear, for the handshake.
    pub(super) fn into_carrier(self) -> Carrier {
        self.carrier
    }

    /// Nothing has moved: pending until the silence is too long.
    fn silent<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(limit) = self.silence else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.timer = None;
        let words = format!("the server was silent for {} s", limit.as_secs_f64());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, words)))
    }
}

/// async-imap asks for it; nothing of the connection is worth printing.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = match &mut this.carrier {
            Carrier::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Carrier::Tls(s) => Pin::new(s).poll_read(cx, buf),
        };
        match read {
            Poll::Pending => this.silent(cx),
            Poll::Ready(read) => {
                this.timer = None;
                Poll::Ready(read.and_then(|()| this.guard.look(&mut buf.filled_mut()[before..])))
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.carrier {
            Carrier::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Carrier::Tls(s) => Pin::new(s).poll_write(cx, buf),
        };
        if written.is_pending() {
            return this.silent(cx);
        }
        this.timer = None;
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = match &mut this.carrier {
            Carrier::Plain(s) => Pin::new(s).poll_flush(cx),
            Carrier::Tls(s) => Pin::new(s).poll_flush(cx),
        };
        if flushed.is_pending() { this.silent(cx) } else { flushed }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().carrier {
            Carrier::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Carrier::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}
