//! What one template file gives: parsed, checked, with its front matter.
//!
//! What: [`take_all`], on all cores, since parsing is most of what a run of a few hundred messages does before its first one.
//! Not here: what the files say together (`library`). Called by: `library`.
//! Can fail: nothing; what is wrong is among what is taken.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;

use super::cells::Cells;
use super::check::{self, Asks, Checked, Known};
use super::helpers::Target;
use super::library::{Form, Letter};
use super::markdown::Style;
use super::source::{Sources, Split};
use crate::input::problem::{Place, Problem, quoted};
use crate::input::toml_reader::TomlDocument;
use crate::people::{Language, Register};

/// The layout that HTML made of Markdown is put into.
pub(super) const LAYOUT: &str = "layout.html.hbs";

/// Which registry a file belongs to, by its ending.
const ENDINGS: [(&str, Target); 3] =
    [(".md.hbs", Target::Markdown), (".txt.hbs", Target::Text), (".html.hbs", Target::Html)];

/// What one file gives.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) templates: Vec<Parsed>,
    pub(super) letter: Option<Letter>,
    /// Of the layout.
    pub(super) style: Option<Style>,
    pub(super) is_calendar: bool,
    pub(super) problems: Vec<Problem>,
}

/// One template: a file's body, or a line of its front matter.
pub(super) struct Parsed {
    /// Partials by their bare names, others behind a `/`.
    pub(super) key: String,
    /// As it is registered.
    pub(super) name: String,
    pub(super) target: Target,
    /// The line of the file at which it begins.
    pub(super) line: u64,
    pub(super) template: Template,
    pub(super) asks: Asks,
}

/// Every file, in the order of their names.
pub(super) fn take_all<'s>(
    sources: &'s Sources,
    columns: &BTreeSet<String>,
    has_sessions: bool,
) -> Vec<(&'s str, Taken)> {
    let names: Vec<&str> = sources.names().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Neighbours are alike, so every worker gets some of each kind.
    let share = |worker: usize| names.iter().skip(worker).step_by(threads);
    let mut taken: Vec<(&str, Taken)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(names.len()))
            .map(|worker| {
                scope.spawn(move || {
                    share(worker).map(|name| (*name, take(sources, name, columns, has_sessions))).collect()
                })
            })
            .collect();
        let results = workers.into_iter().map(|worker| worker.join().expect("a worker reports its faults as values"));
        results.flat_map(|of_worker: Vec<_>| of_worker).collect()
    });
    taken.sort_by_key(|(name, _)| *name);
    taken
}

fn take(sources: &Sources, file: &str, columns: &BTreeSet<String>, has_sessions: bool) -> Taken {
    let path = sources.path(file);
    let mut taken = Taken::default();
    let Some((stem, target)) = ENDINGS.iter().find_map(|(end, t)| file.strip_suffix(end).map(|s| (s, *t))) else {
        if file.ends_with(".hbs") {
            let cure = "name it *.md.hbs, *.html.hbs or *.txt.hbs, so that it is known how to escape";
            taken.problems.push(Problem::new(Place::file(&path), "the kind of this template is unknown", cure));
        }
        return taken;
    };
    let split = match sources.split(file) {
        Ok(split) => split,
        Err(problem) => {
            taken.problems.push(problem);
            return taken;
        }
    };
    let partial = stem.strip_prefix("partials/");
    let is_layout = file == LAYOUT;
    taken.is_calendar = partial.is_none()
        && target == Target::Text
        && stem.rsplit('/').next().is_some_and(|last| last.starts_with("calendar."));
    let known = Known {
        columns,
        extra: if is_layout { &["lang", "dir", "align", "subject", "preheader", "body"] } else { &[] },
        cells: !is_layout && !taken.is_calendar,
        triple: if is_layout { &["body"] } else { &[] },
        markdown: target == Target::Markdown,
        sessions: has_sessions,
    };
    // A partial is called by its bare name, a letter by its path.
    let name = partial.unwrap_or(stem);
    let key = if partial.is_some() { name.to_owned() } else { format!("/{stem}{target:?}") };
    taken.parse(key, target, &Unit { name, path: &path, line: split.body_line, text: split.body }, &known);
    if is_layout {
        taken.style = Some(read_style(&path, &split, &mut taken.problems));
    } else if !taken.is_calendar && partial.is_none() {
        taken.take_letter(sources, stem, target, &split, &known);
    }
    taken
}

struct Unit<'u> {
    name: &'u str,
    path: &'u str,
    line: u64,
    text: &'u str,
}

impl Taken {
    /// Parses and checks one template.
    fn parse(&mut self, key: String, target: Target, unit: &Unit<'_>, known: &Known<'_>) {
        match Template::compile_with_name(unit.text, unit.name.to_owned()) {
            Ok(template) => {
                let checked = Checked { file: unit.path, first_line: unit.line, template: &template };
                let asks = check::check(&checked, known, &mut self.problems);
                let (name, line) = (unit.name.to_owned(), unit.line);
                self.templates.push(Parsed { key, name, target, line, template, asks });
            }
            Err(error) => {
                let (line, column) = error.pos().unwrap_or((1, 1));
                let place = Place::new(unit.path, line as u64 + unit.line - 1, column as u64);
                let fault = format!("not a template: {}", one_line(error.reason()));
                self.problems.push(Problem::new(place, fault, "mend the braces"));
            }
        }
    }

    fn take_letter(&mut self, sources: &Sources, stem: &str, target: Target, split: &Split<'_>, known: &Known<'_>) {
        let file = |ending: &str| sources.path(&format!("{stem}{ending}"));
        let (form, path) = match target {
            Target::Markdown => (Form::Markdown, file(".md.hbs")),
            Target::Html if sources.get(&format!("{stem}.txt.hbs")).is_some() => (Form::Pair, file(".html.hbs")),
            Target::Html => {
                let cure = "write the same in plain text beside it: some read only that, and filters distrust its lack";
                let place = Place::file(&file(".html.hbs"));
                self.problems.push(Problem::new(place, "the text file of this pair is missing", cure));
                return;
            }
            Target::Text if sources.get(&format!("{stem}.html.hbs")).is_some() => return,
            Target::Text => {
                let cure = "write it beside it, or one *.md.hbs for both";
                let place = Place::file(&file(".txt.hbs"));
                self.problems.push(Problem::new(place, "the HTML file of this pair is missing", cure));
                return;
            }
        };
        let document = TomlDocument::parse(&path, split.front, split.front_line);
        let root = document.root();
        let subject = root.required_string("subject", "write `subject = \"…\"` between two lines `+++` at the top");
        let preheader = root.string("preheader");
        let register =
            root.required_string("register", "write `register = \"note-verbale\"`, `\"formal\"` or `\"ordinary\"`");
        let register = register.and_then(|found| {
            let register = Register::parse(&found.value);
            if register.is_none() {
                let fault = format!("unknown register {}", quoted(&found.value));
                root.problem(found.place, fault, "write `note-verbale`, `formal` or `ordinary`");
            }
            register
        });
        root.finish();
        self.problems.extend(document.problems());
        let known = Known { markdown: false, ..*known };
        for (part, found) in [("subject", &subject), ("preheader", &preheader)] {
            if let Some(found) = found {
                let name = format!("{stem}#{part}");
                let unit = Unit { name: &name, path: &path, line: found.place.line, text: &found.value };
                self.parse(format!("/{name}"), Target::Text, &unit, &known);
            }
        }
        let last = stem.rsplit('/').next().unwrap_or(stem);
        let language = last.split_once('.').and_then(|(_, tag)| Language::parse(tag));
        let Some(language) = language else {
            let cure = "name it like mission.fr.md.hbs: the kind, a dot, the language";
            self.problems.push(Problem::new(Place::file(&path), "the file's name does not say its language", cure));
            return;
        };
        if let Some(register) = register {
            let has_preheader = preheader.is_some();
            let (name, unknown, cells) = (stem.to_owned(), Vec::new(), Cells::default());
            self.letter = Some(Letter { name, language, register, form, unknown, has_preheader, cells });
        }
    }
}

fn read_style(path: &str, split: &Split<'_>, problems: &mut Vec<Problem>) -> Style {
    let document = TomlDocument::parse(path, split.front, split.front_line);
    let root = document.root();
    let table = root.table("style");
    let mut rules = BTreeMap::new();
    for key in table.keys() {
        if let Some(css) = table.string(&key.value) {
            if css.value.contains(['<', '>', '"', '{', '}']) {
                let cure = "write plain declarations with single quotes, such as `margin:0;`";
                table.problem(css.place, format!("the style of `{}` cannot stand in an attribute", key.value), cure);
            }
            rules.insert(key.value, css.value);
        }
    }
    table.finish();
    root.finish();
    problems.extend(document.problems());
    Style::new(rules)
}

/// Parser messages of handlebars span lines.
fn one_line(reason: &impl std::fmt::Display) -> String {
    let text = reason.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
