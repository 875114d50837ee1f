//! Segments of real sizes, made up, in a real spool.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use bytes::Bytes;
use uplink::model::upload::Upload;
use uplink::model::{
    BitRate, ChannelId, Cued, DestinationId, Duty, EndpointName, FrameGrid, FrameRate, LinePolicy, LiveTimeline,
    MediaTime, RenditionId, Secret, SegmentGrid, Timeline, WhenSlow,
};
use uplink::push::{Pauses, PushDescription, PushedAudio, PushedVideo, Pusher};
use uplink::spool::{Chunk, Init, Spool};

use super::{Case, SOON};
use crate::bench::wait;
use crate::process::memory;
use crate::studio::TOKEN;

const CHANNEL: &str = "push";
const WINDOW: u32 = 6;
/// Numbers that may wait while the next one is made.
const AHEAD: u64 = 3;
/// What is delivered is kept for so many segments.
const KEPT: u32 = 100;
/// Times that memory is looked at.
const LOOKS: u64 = 200;

pub struct Maker {
    spool: Spool,
    grid: SegmentGrid,
    renditions: Vec<(RenditionId, Vec<u8>)>,
    first: u64,
    count: u64,
}

impl Maker {
    /// Makes `part` of the hours, which end about now.
    pub fn new(case: &Case, place: &Path, part: f64) -> anyhow::Result<Self> {
        let grid = SegmentGrid::new(case.segment_ms).context("no such segments")?;
        let count = (case.hours * part * 3_600_000.0 / f64::from(case.segment_ms)) as u64;
        let first = grid.number_at(MediaTime::from_system(SystemTime::now())) - count;
        let mut renditions = Vec::new();
        for (name, rate, _) in case.ladder {
            let size = usize::try_from(rate * u64::from(case.segment_ms) / 8000)?;
            let mut data = vec![0; size];
            fastrand::Rng::with_seed(rate).fill(&mut data);
            data[..4].copy_from_slice(&u32::try_from(size)?.to_be_bytes());
            data[4..8].copy_from_slice(b"mdat");
            renditions.push((RenditionId::new(name)?, data));
        }
        let ids: Vec<RenditionId> = renditions.iter().map(|(id, _)| id.clone()).collect();
        let (retain, from) = (grid.duration() * KEPT, grid.start_of(first));
        let (spool, _) = Spool::open(&place.join("spool"), 1 << 30, retain, grid, &ids, from)?;
        for (name, _, picture) in case.ladder {
            let codec = if picture.is_some() { "avc1.64001f" } else { "mp4a.40.2" };
            let data = Bytes::from(format!("\0\0\0\x18ftypcmfc\0\0\0\0{name:_<8}"));
            spool.put_init(Init { rendition: RenditionId::new(name)?, codec: codec.to_owned(), data })?;
        }
        Ok(Self { spool, grid, renditions, first, count })
    }

    pub fn spool(&self) -> Spool {
        self.spool.clone()
    }

    /// All that are made, or will be.
    pub fn segments(&self) -> impl Iterator<Item = (&str, u64)> {
        let numbers = self.first..self.first + self.count;
        self.renditions.iter().flat_map(move |(id, _)| numbers.clone().map(|number| (id.as_str(), number)))
    }

    /// Makes all of them, a little ahead of what is delivered; gives the memory meanwhile, megabytes.
    pub fn make_all(&self, pusher: &Pusher) -> anyhow::Result<Vec<f64>> {
        let (mut resident, every) = (Vec::new(), (self.count / LOOKS).max(1));
        for number in self.first..self.first + self.count {
            let (start, duration) = (self.grid.start_of(number), self.grid.duration());
            for (id, data) in &self.renditions {
                let (rendition, data) = (id.clone(), media(data, number).into());
                let (independent, last) = (true, true);
                self.spool.put_chunk(Chunk { rendition, number, start, duration, independent, last, data })?;
            }
            let due = number - AHEAD;
            if due >= self.first {
                wait("the origin takes it", SOON, Duration::from_micros(100), || {
                    Ok(self.renditions.iter().all(|(id, _)| pusher.delivered(id, due)).then_some(()))
                })?;
            }
            self.spool.retain(start + duration, &|rendition, number| pusher.delivered(rendition, number));
            if number % every == 0 {
                resident.push(memory(std::process::id())?.0);
            }
        }
        Ok(resident)
    }

    /// Segments of the spool that lie below `origin` with other bytes.
    pub fn differing(&self, origin: &Path) -> anyhow::Result<usize> {
        let mut differing = 0;
        for (id, data) in &self.renditions {
            for segment in self.spool.segments(id) {
                let path = origin.join(CHANNEL).join(id.as_str()).join(segment.file_name());
                let there = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                differing += usize::from(there != media(data, segment.number));
            }
        }
        Ok(differing)
    }

    pub fn description(&self, case: &Case, url: &str) -> anyhow::Result<PushDescription> {
        let frame_rate = FrameRate::new(25, 1).context("no such rate")?;
        let (mut video, mut audio) = (Vec::new(), Vec::new());
        for (name, rate, picture) in case.ladder {
            let (id, bitrate) = (RenditionId::new(name)?, BitRate(rate));
            match picture {
                Some(size) => video.push(PushedVideo {
                    id,
                    size: size.parse().ok().context("no such size")?,
                    frame_rate,
                    bitrate,
                    max_bitrate: BitRate(rate * 3 / 2),
                }),
                None => audio.push(PushedAudio { id, name: name.to_owned(), language: None, channels: 2, bitrate }),
            }
        }
        // Segments come faster than in real time: what is behind is not held back for a live edge.
        let line = LinePolicy { backfill_share: 100, when_slow: WhenSlow::Wait, ..LinePolicy::default() };
        let timeline = Timeline::new(self.grid, FrameGrid::new(frame_rate), Cued::default());
        Ok(PushDescription {
            channel: ChannelId::new(CHANNEL)?,
            destination: DestinationId::new("origin")?,
            endpoint: EndpointName::at(0),
            url: url.parse()?,
            upload: Upload { line, ..Upload::with_token(Secret::new(TOKEN)) },
            video,
            audio,
            captions: None,
            playlist_segments: WINDOW,
            part_target: None,
            grid: self.grid,
            timeline: LiveTimeline::new(timeline),
            duty: Duty::Active,
            limits: None,
            pair: None,
            clock: uplink::push::PairClock::default(),
            pauses: Pauses::default(),
            lowest_only: false,
        })
    }
}

/// The bytes of a segment: no two are the same.
fn media(data: &[u8], number: u64) -> Vec<u8> {
    let mut media = data.to_vec();
    media[8..16].copy_from_slice(&number.to_be_bytes());
    media
}
