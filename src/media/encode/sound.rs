//! Audio renditions: program sound in blocks of one AAC frame, one encoder per rendition.

use std::sync::Arc;

use gst::prelude::*;
use gstreamer as gst;

use super::chain::{add_linked, filter, unlimited_queue};
use super::cut::TrackGrid;
use super::entry::Entry;
use super::format::{AAC_FRAME, sound_caps};
use super::gate::Gate;
use super::ledger::Ledger;
use super::tail::{self, Track};
use crate::media::MediaError;
use crate::media::init::element;
use crate::model::{AudioFormat, LiveTimeline};
use crate::plan::AudioRenditionPlan;

/// Frames by which the decoded sound of avenc_aac lags behind its timestamps (its priming).
const ENCODER_DELAY: u64 = 1;

/// Builds every audio branch into `pipeline`. `events`: whether timed metadata goes into its media.
pub(super) fn build(
    pipeline: &gst::Pipeline,
    audio: &AudioFormat,
    timeline: &LiveTimeline,
    renditions: &[AudioRenditionPlan],
    events: bool,
    ledger: &Arc<Ledger>,
) -> Result<Entry, MediaError> {
    let limit = 2 * u64::from(audio.sample_rate) / AAC_FRAME;
    let entry = Entry::new("sound", &sound_caps(audio), limit)?;
    let tee = element("tee", "sound-tee")?;
    tee.set_property("allow-not-linked", true);
    add_linked(pipeline, "the sound's entry", &[entry.element().clone(), tee.clone()])?;
    for rendition in renditions {
        branch(pipeline, &tee, audio, timeline, rendition, events, ledger)?;
    }
    Ok(entry)
}

fn branch(
    pipeline: &gst::Pipeline,
    tee: &gst::Element,
    audio: &AudioFormat,
    timeline: &LiveTimeline,
    rendition: &AudioRenditionPlan,
    events: bool,
    ledger: &Arc<Ledger>,
) -> Result<(), MediaError> {
    let id = &rendition.id;
    let tally = ledger.enter(id);
    let queue = unlimited_queue(&format!("queue-{id}"))?;
    // Blocks when full: the entry in front of the tee drops then, for all; encoding sound takes next to nothing.
    queue.set_property("max-size-buffers", 64u32);
    let encoder = element("avenc_aac", &format!("encoder-{id}"))?;
    encoder.set_property("bitrate", i32::try_from(rendition.bitrate.bps()).unwrap_or(i32::MAX));
    let raw = gst::Caps::builder("audio/mpeg").field("mpegversion", 4i32).field("stream-format", "raw").build();
    let mut chain = vec![
        queue.clone(),
        element("audioconvert", &format!("convert-{id}"))?,
        encoder,
        element("aacparse", &format!("parse-{id}"))?,
        filter(&format!("parsed-{id}"), &raw)?,
    ];
    let track = Track {
        rendition: id.clone(),
        grid: TrackGrid::AacFrames(audio.sample_rate),
        timescale: audio.sample_rate,
        delay: ENCODER_DELAY,
        timeline: timeline.clone(),
        events,
    };
    chain.extend(tail::build(track, &tally, &Gate::new(ledger))?);
    add_linked(pipeline, &format!("rendition {id}"), &chain)?;
    tee.link(&queue).map_err(|error| MediaError::graph(format!("rendition {id}"), error))
}
