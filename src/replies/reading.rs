//! What one message that came back says.
//!
//! What: [`Reading`] with its [`Kind`], [`Report`]s (what became of recipients), [`Answer`]s (calendar) and [`Traces`] (what
//! may bind it to an invitation). Standards: RFC 3464 section 2.3 (action), RFC 3463 (status), RFC 5546 section 3.2 (methods of
//! attendees). Not here: how they are found (the files beside this), whose they are (binding, elsewhere).
//! Called by: everything in `replies`, `command::replies`. Can fail: nothing.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::PartStat;
use crate::mail::{AddrSpec, EnhancedCode};

/// What a message is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An attendee's iTIP object: REPLY, COUNTER, REFRESH, DECLINECOUNTER (RFC 5546).
    Answer,
    /// What became of a message, mostly that it failed (RFC 3464 and whatever programs write in its place).
    Bounce,
    /// Somebody pressed "this is spam" (RFC 5965).
    Complaint,
    /// A person was shown the message (RFC 8098), which says nothing about coming.
    Receipt,
    /// A program answered for an absent person (RFC 3834).
    AutoReply,
    /// A program wants a person to prove to be one before it delivers.
    Challenge,
    /// A wish not to be written to again.
    Unsubscribe,
    /// A person wrote.
    Letter,
    /// A calendar object that is no attendee's answer: our own request come back, somebody else's invitation.
    Echo,
    /// No message at all.
    Unreadable,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Answer,
        Self::Bounce,
        Self::Complaint,
        Self::Receipt,
        Self::AutoReply,
        Self::Challenge,
        Self::Unsubscribe,
        Self::Letter,
        Self::Echo,
        Self::Unreadable,
    ];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "calendar-reply",
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Receipt => "receipt",
            Self::AutoReply => "auto-reply",
            Self::Challenge => "challenge",
            Self::Unsubscribe => "unsubscribe",
            Self::Letter => "letter",
            Self::Echo => "calendar-other",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An address as another program wrote it: kept as text, because an address that we would not write to still names somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WrittenAddress(String);

impl WrittenAddress {
    /// Whatever stands there, without blanks around it; nothing if nothing stands there.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, where it is one that we would write to.
    pub fn addr_spec(&self) -> Option<AddrSpec> {
        AddrSpec::parse(&self.0).ok()
    }

    /// The form under which two spellings meet: all lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// What was done with a message for one recipient (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet; it is still tried.
    Delayed,
    /// In the mailbox.
    Delivered,
    /// Handed to a system that reports nothing.
    Relayed,
    /// Handed to the members of a list.
    Expanded,
}

impl Action {
    /// The word of the standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }

    /// Reads the word, whatever case and comment it comes with, and the other words that programs write there.
    pub fn parse(text: &str) -> Option<Self> {
        let word: String =
            text.trim().chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        match word.as_str() {
            "failed" | "failure" | "fail" | "expired" | "error" | "undeliverable" => Some(Self::Failed),
            "delayed" | "delay" | "deferred" | "transient" | "warning" => Some(Self::Delayed),
            "delivered" | "deliverable" | "deliver" | "success" => Some(Self::Delivered),
            "relayed" => Some(Self::Relayed),
            "expanded" => Some(Self::Expanded),
            _ => None,
        }
    }
}

/// Why a message did not arrive, or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// No such mailbox.
    UserUnknown,
    /// No such domain, or one that takes no mail.
    HostUnknown,
    /// The mailbox moved and left no forwarding.
    Moved,
    /// The mailbox exists but is disabled, suspended or long unused.
    Inactive,
    /// The mailbox is full.
    MailboxFull,
    /// The recipient's own rules or filter refused it.
    Filtered,
    /// The sending address or host is not wanted here: lists, reputation, no PTR.
    Blocked,
    /// A rule of the receiving or the sending system.
    Policy,
    /// SPF, DKIM, DMARC or a login.
    Authentication,
    /// Taken for spam.
    Spam,
    /// Taken for malware or forbidden by a security rule.
    Security,
    /// The form or the kind of the content.
    Content,
    /// Too large.
    Size,
    /// Too many messages or connections.
    RateLimited,
    /// The server does not take mail for that domain from us.
    Relaying,
    /// No way to the server: connection, name service, route.
    Network,
    /// Given up, or about to, because the time is over.
    Expired,
    /// The receiving system is broken or full.
    System,
    /// Too many hops.
    Loop,
    /// The host takes no mail, or not from this sender.
    NotAccepting,
    /// A command or address that the server could not read.
    Syntax,
    /// Somebody complained.
    Complaint,
    /// It arrived.
    Arrived,
    /// Nothing said why.
    Other,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::UserUnknown,
        Self::HostUnknown,
        Self::Moved,
        Self::Inactive,
        Self::MailboxFull,
        Self::Filtered,
        Self::Blocked,
        Self::Policy,
        Self::Authentication,
        Self::Spam,
        Self::Security,
        Self::Content,
        Self::Size,
        Self::RateLimited,
        Self::Relaying,
        Self::Network,
        Self::Expired,
        Self::System,
        Self::Loop,
        Self::NotAccepting,
        Self::Syntax,
        Self::Complaint,
        Self::Arrived,
        Self::Other,
    ];

    /// The word in JSON and in the phrase tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserUnknown => "user-unknown",
            Self::HostUnknown => "host-unknown",
            Self::Moved => "moved",
            Self::Inactive => "inactive",
            Self::MailboxFull => "mailbox-full",
            Self::Filtered => "filtered",
            Self::Blocked => "blocked",
            Self::Policy => "policy",
            Self::Authentication => "authentication",
            Self::Spam => "spam",
            Self::Security => "security",
            Self::Content => "content",
            Self::Size => "size",
            Self::RateLimited => "rate-limited",
            Self::Relaying => "relaying-denied",
            Self::Network => "network",
            Self::Expired => "expired",
            Self::System => "system",
            Self::Loop => "loop",
            Self::NotAccepting => "not-accepting",
            Self::Syntax => "syntax",
            Self::Complaint => "complaint",
            Self::Arrived => "arrived",
            Self::Other => "other",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Whether the address itself is dead: another message to it would meet the same end for ever.
    pub const fn is_dead(self) -> bool {
        matches!(self, Self::UserUnknown | Self::HostUnknown | Self::Moved)
    }
}

/// What became of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whom it is about, as far as that is said.
    pub recipient: Option<WrittenAddress>,
    /// The address first written to, where a system tells (RFC 3464 section 2.3.1).
    pub original_recipient: Option<WrittenAddress>,
    /// What was done; `None`: nothing said (complaints).
    pub action: Option<Action>,
    /// RFC 3463; derived from words where no code stands.
    pub status: Option<EnhancedCode>,
    /// The reply of the remote server, 200 to 599.
    pub smtp_code: Option<u16>,
    /// What the reporting program says, in one line.
    pub diagnostic: Option<String>,
    /// Why.
    pub class: Class,
    /// Whether the address itself is dead; `None`: nothing said.
    pub is_dead: Option<bool>,
    /// The server that spoke.
    pub remote_mta: Option<String>,
}

/// The methods of an attendee (RFC 5546 section 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttendeeMethod {
    /// An answer.
    Reply,
    /// Another time or place is proposed.
    Counter,
    /// The object is asked for once more.
    Refresh,
    /// An organiser's no to a proposal, sent to us by mistake or by a calendar that is both.
    DeclineCounter,
}

impl AttendeeMethod {
    /// The word of the standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "REPLY",
            Self::Counter => "COUNTER",
            Self::Refresh => "REFRESH",
            Self::DeclineCounter => "DECLINECOUNTER",
        }
    }

    /// Reads the word, whatever its case and the blanks around it.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Reply, Self::Counter, Self::Refresh, Self::DeclineCounter]
            .into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// What an attendee's calendar answered, for one event or one instance of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// REPLY, COUNTER...
    pub method: AttendeeMethod,
    /// As written; empty where it is missing.
    pub uid: String,
    /// Who answers.
    pub attendee: Option<WrittenAddress>,
    /// The attendee's name.
    pub cn: Option<String>,
    /// Who answered for the attendee.
    pub sent_by: Option<WrittenAddress>,
    /// The answer; `None` where the word is unknown or missing.
    pub partstat: Option<PartStat>,
    /// Which revision is answered.
    pub sequence: Option<u32>,
    /// When it was answered.
    pub dtstamp: Option<Timestamp>,
    /// What the attendee wrote with it.
    pub comment: Option<String>,
    /// To whom the invitation was handed on.
    pub delegated_to: Vec<WrittenAddress>,
    /// By whom.
    pub delegated_from: Vec<WrittenAddress>,
    /// Which instance, as written; `None`: all.
    pub recurrence_id: Option<String>,
    /// Proposed start and end (COUNTER).
    pub proposed: Option<(Timestamp, Timestamp)>,
    /// Proposed place (COUNTER).
    pub location: Option<String>,
    /// How many come, where a program lets its user say so (`X-NUM-GUESTS`): guests beside the attendee.
    pub guests: Option<u32>,
    /// Whom the answer is addressed to.
    pub organizer: Option<WrittenAddress>,
}

/// What an absent person's program says of the absence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// The last day away, where a date is written that can mean one day only; a suggestion.
    pub until: Option<Date>,
    /// The words it came from, in lower case.
    pub until_words: Option<String>,
    /// Who stands in: the first address in the words that is not the absent person's.
    pub contact: Option<WrittenAddress>,
}

/// What may bind a message to one of ours; who binds decides which of them is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// The addresses that it was sent to, those nearest to the delivery first: `Delivered-To`, `X-Original-To`, `Envelope-To`,
    /// `X-Envelope-To`, `X-Delivered-To`, `Original-Recipient`, `To`, `Cc`, `Received … for`.
    pub addressed_to: Vec<String>,
    /// UIDs of calendar objects in it, its own and returned ones.
    pub uids: Vec<String>,
    /// Message-IDs without angle brackets: returned, referred to, named in a report.
    pub message_ids: Vec<String>,
    /// ENVID (RFC 3461 section 4.4) as reports give it back.
    pub envelope_ids: Vec<String>,
    /// ORGANIZER addresses of calendar objects in it.
    pub organizers: Vec<String>,
}

/// What one message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it is taken for.
    pub kind: Kind,
    /// The rule that decided, as a person understands it.
    pub because: String,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// The first address of `From`.
    pub from: Option<WrittenAddress>,
    /// Decoded.
    pub subject: Option<String>,
    /// `Date`.
    pub date: Option<Timestamp>,
    /// The Message-ID of the message it is about, without angle brackets.
    pub original_message_id: Option<String>,
    /// What became of recipients (bounces, complaints, receipts).
    pub reports: Vec<Report>,
    /// What attendees' calendars answered.
    pub answers: Vec<Answer>,
    /// What a person or an absent person's program wrote, above what it quotes.
    pub words: Option<String>,
    /// What a person's words seem to mean; never more than a suggestion.
    pub suggestion: Option<PartStat>,
    /// The words or the rule that it came from.
    pub suggested_by: Option<String>,
    /// How many persons the words seem to announce, the writer included; a suggestion.
    pub persons: Option<u32>,
    /// Whether the words seem to ask for the floor or a place on the list of speakers; a suggestion.
    pub wants_floor: bool,
    /// Whether the words, or the comment of an answer, seem to ask for a call; a suggestion.
    pub wants_call: bool,
    /// Automatic replies: until when, and who stands in.
    pub absence: Option<Absence>,
    /// What may bind it.
    pub traces: Traces,
    /// Limits hit, oddities.
    pub findings: Vec<String>,
}

impl Reading {
    /// A reading of this kind that says nothing else yet.
    pub fn new(kind: Kind, because: &str) -> Self {
        Self {
            kind,
            because: because.to_owned(),
            message_id: None,
            from: None,
            subject: None,
            date: None,
            original_message_id: None,
            reports: Vec::new(),
            answers: Vec::new(),
            words: None,
            suggestion: None,
            suggested_by: None,
            persons: None,
            wants_floor: false,
            wants_call: false,
            absence: None,
            traces: Traces::default(),
            findings: Vec::new(),
        }
    }
}
