//! A program without a clock and without pipelines: tests feed its sources and tick it, faster than real time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use gstreamer as gst;

use super::desk::ShownFrom;
use super::lineup::Lineup;
use super::ticker::Ticker;
use super::{Outlet, Shared, blend, lock};
use crate::media::clock::HouseClock;
use crate::media::companion::Offered;
use crate::media::encode::picture_caps;
use crate::media::feed::Streams;
use crate::media::source::Source;
use crate::model::status::{ProgramOrder, ProgramStatus};
use crate::model::{
    AudioFormat, Event, FrameGrid, FrameRate, MediaTime, PictureSize, ProgramFormat, SegmentGrid, SourceId, Transition,
};
use crate::plan::{ChannelPlan, SlatePlan, SourceKind, SourcePlan, SpoolPlan, ThresholdPlan};

pub(super) const SLATE: u8 = 235;
/// Low, so that ten minutes are soon over.
const SAMPLE_RATE: u32 = 9_000;
const LOSS: Duration = Duration::from_millis(250);

/// What left: timestamp, luma in the middle, and the sound of the tick (timestamp, sample frames, mean).
#[derive(Default)]
pub(super) struct Left {
    pub(super) pictures: Vec<(u64, u8)>,
    pub(super) sounds: Vec<(u64, usize, f32)>,
    /// Without graphics.
    pub(super) clean: Vec<(u64, u8)>,
    /// What sources have by themselves.
    pub(super) isolated: Vec<Alone>,
}

/// What a source has for a tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alone {
    pub(super) source: SourceId,
    pub(super) at: u64,
    pub(super) luma: u8,
    /// Timestamp, sample frames, mean.
    pub(super) sound: Option<(u64, usize, f32)>,
    pub(super) delivers: bool,
}

struct Sink {
    left: Mutex<Left>,
    middle: usize,
    /// Whether what is beside the program is wanted.
    beside: AtomicBool,
}

impl Sink {
    fn luma(&self, picture: &gst::Buffer) -> (u64, u8) {
        (picture.pts().unwrap().nseconds(), picture.map_readable().unwrap()[self.middle])
    }
}

fn sound_of(sound: &gst::Buffer) -> (u64, usize, f32) {
    let map = sound.map_readable().unwrap();
    let samples: Vec<f32> = map.chunks_exact(8).map(|f| f32::from_le_bytes([f[0], f[1], f[2], f[3]])).collect();
    let mean = samples.iter().sum::<f32>() / samples.len() as f32;
    (sound.pts().unwrap().nseconds(), samples.len(), mean)
}

impl Outlet for Sink {
    fn picture(&self, picture: gst::Buffer) {
        lock(&self.left).pictures.push(self.luma(&picture));
    }
    fn sound(&self, sound: gst::Buffer) {
        lock(&self.left).sounds.push(sound_of(&sound));
    }
    fn wants_clean(&self) -> bool {
        self.beside.load(Ordering::Relaxed)
    }
    fn clean(&self, picture: gst::Buffer) {
        lock(&self.left).clean.push(self.luma(&picture));
    }
    fn isolates(&self, _source: &SourceId) -> bool {
        self.beside.load(Ordering::Relaxed)
    }
    fn isolated(&self, source: &SourceId, offered: Offered) {
        let (at, luma) = self.luma(offered.picture.as_ref().unwrap());
        assert_eq!(offered.at.as_nanos(), at);
        let (sound, delivers) = (offered.sound.as_ref().map(sound_of), offered.delivers);
        lock(&self.left).isolated.push(Alone { source: source.clone(), at, luma, sound, delivers });
    }
}

/// The picture of a source and its sound, for one frame.
pub(super) struct Fed {
    pub(super) picture: gst::Buffer,
    pub(super) level: f32,
}

pub(super) struct Stage {
    pub(super) format: ProgramFormat,
    pub(super) frames: FrameGrid,
    pub(super) next: u64,
    pub(super) sources: Vec<Arc<Source>>,
    /// Whether each delivers.
    pub(super) alive: Vec<bool>,
    pub(super) events: Arc<Mutex<Vec<Event>>>,
    plain: Vec<gst::Buffer>,
    /// Of each source by rank.
    numbers: Vec<usize>,
    shared: Arc<Shared>,
    sink: Arc<Sink>,
    ticker: Ticker,
}

pub(super) fn luma_of(rank: usize) -> u8 {
    40 + 10 * rank as u8
}

pub(super) fn level_of(rank: usize) -> f32 {
    0.05 * (rank + 1) as f32
}

pub(super) fn source(rank: usize) -> ProgramOrder {
    ProgramOrder::Source { source: id(rank) }
}

pub(super) fn id(rank: usize) -> SourceId {
    SourceId::new(format!("s{rank}")).unwrap()
}

pub(super) fn thresholds() -> ThresholdPlan {
    ThresholdPlan {
        loss_ms: LOSS.as_millis() as u32,
        wait_to_restore_ms: 1000,
        stall_ms: 4000,
        failover: Default::default(),
        signal: Default::default(),
    }
}

fn plan(format: ProgramFormat, sources: usize, thresholds: ThresholdPlan) -> ChannelPlan {
    let plan =
        |rank| SourcePlan { id: id(rank), kind: SourceKind::Test, expect: Default::default(), fit: Default::default() };
    ChannelPlan {
        channel: "stage".parse().unwrap(),
        title: "Stage".to_owned(),
        stream_class: "stage 1.0.0".to_owned(),
        program: format,
        segments: SegmentGrid::new(1000).unwrap(),
        parts: None,
        timecode: Default::default(),
        sources: (0..sources).map(plan).collect(),
        slate: SlatePlan { text: String::new() },
        graphics: Default::default(),
        video: Vec::new(),
        audio: Vec::new(),
        captions: None,
        spool: SpoolPlan {
            directory: Default::default(),
            quota_bytes: 0,
            retain_seconds: 0,
            playlist_segments: 6,
            when_full: Default::default(),
        },
        destinations: Vec::new(),
        thresholds,
        sound: Default::default(),
        companions: Vec::new(),
    }
}

impl Stage {
    pub(super) fn new(sources: usize, thresholds: ThresholdPlan, order: ProgramOrder) -> Self {
        gst::init().unwrap();
        let format = ProgramFormat {
            size: PictureSize::new(192, 108).unwrap(),
            frame_rate: FrameRate::new(30, 1).unwrap(),
            audio: AudioFormat { sample_rate: SAMPLE_RATE, channels: 2 },
        };
        let info = gstreamer_video::VideoInfo::from_caps(&picture_caps(&format)).unwrap();
        let flat = |luma: u8| blend::flat(&info, [luma, 128, 128]).unwrap();
        let plan = plan(format, sources, thresholds);
        let fed = |source: &SourcePlan| Arc::new(Source::fed(source.clone(), format, LOSS, &plan.thresholds.signal));
        let all: Vec<Arc<Source>> = plan.sources.iter().map(fed).collect();
        let now = MediaTime::from_secs(1_763_000_000);
        let shared = Arc::new(Shared::new(order, &plan, now));
        let middle = 54 * info.stride()[0] as usize + 96;
        let sink = Arc::new(Sink { left: Mutex::default(), middle, beside: AtomicBool::new(false) });
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let told = Arc::clone(&events);
        let ticker = Ticker::new(
            &plan,
            HouseClock::start(),
            all.clone(),
            Arc::clone(&shared),
            flat(SLATE),
            Arc::clone(&sink) as Arc<dyn Outlet>,
            Arc::new(move |event| lock(&told).push(event)),
        );
        let frames = FrameGrid::new(format.frame_rate);
        for source in all.iter() {
            source.feed().begin();
            source.feed().announce(Streams { picture: true, sound: true });
        }
        Self {
            format,
            frames,
            next: frames.index_from(now),
            sources: all,
            alive: vec![true; sources],
            events,
            plain: (0..sources.max(8)).map(|rank| flat(luma_of(rank))).collect(),
            numbers: (0..sources).collect(),
            shared,
            sink,
            ticker,
        }
    }

    /// One frame: every source that is alive delivers its plain picture and a steady level.
    pub(super) fn tick(&mut self) {
        let (plain, numbers) = (self.plain.clone(), self.numbers.clone());
        self.tick_with(|rank, _| {
            let number = numbers[rank];
            Fed { picture: plain[number].clone(), level: level_of(number) }
        });
    }

    /// One frame with what `deliver(rank, frame)` brings.
    pub(super) fn tick_with(&mut self, mut deliver: impl FnMut(usize, u64) -> Fed) {
        let at = self.frames.time_of(self.next);
        for (rank, source) in self.sources.iter().enumerate().filter(|(rank, _)| self.alive[*rank]) {
            let fed = deliver(rank, self.next);
            source.feed().push_picture(at, fed.picture, at);
            source.feed().push_sound(at, &[fed.level; 2 * SAMPLE_RATE as usize / 30], at);
        }
        self.ticker.tick(self.next);
        self.next += 1;
    }

    pub(super) fn run(&mut self, ticks: usize) {
        (0..ticks).for_each(|_| self.tick());
    }

    /// Other sources from the next tick on, by their numbers, with plain pictures and levels of their own; told when those
    /// that leave are gone.
    pub(super) fn rearrange(&mut self, numbers: &[usize], thresholds: ThresholdPlan) -> mpsc::Receiver<MediaTime> {
        let named = |number: usize| self.sources.iter().find(|source| source.plan().id == id(number)).cloned();
        let open = |number: usize| {
            let plan = SourcePlan {
                id: id(number),
                kind: SourceKind::Test,
                expect: Default::default(),
                fit: Default::default(),
            };
            let source = Source::fed(plan, self.format, LOSS, &thresholds.signal);
            source.feed().begin();
            source.feed().announce(Streams { picture: true, sound: true });
            Arc::new(source)
        };
        let staying: Vec<_> = numbers.iter().map(|n| named(*n).unwrap_or_else(|| open(*n))).collect();
        let leaves = |source: &&Arc<Source>| !staying.iter().any(|one| Arc::ptr_eq(one, source));
        let leaving: Vec<_> = self.sources.iter().filter(leaves).cloned().collect();
        let (done, gone) = mpsc::channel();
        let void = leaving.iter().map(|source| source.plan().id.clone()).collect();
        let sources: Vec<_> = staying.iter().chain(&leaving).cloned().collect();
        let (staying, sound) = (staying.len(), Default::default());
        *lock(&self.shared.lineup) = Some(Lineup { sources: sources.clone(), staying, thresholds, sound, void, done });
        self.numbers = sources.iter().map(|source| source.plan().id.as_str()[1..].parse().unwrap()).collect();
        self.alive = vec![true; sources.len()];
        self.sources = sources;
        gone
    }

    /// Takes; the frame is in what is returned once it is shown.
    pub(super) fn take(&self, order: ProgramOrder, transition: Transition) -> Arc<Mutex<Option<ShownFrom>>> {
        let shown: Arc<Mutex<Option<ShownFrom>>> = Arc::default();
        let told = Arc::clone(&shown);
        let answer = Box::new(move |from| *lock(&told) = Some(from));
        lock(&self.shared.desk).take(order, transition, Some(answer));
        shown
    }

    /// From now on what is beside the program is wanted, too.
    pub(super) fn watch_beside(&self) {
        self.sink.beside.store(true, Ordering::Relaxed);
    }

    /// Other overlays, from the next tick on.
    pub(super) fn overlay(&self, artwork: crate::media::overlay::Artwork) {
        drop(self.shared.overlays.put(artwork));
    }

    pub(super) fn desk(&self) -> std::sync::MutexGuard<'_, super::Desk> {
        lock(&self.shared.desk)
    }

    pub(super) fn status(&self) -> ProgramStatus {
        lock(&self.shared.status).clone()
    }

    pub(super) fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        lock(&self.sink.left)
    }

    /// Luma of frame `index`.
    pub(super) fn luma_at(&self, index: u64) -> u8 {
        let pts = self.frames.time_of(index).as_nanos();
        let left = self.left();
        left.pictures.iter().find(|(stamp, _)| *stamp == pts).expect("that frame left").1
    }

    /// No timestamp missing or repeated.
    pub(super) fn assert_unbroken(&self) {
        let left = self.left();
        let index = |pts: u64| self.frames.index_at(MediaTime::from_nanos(pts));
        let wrong = left.pictures.windows(2).filter(|w| index(w[1].0) != index(w[0].0) + 1).count();
        assert_eq!(wrong, 0);
        let samples = crate::model::SampleGrid::new(self.format.audio.sample_rate);
        let at = |pts: u64| samples.index_at(MediaTime::from_nanos(pts));
        let wrong = left.sounds.windows(2).filter(|w| at(w[1].0) != at(w[0].0) + w[0].1 as u64).count();
        assert_eq!(wrong, 0);
        assert!(!self.shared.stop.load(Ordering::Relaxed));
    }
}
