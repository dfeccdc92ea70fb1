//! Whatever a server says, and however it is cut: nothing panics, nothing is taken that was not sent, the end is the end.

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use secrecy::SecretString;

use super::{Briefing, Credential, Dialogue, Event, Letter};
use crate::mail::AddrSpec;

/// Lines that move a dialogue on or astray, and octets that are nothing.
fn said() -> impl Strategy<Value = Vec<u8>> {
    const LINES: [&str; 16] = [
        "220 mx",
        "250 ok",
        "250-PIPELINING\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250-STARTTLS\r\n250 DSN",
        "250-mx\r\n250 LIMITS MAILMAX=2",
        "354 go",
        "250 ok\r\n250 ok\r\n354 go",
        "250 taken\r\n250 ok\r\n250 ok\r\n354 go",
        "550 5.1.1 no",
        "550 no\r\n503 no",
        "421 closing",
        "500 what",
        "334 UGFzc3dvcmQ6",
        "235 in",
        "535 out",
        "250-",
        "hello",
    ];
    let line = prop::sample::select(&LINES[..]).prop_map(|line| format!("{line}\r\n").into_bytes());
    proptest::prop_oneof![12 => line, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn nothing_a_server_says_is_taken_for_what_it_is_not(
        // Chance alone seldom greets.
        begun in prop::sample::select(vec!["", "220 mx\r\n250 mx\r\n", "220 mx\r\n250-mx\r\n250 PIPELINING\r\n"]),
        said in prop::collection::vec(said(), 0..40),
        starttls in any::<bool>(),
        login in any::<bool>(),
        messages in prop::option::of(1_u32..4),
        cut in 1_usize..30,
    ) {
        let from = AddrSpec::parse("s@x.example").expect("valid");
        let letter = Letter { from: &from, to: &from, octets: b"Subject: x\r\n\r\nx\r\n", message_id: "1@x.example" };
        let login = login.then(|| Credential { user: "me".into(), secret: SecretString::from("secret"), method: None });
        let briefing = Briefing { ehlo: "c.example".into(), starttls, login, dsn: true, messages };
        let mut dialogue = Dialogue::new(briefing);
        let (mut announced, mut sent, mut ended, mut may_send, mut is_behind) = (0_u32, 0_u32, 0_u32, 0_u32, false);
        'pieces: for piece in [begun.as_bytes(), &said.concat()].concat().chunks(cut) {
            dialogue.received(piece);
            loop {
                dialogue.written();
                match dialogue.event() {
                    Ok(None) if dialogue.output().is_empty() => break,
                    Ok(None) => {}
                    Ok(Some(Event::Protect)) => dialogue.protected(),
                    Ok(Some(event)) => {
                        match event {
                            Event::GoAhead => {
                                may_send += 1;
                                sent += 1;
                                is_behind = dialogue.takes_more_behind();
                                dialogue.send(letter.octets, is_behind.then_some(&letter));
                                announced += u32::from(is_behind);
                                continue;
                            }
                            Event::Accepted(reply) => {
                                prop_assert!(reply.is_done());
                                ended += 1;
                            }
                            Event::Refused(failure) => prop_assert!(failure.leaves_open()),
                            Event::Ready | Event::Protect => {}
                        }
                        if is_behind {
                            // Its answer is still to come.
                            is_behind = false;
                        } else if dialogue.takes_more() {
                            dialogue.announce(&letter);
                            announced += 1;
                        } else {
                            dialogue.quit();
                            break 'pieces;
                        }
                    }
                    Err(_) => {
                        prop_assert!(!dialogue.is_open() && !dialogue.takes_more());
                        prop_assert!(dialogue.output().is_empty(), "nothing is said after the end");
                        break 'pieces;
                    }
                }
            }
        }
        prop_assert!(ended <= sent && sent <= announced);
        prop_assert_eq!(sent, may_send);
        prop_assert!(announced <= messages.unwrap_or(u32::MAX), "never one more than agreed");
    }
}
