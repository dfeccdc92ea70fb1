//! The states of a dispatch.

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::Status;

/// Where one message to one mailbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// May be sent.
    Ready,
    /// Taken by a connection; nothing has been accepted.
    Claimed,
    /// On disk before the final dot: from here on the server may have it.
    Armed,
    /// The relay took it.
    Sent,
    /// Refused for now; due again later.
    Deferred,
    /// Refused for good.
    Failed,
    /// Nobody can know whether the relay took it: held until evidence or a person decides.
    InDoubt,
    /// Withheld by a person.
    Held,
    /// No longer on the list, or withdrawn before it was sent.
    Cancelled,
    /// On the list of addresses that must not be written to.
    Suppressed,
    /// The relay took it, and later it came back as undeliverable.
    Bounced,
}

impl Standing {
    /// In the order in which output names them.
    pub const ALL: [Self; 11] = [
        Self::Sent,
        Self::Bounced,
        Self::Ready,
        Self::Claimed,
        Self::Armed,
        Self::Deferred,
        Self::Failed,
        Self::InDoubt,
        Self::Held,
        Self::Cancelled,
        Self::Suppressed,
    ];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Claimed => "CLAIMED",
            Self::Armed => "ARMED",
            Self::Sent => "SENT",
            Self::Deferred => "DEFERRED",
            Self::Failed => "FAILED",
            Self::InDoubt => "IN_DOUBT",
            Self::Held => "HELD",
            Self::Cancelled => "CANCELLED",
            Self::Suppressed => "SUPPRESSED",
            Self::Bounced => "BOUNCED",
        }
    }

    /// Reads the word of the journal.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// The words for a person.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Claimed => "being sent",
            Self::Armed => "awaiting the relay's answer",
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Failed => "refused by the relay",
            Self::InDoubt => "in doubt",
            Self::Held => "held",
            Self::Cancelled => "taken off the list",
            Self::Suppressed => "suppressed",
            Self::Bounced => "returned as undeliverable",
        }
    }

    /// Whether a step from here to there is lawful.
    pub fn may_become(self, next: Self) -> bool {
        use Standing::{Armed, Bounced, Cancelled, Claimed, Deferred, Failed, Held, InDoubt, Ready, Sent, Suppressed};
        match self {
            Ready => matches!(next, Claimed | Held | Cancelled | Suppressed),
            // A refusal before the dot ends in an outcome; a crash or a stop gives it back.
            Claimed => matches!(next, Ready | Armed | Deferred | Failed),
            Armed => matches!(next, Sent | Deferred | Failed | InDoubt),
            Deferred => matches!(next, Ready | Claimed | Held | Cancelled | Suppressed | Failed),
            // By evidence or by a person only.
            InDoubt => matches!(next, Sent | Ready | Bounced),
            Held => matches!(next, Ready | Suppressed),
            Cancelled | Suppressed => matches!(next, Ready),
            // By evidence: a delivery status notification names it.
            Sent => matches!(next, Bounced),
            Failed | Bounced => false,
        }
    }
}

impl From<Standing> for Status {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Ready | Standing::Claimed => Self::Ready,
            // Whoever asks while a run goes on: the relay has it.
            Standing::Armed | Standing::InDoubt => Self::InDoubt,
            Standing::Sent => Self::Sent,
            Standing::Deferred => Self::Deferred,
            Standing::Failed => Self::Refused,
            Standing::Held => Self::Held,
            Standing::Cancelled => Self::Cancelled,
            Standing::Suppressed => Self::Suppressed,
            Standing::Bounced => Self::Bounced,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

/// How many stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Standing, u64>);

impl Tally {
    /// From counts; those of one state are added.
    pub fn new(counts: impl IntoIterator<Item = (Standing, u64)>) -> Self {
        let mut tally = Self::default();
        for (standing, count) in counts {
            *tally.0.entry(standing).or_default() += count;
        }
        tally
    }

    /// How many stand here.
    pub fn of(&self, standing: Standing) -> u64 {
        self.0.get(&standing).copied().unwrap_or(0)
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those that a run may still send: ready, deferred or in work.
    pub fn open(&self) -> u64 {
        [Standing::Ready, Standing::Claimed, Standing::Armed, Standing::Deferred].into_iter().map(|s| self.of(s)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Standing;

    #[test]
    fn words_are_read_back() {
        for standing in Standing::ALL {
            assert_eq!(Standing::parse(standing.as_str()), Some(standing));
        }
        assert_eq!(Standing::parse("DELIVERED"), None);
    }

    #[test]
    fn what_was_sent_or_armed_never_becomes_ready_by_itself() {
        assert!(!Standing::Armed.may_become(Standing::Ready));
        assert!(Standing::ALL.into_iter().all(|next| next == Standing::Bounced || !Standing::Sent.may_become(next)));
        assert!(!Standing::Ready.may_become(Standing::Sent), "nothing is sent that was not armed");
        assert!(!Standing::Ready.may_become(Standing::Armed), "nothing is armed that was not claimed");
    }
}
