//! Which channel goes into which, and how loud.

use crate::model::sound::{ChannelMap, SoundLayout};

use super::meter::factor;

/// Half the power.
const MINUS_3_DB: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// The sound that arrives from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arriving {
    pub(crate) channels: u8,
    /// Whether six channels are 5.1, and not six of anything.
    pub(crate) surround: bool,
}

/// One channel that goes into another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tap {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) gain: f32,
}

/// All that go somewhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    taps: Vec<Tap>,
    inputs: usize,
    outputs: usize,
}

impl Matrix {
    /// As written. Channels that do not arrive are silent.
    pub(crate) fn mapped(map: &ChannelMap, inputs: u8) -> Self {
        let rows = map.rows().iter().enumerate();
        let taps = rows.flat_map(|(to, row)| {
            let there = row.iter().filter(|term| term.channel <= inputs);
            there.map(move |term| Tap { from: usize::from(term.channel) - 1, to, gain: factor(term.gain_db) })
        });
        Self { taps: taps.collect(), inputs: inputs.into(), outputs: map.channels().into() }
    }

    /// The usual way from what arrives to a program of `channels` in `layout`.
    pub(crate) fn usual(arriving: Arriving, layout: SoundLayout, channels: u8) -> Self {
        let inputs = usize::from(arriving.channels);
        let tap = |from, to, gain| Tap { from, to, gain };
        // ITU-R BS.775-3, annex 4: without the LFE.
        let downmix = |to: usize, gain: f32| {
            [tap(to, to, gain), tap(2, to, gain * MINUS_3_DB), tap(4 + to, to, gain * MINUS_3_DB)]
        };
        let surround = arriving.surround && inputs == 6;
        let straight = || (0..inputs.min(channels.into())).map(|n| tap(n, n, 1.0));
        let mono = inputs == 1;
        // Whatever the layout says, one channel is mono.
        let layout = if channels == 1 { SoundLayout::Mono } else { layout };
        let taps: Vec<Tap> = match layout {
            SoundLayout::Mono if mono => vec![tap(0, 0, 1.0)],
            SoundLayout::Mono if surround => {
                (0..2).flat_map(|side| downmix(side, 0.5)).map(|one| Tap { to: 0, ..one }).collect()
            }
            SoundLayout::Mono => (0..2).map(|n| tap(n, 0, 0.5)).collect(),
            SoundLayout::Stereo if surround => (0..2).flat_map(|side| downmix(side, 1.0)).collect(),
            SoundLayout::Stereo | SoundLayout::Surround if mono => vec![tap(0, 0, 1.0), tap(0, 1, 1.0)],
            SoundLayout::Stereo | SoundLayout::Surround => straight().collect(),
            SoundLayout::Pairs => pairs(arriving, usize::from(channels), &downmix),
        };
        Self { taps, inputs, outputs: channels.into() }
    }

    /// Whether everything leaves as it arrives.
    pub(crate) fn is_identity(&self) -> bool {
        self.inputs == self.outputs
            && self.taps.len() == self.inputs
            && self.taps.iter().enumerate().all(|(n, tap)| *tap == Tap { from: n, to: n, gain: 1.0 })
    }

    /// Adds one `frame` that arrives to one that leaves, times `gain`.
    pub(crate) fn add(&self, frame: &[f32], gain: f32, out: &mut [f32]) {
        for tap in &self.taps {
            out[tap.to] += frame[tap.from] * tap.gain * gain;
        }
    }

    /// Interleaved `sound` that arrives → what leaves.
    pub(crate) fn apply(&self, sound: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; sound.len() / self.inputs * self.outputs];
        for (frame, out) in sound.chunks_exact(self.inputs).zip(out.chunks_exact_mut(self.outputs)) {
            self.add(frame, 1.0, out);
        }
        out
    }
}

/// A pair that does not arrive has the first one's sound: a second language is better in the first than silent.
fn pairs(arriving: Arriving, channels: usize, downmix: &impl Fn(usize, f32) -> [Tap; 3]) -> Vec<Tap> {
    let inputs = usize::from(arriving.channels);
    let surround = arriving.surround && inputs == 6;
    let mut taps = Vec::new();
    for to in 0..channels {
        let first = if inputs == 1 { 0 } else { to % 2 };
        let pair_arrives = inputs > (to | 1) && inputs > 1;
        match (surround, pair_arrives) {
            (true, _) => taps.extend(downmix(to % 2, 1.0).map(|one| Tap { to, ..one })),
            (false, true) => taps.push(Tap { from: to, to, gain: 1.0 }),
            (false, false) => taps.push(Tap { from: first, to, gain: 1.0 }),
        }
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(channels: u8, surround: bool, layout: SoundLayout, program: u8, sound: &[f32]) -> Vec<f32> {
        Matrix::usual(Arriving { channels, surround }, layout, program).apply(sound)
    }

    #[test]
    fn the_usual_ways() {
        use SoundLayout::{Mono, Pairs, Stereo, Surround};
        let six = [0.1, 0.2, 0.4, 0.9, 0.3, 0.5];
        assert_eq!(usual(1, false, Stereo, 2, &[0.5]), [0.5, 0.5]);
        assert_eq!(usual(1, false, Stereo, 1, &[0.5]), [0.5], "a plan whose layout does not fit");
        assert_eq!(usual(2, false, Mono, 1, &[0.5, 0.1]), [0.3]);
        assert_eq!(usual(6, false, Stereo, 2, &six), [0.1, 0.2], "six discrete channels: the first two");
        let down = usual(6, true, Stereo, 2, &six);
        assert!((down[0] - (0.1 + 0.7 * MINUS_3_DB)).abs() < 1e-6, "{down:?}");
        assert!((down[1] - (0.2 + 0.9 * MINUS_3_DB)).abs() < 1e-6, "{down:?}");
        assert!((usual(6, true, Mono, 1, &six)[0] - (down[0] + down[1]) / 2.0).abs() < 1e-6);
        assert_eq!(usual(2, false, Surround, 6, &[0.1, 0.2]), [0.1, 0.2, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(usual(4, false, Pairs, 4, &[0.1, 0.2, 0.3, 0.4]), [0.1, 0.2, 0.3, 0.4]);
        assert_eq!(usual(2, false, Pairs, 4, &[0.1, 0.2]), [0.1, 0.2, 0.1, 0.2], "a language is never silent");
        assert_eq!(usual(3, false, Pairs, 4, &[0.1, 0.2, 0.3]), [0.1, 0.2, 0.1, 0.2]);
        assert_eq!(usual(1, false, Pairs, 4, &[0.1]), [0.1; 4]);
        assert_eq!(usual(2, false, Stereo, 2, &[0.1, 0.2, 0.3, 0.4]), [0.1, 0.2, 0.3, 0.4]);
    }

    #[test]
    fn any_channel_goes_to_any_other() {
        let rows = ["2@-6 + 1@-6", "-", "3", "5"].map(|row| ChannelMap::parse_row(row).unwrap());
        let matrix = Matrix::mapped(&ChannelMap::from_rows(rows.to_vec()), 3);
        let out = matrix.apply(&[1.0, 0.0, 0.7]);
        assert!((out[0] - 0.501).abs() < 0.001, "{out:?}");
        assert_eq!(out[1..], [0.0, 0.7, 0.0], "a channel that does not arrive is silent");
        assert!(Matrix::mapped(&ChannelMap::identity(4), 4).is_identity());
        assert!(!Matrix::mapped(&ChannelMap::identity(4), 6).is_identity());
    }
}
