//! The forms of address that a letter prints for one row.
//!
//! What: [`Forms`], the words of each helper that the letter uses (`{{salutation}}`, `{{address_line}}`, `{{close}}`,
//! `{{envelope}}`), found once for each row; they reach the template as data under names that no column can have.
//! Not here: the table of forms (`people`), the helpers that print them (`helpers`). Called by: `compose`.
//! Can fail: a row of which too little is known is a problem of the row, for which the caller knows the place; a language
//! without forms is one of the template.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::compose::Reader;
use super::library::Letter;
use crate::input::problem::{Place, Problem, quoted};
use crate::people::{Lack, Part, Person, words};

/// The name under which the template's data holds the words of a part, its lines divided by LF.
pub(super) fn key(part: Part) -> &'static str {
    match part {
        Part::AddressLine => "\0address_line",
        Part::Close => "\0close",
        Part::Envelope => "\0envelope",
        Part::Salutation => "\0salutation",
    }
}

/// The words of each part that a letter uses, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forms(pub(super) Vec<(Part, Vec<String>)>);

impl Forms {
    /// Finds them for a row; `path` is the letter's file.
    ///
    /// # Errors
    /// Of the row, with the recipient's address for a place; of the template, with its own.
    pub(super) fn of(letter: &Letter, reader: &Reader<'_>, path: &str) -> Result<Self, Problem> {
        let cell = |name: &str| reader.cells.get(name).map_or("", String::as_str);
        let person = Person {
            honorific: cell("honorific"),
            given: cell("given"),
            family: cell("family"),
            rank: cell("rank"),
            sex: cell("sex"),
            title: cell("title"),
            entity: reader.entity,
            kind: Some(reader.kind),
        };
        let parts = letter.cells.forms.iter().map(|&part| {
            let words = words(part, &person, &letter.language, letter.register);
            words
                .map(|lines| (part, lines))
                .map_err(|lack| problem(lack, part, &person, letter, path, reader.address.as_str()))
        });
        parts.collect::<Result<_, _>>().map(Self)
    }

    /// The cells of a row with these words among them.
    pub(super) fn beside<'c>(&self, cells: &'c BTreeMap<String, String>) -> Cow<'c, BTreeMap<String, String>> {
        if self.0.is_empty() {
            return Cow::Borrowed(cells);
        }
        let mut all = cells.clone();
        all.extend(self.0.iter().map(|(part, lines)| (key(*part).to_owned(), lines.join("\n"))));
        Cow::Owned(all)
    }
}

fn problem(lack: Lack, part: Part, person: &Person<'_>, letter: &Letter, path: &str, address: &str) -> Problem {
    let (part, language) = (part.as_str(), &letter.language);
    match lack {
        Lack::Language => Problem::new(
            Place::file(path),
            format!("there is no {part} in language `{language}`"),
            "write one in the template",
        ),
        Lack::Rank => Problem::new(
            Place::file(address),
            format!("rank {} is not known", quoted(person.rank)),
            "write a rank of the manual's table, or empty the cell",
        ),
        Lack::Sex => {
            let name = person.name();
            let who = if name.is_empty() { quoted(person.entity) } else { quoted(&name) };
            Problem::new(
                Place::file(address),
                format!("the {part} in language `{language}` depends on whether {who} is a woman or a man"),
                "write `f` or `m` in the column `sex`, or an honorific that says it, such as `Ms.`",
            )
        }
    }
}
