//! The panel's files, inside the binary: the panel must load when the network is dead, for that is when it is needed.
//!
//! There are two: the panel itself, bundled by `packaging/web-ui` into `web-ui/dist` before the daemon is built, and the
//! plain page, which needs no build and no tools. A daemon that was built without the bundle serves the plain page and
//! says so; it is always at `/panel/plain`. In a debug build the bundle is read from disk with each request.

use std::borrow::Cow;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::EmbeddedFile;

use super::problem::Problem;

#[derive(rust_embed::RustEmbed)]
#[folder = "web-ui/dist"]
struct Bundle;

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

const PLAIN: &str = include_str!("../../web-ui/panel/index.html");

/// Where the plain page says what it is.
const PLACE: &str = "<p id=\"plain\" class=\"quiet\" hidden></p>";

const UNBUNDLED: &str = "This is the plain panel: the daemon was built without the bundle of the full one. \
                         Run packaging/web-ui (it needs node and npm) and build the daemon again.";
const BESIDE: &str = "This is the plain panel; the full one is at <a href=\"/\">/</a>.";

/// `GET /`: the panel, or the plain page if it was not bundled.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    front(Bundle::get("index.html"), &headers)
}

fn front(page: Option<EmbeddedFile>, headers: &HeaderMap) -> Response {
    match page {
        Some(page) => embedded("index.html", page.data, page.metadata.sha256_hash(), headers),
        None => plain(UNBUNDLED),
    }
}

/// `GET /panel/plain`.
pub(crate) async fn plain_page() -> Response {
    plain(if Bundle::get("index.html").is_some() { BESIDE } else { UNBUNDLED })
}

fn plain(what: &str) -> Response {
    let page = PLAIN.replace(PLACE, &format!("<p id=\"plain\" class=\"quiet\">{what}</p>"));
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], page).into_response()
}

/// `GET /assets/{file}`: of the bundle.
pub(crate) async fn bundled(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    match Bundle::get(&name).filter(|_| !name.starts_with('.')) {
        Some(file) => Ok(embedded(&name, file.data, file.metadata.sha256_hash(), &headers)),
        None => Err(Problem::not_found(&format!("/assets/{name}"))),
    }
}

/// Asked for anew each time, sent only if it is another one.
fn embedded(name: &str, file: Cow<'static, [u8]>, hash: [u8; 32], headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&hash[..12]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let about = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => SCRIPT,
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    (about, [(header::CONTENT_TYPE, kind)], file.into_owned()).into_response()
}

/// `GET /panel/{file}`: of the plain page.
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn without_a_bundle_the_plain_page_says_why() {
        let page = text(front(None, &HeaderMap::new())).await;
        assert!(page.contains("/panel/panel.js"), "the plain page");
        assert!(page.contains("built without the bundle"), "says why: {page}");
        assert!(PLAIN.contains(PLACE), "there is a place to say it");
    }

    #[tokio::test]
    async fn a_bundle_that_a_browser_has_is_not_sent_again() {
        let file = |headers: &HeaderMap| embedded("panel.js", Cow::Borrowed(b"let panel;"), [7; 32], headers);
        let first = file(&HeaderMap::new());
        assert_eq!(first.headers()[header::CONTENT_TYPE], SCRIPT);
        assert_eq!(first.headers()[header::CACHE_CONTROL], "no-cache");
        let mut known = HeaderMap::new();
        known.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(file(&known).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(text(first).await, "let panel;");
        assert!(bundled(Path(".gitignore".to_owned()), HeaderMap::new()).await.is_err());
    }
}
