//! What comes back to the sender's mailbox, read.
//!
//! What: [`read`], from the octets of any message to a [`Reading`]: what it is taken for and why, whom it names, what it says of
//! them, what may bind it to an invitation. Standards: RFC 3464 and 6533 (delivery status), RFC 5965 (complaints), RFC 8098
//! (receipts), RFC 3834 (automatic replies), RFC 5546 (calendar answers), and what programs write in their place.
//! Not here: fetching mail (`io`), the journal (`io::store`). Called by: `command::replies`.
//! Can fail: nothing; octets that are no message are [`Kind::Unreadable`], and so are those over which a reader fails.

mod absence;
mod address;
mod answer;
mod authenticity;
mod binding;
mod bounce;
mod cause;
mod complaint;
mod consequence;
mod diagnosis;
mod dsn;
mod fields;
mod head;
mod identity;
mod letter;
mod lexicon;
mod limits;
mod mail;
mod notices;
mod phrases;
mod prose;
mod reading;
mod receipt;
mod ses;
#[cfg(test)]
mod tests;
mod traces;
mod voices;
mod whom;

use std::panic::catch_unwind;

pub use authenticity::authenticated_domains;
pub use binding::{Actor, Binding, Invited, Known, Own, SentMessage, Wanted};
pub use consequence::{Circumstances, Flag, Judged, consequence, cure};
pub use head::Head;
pub use identity::Identity;
pub use mail::{Mail, Part, Returned, Shaped};
pub use reading::{Absence, Action, Answer, AttendeeMethod, Class, Kind, Reading, Report, Traces, WrittenAddress};

/// What [`Reading::because`] says where a reader of ours failed over a message.
pub const BROKEN: &str = "convoke failed over it; please report this as a fault of convoke";

/// Reads one message. Octets as they lie in a Maildir or an .eml file, with any line ends.
pub fn read(octets: &[u8]) -> Reading {
    // A fault of ours in one message must not keep the others from being read, now and in every later run.
    catch_unwind(|| understand(octets)).unwrap_or_else(|_| Reading::new(Kind::Unreadable, BROKEN))
}

fn understand(octets: &[u8]) -> Reading {
    let shaped = Shaped::new(octets);
    let Some(mail) = shaped.mail() else {
        let mut reading = Reading::new(Kind::Unreadable, "there is no header field");
        reading.findings = shaped.findings().to_vec();
        return reading;
    };
    let mut reading = understood(&mail);
    let head = mail.head();
    reading.message_id = head.ids("Message-ID").into_iter().next();
    reading.from = head.addresses("From").first().and_then(|address| WrittenAddress::new(address));
    reading.subject = head.text("Subject");
    reading.date = date(head);
    reading.traces = traces::traces(&mail);
    reading.traces.answer_to(&reading.answers);
    reading.findings.splice(..0, shaped.findings().iter().cloned());
    reading
}

/// The order in which kinds are tried; the first that fits counts.
fn understood(mail: &Mail<'_>) -> Reading {
    let calendars = answer::find(mail);
    // A bounce gives our own request back, so calendars that answer nothing come after it.
    let rules: [fn(&Mail<'_>) -> Option<Reading>; 3] = [complaint::read, receipt::read, bounce::read];
    voices::answered(mail, &calendars)
        .or_else(|| rules.iter().find_map(|rule| rule(mail)))
        .or_else(|| voices::echoed(mail, &calendars))
        .unwrap_or_else(|| voices::spoken(mail))
}

/// `Date`, as far as it is one.
fn date(head: &Head<'_>) -> Option<jiff::Timestamp> {
    let written = head.plain("Date")?;
    let date = mail_parser::DateTime::parse_rfc822(&written).filter(mail_parser::DateTime::is_valid)?;
    jiff::Timestamp::from_second(date.to_timestamp()).ok()
}
