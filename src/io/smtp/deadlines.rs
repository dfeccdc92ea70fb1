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
    /// How long a connection is kept while there is nothing to send.
    pub idle: Duration,
}

impl Default for Deadlines {
    /// RFC 5321 section 4.5.3.2. Ten minutes after the dot: whoever gives up earlier makes doubles.
    fn default() -> Self {
        let Timeouts { connect, command, data, body, dot, short: _ } = Timeouts::default();
        Self {
            connect,
            command,
            data,
            body,
            dot,
            quit: Duration::from_secs(5),
            // Postfix under stress waits 10 seconds for a command, others minutes: we leave before we are shown out.
            idle: Duration::from_secs(9),
        }
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

impl From<&Timeouts> for Deadlines {
    /// Those of the settings; what they do not speak of stays as it is.
    fn from(timeouts: &Timeouts) -> Self {
        let Timeouts { connect, command, data, body, dot, short: _ } = *timeouts;
        Self { connect, command, data, body, dot, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadlines, Timeouts};
    use crate::delivery::Phase;

    #[test]
    fn settings_that_say_nothing_change_nothing() {
        let (ours, theirs) = (Deadlines::default(), Deadlines::from(&Timeouts::default()));
        for phase in [Phase::Connect, Phase::Rcpt, Phase::Data, Phase::Body, Phase::Dot] {
            assert_eq!(ours.of(phase), theirs.of(phase), "{phase}");
        }
    }
}
