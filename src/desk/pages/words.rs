//! Words and figures of the pages.

pub(super) fn language_name(tag: &str) -> &str {
    match tag {
        "ar" => "Arabic",
        "en" => "English",
        "es" => "Spanish",
        "fr" => "French",
        "ru" => "Russian",
        "zh" => "Chinese",
        other => other,
    }
}

pub(super) fn kind_name(word: &str) -> &str {
    match word {
        "igo" => "IGO",
        "individual" => "Individual",
        "mission" => "Mission",
        "ngo" => "NGO",
        "observer" => "Observer",
        other => other,
    }
}

pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `100,000`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn size(octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} B"),
        1_000..1_000_000 => format!("{}.{} kB", octets / 1_000, octets % 1_000 / 100),
        _ => format!("{}.{} MB", octets / 1_000_000, octets % 1_000_000 / 100_000),
    }
}

/// A relative path as a reference: a name cannot become a scheme, a query or a fragment.
pub(super) fn href(path: &str) -> String {
    let mut href = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => href.push(char::from(byte)),
            _ => href.push_str(&format!("%{byte:02X}")),
        }
    }
    href
}

/// Whether a text holds marks that turn the direction of what stands around them (UAX 9, U+202A to U+202E and U+2066 to
/// U+2069): a name that holds one can pass for another.
pub(super) fn turns_direction(text: &str) -> bool {
    text.contains([
        '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ])
}
