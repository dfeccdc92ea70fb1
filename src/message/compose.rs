//! The octets of one message, and the gate through which they must pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::cast::{Cast, Fill};
use super::cells::Shape;
use super::dkim::Signer;
use super::forms::Forms;
use super::library::{Form, Letter, Library};
use super::lint;
use super::pieces::Family;
use super::render::{Edition, RowCells};
use super::words;
use crate::calendar::{self, Object, OrganizerMethod, PartStat, Severity, Status};
use crate::input::event_file::{self, EventFile};
use crate::input::problem::{Place, Problem};
use crate::mail::{AddrSpec, Mailbox};
use crate::people::{Kind, Language, Register};
use crate::plan::{DispatchKey, FolderKey, Identity, Purpose, Revision};

/// Casts that are kept: a list in which every row decides anew what its letter says would fill the memory.
const CASTS_MOST: usize = 256;

/// One finished message.
#[derive(Clone, Debug)]
pub struct Composed {
    /// As it goes over the wire, CRLF throughout, before dot-stuffing.
    pub octets: Vec<u8>,
    /// UID, Message-ID, boundaries.
    pub identity: Identity,
    /// The calendar object, as it stands in both parts.
    pub calendar: String,
    /// The language of the calendar object; empty where there is none.
    pub language: String,
    /// One line.
    pub subject: String,
    /// The letter that was used: `invitation/mission.fr`.
    pub letter: String,
    /// Things to know that do not stop it.
    pub warnings: Vec<String>,
}

impl Composed {
    /// SHA-256 of the octets, in hexadecimal.
    pub fn digest(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(&self.octets))
    }
}

/// What checking one message gave.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its octets, or those of another message of the same letter.
    pub octets: usize,
    /// The letter that is used.
    pub letter: String,
    /// Things to know that do not stop it.
    pub warnings: Vec<String>,
}

/// For whom a message is made.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'r> {
    /// `To`, `ATTENDEE`, forward-path.
    pub address: &'r AddrSpec,
    /// Its name there.
    pub entity: &'r str,
    /// Chooses the letter.
    pub kind: Kind,
    /// Chooses the letter.
    pub language: &'r Language,
    /// What the letter may print.
    pub cells: &'r BTreeMap<String, String>,
}

/// Makes messages; the same plan gives the same octets.
pub struct Composer {
    file: EventFile,
    library: Arc<Library>,
    key: FolderKey,
    revision: Revision,
    editions: BTreeMap<Language, Prepared>,
    signer: Option<Arc<Signer>>,
    /// By the key of their shape; `None` for a letter that has to be made anew for each row.
    casts: RwLock<HashMap<String, Option<Arc<Cast>>>>,
    is_casting: bool,
    /// Stands in the place of a recipient's identity where a message is only checked.
    nobody: Identity,
}

/// One message on its way.
#[derive(Clone, Copy)]
struct Making<'m> {
    letter: &'m Letter,
    prepared: &'m Prepared,
    identity: &'m Identity,
    attendee: &'m Mailbox,
    date: Timestamp,
    now: Timestamp,
}

struct Prepared {
    edition: Edition,
    sender: Mailbox,
    title: String,
    place: String,
    /// The date, the time and the zone in words, as DESCRIPTION must have them.
    date_words: String,
    time_words: [String; 2],
}

impl Composer {
    /// Prepares every language in which there are letters.
    ///
    /// # Errors
    /// A language without calendar text or without words for dates; a calendar text that does not render.
    pub fn new(
        file: &EventFile,
        library: Arc<Library>,
        key: &FolderKey,
        revision: &Revision,
    ) -> Result<Self, Vec<Problem>> {
        let mut editions = BTreeMap::new();
        let mut problems = Vec::new();
        for letter in library.letters() {
            if editions.contains_key(&letter.language) {
                continue;
            }
            match prepare(&library, file, letter) {
                Ok(prepared) => {
                    editions.insert(letter.language.clone(), prepared);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let somebody = DispatchKey { purpose: Purpose::Invitation, revision: 0, mailing: 0, recipient: String::new() };
        let nobody = Identity::derive(key, &file.event.id, &somebody, &file.sender.address);
        Ok(Self {
            file: file.clone(),
            library,
            key: key.clone(),
            revision: revision.clone(),
            editions,
            signer: None,
            casts: RwLock::default(),
            is_casting: true,
            nobody,
        })
    }

    /// The same with signatures on every message.
    #[must_use]
    pub fn signed_by(self, signer: Option<Arc<Signer>>) -> Self {
        Self { signer, ..self }
    }

    /// Whether messages are signed, which takes longer than making them.
    pub fn is_signing(&self) -> bool {
        self.signer.is_some()
    }

    /// The same, but each message is rendered by itself: slower, with the same octets.
    #[must_use]
    pub fn without_casts(self) -> Self {
        Self { is_casting: false, ..self }
    }

    /// The mailbox that messages come from and answers go to.
    pub fn sender(&self) -> &AddrSpec {
        &self.file.sender.address
    }

    /// The reverse-path of envelopes.
    pub fn reverse_path(&self) -> &AddrSpec {
        self.file.sender.envelope.as_ref().unwrap_or(&self.file.sender.address)
    }

    /// A number from 0 to below 1 for one attempt of one message.
    pub fn fraction(&self, key: &DispatchKey, attempt: u32) -> f64 {
        self.key.fraction(&[&key.recipient, &attempt.to_string()])
    }

    /// Makes the message of one dispatch as it leaves, signed if there are keys; `date` is its Date and the time of the
    /// signatures, `now` serves for warnings only.
    ///
    /// # Errors
    /// Those of [`Composer::draft`]; a key that makes no right signature.
    pub fn compose(
        &self,
        reader: &Reader<'_>,
        key: &DispatchKey,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Composed, Vec<Problem>> {
        let mut composed = self.draft(reader, key, date, now)?;
        // Behind the last gate, which therefore still refuses a signature field that came from a value.
        if let Some(signer) = &self.signer {
            composed.octets = signer.sign(composed.octets, date).map_err(|fault| {
                let cure = "try again; if it stays, this machine reckons wrongly";
                vec![Problem::new(event_file::whole_file(), fault.to_string(), cure)]
            })?;
        }
        Ok(composed)
    }

    /// Makes the message of one dispatch without signatures, which cost more than all the rest: what is wrong with a
    /// message is seen without them.
    ///
    /// # Errors
    /// Problems of the template with this row, or findings of the last gate; without the row, which the caller names.
    pub fn draft(
        &self,
        reader: &Reader<'_>,
        key: &DispatchKey,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Composed, Vec<Problem>> {
        let letter = self.letter(key.purpose, reader)?;
        let prepared = self.prepared(letter)?;
        let identity = Identity::derive(&self.key, &self.file.event.id, key, self.sender());
        let attendee = Mailbox::new(reader.entity, reader.address.clone());
        let making = Making { letter, prepared, identity: &identity, attendee: &attendee, date, now };
        let forms = self.forms(letter, reader)?;
        let shape = match self.is_casting {
            true => letter.cells.shape(&letter.name, reader.cells, &forms),
            false => None,
        };
        let kept = shape.as_ref().and_then(|shape| self.kept(&shape.key));
        if let (Some(shape), Some(Some(cast))) = (&shape, &kept)
            && let Some(composed) = self.fill(cast, shape, &making)
        {
            return Ok(composed);
        }
        if let (Some(shape), None) = (&shape, &kept) {
            let cast = self.cast(letter, reader.cells, &forms, &making);
            if let Some(mut cast) = cast
                && let Ok(composed) = self.first(&cast, &shape.values, &making)
            {
                cast.warnings.clone_from(&composed.warnings);
                cast.typical = composed.octets.len();
                self.keep(&shape.key, Some(cast));
                return Ok(composed);
            }
            self.keep(&shape.key, None);
        }
        self.anew(&forms.beside(reader.cells), &making)
    }

    /// Looks for what is wrong with the message of one dispatch without making more of it than that takes: of a letter that
    /// has been cast, what differs between recipients.
    ///
    /// # Errors
    /// As [`Composer::draft`].
    pub fn check(
        &self,
        reader: &Reader<'_>,
        key: &DispatchKey,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Checked, Vec<Problem>> {
        let letter = self.letter(key.purpose, reader)?;
        let prepared = self.prepared(letter)?;
        let forms = self.forms(letter, reader)?;
        let shape = letter.cells.shape(&letter.name, reader.cells, &forms).filter(|_| self.is_casting);
        if let Some(shape) = shape
            && let Some(Some(cast)) = self.kept(&shape.key)
        {
            let attendee = Mailbox::new(reader.entity, reader.address.clone());
            let making = Making { letter, prepared, identity: &self.nobody, attendee: &attendee, date, now };
            let object = self.object(&making);
            let subject = cast.subject(&shape.values);
            let meant = lint::Meant {
                from: &prepared.sender,
                to: &attendee,
                subject: &subject,
                message_id: &self.nobody.message_id,
                calendar: None,
            };
            let calendar = calendar::Cast::personal(&object);
            if calendar::lint_personal(calendar.as_bytes(), &self.meant(&object, &making)).is_empty()
                && lint::lint_personal(&cast.personal(&subject, &attendee), &meant).is_empty()
            {
                let (letter, warnings) = (letter.name.clone(), cast.warnings.clone());
                return Ok(Checked { octets: cast.typical, letter, warnings });
            }
        }
        let Composed { octets, letter, warnings, .. } = self.draft(reader, key, date, now)?;
        Ok(Checked { octets: octets.len(), letter, warnings })
    }

    fn prepared(&self, letter: &Letter) -> Result<&Prepared, Vec<Problem>> {
        self.editions.get(&letter.language).ok_or_else(|| {
            let place = Place::file(&format!("{}/{}", self.file.templates.folder, letter.name));
            vec![Problem::new(place, format!("language `{}` is not prepared", letter.language), "")]
        })
    }

    fn forms(&self, letter: &Letter, reader: &Reader<'_>) -> Result<Forms, Vec<Problem>> {
        if letter.cells.forms.is_empty() {
            return Ok(Forms::default());
        }
        let path = format!("{}/{}.md.hbs", self.file.templates.folder, letter.name);
        Forms::of(letter, reader, &path).map_err(|problem| vec![problem])
    }

    fn kept(&self, key: &str) -> Option<Option<Arc<Cast>>> {
        // A panic elsewhere cannot leave half a cast in the map.
        self.casts.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: &str, cast: Option<Cast>) {
        let mut casts = self.casts.write().unwrap_or_else(PoisonError::into_inner);
        if casts.len() < CASTS_MOST {
            casts.insert(key.to_owned(), cast.map(Arc::new));
        }
    }

    /// The letter with holes for what it prints of the row; `None` where that cannot be done.
    fn cast(
        &self,
        letter: &Letter,
        cells: &BTreeMap<String, String>,
        forms: &Forms,
        making: &Making<'_>,
    ) -> Option<Cast> {
        let holed = |family| letter.cells.with_holes(cells, forms, family);
        let (head, body) = (holed(Family::Head), holed(Family::Body));
        let cells = RowCells { head: &head, body: &body };
        let rendered = self.library.render(letter, &making.prepared.edition, cells).ok()?;
        let object = self.object(making).write().ok()?;
        let is_markdown = letter.form == Form::Markdown;
        Cast::new(&rendered, is_markdown, &letter.language, &making.prepared.sender, &object)
    }

    /// A message whose cast has passed the whole gate: what is filled in is looked at, the rest is the same octets.
    fn fill(&self, cast: &Cast, shape: &Shape<'_>, making: &Making<'_>) -> Option<Composed> {
        let object = self.object(making);
        let filled = cast.calendar.fill(&object)?;
        let (mut composed, fields) = self.assemble(cast, &shape.values, making, filled.octets);
        composed.warnings.clone_from(&cast.warnings);
        let meant = self.meant(&object, making);
        if !calendar::lint_personal(filled.personal.as_bytes(), &meant).is_empty() {
            // The whole gate says it with the problem's place.
            return None;
        }
        let findings = lint::lint_personal(&fields, &lint_meant(&composed, making));
        findings.is_empty().then_some(composed)
    }

    /// The first message of a cast goes through the whole gate.
    fn first(&self, cast: &Cast, values: &[Cow<'_, str>], making: &Making<'_>) -> Result<Composed, Vec<Problem>> {
        let object = self.object(making);
        let calendar = object.write().map_err(|fault| self.unwritten(fault, making))?;
        let (composed, _) = self.assemble(cast, values, making, calendar);
        self.gate(composed, &object, making)
    }

    /// A message that shares nothing with others.
    fn anew(&self, cells: &BTreeMap<String, String>, making: &Making<'_>) -> Result<Composed, Vec<Problem>> {
        let row = RowCells { head: cells, body: cells };
        let rendered =
            self.library.render(making.letter, &making.prepared.edition, row).map_err(|problem| vec![problem])?;
        let object = self.object(making);
        let calendar = object.write().map_err(|fault| self.unwritten(fault, making))?;
        // What looks like a hole in a text is a private-use character that somebody wrote.
        let unfit = || {
            let fault = "the letter holds private-use characters (U+F8F0 to U+F8FF)";
            vec![Problem::new(self.place(making.letter), fault, "take them out")]
        };
        let is_markdown = making.letter.form == Form::Markdown;
        let cast = Cast::new(&rendered, is_markdown, &making.letter.language, &making.prepared.sender, &calendar);
        let cast = cast.filter(|cast| !cast.has_holes()).ok_or_else(unfit)?;
        let (composed, _) = self.assemble(&cast, &[], making, calendar);
        self.gate(composed, &object, making)
    }

    fn assemble(
        &self,
        cast: &Cast,
        values: &[Cow<'_, str>],
        making: &Making<'_>,
        calendar: String,
    ) -> (Composed, Vec<u8>) {
        let subject = cast.subject(values);
        let Making { letter, identity, attendee, date, .. } = *making;
        let (octets, fields) = cast.fill(&subject, &Fill { identity, attendee, date, values, calendar: &calendar });
        let language = letter.language.to_string();
        let letter = letter.name.clone();
        (
            Composed { octets, identity: identity.clone(), calendar, language, subject, letter, warnings: Vec::new() },
            fields,
        )
    }

    fn place(&self, letter: &Letter) -> Place {
        Place::file(&format!("{}/{}", self.file.templates.folder, letter.name))
    }

    fn unwritten(&self, fault: calendar::ObjectFault, making: &Making<'_>) -> Vec<Problem> {
        let fault = format!("the calendar object cannot be written: {fault}");
        vec![Problem::new(self.place(making.letter), fault, "mend the event")]
    }

    fn letter(&self, purpose: Purpose, reader: &Reader<'_>) -> Result<&Letter, Vec<Problem>> {
        let folder = &self.file.templates.folder;
        let letter = self.library.letter(purpose, reader.kind, reader.language).map_err(|tried| {
            let place = Place::file(&format!("{folder}/{}", tried.first().map_or("", String::as_str)));
            let fault = format!("there is no template for kind `{}` in language `{}`", reader.kind, reader.language);
            vec![Problem::new(place, fault, format!("write one of {}", tried.join(", ")))]
        })?;
        if !letter.unknown.is_empty() {
            return Err(letter.unknown.clone());
        }
        if letter.register == Register::NoteVerbale && !reader.kind.takes_notes_verbales() {
            let place = Place::file(&format!("{folder}/{}.md.hbs", letter.name));
            let fault = format!("a note verbale would go to a recipient of kind `{}`", reader.kind);
            return Err(vec![Problem::new(
                place,
                fault,
                "notes verbales are for missions and observers; write a letter",
            )]);
        }
        Ok(letter)
    }

    fn object<'o>(&'o self, making: &Making<'o>) -> Object<'o> {
        let event = &self.file.event;
        let prepared = making.prepared;
        Object {
            method: OrganizerMethod::Request,
            uid: &making.identity.uid,
            sequence: self.revision.sequence,
            dtstamp: self.revision.dtstamp,
            created: self.revision.dtstamp,
            last_modified: self.revision.dtstamp,
            start: event.start,
            end: event.end,
            summary: &prepared.title,
            location: &prepared.place,
            description: &prepared.edition.description,
            organizer: &prepared.sender,
            attendee: making.attendee,
            partstat: PartStat::NeedsAction,
            status: Status::Confirmed,
            url: event.url.as_deref(),
        }
    }

    fn meant<'o>(&'o self, object: &Object<'o>, making: &Making<'o>) -> calendar::Meant<'o> {
        calendar::Meant {
            method: object.method,
            uid: object.uid,
            sequence: object.sequence,
            dtstamp: object.dtstamp,
            stored: None,
            start: object.start,
            end: object.end,
            organizer: object.organizer,
            attendee: object.attendee,
            partstat: object.partstat,
            status: object.status,
            summary: object.summary,
            location: object.location,
            description: object.description,
            url: object.url,
            local_words: &making.prepared.date_words,
            now: making.now,
        }
    }

    /// Nothing leaves that fails this: the octets are read again and compared with what is meant.
    fn gate(&self, mut composed: Composed, object: &Object<'_>, making: &Making<'_>) -> Result<Composed, Vec<Problem>> {
        const CURE: &str = "such a message is never sent; mend the template, the row or the event";
        let mut problems = Vec::new();
        for finding in calendar::lint(composed.calendar.as_bytes(), &self.meant(object, making)) {
            match finding.rule.severity() {
                Severity::Warning => composed.warnings.push(format!("{}: {}", finding.rule, finding.text)),
                Severity::Fault => problems.push(format!("calendar rule {}: {}", finding.rule, finding.text)),
            }
        }
        for words in &making.prepared.time_words {
            if !object.description.contains(words.as_str()) {
                problems.push(format!("calendar rule L17: the calendar text does not say `{words}`"));
            }
        }
        for finding in lint::lint(&composed.octets, &lint_meant(&composed, making)) {
            problems.push(format!("message rule {}: {}", finding.rule, finding.text));
        }
        if problems.is_empty() {
            return Ok(composed);
        }
        Err(problems.into_iter().map(|fault| Problem::new(self.place(making.letter), fault, CURE)).collect())
    }
}

fn lint_meant<'m>(composed: &'m Composed, making: &Making<'m>) -> lint::Meant<'m> {
    lint::Meant {
        from: &making.prepared.sender,
        to: making.attendee,
        subject: &composed.subject,
        message_id: &composed.identity.message_id,
        calendar: Some(lint::Calendar {
            method: OrganizerMethod::Request.as_str(),
            octets: composed.calendar.as_bytes(),
        }),
    }
}

fn prepare(library: &Library, file: &EventFile, letter: &Letter) -> Result<Prepared, Problem> {
    let language = &letter.language;
    let in_language = |text: &crate::input::text::Text| text.in_language(language, &file.languages).to_owned();
    let date_words = words::date(file.event.local_start.date(), language).ok_or_else(|| {
        let place = Place::file(&format!("{}/{}", file.templates.folder, letter.name));
        Problem::new(
            place,
            format!("there are no words for dates in language `{language}`"),
            "write to us, or use another language",
        )
    })?;
    Ok(Prepared {
        edition: library.edition(Purpose::Invitation, file, language)?,
        sender: Mailbox::new(&in_language(&file.sender.name), file.sender.address.clone()),
        title: in_language(&file.event.title),
        place: in_language(&file.event.place),
        date_words,
        time_words: [words::time(file.event.local_start.time(), language), in_language(&file.event.zone_name)],
    })
}
