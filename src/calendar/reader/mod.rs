//! A strict reader of calendars, written apart from the writer so that one checks the other.
//!
//! What: [`parse`] turns octets into a [`Calendar`] of [`Component`]s, [`Property`]s and [`Parameter`]s.
//! Standards: RFC 5545 sections 3.1 (content lines), 3.2 (parameters), 3.3 (values), 3.6 (components); RFC 6868 (carets).
//! Not here: repairing anything (bare line feeds, missing ends), and what properties mean: any component and property is taken.
//! Called by: `lint` for what we wrote, `replies` for answers.
//! Can fail: [`ReadFault`] with the line; octets from outside cannot make it panic, nor use more than its bounds allow.

use std::borrow::Cow;

use jiff::tz::Offset;
use jiff::{Timestamp, civil};

mod line;

/// More is no invitation; calendars of years are about this long.
const MOST_OCTETS: usize = 1_000_000;
const MOST_LINES: usize = 10_000;
/// VALARM in VEVENT in VCALENDAR is 3.
const MOST_DEPTH: usize = 8;

/// One VCALENDAR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    root: Component,
}

/// What stands between a BEGIN and its END.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    name: String,
    properties: Vec<Property>,
    components: Vec<Self>,
    is_ordered: bool,
}

/// One content line; its value as written, still escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    name: String,
    parameters: Vec<Parameter>,
    value: String,
}

/// `;NAME=value,"value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// In capitals.
    pub name: String,
    /// At least one.
    pub values: Vec<ParameterValue>,
}

/// One value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterValue {
    /// Without quotes, carets decoded (RFC 6868).
    pub text: String,
    /// Whether it stood in quotes.
    pub is_quoted: bool,
}

/// Why octets are no calendar; lines count from 1, folds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// More than a million octets or ten thousand lines.
    #[error("the calendar is larger than 1000000 octets or 10000 lines")]
    Large,
    /// Not UTF-8.
    #[error("line {0} is not UTF-8")]
    Utf8(usize),
    /// Not CRLF.
    #[error("line {0} does not end in CRLF")]
    LineEnd(usize),
    /// A control other than a tab.
    #[error("line {0} holds a control character")]
    Control(usize),
    /// No name, a name of other characters than letters, digits and hyphens, or no colon.
    #[error("line {0} is not of the form NAME:value")]
    Line(usize),
    /// A parameter without value, with a stray quote, or BEGIN and END with one.
    #[error("line {0} has a malformed parameter")]
    Parameter(usize),
    /// Components within components within ...
    #[error("line {0} opens a component too deep")]
    Deep(usize),
    /// An END that closes nothing or something else.
    #[error("line {0} ends a component that is not open")]
    End(usize),
    /// Anything before, after or beside the one VCALENDAR.
    #[error("line {0} stands outside the one VCALENDAR")]
    Outside(usize),
    /// The octets stop before the last END.
    #[error("the calendar is cut off")]
    CutOff,
}

/// Why a value is no TEXT (RFC 5545 section 3.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// A comma or semicolon that would separate values.
    #[error("a comma or semicolon is not escaped")]
    Separator,
    /// A backslash before something else than `\`, `;`, `,`, `n` and `N`.
    #[error("a backslash escapes nothing")]
    Escape,
}

/// Reads one calendar.
///
/// # Errors
/// [`ReadFault`], the first fault found.
pub fn parse(octets: &[u8]) -> Result<Calendar, ReadFault> {
    if octets.len() > MOST_OCTETS {
        return Err(ReadFault::Large);
    }
    let text = std::str::from_utf8(octets)
        .map_err(|error| ReadFault::Utf8(octets[..error.valid_up_to()].split(|&octet| octet == b'\n').count()))?;
    let mut open: Vec<Component> = Vec::new();
    let mut root = None;
    line::each(text, |number, property| {
        if root.is_some() || (open.is_empty() && !property.opens("VCALENDAR")) {
            return Err(ReadFault::Outside(number));
        }
        let is_bracket = matches!(property.name.as_str(), "BEGIN" | "END");
        if is_bracket && !property.parameters.is_empty() {
            return Err(ReadFault::Parameter(number));
        }
        if property.name == "BEGIN" {
            if open.len() == MOST_DEPTH {
                return Err(ReadFault::Deep(number));
            }
            if !line::is_name(&property.value) {
                return Err(ReadFault::Line(number));
            }
            let name = property.value.to_ascii_uppercase();
            open.push(Component { name, is_ordered: true, ..Component::default() });
            return Ok(());
        }
        let Some(component) = open.last_mut() else { return Err(ReadFault::Outside(number)) };
        if property.name != "END" {
            component.is_ordered &= component.components.is_empty();
            component.properties.push(property);
            return Ok(());
        }
        if !property.value.eq_ignore_ascii_case(&component.name) {
            return Err(ReadFault::End(number));
        }
        let closed = open.pop().unwrap_or_default();
        match open.last_mut() {
            Some(parent) => parent.components.push(closed),
            None => root = Some(closed),
        }
        Ok(())
    })?;
    root.map(|root| Calendar { root }).ok_or(ReadFault::CutOff)
}

impl Calendar {
    /// VCALENDAR itself.
    pub fn root(&self) -> &Component {
        &self.root
    }

    /// The components of that name directly in it: `VEVENT`, `VTIMEZONE`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Component> {
        self.root.components.iter().filter(move |component| component.name == name)
    }
}

impl Component {
    /// In capitals.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own, in their order.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// Those within, in their order.
    pub fn components(&self) -> &[Self] {
        &self.components
    }

    /// Whether all properties stand before all components, as RFC 5545 section 3.6 has it.
    pub fn is_ordered(&self) -> bool {
        self.is_ordered
    }

    /// The properties of that name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// The property of that name, where there is one and not two.
    pub fn only(&self, name: &str) -> Option<&Property> {
        let mut all = self.properties.iter().filter(|property| property.name == name);
        all.next().filter(|_| all.next().is_none())
    }
}

impl Property {
    /// In capitals.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In their order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// As written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The single value of the one parameter of that name; `None` where there is none or more than one.
    pub fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        let mut all = self.parameters.iter().filter(|parameter| parameter.name == name);
        match (all.next().map(|parameter| parameter.values.as_slice()), all.next()) {
            (Some([value]), None) => Some(value),
            _ => None,
        }
    }

    /// The value as one TEXT, unescaped.
    ///
    /// # Errors
    /// [`TextFault`]: it is a list or wrongly escaped.
    pub fn text(&self) -> Result<Cow<'_, str>, TextFault> {
        let plain = |piece: &str| {
            let separates = piece.bytes().fold(false, |has, b| has | (b == b',') | (b == b';'));
            if separates { Err(TextFault::Separator) } else { Ok(()) }
        };
        let mut pieces = self.value.split('\\');
        let first = pieces.next().unwrap_or_default();
        plain(first)?;
        if first.len() == self.value.len() {
            return Ok(first.into());
        }
        let mut text = String::with_capacity(self.value.len());
        text.push_str(first);
        while let Some(piece) = pieces.next() {
            let (escaped, rest) = match piece.as_bytes().first() {
                Some(b'n' | b'N') => ('\n', &piece[1..]),
                Some(b',') => (',', &piece[1..]),
                Some(b';') => (';', &piece[1..]),
                Some(_) => return Err(TextFault::Escape),
                // Two backslashes; or the value ends in one.
                None => ('\\', pieces.next().ok_or(TextFault::Escape)?),
            };
            plain(rest)?;
            text.push(escaped);
            text.push_str(rest);
        }
        Ok(text.into())
    }

    /// The value as DATE-TIME in UTC: `20170922T190000Z` and nothing else.
    pub fn instant(&self) -> Option<Timestamp> {
        let value = self.value.as_bytes();
        let is_form = value.len() == 16 && value[8] == b'T' && value[15] == b'Z';
        if !is_form {
            return None;
        }
        let number = |from: usize, to: usize| {
            let digits = &value[from..to];
            let is_digits = digits.iter().all(u8::is_ascii_digit);
            is_digits.then(|| digits.iter().fold(0_i16, |number, digit| number * 10 + i16::from(digit - b'0')))
        };
        let two = |from: usize| number(from, from + 2).and_then(|number| i8::try_from(number).ok());
        let (year, month, day, hour, minute, second) = (number(0, 4)?, two(4)?, two(6)?, two(9)?, two(11)?, two(13)?);
        let local = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        Offset::UTC.to_timestamp(local).ok()
    }

    /// The value as a number without sign.
    pub fn number(&self) -> Option<u32> {
        let is_digits = !self.value.is_empty() && self.value.bytes().all(|b| b.is_ascii_digit());
        is_digits.then(|| self.value.parse().ok())?
    }

    /// What follows `mailto:`, in any case of letters.
    pub fn address(&self) -> Option<&str> {
        let (scheme, address) = self.value.split_once(':')?;
        scheme.eq_ignore_ascii_case("mailto").then_some(address)
    }

    fn opens(&self, name: &str) -> bool {
        self.name == "BEGIN" && self.value.eq_ignore_ascii_case(name)
    }
}

#[cfg(test)]
mod tests;
