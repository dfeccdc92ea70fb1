//! Blocks of fields in the body of a report.
//!
//! What: [`blocks`], the groups of fields of `message/delivery-status`, `message/feedback-report` and
//! `message/disposition-notification`. Standards: RFC 3464 section 2.1, RFC 5965 section 3, RFC 8098 section 3.1.
//! Not here: what the fields mean. Called by: `dsn`, `complaint`, `receipt`. Can fail: nothing; lines that are no field are
//! skipped, because programs put blank lines, dashes and whole letters between them.

/// Groups read of one report: one for the message and one for each recipient.
const MOST_BLOCKS: usize = 200;
/// Octets of one value: longer ones are transcripts of transcripts.
const LONGEST_VALUE: usize = 8 * 1024;

/// Fields in their order, names in lower case, values unfolded.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    fields: Vec<(String, String)>,
}

impl Block {
    /// The first value of that name (lower case).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// All values of that name.
    pub(super) fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b str> + 'b {
        self.fields.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Adds a line to the last value, up to its limit.
    fn extend(&mut self, line: &str) {
        if let Some((_, value)) = self.fields.last_mut()
            && value.len() < LONGEST_VALUE
        {
            value.push(' ');
            value.push_str(line);
        }
    }

    /// One block for each field of that name; what stands before the first one belongs to it.
    pub(super) fn split_at_each(self, name: &str) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        let mut has_name = false;
        for field in self.fields {
            if found.is_empty() || has_name && field.0 == name {
                found.push(Self::default());
            }
            has_name |= field.0 == name;
            if let Some(last) = found.last_mut() {
                last.fields.push(field);
            }
        }
        found
    }

    /// The value behind the type: `rfc822; ana@host.example`, with or without a type.
    pub(super) fn typed(&self, name: &str) -> Option<&str> {
        let mut own = self.fields.iter().filter(|(own, _)| own == name);
        own.find_map(|(_, value)| Some(untyped(value)).filter(|value| !value.is_empty()))
    }
}

/// What follows the type and its semicolon, where there is one (RFC 3464 section 2.1.2).
pub(super) fn untyped(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if !kind.trim().contains([' ', '@']) && kind.len() < 30 => rest.trim(),
        _ => value.trim(),
    }
}

/// The groups of fields: parted by blank lines.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = Block::default();
    for line in text.lines() {
        let is_folded = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() {
            if !open.fields.is_empty() {
                found.push(std::mem::take(&mut open));
                if found.len() >= MOST_BLOCKS {
                    return found;
                }
            }
            continue;
        }
        if is_folded && !open.fields.is_empty() {
            open.extend(line);
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if is_name(name.trim_end()) => {
                open.fields.push((name.trim_end().to_ascii_lowercase(), value.trim().to_owned()));
            }
            // Programs break long diagnostics without folding them.
            _ => open.extend(line),
        }
    }
    if !open.fields.is_empty() {
        found.push(open);
    }
    found
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() < 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn values_are_unfolded_and_untyped() {
        let read = blocks(
            "Reporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; b@b.example\nDiagnostic-Code: smtp; 550\n  no\nsuch user\n",
        );
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].typed("final-recipient"), Some("b@b.example"));
        assert_eq!(read[1].get("diagnostic-code"), Some("smtp; 550 no such user"));
    }
}
