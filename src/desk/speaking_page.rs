//! The speaking list as the chair reads it: lines for a terminal, a page to print, JSON.
//!
//! What: [`speaking_lines`], [`speaking_page`], [`speaking_json`]. Not here: the order (`journal`), writing it (`command`).
//! Called by: `command::speakers`. Can fail: nothing.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, html};
use serde_json::{Value, json};

use super::{count, sheet};
use crate::calendar::Zone;
use crate::journal::{Slot, SpeakingList};

/// What the list is shown with.
#[derive(Clone, Copy, Debug)]
pub struct SpeakingFrame<'f> {
    /// Of the event.
    pub title: &'f str,
    /// When the first speaker has the floor: wall time of the place.
    pub start: DateTime,
    /// When the event ends.
    pub end: DateTime,
    /// In which times of requests are shown.
    pub zone: &'f Zone,
    /// When the list was made.
    pub made: Timestamp,
}

impl SpeakingFrame<'_> {
    fn time(&self, slot: &Slot) -> String {
        let after = SignedDuration::from_mins(i64::from(slot.after_minutes));
        let at = self.start.checked_add(after).unwrap_or(self.start);
        at.strftime("%H:%M").to_string()
    }

    fn asked(&self, slot: &Slot) -> String {
        self.zone.instant_to_local(slot.asked).strftime("%-d %b %Y %H:%M").to_string()
    }

    /// Minutes that are missing; 0 where everybody fits.
    fn missing(&self, list: &SpeakingList) -> i64 {
        let all = self.end.duration_since(self.start).as_mins();
        (i64::from(list.minutes()) - all).max(0)
    }
}

/// `about` how long, what follows by hand, what does not fit.
fn remarks(list: &SpeakingList, frame: &SpeakingFrame<'_>) -> Vec<String> {
    let n = list.slots.len() as u64;
    let mut remarks = vec![format!(
        "{}, {}, {}",
        count(n, "speaker", "speakers"),
        count(u64::from(list.minutes()), "minute", "minutes"),
        list.order.in_words()
    )];
    match (&list.seed, list.order) {
        (Some(seed), _) => remarks.push(format!("drawn with the seed `{seed}`")),
        (None, crate::input::speaking::Order::Draw) => {
            remarks.push("no lots have been drawn yet: in the order of requests until then".to_owned());
        }
        (None, _) => {}
    }
    let missing = frame.missing(list);
    if missing > 0 {
        remarks.push(format!("{} longer than the whole event", count(missing.unsigned_abs(), "minute", "minutes")));
    }
    if !list.withdrawn.is_empty() {
        remarks.push(format!("withdrawn: {}", list.withdrawn.join(", ")));
    }
    remarks
}

/// For a terminal.
pub fn speaking_lines(list: &SpeakingList, frame: &SpeakingFrame<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let width = list.slots.iter().map(|slot| slot.entity.chars().count()).max().unwrap_or(0).min(60);
    for (slot, number) in list.slots.iter().zip(1..) {
        let who = match (slot.speaker.is_empty(), slot.rank.is_empty()) {
            (true, true) => String::new(),
            (true, false) => format!("  {}", slot.rank),
            (false, true) => format!("  {}", slot.speaker),
            (false, false) => format!("  {} ({})", slot.speaker, slot.rank),
        };
        let moved = if slot.moved.is_empty() { String::new() } else { format!("  [moved: {}]", slot.moved) };
        lines.push(format!(
            "{number:>3}  {}  {:>2} min  {:<width$}{who}{moved}",
            frame.time(slot),
            slot.minutes,
            slot.entity
        ));
    }
    lines.extend(remarks(list, frame));
    lines
}

/// For programs.
pub fn speaking_json(list: &SpeakingList, frame: &SpeakingFrame<'_>) -> Value {
    let slots: Vec<Value> = list
        .slots
        .iter()
        .zip(1..)
        .map(|(slot, number)| {
            json!({
                "position": number, "entity": slot.entity, "speaker": slot.speaker, "rank": slot.rank,
                "class": slot.category.in_words(), "minutes": slot.minutes, "about": frame.time(slot),
                "asked": slot.asked.to_string(), "by": slot.by, "moved": slot.moved,
            })
        })
        .collect();
    json!({
        "order": list.order.as_str(), "seed": list.seed, "minutes": list.minutes(), "speakers": slots,
        "withdrawn": list.withdrawn, "minutes_too_many": frame.missing(list),
    })
}

/// To print and to put before the chair.
pub fn speaking_page(list: &SpeakingList, frame: &SpeakingFrame<'_>) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            (sheet::head(&format!("Speaking list · {}", frame.title)))
            body {
                header {
                    p.origin { "Informal speaking list · " (frame.start.strftime("%-d %B %Y, %H:%M").to_string()) }
                    h1 dir="auto" { (frame.title) }
                }
                section { div.scroll { table {
                    thead { tr { th.n { "No." } th.n { "About" } th { "For" } th { "Speaker" } th.n { "Minutes" } th { "Asked" } } }
                    tbody {
                        @for (slot, number) in list.slots.iter().zip(1..) {
                            tr {
                                td.n { (number) }
                                td.n { (frame.time(slot)) }
                                td.words dir="auto" {
                                    b { (slot.entity) }
                                    @if !slot.moved.is_empty() { div.quiet { "moved: " (slot.moved) } }
                                }
                                td.address dir="auto" {
                                    (slot.speaker)
                                    @if !slot.rank.is_empty() { div.quiet { (slot.rank) } }
                                }
                                td.n { (slot.minutes) }
                                td.quiet { (frame.asked(slot)) @if !slot.by.is_empty() { ", by " (slot.by) } }
                            }
                        }
                        @if list.slots.is_empty() { tr { td colspan="6" { "Nobody has asked for the floor." } } }
                    }
                } } }
                footer {
                    @for remark in remarks(list, frame) { p { (remark) } }
                    p.quiet { "Made " (frame.zone.instant_to_local(frame.made).strftime("%-d %B %Y, %H:%M").to_string()) }
                }
            }
        }
    }
    .into_string()
}
