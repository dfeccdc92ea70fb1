//! Chance, from the operating system.

use std::sync::LazyLock;

use ring::rand::{SecureRandom, SystemRandom};

/// 256 bits for the secret of a folder.
///
/// # Errors
/// The operating system has none to give.
pub fn secret() -> std::io::Result<[u8; 32]> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).map_err(std::io::Error::other)?;
    Ok(octets)
}

/// The source that ring wants beside a private key.
pub fn chance() -> &'static (dyn SecureRandom + Send + Sync) {
    static CHANCE: LazyLock<SystemRandom> = LazyLock::new(SystemRandom::new);
    &*CHANCE
}
