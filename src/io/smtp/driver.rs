//! Takes work, arms it, sends it, records what came of it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::connection::Connection;
use super::deadlines::Deadlines;
use super::login::Login;
use crate::delivery::dialogue::{Failure, Letter, queue_id};
use crate::delivery::{BackOff, Judgement, Mishap, Phase, Scope, Verdict, judge};
use crate::input::relay::Relay;
use crate::io::clock;
use crate::io::store::{Recorder, StoreError};
use crate::journal::{Armed, Attempt, Outcome, Standing};
use crate::mail::{AddrSpec, Reply};

/// Where and how to deliver.
#[derive(Clone)]
pub struct Route {
    /// The relay.
    pub relay: Relay,
    /// Which certificates are believed.
    pub tls: Arc<ClientConfig>,
    /// The login, where it wants one.
    pub login: Option<Login>,
    /// How long it may take.
    pub deadlines: Deadlines,
    /// When to try again.
    pub backoff: BackOff,
}

/// One message in hand: claimed, built and checked.
#[derive(Clone, Debug)]
pub struct Work {
    /// Reverse-path.
    pub from: AddrSpec,
    /// Forward-path.
    pub to: AddrSpec,
    /// The message, CRLF throughout.
    pub octets: Vec<u8>,
    /// What is written before its dot leaves.
    pub armed: Armed,
    /// Attempts that counted so far.
    pub attempts: u32,
    /// From 0 to below 1, the same for the same message and attempt: moves its next wait.
    pub fraction: f64,
    /// When it was taken in hand.
    pub started: jiff::Timestamp,
}

impl Work {
    fn letter(&self) -> Letter<'_> {
        Letter { from: &self.from, to: &self.to, octets: &self.octets, message_id: &self.armed.message_id }
    }
}

/// Where work comes from, and who hears what became of it.
pub trait Source: Send + Sync {
    /// Waits until the next message may leave; `None` ends the connection. It is never cancelled: where the wait grows
    /// long the connection is closed and another one opened for what comes.
    fn next(&self) -> impl Future<Output = Option<Work>> + Send;
    /// The next message if it may leave at this moment.
    fn ready(&self) -> impl Future<Output = Option<Work>> + Send;
    /// Waits, at most for moments, until the message that is ready may leave.
    fn depart(&self) -> impl Future<Output = ()> + Send;
    /// Hears every verdict.
    fn report(&self, report: Report<'_>);
}

/// What became of one message.
#[derive(Clone, Copy, Debug)]
pub struct Report<'r> {
    /// The dispatch.
    pub dispatch: i64,
    /// To whom.
    pub to: &'r AddrSpec,
    /// What it means.
    pub verdict: Verdict,
    /// The same with what follows for the relay and the provider.
    pub judgement: Judgement,
    /// The state that it has now.
    pub standing: Standing,
    /// Where it ended.
    pub phase: Phase,
    /// The relay's words, or ours.
    pub text: &'r str,
    /// Without angle brackets.
    pub message_id: &'r str,
    /// Which attempt it was of those that count, from 1.
    pub number: u32,
    /// What the journal is told of it.
    pub attempt: &'r Attempt,
}

/// How a connection ended.
#[derive(Debug)]
pub enum Ending {
    /// There was no more work.
    Idle,
    /// The connection is gone; its message has its outcome, and another connection may be tried.
    Lost,
    /// The journal could not be written: nothing more may be armed.
    Store(StoreError),
}

/// Opens a connection when there is work and drives it until there is none; opens another one where the first ended
/// without fault: after as many messages as it may carry, for want of work, or closed by the server between messages.
pub async fn drive(route: &Route, source: &impl Source, recorder: &Recorder) -> Ending {
    let Some(first) = source.next().await else { return Ending::Idle };
    let mut driver = Driver { route, source, recorder, pending: None, tls: String::new() };
    driver.run(first).await.unwrap_or_else(Ending::Store)
}

struct Driver<'d, S> {
    route: &'d Route,
    source: &'d S,
    recorder: &'d Recorder,
    /// The outcome of the last message; it shares a commit with the arming of the next one.
    pending: Option<Outcome>,
    /// How the connection is protected.
    tls: String,
}

/// How one connection ended.
enum After {
    /// There is no more work.
    Idle,
    /// The message in hand has its outcome, and no other connection should be tried at once.
    Lost,
    /// This one has not been armed and wants another connection.
    Again(Box<Work>),
}

impl<S: Source> Driver<'_, S> {
    async fn run(&mut self, first: Work) -> Result<Ending, StoreError> {
        let mut work = first;
        loop {
            self.tls.clear();
            let connection = match Connection::open(self.route).await {
                Ok(connection) => connection,
                Err(failure) => {
                    self.conclude(&work, Err(failure));
                    self.flush().await?;
                    return Ok(Ending::Lost);
                }
            };
            self.tls.push_str(connection.tls());
            match self.converse(connection, work).await? {
                After::Idle => return Ok(Ending::Idle),
                After::Lost => return Ok(Ending::Lost),
                After::Again(next) => work = *next,
            }
        }
    }

    /// Sends over one connection: each message with the announcement of the next one behind it, as long as there is work at
    /// once and the server takes groups of commands.
    async fn converse(&mut self, mut connection: Connection, first: Work) -> Result<After, StoreError> {
        let mut hand = Some(first);
        let mut is_announced = false;
        // A connection that does nothing for anybody is not made again at once.
        let mut has_concluded = false;
        loop {
            let Some(work) = hand.take() else {
                self.flush().await?;
                match self.await_work(connection).await {
                    (Some(work), Some(same)) => {
                        hand = Some(work);
                        connection = same;
                        continue;
                    }
                    (Some(work), None) => return Ok(After::Again(Box::new(work))),
                    (None, _) => return Ok(After::Idle),
                }
            };
            let answer = if std::mem::take(&mut is_announced) {
                connection.announced().await
            } else {
                match connection.check(&work.letter()) {
                    Ok(()) => connection.announce(&work.letter()).await,
                    // Nothing was said to the server about it.
                    Err(failure) => Err(failure),
                }
            };
            match answer {
                Ok(()) => {}
                // One that asks for something, such as fewer messages, is heard even so.
                Err(failure)
                    if !connection.is_open()
                        && has_concluded
                        && failure.is_between_messages()
                        && judge(failure.phase, &failure.mishap).hold.is_none() =>
                {
                    self.flush().await?;
                    return Ok(After::Again(Box::new(work)));
                }
                Err(failure) => {
                    self.flush().await?;
                    self.conclude(&work, Err(failure));
                    self.flush().await?;
                    if !connection.is_open() {
                        return Ok(After::Lost);
                    }
                    has_concluded = true;
                    continue;
                }
            }
            // On disk before the dot: the last outcome and this arming in one commit.
            let recorded = self.recorder.record(self.pending.take().into_iter().collect(), vec![work.armed.clone()]);
            // The next one is made while the disk is at work.
            let (recorded, next) = tokio::join!(recorded, self.next_behind(&connection));
            recorded?;
            self.source.depart().await;
            let answer = connection.send(&work.octets, next.as_ref().map(Work::letter).as_ref()).await;
            self.conclude(&work, answer);
            has_concluded = true;
            is_announced = next.is_some();
            hand = next;
            if !connection.is_open() {
                // Nothing follows that could carry the last outcome to disk.
                self.flush().await?;
                return Ok(hand.map_or(After::Lost, |next| After::Again(Box::new(next))));
            }
        }
    }

    /// Waits for work; gives the connection back unless it has been ended, because the wait grew long, it has carried what
    /// it may, or there is no more work.
    async fn await_work(&self, connection: Connection) -> (Option<Work>, Option<Connection>) {
        let mut next = pin!(self.source.next());
        let within = if connection.takes_more() { self.route.deadlines.idle } else { Duration::ZERO };
        match tokio::time::timeout(within, next.as_mut()).await {
            Ok(Some(work)) if connection.takes_more() => (Some(work), Some(connection)),
            Ok(work) => {
                connection.quit().await;
                (work, None)
            }
            // Asked on while we say goodbye: it may have its turn at what others wait for.
            Err(_) => (tokio::join!(next, connection.quit()).0, None),
        }
    }

    async fn next_behind(&mut self, connection: &Connection) -> Option<Work> {
        if !connection.takes_more_behind() {
            return None;
        }
        loop {
            let work = self.source.ready().await?;
            match connection.check(&work.letter()) {
                Ok(()) => return Some(work),
                // Refused by ourselves: recorded with what comes next.
                Err(failure) => {
                    self.conclude(&work, Err(failure));
                    if self.flush().await.is_err() {
                        // The next arming finds the same fault and ends the connection.
                        return None;
                    }
                }
            }
        }
    }

    /// Turns what happened into an outcome and tells the source; the outcome waits for the next commit.
    fn conclude(&mut self, work: &Work, ended: Result<Reply, Failure>) {
        let now = clock::now();
        let queue_id = ended.as_ref().map(queue_id).unwrap_or_default();
        let (judgement, phase, reply, text) = match ended {
            Ok(reply) => (Judgement::ACCEPTED, Phase::Dot, Some(reply.clone()), reply.to_string()),
            Err(Failure { phase, mishap }) => {
                let text = mishap.to_string();
                let judgement = judge(phase, &mishap);
                let reply = if let Mishap::Reply(reply) = mishap { Some(reply) } else { None };
                (judgement, phase, reply, text)
            }
        };
        let verdict = judgement.verdict;
        // A fault of the way, of the provider's policy or of our set-up is none of the recipient's: it does not shorten
        // their patience.
        let counts = !matches!(verdict, Verdict::Deferred(Scope::Route | Scope::Provider | Scope::Setup));
        let attempts = work.attempts + u32::from(counts);
        let due = self.route.backoff.due(attempts.max(1), now, work.fraction, judgement.at_least);
        let standing = match verdict {
            Verdict::Accepted => Standing::Sent,
            Verdict::Refused(_) => Standing::Failed,
            Verdict::InDoubt => Standing::InDoubt,
            Verdict::Deferred(_) if due.is_some() => Standing::Deferred,
            // Its time is over.
            Verdict::Deferred(_) => Standing::Failed,
        };
        let attempt = Attempt {
            phase: phase.as_str().to_owned(),
            relay: self.route.relay.name.clone(),
            code: reply.as_ref().map_or(0, Reply::code),
            enhanced: reply.and_then(|r| r.enhanced()).map(|e| e.to_string()).unwrap_or_default(),
            text,
            scope: verdict.scope().map_or("", Scope::as_str).to_owned(),
            tls: self.tls.clone(),
            queue_id,
            run: None,
            started: work.started,
            ended: now,
        };
        self.source.report(Report {
            dispatch: work.armed.dispatch,
            to: &work.to,
            verdict,
            judgement,
            standing,
            phase,
            text: &attempt.text,
            message_id: &work.armed.message_id,
            number: attempts.max(1),
            attempt: &attempt,
        });
        let due = if standing == Standing::Deferred { due } else { None };
        debug_assert!(self.pending.is_none(), "an outcome is recorded before the next one comes");
        let (dispatch, dead_address) = (work.armed.dispatch, judgement.dead_address);
        self.pending = Some(Outcome { dispatch, standing, counts, due, dead_address, attempt });
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        match self.pending.take() {
            Some(outcome) => self.recorder.record(vec![outcome], Vec::new()).await,
            None => Ok(()),
        }
    }
}
