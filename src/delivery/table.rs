//! What relays and providers mean by their replies, as data.
//!
//! What: `replies.toml` read once, and [`look_up`]. The first row that fits counts, so the particular ones stand first; an
//! enhanced code is heeded only where its class agrees with the reply's first digit (RFC 2034 section 4). Each row names
//! its source. Not here: the laws that no row may break (`judgement`). Called by: `judgement`.
//! Can fail: nothing; that the table can be read is tested.

use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;

use super::judgement::{Held, Hold, Judgement, Measure};
use super::verdict::{Phase, Scope, Verdict};
use crate::mail::{EnhancedCode, Reply};

const TEXT: &str = include_str!("replies.toml");

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| read(TEXT).expect("the table is read by a test"));

/// The judgement of the first row that fits a reply of class 4 or 5.
pub(super) fn look_up(phase: Phase, reply: &Reply) -> Judgement {
    let enhanced = reply.enhanced();
    let text = folded(reply);
    TABLE
        .iter()
        .find(|row| row.fits(phase, reply.code(), enhanced, &text))
        .map(Row::judgement)
        .expect("the last two rows fit every reply, which a test checks")
}

/// The words of all lines in lower case, without the enhanced codes that each line repeats.
fn folded(reply: &Reply) -> String {
    let mut text = String::new();
    for line in reply.lines() {
        let words = match EnhancedCode::at_start(line) {
            Some(_) => line.split_once([' ', '\t']).map_or("", |(_, words)| words),
            None => line,
        };
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(words.trim());
    }
    text.make_ascii_lowercase();
    text
}

/// A row as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[serde(default)]
    phases: Vec<String>,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    enhanced: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
    verdict: Action,
    scope: Whose,
    #[serde(default)]
    first_wait_min: u64,
    hold: Option<WrittenHold>,
    #[serde(default)]
    dead: bool,
    reason: String,
    source: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Deferred,
    Refused,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Whose {
    Recipient,
    Message,
    Route,
    Provider,
    Setup,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHold {
    of: WrittenHeld,
    minutes: u64,
    slow_to: Option<u32>,
    connections: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenHeld {
    Relay,
    Provider,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    reply: Vec<Written>,
}

#[derive(Debug)]
struct Row {
    id: String,
    /// Empty: any; so below.
    phases: Vec<Phase>,
    /// First and last.
    codes: Vec<(u16, u16)>,
    enhanced: Vec<Enhanced>,
    /// One of them must be there; each is a chain of pieces that follow each other.
    words: Vec<Vec<String>>,
    verdict: Verdict,
    hold: Option<Hold>,
    first_wait: Duration,
    dead: bool,
    reason: String,
}

/// Which enhanced codes; the class is the reply's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enhanced {
    None,
    Of { subject: u16, details: Option<(u16, u16)> },
}

impl Row {
    fn fits(&self, phase: Phase, code: u16, enhanced: Option<EnhancedCode>, text: &str) -> bool {
        let any = |empty: bool, found: bool| empty || found;
        any(self.codes.is_empty(), self.codes.iter().any(|(first, last)| (*first..=*last).contains(&code)))
            && any(self.phases.is_empty(), self.phases.contains(&phase))
            && any(self.enhanced.is_empty(), self.enhanced.iter().any(|pattern| pattern.fits(enhanced)))
            && any(self.words.is_empty(), self.words.iter().any(|chain| has_chain(text, chain)))
    }

    fn judgement(&'static self) -> Judgement {
        Judgement::of_row(self.verdict, self.hold, self.first_wait, self.dead, &self.reason, &self.id)
    }
}

impl Enhanced {
    fn fits(self, code: Option<EnhancedCode>) -> bool {
        match (self, code) {
            (Self::None, None) => true,
            (Self::Of { subject, details }, Some(code)) => {
                code.subject == subject && details.is_none_or(|(first, last)| (first..=last).contains(&code.detail))
            }
            _ => false,
        }
    }

    /// `none`, `7.*`, `7.1` or `7.606-649`.
    fn parse(written: &str) -> Option<Self> {
        if written == "none" {
            return Some(Self::None);
        }
        let (subject, details) = written.split_once('.')?;
        let details = if details == "*" { None } else { Some(range(details)?) };
        Some(Self::Of { subject: subject.parse().ok()?, details })
    }
}

fn has_chain(text: &str, chain: &[String]) -> bool {
    let mut rest = text;
    for piece in chain {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// `7` or `7-9`.
fn range(written: &str) -> Option<(u16, u16)> {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// `421`, `450-452`, `4xx`.
fn codes(written: &str) -> Option<(u16, u16)> {
    match written.strip_suffix("xx") {
        Some(digit) => digit.parse::<u16>().ok().map(|d| (100 * d, 100 * d + 99)),
        None => range(written),
    }
}

fn each<T>(written: &[String], what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    written.iter().map(|one| parse(one).ok_or_else(|| format!("`{one}` is no {what}"))).collect()
}

fn read(text: &str) -> Result<Vec<Row>, String> {
    let document: Document = toml::from_str(text).map_err(|e| e.to_string())?;
    document.reply.into_iter().map(row).collect()
}

fn row(written: Written) -> Result<Row, String> {
    let scope = match written.scope {
        Whose::Recipient => Scope::Recipient,
        Whose::Message => Scope::Message,
        Whose::Route => Scope::Route,
        Whose::Provider => Scope::Provider,
        Whose::Setup => Scope::Setup,
    };
    if written.source.is_empty() || written.reason.is_empty() {
        return Err(format!("`{}` needs a reason and a source", written.id));
    }
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let hold = match written.hold {
        None => None,
        Some(hold) => Some(Hold {
            of: match hold.of {
                WrittenHeld::Relay => Held::Relay,
                WrittenHeld::Provider => Held::Provider,
            },
            measure: match (hold.slow_to, hold.connections) {
                (None, None) => Measure::Rest,
                (Some(per_minute), None) => Measure::SlowTo(per_minute),
                (None, Some(most)) => Measure::Connections(most),
                (Some(_), Some(_)) => return Err(format!("`{}` has two measures", written.id)),
            },
            lasts: minutes(hold.minutes),
        }),
    };
    let named = |name: &str| Phase::ALL.into_iter().find(|phase| phase.as_str() == name);
    Ok(Row {
        phases: each(&written.phases, "phase", named)?,
        codes: each(&written.codes, "code", codes)?,
        enhanced: each(&written.enhanced, "enhanced code", Enhanced::parse)?,
        words: written.words.iter().map(|chain| chain.split('*').map(str::to_lowercase).collect()).collect(),
        verdict: match written.verdict {
            Action::Deferred => Verdict::Deferred(scope),
            Action::Refused => Verdict::Refused(scope),
        },
        hold,
        first_wait: minutes(written.first_wait_min),
        dead: written.dead,
        reason: written.reason,
        id: written.id,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write as _;

    use super::{Enhanced, TEXT, read};
    use crate::delivery::{Held, Hold, Judgement, Measure, Mishap, Phase, Verdict, judge};
    use crate::mail::Reply;

    /// Replies as they were seen or documented: phase, code, text (lines parted by ` | `), what is to come of it, source.
    const EXAMPLES: &str = include_str!("../../tests/fixtures/replies.tsv");

    fn in_words(judgement: &Judgement) -> String {
        let mut words = match judgement.verdict {
            Verdict::Accepted => "accepted".to_owned(),
            Verdict::InDoubt => "in-doubt".to_owned(),
            Verdict::Deferred(scope) => format!("deferred {}", scope.as_str()),
            Verdict::Refused(scope) => format!("refused {}", scope.as_str()),
        };
        if let Some(Hold { of, measure, lasts }) = judgement.hold {
            let of = if of == Held::Relay { "relay" } else { "provider" };
            let minutes = lasts.as_secs() / 60;
            write!(words, ", {of} ").expect("a string takes it");
            match measure {
                Measure::Rest => write!(words, "rests {minutes} min"),
                Measure::SlowTo(n) => write!(words, "slow {n}/min {minutes} min"),
                Measure::Connections(n) => write!(words, "connections {n}"),
            }
            .expect("a string takes it");
        } else if !judgement.at_least.is_zero() {
            write!(words, ", wait {} min", judgement.at_least.as_secs() / 60).expect("a string takes it");
        }
        if judgement.dead_address {
            words.push_str(", dead");
        }
        words
    }

    #[test]
    fn rows_are_whole_and_have_a_source() {
        let rows = read(TEXT).expect("the table is right");
        let mut ids = HashSet::new();
        for row in &rows {
            assert!(ids.insert(row.id.clone()), "`{}` is there twice", row.id);
            assert!(!row.reason.ends_with('.'), "`{}` says why in our voice", row.id);
            for chain in &row.words {
                assert!(chain.iter().all(|piece| piece.len() > 1), "`{}` has a word of one letter: {chain:?}", row.id);
            }
            if row.dead {
                let addresses = |e: &Enhanced| {
                    matches!(e, Enhanced::Of { subject: 1, details: Some((first, last)) }
                        if first == last && [1, 2, 3, 6, 10].contains(first))
                };
                assert!(!row.enhanced.is_empty() && row.enhanced.iter().all(addresses), "`{}` kills too much", row.id);
            }
        }
        let [.., temporary, permanent] = rows.as_slice() else { panic!("two rows at least") };
        for (row, codes) in [(temporary, (400, 499)), (permanent, (500, 599))] {
            assert!(row.phases.is_empty() && row.enhanced.is_empty() && row.words.is_empty(), "`{}`", row.id);
            assert_eq!(row.codes, [codes], "`{}` fits what is left", row.id);
        }
    }

    #[test]
    fn every_example_is_judged_as_written_and_every_row_has_one() {
        let mut wrong = String::new();
        let mut hit = HashSet::new();
        let mut count = 0;
        for (n, line) in EXAMPLES.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [phase, code, text, expected, source] = cells.as_slice() else {
                panic!("line {}: {} cells", n + 1, cells.len());
            };
            assert!(!source.is_empty(), "line {} has a source", n + 1);
            let phase = Phase::ALL.into_iter().find(|p| p.as_str() == *phase).expect("a phase");
            let lines = text.split(" | ").map(str::to_owned).collect();
            let reply = Reply::new(code.parse().expect("a code"), lines);
            let judgement = judge(phase, &Mishap::Reply(reply));
            hit.insert(judgement.row);
            count += 1;
            let found = in_words(&judgement);
            if found != *expected {
                writeln!(
                    wrong,
                    "line {}: {phase} {code} {text}\n  expected {expected}\n  found    {found} ({})",
                    n + 1,
                    judgement.row
                )
                .expect("a string takes it");
            }
        }
        let rows = read(TEXT).expect("the table is right");
        for row in rows.iter().filter(|row| !hit.contains(row.id.as_str())) {
            writeln!(wrong, "no example for `{}`", row.id).expect("a string takes it");
        }
        assert!(wrong.is_empty(), "{wrong}");
        assert!(count >= 200, "{count} examples");
    }

    #[test]
    fn what_is_written_wrongly_is_not_read() {
        let row = "[[reply]]\nid='a'\nverdict='deferred'\nscope='route'\nreason='r'\nsource='s'\n";
        assert_eq!(read(row).expect("right").len(), 1);
        for wrong in [
            "phases=['never']",
            "codes=['4x']",
            "enhanced=['7']",
            "dead='yes'",
            "colour='red'",
            "hold={of='relay',minutes=1,slow_to=1,connections=1}",
        ] {
            assert!(read(&format!("{row}{wrong}\n")).is_err(), "{wrong}");
        }
    }
}
