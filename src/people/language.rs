//! A language of correspondence.

use std::fmt;

/// A BCP 47 tag of a language with an optional script or region: `fr`, `pt-BR`, `zh-Hant`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Language(String);

impl Language {
    /// The six official languages of the United Nations.
    pub const OFFICIAL: [&str; 6] = ["ar", "en", "es", "fr", "ru", "zh"];

    /// Reads a tag, or the English or own name of an official language (`French`, `français`); `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let tag = match text.to_lowercase().as_str() {
            "arabic" | "العربية" => "ar".to_owned(),
            "english" => "en".to_owned(),
            "spanish" | "español" => "es".to_owned(),
            "french" | "français" => "fr".to_owned(),
            "russian" | "русский" => "ru".to_owned(),
            "chinese" | "中文" => "zh".to_owned(),
            other => other.replace('_', "-"),
        };
        let mut subtags = tag.split('-');
        let first = subtags.next()?;
        let plain = (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase());
        let rest = subtags.all(|s| (2..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()));
        (plain && rest).then_some(Self(tag))
    }

    /// The tag, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script or region.
    pub fn base(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// Whether it is written from right to left.
    pub fn is_right_to_left(&self) -> bool {
        matches!(self.base(), "ar" | "fa" | "he" | "ps" | "ur" | "yi" | "dv" | "ckb")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
