//! What a person's words seem to say.
//!
//! What: [`meaning`], a suggestion of an answer, how many persons, whether the floor or a call is asked for; [`is_unsubscribe`]. Data:
//! `words.tsv` (six UN languages, German, Italian, Portuguese). Two answers in one letter are none, questions and conditions are
//! none. Not here: recording it; a suggestion is shown to a person and never counts by itself. Called by: `replies::read`.
//! Can fail: nothing.

use std::sync::LazyLock;

use crate::calendar::PartStat;
use crate::replies::answer::clipped;
use crate::replies::lexicon::{Hit, Lexicon, folded};

/// Octets of words that are looked at: who answers, answers at the beginning.
const LONGEST: usize = 6000;

static WORDS: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::new(include_str!("words.tsv")));

/// What the words seem to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::replies) struct Meaning {
    /// The answer.
    pub(in crate::replies) partstat: Option<PartStat>,
    /// The words that it came from, in lower case.
    pub(in crate::replies) words: Option<String>,
    /// How many come, the writer included.
    pub(in crate::replies) persons: Option<u32>,
    /// Whether the floor is asked for.
    pub(in crate::replies) wants_floor: bool,
    /// Whether a call is asked for.
    pub(in crate::replies) wants_call: bool,
}

/// Reads a person's own words (`own_words`).
pub(in crate::replies) fn meaning(words: &str) -> Meaning {
    // Sentences end at line ends too, in letters without points.
    let text = folded(&clipped(words, LONGEST).replace("\n\n", " . "));
    let hits = WORDS.find(&text);
    let sure: Vec<&Hit> = hits.iter().filter(|hit| !is_open(&text, hit)).collect();
    let has = |mark: &str| sure.iter().find(|hit| hit.mark == mark).map(|hit| text[hit.range.clone()].to_owned());
    let whole = || {
        let bare = bare(&text);
        let mark = hits.iter().find(|hit| text[hit.range.clone()] == *bare).map(|hit| hit.mark)?;
        let partstat = match mark {
            "yes" => PartStat::Accepted,
            "no" => PartStat::Declined,
            "maybe" => PartStat::Tentative,
            _ => return None,
        };
        Some((partstat, bare))
    };
    let found = match (has("declined"), has("tentative"), has("accepted")) {
        (Some(words), None, None) => Some((PartStat::Declined, words)),
        // `We would be happy to attend and will confirm`.
        (None, Some(words), _) => Some((PartStat::Tentative, words)),
        (None, None, Some(words)) => Some((PartStat::Accepted, words)),
        // `I cannot attend; my deputy will attend`: a person decides.
        (Some(_), ..) => None,
        (None, None, None) => whole(),
    };
    let (partstat, because) = found.map_or((None, None), |(partstat, words)| (Some(partstat), Some(words)));
    Meaning {
        partstat,
        words: because,
        persons: persons(&text),
        wants_floor: sure.iter().any(|hit| hit.mark == "floor"),
        // `Could you call me?` is a wish and no question.
        wants_call: hits.iter().any(|hit| hit.mark == "call"),
    }
}

/// Whether one line asks not to be written to again.
pub(in crate::replies) fn is_unsubscribe(words: &str) -> bool {
    let text = folded(&clipped(words, 400));
    let is_short = text.split(' ').count() <= 15 && text.chars().count() <= 120;
    is_short && WORDS.find(&text).iter().any(|hit| hit.mark == "leave")
}

/// The first line without greeting marks, where nothing else is written than a name below it.
fn bare(text: &str) -> String {
    let first = text.split(" . ").next().unwrap_or(text);
    let bare: String =
        first.chars().filter(|c| !matches!(c, '.' | '!' | ',' | ';' | '\u{3002}' | '\u{ff01}' | '\u{ff0c}')).collect();
    bare.trim().to_owned()
}

/// Whether the sentence of a hit asks or supposes.
fn is_open(text: &str, hit: &Hit) -> bool {
    let ends = ['.', '!', '?', '\u{3002}', '\u{ff1f}', '\u{ff01}', '\u{61f}', '\u{37e}'];
    let after = &text[hit.range.end..];
    let is_question = after.find(ends).is_some_and(|at| after[at..].starts_with(['?', '\u{ff1f}', '\u{61f}']));
    let start = text[..hit.range.start].rfind(ends).map_or(0, |at| at + 1);
    let before = &text[text.ceil_char_boundary(start)..hit.range.start];
    let before = before.trim_start();
    // `si` is reflexive too (`la delegazione si congratula`), so it supposes as a first word only.
    let starts = before.starts_with("si ");
    let supposes = ["if ", "whether ", "who ", "wenn ", "falls ", "ob ", "\u{435}\u{441}\u{43b}\u{438} "];
    let holds = supposes.iter().any(|word| before.starts_with(word) || before.contains(&format!(" {word}")));
    // `If I may, we will attend` has a comma between.
    is_question || (starts || holds) && !before.contains(',')
}

/// Numbers as words, of the languages read.
const NUMBERS: [(&str, u32); 62] = [
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("un", 1),
    ("une", 1),
    ("deux", 2),
    ("trois", 3),
    ("quatre", 4),
    ("cinq", 5),
    ("sept", 7),
    ("huit", 8),
    ("neuf", 9),
    ("dix", 10),
    ("una", 1),
    ("dos", 2),
    ("tres", 3),
    ("cuatro", 4),
    ("cinco", 5),
    ("seis", 6),
    ("siete", 7),
    ("ocho", 8),
    ("один", 1),
    ("одного", 1),
    ("два", 2),
    ("две", 2),
    ("двух", 2),
    ("двое", 2),
    ("три", 3),
    ("трех", 3),
    ("трое", 3),
    ("четыре", 4),
    ("четырех", 4),
    ("пять", 5),
    ("пяти", 5),
    ("ein", 1),
    ("eine", 1),
    ("zwei", 2),
    ("drei", 3),
    ("vier", 4),
    ("fünf", 5),
    ("due", 2),
    ("tre", 3),
    ("quattro", 4),
    ("cinque", 5),
    ("dois", 2),
    ("duas", 2),
    ("três", 3),
    ("quatro", 4),
    ("\u{62b}\u{644}\u{627}\u{62b}\u{629}", 3),
    ("\u{623}\u{631}\u{628}\u{639}\u{629}", 4),
    ("\u{62e}\u{645}\u{633}\u{629}", 5),
    ("\u{634}\u{62e}\u{635}\u{627}\u{646}", 2),
    ("\u{634}\u{62e}\u{635}\u{64a}\u{646}", 2),
    ("eins", 1),
    ("uno", 1),
];

/// What is counted; first letters, so that endings do not matter.
const COUNTED: [&str; 34] = [
    "person",
    "people",
    "participant",
    "delegate",
    "attendee",
    "guest",
    "colleague",
    "member",
    "representative",
    "pax",
    "seat",
    "délégué",
    "invité",
    "collègue",
    "membre",
    "représentant",
    "place",
    "participante",
    "delegado",
    "invitado",
    "representante",
    "miembro",
    "человек",
    "участник",
    "представител",
    "делегат",
    "персон",
    "teilnehmer",
    "gäste",
    "partecipanti",
    "pessoa",
    "\u{623}\u{634}\u{62e}\u{627}\u{635}",
    "\u{645}\u{634}\u{627}\u{631}\u{643}",
    "\u{645}\u{646}\u{62f}\u{648}\u{628}",
];

/// Words that add others to the writer.
const WITH: [&str; 14] = [
    "accompanied by",
    "together with",
    "accompagné de",
    "accompagnée de",
    "accompagné par",
    "accompagnée par",
    "acompañado de",
    "acompañada de",
    "acompañado por",
    "acompanhado de",
    "в сопровождении",
    "begleitet von",
    "accompagnato da",
    "\u{628}\u{631}\u{641}\u{642}\u{629}",
];

/// How many persons are announced.
fn persons(text: &str) -> Option<u32> {
    // `N人`, `N位`.
    for (at, _) in text.match_indices(['\u{4eba}', '\u{4f4d}', '\u{540d}']) {
        let before = text[..at].trim_end();
        let digits: String = before.chars().rev().take_while(char::is_ascii_digit).take(3).collect();
        if let Ok(n) = digits.chars().rev().collect::<String>().parse::<u32>() {
            return plausible(n);
        }
        let word = before.chars().next_back();
        let n = word.and_then(|c| {
            "\u{4e00}\u{4e8c}\u{4e09}\u{56db}\u{4e94}\u{516d}\u{4e03}\u{516b}\u{4e5d}\u{5341}"
                .chars()
                .position(|d| d == c)
        });
        match (n, word) {
            (Some(n), _) => return u32::try_from(n + 1).ok().filter(|_| text[at..].starts_with('\u{4eba}') || n > 0),
            (None, Some('\u{4e24}' | '\u{5169}')) => return Some(2),
            _ => {}
        }
    }
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '+' && c != '\'').filter(|word| !word.is_empty()).collect();
    let joined = words.join(" ");
    let is_with = WITH.iter().find_map(|with| joined.find(with).map(|at| at + with.len()));
    let mut counted = None;
    for (n, word) in words.iter().enumerate() {
        if let Some(more) = word.strip_prefix('+').and_then(|more| more.parse::<u32>().ok())
            && more < 20
        {
            return plausible(more + 1);
        }
        let Some(number) = number(word) else { continue };
        // `2 persons`, `three other members`, `delegation of 3`.
        let is_counted = words[n + 1..].iter().take(2).any(|next| COUNTED.iter().any(|start| next.starts_with(start)));
        let of = n >= 2 && matches!(words[n - 1], "of" | "de" | "von" | "di" | "из") && {
            let what = words[n - 2];
            ["delegation", "délégation", "delegación", "delegação", "delegazione", "группа", "party", "group"]
                .iter()
                .any(|d| what.starts_with(d))
        };
        if is_counted || of {
            counted = Some(number);
            break;
        }
    }
    if COUNTED_ALONE.iter().any(|word| words.contains(word)) && counted.is_none() {
        counted = Some(2);
    }
    match (counted, is_with) {
        (Some(others), Some(_)) => plausible(others + 1),
        (Some(all), None) => plausible(all),
        (None, Some(_)) => Some(2),
        (None, None) => None,
    }
}

/// Duals that count by themselves.
const COUNTED_ALONE: [&str; 3] = [
    "\u{634}\u{62e}\u{635}\u{627}\u{646}",
    "\u{634}\u{62e}\u{635}\u{64a}\u{646}",
    "\u{645}\u{634}\u{627}\u{631}\u{643}\u{627}\u{646}",
];

fn number(word: &str) -> Option<u32> {
    if let Ok(n) = word.parse() {
        return Some(n);
    }
    NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n)
}

/// Delegations have some members; years and rooms are larger numbers.
fn plausible(n: u32) -> Option<u32> {
    (1..=50).contains(&n).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::{is_unsubscribe, meaning};
    use crate::calendar::PartStat;

    #[test]
    fn words_suggest_an_answer() {
        use PartStat::{Accepted, Declined, Tentative};
        let cases = [
            ("Dear all,\n\nThe Permanent Representative will attend.", Some(Accepted)),
            ("Nous aurons le plaisir de participer.", Some(Accepted)),
            ("La Misi\u{f3}n lamenta no poder asistir.", Some(Declined)),
            (
                "\u{41f}\u{43e}\u{441}\u{442}\u{43f}\u{440}\u{435}\u{434} \u{43f}\u{440}\u{438}\u{43c}\u{435}\u{442} \u{443}\u{447}\u{430}\u{441}\u{442}\u{438}\u{435}.",
                Some(Accepted),
            ),
            ("\u{5927}\u{4f7f}\u{5c06}\u{51fa}\u{5e2d}\u{3002}", Some(Accepted)),
            ("\u{633}\u{64a}\u{62d}\u{636}\u{631} \u{627}\u{644}\u{633}\u{641}\u{64a}\u{631}", Some(Accepted)),
            ("We will not be able to attend.", Some(Declined)),
            ("Je ne pourrai malheureusement pas participer.", Some(Declined)),
            ("Ich kann leider nicht teilnehmen.", Some(Declined)),
            ("I hope to attend.", Some(Tentative)),
            ("Yes!", Some(Accepted)),
            ("Non merci.", Some(Declined)),
            ("I cannot attend, but my deputy will attend.", None),
            ("Do you know who will attend?", None),
            ("Where is the room?", None),
            ("If he comes he will attend the lunch.", None),
            ("La Misi\u{f3}n se complace en confirmar su asistencia.", Some(Accepted)),
        ];
        for (words, expected) in cases {
            assert_eq!(meaning(words).partstat, expected, "{words}");
        }
    }

    #[test]
    fn persons_and_the_floor_are_told() {
        let cases = [
            ("We will attend with 2 persons.", Some(2)),
            ("The Ambassador, accompanied by two colleagues, will attend.", Some(3)),
            ("She will be accompanied by Mr. Ruiz.", Some(2)),
            ("Count me in (+1)", Some(2)),
            ("a delegation of 4", Some(4)),
            ("deux personnes participeront", Some(2)),
            ("\u{6211}\u{56e2}3\u{4eba}\u{5c06}\u{51fa}\u{5e2d}", Some(3)),
            ("Room 2026 is fine.", None),
        ];
        for (words, expected) in cases {
            assert_eq!(meaning(words).persons, expected, "{words}");
        }
        assert!(meaning("My delegation would like to take the floor.").wants_floor);
        assert!(meaning("souhaite s'inscrire sur la liste des orateurs").wants_floor);
        assert!(!meaning("We will attend.").wants_floor);
        for words in [
            "We accept. Could you call me before Friday?",
            "Merci de bien vouloir nous rappeler au 022 000 00 00.",
            "Le ruego llamarme cuando pueda.",
            "\u{41f}\u{440}\u{43e}\u{441}\u{438}\u{43c} \u{43f}\u{435}\u{440}\u{435}\u{437}\u{432}\u{43e}\u{43d}\u{438}\u{442}\u{44c}.",
            "\u{8bf7}\u{81f4}\u{7535}\u{5927}\u{4f7f}\u{9986}\u{3002}",
            "\u{64a}\u{631}\u{62c}\u{649} \u{627}\u{644}\u{627}\u{62a}\u{635}\u{627}\u{644} \u{628}\u{64a}",
            "Ich bitte um R\u{fc}ckruf: bitte um R\u{fc}ckruf.",
        ] {
            assert!(meaning(words).wants_call, "{words}");
        }
        assert!(!meaning("We call upon all States to attend; roll call follows.").wants_call);
    }

    #[test]
    fn one_line_may_ask_to_be_left_alone() {
        assert!(is_unsubscribe("Please remove me from this list."));
        assert!(is_unsubscribe(
            "\u{43e}\u{442}\u{43f}\u{438}\u{448}\u{438}\u{442}\u{435} \u{43c}\u{435}\u{43d}\u{44f}"
        ));
        assert!(!is_unsubscribe("We will attend."));
    }
}
