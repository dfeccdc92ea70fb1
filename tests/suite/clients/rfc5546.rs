//! A receiver that does what RFC 5546 says and no more.
//!
//! Sources: RFC 5546 section 2.1.5 (UID is the key; the higher SEQUENCE wins, then the later DTSTAMP; what is older is
//! ignored), section 3.2.2 (REQUEST for an existing UID updates it; the same SEQUENCE asks for no new answer), section 3.2.5
//! (CANCEL); RFC 6047 section 2.4 (parts with `method`, equal to METHOD; a multipart/mixed is processed in all its parts).
//! Its limit: a CANCEL for an event that is not there is ignored, so nothing remains to hold an overtaken REQUEST off.

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client =
    Client { name: "RFC 5546", pick, admit: calendar::from_organizer, receive, limits: &[Limit::Forgets] };

fn pick(letter: &Letter) -> Picked {
    let mut objects = Vec::new();
    for leaf in calendar::with_method(letter) {
        objects.extend(calendar::agreeing(leaf)?);
    }
    match objects.as_slice() {
        [] => Err("no calendar part with a method".to_owned()),
        [_] => Ok(objects),
        _ => Err("more than one object to process".to_owned()),
    }
}

/// Apple's rule too, as far as anybody has seen.
pub(super) fn receive(calendar: &mut Calendar, told: &Rc<Told>) {
    let held = calendar.find(&told.uid).map(|entry| (entry.order(), entry.is_cancelled));
    match (told.is_cancel(), held) {
        (true, held) => {
            calendar.hear_of_cancel(told);
            if held.is_some_and(|(order, _)| told.order() > order) {
                calendar.strike(told);
            }
        }
        (false, None) => calendar.add(told),
        (false, Some((order, is_cancelled))) if told.order() > order => {
            if told.sequence > order.0 || is_cancelled {
                calendar.replace(told);
            } else {
                calendar.reword(told);
            }
        }
        // The same again: nothing changes, and who has not answered may do so.
        (false, Some((order, false))) if told.order() == order => calendar.show_again(&told.uid),
        (false, Some(_)) => calendar.asks = false,
    }
}
