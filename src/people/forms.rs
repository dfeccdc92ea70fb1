//! The table of forms of address, `forms.toml`, and the ranks in it.
//!
//! What: [`Rank`], read from a cell in any of six languages; the forms of each style by language and sex; the words of
//! honorifics and of sex.
//! Source: UN Correspondence Manual, ST/DCS/4/Rev.1; the others as the head of the table says.
//! Not here: which form a person gets (`address`), honorifics as they are written in lists (`honorific`).
//! Called by: `address`, `honorific`, `input`. Can fail: a rank that is none.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use super::fold::fold;
use super::honorific::Sex;

static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("forms.toml")).expect("the table that is compiled in is sound"));

static BY_ALIAS: LazyLock<HashMap<String, &'static Rank>> = LazyLock::new(|| {
    let ranks = TABLE.rank.iter();
    ranks.flat_map(|rank| rank.aliases.iter().chain([&rank.name]).map(move |alias| (fold(alias), rank))).collect()
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    rank: Vec<Rank>,
    style: BTreeMap<String, BTreeMap<String, Forms>>,
    envelope: BTreeMap<String, Vec<String>>,
    pub(super) honorific: HonorificWords,
    pub(super) sex: SexWords,
}

/// The words of a column `honorific`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HonorificWords {
    pub(super) female: Vec<String>,
    pub(super) male: Vec<String>,
    pub(super) excellency: Vec<String>,
    pub(super) doctor: Vec<String>,
    pub(super) professor: Vec<String>,
}

/// The words of a column `sex`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SexWords {
    pub(super) female: Vec<String>,
    pub(super) male: Vec<String>,
    pub(super) unsaid: Vec<String>,
}

/// Whether a rank is addressed as Excellency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Excellency {
    /// By the rank.
    Yes,
    /// Never: a list that says so contradicts itself.
    No,
    /// By the person: where the list gives the honorific.
    IfGiven,
}

/// A rank of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rank {
    /// A name for programs: `permanent-representative`.
    pub id: String,
    /// A name for people, in English.
    pub name: String,
    /// Whether it is addressed as Excellency.
    pub excellency: Excellency,
    pub(super) style: String,
    /// Whether Dr. and Prof. come before Mr. and Ms.
    #[serde(default)]
    pub(super) academic: bool,
    aliases: Vec<String>,
    #[serde(default)]
    title: BTreeMap<String, BySex>,
    #[serde(default)]
    vocative: BTreeMap<String, BySex>,
}

impl Rank {
    /// Reads a cell: a name or an alias in any of the six languages, whatever its case and accents; an empty cell is the
    /// rank `none`. `None` for any other word.
    pub fn parse(cell: &str) -> Option<&'static Self> {
        let word = fold(cell);
        // A cell of signs that are no letters says nothing, like an empty one.
        BY_ALIAS.get(if word.is_empty() { "none" } else { word.as_str() }).copied()
    }

    /// Every word that [`Rank::parse`] knows, for suggestions.
    pub fn words() -> impl Iterator<Item = &'static str> {
        TABLE.rank.iter().flat_map(|rank| rank.aliases.iter().map(String::as_str))
    }

    /// The names of all ranks, in the order of the table.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.rank.iter().map(|rank| rank.name.as_str())
    }

    /// Whether the post is empty: the row is for the office.
    pub fn is_vacant(&self) -> bool {
        self.id == "vacant"
    }

    /// What stands on an envelope where the row has no title.
    pub(super) fn title(&self, language: &str, sex: Sex) -> Option<&str> {
        self.title.get(language)?.of(sex)
    }

    /// What fr and es call the person; `None` where that needs the sex.
    pub(super) fn vocative(&self, language: &str, sex: Sex) -> Option<&str> {
        match (self.vocative.get(language), language, sex) {
            (Some(own), ..) => own.of(sex),
            (None, "fr", Sex::Female) => Some("Madame"),
            (None, "fr", Sex::Male) => Some("Monsieur"),
            (None, "es", Sex::Female) => Some("Señora"),
            (None, "es", Sex::Male) => Some("Señor"),
            _ => None,
        }
    }
}

/// The forms of one style in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forms {
    pub(super) line: BySex,
    pub(super) formal: BySex,
    pub(super) ordinary: BySex,
    pub(super) close_formal: BySex,
    pub(super) close_ordinary: BySex,
}

/// One form for everybody, or one for each.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum BySex {
    Same(String),
    Each { f: Option<String>, m: Option<String>, u: Option<String> },
}

impl BySex {
    /// The form; `None` where it needs to know more.
    pub(super) fn of(&self, sex: Sex) -> Option<&str> {
        match (self, sex) {
            (Self::Same(form), _) => Some(form),
            (Self::Each { f, .. }, Sex::Female) => f.as_deref(),
            (Self::Each { m, .. }, Sex::Male) => m.as_deref(),
            (Self::Each { u, .. }, Sex::Unsaid) => u.as_deref(),
        }
    }
}

/// The whole table.
pub(super) fn table() -> &'static Table {
    &TABLE
}

/// The forms of a style; `None` for a language that the table has not.
pub(super) fn forms(style: &str, language: &str) -> Option<&'static Forms> {
    TABLE.style.get(style)?.get(language)
}

/// The lines of an envelope.
pub(super) fn envelope(language: &str) -> Option<&'static [String]> {
    TABLE.envelope.get(language).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Excellency, Rank, Sex, TABLE, fold};
    use crate::people::Language;

    #[test]
    fn ranks_are_read_by_any_of_their_names() {
        for (cell, id) in [
            ("PR", "permanent-representative"),
            ("Permanent Representative", "permanent-representative"),
            ("Ambassador and Permanent Representative", "permanent-representative"),
            ("Ambassadeur, Représentant permanent", "permanent-representative"),
            ("Ambassadeur", "ambassador"),
            ("Embajadora", "ambassador"),
            ("Chargé d'affaires a.i.", "charge-d-affaires"),
            ("charge d’affaires", "charge-d-affaires"),
            ("CDA", "charge-d-affaires"),
            ("Encargada de Negocios a. i.", "charge-d-affaires"),
            ("Временный поверенный в делах", "charge-d-affaires"),
            ("القائم بالأعمال بالإنابة", "charge-d-affaires"),
            ("临时代办", "charge-d-affaires"),
            ("常驻副代表", "deputy-permanent-representative"),
            ("Minister-Counsellor", "minister-counsellor"),
            ("1st Secretary", "first-secretary"),
            ("Under-Secretary-General", "under-secretary-general"),
            ("Executive Director", "executive-director"),
            ("vacant", "vacant"),
            ("", "none"),
            ("—", "none"),
        ] {
            assert_eq!(Rank::parse(cell).map(|rank| rank.id.as_str()), Some(id), "{cell}");
        }
        assert!(Rank::parse("ambasador").is_none() && Rank::parse("plenipotentiary of nothing").is_none());
    }

    #[test]
    fn a_word_means_one_rank_only() {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for rank in &TABLE.rank {
            for alias in rank.aliases.iter().chain([&rank.name]) {
                let other = seen.insert(fold(alias), &rank.id).unwrap_or(&rank.id);
                assert_eq!(other, rank.id, "{alias}");
            }
        }
    }

    #[test]
    fn every_style_has_all_its_forms_in_the_six_languages() {
        for rank in &TABLE.rank {
            assert!(TABLE.style.contains_key(&rank.style), "{}", rank.id);
        }
        for (style, by_language) in &TABLE.style {
            let languages: Vec<&str> = by_language.keys().map(String::as_str).collect();
            assert_eq!(languages, Language::OFFICIAL, "{style}");
            for forms in by_language.values() {
                for sex in [Sex::Female, Sex::Male] {
                    let all = [&forms.line, &forms.formal, &forms.ordinary, &forms.close_formal, &forms.close_ordinary];
                    assert!(all.iter().all(|form| form.of(sex).is_some_and(|f| !f.is_empty())), "{style}");
                }
            }
        }
        assert_eq!(TABLE.envelope.keys().map(String::as_str).collect::<Vec<_>>(), Language::OFFICIAL);
    }

    #[test]
    fn below_ambassadors_there_is_no_excellency() {
        let of = |cell: &str| Rank::parse(cell).expect(cell).excellency;
        for cell in ["chargé d'affaires", "minister counsellor", "counsellor", "first secretary", "attaché"] {
            assert_eq!(of(cell), Excellency::No, "{cell}");
        }
        for cell in ["head of State", "prime minister", "minister", "ambassador", "PR", "permanent observer", "nuncio"]
        {
            assert_eq!(of(cell), Excellency::Yes, "{cell}");
        }
        assert_eq!(of("DPR"), Excellency::IfGiven);
    }
}
