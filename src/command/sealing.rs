//! From the journal to a sealed plan, and from an approved one to the leave to send.
//!
//! What: [`Asked`], what a command is about to send; [`seal`], which makes every message and notes its digest; [`compare`] with
//! what was sealed; [`leave`], which every sending command asks for before the first message; [`who`], names and accounts.
//! Not here: the seal and the rules (`plan`). Called by: `seal`, `approve`, `send`.
//! Can fail: with problems of messages; without an approval, naming what has changed.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::chosen::Chosen;
use super::folder::Folder;
use super::gate;
use super::mailing::in_folder;
use super::progress::Bar;
use super::signatures;
use crate::exit::Stopped;
use crate::input::flat::flat;
use crate::input::problem::Problem;
use crate::input::relay::{Protection, Relay};
use crate::io::clock;
use crate::io::store::{OpenRow, Store};
use crate::mail::masked;
use crate::message::Composer;
use crate::people::fold;
use crate::plan::{
    Approved, Change, Comparison, Errand, Extent, MessagesDigest, Plan, PlanRecord, Purpose, Sealed, SealedMessage,
};
use crate::settings::Sending;

/// Messages in memory at once.
const PAGE: usize = 512;

/// Tables of `convoke.toml` that shape no message: how fast, where to, what is kept. Relays and keys stand in a plan by
/// themselves.
const SHAPELESS: [&str; 9] =
    ["approval", "coverage", "dkim", "limits", "log", "relay", "reports", "speaking_list", "suppression"];

/// What a command is about to send.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) folder: &'a Folder,
    pub(super) store: &'a Store,
    pub(super) composer: &'a Composer,
    pub(super) errand: Errand,
    pub(super) selection: &'a Chosen,
    /// The selection as typed.
    pub(super) only: &'a [String],
    /// A relay in place of those of `convoke.toml`.
    pub(super) relay: Option<&'a str>,
    pub(super) sending: &'a Sending,
}

impl Asked<'_> {
    /// The plan as it is now, without its messages.
    pub(super) async fn plan(&self) -> Result<Plan, Stopped> {
        let Asked { folder, composer, errand, sending, .. } = self;
        let revisions = self.store.revisions().await?;
        let revision = revisions.last().expect("planning made the first revision");
        let shapes = |key: &String| !SHAPELESS.contains(&key.split('.').next().unwrap_or_default());
        // Letters of another purpose are none of this plan's.
        let is_ours = |name: &String| match name.split_once('/').and_then(|(first, _)| Purpose::parse(first)) {
            Some(purpose) => purpose == errand.purpose,
            None => true,
        };
        Ok(Plan {
            program: concat!("convoke ", env!("CARGO_PKG_VERSION")).to_owned(),
            event: folder.file.event.id.clone(),
            purpose: errand.purpose.as_str().to_owned(),
            mailing: errand.mailing,
            revision: revision.number,
            dtstamp: revision.dtstamp,
            only: self.only.to_vec(),
            lists: folder.typed.recipients.iter().map(|path| path.display().to_string()).collect(),
            skip_refused: folder.typed.skip_refused,
            relay: self.relay.map(str::to_owned),
            relays: if sending.relays.is_empty() {
                vec!["the built-in sandbox".to_owned()]
            } else {
                sending.relays.iter().map(carrier).collect()
            },
            reverse_path: composer.reverse_path().to_string(),
            signatures: signatures::list(folder.signer.as_deref()).iter().map(ToString::to_string).collect(),
            settings: flat(&folder.text).into_iter().filter(|(key, _)| shapes(key)).collect(),
            templates: folder.templates.clone().into_iter().filter(|(name, _)| is_ours(name)).collect(),
        })
    }
}

/// A relay in words: whose, under which login, how protected.
fn carrier(relay: &Relay) -> String {
    let login = relay.user.as_deref().map(|user| format!(" as {user}")).unwrap_or_default();
    let how = match relay.protection {
        Protection::Implicit => "TLS",
        Protection::StartTls => "STARTTLS",
        Protection::Loopback => "in clear",
    };
    format!("{relay}{login}, {how}")
}

/// Makes every message that is open and meant, and notes the plan in the journal; gives its number.
///
/// # Errors
/// A message that cannot be made; the journal cannot be written.
pub(super) async fn seal(asked: &Asked<'_>, by: &str, account: &str) -> Result<(i64, Sealed), Stopped> {
    let plan = asked.plan().await?;
    let store = asked.store;
    let id = store.begin_plan(asked.errand).await?;
    let mut extent = Extent::default();
    let bar = Bar::items("sealing", store.count_open(asked.errand).await?);
    let mut pages = Pages::new(asked, plan.dtstamp);
    while let Some((rows, messages)) = pages.next(&bar).await? {
        for (row, message) in rows.iter().zip(&messages) {
            extent.add(&message.letter, row.recipient.kind.as_str(), row.recipient.language.as_str());
        }
        store.note_sealed(id, &messages).await?;
    }
    bar.finish();
    let digest = messages_digest(store, id).await?;
    let sealed = plan.seal(extent, digest);
    store.note_plan(id, asked.errand, &sealed, by, account, clock::now().as_millisecond()).await?;
    Ok((id, sealed))
}

/// The digest of a plan's messages as the journal has them.
pub(super) async fn messages_digest(store: &Store, plan: i64) -> Result<String, Stopped> {
    let (mut digest, mut after) = (MessagesDigest::default(), (0, String::new()));
    loop {
        let page = store.sealed_page(plan, (after.0, &after.1), PAGE).await?;
        let Some(last) = page.last() else { return Ok(digest.finish()) };
        after = (last.recipient, last.session.clone());
        page.iter().for_each(|message| digest.add(message));
    }
}

/// What is compared with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything that would be sent.
    All,
    /// The messages to those who are in it.
    Planned,
}

/// What would be sent now against plans; the first of them is the one that is spoken of.
///
/// # Errors
/// As [`seal`].
pub(super) async fn compare(
    asked: &Asked<'_>,
    plan: &Plan,
    plans: &[&PlanRecord],
    scope: Scope,
) -> Result<Comparison, Stopped> {
    let store = asked.store;
    let first = plans.first().expect("the caller has a plan");
    let ids: Vec<i64> = plans.iter().map(|record| record.id).collect();
    let mut comparison = Comparison::new(first.sealed.plan(), plan);
    let bar = Bar::items("comparing with the plan", store.count_open(asked.errand).await?);
    // Under the DTSTAMP of today: where it is another one, every message is another one too.
    let mut pages = Pages::new(asked, plan.dtstamp);
    while let Some((_, messages)) = pages.next(&bar).await? {
        let recipients: Vec<i64> = messages.iter().map(|message| message.recipient).collect();
        let sealed = store.sealed_of(&ids, &recipients).await?;
        for message in &messages {
            let of_recipient = sealed.get(&message.recipient).map_or(&[][..], Vec::as_slice);
            let then: Vec<_> = of_recipient.iter().filter(|then| then.session == message.session).cloned().collect();
            if scope == Scope::Planned && then.is_empty() {
                continue;
            }
            comparison.message(message, &then);
        }
    }
    bar.finish();
    comparison.taken_off(store.taken_off(first.id, asked.errand).await?);
    Ok(comparison)
}

/// Leave to send what is asked for. Where `convoke.toml` asks for an approval, each message must be as it was in a plan whose
/// approval still holds.
///
/// # Errors
/// [`Stopped::Approval`], naming what has changed; as [`seal`].
pub(super) async fn leave(asked: &Asked<'_>, again: &str) -> Result<Approved, Stopped> {
    let rules = &asked.folder.file.approval;
    if let Some(unasked) = Approved::unasked(rules) {
        return Ok(unasked);
    }
    let plans = asked.store.plans(Some(asked.errand)).await?;
    let cure = cure(asked, again, plans.first());
    let Some(last) = plans.iter().find(|plan| !plan.approvals.is_empty()) else {
        return Err(Stopped::Approval(Vec::new(), format!("convoke.toml asks for an approval; {cure}")));
    };
    let now = clock::now();
    let holding: Vec<_> =
        plans.iter().filter_map(|plan| plan.holding(rules, now).ok().map(|approval| (plan, approval))).collect();
    if holding.is_empty() {
        let why = last.holding(rules, now).err().flatten().map_or_else(String::new, |why| why.to_string());
        return Err(Stopped::Approval(Vec::new(), format!("{why}; {cure}")));
    }
    let plan = asked.plan().await?;
    let is_alike = |record: &PlanRecord| Comparison::new(record.sealed.plan(), &plan).is_carried_alike();
    let (alike, others): (Vec<_>, Vec<_>) = holding.into_iter().partition(|(record, _)| is_alike(record));
    // Where none is carried alike, the last one tells what is different.
    let meant = if alike.is_empty() { others } else { alike };
    let records: Vec<&PlanRecord> = meant.iter().map(|(record, _)| *record).collect();
    let comparison = compare(asked, &plan, &records, Scope::All).await?;
    let approvals = meant.iter().map(|(_, approval)| approval.id).collect();
    Approved::after(comparison, approvals).map_err(|changes| {
        let (record, approval) = meant.first().expect("there is one that holds");
        let seal = record.sealed.seal().short();
        let why = format!("the plan {seal} has changed since `{}` approved it; {cure}", approval.by);
        Stopped::Approval(changes, why)
    })
}

/// What to do for an approval; `again` are the words that send, `last` is the last plan.
fn cure(asked: &Asked<'_>, again: &str, last: Option<&PlanRecord>) -> String {
    let folder = in_folder(&asked.folder.path);
    match last {
        Some(plan) if plan.approvals.is_empty() => {
            let (seal, by) = (plan.sealed.seal().short(), &plan.by);
            format!("the plan {seal} of `{by}` waits for a second person: `convoke {folder}approve`")
        }
        _ => {
            let seal = match asked.errand.purpose {
                Purpose::Invitation => "plan".to_owned(),
                _ => format!("{again} --seal"),
            };
            format!("seal a plan with `convoke {folder}{seal}`, a second person: `convoke {folder}approve`")
        }
    }
}

/// That a plan is not what it was when it was sealed.
///
/// # Errors
/// Always, unless nothing has changed.
pub(super) fn unchanged(record: &PlanRecord, changes: Vec<Change>, folder: &str) -> Result<(), Stopped> {
    if changes.is_empty() {
        return Ok(());
    }
    let (seal, by) = (record.sealed.seal().short(), &record.by);
    let why = format!(
        "the plan {seal} has changed since `{by}` made it; make another: `convoke {folder}plan`, or `--seal` with the command that sends it"
    );
    Err(Stopped::Approval(changes, why))
}

/// The messages of an errand, page by page.
struct Pages<'a> {
    asked: &'a Asked<'a>,
    date: Timestamp,
    after: i64,
}

impl<'a> Pages<'a> {
    fn new(asked: &'a Asked<'a>, date: Timestamp) -> Self {
        Self { asked, date, after: 0 }
    }

    async fn next(&mut self, bar: &Bar) -> Result<Option<(Vec<OpenRow>, Vec<SealedMessage>)>, Stopped> {
        let Asked { store, errand, selection, composer, .. } = self.asked;
        let mut rows = store.open_page(*errand, self.after, i64::MAX, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.after = last.id;
        bar.advance(rows.len() as u64);
        rows.retain(|row| selection.takes(row.recipient_id, &row.recipient));
        let messages = make(&rows, composer, self.date).map_err(Stopped::Configuration)?;
        Ok(Some((rows, messages)))
    }
}

/// Makes the messages of a page on all cores.
fn make(rows: &[OpenRow], composer: &Composer, date: Timestamp) -> Result<Vec<SealedMessage>, Vec<Problem>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = rows
            .chunks(rows.len().div_ceil(threads).max(1))
            .map(|rows| scope.spawn(move || rows.iter().map(|row| one(row, composer, date)).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker reports its faults as values"))
            .collect::<Result<_, _>>()
    })
}

fn one(row: &OpenRow, composer: &Composer, date: Timestamp) -> Result<SealedMessage, Vec<Problem>> {
    let made = composer.draft(&gate::reader(row), &row.dispatch, date, date)?;
    let recipient = &row.recipient;
    let mut hash = Sha256::new();
    let cells = recipient.cells.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    let standard =
        [recipient.address.as_str(), &recipient.entity, recipient.kind.as_str(), recipient.language.as_str()];
    for part in standard.into_iter().chain(cells) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Ok(SealedMessage {
        recipient: row.recipient_id,
        session: row.session.clone(),
        address: masked(recipient.address.as_str()),
        letter: made.letter.clone(),
        digest: made.digest(),
        row: data_encoding::HEXLOWER.encode(&hash.finalize()[..16]),
    })
}

/// Who types, and the account under which: the name given with `--by`, or that of the account.
///
/// # Errors
/// No name is given and the system tells none.
pub(super) fn who(by: Option<&str>) -> Result<(String, String), Stopped> {
    let variable = |name| std::env::var(name).ok().filter(|value| !fold(value).is_empty());
    let account = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable).unwrap_or_default();
    let name = by.unwrap_or(&account).trim().to_owned();
    if fold(&name).is_empty() {
        return Err(Stopped::Usage("who is it? this machine tells no user; add --by NAME".to_owned()));
    }
    Ok((name, account))
}
