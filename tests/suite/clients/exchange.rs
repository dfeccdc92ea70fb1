//! Exchange, Outlook and Microsoft 365.
//!
//! Sources: MS-OXOCAL section 3.1.5.2 (out of date: a lower sequence number, or the same with an earlier time) and section
//! 3.1.4.8.4 (no response is sent when none is requested); MS-OXCICAL section 2.1.3.1.1.20.16 (organizer from CN and address);
//! grommunio/gromox lib/mapi/oxcmail2.cpp and oxcmail.cpp (a part with disposition attachment is not picked; without charset it
//! is read as US-ASCII), oxcical.cpp (METHOD in the object decides; without CN the reader is taken for the organizer);
//! Microsoft's help (only a change of date, time or recurrence asks for a new answer; the rest is informational).
//! Assumed: a cancelled meeting stays in the calendar, marked, until its owner removes it.

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client { name: "Exchange", pick, admit, receive, limits: &[Limit::Forgets] };

fn pick(letter: &Letter) -> Picked {
    let leaf = letter.of_kind("text/calendar").find(|leaf| leaf.disposition.as_deref() != Some("attachment"));
    let leaf = leaf.ok_or("no calendar part that is not an attachment")?;
    if !leaf.octets.is_ascii() && leaf.charset.as_deref() != Some("utf-8") {
        return Err("read as US-ASCII".to_owned());
    }
    let method = calendar::method_within(&leaf.octets).ok_or("not supported calendar message.ics")?;
    Ok(vec![(method, leaf.octets.clone())])
}

fn admit(told: &Told) -> Result<(), String> {
    calendar::to_attendee(told)?;
    if told.organizer_name.is_empty() {
        return Err("the reader is taken for the organizer".to_owned());
    }
    if !told.is_cancel() && !told.is_answer_wanted {
        return Err("no answer is sent".to_owned());
    }
    Ok(())
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
    let is_out_of_date = told.order() < entry.order();
    if is_out_of_date {
        calendar.asks = false;
    } else if told.is_cancel() {
        calendar.strike(told);
    } else if entry.is_cancelled || (entry.start, entry.end) != (told.start, told.end) {
        calendar.replace(told);
    } else {
        calendar.reword(told);
    }
}
