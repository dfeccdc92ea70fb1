//! What an SMTP server answered.

use std::fmt;

/// `class.subject.detail` (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// Which fault.
    pub detail: u16,
}

impl EnhancedCode {
    /// Reads one at the start of a reply's text.
    pub fn at_start(text: &str) -> Option<Self> {
        let word = text.split([' ', '\t']).next()?;
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |s: &str, most: usize| {
            (!s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit()))
                .then(|| s.parse::<u16>().ok())?
        };
        let class = number(class, 1)?;
        if parts.next().is_some() || !matches!(class, 2 | 4 | 5) {
            return None;
        }
        Some(Self { class: u8::try_from(class).ok()?, subject: number(subject, 3)?, detail: number(detail, 3)? })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A complete reply: the code of its lines and their texts (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// From a code between 200 and 599 and the text of each line.
    pub fn new(code: u16, lines: Vec<String>) -> Self {
        Self { code, lines }
    }

    /// The three-digit code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// 2 done, 3 go on, 4 try later, 5 no.
    pub fn class(&self) -> u16 {
        self.code / 100
    }

    /// 2xx, and only that: 3xx as a last answer has been taken for success before.
    pub fn is_done(&self) -> bool {
        self.class() == 2
    }

    /// The texts of the lines, without the codes.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The enhanced code, where its class agrees with the code (RFC 2034 section 4); where they disagree the first digit
    /// of the code counts.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        let code = EnhancedCode::at_start(self.lines.first()?)?;
        (u16::from(code.class) == self.class()).then_some(code)
    }
}

impl fmt::Display for Reply {
    /// One line: the code and all texts, as a person reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" ").trim())
    }
}

#[cfg(test)]
mod tests {
    use super::{EnhancedCode, Reply};

    #[test]
    fn reads_enhanced_codes() {
        let code = EnhancedCode::at_start("5.7.515 Access denied");
        assert_eq!(code, Some(EnhancedCode { class: 5, subject: 7, detail: 515 }));
        for text in ["", "5.7", "3.1.1 x", "5.7.1.1", "5..1", "queued as 5.1.1", "5.1.1234"] {
            assert_eq!(EnhancedCode::at_start(text), None, "{text}");
        }
    }

    #[test]
    fn a_code_of_another_class_does_not_count() {
        assert_eq!(Reply::new(550, vec!["4.7.1 later".to_owned()]).enhanced(), None);
    }
}
