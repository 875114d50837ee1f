//! Serving a listener until told to stop.

use std::future::Future;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::routes::Api;
use crate::supervisor::Handle;

/// A client that takes no bytes for so long is cut off, by the kernel (TCP_USER_TIMEOUT).
const STALL: Duration = Duration::from_secs(10);

/// Answers under way at shutdown get so long to finish.
const DRAIN: Duration = Duration::from_secs(3);

/// Serves the API and the panel until `shutdown`; event streams end at once, other answers within seconds.
///
/// Call it inside a tokio runtime. Events are recorded from the call on, not from the first poll of what it returns, so
/// that a daemon that calls it before it starts its channels shows every event of the start.
pub fn serve(
    listener: TcpListener,
    handle: Handle,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = std::io::Result<()>> + Send {
    let closing = CancellationToken::new();
    let app = Api::new(handle, closing.clone()).router();
    run(listener, app, closing, shutdown)
}

async fn run(
    listener: TcpListener,
    app: axum::Router,
    closing: CancellationToken,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|connection| set_stall(connection, STALL));
    let stop = closing.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        stop.cancel();
    });
    let late = async {
        closing.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => ended,
        () = late => {
            tracing::warn!("some clients of the API did not finish in time and were cut off");
            Ok(())
        }
    }
}

/// Without this, a client that has gone to sleep would keep its connection for a quarter of an hour.
fn set_stall(connection: &TcpStream, stall: Duration) {
    let millis = u32::try_from(stall.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(connection, millis) {
        tracing::debug!(%error, "cannot bound how long a client may take no bytes");
    }
    // Heartbeats and commands are small and shall not wait for more.
    let _ = connection.set_nodelay(true);
}
