//! Texts as `lint` compares and shows them, apart from how the writer makes them.
//!
//! Source: `invitations.md` section 3.4. Not here: escaping (`reader`). Called by: `facts`. Cannot fail.

use std::iter::once;

/// Whether a template was not filled in.
pub(super) fn has_marks(text: &str) -> bool {
    // One octet is searched for much faster than two, and is hardly ever there.
    (text.contains('{') && text.contains("{{")) || (text.contains('}') && text.contains("}}"))
}

/// The letters of a text, blanks and line ends between words as one, without what cannot be seen: so compared, the writer is free
/// in how it breaks lines and in nothing else.
pub(super) fn letters(text: &str) -> impl Iterator<Item = char> {
    let is_seen = |c: &char| !c.is_control() && *c != '\u{feff}';
    text.split_whitespace()
        .filter(move |word| word.chars().any(|c| is_seen(&c)))
        .flat_map(move |word| once(' ').chain(word.chars().filter(is_seen)))
}

/// The letters of a name; CN has no way to write `"` that all read, and carets and backslashes are escapes to some.
pub(super) fn letters_of_name(name: &str) -> impl Iterator<Item = char> {
    letters(name).map(|c| match c {
        '"' => '\'',
        '^' => 'ˆ',
        '\\' => '/',
        other => other,
    })
}

/// A text as a finding shows it.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(60).map(|c| if c.is_control() || c == '`' { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() { format!("`{cut}…`") } else { format!("`{cut}`") }
}
