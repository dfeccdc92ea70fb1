//! `convoke sandbox`, and the sandbox inside `send`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli;
use crate::exit::{Exit, Stopped};
use crate::input::relay::Relay;
use crate::io::maildir::{Durability, Maildir};
use crate::io::sandbox::{Sandbox, write_outbox_index};
use crate::io::stop::Stop;

/// Messages on the index page.
const SHOWN: usize = 1000;

/// A running sandbox with its outbox.
pub(super) struct Outbox {
    maildir: Maildir,
    title: String,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Outbox {
    /// Starts one on a free loopback port.
    pub(super) async fn start(path: &Path, title: &str) -> Result<Self, Stopped> {
        let maildir = Maildir::open(path, Durability::Written)?;
        let sandbox = Sandbox::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), maildir.clone()).await?;
        let address = sandbox.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(sandbox.run(async {
            // The sender's end is dropped or used: both mean the end.
            let _ = stopped.await;
        }));
        Ok(Self { maildir, title: title.to_owned(), address, stop, task })
    }

    /// The way there.
    pub(super) fn relay(&self) -> Relay {
        let mut relay =
            Relay::from_url(Some("sandbox"), &format!("smtp://{}", self.address)).expect("an address is a host");
        relay.connections = None;
        relay
    }

    /// Ends it and writes the page; gives its path.
    pub(super) async fn end(self) -> Result<PathBuf, Stopped> {
        // It may have ended by itself.
        let _ = self.stop.send(());
        let _ = self.task.await;
        Ok(write_outbox_index(&self.maildir, &self.title, SHOWN).await?)
    }
}

/// Runs alone until Ctrl-C.
pub(super) async fn run(typed: &cli::Sandbox) -> Result<Exit, Stopped> {
    let maildir = Maildir::open(&typed.outbox, Durability::Synced)?;
    let sandbox = Sandbox::bind(typed.listen, maildir.clone()).await?;
    println!(
        "the sandbox listens on {} and files into `{}`; Ctrl-C ends it",
        sandbox.local_addr(),
        typed.outbox.display()
    );
    let stop = Stop::listen(|| {});
    sandbox.run(async move { stop.asked().await }).await;
    let index = write_outbox_index(&maildir, "Sandbox", SHOWN).await?;
    println!("{}", index.display());
    Ok(Exit::Done)
}
