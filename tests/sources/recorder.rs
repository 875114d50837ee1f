//! An outlet that remembers what left the program: timestamps, marks, levels, and when it came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use uplink::lineup::{self, TickDetector};
use uplink::media::clock::HouseClock;
use uplink::media::program::Outlet;
use uplink::model::{Event, FrameGrid, MediaTime, ProgramFormat, SampleGrid};

/// One picture that left.
#[derive(Debug, Clone)]
pub struct Picture {
    pub pts: u64,
    pub left: MediaTime,
    pub mark: Option<lineup::Mark>,
    pub is_slate: bool,
    /// Mean luma, and mean of the two colour planes.
    pub luma: u8,
    pub colour: (u8, u8),
    /// Darkest luma just inside the top left corner of the safe area (of 320×180): of a box there, whatever is written on it.
    pub corner: u8,
    /// Tells one picture from another.
    pub sum: u64,
}

#[derive(Default)]
pub struct Record {
    pub pictures: Vec<Picture>,
    /// (pts, sample frames, peak)
    pub sounds: Vec<(u64, usize, f32)>,
    /// Interleaved samples of the last ticks.
    pub wave: VecDeque<Vec<f32>>,
    /// UTC nanoseconds of ticks in the sound.
    pub ticks: Vec<u64>,
    pub events: Vec<Event>,
    /// Caption triplets of all pictures, in order.
    pub captions: Vec<u8>,
}

pub struct Recorder {
    pub format: ProgramFormat,
    clock: HouseClock,
    pub record: Mutex<Record>,
    /// Pixels of the last picture, I420.
    pub last: Mutex<Vec<u8>>,
    detector: Mutex<TickDetector>,
    slate_luma: u8,
}

/// Ticks whose samples are kept.
const WAVE: usize = 600;

/// The slate of these tests: flat, at a luma no test picture has as its mean.
pub const SLATE_LUMA: u8 = 201;

impl Recorder {
    pub fn new(format: ProgramFormat, clock: HouseClock) -> Arc<Self> {
        Arc::new(Self {
            format,
            clock,
            record: Mutex::default(),
            last: Mutex::default(),
            detector: Mutex::new(TickDetector::new(format.audio.sample_rate)),
            slate_luma: SLATE_LUMA,
        })
    }

    pub fn slate(format: ProgramFormat) -> gst::Buffer {
        let pixels = (format.size.width() * format.size.height()) as usize;
        let mut bytes = vec![SLATE_LUMA; pixels];
        bytes.extend(vec![128; pixels / 2]);
        gst::Buffer::from_mut_slice(bytes)
    }

    /// Waits until `enough` of the record, at most `limit`; true if it came.
    pub fn wait(&self, limit: Duration, enough: impl Fn(&Record) -> bool) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if enough(&self.record.lock().unwrap()) {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        enough(&self.record.lock().unwrap())
    }

    /// Wrong steps of the picture's timestamps: anything but the next tick of the grid.
    pub fn wrong_picture_steps(&self) -> usize {
        let grid = FrameGrid::new(self.format.frame_rate);
        let record = self.record.lock().unwrap();
        let index = |p: &Picture| grid.index_at(MediaTime::from_nanos(p.pts));
        record.pictures.windows(2).filter(|w| index(&w[1]) != index(&w[0]) + 1).count()
            + record.pictures.iter().filter(|p| grid.time_of(index(p)).as_nanos() != p.pts).count()
    }

    /// Samples missing or repeated between the first and the last sound.
    pub fn wrong_samples(&self) -> i64 {
        let grid = SampleGrid::new(self.format.audio.sample_rate);
        let record = self.record.lock().unwrap();
        let index = |pts: u64| grid.index_at(MediaTime::from_nanos(pts)) as i64;
        record.sounds.windows(2).map(|w| (index(w[1].0) - index(w[0].0) - w[0].1 as i64).abs()).sum()
    }

    /// The longest time between two pictures that left, milliseconds.
    pub fn longest_gap_ms(&self) -> u128 {
        let record = self.record.lock().unwrap();
        record.pictures.windows(2).map(|w| w[1].left.since(w[0].left).as_millis()).max().unwrap_or(0)
    }
}

impl Outlet for Recorder {
    fn picture(&self, picture: gst::Buffer) {
        let (width, height) = (self.format.size.width() as usize, self.format.size.height() as usize);
        let map = picture.map_readable().unwrap();
        let luma = &map[..width * height];
        let mean = (luma.iter().step_by(97).map(|l| u64::from(*l)).sum::<u64>() / luma.len().div_ceil(97) as u64) as u8;
        let plane = |start: usize| {
            let pixels = map.get(start..start + width * height / 4).unwrap_or_default();
            (pixels.iter().step_by(31).map(|c| u64::from(*c)).sum::<u64>() / pixels.len().div_ceil(31).max(1) as u64)
                as u8
        };
        let colour = (plane(width * height), plane(width * height * 5 / 4));
        let entry = Picture {
            pts: picture.pts().unwrap().nseconds(),
            left: self.clock.now(),
            mark: lineup::read(luma, width, width, height),
            is_slate: mean == self.slate_luma,
            luma: mean,
            colour,
            corner: (10..14).flat_map(|y| &luma[y * width + 17..y * width + 22]).copied().min().unwrap(),
            sum: luma.iter().step_by(13).enumerate().map(|(n, l)| (n as u64 + 1) * u64::from(*l)).sum(),
        };
        *self.last.lock().unwrap() = map.to_vec();
        let mut record = self.record.lock().unwrap();
        record.pictures.push(entry);
        for meta in picture.iter_meta::<gstreamer_video::VideoCaptionMeta>() {
            record.captions.extend_from_slice(meta.data());
        }
    }

    fn sound(&self, sound: gst::Buffer) {
        let map = sound.map_readable().unwrap();
        let channels = usize::from(self.format.audio.channels);
        let left: Vec<f32> = map
            .chunks_exact(4 * channels)
            .map(|frame| f32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]))
            .collect();
        let pts = sound.pts().unwrap().nseconds();
        let peak = left.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        let ticks = self.detector.lock().unwrap().feed(pts, &left);
        let mut record = self.record.lock().unwrap();
        record.ticks.extend(ticks);
        record.sounds.push((pts, left.len(), peak));
        let sample = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        record.wave.push_back(map.chunks_exact(4).map(sample).collect());
        if record.wave.len() > WAVE {
            record.wave.pop_front();
        }
    }
}
