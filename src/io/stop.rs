//! Ctrl-C: once to finish what is in flight, twice to stop at once.

use tokio::sync::watch;

/// Tells everybody that the run is to end.
#[derive(Clone)]
pub struct Stop {
    asked: watch::Receiver<bool>,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM; `first` is called at the first one. The second ends the process: what was armed and
    /// not answered is in doubt then, and named at the next start.
    pub fn listen(first: impl Fn() + Send + 'static) -> Self {
        let (tell, asked) = watch::channel(false);
        tokio::spawn(async move {
            if wait().await {
                first();
                // Nobody listens any more: the run is over already.
                let _ = tell.send(true);
                wait().await;
                std::process::exit(130);
            }
        });
        Self { asked }
    }

    /// Whether it has been asked for.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until it is asked for.
    pub async fn asked(&self) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // No signal can come any more.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn wait() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return false;
    };
    tokio::select! {
        _ = interrupt.recv() => true,
        _ = terminate.recv() => true,
    }
}

#[cfg(not(unix))]
async fn wait() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
