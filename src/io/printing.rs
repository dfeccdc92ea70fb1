//! Standard output and standard error, where whoever reads may have gone and the disk may be full.
//!
//! What: [`line`] and [`part`], which never fail; what went wrong first is kept, and [`ended`] gives it when the command is
//! over. A command that has begun goes on when its reader leaves: `convoke send | head -1` sends to everybody. [`remark`] is
//! for standard error, about which nobody can be told.
//! Not here: output that is written as a stream with its errors (`export`). Called by: `command`, through its `println!`.
//! Can fail: [`ended`], with a full disk.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::sync::{Mutex, PoisonError};

/// What went wrong first.
static FAULT: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line.
pub fn line(text: Arguments<'_>) {
    written(|out| writeln!(out, "{text}"));
}

/// Prints without a line end.
pub fn part(text: Arguments<'_>) {
    written(|out| write!(out, "{text}"));
}

/// Prints a line to standard error.
pub fn remark(text: Arguments<'_>) {
    // Where this cannot be written there is no place left to say so.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The same without a line end.
pub fn remark_part(text: Arguments<'_>) {
    let _ = write!(io::stderr().lock(), "{text}");
}

fn written(write: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<()>) {
    let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
    // After the first fault the rest would be a text with a hole.
    if fault.is_none() {
        *fault = write(&mut io::stdout().lock()).err();
    }
}

/// Writes what is still held back, and tells whether all was written. A reader who left has seen what he wanted.
///
/// # Errors
/// The first one that was no reader who left: a full disk.
pub fn ended() -> io::Result<()> {
    written(|out| out.flush());
    match FAULT.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
