//! Bad set-ups and the words that they get, all at once.

use crate::desk::Desk;

#[test]
fn every_fault_of_the_settings_is_named_at_its_place() {
    let desk = Desk::sample();
    let settings = desk.read("convoke.toml");
    let settings = settings
        .replace("start = 2017-09-22T15:00:00", "start = 2017-03-12T02:30:00")
        .replace("end = 2017-09-22T16:30:00", "end = 2017-11-05T01:30:00")
        .replace("address = \"events@liechtenstein-un.example\"", "address = \"events@\"\naddresss = 1")
        .replace("connections = 10", "connections = \"ten\"");
    desk.write("convoke.toml", &settings);
    let ran = desk.ends(78, &["check"]);
    for words in [
        "does not exist",
        "twice",
        "`sender.address` is `events@`",
        "unknown key `sender.addresss`; did you mean `address`?",
        "`limits.connections` is a text",
        "5 problems; nothing was sent",
    ] {
        assert!(ran.err.contains(words), "{words}\n{}", ran.err);
    }
    let placed = ran.err.lines().filter(|l| l.starts_with("convoke.toml:")).count();
    assert_eq!(placed, 5, "{}", ran.err);
}

#[test]
fn single_faults_have_their_cure() {
    for (from, to, words) in [
        ("zone = \"America/New_York\"", "zone = \"New York\"", "did you mean `America/New_York`"),
        ("end = 2017-09-22T16:30:00", "end = 2017-09-22T14:30:00", "write an end after the start"),
        ("end = 2017-09-22T16:30:00", "end = 2017-09-22T16:30:00Z", "not a local date and time"),
        ("default = \"en\"", "default = \"English language\"", "is no language"),
        ("retry_for = \"48h\"", "retry_for = \"soon\"", "is no duration"),
        ("rate = \"200/s\"", "rate = \"fast\"", "write a number and a period"),
        ("rate = \"200/s\"", "timeouts = { dot = \"long\" }", "write a number and a unit: 500ms, 30s, 5min"),
    ] {
        let desk = Desk::sample();
        let settings = desk.read("convoke.toml");
        assert!(settings.contains(from), "{from}");
        desk.write("convoke.toml", &settings.replacen(from, to, 1));
        let ran = desk.ends(78, &["check"]);
        assert!(ran.err.contains(words), "{words}\n{}", ran.err);
        assert!(ran.err.starts_with("convoke.toml:"), "{}", ran.err);
    }
}

#[test]
fn times_shorter_than_the_standard_are_warned_of() {
    let desk = Desk::sample();
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replacen("[limits]\n", "[limits]\ntimeouts = { dot = \"1min\" }\n", 1));
    let words = "`limits.timeouts.dot` is `1min`, the standard asks for 10min; whoever gives up earlier makes doubles";
    let ran = desk.ends(0, &["check"]);
    assert!(ran.err.contains(&format!("{words}; leave it out unless this is a trial")), "{}", ran.err);
    assert!(ran.err.contains("warning: convoke.toml:"), "{}", ran.err);
    let json = desk.ends(0, &["check", "--json"]);
    assert!(json.out.contains(words), "{}", json.out);
}

#[test]
fn secrets_in_the_file_are_refused_and_never_shown() {
    for relay in [
        "[[relay]]\nurl = \"smtps://me:hunter2@smtp.host.example\"\n",
        "[[relay]]\nurl = \"smtps://me@smtp.host.example\"\npassword = \"hunter2\"\n",
    ] {
        let desk = Desk::sample();
        desk.write("convoke.toml", &format!("{}\n{relay}", desk.read("convoke.toml")));
        let ran = desk.ends(78, &["check"]);
        assert!(ran.err.contains("password = { env = \"NAME\" }"), "{}", ran.err);
        assert!(!ran.err.contains("hunter2") && !ran.out.contains("hunter2"), "{}", ran.err);
    }
}

#[test]
fn real_relays_want_the_count_typed() {
    let desk = Desk::sample();
    let ran = desk.ends(64, &["send", "--relay", "smtps://smtp.host.example"]);
    assert!(ran.err.contains("268 messages would leave") && ran.err.contains("--yes 268"), "{}", ran.err);
    let ran = desk.ends(64, &["send", "--relay", "smtps://smtp.host.example", "--yes", "267"]);
    assert!(ran.err.contains("nothing was sent"), "{}", ran.err);
}

#[test]
fn template_faults_name_file_line_column_and_recipient() {
    let desk = Desk::sample();
    let letter = "templates/invitation/ngo.en.md.hbs";
    desk.write(letter, &desk.read(letter).replace("{{salutation}}", "{{salutation}} {{titel}} {{#if enttiy}}x{{/if}}"));
    let ran = desk.ends(78, &["check"]);
    assert!(
        ran.err.contains("unknown variable `titel` for recipients/ngos.csv:3 and 45 more rows; did you mean `title`?"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("unknown variable `enttiy`") && ran.err.contains("did you mean `entity`?"), "{}", ran.err);
    assert!(
        ran.err
            .lines()
            .all(|l| !l.starts_with("templates/") || l.split(':').nth(2).is_some_and(|c| c.parse::<u32>().is_ok())),
        "{}",
        ran.err
    );

    let desk = Desk::sample();
    desk.write(letter, &desk.read(letter).replace("{{salutation}}", "{{salutation}} {{title}}"));
    let ran = desk.ends(78, &["check"]);
    assert!(ran.err.contains("`title` is empty for recipients/ngos.csv:"), "{}", ran.err);

    let desk = Desk::sample();
    desk.write("templates/partials/loop-a.md.hbs", "{{> loop-b}}\n");
    desk.write("templates/partials/loop-b.md.hbs", "{{> loop-a}}\n");
    let ran = desk.ends(78, &["check"]);
    assert!(ran.err.contains("loop-a -> loop-b -> loop-a"), "{}", ran.err);
}

#[test]
fn no_note_verbale_goes_to_an_ngo_and_nobody_is_without_template() {
    let desk = Desk::sample();
    desk.write(
        "convoke.toml",
        &desk.read("convoke.toml").replace("observer = \"mission\"", "observer = \"mission\"\nngo = \"mission\""),
    );
    let ran = desk.ends(78, &["check"]);
    assert!(ran.err.contains("a note verbale would go to a recipient of kind `ngo`"), "{}", ran.err);
    let desk = Desk::sample();
    desk.write("convoke.toml", &desk.read("convoke.toml").replace("observer = \"mission\"", ""));
    let ran = desk.ends(78, &["check"]);
    assert!(ran.err.contains("there is no template for kind `observer`"), "{}", ran.err);
}
