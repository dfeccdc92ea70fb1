//! A folder on an IMAP server, read without being changed.
//!
//! What: [`Reader`]: UIDs behind the checkpoint are listed with their sizes, then fetched in batches; a lost connection is made
//! again with longer and longer pauses. Of messages beyond 25 MB the header alone is fetched. Recorded messages are moved
//! only where a folder is named; then the folder is read from its beginning each time, since what is in it is to be moved.
//! Not here: octets (`line`, `guard`), login (`opening`), commands (`dialogue`). Called by: `io::inbound`.
//! Can fail: [`InboundError`]; the server is not trusted with our memory or our time.

mod dialogue;
mod guard;
mod line;
mod opening;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::SecretString;

use self::dialogue::{Abilities, Dialogue};
use self::opening::Key;
use super::cut::LARGEST;
use super::{About, Inbound, InboundError, InboundId, Server, Setup, Sighting, Waited};
use crate::input::relay::{AuthMethod, Protection, Secret};
use crate::input::replies::Mailbox;
use crate::io::secrets::{SecretError, fetch};
use crate::io::smtp::client_config;
use crate::journal::Checkpoint;

/// Messages fetched with one command, and their octets: enough to hide the way there and back.
const BATCH: usize = 64;
const BATCH_OCTETS: u64 = 4_000_000;
/// Connections that are tried one after the other without a message in between, where nobody waits for more.
const TRIES: u32 = 3;

/// What went wrong on a connection.
#[derive(Debug)]
enum Fault {
    /// The connection is of no more use; another one may be.
    Lost(String),
    /// The login is refused.
    Refused(String),
    /// Another connection would end the same way.
    Unfit(String),
    /// A command is refused.
    No { words: String, try_create: bool },
    /// No password or token.
    Secret(SecretError),
}

/// An open folder.
pub struct Reader {
    name: String,
    mailbox: Mailbox,
    setup: Setup,
    protection: Protection,
    tls: Arc<ClientConfig>,
    /// Fetched once; a token is fetched for each connection.
    password: Option<SecretString>,
    dialogue: Option<Dialogue>,
    abilities: Abilities,
    protection_words: &'static str,
    login: &'static str,
    exists: u32,
    uidvalidity: u32,
    /// The highest UID that was fetched.
    after: u32,
    must_list: bool,
    listed: VecDeque<(u32, u32)>,
    ready: VecDeque<Inbound>,
    /// Connections since the last message.
    tries: u32,
}

impl Reader {
    pub(super) async fn open(mailbox: Mailbox, setup: Setup) -> Result<Self, InboundError> {
        let replies = &setup.replies;
        let protection = mailbox.protected_by(replies.ca_file.as_deref());
        let ca_file = replies.ca_file.as_ref().map(|name| setup.folder.join(name));
        let tls = client_config(ca_file.as_ref(), protection == Protection::Loopback)?;
        let password = match (&replies.password, replies.auth) {
            (_, Some(AuthMethod::XOAuth2)) => None,
            (Some(secret), _) => Some(fetch_apart(secret, &setup).await?),
            (None, _) => {
                let words = "no password is named; write password = { env = \"NAME\" } under [replies]".to_owned();
                return Err(InboundError::Unfit(mailbox.to_string(), words));
            }
        };
        let mut reader = Self {
            name: mailbox.to_string(),
            mailbox,
            setup,
            protection,
            tls,
            password,
            dialogue: None,
            abilities: Abilities::default(),
            protection_words: "",
            login: "",
            exists: 0,
            uidvalidity: 0,
            after: 0,
            must_list: true,
            listed: VecDeque::new(),
            ready: VecDeque::new(),
            tries: 0,
        };
        reader.connect().await.map_err(|fault| reader.error(fault))?;
        if reader.setup.replies.move_to.is_some() && !reader.can_move() {
            let words = "the server offers neither MOVE nor UIDPLUS; take `move_to` out".to_owned();
            return Err(InboundError::Unfit(reader.name, words));
        }
        Ok(reader)
    }

    fn can_move(&self) -> bool {
        self.abilities.r#move || self.abilities.uidplus
    }

    async fn connect(&mut self) -> Result<(), Fault> {
        let replies = &self.setup.replies;
        let secret = match (&self.password, &replies.token) {
            (Some(password), _) => password.clone(),
            (None, Some(token)) => fetch_apart(token, &self.setup).await.map_err(Fault::Secret)?,
            (None, None) => return Err(Fault::Unfit("xoauth2 needs a token under [replies]".to_owned())),
        };
        let key = Key { user: &self.mailbox.user, secret, method: replies.auth };
        let silence = self.setup.timeout();
        let opened = opening::open(&self.mailbox, self.protection, &self.tls, silence, key).await?;
        let mut dialogue = Dialogue::new(opened.session, silence);
        self.abilities = dialogue.abilities().await?;
        let folder = dialogue.open(&self.mailbox.folder, replies.move_to.is_some()).await?;
        (self.protection_words, self.login) = (opened.protection, opened.login);
        self.exists = folder.exists;
        if folder.uidvalidity != self.uidvalidity {
            // The first time, or the folder was made anew while we were away.
            let known = self.setup.checkpoint.filter(|_| replies.move_to.is_none());
            self.after = Checkpoint::after(known, folder.uidvalidity);
            self.uidvalidity = folder.uidvalidity;
        }
        self.listed.clear();
        self.must_list = true;
        self.dialogue = Some(dialogue);
        Ok(())
    }

    /// Another connection in the place of a lost one.
    async fn connect_again(&mut self, mut words: String) -> Result<(), InboundError> {
        self.dialogue = None;
        loop {
            self.tries += 1;
            if self.tries > TRIES && !self.setup.is_patient {
                return Err(InboundError::Unreachable(self.name.clone(), words));
            }
            tokio::time::sleep(pause(self.tries)).await;
            match self.connect().await {
                Ok(()) => return Ok(()),
                Err(Fault::Lost(other)) => words = other,
                Err(fault) => return Err(self.error(fault)),
            }
        }
    }

    fn error(&self, fault: Fault) -> InboundError {
        let name = self.name.clone();
        match fault {
            Fault::Lost(words) => InboundError::Unreachable(name, words),
            Fault::Refused(words) => InboundError::Login(name, words),
            Fault::Unfit(words) | Fault::No { words, .. } => InboundError::Unfit(name, words),
            Fault::Secret(error) => InboundError::Secret(error),
        }
    }

    pub(super) fn left(&self) -> u64 {
        (self.listed.len() + self.ready.len()) as u64
    }

    pub(super) async fn next(&mut self) -> Result<Option<Inbound>, InboundError> {
        loop {
            if let Some(inbound) = self.ready.pop_front() {
                self.tries = 0;
                return Ok(Some(inbound));
            }
            match self.fill().await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(Fault::Lost(words)) => self.connect_again(words).await?,
                Err(fault) => return Err(self.error(fault)),
            }
        }
    }

    /// Fetches a batch; false: there is no more for now.
    async fn fill(&mut self) -> Result<bool, Fault> {
        let Some(dialogue) = &mut self.dialogue else { return Err(Fault::Lost("not connected".to_owned())) };
        if self.listed.is_empty() {
            if !std::mem::take(&mut self.must_list) {
                return Ok(false);
            }
            // Where it fails, the next connection lists again.
            self.listed = dialogue.list(self.after).await?.into();
            if self.listed.is_empty() {
                return Ok(false);
            }
        }
        let is_header = |size: u32| size as usize > LARGEST;
        let mut uids = Vec::new();
        let (mut octets, mut of_header) = (0, false);
        while let Some((uid, size)) = self.listed.front().copied() {
            let is_first = uids.is_empty();
            if !is_first
                && (of_header || is_header(size) || uids.len() == BATCH || octets + u64::from(size) > BATCH_OCTETS)
            {
                break;
            }
            of_header = is_header(size);
            octets += u64::from(size);
            uids.push(uid);
            self.listed.pop_front();
        }
        let fetched = dialogue.fetch(&uids, of_header).await?;
        self.after = uids.last().copied().unwrap_or(self.after).max(self.after);
        for message in fetched {
            self.ready.push_back(Inbound {
                id: InboundId::Uid { uidvalidity: self.uidvalidity, uid: message.uid },
                octets: message.octets,
                received: message.received,
                place: format!("{} UID {}", self.name, message.uid),
            });
        }
        Ok(true)
    }

    pub(super) async fn done(&mut self, recorded: &[InboundId]) -> Result<(), InboundError> {
        let Some(folder) = self.setup.replies.move_to.clone() else { return Ok(()) };
        let of_now = |id: &InboundId| match id {
            InboundId::Uid { uidvalidity, uid } if *uidvalidity == self.uidvalidity => Some(*uid),
            _ => None,
        };
        let uids: Vec<u32> = recorded.iter().filter_map(of_now).collect();
        if uids.is_empty() {
            return Ok(());
        }
        let uidvalidity = self.uidvalidity;
        loop {
            let Some(dialogue) = &mut self.dialogue else {
                let words = "not connected".to_owned();
                self.connect_again(words).await?;
                continue;
            };
            match dialogue.move_to(&uids, &folder, self.abilities).await {
                Ok(()) => return Ok(()),
                Err(Fault::Lost(words)) => {
                    self.connect_again(words).await?;
                    if self.uidvalidity != uidvalidity {
                        // These UIDs mean nothing any more.
                        return Ok(());
                    }
                }
                Err(fault) => return Err(self.error(fault)),
            }
        }
    }

    pub(super) async fn wait(&mut self) -> Result<Waited, InboundError> {
        loop {
            match self.news().await {
                Ok(true) => {
                    self.must_list = true;
                    return Ok(Waited::More);
                }
                Ok(false) => {}
                Err(Fault::Lost(words)) => {
                    self.connect_again(words).await?;
                    return Ok(Waited::More);
                }
                Err(fault) => return Err(self.error(fault)),
            }
        }
    }

    async fn news(&mut self) -> Result<bool, Fault> {
        let Some(dialogue) = &mut self.dialogue else { return Err(Fault::Lost("not connected".to_owned())) };
        // What came while others were fetched.
        if dialogue.has_news {
            return Ok(true);
        }
        if self.abilities.idle {
            match dialogue.idle().await {
                // Offered and not given: asked from time to time instead.
                Err(Fault::No { .. }) => self.abilities.idle = false,
                other => other?,
            }
        } else {
            tokio::time::sleep(self.setup.replies.poll).await;
            dialogue.look().await?;
        }
        Ok(dialogue.has_news)
    }

    /// One connection, not made again: whoever looks for a message looks again.
    pub(super) async fn find(&mut self, message_id: &str) -> Result<Option<Sighting>, InboundError> {
        let Some(dialogue) = &mut self.dialogue else {
            return Err(InboundError::Unreachable(self.name.clone(), "not connected".to_owned()));
        };
        let looked = async {
            // Some servers show new messages only to whoever asks for news.
            dialogue.look().await?;
            let Some(uid) = dialogue.find(message_id).await? else { return Ok(None) };
            let fetched = dialogue.fetch(&[uid], true).await?;
            Ok(Some(Sighting { received: fetched.first().and_then(|message| message.received) }))
        };
        let ended = looked.await;
        ended.map_err(|fault| self.error(fault))
    }

    pub(super) fn about(&self) -> About {
        About {
            folder: self.mailbox.folder.clone(),
            messages: Some(u64::from(self.exists)),
            server: Some(Server {
                protection: self.protection_words,
                login: self.login,
                uidvalidity: self.uidvalidity,
                idle: self.abilities.idle,
                moves: self.can_move(),
            }),
        }
    }

    pub(super) async fn close(self) {
        if let Some(dialogue) = self.dialogue {
            dialogue.leave().await;
        }
    }
}

/// 1, 2, 4 … 256 seconds.
fn pause(tries: u32) -> Duration {
    Duration::from_secs(1 << (tries.clamp(1, 9) - 1))
}

/// A command that fetches a secret may take its time; nothing else is to wait for it.
async fn fetch_apart(secret: &Secret, setup: &Setup) -> Result<SecretString, SecretError> {
    let (secret, folder) = (secret.clone(), setup.folder.clone());
    let name = "password".to_owned();
    tokio::task::spawn_blocking(move || fetch(&secret, &folder))
        .await
        .unwrap_or_else(|e| Err(SecretError::Command(name, e.to_string())))
}
