//! Who speaks in a message: a calendar, a program for somebody absent, or a person.
//!
//! What: [`answered`], [`echoed`], [`spoken`], each a [`Reading`] of its kind. Their order is that of evidence: a calendar answer
//! comes before the test for automatic mail (Google sends its answers as `auto-generated`), a foreign calendar after the tests for
//! bounces (which give our own request back), words last. Not here: bounces, complaints, receipts. Called by: `replies::read`.
//! Can fail: nothing.

use jiff::civil::Date;
use jiff::tz::Offset;

use super::answer::{self, Calendars};
use super::{Kind, Mail, Reading, absence, date, letter};

/// What attendees' calendars answer, if any does.
pub(super) fn answered(mail: &Mail<'_>, calendars: &Calendars) -> Option<Reading> {
    if calendars.answers.is_empty() {
        return None;
    }
    let mut reading = Reading::new(Kind::Answer, &calendars.because);
    reading.answers.clone_from(&calendars.answers);
    reading.findings.clone_from(&calendars.findings);
    // One answer's note may stand in the text only: Google's after an introduction, Exchange's as the whole text.
    if let [only] = reading.answers.as_mut_slice()
        && only.comment.is_none()
    {
        let maker = calendars.prodid.as_deref().unwrap_or("").to_ascii_lowercase();
        only.comment = if maker.contains("microsoft") || maker.contains("outlook") {
            Some(letter::own_words(mail)).filter(|words| !words.is_empty())
        } else if maker.contains("google") {
            letter::note(&mail.text())
        } else {
            None
        };
        if let Some(comment) = &mut only.comment {
            *comment = answer::clipped(comment, 10_000);
        }
    }
    reading.wants_call = reading
        .answers
        .iter()
        .filter_map(|answer| answer.comment.as_deref())
        .any(|text| letter::meaning(text).wants_call);
    if reading.answers.iter().all(|answer| answer.partstat.is_none())
        && let Some((partstat, words)) = subject_answer(mail)
    {
        reading.suggestion = Some(partstat);
        reading.suggested_by = Some(format!("its subject begins `{words}`"));
    }
    Some(reading)
}

/// A calendar that is no answer: our own come back, or somebody else's. A reply by hand that still carries our calendar is a letter.
pub(super) fn echoed(mail: &Mail<'_>, calendars: &Calendars) -> Option<Reading> {
    let what = calendars.echo.as_ref()?;
    let head = mail.head();
    let is_program = head.plain("Auto-Submitted").is_some_and(|value| value.to_ascii_lowercase().contains("replied"));
    let words = letter::own_words(mail);
    if is_program || head.has("In-Reply-To") && !words.is_empty() {
        return None;
    }
    let mut reading = Reading::new(Kind::Echo, &format!("a calendar that answers nothing: {what}"));
    reading.words = Some(words).filter(|words| !words.is_empty());
    reading.findings.clone_from(&calendars.findings);
    Some(reading)
}

/// What words say, a program's or a person's.
pub(super) fn spoken(mail: &Mail<'_>) -> Reading {
    let head = mail.head();
    let words = letter::own_words(mail);
    let subject = head.text("Subject").unwrap_or_default();
    if let Some(because) = why_unsubscribe(mail, &subject, &words) {
        return with_words(Reading::new(Kind::Unsubscribe, because), words);
    }
    if let Some(because) = absence::why_challenge(mail, &words) {
        return with_words(Reading::new(Kind::Challenge, &because), words);
    }
    if let Some(because) = absence::why_automatic(mail, &words) {
        let mut reading = Reading::new(Kind::AutoReply, &because);
        reading.absence = Some(absence::absence(&words, &subject, written(mail), &answer::writer(mail).addresses));
        return with_words(reading, words);
    }
    let mut reading = Reading::new(Kind::Letter, "nothing else fits");
    let meaning = letter::meaning(&words);
    if let Some((partstat, prefix)) = subject_answer(mail) {
        reading.suggestion = Some(partstat);
        reading.suggested_by = Some(format!("its subject begins `{prefix}`"));
    } else {
        reading.suggestion = meaning.partstat;
        reading.suggested_by = meaning.words.map(|words| format!("it says `{words}`"));
    }
    reading.persons = meaning.persons;
    reading.wants_floor = meaning.wants_floor;
    reading.wants_call = meaning.wants_call;
    with_words(reading, words)
}

fn with_words(mut reading: Reading, words: String) -> Reading {
    reading.words = Some(words).filter(|words| !words.is_empty());
    reading
}

/// The rule by which a message is a wish to be left alone.
fn why_unsubscribe(mail: &Mail<'_>, subject: &str, words: &str) -> Option<&'static str> {
    let is_word = |text: &str| text.trim().to_ascii_lowercase().starts_with("unsubscribe");
    let is_address = |address: &String| {
        let local = address.split('@').next().unwrap_or("").to_ascii_lowercase();
        local.contains("unsubscribe")
    };
    let head = mail.head();
    if ["To", "Delivered-To", "X-Original-To"].iter().any(|name| head.addresses(name).iter().any(is_address)) {
        return Some("it was sent to the address for unsubscribing");
    }
    if is_word(subject) {
        return Some("its subject is `unsubscribe`");
    }
    letter::is_unsubscribe(words).then_some("its one line asks not to be written to again")
}

fn subject_answer(mail: &Mail<'_>) -> Option<(crate::calendar::PartStat, String)> {
    letter::subject_answer(&mail.head().text("Subject")?)
}

/// The day on which it was written, by UTC.
fn written(mail: &Mail<'_>) -> Option<Date> {
    date(mail.head()).map(|instant| Offset::UTC.to_datetime(instant).date())
}

#[cfg(test)]
mod tests;
