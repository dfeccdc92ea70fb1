//! How one file of delimited text is written.
//!
//! What: [`Dialect`], and the words in which the user is told. Standard: RFC 4180 where the file keeps to it.
//! Not here: finding it out (`sniff`). Called by: `TableReader`, and `command`, which prints the remarks.
//! Can fail: never; what cannot be known has a default that the remarks name.

use encoding_rs::Encoding;

/// What [`super::Sniffer`] found out about a file.
#[derive(Clone, Debug)]
pub struct Dialect {
    pub(super) encoding: &'static Encoding,
    pub(super) ground: Ground,
    pub(super) has_bom: bool,
    pub(super) delimiter: u8,
    pub(super) is_declared: bool,
    pub(super) line_end: LineEnd,
    pub(super) foreign: Option<Foreign>,
}

/// Why a file is read in one encoding and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// The user said so.
    Asked,
    /// A byte order mark.
    Mark,
    /// UTF-8 without a fault, or nothing beyond ASCII.
    Plain,
    /// Every second octet is NUL.
    Nuls,
    /// UTF-8 but for a few octets: `octet`, at `line`, is the first of them.
    MostlyUtf8 { octet: u8, line: u64 },
    /// Not UTF-8: `octet`, at `line`, is the first that is not. `utf8_line` is where something is UTF-8 all the same.
    NotUtf8 { octet: u8, line: u64, utf8_line: Option<u64> },
}

/// How lines end in the first 64 KB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// CR alone, as on a Macintosh before 2001.
    Cr,
    /// CR and LF, as RFC 4180 has it.
    CrLf,
    /// LF alone.
    Lf,
    /// More than one of them.
    Mixed,
}

/// A file that is no delimited text at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// `.xls`, or an `.xlsx` with a password.
    CompoundFile,
    /// An HTML or XML page, as some programs write under the name `.xls` or `.csv`.
    Markup,
    /// A PDF.
    Pdf,
    /// A zip archive: an `.xlsx` or `.ods` under another name.
    Zip,
}

impl Foreign {
    /// What the file is, and what to do.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::CompoundFile => {
                ("file is an old or a locked Excel workbook", "save it as .xlsx without a password, or as CSV UTF-8")
            }
            Self::Markup => {
                ("file is a page of markup, not a table", "open it in a spreadsheet and save it as CSV UTF-8")
            }
            Self::Pdf => ("file is a PDF, not a table", "ask for the list as .xlsx or CSV"),
            Self::Zip => ("file is a zip archive, perhaps a workbook", "name it .xlsx, or save it as CSV UTF-8"),
        }
    }
}

impl Dialect {
    /// The encoding, by its WHATWG name.
    pub fn encoding(&self) -> &'static str {
        self.encoding.name()
    }

    /// Whether the file begins with a byte order mark.
    pub fn has_bom(&self) -> bool {
        self.has_bom
    }

    /// What separates two cells.
    pub fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    /// Whether the first line is Excel's `sep=;` and not yet the header.
    pub fn is_declared(&self) -> bool {
        self.is_declared
    }

    /// How lines end, LF where there is only one; reading does not depend on it.
    pub fn line_end(&self) -> LineEnd {
        self.line_end
    }

    /// Whether some octets are UTF-8 in a file that otherwise is not: then a cell that looks like UTF-8 is one misread.
    pub(super) fn is_mixed(&self) -> bool {
        matches!(self.ground, Ground::NotUtf8 { utf8_line: Some(_), .. })
    }

    /// What to tell the user, a phrase each: nothing for UTF-8 with commas, nor for what is no table.
    pub fn remarks(&self) -> Vec<String> {
        let name = match self.encoding.name().strip_prefix("windows-") {
            Some(number) => format!("Windows-{number}"),
            None => self.encoding.name().to_owned(),
        };
        let mut remarks = Vec::new();
        if self.foreign.is_some() {
            return remarks;
        }
        match self.ground {
            Ground::Plain => {}
            Ground::Mark if self.encoding == encoding_rs::UTF_8 => {}
            Ground::Asked => remarks.push(format!("read as {name}, as asked")),
            Ground::Mark => remarks.push(format!("read as {name}, because of its byte order mark")),
            Ground::Nuls => remarks.push(format!("read as {name}, because every second byte is 0")),
            Ground::MostlyUtf8 { octet, line } => remarks.push(format!(
                "read as {name}, although byte 0x{octet:02X} at line {line} is not; rows with such bytes are refused"
            )),
            Ground::NotUtf8 { octet, line, utf8_line } => {
                remarks.push(format!("read as {name}, because byte 0x{octet:02X} at line {line} is not UTF-8"));
                if let Some(utf8_line) = utf8_line {
                    remarks.push(format!("line {utf8_line} has UTF-8 all the same; cells in UTF-8 are refused"));
                }
            }
        }
        let by_word = if self.is_declared { ", as its first line says" } else { "" };
        match self.delimiter {
            b',' if !self.is_declared => {}
            b'\t' => remarks.push(format!("delimiter TAB{by_word}")),
            other => remarks.push(format!("delimiter `{}`{by_word}", char::from(other))),
        }
        match self.line_end {
            LineEnd::Cr => remarks.push("lines end with CR alone".to_owned()),
            LineEnd::Mixed => remarks.push("lines end in different ways".to_owned()),
            LineEnd::CrLf | LineEnd::Lf => {}
        }
        remarks
    }
}
