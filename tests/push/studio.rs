//! A spool that is filled on order, and a pusher on it: everything but the destination.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::TempDir;
use uplink::hls;
use uplink::model::upload::Upload;
use uplink::model::{
    BitRate, ChannelId, Cued, DestinationId, Duty, EndpointName, EndpointStatus, Event, EventCode, FrameGrid,
    FrameRate, LiveTimeline, MediaTime, PictureSize, RenditionId, Secret, SegmentGrid, Timeline,
};
use uplink::push::{Pauses, PushDescription, PushedAudio, PushedVideo, Pusher};
use uplink::spool::{Chunk, Init, Spool};

/// No wait in these tests is longer.
pub const BOUND: Duration = Duration::from_secs(60);
pub const TOKEN: &str = "line-up-token-for-tests";

/// A channel `demo` with two video renditions and one audio rendition, half-second segments.
pub struct Studio {
    /// Removed when the test is over.
    _directory: TempDir,
    pub spool: Spool,
    pub grid: SegmentGrid,
    pub timeline: LiveTimeline,
    pub renditions: Vec<RenditionId>,
    /// The next number to produce.
    pub next: u64,
    /// The first number produced.
    pub first: u64,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Studio {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let grid = SegmentGrid::new(500).expect("a grid");
        let renditions: Vec<RenditionId> = ["v720", "v360", "a"].map(|id| RenditionId::new(id).expect("an id")).into();
        let now = MediaTime::from_system(SystemTime::now());
        let hour = Duration::from_secs(3600);
        let (spool, _) = Spool::open(&directory.path().join("spool"), 1 << 30, hour, grid, &renditions, now)
            .expect("the spool opens");
        for rendition in &renditions {
            let codec = if rendition.as_str() == "a" { "mp4a.40.2" } else { "avc1.64001f" };
            let data = Bytes::from(format!("\0\0\0\x18ftypcmfc\0\0\0\0{rendition:_<8}"));
            spool.put_init(Init { rendition: rendition.clone(), codec: codec.to_owned(), data }).expect("an init");
        }
        let first = grid.number_at(now);
        let frames = FrameGrid::new(FrameRate::new(50, 1).expect("a rate"));
        let timeline = LiveTimeline::new(Timeline::new(grid, frames, Cued::default()));
        Self { _directory: directory, spool, grid, timeline, renditions, next: first, first, events: Arc::default() }
    }

    /// Whole segments of the next `count` numbers, in every rendition.
    pub fn produce(&mut self, count: u64) {
        for number in self.next..self.next + count {
            for rendition in &self.renditions {
                let chunk = Chunk {
                    rendition: rendition.clone(),
                    number,
                    start: self.grid.start_of(number),
                    duration: self.grid.duration(),
                    independent: true,
                    last: true,
                    data: media(rendition, number),
                };
                let segment = self.spool.put_chunk(chunk).expect("the spool takes it");
                assert!(segment.is_some(), "a last chunk completes its segment");
            }
        }
        self.next += count;
    }

    pub fn description(&self, url: &str) -> PushDescription {
        let rate = FrameRate::new(50, 1).expect("a rate");
        let video = |id: &RenditionId, size: &str| PushedVideo {
            id: id.clone(),
            size: size.parse::<PictureSize>().expect("a size"),
            frame_rate: rate,
            bitrate: BitRate(3_000_000),
            max_bitrate: BitRate(4_500_000),
        };
        let audio = PushedAudio {
            id: self.renditions[2].clone(),
            name: "Programme".to_owned(),
            language: Some("de".to_owned()),
            channels: 2,
            bitrate: BitRate(128_000),
        };
        PushDescription {
            channel: ChannelId::new("demo").expect("an id"),
            destination: DestinationId::new("cloud").expect("an id"),
            endpoint: EndpointName::at(0),
            url: url.parse().expect("a url"),
            upload: Upload::with_token(Secret::new(TOKEN)),
            video: vec![video(&self.renditions[0], "1280x720"), video(&self.renditions[1], "640x360")],
            audio: vec![audio],
            captions: None,
            playlist_segments: 6,
            part_target: None,
            grid: self.grid,
            timeline: self.timeline.clone(),
            duty: Duty::Active,
            limits: None,
            pauses: Pauses::default(),
            pair: None,
            clock: uplink::push::PairClock::default(),
            lowest_only: false,
        }
    }

    pub fn push_to(&self, url: &str) -> Pusher {
        self.push(self.description(url))
    }

    pub fn push(&self, description: PushDescription) -> Pusher {
        let events = self.events.clone();
        let note = move |event: Event| {
            eprintln!("{} {}: {}", event.at, event.code.as_str(), event.text);
            events.lock().expect("no test fails here").push(event);
        };
        Pusher::start(description, self.spool.clone(), note)
    }

    pub fn count(&self, code: EventCode) -> usize {
        self.events().iter().filter(|event| event.code == code).count()
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.lock().expect("no test fails here").clone()
    }

    /// Asserts that every segment of `numbers` and its initialisation lie below `root` as they were made.
    pub fn assert_delivered(&self, root: &Path, numbers: std::ops::Range<u64>) {
        for rendition in &self.renditions {
            let directory = root.join("demo").join(rendition.as_str());
            for number in numbers.clone() {
                let there = std::fs::read(directory.join(hls::segment_name(number)))
                    .unwrap_or_else(|error| panic!("{rendition} {number}: {error}"));
                assert!(there == media(rendition, number), "{rendition} {number} differs");
            }
            let init = self.spool.segments(rendition).last().expect("a segment").init.clone();
            let made = std::fs::read(self.spool.path(rendition, &init)).expect("the init");
            assert_eq!(std::fs::read(directory.join(&init)).expect("the init at the origin"), made);
        }
    }

    /// Asserts that the playlists below `root` name the last six numbers, all of them playable.
    pub fn assert_playlists(&self, root: &Path) {
        for rendition in &self.renditions {
            let text = read(&root.join("demo").join(rendition.as_str()).join(hls::MEDIA_PLAYLIST));
            let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a media playlist");
            let count = (self.next - self.first).min(6);
            assert_eq!(playlist.media_sequence, self.next - count, "{text}");
            assert_eq!(playlist.segments.len() as u64, count, "{text}");
            assert!(!text.contains("EXT-X-GAP"), "{text}");
        }
        let text = read(&root.join("demo").join(hls::MULTIVARIANT_PLAYLIST));
        let playlist = m3u8_rs::parse_master_playlist_res(text.as_bytes()).expect("a multivariant playlist");
        assert_eq!(playlist.variants.len(), 3, "{text}");
        assert!(text.contains("CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720"), "{text}");
    }
}

/// The bytes of a segment: recognisable, and of a size that takes more than one read.
pub fn media(rendition: &RenditionId, number: u64) -> Bytes {
    let size = if rendition.as_str() == "a" { 8_000 } else { 200_000 };
    let mut random =
        fastrand::Rng::with_seed(number ^ u64::from(rendition.as_str().as_bytes()[1 % rendition.as_str().len()]) << 40);
    let mut data = vec![0u8; size];
    random.fill(&mut data);
    let length = u32::try_from(size).expect("small").to_be_bytes();
    data[..4].copy_from_slice(&length);
    data[4..8].copy_from_slice(b"mdat");
    data.into()
}

/// Waits until the status is as wanted; says what it was if it never is.
pub async fn until(pusher: &Pusher, what: &str, wanted: impl FnMut(&EndpointStatus) -> bool) -> EndpointStatus {
    let mut status = pusher.status();
    let reached = tokio::time::timeout(BOUND, status.wait_for(wanted)).await;
    match reached {
        Ok(reached) => reached.expect("the task lives").clone(),
        Err(_) => panic!("never {what}: {:#?}", pusher.status().borrow().clone()),
    }
}

/// Waits until `wanted` holds of the world outside the pusher.
pub async fn eventually(what: &str, mut wanted: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + BOUND;
    while !wanted() {
        assert!(tokio::time::Instant::now() < end, "never {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
