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
    /// SIZE (RFC 1870) with its limit in octets; 0 where none is named.
    pub size: Option<u64>,
    /// AUTH mechanisms (RFC 4954), upper case.
    pub auth: Vec<String>,
}

impl Capabilities {
    /// Reads the reply to EHLO; its first line is the server's name.
    pub fn of(reply: &Reply) -> Self {
        let mut offered = Self::default();
        for line in reply.lines().iter().skip(1) {
            // Old servers write AUTH=PLAIN.
            let mut words = line.split([' ', '\t', '=']).filter(|w| !w.is_empty()).map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => offered.pipelining = true,
                Some("STARTTLS") => offered.starttls = true,
                Some("8BITMIME") => offered.eight_bit = true,
                Some("SMTPUTF8") => offered.smtputf8 = true,
                Some("SIZE") => offered.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
                Some("AUTH") => offered.auth.extend(words),
                _ => {}
            }
        }
        offered
    }
}

#[cfg(test)]
mod tests {
    use super::Capabilities;
    use crate::mail::Reply;

    #[test]
    fn keywords_are_read_in_any_case() {
        let lines = ["mx.example PIPELINING", "pipelining", "Size 1000", "AUTH=login PLAIN", "starttls", "", "X-ODD"];
        let offered = Capabilities::of(&Reply::new(250, lines.map(str::to_owned).to_vec()));
        assert!(offered.pipelining && offered.starttls && !offered.smtputf8);
        assert_eq!(offered.size, Some(1000));
        assert_eq!(offered.auth, ["LOGIN", "PLAIN"]);
        let first_only = Capabilities::of(&Reply::new(250, vec!["mx.example PIPELINING".to_owned()]));
        assert!(!first_only.pipelining);
    }
}
