//! Levels of a stretch of sound, and the highest peaks of the last second.

use std::collections::VecDeque;

/// Digital silence on a meter, dB.
pub(crate) const FLOOR: f64 = -120.0;

/// An amplitude in decibels, not below [`FLOOR`].
pub(crate) fn decibels(amplitude: f64) -> f64 {
    if amplitude > 0.0 { (20.0 * amplitude.log10()).max(FLOOR) } else { FLOOR }
}

/// The factor of a gain in decibels.
pub(crate) fn factor(decibels: f32) -> f32 {
    10f32.powf(decibels / 20.0)
}

/// Sample peak and mean square of each channel of some sound.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Levels {
    pub(crate) peak: Vec<f32>,
    pub(crate) mean_square: Vec<f64>,
}

impl Levels {
    /// Measures interleaved `samples`.
    pub(crate) fn of(samples: &[f32], channels: usize) -> Self {
        let mut levels = Self { peak: vec![0.0; channels], mean_square: vec![0.0; channels] };
        for frame in samples.chunks_exact(channels) {
            for ((peak, square), sample) in levels.peak.iter_mut().zip(&mut levels.mean_square).zip(frame) {
                *peak = peak.max(sample.abs());
                *square += f64::from(sample * sample);
            }
        }
        let frames = (samples.len() / channels).max(1) as f64;
        levels.mean_square.iter_mut().for_each(|square| *square /= frames);
        levels
    }

    /// Mean level of `channel`, dBFS (a full-scale square wave is 0).
    pub(crate) fn mean_dbfs(&self, channel: usize) -> f64 {
        decibels(self.mean_square[channel].sqrt())
    }
}

/// Sample peaks of the last second.
#[derive(Debug)]
pub(crate) struct Peaks {
    rate: usize,
    /// Sample frames of each measurement, and its peaks.
    recent: VecDeque<(usize, Vec<f32>)>,
}

impl Peaks {
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate: rate as usize, recent: VecDeque::new() }
    }

    /// `frames` more with these peaks.
    pub(crate) fn add(&mut self, frames: usize, peaks: Vec<f32>) {
        self.recent.push_back((frames, peaks));
        let mut covered: usize = self.recent.iter().map(|(frames, _)| frames).sum();
        while covered > self.rate {
            let Some((frames, _)) = self.recent.pop_front() else { break };
            covered -= frames;
        }
    }

    /// Of the last measurement, by channel, as amplitudes.
    pub(crate) fn newest(&self) -> &[f32] {
        self.recent.back().map_or(&[], |(_, peaks)| peaks)
    }

    /// dBFS per channel.
    pub(crate) fn dbfs(&self, channels: usize) -> Vec<f32> {
        let highest = |channel: usize| self.recent.iter().map(|(_, peaks)| peaks[channel]).fold(0.0, f32::max);
        (0..channels).map(|channel| decibels(highest(channel).into()) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_of_the_last_second() {
        let mut peaks = Peaks::new(1000);
        assert_eq!(peaks.dbfs(1), [-120.0]);
        assert!(peaks.newest().is_empty());
        peaks.add(100, vec![0.5]);
        assert_eq!(peaks.newest(), [0.5]);
        assert!((peaks.dbfs(1)[0] + 6.02).abs() < 0.01);
        (0..10).for_each(|_| peaks.add(100, vec![0.1]));
        assert!((peaks.dbfs(1)[0] + 20.0).abs() < 0.01);
    }

    #[test]
    fn levels_are_by_channel() {
        let levels = Levels::of(&[0.5, 0.0, -0.5, 0.1], 2);
        assert_eq!(levels.peak, [0.5, 0.1]);
        assert!((levels.mean_dbfs(0) + 6.02).abs() < 0.01);
        assert!((levels.mean_dbfs(1) + 23.01).abs() < 0.01);
    }
}
