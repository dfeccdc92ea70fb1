//! Template files as they lie in the folder.

use std::collections::BTreeMap;

use crate::input::problem::{Place, Problem};

/// The texts of all template files by their path below the templates folder, with `/` between folders.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    folder: String,
    files: BTreeMap<String, String>,
}

/// A file's two halves.
pub(super) struct Split<'s> {
    /// Between the `+++` lines; empty where there are none.
    pub(super) front: &'s str,
    /// The line of the file at which `front` begins.
    pub(super) front_line: u64,
    /// The template.
    pub(super) body: &'s str,
    /// The line of the file at which `body` begins.
    pub(super) body_line: u64,
}

impl Sources {
    /// From the folder's name, as problems are to name it, and its files.
    pub fn new(folder: &str, files: BTreeMap<String, String>) -> Self {
        Self { folder: folder.trim_end_matches('/').to_owned(), files }
    }

    /// The text of a file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// A file as problems name it.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Separates front matter from template. A file that opens front matter and never ends it is a problem.
    pub(super) fn split(&self, name: &str) -> Result<Split<'_>, Problem> {
        let text = self.get(name).unwrap_or_default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let whole = Split { front: "", front_line: 1, body: text, body_line: 1 };
        let Some(after) = strip_mark(text) else { return Ok(whole) };
        let mut offset = text.len() - after.len();
        for (line, current) in (2..).zip(after.split_inclusive('\n')) {
            if strip_mark(current).is_some() {
                let front = &text[text.len() - after.len()..offset];
                let body = &text[offset + current.len()..];
                return Ok(Split { front, front_line: 2, body, body_line: line + 1 });
            }
            offset += current.len();
        }
        Err(Problem::new(
            Place::new(&self.path(name), 1, 1),
            "the front matter begins with `+++` and does not end",
            "put a line `+++` behind it",
        ))
    }
}

/// What follows a first line `+++`.
fn strip_mark(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("+++")?;
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    rest.strip_prefix('\n').or_else(|| rest.is_empty().then_some(rest))
}

#[cfg(test)]
mod tests {
    use super::Sources;

    #[test]
    fn front_matter_is_told_from_the_template() {
        let files = [("a.md.hbs", "+++\r\nsubject = \"x\"\n+++\nHello\n"), ("b", "Hello\n"), ("c", "+++\nx")];
        let sources = Sources::new("templates/", files.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let split = sources.split("a.md.hbs").expect("whole");
        assert_eq!(
            (split.front, split.front_line, split.body, split.body_line),
            ("subject = \"x\"\n", 2, "Hello\n", 4)
        );
        assert_eq!(sources.split("b").expect("whole").body, "Hello\n");
        let problem = sources.split("c").err().expect("open");
        assert!(problem.to_string().starts_with("templates/c:1:1: "), "{problem}");
    }
}
