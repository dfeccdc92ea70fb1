//! One message as a mail program takes it apart: addresses, and the leaves of its MIME tree with what decides their handling.
//!
//! Standards: RFC 5322 section 3.6, RFC 2045 to 2047, RFC 2183 (dispositions), RFC 6047 section 2.4 (`method`).
//! Not here: which leaf a program takes (`pick` in each client's file).

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

/// A message taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The one address in `From`, in lower case.
    pub(crate) from: String,
    /// The addresses in `To`, in lower case.
    pub(crate) to: Vec<String>,
    /// What is no multipart, in the order of the octets.
    pub(crate) leaves: Vec<Leaf>,
}

/// One part that holds octets.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// `text/calendar`, in lower case.
    pub(crate) kind: String,
    /// The multipart directly around it: `multipart/alternative`.
    pub(crate) around: String,
    /// The parameter `method`.
    pub(crate) method: Option<String>,
    /// The parameter `charset`, in lower case.
    pub(crate) charset: Option<String>,
    /// In lower case.
    pub(crate) disposition: Option<String>,
    /// Of the disposition, else of the type.
    pub(crate) name: Option<String>,
    /// Decoded from the transfer encoding.
    pub(crate) octets: Vec<u8>,
}

impl Letter {
    /// Takes a message apart; `None` where a mail program would show nothing of it.
    pub(crate) fn open(octets: &[u8]) -> Option<Self> {
        let message = MessageParser::new().parse(octets)?;
        let mut letter = Self { from: String::new(), to: addresses(message.to()), leaves: Vec::new() };
        if let [from] = addresses(message.from()).as_slice() {
            letter.from.clone_from(from);
        }
        letter.walk(&message, message.parts.first()?, "");
        Some(letter)
    }

    fn walk(&mut self, message: &Message<'_>, part: &MessagePart<'_>, around: &str) {
        let kind = part.content_type().map_or_else(
            || "text/plain".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("plain")).to_lowercase(),
        );
        if let PartType::Multipart(below) = &part.body {
            for id in below {
                if let Some(part) = message.part(*id) {
                    self.walk(message, part, &kind);
                }
            }
            return;
        }
        let parameter = |name: &str| Some(part.content_type()?.attribute(name)?.to_owned());
        let disposition = part.content_disposition();
        self.leaves.push(Leaf {
            around: around.to_owned(),
            method: parameter("method"),
            charset: parameter("charset").map(|charset| charset.to_lowercase()),
            disposition: disposition.map(|disposition| disposition.ctype().to_lowercase()),
            name: disposition
                .and_then(|disposition| disposition.attribute("filename"))
                .map(str::to_owned)
                .or_else(|| parameter("name")),
            octets: part.contents().to_vec(),
            kind,
        });
    }

    /// The leaves of that type.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Leaf> {
        self.leaves.iter().filter(move |leaf| leaf.kind == kind)
    }
}

fn addresses(field: Option<&Address<'_>>) -> Vec<String> {
    field.into_iter().flat_map(Address::iter).filter_map(|one| one.address()).map(str::to_lowercase).collect()
}
