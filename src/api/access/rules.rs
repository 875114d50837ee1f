//! Which role a request needs: one row for each route that is not as the default says.

use axum::http::Method;

use crate::access::{Caller, Role, Scope, Via};

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nobody is asked: health, the page, and what looks at keys of its own.
    Nothing,
    /// A program on this box, a token for it, or a viewer.
    Metrics,
    /// This role.
    Role(Role),
}

use Need::{Metrics, Nothing};

const VIEWER: Need = Need::Role(Role::Viewer);
const OPERATOR: Need = Need::Role(Role::Operator);
const ENGINEER: Need = Need::Role(Role::Engineer);
const ADMIN: Need = Need::Role(Role::Admin);

const WHEP: &str = "/api/v1/channels/{id}/whep";
const WHEP_SESSION: &str = "/api/v1/channels/{id}/whep/{session}";

/// Whether a request only looks, whatever its method: then it is not in the audit log.
pub(crate) fn looks(method: &Method, pattern: Option<&str>) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || matches!(pattern, Some(WHEP | WHEP_SESSION))
}

/// Method (`*`: any), pattern of the route (`*` at its end: whatever follows), need. The first that fits counts.
#[rustfmt::skip]
const RULES: &[(&str, &str, Need)] = &[
    ("GET", "/healthz", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/metrics", Metrics),
    // The panel's files hold nothing of this box; they ask for the login.
    ("GET", "/", Nothing),
    ("GET", "/panel/{file}", Nothing),
    ("GET", "/panel/*", Nothing),
    ("GET", "/assets/*", Nothing),
    // What the API is, not what this box is.
    ("GET", "/api/", Nothing),
    ("GET", "/api/reference.css", Nothing),
    ("GET", "/api/v1/openapi.json", Nothing),
    // A guest shows the key of the link, which the worker compares.
    ("GET", "/guest/{channel}/{source}", Nothing),
    ("GET", "/guest-page/{file}", Nothing),
    ("POST", "/whip/{channel}/{source}", Nothing),
    ("DELETE", "/whip/{channel}/{source}/{session}", Nothing),
    // Addresses inside the house, and the file as somebody wrote it: an address may hold a secret.
    ("GET", "/api/v1/config", ENGINEER),
    // Letting in.
    ("POST", "/api/v1/setup", Nothing),
    ("POST", "/api/v1/session", Nothing),
    ("DELETE", "/api/v1/session", VIEWER),
    ("PUT", "/api/v1/session/password", VIEWER),
    ("DELETE", "/api/v1/sessions/{session}", VIEWER),
    ("*", "/api/v1/users*", ADMIN),
    ("*", "/api/v1/tokens*", ADMIN),
    ("*", "/api/v1/audit", ADMIN),
    // Watching is looking.
    ("POST", WHEP, VIEWER),
    ("DELETE", WHEP_SESSION, VIEWER),
    // What drives a show.
    ("POST", "/api/v1/channels/{id}/*", OPERATOR),
    ("PATCH", "/api/v1/recordings/{channel}/{id}", OPERATOR),
    ("POST", "/api/v1/recordings/{channel}/{id}/*", OPERATOR),
    ("DELETE", "/api/v1/recording-jobs/{job}", OPERATOR),
    ("POST", "/api/v1/alarms/{id}/*", OPERATOR),
];

/// What a request needs; `pattern` is none where no route fits. Looking needs a viewer, anything else an engineer, unless
/// the table says otherwise: a route that nobody has thought of lets nobody in.
pub(crate) fn need(method: &Method, pattern: Option<&str>) -> Need {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let looks = *method == Method::GET || *method == Method::OPTIONS;
    let default = if looks { VIEWER } else { ENGINEER };
    let Some(pattern) = pattern else { return default };
    let fits = |(verb, route, _): &&(&str, &str, Need)| {
        let same = match route.strip_suffix('*') {
            Some(start) => pattern.starts_with(start),
            None => pattern == *route,
        };
        same && (*verb == "*" || *verb == method.as_str())
    };
    RULES.iter().find(fits).map_or(default, |(_, _, need)| *need)
}

/// The same for the contract, in words; none where nobody is asked.
pub(crate) fn needed(method: &str, pattern: &str) -> Option<&'static str> {
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap_or(Method::POST);
    match need(&method, Some(pattern)) {
        Nothing => None,
        need => Some(need.as_str()),
    }
}

impl Need {
    /// Whether somebody who is known may. A proxy on this box says for whom it asks, and is not the box then.
    pub(crate) fn is_met(self, caller: &Caller) -> bool {
        match self {
            Nothing => true,
            Metrics => caller.may(Role::Viewer) || caller.has(Scope::Metrics),
            Need::Role(role) => caller.may(role),
        }
    }

    /// Whether that is so without anybody being known.
    pub(crate) fn is_met_by_anybody(self, via: &Via, proxied: bool) -> bool {
        match self {
            Nothing => true,
            Metrics => via.is_local() && !proxied,
            Need::Role(_) => false,
        }
    }

    /// In words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Nothing => "nobody",
            Metrics => "viewer, or a token with the scope metrics",
            Need::Role(role) => role.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every address that stands in the tables of routes, however they are written.
    fn addresses() -> Vec<&'static str> {
        let code = [
            include_str!("../routes.rs"),
            include_str!("mod.rs"),
            include_str!("../alarms.rs"),
            include_str!("../certificate.rs"),
            include_str!("../classes/mod.rs"),
            include_str!("../notify.rs"),
        ];
        let code = code.into_iter().flat_map(str::lines);
        let code = code.map(|line| line.split("//").next().unwrap_or_default());
        let texts = code.flat_map(|line| line.split('"').skip(1).step_by(2));
        texts.filter(|text| text.starts_with('/')).collect()
    }

    #[test]
    fn only_these_routes_ask_nobody() {
        const OPEN: &[&str] = &[
            "GET /",
            "GET /api/",
            "GET /api/reference.css",
            "GET /api/v1/openapi.json",
            "GET /guest-page/{file}",
            "GET /guest/{channel}/{source}",
            "GET /healthz",
            "GET /readyz",
            "POST /api/v1/session",
            "POST /api/v1/setup",
            "POST /whip/{channel}/{source}",
            "DELETE /whip/{channel}/{source}/{session}",
        ];
        let addresses = addresses();
        assert!(addresses.len() > 40, "{addresses:?}");
        for (method, path) in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
            .iter()
            .flat_map(|method| addresses.iter().map(move |path| (method, *path)))
        {
            let page = *method == Method::GET && (path.starts_with("/panel/") || path.starts_with("/assets/"));
            let may = page || OPEN.contains(&format!("{method} {path}").as_str());
            assert_eq!(need(method, Some(path)) == Nothing, may, "{method} {path}: whom does it ask?");
        }
    }

    #[test]
    fn who_drives_does_not_change_and_who_looks_does_neither() {
        let (get, post, delete) = (&Method::GET, &Method::POST, &Method::DELETE);
        for (method, path, role) in [
            (get, "/api/v1/status", VIEWER),
            (&Method::HEAD, "/api/v1/status", VIEWER),
            (get, "/api/v1/a-route-to-come", VIEWER),
            (post, "/api/v1/a-route-to-come", ENGINEER),
            (post, "/api/v1/channels/{id}/take", OPERATOR),
            (post, WHEP, VIEWER),
            (delete, WHEP_SESSION, VIEWER),
            (post, "/api/v1/channels/{id}/destinations/{destination}/recording", OPERATOR),
            (post, "/api/v1/config/reload", ENGINEER),
            (post, "/api/v1/config/apply", ENGINEER),
            (post, "/api/v1/stream-classes/{name}/apply", ENGINEER),
            (post, "/api/v1/stream-classes/{name}/rollback", ENGINEER),
            (&Method::PUT, "/api/v1/images/{name}", ENGINEER),
            (delete, "/api/v1/recordings/{channel}/{id}", ENGINEER),
            (get, "/api/v1/users", ADMIN),
            (delete, "/api/v1/tokens/{token}", ADMIN),
            (get, "/api/v1/audit", ADMIN),
            (get, "/api/v1/config", ENGINEER),
        ] {
            assert_eq!(need(method, Some(path)), role, "{method} {path}");
        }
        assert_eq!(need(get, None), VIEWER);
        assert!(looks(post, Some(WHEP)) && !looks(post, Some("/api/v1/channels/{id}/take")));
        assert_eq!(needed("post", "/api/v1/channels/{id}/take"), Some("operator"));
        assert_eq!(needed("get", "/healthz"), None);
    }
}
