//! What receivers' calendars make of our messages: models of ten programs, each from its documented rule, fed with the
//! octets that the program sends, in all short histories with losses, delays and answers.
//!
//! Not tests of those programs: nothing here replaces a real mailbox. A rule that was read in a source or a specification is
//! named in the head of its file, and so is what was assumed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use convoke::calendar::PartStat;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy as _, any, prop_assert, prop_oneof, proptest};
use proptest::{option, sample::select};

use self::calendar::{Calendar, Client, Limit};
use self::law::{Answer, Ending, Fate, Post, play};
use self::letter::Letter;
use self::story::{Said, Story, Verb};
use self::told::{Messages, Told};
use crate::desk::repository;

mod apple;
mod calendar;
mod exchange;
mod google;
mod law;
mod letter;
mod mistakes;
mod nextcloud;
mod program;
mod proton;
mod rfc5546;
mod stalwart;
mod story;
mod thunderbird;
mod told;
mod tuta;
mod zimbra;

const CLIENTS: [Client; 10] = [
    rfc5546::CLIENT,
    apple::CLIENT,
    exchange::CLIENT,
    google::CLIENT,
    nextcloud::CLIENT,
    proton::CLIENT,
    stalwart::CLIENT,
    thunderbird::CLIENT,
    tuta::CLIENT,
    zimbra::CLIENT,
];

/// The object that a client takes from a message.
fn picked(client: &Client, letter: &Letter) -> Result<(String, Vec<u8>), String> {
    let mut objects = (client.pick)(letter)?;
    match objects.pop() {
        Some(object) if objects.is_empty() => Ok(object),
        _ => Err("more than one object, or none".to_owned()),
    }
}

/// What a client makes of an object with that METHOD.
fn admitted(client: &Client, method: &str, told: Told) -> Result<Told, String> {
    if told.method != *method {
        return Err(format!("goes by {method} where the object says {}", told.method));
    }
    (client.admit)(&told)?;
    Ok(told)
}

/// What a client reads in a message, or why it does not process it.
fn read(client: &Client, letter: &Letter) -> Result<Told, String> {
    let (method, object) = picked(client, letter)?;
    let [to] = letter.to.as_slice() else { return Err(format!("{} addresses in To", letter.to.len())) };
    admitted(client, &method, Told::read(&object, &letter.from, to)?)
}

/// What every client reads in a message of ours; `None` where it brings no calendar object.
#[track_caller]
fn understood(octets: &[u8]) -> Option<Told> {
    let letter = Letter::open(octets).expect("a message");
    if letter.leaves.iter().all(|leaf| matches!(leaf.kind.as_str(), "text/plain" | "text/html")) {
        return None;
    }
    let mut first: Option<(Vec<u8>, Told)> = None;
    for client in &CLIENTS {
        let read = match &first {
            None => read(client, &letter),
            // The same octets are not read again: it would take most of the time.
            Some((octets, told)) => picked(client, &letter).and_then(|(method, object)| {
                if object == *octets {
                    admitted(client, &method, told.clone())
                } else {
                    Err("another object".to_owned())
                }
            }),
        };
        let told = read.unwrap_or_else(|fault| panic!("{} says: {fault}", client.name));
        if first.is_none() {
            let (_, object) = picked(client, &letter).expect("it was read");
            first = Some((object, told));
        }
    }
    first.map(|(_, told)| told)
}

/// The messages of one course of verbs, as they depend on what we hear.
struct Course {
    verbs: Vec<Verb>,
    plain: Messages,
    heard: RefCell<HashMap<(usize, i64), Messages>>,
}

/// Messages that were opened before, by where their octets stand: a hash of them costs more than all the rest.
type Library = RefCell<HashMap<usize, (Rc<[u8]>, Option<Rc<Told>>)>>;

fn told(library: &Library, octets: Rc<[u8]>) -> Option<Rc<Told>> {
    let place = octets.as_ptr().addr();
    if let Some((_, told)) = library.borrow().get(&place) {
        return told.clone();
    }
    let told = understood(&octets).map(Rc::new);
    library.borrow_mut().insert(place, (octets, told.clone()));
    told
}

/// Tells a course from its beginning; `None` where a verb does nothing there.
fn tell(story: &Story, library: &Library, verbs: &[Verb], heard: Option<(Answer, &Told)>) -> Option<Messages> {
    let mut story = story.clone();
    let mut messages = Vec::new();
    for (step, verb) in verbs.iter().enumerate() {
        messages.push(match story.say(*verb) {
            Said::No if heard.is_none() => return None,
            Said::No | Said::Nothing => None,
            Said::Message(octets) => told(library, octets),
        });
        if let (Verb::Remind, Some(Some(told))) = (verb, messages.last()) {
            let reminded = messages.iter().rev().skip(1).flatten().next();
            assert_eq!(Some(told), reminded, "a reminder brings the same object again");
        }
        if let Some((answer, to)) = heard.filter(|(answer, _)| answer.step == step) {
            story.hear(answer.partstat, to);
        }
    }
    Some(messages.into())
}

impl Course {
    fn messages(&self, story: &Story, library: &Library, heard: Option<(Answer, &Told)>) -> Messages {
        let Some((answer, to)) = heard else { return Rc::clone(&self.plain) };
        let key = (answer.step, to.dtstamp);
        if let Some(known) = self.heard.borrow().get(&key) {
            return Rc::clone(known);
        }
        let messages = tell(story, library, &self.verbs, heard).expect("the verbs were possible without the answer");
        self.heard.borrow_mut().insert(key, Rc::clone(&messages));
        messages
    }
}

/// All courses of at most that many verbs that do something, each begun by an invitation or by changes before it.
fn courses(story: &Story, library: &Library, most: usize) -> Vec<Course> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<Verb>> = vec![Vec::new()];
    while let Some(verbs) = open.pop() {
        for verb in Verb::ALL {
            let mut verbs = verbs.clone();
            verbs.push(verb);
            // Before the invitation, changes raise the revision; more than two of them show nothing new.
            if !verbs.contains(&Verb::Invite) && verbs.len() > 2 {
                continue;
            }
            let Some(plain) = tell(story, library, &verbs, None) else { continue };
            if verbs.len() < most {
                open.push(verbs.clone());
            }
            if plain.iter().any(Option::is_some) {
                found.push(Course { verbs, plain, heard: RefCell::default() });
            }
        }
    }
    found
}

/// All ways in which at most that many messages of a course are lost, late or doubled.
fn all_fates(plain: &[Option<Rc<Told>>], most: usize) -> Vec<Vec<Fate>> {
    let mut all = vec![(vec![Fate::Prompt; plain.len()], 0)];
    for step in (0..plain.len()).filter(|step| plain[*step].is_some()) {
        for (fates, disturbed) in all.clone() {
            if disturbed == most {
                continue;
            }
            for fate in Fate::DISTURBING {
                // Behind the last message nothing comes.
                let is_felt = match fate {
                    Fate::Lost | Fate::Twice(_) => true,
                    Fate::Late(usize::MAX) => step + 3 < plain.len(),
                    Fate::Late(behind) => step + behind < plain.len(),
                    Fate::Prompt => false,
                };
                if is_felt {
                    let mut fates = fates.clone();
                    fates[step] = fate;
                    all.push((fates, disturbed + 1));
                }
            }
        }
    }
    all.into_iter().map(|(fates, _)| fates).collect()
}

/// What histories have shown of the clients' limits.
#[derive(Default)]
struct Record {
    histories: usize,
    played: usize,
    harmful: BTreeMap<(&'static str, Limit), usize>,
    broken: Vec<String>,
}

impl Record {
    fn keep(&mut self, client: &Client, ending: &Ending, history: impl Fn() -> String, is_prompt: bool, is_deaf: bool) {
        self.played += 1;
        let allowed = |limit: Limit| !is_prompt || (is_deaf && limit == Limit::TakesOurAnswer);
        for limit in ending.limits.iter() {
            if !client.limits.contains(&limit) || !allowed(limit) {
                self.broken.push(format!("{}: {limit:?} in {}", client.name, history()));
            }
        }
        for (what, explained) in &ending.broken {
            if explained.is_empty() {
                self.broken.push(format!("{}: {what} in {}", client.name, history()));
            }
            for limit in explained.iter() {
                *self.harmful.entry((client.name, limit)).or_default() += 1;
            }
        }
    }

    #[track_caller]
    fn close(&self) {
        let shown = self.broken.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.broken.is_empty(), "{} of {} plays:\n{shown}", self.broken.len(), self.played);
    }
}

/// Plays a course in every way.
fn explore(
    record: &mut Record,
    story: &Story,
    library: &Library,
    course: &Course,
    disturbances: usize,
    answers: &[Option<Answer>],
) {
    for fates in all_fates(&course.plain, disturbances) {
        let post = Post::of(&fates);
        let is_prompt = fates.iter().all(|fate| matches!(fate, Fate::Prompt | Fate::Lost));
        for answer in answers {
            record.histories += 1;
            let is_deaf = answer.is_some_and(|answer| !answer.is_heard);
            for client in &CLIENTS {
                let ending =
                    play(client, &course.verbs, &post, *answer, |heard| course.messages(story, library, heard));
                let history = || format!("{:?} {fates:?} {answer:?}", course.verbs);
                record.keep(client, &ending, history, is_prompt, is_deaf);
            }
        }
    }
}

/// No answer, and one after each message, heard and not; after the last one nobody could tell.
fn answers(plain: &[Option<Rc<Told>>]) -> Vec<Option<Answer>> {
    let one = |step, is_heard| Some(Answer { step, partstat: PartStat::Accepted, is_heard });
    let last = plain.len() - 1;
    let told = (0..last).filter(|step| plain[*step].is_some()).flat_map(|step| [one(step, true), one(step, false)]);
    [None, one(last, false)].into_iter().chain(told).collect()
}

/// What must be in the manual: each limit of each client shows in some history, and no other does.
#[track_caller]
fn assert_known(record: &Record) {
    let known: BTreeSet<(&str, Limit)> =
        CLIENTS.iter().flat_map(|client| client.limits.iter().map(|limit| (client.name, *limit))).collect();
    let seen: BTreeSet<(&str, Limit)> = record.harmful.keys().copied().collect();
    assert_eq!(seen, known);
}

#[test]
fn events_stand_as_we_said_last_in_every_calendar() {
    let (story, library) = (Story::new(), Library::default());
    let mut record = Record::default();
    for course in courses(&story, &library, 6) {
        let answers = answers(&course.plain);
        match course.verbs.len() {
            ..=3 => explore(&mut record, &story, &library, &course, 2, &answers),
            4 => {
                explore(&mut record, &story, &library, &course, 1, &answers);
                explore(&mut record, &story, &library, &course, 2, &answers[..1]);
            }
            5 => explore(&mut record, &story, &library, &course, 1, &answers),
            // The bigger ones are for `tests/soak`.
            _ => {
                explore(&mut record, &story, &library, &course, 0, &answers);
                explore(&mut record, &story, &library, &course, 1, &answers[..1]);
            }
        }
    }
    record.close();
    assert_known(&record);
    assert!(record.histories > 80_000, "{} histories", record.histories);
}

#[test]
#[ignore = "minutes; tests/soak runs it in release"]
fn soak_clients() {
    let (story, library) = (Story::new(), Library::default());
    let mut record = Record::default();
    for course in courses(&story, &library, 6) {
        let answers = answers(&course.plain);
        match course.verbs.len() {
            ..=4 => explore(&mut record, &story, &library, &course, 3, &answers),
            5 => explore(&mut record, &story, &library, &course, 2, &answers),
            _ => {
                explore(&mut record, &story, &library, &course, 1, &answers);
                explore(&mut record, &story, &library, &course, 2, &answers[..1]);
            }
        }
    }
    record.close();
    assert_known(&record);
    println!("{} histories at {} clients", record.histories, CLIENTS.len());
    for ((client, limit), count) in &record.harmful {
        println!("{client}: {limit:?} in {count}");
    }
}

/// Longer histories than can be counted through, and everything may go wrong in them.
#[test]
fn any_history_ends_as_we_said_last() {
    let fate = prop_oneof![
        4 => Just(Fate::Prompt),
        1 => Just(Fate::Lost),
        1 => (1..5_usize).prop_map(Fate::Late),
        1 => (1..5_usize).prop_map(Fate::Twice),
    ];
    let partstat = select(vec![PartStat::Accepted, PartStat::Declined, PartStat::Tentative]);
    let answer = (0..12_usize, partstat, any::<bool>());
    let steps = vec((select(Verb::ALL.to_vec()), fate), 1..12);
    let (story, library) = (Story::new(), Library::default());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in steps, answer in option::of(answer))| {
        // What the program refuses is no step.
        let mut told = story.clone();
        let steps: Vec<_> = steps.into_iter().filter(|(verb, _)| !matches!(told.say(*verb), Said::No)).collect();
        let (verbs, fates): (Vec<Verb>, Vec<Fate>) = steps.into_iter().unzip();
        let plain = tell(&story, &library, &verbs, None).expect("possible verbs");
        let course = Course { verbs, plain, heard: RefCell::default() };
        let answer = answer.map(|(step, partstat, is_heard)| Answer { step, partstat, is_heard });
        let mut record = Record::default();
        let is_prompt = fates.iter().all(|fate| matches!(fate, Fate::Prompt | Fate::Lost));
        for client in &CLIENTS {
            let ending = play(client, &course.verbs, &Post::of(&fates), answer, |heard| course.messages(&story, &library, heard));
            let history = || format!("{:?} {fates:?} {answer:?}", course.verbs);
            record.keep(client, &ending, history, is_prompt, answer.is_some_and(|answer| !answer.is_heard));
        }
        prop_assert!(record.broken.is_empty(), "{:#?}", record.broken);
    });
}

/// Another house with the same hours: SEQUENCE rises, and who accepted is asked again; one program does not pass that on.
#[test]
fn a_change_of_place_alone_is_asked_about_everywhere_but_in_exchange() {
    let Said::Message(octets) = Story::new().say(Verb::Invite) else { panic!("an invitation") };
    let invited = understood(&octets).expect("an object");
    let (sequence, dtstamp) = (invited.sequence + 1, invited.dtstamp + 1);
    let moved = Told { sequence, dtstamp, location: "Elsewhere".to_owned(), ..invited.clone() };
    for client in &CLIENTS {
        let mut guest = Calendar::default();
        (client.receive)(&mut guest, &Rc::new(invited.clone()));
        guest.answer(PartStat::Accepted).expect("the event stands");
        (client.receive)(&mut guest, &Rc::new(moved.clone()));
        let entry = guest.standing().next().expect("the event stands");
        assert_eq!(entry.told.location, "Elsewhere", "{}", client.name);
        let kept = if client.name == "Exchange" { PartStat::Accepted } else { PartStat::NeedsAction };
        assert_eq!(entry.partstat, kept, "{}", client.name);
    }
}

/// What a guest can do about it stands in the manual, with the names of the programs.
#[test]
fn every_limit_of_a_client_is_in_the_manual() {
    let manual = std::fs::read_to_string(repository().join("src/manual/known.md")).expect("the manual");
    let lines: Vec<String> = manual
        .split("\n- ")
        .flat_map(|entry| entry.split("\n  - "))
        .map(|entry| entry.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for limit in Limit::ALL {
        let entry = lines.iter().find(|line| line.contains(limit.in_the_manual()));
        let entry = entry.unwrap_or_else(|| panic!("{limit:?}: no entry with `{}`", limit.in_the_manual()));
        for client in CLIENTS.iter().filter(|client| client.limits.contains(&limit)) {
            // What every program does needs no list of names, and the standard is none.
            let is_named = entry.contains(client.name) || entry.contains("every program") || client.name == "RFC 5546";
            assert!(is_named, "{limit:?} does not name {} in `{entry}`", client.name);
        }
    }
}
