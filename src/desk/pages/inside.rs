//! What is inside a message, as sections that the list and the page of a message share.
//!
//! Called by: `index`, `message`. Can fail: nothing.

use maud::{Markup, html};

use super::card::Card;
use super::view::{Fact, View};

pub(super) fn lang(card: &Card) -> Option<&str> {
    Some(card.language.as_str()).filter(|tag| !tag.is_empty())
}

/// The letter in a frame. `sandbox` with no word in it: no scripts, no forms, no way out of the frame; what stands in
/// `srcdoc` is under the page's policy as well.
pub(super) fn frame(view: &View) -> Markup {
    html! { iframe sandbox="" title="The letter as a mail program shows it" srcdoc=(view.html) {} }
}

pub(super) fn calendar(facts: &[Fact]) -> Markup {
    html! {
        @if !facts.is_empty() {
            section.calendar {
                h2 { "Calendar entry" }
                dl {
                    @for (name, value) in facts {
                        dt { (name) }
                        dd dir="auto" { (value) }
                    }
                }
            }
        }
    }
}

pub(super) fn plain(card: &Card, view: &View) -> Markup {
    html! { pre dir="auto" lang=[lang(card)] { (view.text) } }
}

pub(super) fn findings(card: &Card) -> Markup {
    html! {
        @if !card.findings.is_empty() {
            ul.findings {
                @for finding in &card.findings { li dir="auto" { (finding) } }
            }
        }
    }
}
