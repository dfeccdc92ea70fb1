//! Takes work, arms it, sends it, records what came of it.

use std::sync::Arc;

use rustls::ClientConfig;

use super::connection::{Connection, Envelope, Failure, Login};
use super::deadlines::Deadlines;
use crate::delivery::{BackOff, Mishap, Phase, Scope, Verdict, judge};
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

/// Where work comes from, and who hears what became of it.
pub trait Source: Send + Sync {
    /// Waits until the next message may leave; `None` ends the connection.
    fn next(&self) -> impl Future<Output = Option<Work>> + Send;
    /// The next message if it may leave at this moment.
    fn ready(&self) -> impl Future<Output = Option<Work>> + Send;
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

/// Opens a connection when there is work and drives it until there is none.
pub async fn drive(route: &Route, source: &impl Source, recorder: &Recorder) -> Ending {
    let Some(first) = source.next().await else { return Ending::Idle };
    let mut driver = Driver { route, source, recorder, pending: None };
    let ended = match Connection::open(route).await {
        Ok(connection) => driver.run(connection, first).await,
        Err(failure) => {
            driver.conclude(&first, Err(failure));
            driver.flush().await.map(|()| Ending::Lost)
        }
    };
    ended.unwrap_or_else(Ending::Store)
}

struct Driver<'d, S> {
    route: &'d Route,
    source: &'d S,
    recorder: &'d Recorder,
    /// The outcome of the last message; it shares a commit with the arming of the next one.
    pending: Option<Outcome>,
}

impl<S: Source> Driver<'_, S> {
    async fn run(&mut self, mut connection: Connection, first: Work) -> Result<Ending, StoreError> {
        let mut waiting = Some(first);
        loop {
            let work = match waiting.take() {
                Some(work) => work,
                None => {
                    self.flush().await?;
                    match self.source.next().await {
                        Some(work) => work,
                        None => {
                            connection.quit().await;
                            return Ok(Ending::Idle);
                        }
                    }
                }
            };
            let announced = match self.envelope(&connection, &work) {
                Ok(envelope) => connection.announce(&envelope).await,
                Err(failure) => {
                    // Nothing was said to the server about it.
                    self.conclude(&work, Err(failure));
                    continue;
                }
            };
            if let Err(failure) = announced {
                if !self.refused(&mut connection, &work, failure).await? {
                    return Ok(Ending::Lost);
                }
                continue;
            }
            if !self.send_from(&mut connection, work).await? {
                // Nothing follows that could carry the last outcome to disk.
                self.flush().await?;
                return Ok(Ending::Lost);
            }
        }
    }

    /// Sends an announced message and, as long as there is work at once and the server takes groups of commands, the next
    /// ones behind it. `false` when the connection is gone.
    async fn send_from(&mut self, connection: &mut Connection, mut work: Work) -> Result<bool, StoreError> {
        loop {
            // On disk before the dot: the last outcome and this arming in one commit.
            self.recorder.record(self.pending.take().into_iter().collect(), vec![work.armed.clone()]).await?;
            let next = self.next_behind(connection).await;
            let answer = connection.send(&work.octets, next.as_ref().map(|(_, envelope)| envelope)).await;
            let goes_on = match &answer {
                Ok(_) => true,
                Err(failure) => failure.leaves_open() && failure.phase == Phase::Dot,
            };
            self.conclude(&work, answer);
            let Some((following, _)) = next else { return Ok(goes_on) };
            if !goes_on {
                self.flush().await?;
                let failure = Failure { phase: Phase::Mail, mishap: Mishap::Closed };
                self.conclude(&following, Err(failure));
                self.flush().await?;
                return Ok(false);
            }
            match connection.announced().await {
                Ok(()) => work = following,
                Err(failure) => return self.refused(connection, &following, failure).await,
            }
        }
    }

    async fn next_behind(&mut self, connection: &Connection) -> Option<(Work, Envelope)> {
        if !connection.offered().pipelining {
            return None;
        }
        loop {
            let work = self.source.ready().await?;
            match self.envelope(connection, &work) {
                Ok(envelope) => return Some((work, envelope)),
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

    fn envelope(&self, connection: &Connection, work: &Work) -> Result<Envelope, Failure> {
        connection.envelope(&work.from, &work.to, work.octets.len())
    }

    /// Records a refusal before the message; `true` when the connection can go on.
    async fn refused(
        &mut self,
        connection: &mut Connection,
        work: &Work,
        failure: Failure,
    ) -> Result<bool, StoreError> {
        let goes_on = failure.leaves_open() && connection.is_open();
        // Without MAIL there is nothing to forget.
        let must_reset = failure.phase != Phase::Mail;
        self.flush().await?;
        self.conclude(work, Err(failure));
        self.flush().await?;
        if goes_on && must_reset {
            return Ok(connection.reset().await.is_ok());
        }
        Ok(goes_on)
    }

    /// Turns what happened into an outcome and tells the source; the outcome waits for the next commit.
    fn conclude(&mut self, work: &Work, ended: Result<Reply, Failure>) {
        let now = clock::now();
        let (verdict, phase, reply, text) = match ended {
            Ok(reply) => (Verdict::Accepted, Phase::Dot, Some(reply.clone()), reply.to_string()),
            Err(Failure { phase, mishap }) => {
                let text = mishap.to_string();
                let verdict = judge(phase, &mishap);
                let reply = if let Mishap::Reply(reply) = mishap { Some(reply) } else { None };
                (verdict, phase, reply, text)
            }
        };
        // A fault of the way or of our set-up is none of the recipient's: it does not shorten their patience.
        let counts = !matches!(verdict, Verdict::Deferred(Scope::Route | Scope::Setup));
        let attempts = work.attempts + u32::from(counts);
        let due = self.route.backoff.due(attempts.max(1), now, work.fraction);
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
            tls: String::new(),
            queue_id: String::new(),
            run: None,
            started: work.started,
            ended: now,
        };
        self.source.report(Report {
            dispatch: work.armed.dispatch,
            to: &work.to,
            verdict,
            standing,
            phase,
            text: &attempt.text,
            message_id: &work.armed.message_id,
            number: attempts.max(1),
            attempt: &attempt,
        });
        let due = if standing == Standing::Deferred { due } else { None };
        debug_assert!(self.pending.is_none(), "an outcome is recorded before the next one comes");
        self.pending = Some(Outcome { dispatch: work.armed.dispatch, standing, counts, due, attempt });
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        match self.pending.take() {
            Some(outcome) => self.recorder.record(vec![outcome], Vec::new()).await,
            None => Ok(()),
        }
    }
}
