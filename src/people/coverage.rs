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
pub struct Listed {
    /// As the row has it.
    pub entity: String,
    /// What it is.
    pub kind: Kind,
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
    /// As the lists have it, sorted.
    pub entities: Vec<String>,
}

/// One who is on the lists under a name that is not their own, or no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// As the lists have it.
    pub entity: String,
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
    pub entity: String,
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
    /// Sorted by entity.
    pub strangers: Vec<Stranger>,
}

impl Coverage {
    /// Compares; `on` is the day of the event, which decides whether a former name was right.
    pub fn of(reference: &[Wanted], listed: &BTreeSet<Listed>, on: Date) -> Self {
        let kinds: BTreeSet<Kind> = reference.iter().filter_map(|wanted| wanted.kind).collect();
        let by_key: BTreeMap<String, usize> =
            reference.iter().enumerate().map(|(number, wanted)| (wanted.key(), number)).collect();
        // The same words in other letters are the same entity.
        let mut entities: BTreeMap<usize, BTreeMap<String, &str>> = BTreeMap::new();
        let mut coverage = Self { wanted: reference.len(), ..Self::default() };
        let mut told = BTreeSet::new();
        for Listed { entity, .. } in listed.iter().filter(|one| kinds.is_empty() || kinds.contains(&one.kind)) {
            let known = names::look_up(entity);
            let key = known.map_or_else(|| names::core(entity), |known| known.code.to_owned());
            let Some(&number) = by_key.get(&key) else {
                if told.insert(fold(entity)) {
                    coverage.strangers.push(Stranger { entity: entity.clone(), near: near(entity, reference) });
                }
                continue;
            };
            let is_new = entities.entry(number).or_default().insert(fold(entity), entity).is_none();
            let (is_former, since) = match known.map(|known| known.status) {
                Some(Status::Former(since)) => (true, since),
                Some(Status::Other) => (false, None),
                Some(Status::Own) | None => continue,
            };
            // What the reference itself calls so is no other name.
            if is_new && fold(&reference[number].name) != names::core(entity) {
                let was_right = since.is_some_and(|since| on < since);
                let name = reference[number].name.clone();
                coverage.renamed.push(Renamed { entity: entity.clone(), name, is_former, since, was_right });
            }
        }
        for (number, wanted) in reference.iter().enumerate() {
            match entities.get(&number) {
                None => coverage.missing.push(Missing { name: wanted.name.clone(), code: wanted.code.clone() }),
                Some(spellings) => {
                    coverage.present += 1;
                    if spellings.len() > 1 {
                        let mut entities: Vec<String> = spellings.values().map(|&e| e.to_owned()).collect();
                        entities.sort();
                        coverage.twice.push(Twice { name: wanted.name.clone(), entities });
                    }
                }
            }
        }
        coverage
    }

    /// Whether everybody is there, and once.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.twice.is_empty()
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
}

/// The name of the reference that an entity's name is nearest to, within a quarter of its letters and at most three.
fn near(entity: &str, reference: &[Wanted]) -> Option<String> {
    let core = names::core(entity);
    let bare = core.rsplit(" of ").next().unwrap_or(&core);
    let keys: BTreeMap<String, &Wanted> = reference.iter().map(|wanted| (wanted.key(), wanted)).collect();
    let distance = |name: &str| {
        let distance = [core.as_str(), bare].map(|text| strsim::damerau_levenshtein(text, name));
        distance.into_iter().min().unwrap_or(usize::MAX)
    };
    let names = names::all().filter_map(|(name, code)| Some((name.to_owned(), *keys.get(code)?)));
    let names = names.chain(reference.iter().map(|wanted| (names::core(&wanted.name), wanted)));
    let within = |length: usize| (length / 4).clamp(1, 3);
    let found = names.map(|(name, wanted)| (distance(&name), name.chars().count(), wanted));
    let found = found.filter(|(distance, length, _)| *length > 3 && *distance <= within(*length));
    found.min_by_key(|(distance, _, wanted)| (*distance, wanted.name.clone())).map(|(.., wanted)| wanted.name.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::{Coverage, Listed, Wanted};
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

    fn missions(reference: &[Wanted]) -> BTreeSet<Listed> {
        let entity = |name: &str| format!("Permanent Mission of {name} to the United Nations");
        reference.iter().map(|w| Listed { entity: entity(&w.name), kind: w.kind.expect("a kind") }).collect()
    }

    fn with(reference: &[Wanted], without: &str, add: &[&str]) -> Coverage {
        let mut listed = missions(reference);
        listed.retain(|one| without.is_empty() || !one.entity.contains(without));
        listed.extend(add.iter().map(|name| Listed { entity: (*name).to_owned(), kind: Kind::Mission }));
        Coverage::of(reference, &listed, date(2017, 9, 22))
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
        let listed = |entity: &str| Listed { entity: entity.to_owned(), kind: Kind::Ngo };
        let found = Coverage::of(
            &reference,
            &[listed("HUMAN RIGHTS WATCH"), listed("Care Internatinal")].into(),
            date(2017, 9, 22),
        );
        assert_eq!((found.present, found.missing[0].name.as_str()), (1, "CARE International"));
        assert_eq!(found.strangers[0].near.as_deref(), Some("CARE International"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whoever_is_taken_off_is_missing_and_nobody_else(gone in prop::sample::subsequence((0..195usize).collect::<Vec<_>>(), 0..12)) {
            let all = reference();
            let listed: BTreeSet<Listed> = all.iter().enumerate().filter(|(n, _)| !gone.contains(n)).map(|(_, w)| Listed {
                entity: w.name.clone(), kind: w.kind.expect("a kind"),
            }).collect();
            let found = Coverage::of(&all, &listed, date(2017, 9, 22));
            let missing: Vec<&str> = found.missing.iter().map(|m| m.name.as_str()).collect();
            let expected: Vec<&str> = gone.iter().map(|n| all[*n].name.as_str()).collect();
            prop_assert_eq!(missing, expected);
            prop_assert_eq!(found.present, 195 - gone.len());
            prop_assert!(found.twice.is_empty() && found.strangers.is_empty());
        }

        #[test]
        fn the_order_of_the_reference_changes_only_the_order_of_findings(all in Just(reference()).prop_shuffle()) {
            let listed: BTreeSet<Listed> = missions(&reference()).into_iter().filter(|l| !l.entity.contains("an")).collect();
            let names = |c: &Coverage| c.missing.iter().map(|m| m.name.clone()).collect::<BTreeSet<_>>();
            let (a, b) = (Coverage::of(&all, &listed, date(2017, 9, 22)), Coverage::of(&reference(), &listed, date(2017, 9, 22)));
            prop_assert_eq!(names(&a), names(&b));
            prop_assert_eq!((a.present, a.renamed, a.strangers), (b.present, b.renamed, b.strangers));
        }

        #[test]
        fn no_name_is_too_odd(name in "\\PC{0,40}") {
            let listed = [Listed { entity: name, kind: Kind::Mission }].into();
            prop_assert!(Coverage::of(&reference(), &listed, date(2017, 9, 22)).missing.len() >= 194);
        }
    }
}
