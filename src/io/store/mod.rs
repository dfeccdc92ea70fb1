//! The journal on disk: one SQLite file in the event folder.
//!
//! What: [`Store`], opened by one process at a time for writing; [`Recorder`], which commits arms and outcomes of many
//! connections together; reading by pages, so that memory does not grow with the list.
//! Durability: WAL with `synchronous = FULL`: what a call has returned for is on disk, but for a plan before its first message.
//! Not here: which steps are lawful (`journal`), what a reply means (`delivery`). Called by: `command`, `io::smtp`.
//! Can fail: [`StoreError`]; after the first failed commit nothing more is armed.

mod answers;
mod approval;
mod effects;
mod entities;
mod import;
mod inbound;
mod ledger;
mod life;
mod listed;
mod mailings;
mod plan;
mod recorder;
mod runs;
mod schema;
mod script;
mod speaking;
mod standings;
mod suppression;
mod usage;
mod wishes;

pub use entities::{Entity, Mailbox};
pub use import::{Duplicate, ImportCounts, Importer};
pub use inbound::{Card, ReturnedMail, ReturnedMails, Returns};
pub use ledger::{LedgerRow, OpenRow, REMINDED, RecipientRow};
pub use life::{Candidate, Circle, Planning};
pub use mailings::{Mailing, Pick};
pub use plan::FolderState;
pub use recorder::Recorder;
pub use standings::{EntityStanding, Known, KnownOf};
pub use suppression::{SuppressionCounts, Swept};
pub use wishes::Wish;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;

/// The journal's file name.
pub const FILE_NAME: &str = "convoke.db";
const LOCK_NAME: &str = ".convoke.lock";

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process writes to it.
    #[error("another convoke works in this folder{0}; wait for it or stop it")]
    Busy(String),
    /// A newer program wrote it.
    #[error("the journal was written by version {found}, this program knows up to {known}; upgrade convoke")]
    Newer {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// There is none.
    #[error("there is no journal in `{0}` yet; `convoke send` makes one")]
    Absent(PathBuf),
    /// The folder belongs to another event.
    #[error("the journal in this folder is of event `{found}`, not `{wanted}`; keep one folder for each event")]
    OtherEvent {
        /// In the journal.
        found: String,
        /// In the event file.
        wanted: String,
    },
    /// A row was not in the state that the step needs.
    #[error("the journal refused a step: {0}")]
    Step(String),
    /// A file could not be made or read.
    #[error("cannot use `{0}`")]
    File(PathBuf, #[source] std::io::Error),
    /// SQLite's own.
    #[error("the journal cannot be read or written")]
    Sql(#[from] sqlx::Error),
    /// The journal's file is no journal, or is damaged.
    #[error("the journal's schema cannot be brought up to date")]
    Schema(#[source] MigrateError),
}

/// The journal, open for writing by this process alone (or a scratch copy).
pub struct Store {
    connection: Arc<Mutex<SqliteConnection>>,
    path: PathBuf,
    // Held as long as the store is: the operating system lets go of it however the process ends.
    _lock: Option<File>,
    scratch: bool,
    /// The run that goes on; 0 between runs.
    run: AtomicI64,
    /// Whether suppressed addresses are kept as hashes only.
    hashes_only: AtomicBool,
    /// The session that is looked at; `None` for all of them, and where the event has none.
    session: RwLock<Option<String>>,
}

impl Store {
    /// Where the journal of a folder lies.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join(FILE_NAME)
    }

    /// Opens the folder's journal, making it if need be, and settles what a crash left behind: what was claimed is ready
    /// again, what was armed is in doubt.
    ///
    /// # Errors
    /// [`StoreError`]; `Busy` where another process has it.
    pub async fn open(folder: &Path, now_ms: i64) -> Result<Self, StoreError> {
        let lock = lock(folder)?;
        let path = Self::path_in(folder);
        let is_new = !path.exists();
        if is_new {
            create_private(&path)?;
        }
        // Of a new journal nothing is worth a sync before all of it is there. Of an older one, a schema and what a crash left
        // are on disk with the first commit that counts: they would only be made again.
        let synchronous = if is_new { SqliteSynchronous::Off } else { SqliteSynchronous::Normal };
        let store = Self::connect(path, Some(lock), synchronous).await?;
        if is_new {
            sync(&store.path)?;
            sync_folder(folder)?;
        }
        store.absorb_unrecorded().await?;
        store.recover(now_ms).await?;
        store.demand_syncs().await?;
        Ok(store)
    }

    /// Opens an existing journal for reading; a running `send` does not mind.
    ///
    /// # Errors
    /// [`StoreError`]; `Absent` where there is none.
    pub async fn open_reading(folder: &Path) -> Result<Self, StoreError> {
        let path = Self::path_in(folder);
        if !path.exists() {
            return Err(StoreError::Absent(folder.to_owned()));
        }
        if schema::is_older(options(&path)).await? {
            // Brought up to date as for writing; whoever works in the folder has done so already.
            let _lock = lock(folder)?;
            schema::opened(options(&path), false).await?.close().await?;
        }
        let options = options(&path).create_if_missing(false).pragma("query_only", "1");
        let connection = options.connect().await?;
        Ok(Self::over(connection, path, None, false))
    }

    /// A journal that ends with this value: for `check`, `preview` and `--dry-run`. It begins as a copy of the folder's
    /// journal where there is one, so that what was sent already counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scratch(folder: &Path, name: &str) -> Result<Self, StoreError> {
        let path = std::env::temp_dir().join(format!("convoke-{name}.db"));
        remove_database(&path);
        let original = Self::path_in(folder);
        if original.exists() {
            let mut connection = options(&original).connect().await?;
            sqlx::query("VACUUM INTO $1").bind(path.to_string_lossy().into_owned()).execute(&mut connection).await?;
            connection.close().await?;
        } else {
            create_private(&path)?;
        }
        // Nothing of a scratch copy is to survive anything.
        Self::connect(path, None, SqliteSynchronous::Off).await
    }

    async fn connect(path: PathBuf, lock: Option<File>, synchronous: SqliteSynchronous) -> Result<Self, StoreError> {
        let connection = schema::opened(options(&path).synchronous(synchronous), true).await?;
        let scratch = lock.is_none();
        Ok(Self::over(connection, path, lock, scratch))
    }

    /// What is written from now on is on disk with the next commit after [`demand_syncs`](Self::demand_syncs), in its order;
    /// a power cut before takes all of it. For a plan, which is made again as long as nothing of it has left.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn postpone_syncs(&self) -> Result<(), StoreError> {
        self.set_synchronous("PRAGMA synchronous = NORMAL").await
    }

    /// What a call has returned for is on disk; so it is unless syncs were postponed.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn demand_syncs(&self) -> Result<(), StoreError> {
        self.set_synchronous("PRAGMA synchronous = FULL").await
    }

    async fn set_synchronous(&self, pragma: &'static str) -> Result<(), StoreError> {
        if !self.scratch {
            sqlx::query(pragma).execute(&mut *self.connection.lock().await).await?;
        }
        Ok(())
    }

    fn over(connection: SqliteConnection, path: PathBuf, lock: Option<File>, scratch: bool) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
            path,
            _lock: lock,
            scratch,
            run: AtomicI64::new(0),
            hashes_only: AtomicBool::new(false),
            session: RwLock::default(),
        }
    }

    /// From now on what is read of dispatches, mailboxes and answers is that of one session alone, by its id; all of it with
    /// an empty one. What is written says itself whose it is.
    pub fn look_at(&self, session: &str) {
        // A panic elsewhere cannot leave half a text.
        *self.session.write().unwrap_or_else(PoisonError::into_inner) =
            Some(session).filter(|id| !id.is_empty()).map(str::to_owned);
    }

    /// The session that is looked at, for a statement.
    fn looked_at(&self) -> Option<String> {
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version of the schema that this program writes.
    pub const fn version() -> i64 {
        schema::VERSION
    }

    /// What SQLite finds wrong with the file; `None`: nothing. Reads all of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let mut connection = self.connection.lock().await;
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await?;
        Ok((found != "ok").then_some(found))
    }

    /// What a process that ended without a word left behind.
    async fn recover(&self, now_ms: i64) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin().await?;
        sqlx::query(
            // Whatever is armed was armed by the last run.
            "INSERT INTO attempt (dispatch, verdict, phase, relay, code, enhanced, reply, started_ms, ended_ms, run)
             SELECT id, 'IN_DOUBT', 'dot', '', 0, '', 'the program ended before the answer was recorded', changed_ms, $1,
                    (SELECT max(id) FROM run)
             FROM dispatch WHERE state = 'ARMED'",
        )
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "UPDATE dispatch SET state = CASE state WHEN 'ARMED' THEN 'IN_DOUBT' ELSE 'READY' END,
                    attempts = attempts + (state = 'ARMED'), changed_ms = $1,
                    reply = CASE state WHEN 'ARMED' THEN 'the program ended before the answer was recorded' ELSE reply END
             WHERE state IN ('ARMED', 'CLAIMED')",
        )
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Outcomes that could not be committed when they came lie in a side file; they are evidence and come first.
    async fn absorb_unrecorded(&self) -> Result<(), StoreError> {
        let path = side_file(&self.path);
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
        self.demand_syncs().await?;
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin().await?;
        // The last line may be torn: the message that it speaks of stays armed and becomes a doubt.
        for line in text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()) {
            recorder::write_outcomes(&mut transaction, line).await?;
        }
        transaction.commit().await?;
        std::fs::remove_file(&path).map_err(|e| StoreError::File(path, e))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.scratch {
            remove_database(&self.path);
        }
    }
}

/// Where the recorder keeps outcomes that SQLite would not take.
pub(super) fn side_file(path: &Path) -> PathBuf {
    path.with_extension("db.unrecorded")
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(std::time::Duration::from_secs(10))
        // 4 MiB of pages, whatever the size of the journal.
        .pragma("cache_size", "-4096")
        // 16 MiB: pages that each commit touches are copied back less often.
        .pragma("wal_autocheckpoint", "4000")
        // The scripts of the recorder, by their sizes.
        .statement_cache_capacity(256)
        // Rows on their way from the thread that reads them: with few, each one wakes somebody.
        .row_buffer_size(1024)
        .disable_statement_logging()
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(|_| ()).map_err(|e| StoreError::File(path.to_owned(), e))
}

/// A new file is there after a power cut only when its folder is on disk too.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    sync(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| StoreError::File(path.to_owned(), e))
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK_NAME);
    let failed = |e| StoreError::File(path.clone(), e);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(failed)?;
            write!(file, "{}", std::process::id()).map_err(failed)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&path).ok().filter(|pid| !pid.is_empty());
            Err(StoreError::Busy(holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(failed(e)),
    }
}

fn remove_database(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // A file that is not there is what is wanted.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

#[cfg(test)]
mod tests;
