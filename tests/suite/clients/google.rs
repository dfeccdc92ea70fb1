//! Gmail and Google Calendar.
//!
//! Sources: icalendar/icalendar#229 and mangstadt/biweekly#102 (without METHOD in both places, ORGANIZER and the reader as
//! ATTENDEE there are no answer buttons), humhub/calendar#440 (an event moves only with a higher SEQUENCE), the comment in
//! Tuta's CalendarModel.ts (it sends changed titles itself with the same SEQUENCE), Couchers-org/couchers#8557 and
//! calcom/cal.diy#29926 (cancellations that were not honoured: no `method`, no ORGANIZER, SEQUENCE not raised).
//! Assumed: an earlier DTSTAMP with the same SEQUENCE is ignored, a cancelled event is remembered.

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client =
    Client { name: "Google", pick, admit: calendar::to_attendee, receive, limits: &[Limit::Forgets] };

fn pick(letter: &Letter) -> Picked {
    let leaves = calendar::with_method(letter);
    let leaf = leaves.iter().find(|leaf| leaf.around == "multipart/alternative");
    calendar::agreeing(leaf.ok_or("no buttons: no calendar alternative with a method")?)
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
    let is_higher = told.sequence > entry.sequence;
    if told.is_cancel() {
        if is_higher {
            calendar.strike(told);
        }
    } else if is_higher {
        calendar.replace(told);
    } else if told.order() < entry.order() || entry.is_cancelled {
        calendar.asks = false;
    } else {
        // The words change, the event does not move.
        let (start, end) = (entry.start, entry.end);
        calendar.reword(told);
        if let Some(entry) = calendar.find(&told.uid) {
            (entry.start, entry.end) = (start, end);
        }
    }
}
