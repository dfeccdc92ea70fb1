//! The event and its sessions as letters print them, each on its way through its states.
//!
//! What: [`Strands`], a [`Strand`] for the event and one for each session; [`Edition`], what of a strand is the same for everybody
//! who reads one language. Not here: the states themselves (`told`), what of the row is printed (`render`).
//! Called by: `compose`. Can fail: nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::context;
use super::library::Library;
use crate::input::event_file::EventFile;
use crate::input::sessions;
use crate::mail::Mailbox;
use crate::people::Language;
use crate::plan::History;

/// The event and its sessions, by their ids; that of the event as a whole is empty.
#[derive(Default)]
pub(super) struct Strands {
    all: BTreeMap<String, Strand>,
    /// The ids of the sessions that take place, in the order of the event.
    on: Vec<String>,
}

/// The event, or a session of it.
pub(super) struct Strand {
    /// When its first state was made.
    pub(super) created: Timestamp,
    editions: BTreeMap<Language, Edition>,
}

/// What is the same for everybody who reads one language.
pub(super) struct Edition {
    pub(super) values: Map<String, Value>,
    /// The session as lists of sessions name it; empty for the event as a whole.
    session: Map<String, Value>,
    pub(super) sender: Mailbox,
}

impl Strand {
    /// What readers of a language are told, if there are letters in it.
    pub(super) fn edition(&self, language: &Language) -> Option<&Edition> {
        self.editions.get(language)
    }
}

impl Strands {
    /// Prepares every language in which there are letters; sessions come in the order of the event.
    pub(super) fn add(&mut self, file: &EventFile, library: &Library, history: &History) {
        let mut editions = BTreeMap::new();
        for letter in library.letters() {
            editions.entry(letter.language.clone()).or_insert_with(|| Edition {
                values: context::event_values(file, &letter.language),
                session: context::session_values(file, &letter.language),
                sender: Mailbox::new(
                    file.sender.name.in_language(&letter.language, &file.languages),
                    file.sender.address.clone(),
                ),
            });
        }
        let id = file.session_id();
        if !id.is_empty() && !history.is_cancelled() {
            self.on.push(id.to_owned());
        }
        self.all.insert(id.to_owned(), Strand { created: history.created(), editions });
    }

    pub(super) fn get(&self, session: &str) -> Option<&Strand> {
        self.all.get(session)
    }

    pub(super) fn has_sessions(&self) -> bool {
        self.all.len() > 1
    }

    /// To which sessions the lists invite whoever has these cells; empty where the event has none.
    pub(super) fn invited<'r>(&self, cells: &'r BTreeMap<String, String>) -> &'r str {
        match self.has_sessions() {
            true => cells.get(sessions::COLUMN).map_or(sessions::ALL, String::as_str),
            false => "",
        }
    }

    /// The sessions that take place and to which a reader is invited, for the letter of one of them.
    pub(super) fn list(&self, invited: &str, this: &str, language: &Language) -> Vec<Value> {
        let invited: Vec<&str> = invited.split(|c: char| c == ';' || c.is_whitespace()).collect();
        let is_meant = |id: &&String| invited.contains(&sessions::ALL) || invited.contains(&id.as_str());
        let session = |id: &String| {
            let mut values = self.get(id)?.edition(language)?.session.clone();
            values.insert("is_this".to_owned(), Value::Bool(id == this));
            Some(Value::Object(values))
        };
        self.on.iter().filter(is_meant).filter_map(session).collect()
    }
}
