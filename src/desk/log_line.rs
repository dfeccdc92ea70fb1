//! Lines of the log: JSON objects, one a line.
//!
//! What: [`AttemptLine`] for each attempt, [`run_begins`] and [`run_ends`] around them. Addresses appear only where they were
//! asked for; without that a line names the dispatch and the domain, and addresses in a relay's words are masked.
//! Not here: writing them (`io::log`). Called by: `command::record`. Can fail: nothing.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::run_report::Verdicts;
use crate::journal::{Attempt, Standing};
use crate::mail::{AddrSpec, masked_in};

/// One attempt, with what the journal says of it.
#[derive(Clone, Copy, Debug)]
pub struct AttemptLine<'a> {
    /// The run's number.
    pub run: i64,
    /// The dispatch's number.
    pub dispatch: i64,
    /// Why the message is written.
    pub purpose: &'a str,
    /// To whom.
    pub to: &'a AddrSpec,
    /// Without angle brackets.
    pub message_id: &'a str,
    /// Where the dispatch stands now.
    pub standing: Standing,
    /// Which attempt it was that counted, from 1.
    pub number: u32,
    /// How it ended.
    pub attempt: &'a Attempt,
    /// Whether addresses may be shown.
    pub addresses: bool,
}

impl AttemptLine<'_> {
    /// The line, without its end.
    pub fn json(&self) -> Value {
        let attempt = self.attempt;
        let took_ms = attempt.ended.as_millisecond() - attempt.started.as_millisecond();
        let text = |t: &str| Some(t.to_owned()).filter(|t| !t.is_empty());
        let mut line = json!({
            "time": attempt.ended.to_string(),
            "event": "attempt",
            "run": self.run,
            "dispatch": self.dispatch,
            "purpose": self.purpose,
            "domain": self.to.domain(),
            "message_id": self.message_id,
            "attempt": self.number,
            "relay": attempt.relay,
            "phase": attempt.phase,
            "code": Some(attempt.code).filter(|code| *code > 0),
            "enhanced": text(&attempt.enhanced),
            "text": if self.addresses { attempt.text.clone() } else { masked_in(&attempt.text) },
            "scope": text(&attempt.scope),
            "standing": self.standing.as_str(),
            "queue_id": text(&attempt.queue_id),
            "tls": text(&attempt.tls),
            "duration_ms": took_ms,
        });
        if self.addresses {
            line["address"] = Value::from(self.to.as_str());
        }
        line
    }

    /// A second line where the connection was at fault: the message was given back without having been spoken of.
    pub fn trouble(&self) -> Value {
        json!({
            "time": self.attempt.ended.to_string(),
            "event": "connection",
            "run": self.run,
            "relay": self.attempt.relay,
            "phase": self.attempt.phase,
            "text": masked_in(&self.attempt.text),
        })
    }
}

/// The first line of a run.
pub fn run_begins(run: i64, settings: &Value, at: Timestamp) -> Value {
    json!({ "time": at.to_string(), "event": "run begins", "run": run, "settings": settings })
}

/// The last line of a run.
pub fn run_ends(run: i64, ended_by: &str, counts: Verdicts, at: Timestamp) -> Value {
    json!({
        "time": at.to_string(),
        "event": "run ends",
        "run": run,
        "ended_by": Some(masked_in(ended_by)).filter(|why| !why.is_empty()),
        "counts": counts,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::AttemptLine;
    use crate::journal::{Attempt, Standing};
    use crate::mail::AddrSpec;

    fn line(addresses: bool) -> String {
        let started = Timestamp::from_millisecond(1_500_000_000_000).expect("a time");
        let to = AddrSpec::parse("ana.lopez@x.example").expect("valid");
        let attempt = Attempt {
            phase: "rcpt".to_owned(),
            relay: "main".to_owned(),
            code: 550,
            enhanced: "5.1.1".to_owned(),
            text: "550 5.1.1 <ana.lopez@x.example>: no".to_owned(),
            scope: "recipient".to_owned(),
            tls: String::new(),
            queue_id: String::new(),
            run: None,
            started,
            ended: Timestamp::from_millisecond(1_500_000_000_042).expect("a time"),
        };
        let line = AttemptLine {
            run: 2,
            dispatch: 7,
            purpose: "invitation",
            to: &to,
            message_id: "token@host.example",
            standing: Standing::Failed,
            number: 1,
            attempt: &attempt,
            addresses,
        };
        line.json().to_string()
    }

    #[test]
    fn a_line_says_everything_but_whose_mailbox() {
        let masked = line(false);
        assert!(!masked.contains("ana.lopez"), "{masked}");
        for part in [
            "\"dispatch\":7",
            "\"domain\":\"x.example\"",
            "\"duration_ms\":42",
            "<a…@x.example>",
            "\"standing\":\"FAILED\"",
            "\"tls\":null",
        ] {
            assert!(masked.contains(part), "{part} in {masked}");
        }
        assert!(line(true).contains("\"address\":\"ana.lopez@x.example\""));
    }
}
