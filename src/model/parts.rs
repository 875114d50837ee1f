//! How long the parts of a segment are (low latency, rfc8216bis 4.4.4.9): a whole number of pictures, or of AAC frames,
//! counted from the beginning of the segment. So two boxes cut the same parts, and every part but the last of its
//! segment is as long as the others of its rendition.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::FrameRate;

/// Samples of an AAC-LC frame (ISO/IEC 14496-3).
const AAC_FRAME: u64 = 1024;

/// The wanted duration of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartPace {
    millis: u32,
}

impl PartPace {
    /// A pace of `millis`; none for zero.
    pub fn new(millis: u32) -> Option<Self> {
        (millis > 0).then_some(Self { millis })
    }

    /// Pictures in a part: as many as the pace takes, a begun one included.
    pub fn pictures(self, rate: FrameRate) -> u64 {
        let (num, den) = (u64::from(rate.num()), u64::from(rate.den()));
        (u64::from(self.millis) * num).div_ceil(1000 * den).max(1)
    }

    /// AAC frames in a part.
    pub fn aac_frames(self, sample_rate: u32) -> u64 {
        (u64::from(self.millis) * u64::from(sample_rate)).div_ceil(1000 * AAC_FRAME).max(1)
    }

    /// The longest part of picture or sound: the same PART-TARGET in every playlist of a channel.
    pub fn target(self, rate: FrameRate, sample_rate: u32) -> Duration {
        self.picture_part(rate).max(self.sound_part(sample_rate))
    }

    /// Whether no part but the last of a segment is below 85 % of the target (rfc8216bis 4.4.3.7).
    pub fn is_even(self, rate: FrameRate, sample_rate: u32) -> bool {
        let shortest = self.picture_part(rate).min(self.sound_part(sample_rate));
        shortest * 100 >= self.target(rate, sample_rate) * 85
    }

    fn picture_part(self, rate: FrameRate) -> Duration {
        lasting(self.pictures(rate) * u64::from(rate.den()), rate.num().into())
    }

    fn sound_part(self, sample_rate: u32) -> Duration {
        lasting(self.aac_frames(sample_rate) * AAC_FRAME, sample_rate.into())
    }
}

/// `count / rate` seconds, rounded up.
fn lasting(count: u64, rate: u64) -> Duration {
    Duration::from_nanos((u128::from(count) * 1_000_000_000).div_ceil(rate.max(1).into()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_whole_pictures_and_whole_frames_of_sound() {
        let pace = PartPace::new(200).unwrap();
        for (rate, pictures) in [((25, 1), 5), ((30, 1), 6), ((24, 1), 5), ((50, 1), 10), ((30_000, 1001), 6)] {
            let rate = FrameRate::new(rate.0, rate.1).unwrap();
            assert_eq!(pace.pictures(rate), pictures, "{rate:?}");
            assert!(pace.is_even(rate, 48_000) && pace.is_even(rate, 44_100), "{rate:?}");
        }
        assert_eq!((pace.aac_frames(48_000), pace.aac_frames(44_100)), (10, 9));
        let rate = FrameRate::new(25, 1).unwrap();
        assert_eq!(pace.target(rate, 48_000), Duration::from_nanos(213_333_334));
        assert_eq!(PartPace::new(0), None);
    }
}
