//! The pages on which a person looks at messages before, or in place of, sending them.
//!
//! What: [`Card`] is what a page shows of a message and [`card_from_eml`] reads one out of a message file; [`index_page`]
//! writes the list in pieces (counts, filters, a search, a card for each message), [`message_page`] one message whole: the
//! letter as telephones and desktops show it, the calendar entry in words, the plain text, the difference to an earlier
//! version, envelope, links and parts. [`printed`] is the same for a terminal.
//! Standards: RFC 5322 and RFC 2045 (read with mail-parser), RFC 5545 (read with `calendar`).
//! Not here: files and folders; whether a message is right (`message` and `calendar` judge that before it is shown). The
//! pages need no server: they are opened from disk, ask the network for nothing, and messages on them cannot run scripts.
//! Called by: `io::sandbox` (the outbox) and `command` (preview).
//! Can fail: nothing. What cannot be read is shown as empty.

mod calendar;
mod card;
mod findings;
mod index;
mod inside;
mod message;
mod printed;
mod view;
mod words;

pub use card::{Card, card_from_eml};
pub use findings::findings;
pub use index::{INLINE_VIEWS, Index, Leaf, Origin, index_page};
pub use message::{Earlier, MessagePage, Whence, message_page};
pub use printed::printed;
pub use view::{Fact, Part, View};

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// A whole page around `body`. Its one script is named by its digest: nothing that slipped into the page could run beside
/// it. Frames may show what stands in the page and go nowhere else, so that no link in a letter is followed by mistake.
fn sheet(title: &str, script: &str, body: &Markup) -> Markup {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src about:; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        BASE64.encode(&Sha256::digest(script))
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                script { (PreEscaped(script)) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
