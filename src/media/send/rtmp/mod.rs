//! RTMP and RTMPS as publisher (Adobe's RTMP 1.0; enhanced RTMP for HEVC and AV1).
//!
//! ```text
//! Wire (TCP or TLS, never waits) ◀─ Dialogue (handshake, connect, publish) ◀─ tags (FLV) ◀─ units
//! ```
//!
//! Bytes count as acknowledged when the kernel of the peer has acknowledged them (TCP_INFO): servers tell by themselves
//! only every few megabytes, many not at all. A server that hangs stops reading, and its window closes.

mod chunk;
mod dialogue;
mod tag;
mod wire;

use std::time::{Duration, Instant};

use gstreamer as gst;

use self::dialogue::Dialogue;
use super::blame;
use super::carrier::{Broken, Carrier, Progress, TrackIndex};
use super::stream::{codec_data, peak};
use super::weave::decoded;
use crate::media::encode::AccessUnit;
use crate::model::status::LinkFigures;
use crate::model::{Cued, MediaTime, VideoCodec};
use crate::plan::{CarrierPlan, SendPlan};

/// More program than this does not wait here.
const WAITING: Duration = Duration::from_secs(2);

/// A connection on which is published.
pub(super) struct Rtmp {
    dialogue: Dialogue,
    codec: Option<VideoCodec>,
    /// Sets that go out with the next unit of a track.
    sets: Vec<Option<Vec<u8>>>,
    began: Option<MediaTime>,
    /// Bytes that may wait, and bits per second to tell how long they are.
    limit: u64,
    rate: u64,
}

impl Rtmp {
    pub(super) fn open(plan: &SendPlan) -> Result<Self, Broken> {
        let CarrierPlan::Rtmp { url, key, ca } = &plan.carrier else {
            return Err(Broken::ours("this plan is not for RTMP"));
        };
        let codec = plan.video.as_ref().map(|video| video.codec);
        let rate = peak(plan).bps();
        let mut dialogue = Dialogue::open(url, ca.as_deref(), codec, rate / 8)?;
        dialogue.publish(key.as_ref())?;
        dialogue.describe(plan)?;
        let tracks = usize::from(codec.is_some()) + plan.audio.len();
        let limit = rate * WAITING.as_millis() as u64 / 8000;
        Ok(Self { dialogue, codec, sets: vec![None; tracks], began: None, limit, rate })
    }

    fn is_picture(&self, track: TrackIndex) -> bool {
        track == 0 && self.codec.is_some()
    }
}

impl Carrier for Rtmp {
    fn configure(&mut self, track: TrackIndex, unit: &AccessUnit) -> Result<(), Broken> {
        let sets = codec_data(unit).ok_or_else(|| blame::unfit(&unit.rendition))?;
        let tag = match self.codec.filter(|_| track == 0) {
            Some(codec) => tag::picture_sets(codec, &sets),
            None => tag::sound_sets(&sets),
        };
        *self.sets.get_mut(track).ok_or_else(|| Broken::ours("there is no such track"))? = Some(tag);
        Ok(())
    }

    fn put(&mut self, track: TrackIndex, unit: &AccessUnit, _: &Cued) -> Result<(), Broken> {
        let dts = decoded(unit);
        let began = *self.began.get_or_insert(dts);
        let millis = |time: MediaTime| (time.since(began).as_micros() as u64 + 500) / 1000;
        // It goes round after 49 days, as the protocol says.
        let time = millis(dts) as u32;
        let picture = self.is_picture(track);
        if let Some(sets) = self.sets.get_mut(track).and_then(Option::take) {
            self.dialogue.media(picture, time, &sets)?;
        }
        let data = unit.buffer.map_readable().map_err(|error: gst::glib::BoolError| Broken::ours(error.to_string()))?;
        let tag = match self.codec.filter(|_| picture) {
            Some(codec) => tag::picture(codec, unit.key, (millis(unit.pts) - millis(dts)) as u32, &data),
            None => tag::sound(&data),
        };
        self.dialogue.media(picture, time, &tag)
    }

    fn is_full(&self) -> bool {
        self.dialogue.wire().waiting() as u64 > self.limit
    }

    fn tick(&mut self, _: Instant) -> Result<Progress, Broken> {
        self.dialogue.attend()?;
        let wire = self.dialogue.wire();
        let (sent, acknowledged, figures) = wire.progress();
        Ok(Progress {
            sent,
            acknowledged,
            heard: None,
            queue: Duration::from_millis(wire.waiting() as u64 * 8000 / self.rate.max(1)),
            link: LinkFigures {
                rtt_ms: figures.map(|figures| figures.rtt.as_secs_f64() * 1e3),
                packets_retransmitted: figures.map(|figures| figures.retransmitted),
                ..LinkFigures::default()
            },
        })
    }

    fn close(mut self: Box<Self>, bound: Duration) {
        self.dialogue.leave(bound);
    }
}
