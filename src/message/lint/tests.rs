//! Messages that are right, and each of their mutations.

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use proptest::prelude::{ProptestConfig, Strategy, any, proptest};

use super::{Calendar, Finding, Meant, Rule, lint, lint_personal};
use crate::mail::{AddrSpec, Mailbox, MessageId};

const SUBJECT: &str = "Invitation : prévenir les atrocités (vendredi 22 septembre 2017, 15 heures)";

/// What one message is made of.
struct Sample {
    from: Mailbox,
    to: Mailbox,
    subject: String,
    message_id: MessageId,
    calendar: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let address = |text: &str| AddrSpec::parse(text).expect(text);
        let from = Mailbox::new("Permanent Mission of Liechtenstein", address("rsvp@events.example"));
        let calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//convoke//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
            UID:e1.abc@events.example\r\nSEQUENCE:0\r\nDTSTAMP:20170901T090000Z\r\nDTSTART:20170922T190000Z\r\n\
            ORGANIZER;CN=\"Permanent Mission: Liechtenstein\":mailto:rsvp@events.exam\r\n ple\r\n\
            ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=\r\n TRUE;CN=\"Côte d’Ivoire\"\
            :mailto:un@mission.example\r\nSUMMARY:Atrocités\\, prévention\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        Self {
            message_id: MessageId::new("m1.abc", from.address()),
            from,
            to: Mailbox::new("Côte d’Ivoire, \"Mission\" (ONU)", address("un@mission.example")),
            subject: SUBJECT.to_owned(),
            calendar: calendar.as_bytes().to_vec(),
        }
    }

    fn meant(&self) -> Meant<'_> {
        Meant {
            from: &self.from,
            to: &self.to,
            subject: &self.subject,
            message_id: &self.message_id,
            thread: None,
            calendar: Some(Calendar { method: "REQUEST", octets: &self.calendar }),
        }
    }

    fn build(&self, with_calendar: bool) -> Vec<u8> {
        self.build_with(with_calendar, "Dear Ms. Okafor,\r\n\r\nWe invite you – warmly.\r\n", HTML)
    }

    fn build_with(&self, with_calendar: bool, plain: &str, html: &str) -> Vec<u8> {
        let multipart = |subtype: &str, boundary: &'static str, parts| {
            MimePart::new(ContentType::new(format!("multipart/{subtype}")).attribute("boundary", boundary), parts)
        };
        let encoded = encode(&self.calendar);
        let calendar = ContentType::new("text/calendar").attribute("method", "REQUEST").attribute("charset", "utf-8");
        let mut parts =
            vec![MimePart::new("text/plain", plain.to_owned()), MimePart::new("text/html", html.to_owned())];
        let body = if with_calendar {
            // Told nothing, mail-builder takes a part of type text for text and not for base64.
            parts.push(MimePart::new(calendar, encoded.clone()).transfer_encoding("base64"));
            let attachment = MimePart::new("application/ics", encoded.into_bytes()).attachment("invite.ics");
            let alternative = multipart("alternative", "=_b2_6c1f", parts);
            multipart("mixed", "=_b1_6c1f", vec![alternative, attachment.transfer_encoding("base64")])
        } else {
            multipart("alternative", "=_b2_6c1f", parts)
        };
        let mut octets = Vec::new();
        MessageBuilder::new()
            .date(1_504_256_400_i64)
            .message_id(self.message_id.as_str())
            .from((self.from.name(), self.from.address().as_str()))
            .to((self.to.name(), self.to.address().as_str()))
            .subject(self.subject.as_str())
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .header("X-Auto-Response-Suppress", Raw::new("OOF, AutoReply"))
            .body(body)
            .serialize(&mut octets);
        octets
    }
}

const HTML: &str = "<!DOCTYPE html>\r\n<html lang=\"fr\"><head><title>x</title></head>\r\n\
    <body class=\"page\"><p style=\"margin:0 0 16px 0;\">Chère Madame Okafor,</p></body></html>\r\n";

fn encode(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut lines = String::new();
    for line in octets.chunks(57) {
        for group in line.chunks(3) {
            let mut three = [0; 4];
            three[1..=group.len()].copy_from_slice(group);
            let value = u32::from_be_bytes(three);
            for place in 0..4 {
                let digit = ALPHABET[(value >> (18 - 6 * place) & 63) as usize];
                lines.push(if place <= group.len() { char::from(digit) } else { '=' });
            }
        }
        lines.push_str("\r\n");
    }
    lines
}

fn text(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_good_message_passes() {
    let sample = Sample::new();
    assert_eq!(text(&lint(&sample.build(true), &sample.meant())), "");
    assert_eq!(text(&lint(&sample.build(false), &Meant { calendar: None, ..sample.meant() })), "");
}

#[test]
fn what_differs_between_recipients_is_checked_by_itself() {
    let sample = Sample::new();
    let meant = sample.meant();
    let built = String::from_utf8(sample.build(true)).expect("ASCII");
    let field = |name: &str| {
        let at = built.find(&format!("{name}: ")).expect(name);
        let end = built[at..].match_indices("\r\n").find(|(n, _)| !built[at + n + 2..].starts_with([' ', '\t']));
        built[at..at + end.expect("an end").0 + 2].to_owned()
    };
    let (to, subject) = (field("To"), field("Subject"));
    let found = |fields: &str| {
        let findings = lint_personal(format!("{fields}\r\n").as_bytes(), &meant);
        findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(found(&format!("{to}{subject}")), []);
    assert_eq!(found(&to), [], "the subject may be that of all");
    let encoded = |text: &str| format!("=?utf-8?B?{}?=", encode(text.as_bytes()).trim_end());
    let address = "<un@mission.example>";
    for (what, fields, rule) in [
        ("another address", swap(&to, "un@mission.example", "an@mission.example"), Rule::Recipient),
        ("a second address", swap(&to, address, "<un@mission.example>, <an@mission.example>"), Rule::Recipient),
        ("a second To", format!("{to}{to}"), Rule::Fields),
        ("no To", subject, Rule::Fields),
        ("a third field", format!("{to}Bcc: <an@mission.example>\r\n"), Rule::Fields),
        ("a name that reads otherwise", format!("To: {} {address}\r\n", encoded("Mission of Y")), Rule::Names),
        ("a control in the name", format!("To: {} {address}\r\n", encoded("Mission\u{7} of X")), Rule::Names),
        ("a control in clear", format!("To: \"Mission\u{7}\" {address}\r\n"), Rule::Octets),
        ("a subject that reads otherwise", format!("{to}Subject: {}\r\n", encoded("Gala")), Rule::Names),
        ("a blank line between", format!("{to}\r\nBcc: <an@mission.example>\r\n"), Rule::Fields),
    ] {
        assert!(found(&fields).contains(&rule), "{what}: {:?}\n{fields}", found(&fields));
    }
    let own = Meant { to: &sample.from, ..meant };
    let fields = format!("To: {} <rsvp@events.example>\r\n\r\n", encoded(sample.from.name()));
    let rules: Vec<Rule> = lint_personal(fields.as_bytes(), &own).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::Organizer], "the organizer is invited");
}

#[test]
fn a_message_may_thread_and_unsubscribe_and_have_no_names() {
    let mut sample = Sample::new();
    sample.to = Mailbox::new("", sample.to.address().clone());
    let message = String::from_utf8(sample.build(true)).expect("ASCII").replace(
        "\r\nMIME-Version",
        "\r\nIn-Reply-To: <a@events.example>\r\nReferences: <a@events.example>\r\n\
         Reply-To: <rsvp@events.example>\r\nContent-Language: fr\r\nList-Id: Events <list.events.example>\r\n\
         List-Unsubscribe: <https://events.example/u?t=1>,\r\n <mailto:leave@events.example>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version",
    );
    let first = MessageId::from_journal("a@events.example".to_owned());
    let follow_up = Meant { thread: Some(&first), ..sample.meant() };
    assert_eq!(text(&lint(message.as_bytes(), &follow_up)), "");
    let other = MessageId::from_journal("b@events.example".to_owned());
    let plain = String::from_utf8(sample.build(true)).expect("ASCII");
    for (message, thread, said) in [
        (&message, Some(&other), "`In-Reply-To` is `<a@events.example>`, not `<b@events.example>`"),
        (&message, None, "`References` is `<a@events.example>` in a first message"),
        (&plain, Some(&first), "field `References` is missing in a follow-up"),
    ] {
        let found = lint(message.as_bytes(), &Meant { thread, ..sample.meant() });
        assert!(found.iter().all(|finding| finding.rule == Rule::Fields) && found.len() == 2, "{}", text(&found));
        assert!(text(&found).contains(said), "{}", text(&found));
    }
}

/// A mutation of the good message and the rule that must find it.
type Mutation = (&'static str, Rule, fn(&str) -> String);

fn swap(message: &str, old: &str, new: &str) -> String {
    assert!(message.contains(old), "nothing to replace: {old}\n{message}");
    message.replacen(old, new, 1)
}

/// The same in the part of this type.
fn swap_in(message: &str, part: &str, old: &str, new: &str) -> String {
    let at = message.find(&format!("Content-Type: {part}")).expect(part);
    format!("{}{}", &message[..at], swap(&message[at..], old, new))
}

/// The whole part of this type, from its boundary to the next.
fn part_of<'a>(message: &'a str, part: &str) -> &'a str {
    let at = message.find(&format!("Content-Type: {part}")).expect(part);
    let start = message[..at].rfind("\r\n--").expect("a boundary");
    &message[start..at + message[at..].find("\r\n--").expect("a boundary")]
}

const MUTATIONS: &[Mutation] = &[
    ("parts of the alternative in another order", Rule::Tree, |m| {
        let (plain, html) = (part_of(m, "text/plain"), part_of(m, "text/html"));
        m.replace(&format!("{plain}{html}"), &format!("{html}{plain}"))
    }),
    ("no HTML", Rule::Tree, |m| m.replace(part_of(m, "text/html"), "")),
    ("no calendar in the alternative", Rule::Tree, |m| m.replace(part_of(m, "text/calendar"), "")),
    ("no attachment", Rule::Tree, |m| m.replace(part_of(m, "application/ics"), "")),
    ("a second attachment", Rule::Tree, |m| {
        m.replace(part_of(m, "application/ics"), &part_of(m, "application/ics").repeat(2))
    }),
    ("a second calendar", Rule::Tree, |m| {
        m.replace(part_of(m, "text/calendar"), &part_of(m, "text/calendar").repeat(2))
    }),
    ("related for mixed", Rule::Tree, |m| swap(m, "multipart/mixed", "multipart/related")),
    ("no type at all", Rule::Tree, |m| swap(m, "Content-Type: multipart/mixed;", "Content-Language: en;")),
    ("two boundaries", Rule::Tree, |m| swap(m, "boundary=\"=_b1_6c1f\"", "boundary=\"=_b1_6c1f\"; boundary=\"x\"")),
    ("one boundary begins like the other", Rule::Tree, |m| m.replace("=_b2_6c1f", "=_b1_6c1f2")),
    ("not closed", Rule::Tree, |m| swap(m, "--=_b1_6c1f--", "")),
    ("the alternative not closed", Rule::Tree, |m| swap(m, "--=_b2_6c1f--", "")),
    ("text before the parts", Rule::Tree, |m| swap(m, "\r\n--=_b1_6c1f\r\n", "\r\nBuy!\r\n--=_b1_6c1f\r\n")),
    ("text after the parts", Rule::Tree, |m| format!("{m}Buy!\r\n")),
    ("cut in the middle", Rule::Tree, |m| m[..m.find("text/calendar").expect("there")].to_owned() + "\r\n"),
    ("an unknown field in a part", Rule::Tree, |m| {
        swap(m, "Content-Type: text/html", "Content-Location: https://x.example/\r\nContent-Type: text/html")
    }),
    ("two types in a part", Rule::Tree, |m| {
        swap(m, "Content-Type: text/html", "Content-Type: text/html; charset=utf-8\r\nContent-Type: text/html")
    }),
    ("no method", Rule::Method, |m| swap(m, "method=\"REQUEST\"; ", "")),
    ("another method", Rule::Method, |m| swap(m, "\"REQUEST\"", "\"CANCEL\"")),
    ("two methods", Rule::Method, |m| swap(m, "method=\"REQUEST\"", "method=\"REQUEST\"; method=CANCEL")),
    ("no charset of the calendar", Rule::Charset, |m| swap_in(m, "text/calendar", "; charset=\"utf-8\"", "")),
    ("Latin calendar", Rule::Charset, |m| swap_in(m, "text/calendar", "utf-8", "iso-8859-1")),
    ("Latin HTML", Rule::Charset, |m| swap_in(m, "text/html", "utf-8", "iso-8859-1")),
    ("two charsets", Rule::Charset, |m| swap_in(m, "text/plain", "utf-8\"", "utf-8\"; charset=us-ascii")),
    ("octets that are no UTF-8", Rule::Charset, |m| swap_in(m, "text/html", "=C3=A8", "=E8")),
    ("the calendar as attachment", Rule::Disposition, |m| {
        swap(m, "Content-Type: text/calendar", "Content-Disposition: attachment\r\nContent-Type: text/calendar")
    }),
    ("the calendar inline", Rule::Disposition, |m| {
        swap(m, "Content-Type: text/calendar", "Content-Disposition: inline\r\nContent-Type: text/calendar")
    }),
    ("the text inline", Rule::Disposition, |m| {
        swap(m, "Content-Type: text/plain", "Content-Disposition: inline\r\nContent-Type: text/plain")
    }),
    ("the attachment a second invitation", Rule::Attachment, |m| swap(m, "application/ics", "text/calendar")),
    ("the attachment with a method", Rule::Attachment, |m| {
        swap(m, "application/ics", "application/ics; method=REQUEST")
    }),
    ("the attachment with another name", Rule::Attachment, |m| swap(m, "invite.ics", "invite.txt")),
    ("the attachment with a path", Rule::Attachment, |m| swap(m, "invite.ics", "../invite.ics")),
    ("the attachment without a name", Rule::Attachment, |m| swap(m, "; filename=\"invite.ics\"", "")),
    ("the attachment inline", Rule::Attachment, |m| swap(m, "Disposition: attachment", "Disposition: inline")),
    ("another attachment than the calendar", Rule::Copies, |m| {
        swap_in(m, "application/ics", "QkVHSU46VkNBTEVOREFS", "QkVHSU46VkNBTEVOREFT")
    }),
    ("another calendar than the attachment", Rule::Copies, |m| {
        swap_in(m, "text/calendar", "QkVHSU46VkNBTEVOREFS", "QkVHSU46VkNBTEVOREFT")
    }),
    ("both copies other than meant", Rule::Copies, |m| m.replace("QkVHSU46VkNBTEVOREFS", "QkVHSU46VkNBTEVOREFT")),
    ("a bare LF", Rule::Octets, |m| swap(m, "\r\nSubject", "\nSubject")),
    ("LF throughout", Rule::Octets, |m| m.replace("\r\n", "\n")),
    ("a bare CR", Rule::Octets, |m| swap(m, "Dear", "De\rar")),
    ("a CR at the very end", Rule::Octets, |m| format!("{m}\r")),
    ("a NUL", Rule::Octets, |m| swap(m, "Dear", "De\0ar")),
    ("an octet beyond ASCII in the header", Rule::Octets, |m| swap(m, "Permanent", "Pérmanent")),
    ("a line of 1000", Rule::Octets, |m| swap(m, "Dear", &"a".repeat(1000))),
    ("a base64 line of 80", Rule::Octets, |m| {
        let at = m.find("QkVHSU46").expect("there") + 76;
        format!("{}{}\r\n{}", &m[..at], &m[at + 2..at + 6], &m[at + 6..])
    }),
    ("base64 cut short", Rule::Octets, |m| swap_in(m, "text/calendar", "QkVHSU46", "QkVHSU4")),
    ("no base64", Rule::Octets, |m| swap_in(m, "application/ics", "QkVHSU46", "QkVHS-46")),
    ("the calendar in another encoding", Rule::Octets, |m| swap_in(m, "text/calendar", "base64", "7bit")),
    ("quoted-printable that is none", Rule::Octets, |m| swap_in(m, "text/html", "=C3", "=ZZ")),
    ("an encoding that nobody knows", Rule::Octets, |m| swap_in(m, "text/html", "quoted-printable", "x-uue")),
    ("another sender", Rule::Organizer, |m| swap(m, "<rsvp@events.example>", "<team@events.example>")),
    ("two senders", Rule::Organizer, |m| swap(m, "<rsvp@", "<rsvp@events.example>, <rsvp@")),
    ("answers to somebody else", Rule::Organizer, |m| swap(m, "\r\nTo:", "\r\nReply-To: <un@mission.example>\r\nTo:")),
    ("no date", Rule::Fields, |m| swap(m, "Date: Fri, 1 Sep 2017 09:00:00 +0000\r\n", "")),
    ("a date without zone", Rule::Fields, |m| swap(m, "09:00:00 +0000", "09:00:00")),
    ("a date that is none", Rule::Fields, |m| swap(m, "1 Sep 2017", "41 Sep 2017")),
    ("no subject", Rule::Fields, |m| swap(m, "Subject:", "References:")),
    ("two subjects", Rule::Fields, |m| swap(m, "\r\nSubject:", "\r\nsubject: x\r\nSubject:")),
    ("two senders' fields", Rule::Fields, |m| swap(m, "\r\nFrom:", "\r\nFrom: <rsvp@events.example>\r\nFrom:")),
    ("another Message-ID", Rule::Fields, |m| swap(m, "<m1.abc@", "<m2.abc@")),
    ("another MIME-Version", Rule::Fields, |m| swap(m, "MIME-Version: 1.0", "MIME-Version: 1.1")),
    ("a field that came from a cell", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nX-Evil: yes\r\nTo:")),
    ("a blind copy", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nBcc: spy@evil.example\r\nTo:")),
    ("a line that is no field", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nhello\r\nTo:")),
    ("a blank before the colon", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\nTo :")),
    ("a folded line with nothing on it", Rule::Fields, |m| swap(m, "\r\nTo:", "\r\n \t\r\nTo:")),
    ("no end of the header", Rule::Fields, |m| m.replace("\r\n\r\n", "\r\n")),
    ("nothing in the text", Rule::Bodies, |m| {
        let part = part_of(m, "text/plain");
        m.replace(part, &format!("{}\r\n\r\n=20=0D=0A=\r\n\r\n", part.split("\r\n\r\n").next().expect("a header")))
    }),
    ("nothing in the HTML", Rule::Bodies, |m| {
        let part = part_of(m, "text/html");
        let header = part.split("\r\n\r\n").next().expect("a header");
        m.replace(part, &format!("{header}\r\n\r\n<title>x</title><body><p> </p>\r\n</body>\r\n"))
    }),
    ("another subject", Rule::Names, |m| swap(m, "Subject: =?utf-8?", "Subject: Re: =?utf-8?")),
    ("a line end in the subject", Rule::Names, |m| swap(m, "Subject: ", "Subject: =?utf-8?Q?=0D=0ABcc:?= ")),
    ("another name of the sender", Rule::Names, |m| swap(m, "\"Permanent Mission", "\"Permanent mission")),
    ("a control in the sender's name", Rule::Names, |m| {
        swap(m, "\"Permanent Mission of Liechtenstein\"", "=?utf-8?Q?Permanent_=07Mission?=")
    }),
    ("the name of another row", Rule::Names, |m| {
        let at = m.find("\r\nTo: ").expect("there") + 6;
        format!("{}Mission of X{}", &m[..at], &m[m.find("<un@").expect("there") - 1..])
    }),
    ("another recipient", Rule::Recipient, |m| swap(m, "<un@mission.example>", "<un@mission2.example>")),
    ("two recipients", Rule::Recipient, |m| swap(m, "<un@", "<spy@evil.example>, <un@")),
    ("a group", Rule::Recipient, |m| swap(m, "\r\nTo: ", "\r\nTo: All: ")),
    ("an address behind ours", Rule::Recipient, |m| {
        swap(m, "<un@mission.example>", "<un@mission.example> <spy@evil.example>")
    }),
    ("a comment before ours", Rule::Recipient, |m| swap(m, "<un@", "(spy@evil.example) <un@")),
    ("a copy", Rule::Recipient, |m| swap(m, "\r\nTo:", "\r\nCc: spy@evil.example\r\nTo:")),
    ("a sender apart", Rule::Recipient, |m| swap(m, "\r\nTo:", "\r\nSender: spy@evil.example\r\nTo:")),
];

#[test]
fn every_mutation_is_found_by_its_rule() {
    let sample = Sample::new();
    let good = String::from_utf8(sample.build(true)).expect("ASCII");
    for (name, rule, mutate) in MUTATIONS {
        let bad = mutate(&good);
        assert_ne!(bad, good, "{name}");
        let findings = lint(bad.as_bytes(), &sample.meant());
        assert!(findings.iter().any(|finding| finding.rule == *rule), "{name}: {rule} is not in\n{}", text(&findings));
    }
}

#[test]
fn what_is_meant_can_be_at_fault_too() {
    let rules = |sample: &Sample| {
        lint(&sample.build(true), &sample.meant()).iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    let changed = |old: &str, new: &str| {
        let mut sample = Sample::new();
        sample.calendar = swap(std::str::from_utf8(&sample.calendar).expect("UTF-8"), old, new).into_bytes();
        sample
    };
    assert_eq!(rules(&changed("METHOD:REQUEST\r\n", "METHOD:CANCEL\r\n")), [Rule::Method]);
    assert_eq!(rules(&changed("METHOD:REQUEST\r\n", "")), [Rule::Method]);
    assert_eq!(rules(&changed("exam\r\n ple", "exam\r\n pless")), [Rule::Organizer]);
    assert_eq!(rules(&changed("mailto:rsvp", "rsvp")), [Rule::Organizer]);
    assert_eq!(rules(&changed("mailto:un@", "mailto:an@")), [Rule::Recipient]);
    assert_eq!(rules(&changed("SUMMARY", "ATTENDEE:mailto:spy@evil.example\r\nSUMMARY")), [Rule::Recipient]);
    let mut sample = Sample::new();
    sample.to = Mailbox::new("Us", AddrSpec::parse("RSVP@events.example").expect("valid"));
    assert_eq!(rules(&sample), [Rule::Organizer, Rule::Recipient]);
}

#[test]
fn a_message_without_calendar_has_none() {
    let sample = Sample::new();
    let without = Meant { calendar: None, ..sample.meant() };
    assert_eq!(
        text(&lint(&sample.build(true), &without)),
        "M1: expected multipart/alternative with a boundary, found `multipart/mixed; boundary=\"=_b1_6c1f\"`"
    );
    assert_eq!(
        text(&lint(&sample.build(false), &sample.meant())),
        "M1: expected multipart/mixed with a boundary, found `multipart/alternative; boundary=\"=_b2_6c1f\"`"
    );
}

#[test]
fn findings_say_where_and_what() {
    let sample = Sample::new();
    let good = String::from_utf8(sample.build(true)).expect("ASCII");
    let said = |bad: String| text(&lint(bad.as_bytes(), &sample.meant()));
    assert_eq!(said(swap(&good, "\r\nFrom", "\nFrom")), "M7: line 2 ends with a bare LF");
    assert_eq!(said(swap(&good, "Date: F", "Date:\u{b} F")), "M7: line 1 holds the octet 0x0b");
    assert_eq!(
        said(swap(&good, "\r\nTo:", "\r\nBcc: spy@evil.example\r\nTo:")),
        "M9: field `Bcc` is not one that we write\nM12: `Bcc` holds `spy@evil.example`, a third address"
    );
    assert_eq!(
        said(swap(&good, "<un@mission.example>", "<um@mission.example>")),
        "M12: `To` is `um@mission.example`, not `un@mission.example`\n\
         M12: `To` holds `um@mission.example`, a third address"
    );
}

#[test]
fn a_line_of_text_may_look_like_a_boundary() {
    let sample = Sample::new();
    for plain in ["a\r\n-- \r\n--\r\n--=_b1\r\n--=_b\r\n", "--=_b2_6c1fx\r\n", "x --=_b2_6c1f\r\n"] {
        assert_eq!(text(&lint(&sample.build_with(true, plain, HTML), &sample.meant())), "", "{plain:?}");
    }
    let findings = lint(&sample.build_with(true, "a\r\n--=_b2_6c1f\r\n\r\nb", HTML), &sample.meant());
    assert_eq!(findings[0].rule, Rule::Tree);
}

/// What passes must read the same to mail-parser as a whole, which decodes all by itself.
fn second_reader_agrees(octets: &[u8], sample: &Sample) {
    let message = MessageParser::default().parse(octets).expect("a message");
    let [root, alternative, plain, html, calendar, attachment] = &message.parts[..] else {
        panic!("{} parts", message.parts.len());
    };
    assert!(matches!(&root.body, PartType::Multipart(parts) if parts == &[1, 5]));
    assert!(matches!(&alternative.body, PartType::Multipart(parts) if parts == &[2, 3, 4]));
    assert!(matches!(&plain.body, PartType::Text(text) if !text.trim().is_empty()));
    assert!(matches!(&html.body, PartType::Html(text) if !text.trim().is_empty()));
    assert_eq!(calendar.contents(), sample.calendar);
    assert_eq!(attachment.contents(), sample.calendar);
    assert!(attachment.attachment_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".ics")));
    assert_eq!(message.subject(), Some(sample.subject.as_str()));
    let only = |address: Option<&mail_parser::Address<'_>>| {
        let address = address.expect("an address");
        assert_eq!(address.iter().count(), 1);
        address.first().and_then(|addr| addr.address.clone()).expect("an address").into_owned()
    };
    assert_eq!(only(message.from()), sample.from.address().as_str());
    assert_eq!(only(message.to()), sample.to.address().as_str());
    assert!(message.cc().is_none() && message.bcc().is_none() && message.sender().is_none());
}

/// One edit: where, how many octets go, what comes in their place.
fn edits() -> impl Strategy<Value = Vec<(usize, usize, Vec<u8>)>> {
    let piece = proptest::sample::select(vec![
        &b""[..],
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"--",
        b"=",
        b":",
        b";",
        b"\"",
        b"<",
        b">",
        b",",
        b"(",
        b" ",
        b"\t",
        b"A",
        b"\xc3",
        b"\r\n\r\n",
        b"--=_b1_6c1f",
        b"\r\n--=_b2_6c1f--\r\n",
        b"Bcc: <x@y.example>\r\n",
        b"=?utf-8?Q?=0A?=",
        b"Content-Type: text/plain\r\n",
        b"attachment",
        b"%00",
        b"*0*=",
    ]);
    let noise = proptest::collection::vec(any::<u8>(), 0..4);
    let piece = proptest::prop_oneof![piece.prop_map(<[u8]>::to_vec), noise];
    proptest::collection::vec((any::<usize>(), proptest::prop_oneof![0..4_usize, 0..400_usize], piece), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutilated_message_makes_it_panic_or_passes_with_another_meaning(edits in edits(), with in any::<bool>()) {
        let sample = Sample::new();
        let mut octets = sample.build(with);
        for (at, removed, piece) in edits {
            let start = at % (octets.len() + 1);
            let end = (start + removed).min(octets.len());
            octets.splice(start..end, piece);
        }
        let findings = lint(&octets, &sample.meant());
        assert!(findings.iter().all(|finding| finding.text.len() < 600) && findings.len() <= 60);
        if findings.is_empty() {
            second_reader_agrees(&octets, &sample);
        }
        lint(&octets, &Meant { calendar: None, ..sample.meant() });
    }

    #[test]
    fn noise_makes_findings_and_no_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        assert!(!lint(&octets, &Sample::new().meant()).is_empty());
    }

    #[test]
    fn any_subject_and_name_pass_when_they_are_one_clean_line(subject in any::<String>(), name in any::<String>()) {
        let mut sample = Sample::new();
        // What `Mailbox` makes of a name is what the composer makes of a subject.
        sample.subject = Mailbox::new(&subject, sample.to.address().clone()).name().to_owned();
        sample.to = Mailbox::new(&name, sample.to.address().clone());
        assert_eq!(text(&lint(&sample.build(true), &sample.meant())), "");
    }
}
