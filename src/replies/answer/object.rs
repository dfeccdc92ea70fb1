//! From a calendar's item to what an attendee answered.
//!
//! What: [`answers`], the [`Answer`]s of one calendar with an attendee's method. Standards: RFC 5546 sections 3.2.3 (REPLY), 3.2.6
//! (REFRESH), 3.2.7 (COUNTER), 3.2.8 (DECLINECOUNTER); RFC 5545 section 3.2 (parameters), RFC 7986 section 6.2 (EMAIL).
//! Not here: lines (`lines`), where calendars hide (`containers`). Called by: `answer::find`. Can fail: nothing; what is missing
//! stays empty, and who answers is then who wrote.

use super::lines::{Calendar, Item, Property};
use super::times::{duration_s, instant};
use crate::calendar::PartStat;
use crate::replies::{Answer, AttendeeMethod, WrittenAddress};

/// Attendees of one item that are looked at.
const MOST_ATTENDEES: usize = 200;
/// Octets of a comment.
const LONGEST_COMMENT: usize = 10_000;

/// Who wrote the message, as far as its head says.
#[derive(Clone, Debug, Default)]
pub(in crate::replies) struct Writer {
    /// `From`, then `Reply-To`, then `Sender`: whoever of them is no machine comes first.
    pub(in crate::replies) addresses: Vec<String>,
}

/// The answers of a calendar, one for each item, or for each attendee where nothing tells who of several it is.
pub(super) fn answers(calendar: &Calendar, method: AttendeeMethod, writer: &Writer) -> Vec<Answer> {
    calendar.items.iter().flat_map(|item| of_item(calendar, item, method, writer)).collect()
}

fn of_item(calendar: &Calendar, item: &Item, method: AttendeeMethod, writer: &Writer) -> Vec<Answer> {
    let attendees: Vec<&Property> = item.all("ATTENDEE").take(MOST_ATTENDEES).collect();
    let common = common(calendar, item, method);
    if attendees.is_empty() {
        // Some room mailboxes answer without ATTENDEE; who wrote is who answers.
        let attendee = writer.addresses.first().and_then(|address| WrittenAddress::new(address));
        // A PARTSTAT of its own is no property of RFC 5545, and says what it says all the same.
        let partstat = item.first("PARTSTAT").and_then(|p| PartStat::parse(&p.value));
        return vec![Answer { attendee, partstat, ..common }];
    }
    who_answers(&attendees, writer)
        .into_iter()
        .map(|attendee| {
            let mut answer = common.clone();
            fill(&mut answer, attendee, writer);
            answer
        })
        .collect()
}

/// What does not depend on the attendee.
fn common(calendar: &Calendar, item: &Item, method: AttendeeMethod) -> Answer {
    let time = |name: &str| item.first(name).and_then(|p| instant(p, &calendar.zones));
    // REPLYTIME is the moment of Outlook's click; its DTSTAMP is that of the sending, so it only stands in.
    let dtstamp = time("DTSTAMP").or_else(|| time("X-MICROSOFT-CDO-REPLYTIME")).or_else(|| time("LAST-MODIFIED"));
    let proposed = (method == AttendeeMethod::Counter).then(|| {
        let start = time("DTSTART")?;
        let end = time("DTEND").or_else(|| {
            let seconds = duration_s(&item.first("DURATION")?.value)?;
            start.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()
        });
        Some((start, end.unwrap_or(start)))
    });
    Answer {
        method,
        uid: item.first("UID").map(|p| p.value.clone()).unwrap_or_default(),
        attendee: None,
        cn: None,
        sent_by: None,
        partstat: None,
        sequence: item.first("SEQUENCE").and_then(|p| p.value.parse().ok()),
        dtstamp,
        comment: comment(item),
        delegated_to: Vec::new(),
        delegated_from: Vec::new(),
        recurrence_id: item.first("RECURRENCE-ID").map(|p| p.value.clone()).filter(|value| !value.is_empty()),
        proposed: proposed.flatten(),
        location: (method == AttendeeMethod::Counter).then(|| item.first("LOCATION")?.text()).flatten(),
        guests: item.first("X-NUM-GUESTS").and_then(|p| p.value.parse().ok()),
        organizer: item.first("ORGANIZER").and_then(|p| address_of(p).or_else(|| WrittenAddress::new(bare(&p.value)))),
    }
}

fn fill(answer: &mut Answer, attendee: &Property, writer: &Writer) {
    answer.attendee = address_of(attendee)
        .or_else(|| writer.addresses.first().and_then(|address| WrittenAddress::new(address)))
        .or_else(|| WrittenAddress::new(bare(&attendee.value)));
    let name = attendee.parameter("CN").map(str::trim).filter(|name| !name.is_empty());
    answer.cn = name.map(str::to_owned);
    answer.sent_by = attendee.parameter("SENT-BY").and_then(parameter_address);
    answer.partstat = match attendee.parameter("PARTSTAT").map(word) {
        // RFC 5545 section 3.2.12: the default.
        None => Some(PartStat::NeedsAction),
        Some(written) if written.is_empty() => Some(PartStat::NeedsAction),
        Some(written) => PartStat::parse(&written),
    };
    let several = |name: &str| -> Vec<WrittenAddress> {
        let Some(value) = attendee.parameter(name) else { return Vec::new() };
        value.split(',').take(MOST_ATTENDEES).filter_map(parameter_address).collect()
    };
    answer.delegated_to = several("DELEGATED-TO");
    answer.delegated_from = several("DELEGATED-FROM");
    if answer.guests.is_none() {
        answer.guests = attendee.parameter("X-NUM-GUESTS").and_then(|n| n.trim().parse().ok());
    }
    if answer.comment.is_none() {
        answer.comment = attendee.parameter("X-RESPONSE-COMMENT").and_then(|comment| {
            let comment = unescaped(comment);
            (!comment.trim().is_empty()).then(|| comment.trim().to_owned())
        });
    }
}

/// Which of several attendees answers: who wrote; else who has answered at all; else the first.
fn who_answers<'a>(attendees: &[&'a Property], writer: &Writer) -> Vec<&'a Property> {
    if let [only] = attendees {
        return vec![only];
    }
    let key = |address: &str| address.trim().to_lowercase();
    let own: Vec<String> = writer.addresses.iter().map(|address| key(address)).collect();
    let is_own = |p: &&&Property| address_of(p).is_some_and(|address| own.contains(&key(address.as_str())));
    // Aliases differ in the domain (one mailbox, two domains) rather than in the name.
    let local = |address: &str| address.split_once('@').map_or_else(String::new, |(local, _)| local.to_owned());
    let is_alias = |p: &&&Property| {
        address_of(p).is_some_and(|address| {
            let name = local(&key(address.as_str()));
            !name.is_empty() && own.iter().any(|own| local(own) == name)
        })
    };
    // An agent who answers for the attendee (SENT-BY).
    let is_agent = |p: &&&Property| {
        let by = p.parameter("SENT-BY").and_then(parameter_address);
        by.is_some_and(|by| own.contains(&key(by.as_str())))
    };
    if let Some(one) = attendees
        .iter()
        .find(is_own)
        .or_else(|| attendees.iter().find(is_agent))
        .or_else(|| attendees.iter().find(is_alias))
    {
        return vec![one];
    }
    let has_answered = |p: &&&Property| {
        p.parameter("PARTSTAT").is_some_and(|p| PartStat::parse(&word(p)) != Some(PartStat::NeedsAction))
    };
    let answered: Vec<&Property> = attendees.iter().filter(has_answered).copied().collect();
    if answered.is_empty() { attendees.first().copied().into_iter().collect() } else { answered }
}

/// What the attendee wrote with the answer.
fn comment(item: &Item) -> Option<String> {
    let names =
        ["COMMENT", "X-CALENDARSERVER-PRIVATE-COMMENT", "X-CALENDARSERVER-ATTENDEE-COMMENT", "X-RESPONSE-COMMENT"];
    let mut found: Vec<String> = Vec::new();
    for property in names.iter().flat_map(|name| item.all(name)).take(20) {
        if let Some(text) = property.text()
            && !found.contains(&text)
        {
            found.push(text);
        }
    }
    let all = found.join("\n");
    (!all.is_empty()).then(|| clipped(&all, LONGEST_COMMENT))
}

/// At most that many octets, cut between characters.
pub(in crate::replies) fn clipped(text: &str, octets: usize) -> String {
    let end = (0..=octets.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}

/// A word of a parameter: without quotes and blanks.
fn word(value: &str) -> String {
    value.trim().trim_matches('"').trim().to_owned()
}

fn unescaped(value: &str) -> String {
    value.trim_matches('"').replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";")
}

/// The address of an ATTENDEE or ORGANIZER. Its value, unless that is no mail address or a relay's token, where Apple's programs
/// put the address into EMAIL and others into CN.
pub(in crate::replies) fn address_of(property: &Property) -> Option<WrittenAddress> {
    let value = mail_address(&property.value);
    let is_relayed = value.as_deref().is_some_and(|address| address.to_ascii_lowercase().ends_with("@imip.me.com"));
    let elsewhere = || ["EMAIL", "X-EMAIL", "CN"].iter().find_map(|name| mail_address(property.parameter(name)?));
    let address = if is_relayed { elsewhere().or(value) } else { value.or_else(elsewhere) };
    address.and_then(|address| WrittenAddress::new(&address))
}

/// One address of SENT-BY, DELEGATED-TO, DELEGATED-FROM.
fn parameter_address(value: &str) -> Option<WrittenAddress> {
    mail_address(value).and_then(|address| WrittenAddress::new(&address))
}

/// Without scheme, brackets, quotes and what follows a question mark.
fn bare(value: &str) -> &str {
    let mut address = value.trim().trim_matches(['"', '\'', '<', '>']).trim();
    while let Some(rest) = address.get(..7).filter(|s| s.eq_ignore_ascii_case("mailto:")).map(|_| &address[7..]) {
        address = rest.trim().trim_matches(['"', '<', '>']).trim();
    }
    address.split('?').next().unwrap_or(address).trim()
}

/// A value that is a mail address, whatever stands around it.
fn mail_address(value: &str) -> Option<String> {
    let address = bare(value);
    let address = if address.contains('%') {
        let decoded = percent_encoding::percent_decode_str(address).decode_utf8().ok()?;
        decoded.into_owned()
    } else {
        address.to_owned()
    };
    // `Ana <ana@host.example>`
    let address = address.rsplit_once('<').map_or(address.as_str(), |(_, rest)| rest.trim_end_matches('>')).trim();
    let (local, domain) = address.rsplit_once('@')?;
    let is_one = !local.is_empty()
        && !domain.is_empty()
        && address.len() <= 320
        && !address.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ';' | ',' | '<' | '>' | '"'))
        && !local.contains([':', '@'])
        && !domain.contains([':', '=']);
    is_one.then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::lines::calendars;
    use super::{Writer, answers};
    use crate::calendar::PartStat;
    use crate::replies::{Answer, AttendeeMethod};

    fn read(lines: &str, from: &str) -> Vec<Answer> {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR");
        answers(&calendars(&text)[0], AttendeeMethod::Reply, &Writer { addresses: vec![from.to_owned()] })
    }

    fn attendee(answer: &Answer) -> &str {
        answer.attendee.as_ref().map_or("", |a| a.as_str())
    }

    #[test]
    fn an_address_is_found_however_it_is_written() {
        let cases = [
            ("ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Ana@h.example", "Ana@h.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED: mailto: ana@h.example", "ana@h.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED:ana@h.example", "ana@h.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:mailto:ana%2Bx@h.example", "ana+x@h.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:<ana@h.example>", "ana@h.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED:invalid:nomail", "from@h.example"),
            ("ATTENDEE;PARTSTAT=ACCEPTED;EMAIL=\"ana@h.example\":urn:uuid:1-2", "ana@h.example"),
            ("ATTENDEE;EMAIL=ana@h.example;PARTSTAT=ACCEPTED:mailto:2_abc@imip.me.com", "ana@h.example"),
            ("ATTENDEE;CN=ana@h.example;PARTSTAT=ACCEPTED:/principals/ana", "ana@h.example"),
            ("SUMMARY:x", "from@h.example"),
        ];
        for (line, expected) in cases {
            let found = read(line, "from@h.example");
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(attendee(&found[0]), expected, "{line}");
        }
    }

    #[test]
    fn a_missing_word_is_no_answer_and_an_unknown_one_is_none() {
        assert_eq!(read("ATTENDEE:mailto:a@h.example", "")[0].partstat, Some(PartStat::NeedsAction));
        assert_eq!(read("ATTENDEE;PARTSTAT=\"declined\":mailto:a@h.example", "")[0].partstat, Some(PartStat::Declined));
        assert_eq!(read("ATTENDEE;PARTSTAT=X-LATER:mailto:a@h.example", "")[0].partstat, None);
        assert_eq!(read("SUMMARY:x", "a@h.example")[0].partstat, None);
    }

    #[test]
    fn who_wrote_is_who_answers() {
        let lines = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@h.example\nATTENDEE;PARTSTAT=DECLINED:mailto:b@h.example\n\
                     ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:c@h.example";
        let one = read(lines, "B@H.example");
        assert_eq!((one.len(), attendee(&one[0])), (1, "b@h.example"));
        assert_eq!(attendee(&read(lines, "c@other.example")[0]), "c@h.example");
        assert_eq!(read(lines, "x@h.example").len(), 2);
    }

    #[test]
    fn delegation_names_both() {
        let lines =
            "ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:b@h.example\",\"mailto:c@h.example\":mailto:a@h.example";
        let found = read(lines, "a@h.example");
        let to: Vec<_> = found[0].delegated_to.iter().map(|a| a.as_str()).collect();
        assert_eq!(to, ["b@h.example", "c@h.example"]);
        assert_eq!(found[0].partstat, Some(PartStat::Delegated));
    }
}
