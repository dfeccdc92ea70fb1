//! `[approval]` of `convoke.toml`: whether a second person has to say yes before anything is sent.
//!
//! What: [`ApprovalRules`]. Not here: what is approved (`plan`), who types it (`command`). Called by: `event_file`.
//! Can fail: with problems that name the place.

use std::time::Duration;

use super::problem::quoted;
use super::toml_reader::TomlReader;
use super::units::parse_duration;
use crate::people::fold;

/// Long enough for a working day, short enough that nobody sends what was approved for another week.
const VALID_FOR: Duration = Duration::from_secs(24 * 3600);

/// Who may let a plan be sent, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRules {
    /// Whether nothing is sent without it.
    pub is_required: bool,
    /// The names of those who may approve; empty means anybody but the planner.
    pub by: Vec<String>,
    /// How long after it a run may begin.
    pub valid_for: Duration,
}

/// Reads the table.
pub(crate) fn read(root: &TomlReader<'_, '_>) -> ApprovalRules {
    let table = root.table("approval");
    let is_required = table.boolean("required").unwrap_or(false);
    let mut by: Vec<String> = Vec::new();
    for found in table.strings("by").unwrap_or_default() {
        let name = found.value.trim();
        if fold(name).is_empty() {
            let fault = format!("the name {} has no letters", quoted(&found.value));
            table.problem(found.place, fault, "write the name of somebody who may approve");
        } else if by.iter().any(|other| fold(other) == fold(name)) {
            let fault = format!("the name {} stands here twice", quoted(name));
            table.problem(found.place, fault, "write each name once");
        } else {
            by.push(name.to_owned());
        }
    }
    let valid_for = table.string("valid_for").and_then(|found| {
        let read = parse_duration(&found.value);
        if read.is_none() {
            let fault = format!("{} is no duration", quoted(&found.value));
            table.problem(found.place, fault, "write one such as \"90min\", \"24h\" or \"3d\"");
        }
        read
    });
    table.finish();
    ApprovalRules { is_required, by, valid_for: valid_for.unwrap_or(VALID_FOR) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ApprovalRules, VALID_FOR, read};
    use crate::input::toml_reader::TomlDocument;

    fn rules(text: &str) -> (ApprovalRules, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let rules = read(&root);
        root.finish();
        (rules, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nobody_is_asked_unless_one_line_says_so() {
        let unasked = ApprovalRules { is_required: false, by: vec![], valid_for: VALID_FOR };
        assert_eq!(rules(""), (unasked.clone(), vec![]));
        assert_eq!(rules("[approval]\nrequired = true\n").0, ApprovalRules { is_required: true, ..unasked });
        let written = rules("[approval]\nrequired = true\nby = [\" Ana \", \"Berta\"]\nvalid_for = \"90min\"\n").0;
        assert_eq!((written.by.join(","), written.valid_for), ("Ana,Berta".to_owned(), Duration::from_secs(5400)));
    }

    #[test]
    fn faults_have_places() {
        let (_, problems) =
            rules("[approval]\nrequired = \"yes\"\nby = [\"Ana\", \"ana\", \"-\"]\nvalid_for = \"soon\"\nsigned = 1\n");
        let all = problems.join("\n");
        assert_eq!(problems.len(), 5, "{all}");
        for part in ["convoke.toml:2:", "`ana` stands here twice", "has no letters", "convoke.toml:4:", "signed"] {
            assert!(all.contains(part), "{part} in {all}");
        }
    }
}
