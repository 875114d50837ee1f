//! H.264 levels (ITU-T H.264, table A-1): what a decoder of a level must be able to do.

use crate::model::{BitRate, FrameRate, PictureSize};

/// Name, macroblocks per second, macroblocks per frame, kbit/s of Baseline and Main.
const LEVELS: &[(&str, u64, u64, u64)] = &[
    ("1", 1_485, 99, 64),
    ("1.1", 3_000, 396, 192),
    ("1.2", 6_000, 396, 384),
    ("1.3", 11_880, 396, 768),
    ("2", 11_880, 396, 2_000),
    ("2.1", 19_800, 792, 4_000),
    ("2.2", 20_250, 1_620, 4_000),
    ("3", 40_500, 1_620, 10_000),
    ("3.1", 108_000, 3_600, 14_000),
    ("3.2", 216_000, 5_120, 20_000),
    ("4", 245_760, 8_192, 20_000),
    ("4.1", 245_760, 8_192, 50_000),
    ("4.2", 522_240, 8_704, 50_000),
    ("5", 589_824, 22_080, 135_000),
    ("5.1", 983_040, 36_864, 240_000),
    ("5.2", 2_073_600, 36_864, 240_000),
];

/// The lowest level that holds a rendition; none if there is no such level. High allows 1.25 times the bit rate
/// (table A-2).
pub(crate) fn lowest(size: PictureSize, rate: FrameRate, peak: BitRate, profile: &str) -> Option<&'static str> {
    let blocks = u64::from(size.width().div_ceil(16)) * u64::from(size.height().div_ceil(16));
    let per_second = (blocks * u64::from(rate.num())).div_ceil(u64::from(rate.den()));
    let factor = if profile == "high" { 1_250 } else { 1_000 };
    LEVELS
        .iter()
        .find(|(_, mbps, fs, kbps)| per_second <= *mbps && blocks <= *fs && peak.bps() <= kbps * factor)
        .map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_formats_have_their_usual_levels() {
        for (size, rate, peak, profile, level) in [
            ("640x360", "30", "1M", "main", "3"),
            ("1280x720", "30", "3.5M", "high", "3.1"),
            ("1280x720", "60", "6M", "high", "3.2"),
            ("1920x1080", "30", "8M", "high", "4"),
            ("1920x1080", "50", "12M", "high", "4.2"),
        ] {
            let found = lowest(size.parse().unwrap(), rate.parse().unwrap(), peak.parse().unwrap(), profile);
            assert_eq!(found, Some(level), "{size} {rate}");
        }
        let none = lowest("8192x8192".parse().unwrap(), "60".parse().unwrap(), "1M".parse().unwrap(), "high");
        assert_eq!(none, None);
    }
}
