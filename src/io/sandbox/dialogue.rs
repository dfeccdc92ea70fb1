//! One SMTP conversation without its socket: octets in, replies out.
//!
//! What: [`Dialogue`] keeps the order of commands, answers each of them and says when a whole message is there to be
//! filed. Commands that came together are answered together, in their order.
//! Standards: RFC 5321; RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 3461 (DSN),
//! RFC 2034 and RFC 3463 (ENHANCEDSTATUSCODES).
//! Not here: sockets and deadlines (`session`), the message's octets (`body`). No TLS and no AUTH: the sandbox is on
//! loopback only. A bare `<postmaster>` is not taken: none of ours is ever sent to one.
//! Called by: `session`.
//! Can fail: nothing; whatever the client does is answered, or ends the dialogue.
//! Stricter than servers on the Internet, so that faults of the sender show here: lines end in CRLF and nothing else.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::str;
use std::sync::Arc;

use smtp_proto::request::receiver::MAX_LINE_LENGTH;
use smtp_proto::{
    Error, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_RET_FULL, MAIL_RET_HDRS, MAIL_SMTPUTF8, MailFrom,
    RCPT_NOTIFY_DELAY, RCPT_NOTIFY_FAILURE, RCPT_NOTIFY_NEVER, RCPT_NOTIFY_SUCCESS, RcptTo, Request,
};

use super::Received;
use super::body::{Body, Fault, SIZE_LIMIT_OCTETS};
use super::rehearsal::{Greylist, Rehearsal};

/// Recipients of one message: ten times what RFC 5321 section 4.5.3.1.8 asks for, 256 KB at most.
const RECIPIENTS_LIMIT: usize = 1_000;

/// The parameters that were offered in the answer to EHLO; others are refused (RFC 5321 section 4.1.1.11).
const MAIL_OFFERED: u64 = MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_RET_FULL | MAIL_RET_HDRS | MAIL_SMTPUTF8;
const RCPT_OFFERED: u64 = RCPT_NOTIFY_SUCCESS | RCPT_NOTIFY_FAILURE | RCPT_NOTIFY_DELAY | RCPT_NOTIFY_NEVER;

/// What the session has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send the replies and read on.
    Read,
    /// File [`Dialogue::message`], then call [`Dialogue::filed`].
    File(Ending),
    /// Send the replies and hang up.
    Close,
}

/// How the final dot is answered once the message is filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// At once.
    Reply,
    /// Late, by rehearsal.
    LateReply,
    /// Not at all, by rehearsal.
    Silence,
}

/// How far the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before EHLO or HELO.
    Greeted,
    /// Between messages.
    Idle,
    /// After MAIL.
    Envelope,
    /// After DATA.
    Body,
}

/// The state of one conversation.
#[derive(Debug)]
pub(super) struct Dialogue {
    stage: Stage,
    envelope: Received,
    /// What the recipients so far ask for after the dot.
    rehearsals: Vec<Rehearsal>,
    /// Whether a RCPT of this message was refused: then DATA without recipients is no fault of the client's order.
    refused: bool,
    body: Body,
    /// The beginning of a command whose end has not come yet.
    begun: Vec<u8>,
    /// Whether the command in `begun` is already too long and only its end is looked for.
    is_overlong: bool,
    is_closing: bool,
    replies: Vec<u8>,
    greylist: Arc<Greylist>,
}

impl Dialogue {
    /// Begins with the greeting in the replies.
    pub(super) fn new(greylist: Arc<Greylist>) -> Self {
        let mut dialogue = Self {
            stage: Stage::Greeted,
            envelope: Received::default(),
            rehearsals: Vec::new(),
            refused: false,
            body: Body::new(SIZE_LIMIT_OCTETS),
            begun: Vec::new(),
            is_overlong: false,
            is_closing: false,
            replies: Vec::new(),
            greylist,
        };
        dialogue.say("220 localhost ESMTP convoke sandbox, nothing leaves this machine");
        dialogue
    }

    /// Takes octets off the front of `input` until it is empty or the session has something to do.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Step {
        while !input.is_empty() {
            let step = if self.stage == Stage::Body { self.take_body(input) } else { self.take_command(input) };
            if step != Step::Read {
                return step;
            }
        }
        Step::Read
    }

    /// What is owed to the client, in order; the session clears it when it is sent.
    pub(super) fn replies(&mut self) -> &mut Vec<u8> {
        &mut self.replies
    }

    /// The message that [`Step::File`] is about.
    pub(super) fn message(&self) -> (&Received, &[u8]) {
        (&self.envelope, self.body.octets())
    }

    /// Answers the final dot. The cause of a failure is told as well: it then stands in the sender's journal.
    pub(super) fn filed(&mut self, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => self.say("250 2.0.0 filed in the sandbox"),
            Err(error) => {
                let cause = error.to_string().replace(|c: char| !matches!(c, ' '..='~'), " ");
                self.say(&format!("451 4.3.0 the sandbox could not file it: {cause:.200}"));
            }
        }
        self.reset();
    }

    /// The program is ending: no further message is begun.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
    }

    /// Whether no message is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Greeted | Stage::Idle) && self.begun.is_empty()
    }

    fn take_body(&mut self, input: &mut &[u8]) -> Step {
        if !self.body.take(input) {
            return Step::Read;
        }
        let asks = |rehearsal| self.rehearsals.contains(&rehearsal);
        match self.body.fault() {
            None if asks(Rehearsal::Content) => self.say("554 5.6.0 content refused (rehearsal)"),
            None if asks(Rehearsal::Drop) => return Step::File(Ending::Silence),
            None if asks(Rehearsal::Slow) => return Step::File(Ending::LateReply),
            None => return Step::File(Ending::Reply),
            Some(Fault::BareLineEnd) => self.say("554 5.6.0 a CR or LF stands alone; lines end in CRLF"),
            Some(Fault::TooLarge) => self.say("552 5.3.4 larger than 26214400 octets"),
        }
        self.reset();
        Step::Read
    }

    /// One command, or the beginning of one.
    fn take_command(&mut self, input: &mut &[u8]) -> Step {
        let mut rest = *input;
        // Reading from a slice cannot fail.
        let length = rest.skip_until(b'\n').unwrap_or(input.len());
        let piece = &input[..length];
        *input = rest;
        let is_whole = piece.ends_with(b"\n");
        self.is_overlong |= self.begun.len() + piece.len() > MAX_LINE_LENGTH;
        if self.is_overlong {
            self.begun.clear();
            if is_whole {
                self.is_overlong = false;
                self.say("500 5.5.2 a command has at most 4096 octets");
            }
            Step::Read
        } else if !is_whole {
            self.begun.extend_from_slice(piece);
            Step::Read
        } else if self.begun.is_empty() {
            self.answer_line(piece)
        } else {
            let mut line = std::mem::take(&mut self.begun);
            line.extend_from_slice(piece);
            self.answer_line(&line)
        }
    }

    fn answer_line(&mut self, line: &[u8]) -> Step {
        let is_clean =
            line.strip_suffix(b"\r\n").is_some_and(|text| !text.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)));
        if !is_clean {
            // smtp-proto passes over a CR anywhere and ends a line at a bare LF.
            self.say("500 5.5.2 a command ends in CRLF and holds no CR, LF or NUL");
        } else if str::from_utf8(line).is_err() {
            self.say("500 5.5.2 a command is UTF-8");
        } else {
            match Request::parse(&mut line.iter()) {
                Ok(request) => return self.answer(request),
                Err(error) => self.answer_error(&error),
            }
        }
        Step::Read
    }

    fn answer(&mut self, request: Request<Cow<'_, str>>) -> Step {
        match request {
            Request::Ehlo { .. } => {
                self.greet();
                for line in ["localhost", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"] {
                    self.say_word(b"250-", line);
                }
                self.say(&format!("250 SIZE {SIZE_LIMIT_OCTETS}"));
            }
            Request::Helo { .. } => {
                self.greet();
                self.say("250 localhost");
            }
            Request::Mail { from } => return self.answer_mail(from),
            Request::Rcpt { to } => self.answer_rcpt(&to),
            Request::Data => self.answer_data(),
            Request::Rset => {
                self.reset();
                self.say("250 2.0.0 forgotten");
            }
            Request::Noop { .. } => self.say("250 2.0.0 here"),
            Request::Vrfy { .. } => self.say("252 2.0.0 not verified; the sandbox takes every address"),
            Request::Help { .. } => self.say("214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT"),
            Request::Quit => {
                self.say("221 2.0.0 goodbye");
                return Step::Close;
            }
            Request::Lhlo { .. }
            | Request::Bdat { .. }
            | Request::Auth { .. }
            | Request::Expn { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. }
            | Request::StartTls => self.say("502 5.5.1 not offered here"),
        }
        Step::Read
    }

    fn answer_mail(&mut self, from: MailFrom<Cow<'_, str>>) -> Step {
        let is_foreign = from.flags & !MAIL_OFFERED != 0
            || from.auth.is_some()
            || from.by != 0
            || from.hold_for != 0
            || from.hold_until != 0
            || from.mt_priority != 0
            || from.mtrk.is_some()
            || from.solicit.is_some()
            || from.trans_id.is_some();
        let is_utf8 = from.flags & MAIL_SMTPUTF8 != 0;
        match self.stage {
            Stage::Greeted => self.say("503 5.5.1 EHLO comes first"),
            Stage::Envelope | Stage::Body => self.say("503 5.5.1 a message is already begun"),
            Stage::Idle if self.is_closing => {
                self.say("421 4.3.2 the sandbox is closing");
                return Step::Close;
            }
            Stage::Idle if is_foreign => self.say("555 5.5.4 a parameter of MAIL was not offered"),
            Stage::Idle if from.size > SIZE_LIMIT_OCTETS => self.say("552 5.3.4 larger than 26214400 octets"),
            Stage::Idle if !is_utf8 && !from.address.is_ascii() => self.say(NEEDS_SMTPUTF8),
            Stage::Idle => {
                self.envelope = Received {
                    reverse_path: from.address.into_owned(),
                    recipients: Vec::new(),
                    envelope_id: from.env_id.map(Cow::into_owned),
                    is_utf8,
                };
                self.stage = Stage::Envelope;
                self.say("250 2.1.0 sender noted");
            }
        }
        Step::Read
    }

    fn answer_rcpt(&mut self, to: &RcptTo<Cow<'_, str>>) {
        let address = &*to.address;
        if self.stage != Stage::Envelope {
            return self.say("503 5.5.1 MAIL comes first");
        }
        if to.flags & !RCPT_OFFERED != 0 || to.rrvs != 0 {
            return self.say("555 5.5.4 a parameter of RCPT was not offered");
        }
        if self.envelope.recipients.len() == RECIPIENTS_LIMIT {
            return self.say("452 4.5.3 at most 1000 recipients a message");
        }
        let refusal = match Rehearsal::of(address) {
            _ if address.is_empty() => Some("550 5.1.3 no address between the brackets"),
            _ if !self.envelope.is_utf8 && !address.is_ascii() => Some(NEEDS_SMTPUTF8),
            Some(Rehearsal::Reject) => Some("550 5.1.1 no such mailbox (rehearsal)"),
            Some(Rehearsal::Full) => Some("452 4.2.2 mailbox full (rehearsal)"),
            Some(Rehearsal::Greylist) if self.greylist.is_first(address) => {
                Some("451 4.7.1 greylisted, try again later (rehearsal)")
            }
            Some(later @ (Rehearsal::Content | Rehearsal::Drop | Rehearsal::Slow)) => {
                self.rehearsals.push(later);
                None
            }
            Some(Rehearsal::Greylist) | None => None,
        };
        if let Some(line) = refusal {
            self.refused = true;
            return self.say(line);
        }
        self.envelope.recipients.push(address.to_owned());
        self.say("250 2.1.5 recipient noted");
    }

    fn answer_data(&mut self) {
        if self.stage != Stage::Envelope {
            self.say("503 5.5.1 MAIL comes first");
        } else if !self.envelope.recipients.is_empty() {
            self.stage = Stage::Body;
            self.say("354 go on, end with a dot on its own line");
        } else if self.refused {
            // RFC 2920 section 3.1: DATA may follow in the same write as a RCPT that was refused.
            self.say("554 5.5.1 no recipient was accepted");
        } else {
            self.say("503 5.5.1 RCPT comes first");
        }
    }

    fn answer_error(&mut self, error: &Error) {
        match error {
            Error::UnknownCommand => self.say("500 5.5.2 no such command"),
            Error::InvalidSenderAddress => self.say("553 5.1.7 the sender is no address"),
            Error::InvalidRecipientAddress => {
                self.refused = true;
                self.say("553 5.1.3 the recipient is no address");
            }
            Error::SyntaxError { syntax } => self.say(&format!("501 5.5.4 write it as {syntax}")),
            Error::InvalidParameter { param } => self.say(&format!("501 5.5.4 the value of {param} is not valid")),
            // The name is not repeated: it is whatever the client wrote.
            Error::UnsupportedParameter { .. } => self.say("555 5.5.4 a parameter was not offered"),
            Error::ResponseTooLong | Error::NeedsMoreData { .. } | Error::InvalidResponse { .. } => {
                self.say("501 5.5.2 the command is not complete");
            }
        }
    }

    fn greet(&mut self) {
        self.reset();
        self.stage = Stage::Idle;
    }

    /// Forgets the message (RFC 5321 section 4.1.1.5), not the greeting.
    fn reset(&mut self) {
        self.envelope = Received::default();
        self.rehearsals.clear();
        self.refused = false;
        self.body.clear();
        if self.stage != Stage::Greeted {
            self.stage = Stage::Idle;
        }
    }

    /// Adds a line to the replies.
    pub(super) fn say(&mut self, line: &str) {
        self.say_word(b"", line);
    }

    fn say_word(&mut self, before: &[u8], text: &str) {
        self.replies.extend_from_slice(before);
        self.replies.extend_from_slice(text.as_bytes());
        self.replies.extend_from_slice(b"\r\n");
    }
}

/// RFC 6531 section 3.5.
const NEEDS_SMTPUTF8: &str = "553 5.6.7 an address beyond ASCII needs SMTPUTF8 with MAIL";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Dialogue, Ending, Step};
    use crate::io::sandbox::rehearsal::Greylist;

    /// Says everything at once and gives back the replies without the greeting; messages count as filed.
    fn talk(said: &[u8]) -> String {
        let mut dialogue = Dialogue::new(Arc::new(Greylist::default()));
        dialogue.replies().clear();
        let mut input = said;
        while !input.is_empty() {
            match dialogue.take(&mut input) {
                Step::Read => {}
                Step::File(_) => dialogue.filed(Ok(())),
                Step::Close => break,
            }
        }
        String::from_utf8(dialogue.replies().clone()).unwrap()
    }

    /// The first words of the replies to `said` after EHLO.
    fn codes(said: &str) -> Vec<String> {
        let replies = talk(format!("EHLO client.example\r\n{said}").as_bytes());
        replies.lines().skip(7).map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn offers_what_it_can_do() {
        let replies = talk(b"EHLO client.example\r\n");
        assert_eq!(
            replies,
            "250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n\
             250 SIZE 26214400\r\n"
        );
        assert_eq!(talk(b"HELO client.example\r\n"), "250 localhost\r\n");
    }

    #[test]
    fn answers_each_verb() {
        assert_eq!(
            codes("NOOP\r\nnoop x\r\nRSET\r\nVRFY ana\r\nHELP\r\nQUIT\r\nNOOP\r\n"),
            ["250 2.0.0", "250 2.0.0", "250 2.0.0", "252 2.0.0", "214 2.0.0", "221 2.0.0"]
        );
        for verb in ["STARTTLS", "AUTH PLAIN AGEAYg==", "BDAT 3 LAST", "EXPN list", "LHLO x.example"] {
            assert_eq!(codes(&format!("{verb}\r\n")), ["502 5.5.1"], "{verb}");
        }
        for nonsense in ["", "HALLO", "GET / HTTP/1.1", "MAILFROM:<a@x.example>", "\u{e9}"] {
            assert_eq!(codes(&format!("{nonsense}\r\n")), ["500 5.5.2"], "{nonsense}");
        }
        assert_eq!(codes("EHLO\r\nHELO\r\nVRFY\r\n"), ["501 5.5.4", "501 5.5.4", "501 5.5.4"]);
    }

    #[test]
    fn keeps_the_order_of_commands() {
        assert_eq!(talk(b"MAIL FROM:<a@x.example>\r\n").get(..9), Some("503 5.5.1"));
        assert_eq!(codes("RCPT TO:<a@x.example>\r\nDATA\r\n"), ["503 5.5.1", "503 5.5.1"]);
        assert_eq!(codes("MAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\n"), ["250 2.1.0", "503 5.5.1", "503 5.5.1"]);
        assert_eq!(codes("MAIL FROM:<>\r\nRSET\r\nRCPT TO:<a@x.example>\r\n"), ["250 2.1.0", "250 2.0.0", "503 5.5.1"]);
    }

    #[test]
    fn refuses_what_is_no_address() {
        assert_eq!(codes("MAIL FROM:<a>\r\n"), ["553 5.1.7"]);
        assert_eq!(codes("MAIL FROM: a@x.example\r\n"), ["501 5.5.4"]);
        assert_eq!(
            codes("MAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT TO:<a b@x>\r\nDATA\r\n"),
            ["250 2.1.0", "550 5.1.3", "553 5.1.3", "554 5.5.1"]
        );
        assert_eq!(codes("MAIL FROM:<посол@x.example>\r\n"), ["553 5.6.7"]);
        assert_eq!(codes("MAIL FROM:<a@x.example>\r\nRCPT TO:<посол@x.example>\r\n"), ["250 2.1.0", "553 5.6.7"]);
        assert_eq!(
            codes("MAIL FROM:<a@x.example> SMTPUTF8\r\nRCPT TO:<посол@x.example>\r\n"),
            ["250 2.1.0", "250 2.1.5"]
        );
    }

    #[test]
    fn knows_the_parameters_it_offered() {
        for good in ["SIZE=26214400", "BODY=8BITMIME SMTPUTF8", "RET=HDRS ENVID=QQ314159", "BODY=7BIT"] {
            assert_eq!(codes(&format!("MAIL FROM:<a@x.example> {good}\r\n")), ["250 2.1.0"], "{good}");
        }
        for foreign in ["BODY=BINARYMIME", "REQUIRETLS", "AUTH=<>", "HOLDFOR=9", "BY=9;R", "MT-PRIORITY=3", "WORD=x"] {
            assert_eq!(codes(&format!("MAIL FROM:<a@x.example> {foreign}\r\n")), ["555 5.5.4"], "{foreign}");
        }
        assert_eq!(codes("MAIL FROM:<a@x.example> SIZE=26214401\r\n"), ["552 5.3.4"]);
        assert_eq!(codes("MAIL FROM:<a@x.example> SIZE=x\r\n"), ["501 5.5.4"]);
        let rcpt = "RCPT TO:<b@x.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@x.example\r\n";
        assert_eq!(
            codes(&format!("MAIL FROM:<>\r\n{rcpt}RCPT TO:<c@x.example> RRVS=2014-04-03T23:01:00Z\r\n")),
            ["250 2.1.0", "250 2.1.5", "555 5.5.4"]
        );
    }

    #[test]
    fn refuses_commands_that_servers_read_in_different_ways() {
        for line in ["NOOP\n", "NO\rOP\r\n", "NOOP\r\r\n", "NOOP \0\r\n"] {
            assert_eq!(codes(line), ["500 5.5.2"], "{line:?}");
        }
        assert_eq!(talk(b"NOOP \xff\r\n").get(..9), Some("500 5.5.2"));
    }

    #[test]
    fn bounds_commands_and_recipients() {
        assert_eq!(codes(&format!("NOOP {}\r\nNOOP\r\n", "a".repeat(4089))), ["250 2.0.0", "250 2.0.0"]);
        assert_eq!(codes(&format!("NOOP {}\r\nNOOP\r\n", "a".repeat(4090))), ["500 5.5.2", "250 2.0.0"]);
        assert_eq!(codes(&format!("NOOP {}\r\nNOOP\r\n", "a".repeat(99_999))), ["500 5.5.2", "250 2.0.0"]);
        let many = format!("MAIL FROM:<>\r\n{}", "RCPT TO:<a@x.example>\r\n".repeat(1_001));
        assert_eq!(codes(&many).last().map(String::as_str), Some("452 4.5.3"));
    }

    #[test]
    fn reads_commands_in_any_pieces() {
        let said = "EHLO c.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n..a\r\n.\r\nQUIT\r\n";
        let mut replies = Vec::new();
        for size in 1..said.len() {
            let mut dialogue = Dialogue::new(Arc::new(Greylist::default()));
            for mut piece in said.as_bytes().chunks(size) {
                while !piece.is_empty() {
                    if let Step::File(ending) = dialogue.take(&mut piece) {
                        assert_eq!((ending, dialogue.message().1), (Ending::Reply, &b".a\r\n"[..]));
                        assert_eq!(dialogue.message().0.recipients, ["b@x.example"]);
                        dialogue.filed(Ok(()));
                    }
                }
            }
            replies.push(dialogue.replies().clone());
        }
        assert!(replies.iter().all(|r| r == &replies[0]));
    }

    #[test]
    fn never_panics_on_octets_from_outside() {
        // A small generator in place of a crate: what counts is that the inputs vary and repeat.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let words: [&[u8]; 24] = [
            b"MAIL FROM:<",
            b"RCPT TO:<",
            b"a@x.example",
            b">",
            b" SIZE=",
            b"99999999999999999999999",
            b" BODY=",
            b"DATA",
            b"\r\n",
            b"\n",
            b"\r",
            b".",
            b"\r\n.\r\n",
            b"EHLO x\r\n",
            b" NOTIFY=",
            b" ENVID=+4",
            b"\"",
            b"\\",
            b"\0",
            b"\xff\xc3",
            b" HOLDUNTIL=2014-99-99T",
            b"@a,@b:",
            b" BY=-",
            b"+drop",
        ];
        for _ in 0..20_000 {
            let said: Vec<u8> = (0..next(12)).flat_map(|_| words[next(words.len())].to_vec()).collect();
            talk(&said);
        }
    }
}
