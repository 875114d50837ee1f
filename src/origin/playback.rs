//! Who may watch: a gate in front of everything below `/live/`, where playback is signed.
//!
//! ```text
//! GET /live/~b…/demo/multivariant.m3u8 ─ good ─► 302 to the same with a session ticket ~s…, where sessions are on
//! GET /live/~s…/demo/…                 ─ good ─► /live/demo/…
//! GET /live/demo/…                     ─ push token ─► as it is: a push looks for what it has sent
//!                                      ─ else ─► 403
//! ```

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::name::{Object, asked};
use super::problem::Problem;
use super::router::Origin;
use super::settings::Playback;
use super::ticket::{Signer, TicketFault, Use};
use crate::model::ChannelId;

/// Whose connection it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The settings with their keys.
pub(crate) struct Gate {
    signer: Signer,
    session: u64,
    proxies: Vec<IpAddr>,
}

impl Gate {
    /// As configured.
    pub(crate) fn new(playback: &Playback) -> Self {
        let proxies = playback.proxies.iter().map(IpAddr::to_canonical).collect();
        Self { signer: playback.signer(), session: playback.session.as_secs(), proxies }
    }

    /// The viewer's address: the peer's, or what the proxies in front say.
    fn viewer(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.0.ip().to_canonical();
        if !self.proxies.contains(&peer) {
            return Some(peer);
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let named: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        // Each proxy adds who came to it: from the end, the first that is none of ours.
        let named = named.iter().rev().map_while(|name| name.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
        named.into_iter().find(|ip| !self.proxies.contains(ip)).or(Some(peer))
    }
}

/// What a ticket leads to.
enum Way {
    On(Uri),
    To(String),
}

/// The middleware.
pub(crate) async fn gate(State(origin): State<Arc<Origin>>, mut request: Request, next: Next) -> Response {
    let Some(gate) = &origin.gate else { return next.run(request).await };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match admit(&origin, gate, &request) {
        Ok(Way::On(uri)) => {
            *request.uri_mut() = uri;
            let mut response = next.run(request).await;
            private(response.headers_mut());
            response
        }
        Ok(Way::To(place)) => {
            let headers = [(header::LOCATION, place.as_str()), (header::CACHE_CONTROL, "no-store")];
            (StatusCode::FOUND, headers).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

fn admit(origin: &Origin, gate: &Gate, request: &Request) -> Result<Way, Problem> {
    let uri = request.uri();
    let path = asked(uri.path());
    let Some((ticket, rest)) = path.split_once('/').filter(|(first, _)| first.starts_with('~')) else {
        let pushes = |channel: &ChannelId| origin.tokens.allow(channel, request.headers()).is_ok();
        return match Object::parse(path) {
            Ok(object) if pushes(object.channel()) => Ok(Way::On(uri.clone())),
            _ => Err(TicketFault::Missing.into()),
        };
    };
    let object = Object::parse(rest).map_err(Problem::NoSuchName)?;
    let viewer = gate.viewer(request.extensions().get(), request.headers());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let admission = gate.signer.check(ticket, object.channel(), viewer, now)?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let begins = admission.purpose == Use::Begin && object.is_entrance();
    if begins && gate.session > 0 {
        let address = viewer.filter(|_| admission.bound);
        let session = gate.signer.sign(object.channel(), Use::Session, now + gate.session, address);
        return Ok(Way::To(format!("/live/{session}/{rest}{query}")));
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("/live/{rest}{query}")).ok();
    Uri::from_parts(parts).map(Way::On).map_err(|_| Problem::NotFound)
}

/// A cache that many share must not hand on what was for one.
fn private(headers: &mut HeaderMap) {
    let shared = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    if let Some(value) = shared.and_then(|value| value.strip_prefix("public"))
        && let Ok(value) = HeaderValue::try_from(format!("private{value}"))
    {
        headers.insert(header::CACHE_CONTROL, value);
    }
}
