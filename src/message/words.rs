//! Dates and times as readers of a language write them.
//!
//! What: [`date`] with weekday, day, month and year; [`time`] in the form that the United Nations uses in its six
//! languages.
//! Standards: CLDR through ICU4X, long form, Gregorian calendar; for times the usage of UN meeting notices.
//! Not here: time zones and their names (`calendar`), the words around a time (`from ... to ...`: the templates), and so
//! no preposition or `الساعة` either.
//! Called by: the template helpers of `message`.
//! Can fail: in a language of which ICU has no month names; then `None`, and the caller has to say so.
//!
//! A date costs 1 to 4 microseconds: ICU finds its patterns anew each time, for its formatter holds an `Rc` and cannot be
//! shared between threads. An event has few dates, so the helpers keep the words.
//!
//! Four things are made ours: `en` without a region is written day first (UN Editorial Manual) and not as in the United
//! States; Portuguese of any region takes the words of `pt`, because the long form of `pt-PT` and its heirs comes out as
//! `sexta-feira, 22/09/2017`; the narrow no-break space that CLDR puts before `г.` becomes a plain one, which every font
//! has and every search finds; and tags that were renamed (`iw`, `tl`) find their language, for ICU4X reads them only with
//! its canonicalizer. Digits are those of the language's region: Western for `ar`, Eastern Arabic for `ar-EG`, Persian for
//! `fa`; times always have Western ones.

use icu_calendar::{Date, Gregorian};
use icu_datetime::{FixedCalendarDateTimeFormatter, fieldsets::YMDE};
use icu_locale_core::Locale;
use jiff::civil;

use crate::people::Language;

/// Weekday, day, month and year: `Friday, 22 September 2017`; `None` for a language that ICU does not know.
pub fn date(date: civil::Date, language: &Language) -> Option<String> {
    let locale = Locale::try_from_str(icu_tag(language)).ok()?;
    let formatter: FixedCalendarDateTimeFormatter<Gregorian, YMDE> =
        FixedCalendarDateTimeFormatter::try_new(locale.into(), YMDE::long()).ok()?;
    let month = u8::try_from(date.month()).ok()?;
    let day = u8::try_from(date.day()).ok()?;
    let day = Date::try_new_gregorian(i32::from(date.year()), month, day).ok()?;
    let words = formatter.format(&day).to_string();
    // For an unknown language ICU falls back to its root, which writes `2017 M09 22, Fri`.
    let root = format!("{} M{month:02} ", date.year());
    (!words.starts_with(&root)).then(|| words.replace('\u{202f}', " "))
}

/// Under which tag ICU has the words that are wanted (see the head of this file).
fn icu_tag(language: &Language) -> &str {
    match language.as_str() {
        "en" => "en-GB",
        "cmn" => "zh",
        "in" => "id",
        "iw" => "he",
        "mo" => "ro",
        "prs" => "fa-AF",
        "sh" => "sr-Latn",
        "tl" => "fil",
        tag if tag.starts_with("pt-") => "pt",
        tag => tag,
    }
}

/// Hours and minutes: `3:00 p.m.`; seconds are not shown. Any language beyond the six has 24 hours, `15:00`.
pub fn time(time: civil::Time, language: &Language) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    let hour_of_12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    match (language.base(), hour, minute) {
        ("ar", ..) => format!("{hour}:{minute:02}"),
        // `12:00 a.m.` and `12:00 p.m.` are taken for each other.
        ("en", 0, 0) => "12 midnight".to_owned(),
        ("en", 12, 0) => "12 noon".to_owned(),
        ("en", 0..12, _) => format!("{hour_of_12}:{minute:02} a.m."),
        ("en", ..) => format!("{hour_of_12}:{minute:02} p.m."),
        ("es", ..) => format!("{hour}.{minute:02} horas"),
        ("fr", 0, 0) => "minuit".to_owned(),
        ("fr", 1, 0) => "1 heure".to_owned(),
        ("fr", _, 0) => format!("{hour} heures"),
        // No zero before the minutes: `La séance est ouverte à 10 h 5.`
        ("fr", ..) => format!("{hour} h {minute}"),
        ("ru", ..) => format!("{hour} ч. {minute:02} мин."),
        ("zh", 0, _) => format!("凌晨0:{minute:02}"),
        ("zh", 12, _) => format!("中午12:{minute:02}"),
        ("zh", 1..12, _) => format!("上午{hour}:{minute:02}"),
        ("zh", ..) => format!("下午{hour_of_12}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{date, time};
    use crate::people::Language;
    use jiff::civil;

    fn language(tag: &str) -> Language {
        Language::parse(tag).expect(tag)
    }

    fn panel(tag: &str) -> Option<String> {
        date(civil::date(2017, 9, 22), &language(tag))
    }

    #[test]
    fn writes_the_date_in_the_six_languages() {
        for (tag, words) in [
            ("ar", "الجمعة، 22 سبتمبر 2017"),
            ("en", "Friday, 22 September 2017"),
            ("es", "viernes, 22 de septiembre de 2017"),
            ("fr", "vendredi 22 septembre 2017"),
            ("ru", "пятница, 22 сентября 2017 г."),
            ("zh", "2017年9月22日星期五"),
        ] {
            assert_eq!(panel(tag).as_deref(), Some(words), "{tag}");
        }
        assert_eq!(date(civil::date(2027, 1, 1), &language("en")).as_deref(), Some("Friday, 1 January 2027"));
        assert_eq!(date(civil::date(2028, 2, 29), &language("fr")).as_deref(), Some("mardi 29 février 2028"));
    }

    #[test]
    fn writes_the_date_in_other_languages_and_regions() {
        for (tag, words) in [
            ("ar-EG", "الجمعة، ٢٢ سبتمبر ٢٠١٧"),
            ("de", "Freitag, 22. September 2017"),
            ("en-US", "Friday, September 22, 2017"),
            ("fa", "جمعه ۲۲ سپتامبر ۲۰۱۷"),
            ("he", "יום שישי, 22 בספטמבר 2017"),
            ("iw", "יום שישי, 22 בספטמבר 2017"),
            ("ja", "2017年9月22日金曜日"),
            ("pt", "sexta-feira, 22 de setembro de 2017"),
            ("pt-AO", "sexta-feira, 22 de setembro de 2017"),
            ("pt-PT", "sexta-feira, 22 de setembro de 2017"),
            ("sw", "Ijumaa 22, Septemba 2017"),
            ("tl", "Biyernes, Setyembre 22, 2017"),
            ("uk", "пʼятниця, 22 вересня 2017 р."),
            ("zh-Hant", "2017年9月22日星期五"),
        ] {
            assert_eq!(panel(tag).as_deref(), Some(words), "{tag}");
        }
    }

    #[test]
    fn knows_the_other_spellings_of_a_language() {
        for tag in ["cmn", "in", "mo", "prs", "sh"] {
            assert!(panel(tag).is_some(), "{tag}");
        }
    }

    #[test]
    fn writes_nothing_in_a_language_without_names_of_months() {
        for tag in ["bi", "mh", "qq", "tlh", "xxx", "zz", "en-Arab"] {
            assert_eq!(panel(tag), None, "{tag}");
        }
    }

    #[test]
    fn every_day_of_a_year_is_written_in_words_on_one_line() {
        for tag in ["ar", "en", "es", "fr", "ru", "zh"] {
            let mut day = civil::date(2028, 1, 1);
            while day.year() == 2028 {
                let words = date(day, &language(tag)).expect(tag);
                assert!(words.contains("2028") && words.contains(&day.day().to_string()), "{words}");
                assert!(!words.contains(|c: char| c.is_control() || c == '\u{a0}' || c == '\u{202f}'), "{words:?}");
                day = day.tomorrow().expect("before 9999");
            }
        }
    }

    #[test]
    fn writes_the_hour_as_the_united_nations_do() {
        let times = [(15, 0), (15, 30), (9, 5), (12, 0), (12, 30), (0, 0), (0, 30), (1, 0), (23, 59)];
        for (tag, words) in [
            ("ar", ["15:00", "15:30", "9:05", "12:00", "12:30", "0:00", "0:30", "1:00", "23:59"]),
            (
                "en",
                [
                    "3:00 p.m.",
                    "3:30 p.m.",
                    "9:05 a.m.",
                    "12 noon",
                    "12:30 p.m.",
                    "12 midnight",
                    "12:30 a.m.",
                    "1:00 a.m.",
                    "11:59 p.m.",
                ],
            ),
            (
                "es",
                [
                    "15.00 horas",
                    "15.30 horas",
                    "9.05 horas",
                    "12.00 horas",
                    "12.30 horas",
                    "0.00 horas",
                    "0.30 horas",
                    "1.00 horas",
                    "23.59 horas",
                ],
            ),
            ("fr", ["15 heures", "15 h 30", "9 h 5", "12 heures", "12 h 30", "minuit", "0 h 30", "1 heure", "23 h 59"]),
            (
                "ru",
                [
                    "15 ч. 00 мин.",
                    "15 ч. 30 мин.",
                    "9 ч. 05 мин.",
                    "12 ч. 00 мин.",
                    "12 ч. 30 мин.",
                    "0 ч. 00 мин.",
                    "0 ч. 30 мин.",
                    "1 ч. 00 мин.",
                    "23 ч. 59 мин.",
                ],
            ),
            (
                "zh",
                [
                    "下午3:00",
                    "下午3:30",
                    "上午9:05",
                    "中午12:00",
                    "中午12:30",
                    "凌晨0:00",
                    "凌晨0:30",
                    "上午1:00",
                    "下午11:59",
                ],
            ),
            ("de", ["15:00", "15:30", "09:05", "12:00", "12:30", "00:00", "00:30", "01:00", "23:59"]),
        ] {
            for ((hour, minute), wanted) in times.into_iter().zip(words) {
                assert_eq!(time(civil::time(hour, minute, 0, 0), &language(tag)), wanted, "{tag}");
            }
        }
        assert_eq!(time(civil::time(15, 0, 59, 0), &language("en-US")), "3:00 p.m.");
    }
}
