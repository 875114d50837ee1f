//! The gain rider of the loudness correction: what a careful operator's hand does at the fader.
//!
//! Every [`STEP`] it looks at the short-term loudness (3 s) of what comes in and moves the gain towards what would bring
//! that to the target: an exponential approach of [`TIME`], never faster than [`UP`] and [`DOWN`], never further than the
//! stream class allows. What is more than [`GATE`] below the target (a pause, the hall between two pieces) moves nothing,
//! or pauses would be pumped up. So a steady sound that is 6 LU too soft is within 1 LU after about 15 s, and the
//! dynamics within a sentence or a bar stay as they were.

/// Between two decisions, seconds.
pub(super) const STEP: f64 = 0.1;
/// Time constant of the approach, seconds.
const TIME: f64 = 4.0;
/// Fastest way up, dB per second.
const UP: f64 = 0.5;
/// Fastest way down, dB per second: what is too loud hurts at once.
const DOWN: f64 = 1.0;
/// Below the target by more than this nothing is moved, LU.
const GATE: f64 = 20.0;

/// The fader.
#[derive(Debug)]
pub(super) struct Rider {
    target: f64,
    most: f64,
    gain_db: f64,
}

impl Rider {
    /// Towards `target` LUFS, by at most `most` dB.
    pub(super) fn new(target: f64, most: f64) -> Self {
        Self { target, most, gain_db: 0.0 }
    }

    pub(super) fn gain_db(&self) -> f64 {
        self.gain_db
    }

    /// The gain for the next [`STEP`], after what came in had this short-term loudness.
    pub(super) fn step(&mut self, short_term: f64) -> f64 {
        // False for minus infinity and for what is no number, too.
        if short_term > self.target - GATE {
            let wanted = (self.target - short_term).clamp(-self.most, self.most);
            let speed = ((wanted - self.gain_db) / TIME).clamp(-DOWN, UP);
            self.gain_db += speed * STEP;
        }
        self.gain_db
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rider: &mut Rider, seconds: f64, loudness: f64) -> f64 {
        (0..(seconds / STEP) as usize).for_each(|_| {
            rider.step(loudness);
        });
        rider.gain_db()
    }

    #[test]
    fn it_goes_to_the_target_slowly() {
        let mut rider = Rider::new(-23.0, 9.0);
        let first = after(&mut rider, 1.0, -29.0);
        assert!((0.3..=0.51).contains(&first), "{first}");
        assert!((after(&mut rider, 15.0, -29.0) - 6.0).abs() < 1.0);
        assert!((after(&mut rider, 30.0, -29.0) - 6.0).abs() < 0.05);
        let down = 6.0 - after(&mut rider, 1.0, -17.0);
        assert!((0.9..=1.01).contains(&down), "{down}");
    }

    #[test]
    fn a_pause_and_silence_move_nothing_and_the_gain_has_a_bound() {
        let mut rider = Rider::new(-23.0, 9.0);
        assert_eq!(after(&mut rider, 60.0, -50.0), 0.0);
        assert_eq!(after(&mut rider, 60.0, f64::NEG_INFINITY), 0.0);
        assert!((after(&mut rider, 120.0, -40.0) - 9.0).abs() < 0.01);
        assert!((after(&mut rider, 120.0, -3.0) + 9.0).abs() < 0.01);
    }
}
