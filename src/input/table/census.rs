//! Counts how far octets are UTF-8, and at which line they first are not.
//!
//! What: [`Census`], fed with the whole file in pieces. Standard: RFC 3629.
//! Not here: the decision (`sniff`). Called by: `Sniffer`. Can fail: never.

/// The longest piece looked at in one go; longer ones are cut, so that the copy of them stays small.
const PIECE_OCTETS: usize = 65_536;

/// What has been seen so far.
#[derive(Debug)]
pub(super) struct Census {
    /// A character cut off by the end of the last piece, and the piece after it.
    window: Vec<u8>,
    line: u64,
    is_after_cr: bool,
    /// Well-formed characters beyond ASCII.
    pub(super) well_formed: u64,
    /// Octet sequences that are not UTF-8.
    pub(super) ill_formed: u64,
    /// The line of the first well-formed character beyond ASCII.
    pub(super) first_well_formed: Option<u64>,
    /// Octet and line of the first sequence that is not UTF-8.
    pub(super) first_ill_formed: Option<(u8, u64)>,
}

impl Census {
    pub(super) fn new() -> Self {
        Self {
            window: Vec::new(),
            line: 1,
            is_after_cr: false,
            well_formed: 0,
            ill_formed: 0,
            first_well_formed: None,
            first_ill_formed: None,
        }
    }

    pub(super) fn push(&mut self, octets: &[u8]) {
        for piece in octets.chunks(PIECE_OCTETS) {
            let mut window = std::mem::take(&mut self.window);
            window.extend_from_slice(piece);
            let used = self.count(&window);
            window.drain(..used);
            self.window = window;
        }
    }

    /// Counts a character that the end of the file cuts off.
    pub(super) fn finish(&mut self) {
        if let Some(&octet) = self.window.first() {
            self.note_ill_formed(octet);
        }
        self.window.clear();
    }

    /// Gives the octets that are done with: all but a character that is still incomplete.
    fn count(&mut self, octets: &[u8]) -> usize {
        let mut at = 0;
        loop {
            match std::str::from_utf8(&octets[at..]) {
                Ok(text) => {
                    self.count_well_formed(text);
                    return octets.len();
                }
                Err(error) => {
                    let (text, rest) = octets[at..].split_at(error.valid_up_to());
                    self.count_well_formed(std::str::from_utf8(text).unwrap_or_default());
                    let Some(length) = error.error_len() else { return at + text.len() };
                    self.note_ill_formed(rest[0]);
                    at += text.len() + length;
                }
            }
        }
    }

    fn count_well_formed(&mut self, text: &str) {
        let octets = text.as_bytes();
        if !octets.is_ascii() {
            let beyond_ascii = octets.iter().filter(|&&octet| octet >= 0xc0).count();
            self.well_formed += beyond_ascii as u64;
            if self.first_well_formed.is_none() {
                let before = octets.iter().take_while(|octet| octet.is_ascii()).count();
                self.first_well_formed = Some(self.line + self.line_ends(&octets[..before]));
            }
        }
        self.line += self.line_ends(octets);
        self.is_after_cr = octets.last().map_or(self.is_after_cr, |&octet| octet == b'\r');
    }

    fn line_ends(&self, octets: &[u8]) -> u64 {
        let count = |wanted: u8| octets.iter().filter(|&&octet| octet == wanted).count();
        let lf = count(b'\n');
        let cr = count(b'\r');
        let both = if cr == 0 { 0 } else { octets.windows(2).filter(|pair| pair == b"\r\n").count() };
        let split = usize::from(self.is_after_cr && octets.first() == Some(&b'\n'));
        (lf + cr - both - split) as u64
    }

    fn note_ill_formed(&mut self, octet: u8) {
        self.ill_formed += 1;
        self.is_after_cr = false;
        self.first_ill_formed.get_or_insert((octet, self.line));
    }
}

#[cfg(test)]
mod tests {
    use super::Census;

    fn census(octets: &[u8], piece: usize) -> Census {
        let mut census = Census::new();
        for piece in octets.chunks(piece) {
            census.push(piece);
        }
        census.finish();
        census
    }

    #[test]
    fn names_the_first_octet_that_is_not_utf_8_however_the_file_is_cut() {
        let octets = b"a\r\nb\rc\nMisi\xc3\xb3n\r\nCor\xe9e\n\xe2\x82\xac\n\xc3";
        for piece in 1..octets.len() {
            let census = census(octets, piece);
            assert_eq!(census.first_ill_formed, Some((0xe9, 5)), "{piece}");
            assert_eq!(census.first_well_formed, Some(4), "{piece}");
            assert_eq!((census.well_formed, census.ill_formed), (2, 2), "{piece}");
        }
        assert_eq!(census(b"\xe9\n\r\n\xc3\xb3", 2).first_well_formed, Some(3));
    }
}
