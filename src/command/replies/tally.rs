//! What came in one run, counted: as many go out of it as came in.
//!
//! What: [`Tally`]. Called by: `collect`. Can fail: nothing.

use serde_json::{Value, json};

use crate::desk::count;
use crate::journal::InboundState;
use crate::replies::Kind;

/// Counts of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// New ones, in the order of [`Kind::ALL`].
    new: [u64; Kind::ALL.len()],
    /// Recorded by an earlier run, or twice in this one.
    seen: u64,
    /// Of the new ones.
    triage: u64,
    /// Could not be read from where they lie.
    pub(super) unread: u64,
}

impl Tally {
    /// One more.
    pub(super) fn add(&mut self, kind: Kind, state: InboundState, is_new: bool) {
        if !is_new {
            self.seen += 1;
            return;
        }
        let place = Kind::ALL.iter().position(|k| *k == kind).expect("all kinds are there");
        self.new[place] += 1;
        self.triage += u64::from(state == InboundState::Triage);
    }

    /// All that came.
    pub(super) fn total(&self) -> u64 {
        self.new.iter().sum::<u64>() + self.seen + self.unread
    }

    /// `312 messages: 180 calendar replies, 40 bounces; 5 seen before; 12 for triage`
    pub(super) fn line(&self, is_dry: bool) -> String {
        let mut line = count(self.total(), "message", "messages");
        let kinds: Vec<String> = Kind::ALL
            .into_iter()
            .zip(self.new)
            .filter(|(_, n)| *n > 0)
            .map(|(kind, n)| {
                let (one, many) = names(kind);
                count(n, one, many)
            })
            .collect();
        if !kinds.is_empty() {
            line.push_str(": ");
            line.push_str(&kinds.join(", "));
        }
        for (n, words) in [(self.seen, "seen before"), (self.unread, "not readable"), (self.triage, "for triage")] {
            if n > 0 {
                line.push_str(&format!("; {n} {words}"));
            }
        }
        if is_dry {
            line.push_str("; nothing was recorded");
        }
        line
    }

    pub(super) fn json(&self) -> Value {
        let kinds: serde_json::Map<String, Value> =
            Kind::ALL.into_iter().zip(self.new).map(|(kind, n)| (kind.as_str().to_owned(), n.into())).collect();
        json!({ "messages": self.total(), "new": kinds, "seen_before": self.seen, "not_readable": self.unread,
            "triage": self.triage })
    }
}

fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Answer => ("calendar reply", "calendar replies"),
        Kind::Bounce => ("bounce", "bounces"),
        Kind::Complaint => ("complaint", "complaints"),
        Kind::Receipt => ("receipt", "receipts"),
        Kind::AutoReply => ("automatic reply", "automatic replies"),
        Kind::Challenge => ("challenge", "challenges"),
        Kind::Unsubscribe => ("wish to be left alone", "wishes to be left alone"),
        Kind::Letter => ("letter", "letters"),
        Kind::Echo => ("other calendar mail", "other calendar mails"),
        Kind::Unreadable => ("without any header", "without any header"),
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::journal::InboundState;
    use crate::replies::Kind;

    #[test]
    fn as_many_go_out_as_came_in() {
        let mut tally = Tally::default();
        for (n, kind) in Kind::ALL.into_iter().enumerate() {
            for _ in 0..=n {
                tally.add(kind, InboundState::Recorded, true);
            }
        }
        tally.add(Kind::Letter, InboundState::Triage, true);
        tally.add(Kind::Letter, InboundState::Triage, false);
        tally.unread = 1;
        assert_eq!(tally.total(), 55 + 3);
        assert_eq!(
            tally.line(false),
            "58 messages: 1 calendar reply, 2 bounces, 3 complaints, 4 receipts, 5 automatic replies, 6 challenges, 7 wishes to be \
             left alone, 9 letters, 9 other calendar mails, 10 without any header; 1 seen before; 1 not readable; 1 for triage"
        );
        assert_eq!(Tally::default().line(true), "0 messages; nothing was recorded");
    }
}
