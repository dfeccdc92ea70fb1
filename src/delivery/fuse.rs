//! Stops a run before one fault is repeated on everybody.

use super::Scope;
use super::Verdict;

/// Counts faults that the next recipient would share; blows at the fifth in a row, and at the first one of our own set-up.
#[derive(Clone, Debug, Default)]
pub struct Fuse {
    /// Lost ways and providers that do not want us are seen to by breakers.
    beside_breakers: bool,
    alike: u32,
    why: Option<String>,
}

impl Fuse {
    /// As many in a row as leave no doubt that the recipients are not the cause.
    const MOST: u32 = 5;

    /// For a run whose relays and providers have a [`Breaker`](super::Breaker) each: only a fault of our own set-up and messages
    /// that are refused as such end it.
    pub fn beside_breakers() -> Self {
        Self { beside_breakers: true, ..Self::default() }
    }

    /// Takes note of a verdict; the reason of a blown fuse is the first set-up fault or the fifth shared one in a row.
    pub fn note(&mut self, verdict: Verdict, what: &str) {
        match verdict {
            Verdict::Deferred(Scope::Setup) => self.blow(what),
            Verdict::Deferred(Scope::Route | Scope::Provider) if self.beside_breakers => {}
            Verdict::Deferred(Scope::Route | Scope::Provider) | Verdict::Refused(Scope::Message) => {
                self.alike += 1;
                if self.alike >= Self::MOST {
                    self.blow(what);
                }
            }
            Verdict::Accepted => self.alike = 0,
            Verdict::Deferred(Scope::Recipient | Scope::Message)
            | Verdict::Refused(Scope::Recipient | Scope::Route | Scope::Provider | Scope::Setup)
            | Verdict::InDoubt => {}
        }
    }

    fn blow(&mut self, what: &str) {
        self.why.get_or_insert_with(|| what.to_owned());
    }

    /// Why nothing more is to be sent in this run.
    pub fn blown(&self) -> Option<&str> {
        self.why.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fuse, Scope, Verdict};

    #[test]
    fn recipients_faults_never_blow_it() {
        let mut fuse = Fuse::default();
        for _ in 0..100 {
            fuse.note(Verdict::Refused(Scope::Recipient), "550 5.1.1");
        }
        assert_eq!(fuse.blown(), None);
    }

    #[test]
    fn one_wrong_password_is_enough_and_five_lost_routes() {
        let mut fuse = Fuse::default();
        fuse.note(Verdict::Deferred(Scope::Setup), "535 5.7.8");
        assert_eq!(fuse.blown(), Some("535 5.7.8"));
        let mut fuse = Fuse::default();
        for n in 1..=5 {
            assert_eq!(fuse.blown(), None, "after {}", n - 1);
            fuse.note(Verdict::Deferred(Scope::Route), "closed");
        }
        assert_eq!(fuse.blown(), Some("closed"));
        let mut fuse = Fuse::default();
        for _ in 0..20 {
            fuse.note(Verdict::Deferred(Scope::Route), "closed");
            fuse.note(Verdict::Accepted, "");
        }
        assert_eq!(fuse.blown(), None);
    }

    #[test]
    fn beside_breakers_only_messages_and_the_set_up_end_a_run() {
        let mut fuse = Fuse::beside_breakers();
        for _ in 0..20 {
            fuse.note(Verdict::Deferred(Scope::Route), "closed");
            fuse.note(Verdict::Deferred(Scope::Provider), "550 5.7.1");
        }
        assert_eq!(fuse.blown(), None);
        for _ in 0..5 {
            fuse.note(Verdict::Refused(Scope::Message), "554 5.6.0");
            fuse.note(Verdict::Refused(Scope::Recipient), "550 5.1.1");
        }
        assert_eq!(fuse.blown(), Some("554 5.6.0"));
        let mut fuse = Fuse::beside_breakers();
        fuse.note(Verdict::Deferred(Scope::Setup), "535 5.7.8");
        assert_eq!(fuse.blown(), Some("535 5.7.8"));
    }
}
