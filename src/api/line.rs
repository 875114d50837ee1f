//! The connection that a request came by, and cutting it off when a stream on it is not taken.
//!
//! The kernel ends a connection whose peer takes no bytes. By HTTP/2 a peer may take everything but one stream: it answers
//! pings, and never says that it has room for more. That stream would keep its place for ever.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::openapi::{Sketch, Takes};

/// A stream that says something every two seconds and is not taken for so long has a client that does not read.
const UNTAKEN: Duration = Duration::from_secs(10);

/// See the module. Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(CancellationToken);

/// When a stream was last taken from.
#[derive(Debug)]
pub(crate) struct Taken(Mutex<Instant>);

impl Taken {
    /// It is taken from now.
    pub(crate) fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// `work` of this connection, until it ends or the connection is cut off.
    pub(crate) async fn unless_cut(&self, work: impl Future<Output = ()>) {
        let _ = self.0.run_until_cancelled(work).await;
    }

    /// Watches a stream for as long as what is given back is held: it has to say each time that it is taken from.
    pub(crate) fn watch(&self, cut: impl FnOnce() + Send + 'static) -> Arc<Taken> {
        let taken = Arc::new(Taken(Mutex::new(Instant::now())));
        tokio::spawn(self.clone().attend(Arc::downgrade(&taken), cut));
        taken
    }

    async fn attend(self, stream: Weak<Taken>, cut: impl FnOnce()) {
        loop {
            let Some(due) = stream.upgrade().map(|taken| taken.last() + UNTAKEN) else { return };
            if due <= Instant::now() {
                cut();
                return self.0.cancel();
            }
            sleep_until(due).await;
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Line {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl Takes for Line {
    fn describe(_: &mut Sketch<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_not_taken_ends_its_connection_and_no_other() {
        let (line, other) = (Line::default(), Line::default());
        let (told, mut cut) = tokio::sync::mpsc::unbounded_channel();
        let taken = line.watch(move || {
            let _ = told.send(());
        });
        let kept = other.watch(|| panic!("it is taken from"));
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            kept.now();
        }
        assert!(cut.recv().await.is_some() && line.0.is_cancelled() && !other.0.is_cancelled());
        line.unless_cut(std::future::pending()).await;
        drop((taken, kept));
        tokio::time::sleep(UNTAKEN * 2).await;
        assert!(!other.0.is_cancelled(), "a stream that has ended says nothing any more");
    }
}
