//! The tone: 1 kHz at the alignment level of EBU R 68, with a louder tick at each whole UTC second.

use std::f32::consts::TAU;

/// How long a tick lasts.
pub const TICK_MILLIS: u32 = 50;

/// −18 dBFS, the alignment level of EBU R 68.
const TONE_PEAK: f32 = 0.125_892_54;
/// −6 dBFS.
const TICK_PEAK: f32 = 0.501_187_2;
const TONE_HERTZ: u64 = 1000;

/// The sample at `sample_index_since_epoch` (one channel, −1 to 1). The tone is in phase with UTC: a tick begins at a
/// zero crossing, exactly on the second.
pub fn tone(sample_index_since_epoch: u64, sample_rate: u32) -> f32 {
    let rate = u64::from(sample_rate.max(1));
    let in_second = sample_index_since_epoch % rate;
    let peak = if in_second * 1000 < u64::from(TICK_MILLIS) * rate { TICK_PEAK } else { TONE_PEAK };
    let phase = (in_second * TONE_HERTZ % rate) as f32 / rate as f32;
    peak * (TAU * phase).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak_dbfs(range: std::ops::Range<u64>) -> f32 {
        20.0 * range.map(|i| tone(i, 48_000).abs()).fold(0.0, f32::max).log10()
    }

    #[test]
    fn levels_are_the_promised_ones() {
        let second = 1_763_683_200 * 48_000;
        assert!((peak_dbfs(second..second + 2400) + 6.0).abs() < 0.01);
        assert!((peak_dbfs(second + 2400..second + 48_000) + 18.0).abs() < 0.01);
        assert_eq!(tone(second, 48_000), 0.0);
    }
}
