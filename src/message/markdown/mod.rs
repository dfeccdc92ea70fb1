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

mod html;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::ops::Range;

pub(super) use html::escape_text;
use html::{HtmlWriter, escape};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag};
use text::TextWriter;

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
    Ok(Rendered { html: html.finish(), text: text.finish() })
}

/// HTML to stand in the body of a layout: each tag with its inline style, each block with its direction where that is right
/// to left, text escaped, all tags closed.
///
/// # Errors
/// The first [`MarkdownFault`].
pub fn to_html(markdown: &str, style: &Style, right_to_left: bool) -> Result<String, MarkdownFault> {
    let mut html = HtmlWriter::new(markdown, style, right_to_left);
    read(markdown, |event| html.write(event))?;
    Ok(html.finish())
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
