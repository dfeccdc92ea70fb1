//! Which refusals say that a mailbox does not exist.

use crate::journal::{Attempt, Standing};

use super::{Phase, Scope};

/// Bad destination mailbox, bad destination system, bad syntax, moved without a forward (RFC 3463 section 3.2), and
/// null MX (RFC 7505 section 3; Exchange Online says it of unknown recipients too). Others of 5.1.x are of the sender or
/// say less: nobody is suppressed for them.
const DEAD: [&str; 5] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"];

/// Whether an outcome proves the address dead: refused for good at RCPT, for the recipient's own fault, in words that say
/// so. A refusal without an enhanced code may be a policy's, and proves nothing.
pub fn is_dead_address(standing: Standing, attempt: &Attempt) -> bool {
    standing == Standing::Failed
        && attempt.phase == Phase::Rcpt.as_str()
        && attempt.scope == Scope::Recipient.as_str()
        && attempt.code >= 500
        && DEAD.contains(&attempt.enhanced.as_str())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::is_dead_address;
    use crate::journal::{Attempt, Standing};

    fn refusal(phase: &str, code: u16, enhanced: &str, scope: &str) -> Attempt {
        Attempt {
            phase: phase.to_owned(),
            relay: "main".to_owned(),
            code,
            enhanced: enhanced.to_owned(),
            text: String::new(),
            scope: scope.to_owned(),
            tls: String::new(),
            queue_id: String::new(),
            run: None,
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_a_mailbox_that_is_said_not_to_exist_is_dead() {
        let dead =
            |standing, phase, code, enhanced, scope| is_dead_address(standing, &refusal(phase, code, enhanced, scope));
        for enhanced in ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"] {
            assert!(dead(Standing::Failed, "rcpt", 550, enhanced, "recipient"), "{enhanced}");
        }
        for enhanced in ["", "5.1.0", "5.1.8", "5.2.1", "5.2.2", "5.4.1", "5.7.1", "5.1.100"] {
            assert!(!dead(Standing::Failed, "rcpt", 550, enhanced, "recipient"), "{enhanced}");
        }
        assert!(!dead(Standing::Deferred, "rcpt", 550, "5.1.1", "recipient"));
        assert!(!dead(Standing::Failed, "rcpt", 450, "4.1.1", "recipient"), "its time was over, no more");
        assert!(!dead(Standing::Failed, "mail", 550, "5.1.1", "setup"));
        assert!(!dead(Standing::Failed, "dot", 550, "5.1.1", "message"));
    }
}
