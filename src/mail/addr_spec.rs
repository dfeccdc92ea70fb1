//! One bare address: `local-part "@" domain`, nothing else.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// A bare address as SMTP takes it: a dot-atom local part and a domain of A-labels.
///
/// RFC 5321 section 4.1.2 without quoted local parts, address literals, source routes and comments: each of these has sent
/// mail of other programs to strangers. The domain is lower-case ASCII (RFC 5890); the local part keeps its case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddrSpec {
    text: String,
    at: usize,
}

/// Why a text is no address. `Display` says what is wrong with it, [`AddrSpecError::cure`] what to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddrSpecError {
    /// Nothing but blanks.
    #[error("the address is empty")]
    Empty,
    /// Angle brackets or a name before them.
    #[error("the address carries a name or angle brackets")]
    NotBare,
    /// A comma or semicolon: several addresses, or a group.
    #[error("the cell holds more than one address")]
    List,
    /// Parentheses.
    #[error("the address holds a comment")]
    Comment,
    /// `"…"@domain`.
    #[error("the local part is quoted")]
    Quoted,
    /// No `@`.
    #[error("the address has no `@`")]
    NoAt,
    /// Nothing before the `@`.
    #[error("the address has nothing before `@`")]
    NoLocalPart,
    /// Nothing after the `@`.
    #[error("the address has no domain")]
    NoDomain,
    /// A blank inside.
    #[error("the address holds a blank")]
    Blank,
    /// A control or an invisible formatting character (soft hyphen, zero-width space, direction mark).
    #[error("the address holds an invisible character")]
    Invisible,
    /// `.a@`, `a.@`, `a..b@`.
    #[error("the local part begins or ends with a dot or has two in a row")]
    Dots,
    /// A character that an atom cannot hold.
    #[error("the local part holds `{0}`, which mail does not allow unquoted")]
    Character(char),
    /// More than 64 octets (RFC 5321 section 4.5.3.1.1).
    #[error("the local part is longer than 64 octets")]
    LongLocalPart,
    /// More than 254 octets in all (RFC 5321 section 4.5.3.1.3 less the brackets).
    #[error("the address is longer than 254 octets")]
    Long,
    /// `a@[192.0.2.1]` or `a@192.0.2.1`.
    #[error("the domain is a network address")]
    Literal,
    /// `a@localhost`.
    #[error("the domain has no dot")]
    OneLabel,
    /// Not a domain name by RFC 5890.
    #[error("the domain is not a valid name")]
    Domain,
}

impl AddrSpecError {
    /// What to write in its place.
    pub fn cure(self) -> &'static str {
        match self {
            Self::List => "write one address in a cell; give further mailboxes a row each or the `cc` column",
            Self::Long | Self::LongLocalPart => "shorten it or ask for another mailbox",
            Self::Invisible => "type the address again instead of pasting it",
            _ => "write it as name@domain.example",
        }
    }
}

impl AddrSpec {
    /// Reads one address. Blanks around it are dropped; compatibility forms of the domain are normalised by IDNA.
    ///
    /// # Errors
    /// [`AddrSpecError`], the first fault found.
    pub fn parse(text: &str) -> Result<Self, AddrSpecError> {
        if let Some(at) = plain(text) {
            return Ok(Self { text: text.to_owned(), at });
        }
        let text: String = text.trim().nfc().collect();
        if text.is_empty() {
            return Err(AddrSpecError::Empty);
        }
        if text.chars().any(is_invisible) {
            return Err(AddrSpecError::Invisible);
        }
        for (marks, error) in [
            (&['"'][..], AddrSpecError::Quoted),
            (&['<', '>'], AddrSpecError::NotBare),
            (&['(', ')'], AddrSpecError::Comment),
            (&[',', ';', ':'], AddrSpecError::List),
        ] {
            if text.contains(marks) {
                return Err(error);
            }
        }
        let Some(at) = text.rfind('@') else { return Err(AddrSpecError::NoAt) };
        let (local, domain) = (&text[..at], &text[at + 1..]);
        if local.contains('@') {
            return Err(AddrSpecError::List);
        }
        if text.contains(char::is_whitespace) {
            return Err(AddrSpecError::Blank);
        }
        Self::check_local(local)?;
        let domain = Self::domain_to_ascii(domain)?;
        let whole = format!("{local}@{domain}");
        if whole.len() > 254 {
            return Err(AddrSpecError::Long);
        }
        Ok(Self { at: local.len(), text: whole })
    }

    fn check_local(local: &str) -> Result<(), AddrSpecError> {
        if local.is_empty() {
            return Err(AddrSpecError::NoLocalPart);
        }
        if local.len() > 64 {
            return Err(AddrSpecError::LongLocalPart);
        }
        if local.split('.').any(str::is_empty) {
            return Err(AddrSpecError::Dots);
        }
        // RFC 5322 section 3.2.3 `atext`, and any letter beyond ASCII (RFC 6531 section 3.3).
        let allowed = |c: char| {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || (!c.is_ascii() && !c.is_control())
        };
        match local.chars().find(|&c| !allowed(c)) {
            Some(c) => Err(AddrSpecError::Character(c)),
            // A leading `-` has been taken for an option by programs that a relay hands the address to.
            None if local.starts_with('-') => Err(AddrSpecError::Character('-')),
            None => Ok(()),
        }
    }

    fn domain_to_ascii(domain: &str) -> Result<String, AddrSpecError> {
        if domain.is_empty() {
            return Err(AddrSpecError::NoDomain);
        }
        if domain.starts_with('[') || domain.split('.').all(|label| label.bytes().all(|b| b.is_ascii_digit())) {
            return Err(AddrSpecError::Literal);
        }
        let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| AddrSpecError::Domain)?;
        let labels: Vec<&str> = ascii.split('.').collect();
        if labels.len() < 2 {
            return Err(AddrSpecError::OneLabel);
        }
        let last_is_numeric = labels.last().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        if last_is_numeric || labels.iter().any(|l| l.is_empty() || l.len() > 63) {
            return Err(AddrSpecError::Domain);
        }
        Ok(ascii)
    }

    /// The whole address, domain in A-labels: what goes into the envelope, `To` and `ATTENDEE`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// What stands after the `@`, in A-labels and lower case.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// The form under which two spellings of one mailbox meet: all lower case.
    ///
    /// RFC 5321 section 2.4 lets hosts tell cases apart; none of those invited here does, and two invitations to one
    /// mailbox are the greater harm.
    pub fn key(&self) -> String {
        self.text.to_lowercase()
    }

    /// Whether only a server with SMTPUTF8 can take it (RFC 6531): a local part beyond ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part().is_ascii()
    }

    /// Whether the domain is one of RFC 2606 and RFC 6761 that no mail can reach.
    pub fn is_reserved(&self) -> bool {
        let domain = self.domain();
        let last = domain.rsplit('.').next().unwrap_or(domain);
        matches!(last, "example" | "invalid" | "test" | "localhost")
            || ["example.com", "example.net", "example.org"]
                .iter()
                .any(|d| domain == *d || domain.strip_suffix(d).is_some_and(|rest| rest.ends_with('.')))
    }
}

/// Where the `@` of an address stands that needs no second look: lower-case letters, digits and a few marks, labels without
/// `--` (which could be A-labels) before a top-level domain of letters. All others go the long way, with the same result.
fn plain(text: &str) -> Option<usize> {
    let at = memchr::memchr(b'@', text.as_bytes())?;
    let (local, domain) = (&text.as_bytes()[..at], &text.as_bytes()[at + 1..]);
    let is_letter = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_local =
        |part: &[u8]| !part.is_empty() && part.iter().all(|b| is_letter(b) || matches!(b, b'-' | b'_' | b'+'));
    let is_label = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|b| is_letter(b) || *b == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
            && !label.windows(2).any(|pair| pair == b"--")
    };
    let (name, last) = domain.iter().rposition(|b| *b == b'.').map(|dot| (&domain[..dot], &domain[dot + 1..]))?;
    let fits = local.len() <= 64
        && text.len() <= 254
        && !local.starts_with(b"-")
        && local.split(|b| *b == b'.').all(is_local)
        && name.split(|b| *b == b'.').all(is_label)
        && is_label(last)
        && last.iter().all(u8::is_ascii_lowercase);
    fits.then_some(at)
}

/// Controls and characters that a reader does not see: they make two addresses look like one.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{AddrSpec, AddrSpecError};

    fn fault(text: &str) -> AddrSpecError {
        AddrSpec::parse(text).expect_err(text)
    }

    #[test]
    fn takes_what_missions_use() {
        for text in ["un@mission.example", "o'neill+un@a-b.example", "MFA.UN@x.y.example", "a@1a.example"] {
            assert_eq!(AddrSpec::parse(text).map(|a| a.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn writes_domains_as_a_labels() {
        let address = AddrSpec::parse(" Onu@Misión-Perú.example ").expect("valid");
        assert_eq!(address.as_str(), "Onu@xn--misin-per-86a6f.example");
        assert_eq!(address.key(), "onu@xn--misin-per-86a6f.example");
        assert!(!address.needs_smtputf8());
        assert!(AddrSpec::parse("посол@mission.example").expect("valid").needs_smtputf8());
    }

    #[test]
    fn refuses_everything_else() {
        assert_eq!(fault(""), AddrSpecError::Empty);
        assert_eq!(fault("ana@"), AddrSpecError::NoDomain);
        assert_eq!(fault("@x.example"), AddrSpecError::NoLocalPart);
        assert_eq!(fault("ana"), AddrSpecError::NoAt);
        assert_eq!(fault("Ana <ana@x.example>"), AddrSpecError::NotBare);
        assert_eq!(fault("a@x.example, b@x.example"), AddrSpecError::List);
        assert_eq!(fault("a@x.example;"), AddrSpecError::List);
        assert_eq!(fault("group:a@x.example"), AddrSpecError::List);
        assert_eq!(fault("a@b@x.example"), AddrSpecError::List);
        assert_eq!(fault("\"a b\"@x.example"), AddrSpecError::Quoted);
        assert_eq!(fault("a(c)@x.example"), AddrSpecError::Comment);
        assert_eq!(fault("a b@x.example"), AddrSpecError::Blank);
        assert_eq!(fault("a\r\nRCPT@x.example"), AddrSpecError::Blank);
        assert_eq!(fault("a..b@x.example"), AddrSpecError::Dots);
        assert_eq!(fault("a\u{200b}@x.example"), AddrSpecError::Invisible);
        assert_eq!(fault("a@x\u{ad}y.example"), AddrSpecError::Invisible);
        assert_eq!(fault("a@localhost"), AddrSpecError::OneLabel);
        assert_eq!(fault("a@[192.0.2.1]"), AddrSpecError::Literal);
        assert_eq!(fault("a@192.0.2.1"), AddrSpecError::Literal);
        assert_eq!(fault("a@-bad.example"), AddrSpecError::Domain);
        assert_eq!(fault("a@bad_.example"), AddrSpecError::Domain);
        assert_eq!(fault("a@x.example."), AddrSpecError::Domain);
        assert_eq!(fault("-f@x.example"), AddrSpecError::Character('-'));
        assert_eq!(fault(&format!("{}@x.example", "a".repeat(65))), AddrSpecError::LongLocalPart);
        assert_eq!(fault(&format!("{}@{}example", "a".repeat(60), "abc.".repeat(50))), AddrSpecError::Long);
    }

    #[test]
    fn the_short_way_gives_what_the_long_way_gives() {
        for text in ["a@b.example", "first.last+tag@x-y.host.example", "1_2@3.example", "guest@xn--bcher-kva.example"] {
            let parsed = AddrSpec::parse(text).expect("an address");
            assert_eq!((parsed.as_str(), parsed.local_part()), (text, &text[..text.find('@').expect("an @")]));
        }
        for text in [
            "a@b",
            "a@1.2.3.4",
            "-a@b.example",
            "a..b@c.example",
            ".a@b.example",
            "a@-b.example",
            "a@b-.example",
            "a@@b.example",
            "a@b..example",
            "a b@c.example",
            "a@b.123",
        ] {
            assert!(AddrSpec::parse(text).is_err(), "{text}");
            assert_eq!(super::plain(text), None, "{text}");
        }
    }

    #[test]
    fn knows_domains_that_reach_nobody() {
        for (text, reserved) in
            [("a@x.example", true), ("a@x.test", true), ("a@example.org", true), ("a@notexample.org", false)]
        {
            assert_eq!(AddrSpec::parse(text).expect("valid").is_reserved(), reserved, "{text}");
        }
    }
}
