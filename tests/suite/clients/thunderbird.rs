//! Thunderbird.
//!
//! Sources: thunderbird/thunderbird-desktop-staging calendar/base/modules/utils/calItipUtils.jsm: initItemFromMsgData (a
//! missing `method` is taken from the object), compare (SEQUENCE, then DTSTAMP), processFoundItems (an event that was not
//! answered offers its buttons only when both are equal; newer with the same SEQUENCE is REQUEST:UPDATE-MINOR, which offers
//! "Update" and keeps the answer; newer with a higher one is REQUEST:UPDATE, which offers the answers; older is "already
//! processed"; CANCEL deletes what it finds without looking at sender or SEQUENCE).
//! The guest of the model opens every message and presses what is offered; who does not answer takes over what came.

use std::rc::Rc;

use convoke::calendar::PartStat;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client {
    name: "Thunderbird",
    pick,
    admit: calendar::to_attendee,
    receive,
    limits: &[Limit::CancelsUnseen, Limit::Forgets],
};

fn pick(letter: &Letter) -> Picked {
    let leaf = letter.of_kind("text/calendar").next().ok_or("no calendar part")?;
    let method = leaf.method.as_ref().map(|method| method.to_uppercase());
    let method = method.or_else(|| calendar::method_within(&leaf.octets)).ok_or("no method anywhere")?;
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
    let (order, is_unanswered) = (entry.order(), entry.partstat == PartStat::NeedsAction);
    if told.is_cancel() {
        if told.order() < order {
            calendar.note(Limit::CancelsUnseen);
        }
        calendar.delete(&told.uid);
    } else if told.order() == order {
        calendar.asks = is_unanswered;
    } else if told.order() < order {
        calendar.asks = false;
    } else if told.sequence == order.0 {
        // The bar offers "Update"; answers only when the message is opened again.
        calendar.reword(told);
        calendar.asks = false;
    } else {
        calendar.replace(told);
    }
}
