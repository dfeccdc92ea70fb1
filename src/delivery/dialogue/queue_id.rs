//! Under which name the relay keeps a message, out of its answer to the final dot.

use crate::mail::{EnhancedCode, Reply};

/// As much as a journal keeps of what a server calls its identifier.
const LONGEST: usize = 200;

/// Reads the identifier that the relay's own log knows the message by, in the forms of the common servers; empty where the
/// answer has none of them.
pub fn queue_id(reply: &Reply) -> String {
    let found = reply.lines().iter().rev().find_map(|line| in_line(line));
    found.map(|id| id.chars().take(LONGEST).collect()).unwrap_or_default()
}

fn in_line(line: &str) -> Option<&str> {
    let text = without_code(line);
    let lower = text.to_ascii_lowercase();
    // Exchange: `<id@host> [InternalId=12, Hostname=h] 9 bytes in 0.1 sec Queued mail for delivery`.
    // Exim: `OK id=1abc-0000-00`; KumoMTA: `OK ids=1f2e`; Stalwart: `Message queued with id 1f2e.`; Postfix and those who
    // sound like it: `Ok: queued as 4XyZ`.
    for mark in ["internalid=", "queued as ", "queued with id ", "ids=", "id="] {
        if let Some(at) = lower.find(mark) {
            let before = lower[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_ascii_alphanumeric()) {
                return word(&text[at + mark.len()..]);
            }
        }
    }
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match words.as_slice() {
        // Google: `OK  1700000000 a1-2002sm123.4 - gsmtp`.
        [.., id, "-", "gsmtp"] => word(id),
        // sendmail and OpenSMTPD: `3AB Message accepted for delivery`.
        [id, "Message", "accepted", ..] => word(id),
        // qmail: `ok 1700000000 qp 4711`.
        [ok, _, "qp", id] if ok.eq_ignore_ascii_case("ok") => word(id),
        // Haraka: `Message Queued (8F2E-..)`.
        [_, queued, id] if queued.eq_ignore_ascii_case("queued") && id.starts_with('(') => word(id),
        // Amazon SES: `Ok 0102018f...-000000`, nothing else and long.
        [ok, id] if ok.eq_ignore_ascii_case("ok") && id.len() >= 20 && is_token(id) => word(id),
        _ => None,
    }
}

/// The text behind an enhanced code.
fn without_code(line: &str) -> &str {
    match EnhancedCode::at_start(line) {
        Some(_) => line.split_once([' ', '\t']).map_or("", |(_, text)| text.trim_start()),
        None => line,
    }
}

/// The first word, without what surrounds it.
fn word(text: &str) -> Option<&str> {
    let word = text.trim_start().split([' ', '\t', ',', ';', ']']).next()?;
    let word = word.trim_matches(['<', '>', '(', ')', '"', '\'', '[']).trim_end_matches(['.', ':']);
    (!word.is_empty()).then_some(word)
}

fn is_token(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::queue_id;
    use crate::mail::Reply;

    #[test]
    fn identifiers_of_the_common_servers_are_found() {
        for (text, id) in [
            ("2.0.0 Ok: queued as 4XyZ12ab3c", "4XyZ12ab3c"),
            ("2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9F3E1", "9F3E1"),
            ("OK id=1tABcd-0000000Xyz-0aBc", "1tABcd-0000000Xyz-0aBc"),
            (
                "Ok 0102018f6a1b2c3d-1f2e3d4c-0000-4a5b-9c8d-7e6f5a4b3c2d-000000",
                "0102018f6a1b2c3d-1f2e3d4c-0000-4a5b-9c8d-7e6f5a4b3c2d-000000",
            ),
            (
                "2.6.0 <m1@x.example> [InternalId=94489280538, Hostname=AM0PR01.example] 9 bytes in 0.1, 8 KB/sec Queued mail for delivery",
                "94489280538",
            ),
            ("2.0.0 OK  1700000000 a640c23a62f3a-2002sm123.4 - gsmtp", "a640c23a62f3a-2002sm123.4"),
            ("2.0.0 3A5B6C7D012345 Message accepted for delivery", "3A5B6C7D012345"),
            ("2.0.0: Message queued with id 1f2e3d.", "1f2e3d"),
            ("OK ids=8f2e3d4c5b6a", "8f2e3d4c5b6a"),
            ("ok 1700000000 qp 4711", "4711"),
            ("Message Queued (8F2E3D4C-5B6A.1)", "8F2E3D4C-5B6A.1"),
            ("2.0.0 filed in the sandbox", ""),
            ("2.0.0 Ok", ""),
            ("Ok thanks", ""),
            ("Great success", ""),
            ("paid=1 grid=2", ""),
            ("queued as ", ""),
            ("", ""),
        ] {
            assert_eq!(queue_id(&Reply::new(250, vec![text.to_owned()])), id, "{text}");
        }
        let lines = ["2.0.0 first", "2.0.0 Ok: queued as B2", ""].map(str::to_owned).to_vec();
        assert_eq!(queue_id(&Reply::new(250, lines)), "B2");
        assert_eq!(queue_id(&Reply::new(250, Vec::new())), "");
    }
}
