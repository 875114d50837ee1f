//! One encoder, from program pictures to units.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::pace::Pace;
use super::{Control, LOOK, Left, Thread, WAITING};
use crate::media::MediaError;
use crate::media::encode::beside::Inserter;
use crate::media::encode::chain::{add_linked, filter, retune};
use crate::media::encode::choose::choose;
use crate::media::encode::codec::{encoded_caps, parsed_caps, parser_of};
use crate::media::encode::entry::Entry;
use crate::media::encode::format::picture_caps;
use crate::media::encode::memory::way_in;
use crate::media::encode::tap::{AccessUnit, NoUnit, Subscription};
use crate::media::init::{bounded, element};
use crate::model::{MediaTime, RenditionId, VideoCodec};
use crate::plan::{EncoderPlan, VideoRenditionPlan};

/// For a device to open.
const START: Duration = Duration::from_secs(5);
/// Hardware that takes pictures and delivers none hangs.
const HANGS: Duration = Duration::from_secs(1);

/// One encoder at work. Dropping it ends it, whatever its driver does.
pub(super) struct Pipeline {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    entry: Entry,
    encoder: gst::Element,
    plan: EncoderPlan,
    /// Its place among the candidates.
    pub(super) candidate: usize,
    /// Pictures that came out.
    out: Arc<AtomicU64>,
    /// Nothing that comes out from now on is delivered.
    shut: Arc<AtomicBool>,
}

impl Pipeline {
    /// The first candidate from number `from` on that works.
    pub(super) fn open(thread: &Thread, from: usize) -> Result<Self, MediaError> {
        let Thread { program, rendition, .. } = thread;
        let encoders = rendition.encoders.get(from..).unwrap_or_default().to_vec();
        let found = choose(&VideoRenditionPlan { encoders, ..rendition.clone() }, program.frame_rate)?;
        let plan = found.plan;
        let entry = Entry::new("pictures-own", &picture_caps(program), WAITING as u64)?;
        let mut chain = vec![entry.element().clone()];
        chain.extend(way_in("own", &plan, (program.size, rendition.size), program.frame_rate, found.before)?);
        let sink = gst_app::AppSink::builder().name("sink-own").sync(false).async_(false).build();
        chain.extend([
            found.element.clone(),
            filter("encoded-own", &encoded_caps(&plan))?,
            element(parser_of(plan.codec), "parse-own")?,
            filter("parsed-own", &parsed_caps(plan.codec))?,
            sink.clone().upcast(),
        ]);
        let (out, shut) = (Arc::default(), Arc::default());
        hand_on(&sink, thread, plan.codec, (&out, &shut));
        force_keyframes(entry.element(), &thread.control)?;
        let pipeline = gst::Pipeline::with_name("encode-own");
        add_linked(&pipeline, "the destination's own rendition", &chain)?;
        let bus = pipeline.bus().ok_or_else(|| MediaError::graph("the destination's own rendition", "has no bus"))?;
        let candidate = from + found.choice.index;
        let made = Self { pipeline, bus, entry, encoder: found.element, plan, candidate, out, shut };
        made.play()?;
        Ok(made)
    }

    fn play(&self) -> Result<(), MediaError> {
        let pipeline = self.pipeline.clone();
        let part = || "the destination's own rendition".to_owned();
        match bounded(START, move || pipeline.set_state(gst::State::Playing)) {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(MediaError::graph(part(), error)),
            None => Err(MediaError::Deadline { part: part(), millis: START.as_millis() as u64 }),
        }
    }

    /// Encodes until it fails or shall end.
    pub(super) fn encode(self, thread: &Thread, pictures: &Subscription) -> Left {
        let (mut rate, mut told) = (thread.rendition.bitrate.bps(), false);
        let (mut last, mut progress) = (0, Instant::now());
        loop {
            if thread.control.ended() {
                return Left::Ended;
            }
            let picture = match pictures.next(LOOK) {
                Ok(picture) => picture,
                Err(NoUnit::Ended) => return Left::Ended,
                Err(NoUnit::Timeout) => {
                    progress = Instant::now();
                    continue;
                }
            };
            let wanted = thread.control.bitrate.load(Ordering::Relaxed);
            if wanted != rate {
                rate = wanted;
                let factor = wanted as f64 / thread.rendition.bitrate.bps().max(1) as f64;
                if let Err(reason) = retune(&self.encoder, &self.plan, factor)
                    && !std::mem::replace(&mut told, true)
                {
                    tracing::warn!(reason, "a destination's own rendition stays at its planned bit rate");
                }
            }
            self.entry.push(picture.buffer);
            if let Some(message) = self.bus.pop_filtered(&[gst::MessageType::Error])
                && let gst::MessageView::Error(error) = message.view()
            {
                return Left::Failed(format!("{}: {}", self.plan.element, error.error()));
            }
            let out = self.out.load(Ordering::Relaxed);
            if out != last || !self.plan.hardware {
                (last, progress) = (out, Instant::now());
            } else if progress.elapsed() > HANGS {
                return Left::Failed(format!("{} takes pictures and delivers none", self.plan.element));
            }
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.shut.store(true, Ordering::Relaxed);
        let pipeline = self.pipeline.clone();
        // A driver may hang.
        let closing = std::thread::Builder::new().name("encoder-close".into()).spawn(move || {
            let _ = pipeline.set_state(gst::State::Null);
        });
        if let Err(error) = closing {
            tracing::warn!(%error, "an encoder could not be closed");
        }
    }
}

fn hand_on(
    sink: &gst_app::AppSink,
    thread: &Thread,
    codec: VideoCodec,
    (out, shut): (&Arc<AtomicU64>, &Arc<AtomicBool>),
) {
    let captions = Mutex::new(Inserter::new(&thread.captions, codec));
    let (id, receiver, number) =
        (thread.rendition.id.clone(), Arc::clone(&thread.receiver), Arc::clone(&thread.number));
    let (control, out, shut) = (Arc::clone(&thread.control), Arc::clone(out), Arc::clone(shut));
    let new_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        out.fetch_add(1, Ordering::Relaxed);
        if shut.load(Ordering::Relaxed) {
            return Err(gst::FlowError::Flushing);
        }
        let mut unit = unit(&id, &sample, || number.fetch_add(1, Ordering::Relaxed));
        let mut captions = captions.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(inserter), Some(unit)) = (captions.as_mut(), unit.as_mut()) {
            inserter.insert(unit.pts, &mut unit.buffer);
        }
        drop(captions);
        if unit.is_some_and(|unit| receiver(&unit)) {
            control.keyframe.store(true, Ordering::Relaxed);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(new_sample).build());
}

fn unit(rendition: &RenditionId, sample: &gst::Sample, number: impl FnOnce() -> u64) -> Option<AccessUnit> {
    let buffer = sample.buffer_owned()?;
    Some(AccessUnit {
        rendition: rendition.clone(),
        pts: MediaTime::from_nanos(buffer.pts()?.nseconds()),
        dts: buffer.dts().map(|dts| MediaTime::from_nanos(dts.nseconds())),
        duration: buffer.duration().map_or(Duration::ZERO, Duration::from),
        key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        caps: sample.caps_owned()?,
        number: number(),
        buffer,
    })
}

/// Asks the encoder for a keyframe right before the picture that shall be one.
fn force_keyframes(entry: &gst::Element, control: &Arc<Control>) -> Result<(), MediaError> {
    let pad = entry.static_pad("src").ok_or_else(|| MediaError::graph(entry.name(), "has no pad `src`"))?;
    let (control, pace) = (Arc::clone(control), Mutex::new(Pace::default()));
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(time) = info.buffer().and_then(|buffer| buffer.pts()) else { return gst::PadProbeReturn::Ok };
        let asked = control.keyframe.swap(false, Ordering::Relaxed);
        let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.due(asked, MediaTime::from_nanos(time.nseconds())) {
            pad.push_event(gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}
