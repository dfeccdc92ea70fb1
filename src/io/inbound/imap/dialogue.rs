//! The dialogue after the login: one command at a time, every answer looked at.
//!
//! What: [`Dialogue`]: opening a folder, listing, fetching, moving, waiting for news. Standards: RFC 3501 sections 6.3, 6.4, 7;
//! RFC 2177 (IDLE), RFC 6851 (MOVE), RFC 4315 (UIDPLUS). Commands are spoken and answers read one by one through async-imap,
//! whose own commands take a refused or broken-off FETCH for an empty one. Called by: `imap::Reader`. Can fail: [`Fault`].

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_imap::Session;
use async_imap::imap_proto::{
    AttributeValue, Capability, MailboxDatum, MessageSection, Response, ResponseCode, SectionPath, Status,
};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::time::timeout;

use super::Fault;
use super::line::Line;
use super::opening::{lost, printable};

/// One command, from its first octet to its last answer.
const LONGEST_COMMAND: Duration = Duration::from_secs(30 * 60);
/// IDLE is begun anew after this: RFC 2177 asks for less than 29 minutes, and routers forget sooner.
const LONGEST_IDLE: Duration = Duration::from_secs(10 * 60);
/// Messages of one folder that are listed: 8 octets each.
const MOST_LISTED: usize = 10_000_000;
/// What one batch may hold, whatever the sizes that the server told.
const LARGEST_BATCH: usize = 60_000_000;

/// What the server can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Abilities {
    pub(super) idle: bool,
    pub(super) r#move: bool,
    pub(super) uidplus: bool,
}

/// A folder as it was opened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folder {
    pub(super) exists: u32,
    pub(super) uidvalidity: u32,
}

/// A message as it was fetched.
pub(super) struct Fetched {
    pub(super) uid: u32,
    pub(super) octets: Vec<u8>,
    pub(super) received: Option<Timestamp>,
}

/// A session in use.
pub(super) struct Dialogue {
    session: Session<Line>,
    silence: Duration,
    /// Whether the server told of new messages since the last listing.
    pub(super) has_news: bool,
    /// Messages in the folder, as it was told last.
    exists: u32,
}

impl Dialogue {
    pub(super) fn new(session: Session<Line>, silence: Duration) -> Self {
        Self { session, silence, has_news: false, exists: 0 }
    }

    /// Shows the next response. A parser that fails on what the server sent costs the connection and nothing else.
    async fn response<T>(&mut self, look: impl FnOnce(&Response<'_>) -> T) -> Result<T, Fault> {
        let read = AssertUnwindSafe(self.session.read_response()).catch_unwind().await;
        match read {
            Ok(Ok(Some(data))) => {
                if let Response::Data { status: Status::Bye, outcome } = data.parsed() {
                    let words = outcome.information.as_deref().unwrap_or_default();
                    return Err(Fault::Lost(format!("the server says goodbye: {}", printable(words))));
                }
                match data.parsed() {
                    Response::MailboxData(MailboxDatum::Exists(n)) => (self.has_news, self.exists) = (true, *n),
                    Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
                    _ => {}
                }
                Ok(look(data.parsed()))
            }
            Ok(Ok(None)) => Err(Fault::Lost("the server closed the connection".to_owned())),
            Ok(Err(e)) if e.kind() == std::io::ErrorKind::Other => {
                Err(Fault::Lost("the server says what is no IMAP".to_owned()))
            }
            Ok(Err(e)) => Err(lost(e)),
            Err(_) => Err(Fault::Lost("the server says what cannot be read".to_owned())),
        }
    }

    /// Speaks a command and gives each answer to `each`, until the last one.
    async fn command(
        &mut self,
        command: &str,
        each: impl FnMut(&Response<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match timeout(LONGEST_COMMAND, self.ask(command, each)).await {
            Ok(ended) => ended,
            Err(_) => Err(Fault::Lost("an answer does not come to an end".to_owned())),
        }
    }

    async fn ask(
        &mut self,
        command: &str,
        mut each: impl FnMut(&Response<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let tag = self.session.run_command(command).await.map_err(|e| Fault::Lost(printable(&e.to_string())))?;
        loop {
            let is_last = self.response(|response| {
                each(response)?;
                match response {
                    Response::Done { tag: of, status, outcome } if *of == tag => {
                        if *status == Status::Ok {
                            return Ok(true);
                        }
                        let words = printable(outcome.information.as_deref().unwrap_or("no reason given"));
                        let name = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
                        let try_create =
                            matches!(outcome.code, Some(ResponseCode::TryCreate)) || words.contains("TRYCREATE");
                        Err(Fault::No { words: format!("{name} is refused: {words}"), try_create })
                    }
                    _ => Ok(false),
                }
            });
            if is_last.await?? {
                return Ok(());
            }
        }
    }

    pub(super) async fn abilities(&mut self) -> Result<Abilities, Fault> {
        let mut found = Abilities::default();
        let each = |response: &Response<'_>| {
            if let Response::Capabilities(list) = response {
                for capability in list {
                    let Capability::Atom(word) = capability else { continue };
                    match word.to_ascii_uppercase().as_str() {
                        "IDLE" => found.idle = true,
                        "MOVE" => found.r#move = true,
                        "UIDPLUS" => found.uidplus = true,
                        _ => {}
                    }
                }
            }
            Ok(())
        };
        self.command("CAPABILITY", each).await?;
        Ok(found)
    }

    /// Opens a folder: to look only (EXAMINE), unless messages are to be moved out of it.
    pub(super) async fn open(&mut self, folder: &str, is_for_moving: bool) -> Result<Folder, Fault> {
        let verb = if is_for_moving { "SELECT" } else { "EXAMINE" };
        let mut found = Folder::default();
        let each = |response: &Response<'_>| {
            match response {
                Response::MailboxData(MailboxDatum::Exists(n)) => found.exists = *n,
                Response::Data { outcome, .. } | Response::Done { outcome, .. } => {
                    if let Some(ResponseCode::UidValidity(n)) = outcome.code {
                        found.uidvalidity = n;
                    }
                }
                _ => {}
            }
            Ok(())
        };
        self.command(&format!("{verb} {}", quoted(folder)), each).await?;
        if found.uidvalidity == 0 {
            return Err(Fault::Unfit(format!(
                "folder `{folder}` has no UIDVALIDITY, so that nothing in it has a lasting name"
            )));
        }
        Ok(found)
    }

    /// UIDs behind one, with their sizes, ascending.
    pub(super) async fn list(&mut self, after: u32) -> Result<Vec<(u32, u32)>, Fault> {
        self.has_news = false;
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        // To some servers `*` means nothing in an empty folder.
        if self.exists == 0 {
            return Ok(Vec::new());
        }
        let mut found: Vec<(u32, u32)> = Vec::new();
        let each = |response: &Response<'_>| {
            if let Response::Fetch(_, attributes) = response {
                let uid =
                    attributes.iter().find_map(|a| if let AttributeValue::Uid(uid) = a { Some(*uid) } else { None });
                let size =
                    attributes.iter().find_map(|a| if let AttributeValue::Rfc822Size(n) = a { Some(*n) } else { None });
                // `n:*` names the last message even where n is beyond it (RFC 3501 section 6.4.8).
                if let (Some(uid), Some(size)) = (uid, size)
                    && uid > after
                {
                    found.push((uid, size));
                }
                if found.len() > MOST_LISTED {
                    return Err(Fault::Lost("the folder does not come to an end".to_owned()));
                }
            }
            Ok(())
        };
        self.command(&format!("UID FETCH {first}:* (UID RFC822.SIZE)"), each).await?;
        found.sort_unstable();
        found.dedup_by_key(|(uid, _)| *uid);
        Ok(found)
    }

    /// The last message with this Message-ID (RFC 3501 section 6.4.4, SEARCH HEADER).
    pub(super) async fn find(&mut self, message_id: &str) -> Result<Option<u32>, Fault> {
        let mut found = None;
        let each = |response: &Response<'_>| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                found = uids.iter().copied().max().max(found);
            }
            Ok(())
        };
        self.command(&format!("UID SEARCH HEADER Message-ID {}", quoted(message_id)), each).await?;
        Ok(found)
    }

    /// Fetches messages, whole or their headers, without marking them as read; those that are gone are left out.
    pub(super) async fn fetch(&mut self, uids: &[u32], is_header: bool) -> Result<Vec<Fetched>, Fault> {
        let mut found: Vec<Fetched> = Vec::with_capacity(uids.len());
        let mut octets_in_all = 0;
        let each = |response: &Response<'_>| {
            let Response::Fetch(_, attributes) = response else { return Ok(()) };
            let (mut uid, mut octets, mut received) = (None, None, None);
            for attribute in attributes {
                match attribute {
                    AttributeValue::Uid(n) => uid = Some(*n),
                    AttributeValue::InternalDate(text) => received = internal_date(text),
                    AttributeValue::BodySection { section: None, data: Some(data), .. } if !is_header => {
                        octets = Some(data);
                    }
                    AttributeValue::BodySection {
                        section: Some(SectionPath::Full(MessageSection::Header)),
                        data: Some(data),
                        ..
                    } if is_header => octets = Some(data),
                    _ => {}
                }
            }
            let (Some(uid), Some(octets)) = (uid, octets) else { return Ok(()) };
            if !uids.contains(&uid) || found.iter().any(|f| f.uid == uid) {
                return Ok(());
            }
            octets_in_all += octets.len();
            if octets_in_all > LARGEST_BATCH {
                return Err(Fault::Lost("the server sent more than the sizes that it told".to_owned()));
            }
            found.push(Fetched { uid, octets: octets.to_vec(), received });
            Ok(())
        };
        let part = if is_header { "BODY.PEEK[HEADER]" } else { "BODY.PEEK[]" };
        self.command(&format!("UID FETCH {} (UID INTERNALDATE {part})", set(uids)), each).await?;
        found.sort_unstable_by_key(|f| f.uid);
        Ok(found)
    }

    /// Moves messages to another folder, which is made where it is missing. Nothing is deleted that is not there already.
    pub(super) async fn move_to(&mut self, uids: &[u32], folder: &str, abilities: Abilities) -> Result<(), Fault> {
        let (uids, folder) = (set(uids), quoted(folder));
        let verb = if abilities.r#move { "MOVE" } else { "COPY" };
        let command = format!("UID {verb} {uids} {folder}");
        match self.command(&command, |_| Ok(())).await {
            Err(Fault::No { try_create: true, .. }) => {
                self.command(&format!("CREATE {folder}"), |_| Ok(())).await?;
                self.command(&command, |_| Ok(())).await?;
            }
            other => other?,
        }
        if !abilities.r#move {
            // What MOVE is made of (RFC 6851 section 3.3); UID EXPUNGE touches these messages alone.
            self.command(&format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)"), |_| Ok(())).await?;
            self.command(&format!("UID EXPUNGE {uids}"), |_| Ok(())).await?;
        }
        Ok(())
    }

    /// Asks for news.
    pub(super) async fn look(&mut self) -> Result<(), Fault> {
        self.command("NOOP", |_| Ok(())).await
    }

    /// Waits until the server tells of something, ten minutes at most.
    pub(super) async fn idle(&mut self) -> Result<(), Fault> {
        let tag = self.session.run_command("IDLE").await.map_err(|e| Fault::Lost(printable(&e.to_string())))?;
        loop {
            let begun = self.response(|response| match response {
                Response::Continue(_) => Some(true),
                Response::Done { tag: of, .. } if *of == tag => Some(false),
                _ => None,
            });
            match begun.await? {
                Some(true) => break,
                Some(false) => return Err(Fault::No { words: "IDLE is refused".to_owned(), try_create: false }),
                None => {}
            }
        }
        self.session.get_mut().allow_silence(None);
        while !self.has_news {
            match timeout(LONGEST_IDLE, self.response(|_| ())).await {
                Ok(response) => response?,
                Err(_) => break,
            }
        }
        self.session.get_mut().allow_silence(Some(self.silence));
        self.session.run_command_untagged("DONE").await.map_err(|e| Fault::Lost(printable(&e.to_string())))?;
        loop {
            if self.response(|response| matches!(response, Response::Done { tag: of, .. } if *of == tag)).await? {
                return Ok(());
            }
        }
    }

    pub(super) async fn leave(mut self) {
        // Whatever comes of it: everything that matters is recorded.
        let _ = timeout(Duration::from_secs(2), self.command("LOGOUT", |_| Ok(()))).await;
    }
}

/// `1,2,5`
fn set(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// `17-Jul-1996 02:44:25 -0700` (RFC 3501 section 9, date-time).
fn internal_date(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()
}

/// A folder's name as it is sent: modified UTF-7 (RFC 3501 section 5.1.3), in quotes.
fn quoted(name: &str) -> String {
    let mut sent = String::from("\"");
    let mut beyond: Vec<u8> = Vec::new();
    let close = |beyond: &mut Vec<u8>, sent: &mut String| {
        if !beyond.is_empty() {
            let text = data_encoding::BASE64_NOPAD.encode(beyond).replace('/', ",");
            sent.push_str(&format!("&{text}-"));
            beyond.clear();
        }
    };
    for c in name.chars() {
        if !(' '..='~').contains(&c) {
            beyond.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
            continue;
        }
        close(&mut beyond, &mut sent);
        match c {
            '&' => sent.push_str("&-"),
            '"' | '\\' => sent.extend(['\\', c]),
            c => sent.push(c),
        }
    }
    close(&mut beyond, &mut sent);
    sent.push('"');
    sent
}

#[cfg(test)]
mod tests {
    use super::{internal_date, quoted, set};

    #[test]
    fn names_of_folders_are_sent_as_the_standard_says() {
        // The example of RFC 3501 section 5.1.3.
        assert_eq!(
            quoted("~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}"),
            "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\""
        );
        assert_eq!(quoted("R&D \"x\\"), "\"R&-D \\\"x\\\\\"");
        assert_eq!(quoted("INBOX"), "\"INBOX\"");
    }

    #[test]
    fn dates_of_mailboxes_are_read() {
        let date = |text| internal_date(text).map(|t| t.to_string());
        assert_eq!(date("17-Jul-1996 02:44:25 -0700").as_deref(), Some("1996-07-17T09:44:25Z"));
        assert_eq!(date(" 1-Jan-2027 00:00:00 +0000").as_deref(), Some("2027-01-01T00:00:00Z"));
        assert_eq!(date("yesterday"), None);
        assert_eq!(set(&[1, 5]), "1,5");
    }
}
