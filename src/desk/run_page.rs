//! The report of a run as a page: to be read, printed, and kept.
//!
//! What: [`run_page`], one file with its style and its chart inside, without scripts; it asks the network for nothing.
//! Standards: HTML, SVG 1.1. Not here: the figures (`desk::run_report`), writing it (`command::report`).
//! Called by: `command::report`. Can fail: nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::chart::rate_chart;
use super::run_report::{Case, Reason, RunReport, Share, Verdicts, grouped, milliseconds, provider};
use super::sheet;
use crate::journal::Standing;

/// The page; times are shown in `zone`.
pub fn run_page(report: &RunReport, zone: &TimeZone) -> String {
    let name = report.run.as_ref().map_or_else(|| "All runs".to_owned(), |run| format!("Run {}", run.number));
    let figures = &report.figures;
    html! {
        (DOCTYPE)
        html lang="en" {
            (sheet::head(&format!("{name} · {}", report.event)))
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
