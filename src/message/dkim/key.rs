//! A private key that signs for a domain, and the record that lets others check it.
//!
//! What: [`Key`], read from PEM once; [`Record`], what is published in the DNS. Standards: RFC 7468 (PEM), RFC 5958 and
//! RFC 8410 (PKCS#8), RFC 8017 (PKCS#1), RFC 6376 section 3.6.1 and RFC 8463 section 4 (the record).
//! Not here: where the text comes from (`io::secrets`), what is signed (`dkim`). Called by: `command`, the signer.
//! Can fail: with a [`KeyFault`], which never repeats anything of the key.

use std::fmt;

use data_encoding::{BASE64, BASE64_MIME_PERMISSIVE};
use ed25519_dalek::{Signer as _, SigningKey};
use ring::rand::SecureRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};

/// RFC 8301 section 3.2 wants 2,048 bits and tolerates 1,024; ring signs with no less than 2,048 and no more than 4,096.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// 1.2.840.113549.1.1.1 (RFC 8017 appendix C).
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.3.101.112 (RFC 8410 section 3).
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// One string of a TXT record holds no more (RFC 1035 section 3.3).
const STRING_MOST: usize = 255;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;

/// Why a text is no key to sign with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No PEM block, or one that is no base64.
    #[error("it is not a key in PEM")]
    NotPem,
    /// Locked with a passphrase.
    #[error("the key is locked with a passphrase")]
    Encrypted,
    /// A certificate, a public key, parameters.
    #[error("it holds `{0}` and no private key")]
    NotPrivate(String),
    /// Neither RSA nor Ed25519.
    #[error("the key is neither RSA nor Ed25519")]
    UnknownKind,
    /// RSA of another length than we sign with.
    #[error("the RSA key has {0} bits, and 2048 to 4096 are needed")]
    Bits(usize),
    /// The numbers in it do not fit together.
    #[error("the key is damaged ({0})")]
    Damaged(String),
}

impl KeyFault {
    /// What to do.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Encrypted => "unlock it: openssl pkey -in LOCKED.pem -out dkim.pem; chmod 600 dkim.pem",
            Self::UnknownKind | Self::Bits(_) | Self::NotPem | Self::NotPrivate(_) | Self::Damaged(_) => {
                "make one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out dkim.pem, or -algorithm ed25519; chmod 600 dkim.pem"
            }
        }
    }
}

/// How a key signs: the tag `a=` (RFC 6376 section 3.3, RFC 8463 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// PKCS#1 v1.5 over SHA-256, understood everywhere.
    RsaSha256,
    /// PureEdDSA over the SHA-256: short and quick; not every receiver knows it yet.
    Ed25519Sha256,
}

impl Algorithm {
    /// As it stands in the signature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// As it stands in the record.
    fn key_type(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa",
            Self::Ed25519Sha256 => "ed25519",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What must stand in the DNS so that a signature can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `selector._domainkey.domain`, without the last dot.
    pub name: String,
    /// The value of the TXT record, in one piece.
    pub value: String,
}

impl fmt::Display for Record {
    /// As in a zone file; a long value stands in several strings, which readers join (RFC 6376 section 3.6.2.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. TXT", self.name)?;
        let mut rest = self.value.as_str();
        while !rest.is_empty() {
            // The value is ASCII: a tag list and base64.
            let (string, behind) = rest.split_at(rest.len().min(STRING_MOST));
            write!(f, " \"{string}\"")?;
            rest = behind;
        }
        Ok(())
    }
}

/// A private key with the name under which its public half is found.
pub struct Key {
    domain: String,
    selector: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<SigningKey>),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {} of {})", self.algorithm(), self.selector, self.domain)
    }
}

impl Key {
    /// Reads a private key in PEM: PKCS#8 for both kinds, PKCS#1 for RSA too. `domain` and `selector` are ASCII.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pem(domain: &str, selector: &str, text: &str) -> Result<Self, KeyFault> {
        let (label, der) = private_block(text)?;
        let pair = match label {
            "RSA PRIVATE KEY" => rsa(&der)?,
            "PRIVATE KEY" => {
                let (algorithm, inner) = pkcs8(&der).ok_or_else(|| damaged("no PKCS#8"))?;
                match algorithm {
                    OID_RSA => rsa(inner)?,
                    OID_ED25519 => ed25519(&der, inner)?,
                    _ => return Err(KeyFault::UnknownKind),
                }
            }
            "ENCRYPTED PRIVATE KEY" => return Err(KeyFault::Encrypted),
            _ => return Err(KeyFault::UnknownKind),
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), pair })
    }

    /// The tag `d=`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The tag `s=`.
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// The tag `a=`.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::RsaSha256,
            Pair::Ed25519(_) => Algorithm::Ed25519Sha256,
        }
    }

    /// Length of the key: of the modulus for RSA, 256 for Ed25519.
    pub fn bits(&self) -> usize {
        match &self.pair {
            Pair::Rsa(pair) => pair.public().modulus_len() * 8,
            Pair::Ed25519(_) => 256,
        }
    }

    /// What to publish. For RSA `p=` is a SubjectPublicKeyInfo, as the examples of RFC 6376 appendix C and all receivers
    /// have it, not the bare key of its section 3.6.1 (erratum 3017).
    pub fn record(&self) -> Record {
        let public = match &self.pair {
            Pair::Rsa(pair) => {
                let algorithm = element(SEQUENCE, &[element(OID, OID_RSA), vec![0x05, 0x00]].concat());
                let bits = element(0x03, &[&[0], pair.public_key().as_ref()].concat());
                element(SEQUENCE, &[algorithm, bits].concat())
            }
            Pair::Ed25519(pair) => pair.verifying_key().as_bytes().to_vec(),
        };
        Record {
            name: format!("{}._domainkey.{}", self.selector, self.domain),
            value: format!("v=DKIM1; k={}; p={}", self.algorithm().key_type(), BASE64.encode(&public)),
        }
    }

    /// Signs the canonical fields. `None` where the machine reckoned wrongly: ring checks each RSA signature before it
    /// leaves its hands.
    pub(super) fn sign(&self, data: &[u8], chance: &dyn SecureRandom) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, chance, data, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Ed25519(pair) => {
                // RFC 8463 section 3: what is signed is the hash, not the fields.
                let hash = ring::digest::digest(&ring::digest::SHA256, data);
                Some(pair.sign(hash.as_ref()).to_bytes().to_vec())
            }
        }
    }
}

fn damaged(why: &str) -> KeyFault {
    KeyFault::Damaged(why.to_owned())
}

fn rsa(der: &[u8]) -> Result<Pair, KeyFault> {
    let bits = modulus_bits(der).ok_or_else(|| damaged("no PKCS#1"))?;
    if !RSA_BITS.contains(&bits) {
        return Err(KeyFault::Bits(bits));
    }
    let pair = RsaKeyPair::from_der(der).map_err(|e| damaged(&e.to_string()))?;
    Ok(Pair::Rsa(Box::new(pair)))
}

/// `inner` is the CurvePrivateKey in it (RFC 8410 section 7).
fn ed25519(der: &[u8], inner: &[u8]) -> Result<Pair, KeyFault> {
    // ring compares with the public half, which is not always there: programs write version 1 of the form.
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|e| damaged(&e.to_string()))?;
    let seed = expect(OCTET_STRING, inner).and_then(|(seed, _)| seed.try_into().ok());
    Ok(Pair::Ed25519(Box::new(SigningKey::from_bytes(seed.ok_or_else(|| damaged("no seed of 32 octets"))?))))
}

/// The first private key of a PEM text, or what stands there in its place.
fn private_block(text: &str) -> Result<(&str, Vec<u8>), KeyFault> {
    let mut other = None;
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("-----BEGIN ") {
        let (label, behind) = behind.split_once("-----").ok_or(KeyFault::NotPem)?;
        let (content, behind) = behind.split_once("-----END ").ok_or(KeyFault::NotPem)?;
        if label.ends_with("PRIVATE KEY") {
            // The old way of locking (RFC 1421) says so in lines above the base64.
            if content.contains("ENCRYPTED") {
                return Err(KeyFault::Encrypted);
            }
            let der = BASE64_MIME_PERMISSIVE.decode(content.trim().as_bytes()).map_err(|_| KeyFault::NotPem)?;
            return Ok((label, der));
        }
        other.get_or_insert(label);
        rest = behind;
    }
    Err(other.map_or(KeyFault::NotPem, |label| KeyFault::NotPrivate(label.to_owned())))
}

/// One element of DER at the front: its tag, its content, and what follows it.
fn front(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (octets.iter().fold(0, |n, o| n << 8 | usize::from(*o)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn expect(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    front(der).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The algorithm's identifier and the key inside (RFC 5958 section 2).
fn pkcs8(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, _) = expect(SEQUENCE, der)?;
    let (_, content) = expect(INTEGER, content)?;
    let (algorithm, content) = expect(SEQUENCE, content)?;
    let (identifier, _) = expect(OID, algorithm)?;
    let (inner, _) = expect(OCTET_STRING, content)?;
    Some((identifier, inner))
}

/// Of an RSAPrivateKey (RFC 8017 appendix A.1.2).
fn modulus_bits(der: &[u8]) -> Option<usize> {
    let (content, _) = expect(SEQUENCE, der)?;
    let (_, content) = expect(INTEGER, content)?;
    let (modulus, _) = expect(INTEGER, content)?;
    let leading = modulus.iter().take_while(|o| **o == 0).count();
    let first = modulus.get(leading)?;
    Some((modulus.len() - leading) * 8 - usize::try_from(first.leading_zeros()).ok()?)
}

/// Writes an element of DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a key is shorter than 4 GiB").to_be_bytes();
    let mut out = vec![tag];
    match content.len() {
        0..=0x7f => out.push(length[3]),
        0x80..=0xff => out.extend([0x81, length[3]]),
        0x100..=0xffff => out.extend([0x82, length[2], length[3]]),
        _ => {
            out.push(0x84);
            out.extend(length);
        }
    }
    out.extend_from_slice(content);
    out
}
