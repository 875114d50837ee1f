//! Encoders of the shipped profiles.

use std::path::Path;

use uplink::config::load;
use uplink::model::{BitRate, VideoCodec};
use uplink::plan::EncoderPlan;
use uplink::profile::EncodeRequest;

use crate::rig;

/// As a shipped software profile has it; the first, unless one is named.
pub fn shipped(codec: VideoCodec, size: &str, profile: Option<&str>) -> EncoderPlan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    let request = EncodeRequest {
        size: size.parse().unwrap(),
        frame_rate: rig::rate("30"),
        bitrate: BitRate(300_000),
        max_bitrate: BitRate(400_000),
        segment_ms: 2000,
        codec,
        h264_profile: "constrained-baseline".into(),
        effort: "low".into(),
        latency: "low".into(),
    };
    let candidates = load(&file, &[]).unwrap().profiles.encoders_for(&request, profile);
    let candidate = candidates.into_iter().find(|candidate| !candidate.hardware).unwrap();
    EncoderPlan::from(candidate)
}
