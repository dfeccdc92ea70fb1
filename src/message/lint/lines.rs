//! Octets line by line, and as findings show them.

use std::io::BufRead as _;
use std::ops::Range;

use crate::input::problem::quoted;

/// Lines with their ends; the last one may have none.
pub(super) struct Lines<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut rest = self.octets.get(start..).filter(|rest| !rest.is_empty())?;
        // A slice is read without errors, and with the `memchr` of the C library.
        self.at += rest.skip_until(b'\n').unwrap_or(rest.len());
        Some(start..self.at)
    }
}

pub(super) fn line_of(octets: &[u8], at: usize) -> usize {
    octets.iter().take(at).filter(|&&b| b == b'\n').count() + 1
}

/// Octets as they may stand in a finding.
pub(super) fn shown(octets: &[u8]) -> String {
    quoted(String::from_utf8_lossy(&octets[..octets.len().min(300)]).trim())
}
