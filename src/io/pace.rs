//! The gate: whether a message may leave at this moment, and if not, until when it is held and by what.
//!
//! What: [`Gate`], one for a run and all its connections, over governor's limiters, the quotas, the windows and the
//! slots of domains and providers. Precision: in no second more
//! than the rate and the larger of one message and 1 %, and no late wake-up of tokio's timer costs a message.
//! Not here: what the limits are (`delivery::Terms`), which message is next (`command`). Called by: `command`.
//! Can fail: with a [`Hold`], never with an error.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Cells, RateLimiter};
use jiff::Timestamp;

use crate::delivery::{Opening, Quota, Ramp, Schedule, Terms, Used};
use crate::input::limits::Share;
use crate::input::providers::Provider;
use crate::input::units::Rate;

/// A message is ten cells, so that a burst of 1.9 messages can be said: see [`cells`].
const MESSAGE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// How long one waits for a slot before asking again, should the word that it is free not come.
const SLOT_POLL: Duration = Duration::from_millis(100);
/// Messages that are no further apart than this are let through once more before they leave.
const DENSE: Duration = Duration::from_millis(50);
/// Domains that are remembered before the idle ones are forgotten.
const PLACES: usize = 4096;

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

type SharedPlace<C> = Arc<Place<C>>;
/// Each with the number of its relay, `None` for all together.
type Quotas = Vec<(Option<usize>, Quota)>;

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of all relays together.
    All,
    /// Of the relay of this name.
    Relay(Arc<str>),
    /// Of this recipient domain.
    Domain(Arc<str>),
    /// Of the keeper of many domains of this name.
    Provider(Arc<str>),
}

/// What holds a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldBy {
    /// No send window is open.
    Window,
    /// The end has come: nothing leaves any more.
    End,
    /// So many of any hour or day have left.
    Quota(Whose),
    /// So many are on their way at once.
    Slots(Whose),
    /// The rate.
    Rate(Whose),
    /// The rate to which [`Gate::slow`] set it for a while.
    Slowed(Whose),
}

/// Not now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// When it is worth asking again; `Timestamp::MAX` for never.
    pub until: Timestamp,
    /// The same as a time to wait, by a clock that is never set.
    pub wait: Duration,
    /// Why.
    pub by: HeldBy,
}

/// The leave of one message; held as long as the message is on its way, it keeps the slots of domain and provider.
#[derive(Debug, Default)]
#[must_use = "the slots are free again when it is dropped"]
pub struct Permit {
    slots: [Option<Arc<Slots>>; 2],
    /// In which minute of Unix time quotas counted it.
    minute: i64,
}

/// Whom [`Gate::slow`] slows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'t> {
    /// The relay of this number.
    Relay(usize),
    /// The keeper of many domains of this name, of the table or of convoke.toml.
    Provider(&'t str),
    /// One domain.
    Domain(&'t str),
}

/// All limits of a run at work.
pub struct Gate<C: Clock = DefaultClock> {
    clock: C,
    epoch: C::Instant,
    /// Nothing is limited: the answer is always yes.
    is_free: bool,
    schedule: Schedule,
    /// When the windows were asked last, and until when their answer holds.
    open: Mutex<Option<(Timestamp, Timestamp)>>,
    all: Option<Limit<C>>,
    relays: Vec<(Arc<str>, Option<Limit<C>>)>,
    ramp: Option<Ramp>,
    /// What the rates let through once more, directly before it leaves: of each relay that is slower than all together, and
    /// of all together.
    departures: (Vec<Option<Limit<C>>>, Option<Limit<C>>),
    /// The general ones, then those of each relay; `None` where there are none at all.
    quotas: Option<Mutex<Quotas>>,
    domains: HashMap<Arc<str>, Arc<Place<C>>>,
    providers: Vec<Arc<Place<C>>>,
    provider_of: HashMap<String, usize>,
    each_domain: Share,
    /// The domains that only `each_domain` limits.
    others: Mutex<HashMap<Arc<str>, Arc<Place<C>>>>,
    slowed: Mutex<Vec<Slow<C>>>,
    slowed_now: AtomicUsize,
}

/// A rate at work.
struct Limit<C: Clock> {
    whose: Whose,
    rate: Rate,
    bursts: Bursts,
    /// One without a ramp; otherwise one for each step, made when it is reached.
    steps: Vec<OnceLock<Limiter<C>>>,
    /// A message that this limit let through and another one held: until when it may still leave, in ns from the epoch.
    credit_ns: AtomicU64,
}

/// How many a limit lets through at once.
#[derive(Clone, Copy, Debug)]
enum Bursts {
    OfGate,
    OfDepartures,
}

/// A domain or a provider.
struct Place<C: Clock> {
    name: Arc<str>,
    limit: Option<Limit<C>>,
    slots: Option<Arc<Slots>>,
    used_ns: AtomicU64,
}

#[derive(Debug)]
struct Slots {
    taken: AtomicU32,
    most: u32,
    whose: Whose,
}

struct Slow<C: Clock> {
    whose: Whose,
    limit: Limit<C>,
    until: Timestamp,
}

impl Gate<DefaultClock> {
    /// The gate of a run; `used` is what the journal says of the last 24 hours and a minute.
    pub fn new(terms: &Terms, used: &[Used]) -> Self {
        Self::with_clock(terms, used, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Gate<C> {
    /// The same by another clock, for tests.
    pub fn with_clock(terms: &Terms, used: &[Used], clock: C) -> Self {
        let climbs = terms.ramp.is_some();
        let name = |text: &str| -> Arc<str> { Arc::from(text) };
        let all = terms.rate.map(|rate| Limit::new(Whose::All, rate, climbs));
        let relays: Vec<_> = terms
            .relays
            .iter()
            .map(|relay| {
                let name = name(&relay.name);
                let limit = relay.rate.map(|rate| Limit::new(Whose::Relay(Arc::clone(&name)), rate, climbs));
                (name, limit)
            })
            .collect();
        let is_slower = |limit: &&Limit<C>| all.as_ref().is_none_or(|all| limit.rate.interval() > all.rate.interval());
        let departures = (
            relays.iter().map(|(_, limit)| limit.as_ref().filter(is_slower)?.departing(climbs)).collect(),
            all.as_ref().and_then(|all| all.departing(climbs)),
        );
        let mut quotas: Quotas = Vec::new();
        for relay in std::iter::once(None).chain((0..terms.relays.len()).map(Some)) {
            quotas.extend(terms.quotas(relay, used).into_iter().map(|quota| (relay, quota)));
        }
        let domains: HashMap<_, _> = terms
            .domains
            .iter()
            .map(|(domain, share)| (name(domain), Place::new(Whose::Domain(name(domain)), *share)))
            .collect();
        let providers: Vec<_> = terms
            .providers
            .iter()
            .map(|provider| Place::new(Whose::Provider(name(&provider.name)), provider.share))
            .collect();
        let provider_of = terms
            .providers
            .iter()
            .enumerate()
            .flat_map(|(index, provider)| provider.domains.iter().map(move |domain| (domain.clone(), index)))
            .collect();
        let is_free = all.is_none()
            && relays.iter().all(|(_, limit)| limit.is_none())
            && quotas.is_empty()
            && !terms.asks_for_domains()
            && terms.schedule.end().is_none()
            && !terms.schedule.has_windows();
        Self {
            epoch: clock.now(),
            clock,
            is_free,
            schedule: terms.schedule.clone(),
            open: Mutex::new(None),
            all,
            relays,
            ramp: terms.ramp,
            departures,
            quotas: (!quotas.is_empty()).then(|| Mutex::new(quotas)),
            domains,
            providers,
            provider_of,
            each_domain: terms.each_domain,
            others: Mutex::default(),
            slowed: Mutex::default(),
            slowed_now: AtomicUsize::new(0),
        }
    }

    /// Whether one message to a domain may leave now through the relay of this number. Never waits; what it grants it
    /// counts, so ask when the message is ready. An empty domain asks no limit of domains.
    ///
    /// # Errors
    /// The [`Hold`]; no limit has counted anything then.
    pub fn pass(&self, relay: usize, domain: &str, now: Timestamp) -> Result<Permit, Hold> {
        if self.is_free && self.slowed_now.load(Ordering::Acquire) == 0 {
            return Ok(Permit::default());
        }
        self.ask_schedule(now)?;
        let (place, provider) = self.places(domain);
        let slots = [take_slot(place.as_deref(), now)?, take_slot(provider.map(|p| &**p), now)?];
        let permit = Permit { slots, minute: Quota::minute(now) };
        // Room is looked for first and counted last, under one lock.
        let mut quotas = self.quotas.as_ref().map(lock);
        for (of, quota) in quotas.iter_mut().flat_map(|q| q.iter_mut()) {
            if of.is_none_or(|index| index == relay)
                && let Some(until) = quota.free_at(now)
            {
                let whose = of.map_or(Whose::All, |index| Whose::Relay(Arc::clone(&self.relays[index].0)));
                return Err(hold_until(until, now, HeldBy::Quota(whose)));
            }
        }
        let mut limits: Vec<&Limit<C>> = Vec::with_capacity(6);
        limits.extend(place.as_ref().and_then(|p| p.limit.as_ref()));
        limits.extend(provider.and_then(|p| p.limit.as_ref()));
        limits.extend(self.relays.get(relay).and_then(|(_, limit)| limit.as_ref()));
        limits.extend(self.all.as_ref());
        if self.slowed_now.load(Ordering::Acquire) == 0 {
            self.ask_rates(limits, now, HeldBy::Rate)?;
        } else {
            let mut slowed = lock(&self.slowed);
            slowed.retain(|slow| slow.until > now);
            self.slowed_now.store(slowed.len(), Ordering::Release);
            let hit: Vec<_> = slowed.iter().filter(|slow| self.is_target(&slow.whose, relay, domain)).collect();
            limits.extend(hit.iter().map(|slow| &slow.limit));
            let by = |whose: Whose| {
                if hit.iter().any(|slow| slow.whose == whose) { HeldBy::Slowed(whose) } else { HeldBy::Rate(whose) }
            };
            self.ask_rates(limits, now, by)?;
        }
        for (of, quota) in quotas.iter_mut().flat_map(|q| q.iter_mut()) {
            if of.is_none_or(|index| index == relay) {
                quota.take(now);
            }
        }
        Ok(permit)
    }

    /// Whether a message that [`pass`](Self::pass) let through may leave at this moment, when nothing but its last octets is
    /// missing. What lies between the two takes now a millisecond and now ten, and at hundreds of messages a second those that
    /// were late would leave together with those that are not.
    ///
    /// # Errors
    /// How long to wait, which is moments.
    pub fn depart(&self, relay: usize, now: Timestamp) -> Result<(), Duration> {
        let (of_relays, of_all) = &self.departures;
        let Some(limit) = of_relays.get(relay).and_then(Option::as_ref).or(of_all.as_ref()) else { return Ok(()) };
        limit.ask(self.ramp.map_or(0, |ramp| ramp.step(now)), self.now_ns(), &self.clock)
    }

    /// A message that may have left through the relay of this number did not: quotas count it no longer. Its slots are free.
    pub fn give_back(&self, relay: usize, permit: Permit) {
        let mut quotas = self.quotas.as_ref().map(lock);
        for (of, quota) in quotas.iter_mut().flat_map(|q| q.iter_mut()) {
            if of.is_none_or(|index| index == relay) {
                quota.give_back(permit.minute);
            }
        }
        drop(permit);
    }

    /// Lowers the rate of a target until an instant: what a reply that throttles asks for. A later word on the same target
    /// takes the place of the earlier one; the configured limits hold besides.
    pub fn slow(&self, target: Target<'_>, rate: Rate, until: Timestamp) {
        let whose = match target {
            Target::Relay(index) => match self.relays.get(index) {
                Some((name, _)) => Whose::Relay(Arc::clone(name)),
                None => return,
            },
            Target::Provider(name) => Whose::Provider(Arc::from(name)),
            Target::Domain(domain) => Whose::Domain(Arc::from(domain.to_ascii_lowercase())),
        };
        let limit = Limit::new(whose.clone(), rate, false);
        // The message that was put off a moment ago was the one of this interval; a new limiter always has room for it.
        let _ = limit.ask(0, self.now_ns(), &self.clock);
        let mut slowed = lock(&self.slowed);
        slowed.retain(|slow| slow.whose != whose);
        slowed.push(Slow { whose, limit, until });
        self.slowed_now.store(slowed.len(), Ordering::Release);
    }

    fn ask_schedule(&self, now: Timestamp) -> Result<(), Hold> {
        let mut open = lock(&self.open);
        if open.is_some_and(|(asked, until)| asked <= now && now < until) {
            return Ok(());
        }
        match self.schedule.opening(now) {
            Opening::Open { until } => {
                *open = Some((now, until));
                Ok(())
            }
            Opening::At(at) => Err(hold_until(at, now, HeldBy::Window)),
            Opening::Over => Err(hold_until(Timestamp::MAX, now, HeldBy::End)),
        }
    }

    /// The slowest limit is asked first: it is the likeliest to hold, and one that holds counts nothing.
    fn ask_rates(&self, mut limits: Vec<&Limit<C>>, now: Timestamp, by: impl Fn(Whose) -> HeldBy) -> Result<(), Hold> {
        let step = self.ramp.map_or(0, |ramp| ramp.step(now));
        limits.sort_by_key(|limit| std::cmp::Reverse(limit.rate.interval()));
        for (index, limit) in limits.iter().enumerate() {
            if let Err(wait) = limit.ask(step, self.now_ns(), &self.clock) {
                for passed in &limits[..index] {
                    passed.give_back(self.now_ns());
                }
                let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
                return Err(Hold { until, wait, by: by(limit.whose.clone()) });
            }
        }
        Ok(())
    }

    fn now_ns(&self) -> u64 {
        self.clock.now().duration_since(self.epoch).as_u64()
    }

    /// The domain's own place, and its provider's.
    fn places(&self, domain: &str) -> (Option<SharedPlace<C>>, Option<&SharedPlace<C>>) {
        let is_asked = !self.domains.is_empty() || !self.providers.is_empty() || self.each_domain != Share::default();
        if domain.is_empty() || !is_asked {
            return (None, None);
        }
        let lower;
        let domain = if domain.bytes().any(|b| b.is_ascii_uppercase()) {
            lower = domain.to_ascii_lowercase();
            &lower
        } else {
            domain
        };
        let provider = self.provider_of.get(domain).map(|index| &self.providers[*index]);
        if let Some(place) = self.domains.get(domain) {
            return (Some(Arc::clone(place)), provider);
        }
        if provider.is_some() || self.each_domain == Share::default() {
            return (None, provider);
        }
        let mut others = lock(&self.others);
        if let Some(place) = others.get(domain) {
            place.used_ns.store(self.now_ns(), Ordering::Relaxed);
            return (Some(Arc::clone(place)), None);
        }
        if others.len() >= PLACES && others.len().is_power_of_two() {
            self.forget_idle(&mut others);
        }
        let place = Place::new(Whose::Domain(Arc::from(domain)), self.each_domain);
        place.used_ns.store(self.now_ns(), Ordering::Relaxed);
        others.insert(Arc::clone(&place.name), Arc::clone(&place));
        (Some(place), None)
    }

    /// A place that nobody holds and whose limiter is full again is as good as new.
    fn forget_idle(&self, others: &mut HashMap<Arc<str>, Arc<Place<C>>>) {
        let full_after = self.each_domain.rate.map_or(Duration::ZERO, |rate| rate.interval() * 3);
        let full_ns = u64::try_from(full_after.as_nanos()).unwrap_or(u64::MAX);
        let now = self.now_ns();
        others.retain(|_, place| {
            place.slots.as_ref().is_some_and(|s| s.taken.load(Ordering::Relaxed) > 0)
                || now.saturating_sub(place.used_ns.load(Ordering::Relaxed)) < full_ns
        });
    }

    fn is_target(&self, whose: &Whose, relay: usize, domain: &str) -> bool {
        match whose {
            Whose::All => true,
            Whose::Relay(name) => self.relays.get(relay).is_some_and(|(own, _)| own == name),
            Whose::Domain(name) => domain.eq_ignore_ascii_case(name),
            Whose::Provider(name) => {
                let configured = self.provider_of.get(&domain.to_ascii_lowercase());
                configured.map_or_else(|| Provider::of_domain(domain), |index| Some(&*self.providers[*index].name))
                    == Some(&**name)
            }
        }
    }
}

impl<C: Clock + Clone> Limit<C> {
    fn new(whose: Whose, rate: Rate, climbs: bool) -> Self {
        let steps = (0..if climbs { Ramp::STEPS } else { 1 }).map(|_| OnceLock::new()).collect();
        Self { whose, rate, bursts: Bursts::OfGate, steps, credit_ns: AtomicU64::new(0) }
    }

    /// The same for departures; `None` where messages are so far apart that they do not meet, and where one that waits would
    /// try the patience of the server.
    fn departing(&self, climbs: bool) -> Option<Self> {
        let is_dense = self.rate.interval() <= DENSE;
        is_dense.then(|| Self { bursts: Bursts::OfDepartures, ..Self::new(self.whose.clone(), self.rate, climbs) })
    }

    /// Lets one message through, or says how long it has to wait.
    fn ask(&self, step: usize, now_ns: u64, clock: &C) -> Result<(), Duration> {
        if self.credit_ns.load(Ordering::Relaxed) > 0 && self.credit_ns.swap(0, Ordering::Relaxed) >= now_ns {
            return Ok(());
        }
        let step = step.min(self.steps.len() - 1);
        let limiter = self.steps[step].get_or_init(|| {
            let limiter = self.limiter(step, clock);
            if step > 0 {
                // What the step before has let through must not come again.
                drain(&limiter);
            }
            limiter
        });
        match limiter.check_n(MESSAGE).expect("the smallest burst is longer than a message") {
            Ok(()) => Ok(()),
            Err(not_until) => Err(not_until.wait_time_from(clock.now())),
        }
    }

    /// Another limit held the message: for the time of one cell it may still leave on this grant. Any longer, and the
    /// messages of two grants could fall together; then the grant is lost, which errs to the slow side.
    fn give_back(&self, now_ns: u64) {
        let cell = self.rate.interval() / MESSAGE.get();
        self.credit_ns
            .store(now_ns.saturating_add(u64::try_from(cell.as_nanos()).unwrap_or(u64::MAX)), Ordering::Relaxed);
    }

    fn limiter(&self, step: usize, clock: &C) -> Limiter<C> {
        // `Ramp::part` in twentieths.
        let twentieths = if self.steps.len() == 1 { 20 } else { 2 + step };
        let twentieths = u32::try_from(twentieths).unwrap_or(20);
        RateLimiter::direct_with_clock(cells(self.rate, twentieths, self.bursts), clock.clone())
    }
}

fn drain<C: Clock>(limiter: &Limiter<C>) {
    while limiter.check().is_ok() {}
}

/// The cells of a rate, or of so many twentieths of it.
///
/// With a burst of b messages, GCRA lets floor(rate + b) through in a second. What may be above the rate is one message, or
/// 1 % of it where that is more; nine tenths of a message more than that never make another whole one, and they are what a
/// timer that wakes late may catch up: at 199/s, the tightest, 4.5 ms. Departures have two thirds, so that what the network
/// adds has its room too.
fn cells(rate: Rate, twentieths: u32, bursts: Bursts) -> Cells {
    let messages = u128::from(rate.messages.get()) * u128::from(twentieths);
    let period_ns = rate.period.as_nanos() * 20;
    // Rounded up: a cell that is too short by a part of a nanosecond adds up to messages at thousands a second.
    let cell_ns = period_ns.div_ceil(messages * u128::from(MESSAGE.get())).max(1);
    let per_second = messages * 1_000_000_000 / period_ns;
    let (part, more) = match bursts {
        Bursts::OfGate => (100, 9),
        Bursts::OfDepartures => (150, 5),
    };
    let above = u32::try_from(per_second / part).unwrap_or(u32::MAX / 100).max(1);
    let burst =
        NonZeroU32::new(above.saturating_mul(MESSAGE.get()).saturating_add(more)).expect("above is at least one");
    Cells::with_period(Duration::from_nanos(u64::try_from(cell_ns).unwrap_or(u64::MAX)))
        .expect("a cell is at least a nanosecond")
        .allow_burst(burst)
}

impl<C: Clock + Clone> Place<C> {
    fn new(whose: Whose, share: Share) -> Arc<Self> {
        let name = match &whose {
            Whose::Domain(name) | Whose::Provider(name) | Whose::Relay(name) => Arc::clone(name),
            Whose::All => Arc::from(""),
        };
        let slots =
            share.connections.map(|most| Arc::new(Slots { taken: AtomicU32::new(0), most, whose: whose.clone() }));
        let limit = share.rate.map(|rate| Limit::new(whose, rate, false));
        Arc::new(Self { name, limit, slots, used_ns: AtomicU64::new(0) })
    }
}

/// Takes a slot of a place that has any to take.
fn take_slot<C: Clock>(place: Option<&Place<C>>, now: Timestamp) -> Result<Option<Arc<Slots>>, Hold> {
    let Some(slots) = place.and_then(|p| p.slots.as_ref()) else { return Ok(None) };
    let room = |taken: u32| (taken < slots.most).then_some(taken + 1);
    match slots.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, room) {
        Ok(_) => Ok(Some(Arc::clone(slots))),
        Err(_) => {
            let until = now.checked_add(SLOT_POLL).unwrap_or(Timestamp::MAX);
            Err(Hold { until, wait: SLOT_POLL, by: HeldBy::Slots(slots.whose.clone()) })
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        for slots in self.slots.iter().flatten() {
            slots.taken.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn hold_until(until: Timestamp, now: Timestamp, by: HeldBy) -> Hold {
    Hold { until, wait: Duration::try_from(until.duration_since(now)).unwrap_or_default(), by }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing between lock and unlock leaves a value half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all relays together"),
            Self::Relay(name) => write!(f, "relay {name}"),
            Self::Domain(name) | Self::Provider(name) => f.write_str(name),
        }
    }
}

/// What is waited for, behind `waiting for`.
impl fmt::Display for HeldBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window => f.write_str("the next send window"),
            Self::End => f.write_str("nothing: the end has come"),
            Self::Quota(whose) => write!(f, "the quota of {whose}"),
            Self::Slots(whose) => write!(f, "messages on their way to {whose}"),
            Self::Rate(whose) => write!(f, "the rate of {whose}"),
            Self::Slowed(whose) => write!(f, "{whose}, which asked for less"),
        }
    }
}

#[cfg(test)]
mod tests;
