//! The keys of `[[dkim]]`, opened; and what is said about them.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::input::event_file::EventFile;
use crate::input::problem::Problem;
use crate::io::{chain, secrets, seed};
use crate::message::dkim::{Algorithm, Key, Signer};

/// Reads every key; `None` where nothing is to be signed.
///
/// # Errors
/// Every key that cannot be had or used, at the place where it is named.
pub(super) fn open(file: &EventFile, folder: &Path) -> Result<Option<Arc<Signer>>, Vec<Problem>> {
    let mut keys = Vec::new();
    let mut problems = Vec::new();
    for named in &file.dkim {
        let problem = |fault: String, cure: &str| {
            let fault = format!("the DKIM key `{}` cannot be used: {fault}", named.selector);
            Problem::new(named.place.clone(), fault, cure)
        };
        match secrets::fetch_whole(&named.key, folder) {
            Ok(text) => match Key::from_pem(&named.domain, &named.selector, text.expose_secret()) {
                Ok(key) => keys.push(key),
                Err(fault) => problems.push(problem(fault.to_string(), fault.cure())),
            },
            Err(fault) => problems.push(problem(chain(&fault), "")),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok((!keys.is_empty()).then(|| Arc::new(Signer::new(keys, seed::chance()))))
}

/// For a person: what will be signed, and the records to publish.
pub(super) fn lines(signer: &Signer) -> Vec<String> {
    let keys = signer.keys().iter();
    keys.flat_map(|key| {
        [
            format!(
                "every message is signed for {} with {}, {} bits (DKIM); publish",
                key.domain(),
                key.algorithm(),
                key.bits()
            ),
            format!("  {}", key.record()),
        ]
    })
    .collect()
}

/// What somebody who signs should know.
pub(super) fn remarks(signer: Option<&Signer>) -> Vec<String> {
    let alone = signer.is_some_and(|s| s.keys().iter().all(|key| key.algorithm() == Algorithm::Ed25519Sha256));
    let remark =
        "DKIM with Ed25519 alone: many receivers check RSA only; add a [[dkim]] with an RSA key and another selector";
    alone.then(|| remark.to_owned()).into_iter().collect()
}

/// For a program.
pub(super) fn list(signer: Option<&Signer>) -> Vec<Value> {
    let one = |key: &Key| {
        let record = key.record();
        json!({
            "domain": key.domain(),
            "selector": key.selector(),
            "algorithm": key.algorithm().as_str(),
            "bits": key.bits(),
            "record": { "name": record.name, "type": "TXT", "value": record.value },
        })
    };
    signer.into_iter().flat_map(Signer::keys).map(one).collect()
}
