//! Whose mail it is.
//!
//! What: [`Wanted`], what to look up in the journal for some readings; [`Known`], what it had; [`Known::of_answer`] and
//! [`Known::of_mail`], from one to a [`Binding`]. Rules (evidence: what clients return, and RFC 5546 section 3.2.3):
//!
//! 1. A UID of ours binds a calendar answer: UIDs are keyed tokens, so whoever returns one has the invitation. A Message-ID of
//!    ours, referred to or returned, or the ENVID or reverse-path made of it, binds everything else; so does a returned UID.
//! 2. A token proves through which invitation an answer came, not who pressed the button. It is *proven* where in addition
//!    From, ATTENDEE and the invited address are one and our own mail host authenticated its domain; otherwise *bound*.
//! 3. Without a token an address that was invited makes it *claimed*: anybody can write anybody's address.
//! 4. Only what is proven or bound changes anything by itself.
//!
//! Not here: what follows (`consequence`), reading the journal (`io::store`). Called by: `consequence`, `command::replies`.
//! Can fail: nothing.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, Kind, Reading, WrittenAddress};
use crate::calendar::Sequence;
use crate::journal::{Standing, Trust};
use crate::mail::AddrSpec;

/// Characters of a token of ours (`plan::Identity`): 128 bits in base32.
const TOKEN: usize = 26;
/// Mailboxes that many organisations have; that two of them share one says nothing.
const ROLES: [&str; 16] = [
    "admin",
    "contact",
    "delegation",
    "embassy",
    "events",
    "info",
    "mail",
    "mission",
    "office",
    "permanent",
    "post",
    "protocol",
    "registry",
    "reception",
    "secretariat",
    "webmaster",
];
/// Where neighbours at one domain are strangers.
const PUBLIC: [&str; 24] = [
    "126.com",
    "163.com",
    "aol.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "web.de",
    "yahoo.com",
    "yandex.com",
    "yandex.ru",
];

/// Where this event's own identities come from.
#[derive(Clone, Debug)]
pub struct Own {
    /// `event.id`.
    pub event: String,
    /// The sender's address.
    pub sender: AddrSpec,
}

impl Own {
    /// Whether a UID is of this event's form, whoever it was made for.
    fn has_made(&self, uid: &str) -> bool {
        let uid = uid.trim().to_lowercase();
        let end = format!("@{}", self.domain());
        uid.starts_with(&format!("{}.", self.event.to_lowercase())) && uid.ends_with(&end)
    }

    /// Whether a Message-ID is of the form that this program gives to those of any event of this sender.
    fn resembles(&self, message_id: &str) -> bool {
        let id = message_id.trim().to_lowercase();
        let Some((token, domain)) = id.split_once('@') else { return false };
        token.len() == TOKEN
            && token.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
            && domain == self.domain()
    }

    fn domain(&self) -> String {
        self.sender.domain().to_lowercase()
    }
}

/// What to look up for readings, in the journal's own forms.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Wanted {
    /// UIDs.
    pub uids: Vec<String>,
    /// Message-IDs.
    pub message_ids: Vec<String>,
    /// Address keys.
    pub addresses: Vec<String>,
}

impl Wanted {
    /// Adds everything that may bind a reading.
    pub fn add(&mut self, reading: &Reading, own: &Own) {
        self.uids.extend(uids(reading).map(str::to_owned));
        self.message_ids.extend(message_ids(reading, own));
        self.addresses.extend(addresses(reading).map(key));
    }
}

/// A message of ours that reached the relay, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// In the journal.
    pub dispatch: i64,
    /// The state of the event that it told of.
    pub revision: u32,
    /// Of its calendar object; `None` for a message without one.
    pub sequence: Option<Sequence>,
    /// Where it stands.
    pub standing: Standing,
    /// Of its calendar object; also kept for messages without one.
    pub uid: String,
    /// Without angle brackets.
    pub message_id: String,
    /// Its `Date`.
    pub date: Option<Timestamp>,
}

/// A mailbox that was invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// In the journal.
    pub recipient: i64,
    /// Where it is.
    pub address: AddrSpec,
    /// Whose it is.
    pub entity: String,
    /// Everything that was armed for it, in order.
    pub sent: Vec<SentMessage>,
}

impl Invited {
    /// Calendar objects that it may have.
    fn told(&self) -> impl DoubleEndedIterator<Item = &SentMessage> {
        self.sent.iter().filter(|sent| sent.sequence.is_some() && sent.has_reached())
    }

    /// The highest SEQUENCE that it was told.
    pub fn latest(&self) -> Option<Sequence> {
        self.told().filter_map(|sent| sent.sequence).max()
    }

    /// The message that an answer of this SEQUENCE, given at that time, is to. Some programs count the SEQUENCE up when they
    /// answer and others leave it out; then it is the last that was sent before the answer.
    pub fn answered(&self, sequence: Option<Sequence>, said: Timestamp) -> Option<&SentMessage> {
        let known = sequence.filter(|sequence| self.told().any(|sent| sent.sequence == Some(*sequence)));
        if known.is_some() {
            return self.told().rev().find(|sent| sent.sequence == known);
        }
        if sequence.is_some() && sequence < self.told().filter_map(|sent| sent.sequence).min() {
            return self.told().next();
        }
        // A clock that runs slow must not make an answer to nothing.
        self.told().rev().find(|sent| sent.date.is_some_and(|date| date <= said)).or_else(|| self.told().next())
    }

    /// The only message in doubt to which an answer of this SEQUENCE can be; `None` where several may have arrived.
    pub fn only(&self, sequence: Option<Sequence>) -> Option<&SentMessage> {
        let mut of = self.told().filter(|sent| sequence.is_none() || sent.sequence == sequence);
        let first = of.next()?;
        of.next().is_none().then_some(first)
    }
}

impl SentMessage {
    fn has_reached(&self) -> bool {
        matches!(self.standing, Standing::Sent | Standing::InDoubt | Standing::Armed | Standing::Bounced)
    }
}

/// Who acted, seen from the invited mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The invited.
    Invited,
    /// The invited under another name of the same person, or through a server that writes in its own name.
    Alias,
    /// Another mailbox of the same domain.
    Colleague,
    /// Whom the invited asked to answer or to come.
    Delegate,
    /// Somebody else who is invited, with an invitation that is not theirs.
    OtherInvited,
    /// Somebody who is on no list.
    Outsider,
}

/// To whom a mail is bound, and how.
#[derive(Clone, Debug)]
pub struct Binding<'k> {
    /// To which mailbox.
    pub invited: &'k Invited,
    /// About which message, where that is said.
    pub message: Option<&'k SentMessage>,
    /// How sure that is.
    pub level: Trust,
    /// The rule, as a person understands it.
    pub rule: &'static str,
    /// Who acted.
    pub actor: Actor,
    /// Under which address, where it is not the invited one.
    pub acted_as: Option<WrittenAddress>,
}

/// What the journal had of everything that was wanted.
#[derive(Clone, Debug, Default)]
pub struct Known {
    invited: Vec<Invited>,
    by_uid: HashMap<String, usize>,
    by_message: HashMap<String, (usize, usize)>,
    by_address: HashMap<String, usize>,
}

impl Known {
    /// From the rows of the journal.
    pub fn new(invited: Vec<Invited>) -> Self {
        let mut known = Self::default();
        for (at, one) in invited.iter().enumerate() {
            known.by_address.insert(one.address.key(), at);
            for (nth, sent) in one.sent.iter().enumerate() {
                known.by_uid.insert(sent.uid.to_lowercase(), at);
                known.by_message.insert(sent.message_id.to_lowercase(), (at, nth));
            }
        }
        known.invited = invited;
        known
    }

    /// Whose calendar answer it is. `authenticated`: domains that our own mail host vouches for.
    pub fn of_answer(&self, answer: &Answer, reading: &Reading, authenticated: &[String]) -> Option<Binding<'_>> {
        let from = reading.from.as_ref();
        let acting = answer.attendee.as_ref().or(from);
        if let Some(at) = self.by_uid.get(&answer.uid.trim().to_lowercase()) {
            let invited = &self.invited[*at];
            let (actor, acted_as) = self.actor(invited, answer, from);
            let is_own =
                |address: Option<&WrittenAddress>| address.is_some_and(|address| key(address) == invited.address.key());
            let is_proven = actor == Actor::Invited
                && is_own(answer.attendee.as_ref())
                && is_own(from)
                && is_aligned(invited.address.domain(), authenticated);
            let (level, rule) = match is_proven {
                true => (Trust::Proven, "the UID is ours, and the mail host authenticated the invited's own mailbox"),
                false => (Trust::Bound, "the UID is ours"),
            };
            return Some(Binding { invited, message: None, level, rule, actor, acted_as });
        }
        let at = self.by_address.get(&key(acting?))?;
        let rule = "the address was invited, but the UID is not ours";
        Some(self.claimed(*at, rule))
    }

    /// Whose mail it is that holds no calendar answer.
    pub fn of_mail(&self, reading: &Reading, own: &Own) -> Option<Binding<'_>> {
        let from = reading.from.as_ref();
        let found = message_ids(reading, own).find_map(|id| self.by_message.get(&id.to_lowercase()));
        let by_message = found.map(|(at, nth)| {
            let invited = &self.invited[*at];
            (invited, Some(&invited.sent[*nth]), "it refers to a message of ours")
        });
        let bound = by_message.or_else(|| {
            let at = uids(reading).find_map(|uid| self.by_uid.get(&uid.trim().to_lowercase()))?;
            Some((&self.invited[*at], None, "it returns a calendar object of ours"))
        });
        if let Some((invited, message, rule)) = bound {
            let acted_as =
                from.filter(|from| key(from) != invited.address.key() && is_of_person(reading.kind)).cloned();
            let actor = acted_as.as_ref().map_or(Actor::Invited, |address| self.relation(invited, address));
            return Some(Binding { invited, message, level: Trust::Bound, rule, actor, acted_as });
        }
        let at = addresses(reading).find_map(|address| self.by_address.get(&key(address)))?;
        Some(self.claimed(*at, "it names an address that was invited, and no message of ours"))
    }

    fn claimed(&self, at: usize, rule: &'static str) -> Binding<'_> {
        let invited = &self.invited[at];
        Binding { invited, message: None, level: Trust::Claimed, rule, actor: Actor::Invited, acted_as: None }
    }

    /// Who answered, where the answer came through the invitation of this mailbox.
    fn actor(
        &self,
        invited: &Invited,
        answer: &Answer,
        from: Option<&WrittenAddress>,
    ) -> (Actor, Option<WrittenAddress>) {
        let own = invited.address.key();
        let attendee = answer.attendee.as_ref().filter(|address| address.addr_spec().is_some());
        let Some(acting) = attendee.or(from) else { return (Actor::Invited, None) };
        if key(acting) == own {
            let other = answer.sent_by.as_ref().filter(|by| key(by) != own);
            return match other {
                Some(by) => (Actor::Delegate, Some(by.clone())),
                None => (Actor::Invited, None),
            };
        }
        if answer.delegated_from.iter().any(|by| key(by) == own) {
            return (Actor::Delegate, Some(acting.clone()));
        }
        // The mailbox wrote itself, and its program knows it under another name.
        let wrote_itself = from.is_some_and(|from| key(from) == own);
        let relation = self.relation(invited, acting);
        let actor = if wrote_itself && relation != Actor::OtherInvited { Actor::Alias } else { relation };
        (actor, Some(acting.clone()))
    }

    /// What an address is to an invited one.
    fn relation(&self, invited: &Invited, address: &WrittenAddress) -> Actor {
        if self.by_address.get(&key(address)).is_some_and(|at| self.invited[*at].recipient != invited.recipient) {
            return Actor::OtherInvited;
        }
        let Some(other) = address.addr_spec() else { return Actor::Outsider };
        let is_same_domain = other.domain().eq_ignore_ascii_case(invited.address.domain());
        let (own, its) = (person(invited.address.local_part()), person(other.local_part()));
        if own == its && (is_same_domain || (own.len() >= 4 && !ROLES.contains(&own.as_str()))) {
            return Actor::Alias;
        }
        let is_public = PUBLIC.contains(&other.domain().to_lowercase().as_str());
        if is_same_domain && !is_public { Actor::Colleague } else { Actor::Outsider }
    }

    /// Whether a mail that bound to nothing is about another event, or another message of this sender.
    pub fn is_of_another(&self, reading: &Reading, own: &Own) -> bool {
        if !reading.answers.is_empty() {
            let is_other = |answer: &Answer| !answer.uid.trim().is_empty() && !own.has_made(&answer.uid);
            return reading.answers.iter().all(is_other);
        }
        let mut ids = message_ids(reading, own).peekable();
        if ids.peek().is_some() {
            return ids.all(|id| own.resembles(&id));
        }
        let mut uids = reading.traces.uids.iter().peekable();
        uids.peek().is_some() && uids.all(|uid| !own.has_made(uid))
    }
}

/// The form under which addresses meet those of the journal.
pub(super) fn key(address: &WrittenAddress) -> String {
    address.addr_spec().map_or_else(|| address.key(), |address| address.key())
}

/// A local part without what does not name another person: dots, and what follows a plus.
fn person(local: &str) -> String {
    let base = local.split('+').next().unwrap_or(local);
    base.chars().filter(|c| *c != '.').flat_map(char::to_lowercase).collect()
}

/// Whether a person, or a person's program, wrote it, so that `From` says whose it is.
fn is_of_person(kind: Kind) -> bool {
    matches!(kind, Kind::Letter | Kind::AutoReply | Kind::Unsubscribe | Kind::Answer | Kind::Receipt)
}

/// Relaxed alignment (RFC 7489 section 3.1.1): the same domain, or one above it.
fn is_aligned(domain: &str, authenticated: &[String]) -> bool {
    let domain = domain.to_lowercase();
    authenticated.iter().any(|own| domain == *own || domain.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')))
}

fn uids(reading: &Reading) -> impl Iterator<Item = &str> {
    reading.answers.iter().map(|answer| answer.uid.as_str()).chain(reading.traces.uids.iter().map(String::as_str))
}

fn message_ids<'r>(reading: &'r Reading, own: &'r Own) -> impl Iterator<Item = String> + 'r {
    let named = reading.original_message_id.iter().chain(&reading.traces.message_ids).cloned();
    // What stands before the @ of a Message-ID is the ENVID (`delivery::dialogue`).
    let envelopes = reading.traces.envelope_ids.iter().map(|envid| format!("{envid}@{}", own.sender.domain()));
    // And so is what stands behind the plus of a reverse-path of its own (`sender.verp`).
    let paths = reading.traces.addressed_to.iter().filter_map(|address| {
        let (local, _) = address.rsplit_once('@')?;
        let id = format!("{}@{}", local.rsplit_once('+')?.1, own.sender.domain());
        own.resembles(&id).then_some(id)
    });
    named.chain(envelopes).chain(paths)
}

/// Those who may be meant, the surest first.
fn addresses(reading: &Reading) -> impl Iterator<Item = &WrittenAddress> {
    let attendees = reading.answers.iter().filter_map(|answer| answer.attendee.as_ref());
    let reported = reading.reports.iter().flat_map(|report| report.original_recipient.iter().chain(&report.recipient));
    attendees.chain(reported).chain(&reading.from)
}
