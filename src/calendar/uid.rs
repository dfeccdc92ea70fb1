//! The identities and closed lists of RFC 5545 and RFC 5546 that an invitation uses.
//!
//! What: [`Uid`], [`Sequence`], [`OrganizerMethod`], [`PartStat`], [`Status`], each valid by being one.
//! Standards: RFC 5545 sections 3.8.4.7 (UID), 3.8.7.4 (SEQUENCE), 3.2.12 (PARTSTAT), 3.8.1.11 (STATUS); RFC 5546 section 1.4.
//! Not here: how a token is made from key, event and address (`plan`).
//! Called by: every room that names an object; [`UidFault`] is all that can fail.

use std::fmt;

use crate::mail::AddrSpec;

/// What Exchange puts before its own identifiers (MS-OXOCAL): a UID with it is decoded instead of compared.
const EXCHANGE: &str = "040000008200E00074C5B7101A82E008";

/// The identity of one calendar object: `token@domain`, ASCII, at most 190 characters.
///
/// It is per recipient and unguessable, so that it names the row an answer belongs to; it never changes between revisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(String);

/// Why a text is no [`Uid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UidFault {
    /// Not `token@domain` with something on both sides.
    #[error("the UID is not of the form token@domain")]
    Form,
    /// More than [`Uid::LONGEST`] characters.
    #[error("the UID is longer than 190 characters")]
    Long,
    /// Something other than ASCII letters, digits, dots, hyphens and underscores.
    #[error("the UID holds `{0}`; it takes ASCII letters, digits, dots, hyphens and underscores")]
    Character(char),
    /// Begins as those of Exchange do.
    #[error("the UID begins as those of Exchange do")]
    Exchange,
}

impl Uid {
    /// The length that every store tried keeps whole.
    pub const LONGEST: usize = 190;

    /// `<event>.<token>@<organizer's domain>`.
    ///
    /// # Errors
    /// [`UidFault`], where event and token are not plain or too long.
    pub fn new(event: &str, token: &str, organizer: &AddrSpec) -> Result<Self, UidFault> {
        Self::parse(&format!("{event}.{token}@{}", organizer.domain()))
    }

    /// Takes one of ours back, from the journal or from an answer.
    ///
    /// # Errors
    /// [`UidFault`]: the text is none of ours.
    pub fn parse(text: &str) -> Result<Self, UidFault> {
        let Some((token, domain)) = text.split_once('@') else { return Err(UidFault::Form) };
        if token.is_empty() || domain.is_empty() {
            return Err(UidFault::Form);
        }
        if text.len() > Self::LONGEST {
            return Err(UidFault::Long);
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if let Some(c) = token.chars().chain(domain.chars()).find(|&c| !is_plain(c)) {
            return Err(UidFault::Character(c));
        }
        if Self::is_of_exchange(text) {
            return Err(UidFault::Exchange);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a text begins as the identifiers of Exchange do.
    pub(super) fn is_of_exchange(text: &str) -> bool {
        text.get(..EXCHANGE.len()).is_some_and(|start| start.eq_ignore_ascii_case(EXCHANGE))
    }

    /// The whole.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The revision of an object: 0 at first, one more when time or place change or it is cancelled (RFC 5546 section 2.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(u32);

impl Sequence {
    /// That of the first invitation.
    pub const FIRST: Self = Self(0);

    /// `None` above 2147483647, the end of INTEGER (RFC 5545 section 3.3.8).
    pub fn new(number: u32) -> Option<Self> {
        i32::try_from(number).is_ok().then_some(Self(number))
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The one that follows; `None` after the last INTEGER.
    pub fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an organizer sends here (RFC 5546 section 1.4); what attendees send is another type, in `replies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OrganizerMethod {
    /// Invites, reminds, changes (section 3.2.2).
    Request,
    /// Cancels or withdraws (section 3.2.5).
    Cancel,
}

impl OrganizerMethod {
    /// As METHOD and the MIME parameter have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }

    /// The only STATUS that fits it here (RFC 5546 sections 3.2.2 and 3.2.5).
    pub const fn status(self) -> Status {
        match self {
            Self::Request => Status::Confirmed,
            Self::Cancel => Status::Cancelled,
        }
    }

    /// Reads the word, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Request, Self::Cancel].into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word))
    }
}

/// What an attendee has answered (RFC 5545 section 3.2.12, for events).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartStat {
    /// Nothing yet.
    #[default]
    NeedsAction,
    /// Will come.
    Accepted,
    /// Will not come.
    Declined,
    /// May come.
    Tentative,
    /// Sends somebody else.
    Delegated,
}

impl PartStat {
    /// All, in the standard's order.
    pub const ALL: [Self; 5] = [Self::NeedsAction, Self::Accepted, Self::Declined, Self::Tentative, Self::Delegated];

    /// As the parameter has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsAction => "NEEDS-ACTION",
            Self::Accepted => "ACCEPTED",
            Self::Declined => "DECLINED",
            Self::Tentative => "TENTATIVE",
            Self::Delegated => "DELEGATED",
        }
    }

    /// Reads the word, in any case (RFC 5545 section 2: parameter values are case-insensitive).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|partstat| partstat.as_str().eq_ignore_ascii_case(word))
    }
}

/// Whether the event takes place (RFC 5545 section 3.8.1.11, without TENTATIVE: we do not invite to a perhaps).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It does.
    Confirmed,
    /// It does not, for this attendee at least.
    Cancelled,
}

impl Status {
    /// As the property has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OrganizerMethod, PartStat, Sequence, Uid, UidFault};
    use crate::mail::AddrSpec;

    #[test]
    fn a_uid_is_plain_and_bounded() {
        let organizer = AddrSpec::parse("rsvp@Events.example").expect("valid");
        let uid = Uid::new("gala-2017", "5f3a", &organizer).expect("plain");
        assert_eq!(uid.as_str(), "gala-2017.5f3a@events.example");
        assert_eq!(Uid::parse(uid.as_str()), Ok(uid));
        let of_exchange = "040000008200e00074c5b7101a82e008@x.example";
        let longest = format!("{}@x", "a".repeat(188));
        assert!(Uid::parse(&longest).is_ok());
        for (text, fault) in [
            ("", UidFault::Form),
            ("token", UidFault::Form),
            ("@x.example", UidFault::Form),
            ("a@", UidFault::Form),
            ("a@b@c", UidFault::Character('@')),
            ("a b@x.example", UidFault::Character(' ')),
            ("a\r\n@x.example", UidFault::Character('\r')),
            ("a,b@x.example", UidFault::Character(',')),
            ("é@x.example", UidFault::Character('é')),
            (of_exchange, UidFault::Exchange),
            (&format!("a{longest}"), UidFault::Long),
        ] {
            assert_eq!(Uid::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn a_sequence_ends_where_integers_do() {
        assert_eq!(Sequence::FIRST.next(), Sequence::new(1));
        assert_eq!(Sequence::new(2_147_483_647).and_then(Sequence::next), None);
        assert_eq!(Sequence::new(u32::MAX), None);
    }

    #[test]
    fn words_read_back() {
        for partstat in PartStat::ALL {
            assert_eq!(PartStat::parse(&partstat.as_str().to_lowercase()), Some(partstat));
        }
        assert_eq!(PartStat::parse("YES"), None);
        assert_eq!(OrganizerMethod::parse("Cancel"), Some(OrganizerMethod::Cancel));
        assert_eq!(OrganizerMethod::parse("REPLY"), None);
    }
}
