//! An event folder of its own for each test, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The repository, whose root is the sample's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder that goes when it is dropped.
pub(crate) struct Desk {
    pub(crate) path: PathBuf,
}

/// What a run said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("desk-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self { path }
    }

    /// A copy of the sample event.
    pub(crate) fn sample() -> Self {
        let desk = Self::empty();
        for name in ["convoke.toml", "recipients", "templates"] {
            copy(&repository().join(name), &desk.path.join(name));
        }
        desk
    }

    /// The sample event with a list of one's own in the place of its lists, no rate limit, and quick retries.
    pub(crate) fn with_list(csv: &str) -> Self {
        let desk = Self::sample();
        fs::remove_dir_all(desk.path.join("recipients")).expect("the sample's lists");
        desk.write("recipients/list.csv", csv);
        let settings = desk.read("convoke.toml");
        let settings = settings
            .replace(
                "files = [\"recipients/missions.csv\", \"recipients/ngos.csv\"]",
                "files = [\"recipients/list.csv\"]",
            )
            .replace("rate = \"200/s\"", "retry_after = [\"1s\"]");
        assert!(settings.contains("recipients/list.csv") && settings.contains("retry_after"), "the sample's settings");
        desk.write("convoke.toml", &settings);
        desk
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).expect(name)
    }

    /// The program in this folder, not started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
        command.current_dir(&self.path).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("the program starts");
        let text = |octets: Vec<u8>| String::from_utf8(octets).expect("output is UTF-8");
        Ran { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    /// Runs and demands an exit code.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    /// The messages in the outbox, in the order in which they came.
    pub(crate) fn outbox(&self) -> Vec<Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.path.join("outbox/new")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).expect("a message")).collect()
    }

    /// `status --json`.
    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["status", "--json"]).out).expect("JSON")
    }

    /// How many stand in a state.
    pub(crate) fn standing(&self, state: &str) -> u64 {
        self.status()["states"][state].as_u64().unwrap_or(0)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("a copy");
    }
}
