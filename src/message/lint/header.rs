//! The fields of a header: M1 and M8 to M12, who it is from and to, and what may stand there.

use std::ops::Range;

use mail_parser::{Addr, Address, Header, HeaderName, HeaderValue, MessageParser};

use super::lines::{Lines, shown};
use super::{Fields, Gate, REQUIRED_FIELDS, Rule};
use crate::input::problem::quoted;
use crate::mail::Mailbox;

impl<'a> Gate<'a> {
    /// The fields of a header: each line is the beginning of an expected field or the continuation of one.
    pub(super) fn read_header(&mut self, header: Range<usize>, expected: &[&str], rule: Rule) -> Fields<'a> {
        let octets = &self.octets[header];
        let mut raw: Vec<(&str, &[u8])> = Vec::with_capacity(expected.len());
        let mut begin = 0;
        for line in Lines::new(octets) {
            let text = &octets[line.clone()];
            if text.starts_with(b" ") || text.starts_with(b"\t") {
                if text.trim_ascii().is_empty() || raw.is_empty() {
                    self.find(
                        rule,
                        format!("a folded line of the header is empty or continues nothing: {}", shown(text)),
                    );
                }
                if let Some((_, value)) = raw.last_mut() {
                    *value = &octets[begin..line.end];
                }
                continue;
            }
            let colon = text.iter().position(|&b| b == b':').unwrap_or(text.len());
            match std::str::from_utf8(&text[..colon]) {
                Ok(name) if colon < text.len() && !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()) => {
                    if !expected.iter().any(|other| name.eq_ignore_ascii_case(other)) {
                        self.find(rule, format!("field {} is not one that we write", quoted(name)));
                    } else if raw.iter().any(|(other, _)| name.eq_ignore_ascii_case(other)) {
                        self.find(rule, format!("field {} stands there twice", quoted(name)));
                    }
                    begin = line.start + colon + 1;
                    raw.push((name, &octets[begin..line.end]));
                }
                _ => self.find(rule, format!("a line of the header is no field: {}", shown(text))),
            }
        }
        let read = MessageParser::default().parse_headers(octets).and_then(|message| message.parts.into_iter().next());
        let read = read.map(|part| part.headers).unwrap_or_default();
        let is_same =
            |(field, header): (&(&str, &[u8]), &Header<'_>)| header.name.as_str().eq_ignore_ascii_case(field.0);
        if raw.len() != read.len() || !raw.iter().zip(&read).all(is_same) {
            self.find(rule, format!("two readers see different fields, {} and {}", raw.len(), read.len()));
        }
        Fields { raw, read }
    }

    /// M8, M9, M11, M12: the fields of the message itself.
    pub(super) fn check_fields(&mut self, header: &Fields<'a>) {
        for name in REQUIRED_FIELDS {
            if header.get(name).is_none() {
                self.find(Rule::Fields, format!("field `{name}` is missing"));
            }
        }
        if let Some((raw, value)) = header.get("Date") {
            let has_zone = raw.len() > 5 && matches!(raw[raw.len() - 5], b'+' | b'-');
            if !has_zone || !value.as_datetime().is_some_and(|date| date.is_valid()) {
                self.find(Rule::Fields, format!("`Date` is no date with an offset: {}", shown(raw)));
            }
        }
        if let Some((raw, _)) = header.get("MIME-Version")
            && raw != b"1.0"
        {
            self.find(Rule::Fields, format!("`MIME-Version` is {}, not `1.0`", shown(raw)));
        }
        let message_id = self.meant.message_id.as_str();
        if let Some((raw, _)) = header.get("Message-ID")
            && bracketed(raw) != Some(message_id.as_bytes())
        {
            self.find(Rule::Fields, format!("`Message-ID` is {}, not `<{message_id}>`", shown(raw)));
        }
        for name in ["In-Reply-To", "References"] {
            match (header.get(name), self.meant.thread) {
                (Some((raw, _)), Some(thread)) if bracketed(raw) == Some(thread.as_str().as_bytes()) => {}
                (Some((raw, _)), Some(thread)) => {
                    self.find(Rule::Fields, format!("`{name}` is {}, not `{thread}`", shown(raw)));
                }
                (Some((raw, _)), None) => {
                    self.find(Rule::Fields, format!("`{name}` is {} in a first message", shown(raw)));
                }
                (None, Some(_)) => self.find(Rule::Fields, format!("field `{name}` is missing in a follow-up")),
                (None, None) => {}
            }
        }
        if let Some((_, value)) = header.get("Subject") {
            self.check_words("the subject", value.as_text().unwrap_or_default(), self.meant.subject);
        }
        let (from, to) = (self.meant.from, self.meant.to);
        if let Some(mailbox) = header.get("From") {
            self.check_mailbox(Rule::Organizer, "From", mailbox, from);
        }
        if let Some(mailbox) = header.get("To") {
            self.check_mailbox(Rule::Recipient, "To", mailbox, to);
        }
        if let Some((raw, _)) = header.get("Reply-To")
            && !is_mailbox(raw, from.address().as_str())
        {
            self.find(Rule::Organizer, format!("`Reply-To` is {}, not the sender", shown(raw)));
        }
        self.check_roles();
        for header in &header.read {
            let HeaderValue::Address(addresses) = &header.value else { continue };
            if is_list_field(&header.name) {
                continue;
            }
            let is_ours = |addr: &Addr<'_>| {
                let address = addr.address.as_deref().unwrap_or_default();
                address == from.address().as_str() || address == to.address().as_str()
            };
            if let Some(other) = addresses.iter().find(|addr| !is_ours(addr)) {
                let other = other.address.as_deref().unwrap_or_default();
                let name = header.name.as_str();
                self.find(Rule::Recipient, format!("`{name}` holds {}, a third address", quoted(other)));
            }
        }
    }

    pub(super) fn check_roles(&mut self) {
        let to = self.meant.to.address();
        if self.meant.from.address().key() == to.key() {
            self.find(Rule::Organizer, format!("{} is organizer and recipient", quoted(to.as_str())));
        }
    }

    pub(super) fn check_mailbox(&mut self, rule: Rule, name: &str, field: (&[u8], &HeaderValue<'_>), meant: &Mailbox) {
        let (raw, value) = field;
        let address = meant.address().as_str();
        let read = match value {
            HeaderValue::Address(Address::List(list)) if list.len() == 1 => list.first(),
            _ => None,
        };
        match read {
            Some(read) if read.address.as_deref() == Some(address) && is_mailbox(raw, address) => {
                let said = read.name.as_deref().unwrap_or_default();
                self.check_words(&format!("the name in `{name}`"), said, meant.name());
            }
            Some(Addr { address: Some(other), .. }) if other != address => {
                self.find(rule, format!("`{name}` is {}, not {}", quoted(other), quoted(address)));
            }
            _ => self.find(rule, format!("`{name}` is {}, not {} alone", shown(raw), quoted(address))),
        }
    }

    pub(super) fn check_words(&mut self, what: &str, read: &str, meant: &str) {
        if read.contains(char::is_control) {
            self.find(Rule::Names, format!("{what} holds a control character: {}", quoted(read)));
        }
        if read != meant {
            self.find(Rule::Names, format!("{what} reads {}, not {}", quoted(read), quoted(meant)));
        }
    }
}

/// List-Unsubscribe and List-Id hold addresses of another kind.
fn is_list_field(name: &HeaderName<'_>) -> bool {
    name.as_str().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("list-"))
}

fn bracketed(raw: &[u8]) -> Option<&[u8]> {
    raw.strip_prefix(b"<")?.strip_suffix(b">")
}

/// Whether a field is `words <address>` and nothing else, for readers that are less forgiving than mail-parser or more.
fn is_mailbox(raw: &[u8], address: &str) -> bool {
    let Some(words) = raw.strip_suffix(b">").and_then(|raw| raw.strip_suffix(address.as_bytes())) else { return false };
    let Some(words) = words.strip_suffix(b"<") else { return false };
    let (mut is_quoted, mut is_escaped) = (false, false);
    for &byte in words {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'<' | b'>' | b',' | b';' | b':' | b'@' | b'(' | b')' | b'\\' if !is_quoted => return false,
            _ => {}
        }
    }
    !is_quoted
}
