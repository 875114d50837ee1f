//! Who may ask what, in HTTP: the table of roles, the gate in front of every route, the cookie, and the routes of login,
//! users, sessions, tokens and audit log.
//!
//! Owns: all that. Must not: decide who somebody is (`crate::access` does), or let a route be forgotten: what the table does
//! not name needs a role.
//!
//! ```text
//! request ─▶ guard (host, page) ─▶ gate ─ rules: which role ─┬─▶ route, with its Caller ─▶ audit log, if it is an act
//!                                   └ identify: who          └─▶ 401, 403, 503
//! ```

mod cookie;
mod gate;
mod people;
mod problems;
mod rules;
mod session;
mod tokens;
mod trail;

use axum::Router;
use axum::routing::{delete, get, post, put};

use super::routes::Api;

pub(crate) use gate::check;

/// The routes of this folder.
pub(crate) fn access_routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/setup", post(session::set_up))
        .route("/api/v1/session", get(session::who).post(session::login).delete(session::logout))
        .route("/api/v1/session/password", put(session::change_password))
        .route("/api/v1/sessions", get(session::list))
        .route("/api/v1/sessions/{session}", delete(session::end))
        .route("/api/v1/users", get(people::list).post(people::add))
        .route("/api/v1/users/{name}", get(people::one).patch(people::change).delete(people::remove))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::make))
        .route("/api/v1/tokens/{token}", delete(tokens::remove))
        .route("/api/v1/audit", get(trail::list))
}
