//! `[[session]]` of `convoke.toml`: the parts of an event to which people are invited one by one, and which row is invited to
//! which.
//!
//! What: [`Session`], a part with facts of its own, what it does not say being that of `[event]`; [`EventFile::parts`], the
//! file once for each of them; [`Cell`], what a cell of the column `sessions` says.
//! Why each has an invitation of its own: RFC 5546 section 3.2.2 gives all VEVENTs of a REQUEST one UID, and RFC 6047 section
//! 2.4 a MIME part one object; `manual/sessions.md` has the rest.
//! Not here: the messages (`plan`, `message`). Called by: `event_file`, `recipients`, `command`.
//! Can fail: each fault becomes a problem with its place and a cure.

use super::event_file::{Draft, Event, EventFile, Times, default_zone_name, https, is_given, optional_text};
use super::event_file::{read_speaker, read_times, read_zone};
use super::problem::quoted;
use super::text::Text;
use super::toml_reader::{TomlReader, nearest};
use crate::people::Language;

/// The key in `convoke.toml`.
const KEY: &str = "session";
/// The column of the recipients lists.
pub const COLUMN: &str = "sessions";
/// In a cell: every session, also one that is added later.
pub const ALL: &str = "all";
/// Characters of an id: it stands in file names and beside the event's own.
const LONGEST: usize = 40;

/// A part of an event with an invitation of its own.
#[derive(Clone, Debug)]
pub struct Session {
    /// Part of what its UIDs are made of: never changes. In lower case.
    pub id: String,
    /// Its facts, those of the event where it says nothing.
    pub event: Event,
}

/// Of which session an [`EventFile`] has the facts.
#[derive(Clone, Debug)]
pub struct Part {
    /// The session's id.
    pub id: String,
    /// The title of the event that it is a part of.
    pub whole: Text,
}

impl EventFile {
    /// The file once for each session, with that session's facts in the place of the event's, in the order of their starts;
    /// itself where the event has none.
    pub fn parts(&self) -> Vec<Self> {
        if self.sessions.is_empty() {
            return vec![self.clone()];
        }
        let part = |session: &Session| Self {
            event: session.event.clone(),
            part: Some(Part { id: session.id.clone(), whole: self.event.title.clone() }),
            ..self.clone()
        };
        self.sessions.iter().map(part).collect()
    }

    /// The id of the session whose facts it has; empty for the event as a whole.
    pub fn session_id(&self) -> &str {
        self.part.as_ref().map_or("", |part| part.id.as_str())
    }

    /// The ids of all sessions, in their order.
    pub fn session_ids(&self) -> Vec<String> {
        self.sessions.iter().map(|session| session.id.clone()).collect()
    }

    /// When the last part of the event begins: after it nothing is worth sending.
    pub fn last_start(&self) -> jiff::Timestamp {
        self.sessions.iter().map(|session| session.event.start).max().unwrap_or(self.event.start)
    }

    /// When the last part of the event ends.
    pub fn last_end(&self) -> jiff::Timestamp {
        self.sessions.iter().map(|session| session.event.end).max().unwrap_or(self.event.end)
    }
}

/// Whether the file has any.
pub(super) fn are_there(root: &TomlReader<'_, '_>) -> bool {
    !root.tables(KEY).is_empty()
}

/// Reads all of them, and gives the event its times where it leaves them to its sessions.
pub(super) fn read_all(root: &TomlReader<'_, '_>, default: &Language, event: &mut Draft) -> Vec<Session> {
    let mut ids: Vec<String> = Vec::new();
    let mut sessions: Vec<Session> =
        root.tables(KEY).into_iter().filter_map(|table| read(table, default, event, &mut ids)).collect();
    // Stable: of two that begin together the one written first.
    sessions.sort_by_key(|session| session.event.start);
    if let (None, Some(zone)) = (event.times, &event.zone)
        && let Some(start) = sessions.iter().map(|session| session.event.start).min()
        && let Some(end) = sessions.iter().map(|session| session.event.end).max()
    {
        let here = |at| (zone.instant_to_local(at), at);
        event.times = Some(Times { start: here(start), end: here(end) });
    }
    sessions
}

fn read(table: TomlReader<'_, '_>, default: &Language, event: &Draft, ids: &mut Vec<String>) -> Option<Session> {
    const CURE: &str = "choose a short lasting name of letters, digits and hyphens";
    let id = table.required_string("id", CURE).and_then(|found| {
        let id = found.value.trim().to_ascii_lowercase();
        let is_plain = id.len() <= LONGEST && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let fault = if !is_plain {
            Some((format!("session id {} is not plain", quoted(&found.value)), CURE.to_owned()))
        } else if id == ALL {
            Some((format!("session id `{ALL}` means every session"), "choose another".to_owned()))
        } else if ids.contains(&id) {
            Some((format!("two sessions have the id `{id}`"), "give each its own; case does not count".to_owned()))
        } else {
            None
        };
        if let Some((fault, cure)) = fault {
            table.problem(found.place, fault, cure);
            return None;
        }
        ids.push(id.clone());
        Some(id)
    });
    // What is not given is that of the event; what is given and wrong has been said.
    let text = |key, cure, of_event: &Option<Text>| match is_given(&table, key) {
        true => Text::read(&table, key, default, cure),
        false => {
            table.know(key);
            of_event.clone()
        }
    };
    let title = text("title", "write the title as it is to stand in calendars", &event.title);
    let place = text("place", "write building and room", &event.place);
    let background = text("background", "write the text, or leave the key out", &event.background);
    let url = match is_given(&table, "url") {
        true => table.string("url").and_then(|found| https(&table, found)),
        false => event.url.clone(),
    };
    table.know("url");
    let own_zone = read_zone(&table, false).map(|found| found.value);
    let is_zone_given = is_given(&table, "zone");
    let zone = if is_zone_given { own_zone } else { event.zone.clone() };
    let zone_name = match optional_text(&table, "zone_name", default) {
        Some(text) => Some(text),
        None if is_zone_given => zone.as_ref().map(|zone| Text::Same(default_zone_name(zone.name()))),
        None => event.zone_name.clone(),
    };
    let says_times = is_given(&table, "start") || is_given(&table, "end");
    let times = match event.times {
        Some(times) if !says_times && !is_zone_given => {
            ["start", "end"].iter().for_each(|key| table.know(key));
            Some(times)
        }
        // A start alone would end when the whole event does.
        _ => read_times(&table, zone.as_ref(), KEY),
    };
    let answers = match is_given(&table, "answers") {
        true => super::reminders::read_mode(&table),
        false => event.answers,
    };
    table.know("answers");
    let own_speakers = table.tables("speakers").into_iter().filter_map(|t| read_speaker(t, default)).collect();
    let speakers = if is_given(&table, "speakers") { own_speakers } else { event.speakers.clone() };
    table.finish();
    let draft =
        Draft { id: event.id.clone(), title, place, zone_name, background, url, speakers, zone, times, answers };
    Some(Session { id: id?, event: draft.whole()? })
}

/// To which sessions a row is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// To every one.
    All,
    /// To these, in the order of the event; never empty.
    Some(Vec<String>),
}

impl Cell {
    /// Reads ids between `;`, `,` or blanks, or `all`. An empty cell says nothing: whoever is invited by a slip has the
    /// invitation, and whoever is not is found by `check`.
    ///
    /// # Errors
    /// The fault and its cure.
    pub fn parse(text: &str, ids: &[String]) -> Result<Self, (String, String)> {
        let known = || format!("write some of {}, with `;` between them, or `{ALL}`", ids.join(", "));
        let words: Vec<String> = text
            .split(|c: char| matches!(c, ';' | ',') || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        if words.is_empty() {
            return Err(("row names no session".to_owned(), known()));
        }
        if let Some(strange) = words.iter().find(|word| *word != ALL && !ids.contains(word)) {
            let cure = match nearest(strange, ids.iter().map(String::as_str).chain([ALL])) {
                Some(near) => format!("did you mean `{near}`? known: {}, {ALL}", ids.join(", ")),
                None => known(),
            };
            return Err((format!("session {} is not in convoke.toml", quoted(strange)), cure));
        }
        if words.iter().any(|word| word == ALL) {
            return Ok(Self::All);
        }
        Ok(Self::Some(ids.iter().filter(|id| words.contains(id)).cloned().collect()))
    }

    /// As it stands in templates and in selections.
    pub fn in_words(&self) -> String {
        match self {
            Self::All => ALL.to_owned(),
            Self::Some(ids) => ids.join("; "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;
    use crate::input::event_file;

    const HEAD: &str = "[contact]\nname = \"Ana\"\ntelephone = \"1\"\n[sender]\nname = \"Desk\"\naddress = \"d@x.example\"\n\
        [event]\nid = \"conf\"\ntitle = \"Conference\"\nplace = \"Hall\"\nzone = \"Europe/Zurich\"\n";

    fn read(text: &str) -> Result<event_file::EventFile, Vec<String>> {
        event_file::read("convoke.toml", &format!("{HEAD}{text}"))
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_session_says_what_is_its_own_and_the_event_the_rest() {
        let file = read(
            "url = \"https://x.example/\"\n\
             [[session]]\nid = \"Dinner\"\ntitle = \"Dinner\"\nplace = \"Garden\"\nstart = 2030-06-02T19:00:00\n\
             end = 2030-06-02T22:00:00\nanswers = \"regrets-only\"\nurl = \"https://x.example/dinner\"\n\
             [[session]]\nid = \"opening\"\nstart = 2030-06-01T09:00:00\nend = 2030-06-01T12:00:00\n\
             [[session]]\nid = \"call\"\nzone = \"America/New_York\"\nstart = 2030-06-01T09:00:00\nend = 2030-06-01T09:30:00\n",
        )
        .expect("no problems");
        assert_eq!(file.session_ids(), ["opening", "call", "dinner"], "by their starts, in lower case");
        let said = |text: &super::Text| text.in_language(&file.languages.default, &file.languages).to_owned();
        let parts = file.parts();
        let of =
            |at: usize| (said(&parts[at].event.title), said(&parts[at].event.place), said(&parts[at].event.zone_name));
        let own = |texts: [&str; 3]| (texts[0].to_owned(), texts[1].to_owned(), texts[2].to_owned());
        assert_eq!(of(0), own(["Conference", "Hall", "Zurich time"]));
        assert_eq!(of(1), own(["Conference", "Hall", "New York time"]));
        assert_eq!(of(2), own(["Dinner", "Garden", "Zurich time"]));
        assert_eq!(parts[1].event.start.to_string(), "2030-06-01T13:00:00Z");
        assert_eq!(parts[2].event.url.as_deref(), Some("https://x.example/dinner"));
        assert_eq!(parts[2].session_id(), "dinner");
        // The event itself lasts from the first to the last.
        assert_eq!(file.event.local_start.to_string(), "2030-06-01T09:00:00");
        assert_eq!(file.event.local_end.to_string(), "2030-06-02T22:00:00");
        assert_eq!((file.last_start(), file.last_end()), (parts[2].event.start, file.event.end));
        assert_eq!(file.session_id(), "");
    }

    #[test]
    fn without_sessions_the_event_is_its_only_part() {
        let file = read("start = 2030-06-01T09:00:00\nend = 2030-06-01T12:00:00\n").expect("no problems");
        assert_eq!((file.parts().len(), file.parts()[0].session_id()), (1, ""));
        assert_eq!(file.last_start(), file.event.start);
        let problems = read("").expect_err("no times");
        assert!(problems.iter().any(|p| p.contains("`event.start` is missing")), "{problems:?}");
    }

    #[test]
    fn every_fault_has_its_place() {
        let problems = read(
            "start = 2030-06-01T09:00:00\nend = 2030-06-01T12:00:00\n\
             [[session]]\nid = \"a b\"\n\
             [[session]]\nid = \"all\"\n\
             [[session]]\nid = \"one\"\n\
             [[session]]\nid = \"One\"\n\
             [[session]]\ntitle = \"no id\"\n\
             [[session]]\nid = \"two\"\nstart = 2030-06-01T09:00:00\n\
             [[session]]\nid = \"three\"\nroom = \"5\"\nstart = 2030-06-01T09:00:00\nend = 2030-06-01T08:00:00\n",
        )
        .expect_err("faults");
        let expected = [
            ("convoke.toml:15:6: ", "is not plain"),
            ("convoke.toml:17:6: ", "means every session"),
            ("convoke.toml:21:6: ", "two sessions have the id `one`"),
            ("convoke.toml:22:1: ", "`session.id` is missing"),
            ("convoke.toml:24:1: ", "`session.end` is missing"),
            ("convoke.toml:29:1: ", "unknown key"),
            ("convoke.toml:31:7: ", "the session ends at"),
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, (place, fault)) in problems.iter().zip(expected) {
            assert!(problem.starts_with(place) && problem.contains(fault), "{problem}");
        }
    }

    #[test]
    fn a_cell_names_sessions_and_an_empty_one_names_none() {
        let ids = ["opening".to_owned(), "lunch".to_owned(), "dinner".to_owned()];
        let some = |ids: &[&str]| Ok(Cell::Some(ids.iter().map(|id| (*id).to_owned()).collect()));
        assert_eq!(Cell::parse(" Dinner;opening ; dinner", &ids), some(&["opening", "dinner"]));
        assert_eq!(Cell::parse("lunch opening", &ids), some(&["opening", "lunch"]));
        assert_eq!(Cell::parse("ALL", &ids), Ok(Cell::All));
        assert_eq!(Cell::parse("opening; all", &ids), Ok(Cell::All));
        let fault = |text: &str| Cell::parse(text, &ids).expect_err(text);
        assert_eq!(fault("opening; diner").0, "session `diner` is not in convoke.toml");
        assert!(fault("opening; diner").1.starts_with("did you mean `dinner`?"));
        assert_eq!(fault(" ; ").0, "row names no session");
    }
}
