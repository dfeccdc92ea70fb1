//! What a list says of a person in front of the name: `H.E. Ms.`, `Dr.`, `S.E. M.`, `女士`.
//!
//! What: [`Honorific`], its words understood; [`Sex`], which form a salutation takes.
//! Not here: the words themselves (`forms.toml`). Called by: `address`, `input`. Can fail: a word of the column `sex` that
//! is none; unknown words of honorifics say nothing, and nothing is guessed from names.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::fold::fold;
use super::forms::table;

/// Which grammatical form a salutation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Madam.
    Female,
    /// Sir.
    Male,
    /// The row does not say.
    Unsaid,
}

struct Words {
    female: HashSet<String>,
    male: HashSet<String>,
    excellency: HashSet<String>,
    doctor: HashSet<String>,
    professor: HashSet<String>,
    sex_female: HashSet<String>,
    sex_male: HashSet<String>,
    sex_unsaid: HashSet<String>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let set = |words: &[String]| words.iter().map(|word| fold(word)).collect();
    let (honorific, sex) = (&table().honorific, &table().sex);
    Words {
        female: set(&honorific.female),
        male: set(&honorific.male),
        excellency: set(&honorific.excellency),
        doctor: set(&honorific.doctor),
        professor: set(&honorific.professor),
        sex_female: set(&sex.female),
        sex_male: set(&sex.male),
        sex_unsaid: set(&sex.unsaid),
    }
});

impl Sex {
    /// Reads a cell of the column `sex` in any of the six languages; `None` for a word that is none.
    pub fn parse(cell: &str) -> Option<Self> {
        let word = fold(cell);
        if word.is_empty() || WORDS.sex_unsaid.contains(&word) {
            Some(Self::Unsaid)
        } else if WORDS.sex_female.contains(&word) {
            Some(Self::Female)
        } else if WORDS.sex_male.contains(&word) {
            Some(Self::Male)
        } else {
            None
        }
    }
}

/// What an honorific says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Honorific {
    /// By its words alone.
    pub sex: Sex,
    /// `H.E.` and its like.
    pub is_excellency: bool,
    /// `Dr.`
    pub is_doctor: bool,
    /// `Prof.`
    pub is_professor: bool,
}

impl Honorific {
    /// Reads a cell.
    pub fn read(cell: &str) -> Self {
        let tokens = tokens(cell);
        // Chinese sets no blanks between its words.
        let whole = if cell.is_ascii() { String::new() } else { fold(cell) };
        let has = |words: &HashSet<String>| {
            tokens.iter().any(|token| words.contains(token))
                || (!whole.is_empty()
                    && words.iter().any(|word| word.starts_with(is_han) && whole.contains(word.as_str())))
        };
        let sex = match (has(&WORDS.female), has(&WORDS.male)) {
            (true, false) => Sex::Female,
            (false, true) => Sex::Male,
            // `Mr. and Mrs.` is nobody's form.
            _ => Sex::Unsaid,
        };
        Self {
            sex,
            is_excellency: has(&WORDS.excellency),
            is_doctor: has(&WORDS.doctor),
            is_professor: has(&WORDS.professor),
        }
    }
}

/// Whether a character is Chinese.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Words without their full stops; `H. E.` is one, like `H.E.`.
fn tokens(cell: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut is_initial_before = false;
    for piece in cell.split_whitespace() {
        let is_initial = piece.ends_with('.') && piece.chars().count() == 2;
        let word = fold(&piece.replace('.', ""));
        match tokens.last_mut() {
            Some(last) if is_initial && is_initial_before => last.push_str(&word),
            _ => tokens.push(word),
        }
        is_initial_before = is_initial;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::{Honorific, Sex};

    #[test]
    fn honorifics_say_what_their_words_say() {
        for (cell, sex, is_excellency) in [
            ("H.E. Ms.", Sex::Female, true),
            ("H. E. Mr.", Sex::Male, true),
            ("HE", Sex::Unsaid, true),
            ("Her Excellency", Sex::Female, true),
            ("S.E. M.", Sex::Male, true),
            ("S.E.M.", Sex::Male, true),
            ("S. E. Mme", Sex::Female, true),
            ("Excma. Sra.", Sex::Female, true),
            ("Excmo. Sr.", Sex::Male, true),
            ("Его Превосходительство г-н", Sex::Male, true),
            ("г-жа", Sex::Female, false),
            ("女士阁下", Sex::Female, true),
            ("先生", Sex::Male, false),
            ("سعادة السيدة", Sex::Female, true),
            ("السيد", Sex::Male, false),
            ("Señora", Sex::Female, false),
            ("M.", Sex::Male, false),
            ("Mr. and Mrs.", Sex::Unsaid, false),
            ("Dr.", Sex::Unsaid, false),
            ("Shaykh", Sex::Unsaid, false),
            ("", Sex::Unsaid, false),
        ] {
            let honorific = Honorific::read(cell);
            assert_eq!((honorific.sex, honorific.is_excellency), (sex, is_excellency), "{cell}");
        }
        assert!(Honorific::read("H.E. Prof. Dr.").is_professor && Honorific::read("Mme la Dr").is_doctor);
    }

    #[test]
    fn sex_is_read_in_the_six_languages() {
        for (sex, cells) in [
            (Sex::Female, ["F", "female", "Femme", "mujer", "ж", "女", "أنثى"]),
            (Sex::Male, ["m", "Male", "homme", "Hombre", "м", "男", "ذكر"]),
            (Sex::Unsaid, ["", "-", "x", "unknown", "n/a", "?", "未知"]),
        ] {
            for cell in cells {
                assert_eq!(Sex::parse(cell), Some(sex), "{cell}");
            }
        }
        assert_eq!(Sex::parse("yes"), None);
    }
}
