//! The report of a run as a page: to be read, printed, and kept.
//!
//! What: [`run_page`], one file with its style and its chart inside, without scripts; it asks the network for nothing.
//! Standards: HTML, SVG 1.1. Not here: the figures (`desk::run_report`), writing it (`command::report`).
//! Called by: `command::report`. Can fail: nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::rate_chart;
use super::run_report::{Case, Reason, RunReport, Share, Verdicts, grouped, milliseconds, provider};
use crate::journal::Standing;

/// The page; times are shown in `zone`.
pub fn run_page(report: &RunReport, zone: &TimeZone) -> String {
    let name = report.run.as_ref().map_or_else(|| "All runs".to_owned(), |run| format!("Run {}", run.number));
    let figures = &report.figures;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (name) " · " (report.event) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.origin { (name) " · " (when(report, zone)) }
                    h1 dir="auto" { (report.event) }
                    div.lead { @for sentence in report.sentences() { p { (sentence) } } }
                }
                main {
                    (tiles(figures.totals))
                    @if figures.totals.attempts > 0 {
                        section {
                            h2 { "Over time" }
                            figure { (rate_chart(figures, zone)) (legend(figures.totals)) }
                        }
                        (reasons(report))
                        section {
                            h2 { "How fast" }
                            (latency(report))
                            (shares("Relay", &figures.relays, false))
                        }
                        section {
                            h2 { "Where to" }
                            (shares("Recipient domain", &figures.domains, true))
                            @if figures.domain_count > figures.domains.len() as u64 {
                                p.note {
                                    (grouped(figures.domain_count - figures.domains.len() as u64)) " more domains, each with "
                                    "no more attempts than the last one here."
                                }
                            }
                        }
                        (cases("In doubt", "Ask them whether it arrived, then decide with convoke settle.", report,
                               &figures.doubts, figures.totals.in_doubt))
                        (cases("Refused", "The relay will not take these messages.", report, &figures.refused,
                               figures.totals.refused))
                    }
                    (settings(report))
                }
                footer {
                    p {
                        "Taken means that the relay accepted the message; what became of it afterwards is not known here."
                        @if !report.addresses { " Addresses are masked; convoke report --addresses shows them." }
                    }
                    p { "Made " (moment(report.made, zone)) " from the journal by convoke " (env!("CARGO_PKG_VERSION")) "." }
                }
            }
        }
    }
    .into_string()
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%-d %B %Y, %H:%M:%S %Z").to_string()
}

fn when(report: &RunReport, zone: &TimeZone) -> String {
    let span = report.figures.span.and_then(|span| Timestamp::from_millisecond(span.first_ms).ok());
    let begun = report.run.as_ref().map(|run| run.started).or(span);
    begun.map_or_else(|| "never".to_owned(), |at| moment(at, zone))
}

fn tiles(totals: Verdicts) -> Markup {
    html! {
        div.tiles {
            @for (class, n, words) in [
                ("accepted", totals.accepted, "taken by the relay"),
                ("deferred", totals.deferred, "put off"),
                ("refused", totals.refused, "refused for good"),
                ("doubt", totals.in_doubt, "in doubt"),
            ] {
                div.tile.(class).none[n == 0] { b { (grouped(n)) } span { (words) } }
            }
        }
    }
}

fn legend(totals: Verdicts) -> Markup {
    html! {
        figcaption {
            @for (class, n, words) in [
                ("accepted", totals.accepted, "taken"),
                ("deferred", totals.deferred, "put off"),
                ("refused", totals.refused, "refused"),
                ("doubt", totals.in_doubt, "in doubt"),
            ] {
                @if n > 0 { span.key.(class) { (words) } }
            }
        }
    }
}

fn latency(report: &RunReport) -> Markup {
    html! {
        @if let Some(latency) = report.figures.latency {
            dl.latency {
                div { dt { "Median" } dd { (milliseconds(latency.median_ms)) } }
                div { dt { "19 of 20 within" } dd { (milliseconds(latency.p95_ms)) } }
                div { dt { "Longest" } dd { (milliseconds(latency.max_ms)) } }
            }
            p.note { "From taking a message in hand to the relay's yes after the final dot." }
        }
    }
}

fn shares(heading: &str, shares: &[Share], of_domains: bool) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { (heading) }
                @if of_domains { th { "Provider" } }
                th.n { "Attempts" } th.n { "Taken" } th.n { "Put off" } th.n { "Refused" } th.n { "In doubt" }
                th.n { "Median" }
            } }
            tbody {
                @for share in shares {
                    @let v = share.verdicts;
                    tr {
                        td { @if share.name.is_empty() { "not recorded" } @else { (share.name) } }
                        @if of_domains { td.quiet { (provider(&share.name)) } }
                        td.n { (grouped(v.attempts)) }
                        (number(v.accepted, "accepted")) (number(v.deferred, "deferred")) (number(v.refused, "refused"))
                        (number(v.in_doubt, "doubt"))
                        td.n { @if let Some(ms) = share.median_ms { (milliseconds(ms)) } @else { span.zero { "–" } } }
                    }
                }
            }
        } }
    }
}

fn number(n: u64, class: &str) -> Markup {
    html! { td.n { @if n == 0 { span.zero { "–" } } @else { span.(class) { (grouped(n)) } } } }
}

fn class_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Deferred => "deferred",
        Standing::InDoubt => "doubt",
        Standing::Failed | Standing::Bounced => "refused",
        Standing::Sent
        | Standing::Ready
        | Standing::Claimed
        | Standing::Armed
        | Standing::Held
        | Standing::Cancelled
        | Standing::Suppressed => "accepted",
    }
}

fn reasons(report: &RunReport) -> Markup {
    let row = |reason: &Reason| {
        html! {
            tr {
                td { span.mark.(class_of(reason.standing)) { (reason.standing) } }
                td.n { (grouped(reason.attempts)) }
                td.code {
                    @if reason.code > 0 { (reason.code) }
                    @if !reason.enhanced.is_empty() { " " (reason.enhanced) }
                    @if reason.code == 0 { span.zero { "no reply" } }
                }
                td.quiet { (reason.phase) @if !reason.scope.is_empty() { ", " (reason.scope) } }
                td.words dir="auto" { (report.words(&reason.words)) }
            }
        }
    };
    html! {
        @if !report.figures.reasons.is_empty() {
            section {
                h2 { "Why not" }
                div.scroll { table {
                    thead { tr {
                        th { "Outcome" } th.n { "Attempts" } th { "Code" } th { "Where, whose fault" } th { "In the relay's words" }
                    } }
                    tbody { @for reason in &report.figures.reasons { (row(reason)) } }
                } }
            }
        }
    }
}

fn cases(heading: &str, advice: &str, report: &RunReport, cases: &[Case], total: u64) -> Markup {
    html! {
        @if !cases.is_empty() {
            section {
                h2 { (heading) }
                p.note { (advice) }
                div.scroll { table {
                    thead { tr { th { "Entity" } th { "Mailbox" } th { "In the relay's words" } th { "Now" } } }
                    tbody {
                        @for case in cases {
                            tr {
                                td dir="auto" { (case.entity) }
                                td.address { bdi { (report.address(&case.address)) } }
                                td.words dir="auto" { (report.words(&case.words)) }
                                td.quiet { (case.now) }
                            }
                        }
                    }
                } }
                @if total > cases.len() as u64 {
                    p.note { "The first " (grouped(cases.len() as u64)) " of " (grouped(total)) "; convoke export has every one." }
                }
            }
        }
    }
}

fn settings(report: &RunReport) -> Markup {
    let Some(settings) = report.run.as_ref().and_then(|run| run.settings.as_object()) else { return html! {} };
    let words = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(all) => {
            all.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let shown: Vec<_> = settings.iter().filter(|(_, v)| !v.is_null() && !words(v).is_empty()).collect();
    html! {
        @if !shown.is_empty() {
            section.settings {
                h2 { "Settings of the run" }
                dl { @for (name, value) in shown { div { dt { (name.replace('_', " ")) } dd { (words(value)) } } } }
            }
        }
    }
}

/// Of all reports.
pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --page: #f1eee8; --sheet: #fdfcf9; --rule: #ddd8cc; --firm: #c9c3b6; --ink: #23272e;
  --quiet: #626973; --title: #1c2f4a; --wash: #f5f2eb; --accepted: #2f6690; --deferred: #b7791f; --refused: #b3392f;
  --doubt: #7a4fa0;
  --serif: Georgia, 'Times New Roman', 'Noto Serif', 'DejaVu Serif', serif;
  --sans: 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans Arabic', 'PingFang SC', 'Noto Sans CJK SC', sans-serif; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15181d; --sheet: #1e2228; --rule: #343a44; --firm: #454c58; --ink: #dcdfe4; --quiet: #a4abb6;
    --title: #c6d6ec; --wash: #232830; --accepted: #7fb2dd; --deferred: #e0ab55; --refused: #ee8278; --doubt: #c09be0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 48px 24px 72px; background: var(--page); color: var(--ink);
  font: 15px/1.5 var(--sans); }
header { margin: 0 0 28px; }
.origin { margin: 0 0 10px; color: var(--quiet); font-size: 13px; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: 0 0 16px; padding-bottom: 18px; border-bottom: 1px solid var(--firm); color: var(--title);
  font: 29px/1.3 var(--serif); text-wrap: balance; }
.lead p { margin: 0 0 4px; max-width: 60em; }
.lead p:first-child { font-size: 17px; color: var(--title); }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 0 0 24px; }
.tile { padding: 14px 18px 12px; border: 1px solid var(--rule); border-top: 3px solid currentColor; background: var(--sheet); }
.tile b { display: block; font: 30px/1.2 var(--serif); font-variant-numeric: lining-nums; }
.tile span { color: var(--quiet); font-size: 14px; }
.tile.none { color: var(--firm); }
.tile.none b { color: var(--quiet); }
.accepted { color: var(--accepted); fill: var(--accepted); } .deferred { color: var(--deferred); fill: var(--deferred); }
.refused { color: var(--refused); fill: var(--refused); } .doubt { color: var(--doubt); fill: var(--doubt); }
section { margin: 0 0 24px; padding: 18px 22px 20px; border: 1px solid var(--rule); background: var(--sheet); }
h2 { margin: 0 0 12px; color: var(--title); font: 600 19px/1.3 var(--serif); }
figure { margin: 0; overflow-x: auto; }
.chart { display: block; width: 100%; min-width: 600px; height: auto; font: 12px var(--sans); }
.axis { fill: var(--quiet); } .grid { stroke: var(--rule); } .base { stroke: var(--firm); }
figcaption { margin-top: 6px; }
.key { margin-right: 18px; font-size: 14px; } .key::before { content: ''; display: inline-block; width: 11px; height: 11px;
  margin-right: 7px; background: currentColor; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--firm); color: var(--quiet); font-weight: 600; font-size: 13px;
  text-align: left; vertical-align: bottom; white-space: nowrap; }
td { padding: 7px 10px 7px 0; border-bottom: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere; }
tr > :last-child { padding-right: 0; } tbody tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n:not(:last-child), td.n:not(:last-child) { padding-right: 18px; }
.zero { color: var(--quiet); opacity: .7; } .quiet { color: var(--quiet); } .code { font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { min-width: 9em; } .mark { white-space: nowrap; font-weight: 600; } .words { min-width: 16em; } .address { min-width: 11em; }
.note { margin: 0 0 12px; color: var(--quiet); font-size: 14px; } .scroll + .note { margin: 12px 0 0; }
dl { display: flex; flex-wrap: wrap; gap: 10px 42px; margin: 0; } dt { color: var(--quiet); font-size: 13px; }
dd { margin: 0; overflow-wrap: anywhere; } .latency { margin-bottom: 8px; }
.latency dd { font: 22px/1.3 var(--serif); font-variant-numeric: lining-nums; color: var(--title); }
footer { color: var(--quiet); font-size: 13px; } footer p { margin: 0 0 4px; }
@media (max-width: 640px) { body { padding: 24px 12px 48px; } .tiles { grid-template-columns: 1fr 1fr; }
  section { padding: 14px 14px 16px; } }
@media print { :root { --page: #fff; --sheet: #fff; } body { max-width: none; padding: 0; font-size: 10.5pt; }
  section { break-inside: avoid-page; padding: 12px 0; border-width: 1px 0 0; margin-bottom: 8px; } .scroll { overflow: visible; }
  tr { break-inside: avoid; } thead { display: table-header-group; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
";

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::run_page;
    use crate::desk::run_report::{Figures, RunReport, tests::report};

    #[test]
    fn the_page_names_who_needs_something_and_hides_whose_mailbox() {
        let page = run_page(&report(), &TimeZone::UTC);
        for part in [
            "1,204 mailboxes of 801 entities reached",
            "In doubt",
            "l…@y.example",
            "g…@x.example",
            "Google",
            "75 more domains",
            "41 ms",
            "main (mx.example:465)",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("gone@") && !page.contains("late.answer"), "addresses are masked");
        let whole = run_page(&RunReport { addresses: true, ..report() }, &TimeZone::UTC);
        assert!(whole.contains("late.answer@y.example"));
    }

    #[test]
    fn what_others_wrote_stays_text_and_nothing_is_fetched() {
        let page = run_page(&report(), &TimeZone::UTC);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        assert!(page.contains("Crimes &amp; &lt;i&gt;courts&lt;/i&gt;") && !page.contains("<b>Y</b>"));
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn an_empty_run_is_a_page_too() {
        let page = run_page(&RunReport { figures: Figures::default(), run: None, ..report() }, &TimeZone::UTC);
        assert!(page.contains("Nothing was attempted.") && !page.contains("<svg"));
    }
}
