//! Proton Mail and Calendar.
//!
//! Sources: ProtonMail/WebClients applications/mail, invite.ts (only attachments whose name has an
//! iCalendar extension; UID and DTEND wanted; getIsInvitationOutdated compares DTSTAMP and, where that is equal, SEQUENCE;
//! getIsReinvite) and inviteApi.ts (updateEventInvitation: a higher SEQUENCE, or an event that was cancelled, asks anew; other
//! changed words keep the event; a CANCEL keeps all but DTSTAMP and STATUS). In the version read, an update with changed words
//! takes the PARTSTAT of the message.

use std::rc::Rc;

use convoke::calendar::PartStat;

use super::calendar::{self, Calendar, Client, Limit, Picked};
use super::letter::Letter;
use super::told::Told;

pub(super) const CLIENT: Client = Client {
    name: "Proton",
    pick,
    admit: calendar::to_attendee,
    receive,
    limits: &[Limit::Forgets, Limit::TakesOurAnswer],
};

fn pick(letter: &Letter) -> Picked {
    let is_named = |name: &str| name.to_lowercase().ends_with(".ics");
    let leaf = letter.leaves.iter().find(|leaf| leaf.name.as_deref().is_some_and(is_named));
    let leaf = leaf.ok_or("no attachment named *.ics")?;
    let method = calendar::method_within(&leaf.octets).ok_or("no METHOD: an import, no invitation")?;
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
    let is_outdated = (told.dtstamp, told.sequence) < (entry.dtstamp, entry.sequence);
    if is_outdated {
        calendar.asks = false;
    } else if told.is_cancel() {
        if !entry.is_cancelled {
            // SEQUENCE stays that of the event.
            (entry.dtstamp, entry.is_cancelled) = (told.dtstamp, true);
            entry.partstat = PartStat::Declined;
        }
    } else if told.sequence > entry.sequence || entry.is_cancelled {
        // A CANCEL of what was cancelled already is not kept.
        calendar.overtaken(told);
        calendar.replace(told);
    } else {
        let held = &entry.told;
        let has_new_words = held.summary != told.summary
            || held.description != told.description
            || held.location != told.location
            || held.attendee != told.attendee;
        if has_new_words {
            calendar.replace(told);
        } else {
            calendar.asks = entry.partstat == PartStat::NeedsAction;
        }
    }
}
