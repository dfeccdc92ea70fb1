//! Stops a run before one fault is repeated on everybody.

use super::Scope;
use super::Verdict;

/// Counts faults that the next recipient would share; blows at the fifth in a row.
#[derive(Clone, Debug, Default)]
pub struct Fuse {
    alike: u32,
    why: Option<String>,
}

impl Fuse {
    /// As many in a row as leave no doubt that the recipients are not the cause.
    const MOST: u32 = 5;

    /// Takes note of a verdict; the reason of a blown fuse is the first set-up fault or the fifth shared one in a row.
    pub fn note(&mut self, verdict: Verdict, what: &str) {
        match verdict {
            Verdict::Deferred(Scope::Setup) => self.blow(what),
            Verdict::Deferred(Scope::Route) | Verdict::Refused(Scope::Message) => {
                self.alike += 1;
                if self.alike >= Self::MOST {
                    self.blow(what);
                }
            }
            Verdict::Accepted => self.alike = 0,
            Verdict::Deferred(Scope::Recipient | Scope::Message)
            | Verdict::Refused(Scope::Recipient | Scope::Route | Scope::Setup)
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
}
