//! A transport stream on its way: multiplexer, shaper, and whatever carries the packets.

use std::time::{Duration, Instant};

use gstreamer as gst;

use super::blame;
use super::carrier::{Broken, Carrier, Progress, TrackIndex};
use super::ts::{Layout, Mux, PACKET, Shaper, TrackKind, Unit};
use super::weave::decoded;
use crate::media::encode::AccessUnit;
use crate::model::{BitRate, Cued, MediaTime};
use crate::plan::{SendPlan, TsPlan};

/// What a decoder buffers when units leave as they are encoded.
const LEAD: Duration = Duration::from_millis(300);
/// The same at a constant rate, at which a keyframe takes its time.
const CONSTANT_LEAD: Duration = Duration::from_millis(1000);

/// Carries packets. Nothing in it waits for the peer for longer than a moment.
pub(super) trait Transport {
    /// Takes whole packets.
    fn send(&mut self, packets: &[u8]) -> Result<(), Broken>;
    /// Whether more waits than should.
    fn is_full(&self) -> bool;
    /// How far it has come.
    fn progress(&mut self, now: Instant) -> Result<Progress, Broken>;
    /// Closes, within `bound`.
    fn close(self: Box<Self>, bound: Duration);
}

/// See the module's header.
pub(super) struct Stream {
    mux: Mux,
    shaper: Option<Shaper>,
    transport: Box<dyn Transport>,
    rate: BitRate,
    opened: Instant,
    packets: Vec<u8>,
}

impl Stream {
    /// Around a transport; `spread` where bursts would be lost on the way.
    pub(super) fn new(plan: &SendPlan, ts: &TsPlan, transport: Box<dyn Transport>, spread: bool, now: Instant) -> Self {
        let peak = peak(plan);
        let (rate, constant) = ts.bitrate.map_or((BitRate(peak.bps() * 3), false), |rate| (rate, true));
        let shaper = (constant || spread).then(|| Shaper::new(rate, constant));
        let mux = Mux::new(layout(plan, ts));
        Self { mux, shaper, transport, rate, opened: now, packets: Vec::new() }
    }
}

/// What the renditions take at most, with what a transport stream adds.
pub(super) fn peak(plan: &SendPlan) -> BitRate {
    let video = plan.video.as_ref().map_or(0, |video| video.max_bitrate.bps());
    let audio: u64 = plan.audio.iter().map(|audio| audio.bitrate.bps() * 5 / 4).sum();
    BitRate((video + audio) * 21 / 20 + 50_000)
}

fn layout(plan: &SendPlan, ts: &TsPlan) -> Layout {
    let video = plan.video.iter().map(|video| (ts.video_pid, TrackKind::Picture(video.codec)));
    let audio =
        plan.audio.iter().zip(ts.audio_pid..).map(|(audio, pid)| (pid, TrackKind::Sound(audio.language.clone())));
    Layout {
        name: ts.name.clone(),
        program: ts.program,
        map_pid: ts.map_pid,
        tracks: video.chain(audio).collect(),
        splices: ts.splices,
        lead: if ts.bitrate.is_some() { CONSTANT_LEAD } else { LEAD },
    }
}

/// The parameter sets that come with a unit.
pub(super) fn codec_data(unit: &AccessUnit) -> Option<Vec<u8>> {
    let data = unit.caps.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    Some(data.map_readable().ok()?.to_vec())
}

impl Carrier for Stream {
    fn configure(&mut self, track: TrackIndex, unit: &AccessUnit) -> Result<(), Broken> {
        let understood = codec_data(unit).is_some_and(|data| self.mux.configure(track, &data));
        if understood { Ok(()) } else { Err(blame::unfit(&unit.rendition)) }
    }

    fn put(&mut self, track: TrackIndex, unit: &AccessUnit, cued: &Cued) -> Result<(), Broken> {
        let data = unit.buffer.map_readable().map_err(|error| Broken::ours(error.to_string()))?;
        let (pts, dts, duration) = (unit.pts, decoded(unit), unit.duration);
        let unit = Unit { track, pts, dts, duration, key: unit.key, data: &data };
        self.packets.clear();
        let put = self.mux.put(&unit, cued, &mut self.packets);
        put.ok_or_else(|| Broken::ours("a unit is not framed as its parameter sets say"))?;
        match &mut self.shaper {
            Some(shaper) => shaper.put(&self.packets),
            None if self.packets.is_empty() => {}
            None => self.transport.send(&self.packets)?,
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.transport.is_full()
    }

    fn tick(&mut self, now: Instant) -> Result<Progress, Broken> {
        let mut queue = Duration::ZERO;
        let mut dropped = None;
        if let Some(shaper) = &mut self.shaper {
            self.packets.clear();
            let passed = now.saturating_duration_since(self.opened).as_nanos() as u64;
            shaper.due(MediaTime::from_nanos(passed), &mut self.packets);
            if !self.packets.is_empty() {
                self.transport.send(&self.packets)?;
            }
            let bits = (shaper.level() * PACKET * 8) as u64;
            queue = Duration::from_millis(bits * 1000 / self.rate.bps().max(1));
            dropped = Some(shaper.dropped());
        }
        let mut progress = self.transport.progress(now)?;
        progress.queue += queue;
        if let Some(dropped) = dropped {
            progress.link.packets_dropped = Some(progress.link.packets_dropped.unwrap_or(0) + dropped);
        }
        Ok(progress)
    }

    fn close(self: Box<Self>, bound: Duration) {
        self.transport.close(bound);
    }
}
