//! L1 to L3: the octets themselves, line by line, before anything is unfolded.
//!
//! Standard: RFC 5545 section 3.1. Not here: anything that needs the lines to be read. Called by: `lint`. Cannot fail.

use super::{Finding, Rule};

/// Octets of a line without its CRLF.
const LINE_OCTETS: usize = 75;

/// Each fault is told once, with the first line that has it.
#[derive(Default)]
struct Lines {
    number: usize,
    /// Whether lines must be searched for controls and broken characters: most calendars hold none.
    is_suspect: bool,
    bare_end: Option<usize>,
    long: Option<usize>,
    broken: Option<usize>,
    blank: Option<usize>,
    control: Option<usize>,
}

pub(super) fn check(octets: &[u8], findings: &mut Vec<Finding>) {
    if octets.starts_with(b"\xef\xbb\xbf") {
        findings.push(Finding::new(Rule::L3, "a byte order mark stands before the calendar"));
    }
    let mut lines =
        Lines { is_suspect: octets.iter().fold(false, |is, &octet| is | is_suspect(octet)), ..Lines::default() };
    // Where the whole is text, so is each line: a character split by a fold is no character. Strings are searched faster, too.
    match std::str::from_utf8(octets) {
        Ok(text) => text.split_inclusive('\n').for_each(|line| lines.look_at(line.as_bytes())),
        Err(_) => {
            lines.is_suspect = true;
            octets.split_inclusive(|&octet| octet == b'\n').for_each(|line| lines.look_at(line));
        }
    }
    let told = [
        (Rule::L1, lines.bare_end, "does not end in CRLF"),
        (Rule::L2, lines.long, "is longer than 75 octets"),
        (Rule::L2, lines.broken, "is not whole UTF-8"),
        (Rule::L3, lines.blank, "is blank"),
        (Rule::L3, lines.control, "holds a control character"),
    ];
    for (rule, number, fault) in told {
        findings.extend(number.map(|number| Finding::new(rule, format!("line {number} {fault}"))));
    }
}

impl Lines {
    fn look_at(&mut self, line: &[u8]) {
        self.number += 1;
        let number = self.number;
        let mark = |place: &mut Option<usize>, is_faulty: bool| {
            if is_faulty {
                place.get_or_insert(number);
            }
        };
        let (content, has_crlf) = match line.strip_suffix(b"\r\n") {
            Some(content) => (content, true),
            None => (line.strip_suffix(b"\n").unwrap_or(line), false),
        };
        mark(&mut self.bare_end, !has_crlf || content.contains(&b'\r'));
        mark(&mut self.blank, content.is_empty());
        mark(&mut self.long, content.len() > LINE_OCTETS);
        if self.is_suspect {
            // CR is L1's.
            mark(&mut self.control, content.iter().any(|&octet| octet != b'\r' && octet.is_ascii_control()));
            match std::str::from_utf8(content) {
                Ok(text) => mark(&mut self.control, text.chars().any(is_control)),
                Err(_) => mark(&mut self.broken, true),
            }
        }
    }
}

/// Octets that are or begin a control; `|` instead of `||`, so that sixteen are looked at together.
fn is_suspect(octet: u8) -> bool {
    ((octet < 0x20) & (octet != b'\r') & (octet != b'\n'))
        | (octet == 0x7f)
        | (octet == 0xc2)
        | (octet == 0xe2)
        | (octet == 0xef)
}

/// Controls beyond ASCII, line ends of Unicode, a byte order mark within; their first octets are C2, E2 and EF.
fn is_control(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}
