//! The Markdown of a letter: cells made inert in it, and the HTML and the plain text that come out of it.
//!
//! What: [`escape_cell`] and [`plain_cell`] for values of recipients' tables; [`to_html`], [`to_text`] and both at once,
//! [`render`]; [`Style`], the inline CSS of a layout.
//! Standards: CommonMark 0.31 with the tables of GFM, read by pulldown-cmark; HTML as mail programs take it (no style sheet,
//! `align` beside CSS: Outlook for Windows renders with Word); RFC 3986 for links.
//! Not here: templates and their helpers, the layout around the body, line ends of mail (what comes out has LF), encodings.
//! A cell is inert in text, headings, lists, tables, emphasis and links, but not inside code: there CommonMark has no
//! escapes. An empty cell leaves its marks behind (`**` `**` becomes four stars); a template asks with `{{#if}}` first.
//! Called by: the composition of `message`, once for each message and check.
//! Can fail: raw HTML, images and links other than to the web, a mailbox or a telephone, each with line and column in the
//! Markdown given.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::input::problem::quoted;

/// A value from a cell, inert wherever it stands in Markdown: [`plain_cell`] with a backslash before each punctuation mark
/// of ASCII (and `&#92;` for a backslash itself), so that neither emphasis nor links, lists, tables, headings, HTML or entities can arise.
pub fn escape_cell(value: &str) -> String {
    flatten(value, true)
}

/// A value from a cell on one line: line ends and controls become one blank, blanks around it go, and so do marks that
/// turn the direction of the text around them (UAX 9, U+202A to U+202E, U+2066 to U+2069) and byte order marks.
pub fn plain_cell(value: &str) -> String {
    flatten(value, false)
}

fn flatten(value: &str, is_markdown: bool) -> String {
    let mut line = String::with_capacity(value.len() + if is_markdown { 16 } else { 0 });
    let mut is_parted = false;
    for c in value.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => continue,
            ' ' | '\u{2028}' | '\u{2029}' => is_parted = true,
            _ if c.is_control() => is_parted = true,
            // Emphasis that begins with a blank is none, so the wide ones go as well.
            _ if line.is_empty() && c.is_whitespace() => {}
            _ => {
                if is_parted && !line.is_empty() {
                    line.push(' ');
                }
                is_parted = false;
                match c {
                    // `\\` before the `|` that ends a table's cell is read by pulldown-cmark 0.13 as an escaped `|`.
                    '\\' if is_markdown => line.push_str("&#92;"),
                    _ if is_markdown && c.is_ascii_punctuation() => line.extend(['\\', c]),
                    _ => line.push(c),
                }
            }
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Inline CSS for each tag, from the front matter of a layout. A tag without an entry gets none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style(BTreeMap<String, String>);

impl Style {
    /// All tags that [`to_html`] writes and that can be styled: an entry for any other is a slip of the pen.
    #[rustfmt::skip]
    pub const TAGS: [&str; 21] = [
        "a", "blockquote", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
        "table", "td", "th", "tr", "ul",
    ];

    /// From tag and declarations: `p`, `margin:0 0 16px 0;`.
    pub fn new(declarations: BTreeMap<String, String>) -> Self {
        let attribute = |css: String| {
            let mut attribute = " style=\"".to_owned();
            escape(&mut attribute, &css.split_whitespace().collect::<Vec<_>>().join(" "), true);
            attribute + "\""
        };
        Self(declarations.into_iter().map(|(tag, css)| (tag, attribute(css))).collect())
    }

    /// The whole attribute with a blank before it, or nothing.
    fn attribute(&self, tag: &str) -> &str {
        self.0.get(tag).map_or("", String::as_str)
    }
}

/// What a letter cannot hold, and where it stands in the Markdown given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct MarkdownFault {
    /// 1 for the first line.
    pub line: u64,
    /// 1 for the first character of the line.
    pub column: u64,
    /// What stands there.
    pub kind: FaultKind,
}

/// The kinds of [`MarkdownFault`], each with what was read, cut and in backticks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// A tag, a comment or any other HTML.
    #[error("raw HTML {0}")]
    Html(String),
    /// Mail programs hide images and some drop a message for them.
    #[error("image {0}")]
    Image(String),
    /// Not `https`, `http`, `mailto` or `tel`, or nothing behind it.
    #[error("link to {0}")]
    Link(String),
}

impl MarkdownFault {
    fn new(markdown: &str, range: &Range<usize>, kind: FaultKind) -> Self {
        let before = markdown.get(..range.start).unwrap_or(markdown);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let ordinal = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
        Self {
            line: ordinal(before.matches('\n').count()),
            column: ordinal(before.get(line_start..).map_or(0, |line| line.chars().count())),
            kind,
        }
    }

    /// What to write in its place.
    pub fn cure(&self) -> &'static str {
        match self.kind {
            FaultKind::Html(_) => "write it in Markdown, or `\\<` where the sign itself is meant",
            FaultKind::Image(_) => "leave it out or write a link",
            FaultKind::Link(_) => "begin it with https:, http:, mailto: or tel:",
        }
    }
}

/// Both forms of one letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// As [`to_html`] makes it.
    pub html: String,
    /// As [`to_text`] makes it.
    pub text: String,
}

/// [`to_html`] and [`to_text`] from one reading of the Markdown.
///
/// # Errors
/// The first [`MarkdownFault`].
pub fn render(markdown: &str, style: &Style, right_to_left: bool) -> Result<Rendered, MarkdownFault> {
    let mut html = HtmlWriter::new(markdown, style, right_to_left);
    let mut text = TextWriter::new(markdown);
    read(markdown, |event| {
        html.write(event);
        text.write(event);
    })?;
    Ok(Rendered { html: html.out, text: text.finish() })
}

/// HTML to stand in the body of a layout: each tag with its inline style, each block with its direction where that is right
/// to left, text escaped, all tags closed.
///
/// # Errors
/// The first [`MarkdownFault`].
pub fn to_html(markdown: &str, style: &Style, right_to_left: bool) -> Result<String, MarkdownFault> {
    let mut html = HtmlWriter::new(markdown, style, right_to_left);
    read(markdown, |event| html.write(event))?;
    Ok(html.out)
}

/// Plain text: a paragraph is one line, which the reader's program wraps; a blank line between blocks; lists with `- ` and
/// `1. `; tables of two columns without a heading as `label: value`, others as `one | two`; links as `text (address)`, or
/// the address alone where the text says no more. No line ends with a blank; the last one ends with a line feed.
///
/// # Errors
/// The first [`MarkdownFault`].
pub fn to_text(markdown: &str) -> Result<String, MarkdownFault> {
    let mut text = TextWriter::new(markdown);
    read(markdown, |event| text.write(event))?;
    Ok(text.finish())
}

/// One reading for both writers, so that they cannot differ in what is a fault.
fn read(markdown: &str, mut write: impl FnMut(&Event<'_>)) -> Result<(), MarkdownFault> {
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        let event = match event {
            Event::Text(text) => Event::Text(clean(text)),
            Event::Code(text) => Event::Code(clean(text)),
            other => other,
        };
        let source = || quoted(markdown.get(range.clone()).unwrap_or_default().trim());
        let fault = match &event {
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => Some(FaultKind::Html(source())),
            Event::Start(Tag::Image { .. }) => Some(FaultKind::Image(source())),
            Event::Start(Tag::Link { link_type, dest_url, .. }) if !is_allowed(&link_target(*link_type, dest_url)) => {
                Some(FaultKind::Link(quoted(dest_url)))
            }
            _ => None,
        };
        if let Some(kind) = fault {
            return Err(MarkdownFault::new(markdown, &range, kind));
        }
        write(&event);
    }
    Ok(())
}

/// Line ends as LF, other controls (`&#7;`, or what was pasted into a template) as blanks.
fn clean(text: CowStr<'_>) -> CowStr<'_> {
    if !text.contains(|c: char| c.is_control() && c != '\n') {
        return text;
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect::<String>().into()
}

/// `<name@domain.example>` is a link to a mailbox whose target lacks the scheme.
fn link_target(link_type: LinkType, target: &str) -> CowStr<'_> {
    if link_type == LinkType::Email { format!("mailto:{target}").into() } else { CowStr::Borrowed(target) }
}

fn is_allowed(target: &str) -> bool {
    let Some((scheme, rest)) = target.split_once(':') else { return false };
    if target.contains(char::is_control) {
        return false;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "https" | "http" => rest.strip_prefix("//").is_some_and(|host| host.starts_with(|c: char| c.is_alphanumeric())),
        "mailto" | "tel" => !rest.trim().is_empty(),
        _ => false,
    }
}

/// A text between tags.
pub(super) fn escape_text(out: &mut String, text: &str) {
    escape(out, text, false);
}

fn escape(out: &mut String, text: &str, is_attribute: bool) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        out.push_str(match found.as_bytes()[0] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ if is_attribute => "&quot;",
            _ => "\"",
        });
        rest = &found[1..];
    }
    out.push_str(rest);
}

/// A link target in an attribute: what RFC 3986 does not allow in a URI is percent-encoded, an existing `%` stays.
fn escape_target(out: &mut String, target: &str) {
    for byte in target.bytes() {
        match byte {
            b'&' => out.push_str("&amp;"),
            b'\'' => out.push_str("&#39;"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ if b"-._~:/?#[]@!$()*+,;=%".contains(&byte) => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
}

struct HtmlWriter<'a> {
    out: String,
    style: &'a Style,
    right_to_left: bool,
    /// Of the columns of the table that is being written.
    alignments: Vec<Alignment>,
    column: usize,
    is_head: bool,
}

impl<'a> HtmlWriter<'a> {
    fn new(markdown: &str, style: &'a Style, right_to_left: bool) -> Self {
        let out = String::with_capacity(markdown.len() * 2);
        Self { out, style, right_to_left, alignments: Vec::new(), column: 0, is_head: false }
    }

    fn write(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) => escape(&mut self.out, text, false),
            Event::Code(text) => {
                self.open("code");
                escape(&mut self.out, text, false);
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => {
                self.open("hr");
                self.out.push('\n');
            }
            // Faults, and what no option was set for.
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph => self.open_block("p", ""),
            Tag::Heading { level, .. } => self.open_block(heading(*level), ""),
            Tag::BlockQuote(_) => {
                self.open_block("blockquote", "");
                self.out.push('\n');
            }
            Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => self.open_block("pre", ""),
            Tag::List(None) => self.open_list("ul", ""),
            Tag::List(Some(1)) => self.open_list("ol", ""),
            Tag::List(Some(first)) => self.open_list("ol", &format!(" start=\"{first}\"")),
            Tag::Item => self.open_block("li", ""),
            Tag::Table(alignments) => {
                self.alignments.clone_from(alignments);
                self.open_list("table", "");
            }
            Tag::TableHead => {
                self.is_head = true;
                self.column = 0;
                self.open("tr");
            }
            Tag::TableRow => {
                self.column = 0;
                self.open("tr");
            }
            Tag::TableCell => {
                // Outlook centres a heading cell without `align`; a style of the layout outdoes it elsewhere.
                let align = match self.alignments.get(self.column).unwrap_or(&Alignment::None) {
                    Alignment::None if self.right_to_left => " align=\"right\"",
                    Alignment::None | Alignment::Left => " align=\"left\"",
                    Alignment::Center => " align=\"center\"",
                    Alignment::Right => " align=\"right\"",
                };
                self.column += 1;
                self.open_inline_block(if self.is_head { "th" } else { "td" }, align);
            }
            Tag::Emphasis => self.open("em"),
            Tag::Strong => self.open("strong"),
            Tag::Link { link_type, dest_url, title, .. } => {
                self.out.push_str("<a href=\"");
                escape_target(&mut self.out, &link_target(*link_type, dest_url));
                self.out.push('"');
                if !title.is_empty() {
                    self.out.push_str(" title=\"");
                    escape(&mut self.out, title, true);
                    self.out.push('"');
                }
                self.out.push_str(self.style.attribute("a"));
                self.out.push('>');
            }
            // Faults, and what no option was set for.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.turn_isolated_paragraph();
                self.out.push_str("</p>\n");
            }
            TagEnd::Heading(level) => {
                self.out.push_str("</");
                self.out.push_str(heading(level));
                self.out.push_str(">\n");
            }
            TagEnd::BlockQuote(_) => self.out.push_str("</blockquote>\n"),
            TagEnd::CodeBlock => self.out.push_str("</pre>\n"),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::Table => self.out.push_str("</table>\n"),
            TagEnd::TableHead => {
                self.is_head = false;
                self.out.push_str("</tr>\n");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.out.push_str(if self.is_head { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Link => self.out.push_str("</a>"),
            _ => {}
        }
    }

    /// In a letter from right to left, a paragraph that is one isolate from left to right (U+2066 ... U+2069, UAX 9) is a
    /// paragraph of the other direction: it begins on the left, or its lines would be ragged where they begin.
    fn turn_isolated_paragraph(&mut self) {
        const RIGHT_TO_LEFT: &str = " dir=\"rtl\"";
        if !self.right_to_left {
            return;
        }
        let Some(at) = self.out.rfind("<p").map(|at| at + "<p".len()) else { return };
        let text = self.out[at..].split_once('>').map_or("", |(_, text)| text);
        let inside = text.strip_prefix('\u{2066}').and_then(|text| text.strip_suffix('\u{2069}'));
        let is_one = inside.is_some_and(|text| !text.contains(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}']));
        if is_one && self.out[at..].starts_with(RIGHT_TO_LEFT) {
            self.out.replace_range(at..at + RIGHT_TO_LEFT.len(), " align=\"left\" dir=\"ltr\"");
        }
    }

    /// A tag that has no direction of its own.
    fn open(&mut self, tag: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push_str(self.style.attribute(tag));
        self.out.push('>');
    }

    /// A block begins on a line of its own.
    fn open_block(&mut self, tag: &str, attributes: &str) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.open_inline_block(tag, attributes);
    }

    /// Gmail drops `dir` of what stands around, so each block says it again.
    fn open_inline_block(&mut self, tag: &str, attributes: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push_str(attributes);
        if self.right_to_left {
            self.out.push_str(" dir=\"rtl\"");
        }
        self.out.push_str(self.style.attribute(tag));
        self.out.push('>');
    }

    /// A block whose children stand on lines of their own.
    fn open_list(&mut self, tag: &str, attributes: &str) {
        self.open_block(tag, attributes);
        self.out.push('\n');
    }
}

fn heading(level: pulldown_cmark::HeadingLevel) -> &'static str {
    use pulldown_cmark::HeadingLevel::{H1, H2, H3, H4, H5, H6};
    match level {
        H1 => "h1",
        H2 => "h2",
        H3 => "h3",
        H4 => "h4",
        H5 => "h5",
        H6 => "h6",
    }
}

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

struct TextWriter {
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
    fn new(markdown: &str) -> Self {
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

    fn finish(mut self) -> String {
        self.close(Gap::Line);
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    fn write(&mut self, event: &Event<'_>) {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof, proptest};
    use pulldown_cmark::{Event, Options, Parser};

    use super::{Style, escape_cell, plain_cell, render, to_html, to_text};

    fn html(markdown: &str) -> String {
        to_html(markdown, &Style::default(), false).expect(markdown)
    }

    fn text(markdown: &str) -> String {
        to_text(markdown).expect(markdown)
    }

    fn styled() -> Style {
        Style::new(BTreeMap::from(
            [("p", "margin:0;\n font-family:\"A&B\""), ("td", "color:red")].map(|(t, s)| (t.to_owned(), s.to_owned())),
        ))
    }

    /// What Markdown makes of it: the tags and breaks in their order, and all text between them joined.
    fn skeleton(markdown: &str) -> (Vec<String>, String) {
        let (mut tags, mut words) = (Vec::new(), String::new());
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Text(text) => words.push_str(&text),
                other => tags.push(format!("{other:?}")),
            }
        }
        (tags, words)
    }

    /// Every place of a letter in which a template may put a value; the text before and after it.
    const PLACES: [(&str, &str, &str); 21] = [
        ("Dear {},", "Dear ", ","),
        ("{}", "", ""),
        ("{}, who writes", "", ", who writes"),
        ("Dear\n{}\nand all", "Dear", "and all"),
        ("Dear {}\nand all", "Dear ", "and all"),
        ("To {}\\\nFloor 3", "To ", "Floor 3"),
        ("- {}", "", ""),
        ("- a\n- {}\n- b", "a", "b"),
        ("1. {}", "", ""),
        ("> {}", "", ""),
        ("# {}", "", ""),
        ("Text\n\n## {}\n\nText", "Text", "Text"),
        ("**{}** is here", "", " is here"),
        ("*{}* is here", "", " is here"),
        ("[{}](https://a.example/)", "", ""),
        ("[a](https://a.example/ \"{}\")", "a", ""),
        ("| {} | b |\n|---|---|\n| c | d |", "", "bcd"),
        ("| a | b |\n|---|---|\n| {} | d |\n| e | f |", "ab", "def"),
        ("|a|b|\n|-|-|\n|{}|d|\n", "ab", "d"),
        ("a | b\n-|-\nc | {}", "abc", ""),
        ("{}\n\n---\n\n- x", "", "x"),
    ];

    fn holds_still(value: &str) {
        let plain = plain_cell(value);
        if plain.is_empty() {
            return;
        }
        let escaped = escape_cell(value);
        for (place, before, after) in PLACES {
            let (tags, words) = skeleton(&place.replace("{}", &escaped));
            let is_title = place.contains('"');
            let (calm, _) = skeleton(&place.replace("{}", "x"));
            if is_title {
                assert_eq!(tags.len(), calm.len(), "{place} {value:?}");
            } else {
                assert_eq!(tags, calm, "{place} {value:?}");
                assert_eq!(words, format!("{before}{plain}{after}"), "{place} {value:?}");
            }
        }
    }

    #[test]
    fn a_hostile_cell_is_text_in_every_place() {
        for value in [
            "*a* _b_ **c** ~~d~~ `e`",
            "[x](javascript:alert(1))",
            "![x](https://a.example/x.png)",
            "<b>bold</b> <script>alert(1)</script> <!-- x -->",
            "<https://a.example/> a@b.example https://a.example www.a.example",
            "# h",
            "- a",
            "+ a",
            "1. a",
            "1) a",
            "> a",
            "===",
            "---",
            "| a | b |",
            "a|b\\|c\\\\|d\\",
            "\\",
            "\\\\",
            "~~~",
            "```\ncode",
            "    code",
            "\tcode",
            "&amp; &lt; &#42; &copy;",
            "a  \nb",
            "a\\\nb",
            "x\r\n\r\n# y",
            "x\u{2028}y\u{2029}z\u{85}w\u{b}v\u{c}u",
            "[x]: https://a.example/",
            "[^1]",
            "- [ ] task",
            "{{entity}} {{{raw}}}",
            "\u{202e}evil\u{202c} \u{2066}x\u{2069}",
            "\u{feff}# x",
            "\u{a0}# x\u{3000}",
            "O'Neill & Søn (\"A\") \u{1f600}",
            "\0x\u{7f}",
            ":--|--:",
            "$a$ ^b^ H~2~O",
        ] {
            holds_still(value);
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let marks = "[-*_`~<>\\[\\]()!#+.|\\\\&;:/@\"'= \t\n\r0-9a-zé\u{a0}\u{202e}{}$^%?,]{0,24}";
        let words = proptest::collection::vec(
            proptest::sample::select(vec![
                "**", "_", "`", "<b>", "</b>", "<!--", "-->", "](", "[", "![", ")", "\n", "\n\n", "- ", "1. ", "# ",
                "> ", "|", "\\", "&lt;", "&#", "---", "===", "http://a", "a@b.c", "<", ">", "  ", "\t", "x", "é", "中",
                "。", "“", "\u{feff}",
            ]),
            0..12,
        );
        prop_oneof![any::<String>(), marks, words.prop_map(|words| words.concat())]
    }

    proptest! {
        // No files of its own: the top level of the repository is fixed.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_cell_is_text_in_every_place(value in hostile()) {
            holds_still(&value);
        }

        #[test]
        fn a_cell_is_one_line_and_escaping_is_all_that_differs(value in hostile()) {
            let plain = plain_cell(&value);
            assert!(!plain.contains(char::is_control) && plain.trim() == plain, "{plain:?}");
            assert_eq!(plain_cell(&plain), plain);
            assert_eq!(skeleton(&format!("x{}", escape_cell(&value))).1, format!("x{plain}"));
        }

        #[test]
        fn whatever_is_written_html_is_well_formed_and_text_has_no_blanks_at_line_ends(markdown in hostile()) {
            let Ok(rendered) = render(&markdown, &styled(), true) else { return Ok(()) };
            check_form(&rendered.html);
            assert!(!rendered.text.lines().any(|line| line.ends_with([' ', '\t'])), "{:?}", rendered.text);
            let has_code = rendered.html.contains("<pre");
            assert!(has_code || !rendered.text.contains("\n\n\n"), "{:?}", rendered.text);
            assert!(!rendered.text.starts_with('\n') && !rendered.text.contains('\r'), "{:?}", rendered.text);
            assert_eq!(to_html(&markdown, &styled(), true), Ok(rendered.html));
            assert_eq!(to_text(&markdown), Ok(rendered.text));
        }
    }

    /// Every tag that opens is closed in order; `<`, `>` and `&` stand nowhere else.
    fn check_form(html: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = html;
        while let Some(at) = rest.find(['<', '>', '&']) {
            assert!(!rest[at..].starts_with('>'), "a bare > in {html}");
            if rest[at..].starts_with('&') {
                let end = rest[at..].find(';').expect("an entity ends");
                assert!(["&amp", "&lt", "&gt", "&quot", "&#39"].contains(&&rest[at..at + end]), "a bare & in {html}");
                rest = &rest[at + end..];
                continue;
            }
            let end = at + rest[at..].find('>').expect("a tag ends");
            let tag = &rest[at + 1..end];
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.split(' ').next().expect("a name");
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{html}"),
                None if name == "br" || name == "hr" => {}
                None => open.push(name),
            }
            assert!(Style::TAGS.contains(&name.trim_start_matches('/')) || name == "br", "{name}");
            rest = &rest[end + 1..];
        }
        assert!(open.is_empty(), "{open:?} in {html}");
    }

    const LETTER: &str = "\
Dear Ms. Okafor,

We *invite* you to the **panel**:

## Tools \\& action: \"more\" <= 5

**Date:** Friday\\
**Place:** Room 2

- One
- Two, see <https://a.example/?a=1&b=2>
  - deeper
    still
- Three

3. first
4. second

   with a paragraph

> Quoted,
> on two lines.
>
> - in it

| | |
|---|---|
| Telephone: | [+1 212 599](tel:+1-212-599) |
| E-mail | [sa@x.example](mailto:sa@x.example) |

| Day | Hour | Place |
|:--|:-:|--:|
| Mon | 3 | *A* |

Write to [us](mailto:us@x.example?subject=a%20b) or [our page](https://a.example/é \"Title\").

    code <b>

***
The end `x < y`.
";

    #[test]
    fn a_letter_as_text() {
        let wanted = "\
Dear Ms. Okafor,

We invite you to the panel:

Tools & action: \"more\" <= 5

Date: Friday
Place: Room 2

- One
- Two, see https://a.example/?a=1&b=2
  - deeper still
- Three

3. first

4. second

   with a paragraph

> Quoted, on two lines.
>
> - in it

Telephone: +1 212 599
E-mail: sa@x.example

Day | Hour | Place
Mon | 3 | A

Write to us (us@x.example) or our page (https://a.example/é).

code <b>

---

The end x < y.
";
        assert_eq!(text(LETTER), wanted);
        assert_eq!(text(&LETTER.replace('\n', "\r\n")), wanted);
        assert_eq!(text(""), "");
    }

    #[test]
    fn a_letter_as_html() {
        let wanted = "\
<p>Dear Ms. Okafor,</p>
<p>We <em>invite</em> you to the <strong>panel</strong>:</p>
<h2>Tools &amp; action: \"more\" &lt;= 5</h2>
<p><strong>Date:</strong> Friday<br>
<strong>Place:</strong> Room 2</p>
<ul>
<li>One</li>
<li>Two, see <a href=\"https://a.example/?a=1&amp;b=2\">https://a.example/?a=1&amp;b=2</a>
<ul>
<li>deeper
still</li>
</ul>
</li>
<li>Three</li>
</ul>
<ol start=\"3\">
<li>
<p>first</p>
</li>
<li>
<p>second</p>
<p>with a paragraph</p>
</li>
</ol>
<blockquote>
<p>Quoted,
on two lines.</p>
<ul>
<li>in it</li>
</ul>
</blockquote>
<table>
<tr><th align=\"left\"></th><th align=\"left\"></th></tr>
<tr><td align=\"left\">Telephone:</td><td align=\"left\"><a href=\"tel:+1-212-599\">+1 212 599</a></td></tr>
<tr><td align=\"left\">E-mail</td><td align=\"left\"><a href=\"mailto:sa@x.example\">sa@x.example</a></td></tr>
</table>
<table>
<tr><th align=\"left\">Day</th><th align=\"center\">Hour</th><th align=\"right\">Place</th></tr>
<tr><td align=\"left\">Mon</td><td align=\"center\">3</td><td align=\"right\"><em>A</em></td></tr>
</table>
<p>Write to <a href=\"mailto:us@x.example?subject=a%20b\">us</a> or \
<a href=\"https://a.example/%C3%A9\" title=\"Title\">our page</a>.</p>
<pre>code &lt;b&gt;
</pre>
<hr>
<p>The end <code>x &lt; y</code>.</p>
";
        assert_eq!(html(LETTER), wanted);
        assert_eq!(html(&LETTER.replace('\n', "\r\n")), wanted);
        check_form(wanted);
    }

    #[test]
    fn a_paragraph_of_the_other_direction_begins_on_its_own_side() {
        let html = |markdown: &str| to_html(markdown, &Style::default(), true).expect(markdown);
        let plain = |text: &str| format!("<p dir=\"rtl\">{text}</p>\n");
        assert_eq!(
            html("\u{2066}In *English*\u{2069}"),
            "<p align=\"left\" dir=\"ltr\">\u{2066}In <em>English</em>\u{2069}</p>\n"
        );
        for text in
            ["x \u{2066}tel\u{2069}", "\u{2066}a\u{2069} b \u{2066}c\u{2069}", "\u{2066}a\u{2069} b", "\u{2066}a"]
        {
            assert_eq!(html(text), plain(text), "{text:?}");
        }
        assert_eq!(
            to_html("\u{2066}a\u{2069}", &Style::default(), false).expect("Markdown"),
            "<p>\u{2066}a\u{2069}</p>\n"
        );
    }

    #[test]
    fn styles_and_direction_stand_on_the_tags() {
        let html = to_html("Salām, *x*\n\n| a | b |\n|--|--|\n| c | d |\n\n- e\n", &styled(), true).expect("valid");
        assert_eq!(
            html,
            "<p dir=\"rtl\" style=\"margin:0; font-family:&quot;A&amp;B&quot;\">Salām, <em>x</em></p>\n\
             <table dir=\"rtl\">\n\
             <tr><th align=\"right\" dir=\"rtl\">a</th><th align=\"right\" dir=\"rtl\">b</th></tr>\n\
             <tr><td align=\"right\" dir=\"rtl\" style=\"color:red\">c</td>\
             <td align=\"right\" dir=\"rtl\" style=\"color:red\">d</td></tr>\n\
             </table>\n<ul dir=\"rtl\">\n<li dir=\"rtl\">e</li>\n</ul>\n"
        );
        check_form(&html);
    }

    #[test]
    fn a_link_in_text_is_said_once() {
        for (markdown, words) in [
            ("[a@b.example](mailto:A@b.example)", "a@b.example"),
            ("<a@b.example>", "a@b.example"),
            ("[us](MAILTO:a@b.example)", "us (a@b.example)"),
            ("[www.a.example](https://www.a.example/)", "https://www.a.example/"),
            ("[https://a.example](https://a.example)", "https://a.example"),
            ("[page](https://a.example/x)", "page (https://a.example/x)"),
            ("[](https://a.example/x)", "https://a.example/x"),
            ("[**bold** page](https://a.example/x)!", "bold page (https://a.example/x)!"),
            ("> - [page](https://a.example/x)", "> - page (https://a.example/x)"),
            ("[+1 212 599 0220](tel:+12125990220)", "+1 212 599 0220"),
            ("[call](tel:+12125990220)", "call (+12125990220)"),
        ] {
            assert_eq!(text(markdown).trim_end(), words, "{markdown}");
        }
    }

    #[test]
    fn nested_blocks_keep_their_marks() {
        assert_eq!(text("- a\n\n  b\n\n  > c\n  >\n  > d\n- e"), "- a\n\n  b\n\n  > c\n  >\n  > d\n\n- e\n");
        assert_eq!(text("9. a\n10. b\n    - c"), "9. a\n10. b\n    - c\n");
        assert_eq!(text("> a\n\n> b"), "> a\n\n> b\n");
        assert_eq!(text("- - a\n  - b\n-\n- c\\\n  d"), "- - a\n  - b\n-\n- c\n  d\n");
        assert_eq!(text("> > a\n>\n> b\\\n> c"), "> > a\n>\n> b\n> c\n");
        assert_eq!(text("# H\ntext\n***\n```\nx  \n\ny\n```"), "H\n\ntext\n\n---\n\nx\n\ny\n");
    }

    #[test]
    fn line_ends_and_controls_that_hide_in_entities_are_blanks() {
        assert_eq!(text("a&#10;b&#13;c&#7;d"), "a b c d\n");
        assert_eq!(html("a&#13;&#7;b"), "<p>a\n b</p>\n");
        assert_eq!(text("```\r\na\r\n  b\r\n```\r\n"), "a\n  b\n");
        assert_eq!(html("```\r\na\r\n```\r\n"), "<pre>a\n</pre>\n");
    }

    #[test]
    fn what_a_letter_cannot_hold_is_named_with_its_place() {
        for (markdown, line, column, words) in [
            ("a\n\nDear <b>x</b>", 3, 6, "raw HTML `<b>`"),
            ("é <br>", 1, 3, "raw HTML `<br>`"),
            ("a\n\n<div>\nx\n</div>\n", 3, 1, "raw HTML `<div> x </div>`"),
            ("a\r\n\r\n- <!-- x -->", 3, 3, "raw HTML `<!-- x -->`"),
            ("see ![logo](https://a.example/x.png)", 1, 5, "image `![logo](https://a.example/x.png)`"),
            ("[x](javascript:alert)", 1, 1, "link to `javascript:alert`"),
            ("[x](JAVASCRIPT&colon;alert)", 1, 1, "link to `JAVASCRIPT:alert`"),
            ("[x](/page)", 1, 1, "link to `/page`"),
            ("[x](data:text/html,x)", 1, 1, "link to `data:text/html,x`"),
            ("[x](https:///x)", 1, 1, "link to `https:///x`"),
            ("[x](mailto:)", 1, 1, "link to `mailto:`"),
            ("[x]()", 1, 1, "link to ``"),
            ("[x](https://a.example/&#10;x)", 1, 1, "link to `https://a.example/ x`"),
            ("<ftp://a.example>", 1, 1, "link to `ftp://a.example`"),
        ] {
            for fault in [to_html(markdown, &Style::default(), false), to_text(markdown)] {
                let fault = fault.expect_err(markdown);
                assert_eq!((fault.line, fault.column), (line, column), "{markdown}");
                assert_eq!(fault.to_string(), words);
                assert!(!fault.cure().is_empty());
            }
        }
    }

    #[test]
    fn a_link_target_cannot_leave_its_attribute() {
        assert_eq!(
            html("[x](<https://a.example/\"\\>\\<b\\>'&amp; ü>)"),
            "<p><a href=\"https://a.example/%22%3E%3Cb%3E&#39;&amp;%20%C3%BC\">x</a></p>\n"
        );
    }
}
