//! A name for every request: in its answer, and in the problem if it becomes one, so that who reports it and who reads
//! the log speak of the same.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;

const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// Takes over the name that the client gave, or makes one.
pub(crate) async fn name(request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(fresh);
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = serde_json::to_vec(&problem.about(&id, path));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = body.map(Body::from).unwrap_or_default();
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(NAME, id);
    }
    response
}

/// A client's own name, if it is short and plain.
fn given(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(&NAME)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Unique in this run of the daemon, and not the same in the next.
fn fresh() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{:08x}-{:x}", fastrand::u32(..), COUNT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken_over() {
        let headers = |text: &'static str| HeaderMap::from_iter([(NAME, HeaderValue::from_static(text))]);
        assert_eq!(given(&headers("panel-7.a_B")).as_deref(), Some("panel-7.a_B"));
        for bad in ["", "a b", "a\"b", "<script>"] {
            assert_eq!(given(&headers(bad)), None, "{bad}");
        }
        assert_ne!(fresh(), fresh());
    }
}
