//! One measurement from target to report.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::task::JoinSet;
use url::Url;

use super::fetch::{FetchError, Fetcher};
use super::follow::{follow, patient};
use super::playlist::{Listed, Playlist, read};
use super::recording::Recording;
use super::report::{FORMAT, Report};
use super::{MeasureError, Options, file, judge, keyframes, offset, summary};
use crate::model::MediaTime;

/// Measures `options.target`. Runs on the caller's tokio runtime; decoding happens on blocking threads, so that other
/// tasks go on. A live stream takes `options.seconds` and some seconds more at most.
///
/// # Errors
/// When nothing could be measured; what was measured and found faulty is in [`Report::faults`].
pub async fn run(options: Options) -> Result<Report, MeasureError> {
    let clock = Instant::now();
    let started = MediaTime::from_system(SystemTime::now());
    let recordings = match target(&options.target)? {
        Target::Playlist(url) => play_playlist(&options, url).await?,
        Target::File(path) => {
            let progress = Arc::clone(&options.progress);
            let played = tokio::task::spawn_blocking(move || file::play(Path::new(&path), progress)).await;
            vec![played.map_err(|error| no_media(&options, error.to_string()))??]
        }
    };
    if recordings.iter().all(|recording| recording.pictures.is_none() && recording.sound.is_none()) {
        let reason = recordings.iter().find_map(|recording| recording.trouble.clone());
        return Err(no_media(&options, reason.unwrap_or_else(|| "there is neither picture nor sound".to_owned())));
    }
    let now_ms = started.as_nanos() / 1_000_000;
    let mut report = Report {
        format: FORMAT.to_owned(),
        target: options.target.clone(),
        started,
        elapsed_ms: clock.elapsed().as_millis() as u64,
        live: recordings.iter().any(|recording| recording.live),
        streams: recordings.iter().map(|recording| summary::stream(recording, now_ms)).collect(),
        av_offset: offset::av_offset(&recordings, now_ms),
        keyframes: keyframes::keyframes(&recordings),
        faults: Vec::new(),
    };
    report.faults = judge::faults(&report, &recordings);
    Ok(report)
}

fn no_media(options: &Options, reason: String) -> MeasureError {
    MeasureError::NoMedia { target: options.target.clone(), reason }
}

enum Target {
    Playlist(Url),
    File(String),
}

fn target(text: &str) -> Result<Target, MeasureError> {
    let path = Path::new(text);
    if path.is_file() {
        let is_playlist = path.extension().is_some_and(|extension| extension == "m3u8");
        let url = path.canonicalize().ok().and_then(|path| Url::from_file_path(path).ok());
        return Ok(match url.filter(|_| is_playlist) {
            Some(url) => Target::Playlist(url),
            None => Target::File(text.to_owned()),
        });
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Target::Playlist(url)),
        _ => Err(MeasureError::Target { target: text.to_owned() }),
    }
}

async fn play_playlist(options: &Options, url: Url) -> Result<Vec<Recording>, MeasureError> {
    let unreachable = |error: FetchError| MeasureError::Unreachable { url: url.to_string(), reason: error.to_string() };
    let fetcher = Fetcher::new(&url).map_err(unreachable)?;
    let bytes = patient(&fetcher, &url, options.patience).await?;
    let playlist = read(&String::from_utf8_lossy(&bytes), &url)
        .map_err(|reason| MeasureError::Playlist { url: url.to_string(), reason })?;
    let listed = match playlist {
        Playlist::Multivariant(listed) => choose(listed, options.rendition.as_deref())?,
        Playlist::Media(_) => {
            let name = url.path_segments().and_then(|mut path| path.next_back()).unwrap_or_default().to_owned();
            return Ok(vec![follow(fetcher, options.clone(), name, url, Some(bytes)).await?]);
        }
    };
    let mut players = JoinSet::new();
    for (index, Listed { name, url, .. }) in listed.into_iter().enumerate() {
        let player = follow(fetcher.clone(), options.clone(), name.clone(), url, None);
        players.spawn(async move { (index, name, player.await) });
    }
    let mut recordings = Vec::new();
    while let Some(joined) = players.join_next().await {
        let (index, name, played) = joined.map_err(|error| no_media(options, error.to_string()))?;
        let recording = match played {
            Ok(recording) => recording,
            Err(error @ MeasureError::Decode(_)) => return Err(error),
            Err(error) => Recording { name, trouble: Some(error.to_string()), ..Default::default() },
        };
        recordings.push((index, recording));
    }
    recordings.sort_by_key(|(index, _)| *index);
    Ok(recordings.into_iter().map(|(_, recording)| recording).collect())
}

fn choose(listed: Vec<Listed>, wanted: Option<&str>) -> Result<Vec<Listed>, MeasureError> {
    let Some(wanted) = wanted else { return Ok(listed) };
    let label = |listed: &Listed| match &listed.resolution {
        Some(resolution) => format!("{} ({resolution})", listed.name),
        None => listed.name.clone(),
    };
    let available = listed.iter().map(label).collect::<Vec<_>>().join(", ");
    let chosen: Vec<Listed> = listed.into_iter().filter(|listed| label(listed).contains(wanted)).collect();
    if chosen.is_empty() {
        return Err(MeasureError::Rendition { wanted: wanted.to_owned(), available });
    }
    Ok(chosen)
}
