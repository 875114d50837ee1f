//! What meters of a program show: small enough to be sent twenty times a second.

use serde::{Deserialize, Serialize};

/// Levels since the reading before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MeterReading {
    /// Highest sample of each channel of the program since the reading before, dBFS; −120 for digital silence. Ballistics
    /// are the meter's.
    pub peak_dbfs: Vec<f32>,
    /// Loudness of the main mix over 400 ms, LUFS.
    pub momentary: Option<f64>,
    /// The same over 3 s.
    pub short_term: Option<f64>,
}

impl MeterReading {
    /// Takes over a later reading of the same program: no peak in between is lost.
    pub fn take_over(&mut self, later: &Self) {
        if self.peak_dbfs.len() == later.peak_dbfs.len() {
            self.peak_dbfs.iter_mut().zip(&later.peak_dbfs).for_each(|(held, peak)| *held = held.max(*peak));
        } else {
            self.peak_dbfs.clone_from(&later.peak_dbfs);
        }
        (self.momentary, self.short_term) = (later.momentary, later.short_term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_held_and_loudness_is_the_newest() {
        let reading = |peaks: &[f32], momentary| MeterReading {
            peak_dbfs: peaks.to_vec(),
            momentary: Some(momentary),
            short_term: None,
        };
        let mut held = reading(&[-20.0, -6.0], -23.0);
        held.take_over(&reading(&[-9.0, -30.0], -19.5));
        assert_eq!(held, reading(&[-9.0, -6.0], -19.5));
        held.take_over(&reading(&[-40.0], -50.0));
        assert_eq!(held, reading(&[-40.0], -50.0), "another program has other channels");
    }
}
