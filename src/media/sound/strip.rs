//! The channel strip of one source: its map, its gain, and how far it is faded in.

use super::matrix::{Arriving, Matrix};
use super::ramp::Ramp;
use crate::model::sound::{ChannelMap, SoundLayout};

/// A fade that is longer keeps the power of two different sounds even; a shorter one is a switch, and only must not click.
const EVEN_POWER_FROM: f32 = 0.1;

/// One strip.
#[derive(Debug)]
pub(crate) struct Strip {
    map: Option<ChannelMap>,
    layout: SoundLayout,
    outputs: u8,
    rate: u32,
    matrix: Option<(Arriving, Matrix)>,
    gain: Ramp,
    level: Ramp,
    long_fade: bool,
}

impl Strip {
    /// A strip into a program of `outputs` channels, faded out.
    pub(crate) fn new(map: Option<ChannelMap>, layout: SoundLayout, outputs: u8, rate: u32, gain: f32) -> Self {
        let (gain, level) = (Ramp::at(gain), Ramp::at(0.0));
        Self { map, layout, outputs, rate, matrix: None, gain, level, long_fade: false }
    }

    /// Another map.
    pub(crate) fn set_map(&mut self, map: Option<ChannelMap>) {
        if map != self.map {
            (self.map, self.matrix) = (map, None);
        }
    }

    /// Fades to `level` (0 is out, 1 is as it comes) within `samples`.
    pub(crate) fn fade(&mut self, level: f32, samples: usize) {
        if level != self.level.target() {
            self.long_fade = samples as f32 >= EVEN_POWER_FROM * self.rate as f32;
            self.level.go(level, samples);
        }
    }

    /// Another gain, as a factor, reached within `samples`.
    pub(crate) fn set_gain(&mut self, gain: f32, samples: usize) {
        self.gain.go(gain, samples);
    }

    /// Whether nothing of it is heard; its sound then need not be read.
    pub(crate) fn is_out(&self) -> bool {
        self.level.is_zero()
    }

    /// Adds interleaved `sound` to `out`.
    pub(crate) fn add(&mut self, arriving: Arriving, sound: &[f32], out: &mut [f32]) {
        if arriving.channels == 0 {
            return;
        }
        let fits = self.matrix.as_ref().is_some_and(|(known, _)| *known == arriving);
        if !fits {
            let matrix = match &self.map {
                Some(map) => Matrix::mapped(map, arriving.channels),
                None => Matrix::usual(arriving, self.layout, self.outputs),
            };
            self.matrix = Some((arriving, matrix));
        }
        let Some((_, matrix)) = &self.matrix else { return };
        let frames = sound.chunks_exact(arriving.channels.into());
        for (frame, out) in frames.zip(out.chunks_exact_mut(self.outputs.into())) {
            let level = self.level.next();
            let level = if self.long_fade && level < 1.0 { (level * std::f32::consts::FRAC_PI_2).sin() } else { level };
            matrix.add(frame, level * self.gain.next(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEREO: Arriving = Arriving { channels: 2, surround: false };

    fn strip() -> Strip {
        Strip::new(None, SoundLayout::Stereo, 2, 48_000, 1.0)
    }

    #[test]
    fn two_strips_crossfade() {
        let (mut old, mut new) = (strip(), strip());
        old.fade(1.0, 1);
        old.add(STEREO, &[-1.0; 4], &mut [0.0; 4]);
        old.fade(0.0, 8);
        new.fade(1.0, 8);
        let mut out = vec![0.0; 40];
        old.add(STEREO, &[-1.0; 40], &mut out);
        new.add(STEREO, &[1.0; 40], &mut out);
        assert_eq!((out[0], out[8], out[16], out[39]), (-1.0, 0.0, 1.0, 1.0));
        assert!(old.is_out() && !new.is_out());
    }

    #[test]
    fn a_long_fade_keeps_the_power_even() {
        let (mut old, mut new) = (strip(), strip());
        old.fade(1.0, 1);
        old.add(STEREO, &[1.0; 4], &mut [0.0; 4]);
        old.fade(0.0, 48_000);
        new.fade(1.0, 48_000);
        let (mut leaving, mut coming) = (vec![0.0; 96_000], vec![0.0; 96_000]);
        old.add(STEREO, &[1.0; 96_000], &mut leaving);
        new.add(STEREO, &[1.0; 96_000], &mut coming);
        let power: Vec<f32> = leaving.iter().zip(&coming).map(|(a, b)| a * a + b * b).collect();
        assert!(power.iter().all(|power| (power - 1.0).abs() < 0.01), "{:?}", power[48_000]);
    }

    #[test]
    fn gain_and_mute_do_not_click() {
        let mut strip = strip();
        strip.fade(1.0, 1);
        strip.add(STEREO, &[1.0; 4], &mut [0.0; 4]);
        strip.set_gain(0.0, 480);
        let mut out = vec![0.0; 2000];
        strip.add(STEREO, &[1.0; 2000], &mut out);
        assert!(out.windows(3).all(|w| (w[2] - w[0]).abs() < 0.003));
        assert_eq!((out[0], out[1999]), (1.0, 0.0));
    }
}
