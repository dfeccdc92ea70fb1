//! Reports that a message did not arrive, or did.
//!
//! What: [`read`], from a message to its reports, or nothing if it is no bounce. Standards: RFC 3464 and 6533 where a program keeps
//! to them; `X-Failed-Recipients` (Exim, Google); prose otherwise. Not here: complaints, receipts, auto-replies.
//! Called by: `replies::read`. Can fail: nothing.
//!
//! Whom it is about is asked of, in this order: the machine-readable part, `X-Failed-Recipients`, the lines of the report that
//! name an address clearly, transcripts, addresses that the report mentions and the returned `To` confirms, the returned `To`,
//! the address in a VERP return path.

use std::borrow::Cow;

use super::address;
use super::diagnosis::{by_words, diagnose, usual_code, words_of};
use super::dsn::{self, Status, code_in};
use super::fields::untyped;
use super::head::Head;
use super::mail::Mail;
use super::notices;
use super::phrases::folded;
use super::prose::{Clarity, Named, Notice};
use super::reading::{Action, Class, Kind, Reading, Report, WrittenAddress};
use super::ses;
use crate::mail::EnhancedCode;

/// Octets of a diagnostic that are kept: enough for the longest reply of many lines.
const LONGEST_DIAGNOSTIC: usize = 1000;

/// A bounce's reports, or nothing.
pub(super) fn read(mail: &Mail<'_>) -> Option<Reading> {
    if let Some(notification) = ses::read(mail) {
        return Some(notified(notification));
    }
    let head = mail.head();
    let statuses = dsn::statuses(mail);
    let text = mail.text();
    let notice = Notice::new(&text);
    let because = why(mail, &statuses, &notice)?;
    let asks =
        folded(&format!("{} {}", head.text("From").unwrap_or_default(), head.text("Subject").unwrap_or_default()));
    let kind = if notices::is_challenge(&asks) { Kind::Challenge } else { Kind::Bounce };
    let original = Original::of(mail, &notice);
    let statuses = completed(head, statuses, &notice, &original);
    let mut reading = Reading::new(
        kind,
        if kind == Kind::Challenge { "a program wants the sender to prove to be a person" } else { because },
    );
    let others: Vec<&str> = statuses.iter().filter_map(|status| status.recipient.as_deref()).collect();
    let subject = head.text("Subject").unwrap_or_default();
    let whole = Whole::new(&notice, &subject);
    for status in &statuses {
        let mut rest = others.clone();
        rest.retain(|other| Some(*other) != status.recipient.as_deref());
        let about = status.recipient.as_deref().map(|address| notice.about(address, &rest)).unwrap_or_default();
        reading.reports.push(report(status, &about, &whole, statuses.len() == 1));
    }
    reading.original_message_id = original.message_id();
    Some(reading)
}

/// The reading of an Amazon SES notification.
fn notified(notification: ses::Notification) -> Reading {
    let mut reading = Reading::new(notification.kind, "it is a notification of Amazon SES");
    let whole = Whole::new(&Notice::new(""), "");
    for told in notification.told {
        let status = Status {
            recipient: Some(told.address),
            action: told.action.as_deref().and_then(Action::parse).or(notification.action),
            code: told.status.as_deref().and_then(code_in),
            diagnostic: told.diagnostic.as_deref().map(|text| untyped(text).to_owned()),
            ..Status::default()
        };
        let mut report = report(&status, "", &whole, true);
        if let Some(class) = notification.class {
            (report.class, report.is_dead) = (class, Some(false));
        }
        if notification.kind == Kind::Complaint {
            (report.action, report.status) = (None, None);
        }
        reading.reports.push(report);
    }
    reading.original_message_id = notification.message_id;
    reading
}

/// What decides that it is a bounce; `None`: it is none.
fn why(mail: &Mail<'_>, statuses: &[Status], notice: &Notice<'_>) -> Option<&'static str> {
    if statuses.iter().any(|status| status.action.is_some() || status.code.is_some()) {
        return Some("it has a machine-readable delivery status");
    }
    if dsn::has_status(mail) && !statuses.is_empty() {
        return Some("it has a machine-readable delivery status");
    }
    let head = mail.head();
    if head.has("X-Failed-Recipients") {
        return Some("its head names failed recipients");
    }
    let from = folded(&head.text("From").unwrap_or_default());
    let subject = folded(&head.text("Subject").unwrap_or_default());
    let return_path = head.plain("Return-Path").map(|path| path.trim().to_ascii_lowercase());
    let is_null = return_path.as_deref().is_some_and(|path| path == "<>" || path.starts_with("<mailer-daemon"));
    // `From: <>` is no person's either.
    let is_system = notices::is_system(&from) || from.trim() == "<>";
    let is_report = mail.parameter("report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status"));
    let is_failure = head.plain("Auto-Submitted").is_some_and(|value| value.to_ascii_lowercase().contains("failure"));
    let signs =
        usize::from(is_null) + 2 * usize::from(is_system) + 2 * usize::from(is_report) + 2 * usize::from(is_failure);
    if signs == 0 && !subject_is_clear(&subject) {
        return None;
    }
    if signs < 2 && is_absence(head, &subject) {
        return None;
    }
    let is_subject = notices::is_subject(&subject);
    let has_original = notice.original.is_some() || mail.returned().next().is_some();
    let mut said = folded(notice.text);
    if said.len() > 16_000 {
        let end = (0..=16_000).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        said.truncate(end);
    }
    let is_text = notices::is_text(&said);
    match (signs, is_subject, is_text) {
        (2.., true, _) => Some("a mail system wrote it and its subject tells of failed delivery"),
        (2.., _, true) => Some("a mail system wrote it and its text tells of failed delivery"),
        (1, _, true) if has_original => Some("it has no return path, tells of failed delivery and returns a message"),
        (1, true, true) => Some("it has no return path, and its subject and text tell of failed delivery"),
        (0, true, true) => Some("its subject and text tell of failed delivery in a program's words"),
        _ => None,
    }
}

/// Subjects that no person writes; the only sign where a gateway wrote the head anew.
fn subject_is_clear(subject: &str) -> bool {
    notices::is_subject(subject)
        && !subject.starts_with("re:")
        && !subject.starts_with("fwd:")
        && !subject.starts_with("fw:")
}

/// Words and fields of programs that answer for an absent person.
fn is_absence(head: &Head<'_>, subject: &str) -> bool {
    let is_automatic =
        ["X-Autoreply", "X-Autorespond", "X-Mail-Autoreply", "X-Autogenerated", "X-MS-Exchange-Inbox-Rules-Loop"]
            .iter()
            .any(|name| head.has(name));
    let precedence = head.plain("Precedence").unwrap_or_default().to_ascii_lowercase();
    let submitted = head.plain("Auto-Submitted").unwrap_or_default().to_ascii_lowercase();
    is_automatic
        || precedence.contains("auto_reply")
        || submitted.contains("vacation")
        || [
            "out of office",
            "automatic reply",
            "auto reply",
            "autoreply",
            "auto-reply",
            "vacation",
            "abwesen",
            "away from",
        ]
        .iter()
        .any(|word| subject.contains(word))
}

/// What is left of the message that came back.
struct Original<'m> {
    heads: Vec<Head<'m>>,
    own: Head<'m>,
}

impl<'m> Original<'m> {
    fn of(mail: &'m Mail<'_>, notice: &'m Notice<'_>) -> Self {
        let mut heads: Vec<Head<'m>> =
            mail.returned().map(super::mail::Returned::into_head).filter(|head| !head.is_empty()).collect();
        heads.extend(notice.original.clone());
        Self { heads, own: mail.head().clone() }
    }

    /// Its recipients, as far as its head names them; those that took it on its way first.
    fn recipients(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for head in &self.heads {
            for name in [
                "X-Failed-Recipients",
                "X-Envelope-To",
                "Envelope-To",
                "X-Rcpt-To",
                "X-Receiver",
                "To",
                "Cc",
                "Apparently-To",
            ] {
                if !found.is_empty() && name != "Cc" {
                    continue;
                }
                for address in head.addresses(name) {
                    if address.contains('@') && !found.iter().any(|other| other.eq_ignore_ascii_case(&address)) {
                        found.push(address);
                    }
                }
            }
        }
        found
    }

    fn message_id(&self) -> Option<String> {
        self.heads
            .iter()
            .find_map(|head| head.ids("Message-ID").into_iter().next())
            .or_else(|| self.own.ids("In-Reply-To").into_iter().next())
            .or_else(|| self.own.ids("References").into_iter().next_back())
    }
}

/// The machine-readable statuses, with recipients from elsewhere where they name none.
fn completed(head: &Head<'_>, mut statuses: Vec<Status>, notice: &Notice<'_>, original: &Original<'_>) -> Vec<Status> {
    let is_named = |status: &Status| status.recipient.as_deref().is_some_and(|address| address.contains('@'));
    if statuses.iter().any(is_named) {
        return statuses;
    }
    let found = recipients(head, notice, original);
    if let [only] = &mut statuses[..] {
        // A status without an address: the message has one recipient, or the first one is as good as any.
        if let Some(address) = found.first() {
            only.recipient = Some(address.clone());
        }
        return statuses;
    }
    if found.is_empty() {
        if statuses.is_empty() {
            statuses.push(Status::default());
        }
        return statuses;
    }
    found.into_iter().map(|address| Status { recipient: Some(address), ..Status::default() }).collect()
}

/// Whom a report without fields is about.
fn recipients(head: &Head<'_>, notice: &Notice<'_>, original: &Original<'_>) -> Vec<String> {
    let failed: Vec<String> = head
        .raw("X-Failed-Recipients")
        .flat_map(|value| {
            String::from_utf8_lossy(value).split([',', ';', '\n']).filter_map(address::first).collect::<Vec<_>>()
        })
        .collect();
    let failed = distinct(failed);
    let returned = original.recipients();
    let is_returned = |address: &str| returned.iter().any(|other| other.eq_ignore_ascii_case(address));
    // The report is addressed to the sender, and comes from the reporting system: neither is the recipient, unless the
    // original says so.
    let mut ours: Vec<String> =
        ["To", "Delivered-To", "X-Original-To", "Envelope-To"].iter().flat_map(|name| head.addresses(name)).collect();
    ours.extend(head.addresses("From"));
    ours.extend(
        original.heads.iter().flat_map(|head| head.addresses("From").into_iter().chain(head.addresses("Return-Path"))),
    );
    let is_ours = |address: &str| ours.iter().any(|own| own.eq_ignore_ascii_case(address));
    let named: Vec<Named> = notice.named();
    let of = |clarity: Clarity| -> Vec<String> {
        named
            .iter()
            .filter(|one| one.clarity == clarity)
            .filter(|one| is_returned(&one.address) || !is_ours(&one.address) && !is_desk(&one.address))
            .map(|one| one.address.clone())
            .collect()
    };
    let labelled = of(Clarity::Labelled);
    if !failed.is_empty() {
        // The head names whom an alias was expanded to, or the other way round: whom we wrote to is in the original.
        let known: Vec<String> = labelled.iter().filter(|address| is_returned(address)).cloned().collect();
        return if known.is_empty() || failed.iter().any(|address| is_returned(address)) { failed } else { known };
    }
    if !labelled.is_empty() {
        return labelled;
    }
    let transcript = of(Clarity::Transcript);
    if !transcript.is_empty() {
        return transcript;
    }
    let mentioned = of(Clarity::Mentioned);
    let confirmed: Vec<String> = mentioned.iter().filter(|address| is_returned(address)).cloned().collect();
    if !confirmed.is_empty() {
        return confirmed;
    }
    if !returned.is_empty() {
        return returned;
    }
    if !mentioned.is_empty() {
        return mentioned.into_iter().take(1).collect();
    }
    // Labelled addresses of postmasters are better than nothing: somebody wrote to a postmaster.
    let desks = named.iter().filter(|one| one.clarity == Clarity::Labelled && !is_ours(&one.address));
    let desks: Vec<String> = desks.map(|one| one.address.clone()).take(1).collect();
    if !desks.is_empty() {
        return desks;
    }
    head.addresses("To").iter().find_map(|address| from_verp(address)).into_iter().collect()
}

fn distinct(addresses: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for address in addresses {
        if !found.iter().any(|other| other.eq_ignore_ascii_case(&address)) {
            found.push(address);
        }
    }
    found
}

/// Mailboxes of those who help, not of those who were invited.
fn is_desk(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    [
        "postmaster",
        "mailer-daemon",
        "mailerdaemon",
        "abuse",
        "support",
        "helpdesk",
        "help",
        "hostmaster",
        "noreply",
        "no-reply",
        "mailadmin",
        "webmaster",
    ]
    .contains(&local.as_str())
        // The desks of mailing lists.
        || ["-request", "-ctl", "-owner", "-admin", "-help", "-unsubscribe", "-subscribe"].iter().any(|end| local.ends_with(end))
}

/// `bounce+ana=host.example@us.example` is about ana@host.example (variable envelope return path).
fn from_verp(address: &str) -> Option<String> {
    let local = address.split('@').next()?;
    let (before, domain) = local.rsplit_once('=')?;
    let name = before.rsplit(['+', '-', '=']).next()?;
    (domain.contains('.') && !name.is_empty()).then(|| format!("{name}@{domain}"))
}

/// The report as a whole, for what single sections leave out.
struct Whole {
    words: String,
    subject: String,
    code: Option<EnhancedCode>,
    reply: Option<String>,
    is_late: bool,
    /// The transcript has a refusal of DATA and none of RCPT.
    is_after_data: bool,
}

impl Whole {
    fn new(notice: &Notice<'_>, subject: &str) -> Self {
        let subject = words_of(subject);
        let is_late = [
            "delay",
            "warning:",
            "still being retried",
            "will be retried",
            "verzögert",
            "retard",
            "not yet",
            "deferred",
        ]
        .iter()
        .any(|word| subject.contains(word));
        let reply = replies_in(notice.text);
        let code = reply.as_deref().and_then(code_in).or_else(|| code_in(notice.text));
        Self {
            words: words_of(notice.text),
            subject,
            code,
            reply,
            is_late,
            is_after_data: is_refused_after_data(notice.text),
        }
    }
}

/// Whether the command before the first refusal of a transcript is DATA.
fn is_refused_after_data(text: &str) -> bool {
    // With PIPELINING the refusals of RCPT come in below DATA, and DATA is refused for want of recipients.
    if text.to_ascii_lowercase().contains("no valid recipients") {
        return false;
    }
    let mut is_data = false;
    for line in text.lines() {
        let line = line.trim();
        let command = line.strip_prefix(">>>").map_or(line, str::trim);
        if command.eq_ignore_ascii_case("data") {
            is_data = true;
            // m-FILTER names the command after the reply.
            if line == command {
                return true;
            }
        } else if line.starts_with(">>>") {
            is_data = false;
        } else if is_data && line.starts_with("<<< 5") {
            return true;
        }
    }
    false
}

/// Puts together what is said of one recipient.
fn report(status: &Status, about: &str, whole: &Whole, is_alone: bool) -> Report {
    let reply = replies_in(about).or_else(|| whole.reply.clone());
    let diagnostic: Cow<'_, str> = match &status.diagnostic {
        Some(text) => Cow::Borrowed(text.as_str()),
        None => Cow::Owned(reply.clone().unwrap_or_else(|| about.to_owned())),
    };
    let said = code_in(&diagnostic).filter(|code| code.class != 2);
    // What the remote server said is nearer to the truth than the reporting system's own summary, if it says anything.
    let is_specific = |code: &EnhancedCode| code.detail != 0;
    let code = said
        .filter(is_specific)
        .or_else(|| status.code.filter(is_specific))
        .or_else(|| said.filter(|code| code.subject != 0))
        .or(status.code)
        .or(said)
        .or_else(|| if status.diagnostic.is_none() { code_in(about).or(whole.code) } else { None });
    let words = words_of(&diagnostic);
    let smtp_code = smtp_code(&diagnostic)
        .or_else(|| if status.diagnostic.is_none() { smtp_code_of(reply.as_deref()) } else { None });
    let mut class = diagnose(&words, code);
    if matches!(class, Class::Other) || is_vague(class) && by_words(&words).is_none() {
        // The section, then the whole report, then the subject.
        class = by_words(&words_of(about))
            .or_else(|| {
                (status.diagnostic.is_none() || class == Class::Other).then(|| by_words(&whole.words)).flatten()
            })
            .or_else(|| by_words(&whole.subject))
            .unwrap_or(class);
        if class == Class::Other {
            class = diagnose(&whole.words, code);
        }
        if class == Class::Other {
            class = diagnose(&whole.subject, code);
        }
    }
    let action = action(status, code, smtp_code, whole);
    if action.is_some_and(|action| matches!(action, Action::Delivered | Action::Relayed | Action::Expanded)) {
        class = Class::Arrived;
    }
    // A server that took the recipient and then refused the message, or whose code tells of the mailbox or of a rule, does not
    // say for certain that the recipient is unknown, whatever it writes; an address is not given up for less.
    let is_doubtful = match code {
        // Yahoo refuses the recipient only after the message, in its own words.
        _ if words.contains("delivery error: dd") => false,
        Some(code) if code.subject == 1 => false,
        Some(code) if code.subject == 2 && code.detail == 0 => true,
        _ => said.is_some_and(|code| code.subject == 7) || is_after_data(&diagnostic, about, whole, is_alone),
    };
    if class == Class::UserUnknown && is_doubtful {
        class = Class::Filtered;
    }
    // What was refused before any recipient was named is the sender or its host.
    if matches!(class, Class::UserUnknown | Class::HostUnknown) && is_before_recipient(&diagnostic, about) {
        class = Class::Blocked;
    }
    // MessageLabs answers 542 for a mailbox that is not in its customer's directory.
    if smtp_code == Some(542) {
        class = Class::UserUnknown;
    }
    let is_permanent = action != Some(Action::Delayed)
        && code.is_none_or(|code| code.class != 4)
        && smtp_code.is_none_or(|code| code >= 500);
    let is_dead = match action {
        Some(Action::Delayed) => Some(false),
        // Name servers that say "not now" are believed: a domain is not given up for a report of class 4.
        _ if class == Class::HostUnknown && code.is_some_and(|code| code.class == 4) => Some(false),
        _ => Some(class.is_dead() || class == Class::NotAccepting && is_permanent),
    };
    Report {
        recipient: status.recipient.as_deref().and_then(WrittenAddress::new),
        original_recipient: status.original.as_deref().and_then(WrittenAddress::new),
        action,
        status: code.or_else(|| usual_code(class, is_permanent)),
        smtp_code,
        diagnostic: one_line(&diagnostic),
        class,
        is_dead,
        remote_mta: status.remote_mta.clone().filter(|name| !name.is_empty()),
    }
}

/// Classes that a code alone gives and words may better.
fn is_vague(class: Class) -> bool {
    matches!(
        class,
        Class::Syntax
            | Class::System
            | Class::Network
            | Class::Filtered
            | Class::Policy
            | Class::Blocked
            | Class::Content
    )
}

fn action(status: &Status, code: Option<EnhancedCode>, smtp_code: Option<u16>, whole: &Whole) -> Option<Action> {
    if status.action.is_some() {
        return status.action;
    }
    if code.is_some_and(|code| code.class == 2) {
        return Some(Action::Delivered);
    }
    let gave_up =
        ["giving up", "not going to try again", "given up", "permanent", "failed after", "undeliverable", "gave up"]
            .iter()
            .any(|word| whole.words.contains(word));
    let goes_on = [
        "will keep trying",
        "will continue",
        "will be retried",
        "still being retried",
        "do not need to resend",
        "not yet been delivered",
        "warning message only",
        "will retry",
        "delivery attempts will",
    ]
    .iter()
    .any(|word| whole.words.contains(word));
    let is_refused = smtp_code.is_some_and(|code| code >= 500);
    if goes_on && !gave_up || whole.is_late && !gave_up && !is_refused {
        Some(Action::Delayed)
    } else {
        Some(Action::Failed)
    }
}

/// Whether the refusal came before a recipient was named.
fn is_before_recipient(diagnostic: &str, about: &str) -> bool {
    [diagnostic, about].iter().any(|text| {
        let lower = text.to_ascii_lowercase();
        [
            "after mail from",
            "in reply to mail from",
            "in reply to helo",
            "in reply to ehlo",
            "after helo",
            "after ehlo",
            "after initial connection",
        ]
        .iter()
        .any(|word| lower.contains(word))
    })
}

/// Whether the refusal came after the recipient had been taken.
fn is_after_data(diagnostic: &str, about: &str, whole: &Whole, is_alone: bool) -> bool {
    let says = |text: &str| {
        let lower = text.to_ascii_lowercase();
        ["end of data", "after data", "data command"].iter().any(|word| lower.contains(word))
    };
    says(diagnostic) || says(about) || is_alone && whole.is_after_data
}

/// The lines of a text that are a server's replies, joined; else nothing.
fn replies_in(text: &str) -> Option<String> {
    let mut found = String::new();
    for line in text.lines() {
        let line = line.trim();
        let at = line.strip_prefix("<<<").map_or(line, str::trim);
        let reply = reply_at(at).or_else(|| {
            // `host mx.example said: 550 5.1.1 no`, `failed with: 550`, `the response was: 550`
            let lower = line.to_ascii_lowercase();
            [
                "said:",
                "says:",
                "with:",
                "was:",
                "error:",
                "reply:",
                "response:",
                "responded:",
                "returned:",
                "answer:",
                "error message:",
                "reason:",
                "command:",
                "got:",
                "server:",
                "because:",
                "because of",
            ]
            .iter()
            .find_map(|word| {
                lower
                    .find(word)
                    .and_then(|at| line.get(at + word.len()..))
                    .and_then(|rest| reply_at(rest.trim_start_matches([' ', '"', '\''])))
            })
        });
        if let Some(reply) = reply {
            if !found.is_empty() {
                found.push(' ');
            }
            found.push_str(reply);
        }
        if found.len() > LONGEST_DIAGNOSTIC {
            break;
        }
    }
    (!found.is_empty()).then_some(found)
}

/// A text that begins with a reply of class 4 or 5.
fn reply_at(text: &str) -> Option<&str> {
    let octets = text.as_bytes();
    let is_code = octets.len() >= 3
        && matches!(octets[0], b'4' | b'5')
        && octets[1] <= b'5'
        && octets[1].is_ascii_digit()
        && octets[2].is_ascii_digit();
    (is_code && octets.get(3).is_none_or(|b| matches!(b, b' ' | b'-' | b':' | b'\t' | b'#'))).then_some(text)
}

fn smtp_code(text: &str) -> Option<u16> {
    smtp_code_of(replies_in(text).as_deref().or(Some(text)))
}

/// The first number of class 4 or 5 that stands as a reply code.
fn smtp_code_of(text: Option<&str>) -> Option<u16> {
    text?
        .split([' ', '\n', '\t', '(', '"', '\'', ';', '<', '>', ':', '[', ']', ','])
        .map(|word| {
            word.get(..3).filter(|_| word.len() == 3 || word.as_bytes().get(3) == Some(&b'-')).unwrap_or_default()
        })
        .filter(|word| word.bytes().all(|b| b.is_ascii_digit()) && word.len() == 3)
        .filter_map(|word| word.parse::<u16>().ok())
        .find(|code| (400..=559).contains(code))
}

fn one_line(text: &str) -> Option<String> {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST_DIAGNOSTIC {
        let end = (0..=LONGEST_DIAGNOSTIC).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
    }
    (!line.is_empty()).then_some(line)
}
