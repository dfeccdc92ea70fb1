//! What kind of entity is invited.

use std::fmt;

/// The kinds that a recipients file knows; each may have its own register and templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A Member State's permanent mission.
    Mission,
    /// An observer State's mission.
    Observer,
    /// An intergovernmental organization or UN entity.
    Igo,
    /// A non-governmental organization.
    Ngo,
    /// A person for themselves.
    Individual,
}

impl Kind {
    /// All of them, in the order of protocol.
    pub const ALL: [Self; 5] = [Self::Mission, Self::Observer, Self::Igo, Self::Ngo, Self::Individual];

    /// Reads the word of a cell, whatever its case; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase();
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word in cells, file names and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mission => "mission",
            Self::Observer => "observer",
            Self::Igo => "igo",
            Self::Ngo => "ngo",
            Self::Individual => "individual",
        }
    }

    /// Whether diplomatic register is due: a note verbale goes to missions, never to the public
    /// (UN Correspondence Manual, ST/DCS/4/Rev.1). Organizations with an observer's office are of kind `observer`.
    pub fn takes_notes_verbales(self) -> bool {
        matches!(self, Self::Mission | Self::Observer)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
