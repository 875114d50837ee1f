//! The sound of one source: a ring read by a slowly chasing resampler.
//!
//! Samples are kept on the source's own sample timeline. Each tick reads exactly the samples the program needs; the read
//! position chases the due time by at most ±0.4 %, and jumps only beyond 20 ms. Within a dead band of half a
//! millisecond samples are copied unchanged.
//!
//! All channels that arrive are kept; what becomes of them is the program's business. What was read stays for a while, so
//! that the sound can be delayed against its picture while on air: at a change of the delay the old place fades out
//! while the new one fades in.

use std::collections::VecDeque;

/// Beyond this the read position jumps, seconds.
const JUMP: f64 = 0.020;
/// Within this samples are copied unchanged, seconds.
const DEAD_BAND: f64 = 0.0005;
/// Largest deviation of the reading speed.
const CHASE: f64 = 0.004;
/// An arriving buffer further than this from where it belongs is a gap or an overlap, nanoseconds.
const SEAM: i64 = 30_000_000;
/// Most sound held, seconds.
const CAPACITY: usize = 4;
/// Sound that was read is kept for this long, seconds: a little more than the longest delay.
const KEPT: i64 = 2;
/// A change of the delay crossfades for this long, parts of a second.
const FADE: u32 = 100;

/// Interleaved samples of one connection.
#[derive(Debug)]
pub(crate) struct Sound {
    rate: u32,
    channels: usize,
    ring: VecDeque<f32>,
    /// Stamp of frame 0 of the timeline; none before the first buffer.
    origin: Option<i64>,
    /// Frame number of the ring's front.
    front: i64,
    /// Where reading goes on, in frames; none before the first read.
    read: Option<f64>,
    /// The same for who records the source by itself.
    alone: Option<f64>,
    /// How much later than due it is read, nanoseconds.
    delay: i64,
    /// Another delay, to be faded to.
    next_delay: Option<i64>,
    starved: u64,
    jumps: u64,
}

impl Sound {
    /// Sound of `channels` interleaved channels at `rate`.
    pub(crate) fn new(rate: u32, channels: u8) -> Self {
        Self {
            rate,
            channels: channels.into(),
            ring: VecDeque::new(),
            origin: None,
            front: 0,
            read: None,
            alone: None,
            delay: 0,
            next_delay: None,
            starved: 0,
            jumps: 0,
        }
    }

    /// Channels of what is held.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// From now on so many channels arrive.
    pub(crate) fn arrange(&mut self, channels: u8) {
        if self.channels != usize::from(channels) {
            self.clear();
            self.channels = channels.into();
        }
    }

    /// Reads `delay` nanoseconds later than due from now on.
    pub(crate) fn set_delay(&mut self, delay: i64) {
        self.next_delay = (delay != self.delay).then_some(delay);
    }

    /// Forgets all samples; the counters stay.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
        (self.origin, self.front, self.read, self.alone) = (None, 0, None, None);
    }

    fn frames(&self) -> i64 {
        (self.ring.len() / self.channels) as i64
    }

    fn nanos_of(&self, frames: i64) -> i64 {
        (i128::from(frames) * 1_000_000_000 / i128::from(self.rate)) as i64
    }

    fn frames_of(&self, nanos: i64) -> i64 {
        (i128::from(nanos) * i128::from(self.rate) / 1_000_000_000) as i64
    }

    /// Appends interleaved `samples`, the first of which has `stamp`.
    pub(crate) fn push(&mut self, stamp: i64, samples: &[f32]) {
        let origin = *self.origin.get_or_insert(stamp);
        let end = self.front + self.frames();
        let error = stamp - (origin + self.nanos_of(end));
        let mut samples = samples;
        if error.abs() <= SEAM {
            // Timestamps jitter; samples do not. Follow their mean only.
            self.origin = Some(origin + error / 32);
        } else if error > 0 {
            let gap = self.frames_of(error).min(i64::from(self.rate) * CAPACITY as i64);
            self.ring.extend(std::iter::repeat_n(0.0, gap as usize * self.channels));
            self.origin = Some(stamp - self.nanos_of(end + gap));
        } else {
            let overlap = (self.frames_of(-error) as usize * self.channels).min(samples.len());
            samples = &samples[overlap..];
        }
        self.ring.extend(samples);
        let excess = self.ring.len().saturating_sub(self.rate as usize * CAPACITY * self.channels);
        let excess = excess - excess % self.channels;
        self.ring.drain(..excess);
        self.front += (excess / self.channels) as i64;
    }

    /// Fills `out` (interleaved) with the sound due from `stamp` on; what is missing is silence.
    pub(crate) fn read(&mut self, stamp: i64, out: &mut [f32]) {
        let Some(next) = self.next_delay.take() else {
            self.read_at(stamp - self.delay, out);
            return;
        };
        let mut leaving = vec![0.0; out.len()];
        self.read_at(stamp - self.delay, &mut leaving);
        (self.delay, self.read) = (next, None);
        self.read_at(stamp - next, out);
        let fade = (self.rate / FADE).max(1) as usize;
        let frames = out.chunks_exact_mut(self.channels).zip(leaving.chunks_exact(self.channels));
        for (n, (frame, leaving)) in frames.take(fade).enumerate() {
            let gain = n as f32 / fade as f32;
            frame.iter_mut().zip(leaving).for_each(|(new, old)| *new = *new * gain + old * (1.0 - gain));
        }
    }

    /// The same for who records the source by itself, whatever else reads it. A change of the delay is not faded.
    pub(crate) fn read_alone(&mut self, stamp: i64, out: &mut [f32]) {
        // What is missing, and what is jumped over, is counted where the program reads it.
        let (jumps, starved) = (self.jumps, self.starved);
        let program = std::mem::replace(&mut self.read, self.alone);
        self.read_at(stamp - self.delay, out);
        self.alone = std::mem::replace(&mut self.read, program);
        (self.jumps, self.starved) = (jumps, starved);
    }

    fn read_at(&mut self, stamp: i64, out: &mut [f32]) {
        let Some(origin) = self.origin else {
            out.fill(0.0);
            return;
        };
        let rate = f64::from(self.rate);
        let target = (stamp - origin) as f64 * rate / 1e9;
        let mut position = self.read.unwrap_or(target.round());
        let error = target - position;
        let step = if error.abs() > JUMP * rate {
            self.jumps += u64::from(self.read.is_some());
            position = target.round();
            1.0
        } else if error.abs() <= DEAD_BAND * rate {
            position = position.round();
            1.0
        } else {
            1.0 + (error / (2.0 * rate)).clamp(-CHASE, CHASE)
        };
        for frame in out.chunks_exact_mut(self.channels) {
            if !self.sample(position, frame) {
                self.starved += 1;
            }
            position += step;
        }
        self.read = Some(position);
        self.forget_before(position as i64 - KEPT * i64::from(self.rate));
    }

    fn forget_before(&mut self, frame: i64) {
        let count = (frame - self.front).clamp(0, self.frames());
        self.ring.drain(..count as usize * self.channels);
        self.front += count;
    }

    /// The sample frame at `position`, by 4-point Hermite interpolation between samples. False if it is not there.
    fn sample(&self, position: f64, out: &mut [f32]) -> bool {
        let base = position.floor();
        let fraction = (position - base) as f32;
        let index = base as i64 - self.front;
        if index < 0 || index >= self.frames() {
            out.fill(0.0);
            return false;
        }
        let at = |offset: i64, channel: usize| {
            let frame = (index + offset).clamp(0, self.frames() - 1) as usize;
            self.ring[frame * self.channels + channel]
        };
        for (channel, value) in out.iter_mut().enumerate() {
            *value = if fraction == 0.0 {
                at(0, channel)
            } else {
                hermite([at(-1, channel), at(0, channel), at(1, channel), at(2, channel)], fraction)
            };
        }
        true
    }

    /// Sample frames that were due and not there.
    pub(crate) fn starved(&self) -> u64 {
        self.starved
    }
}

/// Catmull-Rom between `y[1]` and `y[2]`.
fn hermite(y: [f32; 4], x: f32) -> f32 {
    let c1 = 0.5 * (y[2] - y[0]);
    let c2 = y[0] - 2.5 * y[1] + 2.0 * y[2] - 0.5 * y[3];
    let c3 = 0.5 * (y[3] - y[0]) + 1.5 * (y[1] - y[2]);
    ((c3 * x + c2) * x + c1) * x + y[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_763_000_000_000_000_000;

    /// A ramp in which every sample says its own number.
    fn ramp(from: usize, count: usize) -> Vec<f32> {
        (from..from + count).map(|n| n as f32).collect()
    }

    #[test]
    fn sound_on_time_is_copied_unchanged() {
        let mut sound = Sound::new(48_000, 1);
        for n in 0..10 {
            sound.push(START + n * 20_000_000 + n % 3 * 1000, &ramp(n as usize * 960, 960));
        }
        let mut out = vec![0.0; 1600];
        for tick in 0..5 {
            sound.read(START + tick * 33_333_333, &mut out);
            assert_eq!(out, ramp(tick as usize * 1600, 1600), "tick {tick}");
        }
        assert_eq!(sound.starved(), 0);
    }

    #[test]
    fn a_due_time_that_creeps_is_chased_without_a_jump() {
        let mut sound = Sound::new(48_000, 1);
        let mut out = vec![0.0; 480];
        let mut last = 0.0;
        for n in 0..2000i64 {
            sound.push(START + n * 10_000_000, &ramp(n as usize * 480, 480));
            if n < 10 {
                continue;
            }
            // The due time falls behind by 0.1 %: the delay is being slewed.
            sound.read(START + (n - 10) * 10_000_000 - (n - 10) * 10_000, &mut out);
            for sample in &out {
                let step = sample - last;
                assert!(n == 10 || (0.5..1.6).contains(&step), "step {step} at {n}");
                last = *sample;
            }
        }
        assert_eq!((sound.starved(), sound.jumps), (0, 0));
    }

    #[test]
    fn a_gap_is_silence_and_an_overlap_is_trimmed() {
        let mut sound = Sound::new(48_000, 1);
        sound.push(START, &[1.0; 4800]);
        sound.push(START + 200_000_000, &[2.0; 4800]);
        sound.push(START + 250_000_000, &[3.0; 4800]);
        let mut out = vec![9.0; 16800];
        sound.read(START, &mut out);
        assert_eq!((out[4799], out[4800], out[9599], out[9600], out[14399]), (1.0, 0.0, 0.0, 2.0, 2.0));
        assert_eq!((out[14400], out[16799]), (3.0, 3.0));
    }

    #[test]
    fn what_is_missing_is_silence_and_counted() {
        let mut sound = Sound::new(48_000, 2);
        sound.push(START, &[0.5; 200]);
        let mut out = vec![9.0; 400];
        sound.read(START, &mut out);
        assert_eq!((out[199], out[200], sound.starved()), (0.5, 0.0, 100));
    }

    #[test]
    fn two_readers_hear_the_same_and_do_not_disturb_each_other() {
        let mut sound = Sound::new(48_000, 1);
        (0..20).for_each(|n| sound.push(START + n * 100_000_000, &ramp(n as usize * 4800, 4800)));
        let (mut program, mut alone) = (vec![0.0; 1920], vec![0.0; 1920]);
        for tick in 0..40 {
            sound.read_alone(START + tick * 40_000_000, &mut alone);
            assert_eq!(alone, ramp(tick as usize * 1920, 1920), "tick {tick}");
            // The program has the source on air now and then.
            if tick % 10 < 5 {
                sound.read(START + tick * 40_000_000, &mut program);
                assert_eq!(program, alone, "tick {tick}");
            }
        }
        sound.read_alone(START + 3_000_000_000, &mut alone);
        assert_eq!((alone[0], sound.starved()), (0.0, 0), "silence, and not counted twice");
    }

    #[test]
    fn another_delay_is_faded_to() {
        let mut sound = Sound::new(48_000, 1);
        (0..30).for_each(|n| sound.push(START + n * 100_000_000, &ramp(n as usize * 4800, 4800)));
        let mut out = vec![0.0; 4800];
        (0..10).for_each(|tick| sound.read(START + tick * 100_000_000, &mut out));
        sound.set_delay(200_000_000);
        sound.read(START + 1_000_000_000, &mut out);
        assert_eq!((out[0], out[240], out[480], out[4799]), (48_000.0, 43_440.0, 38_880.0, 43_199.0));
        sound.read(START + 1_100_000_000, &mut out);
        assert_eq!((out[0], sound.starved(), sound.jumps), (43_200.0, 0, 0));
        sound.set_delay(0);
        sound.read(START + 1_200_000_000, &mut out);
        assert_eq!((out[0], out[480]), (48_000.0, 58_080.0));
    }

    #[test]
    fn a_source_that_runs_ahead_is_bounded() {
        let mut sound = Sound::new(48_000, 2);
        for n in 0..100 {
            sound.push(START + n * 100_000_000, &[0.0; 9600]);
        }
        assert_eq!(sound.ring.len(), 48_000 * 2 * CAPACITY);
    }
}
