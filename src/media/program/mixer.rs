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
    silent: bool,
}

impl Mixer {
    pub(crate) fn new(format: AudioFormat) -> Self {
        Self { format, levels: VecDeque::new(), silent: true }
    }

    /// Whether the last tick came from the slate.
    pub(crate) fn was_silent(&self) -> bool {
        self.silent
    }

    /// `count` sample frames from `at` on of `to` (silence for the slate), as interleaved F32LE bytes. At a switch the
    /// sound of `left` fades out while `to` fades in.
    pub(crate) fn mix(
        &mut self,
        at: MediaTime,
        count: usize,
        to: Option<&Feed>,
        left: Option<&Feed>,
        switched: bool,
    ) -> Vec<u8> {
        let channels = usize::from(self.format.channels);
        let mut sound = vec![0.0f32; count * channels];
        if let Some(feed) = to {
            feed.take_sound(at, &mut sound);
        }
        if switched {
            let fade = (self.format.sample_rate * FADE_MILLIS / 1000).max(1) as usize;
            let mut tail = vec![0.0f32; count.min(fade) * channels];
            if let Some(feed) = left {
                feed.take_sound(at, &mut tail);
            }
            crossfade(&mut sound, &tail, channels, fade);
        }
        self.silent = to.is_none();
        self.measure(&sound, count);
        sound.iter().flat_map(|sample| sample.to_le_bytes()).collect()
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

/// Fades `sound` in over `fade` sample frames while `tail` fades out.
fn crossfade(sound: &mut [f32], tail: &[f32], channels: usize, fade: usize) {
    let old = tail.chunks_exact(channels).map(Some).chain(std::iter::repeat(None));
    for (n, (frame, old)) in sound.chunks_exact_mut(channels).zip(old).take(fade).enumerate() {
        let gain = n as f32 / fade as f32;
        for (channel, sample) in frame.iter_mut().enumerate() {
            let leaving = old.map_or(0.0, |old| old[channel]);
            *sample = *sample * gain + leaving * (1.0 - gain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossfade_begins_with_the_old_and_ends_with_the_new() {
        let mut sound = vec![1.0; 20];
        crossfade(&mut sound, &[-1.0; 8], 1, 8);
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
