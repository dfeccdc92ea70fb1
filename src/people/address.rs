//! The words with which a letter begins.

use super::Language;

/// What a row says of the person it is addressed to; any text may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person<'a> {
    /// `H.E. Ms.`, `Mr.`, `Dr.`: as the row has it.
    pub honorific: &'a str,
    /// Given names.
    pub given: &'a str,
    /// Family name.
    pub family: &'a str,
    /// Rank: `permanent representative`, `charge d'affaires`, ...
    pub rank: &'a str,
}

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

impl Person<'_> {
    /// What the honorific says of the form; nothing is guessed from names.
    pub fn sex(&self) -> Sex {
        let words = self.honorific.to_lowercase();
        let has = |set: &[&str]| {
            words.split([' ', '\u{a0}']).map(|w| w.trim_end_matches('.')).any(|word| set.contains(&word))
        };
        if has(&["ms", "mrs", "miss", "mme", "madame", "sra", "señora", "г-жа", "女士", "السيدة"]) {
            Sex::Female
        } else if has(&["mr", "m", "monsieur", "sr", "señor", "г-н", "先生", "السيد"]) {
            Sex::Male
        } else {
            Sex::Unsaid
        }
    }
}

/// How one language greets: the words before the name, for a named and for an unknown reader, and the closing mark.
///
/// `{}` stands for the family name.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    language: &'static str,
    female: &'static str,
    male: &'static str,
    unsaid: &'static str,
    nobody: &'static str,
    doctor: &'static str,
}

/// UN Correspondence Manual, part two (letters): English and French; the others as their missions write.
const FORMS: [Form; 6] = [
    Form {
        language: "ar",
        female: "السيدة {} المحترمة،",
        male: "السيد {} المحترم،",
        unsaid: "حضرة {} المحترم/المحترمة،",
        nobody: "تحية طيبة وبعد،",
        doctor: "حضرة الدكتور/الدكتورة {}،",
    },
    Form {
        language: "en",
        female: "Dear Ms. {},",
        male: "Dear Mr. {},",
        unsaid: "Dear {},",
        nobody: "Dear Madam or Sir,",
        doctor: "Dear Dr. {},",
    },
    Form {
        language: "es",
        female: "Estimada señora {}:",
        male: "Estimado señor {}:",
        unsaid: "Estimado/a {}:",
        nobody: "Estimada señora, estimado señor:",
        doctor: "Estimado/a Dr./Dra. {}:",
    },
    Form {
        language: "fr",
        female: "Madame,",
        male: "Monsieur,",
        unsaid: "Madame, Monsieur,",
        nobody: "Madame, Monsieur,",
        doctor: "Madame, Monsieur,",
    },
    Form {
        language: "ru",
        female: "Уважаемая г-жа {}!",
        male: "Уважаемый г-н {}!",
        unsaid: "Уважаемый/уважаемая {}!",
        nobody: "Уважаемые дамы и господа!",
        doctor: "Уважаемый/уважаемая д-р {}!",
    },
    Form {
        language: "zh",
        female: "尊敬的{}女士：",
        male: "尊敬的{}先生：",
        unsaid: "尊敬的{}：",
        nobody: "敬启者：",
        doctor: "尊敬的{}博士：",
    },
];

/// The whole salutation with its punctuation; `None` for a language without a form here.
///
/// A form that needs to know whether the reader is a woman or a man is used only where the honorific says so; the others
/// get the neutral form with their full name.
pub fn salutation(person: &Person<'_>, language: &Language) -> Option<String> {
    let form = FORMS.iter().find(|form| form.language == language.base())?;
    let full = [person.given, person.family].iter().filter(|n| !n.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let name = if person.family.is_empty() { &full } else { person.family };
    if name.is_empty() {
        return Some(form.nobody.to_owned());
    }
    let is_doctor =
        person.honorific.to_lowercase().split(' ').any(|w| matches!(w.trim_end_matches('.'), "dr" | "prof"));
    let (pattern, name) = match person.sex() {
        _ if is_doctor => (form.doctor, name),
        Sex::Female => (form.female, name),
        Sex::Male => (form.male, name),
        Sex::Unsaid => (form.unsaid, &full as &str),
    };
    Some(pattern.replace("{}", name))
}

#[cfg(test)]
mod tests {
    use super::{Person, salutation};
    use crate::people::Language;

    fn greet(honorific: &str, given: &str, family: &str, language: &str) -> String {
        let person = Person { honorific, given, family, rank: "" };
        salutation(&person, &Language::parse(language).expect("tag")).expect("a form")
    }

    #[test]
    fn greets_by_name_where_there_is_one() {
        assert_eq!(greet("Ms.", "Ngozi", "Okafor", "en"), "Dear Ms. Okafor,");
        assert_eq!(greet("H.E. Mr.", "Luis", "Ortega", "es"), "Estimado señor Ortega:");
        assert_eq!(greet("Dr.", "Ana", "Weiss", "en"), "Dear Dr. Weiss,");
        assert_eq!(greet("", "Sam", "Lee", "en"), "Dear Sam Lee,");
        assert_eq!(greet("", "", "", "fr"), "Madame, Monsieur,");
        assert_eq!(greet("Mme", "Anne", "Roy", "fr"), "Madame,");
    }
}
