//! The HTML of a letter.

use std::fmt::Write as _;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Tag, TagEnd};

use super::{Style, link_target};

/// A text between tags.
pub(in crate::message) fn escape_text(out: &mut String, text: &str) {
    escape(out, text, false);
}

pub(super) fn escape(out: &mut String, text: &str, is_attribute: bool) {
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

pub(super) struct HtmlWriter<'a> {
    out: String,
    style: &'a Style,
    right_to_left: bool,
    /// Of the columns of the table that is being written.
    alignments: Vec<Alignment>,
    column: usize,
    is_head: bool,
}

impl<'a> HtmlWriter<'a> {
    pub(super) fn new(markdown: &str, style: &'a Style, right_to_left: bool) -> Self {
        let out = String::with_capacity(markdown.len() * 2);
        Self { out, style, right_to_left, alignments: Vec::new(), column: 0, is_head: false }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn write(&mut self, event: &Event<'_>) {
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
