//! Video renditions: keyframes where segments begin, and one branch per rendition.

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::choose::{Choice, choose, encoded_caps};
use super::cut::TrackGrid;
use super::entry::Entry;
use super::format::{picture_caps, raw_caps, video_timescale};
use super::ledger::{Ledger, Tally};
use super::tail::{self, Track};
use crate::media::MediaError;
use crate::media::init::element;
use crate::model::{FrameGrid, LiveTimeline, MediaTime, ProgramFormat};
use crate::plan::VideoRenditionPlan;

/// Most memory that pictures may take while they wait for an encoder.
const WAITING_BYTES: u64 = 192 << 20;

/// The video part of a graph.
pub(super) struct Pictures {
    pub entry: Entry,
    pub queues: Vec<gst::Element>,
    pub choices: Vec<Choice>,
}

/// Builds every video branch into `pipeline`.
pub(super) fn build(
    pipeline: &gst::Pipeline,
    program: &ProgramFormat,
    timeline: &LiveTimeline,
    renditions: &[VideoRenditionPlan],
    ledger: &Arc<Ledger>,
) -> Result<Pictures, MediaError> {
    let limit = waiting_limit(program);
    let entry = Entry::new("pictures", &picture_caps(program), limit)?;
    let tee = element("tee", "pictures-tee")?;
    // A rendition that has ended or failed does not end the others' data flow before the bus tells.
    tee.set_property("allow-not-linked", true);
    add_linked(pipeline, "the pictures' entry", &[entry.element().clone(), tee.clone()])?;
    force_keyframes(entry.element(), timeline)?;
    let mut pictures = Pictures { entry, queues: Vec::new(), choices: Vec::new() };
    for rendition in renditions {
        let tally = ledger.enter(&rendition.id);
        let (queue, choice) = branch(pipeline, &tee, program, timeline, rendition, limit, &tally, ledger)?;
        pictures.queues.push(queue);
        pictures.choices.push(choice);
    }
    Ok(pictures)
}

/// Two seconds of pictures, if the memory allows: a box that is busy for a moment loses nothing.
fn waiting_limit(program: &ProgramFormat) -> u64 {
    let picture = u64::from(program.size.width()) * u64::from(program.size.height()) * 3 / 2;
    ((2.0 * program.frame_rate.as_f64()).ceil() as u64).min(WAITING_BYTES / picture).max(8)
}

#[expect(clippy::too_many_arguments, reason = "all of it describes one branch; a struct would be filled and read once")]
fn branch(
    pipeline: &gst::Pipeline,
    tee: &gst::Element,
    program: &ProgramFormat,
    timeline: &LiveTimeline,
    rendition: &VideoRenditionPlan,
    limit: u64,
    tally: &Arc<Tally>,
    ledger: &Arc<Ledger>,
) -> Result<(gst::Element, Choice), MediaError> {
    let id = &rendition.id;
    let (encoder, plan, choice) = choose(rendition, program.frame_rate)?;
    let queue = unlimited_queue(&format!("queue-{id}"))?;
    drop_when_full(&queue, limit, Arc::clone(tally))?;
    let parsed = gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au").build();
    let raw = raw_caps(&plan.input_format, rendition.size, program.frame_rate);
    let mut chain = vec![queue.clone()];
    if rendition.size != program.size || plan.input_format != "I420" {
        let scale = element("videoconvertscale", &format!("scale-{id}"))?;
        // A rendition of another shape than the program is stretched by the ladder's author, not letterboxed by us.
        scale.set_property("add-borders", false);
        chain.push(scale);
    }
    chain.extend([
        filter(&format!("raw-{id}"), &raw)?,
        encoder,
        filter(&format!("encoded-{id}"), &encoded_caps(&plan))?,
        element("h264parse", &format!("parse-{id}"))?,
        filter(&format!("parsed-{id}"), &parsed)?,
    ]);
    let track = Track {
        rendition: id.clone(),
        grid: TrackGrid::Pictures(FrameGrid::new(program.frame_rate)),
        timescale: video_timescale(program.frame_rate),
        delay: 0,
        timeline: timeline.clone(),
        events: true,
    };
    chain.extend(tail::build(track, tally, ledger)?);
    add_linked(pipeline, &format!("rendition {id}"), &chain)?;
    tee.link(&queue).map_err(|error| MediaError::graph(format!("rendition {id}"), error))?;
    Ok((queue, choice))
}

/// A queue that [`drop_when_full`] or its feeder bounds.
pub(super) fn unlimited_queue(name: &str) -> Result<gst::Element, MediaError> {
    let queue = element("queue", name)?;
    queue.set_property("max-size-buffers", 0u32);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    Ok(queue)
}

/// Drops a picture in front of a full queue and counts it, so that a slow encoder never blocks its siblings. Events
/// pass: a keyframe asked for the dropped picture comes with the next.
fn drop_when_full(queue: &gst::Element, limit: u64, tally: Arc<Tally>) -> Result<(), MediaError> {
    let weak = queue.downgrade();
    static_pad(queue, "sink")?.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let level = weak.upgrade().map_or(0, |queue| queue.property::<u32>("current-level-buffers"));
        if u64::from(level) < limit {
            return gst::PadProbeReturn::Ok;
        }
        Tally::add(&tally.dropped, 1);
        // Not `Drop`: the bindings have freed the picture by then, and GStreamer would free it again.
        gst::PadProbeReturn::Handled
    });
    Ok(())
}

/// Asks every encoder for a keyframe right before the first picture of each segment. Without a running time: an
/// encoder honours it with the next picture, whatever its own timeline is.
fn force_keyframes(entry: &gst::Element, timeline: &LiveTimeline) -> Result<(), MediaError> {
    let timeline = timeline.clone();
    let current = Mutex::new(None);
    static_pad(entry, "src")?.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(time) = info.buffer().and_then(|buffer| buffer.pts()) else { return gst::PadProbeReturn::Ok };
        let number = timeline.get().boundaries().number_at(MediaTime::from_nanos(time.nseconds()));
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_some_and(|current| number > current) {
            pad.push_event(gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        *current = Some(number);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

pub(super) fn filter(name: &str, caps: &gst::Caps) -> Result<gst::Element, MediaError> {
    let filter = element("capsfilter", name)?;
    filter.set_property("caps", caps);
    Ok(filter)
}

pub(super) fn static_pad(element: &gst::Element, name: &str) -> Result<gst::Pad, MediaError> {
    element.static_pad(name).ok_or_else(|| MediaError::graph(element.name(), format!("has no pad `{name}`")))
}

/// Adds a chain to the pipeline and links it in order.
pub(super) fn add_linked(pipeline: &gst::Pipeline, part: &str, chain: &[gst::Element]) -> Result<(), MediaError> {
    pipeline.add_many(chain).map_err(|error| MediaError::graph(part, error))?;
    gst::Element::link_many(chain).map_err(|error| MediaError::graph(part, error))
}
