//! The event folder, read and checked as far as that goes without the rows of its lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::lists::List;
use super::signatures;
use crate::cli;
use crate::exit::Stopped;
use crate::input::event_file::{self, EventFile};
use crate::input::problem::{Place, Problem};
use crate::input::recipients::STANDARD_COLUMNS;
use crate::io::files;
use crate::io::store::REMINDED;
use crate::message::dkim::Signer;
use crate::message::{Library, Sources};
use crate::settings;

/// Everything that a command needs of the folder.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) file: EventFile,
    pub(super) lists: Vec<List>,
    pub(super) library: Arc<Library>,
    /// SHA-256 over everything read: equal digests make equal messages.
    pub(super) digest: String,
    /// The columns of all lists.
    pub(super) columns: BTreeSet<String>,
    /// What signs every message.
    pub(super) signer: Option<Arc<Signer>>,
    /// Lists in place of those of `convoke.toml`.
    pub(super) typed: cli::Lists,
    /// The text of `convoke.toml`.
    pub(super) text: String,
    /// SHA-256 of each template file, by name.
    pub(super) templates: BTreeMap<String, String>,
}

/// Reads `convoke.toml` alone.
pub(super) fn read_event_file(path: &Path) -> Result<(EventFile, String), Stopped> {
    let name = path.join(event_file::FILE_NAME);
    if !name.exists() {
        let fault = format!("there is no `{}` here", event_file::FILE_NAME);
        let cure = "name the event folder with -C, or begin one with `convoke new`";
        return Err(Stopped::Configuration(vec![Problem::new(Place::file(&name.display().to_string()), fault, cure)]));
    }
    let text = files::read_text(&name)?;
    let file = event_file::read(event_file::FILE_NAME, &text).map_err(Stopped::Configuration)?;
    Ok((file, text))
}

impl Folder {
    /// Reads the configuration, the heads of the lists, and the templates.
    pub(super) fn read(path: &Path, typed: &cli::Lists) -> Result<Self, Stopped> {
        let (file, text) = read_event_file(path)?;
        let named = settings::lists(&file, typed, path);
        let mut problems = Vec::new();
        if named.is_empty() {
            problems.push(Problem::new(
                event_file::whole_file(),
                "no recipients are named",
                "write `files = [\"recipients/list.csv\"]` under `[recipients]`",
            ));
        }
        let mut lists = Vec::new();
        // The standard columns may always be asked after: {{#if title}} is right although no list has titles.
        let mut columns: BTreeSet<String> =
            STANDARD_COLUMNS.iter().filter(|c| **c != "cc").map(|c| (*c).to_owned()).collect();
        // What a reminder may ask after, too.
        columns.insert(REMINDED.to_owned());
        for (name, path) in named {
            match List::open(&name, &path, &file) {
                Ok((list, of_list)) => {
                    columns.extend(of_list);
                    lists.push(list);
                }
                Err(of_list) => problems.extend(of_list),
            }
        }
        let signer = signatures::open(&file, path).unwrap_or_else(|faults| {
            problems.extend(faults);
            None
        });
        if !problems.is_empty() {
            return Err(Stopped::Configuration(problems));
        }
        let below = path.join(&file.templates.folder);
        let texts = if below.is_dir() { files::read_templates(&below)? } else { BTreeMap::new() };
        let digest = digest(&text, &texts, &lists, signer.as_deref());
        let hash = |text: &String| data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        let templates = texts.iter().map(|(name, text)| (name.clone(), hash(text))).collect();
        let sources = Sources::new(&file.templates.folder, texts);
        let library = Library::load(&sources, &file, &columns).map_err(Stopped::Configuration)?;
        let (path, library, typed) = (path.to_owned(), Arc::new(library), typed.clone());
        Ok(Self { path, file, lists, library, digest, columns, signer, typed, text, templates })
    }
}

impl Folder {
    /// Whether there is such a session; the empty id is the event where it has none.
    pub(super) fn has(&self, session: &str) -> bool {
        match self.file.sessions.is_empty() {
            true => session.is_empty(),
            false => self.file.sessions.iter().any(|one| one.id == session),
        }
    }

    /// The event's title in the default language.
    pub(super) fn title(&self) -> &str {
        self.file.event.title.in_language(&self.file.languages.default, &self.file.languages)
    }
}

fn digest(text: &str, templates: &BTreeMap<String, String>, lists: &[List], signer: Option<&Signer>) -> String {
    let mut hash = Sha256::new();
    let mut part = |octets: &[u8]| {
        hash.update((octets.len() as u64).to_be_bytes());
        hash.update(octets);
    };
    // Another version may make other octets of the same texts.
    part(env!("CARGO_PKG_VERSION").as_bytes());
    part(text.as_bytes());
    for (name, text) in templates {
        part(name.as_bytes());
        part(text.as_bytes());
    }
    for list in lists {
        part(list.name.as_bytes());
        part(list.digest.as_bytes());
    }
    for key in signer.into_iter().flat_map(Signer::keys) {
        part(key.record().to_string().as_bytes());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}
