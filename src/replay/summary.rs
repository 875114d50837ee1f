//! A recording for people: all but the list of its segments.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::catalog::{MOVIES, is_movie_name};
use super::range::media;
use crate::model::{BitRate, ChannelId, DestinationId, MediaTime, PictureSize, RecordedOf, RenditionId};
use crate::record::{
    Gap, MULTIVARIANT_PLAYLIST, Manifest, Marker, RecordedRendition, RecordingId, RecordingState, RenditionKind,
};

/// One recording, without the list of its segments.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RecordingSummary {
    /// Of what.
    pub channel: ChannelId,
    /// The destination that recorded it.
    pub destination: DestinationId,
    /// Its name.
    pub id: RecordingId,
    /// For people.
    pub title: Option<String>,
    /// What it is of.
    pub of: RecordedOf,
    /// Where it stands.
    pub state: RecordingState,
    /// Never deleted for lack of room, nor for its age.
    pub protected: bool,
    /// Its first media.
    pub begins: Option<MediaTime>,
    /// The end of its last media.
    pub ends: Option<MediaTime>,
    /// From the first to the last.
    pub seconds: f64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Times that its worker was lost.
    pub interruptions: u64,
    /// What is missing of it.
    pub gaps: Vec<Gap>,
    /// What it holds.
    pub renditions: Vec<RenditionSummary>,
    /// What somebody wanted to find again.
    pub markers: Vec<Marker>,
    /// What was stitched or cut out of it.
    pub movies: Vec<MovieFile>,
    /// Where it can be played on this box, below the API's address.
    pub play: String,
}

/// A rendition of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RenditionSummary {
    /// Its name.
    pub id: RenditionId,
    /// What it is.
    pub kind: RenditionKind,
    /// RFC 6381 codec string.
    pub codecs: String,
    /// Pixels, of pictures.
    pub size: Option<PictureSize>,
    /// Average bit rate.
    pub average_bandwidth: BitRate,
    /// How many segments.
    pub segments: usize,
}

/// A movie beside a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct MovieFile {
    /// File name.
    pub name: String,
    /// Size.
    pub bytes: u64,
}

/// A manifest for people.
pub(crate) fn summary(manifest: &Manifest, directory: &Path) -> RecordingSummary {
    let whole = media(manifest);
    let rendition = |rendition: &RecordedRendition| RenditionSummary {
        id: rendition.id.clone(),
        kind: rendition.kind,
        codecs: rendition.codecs.clone(),
        size: rendition.size,
        average_bandwidth: rendition.average_bandwidth,
        segments: rendition.segments.len(),
    };
    RecordingSummary {
        channel: manifest.channel.clone(),
        destination: manifest.destination.clone(),
        id: manifest.id.clone(),
        title: manifest.title.clone(),
        of: manifest.of.clone(),
        state: manifest.state,
        protected: manifest.protected,
        begins: whole.as_ref().map(|whole| whole.start),
        ends: whole.as_ref().map(|whole| whole.end),
        seconds: whole.map_or(0.0, |whole| whole.end.since(whole.start).as_secs_f64()),
        bytes: manifest.bytes,
        interruptions: manifest.interruptions,
        gaps: manifest.gaps.clone(),
        renditions: manifest.renditions.iter().map(rendition).collect(),
        markers: manifest.markers.clone(),
        movies: movies(directory),
        play: format!("/api/v1/recordings/{}/{}/files/{MULTIVARIANT_PLAYLIST}", manifest.channel, manifest.id),
    }
}

fn movies(directory: &Path) -> Vec<MovieFile> {
    let entries = fs::read_dir(directory.join(MOVIES)).into_iter().flatten().flatten();
    let mut movies: Vec<MovieFile> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_movie_name(name))?;
            Some(MovieFile { name, bytes: entry.metadata().ok()?.len() })
        })
        .collect();
    movies.sort_by(|a, b| a.name.cmp(&b.name));
    movies
}
