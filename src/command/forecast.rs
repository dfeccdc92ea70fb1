//! How long a run takes under its limits, for `check` and `send`.
//!
//! What: [`reckon`], which brings together what the journal knows and what the limits are. Not here: the reckoning
//! itself (`delivery::Forecast`). Called by: `check`, `send`. Can fail: where the journal cannot be read.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::delivery::{Demand, Forecast, Quota, Terms};
use crate::io::clock;
use crate::io::store::{Store, StoreError};

/// The first minute that a quota of a day may still count.
pub(super) fn since(now: Timestamp) -> i64 {
    Quota::minute(now) - Quota::DAY
}

/// The forecast of so many messages, in words and as data. Times are those of this machine's zone.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn reckon(store: &Store, terms: &Terms, messages: u64) -> Result<(String, Forecast), StoreError> {
    let now = clock::now();
    let used = if terms.asks_for_usage() { store.usage_since(since(now)).await? } else { Vec::new() };
    let by_domain = if terms.asks_for_domains() { store.open_by_domain().await? } else { Vec::new() };
    let open: u64 = by_domain.iter().map(|(_, n)| n).sum();
    // A selection or `--limit` takes fewer: of each domain its part.
    let part = |n: u64| if open > messages { n * messages / open } else { n };
    let by_domain = by_domain.into_iter().map(|(domain, n)| (domain, part(n))).collect();
    let forecast = Forecast::new(terms, &Demand { messages, by_domain }, &used, now);
    Ok((forecast.sentence(&TimeZone::system()), forecast))
}
