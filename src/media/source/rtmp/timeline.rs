//! RTMP timestamps → running time.
//!
//! RTMP counts milliseconds in 32 bits, from anywhere. The first one is now; the rest follow at their distances. An
//! encoder that begins to count anew (or leaps) is set to now again, picture and sound with the same offset.

/// A step beyond this, forwards or backwards, is no stream that goes on.
const LEAP: i64 = 1_000;
/// After a leap of one stream, the other one leaps to the same offset if that puts it this close to now.
const CLOSE: i64 = 500;

/// Of one publisher.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Running time minus unwrapped timestamp, milliseconds.
    offset: Option<i64>,
    /// Last unwrapped timestamps of picture and sound.
    last: [Option<i64>; 2],
}

impl Timeline {
    /// Running time in milliseconds of a message with `timestamp` of stream `which` (0 or 1) that arrives `now`.
    pub(super) fn place(&mut self, which: usize, timestamp: u32, now: i64) -> i64 {
        // Whatever came last tells in which turn of the 32 bits this one is.
        let near = self.last[which].or(self.last[1 - which]);
        let unwrapped =
            near.map_or(i64::from(timestamp), |near| near + i64::from(timestamp.wrapping_sub(near as u32) as i32));
        let leapt = near.is_some_and(|near| (unwrapped - near).abs() > LEAP);
        self.last[which] = Some(unwrapped);
        match self.offset {
            Some(offset) if !leapt || (unwrapped + offset - now).abs() < CLOSE => unwrapped + offset,
            _ => {
                self.offset = Some(now - unwrapped);
                now
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_now_and_the_rest_follow() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(0, 5_000, 100), 100);
        assert_eq!(timeline.place(1, 4_990, 101), 90);
        // Arrival jitters, the place does not.
        assert_eq!(timeline.place(0, 5_040, 190), 140);
        assert_eq!(timeline.place(0, 5_080, 191), 180);
    }

    #[test]
    fn thirty_two_bits_turn_over() {
        let mut timeline = Timeline::default();
        timeline.place(0, u32::MAX - 19, 1_000);
        assert_eq!(timeline.place(0, 20, 1_040), 1_040);
    }

    #[test]
    fn a_leap_back_takes_both_streams_along() {
        let mut timeline = Timeline::default();
        timeline.place(0, 3_600_000, 0);
        timeline.place(1, 3_600_010, 10);
        assert_eq!(timeline.place(0, 0, 40), 40);
        assert_eq!(timeline.place(1, 30, 50), 70, "with the offset of the picture, not with its own arrival");
        assert_eq!(timeline.place(0, 40, 80), 80);
    }

    #[test]
    fn a_sender_that_drifts_away_is_no_leap() {
        let mut timeline = Timeline::default();
        timeline.place(0, 0, 0);
        // 0.2 % slow for an hour: 7 s behind, and still the same stream.
        let last = (1..90_000).map(|n| timeline.place(0, n * 40, i64::from(n) * 40 * 1_002 / 1_000)).last();
        assert_eq!(last, Some(89_999 * 40));
    }
}
