//! A text with holes for what differs from row to row.
//!
//! What: [`hole`], the mark that stands in a cell's place while a letter is rendered, and [`Pieces`], the rendered text cut
//! at the marks. Marks are private-use characters (U+F8F0, U+F8F1, a number, U+F8FF): Markdown, HTML and the escapes leave
//! them as they are.
//! Not here: which cells become holes (`cells`), what surrounds the text (`cast`).
//! Called by: `cast`. Can fail: a mark that was broken gives `None`, and the letter is made anew for each row.

use std::borrow::Cow;

use super::markdown::{escape_text, plain_cell};
use super::render::one_line;

/// Where a hole stands, and so how its value must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Subject and preheader.
    Head,
    /// The letter.
    Body,
}

/// How a value is written into its hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// On one line.
    Line,
    /// On one line, escaped by handlebars.
    LineInHtml,
    /// As Markdown shows it in plain text.
    Plain,
    /// As Markdown shows it in HTML.
    Markup,
    /// As it is.
    Raw,
    /// Escaped by handlebars.
    Html,
}

impl Form {
    fn write(self, value: &str, out: &mut String) {
        match self {
            Self::Line => out.push_str(&one_line(value)),
            Self::LineInHtml => out.push_str(&handlebars::html_escape(&one_line(value))),
            Self::Plain => out.push_str(&plain_cell(value)),
            Self::Markup => escape_text(out, &plain_cell(value)),
            Self::Raw => out.push_str(value),
            Self::Html => out.push_str(&handlebars::html_escape(value)),
        }
    }
}

const HEAD: char = '\u{f8f0}';
const BODY: char = '\u{f8f1}';
const END: char = '\u{f8ff}';
/// The first of the characters that number holes.
const FIRST: u32 = 0xe000;
/// More columns than this are not numbered.
const MOST: u32 = 0x1000;

/// The mark of hole `number`.
pub(super) fn hole(family: Family, number: u32) -> String {
    let begin = if family == Family::Head { HEAD } else { BODY };
    let number = char::from_u32(FIRST + number.min(MOST)).unwrap_or(END);
    [begin, number, END].iter().collect()
}

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Fixed(String),
    Hole(usize, Form),
}

/// A text, cut at its holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pieces(Vec<Piece>);

impl Pieces {
    /// Cuts a rendered text; `head` and `body` say how the values of either family are written there.
    pub(super) fn cut(text: &str, head: Form, body: Form) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find([HEAD, BODY, END]) {
            if at > 0 {
                pieces.push(Piece::Fixed(rest[..at].to_owned()));
            }
            let mut mark = rest[at..].chars();
            let form = match mark.next()? {
                HEAD => head,
                BODY => body,
                _ => return None,
            };
            let number = u32::from(mark.next()?).checked_sub(FIRST).filter(|n| *n < MOST)?;
            if mark.next()? != END {
                return None;
            }
            pieces.push(Piece::Hole(usize::try_from(number).ok()?, form));
            rest = mark.as_str();
        }
        if !rest.is_empty() {
            pieces.push(Piece::Fixed(rest.to_owned()));
        }
        Some(Self(pieces))
    }

    pub(super) fn has_holes(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Hole(..)))
    }

    /// The text without its holes.
    pub(super) fn fixed(&self) -> Cow<'_, str> {
        match &self.0[..] {
            [] => Cow::Borrowed(""),
            [Piece::Fixed(text)] => Cow::Borrowed(text),
            pieces => pieces.iter().map(|p| if let Piece::Fixed(text) = p { text.as_str() } else { "" }).collect(),
        }
    }

    /// Writes the text with its holes filled.
    pub(super) fn fill(&self, values: &[Cow<'_, str>], out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Fixed(text) => out.push_str(text),
                Piece::Hole(number, form) => form.write(values.get(*number).map_or("", |v| v), out),
            }
        }
    }

    /// Cuts off as much of the fixed beginning as is a multiple of `unit` octets.
    pub(super) fn take_head(&mut self, unit: usize) -> Vec<u8> {
        let Some(Piece::Fixed(first)) = self.0.first_mut() else { return Vec::new() };
        let octets = first.len() / unit * unit;
        // The cut may fall into a character; what follows is joined as octets, so it has to be at one.
        let cut = (0..=octets / unit).rev().map(|n| n * unit).find(|at| first.is_char_boundary(*at)).unwrap_or(0);
        let rest = first.split_off(cut);
        std::mem::replace(first, rest).into_bytes()
    }

    /// Changes every fixed piece.
    pub(super) fn map_fixed(mut self, change: impl Fn(&str) -> String) -> Self {
        for piece in &mut self.0 {
            if let Piece::Fixed(text) = piece {
                *text = change(text);
            }
        }
        self
    }

    /// Changes the fixed piece at the end, which is empty where the text ends with a hole.
    pub(super) fn map_end(mut self, change: impl Fn(&mut String)) -> Self {
        if !matches!(self.0.last(), Some(Piece::Fixed(_))) {
            self.0.push(Piece::Fixed(String::new()));
        }
        if let Some(Piece::Fixed(text)) = self.0.last_mut() {
            change(text);
        }
        self
    }

    /// The lines, each with its line feed; holes have none.
    pub(super) fn lines(self) -> Vec<Self> {
        let mut lines = vec![Self::default()];
        for piece in self.0 {
            let Piece::Fixed(text) = piece else {
                if let Some(line) = lines.last_mut() {
                    line.0.push(piece);
                }
                continue;
            };
            for part in text.split_inclusive('\n') {
                if let Some(line) = lines.last_mut() {
                    line.0.push(Piece::Fixed(part.to_owned()));
                }
                if part.ends_with('\n') {
                    lines.push(Self::default());
                }
            }
        }
        lines.retain(|line| !line.0.is_empty());
        lines
    }
}

/// Whether values can stand in the holes of this Markdown without changing what stands around them.
///
/// A value is inert by itself (`escape_cell`). Two things around it matter: marks of emphasis that touch it open or close by
/// the character beyond the hole and by the first of the value (CommonMark 0.31 section 6.2), unless something other than a
/// letter or digit stands on their far side; and code and links treat what is in them by its value.
pub(super) fn holds_in_markdown(markdown: &str, html: &str) -> bool {
    let is_mark = |c: &char| matches!(c, '*' | '_' | '~');
    let is_safe = |mut away: Box<dyn Iterator<Item = char> + '_>| {
        let Some(next) = away.next() else { return true };
        if !is_mark(&next) {
            return true;
        }
        away.find(|c| !is_mark(c)).is_none_or(|beyond| !beyond.is_alphanumeric() && !matches!(beyond, BODY | END))
    };
    let marks_are_safe = markdown.match_indices(BODY).all(|(at, _)| {
        let behind = markdown[at..].find(END).map_or(markdown.len(), |end| at + end + END.len_utf8());
        is_safe(Box::new(markdown[..at].chars().rev())) && is_safe(Box::new(markdown[behind..].chars()))
    });
    // `{{number}}.` at the beginning of a line would be a list where the value is a number, `<{{word}}>` a tag.
    let begins_list_or_tag = markdown.match_indices(BODY).any(|(at, _)| {
        let behind = markdown[at..].find(END).map_or("", |end| &markdown[at + end + END.len_utf8()..]);
        let line = markdown[..at].rsplit('\n').next().unwrap_or_default();
        let is_at_start = line.chars().all(|c| c.is_whitespace() || matches!(c, '>' | '-' | '*' | '+'));
        (is_at_start && behind.starts_with(['.', ')'])) || markdown[..at].ends_with('<')
    });
    marks_are_safe && !begins_list_or_tag && holds_in_html(html)
}

/// Whether all holes stand in plain text of the document: not in a tag, a link or code.
fn holds_in_html(html: &str) -> bool {
    let (mut links, mut code) = (0_i32, 0_i32);
    let mut rest = html;
    while let Some(at) = rest.find(['<', BODY]) {
        rest = &rest[at..];
        if rest.starts_with(BODY) {
            if links > 0 || code > 0 {
                return false;
            }
            rest = &rest[BODY.len_utf8()..];
            continue;
        }
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        let (tag, behind) = rest.split_at(end);
        if tag.contains(BODY) {
            return false;
        }
        let is = |name: &str| tag.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '>']));
        links += i32::from(is("<a")) - i32::from(is("</a"));
        code += i32::from(is("<code") || is("<pre")) - i32::from(is("</code") || is("</pre"));
        rest = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Family, Form, Pieces, holds_in_markdown, hole};

    #[test]
    fn holes_are_cut_out_and_filled() {
        let text = format!("a {} b {}\nc\n", hole(Family::Head, 0), hole(Family::Body, 1));
        let pieces = Pieces::cut(&text, Form::LineInHtml, Form::Raw).expect("whole marks");
        let mut out = String::new();
        pieces.fill(&[Cow::Borrowed("<x>"), Cow::Borrowed("<y>")], &mut out);
        assert_eq!(out, "a &lt;x&gt; b <y>\nc\n");
        let lines = pieces.clone().lines();
        assert_eq!(lines.iter().map(Pieces::has_holes).collect::<Vec<_>>(), [true, false]);
        assert_eq!(pieces.fixed(), "a  b \nc\n");
    }

    #[test]
    fn broken_marks_are_refused() {
        for text in ["\u{f8f0}", "\u{f8ff}", "\u{f8f1}\u{e000}x", "\u{f8f1}a\u{f8ff}"] {
            assert_eq!(Pieces::cut(text, Form::Line, Form::Plain), None, "{text:?}");
        }
    }

    #[test]
    fn the_head_is_cut_at_characters() {
        let mut pieces = Pieces::cut("aéé", Form::Line, Form::Plain).expect("no marks");
        assert_eq!(pieces.take_head(4), Vec::<u8>::new(), "the fourth octet stands in the middle of a character");
        let mut pieces = Pieces::cut("abcdefg", Form::Line, Form::Plain).expect("no marks");
        assert_eq!(pieces.take_head(3), b"abcdef");
        assert_eq!(pieces.fixed(), "g");
    }

    #[test]
    fn emphasis_links_and_code_are_looked_at() {
        let hole = hole(Family::Body, 0);
        for (markdown, holds) in [
            ("to HOLE, as", true),
            ("**HOLE**", true),
            ("(**HOLE**)", true),
            ("x**HOLE** y", false),
            ("**HOLE**x", false),
            ("**HOLE**HOLE", false),
            ("# HOLE", true),
            ("HOLE. x", false),
            ("> HOLE) x", false),
            ("a HOLE. x", true),
            ("a <HOLE>", false),
        ] {
            assert_eq!(holds_in_markdown(&markdown.replace("HOLE", &hole), ""), holds, "{markdown}");
        }
        for (html, holds) in [
            ("<p>HOLE</p>", true),
            ("<a href=\"x\">y</a>HOLE", true),
            ("<a href=\"HOLE\">y</a>", false),
            ("<a href=\"x\">HOLE</a>", false),
            ("<abbr>HOLE</abbr>", true),
            ("<code style=\"x\">HOLE</code>", false),
        ] {
            assert_eq!(holds_in_markdown("", &html.replace("HOLE", &hole)), holds, "{html}");
        }
    }
}
