//! The pages, their escaping, and what is read out of messages for them.

use jiff::Timestamp;

use super::calendar::calendar_facts;
use super::words::{grouped, href, size};
use super::{
    Card, Earlier, INLINE_VIEWS, Index, Leaf, MessagePage, Origin, Part, View, Whence, card_from_eml, findings,
    index_page, message_page, printed,
};
use crate::calendar::Zone;
use crate::desk::difference::Shown;
use crate::plan::Purpose;

const HOSTILE: &str = "</iframe></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;<!--cards-->";

/// The head of an outbox's list.
fn head(event_title: &str, total: usize) -> Index<'_> {
    let (choice, findings) = (String::new(), Vec::new());
    Index { event_title, origin: Origin::Outbox, total, choice, findings, leaf: Leaf::ONLY }
}

fn page(cards: &[Card], total: usize) -> String {
    index_page(&head("Title", total), cards).collect()
}

fn hostile_card(text: &str) -> Card {
    let hostile = || text.to_owned();
    let view = View {
        html: hostile(),
        text: hostile(),
        calendar: vec![("What", hostile())],
        headers: hostile(),
        parts: vec![Part { media_type: hostile(), name: hostile(), ..Part::default() }],
        links: vec![hostile()],
    };
    Card {
        to: hostile(),
        name: hostile(),
        cc: hostile(),
        entity: hostile(),
        kind: hostile(),
        language: hostile(),
        subject: hostile(),
        letter: hostile(),
        findings: vec![hostile()],
        size_octets: 1,
        file: format!("javascript:{text}"),
        page: format!("javascript:{text}"),
        view: Some(view),
    }
}

/// No tag, comment or attribute of a hostile text has come to life.
fn is_tame(page: &str) {
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1), "only ours");
    assert_eq!(page.matches("<iframe").count(), 1);
    assert_eq!(page.matches("</iframe>").count(), 1);
    assert_eq!(page.matches("</style").count(), 1);
    for tag in ["<img", "<!--", "<base", "<svg"] {
        assert_eq!(page.matches(tag).count(), 0, "{tag}");
    }
    assert!(page.contains("href=\"javascript%3A"));
    // In an attribute a quotation mark would be the way out: without them, no tag holds an attribute of another's making.
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()).filter(|tag| !tag.starts_with("style"))
    {
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains("onerror") && !outside.contains("srcdoc=x"), "{tag}");
    }
    assert!(page.contains("srcdoc=\"") && page.ends_with("</script></body></html>"));
}

#[test]
fn escapes_everything_that_a_message_says() {
    let texts = [
        HOSTILE,
        "\" srcdoc=x onerror=\"alert(1)",
        "' onerror=alert(1) '",
        "</style><svg/onload=x>",
        "<base href=x>",
        "\u{202e}<img src=x>",
    ];
    for text in texts {
        let card = hostile_card(text);
        let mut index = head(text, 1);
        index.choice = text.to_owned();
        index.findings = vec![(text.to_owned(), 1)];
        is_tame(&index_page(&index, std::slice::from_ref(&card)).collect::<String>());
        let earlier =
            Shown { subject: "old".to_owned(), text: text.repeat(2), calendar: vec![("Where", text.to_owned())] };
        let page = message_page(&MessagePage {
            event_title: text,
            card: &card,
            number: 1,
            of: 1,
            list: &format!("javascript:{text}"),
            neighbours: (Some(&format!("javascript:{text}")), None),
            envelope: Some((text, text)),
            earlier: Some(&of_folder(earlier)),
        });
        is_tame(&page);
    }
}

#[test]
fn frames_and_page_are_closed_to_scripts_and_the_network() {
    let card = Card { view: Some(View { html: "a".to_owned(), ..View::default() }), ..Card::default() };
    let list = page(std::slice::from_ref(&card), 1);
    assert!(list.contains("<noscript><iframe sandbox=\"\" "));
    for page in [list, whole(&card, None)] {
        let policy = page.split("Content-Security-Policy\" content=\"").nth(1).and_then(|rest| rest.split('"').next());
        let policy = policy.expect("a policy");
        assert!(policy.starts_with("default-src 'none';") && policy.contains("script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("http") && page.contains("<iframe sandbox=\"\" "), "{policy}");
    }
}

fn of_folder(shown: Shown) -> Earlier {
    Earlier { shown, whence: Whence::Folder }
}

fn whole(card: &Card, earlier: Option<&Earlier>) -> String {
    message_page(&MessagePage {
        event_title: "Gala",
        card,
        number: 2,
        of: 3,
        list: "../index.html",
        neighbours: (Some("000001.html"), Some("000003.html")),
        envelope: Some(("bounces@x.example", "un@m.example")),
        earlier,
    })
}

#[test]
fn a_message_is_shown_whole() {
    let mut card = card_from_eml("../1.eml", MESSAGE.as_bytes(), None);
    card.letter = "invitation/mission.ar".to_owned();
    let page = whole(&card, None);
    for part in [
        "srcdoc=\"&lt;p&gt;letter&lt;/p&gt;",
        "<dt>MAIL FROM</dt><dd><bdi>bounces@x.example</bdi>",
        "<dt>What</dt><dd dir=\"auto\">What</dd>",
        "<bdi>text/calendar; charset=utf-8; method=REQUEST</bdi>",
        "invitation/mission.ar",
        "Content-Language: ar",
        "href=\"../1.eml\"",
        "rel=\"prev\" href=\"000001.html\"",
        "2 of 3",
        "lang=\"ar\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("Changes since"));
}

#[test]
fn an_earlier_version_is_compared() {
    let card = card_from_eml("1", MESSAGE.as_bytes(), None);
    assert!(
        whole(&card, Some(&of_folder(Shown::of(&card))))
            .contains("None: subject, text and calendar entry are as they were.")
    );
    let mut earlier = Shown::of(&card);
    "simple".clone_into(&mut earlier.text);
    earlier.calendar[0].1 = "Gala".to_owned();
    let page = whole(&card, Some(&of_folder(earlier)));
    assert!(page.contains("<dt>What</dt><dd dir=\"auto\"><del>Gala</del><ins>What</ins></dd>"), "{page}");
    assert!(page.contains("<del>simple</del><ins>plain</ins>"), "{page}");
}

#[test]
fn a_version_out_of_the_journal_says_what_it_is() {
    let card = card_from_eml("1", MESSAGE.as_bytes(), None);
    let date = Timestamp::from_second(0).ok();
    let of = |is_as_sent| {
        let whence = Whence::Journal { purpose: Purpose::Invitation, date, is_as_sent };
        whole(&card, Some(&Earlier { shown: Shown::of(&card), whence }))
    };
    assert!(of(true).contains("what this reader was sent last: the invitation of 1 January 1970, 00:00 UTC"));
    assert!(of(true).contains("octet for octet") && !of(true).contains("have changed since"));
    assert!(of(false).contains("Templates, lists or settings have changed since") && !of(false).contains("octet for"));
}

#[test]
fn what_did_not_change_is_cut_short() {
    let mut card = card_from_eml("1", MESSAGE.as_bytes(), None);
    let lines =
        |what: &str| (0..30).map(|n| if n == 15 { what.to_owned() } else { format!("line {n}\n") }).collect::<String>();
    let earlier = Shown { text: lines("at three\n"), ..Shown::of(&card) };
    card.view.as_mut().expect("a view").text = lines("at four\n");
    let page = whole(&card, Some(&of_folder(earlier)));
    let part = page.split("Changes since").nth(1).and_then(|rest| rest.split("</section>").next()).expect("a section");
    assert!(
        part.contains(">[…]\nline 13\nline 14\nat <del>three</del><ins>four</ins>\nline 16\nline 17\n[…]\n<"),
        "{part}"
    );
}

#[test]
fn a_terminal_obeys_nothing_of_a_message() {
    let card = hostile_card("\u{1b}]0;owned\u{7} \u{202e}gnihtyna\r\nNext");
    let lines = printed(&card, ("\u{1b}[2J", "a@x.example"));
    assert!(!lines.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{lines:?}");
    assert!(lines.contains("Next") && lines.contains("--- Calendar entry ---"), "{lines}");
}

#[test]
fn says_what_to_look_at() {
    let mut card = Card { language: "en".to_owned(), subject: "s".repeat(300), ..Card::default() };
    card.name = "a\u{202e}b".to_owned();
    card.size_octets = 2_000_000;
    card.view = Some(View { html: "x".repeat(120_000), links: vec!["http://x.example".to_owned()], ..View::default() });
    let found = findings(&card, "ru").join("\n");
    for part in [
        "asked for in Russian, written in English",
        "300 characters",
        "turn the direction",
        "2.0 MB",
        "120.0 kB",
        "http:",
    ] {
        assert!(found.contains(part), "{part}\n{found}");
    }
    let fine = Card { language: "en".to_owned(), subject: "s".to_owned(), ..Card::default() };
    assert_eq!(findings(&fine, "en"), Vec::<String>::new());
}

#[test]
fn links_are_found_in_a_letter() {
    let html = "<a href=\"https://x.example/?a=1&amp;b=2\">x</a><a href='tel:+1'>y</a><a href=\"https://x.example/?a=1&amp;b=2\">z</a> href= href=";
    let octets = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}");
    let view = card_from_eml("1", octets.as_bytes(), None).view.expect("a view");
    assert_eq!(view.links, ["https://x.example/?a=1&b=2", "tel:+1"]);
}

#[test]
fn lists_of_several_pages_lead_to_each_other() {
    let card = Card { page: "messages/000001.html".to_owned(), subject: "S".to_owned(), ..Card::default() };
    let cards = [card.clone(), Card { findings: vec!["f".to_owned()], ..card }];
    let index =
        Index { origin: Origin::Preview, leaf: Leaf { number: 2, of: 3, cards_before: 1000 }, ..head("T", 2500) };
    let page: String = index_page(&index, &cards).collect();
    assert!(page.contains("rel=\"prev\" href=\"index.html\"") && page.contains("rel=\"next\" href=\"index-3.html\""));
    assert!(page.contains(">1,001</span>") && page.contains("Page 2 of 3"));
    assert!(page.contains("<a href=\"messages/000001.html\">S</a>"));
    assert!(page.contains("data-look=\"first\"") && page.contains("data-look=\"found\""), "{page}");
    assert!(page.contains("data-value=\"found\" aria-pressed=\"false\">To look at<span>1</span>"));
    assert!(page.contains("<search hidden>"), "without scripts there are no buttons that do nothing");
}

#[test]
fn opens_the_first_cards_only() {
    let card = Card { view: Some(View { text: "inside".to_owned(), ..View::default() }), ..Card::default() };
    let cards = vec![card; INLINE_VIEWS + 1];
    let page = page(&cards, 100_000);
    assert_eq!(page.matches("<article").count(), INLINE_VIEWS + 1);
    assert_eq!(page.matches(">inside</pre>").count(), INLINE_VIEWS);
    assert!(page.contains("<b>100,000 messages</b>") && page.contains("the newest 301."));
}

#[test]
fn counts_languages_and_kinds() {
    let card =
        |language: &str, kind: &str| Card { language: language.to_owned(), kind: kind.to_owned(), ..Card::default() };
    let page = page(&[card("ar", "ngo"), card("fr", ""), card("fr", "ngo")], 3);
    assert!(page.contains("data-value=\"fr\" aria-pressed=\"false\">French<span>2</span>"));
    assert!(page.contains("data-value=\"\" aria-pressed=\"false\">not stated<span>1</span>"));
    let none = index_page(&head("T", 0), &[]).collect::<String>();
    assert!(none.contains("<b>0 messages</b>") && !none.contains("<search"));
}

const MESSAGE: &str = "From: events@x.example\r\nTo: =?utf-8?Q?Mis=C3=ADon?= <un@m.example>\r\nCc: a@m.example, b@m.example\r\n\
    Subject: =?utf-8?B?2K/YudmI2Kk=?=\r\nContent-Language: ar\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
    --a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nplain\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <p>letter</p>\r\n--a\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n\
    METHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:What\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--a--\r\n--m\r\n\
    Content-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment\r\n\r\nx\r\n--m--\r\n";

#[test]
fn reads_a_card_out_of_a_message() {
    let card = card_from_eml("new/1.eml", MESSAGE.as_bytes(), None);
    assert_eq!(
        (card.to.as_str(), card.name.as_str(), card.cc.as_str()),
        ("un@m.example", "Misíon", "a@m.example, b@m.example")
    );
    assert_eq!((card.subject.as_str(), card.language.as_str(), card.file.as_str()), ("دعوة", "ar", "new/1.eml"));
    assert_eq!(card.size_octets, MESSAGE.len() as u64);
    let view = card.view.expect("a view");
    assert_eq!((view.html.trim(), view.text.trim()), ("<p>letter</p>", "plain"));
    let calendar: Vec<(&str, &str)> = view.calendar.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let effect = "a new entry appears, and the reader is asked to accept or decline";
    assert_eq!(calendar, [("What", "What"), ("In the calendar", effect), ("Method", "REQUEST, sequence 0")]);
    let parts: Vec<(usize, &str, &str)> =
        view.parts.iter().map(|part| (part.depth, part.media_type.as_str(), part.name.as_str())).collect();
    assert_eq!(
        parts,
        [
            (0, "multipart/mixed", ""),
            (1, "multipart/alternative", ""),
            (2, "text/plain; charset=utf-8", ""),
            (2, "text/html; charset=utf-8", ""),
            (2, "text/calendar; charset=utf-8; method=REQUEST", ""),
            (1, "application/ics", "invite.ics"),
        ]
    );
    assert!(view.headers.starts_with("From: events@x.example\r\n") && view.headers.ends_with("boundary=m"));
}

#[test]
fn reads_anything_without_a_fault() {
    assert_eq!(card_from_eml("1", b"", None).subject, "");
    for cut in 0..MESSAGE.len() {
        card_from_eml("1", &MESSAGE.as_bytes()[..cut], None);
    }
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(60_000);
    let card = card_from_eml("1", format!("Subject: deep\r\n{deep}").as_bytes(), None);
    assert_eq!((card.subject.as_str(), card.view), ("deep", None));
}

#[test]
fn says_a_calendar_entry_in_words() {
    let octets = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:America/New_York\r\nBEGIN:STANDARD\r\nDTSTART:19701101T020000\r\n\
         END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:u1@x.example\r\nSEQUENCE:2\r\nSTATUS:CONFIRMED\r\n\
         DTSTART:20170922T190000Z\r\nDTEND:20170922T203000Z\r\n\
         SUMMARY:Tools\\, and\r\n  more\r\nLOCATION:Room 2\r\nORGANIZER;CN=\"Mission: X; Y\":MAILTO:e@x.example\r\n\
         ATTENDEE;CN=H.E. ^'Ana^';RSVP=TRUE:mailto:un@m.example\r\nDESCRIPTION:One\\nTwo\r\nURL:https://x.example\r\nBEGIN:VALARM\r\n\
         DESCRIPTION:Alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Other\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let zone = Zone::parse("America/New_York").expect("a zone");
    let facts = calendar_facts(octets.as_bytes(), Some(&zone));
    let facts: Vec<(&str, &str)> = facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(
        facts,
        [
            ("What", "Tools, and more"),
            (
                "When",
                "Friday, 22 September 2017, 15:00–16:30 America/New_York\nFriday, 22 September 2017, 19:00–20:30 UTC"
            ),
            ("Where", "Room 2"),
            ("Organizer", "Mission: X; Y\ne@x.example"),
            ("Attendee", "H.E. \"Ana\"\nun@m.example"),
            ("Answer", "wanted; accepting or declining writes to e@x.example"),
            (
                "In the calendar",
                "takes the place of the entry with the same identity (change 2); a changed time is asked about again"
            ),
            ("Method", "REQUEST, sequence 2, CONFIRMED"),
            ("Identity", "u1@x.example"),
            ("Page", "https://x.example"),
            ("Description", "One\nTwo"),
        ]
    );
}

#[test]
fn says_times_of_any_shape() {
    let when = |lines: &str| {
        let octets = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        let facts = calendar_facts(octets.as_bytes(), None);
        facts.into_iter().find(|(name, _)| *name == "When").map(|(_, value)| value).unwrap_or_default()
    };
    assert_eq!(
        when("DTSTART:20240229T190000Z\r\nDTEND:20240301T003000Z"),
        "Thursday, 29 February 2024, 19:00 UTC – Friday, 1 March 2024, 00:30 UTC"
    );
    assert_eq!(
        when("DTSTART;TZID=America/New_York:20170922T150000\r\nDTEND;TZID=America/New_York:20170922T163000"),
        "Friday, 22 September 2017, 15:00–16:30 America/New_York"
    );
    assert_eq!(when("DTSTART;VALUE=DATE:20261124"), "Tuesday, 24 November 2026");
    assert_eq!(when("DTSTART:20261124T090000\r\nDTEND:20261124T100000"), "Tuesday, 24 November 2026, 09:00–10:00");
    for odd in ["tomorrow", "2026", "20261324T090000", "20260230", "2026é124"] {
        assert_eq!(when(&format!("DTSTART:{odd}")), odd);
    }
}

#[test]
fn says_why_octets_are_no_calendar() {
    assert_eq!(calendar_facts(b"BEGIN:VCALENDAR\r\n", None), [("Not readable", "the calendar is cut off".to_owned())]);
    let facts = calendar_facts(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", None);
    assert_eq!(facts, [("Not readable", "the calendar holds no event".to_owned())]);
}

#[test]
fn writes_figures_and_references() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!([999, 8_432, 999_999, 26_214_400].map(size), ["999 B", "8.4 kB", "999.9 kB", "26.2 MB"]);
    assert_eq!(href("cur/1:2,S #é?%"), "cur/1%3A2%2CS%20%23%C3%A9%3F%25");
}
