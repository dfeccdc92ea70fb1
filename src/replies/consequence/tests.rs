//! Whose a mail is and what follows, for every rule of both files.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Circumstances, Judged, consequence, cure};
use crate::calendar::{PartStat, Sequence};
use crate::journal::{Answer, Effect, InboundState, Standing, SuppressionReason, Trust};
use crate::mail::AddrSpec;
use crate::replies::{Class, Invited, Known, Own, SentMessage, Wanted, read};

const UID: &str = "gala.aaaaaaaaaaaaaaaaaaaaaaaaaa@host.example";
const OTHER_UID: &str = "gala.bbbbbbbbbbbbbbbbbbbbbbbbbb@host.example";
const MESSAGE: &str = "cccccccccccccccccccccccccc@host.example";

fn own() -> Own {
    Own { event: "gala".to_owned(), sender: AddrSpec::parse("rsvp@host.example").expect("valid") }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn sent(dispatch: i64, uid: &str, message_id: &str, revision: u32, standing: Standing) -> SentMessage {
    let date = Some(at("2027-06-01T10:00:00Z").checked_add(jiff::Span::new().hours(revision)).expect("in range"));
    let sequence = Sequence::new(revision);
    SentMessage { dispatch, revision, sequence, standing, uid: uid.to_owned(), message_id: message_id.to_owned(), date }
}

fn invited(recipient: i64, address: &str, entity: &str, sent: Vec<SentMessage>) -> Invited {
    Invited { recipient, address: AddrSpec::parse(address).expect("valid"), entity: entity.to_owned(), sent }
}

/// Two missions; the first was told of a change too.
fn known() -> Known {
    let later = format!("d{}", &MESSAGE[1..]);
    Known::new(vec![
        invited(
            1,
            "un@utopia.example",
            "Utopia",
            vec![sent(11, UID, MESSAGE, 0, Standing::Sent), sent(12, UID, &later, 1, Standing::Sent)],
        ),
        invited(
            2,
            "mission@arcadia.example",
            "Arcadia",
            vec![sent(21, OTHER_UID, "e@host.example", 0, Standing::InDoubt)],
        ),
    ])
}

fn judged_by(mail: &str, authenticated: &[String]) -> Judged {
    let own = own();
    let circumstances = Circumstances {
        own: &own,
        end: at("2027-06-24T18:00:00Z"),
        authenticated,
        evidence: "digest",
        received: None,
        now: at("2027-06-30T00:00:00Z"),
    };
    consequence(&read(mail.as_bytes()), &known(), &circumstances)
}

fn judged(mail: &str) -> Judged {
    judged_by(mail, &[])
}

/// A calendar's answer, as several programs write it.
fn reply(method: &str, uid: &str, from: &str, attendee: &str, more: &str) -> String {
    format!(
        "From: {from}\r\nTo: rsvp@host.example\r\nSubject: Accepted: Gala\r\nDate: Wed, 02 Jun 2027 09:00:00 +0000\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/calendar; method={method}; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\n\
         VERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20270602T090000Z\r\n\
         ORGANIZER:mailto:rsvp@host.example\r\nATTENDEE{attendee}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn accepts(uid: &str, from: &str, attendee: &str) -> String {
    reply("REPLY", uid, from, &format!(";PARTSTAT=ACCEPTED:mailto:{attendee}"), "SEQUENCE:1\r\n")
}

fn bounce(recipient: &str, original: &str, action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: rsvp@host.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Date: Wed, 02 Jun 2027 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt did not arrive.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status} no such user\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         From: rsvp@host.example\r\nTo: {recipient}\r\n{original}Subject: Gala\r\n\r\n--b--\r\n"
    )
}

fn answer(judged: &Judged) -> Option<&Answer> {
    judged.bound.effects.iter().find_map(|effect| match effect {
        Effect::Answer(answer) => Some(&**answer),
        Effect::Returned(_) | Effect::Arrived { .. } | Effect::Suppress { .. } => None,
    })
}

/// Whether nothing changes.
fn is_idle(judged: &Judged) -> bool {
    judged.bound.effects.is_empty()
}

fn flags(judged: &Judged) -> BTreeSet<&str> {
    judged.bound.flags.split(' ').filter(|flag| !flag.is_empty()).collect()
}

#[test]
fn a_uid_of_ours_binds_an_answer() {
    let judged = judged(&accepts(&UID.to_uppercase(), "Ana <un@utopia.example>", "UN@utopia.example"));
    assert_eq!(judged.state, InboundState::Settled);
    let answer = answer(&judged).expect("an answer");
    assert_eq!((answer.entity.as_str(), answer.recipient, answer.partstat), ("Utopia", Some(1), PartStat::Accepted));
    assert_eq!((answer.revision, answer.level, answer.applies), (1, Some(Trust::Bound), true));
    assert_eq!((answer.said, answer.evidence.as_str()), (at("2027-06-02T09:00:00Z"), "digest"));
    assert_eq!(answer.attendee, "", "the invited answered");
    assert_eq!(judged.bound.dispatch, Some(12));
    assert_eq!(judged.bound.flags, "");
}

#[test]
fn only_the_invited_from_an_authenticated_domain_is_proven() {
    let level = |from: &str, attendee: &str, domains: &[&str]| {
        let domains: Vec<String> = domains.iter().map(|d| (*d).to_owned()).collect();
        judged_by(&accepts(UID, from, attendee), &domains).bound.level
    };
    let own = "un@utopia.example";
    assert_eq!(level(own, own, &["utopia.example"]), Some(Trust::Proven));
    assert_eq!(level(own, own, &["example.utopia.example", "ia.example"]), Some(Trust::Bound));
    assert_eq!(level(own, own, &[]), Some(Trust::Bound));
    assert_eq!(level("x@y.example", own, &["y.example", "utopia.example"]), Some(Trust::Bound));
    assert_eq!(level(own, "other@utopia.example", &["utopia.example"]), Some(Trust::Bound));
}

#[test]
fn who_acted_is_told_apart() {
    let case = |from: &str, attendee: &str| {
        let judged = judged(&accepts(UID, from, attendee));
        let applies = answer(&judged).map(|answer| answer.attendee.clone());
        (judged.bound.flags.clone(), applies, judged.state)
    };
    let (settled, triage) = (InboundState::Settled, InboundState::Triage);
    let some = |text: &str| Some(text.to_owned());
    let flag = |text: &str| text.to_owned();
    // A server that writes in its own name.
    assert_eq!(case("noreply@cloud.example", "un@utopia.example"), (flag(""), some(""), settled));
    assert_eq!(case("un@utopia.example", "u.n@xn.example"), (flag("alias"), some("u.n@xn.example"), settled));
    assert_eq!(
        case("ana@utopia.example", "ana@utopia.example"),
        (flag("colleague"), some("ana@utopia.example"), settled)
    );
    assert_eq!(
        case("un+x@utopia.example", "un+x@utopia.example"),
        (flag("alias"), some("un+x@utopia.example"), settled)
    );
    assert_eq!(case("eva@ngo.example", "eva@ngo.example"), (flag("not-on-the-lists"), None, triage));
    assert_eq!(case("mission@arcadia.example", "mission@arcadia.example"), (flag("other-invited"), None, triage));
    let delegate = reply(
        "REPLY",
        UID,
        "eva@ngo.example",
        ";PARTSTAT=ACCEPTED;DELEGATED-FROM=\"mailto:un@utopia.example\":mailto:eva@ngo.example",
        "SEQUENCE:1\r\n",
    );
    let judged = judged(&delegate);
    assert_eq!((judged.bound.flags.as_str(), judged.state), ("delegate", settled));
    assert_eq!(answer(&judged).map(|answer| answer.attendee.as_str()), Some("eva@ngo.example"));
}

#[test]
fn an_address_alone_changes_nothing() {
    // The UID is of the form of ours, and none of ours.
    let forged =
        judged(&accepts("gala.zzzzzzzzzzzzzzzzzzzzzzzzzz@host.example", "un@utopia.example", "un@utopia.example"));
    assert!(is_idle(&forged));
    assert_eq!((forged.state, forged.bound.level), (InboundState::Triage, Some(Trust::Claimed)));
    assert_eq!((forged.bound.entity.as_str(), forged.bound.suggestion.as_str()), ("Utopia", "accepted"));
    let report = judged(&bounce("un@utopia.example", "", "failed", "5.1.1"));
    assert!(is_idle(&report));
    assert_eq!((report.state, report.bound.level), (InboundState::Triage, Some(Trust::Claimed)));
    assert_eq!(report.bound.suggestion, "bounce");
    let stranger = judged(&accepts("gala.zzzzzzzzzzzzzzzzzzzzzzzzzz@host.example", "x@y.example", "x@y.example"));
    assert!(is_idle(&stranger));
    assert_eq!((stranger.state, stranger.bound.level), (InboundState::Triage, None));
}

#[test]
fn what_concerns_another_event_is_said_to() {
    let other_event = "Message-ID: <zzzzzzzzzzzzzzzzzzzzzzzzzz@host.example>\r\n";
    for mail in [
        accepts("ball.zzzzzzzzzzzzzzzzzzzzzzzzzz@host.example", "un@utopia.example", "un@utopia.example"),
        accepts("1234@calendar.example", "un@utopia.example", "un@utopia.example"),
        bounce("un@utopia.example", other_event, "failed", "5.1.1"),
        bounce("stranger@nowhere.example", "", "failed", "5.1.1"),
    ] {
        let judged = judged(&mail);
        assert_eq!(judged.state, InboundState::Ignored, "{mail}");
        assert_eq!(judged.bound.flags, "not-of-this-event");
        assert!(is_idle(&judged));
    }
}

#[test]
fn old_and_late_answers_are_named() {
    let old = reply("REPLY", UID, "un@utopia.example", ";PARTSTAT=DECLINED:mailto:un@utopia.example", "SEQUENCE:0\r\n");
    let judged_old = judged(&old);
    assert_eq!(flags(&judged_old), BTreeSet::from(["stale"]));
    assert_eq!(answer(&judged_old).map(|answer| answer.revision), Some(0));
    let late = judged(&accepts(UID, "un@utopia.example", "un@utopia.example").replace("20270602T09", "20270625T09"));
    assert_eq!(flags(&late), BTreeSet::from(["late"]));
    // Some programs count up, some say nothing: what was sent last before it is meant.
    for (sequence, stamp, revision) in [("SEQUENCE:2\r\n", "20270602", 1), ("", "20270602", 1), ("", "20270601", 0)] {
        let mail = reply("REPLY", UID, "un@utopia.example", ";PARTSTAT=ACCEPTED:mailto:un@utopia.example", sequence);
        let mail = mail.replace("20270602T090000Z", &format!("{stamp}T103000Z"));
        assert_eq!(answer(&judged(&mail)).map(|answer| answer.revision), Some(revision), "{sequence} {stamp}");
    }
}

#[test]
fn what_is_no_plain_answer_waits_for_a_person() {
    let times = "SEQUENCE:1\r\nDTSTART:20270624T200000Z\r\nDTEND:20270624T210000Z\r\n";
    let own = ";PARTSTAT=TENTATIVE:mailto:un@utopia.example";
    let counter = judged(&reply("COUNTER", UID, "un@utopia.example", own, times));
    assert_eq!((counter.state, flags(&counter)), (InboundState::Triage, BTreeSet::from(["counter-proposal"])));
    assert_eq!(answer(&counter), None);
    assert_eq!(counter.bound.suggestion, "tentative");
    let refresh = judged(&reply("REFRESH", UID, "un@utopia.example", own, ""));
    assert_eq!((refresh.state, flags(&refresh)), (InboundState::Triage, BTreeSet::from(["refresh"])));
    let strange = judged(&reply(
        "REPLY",
        UID,
        "un@utopia.example",
        ";PARTSTAT=X-MAYBE:mailto:un@utopia.example",
        "SEQUENCE:1\r\n",
    ));
    assert_eq!((strange.state, flags(&strange)), (InboundState::Triage, BTreeSet::from(["no-known-answer"])));
    let silent = judged(&reply(
        "REPLY",
        UID,
        "un@utopia.example",
        ";PARTSTAT=NEEDS-ACTION:mailto:un@utopia.example",
        "SEQUENCE:1\r\n",
    ));
    assert_eq!((silent.state, answer(&silent)), (InboundState::Recorded, None));
}

#[test]
fn who_sends_another_says_whom() {
    let more = ";PARTSTAT=DELEGATED;DELEGATED-TO=\"mailto:eva@utopia.example\":mailto:un@utopia.example";
    let judged = judged(&reply("REPLY", UID, "un@utopia.example", more, "SEQUENCE:1\r\nCOMMENT:I travel\r\n"));
    let answer = answer(&judged).expect("an answer");
    assert_eq!(answer.partstat, PartStat::Delegated);
    assert_eq!(answer.comment, "I travel (delegated to eva@utopia.example)");
}

#[test]
fn a_report_on_a_message_of_ours_returns_it() {
    let ours = format!("Message-ID: <{}>\r\n", MESSAGE.to_uppercase());
    let gone = judged(&bounce("un@utopia.example", &ours, "failed", "5.1.1"));
    assert_eq!(
        (gone.state, gone.bound.level, gone.bound.dispatch),
        (InboundState::Settled, Some(Trust::Bound), Some(11))
    );
    let [Effect::Returned(returned), Effect::Suppress { address, reason, .. }] = gone.bound.effects.as_slice() else {
        panic!("{gone:?}")
    };
    assert!(returned.is_final);
    assert_eq!((returned.class.as_str(), returned.status.as_str()), ("user-unknown", "5.1.1"));
    assert_eq!((address.as_str(), *reason), ("un@utopia.example", SuppressionReason::Bounce));

    let full = judged(&bounce("un@utopia.example", &ours, "failed", "5.2.2").replace("no such user", "mailbox full"));
    assert!(matches!(full.bound.effects.as_slice(), [Effect::Returned(returned)] if returned.is_final), "{full:?}");
    let slow = judged(
        &bounce("un@utopia.example", &ours, "delayed", "4.4.1")
            .replace("550 4.4.1 no such user", "connection timed out"),
    );
    assert!(matches!(slow.bound.effects.as_slice(), [Effect::Returned(returned)] if !returned.is_final), "{slow:?}");
    assert_eq!(slow.state, InboundState::Recorded);
    // Forwarded by a system that does not say so: it did not arrive, and which address is dead nobody knows.
    let forwarded = judged(&bounce("ana@home.example", &ours, "failed", "5.1.1"));
    assert!(
        matches!(forwarded.bound.effects.as_slice(), [Effect::Returned(returned)] if returned.is_final),
        "{forwarded:?}"
    );
    assert_eq!(flags(&forwarded), BTreeSet::from(["other-recipient"]));
    let arrived =
        judged(&bounce("un@utopia.example", &ours, "delivered", "2.0.0").replace("550 2.0.0 no such user", "250 ok"));
    assert!(
        !arrived.bound.effects.iter().any(|e| matches!(e, Effect::Returned(_) | Effect::Suppress { .. })),
        "{arrived:?}"
    );
}

#[test]
fn a_reverse_path_of_its_own_binds_what_returns_nothing() {
    let token = MESSAGE.split('@').next().expect("a token").to_uppercase();
    let returned = bounce("un@utopia.example", "", "failed", "5.1.1");
    let path = |token: &str| judged(&returned.replacen("To: rsvp@", &format!("To: rsvp+{token}@"), 1));
    assert_eq!((path(&token).bound.level, path(&token).bound.dispatch), (Some(Trust::Bound), Some(11)));
    let other = path("zzzzzzzzzzzzzzzzzzzzzzzzzz");
    assert!(is_idle(&other) && other.state == InboundState::Ignored, "another event's: {other:?}");
    let plain = path("news");
    assert!(is_idle(&plain) && plain.state == InboundState::Triage, "{plain:?}");
}

#[test]
fn a_letter_is_bound_and_waits_for_a_person() {
    let letter = |from: &str, more: &str| {
        format!(
            "From: {from}\r\nTo: rsvp@host.example\r\nSubject: Re: Gala\r\n{more}Date: Wed, 02 Jun 2027 09:00:00 +0000\r\n\r\n\
             Dear colleagues,\r\nwe have a question about the parking.\r\n"
        )
    };
    let answered = judged(&letter("mission@arcadia.example", "In-Reply-To: <e@host.example>\r\n"));
    assert_eq!((answered.state, answered.bound.level), (InboundState::Triage, Some(Trust::Bound)));
    // A message in doubt to which somebody answers was sent.
    assert!(matches!(answered.bound.effects.as_slice(), [Effect::Arrived { dispatch: 21, .. }]), "{answered:?}");
    let written = judged(&letter("mission@arcadia.example", ""));
    assert_eq!((written.state, written.bound.level), (InboundState::Triage, Some(Trust::Claimed)));
    assert!(is_idle(&written));
    let other =
        judged(&letter("mission@arcadia.example", "In-Reply-To: <zzzzzzzzzzzzzzzzzzzzzzzzzz@host.example>\r\n"));
    assert_eq!(other.state, InboundState::Triage, "a person wrote, and is invited");
    assert_eq!(judged("").state, InboundState::Triage, "no message at all");
}

#[test]
fn an_absence_is_noted() {
    let mail = "From: mission@arcadia.example\r\nTo: rsvp@host.example\r\nSubject: Automatic reply: Gala\r\n\
                Auto-Submitted: auto-replied\r\nIn-Reply-To: <e@host.example>\r\nDate: Wed, 02 Jun 2027 09:00:00 +0000\r\n\r\n\
                I am out of the office until 30 June 2027.\r\n";
    let judged = judged(mail);
    assert_eq!((judged.state, judged.bound.absent_until.as_str()), (InboundState::Recorded, "2027-06-30"));
    assert!(matches!(judged.bound.effects.as_slice(), [Effect::Arrived { dispatch: 21, .. }]), "{judged:?}");
}

#[test]
fn there_is_something_to_do_about_every_class() {
    for class in Class::ALL {
        assert!(!cure(class).is_empty());
    }
}

#[test]
fn what_is_looked_up_is_all_that_may_bind() {
    let mut wanted = Wanted::default();
    wanted.add(&read(accepts(UID, "Ana <Ana@utopia.example>", "UN@utopia.example").as_bytes()), &own());
    assert!(wanted.uids.iter().any(|uid| uid == UID), "{wanted:?}");
    for address in ["un@utopia.example", "ana@utopia.example"] {
        assert!(wanted.addresses.iter().any(|own| own == address), "{wanted:?}");
    }
}

proptest! {
    /// Whoever knows no token of ours changes nothing, whatever they write.
    #[test]
    fn nothing_forged_changes_anything(
        token in "[a-z2-7]{1,30}", event in "gala|ball|[a-z]{1,8}", domain in "host.example|[a-z]{1,8}.example",
        from in "un@utopia.example|mission@arcadia.example|[a-z]{1,8}@utopia.example", action in "failed|delayed|delivered",
        partstat in "ACCEPTED|DECLINED|TENTATIVE|DELEGATED", authenticated in proptest::bool::ANY,
    ) {
        let uid = format!("{event}.{token}@{domain}");
        prop_assume!(uid != UID && uid != OTHER_UID && format!("{token}@{domain}") != MESSAGE);
        let domains = if authenticated { vec!["utopia.example".to_owned(), "arcadia.example".to_owned()] } else { Vec::new() };
        for mail in [
            reply("REPLY", &uid, &from, &format!(";PARTSTAT={partstat}:mailto:{from}"), ""),
            bounce(&from, &format!("Message-ID: <{token}@{domain}>\r\n"), &action, "5.1.1"),
            bounce(&from, "", &action, "5.1.1"),
        ] {
            let judged = judged_by(&mail, &domains);
            prop_assert!(is_idle(&judged), "{mail}\n{judged:?}");
            prop_assert!(judged.bound.level.is_none_or(|level| level == Trust::Claimed));
        }
    }
}
