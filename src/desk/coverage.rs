//! Whom the lists leave out, in words and as JSON.
//!
//! What: [`Covered`], a comparison with the name of its reference; [`Covered::sentence`] is the one line of each check,
//! [`Covered::lines`] the whole. Not here: the comparison (`people::coverage`). Called by: `command`. Can fail: nothing.

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::input::problem::quoted;
use crate::people::coverage::{Coverage, Entity};

/// A comparison with a reference list.
#[derive(Debug)]
pub struct Covered {
    /// The reference list, as the user named it.
    pub reference: String,
    /// What was found.
    pub coverage: Coverage,
    /// The day of the event.
    pub on: Date,
}

impl Covered {
    /// `coverage of un-members.csv: 194 of 195 are on the lists; 1 missing, 1 twice`.
    pub fn sentence(&self) -> String {
        let Coverage { wanted, present, missing, twice, renamed, strangers, has_more_strangers } = &self.coverage;
        let mut found = Vec::new();
        let mut say = |n: usize, words: &str| {
            if n > 0 {
                found.push(format!("{n} {words}"));
            }
        };
        say(missing.len(), "missing");
        say(twice.len(), "twice");
        let former = renamed.iter().filter(|renamed| renamed.is_former).count();
        say(former, "under an old name");
        say(renamed.len() - former, "under another name");
        let words = if *has_more_strangers { "and more not in the reference" } else { "not in the reference" };
        say(strangers.len(), words);
        let rest = if found.is_empty() { "nobody missing, nobody twice".to_owned() } else { found.join(", ") };
        format!("coverage of {}: {present} of {wanted} are on the lists; {rest}", self.reference)
    }

    /// The sentence, and a line for each finding.
    pub fn lines(&self) -> Vec<String> {
        let coverage = &self.coverage;
        let mut lines = vec![self.sentence()];
        for missing in &coverage.missing {
            let likely = coverage.strangers.iter().find(|stranger| stranger.near.as_ref() == Some(&missing.name));
            let likely = likely.map(|stranger| format!(" (perhaps {})", entity(&stranger.entity)));
            lines.push(format!("  missing: {}{}", missing.name, likely.unwrap_or_default()));
        }
        for twice in &coverage.twice {
            let entities: Vec<String> = twice.entities.iter().map(entity).collect();
            lines.push(format!("  twice: {} as {}", twice.name, entities.join(" and ")));
        }
        for renamed in &coverage.renamed {
            let (kind, verb) = if renamed.is_former { ("old name", "is") } else { ("other name", "is for") };
            let since = renamed.since.map(|since| format!(" since {since}")).unwrap_or_default();
            let then = if renamed.was_right {
                format!("; on the day of the event, {}, the old name was right", self.on)
            } else {
                String::new()
            };
            lines.push(format!("  {kind}: {} {verb} {}{since}{then}", entity(&renamed.entity), renamed.name));
        }
        for stranger in &coverage.strangers {
            let near = stranger.near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            lines.push(format!("  not in the reference: {}{near}", entity(&stranger.entity)));
        }
        lines
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let coverage = &self.coverage;
        let entity = |entity: &Entity| json!({ "entity": entity.name, "place": entity.place });
        json!({
            "reference": self.reference,
            "ok": coverage.is_whole(),
            "wanted": coverage.wanted,
            "present": coverage.present,
            "missing": coverage.missing.iter().map(|m| json!({ "name": m.name, "code": m.code })).collect::<Vec<_>>(),
            "twice": coverage.twice.iter().map(|t| json!({
                "name": t.name,
                "entities": t.entities.iter().map(entity).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "renamed": coverage.renamed.iter().map(|r| json!({
                "entity": r.entity.name,
                "place": r.entity.place,
                "name": r.name,
                "is_former": r.is_former,
                "since": r.since.map(|since| since.to_string()),
                "was_right": r.was_right,
            })).collect::<Vec<_>>(),
            "strangers": coverage.strangers.iter().map(|s| json!({
                "entity": s.entity.name,
                "place": s.entity.place,
                "near": s.near,
            })).collect::<Vec<_>>(),
            "has_more_strangers": coverage.has_more_strangers,
        })
    }
}

fn entity(entity: &Entity) -> String {
    format!("{} ({})", quoted(&entity.name), entity.place)
}
