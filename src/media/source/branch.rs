//! From a decoded stream to the feed: normalised to the program format, stamped with its arrival on the house clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::Context;
use super::callers::Callers;
use super::shaping::{Thinning, fields, picture_format, turn_as_told, unusual_size};
use super::status::Condition;
use crate::media::captions;
use crate::media::clock::HouseClock;
use crate::media::encode::arriving_sound_caps;
use crate::media::feed::{Feed, Streams};
use crate::media::normal::{Normaliser, NotNormal};
use crate::media::sound::Arriving;
use crate::model::{Fit, MediaTime, ProgramFormat};
use crate::plan::SourceKind;

/// Most memory that a stream takes between decoder and conversion: two seconds of it, unless its pictures are huge.
const WAITING_BYTES: u32 = 256 << 20;

struct Shared {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    /// Base time of the pipeline: running time plus this is the system clock.
    base: AtomicU64,
    format: ProgramFormat,
    fit: Fit,
    clock: HouseClock,
    feed: Arc<Feed>,
    condition: Arc<Condition>,
    /// Files are paced by the clock; whatever is live is taken as it comes.
    paced: bool,
    /// A custom source may be live or not: a clocksync holds back what comes before its time.
    held_back: bool,
    /// Its pictures come in the memory of a driver.
    lends: bool,
    /// When the last buffer so far ends, nanoseconds of running time plus base. 0: there was none.
    end: AtomicU64,
    picture: AtomicBool,
    /// Captions that are none were told.
    garbage: AtomicBool,
    sound: AtomicBool,
    complete: AtomicBool,
    first: Mutex<Option<Instant>>,
    /// Who calls, of a listener.
    callers: Callers,
}

/// The branches of one connection. Cheap to clone; callbacks hold it.
#[derive(Clone)]
pub(super) struct Branches(Arc<Shared>);

impl Branches {
    pub(super) fn new(context: &Context, pipeline: &gst::Pipeline, base: gst::ClockTime) -> Self {
        Self(Arc::new(Shared {
            pipeline: pipeline.downgrade(),
            base: AtomicU64::new(base.nseconds()),
            format: context.format,
            fit: context.plan.fit,
            clock: context.clock,
            feed: Arc::clone(&context.feed),
            condition: Arc::clone(&context.condition),
            paced: matches!(context.plan.kind, SourceKind::File { .. } | SourceKind::Playlist { .. }),
            held_back: matches!(context.plan.kind, SourceKind::Custom { .. }),
            // What a fragment captures from, nobody knows.
            lends: matches!(
                context.plan.kind,
                SourceKind::V4l2 { .. } | SourceKind::DeckLink { .. } | SourceKind::Custom { .. }
            ),
            end: AtomicU64::new(0),
            picture: AtomicBool::new(false),
            garbage: AtomicBool::new(false),
            sound: AtomicBool::new(false),
            complete: AtomicBool::new(false),
            first: Mutex::new(None),
            callers: Callers::default(),
        }))
    }

    pub(super) fn set_base(&self, base: gst::ClockTime) {
        self.0.base.store(base.nseconds(), Ordering::Relaxed);
    }

    /// What has been linked so far.
    pub(super) fn streams(&self) -> Streams {
        Streams { picture: self.0.picture.load(Ordering::Relaxed), sound: self.0.sound.load(Ordering::Relaxed) }
    }

    /// No more streams will come.
    pub(super) fn set_complete(&self) {
        self.0.complete.store(true, Ordering::Relaxed);
    }

    pub(super) fn complete(&self) -> bool {
        self.0.complete.load(Ordering::Relaxed)
    }

    /// When what has come so far ends, on the system clock.
    pub(super) fn end(&self) -> Option<u64> {
        Some(self.0.end.load(Ordering::Relaxed)).filter(|end| *end > 0)
    }

    /// How long the first stream has been there.
    pub(super) fn age(&self) -> Option<Duration> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).map(|first| first.elapsed())
    }

    /// Who calls, of a listener.
    pub(super) fn callers(&self) -> &Callers {
        &self.0.callers
    }

    /// Links a decoded stream: the first picture and the first sound are used, the rest is discarded.
    pub(super) fn link(&self, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
        let Some(pipeline) = self.0.pipeline.upgrade() else {
            return Ok(());
        };
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        if name.starts_with("video/x-raw") && !self.0.picture.swap(true, Ordering::Relaxed) {
            self.picture(&pipeline, pad)
        } else if name.starts_with("audio/x-raw") && !self.0.sound.swap(true, Ordering::Relaxed) {
            self.sound(&pipeline, pad)
        } else {
            discard(&pipeline, pad)
        }
    }

    fn picture(&self, pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
        let shared = Arc::clone(&self.0);
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(gst::EventView::Caps(caps)) = info.event().map(|e| e.view()) {
                shared.tell_picture(caps.caps());
            }
            gst::PadProbeReturn::Ok
        });
        if let Some(caps) = pad.current_caps() {
            self.0.tell_picture(&caps);
        }
        // Passes progressive pictures through. Interlaced ones whose format `deinterlace` does not know are converted:
        // left to itself it would let them through as they are, so what leaves it is said to be progressive.
        let convert = gst::ElementFactory::make("videoconvert").build()?;
        let deinterlace = gst::ElementFactory::make("deinterlace").property_from_str("method", "yadif").build()?;
        deinterlace.set_property_from_str("fields", fields(pad, self.0.format.frame_rate));
        let caps = gst::Caps::builder("video/x-raw").field("interlace-mode", "progressive").build();
        let normaliser = Normaliser::new(&self.0.format, self.0.fit)?;
        let normaliser = Arc::new(Mutex::new(if self.0.lends { normaliser.of_lent() } else { normaliser }));
        let (shared, thinning, work) = (Arc::clone(&self.0), Thinning::new(&self.0.format), Arc::clone(&normaliser));
        let sink = self.appsink(&caps, move |sink, sample| shared.take_picture(sink, sample, &thinning, &work));
        turn_as_told(sink.upcast_ref(), normaliser);
        self.chain(pipeline, pad, &[convert, deinterlace, sink.upcast()])
    }

    fn sound(&self, pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
        let shared = Arc::clone(&self.0);
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(gst::EventView::Caps(caps)) = info.event().map(|e| e.view()) {
                shared.condition.sound(sound_format(caps.caps()));
            }
            gst::PadProbeReturn::Ok
        });
        if let Some(caps) = pad.current_caps() {
            self.0.condition.sound(sound_format(&caps));
        }
        let convert = gst::ElementFactory::make("audioconvert").build()?;
        let resample = gst::ElementFactory::make("audioresample").build()?;
        let caps = arriving_sound_caps(self.0.format.audio.sample_rate);
        let shared = Arc::clone(&self.0);
        let sink = self.appsink(&caps, move |_, sample| {
            shared.take_sound(sample);
            Ok(gst::FlowSuccess::Ok)
        });
        arrange_on_caps(&sink, Arc::clone(&self.0.feed));
        self.chain(pipeline, pad, &[convert, resample, sink.upcast()])
    }

    fn appsink(
        &self,
        caps: &gst::Caps,
        take: impl Fn(&gst_app::AppSink, &gst::Sample) -> Result<gst::FlowSuccess, gst::FlowError> + Send + 'static,
    ) -> gst_app::AppSink {
        let callbacks = gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| take(sink, &sink.pull_sample().map_err(|_| gst::FlowError::Eos)?))
            .build();
        gst_app::AppSink::builder()
            .caps(caps)
            .sync(self.0.paced)
            .qos(false)
            .async_(self.0.paced)
            .callbacks(callbacks)
            .build()
    }

    /// `pad` → queue → `elements`, all running.
    fn chain(
        &self,
        pipeline: &gst::Pipeline,
        pad: &gst::Pad,
        elements: &[gst::Element],
    ) -> Result<(), gst::glib::BoolError> {
        let queue = gst::ElementFactory::make("queue")
            .property("max-size-time", gst::ClockTime::from_seconds(2))
            .property("max-size-buffers", 0u32)
            .property("max-size-bytes", WAITING_BYTES)
            .build()?;
        let mut chain = vec![queue.clone()];
        if self.0.held_back {
            chain.push(gst::ElementFactory::make("clocksync").build()?);
        }
        chain.extend_from_slice(elements);
        pipeline.add_many(&chain)?;
        gst::Element::link_many(&chain)?;
        for element in chain.iter().rev() {
            element.sync_state_with_parent()?;
        }
        link_to(pad, &queue)
    }
}

impl Shared {
    fn tell_picture(&self, caps: &gst::CapsRef) {
        let (size, rate) = picture_format(caps);
        self.condition.unusual(unusual_size(caps));
        self.condition.picture(size, rate);
    }

    /// When the first sample of a buffer belongs, on the house clock.
    fn stamp(&self, sample: &gst::Sample) -> Option<MediaTime> {
        let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
        let buffer = sample.buffer()?;
        let running = segment.to_running_time(buffer.pts()?)?;
        let monotonic = running.nseconds().saturating_add(self.base.load(Ordering::Relaxed));
        let length = buffer.duration().map_or_else(|| self.format.frame_rate.frame_nanos(), gst::ClockTime::nseconds);
        self.end.fetch_max(monotonic.saturating_add(length), Ordering::Relaxed);
        Some(self.clock.at_monotonic(monotonic))
    }

    fn take_picture(
        &self,
        sink: &gst_app::AppSink,
        sample: &gst::Sample,
        thinning: &Thinning,
        normaliser: &Mutex<Normaliser>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let (Some(stamp), Some(buffer)) = (self.stamp(sample), sample.buffer()) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        match captions::of_picture(buffer) {
            Ok(triplets) if triplets.is_empty() => {}
            Ok(triplets) => self.feed.push_captions(stamp, triplets),
            Err(captions::Garbage) if self.garbage.swap(true, Ordering::Relaxed) => {}
            Err(captions::Garbage) => self.condition.captions_faulty(),
        }
        if !thinning.keeps(stamp) {
            return Ok(gst::FlowSuccess::Ok);
        }
        if let Some(timecode) = timecode_of(buffer) {
            self.condition.timecode(timecode, stamp);
        }
        let normal = normaliser.lock().unwrap_or_else(PoisonError::into_inner).picture(sample);
        match normal {
            Ok(mut picture) => {
                keep_timecode(buffer, &mut picture);
                self.feed.push_picture(stamp, picture, self.clock.now());
            }
            // One damaged picture is not shown; the next may be whole.
            Err(NotNormal::Damaged(_) | NotNormal::Memory) => {}
            Err(error) => {
                gst::element_error!(sink, gst::StreamError::Format, ("{}", error));
                return Err(gst::FlowError::NotNegotiated);
            }
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn take_sound(&self, sample: &gst::Sample) {
        let (Some(stamp), Some(buffer)) = (self.stamp(sample), sample.buffer()) else {
            return;
        };
        let Ok(map) = buffer.map_readable() else {
            return;
        };
        // A whole buffer of samples is converted at once: bytes to floats without assuming alignment.
        let samples: Vec<f32> = map.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        self.feed.push_sound(stamp, &samples, self.clock.now());
    }
}

/// The timecode that a source (SDI, or a stream that carries it) has put on a picture.
fn timecode_of(picture: &gst::BufferRef) -> Option<String> {
    Some(picture.meta::<gst_video::VideoTimeCodeMeta>()?.tc().to_string())
}

/// Puts the timecode of a source's picture on what was made of it.
fn keep_timecode(source: &gst::BufferRef, picture: &mut gst::Buffer) {
    if let Some(meta) = source.meta::<gst_video::VideoTimeCodeMeta>()
        && picture.meta::<gst_video::VideoTimeCodeMeta>().is_none()
    {
        gst_video::VideoTimeCodeMeta::add(picture.make_mut(), &meta.tc());
    }
}

/// Tells the feed which channels arrive, before the first sound that has them.
fn arrange_on_caps(sink: &gst_app::AppSink, feed: Arc<Feed>) {
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|e| e.view())
            && let Some(arriving) = arriving(caps.caps())
        {
            feed.arrange_sound(arriving);
        }
        gst::PadProbeReturn::Ok
    });
}

fn arriving(caps: &gst::CapsRef) -> Option<Arriving> {
    let structure = caps.structure(0)?;
    let channels = structure.get::<i32>("channels").ok().and_then(|n| u8::try_from(n).ok())?;
    // Without positions six channels are six of anything, as SDI carries them.
    let placed = structure.get::<gst::Bitmask>("channel-mask").is_ok_and(|mask| mask.0 != 0);
    Some(Arriving { channels, surround: channels == 6 && placed })
}

fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
    let sink = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build()?;
    pipeline.add(&sink)?;
    sink.sync_state_with_parent()?;
    link_to(pad, &sink)
}

fn link_to(pad: &gst::Pad, element: &gst::Element) -> Result<(), gst::glib::BoolError> {
    let sink = element.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("no sink pad"))?;
    pad.link(&sink).map(|_| ()).map_err(|error| gst::glib::bool_error!("cannot link: {error:?}"))
}

fn sound_format(caps: &gst::CapsRef) -> String {
    let field = |name: &str| caps.structure(0).and_then(|s| s.get::<i32>(name).ok()).unwrap_or(0);
    format!("{} Hz, {} channels", field("rate"), field("channels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timecode_of_the_source_survives_normalising() {
        crate::media::init().unwrap();
        // As a DeckLink source hands it over: put on before the picture is brought to the program's format.
        let chain = "videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48,framerate=30000/1001 \
                     ! timecodestamper set=always source=internal drop-frame=true \
                     ! videoconvertscale ! video/x-raw,format=I420,width=32,height=32 ! appsink name=sink sync=false";
        let pipeline = gst::parse::launch(chain).unwrap().downcast::<gst::Pipeline>().unwrap();
        let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let pull = || sink.try_pull_sample(gst::ClockTime::from_seconds(10)).expect("a picture");
        let labels: Vec<_> = (0..3).map(|_| timecode_of(pull().buffer().unwrap())).collect();
        pipeline.set_state(gst::State::Null).unwrap();
        let expected = ["00:00:00;00", "00:00:00;01", "00:00:00;02"].map(|label| Some(label.to_owned()));
        assert_eq!(labels, expected);
        assert_eq!(timecode_of(gst::Buffer::new().as_ref()), None);
    }
}
