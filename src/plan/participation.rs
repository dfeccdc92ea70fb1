//! Where an entity stands by what it answered, in one word.

use std::fmt;

/// What all answers of an entity come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Participation {
    /// Will come.
    Accepted,
    /// May come.
    Tentative,
    /// Sends somebody else.
    Delegated,
    /// Will not come.
    Declined,
    /// Has answered, but the event has changed since; whoever was told of it has not answered again.
    AskedAgain,
    /// Has not answered.
    #[default]
    Silent,
}

impl Participation {
    /// In the order in which output names them.
    pub const ALL: [Self; 6] =
        [Self::Accepted, Self::Tentative, Self::Delegated, Self::Declined, Self::AskedAgain, Self::Silent];

    /// The word in selections, exports and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Tentative => "tentative",
            Self::Delegated => "delegated",
            Self::Declined => "declined",
            Self::AskedAgain => "asked-again",
            Self::Silent => "silent",
        }
    }

    /// Whether an answer holds; nobody needs to be reminded then.
    pub fn is_answer(self) -> bool {
        match self {
            Self::Accepted | Self::Tentative | Self::Delegated | Self::Declined => true,
            Self::AskedAgain | Self::Silent => false,
        }
    }
}

impl fmt::Display for Participation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AskedAgain => "asked again",
            other => other.as_str(),
        })
    }
}
