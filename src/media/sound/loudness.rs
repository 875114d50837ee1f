//! Loudness of one mix after EBU R 128, ITU-R BS.1770 and EBU Tech 3342.
//!
//! The arithmetic is that of the `ebur128` crate. Blocks are kept in a histogram of 0.1 LU, so that a show of many hours
//! takes no more memory and time than one of a minute.

use ebur128::{Channel, EbuR128, Error, Mode};

use super::meter::{FLOOR, decibels};
use crate::model::MediaTime;
use crate::model::sound::Loudness;

/// A meter.
pub(crate) struct LoudnessMeter {
    meter: EbuR128,
    /// Channels of the mix in the program, from 0.
    channels: Vec<usize>,
    since: MediaTime,
}

impl LoudnessMeter {
    /// Measures the mix of these program channels.
    pub(crate) fn new(rate: u32, channels: Vec<usize>, since: MediaTime) -> Result<Self, Error> {
        let all = Mode::M | Mode::S | Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        Ok(Self { meter: meter(rate, channels.len(), all)?, channels, since })
    }

    /// Begins anew.
    pub(crate) fn restart(&mut self, since: MediaTime) {
        self.meter.reset();
        self.since = since;
    }

    /// Takes the mix's interleaved samples; the true peak of each channel in them, as amplitude.
    pub(crate) fn add(&mut self, samples: &[f32]) -> Vec<f64> {
        // Refuses only an incomplete frame, which a mix does not have.
        let _ = self.meter.add_frames_f32(samples);
        (0..self.channels.len() as u32).map(|channel| self.meter.prev_true_peak(channel).unwrap_or(0.0)).collect()
    }

    /// What is known by now.
    pub(crate) fn loudness(&self) -> Loudness {
        // Minus infinity: nothing has passed the gate, or there is silence.
        let known = |value: Result<f64, Error>| value.ok().filter(|value| value.is_finite()).map(tidy);
        let peak = |channel: usize| self.meter.true_peak(channel as u32).map_or(FLOOR, decibels);
        Loudness {
            channels: self.channels.iter().map(|channel| *channel as u8 + 1).collect(),
            momentary: known(self.meter.loudness_momentary()),
            short_term: known(self.meter.loudness_shortterm()),
            integrated: known(self.meter.loudness_global()),
            lra: known(self.meter.loudness_range()),
            true_peak: (0..self.channels.len()).map(|channel| tidy(peak(channel))).collect(),
            since: self.since,
            correction_db: None,
            limiter_db: None,
        }
    }
}

/// A meter of the channel weights of BS.1770: LFE not at all, surround 1.5 dB more.
pub(super) fn meter(rate: u32, channels: usize, mode: Mode) -> Result<EbuR128, Error> {
    let mut meter = EbuR128::new(channels as u32, rate, mode)?;
    let order = [
        Channel::Left,
        Channel::Right,
        Channel::Center,
        Channel::Unused,
        Channel::LeftSurround,
        Channel::RightSurround,
    ];
    if channels <= order.len() {
        meter.set_channel_map(&order[..channels])?;
    }
    Ok(meter)
}

/// Two decimals say all that can be measured.
fn tidy(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
#[path = "loudness_tests.rs"]
mod against_ffmpeg;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f64, hertz: f64, seconds: usize) -> Vec<f32> {
        let wave = |n: usize| (n as f64 * hertz * std::f64::consts::TAU / 48_000.0).sin() * amplitude;
        (0..seconds * 48_000).flat_map(|n| [wave(n) as f32; 2]).collect()
    }

    fn stereo() -> LoudnessMeter {
        LoudnessMeter::new(48_000, vec![0, 1], MediaTime::from_secs(1)).unwrap()
    }

    #[test]
    fn a_stereo_tone_of_minus_23_dbfs_is_minus_23_lufs() {
        let mut meter = stereo();
        tone(10f64.powf(-23.0 / 20.0), 1000.0, 20).chunks(3200).for_each(|tick| {
            meter.add(tick);
        });
        let loudness = meter.loudness();
        for value in [loudness.momentary, loudness.short_term, loudness.integrated] {
            assert!((value.unwrap() + 23.0).abs() <= 0.1, "{loudness:?}");
        }
        assert!((loudness.true_peak[1] + 23.0).abs() < 0.2, "{loudness:?}");
    }

    #[test]
    fn a_restart_forgets_what_was() {
        let mut meter = stereo();
        meter.add(&tone(0.5, 1000.0, 5));
        meter.restart(MediaTime::from_secs(9));
        let loudness = meter.loudness();
        assert_eq!((loudness.integrated, loudness.since), (None, MediaTime::from_secs(9)));
        assert_eq!(loudness.true_peak, [FLOOR, FLOOR]);
        meter.add(&tone(0.05, 1000.0, 5));
        assert!(meter.loudness().integrated.unwrap() < -25.0);
    }

    #[test]
    fn silence_is_no_number() {
        let mut meter = stereo();
        meter.add(&[0.0; 960_000]);
        let loudness = meter.loudness();
        assert_eq!((loudness.momentary, loudness.integrated), (None, None));
        assert_eq!(loudness.channels, [1, 2]);
    }
}
