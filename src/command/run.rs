//! One run of sending: connections that take work until there is none, and what they did.
//!
//! What: [`Line`], from the journal to the connections of all relays. For each message it asks routing and breakers
//! (`delivery::Traffic`) and the limits (`io::pace::Gate`); a message that must wait is passed over for one that need not.
//! Not here: the dialogue (`io::smtp`), what a run prints at its end (`send`). Called by: `send`.
//! Can fail: with the journal, or with a message that cannot be made; both end the run.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};

use super::chosen::Chosen;
use super::gate;
use super::progress::Bar;
use super::record::RunRecord;
use crate::delivery::{Fuse, Held, Measure, Phase, Scope, Traffic, Verdict, Way};
use crate::exit::Stopped;
use crate::input::providers::Provider;
use crate::input::units::Rate;
use crate::io::clock;
use crate::io::pace::{Gate, HeldBy, Hold, Permit, Target, Whose};
use crate::io::smtp::{Report, Route, Work};
use crate::io::stop::Stop;
use crate::io::store::{OpenRow, Recorder, Store, StoreError};
use crate::journal::{Armed, Standing};
use crate::message::Composer;
use crate::plan::{Approved, Errand};

mod worker;

use worker::Worker;

/// Rows that are claimed together.
const PAGE: usize = 128;
/// Rows in hand among which one is looked for that may leave now; about a kilobyte each.
const WINDOW: usize = 2048;

/// One relay of the run.
pub(super) struct Outlet {
    pub(super) route: Route,
    pub(super) connections: u32,
}

/// What a line is made of.
pub(super) struct Parts<'l> {
    pub(super) store: &'l Store,
    pub(super) composer: Arc<Composer>,
    pub(super) errand: Errand,
    pub(super) selection: &'l Chosen,
    pub(super) gate: Gate,
    pub(super) traffic: Traffic,
    pub(super) outlets: &'l [Outlet],
    pub(super) stop: &'l Stop,
    pub(super) bar: &'l Bar,
    pub(super) record: &'l RunRecord,
    /// How many may be taken in hand.
    pub(super) limit: Option<u64>,
    /// Long waits end the run.
    pub(super) no_wait: bool,
    /// The providers of convoke.toml, by domain; others are known from the table.
    pub(super) providers: HashMap<String, String>,
}

/// The line from the journal to the connections.
pub(super) struct Line<'l> {
    parts: Parts<'l>,
    /// How many more may be taken in hand.
    left: AtomicU64,
    rows: Mutex<Rows>,
    state: SyncMutex<State>,
    counts: Counts,
    /// Whether the round has nothing more to give: whoever waits need not wait any longer.
    done: watch::Sender<bool>,
}

#[derive(Default)]
struct Rows {
    claimed: VecDeque<OpenRow>,
    after: i64,
    exhausted: bool,
    /// Connections, by relay and number, that have ended or would take only what is meant for others. Once all of them are
    /// here, nobody is left who could take what is claimed.
    idle: HashSet<(usize, u32)>,
    /// Those of them that have ended.
    ended: HashSet<(usize, u32)>,
}

struct State {
    traffic: Traffic,
    fuse: Fuse,
    /// Why the run is over, once it is.
    over: Option<Over>,
    /// By relay: what kept its last connection from coming so far that it spoke of a message; `None` where it did.
    unreached: BTreeMap<usize, Option<String>>,
    /// What was said last.
    last_words: String,
    broken: Option<Stopped>,
    /// The slots of domains and providers that messages in hand take.
    permits: HashMap<i64, Permit>,
    /// When it is worth coming back, where the run did not wait.
    come_back: Option<Timestamp>,
    /// Why some are left although nothing failed: the end has come.
    left_behind: Option<String>,
    /// What was said of relays and providers.
    told: Vec<String>,
}

/// Why nothing more can be sent.
#[derive(Clone, Debug)]
pub(super) struct Over {
    /// The relay, where it is not a matter of all.
    pub(super) relay: Option<String>,
    /// What it said, or why it could not be asked.
    pub(super) why: String,
}

/// What a run did.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) sent: AtomicU64,
    /// Taken in hand, whatever became of them.
    pub(super) taken: AtomicU64,
    said: AtomicU64,
}

/// What a connection gets that asks for work.
enum Taken {
    Row(Box<OpenRow>),
    Wait(Wait),
    /// What there is, others may take.
    Others,
    Nothing,
}

/// Not now.
struct Wait {
    wait: Duration,
    until: Timestamp,
    /// What a person reads; empty where it is a matter of moments.
    why: String,
    /// Whether a run that is not to wait ends for it; it does not for its own rate.
    ends_run: bool,
}

impl Wait {
    fn of(hold: &Hold) -> Self {
        let ends_run = !matches!(&hold.by, HeldBy::Slots(_))
            && (is_of_domain(&hold.by) || !matches!(&hold.by, HeldBy::Rate(_) | HeldBy::Slowed(_)));
        Self { wait: hold.wait, until: hold.until, why: hold.by.to_string(), ends_run }
    }

    fn until(until: Timestamp, now: Timestamp, why: String) -> Self {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        Self { wait, until, why, ends_run: true }
    }
}

impl<'l> Line<'l> {
    /// `_leave` is the witness that nobody has to be asked, or that a second person said yes to just this.
    pub(super) fn new(mut parts: Parts<'l>, _leave: &Approved) -> Self {
        let traffic = std::mem::replace(&mut parts.traffic, Traffic::new(Vec::new()));
        let left = AtomicU64::new(parts.limit.unwrap_or(u64::MAX));
        let state = State {
            traffic,
            fuse: Fuse::beside_breakers(),
            over: None,
            unreached: BTreeMap::new(),
            last_words: String::new(),
            broken: None,
            permits: HashMap::new(),
            come_back: None,
            left_behind: None,
            told: Vec::new(),
        };
        Self {
            parts,
            left,
            rows: Mutex::default(),
            state: SyncMutex::new(state),
            counts: Counts::default(),
            done: watch::Sender::new(false),
        }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave half a state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing more should be sent in this run.
    pub(super) fn blown(&self) -> Option<Over> {
        self.state().over.clone()
    }

    /// Why no connection came about, if the last one of every relay that was asked did not.
    pub(super) fn unreached(&self) -> Option<Over> {
        let state = self.state();
        let is_cut_off = !state.unreached.is_empty() && state.unreached.values().all(Option::is_some);
        let names = state.unreached.keys().filter_map(|relay| self.parts.outlets.get(*relay));
        let names: Vec<String> = names.map(|outlet| outlet.route.relay.to_string()).collect();
        is_cut_off.then(|| Over { relay: Some(names.join(", ")), why: state.last_words.clone() })
    }

    /// When limits or breakers let the next message pass, where the run did not wait for them.
    pub(super) fn come_back(&self) -> Option<Timestamp> {
        self.state().come_back
    }

    /// Why some are left although nothing failed.
    pub(super) fn left_behind(&self) -> Option<String> {
        self.state().left_behind.clone()
    }

    /// What does not work as usual, in words.
    pub(super) fn troubles(&self) -> Vec<String> {
        self.state().traffic.in_words(clock::now())
    }

    /// Whether `--limit` is reached.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    fn ends(&self) -> bool {
        let state = self.state();
        self.parts.stop.is_asked() || state.over.is_some() || state.broken.is_some()
    }

    fn break_off(&self, why: Stopped) {
        self.state().broken.get_or_insert(why);
        self.done.send_replace(true);
    }

    /// Runs the connections until nothing is due.
    pub(super) async fn round(&self, recorder: &Recorder) -> Result<(), Stopped> {
        *self.rows.lock().await = Rows::default();
        self.done.send_replace(false);
        let outlets = self.parts.outlets.iter().enumerate();
        let all: FuturesUnordered<_> = outlets
            .flat_map(|(relay, outlet)| (0..outlet.connections).map(move |number| Worker { line: self, relay, number }))
            .map(|worker| worker.run(recorder))
            .collect();
        all.collect::<()>().await;
        let rows = self.rows.lock().await;
        let mut state = self.state();
        state.permits.clear();
        if state.over.is_none() && !self.is_spent() {
            // The next round would find them again.
            let dead = rows.claimed.iter().find_map(|row| state.traffic.is_stranded(row.recipient.address.domain()));
            state.over = dead.map(|(relay, why)| Over { relay: Some(relay.to_owned()), why: why.to_owned() });
        }
        match state.broken.take() {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    /// The next row that may leave through a relay, claimed. `is_free` where the connection has no message in hand.
    async fn take(&self, relay: usize, number: u32, is_free: bool) -> Result<Taken, StoreError> {
        let mut rows = self.rows.lock().await;
        let taken = self.take_of(&mut rows, relay, number).await?;
        match taken {
            Taken::Others if is_free => {
                rows.idle.insert((relay, number));
                let all: usize = self.parts.outlets.iter().map(|outlet| outlet.connections as usize).sum();
                let is_left_to_nobody = rows.idle.len() >= all && !self.is_for_anybody(&rows);
                Ok(if is_left_to_nobody { Taken::Nothing } else { Taken::Others })
            }
            Taken::Row(_) | Taken::Wait(_) => {
                rows.idle.remove(&(relay, number));
                Ok(taken)
            }
            Taken::Others | Taken::Nothing => Ok(taken),
        }
    }

    /// Whether a relay whose connections only sleep would take anything of what is claimed when they look again. The first
    /// connection of each is the one that is always allowed.
    fn is_for_anybody(&self, rows: &Rows) -> bool {
        let state = self.state();
        let awake = (0..self.parts.outlets.len()).filter(|relay| !rows.ended.contains(&(*relay, 0)));
        let takes = |relay: usize, row: &OpenRow| {
            state.traffic.takes(relay, row.recipient.address.domain(), token(&row.dispatch.key.recipient))
        };
        awake.into_iter().any(|relay| rows.claimed.iter().any(|row| takes(relay, row)))
    }

    async fn take_of(&self, rows: &mut Rows, relay: usize, number: u32) -> Result<Taken, StoreError> {
        loop {
            if self.ends() || self.is_spent() || (rows.exhausted && rows.claimed.is_empty()) {
                self.done.send_replace(true);
                return Ok(Taken::Nothing);
            }
            let now = clock::now();
            let is_probe = match self.way(relay, number, now) {
                Ok(is_probe) => is_probe,
                Err(taken) => return Ok(*taken),
            };
            let found = self.find(rows, relay, now);
            if is_probe && !matches!(found, Ok(Some(_))) {
                self.state().traffic.give_back(relay, now);
            }
            let held = match found {
                Ok(Some(row)) => {
                    let left = self.left.load(Ordering::Relaxed);
                    self.left.store(left.saturating_sub(u64::from(left != u64::MAX)), Ordering::Relaxed);
                    self.counts.taken.fetch_add(1, Ordering::Relaxed);
                    return Ok(Taken::Row(Box::new(row)));
                }
                Ok(None) => None,
                Err((wait, is_for_all)) if is_for_all => return Ok(Taken::Wait(wait)),
                Err((wait, _)) => Some(wait),
            };
            let is_enough = rows.claimed.len() as u64 >= self.left.load(Ordering::Relaxed);
            if rows.exhausted || rows.claimed.len() >= WINDOW || is_enough {
                // The others are for other relays, and may come to this one when those fail.
                return Ok(held.map_or(Taken::Others, Taken::Wait));
            }
            self.claim_page(rows, now).await?;
        }
    }

    /// Whether a connection may ask for work at all; whether it would be a probe.
    fn way(&self, relay: usize, number: u32, now: Timestamp) -> Result<bool, Box<Taken>> {
        let mut state = self.state();
        let configured = self.parts.outlets.get(relay).map_or(1, |outlet| outlet.connections);
        if number >= state.traffic.connections(relay, configured, now) {
            return Err(Box::new(Taken::Others));
        }
        match state.traffic.way(relay, now) {
            Way::Open { is_probe } => Ok(is_probe),
            Way::Dead => Err(Box::new(Taken::Nothing)),
            Way::Rests(until) => {
                let why = state.traffic.in_words(now).join("; ");
                Err(Box::new(Taken::Wait(Wait::until(until, now, why))))
            }
        }
    }

    /// Takes the first row out that may leave now; otherwise why not, and whether that holds for every row.
    fn find(&self, rows: &mut Rows, relay: usize, now: Timestamp) -> Result<Option<OpenRow>, (Wait, bool)> {
        let mut shortest: Option<Wait> = None;
        let mut note = |wait: Wait| {
            if shortest.as_ref().is_none_or(|least| wait.wait < least.wait) {
                shortest = Some(wait);
            }
        };
        let mut state = self.state();
        for index in 0..rows.claimed.len() {
            let row = &rows.claimed[index];
            let domain = row.recipient.address.domain();
            if !state.traffic.takes(relay, domain, token(&row.dispatch.key.recipient)) {
                continue;
            }
            let provider = self.provider_of(domain);
            let is_probe = match state.traffic.provider_way(provider, now) {
                Way::Open { is_probe } => is_probe,
                Way::Rests(until) => {
                    note(Wait::until(until, now, format!("{provider} rests")));
                    continue;
                }
                Way::Dead => continue,
            };
            match self.parts.gate.pass(relay, domain, now) {
                Ok(permit) => {
                    state.permits.insert(row.id, permit);
                    return Ok(rows.claimed.remove(index));
                }
                Err(hold) => {
                    if is_probe {
                        state.traffic.give_back_provider(provider, now);
                    }
                    if !is_of_domain(&hold.by) {
                        return Err((Wait::of(&hold), true));
                    }
                    note(Wait::of(&hold));
                }
            }
        }
        shortest.map_or(Ok(None), |wait| Err((wait, false)))
    }

    /// Takes rows in hand. They are CLAIMED by being here: this process has the folder to itself, and a crash makes them ready
    /// again without a write.
    async fn claim_page(&self, rows: &mut Rows, now: Timestamp) -> Result<(), StoreError> {
        let now_ms = now.as_millisecond();
        let page = self.parts.store.open_page(self.parts.errand, rows.after, now_ms, PAGE).await?;
        let Some(last) = page.last() else {
            rows.exhausted = true;
            return Ok(());
        };
        rows.after = last.id;
        let most = usize::try_from(self.left.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let most = most.saturating_sub(rows.claimed.len());
        let selection = self.parts.selection;
        let meant = page.into_iter().filter(|row| selection.takes(row.recipient_id, &row.recipient)).take(most);
        rows.claimed.extend(meant);
        Ok(())
    }

    async fn work(&self, row: OpenRow) -> Option<Work> {
        let id = row.id;
        let composer = Arc::clone(&self.parts.composer);
        let made = if composer.is_signing() {
            // A signature takes longer than all the rest together: every core makes some.
            match tokio::task::spawn_blocking(move || compose(&composer, &row)).await {
                Ok(made) => made,
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        } else {
            compose(&composer, &row)
        };
        match made {
            Ok(work) => Some(work),
            Err(stopped) => {
                self.state().permits.remove(&id);
                self.break_off(stopped);
                None
            }
        }
    }

    /// Who keeps the mailbox: a provider of convoke.toml, one of the table, or the domain itself.
    fn provider_of<'a>(&'a self, domain: &'a str) -> &'a str {
        let configured = self.parts.providers.get(domain).map(String::as_str);
        configured.or_else(|| Provider::of_domain(domain)).unwrap_or(domain)
    }

    /// What limits and breakers learn from a verdict.
    fn learn(&self, relay: usize, report: &Report<'_>) {
        let now = clock::now();
        let domain = report.to.domain();
        let provider = self.provider_of(domain);
        let spoke = report.phase >= Phase::Mail;
        let mut state = self.state();
        if let Some(permit) = state.permits.remove(&report.dispatch)
            && report.phase < Phase::Dot
        {
            // As the journal counts: what did not come to the dot takes no room in a quota.
            self.parts.gate.give_back(relay, permit);
        }
        state.unreached.insert(relay, (!spoke).then(|| report.text.to_owned()));
        report.text.clone_into(&mut state.last_words);
        state.traffic.note(relay, provider, &report.judgement, spoke, report.text, now);
        // With several relays a fault in the set-up of one leaves the others.
        if self.parts.outlets.len() == 1 || report.verdict != Verdict::Deferred(Scope::Setup) {
            state.fuse.note(report.verdict, report.text);
        }
        if let Some(hold) = report.judgement.hold
            && matches!(hold.measure, Measure::SlowTo(_))
            && let of_provider = (hold.of == Held::Provider).then_some(provider)
            // The breaker knows whether it is the first time: each further one halves the rate.
            && let Some(per_minute) = state.traffic.per_minute(relay, of_provider, now)
            && let Some(rate) = Rate::parse(&format!("{per_minute}/min"))
        {
            let target = match hold.of {
                Held::Relay => Target::Relay(relay),
                Held::Provider if provider != domain => Target::Provider(provider),
                Held::Provider => Target::Domain(domain),
            };
            self.parts.gate.slow(target, rate, now.checked_add(hold.lasts).unwrap_or(Timestamp::MAX));
        }
        if state.over.is_none() {
            let why = state.fuse.blown().or_else(|| state.traffic.is_over()).map(str::to_owned);
            state.over = why.map(|why| Over { relay: None, why });
            if state.over.is_some() {
                self.done.send_replace(true);
            }
        }
        if report.standing != Standing::Sent {
            let words = state.traffic.in_words(now);
            let news: Vec<&String> = words.iter().filter(|w| !state.told.iter().any(|t| same_state(t, w))).collect();
            for new in news {
                self.parts.bar.say(new);
            }
            state.told = words;
        }
    }
}

/// Words of a state differ by the minutes that are left; such are no news.
fn same_state(told: &str, now: &str) -> bool {
    let without_digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    without_digits(told) == without_digits(now)
}

fn compose(composer: &Composer, row: &OpenRow) -> Result<Work, Stopped> {
    let now = clock::now();
    // The Date is part of the octets: once armed it stays, so that a second sending is the same message.
    let date = row.date.unwrap_or(now);
    let composed = composer.compose(&gate::reader(row), &row.dispatch, date, now).map_err(Stopped::Configuration)?;
    let armed = Armed {
        dispatch: row.id,
        uid: composed.identity.uid.as_str().to_owned(),
        message_id: composed.identity.message_id.as_str().to_owned(),
        digest: composed.digest(),
        size: composed.octets.len(),
        date_ms: date.as_millisecond(),
        at: now,
        language: composed.language.clone(),
    };
    Ok(Work {
        from: composer.return_path(&composed.identity.message_id),
        to: row.recipient.address.clone(),
        octets: composed.octets,
        armed,
        attempts: row.attempts,
        fraction: composer.fraction(&row.dispatch.key, row.attempts),
        started: now,
    })
}

fn is_of_domain(by: &HeldBy) -> bool {
    match by {
        HeldBy::Window | HeldBy::End => false,
        HeldBy::Quota(whose) | HeldBy::Slots(whose) | HeldBy::Rate(whose) | HeldBy::Slowed(whose) => {
            matches!(whose, Whose::Domain(_) | Whose::Provider(_))
        }
    }
}

/// Spreads recipients over relays by their weights; the same recipient always alike (FNV-1a).
fn token(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
