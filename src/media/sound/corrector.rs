//! Loudness correction of one mix: the [rider](super::rider)'s gain, and the [limiter](super::limiter) behind it.

use ebur128::{EbuR128, Error, Mode};

use super::limiter::Limiter;
use super::loudness::meter;
use super::meter::factor;
use super::ramp::Ramp;
use super::rider::{Rider, STEP};
use crate::plan::CorrectionPlan;

/// The correction of one mix.
pub(crate) struct Corrector {
    channels: usize,
    rider: Rider,
    meter: EbuR128,
    gain: Ramp,
    limiter: Limiter,
    /// Samples per channel of a [`STEP`], and those until the next.
    step: usize,
    until: usize,
}

impl Corrector {
    /// Sample frames by which the sound leaves late, which whoever stamps it takes off again.
    pub(crate) fn latency(rate: u32) -> usize {
        Limiter::latency(rate)
    }

    /// Corrects a mix of `channels`.
    pub(crate) fn new(rate: u32, channels: usize, plan: CorrectionPlan, limit_dbtp: f64) -> Result<Self, Error> {
        let step = (f64::from(rate) * STEP) as usize;
        Ok(Self {
            channels,
            rider: Rider::new(plan.target_lufs, plan.max_gain_db),
            meter: meter(rate, channels, Mode::S)?,
            gain: Ramp::at(1.0),
            limiter: Limiter::new(rate, channels, limit_dbtp),
            step,
            until: step,
        })
    }

    /// Corrects interleaved `sound` in place; what leaves is what came [`Corrector::latency`] before.
    pub(crate) fn process(&mut self, sound: &mut [f32]) {
        // Refuses only an incomplete frame, which a mix does not have.
        let _ = self.meter.add_frames_f32(sound);
        self.until = self.until.saturating_sub(sound.len() / self.channels);
        if self.until == 0 {
            self.until = self.step;
            let short_term = self.meter.loudness_shortterm().unwrap_or(f64::NEG_INFINITY);
            self.gain.go(factor(self.rider.step(short_term) as f32), self.step);
        }
        for frame in sound.chunks_exact_mut(self.channels) {
            let gain = self.gain.next();
            frame.iter_mut().for_each(|sample| *sample *= gain);
        }
        self.limiter.process(sound);
    }

    /// The rider's gain and what the limiter took away since this was asked last, dB.
    pub(crate) fn gains_db(&mut self) -> (f64, f64) {
        let tidy = |value: f64| (value * 100.0).round() / 100.0;
        (tidy(self.rider.gain_db()), tidy(self.limiter.reduction_db()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: CorrectionPlan = CorrectionPlan { target_lufs: -23.0, max_gain_db: 9.0 };

    /// The loudness of the last ten of `seconds` of a tone that came in with `dbfs`, and its true peak.
    fn corrected(dbfs: f64, seconds: usize) -> (f64, f64) {
        let amplitude = 10f64.powf(dbfs / 20.0);
        let wave = |n: usize| ((n as f64 * 1000.0 * std::f64::consts::TAU / 48_000.0).sin() * amplitude) as f32;
        let mut corrector = Corrector::new(48_000, 2, PLAN, -1.0).unwrap();
        let mut judge = EbuR128::new(2, 48_000, Mode::I | Mode::TRUE_PEAK).unwrap();
        for tick in 0..seconds * 30 {
            let mut sound: Vec<f32> = (tick * 1600..(tick + 1) * 1600).flat_map(|n| [wave(n); 2]).collect();
            corrector.process(&mut sound);
            if tick >= (seconds - 10) * 30 {
                judge.add_frames_f32(&sound).unwrap();
            }
        }
        (judge.loudness_global().unwrap(), judge.true_peak(0).unwrap())
    }

    #[test]
    fn what_is_too_soft_or_too_loud_comes_to_the_target() {
        for dbfs in [-29.0, -23.0, -15.0] {
            let (loudness, _) = corrected(dbfs, 45);
            assert!((loudness + 23.0).abs() < 0.3, "{dbfs} dBFS came to {loudness:.2} LUFS");
        }
    }

    #[test]
    fn it_goes_no_further_than_it_may() {
        let (loudness, _) = corrected(-40.0, 60);
        assert!((loudness + 31.0).abs() < 0.3, "{loudness:.2}");
    }
}
