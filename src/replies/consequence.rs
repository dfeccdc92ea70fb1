//! What follows from a mail that came back.
//!
//! What: [`consequence`], from a reading and what the journal knows to a [`Judged`]: whose it is, what changes, and whether a
//! person has to look at it. Only what is proven or bound changes anything; everything that no rule decides waits for a
//! person, and what concerns another event is said to. Standards: RFC 5546 section 3.2.3 (answers), 3.2.7 (counter-proposals),
//! RFC 3464 section 2.3.3 (actions). Not here: whose it is (`binding`), carrying it out (`io::store`), what several answers
//! come to (`journal::entity`). Called by: `command::replies`. Can fail: nothing.
//!
//! The order in which mails are read does not matter for where anything stands at the end: answers are kept with their own
//! times, a final report wins over evidence of arrival, and evidence settles doubts only.

use jiff::Timestamp;

use super::binding::{Actor, Binding, Known, Own, key};
use super::{Action, Answer, AttendeeMethod, Class, Kind, Reading, Report};
use crate::calendar::{PartStat, Sequence};
use crate::journal::{self, Bound, Decision, Effect, InboundState, Returned, SuppressionReason, Trust};

/// Characters of a server's or an attendee's words that are kept.
const LONGEST_WORDS: usize = 2000;

/// What a person may want to know of a mail, beside its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// An answer under another name of the invited.
    Alias,
    /// Another mailbox of the same domain answered.
    Colleague,
    /// Another time or place is proposed.
    CounterProposal,
    /// Somebody in the invited's place answered.
    Delegate,
    /// After the event.
    Late,
    /// It answers with a word that is none, or with nothing.
    NoKnownAnswer,
    /// It is about another event or another message.
    NotOfThisEvent,
    /// Whoever answered is on no list.
    NotOnTheLists,
    /// It answers one instance of an event that has one.
    OneInstance,
    /// Somebody else who is invited used this invitation.
    OtherInvited,
    /// A report names an address that we did not write to.
    OtherRecipient,
    /// The invitation is asked for once more.
    Refresh,
    /// It answers an older object than the mailbox has (RFC 5546 section 2.1.5).
    Stale,
    /// A call is asked for, as it seems.
    WantsCall,
}

impl Flag {
    /// The word in the journal and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Colleague => "colleague",
            Self::CounterProposal => "counter-proposal",
            Self::Delegate => "delegate",
            Self::Late => "late",
            Self::NoKnownAnswer => "no-known-answer",
            Self::NotOfThisEvent => "not-of-this-event",
            Self::NotOnTheLists => "not-on-the-lists",
            Self::OneInstance => "one-instance",
            Self::OtherInvited => "other-invited",
            Self::OtherRecipient => "other-recipient",
            Self::Refresh => "refresh",
            Self::Stale => "stale",
            Self::WantsCall => "wants-call",
        }
    }
}

/// What is known beside the mail and the journal.
#[derive(Clone, Debug)]
pub struct Circumstances<'c> {
    /// Where this event's identities come from.
    pub own: &'c Own,
    /// When the event ends.
    pub end: Timestamp,
    /// Domains that our own mail host vouches for ([`authenticated_domains`](super::authenticated_domains)).
    pub authenticated: &'c [String],
    /// What the answer's evidence is called in the journal: the mail's digest.
    pub evidence: &'c str,
    /// When the mailbox took the mail, where that is known.
    pub received: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// Whose a mail is, what follows, and where it stands then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whose, and what follows.
    pub bound: Bound,
    /// Where it stands.
    pub state: InboundState,
}

/// Judges one mail.
pub fn consequence(reading: &Reading, known: &Known, circumstances: &Circumstances<'_>) -> Judged {
    let mut judge = Judge { reading, known, circumstances, bound: Bound::default(), flags: Vec::new() };
    let state = match reading.kind {
        Kind::Answer => judge.answers(),
        Kind::Bounce | Kind::Complaint => judge.reports(),
        Kind::Receipt | Kind::AutoReply => judge.notice(),
        Kind::Challenge | Kind::Letter | Kind::Unreadable => judge.letter(),
        Kind::Unsubscribe => judge.unsubscribe(),
        Kind::Echo => judge.echo(),
    };
    if reading.wants_call && state != InboundState::Ignored {
        judge.flags.push(Flag::WantsCall);
    }
    judge.flags.sort_unstable();
    judge.flags.dedup();
    judge.bound.flags = judge.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(" ");
    Judged { bound: judge.bound, state }
}

struct Judge<'j> {
    reading: &'j Reading,
    known: &'j Known,
    circumstances: &'j Circumstances<'j>,
    bound: Bound,
    flags: Vec<Flag>,
}

impl<'j> Judge<'j> {
    /// When it was said: what it says itself, but never later than we read it.
    fn said(&self, own: Option<Timestamp>) -> Timestamp {
        let now = self.circumstances.now;
        own.or(self.reading.date).or(self.circumstances.received).unwrap_or(now).min(now)
    }

    fn take(&mut self, binding: &Binding<'_>) {
        self.bound.level = Some(binding.level);
        self.bound.rule = binding.rule.to_owned();
        self.bound.recipient = Some(binding.invited.recipient);
        self.bound.dispatch = binding.message.map(|sent| sent.dispatch);
        self.bound.entity.clone_from(&binding.invited.entity);
        self.bound.actor = binding.acted_as.as_ref().map(|address| address.as_str().to_owned()).unwrap_or_default();
        match binding.actor {
            Actor::Invited => {}
            Actor::Alias => self.flags.push(Flag::Alias),
            Actor::Colleague => self.flags.push(Flag::Colleague),
            Actor::Delegate => self.flags.push(Flag::Delegate),
            Actor::OtherInvited => self.flags.push(Flag::OtherInvited),
            Actor::Outsider => self.flags.push(Flag::NotOnTheLists),
        }
    }

    fn not_ours(&mut self) -> InboundState {
        self.flags.push(Flag::NotOfThisEvent);
        InboundState::Ignored
    }

    /// That something only its recipient can have came back proves that a message was sent.
    fn arrived(&mut self, dispatch: i64) {
        let reason = format!("a {} to it came back", self.reading.kind.as_str());
        self.bound.effects.push(Effect::Arrived { dispatch, reason });
    }

    fn answers(&mut self) -> InboundState {
        let (reading, known) = (self.reading, self.known);
        let bindings: Vec<(&Answer, Option<Binding<'j>>)> = reading
            .answers
            .iter()
            .map(|answer| (answer, known.of_answer(answer, reading, self.circumstances.authenticated)))
            .collect();
        let is_bound = |binding: &Option<Binding<'_>>| binding.as_ref().is_some_and(|b| b.level != Trust::Claimed);
        if !bindings.iter().any(|(_, binding)| is_bound(binding)) {
            if known.is_of_another(reading, self.circumstances.own) {
                return self.not_ours();
            }
            if let Some((answer, Some(binding))) = bindings.iter().find(|(_, binding)| binding.is_some()) {
                self.take(binding);
                self.suggest_answer(answer.partstat);
            } else {
                self.suggest_answer(reading.answers.first().and_then(|answer| answer.partstat));
            }
            return InboundState::Triage;
        }
        let mut needs_person = false;
        let mut changed = false;
        // The first one that is bound gives its name to the card; all of them have their effects.
        let mut is_named = false;
        for (answer, binding) in &bindings {
            let Some(binding) = binding.as_ref().filter(|binding| binding.level != Trust::Claimed) else { continue };
            if !std::mem::replace(&mut is_named, true) {
                self.take(binding);
            }
            match self.answer(answer, binding) {
                Some(effect) => {
                    self.bound.effects.push(effect);
                    changed = true;
                }
                None => {
                    needs_person |= !matches!(
                        (answer.method, answer.partstat),
                        (AttendeeMethod::DeclineCounter, _) | (AttendeeMethod::Reply, Some(PartStat::NeedsAction))
                    );
                }
            }
        }
        match (needs_person, changed) {
            (true, _) => InboundState::Triage,
            (false, true) => InboundState::Settled,
            (false, false) => InboundState::Recorded,
        }
    }

    /// What a bound answer changes; `None`: nothing by itself.
    fn answer(&mut self, answer: &Answer, binding: &Binding<'_>) -> Option<Effect> {
        let invited = binding.invited;
        let said = self.said(answer.dtstamp);
        let sequence = answer.sequence.and_then(Sequence::new);
        let message = invited.answered(sequence, said)?;
        self.bound.dispatch.get_or_insert(message.dispatch);
        if let Some(only) = invited.only(sequence) {
            self.arrived(only.dispatch);
        }
        if sequence.is_some() && sequence < invited.latest() {
            self.flags.push(Flag::Stale);
        }
        if said > self.circumstances.end {
            self.flags.push(Flag::Late);
        }
        if answer.recurrence_id.is_some() {
            self.flags.push(Flag::OneInstance);
        }
        match answer.method {
            AttendeeMethod::Reply => {}
            AttendeeMethod::Counter => {
                self.flags.push(Flag::CounterProposal);
                self.suggest_answer(answer.partstat);
                return None;
            }
            AttendeeMethod::Refresh => {
                self.flags.push(Flag::Refresh);
                self.bound.suggestion = Decision::Nothing.as_str().to_owned();
                return None;
            }
            AttendeeMethod::DeclineCounter => return None,
        }
        let Some(partstat) = answer.partstat else {
            self.flags.push(Flag::NoKnownAnswer);
            return None;
        };
        if partstat == PartStat::NeedsAction {
            return None;
        }
        // With an invitation that was made for somebody else: a person decides for whom it counts.
        if matches!(binding.actor, Actor::Outsider | Actor::OtherInvited) {
            self.suggest_answer(Some(partstat));
            return None;
        }
        let attendee = binding.acted_as.as_ref().map(|address| address.as_str().to_owned()).unwrap_or_default();
        Some(Effect::Answer(Box::new(journal::Answer {
            entity: invited.entity.clone(),
            recipient: Some(invited.recipient),
            partstat,
            persons: answer.guests.filter(|_| comes(partstat)).map(|guests| guests.saturating_add(1).min(10_000)),
            comment: comment(answer),
            source: "calendar".to_owned(),
            by: "convoke".to_owned(),
            is_note: false,
            attendee,
            sequence,
            dtstamp: answer.dtstamp,
            said,
            recorded: self.circumstances.now,
            revision: message.revision,
            evidence: self.circumstances.evidence.to_owned(),
            level: Some(binding.level),
            applies: true,
        })))
    }

    fn reports(&mut self) -> InboundState {
        let (reading, known) = (self.reading, self.known);
        let Some(binding) = known.of_mail(reading, self.circumstances.own) else {
            if known.is_of_another(reading, self.circumstances.own) {
                return self.not_ours();
            }
            // It names people who are not invited, and nothing of ours.
            let names_somebody = reading.reports.iter().any(|report| report.recipient.is_some());
            return if names_somebody && reading.kind == Kind::Bounce { self.not_ours() } else { InboundState::Triage };
        };
        let decision = if reading.kind == Kind::Bounce { Decision::Bounce } else { Decision::Unsubscribe };
        if binding.level == Trust::Claimed {
            if known.is_of_another(reading, self.circumstances.own) {
                return self.not_ours();
            }
            self.take(&binding);
            self.bound.suggestion = decision.as_str().to_owned();
            return InboundState::Triage;
        }
        self.take(&binding);
        let invited = binding.invited;
        let said = self.said(None);
        let message = binding.message.or_else(|| invited.answered(None, said));
        self.bound.dispatch = message.map(|sent| sent.dispatch);
        let Some(message) = message else { return InboundState::Triage };
        if reading.kind == Kind::Complaint {
            self.arrived(message.dispatch);
            let note = "called spam by its owner".to_owned();
            let (address, reason) = (invited.address.clone(), SuppressionReason::Complaint);
            self.bound.effects.push(Effect::Suppress { address, reason, note });
            return InboundState::Settled;
        }
        let own = invited.address.key();
        let is_own =
            |report: &&Report| report.recipient.iter().chain(&report.original_recipient).any(|one| key(one) == own);
        let mut relevant: Vec<&Report> = reading.reports.iter().filter(is_own).collect();
        if relevant.is_empty() {
            match reading.reports.as_slice() {
                // Forwarded by a system that does not say from where.
                [one] => {
                    if one.recipient.is_some() {
                        self.flags.push(Flag::OtherRecipient);
                    }
                    relevant.push(one);
                }
                [] => {
                    self.bound.suggestion = decision.as_str().to_owned();
                    return InboundState::Triage;
                }
                // Members of a list: for some of them it may have arrived.
                _ => {
                    self.flags.push(Flag::OtherRecipient);
                    self.bound.suggestion = decision.as_str().to_owned();
                    return InboundState::Triage;
                }
            }
        }
        let mut state = InboundState::Recorded;
        for report in relevant {
            let is_final = match report.action {
                Some(Action::Failed) => true,
                Some(Action::Delayed) => false,
                Some(Action::Delivered | Action::Relayed | Action::Expanded) => {
                    self.arrived(message.dispatch);
                    continue;
                }
                None => {
                    self.bound.suggestion = decision.as_str().to_owned();
                    return InboundState::Triage;
                }
            };
            self.bound.effects.push(Effect::Returned(Returned {
                dispatch: message.dispatch,
                class: report.class.as_str().to_owned(),
                status: report.status.map(|code| code.to_string()).unwrap_or_default(),
                diagnostic: words(report.diagnostic.as_deref().unwrap_or_default()),
                is_final,
                said,
            }));
            if is_final {
                state = InboundState::Settled;
                // Dead is the address that the report names; it may be another than the one that we wrote to.
                if report.is_dead == Some(true) && !self.flags.contains(&Flag::OtherRecipient) {
                    let note = words(report.diagnostic.as_deref().unwrap_or(report.class.as_str()));
                    let (address, reason) = (invited.address.clone(), SuppressionReason::Bounce);
                    self.bound.effects.push(Effect::Suppress { address, reason, note });
                }
            }
        }
        state
    }

    /// Receipts and automatic replies: good to know.
    fn notice(&mut self) -> InboundState {
        let Some(binding) = self.known.of_mail(self.reading, self.circumstances.own) else { return self.not_ours() };
        if binding.level == Trust::Claimed && self.known.is_of_another(self.reading, self.circumstances.own) {
            return self.not_ours();
        }
        self.take(&binding);
        if let Some(message) = binding.message {
            self.arrived(message.dispatch);
        }
        let until = self.reading.absence.as_ref().and_then(|absence| absence.until);
        self.bound.absent_until = until.map(|day| day.to_string()).unwrap_or_default();
        InboundState::Recorded
    }

    /// A person wrote, or something that only a person can understand.
    fn letter(&mut self) -> InboundState {
        match self.known.of_mail(self.reading, self.circumstances.own) {
            Some(binding) => {
                self.take(&binding);
                if let Some(message) = binding.message.filter(|_| binding.level != Trust::Claimed) {
                    self.arrived(message.dispatch);
                }
            }
            None if self.reading.kind != Kind::Unreadable
                && self.known.is_of_another(self.reading, self.circumstances.own) =>
            {
                return self.not_ours();
            }
            None => {}
        }
        self.suggest_answer(self.reading.suggestion);
        if self.bound.suggestion.is_empty() && self.reading.wants_floor {
            self.bound.suggestion = Decision::Speaker.as_str().to_owned();
        }
        if self.bound.suggestion.is_empty() && self.reading.wants_call {
            self.bound.suggestion = Decision::Call.as_str().to_owned();
        }
        InboundState::Triage
    }

    fn unsubscribe(&mut self) -> InboundState {
        self.bound.suggestion = Decision::Unsubscribe.as_str().to_owned();
        let Some(binding) = self.known.of_mail(self.reading, self.circumstances.own) else {
            return InboundState::Triage;
        };
        self.take(&binding);
        if binding.level == Trust::Claimed || !matches!(binding.actor, Actor::Invited | Actor::Alias) {
            return InboundState::Triage;
        }
        if let Some(message) = binding.message {
            self.arrived(message.dispatch);
        }
        let (address, reason) = (binding.invited.address.clone(), SuppressionReason::Unsubscribe);
        let note = "wrote that no mail is wanted".to_owned();
        self.bound.effects.push(Effect::Suppress { address, reason, note });
        InboundState::Settled
    }

    fn echo(&mut self) -> InboundState {
        match self.known.of_mail(self.reading, self.circumstances.own) {
            Some(binding) => {
                self.take(&binding);
                InboundState::Recorded
            }
            None => self.not_ours(),
        }
    }

    fn suggest_answer(&mut self, partstat: Option<PartStat>) {
        let decision = match partstat {
            Some(PartStat::Accepted) => Decision::Accepted,
            Some(PartStat::Declined) => Decision::Declined,
            Some(PartStat::Tentative) => Decision::Tentative,
            Some(PartStat::Delegated) => Decision::Delegated,
            Some(PartStat::NeedsAction) | None => return,
        };
        self.bound.suggestion = decision.as_str().to_owned();
    }
}

/// What to do about messages that came back for this reason.
pub fn cure(class: Class) -> &'static str {
    match class {
        Class::UserUnknown | Class::HostUnknown | Class::Moved | Class::Inactive | Class::Syntax => {
            "check the address, ask by telephone for the right one"
        }
        Class::MailboxFull | Class::Expired | Class::System | Class::Network | Class::RateLimited | Class::Loop => {
            "try later, or ask by telephone for another address"
        }
        Class::Filtered | Class::Blocked | Class::Spam | Class::Security | Class::Policy | Class::NotAccepting => {
            "ask by telephone to let our mail in, or send from another relay"
        }
        Class::Authentication | Class::Relaying => "check SPF, DKIM and the relay (`convoke check`), then try again",
        Class::Content | Class::Size => "send it in another form by hand",
        Class::Complaint => "do not write again",
        Class::Arrived | Class::Other => "look at the report, ask by telephone",
    }
}

fn comes(partstat: PartStat) -> bool {
    matches!(partstat, PartStat::Accepted | PartStat::Tentative)
}

fn comment(answer: &Answer) -> String {
    let mut comment = words(answer.comment.as_deref().unwrap_or_default());
    if answer.partstat == Some(PartStat::Delegated) && !answer.delegated_to.is_empty() {
        let to: Vec<&str> = answer.delegated_to.iter().map(|address| address.as_str()).collect();
        let to = words(&format!("delegated to {}", to.join(", ")));
        comment = if comment.is_empty() { to } else { format!("{comment} ({to})") };
    }
    comment
}

/// Others' words, as long as they may be in a ledger.
fn words(text: &str) -> String {
    text.trim().chars().take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests;
