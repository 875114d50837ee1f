//! Pages for people: the list of channels and the player. All of it comes from this binary; no foreign host is asked.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::playlist::Named;
use super::problem::Problem;
use super::router::Origin;
use super::validators::{is_known, tag_of_bytes};
use crate::model::{ChannelId, id::is_slug};

/// What a page of this origin may load: itself, and the media that hls.js assembles; its text tracks begin as an empty
/// `data:` address.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; media-src 'self' blob: data:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";

/// The player's files: name, content type, bytes.
const ASSETS: &[(&str, &str, &[u8])] = &[
    ("player.js", SCRIPT, include_bytes!("../../web-ui/player/player.js")),
    ("state.js", SCRIPT, include_bytes!("../../web-ui/player/state.js")),
    ("player.css", STYLE, include_bytes!("../../web-ui/player/player.css")),
    ("vendor/hls.min.js", SCRIPT, include_bytes!("../../web-ui/player/vendor/hls.min.js")),
    ("vendor/LICENSE", "text/plain; charset=utf-8", include_bytes!("../../web-ui/player/vendor/LICENSE")),
    ("vendor/NOTICE", "text/plain; charset=utf-8", include_bytes!("../../web-ui/player/vendor/NOTICE")),
];
const WATCH: &[u8] = include_bytes!("../../web-ui/player/watch.html");

/// `GET /watch/{channel}`: the page is the same for every channel and waits for one that is not there yet.
pub(crate) async fn watch(Path(channel): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    if is_slug(&channel) { Ok(static_file(PAGE, WATCH, &headers)) } else { Err(Problem::NoPage) }
}

/// `GET /player/{file}`
pub(crate) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let (_, kind, data) = ASSETS.iter().find(|(name, ..)| *name == file).ok_or(Problem::NoPage)?;
    Ok(static_file(kind, data, &headers))
}

fn static_file(kind: &'static str, data: &'static [u8], asked: &HeaderMap) -> Response {
    let tag = tag_of_bytes(data);
    let mut response = if is_known(asked, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], data).into_response()
    };
    let headers = response.headers_mut();
    // A new version of the origin brings new files under the same names.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// `GET /`
pub(crate) async fn index(State(origin): State<Arc<Origin>>) -> Result<Response, Problem> {
    let asked = Arc::clone(&origin);
    let list = move || {
        let channels = asked.shelf.channels().map_err(Problem::storage)?;
        Ok(channels.into_iter().map(|channel| (on_air(&asked, &channel), channel)).collect::<Vec<_>>())
    };
    let channels = tokio::task::spawn_blocking(list)
        .await
        .unwrap_or_else(|error| Err(Problem::Storage(std::io::Error::other(error))))?;
    let mut rows = String::new();
    for (state, channel) in &channels {
        let (class, word) = if *state { ("playing", "on air") } else { ("off-air", "off air") };
        // A channel's name is a slug: there is nothing in it to escape. Where playback is signed, an address without a
        // ticket leads nowhere.
        let (name, playlist) = match &origin.gate {
            Some(_) => (channel.to_string(), "by signed address only (uplink-origin sign)".to_owned()),
            None => (
                format!("<a href=\"/watch/{channel}\">{channel}</a>"),
                format!("<a href=\"/live/{channel}/multivariant.m3u8\">/live/{channel}/multivariant.m3u8</a>"),
            ),
        };
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{name}</th>\
             <td><span class=\"state\" data-state=\"{class}\">{word}</span></td><td>{playlist}</td></tr>"
        );
    }
    let body = if channels.is_empty() {
        "<p>No channel was pushed here yet.</p>".to_owned()
    } else {
        format!(
            "<table><thead><tr><th scope=\"col\">Channel</th><th scope=\"col\">State</th>\
             <th scope=\"col\">Playlist</th></tr></thead><tbody>{rows}</tbody></table>"
        )
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Uplink origin</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"5\">\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/player/player.css\"></head>\
         <body><main class=\"list\"><h1>Channels of this origin</h1>{body}</main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, PAGE),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ];
    Ok((headers, page).into_response())
}

/// A viewer can receive the programme: a playlist has changed within the last few target durations.
fn on_air(origin: &Origin, channel: &ChannelId) -> bool {
    let Some(playlist) = origin.shelf.latest_playlist(channel) else { return false };
    let Ok(text) = std::fs::read_to_string(&playlist.path) else { return false };
    let named = Named::read(&text);
    let patience = (named.target * 3).max(Duration::from_secs(5));
    !named.ended && playlist.written.elapsed().is_ok_and(|age| age <= patience)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_embedded_player_library_is_the_one_that_the_notice_names() {
        let find = |file: &str| ASSETS.iter().find(|(name, ..)| *name == file).unwrap().2;
        let sum = hex::encode(Sha256::digest(find("vendor/hls.min.js")));
        let notice = std::str::from_utf8(find("vendor/NOTICE")).unwrap();
        assert!(notice.contains(&sum), "hls.min.js is {sum}, which NOTICE does not name");
    }
}
