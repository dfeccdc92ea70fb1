//! The order of commands and answers.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use lettre::transport::smtp::commands::{Data, Quit, Rset, Starttls};

use super::login::{Credential, Exchange, Next};
use super::octets::{Letter, Stuffer};
use super::{Capabilities, Failure};
use crate::delivery::{Mishap, Phase};
use crate::mail::{Reply, ReplyReader};

/// What a dialogue is told before it begins.
#[derive(Clone)]
pub struct Briefing {
    /// The argument of EHLO: a domain, or an address literal.
    pub ehlo: String,
    /// Whether STARTTLS must come before everything else.
    pub starttls: bool,
    /// The login, where there is one.
    pub login: Option<Credential>,
    /// Whether reports are asked for (RFC 3461) where the server offers it.
    pub dsn: bool,
    /// Messages after which the connection is to end; none is announced beyond.
    pub messages: Option<u32>,
}

/// What the caller hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server awaits a TLS handshake; [`Dialogue::protected`] follows it.
    Protect,
    /// Greeted and logged in: the first message may be announced.
    Ready,
    /// The announced message may be sent.
    GoAhead,
    /// The message was taken.
    Accepted(Reply),
    /// The message announced or sent was refused; the next one may be announced.
    Refused(Failure),
}

/// What an answer is awaited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Reset,
    Mail,
    Rcpt,
    Data,
    Dot,
}

impl Awaited {
    fn phase(self) -> Phase {
        match self {
            Self::Greeting => Phase::Greeting,
            Self::Ehlo | Self::Helo => Phase::Ehlo,
            Self::StartTls => Phase::StartTls,
            Self::Auth => Phase::Auth,
            // Between messages, as MAIL is: a message behind it has not been spoken of.
            Self::Reset | Self::Mail => Phase::Mail,
            Self::Rcpt => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Dot => Phase::Dot,
        }
    }

    /// The answer that goes on without anybody reading its words.
    fn usual(self) -> Option<u16> {
        match self {
            Self::Reset | Self::Mail | Self::Rcpt => Some(250),
            Self::Data => Some(354),
            Self::Greeting | Self::Ehlo | Self::Helo | Self::StartTls | Self::Auth | Self::Dot => None,
        }
    }
}

const DONE: RangeInclusive<u16> = 250..=259;

/// One dialogue from the greeting to QUIT.
///
/// The caller writes [`output`](Self::output) when there is any, gives [`received`](Self::received) what it reads, and
/// asks for the next [`event`](Self::event) in between.
pub struct Dialogue {
    briefing: Briefing,
    replies: ReplyReader,
    offered: Capabilities,
    output: Vec<u8>,
    /// Where in the output the final dot's line ends; 0 while no message is in it.
    dot_ends: usize,
    awaited: VecDeque<Awaited>,
    /// Commands that wait for the answer to the one before, where the server takes no groups.
    held: VecDeque<(Awaited, Vec<u8>)>,
    exchange: Option<Exchange>,
    is_protected: bool,
    is_in_handshake: bool,
    /// The first refusal of the message being announced.
    refusal: Option<Failure>,
    must_reset: bool,
    announced: u32,
    /// Whether the server answers what has not been said.
    is_ahead: bool,
    is_over: bool,
    stuffer: Stuffer,
}

impl Dialogue {
    /// Awaits the greeting.
    pub fn new(briefing: Briefing) -> Self {
        Self {
            briefing,
            replies: ReplyReader::default(),
            offered: Capabilities::default(),
            output: Vec::new(),
            dot_ends: 0,
            awaited: VecDeque::from([Awaited::Greeting]),
            held: VecDeque::new(),
            exchange: None,
            is_protected: false,
            is_in_handshake: false,
            refusal: None,
            must_reset: false,
            announced: 0,
            is_ahead: false,
            is_over: false,
            stuffer: Stuffer::new(),
        }
    }

    /// What the server offers.
    pub fn offered(&self) -> &Capabilities {
        &self.offered
    }

    /// Octets to be written now, all of them together.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The output has been written.
    pub fn written(&mut self) {
        self.output.clear();
        self.dot_ends = 0;
    }

    /// Where we are: the deadline and the blame depend on it.
    pub fn phase(&self) -> Phase {
        match self.awaited.front() {
            Some(awaited) => awaited.phase(),
            None if self.is_in_handshake => Phase::Tls,
            None => Phase::Mail,
        }
    }

    /// Whether another message can be announced here at all.
    pub fn is_open(&self) -> bool {
        !self.is_over
    }

    /// Whether the briefing (`messages`) and the server's limits (RFC 9422 section 4.1) leave room for another message.
    pub fn takes_more(&self) -> bool {
        let most = |limit: Option<u32>| limit.unwrap_or(u32::MAX);
        !self.is_over && self.announced < most(self.briefing.messages).min(most(self.offered.mail_max))
    }

    /// Whether a message can be announced behind another: a group of commands (RFC 2920), and room for it.
    pub fn takes_more_behind(&self) -> bool {
        self.offered.pipelining && self.takes_more()
    }

    /// Takes what was read.
    pub fn received(&mut self, octets: &[u8]) {
        self.replies.push(octets);
    }

    /// What the octets so far amount to; `None` while more are needed (or output is to be written).
    ///
    /// # Errors
    /// The dialogue is over: nothing more is to be written, and the connection to be closed.
    pub fn event(&mut self) -> Result<Option<Event>, Failure> {
        if self.is_in_handshake && !self.replies.is_empty() {
            return Err(self.clear_text_after_starttls());
        }
        if self.is_ahead {
            let words = "an answer to a message that has not been sent".to_owned();
            return Err(self.over(Failure::new(Phase::Data, Mishap::Unreadable(words))));
        }
        while let Some(&awaited) = self.awaited.front() {
            // What is not asked yet cannot be answered.
            if !self.output.is_empty() {
                return Ok(None);
            }
            if self.refusal.is_none() && awaited.usual().is_some_and(|code| self.replies.pass(code)) {
                self.awaited.pop_front();
                match awaited {
                    Awaited::Data => return Ok(Some(Event::GoAhead)),
                    Awaited::Mail => self.must_reset = true,
                    _ => {}
                }
                self.go_on();
                continue;
            }
            let reply = match self.replies.next_reply() {
                Ok(Some(reply)) => reply,
                Ok(None) => return Ok(None),
                Err(fault) => return Err(self.lost(Mishap::Unreadable(fault.to_string()))),
            };
            if let Some(event) = self.answered(awaited, reply)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn answered(&mut self, awaited: Awaited, reply: Reply) -> Result<Option<Event>, Failure> {
        self.awaited.pop_front();
        let code = reply.code();
        match awaited {
            Awaited::Greeting if code == 220 => self.hello("EHLO", Awaited::Ehlo),
            Awaited::Ehlo if code == 250 => {
                self.offered = Capabilities::of(&reply);
                return self.introduced();
            }
            // Not known or not done here: RFC 5321 section 3.2 falls back to HELO, which offers nothing.
            Awaited::Ehlo if matches!(code, 500 | 502) => self.hello("HELO", Awaited::Helo),
            Awaited::Helo if code == 250 => {
                self.offered = Capabilities::default();
                return self.introduced();
            }
            Awaited::StartTls if code == 220 => {
                if !self.replies.is_empty() {
                    return Err(self.clear_text_after_starttls());
                }
                self.is_in_handshake = true;
                return Ok(Some(Event::Protect));
            }
            Awaited::Auth => return self.log_in(reply),
            Awaited::Reset if DONE.contains(&code) => self.go_on(),
            Awaited::Mail if DONE.contains(&code) => {
                self.must_reset = true;
                self.go_on();
            }
            Awaited::Rcpt if DONE.contains(&code) => self.go_on(),
            Awaited::Mail | Awaited::Rcpt => return self.refused(awaited.phase(), reply),
            Awaited::Data if code == 354 => {
                return match self.refusal.take() {
                    None => Ok(Some(Event::GoAhead)),
                    // It waits for a message now that nobody wants to send.
                    Some(refusal) => Err(self.over(refusal)),
                };
            }
            Awaited::Data => return self.refused(Phase::Data, reply),
            Awaited::Dot if reply.is_done() => return Ok(Some(Event::Accepted(reply))),
            Awaited::Dot => {
                let failure = Failure::new(Phase::Dot, Mishap::Reply(reply));
                return if failure.leaves_open() { Ok(Some(Event::Refused(failure))) } else { Err(self.over(failure)) };
            }
            Awaited::Greeting | Awaited::Ehlo | Awaited::Helo | Awaited::StartTls | Awaited::Reset => {
                return Err(self.over(Failure::new(awaited.phase(), Mishap::Reply(reply))));
            }
        }
        Ok(None)
    }

    /// The handshake is done: what was said in clear counts no more (RFC 3207 section 4.2).
    pub fn protected(&mut self) {
        self.is_in_handshake = false;
        self.is_protected = true;
        self.offered = Capabilities::default();
        self.hello("EHLO", Awaited::Ehlo);
    }

    /// Whether the server can take this message.
    ///
    /// # Errors
    /// It cannot: nothing is said to it about the message, and the next one may come.
    pub fn check(&self, letter: &Letter<'_>) -> Result<(), Failure> {
        let unable = |phase: Phase, words: String| Err(Failure::new(phase, Mishap::Unable(words)));
        if letter.needs_smtputf8() && !self.offered.smtputf8 {
            let words = "the relay takes no addresses with letters beyond ASCII before the @ (SMTPUTF8)";
            return unable(Phase::Rcpt, words.to_owned());
        }
        if !self.offered.eight_bit && !letter.octets.is_ascii() {
            return unable(Phase::Mail, "the relay takes no octets beyond ASCII (8BITMIME)".to_owned());
        }
        let octets = letter.octets.len();
        if let Some(limit) = self.offered.size.filter(|&limit| limit > 0 && octets as u64 > limit) {
            return unable(Phase::Mail, format!("the message has {octets} octets, the relay takes {limit}"));
        }
        Ok(())
    }

    /// Announces a message that [`check`](Self::check) let pass; answered by [`Event::GoAhead`] or [`Event::Refused`].
    pub fn announce(&mut self, letter: &Letter<'_>) {
        debug_assert!(self.awaited.is_empty() && self.output.is_empty(), "one thing at a time");
        self.announced += 1;
        let dsn = self.briefing.dsn && self.offered.dsn;
        if self.offered.pipelining {
            return self.announce_in_group(letter, dsn);
        }
        if std::mem::take(&mut self.must_reset) {
            self.held.push_back((Awaited::Reset, Rset.to_string().into_bytes()));
        }
        let (mut mail, mut rcpt) = (Vec::new(), Vec::new());
        letter.write_mail(&self.offered, dsn, &mut mail);
        letter.write_rcpt(dsn, &mut rcpt);
        self.held.push_back((Awaited::Mail, mail));
        self.held.push_back((Awaited::Rcpt, rcpt));
        self.held.push_back((Awaited::Data, Data.to_string().into_bytes()));
        self.go_on();
    }

    fn announce_in_group(&mut self, letter: &Letter<'_>, dsn: bool) {
        if std::mem::take(&mut self.must_reset) {
            self.output.extend_from_slice(b"RSET\r\n");
            self.awaited.push_back(Awaited::Reset);
        }
        letter.write_mail(&self.offered, dsn, &mut self.output);
        letter.write_rcpt(dsn, &mut self.output);
        self.output.extend_from_slice(b"DATA\r\n");
        self.awaited.extend([Awaited::Mail, Awaited::Rcpt, Awaited::Data]);
    }

    /// Sends the message that may go ahead, with its final dot; answered by [`Event::Accepted`] or [`Event::Refused`].
    ///
    /// `next`, which needs [`takes_more_behind`](Self::takes_more_behind), is announced in the same output, and answered
    /// behind it.
    pub fn send(&mut self, octets: &[u8], next: Option<&Letter<'_>>) {
        debug_assert!(self.awaited.is_empty() && self.output.is_empty(), "one thing at a time");
        if !self.replies.is_empty() {
            // It would be taken for the answer to the dot.
            self.is_ahead = true;
            return;
        }
        self.stuffer.write(octets, &mut self.output);
        self.dot_ends = self.output.len();
        // The final dot ends the transaction, whatever its answer.
        self.must_reset = false;
        self.awaited.push_back(Awaited::Dot);
        if let Some(next) = next {
            debug_assert!(self.takes_more_behind(), "asked before");
            self.announced += 1;
            self.announce_in_group(next, self.briefing.dsn && self.offered.dsn);
        }
    }

    /// Says QUIT; its answer changes nothing any more.
    pub fn quit(&mut self) {
        if !self.is_over && self.output.is_empty() {
            self.output.extend_from_slice(Quit.to_string().as_bytes());
        }
        self.is_over = true;
    }

    /// The connection ended or failed while answers were awaited: what that means for the message in hand. A refusal that
    /// came before remains one.
    pub fn lost(&mut self, mishap: Mishap) -> Failure {
        let phase = self.phase();
        let failure = match self.refusal.take() {
            Some(refusal) if matches!(phase, Phase::Rcpt | Phase::Data) => refusal,
            _ => Failure::new(phase, mishap),
        };
        self.over(failure)
    }

    /// The output could not be written beyond `written` octets. `is_exact` where no layer between may have passed on more
    /// than it told of (TLS may).
    pub fn unwritten(&mut self, written: usize, is_exact: bool, mishap: Mishap) -> Failure {
        // Near the end nothing is certain.
        if is_exact && written + 1 < self.dot_ends {
            return self.over(Failure::new(Phase::Body, mishap));
        }
        self.lost(mishap)
    }

    fn hello(&mut self, verb: &str, awaited: Awaited) {
        for piece in [verb, " ", &self.briefing.ehlo, "\r\n"] {
            self.output.extend_from_slice(piece.as_bytes());
        }
        self.awaited.push_back(awaited);
    }

    fn introduced(&mut self) -> Result<Option<Event>, Failure> {
        if self.briefing.starttls && !self.is_protected {
            if !self.offered.starttls {
                let words = "the relay offers no STARTTLS, and nothing is sent in clear; use smtps:// or another port";
                return Err(self.over(Failure::new(Phase::StartTls, Mishap::Unable(words.to_owned()))));
            }
            self.output.extend_from_slice(Starttls.to_string().as_bytes());
            self.awaited.push_back(Awaited::StartTls);
            return Ok(None);
        }
        let Some(credential) = &self.briefing.login else { return Ok(Some(Event::Ready)) };
        match Exchange::begin(credential, &self.offered) {
            Ok((exchange, first)) => {
                self.exchange = Some(exchange);
                self.output.extend_from_slice(&first);
                self.awaited.push_back(Awaited::Auth);
                Ok(None)
            }
            Err(words) => Err(self.over(Failure::new(Phase::Auth, Mishap::Unable(words)))),
        }
    }

    fn log_in(&mut self, reply: Reply) -> Result<Option<Event>, Failure> {
        let (Some(exchange), Some(credential)) = (&mut self.exchange, &self.briefing.login) else {
            return Err(self.over(Failure::new(Phase::Auth, Mishap::Reply(reply))));
        };
        match exchange.answer(credential, reply) {
            Next::Say(octets) => {
                self.output.extend_from_slice(&octets);
                self.awaited.push_back(Awaited::Auth);
                Ok(None)
            }
            Next::Done => {
                // Neither is needed again, and the secret should not outlive its use.
                self.exchange = None;
                self.briefing.login = None;
                Ok(Some(Event::Ready))
            }
            Next::Refused(reply) => Err(self.over(Failure::new(Phase::Auth, Mishap::Reply(reply)))),
        }
    }

    /// Notes a refusal of the announced message: of several the first counts. It is told when no answer is due any more.
    fn refused(&mut self, phase: Phase, reply: Reply) -> Result<Option<Event>, Failure> {
        let failure = Failure::new(phase, Mishap::Reply(reply));
        let ends = !failure.leaves_open();
        let first = self.refusal.take().unwrap_or(failure);
        if ends {
            return Err(self.over(first));
        }
        self.held.clear();
        if self.awaited.is_empty() {
            // Without MAIL there is nothing to forget (RFC 5321 section 4.1.1.5).
            return Ok(Some(Event::Refused(first)));
        }
        self.refusal = Some(first);
        Ok(None)
    }

    fn go_on(&mut self) {
        if self.awaited.is_empty()
            && let Some((awaited, octets)) = self.held.pop_front()
        {
            self.output.extend_from_slice(&octets);
            self.awaited.push_back(awaited);
        }
    }

    fn clear_text_after_starttls(&mut self) -> Failure {
        // Somebody on the way put words into the server's mouth.
        let words = "octets in clear after the answer to STARTTLS".to_owned();
        self.over(Failure::new(Phase::StartTls, Mishap::Unreadable(words)))
    }

    fn over(&mut self, failure: Failure) -> Failure {
        self.is_over = true;
        self.awaited.clear();
        self.held.clear();
        self.written();
        failure
    }
}
