//! Finds out how a file of delimited text is written, in one pass over it and in constant memory.
//!
//! What: [`Sniffer`], fed with the whole file, gives its [`Dialect`]. Encoding: byte order mark, then the pattern of NULs
//! that UTF-16 makes of ASCII, then UTF-8 if most of what is beyond ASCII is UTF-8, else Windows-1252, in which Excel
//! writes "CSV". Delimiter: the one that gives most rows as many cells as the header.
//! Standard: WHATWG Encoding for names and labels. Not here: other encodings are never guessed, they have to be named.
//! Called by: `command`, before the table is read. Can fail: only at an encoding's name that is none.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::census::Census;
use super::dialect::{Dialect, Foreign, Ground, LineEnd};

/// The part of a file that decides on delimiter, line ends and UTF-16; a list of 500 people is shorter.
const HEAD_OCTETS: usize = 65_536;

/// In order of preference where two serve as well.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A name that is no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no encoding; write a name such as `utf-8`, `windows-1252`, `windows-1251`, `utf-16le` or `gb18030`")]
pub struct UnknownEncoding(String);

/// Looks at a whole file before it is read.
#[derive(Debug)]
pub struct Sniffer {
    asked: Option<&'static Encoding>,
    head: Vec<u8>,
    census: Census,
    is_longer_than_head: bool,
}

impl Default for Sniffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Sniffer {
    /// Decides by itself.
    pub fn new() -> Self {
        Self { asked: None, head: Vec::new(), census: Census::new(), is_longer_than_head: false }
    }

    /// Takes the encoding that the user names.
    ///
    /// # Errors
    /// A name that is not among the labels of WHATWG Encoding.
    pub fn with_encoding(name: &str) -> Result<Self, UnknownEncoding> {
        let asked =
            Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(|| UnknownEncoding(name.to_owned()))?;
        Ok(Self { asked: Some(asked), ..Self::new() })
    }

    /// Takes the next octets of the file.
    pub fn push(&mut self, octets: &[u8]) {
        let (head, beyond) = octets.split_at(octets.len().min(HEAD_OCTETS - self.head.len()));
        self.head.extend_from_slice(head);
        self.is_longer_than_head |= !beyond.is_empty();
        self.census.push(octets);
    }

    /// Decides, once the whole file has been seen.
    pub fn finish(mut self) -> Dialect {
        self.census.finish();
        let mark = Encoding::for_bom(&self.head).map(|(encoding, _)| encoding);
        let (encoding, ground) = self.encoding(mark);
        let (text, _) = encoding.decode_with_bom_removal(&self.head);
        let text = text.trim_start_matches('\u{feff}');
        let declared = declared_delimiter(text);
        let delimiter = declared.unwrap_or_else(|| likely_delimiter(text, self.is_longer_than_head));
        Dialect {
            encoding,
            ground,
            has_bom: mark.is_some(),
            delimiter,
            is_declared: declared.is_some(),
            line_end: line_end(text),
            foreign: foreign(&self.head),
        }
    }

    fn encoding(&self, mark: Option<&'static Encoding>) -> (&'static Encoding, Ground) {
        let census = &self.census;
        if let Some(asked) = self.asked {
            return (asked, Ground::Asked);
        }
        if let Some(marked) = mark.filter(|&mark| mark != UTF_8) {
            return (marked, Ground::Mark);
        }
        if let Some(encoding) = utf_16(&self.head).filter(|_| mark.is_none()) {
            return (encoding, Ground::Nuls);
        }
        match census.first_ill_formed {
            None if mark.is_some() => (UTF_8, Ground::Mark),
            None => (UTF_8, Ground::Plain),
            Some((octet, line)) if mark.is_some() || census.well_formed > census.ill_formed => {
                (UTF_8, Ground::MostlyUtf8 { octet, line })
            }
            Some((octet, line)) => (WINDOWS_1252, Ground::NotUtf8 { octet, line, utf8_line: census.first_well_formed }),
        }
    }
}

/// UTF-16 without a mark: in text with addresses in it many octets are 0, nearly all of them on the same side, and line
/// ends have theirs too. The last keeps a few stray NULs from making Chinese of a short file.
fn utf_16(head: &[u8]) -> Option<&'static Encoding> {
    let is_line_end = |octet: u8| octet == b'\n' || octet == b'\r';
    let mut nuls = [0_usize; 2];
    let mut wide_ends = [0_usize; 2];
    for pair in head.chunks_exact(2) {
        for side in [0, 1] {
            nuls[side] += usize::from(pair[side] == 0);
            wide_ends[side] += usize::from(pair[side] == 0 && is_line_end(pair[1 - side]));
        }
    }
    let ends = head.iter().filter(|&&octet| is_line_end(octet)).count();
    let is_so = |side: usize| {
        let enough = head.len() / 2 / 8;
        let is_by_far = nuls[side] > enough && nuls[side] > 8 * nuls[1 - side];
        is_by_far && 2 * wide_ends[side] >= ends
    };
    if is_so(1) {
        Some(UTF_16LE)
    } else if is_so(0) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// `sep=;` as the first line: Excel reads it and never shows it. Quotes round it, and delimiters after it, come from
/// programs that took it for a row.
fn declared_delimiter(text: &str) -> Option<u8> {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let line = line.trim_matches('"').as_bytes();
    let (word, rest) = line.split_at_checked(4)?;
    let (&delimiter, rest) = rest.split_first()?;
    let is_usable = delimiter == b'\t' || (delimiter.is_ascii_punctuation() && delimiter != b'"');
    let is_alone = rest.iter().all(|&octet| octet == delimiter || octet == b'"');
    (word.eq_ignore_ascii_case(b"sep=") && is_usable && is_alone).then_some(delimiter)
}

fn likely_delimiter(text: &str, is_cut: bool) -> u8 {
    let mut best = (b',', (0, 1), 0);
    for delimiter in DELIMITERS {
        let Some((like_header, rows, header)) = count(text, delimiter, is_cut) else { continue };
        let (_, (best_like, best_rows), best_header) = best;
        // Shares compared crosswise; a longer header decides between equals.
        let is_better = (like_header * best_rows, header) > (best_like * rows, best_header);
        if header > 1 && is_better {
            best = (delimiter, (like_header, rows), header);
        }
    }
    best.0
}

/// How many of all rows have as many cells as the header, and how many that is.
fn count(text: &str, delimiter: u8, is_cut: bool) -> Option<(usize, usize, usize)> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lengths = Vec::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        lengths.push(record.len());
    }
    if is_cut && lengths.len() > 1 {
        lengths.pop();
    }
    let header = *lengths.first()?;
    Some((lengths.iter().filter(|&&length| length == header).count(), lengths.len(), header))
}

fn line_end(text: &str) -> LineEnd {
    let (mut cr, mut crlf, mut lf) = (0, 0, 0);
    // Within quotes Excel writes LF, whatever it ends rows with.
    for unquoted in text.split('"').step_by(2) {
        let both = unquoted.matches("\r\n").count();
        crlf += both;
        cr += unquoted.matches('\r').count() - both;
        lf += unquoted.matches('\n').count() - both;
    }
    match (cr, crlf, lf) {
        (1.., 0, 0) => LineEnd::Cr,
        (0, 1.., 0) => LineEnd::CrLf,
        (0, 0, _) => LineEnd::Lf,
        _ => LineEnd::Mixed,
    }
}

fn foreign(head: &[u8]) -> Option<Foreign> {
    let text = head.trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if begins(b"PK\x03\x04") {
        Some(Foreign::Zip)
    } else if begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Some(Foreign::CompoundFile)
    } else if begins(b"%PDF-") {
        Some(Foreign::Pdf)
    } else if begins(b"<html") || begins(b"<!doctype") || begins(b"<?xml") || begins(b"<table") {
        Some(Foreign::Markup)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Sniffer, declared_delimiter};

    fn remarks(octets: &[u8]) -> Vec<String> {
        let mut sniffer = Sniffer::new();
        sniffer.push(octets);
        sniffer.finish().remarks()
    }

    #[test]
    fn nothing_is_said_of_plain_files() {
        assert!(remarks(b"email,entity\na@x.example,Peru\n").is_empty());
        assert!(remarks("\u{feff}email,entity\r\na@x.example,Perú\r\n".as_bytes()).is_empty());
        assert!(remarks(b"").is_empty());
    }

    #[test]
    fn every_guess_is_said() {
        assert_eq!(
            remarks(b"email;entity\ra@x.example;Cor\xe9e\r"),
            [
                "read as Windows-1252, because byte 0xE9 at line 2 is not UTF-8",
                "delimiter `;`",
                "lines end with CR alone"
            ]
        );
        let utf16: Vec<u8> =
            "email\tentity\r\nа@x.example\tПеру\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(remarks(&utf16), ["read as UTF-16BE, because every second byte is 0", "delimiter TAB"]);
    }

    #[test]
    fn a_few_nuls_do_not_make_utf_16() {
        assert!(remarks("email,entity\né\u{202e}\0é\u{202e}\0é\u{202e}\0".as_bytes()).is_empty());
        let shanghai: Vec<u8> =
            "email,entity\r\na@x.example,上海上\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(remarks(&shanghai), ["read as UTF-16LE, because every second byte is 0"]);
    }

    #[test]
    fn an_encoding_that_is_named_is_taken() {
        let mut sniffer = Sniffer::with_encoding("cp1251").expect("a label");
        sniffer.push(b"email,entity\na@x.example,\xcf\xe5\xf0\xf3\n");
        assert_eq!(sniffer.finish().remarks(), ["read as Windows-1251, as asked"]);
        let error = Sniffer::with_encoding("klingon").expect_err("no label").to_string();
        assert!(error.starts_with("`klingon` is no encoding; write a name such as"), "{error}");
    }

    #[test]
    fn the_line_of_excel_is_understood() {
        for (text, delimiter) in [
            ("sep=;\r\nemail", Some(b';')),
            ("SEP=,\n", Some(b',')),
            ("sep=\t\n", Some(b'\t')),
            ("\"sep=|\"\n", Some(b'|')),
            ("sep=;;;;\n", Some(b';')),
            ("sep=a\n", None),
            ("sep=\n", None),
            ("separator;x\n", None),
            ("sep=;email\n", None),
        ] {
            assert_eq!(declared_delimiter(text), delimiter, "{text}");
        }
    }
}
