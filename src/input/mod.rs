//! The user's files, read into values.
//!
//! What: `convoke.toml` ([`event_file`]), recipients tables ([`recipients`]), and the faults found in them
//! ([`problem`]). Standards: TOML 1.1, RFC 4180 and what spreadsheet programs make of it.
//! Not here: opening files (`io`), templates (`message`). Called by: `command`, `io`.
//! Can fail: with all faults of a file at once, each with its place and cure.

pub mod answer_list;
pub mod approval;
pub mod dkim;
pub mod event_file;
pub mod flat;
pub mod limits;
pub mod moment;
pub mod presets;
pub mod problem;
pub mod providers;
pub mod recipients;
pub mod records;
pub mod reference;
pub mod relay;
pub mod reminders;
pub mod replies;
pub mod sessions;
pub mod speaking;
pub mod suppression_list;
pub mod table;
pub mod text;
pub mod timeouts;
pub mod toml_reader;
pub mod units;
pub mod workbook;

pub use problem::{Place, Problem};
pub use recipients::{ColumnMap, Defaults, Import, Item, Recipient};
pub use table::{Dialect, RowSource, Sniffer, TableReader};
pub use workbook::Workbook;
