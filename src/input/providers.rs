//! Who keeps the mailboxes of many domains, as data.
//!
//! What: [`Provider`], one entry of `providers.toml`, found by a well-known domain or by the name of an MX host.
//! Not here: asking DNS (`io`), what is limited (`limits`, `delivery`). Called by: `input::limits`, `delivery`.
//! Can fail: nothing; a test reads every entry.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::units::Rate;

/// One keeper of mailboxes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Endings of the names of its MX hosts.
    pub mx: Vec<String>,
    /// Its well-known domains, in lower case.
    pub domains: Vec<String>,
    /// Messages in a period, in the words of [`Rate`].
    rate: Option<String>,
    /// Messages on their way at once.
    pub connections: Option<u32>,
    /// The document.
    pub source: String,
    /// The day on which the document was last compared; `None`: compare before you rely on it.
    pub read: Option<String>,
}

static PROVIDERS: LazyLock<BTreeMap<String, Provider>> =
    LazyLock::new(|| toml::from_str(include_str!("providers.toml")).expect("the table that is compiled in is sound"));

impl Provider {
    /// The provider of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS.get(name)
    }

    /// Every name, in the order of the alphabet.
    pub fn names() -> Vec<&'static str> {
        PROVIDERS.keys().map(String::as_str).collect()
    }

    /// Whose domain this is, by the well-known ones alone.
    pub fn of_domain(domain: &str) -> Option<&'static str> {
        let is_it = |d: &String| d.eq_ignore_ascii_case(domain);
        PROVIDERS.iter().find(|(_, p)| p.domains.iter().any(is_it)).map(|(name, _)| name.as_str())
    }

    /// Whose MX host this is.
    pub fn of_mx(host: &str) -> Option<&'static str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let ends = |suffix: &String| {
            host.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        PROVIDERS.iter().find(|(_, p)| p.mx.iter().any(ends)).map(|(name, _)| name.as_str())
    }

    /// Messages in a period, where the source knows one.
    pub fn rate(&self) -> Option<Rate> {
        self.rate.as_deref().and_then(Rate::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::{PROVIDERS, Provider};

    #[test]
    fn every_entry_can_be_read_and_no_domain_has_two_keepers() {
        let mut seen = std::collections::BTreeSet::new();
        for (name, provider) in PROVIDERS.iter() {
            assert_eq!(provider.rate.is_some(), provider.rate().is_some(), "{name}");
            assert!(provider.source.len() > 10, "{name}");
            for domain in &provider.domains {
                assert_eq!(*domain, domain.to_lowercase());
                assert!(seen.insert(domain), "{domain} twice");
            }
        }
    }

    #[test]
    fn domains_and_mx_hosts_are_found() {
        assert_eq!(Provider::of_domain("GMail.com"), Some("google"));
        assert_eq!(Provider::of_domain("mission.example"), None);
        assert_eq!(Provider::of_mx("ASPMX.L.google.com."), Some("google"));
        assert_eq!(Provider::of_mx("fm-example.mail.protection.outlook.com"), Some("microsoft"));
        assert_eq!(Provider::of_mx("notgoogle.com"), None);
    }
}
