//! What a server offers in its answer to EHLO.

use crate::mail::Reply;

/// The keywords of RFC 5321 section 4.1.1.1 that matter here, whatever their case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Commands may be sent in groups (RFC 2920).
    pub pipelining: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// Local parts beyond ASCII (RFC 6531).
    pub smtputf8: bool,
    /// What is to be reported, and to which identity (RFC 3461).
    pub dsn: bool,
    /// Answers carry codes of RFC 3463 (RFC 2034).
    pub enhanced: bool,
    /// SIZE (RFC 1870) with its limit in octets; 0 where none is named.
    pub size: Option<u64>,
    /// MAIL commands in one connection (RFC 9422 section 4.1). RCPTMAX does not matter: a message has one recipient.
    pub mail_max: Option<u32>,
    /// AUTH mechanisms (RFC 4954), upper case.
    pub auth: Vec<String>,
}

impl Capabilities {
    /// Reads the reply to EHLO; its first line is the server's name.
    pub fn of(reply: &Reply) -> Self {
        let mut offered = Self::default();
        for line in reply.lines().iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '\t']).filter(|w| !w.is_empty());
            match words.next() {
                Some("PIPELINING") => offered.pipelining = true,
                Some("STARTTLS") => offered.starttls = true,
                Some("8BITMIME") => offered.eight_bit = true,
                Some("SMTPUTF8") => offered.smtputf8 = true,
                Some("DSN") => offered.dsn = true,
                Some("ENHANCEDSTATUSCODES") => offered.enhanced = true,
                Some("SIZE") => offered.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
                Some("LIMITS") => {
                    let most = words.find_map(|w| w.strip_prefix("MAILMAX=")).and_then(|n| n.parse().ok());
                    // Nothing could be sent at all under 0, which RFC 9422 does not allow.
                    offered.mail_max = most.filter(|&n| n > 0);
                }
                Some("AUTH") => offered.add_mechanisms(words),
                // Old servers write AUTH=PLAIN, some beside the right form.
                Some(word) => {
                    if let Some(first) = word.strip_prefix("AUTH=") {
                        offered.add_mechanisms(std::iter::once(first).chain(words));
                    }
                }
                None => {}
            }
        }
        offered
    }

    fn add_mechanisms<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        for word in words.filter(|w| !w.is_empty()) {
            if !self.auth.iter().any(|known| known == word) {
                self.auth.push(word.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Capabilities;
    use crate::mail::Reply;

    fn of(lines: &[&str]) -> Capabilities {
        Capabilities::of(&Reply::new(250, lines.iter().map(|l| (*l).to_owned()).collect()))
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let offered =
            of(&["mx.example DSN", "pipelining", "Size 1000", "AUTH=login PLAIN", "starttls", "", "X-ODD", "dsn"]);
        assert!(offered.pipelining && offered.starttls && offered.dsn && !offered.smtputf8 && !offered.enhanced);
        assert_eq!(offered.size, Some(1000));
        assert_eq!(offered.auth, ["LOGIN", "PLAIN"]);
        assert_eq!(of(&["mx.example PIPELINING"]), Capabilities::default());
    }

    #[test]
    fn limits_and_doubled_logins() {
        let offered = of(&["mx", "LIMITS RCPTMAX=20 MAILMAX=5", "AUTH PLAIN XOAUTH2", "AUTH=PLAIN XOAUTH2", "SIZE"]);
        assert_eq!((offered.mail_max, offered.size), (Some(5), Some(0)));
        assert_eq!(offered.auth, ["PLAIN", "XOAUTH2"]);
        assert_eq!(of(&["mx", "LIMITS MAILMAX=0"]).mail_max, None);
    }
}
