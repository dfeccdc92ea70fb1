//! What no row of the table may break, on random replies.

use proptest::prelude::*;

use super::{Judgement, Mishap, Phase, Scope, Verdict, judge};
use crate::mail::Reply;

const WORDS: [&str; 24] = [
    "user unknown",
    "[TSS04]",
    "[TS03] permanently deferred",
    "greylisted",
    "mailbox full",
    "S3140 block list",
    "spam",
    "too many recipients",
    "concurrent connections",
    "daily sending quota exceeded",
    "relay access denied",
    "unusual rate of mail",
    "message too large",
    "Authentication required",
    "blocked using spamhaus",
    "DMARC",
    "virus",
    "\u{fffd}\u{0}\r\n",
    "İstanbul ß",
    "does not exist",
    "try again later",
    "",
    "*",
    "STOREDRV.Submission QuotaExceeded",
];

fn any_phase() -> impl Strategy<Value = Phase> {
    (0..Phase::ALL.len()).prop_map(|n| Phase::ALL[n])
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let enhanced = prop_oneof![
        Just(String::new()),
        (2u8..6, 0u16..9, prop_oneof![0u16..12, 0u16..1000]).prop_map(|(class, s, d)| format!("{class}.{s}.{d} ")),
    ];
    let words = proptest::collection::vec((0..WORDS.len()).prop_map(|n| WORDS[n]), 0..4);
    let line =
        (enhanced, words, ".{0,20}").prop_map(|(code, words, noise)| format!("{code}{} {noise}", words.join(" ")));
    let code = prop_oneof![200u16..600, Just(421), 450u16..455, 500u16..505, 550u16..555];
    (code, proptest::collection::vec(line, 0..4)).prop_map(|(code, lines)| Reply::new(code, lines))
}

fn any_mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        12 => any_reply().prop_map(Mishap::Reply),
        1 => Just(Mishap::Silence),
        1 => Just(Mishap::Closed),
        1 => Just(Mishap::Broken("reset".to_owned())),
        1 => Just(Mishap::Unreadable("\u{fffd}".to_owned())),
        1 => Just(Mishap::Unable("no SMTPUTF8".to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nobody_is_lost_or_doubled_whatever_a_server_says(phase in any_phase(), mishap in any_mishap()) {
        let judgement = judge(phase, &mishap);
        let Judgement { verdict, hold, dead_address, reason, .. } = judgement;
        let code = if let Mishap::Reply(reply) = &mishap { Some(reply.code()) } else { None };
        prop_assert!(!reason.is_empty());
        // Only 2xx after the dot is success; everything unclear there is in doubt, and nothing is before it.
        let is_accepted = phase == Phase::Dot && matches!(code, Some(200..=299));
        prop_assert_eq!(verdict == Verdict::Accepted, is_accepted);
        let is_unclear = phase == Phase::Dot && !matches!(code, Some(200..=299 | 400..=599));
        prop_assert_eq!(verdict == Verdict::InDoubt, is_unclear);
        // The first digit is a promise.
        if matches!(code, Some(200..=499)) {
            prop_assert!(!matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
        }
        // The end of a session says nothing about a recipient.
        if code == Some(421) && phase != Phase::Dot {
            prop_assert!(!matches!(verdict.scope(), Some(Scope::Recipient | Scope::Message)), "{verdict:?}");
        }
        if dead_address {
            prop_assert_eq!(verdict, Verdict::Refused(Scope::Recipient));
            prop_assert!(matches!(code, Some(500..=599)));
        }
        // What concerns everybody is never held against one.
        if hold.is_some() {
            prop_assert!(matches!(verdict, Verdict::Deferred(Scope::Route | Scope::Provider | Scope::Setup)), "{verdict:?}");
        }
        // A fault of the way, the provider or the set-up is never final for the recipient.
        prop_assert!(!matches!(verdict, Verdict::Refused(Scope::Route | Scope::Provider | Scope::Setup)), "{verdict:?}");
    }

    #[test]
    fn the_same_reply_is_judged_alike_in_any_letters(phase in any_phase(), reply in any_reply()) {
        let upper = |text: &String| text.to_ascii_uppercase();
        let shouted = Reply::new(reply.code(), reply.lines().iter().map(upper).collect());
        prop_assert_eq!(judge(phase, &Mishap::Reply(reply)), judge(phase, &Mishap::Reply(shouted)));
    }
}

fn reply(phase: Phase, code: u16, text: &str) -> Verdict {
    judge(phase, &Mishap::Reply(Reply::new(code, vec![text.to_owned()]))).verdict
}

#[test]
fn only_2xx_after_the_dot_is_success() {
    assert_eq!(reply(Phase::Dot, 250, "2.0.0 queued"), Verdict::Accepted);
    assert_eq!(reply(Phase::Dot, 354, "go"), Verdict::InDoubt);
    assert_eq!(reply(Phase::Dot, 451, "4.3.0 later"), Verdict::Deferred(Scope::Route));
    assert_eq!(reply(Phase::Dot, 554, "5.6.0 no"), Verdict::Refused(Scope::Message));
    assert_eq!(reply(Phase::Dot, 421, "4.3.2 down"), Verdict::Deferred(Scope::Route));
}

#[test]
fn what_is_unclear_after_the_dot_is_in_doubt_and_before_it_is_not() {
    for mishap in
        [Mishap::Silence, Mishap::Closed, Mishap::Broken("reset".into()), Mishap::Unreadable("\u{fffd}".into())]
    {
        assert_eq!(judge(Phase::Dot, &mishap).verdict, Verdict::InDoubt);
        assert_eq!(judge(Phase::Body, &mishap).verdict, Verdict::Deferred(Scope::Route));
        assert_eq!(judge(Phase::Rcpt, &mishap).verdict, Verdict::Deferred(Scope::Route));
    }
}

#[test]
fn recipients_are_refused_for_their_own_faults_only() {
    assert_eq!(reply(Phase::Rcpt, 550, "5.1.1 unknown"), Verdict::Refused(Scope::Recipient));
    assert_eq!(reply(Phase::Rcpt, 550, "5.7.1 blocked"), Verdict::Deferred(Scope::Provider));
    assert_eq!(reply(Phase::Rcpt, 452, "4.2.2 full"), Verdict::Deferred(Scope::Recipient));
    assert_eq!(reply(Phase::Rcpt, 552, "5.2.2 full"), Verdict::Deferred(Scope::Recipient));
    assert_eq!(reply(Phase::Rcpt, 552, "too many"), Verdict::Deferred(Scope::Recipient));
    assert_eq!(reply(Phase::Rcpt, 451, "4.7.1 greylisted"), Verdict::Deferred(Scope::Recipient));
    assert_eq!(reply(Phase::Mail, 550, "5.7.1 sender"), Verdict::Deferred(Scope::Setup));
    assert_eq!(reply(Phase::Auth, 535, "5.7.8 bad"), Verdict::Deferred(Scope::Setup));
    assert_eq!(reply(Phase::Rcpt, 503, "5.5.1 order"), Verdict::Deferred(Scope::Setup));
    assert_eq!(reply(Phase::Data, 250, "ok"), Verdict::Deferred(Scope::Route));
}

#[test]
fn a_code_of_another_class_is_not_believed() {
    assert_eq!(reply(Phase::Rcpt, 450, "5.1.1 unknown"), Verdict::Deferred(Scope::Recipient));
    let mishap = Mishap::Reply(Reply::new(550, vec!["4.1.1 no".to_owned()]));
    assert_eq!(judge(Phase::Rcpt, &mishap).verdict, Verdict::Refused(Scope::Recipient));
    assert!(!judge(Phase::Rcpt, &mishap).dead_address);
}
