//! HTML letters without what they quote.
//!
//! What: [`own_text`], the text of an HTML part before the mark with which its program begins the quotation.
//! Not here: marks of plain text, which are looked for afterwards (`quote`). Called by: `letter`. Can fail: nothing.

use mail_parser::decoders::html::html_to_text;

/// Octets of HTML that are looked at; a letter with its styles is seldom longer.
const LONGEST: usize = 512 * 1024;

/// Attributes of the elements in which programs quote, in lower case.
const MARKS: [&str; 19] = [
    "gmail_quote",
    "gmail_attr",
    "divrplyfwdmsg",
    "appendonsend",
    "moz-cite-prefix",
    "yahoo_quoted",
    "yahooquotedtext",
    "protonmail_quote",
    "tutanota_quote",
    "mail-editor-reference-message-container",
    "ms-outlook-mobile-reference-message",
    "olk_src_body_section",
    "zimbra-quoted",
    "zmail_extra",
    "quotedtext",
    "reply-intro",
    "border-top:solid #e1e1e1 1.0pt",
    "border-top:solid #b5c4df 1.0pt",
    "border-top: solid #e1e1e1 1.0pt",
];

/// The text before the quotation; where the quotation stands first, the text after it.
pub(super) fn own_text(html: &str) -> String {
    let end = (0..=LONGEST.min(html.len())).rev().find(|at| html.is_char_boundary(*at)).unwrap_or(0);
    let html = &html[..end];
    // Only ASCII is compared, so places stay.
    let lower = html.to_ascii_lowercase();
    let first = quotation(&lower);
    let Some(at) = first else { return html_to_text(html) };
    let before = html_to_text(&html[..at]);
    if !before.trim().is_empty() {
        return before;
    }
    // Written below the quotation.
    lower.rfind("</blockquote>").map(|end| html_to_text(&html[end..])).unwrap_or_default()
}

/// Where the first element begins that quotes.
fn quotation(lower: &str) -> Option<usize> {
    let blockquote = lower.find("<blockquote");
    let marked = MARKS
        .iter()
        .filter_map(|mark| {
            // Inside a tag, not in a style sheet or in words.
            memchr::memmem::find_iter(lower.as_bytes(), mark.as_bytes()).take(50).find_map(|at| {
                let open = lower[..at].rfind('<')?;
                let is_in_tag = !lower[open..at].contains('>') && !lower[open..].starts_with("<!");
                is_in_tag.then_some(open)
            })
        })
        .min();
    match (blockquote, marked) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::own_text;

    #[test]
    fn what_is_quoted_is_not_read() {
        for mark in [
            "<div class=\"gmail_quote\">On Mon wrote: decline</div>",
            "<div id=\"divRplyFwdMsg\" dir=\"ltr\">decline</div>",
            "<blockquote type=\"cite\">decline</blockquote>",
            "<div style=\"border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt\">decline</div>",
        ] {
            let html = format!(
                "<html><style>.gmail_quote {{x}}</style><body><p>We come, gmail_quote.</p>{mark}</body></html>"
            );
            let text = own_text(&html);
            assert!(text.contains("We come"), "{text}");
            assert!(!text.contains("decline"), "{text}");
        }
        let below = own_text("<body><blockquote>decline</blockquote><p>We come.</p></body>");
        assert_eq!(below.trim(), "We come.");
    }
}
