//! The words for what happened in the dialogue and for what it means.

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
    /// In the order of the dialogue.
    pub const ALL: [Self; 11] = [
        Self::Connect,
        Self::Tls,
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::Dot,
    ];

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
    /// The recipient's provider, which does not want mail from this sender: all its recipients, and no others.
    Provider,
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
            Self::Provider => "provider",
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
