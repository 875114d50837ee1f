//! An encoder for one receiver alone, beside the ladder: its bit rate may change with every picture, and it gives a
//! keyframe when it is asked for one. It makes no segments, and nobody else notices what becomes of it.
//!
//! ```text
//! tap ─ program pictures ─▶ thread ─▶ appsrc ─▶ scale ─▶ encoder ─▶ parser ─▶ appsink ─▶ receiver
//!                             └─ sets the bit rate, hears the bus
//! ```
//!
//! States: opening → encoding → failed: the next candidate, at once → after the last of them the first again, later.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::chain::{add_linked, filter, retune};
use super::choose::choose;
use super::codec::{encoded_caps, parsed_caps, parser_of};
use super::entry::Entry;
use super::format::{picture_caps, raw_caps};
use super::tap::{AccessUnit, NoUnit, Subscription, Tap};
use crate::media::MediaError;
use crate::media::init::{bounded, element};
use crate::model::{BitRate, MediaTime, ProgramFormat, RenditionId};
use crate::plan::{EncoderPlan, VideoRenditionPlan};

/// Pictures that may wait: what is older is of no use to somebody who watches live.
const WAITING: usize = 6;
/// How often the thread looks whether it shall end.
const LOOK: Duration = Duration::from_millis(100);
/// For a device to open.
const START: Duration = Duration::from_secs(5);
/// When no candidate works, they are tried again after this time.
const AGAIN: Duration = Duration::from_secs(2);
/// Hardware that takes pictures and delivers none hangs.
const HANGS: Duration = Duration::from_secs(1);

/// Takes a unit; true if it cannot go on without a keyframe.
pub(crate) type Receiver = Arc<dyn Fn(&AccessUnit) -> bool + Send + Sync>;

/// See the module's header. Ends when it is dropped.
pub struct Solo {
    control: Arc<Control>,
}

struct Control {
    ended: AtomicBool,
    /// Wanted, bit/s.
    bitrate: AtomicU64,
    keyframe: AtomicBool,
    /// Why it does not encode.
    trouble: Mutex<Option<String>>,
}

impl Solo {
    /// Starts to encode program pictures as `rendition`. Does not wait for the encoder.
    pub(crate) fn start(
        tap: &Tap,
        program: ProgramFormat,
        rendition: VideoRenditionPlan,
        receiver: Receiver,
    ) -> std::io::Result<Self> {
        let control = Arc::new(Control {
            ended: AtomicBool::new(false),
            bitrate: AtomicU64::new(rendition.bitrate.bps()),
            keyframe: AtomicBool::new(false),
            trouble: Mutex::default(),
        });
        let (pictures, seen) = (tap.subscribe_pictures(WAITING), Arc::clone(&control));
        let thread = Thread { program, rendition, receiver, control: seen, number: Arc::default() };
        std::thread::Builder::new().name("encode-own".into()).spawn(move || thread.run(&pictures))?;
        Ok(Self { control })
    }

    /// From the next picture on it encodes at this average bit rate.
    pub(crate) fn set_bitrate(&self, bitrate: BitRate) {
        self.control.bitrate.store(bitrate.bps(), Ordering::Relaxed);
    }

    /// Asks for a keyframe: with the next picture, or half a second behind the last one.
    pub(crate) fn ask_keyframe(&self) {
        self.control.keyframe.store(true, Ordering::Relaxed);
    }

    /// Why it does not encode.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.control.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        self.control.ended.store(true, Ordering::Relaxed);
    }
}

impl Control {
    fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn tell(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

struct Thread {
    program: ProgramFormat,
    rendition: VideoRenditionPlan,
    receiver: Receiver,
    control: Arc<Control>,
    /// Units delivered.
    number: Arc<AtomicU64>,
}

/// Why a pipeline is left.
enum Left {
    Ended,
    Failed(String),
}

impl Thread {
    fn run(self, pictures: &Subscription) {
        let mut candidate = 0;
        while !self.control.ended() {
            let (next, reason) = match Pipeline::open(&self, candidate) {
                Ok(pipeline) => {
                    self.control.tell(None);
                    let next = pipeline.candidate + 1;
                    match pipeline.encode(&self, pictures) {
                        Left::Ended => return,
                        Left::Failed(reason) => (next, reason),
                    }
                }
                Err(error) => (self.rendition.encoders.len(), error.to_string()),
            };
            tracing::warn!(reason, "the encoder of a destination's own rendition failed");
            self.control.tell(Some(reason));
            candidate = next;
            if candidate >= self.rendition.encoders.len() {
                candidate = 0;
                self.rest(pictures);
            }
        }
    }

    fn rest(&self, pictures: &Subscription) {
        let until = Instant::now() + AGAIN;
        while !self.control.ended() && Instant::now() < until {
            std::thread::sleep(LOOK);
            pictures.skip();
        }
    }
}

struct Pipeline {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    entry: Entry,
    encoder: gst::Element,
    plan: EncoderPlan,
    /// Its place among the candidates.
    candidate: usize,
    /// Pictures that came out.
    out: Arc<AtomicU64>,
    /// Nothing that comes out from now on is delivered.
    shut: Arc<AtomicBool>,
}

impl Pipeline {
    /// The first candidate from number `from` on that works.
    fn open(thread: &Thread, from: usize) -> Result<Self, MediaError> {
        let Thread { program, rendition, .. } = thread;
        let encoders = rendition.encoders.get(from..).unwrap_or_default().to_vec();
        let found = choose(&VideoRenditionPlan { encoders, ..rendition.clone() }, program.frame_rate)?;
        let plan = found.plan;
        let entry = Entry::new("pictures-own", &picture_caps(program), WAITING as u64)?;
        let mut chain = vec![entry.element().clone()];
        if rendition.size != program.size || plan.input_format != "I420" {
            let scale = element("videoconvertscale", "scale-own")?;
            scale.set_property("add-borders", false);
            chain.push(scale);
        }
        chain.push(filter("raw-own", &raw_caps(&plan.input_format, rendition.size, program.frame_rate))?);
        chain.extend(found.before);
        let sink = gst_app::AppSink::builder().name("sink-own").sync(false).async_(false).build();
        chain.extend([
            found.element.clone(),
            filter("encoded-own", &encoded_caps(&plan))?,
            element(parser_of(plan.codec), "parse-own")?,
            filter("parsed-own", &parsed_caps(plan.codec))?,
            sink.clone().upcast(),
        ]);
        let (out, shut) = (Arc::default(), Arc::default());
        hand_on(&sink, thread, &out, &shut);
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
    fn encode(self, thread: &Thread, pictures: &Subscription) -> Left {
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

fn hand_on(sink: &gst_app::AppSink, thread: &Thread, out: &Arc<AtomicU64>, shut: &Arc<AtomicBool>) {
    let (id, receiver, number) =
        (thread.rendition.id.clone(), Arc::clone(&thread.receiver), Arc::clone(&thread.number));
    let (control, out, shut) = (Arc::clone(&thread.control), Arc::clone(out), Arc::clone(shut));
    let new_sample = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        out.fetch_add(1, Ordering::Relaxed);
        if shut.load(Ordering::Relaxed) {
            return Err(gst::FlowError::Flushing);
        }
        let unit = unit(&id, &sample, || number.fetch_add(1, Ordering::Relaxed));
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

/// Which pictures are keyframes.
#[derive(Debug, Default)]
struct Pace {
    last: Option<MediaTime>,
    asked: bool,
}

impl Pace {
    /// A receiver whose request is lost gets one after this time.
    const REGULAR: Duration = Duration::from_secs(4);
    /// However often it is asked: each takes its bits from the pictures behind it.
    const LEAST: Duration = Duration::from_millis(500);

    /// Whether the picture at `time` shall be one. The first of an encoder is one anyway.
    fn due(&mut self, asked: bool, time: MediaTime) -> bool {
        self.asked |= asked;
        let Some(last) = self.last else {
            self.last = Some(time);
            self.asked = false;
            return false;
        };
        let since = time.since(last);
        let due = since >= Self::REGULAR || self.asked && since >= Self::LEAST;
        if due {
            (self.last, self.asked) = (Some(time), false);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendition() -> VideoRenditionPlan {
        let property = |name: &str, value: serde_json::Value| (name.to_owned(), value);
        let size = crate::model::PictureSize::new(320, 180).unwrap();
        let encoder = serde_json::json!({"profile": "software", "element": "x264enc", "input_format": "I420",
            "h264_profile": "constrained-baseline", "properties": [], "rates": ["bitrate"]});
        let mut encoder: EncoderPlan = serde_json::from_value(encoder).unwrap();
        encoder.properties = vec![
            property("bitrate", 800.into()),
            property("vbv-buf-capacity", 300.into()),
            property("speed-preset", "ultrafast".into()),
            property("tune", "zerolatency".into()),
            property("key-int-max", 100_000.into()),
            property("threads", 1.into()),
        ];
        let (bitrate, max_bitrate) = (BitRate(800_000), BitRate(800_000));
        let id = RenditionId::new("own").unwrap();
        VideoRenditionPlan { id, size, bitrate, max_bitrate, encoders: vec![encoder], passed_over: vec![] }
    }

    /// Coarse noise: it takes every bit that it is given, and can do with few.
    fn noise(number: u64) -> gst::Buffer {
        let mut random = fastrand::Rng::with_seed(number);
        let blocks: Vec<u8> = (0..80 * 45).map(|_| random.u8(60..190)).collect();
        let mut bytes: Vec<u8> = (0..320 * 180).map(|at| blocks[at / 320 / 4 * 80 + at % 320 / 4]).collect();
        bytes.resize(320 * 180 * 3 / 2, 128);
        let mut picture = gst::Buffer::from_mut_slice(bytes);
        let made = picture.get_mut().unwrap();
        made.set_pts(gst::ClockTime::from_mseconds(number * 40));
        made.set_duration(gst::ClockTime::from_mseconds(40));
        picture
    }

    #[test]
    fn its_bit_rate_and_keyframes_are_what_its_receiver_wants() {
        crate::media::init().unwrap();
        let program = ProgramFormat {
            size: crate::model::PictureSize::new(320, 180).unwrap(),
            frame_rate: crate::model::FrameRate::new(25, 1).unwrap(),
            audio: crate::model::AudioFormat { sample_rate: 48_000, channels: 2 },
        };
        let tap = Tap::default();
        let mouth = tap.pictures();
        let (deliver, units) = std::sync::mpsc::channel();
        let receiver = Arc::new(move |unit: &AccessUnit| {
            let _ = deliver.send((unit.key, unit.buffer.size()));
            false
        });
        let solo = Solo::start(&tap, program, rendition(), receiver).unwrap();
        let caps = picture_caps(&program);
        let mut all = Vec::new();
        for number in 0..100 {
            match number {
                // Not within half a second of the first.
                20 => solo.ask_keyframe(),
                50 => solo.set_bitrate(BitRate(200_000)),
                _ => {}
            }
            mouth.tell(&noise(number), || Some(caps.clone()));
            // One at a time: what waits too long is dropped.
            all.push(units.recv_timeout(Duration::from_secs(20)).unwrap());
        }
        let keys: Vec<usize> = (0..100).filter(|at| all[*at].0).collect();
        assert_eq!(keys, [0, 20]);
        let rate =
            |range: std::ops::Range<usize>| all[range.clone()].iter().map(|one| one.1).sum::<usize>() / range.len();
        let (before, after) = (rate(25..50), rate(60..100));
        assert!(after * 2 < before, "{before} and {after} bytes a picture");
        assert_eq!(solo.trouble(), None);
        drop(solo);
        drop(mouth);
    }

    #[test]
    fn keyframes_come_when_asked_but_not_in_a_row_and_now_and_then_anyway() {
        let mut pace = Pace::default();
        let mut keys = Vec::new();
        for n in 0..250u64 {
            // Asked on every picture of the second second.
            if pace.due((25..50).contains(&n), MediaTime::from_nanos(n * 40_000_000)) {
                keys.push(n * 40);
            }
        }
        // What was asked within half a second of the last one is not forgotten.
        assert_eq!(keys, [1000, 1520, 2040, 6040]);
    }
}
