//! Tuta.
//!
//! Sources: tutao/tutanota CalendarModel.ts: processCalendarEventMessage (From must be the stored organizer; an event that is
//! not there is made from a REQUEST), processCalendarUpdate (only a lower SEQUENCE is ignored; DTSTAMP is not read),
//! updateEventWithExternal (takes the attendees with their answers), processCalendarCancellation (deletes, whatever the
//! SEQUENCE); CalendarInvites.ts and tutao/tutanota#11245 (replies to From).

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client {
    name: "Tuta",
    pick,
    admit: calendar::from_organizer,
    receive,
    limits: &[Limit::CancelsUnseen, Limit::Forgets, Limit::OlderWording, Limit::TakesOurAnswer],
};

fn pick(letter: &Letter) -> Picked {
    let leaf = letter.of_kind("text/calendar").next().ok_or("no calendar file")?;
    let method = calendar::method_within(&leaf.octets).ok_or("no METHOD")?;
    Ok(vec![(method, leaf.octets.clone())])
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
    let order = entry.order();
    if entry.told.organizer != told.from {
        calendar.asks = false;
    } else if told.is_cancel() {
        if told.order() < order {
            calendar.note(Limit::CancelsUnseen);
        }
        calendar.delete(&told.uid);
    } else if told.sequence < order.0 {
        calendar.asks = false;
    } else {
        if told.order() < order {
            calendar.note(Limit::OlderWording);
        }
        calendar.replace(told);
    }
}
