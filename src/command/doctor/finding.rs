//! What one check found.

use std::fmt;

use serde_json::{Value, json};

use crate::exit::{Exit, Stopped};
use crate::io;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Well,
    /// It can be lived with.
    Warning,
    /// Sending, or reading answers, does not work.
    Fault(Exit),
}

/// One line of the report.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    check: &'static str,
    /// Of several of a kind, which one.
    of: String,
    grade: Grade,
    words: String,
    /// What to do; empty where nothing needs to be done.
    cure: String,
    facts: Value,
}

impl Finding {
    fn new(check: &'static str, of: &str, grade: Grade, words: &str, cure: &str) -> Self {
        let (of, words, cure) = (of.to_owned(), words.to_owned(), cure.to_owned());
        Self { check, of, grade, words, cure, facts: Value::Null }
    }

    pub(super) fn well(check: &'static str, of: &str, words: &str) -> Self {
        Self::new(check, of, Grade::Well, words, "")
    }

    pub(super) fn warning(check: &'static str, of: &str, words: &str, cure: &str) -> Self {
        Self::new(check, of, Grade::Warning, words, cure)
    }

    pub(super) fn fault(check: &'static str, of: &str, exit: Exit, words: &str, cure: &str) -> Self {
        Self::new(check, of, Grade::Fault(exit), words, cure)
    }

    /// What would stop another command.
    pub(super) fn stopped(check: &'static str, of: &str, stopped: &Stopped, cure: &str) -> Self {
        Self::fault(check, of, stopped.exit(), &io::chain(stopped), cure)
    }

    /// More words behind its own.
    pub(super) fn more(mut self, words: &str) -> Self {
        self.words.push_str(words);
        self
    }

    /// Facts for programs.
    pub(super) fn with(mut self, facts: Value) -> Self {
        self.facts = facts;
        self
    }

    /// The exit code of a fault.
    pub(super) fn exit(&self) -> Option<Exit> {
        match self.grade {
            Grade::Fault(exit) => Some(exit),
            Grade::Well | Grade::Warning => None,
        }
    }

    pub(super) fn is_warning(&self) -> bool {
        self.grade == Grade::Warning
    }

    fn grade(&self) -> &'static str {
        match self.grade {
            Grade::Well => "ok",
            Grade::Warning => "warning",
            Grade::Fault(_) => "fault",
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "check": self.check, "of": self.of, "grade": self.grade(), "words": self.words, "cure": self.cure,
            "facts": self.facts })
    }
}

impl fmt::Display for Finding {
    /// In one line, whatever a server said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blank = if self.of.is_empty() { "" } else { " " };
        let cure = if self.cure.is_empty() { String::new() } else { format!("; {}", self.cure) };
        let line = format!("{:<8} {}{blank}{}: {}{cure}", self.grade(), self.check, self.of, self.words);
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        f.write_str(&line)
    }
}
