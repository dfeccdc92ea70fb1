//! `winmail.dat`: meeting answers in Outlook's own format.
//!
//! What: [`answer`], from the octets of an `application/ms-tnef` part to an [`Answer`]: class of the message, UID out of the
//! global object id, proposed times. Standards: MS-OXTNEF sections 2.1.3 and 2.3.3.4 (attributes, classes), MS-OXOCAL section
//! 2.2.1.27 (PidLidGlobalObjectId, `vCal-Uid`), MS-OXPROPS. Not here: bodies and attachments in it. Called by: `answer::find`.
//! Can fail: octets that end early or lie about lengths give what was read before; nothing is allocated by a length.

use jiff::Timestamp;

use super::object::Writer;
use crate::calendar::PartStat;
use crate::replies::{Answer, AttendeeMethod, WrittenAddress};

const SIGNATURE: u32 = 0x223E_9F78;
const MESSAGE_CLASS: u32 = 0x0007_8008;
const MAPI_PROPERTIES: u32 = 0x0006_9003;
const DATE_SENT: u32 = 0x0003_8005;
/// Attributes and properties that are looked at.
const MOST: usize = 2000;
/// The first octets of every global object id (MS-OXOCAL section 2.2.1.27).
const OBJECT_ID: [u8; 16] = [0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08];

/// What a `winmail.dat` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Winmail {
    /// An attendee's answer.
    Answer(Box<Answer>),
    /// A meeting object that is none: request or cancellation.
    Other(&'static str),
}

/// What is collected on the way.
#[derive(Debug, Default)]
struct Collected {
    class: String,
    global_id: Vec<u8>,
    clean_id: Vec<u8>,
    sender: Option<String>,
    sender_name: Option<String>,
    body: Option<String>,
    sequence: Option<u32>,
    replied: Option<Timestamp>,
    sent: Option<Timestamp>,
    is_counter: bool,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    location: Option<String>,
}

/// Whether the octets are TNEF.
pub(super) fn is_tnef(octets: &[u8]) -> bool {
    Walk(octets).u32() == Some(SIGNATURE)
}

/// The answer in it; nothing where it is no meeting object.
pub(super) fn answer(octets: &[u8], writer: &Writer) -> Option<Winmail> {
    let mut walk = Walk(octets);
    if walk.u32()? != SIGNATURE {
        return None;
    }
    walk.take(2)?;
    let mut found = Collected::default();
    for _ in 0..MOST {
        if attribute(&mut walk, &mut found).is_none() {
            break;
        }
    }
    let class = found.class.trim().to_ascii_lowercase();
    let partstat = match class.as_str() {
        "ipm.microsoft schedule.mtgrespp" | "ipm.schedule.meeting.resp.pos" => PartStat::Accepted,
        "ipm.microsoft schedule.mtgrespn" | "ipm.schedule.meeting.resp.neg" => PartStat::Declined,
        "ipm.microsoft schedule.mtgrespa" | "ipm.schedule.meeting.resp.tent" => PartStat::Tentative,
        "ipm.microsoft schedule.mtgreq" | "ipm.schedule.meeting.request" => return Some(Winmail::Other("REQUEST")),
        "ipm.microsoft schedule.mtgcncl" | "ipm.schedule.meeting.canceled" => return Some(Winmail::Other("CANCEL")),
        _ => return None,
    };
    Some(Winmail::Answer(Box::new(found.into_answer(partstat, writer))))
}

impl Collected {
    fn into_answer(self, partstat: PartStat, writer: &Writer) -> Answer {
        let id = if self.global_id.is_empty() { &self.clean_id } else { &self.global_id };
        let own = writer.addresses.first().cloned().or(self.sender);
        Answer {
            method: if self.is_counter { AttendeeMethod::Counter } else { AttendeeMethod::Reply },
            uid: uid_of(id),
            attendee: own.and_then(|address| WrittenAddress::new(&address)),
            cn: self.sender_name,
            sent_by: None,
            partstat: Some(partstat),
            sequence: self.sequence,
            dtstamp: self.replied.or(self.sent),
            comment: self.body.map(|body| body.trim().to_owned()).filter(|body| !body.is_empty()),
            delegated_to: Vec::new(),
            delegated_from: Vec::new(),
            recurrence_id: None,
            proposed: self.is_counter.then(|| self.start.zip(self.end)).flatten(),
            location: if self.is_counter { self.location } else { None },
            guests: None,
            organizer: None,
        }
    }
}

/// The UID that a foreign calendar gave, where one is wrapped up in it; else the id itself in hexadecimal, without the date of the
/// instance, as Exchange writes it into a UID.
fn uid_of(id: &[u8]) -> String {
    if id.len() < 40 || id[..16] != OBJECT_ID {
        return String::new();
    }
    let inner = &id[40..];
    if let Some(uid) = inner.strip_prefix(b"vCal-Uid") {
        let uid = uid.get(4..).unwrap_or_default();
        let end = uid.iter().position(|b| *b == 0).unwrap_or(uid.len());
        return String::from_utf8_lossy(&uid[..end.min(1000)]).trim().to_owned();
    }
    let mut clean = id[..id.len().min(1000)].to_vec();
    clean[16..20].fill(0);
    data_encoding::HEXUPPER.encode(&clean)
}

/// One attribute: level, id, length, data, checksum.
fn attribute(walk: &mut Walk<'_>, found: &mut Collected) -> Option<()> {
    walk.take(1)?;
    let id = walk.u32()?;
    let length = walk.length()?;
    let data = walk.take(length)?;
    match id {
        MESSAGE_CLASS => found.class = string8(data),
        DATE_SENT => found.sent = date(data),
        MAPI_PROPERTIES => {
            let mut inner = Walk(data);
            let count = inner.length()?;
            for _ in 0..count.min(MOST) {
                if property(&mut inner, found).is_none() {
                    break;
                }
            }
        }
        _ => {}
    }
    walk.take(2).map(|_| ())
}

/// One MAPI property.
fn property(walk: &mut Walk<'_>, found: &mut Collected) -> Option<()> {
    let kind = walk.u16()?;
    let id = walk.u16()?;
    // Named properties: a set, and a number or a name in it.
    let mut named = None;
    if id >= 0x8000 {
        let set = walk.take(16)?;
        if walk.u32()? == 0 {
            named = Some((set[0], walk.u32()?));
        } else {
            let length = walk.length()?;
            walk.take(padded(length)?)?;
        }
    }
    let is_multiple = kind & 0x1000 != 0;
    let base = kind & 0x0FFF;
    let fixed = match base {
        0x02..=0x04 | 0x0A | 0x0B => Some(4),
        0x05..=0x07 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        _ => None,
    };
    let is_variable = matches!(base, 0x0D | 0x1E | 0x1F | 0x102);
    if fixed.is_none() && !is_variable {
        return None;
    }
    let count = if is_multiple || is_variable { walk.length()? } else { 1 };
    let mut first: &[u8] = &[];
    for n in 0..count.min(MOST) {
        let value = match fixed {
            Some(size) => walk.take(size)?,
            None => {
                let length = walk.length()?;
                walk.take(padded(length)?)?.get(..length)?
            }
        };
        if n == 0 {
            first = value;
        }
    }
    keep(id, named, base, first, found);
    Some(())
}

/// Keeps what is of use. Sets of named properties are told apart by their first octet: {6ED8DA90-...} is meetings', {00062002-...}
/// appointments' (stored little-endian).
fn keep(id: u16, named: Option<(u8, u32)>, base: u16, value: &[u8], found: &mut Collected) {
    let text = || if base == 0x1F { utf16(value) } else { string8(value) };
    match (id, named) {
        (_, Some((0x90, 0x03))) => found.global_id = value.to_vec(),
        (_, Some((0x90, 0x23))) => found.clean_id = value.to_vec(),
        (_, Some((0x90, 0x01))) => found.replied = filetime(value),
        (_, Some((0x02, 0x8201))) => found.sequence = Walk(value).u32(),
        (_, Some((0x02, 0x8257))) => found.is_counter = value.first().is_some_and(|b| *b != 0),
        (_, Some((0x02, 0x8250))) => found.start = filetime(value),
        (_, Some((0x02, 0x8251))) => found.end = filetime(value),
        (_, Some((0x02, 0x8208))) => found.location = Some(text()).filter(|t| !t.is_empty()),
        (0x001A, None) if found.class.is_empty() => found.class = text(),
        (0x1000, None) => found.body = Some(text()),
        (0x0C1A, None) => found.sender_name = Some(text()).filter(|t| !t.is_empty()),
        (0x5D01 | 0x0C1F, None) => {
            let address = text();
            // 0C1F may hold an X.500 name, which names nobody outside.
            if address.contains('@') {
                found.sender = Some(address);
            }
        }
        _ => {}
    }
}

/// A length with its padding to four octets.
fn padded(length: usize) -> Option<usize> {
    length.checked_next_multiple_of(4)
}

fn string8(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    let value = &value[..end.min(10_000)];
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(value).0.into_owned(),
    }
}

fn utf16(value: &[u8]) -> String {
    let text = encoding_rs::UTF_16LE.decode(&value[..value.len().min(20_000)]).0;
    text.split('\0').next().unwrap_or("").to_owned()
}

/// Hundreds of nanoseconds since 1601.
fn filetime(value: &[u8]) -> Option<Timestamp> {
    let ticks = u64::from_le_bytes(value.get(..8)?.try_into().ok()?);
    let seconds = i64::try_from(ticks / 10_000_000).ok()?.checked_sub(11_644_473_600)?;
    Timestamp::from_second(seconds).ok()
}

/// Seven words: year, month, day, hour, minute, second, weekday.
fn date(value: &[u8]) -> Option<Timestamp> {
    let mut walk = Walk(value);
    let year = i16::try_from(walk.u16()?).ok()?;
    let mut small = || walk.u16().and_then(|n| i8::try_from(n).ok());
    let (month, day, hour, minute, second) = (small()?, small()?, small()?, small()?, small()?);
    let local = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    jiff::tz::Offset::UTC.to_timestamp(local).ok()
}

/// Little-endian reading that ends where the octets end.
struct Walk<'o>(&'o [u8]);

impl<'o> Walk<'o> {
    fn take(&mut self, octets: usize) -> Option<&'o [u8]> {
        let (taken, rest) = self.0.split_at_checked(octets)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.u32().and_then(|length| usize::try_from(length).ok())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{OBJECT_ID, SIGNATURE, Winmail, answer};
    use crate::calendar::PartStat;
    use crate::replies::AttendeeMethod;
    use crate::replies::answer::object::Writer;

    const MEETING: [u8; 16] =
        [0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10, 0x98, 0xDA, 0, 0xAA, 0, 0x3F, 0x13, 0x05];
    const APPOINTMENT: [u8; 16] = [0x02, 0x20, 0x06, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46];

    fn attribute(id: u32, data: &[u8]) -> Vec<u8> {
        let sum: u32 = data.iter().map(|b| u32::from(*b)).sum();
        let length = u32::try_from(data.len()).expect("short");
        let sum = u16::try_from(sum & 0xFFFF).expect("masked");
        [&[1][..], &id.to_le_bytes(), &length.to_le_bytes(), data, &sum.to_le_bytes()].concat()
    }

    fn named(kind: u16, set: [u8; 16], lid: u32) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &0x8010_u16.to_le_bytes(), &set, &[0; 4], &lid.to_le_bytes()].concat()
    }

    fn binary(octets: &[u8]) -> Vec<u8> {
        let length = u32::try_from(octets.len()).expect("short");
        let padding = vec![0; octets.len().next_multiple_of(4) - octets.len()];
        [&1_u32.to_le_bytes()[..], &length.to_le_bytes(), octets, &padding].concat()
    }

    /// A global object id around a foreign UID.
    fn global_id(uid: &str) -> Vec<u8> {
        let inner = [b"vCal-Uid\x01\0\0\0", uid.as_bytes(), b"\0"].concat();
        let length = u32::try_from(inner.len()).expect("short");
        [&OBJECT_ID[..], &[0; 20], &length.to_le_bytes(), &inner].concat()
    }

    /// A `winmail.dat` as Outlook writes one for an answer: class, and properties with the global object id in the middle.
    pub(crate) fn winmail(class: &str, uid: &str, proposed: Option<(u64, u64)>) -> Vec<u8> {
        let mut properties: Vec<Vec<u8>> = vec![
            [&0x0003_u16.to_le_bytes()[..], &0x0017_u16.to_le_bytes(), &1_u32.to_le_bytes()].concat(),
            [&0x001E_u16.to_le_bytes()[..], &0x0070_u16.to_le_bytes(), &binary(b"Reception\0")].concat(),
            [named(0x0102, MEETING, 0x03), binary(&global_id(uid))].concat(),
            [named(0x0003, APPOINTMENT, 0x8201), 2_u32.to_le_bytes().to_vec()].concat(),
        ];
        if let Some((start, end)) = proposed {
            properties.push([named(0x000B, APPOINTMENT, 0x8257), vec![1, 0, 0, 0]].concat());
            properties.push([named(0x0040, APPOINTMENT, 0x8250), start.to_le_bytes().to_vec()].concat());
            properties.push([named(0x0040, APPOINTMENT, 0x8251), end.to_le_bytes().to_vec()].concat());
        }
        let count = u32::try_from(properties.len()).expect("few");
        let body = [count.to_le_bytes().to_vec(), properties.concat()].concat();
        [
            SIGNATURE.to_le_bytes().to_vec(),
            vec![1, 0],
            attribute(0x0008_9006, &[0, 0, 1, 0]),
            attribute(0x0007_8008, &[class.as_bytes(), b"\0"].concat()),
            attribute(0x0006_9003, &body),
        ]
        .concat()
    }

    fn writer() -> Writer {
        Writer { addresses: vec!["ana@mission.example".to_owned()] }
    }

    #[test]
    fn every_class_of_answer_is_read() {
        for (class, partstat) in [
            ("IPM.Microsoft Schedule.MtgRespP", PartStat::Accepted),
            ("IPM.Microsoft Schedule.MtgRespN", PartStat::Declined),
            ("IPM.Microsoft Schedule.MtgRespA", PartStat::Tentative),
            ("IPM.Schedule.Meeting.Resp.Pos", PartStat::Accepted),
            ("IPM.Schedule.Meeting.Resp.Neg", PartStat::Declined),
            ("IPM.Schedule.Meeting.Resp.Tent", PartStat::Tentative),
        ] {
            let Some(Winmail::Answer(found)) = answer(&winmail(class, "abc@host.example", None), &writer()) else {
                panic!("{class} is an answer");
            };
            assert_eq!(found.partstat, Some(partstat));
            assert_eq!(found.uid, "abc@host.example");
            assert_eq!(found.sequence, Some(2));
            assert_eq!(found.method, AttendeeMethod::Reply);
        }
        assert_eq!(answer(&winmail("IPM.Note", "a", None), &writer()), None);
    }

    #[test]
    fn a_proposal_is_a_counter_with_its_times() {
        let ticks = |seconds: u64| (seconds + 11_644_473_600) * 10_000_000;
        let octets = winmail(
            "IPM.Schedule.Meeting.Resp.Tent",
            "a@host.example",
            Some((ticks(1_773_309_600), ticks(1_773_313_200))),
        );
        let Some(Winmail::Answer(found)) = answer(&octets, &writer()) else { panic!("an answer") };
        assert_eq!(found.method, AttendeeMethod::Counter);
        let (start, end) = found.proposed.expect("times");
        assert_eq!(
            (start.to_string(), end.to_string()),
            ("2026-03-12T10:00:00Z".into(), "2026-03-12T11:00:00Z".into())
        );
    }

    #[test]
    fn cut_or_lying_octets_are_no_harm() {
        let whole = winmail("IPM.Microsoft Schedule.MtgRespP", "abc@host.example", None);
        for end in 0..whole.len() {
            let _ = answer(&whole[..end], &writer());
            let mut lying = whole.clone();
            lying[end] = 0xFF;
            let _ = answer(&lying, &writer());
        }
    }
}
