//! Serving a listener until told to stop: how many connections, how slow, and how they end. HTTP/1.1; a reverse proxy in
//! front adds TLS.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guards::Freezer;
use super::routes::Api;
use crate::alarm::Alarms;
use crate::notify::Notifier;
use crate::replay::Desk;
use crate::supervisor::Handle;

/// Connections at once: event streams, and several for each panel and poller. More wait to be accepted.
const CONNECTIONS: usize = 256;

/// For the head of a request, and between two requests of a connection.
const HEAD: Duration = Duration::from_secs(30);

/// A client that takes no bytes for so long is cut off, by the kernel (TCP_USER_TIMEOUT). Without it, a client that has
/// gone to sleep keeps its connection for a quarter of an hour.
const STALL_MS: u32 = 10_000;

/// Answers under way at shutdown get so long to finish.
const DRAIN: Duration = Duration::from_secs(3);

/// Out of file descriptors, accepting again at once would only spin.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves the API and the panel, with the recordings of `desk`, until `shutdown`; event streams end at once, other answers within seconds.
///
/// Call it inside a tokio runtime. Events are recorded from the call on, not from the first poll of what it returns, so
/// that a daemon that calls it before it starts its channels shows every event of the start.
pub fn serve(
    listener: TcpListener,
    handle: Handle,
    desk: Desk,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = std::io::Result<()>> + Send {
    let (alarms, notifier) = (Alarms::idle(), Notifier::idle());
    serve_all(listener, Parts { handle, desk, alarms, notifier, freezer: Freezer::idle() }, shutdown)
}

/// What the API stands in front of.
#[derive(Clone)]
pub struct Parts {
    /// The supervisor.
    pub handle: Handle,
    /// Recordings.
    pub desk: Desk,
    /// Alarms.
    pub alarms: Alarms,
    /// Who is told of them.
    pub notifier: Notifier,
    /// What is frozen.
    pub freezer: Freezer,
}

/// The same as [`serve`], with everything.
pub fn serve_all(
    listener: TcpListener,
    parts: Parts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = std::io::Result<()>> + Send {
    let closing = CancellationToken::new();
    let Parts { handle, desk, alarms, notifier, freezer } = parts;
    let api = Api::new(handle, closing.clone()).with_recordings(desk).with_alarms(alarms, notifier);
    let app = api.with_freezer(freezer).router();
    async move {
        let accepting = accept(listener, app, closing.clone());
        tokio::pin!(accepting);
        tokio::select! {
            // Ends only after `closing`, which only this function cancels.
            () = &mut accepting => {}
            () = shutdown => {
                closing.cancel();
                accepting.await;
            }
        }
        Ok(())
    }
}

async fn accept(listener: TcpListener, app: Router, closing: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        match closing.run_until_cancelled(next).await {
            None => break,
            Some((slot, Ok((stream, _)))) => {
                let one = connection(stream, app.clone(), closing.clone());
                connections.spawn(async move {
                    one.await;
                    drop(slot);
                });
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "the API could not accept a connection");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection(stream: TcpStream, app: Router, closing: CancellationToken) {
    // Both are refinements: a connection works without them. Heartbeats and commands are small and shall not wait.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, STALL_MS);
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => Ok(ended),
        () = closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::time::timeout(DRAIN, served).await
        }
    };
    // A client that leaves in the middle, or does not finish in time, is its own business.
    tracing::trace!(?ended, "a connection to the API ended");
}
