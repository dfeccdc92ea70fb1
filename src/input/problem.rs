//! A fault in one of the user's files.

use std::fmt;

/// Where a fault stands: a file as the user named it, and a place in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as the user named it or as it lies in the event folder.
    pub file: String,
    /// 1 for the first line; in a workbook the row; 0 where the fault concerns the whole file.
    pub line: u64,
    /// 1 for the first character of the line; in tables 1 for the first cell; 0 where the whole line is meant.
    pub column: u64,
}

impl Place {
    /// A line and a column of a file.
    pub fn new(file: &str, line: u64, column: u64) -> Self {
        Self { file: file.to_owned(), line, column }
    }

    /// The whole file.
    pub fn file(file: &str) -> Self {
        Self::new(file, 0, 0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}", self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

/// One fault: where, what was read, what to do. All of them are collected and shown at once.
///
/// Its words are lower case without a full stop, values in backticks: ``missions.csv:14:4: address `ana@` has no domain;
/// write it as name@domain``.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// What is wrong, with the value read.
    pub fault: String,
    /// What to write or do.
    pub cure: String,
}

impl Problem {
    /// A fault at a place with its cure.
    pub fn new(place: Place, fault: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { place, fault: fault.into(), cure: cure.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)?;
        if self.cure.is_empty() { Ok(()) } else { write!(f, "; {}", self.cure) }
    }
}

/// A value as it may stand in a message: one line, in backticks, cut where it is long.
pub fn quoted(value: &str) -> String {
    // Marks that turn the direction or show nothing would make the message itself lie on a terminal.
    let is_unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let line: String = value.chars().map(|c| if is_unseen(c) { ' ' } else { c }).collect();
    let mut cut: String = line.chars().take(60).collect();
    if line.chars().count() > 60 {
        cut.push('…');
    }
    format!("`{}`", cut.replace('`', "'"))
}
