//! The log: lines appended to a file by a thread of its own.
//!
//! What: [`Log`], whose [`Log::line`] never waits. Lines go to a thread that writes them, at the latest each second; what it
//! cannot take in time is counted, and the count is a line of its own. A file that can no longer be written ends the log, not
//! the sending, and is told once.
//! Not here: what a line says (`desk::log_line`). Called by: `command::record`. Can fail: opening it, with a [`FileError`].

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::files::FileError;

/// Lines that wait for the disk: 64 Ki of some 400 octets.
const WAITING: usize = 65_536;
/// How long a line stays in memory.
const FLUSH: Duration = Duration::from_secs(1);

/// An open log.
pub struct Log {
    queue: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
    missed: Arc<AtomicU64>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Log {
    /// Opens a file for appending; a new one can be read by its owner only.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file: File = options.open(path).map_err(|e| FileError::new("write", path, e))?;
        Ok(Self::over(file, &path.display().to_string()))
    }

    /// Over anything that can be written; `name` is what trouble calls it.
    fn over(file: impl Write + Send + 'static, name: &str) -> Self {
        let (queue, lines) = sync_channel(WAITING);
        let missed = Arc::new(AtomicU64::new(0));
        let trouble = Arc::new(Mutex::new(None));
        let (name, missing, told) = (name.to_owned(), Arc::clone(&missed), Arc::clone(&trouble));
        let writer = std::thread::spawn(move || {
            if let Err(error) = write_all(file, &lines, &missing) {
                let words = format!("the log `{name}` cannot be written any more: {error}; sending goes on without it");
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
                // The queue ends with this thread; lines that come later are dropped where they come from.
            }
        });
        Self { queue: Some(queue), writer: Some(writer), missed, trouble }
    }

    /// Appends a line, without its end. Never waits.
    pub fn line(&self, line: String) {
        let Some(queue) = &self.queue else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(line) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What keeps the log from being written, the first time that it is asked after it happened.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes what waits; gives what kept it from being written, unless that was told before.
    pub fn end(mut self) -> Option<String> {
        self.finish();
        self.trouble()
    }

    fn finish(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // It reports its faults as values.
            let _ = writer.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.finish();
    }
}

fn write_all(file: impl Write, lines: &Receiver<String>, missed: &AtomicU64) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(64 * 1024, file);
    loop {
        match lines.recv_timeout(FLUSH) {
            Ok(line) => {
                writeln!(file, "{line}")?;
                // Under a steady stream no second passes without a line: the clock of the queue is not enough.
                let mut written = 0;
                while let Ok(line) = lines.try_recv() {
                    writeln!(file, "{line}")?;
                    written += 1;
                    if written == 1000 {
                        break;
                    }
                }
                file.flush()?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                say_missed(&mut file, missed)?;
                return file.flush();
            }
        }
        say_missed(&mut file, missed)?;
    }
}

fn say_missed(file: &mut impl Write, missed: &AtomicU64) -> std::io::Result<()> {
    match missed.swap(0, Ordering::Relaxed) {
        0 => Ok(()),
        n => writeln!(file, "{}", serde_json::json!({ "event": "lines missed", "lines": n })),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::Log;

    /// Takes so many octets, then is full.
    struct Disk {
        taken: Arc<Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let mut taken = self.taken.lock().expect("no writer panics");
            if taken.len() + octets.len() > self.room {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"));
            }
            taken.extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_lines_are_there_at_the_end() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let log = Log::over(Disk { taken: Arc::clone(&taken), room: usize::MAX }, "x.jsonl");
        for n in 0..5000 {
            log.line(format!("{{\"n\":{n}}}"));
        }
        assert_eq!(log.end(), None);
        let text = String::from_utf8(taken.lock().expect("no writer panics").clone()).expect("UTF-8");
        assert_eq!(text.lines().count(), 5000);
        assert!(text.ends_with("{\"n\":4999}\n"));
    }

    #[test]
    fn a_full_disk_is_told_once_and_stops_nobody() {
        let log = Log::over(Disk { taken: Arc::default(), room: 10 }, "x.jsonl");
        for n in 0..5000 {
            log.line(format!("a line that does not fit {n}"));
        }
        // Ends by itself: the writer gives up at its first line.
        let told = loop {
            if let Some(words) = log.trouble() {
                break words;
            }
            std::thread::yield_now();
        };
        assert!(told.contains("`x.jsonl` cannot be written any more: no space left on device"), "{told}");
        log.line("one more".to_owned());
        assert_eq!(log.end(), None, "told once");
    }
}
