//! One encoder at work: a pipeline of its own from pictures to chunks, so that its end is nobody else's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::beside::{Beside, Inserter};
use super::choose::{Found, set_property};
use super::codec::{encoded_caps, parsed_caps, parser_of};
use super::cut::TrackGrid;
use super::entry::Entry;
use super::format::{picture_caps, video_timescale};
use super::gate::Gate;
use super::ledger::{Ledger, Tally};
use super::memory::way_in;
use super::tail::{self, Track};
use super::tap::{Mouth, Point};
use super::watch::{Notes, Origin};
use crate::media::MediaError;
use crate::media::init::{bounded, element};
use crate::model::{FrameGrid, LiveTimeline, MediaTime, PartPace, ProgramFormat};
use crate::plan::{EncoderPlan, VideoRenditionPlan};

/// However often receivers ask for keyframes, no more of them than this: players of the segments pay for them.
const KEYFRAMES_APART: Duration = Duration::from_secs(1);

/// What every encoder of a rendition is built from.
pub(super) struct Setting {
    pub program: ProgramFormat,
    pub pace: Option<PartPace>,
    pub timeline: LiveTimeline,
    pub rendition: VideoRenditionPlan,
    pub tally: Arc<Tally>,
    pub ledger: Arc<Ledger>,
    pub notes: Notes,
    pub beside: Arc<Beside>,
}

/// An encoder and everything that is its own.
pub(super) struct Chain {
    pub entry: Entry,
    pub gate: Arc<Gate>,
    mouth: Arc<Mouth>,
    encoder: gst::Element,
    plan: EncoderPlan,
    /// Pictures that went in.
    pub pushed: AtomicU64,
    /// Asks for one more keyframe, on the first picture after this time; 0 for none.
    resume: Arc<AtomicU64>,
    pipeline: gst::Pipeline,
}

impl Chain {
    /// Puts the pipeline of an encoder together; `limit` pictures may wait in front of it. What its bus says goes to
    /// the notes, from `origin`. What comes out is `held` until [`Chain::release`].
    pub(super) fn build(
        setting: &Setting,
        found: Found,
        limit: u64,
        origin: Origin,
        held: bool,
    ) -> Result<Self, MediaError> {
        let Setting { program, pace, timeline, rendition, tally, ledger, notes, beside } = setting;
        let (id, plan) = (&rendition.id, &found.plan);
        let pipeline = gst::Pipeline::with_name(&format!("encode-{id}"));
        let entry = Entry::new(&format!("pictures-{id}"), &picture_caps(program), limit)?;
        let resume = Arc::new(AtomicU64::new(0));
        // One that cannot be asked counts to the keyframes of its segments: another would shift them.
        let point = (!plan.counts).then(|| ledger.tap().point(id));
        force_keyframes(entry.element(), timeline, Arc::clone(&resume), point)?;
        let mut chain = vec![entry.element().clone()];
        let sizes = (program.size, rendition.size);
        chain.extend(way_in(id.as_str(), plan, sizes, program.frame_rate, found.before)?);
        chain.extend([
            found.element.clone(),
            filter(&format!("encoded-{id}"), &encoded_caps(plan))?,
            element(parser_of(plan.codec), &format!("parse-{id}"))?,
            filter(&format!("parsed-{id}"), &parsed_caps(plan.codec))?,
        ]);
        let track = Track {
            rendition: id.clone(),
            grid: TrackGrid::Pictures(FrameGrid::new(program.frame_rate)),
            timescale: video_timescale(program.frame_rate),
            part: pace.map(|pace| pace.pictures(program.frame_rate)),
            delay: 0,
            timeline: timeline.clone(),
            events: true,
            window: Arc::default(),
            captions: Inserter::new(beside, plan.codec),
        };
        let (gate, mouth) = way_out(ledger, tally, held);
        chain.extend(tail::build(track, tally, &gate, &mouth)?);
        add_linked(&pipeline, &format!("rendition {id}"), &chain)?;
        notes.hear(&pipeline, origin);
        let (encoder, plan, pushed) = (found.element, found.plan, AtomicU64::new(0));
        Ok(Self { entry, gate, mouth, encoder, plan, pushed, resume, pipeline })
    }

    /// Starts it; it opens its device.
    pub(super) fn play(&self, bound: Duration) -> Result<(), MediaError> {
        let pipeline = self.pipeline.clone();
        let part = || self.pipeline.name().to_string();
        match bounded(bound, move || pipeline.set_state(gst::State::Playing)) {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(MediaError::graph(part(), error)),
            None => Err(MediaError::Deadline { part: part(), millis: bound.as_millis() as u64 }),
        }
    }

    /// Encodes at `factor` times the planned bit rate from the next picture on. A sentence if the element cannot.
    pub(super) fn retune(&self, factor: f64) -> Result<(), String> {
        retune(&self.encoder, &self.plan, factor)
    }

    /// The first picture after `time` shall be a keyframe, too.
    pub(super) fn resume_after(&self, time: MediaTime) {
        self.resume.store(time.as_nanos(), Ordering::Relaxed);
    }

    /// Lets out what was held.
    pub(super) fn release(&self) {
        self.gate.release();
        self.mouth.speak_up();
    }

    /// Whether the picture was taken.
    pub(super) fn push(&self, picture: gst::Buffer) -> bool {
        let taken = self.entry.push(picture);
        self.pushed.fetch_add(u64::from(taken), Ordering::Relaxed);
        taken
    }

    /// Stops it, without flushing: nothing comes out from now on. Does not wait for its device; the returned signal
    /// comes when it is closed.
    pub(super) fn close(self) -> std::sync::mpsc::Receiver<()> {
        self.gate.shut();
        let (closed, wait) = std::sync::mpsc::channel();
        let closing = std::thread::Builder::new().name("encoder-close".into()).spawn(move || {
            // A driver that hangs keeps this thread; the process ends without it.
            let _ = self.pipeline.set_state(gst::State::Null);
            let _ = closed.send(());
        });
        if let Err(error) = closing {
            tracing::warn!(%error, "an encoder could not be closed");
        }
        wait
    }
}

/// See [`Chain::retune`].
pub(super) fn retune(encoder: &gst::Element, plan: &EncoderPlan, factor: f64) -> Result<(), String> {
    let rates = plan.rates_at(factor);
    let settable = |name: &str| {
        let known = encoder.find_property(name);
        known.is_some_and(|known| known.flags().contains(gst::PARAM_FLAG_MUTABLE_PLAYING))
    };
    // The first is the average; a buffer or a peak that cannot follow is better than none of it.
    if !rates.first().is_some_and(|(name, _)| settable(name)) {
        return Err(format!("{} cannot change its bit rate on air", plan.element));
    }
    rates.iter().filter(|(name, _)| settable(name)).try_for_each(|(name, value)| set_property(encoder, name, value))
}

/// Where chunks and units of a rendition go; what is `held` waits until another encoder of it has said its last.
pub(super) fn way_out(ledger: &Arc<Ledger>, tally: &Arc<Tally>, held: bool) -> (Arc<Gate>, Arc<Mouth>) {
    let (gate, point) = (Gate::new(ledger, tally), ledger.tap().point(&tally.rendition));
    if held {
        gate.hold();
    }
    (gate, Arc::new(if held { point.stand_by() } else { point.enter() }))
}

/// Asks the encoder for a keyframe right before the first picture of each segment, before the first one after `resume`,
/// and for receivers at `point` that cannot go on without one. Without a running time: an encoder honours it with the
/// next picture, whatever its own timeline is.
fn force_keyframes(
    entry: &gst::Element,
    timeline: &LiveTimeline,
    resume: Arc<AtomicU64>,
    point: Option<Arc<Point>>,
) -> Result<(), MediaError> {
    let timeline = timeline.clone();
    let current = Mutex::new(None);
    let last = AtomicU64::new(0);
    static_pad(entry, "src")?.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(time) = info.buffer().and_then(|buffer| buffer.pts()) else { return gst::PadProbeReturn::Ok };
        let number = timeline.get().boundaries().number_at(MediaTime::from_nanos(time.nseconds()));
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        let resumes = (1..time.nseconds()).contains(&resume.load(Ordering::Relaxed));
        if resumes {
            resume.store(0, Ordering::Relaxed);
        }
        let begins = current.is_some_and(|current| number > current);
        let spaced = time.nseconds() >= last.load(Ordering::Relaxed) + KEYFRAMES_APART.as_nanos() as u64;
        let asked = spaced && point.as_ref().is_some_and(|point| point.wants_keyframe());
        // The very first picture is one anyway.
        if resumes || asked || begins || current.is_none() {
            last.store(time.nseconds(), Ordering::Relaxed);
            point.iter().for_each(|point| point.has_keyframe());
        }
        if resumes || asked || begins {
            pad.push_event(gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        *current = Some(number);
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// A queue that its feeder bounds.
pub(super) fn unlimited_queue(name: &str) -> Result<gst::Element, MediaError> {
    let queue = element("queue", name)?;
    queue.set_property("max-size-buffers", 0u32);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    Ok(queue)
}

pub(super) fn filter(name: &str, caps: &gst::Caps) -> Result<gst::Element, MediaError> {
    let filter = element("capsfilter", name)?;
    filter.set_property("caps", caps);
    Ok(filter)
}

fn static_pad(element: &gst::Element, name: &str) -> Result<gst::Pad, MediaError> {
    element.static_pad(name).ok_or_else(|| MediaError::graph(element.name(), format!("has no pad `{name}`")))
}

/// Adds a chain to the pipeline and links it in order.
pub(super) fn add_linked(pipeline: &gst::Pipeline, part: &str, chain: &[gst::Element]) -> Result<(), MediaError> {
    pipeline.add_many(chain).map_err(|error| MediaError::graph(part, error))?;
    gst::Element::link_many(chain).map_err(|error| MediaError::graph(part, error))
}
