//! What of the event stands in calendars.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::Zone;
use crate::input::event_file::{Event, EventFile};
use crate::input::text::Text;
use crate::people::Language;

/// Everything that a calendar object is made of except the recipient: when one of these changes, those who were reached must
/// hear of it. The journal keeps it, so that the object of any revision can be made again, octet for octet, whatever templates
/// and `convoke.toml` say later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    event: String,
    title: Text,
    place: Text,
    zone: String,
    local_start: DateTime,
    local_end: DateTime,
    url: Option<String>,
    organizer: String,
    /// The instants of both, as the zone had them when they were told; absent in facts of before version 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instants: Option<(Timestamp, Timestamp)>,
    /// The language of the originals; empty in facts of before version 4.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    default: String,
    /// By language; none in facts of before version 4.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    renderings: BTreeMap<String, Rendering>,
}

/// The facts in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendering {
    /// SUMMARY.
    pub title: String,
    /// LOCATION.
    pub place: String,
    /// CN of the ORGANIZER.
    pub organizer: String,
    /// The zone in words.
    pub zone_name: String,
    /// The day of the start in words.
    pub date: String,
    /// The time of day of the start in words.
    pub time: String,
    /// The time of day of the end in words.
    pub end_time: String,
    /// DESCRIPTION.
    pub description: String,
}

/// Facts that the journal holds and that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the journal holds a state of the event that this version does not understand")]
pub struct FactsFault(#[from] serde_json::Error);

impl Facts {
    /// Takes them from the event file; the renderings are made of templates, which are another room's.
    pub fn new(file: &EventFile, renderings: BTreeMap<Language, Rendering>) -> Self {
        let Event { id, title, place, zone, local_start, local_end, start, end, url, .. } = &file.event;
        Self {
            event: id.clone(),
            title: title.clone(),
            place: place.clone(),
            zone: zone.name().to_owned(),
            local_start: *local_start,
            local_end: *local_end,
            url: url.clone(),
            organizer: file.sender.address.to_string(),
            instants: Some((*start, *end)),
            default: file.languages.default.as_str().to_owned(),
            renderings: renderings.into_iter().map(|(language, one)| (language.as_str().to_owned(), one)).collect(),
        }
    }

    /// One line of JSON, the form in the journal; equal facts give equal lines.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and tables of texts are JSON")
    }

    /// Reads the form in the journal, of any version.
    ///
    /// # Errors
    /// [`FactsFault`].
    pub fn parse(json: &str) -> Result<Self, FactsFault> {
        Ok(serde_json::from_str(json)?)
    }

    /// Whether it holds what an object is made of; facts of before version 4 do not.
    pub fn is_whole(&self) -> bool {
        !self.renderings.is_empty()
    }

    /// Whether facts of before version 4 say what these say, as far as they say anything.
    pub fn completes(&self, old: &Self) -> bool {
        !old.is_whole()
            && (&old.event, &old.title, &old.place, &old.zone, &old.url, &old.organizer)
                == (&self.event, &self.title, &self.place, &self.zone, &self.url, &self.organizer)
            && (old.local_start, old.local_end) == (self.local_start, self.local_end)
    }

    /// The same with other texts for the calendar: those of a cancellation.
    #[must_use]
    pub fn described(mut self, descriptions: impl IntoIterator<Item = (Language, String)>) -> Self {
        for (language, description) in descriptions {
            if let Some(rendering) = self.renderings.get_mut(language.as_str()) {
                rendering.description = description;
            }
        }
        self
    }

    /// The same with the languages that `other` has beyond them: nobody was told anything in those.
    #[must_use]
    pub fn with_languages_of(mut self, other: &Self) -> Self {
        for (language, rendering) in &other.renderings {
            self.renderings.entry(language.clone()).or_insert_with(|| rendering.clone());
        }
        self
    }

    /// Other facts: for trying letters that tell a change before there is any.
    #[must_use]
    pub fn varied(mut self) -> Self {
        let later = |at: DateTime| at.checked_add(SignedDuration::from_hours(25)).unwrap_or(at);
        (self.local_start, self.local_end) = (later(self.local_start), later(self.local_end));
        for rendering in self.renderings.values_mut() {
            let Rendering { title, place, zone_name, date, time, end_time, .. } = rendering;
            for text in [title, place, zone_name, date, time, end_time] {
                text.push_str(" (2)");
            }
        }
        self
    }

    /// In one language.
    pub fn rendering(&self, language: &Language) -> Option<&Rendering> {
        self.renderings.get(language.as_str())
    }

    /// By language.
    pub fn renderings(&self) -> &BTreeMap<String, Rendering> {
        &self.renderings
    }

    /// The rendering in the language of the originals, or any.
    pub fn original(&self) -> Option<&Rendering> {
        self.renderings.get(&self.default).or_else(|| self.renderings.values().next())
    }

    /// The language of the originals; empty in facts of before version 4.
    pub fn default_language(&self) -> &str {
        &self.default
    }

    /// Title and place as they stand in the event file.
    pub fn texts(&self) -> (&Text, &Text) {
        (&self.title, &self.place)
    }

    /// The IANA name of the zone.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Wall times of start and end in the zone.
    pub fn local_times(&self) -> (DateTime, DateTime) {
        (self.local_start, self.local_end)
    }

    /// The instants of start and end; `None` where the zone or the time is none that this version knows.
    pub fn instants(&self) -> Option<(Timestamp, Timestamp)> {
        self.instants.or_else(|| {
            let zone = Zone::parse(&self.zone)?;
            Some((zone.local_to_instant(self.local_start).ok()?, zone.local_to_instant(self.local_end).ok()?))
        })
    }

    /// A page about the event.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The address of the ORGANIZER.
    pub fn organizer(&self) -> &str {
        &self.organizer
    }
}
