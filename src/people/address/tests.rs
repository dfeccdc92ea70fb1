//! Cells of the table of forms, as readers of each language expect them.

use super::{Lack, Part, Person, words};
use crate::people::{Kind, Language, Register};

fn tag(language: &str) -> Language {
    Language::parse(language).expect("a language")
}

fn person<'a>(rank: &'a str, sex: &'a str, given: &'a str, family: &'a str) -> Person<'a> {
    Person {
        rank,
        sex,
        given,
        family,
        entity: "Permanent Mission of X",
        kind: Some(Kind::Mission),
        ..Person::default()
    }
}

/// Part of the letter, rank, sex, language, register, what is expected; the names are those of [`NAMES`].
type Cell = (Part, &'static str, &'static str, &'static str, Register, &'static str);

const NAMES: [(&str, &str, &str); 6] = [
    ("ar", "ليلى", "منصور"),
    ("en", "Ana", "Weiss"),
    ("es", "Ana", "Ríos"),
    ("fr", "Ana", "Roy"),
    ("ru", "Анна", "Белова"),
    ("zh", "若溪", "陆"),
];

use Part::{AddressLine as Line, Close, Salutation as Greet};
use Register::{Formal, Ordinary};

const CELLS: &[Cell] = &[
    // Heads and ministers.
    (Greet, "head of State", "f", "en", Formal, "Excellency,"),
    (Greet, "head of State", "f", "en", Ordinary, "Dear Madam President,"),
    (Greet, "head of State", "m", "fr", Ordinary, "Monsieur le Président,"),
    (Greet, "chef d'État", "f", "es", Ordinary, "Señora Presidenta:"),
    (Greet, "глава государства", "m", "ru", Ordinary, "Уважаемый господин Президент!"),
    (Line, "head of State", "m", "ar", Formal, "فخامة السيد ليلى منصور"),
    (Greet, "head of State", "f", "ar", Formal, "صاحبة الفخامة،"),
    (Greet, "Prime Minister", "m", "en", Ordinary, "Dear Mr. Prime Minister,"),
    (Greet, "Première ministre", "f", "fr", Ordinary, "Madame la Première Ministre,"),
    (Greet, "Primera Ministra", "f", "es", Formal, "Excelencia:"),
    (Greet, "head of Government", "m", "ar", Formal, "صاحب الدولة،"),
    (Greet, "foreign minister", "m", "en", Formal, "Excellency,"),
    (Greet, "foreign minister", "", "en", Ordinary, "Excellency,"),
    (Greet, "ministre", "f", "fr", Ordinary, "Madame la Ministre,"),
    (Greet, "министр иностранных дел", "f", "ru", Ordinary, "Уважаемая госпожа Министр!"),
    (Greet, "وزير الخارجية", "m", "ar", Ordinary, "معالي الوزير ليلى منصور المحترم،"),
    (Line, "minister", "f", "ar", Formal, "معالي السيدة ليلى منصور"),
    (Greet, "外长", "m", "zh", Formal, "阁下："),
    // Ambassadors and permanent representatives.
    (Line, "PR", "f", "en", Formal, "H.E. Ms. Ana Weiss"),
    (Line, "PR", "", "en", Formal, "H.E. Ana Weiss"),
    (Greet, "PR", "", "en", Formal, "Excellency,"),
    (Greet, "PR", "m", "en", Ordinary, "Dear Ambassador Weiss,"),
    (Close, "PR", "", "en", Formal, "Accept, Excellency, the assurances of my highest consideration."),
    (Close, "PR", "", "en", Ordinary, "Yours sincerely,"),
    (Line, "Ambassadeur", "m", "fr", Formal, "S.E. M. Ana Roy"),
    (Greet, "Ambassadrice", "f", "fr", Ordinary, "Madame l'Ambassadrice,"),
    (Greet, "Représentant permanent", "", "fr", Ordinary, "Excellence,"),
    (
        Close,
        "PR",
        "m",
        "fr",
        Ordinary,
        "Veuillez agréer, Monsieur l'Ambassadeur, l'expression de notre très haute considération.",
    ),
    (
        Close,
        "PR",
        "",
        "fr",
        Formal,
        "Je vous prie d'agréer, Excellence, les assurances de ma très haute considération.",
    ),
    (Line, "Representante Permanente", "f", "es", Formal, "Excma. Sra. Ana Ríos"),
    (Line, "Representante Permanente", "m", "es", Formal, "Excmo. Sr. Ana Ríos"),
    (Greet, "Representante Permanente", "", "es", Formal, "Excelencia:"),
    (Greet, "Embajador", "m", "es", Ordinary, "Señor Embajador:"),
    (Line, "постпред", "f", "ru", Formal, "Ее Превосходительство г-жа Анна Белова"),
    (Greet, "постпред", "", "ru", Formal, "Ваше Превосходительство!"),
    (Greet, "посол", "m", "ru", Ordinary, "Уважаемый господин Посол!"),
    (Line, "常驻代表", "f", "zh", Formal, "陆若溪女士阁下"),
    (Greet, "常驻代表", "m", "zh", Ordinary, "尊敬的陆大使阁下："),
    (Close, "常驻代表", "", "zh", Formal, "顺致最崇高的敬意。"),
    (Line, "الممثلة الدائمة", "f", "ar", Formal, "سعادة السيدة ليلى منصور"),
    (Greet, "الممثلة الدائمة", "f", "ar", Formal, "صاحبة السعادة،"),
    (Greet, "السفير", "m", "ar", Ordinary, "سعادة السفير ليلى منصور المحترم،"),
    // Observers.
    (Greet, "permanent observer", "m", "en", Ordinary, "Your Excellency,"),
    (Greet, "Observateur permanent", "m", "fr", Ordinary, "Monsieur l'Observateur permanent,"),
    (Line, "nuncio", "m", "en", Formal, "H.E. Archbishop Ana Weiss"),
    (Greet, "Nonce apostolique", "m", "fr", Ordinary, "Monseigneur,"),
    // A chargé d'affaires is no Excellency.
    (Line, "CDA", "f", "en", Formal, "Ms. Ana Weiss"),
    (Greet, "chargé d'affaires a.i.", "m", "en", Formal, "Sir,"),
    (Greet, "chargé d'affaires a.i.", "f", "en", Ordinary, "Dear Ms. Weiss,"),
    (Close, "CDA", "m", "en", Formal, "Accept, Sir, the assurances of my high consideration."),
    (Greet, "chargé d'affaires", "m", "fr", Ordinary, "Monsieur le Chargé d'affaires,"),
    (Greet, "Encargada de Negocios", "f", "es", Ordinary, "Estimada señora Ríos:"),
    (Greet, "Временный поверенный в делах", "f", "ru", Ordinary, "Уважаемая г-жа Белова!"),
    (Greet, "临时代办", "f", "zh", Ordinary, "尊敬的陆女士："),
    (Greet, "القائمة بالأعمال", "f", "ar", Ordinary, "السيدة ليلى منصور المحترمة،"),
    // Below.
    (Greet, "DPR", "f", "en", Ordinary, "Dear Ms. Weiss,"),
    (Greet, "minister counsellor", "m", "fr", Formal, "Monsieur le Ministre conseiller,"),
    (Greet, "counsellor", "f", "ru", Formal, "Уважаемая госпожа Белова!"),
    (Line, "first secretary", "m", "es", Formal, "Sr. Ana Ríos"),
    (Line, "second secretary", "m", "zh", Formal, "陆若溪先生"),
    (Greet, "third secretary", "f", "fr", Ordinary, "Madame,"),
    (Greet, "attaché", "m", "ar", Formal, "السيد ليلى منصور المحترم،"),
    (Greet, "USG", "m", "en", Ordinary, "Dear Mr. Weiss,"),
    (Greet, "director", "f", "fr", Ordinary, "Madame la Directrice,"),
    (Greet, "executive director", "", "en", Ordinary, "Dear Ana Weiss,"),
    (Greet, "president", "f", "fr", Ordinary, "Madame la Présidente,"),
    (Greet, "professor", "", "en", Ordinary, "Dear Professor Weiss,"),
    (Greet, "doctora", "f", "es", Ordinary, "Estimada doctora Ríos:"),
    (Greet, "профессор", "m", "ru", Ordinary, "Уважаемый профессор Белова!"),
    (Greet, "教授", "", "zh", Ordinary, "尊敬的陆教授："),
    // No rank.
    (Greet, "", "f", "en", Ordinary, "Dear Ms. Weiss,"),
    (Greet, "", "", "en", Ordinary, "Dear Ana Weiss,"),
    (Greet, "", "m", "es", Ordinary, "Estimado señor Ríos:"),
    (Greet, "", "", "es", Ordinary, "Estimada señora, estimado señor:"),
    (Greet, "", "", "fr", Ordinary, "Madame, Monsieur,"),
    (Greet, "", "m", "ru", Ordinary, "Уважаемый г-н Белова!"),
    (Greet, "", "", "zh", Ordinary, "尊敬的陆若溪："),
    (Greet, "", "", "ar", Ordinary, "تحية طيبة وبعد،"),
];

#[test]
fn each_cell_of_the_table_reads_as_it_should() {
    for &(part, rank, sex, language, register, expected) in CELLS {
        let (_, given, family) = NAMES.iter().find(|(tag, ..)| *tag == language).expect("names");
        let found = words(part, &person(rank, sex, given, family), &tag(language), register);
        assert_eq!(found, Ok(vec![expected.to_owned()]), "{part:?} {rank} {sex} {language} {register:?}");
    }
    assert!(CELLS.len() >= 60);
}

#[test]
fn a_form_that_needs_the_sex_is_not_guessed() {
    for (rank, language, register) in [
        ("chargé d'affaires", "fr", Ordinary),
        ("chargé d'affaires", "en", Formal),
        ("counsellor", "es", Ordinary),
        ("counsellor", "ru", Formal),
        ("first secretary", "ar", Ordinary),
        ("permanent representative", "ar", Formal),
        ("professor", "fr", Ordinary),
    ] {
        let nobody_knows = person(rank, "", "Camille", "Martin");
        assert_eq!(words(Greet, &nobody_knows, &tag(language), register), Err(Lack::Sex), "{rank} {language}");
    }
    assert_eq!(words(Greet, &person("", "", "", "X"), &tag("de"), Ordinary), Err(Lack::Language));
    assert_eq!(words(Greet, &person("grand duke", "", "", "X"), &tag("en"), Ordinary), Err(Lack::Rank));
}

#[test]
fn the_honorific_decides_where_the_rank_leaves_it_open() {
    let greet = |honorific, rank, language, register| {
        let person = Person { honorific, ..person(rank, "", "Ana", "Weiss") };
        words(Greet, &person, &tag(language), register).expect("a form").remove(0)
    };
    assert_eq!(greet("H.E. Ms.", "deputy permanent representative", "en", Ordinary), "Dear Ambassador Weiss,");
    assert_eq!(greet("Ms.", "deputy permanent representative", "en", Ordinary), "Dear Ms. Weiss,");
    assert_eq!(greet("Dr.", "deputy permanent representative", "en", Ordinary), "Dear Dr. Weiss,");
    assert_eq!(greet("H.E. Mr.", "secretary-general", "fr", Formal), "Excellence,");
    assert_eq!(greet("S.E. Mme", "", "fr", Ordinary), "Excellence,");
    assert_eq!(greet("Sra.", "", "es", Ordinary), "Estimada señora Weiss:");
    assert_eq!(greet("Prof. Dr.", "", "en", Ordinary), "Dear Professor Weiss,");
}

#[test]
fn without_a_person_the_office_is_addressed() {
    let office = |kind, rank, part, language, register| {
        let person = Person { kind: Some(kind), rank, entity: "Office of X", ..Person::default() };
        words(part, &person, &tag(language), register).expect("a form").join(" | ")
    };
    assert_eq!(office(Kind::Mission, "", Greet, "en", Ordinary), "Dear Madam or Sir,");
    assert_eq!(office(Kind::Mission, "vacant", Greet, "fr", Ordinary), "Madame, Monsieur,");
    assert_eq!(office(Kind::Mission, "", Close, "en", Formal), "Accept the assurances of my highest consideration.");
    assert_eq!(office(Kind::Ngo, "", Close, "en", Ordinary), "Yours faithfully,");
    assert_eq!(office(Kind::Ngo, "director", Greet, "es", Ordinary), "Estimada señora, estimado señor:");
    assert_eq!(office(Kind::Ngo, "", Part::Envelope, "en", Ordinary), "Office of X");
    // A known rank without a known name is still an Excellency.
    assert_eq!(office(Kind::Mission, "permanent representative", Greet, "en", Ordinary), "Excellency,");
    assert_eq!(office(Kind::Mission, "permanent representative", Greet, "ar", Formal), "تحية طيبة وبعد،");
    assert_eq!(
        office(Kind::Mission, "permanent representative", Part::Envelope, "en", Ordinary),
        "Office of X | Permanent Representative"
    );
}

#[test]
fn envelopes_stand_in_the_order_of_their_language() {
    let envelope = |language, person: Person<'_>| words(Part::Envelope, &person, &tag(language), Ordinary);
    let ana = person("permanent representative", "f", "Ana", "Weiss");
    let lines = ["H.E. Ms. Ana Weiss", "Permanent Representative", "Permanent Mission of X"];
    assert_eq!(envelope("en", ana), Ok(lines.map(str::to_owned).to_vec()));
    let titled = Person { title: "Ambassador and Permanent Representative", ..ana };
    assert_eq!(envelope("en", titled).expect("lines")[1], "Ambassador and Permanent Representative");
    assert_eq!(envelope("fr", ana).expect("lines")[1], "Représentante permanente");
    let zh = person("常驻代表", "m", "明远", "沈");
    assert_eq!(envelope("zh", zh).expect("lines"), ["Permanent Mission of X", "常驻代表", "沈明远先生阁下"]);
}

#[test]
fn names_that_look_like_placeholders_stay_names() {
    let odd = person("", "f", "{family}", "{name}");
    assert_eq!(words(Line, &odd, &tag("en"), Ordinary), Ok(vec!["Ms. {family} {name}".to_owned()]));
    assert_eq!(person("", "", "路易斯", "比德加赖").name(), "路易斯·比德加赖");
    assert_eq!(person("", "", "Luis", "比德加赖").name(), "Luis 比德加赖");
}
