//! Hostile cells, and letters as text and as HTML.

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
            "**", "_", "`", "<b>", "</b>", "<!--", "-->", "](", "[", "![", ")", "\n", "\n\n", "- ", "1. ", "# ", "> ",
            "|", "\\", "&lt;", "&#", "---", "===", "http://a", "a@b.c", "<", ">", "  ", "\t", "x", "é", "中", "。",
            "“", "\u{feff}",
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
    for text in ["x \u{2066}tel\u{2069}", "\u{2066}a\u{2069} b \u{2066}c\u{2069}", "\u{2066}a\u{2069} b", "\u{2066}a"] {
        assert_eq!(html(text), plain(text), "{text:?}");
    }
    assert_eq!(to_html("\u{2066}a\u{2069}", &Style::default(), false).expect("Markdown"), "<p>\u{2066}a\u{2069}</p>\n");
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
