//! What is shown while something takes long: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal as _, Read, Seek, SeekFrom, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar on standard error, or nothing where that is no terminal.
#[derive(Clone)]
pub(super) struct Bar(ProgressBar);

const OCTETS: &str = "{msg} {wide_bar} {bytes}/{total_bytes}  {eta} left";
const ITEMS: &str = "{msg} {wide_bar} {pos}/{len}  {per_sec}  {eta} left";

impl Bar {
    /// For files: `total` octets are to be read.
    pub(super) fn octets(message: &'static str, total: u64) -> Self {
        Self::new(message, total, OCTETS)
    }

    /// For messages: `total` of them.
    pub(super) fn items(message: &'static str, total: u64) -> Self {
        Self::new(message, total, ITEMS)
    }

    fn new(message: &'static str, total: u64, template: &str) -> Self {
        let target =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let style = ProgressStyle::with_template(template).expect("the template is ours");
        bar.set_style(style.progress_chars("━╸─"));
        bar.set_message(message);
        // What is over at once needs no bar.
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Moves on by so many.
    pub(super) fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// So many are to come, where that is known.
    pub(super) fn total(&self, left: Option<u64>) {
        if let Some(left) = left {
            self.0.set_length(self.0.position() + left);
        } else {
            self.0.unset_length();
        }
    }

    /// Prints a line above the bar.
    pub(super) fn say(&self, line: &str) {
        // A closed standard error (`2>&1 | head`) must not end a run with messages in flight, as `eprintln!` would.
        self.0.suspend(|| writeln!(io::stderr(), "{line}").ok());
    }

    /// Changes the words before the bar.
    pub(super) fn message(&self, words: String) {
        self.0.set_message(words);
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }

    /// Counts what is read from a file.
    pub(super) fn reading<R>(&self, inner: R) -> Counted<R> {
        Counted { inner, bar: self.clone() }
    }
}

/// A reader that moves the bar.
pub(super) struct Counted<R> {
    inner: R,
    bar: Bar,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bar.advance(n as u64);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
