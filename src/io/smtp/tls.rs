//! Which certificates are believed, and which one we show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use crate::input::relay::{Protection, Relay};
use crate::io::secrets::{SecretError, check_mode};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of `ca_file`.
    #[error("cannot read certificates from `{0}`: {1}")]
    CaFile(PathBuf, String),
    /// The file of `client_certificate` or `client_key`.
    #[error("cannot use `{0}` to identify ourselves: {1}")]
    Identity(PathBuf, String),
    /// The key can be read by others, or not at all.
    #[error("the key of the client certificate cannot be used")]
    Key(#[from] SecretError),
    /// The system has none.
    #[error("this machine has no root certificates; install the package ca-certificates, or name a `ca_file`")]
    NoRoots,
    /// rustls' own.
    #[error("TLS cannot be set up")]
    Rustls(#[from] rustls::Error),
}

/// What a relay's entry asks for; its files are named below `folder`.
///
/// # Errors
/// [`TlsError`].
pub fn tls_of(relay: &Relay, folder: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let ca_file = relay.ca_file.as_ref().map(|name| folder.join(name));
    let identity = match (&relay.client_certificate, &relay.client_key) {
        (Some(certificate), Some(key)) => Some((folder.join(certificate), folder.join(key))),
        _ => None,
    };
    // The roots of a system take longer to read than 193 messages to send: they are left alone where nothing is protected.
    build(ca_file.as_ref(), identity, relay.is_loopback(), relay.protection == Protection::Loopback)
}

/// TLS 1.2 and 1.3 with names checked against the system's roots and those of `ca_file`. Without any root no certificate
/// is believed, which matters only where TLS is used: `may_be_empty` for a relay on this machine.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(ca_file: Option<&PathBuf>, may_be_empty: bool) -> Result<Arc<ClientConfig>, TlsError> {
    build(ca_file, None, may_be_empty, false)
}

fn build(
    ca_file: Option<&PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    may_be_empty: bool,
    is_in_clear: bool,
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    // Faulty entries of a system's store are common and harmless as long as others remain.
    if !is_in_clear {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = ca_file {
        let failed = |e: String| TlsError::CaFile(path.clone(), e);
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| failed(e.to_string()))?;
        let mut any = false;
        for certificate in certificates {
            roots.add(certificate.map_err(|e| failed(e.to_string()))?).map_err(|e| failed(e.to_string()))?;
            any = true;
        }
        if !any {
            return Err(failed("no certificate in it".to_owned()));
        }
    }
    if roots.is_empty() && !may_be_empty {
        return Err(TlsError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots);
    let Some((certificate, key)) = identity else { return Ok(Arc::new(config.with_no_client_auth())) };
    check_mode(&key)?;
    let failed = |path: &PathBuf, e: String| TlsError::Identity(path.clone(), e);
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| failed(&certificate, e.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(|e| failed(&key, e.to_string()))?;
    let config = config.with_client_auth_cert(chain, secret).map_err(|e| failed(&certificate, e.to_string()))?;
    Ok(Arc::new(config))
}

/// Protocol and cipher suite as the IANA registry and other programs write them: `TLSv1.3 TLS_AES_256_GCM_SHA384`.
pub(super) fn describe(session: &ClientConnection) -> String {
    let protocol = session.protocol_version().and_then(|v| v.as_str()).unwrap_or_default();
    let suite = session.negotiated_cipher_suite().and_then(|s| s.suite().as_str()).unwrap_or_default();
    // rustls has a prefix of its own for the suites of 1.3.
    format!("{} {}", protocol.replace('_', "."), suite.replace("TLS13_", "TLS_"))
}

/// When the certificate that the server showed ends (RFC 5280 section 4.1.2.5); rustls has found it good.
pub(super) fn ends(session: &ClientConnection) -> Option<Timestamp> {
    let shown = session.peer_certificates()?.first()?;
    let certificate = Certificate::from_der(shown).ok()?;
    let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    Timestamp::from_second(i64::try_from(end.as_secs()).ok()?).ok()
}
