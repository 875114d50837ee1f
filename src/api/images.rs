//! The images of the box: files for slates and logos, sent and looked up by name. They are checked by their first bytes;
//! whether the rest can be decoded is found out when one is shown.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::answer::{Kinds, Media, Noted, Said};
use super::condition::IfMatch;
use super::problem::Problem;
use super::routes::Api;
use super::status::{known, tag_of};
use crate::model::image::{IMAGE_BYTES, ImageKind, ImageName, image_head};

/// Where they are.
pub(crate) const ADDRESS: &str = "/api/v1/images/";
/// One change at a time, so that what `If-Match` names is what is replaced.
static CHANGE: Mutex<()> = Mutex::const_new(());
/// Most images; somebody who sends more does so by mistake.
const MOST: usize = 200;

/// One image.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Image {
    /// As it is asked for.
    name: ImageName,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    /// Of the file.
    bytes: usize,
    /// The file's entity tag: what `If-Match` names.
    tag: String,
}

impl Image {
    fn of(name: ImageName, data: &[u8]) -> Result<Self, String> {
        let (_, width, height) = image_head(data)?;
        Ok(Self { name, width, height, bytes: data.len(), tag: tag_of(data) })
    }
}

/// The file itself.
pub(crate) struct ImageFile;

/// Kinds of images that can be shown.
pub(crate) const KINDS: &[&str] = &["image/png", "image/jpeg"];

impl Kinds for ImageFile {
    const KINDS: &'static [&'static str] = KINDS;
    const STATUSES: &'static [(&'static str, &'static str)] = &[("200", "the file"), ("304", "it is known already")];
}

/// `GET /api/v1/images`.
pub(crate) async fn list(State(api): State<Api>) -> Result<Json<Vec<Image>>, Problem> {
    let directory = api.handle.images().to_owned();
    let mut found = blocking(move || {
        let images = names(&directory)?.into_iter().filter_map(|name| {
            let data = std::fs::read(directory.join(name.as_str())).ok()?;
            Image::of(name, &data).ok()
        });
        Ok(images.collect::<Vec<_>>())
    })
    .await?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(found))
}

/// `GET /api/v1/images/{name}`.
pub(crate) async fn one(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Media<ImageFile>, Problem> {
    let path = path(&api, &name)?;
    let data = blocking(move || match std::fs::metadata(&path)?.len() {
        0..=2_097_152 => std::fs::read(&path),
        _ => Err(std::io::Error::new(ErrorKind::InvalidData, "it is larger than any image")),
    });
    let data =
        data.await.map_err(|problem| if problem.is_missing() { Problem::no_image(&name) } else { problem.into() })?;
    let kind = match image_head(&data).map_err(Problem::bad_image)?.0 {
        ImageKind::Png => "image/png",
        ImageKind::Jpeg => "image/jpeg",
    };
    Ok(known(&headers, &tag_of(&data), || ([(header::CONTENT_TYPE, kind)], data)).into())
}

/// `PUT /api/v1/images/{name}` with the file as it is. With `If-Match`, only in place of the file that it names;
/// with `If-None-Match: *`, only a new one.
pub(crate) async fn put(
    State(api): State<Api>,
    Path(name): Path<String>,
    condition: IfMatch,
    body: Result<Bytes, BytesRejection>,
) -> Result<Noted<Json<Image>>, Problem> {
    let (path, directory, data) = (path(&api, &name)?, api.handle.images().to_owned(), body?);
    let name: ImageName = name.parse().map_err(Problem::bad_image)?;
    let image = Image::of(name.clone(), &data).map_err(|reason| Problem::bad_image(format!("{name}: {reason}")))?;
    let _alone = CHANGE.lock().await;
    let before = as_named(&condition, &path, &name).await?;
    let full = blocking(move || {
        std::fs::create_dir_all(&directory)?;
        if !path.exists() && names(&directory)?.len() >= MOST {
            return Ok(true);
        }
        // Whoever reads sees a whole file, the old or the new.
        let mut file = tempfile::NamedTempFile::new_in(&directory)?;
        file.write_all(&data)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(false)
    });
    match full.await? {
        true => Err(Problem::bad_image(format!("this box has {MOST} images already: delete some"))),
        false => {
            let after = json!(image);
            Ok(Noted::new(Json(image), &before, &after))
        }
    }
}

/// `DELETE /api/v1/images/{name}`; with `If-Match`, only the file that it names.
pub(crate) async fn delete(
    State(api): State<Api>,
    Path(name): Path<String>,
    condition: IfMatch,
) -> Result<Noted<Json<Said>>, Problem> {
    let path = path(&api, &name)?;
    let named: ImageName = name.parse().map_err(Problem::bad_image)?;
    let _alone = CHANGE.lock().await;
    let before = as_named(&condition, &path, &named).await?;
    let gone = blocking(move || std::fs::remove_file(path)).await;
    gone.map_err(|problem| if problem.is_missing() { Problem::no_image(&name) } else { problem.into() })?;
    Ok(Noted::new(Said::so(format!("{name} is deleted")), &before, &Value::Null))
}

/// Whether the file is what `If-Match` names, if it names any; and which image it is now.
async fn as_named(condition: &IfMatch, path: &std::path::Path, name: &ImageName) -> Result<Option<Image>, Problem> {
    let path = path.to_owned();
    let data = blocking(move || std::fs::read(path)).await;
    let data = match data {
        Ok(data) => Some(data),
        Err(trouble) if trouble.is_missing() => None,
        Err(trouble) => return Err(trouble.into()),
    };
    condition.holds(data.as_deref().map(tag_of).as_deref(), &format!("image {name}"))?;
    Ok(data.and_then(|data| Image::of(name.clone(), &data).ok()))
}

fn path(api: &Api, name: &str) -> Result<PathBuf, Problem> {
    let name: ImageName = name.parse().map_err(Problem::bad_image)?;
    Ok(api.handle.images().join(name.as_str()))
}

fn names(directory: &std::path::Path) -> std::io::Result<Vec<ImageName>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let small =
        |entry: &std::fs::DirEntry| entry.metadata().is_ok_and(|m| m.is_file() && m.len() <= IMAGE_BYTES as u64);
    Ok(entries.flatten().filter(small).filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// Why a file could not be had.
#[derive(Debug)]
struct Trouble(std::io::Error);

impl Trouble {
    fn is_missing(&self) -> bool {
        self.0.kind() == ErrorKind::NotFound
    }
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        Problem::internal(format!("the images of this box cannot be read or written: {}", trouble.0))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(Trouble)
}
