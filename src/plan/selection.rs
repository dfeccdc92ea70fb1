//! Which of the planned are meant: `--only kind=ngo,igo --only answer=silent --only language!=fr`.
//!
//! What: [`Selection`], conditions over a [`Subject`] that must all hold. `COLUMN=VALUE,VALUE` is one of the values,
//! `COLUMN!=VALUE` none of them, `COLUMN~TEXT` contains the text and `COLUMN!~TEXT` does not, whatever the case. A value
//! with a comma stands in double quotes; the whole right side is also taken as one value, so that `entity=A, B` finds it.
//! Beside the columns of the lists there are `status` (of the mailbox's invitation), `answer` (of its entity) and `to`.
//! Not here: what a status or an answer is (`journal`). Called by: `command`. Can fail: [`SelectionFault`], with the
//! nearest word that is known.

use std::collections::{BTreeMap, BTreeSet};

use super::Participation;
use crate::input::problem::quoted;
use crate::input::toml_reader::nearest;
use crate::people::{Kind, Language};

/// How a mailbox's invitation stands, as selections and exports call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The relay took it.
    Sent,
    /// Not sent yet.
    Ready,
    /// Put off by the relay.
    Deferred,
    /// Refused by the relay.
    Refused,
    /// It came back.
    Bounced,
    /// Nobody can know.
    InDoubt,
    /// Withheld by a person.
    Held,
    /// On the list of those who must not be written to.
    Suppressed,
    /// Taken off the list before it was sent.
    Cancelled,
    /// Invited, and told that it is no longer.
    Withdrawn,
}

impl Status {
    /// In the order in which output names them.
    pub const ALL: [Self; 10] = [
        Self::Sent,
        Self::Ready,
        Self::Deferred,
        Self::Refused,
        Self::Bounced,
        Self::InDoubt,
        Self::Held,
        Self::Suppressed,
        Self::Cancelled,
        Self::Withdrawn,
    ];

    /// The word in selections.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Ready => "ready",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Bounced => "bounced",
            Self::InDoubt => "in-doubt",
            Self::Held => "held",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// One mailbox, as conditions see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// Every column of its row that is not empty.
    pub cells: &'s BTreeMap<String, String>,
    /// Where it is written to.
    pub address: &'s str,
    /// Whom it stands for.
    pub entity: &'s str,
    /// What that is.
    pub kind: Kind,
    /// What it reads.
    pub language: &'s Language,
    /// How its invitation stands; `None` where it has none.
    pub status: Option<Status>,
    /// Whether any message of the event may have reached its entity.
    pub is_reached: bool,
    /// What its entity answered.
    pub answer: Participation,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<Condition>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: Field,
    /// Whether the test must fail.
    is_not: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Status,
    Answer,
    Kind,
    Language,
    Entity,
    Address,
    Column(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// Folded.
    OneOf(Vec<String>),
    /// Folded.
    Contains(String),
}

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionFault {
    /// It has no sign, or nothing on one side of it.
    #[error(
        "selection {} is not understood; write COLUMN=VALUE, COLUMN=VALUE,VALUE, COLUMN!=VALUE or COLUMN~TEXT, for example kind=ngo or language=fr,es", quoted(.0)
    )]
    Form(String),
    /// No list has the column.
    #[error("--only: no list has a column {}; {}", quoted(.column), cure(.near.as_deref(), .known))]
    Column {
        /// As typed.
        column: String,
        /// The nearest that there is.
        near: Option<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// A closed set has no such value.
    #[error("--only: `{field}` is never {}; {}", quoted(.value), cure(.near.as_deref(), .known))]
    Value {
        /// Which set.
        field: &'static str,
        /// As typed.
        value: String,
        /// The nearest that there is.
        near: Option<String>,
        /// All that there are.
        known: Vec<String>,
    },
}

fn cure(near: Option<&str>, known: &[String]) -> String {
    let known = known.join(", ");
    match near {
        Some(near) => format!("did you mean `{near}`? known: {known}"),
        None => format!("known: {known}"),
    }
}

/// What `answer` may be, beyond the words of [`Participation`]: none of any kind.
const NONE: &str = "none";

impl Selection {
    /// Reads conditions; none selects everybody. `columns` are those of all lists.
    ///
    /// # Errors
    /// The first condition that cannot be read, or names a column or a value that there is not.
    pub fn parse(conditions: &[String], columns: &BTreeSet<String>) -> Result<Self, SelectionFault> {
        conditions.iter().map(|text| condition(text, columns)).collect::<Result<_, _>>().map(Self)
    }

    /// The same, and besides only entities or addresses of these names. Several of one sort are alternatives.
    #[must_use]
    pub fn and_named(mut self, entities: &[String], addresses: &[String]) -> Self {
        for (field, names) in [(Field::Entity, entities), (Field::Address, addresses)] {
            if !names.is_empty() {
                let test = Test::OneOf(names.iter().map(|name| fold(name)).collect());
                self.0.push(Condition { field, is_not: false, test });
            }
        }
        self
    }

    /// Whether a mailbox is meant, whatever the case of its values.
    pub fn takes(&self, subject: &Subject<'_>) -> bool {
        self.0.iter().all(|condition| condition.holds(subject))
    }

    /// Whether everybody is meant.
    pub fn is_everybody(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it asks what entities answered.
    pub fn asks_for_answers(&self) -> bool {
        self.0.iter().any(|condition| condition.field == Field::Answer)
    }

    /// Whether it asks how invitations stand.
    pub fn asks_for_status(&self) -> bool {
        self.0.iter().any(|condition| condition.field == Field::Status)
    }
}

impl Condition {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let meets = match &self.field {
            Field::Answer => self.test.meets_answer(subject),
            Field::Status => self.test.meets(subject.status.map_or("", Status::as_str)),
            Field::Kind => self.test.meets(subject.kind.as_str()),
            Field::Language => self.test.meets(&fold(subject.language.as_str())),
            Field::Entity => self.test.meets(&fold(subject.entity)),
            Field::Address => self.test.meets(&fold(subject.address)),
            Field::Column(name) => self.test.meets(&subject.cells.get(name).map(|c| fold(c)).unwrap_or_default()),
        };
        meets != self.is_not
    }
}

impl Test {
    fn meets(&self, folded: &str) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|value| value == folded),
            Self::Contains(text) => folded.contains(text.as_str()),
        }
    }

    /// `silent` is whoever was reached and has not answered what holds now, `none` also whoever was not reached yet.
    fn meets_answer(&self, subject: &Subject<'_>) -> bool {
        if !subject.answer.is_answer() {
            let is_asked_again = subject.answer == Participation::AskedAgain;
            return self.meets(NONE)
                || (subject.is_reached && self.meets(Participation::Silent.as_str()))
                || (is_asked_again && self.meets(Participation::AskedAgain.as_str()));
        }
        self.meets(subject.answer.as_str())
    }
}

fn condition(text: &str, columns: &BTreeSet<String>) -> Result<Condition, SelectionFault> {
    let form = || SelectionFault::Form(text.to_owned());
    let at = text.find(['=', '~']).ok_or_else(form)?;
    let (left, right) = text.split_at(at);
    let contains = right.starts_with('~');
    let right = &right[1..];
    let (left, is_not) = left.strip_suffix('!').map_or((left, false), |left| (left, true));
    let name = fold(left);
    if name.is_empty() {
        return Err(form());
    }
    let field = field(&name, columns)?;
    let test = if contains {
        Test::Contains(Some(fold(right)).filter(|text| !text.is_empty()).ok_or_else(form)?)
    } else {
        let parts = split(right);
        if parts.is_empty() {
            return Err(form());
        }
        let mut values = known_values(&field, parts)?;
        let whole = fold(right);
        if values.len() > 1 && !matches!(field, Field::Status | Field::Answer | Field::Kind | Field::Language) {
            values.push(whole);
        }
        Test::OneOf(values)
    };
    Ok(Condition { field, is_not, test })
}

fn field(name: &str, columns: &BTreeSet<String>) -> Result<Field, SelectionFault> {
    const ALWAYS: [&str; 7] = ["answer", "email", "entity", "kind", "language", "status", "to"];
    Ok(match name {
        "status" => Field::Status,
        "answer" => Field::Answer,
        "kind" => Field::Kind,
        "language" => Field::Language,
        "entity" => Field::Entity,
        "to" | "email" => Field::Address,
        name if columns.contains(name) => Field::Column(name.to_owned()),
        name => {
            let known: BTreeSet<&str> = columns.iter().map(String::as_str).chain(ALWAYS).collect();
            let near = nearest(name, known.iter().copied()).map(str::to_owned);
            let known = known.into_iter().map(str::to_owned).collect();
            return Err(SelectionFault::Column { column: name.to_owned(), near, known });
        }
    })
}

/// Values folded; those of a closed set must be in it.
fn known_values(field: &Field, values: Vec<String>) -> Result<Vec<String>, SelectionFault> {
    let (name, known): (&'static str, Vec<&str>) = match field {
        Field::Status => ("status", Status::ALL.map(Status::as_str).to_vec()),
        Field::Answer => ("answer", Participation::ALL.map(Participation::as_str).into_iter().chain([NONE]).collect()),
        Field::Kind => ("kind", Kind::ALL.map(Kind::as_str).to_vec()),
        Field::Language => {
            let strange = values.iter().find(|value| Language::parse(value).is_none());
            return match strange {
                None => Ok(values),
                Some(value) => Err(SelectionFault::Value {
                    field: "language",
                    value: value.clone(),
                    near: None,
                    known: vec!["tags such as en, fr or pt-BR".to_owned()],
                }),
            };
        }
        Field::Entity | Field::Address | Field::Column(_) => return Ok(values),
    };
    match values.iter().find(|value| !known.contains(&value.as_str())) {
        None => Ok(values),
        Some(value) => Err(SelectionFault::Value {
            field: name,
            value: value.clone(),
            near: nearest(value, known.iter().copied()).map(str::to_owned),
            known: known.into_iter().map(str::to_owned).collect(),
        }),
    }
}

/// The values between commas, folded; a comma between double quotes belongs to the value.
fn split(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => values.push(String::new()),
            c => {
                if let Some(last) = values.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    values.iter().map(|value| fold(value)).filter(|value| !value.is_empty()).collect()
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Selection, SelectionFault, Status, Subject};
    use crate::people::{Kind, Language};
    use crate::plan::Participation;

    fn columns() -> BTreeSet<String> {
        ["email", "kind", "city"].map(str::to_owned).into()
    }

    fn parse(text: &str) -> Result<Selection, SelectionFault> {
        Selection::parse(&text.split(" & ").map(str::to_owned).collect::<Vec<_>>(), &columns())
    }

    /// Whether an NGO of Geneva that reads Spanish, was sent to and is silent is meant.
    fn takes(text: &str) -> bool {
        let cells = [("city", "Genève")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let language = Language::parse("es").expect("a language");
        parse(text).expect(text).takes(&subject(&cells, &language))
    }

    fn subject<'s>(cells: &'s BTreeMap<String, String>, language: &'s Language) -> Subject<'s> {
        Subject {
            cells,
            address: "Ana@Host.example",
            entity: "Forum A, B",
            kind: Kind::Ngo,
            language,
            status: Some(Status::Sent),
            is_reached: true,
            answer: Participation::Silent,
        }
    }

    #[test]
    fn every_condition_must_hold() {
        for meant in [
            "kind=NGO & language=fr, ES",
            "kind=igo,ngo",
            "kind!=mission",
            "city~GEN",
            "city!~york",
            "city!=New York",
            "to=ana@host.example",
            "email~@host.",
            "entity=Forum A, B",
            "entity=\"forum a, b\",other",
            "status=sent",
            "status!=bounced,refused",
            "answer=silent",
            "answer=none",
            "answer!=accepted",
        ] {
            assert!(takes(meant), "{meant}");
        }
        for other in
            ["kind=mission & language=es", "kind!=ngo,igo", "city~york", "status=bounced", "answer=accepted,declined"]
        {
            assert!(!takes(other), "{other}");
        }
    }

    #[test]
    fn names_add_to_conditions() {
        let (cells, language) = (BTreeMap::new(), Language::parse("es").expect("a language"));
        let subject = subject(&cells, &language);
        let named = |entities: &[&str], addresses: &[&str]| {
            let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let selection = parse("kind=ngo").expect("valid").and_named(&texts(entities), &texts(addresses));
            selection.takes(&subject)
        };
        assert!(named(&["FORUM A, B", "Other"], &[]));
        assert!(named(&[], &["ana@host.EXAMPLE"]));
        assert!(!named(&["Other"], &[]));
        assert!(!named(&["Forum A, B"], &["eva@host.example"]));
    }

    #[test]
    fn silent_is_who_was_reached_and_none_is_who_was_not() {
        let (cells, language) = (BTreeMap::new(), Language::parse("es").expect("a language"));
        let unreached = Subject { is_reached: false, status: None, ..subject(&cells, &language) };
        let takes = |text: &str, subject: &Subject<'_>| parse(text).expect(text).takes(subject);
        assert!(takes("answer=none", &unreached) && !takes("answer=silent", &unreached));
        let again = Subject { answer: Participation::AskedAgain, ..subject(&cells, &language) };
        assert!(takes("answer=silent", &again) && takes("answer=asked-again", &again) && takes("answer=none", &again));
        let accepted = Subject { answer: Participation::Accepted, ..again };
        assert!(takes("answer=accepted", &accepted) && !takes("answer=none", &accepted));
    }

    #[test]
    fn what_is_not_known_is_named_with_the_nearest() {
        let fault = |text: &str| parse(text).expect_err(text).to_string();
        assert_eq!(
            fault("citty=Bern"),
            "--only: no list has a column `citty`; did you mean `city`? known: answer, city, email, entity, kind, language, status, to"
        );
        assert_eq!(
            fault("status=bounce"),
            "--only: `status` is never `bounce`; did you mean `bounced`? known: sent, ready, deferred, refused, bounced, in-doubt, held, suppressed, cancelled, withdrawn"
        );
        assert!(fault("answer=acepted").contains("did you mean `accepted`?"));
        assert!(fault("kind=ngos").contains("did you mean `ngo`?"));
        assert!(fault("language=f_r").contains("`language` is never `f_r`"));
        for text in ["kind", "kind=", "kind=,", "=ngo", "!=ngo", "city~", "\u{202e}=x"] {
            assert!(!fault(text).contains('\u{202e}'), "{text}");
        }
    }
}
