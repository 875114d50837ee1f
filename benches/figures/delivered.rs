//! What is at the origin: named by playlists, as files, and what its pictures show.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use uplink::lineup;
use uplink::media::decode::TrackDecoder;
use uplink::media::decode::fmp4::{Init, Sample, read_init, read_segment};
use uplink::model::MediaTime;

use crate::web::Web;

/// A rendition of a channel at the origin.
#[derive(Debug)]
pub struct Lane<'a> {
    web: &'a Web,
    directory: PathBuf,
    url: String,
    /// The newest segment that was seen to be older than what is waited for.
    older: Cell<u64>,
}

/// A delivered picture.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Its presentation time, nanoseconds since the epoch.
    pub pts: u64,
    /// Whether it carries the mark of the test source; the slate carries none.
    pub marked: bool,
    /// The mark.
    pub mark: Option<lineup::Mark>,
}

/// A segment, read.
#[derive(Debug)]
struct Media {
    init: Init,
    samples: Vec<Sample>,
    bytes: Bytes,
}

impl Media {
    fn read(init: &[u8], segment: Vec<u8>) -> anyhow::Result<Self> {
        let init = read_init(init)?;
        let samples = read_segment(&init, &segment)?.samples;
        Ok(Self { init, samples, bytes: segment.into() })
    }

    fn start(&self) -> u64 {
        self.samples.iter().map(|sample| sample.pts).min().unwrap_or(0)
    }

    fn end(&self) -> u64 {
        self.samples.iter().map(|sample| sample.pts + sample.duration).max().unwrap_or(0)
    }

    fn newest(&self) -> u64 {
        self.samples.iter().map(|sample| sample.pts).max().unwrap_or(0)
    }
}

impl<'a> Lane<'a> {
    pub fn new(web: &'a Web, directory: PathBuf, url: String) -> Self {
        Self { web, directory, url, older: Cell::new(0) }
    }

    /// The first segment the origin's media playlist names that holds a sample made after `instant`; none yet. Asks the
    /// origin as a player does, and believes the media, not the playlist. A lane is asked about one instant only.
    pub fn named_after(&self, instant: MediaTime) -> anyhow::Result<Option<u64>> {
        let playlist = String::from_utf8(self.web.get(&format!("{}/media.m3u8", self.url))?)?;
        let (mut map, mut gap) = ("", false);
        let mut named = Vec::new();
        for line in playlist.lines() {
            if let Some(uri) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
                map = uri.trim_end_matches('"');
            } else if line == "#EXT-X-GAP" {
                gap = true;
            } else if let Some(number) = line.strip_suffix(".m4s").and_then(|number| number.parse::<u64>().ok()) {
                // What a killed worker never wrote is a gap, and nothing to fetch.
                named.extend((!std::mem::take(&mut gap)).then_some((number, map)));
            }
        }
        // From the newest back to the first that is older: two or three are looked at.
        let mut first = None;
        for (number, map) in named.into_iter().rev().take_while(|(number, _)| *number > self.older.get()) {
            let init = self.web.get(&format!("{}/{map}", self.url))?;
            let media = Media::read(&init, self.web.get(&format!("{}/{number}.m4s", self.url))?)?;
            if media.newest() <= instant.as_nanos() {
                self.older.set(number);
                break;
            }
            first = Some(number);
        }
        Ok(first)
    }

    /// The numbers of the segments that are there.
    pub fn numbers(&self) -> BTreeSet<u64> {
        numbers(&self.directory)
    }

    fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.directory.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The name of the initialisation. One per lane: every run of a worker encodes with the same settings.
    fn init_name(&self) -> anyhow::Result<String> {
        let names = std::fs::read_dir(&self.directory)?.flatten().map(|entry| entry.file_name());
        let found: Vec<String> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with("init-") && name.ends_with(".mp4"))
            .collect();
        let [name] = found.as_slice() else {
            anyhow::bail!("{} initialisations are in {}", found.len(), self.directory.display());
        };
        Ok(name.clone())
    }

    fn media(&self, number: u64) -> anyhow::Result<Media> {
        Media::read(&self.file(&self.init_name()?)?, self.file(&format!("{number}.m4s"))?)
    }

    /// A playlist of what is there of `numbers`, with its end, that names the segments where the origin serves them.
    pub fn recorded(&self, wanted: std::ops::RangeInclusive<u64>) -> anyhow::Result<String> {
        let mut text = "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:1\n".to_owned();
        let mut next = None;
        for number in self.numbers().range(wanted) {
            let media = self.media(*number)?;
            if next.is_none() {
                let init = self.init_name()?;
                let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{number}\n#EXT-X-MAP:URI=\"{}/{init}\"", self.url);
            }
            let gaps = next.map_or(0, |next| number - next);
            for gap in 0..gaps {
                let _ = writeln!(text, "#EXT-X-GAP\n#EXTINF:1.000000,\n{}/{}.m4s", self.url, number - gaps + gap);
            }
            let (start, seconds) = (media.start(), (media.end() - media.start()) as f64 / 1e9);
            let date = MediaTime::from_nanos(start).rfc3339_millis();
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date}\n#EXTINF:{seconds:.6},\n{}/{number}.m4s", self.url);
            next = Some(number + 1);
        }
        text.push_str("#EXT-X-ENDLIST\n");
        Ok(text)
    }

    /// Decodes the pictures of `numbers`, in order of presentation.
    pub fn pictures(&self, wanted: std::ops::RangeInclusive<u64>) -> anyhow::Result<Vec<Shown>> {
        let shown: Arc<Mutex<Vec<Shown>>> = Arc::default();
        let mut decoder: Option<TrackDecoder> = None;
        for number in self.numbers().range(wanted) {
            let media = self.media(*number)?;
            if decoder.is_none() {
                let sink = Arc::clone(&shown);
                decoder = Some(TrackDecoder::pictures(&media.init.tracks[0], media.start(), move |picture| {
                    let mark = lineup::read(picture.luma, picture.stride, picture.width, picture.height);
                    let picture = Shown { pts: picture.pts, marked: mark.is_some(), mark };
                    sink.lock().unwrap_or_else(PoisonError::into_inner).push(picture);
                })?);
            }
            for sample in &media.samples {
                if let Some(decoder) = &mut decoder {
                    decoder.push(sample, media.bytes.slice(sample.bytes.clone()))?;
                }
            }
        }
        decoder.context("there is no segment to decode")?.finish()?;
        let mut pictures = std::mem::take(&mut *shown.lock().unwrap_or_else(PoisonError::into_inner));
        pictures.sort_by_key(|picture| picture.pts);
        Ok(pictures)
    }

    /// Pictures or packets in the segments of `numbers`.
    pub fn samples(&self, wanted: std::ops::RangeInclusive<u64>) -> anyhow::Result<usize> {
        self.numbers().range(wanted).map(|number| Ok(self.media(*number)?.samples.len())).sum()
    }

    /// The segments of `numbers` as one file.
    pub fn save(&self, wanted: std::ops::RangeInclusive<u64>, path: &Path) -> anyhow::Result<()> {
        let mut whole = self.file(&self.init_name()?)?;
        for number in self.numbers().range(wanted) {
            whole.extend(self.file(&format!("{number}.m4s"))?);
        }
        std::fs::write(path, whole).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Segments of `numbers` that are not there, and those that differ from the file of that name in `spool`.
    pub fn compare(&self, spool: &Path, wanted: std::ops::RangeInclusive<u64>) -> anyhow::Result<(Vec<u64>, Vec<u64>)> {
        let here = self.numbers();
        let missing = wanted.clone().filter(|number| !here.contains(number)).collect();
        let mut differing = Vec::new();
        for number in here.range(wanted) {
            let name = format!("{number}.m4s");
            let original = std::fs::read(spool.join(&name)).with_context(|| format!("the spool has no {name}"))?;
            if original != self.file(&name)? {
                differing.push(*number);
            }
        }
        Ok((missing, differing))
    }
}

/// Pictures or packets in a fragmented file.
pub fn samples_in(path: &Path) -> anyhow::Result<usize> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Media::read(&bytes.clone(), bytes)?.samples.len())
}

/// The numbers of the segments in a directory.
pub fn numbers(directory: &Path) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".m4s")?.parse().ok()).collect()
}
