//! Names of States, as lists write them.
//!
//! What: [`look_up`] finds the State of a name: its short or formal name, in six languages, a name in use, a former name, with
//! or without `Permanent Mission of … to the United Nations` around it.
//! Sources: the head of `names.tsv`. Standard: ISO 3166-1 (codes).
//! Not here: whom a list leaves out (`coverage`). Called by: `coverage`. Can fail: a name that is none of a State.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::fold::fold;
use super::honorific::is_han;

const TEXT: &str = include_str!("names.tsv");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// What a name is to its State.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The State's own name, short or formal, in any of the six languages.
    Own,
    /// A name in use.
    Other,
    /// A name that the State has left; with the day from which the newer one holds.
    Former(Option<Date>),
}

/// A State found by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// ISO 3166-1 alpha-2.
    pub(super) code: &'static str,
    /// What the name is.
    pub(super) status: Status,
}

#[derive(Default)]
struct Table {
    names: HashMap<String, Known>,
    /// Short names in English by code.
    short: HashMap<&'static str, &'static str>,
    /// Russian words without their endings; those that two States share are left out.
    stems: HashMap<String, Option<&'static str>>,
    before: Vec<String>,
    after: Vec<String>,
    state: Vec<String>,
    articles: Vec<String>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let mut cells = line.split('\t');
            let mut cell = || cells.next().unwrap_or_default();
            let (code, status, language, name, since) = (cell(), cell(), cell(), cell(), cell());
            let folded = key(name);
            let status = match status {
                "before" => {
                    table.before.push(folded);
                    continue;
                }
                "after" => {
                    table.after.push(folded);
                    continue;
                }
                "state" => {
                    table.state.push(folded);
                    continue;
                }
                "article" => {
                    table.articles.push(folded);
                    continue;
                }
                "other" => Status::Other,
                "former" => Status::Former(since.parse().ok()),
                "short" => {
                    table.short.insert(code, name);
                    Status::Own
                }
                _ => Status::Own,
            };
            if language == "ru" && matches!(status, Status::Own) {
                let shared = table.stems.entry(stem(&folded)).or_insert(Some(code));
                *shared = shared.filter(|other| *other == code);
            }
            table.names.insert(folded, Known { code, status });
        }
        for words in [&mut table.before, &mut table.after, &mut table.state, &mut table.articles] {
            words.sort_by_key(|words| std::cmp::Reverse(words.len()));
        }
        table
    }
}

/// How names are compared.
fn key(name: &str) -> String {
    fold(&name.replace('&', " and "))
}

/// The State of a name; `None` for a name that the table does not know.
pub(super) fn look_up(name: &str) -> Option<Known> {
    resolve(name).0
}

/// The State of a name, and the name as [`core`] gives it.
pub(super) fn resolve(name: &str) -> (Option<Known>, String) {
    let whole = key(name);
    let turned = turned(name).map(|turned| key(&turned));
    let straight = turned.as_deref().unwrap_or(&whole);
    let bare = bare(straight);
    let core = without_articles(bare);
    let known = plain(&whole)
        .or_else(|| plain(straight))
        .or_else(|| plain(bare))
        .or_else(|| plain(without_before(core, &TABLE.state)?))
        .or_else(|| {
            let code = if core.is_ascii() { None } else { TABLE.stems.get(&stem(core)).copied().flatten() };
            code.map(|code| Known { code, status: Status::Own })
        });
    (known, core.to_owned())
}

/// The short name in English; `None` for a code that is none.
pub(super) fn short_name(code: &str) -> Option<&'static str> {
    TABLE.short.get(code).copied()
}

/// A name without what stands around it, folded: `Permanent Mission of the Republic of X to the United Nations` becomes
/// `republic of x`.
pub(super) fn core(name: &str) -> String {
    let name = key(&turned(name).unwrap_or_else(|| name.to_owned()));
    without_articles(bare(&name)).to_owned()
}

/// A folded name without what stands around it, but with its articles.
fn bare(name: &str) -> &str {
    let mut bare = name;
    while let Some(shorter) = without_after(bare) {
        bare = shorter;
    }
    without_before(bare, &TABLE.before).unwrap_or(bare)
}

/// Every name of the table, folded, with its State: for suggestions.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.names.iter().map(|(name, known)| (name.as_str(), known.code))
}

fn plain(name: &str) -> Option<Known> {
    let found = TABLE.names.get(name).or_else(|| TABLE.names.get(without_articles(name)));
    let found = found.copied();
    // `لجمهورية مصر` is `جمهورية مصر` behind "of", and `للمملكة` is `المملكة`.
    found.or_else(|| {
        let rest = name.strip_prefix('ل')?;
        let with_article = rest.strip_prefix('ل').map(|rest| format!("ال{rest}"));
        let bare = TABLE.names.get(rest).or_else(|| TABLE.names.get(with_article.as_deref()?));
        bare.copied().or_else(|| plain(without_before(rest, &TABLE.state)?))
    })
}

/// `Korea, Republic of` as `Republic of Korea`.
fn turned(name: &str) -> Option<String> {
    let (noun, rest) = name.split_once(',')?;
    let rest = rest.trim();
    let is_turned = ["of", "of the"].iter().any(|end| rest.to_lowercase().ends_with(&format!(" {end}")));
    is_turned.then(|| format!("{rest} {}", noun.trim()))
}

fn without_articles(mut name: &str) -> &str {
    while let Some(rest) = without_before(name, &TABLE.articles) {
        name = rest;
    }
    name
}

/// The rest behind the first of these words that a name begins with.
fn without_before<'n>(name: &'n str, words: &[String]) -> Option<&'n str> {
    words.iter().find_map(|words| name.strip_prefix(words.as_str())?.strip_prefix(' '))
}

/// The rest before the first of the words after names that a name ends with; Chinese sets no blank before them.
fn without_after(name: &str) -> Option<&str> {
    TABLE.after.iter().find_map(|words| {
        let rest = name.strip_suffix(words.as_str())?;
        let rest = if words.starts_with(is_han) { rest } else { rest.strip_suffix(' ')? };
        (!rest.is_empty()).then_some(rest)
    })
}

/// Russian words change their endings with the case: `Российской Федерации` and `Российская Федерация` are one.
fn stem(name: &str) -> String {
    const ENDINGS: &str = "аеиоуыэюяйьхвм";
    let words = name.split(' ').map(|word| {
        let stem = word.trim_end_matches(|c| ENDINGS.contains(c));
        if stem.chars().count() < 3 { word } else { stem }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Status, TABLE, TEXT, core, key, look_up, short_name};
    use crate::people::Language;

    fn code(name: &str) -> &'static str {
        look_up(name).map_or("", |known| known.code)
    }

    #[test]
    fn states_are_found_by_all_their_names() {
        for (name, expected) in [
            ("Kyrgyzstan", "KG"),
            ("Permanent Mission of the Kyrgyz Republic to the United Nations", "KG"),
            ("CZECH REPUBLIC", "CZ"),
            ("Korea, Republic of", "KR"),
            ("Korea, Democratic People's Republic of", "KP"),
            ("South Korea", "KR"),
            ("Permanent Mission of the Republic of the Congo to the United Nations", "CG"),
            ("Democratic Republic of the Congo", "CD"),
            ("Republic of Guinea-Bissau", "GW"),
            ("The Gambia", "GM"),
            ("Trinidad & Tobago", "TT"),
            ("St. Lucia", "LC"),
            ("Cote d'Ivoire", "CI"),
            ("Bolivia (Plurinational State of)", "BO"),
            ("United States Mission to the United Nations", "US"),
            ("Permanent Mission of Turkey to the UN", "TR"),
            ("Permanent Observer Mission of the Holy See to the United Nations", "VA"),
            ("Mission permanente de la République d'Albanie auprès de l'Organisation des Nations Unies", "AL"),
            ("Mission permanente du Royaume du Maroc auprès des Nations Unies à New York", "MA"),
            ("Mission permanente d'observation du Saint-Siège auprès de l'Organisation des Nations Unies", "VA"),
            ("Misión Permanente del Reino de España ante las Naciones Unidas", "ES"),
            ("Misión Permanente de la República Argentina ante las Naciones Unidas", "AR"),
            ("Постоянное представительство Российской Федерации при Организации Объединенных Наций", "RU"),
            ("Постоянное представительство Республики Беларусь при ООН", "BY"),
            ("Постоянное представительство Туркменистана при ООН", "TM"),
            ("中华人民共和国常驻联合国代表团", "CN"),
            ("教廷常驻联合国观察员代表团", "VA"),
            ("البعثة الدائمة للمملكة العربية السعودية لدى الأمم المتحدة", "SA"),
            ("البعثة الدائمة لدولة قطر لدى الأمم المتحدة", "QA"),
            ("البعثة الدائمة لجمهورية العراق لدى الأمم المتحدة", "IQ"),
            ("Kyrgystan", ""),
            ("Republic of Atlantis", ""),
            ("Korea", ""),
            ("", ""),
        ] {
            assert_eq!(code(name), expected, "{name}");
        }
    }

    #[test]
    fn old_and_other_names_are_told_from_own_ones() {
        let status = |name: &str| look_up(name).expect(name).status;
        let since = |date: &str| Status::Former(Some(date.parse().expect("a date")));
        assert_eq!(status("Swaziland"), since("2018-05-30"));
        assert_eq!(status("Permanent Mission of the Republic of Turkey to the United Nations"), since("2022-06-01"));
        assert_eq!(status("Cap-Vert"), since("2013-10-24"));
        assert_eq!(status("ex-République yougoslave de Macédoine"), since("2019-02-14"));
        assert_eq!(status("FYROM"), since("2019-02-14"));
        assert_eq!(status("Birmania"), since("1989-06-18"));
        assert_eq!([status("Ivory Coast"), status("Vatican"), status("Corea del Sur")], [Status::Other; 3]);
        assert_eq!([status("Czech Republic"), status("Cabo Verde"), status("Eswatini")], [Status::Own; 3]);
    }

    #[test]
    fn the_table_holds_195_states_in_six_languages_and_no_name_twice() {
        assert_eq!(TABLE.short.len(), 195);
        let mut seen = BTreeSet::new();
        for line in TEXT.lines().filter(|line| !line.starts_with(['#', '-'])) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert!((4..=6).contains(&cells.len()), "{line}");
            assert!(["short", "formal", "name", "other", "former"].contains(&cells[1]), "{line}");
            assert!(Language::OFFICIAL.contains(&cells[2]), "{line}");
            assert!(seen.insert(key(cells[3])), "twice: {line}");
            assert!(short_name(cells[0]).is_some(), "{line}");
            if cells[1] == "former" {
                assert!(cells[4].parse::<jiff::civil::Date>().is_ok() && !cells[5].is_empty(), "{line}");
            }
            assert_eq!(code(cells[3]), cells[0], "{line}");
            if cells[2] == "en" {
                assert_eq!(
                    code(&format!("Permanent Mission of {} to the United Nations", cells[3])),
                    cells[0],
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn what_stands_around_a_name_falls_away() {
        assert_eq!(core("Permanent Mission of the Republic of X to the United Nations"), "republic of x");
        assert_eq!(core("Human Rights Watch"), "human rights watch");
        assert_eq!(core("New York"), "new york");
    }
}
