//! Mistakes that we might make, to show that the models see them: nothing here is what the program does.

use std::rc::Rc;

use convoke::calendar::PartStat;

use super::calendar::Client;
use super::law::{Post, play};
use super::letter::Letter;
use super::story::{Said, Story, Verb};
use super::told::Told;
use super::{CLIENTS, Course, Library, Record, all_fates, answers, courses, read, tell};

/// A mistake in the life of the object, made in every message of a course.
type Spoil = fn(&[Verb], &[Option<Rc<Told>>], usize, Told) -> Told;

/// What each is, and the clients at which it does harm even if every message arrives.
const MISTAKES: [(&str, Spoil, &[&str]); 7] = [
    (
        "a reminder made anew",
        |verbs, _, step, told| match verbs[step] {
            Verb::Remind => Told { dtstamp: told.dtstamp + 1, ..told },
            _ => told,
        },
        &["Thunderbird"],
    ),
    (
        "another hour with the same SEQUENCE",
        |verbs, plain, step, told| Told {
            sequence: told.sequence - raised(verbs, plain, step, Verb::Material),
            ..told
        },
        &["Google", "Proton"],
    ),
    (
        "a cancellation with the same SEQUENCE",
        |verbs, plain, step, told| Told { sequence: told.sequence - raised(verbs, plain, step, Verb::Cancel), ..told },
        &["Google"],
    ),
    (
        "another room with the same DTSTAMP",
        |_, plain, _, told| Told { dtstamp: first(plain).dtstamp + i64::from(told.sequence), ..told },
        &["RFC 5546", "Apple"],
    ),
    (
        "answers that are not repeated",
        |_, _, _, told| Told { partstat: PartStat::NeedsAction, ..told },
        &["Nextcloud", "Proton", "Stalwart", "Tuta", "Zimbra"],
    ),
    (
        "a new UID for each change",
        |_, _, _, told| Told { uid: format!("{}{}", told.dtstamp, told.uid), ..told },
        &[
            "Apple",
            "Exchange",
            "Google",
            "Nextcloud",
            "Proton",
            "RFC 5546",
            "Stalwart",
            "Thunderbird",
            "Tuta",
            "Zimbra",
        ],
    ),
    (
        "a cancellation as REQUEST",
        |_, _, _, told| Told { method: "REQUEST".to_owned(), ..told },
        &[
            "Apple",
            "Exchange",
            "Google",
            "Nextcloud",
            "Proton",
            "RFC 5546",
            "Stalwart",
            "Thunderbird",
            "Tuta",
            "Zimbra",
        ],
    ),
];

/// How often that verb has raised SEQUENCE up to and with a step.
fn raised(verbs: &[Verb], plain: &[Option<Rc<Told>>], step: usize, verb: Verb) -> u32 {
    let count = (0..=step).filter(|earlier| verbs[*earlier] == verb && plain[*earlier].is_some()).count();
    u32::try_from(count).expect("few")
}

fn first(plain: &[Option<Rc<Told>>]) -> &Told {
    plain.iter().flatten().next().expect("a message")
}

/// Those whom a mistake harms in histories where nothing is lost, late or unheard.
fn harmed(spoil: Spoil, story: &Story, library: &Library, courses: &[Course]) -> Vec<&'static str> {
    let is_harmed = |client: &&Client| {
        let mut record = Record::default();
        for Course { verbs, plain, .. } in courses {
            let heard = |answer: &Option<super::Answer>| answer.is_none_or(|answer| answer.is_heard);
            for answer in answers(plain).into_iter().filter(heard) {
                let post = Post::of(&all_fates(plain, 0)[0]);
                let ending = play(client, verbs, &post, answer, |heard| {
                    let messages = tell(story, library, verbs, heard).expect("possible");
                    let spoilt = |(step, told): (usize, &Option<Rc<Told>>)| {
                        Some(Rc::new(spoil(verbs, &messages, step, Told::clone(told.as_ref()?))))
                    };
                    messages.iter().enumerate().map(spoilt).collect()
                });
                record.keep(client, &ending, String::new, true, false);
            }
        }
        !record.broken.is_empty()
    };
    CLIENTS.iter().filter(is_harmed).map(|client| client.name).collect()
}

#[test]
fn our_mistakes_in_the_life_of_an_event_are_seen() {
    let (story, library) = (Story::new(), Library::default());
    let courses = courses(&story, &library, 3);
    assert!(harmed(|_, _, _, told| told, &story, &library, &courses).is_empty(), "without a mistake nobody is harmed");
    for (what, spoil, seen_by) in MISTAKES {
        let harmed = harmed(spoil, &story, &library, &courses);
        for client in seen_by {
            assert!(harmed.contains(client), "{what} is not seen at {client}, but at {harmed:?}");
        }
    }
}

/// A mistake in the message, and the clients that then show a mere mail or file, or mistrust it.
type Damage = (&'static str, fn(&str) -> String, &'static [&'static str]);

const DAMAGES: [Damage; 9] = [
    (
        "no method in the header",
        |mail| mail.replace("; method=\"REQUEST\"", ""),
        &["RFC 5546", "Google", "Nextcloud", "Stalwart", "Zimbra"],
    ),
    (
        "another method in the header",
        |mail| mail.replace("method=\"REQUEST\"", "method=\"CANCEL\""),
        &["RFC 5546", "Google", "Thunderbird", "Zimbra"],
    ),
    (
        "the calendar part as attachment",
        |mail| {
            mail.replace(
                "Content-Type: text/calendar",
                "Content-Disposition: attachment\r\nContent-Type: text/calendar",
            )
        },
        &["Exchange"],
    ),
    ("another name of the attachment", |mail| mail.replace("invite.ics", "invite.txt"), &["Proton"]),
    (
        "the attachment as a second invitation",
        |mail| mail.replace("application/ics;", "text/calendar; method=REQUEST;"),
        &["RFC 5546", "Stalwart"],
    ),
    ("no charset", |mail| mail.replace("; charset=\"UTF-8\"", ""), &["Exchange"]),
    (
        "From is not the organizer",
        |mail| mail.replace("<events@liechtenstein-un.example>\r\nTo", "<no-reply@liechtenstein-un.example>\r\nTo"),
        &["RFC 5546", "Nextcloud", "Stalwart", "Tuta"],
    ),
    (
        "To is somebody else",
        |mail| mail.replace("<guest@host.example>", "<list@host.example>"),
        &["Apple", "Exchange", "Google", "Nextcloud", "Proton", "Thunderbird", "Zimbra"],
    ),
    ("no alternative", |mail| mail.replace("multipart/alternative", "multipart/mixed"), &["Apple", "Google"]),
];

#[test]
fn our_mistakes_in_the_message_are_seen() {
    let Said::Message(octets) = Story::new().say(Verb::Invite) else { panic!("an invitation") };
    let mail = String::from_utf8(octets.to_vec()).expect("ASCII");
    let refusing = |mail: &str| -> Vec<&str> {
        let letter = Letter::open(mail.as_bytes()).expect("a message");
        CLIENTS.iter().filter(|client| read(client, &letter).is_err()).map(|client| client.name).collect()
    };
    assert!(refusing(&mail).is_empty());
    for (what, damage, seen_by) in DAMAGES {
        let damaged = damage(&mail);
        assert_ne!(mail, damaged, "{what} changes nothing in\n{mail}");
        assert_eq!(refusing(&damaged), seen_by, "{what}");
    }
}
