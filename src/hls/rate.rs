//! Bit rates as playlists want them, from sizes and durations of segments.

use std::time::Duration;

use crate::model::BitRate;

/// What a rendition's segments measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRates {
    /// Peak segment bit rate (rfc8216bis 4.1): the largest over any neighbours which together last 0.5 to 1.5 target
    /// durations.
    pub peak: BitRate,
    /// All bits by all seconds.
    pub average: BitRate,
}

impl SegmentRates {
    /// Measures segments given as (bytes, duration), in order. None before there is half a target duration of media.
    pub fn measure(segments: &[(u64, Duration)], target: Duration) -> Option<Self> {
        let bytes = segments.iter().map(|(bytes, _)| bytes).sum();
        let duration: Duration = segments.iter().map(|(_, duration)| duration).sum();
        if duration.is_zero() || duration * 2 < target {
            return None;
        }
        let average = rate(bytes, duration);
        let peak = (0..segments.len()).filter_map(|from| peak_from(&segments[from..], target)).max();
        Some(Self { peak: peak.unwrap_or(average).max(average), average })
    }
}

/// The largest rate of those that begin with the first of `segments`.
fn peak_from(segments: &[(u64, Duration)], target: Duration) -> Option<BitRate> {
    let (mut bytes, mut duration, mut peak) = (0u64, Duration::ZERO, None);
    for segment in segments {
        bytes += segment.0;
        duration += segment.1;
        if duration * 2 > target * 3 {
            break;
        }
        if duration * 2 >= target {
            peak = peak.max(Some(rate(bytes, duration)));
        }
    }
    peak
}

fn rate(bytes: u64, duration: Duration) -> BitRate {
    BitRate((u128::from(bytes) * 8 * 1_000_000_000).div_ceil(duration.as_nanos().max(1)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_secs(2);

    #[test]
    fn the_peak_is_that_of_the_worst_segment() {
        let segments = [(250_000, TARGET), (500_000, TARGET), (250_000, TARGET)];
        let rates = SegmentRates::measure(&segments, TARGET).unwrap();
        assert_eq!(rates.peak, BitRate(2_000_000));
        assert_eq!(rates.average, BitRate(1_333_334));
    }

    #[test]
    fn a_tiny_tail_does_not_make_a_peak() {
        let segments = [(250_000, TARGET), (60_000, Duration::from_millis(100)), (250_000, TARGET)];
        let rates = SegmentRates::measure(&segments, TARGET).unwrap();
        assert_eq!(rates.peak, BitRate((310_000f64 * 8.0 / 2.1f64).ceil() as u64));
    }

    #[test]
    fn nothing_is_measured_before_there_is_enough() {
        assert_eq!(SegmentRates::measure(&[], TARGET), None);
        assert_eq!(SegmentRates::measure(&[(9_000, Duration::from_millis(900))], TARGET), None);
    }
}
