//! Audio renditions: program sound in blocks of one AAC frame, mapped to each rendition's channels, one encoder each.

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use super::blocks::{Block, Blocks};
use super::chain::{add_linked, filter, unlimited_queue};
use super::cut::TrackGrid;
use super::entry::Entry;
use super::format::{AAC_FRAME, sound_caps};
use super::gate::Gate;
use super::ledger::Ledger;
use super::tail::{self, Track};
use crate::media::MediaError;
use crate::media::init::element;
use crate::media::sound::Matrix;
use crate::model::{AudioFormat, LiveTimeline, MediaTime};
use crate::plan::AudioRenditionPlan;

/// Frames by which the decoded sound of avenc_aac lags behind its timestamps (its priming).
const ENCODER_DELAY: u64 = 1;

/// The property of avenc_aac.
const FORCED_MIDDLE_SIDE: &str = "aac-ms";

/// The audio renditions of a channel.
pub(super) struct Sound {
    blocks: Mutex<Blocks>,
    branches: Vec<Branch>,
}

/// Where one rendition's sound enters the graph.
struct Branch {
    entry: Entry,
    /// None if it carries the program as it is.
    map: Option<Matrix>,
}

/// What became of some sound.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    /// Blocks that every rendition took.
    pub taken: u64,
    /// Blocks that a rendition had no room for.
    pub dropped: u64,
}

impl Sound {
    /// Builds every audio branch into `pipeline`. `events`: whether timed metadata goes into its media.
    pub(super) fn build(
        pipeline: &gst::Pipeline,
        audio: &AudioFormat,
        timeline: &LiveTimeline,
        renditions: &[AudioRenditionPlan],
        events: bool,
        ledger: &Arc<Ledger>,
    ) -> Result<Self, MediaError> {
        let each = |rendition| branch(pipeline, audio, timeline, rendition, events, ledger);
        let branches = renditions.iter().map(each).collect::<Result<_, _>>()?;
        Ok(Self { blocks: Mutex::new(Blocks::new(audio.sample_rate, audio.channels)), branches })
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes program sound that begins at `time`.
    pub(super) fn push(&self, time: MediaTime, data: &[u8]) -> Taken {
        let mut taken = Taken::default();
        for block in self.blocks().push(time, data) {
            let plain = stamped(&block, block.data.clone());
            let mapped = |map: &Matrix| stamped(&block, bytes(&map.apply(&samples(&block.data))));
            // Every branch gets it, whatever happens to the others.
            let refused = self
                .branches
                .iter()
                .filter(|branch| !branch.entry.push(branch.map.as_ref().map_or_else(|| plain.clone(), mapped)));
            if refused.count() == 0 { taken.taken += 1 } else { taken.dropped += 1 }
        }
        taken
    }

    /// Blocks that wait for the slowest encoder.
    pub(super) fn level(&self) -> u64 {
        self.branches.iter().map(|branch| branch.entry.level()).max().unwrap_or(0)
    }

    /// No more sound will come.
    pub(super) fn end(&self) {
        self.branches.iter().for_each(|branch| branch.entry.end());
    }

    /// Samples made up as silence, and samples thrown away.
    pub(super) fn filled_and_trimmed(&self) -> (u64, u64) {
        let blocks = self.blocks();
        (blocks.filled(), blocks.trimmed())
    }
}

fn branch(
    pipeline: &gst::Pipeline,
    program: &AudioFormat,
    timeline: &LiveTimeline,
    rendition: &AudioRenditionPlan,
    events: bool,
    ledger: &Arc<Ledger>,
) -> Result<Branch, MediaError> {
    let id = &rendition.id;
    let tally = ledger.enter(id);
    let map = rendition.map.as_ref().map(|map| Matrix::mapped(map, program.channels)).filter(|map| !map.is_identity());
    let audio = AudioFormat { channels: rendition.channels(program.channels), ..*program };
    let entry = Entry::new(&format!("sound-{id}"), &sound_caps(&audio), 2 * u64::from(audio.sample_rate) / AAC_FRAME)?;
    let queue = unlimited_queue(&format!("queue-{id}"))?;
    // Blocks when full: the entry in front of it drops then; encoding sound takes next to nothing.
    queue.set_property("max-size-buffers", 64u32);
    let encoder = element("avenc_aac", &format!("encoder-{id}"))?;
    encoder.set_property("bitrate", i32::try_from(rendition.bitrate.bps()).unwrap_or(i32::MAX));
    // GStreamer makes a truth value of libavcodec's "automatic" and so forces middle and side in every band: a tone on
    // the left comes out on the right, 5 dB down. Whoever carries two languages in one pair must not hear that.
    if encoder.find_property(FORCED_MIDDLE_SIDE).is_some() {
        encoder.set_property(FORCED_MIDDLE_SIDE, false);
    }
    let raw = gst::Caps::builder("audio/mpeg").field("mpegversion", 4i32).field("stream-format", "raw").build();
    let mut chain = vec![
        entry.element().clone(),
        queue,
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
    Ok(Branch { entry, map })
}

fn samples(data: &[u8]) -> Vec<f32> {
    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn stamped(block: &Block, data: Vec<u8>) -> gst::Buffer {
    let (start, end) = (block.start.as_nanos(), block.end.as_nanos());
    let mut buffer = gst::Buffer::from_mut_slice(data);
    let made = buffer.make_mut();
    made.set_pts(gst::ClockTime::from_nseconds(start));
    made.set_duration(gst::ClockTime::from_nseconds(end - start));
    buffer
}
