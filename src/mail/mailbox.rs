//! An address with the name that readers see.

use super::AddrSpec;

/// A display name and an address (RFC 5322 section 3.4 `mailbox`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    name: String,
    address: AddrSpec,
}

impl Mailbox {
    /// Joins both. Controls in the name, line ends among them, become blanks; an empty name stays empty.
    pub fn new(name: &str, address: AddrSpec) -> Self {
        let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { name: name.split_whitespace().collect::<Vec<_>>().join(" "), address }
    }

    /// The name, on one line; empty where there is none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address.
    pub fn address(&self) -> &AddrSpec {
        &self.address
    }
}
