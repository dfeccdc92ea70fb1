//! Deliveries as rows for spreadsheets and programs.

/// The headings of an export, in order.
pub const HEADINGS: [&str; 34] = [
    "address",
    "entity",
    "kind",
    "language",
    "state",
    "attempts",
    "due",
    "relay",
    "code",
    "reply",
    "message_id",
    "uid",
    "size_octets",
    "changed",
    "file",
    "line",
    "purpose",
    "revision",
    "method",
    "sequence",
    "partstat",
    "answer",
    "persons",
    "answered",
    "answered_by",
    "silent_since",
    "conflict",
    "returned_because",
    "returned_words",
    "what_to_do",
    "absent_until",
    "waiting_in_triage",
    "wants_call",
    "proposes",
];

/// One more at the end where the event has sessions.
pub const SESSION: &str = "session";

/// A cell that no spreadsheet takes for a formula: `=`, `+`, `-`, `@`, their full-width forms, tab, CR and NUL at its
/// start get an apostrophe before them (OWASP ASVS 1.2.10). Controls inside become blanks.
pub fn harmless(cell: &str) -> String {
    let first = cell.chars().next();
    let is_live = matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\0'));
    let line: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if is_live { format!("'{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn formulas_are_text() {
        for live in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\t=1", "\r=1"] {
            assert!(harmless(live).starts_with('\''), "{live:?}");
        }
        assert_eq!(harmless("Permanent Mission"), "Permanent Mission");
        assert_eq!(harmless("a\nb"), "a b");
    }
}
