//! Passwords, tokens and private keys, from where the configuration says they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use secrecy::{ExposeSecret as _, SecretString};

use crate::input::relay::Secret;

/// Why a secret cannot be had; never the secret itself.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable `{0}` is not set; set it to the secret")]
    Unset(String),
    /// The file cannot be read.
    #[error("cannot read the secret from `{0}`")]
    File(PathBuf, #[source] std::io::Error),
    /// Others may read the file.
    #[error("`{0}` can be read by others (mode {1:o}); run chmod 600 on it")]
    Mode(PathBuf, u32),
    /// The command failed.
    #[error("the command `{0}` gave no secret: {1}")]
    Command(String, String),
    /// Nothing, or several lines.
    #[error("the secret from {0} is empty or has line breaks")]
    Shape(String),
}

/// Fetches a password. Files are named below `folder`.
///
/// # Errors
/// [`SecretError`].
pub fn fetch(secret: &Secret, folder: &Path) -> Result<SecretString, SecretError> {
    let (text, origin) = read(secret, folder)?;
    let text = match secret {
        // Programs such as pass print notes below the password.
        Secret::Command(_) => text.expose_secret().lines().next().unwrap_or_default(),
        Secret::Environment(_) | Secret::File(_) => text.expose_secret(),
    };
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || password.contains(['\r', '\n', '\0']) {
        return Err(SecretError::Shape(origin));
    }
    Ok(SecretString::from(password.to_owned()))
}

/// Fetches a secret of several lines, such as a key in PEM, whole. Files are named below `folder`.
///
/// # Errors
/// [`SecretError`].
pub fn fetch_whole(secret: &Secret, folder: &Path) -> Result<SecretString, SecretError> {
    read(secret, folder).map(|(text, _)| text)
}

/// All of it, and where it came from in words.
fn read(secret: &Secret, folder: &Path) -> Result<(SecretString, String), SecretError> {
    let (text, origin) = match secret {
        Secret::Environment(name) => {
            (std::env::var(name).map_err(|_| SecretError::Unset(name.clone()))?, format!("`{name}`"))
        }
        Secret::File(name) => {
            let path = folder.join(name);
            check_mode(&path)?;
            let text = std::fs::read_to_string(&path).map_err(|e| SecretError::File(path.clone(), e))?;
            (text, format!("`{}`", path.display()))
        }
        Secret::Command(words) => {
            let name = words.first().cloned().unwrap_or_default();
            let failed = |why: String| SecretError::Command(name.clone(), why);
            let output = Command::new(&name)
                .args(words.iter().skip(1))
                .current_dir(folder)
                .stderr(std::process::Stdio::inherit())
                .output()
                .map_err(|e| failed(e.to_string()))?;
            if !output.status.success() {
                return Err(failed(output.status.to_string()));
            }
            let text = String::from_utf8(output.stdout).map_err(|_| failed("it is not UTF-8".to_owned()))?;
            (text, format!("the command `{name}`"))
        }
    };
    Ok((SecretString::from(text), origin))
}

/// A text without the password, in each form in which a login sends it (RFC 4954, RFC 4616).
pub fn hidden_in(text: &str, user: &str, password: &SecretString) -> String {
    let clear = password.expose_secret();
    let encode = |octets: &str| data_encoding::BASE64.encode(octets.as_bytes());
    let bearer = encode(&format!("user={user}\x01auth=Bearer {clear}\x01\x01"));
    let forms = [encode(&format!("\0{user}\0{clear}")), bearer, encode(clear), clear.to_owned()];
    forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "[secret]"))
}

/// Demands that nobody else may read a file (mode 0600 or less).
///
/// # Errors
/// [`SecretError::Mode`], and [`SecretError::File`] where there is none.
#[cfg(unix)]
pub fn check_mode(path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_err(|e| SecretError::File(path.to_owned(), e))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(SecretError::Mode(path.to_owned(), mode)) }
}

/// Elsewhere the owner's profile is what keeps it.
#[cfg(not(unix))]
pub fn check_mode(_: &Path) -> Result<(), SecretError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::hidden_in;

    #[test]
    fn no_form_of_a_password_is_repeated() {
        let password = SecretString::from("open sesame".to_owned());
        let hide = |text: &str| hidden_in(text, "me", &password);
        assert_eq!(hide("500 what is AUTH PLAIN AG1lAG9wZW4gc2VzYW1l"), "500 what is AUTH PLAIN [secret]");
        assert_eq!(hide("535 b3BlbiBzZXNhbWU= is wrong"), "535 [secret] is wrong");
        assert_eq!(hide("535 `open sesame` is wrong"), "535 `[secret]` is wrong");
        assert_eq!(hide("500 dXNlcj1tZQFhdXRoPUJlYXJlciBvcGVuIHNlc2FtZQEB"), "500 [secret]");
        assert_eq!(hide("535 5.7.8 no"), "535 5.7.8 no");
    }
}
