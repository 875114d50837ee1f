//! Drives real encoders with made-up pictures and sound, faster than real time, and collects what comes out.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use uplink::media::encode::{ChunkOut, Encoders, InitOut, Output, picture_caps};
use uplink::model::{
    AudioFormat, BitRate, ChannelId, Cued, FrameGrid, FrameRate, LiveTimeline, MediaTime, PictureSize, ProgramFormat,
    RenditionId, SampleGrid, SegmentGrid, Timeline,
};
use uplink::plan::{
    AudioRenditionPlan, ChannelPlan, EncoderPlan, SlatePlan, SoundPlan, SourceKind, SourcePlan, SpoolPlan,
    ThresholdPlan, VideoRenditionPlan,
};

/// A segment boundary for segments of 2 s.
pub const BOUNDARY: u64 = 1_763_683_200;

pub fn x264(kbps: u64) -> EncoderPlan {
    let property = |name: &str, value: serde_json::Value| (name.to_owned(), value);
    EncoderPlan {
        profile: "software".into(),
        element: "x264enc".into(),
        properties: vec![
            property("bitrate", kbps.into()),
            property("speed-preset", "ultrafast".into()),
            property("tune", "zerolatency".into()),
            property("key-int-max", 2_147_483_647.into()),
            property("bframes", 0.into()),
            property("option-string", "scenecut=0".into()),
            property("threads", 1.into()),
        ],
        input_format: "I420".into(),
        h264_profile: "constrained-baseline".into(),
        codec: uplink::model::VideoCodec::H264,
        ..EncoderPlan::default()
    }
}

/// Takes every setting, reaches READY, and gives up on the first picture: as a hardware encoder without a free session.
pub fn x264_that_fails_to_open() -> EncoderPlan {
    let mut plan = x264(300);
    plan.properties.push(("pass".into(), "pass2".into()));
    plan.properties.push(("multipass-cache-file".into(), "/nonexistent/statistics".into()));
    plan
}

pub fn rendition(id: &str, size: &str) -> VideoRenditionPlan {
    VideoRenditionPlan {
        id: RenditionId::new(id).unwrap(),
        size: size.parse().unwrap(),
        bitrate: BitRate(300_000),
        max_bitrate: BitRate(400_000),
        encoders: vec![x264(300)],
        passed_over: vec![],
    }
}

pub fn plan(rate: &str) -> ChannelPlan {
    let audio = |id: &str| AudioRenditionPlan {
        id: RenditionId::new(id).unwrap(),
        name: id.into(),
        language: None,
        bitrate: BitRate(96_000),
        map: None,
        correction: None,
    };
    ChannelPlan {
        channel: ChannelId::new("test").unwrap(),
        title: "Test".into(),
        stream_class: "test 1".into(),
        parts: None,
        program: ProgramFormat {
            size: PictureSize::new(320, 180).unwrap(),
            frame_rate: rate.parse().unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        },
        timecode: Default::default(),
        segments: SegmentGrid::new(2000).unwrap(),
        sources: vec![SourcePlan {
            id: "test".parse().unwrap(),
            kind: SourceKind::Test,
            expect: Default::default(),
            fit: Default::default(),
        }],
        slate: SlatePlan { text: "soon".into() },
        graphics: uplink::plan::GraphicsPlan::default(),
        video: vec![rendition("v180", "320x180"), rendition("v90", "160x90")],
        audio: vec![audio("a96")],
        captions: None,
        spool: SpoolPlan {
            directory: "/nowhere".into(),
            quota_bytes: 0,
            retain_seconds: 0,
            playlist_segments: 6,
            when_full: Default::default(),
        },
        destinations: vec![],
        thresholds: ThresholdPlan {
            loss_ms: 250,
            wait_to_restore_ms: 3000,
            stall_ms: 5000,
            failover: Default::default(),
            signal: Default::default(),
        },
        sound: SoundPlan::default(),
        companions: Vec::new(),
    }
}

/// What left the encoders, per rendition.
#[derive(Default, Debug, Clone)]
pub struct Harvest {
    pub outputs: Vec<Output>,
}

impl Harvest {
    pub fn init(&self, id: &str) -> InitOut {
        let found = self.outputs.iter().find_map(|o| match o {
            Output::Init(init) if init.rendition.as_str() == id => Some(init.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no init of {id}"))
    }

    pub fn chunks(&self, id: &str) -> Vec<ChunkOut> {
        let chunk = |o: &Output| match o {
            Output::Chunk(chunk) if chunk.rendition.as_str() == id => Some(chunk.clone()),
            _ => None,
        };
        self.outputs.iter().filter_map(chunk).collect()
    }

    pub fn ended(&self, id: &str) -> bool {
        matches!(
            self.outputs.iter().rfind(|o| match o {
                Output::Init(i) => i.rendition.as_str() == id,
                Output::Chunk(c) => c.rendition.as_str() == id,
                Output::Ended(r) => r.as_str() == id,
                Output::Replaced(r) => r.choice.rendition.as_str() == id,
                Output::Failed(_) => true,
            }),
            Some(Output::Ended(_))
        )
    }

    /// (number, start, duration, samples) of every segment.
    pub fn segments(&self, id: &str) -> Vec<(u64, MediaTime, Duration, u32)> {
        let mut segments: Vec<(u64, MediaTime, Duration, u32)> = Vec::new();
        for chunk in self.chunks(id) {
            match segments.last_mut() {
                Some(segment) if segment.0 == chunk.number => {
                    segment.2 += chunk.duration;
                    segment.3 += chunk.samples;
                }
                _ => segments.push((chunk.number, chunk.start, chunk.duration, chunk.samples)),
            }
        }
        segments
    }

    /// Init and all chunks as one file.
    pub fn file(&self, id: &str) -> Vec<u8> {
        let chunks = self.chunks(id);
        [self.init(id).data].iter().chain(chunks.iter().map(|c| &c.data)).flat_map(|d| d.to_vec()).collect()
    }
}

/// Encoders that are being fed.
pub struct Rig {
    pub encoders: Encoders,
    pub harvest: Arc<Mutex<Harvest>>,
    frames: FrameGrid,
    size: PictureSize,
}

impl Rig {
    pub fn start(plan: &ChannelPlan) -> Self {
        let timeline = Timeline::new(plan.segments, FrameGrid::new(plan.program.frame_rate), Cued::default());
        Self::start_on(plan, &LiveTimeline::new(timeline))
    }

    pub fn start_on(plan: &ChannelPlan, timeline: &LiveTimeline) -> Self {
        let harvest = Arc::new(Mutex::new(Harvest::default()));
        let sink = Arc::clone(&harvest);
        let encoders =
            Encoders::start_on(plan, timeline, Arc::new(move |o| sink.lock().unwrap().outputs.push(o))).unwrap();
        assert!(picture_caps(&plan.program).is_fixed());
        Self { encoders, harvest, frames: FrameGrid::new(plan.program.frame_rate), size: plan.program.size }
    }

    /// Feeds pictures and silence-with-tone for [from, to), as the program does: a tick's picture, a tick's sound.
    pub fn feed(&self, from_millis: u64, to_millis: u64) -> u64 {
        self.feed_sound(from_millis, to_millis, |index| {
            (index as f64 * 440.0 * std::f64::consts::TAU / 48_000.0).sin() as f32 * 0.2
        })
    }

    /// Pictures with something on them, which is told how many came before; silence.
    pub fn feed_pictures(&self, from_millis: u64, to_millis: u64, put: impl Fn(u64, &mut gst::BufferRef)) {
        let at = |millis: u64| MediaTime::from_nanos((BOUNDARY * 1000 + millis) * 1_000_000);
        let (first, end) = (self.frames.index_from(at(from_millis)), self.frames.index_from(at(to_millis)));
        let samples = SampleGrid::new(48_000);
        for index in first..end {
            self.wait_for_room();
            let time = self.frames.time_of(index);
            let mut picture = self.picture(index, time);
            put(index - first, picture.get_mut().unwrap());
            self.encoders.push_picture(picture);
            let (begin, stop) = (samples.index_at(time), samples.index_at(self.frames.time_of(index + 1)));
            self.encoders.push_sound(stamped(vec![0; (stop - begin) as usize * 8], samples.time_of(begin)));
        }
    }

    pub fn feed_sound(&self, from_millis: u64, to_millis: u64, wave: impl Fn(u64) -> f32) -> u64 {
        let at = |millis: u64| MediaTime::from_nanos((BOUNDARY * 1000 + millis) * 1_000_000);
        let (first, end) = (self.frames.index_from(at(from_millis)), self.frames.index_from(at(to_millis)));
        let samples = SampleGrid::new(48_000);
        for index in first..end {
            self.wait_for_room();
            let time = self.frames.time_of(index);
            self.encoders.push_picture(self.picture(index, time));
            let (begin, stop) = (samples.index_at(time), samples.index_at(self.frames.time_of(index + 1)));
            let data: Vec<u8> = (begin..stop).flat_map(|i| [wave(i); 2]).flat_map(f32::to_le_bytes).collect();
            self.encoders.push_sound(stamped(data, samples.time_of(begin)));
        }
        end - first
    }

    pub fn picture(&self, index: u64, time: MediaTime) -> gst::Buffer {
        let (w, h) = (self.size.width() as usize, self.size.height() as usize);
        let mut data = vec![128u8; w * h * 3 / 2];
        // A hard scene change every second and a half, and motion in between.
        let scene = index / 45 % 3;
        for (n, pixel) in data[..w * h].iter_mut().enumerate() {
            let (x, y) = (n % w, n / w);
            *pixel = match scene {
                0 => (x + index as usize * 3) as u8,
                1 => (y * 2 + index as usize) as u8,
                _ => ((x ^ y) + index as usize) as u8,
            };
        }
        stamped(data, time)
    }

    /// The test is faster than the encoders: waits until they have caught up.
    fn wait_for_room(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.encoders.backlog() > 4 {
            assert!(self.encoders.failure().is_none(), "{:?}", self.encoders.failure());
            assert!(Instant::now() < until, "the encoders stand still");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn finish(self) -> Harvest {
        let (failure, counters) = (self.encoders.failure(), self.encoders.counters());
        assert_eq!(failure, None);
        assert!(self.encoders.finish(Duration::from_secs(30)), "not everything came out");
        assert_eq!((counters.pictures_dropped, counters.sound_dropped), (0, 0), "{counters:?}");
        assert!(counters.renditions.iter().all(|r| r.dropped == 0 && r.unaligned == 0), "{counters:?}");
        self.harvest.lock().unwrap().clone()
    }
}

pub fn stamped(data: Vec<u8>, time: MediaTime) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(data);
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(time.as_nanos()));
    buffer
}

pub fn rate(text: &str) -> FrameRate {
    text.parse().unwrap()
}
