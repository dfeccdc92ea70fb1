//! Mails made to cost more than they are worth: each is to be read within half a second and 200 MB.

const HEAD: &str = "From: MAILER-DAEMON@a.example\nTo: rsvp@host.example\nSubject: failure\nMIME-Version: 1.0\n";
const CALENDAR: &str = "Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\n";
const REPORT: &str = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
                      --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n";

/// A bomb's name and how it is made.
pub(crate) type Bomb = (&'static str, fn() -> String);

fn many(unit: &str, octets: usize) -> String {
    unit.repeat(octets / unit.len())
}

/// Below what the doors cut (25 MB).
const LARGE: usize = 24_000_000;

pub(crate) const BOMBS: &[Bomb] = &[
    ("nesting of multiparts", || {
        let levels: String =
            (0..100_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
        format!("{HEAD}{levels}")
    }),
    ("nesting of messages", || format!("{HEAD}{}", many("Content-Type: message/rfc822\n\n", LARGE))),
    ("nesting of encoded messages", || {
        let mut inner = format!("{HEAD}\nuser unknown\n{}", many("a@b.example ", 8_000_000));
        for _ in 0..3 {
            let coded = data_encoding::BASE64_MIME.encode(inner.as_bytes());
            inner = format!("{HEAD}Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{coded}");
        }
        inner
    }),
    ("parts", || format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{}", many("--b\n\nx\n", LARGE))),
    ("parts of one boundary's beginning", || {
        format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{}", many("\n--bb", LARGE))
    }),
    ("digest", || {
        format!("{HEAD}Content-Type: multipart/digest; boundary=b\n\n{}", many("--b\n\nSubject: x\n\ny\n", LARGE))
    }),
    ("header fields", || format!("{HEAD}{}\n\nbody", many("X-A: b\n", LARGE))),
    ("fields of parts", || {
        let part = format!("--b\n{}\n\nx\n", many("Content-Type: a/b\n", 30_000));
        format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{}", many(&part, LARGE))
    }),
    ("Received", || {
        format!("{HEAD}{}\n\nbody", many("Received: from a.example by b.example for <c@d.example>; x\n", LARGE))
    }),
    ("References", || format!("{HEAD}References: {}\n\nbody", many("<a@b.example> ", LARGE))),
    ("folded References", || format!("{HEAD}References:{}\n\nbody", many("\n <a@b.example>", LARGE))),
    ("encoded words", || {
        format!(
            "{HEAD}X-A: {}\nSubject: {}\n\nbody",
            many("=?utf-8?q?a?= ", LARGE / 2),
            many("=?utf-8?b?YQ==?= ", LARGE / 2)
        )
    }),
    ("encoded word without end", || format!("{HEAD}Subject: {}\n\nbody", many("=?utf-8?q?", LARGE))),
    ("addresses", || format!("{HEAD}To: {}\n\nbody", many("a@b.example, ", LARGE))),
    ("comments in addresses", || format!("{HEAD}To: {}a@b.example\n\nbody", many("(", LARGE))),
    ("groups of addresses", || format!("{HEAD}To: {}\n\nbody", many("g:a@b.example;,", LARGE))),
    ("quotes in addresses", || format!("{HEAD}To: {}\n\nbody", many("\"\\\"", LARGE))),
    ("parameters", || format!("{HEAD}Content-Type: multipart/mixed{}\n\nbody", many("; a=b", LARGE))),
    ("continued parameters", || {
        let parameters: String = (0..1_000_000).map(|n| format!("; name*{n}*=%41")).collect();
        format!("{HEAD}Content-Type: text/plain{parameters}\n\nbody")
    }),
    ("one line", || format!("{HEAD}\n{}", many("a", LARGE))),
    ("at signs", || format!("{HEAD}\n{}", many("@", LARGE))),
    ("addresses in the text", || format!("{HEAD}\n{}", many("a@b.example ", LARGE))),
    ("angle brackets", || format!("{HEAD}\n{}", many("<", LARGE))),
    ("lines of a bounce", || format!("{HEAD}\n{}", many("<a@b.example>: 550 user unknown\n", LARGE))),
    ("words of a bounce", || format!("{HEAD}\n{}", many("user ", LARGE))),
    ("digits", || format!("{HEAD}\n{}", many("5.1.1 550 ", LARGE))),
    ("recipients of a report", || {
        format!("{HEAD}{REPORT}{}", many("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n", LARGE))
    }),
    ("fields of a report", || {
        format!("{HEAD}{REPORT}Final-Recipient: rfc822; a@b.example\n{}", many("Diagnostic-Code: smtp; 550 x\n", LARGE))
    }),
    ("folded field of a report", || {
        format!("{HEAD}{REPORT}Final-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp;{}\n", many("\n x", LARGE))
    }),
    ("base64", || format!("{HEAD}Content-Transfer-Encoding: base64\n\n{}", many("YWFh\n", LARGE))),
    ("base64 that is none", || format!("{HEAD}Content-Transfer-Encoding: base64\n\n{}", many("=", LARGE))),
    ("base64 calendar", || {
        let events = many("BEGIN:VEVENT\nUID:a\nEND:VEVENT\n", 16_000_000);
        let coded = data_encoding::BASE64_MIME.encode(format!("BEGIN:VCALENDAR\nMETHOD:REPLY\n{events}").as_bytes());
        format!("{HEAD}Content-Type: text/calendar; method=REPLY\nContent-Transfer-Encoding: base64\n\n{coded}")
    }),
    ("quoted-printable", || {
        format!("{HEAD}Content-Transfer-Encoding: quoted-printable\n\n{}", many("=E2=80=AE", LARGE))
    }),
    ("UTF-7", || format!("{HEAD}Content-Type: text/plain; charset=utf-7\n\n{}", many("+AGE-", LARGE))),
    ("ISO-2022-JP", || {
        format!("{HEAD}Content-Type: text/plain; charset=iso-2022-jp\n\n{}", many("\x1b$B!!\x1b(B", LARGE))
    }),
    ("events", || {
        format!(
            "{HEAD}{CALENDAR}{}END:VCALENDAR\n",
            many("BEGIN:VEVENT\nUID:a\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\nEND:VEVENT\n", LARGE)
        )
    }),
    ("attendees", || {
        format!(
            "{HEAD}{CALENDAR}BEGIN:VEVENT\nUID:a\n{}END:VEVENT\nEND:VCALENDAR\n",
            many("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\n", LARGE)
        )
    }),
    ("nested components", || format!("{HEAD}{CALENDAR}{}", many("BEGIN:VEVENT\n", LARGE))),
    ("folded property", || {
        format!("{HEAD}{CALENDAR}BEGIN:VEVENT\nUID:a{}\nEND:VEVENT\nEND:VCALENDAR\n", many("\n x", LARGE))
    }),
    ("property parameters", || {
        format!(
            "{HEAD}{CALENDAR}BEGIN:VEVENT\nUID:a\nATTENDEE{}:mailto:a@b.example\nEND:VEVENT\nEND:VCALENDAR\n",
            many(";X=\"y\"", LARGE)
        )
    }),
    ("calendar parts", || {
        let part = format!("--b\n{CALENDAR}BEGIN:VEVENT\nUID:a\nEND:VEVENT\nEND:VCALENDAR\n");
        format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{}", many(&part, LARGE))
    }),
    ("TNEF", || {
        let coded =
            data_encoding::BASE64_MIME.encode(&[&[0x78, 0x9f, 0x3e, 0x22, 1, 0][..], &vec![1; 16_000_000]].concat());
        format!("{HEAD}Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n{coded}")
    }),
    ("HTML tags", || format!("{HEAD}Content-Type: text/html\n\n{}", many("<div>", LARGE))),
    ("HTML without end", || format!("{HEAD}Content-Type: text/html\n\n{}", many("<!--", LARGE))),
    ("HTML quotes", || format!("{HEAD}Content-Type: text/html\n\n{}", many("<blockquote>a", LARGE))),
    ("HTML entities", || format!("{HEAD}Content-Type: text/html\n\n{}", many("&amp;&#x41;&", LARGE))),
    ("quoted lines", || format!("{HEAD}\n{}", many("> ", LARGE))),
    ("quoted lines, one after the other", || format!("{HEAD}\n{}", many(">a\n", LARGE))),
    ("heads of quotes", || format!("{HEAD}\n{}", many("On Mon, a@b.example wrote:\n", LARGE))),
    ("blank lines", || format!("{HEAD}\n{}", many("\n", LARGE))),
    ("blanks", || format!("{HEAD}\n{}", many(" ", LARGE))),
    ("letter of answers", || format!("{HEAD}\n{}", many("we accept, we decline, 12 persons ", LARGE))),
    ("absence", || {
        format!("{HEAD}Auto-Submitted: auto-replied\n\n{}", many("I am out of office until 12 May. ", LARGE))
    }),
    ("carriage returns", || format!("{HEAD}\n{}", many("\r", LARGE)).replace('\n', "\r")),
    ("zeros", || format!("{HEAD}\n{}", many("\0", LARGE))),
    ("letters beyond ASCII", || {
        format!("{HEAD}Subject: {}\n\n{}", many("\u{130}", 60_000), many("\u{130}\u{1e9e}", LARGE))
    }),
];
