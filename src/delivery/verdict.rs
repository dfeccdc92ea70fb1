//! From what a relay said, or failed to say, to what it means.

use std::fmt;

use crate::mail::Reply;

/// Where in the dialogue something happened (RFC 5321 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// TCP.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The server's first line.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, before the message.
    Data,
    /// The message's octets, before the final dot left.
    Body,
    /// From the final dot to its reply: the window of RFC 1047.
    Dot,
}

impl Phase {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::StartTls => "starttls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
            Self::Dot => "dot",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What came in the place of the reply that the phase needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// A well-formed reply that is no success.
    Reply(Reply),
    /// Nothing in the time that RFC 5321 section 4.5.3.2 gives.
    Silence,
    /// The connection ended.
    Closed,
    /// The connection failed; the system's words.
    Broken(String),
    /// Octets that are no reply.
    Unreadable(String),
    /// The server cannot do what this message needs; our words.
    Unable(String),
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(reply) => reply.fmt(f),
            Self::Silence => f.write_str("no answer in time"),
            Self::Closed => f.write_str("the connection was closed"),
            Self::Broken(words) => write!(f, "the connection failed: {words}"),
            Self::Unreadable(words) => write!(f, "the answer cannot be read: {words}"),
            Self::Unable(words) => f.write_str(words),
        }
    }
}

/// Whose fault it is, and so what else is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This recipient only.
    Recipient,
    /// The message, and so probably all of them.
    Message,
    /// The way to the relay: every message that would take it.
    Route,
    /// Our own set-up: nothing can be sent until a person has changed it.
    Setup,
}

/// What is to be done with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The relay took it.
    Accepted,
    /// Try again later.
    Deferred(Scope),
    /// Never again.
    Refused(Scope),
    /// Nobody can know: hold it and name it.
    InDoubt,
}

impl Scope {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Message => "message",
            Self::Route => "route",
            Self::Setup => "setup",
        }
    }
}

impl Verdict {
    /// Whose fault it is, where it is anybody's.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::Deferred(scope) | Self::Refused(scope) => Some(scope),
            Self::Accepted | Self::InDoubt => None,
        }
    }
}

/// Judges what happened in a phase in which success did not.
///
/// Before the dot nothing can have been accepted, so whatever is unclear may be tried again; after it, whatever is
/// unclear is in doubt (RFC 1047; RFC 5321 section 3.8 would send again and double).
pub fn judge(phase: Phase, mishap: &Mishap) -> Verdict {
    let Mishap::Reply(reply) = mishap else {
        return match (phase, mishap) {
            (Phase::Dot, _) => Verdict::InDoubt,
            (Phase::Rcpt | Phase::Mail, Mishap::Unable(_)) => Verdict::Refused(Scope::Recipient),
            (_, Mishap::Unable(_)) => Verdict::Deferred(Scope::Setup),
            _ => Verdict::Deferred(Scope::Route),
        };
    };
    let detail = reply.enhanced().map(|e| (e.subject, e.detail));
    match (phase, reply.code()) {
        // 3xx as the last answer, or 2xx where 354 is due: the dialogue is out of step.
        (Phase::Dot, 200..=299) => Verdict::Accepted,
        (Phase::Dot, 300..=399) => Verdict::InDoubt,
        (_, 200..=399) => Verdict::Deferred(Scope::Route),
        // The server ends the session: no fault of the recipient. After the dot it is a refusal of this message for now.
        (_, 421) => Verdict::Deferred(Scope::Route),
        (Phase::Auth, _) | (_, 530 | 534 | 535 | 538) => Verdict::Deferred(Scope::Setup),
        (Phase::Greeting | Phase::Ehlo | Phase::StartTls | Phase::Connect | Phase::Tls, 500..=599) => {
            Verdict::Deferred(Scope::Setup)
        }
        (Phase::Greeting | Phase::Ehlo | Phase::StartTls | Phase::Connect | Phase::Tls, _) => {
            Verdict::Deferred(Scope::Route)
        }
        // RFC 5321 section 4.5.3.1.10: 552 at RCPT means "too many recipients", which is temporary.
        (Phase::Rcpt, 552) if detail != Some((2, 2)) => Verdict::Deferred(Scope::Recipient),
        // A full mailbox is emptied one day.
        (_, 552) if detail == Some((2, 2)) => Verdict::Deferred(Scope::Recipient),
        // Daily limits of the account are 5xx at some providers and pass by themselves.
        (_, 550..=554) if detail == Some((4, 5)) => Verdict::Deferred(Scope::Route),
        // Our grammar or the sender's address: the next message would fare alike.
        (_, 500..=504) | (Phase::Mail, 500..=599) => Verdict::Deferred(Scope::Setup),
        (Phase::Mail | Phase::Data, 400..=499) => Verdict::Deferred(Scope::Route),
        (_, 451 | 452) if matches!(detail, Some((3, _))) => Verdict::Deferred(Scope::Route),
        (_, 400..=499) => Verdict::Deferred(Scope::Recipient),
        (Phase::Dot, 500..=599) => Verdict::Refused(Scope::Message),
        (_, _) if matches!(detail, Some((6 | 7, _))) => Verdict::Refused(Scope::Message),
        _ => Verdict::Refused(Scope::Recipient),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mishap, Phase, Scope, Verdict, judge};
    use crate::mail::Reply;

    fn reply(phase: Phase, code: u16, text: &str) -> Verdict {
        judge(phase, &Mishap::Reply(Reply::new(code, vec![text.to_owned()])))
    }

    #[test]
    fn only_2xx_after_the_dot_is_success() {
        assert_eq!(reply(Phase::Dot, 250, "2.0.0 queued"), Verdict::Accepted);
        assert_eq!(reply(Phase::Dot, 354, "go"), Verdict::InDoubt);
        assert_eq!(reply(Phase::Dot, 451, "4.3.0 later"), Verdict::Deferred(Scope::Route));
        assert_eq!(reply(Phase::Dot, 554, "5.6.0 no"), Verdict::Refused(Scope::Message));
        assert_eq!(reply(Phase::Dot, 421, "4.3.2 down"), Verdict::Deferred(Scope::Route));
    }

    #[test]
    fn what_is_unclear_after_the_dot_is_in_doubt_and_before_it_is_not() {
        for mishap in
            [Mishap::Silence, Mishap::Closed, Mishap::Broken("reset".into()), Mishap::Unreadable("\u{fffd}".into())]
        {
            assert_eq!(judge(Phase::Dot, &mishap), Verdict::InDoubt);
            assert_eq!(judge(Phase::Body, &mishap), Verdict::Deferred(Scope::Route));
            assert_eq!(judge(Phase::Rcpt, &mishap), Verdict::Deferred(Scope::Route));
        }
    }

    #[test]
    fn recipients_are_refused_for_their_own_faults_only() {
        assert_eq!(reply(Phase::Rcpt, 550, "5.1.1 unknown"), Verdict::Refused(Scope::Recipient));
        assert_eq!(reply(Phase::Rcpt, 550, "5.7.1 blocked"), Verdict::Refused(Scope::Message));
        assert_eq!(reply(Phase::Rcpt, 452, "4.2.2 full"), Verdict::Deferred(Scope::Recipient));
        assert_eq!(reply(Phase::Rcpt, 552, "5.2.2 full"), Verdict::Deferred(Scope::Recipient));
        assert_eq!(reply(Phase::Rcpt, 552, "too many"), Verdict::Deferred(Scope::Recipient));
        assert_eq!(reply(Phase::Rcpt, 451, "4.7.1 greylisted"), Verdict::Deferred(Scope::Recipient));
        assert_eq!(reply(Phase::Mail, 550, "5.7.1 sender"), Verdict::Deferred(Scope::Setup));
        assert_eq!(reply(Phase::Auth, 535, "5.7.8 bad"), Verdict::Deferred(Scope::Setup));
        assert_eq!(reply(Phase::Rcpt, 503, "5.5.1 order"), Verdict::Deferred(Scope::Setup));
        assert_eq!(reply(Phase::Data, 250, "ok"), Verdict::Deferred(Scope::Route));
    }
}
