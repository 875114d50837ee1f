//! Connections: how many, how slow, and how they end. HTTP/1.1; a reverse proxy in front adds TLS and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

use super::counters::Counters;
use super::playback::Peer;

/// For a request's head, and between two requests of one connection: longer than the longest segment.
const HEAD: Duration = Duration::from_secs(60);
/// A peer that takes no byte for this long is gone; the kernel ends its connection (TCP_USER_TIMEOUT).
const UNACKNOWLEDGED_MS: u32 = 30_000;
/// For answers under way when the origin stops.
pub(crate) const GRACE: Duration = Duration::from_secs(3);
/// Out of file descriptors, accepting again at once would only spin.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves until `stop`; then lets answers under way finish, for [`GRACE`].
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    counters: Arc<Counters>,
    most: usize,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(most));
    let tasks = TaskTracker::new();
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (listener.accept().await, slot)
        };
        match stop.run_until_cancelled(next).await {
            None => break,
            Some((Ok((stream, peer)), Ok(slot))) => {
                let (router, stop, open) = (router.clone(), stop.clone(), counters.connection());
                tasks.spawn(async move {
                    one(stream, Peer(peer), router, stop).await;
                    drop((open, slot));
                });
            }
            Some((Err(error), _)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATHER).await;
            }
            // The semaphore is never closed.
            Some((_, Err(_))) => break,
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn one(stream: TcpStream, peer: Peer, router: Router, stop: CancellationToken) {
    // Both are refinements: a connection without them still works.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNACKNOWLEDGED_MS);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(Extension(peer).layer(router)));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.ok()
        }
    };
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
