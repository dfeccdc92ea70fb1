//! Whom a bounce is about.
//!
//! What: [`completed`], the statuses with recipients from prose where fields name none; [`Original`], what is left of the message
//! that came back. Standards: RFC 3464 section 2.3; `X-Failed-Recipients` (Exim, Google); VERP. Not here: what became of them
//! (`cause`). Called by: `bounce`. Can fail: nothing.
//!
//! Asked in this order: the machine-readable part, `X-Failed-Recipients`, the lines of the report that name an address clearly,
//! transcripts, addresses that the report mentions and the returned `To` confirms, the returned `To`, the address in a VERP
//! return path.

use super::address;
use super::dsn::Status;
use super::head::Head;
use super::mail::{Mail, Returned};
use super::prose::{Clarity, Named, Notice};

/// What is left of the message that came back.
pub(super) struct Original<'m> {
    heads: Vec<Head<'m>>,
    own: Head<'m>,
}

impl<'m> Original<'m> {
    pub(super) fn of(mail: &'m Mail<'_>, notice: &'m Notice<'_>) -> Self {
        let mut heads: Vec<Head<'m>> =
            mail.returned().map(Returned::into_head).filter(|head| !head.is_empty()).collect();
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

    pub(super) fn message_id(&self) -> Option<String> {
        self.heads
            .iter()
            .find_map(|head| head.ids("Message-ID").into_iter().next())
            .or_else(|| self.own.ids("In-Reply-To").into_iter().next())
            .or_else(|| self.own.ids("References").into_iter().next_back())
    }
}

/// The machine-readable statuses, with recipients from elsewhere where they name none.
pub(super) fn completed(
    head: &Head<'_>,
    mut statuses: Vec<Status>,
    notice: &Notice<'_>,
    original: &Original<'_>,
) -> Vec<Status> {
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
