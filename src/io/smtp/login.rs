//! Who logs in, and where the secret comes from.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Failure;
use crate::delivery::dialogue::Credential;
use crate::delivery::{Mishap, Phase};
use crate::input::relay::{AuthMethod, Relay, Secret};
use crate::io::chain;
use crate::io::secrets::{SecretError, fetch};

/// A login.
#[derive(Clone)]
pub struct Login {
    user: String,
    key: Key,
    method: Option<AuthMethod>,
}

#[derive(Clone)]
enum Key {
    /// The same all the time.
    Password(SecretString),
    /// Valid for an hour or less: fetched for each connection.
    Token(Secret, PathBuf),
}

impl Login {
    /// With a password that is known already.
    pub fn with_password(user: &str, password: SecretString, method: Option<AuthMethod>) -> Self {
        Self { user: user.to_owned(), key: Key::Password(password), method }
    }

    /// What a relay's entry says, `None` where it has no user or no secret. A password is fetched now, so that a missing
    /// one is told before anything begins.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn of(relay: &Relay, folder: &Path) -> Result<Option<Self>, SecretError> {
        let Some(user) = &relay.user else { return Ok(None) };
        if relay.auth == Some(AuthMethod::XOAuth2) {
            let key = relay.token.clone().map(|token| Key::Token(token, folder.to_owned()));
            return Ok(key.map(|key| Self { user: user.clone(), key, method: relay.auth }));
        }
        let Some(secret) = &relay.password else { return Ok(None) };
        Ok(Some(Self::with_password(user, fetch(secret, folder)?, relay.auth)))
    }

    /// The name with the secret as it is now.
    pub(super) async fn credential(&self) -> Result<Credential, Failure> {
        let secret = match &self.key {
            Key::Password(password) => password.clone(),
            Key::Token(token, folder) => {
                let (token, folder) = (token.clone(), folder.clone());
                let fetched = tokio::task::spawn_blocking(move || fetch(&token, &folder)).await;
                let unable = |words: String| Failure::new(Phase::Auth, Mishap::Unable(words));
                fetched.map_err(|e| unable(e.to_string()))?.map_err(|e| unable(chain(&e)))?
            }
        };
        Ok(Credential { user: self.user.clone(), secret, method: self.method })
    }
}
