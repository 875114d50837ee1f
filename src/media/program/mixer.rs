//! The sound of the program, a tick at a time: the strips of the sources that are on air, summed, corrected, measured.
//!
//! See [`crate::media::sound`] for the way of the sound. A source that comes on air or leaves it is faded; the fade's
//! length is the caller's: [`CUT`] for a cut, the length of the dissolve for a dissolve. What leaves is late by
//! [`Mixer::latency`] samples, which its timestamp takes off.

use std::sync::Arc;
use std::time::Duration;

use crate::media::EventSink;
use crate::media::feed::Feed;
use crate::media::sound::{Corrector, Desk, Heard, Levels, LoudnessMeter, Peaks, Ramp, Readings, Strip, Watch, factor};
use crate::model::sound::{LiveSound, SoundOverride, SoundSetting};
use crate::model::{AudioFormat, Event, EventCode, MediaTime, Severity, SourceId};
use crate::plan::{ChannelPlan, SoundPlan};

/// A cut fades for this long: long enough not to click, too short to hear.
pub(crate) const CUT: Duration = Duration::from_millis(10);
/// A change of gain takes this long.
const GAIN_RAMP: Duration = Duration::from_millis(10);
/// Between two readings of the meters.
const READING: Duration = Duration::from_millis(200);

/// A source that is on air.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Voice {
    /// Its rank.
    pub(crate) rank: usize,
    /// How loud, 1 is as it is set.
    pub(crate) level: f32,
}

/// The sound of one source.
struct Source {
    id: SourceId,
    feed: Arc<Feed>,
    strip: Strip,
    configured: SoundSetting,
    delay_ms: i32,
}

/// What is heard together.
struct Mix {
    channels: Vec<usize>,
    corrector: Option<Corrector>,
    meter: Option<LoudnessMeter>,
    watch: Watch,
}

/// Mixes, and remembers levels.
pub(crate) struct Mixer {
    format: AudioFormat,
    desk: Arc<Desk>,
    sources: Vec<Source>,
    gain: Ramp,
    mixes: Vec<Mix>,
    latency: u64,
    peaks: Peaks,
    read_at: Option<MediaTime>,
    events: EventSink,
    /// What a feed gave, kept to spare an allocation.
    taken: Vec<f32>,
    plan: SoundPlan,
    /// What operators have set.
    live: LiveSound,
}

impl Mixer {
    /// Mixes `feeds`, by rank, as `plan` and `desk` say.
    pub(crate) fn new(
        plan: &ChannelPlan,
        feeds: Vec<Arc<Feed>>,
        desk: Arc<Desk>,
        events: EventSink,
        at: MediaTime,
    ) -> Self {
        let format = plan.program.audio;
        let source = |(source, feed): (&crate::plan::SourcePlan, Arc<Feed>)| {
            let sound = plan.sound.sources.get(&source.id).cloned().unwrap_or_default();
            let strip =
                Strip::new(sound.map, plan.sound.layout, format.channels, format.sample_rate, gain(sound.setting));
            Source { id: source.id.clone(), feed, strip, configured: sound.setting, delay_ms: 0 }
        };
        let sources = plan.sources.iter().zip(feeds).map(source).collect();
        let corrected = plan.sound.correction.is_some();
        let mixes = plan.sound.layout.mixes(format.channels).into_iter();
        Self {
            format,
            desk,
            sources,
            gain: Ramp::at(1.0),
            mixes: mixes.map(|channels| Mix::new(channels, format, &plan.sound, at)).collect(),
            latency: if corrected { Corrector::latency(format.sample_rate) as u64 } else { 0 },
            peaks: Peaks::new(format.sample_rate),
            read_at: None,
            events,
            taken: Vec::new(),
            plan: plan.sound.clone(),
            live: LiveSound::default(),
        }
    }

    /// Other sources by rank, treated as `plan` says. Who stays goes on as it was.
    pub(crate) fn rearrange(&mut self, sources: &[Arc<crate::media::source::Source>], plan: SoundPlan, at: MediaTime) {
        let mut before = std::mem::take(&mut self.sources);
        let format = self.format;
        let arranged = sources.iter().map(|one| {
            let sound = plan.sources.get(&one.plan().id).cloned().unwrap_or_default();
            let known = before.iter().position(|source| Arc::ptr_eq(&source.feed, one.feed()));
            let mut source = known.map(|place| before.swap_remove(place)).unwrap_or_else(|| {
                let strip = Strip::new(None, plan.layout, format.channels, format.sample_rate, gain(sound.setting));
                let (id, feed) = (one.plan().id.clone(), Arc::clone(one.feed()));
                Source { id, feed, strip, configured: sound.setting, delay_ms: 0 }
            });
            source.strip.set_map(sound.map);
            source.configured = sound.setting;
            source
        });
        self.sources = arranged.collect();
        if plan.alarms != self.plan.alarms {
            for mix in &mut self.mixes {
                mix.watch = Watch::new(format.sample_rate, &mix.channels, plan.alarms, plan.true_peak_max, at);
            }
        }
        self.plan = plan;
        let live = self.live.clone();
        self.set(&live);
    }

    /// Only these are left, in this order.
    pub(crate) fn keep(&mut self, sources: &[Arc<crate::media::source::Source>]) {
        self.sources.retain(|source| sources.iter().any(|one| Arc::ptr_eq(one.feed(), &source.feed)));
    }

    /// Whether nothing is heard of the source of this rank.
    pub(crate) fn is_out(&self, rank: usize) -> bool {
        self.sources.get(rank).is_none_or(|source| source.strip.is_out())
    }

    /// Samples by which what leaves is late.
    pub(crate) fn latency(&self) -> u64 {
        self.latency
    }

    /// Sample peak of the last second per channel, dBFS.
    pub(crate) fn peaks(&self) -> Vec<f32> {
        self.peaks.dbfs(self.format.channels.into())
    }

    /// Sample peak of the last tick per channel, as amplitudes.
    pub(crate) fn newest_peaks(&self) -> &[f32] {
        self.peaks.newest()
    }

    /// `frames` sample frames of the sources `on_air` from `at` on (none of them for the slate), as interleaved F32LE
    /// bytes. Who comes or goes is faded for `fade`.
    pub(crate) fn mix(&mut self, at: MediaTime, frames: usize, on_air: &[Voice], fade: Duration) -> Vec<u8> {
        self.obey(at);
        let channels = usize::from(self.format.channels);
        let mut sound = vec![0.0f32; frames * channels];
        let fade = samples(fade, self.format);
        for (rank, source) in self.sources.iter_mut().enumerate() {
            let level = on_air.iter().find(|voice| voice.rank == rank).map_or(0.0, |voice| voice.level);
            source.strip.fade(level, fade);
            if !source.strip.is_out() {
                let arriving = source.feed.take_sound(at, frames, &mut self.taken);
                source.strip.add(arriving, &self.taken, &mut sound);
            }
        }
        for frame in sound.chunks_exact_mut(channels) {
            let gain = self.gain.next();
            frame.iter_mut().for_each(|sample| *sample *= gain);
        }
        let mut levels = Levels::default();
        for mix in &mut self.mixes {
            for event in mix.process(at, &mut sound, channels, !on_air.is_empty(), &mut levels) {
                (self.events)(event);
            }
        }
        self.peaks.add(frames, levels.peak);
        self.publish(at);
        sound.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    /// Takes over what was asked at the desk.
    fn obey(&mut self, at: MediaTime) {
        let Some(mut asked) = self.desk.take() else { return };
        if let Some(sound) = asked.sound.take() {
            self.set(&sound);
            self.live = sound;
        }
        if asked.restart {
            self.mixes.iter_mut().filter_map(|mix| mix.meter.as_mut()).for_each(|meter| meter.restart(at));
            let text = "integrated loudness, loudness range and true peaks are measured anew";
            (self.events)(Event::new(at, Severity::Info, EventCode::LoudnessRestarted, text));
            self.read_at = None;
        }
        asked.settle(at);
    }

    fn set(&mut self, sound: &LiveSound) {
        let ramp = samples(GAIN_RAMP, self.format);
        let program = sound.program.over(SoundSetting::default());
        self.gain.go(gain(program), ramp);
        for source in &mut self.sources {
            let set = sound.sources.get(&source.id).copied().unwrap_or(SoundOverride::default());
            let setting = set.over(source.configured);
            source.strip.set_gain(gain(setting), ramp);
            let delay_ms = setting.delay_ms + program.delay_ms;
            if delay_ms != source.delay_ms {
                source.delay_ms = delay_ms;
                source.feed.set_delay(delay_ms);
            }
        }
    }

    fn publish(&mut self, at: MediaTime) {
        if self.read_at.is_some_and(|last| at.since(last) < READING) {
            return;
        }
        self.read_at = Some(at);
        let loudness = self.mixes.iter_mut().filter_map(Mix::loudness).collect();
        let states = self.mixes.iter().flat_map(|mix| mix.watch.states()).collect();
        self.desk.publish(Readings { loudness, states });
    }
}

impl Mix {
    fn new(channels: Vec<usize>, format: AudioFormat, plan: &SoundPlan, at: MediaTime) -> Self {
        let (rate, limit) = (format.sample_rate, plan.true_peak_max);
        let told = |error: &ebur128::Error| tracing::warn!(%error, "no loudness meter");
        let corrector = |correction| Corrector::new(rate, channels.len(), correction, limit).inspect_err(told).ok();
        Self {
            corrector: plan.correction.and_then(corrector),
            meter: LoudnessMeter::new(rate, channels.clone(), at).inspect_err(told).ok(),
            watch: Watch::new(rate, &channels, plan.alarms, limit, at),
            channels,
        }
    }

    /// Corrects and measures its channels of the program's `sound`; what began or ended.
    fn process(
        &mut self,
        at: MediaTime,
        sound: &mut [f32],
        program: usize,
        on_air: bool,
        all: &mut Levels,
    ) -> Vec<Event> {
        let own: Vec<f32>;
        let samples: &[f32] = if self.channels.len() == program {
            if let Some(corrector) = &mut self.corrector {
                corrector.process(sound);
            }
            sound
        } else {
            own = self.process_part(sound, program);
            &own
        };
        let levels = Levels::of(samples, self.channels.len());
        let true_peak = match &mut self.meter {
            Some(meter) => meter.add(samples),
            None => levels.peak.iter().map(|peak| f64::from(*peak)).collect(),
        };
        let events = self.watch.see(&Heard { at, samples, levels: &levels, true_peak: &true_peak, on_air });
        all.peak.extend(levels.peak);
        all.mean_square.extend(levels.mean_square);
        events
    }

    fn process_part(&mut self, sound: &mut [f32], program: usize) -> Vec<f32> {
        let frames = sound.chunks_exact(program);
        let mut own: Vec<f32> = frames.flat_map(|frame| self.channels.iter().map(|channel| frame[*channel])).collect();
        if let Some(corrector) = &mut self.corrector {
            corrector.process(&mut own);
            let frames = sound.chunks_exact_mut(program).zip(own.chunks_exact(self.channels.len()));
            for (frame, own) in frames {
                self.channels.iter().zip(own).for_each(|(channel, sample)| frame[*channel] = *sample);
            }
        }
        own
    }

    fn loudness(&mut self) -> Option<crate::model::sound::Loudness> {
        let mut loudness = self.meter.as_ref()?.loudness();
        if let Some((rider, limiter)) = self.corrector.as_mut().map(Corrector::gains_db) {
            (loudness.correction_db, loudness.limiter_db) = (Some(rider), Some(limiter));
        }
        Some(loudness)
    }
}

fn gain(setting: SoundSetting) -> f32 {
    if setting.mute { 0.0 } else { factor(setting.gain_db) }
}

fn samples(time: Duration, format: AudioFormat) -> usize {
    (time.as_secs_f64() * f64::from(format.sample_rate)) as usize
}
