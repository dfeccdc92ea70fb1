//! How sealed plans stand, in words: who sealed them, who let them be sent, until when, and what to do next.
//!
//! What: [`Standings`], of all errands; its lines for the terminal and its JSON for programs.
//! Not here: whether anything has changed since (`plan::Comparison`, which needs every message). Called by: `command`.
//! Can fail: nothing.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::count;
use crate::input::approval::ApprovalRules;
use crate::plan::{Errand, PlanRecord, PlanStanding, Purpose};

/// What is known of all plans.
#[derive(Clone, Debug)]
pub struct Standings<'s> {
    /// As `convoke.toml` has them.
    pub rules: &'s ApprovalRules,
    /// The last one first.
    pub plans: &'s [PlanRecord],
    /// How many messages of each errand may still be sent.
    pub open: &'s [(Errand, u64)],
    /// The options that lead to the folder again: empty, or `-C DIR `.
    pub folder: &'s str,
    /// Now.
    pub now: Timestamp,
}

impl Standings<'_> {
    /// Lines to read; none where nobody is to be asked and nothing was ever sealed.
    pub fn lines(&self) -> Vec<String> {
        if !self.rules.is_required && self.plans.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![match self.rules.is_required {
            true => "approval, which convoke.toml asks for:".to_owned(),
            false => "sealed plans; convoke.toml asks for no approval:".to_owned(),
        }];
        for record in self.shown() {
            let (plan, open) = (record.sealed.plan(), self.open_of(record));
            lines.push(format!(
                "  {:<13}plan {}, {}, sealed by {} on {}",
                plan.purpose,
                record.sealed.seal().short(),
                count(record.sealed.extent().messages, "message", "messages"),
                record.by,
                minute(record.made),
            ));
            let mut then = self.then(record, open);
            if let Some(next) = self.next(record, open) {
                then.push_str(&format!("; next: `{next}`"));
            }
            lines.push(format!("{:15}{then}", ""));
        }
        for (errand, n) in self.unsealed() {
            let open = count(n, "message is", "messages are");
            let next = self.seal_verb(errand.purpose.as_str());
            lines.push(format!("  {:<13}{open} open and in no plan; next: `{next}`", errand.purpose.as_str()));
        }
        if lines.len() == 1 {
            lines.push(format!("  nothing is sealed yet; next: `{}`", self.seal_verb(Purpose::Invitation.as_str())));
        } else if self.shown().any(|record| self.open_of(record) > 0) {
            lines.push(format!("  `convoke {}check` compares them with what would be sent now", self.folder));
        }
        lines
    }

    /// The same for a program.
    pub fn json(&self) -> Value {
        let plans: Vec<Value> = self.shown().map(|record| self.plan_json(record)).collect();
        let unsealed: Vec<Value> = self
            .unsealed()
            .map(|(errand, n)| json!({ "purpose": errand.purpose.as_str(), "mailing": errand.mailing, "open": n }))
            .collect();
        json!({
            "required": self.rules.is_required,
            "by": self.rules.by,
            "valid_for_seconds": self.rules.valid_for.as_secs(),
            "plans": plans,
            "open_without_plan": unsealed,
        })
    }

    fn plan_json(&self, record: &PlanRecord) -> Value {
        let (plan, open) = (record.sealed.plan(), self.open_of(record));
        let (state, why, until) = match record.standing(self.rules, self.now) {
            PlanStanding::Waiting => ("waiting", None, None),
            PlanStanding::Approved { until, .. } => ("approved", None, Some(seconds(until).to_string())),
            PlanStanding::Lapsed { refusal, .. } => ("lapsed", Some(refusal.to_string()), None),
        };
        let approvals: Vec<Value> = record
            .approvals
            .iter()
            .map(|one| json!({ "by": one.by, "at": seconds(one.at).to_string(), "runs": one.runs }))
            .collect();
        json!({
            "purpose": plan.purpose,
            "mailing": plan.mailing,
            "seal": record.sealed.seal(),
            "messages": record.sealed.extent().messages,
            "only": plan.only,
            "sealed_by": record.by,
            "sealed": seconds(record.made).to_string(),
            "state": state,
            "why": why,
            "until": until,
            "approvals": approvals,
            "open": open,
            "next": self.next(record, open),
        })
    }

    /// The last plan of each errand, and earlier ones that let somebody be sent to.
    fn shown(&self) -> impl Iterator<Item = &PlanRecord> {
        self.plans.iter().enumerate().filter_map(|(at, record)| {
            let is_last = !self.plans[..at].iter().any(|later| is_same_errand(later, record));
            let holds = || matches!(record.standing(self.rules, self.now), PlanStanding::Approved { .. });
            (is_last || (self.open_of(record) > 0 && holds())).then_some(record)
        })
    }

    fn open_of(&self, record: &PlanRecord) -> u64 {
        let plan = record.sealed.plan();
        let is_its = |errand: &Errand| errand.purpose.as_str() == plan.purpose && errand.mailing == plan.mailing;
        self.open.iter().find(|(errand, _)| is_its(errand)).map_or(0, |(_, n)| *n)
    }

    /// Errands that are open and of which nothing is sealed, where somebody has to be asked.
    fn unsealed(&self) -> impl Iterator<Item = (Errand, u64)> {
        let is_sealed = |errand: Errand| {
            self.plans.iter().any(|record| {
                let plan = record.sealed.plan();
                plan.purpose == errand.purpose.as_str() && plan.mailing == errand.mailing
            })
        };
        self.open.iter().copied().filter(move |(errand, _)| self.rules.is_required && !is_sealed(*errand))
    }

    fn then(&self, record: &PlanRecord, open: u64) -> String {
        let runs = |runs: &[i64]| match runs {
            [] => String::new(),
            [run] => format!("; run {run} began under it"),
            runs => {
                let numbers: Vec<String> = runs.iter().map(ToString::to_string).collect();
                format!("; runs {} began under it", numbers.join(", "))
            }
        };
        match record.standing(self.rules, self.now) {
            PlanStanding::Waiting if open == 0 => "nobody approved it, and nothing of it is open".to_owned(),
            PlanStanding::Waiting => "nobody has approved it yet".to_owned(),
            // What is over needs no approval.
            PlanStanding::Approved { approval, .. } | PlanStanding::Lapsed { approval, .. } if open == 0 => {
                let (by, at) = (&approval.by, minute(approval.at));
                format!("approved by {by} on {at}{}; nothing of it is open", runs(&approval.runs))
            }
            PlanStanding::Approved { approval, until } => {
                let (by, at, until) = (&approval.by, minute(approval.at), minute(until));
                format!("approved by {by} on {at}, until {until}{}; {open} open", runs(&approval.runs))
            }
            PlanStanding::Lapsed { refusal, .. } => format!("{refusal}; {open} open"),
        }
    }

    /// What somebody types next; `None` where nothing is left to do.
    fn next(&self, record: &PlanRecord, open: u64) -> Option<String> {
        if open == 0 {
            return None;
        }
        let purpose = &record.sealed.plan().purpose;
        Some(match record.standing(self.rules, self.now) {
            PlanStanding::Waiting => format!("convoke {}approve", self.folder),
            PlanStanding::Approved { .. } => {
                format!("convoke {}{}", self.folder, Purpose::parse(purpose).map_or("send", Purpose::verb))
            }
            PlanStanding::Lapsed { .. } => self.seal_verb(purpose),
        })
    }

    fn seal_verb(&self, purpose: &str) -> String {
        match Purpose::parse(purpose) {
            None | Some(Purpose::Invitation) => format!("convoke {}plan", self.folder),
            Some(other) => format!("convoke {}{} --seal", self.folder, other.verb()),
        }
    }
}

fn is_same_errand(one: &PlanRecord, other: &PlanRecord) -> bool {
    let (one, other) = (one.sealed.plan(), other.sealed.plan());
    (&one.purpose, one.mailing) == (&other.purpose, other.mailing)
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Without fractions, which nobody reads.
fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
