//! Apple Mail and Calendar on macOS and iOS: the least documented, so its rule is the standard's.
//!
//! Sources: mailcow/mailcow-dockerized#3809 and Cocoanetics/SwiftMail#176 (a calendar part outside multipart/alternative is
//! shown as a file). What it does with SEQUENCE and DTSTAMP is assumed to be RFC 5546 section 2.1.5: no source was found.

use super::calendar::{self, Client, Limit, Picked};
use super::letter::Letter;
use super::rfc5546;

pub(super) const CLIENT: Client =
    Client { name: "Apple", pick, admit: calendar::to_attendee, receive: rfc5546::receive, limits: &[Limit::Forgets] };

fn pick(letter: &Letter) -> Picked {
    let leaf = letter.of_kind("text/calendar").find(|leaf| leaf.around == "multipart/alternative");
    let leaf = leaf.ok_or("no calendar part in multipart/alternative: shown as a file")?;
    let method = calendar::method_within(&leaf.octets).ok_or("no METHOD")?;
    Ok(vec![(method, leaf.octets.clone())])
}
