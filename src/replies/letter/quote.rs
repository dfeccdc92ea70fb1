//! Plain text without what it quotes.
//!
//! What: [`own_words`], lines above and between quotations, without signature and small print. Evidence: the ways in which the
//! programs of many languages introduce what they quote; one rule needs no language (a line with a date, an address and a colon).
//! Not here: HTML (`html`). Called by: `letter`. Can fail: nothing; in doubt a line is kept.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::replies::lexicon::{folded, rows};

const TABLE: &str = include_str!("quotes.tsv");
/// Lines that are looked at.
const MOST_LINES: usize = 3000;
/// Lines over which an introduction may be wrapped.
const WRAPPED: usize = 4;

static FROM: LazyLock<HashSet<String>> = LazyLock::new(|| marked("from"));
static LABELS: LazyLock<HashSet<String>> =
    LazyLock::new(|| marked("from").into_iter().chain(marked("label")).collect());
static VERBS: LazyLock<Vec<String>> = LazyLock::new(|| listed("verb"));
static BEGINS: LazyLock<Vec<String>> = LazyLock::new(|| listed("begins"));
static DEVICES: LazyLock<Vec<String>> = LazyLock::new(|| listed("device"));
static SMALL_PRINT: LazyLock<Vec<String>> = LazyLock::new(|| listed("small"));

fn listed(mark: &str) -> Vec<String> {
    rows(TABLE).into_iter().filter(|row| row[1] == mark).map(|row| folded(row[2])).collect()
}

fn marked(mark: &str) -> HashSet<String> {
    listed(mark).into_iter().collect()
}

/// The writer's own lines.
pub(super) fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take(MOST_LINES).map(|line| line.trim_end_matches('\r')).collect();
    let mut own: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim();
        if line.starts_with('>') {
            at += 1;
            continue;
        }
        if line.is_empty() {
            own.push("");
            at += 1;
            continue;
        }
        if is_separator(line) || begins_block(&lines[at..]) {
            break;
        }
        if let Some(length) = introduction(&lines[at..]) {
            let next = lines[at + length..].iter().map(|l| l.trim()).find(|l| !l.is_empty());
            // Marked quotations may have answers between and below them; others go on to the end.
            if next.is_some_and(|next| next.starts_with('>')) {
                at += length;
                continue;
            }
            break;
        }
        // RFC 3676 section 4.3; some programs lose the blank.
        if matches!(lines[at].trim_end(), "--" | "\u{2014}") {
            if own.iter().any(|line| !line.is_empty()) {
                break;
            }
            at += 1;
            continue;
        }
        if !is_device(line) {
            own.push(lines[at].trim_end());
        }
        at += 1;
    }
    without_small_print(&mut own);
    tidy(&own)
}

/// `-----Original Message-----` in any language, a rule of underscores, `Begin forwarded message:`.
fn is_separator(line: &str) -> bool {
    if line.len() > 120 {
        return false;
    }
    let is_rule = |c: char| line.len() >= 20 && line.chars().all(|own| own == c);
    if is_rule('_') {
        return true;
    }
    let inner = line.trim_matches('-');
    let dashes = line.len() - inner.len();
    if dashes >= 4 && line.starts_with("--") && line.ends_with("--") {
        let words = inner.trim();
        return words.chars().any(char::is_alphabetic);
    }
    if !line.ends_with(':') {
        return false;
    }
    let folded = folded(line);
    [
        "begin forwarded message:",
        "d\u{e9}but du message transf\u{e9}r\u{e9} :",
        "d\u{e9}but du message r\u{e9}exp\u{e9}di\u{e9} :",
        "anfang der weitergeleiteten nachricht:",
    ]
    .contains(&folded.as_str())
}

/// `From: …`, `Sent: …`, `To: …`, `Subject: …`, as Outlook begins what it quotes.
fn begins_block(lines: &[&str]) -> bool {
    if !label(lines[0]).is_some_and(|label| FROM.contains(&label)) {
        return false;
    }
    let following = lines.iter().skip(1).filter(|line| !line.trim().is_empty()).take(5);
    following.filter(|line| is_label(line)).count() >= 2
}

/// Whether a line begins with one of the labels of such a block.
pub(super) fn is_label(line: &str) -> bool {
    label(line).is_some_and(|label| LABELS.contains(&label))
}

fn label(line: &str) -> Option<String> {
    let line = line.trim_start_matches(['*', '_', '|', ' ', '\t', '\u{200f}', '\u{200e}']);
    let end = line.find([':', '\u{ff1a}'])?;
    let name = &line[..end];
    (name.len() <= 60).then(|| folded(name.trim_matches(['*', '_', ' ', '\u{a0}'])))
}

/// How many lines introduce a quotation: `On …, Ana wrote:`.
fn introduction(lines: &[&str]) -> Option<usize> {
    let length = matching(lines)?;
    // Wrapped over lines, it begins at the last line that can begin it: the lines before are the writer's.
    let begins_later = (1..length).any(|skip| matching(&lines[skip..]).is_some() && begins(lines[skip]));
    let is_later_alone = !begins(lines[0]) && (1..length).any(|skip| matching(&lines[skip..]).is_some());
    (!begins_later && !is_later_alone).then_some(length)
}

fn matching(lines: &[&str]) -> Option<usize> {
    let mut joined = String::new();
    for (n, line) in lines.iter().take(WRAPPED).enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('>') || joined.len() + line.len() > 500 {
            return None;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
        let end = joined.trim_end_matches(['*', '_', ' ', '\u{200f}', '\u{200e}']);
        if end.ends_with([':', '\u{ff1a}']) && introduces(end) {
            return Some(n + 1);
        }
    }
    None
}

/// A date with an address, or a date with a verb, or an address with a verb.
fn introduces(joined: &str) -> bool {
    let text = folded(joined);
    let has_verb = VERBS.iter().any(|verb| text.contains(verb.as_str()));
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let has_address = text.contains('@');
    let has_time = text.as_bytes().windows(4).any(|w| {
        // `10:00`, `2026`
        w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit() && w[3].is_ascii_digit()
            || w[0] == b'2' && w[1] == b'0' && w[2].is_ascii_digit() && w[3].is_ascii_digit()
    });
    has_verb && (digits >= 2 || has_address) || has_address && has_time && text.contains('<')
}

/// Whether a line begins as introductions do.
fn begins(line: &str) -> bool {
    let line = folded(line);
    let starts_with = |word: &String| {
        line.strip_prefix(word.as_str())
            .is_some_and(|rest| !word.is_ascii() || !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    line.starts_with(|c: char| c.is_ascii_digit()) || BEGINS.iter().any(starts_with)
}

/// `Sent from my iPhone`.
fn is_device(line: &str) -> bool {
    line.len() < 160 && {
        let line = folded(line);
        DEVICES.iter().any(|words| line.starts_with(words.as_str()))
    }
}

/// Everything from the first line that begins as disclaimers do, unless it is the first of all.
fn without_small_print(own: &mut Vec<&str>) {
    let Some(first) = own.iter().position(|line| !line.is_empty()) else { return };
    let at = own.iter().enumerate().skip(first + 1).find_map(|(n, line)| {
        if line.len() < 20 {
            return None;
        }
        let line = folded(line);
        SMALL_PRINT
            .iter()
            .any(|words| line.trim_start_matches(['*', '"', '(']).starts_with(words.as_str()))
            .then_some(n)
    });
    if let Some(at) = at {
        own.truncate(at);
    }
}

/// Without blank lines at the ends and without more than one between.
fn tidy(own: &[&str]) -> String {
    let mut text = String::new();
    let mut is_gap = false;
    for line in own {
        if line.trim().is_empty() {
            is_gap = !text.is_empty();
            continue;
        }
        if !text.is_empty() {
            text.push_str(if is_gap { "\n\n" } else { "\n" });
        }
        text.push_str(line.trim_end());
        is_gap = false;
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::own_words;

    #[test]
    fn introductions_of_many_languages_end_the_own_words() {
        for introduction in [
            "On Thu, Mar 12, 2026 at 10:00 AM Desk <desk@host.example> wrote:",
            "On 12 March 2026, at 10:00,\nDesk of the Event <desk@host.example>\nwrote:",
            "Le jeu. 12 mars 2026 \u{e0} 10:00, Desk <desk@host.example> a \u{e9}crit\u{a0}:",
            "El jue, 12 mar 2026 a las 10:00, Desk (<desk@host.example>) escribi\u{f3}:",
            "\u{447}\u{442}, 12 \u{43c}\u{430}\u{440}. 2026 \u{433}. \u{432} 10:00, Desk <desk@host.example>:",
            "12 \u{43c}\u{430}\u{440}\u{442}\u{430} 2026, 10:00, \u{43e}\u{442} Desk <desk@host.example> \u{43f}\u{438}\u{448}\u{435}\u{442}:",
            "\u{5728} 2026\u{5e74}3\u{6708}12\u{65e5}\u{ff0c}Desk \u{5199}\u{9053}\u{ff1a}",
            "\u{641}\u{64a} 12 \u{645}\u{627}\u{631}\u{633} 2026\u{60c} \u{643}\u{62a}\u{628} Desk <desk@host.example>:",
            "Am 12.03.2026 um 10:00 schrieb Desk:",
            "Am Do., 12. M\u{e4}rz 2026 um 10:00 Uhr schrieb Desk <desk@host.example>:",
            "Il giorno gio 12 mar 2026 alle ore 10:00 Desk <desk@host.example> ha scritto:",
            "Em qui., 12 de mar. de 2026 \u{e0}s 10:00, Desk <desk@host.example> escreveu:",
            "W dniu 12.03.2026 o 10:00, Desk pisze:",
            "Op do 12 mrt 2026 om 10:00 schreef Desk <desk@host.example>:",
            "Den tors 12 mars 2026 kl 10:00 skrev Desk <desk@host.example>:",
            "-----Original Message-----",
            "-----Message d'origine-----",
            "------------------ \u{539f}\u{59cb}\u{90ae}\u{4ef6} ------------------",
            "________________________________",
            "From: Desk <desk@host.example>\nSent: Thursday, 12 March 2026 10:00\nTo: Ana\nSubject: Briefing",
            "*From:* Desk\n*Sent:* Thursday\n*To:* Ana",
            "De\u{a0}: Desk\nEnvoy\u{e9}\u{a0}: jeudi 12 mars 2026\n\u{c0}\u{a0}: Ana\nObjet\u{a0}: x",
            "\u{41e}\u{442}: Desk\n\u{41e}\u{442}\u{43f}\u{440}\u{430}\u{432}\u{43b}\u{435}\u{43d}\u{43e}: 12\n\u{41a}\u{43e}\u{43c}\u{443}: Ana\n\u{422}\u{435}\u{43c}\u{430}: x",
            "\u{53d1}\u{4ef6}\u{4eba}: Desk\n\u{53d1}\u{9001}\u{65f6}\u{95f4}: 12\n\u{6536}\u{4ef6}\u{4eba}: Ana\n\u{4e3b}\u{9898}: x",
        ] {
            let text = format!("We will come.\n\n{introduction}\n\nPlease accept or decline.\n");
            assert_eq!(own_words(&text), "We will come.", "{introduction}");
            let close = format!("We will come.\n{introduction}\nPlease accept or decline.\n");
            assert_eq!(own_words(&close), "We will come.", "{introduction}");
        }
    }

    #[test]
    fn answers_between_and_below_quotations_are_kept() {
        let text =
            "On 12 March 2026, Desk wrote:\n> Will you accept?\nYes.\n> How many decline?\nTwo persons.\n-- \nAna\n";
        assert_eq!(own_words(text), "Yes.\nTwo persons.");
        assert_eq!(own_words("Yes.\n\nSent from my iPhone\n\n> decline\n"), "Yes.");
        let printed = "Yes.\n\nAna\n\nThis e-mail and any attachments are confidential; decline.\nmore";
        assert_eq!(own_words(printed), "Yes.\n\nAna");
    }

    #[test]
    fn own_sentences_stay() {
        let text = "On behalf of the mission, we confirm:\n- two persons\nRegards:\nAna";
        assert_eq!(own_words(text), text);
    }
}
