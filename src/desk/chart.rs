//! Attempts over time, drawn as stacked bars.
//!
//! What: [`rate_chart`], inline SVG with labelled axes, coloured by the page's style; [`nice_step`].
//! Standard: SVG 1.1. Not here: the page around it. Called by: `desk::run_page`. Can fail: nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::run_report::{Figures, Span, Verdicts, grouped, round_width_ms};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 46.0;

/// A step of 1, 2 or 5 times a power of ten that divides `most` into five parts at the most.
pub fn nice_step(most: u64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = power * factor;
            if most <= step * 5 {
                return step;
            }
        }
        power *= 10;
    }
}

/// The words for a bucket's width: `0.5 s`, `30 s`, `5 min`, `2 h`, `1 day`.
pub fn width_in_words(ms: i64) -> String {
    match ms {
        ..1000 => format!("{:.1} s", ms as f64 / 1000.0),
        1000..60_000 => format!("{} s", ms / 1000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..86_400_000 => format!("{} h", ms / 3_600_000),
        86_400_000..172_800_000 => "day".to_owned(),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// The time under a bar: as much of it as the width of the bars needs.
fn label(span: Span, at_ms: i64, width_ms: i64, zone: &TimeZone) -> String {
    if width_ms < 1000 {
        return format!("{:.1} s", (at_ms - span.first_ms) as f64 / 1000.0);
    }
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return String::new() };
    let format = match width_ms {
        ..60_000 => "%H:%M:%S",
        60_000..3_600_000 => "%H:%M",
        3_600_000..86_400_000 => "%e %b %H:%M",
        _ => "%e %b %Y",
    };
    at.to_zoned_datetime(zone.clone()).strftime(format).to_string().trim().to_owned()
}

/// Parts of a bar from the bottom up: the page's class and how many.
fn parts(v: &Verdicts) -> [(&'static str, u64); 4] {
    [("accepted", v.accepted), ("deferred", v.deferred), ("refused", v.refused), ("doubt", v.in_doubt)]
}

/// The chart; nothing where nothing was attempted.
pub fn rate_chart(figures: &Figures, zone: &TimeZone) -> Markup {
    let Some(span) = figures.span else { return html! {} };
    let width_ms = figures.bucket_ms.max(1);
    let begins_ms = span.begins_ms(width_ms);
    let bars = (span.last_ms - begins_ms) / width_ms + 1;
    let most = figures.buckets.iter().map(|b| b.verdicts.attempts).max().unwrap_or(1).max(1);
    let step = nice_step(most);
    let top = most.div_ceil(step) * step;
    let (inner_width, inner_height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let slot = inner_width / bars as f64;
    // Bars of a short run would be as wide as the page.
    let bar_width = (slot * 0.82).clamp(1.0, 46.0);
    let y = |n: u64| TOP + inner_height - inner_height * n as f64 / top as f64;
    let x = |place: f64| LEFT + slot * place;
    // Labels of 110 units have room beside each other; they stand at multiples of their own distance.
    let every_ms = round_width_ms(bars * width_ms, (inner_width / 110.0) as i64).max(width_ms);
    let from_ms = if width_ms < 1000 { 0 } else { (every_ms - begins_ms.rem_euclid(every_ms)) % every_ms };
    let labels = (from_ms..bars * width_ms).step_by(usize::try_from(every_ms).unwrap_or(usize::MAX));
    let words = width_in_words(width_ms);
    let summary = format!("Attempts in each {words}, at most {}", grouped(most));
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(summary) {
            text.axis x=(LEFT - 8.0) y="14" text-anchor="start" dx="-44" { "attempts in each " (words) }
            @for n in (0..=top / step).map(|i| i * step) {
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y(n))) y2=(fixed(y(n))) {}
                text.axis x=(LEFT - 10.0) y=(fixed(y(n) + 4.0)) text-anchor="end" { (grouped(n)) }
            }
            @for bucket in &figures.buckets {
                @let middle = x(bucket.place as f64 + 0.5);
                g {
                    title {
                        (label(span, begins_ms + bucket.place as i64 * width_ms, width_ms, zone)) ": "
                        (grouped(bucket.verdicts.accepted)) " taken, " (grouped(bucket.verdicts.deferred)) " deferred, "
                        (grouped(bucket.verdicts.refused)) " refused, " (grouped(bucket.verdicts.in_doubt)) " in doubt"
                    }
                    @for (class, below, n) in stacked(&bucket.verdicts) {
                        rect class=(class) x=(fixed(middle - bar_width / 2.0)) width=(fixed(bar_width))
                            y=(fixed(y(below + n))) height=(fixed(y(below) - y(below + n))) {}
                    }
                }
            }
            line.base x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y(0))) y2=(fixed(y(0))) {}
            @for since_ms in labels {
                @let at = fixed(x(since_ms as f64 / width_ms as f64));
                line.base x1=(at) x2=(at) y1=(fixed(y(0))) y2=(fixed(y(0) + 5.0)) {}
                text.axis x=(at) y=(HEIGHT - BOTTOM + 20.0) text-anchor=(if since_ms == 0 { "start" } else { "middle" }) {
                    (label(span, begins_ms + since_ms, width_ms, zone))
                }
            }
            text.axis x=(WIDTH - RIGHT) y=(HEIGHT - 4.0) text-anchor="end" {
                @if width_ms < 1000 { "since the first attempt" } @else { "time (" (zone_name(zone, span)) ")" }
            }
        }
    }
}

/// Class, what lies below, and how many, for the parts that are there.
fn stacked(verdicts: &Verdicts) -> Vec<(&'static str, u64, u64)> {
    let mut below = 0;
    parts(verdicts)
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(class, n)| {
            let part = (class, below, n);
            below += n;
            part
        })
        .collect()
}

fn zone_name(zone: &TimeZone, span: Span) -> String {
    Timestamp::from_millisecond(span.first_ms)
        .map(|at| at.to_zoned_datetime(zone.clone()).strftime("%Z").to_string())
        .unwrap_or_default()
}

pub(super) fn fixed(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{nice_step, rate_chart, width_in_words};
    use crate::desk::run_report::{Figures, tests::report};

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!([1, 5, 6, 10, 11, 26, 99, 1_234].map(nice_step), [1, 1, 2, 2, 5, 10, 20, 500]);
        for most in 1..5_000 {
            assert!(most <= nice_step(most) * 5);
        }
    }

    #[test]
    fn widths_are_said_as_people_say_them() {
        assert_eq!(
            [500, 30_000, 300_000, 7_200_000, 86_400_000, 604_800_000].map(width_in_words),
            ["0.5 s", "30 s", "5 min", "2 h", "day", "7 days"]
        );
    }

    #[test]
    fn every_bucket_has_its_bar_and_the_axes_their_words() {
        let svg = rate_chart(&report().figures, &TimeZone::UTC).into_string();
        assert_eq!(svg.matches("<g>").count(), 50);
        assert!(svg.contains("attempts in each 0.5 s") && svg.contains("since the first attempt"), "{svg}");
        assert!(svg.contains("class=\"refused\"") && !svg.contains("NaN"), "{svg}");
        assert_eq!(rate_chart(&Figures::default(), &TimeZone::UTC).into_string(), "");
    }
}
