//! The wall clock; nobody else asks it.

use jiff::Timestamp;

/// The instant at which it is called.
#[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
