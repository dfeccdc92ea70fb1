//! A text in one or several languages.

use std::collections::BTreeMap;

use super::toml_reader::TomlReader;
use crate::people::Language;

/// Which language is used where, and what stands in for one that is missing.
#[derive(Clone, Debug)]
pub struct Languages {
    /// The language of last resort, and of the originals.
    pub default: Language,
    /// What to try before the default, by language.
    pub fallback: BTreeMap<String, Vec<Language>>,
}

impl Languages {
    /// The languages to try for one reader, in order, the default last, none twice: `pt-BR` gives `pt-br`, `pt`, what
    /// the fallback says, the default.
    pub fn chain(&self, language: &Language) -> Vec<Language> {
        let mut chain = vec![language.clone()];
        chain.extend(Language::parse(language.base()));
        for key in [language.as_str(), language.base()] {
            chain.extend(self.fallback.get(key).into_iter().flatten().cloned());
        }
        chain.push(self.default.clone());
        let mut seen = std::collections::BTreeSet::new();
        chain.retain(|l| seen.insert(l.clone()));
        chain
    }
}

/// A text that is the same for everybody, or one for each language.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// The same in every language.
    Same(String),
    /// By language tag; the default language is always among them.
    ByLanguage(BTreeMap<String, String>),
}

impl Text {
    /// The text for a reader of a language.
    pub fn in_language(&self, language: &Language, languages: &Languages) -> &str {
        match self {
            Self::Same(text) => text,
            Self::ByLanguage(texts) => {
                languages.chain(language).iter().find_map(|l| texts.get(l.as_str())).map_or("", String::as_str)
            }
        }
    }

    /// Reads `key = "text"` or a table of languages.
    pub(crate) fn read(reader: &TomlReader<'_, '_>, key: &str, default: &Language, cure: &str) -> Option<Self> {
        if !reader.is_table(key) {
            return Some(Self::Same(reader.required_string(key, cure)?.value.trim().to_owned()));
        }
        let table = reader.table(key);
        let mut texts = BTreeMap::new();
        for found in table.keys() {
            let Some(language) = Language::parse(&found.value) else {
                table.problem(
                    found.place,
                    format!("`{}` is no language", found.value),
                    "write a tag such as `en`, `fr` or `pt-BR`",
                );
                table.string(&found.value);
                continue;
            };
            if let Some(text) = table.required_string(&found.value, cure) {
                texts.insert(language.as_str().to_owned(), text.value.trim().to_owned());
            }
        }
        if !texts.contains_key(default.as_str()) {
            table
                .missing(default.as_str(), "write the text in the default language too; it serves where no other fits");
        }
        table.finish();
        Some(Self::ByLanguage(texts))
    }
}
