//! The doors through which returned mail comes in: IMAP, Maildir, mbox, files, standard input.
//!
//! What: [`Door`], opened on a [`Source`]: messages are taken one by one ([`Door::next`]), so that nothing runs ahead of who
//! records them; [`Door::done`] is told what is recorded, and only then is anything moved; [`Door::wait`] waits for more.
//! Standards: RFC 3501, 2177 (IDLE), 6851 (MOVE), 4315 (UIDPLUS); the Maildir of qmail; RFC 4155 (mbox).
//! Not here: what a message says (`replies`), the journal (`io::store`). Called by: `command::replies`.
//! Can fail: [`InboundError`]. Every door only reads, unless a folder is named to move recorded messages to; none deletes.

mod cut;
mod files;
mod imap;
mod maildir;
mod mbox;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::input::replies::{Mailbox, Replies, Source};
use crate::io::files::FileError;
use crate::io::secrets::SecretError;
use crate::io::smtp::TlsError;
use crate::journal::Checkpoint;

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InboundError {
    /// No connection, a lost one, or a server that says what cannot be understood.
    #[error("cannot read {0}: {1}")]
    Unreachable(String, String),
    /// The server does not take the login.
    #[error("{0} refused the login ({1}); check the user in the URL, and password or token under [replies]")]
    Login(String, String),
    /// What is asked for is not there, or the server cannot do it.
    #[error("{0}: {1}")]
    Unfit(String, String),
    /// Password or token.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// One message in a file: the others can be read.
    #[error(transparent)]
    Message(FileError),
}

/// Which message it is at its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundId {
    /// On an IMAP server.
    Uid {
        /// Of the folder.
        uidvalidity: u32,
        /// Of the message.
        uid: u32,
    },
    /// A file.
    File(PathBuf),
    /// The n-th of a stream, from 1.
    Nth(u64),
}

/// One message as it came.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Which it is there.
    pub id: InboundId,
    /// All of it; of a message beyond 25 MB the header alone.
    pub octets: Vec<u8>,
    /// When the mailbox took it, where it says so.
    pub received: Option<Timestamp>,
    /// Where it lies, for people.
    pub place: String,
}

impl fmt::Display for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

/// What a look at a source shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The folder or file.
    pub folder: String,
    /// Messages in it; `None` where counting would mean reading.
    pub messages: Option<u64>,
    /// IMAP only: how we are connected and what the server offers.
    pub server: Option<Server>,
}

/// An IMAP server, logged in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `TLS`, `STARTTLS` or `in clear`.
    pub protection: &'static str,
    /// LOGIN, PLAIN, XOAUTH2.
    pub login: &'static str,
    /// UIDVALIDITY of the folder.
    pub uidvalidity: u32,
    /// Whether it tells of new mail at once (RFC 2177).
    pub idle: bool,
    /// Whether it moves messages (RFC 6851, or RFC 4315 in its place).
    pub moves: bool,
}

/// A message that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When the mailbox took it, by the server's clock, where it says so.
    pub received: Option<Timestamp>,
}

/// What the wait for more ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// There may be more: ask [`Door::next`].
    More,
    /// This source has an end, and it is reached.
    Ended,
}

/// How a door is opened.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `[replies]`.
    pub replies: Replies,
    /// The event folder: secrets and certificates are named below it.
    pub folder: PathBuf,
    /// Where the names of files and folders to read begin.
    pub base: PathBuf,
    /// How far the source has been read.
    pub checkpoint: Option<Checkpoint>,
    /// Whether a lost connection is made again for as long as it takes.
    pub is_patient: bool,
}

impl Setup {
    fn path(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    fn timeout(&self) -> Duration {
        self.replies.timeout
    }
}

/// An open source.
pub enum Door {
    /// A folder on a server.
    Imap(Box<imap::Reader>),
    /// A Maildir.
    Maildir(maildir::Reader),
    /// An mbox.
    Mbox(mbox::File),
    /// Files.
    Files(files::Reader),
}

impl Door {
    /// Opens it: a server is logged in to, a folder is listed.
    ///
    /// # Errors
    /// [`InboundError`].
    pub async fn open(source: &Source, setup: Setup) -> Result<Self, InboundError> {
        Ok(match source {
            Source::Imap(mailbox) => Self::Imap(Box::new(open_imap(mailbox, setup).await?)),
            Source::Maildir(name) => Self::Maildir(maildir::Reader::open(&setup.path(name), &setup.replies)?),
            Source::Mbox(name) => Self::Mbox(mbox::File::open(&setup.path(name))?),
            Source::Files(name) => Self::Files(files::Reader::open(&setup.path(name), setup.replies.poll)?),
            Source::Input => Self::Files(files::Reader::input()),
        })
    }

    /// The next message; `None`: no more for now.
    ///
    /// # Errors
    /// [`InboundError`]; after [`InboundError::Message`] the next call goes on with the next message.
    pub async fn next(&mut self) -> Result<Option<Inbound>, InboundError> {
        match self {
            Self::Imap(reader) => reader.next().await,
            Self::Maildir(reader) => reader.next().map_err(InboundError::Message),
            Self::Mbox(file) => Ok(file.next()?),
            Self::Files(reader) if reader.is_input() => Ok(reader.next()?),
            Self::Files(reader) => reader.next().map_err(InboundError::Message),
        }
    }

    /// How many messages are known to come yet, for people.
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Imap(reader) => Some(reader.left()),
            Self::Maildir(reader) => Some(reader.left()),
            Self::Mbox(_) => None,
            Self::Files(reader) => Some(reader.left()),
        }
    }

    /// Whether a single message can be looked for: not in files that nobody adds to, nor on standard input.
    pub fn can_find(&self) -> bool {
        matches!(self, Self::Imap(_) | Self::Maildir(_))
    }

    /// Looks for a message by its Message-ID (without angle brackets); a Maildir only among those that came since it was
    /// opened or looked through the last time. Marks and moves nothing.
    ///
    /// # Errors
    /// [`InboundError`].
    pub async fn find(&mut self, message_id: &str) -> Result<Option<Sighting>, InboundError> {
        match self {
            Self::Imap(reader) => reader.find(message_id).await,
            Self::Maildir(reader) => Ok(reader.find(message_id)?.then_some(Sighting { received: None })),
            Self::Mbox(_) | Self::Files(_) => Ok(None),
        }
    }

    /// Passes over what is there already, for [`find`](Self::find).
    pub fn pass_over(&mut self) {
        if let Self::Maildir(reader) = self {
            reader.pass_over();
        }
    }

    /// Where to go on after these messages are recorded; `None` where each time everything is looked at.
    pub fn checkpoint(&self, recorded: &[InboundId], known: Option<Checkpoint>) -> Option<Checkpoint> {
        recorded.iter().fold(known, |known, id| match id {
            InboundId::Uid { uidvalidity, uid } => {
                let same = known.filter(|known| known.uidvalidity == *uidvalidity);
                Some(same.unwrap_or(Checkpoint { uidvalidity: *uidvalidity, last_uid: 0 }).with(*uid))
            }
            InboundId::File(_) | InboundId::Nth(_) => known,
        })
    }

    /// Hears what is recorded, and moves it where that is asked for.
    ///
    /// # Errors
    /// It could not be moved. It is recorded, and the next run tries to move it again.
    pub async fn done(&mut self, recorded: &[InboundId]) -> Result<(), InboundError> {
        match self {
            Self::Imap(reader) => reader.done(recorded).await,
            Self::Maildir(reader) => Ok(reader.done(recorded)?),
            Self::Mbox(_) | Self::Files(_) => Ok(()),
        }
    }

    /// Waits until there may be more.
    ///
    /// # Errors
    /// [`InboundError`].
    pub async fn wait(&mut self) -> Result<Waited, InboundError> {
        match self {
            Self::Imap(reader) => reader.wait().await,
            Self::Maildir(reader) => Ok(reader.wait().await?),
            Self::Files(reader) => Ok(reader.wait().await?),
            Self::Mbox(_) => Ok(Waited::Ended),
        }
    }

    /// What it is like.
    pub fn about(&self) -> About {
        match self {
            Self::Imap(reader) => reader.about(),
            Self::Maildir(reader) => reader.about(),
            Self::Mbox(file) => About { folder: file.name(), messages: None, server: None },
            Self::Files(reader) => reader.about(),
        }
    }

    /// Takes leave.
    pub async fn close(self) {
        if let Self::Imap(reader) = self {
            reader.close().await;
        }
    }
}

async fn open_imap(mailbox: &Mailbox, setup: Setup) -> Result<imap::Reader, InboundError> {
    imap::Reader::open(mailbox.clone(), setup).await
}

/// `x`, as people are shown it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
