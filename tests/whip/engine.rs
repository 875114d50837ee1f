//! A channel without the rest of the appliance: test source, program, encoders, and what sends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gstreamer as gst;
use uplink::media::clock::HouseClock;
use uplink::media::encode::{Encoders, Output, picture_caps};
use uplink::media::program::Program;
use uplink::media::whip::{OpusEncoders, Watchers, WhipAccess, WhipSender, WhipSetup, WhipStatus};
use uplink::media::{EventSink, ProgramOutlet};
use uplink::model::sound::SoundLayout;
use uplink::model::status::{DestinationState, ProgramOrder};
use uplink::model::upload::{TokenSource, Trust};
use uplink::model::{
    AudioFormat, BitRate, ChannelId, DestinationId, EndpointName, Event, IceServers, PictureSize, ProgramFormat,
    RenditionId, Secret, SegmentGrid,
};
use uplink::plan::{
    AudioRenditionPlan, ChannelPlan, EncoderPlan, OpusPlan, OwnPlan, SlatePlan, SoundPlan, SourceKind, SourcePlan,
    SpoolPlan, ThresholdPlan, VideoRenditionPlan, WhipPlan,
};
use uplink::push::{tls_settings, tokens};
use url::Url;

use crate::server::SOON;

pub const TOKEN: &str = "a-token-that-nobody-prints";

pub struct Engine {
    outlet: Arc<ProgramOutlet>,
    _program: Program,
    opus: Arc<OpusEncoders>,
    clock: HouseClock,
    pub events: Arc<Mutex<Vec<Event>>>,
}

impl Engine {
    pub fn start() -> Self {
        uplink::media::init().unwrap();
        let plan = plan();
        let encoders = Encoders::start(&plan, Arc::new(|_: Output| {})).unwrap();
        let opus = Arc::new(OpusEncoders::new(encoders.tap(), plan.program.audio));
        let clock = HouseClock::start();
        let outlet = Arc::new(ProgramOutlet { encoders, monitor: None, preview: None, companions: Default::default() });
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let slate = slate(&plan);
        let shared = Arc::clone(&outlet);
        let program = Program::start(&plan, clock, ProgramOrder::Auto, slate, shared, Arc::new(|_| {})).unwrap();
        Self { outlet, _program: program, opus, clock, events }
    }

    pub fn setup(url: Url) -> WhipSetup {
        WhipSetup {
            destination: DestinationId::new("cloud").unwrap(),
            endpoint: EndpointName::at(0),
            plan: WhipPlan {
                url,
                token: None,
                trust: Default::default(),
                servers: IceServers::default(),
                rendition: Some(RenditionId::new("v180").unwrap()),
                more: Vec::new(),
                own: None,
                sound: Some(OpusPlan { map: None, layout: SoundLayout::Stereo, bitrate: BitRate(96_000) }),
            },
            access: Self::access(&TokenSource::Fixed { token: Secret::new(TOKEN) }, &Trust::default()),
            program: plan().program,
        }
    }

    /// In two sizes.
    pub fn layers(url: Url) -> WhipSetup {
        let mut setup = Self::setup(url);
        setup.plan.more = vec![RenditionId::new("v90").unwrap()];
        setup
    }

    /// What requests take, as the worker makes it.
    pub fn access(token: &TokenSource, trust: &Trust) -> Result<WhipAccess, String> {
        Ok(WhipAccess { tokens: Some(tokens(token, trust)?), tls: tls_settings(trust, trust.ca_file.is_some())? })
    }

    /// With pictures of its own, up to this bit rate.
    pub fn own(url: Url, bitrate: BitRate) -> WhipSetup {
        let mut setup = Self::setup(url);
        let mut rendition = rendition("own", "320x180", bitrate);
        rendition.encoders[0].rates = vec!["bitrate".into()];
        setup.plan.rendition = None;
        setup.plan.own = Some(Box::new(OwnPlan { rendition, floor: BitRate(60_000) }));
        setup
    }

    pub fn send(&self, setup: WhipSetup) -> WhipSender {
        let events = Arc::clone(&self.events);
        let sink: EventSink = Arc::new(move |event| events.lock().unwrap().push(event));
        WhipSender::start(setup, &self.outlet.encoders.tap(), &self.opus, self.clock, sink).unwrap()
    }

    pub fn watchers(&self) -> Watchers {
        Watchers::new(self.outlet.encoders.tap(), Arc::clone(&self.opus), self.clock)
    }

    pub fn codes(&self) -> Vec<&'static str> {
        self.events.lock().unwrap().iter().map(|event| event.code.as_str()).collect()
    }
}

/// Waits for a status that is as wanted.
pub async fn until(sender: &WhipSender, what: &str, wanted: impl Fn(&WhipStatus) -> bool) -> WhipStatus {
    let mut watch = sender.watch();
    let seen = tokio::time::timeout(SOON, watch.wait_for(|status| wanted(status))).await;
    match seen {
        Ok(status) => status.unwrap().clone(),
        Err(_) => panic!("never {what}: {:?}", sender.status()),
    }
}

pub async fn streaming(sender: &WhipSender) -> WhipStatus {
    until(sender, "streaming", |status| status.state == DestinationState::Streaming).await
}

fn slate(plan: &ChannelPlan) -> gst::Buffer {
    let _ = picture_caps(&plan.program);
    let bytes = plan.program.size.width() as usize * plan.program.size.height() as usize * 3 / 2;
    gst::Buffer::from_slice(vec![128u8; bytes])
}

fn x264() -> EncoderPlan {
    let property = |name: &str, value: serde_json::Value| (name.to_owned(), value);
    EncoderPlan {
        profile: "software".into(),
        element: "x264enc".into(),
        properties: vec![
            property("bitrate", 400.into()),
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

fn rendition(id: &str, size: &str, bitrate: BitRate) -> VideoRenditionPlan {
    let mut encoder = x264();
    encoder.properties[0].1 = bitrate.kbps().into();
    VideoRenditionPlan {
        id: RenditionId::new(id).unwrap(),
        size: size.parse().unwrap(),
        bitrate,
        max_bitrate: bitrate,
        encoders: vec![encoder],
        passed_over: vec![],
    }
}

pub fn plan() -> ChannelPlan {
    let size = PictureSize::new(320, 180).unwrap();
    ChannelPlan {
        channel: ChannelId::new("test").unwrap(),
        title: "Test".into(),
        stream_class: "test 1".into(),
        program: ProgramFormat {
            size,
            frame_rate: "25".parse().unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        },
        timecode: Default::default(),
        segments: SegmentGrid::new(1000).unwrap(),
        parts: None,
        sources: vec![SourcePlan {
            id: "test".parse().unwrap(),
            kind: SourceKind::Test,
            expect: Default::default(),
            fit: Default::default(),
        }],
        slate: SlatePlan { text: "soon".into() },
        graphics: uplink::plan::GraphicsPlan::default(),
        video: vec![rendition("v180", "320x180", BitRate(400_000)), rendition("v90", "160x90", BitRate(150_000))],
        captions: None,
        audio: vec![AudioRenditionPlan {
            id: RenditionId::new("sound").unwrap(),
            name: "sound".into(),
            language: None,
            bitrate: BitRate(96_000),
            map: None,
            correction: None,
        }],
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

/// For what is to happen within the bounds of a test.
pub const BRIEF: Duration = Duration::from_secs(5);
