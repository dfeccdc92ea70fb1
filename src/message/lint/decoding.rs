//! The contents of a part out of its encoding, by the letter of RFC 2045.

use std::borrow::Cow;
use std::io::BufRead as _;

use super::lines::{Lines, shown};
use super::{BASE64_LINE_MOST, Leaf};

/// The content of a part; what is wrong with its encoding, to stand behind its type.
pub(super) fn decode<'a>(leaf: &Leaf<'a>) -> Result<Cow<'a, [u8]>, String> {
    match leaf.fields.get("Content-Transfer-Encoding").map(|(raw, _)| raw.to_ascii_lowercase()).as_deref() {
        None | Some(b"7bit") => Ok(Cow::Borrowed(leaf.body)),
        Some(b"quoted-printable") => quoted_printable(leaf.body).map(Cow::Owned),
        Some(b"base64") => base64(leaf.body).map(Cow::Owned),
        Some(other) => Err(format!("has the encoding {}", shown(other))),
    }
}

fn quoted_printable(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        // Reading from a slice into memory cannot fail.
        rest.read_until(b'=', &mut text).unwrap_or_default();
        if text.last() != Some(&b'=') {
            break;
        }
        text.pop();
        rest = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [high, low, rest @ ..] => {
                let digits = char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16));
                let octet = digits.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                text.push(octet.ok_or("has a `=` that begins nothing in quoted-printable")?);
                rest
            }
            _ => return Err("ends in the middle of quoted-printable".to_owned()),
        };
    }
    Ok(text)
}

const NO_DIGIT: u8 = 0xff;

static BASE64_DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// RFC 2045 section 6.8, strictly: whole groups of four on lines of at most 76, `=` only at the very end.
fn base64(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut content = Vec::with_capacity(body.len() / 4 * 3);
    let mut is_over = false;
    for line in Lines::new(body) {
        let line = &body[line];
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        if line.len() > BASE64_LINE_MOST {
            return Err(format!("has a base64 line of {} octets, {BASE64_LINE_MOST} is the most", line.len()));
        }
        let (groups, rest) = line.as_chunks::<4>();
        if !rest.is_empty() || (is_over && !line.is_empty()) {
            return Err("has base64 that is cut or goes on behind its end".to_owned());
        }
        for group in groups {
            let digits = group.map(|octet| BASE64_DIGITS[usize::from(octet)]);
            let value = digits.iter().fold(0, |value, &digit| value << 6 | u32::from(digit & 63));
            let [_, one, two, three] = value.to_be_bytes();
            if digits.iter().all(|&digit| digit != NO_DIGIT) {
                content.extend([one, two, three]);
                continue;
            }
            match group {
                [_, _, b'=', b'='] if !is_over && digits[0] | digits[1] < 64 => content.push(one),
                [_, _, _, b'='] if !is_over && digits[0] | digits[1] | digits[2] < 64 => content.extend([one, two]),
                _ => return Err("has a character that base64 has not".to_owned()),
            }
            is_over = true;
        }
    }
    Ok(content)
}
