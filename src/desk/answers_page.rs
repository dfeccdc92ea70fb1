//! Who comes and whom to ask, as a page: to be read, printed, and kept.
//!
//! What: [`AnswersReport`], filled entity by entity, as a page with a plot of answers over time ([`AnswersReport::page`]) and as
//! JSON. Standards: HTML, SVG 1.1. Not here: what answers come to (`journal::entity`), reading them (`io::store`).
//! Called by: `command::report`. Can fail: nothing. Memory: a few words for each entity that answered; the lists of cases are
//! bounded, for `export` has everybody.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use serde_json::{Value, json};

use super::answers::{Attendance, position_in_words};
use super::chart::{fixed, nice_step};
use super::run_report::grouped;
use super::sheet;
use crate::input::reminders::AnswerMode;
use crate::journal::Position;
use crate::plan::Participation;

/// Cases of one list that are named.
const CASES: usize = 500;
/// Points of the plot.
const POINTS: usize = 120;

/// What is stacked, the lowest first: the page's class, what is counted, the words.
const LAYERS: [(&str, &[Participation], &str); 4] = [
    ("accepted", &[Participation::Accepted, Participation::Delegated], "accepted"),
    ("deferred", &[Participation::Tentative], "tentative"),
    ("refused", &[Participation::Declined], "declined"),
    ("doubt", &[Participation::AskedAgain, Participation::Silent], "asked again"),
];

/// One entity for [`AnswersReport::add`].
#[derive(Clone, Copy, Debug)]
pub struct EntityLine<'e> {
    /// Its name.
    pub name: &'e str,
    /// Its kind.
    pub kind: &'e str,
    /// Whether a message may have reached it.
    pub is_reached: bool,
    /// Whether it was invited and is no longer.
    pub is_withdrawn: bool,
    /// Since when an answer is awaited.
    pub silent_since: Option<Timestamp>,
    /// Whether the last message to all of its mailboxes was refused or came back.
    pub is_cut_off: bool,
    /// What its answers come to.
    pub position: &'e Position,
}

/// Somebody to look at.
#[derive(Clone, Debug)]
struct Case {
    entity: String,
    words: String,
    since: Option<Timestamp>,
}

/// What a list of cases is for.
#[derive(Clone, Debug, Default)]
struct Cases {
    all: u64,
    named: Vec<Case>,
}

impl Cases {
    fn add(&mut self, entity: &str, words: String, since: Option<Timestamp>) {
        self.all += 1;
        if self.named.len() < CASES {
            self.named.push(Case { entity: entity.to_owned(), words, since });
        }
    }

    fn json(&self) -> Value {
        let named: Vec<Value> = self
            .named
            .iter()
            .map(|case| json!({ "entity": case.entity, "why": case.words, "since": case.since.map(|at| at.to_string()) }))
            .collect();
        json!({ "all": self.all, "named": named })
    }
}

/// Every entity, added up.
#[derive(Clone, Debug)]
pub struct AnswersReport {
    event: String,
    mode: AnswerMode,
    made: Timestamp,
    all: Attendance,
    by_kind: BTreeMap<String, Attendance>,
    withdrawn: u64,
    /// When somebody said what still holds.
    moments: Vec<(Timestamp, Participation)>,
    coming: Cases,
    conflicts: Cases,
    asked_again: Cases,
    silent: Cases,
    cut_off: Cases,
}

impl AnswersReport {
    /// Begins with nobody.
    pub fn new(event: &str, mode: AnswerMode, made: Timestamp) -> Self {
        Self {
            event: event.to_owned(),
            mode,
            made,
            all: Attendance::default(),
            by_kind: BTreeMap::new(),
            withdrawn: 0,
            moments: Vec::new(),
            coming: Cases::default(),
            conflicts: Cases::default(),
            asked_again: Cases::default(),
            silent: Cases::default(),
            cut_off: Cases::default(),
        }
    }

    /// Takes one entity.
    pub fn add(&mut self, line: &EntityLine<'_>) {
        if line.is_withdrawn {
            self.withdrawn += 1;
            return;
        }
        let position = line.position;
        self.all.add(position, line.is_reached);
        self.by_kind.entry(line.kind.to_owned()).or_default().add(position, line.is_reached);
        if let Some(answer) = &position.decided_by {
            self.moments.push((answer.said, position.participation));
        }
        match position.participation {
            Participation::Accepted | Participation::Delegated => {
                let said = position.decided_by.as_ref();
                let comment = said.map(|answer| answer.comment.as_str()).filter(|comment| !comment.is_empty());
                let words = position_in_words(position);
                let words = comment.map_or_else(|| words.clone(), |comment| format!("{words}: {comment}"));
                self.coming.add(line.name, words, said.map(|answer| answer.said));
            }
            Participation::AskedAgain => {
                self.asked_again.add(line.name, "answered before the event changed".to_owned(), line.silent_since);
            }
            Participation::Silent if line.is_cut_off => {
                let words = "the message was refused or came back; find another address, or ask by telephone";
                self.cut_off.add(line.name, words.to_owned(), line.silent_since);
            }
            Participation::Silent if line.is_reached => self.silent.add(line.name, String::new(), line.silent_since),
            Participation::Silent | Participation::Tentative | Participation::Declined => {}
        }
        for conflict in &position.conflicts {
            self.conflicts.add(line.name, conflict.to_string(), position.decided_by.as_ref().map(|a| a.said));
        }
    }

    /// For programs; `version` rises when a key changes its meaning.
    pub fn json(&self) -> Value {
        let by_kind: serde_json::Map<String, Value> =
            self.by_kind.iter().map(|(kind, attendance)| (kind.clone(), attendance.json(self.mode))).collect();
        json!({
            "version": 1,
            "event": self.event,
            "made": self.made.to_string(),
            "all": self.all.json(self.mode),
            "by_kind": by_kind,
            "withdrawn": self.withdrawn,
            "coming": self.coming.json(),
            "conflicts": self.conflicts.json(),
            "asked_again": self.asked_again.json(),
            "silent": self.silent.json(),
            "cut_off": self.cut_off.json(),
        })
    }

    /// The first thing to know.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![format!(
            "{} of {} entities come, with {} persons; {} have not answered.",
            grouped(self.all.coming(self.mode)),
            grouped(self.all.entities),
            grouped(self.all.persons(self.mode)),
            grouped(self.all.of(Participation::Silent) + self.all.of(Participation::AskedAgain)),
        )];
        if self.mode == AnswerMode::RegretsOnly {
            sentences.push("Only regrets were asked for: the silent are counted among those who come.".to_owned());
        }
        if self.withdrawn > 0 {
            sentences
                .push(format!("{} were invited and are no longer; they are not counted.", grouped(self.withdrawn)));
        }
        sentences
    }

    /// The page; times are shown in `zone`.
    pub fn page(&self, zone: &TimeZone) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                (sheet::head(&format!("Answers · {}", self.event)))
                body {
                    header {
                        p.origin { "Answers · " (moment(self.made, zone)) }
                        h1 dir="auto" { (self.event) }
                        div.lead { @for sentence in self.sentences() { p { (sentence) } } }
                    }
                    main {
                        div.tiles {
                            @for (class, n, words) in [
                                ("accepted", self.all.of(Participation::Accepted) + self.all.of(Participation::Delegated), "accepted"),
                                ("deferred", self.all.of(Participation::Tentative), "tentative"),
                                ("refused", self.all.of(Participation::Declined), "declined"),
                                ("doubt", self.all.of(Participation::Silent) + self.all.of(Participation::AskedAgain), "silent"),
                            ] {
                                div.tile.(class).none[n == 0] { b { (grouped(n)) } span { (words) } }
                            }
                        }
                        @if !self.moments.is_empty() {
                            section { h2 { "Over time" } figure { (self.plot(zone)) (self.legend()) } }
                        }
                        section { h2 { "By kind" } (self.kinds()) }
                        (cases("To be looked at", "convoke note decides what holds.", &self.conflicts, zone))
                        (cases("Cannot be reached", "", &self.cut_off, zone))
                        (cases("Asked again", "They answered, and the event has changed since.", &self.asked_again, zone))
                        (cases("Silent", "convoke remind writes to them.", &self.silent, zone))
                        (cases("Coming", "", &self.coming, zone))
                    }
                    footer {
                        p { "Silence is no answer. Sent means that the relay took the message; what became of it afterwards is known only where something came back." }
                        p { "Made from the journal by convoke " (env!("CARGO_PKG_VERSION")) "." }
                    }
                }
            }
        }
        .into_string()
    }

    fn kinds(&self) -> Markup {
        let several = self.by_kind.len() > 1;
        let all = [("all".to_owned(), &self.all)].into_iter().filter(|_| several);
        html! {
            div.scroll { table {
                thead { tr { th { "Kind" } @for heading in Attendance::headings() { th.n { (heading) } } } }
                tbody {
                    @for (kind, attendance) in self.by_kind.iter().map(|(kind, a)| (kind.clone(), a)).chain(all) {
                        tr {
                            td { (kind) }
                            @for n in attendance.cells(self.mode) { td.n.zero[n == 0] { (grouped(n)) } }
                        }
                    }
                }
            } }
        }
    }

    fn legend(&self) -> Markup {
        let has = |which: &[Participation]| self.moments.iter().any(|(_, participation)| which.contains(participation));
        html! {
            figcaption {
                @for (class, which, words) in LAYERS {
                    @if has(which) { span.key.(class) { (words) } }
                }
            }
        }
    }

    /// How many had said by each moment what holds now, stacked.
    fn plot(&self, zone: &TimeZone) -> Markup {
        const WIDTH: f64 = 960.0;
        const HEIGHT: f64 = 280.0;
        const LEFT: f64 = 62.0;
        const RIGHT: f64 = 12.0;
        const TOP: f64 = 26.0;
        const BOTTOM: f64 = 40.0;
        let mut moments = self.moments.clone();
        moments.sort_by_key(|(at, _)| *at);
        let first = moments.first().map_or(0, |(at, _)| at.as_millisecond());
        let last = moments.last().map_or(first, |(at, _)| at.as_millisecond());
        // A minute before the first answer there was none; a single moment needs a width to be seen.
        let (begins, ends) = (first - 60_000, last.max(first + 60_000));
        let most = moments.len() as u64;
        let step = nice_step(most);
        let top = most.div_ceil(step) * step;
        let x = |ms: i64| LEFT + (WIDTH - LEFT - RIGHT) * (ms - begins) as f64 / (ends - begins) as f64;
        let y = |n: u64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - n as f64 / top as f64);
        let points = (0..=POINTS as i64).map(|n| begins + (ends - begins) * n / POINTS as i64);
        let counts: Vec<(i64, [u64; 4])> = points
            .map(|ms| {
                let mut below = 0;
                let until = moments.partition_point(|(at, _)| at.as_millisecond() <= ms);
                let of = LAYERS.map(|(_, which, _)| {
                    below += moments[..until].iter().filter(|(_, p)| which.contains(p)).count() as u64;
                    below
                });
                (ms, of)
            })
            .collect();
        let area = |layer: usize| {
            let upper = counts.iter().map(|(ms, of)| format!("{},{}", fixed(x(*ms)), fixed(y(of[layer]))));
            let lower = counts.iter().rev().map(|(ms, of)| {
                let below = if layer == 0 { 0 } else { of[layer - 1] };
                format!("{},{}", fixed(x(*ms)), fixed(y(below)))
            });
            upper.chain(lower).collect::<Vec<_>>().join(" ")
        };
        let format = if ends - begins < 2 * 86_400_000 { "%e %b %H:%M" } else { "%e %b %Y" };
        let label = |ms: i64| {
            let at = Timestamp::from_millisecond(ms).unwrap_or(self.made);
            at.to_zoned_datetime(zone.clone()).strftime(format).to_string().trim().to_owned()
        };
        html! {
            svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
                aria-label={ (grouped(most)) " answers from " (label(first)) " to " (label(last)) } {
                text.axis x=(LEFT - 52.0) y="14" { "entities that had answered" }
                @for n in (0..=top / step).map(|i| i * step) {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y(n))) y2=(fixed(y(n))) {}
                    text.axis x=(LEFT - 10.0) y=(fixed(y(n) + 4.0)) text-anchor="end" { (grouped(n)) }
                }
                @for (layer, (class, which, _)) in LAYERS.iter().enumerate() {
                    @if moments.iter().any(|(_, p)| which.contains(p)) {
                        polygon class=(class) points=(area(layer)) {}
                    }
                }
                line.base x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y(0))) y2=(fixed(y(0))) {}
                @for (n, anchor) in [(0, "start"), (1, "middle"), (2, "middle"), (3, "middle"), (4, "end")] {
                    @let ms = begins + (ends - begins) * n / 4;
                    text.axis x=(fixed(x(ms))) y=(HEIGHT - BOTTOM + 20.0) text-anchor=(anchor) { (label(ms)) }
                }
            }
        }
    }
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%-d %B %Y, %H:%M %Z").to_string()
}

/// A moment whose time of day is not shown where there is no room.
fn day_and_clock(moment: &str) -> Markup {
    match moment.split_once(", ") {
        Some((day, clock)) => html! { (day) span.clock { ", " (clock) } },
        None => html! { (moment) },
    }
}

fn cases(heading: &str, what: &str, cases: &Cases, zone: &TimeZone) -> Markup {
    let has_words = cases.named.iter().any(|case| !case.words.is_empty());
    html! {
        @if cases.all > 0 {
            section {
                h2 { (heading) " (" (grouped(cases.all)) ")" }
                @if !what.is_empty() { p.note { (what) } }
                div.scroll { table {
                    thead { tr { th { "Entity" } @if has_words { th { "What" } } th { "Since" } } }
                    tbody {
                        @for case in &cases.named {
                            tr {
                                td dir="auto" { (case.entity) }
                                @if has_words { td.words dir="auto" { (case.words) } }
                                td.quiet.when { @if let Some(since) = case.since { (day_and_clock(&moment(since, zone))) } }
                            }
                        }
                    }
                } }
                @if cases.all > cases.named.len() as u64 {
                    p.note { "The first " (grouped(cases.named.len() as u64)) " of " (grouped(cases.all)) "; convoke export has every one." }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{AnswersReport, EntityLine};
    use crate::calendar::PartStat;
    use crate::input::reminders::AnswerMode;
    use crate::journal::entity::Asked;
    use crate::journal::{Answer, Position};

    fn position(second: i64, partstat: PartStat, persons: u32, comment: &str) -> Position {
        let at = Timestamp::from_second(second).expect("in range");
        let answer = Answer {
            entity: String::new(),
            recipient: None,
            partstat,
            persons: Some(persons),
            comment: comment.to_owned(),
            source: "telephone".to_owned(),
            by: String::new(),
            is_note: true,
            attendee: String::new(),
            sequence: None,
            dtstamp: None,
            said: at,
            recorded: at,
            revision: 0,
            evidence: String::new(),
            level: None,
            applies: true,
        };
        Position::of(&[answer], Asked::default())
    }

    fn report() -> AnswersReport {
        let made = Timestamp::from_second(1_505_900_000).expect("in range");
        let mut report = AnswersReport::new("Water & <peace>", AnswerMode::Requested, made);
        let silent = Position::default();
        let lines = [
            ("Chile", position(1_505_000_000, PartStat::Accepted, 2, "<b>with</b> the minister"), true, false),
            ("Kenya", position(1_505_100_000, PartStat::Declined, 0, ""), true, false),
            ("Fiji", silent.clone(), true, false),
            ("Peru", silent.clone(), true, true),
            ("Nauru", silent, false, false),
        ];
        for (name, position, is_reached, is_cut_off) in &lines {
            report.add(&EntityLine {
                name,
                kind: "mission",
                is_reached: *is_reached,
                is_withdrawn: false,
                silent_since: Some(made),
                is_cut_off: *is_cut_off,
                position,
            });
        }
        report
    }

    #[test]
    fn the_page_counts_and_names_whom_to_ask() {
        let report = report();
        assert_eq!(report.sentences(), ["1 of 5 entities come, with 2 persons; 2 have not answered."]);
        let page = report.page(&TimeZone::UTC);
        for part in ["Cannot be reached (1)", "Silent (1)", "Coming (1)", "Water &amp; &lt;peace&gt;", "polygon"] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("<b>with") && !page.contains("NaN"), "what was written is text");
        let json = report.json();
        assert_eq!((&json["all"]["persons"], &json["cut_off"]["named"][0]["entity"]), (&2.into(), &"Peru".into()));
    }

    #[test]
    fn one_answer_alone_is_drawn_too_and_none_draws_nothing() {
        let made = Timestamp::from_second(1_505_900_000).expect("in range");
        let mut report = AnswersReport::new("x", AnswerMode::Requested, made);
        assert!(!report.page(&TimeZone::UTC).contains("<svg"));
        let position = position(1_505_000_000, PartStat::Tentative, 1, "");
        report.add(&EntityLine {
            name: "Chile",
            kind: "mission",
            is_reached: true,
            is_withdrawn: false,
            silent_since: None,
            is_cut_off: false,
            position: &position,
        });
        let page = report.page(&TimeZone::UTC);
        assert!(page.contains("<svg") && !page.contains("NaN") && !page.contains("inf"), "{page}");
    }
}
