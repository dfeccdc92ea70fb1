//! The plain text of a letter.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::link_target;

/// What stands before each line inside it.
enum Container {
    Quote,
    /// The marker stands before the first line, as many blanks before the others.
    Item {
        marker: String,
        is_written: bool,
    },
}

/// What separates a line from the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Line,
    Blank,
}

pub(super) struct TextWriter {
    out: String,
    containers: Vec<Container>,
    /// How many of them the last block and the next one have in common: their marks stand on the blank line between.
    common: usize,
    /// Whether the last line of `out` can take more.
    is_open: bool,
    gap: Gap,
    /// The next number of each list around; `None` for one with dashes.
    lists: Vec<Option<u64>>,
    /// Where the text of a link begins, and where it points to.
    link: Option<(usize, String)>,
    code: Option<String>,
    rows: Vec<Vec<String>>,
    cell: Option<String>,
}

impl TextWriter {
    pub(super) fn new(markdown: &str) -> Self {
        Self {
            out: String::with_capacity(markdown.len()),
            containers: Vec::new(),
            common: 0,
            is_open: false,
            gap: Gap::Line,
            lists: Vec::new(),
            link: None,
            code: None,
            rows: Vec::new(),
            cell: None,
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.close(Gap::Line);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    pub(super) fn write(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(text),
                None => self.put(text),
            },
            Event::Code(text) => self.put(text),
            Event::SoftBreak => self.put(" "),
            Event::HardBreak if self.cell.is_some() => self.put(" "),
            Event::HardBreak => self.close(Gap::Line),
            Event::Rule => {
                self.close(Gap::Line);
                self.put("---");
                self.close(Gap::Blank);
            }
            // Faults, and what no option was set for.
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } => self.close(Gap::Line),
            Tag::BlockQuote(_) => {
                self.close(Gap::Line);
                self.containers.push(Container::Quote);
            }
            Tag::CodeBlock(_) => {
                self.close(Gap::Line);
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                self.close(Gap::Line);
                self.lists.push(*first);
            }
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    Some(None) | None => "- ".to_owned(),
                };
                self.containers.push(Container::Item { marker, is_written: false });
            }
            Tag::Table(_) => self.close(Gap::Line),
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::TableCell => self.cell = Some(String::new()),
            Tag::Link { link_type, dest_url, .. } => {
                let target = link_target(*link_type, dest_url).to_string();
                // Opens the line, so that the text of the link begins behind its marks.
                self.put("");
                self.link = Some((self.cell.as_ref().unwrap_or(&self.out).len(), target));
            }
            // Emphasis leaves no marks.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) => self.close(Gap::Blank),
            TagEnd::BlockQuote(_) => {
                self.close(Gap::Blank);
                self.leave();
            }
            TagEnd::CodeBlock => {
                for line in self.code.take().unwrap_or_default().lines() {
                    self.put(line);
                    self.close(Gap::Line);
                }
                self.gap = Gap::Blank;
            }
            TagEnd::Item => {
                if let Some(Container::Item { is_written: false, .. }) = self.containers.last() {
                    self.put("");
                }
                self.close(Gap::Line);
                self.leave();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.gap = Gap::Blank;
                }
            }
            TagEnd::TableCell => {
                let cell = self.cell.take().unwrap_or_default();
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell.trim().to_owned());
                }
            }
            TagEnd::Table => self.write_table(),
            TagEnd::Link => self.write_link(),
            _ => {}
        }
    }

    fn leave(&mut self) {
        self.containers.pop();
        self.common = self.common.min(self.containers.len());
    }

    /// Ends the line, if there is one; `gap` is the least that separates it from the next.
    fn close(&mut self, gap: Gap) {
        if self.is_open {
            self.out.truncate(self.out.trim_end_matches([' ', '\t']).len());
            self.is_open = false;
            self.gap = gap;
            self.common = self.containers.len();
        } else if gap == Gap::Blank {
            self.gap = gap;
        }
    }

    /// Writes into the cell or the line at hand, beginning a line where there is none.
    fn put(&mut self, text: &str) {
        if self.cell.is_none() && !self.is_open {
            self.open();
        }
        let line = self.cell.as_mut().unwrap_or(&mut self.out);
        if text.contains('\n') {
            // From `&#10;`, there is no other way.
            line.push_str(&text.replace('\n', " "));
        } else {
            line.push_str(text);
        }
    }

    fn open(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
            if self.gap == Gap::Blank {
                for container in self.containers.iter().take(self.common) {
                    match container {
                        Container::Quote => self.out.push_str("> "),
                        Container::Item { marker, .. } => self.out.extend(marker.chars().map(|_| ' ')),
                    }
                }
                self.out.truncate(self.out.trim_end_matches(' ').len());
                self.out.push('\n');
            }
        }
        for container in &mut self.containers {
            match container {
                Container::Quote => self.out.push_str("> "),
                Container::Item { marker, is_written } if !*is_written => {
                    self.out.push_str(marker);
                    *is_written = true;
                }
                Container::Item { marker, .. } => self.out.extend(marker.chars().map(|_| ' ')),
            }
        }
        self.is_open = true;
        self.gap = Gap::Line;
    }

    fn write_link(&mut self) {
        let Some((start, target)) = self.link.take() else { return };
        let line = self.cell.as_mut().unwrap_or(&mut self.out);
        let text = line.get(start..).unwrap_or_default().trim();
        let words = link_words(text, &target);
        line.truncate(start);
        line.push_str(&words);
    }

    fn write_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let is_labels =
            rows.iter().all(|row| row.len() == 2) && rows.first().is_some_and(|head| head.iter().all(String::is_empty));
        for row in rows {
            let line = match row.as_slice() {
                [label, value] if is_labels && value.is_empty() => label.clone(),
                [label, value] if is_labels && (label.is_empty() || label.ends_with([':', '：'])) => {
                    format!("{label} {value}")
                }
                [label, value] if is_labels => format!("{label}: {value}"),
                _ => row.join(" | "),
            };
            if !line.trim().is_empty() {
                self.put(line.trim());
                self.close(Gap::Line);
            }
        }
        self.gap = Gap::Blank;
    }
}

/// A link in plain text: what it says and where it leads, or only the second where both are the same.
fn link_words(text: &str, target: &str) -> String {
    let (scheme, rest) = target.split_once(':').unwrap_or(("", target));
    let address = match scheme.to_ascii_lowercase().as_str() {
        "mailto" => {
            let mailbox = rest.split('?').next().unwrap_or(rest);
            if text.eq_ignore_ascii_case(mailbox) { "" } else { mailbox }
        }
        "tel" => {
            let digits = |number: &str| number.chars().filter(char::is_ascii_digit).collect::<String>();
            // What is written may be grouped for the eye, the target is not.
            if digits(text) == digits(rest) { "" } else { rest }
        }
        _ => {
            let bare = |address: &str| address.trim_start_matches("//").trim_end_matches('/').to_owned();
            if text == target || bare(text) == bare(rest) {
                return target.to_owned();
            }
            target
        }
    };
    match (text, address) {
        ("", "") => rest.to_owned(),
        ("", address) => address.to_owned(),
        (text, "") => text.to_owned(),
        (text, address) => format!("{text} ({address})"),
    }
}
