//! Rates, quotas, the end and presets, from the file to what is said and done.

use crate::desk::Desk;

const THREE: &str = "email,entity,kind,language\na@x.example,A,ngo,en\nb@x.example,B,ngo,en\nc@y.example,C,ngo,en\n";

/// The settings with one more line under `[limits]`.
fn limit(desk: &Desk, line: &str) {
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replacen("[limits]\n", &format!("[limits]\n{line}\n"), 1));
}

#[test]
fn check_and_send_say_how_long_it_takes_and_why() {
    let desk = Desk::sample();
    let settings = desk.read("convoke.toml");
    desk.write("convoke.toml", &settings.replace("rate = \"200/s\"", "rate = \"30/min\""));
    let ran = desk.ends(0, &["check"]);
    assert!(ran.out.contains("\n268 messages, 9 min, ends "), "{}", ran.out);
    assert!(ran.out.contains(" (bound by 30/min)\n"), "{}", ran.out);
    let json: serde_json::Value = serde_json::from_str(&desk.ends(0, &["check", "--json"]).out).expect("JSON");
    assert_eq!(json["forecast"]["takes_ms"], 536_000);
    assert_eq!(json["forecast"]["bound_by"], "30/min");
    let sent = desk.ends(0, &["send", "--limit", "1", "--rate", "100/s"]);
    assert!(sent.out.contains("\n1 message, 1 s (bound by 100/s)\n"), "{}", sent.out);
}

#[test]
fn a_quota_remembers_the_run_before() {
    let desk = Desk::with_list(THREE);
    limit(&desk, "per_day = 2");
    desk.ends(0, &["send", "--limit", "2"]);
    assert_eq!(desk.standing("SENT"), 2);
    let ran = desk.ends(0, &["check"]);
    assert!(ran.out.contains("\n1 message, 24 h "), "{}", ran.out);
    assert!(ran.out.contains("(bound by 2 a day)"), "{}", ran.out);
}

#[test]
fn after_the_end_nothing_leaves() {
    let desk = Desk::with_list(THREE);
    limit(&desk, "until = 2017-09-22T09:00:00");
    let ran = desk.ends(78, &["send"]);
    assert!(ran.err.contains("3 messages, but none may leave: the end was "), "{}", ran.err);
    assert_eq!((desk.standing("SENT"), desk.outbox().len()), (0, 0));
}

#[test]
fn a_preset_sets_what_the_relay_allows_and_own_keys_overrule_it() {
    let desk = Desk::with_list(THREE);
    let settings = desk.read("convoke.toml");
    let relay = |keys: &str| {
        desk.write(
            "convoke.toml",
            &format!("{settings}\n[[relay]]\nname = \"main\"\nurl = \"smtp://127.0.0.1:9\"\n{keys}\n"),
        );
    };
    relay("preset = \"exchange-online\"");
    let ran = desk.ends(0, &["check"]);
    assert!(ran.out.contains("3 messages, 6 s (bound by 30/min of relay main)"), "{}", ran.out);
    relay("preset = \"exchange-online\"\nrate = \"1/s\"");
    let ran = desk.ends(0, &["check"]);
    assert!(ran.out.contains("3 messages, 3 s (bound by 1/s of relay main)"), "{}", ran.out);
    relay("preset = \"exchange\"");
    let ran = desk.ends(78, &["check"]);
    assert!(ran.err.contains("unknown preset `exchange`; write one of exchange-online, gmail, "), "{}", ran.err);
}

#[test]
fn domains_are_counted_for_the_forecast() {
    let desk = Desk::with_list(THREE);
    limit(&desk, "domain = { rate = \"1/min\" }");
    let ran = desk.ends(0, &["check"]);
    assert!(ran.out.contains("3 messages, 2 min, ends "), "{}", ran.out);
    assert!(ran.out.contains("(bound by 1/min to x.example)"), "{}", ran.out);
}
