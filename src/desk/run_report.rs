//! What a run did, added up: the values of a report, its words and its JSON.
//!
//! What: [`Figures`] (what the store adds up), [`RunReport`] (with the run and the event), [`bucket_width_ms`],
//! [`RunReport::sentences`], [`RunReport::json`]. "Taken" is the relay's 2xx after the dot; nothing here is called delivered.
//! Not here: the page (`desk::run_page`), the adding up (`io::store`). Called by: `io::store`, `command::report`.
//! Can fail: nothing.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::desk::{count, duration};
use crate::journal::Standing;
use crate::mail::{masked, masked_in};

/// Of the JSON report; rises when a program that reads it would have to change.
pub const VERSION: u32 = 1;

/// How attempts ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// All of them.
    pub attempts: u64,
    /// The relay took the message.
    pub accepted: u64,
    /// Put off.
    pub deferred: u64,
    /// Refused for good.
    pub refused: u64,
    /// Nobody can know.
    pub in_doubt: u64,
}

/// From the first attempt's beginning to the last one's end, in milliseconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Beginning.
    pub first_ms: i64,
    /// End.
    pub last_ms: i64,
}

impl Span {
    /// Where the first bucket of a width begins: at a round time, so that bars and their labels stand at round times; in a
    /// run of seconds at its first attempt.
    pub fn begins_ms(self, width_ms: i64) -> i64 {
        if width_ms < 1000 { self.first_ms } else { self.first_ms - self.first_ms.rem_euclid(width_ms) }
    }

    /// From its beginning to its end.
    pub fn length(self) -> std::time::Duration {
        std::time::Duration::from_millis((self.last_ms - self.first_ms).max(0).unsigned_abs())
    }
}

/// Attempts that ended in one piece of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// 0 begins at [`Span::begins_ms`].
    pub place: u64,
    /// How they ended.
    pub verdicts: Verdicts,
}

/// From taking a message in hand to the relay's yes: making ready, envelope, octets, and the wait after the dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half took no longer.
    pub median_ms: u64,
    /// 19 of 20 took no longer.
    pub p95_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

/// A relay's, or a recipient domain's, part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of the relay, or the domain.
    pub name: String,
    /// How its attempts ended.
    pub verdicts: Verdicts,
    /// Median until the relay's yes; `None` where it took nothing.
    pub median_ms: Option<u64>,
}

/// Attempts that failed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Deferred, refused or in doubt.
    pub standing: Standing,
    /// Where in the dialogue.
    pub phase: String,
    /// The reply's code; 0 where there was none.
    pub code: u16,
    /// Its enhanced code; empty where there was none.
    pub enhanced: String,
    /// Whose fault: recipient, message, route, setup.
    pub scope: String,
    /// How many.
    pub attempts: u64,
    /// The words of one of them.
    pub words: String,
}

/// One attempt that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// To which entity.
    pub entity: String,
    /// Its mailbox.
    pub address: String,
    /// Through which relay.
    pub relay: String,
    /// Where it ended.
    pub phase: String,
    /// The relay's words, or ours.
    pub words: String,
    /// When.
    pub at: Timestamp,
    /// Where the message stands now: a doubt may have been settled since.
    pub now: Standing,
}

/// Everything that the store adds up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// All attempts.
    pub totals: Verdicts,
    /// `None` where nothing was attempted.
    pub span: Option<Span>,
    /// Mailboxes whose message was taken.
    pub recipients_reached: u64,
    /// Entities with such a mailbox.
    pub entities_reached: u64,
    /// Messages held back for suppressed addresses, now.
    pub suppressed: u64,
    /// The width of a bucket.
    pub bucket_ms: i64,
    /// Those in which an attempt ended.
    pub buckets: Vec<Bucket>,
    /// `None` where nothing was taken.
    pub latency: Option<Latency>,
    /// The most used first.
    pub relays: Vec<Share>,
    /// The most frequent first.
    pub domains: Vec<Share>,
    /// How many there were.
    pub domain_count: u64,
    /// The most frequent first.
    pub reasons: Vec<Reason>,
    /// By entity.
    pub doubts: Vec<Case>,
    /// By entity.
    pub refused: Vec<Case>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// From 1.
    pub number: i64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it goes on, and where the program was killed.
    pub ended: Option<Timestamp>,
    /// Its settings, as `send` noted them.
    pub settings: Value,
    /// What ended it before everybody was sent to; empty otherwise.
    pub ended_by: String,
}

/// A report of one run, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// The event's title.
    pub event: String,
    /// The run; `None` for all of them together.
    pub run: Option<RunFacts>,
    /// What was added up.
    pub figures: Figures,
    /// Whether addresses are shown whole.
    pub addresses: bool,
    /// When the report was made.
    pub made: Timestamp,
}

const WIDTHS_MS: [i64; 23] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    2_592_000_000,
];
/// The narrowest of the round widths that divides a length into fewer than `most` pieces.
pub(super) fn round_width_ms(length_ms: i64, most: i64) -> i64 {
    let fits = |width: &i64| length_ms / width < most;
    WIDTHS_MS.into_iter().find(fits).unwrap_or_else(|| length_ms / most + 1)
}

/// As many bars as can be told apart on a page.
const MOST_BUCKETS: i64 = 60;

/// The narrowest of the round widths with which a span fits into 60 bars.
pub fn bucket_width_ms(span: Span) -> i64 {
    round_width_ms((span.last_ms - span.first_ms).max(1), MOST_BUCKETS)
}

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `340 ms`, `2.4 s`, `3 min`.
pub(super) fn milliseconds(ms: u64) -> String {
    if ms < 1000 { format!("{ms} ms") } else { duration(std::time::Duration::from_millis(ms)) }
}

/// Who answers for the mailboxes of well-known domains; empty for all others, as nobody was asked.
pub fn provider(domain: &str) -> &'static str {
    let first = domain.split('.').next().unwrap_or_default();
    match (first, domain) {
        ("gmail" | "googlemail", _) => "Google",
        ("outlook" | "hotmail" | "live" | "msn", _) => "Microsoft",
        (_, domain) if domain.ends_with(".onmicrosoft.com") => "Microsoft",
        ("yahoo" | "ymail" | "rocketmail" | "aol", _) => "Yahoo",
        ("icloud" | "me" | "mac", "icloud.com" | "me.com" | "mac.com") => "Apple",
        ("gmx" | "web", "gmx.de" | "gmx.net" | "gmx.at" | "gmx.ch" | "gmx.com" | "web.de") => "GMX and WEB.DE",
        ("proton" | "protonmail" | "pm", "proton.me" | "protonmail.com" | "pm.me") => "Proton",
        ("qq" | "foxmail", "qq.com" | "foxmail.com") => "Tencent",
        ("163" | "126" | "yeah", "163.com" | "126.com" | "yeah.net") => "NetEase",
        ("mail" | "bk" | "list" | "inbox", "mail.ru" | "bk.ru" | "list.ru" | "inbox.ru") => "VK Mail",
        ("yandex" | "ya", _) => "Yandex",
        _ => "",
    }
}

impl Figures {
    /// How long it took from the first attempt to the last.
    pub fn took(&self) -> std::time::Duration {
        self.span.map(Span::length).unwrap_or_default()
    }

    /// Messages taken in a second.
    pub fn rate(&self) -> f64 {
        self.totals.accepted as f64 / self.took().as_secs_f64().max(0.001)
    }
}

/// `0.4 a second`, `63 a second`, `12 a minute`.
pub fn rate_in_words(per_second: f64) -> String {
    match per_second {
        r if r >= 10.0 => format!("{} a second", grouped(r.round() as u64)),
        r if r >= 1.0 => format!("{r:.1} a second"),
        r => format!("{:.0} a minute", r * 60.0),
    }
}

impl RunReport {
    /// `run-3`, or `all-runs`: the report's file name without its ending.
    pub fn file_stem(&self) -> String {
        self.run.as_ref().map_or_else(|| "all-runs".to_owned(), |run| format!("run-{}", run.number))
    }

    /// An address as this report shows it.
    pub fn address(&self, address: &str) -> String {
        if self.addresses { address.to_owned() } else { masked(address) }
    }

    /// A relay's words as this report shows them.
    pub fn words(&self, words: &str) -> String {
        if self.addresses { words.to_owned() } else { masked_in(words) }
    }

    /// What happened, for somebody who reads nothing else.
    pub fn sentences(&self) -> Vec<String> {
        let figures = &self.figures;
        let t = figures.totals;
        if t.attempts == 0 {
            return vec!["Nothing was attempted.".to_owned()];
        }
        let mut all = Vec::new();
        let taken = if t.accepted == 0 {
            format!("Nobody was reached in {}.", count(t.attempts, "attempt", "attempts"))
        } else {
            format!(
                "{} of {} reached: the relay took {} in {}{}.",
                count_grouped(figures.recipients_reached, "mailbox", "mailboxes"),
                count_grouped(figures.entities_reached, "entity", "entities"),
                count_grouped(t.accepted, "message", "messages"),
                duration(figures.took()),
                if t.accepted > 1 { format!(", {}", rate_in_words(figures.rate())) } else { String::new() },
            )
        };
        all.push(taken);
        if t.refused > 0 {
            all.push(format!("{} refused for good.", count_grouped(t.refused, "message was", "messages were")));
        }
        if t.deferred > 0 {
            all.push(format!(
                "{} put off, to be tried again.",
                count_grouped(t.deferred, "attempt was", "attempts were")
            ));
        }
        if t.in_doubt > 0 {
            all.push(format!(
                "{} in doubt: nobody can know whether the relay took it. Ask, then decide with convoke settle.",
                count_grouped(t.in_doubt, "message is", "messages are")
            ));
        }
        if figures.suppressed > 0 {
            all.push(format!(
                "{} not written to: the address is suppressed.",
                count_grouped(figures.suppressed, "mailbox is", "mailboxes are")
            ));
        }
        if t.attempts == t.accepted {
            all.push("Nothing was refused, put off or left in doubt.".to_owned());
        }
        if let Some(run) = &self.run {
            if !run.ended_by.is_empty() {
                all.push(format!("The run ended early: {}.", self.words(&run.ended_by)));
            } else if run.ended.is_none() {
                all.push("The run has no end: it goes on, or the program was stopped from outside.".to_owned());
            }
        }
        all
    }

    /// The same for a program.
    pub fn json(&self) -> Value {
        let figures = &self.figures;
        let share = |s: &Share| {
            json!({
                "name": s.name, "provider": provider(&s.name), "counts": s.verdicts, "median_ms": s.median_ms,
            })
        };
        let relay = |s: &Share| json!({ "name": s.name, "counts": s.verdicts, "median_ms": s.median_ms });
        let case = |c: &Case| {
            json!({
                "entity": c.entity, "address": self.address(&c.address), "relay": c.relay, "phase": c.phase,
                "reply": self.words(&c.words), "time": c.at.to_string(), "state_now": c.now.as_str(),
            })
        };
        let first_ms = figures.span.map_or(0, |span| span.begins_ms(figures.bucket_ms.max(1)));
        let bucket = |b: &Bucket| {
            let at =
                first_ms.saturating_add(i64::try_from(b.place).unwrap_or(i64::MAX).saturating_mul(figures.bucket_ms));
            json!({ "begins": Timestamp::from_millisecond(at).map(|t| t.to_string()).ok(), "counts": b.verdicts })
        };
        let reason = |r: &Reason| {
            json!({
                "state": r.standing.as_str(), "phase": r.phase, "code": r.code, "enhanced": r.enhanced,
                "scope": r.scope, "attempts": r.attempts, "example": self.words(&r.words),
            })
        };
        json!({
            "version": VERSION,
            "event": self.event,
            "made": self.made.to_string(),
            "addresses_masked": !self.addresses,
            "run": self.run.as_ref().map(|run| json!({
                "number": run.number,
                "started": run.started.to_string(),
                "ended": run.ended.map(|t| t.to_string()),
                "ended_by": self.words(&run.ended_by),
                "settings": run.settings,
            })),
            "summary": self.sentences(),
            "totals": figures.totals,
            "recipients_reached": figures.recipients_reached,
            "entities_reached": figures.entities_reached,
            "suppressed_now": figures.suppressed,
            "seconds": figures.took().as_secs_f64(),
            "accepted_per_second": figures.rate(),
            "latency": figures.latency,
            "bucket_seconds": figures.bucket_ms as f64 / 1000.0,
            "buckets": figures.buckets.iter().map(bucket).collect::<Vec<_>>(),
            "relays": figures.relays.iter().map(relay).collect::<Vec<_>>(),
            "domain_count": figures.domain_count,
            "domains": figures.domains.iter().map(share).collect::<Vec<_>>(),
            "reasons": figures.reasons.iter().map(reason).collect::<Vec<_>>(),
            "in_doubt": figures.doubts.iter().map(case).collect::<Vec<_>>(),
            "refused": figures.refused.iter().map(case).collect::<Vec<_>>(),
        })
    }
}

fn count_grouped(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::{Bucket, Case, Figures, Latency, Reason, RunFacts, RunReport, Share, Span, Verdicts, bucket_width_ms};
    use crate::journal::Standing;

    const START_MS: i64 = 1_500_000_000_000;

    fn verdicts(accepted: u64, deferred: u64, refused: u64, in_doubt: u64) -> Verdicts {
        Verdicts { attempts: accepted + deferred + refused + in_doubt, accepted, deferred, refused, in_doubt }
    }

    /// A run with one of everything, with words that a page must not take for its own.
    pub(in crate::desk) fn report() -> RunReport {
        let at = Timestamp::from_millisecond(START_MS + 4000).expect("a time");
        let case = |entity: &str, address: &str, words: &str, now| Case {
            entity: entity.to_owned(),
            address: address.to_owned(),
            relay: "main".to_owned(),
            phase: "rcpt".to_owned(),
            words: words.to_owned(),
            at,
            now,
        };
        let share = |name: &str, verdicts, median_ms| Share { name: name.to_owned(), verdicts, median_ms };
        let figures = Figures {
            totals: verdicts(1204, 7, 3, 1),
            span: Some(Span { first_ms: START_MS, last_ms: START_MS + 25_000 }),
            recipients_reached: 1204,
            entities_reached: 801,
            suppressed: 4,
            bucket_ms: 500,
            buckets: (0..50)
                .map(|place| Bucket { place, verdicts: verdicts(20 + place % 9, place % 3, u64::from(place == 9), 0) })
                .collect(),
            latency: Some(Latency { median_ms: 41, p95_ms: 210, max_ms: 2_400 }),
            relays: vec![share("main", verdicts(1204, 7, 3, 1), Some(41))],
            domains: vec![
                share("gmail.com", verdicts(9, 0, 0, 0), Some(30)),
                share("x.example", verdicts(0, 0, 3, 1), None),
            ],
            domain_count: 77,
            reasons: vec![Reason {
                standing: Standing::Failed,
                phase: "rcpt".to_owned(),
                code: 550,
                enhanced: "5.1.1".to_owned(),
                scope: "recipient".to_owned(),
                attempts: 3,
                words: "550 5.1.1 <gone@x.example> </td><script>alert(1)</script>".to_owned(),
            }],
            doubts: vec![case("Mission of <b>Y</b>", "late.answer@y.example", "no answer in time", Standing::Sent)],
            refused: vec![case("Organisation X", "gone@x.example", "550 5.1.1 <gone@x.example>", Standing::Failed)],
        };
        RunReport {
            event: "Crimes & <i>courts</i>".to_owned(),
            run: Some(RunFacts {
                number: 3,
                started: Timestamp::from_millisecond(START_MS).expect("a time"),
                ended: Some(Timestamp::from_millisecond(START_MS + 25_100).expect("a time")),
                settings: json!({ "relay": "main (mx.example:465)", "connections": 10 }),
                ended_by: String::new(),
            }),
            figures,
            addresses: false,
            made: at,
        }
    }

    #[test]
    fn widths_are_round_and_bars_few() {
        for length in [0, 1, 99, 5_900, 6_000, 3_600_000, 86_400_000, 400 * 86_400_000, 20_000 * 86_400_000] {
            let width = bucket_width_ms(Span { first_ms: 7, last_ms: 7 + length });
            assert!(length / width < 60, "{length}: {width}");
        }
        assert_eq!(bucket_width_ms(Span { first_ms: 0, last_ms: 25_000 }), 500);
        assert_eq!(bucket_width_ms(Span { first_ms: 0, last_ms: 60 * 60_000 }), 120_000);
    }

    #[test]
    fn a_run_is_told_in_sentences() {
        let all = report().sentences().join("\n");
        for part in [
            "1,204 mailboxes of 801 entities reached: the relay took 1,204 messages in 25 s, 48 a second.",
            "3 messages were refused for good.",
            "7 attempts were put off",
            "1 message is in doubt",
            "4 mailboxes are not written to",
        ] {
            assert!(all.contains(part), "{part:?} in {all}");
        }
        assert!(!all.contains("delivered"));
        let nothing = RunReport { figures: Figures::default(), ..report() };
        assert_eq!(nothing.sentences(), ["Nothing was attempted."]);
        let killed = RunReport { run: report().run.map(|run| RunFacts { ended: None, ..run }), ..report() };
        assert!(killed.sentences().join("\n").contains("The run has no end"));
    }

    #[test]
    fn json_masks_addresses_unless_they_are_asked_for() {
        let masked = report().json().to_string();
        assert!(
            !masked.contains("gone@") && !masked.contains("late.answer") && masked.contains("g…@x.example"),
            "{masked}"
        );
        let whole = RunReport { addresses: true, ..report() }.json().to_string();
        assert!(whole.contains("late.answer@y.example"), "{whole}");
    }
}
