//! The preview's folder: its pages, what they lead to, and that nothing of a cell comes to life on them.

use std::collections::BTreeSet;
use std::fs;

use crate::desk::Desk;

/// The values of an attribute, in their order.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    page.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// What of `href` is no file beside the page.
fn broken(desk: &Desk, folder: &str, page: &str) -> Vec<String> {
    let below = desk.path.join(folder);
    let path = |href: &str| below.join(href.replace("%40", "@").replace("%2B", "+"));
    attributes(page, "href").into_iter().filter(|href| !path(href).is_file()).map(str::to_owned).collect()
}

#[test]
fn every_message_has_a_card_and_a_page() {
    let desk = Desk::sample();
    desk.ends(0, &["preview"]);
    let list = desk.read("preview/index.html");
    assert_eq!(list.matches("<article ").count(), 268);
    let languages: BTreeSet<_> = attributes(&list, "data-language").into_iter().collect();
    assert_eq!(languages, ["ar", "en", "es", "fr", "ru", "zh"].into());
    let letters = attributes(&list, "data-look").into_iter().filter(|look| look.contains("first")).count();
    assert_eq!(letters, 11, "one of each kind, language and template");
    assert_eq!(broken(&desk, "preview", &list), Vec::<String>::new());
    for number in [1, 2, 268] {
        let page = desk.read(&format!("preview/messages/{number:06}.html"));
        assert_eq!(broken(&desk, "preview/messages", &page), Vec::<String>::new());
        assert!(page.contains(&format!("{number} of 268")) && page.contains("<dt>MAIL FROM</dt>"));
        assert!(page.contains("15:00–16:30 America/New_York") && page.contains("19:00–20:30 UTC"), "{page}");
        assert_eq!(page.matches("<iframe sandbox=\"\" ").count(), 1);
        for remote in ["src=\"http", "href=\"http", "url(", "@import"] {
            assert!(!page.contains(remote), "{remote}: pages need no network");
        }
    }
    desk.ends(0, &["preview", "--only", "kind=observer"]);
    let left = fs::read_dir(desk.path.join("preview/messages")).expect("pages").count();
    assert_eq!(left, 2, "pages of an earlier preview go");
}

#[test]
fn cells_do_not_come_to_life_on_the_pages() {
    let cells = [
        "<script>alert(1)</script>",
        "</iframe></script><img src=x onerror=alert(1)>",
        "\" srcdoc=\"x\" onload=\"alert(1)",
        "<!--cards-->",
        "</pre></style><svg onload=alert(1)>",
    ];
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(["email", "entity", "kind", "language", "honorific", "family", "city"]).expect("a row");
    for (n, cell) in cells.iter().enumerate() {
        let email = format!("guest{n}@host.example");
        rows.write_record([email.as_str(), cell, "ngo", "en", "Ms.", cell, cell]).expect("a row");
    }
    let desk = Desk::with_list(&String::from_utf8(rows.into_inner().expect("rows")).expect("UTF-8"));
    desk.ends(0, &["preview"]);
    let mut pages = vec![desk.read("preview/index.html")];
    pages.extend((1..=cells.len()).map(|n| desk.read(&format!("preview/messages/{n:06}.html"))));
    assert_eq!(pages[0].matches("<article ").count(), cells.len());
    for page in &pages {
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("</iframe>").count(), page.matches("<iframe sandbox=\"\" ").count());
        for live in ["<img", "<svg", "<!--", " onload=", " onerror="] {
            // In values of attributes a quotation mark is the way out, and `<` is escaped everywhere.
            let tags: String = page
                .split('<')
                .skip(1)
                .filter_map(|r| r.split('>').next())
                .flat_map(|t| t.split('"').step_by(2))
                .collect();
            assert!(!page.contains(live) || (live.starts_with(' ') && !tags.contains(live)), "{live}");
        }
    }
}

#[test]
fn a_long_list_is_shown_by_samples_and_whole_on_demand() {
    let mut csv = "email,entity,kind,language,city\n".to_owned();
    for n in 0..1005 {
        let language = if n % 2 == 0 { "en" } else { "fr" };
        csv.push_str(&format!("guest{n}@host.example,Entity {n},ngo,{language},Bern\n"));
    }
    let desk = Desk::with_list(&csv);
    desk.ends(0, &["preview"]);
    let list = desk.read("preview/index.html");
    assert_eq!(list.matches("<article ").count(), 40, "20 of each language");
    assert!(list.contains("1,005 messages") && list.contains("Listed are the first 20 of each kind and language"));
    let written = |desk: &Desk, folder: &str| fs::read_dir(desk.path.join(folder)).expect("a preview").count();
    assert_eq!((written(&desk, "preview/messages"), written(&desk, "preview")), (40, 1005 + 2));
    desk.ends(0, &["preview", "--all"]);
    let (first, second) = (desk.read("preview/index.html"), desk.read("preview/index-2.html"));
    assert_eq!((first.matches("<article ").count(), second.matches("<article ").count()), (1000, 5));
    assert!(second.contains(">1,001</span>") && second.contains("rel=\"prev\" href=\"index.html\""));
    assert!(desk.read("preview/messages/001001.html").contains("href=\"../index-2.html\""));
    desk.ends(0, &["preview", "--limit", "30", "--sample", "2"]);
    assert_eq!(desk.read("preview/index.html").matches("<article ").count(), 4);
    assert!(!desk.path.join("preview/index-2.html").exists());
    desk.ends(64, &["preview", "--sample", "0"]);
}

#[test]
fn what_is_different_from_an_earlier_preview_is_marked() {
    let desk = Desk::with_list("email,entity,kind,language,city\na@x.example,A,ngo,en,Bern\n");
    desk.ends(0, &["preview", "--out", "before"]);
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replace("T15:00:00", "T14:30:00"));
    desk.write(
        "recipients/list.csv",
        "email,entity,kind,language,city\na@x.example,A,ngo,en,Bern\nb@x.example,B,ngo,en,Bern\n",
    );
    desk.ends(0, &["preview", "--against", "before"]);
    let page = desk.read("preview/messages/000001.html");
    assert!(page.contains("Changes since the earlier version"), "{page}");
    assert!(
        page.contains("<del>15:00–16:30</del><ins>14:30–16:30</ins>")
            || page.contains("<del>15:00</del><ins>14:30</ins>")
    );
    assert!(page.contains("<del>3:00</del><ins>2:30</ins>"), "{page}");
    assert!(!desk.read("preview/messages/000002.html").contains("Changes since"), "nobody wrote to them before");
    let same = desk.ends(64, &["preview", "--against", "preview"]);
    assert!(same.err.contains("is where the new preview goes"), "{}", same.err);
    let empty = desk.ends(64, &["preview", "--against", "templates"]);
    assert!(empty.err.contains("holds no messages of a preview"), "{}", empty.err);
}

/// Ana has the invitation, and the organiser moves the event by half an hour; Eva is new on the list.
fn moved() -> Desk {
    let ana = "email,entity,kind,language,city\nana@x.example,A,ngo,en,Bern\n";
    let desk = Desk::with_list(ana);
    desk.ends(0, &["send"]);
    desk.write("recipients/list.csv", &format!("{ana}eva@x.example,E,ngo,en,Bern\n"));
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replace("T15:00:00", "T14:30:00"));
    desk
}

/// What the page of a message says of an earlier version; empty where it says nothing.
fn changes(desk: &Desk, number: u32) -> String {
    let page = desk.read(&format!("preview/messages/{number:06}.html"));
    page.split("class=\"changes\"").nth(1).and_then(|r| r.split("</section>").next()).unwrap_or_default().to_owned()
}

#[test]
fn an_update_stands_beside_what_its_reader_was_sent_last() {
    let desk = moved();
    let said = desk.ends(0, &["preview", "--note", "The hall is free earlier."]).out;
    assert!(said.contains("it begins 30 minutes earlier: 2:30 p.m. in place of 3:00 p.m."), "{said}");
    assert!(said.contains("taken for `material`") && said.contains("1 message written"), "{said}");
    let page = desk.read("preview/messages/000001.html");
    assert!(page.contains("update/ngo.en") && page.contains("The hall is free earlier."), "the update's letter");
    let found = changes(&desk, 1);
    assert!(found.contains("what this reader was sent last: the invitation of "), "{found}");
    assert!(found.contains("octet for octet as it was sent"), "{found}");
    assert!(found.contains("<dt>When</dt>") && found.contains("<del>15:00</del><ins>14:30</ins>"), "{found}");
    assert!(found.contains("REQUEST, sequence <del>0</del><ins>1</ins>"), "{found}");
    assert!(!found.contains("<dt>Identity</dt>") && !found.contains("<dt>Where</dt>"), "what stays is not named");
    let raw = desk.ends(0, &["preview", "--to", "ana@x.example", "--raw"]).out;
    assert!(raw.starts_with("From: ") || raw.starts_with("Date: "), "the message and nothing else: {raw}");
    let stranger = desk.ends(64, &["preview", "--to", "eva@x.example"]).err;
    assert!(stranger.contains("the update does not go to the mailbox"), "{stranger}");
    assert_eq!(desk.status()["event"]["revisions"].as_array().map(Vec::len), Some(1), "nothing is planned");

    // Sent, and moved again: now the earlier version is the first update.
    desk.ends(0, &["update"]);
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replace("T14:30:00", "T14:00:00"));
    desk.ends(0, &["preview"]);
    let found = changes(&desk, 1);
    assert!(
        found.contains("sent last: the update of ") && found.contains("<del>14:30</del><ins>14:00</ins>"),
        "{found}"
    );
    assert!(!found.contains("15:00"), "the one before it is over: {found}");
}

#[test]
fn an_earlier_letter_that_cannot_be_made_again_is_named() {
    let desk = moved();
    let letter = "templates/invitation/ngo.en.md.hbs";
    let text = desk.read(letter);
    desk.write(letter, &format!("{text}\nPS. We look forward to it.\n"));
    desk.ends(0, &["preview"]);
    let found = changes(&desk, 1);
    assert!(found.contains("Templates, lists or settings have changed since"), "{found}");
    assert!(found.contains("<del>15:00</del><ins>14:30</ins>"), "the entry is out of the journal: {found}");
}

#[test]
fn an_update_is_shown_where_there_is_one() {
    let desk = moved();
    let settings = desk.read("convoke.toml");
    // For a slip of the pen nobody is written to: what newcomers will get is shown.
    let said = desk.ends(0, &["preview", "--as", "typo"]).out;
    assert!(said.contains("taken for `typo`, as asked") && said.contains("2 messages written"), "{said}");
    assert_eq!((changes(&desk, 1), changes(&desk, 2)), (String::new(), String::new()));
    desk.write("convoke.toml", &settings.replace("T14:30:00", "T15:00:00"));
    desk.ends(0, &["preview"]);
    assert_eq!(changes(&desk, 1), "", "there is no earlier state");
    let none = desk.ends(64, &["preview", "--update"]).err;
    assert!(none.contains("nothing has changed since"), "{none}");
    desk.write("convoke.toml", &settings);
    let nobody = desk.ends(64, &["preview", "--only", "city=Rome"]).err;
    assert!(nobody.contains("nobody of these was sent the invitation"), "{nobody}");
}

#[test]
fn one_message_is_printed_for_people_or_raw() {
    let desk = Desk::sample();
    let printed = desk.ends(0, &["preview", "--to", "MISSION@china-un.example"]).out;
    for part in [
        "To:              Permanent Mission of the People's Republic of China to the United Nations <mission@china-un.example>",
        "Letter:          invitation/mission.zh (Chinese)",
        "When:            Friday, 22 September 2017, 15:00–16:30 America/New_York",
        "In the calendar: a new entry appears, and the reader is asked to accept or decline",
        "  application/ics",
        "主持人",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    let raw = desk.ends(0, &["preview", "--to", "mission@china-un.example", "--raw"]).out;
    assert!(raw.contains("\r\nContent-Language: zh\r\n"));
    assert!(!desk.path.join("preview").exists(), "nothing is written");
    desk.ends(64, &["preview", "--raw"]);
    desk.ends(64, &["preview", "--to", "nobody@x.example"]);
}
