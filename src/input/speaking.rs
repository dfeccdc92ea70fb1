//! `[speaking_list]` of `convoke.toml`: how those who ask for the floor are ordered, and how long they have it.
//!
//! What: [`SpeakingRules`]. Not here: the list (`journal`). Called by: `event_file`. Can fail: with problems that name the place.

use super::problem::quoted;
use super::toml_reader::TomlReader;

/// By what the list is ordered before anybody is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By class of rank, then by the time of the request.
    Rank,
    /// By the time of the request.
    FirstCome,
    /// By lot.
    Draw,
}

impl Order {
    const ALL: [Self; 3] = [Self::Rank, Self::FirstCome, Self::Draw];

    /// The word in `convoke.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rank => "rank",
            Self::FirstCome => "first-come",
            Self::Draw => "draw",
        }
    }

    /// In words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Rank => "by rank, then by the time of the request",
            Self::FirstCome => "first come, first served",
            Self::Draw => "by lot",
        }
    }
}

/// How the list is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakingRules {
    /// The rule.
    pub order: Order,
    /// Minutes for each who asks for no other time.
    pub minutes: u32,
}

/// Reads the table.
pub(crate) fn read(root: &TomlReader<'_, '_>) -> SpeakingRules {
    let table = root.table("speaking_list");
    let order = table.string("order").and_then(|found| {
        let order = Order::ALL.into_iter().find(|order| order.as_str() == found.value);
        if order.is_none() {
            let fault = format!("order {} is not known", quoted(&found.value));
            table.problem(found.place, fault, "write `rank`, `first-come` or `draw`");
        }
        order
    });
    let minutes = table.integer("minutes", 1..=120).and_then(|found| u32::try_from(found.value).ok());
    table.finish();
    SpeakingRules { order: order.unwrap_or(Order::Rank), minutes: minutes.unwrap_or(3) }
}

#[cfg(test)]
mod tests {
    use super::{Order, SpeakingRules, read};
    use crate::input::toml_reader::TomlDocument;

    fn rules(text: &str) -> (SpeakingRules, Vec<String>) {
        let document = TomlDocument::parse("convoke.toml", text, 1);
        let root = document.root();
        let rules = read(&root);
        root.finish();
        (rules, document.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_usual_list_is_by_rank_with_three_minutes() {
        assert_eq!(rules(""), (SpeakingRules { order: Order::Rank, minutes: 3 }, vec![]));
        let written = rules("[speaking_list]\norder = \"first-come\"\nminutes = 5\n").0;
        assert_eq!(written, SpeakingRules { order: Order::FirstCome, minutes: 5 });
    }

    #[test]
    fn faults_have_places() {
        let (_, problems) = rules("[speaking_list]\norder = \"age\"\nminutes = 0\nlimit = 2\n");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("convoke.toml:2:9"), "{problems:?}");
    }
}
