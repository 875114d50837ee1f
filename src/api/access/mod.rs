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

mod answers;
mod cookie;
mod gate;
mod people;
mod problems;
mod rules;
mod session;
mod tokens;
mod trail;

use super::openapi::Routes;

pub(crate) use gate::check;
pub(crate) use rules::{Need, need, needed};
pub(crate) use trail::{Changed, audited_channel};

/// The routes of this folder.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .post("/api/v1/setup", "Makes the first admin with the one-time code of the console", session::set_up)
        .get("/api/v1/session", "Who asks, and what that may", session::who)
        .post("/api/v1/session", "Logs in", session::login)
        .delete("/api/v1/session", "Logs out", session::logout)
        .put("/api/v1/session/password", "Takes another password; one's other sessions end", session::change_password)
        .get("/api/v1/sessions", "One's own sessions; everybody's for an admin", session::list)
        .get("/api/v1/presence", "Who follows the event stream now: panels and programs", session::present)
        .delete("/api/v1/sessions/{session}", "Ends a session", session::end)
        .get("/api/v1/users", "All users", people::list)
        .post("/api/v1/users", "Adds a user", people::add)
        .get("/api/v1/users/{name}", "One user", people::one)
        .patch("/api/v1/users/{name}", "Changes a user, whose sessions end", people::change)
        .delete("/api/v1/users/{name}", "Removes a user", people::remove)
        .get("/api/v1/tokens", "All API tokens, without their text", tokens::list)
        .post("/api/v1/tokens", "Makes an API token; its text is shown once", tokens::make)
        .delete("/api/v1/tokens/{token}", "Revokes an API token", tokens::remove)
        .get("/api/v1/audit", "Who did what, newest first", trail::list)
}
