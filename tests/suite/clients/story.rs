//! What the program says to one guest, verb by verb.
//!
//! What: [`Story`] does what a verb of the command line does and gives the octets that go to the guest we look at: states of
//! the event by `plan::History`, messages by `message::Composer`.
//! Not here: what his calendar makes of them (the clients), losses and delays (`law`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use convoke::calendar::{OrganizerMethod, PartStat, Sequence};
use convoke::input::event_file::{self, EventFile};
use convoke::mail::AddrSpec;
use convoke::message::{Composer, Library, Reader, Sources};
use convoke::people::{Kind, Language};
use convoke::plan::{
    Dispatch, DispatchKey, Entry, Facts, FolderKey, Held, History, Identity, Purpose, Revision, RevisionKind,
};
use jiff::{SignedDuration, Timestamp};

use super::told::Told;
use crate::desk::repository;

/// What the organiser does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    /// `send`: whoever has no invitation gets one; late ones too.
    Invite,
    /// `remind`.
    Remind,
    /// `update` after the room changed.
    Wording,
    /// `update` after the hour changed.
    Material,
    /// `cancel --all`.
    Cancel,
    /// `cancel --to` the guest.
    Withdraw,
    /// `reinstate`.
    Reinstate,
}

impl Verb {
    pub(crate) const ALL: [Self; 7] =
        [Self::Invite, Self::Remind, Self::Wording, Self::Material, Self::Cancel, Self::Withdraw, Self::Reinstate];
}

/// What a verb did.
pub(crate) enum Said {
    /// The program has nothing to do or says no.
    No,
    /// Others may have got something.
    Nothing,
    /// The guest is written to; without a calendar object to one who needs none.
    Message(Rc<[u8]>),
}

/// When the first state of the event is made, in seconds; each further one comes a thousand later.
const START: i64 = 1_504_000_000;
const SPAN: i64 = 1000;

/// How often the room and the hour were changed: which facts.
type Edition = (usize, usize);

/// What was sent to the guest last that brings an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) purpose: Purpose,
    pub(crate) revision: u32,
    pub(crate) entry: Entry,
    edition: Edition,
}

/// One story up to now: the table of RFC 5546 section 2.1.4 for one guest over the real revisions.
///
/// Who is told what is planned by the store's statements; `journal` checks that they plan what is told here.
#[derive(Clone)]
pub(crate) struct Story {
    workshop: Rc<RefCell<Workshop>>,
    edition: Edition,
    /// Which states of the event there are; they stand in the workshop.
    path: Vec<(RevisionKind, Edition)>,
    pub(crate) last: Option<Last>,
    /// The newest state for which he was asked.
    asked_at: u32,
    /// What we heard, and of which state.
    answer: Option<(PartStat, u32)>,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self {
            workshop: Rc::new(RefCell::new(Workshop::open())),
            edition: (0, 0),
            path: vec![(RevisionKind::First, (0, 0))],
            last: None,
            asked_at: 0,
            answer: None,
        }
    }

    /// An answer to what was told.
    pub(crate) fn hear(&mut self, partstat: PartStat, told: &Told) {
        self.answer = Some((partstat, u32::try_from((told.dtstamp - START) / SPAN).expect("a revision")));
    }

    /// Does what a verb does.
    pub(crate) fn say(&mut self, verb: Verb) -> Said {
        let history = self.history();
        let is_in = self.last.is_some_and(|last| last.entry.method == OrganizerMethod::Request);
        let kind = match verb {
            Verb::Invite if !history.is_cancelled() && self.last.is_none() => {
                let current = history.current();
                self.asked_at = current.number;
                let (sequence, partstat) = (current.sequence, PartStat::NeedsAction);
                return self.send(Purpose::Invitation, current.number, sequence, partstat);
            }
            Verb::Remind => {
                let Some(last) = self.last.filter(|_| is_in) else { return Said::No };
                if self.answered() != PartStat::NeedsAction {
                    return Said::Nothing;
                }
                return Said::Message(self.workshop.borrow_mut().message(Purpose::Reminder, &last, None, &self.path));
            }
            Verb::Wording | Verb::Material if history.is_cancelled() => return Said::No,
            Verb::Wording => {
                self.edition.0 += 1;
                RevisionKind::Wording
            }
            Verb::Material => {
                self.edition.1 += 1;
                RevisionKind::Material
            }
            Verb::Cancel if !history.is_cancelled() && self.last.is_some() => RevisionKind::Cancellation,
            Verb::Withdraw if is_in => RevisionKind::Withdrawal,
            Verb::Reinstate if self.last.is_some() && !is_in => RevisionKind::Reinstatement,
            _ => return Said::No,
        };
        self.path.push((kind, self.edition));
        let history = self.history();
        let Revision { number, sequence, .. } = *history.latest();
        let (purpose, is_meant) = match kind {
            RevisionKind::Cancellation | RevisionKind::Withdrawal => (Purpose::Cancellation, is_in),
            RevisionKind::Reinstatement => (Purpose::Update, true),
            _ => (Purpose::Update, is_in),
        };
        let Some(last) = self.last.filter(|_| is_meant) else { return Said::Nothing };
        let (sequence, partstat) = match (kind.raises_sequence(), kind.asks_again()) {
            (_, true) => (sequence, PartStat::NeedsAction),
            (true, false) => (sequence, self.answered()),
            (false, false) => (last.entry.sequence, self.answered()),
        };
        if kind.asks_again() {
            self.asked_at = number;
        }
        self.send(purpose, number, sequence, partstat)
    }

    /// What he answered, where it still counts.
    fn answered(&self) -> PartStat {
        let counting = self.answer.filter(|(_, revision)| *revision >= self.asked_at);
        counting.map_or(PartStat::NeedsAction, |(partstat, _)| partstat)
    }

    fn send(&mut self, purpose: Purpose, revision: u32, sequence: Sequence, partstat: PartStat) -> Said {
        let method = purpose.method().expect("these bring an object");
        let entry = Entry { method, sequence, partstat };
        let last = Last { purpose, revision, entry, edition: self.edition };
        let before = self.last.replace(last);
        Said::Message(self.workshop.borrow_mut().message(purpose, &last, before.as_ref(), &self.path))
    }

    fn history(&self) -> Rc<History> {
        self.workshop.borrow_mut().history(&self.path)
    }
}

/// What was made before.
pub(crate) struct Workshop {
    settings: String,
    library: Arc<Library>,
    files: HashMap<Edition, Rc<(EventFile, Facts)>>,
    histories: HashMap<Vec<(RevisionKind, Edition)>, Rc<History>>,
    messages: HashMap<Sent, Rc<[u8]>>,
}

/// All that sets two states of the event apart here.
type Revised = (u32, Sequence, RevisionKind, Edition);

/// All that sets two messages apart here: the last is what the guest has.
type Sent = (Purpose, Entry, Revised, Option<Revised>);

impl Workshop {
    fn open() -> Self {
        let settings = std::fs::read_to_string(repository().join("convoke.toml")).expect("the sample's settings");
        let file = event_file::read("convoke.toml", &settings).expect("no problems");
        let mut files = BTreeMap::new();
        templates(&repository().join("templates"), "", &mut files);
        // The others would only take time: `oracles` reads all languages.
        let is_foreign =
            |name: &str| ["ar", "es", "fr", "ru", "zh"].iter().any(|tag| name.contains(&format!(".{tag}.")));
        files.retain(|name, _| !is_foreign(name));
        for purpose in ["update", "cancellation", "reminder"] {
            let letter =
                "+++\nsubject = \"{{event.title}}\"\nregister = \"letter\"\n+++\nTo {{entity}}: see your calendar.\n";
            files.entry(format!("{purpose}/mission.en.md.hbs")).or_insert_with(|| letter.to_owned());
        }
        let columns: BTreeSet<String> = [
            "email",
            "entity",
            "kind",
            "language",
            "honorific",
            "given",
            "family",
            "rank",
            "title",
            "of_state",
            "answer",
        ]
        .map(str::to_owned)
        .into();
        let library = Library::load(&Sources::new("templates", files), &file, &columns).expect("no problems");
        Self {
            settings,
            library: Arc::new(library),
            files: HashMap::new(),
            histories: HashMap::new(),
            messages: HashMap::new(),
        }
    }

    fn facts(&mut self, edition: Edition) -> Rc<(EventFile, Facts)> {
        let (settings, library) = (&self.settings, &self.library);
        let made = self.files.entry(edition).or_insert_with(|| {
            let (room, hour) = edition;
            let text = settings
                .replace("Conference Room 2", &format!("Conference Room {}", 2 + room))
                .replace("2017-09-22T15:00:00", &format!("2017-09-22T15:{:02}:00", 5 * hour));
            let file = event_file::read("convoke.toml", &text).expect("no problems");
            let facts = library.facts(&file).expect("no problems");
            Rc::new((file, facts))
        });
        Rc::clone(made)
    }

    fn history(&mut self, path: &[(RevisionKind, Edition)]) -> Rc<History> {
        if let Some(made) = self.histories.get(path) {
            return Rc::clone(made);
        }
        let ((kind, edition), before) = path.split_last().expect("a history has a beginning");
        let (file, facts) = &*self.facts(*edition);
        let now = Timestamp::from_second(START + SPAN * i64::try_from(before.len()).expect("few")).expect("an instant");
        let made = if before.is_empty() {
            History::begun(Revision::first(facts, now))
        } else {
            let is_withdrawn = *kind == RevisionKind::Withdrawal;
            let facts = match kind {
                RevisionKind::Cancellation | RevisionKind::Withdrawal => {
                    self.library.cancelled(file, facts.clone(), is_withdrawn, "").expect("no problems")
                }
                _ => facts.clone(),
            };
            let history = self.history(before);
            let next = history.next(*kind, &facts, "", now).expect("SEQUENCE may rise");
            History::clone(&history).with(next)
        };
        let made = Rc::new(made);
        self.histories.insert(path.to_vec(), Rc::clone(&made));
        made
    }

    fn message(
        &mut self,
        purpose: Purpose,
        last: &Last,
        before: Option<&Last>,
        path: &[(RevisionKind, Edition)],
    ) -> Rc<[u8]> {
        let history = self.history(path);
        let revised = |last: &Last| {
            let revision = history.get(last.revision).expect("it was made");
            (last.revision, revision.sequence, revision.kind, last.edition)
        };
        let key = (purpose, last.entry, revised(last), before.map(revised));
        if let Some(made) = self.messages.get(&key) {
            return Rc::clone(made);
        }
        let made = self.compose(purpose, last, before, &history);
        self.messages.insert(key, Rc::clone(&made));
        made
    }

    fn compose(&mut self, purpose: Purpose, last: &Last, before: Option<&Last>, history: &History) -> Rc<[u8]> {
        let (file, _) = &*self.facts(last.edition);
        let numbers: BTreeSet<u32> =
            [Some(0), before.map(|before| before.revision), Some(last.revision)].into_iter().flatten().collect();
        let told = numbers.iter().map(|number| history.get(*number).expect("it was made").clone()).collect();
        let told = History::new(told).expect("a history has a beginning");
        let folder_key = FolderKey::new([7; 32]);
        let composer = Composer::new(file, Arc::clone(&self.library), &folder_key, &told).expect("no problems");
        let address = AddrSpec::parse("guest@host.example").expect("an address");
        let language = Language::parse("en").expect("a language");
        let entity = "Permanent Mission of the Republic of C\u{f4}te d'Ivoire to the United Nations";
        let cells: BTreeMap<String, String> = [
            ("email", address.as_str()),
            ("entity", entity),
            ("kind", "mission"),
            ("language", "en"),
            ("of_state", "of the Republic of C\u{f4}te d'Ivoire"),
            // Reminders print it; those that bring an object go to the silent.
            ("answer", ""),
        ]
        .map(|(column, cell)| (column.to_owned(), cell.to_owned()))
        .into();
        let reader = Reader { address: &address, entity, kind: Kind::Mission, language: &language, cells: &cells };
        let is_reminder = purpose == Purpose::Reminder;
        let key =
            DispatchKey { purpose, revision: last.revision, mailing: i64::from(is_reminder), recipient: address.key() };
        let held = if is_reminder { Some(last) } else { before };
        let first = DispatchKey { purpose: Purpose::Invitation, revision: 0, mailing: 0, recipient: address.key() };
        let thread = Identity::derive(&folder_key, &file.event.id, &first, &file.sender.address).message_id;
        let dispatch = Dispatch {
            key,
            entry: Some(last.entry),
            held: held.map(|held| Held {
                revision: held.revision,
                sequence: held.entry.sequence,
                method: held.entry.method,
                language: Some(language.clone()),
            }),
            thread: held.map(|_| thread),
        };
        let revision = history.get(last.revision).expect("it was made");
        let date = revision.dtstamp + SignedDuration::from_secs(60);
        composer.draft(&reader, &dispatch, date, date).expect("no problems").octets.into()
    }
}

fn templates(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("templates") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            templates(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, std::fs::read_to_string(&path).expect("a template"));
        }
    }
}
