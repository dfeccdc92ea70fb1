//! What well-known relays allow, as data.
//!
//! What: [`Preset`], one entry of `presets.toml`, which names its source and the day it was read. Not here: what is
//! made of it (`relay` fills the keys that the user left out). Called by: `input::relay`, `command`.
//! Can fail: nothing; a test reads every entry.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::units::Rate;

/// What one kind of relay allows. `None`: not limited, or not documented.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// In words.
    pub about: String,
    /// Host name; `*` stands for any characters.
    pub host: String,
    /// TCP port for STARTTLS.
    pub port: u16,
    /// Messages in a period, in the words of [`Rate`].
    rate: Option<String>,
    /// Connections at once.
    pub connections: Option<u32>,
    /// Messages in any hour.
    pub per_hour: Option<u64>,
    /// Messages in any 24 hours.
    pub per_day: Option<u64>,
    /// Messages on one connection.
    pub messages_per_connection: Option<u32>,
    /// Octets of a message.
    pub max_octets: Option<u64>,
    /// The document.
    pub source: String,
    /// The day on which the document was last compared; `None`: compare before you rely on it.
    pub read: Option<String>,
}

static PRESETS: LazyLock<BTreeMap<String, Preset>> =
    LazyLock::new(|| toml::from_str(include_str!("presets.toml")).expect("the table that is compiled in is sound"));

impl Preset {
    /// The preset of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.get(name)
    }

    /// Every name, in the order of the alphabet.
    pub fn names() -> Vec<&'static str> {
        PRESETS.keys().map(String::as_str).collect()
    }

    /// Messages in a period.
    pub fn rate(&self) -> Option<Rate> {
        self.rate.as_deref().and_then(Rate::parse)
    }

    /// Whether a host may be this one.
    pub fn fits(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        match self.host.split_once('*') {
            None => host == self.host,
            Some((before, after)) => {
                host.len() >= before.len() + after.len() && host.starts_with(before) && host.ends_with(after)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PRESETS, Preset};
    use crate::input::units::Rate;

    #[test]
    fn every_entry_can_be_read_and_names_its_source() {
        assert_eq!(
            Preset::names(),
            [
                "exchange-online",
                "gmail",
                "google-relay",
                "google-workspace",
                "mailgun",
                "postfix",
                "postmark",
                "ses",
                "ses-sandbox"
            ]
        );
        for (name, preset) in PRESETS.iter() {
            assert_eq!(preset.rate.is_some(), preset.rate().is_some(), "{name}");
            assert!(
                preset.source.len() > 10 && preset.read.as_ref().is_none_or(|d| d.parse::<jiff::civil::Date>().is_ok()),
                "{name}"
            );
        }
    }

    #[test]
    fn hosts_are_told_apart() {
        let preset = |name| Preset::named(name).expect("there");
        assert!(preset("ses").fits("email-smtp.eu-west-1.amazonaws.com"));
        assert!(!preset("ses").fits("email-smtp.amazonaws.com.evil.example"));
        assert!(!preset("exchange-online").fits("smtp.gmail.com"));
        assert_eq!(preset("exchange-online").rate(), Rate::parse("30/min"));
    }
}
