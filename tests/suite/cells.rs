//! What must come of each fault: the cells of the matrix that `faults` runs, as data.

use crate::faulty::Action::{
    AnswerAndCut, Close, Cut, Early, FloodLine, FloodReply, Kept, Latin1, Reset, Say, Silence, Slow, Split, Trickle,
    Twice,
};
use crate::faulty::{Action, Script, Stage, Tls};

/// What must have become of the message that the fault hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Sent,
    /// It may be sent again, and the attempt does not count: the fault was not the recipient's.
    Waits,
    /// As `Waits`, or sent already by another connection of the same run.
    Spared,
    /// It may be sent again, and the attempt counts.
    Deferred,
    Failed,
    InDoubt,
    /// The octets may have left or not: in doubt or spared.
    Either,
}

/// What must have become of the other three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Sent,
    /// The next one, which was announced on the connection that ended, waits at no cost; the others are sent.
    Behind,
    /// The run ended with the fault: nobody after it was sent to.
    Open,
    /// Sent or open: whether a fault of the relay ends a run is the engine's choice.
    Any,
}

type Cell = (Action, Class, Rest, &'static [i32]);

use Class::{Deferred, Either, Failed, InDoubt, Sent, Spared, Waits};
use Rest::{Any, Open};

const FINE: &[i32] = &[0];
const PARTLY: &[i32] = &[1];
const LATER: &[i32] = &[75];
const SOON: &[i32] = &[0, 75];
const UNREACHABLE: &[i32] = &[69];

/// Where the right answer is odd in form, it is still the right answer.
const ODD_BUT_RIGHT: [Cell; 3] =
    [(Slow, Sent, Rest::Sent, FINE), (Split, Sent, Rest::Sent, FINE), (Latin1, Sent, Rest::Sent, FINE)];

/// No answer, or none that can be understood, before the dot: nothing was accepted, nobody is to blame but the way.
const UNCLEAR: [Cell; 8] = [
    (Say("hello there"), Spared, Rest::Sent, SOON),
    (Say(""), Spared, Rest::Sent, SOON),
    (Silence, Spared, Rest::Sent, SOON),
    (Trickle, Spared, Rest::Sent, SOON),
    (Cut, Spared, Rest::Sent, SOON),
    (Reset, Spared, Rest::Sent, SOON),
    (FloodLine, Spared, Rest::Sent, SOON),
    (FloodReply, Spared, Rest::Sent, SOON),
];

const GREETING: &[Cell] = &[
    (Close("421 4.3.2 down"), Spared, Rest::Sent, SOON),
    (Close("450 4.3.2 busy"), Spared, Any, SOON),
    (Close("554 5.7.1 no service for you"), Waits, Open, UNREACHABLE),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const EHLO: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("451 4.3.0 later"), Spared, Any, SOON),
    (Say("554 5.7.1 go away"), Waits, Open, UNREACHABLE),
    // RFC 5321 section 3.2: a server that knows no EHLO is spoken to with HELO.
    (Say("500 5.5.1 what"), Spared, Rest::Sent, SOON),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    // RUSTSEC-2026-0562: another client panicked at a blank line here.
    (Say("250-faulty.test\r\n250-\r\n250 "), Sent, Rest::Sent, FINE),
    (Twice, Spared, Rest::Sent, SOON),
];

/// Somebody on the way took STARTTLS out of the answer.
const STRIPPED: &[Cell] = &[
    (Say("250-faulty.test\r\n250-PIPELINING\r\n250 AUTH PLAIN"), Waits, Open, UNREACHABLE),
    (Say("250 faulty.test"), Waits, Open, UNREACHABLE),
];

const START_TLS: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("454 4.7.0 TLS is not available"), Waits, Any, &[69, 75]),
    (Say("501 5.5.4 syntax"), Waits, Open, UNREACHABLE),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    (Early, Spared, Any, &[0, 69, 75]),
];

/// Faults of the handshake, below SMTP.
const HANDSHAKE: &[Cell] = &[
    (Say("554 this is no TLS"), Spared, Any, &[0, 69, 75]),
    (Silence, Spared, Rest::Sent, SOON),
    (Cut, Spared, Rest::Sent, SOON),
    (Reset, Spared, Rest::Sent, SOON),
    (FloodLine, Spared, Any, &[0, 69, 75]),
];

const AUTH: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("535 5.7.8 bad credentials"), Waits, Open, UNREACHABLE),
    (Say("534 5.7.9 another mechanism"), Waits, Open, UNREACHABLE),
    (Say("454 4.7.0 cannot authenticate now"), Waits, Open, UNREACHABLE),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const MAIL: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("450 4.3.2 busy"), Waits, Any, LATER),
    (Say("452 4.3.1 no room"), Waits, Any, LATER),
    (Say("550 5.7.1 sender is not welcome"), Waits, Any, &[1, 75]),
    (Say("500 5.5.1 what"), Waits, Open, PARTLY),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    (Say("220 hello"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const RCPT: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("450 4.2.0 greylisted"), Deferred, Rest::Sent, LATER),
    (Say("451 4.7.1 greylisted"), Deferred, Rest::Sent, LATER),
    (Say("552 5.2.2 mailbox full"), Deferred, Rest::Sent, LATER),
    (Say("550 5.1.1 no such user"), Failed, Rest::Sent, PARTLY),
    (Say("553 5.1.3 no such address"), Failed, Rest::Sent, PARTLY),
    (Say("503 5.5.1 out of order"), Waits, Open, PARTLY),
    (Say("354 go"), Spared, Rest::Sent, SOON),
    (Twice, Spared, Rest::Sent, SOON),
];

const DATA: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Say("451 4.3.0 later"), Waits, Any, LATER),
    (Say("550 5.1.1 no such user"), Failed, Rest::Sent, PARTLY),
    (Say("554 5.6.0 not this"), Failed, Rest::Sent, PARTLY),
    (Say("503 5.5.1 out of order"), Waits, Open, PARTLY),
    (Say("250 ok"), Spared, Rest::Sent, SOON),
    // The second answer came before the message: nothing was sent.
    (Twice, Spared, Rest::Sent, SOON),
];

/// The dot may have left when the receiver errs in the middle of the message: what is said is a refusal, the rest a doubt.
const BODY: &[Cell] = &[
    (Close("421 4.3.2 closing"), Spared, Rest::Sent, SOON),
    (Close("451 4.3.0 later"), Waits, Any, LATER),
    (Close("552 5.3.4 too big"), Failed, Rest::Behind, PARTLY),
    (Close("hello"), InDoubt, Rest::Sent, PARTLY),
    (Silence, InDoubt, Rest::Sent, PARTLY),
    (Cut, InDoubt, Rest::Sent, PARTLY),
    (Reset, Either, Rest::Sent, &[0, 1, 75]),
];

const DOT: &[Cell] = &[
    (Close("421 4.3.2 closing"), Waits, Rest::Sent, LATER),
    (Say("451 4.3.0 later"), Waits, Any, LATER),
    (Say("452 4.2.2 mailbox full"), Deferred, Rest::Sent, LATER),
    (Say("550 5.1.1 no such user"), Failed, Rest::Sent, PARTLY),
    (Say("554 5.6.0 not this"), Failed, Rest::Sent, PARTLY),
    (Say("354 go"), InDoubt, Rest::Sent, PARTLY),
    (Say("hello there"), InDoubt, Rest::Sent, PARTLY),
    (Say(""), InDoubt, Rest::Sent, PARTLY),
    (Silence, InDoubt, Rest::Sent, PARTLY),
    (Trickle, InDoubt, Rest::Sent, PARTLY),
    (Cut, InDoubt, Rest::Sent, PARTLY),
    (Reset, InDoubt, Rest::Sent, PARTLY),
    (FloodLine, InDoubt, Rest::Sent, PARTLY),
    (FloodReply, InDoubt, Rest::Sent, PARTLY),
    (Kept(&Silence), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Cut), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Reset), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Say("hello there")), InDoubt, Rest::Sent, PARTLY),
    (Kept(&Say("354 go")), InDoubt, Rest::Sent, PARTLY),
    // The answer is read whole before the end is noticed.
    (AnswerAndCut, Sent, Any, SOON),
    // Out of step from here on: the next message must not take the second 250 for its own.
    (Twice, Sent, Any, SOON),
];

const BETWEEN: &[Cell] = &[
    (Close("421 4.4.2 idle"), Sent, Any, SOON),
    (Cut, Sent, Any, SOON),
    (Silence, Sent, Any, SOON),
    (Say("250 2.0.0 once more"), Sent, Any, SOON),
];

const QUIT: &[Cell] = &[
    (Close("421 4.3.2 closing"), Sent, Rest::Sent, FINE),
    (Say("500 5.5.1 what"), Sent, Rest::Sent, FINE),
    (Say("hello there"), Sent, Rest::Sent, FINE),
    (Silence, Sent, Rest::Sent, FINE),
    (Cut, Sent, Rest::Sent, FINE),
    (Reset, Sent, Rest::Sent, FINE),
    (FloodLine, Sent, Rest::Sent, FINE),
];

/// A cell with everything that a run of it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) script: Script,
    pub(crate) class: Class,
    pub(crate) rest: Rest,
    /// The codes with which the run may end.
    pub(crate) exits: &'static [i32],
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |stage: Stage, tls: Tls, groupings: &[bool], lists: &[&[Cell]]| {
        for &pipelining in groupings {
            for &(action, class, rest, exits) in lists.iter().copied().flatten() {
                let nth = if stage.is_of_connection() { 1 } else { 2 };
                let grouped = pipelining && matches!(stage, Stage::Data | Stage::Body | Stage::Dot);
                let rest = if grouped && rest == Rest::Sent { Rest::Behind } else { rest };
                let script = Script { stage, action, nth, pipelining, tls };
                cases.push(Case { script, class, rest, exits });
            }
        }
    };
    let both = [false, true];
    add(Stage::Greeting, Tls::None, &[true], &[GREETING, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Ehlo, Tls::None, &[true], &[EHLO, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Ehlo, Tls::Start, &[true], &[STRIPPED]);
    add(Stage::StartTls, Tls::Start, &[true], &[START_TLS, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Tls, Tls::Implicit, &[true], &[HANDSHAKE]);
    add(Stage::Tls, Tls::Start, &[true], &[HANDSHAKE]);
    add(Stage::Auth, Tls::None, &[true], &[AUTH, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Mail, Tls::None, &both, &[MAIL, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Rcpt, Tls::None, &both, &[RCPT, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Data, Tls::None, &both, &[DATA, &UNCLEAR, &ODD_BUT_RIGHT]);
    add(Stage::Body, Tls::None, &both, &[BODY]);
    add(Stage::Dot, Tls::None, &both, &[DOT, &ODD_BUT_RIGHT]);
    // Under TLS the end of a connection looks otherwise.
    add(Stage::Dot, Tls::Implicit, &[true], &[&DOT[8..12], &DOT[14..17]]);
    add(Stage::Between, Tls::None, &both, &[BETWEEN]);
    add(Stage::Quit, Tls::None, &[true], &[QUIT]);
    cases
}
