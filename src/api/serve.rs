//! Serving the doors until told to stop: how many connections, how slow, and how they end. HTTP/1.1, or HTTP/2 by TLS where
//! there is a certificate; and on a unix socket for programs of this box.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::guards::Freezer;
use super::line::Line;
use super::ready::Engine;
use super::routes::Api;
use crate::access::{Access, CHALLENGE, Certificate, HTTP_2, Peer, Via};
use crate::alarm::Alarms;
use crate::classes::Classes;
use crate::doctor::Prober;
use crate::notify::Notifier;
use crate::replay::Desk;
use crate::store::Store;
use crate::supervisor::Handle;
use crate::surface::Surfaces;

/// By which ways clients come in, and who is let in.
pub struct Doors {
    /// The network.
    pub network: TcpListener,
    /// By which certificate it is encrypted; plain if none.
    pub certificate: Option<Certificate>,
    /// Programs on this box, who are known by their user.
    pub socket: Option<UnixListener>,
    /// Who may what.
    pub access: Access,
}

/// Plain, and open to everybody.
#[cfg(test)]
impl From<TcpListener> for Doors {
    fn from(network: TcpListener) -> Self {
        Self { network, certificate: None, socket: None, access: Access::open_to_all() }
    }
}

/// Connections at once: event streams, and several for each panel and poller. More wait to be accepted.
const CONNECTIONS: usize = 1024;

/// Connections by the socket at once, apart: however many come by the network, the box's own technician gets through.
const SOCKETS: usize = 64;

/// For the handshake of TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// For the head of a request, and between two requests of a connection.
const HEAD: Duration = Duration::from_secs(30);

/// A client that takes no bytes for so long is cut off, by the kernel (TCP_USER_TIMEOUT). Without it, a client that has
/// gone to sleep keeps its connection for a quarter of an hour.
const STALL_MS: u32 = 10_000;

/// Answers under way at shutdown get so long to finish.
const DRAIN: Duration = Duration::from_secs(3);

/// Out of file descriptors, accepting again at once would only spin.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves the API and the panel, with the recordings of `desk`, until `shutdown`; event streams end at once, other answers
/// within seconds.
///
/// Call it inside a tokio runtime. Events are recorded from the call on, not from the first poll of what it returns, so
/// that a daemon that calls it before it starts its channels shows every event of the start.
pub fn serve(
    doors: impl Into<Doors>,
    handle: Handle,
    desk: Desk,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = io::Result<()>> + Send {
    let (alarms, notifier, surfaces) = (Alarms::idle(), Notifier::idle(), Surfaces::default());
    let (freezer, classes, prober) = (Freezer::idle(), Classes::default(), Prober::default());
    let engine = Engine::idle();
    let parts = Parts { handle, store: None, desk, alarms, notifier, surfaces, freezer, classes, prober, engine };
    serve_all(doors, parts, shutdown)
}

/// What the API stands in front of.
#[derive(Clone)]
pub struct Parts {
    /// The supervisor.
    pub handle: Handle,
    /// What was written down.
    pub store: Option<Store>,
    /// Recordings.
    pub desk: Desk,
    /// Alarms.
    pub alarms: Alarms,
    /// Who is told of them.
    pub notifier: Notifier,
    /// What is frozen.
    pub freezer: Freezer,
    /// Tally displays and OSC.
    pub surfaces: Surfaces,
    /// The site's own stream classes.
    pub classes: Classes,
    /// Tries destinations.
    pub prober: Prober,
    /// Whether workers can be run.
    pub engine: Engine,
}

/// The same as [`serve`], with everything.
pub fn serve_all(
    doors: impl Into<Doors>,
    parts: Parts,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = io::Result<()>> + Send {
    let Doors { network, certificate, socket, access } = doors.into();
    let closing = CancellationToken::new();
    let Parts { handle, store, desk, alarms, notifier, surfaces, freezer, classes, prober, engine } = parts;
    let api = Api::new(handle, closing.clone()).with_store(store).with_recordings(desk).with_alarms(alarms, notifier);
    let tls = certificate.as_ref().map(Certificate::server).transpose();
    let api =
        api.with_surfaces(surfaces).with_classes(classes).with_freezer(freezer).with_prober(prober).with_engine(engine);
    let app = api.with_access(access).with_certificate(certificate).router();
    async move {
        let network = Door::Network(network, tls.map_err(io::Error::other)?.map(TlsAcceptor::from));
        let by_network = accept(network, CONNECTIONS, app.clone(), closing.clone());
        let by_socket = async {
            if let Some(socket) = socket {
                accept(Door::Socket(socket), SOCKETS, app.clone(), closing.clone()).await;
            }
        };
        let accepting = async { tokio::join!(by_network, by_socket) };
        tokio::pin!(accepting);
        tokio::select! {
            // Ends only after `closing`, which only this function cancels.
            _ = &mut accepting => {}
            () = shutdown => {
                closing.cancel();
                accepting.await;
            }
        }
        Ok(())
    }
}

/// One way in.
enum Door {
    Network(TcpListener, Option<TlsAcceptor>),
    Socket(UnixListener),
}

/// Somebody at it.
enum Knock {
    Network(TcpStream, Peer, Option<TlsAcceptor>),
    Socket(UnixStream),
}

impl Door {
    async fn knock(&self) -> io::Result<Knock> {
        Ok(match self {
            Door::Network(listener, tls) => {
                let (stream, address) = listener.accept().await?;
                Knock::Network(stream, Peer::Network(address.ip()), tls.clone())
            }
            Door::Socket(listener) => Knock::Socket(listener.accept().await?.0),
        })
    }
}

async fn accept(door: Door, most: usize, app: Router, closing: CancellationToken) {
    let slots = Arc::new(Semaphore::new(most));
    let connections = TaskTracker::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, door.knock().await)
        };
        match closing.run_until_cancelled(next).await {
            None => break,
            Some((slot, Ok(knock))) => {
                let one = open(knock, app.clone(), closing.clone());
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
    drop(door);
    connections.close();
    connections.wait().await;
}

async fn open(knock: Knock, app: Router, closing: CancellationToken) {
    match knock {
        Knock::Socket(stream) => {
            let peer = stream.peer_cred().map_or(Peer::Unknown, |found| Peer::Socket { uid: found.uid() });
            by_one(stream, Via { peer, encrypted: false }, app, closing).await;
        }
        Knock::Network(stream, peer, tls) => {
            // Both are refinements: a connection works without them. Heartbeats and commands are small and shall not wait.
            let _ = stream.set_nodelay(true);
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, STALL_MS);
            let Some(tls) = tls else {
                return by_one(stream, Via { peer, encrypted: false }, app, closing).await;
            };
            match closing.run_until_cancelled(tokio::time::timeout(HANDSHAKE, tls.accept(stream))).await {
                // An authority has seen what it came for (RFC 8737, section 3).
                Some(Ok(Ok(stream))) if stream.get_ref().1.alpn_protocol() == Some(CHALLENGE) => {}
                // A browser has six connections to a box for all its tabs, or one with room for every stream.
                Some(Ok(Ok(stream))) if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) => {
                    by_two(stream, Via { peer, encrypted: true }, app, closing).await;
                }
                Some(Ok(Ok(stream))) => by_one(stream, Via { peer, encrypted: true }, app, closing).await,
                // Whoever does not trust the certificate, or speaks plain http.
                Some(Ok(Err(error))) => tracing::debug!(%error, "a connection to the API was not encrypted"),
                Some(Err(_)) | None => {}
            }
        }
    }
}

/// HTTP/1.1.
async fn by_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    via: Via,
    app: Router,
    closing: CancellationToken,
) {
    let line = Line::default();
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(known(app, via, line.clone())));
    line.unless_cut(until(served, closing)).await;
}

/// HTTP/2.
async fn by_two(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    via: Via,
    app: Router,
    closing: CancellationToken,
) {
    let line = Line::default();
    let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD)
        .keep_alive_timeout(HANDSHAKE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(known(app, via, line.clone())));
    line.unless_cut(until(served, closing)).await;
}

/// The routes, told by which way a request came.
fn known(
    app: Router,
    via: Via,
    line: Line,
) -> impl Clone + Send + 'static + tower::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
{
    app.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(via);
        request.extensions_mut().insert(line.clone());
        request
    })
}

/// Serves until the client goes, or `closing`; what is under way then gets its time.
async fn until(served: impl GracefulConnection, closing: CancellationToken) {
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => Ok(ended),
        () = closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::time::timeout(DRAIN, served).await
        }
    };
    // A client that leaves in the middle, or does not finish in time, is its own business.
    let finished = matches!(ended, Ok(Ok(())));
    tracing::trace!(finished, "a connection to the API ended");
}
