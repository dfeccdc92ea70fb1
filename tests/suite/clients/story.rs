//! What the program says to one guest, verb by verb.
//!
//! What: [`Story`] does what a verb of the command line does and gives the octets that go to the guest we look at.
//! Not here: what his calendar makes of them (the clients), losses and delays (`law`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use convoke::calendar::{Object, OrganizerMethod, PartStat, Sequence};
use convoke::input::event_file;
use convoke::mail::{AddrSpec, Mailbox};
use convoke::message::{Composer, Library, Reader, Sources};
use convoke::people::{Kind, Language};
use convoke::plan::{DispatchKey, Facts, FolderKey, Identity, Purpose, Revision};
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

/// Composers and messages that were made before.
pub(crate) struct Workshop {
    settings: String,
    library: Arc<Library>,
    composers: HashMap<(usize, usize, Revised), Rc<Composer>>,
    messages: HashMap<(usize, usize, Revised, PartStat, OrganizerMethod, Purpose), Rc<[u8]>>,
}

type Revised = (u32, u32, i64);

/// One story up to now.
#[derive(Clone)]
pub(crate) struct Story {
    workshop: Rc<RefCell<Workshop>>,
    step: usize,
    /// How often room and hour changed.
    facts: (usize, usize),
    revision: Revised,
    is_standing: bool,
    held: Option<(Revised, bool)>,
    asked_since: u32,
    answer: Option<(PartStat, u32)>,
}

const START: i64 = 1_504_000_000;

impl Story {
    pub(crate) fn new() -> Self {
        Self {
            workshop: Rc::new(RefCell::new(Workshop::open())),
            step: 0,
            facts: (0, 0),
            revision: (0, 0, START),
            is_standing: true,
            held: None,
            asked_since: 0,
            answer: None,
        }
    }

    /// An answer to what was told.
    pub(crate) fn hear(&mut self, partstat: PartStat, told: &Told) {
        // DTSTAMP grows by a thousand with each revision.
        self.answer = Some((partstat, u32::try_from((told.dtstamp - START) / 1000).expect("a revision")));
    }

    pub(crate) fn say(&mut self, verb: Verb) -> Said {
        self.step += 1;
        let (number, sequence, _) = self.revision;
        let next = |sequence| (number + 1, sequence, START + 1000 * i64::from(number + 1));
        let is_held = self.held.is_some_and(|(_, is_cancel)| !is_cancel);
        let echo = self
            .answer
            .filter(|(_, revision)| *revision >= self.asked_since)
            .map_or(PartStat::NeedsAction, |(partstat, _)| partstat);
        let (purpose, method, partstat) = match verb {
            Verb::Invite if self.is_standing && self.held.is_none() => {
                (Purpose::Invitation, OrganizerMethod::Request, PartStat::NeedsAction)
            }
            Verb::Remind if is_held && echo == PartStat::NeedsAction => {
                let (revision, _) = self.held.expect("held");
                return Said::Message(self.message(revision, OrganizerMethod::Request, echo));
            }
            Verb::Remind if is_held => return Said::Nothing,
            Verb::Wording if self.is_standing => {
                self.revision = next(sequence);
                self.facts.0 = self.step;
                (Purpose::Invitation, OrganizerMethod::Request, echo)
            }
            Verb::Material if self.is_standing => {
                self.revision = next(sequence + 1);
                self.facts.1 = self.step;
                self.asked_since = self.revision.0;
                (Purpose::Invitation, OrganizerMethod::Request, PartStat::NeedsAction)
            }
            Verb::Cancel if self.is_standing && is_held => {
                self.revision = next(sequence + 1);
                self.is_standing = false;
                (Purpose::Invitation, OrganizerMethod::Cancel, echo)
            }
            Verb::Withdraw if self.is_standing && is_held => {
                self.revision = next(sequence + 1);
                (Purpose::Invitation, OrganizerMethod::Cancel, echo)
            }
            Verb::Reinstate if self.held.is_some_and(|(_, is_cancel)| is_cancel) => {
                self.revision = next(sequence + 1);
                self.is_standing = true;
                self.asked_since = self.revision.0;
                (Purpose::Invitation, OrganizerMethod::Request, PartStat::NeedsAction)
            }
            _ => return Said::No,
        };
        let _ = purpose;
        let is_told = match verb {
            Verb::Invite | Verb::Reinstate => true,
            _ => is_held,
        };
        if !is_told {
            return Said::Nothing;
        }
        self.held = Some((self.revision, method == OrganizerMethod::Cancel));
        Said::Message(self.message(self.revision, method, partstat))
    }

    fn message(&self, revision: Revised, method: OrganizerMethod, partstat: PartStat) -> Rc<[u8]> {
        let (room, hour) = self.facts;
        let key = (room, hour, revision, partstat, method, Purpose::Invitation);
        if let Some(made) = self.workshop.borrow().messages.get(&key) {
            return Rc::clone(made);
        }
        let made = self.workshop.borrow_mut().compose(room, hour, revision, method, partstat);
        self.workshop.borrow_mut().messages.insert(key, Rc::clone(&made));
        made
    }
}

impl Workshop {
    fn open() -> Self {
        let settings = std::fs::read_to_string(repository().join("convoke.toml")).expect("the sample's settings");
        let file = event_file::read("convoke.toml", &settings).expect("no problems");
        let mut files = BTreeMap::new();
        templates(&repository().join("templates"), "", &mut files);
        let columns: BTreeSet<String> =
            ["email", "entity", "kind", "language", "honorific", "given", "family", "rank", "title", "of_state"]
                .map(str::to_owned)
                .into();
        // The others would only take time: `oracles` reads all languages.
        files.retain(|name, _| {
            !["ar", "es", "fr", "ru", "zh"].iter().any(|language| name.contains(&format!(".{language}.")))
        });
        let library = Library::load(&Sources::new("templates", files), &file, &columns).expect("no problems");
        Self { settings, library: Arc::new(library), composers: HashMap::new(), messages: HashMap::new() }
    }

    fn compose(
        &mut self,
        room: usize,
        hour: usize,
        revision: Revised,
        method: OrganizerMethod,
        partstat: PartStat,
    ) -> Rc<[u8]> {
        let text = self
            .settings
            .replace("Conference Room 2", &format!("Conference Room {}", 2 + room))
            .replace("2017-09-22T15:00:00", &format!("2017-09-22T15:{:02}:00", 5 * hour));
        let file = event_file::read("convoke.toml", &text).expect("no problems");
        let dtstamp = Timestamp::from_second(revision.2).expect("an instant");
        let library = Arc::clone(&self.library);
        let composer = self.composers.entry((room, hour, revision)).or_insert_with(|| {
            let revision = Revision {
                number: revision.0,
                sequence: Sequence::new(revision.1).expect("a sequence"),
                dtstamp,
                facts: Facts::of(&file).to_json(),
            };
            Rc::new(
                Composer::new(&file, Arc::clone(&library), &FolderKey::new([7; 32]), &revision).expect("no problems"),
            )
        });
        let address = AddrSpec::parse("guest@host.example").expect("an address");
        let language = Language::parse("en").expect("a language");
        let entity = "Permanent Mission of the Republic of C\u{f4}te d'Ivoire to the United Nations";
        let cells: BTreeMap<String, String> = [
            ("email", address.as_str()),
            ("entity", entity),
            ("kind", "mission"),
            ("language", "en"),
            ("of_state", "of the Republic of C\u{f4}te d'Ivoire"),
        ]
        .map(|(column, cell)| (column.to_owned(), cell.to_owned()))
        .into();
        let reader = Reader { address: &address, entity, kind: Kind::Mission, language: &language, cells: &cells };
        let key = DispatchKey { purpose: Purpose::Invitation, revision: revision.0, recipient: address.key() };
        let date = dtstamp + SignedDuration::from_secs(60);
        let composed = composer.draft(&reader, &key, date, date).expect("no problems");
        if method == OrganizerMethod::Request && partstat == PartStat::NeedsAction {
            return composed.octets.into();
        }
        let told = Told::read(composed.calendar.as_bytes(), "", "").expect("readable");
        let identity = Identity::derive(&FolderKey::new([7; 32]), &file.event.id, &key, &file.sender.address);
        let object = Object {
            method,
            uid: &identity.uid,
            sequence: Sequence::new(told.sequence).expect("a sequence"),
            dtstamp,
            created: dtstamp,
            last_modified: dtstamp,
            start: file.event.start,
            end: file.event.end,
            summary: &told.summary,
            location: &told.location,
            description: &told.description,
            organizer: &Mailbox::new(&told.organizer_name, file.sender.address.clone()),
            attendee: &Mailbox::new(entity, address),
            partstat,
            status: method.status(),
            url: None,
        };
        let written = object.write().expect("an object");
        let lines = |octets: &str| -> String {
            let text = data_encoding::BASE64.encode(octets.as_bytes());
            text.as_bytes().chunks(76).map(|line| format!("{}\r\n", String::from_utf8_lossy(line))).collect()
        };
        let octets = String::from_utf8(composed.octets).expect("ASCII");
        let changed = octets.replace(lines(&composed.calendar).trim_end(), lines(&written).trim_end());
        let changed = changed.replace("method=\"REQUEST\"", &format!("method=\"{}\"", method.as_str()));
        let changed = changed.replace("method=REQUEST", &format!("method={}", method.as_str()));
        assert_ne!(octets, changed);
        changed.into_bytes().into()
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
