//! What receivers' calendars make of our messages: models of ten programs, each from its documented rule, fed with the
//! octets that the program sends, in all short histories with losses, delays and answers.
//!
//! Not tests of those programs: nothing here replaces a real mailbox. A rule that was read in a source or a specification is
//! named in the head of its file, and so is what was assumed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use convoke::calendar::PartStat;

use self::calendar::{Client, Limit};
use self::law::{Answer, Ending, Fate, play};
use self::letter::Letter;
use self::story::{Said, Story, Verb};
use self::told::Told;

mod apple;
mod calendar;
mod exchange;
mod google;
mod law;
mod letter;
mod nextcloud;
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

/// What a client reads in a message, or why it does not process it.
fn opened(client: &Client, octets: &[u8]) -> Result<Told, String> {
    let letter = Letter::open(octets).ok_or("no message")?;
    let objects = (client.pick)(&letter)?;
    let [(method, object)] = objects.as_slice() else { return Err(format!("{} objects", objects.len())) };
    let [to] = letter.to.as_slice() else { return Err(format!("{} addresses in To", letter.to.len())) };
    let told = Told::read(object, &letter.from, to)?;
    if told.method != *method {
        return Err(format!("goes by {method} where the object says {}", told.method));
    }
    (client.admit)(&told)?;
    Ok(told)
}

/// What every client reads in a message of ours.
#[track_caller]
fn understood(octets: &[u8]) -> Told {
    let read: Vec<Told> = CLIENTS
        .iter()
        .map(|client| opened(client, octets).unwrap_or_else(|fault| panic!("{} says: {fault}", client.name)))
        .collect();
    assert!(read.windows(2).all(|two| two[0] == two[1]), "clients read different objects: {read:#?}");
    read.into_iter().next().expect("there are clients")
}

/// The messages of one course of verbs, as they depend on what we hear.
struct Course {
    verbs: Vec<Verb>,
    plain: Rc<[Option<Rc<Told>>]>,
    heard: RefCell<HashMap<(usize, i64), Rc<[Option<Rc<Told>>]>>>,
}

/// Messages that were opened before.
type Library = RefCell<HashMap<Rc<[u8]>, Rc<Told>>>;

fn told(library: &Library, octets: Rc<[u8]>) -> Rc<Told> {
    if let Some(told) = library.borrow().get(&octets) {
        return Rc::clone(told);
    }
    let told = Rc::new(understood(&octets));
    library.borrow_mut().insert(octets, Rc::clone(&told));
    told
}

/// Tells a course from its beginning; `None` where a verb does nothing there.
fn tell(story: &Story, library: &Library, verbs: &[Verb], heard: Option<(Answer, &Told)>) -> Option<Rc<[Option<Rc<Told>>]>> {
    let mut story = story.clone();
    let mut messages = Vec::new();
    for (step, verb) in verbs.iter().enumerate() {
        messages.push(match story.say(*verb) {
            Said::No if heard.is_none() => return None,
            Said::No | Said::Nothing => None,
            Said::Message(octets) => Some(told(library, octets)),
        });
        if let Some((answer, to)) = heard.filter(|(answer, _)| answer.step == step) {
            story.hear(answer.partstat, to);
        }
    }
    Some(messages.into())
}

impl Course {
    fn messages(&self, story: &Story, library: &Library, heard: Option<(Answer, &Told)>) -> Rc<[Option<Rc<Told>>]> {
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
fn explore(record: &mut Record, story: &Story, library: &Library, course: &Course, disturbances: usize, answers: &[Option<Answer>]) {
    for fates in all_fates(&course.plain, disturbances) {
        let is_prompt = fates.iter().all(|fate| matches!(fate, Fate::Prompt | Fate::Lost));
        for answer in answers {
            record.histories += 1;
            let is_deaf = answer.is_some_and(|answer| !answer.is_heard);
            for client in &CLIENTS {
                let ending = play(client, &fates, *answer, |heard| course.messages(story, library, heard));
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

#[test]
fn events_stand_as_we_said_last_in_every_calendar() {
    let began = std::time::Instant::now();
    let (story, library) = (Story::new(), Library::default());
    let mut record = Record::default();
    for course in courses(&story, &library, 6) {
        let answers = answers(&course.plain);
        let (disturbances, silent) = match course.verbs.len() {
            ..=4 => (2, false),
            5 => (1, false),
            _ => (1, true),
        };
        if silent {
            explore(&mut record, &story, &library, &course, 0, &answers);
        }
        explore(&mut record, &story, &library, &course, disturbances, if silent { &answers[..1] } else { &answers });
    }
    eprintln!("{} histories, {} plays, {:?}, {:#?}", record.histories, record.played, began.elapsed(), record.harmful);
    record.close();
    let known: BTreeSet<(&str, Limit)> =
        CLIENTS.iter().flat_map(|client| client.limits.iter().map(|limit| (client.name, *limit))).collect();
    let seen: BTreeSet<(&str, Limit)> = record.harmful.keys().copied().collect();
    assert_eq!(seen, known, "each limit shows in some history, and no other does");
}
