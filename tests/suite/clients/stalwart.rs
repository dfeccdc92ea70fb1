//! Stalwart's calendar server.
//!
//! Sources: stalwartlabs/stalwart crates/email/src/message/ingest.rs (each text/calendar part with a `method`; the sender must
//! be the organizer), crates/groupware/src/scheduling/inbound.rs (another ORGANIZER than the stored one is refused; a REQUEST
//! with a SEQUENCE not below the stored one replaces what differs, ATTENDEE with its PARTSTAT too; DTSTAMP is not compared; a
//! CANCEL likewise sets STATUS and removes SEQUENCE, which then counts as 0).

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client {
    name: "Stalwart",
    pick,
    admit: calendar::from_organizer,
    receive,
    limits: &[Limit::Forgets, Limit::OlderWording, Limit::TakesOurAnswer],
};

fn pick(letter: &Letter) -> Picked {
    let mut objects = Vec::new();
    for leaf in calendar::with_method(letter) {
        let method = calendar::method_within(&leaf.octets).ok_or("no METHOD")?;
        objects.push((method, leaf.octets.clone()));
    }
    if objects.is_empty() { Err("no calendar part with a method".to_owned()) } else { Ok(objects) }
}

fn receive(calendar: &mut Calendar, told: &Rc<Told>) {
    if told.is_cancel() {
        calendar.hear_of_cancel(told);
    }
    let Some(entry) = calendar.find(&told.uid) else {
        if !told.is_cancel() {
            calendar.add(told);
        }
        return;
    };
    if told.sequence < entry.sequence || told.organizer != entry.told.organizer {
        calendar.asks = false;
        return;
    }
    let is_older = told.sequence == entry.sequence && told.dtstamp < entry.dtstamp && !entry.is_cancelled;
    if told.is_cancel() {
        entry.is_cancelled = true;
        entry.sequence = 0;
    } else {
        if is_older {
            calendar.note(Limit::OlderWording);
        }
        calendar.overtaken(told);
        calendar.replace(told);
    }
}
