//! Where the API listens: taken over from the daemon before, by way of the service manager, or opened anew.
//!
//! ```text
//!  daemon ── opens, has them kept ──▶ service manager ── LISTEN_FDS ──▶ next daemon
//! ```
//!
//! Who connects while there is no daemon waits for the next one. The configuration alone says where: a socket that
//! listens elsewhere is closed.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

use super::arguments::Place;
use super::failure::Failure;
use crate::system::{HandedOver, Service};

/// The socket for programs of this box, in the runtime directory.
const SOCKET: &str = "api.sock";
/// Root, the daemon's user, and those whom an administrator has put into its group.
const SOCKET_MODE: u32 = 0o660;

/// What the service manager keeps them as.
const NETWORK: &str = "api";
const LOCAL: &str = "api-socket";

/// The service manager may take a moment to close a socket that is in the way.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(100);

/// Everything that the API listens on.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) network: TcpListener,
    /// Without it, programs of this box have to log in like all others.
    pub(super) local: Option<UnixListener>,
}

/// Takes over what was `handed` over, and opens what is missing.
pub(super) async fn open(place: &Place, listen: SocketAddr, mut handed: HandedOver) -> Result<Listeners, Failure> {
    let path = place.runtime.join(SOCKET);
    let (network, local) = (handed.network(listen), handed.local(&path));
    let refused = |cause| Failure::Bind { listen, cause };
    let elsewhere = handed.close();
    for name in &elsewhere {
        tracing::info!("the socket `{name}` that was handed over is not where the API listens, and is closed");
        Service.let_go(name);
    }
    let network = match network {
        Some(kept) => TcpListener::from_std(kept).map_err(refused)?,
        None => {
            let opened = bind(listen, !elsewhere.is_empty()).await.map_err(refused)?;
            Service.keep(NETWORK, opened.as_fd());
            opened
        }
    };
    let local = match local.map(UnixListener::from_std) {
        Some(Ok(kept)) => Some(kept),
        _ => opened(&path),
    };
    Ok(Listeners { network, local })
}

/// If something was `closed` that may be in the way, it is waited for.
async fn bind(listen: SocketAddr, closed: bool) -> io::Result<TcpListener> {
    for _ in 0..if closed { TRIES } else { 0 } {
        match TcpListener::bind(listen).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => tokio::time::sleep(BETWEEN).await,
            bound => return bound,
        }
    }
    TcpListener::bind(listen).await
}

fn opened(path: &Path) -> Option<UnixListener> {
    // The directory is ours alone, so what is there is left of an earlier run.
    let _ = std::fs::remove_file(path);
    let bound = UnixListener::bind(path).and_then(|listener| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
        Service.keep(LOCAL, listener.as_fd());
        Ok(listener)
    });
    bound.inspect_err(|error| tracing::warn!(path = %path.display(), %error, "no socket for uplinkctl")).ok()
}
