//! What has changed between two states of the event, in words, and whom it concerns.
//!
//! What: [`compare`], two [`Facts`] side by side; [`Difference::proposed`], whether it is a slip of the pen, a wording or a
//! matter for which everybody is asked again. A person decides: all that is done here is to propose.
//! Standard: RFC 5546 section 2.1.4 (SEQUENCE must rise when times change; for a place it may).
//! Not here: planning the messages (`io::store`). Called by: `command`, `message` (values of templates).
//! Can fail: nothing.

use std::fmt;

use jiff::civil::DateTime;

use super::{Facts, Rendering, RevisionKind};
use crate::input::text::Text;

/// How far an amendment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AmendmentKind {
    /// A slip of the pen: nobody is written to.
    Typo,
    /// Everybody is told, answers stay.
    Wording,
    /// Everybody is asked again.
    Material,
}

impl AmendmentKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Typo, Self::Wording, Self::Material];

    /// The word for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typo => "typo",
            Self::Wording => "wording",
            Self::Material => "material",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What it means for those who have the invitation.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Typo => "nobody is written to; those who are invited later get it right",
            Self::Wording => "everybody is told, answers stay",
            Self::Material => "everybody is told and asked again",
        }
    }

    /// The revision that it makes.
    pub fn revision(self) -> RevisionKind {
        match self {
            Self::Typo => RevisionKind::Typo,
            Self::Wording => RevisionKind::Wording,
            Self::Material => RevisionKind::Material,
        }
    }
}

impl fmt::Display for AmendmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The day.
    Date,
    /// The times of day.
    Time,
    /// The time zone.
    Zone,
    /// The place.
    Place,
    /// The title.
    Title,
    /// The page about the event.
    Url,
    /// The name of the organizer.
    Organizer,
    /// The text in the calendar, where the others do not explain it.
    Text,
}

impl Field {
    /// The word that templates compare with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time",
            Self::Zone => "zone",
            Self::Place => "place",
            Self::Title => "title",
            Self::Url => "url",
            Self::Organizer => "organizer",
            Self::Text => "text",
        }
    }
}

/// One thing that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub field: Field,
    /// As it was; may be empty.
    pub before: String,
    /// As it is.
    pub after: String,
    /// The sentence for a person.
    pub sentence: String,
    /// What it is taken for.
    pub kind: AmendmentKind,
    /// Why.
    pub reason: String,
}

/// All that has changed; nothing where both say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference(Vec<Change>);

impl Difference {
    /// The changes, the weightiest field first.
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What it is taken for and why; `None` where nothing has changed.
    pub fn proposed(&self) -> Option<(AmendmentKind, &str)> {
        // The first of the weightiest gives the reason.
        let weightiest = self.0.iter().map(|change| change.kind).max()?;
        self.0.iter().find(|change| change.kind == weightiest).map(|change| (change.kind, change.reason.as_str()))
    }
}

/// Compares two states. Only languages that both have count: in others nobody was told anything.
pub fn compare(old: &Facts, new: &Facts) -> Difference {
    let mut changes = Vec::new();
    times(old, new, &mut changes);
    if old.zone() != new.zone() {
        changes.push(Change {
            field: Field::Zone,
            before: old.zone().to_owned(),
            after: new.zone().to_owned(),
            sentence: format!("the time zone changes from {} to {}", old.zone(), new.zone()),
            kind: AmendmentKind::Material,
            reason: "the time zone changes".to_owned(),
        });
    }
    text(old, new, Field::Place, &mut changes);
    text(old, new, Field::Title, &mut changes);
    if old.url() != new.url() {
        let [before, after] = [old.url(), new.url()].map(|url| url.unwrap_or_default().to_owned());
        let said = |url: &str| if url.is_empty() { "none".to_owned() } else { format!("`{url}`") };
        changes.push(Change {
            field: Field::Url,
            sentence: format!("the page of the event changes from {} to {}", said(&before), said(&after)),
            before,
            after,
            kind: AmendmentKind::Wording,
            reason: "time and place stay".to_owned(),
        });
    }
    text(old, new, Field::Organizer, &mut changes);
    description(old, new, &mut changes);
    Difference(changes)
}

fn times(old: &Facts, new: &Facts, changes: &mut Vec<Change>) {
    let ((start, end), (new_start, new_end)) = (old.local_times(), new.local_times());
    let mut push = |field, before: String, after: String, sentence: String, what: &str| {
        let (kind, reason) = (AmendmentKind::Material, format!("{what} changes"));
        changes.push(Change { field, before, after, sentence, kind, reason });
    };
    let (was, is) = (old.original(), new.original());
    if start.date() != new_start.date() || end.date() != new_end.date() {
        let day = |rendering: Option<&Rendering>, at: DateTime| {
            rendering.map_or_else(|| at.date().to_string(), |r| r.date.clone())
        };
        let (before, after) = (day(was, start), day(is, new_start));
        let sentence = match start.date() == new_start.date() {
            true => format!("the day of its end changes from {} to {}", end.date(), new_end.date()),
            false => format!("the date changes from {before} to {after}"),
        };
        push(Field::Date, before, after, sentence, "the date");
    }
    if start.time() != new_start.time() || end.time() != new_end.time() {
        let clock = |rendering: Option<&Rendering>, from: DateTime, to: DateTime| match rendering {
            Some(Rendering { time, end_time, .. }) => (time.clone(), end_time.clone()),
            None => (from.time().to_string(), to.time().to_string()),
        };
        let (before, after) = (clock(was, start, end), clock(is, new_start, new_end));
        let mut parts = Vec::new();
        let mut moved = |verb: &str, by_minutes: i64, before: &str, after: &str| {
            if by_minutes != 0 {
                let way = if by_minutes > 0 { "later" } else { "earlier" };
                parts.push(format!("{verb} {} {way}: {after} in place of {before}", span(by_minutes.abs())));
            }
        };
        let minutes = |from: DateTime, to: DateTime| {
            let of_day = |at: DateTime| i64::from(at.hour()) * 60 + i64::from(at.minute());
            of_day(to) - of_day(from)
        };
        moved("begins", minutes(start, new_start), &before.0, &after.0);
        moved("ends", minutes(end, new_end), &before.1, &after.1);
        let sentence = match parts.is_empty() {
            true => "its times change by seconds".to_owned(),
            false => format!("it {}", parts.join("; it ")),
        };
        let range = |(from, to): (String, String)| format!("{from} \u{2013} {to}");
        push(Field::Time, range(before), range(after), sentence, "the time");
    }
    let same_walls = (start, end) == (new_start, new_end) && old.zone() == new.zone();
    if same_walls && old.instants() != new.instants() {
        let say = |facts: &Facts| facts.instants().map_or_else(String::new, |(start, _)| start.to_string());
        let (before, after) = (say(old), say(new));
        let sentence = format!("the zone's rules have changed: it begins at {after} in place of {before}");
        push(Field::Zone, before, after, sentence, "the instant");
    }
}

/// `30 minutes`, `1 hour`, `2 hours 15 minutes`.
fn span(minutes: i64) -> String {
    let words = |n: i64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    match (minutes / 60, minutes % 60) {
        (0, minutes) => words(minutes, "minute"),
        (hours, 0) => words(hours, "hour"),
        (hours, minutes) => format!("{} {}", words(hours, "hour"), words(minutes, "minute")),
    }
}

/// Title, place or name: in the language of the originals where it changes there, else in the first where it does.
fn text(old: &Facts, new: &Facts, field: Field, changes: &mut Vec<Change>) {
    let pairs = match old.is_whole() {
        true => rendered(old, new, field),
        false => typed(old, new, field),
    };
    let Some((language, before, after)) = pairs.first().cloned() else { return };
    let is_original = new.default_language() == language || new.default_language().is_empty() || language.is_empty();
    let place = Place::compare(&before, &after);
    let what = match field {
        Field::Title => "the title",
        Field::Organizer => "the organizer's name",
        Field::Place if place == Place::Room => "the room",
        _ => "the place",
    };
    let (kind, reason) = if pairs.iter().all(|(_, before, after)| is_slip(before, after)) {
        (AmendmentKind::Typo, format!("of {what} a few letters change"))
    } else if field == Field::Place && is_original && place == Place::Elsewhere {
        (AmendmentKind::Material, "the place changes, and not only the room".to_owned())
    } else if !is_original {
        (AmendmentKind::Wording, format!("{what} changes in `{language}` alone"))
    } else {
        (AmendmentKind::Wording, "time and place stay".to_owned())
    };
    let others = match pairs.len() {
        0 | 1 if is_original => String::new(),
        0 | 1 => format!(" (`{language}`)"),
        n => format!(
            " (`{language}`, and {} more)",
            if n == 2 { "1 language".to_owned() } else { format!("{} languages", n - 1) }
        ),
    };
    let sentence = format!("{what} changes from `{before}` to `{after}`{others}");
    changes.push(Change { field, before, after, sentence, kind, reason });
}

/// Language, before and after, the original first.
type Pairs = Vec<(String, String, String)>;

fn rendered(old: &Facts, new: &Facts, field: Field) -> Pairs {
    let of = |rendering: &Rendering| match field {
        Field::Title => rendering.title.clone(),
        Field::Place => rendering.place.clone(),
        Field::Organizer => rendering.organizer.clone(),
        _ => rendering.description.clone(),
    };
    let mut pairs: Pairs = old
        .renderings()
        .iter()
        .filter_map(|(language, was)| Some((language.clone(), of(was), of(new.renderings().get(language)?))))
        .filter(|(_, before, after)| before != after)
        .collect();
    pairs.sort_by_key(|(language, ..)| language != new.default_language());
    pairs
}

/// Facts of before version 4 have the texts of the event file alone.
fn typed(old: &Facts, new: &Facts, field: Field) -> Pairs {
    let (was, is) = match field {
        Field::Title => (old.texts().0, new.texts().0),
        Field::Place => (old.texts().1, new.texts().1),
        _ => return Vec::new(),
    };
    let in_language = |text: &Text, language: &str| match text {
        Text::Same(text) => Some(text.clone()),
        Text::ByLanguage(texts) => texts.get(language).cloned(),
    };
    let languages: Vec<String> = match (was, is) {
        (Text::Same(_), Text::Same(_)) => vec![new.default_language().to_owned()],
        (Text::ByLanguage(texts), _) | (_, Text::ByLanguage(texts)) => texts.keys().cloned().collect(),
    };
    let mut pairs: Pairs = languages
        .into_iter()
        .filter_map(|language| Some((in_language(was, &language)?, in_language(is, &language)?, language)))
        .filter(|(before, after, _)| before != after)
        .map(|(before, after, language)| (language, before, after))
        .collect();
    pairs.sort_by_key(|(language, ..)| language != new.default_language());
    pairs
}

/// The calendar text, where title, place, date and time do not explain how it differs.
fn description(old: &Facts, new: &Facts, changes: &mut Vec<Change>) {
    let is_explained = |language: &str, before: &str, after: &str| {
        let (Some(was), Some(is)) = (old.renderings().get(language), new.renderings().get(language)) else {
            return false;
        };
        let mut expected = before.to_owned();
        for (from, to) in [
            (&was.title, &is.title),
            (&was.place, &is.place),
            (&was.date, &is.date),
            (&was.time, &is.time),
            (&was.end_time, &is.end_time),
            (&was.zone_name, &is.zone_name),
            (&was.organizer, &is.organizer),
        ] {
            if from != to && !from.is_empty() {
                expected = expected.replace(from.as_str(), to);
            }
        }
        // Texts in several languages print the original's facts, too.
        if let (Some(was), Some(is)) = (old.original(), new.original()) {
            for (from, to) in [
                (&was.title, &is.title),
                (&was.place, &is.place),
                (&was.date, &is.date),
                (&was.time, &is.time),
                (&was.end_time, &is.end_time),
            ] {
                if from != to && !from.is_empty() {
                    expected = expected.replace(from.as_str(), to);
                }
            }
        }
        expected == after
    };
    let mut pairs = rendered(old, new, Field::Text);
    pairs.retain(|(language, before, after)| !is_explained(language, before, after));
    let Some((_, before, after)) = pairs.first().cloned() else { return };
    let languages = pairs.iter().map(|(language, ..)| format!("`{language}`")).collect::<Vec<_>>().join(", ");
    let line = before.lines().zip(after.lines()).find(|(was, is)| was != is);
    let first = match line {
        Some((was, is)) => format!(", first here: `{}` becomes `{}`", short(was), short(is)),
        None => String::new(),
    };
    let (kind, reason) = if pairs.iter().all(|(_, before, after)| is_slip(before, after)) {
        (AmendmentKind::Typo, "of the calendar text a few letters change".to_owned())
    } else {
        (AmendmentKind::Wording, "time and place stay".to_owned())
    };
    let sentence = format!("the calendar text changes ({languages}){first}");
    changes.push(Change { field: Field::Text, before, after, sentence, kind, reason });
}

fn short(line: &str) -> String {
    const MOST: usize = 60;
    if line.chars().count() <= MOST {
        return line.to_owned();
    }
    line.chars().take(MOST).chain(['…']).collect()
}

/// How far a place moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Another room of the same house.
    Room,
    /// Another house, as far as words tell.
    Elsewhere,
}

/// Words that name a room.
const ROOMS: [&str; 19] = [
    "auditorium",
    "chamber",
    "etage",
    "floor",
    "hall",
    "level",
    "piso",
    "planta",
    "room",
    "sala",
    "salle",
    "salon",
    "salón",
    "stock",
    "suite",
    "étage",
    "зал",
    "комната",
    "этаж",
];
/// The same as the ends of words written together.
const ENDINGS: [&str; 3] = ["raum", "saal", "zimmer"];
/// The same wherever they stand: scripts without blanks, and Arabic with its article.
const SIGNS: [&str; 8] = ["室", "厅", "廳", "楼", "樓", "قاعة", "غرفة", "طابق"];

/// Whether a text names a room.
fn has_room(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    SIGNS.iter().any(|sign| text.contains(sign))
        || words.any(|word| ROOMS.contains(&word) || ENDINGS.iter().any(|end| word.ends_with(end)))
}

impl Place {
    /// Two places differ by the room alone where all that names no room is the same.
    fn compare(before: &str, after: &str) -> Self {
        if outside(before) == outside(after) { Self::Room } else { Self::Elsewhere }
    }
}

/// A place without what names a room: whole parts between commas; of a place without commas, words and numbers.
fn outside(place: &str) -> Vec<String> {
    let folded = place.to_lowercase();
    let parts: Vec<&str> = folded.split([',', '，', '،', ';', '\n']).map(str::trim).filter(|p| !p.is_empty()).collect();
    if parts.len() > 1 {
        return parts.into_iter().filter(|part| !has_room(part)).map(str::to_owned).collect();
    }
    let without_digits = |word: &str| word.chars().filter(|c| !c.is_numeric()).collect::<String>();
    let is_of_room = |word: &str| word.is_ascii() && has_room(word);
    folded
        .split_whitespace()
        .filter(|word| !is_of_room(word))
        .map(without_digits)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Letters of a word that a slip of the pen changes.
const SLIP: usize = 2;

/// Whether two texts differ as a slip of the pen: in case, punctuation, blanks, or up to two letters of a longer word; never in
/// a digit.
fn is_slip(before: &str, after: &str) -> bool {
    let digits = |text: &str| text.chars().filter(|c| c.is_numeric()).collect::<String>();
    if digits(before) != digits(after) {
        return false;
    }
    let words = |text: &str| -> Vec<Vec<char>> {
        let folded = text.to_lowercase();
        let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(|word| word.chars().collect()).collect()
    };
    let (was, is) = (words(before), words(after));
    if was.concat() == is.concat() {
        return true;
    }
    was.len() == is.len()
        && was.iter().zip(&is).all(|(was, is)| {
            let letters = distance(was, is);
            letters <= SLIP && 3 * letters <= was.len().max(is.len()).max(1)
        })
}

/// Letters to change, to add or to take away (Levenshtein); words beyond 64 letters count as all different, unless equal.
fn distance(a: &[char], b: &[char]) -> usize {
    if a == b {
        return 0;
    }
    if a.len().abs_diff(b.len()) > SLIP || a.len() > 64 {
        return usize::from(u8::MAX);
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
