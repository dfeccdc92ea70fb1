//! The last day of an absence, out of words.
//!
//! What: [`until`], the first date after a word like `until` or `back on`. Not here: whether it is an absence at all (`absence`).
//! Called by: `absence`. Can fail: what could be two dates (`05/06`) is none, with the words kept all the same.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::{BODY, rows};
use crate::replies::lexicon::folded;

const NAMES: &str = include_str!("months.tsv");

static MONTHS: LazyLock<HashMap<String, i8>> = LazyLock::new(|| named(false));
static WEEKDAYS: LazyLock<HashMap<String, i8>> = LazyLock::new(|| named(true));

fn named(are_weekdays: bool) -> HashMap<String, i8> {
    rows(NAMES)
        .into_iter()
        .filter(|row| row[1].starts_with('w') == are_weekdays)
        .filter_map(|row| Some((folded(row[2]), row[1].trim_start_matches('w').parse().ok()?)))
        .collect()
}

/// A date and the words it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// `None`: the words can mean two dates.
    pub(super) until: Option<Date>,
    /// Folded.
    pub(super) words: String,
}

/// The first date after a word that leads to one; for `back on` the day before it.
pub(super) fn until(text: &str, written: Option<Date>) -> Option<Found> {
    let text = folded(text);
    let mut uncertain = None;
    for hit in BODY.find(&text) {
        let is_back = match hit.mark {
            "until" => false,
            "back" => true,
            _ => continue,
        };
        let rest: String = text[hit.range.end..].chars().take(60).collect();
        let Some((date, length)) = date(&rest, written) else { continue };
        let words = text[hit.range.start..hit.range.end + length].trim().to_owned();
        let date = match date {
            Some(day) if is_back => day.checked_sub(1.day()).ok(),
            other => other,
        };
        if date.is_some() {
            return Some(Found { until: date, words });
        }
        uncertain.get_or_insert(Found { until: None, words });
    }
    uncertain
}

/// One word or number with where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Number(i32, usize),
    Month(i8),
    Weekday(i8),
    /// A point, slash or dash between numbers.
    Mark(char),
    Other,
}

/// A date near the beginning of the words, and where it ends: three words may stand before it (`including`, `the`, a weekday).
fn date(text: &str, written: Option<Date>) -> Option<(Option<Date>, usize)> {
    let tokens = tokens(text);
    let mut weekday = None;
    let mut skipped = 0;
    for (n, (token, end)) in tokens.iter().enumerate() {
        let rest = &tokens[n..];
        match token {
            Token::Weekday(day) => weekday = weekday.or(Some((*day, *end))),
            Token::Mark(_) => {}
            Token::Other => {
                skipped += 1;
                if skipped > 3 {
                    break;
                }
            }
            _ => {
                if let Some(found) = at(rest, written) {
                    return Some(found);
                }
                skipped += 1;
            }
        }
    }
    // Only a weekday: the next one after the mail was written.
    let (day, end) = weekday?;
    let day = Weekday::from_monday_one_offset(day).ok()?;
    Some((written.and_then(|written| written.nth_weekday(1, day).ok()), end))
}

fn at(tokens: &[(Token, usize)], written: Option<Date>) -> Option<(Option<Date>, usize)> {
    use Token::{Mark, Month, Number, Other};
    // Marks and small words between day, month and year (`5. mai`, `5 de mayo de`).
    let kinds: Vec<(Token, usize)> = tokens.iter().take(7).copied().collect();
    let numeric = |n: usize| kinds.get(n).map(|(token, _)| *token);
    if let (Some(Number(a, digits)), Some(Mark(first)), Some(Number(b, _))) = (numeric(0), numeric(1), numeric(2)) {
        let third = match (numeric(3), numeric(4)) {
            (Some(Mark(second)), Some(Number(c, digits))) if second == first => Some((c, digits, kinds[4].1)),
            _ => None,
        };
        if digits == 4 {
            let (c, _, end) = third?;
            return Some((day_of(a, b, c), end));
        }
        let (year, end) = match third {
            Some((c, 4, end)) => (Some(c), end),
            Some((c, 2, end)) => (Some(2000 + c), end),
            _ => (None, kinds[2].1),
        };
        // With points the day always comes first; with slashes it depends on the writer's country.
        let (day, month) = match first {
            _ if b > 12 => (b, a),
            '.' => (a, b),
            _ if a > 12 || a == b => (a, b),
            _ => return Some((None, end)),
        };
        return Some((year.map_or_else(|| next(month, day, written), |year| day_of(year, month, day)), end));
    }
    let solid: Vec<(Token, usize)> = kinds.into_iter().filter(|(token, _)| !matches!(token, Other | Mark(_))).collect();
    let year_after = |n: usize| match solid.get(n) {
        Some((Number(year, 4), end)) => Some((*year, *end)),
        _ => None,
    };
    match (solid.first()?.0, solid.get(1).map(|s| s.0)) {
        (Number(day, 1 | 2), Some(Month(month))) => Some(match year_after(2) {
            Some((year, end)) => (day_of(year, i32::from(month), day), end),
            None => (next(i32::from(month), day, written), solid[1].1),
        }),
        (Month(month), Some(Number(day, 1 | 2))) => Some(match year_after(2) {
            Some((year, end)) => (day_of(year, i32::from(month), day), end),
            None => (next(i32::from(month), day, written), solid[1].1),
        }),
        // Year, month, day as Chinese and Japanese have it.
        (Number(year, 4), Some(Month(month))) => match solid.get(2) {
            Some((Number(day, 1 | 2), end)) => Some((day_of(year, i32::from(month), *day), *end)),
            _ => None,
        },
        _ => None,
    }
}

fn day_of(year: i32, month: i32, day: i32) -> Option<Date> {
    if !(1990..=2200).contains(&year) {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The next such day, from a week before the mail was written: absences that have just ended are still told.
fn next(month: i32, day: i32, written: Option<Date>) -> Option<Date> {
    let from = written?.checked_sub(7.days()).ok()?;
    [0, 1].into_iter().filter_map(|more| day_of(i32::from(from.year()) + more, month, day)).find(|date| *date >= from)
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut at = 0;
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_ascii_digit() {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest[..length.min(6)].parse().unwrap_or(0);
            let after = &rest[length..];
            // `5月` names a month; `2026年` and `5日` are numbers with their unit; `5th`, `1er`, `1º` are ordinals.
            if let Some(unit) = ["\u{6708}", "\u{c6d4}"].iter().find(|unit| after.starts_with(**unit)) {
                (i8::try_from(number).map_or(Token::Other, Token::Month), length + unit.len())
            } else {
                let unit = [
                    "\u{5e74}",
                    "\u{65e5}",
                    "\u{53f7}",
                    "\u{865f}",
                    "st",
                    "nd",
                    "rd",
                    "th",
                    "er",
                    "\u{ba}",
                    "-\u{433}\u{43e}",
                ]
                .iter()
                .find(|unit| after.starts_with(**unit))
                .map_or(0, |unit| unit.len());
                (Token::Number(number, length), length + unit)
            }
        } else if first.is_alphabetic() {
            let is_part = |c: char| c.is_alphabetic() || c == '-';
            let length: usize = rest.chars().take_while(|c| is_part(*c)).map(char::len_utf8).sum();
            let word = rest[..length].trim_end_matches('-');
            let token = if let Some(month) = MONTHS.get(word) {
                Token::Month(*month)
            } else if let Some(day) = WEEKDAYS.get(word) {
                Token::Weekday(*day)
            } else {
                Token::Other
            };
            (token, length)
        } else {
            let is_mark = matches!(first, '.' | '/' | '-');
            if !is_mark {
                // A line's or sentence's end is no part of a date, a comma is.
                if matches!(first, ';' | '!' | '?' | '\u{3002}') {
                    break;
                }
                at += first.len_utf8();
                rest = &rest[first.len_utf8()..];
                continue;
            }
            (Token::Mark(first), 1)
        };
        at += length;
        rest = &rest[length..];
        found.push((token, at));
        if found.len() >= 12 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::until;

    #[test]
    fn dates_are_read_in_many_languages() {
        let cases = [
            ("I am away until May 5th.", "2026-05-05"),
            ("away until Tuesday, 5 May 2026", "2026-05-05"),
            ("back in the office on May 6, 2026", "2026-05-05"),
            ("returning on Monday the 4th of May", "2026-05-03"),
            ("until 2026-05-05", "2026-05-05"),
            ("until 31/05/2026", "2026-05-31"),
            ("until Friday", "2026-04-24"),
            ("Je suis absent jusqu'au 1er mai 2026 inclus", "2026-05-01"),
            ("de retour le lundi 4 mai", "2026-05-03"),
            ("hasta el 5 de mayo de 2026", "2026-05-05"),
            ("Я в отпуске до 5 мая 2026 г.", "2026-05-05"),
            ("с 1 по 12 мая", "2026-05-12"),
            ("أنا خارج المكتب حتى ٥ مايو ٢٠٢٦", "2026-05-05"),
            ("我将休假至2026年5月5日", "2026-05-05"),
            ("bis einschließlich 5. Mai", "2026-05-05"),
            ("bis zum 05.06.2026", "2026-06-05"),
            ("Ich bin bis 5. Mai abwesend", "2026-05-05"),
            ("fino al 5 maggio", "2026-05-05"),
            ("até 5 de maio de 2026", "2026-05-05"),
            ("until January 3", "2027-01-03"),
        ];
        let written = Some(date(2026, 4, 20));
        for (text, expected) in cases {
            let found = until(text, written).and_then(|found| found.until).map(|d| d.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_may_be_two_dates_is_none() {
        let found = until("I am away until 05/06/2026.", Some(date(2026, 4, 20))).expect("words");
        assert_eq!((found.until, found.words.as_str()), (None, "until 05/06/2026"));
        assert_eq!(until("until further notice", Some(date(2026, 4, 20))), None);
        assert_eq!(until("until 5 May", None).and_then(|found| found.until), None);
        assert_eq!(until("until 99999999 99/99/99 \u{6708}", None).and_then(|f| f.until), None);
    }
}
