//! The message that `doctor --self-test` sends to ourselves.
//!
//! What: [`SelfTest`]. Standards: RFC 5322 section 3.6, RFC 3834 section 5 (`Auto-Submitted`, so that nobody answers it), RFC 5233
//! section 1 (what stands behind the `+`). Not here: sending it, looking for it (`command::doctor`). Called by:
//! `command::doctor`. Can fail: an address that has no room for the token.

use jiff::Timestamp;

use crate::mail::{AddrSpec, AddrSpecError, MessageId};

/// One message from ourselves to ourselves.
#[derive(Clone, Debug)]
pub struct SelfTest {
    /// `local+token@domain`, made as the reverse-paths of `sender.verp` are.
    pub to: AddrSpec,
    /// By which it is found again.
    pub message_id: MessageId,
    /// CRLF throughout, ASCII but for addresses.
    pub octets: Vec<u8>,
}

impl SelfTest {
    /// Writes it. `from` is the sender, `mailbox` where returned mail is to arrive; `token` is plain letters and digits.
    ///
    /// # Errors
    /// The mailbox's local part with the token is longer than 64 octets (RFC 5321 section 4.5.3.1.1).
    pub fn new(from: &AddrSpec, mailbox: &AddrSpec, token: &str, date: Timestamp) -> Result<Self, AddrSpecError> {
        let to = AddrSpec::parse(&format!("{}+{token}@{}", mailbox.local_part(), mailbox.domain()))?;
        let message_id = MessageId::new(token, from);
        let date = date.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let octets = format!(
            "Date: {date}\r\nFrom: {from}\r\nTo: {to}\r\nMessage-ID: <{}>\r\nSubject: convoke self-test {token}\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\
             Content-Transfer-Encoding: 7bit\r\n\r\n\
             `convoke doctor --self-test` has sent this message to its own mailbox, to an\r\n\
             address with a plus sign in it. That you can read it means that the way out,\r\n\
             the way back and addresses with a plus sign work. It can be deleted.\r\n",
            message_id.as_str(),
            from = from.as_str(),
            to = to.as_str(),
        );
        Ok(Self { to, message_id, octets: octets.into_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::SelfTest;
    use crate::mail::AddrSpec;

    #[test]
    fn it_goes_to_the_mailbox_by_an_address_of_its_own() {
        let from = AddrSpec::parse("events@host.example").expect("valid");
        let mailbox = AddrSpec::parse("returns@host.example").expect("valid");
        let date = "2027-06-01T09:05:06Z".parse().expect("an instant");
        let test = SelfTest::new(&from, &mailbox, "abc234", date).expect("room");
        assert_eq!(test.to.as_str(), "returns+abc234@host.example");
        let message = MessageParser::default().parse(&test.octets).expect("a message");
        assert_eq!(message.message_id(), Some("abc234@host.example"));
        assert_eq!(message.date().map(|date| date.to_rfc3339()).as_deref(), Some("2027-06-01T09:05:06Z"));
        assert!(test.octets.split(|b| *b == b'\n').all(|line| line.len() < 78), "no line is folded by anybody");
        let long = AddrSpec::parse(&format!("{}@host.example", "a".repeat(60))).expect("valid");
        assert!(SelfTest::new(&from, &long, "abc234", date).is_err());
    }
}
