//! Zimbra.
//!
//! Sources: Zimbra/zm-mailbox store/src/java/com/zimbra/cs/mime/ParsedMessage.java (analyzePart: a part without `method` is
//! ignored unless the server is told otherwise; the first one counts), store/src/java/com/zimbra/cs/mailbox/CalendarItem.java
//! (processNewInviteRequest: a message replaces the stored one where Invite.isSameOrNewerVersion says so, by SEQUENCE and then
//! DTSTAMP; what is outdated "perhaps delivered out of order" is ignored; a CANCEL takes the whole appointment out).
//! Assumed: the answer in the message replaces the stored one, which is the worse of what it may do.

use std::rc::Rc;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client {
    name: "Zimbra",
    pick,
    admit: calendar::to_attendee,
    receive,
    limits: &[Limit::Forgets, Limit::TakesOurAnswer],
};

fn pick(letter: &Letter) -> Picked {
    let leaf = calendar::with_method(letter).into_iter().next().ok_or("no calendar part with a method")?;
    calendar::agreeing(leaf)
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
        calendar.asks = false;
    } else if told.is_cancel() {
        calendar.delete(&told.uid);
    } else {
        calendar.replace(told);
    }
}
