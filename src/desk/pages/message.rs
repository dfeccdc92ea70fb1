//! One message whole.
//!
//! What: [`message_page`]. Called by: `command` (preview). Can fail: nothing.

use jiff::Timestamp;
use maud::{Markup, html};

use super::card::Card;
use super::inside::{calendar, findings, frame, lang, plain};
use super::sheet;
use super::view::{Part, View};
use super::words::{grouped, href, kind_name, language_name, size};
use crate::desk::difference::{Change, Run, Shown, difference};
use crate::plan::Purpose;

/// Shows the letter on a telephone beside the one on a desktop.
const SCRIPT: &str = include_str!("message.js");

/// What the page of a message shows beside what is in it.
#[derive(Clone, Copy, Debug)]
pub struct MessagePage<'a> {
    /// The event's title, as its organiser writes it.
    pub event_title: &'a str,
    /// The message, with its view; its file relative to this page.
    pub card: &'a Card,
    /// Its place on the list, from 1.
    pub number: usize,
    /// How many messages the list has.
    pub of: usize,
    /// The list, relative to this page.
    pub list: &'a str,
    /// The pages of the messages before and after, relative to this page.
    pub neighbours: (Option<&'a str>, Option<&'a str>),
    /// MAIL FROM and RCPT TO (RFC 5321 section 3.3), where they are known.
    pub envelope: Option<(&'a str, &'a str)>,
    /// The version that is compared with this one.
    pub earlier: Option<&'a Earlier>,
}

/// A version of a message that came before.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// What a person was shown of it.
    pub shown: Shown,
    /// Where it comes from.
    pub whence: Whence,
}

/// Where an earlier version comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// A folder that an earlier preview wrote.
    Folder,
    /// The journal: what its reader was sent last.
    Journal {
        /// Why it was written.
        purpose: Purpose,
        /// Its Date.
        date: Option<Timestamp>,
        /// Whether it could be made again octet for octet. Otherwise the calendar entry is what was sent, and the words around
        /// it are what templates, lists and settings make of them now.
        is_as_sent: bool,
    },
}

/// Writes the page of one message.
pub fn message_page(page: &MessagePage<'_>) -> String {
    let card = page.card;
    let nothing = View::default();
    let view = card.view.as_ref().unwrap_or(&nothing);
    let body = html! {
        nav.leaves aria-label="Messages" {
            a href=(href(page.list)) { "All messages" }
            @if let Some(before) = page.neighbours.0 { a rel="prev" href=(href(before)) { "Previous" } }
            span { (grouped(page.number)) " of " (grouped(page.of)) }
            @if let Some(after) = page.neighbours.1 { a rel="next" href=(href(after)) { "Next" } }
        }
        header {
            p.origin dir="auto" { (page.event_title) }
            h1 dir="auto" lang=[lang(card)] { @if card.subject.is_empty() { "no subject" } @else { (card.subject) } }
            p.lead { "To " b { bdi { (card.name) } } " " bdi { "<" (card.to) ">" } }
            @if !card.cc.is_empty() { p.lead { "Cc " bdi { (card.cc) } } }
            p.lead { (facts(card)) }
        }
        (findings(card))
        @if let Some(earlier) = page.earlier { (changes(card, earlier)) }
        @if !view.html.is_empty() {
            section.widths {
                figure.narrow hidden { figcaption { "On a telephone, 375 pixels wide" } }
                figure.wide { figcaption { "On a desktop, 800 pixels wide" } (frame(view)) }
            }
        }
        div.inside.whole {
            (calendar(&view.calendar))
            @if !view.text.is_empty() {
                section.plain { h2 { "Plain text" } (plain(card, view)) }
            }
        }
        (post(page, view))
    };
    sheet(&format!("{} · {}", card.subject, page.event_title), SCRIPT, &body).into_string()
}

fn facts(card: &Card) -> String {
    let mut facts = Vec::new();
    if !card.entity.is_empty() && card.entity != card.name {
        facts.push(card.entity.clone());
    }
    for name in [kind_name(&card.kind), language_name(&card.language), card.letter.as_str()] {
        if !name.is_empty() {
            facts.push(name.to_owned());
        }
    }
    facts.push(size(card.size_octets));
    facts.join(" · ")
}

/// What the earlier version said otherwise.
fn changes(card: &Card, earlier: &Earlier) -> Markup {
    let found = difference(&earlier.shown, &Shown::of(card));
    let (heading, note) = earlier.whence.in_words();
    let is_changed = |runs: &[Run]| runs.iter().any(|run| run.change != Change::Kept);
    html! {
        section.changes {
            h2 { (heading) }
            @if !note.is_empty() { p.note { (note) } }
            @if found.is_none() {
                p { "None: subject, text and calendar entry are as they were." }
            } @else {
                dl {
                    @if is_changed(&found.subject) { dt { "Subject" } dd dir="auto" { (marked(&found.subject)) } }
                    @for change in &found.calendar { dt { (change.name) } dd dir="auto" { (marked(&excerpt(&change.runs))) } }
                }
                @if is_changed(&found.text) {
                    pre dir="auto" lang=[lang(card)] { (marked(&excerpt(&found.text))) }
                }
            }
        }
    }
}

impl Whence {
    /// A heading, and what is to be known of the version; that may be nothing.
    fn in_words(self) -> (String, &'static str) {
        let Self::Journal { purpose, date, is_as_sent } = self else {
            return ("Changes since the earlier version".to_owned(), "");
        };
        let of = date.map(|date| format!(" of {}", date.strftime("%-d %B %Y, %H:%M UTC"))).unwrap_or_default();
        let note = match is_as_sent {
            true => "That message was made again out of the journal, octet for octet as it was sent.",
            false => {
                "Its calendar entry is as it was sent. Templates, lists or settings have changed since, so the letter that is \
                 compared here is what they make of it today."
            }
        };
        (format!("Changes since what this reader was sent last: the {purpose}{of}"), note)
    }
}

/// Lines that are shown before and after what changed.
const LINES_AROUND: usize = 3;

/// The runs without the middle of long pieces that did not change.
fn excerpt(runs: &[Run]) -> Vec<Run> {
    let last = runs.len().saturating_sub(1);
    let shortened = |(place, run): (usize, &Run)| {
        let lines: Vec<&str> = run.words.split_inclusive('\n').collect();
        // At the ends of the text there is a change on one side only.
        let (before, after) = (if place == 0 { 0 } else { LINES_AROUND }, if place == last { 0 } else { LINES_AROUND });
        if run.change != Change::Kept || lines.len() <= before + after + 1 {
            return run.clone();
        }
        let (head, tail) = (lines[..before].concat(), lines[lines.len() - after..].concat());
        Run { change: Change::Kept, words: format!("{head}[…]\n{tail}") }
    };
    runs.iter().enumerate().map(shortened).collect()
}

fn marked(runs: &[Run]) -> Markup {
    html! {
        @for run in runs {
            @match run.change {
                Change::Kept => { (run.words) }
                Change::Added => { ins { (run.words) } }
                Change::Removed => { del { (run.words) } }
            }
        }
    }
}

/// How it travels: envelope, links, headers and parts.
fn post(page: &MessagePage<'_>, view: &View) -> Markup {
    html! {
        section.post {
            @if let Some((from, to)) = page.envelope {
                h2 { "Envelope" }
                dl { dt { "MAIL FROM" } dd { bdi { (from) } } dt { "RCPT TO" } dd { bdi { (to) } } }
            }
            @if !view.links.is_empty() {
                h2 { "Links" }
                // As text: a click here would go where the letter goes.
                ul.links { @for link in &view.links { li { bdi { (link) } } } }
            }
            @if !view.parts.is_empty() {
                h2 { "Parts" }
                div.scroll { table {
                    thead { tr { th { "Type" } th { "Encoding" } th { "Decoded" } th { "In the file" } } }
                    tbody { @for part in &view.parts { (row(part)) } }
                } }
            }
            details {
                summary { "Headers as they stand" }
                pre.raw dir="ltr" { (view.headers) }
            }
            p.source {
                a href=(href(&page.card.file)) { "Message file" } " (" (size(page.card.size_octets)) "), as it would go out"
            }
        }
    }
}

fn row(part: &Part) -> Markup {
    html! {
        tr {
            td style={ "padding-left:" (part.depth.min(8) * 22) "px" } {
                bdi { (part.media_type) }
                @if !part.name.is_empty() { " " bdi.address { (part.name) } }
                @if part.is_attachment { " " span.address { "attachment" } }
            }
            td { (part.encoding) }
            td { @if let Some(octets) = part.octets { (size(octets)) } }
            td { (size(part.wire_octets)) }
        }
    }
}
