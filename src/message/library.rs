//! All templates of a folder, parsed and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use handlebars::Handlebars;

use super::cells::Cells;
use super::check::{self, Asks};
use super::helpers::{self, Target};
use super::intake::{LAYOUT, Parsed, Taken, take_all};
use super::markdown::{self, Style};
use super::source::Sources;
use crate::input::event_file::{EventFile, TemplateRules};
use crate::input::problem::{Place, Problem, quoted};
use crate::input::text::Languages;
use crate::people::register::concerns;
use crate::people::{Kind, Language, Part, Register};
use crate::plan::Purpose;

/// How a letter is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One Markdown file for both parts.
    Markdown,
    /// An HTML and a text file.
    Pair,
}

/// One letter: what a kind of recipient reads in a language.
#[derive(Clone, Debug)]
pub struct Letter {
    /// `invitation/mission.fr`.
    pub name: String,
    /// The language that it is written in.
    pub language: Language,
    /// Its manner.
    pub register: Register,
    pub(super) form: Form,
    /// Columns that it asks for and that no list has; found when somebody is to get it.
    pub(super) unknown: Vec<Problem>,
    pub(super) has_preheader: bool,
    /// How it and all its partials use the row.
    pub(super) cells: Cells,
}

/// The templates, ready to render.
#[derive(Debug)]
pub struct Library {
    /// Escapes for Markdown.
    pub(super) markdown: Handlebars<'static>,
    /// Escapes nothing: subjects, calendar texts, plain text.
    pub(super) text: Handlebars<'static>,
    /// Escapes for HTML.
    pub(super) html: Handlebars<'static>,
    pub(super) style: Style,
    letters: BTreeMap<String, Letter>,
    calendars: BTreeSet<String>,
    /// Registered name to file and the line at which its template begins.
    pub(super) origins: BTreeMap<String, (String, u64)>,
    rules: TemplateRules,
    /// Of the event's sessions.
    session_ids: Vec<String>,
    languages: Languages,
    /// What [`Library::letter`] has found: there are far fewer answers than recipients.
    chosen: RwLock<Vec<Choice>>,
}

/// For whom which letter was found.
#[derive(Debug)]
struct Choice {
    folder: String,
    kind: Kind,
    language: Language,
    letter: String,
}

/// Answers that are kept; beyond them the chain is gone through each time.
const CHOICES_MOST: usize = 64;

impl Library {
    /// Parses and checks every file; `columns` are those of all lists, by their normalised names.
    ///
    /// # Errors
    /// Every problem of every template.
    pub fn load(sources: &Sources, file: &EventFile, columns: &BTreeSet<String>) -> Result<Self, Vec<Problem>> {
        let mut library = Self {
            markdown: registry(Target::Markdown),
            text: registry(Target::Text),
            html: registry(Target::Html),
            style: Style::default(),
            letters: BTreeMap::new(),
            calendars: BTreeSet::new(),
            origins: BTreeMap::new(),
            rules: file.templates.clone(),
            session_ids: file.session_ids(),
            languages: file.languages.clone(),
            chosen: RwLock::default(),
        };
        let (mut uses, mut problems) = (BTreeMap::new(), Vec::new());
        for (file, taken) in take_all(sources, columns, !library.session_ids.is_empty()) {
            let Taken { templates, letter, style, is_calendar, problems: of_file } = taken;
            problems.extend(of_file);
            for Parsed { key, name, target, line, template, asks } in templates {
                library.origins.insert(name.clone(), (sources.path(file), line));
                uses.insert(key, asks);
                match target {
                    Target::Markdown => library.markdown.register_template(&name, template),
                    Target::Text => library.text.register_template(&name, template),
                    Target::Html => library.html.register_template(&name, template),
                }
                if is_calendar {
                    library.calendars.insert(name);
                }
            }
            library.letters.extend(letter.map(|letter| (letter.name.clone(), letter)));
            library.style = style.unwrap_or(library.style);
        }
        library.check_partials(sources, &uses, &mut problems);
        if problems.is_empty() {
            library.gather(&uses, &mut problems);
        }
        if sources.names().next().is_none() {
            let place = Place::file(&sources.path(""));
            problems.push(Problem::new(place, "there are no templates", "`convoke new` writes some to start from"));
        } else if library.letters.values().any(|l| l.form == Form::Markdown) && sources.get(LAYOUT).is_none() {
            let place = Place::file(&sources.path(LAYOUT));
            problems.push(Problem::new(
                place,
                "the layout is missing",
                "letters in Markdown need one; `convoke new` writes one",
            ));
        }
        problems.sort();
        problems.dedup();
        if problems.is_empty() { Ok(library) } else { Err(problems) }
    }

    fn check_partials(&self, sources: &Sources, uses: &BTreeMap<String, Asks>, problems: &mut Vec<Problem>) {
        let names: BTreeSet<&str> = uses.keys().map(String::as_str).filter(|n| !n.starts_with('/')).collect();
        for (user, asks) in uses {
            for missing in asks.partials.iter().filter(|u| !names.contains(u.as_str())) {
                let user = user.trim_start_matches('/');
                let user = ["Markdown", "Text", "Html"].iter().find_map(|t| user.strip_suffix(t)).unwrap_or(user);
                let path = self.origins.get(user).map_or_else(|| sources.path(user), |(path, _)| path.clone());
                let fault = format!("the partial {} does not exist", quoted(missing));
                let cure = format!("write {}", sources.path(&format!("partials/{missing}.md.hbs")));
                problems.push(Problem::new(Place::file(&path), fault, cure));
            }
        }
        let calls = uses.iter().map(|(name, asks)| (name.clone(), asks.partials.clone())).collect();
        for cycle in check::cycles(&calls) {
            let path = self.origins.get(&cycle[0]).map_or_else(String::new, |(path, _)| path.clone());
            let fault = format!("the partials {} call each other for ever", cycle.join(" -> "));
            problems.push(Problem::new(Place::file(&path), fault, "take one of the calls out"));
        }
    }

    /// Gives each letter what it, its subject and all partials that it reaches ask of the row, and what no list has.
    fn gather(&mut self, uses: &BTreeMap<String, Asks>, problems: &mut Vec<Problem>) {
        for letter in self.letters.values_mut() {
            let name = &letter.name;
            let own = ["Markdown", "Text", "Html", "#subject", "#preheader"].map(|end| format!("/{name}{end}"));
            let mut open: Vec<&Asks> = own.iter().filter_map(|key| uses.get(key)).collect();
            let mut seen = BTreeSet::new();
            while let Some(asks) = open.pop() {
                letter.unknown.extend(asks.unknown.iter().cloned());
                letter.cells.add(&asks.cells);
                problems.extend(mixed(letter, asks));
                open.extend(asks.partials.iter().filter(|p| seen.insert(p.as_str())).filter_map(|p| uses.get(p)));
            }
            letter.unknown.sort();
            letter.unknown.dedup();
        }
    }

    /// The letter for a kind and a language, by the configured chain; `folder` is the purpose, or the name of a mailing.
    ///
    /// # Errors
    /// The names that were looked for.
    pub fn letter(&self, folder: &str, kind: Kind, language: &Language) -> Result<&Letter, Vec<String>> {
        let is_same = |c: &&Choice| c.folder == folder && c.kind == kind && c.language == *language;
        // A panic elsewhere cannot leave half an answer.
        let chosen = self.chosen.read().unwrap_or_else(PoisonError::into_inner);
        let known = chosen.iter().find(is_same).and_then(|choice| self.letters.get(&choice.letter));
        drop(chosen);
        if let Some(letter) = known {
            return Ok(letter);
        }
        let letter = self.look_for(folder, kind, language)?;
        let mut chosen = self.chosen.write().unwrap_or_else(PoisonError::into_inner);
        if chosen.len() < CHOICES_MOST {
            chosen.push(Choice {
                folder: folder.to_owned(),
                kind,
                language: language.clone(),
                letter: letter.name.clone(),
            });
        }
        Ok(letter)
    }

    fn look_for(&self, folder: &str, kind: Kind, language: &Language) -> Result<&Letter, Vec<String>> {
        let kind = kind.as_str();
        let audience = self.rules.audience.get(kind).map_or(kind, String::as_str);
        let chain = self.languages.chain(language);
        let mut tried = Vec::new();
        for pattern in &self.rules.chain {
            let pattern = pattern.replace("{purpose}", folder).replace("{kind}", audience);
            let named = pattern.replace("{language}", language.as_str());
            let candidates = if named.contains("{fallback}") {
                chain.iter().skip(1).map(|l| named.replace("{fallback}", l.as_str())).collect()
            } else {
                vec![named]
            };
            for candidate in candidates {
                if let Some(letter) = self.letters.get(&candidate) {
                    return Ok(letter);
                }
                if !tried.contains(&candidate) {
                    tried.push(candidate);
                }
            }
        }
        Err(tried)
    }

    /// The name of the calendar text that goes with a letter.
    ///
    /// # Errors
    /// The names that were looked for.
    pub(super) fn calendar(&self, purpose: Purpose, language: &Language) -> Result<String, Vec<String>> {
        let names: Vec<String> =
            self.languages.chain(language).iter().map(|l| format!("{}/calendar.{l}", purpose.as_str())).collect();
        names.iter().find(|name| self.calendars.contains(*name)).cloned().ok_or(names)
    }

    /// Whether there is any letter in a folder.
    pub fn has_letters(&self, folder: &str) -> bool {
        self.letters.keys().any(|name| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Every letter, by name.
    pub fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.letters.values()
    }

    /// The configured order of looking for letters.
    pub fn chain(&self) -> &[String] {
        &self.rules.chain
    }
}

/// What of a template, or of a partial that it calls, is of another register than the letter.
fn mixed(letter: &Letter, asks: &Asks) -> Vec<Problem> {
    let is_note = letter.register == Register::NoteVerbale;
    let (name, register) = (&letter.name, letter.register.as_str());
    let phrases = asks.phrases.iter().filter(|(phrase, _)| concerns(phrase, &letter.language));
    let phrases = phrases.filter(|(phrase, _)| phrase.is_of_notes != is_note).map(|(phrase, place)| {
        let (fault, cure) = if is_note {
            let cure = "write in the third person, without salutation and close, or make the register `formal`";
            (format!("{} is of a letter, and `{name}` is a note verbale", quoted(&phrase.words)), cure)
        } else {
            let cure = "write in the first person, or make the register `note-verbale`";
            (
                format!("{} is of a note verbale, and the register of `{name}` is `{register}`", quoted(&phrase.words)),
                cure,
            )
        };
        Problem::new(place.clone(), fault, cure)
    });
    let greets = |part: Part| matches!(part, Part::Close | Part::Salutation);
    let forms = asks.forms.iter().filter(|(part, _)| is_note && greets(*part)).map(|(part, place)| {
        let fault = format!("`{{{{{}}}}}` stands in `{name}`, which is a note verbale and has none", part.as_str());
        Problem::new(place.clone(), fault, "take it out, or make the register `formal`")
    });
    phrases.chain(forms).collect()
}

fn registry(target: Target) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    match target {
        Target::Markdown => registry.register_escape_fn(markdown::escape_cell),
        Target::Text => registry.register_escape_fn(handlebars::no_escape),
        Target::Html => registry.register_escape_fn(handlebars::html_escape),
    }
    helpers::register(&mut registry, target);
    registry
}
