//! The work of a job on the disk, on a thread of its own.

use std::path::Path;

use super::catalog::MOVIES;
use super::clip::clip;
use super::job::{End, Job, JobKind, JobState};
use super::movie::MovieError;
use super::notes::UploadNote;
use super::stitch::{Bench, Wanted, make};
use super::target::UploadTarget;
use super::verify::verify;
use crate::model::MediaTime;
use crate::record::Manifest;

/// A job that has been checked.
pub(super) enum Work {
    Movie(JobKind, Wanted, String),
    Recording(std::ops::Range<MediaTime>, String),
    Verify,
    Upload(UploadNote, Box<UploadTarget>),
}

impl Work {
    pub(super) fn kind(&self) -> JobKind {
        match self {
            Work::Movie(kind, ..) => *kind,
            Work::Recording(..) => JobKind::Clip,
            Work::Verify => JobKind::Verify,
            Work::Upload(..) => JobKind::Upload,
        }
    }

    /// Does what needs no network.
    pub(super) fn on_disk(&self, manifest: &Manifest, directory: &Path, worker: &Path, job: &Job) -> End {
        job.tell(JobState::Running, "runs".to_owned());
        match self {
            Work::Movie(_, wanted, name) => movie(manifest, directory, worker, wanted, name, job),
            Work::Recording(range, title) => match clip(manifest, directory, range, title, |done| job.go_on(done)) {
                Ok(None) => End::Stopped,
                Ok(Some(cut)) => {
                    let result = serde_json::json!({ "channel": cut.channel, "recording": cut.id, "bytes": cut.bytes });
                    End::Done(
                        format!("recording {} holds {} to {}", cut.id, cut.began, cut.ended.unwrap_or(cut.began)),
                        result,
                    )
                }
                Err(error) => End::Failed(error.to_string()),
            },
            Work::Verify => {
                let all = manifest.bytes.max(1) as f64;
                match verify(manifest, directory, |bytes| job.go_on(bytes as f64 / all)) {
                    Ok(None) => End::Stopped,
                    Ok(Some(found)) => {
                        let (missing, torn) = (found.missing.count, found.torn.count);
                        let text = format!("{} segments are whole, {missing} files missing, {torn} torn", found.whole);
                        End::Done(text, serde_json::to_value(found).unwrap_or_default())
                    }
                    Err(error) => End::Failed(format!("it cannot be read: {error}")),
                }
            }
            Work::Upload(..) => End::Failed("an upload is no work for the disk".to_owned()),
        }
    }
}

fn movie(manifest: &Manifest, directory: &Path, worker: &Path, wanted: &Wanted, name: &str, job: &Job) -> End {
    let movies = directory.join(MOVIES);
    let made = std::fs::create_dir_all(&movies)
        .and_then(|()| tempfile::Builder::new().prefix(".edges-").tempdir_in(&movies))
        .map_err(|cause| MovieError::File { path: movies.clone(), cause })
        .and_then(|scratch| {
            let bench = Bench { worker, scratch: scratch.path(), go_on: &|done| job.go_on(done) };
            make(manifest, directory, wanted, &movies.join(name), &bench)
        });
    match made {
        Ok(made) => {
            let text = format!("{MOVIES}/{} shows {} to {}", made.file, made.begins, made.ends);
            End::Done(text, serde_json::to_value(made).unwrap_or_default())
        }
        Err(MovieError::Stopped) => End::Stopped,
        Err(_) if job.stopping().is_cancelled() => End::Stopped,
        Err(error) => End::Failed(error.to_string()),
    }
}
