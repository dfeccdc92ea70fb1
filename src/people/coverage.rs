//! Whom a list leaves out.
//!
//! What: [`Coverage`], a reference list (all Member States and observers, or any names) against those who are on the lists of
//! recipients: missing, twice, under an old or another name, not recognised.
//! Not here: files (`input`), words about it (`desk`). Called by: `command`. Can fail: nothing; what is not recognised is a
//! finding. The order of either list changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::names::{self, Status};
use super::{Kind, fold};

/// Somebody of the reference list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As the reference has it.
    pub name: String,
    /// ISO 3166-1 alpha-2; empty where the reference has none.
    pub code: String,
    /// What it is; `None` where the reference does not say, and then recipients of every kind count.
    pub kind: Option<Kind>,
}

/// An entity on the lists of recipients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    /// As the lists have it.
    pub name: String,
    /// Its first row, in words.
    pub place: String,
}

/// One who is not on the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// As the reference has it.
    pub name: String,
    /// May be empty.
    pub code: String,
}

/// One who is on the lists as several entities; several rows of one entity are not twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twice {
    /// As the reference has it.
    pub name: String,
    /// As the lists have it, sorted; the first [`SPELLINGS_MOST`].
    pub entities: Vec<Entity>,
}

/// One who is on the lists under a name that is not their own, or no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// As the lists have it.
    pub entity: Entity,
    /// As the reference has it.
    pub name: String,
    /// Whether it is a name of earlier days.
    pub is_former: bool,
    /// The day from which the newer name holds, where it is known.
    pub since: Option<Date>,
    /// Whether the old name was still right on the day of the event.
    pub was_right: bool,
}

/// An entity that the reference does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// As the lists have it.
    pub entity: Entity,
    /// A name of the reference that is spelt nearly so.
    pub near: Option<String>,
}

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many the reference names.
    pub wanted: usize,
    /// How many of them are on the lists.
    pub present: usize,
    /// In the order of the reference.
    pub missing: Vec<Missing>,
    /// In the order of the reference.
    pub twice: Vec<Twice>,
    /// Sorted by entity.
    pub renamed: Vec<Renamed>,
    /// Sorted by entity; the first [`STRANGERS_MOST`].
    pub strangers: Vec<Stranger>,
    /// Whether there are more strangers than those.
    pub has_more_strangers: bool,
}

/// Entities that are kept of one name of the reference: so many are a fault of the list, not of the comparison.
pub const SPELLINGS_MOST: usize = 100;
/// Strangers that are kept, so that a list of millions takes no memory.
pub const STRANGERS_MOST: usize = 1000;
/// Strangers for whom a near name is looked for.
const NEAR_MOST: usize = 100;

impl Coverage {
    /// Whether everybody is there, and once.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.twice.is_empty()
    }
}

/// A comparison while the lists are read; its memory is bounded by the reference, not by the lists.
#[derive(Debug)]
pub struct Comparison<'r> {
    reference: &'r [Wanted],
    kinds: BTreeSet<Kind>,
    by_key: BTreeMap<String, usize>,
    /// For each of the reference the entities that stand for it, by their folded names.
    found: Vec<BTreeMap<String, (Entity, Status)>>,
    strangers: BTreeMap<String, Entity>,
    has_more_strangers: bool,
    /// The last name, for the rows of an entity stand together.
    last: String,
}

impl<'r> Comparison<'r> {
    /// Begins with nobody on the lists.
    pub fn new(reference: &'r [Wanted]) -> Self {
        Self {
            reference,
            kinds: reference.iter().filter_map(|wanted| wanted.kind).collect(),
            by_key: reference.iter().enumerate().map(|(number, wanted)| (wanted.key(), number)).collect(),
            found: vec![BTreeMap::new(); reference.len()],
            strangers: BTreeMap::new(),
            has_more_strangers: false,
            last: String::new(),
        }
    }

    /// Takes a row; kinds that the reference does not have are not its business. `place` is asked for new entities only.
    pub fn add(&mut self, name: &str, kind: Kind, place: impl FnOnce() -> String) {
        if !(self.kinds.is_empty() || self.kinds.contains(&kind)) || self.last == name {
            return;
        }
        name.clone_into(&mut self.last);
        let (known, core) = names::resolve(name);
        let key = known.map_or(core, |known| known.code.to_owned());
        // The same words in other letters are the same entity.
        let folded = fold(name);
        let entity = |place: String| Entity { name: name.to_owned(), place };
        match self.by_key.get(&key) {
            Some(&number) => {
                let spellings = &mut self.found[number];
                let status = known.map_or(Status::Own, |known| known.status);
                spellings.entry(folded).or_insert_with(|| (entity(place()), status));
                if spellings.len() > SPELLINGS_MOST {
                    spellings.pop_last();
                }
            }
            None => {
                self.strangers.entry(folded).or_insert_with(|| entity(place()));
                if self.strangers.len() > STRANGERS_MOST {
                    self.strangers.pop_last();
                    self.has_more_strangers = true;
                }
            }
        }
    }

    /// What was found; `on` is the day of the event, which decides whether a former name was right.
    pub fn finish(self, on: Date) -> Coverage {
        let has_more_strangers = self.has_more_strangers;
        let mut coverage = Coverage { wanted: self.reference.len(), has_more_strangers, ..Coverage::default() };
        for (wanted, spellings) in self.reference.iter().zip(self.found) {
            let name = || wanted.name.clone();
            if spellings.is_empty() {
                coverage.missing.push(Missing { name: name(), code: wanted.code.clone() });
                continue;
            }
            coverage.present += 1;
            for (entity, status) in spellings.values() {
                let (is_former, since) = match status {
                    Status::Former(since) => (true, *since),
                    Status::Other => (false, None),
                    Status::Own => continue,
                };
                // What the reference itself calls so is no other name.
                if fold(&wanted.name) != names::core(&entity.name) {
                    let was_right = since.is_some_and(|since| on < since);
                    let entity = entity.clone();
                    coverage.renamed.push(Renamed { entity, name: name(), is_former, since, was_right });
                }
            }
            if spellings.len() > 1 {
                let mut entities: Vec<Entity> = spellings.into_values().map(|(entity, _)| entity).collect();
                entities.sort();
                coverage.twice.push(Twice { name: name(), entities });
            }
        }
        coverage.renamed.sort_by(|a, b| a.entity.cmp(&b.entity));
        let neighbours = Neighbours::of(self.reference);
        let strangers = self.strangers.into_values().enumerate().map(|(number, entity)| {
            let near = if number < NEAR_MOST { neighbours.near(&entity.name) } else { None };
            Stranger { entity, near }
        });
        coverage.strangers = strangers.collect();
        coverage.strangers.sort_by(|a, b| a.entity.cmp(&b.entity));
        coverage
    }
}

impl Wanted {
    /// By what it is found: the State's code, else the name without what stands around it.
    pub fn key(&self) -> String {
        if names::short_name(&self.code).is_some() {
            return self.code.clone();
        }
        names::look_up(&self.name).map_or_else(|| names::core(&self.name), |known| known.code.to_owned())
    }

    /// The State that the code stands for, where the name is another State's.
    pub fn contradiction(&self) -> Option<&'static str> {
        let of_code = names::short_name(&self.code)?;
        names::look_up(&self.name).filter(|known| known.code != self.code).map(|_| of_code)
    }
}

/// Every way to write the names of the reference, for suggestions.
struct Neighbours<'r>(Vec<(String, usize, &'r str)>);

impl<'r> Neighbours<'r> {
    fn of(reference: &'r [Wanted]) -> Self {
        let keys: BTreeMap<String, &str> = reference.iter().map(|w| (w.key(), w.name.as_str())).collect();
        let of_states = names::all().filter_map(|(name, code)| Some((name.to_owned(), *keys.get(code)?)));
        let own = reference.iter().map(|wanted| (names::core(&wanted.name), wanted.name.as_str()));
        Self(of_states.chain(own).map(|(name, wanted)| (name.clone(), name.chars().count(), wanted)).collect())
    }

    /// The nearest within a quarter of its letters and at most three of them.
    fn near(&self, entity: &str) -> Option<String> {
        let core = names::core(entity);
        let written = [core.as_str(), core.rsplit(" of ").next().unwrap_or(&core)];
        let written = written.map(|text| (text, text.chars().count()));
        let near = self.0.iter().filter(|(_, length, _)| *length > 3).filter_map(|(name, length, wanted)| {
            let most = (length / 4).clamp(1, 3);
            let close = written.iter().filter(|(_, written)| written.abs_diff(*length) <= most);
            let distance = close.map(|(text, _)| strsim::damerau_levenshtein(text, name)).min()?;
            (distance <= most).then_some((distance, *wanted))
        });
        near.min().map(|(_, wanted)| wanted.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::{Comparison, Coverage, STRANGERS_MOST, Wanted};
    use crate::people::Kind;

    fn reference() -> Vec<Wanted> {
        let rows = include_str!("../../recipients/reference/un-members.csv").lines().skip(1);
        rows.map(|row| {
            let (code, rest) = row.split_once(',').expect("a code");
            let (name, kind) = rest.rsplit_once(',').expect("a kind");
            Wanted { name: name.trim_matches('"').to_owned(), code: code.to_owned(), kind: Kind::parse(kind) }
        })
        .collect()
    }

    /// The reference as a list of missions.
    fn missions(reference: &[Wanted]) -> Vec<(String, Kind)> {
        let entity = |name: &str| format!("Permanent Mission of {name} to the United Nations");
        reference.iter().map(|wanted| (entity(&wanted.name), wanted.kind.expect("a kind"))).collect()
    }

    fn compare(reference: &[Wanted], listed: &[(String, Kind)]) -> Coverage {
        let mut comparison = Comparison::new(reference);
        for (number, (name, kind)) in listed.iter().enumerate() {
            comparison.add(name, *kind, || format!("list.csv:{}", number + 2));
        }
        comparison.finish(date(2017, 9, 22))
    }

    fn with(reference: &[Wanted], without: &str, add: &[&str]) -> Coverage {
        let mut listed = missions(reference);
        listed.retain(|(name, _)| without.is_empty() || !name.contains(without));
        listed.extend(add.iter().map(|name| ((*name).to_owned(), Kind::Mission)));
        compare(reference, &listed)
    }

    #[test]
    fn the_reference_covers_itself() {
        let all = reference();
        assert_eq!(all.len(), 195);
        let found = with(&all, "", &[]);
        assert!(found.is_whole() && found.present == 195, "{found:?}");
        assert!(found.renamed.is_empty() && found.strangers.is_empty(), "{found:?}");
    }

    #[test]
    fn planted_faults_are_named() {
        let all = reference();
        let found = with(&all, "Kyrgyzstan", &["Permanent Mission of Kyrgystan to the United Nations"]);
        assert_eq!(found.missing.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["Kyrgyzstan"]);
        assert_eq!(found.strangers[0].near.as_deref(), Some("Kyrgyzstan"));

        let found = with(&all, "Eswatini", &["Permanent Mission of the Kingdom of Swaziland to the United Nations"]);
        assert!(found.is_whole());
        let [renamed] = &found.renamed[..] else { panic!("{found:?}") };
        assert!(renamed.is_former && renamed.was_right && renamed.since == Some(date(2018, 5, 30)));
        assert_eq!(renamed.name, "Eswatini");

        let found = with(&all, "", &["Mission of Turkey", "  mission of TURKEY", "Ivory Coast", "Atlantis"]);
        let twice: Vec<(&str, usize)> = found.twice.iter().map(|t| (t.name.as_str(), t.entities.len())).collect();
        assert_eq!(twice, [("Côte d'Ivoire", 2), ("Türkiye", 2)]);
        assert_eq!(found.renamed.len(), 2);
        assert_eq!(found.strangers.iter().map(|s| s.near.clone()).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn any_names_may_be_a_reference() {
        let wanted = |name: &str| Wanted { name: name.to_owned(), code: String::new(), kind: None };
        let reference = [wanted("Human Rights Watch"), wanted("CARE International")];
        let listed = ["HUMAN RIGHTS WATCH", "Care Internatinal"].map(|name| (name.to_owned(), Kind::Ngo));
        let found = compare(&reference, &listed);
        assert_eq!((found.present, found.missing[0].name.as_str()), (1, "CARE International"));
        assert_eq!(found.strangers[0].near.as_deref(), Some("CARE International"));
    }

    #[test]
    fn a_list_of_strangers_takes_no_memory() {
        let strangers: Vec<_> = (0..3000).map(|n| (format!("Guest {n}"), Kind::Mission)).collect();
        let found = compare(&reference(), &strangers);
        assert!(found.has_more_strangers && found.strangers.len() == STRANGERS_MOST && found.missing.len() == 195);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whoever_is_taken_off_is_missing_and_nobody_else(
            gone in prop::sample::subsequence((0..195usize).collect::<Vec<_>>(), 0..12),
            order in Just((0..195usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let all = reference();
            let whole = missions(&all);
            let listed: Vec<_> = order.iter().filter(|n| !gone.contains(n)).map(|n| whole[*n].clone()).collect();
            let found = compare(&all, &listed);
            let missing: Vec<&str> = found.missing.iter().map(|m| m.name.as_str()).collect();
            let expected: Vec<&str> = gone.iter().map(|n| all[*n].name.as_str()).collect();
            prop_assert_eq!(missing, expected);
            prop_assert_eq!(found.present, 195 - gone.len());
            prop_assert!(found.twice.is_empty() && found.strangers.is_empty() && found.renamed.is_empty());
        }

        #[test]
        fn the_order_of_rows_changes_nothing(
            rows in Just(vec!["Turkey", "Türkiye", "Mission of Türkiye", "Kyrgystan", "Swaziland", "Atlantis", "Vatican", "Chad"])
                .prop_shuffle(),
        ) {
            let all = reference();
            let listed = |rows: &[&str]| rows.iter().map(|name| ((*name).to_owned(), Kind::Mission)).collect::<Vec<_>>();
            let told = |mut coverage: Coverage| {
                let entities = coverage.twice.iter_mut().flat_map(|t| &mut t.entities);
                let entities = entities.chain(coverage.renamed.iter_mut().map(|r| &mut r.entity));
                let entities = entities.chain(coverage.strangers.iter_mut().map(|s| &mut s.entity));
                entities.for_each(|entity| entity.place.clear());
                coverage
            };
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            prop_assert_eq!(told(compare(&all, &listed(&rows))), told(compare(&all, &listed(&sorted))));
        }

        #[test]
        fn no_name_is_too_odd(name in "\\PC{0,40}") {
            prop_assert!(compare(&reference(), &[(name, Kind::Mission)]).missing.len() >= 194);
        }
    }
}
