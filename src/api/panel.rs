//! The panel's files, inside the binary: the panel must load when the network is dead, for that is when it is needed.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: &[(&str, &str, &str)] = &[
    ("icon.svg", "image/svg+xml", include_str!("../../web-ui/panel/icon.svg")),
    ("card.css", "text/css; charset=utf-8", include_str!("../../web-ui/panel/card.css")),
    ("desk.css", "text/css; charset=utf-8", include_str!("../../web-ui/panel/desk.css")),
    ("panel.css", "text/css; charset=utf-8", include_str!("../../web-ui/panel/panel.css")),
    ("panel.js", SCRIPT, include_str!("../../web-ui/panel/panel.js")),
    ("card.js", SCRIPT, include_str!("../../web-ui/panel/card.js")),
    ("commands.js", SCRIPT, include_str!("../../web-ui/panel/commands.js")),
    ("bus.js", SCRIPT, include_str!("../../web-ui/panel/bus.js")),
    ("desk.js", SCRIPT, include_str!("../../web-ui/panel/desk.js")),
    ("dispatch.js", SCRIPT, include_str!("../../web-ui/panel/dispatch.js")),
    ("gate.js", SCRIPT, include_str!("../../web-ui/panel/gate.js")),
    ("dom.js", SCRIPT, include_str!("../../web-ui/panel/dom.js")),
    ("link.js", SCRIPT, include_str!("../../web-ui/panel/link.js")),
    ("picture.js", SCRIPT, include_str!("../../web-ui/panel/picture.js")),
    ("sound.js", SCRIPT, include_str!("../../web-ui/panel/sound.js")),
    ("words.js", SCRIPT, include_str!("../../web-ui/panel/words.js")),
];

/// `GET /`.
pub(crate) async fn page() -> Response {
    served("text/html; charset=utf-8", include_str!("../../web-ui/panel/index.html"))
}

/// `GET /panel/{file}`.
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    match FILES.iter().find(|(file, ..)| *file == name) {
        Some((_, kind, text)) => Ok(served(kind, text)),
        None => Err(Problem::not_found(&format!("/panel/{name}"))),
    }
}

/// Never from a cache: a panel of yesterday must not drive the daemon of today.
pub(crate) fn served(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}
