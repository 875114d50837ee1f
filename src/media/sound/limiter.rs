//! A true-peak limiter with look-ahead.
//!
//! The peaks between samples are found by fourfold oversampling, as ITU-R BS.1770-4 annex 2 measures them. The gain that
//! the highest of them needs is in force [`LOOK_AHEAD_MS`] before it comes, reached in a straight line, and let go of
//! with a time constant of [`RELEASE`]. All channels get the same gain, so that the stereo image stays.
//!
//! The sound leaves late by the look-ahead. Whoever stamps it takes that off again, so that it stays with its picture.

use std::collections::VecDeque;

use super::meter::{decibels, factor};

/// How long before a peak the gain begins to fall, milliseconds.
const LOOK_AHEAD_MS: u32 = 5;
/// Time constant of the return, seconds.
const RELEASE: f32 = 0.1;
/// Samples that a point between two samples is computed from.
const TAPS: usize = 12;
/// Points per sample.
const PHASES: usize = 4;
/// A peak between samples is never more than this many times the highest sample around it.
const MOST_BETWEEN: f32 = 2.0;
/// What the finite interpolation may miss, dB.
const MARGIN_DB: f32 = 0.2;

/// The limiter of one mix.
#[derive(Debug)]
pub(super) struct Limiter {
    channels: usize,
    limit: f32,
    points: [[f32; TAPS]; PHASES],
    /// Samples of the look-ahead; the last [`TAPS`] frames are also what the next point is computed from.
    waiting: VecDeque<f32>,
    /// Gains that peaks need, the smallest first, with their time; those that no later one undercuts.
    needed: VecDeque<(u64, f32)>,
    hold: u64,
    /// The gains of the last `smooth` samples, and their sum.
    recent: VecDeque<f32>,
    sum: f64,
    release: f32,
    held: f32,
    time: u64,
    /// The smallest gain since it was asked for.
    smallest: f32,
}

impl Limiter {
    /// Sample frames by which the sound leaves late.
    pub(super) fn latency(rate: u32) -> usize {
        (rate * LOOK_AHEAD_MS / 1000) as usize
    }

    /// Keeps true peaks below `limit_dbtp`.
    pub(super) fn new(rate: u32, channels: usize, limit_dbtp: f64) -> Self {
        let delay = Self::latency(rate);
        // A point is known TAPS / 2 samples late; the straight line must be through when the peak leaves.
        let smooth = delay - TAPS;
        Self {
            channels,
            limit: factor(limit_dbtp as f32 - MARGIN_DB),
            points: points(),
            waiting: VecDeque::from(vec![0.0; delay * channels]),
            needed: VecDeque::new(),
            hold: delay as u64 + 8,
            recent: VecDeque::from(vec![1.0; smooth]),
            sum: smooth as f64,
            release: 1.0 - (-1.0 / (RELEASE * rate as f32)).exp(),
            held: 1.0,
            time: 0,
            smallest: 1.0,
        }
    }

    /// What it took away at most since this was asked last, dB, at most 0.
    pub(super) fn reduction_db(&mut self) -> f64 {
        decibels(std::mem::replace(&mut self.smallest, 1.0).into()).min(0.0)
    }

    /// Limits interleaved `sound` in place; what leaves is what came `latency` before.
    pub(super) fn process(&mut self, sound: &mut [f32]) {
        let before = self.waiting.len() - TAPS * self.channels;
        let around = self.waiting.range(before..).chain(sound.iter()).fold(0.0f32, |peak, s| peak.max(s.abs()));
        let quiet = around * MOST_BETWEEN < self.limit;
        for frame in sound.chunks_exact_mut(self.channels) {
            self.waiting.extend(frame.iter());
            let needed = if quiet { 1.0 } else { self.needed_now() };
            let gain = self.smoothed(needed);
            for sample in frame {
                // What leaves first is there: as much came in as goes out.
                *sample = self.waiting.pop_front().unwrap_or(0.0) * gain;
            }
        }
    }

    /// The gain that the newest known point needs.
    fn needed_now(&self) -> f32 {
        let first = self.waiting.len() - TAPS * self.channels;
        let mut peak = 0.0f32;
        for channel in 0..self.channels {
            let mut samples = [0.0; TAPS];
            for (n, sample) in samples.iter_mut().enumerate() {
                *sample = self.waiting[first + n * self.channels + channel];
            }
            for phase in &self.points {
                let point: f32 = phase.iter().zip(&samples).map(|(weight, sample)| weight * sample).sum();
                peak = peak.max(point.abs());
            }
        }
        if peak > self.limit { self.limit / peak } else { 1.0 }
    }

    fn smoothed(&mut self, needed: f32) -> f32 {
        self.time += 1;
        if needed < 1.0 {
            while self.needed.back().is_some_and(|(_, gain)| *gain >= needed) {
                self.needed.pop_back();
            }
            self.needed.push_back((self.time, needed));
        }
        while self.needed.front().is_some_and(|(time, _)| time + self.hold <= self.time) {
            self.needed.pop_front();
        }
        let least = self.needed.front().map_or(1.0, |(_, gain)| *gain);
        self.held = if least < self.held { least } else { self.held + (least - self.held) * self.release };
        let oldest = self.recent.pop_front().unwrap_or(1.0);
        self.recent.push_back(self.held);
        self.sum += f64::from(self.held) - f64::from(oldest);
        let gain = ((self.sum / self.recent.len() as f64) as f32).min(1.0);
        self.smallest = self.smallest.min(gain);
        gain
    }
}

/// Weights of the samples around a point, for each of the points between two samples: a windowed sinc.
fn points() -> [[f32; TAPS]; PHASES] {
    let half = TAPS as f64 / 2.0;
    let weight = |phase: usize, tap: usize| {
        let distance = half - 1.0 + phase as f64 / PHASES as f64 - tap as f64;
        if distance == 0.0 {
            return 1.0;
        }
        let angle = std::f64::consts::PI * distance;
        let window = (angle / (2.0 * half)).cos().powi(2);
        (angle.sin() / angle * window) as f32
    };
    std::array::from_fn(|phase| std::array::from_fn(|tap| weight(phase, tap)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebur128::{EbuR128, Mode};

    const RATE: u32 = 48_000;

    fn limited(sound: &[f32], limit: f64) -> Vec<f32> {
        let mut limiter = Limiter::new(RATE, 1, limit);
        let mut out = sound.to_vec();
        // Ticks of odd lengths: 29.97 frames per second.
        out.chunks_mut(1601).for_each(|tick| limiter.process(tick));
        out
    }

    fn true_peak(sound: &[f32]) -> f64 {
        let mut meter = EbuR128::new(1, RATE, Mode::TRUE_PEAK).unwrap();
        meter.add_frames_f32(sound).unwrap();
        decibels(meter.true_peak(0).unwrap())
    }

    fn noise(amplitude: f32) -> Vec<f32> {
        let mut random = fastrand::Rng::with_seed(7);
        let burst = |n: usize| if (n / 4800).is_multiple_of(3) { 1.0 } else { 0.05 };
        (0..96_000).map(|n| (random.f32() * 2.0 - 1.0) * amplitude * burst(n)).collect()
    }

    #[test]
    fn what_is_below_the_limit_is_only_late() {
        let sound: Vec<f32> = noise(0.3);
        let out = limited(&sound, -1.0);
        let late = Limiter::latency(RATE);
        assert_eq!(out[late..], sound[..sound.len() - late]);
        assert!(out[..late].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn true_peaks_stay_below_the_limit() {
        // The sine of a quarter of the sampling rate, 45 degrees off the samples: 3 dB more than its samples (EBU Tech 3341).
        let sine = |n: usize| (n as f32 * std::f32::consts::FRAC_PI_2 + std::f32::consts::FRAC_PI_4).sin();
        let sine: Vec<f32> = (0..48_000).map(sine).collect();
        for (sound, what) in [(sine, "a sine"), (noise(1.9), "noise"), (noise(8.0), "much too loud")] {
            for limit in [-1.0, -3.0] {
                let peak = true_peak(&limited(&sound, limit));
                assert!(peak <= limit + 0.05, "{what}: {peak:.2} dBTP with {limit}");
                assert!(peak > limit - 1.5, "{what}: {peak:.2} dBTP with {limit}");
            }
        }
    }

    #[test]
    fn its_gain_has_no_steps() {
        let mut sound = vec![0.5; 48_000];
        sound[4800] = 4.0;
        let out = limited(&sound, -1.0);
        let steps = out.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let peak = 4800 + Limiter::latency(RATE);
        let most = steps.enumerate().filter(|(n, _)| n.abs_diff(peak) > 1 && *n > 500).map(|(_, step)| step);
        assert!(most.fold(0.0, f32::max) < 0.01);
        assert!((out[47_000] - 0.5).abs() < 0.01, "it comes back: {}", out[47_000]);
    }
}
