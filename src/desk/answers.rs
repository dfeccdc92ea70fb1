//! Answers as the organiser reads them.
//!
//! What: [`Attendance`] (how many entities and persons), the words and the JSON of one entity's [`Position`].
//! Not here: what answers come to (`journal::entity`), printing (`command`). Called by: `command`. Can fail: nothing.

use serde_json::{Value, json};

use super::count;
use crate::input::reminders::AnswerMode;
use crate::journal::entity::{Weight, in_words};
use crate::journal::{Answer, Position};
use crate::plan::Participation;

/// How many entities stand where, and how many persons come with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Entities.
    pub entities: u64,
    /// In the order of [`Participation::ALL`]; the silent are only those who were reached.
    counts: [u64; Participation::ALL.len()],
    /// No mailbox of theirs has been reached, and nothing is known of them.
    pub not_reached: u64,
    /// Persons who come.
    pub persons: u64,
    /// Persons who may come.
    pub perhaps: u64,
}

impl Attendance {
    /// Counts one entity.
    pub fn add(&mut self, position: &Position, is_reached: bool) {
        self.entities += 1;
        self.persons += u64::from(position.persons);
        self.perhaps += u64::from(position.perhaps);
        if position.participation == Participation::Silent && !is_reached {
            self.not_reached += 1;
        } else if let Some(at) = place(position.participation) {
            self.counts[at] += 1;
        }
    }

    /// How many entities stand here.
    pub fn of(&self, participation: Participation) -> u64 {
        place(participation).map_or(0, |at| self.counts[at])
    }

    /// Entities that come, as far as that is known: where only regrets are asked for, the silent do.
    pub fn coming(&self, mode: AnswerMode) -> u64 {
        let silent = match mode {
            AnswerMode::Requested => 0,
            AnswerMode::RegretsOnly => self.of(Participation::Silent) + self.of(Participation::AskedAgain),
        };
        self.of(Participation::Accepted) + self.of(Participation::Delegated) + silent
    }

    /// Persons who come: where only regrets are asked for, one for each silent entity.
    pub fn persons(&self, mode: AnswerMode) -> u64 {
        match mode {
            AnswerMode::Requested => self.persons,
            AnswerMode::RegretsOnly => {
                self.persons + self.of(Participation::Silent) + self.of(Participation::AskedAgain)
            }
        }
    }

    /// The headings of [`Attendance::cells`].
    pub fn headings() -> [&'static str; 9] {
        [
            "entities",
            "accepted",
            "tentative",
            "delegated",
            "declined",
            "asked again",
            "silent",
            "not reached",
            "persons",
        ]
    }

    /// One row of a table.
    pub fn cells(&self, mode: AnswerMode) -> [u64; 9] {
        let of = |participation| self.of(participation);
        [
            self.entities,
            of(Participation::Accepted),
            of(Participation::Tentative),
            of(Participation::Delegated),
            of(Participation::Declined),
            of(Participation::AskedAgain),
            of(Participation::Silent),
            self.not_reached,
            self.persons(mode),
        ]
    }

    /// For programs.
    pub fn json(&self, mode: AnswerMode) -> Value {
        let mut object = json!({
            "entities": self.entities,
            "not-reached": self.not_reached,
            "coming": self.coming(mode),
            "persons": self.persons(mode),
            "persons_perhaps": self.perhaps,
        });
        for participation in Participation::ALL {
            object[participation.as_str()] = Value::from(self.of(participation));
        }
        object
    }
}

fn place(participation: Participation) -> Option<usize> {
    Participation::ALL.iter().position(|other| *other == participation)
}

/// `accepted, 2 persons (telephone, 2027-06-01T10:00:00Z)`.
pub fn position_in_words(position: &Position) -> String {
    let persons = match (position.persons, position.perhaps) {
        (0, 0) => String::new(),
        (0, perhaps) => format!(", perhaps {}", count(u64::from(perhaps), "person", "persons")),
        (persons, _) => format!(", {}", count(u64::from(persons), "person", "persons")),
    };
    let source = position.decided_by.as_ref().map(|answer| format!(" ({}, {:.0})", answer.source, answer.said));
    format!("{}{persons}{}", position.participation, source.unwrap_or_default())
}

/// One line of an entity's history.
pub fn answer_in_words(answer: &Answer, weight: Weight) -> String {
    let persons = answer.persons.map(|n| format!(", {}", count(u64::from(n), "person", "persons")));
    let who = match (answer.attendee.is_empty(), answer.by.is_empty()) {
        (false, _) => format!(" from {}", one_line(&answer.attendee)),
        (true, false) if answer.is_note => format!(" noted by {}", one_line(&answer.by)),
        (true, _) => String::new(),
    };
    let level = answer.level.map(|level| format!(", {level}")).unwrap_or_default();
    let comment = if answer.comment.is_empty() { String::new() } else { format!(": {}", one_line(&answer.comment)) };
    format!(
        "{:.0}  {}{}  {}{who}{level}  [{weight}]{comment}",
        answer.said,
        in_words(answer.partstat),
        persons.unwrap_or_default(),
        one_line(&answer.source),
    )
}

/// Free words of others, as a terminal may show them.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Everything that is known of one entity's answers.
pub fn entity_json(entity: &str, is_reached: bool, position: &Position) -> Value {
    json!({
        "entity": entity,
        "reached": is_reached,
        "answer": position.participation.as_str(),
        "persons": position.persons,
        "persons_perhaps": position.perhaps,
        "decided_by": position.decided_by.as_ref().map(answer_json),
        "conflicts": position.conflicts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "history": position.history.iter().map(|(answer, weight)| {
            let mut object = answer_json(answer);
            object["weight"] = Value::from(weight.to_string());
            object
        }).collect::<Vec<_>>(),
    })
}

fn answer_json(answer: &Answer) -> Value {
    json!({
        "answer": answer.partstat.as_str(),
        "persons": answer.persons,
        "comment": answer.comment,
        "source": answer.source,
        "by": answer.by,
        "note": answer.is_note,
        "attendee": answer.attendee,
        "sequence": answer.sequence.map(|sequence| sequence.number()),
        "said": answer.said.to_string(),
        "recorded": answer.recorded.to_string(),
        "revision": answer.revision,
        "evidence": answer.evidence,
        "level": answer.level.map(|level| level.as_str()),
        "applies": answer.applies,
    })
}

#[cfg(test)]
mod tests {
    use super::Attendance;
    use crate::input::reminders::AnswerMode;
    use crate::journal::Position;
    use crate::plan::Participation;

    #[test]
    fn silence_counts_as_presence_only_where_that_was_said() {
        let mut all = Attendance::default();
        let of = |participation, persons| Position { participation, persons, ..Position::default() };
        all.add(&of(Participation::Accepted, 3), true);
        all.add(&of(Participation::Declined, 0), true);
        all.add(&of(Participation::Silent, 0), true);
        all.add(&of(Participation::Silent, 0), false);
        assert_eq!(all.cells(AnswerMode::Requested), [4, 1, 0, 0, 1, 0, 1, 1, 3]);
        assert_eq!((all.coming(AnswerMode::Requested), all.coming(AnswerMode::RegretsOnly)), (1, 2));
        assert_eq!((all.persons(AnswerMode::Requested), all.persons(AnswerMode::RegretsOnly)), (3, 4));
        assert_eq!(all.json(AnswerMode::RegretsOnly)["silent"], 1);
    }
}
