//! What a recording says of itself: `recording.json`, together with the journal while it runs.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::journal::{self, Entry};
use crate::hls::segment_file;
use crate::model::{
    BitRate, ChannelId, Cued, DestinationId, FrameRate, MediaTime, PictureSize, RecordedOf, RenditionId,
};
use crate::spool::SpoolError;
use crate::spool::disk::write_atomic;
use crate::spool::error::At;

/// The version of the format; a reader refuses a later one.
pub const VERSION: u32 = 1;
/// File name of the manifest.
pub const MANIFEST: &str = "recording.json";
/// File name of the journal.
pub const JOURNAL: &str = "journal.jsonl";
/// File name of a rendition's media playlist.
pub const MEDIA_PLAYLIST: &str = "index.m3u8";
/// File name of the multivariant playlist.
pub const MULTIVARIANT_PLAYLIST: &str = "multivariant.m3u8";

/// Most characters of a name.
const LONGEST: usize = 160;

/// The name of a recording's directory: `YYYYMMDDTHHMMSSZ`, perhaps with more behind a hyphen. Letters, digits and
/// hyphens only, so that it can stand in a path and a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct RecordingId(String);

/// A text that names no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name a recording: YYYYMMDDTHHMMSSZ, perhaps with -words behind it")]
pub struct NotARecordingId(pub String);

impl RecordingId {
    /// Checks `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, NotARecordingId> {
        let text = text.into();
        let (time, rest) = text.split_at_checked(16).unwrap_or((&text, ""));
        let timed = time.len() == 16
            && time.bytes().enumerate().all(|(place, byte)| match place {
                8 => byte == b'T',
                15 => byte == b'Z',
                _ => byte.is_ascii_digit(),
            });
        let word = |rest: &str| rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let named = rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && word(rest));
        if timed && named && text.len() <= LONGEST { Ok(Self(text)) } else { Err(NotARecordingId(text)) }
    }

    /// The name of a recording that begins at `began` and has this title.
    pub fn begun(began: MediaTime, title: Option<&str>) -> Self {
        let compact: String = began.rfc3339_millis().chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
        let slug = slug(title.unwrap_or_default());
        Self(if slug.is_empty() { format!("{compact}Z") } else { format!("{compact}Z-{slug}") })
    }

    /// The name of a recording that is not of the program: `…-clean`, `…-iso-cam1`.
    pub fn of(self, of: &RecordedOf) -> Self {
        match of.slug() {
            Some(slug) => Self(format!("{}-{slug}", self.0).chars().take(LONGEST).collect()),
            None => self,
        }
    }

    /// The same with a number behind it, where another recording has that name.
    pub(crate) fn again(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// At most 60 letters, digits and single hyphens of a title.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(60);
    slug.trim_matches('-').to_owned()
}

impl TryFrom<String> for RecordingId {
    type Error = NotARecordingId;
    fn try_from(text: String) -> Result<Self, NotARecordingId> {
        Self::new(text)
    }
}

impl From<RecordingId> for String {
    fn from(id: RecordingId) -> String {
        id.0
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// It runs, or whoever wrote it was killed and has not come back yet.
    Recording,
    /// It was ended in order.
    Finished,
    /// Nobody went on with it after a crash: it holds what there was.
    Interrupted,
}

/// A recording. Everything in it can be made anew from the files, except title, markers and protection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// Of what.
    pub channel: ChannelId,
    /// The destination that recorded it.
    pub destination: DestinationId,
    /// What it is of.
    #[serde(default, skip_serializing_if = "RecordedOf::is_program")]
    pub of: RecordedOf,
    /// The name of its directory.
    pub id: RecordingId,
    /// For people.
    pub title: Option<String>,
    /// When it was ordered to begin. Its first segment may begin up to a segment earlier.
    pub began: MediaTime,
    /// When it was ordered to end; its last segment may end up to a segment later.
    pub ended: Option<MediaTime>,
    /// Where it stands.
    pub state: RecordingState,
    /// Never deleted for lack of room, nor for its age.
    #[serde(default)]
    pub protected: bool,
    /// Duration of a whole segment, milliseconds: the epoch grid that media sequence numbers count.
    pub segment_ms: u32,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Times that its worker was lost and another one went on.
    #[serde(default)]
    pub interruptions: u64,
    /// What is missing of it.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// Video by rank, then audio, the default first, then text.
    pub renditions: Vec<RecordedRendition>,
    /// What somebody wanted to find again, by time.
    #[serde(default)]
    pub markers: Vec<Marker>,
    /// Breaks and timed metadata of its time, as its playlists name them.
    #[serde(default, skip_serializing_if = "Cued::is_empty")]
    pub cued: Cued,
}

/// What a rendition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenditionKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Captions as WebVTT.
    Text,
}

/// A rendition in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecordedRendition {
    /// The rendition; its directory has this name.
    pub id: RenditionId,
    /// What it is.
    pub kind: RenditionKind,
    /// RFC 6381 codec string; empty for text, and before its first segment.
    pub codecs: String,
    /// Peak bit rate: as planned while it runs, as measured afterwards.
    pub bandwidth: BitRate,
    /// Average bit rate, likewise.
    pub average_bandwidth: BitRate,
    /// Pixels, of pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<PictureSize>,
    /// Pictures per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<FrameRate>,
    /// Name shown by players, of sound and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// BCP 47 language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Channels of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Captions are carried in the pictures, too (of text), or only there (of pictures).
    #[serde(default)]
    pub captions: bool,
    /// Ascending by sequence.
    #[serde(default)]
    pub segments: Vec<RecordedSegment>,
}

/// A segment in a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RecordedSegment {
    /// Media sequence number; the same place in time in every rendition.
    pub sequence: u64,
    /// File name in the rendition's directory.
    pub file: String,
    /// File name of its initialisation; empty for text.
    pub init: String,
    /// Presentation time of its first sample.
    pub begin: MediaTime,
    /// Media in it, seconds.
    #[serde(rename = "duration_s", with = "seconds")]
    #[schemars(with = "f64")]
    pub duration: Duration,
    /// Size.
    pub bytes: u64,
    /// Checksum of the file, 64 hex digits.
    pub sha256: String,
    /// It begins with a keyframe (a sync sample).
    pub keyframe: bool,
    /// A player has to begin anew before it (EXT-X-DISCONTINUITY).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discontinuity: bool,
    /// Its discontinuity sequence: the same in every rendition.
    #[serde(default)]
    pub discontinuity_sequence: u64,
}

impl RecordedSegment {
    /// Where it ends.
    pub fn end(&self) -> MediaTime {
        self.begin + self.duration
    }

    /// The name that its file has to have: what a manifest says is not trusted as a path.
    pub fn file_name(&self) -> String {
        segment_file(self.sequence, &self.init)
    }
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Gap {
    /// In this rendition; in all if none.
    pub rendition: Option<RenditionId>,
    /// From here.
    pub begin: MediaTime,
    /// To here.
    pub end: MediaTime,
    /// Why, in plain words.
    pub reason: String,
}

/// What somebody wanted to find again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Marker {
    /// When, in program time.
    pub at: MediaTime,
    /// What.
    pub text: String,
    /// Who set it.
    pub by: String,
}

impl Manifest {
    /// All that is known of the recording in `directory`; while it runs, that is what the journal says. Reads only.
    pub fn load(directory: &Path) -> Result<Self, SpoolError> {
        let mut manifest = Self::stored(directory)?;
        if manifest.state == RecordingState::Recording {
            for entry in journal::read(directory)? {
                manifest.take_in(entry);
            }
        }
        Ok(manifest)
    }

    /// `recording.json` as it is.
    pub(crate) fn stored(directory: &Path) -> Result<Self, SpoolError> {
        let path = directory.join(MANIFEST);
        let text = fs::read(&path).at(&path)?;
        let manifest: Self = serde_json::from_slice(&text).map_err(std::io::Error::from).at(&path)?;
        if manifest.version > VERSION {
            let later = format!("written by a later version ({})", manifest.version);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, later)).at(&path);
        }
        Ok(manifest)
    }

    /// Writes `recording.json`: after a crash the old one is there or the new one.
    pub fn store(&self, directory: &Path) -> Result<(), SpoolError> {
        let path = directory.join(MANIFEST);
        let text = serde_json::to_vec(self).map_err(std::io::Error::from).at(&path)?;
        write_atomic(&path, &text)
    }

    /// Adds what a line of the journal says.
    pub(crate) fn take_in(&mut self, entry: Entry) {
        match entry {
            Entry::Segment { rendition, codecs, segment } => {
                let Some(known) = self.renditions.iter_mut().find(|known| known.id == rendition) else { return };
                if let Some(codecs) = codecs {
                    known.codecs = codecs;
                }
                // A line is written once, but may have been written again after a crash.
                match known.segments.binary_search_by_key(&segment.sequence, |segment| segment.sequence) {
                    Ok(place) => {
                        self.bytes = self.bytes - known.segments[place].bytes + segment.bytes;
                        known.segments[place] = segment;
                    }
                    Err(place) => {
                        self.bytes += segment.bytes;
                        known.segments.insert(place, segment);
                    }
                }
            }
            Entry::Rendition { rendition } => match self.renditions.iter_mut().find(|known| known.id == rendition.id) {
                Some(known) => {
                    *known = RecordedRendition { segments: std::mem::take(&mut known.segments), ..*rendition }
                }
                None => self.renditions.push(*rendition),
            },
            // The journal may outlive a manifest that has it already: a crash between the two.
            Entry::Marker { marker } if self.markers.contains(&marker) => {}
            Entry::Marker { marker } => self.markers.push(marker),
            Entry::Gap { gap } if self.gaps.contains(&gap) => {}
            Entry::Gap { gap } => self.gaps.push(gap),
            Entry::Cued { cued } => self.cued = cued,
            Entry::Resumed { interruptions, .. } => self.interruptions = self.interruptions.max(interruptions),
        }
    }

    /// End of the last media of any rendition.
    pub fn last_media(&self) -> Option<MediaTime> {
        self.renditions.iter().filter_map(|rendition| rendition.segments.last()).map(RecordedSegment::end).max()
    }
}

mod seconds {
    //! Seconds with a fraction.

    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_named_by_its_begin_and_title() {
        let began = MediaTime::from_secs(1_763_000_000);
        assert_eq!(RecordingId::begun(began, None).as_str(), "20251113T021320Z");
        let titled = RecordingId::begun(began, Some("  Evening Show, Nr. 7 — ÄÖ! "));
        assert_eq!(titled.as_str(), "20251113T021320Z-evening-show-nr-7");
        assert_eq!(RecordingId::new(titled.as_str()), Ok(titled.clone()));
        assert_eq!(RecordingId::new(titled.again(2).as_str()), Ok(titled.again(2)));
        assert_eq!(RecordingId::begun(began, Some("???")).as_str(), "20251113T021320Z");
        for bad in ["", "..", "20251113T021320", "20251113T021320Z-", "20251113T021320Z/a", "20251113T021320Z-A", "x"] {
            assert!(RecordingId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_segment_says_its_duration_in_seconds() {
        let segment = RecordedSegment {
            sequence: 7,
            file: "7.m4s".into(),
            init: "init-00000000.mp4".into(),
            begin: MediaTime::from_secs(14),
            duration: Duration::from_millis(1984),
            bytes: 5,
            sha256: String::new(),
            keyframe: true,
            discontinuity: false,
            discontinuity_sequence: 0,
        };
        let json = serde_json::to_value(&segment).unwrap();
        assert_eq!(json["duration_s"], 1.984);
        assert_eq!(serde_json::from_value::<RecordedSegment>(json).unwrap(), segment);
    }
}
