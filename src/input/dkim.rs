//! `[[dkim]]`: for which domain messages are signed, and where the keys are.
//!
//! What: [`SigningKey`], one entry. Standard: RFC 6376 section 3.1 (selectors), 3.5 (`d=`, `s=`); RFC 7489 section 3.1.1
//! (alignment with From). Not here: the keys themselves (`message::dkim`), fetching them (`io::secrets`).
//! Called by: `event_file`. Can fail: never; faults are collected with their places.

use super::event_file::Sender;
use super::problem::{Place, quoted};
use super::relay::{Secret, read_secret};
use super::toml_reader::{Found, TomlReader};
use crate::mail::AddrSpec;

/// RFC 1035 section 2.3.4, for a name in text.
const NAME_MOST: usize = 253;

/// A key that signs every message.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// `d=`: the domain of From or one above it, in A-labels and lower case.
    pub domain: String,
    /// `s=`: under which name the domain publishes the public half; lower case.
    pub selector: String,
    /// Where the private half is, in PEM.
    pub key: Secret,
    /// Where `key` stands, for faults that are seen when it is opened.
    pub place: Place,
}

/// Every `[[dkim]]`.
pub(crate) fn read_all(root: &TomlReader<'_, '_>, sender: Option<&Sender>) -> Vec<SigningKey> {
    let mut keys: Vec<SigningKey> = Vec::new();
    for table in root.tables("dkim") {
        let Some((key, selector_place)) = read(&table, sender) else { continue };
        if keys.iter().any(|k| k.domain == key.domain && k.selector == key.selector) {
            let fault = format!("the selector `{}` of `{}` is named twice", key.selector, key.domain);
            table.problem(selector_place, fault, "one record holds one key: give each its own selector");
        }
        keys.push(key);
        table.finish();
    }
    keys
}

fn read(table: &TomlReader<'_, '_>, sender: Option<&Sender>) -> Option<(SigningKey, Place)> {
    const KEY_CURE: &str = "name its place: key = { file = \"dkim.pem\" }, { env = \"NAME\" } or { command = [\"pass\", \"show\", \"dkim\"] }";
    let domain = table.required_string("domain", "write the domain of `sender.address`, or one above it");
    let selector = table.required_string("selector", "write a name of your choice, such as \"convoke1\"");
    let domain = domain.and_then(|found| read_domain(table, &found, sender));
    let selector = selector.and_then(|found| read_selector(table, &found).map(|s| (s, found.place)));
    let place = table.keys().into_iter().find(|k| k.value == "key").map_or_else(|| table.place(), |k| k.place);
    if !table.keys().iter().any(|k| k.value == "key") {
        table.missing("key", KEY_CURE);
    }
    let key = read_secret(table, "key", "the private key", KEY_CURE);
    let (domain, (selector, selector_place), key) = (domain?, selector?, key?);
    let name = format!("{selector}._domainkey.{domain}");
    if name.len() > NAME_MOST {
        let fault = format!("{} is longer than {NAME_MOST} octets", quoted(&name));
        table.problem(selector_place, fault, "choose a shorter selector");
        return None;
    }
    Some((SigningKey { domain, selector, key, place }, selector_place))
}

fn read_domain(table: &TomlReader<'_, '_>, found: &Found<String>, sender: Option<&Sender>) -> Option<String> {
    let text = quoted(&found.value);
    // Whatever can stand behind an `@`, brought to the form in which it stands there.
    let read = AddrSpec::parse(&format!("x@{}", found.value)).ok().map(|a| a.domain().to_owned());
    let Some(domain) = read.filter(|d| d.contains('.') && !d.starts_with('[')) else {
        table.problem(found.place.clone(), format!("{text} is no domain"), "write it as host.example");
        return None;
    };
    let from = sender.map(|s| s.address.domain());
    if from.is_some_and(|from| from != domain && !from.ends_with(&format!(".{domain}"))) {
        let from = from.unwrap_or_default();
        table.problem(
            found.place.clone(),
            format!("messages come from `{from}`, and a signature of {text} says nothing about that (DMARC)"),
            format!("write domain = \"{from}\" or a domain above it"),
        );
        return None;
    }
    Some(domain)
}

fn read_selector(table: &TomlReader<'_, '_>, found: &Found<String>) -> Option<String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|o| o.is_ascii_alphanumeric() || matches!(o, b'-' | b'_'))
    };
    if found.value.split('.').all(is_label) {
        return Some(found.value.to_ascii_lowercase());
    }
    let fault = format!("{} is no selector", quoted(&found.value));
    table.problem(found.place.clone(), fault, "write letters, digits and hyphens, such as \"convoke1\"");
    None
}
