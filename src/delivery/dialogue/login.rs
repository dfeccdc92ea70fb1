//! AUTH (RFC 4954), step by step: PLAIN (RFC 4616), LOGIN and XOAUTH2 (both without a standard, as servers do them).

use data_encoding::BASE64;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::Auth;
use secrecy::{ExposeSecret as _, SecretString};

use super::Capabilities;
use crate::input::relay::AuthMethod;
use crate::mail::Reply;

/// As much as a person reads of what the server says about a token.
const EXPLANATION_CHARACTERS: usize = 300;

/// Who logs in, and with what.
#[derive(Clone)]
pub struct Credential {
    /// Name.
    pub user: String,
    /// Password, or the token of XOAUTH2; never printed.
    pub secret: SecretString,
    /// The one method to be used; without it PLAIN or else LOGIN.
    pub method: Option<AuthMethod>,
}

/// What comes next.
pub(super) enum Next {
    /// Say this.
    Say(Vec<u8>),
    /// Logged in.
    Done,
    /// The server's no, with what it explained before.
    Refused(Reply),
}

/// A login under way.
pub(super) struct Exchange {
    mechanism: Mechanism,
    /// Answers to 334 that were given.
    answered: u32,
    /// The explanation that XOAUTH2 gives before its refusal.
    explained: Option<String>,
}

impl Exchange {
    /// Chooses a mechanism; gives its first command as well.
    ///
    /// # Errors
    /// The words where the server offers none that may be used.
    pub(super) fn begin(credential: &Credential, offered: &Capabilities) -> Result<(Self, Vec<u8>), String> {
        let offers = |name: &str| offered.auth.iter().any(|m| m == name);
        let wanted = match credential.method {
            Some(AuthMethod::Plain) => &[("PLAIN", Mechanism::Plain)][..],
            Some(AuthMethod::Login) => &[("LOGIN", Mechanism::Login)],
            Some(AuthMethod::XOAuth2) => &[("XOAUTH2", Mechanism::Xoauth2)],
            None => &[("PLAIN", Mechanism::Plain), ("LOGIN", Mechanism::Login)],
        };
        let Some((_, mechanism)) = wanted.iter().find(|(name, _)| offers(name)) else {
            let names: Vec<_> = wanted.iter().map(|(name, _)| *name).collect();
            let offered = if offered.auth.is_empty() { "no login".to_owned() } else { offered.auth.join(", ") };
            return Err(format!("the relay offers {offered}, and {} is needed", names.join(" or ")));
        };
        let known = Credentials::new(credential.user.clone(), credential.secret.expose_secret().to_owned());
        let first = Auth::new(*mechanism, known, None).map_err(|e| e.to_string())?;
        let exchange = Self { mechanism: *mechanism, answered: 0, explained: None };
        Ok((exchange, first.to_string().into_bytes()))
    }

    /// Takes the server's answer.
    pub(super) fn answer(&mut self, credential: &Credential, reply: Reply) -> Next {
        if reply.code() == 235 {
            return Next::Done;
        }
        if reply.code() != 334 {
            return Next::Refused(self.with_explanation(reply));
        }
        self.answered += 1;
        match (self.mechanism, self.answered) {
            // By their order: the prompts are worded as each server likes.
            (Mechanism::Login, 1) => Next::Say(base64_line(&credential.user)),
            (Mechanism::Login, 2) => Next::Say(base64_line(credential.secret.expose_secret())),
            // A JSON text says why the token is not taken; the refusal comes after an empty answer.
            (Mechanism::Xoauth2, 1) => {
                self.explained = explanation(&reply);
                Next::Say(b"\r\n".to_vec())
            }
            _ => Next::Refused(self.with_explanation(reply)),
        }
    }

    fn with_explanation(&mut self, reply: Reply) -> Reply {
        let Some(explained) = self.explained.take() else { return reply };
        let mut lines = reply.lines().to_vec();
        lines.push(explained);
        Reply::new(reply.code(), lines)
    }
}

fn base64_line(text: &str) -> Vec<u8> {
    let mut line = BASE64.encode(text.as_bytes()).into_bytes();
    line.extend_from_slice(b"\r\n");
    line
}

fn explanation(reply: &Reply) -> Option<String> {
    let octets = BASE64.decode(reply.lines().first()?.trim().as_bytes()).ok()?;
    let text = String::from_utf8_lossy(&octets);
    let text: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(EXPLANATION_CHARACTERS).collect();
    (!text.is_empty()).then_some(text)
}
