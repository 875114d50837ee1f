//! Who may what: users and their roles, sessions, tokens, the first admin, guessing, the audit log, and the certificate
//! that the listener shows.
//!
//! Owns: all of that, in memory and in `<state>/access.db` (through `store`), `<state>/first-run-code`, `<state>/tls`.
//! Must not: know HTTP or a route (`api::access` does), wait for a disk where somebody only looks, keep a secret that it
//! could know again by a hash, or say in any way whether a user exists.
//!
//! ```text
//!                     ┌─ open ─────────────▶ everybody is admin
//! request ─▶ identify ┼─ unix socket ──────▶ root and the daemon's user: admin; others whom its group lets in: operator
//!                     ├─ no users ─────────▶ SetupRequired ── set_up(code) ──▶ the first admin
//!                     ├─ session's cookie ─▶ its user, until 12 h idle, 7 d old, ended, or the user is changed
//!                     └─ bearer token ─────▶ its role and scopes, until it expires or is revoked
//!
//! event stream ─▶ presence: who is here, until it ends
//! login ─▶ crowd (address) ─▶ limits (user and address) ─▶ Argon2id (two at once, off the runtime) ─▶ session
//! ```

mod accounts;
mod acme;
mod audit;
mod caller;
mod certificate;
mod chance;
mod crowd;
mod first_run;
mod limits;
mod office;
mod password;
mod porter;
mod presence;
mod presented;
mod registry;
mod role;

pub use accounts::{
    BadEntry, IDLE, LIFETIME, NewToken, SESSIONS, SessionView, TOKENS, TokenView, USERS, UserChange, UserView,
};
pub use acme::Keeper;
pub use audit::{AuditEntry, AuditRow, redacted, redacted_address};
pub use caller::{By, Caller, Credentials, Peer, Via};
pub use certificate::{CHALLENGE, Certificate, CertificateError, HTTP_2, Names};
pub use chance::NoChance;
pub use password::HashError;
pub use porter::{Access, Denied, Opened};
pub use presence::{Here, Presence, Present, Seat};
pub use presented::{Origin, Presented};
pub use registry::Conflict;
pub use role::{Role, Scope};

#[cfg(test)]
mod tests;
