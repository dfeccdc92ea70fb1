//! Signatures: what `check` says of them, and what an independent reader (dkimpy) finds in the outbox.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use convoke::message::dkim::{Key, Signer};
use jiff::Timestamp;
use ring::rand::SystemRandom;

use crate::desk::{Desk, repository};
use crate::oracles::{oracles, passes};

const LIST: &str = "email,entity,kind,language,of_state\n\
    ghana@mission.example,Permanent Mission of Ghana,mission,en,of the Republic of Ghana\n\
    qatar@mission.example,Permanent Mission of Qatar,mission,ar,لدولة قطر\n\
    zoe@ngo.example,\"Médecins d'Ailleurs, section suisse\",ngo,fr,\n";

const RSA: [&str; 5] = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const ED25519: [&str; 3] = ["genpkey", "-algorithm", "ED25519"];

fn openssl(arguments: &[&str], out: &Path) {
    let status =
        Command::new("openssl").args(arguments).arg("-out").arg(out).stderr(Stdio::null()).status().expect("openssl");
    assert!(status.success(), "openssl {arguments:?}");
    only_ours(out);
}

#[cfg(unix)]
fn only_ours(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
}

#[cfg(not(unix))]
fn only_ours(_: &Path) {}

/// A list of three, signed with these keys.
fn desk(keys: &[(&str, &[&str])]) -> Desk {
    let desk = Desk::with_list(LIST);
    for (selector, arguments) in keys {
        openssl(arguments, &desk.path.join(format!("{selector}.pem")));
        sign_with(&desk, "liechtenstein-un.example", selector, &format!("{{ file = \"{selector}.pem\" }}"));
    }
    desk
}

fn sign_with(desk: &Desk, domain: &str, selector: &str, key: &str) {
    let settings = desk.read("convoke.toml");
    let entry = format!("\n[[dkim]]\ndomain = \"{domain}\"\nselector = \"{selector}\"\nkey = {key}\n");
    desk.write("convoke.toml", &(settings + &entry));
}

/// What `check` wants to be published, as the verifier reads it.
fn records(desk: &Desk) -> serde_json::Map<String, serde_json::Value> {
    let said: serde_json::Value = serde_json::from_str(&desk.ends(0, &["check", "--json"]).out).expect("JSON");
    let signatures = said["signatures"].as_array().expect("signatures");
    signatures
        .iter()
        .map(|s| (s["record"]["name"].as_str().expect("a name").to_owned(), s["record"]["value"].clone()))
        .collect()
}

fn verify(oracles: &Path, desk: &Desk, count: usize, folder: &str, last: &str) {
    desk.write("records.json", &serde_json::Value::Object(records(desk)).to_string());
    let mut command = Command::new(oracles.join("venv/bin/python"));
    command.arg(repository().join("tests/oracles/dkimverify.py")).arg(desk.path.join("records.json"));
    passes(command.arg(count.to_string()).arg(desk.path.join(folder)), last);
}

#[test]
fn signatures_in_the_outbox_verify_and_break_with_any_octet() {
    let Some(oracles) = oracles() else { return };
    let sets: [&[(&str, &[&str])]; 4] =
        [&[], &[("convoke1", &RSA)], &[("ed", &ED25519)], &[("convoke1", &RSA), ("ed.two", &ED25519)]];
    for keys in sets {
        let desk = desk(keys);
        desk.ends(0, &["send"]);
        verify(&oracles, &desk, keys.len(), "outbox", "3 messages, 0 failures");
    }
}

#[test]
fn messages_at_the_edges_verify() {
    let Some(oracles) = oracles() else { return };
    let desk = desk(&[("rsa", &RSA), ("ed", &ED25519)]);
    let keys = ["rsa", "ed"].map(|selector| {
        let pem = desk.read(&format!("{selector}.pem"));
        Key::from_pem("liechtenstein-un.example", selector, &pem).expect("a key")
    });
    static CHANCE: LazyLock<SystemRandom> = LazyLock::new(SystemRandom::new);
    let signer = Signer::new(keys.into(), &*CHANCE);
    let head = "From: A <a@host.example>\r\nTo: b@host.example\r\nSubject: Edges\r\n";
    let messages = [
        format!("{head}\r\n"),
        format!("{head}\r\n\r\n \t\r\n\r\n"),
        format!("{head}\r\nbody without an end"),
        format!("{head}\r\nbody \t\r\nwith  \t blanks \r\n\r\n\r\n \r\n"),
        format!("{head}X-Folded: a\r\n\tb\r\n  c \r\n\r\n{}\r\n", "long ".repeat(190)),
        format!(
            "{head}Message-ID: <1@host.example>\r\nReferences:\r\n <1@host.example>\r\n <2@host.example>\r\n\r\n.\r\n"
        ),
        format!("{head}Subject: twice \r\nCc: c@host.example\r\nCC: d@host.example\r\n\r\ntwo of a name\r\n"),
        format!(
            "{head}List-Unsubscribe: <https://host.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nx\r\n"
        ),
        format!("{head}Subject:\r\n\r\n\u{e9}\u{4e2d}\r\n"),
    ];
    for (n, message) in messages.iter().enumerate() {
        let at = Timestamp::from_second(1_504_000_060).expect("an instant");
        let signed = signer.sign(message.clone().into_bytes(), at).expect("signatures");
        desk.write(&format!("edges/{n}.eml"), &String::from_utf8(signed).expect("UTF-8"));
    }
    verify(&oracles, &desk, 2, "edges", &format!("{} messages, 0 failures", messages.len()));
}

#[test]
fn the_same_plan_gives_the_same_signed_octets() {
    let desk = desk(&[("rsa", &RSA), ("ed", &ED25519)]);
    desk.ends(0, &["send"]);
    let outbox = desk.outbox();
    assert_eq!(outbox.len(), 3);
    for octets in &outbox {
        let text = String::from_utf8_lossy(octets);
        assert_eq!(text.matches("DKIM-Signature:").count(), 2, "{text}");
        assert!(text.starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;"), "{text}");
        assert!(text.split("\r\n").take_while(|line| !line.is_empty()).all(|line| line.len() <= 78), "{text}");
    }
    // `preview` makes them again, with the Date that they were armed with.
    let ids = |octets: &[u8]| {
        String::from_utf8_lossy(octets).lines().find(|l| l.starts_with("Message-ID:")).map(str::to_owned)
    };
    desk.ends(0, &["preview", "--out", "again"]);
    let mut compared = 0;
    for entry in fs::read_dir(desk.path.join("again")).expect("a preview") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "eml") {
            let again = fs::read(&path).expect("a message");
            let sent = outbox.iter().find(|o| ids(o) == ids(&again)).expect("the message that was sent");
            assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(sent));
            compared += 1;
        }
    }
    assert_eq!(compared, 3);
}

#[test]
fn check_says_what_is_signed_and_what_to_publish() {
    let desk = desk(&[("convoke1", &RSA), ("ed", &ED25519)]);
    let ran = desk.ends(0, &["check"]);
    for words in [
        "every message is signed for liechtenstein-un.example with rsa-sha256, 2048 bits (DKIM); publish",
        "  convoke1._domainkey.liechtenstein-un.example. TXT \"v=DKIM1; k=rsa; p=MII",
        "with ed25519-sha256, 256 bits",
        "  ed._domainkey.liechtenstein-un.example. TXT \"v=DKIM1; k=ed25519; p=",
    ] {
        assert!(ran.out.contains(words), "{words}\n{}", ran.out);
    }
    assert!(!ran.err.contains("Ed25519 alone"), "{}", ran.err);
    let records = records(&desk);
    assert_eq!(records.len(), 2);
    // The same half that openssl writes out.
    let output = Command::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(desk.path.join("convoke1.pem"))
        .output()
        .expect("openssl");
    let public: String =
        String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.starts_with('-')).collect();
    let value = records["convoke1._domainkey.liechtenstein-un.example"].as_str().expect("a value");
    assert_eq!(value, format!("v=DKIM1; k=rsa; p={public}"));
    assert!(!ran.out.contains("PRIVATE") && !ran.err.contains("PRIVATE"));
}

#[test]
fn keys_come_from_the_environment_and_from_commands_too() {
    let desk = Desk::with_list(LIST);
    openssl(&ED25519, &desk.path.join("ed.pem"));
    let pem = desk.read("ed.pem");
    sign_with(&desk, "liechtenstein-un.example", "one", "{ env = \"CONVOKE_TEST_DKIM\" }");
    sign_with(&desk, "liechtenstein-un.example", "two", "{ command = [\"cat\", \"ed.pem\"] }");
    let output = desk.command(&["check"]).env("CONVOKE_TEST_DKIM", pem).output().expect("the program starts");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{out}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.matches("ed25519-sha256").count(), 2, "{out}");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("DKIM with Ed25519 alone: many receivers check RSA only"), "{err}");
    let ran = desk.ends(78, &["check"]);
    assert!(ran.err.contains("the environment variable `CONVOKE_TEST_DKIM` is not set"), "{}", ran.err);
}

#[test]
fn keys_that_cannot_be_used_are_named_all_at_once() {
    let desk = Desk::with_list(LIST);
    let fixtures = repository().join("tests/fixtures/dkim");
    for name in ["rsa.1024.pem", "ec.pem", "rsa.locked.pem", "rsa.public.pem", "ed25519.pem"] {
        fs::copy(fixtures.join(name), desk.path.join(name)).expect("a copy");
        if name != "ed25519.pem" {
            only_ours(&desk.path.join(name));
        }
    }
    let names = ["rsa.1024.pem", "ec.pem", "rsa.locked.pem", "rsa.public.pem", "ed25519.pem", "missing.pem"];
    for (n, name) in names.iter().enumerate() {
        sign_with(&desk, "liechtenstein-un.example", &format!("s{n}"), &format!("{{ file = \"{name}\" }}"));
    }
    let ran = desk.ends(78, &["check"]);
    for words in [
        "the DKIM key `s0` cannot be used: the RSA key has 1024 bits, and 2048 to 4096 are needed; make one: openssl",
        "the DKIM key `s1` cannot be used: the key is neither RSA nor Ed25519",
        "the key is locked with a passphrase; unlock it",
        "it holds `PUBLIC KEY` and no private key",
        "can be read by others (mode 644); run chmod 600 on it",
        "missing.pem",
        "6 problems; nothing was sent",
    ] {
        assert!(ran.err.contains(words), "{words}\n{}", ran.err);
    }
    assert_eq!(ran.err.lines().filter(|l| l.starts_with("convoke.toml:")).count(), 6, "{}", ran.err);
}

#[test]
fn entries_that_cannot_be_right_are_named_at_their_places() {
    for (entry, words) in [
        (
            "domain = \"other.example\"\nselector = \"s\"\nkey = { env = \"K\" }",
            "write domain = \"liechtenstein-un.example\"",
        ),
        ("domain = \"example\"\nselector = \"s\"\nkey = { env = \"K\" }", "`example` is no domain"),
        ("domain = \"un.example\"\nselector = \"s\"\nkey = { env = \"K\" }", "says nothing about that (DMARC)"),
        ("domain = \"liechtenstein-un.example\"\nselector = \"a b\"\nkey = { env = \"K\" }", "`a b` is no selector"),
        ("domain = \"liechtenstein-un.example\"\nselector = \"s\"", "`dkim.key` is missing"),
        (
            "domain = \"liechtenstein-un.example\"\nselector = \"s\"\nkey = \"MIIEv\"",
            "the private key stands in the file",
        ),
        (
            "domain = \"liechtenstein-un.example\"\nselector = \"s\"\nkey = { file = \"a\", env = \"K\" }",
            "`key` needs exactly one of env, file and command",
        ),
        (
            "domain = \"liechtenstein-un.example\"\nselector = \"s\"\nkey = { env = \"K\" }\nexpires = 3",
            "unknown key `dkim.expires`",
        ),
        (
            "domain = \"liechtenstein-un.example\"\nselector = \"s\"\nkey = { env = \"K\" }\n[[dkim]]\n\
             domain = \"Liechtenstein-UN.example\"\nselector = \"S\"\nkey = { env = \"L\" }",
            "the selector `s` of `liechtenstein-un.example` is named twice",
        ),
    ] {
        let desk = Desk::with_list(LIST);
        let settings = desk.read("convoke.toml");
        desk.write("convoke.toml", &format!("{settings}\n[[dkim]]\n{entry}\n"));
        let ran = desk.ends(78, &["check"]);
        assert!(ran.err.contains(words), "{words}\n{}", ran.err);
        assert!(ran.err.starts_with("convoke.toml:"), "{}", ran.err);
        assert!(!ran.err.contains("MIIEv"), "{}", ran.err);
    }
}
