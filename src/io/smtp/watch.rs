//! Deadlines that cost nothing while answers come at once.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Nothing came in time.
#[derive(Debug)]
pub(super) struct Elapsed;

/// One timer for all waits of a connection. A timer of its own for each wait would be put into the runtime's wheel and
/// taken out again several times a message; this one is moved on, and only by a wait that has to wait.
pub(super) struct Watch {
    sleep: Pin<Box<Sleep>>,
    is_set: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep(Duration::ZERO)), is_set: false }
    }

    /// What is awaited next has the whole time for itself.
    pub(super) fn begin(&mut self) {
        self.is_set = false;
    }

    /// Carries out a step; `limit` counts from the first wait since [`begin`](Self::begin), so that a server that sends an
    /// octet now and then gains nothing by it.
    pub(super) async fn within<T>(&mut self, limit: Duration, step: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut step = pin!(step);
        poll_fn(|cx| {
            if let Poll::Ready(value) = step.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            if !self.is_set {
                self.sleep.as_mut().reset(Instant::now() + limit);
                self.is_set = true;
            }
            self.sleep.as_mut().poll(cx).map(|()| Err(Elapsed))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Watch;

    #[test]
    fn time_counts_from_the_first_wait_until_the_next_beginning() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut watch = Watch::new();
            let long = Duration::from_secs(600);
            assert_eq!(watch.within(Duration::ZERO, async { 7 }).await.expect("at once"), 7);
            assert!(watch.within(Duration::ZERO, std::future::pending::<()>()).await.is_err());
            assert!(watch.within(long, std::future::pending::<()>()).await.is_err(), "the time had passed already");
            watch.begin();
            assert!(watch.within(long, tokio::task::yield_now()).await.is_ok());
        });
    }
}
