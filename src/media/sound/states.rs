//! What is wrong with the sound of one mix, and since when: silence, over-level, inverted phase, a missing channel.
//!
//! Each is a [`Lasting`] condition with the times of the stream class. Nothing is judged while the slate is shown, whose
//! sound is silence by design: what was the case before is taken up again after it.

use std::time::Duration;

use super::meter::{Levels, decibels, factor};
use crate::model::sound::{SoundFault, SoundState};
use crate::model::{Event, EventCode, Fault, MediaTime, Severity};
use crate::plan::SoundAlarmPlan;
use crate::policy::{Lasting, Turn};

/// Correlation is looked at over this time, seconds.
const CORRELATION_TIME: f64 = 0.4;
/// Phase of a channel below this is not judged, dBFS: noise has any.
const PHASE_FLOOR: f64 = -50.0;

/// What a tick of a mix was like.
pub(crate) struct Heard<'a> {
    pub(crate) at: MediaTime,
    /// Interleaved.
    pub(crate) samples: &'a [f32],
    pub(crate) levels: &'a Levels,
    /// By channel, as amplitude.
    pub(crate) true_peak: &'a [f64],
    /// Whether a source is on air.
    pub(crate) on_air: bool,
}

#[derive(Debug)]
struct Row {
    fault: SoundFault,
    lasting: Lasting,
    since: MediaTime,
    count: u64,
}

/// Watches one mix.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Program channels from 1.
    channels: Vec<u8>,
    rate: f64,
    plan: SoundAlarmPlan,
    limit: f64,
    rows: Vec<Row>,
    correlation: Correlation,
    /// The channel that is missing, in the program, from 1.
    missing: Option<u8>,
}

impl Watch {
    /// Watches the mix of program channels `channels` (from 0).
    pub(crate) fn new(rate: u32, channels: &[usize], plan: SoundAlarmPlan, limit_dbtp: f64, at: MediaTime) -> Self {
        let millis = |ms: u32| Duration::from_millis(ms.into());
        let row =
            |fault, enter| Row { fault, lasting: Lasting::new(enter, millis(plan.clear_ms)), since: at, count: 0 };
        let pair = channels.len() > 1;
        // A time of 0 means that it is no fault.
        let lasting = [
            (SoundFault::Silence, plan.silence_ms, true),
            (SoundFault::PhaseInverted, plan.phase_ms, pair),
            (SoundFault::ChannelMissing, plan.missing_ms, pair),
        ];
        let wanted = lasting.into_iter().filter(|(_, ms, applies)| *ms > 0 && *applies);
        let mut rows = vec![row(SoundFault::OverLevel, Duration::ZERO)];
        rows.extend(wanted.map(|(fault, ms, _)| row(fault, millis(ms))));
        rows.sort_by_key(|row| row.fault);
        Self {
            channels: channels.iter().map(|channel| *channel as u8 + 1).collect(),
            rate: rate.into(),
            plan,
            limit: factor(limit_dbtp as f32).into(),
            rows,
            correlation: Correlation::default(),
            missing: None,
        }
    }

    /// Looks at a tick; an event for each fault that began or ended.
    pub(crate) fn see(&mut self, heard: &Heard<'_>) -> Vec<Event> {
        let seen = |fault| heard.on_air.then(|| self.judge(fault, heard)).flatten();
        let seen = [SoundFault::Silence, SoundFault::OverLevel, SoundFault::ChannelMissing].map(seen);
        let phase = if heard.on_air { self.phase(heard) } else { None };
        if seen[2] == Some(true) {
            self.missing = self.silent_channel(heard).map(|channel| self.channels[channel]);
        }
        let mut events = Vec::new();
        for n in 0..self.rows.len() {
            let judged = match self.rows[n].fault {
                SoundFault::Silence => seen[0],
                SoundFault::OverLevel => seen[1],
                SoundFault::ChannelMissing => seen[2],
                SoundFault::PhaseInverted => phase,
            };
            let before = self.rows[n].since;
            let Some(turn) = self.rows[n].lasting.see(heard.at, judged) else { continue };
            let row = &mut self.rows[n];
            row.count += u64::from(matches!(turn, Turn::Entered(_)));
            row.since = match turn {
                Turn::Entered(since) | Turn::Cleared(since) => since,
            };
            events.push(self.event(self.rows[n].fault, turn, before, heard));
        }
        events
    }

    fn judge(&self, fault: SoundFault, heard: &Heard<'_>) -> Option<bool> {
        let silent = |channel: &usize| heard.levels.mean_dbfs(*channel) < self.plan.silence_dbfs;
        let all = || 0..self.channels.len();
        match fault {
            SoundFault::Silence => Some(all().all(|channel| silent(&channel))),
            SoundFault::OverLevel => Some(heard.true_peak.iter().any(|peak| *peak > self.limit)),
            // A pause in all channels says nothing of one of them.
            SoundFault::ChannelMissing if all().all(|channel| silent(&channel)) => None,
            SoundFault::ChannelMissing => Some(self.silent_channel(heard).is_some()),
            SoundFault::PhaseInverted => None,
        }
    }

    /// A channel that should have sound and has none. LFE and surround are often silent for good reason.
    fn silent_channel(&self, heard: &Heard<'_>) -> Option<usize> {
        (0..self.channels.len().min(3)).find(|channel| heard.levels.mean_dbfs(*channel) < self.plan.silence_dbfs)
    }

    fn phase(&mut self, heard: &Heard<'_>) -> Option<bool> {
        if self.channels.len() < 2 {
            return None;
        }
        let correlation = self.correlation.add(heard.samples, self.channels.len(), self.rate);
        let loud = (0..2).all(|channel| heard.levels.mean_dbfs(channel) > PHASE_FLOOR);
        loud.then_some(correlation < self.plan.phase_correlation)
    }

    /// How everything stands.
    pub(crate) fn states(&self) -> impl Iterator<Item = SoundState> + '_ {
        self.rows.iter().map(|row| SoundState {
            fault: row.fault,
            channels: self.channels.clone(),
            active: row.lasting.is_active(),
            since: row.since,
            count: row.count,
        })
    }

    fn event(&self, fault: SoundFault, turn: Turn, before: MediaTime, heard: &Heard<'_>) -> Event {
        let at = heard.at;
        let names: Vec<String> = self.channels.iter().map(u8::to_string).collect();
        let mix = names.join(", ");
        match turn {
            Turn::Entered(since) => {
                let (code, text, hint) = match fault {
                    SoundFault::Silence => {
                        let hint = "listen to the source; look for a mute, a fader, a cable or a wrong channel map";
                        (EventCode::SilenceBegan, format!("no sound in channels {mix} since {since}"), hint)
                    }
                    SoundFault::OverLevel => {
                        let peak = decibels(heard.true_peak.iter().copied().fold(0.0, f64::max));
                        let text =
                            format!("true peak {peak:.1} dBTP in channels {mix}, above the stream class's limit");
                        (EventCode::OverLevelBegan, text, "lower the level at the source, or turn the correction on")
                    }
                    SoundFault::PhaseInverted => {
                        let text = format!("left and right of channels {mix} cancel each other in mono since {since}");
                        let hint = "one of the two is wired with inverted polarity, or decoded wrongly: check both";
                        (EventCode::PhaseInvertedBegan, text, hint)
                    }
                    SoundFault::ChannelMissing => {
                        let missing = self.missing.map_or_else(String::new, |channel| format!(" {channel}"));
                        let text =
                            format!("channel{missing} of channels {mix} is silent since {since}, the others are not");
                        (EventCode::ChannelMissingBegan, text, "look for a cable, a fader or a wrong channel map")
                    }
                };
                Event::new(at, Severity::Warning, code, text).blame(Fault::Source, hint)
            }
            Turn::Cleared(since) => {
                let (code, what) = match fault {
                    SoundFault::Silence => (EventCode::SilenceEnded, "sound is back"),
                    SoundFault::OverLevel => (EventCode::OverLevelEnded, "true peaks are below the limit"),
                    SoundFault::PhaseInverted => (EventCode::PhaseInvertedEnded, "the phase is right"),
                    SoundFault::ChannelMissing => (EventCode::ChannelMissingEnded, "all have sound"),
                };
                let lasted = since.since(before).as_secs_f32();
                let text = format!("channels {mix}: {what} since {since}, after {lasted:.1} s");
                Event::new(at, Severity::Info, code, text)
            }
        }
    }
}

/// Correlation of the first two channels over the last moments.
#[derive(Debug, Default)]
struct Correlation {
    both: f64,
    left: f64,
    right: f64,
}

impl Correlation {
    fn add(&mut self, samples: &[f32], channels: usize, rate: f64) -> f64 {
        let keep = (-(samples.len() as f64 / channels as f64) / (CORRELATION_TIME * rate)).exp();
        (self.both, self.left, self.right) = (self.both * keep, self.left * keep, self.right * keep);
        for frame in samples.chunks_exact(channels) {
            let (left, right) = (f64::from(frame[0]), f64::from(frame[1]));
            self.both += left * right;
            self.left += left * left;
            self.right += right * right;
        }
        let power = (self.left * self.right).sqrt();
        if power > 0.0 { self.both / power } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `seconds` of sound made by `wave` (by channel and time in seconds) through `watch`, 25 ticks a second.
    fn run(watch: &mut Watch, from: u64, seconds: u64, on_air: bool, wave: impl Fn(usize, f64) -> f32) -> Vec<Event> {
        let mut events = Vec::new();
        for tick in from * 25..(from + seconds) * 25 {
            let at = MediaTime::from_nanos(1_763_000_000_000_000_000 + tick * 40_000_000);
            let time = |n: u64| (tick * 1920 + n) as f64 / 48_000.0;
            let samples: Vec<f32> = (0..1920).flat_map(|n| [wave(0, time(n)), wave(1, time(n))]).collect();
            let levels = Levels::of(&samples, 2);
            let true_peak: Vec<f64> = levels.peak.iter().map(|peak| f64::from(*peak)).collect();
            events.extend(watch.see(&Heard { at, samples: &samples, levels: &levels, true_peak: &true_peak, on_air }));
        }
        events
    }

    fn watch() -> Watch {
        let start = MediaTime::from_nanos(1_763_000_000_000_000_000);
        Watch::new(48_000, &[2, 3], SoundAlarmPlan::default(), -1.0, start)
    }

    fn tone(time: f64) -> f32 {
        (time * 440.0 * std::f64::consts::TAU).sin() as f32 * 0.3
    }

    fn codes(events: &[Event]) -> Vec<EventCode> {
        events.iter().map(|event| event.code).collect()
    }

    #[test]
    fn silence_is_told_when_it_lasted_and_when_it_is_over() {
        let mut watch = watch();
        assert_eq!(run(&mut watch, 0, 10, true, |_, time| tone(time)), []);
        assert_eq!(codes(&run(&mut watch, 10, 6, true, |_, _| 0.0)), [EventCode::SilenceBegan]);
        let state = watch.states().next().unwrap();
        assert_eq!((state.active, state.count, state.channels), (true, 1, vec![3, 4]));
        assert_eq!(state.since, MediaTime::from_nanos(1_763_000_010_000_000_000));
        let over = run(&mut watch, 16, 3, true, |_, time| tone(time));
        assert_eq!(codes(&over), [EventCode::SilenceEnded]);
        assert!(over[0].text.contains("after 6.0 s"), "{}", over[0].text);
        assert!(!watch.states().next().unwrap().active);
    }

    #[test]
    fn inverted_phase_is_told_and_a_wide_picture_is_not() {
        let mut watch = watch();
        let wide = |channel: usize, time: f64| tone(time) * 0.3 + tone(time * (1.3 + channel as f64));
        assert_eq!(run(&mut watch, 0, 10, true, wide), []);
        let inverted = |channel: usize, time: f64| if channel == 0 { tone(time) } else { -tone(time) };
        assert_eq!(codes(&run(&mut watch, 10, 5, true, inverted)), [EventCode::PhaseInvertedBegan]);
        assert_eq!(codes(&run(&mut watch, 15, 5, true, |_, time| tone(time))), [EventCode::PhaseInvertedEnded]);
    }

    #[test]
    fn a_missing_channel_is_told_and_a_pause_is_none() {
        let mut watch = watch();
        let left = |channel: usize, time: f64| if channel == 0 { tone(time) } else { 0.0 };
        assert_eq!(run(&mut watch, 0, 8, true, left), []);
        assert_eq!(run(&mut watch, 8, 4, true, |_, _| 0.0), [], "a pause of 4 s is no silence either");
        let events = run(&mut watch, 12, 4, true, left);
        assert_eq!(codes(&events), [EventCode::ChannelMissingBegan]);
        assert!(events[0].text.starts_with("channel 4 "), "{}", events[0].text);
    }

    #[test]
    fn one_peak_is_enough_for_over_level() {
        let mut watch = watch();
        let loud = |_: usize, time: f64| if time < 0.1 { 0.95 } else { tone(time) };
        assert_eq!(codes(&run(&mut watch, 0, 4, true, loud)), [EventCode::OverLevelBegan, EventCode::OverLevelEnded]);
    }

    #[test]
    fn the_slate_is_silent_by_design() {
        let mut watch = watch();
        assert_eq!(run(&mut watch, 0, 60, false, |_, _| 0.0), []);
    }
}
