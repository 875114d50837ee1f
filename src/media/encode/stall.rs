//! Whether an encoder stands still: pictures go in, none comes out. Pure.

use crate::model::FrameRate;

/// Looks in a row without a picture: 0.5 s at [`LOOK_MILLIS`](super::watch::LOOK).
const LOOKS: u32 = 10;

/// Before its first picture an encoder may fill its pipeline: 2 s.
const LOOKS_AT_FIRST: u32 = 40;

/// What was seen of one encoder. A look counts as one, however late it comes: a box that was frozen for a second has
/// stalled nothing.
#[derive(Debug)]
pub(super) struct Stall {
    /// Pictures that have to be waiting before silence means anything: 0.3 s of them.
    least: u64,
    encoded: u64,
    /// Pictures that had gone in when the last one came out.
    pushed: u64,
    looks: u32,
}

impl Stall {
    pub(super) fn new(rate: FrameRate) -> Self {
        Self { least: ((rate.as_f64() * 0.3).ceil() as u64).max(2), encoded: 0, pushed: 0, looks: 0 }
    }

    /// Takes note of how many pictures have gone in and come out so far; true if the encoder stands still.
    pub(super) fn look(&mut self, pushed: u64, encoded: u64) -> bool {
        if encoded != self.encoded {
            (self.encoded, self.pushed, self.looks) = (encoded, pushed, 0);
        } else if pushed - self.pushed >= 2 {
            self.looks += 1;
        }
        let most = if encoded == 0 { LOOKS_AT_FIRST } else { LOOKS };
        self.looks >= most && pushed - self.pushed >= self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The look, counted from 1, at which a stall is seen; pictures at 25 per second go in all the time.
    fn seen(encoded: impl Fn(u64) -> u64) -> Option<u64> {
        let mut stall = Stall::new(FrameRate::new(25, 1).unwrap());
        (1..200).find(|look| stall.look(look * 50 * 25 / 1000, encoded(look * 50 * 25 / 1000)))
    }

    #[test]
    fn half_a_second_without_a_picture_is_a_stall() {
        let seen = seen(|pushed| pushed.min(50)).unwrap() * 50 - 2000;
        assert!((500..=650).contains(&seen), "{seen} ms");
    }

    #[test]
    fn what_flows_late_or_slowly_is_none() {
        assert_eq!(seen(|pushed| pushed.saturating_sub(10)), None);
        assert_eq!(seen(|pushed| pushed / 8), None);
        assert_eq!(seen(|pushed| if pushed < 40 { 0 } else { pushed }), None, "a second of lookahead");
        assert!(seen(|_| 0).is_some());
    }

    #[test]
    fn without_pictures_nothing_is_expected() {
        let mut stall = Stall::new(FrameRate::new(25, 1).unwrap());
        assert!(!(0..100).any(|look| stall.look(if look < 3 { 9 } else { 10 }, 8)), "{stall:?}");
    }
}
