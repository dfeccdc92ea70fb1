//! Nothing of a cell becomes a header, a command, a calendar line, template code or live HTML.

use mail_parser::MessageParser;

use crate::desk::Desk;

/// Values that have harmed other programs, one for each place where a cell could become more than text.
const CELLS: [&str; 14] = [
    "{{event.title}} {{env \"HOME\"}} {{> facts}}",
    "{{{email}}}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</td></table><a href=\"javascript:alert(1)\">x</a>",
    "[click](https://evil.example) ![x](https://evil.example/p.png)",
    "**bold** # heading\u{b7} | a | b |",
    "=HYPERLINK(\"https://evil.example\";\"x\")",
    "BEGIN:VEVENT ATTENDEE:mailto:evil@evil.example",
    "x;CN=y:mailto:evil@evil.example",
    "\"quoted\" \\ backslash ; comma , colon :",
    "MAIL FROM:<evil@evil.example>",
    "=?utf-8?B?QmNjOiBldmls?=",
    "&lt;b&gt; &amp; &#x202e;",
    "1. list - item `code` ~~x~~ https://evil.example",
];

#[test]
fn cells_are_text_wherever_they_stand() {
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(["email", "entity", "kind", "language", "honorific", "given", "family", "city"]).expect("a row");
    for (n, cell) in CELLS.iter().enumerate() {
        let email = format!("guest{n}@host.example");
        // An entity with template marks or an encoded word in its name is refused by the last gate: nobody is called so.
        let entity = if cell.contains("{{") || cell.contains("=?") { "Organisation" } else { cell };
        rows.write_record([email.as_str(), entity, "ngo", "en", "", "Ana", cell, cell]).expect("a row");
    }
    let csv = String::from_utf8(rows.into_inner().expect("rows")).expect("UTF-8");
    let desk = Desk::with_list(&csv);
    desk.ends(0, &["send"]);
    let messages = desk.outbox();
    assert_eq!(messages.len(), CELLS.len());
    for octets in &messages {
        let message = MessageParser::default().parse(octets).expect("a message");
        let names: Vec<String> = message.headers().iter().map(|h| h.name().to_lowercase()).collect();
        assert!(!names.iter().any(|n| n == "bcc" || n == "cc"), "{names:?}");
        let to = message.to().and_then(|to| to.first()).and_then(|a| a.address()).expect("To").to_owned();
        let n: usize = to.trim_start_matches("guest").split('@').next().and_then(|n| n.parse().ok()).expect("a number");
        let html = message.body_html(0).expect("HTML");
        let text = message.body_text(0).expect("text");
        let letter = html.split("<body").nth(1).expect("a body");
        for live in ["<script", "<img", "<a href=\"javascript", "href=\"https://evil"] {
            assert!(!letter.contains(live), "{live} of {:?} is live", CELLS[n]);
        }
        assert!(!text.contains("/root"), "no environment");
        let calendar = message.parts.iter().find(|p| mail_parser::MimeHeaders::is_content_type(*p, "text", "calendar"));
        let calendar = calendar.and_then(|p| p.text_contents()).expect("a calendar").replace("\r\n ", "");
        assert_eq!(calendar.matches("\r\nATTENDEE").count(), 1);
        assert_eq!(calendar.matches("BEGIN:VEVENT\r\n").count(), 1);
        assert!(!calendar.lines().any(|l| l.ends_with("mailto:evil@evil.example")), "{calendar}");
        if !CELLS[n].contains('=') && !CELLS[n].contains('"') {
            assert!(text.contains(CELLS[n].trim()), "{:?} is printed as it stands\n{text}", CELLS[n]);
        }
    }
    for row in csv::Reader::from_reader(desk.ends(0, &["export"]).out.as_bytes()).records() {
        let row = row.expect("a row");
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{row:?}");
    }
}

#[test]
fn one_refused_row_stops_everything_unless_it_is_left_out() {
    let desk = Desk::with_list(
        "email,entity,kind,language,city\nok@x.example,A,ngo,en,Bern\nana@,B,ngo,en,Bern\n\"a@x.example\nBcc: b\",C,ngo,en,Bern\n",
    );
    let ran = desk.ends(65, &["send"]);
    assert!(ran.err.contains("recipients/list.csv:3:1: "), "{}", ran.err);
    assert!(ran.err.contains("2 rows are refused"), "{}", ran.err);
    assert!(desk.outbox().is_empty());
    let ran = desk.ends(0, &["send", "--skip-refused"]);
    assert!(ran.err.contains("2 refused rows left out"), "{}", ran.err);
    assert_eq!(desk.outbox().len(), 1);
    assert!(desk.run(&["status"]).out.contains("recipients/list.csv:3"));
}

#[test]
fn duplicates_are_merged_and_named() {
    let desk = Desk::with_list(
        "email,entity,kind,language,city\nA@x.example,A,ngo,en,Bern\na@X.example,A,ngo,en,Basel\nb@x.example,A,ngo,en,Bern\n",
    );
    let ran = desk.ends(0, &["send"]);
    let line = "recipients/list.csv:3: a@x.example is recipients/list.csv:2 again, merged; its other cells differ";
    assert!(ran.err.contains(line), "{}", ran.err);
    assert!(ran.out.contains("2 mailboxes of 1 entity"), "{}", ran.out);
    assert_eq!(desk.outbox().len(), 2);
}
