//! Program sound as Opus (RFC 7587), encoded once for all endpoints that want it alike.
//!
//! ```text
//! tap ─▶ thread: channel map ─▶ appsrc ─▶ audioconvert ─▶ audioresample ─▶ opusenc ─▶ appsink ─▶ ports
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::port::Port;
use crate::media::MediaError;
use crate::media::encode::{AccessUnit, NoUnit, Subscription, Tap, sound_caps};
use crate::media::init::{bounded, element};
use crate::media::sound::{Arriving, Matrix};
use crate::model::sound::{ChannelMap, SoundLayout};
use crate::model::{AudioFormat, MediaTime, RenditionId};
use crate::plan::OpusPlan;

/// Blocks of program sound that may wait: several seconds.
const WAITING: usize = 200;
/// How often the thread looks whether it shall end.
const LOOK: Duration = Duration::from_millis(100);
const START_BOUND: Duration = Duration::from_secs(5);
const STOP_BOUND: Duration = Duration::from_secs(2);

/// The encoders that run; one for each sound that somebody wants.
pub struct OpusEncoders {
    tap: Tap,
    program: AudioFormat,
    running: Mutex<Vec<Weak<Opus>>>,
}

impl OpusEncoders {
    /// Over the sound of a program.
    pub fn new(tap: Tap, program: AudioFormat) -> Self {
        Self { tap, program, running: Mutex::default() }
    }

    /// The encoder of this sound, started if there is none.
    pub(super) fn get(&self, plan: &OpusPlan) -> Result<Arc<Opus>, MediaError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|one| one.strong_count() > 0);
        if let Some(found) = running.iter().filter_map(Weak::upgrade).find(|one| one.plan == *plan) {
            return Ok(found);
        }
        let started = Arc::new(Opus::start(&self.tap, self.program, plan)?);
        running.push(Arc::downgrade(&started));
        Ok(started)
    }
}

/// One encoder at work. Ends with its last user.
pub(super) struct Opus {
    plan: OpusPlan,
    pipeline: gst::Pipeline,
    ports: Arc<Mutex<Vec<Weak<Port>>>>,
    ended: Arc<AtomicBool>,
}

impl Opus {
    fn start(tap: &Tap, program: AudioFormat, plan: &OpusPlan) -> Result<Self, MediaError> {
        let matrix = matrix_of(plan, program.channels);
        let channels = plan.map.as_ref().map_or(program.channels, ChannelMap::channels).min(2);
        let pipeline = gst::Pipeline::with_name("opus");
        let caps = sound_caps(&AudioFormat { channels, ..program });
        let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
        let encoder = element("opusenc", "opus-encoder")?;
        encoder.set_property("bitrate", i32::try_from(plan.bitrate.bps()).unwrap_or(i32::MAX));
        // A lost packet is mended from the next one.
        encoder.set_property("inband-fec", true);
        let sink = gst_app::AppSink::builder().sync(false).build();
        let ports: Arc<Mutex<Vec<Weak<Port>>>> = Arc::default();
        hand_on(&sink, &ports);
        let convert = element("audioconvert", "opus-convert")?;
        let resample = element("audioresample", "opus-resample")?;
        let chain = [source.upcast_ref(), &convert, &resample, &encoder, sink.upcast_ref()];
        let failed = |error: gst::glib::BoolError| MediaError::graph("the Opus encoder", error);
        pipeline.add_many(chain).map_err(failed)?;
        gst::Element::link_many(chain).map_err(failed)?;
        let starting = pipeline.clone();
        match bounded(START_BOUND, move || starting.set_state(gst::State::Playing)) {
            Some(Ok(_)) => {}
            _ => return Err(MediaError::graph("the Opus encoder", "it does not start")),
        }
        let ended = Arc::new(AtomicBool::new(false));
        let (units, seen) = (tap.subscribe_sound(WAITING), Arc::clone(&ended));
        std::thread::Builder::new()
            .name("opus-feed".into())
            .spawn(move || feed(&units, &source, matrix.as_ref(), &seen))
            .map_err(|error| MediaError::graph("the Opus encoder", error))?;
        Ok(Self { plan: plan.clone(), pipeline, ports, ended })
    }

    /// From now on `port` gets every packet, until it is dropped.
    pub(super) fn listen(&self, port: &Arc<Port>) {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(port));
    }
}

impl Drop for Opus {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let pipeline = self.pipeline.clone();
        if bounded(STOP_BOUND, move || pipeline.set_state(gst::State::Null)).is_none() {
            tracing::warn!("the Opus encoder did not stop within 2 s");
        }
    }
}

fn feed(units: &Subscription, source: &gst_app::AppSrc, matrix: Option<&Matrix>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let unit = match units.next(LOOK) {
            Ok(unit) => unit,
            Err(NoUnit::Timeout) => continue,
            Err(NoUnit::Ended) => break,
        };
        let buffer = match matrix {
            None => unit.buffer,
            Some(matrix) => {
                let Ok(data) = unit.buffer.map_readable() else { continue };
                let samples: Vec<f32> =
                    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                let mapped: Vec<u8> = matrix.apply(&samples).iter().flat_map(|sample| sample.to_le_bytes()).collect();
                let mut buffer = gst::Buffer::from_mut_slice(mapped);
                if let Some(made) = buffer.get_mut() {
                    made.set_pts(unit.buffer.pts());
                    made.set_duration(unit.buffer.duration());
                }
                buffer
            }
        };
        if source.push_buffer(buffer).is_err() {
            break;
        }
    }
}

/// None if the program's channels are sent as they are.
fn matrix_of(plan: &OpusPlan, channels: u8) -> Option<Matrix> {
    let matrix = match &plan.map {
        Some(map) => Matrix::mapped(map, channels),
        None => {
            let arriving = Arriving { channels, surround: plan.layout == SoundLayout::Surround };
            Matrix::usual(arriving, SoundLayout::Stereo, channels.min(2))
        }
    };
    (!matrix.is_identity()).then_some(matrix)
}

fn hand_on(sink: &gst_app::AppSink, ports: &Arc<Mutex<Vec<Weak<Port>>>>) {
    let (ports, number) = (Arc::clone(ports), AtomicU64::new(0));
    let sound = RenditionId::new("opus").ok();
    let new_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let unit = sound.as_ref().and_then(|id| unit(id, number.fetch_add(1, Ordering::Relaxed), &sample));
        let Some(unit) = unit else { return Ok(gst::FlowSuccess::Ok) };
        let mut ports = ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.retain(|port| port.upgrade().inspect(|port| port.take(&unit)).is_some());
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(new_sample).build());
}

fn unit(rendition: &RenditionId, number: u64, sample: &gst::Sample) -> Option<AccessUnit> {
    let buffer = sample.buffer_owned()?;
    Some(AccessUnit {
        rendition: rendition.clone(),
        number,
        pts: MediaTime::from_nanos(buffer.pts()?.nseconds()),
        dts: None,
        duration: buffer.duration().map_or(Duration::ZERO, Duration::from),
        key: true,
        caps: sample.caps_owned()?,
        buffer,
    })
}
