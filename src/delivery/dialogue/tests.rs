//! Runs the conversations of `tests/dialogues`: what the server says, what we must say, what the caller must hear.
//!
//! A line is what its beginning says:
//!
//! ```text
//! #        a remark
//! S: text  the server's line; \xHH is an octet, a \ at the end leaves out the line end
//! S*9: t   the text nine times, without a line end
//! C: text  our line; lines that follow each other are one write, and a write must hold nothing else
//! > words  the caller does something: with .., check A, announce A, send, send then A, protected, closed, broken N written,
//!          quit; from here on its messages are big, eight bit
//! = words  the caller hears: ready, protect, go ahead, accepted .., refused PHASE: .., failed PHASE: ..;
//!          or sees: open, over, spent, one by one, id ..
//! ```
//!
//! Each conversation is held twice, the second time with the server's octets one by one: how the network cuts must not
//! matter. `> with whole replies` keeps a conversation about just that to the first time.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use secrecy::SecretString;

use super::{Briefing, Credential, Dialogue, Event, Failure, Letter, queue_id};
use crate::delivery::Mishap;
use crate::input::relay::AuthMethod;
use crate::mail::{AddrSpec, Reply};

const MESSAGE: &[u8] = b"Subject: hello\r\n\r\n.a dot\r\nbye\r\n";

/// The caller's side of one conversation.
struct Caller {
    dialogue: Dialogue,
    heard: VecDeque<String>,
    said: Vec<u8>,
    last: Option<Reply>,
    octet_by_octet: bool,
    size: usize,
    is_eight_bit: bool,
}

impl Caller {
    fn hear(&mut self) {
        loop {
            if !self.dialogue.output().is_empty() {
                self.said.extend_from_slice(self.dialogue.output());
                self.dialogue.written();
            }
            match self.dialogue.event() {
                Ok(Some(event)) => self.note(event),
                Ok(None) if self.dialogue.output().is_empty() => return,
                Ok(None) => {}
                Err(failure) => {
                    self.failed(&failure);
                    return;
                }
            }
        }
    }

    fn note(&mut self, event: Event) {
        let words = match event {
            Event::Protect => "protect".to_owned(),
            Event::Ready => "ready".to_owned(),
            Event::GoAhead => "go ahead".to_owned(),
            Event::Accepted(reply) => {
                let words = format!("accepted {reply}");
                self.last = Some(reply);
                words
            }
            Event::Refused(failure) => format!("refused {failure}"),
        };
        self.heard.push_back(words);
    }

    fn failed(&mut self, failure: &Failure) {
        self.heard.push_back(format!("failed {failure}"));
    }

    fn serve(&mut self, octets: &[u8]) {
        if self.octet_by_octet {
            for octet in octets {
                if self.dialogue.is_open() {
                    self.dialogue.received(&[*octet]);
                    self.hear();
                }
            }
        } else {
            self.dialogue.received(octets);
            self.hear();
        }
    }

    fn act(&mut self, words: &[&str]) {
        let from = AddrSpec::parse("s@x.example").expect("valid");
        let address = |text: &str| AddrSpec::parse(text).expect("an address in a conversation");
        let mut octets = MESSAGE.repeat(self.size);
        if self.is_eight_bit {
            octets.extend_from_slice("é\r\n".as_bytes());
        }
        let (to, other);
        let letter = |to| Letter { from: &from, to, octets: &octets, message_id: "id.1@x.example" };
        match words {
            ["announce", rest @ ..] => {
                to = address(rest[0]);
                self.dialogue.announce(&letter(&to));
            }
            ["check", rest @ ..] => {
                to = address(rest[0]);
                if let Err(failure) = self.dialogue.check(&letter(&to)) {
                    self.heard.push_back(format!("refused {failure}"));
                }
            }
            ["send"] => self.dialogue.send(&octets, None),
            ["send", "then", next] => {
                other = address(next);
                self.dialogue.send(&octets, Some(&letter(&other)));
            }
            ["protected"] => self.dialogue.protected(),
            ["quit"] => self.dialogue.quit(),
            ["closed"] => {
                let failure = self.dialogue.lost(Mishap::Closed);
                self.failed(&failure);
                return;
            }
            ["big"] => self.size = 100,
            ["eight", "bit"] => self.is_eight_bit = true,
            ["broken", written, "written"] => {
                // The caller has written this much of the output of a `send` before it.
                let written = written.parse().expect("a number");
                self.dialogue.send(&octets, None);
                let failure = self.dialogue.unwritten(written, true, Mishap::Closed);
                self.failed(&failure);
                return;
            }
            other => panic!("nobody knows how to {other:?}"),
        }
        self.hear();
    }

    /// Checks what the caller sees; `None` for what it must have heard.
    fn sees(&self, words: &str) -> Option<(String, String)> {
        let yes = |b: bool| if b { words.to_owned() } else { format!("not {words}") };
        let seen = match words {
            "open" => yes(self.dialogue.is_open()),
            "over" => yes(!self.dialogue.is_open()),
            "spent" => yes(!self.dialogue.takes_more()),
            "one by one" => yes(!self.dialogue.takes_more_behind()),
            _ if words.starts_with("id ") => format!("id {}", queue_id(self.last.as_ref()?)),
            _ => return None,
        };
        Some((seen, words.to_owned()))
    }
}

fn octets_of(text: &str) -> Vec<u8> {
    let (text, end) = text.strip_suffix('\\').map_or((text, "\r\n"), |open| (open, ""));
    let mut octets = Vec::new();
    let mut pieces = text.split("\\x");
    octets.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        octets.push(u8::from_str_radix(&piece[..2], 16).expect("two hexadecimal digits"));
        octets.extend_from_slice(&piece.as_bytes()[2..]);
    }
    octets.extend_from_slice(end.as_bytes());
    octets
}

fn hold(file: &str, text: &str, octet_by_octet: bool) {
    let mut briefing =
        Briefing { ehlo: "client.example".to_owned(), starttls: false, login: None, dsn: false, messages: None };
    let mut lines = text.lines().enumerate().peekable();
    while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with('#') || l.is_empty() || l.starts_with("> with ")) {
        let words: Vec<&str> = line.split(' ').skip(2).collect();
        match words.as_slice() {
            _ if !line.starts_with('>') => {}
            ["whole", "replies"] if octet_by_octet => return,
            ["whole", "replies"] => {}
            ["starttls"] => briefing.starttls = true,
            ["dsn"] => briefing.dsn = true,
            ["messages", n] => briefing.messages = Some(n.parse().expect("a number")),
            ["login", method, user, secret] => {
                let method = match *method {
                    "plain" => Some(AuthMethod::Plain),
                    "login" => Some(AuthMethod::Login),
                    "xoauth2" => Some(AuthMethod::XOAuth2),
                    _ => None,
                };
                let secret = SecretString::from(secret.replace('_', " "));
                briefing.login = Some(Credential { user: (*user).to_owned(), secret, method });
            }
            other => panic!("{file}: nobody knows {other:?}"),
        }
    }
    let mut caller = Caller {
        dialogue: Dialogue::new(briefing),
        heard: VecDeque::new(),
        said: Vec::new(),
        last: None,
        octet_by_octet,
        size: 1,
        is_eight_bit: false,
    };
    let mut expectations = 0;
    while let Some((number, line)) = lines.next() {
        let place = format!("{file}:{}{}", number + 1, if octet_by_octet { " (octet by octet)" } else { "" });
        if let Some(first) = line.strip_prefix("S") {
            let piece = |line: &str| match line.split_once(": ") {
                Some(("", text)) => octets_of(text),
                Some((times, text)) => text.repeat(times[1..].parse().expect("a number")).into_bytes(),
                None => octets_of(line.strip_prefix(':').expect("`S:`").trim_start()),
            };
            let mut octets = piece(first);
            while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with('S')) {
                octets.extend(piece(&line[1..]));
            }
            assert!(caller.said.is_empty(), "{place}: nobody expected {:?}", String::from_utf8_lossy(&caller.said));
            caller.serve(&octets);
        } else if let Some(first) = line.strip_prefix("C:") {
            let mut octets = octets_of(first.strip_prefix(' ').unwrap_or(first));
            while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with("C:")) {
                octets.extend(octets_of(line[2..].strip_prefix(' ').unwrap_or_else(|| &line[2..])));
            }
            let said = std::mem::take(&mut caller.said);
            assert_eq!(String::from_utf8_lossy(&said), String::from_utf8_lossy(&octets), "{place}");
        } else if let Some(words) = line.strip_prefix("> ") {
            assert!(caller.heard.is_empty(), "{place}: {:?} was heard before", caller.heard);
            caller.act(&words.split(' ').collect::<Vec<_>>());
        } else if let Some(words) = line.strip_prefix("= ") {
            expectations += 1;
            let (seen, wanted) = caller.sees(words).unwrap_or_else(|| {
                (caller.heard.pop_front().unwrap_or_else(|| "nothing".to_owned()), words.to_owned())
            });
            assert_eq!(seen, wanted, "{place}");
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{place}: {line}");
        }
    }
    assert!(expectations > 0, "{file}: nothing is expected");
    assert!(caller.heard.is_empty(), "{file}: {:?} was heard at the end", caller.heard);
    assert!(caller.said.is_empty(), "{file}: {:?} was said at the end", String::from_utf8_lossy(&caller.said));
}

#[test]
fn conversations_go_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut files: Vec<_> = fs::read_dir(folder).expect("conversations").map(|e| e.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() > 30, "{} conversations", files.len());
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("UTF-8");
        hold(&name, &text, false);
        hold(&name, &text, true);
    }
}
