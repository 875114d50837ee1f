//! The confidence monitor's picture, with its age: a picture without its age looks like a picture of now.

use std::io::ErrorKind;
use std::path::Path as FilePath;
use std::time::{Duration, SystemTime};

use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use tokio::io::AsyncReadExt;

use super::answer::{Kinds, Media};
use super::problem::Problem;
use super::routes::Api;
use crate::model::ChannelId;

/// Larger than any confidence picture; what is larger is none.
const LARGEST: u64 = 4 << 20;

/// A picture older than this is not what goes out now.
const STALE: Duration = Duration::from_secs(5);

/// A still picture.
pub(crate) struct Picture;

impl Kinds for Picture {
    const KINDS: &'static [&'static str] = &["image/jpeg"];
}

/// `GET /api/v1/channels/{id}/confidence.jpg`: `X-Frame-Age` in seconds, `X-Frame-Stale: true` when it is too old to
/// believe.
pub(crate) async fn confidence(State(api): State<Api>, Path(id): Path<String>) -> Result<Media<Picture>, Problem> {
    let (channel, _) = known(&api, &id)?;
    serve(&channel, &api.handle.confidence_picture(&channel)).await
}

/// `GET /api/v1/channels/{id}/preview.jpg`: the same for what is in preview.
pub(crate) async fn preview(State(api): State<Api>, Path(id): Path<String>) -> Result<Media<Picture>, Problem> {
    let (channel, in_preview) = known(&api, &id)?;
    if !in_preview {
        return Err(Problem::no_picture(&channel, "nothing is in preview"));
    }
    serve(&channel, &api.handle.preview_picture(&channel)).await
}

/// The channel, and whether something is in its preview.
fn known(api: &Api, id: &str) -> Result<(ChannelId, bool), Problem> {
    let status = api.handle.status().borrow().clone();
    let channel = status.channels.iter().find(|channel| channel.id.as_str() == id);
    let channel = channel.ok_or_else(|| Problem::unknown_channel(id))?;
    Ok((channel.id.clone(), channel.live.preview.is_some()))
}

async fn serve(channel: &ChannelId, path: &FilePath) -> Result<Media<Picture>, Problem> {
    let (picture, taken) = match read(path).await {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Problem::no_picture(channel, "its worker has left none yet"));
        }
        Err(error) => return Err(Problem::no_picture(channel, &format!("it cannot be read: {error}"))),
    };
    let age = SystemTime::now().duration_since(taken).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::LAST_MODIFIED, http_date(taken)),
        (HeaderName::from_static("x-frame-age"), format!("{:.3}", age.as_secs_f64())),
        (HeaderName::from_static("x-frame-stale"), (age > STALE).to_string()),
    ];
    Ok((headers, picture).into_response().into())
}

/// Picture and time belong together: both come from the one open file, while the worker replaces its name.
async fn read(path: &FilePath) -> std::io::Result<(Vec<u8>, SystemTime)> {
    let file = tokio::fs::File::open(path).await?;
    let about = file.metadata().await?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(std::io::Error::new(ErrorKind::InvalidData, "it is no picture"));
    }
    let mut picture = Vec::with_capacity(about.len() as usize);
    file.take(LARGEST).read_to_end(&mut picture).await?;
    Ok((picture, about.modified()?))
}

/// RFC 9110 section 5.6.7.
fn http_date(time: SystemTime) -> String {
    let stamp = jiff::Timestamp::try_from(time).unwrap_or_default();
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_http_wants_them() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
