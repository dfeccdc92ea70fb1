//! How long a server may take.

use std::time::Duration;

use crate::delivery::Phase;
use crate::input::timeouts::Timeouts;

/// The time given to each phase.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// TCP connect and TLS handshake.
    pub connect: Duration,
    /// Greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT.
    pub command: Duration,
    /// DATA.
    pub data: Duration,
    /// One write of the message.
    pub body: Duration,
    /// From the final dot to its reply.
    pub dot: Duration,
    /// QUIT: courtesy, no more.
    pub quit: Duration,
}

impl Default for Deadlines {
    /// RFC 5321 section 4.5.3.2. Ten minutes after the dot: whoever gives up earlier makes doubles.
    fn default() -> Self {
        Self::from(&Timeouts::default())
    }
}

impl From<&Timeouts> for Deadlines {
    fn from(timeouts: &Timeouts) -> Self {
        let Timeouts { connect, command, data, body, dot, short: _ } = *timeouts;
        Self { connect, command, data, body, dot, quit: Duration::from_secs(5) }
    }
}

impl Deadlines {
    /// That of a phase.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect | Phase::Tls => self.connect,
            Phase::Greeting | Phase::Ehlo | Phase::StartTls | Phase::Auth | Phase::Mail | Phase::Rcpt => self.command,
            Phase::Data => self.data,
            Phase::Body => self.body,
            Phase::Dot => self.dot,
        }
    }
}
