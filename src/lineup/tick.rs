//! Finds the ticks of the tone again, to a fraction of a millisecond, after lossy coding.
//!
//! A tick is where the energy over one cycle of the tone crosses the middle between the steady level before it and the
//! steady level after it, when these are about 12 dB apart. A symmetric smear, as transform codecs leave it, does not
//! move that crossing; a programme that starts from silence or is cut in does not have these two levels.

const NANOS: i128 = 1_000_000_000;
/// Accepted rise from the steady tone to the tick, as a ratio of energies: 8 to 16 dB.
const RISE: std::ops::RangeInclusive<f64> = 6.3..=39.8;
/// A quieter burst than −18 dBFS is not a tick (mean square of a sine).
const QUIETEST: f64 = 0.0079;

/// A streaming detector for one channel.
#[derive(Debug)]
pub struct TickDetector {
    rate: u32,
    /// Running sums of squares: `sums[i]` covers the samples before sample `first + i`.
    sums: Vec<f64>,
    first: u64,
    /// The next sample to be looked at.
    next: u64,
    /// Where the next buffer should begin, in nanoseconds.
    expected: Option<u64>,
}

impl TickDetector {
    /// A detector for sound at `sample_rate` (8 kHz and up).
    pub fn new(sample_rate: u32) -> Self {
        Self { rate: sample_rate.max(8000), sums: vec![0.0], first: 0, next: 0, expected: None }
    }

    /// Takes the next samples, the first of which plays at `pts` (nanoseconds), and returns the onsets of ticks that
    /// became certain, in nanoseconds. A tick is certain 26 ms after its onset. A jump in `pts` of more than a
    /// millisecond starts afresh.
    pub fn feed(&mut self, pts: u64, samples: &[f32]) -> Vec<u64> {
        if self.expected.is_none_or(|expected| expected.abs_diff(pts) > 1_000_000) {
            *self = Self::new(self.rate);
        }
        let start = self.end();
        let mut sum = self.sums.last().copied().unwrap_or_default();
        self.sums.extend(samples.iter().map(|&sample| {
            sum += f64::from(sample) * f64::from(sample);
            sum
        }));
        self.expected = Some(pts + (samples.len() as i128 * NANOS / i128::from(self.rate)) as u64);

        let mut onsets = Vec::new();
        let behind = self.samples(26);
        self.next = self.next.max(self.first + self.samples(26));
        while self.next + behind < self.end() {
            if self.is_onset(self.next) {
                let offset = (i128::from(self.next) - i128::from(start)) * NANOS / i128::from(self.rate);
                onsets.push((i128::from(pts) + offset).max(0) as u64);
                self.next += self.samples(500);
            } else {
                self.next += 1;
            }
        }
        self.forget();
        onsets
    }

    fn is_onset(&self, at: u64) -> bool {
        let cycle = self.samples(1);
        let around = |at: u64| self.mean(at - cycle / 2, at + cycle - cycle / 2);
        let now = around(at);
        if now < QUIETEST / 4.0 {
            return false;
        }
        let before = self.mean(at - self.samples(25), at - self.samples(5));
        let after = self.mean(at + self.samples(5), at + self.samples(25));
        let middle = (before + after) / 2.0;
        after >= QUIETEST
            && before > 0.0
            && RISE.contains(&(after / before))
            && now >= middle
            && around(at - 1) < middle
    }

    fn samples(&self, millis: u64) -> u64 {
        millis * u64::from(self.rate) / 1000
    }

    fn end(&self) -> u64 {
        self.first + self.sums.len() as u64 - 1
    }

    fn mean(&self, from: u64, to: u64) -> f64 {
        let sum = |at: u64| self.sums[(at - self.first) as usize];
        (sum(to) - sum(from)) / (to - from) as f64
    }

    /// Keeps what later samples can still ask for, and the sums small.
    fn forget(&mut self) {
        let keep_from = self.next.min(self.end()).saturating_sub(self.samples(30));
        let drop = keep_from.saturating_sub(self.first) as usize;
        if drop > self.rate as usize / 4 {
            self.sums.drain(..drop);
            self.first = keep_from;
            let base = self.sums[0];
            self.sums.iter_mut().for_each(|sum| *sum -= base);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineup::tone;
    use proptest::prelude::*;

    const EPOCH: u64 = 1_763_683_200;

    fn feed_tone(rate: u32, from: u64, count: u64, chunk: u64, map: impl Fn(u64, f32) -> f32) -> Vec<u64> {
        let mut detector = TickDetector::new(rate);
        let mut onsets = Vec::new();
        let mut at = from;
        while at < from + count {
            let samples: Vec<f32> = (at..at + chunk).map(|i| map(i, tone(i, rate))).collect();
            let pts = (u128::from(at) * 1_000_000_000).div_ceil(u128::from(rate)) as u64;
            onsets.extend(detector.feed(pts, &samples));
            at += chunk;
        }
        onsets
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn every_second_is_found(rate in prop::sample::select(vec![44_100u32, 48_000]), chunk in 100u64..5000, phase in 3000u64..40_000) {
            let onsets = feed_tone(rate, EPOCH * u64::from(rate) + phase, 3 * u64::from(rate), chunk, |_, s| s);
            prop_assert_eq!(onsets.len(), 3);
            for (i, onset) in onsets.iter().enumerate() {
                prop_assert!(onset.abs_diff((EPOCH + 1 + i as u64) * 1_000_000_000) < 500_000, "{}", onset);
            }
        }
    }

    #[test]
    fn silence_a_start_and_a_steady_tone_are_no_ticks() {
        let rate = 48_000u64;
        let silent = feed_tone(48_000, EPOCH * rate, 2 * rate, 1024, |_, _| 0.0);
        let start = feed_tone(48_000, EPOCH * rate, rate - 2400, 1024, |i, s| if i % rate < 20_000 { 0.0 } else { s });
        let cut_in =
            feed_tone(48_000, EPOCH * rate + 30_000, rate, 1024, |i, s| if i % rate > 20_000 { 0.0 } else { s });
        assert_eq!((silent.len(), start.len(), cut_in.len()), (0, 0, 0));
    }

    #[test]
    fn a_jump_in_time_does_not_mix_two_sounds() {
        let mut detector = TickDetector::new(48_000);
        let quiet = vec![0.1; 4800];
        let loud = vec![0.5; 4800];
        assert!(detector.feed(0, &quiet).is_empty());
        assert!(detector.feed(5_000_000_000, &loud).is_empty());
    }
}
