//! Words compared as readers take them for the same.
//!
//! What: [`fold`], which leaves letters and digits alone: no case, accents or punctuation.
//! Standards: Unicode NFKD; the marks that it sets apart are dropped.
//! Not here: words that differ in more than that (`nearest` in `input`). Called by: ranks, honorifics, names of States.
//! Can fail: nothing; a text without letters and digits is empty.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// `Chargé d'Affaires, a.i.` becomes `charge d affaires a i`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        // Most cells: nothing to take apart.
        for octet in text.bytes() {
            if octet.is_ascii_alphanumeric() {
                folded.push(char::from(octet.to_ascii_lowercase()));
            } else if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
        folded.truncate(folded.trim_end().len());
        return folded;
    }
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        // U+0640 only stretches an Arabic word.
        if c.is_alphanumeric() && c != '\u{640}' {
            folded.push(c);
        } else if c != '\u{640}' && !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_accents_and_punctuation_do_not_part_words() {
        assert_eq!(fold("Chargé d’Affaires, a.i."), fold("CHARGE D'AFFAIRES A.I."));
        assert_eq!(fold("  Côte\u{a0}d'Ivoire "), "cote d ivoire");
        assert_eq!(fold("Türkiye"), fold("Tu\u{308}rkiye"));
        assert_eq!(fold("أستراليا"), fold("استراليا"));
        assert_eq!([fold(" - "), fold(" A. B-1 "), fold(" Á. B-1 ")], ["", "a b 1", "a b 1"]);
    }
}
