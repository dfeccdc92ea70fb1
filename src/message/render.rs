//! One recipient's texts.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::{Context, Handlebars, RenderError, RenderErrorReason};
use serde_json::{Map, Value};

use super::context::{self, Story};
use super::intake::LAYOUT;
use super::library::{Form, Letter, Library};
use super::{markdown, words};
use crate::input::event_file::EventFile;
use crate::input::problem::{Place, Problem};
use crate::input::text::Text;
use crate::people::Language;
use crate::plan::{Facts, Purpose, Rendering};

/// Everything that a message says.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// What lists of messages show behind the subject; may be empty.
    pub preheader: String,
    /// What both were made of; empty for a pair.
    pub markdown: String,
    /// A whole document.
    pub html: String,
    /// Plain text, LF.
    pub text: String,
}

/// The row's cells: what subject and preheader may print, and what the letter may.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowCells<'c> {
    pub(super) head: &'c BTreeMap<String, String>,
    pub(super) body: &'c BTreeMap<String, String>,
}

impl Library {
    /// The facts of the event as the file and the calendar texts have them now, in every language in which there are letters.
    ///
    /// # Errors
    /// A language without calendar text or without words for dates; a calendar text that does not render.
    pub fn facts(&self, file: &EventFile) -> Result<Facts, Vec<Problem>> {
        let mut renderings = BTreeMap::new();
        let mut problems = Vec::new();
        let languages: BTreeSet<&Language> = self.letters().map(|letter| &letter.language).collect();
        for language in languages {
            match self.rendering(file, language) {
                Ok(rendering) => {
                    renderings.insert(language.clone(), rendering);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Facts::new(file, renderings)) } else { Err(problems) }
    }

    fn rendering(&self, file: &EventFile, language: &Language) -> Result<Rendering, Problem> {
        let in_language = |text: &Text| text.in_language(language, &file.languages).to_owned();
        let name = self.calendar(Purpose::Invitation, language).map_err(|tried| {
            let place = Place::file(&format!("{}/{}.txt.hbs", file.templates.folder, tried[0]));
            Problem::new(
                place,
                format!("there is no calendar text in language `{language}`"),
                "write this file; it is the DESCRIPTION of the calendar entry",
            )
        })?;
        let date = words::date(file.event.local_start.date(), language).ok_or_else(|| {
            Problem::new(
                Place::file(&format!("{}/{name}.txt.hbs", file.templates.folder)),
                format!("there are no words for dates in language `{language}`"),
                "write to us, or use another language",
            )
        })?;
        Ok(Rendering {
            title: in_language(&file.event.title),
            place: in_language(&file.event.place),
            organizer: in_language(&file.sender.name),
            zone_name: in_language(&file.event.zone_name),
            date,
            time: words::time(file.event.local_start.time(), language),
            end_time: words::time(file.event.local_end.time(), language),
            description: self.calendar_text(&name, context::event_values(file, language))?,
        })
    }

    /// The facts with the calendar texts of a cancellation, in the languages that have one; in others the text stays.
    ///
    /// # Errors
    /// Calendar texts that do not render.
    pub fn cancelled(
        &self,
        file: &EventFile,
        facts: Facts,
        is_withdrawn: bool,
        note: &str,
    ) -> Result<Facts, Vec<Problem>> {
        let story = Story { told: &facts, before: None, is_reinstated: false, is_withdrawn, note };
        let mut texts = Vec::new();
        let mut problems = Vec::new();
        for tag in facts.renderings().keys() {
            let Some(language) = Language::parse(tag) else { continue };
            let Ok(name) = self.calendar(Purpose::Cancellation, &language) else { continue };
            let mut values = context::event_values(file, &language);
            story.tell(&mut values, &language);
            match self.calendar_text(&name, values) {
                Ok(text) => texts.push((language, text)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(facts.described(texts)) } else { Err(problems) }
    }

    fn calendar_text(&self, name: &str, values: Map<String, Value>) -> Result<String, Problem> {
        let context = Context::from(Value::Object(values));
        let text = self.text.render_with_context(name, &context).map_err(|error| self.problem(name, &error))?;
        Ok(text.trim_end().to_owned())
    }

    /// Renders a letter for one row.
    pub(super) fn render(
        &self,
        letter: &Letter,
        values: &Map<String, Value>,
        cells: RowCells<'_>,
    ) -> Result<Rendered, Problem> {
        let context = |cells| Context::from(context::with_cells(values.clone(), cells));
        let (head, body) = (context(cells.head), context(cells.body));
        let render = |registry: &Handlebars<'static>, name: &str, context: &Context| {
            registry.render_with_context(name, context).map_err(|error| self.problem(name, &error))
        };
        let subject = one_line(&render(&self.text, &format!("{}#subject", letter.name), &head)?);
        let preheader = match letter.has_preheader {
            true => one_line(&render(&self.text, &format!("{}#preheader", letter.name), &head)?),
            false => String::new(),
        };
        let (markdown, html, text) = match letter.form {
            Form::Pair => {
                (String::new(), render(&self.html, &letter.name, &body)?, render(&self.text, &letter.name, &body)?)
            }
            Form::Markdown => {
                let source = render(&self.markdown, &letter.name, &body)?;
                let right_to_left = letter.language.is_right_to_left();
                let made = markdown::render(&source, &self.style, right_to_left)
                    .map_err(|fault| self.markdown_problem(letter, &fault))?;
                (source, self.lay_out(letter, values, &subject, &preheader, made.html)?, made.text)
            }
        };
        Ok(Rendered { subject, preheader, markdown, html, text })
    }

    fn lay_out(
        &self,
        letter: &Letter,
        values: &Map<String, Value>,
        subject: &str,
        preheader: &str,
        body: String,
    ) -> Result<String, Problem> {
        let (dir, align) = if letter.language.is_right_to_left() { ("rtl", "right") } else { ("ltr", "left") };
        let mut values = values.clone();
        for (key, value) in [
            ("lang", letter.language.as_str()),
            ("dir", dir),
            ("align", align),
            ("subject", subject),
            ("preheader", preheader),
        ] {
            values.insert(key.to_owned(), Value::String(value.to_owned()));
        }
        values.insert("body".to_owned(), Value::String(body));
        let context = Context::from(Value::Object(values));
        let name = LAYOUT.trim_end_matches(".html.hbs");
        self.html.render_with_context(name, &context).map_err(|error| self.problem(name, &error))
    }

    /// A failed rendering as a problem of the file that failed.
    fn problem(&self, name: &str, error: &RenderError) -> Problem {
        let name = error.template_name.as_deref().unwrap_or(name);
        let (file, first) = self.origins.get(name).cloned().unwrap_or_else(|| (name.to_owned(), 1));
        let line = error.line_no.map_or(0, |line| line as u64 + first - 1);
        let place = Place::new(&file, line, error.column_no.unwrap_or(0) as u64);
        let (fault, cure) = match error.reason() {
            RenderErrorReason::MissingVariable(Some(path)) => {
                let bare = path.trim_start_matches("this.");
                (format!("`{bare}` is empty"), format!("fill the cell, or guard it: {{{{#if {bare}}}}}…{{{{/if}}}}"))
            }
            other => {
                (other.to_string().split_whitespace().collect::<Vec<_>>().join(" "), "mend the template".to_owned())
            }
        };
        Problem::new(place, fault, cure)
    }

    /// Partials move the lines of rendered Markdown, so the fault is named by its words and not by a line.
    fn markdown_problem(&self, letter: &Letter, fault: &markdown::MarkdownFault) -> Problem {
        let file = self.origins.get(&letter.name).map_or(letter.name.as_str(), |(file, _)| file);
        Problem::new(
            Place::file(file),
            fault.to_string(),
            "write Markdown without HTML, or a pair of *.html.hbs and *.txt.hbs",
        )
    }
}

/// Headers have one line; a cell with a line break must not make a second.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}
