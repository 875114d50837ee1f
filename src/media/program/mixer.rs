//! The sound of the program: a tick's worth at a time, with a short crossfade where the source changes, and peaks.

use std::collections::VecDeque;

use crate::media::feed::Feed;
use crate::model::{AudioFormat, MediaTime};

/// A switch crossfades for this long: long enough not to click, too short to hear.
const FADE_MILLIS: u32 = 10;
/// Digital silence on the meter.
const FLOOR_DBFS: f32 = -120.0;

/// Reads feeds and remembers levels.
#[derive(Debug)]
pub(crate) struct Mixer {
    format: AudioFormat,
    /// Peaks per channel of the last ticks with the samples they cover.
    levels: VecDeque<(usize, Vec<f32>)>,
    scratch: Vec<f32>,
}

/// A feed that is heard in a tick: its gain at the end of the last tick, and the one it shall have.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) feed: &'a Feed,
    pub(crate) from: f32,
    pub(crate) to: f32,
}

impl Mixer {
    pub(crate) fn new(format: AudioFormat) -> Self {
        Self { format, levels: VecDeque::new(), scratch: Vec::new() }
    }

    /// `count` sample frames from `at` on, the sum of `parts` (silence without any), as interleaved F32LE bytes. Each
    /// feed is read once: its gain goes from what it was to what it shall be over the first `over` sample frames.
    pub(crate) fn mix(&mut self, at: MediaTime, count: usize, over: usize, parts: &[Part<'_>]) -> Vec<u8> {
        let channels = usize::from(self.format.channels);
        let mut sound = vec![0.0f32; count * channels];
        for part in parts {
            self.scratch.resize(count * channels, 0.0);
            part.feed.take_sound(at, &mut self.scratch);
            add(&mut sound, &self.scratch, channels, over, (part.from, part.to));
        }
        self.measure(&sound, count);
        sound.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    /// Sample frames of the fade at a cut.
    pub(crate) fn cut_frames(&self) -> usize {
        (self.format.sample_rate * FADE_MILLIS / 1000).max(1) as usize
    }

    fn measure(&mut self, sound: &[f32], count: usize) {
        let channels = usize::from(self.format.channels);
        let mut peaks = vec![0.0f32; channels];
        for frame in sound.chunks_exact(channels) {
            for (peak, sample) in peaks.iter_mut().zip(frame) {
                *peak = peak.max(sample.abs());
            }
        }
        self.levels.push_back((count, peaks));
        let mut covered: usize = self.levels.iter().map(|(count, _)| count).sum();
        while covered > self.format.sample_rate as usize {
            let Some((count, _)) = self.levels.pop_front() else {
                break;
            };
            covered -= count;
        }
    }

    /// Sample peak of the last second per channel, dBFS.
    pub(crate) fn peaks(&self) -> Vec<f32> {
        (0..usize::from(self.format.channels))
            .map(|channel| {
                let peak = self.levels.iter().map(|(_, peaks)| peaks[channel]).fold(0.0, f32::max);
                if peak > 0.0 { (20.0 * peak.log10()).max(FLOOR_DBFS) } else { FLOOR_DBFS }
            })
            .collect()
    }
}

/// Adds `part` to `sound`; the gain is a ramp over the first `over` sample frames.
fn add(sound: &mut [f32], part: &[f32], channels: usize, over: usize, (from, to): (f32, f32)) {
    let frames = sound.chunks_exact_mut(channels).zip(part.chunks_exact(channels));
    for (n, (frame, part)) in frames.enumerate() {
        let gain = if n < over { from + (to - from) * n as f32 / over as f32 } else { to };
        for (sample, more) in frame.iter_mut().zip(part) {
            *sample += more * gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossfade_begins_with_the_old_and_ends_with_the_new() {
        let mut sound = vec![0.0; 20];
        add(&mut sound, &[1.0; 20], 1, 8, (0.0, 1.0));
        add(&mut sound, &[-1.0; 20], 1, 8, (1.0, 0.0));
        assert_eq!((sound[0], sound[4], sound[8], sound[19]), (-1.0, 0.0, 1.0, 1.0));
    }

    #[test]
    fn peaks_are_of_the_last_second() {
        let mut mixer = Mixer::new(AudioFormat { sample_rate: 1000, channels: 1 });
        assert_eq!(mixer.peaks(), [FLOOR_DBFS]);
        mixer.measure(&[0.5; 100], 100);
        assert!((mixer.peaks()[0] + 6.02).abs() < 0.01);
        (0..10).for_each(|_| mixer.measure(&[0.1; 100], 100));
        assert!((mixer.peaks()[0] + 20.0).abs() < 0.01);
    }
}
