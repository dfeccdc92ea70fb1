//! The examples of the standards, and signatures checked by ring with the published half of the key.

use std::sync::LazyLock;

use data_encoding::{BASE64, BASE64_MIME_PERMISSIVE};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

use super::canonical::{Field, relaxed_field, split};
use super::{Algorithm, Key, KeyFault, Signer, hash_of};

const RSA: &str = include_str!("../../../tests/fixtures/dkim/rsa.pem");
const RSA_PKCS1: &str = include_str!("../../../tests/fixtures/dkim/rsa.pkcs1.pem");
const ED25519_PEM: &str = include_str!("../../../tests/fixtures/dkim/ed25519.pem");
const LONG: &str = "a-selector-of-some-length.with-labels.of-its-own";

/// RFC 8463 appendix A.2: the message, and both signature fields.
const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
To: Suzie Q <suzie@shopping.example.net>\r\n\
Subject: Is dinner ready?\r\n\
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
\r\n\
Hi.\r\n\
\r\n\
We lost the game.  Are you hungry yet?\r\n\
\r\n\
Joe.\r\n";
const BODY_HASH: &str = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
const ED25519_FIELD: &str = " v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
d=football.example.com; i=@football.example.com;\r\n \
q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
subject : date : message-id : from : subject : date;\r\n \
bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
const ED25519_SIGNATURE: &str =
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
const RSA_FIELD: &str = " v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n \
d=football.example.com; i=@football.example.com;\r\n \
q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n \
date : message-id : from : subject : date;\r\n \
bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
const RSA_SIGNATURE: &str = "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\
DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\
dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";
/// The key of 1,024 bits in appendix A.1, as the record has it.
const RSA_PUBLIC: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5\
qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2\
EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

fn at() -> Timestamp {
    Timestamp::from_second(1_528_637_909).expect("an instant")
}

fn key(pem: &str, selector: &str) -> Key {
    Key::from_pem("football.example.com", selector, pem).expect("a key")
}

fn signer(keys: Vec<Key>) -> Signer {
    static CHANCE: LazyLock<SystemRandom> = LazyLock::new(SystemRandom::new);
    Signer::new(keys, &*CHANCE)
}

/// The Ed25519 key of RFC 8463 appendix A.1 in PKCS#8.
fn standards_key() -> Key {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend(BASE64.decode(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("base64"));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(&der));
    key(&pem, "brisbane")
}

/// The canonical fields of the standard's example, in the order of its `h=`.
fn data(signature_field: &str) -> Vec<u8> {
    let (fields, _) = split(MESSAGE.as_bytes());
    let mut data = Vec::new();
    for name in ["from", "to", "subject", "date", "message-id"] {
        let field = fields.iter().find(|f| f.is(name)).expect("a field");
        relaxed_field(*field, &mut data);
        data.extend_from_slice(b"\r\n");
    }
    relaxed_field(Field { name: b"DKIM-Signature", value: signature_field.as_bytes() }, &mut data);
    data
}

#[test]
fn the_body_hash_of_the_standards_example_comes_out() {
    let (_, body) = split(MESSAGE.as_bytes());
    assert_eq!(hash_of(body), BODY_HASH);
    // RFC 6376 has an empty body hash to the hash of nothing in relaxed form.
    assert_eq!(hash_of(b"\r\n \r\n"), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

#[test]
fn the_ed25519_signature_of_the_standards_example_comes_out() {
    let key = standards_key();
    let signature = key.sign(&data(ED25519_FIELD), &SystemRandom::new()).expect("a signature");
    assert_eq!(BASE64.encode(&signature), ED25519_SIGNATURE);
    let record = key.record();
    assert_eq!(record.name, "brisbane._domainkey.football.example.com");
    assert_eq!(record.value, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

#[test]
fn the_rsa_signature_of_the_standards_example_fits_our_canonical_form() {
    // Its key is too short to sign with here, so its signature is checked.
    let info = BASE64.decode(RSA_PUBLIC.as_bytes()).expect("base64");
    let public = &info[info.len() - 140..];
    let signature = BASE64.decode(RSA_SIGNATURE.as_bytes()).expect("base64");
    UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, public)
        .verify(&data(RSA_FIELD), &signature)
        .expect("the standard's signature");
}

/// What an independent check of our own fields needs, by hand and not by the signer's code.
fn verify(octets: &[u8], key: &Key) -> bool {
    let (fields, body) = split(octets);
    let of_key = |f: &&Field<'_>| {
        f.is("DKIM-Signature") && String::from_utf8_lossy(f.value).contains(&format!("s={};", key.selector()))
    };
    let signature_field = fields.iter().find(of_key).expect("a signature of this key");
    let text = String::from_utf8(signature_field.value.to_vec()).expect("ASCII");
    let bare: String = text.split_whitespace().collect();
    let tag = |name: &str| {
        bare.split(';').find_map(|t| t.strip_prefix(name).and_then(|t| t.strip_prefix('='))).expect("a tag").to_owned()
    };
    if tag("bh") != hash_of(body) {
        return false;
    }
    let mut left: Vec<&Field<'_>> = fields.iter().collect();
    let mut data = Vec::new();
    for name in tag("h").split(':') {
        if let Some(at) = left.iter().rposition(|f| f.is(name)) {
            relaxed_field(*left.remove(at), &mut data);
            data.extend_from_slice(b"\r\n");
        }
    }
    let (open, _) = text.rsplit_once("b=").expect("the last tag");
    relaxed_field(Field { name: signature_field.name, value: format!("{open}b=").as_bytes() }, &mut data);
    let signature = BASE64_MIME_PERMISSIVE.decode(tag("b").as_bytes()).expect("base64");
    let value = key.record().value;
    let public = BASE64.decode(value.split_once("p=").expect("a key").1.as_bytes()).expect("base64");
    match key.algorithm() {
        // Behind the 24 octets of the SubjectPublicKeyInfo of a key of 2,048 bits.
        Algorithm::RsaSha256 => UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &public[24..])
            .verify(&data, &signature)
            .is_ok(),
        Algorithm::Ed25519Sha256 => {
            let hash = ring::digest::digest(&ring::digest::SHA256, &data);
            UnparsedPublicKey::new(&ED25519, &public).verify(hash.as_ref(), &signature).is_ok()
        }
    }
}

#[test]
fn both_kinds_sign_side_by_side_and_any_change_shows() {
    let signer = signer(vec![key(RSA, "rsa"), key(ED25519_PEM, "ed")]);
    let signed = signer.sign(MESSAGE.as_bytes().to_vec(), at()).expect("signatures");
    assert!(signed.ends_with(MESSAGE.as_bytes()), "the message itself is untouched");
    assert_eq!(signed, signer.sign(MESSAGE.as_bytes().to_vec(), at()).expect("signatures"), "the same octets again");
    let text = String::from_utf8(signed.clone()).expect("ASCII");
    assert_eq!(text.matches("DKIM-Signature:").count(), 2);
    assert!(text.contains("t=1528637909;"));
    for key in signer.keys() {
        assert!(verify(&signed, key), "{key:?}\n{text}");
        for (from, to) in [
            ("We lost", "We won!"),
            ("Is dinner", "No dinner"),
            ("t=1528637909", "t=1528637910"),
            ("MIME-Version", "Mime-Versio"),
            ("From: Joe", "From: Moe"),
            ("\r\nFrom: Joe", "\r\nFrom: Eve <eve@host.example>\r\nFrom: Joe"),
            ("\r\nTo: Suzie", "\r\nReply-To: eve@host.example\r\nTo: Suzie"),
            ("Joe.\r\n", "Joe.\r\nP.S.\r\n"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            assert!(!verify(changed.as_bytes(), key), "{from} to {to} went unseen");
        }
        // What relays do on the way and relaxed forms forgive.
        let harmless = text.replace("Subject: Is", "SUBJECT:\r\n\tIs ").replace("game.  Are", "game. Are");
        assert!(verify(format!("Received: by host\r\n{harmless}\r\n\r\n").as_bytes(), key));
    }
}

#[test]
fn what_is_there_is_covered() {
    let message = "From: a@host.example\r\nList-Unsubscribe: <https://host.example/u>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nIn-Reply-To: <1@host.example>\r\n\r\n";
    let signed = signer(vec![key(ED25519_PEM, LONG)]).sign(message.as_bytes().to_vec(), at()).expect("a signature");
    let text = String::from_utf8(signed).expect("ASCII");
    let bare: String = text.split_whitespace().collect();
    assert!(
        bare.contains(
            ";h=From:From:To:Subject:Date:Message-ID:Reply-To:MIME-Version:Content-Type:\
             In-Reply-To:List-Unsubscribe:List-Unsubscribe-Post;"
        ),
        "{text}"
    );
    for line in text.split("\r\n") {
        assert!(line.len() <= 78 && line.trim_end() == line, "{line}");
    }
}

#[test]
fn lines_are_folded_for_every_length_of_the_names() {
    for length in 1..=63 {
        let selector = "s".repeat(length);
        let signed = signer(vec![key(RSA, &selector)]).sign(MESSAGE.as_bytes().to_vec(), at()).expect("a signature");
        let text = String::from_utf8(signed.clone()).expect("ASCII");
        assert!(text.split("\r\n").all(|line| line.len() <= 78), "{text}");
        assert!(verify(&signed, &key(RSA, &selector)), "{text}");
    }
}

#[test]
fn fields_twice_and_folded_and_bodies_of_all_sorts_are_signed() {
    for message in [
        "From: a@host.example\r\n".to_owned(),
        "From: a@host.example\r\n\r\n".to_owned(),
        "From: a@host.example\r\nFrom: b@host.example\r\n\tc\r\nSubject:\r\n\r\n \r\n\r\n".to_owned(),
        format!("From: a@host.example\r\nSubject: {}\r\n\r\n{}", "x ".repeat(400), "y".repeat(2000)),
    ] {
        let signer = signer(vec![key(RSA, "rsa"), key(ED25519_PEM, "ed")]);
        let signed = signer.sign(message.clone().into_bytes(), at()).expect("signatures");
        assert!(signer.keys().iter().all(|key| verify(&signed, key)), "{message}");
    }
}

#[test]
fn pkcs1_and_pkcs8_hold_the_same_key() {
    let (one, eight) = (key(RSA_PKCS1, "s"), key(RSA, "s"));
    assert_eq!(one.record(), eight.record());
    assert_eq!(one.bits(), 2048);
    let info: String = include_str!("../../../tests/fixtures/dkim/rsa.public.pem")
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert_eq!(eight.record().value, format!("v=DKIM1; k=rsa; p={info}"));
    let line = eight.record().to_string();
    assert!(line.starts_with("s._domainkey.football.example.com. TXT \"v=DKIM1; k=rsa; p="), "{line}");
    assert_eq!(line.matches('"').count(), 4, "two strings: {line}");
}

#[test]
fn what_is_no_key_is_named() {
    let fault = |pem: &str| Key::from_pem("d.example", "s", pem).expect_err("no key");
    assert_eq!(fault(""), KeyFault::NotPem);
    assert_eq!(fault("-----BEGIN PRIVATE KEY-----\nmoin"), KeyFault::NotPem);
    assert_eq!(fault("-----BEGIN PRIVATE KEY-----\n(((\n-----END PRIVATE KEY-----"), KeyFault::NotPem);
    assert_eq!(
        fault("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        KeyFault::Damaged("no PKCS#8".to_owned())
    );
    assert_eq!(fault(include_str!("../../../tests/fixtures/dkim/rsa.locked.pem")), KeyFault::Encrypted);
    assert_eq!(
        fault(include_str!("../../../tests/fixtures/dkim/rsa.public.pem")),
        KeyFault::NotPrivate("PUBLIC KEY".to_owned())
    );
    assert_eq!(fault(include_str!("../../../tests/fixtures/dkim/rsa.1024.pem")), KeyFault::Bits(1024));
    assert_eq!(fault(include_str!("../../../tests/fixtures/dkim/ec.pem")), KeyFault::UnknownKind);
    assert_eq!(fault(include_str!("../../../tests/fixtures/dkim/ec.pkcs8.pem")), KeyFault::UnknownKind);
    // One octet of the modulus changed: the primes no longer fit.
    let broken = RSA.replacen("AoIBAQDA", "AoIBAQDB", 1);
    assert!(broken != RSA);
    assert!(matches!(fault(&broken), KeyFault::Damaged(_) | KeyFault::Bits(_)), "{:?}", fault(&broken));
    let shown = format!("{:?}", key(RSA, "s"));
    assert_eq!(shown, "Key(rsa-sha256, s of football.example.com)");
}
