//! What has changed since a plan was sealed, in words that name it.
//!
//! What: [`Comparison`], fed with every message that would be sent now; [`Change`], one sentence each. A change that reaches
//! no message is none: a template that nobody gets, a limit, the order of the rows.
//! Not here: making the messages (`message`), what follows (`approval`). Called by: `command`. Can fail: nothing.

use std::collections::BTreeMap;
use std::fmt;

use super::{Plan, SealedMessage};

/// Recipients that are named; the rest are counted.
const NAMED: usize = 3;
/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// Recipients, the first few of them named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Several {
    count: u64,
    named: Vec<String>,
}

impl Several {
    /// So many; of `named`, the first ones are kept.
    pub fn new(count: u64, named: Vec<String>) -> Self {
        Self { count, named: named.into_iter().take(NAMED).collect() }
    }

    fn add(&mut self, address: &str) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(address.to_owned());
        }
    }

    fn is_none(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join(", "))?;
        if self.count > self.named.len() as u64 { f.write_str(", …") } else { Ok(()) }
    }
}

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A value of `convoke.toml`; `None` where it was or is not there.
    Setting {
        /// Its path.
        key: String,
        /// In the plan.
        then: Option<String>,
        /// Now.
        now: Option<String>,
    },
    /// A template file, and whether it was there and is there.
    Template(String, bool, bool),
    /// Calendar objects carry another DTSTAMP: the event was changed and changed back.
    Stamp,
    /// Another version of the program made the plan.
    Program(String, String),
    /// Messages of a letter that read differently although nothing changed about their recipients.
    Letter(String, u64),
    /// Recipients of whom the lists say something else.
    Rows(Several),
    /// Recipients who were not in the plan, and the selection of the plan where it had one.
    Added(Several, Vec<String>),
    /// Recipients who are on no list any more.
    TakenOff(Several),
    /// Where the messages are handed in.
    Relays(Vec<String>, Vec<String>),
    /// The reverse-path.
    ReversePath(String, String),
    /// The keys that sign.
    Signatures,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipients = |n: u64| format!("{n} {}", if n == 1 { "recipient" } else { "recipients" });
        match self {
            Self::Setting { key, then: Some(then), now: Some(now) } => {
                write!(f, "the event file: `{key}` was {}, is {}", short(then), short(now))
            }
            Self::Setting { key, then: Some(then), now: None } => {
                write!(f, "the event file: `{key}` was {}, is gone", short(then))
            }
            Self::Setting { key, now, .. } => {
                write!(f, "the event file: `{key}` is new: {}", short(now.as_deref().unwrap_or_default()))
            }
            Self::Template(name, false, _) => write!(f, "template `{name}` is new"),
            Self::Template(name, true, true) => write!(f, "template `{name}` was changed"),
            Self::Template(name, true, false) => write!(f, "template `{name}` is gone"),
            Self::Stamp => {
                f.write_str("the event was changed and changed back, so its calendar entries are dated anew")
            }
            Self::Program(then, now) => write!(f, "the plan was made by {then}, this is {now}"),
            Self::Letter(letter, n) => {
                let messages = if *n == 1 { "message reads" } else { "messages read" };
                write!(f, "letter `{letter}`: {n} {messages} differently")
            }
            Self::Rows(who) => write!(f, "the lists say something else of {}: {who}", recipients(who.count)),
            Self::Added(who, only) => {
                write!(f, "{} added: {who}", recipients(who.count))?;
                if only.is_empty() { Ok(()) } else { write!(f, " (the plan was for --only {})", only.join(" --only ")) }
            }
            Self::TakenOff(who) => write!(f, "{} taken off the lists: {who}", recipients(who.count)),
            Self::Relays(then, now) => {
                write!(f, "the messages were to go to {}, would go to {}", then.join(", "), now.join(", "))
            }
            Self::ReversePath(then, now) => write!(f, "the reverse-path was {then}, is {now}"),
            Self::Signatures => f.write_str("other keys sign the messages"),
        }
    }
}

fn short(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

/// A plan against what would be sent now.
#[derive(Debug)]
pub struct Comparison {
    /// What carries the messages; these count by themselves.
    carriers: Vec<Change>,
    /// What shapes the messages; these count where a message differs.
    causes: Vec<Change>,
    letters: BTreeMap<String, u64>,
    rows: Several,
    added: Several,
    taken_off: Several,
    only: Vec<String>,
}

impl Comparison {
    /// Of what was sealed with what would be.
    pub fn new(then: &Plan, now: &Plan) -> Self {
        let mut carriers = Vec::new();
        if then.relays != now.relays {
            carriers.push(Change::Relays(then.relays.clone(), now.relays.clone()));
        }
        if then.reverse_path != now.reverse_path {
            carriers.push(Change::ReversePath(then.reverse_path.clone(), now.reverse_path.clone()));
        }
        if then.signatures != now.signatures {
            carriers.push(Change::Signatures);
        }
        let mut causes: Vec<Change> = different(&then.settings, &now.settings)
            .map(|(key, then, now)| Change::Setting { key: key.clone(), then: then.cloned(), now: now.cloned() })
            .collect();
        if causes.is_empty() && then.dtstamp != now.dtstamp {
            causes.push(Change::Stamp);
        }
        let templates = different(&then.templates, &now.templates);
        causes.extend(templates.map(|(name, then, now)| Change::Template(name.clone(), then.is_some(), now.is_some())));
        if then.program != now.program {
            causes.push(Change::Program(then.program.clone(), now.program.clone()));
        }
        let only = then.only.clone();
        let (letters, none) = (BTreeMap::new(), Several::default());
        Self { carriers, causes, letters, rows: none.clone(), added: none.clone(), taken_off: none, only }
    }

    /// Whether the messages would be handed over alike.
    pub fn is_carried_alike(&self) -> bool {
        self.carriers.is_empty()
    }

    /// A message that would be sent, and what plans had of its recipient, the last one first.
    pub fn message(&mut self, now: &SealedMessage, then: &[SealedMessage]) {
        match then {
            [] => self.added.add(&now.address),
            all if all.iter().any(|then| then.digest == now.digest) => {}
            [last, ..] if last.row != now.row => self.rows.add(&now.address),
            [..] => *self.letters.entry(now.letter.clone()).or_default() += 1,
        }
    }

    /// Recipients of the plan who would get nothing any more.
    pub fn taken_off(&mut self, who: Several) {
        self.taken_off = who;
    }

    /// Everything that is not as it was, causes first.
    pub fn changes(self) -> Vec<Change> {
        let mut changes = if self.letters.is_empty() { Vec::new() } else { self.causes };
        changes.extend(self.letters.into_iter().map(|(letter, n)| Change::Letter(letter, n)));
        if !self.rows.is_none() {
            changes.push(Change::Rows(self.rows));
        }
        if !self.added.is_none() {
            changes.push(Change::Added(self.added, self.only));
        }
        if !self.taken_off.is_none() {
            changes.push(Change::TakenOff(self.taken_off));
        }
        changes.extend(self.carriers);
        changes
    }
}

type Difference<'d> = (&'d String, Option<&'d String>, Option<&'d String>);

fn different<'d>(
    then: &'d BTreeMap<String, String>,
    now: &'d BTreeMap<String, String>,
) -> impl Iterator<Item = Difference<'d>> {
    let new = now.keys().filter(|key| !then.contains_key(*key));
    then.keys().chain(new).map(|key| (key, then.get(key), now.get(key))).filter(|(_, then, now)| then != now)
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Several};
    use crate::plan::sealed::tests::{message, plan};
    use crate::plan::{Plan, SealedMessage};

    fn words(comparison: Comparison) -> Vec<String> {
        comparison.changes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_reaches_no_message_is_no_change() {
        let mut now = plan();
        now.settings.insert("event.background".to_owned(), "\"unused\"".to_owned());
        now.templates.insert("invitation/igo.en.md.hbs".to_owned(), "0b".to_owned());
        now.program = "convoke 2".to_owned();
        let mut same = Comparison::new(&plan(), &now);
        same.message(&message(1, "aa"), &[message(1, "zz"), message(1, "aa")]);
        assert_eq!(words(same), Vec::<String>::new());
    }

    #[test]
    fn each_change_is_named_with_its_cause() {
        let now = Plan {
            settings: [("event.place".to_owned(), "\"Room 6\"".to_owned())].into(),
            templates: [("invitation/ngo.en.md.hbs".to_owned(), "0b".to_owned())].into(),
            relays: vec!["main (smtp.host.example:465)".to_owned()],
            reverse_path: "bounces@host.example".to_owned(),
            signatures: vec!["s1".to_owned()],
            program: "convoke 2".to_owned(),
            ..plan()
        };
        let then = Plan { only: vec!["kind=ngo".to_owned()], ..plan() };
        let mut comparison = Comparison::new(&then, &now);
        assert!(!comparison.is_carried_alike());
        comparison.message(&message(1, "ab"), &[message(1, "aa")]);
        comparison.message(&SealedMessage { row: "s".to_owned(), ..message(2, "bc") }, &[message(2, "bb")]);
        for recipient in 3..=6 {
            comparison.message(&message(recipient, "cc"), &[]);
        }
        comparison.taken_off(Several::new(1, vec!["h…@y.example".to_owned()]));
        let expected = [
            "the event file: `event.place` was \"Room 5\", is \"Room 6\"",
            "template `invitation/ngo.en.md.hbs` was changed",
            "the plan was made by convoke 1, this is convoke 2",
            "letter `invitation/ngo.en`: 1 message reads differently",
            "the lists say something else of 1 recipient: g…@x2.example",
            "4 recipients added: g…@x3.example, g…@x4.example, g…@x5.example, … (the plan was for --only kind=ngo)",
            "1 recipient taken off the lists: h…@y.example",
            "the messages were to go to sandbox, would go to main (smtp.host.example:465)",
            "the reverse-path was events@host.example, is bounces@host.example",
            "other keys sign the messages",
        ];
        assert_eq!(words(comparison), expected);
    }

    #[test]
    fn a_value_that_goes_or_comes_is_said_so() {
        let now = Plan {
            settings: [("event.url".to_owned(), format!("\"https://host.example/{}\"", "é".repeat(80)))].into(),
            templates: [("layout.html.hbs".to_owned(), "0c".to_owned())].into(),
            ..plan()
        };
        let mut comparison = Comparison::new(&plan(), &now);
        comparison.message(&message(1, "ab"), &[message(1, "aa")]);
        let all = words(comparison).join("\n");
        for part in [
            "`event.place` was \"Room 5\", is gone",
            "`event.url` is new: \"https",
            "é…",
            "ngo.en.md.hbs` is gone",
            "template `layout.html.hbs` is new",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
    }
}
