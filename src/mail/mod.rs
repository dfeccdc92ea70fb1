//! The words of mail: addresses, message identifiers, replies.
//!
//! What: [`AddrSpec`], [`Mailbox`], [`MessageId`], [`Reply`] and [`EnhancedCode`], each valid by being one; [`masked`] addresses for logs.
//! Standards: RFC 5321 (SMTP), RFC 5322 (message format), RFC 3463 (enhanced codes), RFC 5890 (A-labels).
//! Not here: the building of messages (`message`) and the dialogue (`io::smtp`).
//! Called by: every other room; imports none.
//! Can fail: only in parsing, with an error that says what was read and what is needed.

mod addr_spec;
mod mailbox;
mod mask;
mod message_id;
mod reply;
mod reply_reader;

pub use addr_spec::{AddrSpec, AddrSpecError};
pub use mailbox::Mailbox;
pub use mask::{masked, masked_in};
pub use message_id::MessageId;
pub use reply::{EnhancedCode, Reply};
pub use reply_reader::{ReplyFault, ReplyReader};
