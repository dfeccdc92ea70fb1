//! How a person is addressed: the line with the name, the salutation, the close, the envelope.
//!
//! What: [`words`] finds the form for rank, sex, language and register and fills in the names; a row without a person gets
//! the impersonal forms of its kind.
//! Source: UN Correspondence Manual, ST/DCS/4/Rev.1, part two; the table is `forms.toml`.
//! Not here: whether a letter may be written at all in a register (`register`). Called by: `message`.
//! Can fail: [`Lack`] where the table has no form for the language, or the form depends on what the row does not say.

use super::forms::{BySex, Excellency, Forms, Rank, envelope, forms};
use super::honorific::{Honorific, Sex, is_han};
use super::{Kind, Language, Register};

/// What a row says of the person it is addressed to; any text may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person<'a> {
    /// `H.E. Ms.`, `Mr.`, `Dr.`: as the row has it.
    pub honorific: &'a str,
    /// Given names.
    pub given: &'a str,
    /// Family name.
    pub family: &'a str,
    /// Rank: `permanent representative`, `charge d'affaires`, ... in any of the six languages.
    pub rank: &'a str,
    /// `f`, `m`; where it is empty the honorific may say it.
    pub sex: &'a str,
    /// The functional title as the entity writes it.
    pub title: &'a str,
    /// Whom the row stands for.
    pub entity: &'a str,
    /// What the entity is; `None` is an individual.
    pub kind: Option<Kind>,
}

/// What of a letter the table gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `H.E. Ms. Ana Example`.
    AddressLine,
    /// `Yours sincerely,`.
    Close,
    /// Several lines: person, title, entity.
    Envelope,
    /// `Dear Ms. Example,`.
    Salutation,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AddressLine, Self::Close, Self::Envelope, Self::Salutation];

    /// The part that a template's helper of this name prints.
    pub fn of_helper(name: &str) -> Option<Self> {
        match name {
            "address_line" => Some(Self::AddressLine),
            "close" | "complimentary_close" => Some(Self::Close),
            "envelope" => Some(Self::Envelope),
            "salutation" => Some(Self::Salutation),
            _ => None,
        }
    }

    /// Its name in templates and in problems.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AddressLine => "address_line",
            Self::Close => "close",
            Self::Envelope => "envelope",
            Self::Salutation => "salutation",
        }
    }
}

/// Why there is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The table does not speak the language.
    Language,
    /// The row's rank is none that the table knows.
    Rank,
    /// The form is one for women or one for men, and the row does not say.
    Sex,
}

impl Person<'_> {
    /// What the row says of the form: its `sex`, else its honorific; nothing is guessed from names.
    pub fn sex(&self) -> Sex {
        match Sex::parse(self.sex) {
            Some(sex @ (Sex::Female | Sex::Male)) => sex,
            Some(Sex::Unsaid) | None => Honorific::read(self.honorific).sex,
        }
    }

    /// Whether the row names somebody.
    pub fn is_named(&self) -> bool {
        !(self.given.trim().is_empty() && self.family.trim().is_empty())
    }

    /// Given and family name; Chinese names the other way round, foreign names in Chinese with a dot between.
    pub fn name(&self) -> String {
        let (given, family) = (self.given.trim(), self.family.trim());
        let is_chinese = |name: &str| !name.is_empty() && name.chars().all(|c| is_han(c) || c == '·');
        match (given.is_empty(), family.is_empty()) {
            (true, _) => family.to_owned(),
            (_, true) => given.to_owned(),
            _ if is_chinese(given) && is_chinese(family) => {
                let (long_given, long_family) = (given.chars().count() > 2, family.chars().count() > 2);
                if long_given || long_family { format!("{given}·{family}") } else { format!("{family}{given}") }
            }
            _ => format!("{given} {family}"),
        }
    }

    /// The impersonal style of the row's kind (a general mailbox, an empty post).
    fn office(&self) -> &'static str {
        match self.kind {
            Some(Kind::Mission | Kind::Observer) => "mission-office",
            Some(Kind::Igo | Kind::Ngo | Kind::Individual) | None => "office",
        }
    }

    /// Which row of the table: the rank's, or what the honorific makes of it.
    fn style(&self, rank: &'static Rank) -> &'static str {
        let honorific = Honorific::read(self.honorific);
        if rank.is_vacant() || (!self.is_named() && rank.excellency != Excellency::Yes) {
            return self.office();
        }
        match rank.id.as_str() {
            "deputy-permanent-representative" | "head-of-delegation" if honorific.is_excellency => "ambassador",
            _ if honorific.is_excellency && rank.excellency == Excellency::IfGiven => "excellent",
            _ if rank.academic && honorific.is_professor => "professor",
            _ if rank.academic && honorific.is_doctor => "doctor",
            _ => &rank.style,
        }
    }
}

/// The words of one part, a text for each line; only an envelope has several.
///
/// # Errors
/// [`Lack`]: no form for this language, an unknown rank, or a form that depends on the sex of a person of whom it is not
/// said.
pub fn words(part: Part, person: &Person<'_>, language: &Language, register: Register) -> Result<Vec<String>, Lack> {
    let rank = Rank::parse(person.rank).ok_or(Lack::Rank)?;
    let language = language.base();
    let sex = person.sex();
    let one = |forms: &Forms, part: Part| {
        let form = match (part, register) {
            (Part::AddressLine | Part::Envelope, _) => &forms.line,
            (Part::Salutation, Register::Ordinary) => &forms.ordinary,
            (Part::Salutation, Register::Formal | Register::NoteVerbale) => &forms.formal,
            (Part::Close, Register::Ordinary) => &forms.close_ordinary,
            (Part::Close, Register::Formal | Register::NoteVerbale) => &forms.close_formal,
        };
        fill(form, person, rank, language, sex)
    };
    let own = forms(person.style(rank), language).ok_or(Lack::Language)?;
    let office = forms(person.office(), language).ok_or(Lack::Language)?;
    let line = |part: Part| match one(own, part) {
        Filled::Words(words) => Ok(words),
        Filled::NeedsSex if person.is_named() => Err(Lack::Sex),
        // An Excellency without a name is an Excellency; whoever else has no name is addressed as the office.
        Filled::NeedsSex | Filled::NeedsName => match (part, &own.formal) {
            (Part::Salutation, formal) => match fill(formal, person, rank, language, sex) {
                Filled::Words(words) => Ok(words),
                Filled::NeedsSex | Filled::NeedsName => impersonal(one(office, part)),
            },
            _ => impersonal(one(office, part)),
        },
    };
    if part != Part::Envelope {
        return line(part).map(|words| vec![words]);
    }
    let address = line(Part::AddressLine)?;
    let title =
        if person.title.trim().is_empty() { rank.title(language, sex).unwrap_or_default() } else { person.title };
    let title = title.trim();
    let entity = person.entity.trim();
    // The line of an office is the entity already, and an individual is called by their name.
    let entity = if entity == address { "" } else { entity };
    let lines = envelope(language)
        .ok_or(Lack::Language)?
        .iter()
        .map(|line| line.replace("{line}", &address).replace("{title}", title).replace("{entity}", entity));
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

enum Filled {
    Words(String),
    NeedsSex,
    NeedsName,
}

fn impersonal(filled: Filled) -> Result<String, Lack> {
    match filled {
        Filled::Words(words) => Ok(words),
        Filled::NeedsSex | Filled::NeedsName => Err(Lack::Sex),
    }
}

fn fill(form: &BySex, person: &Person<'_>, rank: &Rank, language: &str, sex: Sex) -> Filled {
    let Some(pattern) = form.of(sex) else { return Filled::NeedsSex };
    if (pattern.contains("{name}") || pattern.contains("{family}")) && !person.is_named() {
        return Filled::NeedsName;
    }
    let vocative = match (pattern.contains("{vocative}"), rank.vocative(language, sex)) {
        (true, None) => return Filled::NeedsSex,
        (_, vocative) => vocative.unwrap_or_default(),
    };
    let name = person.name();
    let family = if person.family.trim().is_empty() { &name } else { person.family.trim() };
    // From left to right and once only: a name that reads like a placeholder stays a name.
    let mut words = String::with_capacity(pattern.len() + name.len());
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        let end = rest[at..].find('}').map_or(rest.len(), |length| at + length + 1);
        words.push_str(&rest[..at]);
        words.push_str(match &rest[at..end] {
            "{name}" => &name,
            "{family}" => family,
            "{vocative}" => vocative,
            "{entity}" => person.entity.trim(),
            other => other,
        });
        rest = &rest[end..];
    }
    words.push_str(rest);
    Filled::Words(words)
}

#[cfg(test)]
mod tests;
