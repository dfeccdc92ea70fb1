//! The helpers that templates may call; there are no others.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
};
use jiff::civil::DateTime;

use super::{forms, markdown, words};
use crate::people::{Language, Part};

/// Names that a template may call, ours and those of handlebars that neither read files nor look anything up.
pub(super) const ALLOWED: [&str; 20] = [
    "date",
    "time",
    "salutation",
    "address_line",
    "close",
    "complimentary_close",
    "envelope",
    "markdown",
    "if",
    "unless",
    "each",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
];

/// How a helper's own words must be written so that they stay words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Markdown, which will be rendered.
    Markdown,
    /// Plain text.
    Text,
    /// HTML.
    Html,
}

impl Target {
    fn write(self, out: &mut dyn Output, words: &str) -> HelperResult {
        match self {
            Self::Markdown => out.write(&markdown::escape_cell(words))?,
            Self::Text => out.write(words)?,
            Self::Html => out.write(&handlebars::html_escape(words))?,
        }
        Ok(())
    }

    /// Ends a line within a block of lines.
    fn end_line(self, out: &mut dyn Output) -> HelperResult {
        Ok(out.write(match self {
            Self::Markdown => "\\\n",
            Self::Text => "\n",
            Self::Html => "<br>\n",
        })?)
    }
}

/// Registers ours; takes away those of handlebars that read more than they are given.
pub(super) fn register(registry: &mut Handlebars<'static>, target: Target) {
    for (name, kind) in [("date", Kind::Date), ("time", Kind::Time)] {
        registry.register_helper(name, Box::new(Clock { kind, target, cache: Arc::default() }));
    }
    for name in ALLOWED {
        if let Some(part) = Part::of_helper(name) {
            registry.register_helper(name, Box::new(Form { part, target }));
        }
    }
    if target == Target::Markdown {
        registry.register_helper("markdown", Box::new(PrintMarkdown));
    }
    for name in ["lookup", "log", "raw", "with", "len"] {
        registry.unregister_helper(name);
    }
}

fn other(words: String) -> RenderError {
    RenderErrorReason::Other(words).into()
}

fn language_of(context: &Context) -> Option<Language> {
    Language::parse(context.data().get("message")?.get("language")?.as_str()?)
}

#[derive(Clone, Copy)]
enum Kind {
    Date,
    Time,
}

/// `{{date event.start}}`, `{{time event.start "fr"}}`: the same few instants for everybody, so the words are kept.
struct Clock {
    kind: Kind,
    target: Target,
    cache: Arc<RwLock<BTreeMap<(String, String), String>>>,
}

impl Clock {
    fn words(&self, value: &str, language: &Language) -> Result<String, RenderError> {
        let at: DateTime = value.parse().map_err(|_| other(format!("`{value}` is no date and time")))?;
        match self.kind {
            Kind::Date => words::date(at.date(), language)
                .ok_or_else(|| other(format!("there are no words for dates in language `{language}`"))),
            Kind::Time => Ok(words::time(at.time(), language)),
        }
    }
}

impl HelperDef for Clock {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = helper.param(0).and_then(|p| p.value().as_str());
        let value = value.ok_or_else(|| other("`date` and `time` need a time, such as event.start".to_owned()))?;
        let language = match helper.param(1).map(|p| p.value().as_str()) {
            Some(Some(tag)) => Language::parse(tag),
            Some(None) => None,
            None => language_of(context),
        };
        let language = language.ok_or_else(|| other("the language is none".to_owned()))?;
        let key = (value.to_owned(), language.as_str().to_owned());
        // A panic elsewhere cannot leave half a text in the map.
        let kept = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let words = match kept {
            Some(words) => words,
            None => {
                let words = self.words(value, &language)?;
                self.cache.write().unwrap_or_else(PoisonError::into_inner).insert(key, words.clone());
                words
            }
        };
        self.target.write(out, &words)
    }
}

/// `{{salutation}}`, `{{address_line}}`, `{{close}}`, `{{envelope}}`: the words that `forms` has found for the row.
struct Form {
    part: Part,
    target: Target,
}

impl HelperDef for Form {
    fn call<'reg: 'rc, 'rc>(
        &self,
        _: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let words = context.data().get(forms::key(self.part)).and_then(|v| v.as_str());
        let words = words.ok_or_else(|| other(format!("`{}` is known in letters only", self.part.as_str())))?;
        for (number, line) in words.split('\n').enumerate() {
            if number > 0 {
                self.target.end_line(out)?;
            }
            self.target.write(out, line)?;
        }
        Ok(())
    }
}

/// `{{markdown event.background}}`: the author's own Markdown; the check of templates lets no cell reach it.
struct PrintMarkdown;

impl HelperDef for PrintMarkdown {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let text = helper.param(0).and_then(|p| p.value().as_str());
        out.write(text.ok_or_else(|| other("`markdown` needs a text of the event".to_owned()))?)?;
        Ok(())
    }
}
