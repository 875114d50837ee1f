//! Refusals of `crate::access` as HTTP answers.

use axum::http::StatusCode;

use super::super::problem::Problem;
use crate::access::{Conflict, Denied};

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let detail = denied.to_string();
        let problem = |status, code, title| Problem::new(status, code, title, detail.clone());
        match denied {
            Denied::SetupRequired => problem(StatusCode::UNAUTHORIZED, "setup_required", "No users yet"),
            Denied::LoginRequired => problem(StatusCode::UNAUTHORIZED, "login_required", "Not logged in"),
            Denied::BadToken => problem(StatusCode::UNAUTHORIZED, "invalid_token", "Token not good"),
            Denied::Wrong => problem(StatusCode::UNAUTHORIZED, "wrong_password", "Wrong name or password"),
            Denied::WrongCode => problem(StatusCode::UNAUTHORIZED, "wrong_code", "Wrong one-time code"),
            Denied::Forbidden(_) => problem(StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Denied::NotPrivate => problem(StatusCode::FORBIDDEN, "encryption_required", "Not encrypted"),
            Denied::TooMany(wait) => {
                let problem = problem(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", "Too many wrong passwords");
                problem.after(wait.as_secs().max(1))
            }
            Denied::Busy => problem(StatusCode::SERVICE_UNAVAILABLE, "busy_logins", "Too many logins at once"),
            Denied::Unavailable(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "users_unavailable", "No users now"),
            Denied::Bad(_) => problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_entry", "Not acceptable"),
            Denied::Internal(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Denied::Conflict(conflict) => match conflict {
                Conflict::NoUser(_) => problem(StatusCode::NOT_FOUND, "unknown_user", "No such user"),
                Conflict::NoSession(_) => problem(StatusCode::NOT_FOUND, "unknown_session", "No such session"),
                Conflict::NoToken(_) => problem(StatusCode::NOT_FOUND, "unknown_token", "No such token"),
                Conflict::Exists(_) => problem(StatusCode::CONFLICT, "user_exists", "User exists"),
                Conflict::LastAdmin(_) => problem(StatusCode::CONFLICT, "last_admin", "Last admin"),
                Conflict::SetUp => problem(StatusCode::CONFLICT, "already_set_up", "Set up already"),
                Conflict::TooMany(_) => problem(StatusCode::CONFLICT, "too_many", "Too many"),
            },
        }
    }
}
