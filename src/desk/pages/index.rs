//! The list of messages, in pages.
//!
//! What: [`index_page`] writes one page in pieces. Everything is readable without scripts; with them there are filters by
//! language, kind and findings, one message of each letter, and a search in which accents do not count.
//! Called by: `io::sandbox`, `command`. Can fail: nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;

use maud::{Markup, PreEscaped, html};

use super::card::Card;
use super::inside::{calendar, findings, frame, lang, plain};
use super::sheet;
use super::view::View;
use super::words::{counted, grouped, href, kind_name, language_name, size};

/// How many cards open on the page itself: 300 letters of some 20 KB are what a browser opens without effort.
pub const INLINE_VIEWS: usize = 300;

/// Search, filters, and letters shown when their card is opened.
const SCRIPT: &str = include_str!("index.js");

/// Where the messages are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Taken by the sandbox; the newest come first.
    Outbox,
    /// Composed to be looked at, in the order of the recipients.
    Preview,
}

/// What stands above the cards.
#[derive(Clone, Debug)]
pub struct Index<'a> {
    /// The event's title, as its organiser writes it.
    pub event_title: &'a str,
    /// Where the messages are from.
    pub origin: Origin,
    /// How many messages there are; more than there are cards when the caller cut the list short.
    pub total: usize,
    /// How the cards were chosen, where they are not all; a sentence.
    pub choice: String,
    /// What is to be looked at in all messages, and in how many; most first.
    pub findings: Vec<(String, usize)>,
    /// Which page of the list this is.
    pub leaf: Leaf,
}

/// One page of a list of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// From 1.
    pub number: usize,
    /// How many pages there are.
    pub of: usize,
    /// Cards on the pages before.
    pub cards_before: usize,
}

impl Leaf {
    /// The only page.
    pub const ONLY: Self = Self { number: 1, of: 1, cards_before: 0 };

    /// The file of page `number`: `index.html`, `index-2.html`.
    pub fn file(number: usize) -> String {
        if number <= 1 { "index.html".to_owned() } else { format!("index-{number}.html") }
    }
}

/// Writes one page of the list, a piece for its head, one for each card and one for its end.
///
/// Of cards beyond the first [`INLINE_VIEWS`] the view is not shown, so the caller may leave it out.
pub fn index_page<'a>(index: &Index<'a>, cards: &'a [Card]) -> impl Iterator<Item = String> + use<'a> {
    // The page is made whole, so that its tags match, and cut where the cards go.
    let page = page(index, cards).into_string();
    let (before, after) = page.split_once(CARDS).expect("the page holds the mark, and values cannot as `<` is escaped");
    let first = index.leaf.cards_before;
    let mut seen = BTreeSet::new();
    let pieces = cards.iter().enumerate().map(move |(place, card)| {
        let is_first = seen.insert((card.kind.as_str(), card.language.as_str(), card.letter.as_str()));
        article(first + place, place, card, is_first).into_string()
    });
    once(before.to_owned()).chain(pieces).chain(once(after.to_owned()))
}

/// Stands in the page where the cards go.
const CARDS: &str = "<!--cards-->";

fn page(index: &Index<'_>, cards: &[Card]) -> Markup {
    let (name, promise) = match index.origin {
        Origin::Outbox => ("Outbox", "Taken by the sandbox: nothing has left this machine."),
        Origin::Preview => ("Preview", "Composed to be looked at: nothing has been sent."),
    };
    let inline = cards.iter().filter(|card| card.view.is_some()).count();
    let body = html! {
        header {
            p.origin { (name) }
            h1 dir="auto" { (index.event_title) }
            p.lead { b { (counted(index.total, "message")) } ". " (promise) }
            @if !index.choice.is_empty() { p.lead { (index.choice) } }
            @else if cards.len() < index.total && index.leaf.of == 1 {
                p.lead { "Listed here are the newest " (grouped(cards.len())) "." }
            }
            @if inline > 0 && cards.len() > inline.min(INLINE_VIEWS) {
                p.lead { "The first " (grouped(inline.min(INLINE_VIEWS))) " open on this page, the others from their files." }
            }
        }
        @if !index.findings.is_empty() {
            section.warnings {
                h2 { "To look at" }
                ul {
                    @for (finding, count) in &index.findings {
                        li { span dir="auto" { (finding) } span.number { (counted(*count, "message")) } }
                    }
                }
            }
        }
        (leaves(index.leaf))
        @if !cards.is_empty() {
            // Without scripts it would do nothing, so the script takes it out.
            search hidden {
                input #find type="search" aria-label="Search" placeholder="Name, entity, address or subject";
                (filter("language", cards, |card| &card.language, language_name))
                (filter("kind", cards, |card| &card.kind, kind_name))
                (looks(cards))
                p #found aria-live="polite" {}
            }
        }
        main { (PreEscaped(CARDS)) }
        (leaves(index.leaf))
    };
    sheet(&format!("{name} · {}", index.event_title), SCRIPT, &body)
}

/// The way to the other pages.
fn leaves(leaf: Leaf) -> Markup {
    html! {
        @if leaf.of > 1 {
            nav.leaves aria-label="Pages of the list" {
                @if leaf.number > 1 { a rel="prev" href=(Leaf::file(leaf.number - 1)) { "Previous" } }
                span { "Page " (grouped(leaf.number)) " of " (grouped(leaf.of)) }
                @if leaf.number < leaf.of { a rel="next" href=(Leaf::file(leaf.number + 1)) { "Next" } }
                @if leaf.number > 1 { a href=(Leaf::file(1)) { "First" } }
                @if leaf.number < leaf.of { a href=(Leaf::file(leaf.of)) { "Last" } }
            }
        }
    }
}

/// How many cards have which value, each a button that leaves only these; nothing where all cards have the same.
fn filter(field: &str, cards: &[Card], value: impl Fn(&Card) -> &str, name: impl Fn(&str) -> &str) -> Markup {
    let mut counts = BTreeMap::new();
    for card in cards {
        let value = value(card);
        let name = if value.is_empty() { "not stated" } else { name(value) };
        *counts.entry((name, value)).or_insert(0_usize) += 1;
    }
    html! {
        @if counts.len() > 1 {
            div.filter role="group" aria-label={ "Filter by " (field) } {
                button type="button" data-field=(field) aria-pressed="true" { "All" span { (grouped(cards.len())) } }
                @for ((name, value), count) in &counts {
                    button type="button" data-field=(field) data-value=(value) aria-pressed="false" {
                        (name)
                        span { (grouped(*count)) }
                    }
                }
            }
        }
    }
}

/// One of each letter, and those with findings.
fn looks(cards: &[Card]) -> Markup {
    let letters: BTreeSet<_> = cards.iter().map(|c| (&c.kind, &c.language, &c.letter)).collect();
    let found = cards.iter().filter(|card| !card.findings.is_empty()).count();
    let button = |value: &str, name: &str, count: usize| {
        html! {
            button type="button" data-field="look" data-value=(value) aria-pressed="false" {
                (name)
                span { (grouped(count)) }
            }
        }
    };
    html! {
        @if (letters.len() > 1 && letters.len() < cards.len()) || found > 0 {
            div.filter role="group" aria-label="Filter by what to look at" {
                button type="button" data-field="look" aria-pressed="true" { "All" span { (grouped(cards.len())) } }
                @if letters.len() > 1 { (button("first", "One of each letter", letters.len())) }
                @if found > 0 { (button("found", "To look at", found)) }
            }
        }
    }
}

fn article(number: usize, place: usize, card: &Card, is_first: bool) -> Markup {
    let row = html! {
        span.place { (grouped(number + 1)) }
        span.who {
            @if !card.name.is_empty() { b dir="auto" { (card.name) } }
            @if !card.entity.is_empty() && card.entity != card.name { span dir="auto" { (card.entity) } }
            bdi.address { @if card.to.is_empty() { "no recipient" } @else { (card.to) } }
            @if !card.cc.is_empty() { bdi.address { "Cc " (card.cc) } }
        }
        span.subject dir="auto" lang=[lang(card)] {
            @if card.subject.is_empty() { "no subject" }
            @else if card.page.is_empty() { (card.subject) }
            @else { a href=(href(&card.page)) { (card.subject) } }
        }
        span.facts {
            @if !card.language.is_empty() { span { (language_name(&card.language)) } }
            @if !card.kind.is_empty() { span { (kind_name(&card.kind)) } }
            span { (size(card.size_octets)) " · " a href=(href(&card.file)) title="Open the message file" { ".eml" } }
        }
    };
    let view = card.view.as_ref().filter(|_| place < INLINE_VIEWS);
    let look = match (is_first, !card.findings.is_empty()) {
        (true, true) => "first found",
        (true, false) => "first",
        (false, true) => "found",
        (false, false) => "",
    };
    html! {
        article data-language=(card.language) data-kind=(card.kind) data-look=(look) {
            @if let Some(view) = view {
                details {
                    summary.row { (row) }
                    div.inside { (inside(card, view)) }
                }
            } @else {
                div.row { (row) }
            }
            (findings(card))
        }
        "\n"
    }
}

fn inside(card: &Card, view: &View) -> Markup {
    html! {
        @if !view.html.is_empty() {
            section.letter {
                h2 { "Letter" }
                // Browsers load frames of closed details too, 300 of them for seconds; inside `noscript` the frame is text
                // until the script takes it out, and without scripts it is a frame.
                noscript { (frame(view)) }
            }
        }
        (calendar(&view.calendar))
        @if !view.text.is_empty() {
            details.text open[view.html.is_empty()] {
                summary { "Plain text" }
                (plain(card, view))
            }
        }
        p.source { a href=(href(&card.file)) { "Message file" } " (" (size(card.size_octets)) "), as it would go out" }
    }
}
