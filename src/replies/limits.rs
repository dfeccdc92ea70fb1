//! What of a message is looked at, whatever its sender wants.
//!
//! What: [`within`], which cuts what is beyond the limits before anything is parsed, so that time and memory of the parser are
//! bounded. Not here: limits of single readers (recipients of a report, attendees), beside each. Called by: `mail`.
//! Can fail: nothing; each cut is a finding.

use std::borrow::Cow;

/// 25 MB, what large providers take.
const LONGEST: usize = 25_000_000;
/// Lines that open a part, in the whole message: each costs the parser some hundred octets.
const MOST_PARTS: usize = 1000;
/// Returned messages within returned messages: the parser's own structure nests by them.
const MOST_MESSAGES: usize = 30;
/// Lines of one head, and its octets.
const MOST_HEAD_LINES: usize = 2000;
const LONGEST_HEAD: usize = 256 * 1024;
/// Octets of all heads together.
const LONGEST_HEADS: usize = 2_000_000;

/// The octets within the limits, with line ends where there were bare CR only, and what was done to them.
pub(super) fn within(octets: &[u8]) -> (Cow<'_, [u8]>, Vec<String>) {
    let mut findings = Vec::new();
    let mut octets = Cow::Borrowed(octets);
    if octets.len() > LONGEST {
        findings.push(format!("the message has {} octets; read up to {LONGEST}", octets.len()));
        octets = match octets {
            Cow::Borrowed(all) => Cow::Borrowed(&all[..LONGEST]),
            Cow::Owned(mut all) => {
                all.truncate(LONGEST);
                Cow::Owned(all)
            }
        };
    }
    // Some systems store mail with CR alone; a message with a single LF is taken as it is.
    if memchr::memchr(b'\n', &octets).is_none() && memchr::memchr(b'\r', &octets).is_some() {
        findings.push("lines end in CR alone".to_owned());
        octets = Cow::Owned(octets.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect());
    }
    let Some(kept) = kept(&octets, &mut findings) else { return (octets, findings) };
    let mut cut = Vec::with_capacity(kept.iter().map(ExactSizeIterator::len).sum());
    for range in kept {
        cut.extend_from_slice(&octets[range]);
    }
    (Cow::Owned(cut), findings)
}

/// Which ranges stay; `None`: everything.
fn kept(octets: &[u8], findings: &mut Vec<String>) -> Option<Vec<std::ops::Range<usize>>> {
    let mut ranges = Vec::new();
    // Where the range that is being kept began.
    let mut from = 0;
    let (mut parts, mut messages, mut heads) = (0, 0, 0);
    let (mut in_head, mut head_lines, mut head_octets) = (true, 0, 0);
    // Whether this head announces another one after its blank line.
    let mut nests = false;
    let mut is_digest = false;
    let mut is_head_cut = false;
    let mut at = 0;
    while at < octets.len() {
        let end = memchr::memchr(b'\n', &octets[at..]).map_or(octets.len(), |n| at + n + 1);
        let line = &octets[at..end];
        if line.starts_with(b"--") {
            parts += 1;
            if parts > 2 * MOST_PARTS {
                findings.push(format!("more than {MOST_PARTS} parts; the rest is not read"));
                ranges.push(from..at);
                return Some(ranges);
            }
            (in_head, head_lines, head_octets, nests) = (true, 0, 0, false);
        } else if in_head {
            if line.iter().all(|b| matches!(b, b'\r' | b'\n')) {
                in_head = (nests || is_digest && head_lines == 0) || head_lines == 0 && heads == 0;
                if nests {
                    messages += 1;
                    if messages > MOST_MESSAGES {
                        findings.push(format!("more than {MOST_MESSAGES} messages in it; the rest is not read"));
                        ranges.push(from..at);
                        return Some(ranges);
                    }
                }
                (head_lines, head_octets, nests) = (0, 0, false);
            } else {
                head_lines += 1;
                head_octets += line.len();
                heads += line.len();
                if head_lines > MOST_HEAD_LINES || head_octets > LONGEST_HEAD || heads > LONGEST_HEADS {
                    if !is_head_cut {
                        findings
                            .push("a header section beyond all measure; what is too much of it is not read".to_owned());
                        is_head_cut = true;
                    }
                    ranges.push(from..at);
                    from = end;
                } else if line.len() < 1000 {
                    nests |= has(line, b"message/");
                    is_digest |= has(line, b"/digest");
                }
            }
        }
        at = end;
    }
    if from == 0 {
        return None;
    }
    ranges.push(from..octets.len());
    Some(ranges)
}

/// Whether a line holds a word, whatever its case.
fn has(line: &[u8], word: &[u8]) -> bool {
    line.len() >= word.len() && line.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}
