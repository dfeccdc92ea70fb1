//! The octets of one message, and the gate through which they must pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::cast::{Cast, Fill};
use super::cells::Shape;
use super::context::Story;
use super::dkim::Signer;
use super::forms::Forms;
use super::library::{Form, Letter, Library};
use super::lint;
use super::pieces::Family;
use super::render::{Rendered, RowCells};
use super::strands::{Edition, Strand, Strands};
use super::told::{Part, Told, meant};
use crate::calendar::{self, Object, OrganizerMethod, Severity};
use crate::input::event_file::{self, EventFile};
use crate::input::problem::{Place, Problem};
use crate::mail::{AddrSpec, Mailbox, MessageId};
use crate::people::{Kind, Language, Register};
use crate::plan::{Dispatch, DispatchKey, FolderKey, Held, History, Identity, Purpose, RevisionKind};

/// Casts that are kept: a list in which every row decides anew what its letter says would fill the memory.
const CASTS_MOST: usize = 256;

/// One finished message.
#[derive(Clone, Debug)]
pub struct Composed {
    /// As it goes over the wire, CRLF throughout, before dot-stuffing.
    pub octets: Vec<u8>,
    /// UID, Message-ID, boundaries.
    pub identity: Identity,
    /// The calendar object, as it stands in both parts; `None` in a message without one.
    pub calendar: Option<String>,
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
    strands: Strands,
    /// Every state of the event that may be told or remembered, by its number.
    told: BTreeMap<u32, Told>,
    /// The folders of mailings' letters, by the mailing's number.
    mailings: BTreeMap<i64, String>,
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
    /// Whose From it has.
    sender: &'m Mailbox,
    dispatch: &'m Dispatch,
    /// Its calendar object; `None` for a message without one.
    calendar: Option<Part<'m>>,
    identity: &'m Identity,
    attendee: &'m Mailbox,
    date: Timestamp,
    now: Timestamp,
    /// To which sessions the reader is invited, as the lists say it; empty where the event has none.
    invited: &'m str,
}

impl Composer {
    /// Prepares every language in which there are letters, and every state of the event.
    ///
    /// # Errors
    /// A state in the journal that cannot be read.
    pub fn new(
        file: &EventFile,
        library: Arc<Library>,
        key: &FolderKey,
        history: &History,
    ) -> Result<Self, Vec<Problem>> {
        let somebody = DispatchKey { purpose: Purpose::Invitation, revision: 0, mailing: 0, recipient: String::new() };
        let nobody = Identity::derive(key, &file.event.id, &somebody, &file.sender.address);
        let composer = Self {
            file: file.clone(),
            library,
            key: key.clone(),
            strands: Strands::default(),
            told: BTreeMap::new(),
            mailings: BTreeMap::new(),
            signer: None,
            casts: RwLock::default(),
            is_casting: true,
            nobody,
        };
        composer.with(file, history)
    }

    /// The same with a session of the event; they come in the order of the event.
    ///
    /// # Errors
    /// A state in the journal that cannot be read.
    pub fn with_session(self, file: &EventFile, history: &History) -> Result<Self, Vec<Problem>> {
        self.with(file, history)
    }

    fn with(mut self, file: &EventFile, history: &History) -> Result<Self, Vec<Problem>> {
        for revision in history.revisions() {
            let told = Told::of(revision, &file.sender.address).map_err(|problem| vec![problem])?;
            self.told.insert(revision.number, told);
        }
        self.strands.add(file, &self.library, history);
        Ok(self)
    }

    /// The session that a dispatch is of; empty for the event as a whole.
    pub fn session_of(&self, key: &DispatchKey) -> &str {
        self.told.get(&key.revision).map_or("", |told| told.session.as_str())
    }

    fn strand(&self, key: &DispatchKey) -> Option<&Strand> {
        self.strands.get(self.session_of(key))
    }

    /// The same for the letters of a mailing, which stand in a folder of its name.
    #[must_use]
    pub fn with_mailing(mut self, mailing: i64, folder: &str) -> Self {
        self.mailings.insert(mailing, folder.to_owned());
        self
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

    /// The reverse-path of one message: with `sender.verp` one that only this message has, made of its Message-ID's token.
    pub fn return_path(&self, message_id: &MessageId) -> AddrSpec {
        let path = self.reverse_path();
        if !self.file.sender.verp {
            return path.clone();
        }
        let token = message_id.as_str().split('@').next().unwrap_or_default();
        AddrSpec::parse(&format!("{}+{token}@{}", path.local_part(), path.domain()))
            .expect("the event file was checked for room, and tokens are plain")
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
        dispatch: &Dispatch,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Composed, Vec<Problem>> {
        let mut composed = self.draft(reader, dispatch, date, now)?;
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
        dispatch: &Dispatch,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Composed, Vec<Problem>> {
        let letter = self.letter(&dispatch.key, reader)?;
        let session = self.session_of(&dispatch.key);
        let identity = Identity::derive_of(&self.key, &self.file.event.id, session, &dispatch.key, self.sender());
        let attendee = Mailbox::new(reader.entity, reader.address.clone());
        let calendar = self.part(dispatch, letter, reader)?;
        let sender = &self.edition(letter, &dispatch.key)?.sender;
        let (identity, attendee, invited) = (&identity, &attendee, self.strands.invited(reader.cells));
        let making = Making { letter, sender, dispatch, calendar, identity, attendee, date, now, invited };
        let forms = self.forms(letter, reader)?;
        let shape = match self.is_casting {
            true => letter.cells.shape(&letter.name, reader.cells, &forms),
            false => None,
        };
        let key = shape.as_ref().map(|shape| making.cast_key(&shape.key));
        let kept = key.as_ref().and_then(|key| self.kept(key));
        if let (Some(shape), Some(Some(cast))) = (&shape, &kept)
            && let Some(composed) = self.fill(cast, shape, &making)
        {
            return Ok(composed);
        }
        if let (Some(shape), Some(key), None) = (&shape, &key, &kept) {
            let cast = self.cast(reader.cells, &forms, &making);
            if let Some(mut cast) = cast
                && let Ok(composed) = self.first(&cast, &shape.values, &making)
            {
                cast.warnings.clone_from(&composed.warnings);
                cast.typical = composed.octets.len();
                self.keep(key, Some(cast));
                return Ok(composed);
            }
            self.keep(key, None);
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
        dispatch: &Dispatch,
        date: Timestamp,
        now: Timestamp,
    ) -> Result<Checked, Vec<Problem>> {
        let letter = self.letter(&dispatch.key, reader)?;
        let forms = self.forms(letter, reader)?;
        let shape = letter.cells.shape(&letter.name, reader.cells, &forms).filter(|_| self.is_casting);
        if let Some(shape) = shape {
            let attendee = Mailbox::new(reader.entity, reader.address.clone());
            let calendar = self.part(dispatch, letter, reader)?;
            let sender = &self.edition(letter, &dispatch.key)?.sender;
            let (identity, invited) = (&self.nobody, self.strands.invited(reader.cells));
            let attendee = &attendee;
            let making = Making { letter, sender, dispatch, calendar, identity, attendee, date, now, invited };
            if let Some(Some(cast)) = self.kept(&making.cast_key(&shape.key)) {
                let subject = cast.subject(&shape.values);
                let meant = lint::Meant {
                    from: sender,
                    to: attendee,
                    subject: &subject,
                    message_id: &identity.message_id,
                    thread: None,
                    calendar: None,
                };
                let is_sound = match self.object(&making) {
                    Some(object) => {
                        let personal = calendar::Cast::personal(&object);
                        calendar::lint_personal(personal.as_bytes(), &self.meant(&object, &making)).is_empty()
                    }
                    None => true,
                };
                if is_sound && lint::lint_personal(&cast.personal(&subject, attendee), &meant).is_empty() {
                    let (letter, warnings) = (letter.name.clone(), cast.warnings.clone());
                    return Ok(Checked { octets: cast.typical, letter, warnings });
                }
            }
        }
        let Composed { octets, letter, warnings, .. } = self.draft(reader, dispatch, date, now)?;
        Ok(Checked { octets: octets.len(), letter, warnings })
    }

    fn edition(&self, letter: &Letter, key: &DispatchKey) -> Result<&Edition, Vec<Problem>> {
        self.strand(key).and_then(|strand| strand.edition(&letter.language)).ok_or_else(|| {
            vec![Problem::new(self.place(letter), format!("language `{}` is not prepared", letter.language), "")]
        })
    }

    fn forms(&self, letter: &Letter, reader: &Reader<'_>) -> Result<Forms, Vec<Problem>> {
        if letter.cells.forms.is_empty() {
            return Ok(Forms::default());
        }
        let path = format!("{}/{}.md.hbs", self.file.templates.folder, letter.name);
        Forms::of(letter, reader, &path).map_err(|problem| vec![problem])
    }

    /// What the calendar object of a dispatch is made of; its language is that of the object which the reader has, so that
    /// an update changes no words that nobody changed.
    fn part<'m>(
        &'m self,
        dispatch: &'m Dispatch,
        letter: &'m Letter,
        reader: &Reader<'_>,
    ) -> Result<Option<Part<'m>>, Vec<Problem>> {
        let Some(entry) = dispatch.entry else { return Ok(None) };
        let unknown = |fault: String| {
            let cure = "restore the journal; it is older or younger than this folder";
            vec![Problem::new(event_file::whole_file(), fault, cure)]
        };
        let number = dispatch.key.revision;
        let told =
            self.told.get(&number).ok_or_else(|| unknown(format!("the journal has no state {number} of the event")))?;
        let held = match &dispatch.held {
            Some(Held { language: Some(language), .. }) => Some(language),
            // Of before version 4: the language of the invitation's letter.
            Some(_) => {
                let invited = self.library.letter(Purpose::Invitation.as_str(), reader.kind, reader.language);
                invited.ok().map(|letter| &letter.language)
            }
            None => None,
        };
        let candidates = held.into_iter().chain([&letter.language, &self.file.languages.default]);
        let found = candidates.filter_map(|language| told.voices.get_key_value(language)).next();
        let (language, voice) = found.ok_or_else(|| {
            unknown(format!("state {number} of the event was recorded by an older version, without its texts"))
        })?;
        Ok(Some(Part { entry, told, voice, language }))
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

    /// What the letter may print beside the row.
    fn values(&self, making: &Making<'_>) -> Option<Map<String, Value>> {
        let dispatch = making.dispatch;
        let language = &making.letter.language;
        let mut values = self.strand(&dispatch.key)?.edition(language)?.values.clone();
        if self.strands.has_sessions() {
            let sessions = self.strands.list(making.invited, self.session_of(&dispatch.key), language);
            values.insert("sessions".to_owned(), Value::Array(sessions));
        }
        // A letter without calendar object speaks of the event as the file has it now.
        if let Some(part) = making.calendar {
            let held = dispatch.held.as_ref().filter(|_| dispatch.key.purpose == Purpose::Update);
            let story = Story {
                told: &part.told.facts,
                before: held.and_then(|held| self.told.get(&held.revision)).map(|told| &told.facts),
                is_reinstated: held.is_some_and(|held| held.method == OrganizerMethod::Cancel),
                is_withdrawn: part.told.kind == RevisionKind::Withdrawal,
                note: &part.told.note,
            };
            story.tell(&mut values, &making.letter.language);
        }
        Some(values)
    }

    /// The letter with holes for what it prints of the row; `None` where that cannot be done.
    fn cast(&self, cells: &BTreeMap<String, String>, forms: &Forms, making: &Making<'_>) -> Option<Cast> {
        let letter = making.letter;
        let holed = |family| letter.cells.with_holes(cells, forms, family);
        let (head, body) = (holed(Family::Head), holed(Family::Body));
        let cells = RowCells { head: &head, body: &body };
        let rendered = self.library.render(letter, &self.values(making)?, cells).ok()?;
        let calendar = match self.object(making) {
            Some(object) => Some((object.method, object.write().ok()?)),
            None => None,
        };
        making.cast(&rendered, calendar.as_ref().map(|(method, octets)| (*method, octets.as_str())))
    }

    /// A message whose cast has passed the whole gate: what is filled in is looked at, the rest is the same octets.
    fn fill(&self, cast: &Cast, shape: &Shape<'_>, making: &Making<'_>) -> Option<Composed> {
        let object = self.object(making);
        let filled = match (&cast.calendar, &object) {
            (Some(cast), Some(object)) => Some(cast.fill(object)),
            (None, None) => None,
            // The key of a cast says whether it has an object.
            _ => return None,
        };
        let (octets, personal) = filled.map(|filled| (filled.octets, filled.personal)).unzip();
        let (mut composed, fields) = self.assemble(cast, &shape.values, making, octets);
        composed.warnings.clone_from(&cast.warnings);
        if let (Some(object), Some(personal)) = (&object, personal)
            && !calendar::lint_personal(personal.as_bytes(), &self.meant(object, making)).is_empty()
        {
            // The whole gate says it with the problem's place.
            return None;
        }
        let findings = lint::lint_personal(&fields, &lint_meant(&composed, making));
        findings.is_empty().then_some(composed)
    }

    /// The first message of a cast goes through the whole gate.
    fn first(&self, cast: &Cast, values: &[Cow<'_, str>], making: &Making<'_>) -> Result<Composed, Vec<Problem>> {
        let object = self.object(making);
        let calendar = self.written(object.as_ref(), making)?;
        let (composed, _) = self.assemble(cast, values, making, calendar);
        self.gate(composed, object.as_ref(), making)
    }

    /// A message that shares nothing with others.
    fn anew(&self, cells: &BTreeMap<String, String>, making: &Making<'_>) -> Result<Composed, Vec<Problem>> {
        let row = RowCells { head: cells, body: cells };
        let values = self.values(making).unwrap_or_default();
        let rendered = self.library.render(making.letter, &values, row).map_err(|problem| vec![problem])?;
        let object = self.object(making);
        let calendar = self.written(object.as_ref(), making)?;
        // What looks like a hole in a text is a private-use character that somebody wrote.
        let unfit = || {
            let fault = "the letter holds private-use characters (U+F8F0 to U+F8FF)";
            vec![Problem::new(self.place(making.letter), fault, "take them out")]
        };
        let method = object.as_ref().map(|object| object.method);
        let cast = making.cast(&rendered, method.zip(calendar.as_deref()));
        let cast = cast.filter(|cast| !cast.has_holes()).ok_or_else(unfit)?;
        let (composed, _) = self.assemble(&cast, &[], making, calendar);
        self.gate(composed, object.as_ref(), making)
    }

    fn written(&self, object: Option<&Object<'_>>, making: &Making<'_>) -> Result<Option<String>, Vec<Problem>> {
        let Some(object) = object else { return Ok(None) };
        object.write().map(Some).map_err(|fault| {
            let fault = format!("the calendar object cannot be written: {fault}");
            vec![Problem::new(self.place(making.letter), fault, "mend the event")]
        })
    }

    fn assemble(
        &self,
        cast: &Cast,
        values: &[Cow<'_, str>],
        making: &Making<'_>,
        calendar: Option<String>,
    ) -> (Composed, Vec<u8>) {
        let subject = cast.subject(values);
        let Making { letter, identity, attendee, date, .. } = *making;
        let thread = making.dispatch.thread.as_ref();
        let fill = Fill { identity, attendee, date, values, calendar: calendar.as_deref(), thread };
        let (octets, fields) = cast.fill(&subject, &fill);
        let language = making.calendar.map(|part| part.language.to_string()).unwrap_or_default();
        let (letter, identity) = (letter.name.clone(), identity.clone());
        (Composed { octets, identity, calendar, language, subject, letter, warnings: Vec::new() }, fields)
    }

    fn place(&self, letter: &Letter) -> Place {
        Place::file(&format!("{}/{}", self.file.templates.folder, letter.name))
    }

    fn letter(&self, key: &DispatchKey, reader: &Reader<'_>) -> Result<&Letter, Vec<Problem>> {
        let folder = &self.file.templates.folder;
        // Letters of a mailing have a folder of its name; reminders are all alike.
        let named = self.mailings.get(&key.mailing).filter(|_| key.purpose == Purpose::Message);
        let purpose = named.map_or(key.purpose.as_str(), String::as_str);
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

    fn object<'o>(&self, making: &Making<'o>) -> Option<Object<'o>> {
        let created = self.strand(&making.dispatch.key)?.created;
        Some(making.calendar?.object(created, &making.identity.uid, making.attendee))
    }

    fn meant<'o>(&self, object: &Object<'o>, making: &Making<'o>) -> calendar::Meant<'o> {
        let held = making.dispatch.held.as_ref();
        let stored = held.and_then(|held| Some(self.told.get(&held.revision)?.stored(held)));
        let local_words = making.calendar.map_or("", |part| &part.voice.rendering.date);
        calendar::Meant { stored, ..meant(object, local_words, making.now) }
    }

    /// Nothing leaves that fails this: the octets are read again and compared with what is meant.
    fn gate(
        &self,
        mut composed: Composed,
        object: Option<&Object<'_>>,
        making: &Making<'_>,
    ) -> Result<Composed, Vec<Problem>> {
        const CURE: &str = "such a message is never sent; mend the template, the row or the event";
        let mut problems = Vec::new();
        if let (Some(object), Some(calendar), Some(part)) = (object, &composed.calendar, making.calendar) {
            for finding in calendar::lint(calendar.as_bytes(), &self.meant(object, making)) {
                match finding.rule.severity() {
                    Severity::Warning => composed.warnings.push(format!("{}: {}", finding.rule, finding.text)),
                    Severity::Fault => problems.push(format!("calendar rule {}: {}", finding.rule, finding.text)),
                }
            }
            for words in [&part.voice.rendering.time, &part.voice.rendering.zone_name] {
                if !object.description.contains(words.as_str()) {
                    problems.push(format!("calendar rule L17: the calendar text does not say `{words}`"));
                }
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

impl Making<'_> {
    /// Under which a cast is kept: all that it holds beside the holes.
    fn cast_key(&self, shape: &str) -> String {
        let Dispatch { key, held, thread, .. } = self.dispatch;
        let object = self.calendar.map(|part| (part.entry.method, part.entry.sequence, part.language.as_str()));
        let held = held.as_ref().map(|held| (held.revision, held.method));
        format!(
            "{}{shape}",
            format_args!("{:?}", (key.purpose, key.revision, object, held, thread.is_some(), self.invited))
        )
    }

    fn cast(&self, rendered: &Rendered, calendar: Option<(OrganizerMethod, &str)>) -> Option<Cast> {
        let is_markdown = self.letter.form == Form::Markdown;
        let is_reply = self.dispatch.thread.is_some();
        Cast::new(rendered, is_markdown, &self.letter.language, self.sender, calendar, is_reply)
    }
}

fn lint_meant<'m>(composed: &'m Composed, making: &Making<'m>) -> lint::Meant<'m> {
    let method = making.calendar.map(|part| part.entry.method.as_str());
    lint::Meant {
        from: making.sender,
        to: making.attendee,
        subject: &composed.subject,
        message_id: &composed.identity.message_id,
        thread: making.dispatch.thread.as_ref(),
        calendar: method
            .zip(composed.calendar.as_deref())
            .map(|(method, octets)| lint::Calendar { method, octets: octets.as_bytes() }),
    }
}
