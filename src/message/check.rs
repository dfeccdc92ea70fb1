//! Finds what a template asks for and will not get, before anything is rendered.
//!
//! Strict mode of handlebars names a missing variable only where it is printed, not in `{{#if typo}}`; a cycle of partials
//! overflows the stack and ends the process. Both are found here, on the parsed template.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;
use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};

use super::cells::Cells;
use super::context;
use super::helpers::ALLOWED;
use crate::input::problem::{Place, Problem, quoted};
use crate::input::toml_reader::nearest;
use crate::people::Part;
use crate::people::register::{self, Phrase};

/// Blocks within blocks, beyond which the stack of a thread is in danger.
const DEEPEST: usize = 64;

/// What a template may name.
pub(super) struct Known<'k> {
    /// Columns of the lists.
    pub(super) columns: &'k BTreeSet<String>,
    /// Names that only this kind of template has (`subject`, `body` in the layout).
    pub(super) extra: &'k [&'k str],
    /// Whether the row's cells may be printed (not in the calendar text, which teams share).
    pub(super) cells: bool,
    /// Whether `{{{body}}}` may stand in it.
    pub(super) triple: &'k [&'k str],
    /// Whether it is Markdown.
    pub(super) markdown: bool,
    /// Whether the event has sessions.
    pub(super) sessions: bool,
}

/// One template with the place of its first line.
pub(super) struct Checked<'t> {
    pub(super) file: &'t str,
    pub(super) first_line: u64,
    pub(super) template: &'t Template,
}

/// What a template asks for.
#[derive(Debug, Default)]
pub(super) struct Asks {
    /// Names of the partials that it calls.
    pub(super) partials: BTreeSet<String>,
    /// Columns that no list has: a fault as soon as somebody is to get this template.
    pub(super) unknown: Vec<Problem>,
    /// How it uses the row.
    pub(super) cells: Cells,
    /// Phrases that belong to one register only, with their places.
    pub(super) phrases: Vec<(Phrase, Place)>,
    /// Where it has which form of address.
    pub(super) forms: Vec<(Part, Place)>,
}

/// Checks one template; faults that concern every list go to `problems`.
pub(super) fn check(checked: &Checked<'_>, known: &Known<'_>, problems: &mut Vec<Problem>) -> Asks {
    let mut walk =
        Walk { checked, known, problems, asks: Asks::default(), at: (1, 1), depth: 0, wanted: Wanted::Printed };
    walk.template(checked.template, &Scope::default());
    walk.asks
}

/// Finds cycles among partials: each is named once.
pub(super) fn cycles(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    fn visit<'u>(
        name: &'u str,
        uses: &'u BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<&'u str>,
        done: &mut BTreeSet<&'u str>,
        found: &mut Vec<Vec<String>>,
    ) {
        if let Some(start) = path.iter().position(|p| *p == name) {
            found.push(path[start..].iter().chain([&name]).map(|p| (*p).to_owned()).collect());
            return;
        }
        if !done.insert(name) {
            return;
        }
        path.push(name);
        for next in uses.get(name).into_iter().flatten() {
            visit(next, uses, path, done, found);
        }
        path.pop();
    }
    let mut found = Vec::new();
    let mut done = BTreeSet::new();
    for name in uses.keys() {
        visit(name, uses, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

/// What the names inside a block stand for.
#[derive(Clone, Default)]
struct Scope {
    /// `as |speaker|` with the path of what it stands for.
    params: Vec<(String, String)>,
    /// The path of `this`; empty at the top.
    this: String,
}

struct Walk<'w, 't> {
    checked: &'w Checked<'t>,
    known: &'w Known<'w>,
    problems: &'w mut Vec<Problem>,
    asks: Asks,
    at: (usize, usize),
    depth: usize,
    /// What a name that is met now is wanted for.
    wanted: Wanted,
}

/// What a template does with a name.
#[derive(Clone, Copy)]
enum Wanted {
    Printed,
    Compared,
    /// `{{#if name}}`: only whether there is something.
    Present,
}

impl Walk<'_, '_> {
    fn place(&self) -> Place {
        Place::new(self.checked.file, self.at.0 as u64 + self.checked.first_line - 1, self.at.1 as u64)
    }

    fn problem(&mut self, fault: String, cure: impl Into<String>) {
        self.problems.push(Problem::new(self.place(), fault, cure));
    }

    fn template(&mut self, template: &Template, scope: &Scope) {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.problem(format!("blocks are nested deeper than {DEEPEST}"), "flatten the template or use partials");
            self.depth -= 1;
            return;
        }
        for (index, element) in template.elements.iter().enumerate() {
            if let Some(mapping) = template.mapping.get(index) {
                self.at = (mapping.0, mapping.1);
            }
            self.element(element, scope);
        }
        self.depth -= 1;
    }

    fn element(&mut self, element: &TemplateElement, scope: &Scope) {
        match element {
            TemplateElement::Comment(_) => {}
            TemplateElement::RawString(text) => self.phrases(text),
            TemplateElement::Expression(helper) => self.expression(helper, scope),
            TemplateElement::HtmlExpression(helper) => {
                let name = helper.name.as_name().unwrap_or_default().to_owned();
                if !self.known.triple.contains(&name.as_str()) {
                    self.problem(
                        format!("{} is printed without escaping", quoted(&format!("{{{{{{{name}}}}}}}"))),
                        "write it with two braces",
                    );
                }
                self.expression(helper, scope);
            }
            TemplateElement::HelperBlock(helper) => self.block(helper, scope),
            TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
                match partial.name.as_name() {
                    Some(name) => {
                        self.asks.partials.insert(name.to_owned());
                    }
                    None => self.problem("a partial is chosen by a value".to_owned(), "name it: {{> facts-en}}"),
                }
                self.wanted = Wanted::Compared;
                for parameter in partial.params.iter().chain(partial.hash.values()) {
                    self.parameter(parameter, scope);
                }
            }
            TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                self.problem("decorators are not known here".to_owned(), "use a partial");
            }
            // The enum may grow; what is not known here cannot be judged safe.
            _ => self.problem("this construct is not known here".to_owned(), "write it with helpers and partials"),
        }
    }

    /// Text between braces. handlebars tells the place of its first character that is no blank.
    fn phrases(&mut self, text: &str) {
        let (line, column) = self.at;
        let written = text.trim_start();
        let blanks = &text[..text.len() - written.len()];
        let begins_line = blanks.contains('\n') || column <= blanks.chars().count() + 1;
        for phrase in register::find(written, begins_line) {
            let column = if phrase.line == 0 { column.max(1) } else { 1 } + phrase.column;
            let line = (line + phrase.line) as u64 + self.checked.first_line - 1;
            let place = Place::new(self.checked.file, line, column as u64);
            self.asks.phrases.push((phrase, place));
        }
    }

    fn expression(&mut self, helper: &HelperTemplate, scope: &Scope) {
        self.wanted = Wanted::Printed;
        let Some(name) = helper.name.as_name() else {
            self.parameter(&helper.name, scope);
            return;
        };
        if helper.params.is_empty() && helper.hash.is_empty() && Part::of_helper(name).is_none() {
            self.path(name, scope);
        } else {
            self.call(name, &helper.params, scope);
        }
    }

    fn call(&mut self, name: &str, params: &[Parameter], scope: &Scope) {
        if !ALLOWED.contains(&name) {
            let cure = nearest(name, ALLOWED.into_iter()).map_or_else(
                || format!("known helpers: {}", ALLOWED.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(format!("unknown helper {}", quoted(name)), cure);
        }
        if name == "markdown" {
            let of_event = params.first().and_then(Parameter::as_name).is_some_and(|path| path.starts_with("event."));
            if !of_event {
                self.problem(
                    "`markdown` prints texts of the event only".to_owned(),
                    "write {{markdown event.background}}",
                );
            }
            if !self.known.markdown {
                self.problem("`markdown` has no place outside Markdown".to_owned(), "print the text by itself");
            }
        }
        let part = Part::of_helper(name);
        if part.is_some() && !self.known.cells {
            self.problem(
                "the calendar text names a recipient".to_owned(),
                "calendars are shared: leave the person out",
            );
        }
        if let Some(part) = part {
            self.asks.cells.forms.insert(part);
            self.asks.forms.push((part, self.place()));
        }
        for parameter in params {
            let is_name = !matches!(parameter, Parameter::Subexpression(_));
            self.wanted = if is_name && matches!(name, "if" | "unless") { Wanted::Present } else { Wanted::Compared };
            self.parameter(parameter, scope);
        }
    }

    fn parameter(&mut self, parameter: &Parameter, scope: &Scope) {
        match parameter {
            Parameter::Name(name) => self.path(name, scope),
            Parameter::Path(_) => {
                if let Some(name) = parameter.as_name() {
                    let name = name.to_owned();
                    self.path(&name, scope);
                }
            }
            Parameter::Literal(_) => {}
            Parameter::Subexpression(sub) => {
                let name = sub.name().to_owned();
                let params = sub.params().cloned().unwrap_or_default();
                if Part::of_helper(&name).is_some() {
                    let cure = "compare the columns that it is made of: honorific, family, rank";
                    self.problem(format!("`{name}` stands as an argument"), cure);
                }
                self.call(&name, &params, scope);
            }
            _ => self.problem("this parameter is not known here".to_owned(), "write a variable or a text in quotes"),
        }
    }

    fn block(&mut self, helper: &HelperTemplate, scope: &Scope) {
        let name = helper.name.as_name().unwrap_or_default();
        self.call(name, &helper.params, scope);
        let mut inner = scope.clone();
        if name == "each" {
            let list =
                helper.params.first().and_then(Parameter::as_name).map(|p| resolve(p, scope)).unwrap_or_default();
            let item = format!("{list}[]");
            match &helper.block_param {
                Some(BlockParam::Single(Parameter::Name(param))) => inner.params.push((param.clone(), item.clone())),
                Some(BlockParam::Pair((Parameter::Name(param), Parameter::Name(index)))) => {
                    inner.params.push((param.clone(), item.clone()));
                    inner.params.push((index.clone(), "@index".to_owned()));
                }
                _ => {}
            }
            inner.this = item;
        }
        let at = self.at;
        if let Some(template) = &helper.template {
            self.template(template, &inner);
        }
        if let Some(inverse) = &helper.inverse {
            self.at = at;
            self.template(inverse, scope);
        }
    }

    fn path(&mut self, written: &str, scope: &Scope) {
        let path = resolve(written, scope);
        if path.starts_with('@') || path == "this" || path.ends_with("[]") {
            return;
        }
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", &path));
        if parent.is_empty() {
            self.top_level(written, last);
            return;
        }
        let fields = context::fields(parent);
        if !fields.contains(&last) {
            let cure = match nearest(last, fields.iter().copied()) {
                Some(near) => format!("did you mean `{parent}.{near}`?"),
                None if fields.is_empty() => "columns have no parts; write the column's name alone".to_owned(),
                None => format!("known there: {}", fields.join(", ")),
            };
            self.problem(format!("unknown variable {}", quoted(written)), cure);
        }
    }

    fn top_level(&mut self, written: &str, name: &str) {
        if self.known.extra.contains(&name) || context::RESERVED.contains(&name) {
            return;
        }
        if self.known.sessions && context::OF_SESSIONS.contains(&name) {
            if name == "sessions" && !self.known.cells {
                self.problem(
                    "the text names the sessions of one recipient".to_owned(),
                    "layout and calendar are the same for everybody: name them in the letter",
                );
            }
            return;
        }
        let is_column = self.known.columns.contains(name);
        if is_column && self.known.cells {
            let cells = &mut self.asks.cells;
            let set = match self.wanted {
                Wanted::Printed => &mut cells.printed,
                Wanted::Compared => &mut cells.compared,
                Wanted::Present => &mut cells.present,
            };
            set.insert(name.to_owned());
            return;
        }
        if is_column {
            self.problem(
                format!("the text prints the column {}", quoted(written)),
                "layout and calendar are the same for everybody: leave the recipient's data to the letter",
            );
            return;
        }
        let candidates = self.known.columns.iter().map(String::as_str).chain(context::RESERVED).chain(ALLOWED);
        let cure = nearest(name, candidates).map_or_else(
            || format!("columns of the lists: {}", self.known.columns.iter().cloned().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let problem = Problem::new(self.place(), format!("unknown variable {}", quoted(written)), cure);
        self.asks.unknown.push(problem);
    }
}

/// A path as written, made absolute: `speaker.name` becomes `event.speakers[].name`.
fn resolve(written: &str, scope: &Scope) -> String {
    let mut path = written.replace('/', ".");
    let mut at_top = false;
    for prefix in ["@root."] {
        if let Some(rest) = path.strip_prefix(prefix) {
            path = rest.to_owned();
            at_top = true;
        }
    }
    while let Some(rest) = path.strip_prefix("...") {
        path = rest.to_owned();
        at_top = true;
    }
    if path.starts_with('@') {
        return path;
    }
    let path = path.trim_start_matches("this.").replace(['[', ']'], "");
    if at_top {
        return path;
    }
    let (first, rest) = path.split_once('.').map_or((path.as_str(), None), |(f, r)| (f, Some(r)));
    if let Some((_, stands_for)) = scope.params.iter().rev().find(|(name, _)| name == first) {
        return rest.map_or_else(|| stands_for.clone(), |rest| format!("{stands_for}.{rest}"));
    }
    if scope.this.is_empty() || !scope.params.is_empty() {
        // With a block parameter handlebars leaves `this` where it was.
        return path;
    }
    if path == "this" { scope.this.clone() } else { format!("{}.{path}", scope.this) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use handlebars::Template;

    use super::{Checked, Known, check, cycles};

    fn faults(text: &str) -> Vec<String> {
        faults_of(text, true, false)
    }

    fn faults_of(text: &str, cells: bool, sessions: bool) -> Vec<String> {
        let template = Template::compile(text).expect("parses");
        let columns: BTreeSet<String> = ["entity", "rank", "kind"].map(str::to_owned).into();
        let known = Known { columns: &columns, extra: &[], cells, triple: &[], markdown: true, sessions };
        let mut problems = Vec::new();
        let asks = check(&Checked { file: "t", first_line: 4, template: &template }, &known, &mut problems);
        problems.extend(asks.unknown);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_known_passes() {
        let text = "{{entity}} {{#if (eq kind \"ngo\")}}{{rank}}{{else}}{{event.title}}{{/if}} {{salutation}}
            {{date event.start \"en\"}} {{markdown event.background}} {{> facts}}
            {{#each event.speakers as |s|}}{{s.name}} {{entity}} {{@index}}{{/each}}
            {{#each event.speakers}}{{name}} {{this.role}} {{../entity}} {{@root.rank}}{{/each}}";
        assert_eq!(faults(text), Vec::<String>::new());
    }

    #[test]
    fn sessions_are_known_where_there_are_some_and_to_letters_alone() {
        let letter =
            "{{session.title}} {{session.event}} {{#each sessions as |one|}}{{one.place}} {{one.is_this}}{{/each}}";
        assert_eq!(faults_of(letter, true, true), Vec::<String>::new());
        let typo = faults_of("{{#each sessions as |one|}}{{one.tilte}}{{/each}}", true, true);
        assert!(typo[0].contains("did you mean `sessions[].title`"), "{typo:?}");
        assert_eq!(faults_of("{{session.place}}", false, true), Vec::<String>::new());
        let shared = faults_of("{{#each sessions}}{{title}}{{/each}}", false, true);
        assert!(shared[0].contains("the text names the sessions of one recipient"), "{shared:?}");
        assert!(faults("{{#if sessions}}x{{/if}}")[0].contains("unknown variable `sessions`"));
    }

    #[test]
    fn what_is_unknown_is_found_wherever_it_stands() {
        let one = |text: &str| faults(text).first().cloned().unwrap_or_default();
        assert_eq!(one("\n{{#if enttiy}}x{{/if}}"), "t:5:1: unknown variable `enttiy`; did you mean `entity`?");
        assert!(one("{{event.tilte}}").contains("did you mean `event.title`"));
        assert!(one("{{#each event.speakers as |s|}}{{s.nmae}}{{/each}}").contains("`s.nmae`"));
        assert!(one("{{#each event.speakers}}{{entity}}{{/each}}").contains("`entity`"));
        assert!(one("{{#if (eq knd 1)}}{{/if}}").contains("`knd`"));
        assert!(one("{{env \"HOME\"}}").contains("unknown helper `env`"));
        assert!(one("{{lookup event \"title\"}}").contains("unknown helper `lookup`"));
        assert!(one("{{{entity}}}").contains("without escaping"));
        assert!(one("{{&entity}}").contains("without escaping"));
        assert!(one("{{markdown rank}}").contains("texts of the event only"));
        assert!(one("{{entity.length}}").contains("columns have no parts"));
        assert!(one("{{#*inline \"x\"}}{{/inline}}").contains("decorators"));
    }

    #[test]
    fn phrases_of_a_register_are_found_where_they_stand() {
        let text = "{{entity}} presents its compliments\n{{#if rank}}\n  Dear {{rank}},\n{{/if}}\n\n{{rank}} dear x\n\n\nSir,\n";
        let template = Template::compile(text).expect("parses");
        let columns: BTreeSet<String> = ["entity", "rank"].map(str::to_owned).into();
        let known = Known { columns: &columns, extra: &[], cells: true, triple: &[], markdown: true, sessions: false };
        let asks = check(&Checked { file: "t", first_line: 1, template: &template }, &known, &mut Vec::new());
        let seen: Vec<String> = asks.phrases.iter().map(|(p, place)| format!("{place} {}", p.words)).collect();
        assert_eq!(seen, ["t:1:12 presents its compliments", "t:3:3 Dear", "t:9:1 Sir,"]);
    }

    #[test]
    fn cycles_of_partials_are_found() {
        let uses = |pairs: &[(&str, &[&str])]| {
            cycles(&pairs.iter().map(|(k, v)| ((*k).to_owned(), v.iter().map(|s| (*s).to_owned()).collect())).collect())
        };
        assert!(uses(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]).is_empty());
        assert_eq!(uses(&[("a", &["b"]), ("b", &["a"])]), [["a", "b", "a"]]);
        assert_eq!(uses(&[("a", &["a"])]), [["a", "a"]]);
    }
}
