//! The ladder as the worker gets it: read from the same configuration, so that peers cannot differ.

use std::path::{Path, PathBuf};

use anyhow::Context;
use uplink::config::load;
use uplink::model::{FrameRate, PictureSize};
use uplink::plan::{ChannelPlan, EncoderPlan, PlanPaths, derive};

/// One encode.
#[derive(Debug)]
pub struct Rung {
    /// The rendition's name.
    pub id: String,
    pub size: PictureSize,
    pub profile: String,
    /// Properties of x264enc, as text.
    pub properties: Vec<(String, String)>,
}

impl Rung {
    /// The value of a property of x264enc.
    pub fn value(&self, name: &str) -> &str {
        self.properties.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

#[derive(Debug)]
pub struct Ladder {
    /// What is encoded.
    pub clip: PathBuf,
    pub size: PictureSize,
    pub rate: FrameRate,
    /// Frames from keyframe to keyframe.
    pub gop: u64,
    pub rungs: Vec<Rung>,
    /// Bits per second.
    pub sound: u64,
}

/// The plan of channel `id` in the configuration at `path`.
pub fn read(path: &Path, id: &str, clip: &Path) -> anyhow::Result<Ladder> {
    let checked = load(path, &[]).map_err(|faults| anyhow::anyhow!(faults.lines().join("\n")))?;
    let paths = PlanPaths { spool_root: PathBuf::new(), images: PathBuf::new(), recordings: PathBuf::new() };
    let plans = derive(&checked, &uplink::hardware::inventory(Path::new("/")), &paths)?;
    let plan = plans.into_iter().find(|plan| plan.channel.as_str() == id).context("the channel is not configured")?;
    ladder(&plan, clip)
}

fn ladder(plan: &ChannelPlan, clip: &Path) -> anyhow::Result<Ladder> {
    let rungs = plan.video.iter().map(|rendition| {
        let x264 = rendition.encoders.iter().find(|encoder| encoder.element == "x264enc");
        let encoder = x264.context("the ladder is not encoded with x264")?;
        let id = rendition.id.to_string();
        Ok(Rung { id, size: rendition.size, profile: encoder.h264_profile.clone(), properties: properties(encoder) })
    });
    let frames = plan.segments.duration().as_secs_f64() * plan.program.frame_rate.as_f64();
    Ok(Ladder {
        clip: clip.to_owned(),
        size: plan.program.size,
        rate: plan.program.frame_rate,
        gop: frames.round() as u64,
        rungs: rungs.collect::<anyhow::Result<_>>()?,
        sound: plan.audio.first().context("the ladder has no sound")?.bitrate.bps(),
    })
}

fn properties(encoder: &EncoderPlan) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    encoder.properties.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}
