//! Who let a plan be sent, and whether that still holds.
//!
//! What: [`PlanRecord`], a sealed plan with its planner and the [`Approval`]s that it got, and how it stands;
//! [`may_approve`] and [`Approval::holds`], the rules; [`Approved`], without which nothing is sent. A plan becomes `Sealed`, a sealed plan gets
//! approvals, and only a comparison without changes makes them an [`Approved`].
//! Names are what people typed: this is a procedure between colleagues and proves nothing to a stranger.
//! Not here: what has changed (`comparison`). Called by: `io::store`, `command`. Can fail: [`Refusal`], in words.

use jiff::Timestamp;

use super::Sealed;
use super::comparison::{Change, Comparison};
use crate::input::approval::ApprovalRules;
use crate::people::fold;

/// That somebody said yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// In the journal.
    pub id: i64,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The runs that began under it.
    pub runs: Vec<i64>,
}

/// How a sealed plan stands, whatever has changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanStanding<'r> {
    /// Nobody has said yes.
    Waiting,
    /// A run may begin.
    Approved {
        /// Who said yes, and when.
        approval: &'r Approval,
        /// To this second.
        until: Timestamp,
    },
    /// Somebody said yes, and that no longer counts.
    Lapsed {
        /// The last one who did.
        approval: &'r Approval,
        /// Why.
        refusal: Refusal,
    },
}

/// A sealed plan as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// In the journal.
    pub id: i64,
    /// What is to be sent.
    pub sealed: Sealed,
    /// Who made it.
    pub by: String,
    /// The account of the operating system under which it was made; may be empty.
    pub account: String,
    /// When.
    pub made: Timestamp,
    /// The last one first.
    pub approvals: Vec<Approval>,
}

/// Why somebody cannot approve, or why an approval no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One person alone.
    #[error("`{0}` made the plan; a second person has to approve it")]
    SamePerson(String),
    /// Not one of `[approval] by`.
    #[error("`{by}` is not among those who may approve ({}); see `by` under [approval]", listed.join(", "))]
    NotListed {
        /// Who would.
        by: String,
        /// Who may.
        listed: Vec<String>,
    },
    /// Too long ago.
    #[error("the approval by `{by}` of {at} has expired; it held until {until}")]
    Expired {
        /// Who approved.
        by: String,
        /// When.
        at: Timestamp,
        /// Until when it held.
        until: Timestamp,
    },
}

/// Whether somebody may approve what `planner` planned.
///
/// # Errors
/// The planner himself; a name that `[approval] by` does not have. Case, accents and punctuation make no other person.
pub fn may_approve(rules: &ApprovalRules, planner: &str, by: &str) -> Result<(), Refusal> {
    if fold(planner) == fold(by) {
        return Err(Refusal::SamePerson(by.to_owned()));
    }
    if !rules.by.is_empty() && !rules.by.iter().any(|name| fold(name) == fold(by)) {
        return Err(Refusal::NotListed { by: by.to_owned(), listed: rules.by.clone() });
    }
    Ok(())
}

impl Approval {
    /// The last instant at which a run may begin under it.
    pub fn until(&self, rules: &ApprovalRules) -> Timestamp {
        self.at.checked_add(rules.valid_for).unwrap_or(Timestamp::MAX)
    }

    /// Whether a run may begin under it at `now`, by the rules as they are now.
    ///
    /// # Errors
    /// As [`may_approve`]; it has expired.
    pub fn holds(&self, planner: &str, rules: &ApprovalRules, now: Timestamp) -> Result<(), Refusal> {
        may_approve(rules, planner, &self.by)?;
        let until = self.until(rules);
        if now > until {
            return Err(Refusal::Expired { by: self.by.clone(), at: seconds(self.at), until: seconds(until) });
        }
        Ok(())
    }
}

/// Without fractions, which nobody reads.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl PlanRecord {
    /// The approval under which a run may begin at `now`.
    ///
    /// # Errors
    /// `None` where nobody approved; why the last one no longer holds.
    pub fn holding(&self, rules: &ApprovalRules, now: Timestamp) -> Result<&Approval, Option<Refusal>> {
        let mut refusal = None;
        for approval in &self.approvals {
            match approval.holds(&self.by, rules, now) {
                Ok(()) => return Ok(approval),
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        Err(refusal)
    }

    /// How it stands at `now` by the rules as they are now.
    pub fn standing(&self, rules: &ApprovalRules, now: Timestamp) -> PlanStanding<'_> {
        match (self.holding(rules, now), self.approvals.first()) {
            (Ok(approval), _) => PlanStanding::Approved { approval, until: approval.until(rules) },
            (Err(Some(refusal)), Some(approval)) => PlanStanding::Lapsed { approval, refusal },
            (Err(_), _) => PlanStanding::Waiting,
        }
    }
}

/// Leave to send: nobody has to be asked, or a second person said yes to just this. A run cannot begin without one.
#[derive(Debug)]
pub struct Approved {
    approvals: Vec<i64>,
}

impl Approved {
    /// Where `convoke.toml` asks for no approval.
    pub fn unasked(rules: &ApprovalRules) -> Option<Self> {
        (!rules.is_required).then(|| Self { approvals: Vec::new() })
    }

    /// What was compared with what was approved.
    ///
    /// # Errors
    /// Everything that has changed since.
    pub fn after(comparison: Comparison, approvals: Vec<i64>) -> Result<Self, Vec<Change>> {
        let changes = comparison.changes();
        if changes.is_empty() { Ok(Self { approvals }) } else { Err(changes) }
    }

    /// The approvals in the journal; none where none was asked for.
    pub fn approvals(&self) -> &[i64] {
        &self.approvals
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Approval, Approved, Comparison, PlanRecord, PlanStanding, Refusal, may_approve};
    use crate::input::approval::ApprovalRules;
    use crate::plan::Extent;
    use crate::plan::sealed::tests::{message, plan};

    fn rules(by: &[&str]) -> ApprovalRules {
        let by = by.iter().map(|name| (*name).to_owned()).collect();
        ApprovalRules { is_required: true, by, valid_for: Duration::from_secs(3600) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn record(approvals: &[(&str, i64)]) -> PlanRecord {
        let approvals = approvals.iter().zip(1..).map(|((by, second), id)| Approval {
            id,
            by: (*by).to_owned(),
            at: at(*second),
            runs: Vec::new(),
        });
        PlanRecord {
            id: 1,
            sealed: plan().seal(Extent::default(), String::new()),
            by: "Ana".to_owned(),
            account: String::new(),
            made: at(0),
            approvals: approvals.collect(),
        }
    }

    #[test]
    fn the_planner_is_no_second_person_however_the_name_is_written() {
        for name in ["Ana", "ana", " ÁNA. "] {
            assert_eq!(may_approve(&rules(&[]), "Ana", name), Err(Refusal::SamePerson(name.to_owned())));
        }
        assert_eq!(may_approve(&rules(&[]), "Ana", "Berta"), Ok(()));
        assert_eq!(may_approve(&rules(&["Ana", "Berta"]), "Ana", "berta"), Ok(()));
        let stranger = may_approve(&rules(&["Ana", "Berta"]), "Ana", "Carl").expect_err("not on the list");
        assert!(stranger.to_string().contains("(Ana, Berta)"), "{stranger}");
    }

    #[test]
    fn an_approval_holds_for_its_time_and_by_the_rules_of_today() {
        let one = record(&[("Berta", 1000)]);
        assert_eq!(one.holding(&rules(&[]), at(1000)).map(|a| a.id), Ok(1));
        assert_eq!(one.holding(&rules(&[]), at(4600)).map(|a| a.id), Ok(1), "to the last second");
        let late = one.holding(&rules(&[]), at(4601)).expect_err("too late").expect("a reason");
        assert_eq!(late, Refusal::Expired { by: "Berta".to_owned(), at: at(1000), until: at(4600) });
        // Whoever was taken off the list since no longer counts.
        assert!(matches!(one.holding(&rules(&["Carl"]), at(1000)), Err(Some(Refusal::NotListed { .. }))));
        assert_eq!(record(&[]).holding(&rules(&[]), at(0)), Err(None));
    }

    #[test]
    fn of_two_approvals_one_that_holds_is_enough() {
        // The last one first: Carl approved later than Berta.
        let two = record(&[("Carl", 5000), ("Berta", 1000)]);
        assert_eq!(two.holding(&rules(&[]), at(8000)).map(|a| a.by.as_str()), Ok("Carl"));
        assert_eq!(two.holding(&rules(&["Berta"]), at(1500)).map(|a| a.by.as_str()), Ok("Berta"));
        let both = two.holding(&rules(&[]), at(9000)).expect_err("both are over").expect("a reason");
        assert!(both.to_string().contains("`Carl`"), "the last one is named: {both}");
    }

    #[test]
    fn a_plan_waits_may_begin_or_has_lapsed() {
        assert_eq!(record(&[]).standing(&rules(&[]), at(0)), PlanStanding::Waiting);
        let two = record(&[("Carl", 5000), ("Berta", 1000)]);
        let holds = |by: &[&str], now| match two.standing(&rules(by), at(now)) {
            PlanStanding::Approved { approval, until } => (approval.by.clone(), until),
            other => panic!("{other:?}"),
        };
        assert_eq!(holds(&[], 8000), ("Carl".to_owned(), at(8600)));
        assert_eq!(holds(&["Berta"], 1500), ("Berta".to_owned(), at(4600)));
        let over = two.standing(&rules(&[]), at(9000));
        assert!(
            matches!(over, PlanStanding::Lapsed { approval, refusal: Refusal::Expired { .. } } if approval.by == "Carl")
        );
    }

    #[test]
    fn only_what_was_approved_is_let_through() {
        assert!(Approved::unasked(&rules(&[])).is_none());
        assert!(Approved::unasked(&ApprovalRules { is_required: false, ..rules(&[]) }).is_some());
        let mut same = Comparison::new(&plan(), &plan());
        same.message(&message(1, "aa"), &[message(1, "aa")]);
        assert_eq!(Approved::after(same, vec![7]).expect("the same").approvals(), [7]);
        let mut other = Comparison::new(&plan(), &plan());
        other.message(&message(1, "ab"), &[message(1, "aa")]);
        assert_eq!(Approved::after(other, vec![7]).expect_err("another").len(), 1);
    }
}
