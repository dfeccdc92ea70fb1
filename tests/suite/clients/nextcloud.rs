//! Nextcloud Mail with the server's calendar, which is sabre/vobject's broker.
//!
//! Sources: sabre-io/vobject lib/ITip/Broker.php (processMessageRequest removes everything and takes the message's components;
//! processMessageCancel sets STATUS and SEQUENCE; neither compares anything), nextcloud/server lib/private/Calendar/Manager.php
//! (handleIMipCancel: ATTENDEE is the recipient, From or Reply-To is the organizer), nextcloud/mail#10660, #2317 and #4463 (the
//! nested alternative is found, unnamed parts were hidden).
//! Assumed: the guest lets the program add what it does not know.

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client {
    name: "Nextcloud",
    pick,
    admit,
    receive,
    limits: &[Limit::AsItComes, Limit::Forgets, Limit::TakesOurAnswer],
};

fn pick(letter: &Letter) -> Picked {
    let leaf = calendar::with_method(letter).into_iter().next().ok_or("no calendar part with a method")?;
    let method = calendar::method_within(&leaf.octets).ok_or("wrong method provided for processing")?;
    Ok(vec![(method, leaf.octets.clone())])
}

fn admit(told: &Told) -> Result<(), String> {
    calendar::to_attendee(told)?;
    calendar::from_organizer(told)
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
    if told.order() < entry.order() {
        calendar.note(Limit::AsItComes);
    }
    if told.is_cancel() {
        calendar.strike(told);
    } else {
        calendar.replace(told);
    }
}
