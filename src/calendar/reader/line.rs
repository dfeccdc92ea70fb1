//! Content lines: from folded text to names, parameters and values.
//!
//! What: [`each`] unfolds and hands every content line on. Standard: RFC 5545 sections 3.1 and 3.2, RFC 6868.
//! Not here: how lines make components (the module above, its only caller). Can fail: [`ReadFault`] with the line.

use super::{MOST_LINES, Parameter, ParameterValue, Property, ReadFault};

/// Calls `take` with the number and the parts of every content line.
pub(super) fn each(
    text: &str,
    mut take: impl FnMut(usize, Property) -> Result<(), ReadFault>,
) -> Result<(), ReadFault> {
    let mut physical = text.split_inclusive('\n').enumerate().peekable();
    let mut unfolded = String::new();
    while let Some((index, line)) = physical.next() {
        let number = index + 1;
        let mut line = bare(line, number)?;
        if line.is_empty() {
            return Err(ReadFault::Line(number));
        }
        unfolded.clear();
        while let Some((index, more)) = physical.next_if(|(_, next)| next.starts_with([' ', '\t'])) {
            let more = bare(more, index + 1)?;
            if unfolded.is_empty() {
                unfolded.push_str(line);
            }
            unfolded.push_str(&more[1..]);
        }
        if !unfolded.is_empty() {
            line = &unfolded;
        }
        take(number, content_line(line, number)?)?;
    }
    Ok(())
}

/// A physical line without its CRLF.
fn bare(line: &str, number: usize) -> Result<&str, ReadFault> {
    if number > MOST_LINES {
        return Err(ReadFault::Large);
    }
    let line = line.strip_suffix("\r\n").ok_or(ReadFault::LineEnd(number))?;
    // Folded over all octets instead of stopping at the first: so it is done sixteen at a time.
    let has_control = line.bytes().fold(false, |has, b| has | ((b < 0x20) & (b != b'\t')) | (b == 0x7f));
    if has_control { Err(ReadFault::Control(number)) } else { Ok(line) }
}

/// `iana-token` or `x-name`: letters, digits, hyphens.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn content_line(line: &str, number: usize) -> Result<Property, ReadFault> {
    let end = line.bytes().position(|b| matches!(b, b';' | b':')).ok_or(ReadFault::Line(number))?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name) {
        return Err(ReadFault::Line(number));
    }
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let parameter;
        (parameter, rest) = read_parameter(after).ok_or(ReadFault::Parameter(number))?;
        parameters.push(parameter);
    }
    let value = rest.strip_prefix(':').ok_or(ReadFault::Parameter(number))?;
    Ok(Property { name: name.to_ascii_uppercase(), parameters, value: value.to_owned() })
}

/// `NAME=value,"value"` and what follows it.
fn read_parameter(text: &str) -> Option<(Parameter, &str)> {
    let (name, mut rest) = text.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut values = Vec::with_capacity(1);
    loop {
        let (value, after) = read_value(rest)?;
        values.push(value);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Some((Parameter { name: name.to_ascii_uppercase(), values }, after)),
        }
    }
}

/// One value, in quotes or without; it ends at a comma, semicolon or colon.
fn read_value(text: &str) -> Option<(ParameterValue, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (inner, after) = quoted.split_once('"')?;
        return Some((ParameterValue { text: without_carets(inner), is_quoted: true }, after));
    }
    let end = text.bytes().position(|b| matches!(b, b',' | b';' | b':' | b'"'))?;
    let (value, after) = text.split_at(end);
    if after.starts_with('"') {
        return None;
    }
    Some((ParameterValue { text: without_carets(value), is_quoted: false }, after))
}

/// RFC 6868 section 3: `^n`, `^'`, `^^`; any other caret is a caret.
fn without_carets(text: &str) -> String {
    if !text.contains('^') {
        return text.to_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('^', Some('n')) => '\n',
            ('^', Some('\'')) => '"',
            ('^', Some('^')) => '^',
            _ => {
                decoded.push(c);
                continue;
            }
        };
        decoded.push(meant);
        chars.next();
    }
    decoded
}
