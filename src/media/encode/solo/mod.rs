//! An encoder for one receiver alone, beside the ladder: its bit rate may change with every picture, and it gives a
//! keyframe when it is asked for one. It makes no segments, and nobody else notices what becomes of it.
//!
//! ```text
//! tap ─┬─ program pictures ─▶ thread ─▶ appsrc ─▶ scale ─▶ encoder ─▶ parser ─▶ appsink ─▶ receiver
//!      │                        └─ sets the bit rate, hears the bus                ▲
//!      └─ captions of these pictures ─────────────── as in every rendition ─ SEI ──┘
//! ```
//!
//! States: opening → encoding → failed: the next candidate, at once → after the last of them the first again, later.

mod pace;
mod pipeline;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline::Pipeline;

use super::beside::Beside;
use super::tap::{AccessUnit, Subscription, Tap};
use crate::model::{BitRate, ProgramFormat};
use crate::plan::VideoRenditionPlan;

/// Pictures that may wait: what is older is of no use to somebody who watches live.
const WAITING: usize = 6;
/// How often the thread looks whether it shall end.
const LOOK: Duration = Duration::from_millis(100);
/// When no candidate works, they are tried again after this time.
const AGAIN: Duration = Duration::from_secs(2);

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
        let captions = Arc::clone(tap.captions());
        let thread = Thread { program, rendition, receiver, captions, control: seen, number: Arc::default() };
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
    captions: Arc<Beside>,
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

#[cfg(test)]
mod tests {
    use gstreamer as gst;

    use super::*;
    use crate::media::encode::picture_caps;
    use crate::model::{MediaTime, RenditionId};
    use crate::plan::EncoderPlan;

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

    /// When picture `number` is shown.
    fn at(number: u64) -> MediaTime {
        MediaTime::from_secs(1_763_683_200) + Duration::from_millis(number * 40)
    }

    /// Coarse noise: it takes every bit that it is given, and can do with few.
    fn noise(number: u64) -> gst::Buffer {
        let mut random = fastrand::Rng::with_seed(number);
        let blocks: Vec<u8> = (0..80 * 45).map(|_| random.u8(60..190)).collect();
        let mut bytes: Vec<u8> = (0..320 * 180).map(|at| blocks[at / 320 / 4 * 80 + at % 320 / 4]).collect();
        bytes.resize(320 * 180 * 3 / 2, 128);
        let mut picture = gst::Buffer::from_mut_slice(bytes);
        let made = picture.get_mut().unwrap();
        made.set_pts(gst::ClockTime::from_nseconds(at(number).as_nanos()));
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
            let bytes = unit.buffer.map_readable().unwrap();
            let captioned = bytes.windows(7).any(|some| some == [b'G', b'A', b'9', b'4', 3, 0xc1, 0xff]);
            let _ = deliver.send((unit.key, unit.buffer.size(), captioned));
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
                // With its picture, and with no other.
                30 | 70 => tap.captions().keep(at(number), vec![[0xfc, 0x94, 0x26]]),
                _ => {}
            }
            mouth.tell(&noise(number), || Some(caps.clone()));
            // One at a time: what waits too long is dropped.
            all.push(units.recv_timeout(Duration::from_secs(20)).unwrap());
        }
        let keys: Vec<usize> = (0..100).filter(|at| all[*at].0).collect();
        assert_eq!(keys, [0, 20]);
        let captioned: Vec<usize> = (0..100).filter(|at| all[*at].2).collect();
        assert_eq!(captioned, [30, 70]);
        let rate =
            |range: std::ops::Range<usize>| all[range.clone()].iter().map(|one| one.1).sum::<usize>() / range.len();
        let (before, after) = (rate(25..50), rate(60..100));
        assert!(after * 2 < before, "{before} and {after} bytes a picture");
        assert_eq!(solo.trouble(), None);
        drop(solo);
        drop(mouth);
    }
}
