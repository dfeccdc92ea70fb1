//! The octets of one message, and the gate through which they must pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text as TextHeader;
use mail_builder::mime::{BodyPart, MimePart};
use sha2::{Digest as _, Sha256};

use super::dkim::Signer;
use super::library::{Letter, Library, Register};
use super::lint;
use super::render::{Edition, Rendered};
use super::words;
use crate::calendar::{self, Object, OrganizerMethod, PartStat, Severity, Status};
use crate::input::event_file::{self, EventFile};
use crate::input::problem::{Place, Problem};
use crate::mail::{AddrSpec, Mailbox};
use crate::people::{Kind, Language};
use crate::plan::{DispatchKey, FolderKey, Identity, Purpose, Revision};

/// Name of the attachment; Outlook and Proton look at the ending.
const ATTACHMENT: &str = "invite.ics";

/// One finished message.
#[derive(Clone, Debug)]
pub struct Composed {
    /// As it goes over the wire, CRLF throughout, before dot-stuffing.
    pub octets: Vec<u8>,
    /// UID, Message-ID, boundaries.
    pub identity: Identity,
    /// The calendar object, as it stands in both parts.
    pub calendar: String,
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
        Ok(Self { file: file.clone(), library, key: key.clone(), revision: revision.clone(), editions, signer: None })
    }

    /// The same with signatures on every message.
    #[must_use]
    pub fn signed_by(self, signer: Option<Arc<Signer>>) -> Self {
        Self { signer, ..self }
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
        let prepared = self.editions.get(&letter.language).ok_or_else(|| {
            let place = Place::file(&format!("{}/{}", self.file.templates.folder, letter.name));
            vec![Problem::new(place, format!("language `{}` is not prepared", letter.language), "")]
        })?;
        let rendered = self.library.render(letter, &prepared.edition, reader.cells).map_err(|problem| vec![problem])?;
        let identity = Identity::derive(&self.key, &self.file.event.id, key, self.sender());
        let attendee = Mailbox::new(reader.entity, reader.address.clone());
        let object = self.object(&identity, prepared, &attendee, &rendered);
        let place = || Place::file(&format!("{}/{}", self.file.templates.folder, letter.name));
        let calendar = object.write().map_err(|fault| {
            vec![Problem::new(place(), format!("the calendar object cannot be written: {fault}"), "mend the event")]
        })?;
        let octets = build(&identity, letter, prepared, &attendee, date, &rendered, &calendar);
        let composed = Composed {
            octets,
            identity: identity.clone(),
            calendar,
            subject: rendered.subject.clone(),
            letter: letter.name.clone(),
            warnings: Vec::new(),
        };
        self.gate(composed, &object, prepared, now, &place)
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
                "notes verbales are for missions and organizations of States; write a letter",
            )]);
        }
        Ok(letter)
    }

    fn object<'o>(
        &'o self,
        identity: &'o Identity,
        prepared: &'o Prepared,
        attendee: &'o Mailbox,
        rendered: &'o Rendered,
    ) -> Object<'o> {
        let event = &self.file.event;
        Object {
            method: OrganizerMethod::Request,
            uid: &identity.uid,
            sequence: self.revision.sequence,
            dtstamp: self.revision.dtstamp,
            created: self.revision.dtstamp,
            last_modified: self.revision.dtstamp,
            start: event.start,
            end: event.end,
            summary: &prepared.title,
            location: &prepared.place,
            description: &rendered.description,
            organizer: &prepared.sender,
            attendee,
            partstat: PartStat::NeedsAction,
            status: Status::Confirmed,
            url: event.url.as_deref(),
        }
    }

    /// Nothing leaves that fails this: the octets are read again and compared with what is meant.
    fn gate(
        &self,
        mut composed: Composed,
        object: &Object<'_>,
        prepared: &Prepared,
        now: Timestamp,
        place: &impl Fn() -> Place,
    ) -> Result<Composed, Vec<Problem>> {
        const CURE: &str = "such a message is never sent; mend the template, the row or the event";
        let mut problems = Vec::new();
        let meant = calendar::Meant {
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
            local_words: &prepared.date_words,
            now,
        };
        for finding in calendar::lint(composed.calendar.as_bytes(), &meant) {
            match finding.rule.severity() {
                Severity::Warning => composed.warnings.push(format!("{}: {}", finding.rule, finding.text)),
                Severity::Fault => problems.push(format!("calendar rule {}: {}", finding.rule, finding.text)),
            }
        }
        for words in &prepared.time_words {
            if !object.description.contains(words.as_str()) {
                problems.push(format!("calendar rule L17: the calendar text does not say `{words}`"));
            }
        }
        let meant = lint::Meant {
            from: &prepared.sender,
            to: object.attendee,
            subject: &composed.subject,
            message_id: &composed.identity.message_id,
            calendar: Some(lint::Calendar { method: object.method.as_str(), octets: composed.calendar.as_bytes() }),
        };
        for finding in lint::lint(&composed.octets, &meant) {
            problems.push(format!("message rule {}: {}", finding.rule, finding.text));
        }
        if problems.is_empty() {
            return Ok(composed);
        }
        Err(problems.into_iter().map(|fault| Problem::new(place(), fault, CURE)).collect())
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

fn build(
    identity: &Identity,
    letter: &Letter,
    prepared: &Prepared,
    attendee: &Mailbox,
    date: Timestamp,
    rendered: &Rendered,
    calendar: &str,
) -> Vec<u8> {
    let text = |kind: &'static str, body: &str| {
        MimePart::new(ContentType::new(kind).attribute("charset", "utf-8"), BodyPart::Text(crlf(body).into()))
    };
    // Encoded here, because mail-builder would choose quoted-printable: base64 alone brings both copies through relays
    // with the same octets (invitations.md 2.3).
    let base64 = |kind: ContentType<'static>| {
        let body = data_encoding::BASE64_MIME.encode(calendar.as_bytes());
        MimePart::new(kind, BodyPart::Text(body.into())).transfer_encoding("base64")
    };
    let alternative = MimePart::new(
        ContentType::new("multipart/alternative").attribute("boundary", identity.inner_boundary.clone()),
        vec![
            text("text/plain", &rendered.text),
            text("text/html", &rendered.html),
            base64(ContentType::new("text/calendar").attribute("method", "REQUEST").attribute("charset", "UTF-8")),
        ],
    );
    let attachment = base64(ContentType::new("application/ics").attribute("name", ATTACHMENT)).attachment(ATTACHMENT);
    let mixed = MimePart::new(
        ContentType::new("multipart/mixed").attribute("boundary", identity.outer_boundary.clone()),
        vec![alternative, attachment],
    );
    let mailbox = |m: &Mailbox| {
        Address::new_address(Some(m.name().to_owned()).filter(|n| !n.is_empty()), m.address().as_str().to_owned())
    };
    let raw = |value: &'static str| HeaderType::Raw(Raw::new(value));
    let mut octets = Vec::with_capacity(16 * 1024);
    MessageBuilder::new()
        .date(Date::new(date.as_second()))
        .from(mailbox(&prepared.sender))
        .to(mailbox(attendee))
        .header("Subject", HeaderType::Text(TextHeader::new(rendered.subject.clone())))
        .message_id(identity.message_id.as_str().to_owned())
        // Quiets vacation robots (RFC 3834); `All` would also suppress bounces (MS-OXCMAIL 2.1.3.2.20).
        .header("Auto-Submitted", raw("auto-generated"))
        .header("X-Auto-Response-Suppress", raw("OOF, AutoReply"))
        .header("Content-Language", HeaderType::Raw(Raw::new(letter.language.as_str().to_owned())))
        .body(mixed)
        .serialize(&mut octets);
    octets
}

/// mail-builder leaves bare LF in base64 text, which relays and DKIM do not forgive.
fn crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 40);
    for line in text.lines() {
        out.push_str(line);
        out.push_str("\r\n");
    }
    out
}
