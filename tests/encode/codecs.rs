//! HEVC and AV1 as the shipped profiles encode them: on the grid, complete, named right.

use uplink::model::VideoCodec;
use uplink::plan::{ChannelPlan, EncoderPlan};

use crate::probe;
use crate::rig::{self, BOUNDARY, Rig, plan};
use crate::shipped::shipped;

fn check(codec: VideoCodec, expected: &str, seconds: u64) {
    let mut plan = plan("30");
    plan.audio.clear();
    for rendition in &mut plan.video {
        rendition.encoders = vec![shipped(codec, &rendition.size.to_string(), None)];
    }
    if gstreamer::init().is_ok() && gstreamer::ElementFactory::find(&plan.video[0].encoders[0].element).is_none() {
        println!("SKIPPED: {codec}, {} is not registered here", plan.video[0].encoders[0].element);
        return;
    }
    delivers(&plan, expected, seconds);
}

/// Whole segments, each of which plays alone, and no picture less than went in.
fn delivers(plan: &ChannelPlan, expected: &str, seconds: u64) {
    let rig = Rig::start(plan);
    let frames = rig.feed(0, seconds * 1000);
    let harvest = rig.finish();
    for id in ["v180", "v90"] {
        assert!(harvest.init(id).codec.starts_with(expected), "{}", harvest.init(id).codec);
        let segments = harvest.segments(id);
        let numbers: Vec<(u64, u32)> = segments.iter().map(|s| (s.0 - BOUNDARY / 2, s.3)).collect();
        assert_eq!(numbers, (0..seconds / 2).map(|n| (n, 60)).collect::<Vec<_>>(), "{id}");
        assert!(harvest.chunks(id).iter().any(|chunk| !chunk.last), "chunks within segments");
        for number in segments.iter().map(|s| s.0) {
            // Each segment plays alone: it begins with a keyframe that needs nothing before it.
            let chunks = harvest.chunks(id).into_iter().filter(|chunk| chunk.number == number);
            let data = chunks.flat_map(|chunk| chunk.data.to_vec());
            let file: Vec<u8> = harvest.init(id).data.iter().copied().chain(data).collect();
            assert_eq!(probe::decoded_frames(&file), 60, "{id} {number}");
        }
        assert_eq!(probe::decoded_frames(&harvest.file(id)) as u64, frames, "{id}");
    }
}

/// The way of hardware that scales, with an element that does so in ordinary memory.
#[test]
fn what_brings_pictures_to_an_encoder_may_scale_them() {
    let mut plan = plan("30");
    plan.audio.clear();
    for rendition in &mut plan.video {
        rendition.encoders = vec![EncoderPlan {
            upload: vec!["videoconvertscale".into()],
            memory: Some("SystemMemory".into()),
            converts: true,
            ..rig::x264(300)
        }];
    }
    delivers(&plan, "avc1.", 4);
}

#[test]
fn hevc_lies_on_the_grid() {
    check(VideoCodec::Hevc, "hvc1.1.6.L", 6);
}

#[test]
fn av1_lies_on_the_grid() {
    check(VideoCodec::Av1, "av01.0.", 4);
}
