//! A program on the house clock with real encoders, and senders on their tap.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer_video as gst_video;
use uplink::media::clock::HouseClock;
use uplink::media::encode::Tap;
use uplink::media::send::{SendSetting, SendStatus, Sender};
use uplink::model::{
    BitRate, Cued, Event, FrameGrid, LiveTimeline, MediaTime, RenditionId, SampleGrid, Timeline, VideoCodec,
};
pub use uplink::plan::SentVideo;
use uplink::plan::{CarrierPlan, ChannelPlan, SendPlan, SentAudio, SpliceForm, TsPlan};

use crate::rig::{self, Rig};

/// Roll-up, row 15, "HELLO", with parity; in the form of `cc_data`.
const HELLO: [[u8; 3]; 9] = [
    [0xfc, 0x94, 0x26],
    [0xfc, 0x94, 0x26],
    [0xfc, 0x94, 0xad],
    [0xfc, 0x94, 0xad],
    [0xfc, 0x94, 0x70],
    [0xfc, 0x94, 0x70],
    [0xfc, 0xc8, 0x45],
    [0xfc, 0x4c, 0x4c],
    [0xfc, 0x4f, 0x80],
];

/// On air until it is dropped.
pub struct Studio {
    pub tap: Tap,
    pub timeline: LiveTimeline,
    pub clock: HouseClock,
    pub events: Arc<Mutex<Vec<Event>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Studio {
    pub fn start() -> Self {
        Self::with(&plan())
    }

    pub fn with(plan: &ChannelPlan) -> Self {
        let grid = FrameGrid::new(plan.program.frame_rate);
        let timeline = LiveTimeline::new(Timeline::new(plan.segments, grid, Cued::default()));
        let rig = Rig::start_on(plan, &timeline);
        let (tap, clock, stop) = (rig.encoders.tap(), HouseClock::start(), Arc::new(AtomicBool::new(false)));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::spawn(move || air(&rig, grid, clock, &stopping));
        Self { tap, timeline, clock, events: Arc::default(), stop, thread: Some(thread) }
    }

    pub fn send(&self, carrier: CarrierPlan) -> Sender {
        self.send_these(video(), audio(), carrier)
    }

    pub fn send_these(&self, video: SentVideo, audio: SentAudio, carrier: CarrierPlan) -> Sender {
        self.send_plan(SendPlan { video: Some(video), audio: vec![audio], carrier, stall_ms: 3000 })
    }

    fn send_plan(&self, plan: SendPlan) -> Sender {
        let events = Arc::clone(&self.events);
        let setting =
            SendSetting { channel: "test".parse().unwrap(), destination: "out".parse().unwrap(), plan, rests: false };
        let sink = Arc::new(move |event: Event| events.lock().unwrap().push(event));
        Sender::start(setting, self.tap.clone(), self.timeline.clone(), self.clock, sink).unwrap()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn air(rig: &Rig, grid: FrameGrid, clock: HouseClock, stop: &AtomicBool) {
    let samples = SampleGrid::new(48_000);
    let first = grid.index_at(clock.now()) + 1;
    for index in first.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let time = grid.time_of(index);
        clock.sleep_until(time);
        let mut picture = rig.picture(index, time);
        if let Some(triplet) = HELLO.get((index - first) as usize % 60) {
            gst_video::VideoCaptionMeta::add(
                picture.get_mut().unwrap(),
                gst_video::VideoCaptionType::Cea708Raw,
                triplet,
            );
        }
        rig.encoders.push_picture(picture);
        let (begin, end) = (samples.index_at(time), samples.index_at(grid.time_of(index + 1)));
        let wave = |n: u64| (n as f64 * 440.0 * std::f64::consts::TAU / 48_000.0).sin() as f32 * 0.2;
        let data: Vec<u8> = (begin..end).flat_map(|n| [wave(n); 2]).flat_map(f32::to_le_bytes).collect();
        rig.encoders.push_sound(rig::stamped(data, samples.time_of(begin)));
    }
}

/// 320×180 at 30, segments of a second: a keyframe each.
pub fn plan() -> ChannelPlan {
    let mut plan = rig::plan("30");
    plan.segments = uplink::model::SegmentGrid::new(1000).unwrap();
    plan.video.truncate(1);
    plan
}

pub fn video() -> SentVideo {
    SentVideo {
        rendition: RenditionId::new("v180").unwrap(),
        codec: VideoCodec::H264,
        size: "320x180".parse().unwrap(),
        frame_rate: "30".parse().unwrap(),
        max_bitrate: BitRate(400_000),
    }
}

pub fn audio() -> SentAudio {
    SentAudio { rendition: RenditionId::new("a96").unwrap(), language: Some("en".into()), bitrate: BitRate(96_000) }
}

pub fn ts() -> TsPlan {
    TsPlan {
        name: "Test".into(),
        program: 1,
        map_pid: 0x1000,
        video_pid: 0x100,
        audio_pid: 0x110,
        splices: Some((0x1f0, SpliceForm::Insert)),
        bitrate: None,
    }
}

/// Waits for a status; says what it was instead.
pub fn until(sender: &Sender, what: &str, bound: Duration, is: impl Fn(&SendStatus) -> bool) -> SendStatus {
    let end = Instant::now() + bound;
    loop {
        let status = sender.status();
        if is(&status) {
            return status;
        }
        assert!(Instant::now() < end, "never {what}: {status:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until so much more of the program has been handed to the network.
pub fn seconds(sender: &Sender, count: u64) {
    let from = until(sender, "sending", Duration::from_secs(15), |status| status.position.is_some()).position;
    let to = from.map(|from: MediaTime| from + Duration::from_secs(count));
    until(sender, "so far", Duration::from_secs(count + 15), |status| status.position >= to);
}
