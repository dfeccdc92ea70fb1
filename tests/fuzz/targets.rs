//! One function for each reader of foreign octets: it reads them, and fails where a promise of the reader does not hold.
//!
//! What: nothing may panic, and beyond that what each function says. Not here: who makes the octets, libFuzzer
//! (`fuzz_targets`) or mutated fixtures (`tests/suite/mutation.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use convoke::calendar::{self, Uid};
use convoke::input::event_file::{self, EventFile};
use convoke::input::replies::Source;
use convoke::input::{ColumnMap, Defaults, Import, Item, Sniffer, TableReader};
use convoke::mail::{AddrSpec, EnhancedCode, ReplyReader, masked, masked_in};
use convoke::message::markdown::{self, Style};
use convoke::message::{Library, Sources};
use convoke::people::{Kind, Language};
use convoke::replies::{self, Circumstances, Known, Own, Shaped, Wanted, authenticated_domains, consequence};
use jiff::Timestamp;

const SETTINGS: &str = include_str!("../../convoke.toml");
const LAYOUT: &str = include_str!("../../templates/layout.html.hbs");

static SAMPLE: LazyLock<EventFile> =
    LazyLock::new(|| event_file::read("convoke.toml", SETTINGS).expect("the sample has no problems"));

/// A mail: it is read, and without anything known of it nothing follows. What is read stays within its limits.
pub fn replies(octets: &[u8]) {
    let reading = replies::read(octets);
    assert_ne!(reading.because, replies::BROKEN);
    assert!(reading.reports.len() <= 50, "{} reports", reading.reports.len());
    assert!(reading.traces.addressed_to.len() <= 50, "{} addresses", reading.traces.addressed_to.len());
    let own = Own { event: SAMPLE.event.id.clone(), sender: SAMPLE.sender.address.clone() };
    let mut wanted = Wanted::default();
    wanted.add(&reading, &own);
    let authenticated = authenticated_domains(octets, "mx.host.example");
    let circumstances = Circumstances {
        own: &own,
        end: Timestamp::UNIX_EPOCH,
        authenticated: &authenticated,
        evidence: "",
        received: None,
        now: Timestamp::UNIX_EPOCH,
    };
    let judged = consequence(&reading, &Known::new(Vec::new()), &circumstances);
    assert!(judged.bound.effects.is_empty(), "nobody is known, and something changes: {:?}", judged.bound.effects);
    if let Some(mail) = Shaped::new(octets).mail() {
        mail.parts().for_each(|part| drop(mail.undecoded(part)));
    }
}

/// A calendar: read strictly, every value asked for in every form.
pub fn calendar(octets: &[u8]) {
    let Ok(read) = calendar::parse(octets) else { return };
    let mut open = vec![read.root()];
    while let Some(component) = open.pop() {
        for property in component.properties() {
            // Text without an escape is its own value.
            if let Ok(text) = property.text() {
                assert!(text.len() <= property.value().len());
            }
            let (_, _, _) = (property.instant(), property.number(), property.address());
            let _ = Uid::parse(property.value());
        }
        open.extend(component.components());
    }
}

/// Replies of a relay: however the octets are cut into pieces, the same replies come out of them.
pub fn smtp_reply(octets: &[u8]) {
    let read = |piece: usize| {
        let mut reader = ReplyReader::default();
        let mut replies = Vec::new();
        for octets in octets.chunks(piece) {
            reader.push(octets);
            loop {
                match reader.next_reply() {
                    Ok(Some(reply)) => {
                        assert!((200..=599).contains(&reply.code()));
                        let _ = (reply.enhanced(), reply.is_done());
                        replies.push((reply.code(), reply.lines().to_vec()));
                    }
                    Ok(None) => break,
                    Err(_) => return (replies, true),
                }
            }
        }
        (replies, false)
    };
    assert_eq!(read(1), read(octets.len().max(1)));
    let text = String::from_utf8_lossy(octets);
    let _ = EnhancedCode::at_start(&text);
}

/// Addresses: what is taken prints as it was written, is taken again, and hides when it is masked.
pub fn address(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    for line in text.lines() {
        let _ = Source::parse(line);
        let _ = masked_in(line);
        if let Ok(address) = AddrSpec::parse(line) {
            let again = AddrSpec::parse(address.as_str()).expect("an address is one");
            assert_eq!(address, again);
            assert_eq!(address.as_str(), format!("{}@{}", address.local_part(), address.domain()));
            assert!(!address.as_str().chars().any(char::is_control));
            let _ = (masked(address.as_str()), address.key(), address.is_reserved());
        }
    }
}

/// `convoke.toml`: read whole, or problems with places that are in the file.
pub fn event_file(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    if let Err(problems) = event_file::read("convoke.toml", &text) {
        assert!(!problems.is_empty());
        let lines = text.split('\n').count() as u64;
        for problem in &problems {
            assert!(problem.place.line <= lines + 1, "{problem}");
            let _ = problem.to_string();
        }
    }
}

/// A list of recipients in any encoding: who is accepted can be written to.
pub fn recipients(octets: &[u8]) {
    let mut sniffer = Sniffer::new();
    sniffer.push(octets);
    let dialect = sniffer.finish();
    let _ = dialect.remarks();
    let defaults = Defaults {
        kind: Some(Kind::Individual),
        language: Language::parse("en").expect("a tag"),
        multiline: vec!["notes".to_owned()],
    };
    let source = TableReader::new("list.csv", octets, &dialect);
    let Ok(import) = Import::new(source, &ColumnMap::default(), defaults) else { return };
    for item in import {
        match item {
            Item::Recipient(recipient) => {
                assert!(AddrSpec::parse(recipient.address.as_str()).is_ok());
                let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
                for (name, cell) in &recipient.cells {
                    assert!(!cell.contains(forbidden), "{name} has a control: {cell:?}");
                }
            }
            Item::Refused(problem) => drop(problem.to_string()),
        }
    }
}

/// Markdown, cells in it, and a template: no HTML but ours, cells inert.
pub fn templates(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let style = Style::default();
    if let Ok(rendered) = markdown::render(&text, &style, false) {
        assert!(!rendered.html.to_ascii_lowercase().contains("<script"), "{}", rendered.html);
    }
    let cell = markdown::escape_cell(&text);
    // A cell is never a fault, and never more than its own text.
    let html = markdown::to_html(&format!("a {cell} b"), &style, false).expect("a cell is inert");
    assert!(html.starts_with("<p>") && html.matches('<').count() == 2, "{html}");
    let file = BTreeMap::from([
        ("invitation/default.en.md.hbs".to_owned(), text.into_owned()),
        ("layout.html.hbs".to_owned(), LAYOUT.to_owned()),
    ]);
    let columns: BTreeSet<String> = ["email", "entity", "city"].map(str::to_owned).into();
    if let Err(problems) = Library::load(&Sources::new("templates", file), &SAMPLE, &columns) {
        problems.iter().for_each(|problem| drop(problem.to_string()));
    }
}
