//! Which certificates are believed.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of `ca_file`.
    #[error("cannot read certificates from `{0}`: {1}")]
    CaFile(PathBuf, String),
    /// The system has none.
    #[error("this machine has no root certificates; install the package ca-certificates, or name a `ca_file`")]
    NoRoots,
    /// rustls' own.
    #[error("TLS cannot be set up")]
    Rustls(#[from] rustls::Error),
}

/// TLS 1.2 and 1.3 with names checked against the system's roots and those of `ca_file`. Without any root no certificate
/// is believed, which matters only where TLS is used: `may_be_empty` for a relay on this machine.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(ca_file: Option<&PathBuf>, may_be_empty: bool) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    // Faulty entries of a system's store are common and harmless as long as others remain.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
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
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
